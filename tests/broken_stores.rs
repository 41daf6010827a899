//! Each broken store is caught by the check that it names, and is right otherwise: else the suites prove nothing.
#![cfg(feature = "testing")]

use propusk::store::memory::MemoryStore;
use propusk::testing::broken::{BrokenStore, Flaw};
use propusk::testing::{Check, StoreContract};

fn failures(flaw: Flaw, checks: impl Iterator<Item = Check>) -> Vec<(&'static str, String)> {
    let contract = StoreContract::new(move || BrokenStore::new(MemoryStore::default(), flaw)).rounds(20);
    checks.filter_map(|check| contract.finding(&check).map(|why| (check.name, why))).collect()
}

#[test]
fn each_is_caught_by_the_check_that_it_names() {
    for flaw in Flaw::ALL {
        let named = Check::all().into_iter().filter(|check| check.name == flaw.killed_by());
        let failed = failures(flaw, named);
        let [(name, why)] = &failed[..] else { panic!("{flaw:?} passes {}", flaw.killed_by()) };
        assert!(
            !why.contains("proves nothing"),
            "{flaw:?} is caught by a race that did not overlap, so by nothing"
        );
        println!("{flaw:?} is killed by {name}: {why}");
    }
}

/// A store that is wrong everywhere would be caught by anything.
#[test]
fn each_is_right_but_for_its_flaw() {
    for flaw in Flaw::ALL {
        let quick: Vec<_> =
            Check::all().into_iter().filter(|check| !check.name.starts_with("races::")).collect();
        let failed: Vec<_> =
            failures(flaw, quick.iter().copied()).into_iter().map(|(name, _)| name).collect();
        println!("{flaw:?}: {failed:?}");
        assert!(failed.len() * 6 < quick.len(), "{flaw:?} fails {} of {}", failed.len(), quick.len());
    }
}
