//! Time that stands still and luck that repeats itself.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use ring::hmac;

use crate::clock::{Clock, Entropy, Timestamp};
use crate::error::Broken;

/// A clock that goes only when told. Shared by `Arc`.
#[derive(Debug)]
pub struct FakeClock(AtomicI64);

impl FakeClock {
    /// A clock that shows this moment.
    #[must_use]
    pub const fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.as_millis()))
    }

    /// Puts it to this moment; back, too.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }

    /// Puts it forward, and tells the time.
    pub fn advance(&self, span: Duration) -> Timestamp {
        let now = self.now().after(span);
        self.set(now);
        now
    }
}

impl Default for FakeClock {
    /// A day in September 2001.
    fn default() -> Self {
        Self::at(Timestamp::from_millis(1_000_000_000_000))
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Randomness that is the same at every run: HMAC-SHA-256 of a counter under the seed. Never for anything but tests.
#[derive(Debug)]
pub struct SeededEntropy {
    key: hmac::Key,
    blocks: AtomicU64,
    draws: AtomicU64,
}

impl SeededEntropy {
    /// A generator of its own for each seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &seed.to_be_bytes()),
            blocks: AtomicU64::new(0),
            draws: AtomicU64::new(0),
        }
    }

    /// How often it was asked.
    pub fn draws(&self) -> u64 {
        self.draws.load(Ordering::SeqCst)
    }

    /// A number below `bound` (and 0 when that is 0).
    pub fn below(&self, bound: u64) -> u64 {
        let mut bytes = [0; 8];
        self.draw(&mut bytes);
        u64::from_be_bytes(bytes).checked_rem(bound).unwrap_or(0)
    }

    fn draw(&self, bytes: &mut [u8]) {
        self.draws.fetch_add(1, Ordering::SeqCst);
        for chunk in bytes.chunks_mut(32) {
            let block = self.blocks.fetch_add(1, Ordering::SeqCst);
            let tag = hmac::sign(&self.key, &block.to_be_bytes());
            chunk.copy_from_slice(&tag.as_ref()[..chunk.len()]);
        }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Broken> {
        self.draw(bytes);
        Ok(())
    }
}
