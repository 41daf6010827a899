//! The JSON routes. None names a factor.

mod account;
mod accounts;
mod ending;
mod factors;
mod letter;
mod preferences;
mod tokens;

use std::borrow::Cow;

use ::axum::Router;
use ::axum::extract::rejection::{PathRejection, QueryRejection};
use ::axum::extract::{Path, Query, Request, State};
use ::axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use ::axum::middleware::{self, Next};
use ::axum::response::{IntoResponse, Response};
use ::axum::routing::{delete, get, post, put};
use serde::Deserialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::body::Call;
use super::caller::{self, Caller};
use super::problem::Fault;
use super::{AuthHttp, Problem, csrf, json, tasks};
use crate::account::{BirthDate, PersonalData};
use crate::clock::Timestamp;
use crate::error::Broken;
use crate::event::{EventPage, Outcome};
use crate::factor::Answer;
use crate::flow::{Code, Effect, Posted, Refusal, Step, Visit};
use crate::human::{HumanFor, HumanWay, Puzzle};
use crate::id::FactorName;
use crate::secret::Token;
use crate::session::Session;

pub(crate) fn router(http: &AuthHttp) -> Router {
    let routes = Router::new();
    #[cfg(feature = "openapi")]
    let routes = routes.route("/openapi.json", get(super::openapi::serve));
    let routes = routes
        .route("/sign-up", post(sign_up))
        .route("/sign-in", post(sign_in))
        .route("/recover", get(account::recoveries).post(account::recover).delete(account::stop))
        .route("/recover/wait", post(account::wait))
        .route("/contacts", get(account::contacts).post(account::add_contact))
        .route("/contacts/{id}", delete(account::remove_contact))
        .route("/contacts/{id}/main", post(account::prefer_contact))
        .route("/objection", get(account::objection).post(account::object))
        .route("/change", post(change))
        .route("/enrol", post(enrol))
        .route("/step-up", post(factors::step_up))
        .route("/approvals", post(approve))
        .route("/return", get(letter::look).post(letter::follow))
        .route("/flow/begin", post(flow_begin))
        .route("/flow/answer", post(flow_answer))
        .route("/puzzle", get(puzzle))
        .route("/token", post(tokens::refresh))
        .route("/session", get(session).delete(sign_out))
        .route("/sessions", get(sessions).delete(end_others))
        .route("/sessions/{id}", delete(end_session))
        .route("/accounts", get(accounts::show).post(accounts::switch).delete(accounts::sign_out_all))
        .route("/accounts/{id}", delete(accounts::sign_out))
        .route("/history", get(history))
        .route("/lock", post(ending::lock))
        .route("/close", post(ending::close))
        .route("/flow/reopen", post(ending::reopen))
        .route("/export", get(ending::export))
        .route("/preferences", get(preferences::show).put(preferences::set))
        .route("/messages", get(preferences::messages))
        .route("/factors", get(factors::factors))
        .route("/factors/{id}", put(factors::rename).delete(factors::remove))
        .fallback(async |headers: HeaderMap| Problem::fault(Fault::NotFound, caller::locale(&headers)))
        .method_not_allowed_fallback(async |headers: HeaderMap| {
            Problem::fault(Fault::Method, caller::locale(&headers))
        })
        // One layer around everything, so that no later route can be without it.
        .layer(middleware::from_fn_with_state(http.clone(), around))
        .with_state(http.clone());
    Router::new().nest("/auth", routes)
}

async fn around(State(http): State<AuthHttp>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let mut response = match csrf::check(&http, &parts.method, &parts.headers) {
        Ok(()) => match accounts::turn(&http, &parts).await {
            Ok(()) => tasks::to_end(Request::from_parts(parts, body), next).await,
            Err(problem) => problem.into_response(),
        },
        Err(fault) => Problem::fault(fault, caller::locale(&parts.headers)).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // An address may be a secret: that of a link.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

async fn sign_up(mut call: Call) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked<'a> {
        #[serde(borrow)]
        contact: Cow<'a, str>,
        #[serde(borrow)]
        name: Cow<'a, str>,
        #[serde(borrow)]
        terms: Cow<'a, str>,
        /// `1985-03-17`; a password may not be made of it.
        #[serde(borrow, default)]
        birth_date: Option<Cow<'a, str>>,
        /// The answer to a puzzle.
        #[serde(default)]
        human: Option<String>,
        /// Whether the session's token shall be short-lived and renewed by another.
        #[serde(default)]
        refresh: bool,
    }
    call.caller.bind()?;
    let mut asked: Asked<'_> = call.json()?;
    let human = asked.human.take();
    let mut who = PersonalData::from(&asked.name);
    if let Some(text) = &asked.birth_date {
        let now = call.caller.http.auth().now();
        who = who.born(BirthDate::parse(text, now).map_err(|_| refused(&call.caller, Code::BirthDate))?);
    }
    let mut visit = call.caller.visit();
    visit.client.human = human;
    visit.client.refresh = tokens::wanted(&call.caller, asked.refresh)?;
    let step = visit.sign_up(&asked.contact, who, &asked.terms).await;
    Ok(json::step(&call.caller, step))
}

async fn sign_in(mut call: Call) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked<'a> {
        /// Left out: the answer names its credential itself.
        #[serde(borrow, default)]
        identifier: Option<Cow<'a, str>>,
        #[serde(default)]
        public_device: bool,
        /// Whether this browser shall be trusted, where the profile allows it.
        #[serde(default)]
        trust: bool,
        #[serde(borrow, default)]
        factor: Option<Cow<'a, str>>,
        #[serde(borrow, default)]
        answer: Option<&'a RawValue>,
        #[serde(default)]
        human: Option<String>,
        #[serde(default)]
        refresh: bool,
    }
    call.caller.bind()?;
    let asked: Asked<'_> = call.json()?;
    let mut visit = call.caller.trusting(asked.trust);
    visit.client.human = asked.human;
    visit.client.refresh = tokens::wanted(&call.caller, asked.refresh)?;
    let start = visit.sign_in().public_device(asked.public_device);
    let step = match (&asked.identifier, asked.factor, asked.answer) {
        (Some(identifier), Some(factor), Some(answer)) => start.with(identifier, wire(&factor, answer)).await,
        (None, Some(factor), Some(answer)) => {
            then_answer(&visit, start.unnamed().await, wire(&factor, answer)).await
        }
        (Some(identifier), None, None) => start.start(identifier).await,
        (None, None, None) => start.unnamed().await,
        (Some(identifier), Some(factor), None) => {
            then_begin(&visit, start.start(identifier).await, &name(&factor)).await
        }
        (None, Some(factor), None) => then_begin(&visit, start.unnamed().await, &name(&factor)).await,
        (_, None, Some(_)) => return Err(call.caller.fault(Fault::Malformed)),
    };
    Ok(json::step(&call.caller, step))
}

/// A puzzle, and what binds it to this browser.
async fn puzzle(
    mut caller: Caller,
    asked: Result<Query<Puzzled>, QueryRejection>,
) -> Result<Response, Problem> {
    let malformed = || caller.fault(Fault::Malformed);
    let Query(asked) = asked.map_err(|_| malformed())?;
    let purpose = HumanFor::from_name(&asked.purpose).ok_or_else(malformed)?;
    let way = match asked.way.as_deref() {
        None => HumanWay::Script,
        Some("wait") => HumanWay::Plain,
        Some(_) => return Err(malformed()),
    };
    caller.bind()?;
    match caller.visit().puzzle(purpose, way).await {
        Ok(Puzzle::Posed(puzzle)) => json::puzzle(&caller, &puzzle).map_err(|broken| caller.broken(&broken)),
        Ok(Puzzle::Refused(why)) => Err(Problem::refused(&why, caller.client.locale)),
        Err(broken) => Err(caller.broken(&broken)),
    }
}

async fn change(call: Call) -> Result<Response, Problem> {
    credential(call, async |visit, session, factor| visit.change(session, factor).await).await
}

async fn enrol(call: Call) -> Result<Response, Problem> {
    credential(call, async |visit, session, factor| visit.enrol(session, factor).await).await
}

async fn credential(
    mut call: Call,
    start: impl AsyncFnOnce(&Visit, &Token, FactorName) -> Result<Step, Broken>,
) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked<'a> {
        #[serde(borrow)]
        factor: Cow<'a, str>,
        #[serde(borrow, default)]
        answer: Option<&'a RawValue>,
    }
    call.caller.bind()?;
    let asked: Asked<'_> = call.json()?;
    let Some(session) = &call.caller.token else { return Err(no_session(&call.caller)) };
    let visit = call.caller.visit();
    let step = start(&visit, session, name(&asked.factor)).await;
    let step = match asked.answer {
        Some(answer) => then_answer(&visit, step, wire(&asked.factor, answer)).await,
        None => step,
    };
    Ok(json::step(&call.caller, step))
}

async fn flow_begin(call: Call) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked<'a> {
        #[serde(borrow)]
        flow: Cow<'a, str>,
        #[serde(borrow)]
        factor: Cow<'a, str>,
    }
    let asked: Asked<'_> = call.json()?;
    let flow = flow(&call.caller, &asked.flow)?;
    let step = call.caller.visit().begin(&flow, &name(&asked.factor)).await;
    Ok(json::step(&call.caller, step))
}

async fn flow_answer(call: Call) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked<'a> {
        #[serde(borrow)]
        flow: Cow<'a, str>,
        #[serde(borrow)]
        factor: Cow<'a, str>,
        #[serde(borrow)]
        answer: &'a RawValue,
        #[serde(default)]
        trust: bool,
    }
    let asked: Asked<'_> = call.json()?;
    let flow = flow(&call.caller, &asked.flow)?;
    let step = call.caller.trusting(asked.trust).answer(&flow, wire(&asked.factor, asked.answer)).await;
    Ok(json::step(&call.caller, step))
}

/// Claims a request that was begun on another device, or answers it with a letter.
async fn approve(call: Call) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked<'a> {
        #[serde(borrow)]
        mailbox: Cow<'a, str>,
        /// Left out: tells who asks, and claims the request for this session.
        #[serde(borrow, default)]
        letter: Option<&'a RawValue>,
    }
    let asked: Asked<'_> = call.json()?;
    let Some(session) = &call.caller.token else { return Err(no_session(&call.caller)) };
    let visit = call.caller.visit();
    let posted = match asked.letter {
        Some(letter) => visit.post(session, &asked.mailbox, letter.get()).await,
        None => visit.claim(session, &asked.mailbox).await,
    };
    match posted {
        Ok(Posted::Claimed(asking)) => Ok(json::ok(&json::asking(&asking, &call.caller))),
        Ok(Posted::Left) => Ok(StatusCode::NO_CONTENT.into_response()),
        Ok(Posted::Refused(why)) => Err(Problem::refused(&why, call.caller.client.locale)),
        Err(broken) => Err(call.caller.broken(&broken)),
    }
}

async fn session(caller: Caller) -> Result<Response, Problem> {
    let session = signed(&caller).await?;
    Ok(json::ok(&json::session(&session)))
}

async fn sign_out(caller: Caller) -> Result<Response, Problem> {
    if let Some(token) = &caller.token {
        caller.visit().sign_out(token).await.map_err(|broken| caller.broken(&broken))?;
    }
    // Whether or not there was one: whoever asks to be signed out shall be.
    Ok((caller.signed_out(), StatusCode::NO_CONTENT).into_response())
}

async fn sessions(caller: Caller) -> Result<Response, Problem> {
    let session = signed(&caller).await?;
    let list = caller.http.auth().sessions(session.account()).await;
    let list = list.map_err(|broken| caller.broken(&broken))?;
    Ok(json::ok(&json::sessions(&list, &session)))
}

async fn end_others(caller: Caller) -> Result<Response, Problem> {
    let session = signed(&caller).await?;
    match caller.visit().end_other_sessions(&session).await.map_err(|broken| caller.broken(&broken))? {
        Effect::Done | Effect::Nothing => Ok(StatusCode::NO_CONTENT.into_response()),
        Effect::NoSession => Err(no_session(&caller)),
    }
}

async fn end_session(caller: Caller, id: Result<Path<String>, PathRejection>) -> Result<Response, Problem> {
    let session = signed(&caller).await?;
    let not_found = || caller.fault(Fault::NotFound);
    let Ok(id) = id.map_err(|_| not_found())?.parse() else { return Err(not_found()) };
    let ended = caller.visit().end_session(&session, id).await.map_err(|broken| caller.broken(&broken))?;
    match ended {
        Effect::Done if id == session.id() => {
            Ok((caller.signed_out(), StatusCode::NO_CONTENT).into_response())
        }
        Effect::Done => Ok(StatusCode::NO_CONTENT.into_response()),
        Effect::Nothing => Err(not_found()),
        Effect::NoSession => Err(no_session(&caller)),
    }
}

async fn history(caller: Caller, asked: Result<Query<Asked>, QueryRejection>) -> Result<Response, Problem> {
    let session = signed(&caller).await?;
    let malformed = || caller.fault(Fault::Malformed);
    let Query(asked) = asked.map_err(|_| malformed())?;
    let mut page = asked.page().ok_or_else(malformed)?;
    let limit = page.limit;
    page.limit += 1;
    let events = caller.http.auth().history(session.account(), page).await;
    let mut events = events.map_err(|broken| caller.broken(&broken))?;
    let full = events.len() > limit;
    events.truncate(limit);
    Ok(json::ok(&json::history(events, full)))
}

/// The query of a puzzle.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Puzzled {
    #[serde(rename = "for")]
    purpose: String,
    way: Option<String>,
}

/// The query of the history: `cursor` is the `next` of the page before, moments are RFC 3339.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    cursor: Option<String>,
    since: Option<String>,
    until: Option<String>,
    outcome: Option<String>,
    limit: Option<usize>,
}

impl Asked {
    fn page(&self) -> Option<EventPage> {
        let outcomes = [Outcome::Done, Outcome::Refused, Outcome::TimedOut];
        let outcome = |text: &str| outcomes.into_iter().find(|outcome| outcome.as_str() == text);
        let mut page = EventPage::newest(self.limit.unwrap_or(DEFAULT_PAGE).clamp(1, MOST_PAGE));
        page.before = given(self.cursor.as_deref(), |text| text.parse().ok())?;
        page.since = given(self.since.as_deref(), moment)?;
        page.until = given(self.until.as_deref(), moment)?;
        page.outcome = given(self.outcome.as_deref(), outcome)?;
        Some(page)
    }
}

// What is not given is no filter; what is given and not understood is no answer with other filters.
#[expect(clippy::option_option, reason = "not given, given and read; given and not read is the outer `None`")]
fn given<T>(text: Option<&str>, read: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    match text {
        None => Some(None),
        Some(text) => read(text).map(Some),
    }
}

fn moment(text: &str) -> Option<Timestamp> {
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    let millis = moment.unix_timestamp_nanos().div_euclid(1_000_000);
    i64::try_from(millis).ok().map(Timestamp::from_millis)
}

async fn then_begin(visit: &Visit, step: Result<Step, Broken>, factor: &FactorName) -> Result<Step, Broken> {
    match step? {
        Step::Pending(next) => visit.begin(&next.flow, factor).await,
        other => Ok(other),
    }
}

async fn then_answer(visit: &Visit, step: Result<Step, Broken>, answer: Answer) -> Result<Step, Broken> {
    match step? {
        Step::Pending(next) => visit.answer(&next.flow, answer).await,
        other => Ok(other),
    }
}

async fn signed(caller: &Caller) -> Result<Session, Problem> {
    caller.session().await?.ok_or_else(|| no_session(caller))
}

fn no_session(caller: &Caller) -> Problem {
    refused(caller, Code::NoSession)
}

fn refused(caller: &Caller, code: Code) -> Problem {
    Problem::refused(&Refusal::new(code), caller.client.locale)
}

// Blank and malformed tokens never reach the store (ATTACKS 55), and nobody answers a flow unbound.
fn flow(caller: &Caller, text: &str) -> Result<Token, Problem> {
    let token = Token::parse(text).filter(|_| caller.client.binding.is_some());
    token.ok_or_else(|| refused(caller, Code::NoFlow))
}

fn wire(factor: &str, answer: &RawValue) -> Answer {
    Answer::wire(name(factor), answer.get().as_bytes())
}

fn name(factor: &str) -> FactorName {
    FactorName::owned(factor)
}

const DEFAULT_PAGE: usize = 50;
const MOST_PAGE: usize = 200;
