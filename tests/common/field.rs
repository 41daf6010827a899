//! Races through the public API: all start at a barrier on a runtime of several threads, all have read before any
//! of them writes, on one node over memory and on two nodes over one SQLite file.
#![allow(dead_code, reason = "each test uses a part")]

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use propusk::auth::Builder;
use propusk::store::sqlite::{SqliteSettings, SqliteStore};
use propusk::store::{Store, Throttle};
use propusk::testing::GatedStore;
use propusk::{Auth, Client, MemoryStore, Profile, Step, Visit};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::portal::{Hands, Outbox, portal};
use crate::wide::Nap;

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("propusk-races-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn store(&self) -> SqliteStore {
        // A disk that is busy with something else may hold one node's COMMIT for seconds; that is no race.
        let patient = SqliteSettings::default().busy_timeout(Duration::from_secs(60));
        SqliteStore::open_with(self.0.join("auth.db"), patient).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Over {
    OneOnMemory,
    TwoOnSqlite,
}

/// The profile and the factors of a race.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) profile: Profile,
    /// Adds the factors; without limits when told so.
    pub(crate) factors: fn(Builder, bool) -> Builder,
}

/// A store, and the nodes of one round over it, each with a gate behind its reads.
pub(crate) struct Field {
    over: Over,
    wide: bool,
    rules: Rules,
    memory: MemoryStore,
    folder: Folder,
    pub(crate) nodes: Vec<Auth>,
    open: Vec<Box<dyn Fn() + Send + Sync>>,
    held: Vec<Box<dyn Fn() -> usize + Send + Sync>>,
    waiting: Vec<Box<dyn Fn() -> usize + Send + Sync>>,
    /// Without a gate, for what comes before and after.
    pub(crate) calm: Auth,
    pub(crate) outbox: Outbox,
    pub(crate) hands: Hands,
}

impl Field {
    pub(crate) fn new(over: Over, wide: bool, rules: Rules) -> Self {
        let (hands, outbox, folder) = (Hands::default(), Outbox::default(), Folder::new());
        let memory = MemoryStore::default();
        let calm = match over {
            Over::OneOnMemory => node(&memory, wide, &rules, &hands, &outbox),
            Over::TwoOnSqlite => node(&folder.store(), wide, &rules, &hands, &outbox),
        };
        let (nodes, open, held, waiting) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { over, wide, rules, memory, folder, nodes, open, held, waiting, calm, outbox, hands }
    }

    /// Starts the nodes anew: `tasks` in all are held behind `method` until each has its answer.
    pub(crate) fn gate(&mut self, method: &'static str, tasks: usize) {
        self.nodes.clear();
        self.open.clear();
        self.held.clear();
        self.waiting.clear();
        match self.over {
            Over::OneOnMemory => self.add(&GatedStore::new(self.memory.clone(), method, tasks)),
            Over::TwoOnSqlite => {
                for _ in 0..2 {
                    self.add(&GatedStore::new(self.folder.store(), method, tasks / 2));
                }
            }
        }
    }

    fn add<S: Store + Throttle + Clone>(&mut self, gate: &GatedStore<S>) {
        self.nodes.push(node(gate, self.wide, &self.rules, &self.hands, &self.outbox));
        let (open, held, waiting) = (gate.clone(), gate.clone(), gate.clone());
        self.waiting.push(Box::new(move || waiting.waiting()));
        self.open.push(Box::new(move || open.open()));
        self.held.push(Box::new(move || held.held()));
    }

    pub(crate) fn visit(&self, nth: usize) -> Visit {
        self.nodes[nth % self.nodes.len()].visit(Client::unknown())
    }

    /// Starts all steps at once; after `meetings` at the gate it stays open. How each ended, and whether they were
    /// all under way at once.
    pub(crate) async fn race<F, T>(
        &self,
        tasks: usize,
        meetings: usize,
        step: impl Fn(usize, Visit) -> F,
    ) -> (Vec<T>, bool)
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let barrier = Arc::new(Barrier::new(tasks));
        let mut all = JoinSet::new();
        for nth in 0..tasks {
            let (barrier, step) = (barrier.clone(), step(nth, self.visit(nth)));
            all.spawn(async move {
                let _ = barrier.wait().await;
                step.await
            });
        }
        let have_met = || self.held.iter().all(|held| held() >= meetings);
        let (mut opened, mut met) = (false, false);
        let mut steps = Vec::new();
        while steps.len() < tasks {
            if !opened {
                met = have_met();
                // On a busy machine one node may be through before the other has begun: those who wait there wait for
                // steps that are over. No meeting, then.
                let waiting: usize = self.waiting.iter().map(|waiting| waiting()).sum();
                if met || steps.len() + waiting >= tasks {
                    opened = true;
                    self.open.iter().for_each(|open| open());
                }
            }
            while let Some(step) = all.try_join_next() {
                steps.push(step.unwrap());
            }
            tokio::task::yield_now().await;
        }
        // All may have met and gone on since it was last looked: a busy machine has others to serve.
        (steps, met || (!opened && have_met()))
    }
}

pub(crate) fn node<S: Store + Throttle + Clone>(
    store: &S,
    wide: bool,
    rules: &Rules,
    hands: &Hands,
    outbox: &Outbox,
) -> Auth {
    let builder = portal(store, rules.profile.clone()).clock(hands.clone()).sender(outbox.clone()).sleep(Nap);
    (rules.factors)(builder, wide).build().unwrap()
}

pub(crate) fn codes(steps: &[Step]) -> BTreeMap<&'static str, usize> {
    let mut codes = BTreeMap::new();
    for step in steps {
        let code = match step {
            Step::Done(_) => "done",
            Step::Refused(why) => why.code.as_str(),
            Step::Pending(_) => "pending",
        };
        *codes.entry(code).or_default() += 1;
    }
    codes
}

pub(crate) fn rounds() -> usize {
    std::env::var("PROPUSK_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(10)
}

pub(crate) fn tally(name: &str, over: Over, overlapped: usize, rounds: usize) {
    println!("counted: {name} {over:?}, overlapped rounds of {rounds}, seed -, count {overlapped}");
    assert!(overlapped * 2 >= rounds, "{name}: a race in which nobody met proves nothing");
}

pub(crate) const BOTH: [Over; 2] = [Over::OneOnMemory, Over::TwoOnSqlite];
