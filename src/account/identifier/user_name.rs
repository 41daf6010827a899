//! User names: RFC 8265 UsernameCaseMapped in spirit, with a shorter list of letters.
//!
//! Width, case and normalisation as there; then only a-z or the Russian alphabet (never both), digits and `._-`.
//! PRECIS would admit `admín`, `ɑdmin` and `ivanа` beside `admin` and `ivan`. A name of one's own choice loses little
//! by the short list, and no look-alike makes a second account. `ё` is stored as `е`: people type either, and a user
//! name receives no mail, so the fold can merge nothing but spellings.

use unicode_normalization::UnicodeNormalization;

use super::IdentifierError;
use super::script::{self, Unreadable};

/// `text` is bounded, trimmed and free of characters that deceive.
pub(super) fn canonical(text: &str) -> Result<String, IdentifierError> {
    let folded: String = text
        .chars()
        .map(script::narrow)
        .nfc()
        .flat_map(char::to_lowercase)
        .nfc()
        .map(|c| if c == 'ё' { 'е' } else { c })
        .collect();
    if !(SHORTEST..=LONGEST).contains(&folded.chars().count()) {
        return Err(IdentifierError::NotAUserName);
    }
    // A separator at an edge is lost in a sentence; two in a row are counted by nobody.
    let separator = |c: char| matches!(c, '.' | '_' | '-');
    if folded.starts_with(separator) || folded.ends_with(separator) || folded.contains("..") {
        return Err(IdentifierError::NotAUserName);
    }
    let letters = folded.chars().filter(|c| !c.is_ascii_digit() && !separator(*c));
    if letters.clone().next().is_none() {
        // Digits alone are a phone, INN or SNILS: a name must never be taken for another person's number.
        return Err(IdentifierError::NotAUserName);
    }
    match script::only(letters.clone()) {
        Ok(_) => {}
        Err(Unreadable::Mixed) => return Err(IdentifierError::Hostile),
        Err(Unreadable::Foreign) => return Err(IdentifierError::NotAUserName),
    }
    if letters.clone().any(|c| !matches!(c, 'a'..='z' | 'а'..='я')) {
        return Err(IdentifierError::NotAUserName);
    }
    if script::passes_for_latin(&folded) {
        return Err(IdentifierError::Hostile);
    }
    Ok(folded)
}

/// In code points.
const SHORTEST: usize = 3;
const LONGEST: usize = 64;
