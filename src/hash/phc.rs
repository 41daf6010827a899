//! A stored password hash: `$argon2id$v=19$m=19456,t=2,p=1$salt$tag`.

use std::fmt;

use data_encoding::BASE64_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::Zeroizing;

/// A password hash in the PHC string format, parsed and bounded.
///
/// Whoever can write one row must not be able to spend the server's memory or time: what asks for more than
/// 256 MiB, 16 passes, 16 lanes, or 1 GiB in all passes together, is refused here, before anything is allocated
/// (RUSTSEC-2026-0179). Argon2id version 19 only; parameters in any order; no leading zeros, no padding, no
/// unknown or repeated parameter. It is written as m, t, p.
#[derive(Clone)]
pub struct Phc {
    cost: Cost,
    salt: Vec<u8>,
    tag: Zeroizing<Vec<u8>>,
}

/// Why a text is not a hash that can be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PhcError {
    /// Not the PHC string format.
    #[error("not a PHC string")]
    Malformed,
    /// Another algorithm or version than Argon2id 19.
    #[error("not Argon2id version 19")]
    Algorithm,
    /// In no form that is known.
    #[error("not a password hash in a form that is known")]
    Unknown,
    /// Asks for more than the caps allow, or for less than Argon2 is defined for.
    #[error("hash parameters are out of bounds")]
    Bounds,
}

impl Phc {
    /// Reads a stored hash.
    ///
    /// # Errors
    /// [`PhcError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, PhcError> {
        if text.len() > MOST_TEXT {
            return Err(PhcError::Bounds);
        }
        let mut parts = text.split('$');
        if parts.next() != Some("") {
            return Err(PhcError::Malformed);
        }
        if parts.next() != Some("argon2id") || parts.next() != Some("v=19") {
            return Err(PhcError::Algorithm);
        }
        let (Some(parameters), Some(salt), Some(tag), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(PhcError::Malformed);
        };
        let cost = Cost::parse(parameters)?;
        let salt = BASE64_NOPAD.decode(salt.as_bytes()).map_err(|_| PhcError::Malformed)?;
        let tag = BASE64_NOPAD.decode(tag.as_bytes()).map_err(|_| PhcError::Malformed)?;
        if !(8..=64).contains(&salt.len()) || !(16..=64).contains(&tag.len()) {
            return Err(PhcError::Bounds);
        }
        Ok(Self::new(cost, salt, Zeroizing::new(tag)))
    }

    /// The PHC string. A method with a name, not `Display`: a hash is no text for a log.
    pub fn expose(&self) -> Zeroizing<String> {
        let Cost { memory_kib, passes, parallelism } = self.cost;
        Zeroizing::new(format!(
            "$argon2id$v=19$m={memory_kib},t={passes},p={parallelism}${}${}",
            BASE64_NOPAD.encode(&self.salt),
            BASE64_NOPAD.encode(&self.tag)
        ))
    }

    pub(super) fn new(cost: Cost, salt: Vec<u8>, tag: Zeroizing<Vec<u8>>) -> Self {
        Self { cost, salt, tag }
    }

    pub(super) fn cost(&self) -> Cost {
        self.cost
    }

    pub(super) fn salt(&self) -> &[u8] {
        &self.salt
    }

    pub(super) fn tag(&self) -> &[u8] {
        &self.tag
    }
}

impl fmt::Debug for Phc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Phc").field("cost", &self.cost).finish_non_exhaustive()
    }
}

impl Serialize for Phc {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.expose())
    }
}

impl<'de> Deserialize<'de> for Phc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Phc;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a PHC string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Phc, E> {
                Phc::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// What one Argon2id hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) parallelism: u32,
}

impl Cost {
    /// `m`, `t` and `p`, each once, in any order, within the caps.
    pub(super) fn parse(parameters: &str) -> Result<Self, PhcError> {
        let [memory_kib, passes, parallelism] = named(parameters, ["m", "t", "p"])?;
        let cost = Self { memory_kib, passes, parallelism };
        if cost.is_bounded() { Ok(cost) } else { Err(PhcError::Bounds) }
    }

    /// Whether RFC 9106 section 3.1 defines it (8 KiB for each lane at least) and the caps allow it.
    pub(super) fn is_bounded(self) -> bool {
        (1..=MOST_PASSES).contains(&self.passes)
            && (1..=MOST_LANES).contains(&self.parallelism)
            && (self.parallelism * 8..=MOST_MEMORY_KIB).contains(&self.memory_kib)
            && self.units() <= MOST_UNITS
    }

    /// What is left of this cost when so many units are spent, in no more memory; none when that is next to nothing.
    pub(super) fn without(self, spent: u64) -> Option<Self> {
        let left = self.units().saturating_sub(spent);
        let passes = left.div_ceil(u64::from(self.memory_kib.max(1)));
        let memory_kib = left.checked_div(passes)?;
        let rest = Self {
            memory_kib: u32::try_from(memory_kib).ok()?,
            passes: u32::try_from(passes).ok()?,
            parallelism: 1,
        };
        rest.is_bounded().then_some(rest)
    }

    /// KiB filled in all passes: what the time is proportional to.
    pub(super) fn units(self) -> u64 {
        u64::from(self.memory_kib) * u64::from(self.passes)
    }
}

/// The numbers under these names, each once, in any order, and nothing else.
pub(super) fn named<const N: usize>(parameters: &str, names: [&str; N]) -> Result<[u32; N], PhcError> {
    let mut found = [None; N];
    for parameter in parameters.split(',') {
        let (name, value) = parameter.split_once('=').ok_or(PhcError::Malformed)?;
        let place = names.iter().position(|known| *known == name).and_then(|at| found.get_mut(at));
        if place.ok_or(PhcError::Malformed)?.replace(decimal(value)?).is_some() {
            return Err(PhcError::Malformed);
        }
    }
    let mut numbers = [0; N];
    for (number, found) in numbers.iter_mut().zip(found) {
        *number = found.ok_or(PhcError::Malformed)?;
    }
    Ok(numbers)
}

/// A number as PHC writes it: digits, no sign, no leading zero.
pub(super) fn decimal(text: &str) -> Result<u32, PhcError> {
    if text.is_empty()
        || !text.bytes().all(|byte| byte.is_ascii_digit())
        || (text.len() > 1 && text.starts_with('0'))
    {
        return Err(PhcError::Malformed);
    }
    text.parse().map_err(|_| PhcError::Bounds)
}

const MOST_TEXT: usize = 256;
const MOST_MEMORY_KIB: u32 = 256 * 1024;
const MOST_PASSES: u32 = 16;
const MOST_LANES: u32 = 16;
const MOST_UNITS: u64 = 1024 * 1024;
