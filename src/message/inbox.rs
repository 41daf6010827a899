//! The inbox: the notices of an account, for its owner to read where they are signed in (MISSION F2), in the language
//! that they read now. No code and no link is ever in it: who reads there is signed in, and acts there.
//!
//! A notice is a row of the audit log, under an owner and a realm that are the inbox's own: written in the commit that
//! causes it, sealed under the account's data key, gone with that or in its time, and in no page of the history, which
//! tells the same with more. No store knows of it.

use super::text::{self, Topic};
use super::{Content, Locale, Message, Params, Text};
use crate::auth::{Auth, Inner};
use crate::clock::Timestamp;
use crate::error::Broken;
use crate::event::{self, EventPage, EventRow, Origin, Outcome, Sealed};
use crate::flow::Person;
use crate::id::{AccountId, EventId, FactorName, MessageId, Realm, TemplateName};
use crate::secret::Purpose;
use crate::store::Write;

/// A notice in the inbox.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Told {
    /// Its id; the cursor of the next page.
    pub id: EventId,
    /// When.
    pub at: Timestamp,
    /// What it is about.
    pub topic: Topic,
    /// It in words.
    pub text: Text,
}

impl Auth {
    /// The newest notices of an account, in a language: at most `limit`, from before the one with the id `before`. They
    /// are kept as long as [`Retention::notices`](crate::policy::Retention::notices) says; 201 are given at a
    /// time at the most.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn inbox(
        &self,
        of: AccountId,
        before: Option<EventId>,
        limit: usize,
        locale: Locale,
    ) -> Result<Vec<Told>, Broken> {
        let auth = &self.0;
        auth.ready().await?;
        match auth.person_by_id(of).await? {
            Some(person) => auth.inbox(&person, before, limit, locale).await,
            None => Ok(Vec::new()),
        }
    }
}

impl Inner {
    pub(crate) async fn inbox(
        &self,
        person: &Person,
        before: Option<EventId>,
        limit: usize,
        locale: Locale,
    ) -> Result<Vec<Told>, Broken> {
        let (limit, mut before) = (limit.min(MOST_AT_A_TIME), before);
        let mut told = Vec::new();
        // What does not open leaves a gap, and a page that is short of it would be taken for the last one.
        while told.len() < limit && person.known(self)?.is_some() {
            let asked = limit - told.len();
            let page = EventPage { before, ..EventPage::newest(asked) };
            let rows = self.store.events(self.inbox_of(person.id), page).await?;
            for row in &rows {
                told.extend(self.told(person, row, locale)?);
            }
            match rows.last() {
                Some(last) if rows.len() == asked => before = Some(last.id),
                _ => break,
            }
        }
        Ok(told)
    }

    fn told(&self, person: &Person, row: &EventRow, locale: Locale) -> Result<Option<Told>, Broken> {
        let Some(known) = person.known(self)? else { return Ok(None) };
        // Where it goes to shapes no word of it: it goes nowhere.
        let mut names = known.contacts().chain(&known.names);
        let Some(to) = names.next().cloned() else { return Ok(None) };
        // One that does not open hides none of the others.
        let Ok(event) = self.open_event(row, Some(&known.key)) else { return Ok(None) };
        let template = TemplateName::owned(event.reason.unwrap_or_default());
        let mut params = event.origin.at(row.at);
        params.retain(|(name, _)| event.details.iter().all(|(own, _)| own != name));
        params.extend(event.details.into_iter().map(|(name, value)| (name.into(), value.into())));
        if let Some(factor) = event.factor.and_then(|factor| self.factor(&factor)) {
            params.retain(|(name, _)| name != FACTOR);
            params.push((FACTOR.into(), factor.title(locale).into()));
        }
        params.extend(self.everywhere());
        let content = Content { to, template, locale, params, push: false, until: row.at };
        let id = MessageId::from_bytes(*row.id.as_bytes());
        let message = Message::new(id, content, self.templates.clone());
        let mut text = text::render(&message, false);
        // A letter has to name the site; here the reader is in it, and what came after that is a heading.
        if let Some(rest) = text.subject.strip_prefix(&format!("{}: ", self.site.name)) {
            let mut rest = rest.chars();
            text.subject = rest.next().into_iter().flat_map(char::to_uppercase).chain(rest).collect();
        }
        Ok(Some(Told { id: row.id, at: row.at, topic: message.topic(), text }))
    }

    /// The row of a notice. Of somebody who is not there as well, where nobody reads it: what a batch writes tells
    /// nothing.
    pub(super) fn keep_notice(
        &self,
        person: &Person,
        by: &Origin,
        (template, about): (&TemplateName, Option<&FactorName>),
        own: &Params,
    ) -> Result<Write, Broken> {
        let mut content = Sealed::new(by.clone());
        content.factor = about.cloned();
        content.reason = Some(template.to_string());
        // What acts is for the addresses that it was sent to: a stolen session would find it here.
        let kept = own.iter().filter(|(_, value)| !value.contains("://"));
        content.details = kept.map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let key = person.known(self)?.map(|known| &known.key);
        // Of who is locked out nothing is opened: a row under another key would stand in the way of all others later.
        let whose = key.map_or_else(|| self.nobodys_inbox(person.id), |_| self.inbox_of(person.id));
        let (inbox, name) = (Some(whose), event::name::NOTICE);
        let (_, mut write) = self.event(inbox, key, name, Outcome::Done, &content)?;
        if let Write::Event(row) = &mut write {
            row.realm = self.inboxes();
        }
        Ok(write)
    }

    /// The realm of all inboxes.
    pub(crate) fn inboxes(&self) -> Realm {
        Realm::owned(format!("propusk:inbox:{}", self.keys.realm()))
    }

    fn inbox_of(&self, account: AccountId) -> AccountId {
        self.inbox_by(b"inbox", account)
    }

    fn nobodys_inbox(&self, account: AccountId) -> AccountId {
        self.inbox_by(b"nobody's inbox", account)
    }

    fn inbox_by(&self, whose: &[u8], account: AccountId) -> AccountId {
        let found = self.keys.lookup(Purpose::Event, &[whose, account.as_bytes()]);
        AccountId::from_bytes(found.first_chunk().copied().unwrap_or_default())
    }
}

pub(super) const FACTOR: &str = "factor";
/// A page, and one more: whether there is another page.
const MOST_AT_A_TIME: usize = 201;
