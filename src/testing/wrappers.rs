//! Stores around a store: one that counts, one that fails by plan, one that holds readers back.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::event::{EventPage, EventRow};
use crate::id::{AccountId, Realm, SessionId};
use crate::lockout::{Guard, GuardKey, Limit, Reserved};
use crate::message::MessageRow;
use crate::secret::{Route, TokenHash};
use crate::store::{
    AccountStore, Commit, Committed, EventStore, FlowRow, FlowStore, FoundSession, LockoutStore, OutboxStore,
    Passed, Rate, Reply, SessionRow, SessionStore, Store, StoreId, Subject, SubjectKey, Throttle,
    ThrottleKey, Write,
};
use crate::testing::kinds::kind;

/// One call of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// The method's name.
    pub method: &'static str,
    /// For a commit, the kinds of write in the batch, in order.
    pub writes: Vec<&'static str>,
}

/// What a [`CountingStore`] saw. Clones are handles of one log.
#[derive(Clone, Debug, Default)]
pub struct CallLog(Arc<Mutex<Vec<Call>>>);

impl CallLog {
    /// The calls since the log was last taken, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.0).clone()
    }

    /// The same, and the log begins anew.
    #[must_use]
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut *lock(&self.0))
    }

    /// How often one method was called.
    #[must_use]
    pub fn count(&self, method: &str) -> usize {
        lock(&self.0).iter().filter(|call| call.method == method).count()
    }
}

/// Writes down every call before it is made.
#[derive(Clone, Debug)]
pub struct CountingStore<S> {
    inner: S,
    log: CallLog,
}

impl<S: Store> CountingStore<S> {
    /// Around a store.
    pub fn new(inner: S) -> Self {
        Self { inner, log: CallLog::default() }
    }

    /// The log, to look at later.
    #[must_use]
    pub fn log(&self) -> CallLog {
        self.log.clone()
    }

    fn around<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        run: impl FnOnce() -> Reply<'a, T> + Send + 'a,
    ) -> Reply<'a, T> {
        Box::pin(async move {
            lock(&self.log.0).push(call);
            run().await
        })
    }
}

/// What befalls a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It fails, and nothing of it is applied.
    FailsBefore,
    /// It is applied, and fails all the same: the reply was lost on the way.
    FailsAfter,
    /// It is never answered, and nothing of it is applied. Dropping its future then is a kill.
    HangsBefore,
    /// It is applied and never answered.
    HangsAfter,
    /// It is not made before the plan is mended: what happens meanwhile comes between it and the call before.
    WaitsBefore,
    /// It is applied at once, and answered when the plan is mended: what happens meanwhile comes between it and the call after.
    WaitsAfter,
}

/// Lets one call of a plan fail, or never answer. Clones are handles of one plan.
#[derive(Clone, Debug)]
pub struct FaultyStore<S> {
    inner: S,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug, Default)]
struct Plan {
    calls: usize,
    fault: Option<(usize, Fault)>,
    waiting: Option<Waker>,
}

impl<S: Store> FaultyStore<S> {
    /// Around a store; it works until there is a plan.
    pub fn new(inner: S) -> Self {
        Self { inner, plan: Arc::default() }
    }

    /// From here on counts calls from nought, and lets the `nth` have this fault.
    pub fn plan(&self, nth: usize, fault: Fault) {
        *lock(&self.plan) = Plan { fault: Some((nth, fault)), ..Plan::default() };
    }

    /// Works again; counts calls from nought.
    pub fn mend(&self) {
        let plan = std::mem::take(&mut *lock(&self.plan));
        plan.waiting.into_iter().for_each(Waker::wake);
    }

    /// Whether a call waits to be made, or to be answered ([`Fault::WaitsBefore`], [`Fault::WaitsAfter`]).
    #[must_use]
    pub fn waits(&self) -> bool {
        lock(&self.plan).waiting.is_some()
    }

    /// How many calls came since the last plan or mending: one test for each of them is a test for every arrow.
    #[must_use]
    pub fn calls(&self) -> usize {
        lock(&self.plan).calls
    }

    async fn mended(&self) {
        poll_fn(|cx| {
            let mut plan = lock(&self.plan);
            if plan.fault.is_none() {
                return Poll::Ready(());
            }
            plan.waiting = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn around<'a, T: Send + 'a>(
        &'a self,
        _call: Call,
        run: impl FnOnce() -> Reply<'a, T> + Send + 'a,
    ) -> Reply<'a, T> {
        Box::pin(async move {
            let fault = {
                let mut plan = lock(&self.plan);
                let nth = plan.calls;
                plan.calls += 1;
                plan.fault.filter(|(at, _)| *at == nth).map(|(_, fault)| fault)
            };
            let broken = || Err(StoreError::Unavailable("a test's plan"));
            match fault {
                None => run().await,
                Some(Fault::FailsBefore) => broken(),
                Some(Fault::HangsBefore) => std::future::pending().await,
                Some(Fault::WaitsBefore) => {
                    self.mended().await;
                    run().await
                }
                Some(Fault::WaitsAfter) => {
                    let answer = run().await;
                    self.mended().await;
                    answer
                }
                Some(Fault::FailsAfter) => run().await.and_then(|_| broken()),
                Some(Fault::HangsAfter) => {
                    drop(run().await);
                    std::future::pending().await
                }
            }
        })
    }
}

/// Holds the callers of one method back after it has answered, until a number of them has its answer: so all have
/// read before any of them writes, and a compare-and-swap that is none shows. Clones are handles of one gate.
#[derive(Clone, Debug)]
pub struct GatedStore<S> {
    inner: S,
    method: &'static str,
    gate: Arc<Mutex<Meeting>>,
}

#[derive(Debug)]
struct Meeting {
    parties: usize,
    here: usize,
    held: usize,
    waiting: Vec<Waker>,
}

impl<S: Store> GatedStore<S> {
    /// Around a store: callers of `method` go on `parties` at a time.
    pub fn new(inner: S, method: &'static str, parties: usize) -> Self {
        let meeting = Meeting { parties, here: 0, held: 0, waiting: vec![] };
        Self { inner, method, gate: Arc::new(Mutex::new(meeting)) }
    }

    /// From here on everybody goes on alone; those who wait go on now.
    pub fn open(&self) {
        let mut gate = lock(&self.gate);
        gate.parties = 1;
        gate.go();
    }

    /// How many callers are held back now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        lock(&self.gate).here
    }

    /// How often a full number of callers went on together.
    #[must_use]
    pub fn held(&self) -> usize {
        lock(&self.gate).held
    }

    fn around<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        run: impl FnOnce() -> Reply<'a, T> + Send + 'a,
    ) -> Reply<'a, T> {
        Box::pin(async move {
            let answer = run().await;
            if call.method == self.method {
                self.meet().await;
            }
            answer
        })
    }

    async fn meet(&self) {
        let mut arrived = None;
        poll_fn(|cx| {
            let mut gate = lock(&self.gate);
            let held = *arrived.get_or_insert_with(|| {
                let held = gate.held;
                gate.here += 1;
                if gate.here >= gate.parties {
                    gate.go();
                }
                held
            });
            if gate.held > held {
                return Poll::Ready(());
            }
            gate.waiting.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl Meeting {
    fn go(&mut self) {
        self.here = 0;
        self.held += 1;
        self.waiting.drain(..).for_each(Waker::wake);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

macro_rules! wraps {
    ($($name:ident)*) => {$(
        wraps! { $name: Commit { commit(batch: Vec<Write>) -> Committed; canary(realm: Realm) -> Option<Vec<u8>>;
            purge(now: Timestamp, limit: usize) -> usize; } home }
        wraps! { $name: AccountStore { subject(by: SubjectKey) -> Option<Subject>; } }
        wraps! { $name: LockoutStore { reserve(keys: Vec<(GuardKey, Limit)>, now: Timestamp) -> Reserved;
            guard(key: GuardKey) -> Option<Guard>; } }
        wraps! { $name: EventStore { events(of: AccountId, page: EventPage) -> Vec<EventRow>;
            beginnings(of: Vec<SessionId>) -> Vec<EventRow>;
            drop_events(realm: Realm, lasting: bool, before: Timestamp, limit: usize) -> usize; } }
        wraps! { $name: OutboxStore {
            claim(realm: Realm, now: Timestamp, lease: Duration, limit: usize) -> Vec<MessageRow>; } }
        wraps! { $name: FlowStore { find_flow(key: TokenHash, now: Timestamp) -> Option<FlowRow>; } }
        wraps! { $name: SessionStore { find_session(key: TokenHash) -> Option<FoundSession>;
            sessions_of(account: AccountId, route: Route) -> Vec<SessionRow>; } }

        impl<S: Store + Throttle> Throttle for $name<S> {
            fn pass(&self, keys: Vec<(ThrottleKey, Rate)>, now: Timestamp) -> Reply<'_, Passed> {
                self.around(Call { method: "pass", writes: vec![] }, move || self.inner.pass(keys, now))
            }
        }
    )*};
    ($name:ident: $trait:ident { $($method:ident($first:ident: $type:ty $(, $arg:ident: $other:ty)*) -> $answer:ty;)* }
        $($home:ident)?) => {
        impl<S: Store> $trait for $name<S> {
            $(fn $method(&self, $first: $type $(, $arg: $other)*) -> Reply<'_, $answer> {
                let call = Call { method: stringify!($method), writes: $first.writes() };
                self.around(call, move || self.inner.$method($first $(, $arg)*))
            })*
            $(fn $home(&self) -> StoreId {
                self.inner.$home()
            })?
        }
    };
}

/// What a first argument says of writes: a batch names them, all else has none.
trait Writes {
    fn writes(&self) -> Vec<&'static str> {
        vec![]
    }
}

impl Writes for Vec<Write> {
    fn writes(&self) -> Vec<&'static str> {
        self.iter().map(kind).collect()
    }
}

impl Writes for Realm {}
impl Writes for Timestamp {}
impl Writes for SubjectKey {}
impl Writes for Vec<(GuardKey, Limit)> {}
impl Writes for GuardKey {}
impl Writes for AccountId {}
impl Writes for Route {}
impl Writes for Vec<SessionId> {}
impl Writes for TokenHash {}

wraps! { CountingStore FaultyStore GatedStore }
