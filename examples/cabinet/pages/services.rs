//! Three services, each of which asks for something else: an application for the account's level, a fine (`fine.rs`) for
//! an approval, an extract for both steps of a sign-in. Who may not is told what to do about it, and is let in then.

use std::collections::BTreeMap;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use propusk::Session;
use propusk::account::{Account, Level};
use propusk::axum::{FormFields, TokenForm};
use propusk::event::Outcome;
use propusk::id::EventName;
use serde::Deserialize;

use super::{lead_on, problems};
use crate::app::Failure;
use crate::dates::{Moment, moment};
use crate::drafts::{Draft, News, Way};
use crate::guards;
use crate::guest::{Guest, Member};
use crate::services::{Entry, Kind};
use crate::texts::{Service, Texts};
use crate::view::{Field, Frame, Hidden, Problem};

#[derive(Debug, Template)]
#[template(path = "services.html", config = "examples/cabinet/askama.toml")]
struct List {
    frame: Frame,
    services: [(&'static str, Service); 3],
}

#[derive(Debug, Template)]
#[template(path = "application.html", config = "examples/cabinet/askama.toml")]
struct Application {
    frame: Frame,
    token: Hidden,
    /// The form, or the level that is not enough.
    door: Result<Field, &'static str>,
    filed: Vec<Line>,
}

#[derive(Debug, Template)]
#[template(path = "record.html", config = "examples/cabinet/askama.toml")]
struct Record {
    frame: Frame,
    token: Hidden,
    name: String,
    level: &'static str,
    created: Moment,
    ordered: Vec<Line>,
}

/// Something that was done here.
#[derive(Debug)]
pub struct Line {
    pub number: String,
    pub text: String,
    pub at: Moment,
}

#[derive(Debug, Deserialize)]
pub struct File {
    application: String,
}

#[derive(Debug, Deserialize)]
pub struct Order {}

impl FormFields for File {
    const PURPOSE: &'static str = "application";
}

impl FormFields for Order {
    const PURPOSE: &'static str = "extract";
}

pub async fn show(member: Member) -> Result<Response, Failure> {
    let guest = member.guest;
    let frame = guest.frame("/services", guest.t.portal.services)?;
    Ok(guest.page(&List { frame, services: all(guest.t) }))
}

/// All of them, with their pages.
pub const fn all(t: &Texts) -> [(&'static str, Service); 3] {
    let p = &t.portal;
    [(APPLICATION, p.application), (FINE, p.fine), (RECORD, p.record)]
}

pub async fn show_application(member: Member) -> Result<Response, Failure> {
    application(&member, "", None).await
}

pub async fn file(member: Member, TokenForm(form): TokenForm<File>) -> Result<Response, Failure> {
    let (guest, p) = (&member.guest, &member.guest.t.portal);
    if account(&member).await?.level < guards::APPLICATION {
        return application(&member, "", None).await;
    }
    let text = form.application.trim();
    if !(3..=300).contains(&text.chars().count()) || text.chars().any(char::is_control) {
        return application(&member, text, Some(p.application_bad)).await;
    }
    let Some(entry) = done(guest, &member.session, Kind::Application, text, MOST)? else {
        return application(&member, text, Some(p.application_many)).await;
    };
    note(guest, &member.session, "cabinet:application-filed", &entry).await?;
    guest.say(|t| t.portal.application_filed);
    Ok(Redirect::to(APPLICATION).into_response())
}

async fn application(member: &Member, typed: &str, bad: Option<&'static str>) -> Result<Response, Failure> {
    let guest = &member.guest;
    let p = &guest.t.portal;
    let level = account(member).await?.level;
    let may = level >= guards::APPLICATION;
    let title = if may { p.application.title } else { p.level_missing };
    let mut frame = guest.frame(APPLICATION, title)?.narrow();
    frame.problems =
        bad.into_iter().map(|text| Problem { field: "application", text: text.to_owned() }).collect();
    let input = Field::text("application", p.application_text, "off").hint(p.application_hint);
    let door = match may {
        true => Ok(input.value(typed).within(&frame, true)),
        false => Err(name_of(guest, level)),
    };
    let filed = lines(guest, &member.session, Kind::Application);
    let status = if may { StatusCode::OK } else { StatusCode::FORBIDDEN };
    Ok((status, guest.page(&Application { token: guest.hidden::<File>()?, frame, door, filed }))
        .into_response())
}

pub async fn show_record(member: Member) -> Result<Response, Failure> {
    let guest = &member.guest;
    let account = account(&member).await?;
    let (_, told) = guest.draft_and_refusal(Way::Extract);
    let mut frame = guest.frame(RECORD, guest.t.portal.record.title)?.narrow();
    frame.problems = problems(guest, told.as_ref(), |_| "");
    let page = Record {
        frame,
        token: guest.hidden::<Order>()?,
        level: name_of(guest, account.level),
        created: moment(account.created, guest.locale()),
        name: account.name,
        ordered: lines(guest, &member.session, Kind::Extract),
    };
    Ok(guest.page(&page))
}

/// Of a session that has proven too little, the rest is asked for first; then the button is pressed once more.
pub async fn order(member: Member, TokenForm(Order {}): TokenForm<Order>) -> Result<Response, Failure> {
    let Member { guest, session, token } = member;
    if guest.app.auth.require(&session, &guards::EXTRACT).await?.is_err() {
        let step = guest.visit.step_up(&token, guards::EXTRACT).await?;
        let done: Option<News> = Some(|t| t.portal.record_proven);
        let draft = Draft { next: RECORD.to_owned(), done, ..Draft::default() };
        return lead_on(&guest, Way::Extract, draft, step, RECORD).await;
    }
    if let Some(entry) = done(&guest, &session, Kind::Extract, guest.t.portal.record.title, MOST)? {
        note(&guest, &session, "cabinet:extract-ordered", &entry).await?;
        guest.say(|t| t.portal.record_ordered);
    }
    Ok(Redirect::to(RECORD).into_response())
}

/// The name of a level.
pub fn name_of(guest: &Guest, level: Level) -> &'static str {
    let [simplified, standard, confirmed] = guest.t.portal.levels;
    match level {
        Level::Confirmed => confirmed,
        Level::Standard => standard,
        _ => simplified,
    }
}

/// The account as it is now: a level that was taken away counts at once.
pub async fn account(member: &Member) -> Result<Account, Failure> {
    let account = member.guest.app.auth.account(member.session.account()).await?;
    Ok(account.ok_or(propusk::error::Broken::Misuse("a session without an account"))?)
}

/// Writes down that something was done. `None`: as often as it may be already.
pub fn done(
    guest: &Guest,
    session: &Session,
    kind: Kind,
    text: &str,
    most: usize,
) -> Result<Option<Entry>, Failure> {
    let app = &guest.app;
    app.services.add(session.account(), kind, text, most, app.auth.now()).map_err(Failure::from)
}

/// A line in the account's history. The library's events and the application's own read as one.
pub async fn note(
    guest: &Guest,
    session: &Session,
    name: &'static str,
    entry: &Entry,
) -> Result<(), Failure> {
    let details = BTreeMap::from([("number".to_owned(), entry.number.clone())]);
    let (account, by) = (session.account(), guest.client());
    guest.app.auth.record(account, EventName::new(name), Outcome::Done, by, details).await?;
    Ok(())
}

/// What this account has done of a kind.
pub fn lines(guest: &Guest, session: &Session, kind: Kind) -> Vec<Line> {
    let entries = guest.app.services.of(session.account());
    let of_kind = entries.into_iter().filter(|entry| entry.kind == kind);
    let locale = guest.locale();
    of_kind.map(|Entry { number, text, at, .. }| Line { number, text, at: moment(at, locale) }).collect()
}

const APPLICATION: &str = "/services/application";
const FINE: &str = "/services/fine";
const RECORD: &str = "/services/record";
/// Of one kind for one account.
const MOST: usize = 20;
