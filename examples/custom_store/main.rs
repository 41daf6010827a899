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

mod rows;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use propusk::clock::Timestamp;
use propusk::error::StoreError;
use propusk::event::{EventPage, EventRow};
use propusk::id::{AccountId, EventId, Realm, SessionId};
use propusk::lockout::{Guard, GuardKey, Limit, Reserved};
use propusk::message::MessageRow;
use propusk::secret::{Route, TokenHash};
use propusk::store::{
    AccountStore, Commit, Committed, EventStore, FlowRow, FlowStore, FoundSession, LockoutStore, OutboxStore,
    Reply, SessionRow, SessionStore, StoreId, Subject, SubjectKey, Write,
};
use propusk::testing::{Check, StoreContract};

use rows::{Rows, drop_some, of};

/// The store. Clones are handles of one store.
#[derive(Clone, Debug)]
struct PlainStore {
    id: StoreId,
    rows: Arc<Mutex<Rows>>,
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
                + drop_some(&mut rows.identifiers, limit, |name| {
                    name.free_at.is_some_and(|free| free <= now)
                })
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
                SubjectKey::Identifier(name) => {
                    let name = rows.identifiers.get(&name).filter(|name| name.free_at.is_none());
                    name.map(|name| name.row.account)
                }
                SubjectKey::Credential(handle) => {
                    rows.credentials.values().find(|row| row.lookups.contains(&handle)).map(|row| row.account)
                }
                _ => return Err(StoreError::Unsupported("this way to find a subject")),
            };
            let Some(account) = id.and_then(|id| rows.accounts.get(&id)) else { return Ok(None) };
            let mut subject = Subject::new(account.clone());
            let names = rows.identifiers.values().filter(|name| name.free_at.is_none());
            subject.identifiers =
                names.map(|name| name.row.clone()).filter(|row| row.account == account.id).collect();
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
            let (mut longest, mut most) = (None, 0);
            for (key, limit) in keys {
                // What a guard is stands in `Guard`: a store only reads the row and writes it.
                match guards.entry(key).or_default().reserve(&limit, now) {
                    Reserved::Granted { hold, refused } => {
                        (longest, most) = (longest.max(hold), most.max(refused));
                    }
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
            Ok(Reserved::Granted { hold: longest, refused: most })
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

    fn drop_events(&self, realm: Realm, lasting: bool, before: Timestamp, limit: usize) -> Reply<'_, usize> {
        Box::pin(async move {
            let mut rows = self.rows();
            let old = |row: &&EventRow| row.realm == realm && row.lasting == lasting && row.at < before;
            let mut ages: Vec<_> = rows.events.values().filter(old).map(|row| (row.at, row.id)).collect();
            ages.sort_unstable();
            ages.truncate(limit);
            for (_, id) in &ages {
                rows.events.remove(id);
            }
            Ok(ages.len())
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
            due.sort_by_key(|message| (message.row.due, message.row.id));
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
