use std::fmt;
use std::sync::{Mutex, PoisonError};

use zeroize::{Zeroize, Zeroizing};

use crate::clock::Entropy;
use crate::error::Broken;

const BLOCK: usize = 64;

/// Draws 64 bytes at a time from another generator: one system call serves several ids, salts and tokens.
/// No byte is given twice, and what was given is wiped here. More than half a block goes straight through.
pub struct Buffered<E> {
    inner: E,
    block: Mutex<Block>,
}

impl<E: Entropy> Buffered<E> {
    /// Puts a buffer before `inner`.
    pub fn new(inner: E) -> Self {
        Self { inner, block: Mutex::new(Block { bytes: Zeroizing::new([0; BLOCK]), left: 0 }) }
    }
}

impl<E: Entropy> Entropy for Buffered<E> {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Broken> {
        if bytes.len() > BLOCK / 2 {
            return self.inner.fill(bytes);
        }
        // A thread that died while refilling left `left` at zero: nothing half-filled is ever given.
        let mut block = self.block.lock().unwrap_or_else(PoisonError::into_inner);
        if block.left < bytes.len() {
            block.left = 0;
            self.inner.fill(block.bytes.as_mut_slice())?;
            block.left = BLOCK;
        }
        let rest = block.left - bytes.len();
        let drawn = block.bytes.get_mut(rest..rest + bytes.len()).ok_or(Broken::Entropy)?;
        bytes.copy_from_slice(drawn);
        drawn.zeroize();
        block.left = rest;
        Ok(())
    }
}

impl<E> fmt::Debug for Buffered<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Buffered")
    }
}

struct Block {
    bytes: Zeroizing<[u8; BLOCK]>,
    left: usize,
}
