//! What an owner is told of, and by which channel.

use std::collections::BTreeMap;

use ::axum::http::StatusCode;
use ::axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::signed;
use crate::axum::body::Call;
use crate::axum::caller::Caller;
use crate::axum::problem::Fault;
use crate::axum::{Problem, json};
use crate::flow::{Code, Refusal};
use crate::message::{Channel, Topic};
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
    let (session, account) = account(caller).await?;
    let mut wanted = account.preferences;
    for (topic, channels) in &asked.topics {
        let topic = Topic::ALL.into_iter().find(|known| known.as_str() == topic && known.is_chosen());
        for (channel, on) in channels {
            let channel = Channel::ALL.into_iter().find(|known| known.as_str() == channel);
            let (Some(topic), Some(channel)) = (topic, channel) else {
                return Err(caller.fault(Fault::Malformed));
            };
            wanted = wanted.with(topic, channel, *on);
        }
    }
    let refused = caller.visit().prefer(&session, &wanted).await;
    match refused.map_err(|broken| caller.broken(&broken))? {
        None => Ok(StatusCode::NO_CONTENT.into_response()),
        Some(why) => Err(Problem::refused(&why, caller.client.locale)),
    }
}

async fn account(caller: &Caller) -> Result<(Session, crate::Account), Problem> {
    let session = signed(caller).await?;
    let account = caller.http.auth().account(session.account()).await;
    let account = account.map_err(|broken| caller.broken(&broken))?;
    let gone = || Problem::refused(&Refusal::new(Code::NoSession), caller.client.locale);
    Ok((session, account.ok_or_else(gone)?))
}
