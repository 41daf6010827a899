//! What can break. A "no" is a value of its own type; an `Err` means that something does not work.

use std::error::Error as StdError;

use crate::id::FactorName;

/// Something does not work: the operator must act, the person may only try again later.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// A store failed or cannot be reached.
    #[error(transparent)]
    Store(StoreError),
    /// A factor failed in a way that is not an answer.
    #[error(transparent)]
    Factor(#[from] FactorError),
    /// The random generator gives nothing.
    #[error("the random generator gives nothing")]
    Entropy,
    /// A sealed row does not open: another key, another place, or damage.
    #[error("a sealed value does not open under this key ring")]
    Sealed,
    /// The store was written under another key ring.
    #[error("this store was written under another key ring")]
    WrongKeys,
    /// A key source gives no usable key.
    #[error("the key source gives no usable key: {0}")]
    Keys(&'static str),
    /// The factors given to the builder and the profile do not go together.
    #[error("the profile {profile} cannot be met: {missing}")]
    Profile {
        /// Its name.
        profile: &'static str,
        /// What is missing, or one too many.
        missing: Missing,
    },
    /// The caller used the library in a way that it does not support.
    #[error("misuse: {0}")]
    Misuse(&'static str),
}

impl From<StoreError> for Broken {
    // Whoever hears of it from here on holds nothing that could be given back.
    fn from(error: StoreError) -> Self {
        Self::Store(error.bare())
    }
}

/// What a profile lacks. A missing factor is named by what it must prove, since any factor that does will serve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Missing {
    /// AAL1.
    #[error("no factor is an authenticator at AAL1 (an e-mail code is none)")]
    Authenticator,
    /// AAL2.
    #[error(
        "AAL2 needs something known and something held by another channel that resists replay (e-mail does not count), \
         or a key that verifies its user; no set of these factors is that"
    )]
    SecondAuthenticator,
    /// AAL3.
    #[error(
        "AAL3 needs a key that resists phishing, cannot be exported and verifies its user (a security key); none of \
         these factors is one"
    )]
    HardwareKey,
    /// Kinds of factor: known, held, is.
    #[error("a sign-in asks for {wanted} kinds of factor, and these factors have {reached}")]
    Kinds {
        /// How many the profile asks for.
        wanted: usize,
        /// How many all factors have together.
        reached: usize,
    },
    /// The profile bars a factor's channel.
    #[error("it bars factors by {channel}, and {factor} is one")]
    Barred {
        /// The factor.
        factor: FactorName,
        /// By what it travels.
        channel: &'static str,
    },
    /// Registration proves less than a sign-in asks for. No flow enrols a second factor at registration yet.
    #[error(
        "who registers by {contact} and {enrolled} proves less than a sign-in asks for, and no further factor can be \
         enrolled at registration yet: leave that contact out of sign_up_contacts, or close registration and import \
         accounts"
    )]
    Registration {
        /// The factor that confirms the contact.
        contact: FactorName,
        /// The factor that is enrolled.
        enrolled: FactorName,
    },
}

/// A store failed. Made by adapters, split by who must act.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Cannot be reached now, or another process holds it; trying again may help.
    #[error("the store is unavailable: {0}")]
    Unavailable(&'static str),
    /// No room left.
    #[error("the store is full")]
    Full,
    /// What it holds cannot be read.
    #[error("the store is damaged: {0}")]
    Corrupt(&'static str),
    /// Written by a later version of this library.
    #[error("the store has schema version {found}, this library knows {known}")]
    Newer {
        /// The version the store is at.
        found: i64,
        /// The newest version that this library knows.
        known: i64,
    },
    /// The file or database holds something else: nothing of it was read or changed.
    #[error("the store's file belongs to another program: {0}")]
    Foreign(&'static str),
    /// These stores, or these settings of a server, cannot keep the contract: what to change.
    #[error("the stores cannot keep the contract: {0}")]
    Unfit(&'static str),
    /// This adapter does not keep that kind of row.
    #[error("this store does not keep {0}")]
    Unsupported(&'static str),
    /// The driver's own error.
    #[error("the store's driver failed")]
    Driver(#[source] Box<dyn StdError + Send + Sync>),
    /// One of the others ([`Self::bare`]), of which it is certain that nothing of the batch was applied, nor will be:
    /// so a [`commit`](crate::store::Commit::commit) tells [`Split`](crate::store::split::Split), which then gives back
    /// what it held for the batch. Of one without this word nobody knows. No other method of a store says it, and a
    /// [`Broken`] never has it.
    #[error(transparent)]
    Untouched(Box<StoreError>),
}

impl StoreError {
    /// Wraps a driver's error without putting its type into the API.
    pub fn driver(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::Driver(Box::new(source))
    }

    /// Says that nothing of the batch was applied. Only where that is certain: of what was possibly recorded nothing
    /// may be given back. A store around another that sends a failed batch again takes the word off ([`Self::bare`])
    /// once any try had ended without it: that the last was not applied says nothing of the one before.
    #[must_use]
    pub fn untouched(self) -> Self {
        match self {
            Self::Untouched(_) => self,
            other => Self::Untouched(Box::new(other)),
        }
    }

    /// Whether that was said of it.
    #[must_use]
    pub const fn is_untouched(&self) -> bool {
        matches!(self, Self::Untouched(_))
    }

    /// What failed, without that word.
    #[must_use]
    pub fn bare(self) -> Self {
        match self {
            Self::Untouched(inner) => inner.bare(),
            other => other,
        }
    }
}

/// A factor failed: an outage behind it, never a wrong answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FactorError {
    /// What the factor depends on does not answer.
    #[error("the factor's provider is unavailable")]
    Unavailable(#[source] Option<Box<dyn StdError + Send + Sync>>),
    /// A stored credential or challenge state cannot be read.
    #[error("stored factor data cannot be read: {0}")]
    Corrupt(&'static str),
    /// The random generator gives nothing.
    #[error("the random generator gives nothing")]
    Entropy,
}

impl From<crate::error::Broken> for FactorError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Factor(error) => error,
            Broken::Entropy => Self::Entropy,
            other => Self::Unavailable(Some(Box::new(other))),
        }
    }
}
