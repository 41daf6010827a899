//! What an owner is told of, and by which channel.

use std::collections::BTreeMap;

use ::axum::extract::Query;
use ::axum::extract::rejection::QueryRejection;
use ::axum::http::StatusCode;
use ::axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::{DEFAULT_PAGE, MOST_PAGE, signed};
use crate::axum::body::Call;
use crate::axum::caller::Caller;
use crate::axum::problem::Fault;
use crate::axum::{Problem, json};
use crate::flow::{Code, Refusal};
use crate::message::{Channel, Preferences, Topic};
use crate::session::Session;

pub(super) async fn show(caller: Caller) -> Result<Response, Problem> {
    let (_, account) = account(&caller).await?;
    Ok(json::ok(&json::preferences(caller.http.auth(), &account)))
}

/// What is not named stays as it is.
pub(super) async fn set(call: Call) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        topics: BTreeMap<String, BTreeMap<String, bool>>,
    }
    let asked: Asked = call.json()?;
    let caller = &call.caller;
    let session = signed(caller).await?;
    let mut named = Vec::new();
    for (topic, channels) in &asked.topics {
        let topic = Topic::ALL.into_iter().find(|known| known.as_str() == topic && known.is_chosen());
        for (channel, on) in channels {
            let channel = Channel::ALL.into_iter().find(|known| known.as_str() == channel);
            let (Some(topic), Some(channel)) = (topic, channel) else {
                return Err(caller.fault(Fault::Malformed));
            };
            named.push((topic, channel, *on));
        }
    }
    let change = |now: &Preferences| {
        named.iter().fold(now.clone(), |wanted, (topic, channel, on)| wanted.with(*topic, *channel, *on))
    };
    let refused = caller.visit().prefer(&session, change).await;
    match refused.map_err(|broken| caller.broken(&broken))? {
        Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(why) => Err(Problem::refused(&why, caller.client.locale)),
    }
}

/// The query of the inbox: `cursor` is the `next` of the page before.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Read {
    cursor: Option<String>,
    limit: Option<usize>,
}

pub(super) async fn messages(
    caller: Caller,
    asked: Result<Query<Read>, QueryRejection>,
) -> Result<Response, Problem> {
    let session = signed(&caller).await?;
    let Query(Read { cursor, limit }) = asked.map_err(|_| caller.fault(Fault::Malformed))?;
    let before = cursor.map(|text| text.parse()).transpose().map_err(|_| caller.fault(Fault::Malformed))?;
    let limit = limit.unwrap_or(DEFAULT_PAGE).clamp(1, MOST_PAGE);
    let told = caller.http.auth().inbox(session.account(), before, limit + 1, caller.client.locale).await;
    let mut told = told.map_err(|broken| caller.broken(&broken))?;
    let full = told.len() > limit;
    told.truncate(limit);
    Ok(json::ok(&json::messages(told, full)))
}

async fn account(caller: &Caller) -> Result<(Session, crate::Account), Problem> {
    let session = signed(caller).await?;
    let account = caller.http.auth().account(session.account()).await;
    let account = account.map_err(|broken| caller.broken(&broken))?;
    let gone = || Problem::refused(&Refusal::new(Code::NoSession), caller.client.locale);
    Ok((session, account.ok_or_else(gone)?))
}
