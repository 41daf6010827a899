//! Guards and throttles are judged in SQL, in one round trip; the arithmetic is written down in Rust. Both are played
//! against one another with random moves.

use std::collections::HashMap;
use std::time::Duration;

use propusk::MemoryStore;
use propusk::clock::Timestamp;
use propusk::lockout::{Guard, GuardKey, Limit, Reserved, Settlement};
use propusk::store::{Commit, LockoutStore, Rate, Throttle, ThrottleKey, Write};
use propusk::testing::{SeededEntropy, block_on};

use crate::rows::*;
use crate::server::{fresh, open, within};

const KEYS: u64 = 3;
/// The longest that a store tells from longer ones.
const LONGEST: Duration = Duration::from_millis(i64::MAX as u64);

fn moves() -> u32 {
    if std::env::var("PROPUSK_SIZE").is_ok_and(|size| size == "long") { 20_000 } else { 2_000 }
}

fn seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    std::env::var("PROPUSK_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(now.as_secs())
}

fn limit(luck: &SeededEntropy) -> Limit {
    let span = |most: u64| Duration::from_millis(luck.below(most));
    let mut limit = Limit::PORTAL
        .with_free(luck.below(5).try_into().unwrap())
        .with_allowance(luck.below(30).try_into().unwrap());
    limit.hold = span(3_000);
    limit.longest_hold = span(8_000);
    limit.lease = span(3_000);
    limit.idle = span(100_000);
    match luck.below(40) {
        0 => limit.with_free(u32::MAX).with_allowance(u32::MAX),
        1 => {
            limit.hold = LONGEST;
            limit.longest_hold = LONGEST;
            limit
        }
        2 => {
            limit.lease = LONGEST;
            limit.idle = LONGEST;
            limit
        }
        _ => limit,
    }
}

/// What a store does around the arithmetic: all keys or none, and a row that refused is written all the same.
#[derive(Default)]
struct Rust(HashMap<GuardKey, Guard>);

impl Rust {
    fn reserve(&mut self, keys: &[(GuardKey, Limit)], now: Timestamp) -> Reserved {
        let (before, mut longest, mut most) = (self.0.clone(), None, 0);
        for (nth, (key, limit)) in keys.iter().enumerate() {
            let mut guard = self.0.get(key).copied().unwrap_or_default();
            match guard.reserve(limit, now) {
                Reserved::Granted { hold, refused } => {
                    (longest, most) = (longest.max(hold), most.max(refused));
                }
                refused => {
                    self.0 = before;
                    let first = keys.iter().position(|(other, _)| other == key) == Some(nth);
                    if let Some(stored) = self.0.get_mut(key).filter(|_| first) {
                        *stored = guard;
                    }
                    return refused;
                }
            }
            self.0.insert(*key, guard);
        }
        Reserved::Granted { hold: longest, refused: most }
    }

    fn settle(&mut self, key: GuardKey, how: Settlement, limit: &Limit, at: Timestamp) {
        self.0.entry(key).or_default().settle(how, limit, at);
    }

    fn purge(&mut self, now: Timestamp) -> usize {
        let before = self.0.len();
        self.0.retain(|_, guard| !guard.forgettable(now));
        before - self.0.len()
    }
}

#[test]
fn guards_in_sql_are_guards_in_rust() {
    let (seed, moves) = (seed(), moves());
    let luck = SeededEntropy::new(seed);
    let (sql, mut rust) = (open(&fresh()), Rust::default());
    let mut now = T0;
    within(|| {
        for nth in 0..moves {
            now = now.after(Duration::from_millis(luck.below(1_000)));
            // Nodes differ by a little.
            let at = now.before(Duration::from_millis(luck.below(50)));
            let key = || guard_key(luck.below(KEYS).try_into().unwrap());
            if luck.below(3) < 2 {
                let keys: Vec<_> = (0..=luck.below(3)).map(|_| (key(), limit(&luck))).collect();
                let told = block_on(sql.reserve(keys.clone(), at)).unwrap();
                assert_eq!(told, rust.reserve(&keys, at), "move {nth} of seed {seed}: {keys:?}");
            } else {
                let how = [Settlement::Refused, Settlement::Forgiven, Settlement::Reset, Settlement::Clear]
                    [usize::try_from(luck.below(4)).unwrap()];
                let both: Vec<_> = (0..=luck.below(2)).map(|_| (key(), limit(&luck))).collect();
                let batch =
                    both.iter().map(|(key, limit)| Write::Settle { key: *key, how, limit: *limit, at });
                won(block_on(sql.commit(batch.collect())));
                both.iter().for_each(|(key, limit)| rust.settle(*key, how, limit, at));
            }
            if luck.below(50) == 0 {
                let gone = block_on(sql.purge(now, 100)).unwrap();
                assert_eq!(gone, rust.purge(now), "move {nth} of seed {seed}: purge");
            }
            for key in (0..KEYS).map(|key| guard_key(key.try_into().unwrap())) {
                let told = block_on(sql.guard(key)).unwrap();
                assert_eq!(told, rust.0.get(&key).copied(), "{key:?} after move {nth} of seed {seed}");
            }
        }
    });
    println!("counted: moves of guards in SQL against Rust, seed {seed}, count {moves}");
}

#[test]
fn throttles_in_sql_are_throttles_in_rust() {
    let (seed, moves) = (seed(), moves());
    let luck = SeededEntropy::new(seed);
    let (sql, rust) = (open(&fresh()), MemoryStore::default());
    let mut micros = 0;
    within(|| {
        for nth in 0..moves {
            micros += i64::try_from(luck.below(4)).unwrap() * 500;
            let now = Timestamp::from_millis(T0.as_millis() + micros / 1000);
            let keys: Vec<_> = (0..=luck.below(3))
                .map(|_| {
                    let rate = Rate {
                        uses: luck.below(6).try_into().unwrap(),
                        per: Duration::from_millis(luck.below(40)),
                    };
                    let rate = match luck.below(60) {
                        0 => Rate { per: Duration::MAX, uses: 1 + rate.uses },
                        1 => Rate { uses: u32::MAX, ..rate },
                        _ => rate,
                    };
                    (ThrottleKey(bytes(luck.below(2 * KEYS).try_into().unwrap())), rate)
                })
                .collect();
            let (a, b) = (block_on(sql.pass(keys.clone(), now)), block_on(rust.pass(keys.clone(), now)));
            assert_eq!(a.unwrap(), b.unwrap(), "move {nth} of seed {seed}: {keys:?}");
        }
    });
    println!("counted: moves of throttles in SQL against Rust, seed {seed}, count {moves}");
}
