//! Secrets: the only place that touches raw key bytes.
//!
//! [`Secret`] carries what a person typed, [`Token`] what the library hands out, [`KeyRing`] what the operator
//! keeps. [`Keys`] seals rows to the place they belong to and makes keyed hashes. ring keeps its own expanded
//! copies of keys and does not wipe them; everything that this module owns is wiped on drop.

mod buffered;
mod keys;
mod ring;
mod source;
#[cfg(test)]
mod tests;
mod token;

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub use self::buffered::Buffered;
pub use self::keys::{Keys, Place};
pub use self::ring::{DataKey, Key, KeyRing};
pub use self::source::{EnvKeys, FileKeys, KeySource};
pub use self::token::{Route, Token, TokenHash, TokenScope};

/// The longest [`Secret`] that is read from a request, in bytes of UTF-8.
pub const SECRET_LIMIT: usize = 4096;

/// Bytes that nobody else may see: a password, a code, an answer. Wiped on drop; `Debug` prints the name only;
/// no `Clone`, `Display`, `Serialize` or `PartialEq`, so that each release of the value is a visible word.
///
/// Deserialises from a string of at most [`SECRET_LIMIT`] bytes. No error repeats what was sent.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over. A `Vec` or `String` is not copied.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// Takes a text over without copying it.
    pub fn text(text: String) -> Self {
        Self::new(text)
    }

    /// The bytes, for the one who checks them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The text, when the bytes are UTF-8.
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// How many bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether both are the same, in a time that depends on their lengths only.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        same(&self.0, &other.0)
    }
}

impl From<Zeroizing<Vec<u8>>> for Secret {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Asked for a string, serde_json reports a number sent instead (a six-digit code without its quotes)
        // with its value; asked for anything, it leaves the complaint to the visitor.
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(SecretVisitor)
        } else {
            deserializer.deserialize_string(SecretVisitor)
        }
    }
}

/// Whether both are the same, in a time that depends on their lengths only.
#[must_use]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

macro_rules! purposes {
    ($($(#[$doc:meta])* $name:ident = $byte:literal, $label:literal;)*) => {
        /// What a secret is for. Part of every hash and of every sealed row's place, so that a secret of one kind
        /// never finds or opens a row of another. Bytes and labels are stored: they never change their meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Purpose {
            $($(#[$doc])* $name = $byte,)*
        }

        impl Purpose {
            /// Every purpose there is, for tests that try each against each.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The byte that stands in hashes and associated data.
            pub const fn byte(self) -> u8 {
                self as u8
            }

            /// The name that stands in rows and logs.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$name => $label,)*
                }
            }
        }
    };
}

purposes! {
    /// A session's token.
    Session = 1, "session";
    /// A flow's token.
    Flow = 2, "flow";
    /// What binds a flow to the browser that started it.
    Binding = 3, "binding";
    /// A known browser's token.
    Browser = 4, "browser";
    /// A once-row.
    Once = 5, "once";
    /// The lookup key of a credential's handle.
    Lookup = 6, "lookup";
    /// A guard's key.
    Guard = 7, "guard";
    /// An identifier.
    Identifier = 8, "identifier";
    /// A credential's row.
    Credential = 9, "credential";
    /// A contact's row.
    Contact = 10, "contact";
    /// An account's own data.
    Account = 11, "account";
    /// An event's details.
    Event = 12, "event";
    /// A message in the outbox.
    Message = 13, "message";
    /// A flow's state.
    FlowState = 14, "flow-state";
    /// A short code.
    Code = 15, "code";
    /// The seed of a decoy.
    Decoy = 16, "decoy";
    /// The sealed value that tells whether a store belongs to this key ring.
    Canary = 17, "canary";
    /// A form's token against cross-site requests.
    FormToken = 18, "form-token";
    /// A throttle's key.
    Throttle = 19, "throttle";
    /// An account's data key, sealed.
    DataKey = 20, "data-key";
    /// The mailbox of a challenge, where another device leaves its letter.
    Mailbox = 21, "mailbox";
    /// That a session's owner has approved a transaction.
    Receipt = 23, "receipt";
    /// A puzzle that a client solves before it begins.
    Puzzle = 25, "puzzle";
    /// A link in a notice, by which its owner objects.
    Objection = 28, "objection";
    /// A token that gets a session its next one.
    Refresh = 30, "refresh";
}

/// Text of URLs, cookies and JSON for bytes: RFC 4648 section 5, without padding.
pub(crate) fn base64url(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(data_encoding::BASE64URL_NOPAD.encode(bytes))
}

struct SecretVisitor;

impl Visitor<'_> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a text of at most {SECRET_LIMIT} bytes")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
        if text.len() > SECRET_LIMIT { Err(too_long()) } else { Ok(Secret::new(text)) }
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Secret, E> {
        let secret = Secret::text(text);
        if secret.len() > SECRET_LIMIT { Err(too_long()) } else { Ok(secret) }
    }

    // serde's own texts for these repeat the value.
    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Secret, E> {
        Err(not_a_text())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Secret, E> {
        Err(not_a_text())
    }

    fn visit_i128<E: de::Error>(self, _: i128) -> Result<Secret, E> {
        Err(not_a_text())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Secret, E> {
        Err(not_a_text())
    }

    fn visit_u128<E: de::Error>(self, _: u128) -> Result<Secret, E> {
        Err(not_a_text())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Secret, E> {
        Err(not_a_text())
    }
}

fn too_long<E: de::Error>() -> E {
    E::custom("the secret is too long")
}

fn not_a_text<E: de::Error>() -> E {
    E::custom("the secret is not a text")
}
