use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use ring::digest;
use zeroize::Zeroizing;

use super::{Purpose, base64url};
use crate::clock::Entropy;
use crate::error::Broken;
use crate::id::Realm;

const SECRET: usize = 32;
const ROUTE: usize = 8;
const ROUTED: usize = ROUTE + SECRET;
const TAG: usize = 12;

/// A random bearer token: 32 secret bytes, and for a session the account's [`Route`] before them. Whoever holds it
/// is let in, so a store keeps its [`TokenHash`] only. `Debug` prints the name; no `PartialEq`.
#[derive(Clone)]
pub struct Token {
    // The shorter form lies in the first 32 bytes.
    bytes: Zeroizing<[u8; ROUTED]>,
    len: usize,
}

impl Token {
    /// A new token of 256 random bits, for flows, links and browsers.
    ///
    /// # Errors
    /// When the generator is broken.
    pub fn random(entropy: &dyn Entropy) -> Result<Self, Broken> {
        let mut token = Self { bytes: Zeroizing::new([0; ROUTED]), len: SECRET };
        entropy.fill(token.bytes.split_at_mut(SECRET).0)?;
        Ok(token)
    }

    /// A new session token: `route`, then 256 random bits.
    ///
    /// # Errors
    /// When the generator is broken.
    pub fn routed(route: Route, entropy: &dyn Entropy) -> Result<Self, Broken> {
        let mut token = Self { bytes: Zeroizing::new([0; ROUTED]), len: ROUTED };
        let (head, secret) = token.bytes.split_at_mut(ROUTE);
        head.copy_from_slice(&route.0);
        entropy.fill(secret)?;
        Ok(token)
    }

    /// Reads what a client sent: base64url without padding, 43 or 54 characters, nothing around it. Exactly one text
    /// gives a token: spare bits of the last character must be zero (RFC 4648 section 3.5).
    pub fn parse(text: &str) -> Option<Self> {
        // The length is looked at first: a cookie of a megabyte costs nothing.
        let len = match text.len() {
            43 => SECRET,
            54 => ROUTED,
            _ => return None,
        };
        let mut token = Self { bytes: Zeroizing::new([0; ROUTED]), len };
        BASE64URL_NOPAD.decode_mut(text.as_bytes(), token.bytes.get_mut(..len)?).ok()?;
        Some(token)
    }

    /// The text for the client, for the one time that it is handed out.
    pub fn expose(&self) -> Zeroizing<String> {
        base64url(self.bytes())
    }

    /// The route of a session token; nothing for the shorter form.
    pub fn route(&self) -> Option<Route> {
        match self.bytes().split_first_chunk() {
            Some((route, _)) if self.len == ROUTED => Some(Route(*route)),
            _ => None,
        }
    }

    /// What a store keeps in place of the token: SHA-256 of realm tag, purpose and the whole token. One block of
    /// SHA-256, and not keyed, because 256 random bits cannot be searched. A session's hash is led by its route in
    /// place of the first 64 bits, so that a partitioned store finds it and its account's epoch in one place; the
    /// 192 bits left are beyond any search.
    pub fn hash(&self, scope: &TokenScope, purpose: Purpose) -> TokenHash {
        // Tag and purpose have a fixed length, and what follows them is a whole token: no two inputs collide.
        let mut input = Zeroizing::new([0; TAG + 1 + ROUTED]);
        let (head, rest) = input.split_at_mut(TAG + 1);
        let (tag, kind) = head.split_at_mut(TAG);
        tag.copy_from_slice(&scope.0);
        kind.fill(purpose.byte());
        rest.copy_from_slice(self.bytes.as_slice());
        let hash = TokenHash(sha256(input.split_at(TAG + 1 + self.len).0));
        self.route().map_or(hash, |route| hash.routed(route))
    }

    /// The 256 random bits of it.
    pub(super) fn secret(&self) -> &[u8] {
        self.bytes().split_at(self.len - SECRET).1
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.split_at(self.len).0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// The realm, hashed once into the short tag that stands in every token hash: `keys.scope()`.
#[derive(Clone, Copy, Debug)]
pub struct TokenScope([u8; TAG]);

impl TokenScope {
    /// The scope of a realm.
    pub fn new(realm: &Realm) -> Self {
        let hash = sha256(&[b"propusk realm 1:", realm.as_str().as_bytes()].concat());
        let mut tag = [0; TAG];
        tag.copy_from_slice(hash.split_at(TAG).0);
        Self(tag)
    }
}

/// What a store keeps of a [`Token`]. Compared in ordinary time: a hash tells nothing of the token, and whoever
/// offers tokens cannot choose their hashes (ATTACKS row 48).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash that a store holds.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes for a store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The route that leads a session's hash; of another token's hash, its first bytes.
    pub fn route(&self) -> Route {
        Route(self.0.first_chunk().copied().unwrap_or_default())
    }

    pub(crate) fn routed(mut self, route: Route) -> Self {
        self.0.split_at_mut(ROUTE).0.copy_from_slice(&route.0);
        self
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [.., a, b, c, d] = self.0;
        write!(f, "TokenHash({a:02x}{b:02x}{c:02x}{d:02x})")
    }
}

/// An account's random tag, at the head of its session tokens: puts the account's sessions and its epoch into one
/// place of a partitioned store, and tells nothing of the account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route([u8; ROUTE]);

impl Route {
    /// A new tag.
    ///
    /// # Errors
    /// When the generator is broken.
    pub fn random(entropy: &dyn Entropy) -> Result<Self, Broken> {
        let mut bytes = [0; ROUTE];
        entropy.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The tag that a store holds.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The bytes for a store.
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Route")
    }
}

fn sha256(input: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, input).as_ref());
    hash
}
