//! Session rows in shards that a check reads without touching the ledger.
//!
//! A row's shard and its place there follow from the route that leads its key: a check touches memory in one place, a
//! million sessions cost little more than their own bytes, and the rows of one account stand side by side, so that
//! nothing else need be kept to find them.

mod shelves;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::secret::{Route, TokenHash};
use crate::store::{FoundSession, SessionRow};

use shelves::Shelves;

/// A table that grows keeps the checks of its shard waiting: 0.2 ms when a million sessions are there.
const SHARDS: usize = 256;

/// All session rows.
pub(super) struct Sessions {
    shards: Box<[RwLock<Shelves>]>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| RwLock::default()).collect() }
    }
}

impl Sessions {
    /// A row with its account's epoch: rows of an older epoch are removed in the commit that raises it, so the
    /// row's own epoch is the account's.
    pub(super) fn find(&self, key: &TokenHash) -> Option<FoundSession> {
        let row = read(self.shards.get(shard_of(key.route()))?).get(key)?.clone();
        Some(FoundSession { epoch: row.epoch, row })
    }

    /// The rows of one account.
    pub(super) fn of(&self, account: AccountId, route: Route) -> Vec<SessionRow> {
        let Some(shard) = self.shards.get(shard_of(route)) else { return vec![] };
        read(shard).of(route).filter(|row| row.account == account).cloned().collect()
    }

    /// Up to `limit` keys whose time is over; each shard is locked by itself, and only for reading.
    pub(super) fn over(&self, now: Timestamp, limit: usize) -> Vec<TokenHash> {
        let mut keys = vec![];
        for shard in &self.shards {
            let room = limit.saturating_sub(keys.len());
            keys.extend(read(shard).rows().filter(|row| is_over(row, now)).take(room).map(|row| row.key));
        }
        keys
    }

    /// Begins the session part of a batch.
    pub(super) const fn batch(&self) -> Batch<'_> {
        Batch { sessions: self, held: vec![], undo: vec![] }
    }
}

pub(super) fn is_over(row: &SessionRow, now: Timestamp) -> bool {
    let idle = std::time::Duration::from_secs(u64::from(row.idle_secs));
    row.expires <= now || row.seen.after(idle) <= now
}

/// The session part of a batch. Shards that it writes stay locked until it is dropped, so that no check ever sees
/// a batch half done. Only one batch is under way at a time (it holds the ledger), and a reader holds one shard
/// and waits for nothing, so nobody waits in a circle.
pub(super) struct Batch<'a> {
    sessions: &'a Sessions,
    held: Vec<(usize, RwLockWriteGuard<'a, Shelves>)>,
    undo: Vec<Undo>,
}

enum Undo {
    Added(TokenHash),
    Removed(SessionRow),
    Touched(TokenHash, Timestamp),
}

impl Batch<'_> {
    /// Adds a row whose account and epoch the caller has judged; false when the key exists. Of the account's
    /// other rows the least recently used go, so that `keep` stay.
    pub(super) fn add(&mut self, row: SessionRow, keep: usize) -> bool {
        let (key, account, route) = (row.key, row.account, row.key.route());
        // One that goes on under another token was made long ago, and is used now.
        let now = row.created.max(row.seen);
        let Some(shard) = self.shard(route) else { return false };
        if shard.get(&key).is_some() {
            return false;
        }
        shard.insert(row);
        let rows = shard.of(route).filter(|row| row.account == account);
        // What is over and not yet purged goes first: it takes no place from what lives.
        let mut others: Vec<_> = rows.map(|row| (!is_over(row, now), row.seen, row.key)).collect();
        self.undo.push(Undo::Added(key));
        let surplus = others.len().saturating_sub(keep.max(1));
        if surplus > 0 {
            others.retain(|(_, _, other)| *other != key);
            others.sort_unstable();
            for (_, _, other) in others.into_iter().take(surplus) {
                self.remove(&other);
            }
        }
        true
    }

    pub(super) fn touch(&mut self, key: &TokenHash, seen: Timestamp) {
        if let Some(row) = self.shard(key.route()).and_then(|shard| shard.get_mut(key)) {
            let before = row.seen;
            row.seen = before.max(seen);
            self.undo.push(Undo::Touched(*key, before));
        }
    }

    /// Removes the account's rows that are chosen; how many there were.
    pub(super) fn end(
        &mut self,
        account: AccountId,
        route: Route,
        chosen: impl Fn(&SessionRow) -> bool,
    ) -> usize {
        let Some(shard) = self.shard(route) else { return 0 };
        let rows = shard.of(route).filter(|row| row.account == account && chosen(row));
        let keys: Vec<_> = rows.map(|row| row.key).collect();
        keys.iter().for_each(|key| self.remove(key));
        keys.len()
    }

    pub(super) fn get(&mut self, key: &TokenHash) -> Option<&SessionRow> {
        self.shard(key.route())?.get(key)
    }

    pub(super) fn remove(&mut self, key: &TokenHash) {
        if let Some(row) = self.shard(key.route()).and_then(|shard| shard.remove(key)) {
            self.undo.push(Undo::Removed(row));
        }
    }

    /// Takes everything back.
    pub(super) fn roll_back(mut self) {
        while let Some(undo) = self.undo.pop() {
            let (Undo::Added(key) | Undo::Removed(SessionRow { key, .. }) | Undo::Touched(key, _)) = &undo;
            let Some(shard) = self.shard(key.route()) else { continue };
            match undo {
                Undo::Added(key) => drop(shard.remove(&key)),
                Undo::Removed(row) => shard.insert(row),
                Undo::Touched(key, seen) => {
                    if let Some(row) = shard.get_mut(&key) {
                        row.seen = seen;
                    }
                }
            }
        }
    }

    fn shard(&mut self, route: Route) -> Option<&mut Shelves> {
        let at = shard_of(route);
        let lock = self.sessions.shards.get(at)?;
        let held = match self.held.iter().position(|(other, _)| *other == at) {
            Some(held) => held,
            None => {
                self.held.push((at, lock.write().unwrap_or_else(PoisonError::into_inner)));
                self.held.len() - 1
            }
        };
        self.held.get_mut(held).map(|(_, shard)| &mut **shard)
    }
}

fn shard_of(route: Route) -> usize {
    usize::from(route.as_bytes()[0])
}

fn read(shard: &RwLock<Shelves>) -> RwLockReadGuard<'_, Shelves> {
    shard.read().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
