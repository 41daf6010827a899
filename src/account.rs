//! Accounts and the names they sign in with.

pub mod identifier;
