//! The audit log. The history that an owner reads is a view of it.

use crate::clock::Timestamp;
use crate::id::{AccountId, EventId, EventName, Realm};

/// How what an event tells of ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Outcome {
    /// It happened.
    Done = 0,
    /// It was refused.
    Refused = 1,
    /// It was begun and never finished.
    TimedOut = 2,
}

impl Outcome {
    /// The outcome that a store's number means.
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Done),
            1 => Some(Self::Refused),
            2 => Some(Self::TimedOut),
            _ => None,
        }
    }

    /// The name in JSON and CSV.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::TimedOut => "timed_out",
        }
    }
}

/// An event at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Its id; ids grow with time.
    pub id: EventId,
    /// The realm that it belongs to.
    pub realm: Realm,
    /// Whose it is; none when the identifier belongs to nobody.
    pub account: Option<AccountId>,
    /// When.
    pub at: Timestamp,
    /// What about.
    pub name: EventName,
    /// How it ended.
    pub outcome: Outcome,
    /// From where, by what, why: sealed, under the account's data key where there is an account.
    pub sealed: Vec<u8>,
}

/// Which of an account's events to read, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventPage {
    /// Only events before this one: the last id of the page before.
    pub before: Option<EventId>,
    /// Only events at or after this moment.
    pub since: Option<Timestamp>,
    /// Only events before this moment.
    pub until: Option<Timestamp>,
    /// Only these outcomes.
    pub outcome: Option<Outcome>,
    /// At most so many; stores give no more than 1,000.
    pub limit: usize,
}

impl EventPage {
    /// The newest `limit` events.
    pub fn newest(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }
}
