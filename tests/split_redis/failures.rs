//! One home fails.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use propusk::event::EventPage;
use propusk::id::Version;
use propusk::store::split::{Change, Held, Hold, Hot, Ticket};
use propusk::store::{Commit, Committed, EventStore, FlowRow, OutboxStore, SessionRow, SessionStore, Write};
use propusk::testing::Fault;

use crate::world::{REALM, World};

/// Tends the outbox at that many seconds from the beginning.
async fn tend(world: &World, seconds: u64) {
    let now = world.now.after(Duration::from_secs(seconds));
    let messages = world.store.claim(REALM, now, Duration::from_secs(1), 10).await.unwrap();
    assert!(messages.is_empty(), "jobs are no messages: {messages:?}");
}

/// Goes as far as to what the ledger does next, and dies before its answer.
async fn dies_after_the_ledger<T>(world: &World, doing: impl Future<Output = T>) {
    world.ledger.plan(0, Fault::WaitsAfter);
    let done = async {
        while !world.ledger.waits() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = doing => panic!("it lives"),
        () = done => {}
    }
    world.ledger.mend();
}

/// The ledger broke before it recorded: what was to be revoked may be gone, what was to be consumed runs out, and
/// nothing was granted.
pub(crate) async fn a_ledger_that_fails_takes_away(world: World) {
    let (session, flow, new) = (world.signed_in().await, world.flow(), world.session());
    world.won(vec![Write::AddFlow(flow.clone())]).await;
    world.ledger.plan(0, Fault::FailsBefore);
    let batch = vec![
        Write::TakeFlow { key: flow.key, expect: flow.version },
        world.end(&session),
        world.event(),
        Write::AddSession { row: new.clone(), keep: 9 },
    ];
    assert!(world.store.commit(batch).await.is_err());
    assert!(!world.alive(&session).await && !world.alive(&new).await);
    assert!((1..=60_000).contains(&world.life(&world.flow_key(&flow)).await), "a held flow runs out");
    world.ledger.mend();
    assert!(world.store.events(world.account.id, EventPage::newest(9)).await.unwrap().is_empty());
}

/// The process died between the ledger's record and the hot stores' settlement.
pub(crate) async fn a_process_that_dies_after_the_record_has_revoked(world: World) {
    let (session, other) = (world.signed_in().await, world.signed_in().await);
    world.ledger.plan(0, Fault::HangsAfter);
    let killed = world.store.commit(vec![world.raise(), world.event()]);
    assert!(tokio::time::timeout(Duration::from_millis(300), killed).await.is_err(), "it is killed there");
    world.ledger.mend();
    assert!(!world.alive(&session).await && !world.alive(&other).await, "held, and never let go");
    // A sign-in that had passed the ledger before comes late: the hot stores have not yet heard of the new epoch.
    let late = Change::Add { row: SessionRow { ..world.session() }, keep: 9 };
    let one = |change: &Change| vec![change.clone()];
    assert_eq!(world.redis.settle(Ticket::random().unwrap(), one(&late)).await.unwrap(), Committed::Won);
    tend(&world, 0).await;
    assert_eq!(
        world.redis.settle(Ticket::random().unwrap(), one(&late)).await.unwrap(),
        Committed::Lost { at: 0 },
        "the job has told the new epoch"
    );
    let Change::Add { row, .. } = late else { unreachable!() };
    assert!(!world.alive(&row).await, "and has ended what came before it");
}

/// An orderly loss leaves everything as it was: rows, and how long they live.
pub(crate) async fn a_lost_batch_is_let_go(world: World) {
    let (session, flow, spent) = (world.signed_in().await, world.flow(), world.once());
    world.won(vec![Write::AddFlow(flow.clone()), spent.clone()]).await;
    let before = world.life(&world.flow_key(&flow)).await;
    let take = Write::TakeFlow { key: flow.key, expect: flow.version };
    let next = FlowRow { version: Version(2), ..flow.clone() };
    let new = world.flow();
    for writes in [
        vec![take.clone()],
        vec![Write::SwapFlow { row: next, expect: flow.version }],
        vec![Write::AddFlow(new.clone())],
        vec![world.end(&session)],
        vec![world.end_others(&world.session())],
        vec![world.raise()],
        vec![take, world.end(&session), world.raise(), Write::AddFlow(new.clone())],
    ] {
        let at = writes.len();
        let batch = [writes, vec![spent.clone()]].concat();
        assert_eq!(world.commit(batch).await, Committed::Lost { at });
        assert!(world.alive(&session).await && world.there(&flow).await && !world.there(&new).await);
        let after = world.life(&world.flow_key(&flow)).await;
        assert!((before - 60_000..=before + 60_000).contains(&after), "{before} ms before, {after} ms after");
    }
    tend(&world, 0).await;
    assert!(world.alive(&session).await, "no job was left");
    world.won(vec![Write::TakeFlow { key: flow.key, expect: flow.version }, world.end(&session)]).await;
}

/// A replica is promoted that had not heard of a revocation: it is told again.
pub(crate) async fn a_store_that_forgets_revokes_again(world: World) {
    let (ended, raised) = (world.signed_in().await, world.signed_in().await);
    let key = world.sessions_key();
    let old = world.remember(&key).await;
    world.won(vec![world.end(&ended), world.event()]).await;
    world.won(vec![world.end_others(&raised)]).await;
    assert!(!world.alive(&ended).await && world.alive(&raised).await);
    world.promote(&key, &old).await;
    assert!(world.alive(&ended).await, "forgotten");
    tend(&world, 1).await;
    assert!(!world.alive(&ended).await && world.alive(&raised).await);
    world.promote(&key, &old).await;
    let since = world.signed_in().await;
    tend(&world, 10).await;
    assert!(world.alive(&ended).await, "not before its time");
    tend(&world, 11).await;
    assert!(!world.alive(&ended).await);
    assert!(world.alive(&since).await, "who signed in since is not meant");
    // One whose link had been broken for minutes.
    let since_then = world.remember(&key).await;
    world.promote(&key, &old).await;
    tend(&world, 610).await;
    assert!(world.alive(&ended).await, "not before its time");
    tend(&world, 611).await;
    assert!(!world.alive(&ended).await && world.alive(&raised).await);
    world.promote(&key, &since_then).await;

    world.won(vec![world.raise(), world.event()]).await;
    assert!(!world.alive(&raised).await && !world.alive(&since).await);
    world.promote(&key, &old).await;
    assert!(world.alive(&raised).await, "forgotten");
    for seconds in [700, 710, 1310] {
        tend(&world, seconds).await;
        assert!(!world.alive(&raised).await && !world.alive(&ended).await);
        world.promote(&key, &old).await;
    }
    tend(&world, 5000).await;
    assert!(world.alive(&raised).await, "the job is done");
}

/// A first try that fails, or dies with its process, takes no repetition away: both are what a fail-over brings along.
pub(crate) async fn a_try_that_failed_is_no_repetition(world: World) {
    let key = world.sessions_key();
    for (begins, dies) in [(0, false), (2000, true)] {
        let ended = world.signed_in().await;
        let old = world.remember(&key).await;
        world.won(vec![world.end(&ended), world.event()]).await;
        if dies {
            dies_after_the_ledger(&world, tend(&world, begins)).await;
        } else {
            // No hash: whatever a script wants of it fails.
            let () = world.raw(redis::cmd("SET").arg(&key).arg("damaged")).await;
            tend(&world, begins).await;
        }
        for seconds in [15, 25, 625] {
            world.promote(&key, &old).await;
            tend(&world, begins + seconds - 1).await;
            assert!(world.alive(&ended).await, "not before its time: {seconds}, dies: {dies}");
            tend(&world, begins + seconds).await;
            assert!(!world.alive(&ended).await, "{seconds}, dies: {dies}");
        }
        world.promote(&key, &old).await;
        tend(&world, begins + 1900).await;
        assert!(world.alive(&ended).await, "the job is done");
    }
}

/// The job is in the ledger a moment before the batch that wrote it has settled. Another node that does it in between takes
/// from that batch nothing that it has yet to end: who changed a password has the session for it.
pub(crate) async fn a_job_that_is_done_early_leaves_the_batch_to_settle(world: World) {
    let world = Arc::new(world);
    let node = world.another_node().await;
    for raises in [false, true] {
        let (old, other) = (world.signed_in().await, world.signed_in().await);
        let mut new = world.session();
        let mut batch = vec![world.end(&old), world.event()];
        if raises {
            new.epoch = new.epoch.next();
            new.id = old.id;
            batch.push(world.raise());
        }
        batch.push(Write::AddSession { row: new.clone(), keep: 100 });
        world.ledger.plan(0, Fault::WaitsAfter);
        let settling = tokio::spawn({
            let world = Arc::clone(&world);
            async move { world.store.commit(batch).await.unwrap() }
        });
        while !world.ledger.waits() {
            assert!(!settling.is_finished(), "it waits after the record");
            tokio::task::yield_now().await;
        }
        let none = node.claim(REALM, world.now, Duration::from_secs(1), 10).await.unwrap();
        assert!(none.is_empty() && !world.alive(&old).await, "hidden, by its holder or by the job");
        assert_eq!(world.alive(&other).await, !raises);
        world.ledger.mend();
        assert_eq!(settling.await.unwrap(), Committed::Won, "raises: {raises}");
        let found = world.store.find_session(new.key).await.unwrap().unwrap();
        assert_eq!((found.epoch, found.row.id), (new.epoch, new.id));
        assert!(world.store.find_session(old.key).await.unwrap().is_none());
    }
}

/// And who holds it for something else, and lost, does not bring it back.
pub(crate) async fn what_a_job_has_revoked_nobody_brings_back(world: World) {
    let session = world.signed_in().await;
    let (account, route) = (session.account, world.account.route);
    world.ledger.plan(0, Fault::HangsAfter);
    let killed = world.store.commit(vec![world.end(&session), world.event()]);
    assert!(tokio::time::timeout(Duration::from_millis(300), killed).await.is_err(), "it is killed there");
    world.ledger.mend();
    let (ticket, all) = (Ticket::random().unwrap(), Hold::Sessions { account, route, except: None });
    assert!(
        matches!(world.redis.hold(ticket, vec![all.clone()]).await.unwrap(), Held::All(_)),
        "takes it over"
    );
    tend(&world, 0).await;
    world.redis.release(ticket, vec![all]).await.unwrap();
    assert!(!world.alive(&session).await);
    // Nor does it stay held for ever: whoever asks for it is told that it is gone, not to wait.
    tend(&world, 11).await;
    let one = Hold::Session { account, route, id: session.id };
    assert_eq!(world.redis.hold(Ticket::random().unwrap(), vec![one]).await.unwrap(), Held::Lost { at: 0 });
}

/// Nor does who wants to hold it after the job: there is nothing left to hold.
pub(crate) async fn what_a_job_has_revoked_nobody_takes_over(world: World) {
    let (session, spent) = (world.signed_in().await, world.once());
    let (account, route) = (session.account, world.account.route);
    world.won(vec![spent.clone()]).await;
    dies_after_the_ledger(&world, world.store.commit(vec![world.end(&session), world.event()])).await;
    tend(&world, 0).await;
    for _ in 0..2 {
        assert_eq!(world.commit(vec![world.raise(), spent.clone()]).await, Committed::Lost { at: 1 });
        assert!(!world.alive(&session).await, "brought back");
    }
    let one = Hold::Session { account, route, id: session.id };
    assert_eq!(world.redis.hold(Ticket::random().unwrap(), vec![one]).await.unwrap(), Held::Lost { at: 0 });
    // Whoever has recorded its end and is late to settle finds it still.
    let end = vec![Change::End { account, route, id: session.id }];
    assert_eq!(world.redis.settle(Ticket::random().unwrap(), end).await.unwrap(), Committed::Won);
}

/// A replica is promoted that had not heard of a flow's end: the once-row is the last word.
pub(crate) async fn a_store_that_forgets_accepts_once(world: World) {
    let (flow, once) = (world.flow(), world.once());
    world.won(vec![Write::AddFlow(flow.clone())]).await;
    let old = world.remember(&world.flow_key(&flow)).await;
    let accept = |row: SessionRow| {
        vec![
            Write::TakeFlow { key: flow.key, expect: flow.version },
            once.clone(),
            Write::AddSession { row, keep: 9 },
        ]
    };
    world.won(accept(world.session())).await;
    world.promote(&world.flow_key(&flow), &old).await;
    assert!(world.there(&flow).await, "forgotten");
    let second = world.session();
    assert_eq!(world.commit(accept(second.clone())).await, Committed::Lost { at: 1 });
    assert!(!world.alive(&second).await);
}

/// A driver that lost its connection sends again: the answer is the same, and nothing happens twice.
pub(crate) async fn a_command_sent_twice_is_one(world: World) {
    let (session, flow, new) = (world.signed_in().await, world.flow(), world.session());
    world.won(vec![Write::AddFlow(flow.clone())]).await;
    let (account, route) = (world.account.id, world.account.route);
    let ticket = Ticket::random().unwrap();
    let holds = vec![
        Hold::Session { account, route, id: session.id },
        Hold::Flow { key: flow.key, expect: Some(flow.version) },
    ];
    let caught = Held::All(vec![vec![session.id], vec![]]);
    for _ in 0..2 {
        assert_eq!(world.redis.hold(ticket, holds.clone()).await.unwrap(), caught);
    }
    let next = FlowRow { version: Version(2), ..flow.clone() };
    let changes = vec![
        Change::End { account, route, id: session.id },
        Change::Add { row: new.clone(), keep: 9 },
        Change::Flow { key: flow.key, expect: Some(flow.version), row: Some(next.clone()) },
    ];
    for _ in 0..3 {
        assert_eq!(world.redis.settle(ticket, changes.clone()).await.unwrap(), Committed::Won);
    }
    // Too late to let go.
    world.redis.release(ticket, holds).await.unwrap();
    assert!(world.alive(&new).await && !world.alive(&session).await && world.there(&next).await);
    let take = |version| vec![Change::Flow { key: flow.key, expect: Some(version), row: None }];
    let (first, second) = (Ticket::random().unwrap(), Ticket::random().unwrap());
    for _ in 0..2 {
        assert_eq!(world.redis.settle(first, take(Version(2))).await.unwrap(), Committed::Won);
    }
    assert_eq!(world.redis.settle(second, take(Version(2))).await.unwrap(), Committed::Lost { at: 0 });
}

/// More than a function of Lua 5.1 can give back as so many results.
pub(crate) async fn thousands_of_sessions_end_at_once(world: World) {
    let (session, key) = (world.signed_in().await, world.sessions_key());
    let fields: HashMap<Vec<u8>, Vec<u8>> = world.raw(redis::cmd("HGETALL").arg(&key)).await;
    let (_, row) = fields.into_iter().find(|(field, _)| field.starts_with(b"s")).unwrap();
    let numbers: Vec<u128> = (0..9000).collect();
    for some in numbers.chunks(1000) {
        let mut add = redis::cmd("HSET");
        add.arg(&key);
        for id in some.iter().map(|number| number.to_be_bytes()) {
            let (field, mut row) = ([b"s".as_slice(), &id, &[0_u8; 8]].concat(), row.clone());
            row[60..76].copy_from_slice(&id);
            add.arg(field).arg(row);
        }
        let added: usize = world.raw(&add).await;
        assert_eq!(added, 1000);
    }
    world.won(vec![world.end_others(&session)]).await;
    assert!(world.alive(&session).await);
    let left = world.store.sessions_of(session.account, world.account.route).await.unwrap();
    assert_eq!(left, [session]);
}

/// The server drops rows by itself, and never before their end.
pub(crate) async fn rows_are_dropped_after_their_end(world: World) {
    let (session, flow) = (world.signed_in().await, world.flow());
    world.won(vec![Write::AddFlow(flow.clone())]).await;
    let (minute, day) = (60_000, 86_400_000);
    let lives = world.life(&world.flow_key(&flow)).await;
    assert!((9 * minute..=21 * minute).contains(&lives), "{lives} ms for a flow of ten minutes");
    let lives = world.life(&world.sessions_key()).await;
    assert!((day - minute..=day + 11 * minute).contains(&lives), "{lives} ms for a session of a day");
    world.won(vec![Write::TakeFlow { key: flow.key, expect: flow.version }]).await;
    let lives = world.life(&world.flow_key(&flow)).await;
    assert!(lives <= minute && lives != -1, "{lives} ms for a flow that was taken");
    // Short sessions do not shorten the life of long ones.
    let short = SessionRow { expires: world.now.after(Duration::from_secs(60)), ..world.session() };
    world.won(vec![Write::AddSession { row: short, keep: 9 }]).await;
    assert!(world.life(&world.sessions_key()).await > day - minute);
    world.won(vec![world.end(&session)]).await;
    assert!(world.life(&world.sessions_key()).await > 0);
}
