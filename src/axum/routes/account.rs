//! Coming back after a loss, where messages go, and what an owner objects to.

use std::borrow::Cow;

use ::axum::extract::rejection::{PathRejection, QueryRejection};
use ::axum::extract::{Path, Query};
use ::axum::http::StatusCode;
use ::axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::{factors, flow, name, no_session, signed, tokens};
use crate::axum::body::Call;
use crate::axum::caller::Caller;
use crate::axum::problem::Fault;
use crate::axum::{Problem, json};
use crate::error::Broken;
use crate::flow::{Code, Effect, Objected, Step};
use crate::id::CredentialId;

pub(super) async fn recover(mut call: Call) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked<'a> {
        #[serde(borrow)]
        contact: Cow<'a, str>,
        /// Factors. Left out: what is typed from memory.
        #[serde(default)]
        lost: Vec<String>,
        #[serde(default)]
        public_device: bool,
        #[serde(default)]
        human: Option<String>,
        #[serde(default)]
        refresh: bool,
    }
    call.caller.bind()?;
    let asked: Asked<'_> = call.json()?;
    let mut visit = call.caller.visit();
    visit.client.human = asked.human;
    visit.client.refresh = tokens::wanted(&call.caller, asked.refresh)?;
    let lost = asked.lost.iter().map(|factor| name(factor));
    let start = visit.recover().lost(lost).public_device(asked.public_device);
    let step = start.start(&asked.contact).await;
    Ok(json::step(&call.caller, step))
}

/// Lets a recovery wait that has no second confirmation.
pub(super) async fn wait(call: Call) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked<'a> {
        #[serde(borrow)]
        flow: Cow<'a, str>,
    }
    let asked: Asked<'_> = call.json()?;
    let flow = flow(&call.caller, &asked.flow)?;
    Ok(json::step(&call.caller, call.caller.visit().wait(&flow).await))
}

pub(super) async fn recoveries(caller: Caller) -> Result<Response, Problem> {
    let session = signed(&caller).await?;
    let all =
        caller.http.auth().recoveries(session.account()).await.map_err(|broken| caller.broken(&broken))?;
    Ok(json::ok(&json::recoveries(&all)))
}

pub(super) async fn stop(caller: Caller) -> Result<Response, Problem> {
    let session = signed(&caller).await?;
    match caller.visit().stop_recovery(&session).await.map_err(|broken| caller.broken(&broken))? {
        Effect::Done => Ok(StatusCode::NO_CONTENT.into_response()),
        Effect::Nothing => Err(caller.fault(Fault::NotFound)),
        Effect::NoSession => Err(no_session(&caller)),
    }
}

pub(super) async fn contacts(caller: Caller) -> Result<Response, Problem> {
    let session = signed(&caller).await?;
    let all =
        caller.http.auth().contacts(session.account()).await.map_err(|broken| caller.broken(&broken))?;
    Ok(json::ok(&json::contacts(&all)))
}

pub(super) async fn add_contact(mut call: Call) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked<'a> {
        #[serde(borrow)]
        address: Cow<'a, str>,
        /// The contact in the place of which it comes.
        #[serde(borrow, default)]
        instead: Option<Cow<'a, str>>,
    }
    call.caller.bind()?;
    let asked: Asked<'_> = call.json()?;
    let Some(session) = &call.caller.token else { return Err(no_session(&call.caller)) };
    let instead = asked.instead.map(|id| id.parse()).transpose();
    let instead = instead.map_err(|_| call.caller.fault(Fault::NotFound))?;
    let step = call.caller.visit().add_contact(session, &asked.address, instead).await;
    of_mine(&call.caller, step, instead).await
}

pub(super) async fn remove_contact(
    mut caller: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    caller.bind()?;
    let id = factors::credential_id(&caller, id)?;
    let Some(session) = &caller.token else { return Err(no_session(&caller)) };
    of_mine(&caller, caller.visit().remove_contact(session, id).await, Some(id)).await
}

pub(super) async fn prefer_contact(
    mut caller: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    caller.bind()?;
    let id = factors::credential_id(&caller, id)?;
    let Some(session) = &caller.token else { return Err(no_session(&caller)) };
    of_mine(&caller, caller.visit().prefer_contact(session, id).await, Some(id)).await
}

/// What became of a contact. Of one that the account does not have: there is none by that id, whosever it is.
async fn of_mine(
    caller: &Caller,
    step: Result<Step, Broken>,
    contact: Option<CredentialId>,
) -> Result<Response, Problem> {
    if let (Ok(Step::Refused(why)), Some(contact)) = (&step, contact)
        && why.code == Code::NotOffered
    {
        let mine = caller.http.auth().contacts(signed(caller).await?.account()).await;
        if mine.map_err(|broken| caller.broken(&broken))?.iter().all(|one| one.id != contact) {
            return Err(caller.fault(Fault::NotFound));
        }
    }
    Ok(json::step(caller, step))
}

/// The query of a link in a notice.
#[derive(Deserialize)]
pub(super) struct Notice {
    o: String,
}

/// Tells what a link in a notice does. Changes nothing, for whoever opens it.
pub(super) async fn objection(
    caller: Caller,
    link: Result<Query<Notice>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(Notice { o }) = link.map_err(|_| caller.fault(Fault::Malformed))?;
    match caller.visit().objection(&o).await.map_err(|broken| caller.broken(&broken))? {
        Objected::To(what) => Ok(json::ok(&json::objection(what))),
        Objected::Refused(why) => Err(Problem::refused(&why, caller.client.locale)),
    }
}

pub(super) async fn object(call: Call) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked<'a> {
        #[serde(borrow)]
        link: Cow<'a, str>,
    }
    let asked: Asked<'_> = call.json()?;
    let caller = &call.caller;
    match caller.visit().object(&asked.link).await.map_err(|broken| caller.broken(&broken))? {
        Objected::To(what) => Ok(json::ok(&json::objection(what))),
        Objected::Refused(why) => Err(Problem::refused(&why, caller.client.locale)),
    }
}
