//! Why a step goes no further, so that the code of a step reads straight on. Inside flows only: at the edge a "no" is
//! a value again.

use super::{Code, Refusal, Step};
use crate::error::{Broken, FactorError, StoreError};

/// A "no", or something that does not work.
#[derive(Debug)]
pub(crate) enum Stop {
    No(Box<Refusal>),
    Broken(Broken),
}

/// A step under way.
pub(crate) type Going<T> = Result<T, Stop>;

impl Step {
    pub(crate) fn of(going: Going<Self>) -> Result<Self, Broken> {
        match going {
            Ok(step) => Ok(step),
            Err(Stop::No(why)) => Ok(Self::Refused(why)),
            Err(Stop::Broken(broken)) => Err(broken),
        }
    }
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

impl From<Broken> for Stop {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Broken(error.into())
    }
}

impl From<FactorError> for Stop {
    fn from(error: FactorError) -> Self {
        Self::Broken(error.into())
    }
}
