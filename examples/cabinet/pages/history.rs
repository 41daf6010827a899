//! The history of an account, by pages.

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use propusk::event::{EventPage, Outcome};
use propusk::id::EventId;
use serde::Deserialize;

use crate::app::Failure;
use crate::dates::{Moment, moment};
use crate::guest::Member;
use crate::view::Frame;

#[derive(Debug, Template)]
#[template(path = "history.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    lines: Vec<Line>,
    older: Option<EventId>,
    paged: bool,
}

#[derive(Debug)]
struct Line {
    what: String,
    refused: bool,
    how: String,
    device: String,
    address: Option<String>,
    at: Moment,
}

#[derive(Debug, Deserialize)]
pub struct From {
    #[serde(default)]
    before: Option<String>,
}

pub async fn show(member: Member, Query(from): Query<From>) -> Result<Response, Failure> {
    let Member { guest, session, .. } = member;
    let t = guest.t;
    let before: Option<EventId> = from.before.and_then(|id| id.parse().ok());
    // One more than is shown tells whether there is another page.
    let mut wanted = EventPage::newest(ON_A_PAGE + 1);
    wanted.before = before;
    let mut events = guest.app.auth.history(session.account(), wanted).await?;
    let more = events.len() > ON_A_PAGE;
    events.truncate(ON_A_PAGE);
    let older = events.last().map(|event| event.id).filter(|_| more);
    let lines = events.iter().map(|event| {
        let factor = event.factor.as_ref().map(|factor| t.factor(factor.as_str()));
        let reason = event.reason.as_deref().map(|reason| t.reason(reason));
        Line {
            what: t.event(event),
            refused: event.outcome == Outcome::Refused,
            how: factor.into_iter().chain(reason).collect::<Vec<_>>().join(": "),
            device: t.device(&event.origin.device),
            address: event.origin.address.map(|address| address.to_string()),
            at: moment(event.at, guest.locale()),
        }
    });
    let lines = lines.collect();
    let frame = guest.frame("/history", t.history)?;
    Ok(guest.page(&Page { frame, lines, older, paged: before.is_some() }))
}

const ON_A_PAGE: usize = 10;
