//! The contract suites on the PostgreSQL store, each check in a schema of its own; and the broken stores over it.
#![cfg(all(feature = "postgres", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests are tests")]

#[path = "common/broken.rs"]
mod broken;
#[path = "common/postgres.rs"]
mod postgres;

use propusk::testing::broken::BrokenStore;
use propusk::testing::{Opened, StoreContract, ThrottleContract};

fn contract() -> StoreContract {
    StoreContract::opened(|| {
        let schema = postgres::fresh();
        Opened::durable(postgres::open(&schema), move || postgres::open(&schema))
    })
    .within(|run| postgres::within(run))
}

propusk::testing::store_contract!(contract = contract());
propusk::testing::throttle_contract!(
    contract =
        ThrottleContract::new(|| postgres::open(&postgres::fresh())).within(|run| postgres::within(run))
);

#[test]
fn each_broken_store_is_caught_by_the_check_that_it_names() {
    broken::each_is_caught("PostgreSQL", |flaw| {
        StoreContract::new(move || BrokenStore::new(postgres::open(&postgres::fresh()), flaw))
            .within(|run| postgres::within(run))
            .rounds(5)
    });
}
