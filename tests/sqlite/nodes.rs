//! Several nodes on one file: handles that know nothing of one another, and processes.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use propusk::id::MessageId;
use propusk::lockout::{Limit, Reserved};
use propusk::message::MessageRow;
use propusk::store::sqlite::SqliteStore;
use propusk::store::{Commit, Committed, LockoutStore, OutboxStore, Write};

use super::fixtures::*;

const TASKS: usize = 64;

/// Runs `task` on 64 threads at once, half of them on each of two stores on one file.
fn on_two_nodes(nodes: [&SqliteStore; 2], task: impl Fn(&SqliteStore) + Sync) {
    let barrier = Barrier::new(TASKS);
    std::thread::scope(|scope| {
        for n in 0..TASKS {
            let (task, barrier, node) = (&task, &barrier, nodes[n % 2]);
            scope.spawn(move || {
                barrier.wait();
                task(node);
            });
        }
    });
}

#[test]
fn one_acceptance_between_two_nodes() {
    let dir = Dir::new();
    let (a, b) = (dir.store(), dir.store());
    for round in 0..20 {
        let (won, lost) = (AtomicUsize::new(0), AtomicUsize::new(0));
        on_two_nodes([&a, &b], |node| match wait(node.commit(vec![once(round)])).unwrap() {
            Committed::Won => drop(won.fetch_add(1, Ordering::Relaxed)),
            Committed::Lost { .. } => drop(lost.fetch_add(1, Ordering::Relaxed)),
        });
        assert_eq!((won.into_inner(), lost.into_inner()), (1, TASKS - 1));
    }
}

/// ATTACKS 9 and 13: no increment is lost, and nodes share the counter.
#[test]
fn one_guard_between_two_nodes() {
    let dir = Dir::new();
    let (a, b) = (dir.store(), dir.store());
    for round in 0..20 {
        let granted = AtomicUsize::new(0);
        on_two_nodes([&a, &b], |node| {
            if let Reserved::Granted { .. } =
                wait(node.reserve(vec![(guard_key(round), Limit::PORTAL)], T0)).unwrap()
            {
                granted.fetch_add(1, Ordering::Relaxed);
            }
        });
        assert_eq!(granted.into_inner(), 6);
        assert_eq!(wait(a.guard(guard_key(round))).unwrap().unwrap().pending, 6);
    }
}

#[test]
fn each_message_goes_to_one_node() {
    let dir = Dir::new();
    let (a, b) = (dir.store(), dir.store());
    let message = |n| {
        Write::Message(MessageRow {
            id: MessageId::from_bytes(bytes(n)),
            realm: REALM,
            account: None,
            deliver: true,
            due: T0,
            attempts: 0,
            sealed: vec![1],
        })
    };
    won(wait(a.commit((0..200).map(message).collect())));
    let claimed = std::sync::Mutex::new(Vec::new());
    on_two_nodes([&a, &b], |node| {
        let rows = wait(node.claim(REALM, T0, Duration::from_secs(60), 5)).unwrap();
        claimed.lock().unwrap().extend(rows.into_iter().map(|row| row.id));
    });
    let mut ids = claimed.into_inner().unwrap();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 200);
}

const CHILD: &str = "PROPUSK_TEST_NODE";
const ROUNDS: u32 = 100;

/// Not a test of its own: what `one_acceptance_between_processes` runs in other processes. Each line names a prize.
#[test]
fn node() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let store = SqliteStore::open(path).unwrap();
    for line in std::io::stdin().lines() {
        let won = wait(store.commit(vec![once(line.unwrap().parse().unwrap())])).unwrap() == Committed::Won;
        println!("\nanswer {won}");
    }
}

#[test]
fn one_acceptance_between_processes() {
    let dir = Dir::new();
    let mut nodes: Vec<_> = (0..3)
        .map(|_| {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "nodes::node", "--nocapture"])
                .env(CHILD, dir.file())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let answers = BufReader::new(child.stdout.take().unwrap()).lines();
            (child, answers)
        })
        .collect();
    let mut wins = [0; 3];
    for round in 0..ROUNDS {
        // All are told before any is heard, another one first in each round.
        for turn in 0..3 {
            let (child, _) = &mut nodes[(round as usize + turn) % 3];
            child.stdin.as_mut().unwrap().write_all(format!("{round}\n").as_bytes()).unwrap();
        }
        let won = nodes.iter_mut().map(|(_, answers)| {
            answers
                .map(Result::unwrap)
                .find_map(|line| Some(line.strip_prefix("answer ")? == "true"))
                .unwrap()
        });
        let won: Vec<bool> = won.collect();
        assert_eq!(won.iter().filter(|won| **won).count(), 1, "round {round}: {won:?}");
        wins.iter_mut().zip(won).for_each(|(wins, won)| *wins += usize::from(won));
    }
    for (mut child, answers) in nodes {
        drop(child.stdin.take());
        answers.for_each(drop);
        assert!(child.wait().unwrap().success());
    }
    println!("counted: rounds between three processes, won by each {wins:?}, seed -, count {ROUNDS}");
    assert!(wins.iter().filter(|wins| **wins > 0).count() > 1, "one process alone played");
}
