//! propusk: sign-in for Rust web applications.

pub mod clock;
pub mod danger;
pub mod error;
pub mod hash;
pub mod id;
pub mod policy;
pub mod secret;
