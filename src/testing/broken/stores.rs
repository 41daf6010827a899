//! A store that is right but for its flaw: what passes through, and where the flaw comes in.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::event::{EventPage, EventRow};
use crate::id::{AccountId, Realm, SessionId};
use crate::lockout::{Guard, GuardKey, Limit, Reserved};
use crate::message::MessageRow;
use crate::secret::{Route, TokenHash};
use crate::store::{
    AccountStore, Commit, Committed, EventStore, FlowRow, FlowStore, FoundSession, LockoutStore, Lookup,
    OnceKey, OutboxStore, Reply, SessionRow, SessionStore, Store, StoreId, Subject, SubjectKey, Write,
};
use crate::testing::broken::Flaw;
use crate::testing::broken::gap::Gap;

/// A store that is right but for one [`Flaw`].
#[derive(Debug)]
pub struct BrokenStore<S> {
    pub(super) inner: S,
    pub(super) flaw: Flaw,
    notes: Mutex<Notes>,
    pub(super) gap: Gap,
}

/// What a flaw needs to remember to be as wrong as its model.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) sessions: HashMap<TokenHash, SessionRow>,
    pub(super) onces: HashSet<OnceKey>,
    pub(super) names: HashMap<Lookup, AccountId>,
    pub(super) given_up: HashSet<Lookup>,
    pub(super) reserved: Vec<(GuardKey, Limit, Timestamp)>,
    pub(super) guards: Vec<GuardKey>,
    pub(super) forgotten: HashSet<GuardKey>,
    pub(super) realms: HashSet<Realm>,
}

impl<S: Store> BrokenStore<S> {
    /// Around a store that is right.
    pub fn new(inner: S, flaw: Flaw) -> Self {
        Self { inner, flaw, notes: Mutex::default(), gap: Gap::default() }
    }

    pub(super) fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Store> Commit for BrokenStore<S> {
    fn commit(&self, batch: Vec<Write>) -> Reply<'_, Committed> {
        Box::pin(self.commit_wrong(batch))
    }

    fn home(&self) -> StoreId {
        self.inner.home()
    }

    fn canary(&self, realm: Realm) -> Reply<'_, Option<Vec<u8>>> {
        self.inner.canary(realm)
    }

    fn purge(&self, now: Timestamp, limit: usize) -> Reply<'_, usize> {
        Box::pin(async move {
            let mut gone = self.inner.purge(now, limit).await?;
            if self.flaw == Flaw::PurgeDropsLiveGuards {
                let guards = std::mem::take(&mut self.notes().guards);
                gone += guards.len();
                self.forget(guards, now).await?;
            }
            Ok(gone)
        })
    }
}

impl<S: Store> AccountStore for BrokenStore<S> {
    fn subject(&self, by: SubjectKey) -> Reply<'_, Option<Subject>> {
        let by = match by {
            SubjectKey::Identifier(name) => {
                self.notes().names.get(&name).map_or(by, |id| SubjectKey::Account(*id))
            }
            _ => by,
        };
        self.inner.subject(by)
    }
}

impl<S: Store> LockoutStore for BrokenStore<S> {
    fn reserve(&self, keys: Vec<(GuardKey, Limit)>, now: Timestamp) -> Reply<'_, Reserved> {
        Box::pin(self.reserve_wrong(keys, now))
    }

    fn guard(&self, key: GuardKey) -> Reply<'_, Option<Guard>> {
        if self.notes().forgotten.contains(&key) {
            return Box::pin(async { Ok(None) });
        }
        self.inner.guard(key)
    }
}

impl<S: Store> EventStore for BrokenStore<S> {
    fn events(&self, of: AccountId, page: EventPage) -> Reply<'_, Vec<EventRow>> {
        self.inner.events(of, page)
    }

    fn beginnings(&self, of: Vec<SessionId>) -> Reply<'_, Vec<EventRow>> {
        self.inner.beginnings(of)
    }

    fn drop_events(&self, realm: Realm, lasting: bool, before: Timestamp, limit: usize) -> Reply<'_, usize> {
        let realms: Vec<_> = match self.flaw {
            Flaw::DropIgnoresRealm => self.notes().realms.iter().cloned().collect(),
            _ => vec![realm],
        };
        Box::pin(async move {
            let mut gone = 0;
            for realm in realms {
                if self.flaw == Flaw::DropTakesWhatLasts {
                    gone += self.inner.drop_events(realm.clone(), !lasting, before, limit).await?;
                }
                gone += self.inner.drop_events(realm, lasting, before, limit).await?;
            }
            Ok(gone)
        })
    }
}

impl<S: Store> OutboxStore for BrokenStore<S> {
    fn claim(
        &self,
        realm: Realm,
        now: Timestamp,
        lease: Duration,
        limit: usize,
    ) -> Reply<'_, Vec<MessageRow>> {
        let lease = if self.flaw == Flaw::ClaimTakesNoLease { Duration::ZERO } else { lease };
        self.inner.claim(realm, now, lease, limit)
    }
}

impl<S: Store> FlowStore for BrokenStore<S> {
    fn find_flow(&self, key: TokenHash, now: Timestamp) -> Reply<'_, Option<FlowRow>> {
        let late = if self.flaw == Flaw::ExpiryOffByOne { 1 } else { 0 };
        self.inner.find_flow(key, now.before(Duration::from_millis(late)))
    }
}

impl<S: Store> SessionStore for BrokenStore<S> {
    fn find_session(&self, key: TokenHash) -> Reply<'_, Option<FoundSession>> {
        let near = |other: &&TokenHash| other.as_bytes()[..16] == key.as_bytes()[..16];
        let key = match self.flaw {
            Flaw::FindIgnoresToken => self.notes().sessions.keys().find(near).copied().unwrap_or(key),
            _ => key,
        };
        self.inner.find_session(key)
    }

    fn sessions_of(&self, account: AccountId, route: Route) -> Reply<'_, Vec<SessionRow>> {
        self.inner.sessions_of(account, route)
    }
}
