use rusqlite::{Error, ErrorCode};

use crate::error::StoreError;

/// Why a job failed. Can be told to every job of a group, which the public error cannot.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    Unavailable(&'static str),
    Full,
    Corrupt(&'static str),
    Foreign(&'static str),
    Newer {
        found: i64,
        known: i64,
    },
    Driver {
        code: i32,
        text: String,
    },
    /// Nothing of the job stands.
    Untouched(Box<Failure>),
}

pub(super) const THREAD_DIED: Failure = Failure::Unavailable("its thread died in mid-job");

impl Failure {
    pub(super) fn is_busy(&self) -> bool {
        matches!(self, Self::Unavailable(LOCKED))
    }

    pub(super) fn untouched(self) -> Self {
        match self {
            Self::Untouched(_) => self,
            other => Self::Untouched(Box::new(other)),
        }
    }

    /// As who commits a batch is told it, who may hold something for it. Nobody else is.
    pub(super) fn of_commit(self) -> StoreError {
        match self {
            Self::Untouched(inner) => StoreError::from(*inner).untouched(),
            other => other.into(),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let Some(cause) = error.sqlite_error() else {
            return match error {
                Error::FromSqlConversionFailure(..)
                | Error::IntegralValueOutOfRange(..)
                | Error::InvalidColumnType(..)
                | Error::Utf8Error(..) => Self::Corrupt("a column holds what was never written to it"),
                // The texts of what is left name statements and parameters, never a value.
                other => Self::Driver { code: 0, text: other.to_string() },
            };
        };
        match cause.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Unavailable(LOCKED),
            ErrorCode::CannotOpen => Self::Unavailable("the file cannot be opened"),
            ErrorCode::PermissionDenied | ErrorCode::ReadOnly => {
                Self::Unavailable("the file cannot be written by this process")
            }
            ErrorCode::DiskFull => Self::Full,
            ErrorCode::DatabaseCorrupt => Self::Corrupt("pages of the file are damaged"),
            ErrorCode::NotADatabase => Self::Corrupt("the file is not a database"),
            _ => Self::Driver { code: cause.extended_code, text: error.to_string() },
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unavailable(why) => Self::Unavailable(why),
            Failure::Full => Self::Full,
            Failure::Corrupt(what) => Self::Corrupt(what),
            Failure::Foreign(what) => Self::Foreign(what),
            Failure::Newer { found, known } => Self::Newer { found, known },
            Failure::Driver { code, text } => Self::driver(SqliteError { code, text }),
            Failure::Untouched(inner) => Self::from(*inner),
        }
    }
}

/// What SQLite said, without its crate's types.
#[derive(Debug, thiserror::Error)]
#[error("SQLite: {text} (extended code {code})")]
struct SqliteError {
    code: i32,
    text: String,
}

const LOCKED: &str = "another process holds the file";
