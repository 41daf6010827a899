//! The address in a letter.

use std::borrow::Cow;

use ::axum::extract::Query;
use ::axum::extract::rejection::QueryRejection;
use ::axum::http::StatusCode;
use ::axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::axum::body::Call;
use crate::axum::caller::Caller;
use crate::axum::problem::Fault;
use crate::axum::{Problem, json};
use crate::flow::{Followed, Looked};

/// Tells who asks at the address that a link carries. Sets no cookie and writes nothing, for whoever opens it.
pub(super) async fn look(
    caller: Caller,
    address: Result<Query<Address>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(Address { m }) = address.map_err(|_| caller.fault(Fault::Malformed))?;
    match caller.visit().look(&m).await {
        Ok(Looked::Open { asking, here }) => Ok(json::ok(&json::looked(&asking, here, &caller))),
        Ok(Looked::Refused(why)) => Err(Problem::refused(&why, caller.client.locale)),
        Err(broken) => Err(caller.broken(&broken)),
    }
}

pub(super) async fn follow(call: Call) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked<'a> {
        #[serde(borrow)]
        mailbox: Cow<'a, str>,
        #[serde(borrow)]
        letter: &'a RawValue,
        /// Whether this browser shall be trusted, where the profile allows it.
        #[serde(default)]
        trust: bool,
    }
    let asked: Asked<'_> = call.json()?;
    match call.caller.trusting(asked.trust).follow(&asked.mailbox, asked.letter.get()).await {
        Ok(Followed::Step(step)) => Ok(json::step(&call.caller, Ok(step))),
        Ok(Followed::Left) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(broken) => Err(call.caller.broken(&broken)),
    }
}

/// The query of a link.
#[derive(Deserialize)]
pub(super) struct Address {
    m: String,
}
