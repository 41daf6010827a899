//! Several nodes on one database: handles that know nothing of one another.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use propusk::id::MessageId;
use propusk::lockout::{Limit, Reserved};
use propusk::message::MessageRow;
use propusk::store::postgres::PostgresStore;
use propusk::store::{Commit, Committed, LockoutStore, OutboxStore, SessionStore, Write};
use propusk::testing::block_on;

use crate::rows::*;
use crate::server::{fresh, settings, url, within};

const TASKS: usize = 64;

/// One node of two, with the connections that a node has by default: two tests at once stay below the server's 100.
fn node(schema: &str) -> PostgresStore {
    within(|| block_on(PostgresStore::connect_with(&url(), settings(schema)))).unwrap()
}

/// Runs `task` on 64 threads at once, half of them on each of two stores of one schema.
fn on_two_nodes(nodes: [&PostgresStore; 2], task: impl Fn(&PostgresStore) + Sync) {
    let barrier = Barrier::new(TASKS);
    std::thread::scope(|scope| {
        for n in 0..TASKS {
            let (task, barrier, node) = (&task, &barrier, nodes[n % 2]);
            scope.spawn(move || {
                within(|| {
                    barrier.wait();
                    task(node);
                });
            });
        }
    });
}

#[test]
fn one_acceptance_between_two_nodes() {
    let schema = fresh();
    let (a, b) = (node(&schema), node(&schema));
    for round in 0..20 {
        let (won, lost) = (AtomicUsize::new(0), AtomicUsize::new(0));
        on_two_nodes([&a, &b], |node| match block_on(node.commit(vec![once(round)])).unwrap() {
            Committed::Won => drop(won.fetch_add(1, Ordering::Relaxed)),
            Committed::Lost { .. } => drop(lost.fetch_add(1, Ordering::Relaxed)),
        });
        assert_eq!((won.into_inner(), lost.into_inner()), (1, TASKS - 1));
    }
}

/// ATTACKS 9 and 13: no increment is lost, and nodes share the counter.
#[test]
fn one_guard_between_two_nodes() {
    let schema = fresh();
    let (a, b) = (node(&schema), node(&schema));
    for round in 0..20 {
        let granted = AtomicUsize::new(0);
        on_two_nodes([&a, &b], |node| {
            if let Reserved::Granted { .. } =
                block_on(node.reserve(vec![(guard_key(round), Limit::PORTAL)], T0)).unwrap()
            {
                granted.fetch_add(1, Ordering::Relaxed);
            }
        });
        assert_eq!(granted.into_inner(), 6, "five are free, the sixth begins the hold");
        let guard = within(|| block_on(a.guard(guard_key(round)))).unwrap().unwrap();
        assert_eq!(guard.pending, 6);
    }
}

#[test]
fn each_message_goes_to_one_node() {
    let schema = fresh();
    let (a, b) = (node(&schema), node(&schema));
    let messages = (0..100).map(|n| {
        Write::Message(MessageRow {
            id: MessageId::from_bytes(bytes(n)),
            realm: REALM,
            account: None,
            deliver: true,
            due: T0,
            attempts: 0,
            sealed: vec![1],
        })
    });
    won(within(|| block_on(a.commit(messages.collect()))));
    let handed = std::sync::Mutex::new(vec![]);
    on_two_nodes([&a, &b], |node| {
        let claimed = block_on(node.claim(REALM, T0, Duration::from_secs(60), 3)).unwrap();
        handed.lock().unwrap().extend(claimed.into_iter().map(|row| row.id));
    });
    let mut handed = handed.into_inner().unwrap();
    assert_eq!(handed.len(), 100, "each is handed out");
    handed.sort_unstable();
    handed.dedup();
    assert_eq!(handed.len(), 100, "none twice");
}

/// However many sign in to one account at once, it keeps no more sessions than it may have.
#[test]
fn the_limit_of_sessions_holds_between_two_nodes() {
    let schema = fresh();
    let (a, b) = (node(&schema), node(&schema));
    won(within(|| block_on(a.commit(vec![account(1)]))));
    let next = AtomicUsize::new(1);
    on_two_nodes([&a, &b], |node| {
        let n = u32::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap();
        won(block_on(node.commit(vec![Write::AddSession { row: session_row(n, 1), keep: 5 }])));
    });
    let rows = within(|| block_on(a.sessions_of(account_row(1).id, account_row(1).route)));
    assert_eq!(rows.unwrap().len(), 5);
}
