//! The other side of one-time passwords: what a device shows.

use crate::clock::Timestamp;
use crate::factor::{hotp, totp};

/// What an authenticator application shows then, of the `otpauth://totp/..` address that an enrolment proposes.
///
/// # Errors
/// [`totp::UriError`]: what the address has to be, and is not.
pub fn totp_code(otpauth: &str, at: Timestamp) -> Result<String, totp::UriError> {
    totp::shown(otpauth, at)
}

/// What a token shows at this counter.
#[must_use]
pub fn hotp_code(token: &hotp::Token, counter: u64) -> String {
    token.shown(counter)
}
