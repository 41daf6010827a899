//! Sessions and devices: see them, end one, end the others.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use propusk::axum::{FormFields, TokenForm};
use propusk::flow::Effect;
use propusk::id::SessionId;
use serde::Deserialize;

use crate::app::Failure;
use crate::dates::{Moment, moment};
use crate::guest::Member;
use crate::view::{Frame, Hidden};

#[derive(Debug, Template)]
#[template(path = "sessions.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    end: Hidden,
    end_others: Hidden,
    sessions: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    id: SessionId,
    here: bool,
    device: String,
    address: Option<String>,
    began: Moment,
    seen: Moment,
}

#[derive(Debug, Deserialize)]
pub struct End {
    session: String,
}

#[derive(Debug, Deserialize)]
pub struct EndOthers {}

impl FormFields for End {
    const PURPOSE: &'static str = "session-end";
}

impl FormFields for EndOthers {
    const PURPOSE: &'static str = "session-end-others";
}

pub async fn show(member: Member) -> Result<Response, Failure> {
    let Member { guest, session: mine, .. } = member;
    let locale = guest.locale();
    let mut sessions: Vec<_> = guest
        .app
        .auth
        .sessions(mine.account())
        .await?
        .into_iter()
        .map(|listed| {
            let (session, from) = (listed.session, listed.from);
            let device = from.as_ref().map(|from| guest.t.device(&from.device));
            Line {
                id: session.id(),
                here: session.id() == mine.id(),
                device: device.unwrap_or_else(|| guest.t.unknown_device.to_owned()),
                address: from.and_then(|from| from.address).map(|address| address.to_string()),
                began: moment(session.created(), locale),
                seen: moment(session.seen(), locale),
            }
        })
        .collect();
    sessions.sort_by_key(|line| !line.here);
    let (end, end_others) = (guest.hidden::<End>()?, guest.hidden::<EndOthers>()?);
    Ok(guest.page(&Page { frame: guest.frame("/sessions", guest.t.sessions)?, end, end_others, sessions }))
}

pub async fn end(member: Member, TokenForm(form): TokenForm<End>) -> Result<Response, Failure> {
    let Member { guest, session, .. } = member;
    // Only a session of the same account can be ended, whatever id is posted: the library sees to it.
    let ended = match form.session.parse() {
        Ok(id) => guest.visit.end_session(&session, id).await?,
        Err(_) => Effect::Nothing,
    };
    guest.say(if ended == Effect::Done { |t| t.session_ended } else { |t| t.no_such_session });
    Ok(Redirect::to("/sessions").into_response())
}

pub async fn end_others(
    member: Member,
    TokenForm(EndOthers {}): TokenForm<EndOthers>,
) -> Result<Response, Failure> {
    let Member { guest, session, .. } = member;
    // A session that has itself ended meanwhile has ended nothing: the next page asks to sign in.
    if guest.visit.end_other_sessions(&session).await? != Effect::NoSession {
        guest.say(|t| t.others_ended);
    }
    Ok(Redirect::to("/sessions").into_response())
}
