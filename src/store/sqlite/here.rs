use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::failure::Failure;

/// Connections for look-ups by key that are made on the thread that asks. Such a look-up takes 5 us when its pages are
/// in memory, and 14 by way of another thread.
///
/// When they are not, the disk holds that thread up, and with it whatever else its runtime would run there. So there
/// are few of them, nobody waits for one, and once a look-up took long the disk is left to the readers' threads for a
/// while. A disk that hangs holds up as many threads as there are connections here, once.
pub(super) struct Here {
    databases: Vec<Mutex<Connection>>,
    begun: Instant,
    /// What takes longer leaves the disk to the readers.
    long: Duration,
    /// Milliseconds since `begun`.
    rests_until: AtomicU64,
}

impl Here {
    pub(super) fn new(databases: Vec<Connection>) -> Self {
        let databases = databases.into_iter().map(Mutex::new).collect();
        Self { databases, begun: Instant::now(), long: LONG, rests_until: AtomicU64::new(0) }
    }

    /// What was looked up, or nothing: then a reader's thread is to do it. It also tells what does not work: here
    /// nobody waits until another process lets go of the file.
    pub(super) fn look_up<T>(&self, work: impl Fn(&Connection) -> Result<T, Failure>) -> Option<T> {
        let start = Instant::now();
        let db = self.free(start)?;
        let found = work(&db);
        self.took(start, Instant::now());
        found.ok()
    }

    fn free(&self, now: Instant) -> Option<MutexGuard<'_, Connection>> {
        if self.millis(now) < self.rests_until.load(Ordering::Relaxed) {
            return None;
        }
        // One that a panic left behind is not used any more.
        self.databases.iter().find_map(|db| db.try_lock().ok())
    }

    fn took(&self, start: Instant, end: Instant) {
        if end.saturating_duration_since(start) > self.long {
            self.rests_until.store(self.millis(end + REST), Ordering::Relaxed);
        }
    }

    fn millis(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.begun).as_millis()).unwrap_or(u64::MAX)
    }
}

/// Many times what pages in memory take, and less than a disk with a moving head.
const LONG: Duration = Duration::from_millis(1);
const REST: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn here(connections: usize) -> Here {
        Here::new((0..connections).map(|_| Connection::open_in_memory().unwrap()).collect())
    }

    /// Whatever a busy machine makes of a look-up.
    fn patient(connections: usize) -> Here {
        Here { long: Duration::MAX, ..here(connections) }
    }

    fn one(db: &Connection) -> Result<i64, Failure> {
        Ok(db.query_row("SELECT 1", [], |row| row.get(0))?)
    }

    #[test]
    fn nobody_waits_for_a_connection() {
        let here = patient(2);
        let first = here.free(here.begun).unwrap();
        assert_eq!(here.look_up(one), Some(1));
        let second = here.free(here.begun).unwrap();
        assert_eq!(here.look_up(one), None);
        drop((first, second));
        assert_eq!(here.look_up(one), Some(1));
    }

    #[test]
    fn a_slow_disk_is_left_to_the_readers_for_a_while() {
        let here = here(1);
        let at = |millis| here.begun + Duration::from_millis(millis);
        here.took(at(10), at(11));
        assert!(here.free(at(11)).is_some());
        here.took(at(20), at(22));
        assert!(here.free(at(22)).is_none());
        assert!(here.free(at(1021)).is_none());
        assert!(here.free(at(1022)).is_some());
    }

    #[test]
    fn what_does_not_work_is_for_the_readers_to_tell() {
        let here = patient(1);
        let broken =
            |db: &Connection| Ok(db.query_row("SELECT x FROM nowhere", [], |row| row.get::<_, i64>(0))?);
        assert_eq!(here.look_up(broken), None);
        assert_eq!(here.look_up(one), Some(1));
    }
}
