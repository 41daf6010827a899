//! A refresh token raced for on memory and on one SQLite file; over servers: `refresh_servers.rs`.
#![cfg(all(feature = "axum", feature = "sqlite", feature = "testing"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test"
)]

#[path = "common/portal.rs"]
mod portal;
#[path = "common/refreshing.rs"]
mod refreshing;

use std::time::Duration;

use propusk::MemoryStore;
use propusk::store::sqlite::{SqliteSettings, SqliteStore};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn over_memory() {
    let store = MemoryStore::default();
    refreshing::run("memory", [store.clone(), store], 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn over_one_sqlite_file() {
    let dir = std::env::temp_dir().join(format!("propusk-refresh-{}", std::process::id()));
    std::fs::create_dir(&dir).unwrap();
    let patient = SqliteSettings::default().busy_timeout(Duration::from_secs(60));
    let stores = [(); 2].map(|()| SqliteStore::open_with(dir.join("auth.db"), patient.clone()).unwrap());
    refreshing::run("one SQLite file", stores, 10).await;
    std::fs::remove_dir_all(&dir).unwrap();
}
