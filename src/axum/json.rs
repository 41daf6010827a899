//! What the routes answer with.

mod account;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use ::axum::http::{HeaderValue, StatusCode, header};
use ::axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::value::RawValue;

use super::Problem;
use super::caller::Caller;
use crate::auth::{Auth, Held};
use crate::clock::Timestamp;
use crate::device::Device;
use crate::error::Broken;
use crate::event::{Event, Origin};
use crate::factor::Prompt;
use crate::flow::{Asking, Done, Next, Step};
use crate::id::FactorName;
use crate::message::Locale;
use crate::policy::number;
use crate::proof::Due;
use crate::session::{Listed, Session};

pub(crate) use account::{accounts, contacts, messages, objection, preferences, recoveries};

/// A step's end as a response: its cookies, and JSON or a problem.
pub(crate) fn step(caller: &Caller, step: Result<Step, Broken>) -> Response {
    let broken = |broken| (caller.cookies(), caller.broken(&broken)).into_response();
    match step {
        Ok(Step::Done(done)) => (caller.signed_in(&done), ended(caller, &done)).into_response(),
        Ok(Step::Pending(next)) => match pending(caller, &next) {
            Ok(json) => (caller.cookies(), json).into_response(),
            Err(error) => broken(error),
        },
        Ok(Step::Refused(why)) => {
            (caller.cookies(), Problem::refused(&why, caller.client.locale)).into_response()
        }
        Err(error) => broken(error),
    }
}

pub(crate) fn ok(value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(json) => {
            ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], json).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The end of closing.
pub(crate) fn closed(erased_at: Timestamp) -> impl Serialize {
    #[derive(Serialize)]
    struct Closed {
        status: &'static str,
        erased_at: String,
    }
    Closed { status: "closed", erased_at: erased_at.rfc3339() }
}

pub(crate) fn session(session: &Session) -> impl Serialize {
    SessionJson::of(session)
}

pub(crate) fn sessions(list: &[Listed], current: &Session) -> impl Serialize {
    #[derive(Serialize)]
    struct Line {
        #[serde(flatten)]
        session: SessionJson,
        current: bool,
        seen: String,
        from: Option<From>,
    }
    #[derive(Serialize)]
    struct List {
        sessions: Vec<Line>,
    }
    let line = |one: &Listed| Line {
        session: SessionJson::of(&one.session),
        current: one.session.id() == current.id(),
        seen: one.session.seen().rfc3339(),
        from: one.from.as_ref().map(From::of),
    };
    List { sessions: list.iter().map(line).collect() }
}

/// Who asks to be approved, as the approving device shows it.
pub(crate) fn asking(asking: &Asking, caller: &Caller) -> impl Serialize {
    Asks::of(asking, None, caller)
}

/// Who asks at an address, as whoever came with it is told.
pub(crate) fn looked(asking: &Asking, here: bool, caller: &Caller) -> impl Serialize {
    Asks::of(asking, Some(here), caller)
}

/// An account's credentials, and the factors of which it can add one.
pub(crate) fn factors(auth: &Auth, held: &[Held], locale: Locale) -> impl Serialize {
    #[derive(Serialize)]
    struct Kind {
        factor: String,
        title: String,
    }
    #[derive(Serialize)]
    struct Line {
        id: String,
        #[serde(flatten)]
        kind: Kind,
        /// What its owner calls it.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        created: String,
        /// Whether it can prove anything now: a set of codes may be used up.
        usable: bool,
        /// Why it must be replaced at its next use.
        #[serde(skip_serializing_if = "Option::is_none")]
        due: Option<&'static str>,
    }
    #[derive(Serialize)]
    struct List {
        factors: Vec<Line>,
        can_add: Vec<Kind>,
    }
    let kind = |name: &FactorName| Kind { factor: name.to_string(), title: auth.title(name, locale) };
    let line = |one: &Held| Line {
        id: one.id.to_string(),
        kind: kind(&one.factor),
        name: one.name.clone(),
        created: one.created.rfc3339(),
        usable: one.proves.is_factor() || one.proves.recovery_only(),
        due: one.proves.why_due().map(Due::as_str),
    };
    List { factors: held.iter().map(line).collect(), can_add: auth.enrolments().map(kind).collect() }
}

/// A page of the history; `full` when there may be another.
pub(crate) fn history(events: Vec<Event>, full: bool) -> impl Serialize {
    #[derive(Serialize)]
    struct Line {
        id: String,
        at: String,
        name: String,
        outcome: &'static str,
        from: From,
        /// Of a proof that was not the last: what it was given for.
        #[serde(skip_serializing_if = "Option::is_none")]
        during: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        factor: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        credential: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// What the session that it began had proven.
        #[serde(skip_serializing_if = "Option::is_none")]
        aal: Option<u8>,
        #[serde(skip_serializing_if = "Option::is_none")]
        amr: Option<Vec<Cow<'static, str>>>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        details: BTreeMap<String, String>,
    }
    #[derive(Serialize)]
    struct Page {
        events: Vec<Line>,
        next: Option<String>,
    }
    let next = events.last().filter(|_| full).map(|event| event.id.to_string());
    let line = |event: Event| Line {
        id: event.id.to_string(),
        at: event.at.rfc3339(),
        name: event.name.to_string(),
        outcome: event.outcome.as_str(),
        from: From::of(&event.origin),
        during: event.during.map(|during| during.to_string()),
        factor: event.factor.map(|factor| factor.to_string()),
        credential: event.credential.map(|credential| credential.to_string()),
        reason: event.reason,
        aal: event.reached.as_ref().map(|reached| number(reached.aal)),
        amr: event.reached.map(|reached| reached.amr),
        details: event.details,
    };
    Page { events: events.into_iter().map(line).collect(), next }
}

fn ended(caller: &Caller, done: &Done) -> Response {
    #[derive(Serialize)]
    struct Ended<'a> {
        status: &'static str,
        session: SessionJson,
        #[serde(skip_serializing_if = "Option::is_none")]
        token: Option<&'a str>,
        /// Where it asked for one: what gets the next token, and when that is due.
        #[serde(skip_serializing_if = "Option::is_none")]
        refresh_token: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        expires_in: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        binding: Option<&'a str>,
    }
    let (token, binding) = (done.token.expose(), caller.fresh.as_ref().map(crate::secret::Token::expose));
    let refresh = done.refresh.as_ref().map(crate::secret::Token::expose);
    ok(&Ended {
        status: "done",
        session: SessionJson::of(&done.session),
        token: caller.program.then_some(token.as_str()),
        refresh_token: refresh.as_ref().filter(|_| caller.program).map(|text| text.as_str()),
        expires_in: token_life(caller, done).filter(|_| caller.program),
        binding: binding.as_ref().filter(|_| caller.program).map(|text| text.as_str()),
    })
}

/// RFC 6749 section 5.1.
pub(crate) fn tokens(caller: &Caller, done: &Done) -> Response {
    #[derive(Serialize)]
    struct Tokens<'a> {
        access_token: &'a str,
        token_type: &'static str,
        expires_in: Option<u64>,
        refresh_token: Option<&'a str>,
    }
    let (access, refresh) = (done.token.expose(), done.refresh.as_ref().map(crate::secret::Token::expose));
    ok(&Tokens {
        access_token: &access,
        token_type: "Bearer",
        expires_in: token_life(caller, done),
        refresh_token: refresh.as_ref().map(|text| text.as_str()),
    })
}

fn token_life(caller: &Caller, done: &Done) -> Option<u64> {
    Some(done.session.token_expires()?.since(caller.http.auth().now()).as_secs())
}

fn pending(caller: &Caller, next: &Next) -> Result<Response, Broken> {
    #[derive(Serialize)]
    struct OfferJson<'a> {
        factor: &'a str,
        enrols: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<&'a str>,
    }
    #[derive(Serialize)]
    struct BegunJson<'a> {
        factor: &'a str,
        prompt: &'a RawValue,
    }
    #[derive(Serialize)]
    struct Pending<'a> {
        status: &'static str,
        flow: &'a str,
        offers: Vec<OfferJson<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        begun: Option<BegunJson<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        duty: Option<&'static str>,
        /// Why what was proven must be replaced, and what to do, in the caller's language.
        #[serde(skip_serializing_if = "Option::is_none")]
        due: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<&'static str>,
        /// One proof more is asked for: this sign-in is unlike the others.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        unusual: bool,
        /// Of a recovery that lacks a second confirmation: how long it waits without one.
        #[serde(skip_serializing_if = "Option::is_none")]
        delay: Option<u64>,
        expires_in: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        binding: Option<&'a str>,
    }
    let begun = match &next.begun {
        Some((factor, prompt)) => Some(BegunJson {
            factor: factor.as_str(),
            prompt: serde_json::from_str(prompt.as_json()).map_err(|_| Broken::Misuse("a prompt is JSON"))?,
        }),
        None => None,
    };
    let (flow, binding) = (next.flow.expose(), caller.fresh.as_ref().map(crate::secret::Token::expose));
    Ok(ok(&Pending {
        status: "pending",
        flow: &flow,
        offers: next
            .offers
            .iter()
            .map(|offer| OfferJson {
                factor: offer.factor.as_str(),
                enrols: offer.enrols,
                hint: offer.hint.as_deref(),
            })
            .collect(),
        begun,
        duty: next.duty.map(crate::flow::Duty::as_str),
        due: next.due.map(Due::as_str),
        detail: next.due.map(|why| why.text(caller.client.locale)),
        unusual: next.unusual,
        delay: next.delay.map(|delay| delay.as_secs()),
        expires_in: next.expires_in.as_secs(),
        binding: binding.as_ref().filter(|_| caller.program).map(|text| text.as_str()),
    }))
}

pub(crate) fn puzzle(caller: &Caller, puzzle: &Prompt) -> Result<Response, Broken> {
    #[derive(Serialize)]
    struct Posed<'a> {
        puzzle: &'a RawValue,
        #[serde(skip_serializing_if = "Option::is_none")]
        binding: Option<&'a str>,
    }
    let puzzle = serde_json::from_str(puzzle.as_json()).map_err(|_| Broken::Misuse("a puzzle is JSON"))?;
    let binding = caller.fresh.as_ref().map(crate::secret::Token::expose);
    let binding = binding.as_ref().filter(|_| caller.program).map(|text| text.as_str());
    Ok((caller.cookies(), ok(&Posed { puzzle, binding })).into_response())
}

#[derive(Serialize)]
struct Asks {
    factor: String,
    during: String,
    from: From,
    same_network: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    here: Option<bool>,
    at: String,
    expires_in: u64,
    /// What it would approve: show it to the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<Vec<Field>>,
}

#[derive(Serialize)]
struct Field {
    label: String,
    value: String,
}

impl Asks {
    fn of(asking: &Asking, here: Option<bool>, caller: &Caller) -> Self {
        let field = |(label, value): &(String, String)| Field { label: label.clone(), value: value.clone() };
        Self {
            factor: asking.factor.to_string(),
            during: asking.during.to_string(),
            from: From::of(&asking.from),
            same_network: asking.is_near(&caller.client),
            here,
            at: asking.at.rfc3339(),
            expires_in: asking.expires.since(caller.http.auth().now()).as_secs(),
            transaction: asking.transaction.as_ref().map(|what| what.fields().iter().map(field).collect()),
        }
    }
}

#[derive(Serialize)]
struct SessionJson {
    id: String,
    account: String,
    aal: u8,
    amr: Vec<&'static str>,
    created: String,
    expires: String,
}

impl SessionJson {
    fn of(session: &Session) -> Self {
        Self {
            id: session.id().to_string(),
            account: session.account().to_string(),
            aal: number(session.aal()),
            amr: session.amr(),
            created: session.created().rfc3339(),
            expires: session.expires().rfc3339(),
        }
    }
}

#[derive(Serialize)]
struct From {
    address: Option<IpAddr>,
    device: Device,
}

impl From {
    fn of(origin: &Origin) -> Self {
        Self { address: origin.address, device: origin.device.clone() }
    }
}
