//! The JSON routes and the extractors, as a client meets them.
#![cfg(all(feature = "axum", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[cfg(feature = "passkey")]
#[path = "../common/authenticator.rs"]
mod authenticator;
#[cfg(feature = "openapi")]
#[path = "../common/described.rs"]
mod described;
#[path = "../common/links.rs"]
mod links_of;
#[path = "../common/otp.rs"]
mod otp;
#[path = "../common/site.rs"]
mod portal;
#[path = "../common/web.rs"]
mod web;

mod account;
mod accounts;
mod approvals;
mod cookies;
mod csrf;
mod extract;
mod human;
mod input;
mod links;
#[cfg(feature = "openapi")]
mod openapi;
#[cfg(feature = "passkey")]
mod passkeys;
mod proxies;
mod refresh;
mod routes;
mod second_factors;
mod server;
#[cfg(feature = "tracing")]
mod spans;
