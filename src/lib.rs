//! propusk: sign-in for Rust web applications.

pub mod clock;
pub mod error;
pub mod id;
pub mod secret;
