//! A refresh token, a session that is switched to and an account that is closed, raced for over PostgreSQL, alone and with
//! flows and sessions in Redis or a Redis Cluster:
//!
//! ```text
//! tests/with postgres redis cluster -- cargo test --features full --test refresh_servers -- --test-threads 1 --show-output
//! ```
#![cfg(all(feature = "axum", feature = "postgres", feature = "redis", feature = "testing"))]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test"
)]

#[path = "common/account_races.rs"]
mod account_races;
#[path = "common/otp.rs"]
mod otp;
#[path = "common/portal.rs"]
mod portal;
#[path = "common/postgres.rs"]
mod postgres;
#[path = "common/refreshing.rs"]
mod refreshing;
#[path = "common/wide.rs"]
mod wide;

use propusk::store::AnyStore;
use propusk::store::postgres::PostgresStore;
use propusk::store::redis::{RedisSettings, RedisStore};
use propusk::store::split::Split;

fn address(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: tests/with postgres redis cluster -- cargo test --features full --test \
             refresh_servers -- --test-threads 1 --show-output"
        )
    })
}

async fn ledger(schema: &str) -> PostgresStore {
    let settings = postgres::settings(schema).connections(postgres::WIDE);
    PostgresStore::connect_with(&address("PROPUSK_POSTGRES"), settings).await.unwrap()
}

async fn two_homes(variable: &str) -> [AnyStore; 2] {
    let (schema, urls) = (postgres::fresh(), address(variable));
    let prefix = format!("propusk-{schema}");
    let connect = async || {
        let settings = RedisSettings::default().prefix(&prefix);
        let redis = RedisStore::connect_with(&urls, settings).await.unwrap();
        AnyStore::of(Split::new(ledger(&schema).await, redis.clone()).unwrap(), redis)
    };
    [connect().await, connect().await]
}

async fn over_two_homes(over: &str, variable: &str) {
    refreshing::run(over, two_homes(variable).await, 20).await;
    account_races::switches(over, two_homes(variable).await, 20).await;
    account_races::closings(over, two_homes(variable).await, 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn over_postgresql() {
    let stores = async || {
        let schema = postgres::fresh();
        [ledger(&schema).await, ledger(&schema).await]
    };
    refreshing::run("PostgreSQL", stores().await, 20).await;
    account_races::switches("PostgreSQL", stores().await, 20).await;
    account_races::closings("PostgreSQL", stores().await, 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn over_postgresql_and_redis() {
    over_two_homes("PostgreSQL and Redis", "PROPUSK_REDIS").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn over_postgresql_and_a_redis_cluster() {
    over_two_homes("PostgreSQL and a Redis Cluster", "PROPUSK_CLUSTER").await;
}
