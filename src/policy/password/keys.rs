//! Keyboards: where a sign's key lies, and what the same key writes on the other layout.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The place of a key: its row from the top, its number in the row. Rows are staggered: below `w` (1, 2) lie `a`
/// (2, 1) and `s` (2, 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    row: i8,
    column: i8,
}

/// From one key to a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    rows: i8,
    columns: i8,
}

/// What a sign may have been typed on. A full stop lies elsewhere on either layout, so each is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Board {
    /// All letters; signs of both layouts as the Latin one has them.
    Latin,
    /// All letters; signs of both layouts as the Russian one has them.
    Russian,
    /// The block of digits at the right.
    Pad,
}

impl Board {
    pub(super) fn key(self, sign: char) -> Option<Key> {
        let (first, second) = match self {
            Self::Latin => (&*LATIN, &*RUSSIAN),
            Self::Russian => (&*RUSSIAN, &*LATIN),
            Self::Pad => return PAD.get(&sign).copied(),
        };
        first.get(&sign).or_else(|| second.get(&sign)).copied()
    }

    /// The step between neighbours; `None` for keys that are none.
    pub(super) fn step(self, from: Key, to: Key) -> Option<Step> {
        let step = Step { rows: to.row - from.row, columns: to.column - from.column };
        let near = match self {
            Self::Pad => step.rows.abs() <= 1 && step.columns.abs() <= 1 && from != to,
            // Up: the same number or the next; down: the same or the one before.
            _ => matches!((step.rows, step.columns), (0, -1 | 1) | (-1, 0 | 1) | (1, -1 | 0)),
        };
        near.then_some(step)
    }
}

impl Key {
    /// In the row of digits, which no word is typed on.
    pub(super) const fn is_digit(self) -> bool {
        self.row == 0
    }
}

impl Step {
    pub(super) const fn stays_in_row(self) -> bool {
        self.rows == 0
    }
}

/// The Latin letter on the key of this sign, in lower case: the same for `п` and `g`. Signs without a key stay.
pub(super) fn on_latin(sign: char) -> char {
    match RUSSIAN.get(&sign) {
        Some(key) if sign.is_alphabetic() => LATIN_KEYS
            .get(usize::try_from(key.row).unwrap_or(0))
            .and_then(|row| at(row, *key))
            .unwrap_or(sign),
        _ => sign,
    }
}

/// The Russian letter on the key of this sign, in lower case. Digits and signs without a letter stay.
pub(super) fn on_russian(sign: char) -> char {
    let Some(key) = LATIN.get(&sign) else { return sign };
    let letter = RUSSIAN_KEYS.get(usize::try_from(key.row).unwrap_or(0)).and_then(|row| at(row, *key));
    letter.filter(|letter| letter.is_alphabetic()).unwrap_or(sign)
}

fn at(row: &str, key: Key) -> Option<char> {
    row.chars().nth(usize::try_from(key.column).ok()?)
}

fn keys(layers: &[[&'static str; 4]]) -> BTreeMap<char, Key> {
    let mut keys = BTreeMap::new();
    for (row, line) in layers.iter().flat_map(|layer| (0..).zip(layer)) {
        for (column, sign) in (0..).zip(line.chars()) {
            if sign != ' ' {
                keys.entry(sign).or_insert(Key { row, column });
            }
        }
    }
    keys
}

const LATIN_KEYS: [&str; 4] = ["`1234567890-=", " qwertyuiop[]\\", " asdfghjkl;'", " zxcvbnm,./"];
const LATIN_SHIFTED: [&str; 4] = ["~!@#$%^&*()_+", " QWERTYUIOP{}|", " ASDFGHJKL:\"", " ZXCVBNM<>?"];
const RUSSIAN_KEYS: [&str; 4] = ["ё1234567890-=", " йцукенгшщзхъ\\", " фывапролджэ", " ячсмитьбю."];
const RUSSIAN_SHIFTED: [&str; 4] = ["Ё!\"№;%:?*()_+", " ЙЦУКЕНГШЩЗХЪ/", " ФЫВАПРОЛДЖЭ", " ЯЧСМИТЬБЮ,"];

static LATIN: LazyLock<BTreeMap<char, Key>> = LazyLock::new(|| keys(&[LATIN_KEYS, LATIN_SHIFTED]));
static RUSSIAN: LazyLock<BTreeMap<char, Key>> = LazyLock::new(|| keys(&[RUSSIAN_KEYS, RUSSIAN_SHIFTED]));
static PAD: LazyLock<BTreeMap<char, Key>> = LazyLock::new(|| keys(&[["789", "456", "123", "0"]]));
