//! Locking one's own account: by its owner's wish, or because a line of the history was not them. A locked account signs
//! in nowhere, in the same words as a name that nobody has; so what to do then stands on a page of its own, the same for
//! whoever asks.

use askama::Template;
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use propusk::axum::{FormFields, TokenForm};
use propusk::event::Event;
use propusk::flow::Effect;
use propusk::id::EventId;
use propusk::{Auth, Session};
use serde::Deserialize;

use super::history::Line;
use crate::app::Failure;
use crate::guest::{Guest, Member};
use crate::view::{Frame, Hidden};

#[derive(Debug, Template)]
#[template(path = "lock.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    token: Hidden,
    /// What was not them.
    line: Option<Line>,
    event: String,
}

#[derive(Debug, Template)]
#[template(path = "locked.html", config = "examples/cabinet/askama.toml")]
struct Locked {
    frame: Frame,
}

#[derive(Debug, Deserialize)]
pub struct About {
    #[serde(default)]
    event: String,
}

#[derive(Debug, Deserialize)]
pub struct Lock {
    event: String,
}

impl FormFields for Lock {
    const PURPOSE: &'static str = "lock";
}

pub async fn show(member: Member, Query(about): Query<About>) -> Result<Response, Failure> {
    let Member { guest, session, .. } = member;
    let found = match about.event.parse() {
        Ok(id) => find(&guest.app.auth, &session, id).await?,
        Err(_) => None,
    };
    let (life, told) = (&guest.t.ending, found.is_some());
    let mut frame = guest.frame("/lock", if told { life.not_me_title } else { life.lock_title })?.narrow();
    if told {
        frame.address = format!("/lock?event={}", about.event);
    }
    let page = Page {
        frame,
        token: guest.hidden::<Lock>()?,
        line: found.map(|event| Line::of(guest.t, &event)),
        event: if told { about.event } else { String::new() },
    };
    Ok(guest.page(&page))
}

pub async fn lock(member: Member, TokenForm(form): TokenForm<Lock>) -> Result<Response, Failure> {
    let Member { guest, session, .. } = member;
    let locked = match form.event.parse::<EventId>() {
        Ok(line) => guest.visit.not_me(&session, line).await?,
        Err(_) => guest.visit.lock(&session).await?,
    };
    match locked {
        Effect::Done => Ok((guest.signed_out(), Redirect::to("/locked")).into_response()),
        _ => Ok(Redirect::to("/history").into_response()),
    }
}

pub async fn locked(guest: Guest) -> Result<Response, Failure> {
    let frame = guest.frame("/locked", guest.t.ending.locked_title)?.narrow();
    Ok(guest.page(&Locked { frame }))
}

/// Only one's own: the id comes from outside.
async fn find(auth: &Auth, session: &Session, id: EventId) -> Result<Option<Event>, Failure> {
    let recent = auth.history(session.account(), propusk::event::EventPage::newest(LATEST)).await?;
    Ok(recent.into_iter().find(|event| event.id == id))
}

const LATEST: usize = 1000;
