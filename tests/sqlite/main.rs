//! The SQLite store as a file, as a group-committing writer, and as one node of several. What every store must
//! keep is in the contract suites.
#![cfg(all(feature = "sqlite", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests are tests")]

#[path = "../common/rows.rs"]
mod rows;

mod durability;
mod files;
mod fixtures;
mod nodes;
mod writer;
