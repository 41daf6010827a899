//! What a password must be (NIST SP 800-63B-4 section 3.1.1.2, ASVS 5.0 section 6.2, and the custom of a public
//! portal).
//!
//! What costs hashing (previous passwords) or a network (a breach service) is not judged here: the password factor
//! asks a policy how many it remembers and how old one may be, and does the work.

mod common;
mod context;
mod generate;
mod keys;
mod plain;
mod runs;
#[cfg(feature = "strength")]
pub mod strength;
#[cfg(test)]
mod tests;
mod texts;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use serde::Serialize;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::hash::MOST_PASSWORD_BYTES;
use crate::id::RuleName;
use crate::secret::Secret;

pub use generate::Recipe;

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

    /// Each rule, and whether this candidate keeps it: for a page that shows them while somebody types. Costs no
    /// hash; what needs one (previous passwords) is not in it.
    #[must_use]
    fn check(&self, candidate: &Candidate<'_>) -> Vec<Checked> {
        let broken = self.judge(candidate);
        let kept = |rule: &Rule| !broken.iter().any(|broken| broken.0.rule == rule.rule);
        let mut rules: Vec<_> =
            self.hints().into_iter().map(|rule| Checked { kept: kept(&rule), rule }).collect();
        // A rule without a hint (what is no text) is told when it is broken.
        for BrokenRule(rule) in broken {
            if !rules.iter().any(|known| known.rule.rule == rule.rule) {
                rules.push(Checked { rule, kept: false });
            }
        }
        rules
    }

    /// How many of the last passwords, the present one among them, must not be chosen again. Each costs a hash at a
    /// change.
    fn remembers(&self) -> usize {
        1
    }

    /// After so long a password must be replaced: a sign-in by it asks for a new one before there is a session. NIST SP
    /// 800-63B-4 and ASVS 6.2.10 want none, so it is told as a deviation.
    fn max_age(&self) -> Option<Duration> {
        None
    }
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

/// A rule by its stable name, with its numbers. Policies of an application add their own.
///
/// | name | number | what it wants |
/// |---|---|---|
/// | `too_short` | `least` | at least so many characters |
/// | `too_long` | `most_bytes` | no more bytes of UTF-8 |
/// | `not_text` | | UTF-8 |
/// | `no_upper`, `no_lower`, `no_digit`, `no_special` | | such a sign |
/// | `keyboard` | `run` | not so many keys beside one another, on either layout |
/// | `sequence` | `run` | not so many signs in the order of an alphabet |
/// | `repeated` | `run` | not the same sign so often in a row |
/// | `common` | | not what attackers try first |
/// | `context` | | not made of what belongs to the person or the service |
/// | `same`, `reused` | `last` | none of the last passwords (the factor's) |
/// | `breached` | | none that is known from a leak (the factor's) |
/// | `weak` | `least` | an estimate of its strength (feature `strength`) |
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

/// A rule, and whether a candidate keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Checked {
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
    /// Whether it is kept.
    pub kept: bool,
}

/// The rules that this library knows, each of which can be left out. Made by the name of a profile; fields may be
/// adjusted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PasswordRules {
    /// Fewest characters: Unicode code points after NFC.
    pub least: usize,
    /// Most bytes of UTF-8 after NFC; never above [`MOST_PASSWORD_BYTES`].
    pub most_bytes: usize,
    /// Kinds of signs that must be there. NIST and ASVS 6.2.5 forbid it.
    pub classes: Classes,
    /// Refuse so many keys beside one another, on the Latin or the Russian layout; 0 for no such rule. One key less
    /// is refused over several rows and among digits; shorter runs that make up more than two thirds are refused too.
    pub keyboard: usize,
    /// Refuse so many signs in the order of an alphabet, either way; among digits one less; 0 for no such rule.
    pub sequence: usize,
    /// Refuse the same sign so often in a row, and a short piece again and again; 0 for no such rule.
    pub repeated: usize,
    /// Refuse what stands in the embedded list of common passwords, upper and lower case alike.
    pub common: bool,
    /// Refuse also one common word that is dressed up: up to six digits or signs around it, signs for letters, the
    /// other layout, backwards, twice. NIST compares the whole password, so it is on in the portal only.
    pub dressed_up: bool,
    /// Refuse what is a context word and too little else: less than eight characters remain when every context
    /// word is struck out. The word inside a longer phrase passes, as NIST compares the whole password.
    pub context: bool,
    /// How many of the last passwords, the present one among them, must not be chosen again.
    pub remembers: usize,
    /// After so long a password must be replaced, at the next sign-in by it.
    pub max_age: Option<Duration>,
}

/// Kinds of signs that a password must have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Classes {
    /// A capital letter of any alphabet.
    pub upper: bool,
    /// A small letter of any alphabet.
    pub lower: bool,
    /// A digit of any script.
    pub digit: bool,
    /// Neither a letter nor a digit; a space counts.
    pub special: bool,
}

impl Classes {
    /// None is asked for.
    pub const NONE: Self = Self { upper: false, lower: false, digit: false, special: false };
    /// One of each.
    pub const ALL: Self = Self { upper: true, lower: true, digit: true, special: true };
}

impl PasswordRules {
    /// NIST SP 800-63B-4 section 3.1.1.2, a password that may be the only factor: at least 15 characters, no
    /// composition rules, no change without a reason.
    #[must_use]
    pub const fn nist_aal1() -> Self {
        Self {
            least: 15,
            most_bytes: MOST_PASSWORD_BYTES,
            classes: Classes::NONE,
            keyboard: 0,
            sequence: 0,
            repeated: 0,
            common: true,
            dressed_up: false,
            context: true,
            remembers: 1,
            max_age: None,
        }
    }

    /// The same beside a second factor: at least 8 characters.
    #[must_use]
    pub const fn nist_aal2() -> Self {
        Self { least: 8, ..Self::nist_aal1() }
    }

    /// As at AAL2.
    #[must_use]
    pub const fn nist_aal3() -> Self {
        Self::nist_aal2()
    }

    /// ASVS 5.0 section 6.2 at level 1: at least 8 characters (6.2.1).
    #[must_use]
    pub const fn asvs_l1() -> Self {
        Self { least: 8, ..Self::nist_aal1() }
    }

    /// At level 2: the 15 that 6.2.1 strongly recommends.
    #[must_use]
    pub const fn asvs_l2() -> Self {
        Self::nist_aal1()
    }

    /// As at level 2.
    #[must_use]
    pub const fn asvs_l3() -> Self {
        Self::nist_aal1()
    }

    /// The custom of a public portal: at least 8 characters with letters of either case, a digit and a special sign,
    /// no runs, none of the last six, a new one every 90 days. Departs from NIST SP 800-63B-4 section 3.1.1.2 and
    /// from ASVS 6.2.5 and 6.2.10: see [`manual`](crate::manual).
    #[must_use]
    pub const fn public_portal() -> Self {
        Self {
            least: 8,
            classes: Classes::ALL,
            keyboard: 5,
            sequence: 5,
            repeated: 3,
            dressed_up: true,
            remembers: 6,
            max_age: Some(Duration::from_secs(90 * 24 * 3600)),
            ..Self::nist_aal1()
        }
    }
}

impl CredentialPolicy for PasswordRules {
    fn judge(&self, candidate: &Candidate<'_>) -> Vec<BrokenRule> {
        if candidate.secret.expose().len() > self.most_bytes.min(MOST_PASSWORD_BYTES) {
            return vec![BrokenRule(self.too_long())];
        }
        let Ok(text) = str::from_utf8(candidate.secret.expose()) else {
            return vec![BrokenRule(Rule::plain(RuleName::new(NOT_TEXT)))];
        };
        let folded = plain::fold(text);
        let signs = Zeroizing::new(folded.chars().collect::<Vec<_>>());
        let has = |class: fn(char) -> bool| text.chars().any(class);
        let breaks = |rule: &Rule| match rule.rule.as_str() {
            TOO_SHORT => text.chars().count() < self.least,
            NO_UPPER => !has(char::is_uppercase),
            NO_LOWER => !has(char::is_lowercase),
            NO_DIGIT => !has(char::is_numeric),
            NO_SPECIAL => !has(is_special),
            KEYBOARD => runs::on_keyboard(&signs, self.keyboard),
            SEQUENCE => runs::in_order(&signs, self.sequence),
            REPEATED => runs::repeats(&signs, self.repeated),
            COMMON => common::is_listed(&folded) || (self.dressed_up && common::is_dressed_up(&folded)),
            CONTEXT => context::is_built_of(&folded, candidate.words),
            _ => false,
        };
        self.hints().into_iter().filter(breaks).map(BrokenRule).collect()
    }

    fn hints(&self) -> Vec<Rule> {
        let Classes { upper, lower, digit, special } = self.classes;
        let mut rules = vec![Rule::counted(RuleName::new(TOO_SHORT), "least", self.least), self.too_long()];
        for (wanted, rule) in [(upper, NO_UPPER), (lower, NO_LOWER), (digit, NO_DIGIT), (special, NO_SPECIAL)]
        {
            rules.extend(wanted.then(|| Rule::plain(RuleName::new(rule))));
        }
        for (run, rule) in [(self.keyboard, KEYBOARD), (self.sequence, SEQUENCE), (self.repeated, REPEATED)] {
            rules.extend((run > 0).then(|| Rule::counted(RuleName::new(rule), "run", run)));
        }
        rules.extend(self.common.then(|| Rule::plain(RuleName::new(COMMON))));
        rules.extend(self.context.then(|| Rule::plain(RuleName::new(CONTEXT))));
        rules
    }

    fn remembers(&self) -> usize {
        self.remembers
    }

    fn max_age(&self) -> Option<Duration> {
        self.max_age
    }
}

impl PasswordRules {
    fn too_long(&self) -> Rule {
        Rule::counted(RuleName::new(TOO_LONG), "most_bytes", self.most_bytes.min(MOST_PASSWORD_BYTES))
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
    let too_long = || BrokenRule(Rule::counted(RuleName::new(TOO_LONG), "most_bytes", MOST_PASSWORD_BYTES));
    // Before NFC: megabytes must not be normalised for an answer that is no anyway (CVE-2013-1443).
    if bytes.len() > MOST_PASSWORD_BYTES {
        return Err(too_long());
    }
    if bytes.is_empty() {
        return Err(BrokenRule(Rule::counted(RuleName::new(TOO_SHORT), "least", 1)));
    }
    let text = str::from_utf8(bytes).map_err(|_| BrokenRule(Rule::plain(RuleName::new(NOT_TEXT))))?;
    // NFC grows UTF-8 at most threefold (Unicode UAX 15): no reallocation leaves a copy behind.
    let mut normal = String::with_capacity(bytes.len() * 3);
    normal.extend(text.nfc());
    let normal = Secret::new(normal);
    if normal.expose().len() > MOST_PASSWORD_BYTES {
        return Err(too_long());
    }
    Ok(normal)
}

fn is_special(sign: char) -> bool {
    !sign.is_alphanumeric() && !sign.is_control()
}

const TOO_SHORT: &str = "too_short";
const TOO_LONG: &str = "too_long";
const NOT_TEXT: &str = "not_text";
const NO_UPPER: &str = "no_upper";
const NO_LOWER: &str = "no_lower";
const NO_DIGIT: &str = "no_digit";
const NO_SPECIAL: &str = "no_special";
const KEYBOARD: &str = "keyboard";
const SEQUENCE: &str = "sequence";
const REPEATED: &str = "repeated";
const COMMON: &str = "common";
const CONTEXT: &str = "context";
