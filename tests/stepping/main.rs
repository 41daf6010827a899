//! What an operation asks for beyond a session, what a transaction takes, what a change of credentials takes, and what a
//! trusted browser may skip: through the public API, on the memory store and on a SQLite file.
#![cfg(all(feature = "sqlite", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[cfg(all(feature = "axum", feature = "openapi"))]
#[path = "../common/described.rs"]
mod described;
#[path = "../common/house.rs"]
mod house;
#[path = "../common/otp.rs"]
mod otp;
#[path = "../common/portal.rs"]
mod portal;
#[cfg(feature = "axum")]
#[path = "../common/web.rs"]
mod web;

mod approve;
mod change;
mod missing;
mod model;
mod step_up;
mod trust;
#[cfg(feature = "axum")]
mod wire;

use std::sync::Arc;

use house::*;
use otp::{step, totp};
use portal::{WORD, pending};
use propusk::flow::{Done, Next};
use propusk::id::{AccountId, FactorName};
use propusk::{
    Answer, Approval, BackupCodes, Client, Code, MemoryStore, Password, Profile, Step, Token, Totp, Visit,
};
