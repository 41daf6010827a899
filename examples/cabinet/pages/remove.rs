//! Taking a way to sign in away: what happens is said first, then as much is proven as adding it would take.

use askama::Template;
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use propusk::axum::{FormFields, TokenForm};
use serde::Deserialize;

use super::lead_on;
use super::security::called;
use super::wizard::Which;
use crate::app::Failure;
use crate::dates::{Moment, moment};
use crate::drafts::{Draft, News, Way};
use crate::guest::Member;
use crate::view::{Frame, Hidden};

#[derive(Debug, Template)]
#[template(path = "remove.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    token: Hidden,
    credential: String,
    called: String,
    since: Moment,
}

#[derive(Debug, Deserialize)]
pub struct Remove {
    credential: String,
}

impl FormFields for Remove {
    const PURPOSE: &'static str = "security-remove";
}

pub async fn show(member: Member, Query(which): Query<Which>) -> Result<Response, Failure> {
    let Member { guest, session, .. } = member;
    let held = guest.app.auth.credentials(session.account()).await?;
    // Only one's own: the id comes from outside.
    let Some(one) = held.iter().find(|one| one.id.to_string() == which.credential) else {
        return Ok(Redirect::to(Way::Remove.start()).into_response());
    };
    let mut frame = guest.frame(PAGE, guest.t.ways.remove_title)?.narrow();
    frame.address = format!("{PAGE}?credential={}", one.id);
    let page = Page {
        frame,
        token: guest.hidden::<Remove>()?,
        credential: one.id.to_string(),
        called: called(&guest, one),
        since: moment(one.created, guest.locale()),
    };
    Ok(guest.page(&page))
}

pub async fn remove(member: Member, TokenForm(form): TokenForm<Remove>) -> Result<Response, Failure> {
    let Member { guest, token, .. } = member;
    let back = Way::Remove.start();
    let Ok(id) = form.credential.parse() else { return Ok(Redirect::to(back).into_response()) };
    let step = guest.visit.remove(&token, id).await?;
    let done: Option<News> = Some(|t| t.ways.removed);
    let draft = Draft { next: back.to_owned(), done, ..Draft::default() };
    lead_on(&guest, Way::Remove, draft, step, back).await
}

const PAGE: &str = "/security/remove";
