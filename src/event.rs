//! The audit log. The history that an owner reads is a view of it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::device::Device;
use crate::id::{AccountId, CredentialId, EventId, EventName, FactorName, Realm};
use crate::policy::Signal;
use crate::proof::{self, Aal, Proof};

/// In the details of a line: what was unlike the others.
pub(crate) const SIGNALS: &str = "signals";

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
    /// Whether it tells how the account came to be what it is. Such events are kept for as long as
    /// [`Retention::changes`](crate::policy::Retention::changes) says, the others for
    /// [`Retention::sign_ins`](crate::policy::Retention::sign_ins).
    pub lasting: bool,
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

/// From where something was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Origin {
    /// The address, as the application saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Browser, system and kind of device.
    pub device: Device,
}

/// What a session's proofs came to when it began or was renewed, computed from them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reached {
    /// NIST SP 800-63B-4 section 2.
    pub aal: Aal,
    /// RFC 8176.
    pub amr: Vec<Cow<'static, str>>,
}

impl Reached {
    pub(crate) fn by(proofs: &[Proof]) -> Self {
        Self { aal: proof::aal(proofs), amr: proof::amr(proofs).into_iter().map(Cow::Borrowed).collect() }
    }
}

/// An event as its owner and operators read it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// Its id; the cursor of the next page.
    pub id: EventId,
    /// When.
    pub at: Timestamp,
    /// What about.
    pub name: EventName,
    /// How it ended.
    pub outcome: Outcome,
    /// From where.
    pub origin: Origin,
    /// Of a proof that was not the last: what it was given for, by the name of the event that this will end in.
    pub during: Option<EventName>,
    /// By which factor.
    pub factor: Option<FactorName>,
    /// By which of its credentials, or about which.
    pub credential: Option<CredentialId>,
    /// Why it was refused, a stable code.
    pub reason: Option<String>,
    /// What the session that it began or renewed had proven.
    pub reached: Option<Reached>,
    /// What an application added of its own.
    pub details: BTreeMap<String, String>,
}

impl Event {
    /// What was unlike the others about a sign-in.
    #[must_use]
    pub fn signals(&self) -> Vec<Signal> {
        self.details.get(SIGNALS).map(|names| Signal::read(names)).unwrap_or_default()
    }
}

/// What an event seals.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Sealed {
    pub(crate) origin: Origin,
    // Events of an earlier build have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) during: Option<EventName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) factor: Option<FactorName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) credential: Option<CredentialId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reached: Option<Reached>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) details: BTreeMap<String, String>,
}

/// The names of the events that the library writes itself. An application's own have a colon in them.
pub mod name {
    use crate::id::EventName;

    /// An account was made.
    pub const SIGN_UP: EventName = EventName::new("sign-up");
    /// An account was brought in from another system.
    pub const IMPORTED: EventName = EventName::new("account-imported");
    /// A sign-in ended, in a session or in a refusal.
    pub const SIGN_IN: EventName = EventName::new("sign-in");
    /// A factor was proven, and more is needed.
    pub const PROVEN: EventName = EventName::new("factor-proven");
    /// A credential was replaced; all other sessions ended.
    pub const CHANGED: EventName = EventName::new("credential-changed");
    /// The application issued a temporary credential; all sessions ended.
    pub const ISSUED: EventName = EventName::new("credential-issued");
    /// The application marked a credential as known to others; all sessions ended.
    pub const COMPROMISED: EventName = EventName::new("credential-compromised");
    /// A credential was added.
    pub const ENROLLED: EventName = EventName::new("credential-added");
    /// A credential was taken away; all other sessions ended.
    pub const REMOVED: EventName = EventName::new("credential-removed");
    /// A session proved more than it was begun with, for an operation.
    pub const STEPPED_UP: EventName = EventName::new("step-up");
    /// A person who lost something is in again; all sessions and trust ended.
    pub const RECOVERED: EventName = EventName::new("recovery");
    /// A recovery by one confirmation was begun, and waits.
    pub const RECOVERY_WAITS: EventName = EventName::new("recovery-waits");
    /// It was stopped.
    pub const RECOVERY_STOPPED: EventName = EventName::new("recovery-stopped");
    /// A contact was added, or put in the place of another; all other sessions ended.
    pub const CONTACT_CHANGED: EventName = EventName::new("contact-changed");
    /// A contact was taken away; all other sessions ended.
    pub const CONTACT_REMOVED: EventName = EventName::new("contact-removed");
    /// A contact became the main one of its kind; all other sessions ended.
    pub const CONTACT_PREFERRED: EventName = EventName::new("contact-preferred");
    /// A change of contacts was undone; all sessions ended.
    pub const CONTACT_UNDONE: EventName = EventName::new("contact-undone");
    /// A browser was trusted to sign in by less.
    pub const TRUSTED: EventName = EventName::new("browser-trusted");
    /// A transaction was approved.
    pub const APPROVED: EventName = EventName::new("transaction-approved");
    /// This session answered for a sign-in elsewhere.
    pub const LETTER: EventName = EventName::new("answered-elsewhere");
    /// A session's refresh token was used twice: the session has ended. That one was used once leaves no line.
    pub const REFRESHED: EventName = EventName::new("session-refresh");
    /// A session was ended by its own client.
    pub const SIGN_OUT: EventName = EventName::new("sign-out");
    /// A browser that holds sessions of several accounts went on in this one.
    pub const SWITCHED: EventName = EventName::new("account-switched");
    /// A session was ended from another.
    pub const SESSION_ENDED: EventName = EventName::new("session-ended");
    /// A browser was forgotten by its account.
    pub const BROWSER_FORGOTTEN: EventName = EventName::new("browser-forgotten");
    /// All other sessions were ended.
    pub const OTHERS_ENDED: EventName = EventName::new("other-sessions-ended");
    /// The application set the account's level.
    pub const LEVEL_SET: EventName = EventName::new("level-set");
    /// The application set the owner's name and birth date.
    pub const PERSONAL_DATA_SET: EventName = EventName::new("personal-data-set");
    /// The account was locked: by its owner, the desk or the application, as the reason says.
    pub const LOCKED: EventName = EventName::new("account-locked");
    /// A lock was lifted.
    pub const UNLOCKED: EventName = EventName::new("account-unlocked");
    /// The account was closed by its owner; all sessions ended.
    pub const CLOSING: EventName = EventName::new("account-closing");
    /// Its owner came back in time.
    pub const REOPENED: EventName = EventName::new("account-reopened");
    /// The account was erased. What its other events sealed is gone.
    pub const CLOSED: EventName = EventName::new("account-closed");
    /// A notice was given up: one of the owner's addresses did not hear of something.
    pub const UNDELIVERED: EventName = EventName::new("notice-undelivered");
    /// The owner set what they are told of by which channel.
    pub const PREFERENCES_SET: EventName = EventName::new("preferences-set");
    /// The account was switched off.
    pub const DISABLED: EventName = EventName::new("account-disabled");
    /// The account was switched on again.
    pub const ENABLED: EventName = EventName::new("account-enabled");
    /// The owner was told of something. It stands in no history: see [`Auth::inbox`](crate::Auth::inbox).
    pub(crate) const NOTICE: EventName = EventName::new("notice");

    /// What leaves the account as it was.
    const PASSING: [EventName; 13] = [
        SIGN_IN,
        PROVEN,
        STEPPED_UP,
        TRUSTED,
        LETTER,
        REFRESHED,
        SWITCHED,
        SIGN_OUT,
        SESSION_ENDED,
        BROWSER_FORGOTTEN,
        OTHERS_ENDED,
        UNDELIVERED,
        NOTICE,
    ];

    /// Whether an event of that name, when it happened, tells how the account came to be what it is. An application's
    /// own do: what they are evidence of, only the application knows.
    pub(crate) fn lasts(name: &EventName) -> bool {
        !PASSING.contains(name)
    }
}
