//! One-time code by SMS or e-mail. Proves that one reads what is sent to a confirmed contact.
//!
//! Defaults: six digits (20 bits, ASVS 6.5.4), valid for five minutes, five tries, resend after one minute. The
//! guard counts over all codes: a new code never brings new guesses (NIST SP 800-63B-4 section 3.1.3.2).

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Answer, Begun, Context, Credential, Factor, Outgoing, Prompt, Reason, Schemas, Source, Verdict};
use crate::account::Contact;
use crate::account::identifier::{Identifier, IdentifierKind};
use crate::clock::Timestamp;
use crate::error::FactorError;
use crate::id::{CredentialId, FactorName, TemplateName};
use crate::message::Locale;
use crate::otp::{OtpScheme, RandomCode};
use crate::proof::{Amr, Channel, Proves};
use crate::secret::{Secret, same};

/// The code factor, for one kind of contact.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Code {
    name: FactorName,
    contacts: IdentifierKind,
    template: TemplateName,
    proves: Proves,
    scheme: RandomCode,
    /// How long a code is valid; over ten minutes is a deviation (NIST section 3.1.3.2, ASVS 6.5.5).
    pub life: Duration,
    /// How long until another may be sent.
    pub pause: Duration,
    /// How many answers one code bears.
    pub tries: u8,
    risk: Option<Arc<dyn ContactRisk>>,
}

/// What is known of an address beyond its form: that its SIM or operator has just changed, that it lies in a region which
/// is not served, that its mail goes to everybody (NIST SP 800-63B-4 section 3.1.3.3). Given to
/// [`Code::unless`], asked before anything is sent.
///
/// It is asked for each address that is typed, whether an account has it or not, so it must not know accounts: nor must
/// its answer, or how long that takes, differ for them. Each step of a stranger may ask it: what costs money is kept for a
/// while.
pub trait ContactRisk: Debug + Send + Sync + 'static {
    /// Whether a code may go there. Bounds its own time: a step waits for it.
    ///
    /// # Errors
    /// When that cannot be found out now. No code is sent then, and the step is broken, not refused: an outage opens no
    /// door.
    fn assess<'a>(&'a self, address: &'a Identifier) -> Assessing<'a>;
}

/// What [`ContactRisk::assess`] gives.
pub type Assessing<'a> = Pin<Box<dyn Future<Output = Result<Risk, FactorError>> + Send + 'a>>;

/// Whether a code may go to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Risk {
    /// It may.
    Acceptable,
    /// It may not: the person needs another way.
    Barred,
}

/// What is kept of a code: its keyed hash, bound to the flow.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sent {
    to: CredentialId,
    hash: [u8; 32],
    at: Timestamp,
    tried: u8,
}

/// What the client sends. Spaces, dashes and full-width digits are forgiven.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Typed {
    code: Secret,
}

impl Code {
    /// By SMS, to the account's phone.
    #[must_use]
    pub fn sms() -> Self {
        // Restricted by NIST section 3.2.9: the telephone network is not the person's.
        let proves = Proves::by(Channel::Phone).possession().replay_resistant().restricted().amr(Amr::Sms);
        Self::new("sms-code", IdentifierKind::Phone, "code-sms", proves)
    }

    /// By e-mail. NIST does not count it as an authenticator (section 3.1.3.1), so neither does an AAL here.
    #[must_use]
    pub fn email() -> Self {
        let proves = Proves::by(Channel::Email).possession().replay_resistant().amr(Amr::Email);
        Self::new("email-code", IdentifierKind::Email, "code-email", proves)
    }

    /// Nothing is sent to an address that this one bars.
    #[must_use]
    pub fn unless(mut self, risk: impl ContactRisk) -> Self {
        self.risk = Some(Arc::new(risk));
        self
    }

    /// The answer that is this code, for a factor of this name.
    #[must_use]
    pub fn typed(factor: FactorName, code: &str) -> Answer {
        #[derive(Serialize)]
        struct Word<'a> {
            code: &'a str,
        }
        Answer::wire(factor, serde_json::to_vec(&Word { code }).unwrap_or_default())
    }

    const fn new(
        name: &'static str,
        contacts: IdentifierKind,
        template: &'static str,
        proves: Proves,
    ) -> Self {
        Self {
            name: FactorName::new(name),
            contacts,
            template: TemplateName::new(template),
            proves,
            scheme: RandomCode::SIX_DIGITS,
            life: Duration::from_secs(5 * 60),
            pause: Duration::from_secs(60),
            tries: 5,
            risk: None,
        }
    }
}

impl Factor for Code {
    type Data = Contact;
    type State = Sent;
    type Answer = Typed;

    fn name(&self) -> FactorName {
        self.name.clone()
    }

    fn title(&self, locale: Locale) -> String {
        String::from(match (self.contacts, locale) {
            (IdentifierKind::Phone, Locale::En) => "code by SMS",
            (IdentifierKind::Phone, Locale::Ru) => "код из СМС",
            (_, Locale::En) => "code by e-mail",
            (_, Locale::Ru) => "код из письма",
        })
    }

    fn source(&self) -> Source {
        Source::Contacts(self.contacts)
    }

    fn good_for(&self) -> Option<Duration> {
        Some(self.life)
    }

    fn could_prove(&self, _: Option<&Contact>) -> Proves {
        self.proves
    }

    fn schemas(&self) -> Schemas {
        Schemas::any().answer(TYPED).prompt(PROMPT)
    }

    async fn begin(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Contact>],
        before: Option<Sent>,
    ) -> Result<Begun<Sent>, FactorError> {
        if let Some(before) = before {
            let wait = before.at.after(self.pause).since(cx.now);
            if !wait.is_zero() {
                return Ok(Begun::Wait { retry_after: wait });
            }
        }
        let Some(contact) = mine.first() else { return Ok(Begun::Nothing) };
        let message = Outgoing::new(contact.id, self.template.clone(), self.life);
        if let Some(risk) = &self.risk {
            // Of a decoy as of anybody (ATTACKS 92); at a resend again, since a SIM is changed within minutes.
            if risk.assess(&contact.data.address).await? == Risk::Barred {
                return Ok(Begun::Barred { unsent: message });
            }
        }
        let code = self.scheme.draw(cx.entropy())?;
        let minutes = (self.life.as_secs() / 60).to_string();
        let message = match cx.transaction {
            Some(what) => message.with("approves", what.summary()),
            None => message,
        };
        #[derive(Serialize)]
        struct Shown {
            digits: usize,
            expires_in: u64,
            resend_in: u64,
        }
        Ok(Begun::Started {
            state: Sent { to: contact.id, hash: cx.code_hash(code.as_bytes()), at: cx.now, tried: 0 },
            prompt: Prompt::new(&Shown {
                digits: self.scheme.digits(),
                expires_in: self.life.as_secs(),
                resend_in: self.pause.as_secs(),
            })?,
            deliver: Some(message.with("code", code.as_str()).with("minutes", minutes)),
        })
    }

    async fn answer(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Contact>],
        mut sent: Sent,
        answer: Typed,
    ) -> Result<Verdict<Contact, Sent>, FactorError> {
        // One canonical form before anything is compared or counted (CVE-2025-6014, CVE-2025-55000).
        let Some(code) = answer.code.expose_str().and_then(|typed| self.scheme.canonical(typed)) else {
            return Ok(Verdict::refuse(Reason::Malformed));
        };
        if cx.now >= sent.at.after(self.life) {
            return Ok(Verdict::refuse(Reason::Expired));
        }
        if sent.tried >= self.tries {
            return Ok(Verdict::refuse(Reason::UsedUp));
        }
        let right = same(&cx.code_hash(code.as_bytes()), &sent.hash);
        // The code proves the contact that it went to, if that still is one.
        if right && mine.iter().any(|contact| contact.id == sent.to) {
            return Ok(Verdict::Accept { credential: sent.to, proved: self.proves, change: None });
        }
        sent.tried = sent.tried.saturating_add(1);
        Ok(Verdict::Refuse { reason: Reason::Wrong, change: None, state: Some(sent) })
    }
}

const TYPED: &str = r#"{"type":"object","additionalProperties":false,"required":["code"],"properties":{
    "code":{"type":"string","description":"Spaces, dashes and full-width digits are forgiven."}}}"#;

const PROMPT: &str = r#"{"type":"object","additionalProperties":false,"required":["digits","expires_in","resend_in"],
    "properties":{"digits":{"type":"integer"},"expires_in":{"type":"integer","description":"Seconds."},
    "resend_in":{"type":"integer","description":"Seconds."}}}"#;
