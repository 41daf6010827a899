//! SQLite: the ledger, the flows and the sessions in one file.
//!
//! One thread writes. It takes all jobs that wait, runs each in a savepoint of its own, and answers after one COMMIT
//! for all of them (write-ahead log, `synchronous = FULL`): under load the price of a disk sync is shared by tens of
//! sign-ins, and a reply never leaves before its commit is on disk. A few threads read, each with a connection. No
//! async runtime is needed; futures are woken by the threads. Short look-ups by key are made on the thread that asks,
//! for as long as the disk is quick: see [`SqliteSettings::look_ups_in_place`].
//!
//! Several processes, or several handles opened on one path, may share a file on one machine: every precondition
//! is judged inside `BEGIN IMMEDIATE`. SQLite's log does not work over network file systems.

mod count;
mod failure;
mod here;
mod read;
mod schema;
#[cfg(test)]
mod tests;
mod worker;
mod write;

use std::fmt;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rusqlite::Connection;

use self::failure::Failure;
use self::here::Here;
use self::worker::{Changes, Counters, Hook, Queue};
use super::{
    AccountStore, Commit, Committed, EventStore, FlowRow, FlowStore, FoundSession, LockoutStore, OutboxStore,
    Passed, Rate, Reply, SessionRow, SessionStore, StoreId, Subject, SubjectKey, Throttle, ThrottleKey,
    Write,
};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::event::{EventPage, EventRow};
use crate::id::{AccountId, Realm, SessionId};
use crate::lockout::{Guard, GuardKey, Limit, Reserved};
use crate::message::MessageRow;
use crate::secret::{Route, TokenHash};

/// A handle of a store in a SQLite file. Clones share one store; its threads end after the last of them is dropped
/// and what was queued is done.
#[derive(Clone)]
pub struct SqliteStore(Arc<Inner>);

struct Inner {
    id: StoreId,
    writes: Arc<Queue>,
    reads: Arc<Queue>,
    here: Here,
    counters: Arc<Counters>,
}

impl SqliteStore {
    /// Opens the file at `path` with [`SqliteSettings::default`]; makes it, for its owner only, when there is none.
    /// Blocks while it does.
    ///
    /// # Errors
    /// [`StoreError::Newer`] when a later version of this library wrote it, [`StoreError::Foreign`] when another
    /// program did, [`StoreError::Corrupt`] when it is damaged or no database, [`StoreError::Unavailable`] when it
    /// cannot be opened or another process holds it for longer than the busy timeout.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, SqliteSettings::default())
    }

    /// The same with other settings.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(path: impl AsRef<Path>, settings: SqliteSettings) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let writer = schema::open_writer(path, &settings, schema::STEPS)?;
        let here = (0..settings.in_place).map(|_| schema::open_in_place(path, &settings));
        let here = Here::new(here.collect::<Result<_, _>>()?);
        // Handles first: whatever fails below, dropping them ends the threads that were started.
        let store = Self(Arc::new(Inner {
            id: StoreId::unique(),
            writes: Arc::default(),
            reads: Arc::default(),
            here,
            counters: Arc::default(),
        }));
        for _ in 0..settings.readers.get() {
            worker::start_reader(schema::open_reader(path, &settings)?, store.0.reads.clone())?;
        }
        worker::start_writer(
            writer,
            store.0.writes.clone(),
            store.0.counters.clone(),
            settings.before_commit,
        )?;
        Ok(store)
    }

    /// How well writes were grouped so far.
    pub fn stats(&self) -> SqliteStats {
        SqliteStats {
            jobs: self.0.counters.jobs.load(Ordering::Relaxed),
            commits: self.0.counters.commits.load(Ordering::Relaxed),
        }
    }

    fn look_up<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Reply<'_, T> {
        Box::pin(async move {
            if let Some(found) = self.0.here.look_up(&work) {
                return Ok(found);
            }
            self.read(work).await
        })
    }

    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Reply<'_, T> {
        Box::pin(async move { Ok(self.0.reads.run(move |db| Ok((work(db)?, Changes::Undo))).await?) })
    }

    fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Reply<'_, T> {
        Box::pin(async move { Ok(self.0.writes.run(move |db| Ok((work(db)?, Changes::Keep))).await?) })
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.writes.close();
        self.reads.close();
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// How a file is opened.
#[derive(Clone)]
pub struct SqliteSettings {
    readers: NonZeroUsize,
    in_place: usize,
    busy_timeout: Duration,
    max_pages: Option<u32>,
    durable: bool,
    before_commit: Option<Hook>,
}

impl Default for SqliteSettings {
    /// As many readers as the machine has cores, four at the most; half as many connections for look-ups in place, one
    /// at the least; five seconds for another process to let go of
    /// the file; no limit of size; every commit on disk before its reply.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self {
            readers: cores.min(NonZeroUsize::MIN.saturating_add(3)),
            in_place: (cores.get() / 2).clamp(1, 4),
            busy_timeout: Duration::from_secs(5),
            max_pages: None,
            durable: true,
            before_commit: None,
        }
    }
}

impl SqliteSettings {
    /// How many threads read; one at least.
    #[must_use]
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = NonZeroUsize::new(readers).unwrap_or(NonZeroUsize::MIN);
        self
    }

    /// How many look-ups by key (of a session, a flow, an account, a guard) may be under way at a time on the threads that
    /// ask, without a way to a reader's thread and back; at most four. So many of the runtime's threads can be held up
    /// by a disk that hangs; a look-up that took over a millisecond sends the next ones to the readers for a second.
    /// Zero: all reads are made in the readers' threads. For a file on a disk that stalls, or a runtime of one thread
    /// that has other things to do meanwhile.
    #[must_use]
    pub fn look_ups_in_place(mut self, most: usize) -> Self {
        self.in_place = most.min(4);
        self
    }

    /// How long a job waits for another process to let go of the file before it is [`StoreError::Unavailable`] (of a
    /// commit [`StoreError::Untouched`] says that). With hot stores well below a minute: what they hold for the ledger
    /// runs out then.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// The file grows to so many pages of 4,096 bytes and no further: then writes are [`StoreError::Full`] (of a commit
    /// [`StoreError::Untouched`] says that).
    #[must_use]
    pub fn max_pages(mut self, pages: u32) -> Self {
        self.max_pages = Some(pages);
        self
    }

    /// **Danger**: `synchronous = NORMAL`. A power cut can take back what was acknowledged: a session that was
    /// ended lives again, a code that was used can be used again, refusals are forgotten.
    #[must_use]
    pub fn danger_synchronous_normal(mut self) -> Self {
        self.durable = false;
        self
    }

    /// Called by the writer before each COMMIT, for tests that pause it there; false makes that commit fail.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn before_commit(mut self, hook: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.before_commit = Some(Arc::new(hook));
        self
    }

    fn synchronous(&self) -> &'static str {
        if self.durable { "FULL" } else { "NORMAL" }
    }
}

impl fmt::Debug for SqliteSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteSettings")
            .field("readers", &self.readers)
            .field("in_place", &self.in_place)
            .field("busy_timeout", &self.busy_timeout)
            .field("max_pages", &self.max_pages)
            .field("synchronous", &self.synchronous())
            .finish_non_exhaustive()
    }
}

/// What a store's writer has done since it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteStats {
    /// Jobs that ended in a commit: batches, reservations, claims, throttles, purges.
    pub jobs: u64,
    /// COMMITs, each for one job or more.
    pub commits: u64,
}

impl Commit for SqliteStore {
    fn commit(&self, batch: Vec<Write>) -> Reply<'_, Committed> {
        let work = move |db: &Connection| {
            let committed = write::apply(db, &batch)?;
            let changes = if committed == Committed::Won { Changes::Keep } else { Changes::Undo };
            Ok((committed, changes))
        };
        Box::pin(async move { self.0.writes.run(work).await.map_err(Failure::of_commit) })
    }

    fn home(&self) -> StoreId {
        self.0.id
    }

    fn canary(&self, realm: Realm) -> Reply<'_, Option<Vec<u8>>> {
        self.read(move |db| read::canary(db, &realm))
    }

    fn purge(&self, now: Timestamp, limit: usize) -> Reply<'_, usize> {
        self.write(move |db| count::purge(db, now, limit))
    }
}

impl AccountStore for SqliteStore {
    fn subject(&self, by: SubjectKey) -> Reply<'_, Option<Subject>> {
        self.look_up(move |db| read::subject(db, by))
    }
}

impl LockoutStore for SqliteStore {
    fn reserve(&self, keys: Vec<(GuardKey, Limit)>, now: Timestamp) -> Reply<'_, Reserved> {
        self.write(move |db| count::reserve(db, &keys, now))
    }

    fn guard(&self, key: GuardKey) -> Reply<'_, Option<Guard>> {
        self.look_up(move |db| count::guard(db, key))
    }
}

impl EventStore for SqliteStore {
    fn events(&self, of: AccountId, page: EventPage) -> Reply<'_, Vec<EventRow>> {
        self.read(move |db| read::events(db, of, &page))
    }

    fn beginnings(&self, of: Vec<SessionId>) -> Reply<'_, Vec<EventRow>> {
        self.read(move |db| read::beginnings(db, &of))
    }

    fn drop_events(&self, realm: Realm, lasting: bool, before: Timestamp, limit: usize) -> Reply<'_, usize> {
        self.write(move |db| count::drop_events(db, &realm, lasting, before, limit))
    }
}

impl OutboxStore for SqliteStore {
    fn claim(
        &self,
        realm: Realm,
        now: Timestamp,
        lease: Duration,
        limit: usize,
    ) -> Reply<'_, Vec<MessageRow>> {
        self.write(move |db| count::claim(db, &realm, now, lease, limit))
    }
}

impl FlowStore for SqliteStore {
    fn find_flow(&self, key: TokenHash, now: Timestamp) -> Reply<'_, Option<FlowRow>> {
        self.look_up(move |db| read::flow(db, key, now))
    }
}

impl SessionStore for SqliteStore {
    fn find_session(&self, key: TokenHash) -> Reply<'_, Option<FoundSession>> {
        self.look_up(move |db| read::session(db, key))
    }

    fn sessions_of(&self, account: AccountId, _: Route) -> Reply<'_, Vec<SessionRow>> {
        self.read(move |db| read::sessions(db, account))
    }
}

impl Throttle for SqliteStore {
    fn pass(&self, keys: Vec<(ThrottleKey, Rate)>, now: Timestamp) -> Reply<'_, Passed> {
        self.write(move |db| count::pass(db, &keys, now))
    }
}
