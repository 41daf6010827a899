//! One secret, two nodes, over PostgreSQL and a Redis Cluster:
//!
//! ```text
//! tests/with postgres cluster -- cargo test --features full --test one_secret -- --show-output
//! ```
//!
//! 200 rounds of each, or as many as PROPUSK_ROUNDS says. All three stores, optimised: `tests/run one-secret`.
#![cfg(all(
    feature = "axum",
    feature = "postgres",
    feature = "redis",
    feature = "testing",
    feature = "passkey"
))]
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

fn address(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: tests/with postgres cluster -- cargo test --features full --test one_secret -- \
             --show-output"
        )
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn over_postgresql_and_a_redis_cluster() {
    let (ledger, hot) = (address("PROPUSK_POSTGRES"), address("PROPUSK_CLUSTER"));
    // Two processes would have no more in common: connections, caches and scripts of their own.
    let connect = || async { propusk::store::connect(&ledger, Some(&hot)).await.unwrap() };
    let stores = [connect().await, connect().await];
    one_secret::run("PostgreSQL and a Redis Cluster", stores, one_secret::rounds(200)).await;
}
