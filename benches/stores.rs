//! P4: a session check on each store against a bare select by key on the same store. Wants `PROPUSK_POSTGRES`, which
//! `tests/with postgres -- ...` sets.
#![allow(missing_docs, clippy::expect_used, reason = "a bench")]

use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use propusk::clock::{Clock, SystemClock, SystemEntropy};
use propusk::id::{AccountId, Epoch, Realm, SessionId, Version};
use propusk::proof::Packed;
use propusk::secret::{Buffered, Purpose, Route, TokenScope};
use propusk::store::postgres::{PostgresSettings, PostgresStore};
use propusk::store::sqlite::SqliteStore;
use propusk::store::{AccountRow, AccountState, Commit, SessionRow, Store, Write};
use propusk::{Auth, KeyRing, Password, Profile, Token};
use rusqlite::Connection;
use tokio_postgres::{Client, NoTls};

#[path = "protocol/protocol.rs"]
mod protocol;

const SESSIONS: usize = 20_000;
const EACH: usize = 500;
const BATCHES: usize = 5;
const SELECT: &str = "SELECT account, epoch, expires, proofs FROM sessions WHERE key = $1";

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (postgres, bare, schema) = runtime.block_on(connect());
    let path = std::env::temp_dir().join(&schema);
    let sqlite = SqliteStore::open(&path).expect("a file");
    let file = Connection::open(&path).expect("the file");
    let elsewhere = Arc::new(Mutex::new(Connection::open(&path).expect("the file")));
    let tokens = runtime.block_on(fill(&postgres, &sqlite));
    let scope = TokenScope::new(&Realm::new("main"));
    let keys: Vec<[u8; 32]> =
        tokens.iter().map(|token| *token.hash(&scope, Purpose::Session).as_bytes()).collect();
    let (on_postgres, on_sqlite) = (auth(postgres), auth(sqlite));
    let select = runtime.block_on(bare.prepare(SELECT)).expect("a statement");
    runtime.block_on(async { bare.batch_execute("ANALYZE").await }).expect("statistics");
    let mut next = (0..SESSIONS).cycle().step_by(7919);
    protocol::serve("stores", |round| {
        let mut at = || next.next().expect("it goes round");
        let select_here = runtime.block_on(least(|| {
            let key = keys.get(at()).expect("in range");
            async { black_box(bare.query_one(&select, &[&&key[..]]).await.expect("PostgreSQL")) }
        }));
        let check_here = runtime.block_on(least(|| {
            let token = tokens.get(at()).expect("in range");
            async { on_postgres.session(token).await.expect("PostgreSQL").expect("it lives") }
        }));
        round.tell("postgres_select", "us", select_here);
        round.tell("postgres_check", "us", check_here);
        let select_there = runtime.block_on(least(|| {
            let key = keys.get(at()).expect("in range");
            let mut statement = file.prepare_cached(SELECT).expect("SQLite");
            std::future::ready(black_box(
                statement.query_row([key], |row| row.get::<_, i64>(1)).expect("SQLite"),
            ))
        }));
        // What a runtime has to do with a driver that blocks.
        let hop_there = runtime.block_on(least(|| {
            let (file, key) = (elsewhere.clone(), *keys.get(at()).expect("in range"));
            async move {
                let select = tokio::task::spawn_blocking(move || {
                    let file = file.lock().expect("nobody died");
                    let mut statement = file.prepare_cached(SELECT).expect("SQLite");
                    statement.query_row([key], |row| row.get::<_, i64>(1)).expect("SQLite")
                });
                black_box(select.await.expect("it ran"))
            }
        }));
        let check_there = runtime.block_on(least(|| {
            let token = tokens.get(at()).expect("in range");
            async { on_sqlite.session(token).await.expect("SQLite").expect("it lives") }
        }));
        round.tell("sqlite_select", "us", select_there);
        round.tell("sqlite_select_hop", "us", hop_there);
        round.tell("sqlite_check", "us", check_there);
    });
    for end in ["", "-wal", "-shm"] {
        let mut name = path.clone().into_os_string();
        name.push(end);
        let _ = std::fs::remove_file(name);
    }
}

/// The least time of one call, in microseconds.
async fn least<T, F: Future<Output = T>>(mut call: impl FnMut() -> F) -> f64 {
    let mut least = f64::MAX;
    for _ in 0..BATCHES {
        let start = Instant::now();
        for _ in 0..EACH {
            call().await;
        }
        least = least.min(start.elapsed().as_secs_f64() * 1e6 / EACH as f64);
    }
    least
}

async fn connect() -> (PostgresStore, Client, String) {
    let url = std::env::var("PROPUSK_POSTGRES").expect("tests/with postgres -- ... sets PROPUSK_POSTGRES");
    let schema = format!("bench_{}_{}", std::process::id(), SystemClock.now().as_millis());
    let settings = PostgresSettings::default().schema(&schema);
    let store = PostgresStore::connect_with(&url, settings).await.expect("the server");
    let mut config: tokio_postgres::Config = url.parse().expect("a URL");
    config.options(format!("-c search_path={schema}"));
    let (client, connection) = config.connect(NoTls).await.expect("the server");
    tokio::spawn(connection);
    (store, client, schema)
}

/// The same accounts and sessions in both.
async fn fill(postgres: &PostgresStore, sqlite: &SqliteStore) -> Vec<Token> {
    let (entropy, now, realm) = (Buffered::new(SystemEntropy), SystemClock.now(), Realm::new("main"));
    let scope = TokenScope::new(&realm);
    let mut tokens = Vec::with_capacity(SESSIONS);
    while tokens.len() < SESSIONS {
        let mut batch = Vec::with_capacity(1000);
        for _ in 0..500 {
            let id = AccountId::new(&SystemClock, &entropy).expect("an id");
            let route = Route::random(&entropy).expect("a route");
            let token = Token::routed(route, &entropy).expect("a token");
            batch.push(Write::AddAccount(AccountRow {
                id,
                realm: realm.clone(),
                version: Version(0),
                epoch: Epoch(0),
                state: AccountState::Active,
                route,
                created: now,
                data_key: Vec::new(),
                sealed: Vec::new(),
            }));
            let row = SessionRow {
                id: SessionId::new(&SystemClock, &entropy).expect("an id"),
                key: token.hash(&scope, Purpose::Session),
                account: id,
                epoch: Epoch(0),
                created: now,
                seen: now,
                idle_secs: 86_400,
                expires: now.after(Duration::from_secs(30 * 86_400)),
                proofs: Packed::from_bytes(b"\x08password\x09\x00\x01\x00\x00\x00"),
            };
            batch.push(Write::AddSession { row, keep: 20 });
            tokens.push(token);
        }
        let _ = sqlite.commit(batch.clone()).await.expect("SQLite");
        let _ = postgres.commit(batch).await.expect("PostgreSQL");
    }
    tokens
}

fn auth(store: impl Store) -> Auth {
    let builder = Auth::builder(Profile::nist_aal1(), store, KeyRing::random());
    builder.factor(Password::default()).build().expect("an Auth")
}
