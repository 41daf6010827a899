//! The gap that every race needs.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// The gap between a read and a write, held open until somebody else is in it too. Alone one goes on after a while.
#[derive(Debug, Default)]
pub(super) struct Gap {
    came: Mutex<usize>,
    bell: Condvar,
}

impl Gap {
    const PATIENCE: Duration = Duration::from_millis(10);

    pub(super) fn arrive(&self) -> usize {
        let mut came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        *came += 1;
        self.bell.notify_all();
        *came
    }

    pub(super) fn wait(&self) {
        let came = *self.came.lock().unwrap_or_else(PoisonError::into_inner);
        self.wait_beyond(came);
    }

    pub(super) fn widen(&self) {
        self.wait_beyond(self.arrive());
    }

    fn wait_beyond(&self, mine: usize) {
        let came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.bell.wait_timeout_while(came, Self::PATIENCE, |came| *came <= mine));
    }
}
