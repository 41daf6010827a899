//! A password hash as a credential keeps it: the pool's own, or another system's until its owner signs in.

use std::fmt;

use argon2::{Algorithm, Version};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::Zeroizing;

#[cfg(feature = "legacy-hashes")]
use super::legacy::LegacyHash;
use super::phc::Cost;
use super::{Phc, PhcError};

/// A password hash that can be verified, parsed and bounded: whatever asks for more memory or time than the caps
/// allow is refused when it is read, before anything is spent (DESIGN, rule 9).
///
/// Argon2id in a PHC string is always read, parameters in any order, with or without Django's `argon2` before it. The
/// feature `legacy-hashes` adds what other systems wrote: Argon2i and Argon2d, also of version 16; bcrypt (`2a`, `2b`,
/// `2y`, and `2x` for passwords of ASCII), also as Django and passlib put SHA-256 before it; scrypt and PBKDF2 (SHA-1,
/// SHA-256, SHA-512) in the forms of Django, werkzeug, passlib and PHC. The first right password is hashed anew.
#[derive(Clone)]
pub struct StoredHash(pub(super) Kind);

#[derive(Clone)]
pub(super) enum Kind {
    Own(Phc),
    #[cfg(feature = "legacy-hashes")]
    Legacy(LegacyHash),
}

/// How a tag is computed.
#[derive(Clone)]
pub(super) enum Recipe {
    Argon2 {
        algorithm: Algorithm,
        version: Version,
        cost: Cost,
        salt: Vec<u8>,
        tag_bytes: usize,
    },
    #[cfg(feature = "legacy-hashes")]
    Legacy(super::legacy::Scheme),
}

impl StoredHash {
    /// Reads a hash in any of the forms above.
    ///
    /// # Errors
    /// [`PhcError`] says what is wrong with it; it repeats nothing of the text.
    pub fn parse(text: &str) -> Result<Self, PhcError> {
        // Django: `argon2` and a PHC string.
        let phc = text.strip_prefix("argon2").unwrap_or(text);
        if cfg!(feature = "legacy-hashes") && !phc.starts_with("$argon2id$v=19$") {
            return Self::legacy(text);
        }
        Phc::parse(phc).map(Self::from)
    }

    /// The same, made of password and pepper, one after the other: what Devise does where `config.pepper` is set. It
    /// is sealed with the hash and gone with it.
    ///
    /// # Errors
    /// [`PhcError::Unknown`] for another hash than plain bcrypt, [`PhcError::Bounds`] for a
    /// pepper of no bytes or over 1,024, and for a second one.
    #[cfg(feature = "legacy-hashes")]
    pub fn with_pepper(self, pepper: &crate::secret::Secret) -> Result<Self, PhcError> {
        match self.0 {
            Kind::Legacy(hash) => Ok(Self(Kind::Legacy(hash.with_pepper(pepper.expose())?))),
            Kind::Own(_) => Err(PhcError::Unknown),
        }
    }

    /// Its text. A method with a name, not `Display`: a hash is no text for a log.
    pub fn expose(&self) -> Zeroizing<String> {
        match &self.0 {
            Kind::Own(phc) => phc.expose(),
            #[cfg(feature = "legacy-hashes")]
            Kind::Legacy(hash) => hash.expose(),
        }
    }

    /// Whether it is another system's: the library itself writes no such hash.
    pub fn is_legacy(&self) -> bool {
        !matches!(self.0, Kind::Own(_))
    }

    #[cfg(feature = "legacy-hashes")]
    fn legacy(text: &str) -> Result<Self, PhcError> {
        Ok(Self(Kind::Legacy(LegacyHash::parse(text)?)))
    }

    #[cfg(not(feature = "legacy-hashes"))]
    fn legacy(_: &str) -> Result<Self, PhcError> {
        Err(PhcError::Unknown)
    }

    pub(super) fn recipe(&self) -> Recipe {
        match &self.0 {
            Kind::Own(phc) => Recipe::of(phc),
            #[cfg(feature = "legacy-hashes")]
            Kind::Legacy(hash) => hash.recipe(),
        }
    }

    pub(super) fn tag(&self) -> &[u8] {
        match &self.0 {
            Kind::Own(phc) => phc.tag(),
            #[cfg(feature = "legacy-hashes")]
            Kind::Legacy(hash) => hash.tag(),
        }
    }
}

impl Recipe {
    pub(super) fn argon2id(cost: Cost, salt: Vec<u8>, tag_bytes: usize) -> Self {
        Self::Argon2 { algorithm: Algorithm::Argon2id, version: Version::V0x13, cost, salt, tag_bytes }
    }

    pub(super) fn of(phc: &Phc) -> Self {
        Self::argon2id(phc.cost(), phc.salt().to_vec(), phc.tag().len())
    }

    /// What it takes, in KiB that Argon2 fills in one pass; for other algorithms about that.
    pub(super) fn units(&self) -> u64 {
        match self {
            Self::Argon2 { cost, .. } => cost.units(),
            #[cfg(feature = "legacy-hashes")]
            Self::Legacy(scheme) => scheme.units(),
        }
    }
}

impl From<Phc> for StoredHash {
    fn from(phc: Phc) -> Self {
        Self(Kind::Own(phc))
    }
}

impl fmt::Debug for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Own(phc) => phc.fmt(f),
            #[cfg(feature = "legacy-hashes")]
            Kind::Legacy(hash) => hash.fmt(f),
        }
    }
}

impl Serialize for StoredHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.expose())
    }
}

impl<'de> Deserialize<'de> for StoredHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = StoredHash;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a password hash")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<StoredHash, E> {
                StoredHash::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}
