//! Password. Proves something known, typed from memory.
//!
//! Settings: none here; the rules are the profile's, the cost is the builder's. Argon2id through the pool, the PHC
//! string sealed, hashed anew at a sign-in when the cost has changed.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Answer, Context, Credential, Enrol, EnrolPlugin, Enrolled, Factor, Reason, Verdict};
use crate::error::FactorError;
use crate::hash::{HashPool, Hashed, Phc};
use crate::id::{FactorName, RuleName};
use crate::message::Locale;
use crate::policy::password::{BrokenRule, Candidate, Rule, normalise};
use crate::proof::{Amr, Channel, Proves};
use crate::secret::Secret;

/// The password factor.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Password {}

/// What is kept of a password.
#[derive(Debug, Serialize, Deserialize)]
pub struct Stored {
    hash: Phc,
}

/// What the client sends, to prove a password or to choose one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Typed {
    password: Secret,
}

impl Password {
    /// Its name.
    pub const NAME: FactorName = FactorName::new("password");

    /// The answer that is this password.
    #[must_use]
    pub fn word(password: &str) -> Answer {
        #[derive(Serialize)]
        struct Word<'a> {
            password: &'a str,
        }
        // Room for every sign escaped, so that the buffer never moves and leaves a copy behind.
        let mut bytes =
            Zeroizing::new(Vec::with_capacity(password.len().saturating_mul(6).saturating_add(32)));
        let written = serde_json::to_writer(&mut *bytes, &Word { password });
        debug_assert!(written.is_ok(), "a string always serialises");
        Answer { factor: Self::NAME, bytes }
    }
}

impl Factor for Password {
    type Data = Stored;
    type State = ();
    type Answer = Typed;

    fn name(&self) -> FactorName {
        Self::NAME
    }

    fn title(&self, locale: Locale) -> String {
        String::from(match locale {
            Locale::En => "password",
            Locale::Ru => "пароль",
        })
    }

    fn could_prove(&self, _: Option<&Stored>) -> Proves {
        PROVES
    }

    async fn answer(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Stored>],
        (): (),
        answer: Typed,
    ) -> Result<Verdict<Stored>, FactorError> {
        // Before any look at `mine`: an over-long password costs the same for every name (CVE-2025-22234).
        let Ok(password) = normalise(&answer.password) else { return Ok(Verdict::refuse(Reason::Malformed)) };
        let Some(credential) = mine.first() else { return Ok(Verdict::refuse(Reason::Wrong)) };
        let copy = Secret::new(password.expose());
        match cx.hashes().verify(cx.lane, copy, &credential.data.hash).await? {
            Hashed::Busy { retry_after } => Ok(Verdict::Busy { retry_after }),
            Hashed::Done(false) => Ok(Verdict::refuse(Reason::Wrong)),
            Hashed::Done(true) => {
                let change = match cx.hashes().is_current(&credential.data.hash) {
                    true => None,
                    false => self.rehash(cx, password).await?,
                };
                Ok(Verdict::Accept { credential: credential.id, proved: PROVES, change })
            }
        }
    }

    fn decoy(&self, hashes: &HashPool, seed: [u8; 32]) -> Option<Stored> {
        Some(Stored { hash: hashes.decoy(seed) })
    }

    fn enrolment(&self) -> Option<&dyn EnrolPlugin> {
        Some(self)
    }
}

impl Enrol for Password {
    type Proposal = ();
    type Confirm = Typed;

    async fn confirm(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Stored>],
        (): (),
        answer: Typed,
    ) -> Result<Enrolled<Stored>, FactorError> {
        let password = match normalise(&answer.password) {
            Ok(password) => password,
            Err(broken) => return Ok(Enrolled::Unfit(vec![broken])),
        };
        let broken = cx.policy().judge(&Candidate { secret: &password, words: cx.words });
        if !broken.is_empty() {
            return Ok(Enrolled::Unfit(broken));
        }
        if let Some(old) = mine.first() {
            // The proof of the old password, sent twice by a client that lost the reply, is no new password.
            match cx.hashes().verify(cx.lane, Secret::new(password.expose()), &old.data.hash).await? {
                Hashed::Done(false) => {}
                Hashed::Done(true) => return Ok(Enrolled::Unfit(vec![BrokenRule(Rule::plain(SAME))])),
                Hashed::Busy { retry_after } => return Ok(Enrolled::Busy { retry_after }),
            }
        }
        let hash = match cx.hashes().hash(cx.lane, password, cx.entropy()).await? {
            Hashed::Done(hash) => hash,
            Hashed::Busy { retry_after } => return Ok(Enrolled::Busy { retry_after }),
        };
        let data = Stored { hash };
        Ok(match mine.first() {
            None => Enrolled::Add { data, handles: Vec::new(), proved: PROVES },
            Some(old) => Enrolled::Replace { credential: old.id, data, proved: PROVES },
        })
    }
}

impl Password {
    // The cost has changed since: hash again while the password is at hand. If the pool is full, next time.
    async fn rehash(&self, cx: &Context<'_>, password: Secret) -> Result<Option<Stored>, FactorError> {
        Ok(match cx.hashes().hash(cx.lane, password, cx.entropy()).await? {
            Hashed::Done(hash) => Some(Stored { hash }),
            Hashed::Busy { .. } => None,
        })
    }
}

const PROVES: Proves = Proves::by(Channel::Mind).knowledge().memorised().amr(Amr::Pwd);
/// The rule that a new password is another one.
const SAME: RuleName = RuleName::new("same");
