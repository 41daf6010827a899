//! Session rows in shards that a check reads without touching the ledger.
//!
//! A row is found by open addressing over eight-byte slots, and lies in its shard's slab, so that a million
//! sessions cost little more than their own bytes. The rows of one account hang together in a list.

mod slots;

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::id::AccountId;
use crate::secret::TokenHash;
use crate::store::{FoundSession, SessionRow};

use slots::Slots;

const SHARDS: usize = 64;
/// The low bits of a handle are the place in the slab, the bits above are the shard.
const PLACE_BITS: u32 = 26;
const PLACE_MASK: u32 = (1 << PLACE_BITS) - 1;

/// Where a row lies.
type Handle = u32;
const NONE: Handle = Handle::MAX;

/// The first session of each account's list.
pub(super) type Heads = HashMap<AccountId, Handle>;

/// All session rows.
pub(super) struct Sessions {
    shards: Box<[RwLock<Shard>]>,
}

#[derive(Default)]
struct Shard {
    slots: Slots,
    rows: Vec<Option<SessionRow>>,
    /// For each row the next one of its account.
    links: Vec<Handle>,
    free: Vec<u32>,
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
        let row = shard.find(key).and_then(|place| shard.row(place))?.clone();
        Some(FoundSession { epoch: row.epoch, row })
    }

    /// The rows of one account. The caller holds the ledger, so that nobody commits meanwhile.
    pub(super) fn of(&self, heads: &Heads, account: AccountId) -> Vec<SessionRow> {
        let mut rows = vec![];
        let mut next = heads.get(&account).copied().unwrap_or(NONE);
        while let Some(shard) = self.shards.get(shard_at(next)) {
            let shard = read(shard);
            rows.extend(shard.row(place_at(next)).cloned());
            next = shard.links.get(place_at(next) as usize).copied().unwrap_or(NONE);
        }
        rows
    }

    /// Up to `limit` keys whose time is over; each shard is locked by itself, and only for reading.
    pub(super) fn over(&self, now: Timestamp, limit: usize) -> Vec<TokenHash> {
        let mut keys = vec![];
        for shard in &self.shards {
            let room = limit - keys.len().min(limit);
            keys.extend(
                read(shard)
                    .rows
                    .iter()
                    .flatten()
                    .filter(|row| is_over(row, now))
                    .take(room)
                    .map(|row| row.key),
            );
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
        shard.find(key).and_then(|place| shard.row(place))
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
        shard.rows.get_mut(place as usize)?.as_mut()
    }

    /// When each row of the account was last used, and its key.
    fn list(&mut self, account: AccountId) -> Vec<(Timestamp, TokenHash)> {
        let mut list = vec![];
        let mut next = self.heads.get(&account).copied().unwrap_or(NONE);
        while let Some(shard) = self.shard(shard_at(next)) {
            list.extend(shard.row(place_at(next)).map(|row| (row.seen, row.key)));
            next = shard.links.get(place_at(next) as usize).copied().unwrap_or(NONE);
        }
        list
    }

    fn insert(&mut self, row: SessionRow) -> Result<(), StoreError> {
        let account = row.account;
        let head = self.heads.get(&account).copied().unwrap_or(NONE);
        let at = shard_of(&row.key);
        let shard = self.shard(at).ok_or(StoreError::Corrupt("session shards"))?;
        let place = shard.insert(row, head)?;
        self.heads.insert(account, handle(at, place));
        Ok(())
    }

    fn take(&mut self, key: &TokenHash) -> Option<SessionRow> {
        let at = shard_of(key);
        let shard = self.shard(at)?;
        let place = shard.find(key)?;
        let (row, after) = shard.remove(place)?;
        let gone = handle(at, place);
        let mut next = self.heads.get(&row.account).copied().unwrap_or(NONE);
        if next == gone {
            if after == NONE {
                self.heads.remove(&row.account);
            } else {
                self.heads.insert(row.account, after);
            }
            return Some(row);
        }
        while let Some(link) =
            self.shard(shard_at(next)).and_then(|s| s.links.get_mut(place_at(next) as usize))
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
    fn row(&self, place: u32) -> Option<&SessionRow> {
        self.rows.get(place as usize)?.as_ref()
    }

    fn find(&self, key: &TokenHash) -> Option<u32> {
        self.slots.find(tag_of(key), |place| self.row(place).is_some_and(|row| row.key == *key))
    }

    fn insert(&mut self, row: SessionRow, next: Handle) -> Result<u32, StoreError> {
        let tag = tag_of(&row.key);
        let place = match self.free.pop() {
            Some(place) => place,
            None => {
                let place = u32::try_from(self.rows.len()).unwrap_or(PLACE_MASK);
                if place >= PLACE_MASK {
                    return Err(StoreError::Full);
                }
                if self.rows.len() == self.rows.capacity() {
                    // Doubling would leave up to half of the slab empty.
                    let more = (self.rows.len() / 8).max(4);
                    self.rows.reserve_exact(more);
                    self.links.reserve_exact(more);
                }
                self.rows.push(None);
                self.links.push(NONE);
                place
            }
        };
        if let (Some(slot), Some(link)) =
            (self.rows.get_mut(place as usize), self.links.get_mut(place as usize))
        {
            *slot = Some(row);
            *link = next;
        }
        self.slots.insert(tag, place);
        Ok(place)
    }

    /// The row, and the next one of its account.
    fn remove(&mut self, place: u32) -> Option<(SessionRow, Handle)> {
        let row = self.rows.get_mut(place as usize)?.take()?;
        let next = std::mem::replace(self.links.get_mut(place as usize)?, NONE);
        self.slots.remove(tag_of(&row.key), place);
        self.free.push(place);
        Some((row, next))
    }
}

/// The key is a SHA-256 already: its bytes are as good as any hash of them.
fn shard_of(key: &TokenHash) -> usize {
    key.as_bytes().last().map_or(0, |byte| usize::from(*byte) % SHARDS)
}

fn tag_of(key: &TokenHash) -> u32 {
    key.as_bytes().first_chunk().map_or(0, |four| u32::from_le_bytes(*four))
}

const fn handle(shard: usize, place: u32) -> Handle {
    (shard as u32) << PLACE_BITS | place
}

/// Beyond all shards for [`NONE`], whose place no row may have: see [`PLACE_MASK`] in [`Shard::insert`].
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
