//! Throttles as a generic cell rate algorithm: one number per key.

use std::collections::{BTreeSet, HashMap};

use crate::clock::Timestamp;
use crate::store::{Passed, Rate, ThrottleKey};

/// At most `room` keys. When it is full the key that is nearest to a full allowance goes first: one that has a
/// full allowance again tells nothing, and one that is hard pressed stays longest, so that a flood of fresh keys
/// cannot free the one that is being throttled before it has pushed out all others.
pub(super) struct Throttles {
    room: usize,
    /// See [`Rate::count`].
    full_at: HashMap<ThrottleKey, i64>,
    order: BTreeSet<(i64, ThrottleKey)>,
}

impl Throttles {
    pub(super) fn new(room: usize) -> Self {
        Self { room: room.max(1), full_at: HashMap::new(), order: BTreeSet::new() }
    }

    pub(super) fn pass(&mut self, keys: &[(ThrottleKey, Rate)], now: Timestamp) -> Passed {
        let mut after: Vec<(ThrottleKey, i64)> = Vec::with_capacity(keys.len());
        for (key, rate) in keys {
            let earlier = after.iter().rev().find(|(other, _)| other == key).map(|(_, full_at)| *full_at);
            let mut full_at = earlier.or_else(|| self.full_at.get(key).copied()).unwrap_or(0);
            let passed = rate.count(&mut full_at, now);
            if passed != Passed::Yes {
                return passed;
            }
            after.push((*key, full_at));
        }
        for (key, full_at) in after {
            self.set(key, full_at);
        }
        Passed::Yes
    }

    fn set(&mut self, key: ThrottleKey, full_at: i64) {
        if let Some(old) = self.full_at.insert(key, full_at) {
            self.order.remove(&(old, key));
        }
        self.order.insert((full_at, key));
        while self.full_at.len() > self.room {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            self.full_at.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const T0: Timestamp = Timestamp::from_millis(1_000_000_000_000);
    const RATE: Rate = Rate { uses: 3, per: Duration::from_secs(30) };

    fn key(n: u32) -> ThrottleKey {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        ThrottleKey(bytes)
    }

    #[test]
    fn a_burst_then_one_use_each_interval() {
        let mut throttles = Throttles::new(10);
        let mut now = T0;
        for _ in 0..3 {
            assert_eq!(throttles.pass(&[(key(1), RATE)], now), Passed::Yes);
        }
        for _ in 0..5 {
            let Passed::No { retry_after } = throttles.pass(&[(key(1), RATE)], now) else { panic!("passed") };
            assert_eq!(retry_after, Duration::from_secs(10));
            now = now.after(retry_after);
            assert_eq!(throttles.pass(&[(key(1), RATE)], now), Passed::Yes);
        }
    }

    #[test]
    fn all_keys_or_none() {
        let mut throttles = Throttles::new(10);
        let none = Rate { uses: 0, ..RATE };
        assert_eq!(
            throttles.pass(&[(key(1), RATE), (key(2), none)], T0),
            Passed::No { retry_after: none.per }
        );
        assert!(throttles.full_at.is_empty());
    }

    /// ATTACKS 14: a flood of fresh keys pushes out other fresh keys, not the one that is held back.
    #[test]
    fn a_flood_of_keys_does_not_free_the_one_that_is_held_back() {
        let mut throttles = Throttles::new(100);
        while throttles.pass(&[(key(0), RATE)], T0) == Passed::Yes {}
        for n in 1..10_000 {
            assert_eq!(throttles.pass(&[(key(n), RATE)], T0), Passed::Yes);
        }
        assert_eq!(throttles.full_at.len(), 100);
        assert_ne!(throttles.pass(&[(key(0), RATE)], T0), Passed::Yes);
    }
}
