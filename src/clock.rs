//! Time and randomness, injected: tests need no sleeping and no luck.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::TryRng;
use rand::rngs::SysRng;
use serde::{Deserialize, Serialize};

use crate::error::Broken;

/// Where the library reads the time. One method, so that a test can hold it still.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The present moment, in UTC.
    fn now(&self) -> Timestamp;
}

/// Shared, so that a test can turn the clock that it gave away.
impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}

/// Where the library draws randomness.
pub trait Entropy: Debug + Send + Sync + 'static {
    /// Fills `bytes` from a cryptographically secure generator.
    ///
    /// # Errors
    /// [`Broken::Entropy`] when the generator gives nothing: the caller stops, it never goes on with what
    /// stood in the buffer before.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Broken>;
}

impl<E: Entropy + ?Sized> Entropy for Arc<E> {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Broken> {
        (**self).fill(bytes)
    }
}

/// How to wait without a runtime of our own: for a check that runs on another node. One-method twin of a
/// runtime's sleep.
pub trait Sleep: Debug + Send + Sync + 'static {
    /// Is done after `span`.
    fn sleep(&self, span: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// A moment: milliseconds since 1970-01-01 00:00 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment that many milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch, as every store holds it.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This moment and `span`; stays at the last moment there is rather than wrap.
    pub const fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// This moment less `span`.
    pub const fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }

    /// How long ago `earlier` was; zero when it lies ahead (a clock that went back).
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// RFC 3339 in UTC with seconds, for people and logs.
    pub fn rfc3339(self) -> String {
        time::OffsetDateTime::from_unix_timestamp(self.0.div_euclid(1000))
            .ok()
            .and_then(|at| at.format(&time::format_description::well_known::Rfc3339).ok())
            .unwrap_or_else(|| String::from("out of range"))
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(span) => Timestamp(millis(span)),
            Err(before) => Timestamp(-millis(before.duration())),
        }
    }
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Broken> {
        SysRng.try_fill_bytes(bytes).map_err(|_| Broken::Entropy)
    }
}

const fn millis(span: Duration) -> i64 {
    let millis = span.as_millis();
    if millis > i64::MAX as u128 { i64::MAX } else { millis as i64 }
}
