//! The workers, the two lanes and the memory that is kept between hashes.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use argon2::{Argon2, Block, Params};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::phc::Cost;
use super::stored::Recipe;
use super::{HashSettings, Hashed, Lane, MOST_PASSWORD_BYTES};
use crate::error::{Broken, FactorError};
use crate::observe::{self, Queued};
use crate::oneshot::{self, Sender};
use crate::secret::Secret;

/// What the handles share. The threads hold [`Shared`] only, so that dropping the last handle ends them.
pub(super) struct Pool {
    shared: Arc<Shared>,
}

/// One tag to compute, and what it is held against.
pub(super) struct Work {
    pub(super) password: Secret,
    pub(super) recipe: Recipe,
    pub(super) expected: Option<Expected>,
}

/// A stored tag, and what a password that does not give it costs on top: one job, so that neither the queue nor the
/// number of jobs tells which hash was behind a name.
pub(super) struct Expected {
    pub(super) tag: Tag,
    /// As much more as makes it cost what Argon2id at this cost does.
    pub(super) fill: Option<Cost>,
    /// This one too.
    pub(super) also: Option<Recipe>,
}

pub(super) type Tag = Zeroizing<Vec<u8>>;

impl Pool {
    pub(super) fn new(settings: HashSettings) -> Self {
        Self {
            shared: Arc::new(Shared {
                settings,
                lanes: Mutex::default(),
                wake: Condvar::new(),
                computed: AtomicU64::new(0),
                filled: AtomicU64::new(0),
                unit_nanos: AtomicU64::new(FIRST_GUESS_NANOS),
                #[cfg(test)]
                hook: None,
            }),
        }
    }

    #[cfg(test)]
    pub(super) fn with_hook(settings: HashSettings, hook: Hook) -> Self {
        let mut pool = Self::new(settings);
        if let Some(shared) = Arc::get_mut(&mut pool.shared) {
            shared.hook = Some(hook);
        }
        pool
    }

    #[cfg(test)]
    pub(super) fn take_threads(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut self.shared.lanes().threads)
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        let lanes = self.shared.lanes();
        lanes.known.len() + lanes.strangers.len()
    }

    pub(super) fn settings(&self) -> &HashSettings {
        &self.shared.settings
    }

    pub(super) fn computed(&self) -> u64 {
        self.shared.computed.load(Ordering::Relaxed)
    }

    pub(super) fn filled(&self) -> u64 {
        self.shared.filled.load(Ordering::Relaxed)
    }

    /// Queues the work and waits for its tag.
    pub(super) async fn run(&self, lane: Lane, work: Work) -> Result<Hashed<Tag>, Broken> {
        // The one place where length is checked: whatever door a password came through, no megabytes are hashed.
        if work.password.expose().len() > MOST_PASSWORD_BYTES {
            return Err(Broken::Misuse("a password over 1,024 bytes reached the hash pool"));
        }
        let (answer, result) = oneshot::slot();
        let job = Job { work, queued: Queued::now(), answer };
        if let Some(retry_after) = self.shared.offer(lane, job)? {
            observe::hash_refused();
            return Ok(Hashed::Busy { retry_after });
        }
        match result.await {
            Some(tag) => tag.map(Hashed::Done),
            // The worker panicked in this job.
            None => Err(Broken::Factor(FactorError::Unavailable(None))),
        }
    }
}

/// A seat for work that will end in a job. Dropped, it is free for others.
pub(crate) struct Seat {
    pool: Arc<Pool>,
    lane: Lane,
}

impl Seat {
    pub(super) fn take(pool: &Arc<Pool>, lane: Lane) -> Result<Self, Duration> {
        let (shared, settings) = (&pool.shared, pool.settings());
        let mut lanes = shared.lanes();
        let most = if settings.queue == 0 { 0 } else { settings.queue.saturating_add(settings.workers) };
        if *lanes.seats(lane) >= most {
            let ahead = lanes.known_seats.saturating_add(lanes.stranger_seats);
            // Who listens may be slow, and the workers need the lock.
            drop(lanes);
            observe::hash_refused();
            return Err(shared.time(settings.cost().units().saturating_mul(ahead as u64)));
        }
        *lanes.seats(lane) += 1;
        drop(lanes);
        Ok(Self { pool: Arc::clone(pool), lane })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        *self.pool.shared.lanes().seats(self.lane) -= 1;
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // Not joined: this may run on an executor's thread, and a worker may be in the middle of a hash.
        self.shared.lanes().closed = true;
        self.shared.wake.notify_all();
    }
}

struct Shared {
    settings: HashSettings,
    lanes: Mutex<Lanes>,
    wake: Condvar,
    computed: AtomicU64,
    filled: AtomicU64,
    /// Measured nanoseconds for one KiB in one pass, a moving average.
    unit_nanos: AtomicU64,
    #[cfg(test)]
    hook: Option<Hook>,
}

#[derive(Default)]
struct Lanes {
    known: VecDeque<Job>,
    strangers: VecDeque<Job>,
    /// Seats that are taken, by work on its way here as by work whose job waits or runs.
    known_seats: usize,
    stranger_seats: usize,
    /// Known jobs taken since a stranger had a turn.
    streak: u32,
    threads: Vec<JoinHandle<()>>,
    started: bool,
    closed: bool,
}

impl Lanes {
    fn seats(&mut self, lane: Lane) -> &mut usize {
        match lane {
            Lane::Known => &mut self.known_seats,
            Lane::Stranger => &mut self.stranger_seats,
        }
    }
}

struct Job {
    work: Work,
    queued: Queued,
    answer: Sender<Result<Tag, Broken>>,
}

impl Shared {
    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the job in, or says after what time to come again.
    fn offer(self: &Arc<Self>, lane: Lane, job: Job) -> Result<Option<Duration>, Broken> {
        let mut lanes = self.lanes();
        if !lanes.started {
            self.start(&mut lanes)?;
        }
        let queue = match lane {
            Lane::Known => &mut lanes.known,
            Lane::Stranger => &mut lanes.strangers,
        };
        if queue.len() >= self.settings.queue {
            // Clients that hung up must not keep others out.
            queue.retain(|job| !job.answer.is_abandoned());
        }
        if queue.len() >= self.settings.queue {
            return Ok(Some(self.estimate(&lanes)));
        }
        queue.push_back(job);
        drop(lanes);
        self.wake.notify_one();
        Ok(None)
    }

    fn start(self: &Arc<Self>, lanes: &mut Lanes) -> Result<(), Broken> {
        for number in 0..self.settings.workers {
            let shared = self.clone();
            match Builder::new()
                .name(format!("propusk-hash-{number}"))
                .spawn(move || Worker::new(shared).work())
            {
                Ok(thread) => lanes.threads.push(thread),
                // Fewer workers than asked for are slower, not broken.
                Err(_) if number > 0 => break,
                Err(error) => return Err(Broken::Factor(FactorError::Unavailable(Some(Box::new(error))))),
            }
        }
        lanes.started = true;
        Ok(())
    }

    /// The time until everything that waits and runs now is done.
    fn estimate(&self, lanes: &Lanes) -> Duration {
        let waiting: u64 = lanes.known.iter().chain(&lanes.strangers).map(|job| job.work.units()).sum();
        let running = self.settings.cost().units().saturating_mul(self.settings.workers as u64);
        self.time(waiting.saturating_add(running))
    }

    /// What the workers need for so much.
    fn time(&self, units: u64) -> Duration {
        let nanos = self.unit_nanos.load(Ordering::Relaxed).max(1);
        Duration::from_nanos(units.saturating_mul(nanos) / (self.settings.workers as u64).max(1))
    }

    /// The next job that somebody still waits for; `None` when the pool is over.
    fn next(&self, worker: &mut Worker) -> Option<Job> {
        let mut lanes = self.lanes();
        loop {
            if lanes.closed {
                return None;
            }
            while let Some(job) = lanes.take() {
                if !job.answer.is_abandoned() {
                    return Some(job);
                }
            }
            if worker.dirty {
                let (guard, waited) =
                    self.wake.wait_timeout(lanes, KEEP_DIRTY).unwrap_or_else(PoisonError::into_inner);
                lanes = guard;
                if waited.timed_out() && lanes.is_empty() && !lanes.closed {
                    drop(lanes);
                    worker.wipe();
                    lanes = self.lanes();
                }
            } else {
                lanes = self.wake.wait(lanes).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl Lanes {
    fn take(&mut self) -> Option<Job> {
        if self.strangers.is_empty() || (!self.known.is_empty() && self.streak < KNOWN_IN_A_ROW) {
            let job = self.known.pop_front()?;
            self.streak = self.streak.saturating_add(1);
            Some(job)
        } else {
            self.streak = 0;
            self.strangers.pop_front()
        }
    }

    fn is_empty(&self) -> bool {
        self.known.is_empty() && self.strangers.is_empty()
    }
}

struct Worker {
    shared: Arc<Shared>,
    blocks: Vec<Block>,
    /// The blocks hold traces of a password.
    dirty: bool,
}

impl Worker {
    fn new(shared: Arc<Shared>) -> Self {
        Self { shared, blocks: Vec::new(), dirty: false }
    }

    fn work(mut self) {
        let shared = self.shared.clone();
        while let Some(Job { work, queued, answer }) = shared.next(&mut self) {
            // A panic, in the hash or in somebody's waker, costs that job and not the worker.
            let _ = catch_unwind(AssertUnwindSafe(|| {
                let tag = queued.begin(|| self.compute(&work));
                drop(work);
                answer.send(tag);
            }));
            // One dear stored hash must not leave the worker with its memory for ever. Once a larger hash is
            // done, nobody waits for the wiping.
            if self.blocks.len() > shared.settings.memory_kib as usize {
                self.wipe();
                self.blocks = Vec::new();
            }
        }
        self.wipe();
    }

    fn compute(&mut self, work: &Work) -> Result<Tag, Broken> {
        let password = work.password.expose();
        #[cfg(test)]
        if let Some(hook) = &self.shared.hook {
            hook(password);
        }
        let begun = Instant::now();
        let tag = self.derive(&work.recipe, password)?;
        let Some(Expected { tag: expected, fill, also }) = &work.expected else { return Ok(tag) };
        if bool::from(tag.ct_eq(expected)) {
            return Ok(tag);
        }
        if let Some(missing) = fill.and_then(|cost| cost.without(self.spent(&work.recipe, begun.elapsed()))) {
            self.derive(&Recipe::argon2id(missing, vec![0; NO_SALT], expected.len()), password)?;
        }
        if let Some(also) = also {
            self.derive(also, password)?;
        }
        Ok(tag)
    }

    fn derive(&mut self, recipe: &Recipe, password: &[u8]) -> Result<Tag, Broken> {
        let tag = match recipe {
            Recipe::Argon2 { algorithm, version, cost, salt, tag_bytes } => {
                let begun = Instant::now();
                let params = Params::new(cost.memory_kib, cost.passes, cost.parallelism, None)
                    .map_err(|_| UNDEFINED)?;
                let more = params.block_count().saturating_sub(self.blocks.len());
                self.blocks
                    .try_reserve_exact(more)
                    .map_err(|error| Broken::Factor(FactorError::Unavailable(Some(Box::new(error)))))?;
                self.blocks.resize(self.blocks.len() + more, Block::new());
                self.dirty = true;
                let mut tag = Zeroizing::new(vec![0; *tag_bytes]);
                Argon2::new(*algorithm, *version, params)
                    .hash_password_into_with_memory(password, salt, &mut tag, &mut self.blocks)
                    .map_err(|_| UNDEFINED)?;
                self.shared.filled.fetch_add(cost.units(), Ordering::Relaxed);
                self.measure(begun.elapsed(), *cost);
                tag
            }
            #[cfg(feature = "legacy-hashes")]
            Recipe::Legacy(scheme) => scheme.derive(password),
        };
        self.shared.computed.fetch_add(1, Ordering::Relaxed);
        Ok(tag)
    }

    /// In units: known for Argon2, measured for the rest.
    #[cfg_attr(not(feature = "legacy-hashes"), expect(unused_variables, reason = "Argon2's is known"))]
    fn spent(&self, recipe: &Recipe, took: Duration) -> u64 {
        match recipe {
            Recipe::Argon2 { cost, .. } => cost.units(),
            #[cfg(feature = "legacy-hashes")]
            Recipe::Legacy(_) => {
                let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
                nanos / self.shared.unit_nanos.load(Ordering::Relaxed).max(1)
            }
        }
    }

    fn measure(&self, took: Duration, cost: Cost) {
        let now = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX) / cost.units().max(1);
        let before = self.shared.unit_nanos.load(Ordering::Relaxed);
        // Two workers may overwrite one another's step: an estimate survives that.
        self.shared.unit_nanos.store(before - before / 4 + now / 4, Ordering::Relaxed);
    }

    fn wipe(&mut self) {
        self.blocks.iter_mut().for_each(Zeroize::zeroize);
        self.dirty = false;
    }
}

impl Work {
    fn units(&self) -> u64 {
        let also = self.expected.as_ref().and_then(|expected| expected.also.as_ref());
        self.recipe.units().saturating_add(also.map_or(0, Recipe::units))
    }
}

#[cfg(test)]
pub(super) type Hook = Box<dyn Fn(&[u8]) + Send + Sync>;

const UNDEFINED: Broken = Broken::Misuse("parameters that Argon2 does not define");
/// As long as Argon2 asks for; nothing is kept of that tag.
const NO_SALT: usize = 8;
const KNOWN_IN_A_ROW: u32 = 3;
/// Wiping takes a millisecond or two: not between hashes, but before a core dump of an idle process shows them.
const KEEP_DIRTY: Duration = Duration::from_secs(1);
/// 19 MiB in two passes take some 14 ms.
const FIRST_GUESS_NANOS: u64 = 360;
