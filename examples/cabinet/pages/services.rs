//! Three services, each of which asks for something else: an application for the account's level, a fine for a proof of
//! a moment ago, an extract for nothing but a session. Who may not is told what to do about it, and is let in then.

use std::collections::BTreeMap;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use propusk::account::{Account, Level};
use propusk::axum::{FormFields, TokenForm};
use propusk::event::Outcome;
use propusk::id::EventName;
use serde::Deserialize;

use crate::app::Failure;
use crate::dates::{Moment, moment};
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
#[template(path = "fine.html", config = "examples/cabinet/askama.toml")]
struct Fine {
    frame: Frame,
    token: Hidden,
    again: Hidden,
    paid: Option<Line>,
    fresh: bool,
    proven: Option<Moment>,
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
struct Line {
    number: String,
    text: String,
    at: Moment,
}

#[derive(Debug, Deserialize)]
pub struct File {
    application: String,
}

#[derive(Debug, Deserialize)]
pub struct Pay {}

#[derive(Debug, Deserialize)]
pub struct Again {}

#[derive(Debug, Deserialize)]
pub struct Order {}

impl FormFields for File {
    const PURPOSE: &'static str = "application";
}

impl FormFields for Pay {
    const PURPOSE: &'static str = "fine";
}

impl FormFields for Again {
    const PURPOSE: &'static str = "fine-again";
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
    let Some(entry) = done(&member, Kind::Application, text, MOST).await? else {
        return application(&member, text, Some(p.application_many)).await;
    };
    note(&member, "cabinet:application-filed", &entry).await?;
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
    let filed = lines(member, Kind::Application);
    let status = if may { StatusCode::OK } else { StatusCode::FORBIDDEN };
    Ok((status, guest.page(&Application { token: guest.hidden::<File>()?, frame, door, filed }))
        .into_response())
}

pub async fn show_fine(member: Member) -> Result<Response, Failure> {
    let guest = &member.guest;
    let p = &guest.t.portal;
    let paid = lines(&member, Kind::FinePaid).pop();
    let fresh = guards::is_fresh(&member.session, guest.app.auth.now());
    let refused = !fresh && paid.is_none();
    let page = Fine {
        frame: guest.frame(FINE, if refused { p.stale } else { p.fine.title })?.narrow(),
        token: guest.hidden::<Pay>()?,
        again: guest.hidden::<Again>()?,
        proven: guards::proven_at(&member.session).map(|at| moment(at, guest.locale())),
        paid,
        fresh,
    };
    let status = if refused { StatusCode::FORBIDDEN } else { StatusCode::OK };
    Ok((status, guest.page(&page)).into_response())
}

pub async fn pay(member: Member, TokenForm(Pay {}): TokenForm<Pay>) -> Result<Response, Failure> {
    let guest = &member.guest;
    // The page was shown a while ago: what was fresh then need not be now.
    if !guards::is_fresh(&member.session, guest.app.auth.now()) {
        return show_fine(member).await;
    }
    match done(&member, Kind::FinePaid, guest.t.portal.fine_what, 1).await? {
        Some(entry) => {
            note(&member, "cabinet:fine-paid", &entry).await?;
            guest.say(|t| t.portal.fine_paid);
        }
        None => guest.say(|t| t.portal.fine_paid_before),
    }
    Ok(Redirect::to(FINE).into_response())
}

/// Signs out, for a new sign-in that comes back here.
pub async fn again(member: Member, TokenForm(Again {}): TokenForm<Again>) -> Result<Response, Failure> {
    let Member { guest, token, .. } = member;
    guest.visit.sign_out(&token).await?;
    guest.say(|t| t.portal.signed_out_again);
    let to = format!("/sign-in?next={FINE}");
    Ok((guest.signed_out(), Redirect::to(&to)).into_response())
}

pub async fn show_record(member: Member) -> Result<Response, Failure> {
    let guest = &member.guest;
    let account = account(&member).await?;
    let page = Record {
        frame: guest.frame(RECORD, guest.t.portal.record.title)?.narrow(),
        token: guest.hidden::<Order>()?,
        level: name_of(guest, account.level),
        created: moment(account.created, guest.locale()),
        name: account.name,
        ordered: lines(&member, Kind::Extract),
    };
    Ok(guest.page(&page))
}

pub async fn order(member: Member, TokenForm(Order {}): TokenForm<Order>) -> Result<Response, Failure> {
    if let Some(entry) = done(&member, Kind::Extract, member.guest.t.portal.record.title, MOST).await? {
        note(&member, "cabinet:extract-ordered", &entry).await?;
        member.guest.say(|t| t.portal.record_ordered);
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

async fn done(member: &Member, kind: Kind, text: &str, most: usize) -> Result<Option<Entry>, Failure> {
    let app = &member.guest.app;
    let (services, account, now) = (app.services.clone(), member.session.account(), app.auth.now());
    services.add(account, kind, text, most, now).map_err(Failure::from)
}

/// A line in the account's history. The library's events and the application's own read as one.
async fn note(member: &Member, name: &'static str, entry: &Entry) -> Result<(), Failure> {
    let details = BTreeMap::from([("number".to_owned(), entry.number.clone())]);
    let auth = &member.guest.app.auth;
    let (account, by) = (member.session.account(), member.guest.client());
    auth.record(account, EventName::new(name), Outcome::Done, by, details).await?;
    Ok(())
}

fn lines(member: &Member, kind: Kind) -> Vec<Line> {
    let entries = member.guest.app.services.of(member.session.account());
    let of_kind = entries.into_iter().filter(|entry| entry.kind == kind);
    let locale = member.guest.locale();
    of_kind.map(|Entry { number, text, at, .. }| Line { number, text, at: moment(at, locale) }).collect()
}

const APPLICATION: &str = "/services/application";
const FINE: &str = "/services/fine";
const RECORD: &str = "/services/record";
/// Of one kind for one account.
const MOST: usize = 20;
