//! Approval on another device: one that is signed in claims the request, shows who asks and from where, and its person
//! types there the number that the asking screen shows, or denies. Proves that one holds a signed-in device.
//!
//! Defaults: a number of six digits (NIST SP 800-63B-4 section 3.1.3.2), good for one minute and one answer; five
//! minutes of quiet after a denial. There is no approving without the number (ATTACKS 91): whoever does not see the
//! asking screen cannot agree to it. It does not resist phishing: a person can be talked into typing a number that
//! another site shows (ATTACKS 88, 90), so it is not called resistant, and who asks stands beside the field.
//!
//! The device that approves has two factors of its own, apart from approvals: its session would else be worth no more
//! than the password that opened it, and one approved session would approve the next. For the same reason an approval
//! signs in and adds no credential. One session is one device here, however it is unlocked.
//!
//! Enrolling it means "my devices may approve": one credential without a secret. It can be the second factor of a
//! sign-in, and with [`Approval::unnamed`] also the first of one that names nobody: the screen shows a code to scan.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Answer, Begun, Claimant, Context, Credential, Enrol, EnrolPlugin, Enrolled, Factor, Found, Mailbox,
    Prompt, Reason, Schemas, Verdict,
};
use crate::clock::Timestamp;
use crate::error::FactorError;
use crate::id::FactorName;
use crate::message::Locale;
use crate::otp::{OtpScheme, RandomCode};
use crate::policy::Requirement;
use crate::proof::{Aal, Amr, Channel, Proof, Proves};
use crate::secret::{Secret, same};

/// The approval factor.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Approval {
    /// How long a request can be claimed and answered.
    pub life: Duration,
    /// How long an account is asked for nothing after a denial.
    pub quiet: Duration,
    unnamed: bool,
}

/// What is kept of an account whose devices approve.
#[derive(Debug, Serialize, Deserialize)]
pub struct Kept {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quiet_until: Option<Timestamp>,
}

/// What is kept of a request: the number's keyed hash, bound to the flow.
#[derive(Debug, Serialize, Deserialize)]
pub struct Asked {
    hash: [u8; 32],
    at: Timestamp,
    // Answered wrongly, denied or too late. The letter stands, so that asking again brings nothing.
    over: bool,
}

/// What the asking client sends while it waits: nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poll {}

/// What an enrolment is confirmed with: nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreed {}

/// What the approving device says: the number, or no.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Said {
    Number(Secret),
    Deny(True),
}

/// The word `true`.
#[derive(Deserialize)]
#[serde(try_from = "bool")]
struct True;

impl Approval {
    /// Its name.
    pub const NAME: FactorName = FactorName::new("approval");

    /// Also as the first step of a sign-in without a name: the account is that of the device that approves.
    #[must_use]
    pub const fn unnamed(mut self) -> Self {
        self.unnamed = true;
        self
    }

    /// The asking client's answer: has the other device answered?
    #[must_use]
    pub fn poll() -> Answer {
        Answer::wire(Self::NAME, *b"{}")
    }

    /// The letter that approves: the number as its person typed it.
    #[must_use]
    pub fn number(typed: &str) -> String {
        serde_json::json!({ "number": typed }).to_string()
    }

    /// The letter that denies.
    #[must_use]
    pub fn denial() -> String {
        String::from(r#"{"deny":true}"#)
    }
}

impl Default for Approval {
    fn default() -> Self {
        Self { life: Duration::from_secs(60), quiet: Duration::from_secs(5 * 60), unnamed: false }
    }
}

impl Factor for Approval {
    type Data = Kept;
    type State = Asked;
    type Answer = Poll;

    fn name(&self) -> FactorName {
        Self::NAME
    }

    fn title(&self, locale: Locale) -> String {
        match locale {
            Locale::En => "approval on another device".into(),
            Locale::Ru => "подтверждение на другом устройстве".into(),
        }
    }

    fn could_prove(&self, _: Option<&Kept>) -> Proves {
        PROVES
    }

    fn mailbox(&self) -> Option<Mailbox> {
        Some(Mailbox { life: self.life, takes: Claimant::Account(Requirement::aal(Aal::Two)) })
    }

    fn discoverable(&self) -> bool {
        self.unnamed
    }

    /// Under its account's id; under nothing while there is no letter, which is nobody's.
    async fn find(
        &self,
        cx: &Context<'_>,
        asked: Asked,
        _: &Poll,
    ) -> Result<Option<Found<Asked>>, FactorError> {
        let handle = cx.letter.map(|letter| letter.account.as_bytes().to_vec()).unwrap_or_default();
        Ok(Some(Found { handle, state: asked }))
    }

    async fn begin(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Kept>],
        _: Option<Asked>,
    ) -> Result<Begun<Asked>, FactorError> {
        let quiet = mine.iter().filter_map(|kept| kept.data.quiet_until).max();
        if let Some(until) = quiet.filter(|until| cx.now < *until) {
            return Ok(Begun::Wait { retry_after: until.since(cx.now) });
        }
        let number = NUMBER.draw(cx.entropy())?;
        #[derive(Serialize)]
        struct Shown<'a> {
            mailbox: &'a str,
            number: &'a str,
            expires_in: u64,
        }
        let expires_in = self.life.as_secs();
        Ok(Begun::Started {
            state: Asked { hash: cx.code_hash(number.as_bytes()), at: cx.now, over: false },
            prompt: Prompt::new(&Shown { mailbox: cx.mailbox, number: &number, expires_in })?,
            deliver: None,
        })
    }

    async fn answer(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Kept>],
        asked: Asked,
        _: Poll,
    ) -> Result<Verdict<Kept, Asked>, FactorError> {
        if asked.over {
            return Ok(Verdict::refuse(Reason::NotBegun));
        }
        let (hash, expires) = (asked.hash, asked.at.after(self.life));
        let refuse =
            |reason, change| Verdict::Refuse { reason, change, state: Some(Asked { over: true, ..asked }) };
        let Some(letter) = cx.letter.filter(|letter| letter.at < expires && cx.now < expires) else {
            return Ok(refuse(Reason::Expired, None));
        };
        // The core let none of another account near the mailbox; nothing is lost by looking again.
        let Some(kept) = mine.first().filter(|_| letter.account == cx.account) else {
            return Ok(refuse(Reason::Wrong, None));
        };
        let typed = match serde_json::from_str(&letter.text) {
            Ok(Said::Number(typed)) => typed,
            Ok(Said::Deny(True)) => {
                let quiet = Kept { quiet_until: Some(cx.now.after(self.quiet)) };
                return Ok(refuse(Reason::Denied, Some((kept.id, quiet))));
            }
            Err(_) => return Ok(refuse(Reason::Wrong, None)),
        };
        let number = typed.expose_str().and_then(|typed| NUMBER.canonical(typed));
        if !number.is_some_and(|number| same(&cx.code_hash(number.as_bytes()), &hash)) {
            return Ok(refuse(Reason::Wrong, None));
        }
        // What the device itself was signed in with by telephone does not become better on the way.
        // An e-mail code beside it counts for nothing.
        let counts = |proves: &Proves| proves.is_possession() && proves.channel() != Channel::Email;
        let mut held = letter.proofs.iter().map(Proof::proves).filter(counts);
        let proved = if held.all(Proves::is_restricted) { PROVES.restricted() } else { PROVES };
        Ok(Verdict::Accept { credential: kept.id, proved, change: None })
    }

    fn schemas(&self) -> Schemas {
        Schemas::any().answer(NOTHING).prompt(PROMPT).confirm(NOTHING).letter(LETTER)
    }

    fn enrolment(&self) -> Option<&dyn EnrolPlugin> {
        Some(self)
    }
}

impl Enrol for Approval {
    type Proposal = ();
    type Confirm = Agreed;

    async fn confirm(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Kept>],
        (): (),
        _: Agreed,
    ) -> Result<Enrolled<Kept>, FactorError> {
        if !mine.is_empty() {
            return Ok(Enrolled::Refuse(Reason::Replayed));
        }
        let handles = vec![cx.account.as_bytes().to_vec()];
        Ok(Enrolled::Add { data: Kept { quiet_until: None }, handles, proved: PROVES })
    }
}

impl TryFrom<bool> for True {
    type Error = &'static str;

    fn try_from(word: bool) -> Result<Self, &'static str> {
        if word { Ok(Self) } else { Err("a denial is true") }
    }
}

const NUMBER: RandomCode = RandomCode::SIX_DIGITS;

// A session's secret can be copied off its device, unlike a key in hardware.
const PROVES: Proves = Proves::by(Channel::Device).possession().replay_resistant().exportable().amr(Amr::Mca);

const NOTHING: &str = r#"{"type":"object","additionalProperties":false}"#;

const PROMPT: &str = r#"{"type":"object","additionalProperties":false,"required":["mailbox","number","expires_in"],
    "properties":{
    "mailbox":{"type":"string","description":"What the other device claims, from a code to scan or a push."},
    "number":{"type":"string","description":"What its person types there."},
    "expires_in":{"type":"integer","description":"Seconds."}}}"#;

const LETTER: &str = r#"{"oneOf":[
    {"type":"object","additionalProperties":false,"required":["number"],"properties":{"number":{"type":"string"}}},
    {"type":"object","additionalProperties":false,"required":["deny"],"properties":{"deny":{"const":true}}}]}"#;
