//! Failures that other systems had, each tried here under its row.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[cfg(feature = "axum")]
#[path = "../common/site.rs"]
mod portal;
#[cfg(feature = "axum")]
#[path = "../common/web.rs"]
mod web;

#[cfg(feature = "axum")]
mod http;
