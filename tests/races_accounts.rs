//! An account and its sessions raced for on memory and on one SQLite file; over servers: `refresh_servers.rs`.
#![cfg(all(feature = "sqlite", feature = "testing"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test"
)]

#[path = "common/account_races.rs"]
mod account_races;
#[path = "common/otp.rs"]
mod otp;
#[path = "common/portal.rs"]
mod portal;
#[path = "common/wide.rs"]
mod wide;

use std::time::Duration;

use propusk::MemoryStore;
use propusk::store::sqlite::{SqliteSettings, SqliteStore};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn over_memory() {
    let store = MemoryStore::default();
    account_races::switches("memory", [store.clone(), store], 10).await;
    let store = MemoryStore::default();
    account_races::closings("memory", [store.clone(), store], 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn over_one_sqlite_file() {
    let dir = std::env::temp_dir().join(format!("propusk-accounts-{}", std::process::id()));
    std::fs::create_dir(&dir).unwrap();
    let patient = SqliteSettings::default().busy_timeout(Duration::from_secs(60));
    let stores =
        |name: &str| [(); 2].map(|()| SqliteStore::open_with(dir.join(name), patient.clone()).unwrap());
    account_races::switches("one SQLite file", stores("switches.db"), 10).await;
    account_races::closings("one SQLite file", stores("closings.db"), 10).await;
    std::fs::remove_dir_all(&dir).unwrap();
}
