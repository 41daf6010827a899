//! Signing in by a key, without typing a name. A script asks for the browser's options when somebody wants them: by the
//! button, or by a look at the field for names, where browsers offer keys.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Redirect, Response};
use propusk::axum::{FormFields, TokenForm};
use propusk::flow::{Code, Refusal};
use propusk::secret::Secret;
use propusk::{Passkey, Step};
use serde::Deserialize;

use super::lead_on;
use crate::app::Failure;
use crate::asks::Ask;
use crate::drafts::{Draft, Way};
use crate::guest::{self, Guest};

/// Both of its posts send the same form.
#[derive(Debug, Deserialize)]
pub struct KeySignIn {
    /// The browser's answer; empty when it is asked for.
    key: Secret,
    #[serde(default)]
    public_device: String,
    #[serde(default)]
    next: String,
    /// Which page asks: each has a flow of its own.
    #[serde(default)]
    at: String,
}

impl FormFields for KeySignIn {
    const PURPOSE: &'static str = "sign-in-key";
}

/// Begins a sign-in that names nobody, and gives what the script hands to the browser.
pub async fn options(guest: Guest, TokenForm(form): TokenForm<KeySignIn>) -> Result<Response, Failure> {
    let sign_in = guest.visit.sign_in().public_device(!form.public_device.is_empty());
    let mut step = sign_in.unnamed().await?;
    if let Step::Pending(next) = &step {
        step = guest.visit.begin(&next.flow, &Passkey::NAME).await?;
    }
    Ok(match step {
        Step::Pending(next) => {
            let Some((_, prompt)) = next.begun else { return Ok(Redirect::to("/sign-in").into_response()) };
            guest.keep_key(&form.at, next.flow);
            ([(CONTENT_TYPE, "application/json")], prompt.as_json().to_owned()).into_response()
        }
        // Too many from one network. The script says that it did not work.
        Step::Refused(_) => StatusCode::TOO_MANY_REQUESTS.into_response(),
        Step::Done(_) => Redirect::to("/home").into_response(),
    })
}

/// The key's answer.
pub async fn sign_in(guest: Guest, TokenForm(form): TokenForm<KeySignIn>) -> Result<Response, Failure> {
    let step = match guest.take_key(&form.at) {
        Some(flow) => guest.visit.answer(&flow, Ask::Key.answer(&Passkey::NAME, &form.key)).await?,
        // The page was open for longer than its flow.
        None => Step::Refused(Box::new(Refusal::new(Code::NoFlow))),
    };
    let next = guest::local_target(&form.next).unwrap_or_default();
    let factor = Some(Passkey::NAME);
    let draft = Draft { factor, next, public_device: !form.public_device.is_empty(), ..Draft::default() };
    // From here on it is a sign-in as any: what is still to be proven, and what was wrong, is told on its pages.
    lead_on(&guest, Way::SignIn, draft, step, Way::SignIn.start()).await
}
