//! Hashes of other systems: bcrypt, scrypt, PBKDF2, and Argon2 as it was.
//!
//! They are verified and never made. What is a worse key derivation than Argon2id is so only until its owner's next
//! sign-in; what differs from one system to the next is how the text is written, which is `forms`.

mod forms;
#[cfg(test)]
mod tests;

use std::fmt;
use std::num::NonZeroU32;

use data_encoding::{BASE64, HEXLOWER};
use ring::{digest, hmac, pbkdf2};
use zeroize::Zeroizing;

use super::phc::PhcError;
use super::stored::Recipe;

/// A hash that another system made, parsed and bounded.
#[derive(Clone)]
pub(super) struct LegacyHash {
    text: Zeroizing<String>,
    recipe: Recipe,
    tag: Zeroizing<Vec<u8>>,
}

/// Other algorithms than Argon2.
#[derive(Clone)]
pub(super) enum Scheme {
    Bcrypt { log_rounds: u32, salt: [u8; 16], before: Before, pepper: Zeroizing<Vec<u8>> },
    Scrypt { params: scrypt::Params, salt: Vec<u8>, tag_bytes: usize },
    Pbkdf2 { algorithm: pbkdf2::Algorithm, rounds: NonZeroU32, salt: Vec<u8>, tag_bytes: usize },
}

/// What is done to a password before bcrypt sees it. Everything but `Nothing` and `AsciiOnly` is text without a NUL
/// and shorter than 72 bytes, so nothing of it is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Before {
    Nothing,
    /// `2x`: PHP before 5.3.7 took bytes over 127 for negative numbers. Of ASCII it made what `2y` is.
    AsciiOnly,
    /// Django.
    Sha256Hex,
    /// passlib, its first version.
    Sha256Base64,
    /// passlib, its second version: keyed with the salt as it is written.
    HmacSha256Base64(String),
}

impl LegacyHash {
    pub(super) fn parse(text: &str) -> Result<Self, PhcError> {
        if text.len() > MOST_TEXT {
            return Err(PhcError::Bounds);
        }
        // None of these forms has other signs in it, and no parser below need think of them (RUSTSEC-2026-0199).
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(PhcError::Malformed);
        }
        if let Some((pepper, hash)) = text.strip_prefix(PEPPERED).and_then(|rest| rest.split_once(':')) {
            let pepper = Zeroizing::new(BASE64.decode(pepper.as_bytes()).map_err(|_| PhcError::Malformed)?);
            return Self::parse(hash)?.with_pepper(&pepper);
        }
        let (recipe, tag) = forms::parse(text)?;
        if !TAG_BYTES.contains(&tag.len()) {
            return Err(PhcError::Bounds);
        }
        Ok(Self { text: Zeroizing::new(text.to_owned()), recipe, tag: Zeroizing::new(tag) })
    }

    pub(super) fn with_pepper(mut self, added: &[u8]) -> Result<Self, PhcError> {
        let Recipe::Legacy(Scheme::Bcrypt { before: Before::Nothing, pepper, .. }) = &mut self.recipe else {
            return Err(PhcError::Unknown);
        };
        if !pepper.is_empty() || added.is_empty() || added.len() > MOST_PEPPER {
            return Err(PhcError::Bounds);
        }
        pepper.extend_from_slice(added);
        Ok(self)
    }

    pub(super) fn expose(&self) -> Zeroizing<String> {
        match &self.recipe {
            Recipe::Legacy(Scheme::Bcrypt { pepper, .. }) if !pepper.is_empty() => {
                Zeroizing::new(format!("{PEPPERED}{}:{}", BASE64.encode(pepper), *self.text))
            }
            _ => self.text.clone(),
        }
    }

    pub(super) fn recipe(&self) -> Recipe {
        self.recipe.clone()
    }

    pub(super) fn tag(&self) -> &[u8] {
        &self.tag
    }
}

impl fmt::Debug for LegacyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match &self.recipe {
            Recipe::Argon2 { algorithm, .. } => algorithm.as_str(),
            Recipe::Legacy(Scheme::Bcrypt { .. }) => "bcrypt",
            Recipe::Legacy(Scheme::Scrypt { .. }) => "scrypt",
            Recipe::Legacy(Scheme::Pbkdf2 { .. }) => "pbkdf2",
        };
        f.debug_struct("LegacyHash").field("scheme", &scheme).finish_non_exhaustive()
    }
}

impl Scheme {
    /// A tag, or nothing at all for a password that cannot be the right one: it costs the same.
    pub(super) fn derive(&self, password: &[u8]) -> Zeroizing<Vec<u8>> {
        // HMAC fills its key up with NULs, and bcrypt repeats it after one: `word\0` would pass for `word`, and
        // `word\0word` too. No system with these hashes took a NUL in a password.
        let mut fits = !password.contains(&0);
        let tag = match self {
            Self::Bcrypt { log_rounds, salt, before, pepper } => {
                fits &= *before != Before::AsciiOnly || password.is_ascii();
                let mut key = before.apply(password);
                key.extend_from_slice(pepper);
                key.push(0);
                // What every bcrypt but the newest does to a long password. Here it ends with the next sign-in, whose
                // whole password is then hashed (CVE-2025-22228).
                key.truncate(MOST_BCRYPT_BYTES);
                let mut tag = Zeroizing::new(bcrypt::bcrypt(*log_rounds, *salt, &key).to_vec());
                tag.truncate(BCRYPT_TAG_BYTES);
                tag
            }
            Self::Scrypt { params, salt, tag_bytes } => {
                let mut tag = Zeroizing::new(vec![0; *tag_bytes]);
                fits &= scrypt::scrypt(password, salt, params, &mut tag).is_ok();
                tag
            }
            Self::Pbkdf2 { algorithm, rounds, salt, tag_bytes } => {
                let mut tag = Zeroizing::new(vec![0; *tag_bytes]);
                pbkdf2::derive(*algorithm, *rounds, salt, password, &mut tag);
                tag
            }
        };
        if fits { tag } else { Zeroizing::default() }
    }

    /// In the unit of [`Recipe::units`], as measured on one machine: good enough to say how long a queue is.
    pub(super) fn units(&self) -> u64 {
        match self {
            Self::Bcrypt { log_rounds, .. } => 130 << log_rounds,
            Self::Scrypt { params, .. } => scrypt_kib(params).saturating_mul(u64::from(params.p()) * 3),
            Self::Pbkdf2 { algorithm, rounds, tag_bytes, .. } => {
                u64::from(rounds.get()) * blocks(*algorithm, *tag_bytes)
            }
        }
    }

    /// Whether the caps allow it.
    fn is_bounded(&self) -> bool {
        match self {
            Self::Bcrypt { log_rounds, .. } => BCRYPT_LOG_ROUNDS.contains(log_rounds),
            Self::Scrypt { params, salt, .. } => {
                let memory = scrypt_kib(params);
                salt.len() <= MOST_SALT
                    && params.p() <= MOST_SCRYPT_LANES
                    && memory <= MOST_SCRYPT_KIB
                    && memory.saturating_mul(u64::from(params.p())) <= MOST_SCRYPT_KIB_IN_ALL
            }
            // Each block of the tag takes all rounds again.
            Self::Pbkdf2 { algorithm, rounds, tag_bytes, salt } => {
                let blocks = blocks(*algorithm, *tag_bytes);
                salt.len() <= MOST_SALT
                    && u64::from(rounds.get()).saturating_mul(blocks) <= MOST_PBKDF2_ROUNDS
            }
        }
    }
}

impl Before {
    fn apply(&self, password: &[u8]) -> Zeroizing<Vec<u8>> {
        let base64 = |tag: &[u8]| BASE64.encode(tag).into_bytes();
        // Room for a pepper and the NUL, so that the buffer never moves and leaves a copy behind.
        let mut key = Zeroizing::new(Vec::with_capacity(password.len() + MOST_PEPPER + 64));
        match self {
            Self::Nothing | Self::AsciiOnly => key.extend_from_slice(password),
            Self::Sha256Hex => {
                let tag = digest::digest(&digest::SHA256, password);
                key.extend(HEXLOWER.encode(tag.as_ref()).into_bytes());
            }
            Self::Sha256Base64 => key.extend(base64(digest::digest(&digest::SHA256, password).as_ref())),
            Self::HmacSha256Base64(salt) => {
                let by = hmac::Key::new(hmac::HMAC_SHA256, salt.as_bytes());
                key.extend(base64(hmac::sign(&by, password).as_ref()));
            }
        }
        key
    }
}

/// How often all rounds are taken for a tag of this length (RFC 8018 section 5.2).
fn blocks(algorithm: pbkdf2::Algorithm, tag_bytes: usize) -> u64 {
    let bytes = match algorithm {
        _ if algorithm == pbkdf2::PBKDF2_HMAC_SHA1 => digest::SHA1_OUTPUT_LEN,
        _ if algorithm == pbkdf2::PBKDF2_HMAC_SHA256 => digest::SHA256_OUTPUT_LEN,
        _ => digest::SHA512_OUTPUT_LEN,
    };
    (tag_bytes as u64).div_ceil(bytes as u64)
}

fn scrypt_kib(params: &scrypt::Params) -> u64 {
    params.n().saturating_mul(u64::from(params.r())) / 8
}

/// How a bcrypt hash with a pepper is kept: nobody else writes that.
const PEPPERED: &str = "peppered:";
const MOST_TEXT: usize = 2048;
const MOST_PEPPER: usize = 1024;
const MOST_SALT: usize = 128;
const TAG_BYTES: std::ops::RangeInclusive<usize> = 16..=64;
const BCRYPT_TAG_BYTES: usize = 23;
const MOST_BCRYPT_BYTES: usize = 72;
/// The dearest takes about a second.
const BCRYPT_LOG_ROUNDS: std::ops::RangeInclusive<u32> = 4..=14;
const MOST_SCRYPT_LANES: u32 = 16;
const MOST_SCRYPT_KIB: u64 = 256 * 1024;
const MOST_SCRYPT_KIB_IN_ALL: u64 = 512 * 1024;
/// Of one block. Django 5.2 and werkzeug 3.1 take 1,000,000.
const MOST_PBKDF2_ROUNDS: u64 = 5_000_000;
