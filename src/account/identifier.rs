//! Login names: entry is forgiving, storage is canonical, comparison is byte by byte on the canonical form.
//!
//! One rule carries the rest: **what is accepted is a short list, and messages go to the canonical form, never to what
//! was typed.** Two inputs become one identifier only if they are spellings of the same name; a letter that some
//! case folding or compatibility mapping would turn into another letter (`ı`, `K`, `ß`, `ﬀ`) is refused where mail
//! depends on it, so no database collation and no mail server can merge what this module keeps apart
//! (CVE-2019-19844). Canonicalisation is idempotent: the canonical form parses to itself.

mod email;
mod phone;
mod punycode;
mod script;
mod user_name;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::phone::Region;

/// The longest input that is looked at, in bytes: RFC 5321's 64 + 1 + 255. Everything above is refused unread, before
/// any normalisation.
pub const MAX_BYTES: usize = 320;

/// A login name in its canonical form. Equal names are equal values; `Debug` shows the masked form only.
///
/// Deserialising checks that the text is canonical, so a hand-made document is no way around [`Identifier::parse`].
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Identifier {
    kind: IdentifierKind,
    canonical: String,
}

/// What kind of name it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IdentifierKind {
    /// An E.164 number: `+79161234567`.
    Phone,
    /// One addr-spec (RFC 5321 section 4.1.2): `ivan@example.org`, `иван@пример.рф`.
    Email,
    /// A name of the person's own choice: `ivan_petrov`, `иван`.
    UserName,
}

/// Why the text is no identifier. Carries nothing of what was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum IdentifierError {
    /// Nothing but spaces.
    #[error("nothing was typed")]
    Empty,
    /// Over [`MAX_BYTES`].
    #[error("too long for a login name")]
    TooLong,
    /// Control, bidi, invisible or private characters, mixed alphabets, or letters that pass for others.
    #[error("the login name holds characters that deceive")]
    Hostile,
    /// Not an E.164 number of a known country.
    #[error("not a phone number")]
    NotAPhone,
    /// Not exactly one address of the accepted form.
    #[error("not an e-mail address")]
    NotAnEmail,
    /// Not a user name of the accepted form.
    #[error("not a user name")]
    NotAUserName,
}

impl Identifier {
    /// Reads a name of a kind that is guessed from its look: an `@` makes an e-mail address; digits without letters
    /// a phone; anything else a user name.
    ///
    /// Spaces around it, and in phones spaces, dashes, brackets, `8` for `+7` and full-width digits are forgiven.
    ///
    /// # Errors
    /// See [`IdentifierError`]; the text is no name of the guessed kind.
    pub fn parse(typed: &str) -> Result<Self, IdentifierError> {
        let text = bounded(typed)?;
        // The full-width at sign is a hint only: the address itself is then refused.
        let kind = if text.contains(['@', '\u{ff20}']) {
            IdentifierKind::Email
        } else if !text.chars().any(char::is_alphabetic) && text.chars().any(char::is_numeric) {
            IdentifierKind::Phone
        } else {
            IdentifierKind::UserName
        };
        Self::of(kind, text)
    }

    /// Reads a name of this kind and no other.
    ///
    /// # Errors
    /// See [`IdentifierError`].
    pub fn parse_as(kind: IdentifierKind, typed: &str) -> Result<Self, IdentifierError> {
        Self::of(kind, bounded(typed)?)
    }

    /// Phone, e-mail address or user name.
    pub fn kind(&self) -> IdentifierKind {
        self.kind
    }

    /// The canonical form: what is stored, compared and shown to its owner.
    pub fn as_str(&self) -> &str {
        &self.canonical
    }

    /// Where a message goes: a phone as it is, an e-mail address with its domain in A-labels (RFC 5890), so that a
    /// mailer with older IDNA tables cannot send `faß.de` to `fass.de`. `None` for a user name.
    pub fn destination(&self) -> Option<String> {
        match self.kind {
            IdentifierKind::Phone => Some(self.canonical.clone()),
            IdentifierKind::Email => Some(email::wire(&self.canonical)),
            IdentifierKind::UserName => None,
        }
    }

    /// The country a phone's messages are routed and priced by. `None` for what is no phone.
    pub fn region(&self) -> Option<Region> {
        (self.kind == IdentifierKind::Phone).then(|| phone::region(&self.canonical))
    }

    /// Enough for the owner to recognise it, not enough for another to learn it: `+7 916 ***-**-67`,
    /// `i***n@example.org`. The number of stars says nothing of the length.
    pub fn masked(&self) -> String {
        match self.kind {
            IdentifierKind::Phone => phone::masked(&self.canonical),
            IdentifierKind::Email => match self.canonical.rsplit_once('@') {
                Some((local, domain)) => format!("{}@{domain}", masked_word(local)),
                None => masked_word(&self.canonical),
            },
            IdentifierKind::UserName => masked_word(&self.canonical),
        }
    }

    /// Pieces that a password must not be built of, in lower case: the local part, the user name, their parts of
    /// four letters and more, a phone's digits as people write them.
    pub fn words(&self) -> Vec<String> {
        let name = match self.kind {
            IdentifierKind::Phone => return phone::words(&self.canonical),
            IdentifierKind::Email => self.canonical.split('@').next().unwrap_or_default(),
            IdentifierKind::UserName => &self.canonical,
        };
        let parts = name.split(|c: char| !c.is_alphanumeric()).filter(|part| part.chars().count() >= 4);
        let mut words = vec![name.to_owned()];
        words.extend(parts.filter(|part| *part != name).map(str::to_owned));
        words
    }

    fn of(kind: IdentifierKind, text: &str) -> Result<Self, IdentifierError> {
        let canonical = match kind {
            IdentifierKind::Phone => phone::canonical(text)?,
            IdentifierKind::Email => email::canonical(text)?,
            IdentifierKind::UserName => user_name::canonical(text)?,
        };
        Ok(Self { kind, canonical })
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identifier({}, {})", self.kind.as_str(), self.masked())
    }
}

impl IdentifierKind {
    /// The name in rows and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Email => "email",
            Self::UserName => "user_name",
        }
    }
}

impl fmt::Display for IdentifierKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl IdentifierError {
    /// The stable code for problem documents and translations.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "identifier_empty",
            Self::TooLong => "identifier_too_long",
            Self::Hostile => "identifier_hostile",
            Self::NotAPhone => "not_a_phone",
            Self::NotAnEmail => "not_an_email",
            Self::NotAUserName => "not_a_user_name",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    kind: IdentifierKind,
    canonical: String,
}

impl TryFrom<Stored> for Identifier {
    type Error = IdentifierError;

    fn try_from(stored: Stored) -> Result<Self, IdentifierError> {
        let parsed = Self::parse_as(stored.kind, &stored.canonical)?;
        if parsed.canonical == stored.canonical { Ok(parsed) } else { Err(IdentifierError::Hostile) }
    }
}

/// Length before everything else (DESIGN, rule 8), then what no kind of name may hold.
fn bounded(typed: &str) -> Result<&str, IdentifierError> {
    if typed.len() > MAX_BYTES {
        return Err(IdentifierError::TooLong);
    }
    // Tab and newline are not forgiven: they end headers and log lines.
    let text = typed.trim_matches([' ', '\u{a0}']);
    if text.is_empty() {
        return Err(IdentifierError::Empty);
    }
    if text.chars().any(deceives) {
        return Err(IdentifierError::Hostile);
    }
    Ok(text)
}

fn masked_word(word: &str) -> String {
    let mut chars = word.chars();
    match (chars.next(), chars.next_back(), word.chars().count()) {
        (Some(first), Some(last), 4..) => format!("{first}***{last}"),
        (Some(first), _, 3) => format!("{first}***"),
        _ => "***".to_owned(),
    }
}

/// Whether a character has no place in what people read: control, bidi, invisible, private, unassigned.
pub(crate) fn deceives(c: char) -> bool {
    script::deceives(c)
}

/// A text as people read it, for what must not pass for something else.
pub(crate) fn as_read(text: &str) -> String {
    script::as_read(text)
}
