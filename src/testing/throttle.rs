//! The contract of throttles.

use std::fmt;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::store::{Passed, Rate, Throttle, ThrottleKey};
use crate::testing::block_on;
use crate::testing::contract::Within;
use crate::testing::lab::{T0, at};

const RATE: Rate = Rate { uses: 3, per: Duration::from_secs(30) };

/// A throttle under test.
#[derive(Clone)]
pub struct ThrottleContract {
    make: Arc<dyn Fn() -> Arc<dyn Throttle> + Send + Sync>,
    within: Within,
}

impl ThrottleContract {
    /// The contract of the throttles that `make` makes, a fresh one at each call.
    pub fn new<T: Throttle>(make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self { make: Arc::new(move || Arc::new(make())), within: Arc::new(|run| run()) }
    }

    /// As [`StoreContract::within`](crate::testing::StoreContract::within).
    #[must_use]
    pub fn within(mut self, around: impl Fn(&mut dyn FnMut()) + Send + Sync + 'static) -> Self {
        self.within = Arc::new(around);
        self
    }

    /// A burst of all uses, then one in each interval; what is told to wait for is enough, and no less is.
    pub fn a_burst_then_one_each_interval(&self) {
        self.run(|throttle| {
            let mut now = T0;
            for _ in 0..3 {
                assert_eq!(pass(throttle, &[(key(1), RATE)], now), Passed::Yes);
            }
            for _ in 0..5 {
                let refused = pass(throttle, &[(key(1), RATE)], now);
                assert_eq!(refused, Passed::No { retry_after: Duration::from_secs(10) });
                let next = now.after(Duration::from_secs(10));
                let early = next.before(Duration::from_millis(1));
                assert_ne!(pass(throttle, &[(key(1), RATE)], early), Passed::Yes);
                assert_eq!(pass(throttle, &[(key(1), RATE)], next), Passed::Yes);
                now = next;
            }
            for _ in 0..3 {
                let later = now.after(Duration::from_secs(1000));
                assert_eq!(
                    pass(throttle, &[(key(1), RATE)], later),
                    Passed::Yes,
                    "the whole burst is there again"
                );
            }
        });
    }

    /// One key says nothing of another; a refusal by one counts on none.
    pub fn all_keys_or_none(&self) {
        self.run(|throttle| {
            let none = Rate { uses: 0, ..RATE };
            for _ in 0..10 {
                assert_ne!(pass(throttle, &[(key(1), RATE), (key(2), none)], T0), Passed::Yes);
            }
            for _ in 0..3 {
                assert_eq!(pass(throttle, &[(key(1), RATE)], T0), Passed::Yes);
            }
            assert_ne!(pass(throttle, &[(key(1), RATE)], T0), Passed::Yes);
            assert_eq!(pass(throttle, &[(key(3), RATE), (key(3), RATE)], T0), Passed::Yes);
            assert_ne!(pass(throttle, &[(key(3), RATE), (key(3), RATE)], T0), Passed::Yes);
            assert_eq!(pass(throttle, &[(key(3), RATE)], T0), Passed::Yes);
            assert_eq!(pass(throttle, &[], T0), Passed::Yes);
        });
    }

    /// A look counts nothing, and tells of anything that is counted.
    pub fn a_look_counts_nothing(&self) {
        self.run(|throttle| {
            for _ in 0..5 {
                assert_eq!(pass(throttle, &[(key(1), Rate::LOOK)], T0), Passed::Yes);
            }
            assert_eq!(pass(throttle, &[(key(1), RATE)], T0), Passed::Yes);
            for _ in 0..5 {
                assert_ne!(pass(throttle, &[(key(1), Rate::LOOK)], T0), Passed::Yes);
            }
            for _ in 0..2 {
                assert_eq!(pass(throttle, &[(key(1), RATE)], T0), Passed::Yes);
            }
            let full = T0.after(RATE.per);
            assert_ne!(
                pass(throttle, &[(key(1), Rate::LOOK)], full.before(Duration::from_millis(1))),
                Passed::Yes
            );
            for _ in 0..2 {
                assert_eq!(pass(throttle, &[(key(1), Rate::LOOK)], full), Passed::Yes);
            }
            for _ in 0..3 {
                assert_eq!(pass(throttle, &[(key(1), RATE)], full), Passed::Yes);
            }
        });
    }

    /// Of 50 uses at once as many pass as the rate has.
    pub fn no_use_is_lost_in_a_race(&self) {
        self.run(|throttle| {
            let rate = Rate { uses: 10, ..RATE };
            for round in 0..50 {
                let barrier = Barrier::new(50);
                let task = || {
                    let mut passed = None;
                    (self.within)(&mut || {
                        barrier.wait();
                        passed = Some(pass(throttle, &[(key(round), rate)], at(1)));
                    });
                    passed == Some(Passed::Yes)
                };
                let passed: usize = thread::scope(|scope| {
                    let tasks: Vec<_> = (0..50).map(|_| scope.spawn(task)).collect();
                    tasks.into_iter().map(|task| usize::from(task.join().expect("the task"))).sum()
                });
                assert_eq!(passed, 10);
            }
        });
    }

    fn run(&self, check: impl Fn(&dyn Throttle)) {
        (self.within)(&mut || check(&*(self.make)()));
    }
}

impl fmt::Debug for ThrottleContract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottleContract").finish_non_exhaustive()
    }
}

fn key(n: u32) -> ThrottleKey {
    let mut bytes = [7; 32];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    ThrottleKey(bytes)
}

fn pass(throttle: &dyn Throttle, keys: &[(ThrottleKey, Rate)], now: Timestamp) -> Passed {
    block_on(throttle.pass(keys.to_vec(), now)).expect("the throttle works")
}

/// The contract of a [`Throttle`], each check as a `#[test]`: `throttle_contract!(MyThrottle::new())`, or
/// `throttle_contract!(contract = ...)` with a [`ThrottleContract`](crate::testing::ThrottleContract).
#[macro_export]
macro_rules! throttle_contract {
    (contract = $contract:expr) => {
        mod throttle {
            use super::*;
            #[test]
            fn a_burst_then_one_each_interval() {
                $contract.a_burst_then_one_each_interval();
            }
            #[test]
            fn all_keys_or_none() {
                $contract.all_keys_or_none();
            }
            #[test]
            fn a_look_counts_nothing() {
                $contract.a_look_counts_nothing();
            }
            #[test]
            fn no_use_is_lost_in_a_race() {
                $contract.no_use_is_lost_in_a_race();
            }
        }
    };
    ($make:expr) => {
        $crate::throttle_contract! { contract = $crate::testing::ThrottleContract::new(|| $make) }
    };
}
