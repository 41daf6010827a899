//! One account over two homes.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use propusk::clock::{Clock, SystemClock, Timestamp};
use propusk::event::{EventRow, Outcome};
use propusk::id::{AccountId, Epoch, EventId, EventName, Realm, SessionId, Version};
use propusk::proof::Packed;
use propusk::secret::{Route, TokenHash};
use propusk::store::redis::{RedisSettings, RedisStore};
use propusk::store::split::Split;
use propusk::store::sqlite::{SqliteSettings, SqliteStore};
use propusk::store::{
    AccountRow, AccountState, Commit, Committed, FlowRow, FlowStore, OnceKey, SessionRow, SessionStore, Write,
};
use propusk::testing::FaultyStore;
use redis::FromRedisValue;

pub(crate) type Ledger = FaultyStore<SqliteStore>;
pub(crate) type Store = Split<Ledger, RedisStore>;

pub(crate) const REALM: Realm = Realm::new("split");

/// Gone with its last user.
#[derive(Debug)]
pub(crate) struct Folder(pub(crate) PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) struct World {
    pub(crate) ledger: Ledger,
    pub(crate) redis: RedisStore,
    pub(crate) store: Arc<Store>,
    pub(crate) account: AccountRow,
    pub(crate) now: Timestamp,
    url: String,
    prefix: String,
    folder: Arc<Folder>,
    drawn: AtomicU64,
}

impl World {
    pub(crate) async fn new(variable: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let url = std::env::var(variable).unwrap_or_else(|_| {
            panic!("{variable} is not set: tests/with redis cluster -- cargo test --features full --test split_redis")
        });
        let prefix = format!("propusk-split-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = Folder(std::env::temp_dir().join(&prefix));
        std::fs::create_dir(&folder.0).unwrap();
        let ledger = Self::ledger(&folder, Self::settings());
        let redis = RedisStore::connect_with(&url, RedisSettings::default().prefix(&prefix)).await.unwrap();
        let store = Arc::new(Split::new(ledger.clone(), redis.clone()).unwrap());
        let account = AccountRow {
            id: AccountId::from_bytes([1; 16]),
            realm: REALM,
            version: Version(0),
            epoch: Epoch(7),
            state: AccountState::Active,
            route: Route::from_bytes([2; 8]),
            created: SystemClock.now(),
            data_key: vec![],
            sealed: vec![],
        };
        let world = Self {
            ledger,
            redis,
            store,
            account,
            now: SystemClock.now(),
            url,
            prefix,
            folder: Arc::new(folder),
            drawn: AtomicU64::new(1),
        };
        world.won(vec![Write::AddAccount(world.account.clone())]).await;
        world
    }

    fn ledger(folder: &Folder, settings: SqliteSettings) -> Ledger {
        FaultyStore::new(SqliteStore::open_with(folder.0.join("auth.db"), settings).unwrap())
    }

    /// How a node opens the ledger.
    pub(crate) fn settings() -> SqliteSettings {
        SqliteSettings::default().danger_synchronous_normal()
    }

    /// Another process over the same two homes.
    pub(crate) async fn another_node(&self) -> Arc<Store> {
        self.node_with(Self::settings(), "").await
    }

    /// The same with these settings, and keys that begin as ours do and with this.
    pub(crate) async fn node_with(&self, ledger: SqliteSettings, further: &str) -> Arc<Store> {
        let settings = RedisSettings::default().prefix(format!("{}{further}", self.prefix));
        let redis = RedisStore::connect_with(&self.url, settings).await.unwrap();
        Arc::new(Split::new(Self::ledger(&self.folder, ledger), redis).unwrap())
    }

    /// The ledger's file, for another program.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.0.join("auth.db")
    }

    pub(crate) async fn commit(&self, batch: Vec<Write>) -> Committed {
        self.store.commit(batch).await.unwrap()
    }

    pub(crate) async fn won(&self, batch: Vec<Write>) {
        let told = format!("{batch:?}");
        assert_eq!(self.commit(batch).await, Committed::Won, "of {told}");
    }

    pub(crate) fn draw(&self) -> [u8; 16] {
        let mut bytes = [3; 16];
        bytes[..8].copy_from_slice(&self.drawn.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        bytes
    }

    pub(crate) fn flow(&self) -> FlowRow {
        let mut key = [4; 32];
        key[..16].copy_from_slice(&self.draw());
        let expires = self.now.after(std::time::Duration::from_secs(600));
        FlowRow { key: TokenHash::from_bytes(key), version: Version(1), expires, sealed: vec![1] }
    }

    pub(crate) fn session(&self) -> SessionRow {
        let mut key = [5; 32];
        key[..8].copy_from_slice(self.account.route.as_bytes());
        key[8..24].copy_from_slice(&self.draw());
        SessionRow {
            id: SessionId::from_bytes(self.draw()),
            key: TokenHash::from_bytes(key),
            account: self.account.id,
            epoch: self.account.epoch,
            created: self.now,
            seen: self.now,
            idle_secs: 3600,
            expires: self.now.after(std::time::Duration::from_secs(86_400)),
            proofs: Packed::from_bytes(&[]),
        }
    }

    pub(crate) async fn signed_in(&self) -> SessionRow {
        let row = self.session();
        self.won(vec![Write::AddSession { row: row.clone(), keep: 100 }]).await;
        row
    }

    pub(crate) fn event(&self) -> Write {
        Write::Event(EventRow {
            id: EventId::from_bytes(self.draw()),
            realm: REALM,
            account: Some(self.account.id),
            at: self.now,
            name: EventName::new("split"),
            outcome: Outcome::Done,
            lasting: false,
            sealed: vec![],
        })
    }

    pub(crate) fn once(&self) -> Write {
        let mut key = [6; 32];
        key[..16].copy_from_slice(&self.draw());
        Write::Once { key: OnceKey(key), until: self.now.after(std::time::Duration::from_secs(3600)) }
    }

    pub(crate) fn raise(&self) -> Write {
        Write::RaiseEpoch { account: self.account.id, route: self.account.route, expect: self.account.epoch }
    }

    pub(crate) fn end(&self, row: &SessionRow) -> Write {
        Write::EndSession { account: row.account, route: self.account.route, id: row.id }
    }

    pub(crate) fn end_others(&self, except: &SessionRow) -> Write {
        Write::EndSessions { account: except.account, route: self.account.route, except: Some(except.id) }
    }

    pub(crate) async fn alive(&self, row: &SessionRow) -> bool {
        // Whoever looks for one that is held waits, and is told in the end that nobody knows: that lets nobody in.
        let found = self.store.find_session(row.key).await.unwrap_or_else(|error| {
            assert!(error.to_string().contains("holds the session"), "{error}");
            None
        });
        let listed = self.store.sessions_of(row.account, self.account.route).await.unwrap();
        let alive = found.is_some_and(|found| found.epoch == found.row.epoch);
        assert_eq!(alive, listed.iter().any(|other| other.id == row.id), "found and listed, or neither");
        alive
    }

    pub(crate) async fn there(&self, flow: &FlowRow) -> bool {
        self.store.find_flow(flow.key, self.now).await.unwrap().is_some()
    }

    pub(crate) fn flow_key(&self, flow: &FlowRow) -> String {
        self.name('f', flow.key.as_bytes())
    }

    /// Where the hot stores keep their ledger's id.
    pub(crate) fn pair_key(&self) -> String {
        format!("{}:ledger", self.prefix)
    }

    pub(crate) fn sessions_key(&self) -> String {
        self.name('s', self.account.route.as_bytes())
    }

    fn name(&self, kind: char, tag: &[u8]) -> String {
        format!("{}:{kind}:{{{}}}", self.prefix, data_encoding::BASE64URL_NOPAD.encode(tag))
    }

    /// A command of an operator, past the library.
    pub(crate) async fn raw<T: FromRedisValue>(&self, cmd: &redis::Cmd) -> T {
        let nodes: Vec<&str> = self.url.split(',').collect();
        if let [url] = nodes[..] {
            let mut one = redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
            return cmd.query_async(&mut one).await.unwrap();
        }
        let client = redis::cluster::ClusterClient::new(nodes).unwrap();
        cmd.query_async(&mut client.get_async_connection().await.unwrap()).await.unwrap()
    }

    /// Milliseconds until the server drops it.
    pub(crate) async fn life(&self, key: &str) -> i64 {
        self.raw(redis::cmd("PTTL").arg(key)).await
    }

    /// A key as it is now, to be what a replica that lags behind would still have.
    pub(crate) async fn remember(&self, key: &str) -> Vec<u8> {
        self.raw(redis::cmd("DUMP").arg(key)).await
    }

    pub(crate) async fn promote(&self, key: &str, old: &[u8]) {
        let () = self.raw(redis::cmd("RESTORE").arg(key).arg(600_000).arg(old).arg("REPLACE")).await;
    }
}
