//! One proof at a time: a code from a message, from an application, from a list. The second step of a sign-in, the first
//! of a registration, and what a signed-in person proves before something is added to the account, removed, or approved.

use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use propusk::axum::{FormFields, Problem, TokenForm};
use propusk::factor::Prompt;
use propusk::flow::{Code, Refusal, Transaction};
use propusk::id::FactorName;
use propusk::secret::Secret;
use propusk::{Hotp, Link, Step};
use serde::Deserialize;

use super::{begins, forgot, lead_on, problems, wizard};
use crate::app::{App, Failure};
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
    next: Option<Field>,
    why: &'static str,
    lead: &'static str,
    /// What is approved by it.
    approves: Option<Transaction>,
    /// The offer to trust this browser, and whether it was taken up.
    trust: Option<(String, bool)>,
    /// Whether it comes in a message; where that went, when one did, and in which words.
    sends: bool,
    sent_to: Option<(&'static str, String)>,
    /// The number to type where a link is opened, when it is one.
    number: Option<String>,
    factor: FactorName,
    others: Vec<(FactorName, String)>,
    /// What the script asks the browser for, when it is a key.
    options: Option<String>,
    start: String,
    /// Where somebody goes on to who has nothing of all this.
    wait: Option<&'static str>,
    /// Where one goes on to without it, where it is not the heart of the matter.
    later: Option<&'static str>,
}

#[derive(Debug, Deserialize)]
pub struct Typed {
    #[serde(
        alias = "password",
        alias = "app_code",
        alias = "token_code",
        alias = "backup_code",
        alias = "key"
    )]
    code: Option<Secret>,
    /// Of a token that has run ahead.
    #[serde(default)]
    next_code: Option<Secret>,
    /// From the page that waits for a link: by its button, or by its script, which wants no page (`quiet`).
    #[serde(default)]
    link: Option<String>,
    #[serde(default)]
    trust: Option<String>,
    #[serde(default)]
    at: String,
}

#[derive(Debug, Deserialize)]
pub struct Other {
    factor: String,
    #[serde(default)]
    at: String,
}

impl FormFields for Typed {
    const PURPOSE: &'static str = "step";
}

impl FormFields for Other {
    const PURPOSE: &'static str = "step-other";
}

/// The pages of all ways. Who proves something to add, remove or approve is signed in.
pub fn routes() -> Router<App> {
    let mut router = Router::new();
    for way in [Way::SignUp, Way::SignIn, Way::Recover] {
        let page = get(move |guest: Guest| async move { show(&guest, way) })
            .post(move |guest: Guest, form: Sent| async move { answer_of(&guest, way, form).await });
        let other = post(move |guest: Guest, form| async move { other(&guest, way, form).await });
        router = router.route(way.step(), page).route(&format!("{}/other", way.step()), other);
    }
    for way in [Way::Enrol, Way::Remove, Way::Extract, Way::Fine, Way::Contact, Way::Close] {
        let page = get(move |member: Member| async move { show(&member.guest, way) })
            .post(move |member: Member, form: Sent| async move { answer_of(&member.guest, way, form).await });
        let other = post(move |member: Member, form| async move { other(&member.guest, way, form).await });
        router = router.route(way.step(), page).route(&format!("{}/other", way.step()), other);
    }
    router
}

fn show(guest: &Guest, way: Way) -> Result<Response, Failure> {
    let (draft, told) = guest.draft_and_refusal(way);
    let (Some(_), Some(factor)) = (&draft.flow, draft.factor.clone()) else {
        return Ok(Redirect::to(way.start()).into_response());
    };
    if draft.choosing {
        return Ok(Redirect::to(draft.page_to_choose(way)).into_response());
    }
    let Some(ask) = Ask::of(&factor) else { return Ok(Redirect::to(way.start()).into_response()) };
    let asked = guest.t.asked(ask);
    let mut frame = guest.frame(way.step(), asked.title)?.narrow();
    frame.problems = problems(guest, told.as_ref(), |why| field(why, ask));
    let sent = match ask {
        Ask::Link => guest.t.link.sent_to,
        _ if way == Way::Recover && draft.is_first() => guest.t.life.sent_to,
        _ => guest.t.code_sent_to,
    };
    let why = match way {
        Way::Close => guest.t.ending.close_why,
        _ if draft.unusual => guest.t.life.unusual,
        _ => guest.t.life.why(way, &draft).unwrap_or_else(|| guest.t.ways.why(way)),
    };
    // What it depends on is read after where it went.
    let maybe = way == Way::Recover && draft.is_first() && asked.lead.is_empty();
    let (why, lead) = if maybe { ("", why) } else { (why, asked.lead) };
    let (token, other) = (guest.hidden_at::<Typed>(&draft)?, guest.hidden_at::<Other>(&draft)?);
    let others = draft.offers.into_iter().filter(|offer| offer.factor != factor);
    let others = others.filter_map(|offer| {
        let way = guest.t.asked(Ask::of(&offer.factor)?).way;
        let label = offer.hint.map_or_else(|| way.to_owned(), |hint| format!("{way} {hint}"));
        Some((offer.factor, label))
    });
    let own = way == Way::SignIn && !draft.public_device;
    let trust = guest.app.auth.profile().trust.as_ref().filter(|_| own);
    let page = Page {
        input: ask.input(&frame, true),
        next: ask.next(&frame),
        token,
        other,
        why,
        lead,
        approves: draft.approves,
        trust: trust.map(|rule| (guest.t.trust(rule.life.as_secs().div_ceil(DAY)), draft.trust)),
        sends: ask.sends(),
        sent_to: (ask.sends() && draft.prompt.is_some()).then_some((sent, draft.sent_to)),
        options: draft.prompt.as_ref().filter(|_| ask == Ask::Key).map(|prompt| prompt.as_json().to_owned()),
        number: draft.prompt.as_ref().filter(|_| ask == Ask::Link).and_then(number),
        others: others.collect(),
        start: guest.start_of(way),
        wait: draft.delay.map(|_| forgot::WAIT),
        later: (way == Way::Enrol).then(|| wizard::later(guest)).flatten(),
        factor,
        frame,
    };
    Ok(guest.page(&page))
}

/// The form was made for who was there then: for nobody, or for the session as it was.
type Sent = Result<TokenForm<Typed>, Problem>;

async fn answer_of(guest: &Guest, way: Way, form: Sent) -> Result<Response, Failure> {
    match form {
        Ok(TokenForm(typed)) => answer(guest, way, &typed).await,
        // Another tab has gone on meanwhile, by a link: this one has nothing left to ask.
        Err(_) if guest.session.is_some() => {
            let page = if way.is_of_a_session() { way.start() } else { "/home" };
            Ok(Redirect::to(page).into_response())
        }
        Err(problem) => Err(problem.into()),
    }
}

async fn answer(guest: &Guest, way: Way, typed: &Typed) -> Result<Response, Failure> {
    let quiet = typed.link.as_deref() == Some("quiet");
    let response = go_on(guest, way, typed, quiet).await.unwrap_or_else(IntoResponse::into_response);
    Ok(if quiet { told_to_a_script(response) } else { response })
}

async fn go_on(guest: &Guest, way: Way, typed: &Typed, quiet: bool) -> Result<Response, Failure> {
    let mut draft = guest.draft_at(way, &typed.at)?;
    let (Some(flow), Some(factor)) = (draft.flow.clone(), draft.factor.clone()) else {
        return Ok(Redirect::to(way.start()).into_response());
    };
    let Some(ask) = Ask::of(&factor) else { return Ok(Redirect::to(way.start()).into_response()) };
    // Not what this page asks for.
    if typed.link.is_some() != (ask == Ask::Link) {
        return Ok(Redirect::to(way.step()).into_response());
    }
    draft.trust = typed.trust.is_some();
    let nothing = Secret::text(String::new());
    let code = typed.code.as_ref().unwrap_or(&nothing);
    let next = typed.next_code.as_ref().and_then(Secret::expose_str).filter(|next| !next.is_empty());
    let answer = match next.filter(|_| ask == Ask::Token) {
        Some(next) => Hotp::two_codes(code.expose_str().unwrap_or_default(), next),
        None => ask.answer(&factor, code),
    };
    let mut step = guest.trusting(draft.trust).answer(&flow, answer).await?;
    if let Step::Refused(why) = &mut step
        && why.code == Code::Waiting
    {
        if quiet {
            // The tab in which the link is opened knows of the wish.
            guest.keep(way, draft);
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
async fn other(guest: &Guest, way: Way, TokenForm(form): TokenForm<Other>) -> Result<Response, Failure> {
    let mut draft = guest.draft_at(way, &form.at)?;
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

const DAY: u64 = 24 * 3600;
