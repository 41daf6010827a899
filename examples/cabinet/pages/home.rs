//! The first page of a signed-in person: what happened lately, what is worth doing, and where to go.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use propusk::BackupCodes;
use propusk::axum::{FormFields, TokenForm};
use propusk::event::{EventPage, Outcome, name};
use propusk::proof::Channel;
use serde::Deserialize;

use super::history::Line;
use super::recovery::{self, Waits};
use super::security;
use super::services::account;
use crate::app::Failure;
use crate::dates::{Moment, moment};
use crate::guest::Member;
use crate::texts::Service;
use crate::view::{Frame, Hidden};

#[derive(Debug, Template)]
#[template(path = "home.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    greeting: String,
    waits: Option<Waits>,
    /// That a message is the only second step, until it is not to be said again: the form for that.
    reminder: Option<Hidden>,
    to_do: Vec<ToDo>,
    sign_ins: Vec<(Line, bool)>,
    devices: String,
    services: [(&'static str, Service); 3],
    proofs: String,
    ends: Moment,
}

#[derive(Debug, Deserialize)]
pub struct Quiet {}

impl FormFields for Quiet {
    const PURPOSE: &'static str = "home-quiet";
}

/// Something that is missing, or wants a look.
#[derive(Debug)]
struct ToDo {
    title: String,
    why: &'static str,
    page: &'static str,
    link: &'static str,
}

pub async fn show(member: Member) -> Result<Response, Failure> {
    let (guest, session) = (&member.guest, &member.session);
    let (t, p, auth) = (guest.t, &guest.t.portal, &guest.app.auth);
    let account = account(&member).await?;
    let sign_in = |event: &propusk::event::Event| [name::SIGN_IN, name::SIGN_UP].contains(&event.name);
    let mut done = EventPage::newest(LATEST);
    done.outcome = Some(Outcome::Done);
    let sign_ins = auth.search_history(account.id, done, sign_in).await?.events;

    let mut to_do = Vec::new();
    let to_security =
        |title: &str, why| ToDo { title: title.to_owned(), why, page: "/security", link: p.to_security };
    let held = auth.credentials(account.id).await?;
    // A device of one's own: a list on paper is for the day when it is lost, a message needs what may be lost with it.
    let device = held.iter().any(|one| one.proves.is_possession() && one.proves.channel() == Channel::Device);
    let quiet = guest.app.drafts.is_quiet(&guest.browser(), session);
    if !device && quiet {
        to_do.push(to_security(p.no_second, p.no_second_why));
    }
    match BackupCodes::left(auth, account.id).await? {
        None => to_do.push(to_security(p.no_codes, p.no_codes_why)),
        Some(left) if left <= security::FEW => to_do.push(to_security(&t.codes_left(left), p.few_codes_why)),
        Some(_) => {}
    }
    // Since the sign-in before this one: what came before that was on this page then.
    let mut refused = EventPage::newest(MOST_REFUSALS);
    refused.outcome = Some(Outcome::Refused);
    refused.since = sign_ins.get(1).map(|event| event.at);
    let refused = auth.search_history(account.id, refused, |event| event.name == name::SIGN_IN).await?.events;
    if !refused.is_empty() {
        to_do.push(ToDo {
            title: t.refusals(refused.len(), refused.len() == MOST_REFUSALS),
            why: p.refusals_why,
            page: "/history?result=refused",
            link: p.to_refusals,
        });
    }

    let proofs = session.proofs();
    let proofs: Vec<_> = proofs.iter().map(|proof| t.factor(proof.factor().as_str())).collect();
    let content = Page {
        frame: guest.frame("/home", t.home)?,
        greeting: t.greeting(&account.name),
        waits: recovery::waits(guest, session).await?,
        reminder: (!device && !quiet).then(|| guest.hidden::<Quiet>()).transpose()?,
        to_do,
        sign_ins: sign_ins
            .iter()
            .map(|event| (Line::of(t, event), event.id.as_bytes() == session.id().as_bytes()))
            .collect(),
        devices: t.devices(auth.sessions(account.id).await?.len()),
        services: super::services::all(t),
        proofs: proofs.join(", "),
        ends: moment(session.expires(), guest.locale()),
    };
    Ok(guest.page(&content))
}

/// Says no more of it in this session.
pub async fn quiet(member: Member, TokenForm(Quiet {}): TokenForm<Quiet>) -> Result<Response, Failure> {
    let Member { guest, session, .. } = member;
    guest.app.drafts.quiet(&guest.browser(), &session, guest.app.auth.now());
    Ok(Redirect::to("/home").into_response())
}

const LATEST: usize = 3;
const MOST_REFUSALS: usize = 50;
