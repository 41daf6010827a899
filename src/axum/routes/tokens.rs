//! Tokens of programs.

use std::borrow::Cow;

use ::axum::response::Response;
use serde::Deserialize;

use super::no_session;
use crate::axum::body::Call;
use crate::axum::caller::Caller;
use crate::axum::problem::Fault;
use crate::axum::{Problem, json};
use crate::flow::Refreshed;
use crate::secret::Token;

/// The next token of a program's session, in the words of RFC 6749.
pub(super) async fn refresh(call: Call) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked<'a> {
        #[serde(borrow)]
        refresh_token: Cow<'a, str>,
    }
    let asked: Asked<'_> = call.json()?;
    let Some(token) = Token::parse(&asked.refresh_token).filter(|_| call.caller.program) else {
        return Err(no_session(&call.caller));
    };
    match call.caller.visit().refresh(&token).await {
        Ok(Refreshed::Done(done)) => Ok(json::tokens(&call.caller, &done)),
        Ok(Refreshed::Refused(why)) => Err(Problem::refused(&why, call.caller.client.locale)),
        Err(broken) => Err(call.caller.broken(&broken)),
    }
}

/// Whether a session that begins is to have such tokens. A browser's scripts see no token, and so they get none that they
/// would have to keep.
pub(super) fn wanted(caller: &Caller, asked: bool) -> Result<bool, Problem> {
    if asked && !caller.program { Err(caller.fault(Fault::Malformed)) } else { Ok(asked) }
}
