//! The contract suites on the SQLite store, each check on a file of its own; and the broken stores over it.
#![cfg(all(feature = "sqlite", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests are tests")]

#[path = "common/broken.rs"]
mod broken;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use propusk::store::sqlite::SqliteStore;
use propusk::testing::broken::BrokenStore;
use propusk::testing::{Opened, StoreContract};

/// A folder that goes with its last user.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("propusk-contract-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn open(&self) -> SqliteStore {
        SqliteStore::open(self.0.join("auth.db")).unwrap()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn contract() -> StoreContract {
    StoreContract::opened(|| {
        let dir = Arc::new(Dir::new());
        Opened::durable(dir.open(), move || dir.open())
    })
}

propusk::testing::store_contract!(contract = contract());
propusk::testing::throttle_contract!({
    // The throttle's contract takes a store without a folder to hold: the file is unlinked while it is open.
    Dir::new().open()
});

#[test]
fn each_broken_store_is_caught_by_the_check_that_it_names() {
    broken::each_is_caught("SQLite", |flaw| {
        StoreContract::opened(move || {
            let dir = Arc::new(Dir::new());
            Opened::durable(BrokenStore::new(dir.open(), flaw), move || BrokenStore::new(dir.open(), flaw))
        })
        .rounds(20)
    });
}
