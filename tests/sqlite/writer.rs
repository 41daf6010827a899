//! The writer: groups, savepoints, and the moment when a reply may leave.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use propusk::error::StoreError;
use propusk::lockout::Limit;
use propusk::store::sqlite::{SqliteSettings, SqliteStore};
use propusk::store::{Commit, Committed, FlowStore, LockoutStore};

use super::fixtures::*;

/// A writer that stops before each COMMIT until it is told how to go on.
struct Paused {
    dir: Dir,
    store: SqliteStore,
    at_commit: Receiver<()>,
    go_on: Sender<bool>,
}

impl Paused {
    fn new() -> Self {
        let dir = Dir::new();
        let (arrive, at_commit) = channel();
        let (go_on, told) = channel::<bool>();
        let told = Mutex::new(told);
        let store = dir.store_with(SqliteSettings::default().before_commit(move || {
            let _ = arrive.send(());
            told.lock().unwrap().recv().unwrap_or(true)
        }));
        Self { dir, store, at_commit, go_on }
    }
}

#[test]
fn a_reply_never_leaves_before_its_commit() {
    let paused = Paused::new();
    let other = paused.dir.store();
    let mut commit = paused.store.commit(vec![flow(1)]);
    assert!(poll_once(&mut commit).is_pending());
    paused.at_commit.recv().unwrap();
    // The batch was applied, the COMMIT is about to begin: nobody may know of it yet, the caller included.
    for _ in 0..100 {
        assert!(poll_once(&mut commit).is_pending());
        assert_eq!(wait(other.find_flow(token(1), T0)).unwrap(), None);
        assert_eq!(wait(paused.store.find_flow(token(1), T0)).unwrap(), None);
    }
    paused.go_on.send(true).unwrap();
    won(wait(commit));
    assert!(wait(other.find_flow(token(1), T0)).unwrap().is_some());
}

/// The same for what has a commit of its own: a reservation that is told before it is on disk is lost in a crash.
#[test]
fn a_reservation_is_not_told_before_its_commit() {
    let paused = Paused::new();
    let mut reserve = paused.store.reserve(vec![(guard_key(1), Limit::PORTAL)], T0);
    assert!(poll_once(&mut reserve).is_pending());
    paused.at_commit.recv().unwrap();
    assert!(poll_once(&mut reserve).is_pending());
    paused.go_on.send(false).unwrap();
    assert!(matches!(wait(reserve), Err(StoreError::Unavailable(_))));
    assert_eq!(wait(paused.store.guard(guard_key(1))).unwrap(), None);
}

#[test]
fn jobs_that_wait_share_one_commit() {
    let paused = Paused::new();
    let mut commits: Vec<_> = (0..64).map(|n| paused.store.commit(vec![flow(n)])).collect();
    assert!(poll_once(&mut commits[0]).is_pending());
    paused.at_commit.recv().unwrap();
    for commit in &mut commits[1..] {
        assert!(poll_once(commit).is_pending());
    }
    paused.go_on.send(true).unwrap();
    paused.at_commit.recv().unwrap();
    paused.go_on.send(true).unwrap();
    // A third group, were there one, does not hang: the counts below tell.
    drop(paused.go_on);
    for commit in commits {
        won(wait(commit));
    }
    let stats = paused.store.stats();
    assert_eq!((stats.jobs, stats.commits), (64, 2));
}

#[test]
fn sixty_four_threads_are_grouped_without_being_made_to() {
    let dir = Dir::new();
    let store = dir.store();
    std::thread::scope(|scope| {
        for thread in 0..64 {
            let store = &store;
            scope.spawn(move || {
                for n in 0..20 {
                    won(wait(store.commit(vec![flow(thread * 100 + n)])));
                }
            });
        }
    });
    let stats = store.stats();
    assert_eq!(stats.jobs, 64 * 20);
    println!("{} jobs in {} commits", stats.jobs, stats.commits);
    assert!(stats.commits * 2 <= stats.jobs, "{stats:?}");
}

#[test]
fn in_a_group_each_job_wins_loses_and_fails_alone() {
    let paused = Paused::new();
    let raw = paused.dir.raw();
    raw.execute("INSERT INTO guards VALUES (?1, -1, 0, 0, 0, 0)", [bytes::<32>(66)]).unwrap();
    let mut first = paused.store.commit(vec![once(1)]);
    assert!(poll_once(&mut first).is_pending());
    paused.at_commit.recv().unwrap();

    let mut wins = paused.store.commit(vec![flow(1)]);
    let mut loses = paused.store.commit(vec![flow(2), once(1)]);
    let mut fails =
        paused.store.reserve(vec![(guard_key(5), Limit::PORTAL), (guard_key(66), Limit::PORTAL)], T0);
    let mut also_wins = paused.store.commit(vec![flow(3)]);
    assert!(poll_once(&mut wins).is_pending());
    assert!(poll_once(&mut loses).is_pending());
    assert!(poll_once(&mut fails).is_pending());
    assert!(poll_once(&mut also_wins).is_pending());
    paused.go_on.send(true).unwrap();
    paused.at_commit.recv().unwrap();
    paused.go_on.send(true).unwrap();
    // A third group, were there one, does not hang: the counts below tell.
    drop(paused.go_on);

    won(wait(first));
    won(wait(wins));
    assert_eq!(wait(loses).unwrap(), Committed::Lost { at: 1 });
    let failed = wait(fails).unwrap_err();
    assert!(matches!(failed, StoreError::Corrupt(_)), "{failed:?}");
    won(wait(also_wins));
    assert_eq!(paused.store.stats().commits, 2);
    let there = |n| wait(paused.store.find_flow(token(n), T0)).unwrap().is_some();
    assert_eq!([there(1), there(2), there(3)], [true, false, true]);
    assert_eq!(wait(paused.store.guard(guard_key(5))).unwrap(), None);
}

#[test]
fn when_the_commit_fails_everyone_in_the_group_is_told() {
    let paused = Paused::new();
    let mut commits: Vec<_> = (0..5).map(|n| paused.store.commit(vec![flow(n)])).collect();
    assert!(poll_once(&mut commits[0]).is_pending());
    paused.at_commit.recv().unwrap();
    for commit in &mut commits[1..] {
        assert!(poll_once(commit).is_pending());
    }
    paused.go_on.send(true).unwrap();
    paused.at_commit.recv().unwrap();
    paused.go_on.send(false).unwrap();
    let outcomes: Vec<bool> = commits.into_iter().map(|commit| wait(commit).is_ok()).collect();
    assert_eq!(outcomes, [true, false, false, false, false]);
    assert_eq!(wait(paused.store.find_flow(token(1), T0)).unwrap(), None);
    paused.go_on.send(true).unwrap();
    won(wait(paused.store.commit(vec![flow(1)])));
}

#[test]
fn a_panic_in_the_writer_is_an_outage_of_one_group() {
    let dir = Dir::new();
    let panics = Arc::new(Mutex::new(true));
    let fuse = panics.clone();
    let store = dir.store_with(SqliteSettings::default().before_commit(move || {
        assert!(!std::mem::take(&mut *fuse.lock().unwrap()), "the writer's fuse");
        true
    }));
    let committed = wait(store.commit(vec![flow(1)]));
    assert!(matches!(committed, Err(StoreError::Unavailable(_))), "{committed:?}");
    assert_eq!(wait(store.find_flow(token(1), T0)).unwrap(), None);
    won(wait(store.commit(vec![flow(1)])));
}

#[test]
fn a_dropped_future_does_all_of_its_job_or_none() {
    let paused = Paused::new();
    let mut dropped = paused.store.commit(vec![flow(1), flow(2)]);
    assert!(poll_once(&mut dropped).is_pending());
    drop(dropped);
    paused.at_commit.recv().unwrap();
    let mut queued = paused.store.commit(vec![flow(3), flow(4)]);
    assert!(poll_once(&mut queued).is_pending());
    drop(queued);
    drop(paused.store.commit(vec![flow(5)]));
    for _ in 0..3 {
        paused.go_on.send(true).unwrap();
    }
    won(wait(paused.store.commit(vec![flow(6)])));
    let there = |n| wait(paused.store.find_flow(token(n), T0)).unwrap().is_some();
    assert_eq!([there(1), there(2), there(3), there(4)], [true; 4]);
    assert!(!there(5), "never polled, never begun");
}

#[test]
fn the_threads_end_with_the_last_handle_and_finish_what_was_queued() {
    let paused = Paused::new();
    let clone = paused.store.clone();
    assert_eq!(clone.home(), paused.store.home());
    assert_ne!(clone.home(), paused.dir.store().home());
    let Paused { dir, store, at_commit, go_on } = paused;
    let mut commit = store.commit(vec![flow(1)]);
    assert!(poll_once(&mut commit).is_pending());
    at_commit.recv().unwrap();
    drop(commit);
    drop(store);
    let mut last = clone.commit(vec![flow(2)]);
    assert!(poll_once(&mut last).is_pending());
    drop(last);
    drop(clone);
    go_on.send(true).unwrap();
    go_on.send(true).unwrap();
    closed(&dir.file());
    let store = dir.store();
    assert!(wait(store.find_flow(token(1), T0)).unwrap().is_some());
    assert!(wait(store.find_flow(token(2), T0)).unwrap().is_some());
}
