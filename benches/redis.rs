//! P4: a session check in Redis beside the bare `GET` of a value as long, through the same driver.
#![allow(missing_docs, clippy::expect_used, reason = "a bench")]

use std::hint::black_box;
use std::time::Duration;

use propusk::clock::{Clock, SystemClock, SystemEntropy};
use propusk::id::{AccountId, Epoch, Realm, SessionId, Version};
use propusk::proof::Packed;
use propusk::secret::{Buffered, Purpose, Route, TokenScope};
use propusk::store::redis::{RedisSettings, RedisStore};
use propusk::store::split::Split;
use propusk::store::sqlite::SqliteStore;
use propusk::store::{AccountRow, AccountState, Commit, SessionRow, Write};
use propusk::{Auth, KeyRing, Password, Profile, Token};
use tokio::runtime::Builder;

#[path = "protocol/protocol.rs"]
mod protocol;

const SESSIONS: usize = 1_000;
const EACH: u32 = 500;
const BATCHES: usize = 5;
// As `Auth` packs the proof of a password.
const PROOFS: &[u8] = b"\x08password\x09\x00\x01\x00\x00\x00";
// As long as a session's row in Redis.
const BARE: [u8; 122] = [7; 122];

fn main() {
    let url = std::env::var("PROPUSK_REDIS").expect("tests/with redis -- benches/run P4");
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (entropy, now, realm) = (Buffered::new(SystemEntropy), SystemClock.now(), Realm::new("main"));
    let (scope, prefix) = (TokenScope::new(&realm), format!("propusk-bench-{}", std::process::id()));
    let file = std::env::temp_dir().join(format!("{prefix}.db"));
    let store = runtime.block_on(async {
        let settings = RedisSettings::default().prefix(&prefix);
        let redis = RedisStore::connect_with(&url, settings).await.expect("Redis");
        Split::new(SqliteStore::open(&file).expect("SQLite"), redis).expect("two homes")
    });
    let mut tokens = vec![];
    for _ in 0..SESSIONS {
        let account = AccountId::new(&SystemClock, &entropy).expect("an id");
        let route = Route::random(&entropy).expect("a route");
        let token = Token::routed(route, &entropy).expect("a token");
        let (realm, epoch, version) = (realm.clone(), Epoch(0), Version(0));
        let row = AccountRow {
            id: account,
            realm,
            version,
            epoch,
            state: AccountState::Active,
            route,
            created: now,
            data_key: Vec::new(),
            sealed: Vec::new(),
        };
        let session = SessionRow {
            id: SessionId::new(&SystemClock, &entropy).expect("an id"),
            key: token.hash(&scope, Purpose::Session),
            account,
            epoch,
            created: now,
            seen: now,
            idle_secs: 86_400,
            expires: now.after(Duration::from_secs(30 * 86_400)),
            proofs: Packed::from_bytes(PROOFS),
        };
        let batch = vec![Write::AddAccount(row), Write::AddSession { row: session, keep: 20 }];
        let _ = runtime.block_on(store.commit(batch)).expect("two homes");
        tokens.push(token);
    }
    let auth = Auth::builder(Profile::nist_aal1(), store, KeyRing::random())
        .factor(Password::default())
        .build()
        .expect("an Auth");
    let mut bare = runtime.block_on(async {
        let client = redis::Client::open(url).expect("an address");
        let mut bare = client.get_multiplexed_async_connection().await.expect("Redis");
        for at in 0..SESSIONS {
            let key = format!("{prefix}:bare:{at}");
            let () = redis::cmd("SET")
                .arg(key)
                .arg(&BARE)
                .arg("EX")
                .arg(600)
                .query_async(&mut bare)
                .await
                .expect("Redis");
        }
        bare
    });
    let mut at = 0;
    protocol::serve("redis", |round| {
        let check = protocol::least(BATCHES, EACH, || {
            at = (at + 7) % SESSIONS;
            let token = tokens.get(at).expect("in range");
            assert!(black_box(runtime.block_on(auth.session(token)).expect("Redis")).is_some());
        });
        let get = protocol::least(BATCHES, EACH, || {
            at = (at + 7) % SESSIONS;
            let mut cmd = redis::cmd("GET");
            cmd.arg(format!("{prefix}:bare:{at}"));
            let found: Vec<u8> = runtime.block_on(cmd.query_async(&mut bare)).expect("Redis");
            assert!(black_box(found).len() == BARE.len());
        });
        round.tell("check_redis", "us", check.as_nanos() as f64 / 1000.0);
        round.tell("get_redis", "us", get.as_nanos() as f64 / 1000.0);
    });
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", file.display()));
    }
}
