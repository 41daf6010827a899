//! Phone numbers: E.164 with a small table of calling codes.
//!
//! One subscriber has one canonical form: a national prefix (`0`, `8`) kept behind a calling code would make a second
//! one, so it is refused. Left out on purpose: +7 80x, satellite and other networks of no country (+870, +88x, +979),
//! where one message costs what a thousand cost elsewhere.

use super::IdentifierError::{self, NotAPhone};
use super::script;

/// Where a phone's messages are routed to. Calling code 7 is shared: a Kazakh number must not pass for a Russian one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Region {
    /// +7 3xx, 4xx, 8xx, 9xx.
    Russia,
    /// +7 6xx and 7xx.
    Kazakhstan,
    /// Any other country by its calling code. `7` stands for numbers of that code that neither country serves
    /// (+7 840, +7 940).
    Other(u16),
}

/// `text` is bounded, trimmed and free of characters that deceive.
pub(super) fn canonical(text: &str) -> Result<String, IdentifierError> {
    let mut digits = String::with_capacity(MAX_DIGITS);
    let mut plus = false;
    for c in text.chars().map(script::narrow) {
        match c {
            '0'..='9' => digits.push(c),
            // Once and in front: `++7` and `7+916` have no agreed reading.
            '+' if !plus && digits.is_empty() => plus = true,
            ' ' | '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}' | '\u{3000}' | '(' | ')' | '.' | '-' => {}
            '\u{2010}'..='\u{2015}' | '\u{2212}' => {}
            // Letters, `#`, `,`, `;`: an extension, or no number. Dropping one would send a code elsewhere.
            _ => return Err(NotAPhone),
        }
        if digits.len() > MAX_DIGITS + INTERNATIONAL.len() {
            return Err(NotAPhone);
        }
    }
    let number = if plus {
        digits
    } else if let Some(rest) = digits.strip_prefix(INTERNATIONAL) {
        rest.to_owned()
    } else {
        // As people in Russia and Kazakhstan write it: 8 or 7 in front, or the mobile number alone.
        match (digits.as_bytes(), digits.len()) {
            ([b'7' | b'8', ..], 11) => format!("7{}", digits.get(1..).unwrap_or_default()),
            ([b'9', ..], 10) => format!("7{digits}"),
            _ => return Err(NotAPhone),
        }
    };
    let (_, national) = split(&number).ok_or(NotAPhone)?;
    if number.len() > MAX_DIGITS || !plausible(&number, national) {
        return Err(NotAPhone);
    }
    Ok(format!("+{number}"))
}

pub(super) fn region(canonical: &str) -> Region {
    let digits = canonical.trim_start_matches('+');
    match split(digits) {
        Some((7, national)) => match national.as_bytes() {
            [b'6' | b'7', ..] => Region::Kazakhstan,
            [b'8' | b'9', b'4', b'0', ..] => Region::Other(7),
            _ => Region::Russia,
        },
        Some((code, _)) => Region::Other(code),
        None => Region::Other(0),
    }
}

pub(super) fn masked(canonical: &str) -> String {
    let digits = canonical.trim_start_matches('+');
    let Some((code, national)) = split(digits) else { return "***".to_owned() };
    let last = national.get(national.len().saturating_sub(2)..).unwrap_or_default();
    match (code, national.get(..3)) {
        (7, Some(area)) => format!("+7 {area} ***-**-{last}"),
        _ => format!("+{code} ***-**-{last}"),
    }
}

pub(super) fn words(canonical: &str) -> Vec<String> {
    let digits = canonical.trim_start_matches('+');
    let Some((code, national)) = split(digits) else { return Vec::new() };
    let mut words = vec![digits.to_owned(), national.to_owned()];
    if code == 7 {
        words.push(format!("8{national}"));
    }
    if national.len() > 7 {
        words.extend(national.get(national.len() - 7..).map(str::to_owned));
    }
    words
}

/// Calling code and national number. Codes are a prefix code: no assigned one begins with another.
fn split(digits: &str) -> Option<(u16, &str)> {
    (1..=3).find_map(|length| {
        let (code, national) = digits.split_at_checked(length)?;
        let code = code.parse().ok()?;
        CODES.contains(&code).then_some((code, national))
    })
}

fn plausible(number: &str, national: &str) -> bool {
    let Some((code, _)) = split(number) else { return false };
    // Fixed where the plan is closed: there a prefix left in place shows as one digit too many.
    let lengths = match code {
        1 | 7 | 52 | 90 => 10..=10,
        370 | 371 | 373 | 374 | 993 => 8..=8,
        375 | 380 | 992 | 994 | 995 | 996 | 998 | 971 | 972 => 9..=9,
        33 | 34 | 48 => 9..=9,
        _ => 6..=12,
    };
    if !lengths.contains(&national.len()) {
        return false;
    }
    match (code, national.as_bytes()) {
        // 80x: toll-free and premium; 0, 1, 2 and 5 are not assigned.
        (7, [b'8', b'0', ..]) => false,
        (7, [first, ..]) => matches!(first, b'3' | b'4' | b'6'..=b'9'),
        // NANP: area and exchange begin with 2 to 9.
        (1, [area, _, _, exchange, ..]) => *area >= b'2' && *exchange >= b'2',
        // Plans whose numbers do begin with 0; everywhere else it is the national prefix.
        (39 | 225 | 241 | 242 | 378, _) => true,
        (_, [b'0', ..]) => false,
        _ => true,
    }
}

/// E.164 section 6: fifteen digits at most.
const MAX_DIGITS: usize = 15;
const INTERNATIONAL: &str = "00";

/// Calling codes of countries and territories, ITU-T E.164 list of assigned codes.
#[rustfmt::skip]
const CODES: &[u16] = &[
    1, 7, 20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58,
    60, 61, 62, 63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98,
    211, 212, 213, 216, 218, 220, 221, 222, 223, 224, 225, 226, 227, 228, 229, 230, 231, 232, 233, 234, 235, 236,
    237, 238, 239, 240, 241, 242, 243, 244, 245, 246, 247, 248, 249, 250, 251, 252, 253, 254, 255, 256, 257, 258,
    260, 261, 262, 263, 264, 265, 266, 267, 268, 269, 290, 291, 297, 298, 299,
    350, 351, 352, 353, 354, 355, 356, 357, 358, 359, 370, 371, 372, 373, 374, 375, 376, 377, 378, 380, 381, 382,
    383, 385, 386, 387, 389, 420, 421, 423,
    500, 501, 502, 503, 504, 505, 506, 507, 508, 509, 590, 591, 592, 593, 594, 595, 596, 597, 598, 599,
    670, 672, 673, 674, 675, 676, 677, 678, 679, 680, 681, 682, 683, 685, 686, 687, 688, 689, 690, 691, 692,
    850, 852, 853, 855, 856, 880, 886, 960, 961, 962, 963, 964, 965, 966, 967, 968, 970, 971, 972, 973, 974, 975,
    976, 977, 992, 993, 994, 995, 996, 998,
];
