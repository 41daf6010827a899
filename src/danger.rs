//! Switches that weaken something, each with the word in its path, so that a reviewer can search for it.

use crate::hash::HashSettings;

/// Argon2id at its smallest (8 KiB, one pass): **danger**, for tests only. A stolen table of such hashes is
/// guessed at millions of passwords a second.
#[must_use]
pub fn fast_hashing() -> HashSettings {
    HashSettings::below_the_table(8, 1)
}
