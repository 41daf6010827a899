//! A sign-in by a password that must be replaced first: too old, temporary, known to others. The page says which; the
//! session begins with the new one. Whoever leaves is not signed in and has the old one still.

use axum::response::{IntoResponse, Redirect, Response};
use propusk::axum::{FormFields, TokenForm};
use propusk::secret::Secret;
use propusk::{Password, Step};
use serde::Deserialize;

use super::new_password::NewPassword;
use super::sign_up::Choice;
use super::{lead_on, problems};
use crate::app::Failure;
use crate::drafts::Way;
use crate::guest::Guest;

#[derive(Debug, Deserialize)]
pub struct Replacement {
    // For password managers only.
    #[serde(default, rename = "username")]
    _username: Option<String>,
    new_password: Secret,
    #[serde(default)]
    at: String,
}

impl FormFields for Replacement {
    const PURPOSE: &'static str = "sign-in-password";
}

pub async fn show(guest: Guest) -> Result<Response, Failure> {
    let (draft, told) = guest.draft_and_refusal(Way::SignIn);
    if draft.flow.is_none() || !draft.choosing || draft.due.is_none() {
        return Ok(Redirect::to(Way::SignIn.start()).into_response());
    }
    let t = guest.t;
    let mut frame = guest.frame(PAGE, t.new_password)?.narrow();
    frame.problems = problems(&guest, told.as_ref(), |_| "new_password");
    let choice = Choice {
        token: guest.hidden_at::<Replacement>(&draft)?,
        lead: t.due(draft.due),
        username: draft.identifier,
        current: None,
        new: NewPassword::new(&guest, &frame, true)?,
        button: t.change_and_sign_in,
        frame,
    };
    Ok(guest.page(&choice))
}

pub async fn replace(guest: Guest, TokenForm(form): TokenForm<Replacement>) -> Result<Response, Failure> {
    let draft = guest.draft_at(Way::SignIn, &form.at)?;
    let Some(flow) = draft.flow.clone().filter(|_| draft.choosing && draft.due.is_some()) else {
        return Ok(Redirect::to(Way::SignIn.start()).into_response());
    };
    let word = Password::word(form.new_password.expose_str().unwrap_or_default());
    let step = guest.visit.answer(&flow, word).await?;
    if matches!(step, Step::Done(_)) {
        guest.say(|t| t.password_changed);
    }
    lead_on(&guest, Way::SignIn, draft, step, PAGE).await
}

const PAGE: &str = "/sign-in/password";
