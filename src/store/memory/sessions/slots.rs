//! From a tag to places in a slab, eight bytes each.

/// Open addressing with linear probing. A slot is the tag above and the place plus one below; nought is empty. Grows
/// by half, for a table that doubles lies more than half empty most of the time.
#[derive(Default)]
pub(super) struct Slots {
    slots: Vec<u64>,
    used: usize,
}

impl Slots {
    pub(super) fn find(&self, tag: u32, is: impl Fn(u32) -> bool) -> Option<u32> {
        let mut at = self.home(tag);
        loop {
            let slot = self.slots.get(at).copied().filter(|slot| *slot != 0)?;
            if tag_in(slot) == tag && is(place_in(slot)) {
                return Some(place_in(slot));
            }
            at = self.after(at);
        }
    }

    pub(super) fn with_tag(&self, tag: u32) -> Vec<u32> {
        let mut places = vec![];
        let mut at = self.home(tag);
        while let Some(slot) = self.slots.get(at).copied().filter(|slot| *slot != 0) {
            if tag_in(slot) == tag {
                places.push(place_in(slot));
            }
            at = self.after(at);
        }
        places
    }

    pub(super) fn insert(&mut self, tag: u32, place: u32) {
        if (self.used + 1) * 4 > self.slots.len() * 3 {
            let room = (self.slots.len() / 2 * 3).max(8);
            let old = std::mem::replace(&mut self.slots, vec![0; room]);
            for slot in old.into_iter().filter(|slot| *slot != 0) {
                self.place(slot);
            }
        }
        self.used += 1;
        self.place(slot_of(tag, place));
    }

    /// Empties the slot and moves later ones of its run up, so that no run is broken by a hole.
    pub(super) fn remove(&mut self, tag: u32, place: u32) {
        let mut hole = self.home(tag);
        while self.get(hole) != slot_of(tag, place) {
            if self.get(hole) == 0 {
                return;
            }
            hole = self.after(hole);
        }
        self.used -= 1;
        let mut at = hole;
        loop {
            at = self.after(at);
            let slot = self.get(at);
            if slot == 0 {
                break;
            }
            if self.distance(self.home(tag_in(slot)), at) >= self.distance(hole, at) {
                self.set(hole, slot);
                hole = at;
            }
        }
        self.set(hole, 0);
    }

    fn place(&mut self, slot: u64) {
        let mut at = self.home(tag_in(slot));
        while self.get(at) != 0 {
            at = self.after(at);
        }
        self.set(at, slot);
    }

    /// The tag's share of the table, whose length need not be a power of two.
    const fn home(&self, tag: u32) -> usize {
        ((tag as u64 * self.slots.len() as u64) >> 32) as usize
    }

    const fn after(&self, at: usize) -> usize {
        if at + 1 < self.slots.len() { at + 1 } else { 0 }
    }

    const fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from { to - from } else { to + self.slots.len() - from }
    }

    fn get(&self, at: usize) -> u64 {
        self.slots.get(at).copied().unwrap_or(0)
    }

    fn set(&mut self, at: usize, slot: u64) {
        if let Some(there) = self.slots.get_mut(at) {
            *there = slot;
        }
    }
}

const fn slot_of(tag: u32, place: u32) -> u64 {
    (tag as u64) << 32 | place.wrapping_add(1) as u64
}

const fn tag_in(slot: u64) -> u32 {
    (slot >> 32) as u32
}

const fn place_in(slot: u64) -> u32 {
    (slot as u32).wrapping_sub(1)
}
