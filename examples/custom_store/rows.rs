//! The tables, and what each write does to them.

use std::collections::BTreeMap;

use propusk::clock::Timestamp;
use propusk::error::StoreError;
use propusk::event::EventRow;
use propusk::id::{AccountId, BrowserId, CredentialId, EventId, MessageId, Realm, Version};
use propusk::lockout::{Guard, GuardKey};
use propusk::message::MessageRow;
use propusk::secret::TokenHash;
use propusk::store::{
    AccountRow, BrowserRow, ContactRow, CredentialRow, FlowRow, IdentifierRow, Lookup, OnceKey, SessionRow,
    Write,
};

#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    pub(crate) accounts: BTreeMap<AccountId, AccountRow>,
    pub(crate) identifiers: BTreeMap<Lookup, Name>,
    pub(crate) contacts: BTreeMap<CredentialId, ContactRow>,
    pub(crate) credentials: BTreeMap<CredentialId, CredentialRow>,
    pub(crate) browsers: BTreeMap<BrowserId, BrowserRow>,
    pub(crate) flows: BTreeMap<TokenHash, FlowRow>,
    pub(crate) once: BTreeMap<OnceKey, Timestamp>,
    pub(crate) events: BTreeMap<EventId, EventRow>,
    pub(crate) messages: BTreeMap<MessageId, Outgoing>,
    pub(crate) sessions: BTreeMap<TokenHash, SessionRow>,
    pub(crate) guards: BTreeMap<GuardKey, Guard>,
    pub(crate) canaries: BTreeMap<Realm, Vec<u8>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) row: IdentifierRow,
    /// Given up, and anybody's from then on.
    pub(crate) free_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) row: MessageRow,
    /// Not handed out before this: when it is due, or when the lease of who has it ends.
    pub(crate) next: Timestamp,
    pub(crate) closed: Option<Timestamp>,
}

impl Rows {
    /// Whether the precondition held. When it did not, the caller throws this copy away.
    pub(crate) fn apply(&mut self, write: Write) -> Result<bool, StoreError> {
        Ok(match write {
            Write::AddAccount(row) => add(&mut self.accounts, row.id, row),
            Write::SwapAccount { mut row, expect } => match self.accounts.get_mut(&row.id) {
                Some(old) if old.version == expect => {
                    row.epoch = old.epoch;
                    *old = row;
                    true
                }
                _ => false,
            },
            Write::KeepAccount { id, expect } => {
                self.accounts.get(&id).is_some_and(|row| row.version == expect)
            }
            Write::KeepEpoch { account, expect } => {
                self.accounts.get(&account).is_some_and(|row| row.epoch == expect)
            }
            Write::RaiseEpoch { account, expect, .. } => match self.accounts.get_mut(&account) {
                Some(row) if row.epoch == expect => {
                    row.epoch = expect.next();
                    self.sessions.retain(|_, row| row.account != account);
                    true
                }
                _ => false,
            },
            Write::AddIdentifier(row) => {
                let taken = self.identifiers.get(&row.lookup);
                let free = taken.is_none_or(|name| name.free_at.is_some() && name.row.account == row.account);
                let holds = free && self.accounts.contains_key(&row.account);
                if holds {
                    self.identifiers.insert(row.lookup, Name { row, free_at: None });
                }
                holds
            }
            Write::RemoveIdentifier { lookup, account, free_at } => match self.identifiers.get_mut(&lookup) {
                Some(name) if name.row.account == account && name.free_at.is_none() => {
                    name.row.sealed.clear();
                    name.free_at = Some(free_at);
                    true
                }
                _ => false,
            },
            Write::AddContact(row) => {
                self.accounts.contains_key(&row.account) && add(&mut self.contacts, row.id, row)
            }
            Write::KeepContact { id, expect } => {
                self.contacts.get(&id).is_some_and(|row| row.version == expect)
            }
            Write::RemoveContact { id, expect } => {
                self.contacts.get(&id).is_some_and(|row| row.version == expect)
                    && self.contacts.remove(&id).is_some()
            }
            Write::AddCredential(row) => {
                self.accounts.contains_key(&row.account)
                    && self.handles_are_free(&row)
                    && add(&mut self.credentials, row.id, row)
            }
            Write::SwapCredential { row, expect } => {
                let owner = self.credentials.get(&row.id).map(|old| old.account);
                let holds = owner == Some(row.account)
                    && self.credential_is_at(row.id, expect)
                    && self.handles_are_free(&row);
                if holds {
                    self.credentials.insert(row.id, row);
                }
                holds
            }
            Write::KeepCredential { id, expect } => self.credential_is_at(id, expect),
            Write::RemoveCredential { id, expect } => {
                self.credential_is_at(id, expect) && self.credentials.remove(&id).is_some()
            }
            Write::AddBrowser { row, keep } => {
                let (account, id) = (row.account, row.id);
                let free = self.browsers.values().all(|other| other.key != row.key);
                let added = self.accounts.contains_key(&account) && free && add(&mut self.browsers, id, row);
                if added {
                    let others = self.browsers.values().filter(|row| row.account == account && row.id != id);
                    for oldest in beyond(keep, others.map(|row| (row.seen, row.id)).collect()) {
                        self.browsers.remove(&oldest);
                    }
                }
                added
            }
            Write::TouchBrowser { id, seen, expires } => {
                if let Some(row) = self.browsers.get_mut(&id) {
                    (row.seen, row.expires) = (row.seen.max(seen), expires);
                }
                true
            }
            Write::ForgetBrowsers { account, except } => {
                self.browsers.retain(|id, row| row.account != account || Some(*id) == except);
                true
            }
            Write::AddFlow(row) => add(&mut self.flows, row.key, row),
            Write::SwapFlow { row, expect } => {
                let holds = self.flow_is_at(&row.key, expect);
                if holds {
                    self.flows.insert(row.key, row);
                }
                holds
            }
            Write::TakeFlow { key, expect } => {
                self.flow_is_at(&key, expect) && self.flows.remove(&key).is_some()
            }
            Write::Once { key, until } => add(&mut self.once, key, until),
            Write::Event(row) => add(&mut self.events, row.id, row),
            Write::Message(row) => {
                let next = row.due;
                add(&mut self.messages, row.id, Outgoing { row, next, closed: None })
            }
            Write::CloseMessage { id, at, .. } => {
                if let Some(message) = self.messages.get_mut(&id).filter(|message| message.closed.is_none()) {
                    message.closed = Some(at);
                    message.row.sealed.clear();
                }
                true
            }
            Write::RetryMessage { id, due, tried } => {
                if let Some(message) = self.messages.get_mut(&id) {
                    message.row.attempts = message.row.attempts.saturating_sub(u32::from(!tried));
                    (message.row.due, message.next) = (due, due);
                }
                true
            }
            Write::AddSession { row, keep } => {
                // One that goes on under another token was made long ago, and is used now.
                let (account, key, now) = (row.account, row.key, row.created.max(row.seen));
                let alive = self.accounts.get(&account).is_some_and(|now| now.epoch == row.epoch);
                let added = alive && add(&mut self.sessions, key, row);
                if added {
                    let others =
                        self.sessions.values().filter(|row| row.account == account && row.key != key);
                    // What is over and not yet purged goes first: it takes no place from what lives.
                    let others = others.map(|row| ((lives(row, now), row.seen), row.key)).collect();
                    for oldest in beyond(keep, others) {
                        self.sessions.remove(&oldest);
                    }
                }
                added
            }
            // Update only: a session that has ended meanwhile must not come back.
            Write::TouchSession { key, seen } => {
                if let Some(row) = self.sessions.get_mut(&key) {
                    row.seen = row.seen.max(seen);
                }
                true
            }
            Write::EndSession { account, id, .. } => {
                let before = self.sessions.len();
                self.sessions.retain(|_, row| row.account != account || row.id != id);
                self.sessions.len() < before
            }
            Write::EndSessions { account, except, .. } => {
                self.sessions.retain(|_, row| row.account != account || Some(row.id) == except);
                true
            }
            Write::Settle { key, how, limit, at } => {
                self.guards.entry(key).or_default().settle(how, &limit, at);
                true
            }
            Write::AddCanary { realm, sealed } => add(&mut self.canaries, realm, sealed),
            _ => return Err(StoreError::Unsupported("this kind of row")),
        })
    }

    fn flow_is_at(&self, key: &TokenHash, version: Version) -> bool {
        self.flows.get(key).is_some_and(|row| row.version == version)
    }

    fn credential_is_at(&self, id: CredentialId, version: Version) -> bool {
        self.credentials.get(&id).is_some_and(|row| row.version == version)
    }

    /// Whether each handle of the row is there once, and in no other row.
    fn handles_are_free(&self, row: &CredentialRow) -> bool {
        let mut others = self.credentials.values().filter(|other| other.id != row.id);
        let once = |handle| row.lookups.iter().filter(|other| *other == handle).count() == 1;
        row.lookups.iter().all(once)
            && !others.any(|other| other.lookups.iter().any(|handle| row.lookups.contains(handle)))
    }
}

/// Adds a row unless the key is taken.
fn add<K: Ord, V>(rows: &mut BTreeMap<K, V>, key: K, row: V) -> bool {
    let free = !rows.contains_key(&key);
    if free {
        rows.insert(key, row);
    }
    free
}

pub(crate) fn of<K, V: Clone>(rows: &BTreeMap<K, V>, chosen: impl Fn(&V) -> bool) -> Vec<V> {
    rows.values().filter(|row| chosen(row)).cloned().collect()
}

/// Which of an account's other rows go, so that `keep` stay with the one just added: the least recently used.
fn beyond<T: Ord, K: Ord>(keep: usize, mut others: Vec<(T, K)>) -> Vec<K> {
    others.sort();
    others.truncate((others.len() + 1).saturating_sub(keep.max(1)));
    others.into_iter().map(|(_, key)| key).collect()
}

fn lives(row: &SessionRow, now: Timestamp) -> bool {
    let idle = std::time::Duration::from_secs(u64::from(row.idle_secs));
    now < row.expires && now < row.seen.after(idle)
}

pub(crate) fn drop_some<K: Ord + Clone, V>(
    rows: &mut BTreeMap<K, V>,
    limit: usize,
    over: impl Fn(&V) -> bool,
) -> usize {
    let keys: Vec<K> =
        rows.iter().filter(|(_, row)| over(row)).take(limit).map(|(key, _)| key.clone()).collect();
    for key in &keys {
        rows.remove(key);
    }
    keys.len()
}
