//! The checks, by what they are about. Each takes a fresh store and panics where the contract is broken.

pub(super) mod accounts;
pub(super) mod batches;
pub(super) mod credentials;
pub(super) mod events;
pub(super) mod flows;
pub(super) mod guards;
pub(super) mod outbox;
pub(super) mod purge;
pub(super) mod races;
pub(super) mod reopened;
pub(super) mod sessions;
