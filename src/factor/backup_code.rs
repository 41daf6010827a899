//! Backup codes: a set of codes on paper or in a safe, each good once. Proves that one holds the set.
//!
//! Settings: how many, ten by default, 8 to 16; and the scheme of a code. One credential for each set, a new set is in
//! place of the old. A code names its place in the set, so that a try costs one Argon2id, right, wrong or unknown.
//!
//! Each code has 65 random bits. That is beyond guessing, but below the 112 bits from which NIST SP 800-63B-4 section
//! 3.1.2 and ASVS 5.0 6.5.2 let a fast hash do: so each has a salt and an Argon2id of its own. A new set costs ten of
//! them, a fifth of a second of one worker, once in years; they wait in the pool one after the other, so others pass
//! in between.

use std::fmt::Debug;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    Answer, Begun, Context, Credential, Enrol, EnrolPlugin, Enrolled, Factor, Notice, Prompt, Reason,
    Schemas, Verdict,
};
use crate::auth::Auth;
use crate::clock::Entropy;
use crate::error::{Broken, FactorError};
use crate::hash::{Hashed, Phc};
use crate::id::{AccountId, FactorName, TemplateName};
use crate::message::Locale;
use crate::proof::{Amr, Channel, Proves};
use crate::secret::Secret;

#[cfg(test)]
mod tests;

/// What a backup code looks like.
pub trait BackupCodeScheme: Debug + Send + Sync + 'static {
    /// Draws a code for a place in the set, 0 to 15: canonical, at least 64 random bits (fewer would need more than
    /// one guard to hold a century).
    ///
    /// # Errors
    /// When the generator is broken.
    fn draw(&self, place: u8, entropy: &dyn Entropy) -> Result<Zeroizing<String>, Broken>;

    /// The one form of a typed code, and the place in the set that it names. `None` when it is no code of this kind,
    /// a typing error among them: that is refused before anything is counted.
    fn canonical(&self, typed: &str) -> Option<(u8, Zeroizing<String>)>;

    /// A canonical code as people read and type it.
    fn shown(&self, code: &str) -> Zeroizing<String>;
}

/// Fifteen signs of Crockford's Base32 (no I, L, O, U) in three groups: a selector, 65 random bits, a check sign.
///
/// The check sign finds each wrong sign and each two that changed places, wherever they stand.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct FifteenSigns {}

/// The backup codes factor.
#[derive(Clone, Debug)]
pub struct BackupCodes {
    scheme: Arc<dyn BackupCodeScheme>,
    count: u8,
}

/// What is kept of a set.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Set {
    codes: Vec<Kept>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    hash: Phc,
    used: bool,
}

/// What the client sends. Case, spaces, dashes and look-alike letters are forgiven.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Typed {
    code: Secret,
}

/// What the client confirms a new set with: that its owner says they have it. Proves nothing, and is said to prove
/// nothing: the codes are still on the screen, so typing one in would show no more, and most would copy it from there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    saved: bool,
}

impl BackupCodes {
    /// Its name.
    pub const NAME: FactorName = FactorName::new("backup-code");

    /// Sets of so many codes.
    ///
    /// # Errors
    /// [`Broken::Misuse`] for fewer than 8 or more than 16.
    pub fn of(count: u8) -> Result<Self, Broken> {
        if !(8..=16).contains(&count) {
            return Err(Broken::Misuse("a set has 8 to 16 backup codes"));
        }
        Ok(Self { count, ..Self::default() })
    }

    /// The same with another kind of code, for sets that are made from now on and those that there are.
    #[must_use]
    pub fn with_scheme(mut self, scheme: impl BackupCodeScheme) -> Self {
        self.scheme = Arc::new(scheme);
        self
    }

    /// The answer that is this code.
    #[must_use]
    pub fn code(code: &str) -> Answer {
        #[derive(Serialize)]
        struct Word<'a> {
            code: &'a str,
        }
        Answer::wire(Self::NAME, serde_json::to_vec(&Word { code }).unwrap_or_default())
    }

    /// The confirmation of a new set.
    #[must_use]
    pub fn saved() -> Answer {
        Answer::wire(Self::NAME, *br#"{"saved":true}"#)
    }

    /// How many codes an account has left; `None` for an account without a set.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn left(auth: &Auth, of: AccountId) -> Result<Option<usize>, Broken> {
        let sets = auth.0.opened::<Set>(of, &Self::NAME).await?;
        Ok(sets.first().map(|set| set.data.left()))
    }
}

impl Default for BackupCodes {
    fn default() -> Self {
        Self { scheme: Arc::new(FifteenSigns::default()), count: 10 }
    }
}

impl Set {
    fn left(&self) -> usize {
        self.codes.iter().filter(|code| !code.used).count()
    }
}

impl Factor for BackupCodes {
    type Data = Set;
    type State = ();
    type Answer = Typed;

    fn name(&self) -> FactorName {
        Self::NAME
    }

    fn title(&self, locale: Locale) -> String {
        String::from(match locale {
            Locale::En => "backup codes",
            Locale::Ru => "резервные коды",
        })
    }

    // A set that is used up proves nothing any more, so it is not offered.
    fn could_prove(&self, set: Option<&Set>) -> Proves {
        if set.is_some_and(|set| set.left() == 0) { NOTHING } else { PROVES }
    }

    async fn answer(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Set>],
        (): (),
        answer: Typed,
    ) -> Result<Verdict<Set>, FactorError> {
        let typed = answer.code.expose_str().and_then(|typed| self.scheme.canonical(typed));
        let Some((place, code)) = typed else { return Ok(Verdict::refuse(Reason::Malformed)) };
        let Some(set) = mine.first() else { return Ok(Verdict::refuse(Reason::Wrong)) };
        // A place that the set does not have costs the same as one that it has; no code of it fits there.
        let at = usize::from(place).checked_rem(set.data.codes.len()).unwrap_or_default();
        let Some(kept) = set.data.codes.get(at) else { return Ok(Verdict::refuse(Reason::Wrong)) };
        let code = Secret::new(code.as_bytes());
        Ok(match cx.hashes().verify(cx.lane, code, &kept.hash).await? {
            Hashed::Busy { retry_after } => Verdict::Busy { retry_after },
            Hashed::Done(false) => Verdict::refuse(Reason::Wrong),
            Hashed::Done(true) if kept.used => Verdict::refuse(Reason::Replayed),
            Hashed::Done(true) => {
                let mut left = set.data.clone();
                left.codes.iter_mut().skip(at).take(1).for_each(|code| code.used = true);
                Verdict::Accept { credential: set.id, proved: PROVES, change: Some(left) }
            }
        })
    }

    // Whoever finds the list uses it where its owner does not look.
    fn tells(&self, left: &Set) -> Option<Notice> {
        let template = if left.left() > FEW { "backup-code-used" } else { "backup-codes-few" };
        let params = vec![("left".into(), left.left().to_string())];
        Some(Notice { template: TemplateName::new(template), params })
    }

    fn takes_hash(&self) -> bool {
        true
    }

    fn schemas(&self) -> Schemas {
        Schemas::any().answer(TYPED).confirm(SAVED).proposal(PROPOSAL)
    }

    fn enrolment(&self) -> Option<&dyn EnrolPlugin> {
        Some(self)
    }
}

impl Enrol for BackupCodes {
    type Proposal = Set;
    type Confirm = Saved;

    // Only hashes stay: the codes themselves are shown once and nowhere kept.
    async fn propose(&self, cx: &Context<'_>, _: &[Credential<Set>]) -> Result<Begun<Set>, FactorError> {
        let mut set = Set { codes: Vec::new() };
        let mut shown: Vec<Zeroizing<String>> = Vec::new();
        for place in 0..self.count {
            let code = self.scheme.draw(place, cx.entropy())?;
            let secret = Secret::new(code.as_bytes());
            match cx.hashes().hash(cx.lane, secret, cx.entropy()).await? {
                Hashed::Done(hash) => set.codes.push(Kept { hash, used: false }),
                Hashed::Busy { retry_after } => return Ok(Begun::Busy { retry_after }),
            }
            shown.push(self.scheme.shown(&code));
        }
        #[derive(Serialize)]
        struct Shown<'a> {
            codes: &'a [Zeroizing<String>],
        }
        let prompt = Prompt::new(&Shown { codes: &shown })?;
        Ok(Begun::Started { state: set, prompt, deliver: None })
    }

    async fn confirm(
        &self,
        _: &Context<'_>,
        mine: &[Credential<Set>],
        set: Set,
        Saved { saved }: Saved,
    ) -> Result<Enrolled<Set>, FactorError> {
        if !saved {
            return Ok(Enrolled::Refuse(Reason::Malformed));
        }
        Ok(match mine.first() {
            Some(old) => Enrolled::Replace { credential: old.id, data: set, proved: NOTHING },
            None => Enrolled::Add { data: set, handles: Vec::new(), proved: NOTHING },
        })
    }
}

impl BackupCodeScheme for FifteenSigns {
    fn draw(&self, place: u8, entropy: &dyn Entropy) -> Result<Zeroizing<String>, Broken> {
        let mut random = Zeroizing::new([0; RANDOM_SIGNS]);
        entropy.fill(&mut *random)?;
        let mut values = Zeroizing::new(Vec::with_capacity(ALL_SIGNS));
        values.push(place & 31);
        values.extend(random.iter().map(|byte| byte & 31));
        let last = double(check(&values));
        values.push(last);
        Ok(Zeroizing::new(values.iter().filter_map(|value| sign(*value)).collect()))
    }

    fn canonical(&self, typed: &str) -> Option<(u8, Zeroizing<String>)> {
        if typed.len() > MOST_TYPED {
            return None;
        }
        let mut values = Zeroizing::new(Vec::with_capacity(MOST_TYPED));
        for typed in typed.chars().filter(|sign| !between(*sign)) {
            values.push(value(typed)?);
        }
        if values.len() != ALL_SIGNS || check(&values) != 0 {
            return None;
        }
        let place = *values.first()?;
        Some((place, Zeroizing::new(values.iter().filter_map(|value| sign(*value)).collect())))
    }

    fn shown(&self, code: &str) -> Zeroizing<String> {
        let mut shown = Zeroizing::new(String::with_capacity(2 * ALL_SIGNS));
        for (at, sign) in code.chars().enumerate() {
            if at > 0 && at % 5 == 0 {
                shown.push('-');
            }
            shown.push(sign);
        }
        shown
    }
}

/// The signs as a polynomial over the field of 32 elements, at a generator of it. All places have different weights,
/// so one wrong sign or two that changed places never give zero again.
fn check(values: &[u8]) -> u8 {
    values.iter().fold(0, |sum, value| double(sum) ^ value)
}

/// Times x, modulo x^5 + x^2 + 1.
const fn double(value: u8) -> u8 {
    (value << 1) ^ if value & 16 == 0 { 0 } else { 0b10_0101 }
}

fn sign(value: u8) -> Option<char> {
    SIGNS.get(usize::from(value)).map(|sign| char::from(*sign))
}

/// The value of a sign, however it was written: in small letters, full-width, with the letters that are taken for
/// digits, or with the Russian ones that look the same.
fn value(typed: char) -> Option<u8> {
    let plain = match typed {
        '\u{ff10}'..='\u{ff5a}' => char::from_u32(typed as u32 - 0xfee0)?,
        other => other,
    };
    let capital = plain.to_uppercase().next()?;
    let sign = match capital {
        'O' | 'О' => '0',
        'I' | 'L' => '1',
        'U' => 'V',
        'А' => 'A',
        'В' => 'B',
        'Е' => 'E',
        'К' => 'K',
        'М' => 'M',
        'Н' => 'H',
        'Р' => 'P',
        'С' => 'C',
        'Т' => 'T',
        'У' => 'Y',
        'Х' => 'X',
        other => other,
    };
    let at = SIGNS.iter().position(|known| char::from(*known) == sign)?;
    u8::try_from(at).ok()
}

/// What stands between signs.
const fn between(sign: char) -> bool {
    matches!(
        sign,
        ' ' | '-' | '\u{a0}' | '\u{2009}' | '\u{202f}' | '\u{3000}' | '\u{2010}'..='\u{2015}' | '\u{ff0d}'
    )
}

const PROVES: Proves = Proves::by(Channel::Paper).possession().replay_resistant().amr(Amr::Otp);
const NOTHING: Proves = Proves::by(Channel::Paper);
/// Douglas Crockford's Base32.
const SIGNS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const RANDOM_SIGNS: usize = 13;
const ALL_SIGNS: usize = 15;
const MOST_TYPED: usize = 128;
/// So few are left that a new set is due.
const FEW: usize = 3;

const TYPED: &str = r#"{"type":"object","additionalProperties":false,"required":["code"],"properties":{
    "code":{"type":"string","description":"Case, spaces, dashes and look-alike letters are forgiven."}}}"#;

const SAVED: &str = r#"{"type":"object","additionalProperties":false,"required":["saved"],"properties":{
    "saved":{"type":"boolean","description":"True: their owner has them."}}}"#;

const PROPOSAL: &str = r#"{"type":"object","additionalProperties":false,"required":["codes"],"properties":{
    "codes":{"type":"array","items":{"type":"string"},"description":"Shown this once."}}}"#;
