//! The rounds of one cell, and what came of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::USES;
use super::door::End;
use super::entries::Ends;
use super::nodes::Nodes;

pub struct Course {
    what: String,
    over: String,
    rounds: usize,
    run: usize,
    overlapped: usize,
    accepted: usize,
    ends: BTreeMap<String, usize>,
    began: Instant,
    raced: Duration,
}

impl Course {
    pub fn new(what: String, over: &str, rounds: usize) -> Self {
        let (began, raced) = (Instant::now(), Duration::ZERO);
        let (run, overlapped, accepted) = (0, 0, 0);
        Self {
            what,
            over: over.to_owned(),
            rounds,
            run,
            overlapped,
            accepted,
            ends: BTreeMap::new(),
            began,
            raced,
        }
    }

    /// Whether there is another round.
    pub fn another(&mut self) -> bool {
        self.run += 1;
        self.run <= self.rounds
    }

    /// All uses at once.
    pub async fn race<F>(&mut self, nodes: &Arc<Nodes>, by: impl Ends, each: impl Fn(usize) -> F) -> Vec<End>
    where
        F: Future<Output = End> + Send + 'static,
    {
        nodes.outbox.clear();
        let began = Instant::now();
        nodes.meeting.arm(USES);
        let barrier = Arc::new(Barrier::new(USES));
        let mut all = JoinSet::new();
        for nth in 0..USES {
            let (barrier, each) = (Arc::clone(&barrier), each(nth));
            all.spawn(async move {
                let _ = barrier.wait().await;
                each.await
            });
        }
        let ends = all.join_all().await;
        let met = nodes.meeting.disarm();
        self.raced += began.elapsed();
        self.overlapped += usize::from(met);
        let accepted = |end: &End| by.accepted(end);
        let good = ends.iter().filter(|end| accepted(end)).count();
        let mut codes = BTreeMap::<String, usize>::new();
        for end in &ends {
            *codes.entry(if accepted(end) { "accepted".to_owned() } else { end.code() }).or_default() += 1;
        }
        let Self { what, over, .. } = &*self;
        assert_eq!(good, 1, "{what} over {over}: {codes:?}");
        // Nobody is told that the server has too much to do, and no double click is taken for a guess (ATTACKS 96).
        let fine = |code: &str| code == "accepted" || by.late().contains(&code);
        assert!(codes.keys().all(|code| fine(code)), "{what} over {over}: {codes:?}");
        self.accepted += good;
        for (end, count) in codes {
            *self.ends.entry(end).or_default() += count;
        }
        ends
    }

    pub fn end(self) {
        let Self { what, over, rounds, overlapped, accepted, ends, began, raced, .. } = self;
        let (all, raced) = (began.elapsed().as_secs_f64(), raced.as_secs_f64());
        println!("{what} over {over}: {all:.1} s, {raced:.1} of them the uses; ends {ends:?}");
        println!(
            "counted: {what}, {USES} uses at once by two nodes over {over}, half of them over HTTP, accepted once in \
             {rounds} rounds, overlapped, seed -, count {overlapped}"
        );
        assert_eq!(accepted, rounds);
        assert!(
            overlapped * 10 >= rounds * 9,
            "{what}: {overlapped} of {rounds} rounds overlapped, which proves little"
        );
    }
}
