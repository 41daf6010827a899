//! A recovery that waits, as the owner of the account reads of it: on the first page and on the one about security, with
//! a button that stops it. Whoever can read a page of the account has a better right to it than who asks from outside.

use axum::response::{IntoResponse, Redirect, Response};
use propusk::Session;
use propusk::axum::{FormFields, TokenForm};
use serde::Deserialize;

use crate::app::Failure;
use crate::dates::{Moment, moment};
use crate::guest::{Guest, Member};
use crate::view::Hidden;

/// For `recovery_note.html`.
#[derive(Debug)]
pub struct Waits {
    pub stop: Hidden,
    pub by: String,
    pub asked: Moment,
    pub ready: Moment,
}

#[derive(Debug, Deserialize)]
pub struct Stop {}

impl FormFields for Stop {
    const PURPOSE: &'static str = "recovery-stop";
}

pub async fn waits(guest: &Guest, session: &Session) -> Result<Option<Waits>, Failure> {
    let all = guest.app.auth.recoveries(session.account()).await?;
    // The button stops all of them.
    let first = all.into_iter().filter(|waits| !waits.stopped).min_by_key(|waits| waits.ready);
    let Some(waits) = first else { return Ok(None) };
    let (asked, ready) = (moment(waits.asked, guest.locale()), moment(waits.ready, guest.locale()));
    Ok(Some(Waits { stop: guest.hidden::<Stop>()?, by: waits.by.masked(), asked, ready }))
}

pub async fn stop(member: Member, TokenForm(Stop {}): TokenForm<Stop>) -> Result<Response, Failure> {
    let Member { guest, session, .. } = member;
    let stopped = guest.visit.stop_recovery(&session).await?;
    guest.say(if stopped.is_done() { |t| t.life.stopped } else { |t| t.life.not_stopped });
    Ok(Redirect::to("/security").into_response())
}
