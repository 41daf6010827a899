//! The accounts of a browser.

use std::borrow::Cow;

use ::axum::extract::Path;
use ::axum::extract::rejection::PathRejection;
use ::axum::http::StatusCode;
use ::axum::http::request::Parts;
use ::axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::no_session;
use crate::axum::accounts::ACCOUNT;
use crate::axum::body::Call;
use crate::axum::caller::Caller;
use crate::axum::problem::Fault;
use crate::axum::{AuthHttp, Problem, csrf, json};

/// Empty where nobody is signed in: who has signed out of the one in use sees the others.
pub(super) async fn show(caller: Caller) -> Result<Response, Problem> {
    let here = caller.accounts().await.map_err(|broken| caller.broken(&broken))?;
    Ok(json::ok(&json::accounts(&here)))
}

pub(super) async fn switch(call: Call) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked<'a> {
        #[serde(borrow)]
        session: Cow<'a, str>,
    }
    let asked: Asked<'_> = call.json()?;
    let to = asked.session.parse().map_err(|_| no_session(&call.caller))?;
    Ok(json::step(&call.caller, call.caller.switch(to).await))
}

pub(super) async fn sign_out(
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let not_found = || caller.fault(Fault::NotFound);
    let Ok(id) = id.map_err(|_| not_found())?.parse() else { return Err(not_found()) };
    let cookies = caller.sign_out_of(id).await.map_err(|broken| caller.broken(&broken))?;
    Ok((cookies.ok_or_else(not_found)?, StatusCode::NO_CONTENT).into_response())
}

pub(super) async fn sign_out_all(caller: Caller) -> Result<Response, Problem> {
    let cookies = caller.sign_out_of_all().await.map_err(|broken| caller.broken(&broken))?;
    Ok((cookies, StatusCode::NO_CONTENT).into_response())
}

/// Whether a request comes from a page of the account in use.
pub(super) async fn turn(http: &AuthHttp, parts: &Parts) -> Result<(), Problem> {
    if http.0.accounts == 1 && !parts.headers.contains_key(ACCOUNT) {
        return Ok(());
    }
    let acts = !csrf::is_safe(&parts.method) && !names_itself(parts);
    Caller::of(http, parts)?.turn(&parts.headers, acts).await
}

// A route that is not listed acts in the session: nobody forgets a new one.
fn names_itself(parts: &Parts) -> bool {
    let path = parts.uri.path();
    let begins =
        |with: &str| path.strip_prefix(with).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    FREE.into_iter().any(begins) || (parts.method == "POST" && begins("/recover"))
}

/// What begins at nobody, goes on in a flow that knows its session, or says itself which account it means.
const FREE: [&str; 7] = ["/sign-up", "/sign-in", "/flow", "/return", "/objection", "/accounts", "/token"];
