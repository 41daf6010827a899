//! Passwords that the library makes, and that its own rules take.

use zeroize::Zeroizing;

use super::{Candidate, CredentialPolicy, common, normalise};
use crate::clock::Entropy;
use crate::error::Broken;
use crate::message::Locale;
use crate::secret::Secret;

/// How a password is made. What the policy refuses is drawn again, so whatever comes out may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recipe {
    /// Words with a capital letter each, dashes, two digits: 11 bits a word and six and a half; five words have 61.
    Words {
        /// In which language.
        locale: Locale,
        /// How many, from 4.
        count: usize,
    },
    /// Letters, digits and signs, none of which is taken for another: six bits each; sixteen have 97.
    Signs {
        /// How many, from 12.
        count: usize,
    },
}

impl Recipe {
    /// Five words.
    #[must_use]
    pub const fn words(locale: Locale) -> Self {
        Self::Words { locale, count: 5 }
    }

    /// Sixteen signs.
    #[must_use]
    pub const fn signs() -> Self {
        Self::Signs { count: 16 }
    }

    /// A password that this policy takes from this person: `words` as in [`Candidate::words`].
    ///
    /// # Errors
    /// [`Broken::Entropy`]; [`Broken::Misuse`] when the policy takes nothing that is made so.
    pub fn make(
        self,
        policy: &dyn CredentialPolicy,
        words: &[String],
        entropy: &dyn Entropy,
    ) -> Result<Secret, Broken> {
        for _ in 0..MOST_DRAWS {
            // What a policy wants at least may be more than the recipe gives: NFC and length are looked at too.
            let Ok(secret) = normalise(&Secret::new(self.draw(entropy)?)) else { continue };
            if policy.judge(&Candidate { secret: &secret, words }).is_empty() {
                return Ok(secret);
            }
        }
        Err(Broken::Misuse("the password policy takes nothing that this recipe makes"))
    }

    fn draw(self, entropy: &dyn Entropy) -> Result<Vec<u8>, Broken> {
        // Room for all at once: a buffer that moved would leave a copy behind.
        let mut text = Zeroizing::new(String::with_capacity(ROOM));
        match self {
            Self::Words { locale, count } => {
                let list = match locale {
                    Locale::En => common::ENGLISH,
                    Locale::Ru => common::RUSSIAN,
                };
                for _ in 0..count.clamp(4, MOST_WORDS) {
                    let word = list.lines().nth(below(LIST_LENGTH, entropy)?).unwrap_or_default();
                    let mut letters = word.chars();
                    text.extend(letters.next().into_iter().flat_map(char::to_uppercase));
                    text.push_str(letters.as_str());
                    text.push('-');
                }
                for _ in 0..2 {
                    text.extend(DIGITS.chars().nth(below(DIGITS.len(), entropy)?));
                }
            }
            Self::Signs { count } => {
                for _ in 0..count.clamp(12, MOST_SIGNS) {
                    text.extend(SIGNS.chars().nth(below(SIGNS.len(), entropy)?));
                }
            }
        }
        Ok(text.as_bytes().to_vec())
    }
}

/// A number below `end`, each as likely: what would favour the small ones is drawn again.
fn below(end: usize, entropy: &dyn Entropy) -> Result<usize, Broken> {
    let end = u16::try_from(end).unwrap_or(u16::MAX).max(1);
    let fair = u16::MAX - u16::MAX % end;
    loop {
        let mut bytes = [0; 2];
        entropy.fill(&mut bytes)?;
        let drawn = u16::from_be_bytes(bytes);
        if drawn < fair {
            return Ok(usize::from(drawn % end));
        }
    }
}

const LIST_LENGTH: usize = 2048;
const DIGITS: &str = "0123456789";
/// Without `0`, `O`, `o`, `1`, `l`, `I`.
const SIGNS: &str = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789-_.!?#+=@";
const MOST_DRAWS: usize = 1000;
const MOST_WORDS: usize = 16;
const MOST_SIGNS: usize = 128;
const ROOM: usize = 1024;
