//! What the account wants to be told of by which channel: a table, with what nobody can switch off and why.

use std::collections::BTreeMap;

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use propusk::Account;
use propusk::axum::{FormFields, TokenForm};
use propusk::flow::Code;
use propusk::message::{Channel, Topic};
use serde::Deserialize;

use super::services::account;
use crate::app::Failure;
use crate::guest::{Guest, Member};
use crate::view::{Frame, Hidden, Problem};

#[derive(Debug, Template)]
#[template(path = "preferences.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    token: Hidden,
    channels: Vec<&'static str>,
    rows: Vec<Row>,
}

/// A group of events, and a cell for each channel.
#[derive(Debug)]
struct Row {
    id: &'static str,
    title: &'static str,
    lead: &'static str,
    cells: Vec<Cell>,
}

#[derive(Debug)]
struct Cell {
    name: String,
    channel: &'static str,
    on: bool,
    /// Nobody switches it off.
    fixed: bool,
}

/// The boxes that are ticked, by the names in the page.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Wanted(BTreeMap<String, String>);

impl FormFields for Wanted {
    const PURPOSE: &'static str = "preferences";
}

pub async fn show(member: Member) -> Result<Response, Failure> {
    let account = account(&member).await?;
    page(&member.guest, &account, Vec::new())
}

pub async fn set(member: Member, TokenForm(Wanted(ticked)): TokenForm<Wanted>) -> Result<Response, Failure> {
    let mut account = account(&member).await?;
    let Member { guest, session, .. } = member;
    let mut wanted = account.preferences.clone();
    for (topic, channel) in choices(&guest, &account) {
        wanted = wanted.with(topic, channel, ticked.contains_key(&name(topic, channel)));
    }
    match guest.visit.prefer(&session, |_| wanted.clone()).await? {
        Ok(()) => {
            guest.say(|t| t.told.saved);
            Ok(Redirect::to("/preferences").into_response())
        }
        Err(why) => {
            let told = guest.t.told.one_stays;
            let text = if why.code == Code::Untold { told } else { why.text(guest.locale()) }.to_owned();
            account.preferences = wanted;
            page(&guest, &account, vec![Problem { field: "", text }])
        }
    }
}

fn page(guest: &Guest, account: &Account, problems: Vec<Problem>) -> Result<Response, Failure> {
    let told = guest.t.told;
    let channels = guest.app.auth.channels(account);
    let chosen = choices(guest, account);
    let row = |topic: Topic| {
        let (title, lead) = told.topic(topic);
        let cell = |by: &Channel| Cell {
            name: name(topic, *by),
            channel: told.channel(*by),
            on: account.preferences.is_on(topic, *by),
            fixed: !chosen.contains(&(topic, *by)),
        };
        Row { id: topic.as_str(), title, lead, cells: channels.iter().map(cell).collect() }
    };
    let mut frame = guest.frame("/preferences", told.preferences)?;
    frame.problems = problems;
    let page = Page {
        token: guest.hidden::<Wanted>()?,
        channels: channels.iter().map(|by| told.channel(*by)).collect(),
        rows: SHOWN.into_iter().map(row).collect(),
        frame,
    };
    Ok(guest.page(&page))
}

/// What this account can choose. Where one address is all it has, that one stays on.
fn choices(guest: &Guest, account: &Account) -> Vec<(Topic, Channel)> {
    let channels = guest.app.auth.channels(account);
    let addresses = channels.iter().filter(|by| **by != Channel::Push).count();
    let mut all = Vec::new();
    for topic in SHOWN.into_iter().filter(|topic| topic.is_chosen()) {
        let free = channels.iter().filter(|by| **by == Channel::Push || addresses > 1);
        all.extend(free.map(|by| (topic, *by)));
    }
    all
}

fn name(topic: Topic, by: Channel) -> String {
    format!("{}-{}", topic.as_str(), by.as_str())
}

/// What the portal sends.
const SHOWN: [Topic; 3] = [Topic::SignIn, Topic::Credentials, Topic::Account];
