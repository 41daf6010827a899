//! Registration: who one is here, the code on the page for codes, then a password.

use askama::Template;
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use propusk::account::{BirthDate, PersonalData};
use propusk::axum::{FormFields, TokenForm};
use propusk::flow::{Code, Refusal};
use propusk::human::HumanFor;
use propusk::secret::Secret;
use propusk::{Password, Step};
use serde::Deserialize;

use super::{lead_on, problems};
use crate::app::Failure;
use crate::drafts::{Draft, Way};
use crate::guest::Guest;
use crate::pages::accounts::Adding;
use crate::pages::human::{self, Human};
use crate::pages::new_password::NewPassword;
use crate::view::{Field, Frame, Hidden};

#[derive(Debug, Template)]
#[template(path = "sign_up.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    token: Hidden,
    name: Field,
    contact: Field,
    birth_date: Field,
    terms: bool,
    terms_missing: bool,
    human: Human,
}

/// The page for a new password, here and where one is changed.
#[derive(Debug, Template)]
#[template(path = "choose.html", config = "examples/cabinet/askama.toml")]
pub struct Choice {
    pub frame: Frame,
    pub token: Hidden,
    pub lead: &'static str,
    /// For password managers: whose password this will be.
    pub username: String,
    pub current: Option<Field>,
    pub new: NewPassword,
    pub button: &'static str,
}

#[derive(Debug, Deserialize)]
pub struct SignUp {
    name: String,
    contact: String,
    #[serde(default)]
    birth_date: String,
    #[serde(default)]
    terms: Option<String>,
    #[serde(default)]
    human: String,
}

#[derive(Debug, Deserialize)]
pub struct Chosen {
    // For password managers only.
    #[serde(default, rename = "username")]
    _username: Option<String>,
    new_password: Secret,
    #[serde(default)]
    at: String,
}

impl FormFields for SignUp {
    const PURPOSE: &'static str = "sign-up";
}

impl FormFields for Chosen {
    const PURPOSE: &'static str = "sign-up-password";
}

pub async fn show(guest: Guest, Query(adding): Query<Adding>) -> Result<Response, Failure> {
    let (draft, told) = guest.draft_and_refusal(Way::SignUp);
    if !adding.lets(&guest) && told.is_none() {
        return Ok(Redirect::to("/home").into_response());
    }
    let mut frame = guest.frame("/sign-up", guest.t.sign_up)?.narrow();
    adding.keep(&mut frame);
    frame.problems = problems(&guest, told.as_ref(), field);
    let t = guest.t;
    let name =
        Field::text("name", t.name, "name").hint(t.name_hint).value(&draft.name).prose().within(&frame, true);
    let contact = Field::text("contact", t.contact, "username").hint(t.contact_hint);
    let contact =
        contact.latin().enter("next").inputmode("email").value(&draft.identifier).within(&frame, false);
    let birth_date = Field::date("birth_date", t.birth_date, "bday").hint(t.birth_date_hint);
    let birth_date = birth_date.value(&draft.birth_date).within(&frame, false);
    let terms_missing = !frame.error_of("terms").is_empty();
    let (token, terms) = (guest.hidden::<SignUp>()?, draft.terms);
    let human = Human::new(&guest, &frame, HumanFor::SignUp, draft.human).await?;
    Ok(guest.page(&Page { frame, token, name, contact, birth_date, terms, terms_missing, human }))
}

pub async fn begin(guest: Guest, TokenForm(form): TokenForm<SignUp>) -> Result<Response, Failure> {
    // The version of the terms that were shown is kept with the account.
    let terms = if form.terms.is_some() { TERMS } else { "" };
    let born = Some(&form.birth_date).filter(|text| !text.is_empty());
    let step = match born.map(|text| BirthDate::parse(text, guest.app.auth.now())).transpose() {
        Ok(born) => {
            let mut who = PersonalData::from(&form.name);
            who.birth_date = born;
            human::answered(&guest, &form.human).sign_up(&form.contact, who, terms).await?
        }
        Err(_) => Step::Refused(Box::new(Refusal::new(Code::BirthDate))),
    };
    let human = human::ticket(&guest, HumanFor::SignUp, &step, form.human).await?;
    let draft = Draft {
        human,
        identifier: form.contact,
        name: form.name,
        birth_date: form.birth_date,
        terms: form.terms.is_some(),
        ..Draft::default()
    };
    lead_on(&guest, Way::SignUp, draft, step, Way::SignUp.start()).await
}

pub async fn show_choice(guest: Guest) -> Result<Response, Failure> {
    let (draft, told) = guest.draft_and_refusal(Way::SignUp);
    if draft.flow.is_none() || !draft.choosing {
        return Ok(Redirect::to(Way::SignUp.start()).into_response());
    }
    let mut frame = guest.frame("/sign-up/password", guest.t.choose_password)?.narrow();
    frame.problems = problems(&guest, told.as_ref(), |_| "new_password");
    let choice = Choice {
        token: guest.hidden_at::<Chosen>(&draft)?,
        lead: "",
        username: draft.identifier,
        current: None,
        new: NewPassword::new(&guest, &frame, true)?,
        button: guest.t.finish,
        frame,
    };
    Ok(guest.page(&choice))
}

pub async fn choose(guest: Guest, TokenForm(form): TokenForm<Chosen>) -> Result<Response, Failure> {
    let draft = guest.draft_at(Way::SignUp, &form.at)?;
    let Some(flow) = draft.flow.clone().filter(|_| draft.choosing) else {
        return Ok(Redirect::to(Way::SignUp.start()).into_response());
    };
    let word = Password::word(form.new_password.expose_str().unwrap_or_default());
    let step = guest.visit.answer(&flow, word).await?;
    if matches!(step, Step::Done(_)) {
        guest.say(|t| t.welcome_new);
    }
    lead_on(&guest, Way::SignUp, draft, step, Way::SignUp.choose()).await
}

fn field(why: &Refusal) -> &'static str {
    match why.code {
        Code::Identifier(_) | Code::ContactKind | Code::TooSoon => "contact",
        Code::Name => "name",
        Code::BirthDate => "birth_date",
        Code::Terms => "terms",
        _ => "",
    }
}

const TERMS: &str = "2026-11";
