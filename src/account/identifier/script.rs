//! The two alphabets that names are written in, and the letters that pass for others.
//!
//! Tables, not a Unicode database: what is not listed is refused, so a new Unicode version adds nothing by itself.

use unicode_normalization::UnicodeNormalization;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    Latin,
    Cyrillic,
}

/// The script of a letter in lower case, or `None` when names are not written with it.
///
/// Latin: a-z, Latin-1, Extended-A, Romanian. Cyrillic: the alphabets in use today, without the historic letters.
pub(super) fn of(letter: char) -> Option<Script> {
    let script = match letter {
        'a'..='z' => return Some(Script::Latin),
        '\u{df}'..='\u{f6}' | '\u{f8}'..='\u{17e}' | '\u{219}' | '\u{21b}' => Script::Latin,
        '\u{430}'..='\u{45f}' | '\u{48b}'..='\u{4ff}' => Script::Cyrillic,
        _ => return None,
    };
    (letter.is_lowercase() && letter != 'ĸ').then_some(script)
}

/// Every way to fold the case of this letter gives the same answer, and no compatibility mapping changes it:
/// `ı` (folds to `i` by way of `I`), `ß` (`ss`), `ſ` (`s`), `K` (`k`), `ﬀ` (`ff`) and `İ` do not qualify.
pub(super) fn folds_alone(letter: char) -> bool {
    if letter.is_ascii() {
        return true;
    }
    let mut lower = letter.to_lowercase();
    let (Some(low), None) = (lower.next(), lower.next()) else { return false };
    low.to_uppercase().flat_map(char::to_lowercase).eq([low]) && [letter].into_iter().nfkc().eq([letter])
}

/// The script of a text whose letters are all of one; `None` for a text without letters.
///
/// # Errors
/// `Foreign` for a letter outside the tables, `Mixed` for letters of two scripts: `аdmin` with a Cyrillic `а`.
pub(super) fn only(letters: impl Iterator<Item = char>) -> Result<Option<Script>, Unreadable> {
    let mut found = None;
    for letter in letters {
        let script = of(letter).ok_or(Unreadable::Foreign)?;
        if *found.get_or_insert(script) != script {
            return Err(Unreadable::Mixed);
        }
    }
    Ok(found)
}

pub(super) enum Unreadable {
    Foreign,
    Mixed,
}

/// A Cyrillic text that reads as Latin from its first letter to its last: `аррӏе`, `сосо`. One letter that has no
/// Latin twin is enough to tell them apart.
pub(super) fn passes_for_latin(text: &str) -> bool {
    let mut letters = text.chars().filter(|c| c.is_alphabetic()).peekable();
    letters.peek().is_some() && letters.all(|c| LATIN_TWINS.contains(c))
}

/// No name of any kind holds these: controls, bidi marks, invisible, private-use, noncharacters, tags. They change
/// what a person sees, or end a header or a log line.
pub(super) fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0xad | 0x34f | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x8e2 | 0x115f | 0x1160 | 0x17b4 | 0x17b5
            | 0x180b..=0x180f | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xe000..=0xf8ff
            | 0xfdd0..=0xfdef | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xffff | 0xe0000..)
        || u32::from(c) & 0xfffe == 0xfffe
}

/// Full-width forms as ASCII (RFC 8265 width mapping): an input method's doing, not the person's.
pub(super) fn narrow(c: char) -> char {
    match u32::from(c) {
        wide @ 0xff01..=0xff5e => char::from_u32(wide - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

/// With every sign that reads as a colon or a semicolon as that, without space before a colon, and one space for many: in
/// small letters, compatibility forms resolved.
pub(super) fn as_read(text: &str) -> String {
    let mut read = String::new();
    for sign in text.nfkc().flat_map(char::to_lowercase) {
        let sign = match sign {
            '\u{2d0}' | '\u{2d1}' | '\u{2f8}' | '\u{589}' | '\u{2236}' | '\u{a789}' => ':',
            '\u{61b}' | '\u{204f}' => ';',
            sign if sign.is_whitespace() && read.ends_with(' ') => continue,
            sign if sign.is_whitespace() => ' ',
            sign => sign,
        };
        if sign == ':' {
            read.truncate(read.trim_end().len());
        }
        read.push(sign);
    }
    read
}

// Lower case only: canonical forms have no other. From Unicode's confusables (UTS 39), what the tables above admit.
const LATIN_TWINS: &str = "асеорхуіјѕһӏүёїӓӧӑӗѐӕ";
