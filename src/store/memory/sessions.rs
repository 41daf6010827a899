//! Session rows in shards that a check reads without touching the ledger.
//!
//! A row is found by open addressing over eight-byte slots, and lies in its shard's slab, so that a million sessions
//! cost little more than their own bytes, and a check touches memory in two places. The rows of one account hang
//! together in a list.

mod heads;
mod slab;
mod slots;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::id::AccountId;
use crate::secret::TokenHash;
use crate::store::{FoundSession, SessionRow};

pub(super) use heads::Heads;
use slab::Slab;
use slots::Slots;

const SHARDS: usize = 64;
/// The low bits of a handle are the place in the slab, the bits above are the shard.
const PLACE_BITS: u32 = 26;
const PLACE_MASK: u32 = (1 << PLACE_BITS) - 1;

/// Where a row lies.
type Handle = u32;
const NONE: Handle = Handle::MAX;

/// All session rows.
pub(super) struct Sessions {
    shards: Box<[RwLock<Shard>]>,
}

#[derive(Default)]
struct Shard {
    slots: Slots,
    slab: Slab,
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
        let shard = read(self.shards.get(shard_of(key))?);
        let row = shard.find(key).and_then(|place| shard.slab.row(place))?.clone();
        Some(FoundSession { epoch: row.epoch, row })
    }

    /// The rows of one account. The caller holds the ledger, so that nobody commits meanwhile.
    pub(super) fn of(&self, heads: &Heads, account: AccountId) -> Vec<SessionRow> {
        let mut rows = vec![];
        for head in heads.candidates(account) {
            let mut next = head;
            while let Some(shard) = self.shards.get(shard_at(next)) {
                let shard = read(shard);
                let row = shard.slab.row(place_at(next));
                rows.extend(row.filter(|row| row.account == account).cloned());
                next = shard.slab.link(place_at(next));
            }
        }
        rows
    }

    /// Up to `limit` keys whose time is over; each shard is locked by itself, and only for reading.
    pub(super) fn over(&self, now: Timestamp, limit: usize) -> Vec<TokenHash> {
        let mut keys = vec![];
        for shard in &self.shards {
            let room = limit.saturating_sub(keys.len());
            let shard = read(shard);
            keys.extend(shard.slab.rows().filter(|row| is_over(row, now)).take(room).map(|row| row.key));
        }
        keys
    }

    /// Begins the session part of a batch.
    pub(super) const fn batch<'a>(&'a self, heads: &'a mut Heads) -> Batch<'a> {
        Batch { sessions: self, heads, held: vec![], undo: vec![] }
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
    heads: &'a mut Heads,
    held: Vec<(usize, RwLockWriteGuard<'a, Shard>)>,
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
    pub(super) fn add(&mut self, row: SessionRow, keep: usize) -> Result<bool, StoreError> {
        if self.get(&row.key).is_some() {
            return Ok(false);
        }
        let (key, account) = (row.key, row.account);
        self.insert(row)?;
        self.undo.push(Undo::Added(key));
        let mut others = self.list(account);
        let surplus = others.len().saturating_sub(keep.max(1));
        if surplus > 0 {
            others.retain(|(_, other)| *other != key);
            others.sort_unstable();
            for (_, other) in others.into_iter().take(surplus) {
                self.remove(&other);
            }
        }
        Ok(true)
    }

    pub(super) fn touch(&mut self, key: &TokenHash, seen: Timestamp) {
        if let Some(row) = self.get_mut(key) {
            let before = row.seen;
            row.seen = before.max(seen);
            self.undo.push(Undo::Touched(*key, before));
        }
    }

    /// Removes the account's rows that are chosen; how many there were.
    pub(super) fn end(&mut self, account: AccountId, chosen: impl Fn(&SessionRow) -> bool) -> usize {
        let mut ended = 0;
        for (_, key) in self.list(account) {
            if self.get(&key).is_some_and(&chosen) {
                self.remove(&key);
                ended += 1;
            }
        }
        ended
    }

    pub(super) fn get(&mut self, key: &TokenHash) -> Option<&SessionRow> {
        let shard = self.shard(shard_of(key))?;
        shard.find(key).and_then(|place| shard.slab.row(place))
    }

    pub(super) fn remove(&mut self, key: &TokenHash) {
        if let Some(row) = self.take(key) {
            self.undo.push(Undo::Removed(row));
        }
    }

    /// Takes everything back.
    pub(super) fn roll_back(mut self) {
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::Added(key) => drop(self.take(&key)),
                // The place that it left is free, so that there is room.
                Undo::Removed(row) => drop(self.insert(row)),
                Undo::Touched(key, seen) => {
                    if let Some(row) = self.get_mut(&key) {
                        row.seen = seen;
                    }
                }
            }
        }
    }

    fn get_mut(&mut self, key: &TokenHash) -> Option<&mut SessionRow> {
        let shard = self.shard(shard_of(key))?;
        let place = shard.find(key)?;
        shard.slab.row_mut(place)
    }

    /// Where the account's list begins.
    fn head(&mut self, account: AccountId) -> Handle {
        let candidates = self.heads.candidates(account);
        let whose = |head: &Handle| {
            let row = self.shard(shard_at(*head)).and_then(|shard| shard.slab.row(place_at(*head)));
            row.is_some_and(|row| row.account == account)
        };
        candidates.into_iter().find(whose).unwrap_or(NONE)
    }

    /// When each row of the account was last used, and its key.
    fn list(&mut self, account: AccountId) -> Vec<(Timestamp, TokenHash)> {
        let mut list = vec![];
        let mut next = self.head(account);
        while let Some(shard) = self.shard(shard_at(next)) {
            list.extend(shard.slab.row(place_at(next)).map(|row| (row.seen, row.key)));
            next = shard.slab.link(place_at(next));
        }
        list
    }

    fn insert(&mut self, row: SessionRow) -> Result<(), StoreError> {
        let (account, tag, at) = (row.account, tag_of(&row.key), shard_of(&row.key));
        let head = self.head(account);
        let shard = self.shard(at).ok_or(StoreError::Corrupt("session shards"))?;
        let place = shard.slab.insert(row, head).ok_or(StoreError::Full)?;
        shard.slots.insert(tag, place);
        self.heads.replace(account, head, handle(at, place));
        Ok(())
    }

    fn take(&mut self, key: &TokenHash) -> Option<SessionRow> {
        let at = shard_of(key);
        let shard = self.shard(at)?;
        let place = shard.find(key)?;
        let account = shard.slab.row(place)?.account;
        let head = self.head(account);
        let shard = self.shard(at)?;
        let (row, after) = shard.slab.remove(place)?;
        shard.slots.remove(tag_of(key), place);
        let gone = handle(at, place);
        if head == gone {
            self.heads.replace(account, head, after);
            return Some(row);
        }
        let mut next = head;
        while let Some(link) =
            self.shard(shard_at(next)).and_then(|shard| shard.slab.link_mut(place_at(next)))
        {
            if *link == gone {
                *link = after;
                break;
            }
            next = *link;
        }
        Some(row)
    }

    fn shard(&mut self, at: usize) -> Option<&mut Shard> {
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

impl Shard {
    fn find(&self, key: &TokenHash) -> Option<u32> {
        self.slots.find(tag_of(key), |place| self.slab.row(place).is_some_and(|row| row.key == *key))
    }
}

/// The key is a SHA-256 already: its bytes are as good as any hash of them.
fn shard_of(key: &TokenHash) -> usize {
    key.as_bytes().last().map_or(0, |byte| usize::from(*byte) % SHARDS)
}

// Not from the head: there stands the route, the same for all sessions of an account.
fn tag_of(key: &TokenHash) -> u32 {
    key.as_bytes().last_chunk::<5>().map_or(0, |[a, b, c, d, _]| u32::from_le_bytes([*a, *b, *c, *d]))
}

const fn handle(shard: usize, place: u32) -> Handle {
    (shard as u32) << PLACE_BITS | place
}

/// Beyond all shards for [`NONE`], whose place the slab gives to no row.
const fn shard_at(handle: Handle) -> usize {
    if handle == NONE { SHARDS } else { (handle >> PLACE_BITS) as usize }
}

const fn place_at(handle: Handle) -> u32 {
    handle & PLACE_MASK
}

fn read(shard: &RwLock<Shard>) -> RwLockReadGuard<'_, Shard> {
    shard.read().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
