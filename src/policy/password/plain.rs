//! Signs reduced to what people take for the same: case, `ё`, look-alikes, transliteration.

use zeroize::Zeroizing;

/// A view of a text in which each sign remembers the sign that it stands for.
pub(super) struct View {
    pub(super) text: Zeroizing<String>,
    /// For each byte of `text` the number of its sign in the original.
    from: Vec<usize>,
}

impl View {
    pub(super) fn new(signs: impl Iterator<Item = (usize, char)>) -> Self {
        let (mut text, mut from) = (Zeroizing::new(String::new()), Vec::new());
        for (number, sign) in signs {
            text.push(sign);
            from.resize(text.len(), number);
        }
        Self { text, from }
    }

    /// Marks the signs that a piece covers, wherever it stands.
    pub(super) fn mark(&self, piece: &str, covered: &mut [bool]) {
        for (at, found) in self.text.match_indices(piece) {
            let span = self.from.get(at..at + found.len()).unwrap_or_default();
            let (Some(first), Some(last)) = (span.first(), span.last()) else { continue };
            covered.iter_mut().take(last + 1).skip(*first).for_each(|sign| *sign = true);
        }
    }
}

/// Lower case sign by sign, as the generator of the list does it, and `ё` as `е`.
pub(super) fn fold(text: &str) -> Zeroizing<String> {
    let mut folded = Zeroizing::new(String::with_capacity(text.len() * 3));
    folded.extend(text.chars().flat_map(char::to_lowercase).map(|sign| if sign == 'ё' { 'е' } else { sign }));
    folded
}

/// The letter that a sign stands in for: `p@ssw0rd`.
pub(super) const fn look_alike(sign: char) -> char {
    match sign {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        '8' => 'b',
        '9' => 'g',
        _ => sign,
    }
}

/// The sounds of a word in Latin letters, so that its transliterations are one: `юлия`, `yuliya`, `julia`, `iuliia`
/// all give `ula`. Each with the number of the sign that it comes from.
pub(super) fn sounds(signs: impl Iterator<Item = (usize, char)>) -> Vec<(usize, char)> {
    let mut out: Vec<(usize, char)> = Vec::new();
    for (number, sign) in signs {
        for letter in latin(sign) {
            let last = out.last().map(|(_, last)| *last);
            match (last, letter) {
                // ch, sh, zh, sch: the h only says how the letter before is read.
                (Some('c' | 's' | 'z'), 'h') => {}
                (Some('k'), 'h') => {
                    out.pop();
                    out.push((number, 'h'));
                }
                // ts and tz for ц.
                (Some('t'), 's' | 'z') => {
                    out.pop();
                    out.push((number, 'c'));
                }
                // ya, yu, ia, iu.
                (Some('i'), 'a' | 'e' | 'o' | 'u') => {
                    out.pop();
                    out.push((number, letter));
                }
                (Some(last), _) if last == letter => {}
                _ => out.push((number, letter)),
            }
        }
    }
    out
}

fn latin(sign: char) -> impl Iterator<Item = char> {
    let letters = match sign {
        'а' => "a",
        'б' => "b",
        'в' | 'w' => "v",
        'г' => "g",
        'д' => "d",
        'е' | 'ё' | 'э' => "e",
        'ж' => "z",
        'з' => "z",
        'и' | 'й' | 'ы' | 'y' | 'j' => "i",
        'к' | 'q' => "k",
        'л' => "l",
        'м' => "m",
        'н' => "n",
        'о' => "o",
        'п' => "p",
        'р' => "r",
        'с' => "s",
        'т' => "t",
        'у' => "u",
        'ф' => "f",
        'х' => "h",
        'ц' => "c",
        'ч' => "c",
        'ш' => "s",
        'щ' => "sc",
        'ъ' | 'ь' | '\'' => "",
        'ю' => "u",
        'я' => "a",
        'x' => "ks",
        _ => "",
    };
    let kept = !matches!(sign, 'ъ' | 'ь' | '\'') && letters.is_empty();
    letters.chars().chain(kept.then_some(sign))
}
