//! A code from a message: the second step of a sign-in, the first proof of a registration.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use propusk::axum::{FormFields, TokenForm};
use propusk::flow::{Code as No, Refusal};
use propusk::id::FactorName;
use propusk::secret::Secret;
use propusk::{Code, Step};
use serde::Deserialize;

use super::{lead_on, problems};
use crate::app::Failure;
use crate::drafts::Way;
use crate::guest::Guest;
use crate::view::{Field, Frame, Hidden};

#[derive(Debug, Template)]
#[template(path = "code.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    token: Hidden,
    again: Hidden,
    code: Field,
    sent_to: String,
    factor: FactorName,
    others: Vec<(FactorName, String)>,
    start: &'static str,
}

#[derive(Debug, Deserialize)]
pub struct Typed {
    code: Secret,
}

#[derive(Debug, Deserialize)]
pub struct Again {
    factor: String,
}

impl FormFields for Typed {
    const PURPOSE: &'static str = "code";
}

impl FormFields for Again {
    const PURPOSE: &'static str = "code-again";
}

pub async fn show_sign_in(guest: Guest) -> Result<Response, Failure> {
    show(&guest, Way::SignIn)
}

pub async fn answer_sign_in(guest: Guest, TokenForm(typed): TokenForm<Typed>) -> Result<Response, Failure> {
    answer(&guest, Way::SignIn, &typed).await
}

pub async fn again_sign_in(guest: Guest, TokenForm(form): TokenForm<Again>) -> Result<Response, Failure> {
    again(&guest, Way::SignIn, &form).await
}

pub async fn show_sign_up(guest: Guest) -> Result<Response, Failure> {
    show(&guest, Way::SignUp)
}

pub async fn answer_sign_up(guest: Guest, TokenForm(typed): TokenForm<Typed>) -> Result<Response, Failure> {
    answer(&guest, Way::SignUp, &typed).await
}

pub async fn again_sign_up(guest: Guest, TokenForm(form): TokenForm<Again>) -> Result<Response, Failure> {
    again(&guest, Way::SignUp, &form).await
}

fn show(guest: &Guest, way: Way) -> Result<Response, Failure> {
    let (draft, told) = guest.draft_and_refusal(way);
    let (Some(_), Some(factor)) = (&draft.flow, draft.factor) else {
        return Ok(Redirect::to(way.start()).into_response());
    };
    let mut frame = guest.frame(way.code(), guest.t.code_title)?.narrow();
    frame.problems = problems(guest, told.as_ref(), field);
    let code = Field::code("code", guest.t.code_label).hint(guest.t.code_hint).within(&frame, true);
    let others = draft.others.into_iter().filter_map(|offer| Some((offer.factor, offer.hint?))).collect();
    let (token, again) = (guest.hidden::<Typed>()?, guest.hidden::<Again>()?);
    let (sent_to, start) = (draft.sent_to, way.start());
    Ok(guest.page(&Page { frame, token, again, code, sent_to, factor, others, start }))
}

async fn answer(guest: &Guest, way: Way, typed: &Typed) -> Result<Response, Failure> {
    let draft = guest.draft(way);
    let (Some(flow), Some(factor)) = (draft.flow.clone(), draft.factor.clone()) else {
        return Ok(Redirect::to(way.start()).into_response());
    };
    let code = typed.code.expose_str().unwrap_or_default();
    let step = guest.visit.answer(&flow, Code::typed(factor, code)).await?;
    lead_on(guest, way, draft, step, way.code()).await
}

async fn again(guest: &Guest, way: Way, form: &Again) -> Result<Response, Failure> {
    let draft = guest.draft(way);
    let mut known = draft.factor.iter().chain(draft.others.iter().map(|offer| &offer.factor));
    let factor = known.find(|factor| factor.as_str() == form.factor).cloned();
    let (Some(flow), Some(factor)) = (draft.flow.clone(), factor) else {
        return Ok(Redirect::to(way.start()).into_response());
    };
    let step = guest.visit.begin(&flow, &factor).await?;
    if matches!(step, Step::Pending(_)) {
        guest.say(|t| t.resent);
    }
    lead_on(guest, way, draft, step, way.code()).await
}

fn field(why: &Refusal) -> &'static str {
    if matches!(why.code, No::Answer(_)) { "code" } else { "" }
}
