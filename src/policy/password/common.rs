//! What attackers try first: a list of whole passwords, and words that need more than a few signs added.

use super::keys;
use super::plain;

/// Whether the folded text stands in the list: the whole of it, as NIST SP 800-63B-4 compares.
pub(super) fn is_listed(folded: &str) -> bool {
    has_line(LIST, folded)
}

/// Whether the folded text is one common word or listed password, dressed up: digits and signs around it, letters
/// replaced by signs that look like them, typed on the other layout, backwards or twice.
pub(super) fn is_dressed_up(folded: &str) -> bool {
    if folded.len() > MOST_DRESSED {
        return false;
    }
    let russian: String = folded.chars().map(keys::on_russian).collect();
    let latin: String = folded.chars().map(keys::on_latin).collect();
    // Trimmed first and translated then, and the other way about: the last sign of `k.,jdm.` is one, of `gfhjkm.` not.
    let forms = [folded, &russian, &latin];
    forms.iter().flat_map(|form| cores(form)).any(|core| {
        let other = |to: fn(char) -> char| core.chars().map(to).collect::<String>();
        is_word(core)
            || is_word(&core.chars().map(plain::look_alike).collect::<String>())
            || is_word(&core.chars().rev().collect::<String>())
            || is_word(&other(keys::on_russian))
            || is_word(&other(keys::on_latin))
            || half(core).is_some_and(is_word)
    })
}

/// Whether it is a word that people build passwords of, in lower case.
pub(super) fn is_word(word: &str) -> bool {
    [WORDS, ENGLISH, RUSSIAN].iter().any(|list| has_line(list, word)) || is_listed(word)
}

/// The words of a language for a generator, 2,048 of them.
pub(super) const ENGLISH: &str = include_str!("../common/english.txt");
pub(super) const RUSSIAN: &str = include_str!("../common/russian.txt");

/// The lists with `Ё` folded, all of at least eight characters.
const LIST: &str = include_str!("../common/list.txt");
/// Words below that length too: their number does not matter, what is put around them does.
const WORDS: &str = include_str!("../common/words.txt");

// What is left without the signs at the ends, if those are few: at both ends, at the end only, at the start only.
fn cores(text: &str) -> Vec<&str> {
    let sign = |sign: char| !sign.is_alphabetic();
    let signs = text.chars().count();
    [text.trim_matches(sign), text.trim_end_matches(sign), text.trim_start_matches(sign)]
        .into_iter()
        .filter(|core| {
            let left = core.chars().count();
            left >= SHORTEST_WORD && signs - left <= MOST_ADDED
        })
        .collect()
}

// `parolparol`.
fn half(text: &str) -> Option<&str> {
    let (one, other) = text.split_at_checked(text.len() / 2)?;
    (one == other).then_some(one)
}

/// Whether a sorted text has this line. Searched where it lies: no table is built, nothing is allocated.
fn has_line(sorted: &str, line: &str) -> bool {
    let bytes = sorted.as_bytes();
    let (mut low, mut high) = (0, bytes.len());
    while low < high {
        let middle = low + (high - low) / 2;
        // The line that this byte stands in.
        let before = bytes.get(low..middle).unwrap_or_default();
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(low, |at| low + at + 1);
        let rest = bytes.get(middle..high).unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == b'\n').map_or(high, |at| middle + at);
        match bytes.get(start..end).unwrap_or_default().cmp(line.as_bytes()) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = end + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    false
}

#[cfg(test)]
pub(super) fn list() -> impl Iterator<Item = &'static str> {
    LIST.lines()
}

#[cfg(test)]
pub(super) fn sorted_texts() -> [&'static str; 4] {
    [LIST, WORDS, ENGLISH, RUSSIAN]
}

const SHORTEST_WORD: usize = 3;
const MOST_ADDED: usize = 6;
/// In bytes: no listed word is longer with what may be added.
const MOST_DRESSED: usize = 128;
