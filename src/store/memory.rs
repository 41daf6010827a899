//! Everything in memory: for tests, demos, and hot state that may be lost.

mod ledger;
mod rows;
mod sessions;
mod table;
mod throttle;

use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::event::{EventPage, EventRow};
use crate::id::{AccountId, EventId, MessageId, Realm, SessionId};
use crate::lockout::{Guard, GuardKey, Limit, Reserved};
use crate::message::MessageRow;
use crate::secret::{Route, TokenHash};
use crate::store::{
    AccountStore, Commit, Committed, EventStore, FlowRow, FlowStore, FoundSession, LockoutStore, OutboxStore,
    Passed, Rate, Reply, SessionRow, SessionStore, StoreId, Subject, SubjectKey, Throttle, ThrottleKey,
    Write,
};

use ledger::Ledger;
use rows::Owned;
use sessions::Sessions;
use throttle::Throttles;

/// All of it in memory, gone with the process. Clones are handles of one store.
///
/// One batch at a time: each is judged and applied under one lock. A session check takes only the lock of one of
/// 256 shards. Guards are never evicted. Throttles are bounded: see [`MemoryStore::with_throttles`].
#[derive(Clone)]
pub struct MemoryStore {
    inner: Arc<Inner>,
}

struct Inner {
    id: StoreId,
    ledger: RwLock<Ledger>,
    sessions: Sessions,
    throttles: Mutex<Throttles>,
}

/// No page of events is longer.
const LONGEST_PAGE: usize = 1000;

impl MemoryStore {
    /// An empty store whose throttles count for at most so many keys (100,000 by default). Beyond that the key
    /// whose allowance is nearest to full is forgotten: its next uses may pass too early, never too late.
    #[must_use]
    pub fn with_throttles(keys: usize) -> Self {
        Self {
            inner: Arc::new(Inner {
                id: StoreId::unique(),
                ledger: RwLock::default(),
                sessions: Sessions::default(),
                throttles: Mutex::new(Throttles::new(keys)),
            }),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Ledger> {
        self.inner.ledger.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Ledger> {
        self.inner.ledger.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::with_throttles(100_000)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("id", &self.inner.id).finish_non_exhaustive()
    }
}

impl Commit for MemoryStore {
    fn commit(&self, batch: Vec<Write>) -> Reply<'_, Committed> {
        Box::pin(async move { Ok(self.write().commit(&self.inner.sessions, batch)) })
    }

    fn home(&self) -> StoreId {
        self.inner.id
    }

    fn canary(&self, realm: Realm) -> Reply<'_, Option<Vec<u8>>> {
        Box::pin(async move { Ok(self.read().canaries.get(&realm).cloned()) })
    }

    fn purge(&self, now: Timestamp, limit: usize) -> Reply<'_, usize> {
        Box::pin(async move {
            // The long look over the sessions comes before the lock that all commits need.
            let sessions = self.inner.sessions.over(now, limit);
            let mut ledger = self.write();
            let mut gone = purge(&mut ledger, now, limit);
            let mut batch = self.inner.sessions.batch();
            for key in sessions {
                // It may have been used since it was looked at.
                if batch.get(&key).is_some_and(|row| sessions::is_over(row, now)) {
                    batch.remove(&key);
                    gone += 1;
                }
            }
            Ok(gone)
        })
    }
}

impl AccountStore for MemoryStore {
    fn subject(&self, by: SubjectKey) -> Reply<'_, Option<Subject>> {
        Box::pin(async move {
            let ledger = self.read();
            let Ledger { accounts, owned, identifiers, contacts, credentials, browsers, handles, .. } =
                &*ledger;
            let id = match by {
                SubjectKey::Account(id) => Some(id),
                SubjectKey::Identifier(lookup) => {
                    let name = identifiers.get(&lookup).filter(|name| name.free_at.is_none());
                    name.map(|name| name.row.account)
                }
                SubjectKey::Credential(lookup) => {
                    handles.get(&lookup).and_then(|id| credentials.get(id)).map(|row| row.account)
                }
            };
            let Some((account, own)) = id.and_then(|id| Some((accounts.get(&id)?, owned.get(&id)?))) else {
                return Ok(None);
            };
            let Owned { identifiers: names, contacts: addresses, credentials: enrolled, browsers: known } =
                own;
            Ok(Some(Subject {
                account: account.clone(),
                identifiers: names
                    .iter()
                    .filter_map(|key| identifiers.get(key))
                    .map(|name| name.row.clone())
                    .collect(),
                contacts: addresses.iter().filter_map(|id| contacts.get(id)).cloned().collect(),
                credentials: enrolled.iter().filter_map(|id| credentials.get(id)).cloned().collect(),
                browsers: known.iter().filter_map(|id| browsers.get(id)).cloned().collect(),
            }))
        })
    }
}

impl LockoutStore for MemoryStore {
    fn reserve(&self, keys: Vec<(GuardKey, Limit)>, now: Timestamp) -> Reply<'_, Reserved> {
        Box::pin(async move {
            let mut ledger = self.write();
            let guards = &mut ledger.guards;
            let (mut longest, mut most) = (None, 0);
            for (key, limit) in &keys {
                let mut guard = guards.get(key).copied().unwrap_or_default();
                match guard.reserve(limit, now) {
                    Reserved::Granted { hold, refused } => {
                        (longest, most) = (longest.max(hold), most.max(refused));
                    }
                    refused => {
                        ledger.undo();
                        // Leases that ran out are refusals from now on; the keys that granted stay as they were.
                        let guards = &mut ledger.guards;
                        if let Some(mut known) = guards.get(key).copied()
                            && known.reserve(limit, now) == refused
                        {
                            guards.set(*key, Some(known));
                            ledger.keep();
                        }
                        return Ok(refused);
                    }
                }
                guards.set(*key, Some(guard));
            }
            ledger.keep();
            Ok(Reserved::Granted { hold: longest, refused: most })
        })
    }

    fn guard(&self, key: GuardKey) -> Reply<'_, Option<Guard>> {
        Box::pin(async move { Ok(self.read().guards.get(&key).copied()) })
    }
}

impl EventStore for MemoryStore {
    fn events(&self, of: AccountId, page: EventPage) -> Reply<'_, Vec<EventRow>> {
        Box::pin(async move {
            let ledger = self.read();
            let first = (of, EventId::from_bytes([0; 16]));
            let end = match page.before {
                Some(before) => Bound::Excluded((of, before)),
                None => Bound::Included((of, EventId::from_bytes([0xff; 16]))),
            };
            let ids = ledger.history.keys.range((Bound::Included(first), end)).rev();
            let rows = ids.filter_map(|(_, id)| ledger.events.get(id));
            let chosen = rows.filter(|row| {
                page.since.is_none_or(|since| row.at >= since)
                    && page.until.is_none_or(|until| row.at < until)
                    && page.outcome.is_none_or(|outcome| row.outcome == outcome)
            });
            Ok(chosen.take(page.limit.min(LONGEST_PAGE)).cloned().collect())
        })
    }

    fn beginnings(&self, of: Vec<SessionId>) -> Reply<'_, Vec<EventRow>> {
        Box::pin(async move {
            let ledger = self.read();
            let ids = of.iter().map(|session| EventId::from_bytes(*session.as_bytes()));
            Ok(ids.filter_map(|id| ledger.events.get(&id).cloned()).collect())
        })
    }

    fn drop_events(&self, realm: Realm, lasting: bool, before: Timestamp, limit: usize) -> Reply<'_, usize> {
        Box::pin(async move {
            let mut ledger = self.write();
            let (least, most) = (EventId::from_bytes([0; 16]), Timestamp::from_millis(i64::MIN));
            let old = (realm.clone(), lasting, most, least)..(realm, lasting, before, least);
            let gone: Vec<_> = ledger.ages.keys.range(old).take(limit).cloned().collect();
            for age in &gone {
                ledger.drop_event(age);
            }
            ledger.keep();
            Ok(gone.len())
        })
    }
}

impl OutboxStore for MemoryStore {
    fn claim(
        &self,
        realm: Realm,
        now: Timestamp,
        lease: Duration,
        limit: usize,
    ) -> Reply<'_, Vec<MessageRow>> {
        Box::pin(async move {
            let mut ledger = self.write();
            let first = (realm.clone(), Timestamp::from_millis(i64::MIN), MessageId::from_bytes([0; 16]));
            let last = (realm, now, MessageId::from_bytes([0xff; 16]));
            // What is leased keeps its place, and is passed by.
            let free = |id: &MessageId| ledger.messages.get(id).is_some_and(|row| row.leased_until <= now);
            let due = ledger.queue.keys.range(first..=last).map(|(_, _, id)| *id);
            let due: Vec<_> = due.filter(free).take(limit).collect();
            let until = now.after(lease);
            let rows = due.into_iter().filter_map(|id| ledger.lease(id, until)).collect();
            ledger.keep();
            Ok(rows)
        })
    }
}

impl FlowStore for MemoryStore {
    fn find_flow(&self, key: TokenHash, now: Timestamp) -> Reply<'_, Option<FlowRow>> {
        Box::pin(async move { Ok(self.read().flows.get(&key).filter(|row| now < row.expires).cloned()) })
    }
}

impl SessionStore for MemoryStore {
    fn find_session(&self, key: TokenHash) -> Reply<'_, Option<FoundSession>> {
        Box::pin(async move { Ok(self.inner.sessions.find(&key)) })
    }

    fn sessions_of(&self, account: AccountId, route: Route) -> Reply<'_, Vec<SessionRow>> {
        Box::pin(async move { Ok(self.inner.sessions.of(account, route)) })
    }
}

impl Throttle for MemoryStore {
    fn pass(&self, keys: Vec<(ThrottleKey, Rate)>, now: Timestamp) -> Reply<'_, Passed> {
        Box::pin(async move {
            Ok(self.inner.throttles.lock().unwrap_or_else(PoisonError::into_inner).pass(&keys, now))
        })
    }
}

/// Drops up to `limit` rows of each kind whose time is over.
fn purge(ledger: &mut Ledger, now: Timestamp, limit: usize) -> usize {
    let mut gone = 0;
    for key in ledger.flows.over(now, limit) {
        ledger.flows.remove(&key);
        gone += 1;
    }
    for key in ledger.onces.over(now, limit) {
        ledger.onces.remove(&key);
        gone += 1;
    }
    for key in ledger.guards.over(now, limit) {
        ledger.guards.remove(&key);
        gone += 1;
    }
    for lookup in ledger.identifiers.over(now, limit) {
        ledger.identifiers.remove(&lookup);
        gone += 1;
    }
    for id in ledger.messages.over(now, limit) {
        ledger.set_message(id, None);
        gone += 1;
    }
    for id in ledger.browsers.over(now, limit) {
        ledger.forget_browser(id);
        gone += 1;
    }
    ledger.keep();
    gone
}
