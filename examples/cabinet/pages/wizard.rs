//! What comes after an application or a key was added: a name for it, backup codes where there are none, and what there
//! is now. And a new name for what has one. Each page can be left; nothing is undone by it.

use askama::Template;
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use propusk::account::identifier::Identifier;
use propusk::auth::Held;
use propusk::axum::{FormFields, TokenForm};
use propusk::flow::Code;
use propusk::id::{CredentialId, FactorName};
use propusk::{BackupCodes, Password, Session};
use serde::Deserialize;

use super::{lead_on, security};
use crate::app::Failure;
use crate::asks::Ask;
use crate::drafts::{Draft, Way};
use crate::guest::{Guest, Member};
use crate::texts::Texts;
use crate::view::{Field, Frame, Hidden, Problem};

#[derive(Debug, Template)]
#[template(path = "name.html", config = "examples/cabinet/askama.toml")]
struct Name {
    frame: Frame,
    token: Hidden,
    input: Field,
    credential: CredentialId,
    later: Option<&'static str>,
}

#[derive(Debug, Template)]
#[template(path = "done.html", config = "examples/cabinet/askama.toml")]
struct Summary {
    frame: Frame,
    /// What signs in now: of which kind, and how each is called.
    ways: Vec<(String, String)>,
    no_codes: bool,
    next: String,
}

/// Which of one's own.
#[derive(Debug, Deserialize)]
pub struct Which {
    #[serde(default)]
    pub credential: String,
}

#[derive(Debug, Deserialize)]
pub struct Naming {
    credential: String,
    name: String,
}

impl FormFields for Naming {
    const PURPOSE: &'static str = "security-name";
}

/// Where somebody goes on who has just enrolled this, at a sign-in to `next` or of their own will.
pub async fn after(
    guest: &Guest,
    session: &Session,
    factor: &FactorName,
    next: &str,
) -> Result<String, Failure> {
    if *factor == BackupCodes::NAME {
        guest.say(|t| t.codes_made);
        return Ok(later(guest).unwrap_or(Way::Enrol.start()).to_owned());
    }
    if *factor == Password::NAME {
        guest.say(|t| t.ways.password_set);
        return Ok(Way::Enrol.start().to_owned());
    }
    guest.say(|t| t.way_added);
    let held = guest.app.auth.credentials(session.account()).await?;
    let Some(newest) = held.iter().rev().find(|one| one.factor == *factor) else {
        return Ok(Way::Enrol.start().to_owned());
    };
    guest.keep(Way::Wizard, Draft { choosing: true, next: next.to_owned(), ..Draft::default() });
    Ok(format!("{NAME}?credential={}", newest.id))
}

/// Where it ends, for somebody who is on the way.
pub fn later(guest: &Guest) -> Option<&'static str> {
    guest.draft(Way::Wizard).choosing.then_some(DONE)
}

pub async fn show_name(member: Member, Query(which): Query<Which>) -> Result<Response, Failure> {
    named(&member, &which.credential, None, None).await
}

pub async fn name(member: Member, TokenForm(form): TokenForm<Naming>) -> Result<Response, Failure> {
    let Ok(id) = form.credential.parse() else { return Ok(Redirect::to("/security").into_response()) };
    let renamed = member.guest.visit.rename(&member.session, id, &form.name).await?;
    match renamed.map_err(|why| why.code) {
        Err(Code::Name) => {
            let bad = member.guest.t.ways.name_bad;
            return named(&member, &form.credential, Some(&form.name), Some(bad)).await;
        }
        Err(_) => {
            member.guest.say(|t| t.ways.name_gone);
            return Ok(Redirect::to("/security").into_response());
        }
        Ok(()) => {}
    }
    let Member { guest, session, token } = member;
    if later(&guest).is_none() {
        guest.say(|t| t.ways.renamed);
        return Ok(Redirect::to("/security").into_response());
    }
    let auth = &guest.app.auth;
    let left = BackupCodes::left(auth, session.account()).await?;
    if left.unwrap_or_default() > 0 || !auth.enrolments().any(|name| *name == BackupCodes::NAME) {
        return Ok(Redirect::to(DONE).into_response());
    }
    guest.say(|t| t.ways.codes_next);
    let step = guest.visit.enrol(&token, BackupCodes::NAME).await?;
    lead_on(&guest, Way::Enrol, Draft::default(), step, DONE).await
}

async fn named(
    member: &Member,
    id: &str,
    typed: Option<&str>,
    bad: Option<&'static str>,
) -> Result<Response, Failure> {
    let (guest, t) = (&member.guest, member.guest.t);
    let held = guest.app.auth.credentials(member.session.account()).await?;
    // Only one's own: the id comes from outside.
    let Some(one) = held.iter().find(|one| one.id.to_string() == id && security::has_name(&one.factor))
    else {
        return Ok(Redirect::to("/security").into_response());
    };
    let later = later(guest);
    let title = if later.is_some() { t.ways.name_new } else { t.ways.name };
    let mut frame = guest.frame(NAME, title)?.narrow();
    frame.address = format!("{NAME}?credential={id}");
    frame.problems = bad.into_iter().map(|text| Problem { field: "name", text: text.to_owned() }).collect();
    let value = typed.map_or_else(|| suggestion(guest, &held, one), str::to_owned);
    let input = Field::text("name", t.ways.name_label, "off").hint(t.ways.name_hint).value(&value);
    let input = input.within(&frame, true);
    let token = guest.hidden::<Naming>()?;
    Ok(guest.page(&Name { frame, token, input, credential: one.id, later }))
}

/// The name that it has, or one that none of the others has: of an application "My phone", of a key the browser that
/// made it.
fn suggestion(guest: &Guest, held: &[Held], one: &Held) -> String {
    if let Some(name) = &one.name {
        return name.clone();
    }
    let mut device = guest.client().device.clone();
    device.version = None;
    let name = match Ask::of(&one.factor) {
        Some(Ask::App) => guest.t.ways.app.to_owned(),
        _ => guest.t.device(&device),
    };
    let taken = |name: &str| held.iter().any(|one| one.name.as_deref() == Some(name));
    let more = (2..).map(|nth| format!("{name} {nth}"));
    std::iter::once(name.clone()).chain(more).find(|name| !taken(name)).unwrap_or_default()
}

pub async fn show_done(member: Member) -> Result<Response, Failure> {
    let Member { guest, session, .. } = member;
    let (t, auth) = (guest.t, &guest.app.auth);
    let next = guest.draft(Way::Wizard).next;
    let held = auth.credentials(session.account()).await?;
    let left = BackupCodes::left(auth, session.account()).await?;
    let mut ways: Vec<(String, String)> = Vec::new();
    for one in held.iter().filter(|one| one.proves.is_factor() && one.factor != Password::NAME) {
        let kind = kind(t, &one.factor).unwrap_or_else(|| auth.title(&one.factor, guest.locale()));
        let name = match left.filter(|_| one.factor == BackupCodes::NAME) {
            Some(left) => t.codes_left(left),
            None => one.name.clone().unwrap_or_default(),
        };
        match ways.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, names)) => *names = format!("{names}, {name}"),
            None => ways.push((kind, name)),
        }
    }
    if let Some(account) = auth.account(session.account()).await?.filter(|known| !known.contacts.is_empty()) {
        let contacts: Vec<_> = account.contacts.iter().map(Identifier::masked).collect();
        ways.push((t.messages_title.to_owned(), contacts.join(", ")));
    }
    let frame = guest.frame(DONE, t.ways.done)?.narrow();
    let next = if next.is_empty() { "/home".to_owned() } else { next };
    Ok(guest.page(&Summary { frame, ways, no_codes: left.unwrap_or_default() == 0, next }))
}

fn kind(t: &Texts, factor: &FactorName) -> Option<String> {
    t.way_in(factor.as_str()).map(|words| words.title.to_owned())
}

pub const NAME: &str = "/security/name";
pub const DONE: &str = "/security/done";
