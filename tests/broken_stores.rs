//! Each broken store is caught by the check that it names, and is right otherwise: else the suites prove nothing.
#![cfg(feature = "testing")]
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests are tests")]

#[path = "common/broken.rs"]
mod broken;

use broken::{each_is_caught, failures};
use propusk::store::memory::MemoryStore;
use propusk::testing::broken::{BrokenStore, Flaw};
use propusk::testing::{Check, StoreContract};

fn over_memory(flaw: Flaw) -> StoreContract {
    StoreContract::new(move || BrokenStore::new(MemoryStore::default(), flaw)).rounds(20)
}

#[test]
fn each_is_caught_by_the_check_that_it_names() {
    each_is_caught("memory", over_memory);
}

/// A store that is wrong everywhere would be caught by anything.
#[test]
fn each_is_right_but_for_its_flaw() {
    for flaw in Flaw::ALL {
        let quick: Vec<_> =
            Check::all().into_iter().filter(|check| !check.name.starts_with("races::")).collect();
        let failed = failures(&over_memory(flaw), quick.iter().copied());
        let failed: Vec<_> = failed.into_iter().map(|(name, _)| name).collect();
        println!("{flaw:?}: {failed:?}");
        assert!(failed.len() * 6 < quick.len(), "{flaw:?} fails {} of {}", failed.len(), quick.len());
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use std::sync::atomic::{AtomicU32, Ordering};

    use propusk::store::sqlite::SqliteStore;

    use super::*;

    /// A store in a file whose name is gone once it is open.
    fn open() -> SqliteStore {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("propusk-broken-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir(&dir).expect("a folder");
        let store = SqliteStore::open(dir.join("auth.db")).expect("a store");
        std::fs::remove_dir_all(&dir).expect("the folder goes");
        store
    }

    #[test]
    fn each_is_caught_by_the_check_that_it_names() {
        each_is_caught("SQLite", |flaw| {
            StoreContract::new(move || BrokenStore::new(open(), flaw)).rounds(20)
        });
    }
}
