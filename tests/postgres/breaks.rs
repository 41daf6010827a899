//! Futures that are dropped, connections that break, transactions that wait for one another.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use propusk::error::StoreError;
use propusk::store::postgres::{PostgresSettings, PostgresStore};
use propusk::store::{Commit, Committed, FlowStore, OnceKey, SessionStore, Write};
use tokio_postgres::{Client, NoTls};

use crate::proxy::{Proxy, Tamper};
use crate::rows::*;
use crate::server::{fresh, settings, url};

async fn connect(url: &str, settings: PostgresSettings) -> PostgresStore {
    PostgresStore::connect_with(url, settings).await.unwrap()
}

/// Somebody who holds rows in a transaction of their own.
pub(crate) async fn other(schema: &str) -> Client {
    let mut config: tokio_postgres::Config = url().parse().unwrap();
    config.options(format!("-c search_path={schema}"));
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Takes a once-row and keeps it locked until the client ends its transaction.
async fn hold(client: &Client, n: u32) {
    client.batch_execute("BEGIN").await.unwrap();
    client.execute("INSERT INTO once VALUES ($1, 0)", &[&&bytes::<32>(n)[..]]).await.unwrap();
}

/// The server's processes that wait for a lock, once there are so many. Not from the view of activities: within a
/// transaction that stands still.
async fn waiting(client: &Client, schema: &str, many: usize) -> Vec<i32> {
    loop {
        let rows = client
            .query(
                "SELECT DISTINCT pid FROM pg_locks l WHERE NOT granted AND EXISTS
                 (SELECT FROM pg_locks o JOIN pg_class c ON c.oid = o.relation WHERE o.pid = l.pid
                  AND c.relnamespace = to_regnamespace($1))",
                &[&schema],
            )
            .await
            .unwrap();
        if rows.len() >= many {
            return rows.iter().map(|row| row.get(0)).collect();
        }
        tokio::task::yield_now().await;
    }
}

/// A batch of several kinds, all under one number.
fn batch(n: u32) -> Vec<Write> {
    vec![account(n), flow(n), event(n, n), session(n, n), once(n)]
}

/// All of it or nothing, as another connection sees it. Asking for the once-row waits for whoever is still at it.
async fn whole(store: &PostgresStore, n: u32) -> bool {
    let there = store.commit(vec![once(n)]).await.unwrap() == Committed::Lost { at: 0 };
    assert_eq!(store.find_flow(token(n), T0).await.unwrap().is_some(), there, "a half batch");
    assert_eq!(store.find_session(token(n)).await.unwrap().is_some(), there, "a half batch");
    there
}

/// Gives up when it has been looked at so often.
async fn dropped_after<T>(looks: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut looked = 0;
    poll_fn(|cx| {
        if looked == looks {
            return Poll::Ready(None);
        }
        looked += 1;
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

#[tokio::test]
async fn a_commit_dropped_at_any_await_leaves_all_or_nothing_and_no_bad_connection() {
    let schema = fresh();
    let witness = connect(&url(), settings(&schema)).await;
    let (mut n, mut drops, mut applied) = (0, 0, 0);
    // Cold: the connection is made and the statements are prepared on the way. Warm: only the batch. A machine that has much
    // to do hands over several answers at one look, and then there are fewer to drop at: it goes round again.
    for round in 0..20 {
        let warm = round % 2 == 1;
        if drops >= 8 && !warm {
            break;
        }
        for looks in 1.. {
            let store = connect(&url(), settings(&schema).connections(1)).await;
            if warm {
                n += 1;
                won(store.commit(batch(n)).await);
            }
            n += 1;
            let end = dropped_after(looks, store.commit(batch(n))).await;
            let there = whole(&witness, n).await;
            // The one connection that it may have is not spoilt.
            n += 1;
            won(store.commit(batch(n)).await);
            assert_eq!(store.commit(vec![once(n)]).await.unwrap(), Committed::Lost { at: 0 });
            if let Some(end) = end {
                won(end);
                assert!(there, "acknowledged, so it is there");
                break;
            }
            drops += 1;
            applied += usize::from(there);
        }
    }
    println!("{applied} of {drops} dropped commits were applied");
    println!("counted: commits dropped at an await over PostgreSQL, seed -, count {drops}");
    assert!(drops >= 8, "connecting, preparing and each answer is waited for");
}

#[tokio::test]
async fn a_killed_backend_is_an_error_and_the_next_call_works() {
    let schema = fresh();
    let store = connect(&url(), settings(&schema).connections(1)).await;
    let other = other(&schema).await;
    hold(&other, 1).await;
    let (committed, ()) = tokio::join!(store.commit(vec![flow(1), once(1)]), async {
        let pid = waiting(&other, &schema, 1).await[0];
        other.execute("SELECT pg_terminate_backend($1)", &[&pid]).await.unwrap();
    });
    let Err(error @ StoreError::Unavailable(_)) = committed else { panic!("{committed:?}") };
    assert!(error.to_string().contains("ended the connection"), "{error}");
    other.batch_execute("ROLLBACK").await.unwrap();
    assert!(!there(&store, 1).await);
    won(store.commit(vec![flow(1), once(1)]).await);
}

async fn there(store: &PostgresStore, n: u32) -> bool {
    store.find_flow(token(n), T0).await.unwrap().is_some()
}

/// A store that gives up soon, over one connection, with a batch in it; and whoever holds what the next one wants.
async fn hasty() -> (PostgresStore, Client) {
    let schema = fresh();
    let soon = settings(&schema).connections(1).answer_timeout(Duration::from_millis(1500));
    let store = connect(&url(), soon).await;
    won(store.commit(batch(2)).await);
    let other = other(&schema).await;
    hold(&other, 1).await;
    (store, other)
}

/// The server gives up before the store does: so it is known that nothing of the batch will be applied later.
#[tokio::test]
async fn whoever_waits_too_long_gets_an_error_and_leaves_nothing() {
    let (store, other) = hasty().await;
    let committed = store.commit(vec![flow(1), once(1)]).await;
    let Err(StoreError::Untouched(error)) = committed else { panic!("{committed:?}") };
    assert!(error.to_string().contains("gave the work up"), "{error}");
    other.batch_execute("ROLLBACK").await.unwrap();
    assert!(!there(&store, 1).await);
    won(store.commit(vec![flow(1), once(1)]).await);
}

/// One of three waits for a row, the second for the row after it, and the third for a connection.
#[tokio::test]
async fn whoever_gets_no_connection_has_applied_nothing() {
    let (store, other) = hasty().await;
    let commit = || store.commit(vec![flow(1), once(1)]);
    let (_, _, third, found) = tokio::join!(commit(), commit(), commit(), store.find_flow(token(2), T0));
    let Err(StoreError::Untouched(error)) = third else { panic!("{third:?}") };
    assert!(error.to_string().contains("are in use"), "{error}");
    // Who has no batch has nothing to give back.
    let Err(error @ StoreError::Unavailable(_)) = found else { panic!("{found:?}") };
    assert!(error.to_string().contains("are in use"), "{error}");
    other.batch_execute("ROLLBACK").await.unwrap();
    won(commit().await);
}

/// Whoever used a connection that still waits for answers would take another's for its own.
#[tokio::test]
async fn a_connection_that_was_given_up_is_not_used_again() {
    let schema = fresh();
    let proxy = Proxy::start().await;
    let hasty = settings(&schema).connections(1).answer_timeout(Duration::from_millis(500));
    let store = connect(proxy.url(), hasty).await;
    won(store.commit(batch(1)).await);
    proxy.tamper(Tamper::Mute);
    let committed = store.commit(batch(2)).await;
    let Err(error @ StoreError::Unavailable(_)) = committed else { panic!("{committed:?}") };
    assert!(error.to_string().contains("does not answer in time"), "{error}");
    proxy.tamper(Tamper::Nothing);
    assert!(there(&store, 1).await);
    won(store.commit(batch(3)).await);
}

/// The connection breaks between COMMIT and its answer: an error, though all of it is there; never tried again.
#[tokio::test]
async fn a_lost_answer_is_an_error_whatever_became_of_the_batch() {
    let schema = fresh();
    let witness = connect(&url(), settings(&schema)).await;
    let proxy = Proxy::start().await;
    let store = connect(proxy.url(), settings(&schema).connections(1)).await;
    for (round, (how, there)) in
        [(Tamper::LoseAnswerToCommit, true), (Tamper::LoseCommit, false)].into_iter().enumerate()
    {
        let n = 10 * u32::try_from(round).unwrap();
        won(store.commit(batch(n)).await);
        proxy.tamper(how);
        let committed = store.commit(batch(n + 1)).await;
        let Err(error @ StoreError::Unavailable(_)) = committed else { panic!("{how:?}: {committed:?}") };
        assert!(error.to_string().contains("connection"), "{error}");
        assert_eq!(whole(&witness, n + 1).await, there, "{how:?}");
        proxy.tamper(Tamper::Nothing);
        won(store.commit(batch(n + 2)).await);
    }
}

/// Were the statements behind a BEGIN that failed to run by themselves, a lost batch would be half applied.
#[tokio::test]
async fn without_its_begin_nothing_of_a_batch_is_applied() {
    let schema = fresh();
    let witness = connect(&url(), settings(&schema)).await;
    let proxy = Proxy::start().await;
    let store = connect(proxy.url(), settings(&schema).connections(1)).await;
    won(store.commit(batch(1)).await);
    proxy.tamper(Tamper::SpoilBegin);
    let committed = store.commit(batch(2)).await;
    assert!(committed.is_err(), "{committed:?}");
    assert!(!whole(&witness, 2).await);
    proxy.tamper(Tamper::Nothing);
    won(store.commit(batch(3)).await);
}

/// Two batches that take two rows in opposite order: the server undoes one, which is sent again and loses.
#[tokio::test]
async fn a_deadlock_is_sorted_out() {
    let schema = fresh();
    let url = format!("{}?options=-c%20deadlock_timeout%3D20ms", url());
    let store = connect(&url, settings(&schema)).await;
    let other = other(&schema).await;
    for n in (0..100).step_by(10) {
        let (first, gate, second) = (once(n), once(n + 1), once(n + 2));
        hold(&other, n + 1).await;
        let (one, two, ()) = tokio::join!(
            store.commit(vec![flow(n), first.clone(), gate, second.clone()]),
            async {
                waiting(&other, &schema, 1).await;
                store.commit(vec![second, first]).await
            },
            async {
                waiting(&other, &schema, 2).await;
                other.batch_execute("ROLLBACK").await.unwrap();
            }
        );
        let (one, two) = (one.unwrap(), two.unwrap());
        let won = [one, two].iter().filter(|end| **end == Committed::Won).count();
        assert_eq!(won, 1, "{one:?} {two:?}");
        assert_eq!(there(&store, n).await, one == Committed::Won);
    }
    let rows =
        other.query_one("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()", &[]);
    println!("deadlocks on this server so far: {}", rows.await.unwrap().get::<_, i64>(0));
}

/// What an account's batches judge stands until they commit, in whatever order they name it.
#[tokio::test]
async fn batches_on_two_accounts_in_opposite_order_do_not_deadlock() {
    let schema = fresh();
    let url = format!("{}?options=-c%20deadlock_timeout%3D60s", url());
    let store = connect(&url, settings(&schema).answer_timeout(Duration::from_secs(30))).await;
    won(store.commit(vec![account(1), account(2)]).await);
    for n in 0..50 {
        let session = |at: u32, account| session(100 + 10 * n + at, account);
        let (one, two) = tokio::join!(
            store.commit(vec![session(0, 1), session(1, 2)]),
            store.commit(vec![session(2, 2), session(3, 1)]),
        );
        won(one);
        won(two);
    }
}

/// The keys of a batch are told apart by their place, however long it is.
#[tokio::test]
async fn the_place_of_a_loser_is_told_behind_its_locks_too() {
    let schema = fresh();
    let store = connect(&url(), settings(&schema)).await;
    won(store.commit(vec![account(1), once(7)]).await);
    for place in [0, 1, 200] {
        let mut batch: Vec<_> = (0..200).map(|n| session(1000 + n, 1)).collect();
        batch.insert(place, Write::Once { key: OnceKey(bytes(7)), until: later(1) });
        assert_eq!(store.commit(batch).await.unwrap(), Committed::Lost { at: place });
    }
}
