//! The fakes and the stores around a store do what the tests that stand on them believe.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::future::Future;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use propusk::clock::{Clock, Entropy, Timestamp};
use propusk::error::StoreError;
use propusk::id::Realm;
use propusk::store::memory::MemoryStore;
use propusk::store::{Commit, Committed, OnceKey, Write};
use propusk::testing::{CountingStore, FakeClock, Fault, FaultyStore, GatedStore, SeededEntropy, block_on};

const REALM: Realm = Realm::new("tools");

fn canary() -> Write {
    Write::AddCanary { realm: REALM, sealed: vec![1] }
}

fn laid_down(store: &impl Commit) -> bool {
    block_on(store.canary(REALM)).unwrap().is_some()
}

fn never<T>(future: impl Future<Output = T>) -> bool {
    let mut future = Box::pin(future);
    let mut cx = Context::from_waker(Waker::noop());
    (0..100).all(|_| matches!(future.as_mut().poll(&mut cx), Poll::Pending))
}

#[test]
fn the_clock_goes_when_told_and_luck_repeats_itself() {
    let clock = FakeClock::at(Timestamp::from_millis(5));
    assert_eq!(clock.advance(Duration::from_secs(1)), Timestamp::from_millis(1005));
    clock.set(Timestamp::from_millis(-1));
    assert_eq!(clock.now(), Timestamp::from_millis(-1));

    let draw = |luck: &SeededEntropy| {
        let mut bytes = [0; 70];
        luck.fill(&mut bytes).unwrap();
        bytes
    };
    let (one, same, other) = (SeededEntropy::new(1), SeededEntropy::new(1), SeededEntropy::new(2));
    let first = draw(&one);
    assert_eq!(first, draw(&same));
    assert_ne!(first, draw(&other));
    assert_ne!(first, draw(&one));
    assert!(first.chunks(10).all(|chunk| chunk != [0; 10]), "all of it is filled");
    assert_eq!((one.draws(), same.draws()), (2, 1));
}

#[test]
fn calls_are_written_down_in_order_with_the_kinds_of_write() {
    let store = CountingStore::new(MemoryStore::default());
    let log = store.log();
    let once = Write::Once { key: OnceKey([0; 32]), until: Timestamp::from_millis(0) };
    assert_eq!(block_on(store.commit(vec![canary(), once])).unwrap(), Committed::Won);
    assert!(laid_down(&store));
    let calls: Vec<_> = log.take().into_iter().map(|call| (call.method, call.writes)).collect();
    assert_eq!(calls, [("commit", vec!["AddCanary", "Once"]), ("canary", vec![])]);
    assert_eq!((log.calls().len(), log.count("commit")), (0, 0));
}

/// The four ends of a call: what a kill or a lost reply leaves behind.
#[test]
fn a_planned_fault_strikes_once_before_or_after_the_call_is_applied() {
    for (fault, answers, applied) in [
        (Fault::FailsBefore, true, false),
        (Fault::FailsAfter, true, true),
        (Fault::HangsBefore, false, false),
        (Fault::HangsAfter, false, true),
    ] {
        let inner = MemoryStore::default();
        let store = FaultyStore::new(inner.clone());
        assert!(!laid_down(&store));
        store.plan(1, fault);
        assert!(!laid_down(&store), "the first call is not the one");
        if answers {
            let error = block_on(store.commit(vec![canary()])).unwrap_err();
            assert!(matches!(error, StoreError::Unavailable(_)), "{fault:?}");
        } else {
            assert!(never(store.commit(vec![canary()])), "{fault:?}");
        }
        assert_eq!(laid_down(&inner), applied, "{fault:?}");
        assert_eq!(store.calls(), 2);
        assert_eq!(laid_down(&store), applied, "{fault:?} strikes once");
        store.mend();
        assert_eq!(store.calls(), 0);
    }
}

#[test]
fn a_gate_holds_readers_until_all_have_read() {
    let store = GatedStore::new(MemoryStore::default(), "canary", 3);
    assert!(never(store.canary(Realm::new("nobody comes"))), "alone one waits");
    let store = GatedStore::new(MemoryStore::default(), "canary", 3);
    let read_then_write = || {
        let before = laid_down(&store);
        let _ = block_on(store.commit(vec![canary()])).unwrap();
        before
    };
    let saw: Vec<bool> = thread::scope(|scope| {
        let tasks: Vec<_> = (0..3).map(|_| scope.spawn(read_then_write)).collect();
        tasks.into_iter().map(|task| task.join().unwrap()).collect()
    });
    assert_eq!(saw, [false; 3], "none had written when all had read");
    assert_eq!(store.held(), 1);
    store.open();
    assert!(laid_down(&store));
}
