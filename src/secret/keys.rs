use std::fmt;

use ring::aead::{AES_256_GCM, Aad, Nonce};
use ring::{hkdf, hmac};
use zeroize::Zeroizing;

use super::ring::{KeyId, SALT, Sealing};
use super::{DataKey, Key, KeyRing, Purpose, TokenScope, same};
use crate::clock::Entropy;
use crate::error::Broken;
use crate::id::{AccountId, FactorName, Realm};

/// Where a sealed value belongs. Moved to any other place, it does not open.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// What it is for.
    pub purpose: Purpose,
    /// Whose it is.
    pub account: Option<AccountId>,
    /// The factor that it belongs to.
    pub factor: Option<&'a FactorName>,
    /// The row's own id.
    pub id: &'a [u8],
}

impl<'a> Place<'a> {
    /// A place that has no account and no factor.
    pub const fn new(purpose: Purpose, id: &'a [u8]) -> Self {
        Self { purpose, account: None, factor: None, id }
    }

    /// The same place of one account.
    #[must_use]
    pub const fn of(self, account: AccountId) -> Self {
        Self { account: Some(account), ..self }
    }

    /// The same place of one factor.
    #[must_use]
    pub const fn factor(self, factor: &'a FactorName) -> Self {
        Self { factor: Some(factor), ..self }
    }

    // Every part has a fixed length or its length before it: no two places give the same bytes.
    fn write(&self, out: &mut Vec<u8>) {
        out.push(self.purpose.byte());
        match &self.account {
            Some(account) => {
                out.push(1);
                out.extend_from_slice(account.as_bytes());
            }
            None => out.push(0),
        }
        match self.factor {
            Some(factor) => {
                out.push(1);
                frame(out, factor.as_str().as_bytes());
            }
            None => out.push(0),
        }
        frame(out, self.id);
    }
}

/// A key ring at work in one realm: seals, opens, and makes keyed hashes.
///
/// A sealed value is `version (1) | key id (4) | salt (32) | ciphertext | tag (16)`: AES-256-GCM under a key that
/// HKDF-SHA256 derives for this value alone. Version 1 is sealed under the ring, version 2 under a [`DataKey`].
pub struct Keys {
    realm: Realm,
    scope: TokenScope,
    // The current one first.
    sealing: Vec<Sealing>,
    lookups: hmac::Key,
    codes: hmac::Key,
}

impl Keys {
    /// Puts a ring to work.
    ///
    /// # Errors
    /// [`Broken::Entropy`] when [`KeyRing::random`] found no randomness, [`Broken::Keys`] when the index key is also a
    /// sealing key.
    pub fn new(ring: KeyRing, realm: Realm) -> Result<Self, Broken> {
        let ring = ring.into_parts()?;
        let index = hkdf::Salt::new(hkdf::HKDF_SHA256, b"propusk index 1").extract(ring.index.expose());
        Ok(Self {
            scope: TokenScope::new(&realm),
            sealing: std::iter::once(&ring.current).chain(&ring.old).map(Sealing::new).collect(),
            lookups: index_key(&index, b"lookups", &realm)?,
            codes: index_key(&index, b"codes", &realm)?,
            realm,
        })
    }

    /// The realm that these keys work for.
    pub fn realm(&self) -> &Realm {
        &self.realm
    }

    /// The realm's part of every token hash.
    pub fn scope(&self) -> &TokenScope {
        &self.scope
    }

    /// Seals `plain` to its place under the current key. 53 bytes longer than what went in.
    ///
    /// # Errors
    /// When the generator is broken.
    pub fn seal(&self, entropy: &dyn Entropy, place: &Place<'_>, plain: &[u8]) -> Result<Vec<u8>, Broken> {
        let current = self.sealing.first().ok_or(Broken::Keys("the ring is empty"))?;
        self.seal_with(RING, current, entropy, place, plain)
    }

    /// Opens what was sealed to this place, under the current key or an old one.
    ///
    /// # Errors
    /// [`Broken::Sealed`] on anything else: damage, another place, a foreign key, an unknown version. Nothing is ever
    /// read in another way when that fails (ATTACKS row 52).
    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Broken> {
        let parts = Parts::of(RING, sealed)?;
        // Two keys can share an id by chance; each is tried, and neither opens what the other sealed.
        self.sealing
            .iter()
            .filter(|key| key.id == parts.key)
            .find_map(|key| self.open_with(RING, key, place, &parts).ok())
            .ok_or(Broken::Sealed)
    }

    /// Whether the current key sealed this. If not, seal it again when it is next written.
    #[must_use]
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        Parts::of(RING, sealed).is_ok_and(|parts| self.sealing.first().is_some_and(|key| key.id == parts.key))
    }

    /// Seals personal data under its account's own key.
    ///
    /// # Errors
    /// When the generator is broken.
    pub fn seal_under(
        &self,
        key: &DataKey,
        entropy: &dyn Entropy,
        place: &Place<'_>,
        plain: &[u8],
    ) -> Result<Vec<u8>, Broken> {
        self.seal_with(DATA, &key.sealing, entropy, place, plain)
    }

    /// Opens what [`Keys::seal_under`] sealed.
    ///
    /// # Errors
    /// [`Broken::Sealed`], as for [`Keys::open`].
    pub fn open_under(
        &self,
        key: &DataKey,
        place: &Place<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Broken> {
        let parts = Parts::of(DATA, sealed)?;
        self.open_with(DATA, &key.sealing, place, &parts)
    }

    /// Seals an account's data key under the ring.
    ///
    /// # Errors
    /// When the generator is broken.
    pub fn seal_key(
        &self,
        entropy: &dyn Entropy,
        account: AccountId,
        key: &DataKey,
    ) -> Result<Vec<u8>, Broken> {
        self.seal(entropy, &Place::new(Purpose::DataKey, b"").of(account), key.key.expose())
    }

    /// Opens an account's data key.
    ///
    /// # Errors
    /// [`Broken::Sealed`], as for [`Keys::open`].
    pub fn open_key(&self, account: AccountId, sealed: &[u8]) -> Result<DataKey, Broken> {
        let bytes = self.open(&Place::new(Purpose::DataKey, b"").of(account), sealed)?;
        Key::from_bytes(&bytes).map(DataKey::new).map_err(|_| Broken::Sealed)
    }

    /// A keyed hash that finds a row, or seeds something that must be stable: lookup keys, guard keys, decoys. The
    /// same for good: the index key does not rotate. `parts` are told apart, `["ab", "c"]` is not `["a", "bc"]`.
    pub fn lookup(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        let mut input = Zeroizing::new(Vec::with_capacity(
            1 + parts.iter().map(|part| PREFIX + part.len()).sum::<usize>(),
        ));
        input.push(purpose.byte());
        for part in parts {
            frame(&mut input, part);
        }
        sign(&self.lookups, &input)
    }

    /// The keyed hash of a short code, bound to the place it was made for: without the key, six digits cannot be
    /// searched; in another place, the same digits give another hash. Compare with [`same`](super::same).
    pub fn code_hash(&self, place: &Place<'_>, code: &[u8]) -> [u8; 32] {
        let mut input = Zeroizing::new(Vec::with_capacity(place.id.len() + code.len() + 128));
        place.write(&mut input);
        frame(&mut input, code);
        sign(&self.codes, &input)
    }

    /// What a new store keeps to tell later whether it is opened under the right keys.
    ///
    /// # Errors
    /// When the generator is broken.
    pub fn canary(&self, entropy: &dyn Entropy) -> Result<Vec<u8>, Broken> {
        self.seal(entropy, &CANARY, &self.lookup(Purpose::Canary, &[]))
    }

    /// Looks whether a store's canary is of this ring, this index key and this realm.
    ///
    /// # Errors
    /// [`Broken::WrongKeys`] when it is not.
    pub fn check_canary(&self, sealed: &[u8]) -> Result<(), Broken> {
        let index = self.open(&CANARY, sealed).map_err(|_| Broken::WrongKeys)?;
        // The ring may be right beside a wrong index key: everything would open and nothing would be found.
        if same(&index, &self.lookup(Purpose::Canary, &[])) { Ok(()) } else { Err(Broken::WrongKeys) }
    }

    fn seal_with(
        &self,
        version: u8,
        key: &Sealing,
        entropy: &dyn Entropy,
        place: &Place<'_>,
        plain: &[u8],
    ) -> Result<Vec<u8>, Broken> {
        let mut salt = [0; SALT];
        entropy.fill(&mut salt)?;
        // Room for everything at once: a buffer that grew would leave plain text behind.
        let mut out = Vec::with_capacity(HEADER + plain.len() + AES_256_GCM.tag_len());
        out.push(version);
        out.extend_from_slice(&key.id);
        out.extend_from_slice(&salt);
        out.extend_from_slice(plain);
        let bound = Aad::from(self.bound(version, key.id, place));
        let tag = key
            .record(&salt)?
            .seal_in_place_separate_tag(once(), bound, out.split_at_mut(HEADER).1)
            .map_err(|_| Broken::Misuse("too long to be sealed"))?;
        out.extend_from_slice(tag.as_ref());
        Ok(out)
    }

    fn open_with(
        &self,
        version: u8,
        key: &Sealing,
        place: &Place<'_>,
        parts: &Parts<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, Broken> {
        let bound = Aad::from(self.bound(version, parts.key, place));
        let mut plain = Zeroizing::new(parts.body.to_vec());
        let len = key
            .record(parts.salt)?
            .open_in_place(once(), bound, plain.as_mut_slice())
            .map_err(|_| Broken::Sealed)?
            .len();
        plain.truncate(len);
        Ok(plain)
    }

    fn bound(&self, version: u8, key: KeyId, place: &Place<'_>) -> Vec<u8> {
        let mut out = Vec::with_capacity(128 + self.realm.as_str().len() + place.id.len());
        out.push(version);
        out.extend_from_slice(&key);
        frame(&mut out, self.realm.as_str().as_bytes());
        place.write(&mut out);
        out
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("realm", &self.realm).finish_non_exhaustive()
    }
}

const RING: u8 = 1;
const DATA: u8 = 2;
const HEADER: usize = 1 + size_of::<KeyId>() + SALT;
const PREFIX: usize = size_of::<u64>();
const CANARY: Place<'static> = Place::new(Purpose::Canary, b"canary");

struct Parts<'a> {
    key: KeyId,
    salt: &'a [u8; SALT],
    body: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(version: u8, sealed: &'a [u8]) -> Result<Self, Broken> {
        let split = || {
            let (first, rest) = sealed.split_first()?;
            let (key, rest) = rest.split_first_chunk()?;
            let (salt, body) = rest.split_first_chunk()?;
            (*first == version).then_some(Self { key: *key, salt, body })
        };
        split().ok_or(Broken::Sealed)
    }
}

fn index_key(index: &hkdf::Prk, label: &[u8], realm: &Realm) -> Result<hmac::Key, Broken> {
    // The label has no colon and stands first, the realm takes the rest: no two pairs give the same bytes.
    let info = [label, b":", realm.as_str().as_bytes()];
    let key =
        index.expand(&info, hmac::HMAC_SHA256).map_err(|_| Broken::Keys("the index key derives nothing"))?;
    Ok(hmac::Key::from(key))
}

fn frame(out: &mut Vec<u8>, part: &[u8]) {
    out.extend_from_slice(&(part.len() as u64).to_be_bytes());
    out.extend_from_slice(part);
}

fn sign(key: &hmac::Key, input: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(hmac::sign(key, input).as_ref());
    hash
}

fn once() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}
