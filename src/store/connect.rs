//! A store by its address.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::event::{EventPage, EventRow};
use crate::id::{AccountId, Realm, SessionId};
use crate::lockout::{Guard, GuardKey, Limit, Reserved};
use crate::message::MessageRow;
use crate::secret::{Route, TokenHash};
use crate::store::memory::MemoryStore;
use crate::store::{
    AccountStore, Commit, Committed, EventStore, FlowRow, FlowStore, FoundSession, LockoutStore, OutboxStore,
    Passed, Rate, Reply, SessionRow, SessionStore, Store, StoreId, Subject, SubjectKey, Throttle,
    ThrottleKey, Write,
};

/// Connects to a store by its address: `postgres://..`, `sqlite:PATH`, or `memory:`. With `hot`, a
/// `redis://..` address (several of one cluster, separated by commas), flows, sessions and throttles live there, and
/// the ledger is not opened without it from then on: who ends sessions there would end none. Each needs its feature.
///
/// ```
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// # use propusk::{Auth, KeyRing, Password, Profile};
/// let store = propusk::store::connect("memory:", None).await?;
/// let auth = Auth::builder(Profile::nist_aal1(), store.clone(), KeyRing::random())
///     .throttle(store)
///     .factor(Password::default())
///     .build()?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`StoreError::Unfit`] for an address that is none, a feature that is not there, a ledger whose sessions live in hot
/// stores when none are given, and a mixture that cannot keep the contract; else as the adapter's own.
pub async fn connect(ledger: &str, hot: Option<&str>) -> Result<AnyStore, StoreError> {
    let (scheme, _rest) = ledger.split_once(':').ok_or(NO_ADDRESS)?;
    match scheme {
        "memory" if hot.is_some() => Err(StoreError::Unfit(
            "a ledger in memory forgets guards and once-rows in a restart that the hot stores survive",
        )),
        "memory" => Ok(AnyStore::new(MemoryStore::default())),
        #[cfg(feature = "sqlite")]
        "sqlite" => {
            let path = _rest.strip_prefix("//").unwrap_or(_rest);
            with(crate::store::sqlite::SqliteStore::open(path)?, hot).await
        }
        #[cfg(not(feature = "sqlite"))]
        "sqlite" => Err(StoreError::Unfit("the feature sqlite is not switched on")),
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => {
            with(crate::store::postgres::PostgresStore::connect(ledger).await?, hot).await
        }
        #[cfg(not(feature = "postgres"))]
        "postgres" | "postgresql" => Err(StoreError::Unfit("the feature postgres is not switched on")),
        _ => Err(NO_ADDRESS),
    }
}

/// A ledger that keeps everything, or that with hot stores.
#[allow(dead_code, reason = "with no feature there is no store to join")]
async fn with<S: Store + Throttle + Clone>(ledger: S, hot: Option<&str>) -> Result<AnyStore, StoreError> {
    let Some(hot) = hot else {
        super::split::alone(&ledger).await?;
        return Ok(AnyStore::new(ledger));
    };
    if !hot.starts_with("redis") {
        return Err(StoreError::Unfit("hot stores live in Redis: redis://.."));
    }
    #[cfg(feature = "redis")]
    {
        let redis = crate::store::redis::RedisStore::connect(hot).await?;
        Ok(AnyStore::of(crate::store::split::Split::new(ledger, redis.clone())?, redis))
    }
    #[cfg(not(feature = "redis"))]
    Err(StoreError::Unfit("the feature redis is not switched on"))
}

/// A store of whatever kind, with its throttles. Clones are handles of one store.
#[derive(Clone, Debug)]
pub struct AnyStore {
    store: Arc<dyn Store>,
    throttle: Arc<dyn Throttle>,
}

impl AnyStore {
    /// A store that counts throttles itself.
    pub fn new<S: Store + Throttle + Clone>(store: S) -> Self {
        Self::of(store.clone(), store)
    }

    /// A store, and where its throttles are counted.
    pub fn of(store: impl Store, throttle: impl Throttle) -> Self {
        Self { store: Arc::new(store), throttle: Arc::new(throttle) }
    }
}

impl Commit for AnyStore {
    fn commit(&self, batch: Vec<Write>) -> Reply<'_, Committed> {
        self.store.commit(batch)
    }

    fn home(&self) -> StoreId {
        self.store.home()
    }

    fn canary(&self, realm: Realm) -> Reply<'_, Option<Vec<u8>>> {
        self.store.canary(realm)
    }

    fn purge(&self, now: Timestamp, limit: usize) -> Reply<'_, usize> {
        self.store.purge(now, limit)
    }
}

impl AccountStore for AnyStore {
    fn subject(&self, by: SubjectKey) -> Reply<'_, Option<Subject>> {
        self.store.subject(by)
    }
}

impl LockoutStore for AnyStore {
    fn reserve(&self, keys: Vec<(GuardKey, Limit)>, now: Timestamp) -> Reply<'_, Reserved> {
        self.store.reserve(keys, now)
    }

    fn guard(&self, key: GuardKey) -> Reply<'_, Option<Guard>> {
        self.store.guard(key)
    }
}

impl EventStore for AnyStore {
    fn events(&self, of: AccountId, page: EventPage) -> Reply<'_, Vec<EventRow>> {
        self.store.events(of, page)
    }

    fn beginnings(&self, of: Vec<SessionId>) -> Reply<'_, Vec<EventRow>> {
        self.store.beginnings(of)
    }

    fn drop_events(&self, realm: Realm, lasting: bool, before: Timestamp, limit: usize) -> Reply<'_, usize> {
        self.store.drop_events(realm, lasting, before, limit)
    }
}

impl OutboxStore for AnyStore {
    fn claim(
        &self,
        realm: Realm,
        now: Timestamp,
        lease: Duration,
        limit: usize,
    ) -> Reply<'_, Vec<MessageRow>> {
        self.store.claim(realm, now, lease, limit)
    }
}

impl FlowStore for AnyStore {
    fn find_flow(&self, key: TokenHash, now: Timestamp) -> Reply<'_, Option<FlowRow>> {
        self.store.find_flow(key, now)
    }
}

impl SessionStore for AnyStore {
    fn find_session(&self, key: TokenHash) -> Reply<'_, Option<FoundSession>> {
        self.store.find_session(key)
    }

    fn sessions_of(&self, account: AccountId, route: Route) -> Reply<'_, Vec<SessionRow>> {
        self.store.sessions_of(account, route)
    }
}

impl Throttle for AnyStore {
    fn pass(&self, keys: Vec<(ThrottleKey, Rate)>, now: Timestamp) -> Reply<'_, Passed> {
        self.throttle.pass(keys, now)
    }
}

const NO_ADDRESS: StoreError =
    StoreError::Unfit("not an address of a store: postgres://.., sqlite:PATH, or memory:");
