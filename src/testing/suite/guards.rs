//! Guards.

use std::collections::HashMap;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::lockout::{Guard, GuardKey, Limit, Reserved, Settlement};
use crate::store::{Committed, Write};
use crate::testing::SeededEntropy;
use crate::testing::lab::{Lab, T0, at};

const LIMIT: Limit = Limit::PORTAL;
const RUN: u32 = LIMIT.free + 1;

fn reserve(lab: &Lab, keys: &[GuardKey], limit: Limit, now: Timestamp) -> Reserved {
    lab.ask(lab.store().reserve(keys.iter().map(|key| (*key, limit)).collect(), now))
}

fn settle(lab: &Lab, key: GuardKey, how: Settlement, limit: Limit, at: Timestamp) {
    lab.won([Write::Settle { key, how, limit, at }]);
}

#[track_caller]
fn granted(reserved: Reserved) {
    assert!(matches!(reserved, Reserved::Granted { .. }), "granted, not {reserved:?}");
}

/// How many attempts count, settled or not.
fn counted(lab: &Lab, key: GuardKey) -> u32 {
    lab.ask(lab.store().guard(key)).map_or(0, |guard| guard.refused + guard.pending)
}

pub(in crate::testing) fn count_before_anything_is_verified(lab: Lab) {
    let (key, other) = (lab.guard_key(), lab.guard_key());
    assert_eq!(lab.ask(lab.store().guard(key)), None);
    granted(reserve(&lab, &[key], LIMIT, T0));
    let guard = lab.ask(lab.store().guard(key)).expect("the guard is there");
    assert_eq!((guard.refused, guard.pending), (0, 1));
    assert_eq!(lab.ask(lab.store().guard(other)), None);
    settle(&lab, key, Settlement::Refused, LIMIT, T0);
    let guard = lab.ask(lab.store().guard(key)).expect("the guard is there");
    assert_eq!((guard.refused, guard.pending), (1, 0));
    settle(&lab, other, Settlement::Clear, LIMIT, T0);
    assert_eq!(counted(&lab, other), 0, "a guard that is not there counts as new");
}

/// The store's guards against the functions that say what a guard is.
pub(in crate::testing) fn follow_the_arithmetic(lab: Lab) {
    let luck = SeededEntropy::new(1);
    let keys = [lab.guard_key(), lab.guard_key(), lab.guard_key()];
    let limit = LIMIT.with_free(2).with_allowance(12);
    let mut model: HashMap<GuardKey, Guard> = HashMap::new();
    let mut now = T0;
    for step in 0..400 {
        let key = keys[luck.below(3) as usize];
        let guard = model.entry(key).or_default();
        let how = match luck.below(12) {
            0..=4 => {
                assert_eq!(reserve(&lab, &[key], limit, now), guard.reserve(&limit, now), "step {step}");
                continue;
            }
            5..=8 => Settlement::Refused,
            9 => Settlement::Forgiven,
            10 => [Settlement::Reset, Settlement::Clear][luck.below(2) as usize],
            _ => {
                now = now.after(Duration::from_secs(luck.below(900)));
                continue;
            }
        };
        guard.settle(how, &limit, now);
        settle(&lab, key, how, limit, now);
        assert_eq!(counted(&lab, key), guard.refused + guard.pending, "step {step}");
    }
}

/// A throttled stranger must not raise the owner's counter.
pub(in crate::testing) fn reserve_all_or_none(lab: Lab) {
    let (free, spent, last) = (lab.guard_key(), lab.guard_key(), lab.guard_key());
    granted(reserve(&lab, &[free, last], LIMIT, T0));
    assert_eq!((counted(&lab, free), counted(&lab, last)), (1, 1));
    let none = LIMIT.with_allowance(0);
    let limits = vec![(free, LIMIT), (spent, none), (last, LIMIT)];
    assert_eq!(lab.ask(lab.store().reserve(limits, T0)), Reserved::Spent);
    assert_eq!((counted(&lab, free), counted(&lab, last)), (1, 1), "none of the keys is counted");
    let held = lab.guard_key();
    for _ in 0..RUN {
        granted(reserve(&lab, &[held], LIMIT, T0));
        settle(&lab, held, Settlement::Refused, LIMIT, T0);
    }
    let until = T0.after(LIMIT.hold);
    let limits = vec![(free, LIMIT), (held, LIMIT), (spent, none)];
    assert_eq!(
        lab.ask(lab.store().reserve(limits, T0)),
        Reserved::Held { until },
        "the first that does not grant"
    );
    assert_eq!((counted(&lab, free), counted(&lab, held)), (1, RUN));
    granted(reserve(&lab, &[], LIMIT, T0));
}

pub(in crate::testing) fn the_same_key_twice_counts_twice(lab: Lab) {
    let key = lab.guard_key();
    granted(reserve(&lab, &[key, key], LIMIT, T0));
    assert_eq!(counted(&lab, key), 2);
    for _ in 0..(RUN - 3) {
        granted(reserve(&lab, &[key], LIMIT, T0));
    }
    assert_eq!(reserve(&lab, &[key, key], LIMIT, T0), Reserved::Full);
    assert_eq!(counted(&lab, key), RUN - 1);
}

/// ATTACKS 10: a hold ends by itself at its moment, and the guard is armed again; the allowance does not come back.
pub(in crate::testing) fn hold_spend_and_re_arm_at_the_moment(lab: Lab) {
    let limit = LIMIT.with_allowance(3 * RUN);
    let key = lab.guard_key();
    let mut now = T0;
    for nth in 1..=3 {
        for _ in 0..RUN {
            granted(reserve(&lab, &[key], limit, now));
            settle(&lab, key, Settlement::Refused, limit, now);
        }
        if nth == 3 {
            break;
        }
        let until = now.after(limit.hold * nth);
        for early in [now, until.before(Duration::from_millis(1))] {
            assert_eq!(reserve(&lab, &[key], limit, early), Reserved::Held { until });
        }
        now = until;
    }
    now = now.after(limit.idle / 2);
    assert_eq!(reserve(&lab, &[key], limit, now), Reserved::Spent);
    settle(&lab, key, Settlement::Clear, limit, now);
    granted(reserve(&lab, &[key], limit, now));
}

pub(in crate::testing) fn a_lease_that_ran_out_counts_as_refused(lab: Lab) {
    let key = lab.guard_key();
    for _ in 0..RUN {
        granted(reserve(&lab, &[key], LIMIT, T0));
    }
    let end = T0.after(LIMIT.lease);
    assert_eq!(reserve(&lab, &[key], LIMIT, end.before(Duration::from_millis(1))), Reserved::Full);
    let until = end.after(LIMIT.hold);
    assert_eq!(reserve(&lab, &[key], LIMIT, end), Reserved::Held { until });
    settle(&lab, key, Settlement::Refused, LIMIT, end);
    assert_eq!(counted(&lab, key), RUN, "counted once, not twice");
}

/// Who was told of a hold must not find the run only pending again, where another clock is a little behind.
pub(in crate::testing) fn what_ran_out_stays_counted_by_a_refusal(lab: Lab) {
    let key = lab.guard_key();
    for _ in 0..RUN {
        granted(reserve(&lab, &[key], LIMIT, T0));
    }
    let end = T0.after(LIMIT.lease);
    let until = end.after(LIMIT.hold);
    assert_eq!(reserve(&lab, &[key], LIMIT, end), Reserved::Held { until });
    let before = end.before(Duration::from_millis(1));
    assert_eq!(reserve(&lab, &[key], LIMIT, before), Reserved::Held { until });
    settle(&lab, key, Settlement::Reset, LIMIT, before);
    assert_eq!(counted(&lab, key), 0, "counted as refused, and forgiven");
}

/// ATTACKS 8, 12: what fails afterwards takes no count back, nor does a new process.
pub(in crate::testing) fn survive_a_lost_batch_and_reopening(lab: Lab) {
    let (key, spent) = (lab.guard_key(), lab.once_key());
    lab.won([Write::Once { key: spent, until: at(9) }]);
    for nth in 1..=RUN {
        granted(reserve(&lab, &[key], LIMIT, T0));
        let failing = vec![Write::Event(lab.event(None, 0)), Write::Once { key: spent, until: at(9) }];
        assert_eq!(lab.commit(failing), Committed::Lost { at: 1 });
        assert_eq!(counted(&lab, key), nth);
    }
    let lab = lab.reopen();
    assert_eq!(counted(&lab, key), RUN);
    assert_eq!(reserve(&lab, &[key], LIMIT, T0), Reserved::Full);
    for _ in 0..RUN {
        settle(&lab, key, Settlement::Refused, LIMIT, T0);
    }
    let lab = lab.reopen();
    assert_eq!(reserve(&lab, &[key], LIMIT, T0), Reserved::Held { until: T0.after(LIMIT.hold) });
}

pub(in crate::testing) fn a_settlement_in_a_lost_batch_is_none(lab: Lab) {
    let (key, spent) = (lab.guard_key(), lab.once_key());
    lab.won([Write::Once { key: spent, until: at(9) }]);
    granted(reserve(&lab, &[key], LIMIT, T0));
    for how in [Settlement::Reset, Settlement::Forgiven, Settlement::Clear, Settlement::Refused] {
        let batch =
            vec![Write::Settle { key, how, limit: LIMIT, at: T0 }, Write::Once { key: spent, until: at(9) }];
        assert_eq!(lab.commit(batch), Committed::Lost { at: 1 });
        let guard = lab.ask(lab.store().guard(key)).expect("the guard is there");
        assert_eq!((guard.refused, guard.pending), (0, 1), "{how:?}");
    }
}

/// ATTACKS 14: a flood of others' guards pushes none out.
pub(in crate::testing) fn are_not_pushed_out_by_others(lab: Lab) {
    let victim = lab.guard_key();
    for _ in 0..3 {
        granted(reserve(&lab, &[victim], LIMIT, T0));
        settle(&lab, victim, Settlement::Refused, LIMIT, T0);
    }
    for _ in 0..100 {
        let flood: Vec<_> = (0..100).map(|_| lab.guard_key()).collect();
        granted(reserve(&lab, &flood, LIMIT, at(1)));
    }
    assert_eq!(counted(&lab, victim), 3);
    let _ = lab.ask(lab.store().purge(at(2), 1_000_000));
    assert_eq!(counted(&lab, victim), 3);
}
