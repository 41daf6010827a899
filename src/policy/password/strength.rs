//! An estimate of strength by zxcvbn, which knows no Russian: it is also shown what the keys would have written on
//! the Latin layout, and told which of our words stand in the password.

use serde::Serialize;
use zeroize::Zeroizing;

use super::{BrokenRule, Candidate, CredentialPolicy, PasswordRules, Rule, common, keys, plain};
use crate::id::RuleName;

/// How hard a password is to guess.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Strength {
    /// From 0 (in a thousand guesses) to 4 (over ten thousand millions): the bar on a page.
    pub score: u8,
    /// The logarithm to base ten of the guesses needed.
    pub guesses_log10: f64,
}

/// Estimates a password. Nothing beyond the hundredth character is looked at: it cannot make a password weaker, and
/// the time would grow with the square of the length.
#[must_use]
pub fn estimate(candidate: &Candidate<'_>) -> Strength {
    let text = candidate.secret.expose_str().unwrap_or_default();
    let text = Zeroizing::new(text.chars().take(MOST_SIGNS).collect::<String>());
    let mut latin = Zeroizing::new(String::with_capacity(text.len() * 3));
    for sign in text.chars() {
        let key = keys::on_latin(sign);
        if sign.is_uppercase() { latin.extend(key.to_uppercase()) } else { latin.push(key) }
    }
    let folded = plain::fold(&text);
    // A known word's rank is its place among these: what belongs to the person comes first, a word of our lists after
    // a thousand that nobody can type.
    let mut known: Vec<Zeroizing<String>> =
        candidate.words.iter().take(MOST_WORDS).map(|word| plain::fold(word)).collect();
    known.extend((0..RANK).map(|number| Zeroizing::new(format!("\u{1}{number}"))));
    known.extend(words_in(&folded).map(|word| Zeroizing::new(word.to_owned())));
    let known: Vec<&str> = known.iter().map(|word| word.as_str()).collect();
    let weakest = |one: Strength, other: Strength| {
        if other.guesses_log10 < one.guesses_log10 { other } else { one }
    };
    [text, latin]
        .iter()
        .map(|form| {
            let entropy = zxcvbn::zxcvbn(form, &known);
            Strength { score: entropy.score().into(), guesses_log10: entropy.guesses_log10() }
        })
        .reduce(weakest)
        .unwrap_or(Strength { score: 0, guesses_log10: 0.0 })
}

/// A policy that also asks for a score.
#[derive(Clone, Debug)]
pub struct Strong<P = PasswordRules> {
    rules: P,
    least: u8,
}

impl<P: CredentialPolicy> Strong<P> {
    /// These rules, and at least this score, from 0 to 4.
    #[must_use]
    pub const fn new(rules: P, least: u8) -> Self {
        Self { rules, least }
    }
}

impl<P: CredentialPolicy> CredentialPolicy for Strong<P> {
    fn judge(&self, candidate: &Candidate<'_>) -> Vec<BrokenRule> {
        let mut broken = self.rules.judge(candidate);
        if estimate(candidate).score < self.least {
            broken.push(BrokenRule(self.rule()));
        }
        broken
    }

    fn hints(&self) -> Vec<Rule> {
        let mut rules = self.rules.hints();
        rules.push(self.rule());
        rules
    }

    fn remembers(&self) -> usize {
        self.rules.remembers()
    }

    fn max_age(&self) -> Option<std::time::Duration> {
        self.rules.max_age()
    }
}

impl<P> Strong<P> {
    fn rule(&self) -> Rule {
        Rule::counted(RuleName::new("weak"), "least", usize::from(self.least))
    }
}

// Every piece of the text that is a word of ours.
fn words_in(folded: &str) -> impl Iterator<Item = &str> {
    folded.char_indices().flat_map(|(from, _)| {
        let rest = folded.get(from..).unwrap_or_default();
        let ends = rest.char_indices().map(|(at, sign)| at + sign.len_utf8());
        ends.skip(SHORTEST_WORD - 1)
            .take(LONGEST_WORD - SHORTEST_WORD + 1)
            .filter_map(|end| rest.get(..end))
            .filter(|piece| !piece.is_ascii() && common::is_word(piece))
    })
}

const MOST_SIGNS: usize = 100;
const MOST_WORDS: usize = 64;
const SHORTEST_WORD: usize = 3;
const LONGEST_WORD: usize = 16;
const RANK: usize = 1000;
