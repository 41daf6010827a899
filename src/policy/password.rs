//! What a password must be (NIST SP 800-63B-4 section 3.1.1.2, ASVS 5.0 section 6.2).
//!
//! What costs hashing (previous passwords) or a network (a breach service) is not judged here.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::LazyLock;

use serde::Serialize;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::hash::MOST_PASSWORD_BYTES;
use crate::id::RuleName;
use crate::secret::Secret;

#[cfg(test)]
mod tests;

/// Decides whether a new password may be set.
pub trait CredentialPolicy: Debug + Send + Sync {
    /// Every rule that the candidate breaks; none: it may be set.
    ///
    /// Called when a password is chosen, never when one is checked: a stricter policy must not shut out people
    /// whose passwords are older.
    #[must_use]
    fn judge(&self, candidate: &Candidate<'_>) -> Vec<BrokenRule>;

    /// The rules, for a page to show before anything is typed.
    fn hints(&self) -> Vec<Rule>;
}

/// A password that somebody wants to set.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// As [`normalise`] made it.
    pub secret: &'a Secret,
    /// What an attacker who knows the person and the service tries first: the service's name, the user name,
    /// the part of an e-mail address before the sign, the digits of a phone. Bounded by the caller.
    pub words: &'a [String],
}

/// A rule by its stable name, with its numbers: `too_short` with `least`, `too_long` with `most_bytes`, `common`,
/// `context`, `not_text`. Policies of an application add their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// The stable name, the same in a hint and in a refusal.
    pub rule: RuleName,
    /// Its numbers by name, for a text in the reader's language.
    pub params: BTreeMap<Cow<'static, str>, u64>,
}

/// A rule that a candidate breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct BrokenRule(pub Rule);

/// Length, the list of common passwords, and words that belong to the person or the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordRules {
    /// Fewest characters: Unicode code points after NFC.
    pub least: usize,
    /// Most bytes of UTF-8 after NFC; never above [`MOST_PASSWORD_BYTES`].
    pub most_bytes: usize,
    /// Refuse what stands in the embedded list of common passwords, upper and lower case alike.
    pub common: bool,
    /// Refuse what is a context word and too little else: less than eight characters remain when every context
    /// word is struck out. The word inside a longer phrase passes, as NIST compares the whole password.
    pub context: bool,
}

impl PasswordRules {
    /// A password that is the only factor: at least 15 characters.
    #[must_use]
    pub const fn nist_aal1() -> Self {
        Self { least: 15, most_bytes: MOST_PASSWORD_BYTES, common: true, context: true }
    }

    /// The public portal: at least 8 characters.
    #[must_use]
    pub const fn public_portal() -> Self {
        Self { least: 8, ..Self::nist_aal1() }
    }
}

impl CredentialPolicy for PasswordRules {
    fn judge(&self, candidate: &Candidate<'_>) -> Vec<BrokenRule> {
        if candidate.secret.expose().len() > self.most_bytes.min(MOST_PASSWORD_BYTES) {
            return vec![BrokenRule(self.too_long())];
        }
        let Ok(text) = str::from_utf8(candidate.secret.expose()) else {
            return vec![BrokenRule(Rule::plain(NOT_TEXT))];
        };
        let folded = fold(text);
        let mut broken = Vec::new();
        if text.chars().count() < self.least {
            broken.push(BrokenRule(self.too_short()));
        }
        if self.common && COMMON.binary_search(&folded.as_str()).is_ok() {
            broken.push(BrokenRule(Rule::plain(COMMON_PASSWORD)));
        }
        if self.context && is_built_of(&folded, candidate.words) {
            broken.push(BrokenRule(Rule::plain(CONTEXT)));
        }
        broken
    }

    fn hints(&self) -> Vec<Rule> {
        let mut rules = vec![self.too_short(), self.too_long()];
        rules.extend(self.common.then(|| Rule::plain(COMMON_PASSWORD)));
        rules.extend(self.context.then(|| Rule::plain(CONTEXT)));
        rules
    }
}

impl PasswordRules {
    fn too_short(&self) -> Rule {
        Rule::counted(TOO_SHORT, "least", self.least)
    }

    fn too_long(&self) -> Rule {
        Rule::counted(TOO_LONG, "most_bytes", self.most_bytes.min(MOST_PASSWORD_BYTES))
    }
}

impl Rule {
    /// A rule without numbers.
    #[must_use]
    pub const fn plain(rule: RuleName) -> Self {
        Self { rule, params: BTreeMap::new() }
    }

    /// A rule with one number.
    #[must_use]
    pub fn counted(rule: RuleName, name: &'static str, number: usize) -> Self {
        Self { rule, params: BTreeMap::from([(Cow::Borrowed(name), number as u64)]) }
    }
}

/// The form in which a password is judged, hashed and verified: NFC, so that the same keys on another device give
/// the same bytes. Nothing else changes: no trimming, no case, no truncation, a NUL stays.
///
/// Everything that a person types as a password passes here first, when it is set and when it is checked.
///
/// # Errors
/// The broken rule: `too_short` for nothing at all (CVE-2017-11365: an empty password must not reach a backend),
/// `too_long` for more than [`MOST_PASSWORD_BYTES`] before or after, `not_text` for what is not UTF-8.
pub fn normalise(typed: &Secret) -> Result<Secret, BrokenRule> {
    let bytes = typed.expose();
    let too_long = || BrokenRule(Rule::counted(TOO_LONG, "most_bytes", MOST_PASSWORD_BYTES));
    // Before NFC: megabytes must not be normalised for an answer that is no anyway (CVE-2013-1443).
    if bytes.len() > MOST_PASSWORD_BYTES {
        return Err(too_long());
    }
    if bytes.is_empty() {
        return Err(BrokenRule(Rule::counted(TOO_SHORT, "least", 1)));
    }
    let text = str::from_utf8(bytes).map_err(|_| BrokenRule(Rule::plain(NOT_TEXT)))?;
    // NFC grows UTF-8 at most threefold (Unicode UAX 15): no reallocation leaves a copy behind.
    let mut normal = String::with_capacity(bytes.len() * 3);
    normal.extend(text.nfc());
    let normal = Secret::new(normal);
    if normal.expose().len() > MOST_PASSWORD_BYTES {
        return Err(too_long());
    }
    Ok(normal)
}

/// Whether too little is left of the candidate once the context words are struck out.
fn is_built_of(folded: &str, words: &[String]) -> bool {
    let mut pieces = BTreeSet::new();
    for word in words {
        let word = fold(&word.nfc().collect::<String>());
        for piece in word.split(|sign: char| !sign.is_alphanumeric()).chain([word.as_str()]) {
            let signs = piece.chars().count();
            if signs < SHORTEST_WORD {
                continue;
            }
            pieces.insert((signs, piece.to_owned()));
            pieces.insert((signs, piece.chars().rev().collect()));
            // A phone without its country code: in Russia it is typed with 8 as often as with +7.
            if signs > NATIONAL_DIGITS && piece.bytes().all(|byte| byte.is_ascii_digit()) {
                pieces.insert((NATIONAL_DIGITS, piece.chars().skip(signs - NATIONAL_DIGITS).collect()));
            }
        }
    }
    let mut left = Zeroizing::new(folded.to_owned());
    // The longest first: striking `ivan` out of `ivanov` would leave `ov` to count.
    for (_, piece) in pieces.iter().rev() {
        if left.contains(piece.as_str()) {
            left = Zeroizing::new(left.replace(piece.as_str(), ""));
        }
    }
    left.len() < folded.len() && left.chars().count() < LEAST_BESIDE_CONTEXT
}

/// Lower case, sign by sign, as the generator of the list does it.
fn fold(text: &str) -> Zeroizing<String> {
    let mut folded = Zeroizing::new(String::with_capacity(text.len() * 3));
    folded.extend(text.chars().flat_map(char::to_lowercase));
    folded
}

/// The list by code point, which in UTF-8 is by byte; its header ends with three dashes.
static COMMON: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let list = include_str!("common/list.txt");
    list.split_once("\n---\n").map_or(list, |(_, list)| list).lines().collect()
});

const TOO_SHORT: RuleName = RuleName::new("too_short");
const TOO_LONG: RuleName = RuleName::new("too_long");
const COMMON_PASSWORD: RuleName = RuleName::new("common");
const CONTEXT: RuleName = RuleName::new("context");
const NOT_TEXT: RuleName = RuleName::new("not_text");
const SHORTEST_WORD: usize = 3;
const NATIONAL_DIGITS: usize = 10;
/// The fewest characters that any profile asks of a whole password.
const LEAST_BESIDE_CONTEXT: usize = 8;
