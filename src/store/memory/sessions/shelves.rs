//! The rows of one shard, each in the one place in memory that a look touches.

use crate::secret::{Route, TokenHash};
use crate::store::SessionRow;
use crate::store::memory::sessions::SHARDS;

/// A hash table of rows in place, in the order of the routes that lead their keys. The home of a route is its share of
/// the table; a row stands there or in the unbroken run behind. So the rows of one account stand side by side, and the
/// table grows where it lies, by an eighth: one that doubles is half empty most of the time, and one that is copied
/// leaves a hole of its old size in the heap.
#[derive(Default)]
pub(super) struct Shelves {
    shelves: Vec<Shelf>,
    /// So many places are homes; those behind are room for the last run.
    homes: usize,
    used: usize,
}

/// Tags, and the pointer to what they stand for, are one cache line: those of a million sessions stay in the
/// processor's caches, so that a look waits for memory once, for the row.
#[repr(align(64))]
struct Shelf {
    /// Nought where no row is.
    tags: [u8; ROWS],
    rows: Box<Rows>,
}

/// A row is 128 bytes long: so aligned it lies in two cache lines, never in three.
#[repr(align(128))]
struct Rows([Option<SessionRow>; ROWS]);

const ROWS: usize = 56;

impl Shelves {
    pub(super) fn get(&self, key: &TokenHash) -> Option<&SessionRow> {
        self.row(self.find(key)?)
    }

    pub(super) fn get_mut(&mut self, key: &TokenHash) -> Option<&mut SessionRow> {
        let (shelf, within) = split(self.find(key)?);
        self.shelves.get_mut(shelf)?.rows.0.get_mut(within)?.as_mut()
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &SessionRow> {
        self.shelves.iter().flat_map(|shelf| shelf.rows.0.iter().flatten())
    }

    /// The rows whose keys this route leads.
    pub(super) fn of(&self, route: Route) -> impl Iterator<Item = &SessionRow> {
        let run = (self.home(route)..).map_while(|at| self.row(at));
        run.skip_while(move |row| row.key.route() < route).take_while(move |row| row.key.route() == route)
    }

    /// Adds a row whose key is not there.
    pub(super) fn insert(&mut self, row: SessionRow) {
        if (self.used + 1) * 5 > self.homes * 4 {
            self.grow();
        }
        self.used += 1;
        let route = row.key.route();
        let at = self.end_of_run(self.home(route), |other| other.key.route() <= route);
        let free = self.end_of_run(at, |_| true);
        if split(free).0 == self.shelves.len() {
            self.shelves.push(Shelf::empty());
        }
        for place in (at..free).rev() {
            self.shift(place, place + 1);
        }
        self.put(at, row);
    }

    pub(super) fn remove(&mut self, key: &TokenHash) -> Option<SessionRow> {
        let at = self.find(key)?;
        let row = self.take(at)?;
        self.used -= 1;
        // Those behind that are not at home come nearer: a hole would end their run before them.
        let end = self.end_of_run(at + 1, |_| true);
        for place in at + 1..end {
            if self.row(place).is_some_and(|row| self.home(row.key.route()) == place) {
                break;
            }
            self.shift(place, place - 1);
        }
        Some(row)
    }

    fn find(&self, key: &TokenHash) -> Option<usize> {
        let (tag, mut at) = (tag_of(key), self.home(key.route()));
        loop {
            match self.tag(at) {
                0 => return None,
                same if same == tag && self.row(at).is_some_and(|row| row.key == *key) => return Some(at),
                _ => at += 1,
            }
        }
    }

    /// Makes room by moving all rows to the end and from there, the first first, to their new places. A home moves by
    /// no more than the places that are added, so no row is put behind the place where it waits.
    fn grow(&mut self) {
        let more = (self.homes / ROWS / 8).max(1);
        let before = self.shelves.len() * ROWS;
        self.shelves.extend((0..more).map(|_| Shelf::empty()));
        self.homes += more * ROWS;
        let end = before + more * ROWS;
        let mut first = end;
        for at in (0..before).rev().filter(|at| self.tag(*at) != 0).collect::<Vec<_>>() {
            first -= 1;
            self.shift(at, first);
        }
        let mut next = 0;
        for at in first..end {
            let home = self.row(at).map_or(0, |row| self.home(row.key.route()));
            next = home.max(next);
            self.shift(at, next);
            next += 1;
        }
    }

    /// The first place from `at` on that is empty, or whose row is not such a one.
    fn end_of_run(&self, mut at: usize, is: impl Fn(&SessionRow) -> bool) -> usize {
        while self.row(at).is_some_and(&is) {
            at += 1;
        }
        at
    }

    /// The route is random and the shard is of its first bits: the next ones are as good as any hash.
    fn home(&self, route: Route) -> usize {
        let share = u64::from_be_bytes(*route.as_bytes()).wrapping_mul(SHARDS as u64);
        ((u128::from(share) * self.homes as u128) >> 64) as usize
    }

    fn tag(&self, at: usize) -> u8 {
        let (shelf, within) = split(at);
        self.shelves.get(shelf).and_then(|shelf| shelf.tags.get(within)).copied().unwrap_or(0)
    }

    fn row(&self, at: usize) -> Option<&SessionRow> {
        let (shelf, within) = split(at);
        self.shelves.get(shelf)?.rows.0.get(within)?.as_ref()
    }

    fn shift(&mut self, from: usize, to: usize) {
        if let Some(row) = self.take(from) {
            self.put(to, row);
        }
    }

    fn take(&mut self, at: usize) -> Option<SessionRow> {
        let (shelf, within) = split(at);
        let shelf = self.shelves.get_mut(shelf)?;
        *shelf.tags.get_mut(within)? = 0;
        shelf.rows.0.get_mut(within)?.take()
    }

    fn put(&mut self, at: usize, row: SessionRow) {
        let (shelf, within) = split(at);
        let Some(Shelf { tags, rows }) = self.shelves.get_mut(shelf) else { return };
        if let (Some(tag), Some(place)) = (tags.get_mut(within), rows.0.get_mut(within)) {
            *tag = tag_of(&row.key);
            *place = Some(row);
        }
    }
}

impl Shelf {
    fn empty() -> Self {
        Self { tags: [0; ROWS], rows: Box::new(Rows([const { None }; ROWS])) }
    }
}

/// Of the bytes that the rows of one account do not share.
fn tag_of(key: &TokenHash) -> u8 {
    key.as_bytes().last().map_or(1, |byte| (*byte).max(1))
}

const fn split(place: usize) -> (usize, usize) {
    (place / ROWS, place % ROWS)
}
