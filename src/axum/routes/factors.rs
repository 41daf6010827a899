//! What an account signs in by, and proving more than a session has.

use std::borrow::Cow;

use ::axum::extract::Path;
use ::axum::extract::rejection::PathRejection;
use ::axum::http::StatusCode;
use ::axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::{no_session, signed};
use crate::axum::body::Call;
use crate::axum::caller::Caller;
use crate::axum::problem::Fault;
use crate::axum::require::Lacking;
use crate::axum::{Problem, json};
use crate::flow::{Code, Step};
use crate::id::CredentialId;

/// Proving what a `step_up` problem said, by its own words.
pub(super) async fn step_up(mut call: Call) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked<'a> {
        #[serde(borrow)]
        acr_values: Cow<'a, str>,
        #[serde(default)]
        max_age: Option<u64>,
    }
    call.caller.bind()?;
    let asked: Asked<'_> = call.json()?;
    let asked = Lacking::asked(&asked.acr_values, asked.max_age);
    let asked = asked.ok_or_else(|| call.caller.fault(Fault::Malformed))?;
    let Some(session) = &call.caller.token else { return Err(no_session(&call.caller)) };
    Ok(json::step(&call.caller, call.caller.visit().step_up(session, asked).await))
}

pub(super) async fn remove(
    mut caller: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    caller.bind()?;
    let id = credential_id(&caller, id)?;
    let Some(session) = &caller.token else { return Err(no_session(&caller)) };
    match caller.visit().remove(session, id).await {
        // Not the account's, or not in its list: there is none by that id, as for an id that is none.
        Ok(Step::Refused(why)) if why.code == Code::NotOffered => Err(caller.fault(Fault::NotFound)),
        step => Ok(json::step(&caller, step)),
    }
}

pub(super) async fn rename(id: Result<Path<String>, PathRejection>, call: Call) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked<'a> {
        /// Empty: it has none any more.
        #[serde(borrow)]
        name: Cow<'a, str>,
    }
    let asked: Asked<'_> = call.json()?;
    let (caller, session) = (&call.caller, signed(&call.caller).await?);
    let id = credential_id(caller, id)?;
    let refused = caller.visit().rename(&session, id, &asked.name).await;
    match refused.map_err(|broken| caller.broken(&broken))? {
        Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(why) if why.code == Code::NotOffered => Err(caller.fault(Fault::NotFound)),
        Err(why) => Err(Problem::refused(&why, caller.client.locale)),
    }
}

pub(super) fn credential_id(
    caller: &Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<CredentialId, Problem> {
    let id = id.ok().and_then(|Path(id)| id.parse().ok());
    id.ok_or_else(|| caller.fault(Fault::NotFound))
}

/// What the account has, and what it can add.
pub(super) async fn factors(caller: Caller) -> Result<Response, Problem> {
    let session = signed(&caller).await?;
    let auth = caller.http.auth();
    let held = auth.credentials(session.account()).await.map_err(|broken| caller.broken(&broken))?;
    Ok(json::ok(&json::factors(auth, &held, caller.client.locale)))
}
