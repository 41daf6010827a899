//! Guards: counters that protect a secret. Raised before anything is verified, kept in the ledger, never lost.
//!
//! The arithmetic of a guard stands here once, as pure functions over [`Guard`]; an adapter reads the row, calls
//! [`Guard::reserve`] or [`Guard::settle`], and writes the row, all in one transaction.

pub(crate) mod waiting;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// What a guard counts for: a keyed hash of (realm, factor, account or unknown identifier, who asks). Never made
/// of anything that a request could choose freely (CVE-2026-45364, CVE-2025-6015).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GuardKey(pub [u8; 32]);

/// How many refusals a guard bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limit {
    /// Refusals in a row that cost nothing; the next one begins a hold, and so does each further run as long.
    pub free: u32,
    /// The first hold; the second lasts twice, the third three times as long.
    pub hold: Duration,
    /// No hold lasts longer.
    pub longest_hold: Duration,
    /// Consecutive refusals ever evaluated: after that everything is refused unevaluated, until a reset.
    pub allowance: u32,
    /// How long a reservation may stay unsettled before it counts as a refusal (its process died).
    pub lease: Duration,
    /// The row is forgotten when nothing happened to it for so long.
    pub idle: Duration,
}

impl Limit {
    /// MISSION's numbers: a hold after more than five refusals, of 5, 10, then 15 minutes; 50 consecutive refusals
    /// for each of the two classes, so at most the 100 of NIST SP 800-63B-4 section 3.2.2.
    pub const PORTAL: Self = Self {
        free: 5,
        hold: Duration::from_secs(5 * 60),
        longest_hold: Duration::from_secs(15 * 60),
        allowance: 50,
        lease: Duration::from_secs(60),
        idle: Duration::from_secs(90 * 24 * 3600),
    };

    /// The same limit with another count of free refusals.
    #[must_use]
    pub const fn with_free(mut self, free: u32) -> Self {
        self.free = free;
        self
    }

    /// The same limit with another allowance.
    #[must_use]
    pub const fn with_allowance(mut self, allowance: u32) -> Self {
        self.allowance = allowance;
        self
    }

    const fn run(&self) -> u32 {
        self.free.saturating_add(1)
    }

    fn hold_after(&self, runs: u32) -> Duration {
        self.hold.saturating_mul(runs).min(self.longest_hold)
    }
}

/// A guard as a store holds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Guard {
    /// Refusals in a row.
    pub refused: u32,
    /// Reservations not yet settled.
    pub pending: u32,
    /// When what is pending counts as refused, in milliseconds since the epoch.
    pub lease_until: i64,
    /// The hold ends then, in milliseconds since the epoch.
    pub held_until: i64,
    /// The row may be forgotten then, in milliseconds since the epoch.
    pub forget_at: i64,
}

/// What a reservation says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Reserved {
    /// Counted: verify now, then settle.
    Granted {
        /// The hold that begins if this attempt and all that are under way are refused.
        hold: Option<Duration>,
        /// Refusals in a row before it, of the key that has most: a signal by which a sign-in is weighed once all of it is
        /// proven, never for a decision on the attempt.
        refused: u32,
    },
    /// Checks that are under way could use up what is left: wait for one to settle, then ask again.
    Full,
    /// Held until then.
    Held {
        /// When the hold ends.
        until: Timestamp,
    },
    /// The allowance is used up: only a reset helps.
    Spent,
}

/// How a reservation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settlement {
    /// A wrong answer: it stays counted.
    Refused,
    /// Not an answer at all (the hash pool was busy, a replay of what was just accepted): given back.
    Forgiven,
    /// The right answer: the run of refusals is over.
    Reset,
    /// The run of refusals is over, and nothing was reserved here: the owner came in by another guard.
    Clear,
}

impl Guard {
    /// Counts one attempt before it is evaluated, or says why not. The row must be written whatever comes back.
    pub fn reserve(&mut self, limit: &Limit, now: Timestamp) -> Reserved {
        self.expire(limit, now);
        if self.refused >= limit.allowance {
            return Reserved::Spent;
        }
        if now.as_millis() < self.held_until {
            return Reserved::Held { until: Timestamp::from_millis(self.held_until) };
        }
        let left_in_run = limit.run() - self.refused % limit.run();
        let left = left_in_run.min(limit.allowance - self.refused);
        if self.pending >= left {
            return Reserved::Full;
        }
        // The lease of the oldest: under steady traffic a dead process's reservations would else never run out. A
        // living one that is counted with them is taken back by its own acceptance.
        if self.pending == 0 {
            self.lease_until = now.after(limit.lease).as_millis();
        }
        self.pending += 1;
        self.forget_at = now.after(limit.idle).as_millis();
        let hold = (self.pending == left_in_run)
            .then(|| limit.hold_after((self.refused + self.pending) / limit.run()));
        Reserved::Granted { hold, refused: self.refused }
    }

    /// Ends one reservation. A settlement that comes after its lease ran out finds nothing pending: the attempt
    /// was already counted as refused, and is not counted again.
    pub fn settle(&mut self, how: Settlement, limit: &Limit, now: Timestamp) {
        self.expire(limit, now);
        self.forget_at = now.after(limit.idle).as_millis();
        let was_pending = self.pending > 0;
        if how != Settlement::Clear {
            self.pending = self.pending.saturating_sub(1);
        }
        match how {
            Settlement::Refused if was_pending => self.count(1, limit, now),
            Settlement::Refused | Settlement::Forgiven => {}
            Settlement::Reset | Settlement::Clear => {
                self.refused = 0;
                self.held_until = 0;
            }
        }
    }

    /// Whether a store may drop the row.
    pub const fn forgettable(&self, now: Timestamp) -> bool {
        self.forget_at <= now.as_millis()
    }

    fn expire(&mut self, limit: &Limit, now: Timestamp) {
        if self.pending > 0 && self.lease_until <= now.as_millis() {
            let dead = std::mem::take(&mut self.pending);
            self.count(dead, limit, Timestamp::from_millis(self.lease_until));
        }
    }

    fn count(&mut self, more: u32, limit: &Limit, at: Timestamp) {
        let runs_before = self.refused / limit.run();
        self.refused = self.refused.saturating_add(more);
        let runs = self.refused / limit.run();
        if runs > runs_before {
            self.held_until = at.after(limit.hold_after(runs)).as_millis();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Timestamp = Timestamp::from_millis(1_000_000_000_000);
    const LIMIT: Limit = Limit::PORTAL;

    fn granted(reserved: Reserved) -> bool {
        matches!(reserved, Reserved::Granted { .. })
    }

    fn refuse(guard: &mut Guard, now: Timestamp) -> Reserved {
        let reserved = guard.reserve(&LIMIT, now);
        if granted(reserved) {
            guard.settle(Settlement::Refused, &LIMIT, now);
        }
        reserved
    }

    /// ATTACKS 10: after a hold ends the guard is armed again, and holds grow.
    #[test]
    fn holds_grow_end_by_themselves_and_re_arm() {
        let mut guard = Guard::default();
        let mut now = T0;
        for minutes in [5, 10, 15, 15, 15] {
            for nth in 1..=6 {
                let hold = (nth == 6).then(|| Duration::from_secs(60 * minutes));
                let refused = guard.refused;
                assert_eq!(refuse(&mut guard, now), Reserved::Granted { hold, refused });
            }
            let until = now.after(Duration::from_secs(60 * minutes));
            assert_eq!(refuse(&mut guard, now), Reserved::Held { until });
            assert_eq!(refuse(&mut guard, until.before(Duration::from_millis(1))), Reserved::Held { until });
            now = until;
        }
    }

    #[test]
    fn the_allowance_ends_for_ever_and_a_reset_restores_it() {
        let mut guard = Guard::default();
        let mut now = T0;
        let mut evaluated = 0;
        for _ in 0..1000 {
            if granted(refuse(&mut guard, now)) {
                evaluated += 1;
            }
            now = now.after(Duration::from_secs(3600));
        }
        assert_eq!(evaluated, LIMIT.allowance);
        assert_eq!(guard.reserve(&LIMIT, now), Reserved::Spent);
        guard.settle(Settlement::Reset, &LIMIT, now);
        assert!(granted(guard.reserve(&LIMIT, now)));
    }

    /// ATTACKS 95: checks that are under way make others wait, not fail; never more than what is left.
    #[test]
    fn pending_checks_fill_what_is_left() {
        let mut guard = Guard::default();
        for _ in 0..6 {
            assert!(granted(guard.reserve(&LIMIT, T0)));
        }
        assert_eq!(guard.reserve(&LIMIT, T0), Reserved::Full);
        guard.settle(Settlement::Reset, &LIMIT, T0);
        assert!(granted(guard.reserve(&LIMIT, T0)));
        assert_eq!(guard.reserve(&LIMIT, T0), Reserved::Full);
    }

    #[test]
    fn a_reservation_whose_process_died_counts_as_refused_once() {
        let mut guard = Guard::default();
        for _ in 0..6 {
            assert!(granted(guard.reserve(&LIMIT, T0)));
        }
        let after = T0.after(LIMIT.lease);
        let until = after.after(LIMIT.hold);
        assert_eq!(guard.reserve(&LIMIT, after), Reserved::Held { until });
        guard.settle(Settlement::Refused, &LIMIT, after);
        assert_eq!(guard.refused, 6);
    }
}
