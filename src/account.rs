//! Accounts: who can sign in, under which names, and how sure one is of who they are.

pub mod identifier;
mod personal;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::account::identifier::Identifier;
use crate::clock::Timestamp;
use crate::id::{AccountId, EventId};
use crate::message::{Locale, Preferences};
use crate::store::AccountState;

pub use personal::{BirthDate, BirthDateError, PersonalData};

/// How sure one is of who an account's owner is (NIST: identity assurance level). Ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Level {
    /// A contact was confirmed.
    #[default]
    Simplified,
    /// Documents were checked.
    Standard,
    /// Identity was proven in person, or equally.
    Confirmed,
}

/// An account as an application sees it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Account {
    /// Its id: what an application's own tables refer to.
    pub id: AccountId,
    /// What it may do.
    pub state: AccountState,
    /// How sure one is of its owner.
    pub level: Level,
    /// The name that its owner gave.
    pub name: String,
    /// The birth date, where it was given.
    pub birth_date: Option<BirthDate>,
    /// The language for its messages.
    pub locale: Locale,
    /// When it was made.
    pub created: Timestamp,
    /// Its login names.
    pub identifiers: Vec<Identifier>,
    /// Where its messages go.
    pub contacts: Vec<Identifier>,
    /// What its owner is told of by which channel.
    pub preferences: Preferences,
    /// Why it is locked, if it is. Beside [`AccountState::Disabled`] it is what the account goes back to.
    pub lock: Option<Lock>,
    /// When it is erased, if it is being closed.
    pub erased_at: Option<Timestamp>,
}

/// A lock on an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Lock {
    /// Who set it, and why.
    pub reason: LockReason,
    /// When.
    pub at: Timestamp,
}

/// Why an account is locked; from it follows who may lift the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LockReason {
    /// Its owner asked for it.
    Owner,
    /// Its owner said of something that it was not them.
    NotMe,
    /// The service's desk decided.
    Desk,
    /// A rule of the application did.
    Application,
}

impl LockReason {
    /// The name in events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::NotMe => "not_me",
            Self::Desk => "desk",
            Self::Application => "application",
        }
    }

    /// Whether the owner may lift it by recovery. Any other only [`Auth::unlock`](crate::Auth::unlock) does.
    #[must_use]
    pub const fn is_owners(self) -> bool {
        matches!(self, Self::Owner | Self::NotMe)
    }
}

/// A confirmed phone or e-mail; the `Data` of a factor whose source is contacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The address in canonical form.
    pub address: Identifier,
}

/// What is sealed under the account's data key.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ProfileData {
    #[serde(flatten)]
    pub(crate) who: PersonalData<'static>,
    pub(crate) level: Level,
    pub(crate) locale: Locale,
    pub(crate) terms: String,
    /// Recoveries that wait, or were stopped a short while ago: one of each address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) recoveries: Vec<PendingRecovery>,
    /// Changes of contacts that can be undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) changes: Vec<ContactChanged>,
    /// Its main contacts, where they are not the oldest: one of each kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) main: Vec<Identifier>,
    #[serde(default, skip_serializing_if = "Preferences::is_default")]
    pub(crate) preferences: Preferences,
    // Accounts of an earlier build have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lock: Option<Lock>,
    /// When it was last recovered, or a lock lifted: no link in an older notice locks it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secured: Option<Timestamp>,
    /// It is closed, and erased at this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) closing: Option<Timestamp>,
    /// What a node of a later build wrote beside it: one of this build that rewrites the row drops none of it.
    #[serde(flatten)]
    pub(crate) later: BTreeMap<String, serde_json::Value>,
}

impl ProfileData {
    pub(crate) fn new(who: PersonalData<'static>, locale: Locale, terms: String) -> Self {
        Self {
            who,
            level: Level::default(),
            locale,
            terms,
            recoveries: Vec::new(),
            changes: Vec::new(),
            main: Vec::new(),
            lock: None,
            secured: None,
            closing: None,
            preferences: Preferences::default(),
            later: BTreeMap::new(),
        }
    }

    /// Until when an address settles that a change put there: the contacts before it can undo that, and it recovers and
    /// undoes nothing itself.
    pub(crate) fn settles(&self, address: &Identifier, now: Timestamp) -> Option<Timestamp> {
        let mut changes = self.changes.iter().filter(|one| now < one.until);
        changes.find(|one| one.new.as_ref() == Some(address)).map(|one| one.until)
    }

    /// What the account may do, where it is not switched off.
    pub(crate) fn state(&self, now: AccountState) -> AccountState {
        match now {
            AccountState::Disabled | AccountState::Closed => now,
            _ if self.lock.is_some() => AccountState::Locked,
            _ if self.closing.is_some() => AccountState::Closing,
            _ => AccountState::Active,
        }
    }
}

/// A change of contacts that can be undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ContactChanged {
    /// That of its line in the history.
    pub(crate) id: EventId,
    pub(crate) old: Option<Identifier>,
    pub(crate) new: Option<Identifier>,
    pub(crate) until: Timestamp,
    /// The new one was a login name before: undone, it stays one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) named: bool,
}

/// A recovery by one confirmation, which waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PendingRecovery {
    /// That of its line in the history.
    pub id: EventId,
    /// The address that confirmed it. None else finishes it: whoever holds another one, a number that was given to a new
    /// SIM, has waited for nothing and told nobody (ATTACKS 92).
    pub by: Identifier,
    /// When it was asked for.
    pub asked: Timestamp,
    /// It can be finished then, by the same confirmation again.
    pub ready: Timestamp,
    /// It is over then. Where it was stopped: no other is begun before.
    pub until: Timestamp,
    /// Whether it was stopped.
    pub stopped: bool,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    /// Two builds run side by side: a row that the newer one wrote goes through the older one whole.
    #[test]
    fn what_a_later_build_wrote_is_kept() {
        let text =
            r#"{"name":"Ivan","level":"simplified","locale":"en","terms":"1","pets":{"cats":[1,2.5,null]}}"#;
        let mut profile: ProfileData = serde_json::from_str(text).unwrap();
        profile.locale = Locale::Ru;
        let again = serde_json::to_string(&profile).unwrap();
        assert!(
            again.contains(r#""pets":{"cats":[1,2.5,null]}"#) && again.contains(r#""locale":"ru""#),
            "{again}"
        );
        assert!(again.matches("name").count() == 1 && serde_json::from_str::<ProfileData>(&again).is_ok());
    }
}
