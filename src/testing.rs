//! For the tests of an application or of a store of one's own: contract suites, broken stores, fakes.
//!
//! One line runs the whole contract on a store:
//!
//! ```
//! # use propusk::store::memory::MemoryStore;
//! propusk::testing::store_contract!(MemoryStore::default());
//! # fn main() {}
//! ```
//!
//! Each check is a `#[test]` of its own with a fresh store. Races start at a barrier, count the rounds in which calls
//! really overlapped, and fail below half; `PROPUSK_ROUNDS` says how many rounds (50 by default). A store that keeps
//! its rows, or whose futures need a runtime, says so with [`StoreContract`].
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cloned_ref_to_slice_refs,
    reason = "a check tells by a panic, as every test does, and reads better as rows"
)]

mod answers;
pub mod broken;
mod codes;
mod contract;
mod fakes;
mod kinds;
mod lab;
mod race;
mod suite;
mod throttle;
mod wrappers;

pub use answers::{strict_answers, strict_confirmations};
pub use codes::{hotp_code, totp_code};
pub use contract::{Check, Opened, StoreContract};
pub use fakes::{FakeClock, SeededEntropy};
pub use throttle::ThrottleContract;
pub use wrappers::{Call, CallLog, CountingStore, Fault, FaultyStore, GatedStore};

#[doc(inline)]
pub use crate::{store_contract, throttle_contract};

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// Runs a future to its end on this thread, which sleeps meanwhile. Needs no runtime; a future that wants one is
/// polled inside of it when the caller has entered it.
pub fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}
