//! What the portal has sent: for a demonstration only, since whoever reads it can sign in as anybody.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::{App, Failure};
use crate::dates::{Moment, moment};
use crate::guest::Guest;
use crate::view::Frame;

#[derive(Debug, Template)]
#[template(path = "outbox.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    letters: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    sms: bool,
    to: String,
    at: Moment,
    subject: String,
    /// Line by line; true for one that is an address to open.
    body: Vec<(bool, String)>,
}

pub async fn show(guest: Guest, State(app): State<App>) -> Result<Response, Failure> {
    let letters = app.outbox.letters().into_iter().map(|letter| Line {
        sms: letter.sms,
        to: letter.to,
        at: moment(letter.at, guest.locale()),
        subject: letter.subject,
        body: letter.body.lines().map(|line| (line.starts_with("http"), line.to_owned())).collect(),
    });
    let letters = letters.collect();
    Ok(guest.page(&Page { frame: guest.frame("/outbox", guest.t.outbox)?, letters }))
}
