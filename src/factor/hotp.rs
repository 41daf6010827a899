//! Counter-based one-time password (HOTP, RFC 4226): a token with a button. Proves that one holds it.
//!
//! Settings: none. Tokens are handed out by the application, which has their seeds from the maker: [`Hotp::assign`], or
//! [`Hotp::imported`] with an account. The counter only goes forward, by compare-and-swap in the commit that accepts: a
//! code is good once, and those that were passed over are not good any more. A token whose button was pressed for
//! nothing is up to [five codes](LOOK_AHEAD) ahead; one that is further is found again by two codes in a row, which are
//! looked for among [a hundred](RESYNCHRONISE) (section 7.4).

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Answer, Context, Credential, Factor, Reason, Schemas, Verdict};
use crate::auth::Auth;
use crate::auth::import::ImportedCredential;
use crate::error::{Broken, FactorError};
use crate::event;
use crate::flow::Client;
use crate::id::{AccountId, FactorName};
use crate::message::Locale;
use crate::otp::{Algorithm, OtpScheme, computed};
use crate::proof::{Amr, Channel, Proves};
use crate::secret::{Secret, same};

#[cfg(test)]
mod tests;

/// The HOTP factor.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Hotp;

/// A token as its maker describes it, and what is kept of it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Token {
    key: Zeroizing<Vec<u8>>,
    digits: u8,
    /// The least counter whose code is good: nothing below it is ever accepted again.
    next: u64,
    /// Whether the code just below it was accepted, and not passed over.
    #[serde(default)]
    used: bool,
}

/// Why a seed is no token's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Section 4 (R6) asks for 128 bits and recommends 160; no maker uses more than 512.
    #[error("a token's key has 16 to 64 bytes")]
    Key,
    /// Section 5.3: six, seven or eight.
    #[error("a token's codes have six to eight digits")]
    Digits,
}

/// What the client sends. `next` is the code after it, where the token has run ahead.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Typed {
    code: Secret,
    #[serde(default)]
    next: Option<Secret>,
}

/// What an answer is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    Nothing,
    /// Just this code was accepted before.
    Used,
    /// The last counter that it used up.
    Fresh {
        counter: u64,
    },
}

impl Hotp {
    /// Its name.
    pub const NAME: FactorName = FactorName::new("hotp");

    /// The answer that is this code.
    #[must_use]
    pub fn code(code: &str) -> Answer {
        Self::typed(code, None)
    }

    /// The answer that finds a token again that has run ahead: two codes in a row.
    #[must_use]
    pub fn two_codes(code: &str, next: &str) -> Answer {
        Self::typed(code, Some(next))
    }

    fn typed(code: &str, next: Option<&str>) -> Answer {
        #[derive(Serialize)]
        struct Words<'a> {
            code: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            next: Option<&'a str>,
        }
        Answer::wire(Self::NAME, serde_json::to_vec(&Words { code, next }).unwrap_or_default())
    }

    /// The credential for [`Auth::import`] that this token is. An account has one token.
    ///
    /// # Errors
    /// When it does not serialise.
    pub fn imported(token: &Token) -> Result<ImportedCredential, FactorError> {
        ImportedCredential::of(&Self, token).map(|one| one.at_most(1))
    }

    /// Hands a token to an account, in place of the one it has, if any: that one is good for nothing from then on. All
    /// sessions end, known browsers are forgotten, the owner is told, and it is in the history.
    ///
    /// The token that it has already keeps the higher of the two counters: what was good once is not good again. Of one
    /// that somebody had before, say where it had counted to.
    ///
    /// # Errors
    /// When something does not work; [`Broken::Misuse`] for an account that is not there or closed, or without this
    /// factor in the builder.
    pub async fn assign(auth: &Auth, account: AccountId, token: &Token, by: &Client) -> Result<(), Broken> {
        let told = (event::name::ISSUED, "credential-added");
        let next =
            |old: Option<Token>| Some(old.map_or_else(|| token.clone(), |old| token.clone().after(&old)));
        auth.0.rewrite(account, &Self::NAME, told, by, next).await.map(drop)
    }
}

impl Token {
    /// A token by the key (as bytes), the digits of its codes and the counter of its next code: 0 for one from the box.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn new(key: &[u8], digits: u8, counter: u64) -> Result<Self, TokenError> {
        if !(16..=64).contains(&key.len()) {
            return Err(TokenError::Key);
        }
        if !(6..=8).contains(&digits) {
            return Err(TokenError::Digits);
        }
        Ok(Self { key: Zeroizing::new(key.to_vec()), digits, next: counter, used: false })
    }

    /// The same key counts on: a file of seeds that is read in a second time has the counters of the day it was made.
    fn after(self, old: &Self) -> Self {
        if !same(&self.key, &old.key) || self.next > old.next {
            return self;
        }
        Self { digits: self.digits, ..old.clone() }
    }

    fn accepted_at(&self, counter: u64) -> Self {
        Self { next: counter.saturating_add(1), used: true, ..self.clone() }
    }

    fn is(&self, code: &str, counter: u64) -> bool {
        same(code.as_bytes(), computed(Algorithm::Sha1, self.digits, &self.key, counter).as_bytes())
    }

    #[cfg(feature = "testing")]
    pub(crate) fn shown(&self, counter: u64) -> String {
        String::clone(&computed(Algorithm::Sha1, self.digits, &self.key, counter))
    }

    /// Every counter in reach is computed and compared, whichever fits: time tells nothing of them. Of two with the same
    /// code the later counts, so that it is good for neither any more.
    fn judge(&self, code: &str) -> Worth {
        let mut worth = match self.next.checked_sub(1) {
            Some(last) if self.is(code, last) && self.used => Worth::Used,
            _ => Worth::Nothing,
        };
        for ahead in 0..=LOOK_AHEAD {
            // A token that has counted to the end is used up.
            let Some(counter) = self.next.checked_add(ahead).filter(|counter| *counter < u64::MAX) else {
                break;
            };
            let fits = self.is(code, counter);
            worth = worth.max(if fits { Worth::Fresh { counter } } else { Worth::Nothing });
        }
        worth
    }

    fn judge_two(&self, code: &str, next: &str) -> Worth {
        let last = self.next.checked_sub(1).zip(self.next.checked_sub(2));
        let mut worth = match last {
            Some((last, before)) if self.is(next, last) & self.is(code, before) && self.used => Worth::Used,
            _ => Worth::Nothing,
        };
        let mut first_fits = false;
        for ahead in 0..=RESYNCHRONISE {
            let Some(counter) = self.next.checked_add(ahead).filter(|counter| *counter < u64::MAX) else {
                break;
            };
            if first_fits & self.is(next, counter) {
                worth = worth.max(Worth::Fresh { counter });
            }
            first_fits = self.is(code, counter);
        }
        worth
    }
}

impl OtpScheme for Token {
    fn digits(&self) -> usize {
        usize::from(self.digits)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("next", &self.next).finish_non_exhaustive()
    }
}

impl Factor for Hotp {
    type Data = Token;
    type State = ();
    type Answer = Typed;

    fn name(&self) -> FactorName {
        Self::NAME
    }

    fn title(&self, locale: Locale) -> String {
        String::from(match locale {
            Locale::En => "code token",
            Locale::Ru => "генератор кодов",
        })
    }

    fn could_prove(&self, _: Option<&Token>) -> Proves {
        PROVES
    }

    async fn answer(
        &self,
        _: &Context<'_>,
        mine: &[Credential<Token>],
        (): (),
        answer: Typed,
    ) -> Result<Verdict<Token>, FactorError> {
        let typed = answer.code.expose_str().unwrap_or_default();
        let next = answer.next.as_ref().map(|next| next.expose_str().unwrap_or_default());
        let mut well_formed = false;
        let mut found = (Worth::Nothing, None);
        // All tokens, whichever fits.
        for one in mine {
            let token = &one.data;
            // One canonical form before anything is compared (CVE-2025-6014, CVE-2025-55000).
            let worth = match (token.canonical(typed), next.map(|next| token.canonical(next))) {
                (Some(code), None) => token.judge(&code),
                (Some(code), Some(Some(next))) => token.judge_two(&code, &next),
                _ => continue,
            };
            well_formed = true;
            if worth > found.0 {
                found = (worth, Some(one));
            }
        }
        Ok(match found {
            (Worth::Fresh { counter }, Some(one)) => Verdict::Accept {
                credential: one.id,
                proved: PROVES,
                change: Some(one.data.accepted_at(counter)),
            },
            (Worth::Used, _) => Verdict::refuse(Reason::Replayed),
            _ if well_formed => Verdict::refuse(Reason::Wrong),
            _ => Verdict::refuse(Reason::Malformed),
        })
    }

    fn schemas(&self) -> Schemas {
        Schemas::any().answer(TYPED)
    }
}

const PROVES: Proves = Proves::by(Channel::Device).possession().replay_resistant().amr(Amr::Otp);
/// How many codes a token may be ahead. Each is one more that a guess may hit (section 7.3 asks for a small number).
pub const LOOK_AHEAD: u64 = 5;
/// Among how many codes two in a row are looked for.
pub const RESYNCHRONISE: u64 = 100;

const TYPED: &str = r#"{"type":"object","additionalProperties":false,"required":["code"],"properties":{
    "code":{"type":"string","description":"Spaces, dashes and full-width digits are forgiven."},
    "next":{"type":"string","description":"The code after it, for a token that has run ahead."}}}"#;
