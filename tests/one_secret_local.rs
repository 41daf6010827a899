//! One secret, two nodes, over memory and over one SQLite file: a few rounds, and with `tests/run one-secret` as many as
//! over servers (`one_secret.rs`).
#![cfg(all(feature = "axum", feature = "sqlite", feature = "testing", feature = "passkey"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test"
)]

#[path = "common/authenticator.rs"]
mod authenticator;
#[path = "common/one_secret.rs"]
mod one_secret;
#[path = "common/otp.rs"]
mod otp;
#[path = "common/portal.rs"]
mod portal;
#[path = "common/wire.rs"]
mod wire;

use std::time::Duration;

use propusk::MemoryStore;
use propusk::store::sqlite::{SqliteSettings, SqliteStore};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn over_memory() {
    let store = MemoryStore::default();
    one_secret::run("memory", [store.clone(), store], one_secret::rounds(3)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn over_one_sqlite_file() {
    let dir = std::env::temp_dir().join(format!("propusk-one-secret-{}", std::process::id()));
    std::fs::create_dir(&dir).unwrap();
    // A disk that is busy with something else may hold one node's COMMIT for seconds; that is no race.
    let patient = SqliteSettings::default().busy_timeout(Duration::from_secs(60));
    let stores = [(); 2].map(|()| SqliteStore::open_with(dir.join("auth.db"), patient.clone()).unwrap());
    one_secret::run("one SQLite file", stores, one_secret::rounds(3)).await;
    std::fs::remove_dir_all(&dir).unwrap();
}
