use std::time::Duration;

use crate::human::HumanFor;
use crate::store::Rate;

/// When who begins something is checked by [`HumanCheck`](crate::human::HumanCheck).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "a setting for each purpose, filled in by applications")]
pub struct HumanPolicy {
    /// Who registers.
    pub sign_up: Check,
    /// Who signs in.
    pub sign_in: Check,
    /// Who recovers.
    pub recover: Check,
    /// How many puzzles one network gets that are solved by waiting alone.
    pub waits: Rate,
}

/// When a check is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Check {
    /// Never.
    Never,
    /// Always.
    Always,
    /// Of a network that has begun so much without one. Never of a client whose address is not known.
    After(Rate),
}

impl HumanPolicy {
    /// Nobody is checked.
    pub const NONE: Self = Self {
        sign_up: Check::Never,
        sign_in: Check::Never,
        recover: Check::Never,
        waits: Rate { uses: 10, per: Duration::from_secs(60) },
    };

    /// When a check is asked for this.
    #[must_use]
    pub const fn of(&self, purpose: HumanFor) -> Check {
        match purpose {
            HumanFor::SignUp => self.sign_up,
            HumanFor::SignIn => self.sign_in,
            HumanFor::Recover => self.recover,
        }
    }
}
