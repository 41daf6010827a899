//! What is kept of an account's owner, as JSON for them (GDPR article 20). No secret is in it, and nothing that finds a
//! row: no hash, no handle, no token.

use std::borrow::Cow;

use serde::Serialize;

use super::{Auth, Inner};
use crate::account::identifier::Identifier;
use crate::account::{Level, ProfileData};
use crate::error::Broken;
use crate::event::{Event, EventPage, Origin};
use crate::flow::Person;
use crate::id::AccountId;
use crate::message::{Locale, Told};
use crate::session::Listed;

impl Auth {
    /// All that is kept of an account's owner, as one JSON object: their data, names, contacts, what they sign in by
    /// (without its secrets), browsers, sessions, the whole history, and what they were told. `None` for an account
    /// that is not there, or erased.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn export(&self, of: AccountId) -> Result<Option<String>, Broken> {
        let inner = &self.0;
        inner.ready().await?;
        let Some(person) = inner.person_by_id(of).await? else { return Ok(None) };
        let (Some(subject), Some(known)) = (&person.subject, person.known(inner)?) else { return Ok(None) };
        let ProfileData { who, level, locale, terms, .. } = &known.profile;
        let confirmed = |at| {
            let (id, _) = known.contact_row(at)?;
            Some(subject.contacts.iter().find(|row| row.id == id)?.confirmed.rfc3339())
        };
        let browsers = subject
            .browsers
            .iter()
            .map(|row| Browser { seen: row.seen.rfc3339(), expires: row.expires.rfc3339() });
        let all = Export {
            account: of.to_string(),
            created: subject.account.created.rfc3339(),
            name: &who.name,
            birth_date: who.birth_date.map(|date| date.to_string()),
            level: *level,
            locale: *locale,
            terms,
            identifiers: known.names.iter().map(|name| Named::new(name, None)).collect(),
            contacts: known.contacts().map(|at| Named::new(at, confirmed(at))).collect(),
            credentials: self.credentials(of).await?.into_iter().map(Credential::from).collect(),
            browsers: browsers.collect(),
            sessions: self.sessions(of).await?.into_iter().map(Session::from).collect(),
            history: inner.all_events(&person).await?.into_iter().map(Line::from).collect(),
            messages: inner
                .inbox(&person, None, PIECE, *locale)
                .await?
                .into_iter()
                .map(Message::from)
                .collect(),
        };
        serde_json::to_string(&all).map(Some).map_err(|_| Broken::Misuse("export"))
    }
}

impl Inner {
    async fn all_events(&self, person: &Person) -> Result<Vec<Event>, Broken> {
        let key = person.known(self)?.map(|known| &known.key);
        let (mut page, mut all) = (EventPage::newest(PIECE), Vec::new());
        loop {
            let rows = self.store.events(person.id, page.clone()).await?;
            for row in &rows {
                all.push(self.open_event(row, key)?);
            }
            page.before = rows.last().map(|row| row.id);
            if rows.len() < PIECE {
                return Ok(all);
            }
        }
    }
}

#[derive(Serialize)]
struct Export<'a> {
    account: String,
    created: String,
    name: &'a str,
    birth_date: Option<String>,
    level: Level,
    locale: Locale,
    terms: &'a str,
    identifiers: Vec<Named<'a>>,
    contacts: Vec<Named<'a>>,
    credentials: Vec<Credential>,
    browsers: Vec<Browser>,
    sessions: Vec<Session>,
    history: Vec<Line>,
    messages: Vec<Message>,
}

#[derive(Serialize)]
struct Named<'a> {
    kind: &'static str,
    value: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed: Option<String>,
}

impl<'a> Named<'a> {
    fn new(name: &'a Identifier, confirmed: Option<String>) -> Self {
        Self { kind: name.kind().as_str(), value: name.as_str(), confirmed }
    }
}

#[derive(Serialize)]
struct Credential {
    factor: String,
    name: Option<String>,
    created: String,
}

impl From<super::Held> for Credential {
    fn from(held: super::Held) -> Self {
        Self { factor: held.factor.to_string(), name: held.name, created: held.created.rfc3339() }
    }
}

#[derive(Serialize)]
struct Browser {
    seen: String,
    expires: String,
}

#[derive(Serialize)]
struct Session {
    created: String,
    seen: String,
    expires: String,
    from: Option<Origin>,
}

impl From<Listed> for Session {
    fn from(Listed { session, from }: Listed) -> Self {
        let (created, seen) = (session.created().rfc3339(), session.seen().rfc3339());
        Self { created, seen, expires: session.expires().rfc3339(), from }
    }
}

/// What they were told.
#[derive(Serialize)]
struct Message {
    at: String,
    subject: String,
    text: String,
}

impl From<Told> for Message {
    fn from(Told { at, text, .. }: Told) -> Self {
        Self { at: at.rfc3339(), subject: text.subject, text: text.body }
    }
}

#[derive(Serialize)]
struct Line {
    at: String,
    name: String,
    outcome: &'static str,
    from: Origin,
    factor: Option<String>,
    reason: Option<String>,
    amr: Vec<Cow<'static, str>>,
    details: std::collections::BTreeMap<String, String>,
}

impl From<Event> for Line {
    fn from(event: Event) -> Self {
        Self {
            at: event.at.rfc3339(),
            name: event.name.to_string(),
            outcome: event.outcome.as_str(),
            from: event.origin,
            factor: event.factor.map(|factor| factor.to_string()),
            reason: event.reason,
            amr: event.reached.map(|reached| reached.amr).unwrap_or_default(),
            details: event.details,
        }
    }
}

/// What stores give at the most at once.
const PIECE: usize = 1000;
