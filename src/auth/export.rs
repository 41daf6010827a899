//! What is kept of an account's owner, as JSON for them (GDPR article 20). No secret is in it, and nothing that finds a
//! row: no hash, no handle, no token.

use std::borrow::Cow;
use std::fmt::Debug;

use serde::Serialize;

use super::Auth;
use crate::account::identifier::Identifier;
use crate::account::{Level, ProfileData};
use crate::error::Broken;
use crate::event::{Event, EventPage, Origin};
use crate::flow::Person;
use crate::id::{AccountId, EventId};
use crate::message::{Locale, Told};
use crate::session::Listed;

/// The pieces of an export, one after the other one JSON object. An account of years does not fit into memory as often as
/// somebody asks for it, so no more than a page of it is held at a time.
#[must_use]
pub struct Export {
    pub(crate) auth: Auth,
    person: Person,
    next: Next,
}

/// What the next piece begins with.
enum Next {
    Head(String),
    History(Option<EventId>),
    Messages(Option<EventId>),
    Nothing,
}

impl Debug for Export {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Export").field("account", &self.person.id).finish_non_exhaustive()
    }
}

impl Auth {
    /// All that is kept of an account's owner, as one JSON object: their data, names, contacts, what they sign in by
    /// (without its secrets), browsers, sessions, the whole history, and what they were told. `None` for an account
    /// that is not there, or erased.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn export(&self, of: AccountId) -> Result<Option<Export>, Broken> {
        self.0.ready().await?;
        let Some(person) = self.0.person_by_id(of).await? else { return Ok(None) };
        let mut export = Export { auth: self.clone(), person, next: Next::Nothing };
        let Some(head) = export.head().await? else { return Ok(None) };
        export.next = Next::Head(head);
        Ok(Some(export))
    }
}

impl Export {
    /// The next piece; `None` after the last.
    ///
    /// # Errors
    /// When the store does not work: what came so far is no whole object then.
    pub async fn piece(&mut self) -> Result<Option<String>, Broken> {
        let (piece, next) = match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Head(head) => (head, Next::History(None)),
            Next::History(before) => self.history(before).await?,
            Next::Messages(before) => self.messages(before).await?,
            Next::Nothing => return Ok(None),
        };
        self.next = next;
        Ok(Some(piece))
    }

    /// All pieces in one text, for an account that is known to be small.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn whole(mut self) -> Result<String, Broken> {
        let mut all = String::new();
        while let Some(piece) = self.piece().await? {
            all.push_str(&piece);
        }
        Ok(all)
    }

    // The object as far as the list of events.
    async fn head(&self) -> Result<Option<String>, Broken> {
        let (inner, person) = (&self.auth.0, &self.person);
        let (Some(subject), Some(known)) = (&person.subject, person.known(inner)?) else {
            return Ok(None);
        };
        let ProfileData { who, level, locale, terms, .. } = &known.profile;
        let confirmed = |at| {
            let (id, _) = known.contact_row(at)?;
            Some(subject.contacts.iter().find(|row| row.id == id)?.confirmed.rfc3339())
        };
        let browsers = subject
            .browsers
            .iter()
            .map(|row| Browser { seen: row.seen.rfc3339(), expires: row.expires.rfc3339() });
        let head = json(&Head {
            account: person.id.to_string(),
            created: subject.account.created.rfc3339(),
            name: &who.name,
            birth_date: who.birth_date.map(|date| date.to_string()),
            level: *level,
            locale: *locale,
            terms,
            identifiers: known.names.iter().map(|name| Named::new(name, None)).collect(),
            contacts: known.contacts().map(|at| Named::new(at, confirmed(at))).collect(),
            credentials: self.auth.credentials(person.id).await?.into_iter().map(Credential::from).collect(),
            browsers: browsers.collect(),
            sessions: self.auth.sessions(person.id).await?.into_iter().map(Session::from).collect(),
        })?;
        let open = head.strip_suffix('}').unwrap_or(&head);
        Ok(Some(format!("{open},\"history\":[")))
    }

    async fn history(&self, before: Option<EventId>) -> Result<(String, Next), Broken> {
        let (inner, person) = (&self.auth.0, &self.person);
        let key = person.known(inner)?.map(|known| &known.key);
        let rows = inner.store.events(person.id, EventPage { before, ..EventPage::newest(PIECE) }).await?;
        let mut piece = String::new();
        for (at, row) in rows.iter().enumerate() {
            let line = json(&Line::from(inner.open_event(row, key)?))?;
            next_of(&mut piece, before.is_none() && at == 0, &line);
        }
        Ok(match rows.last() {
            Some(last) if rows.len() == PIECE => (piece, Next::History(Some(last.id))),
            _ => (piece + "],\"messages\":[", Next::Messages(None)),
        })
    }

    async fn messages(&self, before: Option<EventId>) -> Result<(String, Next), Broken> {
        let (inner, person) = (&self.auth.0, &self.person);
        let locale = person.known(inner)?.map_or(Locale::default(), |known| known.profile.locale);
        let told = inner.inbox(person, before, PIECE_OF_INBOX, locale).await?;
        let (full, last) = (told.len() == PIECE_OF_INBOX, told.last().map(|one| one.id));
        let mut piece = String::new();
        for (at, one) in told.into_iter().enumerate() {
            next_of(&mut piece, before.is_none() && at == 0, &json(&Message::from(one))?);
        }
        Ok(match last.filter(|_| full) {
            Some(last) => (piece, Next::Messages(Some(last))),
            None => (piece + "]}", Next::Nothing),
        })
    }
}

fn json(value: &impl Serialize) -> Result<String, Broken> {
    serde_json::to_string(value).map_err(|_| Broken::Misuse("export"))
}

fn next_of(list: &mut String, first: bool, one: &str) {
    if !first {
        list.push(',');
    }
    list.push_str(one);
}

#[derive(Serialize)]
struct Head<'a> {
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
const PIECE_OF_INBOX: usize = 200;
