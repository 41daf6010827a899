//! propusk: sign-in for Rust web applications.

pub mod account;
pub mod clock;
pub mod danger;
pub mod device;
pub mod error;
pub mod event;
pub mod hash;
pub mod id;
pub mod lockout;
pub mod message;
pub mod policy;
pub mod secret;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
