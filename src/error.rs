//! What can break. A "no" is a value of its own type; an `Err` means that something does not work.

use std::error::Error as StdError;

/// Something does not work: the operator must act, the person may only try again later.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// A store failed or cannot be reached.
    #[error(transparent)]
    Store(#[from] StoreError),
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
    /// The caller used the library in a way that it does not support.
    #[error("misuse: {0}")]
    Misuse(&'static str),
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
}

impl StoreError {
    /// Wraps a driver's error without putting its type into the API.
    pub fn driver(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::Driver(Box::new(source))
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
