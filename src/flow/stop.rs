//! Why a step goes no further, so that the code of a step reads straight on. Inside flows only: at the edge a "no" is
//! a value again.

use std::time::Duration;

use super::{Code, Refusal};
use crate::error::Broken;
use crate::observe::{self, Outcome};

/// A "no", or something that does not work.
#[derive(Debug)]
pub(crate) enum Stop {
    No(Box<Refusal>),
    Broken(Broken),
}

/// A step under way.
pub(crate) type Going<T> = Result<T, Stop>;

/// Where every step ends, and is seen.
pub(crate) fn edge<T: Outcome>(
    call: &'static str,
    going: impl Future<Output = Going<T>>,
    refused: fn(Box<Refusal>) -> T,
) -> impl Future<Output = Result<T, Broken>> {
    // A step is kilobytes of state: on the heap it stands once, not once in each future around it.
    let going = Box::pin(going);
    observe::step(call, async move {
        match going.await {
            Ok(end) => Ok(end),
            Err(Stop::No(why)) => Ok(refused(why)),
            Err(Stop::Broken(broken)) => Err(broken),
        }
    })
}

impl From<Refusal> for Stop {
    fn from(why: Refusal) -> Self {
        Self::No(Box::new(why))
    }
}

impl From<Code> for Stop {
    fn from(code: Code) -> Self {
        Refusal::new(code).into()
    }
}

impl<E: Into<Broken>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Broken(error.into())
    }
}

/// Too much is under way: come again then.
pub(crate) fn busy<T>(retry_after: Duration) -> Going<T> {
    Err(Refusal::new(Code::Busy).after(retry_after).into())
}
