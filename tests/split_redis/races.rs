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
            committed
        });
    }
    (tasks.join_all().await, widest.load(Ordering::SeqCst) > 1)
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
