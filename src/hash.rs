//! Argon2id (RFC 9106) in threads of its own, with a bounded queue in front of them.
//!
//! A password check takes some 15 ms and 19 MiB. On the runtime's worker it would hold up every other request
//! (a timer was seen 635 ms late under 16 sign-ins); one thread per check would let ten thousand sign-ins take
//! 190 GiB. So: few workers, each with block memory that it keeps between hashes (the first touch of fresh
//! pages is half of the price), and two bounded lanes. What does not fit is told [`Hashed::Busy`] at once.

use std::fmt;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use ring::digest;
use subtle::ConstantTimeEq;

use self::stored::{Kind, Recipe};
use crate::clock::Entropy;
use crate::error::Broken;
use crate::secret::Secret;

pub use self::phc::{Phc, PhcError};
pub(crate) use self::pool::Seat;
pub use self::stored::StoredHash;

#[cfg(feature = "legacy-hashes")]
mod legacy;
mod phc;
mod pool;
mod stored;
#[cfg(test)]
mod tests;

/// What a hash costs and how many may wait. The default is the OWASP set: 19 MiB, two passes, one lane.
///
/// A `parallelism` above one is computed in one thread: it serves hashes that must match another system's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HashSettings {
    /// Memory of one hash in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub passes: u32,
    /// Argon2's lanes.
    pub parallelism: u32,
    /// Threads; the default leaves one core to the rest of the application.
    pub workers: usize,
    /// How many jobs may wait in each [`Lane`]. The default is 128 for each worker, under two seconds of work.
    /// Zero refuses everything.
    pub queue: usize,
    weak: bool,
}

impl Default for HashSettings {
    fn default() -> Self {
        let workers = available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1));
        Self {
            memory_kib: 19_456,
            passes: 2,
            parallelism: 1,
            workers,
            queue: workers.saturating_mul(128),
            weak: false,
        }
    }
}

impl HashSettings {
    /// These settings, if they are neither below the table of OWASP and ASVS 5.0 appendix C (47,104 KiB at one
    /// pass, 19,456 at two, 12,288 from three) nor above what [`Phc`] accepts.
    ///
    /// # Errors
    /// [`Broken::Misuse`] that names the value. Only [`crate::danger`] makes settings that pass below the table.
    pub fn checked(self) -> Result<Self, Broken> {
        let least = match self.passes {
            0 => return Err(Broken::Misuse("Argon2id needs at least one pass")),
            1 => 47_104,
            2 => 19_456,
            _ => 12_288,
        };
        if self.memory_kib < least && !self.weak {
            return Err(Broken::Misuse("Argon2id memory is below the OWASP and ASVS table for these passes"));
        }
        if !self.cost().is_bounded() {
            return Err(Broken::Misuse("Argon2id cost is outside what a stored hash may have"));
        }
        if self.workers == 0 || self.workers > MOST_WORKERS {
            return Err(Broken::Misuse("the hash pool needs between 1 and 1,024 workers"));
        }
        Ok(self)
    }

    pub(crate) fn below_the_table(memory_kib: u32, passes: u32) -> Self {
        Self { memory_kib, passes, weak: true, ..Self::default() }
    }

    fn cost(&self) -> phc::Cost {
        phc::Cost { memory_kib: self.memory_kib, passes: self.passes, parallelism: self.parallelism }
    }
}

/// Who waits. Both lanes are first in, first out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// A known browser of the account. Goes first, so that a flood of strangers cannot shut owners out; but
    /// after three of these in a row one waiting stranger has its turn.
    Known,
    /// Anybody else.
    Stranger,
}

/// The outcome of a job that was offered to the pool.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hashed<T> {
    /// It was computed.
    Done(T),
    /// The lane is full: nothing was computed. The caller gives the reserved try back.
    Busy {
        /// When the queue should have drained, from its length and the measured cost of a hash.
        retry_after: Duration,
    },
}

/// A handle on the pool; clones share its threads.
///
/// The threads start at the first use and end when the last handle is dropped. A future that is dropped while
/// its job waits takes the job with it; once the job runs, the worker finishes it and goes on.
#[derive(Clone)]
pub struct HashPool(Arc<pool::Pool>);

impl HashPool {
    /// A pool that has not started any thread yet.
    ///
    /// # Errors
    /// [`Broken::Misuse`] as [`HashSettings::checked`] says.
    pub fn new(settings: HashSettings) -> Result<Self, Broken> {
        Ok(Self(Arc::new(pool::Pool::new(settings.checked()?))))
    }

    /// Hashes a password under the current cost and a fresh salt of 16 bytes, into a tag of 32.
    ///
    /// # Errors
    /// [`Broken::Misuse`] for a password over [`MOST_PASSWORD_BYTES`] (policy refuses it earlier, as a value),
    /// [`Broken::Entropy`], [`Broken::Factor`] when no thread or no memory can be had.
    pub async fn hash(
        &self,
        lane: Lane,
        password: Secret,
        entropy: &dyn Entropy,
    ) -> Result<Hashed<Phc>, Broken> {
        let mut salt = [0; SALT_BYTES];
        entropy.fill(&mut salt)?;
        let cost = self.0.settings().cost();
        let recipe = Recipe::argon2id(cost, salt.to_vec(), TAG_BYTES);
        let work = pool::Work { password, recipe, expected: None };
        Ok(match self.0.run(lane, work).await? {
            Hashed::Done(tag) => Hashed::Done(Phc::new(cost, salt.to_vec(), tag)),
            Hashed::Busy { retry_after } => Hashed::Busy { retry_after },
        })
    }

    /// Whether the password is the one behind `phc`: [`HashPool::check`] of the pool's own hash.
    ///
    /// # Errors
    /// As [`HashPool::check`].
    pub async fn verify(&self, lane: Lane, password: Secret, phc: &Phc) -> Result<Hashed<bool>, Broken> {
        self.check(lane, password, &phc.clone().into(), None).await
    }

    /// Whether the password is the one behind `stored`, at the cost that it names; tags are compared in constant time.
    ///
    /// A wrong password never costs less than at [`HashPool::decoy`]: what a cheaper hash leaves over is spent on
    /// nothing (CVE-2016-2513). One that is dearer shows; `beside` levels that: while a system's hashes are there, each
    /// wrong password costs one of them and one of the pool's own.
    ///
    /// # Errors
    /// As [`HashPool::hash`], without the generator.
    pub async fn check(
        &self,
        lane: Lane,
        password: Secret,
        stored: &StoredHash,
        beside: Option<&StoredHash>,
    ) -> Result<Hashed<bool>, Broken> {
        let own = self.settings().cost();
        let beside = beside.map(StoredHash::recipe);
        let (fill, also) = match beside {
            _ if !self.needs_rehash(stored) => (None, beside),
            None => (Some(own), None),
            Some(_) if stored.is_legacy() => {
                (None, Some(Recipe::argon2id(own, vec![0; SALT_BYTES], TAG_BYTES)))
            }
            Some(_) => (Some(own), beside),
        };
        let expected = Some(pool::Expected { tag: stored.tag().to_vec().into(), fill, also });
        let work = pool::Work { password, recipe: stored.recipe(), expected };
        Ok(match self.0.run(lane, work).await? {
            Hashed::Done(tag) => Hashed::Done(bool::from(tag.as_slice().ct_eq(stored.tag()))),
            Hashed::Busy { retry_after } => Hashed::Busy { retry_after },
        })
    }

    /// Whether a hash made now would have the same cost and lengths. If not, a right password is hashed again.
    pub fn is_current(&self, phc: &Phc) -> bool {
        phc.cost() == self.0.settings().cost()
            && phc.salt().len() == SALT_BYTES
            && phc.tag().len() == TAG_BYTES
    }

    /// Whether a right password is to be hashed anew: the hash is another system's, or not [current](Self::is_current).
    pub fn needs_rehash(&self, stored: &StoredHash) -> bool {
        match &stored.0 {
            Kind::Own(phc) => !self.is_current(phc),
            #[cfg(feature = "legacy-hashes")]
            Kind::Legacy(_) => true,
        }
    }

    /// A hash of no password, the same for the same seed, at the current cost: an unknown identifier costs what
    /// a known one costs. Nobody has a password for a tag that was drawn, so [`HashPool::verify`] never accepts it.
    pub fn decoy(&self, seed: [u8; 32]) -> Phc {
        let drawn = |label: &[u8], bytes: usize| {
            let mut context = digest::Context::new(&digest::SHA256);
            context.update(label);
            context.update(&seed);
            context.finish().as_ref().iter().copied().take(bytes).collect::<Vec<u8>>()
        };
        let salt = drawn(b"propusk decoy salt", SALT_BYTES);
        Phc::new(self.0.settings().cost(), salt, drawn(b"propusk decoy tag", TAG_BYTES).into())
    }

    /// A seat for work that will end in a job of this lane, or the time after which to come again: each lane has as many
    /// as it has jobs that wait and run. Who is turned away here costs no more than being told so.
    pub(crate) fn seat(&self, lane: Lane) -> Result<Seat, Duration> {
        Seat::take(&self.0, lane)
    }

    /// How many hashes were computed so far. Tests count them: an unknown account that costs fewer gives itself
    /// away.
    pub fn computed(&self) -> u64 {
        self.0.computed()
    }

    /// How many KiB Argon2 has filled so far, each pass counted: what tests compare where the number of hashes is not
    /// enough.
    pub fn filled_kib(&self) -> u64 {
        self.0.filled()
    }

    /// The settings that new hashes are made with.
    pub fn settings(&self) -> &HashSettings {
        self.0.settings()
    }
}

impl fmt::Debug for HashPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashPool").field("settings", self.settings()).finish_non_exhaustive()
    }
}

/// No password above this many bytes is hashed (CVE-2013-1443: megabytes of password exhaust a server).
pub const MOST_PASSWORD_BYTES: usize = 1024;

const SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 32;
const MOST_WORKERS: usize = 1024;
