//! Recovery, contacts and links in notices.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::account::{Account, PendingRecovery};
use crate::auth::Auth;
use crate::axum::{AccountHere, AccountsHere};
use crate::clock::Timestamp;
use crate::flow::{ListedContact, Objection};
use crate::message::{Channel, Told, Topic};

/// The recoveries that wait, or were stopped.
pub(crate) fn recoveries(all: &[PendingRecovery]) -> impl Serialize {
    #[derive(Serialize)]
    struct Waits {
        by: String,
        asked: String,
        ready: String,
        stopped: bool,
    }
    #[derive(Serialize)]
    struct List {
        recoveries: Vec<Waits>,
    }
    let waits = |one: &PendingRecovery| Waits {
        by: one.by.masked(),
        asked: one.asked.rfc3339(),
        ready: one.ready.rfc3339(),
        stopped: one.stopped,
    };
    List { recoveries: all.iter().map(waits).collect() }
}

/// An account's contacts.
pub(crate) fn contacts(all: &[ListedContact]) -> impl Serialize {
    #[derive(Serialize)]
    struct Line {
        id: String,
        kind: &'static str,
        address: String,
        confirmed: String,
        main: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        settles: Option<String>,
    }
    #[derive(Serialize)]
    struct List {
        contacts: Vec<Line>,
    }
    let line = |one: &ListedContact| Line {
        id: one.id.to_string(),
        kind: one.address.kind().as_str(),
        address: one.address.as_str().to_owned(),
        confirmed: one.confirmed.rfc3339(),
        main: one.main,
        settles: one.settles.map(Timestamp::rfc3339),
    };
    List { contacts: all.iter().map(line).collect() }
}

/// The accounts of a browser.
pub(crate) fn accounts(here: &AccountsHere) -> impl Serialize {
    #[derive(Serialize)]
    struct Line {
        session: String,
        account: String,
        name: String,
        identifier: Option<String>,
        in_use: bool,
        seen: String,
        expires: String,
    }
    #[derive(Serialize)]
    struct List {
        accounts: Vec<Line>,
        ended: usize,
        most: usize,
    }
    let line = |one: &AccountHere| Line {
        session: one.session.id().to_string(),
        account: one.session.account().to_string(),
        name: one.name.clone(),
        identifier: one.identifier.clone(),
        in_use: one.in_use,
        seen: one.session.seen().rfc3339(),
        expires: one.session.expires().rfc3339(),
    };
    List { accounts: here.accounts.iter().map(line).collect(), ended: here.ended, most: here.most }
}

/// What a link in a notice does.
pub(crate) fn objection(what: Objection) -> impl Serialize {
    #[derive(Serialize)]
    struct Objects {
        objection: &'static str,
    }
    Objects { objection: what.as_str() }
}

/// What an owner is told of by which channel, and by which channels they can be.
pub(crate) fn preferences(auth: &Auth, account: &Account) -> impl Serialize {
    #[derive(Serialize)]
    struct Told {
        channels: Vec<&'static str>,
        topics: BTreeMap<&'static str, BTreeMap<&'static str, bool>>,
    }
    let channels = auth.channels(account);
    let of = |topic| {
        let on = |by: &Channel| (by.as_str(), account.preferences.is_on(topic, *by));
        (topic.as_str(), channels.iter().map(on).collect())
    };
    let topics = Topic::ALL.into_iter().filter(|topic| topic.is_chosen()).map(of).collect();
    Told { channels: channels.iter().map(|by| by.as_str()).collect(), topics }
}

/// A page of the inbox; `full` when there may be another.
pub(crate) fn messages(told: Vec<Told>, full: bool) -> impl Serialize {
    #[derive(Serialize)]
    struct Message {
        id: String,
        at: String,
        topic: &'static str,
        subject: String,
        text: String,
    }
    #[derive(Serialize)]
    struct Page {
        messages: Vec<Message>,
        next: Option<String>,
    }
    let next = told.last().filter(|_| full).map(|one| one.id.to_string());
    let line = |one: Told| Message {
        id: one.id.to_string(),
        at: one.at.rfc3339(),
        topic: one.topic.as_str(),
        subject: one.text.subject,
        text: one.text.body,
    };
    Page { messages: told.into_iter().map(line).collect(), next }
}
