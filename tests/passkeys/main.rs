//! Passkeys through the public API: enrolment, sign-in without a name, second factor, and every lie that an
//! authenticator, a browser or whoever stands between them could tell.
#![cfg(all(feature = "passkey", feature = "testing"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test"
)]

#[path = "../common/authenticator.rs"]
mod authenticator;
#[path = "../common/site.rs"]
mod site;

mod clones;
mod forgeries;
mod stories;
mod vectors;
mod world;
