//! What becomes of the account itself.

use std::borrow::Cow;

use ::axum::http::{HeaderValue, StatusCode, header};
use ::axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::{flow, no_session, refused, signed};
use crate::axum::body::Call;
use crate::axum::caller::Caller;
use crate::axum::problem::Fault;
use crate::axum::{Problem, json};
use crate::flow::{Closing, Code, Effect};

/// Locks the account; where an event is named, because it was not its owner.
pub(super) async fn lock(call: Call) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked<'a> {
        #[serde(borrow, default)]
        event: Option<Cow<'a, str>>,
    }
    let asked: Asked<'_> = call.json()?;
    let (caller, session) = (&call.caller, signed(&call.caller).await?);
    let visit = caller.visit();
    let locked = match asked.event {
        None => visit.lock(&session).await,
        Some(event) => {
            let event = event.parse().map_err(|_| caller.fault(Fault::NotFound))?;
            visit.not_me(&session, event).await
        }
    };
    match locked.map_err(|broken| caller.broken(&broken))? {
        Effect::Done => Ok((caller.signed_out(), StatusCode::NO_CONTENT).into_response()),
        Effect::Nothing => Err(caller.fault(Fault::NotFound)),
        Effect::NoSession => Err(no_session(caller)),
    }
}

/// Closes the account, once that is proven: until then the step that proves it.
pub(super) async fn close(mut caller: Caller) -> Result<Response, Problem> {
    caller.bind()?;
    let Some(session) = &caller.token else { return Err(no_session(&caller)) };
    match caller.visit().close(session).await {
        Ok(Closing::Closed { erased_at }) => {
            Ok((caller.signed_out(), json::ok(&json::closed(erased_at))).into_response())
        }
        Ok(Closing::Prove(step)) => Ok(json::step(&caller, Ok(step))),
        Err(broken) => Err(caller.broken(&broken)),
    }
}

/// Ends a sign-in to an account that is being closed by opening it again.
pub(super) async fn reopen(call: Call) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked<'a> {
        #[serde(borrow)]
        flow: Cow<'a, str>,
    }
    let asked: Asked<'_> = call.json()?;
    let flow = flow(&call.caller, &asked.flow)?;
    Ok(json::step(&call.caller, call.caller.visit().reopen(&flow).await))
}

/// All that is kept of its owner.
pub(super) async fn export(caller: Caller) -> Result<Response, Problem> {
    let session = signed(&caller).await?;
    let all = caller.http.auth().export(session.account()).await.map_err(|broken| caller.broken(&broken))?;
    let all = all.zip(caller.token.clone()).map(|(all, token)| all.into_body(token));
    let all = all.ok_or_else(|| refused(&caller, Code::NoSession))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"account.json\"")),
    ];
    Ok((headers, all).into_response())
}
