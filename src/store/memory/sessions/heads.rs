//! Where each account's list of sessions begins.

use std::hash::{BuildHasher, RandomState};

use crate::id::AccountId;
use crate::store::memory::sessions::slots::Slots;
use crate::store::memory::sessions::{Handle, NONE};

/// Sixteen bytes an account at the most. The account's id stands in the row that a head leads to.
#[derive(Default)]
pub(in crate::store::memory) struct Heads {
    slots: Slots,
    // Account ids may come from an import: they are hashed with a key that nobody knows.
    keys: RandomState,
}

impl Heads {
    /// Heads that may be the account's: one or none, and now and then another account's.
    pub(super) fn candidates(&self, account: AccountId) -> Vec<Handle> {
        self.slots.with_tag(self.tag(account))
    }

    /// Puts `new` in the place of `old`; either may be [`NONE`].
    pub(super) fn replace(&mut self, account: AccountId, old: Handle, new: Handle) {
        let tag = self.tag(account);
        if old != NONE {
            self.slots.remove(tag, old);
        }
        if new != NONE {
            self.slots.insert(tag, new);
        }
    }

    fn tag(&self, account: AccountId) -> u32 {
        self.keys.hash_one(account) as u32
    }
}
