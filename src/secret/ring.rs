use std::fmt;

use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use ring::{hkdf, hmac};
use zeroize::Zeroizing;

use super::{Token, same};
use crate::clock::{Entropy, SystemEntropy};
use crate::error::Broken;

pub(super) type KeyId = [u8; 4];
pub(super) const SALT: usize = 32;

/// A key of 32 bytes. `Debug` prints the name only.
pub struct Key(Zeroizing<[u8; 32]>);

impl Key {
    /// A new key.
    ///
    /// # Errors
    /// When the generator is broken.
    pub fn random(entropy: &dyn Entropy) -> Result<Self, Broken> {
        let mut key = Self(Zeroizing::new([0; 32]));
        entropy.fill(key.0.as_mut_slice())?;
        Ok(key)
    }

    /// A key from where the operator keeps it.
    ///
    /// # Errors
    /// [`Broken::Keys`] when it does not have 32 bytes, or when they are all the same: a placeholder.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Broken> {
        let mut key = Self(Zeroizing::new([0; 32]));
        if bytes.len() != key.0.len() {
            return Err(Broken::Keys("a key must have 32 bytes"));
        }
        if bytes.iter().all(|byte| Some(byte) == bytes.first()) {
            return Err(Broken::Keys("a key whose bytes are all the same is no key"));
        }
        key.0.copy_from_slice(bytes);
        Ok(key)
    }

    /// Names the key in what it sealed. Derived and not chosen: two different keys under one name, or one key under
    /// two, cannot be configured.
    pub(super) fn id(&self) -> KeyId {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, self.expose()), b"propusk key id 1");
        tag.as_ref().first_chunk().copied().unwrap_or_default()
    }

    pub(super) fn expose(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// An account's own key: its personal data is sealed under it, so that to destroy the key is to destroy the data in
/// every backup that does not hold the key's row. At rest it is sealed itself: [`Keys::seal_key`](super::Keys::seal_key).
pub struct DataKey {
    pub(super) key: Key,
    pub(super) sealing: Sealing,
}

impl DataKey {
    /// A new data key.
    ///
    /// # Errors
    /// When the generator is broken.
    pub fn random(entropy: &dyn Entropy) -> Result<Self, Broken> {
        Key::random(entropy).map(Self::new)
    }

    /// A key that whoever holds the token has, and nobody else: the store keeps its hash only.
    pub(crate) fn of(token: &Token) -> Result<Self, Broken> {
        Key::from_bytes(token.secret()).map(Self::new)
    }

    pub(super) fn new(key: Key) -> Self {
        Self { sealing: Sealing::new(&key), key }
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey")
    }
}

/// The operator's keys: the current one seals, the current and the old ones open, the index key makes lookup keys and
/// never changes, because a lookup key that changed would no longer be found.
pub struct KeyRing(Option<Ring>);

pub(super) struct Ring {
    pub(super) current: Key,
    pub(super) old: Vec<Key>,
    pub(super) index: Key,
}

impl KeyRing {
    /// New keys that exist in memory only: for tests and a first try. What was sealed under them is lost with them.
    /// A broken generator shows where the ring is first used, as [`Broken::Entropy`].
    pub fn random() -> Self {
        Self::drawn(&SystemEntropy)
    }

    /// A ring of one key that seals and one that indexes.
    pub fn new(current: Key, index: Key) -> Self {
        Self(Some(Ring { current, old: Vec::new(), index }))
    }

    /// Adds a key that opens and does not seal: one of the past, or one of the future that every node must know
    /// before the first one seals under it.
    #[must_use]
    pub fn with_old(mut self, key: Key) -> Self {
        if let Some(ring) = &mut self.0 {
            ring.old.push(key);
        }
        self
    }

    pub(super) fn drawn(entropy: &dyn Entropy) -> Self {
        match Key::random(entropy).and_then(|current| Ok((current, Key::random(entropy)?))) {
            Ok((current, index)) => Self::new(current, index),
            Err(_) => Self(None),
        }
    }

    pub(super) fn into_parts(self) -> Result<Ring, Broken> {
        let ring = self.0.ok_or(Broken::Entropy)?;
        // One key in both roles would be published by nothing, but it could never be rotated either.
        if std::iter::once(&ring.current).chain(&ring.old).any(|key| same(key.expose(), ring.index.expose()))
        {
            return Err(Broken::Keys("the index key must not be one of the sealing keys"));
        }
        Ok(ring)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyRing")
    }
}

/// A key that seals, extracted once (RFC 5869 section 2.2); expanding for each record is the cheap half.
pub(super) struct Sealing {
    pub(super) id: KeyId,
    root: hkdf::Prk,
}

impl Sealing {
    pub(super) fn new(key: &Key) -> Self {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"propusk seal 1");
        Self { id: key.id(), root: salt.extract(key.expose()) }
    }

    /// The key of one record. 256 random bits of salt do not repeat, so it seals once and its nonce may be constant:
    /// random nonces under one key run out after 2^32 records, derived keys do not.
    pub(super) fn record(&self, salt: &[u8; SALT]) -> Result<LessSafeKey, Broken> {
        let info = [b"record".as_slice(), salt];
        let key = self.root.expand(&info, &AES_256_GCM).map_err(|_| Broken::Sealed)?;
        Ok(LessSafeKey::new(UnboundKey::from(key)))
    }
}
