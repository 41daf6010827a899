#![doc = include_str!("../README.md")]

// Tests inside the crate use the same helpers as those outside.
#[cfg(all(test, feature = "testing"))]
extern crate self as propusk;

pub mod account;
pub mod auth;
#[cfg(feature = "axum")]
pub mod axum;
pub mod clock;
pub mod danger;
pub mod device;
mod effect;
pub mod error;
pub mod event;
pub mod factor;
pub mod flow;
pub mod hash;
pub mod human;
pub mod id;
pub mod lockout;
pub mod manual;
pub mod message;
mod observe;
mod oneshot;
pub mod otp;
pub mod place;
pub mod policy;
pub mod proof;
pub mod secret;
pub mod session;
mod site;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;

pub use account::Account;
pub use auth::Auth;
pub use factor::approval::Approval;
pub use factor::backup_code::BackupCodes;
pub use factor::code::Code;
pub use factor::hotp::Hotp;
pub use factor::link::Link;
#[cfg(feature = "passkey")]
pub use factor::passkey::Passkey;
pub use factor::password::Password;
pub use factor::totp::Totp;
pub use factor::{Answer, Factor};
pub use flow::{Client, Step, Visit};
pub use policy::Profile;
pub use secret::{KeyRing, Token};
pub use session::Session;
pub use site::Site;
pub use store::memory::MemoryStore;
