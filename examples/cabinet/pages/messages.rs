//! What the account was told, from the library's inbox: no list of the portal's own.

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use serde::Deserialize;

use crate::app::Failure;
use crate::dates::{Moment, moment};
use crate::guest::Member;
use crate::view::Frame;

#[derive(Debug, Template)]
#[template(path = "messages.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    messages: Vec<Told>,
    paged: bool,
    older: Option<String>,
}

/// A notice on the page.
#[derive(Debug)]
struct Told {
    title: String,
    body: Vec<String>,
    about: &'static str,
    at: Moment,
}

#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    before: String,
}

pub async fn show(member: Member, Query(asked): Query<Asked>) -> Result<Response, Failure> {
    let Member { guest, session, .. } = member;
    let (t, before) = (guest.t, asked.before.parse().ok());
    // One more than is shown tells whether there are more.
    let mut told = guest.app.auth.inbox(session.account(), before, ON_A_PAGE + 1, t.locale).await?;
    let more = told.len() > ON_A_PAGE;
    told.truncate(ON_A_PAGE);
    let older = told.last().filter(|_| more).map(|last| format!("/messages?before={}", last.id));
    let mut frame = guest.frame("/messages", t.told.messages)?;
    if let Some(before) = before {
        frame.address = format!("/messages?before={before}");
    }
    let messages = told.into_iter().map(|one| Told {
        title: one.text.subject,
        body: one.text.body.split("\n\n").map(str::to_owned).collect(),
        about: t.told.topic(one.topic).0,
        at: moment(one.at, t.locale),
    });
    let page = Page { frame, messages: messages.collect(), paged: before.is_some(), older };
    Ok(guest.page(&page))
}

const ON_A_PAGE: usize = 10;
