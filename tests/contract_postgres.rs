//! The contract suites on the PostgreSQL store, each check in a schema of its own; and the broken stores over it.
#![cfg(all(feature = "postgres", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests are tests")]

#[path = "common/postgres.rs"]
mod postgres;

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
