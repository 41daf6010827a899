//! Waiting for a place at a guard: parallel right answers are not refused because others are being checked.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use super::{GuardKey, Limit, Reserved};
use crate::clock::{Clock, Sleep};
use crate::error::Broken;
use crate::hash::Seat;
use crate::store::LockoutStore;

/// Who waits in this process, and how many checks are under way at each guard.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    under_way: HashMap<GuardKey, usize>,
    waiters: Vec<(GuardKey, Arc<Waiter>)>,
}

#[derive(Debug, Default)]
struct Waiter {
    woken: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

/// A place at a guard. Dropped after the settlement is committed, or with the step: then others may try.
#[derive(Debug)]
pub(crate) struct Ticket<'a> {
    waiting: &'a Waiting,
    key: GuardKey,
    granted: bool,
    given_up: bool,
}

/// What came of asking for a place.
#[derive(Debug)]
pub(crate) enum Admission<'a> {
    Granted { ticket: Ticket<'a>, hold: Option<Duration>, refused: u32 },
    Refused(Reserved),
    Busy { retry_after: Duration },
}

impl Waiting {
    /// Reserves at one guard, waiting while it is full. Who waits leaves the hash pool's seat to others: a crowd at one
    /// guard would else shut the pool to all accounts.
    pub(crate) async fn admit<'a>(
        &'a self,
        store: &dyn LockoutStore,
        (key, limit): (GuardKey, Limit),
        (clock, sleep): (&dyn Clock, Option<&dyn Sleep>),
        seat: &mut Option<Seat>,
    ) -> Result<Admission<'a>, Broken> {
        let (mut naps, mut again, began) = (0, true, clock.now());
        // The count goes up before the store is asked: whoever finds the guard full because of this reservation also
        // finds somebody here to wait for.
        let mut ticket = self.ticket(key);
        loop {
            match store.reserve(vec![(key, limit)], clock.now()).await? {
                Reserved::Granted { hold, refused } => {
                    ticket.granted = true;
                    if naps > 0 {
                        // Another node made room: there may be more of it.
                        self.wake(key);
                    }
                    return Ok(Admission::Granted { ticket, hold, refused });
                }
                Reserved::Full => {}
                refused => {
                    // Who waits with us would be refused alike: the turn goes on.
                    self.wake(key);
                    return Ok(Admission::Refused(refused));
                }
            }
            ticket = match self.enlist(ticket) {
                Place::Waits(turn) => {
                    *seat = None;
                    turn.wait().await;
                    again = true;
                    self.ticket(key)
                }
                // It may have been settled between the answer and now.
                Place::Alone(ticket) if std::mem::take(&mut again) => ticket,
                // Nobody here holds it: another node does, or a process that died, until its lease runs out. One
                // asks for all: asking is a write, and a crowd that asks leaves the other node no gap to settle in.
                Place::Alone(ticket) => match sleep {
                    Some(sleep) if naps < MOST_NAPS && clock.now().since(began) < NAP * MOST_NAPS => {
                        (naps, *seat) = (naps + 1, None);
                        sleep.sleep(NAP).await;
                        ticket
                    }
                    _ => return Ok(Admission::Busy { retry_after: BUSY }),
                },
                Place::Crowded => return Ok(Admission::Busy { retry_after: BUSY }),
            };
        }
    }

    fn ticket(&self, key: GuardKey) -> Ticket<'_> {
        *self.lock().under_way.entry(key).or_default() += 1;
        Ticket { waiting: self, key, granted: false, given_up: false }
    }

    // A few, not all: as many as may find room. Whoever is woken and needs no room wakes the next, so that a crowd at
    // one guard costs a store call each and not one for each pair.
    fn wake(&self, key: GuardKey) {
        let mut inner = self.lock();
        let mine = inner.waiters.extract_if(.., |(waiting, _)| *waiting == key).collect::<Vec<_>>();
        let mut mine = mine.into_iter();
        let next: Vec<_> = mine.by_ref().take(AT_ONCE).collect();
        inner.waiters.extend(mine);
        drop(inner);
        for (_, waiter) in next {
            waiter.wake();
        }
    }

    // Gives the place up to wait for those who hold one, or keeps it when there is nobody: in one look, so that two
    // never wait for each other.
    fn enlist<'a>(&'a self, mut ticket: Ticket<'a>) -> Place<'a> {
        let mut inner = self.lock();
        if inner.under_way.get(&ticket.key).is_none_or(|count| *count <= 1) {
            return Place::Alone(ticket);
        }
        if inner.waiters.len() >= MOST_WAITERS {
            drop(inner);
            return Place::Crowded;
        }
        if let Some(count) = inner.under_way.get_mut(&ticket.key) {
            *count -= 1;
        }
        ticket.given_up = true;
        let (key, waiter) = (ticket.key, Arc::new(Waiter::default()));
        inner.waiters.push((key, Arc::clone(&waiter)));
        Place::Waits(Turn { waiting: self, key, waiter })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if self.given_up {
            return;
        }
        let mut inner = self.waiting.lock();
        let mut last = true;
        if let Some(count) = inner.under_way.get_mut(&self.key) {
            *count -= 1;
            last = *count == 0;
            if last {
                inner.under_way.remove(&self.key);
            }
        }
        // One that found the guard full frees nothing: waking the others for it would have them wake each other
        // in a circle while the real check is computed.
        if !self.granted && !last {
            return;
        }
        drop(inner);
        self.waiting.wake(self.key);
    }
}

enum Place<'a> {
    Waits(Turn<'a>),
    Alone(Ticket<'a>),
    Crowded,
}

/// A place in the queue. Dropped without having been used (the client hung up), its turn goes to the next.
struct Turn<'a> {
    waiting: &'a Waiting,
    key: GuardKey,
    waiter: Arc<Waiter>,
}

impl Turn<'_> {
    async fn wait(self) {
        self.waiter.wait().await;
        self.waiter.woken.store(false, Ordering::Release);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.waiting.lock().waiters.retain(|(_, waiter)| !Arc::ptr_eq(waiter, &self.waiter));
        if self.waiter.woken.load(Ordering::Acquire) {
            self.waiting.wake(self.key);
        }
    }
}

impl Waiter {
    fn wake(&self) {
        self.woken.store(true, Ordering::Release);
        if let Some(waker) = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take() {
            waker.wake();
        }
    }

    async fn wait(&self) {
        poll_fn(|cx| {
            *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
            // Looked at after the waker is laid down: a wake between the two is not lost.
            if self.woken.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

const MOST_WAITERS: usize = 4096;
const AT_ONCE: usize = 6;
const NAP: Duration = Duration::from_millis(50);
const MOST_NAPS: u32 = 100;
const BUSY: Duration = Duration::from_secs(2);
