//! Names that cannot be swapped for one another: ids, versions, factor and event names.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::{Clock, Entropy, Timestamp};
use crate::error::Broken;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, ordered by time (RFC 9562 version 7). Never a secret: whoever sees one can guess its like.
            ///
            /// # Errors
            /// When the generator is broken.
            pub fn new(clock: &dyn Clock, entropy: &dyn Entropy) -> Result<Self, Broken> {
                let mut random = [0; 10];
                entropy.fill(&mut random)?;
                let millis = u64::try_from(clock.now().as_millis()).unwrap_or(0);
                Ok(Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()))
            }

            /// The same from a [`Sequence`], so that ids of one process grow even within a millisecond.
            #[allow(dead_code, reason = "not each kind of id is drawn by a flow")]
            pub(crate) fn next(auth: &crate::auth::Inner) -> Result<Self, Broken> {
                let mut random = [0; 10];
                auth.entropy().fill(&mut random)?;
                let tick = auth.sequence.next(&*auth.clock);
                // RFC 9562 section 6.2, method 1: the twelve bits after the milliseconds count.
                let [a, b, ..] = &mut random;
                [*a, *b] = ((tick & 0xfff) as u16).to_be_bytes();
                Ok(Self(uuid::Builder::from_unix_timestamp_millis(tick >> 12, &random).into_uuid()))
            }

            /// The id that these sixteen bytes are, as a store holds it.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The sixteen bytes that a store holds.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = Malformed;
            fn from_str(text: &str) -> Result<Self, Malformed> {
                Uuid::try_parse(text).map(Self).map_err(|_| Malformed)
            }
        }
    )*};
}

ids! {
    /// One account.
    AccountId;
    /// One enrolled instance of a factor, or one contact where a factor's source is contacts.
    CredentialId;
    /// One flow, from its start to its end. What the client holds is its token, not this.
    FlowId;
    /// One session, as its owner sees it in a list. What the client holds is its token, not this.
    SessionId;
    /// One line of the audit log.
    EventId;
    /// One message in the outbox: the idempotency key of its delivery.
    MessageId;
    /// One known browser of one account.
    BrowserId;
}

impl EventId {
    /// The moment that it was drawn, to the millisecond.
    pub(crate) fn at(&self) -> Timestamp {
        let [a, b, c, d, e, f, ..] = *self.as_bytes();
        Timestamp::from_millis(i64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }
}

/// The text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id")]
pub struct Malformed;

/// How often a row has changed: the expectation of a compare-and-swap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub i64);

impl Version {
    /// The version that follows.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// An account's number of the day: a session of an older epoch is dead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub i64);

impl Epoch {
    /// The epoch that follows.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// The next id's place in time: milliseconds and a count.
#[derive(Debug, Default)]
pub(crate) struct Sequence(AtomicU64);

impl Sequence {
    fn next(&self, clock: &dyn Clock) -> u64 {
        let now = u64::try_from(clock.now().as_millis()).unwrap_or(0) << 12;
        let step = |last: u64| Some(now.max(last.wrapping_add(1)));
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, step)
            .map_or(now, |last| now.max(last.wrapping_add(1)))
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Cow<'static, str>);

        impl $name {
            /// A name written in the code.
            pub const fn new(name: &'static str) -> Self {
                Self(Cow::Borrowed(name))
            }

            /// A name read from a row or a request.
            pub fn owned(name: impl Into<String>) -> Self {
                Self(Cow::Owned(name.into()))
            }

            /// The name as it stands in rows and JSON.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

names! {
    /// A factor's stable name: stored with its credentials, used in JSON.
    FactorName;
    /// What an event is about: `sign-in`, `password-changed`, or an application's own.
    EventName;
    /// A message's template.
    TemplateName;
    /// What separates the accounts, keys and tokens of one `Auth` from those of another.
    Realm;
    /// A rule of a credential policy, as refusals and documents call it.
    RuleName;
}
