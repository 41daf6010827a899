//! A map that can take back what a batch did to it, and knows whose time is over.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use crate::clock::Timestamp;

/// What the rows of a table tell about themselves.
pub(super) trait Row: Clone {
    /// When a purge may drop the row; never by default.
    fn ends(&self) -> Option<Timestamp> {
        None
    }
}

/// Rows by key. All changes go through [`Table::set`], so that none escapes the journal.
pub(super) struct Table<K, V> {
    rows: HashMap<K, V>,
    ends: BTreeSet<(Timestamp, K)>,
    journal: Vec<(K, Option<V>)>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { rows: HashMap::new(), ends: BTreeSet::new(), journal: vec![] }
    }
}

impl<K: Clone + Eq + Ord + Hash, V: Row> Table<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    pub(super) fn has(&self, key: &K) -> bool {
        self.rows.contains_key(key)
    }

    /// Adds a row, unless the key exists.
    pub(super) fn add(&mut self, key: K, row: V) -> bool {
        let free = !self.has(&key);
        if free {
            self.set(key, Some(row));
        }
        free
    }

    /// Changes a row if it is there.
    pub(super) fn update(&mut self, key: &K, change: impl FnOnce(&mut V)) {
        if let Some(mut row) = self.get(key).cloned() {
            change(&mut row);
            self.set(key.clone(), Some(row));
        }
    }

    pub(super) fn remove(&mut self, key: &K) {
        self.set(key.clone(), None);
    }

    /// Puts, replaces or removes a row, and notes in the journal what was there.
    pub(super) fn set(&mut self, key: K, row: Option<V>) {
        let old = self.put(key.clone(), row);
        self.journal.push((key, old));
    }

    /// Up to `limit` keys whose time is over.
    pub(super) fn over(&self, now: Timestamp, limit: usize) -> Vec<K> {
        self.ends
            .iter()
            .take_while(|(ends, _)| *ends <= now)
            .take(limit)
            .map(|(_, key)| key.clone())
            .collect()
    }

    fn put(&mut self, key: K, row: Option<V>) -> Option<V> {
        let ends = row.as_ref().and_then(Row::ends);
        let old = match row {
            Some(row) => self.rows.insert(key.clone(), row),
            None => self.rows.remove(&key),
        };
        let ended = old.as_ref().and_then(Row::ends);
        if ended != ends {
            if let Some(ended) = ended {
                self.ends.remove(&(ended, key.clone()));
            }
            if let Some(ends) = ends {
                self.ends.insert((ends, key));
            }
        }
        old
    }
}

/// Keys in order.
pub(super) struct Sorted<K> {
    pub(super) keys: BTreeSet<K>,
    journal: Vec<(K, bool)>,
}

impl<K> Default for Sorted<K> {
    fn default() -> Self {
        Self { keys: BTreeSet::new(), journal: vec![] }
    }
}

impl<K: Clone + Ord> Sorted<K> {
    pub(super) fn add(&mut self, key: K) {
        if self.keys.insert(key.clone()) {
            self.journal.push((key, false));
        }
    }

    pub(super) fn remove(&mut self, key: &K) {
        if let Some(key) = self.keys.take(key) {
            self.journal.push((key, true));
        }
    }
}

/// What a batch did, kept until it is decided.
pub(super) trait Journal {
    fn keep(&mut self);
    fn undo(&mut self);
}

impl<K: Clone + Eq + Ord + Hash, V: Row> Journal for Table<K, V> {
    fn keep(&mut self) {
        self.journal.clear();
    }

    fn undo(&mut self) {
        while let Some((key, old)) = self.journal.pop() {
            self.put(key, old);
        }
    }
}

impl<K: Clone + Ord> Journal for Sorted<K> {
    fn keep(&mut self) {
        self.journal.clear();
    }

    fn undo(&mut self) {
        while let Some((key, was_there)) = self.journal.pop() {
            if was_there {
                self.keys.insert(key);
            } else {
                self.keys.remove(&key);
            }
        }
    }
}
