//! Two homes: a ledger in one database, flows and sessions in another.
//!
//! A batch is split by home and done in a fixed order: what it revokes and the flows that it consumes are **held** in
//! the hot stores, the ledger **records**, then the hot stores **settle**: they revoke for good, grant sessions, put the
//! next flows. A hold hides a session from everybody and keeps a flow from other steps; when the ledger's part is lost,
//! or is known not to have been written, it is let go again and nothing is left of the batch. A process that dies in
//! between can only take away: what it held runs out and is gone, a recorded sign-in whose session was never granted
//! stands in the history.
//!
//! Acceptance is committed once, in the ledger, by its once-row: a hot store that forgets, as a promoted replica does,
//! can bring a flow back, but not a second acceptance. What a forgetful store could bring back to life is revoked
//! sessions, so every batch that revokes writes a job into the ledger's outbox, which is done when the outbox is worked
//! off and done again some seconds later (see `manual`).

mod pair;
mod plan;
mod revoke;

use std::any::Any;
use std::fmt::Debug;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::clock::{Clock, Entropy, SystemClock, SystemEntropy, Timestamp};
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

pub(crate) use pair::alone;
pub(crate) use plan::Plan;

/// Flows and sessions that live elsewhere than the ledger, and can hold what another store has not yet recorded.
/// Each method may be repeated with the same ticket: the second time it changes nothing and gives the same answer.
pub trait Hot: FlowStore + SessionStore {
    /// Holds, in order, all of it or nothing. A held session is found by nobody; a held flow is found, but no other
    /// ticket may hold or change it. Whoever wants a held flow, or looks for a held session by its token, or wants to
    /// hold one by its id, waits a while; whoever wants all sessions takes held ones over. Who looked for a session
    /// that goes on under another token after that finds it as it was. When a hold runs out, its ticket being older
    /// than any ledger takes to record, or from further ahead than clocks are apart, what it held is gone: nobody holds
    /// it any more, or brings it back, its own ticket included, or renews it. So is a session that a [`Change::Drop`]
    /// has spared: its end is recorded. Gives the ids of the sessions that each hold caught; those that are gone and
    /// lie there still are named with them where all are wanted.
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

    /// Lets go what the ticket holds, as it was: all that it can, also when some of it fails.
    ///
    /// # Errors
    /// When the store does not work.
    fn release(&self, ticket: Ticket, holds: Vec<Hold>) -> Reply<'_, ()>;

    /// Whether this store belongs to the ledger of that id; one that belongs to none yet belongs to it from now on.
    ///
    /// # Errors
    /// When the store does not work.
    fn belongs_to(&self, ledger: [u8; 16]) -> Reply<'_, bool>;

    /// What tells these stores from others of their kind, and stays theirs when they lose all that they held: a prefix,
    /// the name of a database. A ledger is used under the first name that it was told, and under no other.
    fn name(&self) -> String;
}

/// Names one commit in the hot stores, and tells when it began: whoever finds something held knows for how long it may
/// be. The first six bytes are milliseconds since the epoch, the others are random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub [u8; 16]);

impl Ticket {
    /// A new one, of a commit that begins now.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the generator is broken.
    pub fn random() -> Result<Self, StoreError> {
        Self::begun(SystemClock.now())
    }

    /// A new one, of a commit that began then.
    ///
    /// # Errors
    /// As [`Self::random`].
    pub fn begun(at: Timestamp) -> Result<Self, StoreError> {
        let mut bytes = [0; 16];
        SystemEntropy
            .fill(&mut bytes)
            .map_err(|_| StoreError::Unavailable("the random generator gives nothing"))?;
        let moment = at.as_millis().to_be_bytes().into_iter().skip(2);
        bytes.iter_mut().zip(moment).for_each(|(byte, of)| *byte = of);
        Ok(Self(bytes))
    }

    /// When its commit began.
    #[must_use]
    pub const fn at(self) -> Timestamp {
        let Self([a, b, c, d, e, f, ..]) = self;
        Timestamp::from_millis(i64::from_be_bytes([0, 0, a, b, c, d, e, f]))
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
    /// hot stores belong to another ledger, or the ledger to hot stores of another name, shows at the first use.
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
        match self.record(ledger).await {
            Ok(Committed::Won) => {}
            Ok(Committed::Lost { at }) => {
                self.release(ticket, holds).await?;
                return lost(&places, at);
            }
            // A ledger that takes nothing (full, busy, read-only) signs nobody out.
            Err(error) if error.is_untouched() => {
                // What cannot be let go now runs out.
                let _ = self.release(ticket, holds).await;
                return Err(error.bare());
            }
            // The holds stay where they are: nobody knows whether the ledger has recorded, and what may have been
            // revoked or consumed is not given back.
            Err(error) => return Err(error),
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
            // That its sessions live elsewhere is told of a ledger that is asked by itself.
            if realm == pair::HOT { Ok(None) } else { self.ledger.canary(realm).await }
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
