//! Closing one's account: what happens is said first, then all of a sign-in is proven anew, then it is closed. Who comes
//! back in time is asked once more whether it shall be open again. And what one is given to take along.

use askama::Template;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use propusk::axum::{FormFields, TokenForm};
use propusk::flow::{Closing, Done};
use serde::Deserialize;

use super::{lead_on, problems};
use crate::app::Failure;
use crate::drafts::{Draft, Way};
use crate::guest::{Guest, Member};
use crate::view::{Frame, Hidden};

#[derive(Debug, Template)]
#[template(path = "close.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    token: Hidden,
    days: String,
}

#[derive(Debug, Template)]
#[template(path = "closed.html", config = "examples/cabinet/askama.toml")]
struct Closed {
    frame: Frame,
    days: String,
}

#[derive(Debug, Template)]
#[template(path = "reopen.html", config = "examples/cabinet/askama.toml")]
struct Return {
    frame: Frame,
    token: Hidden,
}

#[derive(Debug, Deserialize)]
pub struct Close {}

#[derive(Debug, Deserialize)]
pub struct Reopen {
    #[serde(default)]
    at: String,
}

impl FormFields for Close {
    const PURPOSE: &'static str = "close";
}

impl FormFields for Reopen {
    const PURPOSE: &'static str = "reopen";
}

pub async fn show(member: Member) -> Result<Response, Failure> {
    let guest = &member.guest;
    let (_, told) = guest.draft_and_refusal(Way::Close);
    let mut frame = guest.frame("/close", guest.t.ending.close_title)?.narrow();
    frame.problems = problems(guest, told.as_ref(), |_| "");
    Ok(guest.page(&Page { frame, token: guest.hidden::<Close>()?, days: days(guest) }))
}

pub async fn close(member: Member, TokenForm(Close {}): TokenForm<Close>) -> Result<Response, Failure> {
    let Member { guest, token, .. } = member;
    match guest.visit.close(&token).await? {
        Closing::Prove(step) => lead_on(&guest, Way::Close, Draft::default(), step, "/close").await,
        // It was proven a moment ago, and then something came between.
        _ => Ok(ended(&guest)),
    }
}

/// All of it has been proven in this session: it is closed, and the session with it.
pub async fn proven(guest: &Guest, done: &Done) -> Result<Response, Failure> {
    match guest.visit.close(&done.token).await? {
        Closing::Prove(_) => Ok((guest.signed_in(done), Redirect::to("/close")).into_response()),
        _ => Ok(ended(guest)),
    }
}

fn ended(guest: &Guest) -> Response {
    (guest.signed_out(), Redirect::to("/closed")).into_response()
}

/// The same for whoever asks: it tells of nobody.
pub async fn closed(guest: Guest) -> Result<Response, Failure> {
    let frame = guest.frame("/closed", guest.t.ending.closed_title)?.narrow();
    Ok(guest.page(&Closed { frame, days: days(&guest) }))
}

pub async fn show_reopen(guest: Guest) -> Result<Response, Failure> {
    let (draft, told) = guest.draft_and_refusal(Way::SignIn);
    if draft.flow.is_none() {
        return Ok(Redirect::to(Way::SignIn.start()).into_response());
    }
    let mut frame = guest.frame(REOPEN, guest.t.ending.reopen_title)?.narrow();
    frame.problems = problems(&guest, told.as_ref(), |_| "");
    Ok(guest.page(&Return { frame, token: guest.hidden_at::<Reopen>(&draft)? }))
}

pub async fn reopen(guest: Guest, TokenForm(form): TokenForm<Reopen>) -> Result<Response, Failure> {
    let mut draft = guest.draft_at(Way::SignIn, &form.at)?;
    let Some(flow) = draft.flow.clone() else { return Ok(Redirect::to(Way::SignIn.start()).into_response()) };
    draft.done = Some(|t| t.ending.reopened);
    let step = guest.visit.reopen(&flow).await?;
    lead_on(&guest, Way::SignIn, draft, step, REOPEN).await
}

/// All that is kept of them, as a file.
pub async fn export(member: Member) -> Result<Response, Failure> {
    let Member { guest, session, token } = member;
    let all = guest.app.auth.export(session.account()).await?;
    let headers =
        [(CONTENT_TYPE, "application/json"), (CONTENT_DISPOSITION, "attachment; filename=\"cabinet.json\"")];
    Ok((headers, all.map(|all| all.into_body(token)).unwrap_or_default()).into_response())
}

fn days(guest: &Guest) -> String {
    guest.t.days(guest.app.auth.profile().closing.grace)
}

/// The library's name for what is approved by it.
pub const APPROVED: &str = "close-account";
pub const REOPEN: &str = "/sign-in/reopen";
