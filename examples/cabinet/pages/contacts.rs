//! Where messages go: the contacts of an account, and the pages on which one is added, replaced, preferred or removed. What happens is
//! said first; then as much is proven as adding a way to sign in takes, and that the new one is one's own.

use askama::Template;
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use propusk::Step;
use propusk::account::identifier::IdentifierKind;
use propusk::axum::{FormFields, TokenForm};
use propusk::flow::{Code, ListedContact};
use serde::Deserialize;

use super::{lead_on, problems};
use crate::app::Failure;
use crate::dates::{Moment, moment};
use crate::drafts::{Draft, News, Told, Way};
use crate::guest::{Guest, Member};
use crate::view::{Field, Frame, Hidden, Problem};

#[derive(Debug, Template)]
#[template(path = "contacts.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    contacts: Vec<Mine>,
}

/// A contact on the page.
#[derive(Debug)]
struct Mine {
    id: String,
    kind: &'static str,
    masked: String,
    full: String,
    since: Moment,
    /// Until when the others can undo it.
    settles: Option<Moment>,
    /// Where there is another of its kind: whether this is the main one, and whether it can become it.
    main: bool,
    alternate: bool,
}

#[derive(Debug, Template)]
#[template(path = "contact_new.html", config = "examples/cabinet/askama.toml")]
struct New {
    frame: Frame,
    token: Hidden,
    contact: Field,
    /// In the place of which it comes.
    instead: Option<Mine>,
    hold: String,
}

#[derive(Debug, Template)]
#[template(path = "contact_change.html", config = "examples/cabinet/askama.toml")]
struct Change {
    frame: Frame,
    token: Hidden,
    one: Mine,
    /// What follows from it.
    follows: Vec<String>,
    button: &'static str,
    danger: bool,
}

#[derive(Debug, Default, Deserialize)]
pub struct Which {
    #[serde(default)]
    contact: String,
}

#[derive(Debug, Deserialize)]
pub struct Add {
    contact: String,
    #[serde(default)]
    instead: String,
}

#[derive(Debug, Deserialize)]
pub struct Remove {
    contact: String,
}

impl FormFields for Add {
    const PURPOSE: &'static str = "contact-new";
}

#[derive(Debug, Deserialize)]
pub struct Prefer {
    contact: String,
}

impl FormFields for Prefer {
    const PURPOSE: &'static str = "contact-main";
}

impl FormFields for Remove {
    const PURPOSE: &'static str = "contact-remove";
}

pub async fn show(member: Member) -> Result<Response, Failure> {
    let guest = &member.guest;
    let (_, told) = guest.draft_and_refusal(Way::Contact);
    let mut frame = guest.frame(Way::Contact.start(), guest.t.life.contacts)?;
    frame.problems = refusals(guest, told.as_ref());
    Ok(guest.page(&Page { frame, contacts: mine(&member).await? }))
}

pub async fn show_new(member: Member, Query(which): Query<Which>) -> Result<Response, Failure> {
    let guest = &member.guest;
    let (life, (draft, told)) = (guest.t.life, guest.draft_and_refusal(Way::Contact));
    // Whoever comes back with a refusal comes back to what they were at.
    let (asked, typed) = match &told {
        Some(_) if which.contact.is_empty() => (draft.instead, draft.identifier),
        _ => (which.contact, String::new()),
    };
    let instead = mine(&member).await?.into_iter().find(|one| one.id == asked);
    if instead.is_none() && !asked.is_empty() {
        return Ok(Redirect::to(Way::Contact.start()).into_response());
    }
    let title = if instead.is_some() { life.change_title } else { life.add_title };
    let mut frame = guest.frame(NEW, title)?.narrow();
    if let Some(one) = &instead {
        frame.address = format!("{NEW}?contact={}", one.id);
    }
    frame.problems = refusals(guest, told.as_ref());
    let label = if instead.is_some() { life.change_label } else { life.add_label };
    let hint = if instead.is_some() { life.one_kind } else { life.add_hint };
    let contact = Field::text("contact", label, "off").hint(hint).latin().inputmode("email");
    let contact = contact.value(&typed).within(&frame, true);
    let token = guest.hidden::<Add>()?;
    Ok(guest.page(&New { frame, token, contact, instead, hold: hold(guest) }))
}

pub async fn add(member: Member, TokenForm(form): TokenForm<Add>) -> Result<Response, Failure> {
    let Member { guest, token, .. } = member;
    let instead = if form.instead.is_empty() { Ok(None) } else { form.instead.parse().map(Some) };
    let Ok(instead) = instead else { return Ok(Redirect::to(Way::Contact.start()).into_response()) };
    let step = guest.visit.add_contact(&token, &form.contact, instead).await?;
    let done: News = if instead.is_some() { |t| t.life.changed } else { |t| t.life.added };
    let draft = Draft {
        identifier: form.contact,
        instead: form.instead,
        next: Way::Contact.start().to_owned(),
        done: Some(done),
        ..Draft::default()
    };
    lead_on(&guest, Way::Contact, draft, step, NEW).await
}

pub async fn show_removal(member: Member, Query(which): Query<Which>) -> Result<Response, Failure> {
    let (guest, life) = (&member.guest, member.guest.t.life);
    let told = format!("{} {}.", life.told, hold(guest));
    let follows = vec![life.goes.to_owned(), life.sessions_end.to_owned(), told];
    let page = (REMOVE, life.remove_title, life.remove);
    change(&member, which, page, (guest.hidden::<Remove>()?, follows)).await
}

pub async fn show_preference(member: Member, Query(which): Query<Which>) -> Result<Response, Failure> {
    let life = member.guest.t.life;
    let follows = [life.main_gets, life.sessions_end, life.main_told].map(str::to_owned).to_vec();
    let page = (MAIN, life.prefer_title, life.prefer);
    change(&member, which, page, (member.guest.hidden::<Prefer>()?, follows)).await
}

/// The page that says what a change of one contact brings with it.
async fn change(
    member: &Member,
    which: Which,
    (path, title, button): (&'static str, &str, &'static str),
    (token, follows): (Hidden, Vec<String>),
) -> Result<Response, Failure> {
    // Only one's own: the id comes from outside.
    let Some(one) = mine(member).await?.into_iter().find(|one| one.id == which.contact) else {
        return Ok(Redirect::to(Way::Contact.start()).into_response());
    };
    let mut frame = member.guest.frame(path, title)?.narrow();
    frame.address = format!("{path}?contact={}", one.id);
    Ok(member.guest.page(&Change { frame, token, one, follows, button, danger: path == REMOVE }))
}

pub async fn remove(member: Member, TokenForm(form): TokenForm<Remove>) -> Result<Response, Failure> {
    let Ok(id) = form.contact.parse() else { return Ok(Redirect::to(Way::Contact.start()).into_response()) };
    let step = member.guest.visit.remove_contact(&member.token, id).await?;
    changes(&member.guest, step, |t| t.life.removed).await
}

pub async fn prefer(member: Member, TokenForm(form): TokenForm<Prefer>) -> Result<Response, Failure> {
    let Ok(id) = form.contact.parse() else { return Ok(Redirect::to(Way::Contact.start()).into_response()) };
    let step = member.guest.visit.prefer_contact(&member.token, id).await?;
    changes(&member.guest, step, |t| t.life.preferred).await
}

async fn changes(guest: &Guest, step: Step, done: News) -> Result<Response, Failure> {
    let back = Way::Contact.start();
    let draft = Draft { next: back.to_owned(), done: Some(done), ..Draft::default() };
    lead_on(guest, Way::Contact, draft, step, back).await
}

async fn mine(member: &Member) -> Result<Vec<Mine>, Failure> {
    let guest = &member.guest;
    let contacts = guest.app.auth.contacts(member.session.account()).await?;
    let kinds: Vec<_> = contacts.iter().map(|one| one.address.kind()).collect();
    let several = |kind| kinds.iter().filter(|one| **one == kind).count() > 1;
    let one = |ListedContact { id, address, confirmed, settles, main, .. }: ListedContact| Mine {
        id: id.to_string(),
        kind: if address.kind() == IdentifierKind::Phone { guest.t.life.phone } else { guest.t.life.email },
        masked: address.masked(),
        full: address.as_str().to_owned(),
        since: moment(confirmed, guest.locale()),
        settles: settles.map(|until| moment(until, guest.locale())),
        main: main && several(address.kind()),
        alternate: !main && settles.is_none(),
    };
    Ok(contacts.into_iter().map(one).collect())
}

/// How long a change can be undone.
fn hold(guest: &Guest) -> String {
    guest.t.span(guest.app.auth.profile().contact_hold)
}

/// What the library says for any page, said for contacts.
fn refusals(guest: &Guest, told: Option<&Told>) -> Vec<Problem> {
    let life = guest.t.life;
    let own = told.and_then(|told| match told.why.code {
        Code::Taken => Some(life.taken),
        Code::NotOffered => Some(life.not_possible),
        Code::LastFactor => Some(life.stays),
        _ => None,
    });
    match own {
        Some(text) => vec![Problem { field: "", text: text.to_owned() }],
        None => problems(guest, told, |why| match why.code {
            Code::Identifier(_) | Code::ContactKind => "contact",
            _ => "",
        }),
    }
}

const NEW: &str = "/contacts/new";
const MAIN: &str = "/contacts/main";
const REMOVE: &str = "/contacts/remove";
