//! Calls that change something and are no steps of a flow.

/// What came of something that an owner or an operator wanted done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Effect {
    /// It is done.
    Done,
    /// There was nothing to do it to.
    Nothing,
    /// The session that asked has itself ended meanwhile, and changed nothing.
    NoSession,
}

impl Effect {
    /// Whether it is done.
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Done)
    }

    pub(crate) const fn of(done: bool) -> Self {
        if done { Self::Done } else { Self::Nothing }
    }
}
