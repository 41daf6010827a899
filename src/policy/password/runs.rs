//! Runs: keys beside one another, signs in the order of an alphabet, one sign again and again.

use zeroize::Zeroizing;

use super::keys::{Board, Key};

/// Whether the text has a keyboard run of `most` keys, or is mostly made of shorter ones.
///
/// Straight along a row `most` keys are needed, because words have four (`property`, `запрос`); over several rows or
/// among the digits one key less. A way from neighbour to neighbour with turns needs three keys more, because words
/// have seven (`гримаса`).
pub(super) fn on_keyboard(text: &[char], most: usize) -> bool {
    // Two runs by turns: `1q2w3e4r`, `4r3e2w1q`.
    let half = |from| Zeroizing::new(text.iter().copied().skip(from).step_by(2).collect::<Vec<char>>());
    let halves = [half(0), half(1)];
    [Board::Latin, Board::Russian, Board::Pad].into_iter().any(|board| {
        let line = |text: &[char]| Line::of(text, |sign| board.key(sign), |from, to| board.step(from, to));
        let whole = line(text);
        let straight = whole.straight.iter().any(|run| {
            let plain = run.step.stays_in_row() && !run.keys.iter().all(|key| key.is_digit());
            run.keys.len() >= if plain { most } else { most.saturating_sub(1) }
        });
        // `redressed` goes to and fro between four keys: a walk sees more of the keyboard.
        // On the block of digits nobody types words.
        let turns = if board == Board::Pad { 2 } else { 3 };
        let walk = |keys: &Vec<Key>| keys.len() >= most.saturating_add(turns) && distinct(keys) > most;
        straight
            || whole.walks.iter().any(walk)
            || whole.is_mostly_runs(LEAST_COVERED)
            || halves.iter().all(|half| line(half).is_mostly_runs(LEAST_IN_HALF))
    })
}

/// Whether the text has `most` signs in the order of an alphabet, either way, or is mostly made of shorter such
/// runs. One less among digits, which may also go by twos.
pub(super) fn in_order(text: &[char], most: usize) -> bool {
    let line = Line::of(text, Place::of, Place::step);
    let long = |run: &Run<Place, i32>| {
        let digits = run.keys.first().is_some_and(|place| place.alphabet == Alphabet::Digits);
        run.keys.len() >= if digits { most.saturating_sub(1) } else { most }
    };
    line.straight.iter().any(long) || line.is_mostly_runs(LEAST_COVERED)
}

/// Whether one sign stands `most` times in a row, or the whole is one short piece again and again.
pub(super) fn repeats(text: &[char], most: usize) -> bool {
    let mut run = 0;
    let mut last = None;
    for sign in text {
        run = if last == Some(sign) { run + 1 } else { 1 };
        last = Some(sign);
        if run >= most {
            return true;
        }
    }
    (1..=LONGEST_PIECE).any(|period| {
        text.len() >= period * 2 && text.iter().zip(text.iter().skip(period)).all(|(one, other)| one == other)
    })
}

/// A text as steps from one key to the next. The same key twice is one key that stands for two signs: `qqwwee`.
struct Line<K, S> {
    straight: Vec<Run<K, S>>,
    walks: Vec<Vec<K>>,
    /// Signs in straight runs of three keys or more.
    covered: usize,
    signs: usize,
}

struct Run<K, S> {
    keys: Vec<K>,
    step: S,
}

impl<K: Copy + PartialEq, S: Copy + PartialEq> Line<K, S> {
    fn of(text: &[char], key: impl Fn(char) -> Option<K>, step: impl Fn(K, K) -> Option<S>) -> Self {
        let mut keys: Vec<(Option<K>, usize)> = Vec::with_capacity(text.len());
        for sign in text {
            let key = key(*sign);
            match keys.last_mut() {
                Some((last, signs)) if key.is_some() && *last == key => *signs += 1,
                _ => keys.push((key, 1)),
            }
        }
        let mut line = Self { straight: Vec::new(), walks: Vec::new(), covered: 0, signs: text.len() };
        // A key at a corner ends one run and begins the next: its signs are counted once.
        let (mut run, mut walk, mut weights, mut counted) = (None::<Run<K, S>>, Vec::new(), Vec::new(), 0);
        let mut last: Option<(K, usize)> = None;
        for (index, (key, signs)) in keys.iter().enumerate() {
            let go =
                last.zip(*key).and_then(|((from, weight), to)| Some((from, weight, to, step(from, to)?)));
            match (go, &mut run) {
                (Some((_, _, to, way)), Some(run)) if run.step == way => {
                    run.keys.push(to);
                    weights.push((index, *signs));
                }
                (go, run) => {
                    line.end(run.take(), &mut weights, &mut counted);
                    if let Some((from, weight, to, way)) = go {
                        *run = Some(Run { keys: vec![from, to], step: way });
                        weights = vec![(index.wrapping_sub(1), weight), (index, *signs)];
                    }
                }
            }
            if go.is_none() {
                line.walks.push(std::mem::take(&mut walk));
            }
            walk.extend(*key);
            last = key.map(|key| (key, *signs));
        }
        line.end(run, &mut weights, &mut counted);
        line.walks.push(walk);
        line
    }

    // `counted`: the first key whose signs are not in `covered` yet.
    fn end(&mut self, run: Option<Run<K, S>>, weights: &mut Vec<(usize, usize)>, counted: &mut usize) {
        let Some(run) = run else { return };
        if run.keys.len() >= SHORTEST_RUN {
            for (index, signs) in weights.iter() {
                if index >= counted {
                    self.covered += signs;
                    *counted = index + 1;
                }
            }
        }
        weights.clear();
        self.straight.push(run);
    }

    // `qwe123A!`: more than two thirds. `flower power` has half.
    const fn is_mostly_runs(&self, least: usize) -> bool {
        self.covered >= least && self.covered * 3 > self.signs * 2
    }
}

/// The place of a sign in its alphabet.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    alphabet: Alphabet,
    number: i32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    Digits,
    Latin,
    Russian,
}

impl Place {
    fn of(sign: char) -> Option<Self> {
        let (alphabet, first) = match sign {
            '0'..='9' => (Alphabet::Digits, '0'),
            'a'..='z' => (Alphabet::Latin, 'a'),
            'а'..='я' => (Alphabet::Russian, 'а'),
            _ => return None,
        };
        Some(Self { alphabet, number: sign as i32 - first as i32 })
    }

    fn step(self, to: Self) -> Option<i32> {
        let step = to.number - self.number;
        match (self.alphabet == to.alphabet, self.alphabet) {
            // After nine comes nought, as on the keyboard.
            (true, Alphabet::Digits) => match step {
                9 => Some(-1),
                -9 => Some(1),
                _ => (step.abs() <= 2 && step != 0).then_some(step),
            },
            (true, _) => (step.abs() == 1).then_some(step),
            (false, _) => None,
        }
    }
}

fn distinct(keys: &[Key]) -> usize {
    let mut keys = keys.to_vec();
    keys.sort_unstable();
    keys.dedup();
    keys.len()
}

const SHORTEST_RUN: usize = 3;
const LEAST_COVERED: usize = 6;
const LEAST_IN_HALF: usize = 4;
const LONGEST_PIECE: usize = 4;
