//! Words that belong to the person or the service, in every form in which people type them.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

use super::keys;
use super::plain::{self, View};

/// Whether too little is left of the candidate once the context words are struck out: as they are, backwards, on the
/// other layout, transliterated either way, with signs for letters; of a birth date and a phone the digits.
pub(super) fn is_built_of(folded: &str, words: &[String]) -> bool {
    let signs: Vec<char> = folded.chars().collect();
    let each = || signs.iter().copied().enumerate();
    let mut covered = vec![false; signs.len()];
    let pieces = Pieces::of(words);
    let views = [
        (View::new(each().map(|(number, sign)| (number, keys::on_latin(sign)))), &pieces.keys),
        (View::new(plain::sounds(each()).into_iter()), &pieces.sounds),
        // `ыукпун`: `sergey` on the other layout.
        (
            View::new(plain::sounds(each().map(|(number, sign)| (number, keys::on_latin(sign)))).into_iter()),
            &pieces.sounds,
        ),
        (
            View::new(
                plain::sounds(each().map(|(number, sign)| (number, plain::look_alike(sign)))).into_iter(),
            ),
            &pieces.sounds,
        ),
        (View::new(each().filter(|(_, sign)| sign.is_ascii_digit())), &pieces.digits),
    ];
    for (view, pieces) in &views {
        pieces.iter().for_each(|piece| view.mark(piece, &mut covered));
    }
    let left = covered.iter().filter(|covered| !**covered).count();
    left < covered.len() && left < LEAST_BESIDE_CONTEXT
}

/// What is looked for, by the view in which it is.
#[derive(Default)]
struct Pieces {
    /// On the Latin layout.
    keys: BTreeSet<String>,
    sounds: BTreeSet<String>,
    digits: BTreeSet<String>,
}

impl Pieces {
    fn of(words: &[String]) -> Self {
        let mut pieces = Self::default();
        for word in words.iter().take(MOST_WORDS) {
            // Bounded before it is normalised.
            let word: String = word.chars().take(LONGEST_WORD).collect();
            let word = plain::fold(&word.nfc().collect::<String>());
            if let Some(date) = Date::parse(&word) {
                pieces.digits.extend(date.forms());
                continue;
            }
            for piece in word.split(|sign: char| !sign.is_alphanumeric()).chain([word.as_str()]) {
                pieces.add(piece);
            }
        }
        pieces
    }

    fn add(&mut self, piece: &str) {
        let signs = piece.chars().count();
        if signs < SHORTEST_WORD {
            return;
        }
        if piece.bytes().all(|byte| byte.is_ascii_digit()) {
            self.digits.insert(piece.to_owned());
            self.digits.insert(piece.chars().rev().collect());
            // A phone without its country code (in Russia it is typed with 8 as often as with +7), and without its
            // region.
            for tail in [NATIONAL_DIGITS, LOCAL_DIGITS] {
                self.digits.extend(signs.checked_sub(tail).and_then(|at| piece.get(at..)).map(str::to_owned));
            }
            return;
        }
        let latin: String = piece.chars().map(keys::on_latin).collect();
        let sounds: String =
            plain::sounds(piece.chars().enumerate()).into_iter().map(|(_, sign)| sign).collect();
        self.keys.insert(latin.chars().rev().collect());
        self.keys.insert(latin);
        // `Юлия` has three sounds left, `Яя` one: too few to look for.
        if sounds.chars().count() >= SHORTEST_WORD {
            self.sounds.insert(sounds);
        }
    }
}

/// A date as an application gives it: `1985-03-17`, or as a Russian form has it: `17.03.1985`.
struct Date<'a> {
    year: &'a str,
    month: &'a str,
    day: &'a str,
}

impl<'a> Date<'a> {
    fn parse(word: &'a str) -> Option<Self> {
        let parts: Vec<&str> = word.split(['-', '.', '/']).collect();
        let &[first, month, last] = parts.as_slice() else { return None };
        let (year, day) = if first.len() == 4 { (first, last) } else { (last, first) };
        let digits = [year, month, day].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        (digits && (year.len(), month.len(), day.len()) == (4, 2, 2)).then_some(Self { year, month, day })
    }

    fn forms(&self) -> Vec<String> {
        let Self { year, month, day } = self;
        let short = year.get(2..).unwrap_or_default();
        // `7.3.85` as well as `07.03.85`.
        let (d, m) = (day.trim_start_matches('0'), month.trim_start_matches('0'));
        let mut forms = vec![format!("{year}"), format!("{day}{month}"), format!("{month}{day}")];
        for year in [*year, short] {
            for (day, month) in [(*day, *month), (d, m)] {
                forms.extend([
                    format!("{day}{month}{year}"),
                    format!("{month}{day}{year}"),
                    format!("{year}{month}{day}"),
                    format!("{month}{year}"),
                ]);
            }
        }
        // `17 марта 1985`, `1985 March 17`: whatever stands between is struck out with them.
        forms.extend([
            format!("{day}{year}"),
            format!("{d}{year}"),
            format!("{year}{day}"),
            format!("{year}{d}"),
        ]);
        forms.retain(|form| form.len() >= SHORTEST_DATE);
        forms
    }
}

const SHORTEST_WORD: usize = 3;
const SHORTEST_DATE: usize = 4;
const NATIONAL_DIGITS: usize = 10;
const LOCAL_DIGITS: usize = 7;
/// The fewest characters that any profile asks of a whole password.
const LEAST_BESIDE_CONTEXT: usize = 8;
/// What an application may give: more is not looked at, so that judging has a bound.
const MOST_WORDS: usize = 64;
const LONGEST_WORD: usize = 128;
