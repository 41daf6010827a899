use std::error::Error as _;
use std::io;

use deadpool_postgres::{PoolError, TimeoutType};
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::error::StoreError;

/// Why an exchange with the server gave nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// No failure: a precondition does not hold, that of the statement at this place.
    Lost(usize),
    /// Undone by the server for the sake of another transaction: nothing was applied, and it can be sent again.
    Again,
    Unavailable(&'static str),
    Full,
    Corrupt(&'static str),
    Foreign(&'static str),
    Newer {
        found: i64,
        known: i64,
    },
    Driver {
        code: String,
        text: String,
    },
    /// Nothing of the batch was applied.
    Untouched(Box<Failure>),
}

/// What `propusk_must` raises.
const LOST: &str = "PK001";

impl Failure {
    /// What went wrong with the statement at this place.
    pub(super) fn of(error: Error, place: usize) -> Self {
        let undone = error.as_db_error().is_some_and(undoes);
        match Self::told(error, place) {
            failure @ (Self::Lost(_) | Self::Again) => failure,
            failure if undone => Self::Untouched(Box::new(failure)),
            failure => failure,
        }
    }

    fn told(error: Error, place: usize) -> Self {
        let Some(cause) = error.as_db_error() else {
            return match error.source() {
                Some(io) if io.is::<io::Error>() => Self::Unavailable(BROKE),
                _ if error.is_closed() => Self::Unavailable(BROKE),
                _ => Self::Driver { code: String::new(), text: error.to_string() },
            };
        };
        let code = cause.code();
        if code.code() == LOST {
            return Self::Lost(place);
        }
        match *code {
            SqlState::T_R_DEADLOCK_DETECTED | SqlState::T_R_SERIALIZATION_FAILURE => Self::Again,
            SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
                Self::Unavailable("the server refuses the user or the password")
            }
            SqlState::UNDEFINED_DATABASE => Self::Unavailable("the server has no database of that name"),
            SqlState::TOO_MANY_CONNECTIONS => Self::Unavailable("the server takes no more connections"),
            SqlState::CANNOT_CONNECT_NOW => Self::Unavailable("the server is starting or stopping"),
            SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN => {
                Self::Unavailable("the server ended the connection")
            }
            SqlState::QUERY_CANCELED | SqlState::LOCK_NOT_AVAILABLE => {
                Self::Unavailable("the server gave the work up, for it took too long")
            }
            SqlState::READ_ONLY_SQL_TRANSACTION => Self::Unavailable(STANDBY),
            // So a standby refuses BEGIN READ WRITE. The routine tells it in every language of the server; the code alone
            // may mean a plan that another node's change of the schema has spoilt.
            SqlState::FEATURE_NOT_SUPPORTED if cause.routine() == Some("call_bool_check_hook") => {
                Self::Unavailable(STANDBY)
            }
            SqlState::INSUFFICIENT_PRIVILEGE => {
                Self::Unavailable("the user may not read and write this library's schema")
            }
            SqlState::DISK_FULL => Self::Full,
            SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => {
                Self::Corrupt("the server found damaged pages")
            }
            SqlState::UNDEFINED_TABLE | SqlState::UNDEFINED_COLUMN | SqlState::UNDEFINED_FUNCTION => {
                Self::Corrupt("a table or function of this library's schema is not there")
            }
            // Without its detail, which quotes rows.
            _ => Self::Driver { code: code.code().to_owned(), text: cause.message().to_owned() },
        }
    }
}

/// Whether the server says by it that it undoes the transaction: by an ERROR it does. What ends the connection (FATAL)
/// or all of them (PANIC) may come in the place of the answer to a COMMIT that was done, and of two codes it is the
/// meaning that nobody knows. So it is of the class of broken connections, which a proxy tells of the one behind it.
fn undoes(cause: &DbError) -> bool {
    let unknown = [SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN, SqlState::TRANSACTION_RESOLUTION_UNKNOWN];
    let broke = cause.code().code().starts_with("08");
    cause.parsed_severity() == Some(Severity::Error) && !unknown.contains(cause.code()) && !broke
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::told(error, 0)
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Timeout(TimeoutType::Wait) => {
                Self::Untouched(Box::new(Self::Unavailable("all connections of the pool are in use")))
            }
            PoolError::Timeout(_) => Self::Unavailable(UNREACHABLE),
            PoolError::Backend(error) => match error.source() {
                _ if error.to_string().starts_with(HANDSHAKE) => Self::Unavailable(handshake(&error)),
                Some(cause) if cause.is::<io::Error>() => Self::Unavailable(UNREACHABLE),
                Some(cause) if cause.to_string() == "password missing" => {
                    Self::Unavailable("the server asks for a password, and the URL has none")
                }
                _ => Self::told(error, 0),
            },
            PoolError::Closed | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                Self::Unavailable("the pool is closed")
            }
        }
    }
}

/// Why there is no TLS with the server. The driver has no type for it.
fn handshake(error: &Error) -> &'static str {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    if cause.contains("does not support TLS") {
        "the server speaks no TLS"
    } else if cause.contains("invalid peer certificate") {
        "the server's certificate is not for this host, not of now, or not signed by a root that is trusted"
    } else {
        "the TLS handshake with the server failed"
    }
}

const HANDSHAKE: &str = "error performing TLS handshake";

impl Failure {
    /// As who commits a batch is told it, who may hold something for it. Nobody else is.
    pub(super) fn of_commit(self) -> StoreError {
        match self {
            untouched @ (Self::Again | Self::Untouched(_)) => StoreError::from(untouched).untouched(),
            other => other.into(),
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
            Failure::Driver { code, text } => Self::driver(PostgresError { code, text }),
            Failure::Again => Self::Unavailable("too many transactions wait for one another"),
            Failure::Untouched(inner) => Self::from(*inner),
            Failure::Lost(_) => Self::Corrupt("a statement without a precondition lost one"),
        }
    }
}

/// What PostgreSQL or its driver said, without their crates' types.
#[derive(Debug, thiserror::Error)]
#[error("PostgreSQL: {text} (SQLSTATE {code})")]
struct PostgresError {
    code: String,
    text: String,
}

const BROKE: &str = "the connection broke; whether the commit was applied is not known";
const STANDBY: &str = "the server is a standby, or read-only";
const UNREACHABLE: &str = "the server cannot be reached";
pub(super) const LATE: &str =
    "the server does not answer in time; whether the commit is applied is not known";
