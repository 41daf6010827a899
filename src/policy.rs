//! Policy: pure functions over values. No store, no clock, no network; `now` is an argument.

mod deviations;
mod human;
pub mod password;
mod profile;
mod recovery;
mod suspicion;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::account::Level;
use crate::clock::Timestamp;
use crate::proof::{self, Aal, Proof, Proves};

pub(crate) use deviations::channel;
#[cfg(feature = "axum")]
pub(crate) use deviations::number;
pub use deviations::{Deviation, Measure, Standard};
pub use human::{Check, HumanPolicy};
pub use profile::{ClosingRules, Profile, Retention, SessionLimits, TrustRule};
pub(crate) use recovery::Lacks;
pub use recovery::RecoveryRules;
pub(crate) use suspicion::Weighed;
pub use suspicion::{Signal, SuspicionRules};

/// What must have been proven: to sign in, or for an operation. Policy reads properties of proofs, never the name of a
/// factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
#[non_exhaustive]
pub struct Requirement {
    /// At least this assurance level.
    pub aal: Aal,
    /// At least so many kinds of factor (known, held, is). Counts e-mail, which an AAL does not.
    pub kinds: usize,
    /// Only what was proven within this time counts.
    pub fresh: Option<Duration>,
    /// One proof has all these properties ([`Proves::phishing_resistant`], [`Proves::user_verified`]).
    pub having: Option<Proves>,
    /// How sure one must be of who the owner is. No proof raises it.
    pub level: Level,
}

impl Requirement {
    /// Nothing beyond a session.
    pub const NONE: Self =
        Self { aal: Aal::Zero, kinds: 0, fresh: None, having: None, level: Level::Simplified };

    /// An assurance level.
    pub const fn aal(aal: Aal) -> Self {
        Self { aal, kinds: 1, ..Self::NONE }
    }

    /// Two kinds of factor, an e-mail code among them if need be: the portal's custom, not NIST's.
    pub const fn two_factors() -> Self {
        Self { aal: Aal::One, kinds: 2, ..Self::NONE }
    }

    /// The same, proven within this time.
    pub const fn within(mut self, age: Duration) -> Self {
        self.fresh = Some(age);
        self
    }

    /// The same, and one proof with all these properties.
    pub const fn having(mut self, properties: Proves) -> Self {
        self.having = Some(properties);
        self
    }

    /// The same, of an account of this level.
    pub const fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Whether these proofs meet it. The level is the account's, and looked at apart.
    #[must_use]
    pub fn met_by(&self, proofs: &[Proof], now: Timestamp) -> bool {
        let proofs = self.counted(proofs, now);
        self.covered(&proofs) && proof::aal(&proofs) >= self.aal && proof::kinds(&proofs) >= self.least()
    }

    /// How far these proofs go towards it: more is nearer.
    pub(crate) fn progress(&self, proofs: &[Proof], now: Timestamp) -> (bool, usize, Aal) {
        let proofs = self.counted(proofs, now);
        // Where one level or property is all that is asked for, what counts for none of them brings nobody nearer.
        let one = self.aal != Aal::Zero || self.having.is_some();
        let kinds = if self.kinds <= 1 && one { 0 } else { self.least() };
        (self.covered(&proofs), proof::kinds(&proofs).min(kinds), proof::aal(&proofs).min(self.aal))
    }

    /// Something fresh is asked for wherever freshness is: nothing is never old.
    fn least(&self) -> usize {
        self.kinds.max(usize::from(self.fresh.is_some()))
    }

    fn covered(&self, proofs: &[Proof]) -> bool {
        let any = |wanted| proofs.iter().any(|proof| proof.proves().covers(wanted));
        self.having.is_none_or(any)
    }

    fn counted(&self, proofs: &[Proof], now: Timestamp) -> Vec<Proof> {
        let proofs = proofs.iter().filter(|proof| !proof.proves().recovery_only());
        let fresh = |proof: &&Proof| self.fresh.is_none_or(|age| now.since(proof.at()) <= age);
        proofs.filter(fresh).cloned().collect()
    }
}

impl Default for Requirement {
    fn default() -> Self {
        Self::NONE
    }
}
