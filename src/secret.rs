//! Keys and tokens.

/// Hash of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// From a row.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// For a row.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Routing tag of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Route([u8; 8]);

impl Route {
    /// From a row.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// For a row.
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}
