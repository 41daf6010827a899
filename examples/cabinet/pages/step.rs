//! One proof at a time: a code from a message, from an application, from a list. The second step of a sign-in, the first
//! of a registration, and what a signed-in person proves before something is added to the account.

use askama::Template;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Redirect, Response};
use propusk::axum::{FormFields, Problem, TokenForm};
use propusk::factor::Prompt;
use propusk::flow::{Code, Refusal};
use propusk::id::FactorName;
use propusk::secret::Secret;
use propusk::{Link, Step};
use serde::Deserialize;

use super::{begins, lead_on, problems};
use crate::app::Failure;
use crate::asks::Ask;
use crate::drafts::Way;
use crate::guest::{Guest, Member};
use crate::view::{Field, Frame, Hidden};

#[derive(Debug, Template)]
#[template(path = "step.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    token: Hidden,
    other: Hidden,
    input: Field,
    lead: &'static str,
    /// Where the message went, when there is one.
    sent_to: Option<String>,
    /// The number to type where a link is opened, when it is one.
    number: Option<String>,
    factor: FactorName,
    others: Vec<(FactorName, String)>,
    /// What the script asks the browser for, when it is a key.
    options: Option<String>,
    start: &'static str,
}

#[derive(Debug, Deserialize)]
pub struct Typed {
    #[serde(alias = "password", alias = "app_code", alias = "backup_code", alias = "key")]
    code: Option<Secret>,
    /// From the page that waits for a link: by its button, or by its script, which wants no page (`quiet`).
    #[serde(default)]
    link: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Other {
    factor: String,
}

impl FormFields for Typed {
    const PURPOSE: &'static str = "step";
}

impl FormFields for Other {
    const PURPOSE: &'static str = "step-other";
}

pub async fn show_sign_in(guest: Guest) -> Result<Response, Failure> {
    show(&guest, Way::SignIn)
}

pub async fn answer_sign_in(guest: Guest, form: Sent) -> Result<Response, Failure> {
    answer_of(&guest, Way::SignIn, form).await
}

pub async fn other_sign_in(guest: Guest, TokenForm(form): TokenForm<Other>) -> Result<Response, Failure> {
    other(&guest, Way::SignIn, &form).await
}

pub async fn show_sign_up(guest: Guest) -> Result<Response, Failure> {
    show(&guest, Way::SignUp)
}

pub async fn answer_sign_up(guest: Guest, form: Sent) -> Result<Response, Failure> {
    answer_of(&guest, Way::SignUp, form).await
}

pub async fn other_sign_up(guest: Guest, TokenForm(form): TokenForm<Other>) -> Result<Response, Failure> {
    other(&guest, Way::SignUp, &form).await
}

pub async fn show_enrol(member: Member) -> Result<Response, Failure> {
    show(&member.guest, Way::Enrol)
}

pub async fn answer_enrol(member: Member, TokenForm(typed): TokenForm<Typed>) -> Result<Response, Failure> {
    answer(&member.guest, Way::Enrol, &typed).await
}

pub async fn other_enrol(member: Member, TokenForm(form): TokenForm<Other>) -> Result<Response, Failure> {
    other(&member.guest, Way::Enrol, &form).await
}

fn show(guest: &Guest, way: Way) -> Result<Response, Failure> {
    let (draft, told) = guest.draft_and_refusal(way);
    let (Some(_), Some(factor)) = (&draft.flow, draft.factor) else {
        return Ok(Redirect::to(way.start()).into_response());
    };
    if draft.choosing {
        return Ok(Redirect::to(way.choose()).into_response());
    }
    let Some(ask) = Ask::of(&factor) else { return Ok(Redirect::to(way.start()).into_response()) };
    let asked = guest.t.asked(ask);
    let mut frame = guest.frame(way.step(), asked.title)?.narrow();
    frame.problems = problems(guest, told.as_ref(), |why| field(why, ask));
    let others = draft.offers.into_iter().filter(|offer| offer.factor != factor);
    let others = others.filter_map(|offer| {
        let way = guest.t.asked(Ask::of(&offer.factor)?).way;
        let label = offer.hint.map_or_else(|| way.to_owned(), |hint| format!("{way} {hint}"));
        Some((offer.factor, label))
    });
    let page = Page {
        input: ask.input(&frame, true),
        token: guest.hidden::<Typed>()?,
        other: guest.hidden::<Other>()?,
        lead: asked.lead,
        sent_to: ask.sends().then_some(draft.sent_to),
        options: draft.prompt.as_ref().filter(|_| ask == Ask::Key).map(|prompt| prompt.as_json().to_owned()),
        number: draft.prompt.as_ref().filter(|_| ask == Ask::Link).and_then(number),
        others: others.collect(),
        start: way.start(),
        factor,
        frame,
    };
    Ok(guest.page(&page))
}

/// Of somebody who is not signed in yet: the form was made for that.
type Sent = Result<TokenForm<Typed>, Problem>;

async fn answer_of(guest: &Guest, way: Way, form: Sent) -> Result<Response, Failure> {
    match form {
        Ok(TokenForm(typed)) => answer(guest, way, &typed).await,
        // Another tab has signed in meanwhile, by a link: this one has nothing left to ask.
        Err(_) if guest.session.is_some() => Ok(Redirect::to("/home").into_response()),
        Err(problem) => Err(problem.into()),
    }
}

async fn answer(guest: &Guest, way: Way, typed: &Typed) -> Result<Response, Failure> {
    let quiet = typed.link.as_deref() == Some("quiet");
    let response = go_on(guest, way, typed, quiet).await?;
    Ok(if quiet { told_to_a_script(response) } else { response })
}

async fn go_on(guest: &Guest, way: Way, typed: &Typed, quiet: bool) -> Result<Response, Failure> {
    let draft = guest.draft(way);
    let (Some(flow), Some(factor)) = (draft.flow.clone(), draft.factor.clone()) else {
        return Ok(Redirect::to(way.start()).into_response());
    };
    let Some(ask) = Ask::of(&factor) else { return Ok(Redirect::to(way.start()).into_response()) };
    // The link was followed in another tab of this browser, and that one has gone on.
    if typed.link.is_some() != (ask == Ask::Link) {
        return Ok(Redirect::to(way.step()).into_response());
    }
    let nothing = Secret::text(String::new());
    let typed = typed.code.as_ref().unwrap_or(&nothing);
    let mut step = guest.visit.answer(&flow, ask.answer(&factor, typed)).await?;
    if let Step::Refused(why) = &mut step
        && why.code == Code::Waiting
    {
        if quiet {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        // A person who looks into their mailbox takes longer than that.
        why.retry_after = None;
    }
    lead_on(guest, way, draft, step, way.step()).await
}

/// Where it goes on, for a script that goes there itself: what waits for the next page is still to be read.
fn told_to_a_script(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let Some(target) = parts.headers.remove(LOCATION) else { return Response::from_parts(parts, body) };
    parts.status = StatusCode::OK;
    Response::from_parts(parts, Body::from(target.as_bytes().to_vec()))
}

fn number(prompt: &Prompt) -> Option<String> {
    #[derive(Deserialize)]
    struct Shown {
        number: String,
    }
    serde_json::from_str::<Shown>(prompt.as_json()).ok().map(|shown| shown.number)
}

/// Another way, or another message by the same.
async fn other(guest: &Guest, way: Way, form: &Other) -> Result<Response, Failure> {
    let mut draft = guest.draft(way);
    let offer = draft.offers.iter().find(|offer| offer.factor.as_str() == form.factor).cloned();
    let (Some(flow), Some(offer)) = (draft.flow.clone(), offer) else {
        return Ok(Redirect::to(way.start()).into_response());
    };
    let sends = Ask::of(&offer.factor).is_some_and(Ask::sends);
    let again = sends && draft.factor.as_ref() == Some(&offer.factor);
    let begun = draft.begun.iter().any(|(begun, _)| *begun == offer.factor);
    // Coming back to a message that was sent already sends no other.
    if begins(&offer) && (again || !sends || !begun) {
        let step = guest.visit.begin(&flow, &offer.factor).await?;
        if again && matches!(step, Step::Pending(_)) {
            guest.say(if offer.factor == Link::NAME { |t| t.link.resent } else { |t| t.resent });
        }
        return lead_on(guest, way, draft, step, way.step()).await;
    }
    draft.ask(offer.factor, None);
    guest.keep(way, draft);
    Ok(Redirect::to(way.step()).into_response())
}

fn field(why: &Refusal, ask: Ask) -> &'static str {
    if matches!(why.code, Code::Answer(_) | Code::Waiting) { ask.field() } else { "" }
}
