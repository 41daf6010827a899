//! A store of your own, and the proof that it keeps the contract.
//!
//! This one holds everything in ordered maps behind one mutex, and is as small as a whole store can be. Yours talks
//! to a database; what it must promise is the same, and stands on the traits in `propusk::store`. Three things carry
//! it:
//!
//! - A batch is all or nothing. Here it is applied to a copy, which takes the original's place when every
//!   precondition held. In a database it is one transaction.
//! - A precondition is judged in the place where the row is written, on what the writes before it left. Never read
//!   first and write later: between the two somebody else has written.
//! - "Lost" is an answer, an error is an outage. Nothing here can fail, so nothing gives an error.
//!
//! `cargo run --example custom_store --features testing` runs the contract suites on it, races included;
//! `cargo test --example custom_store --features testing` does the same as tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use propusk::clock::Timestamp;
use propusk::error::StoreError;
use propusk::event::{EventPage, EventRow};
use propusk::id::{AccountId, BrowserId, CredentialId, EventId, MessageId, Realm, SessionId, Version};
use propusk::lockout::{Guard, GuardKey, Limit, Reserved};
use propusk::message::MessageRow;
use propusk::secret::{Route, TokenHash};
use propusk::store::{
    AccountRow, AccountStore, BrowserRow, Commit, Committed, ContactRow, CredentialRow, EventStore, FlowRow,
    FlowStore, FoundSession, IdentifierRow, LockoutStore, Lookup, OnceKey, OutboxStore, Reply, SessionRow,
    SessionStore, StoreId, Subject, SubjectKey, Write,
};
use propusk::testing::{Check, StoreContract};

/// The store. Clones are handles of one store.
#[derive(Clone, Debug)]
struct PlainStore {
    id: StoreId,
    rows: Arc<Mutex<Rows>>,
}

#[derive(Clone, Debug, Default)]
struct Rows {
    accounts: BTreeMap<AccountId, AccountRow>,
    identifiers: BTreeMap<Lookup, IdentifierRow>,
    contacts: BTreeMap<CredentialId, ContactRow>,
    credentials: BTreeMap<CredentialId, CredentialRow>,
    browsers: BTreeMap<BrowserId, BrowserRow>,
    flows: BTreeMap<TokenHash, FlowRow>,
    once: BTreeMap<OnceKey, Timestamp>,
    events: BTreeMap<EventId, EventRow>,
    messages: BTreeMap<MessageId, Outgoing>,
    sessions: BTreeMap<TokenHash, SessionRow>,
    guards: BTreeMap<GuardKey, Guard>,
    canaries: BTreeMap<Realm, Vec<u8>>,
}

#[derive(Clone, Debug)]
struct Outgoing {
    row: MessageRow,
    /// Not handed out before this: when it is due, or when the lease of who has it ends.
    next: Timestamp,
    closed: Option<Timestamp>,
}

impl Default for PlainStore {
    fn default() -> Self {
        Self { id: StoreId::unique(), rows: Arc::default() }
    }
}

impl PlainStore {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Commit for PlainStore {
    fn commit(&self, batch: Vec<Write>) -> Reply<'_, Committed> {
        Box::pin(async move {
            let mut rows = self.rows();
            let mut next = rows.clone();
            for (at, write) in batch.into_iter().enumerate() {
                if !next.apply(write)? {
                    return Ok(Committed::Lost { at });
                }
            }
            *rows = next;
            Ok(Committed::Won)
        })
    }

    fn home(&self) -> StoreId {
        self.id
    }

    fn canary(&self, realm: Realm) -> Reply<'_, Option<Vec<u8>>> {
        Box::pin(async move { Ok(self.rows().canaries.get(&realm).cloned()) })
    }

    fn purge(&self, now: Timestamp, limit: usize) -> Reply<'_, usize> {
        Box::pin(async move {
            let mut rows = self.rows();
            Ok(drop_some(&mut rows.flows, limit, |row| row.expires <= now)
                + drop_some(&mut rows.once, limit, |until| *until <= now)
                + drop_some(&mut rows.browsers, limit, |row| row.expires <= now)
                + drop_some(&mut rows.guards, limit, |guard| guard.forgettable(now))
                + drop_some(&mut rows.sessions, limit, |row| {
                    let idle = Duration::from_secs(u64::from(row.idle_secs));
                    row.expires <= now || row.seen.after(idle) <= now
                })
                + drop_some(&mut rows.messages, limit, |message| {
                    let over = if message.row.deliver { message.closed } else { Some(message.row.due) };
                    over.is_some_and(|over| over <= now)
                }))
        })
    }
}

impl AccountStore for PlainStore {
    fn subject(&self, by: SubjectKey) -> Reply<'_, Option<Subject>> {
        Box::pin(async move {
            let rows = self.rows();
            let id = match by {
                SubjectKey::Account(id) => Some(id),
                SubjectKey::Identifier(name) => rows.identifiers.get(&name).map(|row| row.account),
                SubjectKey::Credential(handle) => {
                    rows.credentials.values().find(|row| row.lookups.contains(&handle)).map(|row| row.account)
                }
                _ => return Err(StoreError::Unsupported("this way to find a subject")),
            };
            let Some(account) = id.and_then(|id| rows.accounts.get(&id)) else { return Ok(None) };
            let mut subject = Subject::new(account.clone());
            subject.identifiers = of(&rows.identifiers, |row| row.account == account.id);
            subject.contacts = of(&rows.contacts, |row| row.account == account.id);
            subject.credentials = of(&rows.credentials, |row| row.account == account.id);
            subject.browsers = of(&rows.browsers, |row| row.account == account.id);
            Ok(Some(subject))
        })
    }
}

impl LockoutStore for PlainStore {
    fn reserve(&self, keys: Vec<(GuardKey, Limit)>, now: Timestamp) -> Reply<'_, Reserved> {
        Box::pin(async move {
            let mut rows = self.rows();
            let mut guards = rows.guards.clone();
            let mut longest = None;
            for (key, limit) in keys {
                // What a guard is stands in `Guard`: a store only reads the row and writes it.
                match guards.entry(key).or_default().reserve(&limit, now) {
                    Reserved::Granted { hold } => longest = longest.max(hold),
                    refused => {
                        // What ran out counts from now on; keys that granted stay as they were.
                        if let Some(mut known) = rows.guards.get(&key).copied()
                            && known.reserve(&limit, now) == refused
                        {
                            rows.guards.insert(key, known);
                        }
                        return Ok(refused);
                    }
                }
            }
            rows.guards = guards;
            Ok(Reserved::Granted { hold: longest })
        })
    }

    fn guard(&self, key: GuardKey) -> Reply<'_, Option<Guard>> {
        Box::pin(async move { Ok(self.rows().guards.get(&key).copied()) })
    }
}

impl EventStore for PlainStore {
    fn events(&self, of: AccountId, page: EventPage) -> Reply<'_, Vec<EventRow>> {
        Box::pin(async move {
            let rows = self.rows();
            let chosen = rows.events.values().rev().filter(|row| {
                row.account == Some(of)
                    && page.before.is_none_or(|before| row.id < before)
                    && page.since.is_none_or(|since| row.at >= since)
                    && page.until.is_none_or(|until| row.at < until)
                    && page.outcome.is_none_or(|outcome| row.outcome == outcome)
            });
            Ok(chosen.take(page.limit.min(1000)).cloned().collect())
        })
    }

    fn beginnings(&self, of: Vec<SessionId>) -> Reply<'_, Vec<EventRow>> {
        Box::pin(async move {
            let rows = self.rows();
            let ids = of.iter().map(|session| EventId::from_bytes(*session.as_bytes()));
            Ok(ids.filter_map(|id| rows.events.get(&id).cloned()).collect())
        })
    }
}

impl OutboxStore for PlainStore {
    fn claim(
        &self,
        realm: Realm,
        now: Timestamp,
        lease: Duration,
        limit: usize,
    ) -> Reply<'_, Vec<MessageRow>> {
        Box::pin(async move {
            let mut rows = self.rows();
            let mut due: Vec<_> = rows
                .messages
                .values_mut()
                .filter(|message| message.row.deliver && message.closed.is_none())
                .filter(|message| message.row.realm == realm && message.next <= now)
                .collect();
            due.sort_by_key(|message| message.next);
            due.truncate(limit);
            let handed_out = due.into_iter().map(|message| {
                message.next = now.after(lease);
                message.row.attempts += 1;
                message.row.clone()
            });
            Ok(handed_out.collect())
        })
    }
}

impl FlowStore for PlainStore {
    fn find_flow(&self, key: TokenHash, now: Timestamp) -> Reply<'_, Option<FlowRow>> {
        Box::pin(async move { Ok(self.rows().flows.get(&key).filter(|row| now < row.expires).cloned()) })
    }
}

impl SessionStore for PlainStore {
    fn find_session(&self, key: TokenHash) -> Reply<'_, Option<FoundSession>> {
        Box::pin(async move {
            let rows = self.rows();
            let row = rows.sessions.get(&key).cloned();
            Ok(row.and_then(|row| Some(FoundSession { epoch: rows.accounts.get(&row.account)?.epoch, row })))
        })
    }

    fn sessions_of(&self, account: AccountId, _: Route) -> Reply<'_, Vec<SessionRow>> {
        Box::pin(async move { Ok(of(&self.rows().sessions, |row| row.account == account)) })
    }
}

impl Rows {
    /// Whether the precondition held. When it did not, the caller throws this copy away.
    fn apply(&mut self, write: Write) -> Result<bool, StoreError> {
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
                self.accounts.contains_key(&row.account) && add(&mut self.identifiers, row.lookup, row)
            }
            Write::AddContact(row) => {
                self.accounts.contains_key(&row.account) && add(&mut self.contacts, row.id, row)
            }
            Write::KeepContact { id, expect } => {
                self.contacts.get(&id).is_some_and(|row| row.version == expect)
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
            Write::RetryMessage { id, due } => {
                if let Some(message) = self.messages.get_mut(&id) {
                    (message.row.due, message.next) = (due, due);
                }
                true
            }
            Write::AddSession { row, keep } => {
                let (account, key) = (row.account, row.key);
                let alive = self.accounts.get(&account).is_some_and(|now| now.epoch == row.epoch);
                let added = alive && add(&mut self.sessions, key, row);
                if added {
                    let others =
                        self.sessions.values().filter(|row| row.account == account && row.key != key);
                    for oldest in beyond(keep, others.map(|row| (row.seen, row.key)).collect()) {
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

fn of<K, V: Clone>(rows: &BTreeMap<K, V>, chosen: impl Fn(&V) -> bool) -> Vec<V> {
    rows.values().filter(|row| chosen(row)).cloned().collect()
}

/// Which of an account's other rows go, so that `keep` stay with the one just added: the least recently used.
fn beyond<K: Ord>(keep: usize, mut others: Vec<(Timestamp, K)>) -> Vec<K> {
    others.sort();
    others.truncate((others.len() + 1).saturating_sub(keep.max(1)));
    others.into_iter().map(|(_, key)| key).collect()
}

fn drop_some<K: Ord + Clone, V>(rows: &mut BTreeMap<K, V>, limit: usize, over: impl Fn(&V) -> bool) -> usize {
    let keys: Vec<K> =
        rows.iter().filter(|(_, row)| over(row)).take(limit).map(|(key, _)| key.clone()).collect();
    for key in &keys {
        rows.remove(key);
    }
    keys.len()
}

/// The same without a test runner.
fn main() {
    let contract = StoreContract::new(PlainStore::default).rounds(5);
    for check in Check::all() {
        match contract.finding(&check) {
            None => println!("keeps {}", check.name),
            Some(why) => println!("breaks {}: {why}", check.name),
        }
    }
}

/// The whole contract in one line, each check a test.
#[cfg(test)]
mod tests {
    propusk::testing::store_contract!(super::PlainStore::default());
}
