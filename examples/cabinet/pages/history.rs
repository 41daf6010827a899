//! The history of an account: by pages, filtered, and as a table.

pub mod csv;
mod filter;

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use propusk::event::{Event, EventPage, Outcome, name};
use propusk::id::EventId;

use filter::{Asked, Fault, Filter, OUTCOMES, key};

use crate::app::Failure;
use crate::dates::{self, Moment, moment};
use crate::guest::{Guest, Member};
use crate::texts::Texts;
use crate::view::{Frame, Problem};

#[derive(Debug, Template)]
#[template(path = "history.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    from: String,
    to: String,
    devices: Vec<Choice>,
    results: Vec<Choice>,
    lines: Vec<Line>,
    filtered: bool,
    /// Not the first page.
    paged: bool,
    older: Option<String>,
    newest: String,
    csv: String,
    printed: Moment,
}

/// One of a list to choose from.
#[derive(Debug)]
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

/// An event on the page.
#[derive(Debug)]
pub struct Line {
    pub id: EventId,
    pub what: String,
    pub result: &'static str,
    pub good: bool,
    pub how: String,
    pub device: String,
    pub address: Option<String>,
    pub at: Moment,
}

impl Line {
    pub fn of(t: &Texts, event: &Event) -> Self {
        let reason = event.reason.as_deref().map(|reason| t.reason(reason));
        let how = how(t, event).into_iter().chain(reason).collect::<Vec<_>>().join(": ");
        let more = details(t, event);
        Self {
            id: event.id,
            what: t.event(event),
            result: t.portal.outcome(event.outcome),
            good: event.outcome == Outcome::Done,
            how: [how, more].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", "),
            device: t.device(&event.origin.device),
            address: event.origin.address.map(|address| address.to_string()),
            at: moment(event.at, t.locale),
        }
    }
}

pub async fn show(member: Member, Query(asked): Query<Asked>) -> Result<Response, Failure> {
    let Member { guest, session, .. } = member;
    let (t, auth) = (guest.t, &guest.app.auth);
    let read = asked.filter();
    let filter = read.clone().unwrap_or_default();
    let mut found =
        auth.search_history(session.account(), filter.page(ON_A_PAGE), |event| filter.keeps(event)).await?;
    let mut frame = guest.frame("/history", t.history)?;
    frame.address = format!("/history{}", filter.query(filter.before));
    if let Err(fault) = read {
        found.events.clear();
        found.next = None;
        frame.address = String::from("/history");
        frame.problems = vec![problem(t, fault)];
    }
    let chosen = |outcome| filter.outcome == Some(outcome);
    let page = Page {
        devices: devices(&guest, &session, &filter).await?,
        results: OUTCOMES
            .into_iter()
            .map(|outcome| Choice {
                value: outcome.as_str().to_owned(),
                label: t.portal.outcome(outcome).to_owned(),
                chosen: chosen(outcome),
            })
            .collect(),
        lines: found.events.iter().map(|event| Line::of(t, event)).collect(),
        filtered: filter.is_set() || !frame.problems.is_empty(),
        paged: filter.before.is_some(),
        older: found.next.map(|id| format!("/history{}", filter.query(Some(id)))),
        newest: format!("/history{}", filter.query(None)),
        csv: format!("/history.csv{}", filter.query(None)),
        printed: moment(auth.now(), t.locale),
        from: field(&asked.from),
        to: field(&asked.to),
        frame,
    };
    Ok(guest.page(&page))
}

impl Page {
    fn good_dates(&self) -> bool {
        self.frame.problems.is_empty()
    }
}

// What there is to choose from: the devices of the latest events, and the one that was asked for.
async fn devices(guest: &Guest, session: &propusk::Session, filter: &Filter) -> Result<Vec<Choice>, Failure> {
    let events = guest.app.auth.history(session.account(), EventPage::newest(LATEST)).await?;
    let mut choices: Vec<Choice> = Vec::new();
    for event in &events {
        let value = key(&event.origin.device);
        if !choices.iter().any(|choice| choice.value == value) {
            let mut device = event.origin.device.clone();
            device.version = None;
            let (label, chosen) = (guest.t.device(&device), filter.device == value);
            choices.push(Choice { value, label, chosen });
        }
    }
    choices.sort_by(|one, other| one.label.cmp(&other.label));
    if !filter.device.is_empty() && !choices.iter().any(|choice| choice.chosen) {
        let (value, label) = (filter.device.clone(), guest.t.unknown_device.to_owned());
        choices.push(Choice { value, label, chosen: true });
    }
    Ok(choices)
}

// What is no date is not there again: the field of a browser takes nothing else.
fn field(text: &str) -> String {
    dates::day(text.trim()).map(dates::field).unwrap_or_default()
}

fn problem(t: &Texts, fault: Fault) -> Problem {
    let (field, text) = match fault {
        Fault::From => ("from", t.portal.not_a_date),
        Fault::To => ("to", t.portal.not_a_date),
        Fault::Crossed => ("from", t.portal.dates_crossed),
    };
    Problem { field, text: text.to_owned() }
}

/// By what it was proven.
fn how<'a>(t: &Texts, event: &'a Event) -> Option<&'a str> {
    event.factor.as_ref().map(|factor| t.factor(factor.as_str()))
}

/// What was written beside it: of a transaction all that was approved, under its own labels.
fn details(t: &Texts, event: &Event) -> String {
    let approval = event.name == name::APPROVED;
    let detail = |(name, value): (&String, &String)| match (name.as_str(), value.as_str()) {
        ("transaction", _) if approval => None,
        _ if approval => Some(format!("{name}: {value}")),
        // What the address itself tells, and when it would have been: the line after it says what became of it.
        ("kind" | "ready", _) if about_contacts(event) => None,
        ("new", _) if about_contacts(event) => Some(format!("{}: {value}", t.life.new_address)),
        ("main", _) if about_contacts(event) => Some(format!("{}: {value}", t.life.main_address)),
        ("old", _) if about_contacts(event) => Some(format!("{}: {value}", t.life.old_address)),
        // What else stands in a line about a lock is an id.
        _ if event.name == name::LOCKED => None,
        ("number", _) => Some(format!("№ {value}")),
        ("signals", _) => {
            let signals: Vec<_> = event.signals().into_iter().map(|signal| signal.text(t.locale)).collect();
            Some(format!("{}: {}", t.life.unusual_about, signals.join(", ")))
        }
        ("trust", "used") if event.name == name::SIGN_IN => Some(t.ways.trust_used.to_owned()),
        _ => Some(value.clone()),
    };
    event.details.iter().filter_map(detail).collect::<Vec<_>>().join(", ")
}

fn about_contacts(event: &Event) -> bool {
    [
        name::CONTACT_CHANGED,
        name::CONTACT_REMOVED,
        name::CONTACT_PREFERRED,
        name::CONTACT_UNDONE,
        name::RECOVERY_WAITS,
    ]
    .contains(&event.name)
}

const ON_A_PAGE: usize = 10;
const LATEST: usize = 500;
