//! Several accounts in this browser: which there are, the switch, signing out of one or of all. Each is named by the id of
//! its session; the tokens stay in cookies that no page sees.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use propusk::Step;
use propusk::axum::{FormFields, Problem, TokenForm};
use propusk::flow::Code;
use propusk::id::SessionId;
use serde::Deserialize;

use crate::app::Failure;
use crate::dates::{Moment, moment};
use crate::guest::Guest;
use crate::view::{Frame, Hidden};

#[derive(Debug, Template)]
#[template(path = "accounts.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    go_on: Hidden,
    sign_out_of: Hidden,
    sign_out_all: Hidden,
    accounts: Vec<Line>,
    nobody: bool,
    ended: bool,
    full: bool,
}

#[derive(Debug)]
struct Line {
    id: SessionId,
    name: String,
    login: Option<String>,
    here: bool,
    seen: Moment,
}

/// Whether somebody who is signed in comes to sign in to another account.
#[derive(Debug, Default, Deserialize)]
pub struct Adding {
    add: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct GoOn {
    session: String,
}

#[derive(Debug, Deserialize)]
pub struct SignOutOf {
    session: String,
}

#[derive(Debug, Deserialize)]
pub struct SignOutOfAll {}

impl FormFields for GoOn {
    const PURPOSE: &'static str = "account-switch";
}

impl FormFields for SignOutOf {
    const PURPOSE: &'static str = "account-sign-out";
}

impl FormFields for SignOutOfAll {
    const PURPOSE: &'static str = "account-sign-out-all";
}

impl Adding {
    /// Whether the page is for this person: nobody is signed in, or another account is to be added.
    pub fn lets(&self, guest: &Guest) -> bool {
        guest.session.is_none() || self.add.is_some()
    }

    /// The language switch comes back to the same, also where a refusal is what it shows.
    pub fn keep(&self, frame: &mut Frame) {
        frame.address = match self.add {
            Some(_) => format!("{}?add=yes", frame.path),
            None => frame.beside(frame.path),
        };
    }
}

pub async fn show(guest: Guest) -> Result<Response, Failure> {
    let here = guest.accounts().await?;
    if here.accounts.is_empty() && here.ended == 0 {
        return Ok(Redirect::to("/sign-in").into_response());
    }
    let locale = guest.locale();
    let line = |one: propusk::axum::AccountHere| Line {
        id: one.session.id(),
        here: one.in_use,
        seen: moment(one.session.seen(), locale),
        name: one.name,
        login: one.identifier,
    };
    let full = here.accounts.len() >= here.most;
    let page = Page {
        frame: guest.frame("/accounts", guest.t.several.title)?,
        go_on: guest.hidden::<GoOn>()?,
        sign_out_of: guest.hidden::<SignOutOf>()?,
        sign_out_all: guest.hidden::<SignOutOfAll>()?,
        nobody: guest.session.is_none() && !here.accounts.is_empty(),
        accounts: here.accounts.into_iter().map(line).collect(),
        ended: here.ended > 0,
        full,
    };
    Ok(guest.page(&page))
}

pub async fn switch(guest: Guest, TokenForm(form): TokenForm<GoOn>) -> Result<Response, Failure> {
    let step = match form.session.parse() {
        Ok(id) => Some(guest.switch(id).await?),
        Err(_) => None,
    };
    match step {
        Some(Step::Done(done)) => {
            guest.say(|t| t.several.switched);
            Ok((guest.signed_in(&done), Redirect::to("/home")).into_response())
        }
        Some(Step::Refused(why)) if why.code != Code::NoSession => {
            Err(Problem::refused(&why, guest.locale()).into())
        }
        _ => {
            guest.say(|t| t.several.gone);
            Ok(Redirect::to("/accounts").into_response())
        }
    }
}

/// Of whom nothing is left there is nothing to show: on to the page for signing in.
pub async fn sign_out(guest: Guest, TokenForm(form): TokenForm<SignOutOf>) -> Result<Response, Failure> {
    let cookies = match form.session.parse() {
        Ok(id) => guest.sign_out_of(id).await?,
        Err(_) => None,
    };
    guest.say(if cookies.is_some() { |t| t.several.one_out } else { |t| t.several.gone });
    Ok((cookies.unwrap_or_default(), Redirect::to("/accounts")).into_response())
}

pub async fn sign_out_all(
    guest: Guest,
    TokenForm(SignOutOfAll {}): TokenForm<SignOutOfAll>,
) -> Result<Response, Failure> {
    let cookies = guest.sign_out_of_all().await?;
    guest.say(|t| t.several.all_out);
    Ok((cookies, Redirect::to("/sign-in")).into_response())
}
