//! The one place where steps, store calls, hashes and deliveries are seen: spans and events (feature `tracing`),
//! counters and histograms (feature `metrics`); see [`manual::observing`](crate::manual::observing). With neither
//! feature nothing of it is left.
//!
//! What is told of them are words of this crate, names of registered factors, and times: never what a client sent,
//! nor what belongs to a person.

#[cfg(not(any(feature = "metrics", feature = "tracing")))]
mod off;
#[cfg(any(feature = "metrics", feature = "tracing"))]
mod on;
#[cfg(any(feature = "metrics", feature = "tracing"))]
mod stores;

#[cfg(not(any(feature = "metrics", feature = "tracing")))]
pub(crate) use off::*;
#[cfg(any(feature = "metrics", feature = "tracing"))]
pub(crate) use on::*;
