//! Where a link in a notice leads: whoever reads what was sent to a contact of the account objects to it. Opening it
//! shows a page and changes nothing, also for the programs that open links before people do; its button acts. It works
//! signed out, and says of whose account it is no more than that the message came from there.

use askama::Template;
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use propusk::axum::{FormFields, TokenForm};
use propusk::flow::{Code, Objected, Objection, Refusal};
use serde::Deserialize;

use super::link::secret;
use crate::app::Failure;
use crate::guest::{Guest, in_query};
use crate::view::{Frame, Hidden, Notice};

#[derive(Debug, Template)]
#[template(path = "objection.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    token: Hidden,
    link: String,
    lead: &'static str,
    what: [&'static str; 2],
    own: &'static str,
    button: &'static str,
}

#[derive(Debug, Template)]
#[template(path = "objected.html", config = "examples/cabinet/askama.toml")]
struct End {
    frame: Frame,
    lead: &'static str,
    /// Nobody signs in before access is restored.
    locked: bool,
}

#[derive(Debug, Deserialize)]
pub struct Opened {
    #[serde(default)]
    o: String,
}

#[derive(Debug, Deserialize)]
pub struct Object {
    link: String,
}

impl FormFields for Object {
    const PURPOSE: &'static str = "objection";
}

pub async fn show(guest: Guest, Query(opened): Query<Opened>) -> Result<Response, Failure> {
    let what = match guest.visit.objection(&opened.o).await? {
        Objected::To(what) => what,
        Objected::Refused(why) => return refused(&guest, &why),
        _ => return refused(&guest, &Refusal::new(Code::Link)),
    };
    let life = guest.t.life;
    let of = |texts: [&'static str; 3]| of(what, texts);
    let mut frame = guest.frame(PAGE, of(life.objection))?.narrow();
    // Back to this page in the other language.
    frame.address = format!("{PAGE}?o={}", in_query(&opened.o));
    let page = Page {
        frame,
        token: guest.hidden::<Object>()?,
        link: opened.o,
        lead: of(life.objection_lead),
        what: self::of(what, life.objection_what),
        own: of(life.objection_own),
        button: of(life.objection_do),
    };
    Ok(secret(guest.page(&page)))
}

pub async fn object(guest: Guest, TokenForm(form): TokenForm<Object>) -> Result<Response, Failure> {
    match guest.visit.object(&form.link).await? {
        Objected::To(what) => {
            Ok(Redirect::to(of(what, ["/objection/stopped", "/objection/undone", LOCKED])).into_response())
        }
        Objected::Refused(why) => refused(&guest, &why),
        _ => refused(&guest, &Refusal::new(Code::Link)),
    }
}

pub async fn stopped(guest: Guest) -> Result<Response, Failure> {
    end(&guest, Objection::StopRecovery)
}

pub async fn undone(guest: Guest) -> Result<Response, Failure> {
    end(&guest, Objection::UndoContact)
}

pub async fn locked(guest: Guest) -> Result<Response, Failure> {
    end(&guest, Objection::NotMe)
}

fn end(guest: &Guest, what: Objection) -> Result<Response, Failure> {
    let life = guest.t.life;
    let mut frame = guest.frame(PAGE, of(what, life.objected))?.narrow();
    // A page of its own, which the other language is asked for at.
    frame.address = of(what, ["/objection/stopped", "/objection/undone", LOCKED]).to_owned();
    let locked = what == Objection::NotMe;
    Ok(guest.page(&End { frame, lead: of(what, life.objected_lead), locked }))
}

fn of<T>(what: Objection, [stops, undoes, locks]: [T; 3]) -> T {
    match what {
        Objection::UndoContact => undoes,
        Objection::NotMe => locks,
        _ => stops,
    }
}

fn refused(guest: &Guest, why: &Refusal) -> Result<Response, Failure> {
    let title = if why.code == Code::Link { guest.t.life.dead } else { guest.t.life.not_now };
    let frame = guest.frame(PAGE, title)?.narrow();
    Ok(secret(guest.page(&Notice { frame, lead: why.text(guest.locale()) })))
}

const PAGE: &str = "/objection";
const LOCKED: &str = "/objection/locked";
