//! Signing in: a name and a password here, the second step on the page for codes. And signing out.

use askama::Template;
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use propusk::Password;
use propusk::axum::{FormFields, TokenForm};
use propusk::flow::{Code, Refusal};
use propusk::secret::Secret;
use serde::Deserialize;

use super::{lead_on, problems};
use crate::app::Failure;
use crate::asks::Ask;
use crate::drafts::{Draft, Way};
use crate::guest::{self, Guest};
use crate::pages::accounts::Adding;
use crate::pages::key::KeySignIn;
use crate::view::{Field, Frame, Hidden};

#[derive(Debug, Template)]
#[template(path = "sign_in.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    token: Hidden,
    key: Hidden,
    identifier: Field,
    password: Field,
    public_device: bool,
    /// Whether somebody came here from a page that needs a session.
    asked: bool,
    adds: bool,
    /// Whether others are here, and none of them is in use.
    others: bool,
    next: String,
}

#[derive(Debug, Default, Deserialize)]
pub struct Wanted {
    #[serde(default)]
    next: String,
    #[serde(flatten)]
    adding: Adding,
}

#[derive(Debug, Deserialize)]
pub struct SignIn {
    identifier: String,
    password: Secret,
    #[serde(default)]
    public_device: Option<String>,
    #[serde(default)]
    next: String,
}

#[derive(Debug, Deserialize)]
pub struct SignOut {}

impl FormFields for SignIn {
    const PURPOSE: &'static str = "sign-in";
}

impl FormFields for SignOut {
    const PURPOSE: &'static str = "sign-out";
}

pub async fn show(guest: Guest, Query(wanted): Query<Wanted>) -> Result<Response, Failure> {
    let next = guest::local_target(&wanted.next).unwrap_or_default();
    let (draft, told) = guest.draft_and_refusal(Way::SignIn);
    if !wanted.adding.lets(&guest) && told.is_none() {
        return Ok(Redirect::to(if next.is_empty() { "/home" } else { &next }).into_response());
    }
    let next = if next.is_empty() && told.is_some() { draft.next.clone() } else { next };
    let adds = guest.session.is_some();
    let title = if adds { guest.t.several.add_title } else { guest.t.sign_in };
    let mut frame = guest.frame("/sign-in", title)?.narrow();
    wanted.adding.keep(&mut frame);
    let by_key = draft.factor.as_ref().and_then(Ask::of) == Some(Ask::Key);
    frame.problems = problems(&guest, told.as_ref(), |why| field(why, by_key));
    let t = guest.t;
    let identifier = Field::text("identifier", t.identifier, "username webauthn").hint(t.identifier_hint);
    let identifier =
        identifier.latin().enter("next").inputmode("email").value(&draft.identifier).within(&frame, true);
    let password = Field::password("password", t.password_label, "current-password").within(&frame, false);
    let asked = !next.is_empty() && frame.problems.is_empty();
    let public_device = draft.public_device;
    let (token, key) = (guest.hidden::<SignIn>()?, guest.hidden_here::<KeySignIn>()?);
    let others = !adds && !guest.client().beside.is_empty();
    Ok(guest.page(&Page {
        frame,
        token,
        key,
        identifier,
        password,
        public_device,
        asked,
        adds,
        others,
        next,
    }))
}

pub async fn begin(guest: Guest, TokenForm(form): TokenForm<SignIn>) -> Result<Response, Failure> {
    let public_device = form.public_device.is_some();
    let password = form.password.expose_str().unwrap_or_default();
    let sign_in = guest.visit.sign_in().public_device(public_device);
    let step = sign_in.with(&form.identifier, Password::word(password)).await?;
    let draft = Draft {
        identifier: form.identifier,
        public_device,
        next: guest::local_target(&form.next).unwrap_or_default(),
        ..Draft::default()
    };
    lead_on(&guest, Way::SignIn, draft, step, Way::SignIn.start()).await
}

pub async fn sign_out(guest: Guest, TokenForm(SignOut {}): TokenForm<SignOut>) -> Result<Response, Failure> {
    if let Some(token) = guest.token() {
        guest.visit.sign_out(token).await?;
    }
    guest.say(|t| t.signed_out);
    let others = !guest.client().beside.is_empty();
    Ok((guest.signed_out(), Redirect::to(if others { "/accounts" } else { "/sign-in" })).into_response())
}

/// A wrong password is never told from a wrong name, so it belongs to neither field alone.
fn field(why: &Refusal, by_key: bool) -> &'static str {
    match why.code {
        Code::Identifier(_) => "identifier",
        Code::Answer(_) if by_key => Ask::Key.field(),
        _ => "",
    }
}
