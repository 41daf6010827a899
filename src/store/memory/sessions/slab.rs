//! Rows in chunks that never move: one vector would be copied under the lock when it grows, and be half empty after.

use crate::store::SessionRow;
use crate::store::memory::sessions::{Handle, NONE, PLACE_MASK};

const CHUNK: usize = 64;

/// The rows of one shard, each with the next of its account.
#[derive(Default)]
pub(super) struct Slab {
    chunks: Vec<Box<Chunk>>,
    used: u32,
    free: Vec<u32>,
}

/// A row is 128 bytes long: so aligned it lies in two cache lines that are fetched together, never in three.
#[repr(align(128))]
struct Chunk {
    rows: [Option<SessionRow>; CHUNK],
    links: [Handle; CHUNK],
}

impl Slab {
    pub(super) fn row(&self, place: u32) -> Option<&SessionRow> {
        let (chunk, within) = split(place);
        self.chunks.get(chunk)?.rows.get(within)?.as_ref()
    }

    pub(super) fn row_mut(&mut self, place: u32) -> Option<&mut SessionRow> {
        let (chunk, within) = split(place);
        self.chunks.get_mut(chunk)?.rows.get_mut(within)?.as_mut()
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &SessionRow> {
        self.chunks.iter().flat_map(|chunk| chunk.rows.iter().flatten())
    }

    pub(super) fn link(&self, place: u32) -> Handle {
        let (chunk, within) = split(place);
        self.chunks.get(chunk).and_then(|chunk| chunk.links.get(within)).copied().unwrap_or(NONE)
    }

    pub(super) fn link_mut(&mut self, place: u32) -> Option<&mut Handle> {
        let (chunk, within) = split(place);
        self.chunks.get_mut(chunk)?.links.get_mut(within)
    }

    /// Where the row lies now; none when there is no place left.
    pub(super) fn insert(&mut self, row: SessionRow, next: Handle) -> Option<u32> {
        let place = match self.free.pop() {
            Some(place) => place,
            None if self.used == PLACE_MASK => return None,
            None => {
                let place = self.used;
                if split(place).0 == self.chunks.len() {
                    self.chunks.push(Box::new(Chunk { rows: [const { None }; CHUNK], links: [NONE; CHUNK] }));
                }
                self.used += 1;
                place
            }
        };
        let (chunk, within) = split(place);
        let chunk = self.chunks.get_mut(chunk)?;
        *chunk.rows.get_mut(within)? = Some(row);
        *chunk.links.get_mut(within)? = next;
        Some(place)
    }

    /// The row, and the next one of its account.
    pub(super) fn remove(&mut self, place: u32) -> Option<(SessionRow, Handle)> {
        let (chunk, within) = split(place);
        let chunk = self.chunks.get_mut(chunk)?;
        let row = chunk.rows.get_mut(within)?.take()?;
        let next = std::mem::replace(chunk.links.get_mut(within)?, NONE);
        self.free.push(place);
        Some((row, next))
    }
}

const fn split(place: u32) -> (usize, usize) {
    (place as usize / CHUNK, place as usize % CHUNK)
}
