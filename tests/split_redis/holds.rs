//! What is held before the ledger records: when it is given back, and when it is gone.

use std::sync::Arc;
use std::time::Duration;

use propusk::event::EventRow;
use propusk::store::split::{Change, Held, Hold, Hot, Ticket};
use propusk::store::{Commit, Committed, SessionRow, SessionStore, Write};
use propusk::testing::Fault;

use crate::world::{Store, World};

/// A batch that this node's ledger cannot record, and is known not to have recorded, leaves everything as it was.
async fn leaves_nothing(world: &World, node: &Store, other: Option<&rusqlite::Connection>) {
    let (session, flow, new) = (world.signed_in().await, world.flow(), world.session());
    world.won(vec![Write::AddFlow(flow.clone())]).await;
    let Write::Event(event) = world.event() else { unreachable!() };
    let batch = vec![
        Write::TakeFlow { key: flow.key, expect: flow.version },
        world.end(&session),
        // Needs pages that the file has not yet.
        Write::Event(EventRow { sealed: vec![7; 200_000], ..event }),
        Write::AddSession { row: new.clone(), keep: 9 },
    ];
    let run = |sql| other.into_iter().for_each(|other| other.execute_batch(sql).unwrap());
    run("BEGIN IMMEDIATE");
    let failed = node.commit(batch.clone()).await;
    run("ROLLBACK");
    let why = failed.unwrap_err();
    assert!(world.alive(&session).await && world.there(&flow).await, "{why}");
    assert!(!world.alive(&new).await, "{why}");
    assert!(world.life(&world.flow_key(&flow)).await > 60_000, "as long as before: {why}");
    world.won(batch).await;
    assert!(!world.alive(&session).await && world.alive(&new).await);
}

pub(crate) async fn a_ledger_that_another_process_holds_signs_nobody_out(world: World) {
    let hasty = World::settings().busy_timeout(Duration::from_millis(50));
    let node = world.node_with(hasty, "").await;
    let other = rusqlite::Connection::open(world.file()).unwrap();
    leaves_nothing(&world, &node, Some(&other)).await;
}

pub(crate) async fn a_full_ledger_signs_nobody_out(world: World) {
    let node = world.node_with(World::settings().max_pages(1), "").await;
    leaves_nothing(&world, &node, None).await;
}

/// Its holder died. Whoever asks for the session is told that it is gone, and not to come again for as long as it would
/// have lived; and nobody brings it back: told that it is gone, somebody has left it alone.
pub(crate) async fn a_hold_that_nobody_settles_runs_out(world: World) {
    let (account, route) = (world.account.id, world.account.route);
    let one = |row: &SessionRow| vec![Hold::Session { account, route, id: row.id }];
    let all = vec![Hold::Sessions { account, route, except: None }];
    let began = |seconds| Ticket::begun(world.now.before(Duration::from_secs(seconds))).unwrap();

    let (session, dead) = (world.signed_in().await, began(61));
    assert_eq!(world.redis.hold(dead, one(&session)).await.unwrap(), Held::All(vec![vec![session.id]]));
    let next = world.redis.hold(Ticket::random().unwrap(), one(&session)).await;
    assert_eq!(next.unwrap(), Held::Lost { at: 0 });
    world.redis.release(dead, one(&session)).await.unwrap();
    assert!(!world.alive(&session).await, "its own holder comes late");
    // If it was recorded, it can be settled.
    let end = vec![Change::End { account, route, id: session.id }];
    assert_eq!(world.redis.settle(dead, end).await.unwrap(), Committed::Won);

    // Whoever wants all sessions does not take it over; a replica that has not heard of its end shall be told.
    let (session, dead, taker) = (world.signed_in().await, began(61), Ticket::random().unwrap());
    assert_eq!(world.redis.hold(dead, one(&session)).await.unwrap(), Held::All(vec![vec![session.id]]));
    assert_eq!(world.redis.hold(taker, all.clone()).await.unwrap(), Held::All(vec![vec![session.id]]));
    world.redis.release(taker, all).await.unwrap();
    assert!(!world.alive(&session).await, "brought back by whoever is lost after that");

    // One that is still young is waited for, and let go.
    let (session, alive) = (world.signed_in().await, began(30));
    assert_eq!(world.redis.hold(alive, one(&session)).await.unwrap(), Held::All(vec![vec![session.id]]));
    let waits = world.redis.hold(Ticket::random().unwrap(), one(&session)).await.unwrap_err();
    assert!(waits.to_string().contains("holds the session"), "{waits}");
    world.redis.release(alive, one(&session)).await.unwrap();
    assert!(world.alive(&session).await);
}

/// Of a node whose clock ran ahead, or of a build whose tickets told no time: it would stand until that moment, and its
/// person would be told to come again later.
pub(crate) async fn a_hold_of_a_moment_to_come_has_run_out(world: World) {
    let (account, route) = (world.account.id, world.account.route);
    let one = |row: &SessionRow| vec![Hold::Session { account, route, id: row.id }];
    let begins = |seconds| Ticket::begun(world.now.after(Duration::from_secs(seconds))).unwrap();
    for dead in [begins(120), Ticket([0xa7; 16])] {
        let session = world.signed_in().await;
        assert_eq!(world.redis.hold(dead, one(&session)).await.unwrap(), Held::All(vec![vec![session.id]]));
        assert!(world.redis.find_session(session.key).await.unwrap().is_none(), "it waits for nobody");
        let next = world.redis.hold(Ticket::random().unwrap(), one(&session)).await;
        assert_eq!(next.unwrap(), Held::Lost { at: 0 });
    }
    // Clocks are never quite the same.
    let (session, ahead) = (world.signed_in().await, begins(20));
    assert_eq!(world.redis.hold(ahead, one(&session)).await.unwrap(), Held::All(vec![vec![session.id]]));
    world.redis.find_session(session.key).await.unwrap_err();
    world.redis.release(ahead, one(&session)).await.unwrap();
    assert!(world.alive(&session).await);
}

/// A process that stood still between record and settlement: meanwhile somebody was told that there is no such session,
/// and goes by that.
pub(crate) async fn what_ran_out_is_not_renewed(world: World) {
    let (account, route) = (world.account.id, world.account.route);
    let (session, late) =
        (world.signed_in().await, Ticket::begun(world.now.before(Duration::from_secs(61))).unwrap());
    let one = vec![Hold::Session { account, route, id: session.id }];
    assert_eq!(world.redis.hold(late, one.clone()).await.unwrap(), Held::All(vec![vec![session.id]]));
    assert_eq!(world.redis.hold(Ticket::random().unwrap(), one).await.unwrap(), Held::Lost { at: 0 });
    let next = SessionRow { id: session.id, ..world.session() };
    let renews = |row: &SessionRow| {
        let add = Change::Add { row: row.clone(), keep: 9 };
        vec![Change::End { account, route, id: session.id }, add]
    };
    assert_eq!(world.redis.settle(late, renews(&next)).await.unwrap(), Committed::Lost { at: 1 });
    assert!(!world.alive(&session).await && !world.alive(&next).await);
    // A session of its own takes its place still: its person has proven something for that.
    let other = world.session();
    assert_eq!(world.redis.settle(late, renews(&other)).await.unwrap(), Committed::Won);
    assert!(world.alive(&other).await);
}

/// Sent twice by way of two connections, a hold may come the second time when its ticket is through. Nobody would let
/// go what it holds.
pub(crate) async fn a_hold_that_comes_late_holds_nothing(world: World) {
    let (session, flow) = (world.signed_in().await, world.flow());
    world.won(vec![Write::AddFlow(flow.clone())]).await;
    let (account, route) = (world.account.id, world.account.route);
    let both = || {
        vec![
            Hold::Session { account, route, id: session.id },
            Hold::Flow { key: flow.key, expect: Some(flow.version) },
        ]
    };
    // It was let go, or was to be before it had come.
    for comes in [true, false] {
        let (ticket, other) = (Ticket::random().unwrap(), Ticket::random().unwrap());
        if comes {
            assert!(matches!(world.redis.hold(ticket, both()).await.unwrap(), Held::All(_)));
        }
        world.redis.release(ticket, both()).await.unwrap();
        let _ = world.redis.hold(ticket, both()).await.unwrap();
        assert!(world.alive(&session).await, "comes: {comes}");
        assert!(world.life(&world.flow_key(&flow)).await > 60_000, "comes: {comes}");
        assert!(matches!(world.redis.hold(other, both()).await.unwrap(), Held::All(_)), "comes: {comes}");
        world.redis.release(other, both()).await.unwrap();
    }
    // Or has settled.
    let (ticket, next) = (Ticket::random().unwrap(), SessionRow { id: session.id, ..world.session() });
    let one = || vec![Hold::Session { account, route, id: session.id }];
    assert_eq!(world.redis.hold(ticket, one()).await.unwrap(), Held::All(vec![vec![session.id]]));
    let changes =
        vec![Change::End { account, route, id: session.id }, Change::Add { row: next.clone(), keep: 9 }];
    assert_eq!(world.redis.settle(ticket, changes).await.unwrap(), Committed::Won);
    let _ = world.redis.hold(ticket, one()).await.unwrap();
    assert!(world.alive(&next).await);
}

pub(crate) async fn what_cannot_be_let_go_keeps_nothing_else_held(world: World) {
    let (session, flow) = (world.signed_in().await, world.flow());
    world.won(vec![Write::AddFlow(flow.clone())]).await;
    let (ticket, account, route) = (Ticket::random().unwrap(), world.account.id, world.account.route);
    let holds = vec![
        Hold::Flow { key: flow.key, expect: Some(flow.version) },
        Hold::Session { account, route, id: session.id },
    ];
    assert!(matches!(world.redis.hold(ticket, holds.clone()).await.unwrap(), Held::All(_)));
    // No hash: whatever a script wants of it fails.
    let () = world.raw(redis::cmd("SET").arg(world.flow_key(&flow)).arg("damaged")).await;
    assert!(world.redis.release(ticket, holds).await.is_err());
    assert!(world.alive(&session).await);
}

/// Told "not there" at once, a person who signs out would be told that it is done, while the session lives on.
pub(crate) async fn who_looks_waits_for_who_holds(world: World) {
    let (spent, world) = (world.once(), Arc::new(world));
    world.won(vec![spent.clone()]).await;
    for recorded in [false, true] {
        let session = world.signed_in().await;
        let batch = vec![world.end(&session), if recorded { world.event() } else { spent.clone() }];
        world.ledger.plan(0, Fault::WaitsBefore);
        let holder = tokio::spawn({
            let world = Arc::clone(&world);
            async move { world.store.commit(batch).await.unwrap() }
        });
        while !world.ledger.waits() {
            assert!(!holder.is_finished(), "it waits before the record");
            tokio::task::yield_now().await;
        }
        let looker = tokio::spawn({
            let (redis, key) = (world.redis.clone(), session.key);
            async move { redis.find_session(key).await.unwrap() }
        });
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!looker.is_finished(), "nobody knows yet");
        world.ledger.mend();
        let ended = if recorded { Committed::Won } else { Committed::Lost { at: 1 } };
        assert_eq!(holder.await.unwrap(), ended);
        assert_eq!(looker.await.unwrap().is_none(), recorded);
    }
}

/// A session that goes on under another token was made long ago. What was over before that, and what has ended since,
/// takes no place from what lives.
pub(crate) async fn what_is_over_goes_before_what_lives(world: World) {
    let ago = |minutes: u64| world.now.before(Duration::from_secs(60 * minutes));
    let lives = SessionRow { seen: ago(10), ..world.session() };
    let over = SessionRow { seen: ago(5), expires: ago(1), ..world.session() };
    let renewed = SessionRow { created: ago(60), ..world.session() };
    for (row, keep) in [(&lives, 100), (&over, 100), (&renewed, 2)] {
        world.won(vec![Write::AddSession { row: row.clone(), keep }]).await;
    }
    assert!(world.alive(&lives).await && world.alive(&renewed).await);
    assert!(world.store.find_session(over.key).await.unwrap().is_none());
}
