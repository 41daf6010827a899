//! Policy: pure functions over values. No store, no clock, no network; `now` is an argument.

mod deviations;
mod human;
pub mod password;
mod profile;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::clock::Timestamp;
use crate::proof::{self, Aal, Proof};

pub(crate) use deviations::channel;
pub use deviations::{Deviation, Measure, Standard};
pub use human::{Check, HumanPolicy};
pub use profile::{Profile, SessionLimits};

/// What must have been proven: to sign in, or for an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Requirement {
    /// At least this assurance level.
    pub aal: Aal,
    /// At least so many kinds of factor (known, held, is). Counts e-mail, which an AAL does not.
    pub kinds: usize,
    /// The newest proof is no older.
    pub fresh: Option<Duration>,
}

impl Requirement {
    /// An assurance level.
    pub const fn aal(aal: Aal) -> Self {
        Self { aal, kinds: 1, fresh: None }
    }

    /// Two kinds of factor, an e-mail code among them if need be: the portal's custom, not NIST's.
    pub const fn two_factors() -> Self {
        Self { aal: Aal::One, kinds: 2, fresh: None }
    }

    /// The same, proven within this time.
    pub const fn within(mut self, age: Duration) -> Self {
        self.fresh = Some(age);
        self
    }

    /// Whether these proofs meet it.
    #[must_use]
    pub fn met_by(&self, proofs: &[Proof], now: Timestamp) -> bool {
        let fresh = |proof: &&Proof| self.fresh.is_none_or(|age| now.since(proof.at()) <= age);
        let proofs: &[Proof] = &proofs.iter().filter(fresh).cloned().collect::<Vec<_>>();
        proof::aal(proofs) >= self.aal && proof::kinds(proofs) >= self.kinds
    }
}
