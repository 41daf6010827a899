//! Two homes: a ledger in one database, flows and sessions in another.
//!
//! A batch is split by home and done in a fixed order: what it revokes and the flows that it consumes are **held** in
//! the hot stores, the ledger **records**, then the hot stores **settle**: they revoke for good, grant sessions, put the
//! next flows. A hold hides a session from everybody and keeps a flow from other steps; when the ledger's part is lost,
//! it is let go again and nothing is left of the batch. A process that dies in between can only take away: a held
//! session stays gone, a held flow runs out, a recorded sign-in whose session was never granted stands in the history.
//!
//! Acceptance is committed once, in the ledger, by its once-row: a hot store that forgets, as a promoted replica does,
//! can bring a flow back, but not a second acceptance. What a forgetful store could bring back to life is revoked
//! sessions, so every batch that revokes writes a job into the ledger's outbox, which is done when the outbox is worked
//! off and done again some seconds later (see `manual`).

mod plan;
mod revoke;

use std::any::Any;
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::clock::{Entropy, SystemEntropy, Timestamp};
use crate::error::StoreError;
use crate::event::{EventPage, EventRow};
use crate::id::{AccountId, Epoch, Realm, SessionId, Version};
use crate::lockout::{Guard, GuardKey, Limit, Reserved};
use crate::message::MessageRow;
use crate::secret::{Route, TokenHash};
use crate::store::memory::MemoryStore;
use crate::store::{
    AccountStore, Commit, Committed, EventStore, FlowRow, FlowStore, FoundSession, Ledger, LockoutStore,
    OutboxStore, Reply, SessionRow, SessionStore, StoreId, Subject, SubjectKey, Write,
};

pub(crate) use plan::Plan;

/// Flows and sessions that live elsewhere than the ledger, and can hold what another store has not yet recorded.
/// Each method may be repeated with the same ticket: the second time it changes nothing and gives the same answer.
pub trait Hot: FlowStore + SessionStore {
    /// Holds, in order, all of it or nothing. A held session is found by nobody; a held flow is found, but no other
    /// ticket may hold or change it, and it is gone when its hold runs out. Whoever wants a held flow, or one held
    /// session by its id, waits a while; whoever wants all sessions takes held ones over. A session that a
    /// [`Change::Drop`] has spared is no longer anybody's to hold: its end is recorded. Gives the ids of the sessions
    /// that each hold caught.
    ///
    /// # Errors
    /// When the store does not work, or a flow or session stays held for too long.
    fn hold(&self, ticket: Ticket, holds: Vec<Hold>) -> Reply<'_, Held>;

    /// Makes the changes for good and ends the ticket's holds on them. Changes of one account, and changes of one
    /// flow, are all made or none of them; each is lost where its precondition no longer holds.
    ///
    /// # Errors
    /// When the store does not work.
    fn settle(&self, ticket: Ticket, changes: Vec<Change>) -> Reply<'_, Committed>;

    /// Lets go what the ticket holds, as it was.
    ///
    /// # Errors
    /// When the store does not work.
    fn release(&self, ticket: Ticket, holds: Vec<Hold>) -> Reply<'_, ()>;

    /// Whether this store belongs to the ledger of that id; one that belongs to none yet belongs to it from now on.
    ///
    /// # Errors
    /// When the store does not work.
    fn belongs_to(&self, ledger: [u8; 16]) -> Reply<'_, bool>;
}

/// Names one commit in the hot stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub [u8; 16]);

impl Ticket {
    /// A new one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the generator is broken.
    pub fn random() -> Result<Self, StoreError> {
        let mut bytes = [0; 16];
        SystemEntropy
            .fill(&mut bytes)
            .map_err(|_| StoreError::Unavailable("the random generator gives nothing"))?;
        Ok(Self(bytes))
    }
}

/// What is held before the ledger records.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hold {
    /// A flow at this version, or the place of a flow that is not there. Lost otherwise.
    Flow {
        /// Which.
        key: TokenHash,
        /// As it was read; nothing: it must not be there.
        expect: Option<Version>,
    },
    /// One session of the account. Lost when there is none.
    Session {
        /// Whose.
        account: AccountId,
        /// Its tag.
        route: Route,
        /// Which.
        id: SessionId,
    },
    /// All its sessions but this one. Never lost.
    Sessions {
        /// Whose.
        account: AccountId,
        /// Its tag.
        route: Route,
        /// The one that stays.
        except: Option<SessionId>,
    },
}

/// How a hold ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Held {
    /// All is held: for each hold, the sessions that it caught.
    All(Vec<Vec<SessionId>>),
    /// Nothing is held: the precondition at this place did not hold.
    Lost {
        /// The index in the list.
        at: usize,
    },
}

/// What is changed once the ledger has recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A flow as it shall stand there, or none.
    Flow {
        /// Which.
        key: TokenHash,
        /// As it was held.
        expect: Option<Version>,
        /// What follows.
        row: Option<FlowRow>,
    },
    /// Sessions older than this epoch end, whoever holds them, and none can be added any more.
    Raise {
        /// Whose.
        account: AccountId,
        /// Its tag.
        route: Route,
        /// The epoch that lives.
        to: Epoch,
        /// One that another ticket holds stays hidden: its holder may yet end it, and nobody brings it back.
        spares: bool,
    },
    /// A session ends, whoever has taken it over. Lost when there is none.
    End {
        /// Whose.
        account: AccountId,
        /// Its tag.
        route: Route,
        /// Which.
        id: SessionId,
    },
    /// All sessions end but this one, whoever holds them.
    EndAll {
        /// Whose.
        account: AccountId,
        /// Its tag.
        route: Route,
        /// The one that stays.
        except: Option<SessionId>,
    },
    /// A session ends if it is there, whoever holds it.
    Drop {
        /// Whose.
        account: AccountId,
        /// Its tag.
        route: Route,
        /// Which.
        id: SessionId,
        /// One that another ticket holds stays hidden, for its holder may yet end it; but nobody holds it any more, or
        /// brings it back.
        spares: bool,
    },
    /// As [`Write::AddSession`]; a store that knows no epoch of the account takes the row's.
    Add {
        /// The session.
        row: SessionRow,
        /// How many an account may have.
        keep: usize,
    },
    /// As [`Write::TouchSession`].
    Touch {
        /// Which.
        key: TokenHash,
        /// When.
        seen: Timestamp,
    },
}

/// A ledger and hot stores as one [`Store`](crate::store::Store).
#[derive(Debug)]
pub struct Split<L, H> {
    ledger: L,
    hot: H,
    paired: AtomicBool,
}

impl<L: Ledger, H: Hot> Split<L, H> {
    /// Joins them.
    ///
    /// # Errors
    /// [`StoreError::Unfit`] for a mixture that cannot keep the contract: a ledger in this process's memory, whose
    /// guards and once-rows would be lost in a restart that flows and sessions survive; one store as both. That the
    /// hot stores belong to another ledger shows at the first use.
    pub fn new(ledger: L, hot: H) -> Result<Self, StoreError> {
        if (&ledger as &dyn Any).is::<MemoryStore>() {
            return Err(StoreError::Unfit(
                "a ledger in memory forgets guards and once-rows in a restart that the hot stores survive",
            ));
        }
        if ledger.home() == hot.home() {
            return Err(StoreError::Unfit("ledger and hot stores are one store: use it as it is"));
        }
        Ok(Self { ledger, hot, paired: AtomicBool::new(false) })
    }

    async fn commit_split(&self, batch: Vec<Write>) -> Result<Committed, StoreError> {
        let Plan { mut ledger, places, holds, changes, broken } = Plan::of(batch);
        if changes.is_empty() {
            return self.ledger.commit(ledger).await;
        }
        let ticket = Ticket::random()?;
        let (held_at, mut holds): (Vec<usize>, Vec<Hold>) = holds.into_iter().unzip();
        let (changed_at, changes): (Vec<usize>, Vec<Change>) = changes.into_iter().unzip();
        if ledger.is_empty() && broken.is_none() && matches!(changes[..], [Change::Flow { .. }]) {
            // One change in one home: its settlement judges it.
            holds.clear();
        }
        let caught = match self.hold(ticket, &holds).await? {
            Held::All(caught) => caught,
            Held::Lost { at } => return lost(&held_at, at),
        };
        // A batch that contradicts itself, though its first precondition held.
        if let Some(at) = broken {
            self.release(ticket, holds).await?;
            return Ok(Committed::Lost { at });
        }
        ledger.extend(revoke::jobs(&changes, &holds, caught)?);
        // An error leaves the holds where they are: nobody knows whether the ledger has recorded, and what may have
        // been revoked or consumed is not given back.
        if let Committed::Lost { at } = self.record(ledger).await? {
            self.release(ticket, holds).await?;
            return lost(&places, at);
        }
        match self.hot.settle(ticket, changes.clone()).await? {
            Committed::Won => Ok(Committed::Won),
            // What was held and recorded is no lost race: there is nothing to judge again.
            Committed::Lost { at }
                if matches!(changes.get(at), Some(Change::Flow { .. })) && !holds.is_empty() =>
            {
                Err(StoreError::Unavailable("the hot stores forgot what they held"))
            }
            Committed::Lost { at } => lost(&changed_at, at),
        }
    }

    async fn hold(&self, ticket: Ticket, holds: &[Hold]) -> Result<Held, StoreError> {
        if holds.is_empty() { Ok(Held::All(vec![])) } else { self.hot.hold(ticket, holds.to_vec()).await }
    }

    async fn release(&self, ticket: Ticket, holds: Vec<Hold>) -> Result<(), StoreError> {
        if holds.is_empty() { Ok(()) } else { self.hot.release(ticket, holds).await }
    }

    async fn record(&self, ledger: Vec<Write>) -> Result<Committed, StoreError> {
        if ledger.is_empty() { Ok(Committed::Won) } else { self.ledger.commit(ledger).await }
    }

    /// The hot stores carry the id of the ledger that they were first used with: flows and sessions of another
    /// database, or of one that was restored from nothing, are refused instead of believed.
    async fn belongs_together(&self) -> Result<(), StoreError> {
        if self.paired.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut id = self.ledger.canary(PAIR).await?;
        if id.is_none() {
            let Ticket(fresh) = Ticket::random()?;
            let add = Write::AddCanary { realm: PAIR, sealed: fresh.to_vec() };
            id = match self.ledger.commit(vec![add]).await? {
                Committed::Won => Some(fresh.to_vec()),
                Committed::Lost { .. } => self.ledger.canary(PAIR).await?,
            };
        }
        let id = id.and_then(|id| <[u8; 16]>::try_from(id).ok()).ok_or(StoreError::Corrupt("ledger id"))?;
        if !self.hot.belongs_to(id).await? {
            return Err(StoreError::Unfit(
                "the hot stores hold flows and sessions of another ledger: give each ledger its own prefix",
            ));
        }
        self.paired.store(true, Ordering::Release);
        Ok(())
    }
}

impl<L: Ledger, H: Hot> Commit for Split<L, H> {
    fn commit(&self, batch: Vec<Write>) -> Reply<'_, Committed> {
        Box::pin(self.commit_split(batch))
    }

    fn home(&self) -> StoreId {
        self.ledger.home()
    }

    fn canary(&self, realm: Realm) -> Reply<'_, Option<Vec<u8>>> {
        Box::pin(async move {
            self.belongs_together().await?;
            self.ledger.canary(realm).await
        })
    }

    fn purge(&self, now: Timestamp, limit: usize) -> Reply<'_, usize> {
        Box::pin(async move { Ok(self.ledger.purge(now, limit).await? + self.hot.purge(now, limit).await?) })
    }
}

impl<L: Ledger, H: Hot> AccountStore for Split<L, H> {
    fn subject(&self, by: SubjectKey) -> Reply<'_, Option<Subject>> {
        self.ledger.subject(by)
    }
}

impl<L: Ledger, H: Hot> LockoutStore for Split<L, H> {
    fn reserve(&self, keys: Vec<(GuardKey, Limit)>, now: Timestamp) -> Reply<'_, Reserved> {
        self.ledger.reserve(keys, now)
    }

    fn guard(&self, key: GuardKey) -> Reply<'_, Option<Guard>> {
        self.ledger.guard(key)
    }
}

impl<L: Ledger, H: Hot> EventStore for Split<L, H> {
    fn events(&self, of: AccountId, page: EventPage) -> Reply<'_, Vec<EventRow>> {
        self.ledger.events(of, page)
    }

    fn beginnings(&self, of: Vec<SessionId>) -> Reply<'_, Vec<EventRow>> {
        self.ledger.beginnings(of)
    }

    fn drop_events(&self, realm: Realm, lasting: bool, before: Timestamp, limit: usize) -> Reply<'_, usize> {
        self.ledger.drop_events(realm, lasting, before, limit)
    }
}

impl<L: Ledger, H: Hot> OutboxStore for Split<L, H> {
    fn claim(
        &self,
        realm: Realm,
        now: Timestamp,
        lease: Duration,
        limit: usize,
    ) -> Reply<'_, Vec<MessageRow>> {
        Box::pin(async move {
            self.work_off(now).await?;
            self.ledger.claim(realm, now, lease, limit).await
        })
    }
}

impl<L: Ledger, H: Hot> FlowStore for Split<L, H> {
    fn find_flow(&self, key: TokenHash, now: Timestamp) -> Reply<'_, Option<FlowRow>> {
        self.hot.find_flow(key, now)
    }
}

impl<L: Ledger, H: Hot> SessionStore for Split<L, H> {
    fn find_session(&self, key: TokenHash) -> Reply<'_, Option<FoundSession>> {
        self.hot.find_session(key)
    }

    fn sessions_of(&self, account: AccountId, route: Route) -> Reply<'_, Vec<SessionRow>> {
        self.hot.sessions_of(account, route)
    }
}

/// Where a lost precondition of one home stood in the whole batch.
fn lost(places: &[usize], at: usize) -> Result<Committed, StoreError> {
    let at =
        places.get(at).copied().ok_or(StoreError::Corrupt("a store lost a write that it was not given"))?;
    Ok(Committed::Lost { at })
}

/// Under these realms the ledger keeps its id, and the jobs that revoke.
const PAIR: Realm = Realm::new("propusk:ledger");
