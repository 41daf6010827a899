//! Broken stores against the checks that must kill them.
#![allow(dead_code, reason = "each test uses a part")]

use propusk::testing::broken::Flaw;
use propusk::testing::{Check, StoreContract};

pub(crate) fn failures(
    contract: &StoreContract,
    checks: impl Iterator<Item = Check>,
) -> Vec<(&'static str, String)> {
    checks.filter_map(|check| contract.finding(&check).map(|why| (check.name, why))).collect()
}

/// Over whatever store: each flaw is caught by the check that it names, and for what it is.
pub(crate) fn each_is_caught(over: &str, contract: impl Fn(Flaw) -> StoreContract) {
    for flaw in Flaw::ALL {
        let named = Check::all().into_iter().filter(|check| check.name == flaw.killed_by());
        let failed = failures(&contract(flaw), named);
        let [(name, why)] = &failed[..] else { panic!("{flaw:?} over {over} passes {}", flaw.killed_by()) };
        assert!(
            !why.contains("proves nothing"),
            "{flaw:?} over {over} is caught by a race that did not overlap, so by nothing"
        );
        assert!(!why.contains("the store failed"), "{flaw:?} over {over} is caught by an outage: {why}");
        let why: String = why.chars().take(200).collect();
        println!("{flaw:?} over {over} is killed by {name}: {why}");
    }
    println!(
        "counted: broken stores over {over} that are killed by their check, seed -, count {}",
        Flaw::ALL.len()
    );
}
