//! Races: tasks that start together, and the proof that they did.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError, RwLock};
use std::thread;

use crate::store::Reply;
use crate::testing::lab::Lab;

/// So many tasks in each race.
pub(super) const TASKS: usize = 50;

/// What a task of a race works with.
#[derive(Debug)]
pub(super) struct Track<'a> {
    pub(super) lab: &'a Lab,
    attempts: &'a Width,
    calls: &'a Width,
    line: &'a Line,
}

impl Track<'_> {
    /// The call that the race is about, counted in and out.
    pub(super) fn call<T>(&self, reply: Reply<'_, T>) -> T {
        self.calls.enter();
        let answer = self.lab.ask(reply);
        self.calls.leave();
        answer
    }

    /// Called after a read: goes on when every task has come here, so that all have read before any writes. A store
    /// whose calls take a microsecond would else see one task after the other.
    pub(super) fn all_here(&self) {
        self.attempts.enter();
        self.line.meet();
    }
}

/// How many are inside, and how many were at the most.
#[derive(Debug, Default)]
struct Width {
    inside: AtomicUsize,
    widest: AtomicUsize,
}

impl Width {
    fn enter(&self) {
        let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.widest.fetch_max(inside, Ordering::SeqCst);
    }

    fn leave(&self) {
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }

    /// The most since it was last asked.
    fn take(&self) -> usize {
        self.widest.swap(0, Ordering::SeqCst)
    }
}

impl Lab {
    /// Runs the rounds of a race. `set` prepares one, each of `tasks` threads does `task`, `judge` sees what all of
    /// them got. An attempt is under way from its read to the answer of its write. A race in which fewer than half
    /// of the rounds had two attempts under way at the same time proves nothing, and fails.
    pub(super) fn race<C, R>(
        &self,
        name: &str,
        tasks: usize,
        set: impl Fn(usize) -> C,
        task: impl Fn(&Track<'_>, &C, usize) -> R + Sync,
        judge: impl Fn(&C, Vec<R>),
    ) where
        C: Send + Sync,
        R: Send,
    {
        let course: RwLock<Option<C>> = RwLock::new(None);
        let results: Mutex<Vec<R>> = Mutex::new(vec![]);
        let failure = Mutex::new(None);
        let (attempts, calls) = (Width::default(), Width::default());
        let (start, finish, line) = (Gate::new(tasks + 1), Gate::new(tasks + 1), Line::new(tasks));
        let call_off = |panic| {
            failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(panic);
            start.call_off();
            finish.call_off();
            line.call_off();
        };
        let run = |nth: usize| {
            let track = Track { lab: self, attempts: &attempts, calls: &calls, line: &line };
            while start.meet() {
                let course = course.read().unwrap_or_else(PoisonError::into_inner);
                if let Some(course) = &*course {
                    let result = task(&track, course, nth);
                    attempts.leave();
                    results.lock().unwrap_or_else(PoisonError::into_inner).push(result);
                }
                drop(course);
                if !finish.meet() {
                    break;
                }
            }
        };
        let (mut overlapped, mut together) = (0, 0);
        thread::scope(|scope| {
            for nth in 0..tasks {
                scope.spawn({
                    let (run, call_off) = (&run, &call_off);
                    move || {
                        self.within(|| {
                            catch_unwind(AssertUnwindSafe(|| run(nth))).unwrap_or_else(call_off);
                        });
                    }
                });
            }
            let rounds = || {
                for round in 0..self.rounds() {
                    *course.write().unwrap_or_else(PoisonError::into_inner) = Some(set(round));
                    if !start.meet() || !finish.meet() {
                        return;
                    }
                    overlapped += usize::from(attempts.take() > 1);
                    together += usize::from(calls.take() > 1);
                    let course = course.write().unwrap_or_else(PoisonError::into_inner).take();
                    let results =
                        std::mem::take(&mut *results.lock().unwrap_or_else(PoisonError::into_inner));
                    if let Some(course) = &course {
                        judge(course, results);
                    }
                }
            };
            catch_unwind(AssertUnwindSafe(rounds)).unwrap_or_else(&call_off);
            start.call_off();
        });
        if let Some(panic) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            resume_unwind(panic);
        }
        println!(
            "race {name}: {overlapped} of {} rounds overlapped, {together} of them inside the store",
            self.rounds()
        );
        assert!(
            overlapped * 2 >= self.rounds(),
            "race {name}: only {overlapped} of {} rounds overlapped, which proves nothing",
            self.rounds()
        );
    }
}

/// A meeting that can be held again and again, and be called off.
#[derive(Debug)]
pub(super) struct Gate {
    parties: usize,
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct State {
    here: usize,
    held: usize,
    off: bool,
}

impl Gate {
    pub(super) fn new(parties: usize) -> Self {
        Self { parties, state: Mutex::default(), bell: Condvar::new() }
    }

    /// Waits for all parties; false when it was called off.
    pub(super) fn meet(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.here += 1;
        if state.here == self.parties {
            state.here = 0;
            state.held += 1;
            self.bell.notify_all();
        } else {
            let held = state.held;
            state = self
                .bell
                .wait_while(state, |state| state.held == held && !state.off)
                .unwrap_or_else(PoisonError::into_inner);
        }
        !state.off
    }

    pub(super) fn call_off(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).off = true;
        self.bell.notify_all();
    }
}

/// The line from which the calls start. Nobody sleeps there: a thread that has to be woken comes when the others
/// are through.
#[derive(Debug)]
struct Line {
    tasks: usize,
    here: AtomicUsize,
    off: AtomicBool,
}

impl Line {
    const fn new(tasks: usize) -> Self {
        Self { tasks, here: AtomicUsize::new(0), off: AtomicBool::new(false) }
    }

    fn meet(&self) {
        let heat = self.here.fetch_add(1, Ordering::SeqCst) / self.tasks;
        while self.here.load(Ordering::SeqCst) < (heat + 1) * self.tasks && !self.off.load(Ordering::SeqCst) {
            thread::yield_now();
        }
    }

    fn call_off(&self) {
        self.off.store(true, Ordering::SeqCst);
    }
}
