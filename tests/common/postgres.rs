//! A PostgreSQL server that was started for the test, a schema of its own for each store, a runtime.
#![allow(dead_code, reason = "each test uses a part")]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use propusk::store::postgres::{PostgresSettings, PostgresStore};
use propusk::testing::block_on;
use tokio::runtime::{Builder, Runtime};

/// So many connections has a store in a race of 50 tasks: 32 of them are inside the server at once, the others wait
/// for a connection. Three stores of that size fit into the server's default of 100.
pub(crate) const WIDE: usize = 32;

pub(crate) fn url() -> String {
    std::env::var("PROPUSK_POSTGRES").expect(
        "this test needs a server: tests/with postgres -- cargo test --features full --test contract_postgres \
         -- --test-threads 2",
    )
}

/// The name of a schema that is not there yet.
pub(crate) fn fresh() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    format!("test_{now}_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn settings(schema: &str) -> PostgresSettings {
    // A machine that builds beside the test is slow at times.
    let patience = Duration::from_secs(60);
    PostgresSettings::default().schema(schema).connect_timeout(patience).answer_timeout(patience)
}

pub(crate) fn open(schema: &str) -> PostgresStore {
    within(|| {
        block_on(PostgresStore::connect_with(&url(), settings(schema).connections(WIDE))).expect("the server")
    })
}

/// Runs something on this thread, with a runtime around it.
pub(crate) fn within<T>(run: impl FnOnce() -> T) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime =
        RUNTIME.get_or_init(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());
    let _inside = runtime.enter();
    run()
}
