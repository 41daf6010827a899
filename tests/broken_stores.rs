//! Each broken store is caught by the check that it names, and is right otherwise: else the suites prove nothing. Over
//! the other stores the same is asked beside their contract.
#![cfg(feature = "testing")]
#![allow(clippy::panic, reason = "helpers of tests are tests")]

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
