//! How other systems write a hash.

use std::num::NonZeroU32;
use std::sync::LazyLock;

use argon2::{Algorithm, Version};
use data_encoding::{BASE64, BASE64_NOPAD, Encoding, HEXLOWER_PERMISSIVE, Specification};
use ring::pbkdf2;
use zeroize::Zeroizing;

use super::super::phc::{Cost, PhcError, decimal, named};
use super::super::stored::Recipe;
use super::{Before, Scheme};

type Parsed = (Recipe, Vec<u8>);

/// Reads an ASCII text. The name before the first sign of structure says whose form it is.
pub(super) fn parse(text: &str) -> Result<Parsed, PhcError> {
    if let Some(rest) = text.strip_prefix('$') {
        return modular(rest);
    }
    let (name, rest) = text.split_once('$').ok_or(PhcError::Unknown)?;
    match name {
        "argon2" => modular(rest),
        // The algorithm of its own has its dollar again.
        "bcrypt" => bcrypt(rest.strip_prefix('$').ok_or(PhcError::Malformed)?, &Before::Nothing),
        "bcrypt_sha256" => bcrypt(rest.strip_prefix('$').ok_or(PhcError::Malformed)?, &Before::Sha256Hex),
        "pbkdf2_sha1" => django_pbkdf2(pbkdf2::PBKDF2_HMAC_SHA1, rest),
        "pbkdf2_sha256" => django_pbkdf2(pbkdf2::PBKDF2_HMAC_SHA256, rest),
        "scrypt" => {
            let [rounds, salt, r, p, tag] = fields(rest)?;
            scrypt(log2(rounds)?, decimal(r)?, decimal(p)?, salt.into(), decode(&BASE64, tag)?)
        }
        _ => werkzeug(name, rest),
    }
}

/// `$name$...`: PHC, passlib, crypt.
fn modular(text: &str) -> Result<Parsed, PhcError> {
    let (name, rest) = text.split_once('$').ok_or(PhcError::Malformed)?;
    match name {
        "argon2i" => argon2(Algorithm::Argon2i, rest),
        "argon2d" => argon2(Algorithm::Argon2d, rest),
        "argon2id" => argon2(Algorithm::Argon2id, rest),
        "2a" | "2b" | "2x" | "2y" => bcrypt(text, &Before::Nothing),
        "bcrypt-sha256" => passlib_bcrypt_sha256(rest),
        "scrypt" => {
            let [parameters, salt, tag] = fields(rest)?;
            let [log_n, r, p] = named(parameters, ["ln", "r", "p"])?;
            scrypt(log_n, r, p, decode(&BASE64_NOPAD, salt)?, decode(&BASE64_NOPAD, tag)?)
        }
        "pbkdf2" | "pbkdf2-sha1" => modular_pbkdf2(pbkdf2::PBKDF2_HMAC_SHA1, rest),
        "pbkdf2-sha256" => modular_pbkdf2(pbkdf2::PBKDF2_HMAC_SHA256, rest),
        "pbkdf2-sha512" => modular_pbkdf2(pbkdf2::PBKDF2_HMAC_SHA512, rest),
        _ => Err(PhcError::Unknown),
    }
}

/// `v=19$m=..,t=..,p=..$salt$tag`; without a version it is 16, the only one when none was written.
fn argon2(algorithm: Algorithm, rest: &str) -> Result<Parsed, PhcError> {
    let (version, rest) = match rest.split_once('$') {
        Some(("v=19", rest)) => (Version::V0x13, rest),
        Some(("v=16", rest)) => (Version::V0x10, rest),
        _ => (Version::V0x10, rest),
    };
    let [parameters, salt, tag] = fields(rest)?;
    let cost = Cost::parse(parameters)?;
    let (salt, tag) = (decode(&BASE64_NOPAD, salt)?, decode(&BASE64_NOPAD, tag)?);
    if !(8..=super::MOST_SALT).contains(&salt.len()) {
        return Err(PhcError::Bounds);
    }
    Ok((Recipe::Argon2 { algorithm, version, cost, salt, tag_bytes: tag.len() }, tag))
}

/// `2b$12$` and 53 signs: 22 of salt, 31 of tag.
fn bcrypt(text: &str, before: &Before) -> Result<Parsed, PhcError> {
    let [ident, rounds, both] = fields(text)?;
    let before = match ident {
        "2a" | "2b" | "2y" => before.clone(),
        "2x" if *before == Before::Nothing => Before::AsciiOnly,
        _ => return Err(PhcError::Unknown),
    };
    // Two digits, of which the first may be nought, unlike in PHC.
    if rounds.len() != 2 {
        return Err(PhcError::Malformed);
    }
    let log_rounds = decimal(rounds.strip_prefix('0').unwrap_or(rounds))?;
    let (salt, tag) = both.split_at_checked(22).ok_or(PhcError::Malformed)?;
    bcrypt_of(log_rounds, salt, tag, before)
}

/// `v=2,t=2b,r=12$salt$tag`, or in its first version `2b,12$salt$tag`.
fn passlib_bcrypt_sha256(rest: &str) -> Result<Parsed, PhcError> {
    let [parameters, salt, tag] = fields(rest)?;
    let (rounds, before) = match parameters.strip_prefix("v=2,t=2b,r=") {
        Some(rounds) => (rounds, Before::HmacSha256Base64(salt.to_owned())),
        None => match parameters.split_once(',') {
            Some(("2a" | "2b", rounds)) => (rounds, Before::Sha256Base64),
            _ => return Err(PhcError::Malformed),
        },
    };
    bcrypt_of(decimal(rounds)?, salt, tag, before)
}

fn bcrypt_of(log_rounds: u32, salt: &str, tag: &str, before: Before) -> Result<Parsed, PhcError> {
    let salt = decode(&BCRYPT64, salt)?.try_into().map_err(|_| PhcError::Malformed)?;
    let tag = decode(&BCRYPT64, tag)?;
    if tag.len() != super::BCRYPT_TAG_BYTES {
        return Err(PhcError::Malformed);
    }
    bounded(Scheme::Bcrypt { log_rounds, salt, before, pepper: Zeroizing::default() }, tag)
}

/// `rounds$salt$tag`, the salt as it is.
fn django_pbkdf2(algorithm: pbkdf2::Algorithm, rest: &str) -> Result<Parsed, PhcError> {
    let [rounds, salt, tag] = fields(rest)?;
    pbkdf2(algorithm, decimal(rounds)?, salt.into(), decode(&BASE64, tag)?)
}

/// passlib's `rounds$salt$tag`, in base64 with `.` for `+`; or PHC's `i=rounds,l=32$salt$tag`.
fn modular_pbkdf2(algorithm: pbkdf2::Algorithm, rest: &str) -> Result<Parsed, PhcError> {
    let [rounds, salt, tag] = fields(rest)?;
    if !rounds.contains('=') {
        return pbkdf2(algorithm, decimal(rounds)?, decode(&AB64, salt)?, decode(&AB64, tag)?);
    }
    let tag = decode(&BASE64_NOPAD, tag)?;
    let rounds = match named(rounds, ["i", "l"]) {
        Ok([rounds, bytes]) if bytes as usize == tag.len() => rounds,
        Ok(_) => return Err(PhcError::Malformed),
        Err(_) => named(rounds, ["i"]).map(|[rounds]| rounds)?,
    };
    pbkdf2(algorithm, rounds, decode(&BASE64_NOPAD, salt)?, tag)
}

/// `pbkdf2:sha256:rounds$salt$tag`, `scrypt:n:r:p$salt$tag`: the salt as it is, the tag in hex.
fn werkzeug(method: &str, rest: &str) -> Result<Parsed, PhcError> {
    let [salt, tag] = fields(rest)?;
    let tag = decode(&HEXLOWER_PERMISSIVE, tag)?;
    let mut parts = method.split(':');
    match [parts.next(), parts.next(), parts.next(), parts.next(), parts.next()] {
        [Some("pbkdf2"), Some(digest), Some(rounds), None, None] => {
            let algorithm = match digest {
                "sha1" => pbkdf2::PBKDF2_HMAC_SHA1,
                "sha256" => pbkdf2::PBKDF2_HMAC_SHA256,
                "sha512" => pbkdf2::PBKDF2_HMAC_SHA512,
                _ => return Err(PhcError::Unknown),
            };
            pbkdf2(algorithm, decimal(rounds)?, salt.into(), tag)
        }
        [Some("scrypt"), Some(n), Some(r), Some(p), None] => {
            scrypt(log2(n)?, decimal(r)?, decimal(p)?, salt.into(), tag)
        }
        _ => Err(PhcError::Unknown),
    }
}

fn pbkdf2(
    algorithm: pbkdf2::Algorithm,
    rounds: u32,
    salt: Vec<u8>,
    tag: Vec<u8>,
) -> Result<Parsed, PhcError> {
    let rounds = NonZeroU32::new(rounds).ok_or(PhcError::Bounds)?;
    bounded(Scheme::Pbkdf2 { algorithm, rounds, salt, tag_bytes: tag.len() }, tag)
}

fn scrypt(log_n: u32, r: u32, p: u32, salt: Vec<u8>, tag: Vec<u8>) -> Result<Parsed, PhcError> {
    // Far above the caps, and where the crate's own arithmetic is sure to hold.
    if !(1..=30).contains(&log_n) || !(1..=1 << 14).contains(&r) || !(1..=1 << 10).contains(&p) {
        return Err(PhcError::Bounds);
    }
    let log_n = u8::try_from(log_n).map_err(|_| PhcError::Bounds)?;
    let params = scrypt::Params::new(log_n, r, p).map_err(|_| PhcError::Bounds)?;
    bounded(Scheme::Scrypt { params, salt, tag_bytes: tag.len() }, tag)
}

fn bounded(scheme: Scheme, tag: Vec<u8>) -> Result<Parsed, PhcError> {
    if scheme.is_bounded() { Ok((Recipe::Legacy(scheme), tag)) } else { Err(PhcError::Bounds) }
}

/// The logarithm of a power of two.
fn log2(number: &str) -> Result<u32, PhcError> {
    let number = decimal(number)?;
    if number.is_power_of_two() { Ok(number.trailing_zeros()) } else { Err(PhcError::Bounds) }
}

fn fields<const N: usize>(text: &str) -> Result<[&str; N], PhcError> {
    // One more than wanted, so that what is left over is seen, and a thousand dollars are not collected.
    let parts: Vec<&str> = text.splitn(N + 1, '$').collect();
    parts.try_into().map_err(|_| PhcError::Malformed)
}

fn decode(encoding: &Encoding, text: &str) -> Result<Vec<u8>, PhcError> {
    encoding.decode(text.as_bytes()).map_err(|_| PhcError::Malformed)
}

/// bcrypt's own order of signs. What its last sign carries beyond the last byte is looked at by nobody.
static BCRYPT64: LazyLock<Encoding> =
    LazyLock::new(|| encoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", false));
/// passlib's.
static AB64: LazyLock<Encoding> =
    LazyLock::new(|| encoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./", true));

fn encoding(symbols: &str, check_trailing_bits: bool) -> Encoding {
    let mut specification = Specification::new();
    specification.symbols.push_str(symbols);
    specification.check_trailing_bits = check_trailing_bits;
    // 64 different signs are always an encoding; the other branch is there because input may not reach a panic.
    specification.encoding().unwrap_or(BASE64_NOPAD)
}
