//! The PostgreSQL store against a real server: what may be wrong with it, what a connection that breaks leaves, guards
//! in SQL against guards in Rust, several nodes, round trips counted on the wire. What every store must keep is in the
//! contract suites.
#![cfg(all(feature = "postgres", feature = "testing"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

#[path = "../common/portal.rs"]
mod portal;
#[path = "../common/rows.rs"]
mod rows;
#[path = "../common/postgres.rs"]
mod server;

mod breaks;
mod growth;
mod guards;
mod nodes;
mod opening;
mod pooler;
mod proxy;
mod round_trips;
mod several;
#[cfg(feature = "postgres-tls")]
mod tls;
