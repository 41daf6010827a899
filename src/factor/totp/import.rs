//! `otpauth://totp/..` addresses of other systems: read within bounds, refused with the reason.

use data_encoding::BASE32_NOPAD;
use zeroize::Zeroizing;

use super::TotpScheme;
use crate::otp::Algorithm;

/// What an `otpauth` address has to be, and is not. None of these says a word of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// Longer than 4,096 bytes.
    #[error("an otpauth address has at most 4,096 bytes")]
    TooLong,
    /// Of another kind (`hotp`, `https`), or without a query.
    #[error("the address does not begin with otpauth://totp/ and have a secret")]
    Kind,
    /// There is none, or more than one, or it is not Base32 of 16 to 64 bytes (RFC 4226 section 4, R6).
    #[error("the secret is not one Base32 text of 16 to 64 bytes")]
    Key,
    /// None of SHA1, SHA256, SHA512, or said twice.
    #[error("the algorithm is none of SHA1, SHA256 and SHA512")]
    Algorithm,
    /// Not 6 or 8, or said twice.
    #[error("codes have 6 or 8 digits")]
    Digits,
    /// Not 15 to 300 seconds, or said twice.
    #[error("a step has 15 to 300 seconds")]
    Period,
}

/// The key in the form that is kept, and the scheme. Label, issuer and members of other systems (`image`) are passed
/// over: whose key it is, the caller says.
pub(super) fn read(uri: &str) -> Result<(Zeroizing<String>, TotpScheme), UriError> {
    if uri.len() > MOST_BYTES {
        return Err(UriError::TooLong);
    }
    let (kind, query) = uri.split_once('?').ok_or(UriError::Kind)?;
    let begins = kind.get(..PREFIX.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(PREFIX));
    if !begins {
        return Err(UriError::Kind);
    }
    let query = query.split('#').next().unwrap_or_default();
    let (mut key, mut algorithm, mut digits, mut period) = (None, None, None, None);
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let (member, twice) = match name {
            "secret" => (&mut key, UriError::Key),
            "algorithm" => (&mut algorithm, UriError::Algorithm),
            "digits" => (&mut digits, UriError::Digits),
            "period" => (&mut period, UriError::Period),
            _ => continue,
        };
        // Two of a kind: two readers may take another one each.
        if member.replace(value).is_some() {
            return Err(twice);
        }
    }
    let algorithm = match algorithm.map(str::to_ascii_uppercase).as_deref() {
        None | Some("SHA1" | "HMACSHA1") => Algorithm::Sha1,
        Some("SHA256" | "HMACSHA256") => Algorithm::Sha256,
        Some("SHA512" | "HMACSHA512") => Algorithm::Sha512,
        Some(_) => return Err(UriError::Algorithm),
    };
    let digits = match digits.unwrap_or("6") {
        "6" => 6,
        "8" => 8,
        _ => return Err(UriError::Digits),
    };
    let period = number(period.unwrap_or("30")).ok_or(UriError::Period)?;
    let scheme = TotpScheme::new(algorithm, digits, period).ok_or(UriError::Period)?;
    Ok((base32(key.ok_or(UriError::Key)?).ok_or(UriError::Key)?, scheme))
}

// Plain digits and no more of them than a period has: neither a sign nor a leading nought that another reader takes for
// octal.
fn number(text: &str) -> Option<u32> {
    let plain = text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| plain)
}

// In capitals and without padding, as an address of ours has it; written by hand it has spaces and small letters.
fn base32(text: &str) -> Option<Zeroizing<String>> {
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    let mut rest = text.trim_end_matches('=');
    while let Some(padding) = rest.strip_suffix("%3D").or_else(|| rest.strip_suffix("%3d")) {
        rest = padding;
    }
    let mut signs = rest.chars();
    while let Some(sign) = signs.next() {
        match sign {
            ' ' | '-' | '+' => {}
            '%' if signs.as_str().starts_with("20") => signs = signs.as_str().get(2..)?.chars(),
            _ => plain.push(sign.to_ascii_uppercase()),
        }
    }
    let key = Zeroizing::new(BASE32_NOPAD.decode(plain.as_bytes()).ok()?);
    KEY_BYTES.contains(&key.len()).then(|| Zeroizing::new(BASE32_NOPAD.encode(&key)))
}

const PREFIX: &str = "otpauth://totp/";
const MOST_BYTES: usize = 4096;
const KEY_BYTES: std::ops::RangeInclusive<usize> = 16..=64;
