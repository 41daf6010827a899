//! Batches with a part in each home, through two nodes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use propusk::event::EventPage;
use propusk::store::{Commit, Committed, EventStore, Write};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::world::World;

const TASKS: usize = 50;
const ROUNDS: usize = 20;

/// All at once, half through each node; how each ended, and whether any two were under way together.
async fn at_once(world: &World, batches: Vec<Vec<Write>>) -> (Vec<Committed>, bool) {
    let nodes = [world.store.clone(), world.another_node().await];
    let (gate, inside, widest) =
        (Arc::new(Barrier::new(batches.len())), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut tasks = JoinSet::new();
    for (nth, batch) in batches.into_iter().enumerate() {
        let (node, gate) = (nodes[nth % 2].clone(), gate.clone());
        let (inside, widest) = (inside.clone(), widest.clone());
        tasks.spawn(async move {
            gate.wait().await;
            widest.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let committed = node.commit(batch).await.unwrap();
            inside.fetch_sub(1, Ordering::SeqCst);
            (nth, committed)
        });
    }
    let mut ends = tasks.join_all().await;
    ends.sort_unstable_by_key(|(nth, _)| *nth);
    (ends.into_iter().map(|(_, end)| end).collect(), widest.load(Ordering::SeqCst) > 1)
}

async fn lines(world: &World) -> usize {
    world.store.events(world.account.id, EventPage::newest(1000)).await.unwrap().len()
}

/// The ledger records one, and the hot stores consume one: the same.
pub(crate) async fn fifty_consume_one_flow(world: World) {
    let mut overlapped = 0;
    for round in 1..=ROUNDS {
        let flow = world.flow();
        world.won(vec![Write::AddFlow(flow.clone())]).await;
        let take = || vec![Write::TakeFlow { key: flow.key, expect: flow.version }, world.event()];
        let (ends, wide) = at_once(&world, (0..TASKS).map(|_| take()).collect()).await;
        assert_eq!(ends.iter().filter(|end| **end == Committed::Won).count(), 1);
        assert!(ends.iter().all(|end| matches!(end, Committed::Won | Committed::Lost { at: 0 })), "{ends:?}");
        assert_eq!(lines(&world).await, round, "one line in the history");
        assert!(!world.there(&flow).await);
        overlapped += usize::from(wide);
    }
    println!(
        "counted: one flow taken by {TASKS} over two homes and two nodes, seed -, count {ROUNDS} rounds, {overlapped} overlapped"
    );
    assert!(overlapped * 2 >= ROUNDS);
}

/// Who holds the flow and is lost in the ledger lets it go to the next: somebody wins.
pub(crate) async fn some_of_fifty_are_lost_in_the_ledger(world: World) {
    let spent = world.once();
    world.won(vec![spent.clone()]).await;
    let mut overlapped = 0;
    for round in 1..=ROUNDS {
        let flow = world.flow();
        world.won(vec![Write::AddFlow(flow.clone())]).await;
        let batch = |nth: usize| {
            let take = Write::TakeFlow { key: flow.key, expect: flow.version };
            if nth < TASKS - 5 { vec![take, spent.clone()] } else { vec![take, world.event()] }
        };
        let (ends, wide) = at_once(&world, (0..TASKS).map(batch).collect()).await;
        assert_eq!(ends.iter().filter(|end| **end == Committed::Won).count(), 1, "{ends:?}");
        assert_eq!(lines(&world).await, round);
        assert!(!world.there(&flow).await);
        overlapped += usize::from(wide);
    }
    assert!(overlapped * 2 >= ROUNDS);
}

/// One of them ends it; the others are told that there is none.
pub(crate) async fn fifty_end_one_session(world: World) {
    let mut overlapped = 0;
    for _ in 0..ROUNDS {
        let session = world.signed_in().await;
        let (ends, wide) =
            at_once(&world, (0..TASKS).map(|_| vec![world.end(&session), world.event()]).collect()).await;
        assert_eq!(ends.iter().filter(|end| **end == Committed::Won).count(), 1);
        assert!(!world.alive(&session).await);
        overlapped += usize::from(wide);
    }
    assert!(overlapped * 2 >= ROUNDS);
}

/// As fifty step-ups of one session by one code: whoever the ledger lets through ends the old session and has a new one.
/// Others that want all sessions take it over meanwhile, and lose in the ledger too.
pub(crate) async fn fifty_renew_one_session(world: World) {
    let spent = world.once();
    world.won(vec![spent.clone()]).await;
    let (mut overlapped, mut lost_in_the_ledger) = (0, 0);
    for round in 1..=ROUNDS {
        let (session, code) = (world.signed_in().await, world.once());
        let new: Vec<_> = (0..TASKS).map(|_| world.session()).collect();
        let batch = |nth: usize| match nth % 5 {
            0 => vec![world.raise(), spent.clone()],
            1 => vec![world.end(&session), spent.clone()],
            _ => {
                let add = Write::AddSession { row: new[nth].clone(), keep: 100 };
                vec![world.end(&session), code.clone(), world.event(), add]
            }
        };
        let (ends, wide) = at_once(&world, (0..TASKS).map(batch).collect()).await;
        let won: Vec<usize> = (0..TASKS).filter(|nth| ends[*nth] == Committed::Won).collect();
        assert_eq!(won.len(), 1, "{ends:?}");
        assert!(!world.alive(&session).await, "the old one");
        for (nth, row) in new.iter().enumerate() {
            assert_eq!(world.alive(row).await, won.contains(&nth), "the new one of {nth}");
        }
        assert_eq!(lines(&world).await, round, "one line in the history");
        overlapped += usize::from(wide);
        lost_in_the_ledger += ends.iter().filter(|end| **end == Committed::Lost { at: 1 }).count();
        world.won(vec![world.end(&new[won[0]])]).await;
    }
    println!(
        "counted: one session renewed by {TASKS} over two homes and two nodes, seed -, count {ROUNDS} rounds, {overlapped} overlapped"
    );
    assert!(overlapped * 2 >= ROUNDS && lost_in_the_ledger > ROUNDS * 9);
}
