//! propusk: sign-in for Rust web applications.

pub mod account;
pub mod clock;
pub mod device;
pub mod error;
pub mod event;
pub mod id;
pub mod lockout;
pub mod message;
pub mod secret;
pub mod store;
