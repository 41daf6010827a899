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
use crate::proof::{self, Aal, Proof};

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
    /// At least so many kinds of factor, two at the most. Counts e-mail, which an AAL does not.
    pub kinds: usize,
    /// Only what was proven within this time counts.
    pub fresh: Option<Duration>,
    /// One proof resists phishing ([`Proves::phishing_resistant`](proof::Proves::phishing_resistant)).
    pub phishing_resistant: bool,
    /// The device of one proof verified its user ([`Proves::user_verified`](proof::Proves::user_verified)). With the one
    /// above: one proof has both.
    pub user_verified: bool,
    /// How sure one must be of who the owner is. No proof raises it.
    pub level: Level,
}

impl Requirement {
    /// Nothing beyond a session.
    pub const NONE: Self = Self {
        aal: Aal::Zero,
        kinds: 0,
        fresh: None,
        phishing_resistant: false,
        user_verified: false,
        level: Level::Simplified,
    };

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

    /// The same, and one proof resists phishing.
    pub const fn phishing_resistant(mut self) -> Self {
        self.phishing_resistant = true;
        self
    }

    /// The same, and the device of one proof verified its user: of the one that resists phishing, where that is asked too.
    pub const fn user_verified(mut self) -> Self {
        self.user_verified = true;
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
        let one = self.aal != Aal::Zero || self.phishing_resistant || self.user_verified;
        let kinds = if self.kinds <= 1 && one { 0 } else { self.least() };
        (self.covered(&proofs), proof::kinds(&proofs).min(kinds), proof::aal(&proofs).min(self.aal))
    }

    /// Something fresh is asked for wherever freshness is: nothing is never old.
    fn least(&self) -> usize {
        self.kinds.min(2).max(usize::from(self.fresh.is_some()))
    }

    // One proof has both: a key that asked for no PIN, beside a PIN that a proxy can pass on, is neither.
    fn covered(&self, proofs: &[Proof]) -> bool {
        let mut proven = proofs.iter().map(Proof::proves);
        let neither = !self.phishing_resistant && !self.user_verified;
        neither
            || proven.any(|one| {
                (one.resists_phishing() || !self.phishing_resistant)
                    && (one.verified_user() || !self.user_verified)
            })
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
