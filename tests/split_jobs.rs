//! The jobs that revoke what hot stores may have forgotten: what becomes of them when a try fails, a process dies over
//! one, or a part of the hot stores is down. Over a ledger in memory, and hot stores that do nothing but revoke.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test")]

use std::cell::Cell;
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use propusk::clock::Timestamp;
use propusk::error::StoreError;
use propusk::id::{AccountId, MessageId, Realm, SessionId};
use propusk::message::MessageRow;
use propusk::secret::{Route, TokenHash};
use propusk::store::memory::MemoryStore;
use propusk::store::split::{Change, Held, Hold, Hot, Split, Ticket};
use propusk::store::{
    Commit, Committed, FlowRow, FlowStore, FoundSession, OutboxStore, Reply, SessionRow, SessionStore,
    StoreId, Write,
};
use propusk::testing::{Fault, FaultyStore};

/// Whose sessions lie on a shard that is down at times, and whose do not.
const DOWN: AccountId = AccountId::from_bytes([1; 16]);
const UP: AccountId = AccountId::from_bytes([2; 16]);
const ROUTE: Route = Route::from_bytes([3; 8]);
const REALM: Realm = Realm::new("split");
/// Longer than any test: what was handed out does not come twice.
const LEASE: Duration = Duration::from_secs(100_000);

/// However many jobs wait for it, and never those of the others.
#[test]
fn a_shard_that_is_down_holds_a_round_up_once() {
    let world = World::new();
    let lost: Vec<_> = (0..30).map(|_| world.forgotten(DOWN)).collect();
    let others: Vec<_> = (0..30).map(|_| world.forgotten(UP)).collect();
    let message = world.row(REALM);
    world.commit(Write::Message(message.clone()));
    world.hot.put_down(true);
    // A round of `Auth::tend` asks three times, at one moment.
    assert_eq!(world.claim(0), (vec![message.id], 1), "the message, and how often it waited");
    assert_eq!([world.claim(0), world.claim(0)], [(vec![], 0), (vec![], 0)]);
    assert_eq!(world.hot.failed(), 30, "each was tried once");
    assert!(others.iter().all(|id| !world.hot.alive(*id)), "what can be done is done");
    assert!(lost.iter().all(|id| world.hot.alive(*id)));
    // Tried again after a while, and no sooner.
    assert_eq!((world.claim(14).1, world.hot.failed()), (0, 30));
    assert_eq!((world.claim(15).1, world.hot.failed()), (1, 60));
    world.hot.put_down(false);
    assert_eq!(world.claim(30).1, 0);
    assert!(lost.iter().all(|id| !world.hot.alive(*id)));
}

/// There may be more of them than are taken at once.
#[test]
fn what_failed_stands_behind_what_has_become_due_since() {
    let world = World::new();
    for _ in 0..150 {
        let _ = world.forgotten(DOWN);
    }
    world.hot.put_down(true);
    assert_eq!([world.claim(0).1, world.claim(0).1, world.claim(0).1], [1, 1, 0]);
    assert_eq!(world.hot.failed(), 150);
    let other = world.forgotten(UP);
    assert_eq!(world.claim(2).1, 0);
    assert!(!world.hot.alive(other));
    world.hot.forget(other);
    // All hundred and fifty are due again, and the second time of the other since three seconds.
    assert_eq!(world.claim(15).1, 1);
    assert!(!world.hot.alive(other));
}

/// A fail-over is when tries fail and processes die, and it is what the last repetition is for.
#[test]
fn a_try_that_failed_is_no_repetition() {
    for dies in [false, true] {
        let world = World::new();
        let session = world.forgotten(DOWN);
        if dies {
            world.ledger.plan(0, Fault::HangsAfter);
            let mut killed = world.store.claim(REALM, at(0), LEASE, 10);
            assert!(killed.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            drop(killed);
            world.ledger.mend();
        } else {
            world.hot.put_down(true);
            let _ = world.claim(0);
            world.hot.put_down(false);
        }
        for seconds in [15, 25, 625] {
            let _ = world.claim(seconds - 1);
            assert!(world.hot.alive(session), "not before its time: {seconds}, dies: {dies}");
            let _ = world.claim(seconds);
            assert!(!world.hot.alive(session), "{seconds}, dies: {dies}");
            world.hot.forget(session);
        }
        let _ = world.claim(10_000);
        assert!(world.hot.alive(session), "the job is done");
    }
}

/// A later time that fails is made up for, too, and moves what follows.
#[test]
fn each_time_is_made_up_for() {
    let world = World::new();
    let session = world.forgotten(DOWN);
    // When it is tried first, and when it is done.
    for (first, done) in [(0, 30), (40, 70), (670, 700)] {
        world.hot.put_down(true);
        for seconds in [first, first + 15] {
            assert_eq!(world.claim(seconds).1, 1, "tried at {seconds}");
            assert!(world.hot.alive(session));
        }
        world.hot.put_down(false);
        let _ = world.claim(done);
        assert!(!world.hot.alive(session), "done at {done}");
        world.hot.forget(session);
    }
    let _ = world.claim(10_000);
    assert!(world.hot.alive(session), "the job is done");
}

#[test]
fn a_job_of_an_earlier_build_begins_anew() {
    let world = World::new();
    let session = SessionId::from_bytes(world.draw());
    let sealed =
        format!(r#"[{{"account":"{UP}","route":[3,3,3,3,3,3,3,3],"epoch":null,"sessions":["{session}"]}}]"#);
    // As a node leaves it that has done it once.
    let row = world.row(Realm::new("propusk:revoke"));
    world.commit(Write::Message(MessageRow { attempts: 1, sealed: sealed.into_bytes(), ..row }));
    for seconds in [0, 10, 610] {
        world.hot.forget(session);
        let _ = world.claim(seconds);
        assert!(!world.hot.alive(session), "{seconds}");
    }
    world.hot.forget(session);
    let _ = world.claim(10_000);
    assert!(world.hot.alive(session), "the job is done");
}

/// While builds change, a node of the one before meets it first: given up there, nobody would revoke.
#[test]
fn a_job_of_a_newer_build_is_left_to_it() {
    let (world, realm) = (World::new(), Realm::new("propusk:revoke"));
    let row = MessageRow { sealed: br#"[{"account":1}]"#.to_vec(), ..world.row(realm.clone()) };
    world.commit(Write::Message(row.clone()));
    for seconds in [0, 15, 30] {
        assert_eq!(world.claim(seconds), (vec![], 0));
    }
    let claimed = |seconds| world.hot.waits(world.memory.claim(realm.clone(), at(seconds), LEASE, 10)).0;
    assert_eq!(claimed(44).unwrap(), [], "in its turn");
    let left = claimed(45).unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!((left[0].id, &left[0].sealed, left[0].attempts), (row.id, &row.sealed, 1), "as if untried");
}

#[test]
fn two_nodes_that_do_one_job_go_on_with_one() {
    let world = World::new();
    let _ = world.forgotten(UP);
    // The first has done it, and is slower than its lease to write that down.
    world.ledger.plan(1, Fault::WaitsBefore);
    let mut slow = world.store.claim(REALM, at(0), LEASE, 10);
    assert!(slow.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert!(world.ledger.waits());
    let node = Split::new(FaultyStore::new(world.memory.clone()), world.hot.clone()).unwrap();
    let (claimed, _) = world.hot.waits(node.claim(REALM, at(15), LEASE, 10));
    assert!(claimed.unwrap().is_empty());
    assert_eq!(world.hot.done(), 2);
    world.ledger.mend();
    let (claimed, _) = world.hot.waits(slow);
    assert!(claimed.unwrap().is_empty());
    for (seconds, done) in [(24, 2), (25, 3), (624, 3), (625, 4), (10_000, 4)] {
        let _ = world.claim(seconds);
        assert_eq!(world.hot.done(), done, "{seconds}");
    }
}

/// So many seconds from the beginning.
fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_000_000_000_000).after(Duration::from_secs(seconds))
}

struct World {
    memory: MemoryStore,
    ledger: FaultyStore<MemoryStore>,
    hot: Shards,
    store: Split<FaultyStore<MemoryStore>, Shards>,
    drawn: Cell<u128>,
}

impl World {
    fn new() -> Self {
        let (memory, hot) = (MemoryStore::default(), Shards::default());
        let ledger = FaultyStore::new(memory.clone());
        let store = Split::new(ledger.clone(), hot.clone()).unwrap();
        Self { memory, ledger, hot, store, drawn: Cell::new(0) }
    }

    fn draw(&self) -> [u8; 16] {
        self.drawn.set(self.drawn.get() + 1);
        self.drawn.get().to_be_bytes()
    }

    fn commit(&self, write: Write) {
        let (committed, _) = self.hot.waits(self.store.commit(vec![write]));
        assert_eq!(committed.unwrap(), Committed::Won);
    }

    /// A session that was ended, and that a replica gives back which had not heard of it.
    fn forgotten(&self, account: AccountId) -> SessionId {
        let id = SessionId::from_bytes(self.draw());
        self.commit(Write::EndSession { account, route: ROUTE, id });
        self.hot.forget(id);
        id
    }

    fn row(&self, realm: Realm) -> MessageRow {
        MessageRow {
            id: MessageId::from_bytes(self.draw()),
            realm,
            account: None,
            deliver: true,
            due: at(0),
            attempts: 0,
            sealed: vec![],
        }
    }

    /// The messages of that moment, and how often the hot stores kept it waiting.
    fn claim(&self, seconds: u64) -> (Vec<MessageId>, usize) {
        let (claimed, waited) = self.hot.waits(self.store.claim(REALM, at(seconds), LEASE, 100));
        (claimed.unwrap().into_iter().map(|row| row.id).collect(), waited)
    }
}

/// Hot stores that hold whatever is asked for, and revoke. What is asked of a shard that is down fails after a while:
/// when time has gone on since.
#[derive(Clone, Debug)]
struct Shards {
    id: StoreId,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    alive: BTreeSet<SessionId>,
    down: bool,
    time: usize,
    failed: usize,
    done: usize,
}

impl Default for Shards {
    fn default() -> Self {
        Self { id: StoreId::unique(), state: Arc::default() }
    }
}

impl Shards {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put_down(&self, down: bool) {
        self.state().down = down;
    }

    fn forget(&self, id: SessionId) {
        self.state().alive.insert(id);
    }

    fn alive(&self, id: SessionId) -> bool {
        self.state().alive.contains(&id)
    }

    /// How many jobs have failed.
    fn failed(&self) -> usize {
        self.state().failed
    }

    /// How many jobs were done.
    fn done(&self) -> usize {
        self.state().done
    }

    fn is_down(&self, account: AccountId) -> bool {
        account == DOWN && self.state().down
    }

    fn time(&self) -> usize {
        self.state().time
    }

    /// Runs it to its end, and lets time go on whenever it waits; how often that was.
    fn waits<T>(&self, mut asked: Reply<'_, T>) -> (Result<T, StoreError>, usize) {
        for waited in 0..1000 {
            if let Poll::Ready(answer) = asked.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return (answer, waited);
            }
            self.state().time += 1;
        }
        panic!("it waits for ever");
    }
}

impl Hot for Shards {
    fn hold(&self, _: Ticket, holds: Vec<Hold>) -> Reply<'_, Held> {
        let caught = |hold: Hold| match hold {
            Hold::Session { id, .. } => vec![id],
            other => panic!("{other:?}"),
        };
        Box::pin(async move { Ok(Held::All(holds.into_iter().map(caught).collect())) })
    }

    fn settle(&self, _: Ticket, changes: Vec<Change>) -> Reply<'_, Committed> {
        Box::pin(async move {
            let begun = self.time();
            for change in changes {
                let (account, id, job) = match change {
                    Change::End { account, id, .. } => (account, id, false),
                    Change::Drop { account, id, .. } => (account, id, true),
                    other => panic!("{other:?}"),
                };
                if self.is_down(account) {
                    poll_fn(|_| if self.time() > begun { Poll::Ready(()) } else { Poll::Pending }).await;
                    self.state().failed += 1;
                    return Err(StoreError::Unavailable("a shard that is down"));
                }
                self.state().alive.remove(&id);
                self.state().done += usize::from(job);
            }
            Ok(Committed::Won)
        })
    }

    fn release(&self, _: Ticket, _: Vec<Hold>) -> Reply<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn belongs_to(&self, _: [u8; 16]) -> Reply<'_, bool> {
        Box::pin(async { Ok(true) })
    }

    fn name(&self) -> String {
        "shards".to_owned()
    }
}

impl Commit for Shards {
    fn commit(&self, _: Vec<Write>) -> Reply<'_, Committed> {
        Box::pin(async { Err(StoreError::Unsupported("a batch")) })
    }

    fn home(&self) -> StoreId {
        self.id
    }

    fn canary(&self, _: Realm) -> Reply<'_, Option<Vec<u8>>> {
        Box::pin(async { Ok(None) })
    }

    fn purge(&self, _: Timestamp, _: usize) -> Reply<'_, usize> {
        Box::pin(async { Ok(0) })
    }
}

impl FlowStore for Shards {
    fn find_flow(&self, _: TokenHash, _: Timestamp) -> Reply<'_, Option<FlowRow>> {
        Box::pin(async { Ok(None) })
    }
}

impl SessionStore for Shards {
    fn find_session(&self, _: TokenHash) -> Reply<'_, Option<FoundSession>> {
        Box::pin(async { Ok(None) })
    }

    fn sessions_of(&self, _: AccountId, _: Route) -> Reply<'_, Vec<SessionRow>> {
        Box::pin(async { Ok(vec![]) })
    }
}
