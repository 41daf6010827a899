use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;

use rusqlite::Connection;

use super::failure::{Failure, THREAD_DIED};
use crate::oneshot::{self, Receiver, Sender};

/// Jobs that wait for one kind of thread.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    ready: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Box<dyn Job>>,
    closed: bool,
}

/// What a job says about the changes that it made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Changes {
    Keep,
    Undo,
}

/// What the writer has done so far.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) jobs: AtomicU64,
    pub(super) commits: AtomicU64,
}

/// Called by the writer before each COMMIT; false makes that COMMIT fail.
pub(super) type Hook = Arc<dyn Fn() -> bool + Send + Sync>;

impl Queue {
    /// Runs `work` in a thread of this queue. It is queued by the first poll, and from then on runs to its end,
    /// whether or not the future is still there to hear of it.
    pub(super) async fn run<T, W>(&self, work: W) -> Result<T, Failure>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<(T, Changes), Failure> + Send + 'static,
    {
        let (reply, answer): (_, Receiver<Result<T, Failure>>) = oneshot::slot();
        self.push(Box::new(Task { work: Some(work), result: None, reply })).map_err(Failure::untouched)?;
        answer.await.unwrap_or(Err(THREAD_DIED))
    }

    /// No more jobs: the threads finish what is queued and end.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.ready.notify_all();
    }

    fn push(&self, job: Box<dyn Job>) -> Result<(), Failure> {
        let mut state = self.lock();
        if state.closed {
            return Err(THREAD_DIED);
        }
        // A job holds its rows in memory: a flood is refused, not stored.
        if state.jobs.len() >= BACKLOG {
            return Err(Failure::Unavailable("too many jobs wait for it"));
        }
        state.jobs.push_back(job);
        drop(state);
        self.ready.notify_one();
        Ok(())
    }

    /// Waits for jobs and moves up to `most` of them to `taken`; false when there will be no more.
    fn take(&self, most: usize, taken: &mut Vec<Box<dyn Job>>) -> bool {
        let mut state = self.lock();
        while state.jobs.is_empty() {
            if state.closed {
                return false;
            }
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let count = state.jobs.len().min(most);
        taken.extend(state.jobs.drain(..count));
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("waiting", &self.lock().jobs.len()).finish_non_exhaustive()
    }
}

/// Starts the one thread that writes.
pub(super) fn start_writer(
    db: Connection,
    queue: Arc<Queue>,
    counters: Arc<Counters>,
    hook: Option<Hook>,
) -> Result<(), Failure> {
    let body = move || {
        let _closing = CloseOnExit(queue.clone());
        let mut group = Vec::new();
        while queue.take(GROUP, &mut group) {
            // A panic must not end the thread that all writes depend on: its group is rolled back, and the
            // replies, dropped unsent, say so.
            let _ = catch_unwind(AssertUnwindSafe(|| {
                let outcome = run_group(&db, &mut group, hook.as_ref());
                if outcome.is_ok() {
                    counters.commits.fetch_add(1, Ordering::Relaxed);
                    counters.jobs.fetch_add(u64::try_from(group.len()).unwrap_or(0), Ordering::Relaxed);
                }
                // Only here, after COMMIT: a reply that left earlier could promise what a crash takes back.
                for job in group.drain(..) {
                    job.answer(outcome.as_ref().err());
                }
            }));
            group.clear();
            roll_back(&db);
        }
    };
    spawn("propusk-sqlite-write", body)
}

/// Starts one thread that reads.
pub(super) fn start_reader(db: Connection, queue: Arc<Queue>) -> Result<(), Failure> {
    let body = move || {
        let mut jobs = Vec::with_capacity(1);
        while queue.take(1, &mut jobs) {
            for mut job in jobs.drain(..).filter(|job| !job.is_abandoned()) {
                let _ = catch_unwind(AssertUnwindSafe(|| {
                    // How it ended stands in the job's reply.
                    let _ = job.run(&db);
                    job.answer(None);
                }));
            }
            roll_back(&db);
        }
    };
    spawn("propusk-sqlite-read", body)
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let spawned = Builder::new().name(name.to_owned()).spawn(body);
    spawned.map(drop).map_err(|_| Failure::Unavailable("the system gives no thread"))
}

/// All jobs in one transaction and one COMMIT (one sync of the disk), each in a savepoint of its own.
fn run_group(db: &Connection, group: &mut [Box<dyn Job>], hook: Option<&Hook>) -> Result<(), Failure> {
    run_jobs(db, group).map_err(Failure::untouched)?;
    if hook.is_some_and(|go_on| !go_on()) {
        return Err(Failure::Unavailable("the commit was made to fail"));
    }
    execute(db, "COMMIT").map_err(|failure| match failure {
        // The page that goes into the log last carries the commit, and a disk that is full has not taken all of them.
        // Whatever else fails here may have failed when they were there.
        Failure::Full => failure.untouched(),
        failure => failure,
    })
}

/// What goes wrong here is undone: nothing stands before COMMIT.
fn run_jobs(db: &Connection, group: &mut [Box<dyn Job>]) -> Result<(), Failure> {
    execute(db, "BEGIN IMMEDIATE")?;
    for job in group.iter_mut() {
        execute(db, "SAVEPOINT job")?;
        let ran = job.run(db);
        if db.is_autocommit() {
            // SQLite gave up the whole transaction (a full disk, an I/O error): nothing of the group stands.
            return Err(ran.err().unwrap_or(Failure::Unavailable("the transaction was given up")));
        }
        if !matches!(ran, Ok(Changes::Keep)) {
            execute(db, "ROLLBACK TO job")?;
            job.undone();
        }
        execute(db, "RELEASE job")?;
    }
    Ok(())
}

fn execute(db: &Connection, sql: &str) -> Result<(), Failure> {
    db.prepare_cached(sql)?.raw_execute()?;
    Ok(())
}

fn roll_back(db: &Connection) {
    if !db.is_autocommit() {
        // If this fails too, the next BEGIN does, and its group is told.
        let _ = db.execute_batch("ROLLBACK");
    }
}

trait Job: Send {
    fn run(&mut self, db: &Connection) -> Result<Changes, Failure>;
    /// If it failed, nothing of it stands.
    fn undone(&mut self);
    /// `failure`: that of the whole group.
    fn answer(self: Box<Self>, failure: Option<&Failure>);
    fn is_abandoned(&self) -> bool;
}

struct Task<T, W> {
    work: Option<W>,
    result: Option<Result<T, Failure>>,
    reply: Sender<Result<T, Failure>>,
}

impl<T, W> Job for Task<T, W>
where
    T: Send,
    W: FnOnce(&Connection) -> Result<(T, Changes), Failure> + Send,
{
    fn run(&mut self, db: &Connection) -> Result<Changes, Failure> {
        let Some(work) = self.work.take() else { return Ok(Changes::Undo) };
        match work(db) {
            Ok((value, changes)) => {
                self.result = Some(Ok(value));
                Ok(changes)
            }
            Err(failure) => {
                self.result = Some(Err(failure.clone()));
                Err(failure)
            }
        }
    }

    fn undone(&mut self) {
        self.result = self.result.take().map(|result| result.map_err(Failure::untouched));
    }

    fn answer(self: Box<Self>, failure: Option<&Failure>) {
        let result = match failure {
            Some(failure) => Err(failure.clone()),
            None => self.result.unwrap_or(Err(THREAD_DIED)),
        };
        self.reply.send(result);
    }

    fn is_abandoned(&self) -> bool {
        self.reply.is_abandoned()
    }
}

/// However a thread ends, nobody waits for it in vain.
struct CloseOnExit(Arc<Queue>);

impl Drop for CloseOnExit {
    fn drop(&mut self) {
        self.0.close();
        let orphans = std::mem::take(&mut self.0.lock().jobs);
        // Outside the lock: dropping a reply wakes foreign code.
        drop(orphans);
    }
}

/// Jobs in one COMMIT: bounds how long the first of them waits for the last.
const GROUP: usize = 512;

/// Jobs that may wait.
const BACKLOG: usize = 16_384;
