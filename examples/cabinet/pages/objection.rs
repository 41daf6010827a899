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
    let (life, undoes) = (guest.t.life, what == Objection::UndoContact);
    let of = |[stops, undo]: [&'static str; 2]| if undoes { undo } else { stops };
    let mut frame = guest.frame(PAGE, of(life.objection))?.narrow();
    // Back to this page in the other language.
    frame.address = format!("{PAGE}?o={}", in_query(&opened.o));
    let [stops, undo] = life.objection_what;
    let page = Page {
        frame,
        token: guest.hidden::<Object>()?,
        link: opened.o,
        lead: of(life.objection_lead),
        what: if undoes { undo } else { stops },
        own: of(life.objection_own),
        button: of(life.objection_do),
    };
    Ok(secret(guest.page(&page)))
}

pub async fn object(guest: Guest, TokenForm(form): TokenForm<Object>) -> Result<Response, Failure> {
    match guest.visit.object(&form.link).await? {
        Objected::To(Objection::UndoContact) => Ok(Redirect::to("/objection/undone").into_response()),
        Objected::To(_) => Ok(Redirect::to("/objection/stopped").into_response()),
        Objected::Refused(why) => refused(&guest, &why),
        _ => refused(&guest, &Refusal::new(Code::Link)),
    }
}

pub async fn stopped(guest: Guest) -> Result<Response, Failure> {
    let [(title, lead), _] = ends(&guest);
    Ok(guest.page(&End { frame: guest.frame(PAGE, title)?.narrow(), lead }))
}

pub async fn undone(guest: Guest) -> Result<Response, Failure> {
    let [_, (title, lead)] = ends(&guest);
    Ok(guest.page(&End { frame: guest.frame(PAGE, title)?.narrow(), lead }))
}

fn ends(guest: &Guest) -> [(&'static str, &'static str); 2] {
    let ([stopped, undone], [stopped_lead, undone_lead]) =
        (guest.t.life.objected, guest.t.life.objected_lead);
    [(stopped, stopped_lead), (undone, undone_lead)]
}

fn refused(guest: &Guest, why: &Refusal) -> Result<Response, Failure> {
    let title = if why.code == Code::Link { guest.t.life.dead } else { guest.t.life.not_now };
    let frame = guest.frame(PAGE, title)?.narrow();
    Ok(secret(guest.page(&Notice { frame, lead: why.text(guest.locale()) })))
}

const PAGE: &str = "/objection";
