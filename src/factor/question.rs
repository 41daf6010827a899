//! A secret question: the person chooses the question and the answer. Good in a recovery only, beside something else, and
//! never alone; it opens no sign-in, proves nothing for an operation, and guards no change of credentials, since what
//! answers it is known to family and friends and stands in their photographs.
//!
//! Settings: none. One for each account, a new one is in place of the old. NIST SP 800-63B-4 section 3.1.1.2 and ASVS 5.0
//! 6.4.2 forbid it: their profiles refuse to build with it, and others list it as a deviation. The answer is normalised
//! (compatibility forms, case, spaces, the Russian ё), hashed like a password, and each try costs one hash; its guard bears
//! three wrong answers in a row, then holds, and 20 in all.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::{
    Answer, Begun, Context, Credential, Enrol, EnrolPlugin, Enrolled, Factor, Prompt, Reason, Schemas,
    Verdict,
};
use crate::error::FactorError;
use crate::hash::{Hashed, Phc};
use crate::id::{FactorName, RuleName};
use crate::lockout::Limit;
use crate::message::Locale;
use crate::policy::password::{BrokenRule, Rule};
use crate::proof::{Amr, Channel, Proves};
use crate::secret::Secret;

#[cfg(test)]
mod tests;

/// The secret question factor.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Question {}

/// What is kept: the question as it was typed, and a hash of the answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Asked {
    question: String,
    hash: Phc,
}

/// What the client answers. Case, spaces and ё are forgiven.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Typed {
    answer: Secret,
}

/// What a new one is made of.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    question: String,
    answer: Secret,
}

impl Question {
    /// Its name.
    pub const NAME: FactorName = FactorName::new("question");

    /// The answer that is this one.
    #[must_use]
    pub fn answer(answer: &str) -> Answer {
        #[derive(Serialize)]
        struct Word<'a> {
            answer: &'a str,
        }
        Answer::wire(Self::NAME, serde_json::to_vec(&Word { answer }).unwrap_or_default())
    }

    /// The confirmation of a new one.
    #[must_use]
    pub fn chosen(question: &str, answer: &str) -> Answer {
        #[derive(Serialize)]
        struct Words<'a> {
            question: &'a str,
            answer: &'a str,
        }
        Answer::wire(Self::NAME, serde_json::to_vec(&Words { question, answer }).unwrap_or_default())
    }
}

impl Factor for Question {
    type Data = Asked;
    type State = ();
    type Answer = Typed;

    fn name(&self) -> FactorName {
        Self::NAME
    }

    fn title(&self, locale: Locale) -> String {
        String::from(match locale {
            Locale::En => "secret question",
            Locale::Ru => "контрольный вопрос",
        })
    }

    fn could_prove(&self, _: Option<&Asked>) -> Proves {
        PROVES
    }

    async fn begin(
        &self,
        _: &Context<'_>,
        mine: &[Credential<Asked>],
        _: Option<()>,
    ) -> Result<Begun<()>, FactorError> {
        #[derive(Serialize)]
        struct Shown<'a> {
            question: &'a str,
        }
        let Some(asked) = mine.first() else { return Ok(Begun::Nothing) };
        let prompt = Prompt::new(&Shown { question: &asked.data.question })?;
        Ok(Begun::Started { state: (), prompt, deliver: None })
    }

    async fn answer(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Asked>],
        (): (),
        answer: Typed,
    ) -> Result<Verdict<Asked>, FactorError> {
        let Some(answer) = canonical(&answer.answer) else { return Ok(Verdict::refuse(Reason::Malformed)) };
        let Some(asked) = mine.first() else { return Ok(Verdict::refuse(Reason::Wrong)) };
        let answer = Secret::new(answer.as_bytes());
        Ok(match cx.hashes().verify(cx.lane, answer, &asked.data.hash).await? {
            Hashed::Busy { retry_after } => Verdict::Busy { retry_after },
            Hashed::Done(false) => Verdict::refuse(Reason::Wrong),
            Hashed::Done(true) => Verdict::Accept { credential: asked.id, proved: PROVES, change: None },
        })
    }

    fn takes_hash(&self) -> bool {
        true
    }

    // The answers that a person's acquaintances would try are few.
    fn limit(&self) -> Limit {
        Limit::PORTAL.with_free(3).with_allowance(20)
    }

    fn schemas(&self) -> Schemas {
        Schemas::any().answer(TYPED).prompt(PROMPT).confirm(CHOSEN)
    }

    fn enrolment(&self) -> Option<&dyn EnrolPlugin> {
        Some(self)
    }
}

impl Enrol for Question {
    type Proposal = ();
    type Confirm = Chosen;

    async fn confirm(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Asked>],
        (): (),
        chosen: Chosen,
    ) -> Result<Enrolled<Asked>, FactorError> {
        let question = chosen.question.split_whitespace().collect::<Vec<_>>().join(" ");
        if question.is_empty() || question.len() > MOST_QUESTION || question.chars().any(char::is_control) {
            return Ok(Enrolled::Refuse(Reason::Malformed));
        }
        let Some(answer) = canonical(&chosen.answer) else { return Ok(Enrolled::Refuse(Reason::Malformed)) };
        if answer.chars().count() < LEAST_SIGNS {
            let rule = Rule::counted(RuleName::new("too_short"), "least", LEAST_SIGNS);
            return Ok(Enrolled::Unfit(vec![BrokenRule(rule)]));
        }
        // What the page itself tells is no answer: the question, or the person's own data.
        let told = |word: &str| {
            canonical(&Secret::new(word))
                .is_some_and(|word| !word.is_empty() && word.contains(answer.as_str()))
        };
        if told(&question) || cx.words.iter().any(|word| told(word)) {
            return Ok(Enrolled::Unfit(vec![BrokenRule(Rule::plain(RuleName::new("context")))]));
        }
        let secret = Secret::new(answer.as_bytes());
        let data = match cx.hashes().hash(cx.lane, secret, cx.entropy()).await? {
            Hashed::Done(hash) => Asked { question, hash },
            Hashed::Busy { retry_after } => return Ok(Enrolled::Busy { retry_after }),
        };
        Ok(match mine.first() {
            Some(old) => Enrolled::Replace { credential: old.id, data, proved: PROVES },
            None => Enrolled::Add { data, handles: Vec::new(), proved: PROVES },
        })
    }
}

/// The one form of an answer; `None` for what is too long, or no text.
fn canonical(typed: &Secret) -> Option<Zeroizing<String>> {
    let text = typed.expose_str().filter(|text| text.len() <= MOST_ANSWER)?;
    // A sign of one byte may stand for 18 signs: room for all, so that no copy is left behind.
    let mut form = Zeroizing::new(String::with_capacity(text.len() * 36));
    for sign in text.nfkc().flat_map(char::to_lowercase) {
        match sign {
            'ё' => form.push('е'),
            sign if sign.is_whitespace() => {
                if !form.is_empty() && !form.ends_with(' ') {
                    form.push(' ');
                }
            }
            sign => form.push(sign),
        }
    }
    let end = form.trim_end().len();
    form.truncate(end);
    Some(form)
}

const PROVES: Proves = Proves::by(Channel::Question).amr(Amr::Kba);
/// Bytes of UTF-8.
const MOST_QUESTION: usize = 200;
const MOST_ANSWER: usize = 256;
const LEAST_SIGNS: usize = 4;

const TYPED: &str = r#"{"type":"object","additionalProperties":false,"required":["answer"],"properties":{
    "answer":{"type":"string","description":"At most 256 bytes. Case and spaces are forgiven."}}}"#;

const PROMPT: &str = r#"{"type":"object","additionalProperties":false,"required":["question"],"properties":{
    "question":{"type":"string","description":"In the person's own words."}}}"#;

const CHOSEN: &str = r#"{"type":"object","additionalProperties":false,"required":["question","answer"],"properties":{
    "question":{"type":"string","description":"At most 200 bytes."},
    "answer":{"type":"string","description":"4 signs to 256 bytes, not told by the question."}}}"#;
