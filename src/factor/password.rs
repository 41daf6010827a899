//! Password. Proves something known, typed from memory.
//!
//! Settings: [`Password::breach_check`], [`Password::breach_check_at_sign_in`], [`Password::migrating_from`]; the rules
//! are the profile's, the cost is the builder's. Argon2id through the pool, the PHC string sealed, hashed anew at a
//! sign-in when the cost has changed or another system had made the hash. As many of the last hashes as the policy
//! remembers lie sealed beside it.
//!
//! One that is too old, temporary or known to others is still a proof, of one that must be replaced before there is a
//! session: see [`due`].

pub mod breach;
pub mod due;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use self::breach::{BreachCheck, OnFailure};
use super::{Answer, Context, Credential, Enrol, EnrolPlugin, Enrolled, Factor, Reason, Schemas, Verdict};
use crate::auth::import::ImportedCredential;
use crate::clock::Timestamp;
use crate::error::{Broken, FactorError};
use crate::hash::{HashPool, Hashed, StoredHash};
use crate::id::{FactorName, RuleName};
use crate::message::Locale;
use crate::policy::password::{BrokenRule, Candidate, Rule, normalise};
use crate::proof::{Amr, Channel, Proves};
use crate::secret::Secret;
use crate::site::Site;

/// The password factor.
#[derive(Clone, Debug, Default)]
pub struct Password {
    breaches: Option<(Arc<dyn BreachCheck>, OnFailure)>,
    rechecks: bool,
    beside: Option<Arc<StoredHash>>,
}

/// What is kept of a password.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stored {
    hash: StoredHash,
    /// The passwords before that their owner chose, the latest first.
    #[serde(default)]
    previous: Vec<StoredHash>,
    /// When it was chosen. Nobody knows it of another system's, nor of rows older than this field: their age counts
    /// from the next sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    chosen: Option<Timestamp>,
    /// Made by the service: good until then, and for choosing another one only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    temporary: Option<Timestamp>,
    /// Others know it, or may.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    compromised: bool,
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

    /// Refuses a new password that this check knows from a leak, and while it gives no answer, does as said.
    #[must_use]
    pub fn breach_check(mut self, check: impl BreachCheck, on_failure: OnFailure) -> Self {
        self.breaches = Some((Arc::new(check), on_failure));
        self
    }

    /// Asks [`Password::breach_check`] at each right password, too: one that has leaked since it was chosen must be
    /// replaced before there is a session. Costs a request for each sign-in; while the check gives no answer people are
    /// signed in all the same, whatever was said for new ones. Without a check, which is nothing to ask, it does not build.
    #[must_use]
    pub const fn breach_check_at_sign_in(mut self) -> Self {
        self.rechecks = true;
        self
    }

    /// While accounts with another system's hashes are there: each wrong password also costs what this one of them
    /// does, for every name. Their hashes are as a rule dearer than the library's own, and who had not signed in since
    /// the move would else be told from a name that nobody has by the time of the answer.
    #[must_use]
    pub fn migrating_from(mut self, one_of_them: StoredHash) -> Self {
        self.beside = Some(Arc::new(one_of_them));
        self
    }

    /// The credential for [`Auth::import`](crate::Auth::import) that this hash is. The first sign-in replaces the
    /// hash by the library's own; where passwords age, it is as old as that sign-in. An account has one password.
    ///
    /// # Errors
    /// When it does not serialise.
    pub fn imported(hash: StoredHash) -> Result<ImportedCredential, FactorError> {
        ImportedCredential::of(&Self::default(), &Stored::of(hash)).map(|one| one.at_most(1))
    }

    /// The same of a password that was chosen then.
    ///
    /// # Errors
    /// As [`Password::imported`].
    pub fn imported_since(hash: StoredHash, chosen: Timestamp) -> Result<ImportedCredential, FactorError> {
        let stored = Stored { chosen: Some(chosen), ..Stored::of(hash) };
        ImportedCredential::of(&Self::default(), &stored).map(|one| one.at_most(1))
    }

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

    fn could_prove(&self, kept: Option<&Stored>) -> Proves {
        kept.map_or(PROVES, Stored::proves)
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
        let stored = &credential.data.hash;
        // Another system hashed what was typed, in whatever normal form the keyboard gave it.
        let typed = if stored.is_legacy() { answer.password } else { Secret::new(password.expose()) };
        match cx.hashes().check(cx.lane, typed, stored, self.beside.as_deref()).await? {
            Hashed::Busy { retry_after } => Ok(Verdict::Busy { retry_after }),
            Hashed::Done(false) => Ok(Verdict::refuse(Reason::Wrong)),
            Hashed::Done(true) => self.right(cx, credential, password).await,
        }
    }

    fn decoy(&self, hashes: &HashPool, seed: [u8; 32]) -> Option<Stored> {
        Some(Stored::of(hashes.decoy(seed).into()))
    }

    fn takes_hash(&self) -> bool {
        true
    }

    fn fits(&self, _: &Site) -> Result<(), Broken> {
        match self.rechecks && self.breaches.is_none() {
            true => Err(Broken::Misuse("breach_check_at_sign_in() needs breach_check(..)")),
            false => Ok(()),
        }
    }

    fn schemas(&self) -> Schemas {
        Schemas::any().answer(TYPED).confirm(TYPED)
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
        // After the rules, which cost nothing, and before the hashes, which cost most.
        if self.is_breached(&password).await? {
            return Ok(Enrolled::Unfit(vec![BrokenRule(Rule::plain(BREACHED))]));
        }
        let remembered = cx.policy().remembers().min(MOST_REMEMBERED);
        let mut previous = Vec::new();
        if let Some(Credential { data: old, .. }) = mine.first() {
            // A temporary one is none of the last ones: its owner never chose it.
            let not_theirs = usize::from(old.temporary.is_some());
            // The present one is looked at whatever the policy says: the proof of the old password, sent twice by a
            // client that lost the reply, is no new password.
            let past = std::iter::once(&old.hash).chain(&old.previous);
            for (before, hash) in past.clone().take(remembered.max(1) + not_theirs).enumerate() {
                match cx.hashes().check(cx.lane, Secret::new(password.expose()), hash, None).await? {
                    Hashed::Done(false) => {}
                    Hashed::Done(true) if before == 0 => {
                        return Ok(Enrolled::Unfit(vec![BrokenRule(Rule::plain(SAME))]));
                    }
                    Hashed::Done(true) => {
                        let rule = Rule::counted(REUSED, "last", remembered.max(1));
                        return Ok(Enrolled::Unfit(vec![BrokenRule(rule)]));
                    }
                    Hashed::Busy { retry_after } => return Ok(Enrolled::Busy { retry_after }),
                }
            }
            previous.extend(past.skip(not_theirs).take(remembered.saturating_sub(1)).cloned());
        }
        let hash = match cx.hashes().hash(cx.lane, password, cx.entropy()).await? {
            Hashed::Done(hash) => hash,
            Hashed::Busy { retry_after } => return Ok(Enrolled::Busy { retry_after }),
        };
        let data = Stored { previous, chosen: Some(cx.now), ..Stored::of(hash.into()) };
        Ok(match mine.first() {
            None => Enrolled::Add { data, handles: Vec::new(), proved: PROVES },
            Some(old) => Enrolled::Replace { credential: old.id, data, proved: PROVES },
        })
    }
}

impl Password {
    async fn is_breached(&self, password: &Secret) -> Result<bool, FactorError> {
        let Some((check, on_failure)) = &self.breaches else { return Ok(false) };
        match (check.seen(password).await, on_failure) {
            (Ok(times), _) => Ok(times > 0),
            (Err(_), OnFailure::Accept) => Ok(false),
            (Err(error), OnFailure::Refuse) => Err(FactorError::Unavailable(Some(Box::new(error)))),
        }
    }
}

const PROVES: Proves = Proves::by(Channel::Mind).knowledge().memorised().amr(Amr::Pwd);
/// The rule that a new password is another one.
const SAME: RuleName = RuleName::new("same");
/// The rule that it is none of the last ones.
const REUSED: RuleName = RuleName::new("reused");
/// The rule that it is not known from a leak.
const BREACHED: RuleName = RuleName::new("breached");
/// Each costs a hash at a change, and a hash takes 19 MiB and 15 ms.
const MOST_REMEMBERED: usize = 24;

const TYPED: &str = r#"{"type":"object","additionalProperties":false,"required":["password"],"properties":{
    "password":{"type":"string","format":"password","description":"At most 1,024 bytes of UTF-8 after NFC."}}}"#;
