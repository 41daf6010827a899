//! A link by e-mail. Proves that one reads what is sent to a confirmed address, as a code does, without typing it.
//!
//! Opening it shows a page and changes nothing, however often it is fetched: scanners and previews open links before
//! people do (ATTACKS 72). Posting from that page answers: in the browser that asked it signs in there. In any other the
//! person types the number that the asking screen shows, and the sign-in goes on there, or denies it: else whoever began
//! a sign-in in somebody's name would be let in by the first of their clicks. It does not resist phishing: a person can
//! be led to type a number that another site shows.
//!
//! Defaults: ten minutes (the most for a secret sent out of band, NIST SP 800-63B-4 section 3.1.3.2, ASVS 6.5.5), once,
//! another one after one minute, which kills the one before; 256 bits, kept as a keyed hash; a number of six digits, one
//! try. The address stands on the origin that the builder was told, never on what a request says (ATTACKS 69).

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Answer, Begun, Claimant, Context, Credential, Factor, Mailbox, Outgoing, Prompt, Reason, Schemas, Source,
    Verdict,
};
use crate::account::Contact;
use crate::account::identifier::IdentifierKind;
use crate::clock::Timestamp;
use crate::error::{Broken, FactorError};
use crate::id::{CredentialId, FactorName, TemplateName};
use crate::message::Locale;
use crate::otp::{OtpScheme, RandomCode};
use crate::proof::{Amr, Channel, Proves};
use crate::secret::{Secret, same};
use crate::site::{Site, is_path};

/// The link factor.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Link {
    /// How long a link is valid; over ten minutes is a deviation (NIST section 3.1.3.2, ASVS 6.5.5).
    pub life: Duration,
    /// How long until another may be sent.
    pub pause: Duration,
    path: Cow<'static, str>,
}

/// What is kept of a link that was sent: the number's keyed hash, bound to the flow.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sent {
    to: CredentialId,
    hash: [u8; 32],
    at: Timestamp,
    // Answered wrongly, denied or too late. The letter stands, so that asking again brings nothing.
    over: bool,
}

/// What the asking client sends while it waits: nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poll {}

/// What is said on the page that the link opens.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Said {
    Number(Secret),
    Confirm(True),
    Deny(True),
}

/// The word `true`.
#[derive(Deserialize)]
#[serde(try_from = "bool")]
struct True;

impl Link {
    /// Its name.
    pub const NAME: FactorName = FactorName::new("email-link");

    /// Links that open the application's page at this path, which there must be: `/link` makes
    /// `https://host/link?m=...`. A GET looks: it shows who asks ([`Visit::look`](crate::Visit::look)) and changes nothing.
    /// A POST from that page signs in, or denies ([`Visit::follow`](crate::Visit::follow)). A page that is all script asks
    /// `GET /auth/return?m=...` and `POST /auth/return` for the same; the JSON routes themselves are no page.
    ///
    /// Answer it with `Referrer-Policy: strict-origin` (`no-referrer` would take the `Origin` from its form) and `no-store`,
    /// and let it load nothing from elsewhere: its address is the secret.
    #[must_use]
    pub fn at(path: impl Into<Cow<'static, str>>) -> Self {
        Self { life: Duration::from_secs(10 * 60), pause: Duration::from_secs(60), path: path.into() }
    }

    /// The asking client's answer: has the link been followed?
    #[must_use]
    pub fn poll() -> Answer {
        Answer::wire(Self::NAME, *b"{}")
    }

    /// The letter that confirms in the browser that asked. From any other it is refused, and counted as a wrong number.
    #[must_use]
    pub fn confirmation() -> String {
        String::from(r#"{"confirm":true}"#)
    }

    /// The letter that confirms from another device: the number that the asking screen shows, as it was typed.
    #[must_use]
    pub fn number(typed: &str) -> String {
        serde_json::json!({ "number": typed }).to_string()
    }

    /// The letter that denies.
    #[must_use]
    pub fn denial() -> String {
        String::from(r#"{"deny":true}"#)
    }

    /// Whether this has the form of a number; ask before the letter is sent, which can be sent only once.
    #[must_use]
    pub fn is_number(typed: &str) -> bool {
        NUMBER.canonical(typed).is_some()
    }
}

impl Factor for Link {
    type Data = Contact;
    type State = Sent;
    type Answer = Poll;

    fn name(&self) -> FactorName {
        Self::NAME
    }

    fn title(&self, locale: Locale) -> String {
        match locale {
            Locale::En => "link by e-mail".into(),
            Locale::Ru => "ссылка из письма".into(),
        }
    }

    fn source(&self) -> Source {
        Source::Contacts(IdentifierKind::Email)
    }

    fn could_prove(&self, _: Option<&Contact>) -> Proves {
        PROVES
    }

    fn mailbox(&self) -> Option<Mailbox> {
        Some(Mailbox { life: self.life, takes: Claimant::Bearer })
    }

    fn fits(&self, _: &Site) -> Result<(), Broken> {
        if is_path(&self.path) { Ok(()) } else { Err(Broken::Misuse("the page of a link is a path: /link")) }
    }

    fn schemas(&self) -> Schemas {
        Schemas::any().answer(NOTHING).prompt(PROMPT).letter(LETTER)
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
        let number = NUMBER.draw(cx.entropy())?;
        let link = format!("{}{}?m={}", cx.site.origin, self.path, cx.mailbox);
        let minutes = (self.life.as_secs() / 60).to_string();
        let mut message = Outgoing::new(contact.id, TEMPLATE, self.life).with("link", link);
        if let Some(what) = cx.transaction {
            message = message.with("approves", what.summary());
        }
        #[derive(Serialize)]
        struct Shown<'a> {
            number: &'a str,
            expires_in: u64,
            resend_in: u64,
        }
        let (expires_in, resend_in) = (self.life.as_secs(), self.pause.as_secs());
        Ok(Begun::Started {
            state: Sent { to: contact.id, hash: cx.code_hash(number.as_bytes()), at: cx.now, over: false },
            prompt: Prompt::new(&Shown { number: &number, expires_in, resend_in })?,
            deliver: Some(message.with("minutes", minutes)),
        })
    }

    async fn answer(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Contact>],
        sent: Sent,
        _: Poll,
    ) -> Result<Verdict<Contact, Sent>, FactorError> {
        if sent.over {
            return Ok(Verdict::refuse(Reason::NotBegun));
        }
        let (to, expires) = (sent.to, sent.at.after(self.life));
        let right = |number: &str| same(&cx.code_hash(number.as_bytes()), &sent.hash);
        let no = match cx.letter.filter(|letter| letter.at < expires && cx.now < expires) {
            None => Reason::Expired,
            Some(letter) => match serde_json::from_str(&letter.text) {
                Ok(Said::Deny(True)) => Reason::Denied,
                // The link proves the address that it went to, if that still is one.
                Ok(said) if mine.iter().any(|contact| contact.id == to) => {
                    let confirmed = match said {
                        Said::Number(typed) => {
                            let number = typed.expose_str().and_then(|typed| NUMBER.canonical(typed));
                            number.is_some_and(|number| right(&number))
                        }
                        _ => letter.here,
                    };
                    if confirmed {
                        return Ok(Verdict::Accept { credential: to, proved: PROVES, change: None });
                    }
                    Reason::Wrong
                }
                _ => Reason::Wrong,
            },
        };
        Ok(Verdict::Refuse { reason: no, change: None, state: Some(Sent { over: true, ..sent }) })
    }
}

impl TryFrom<bool> for True {
    type Error = &'static str;

    fn try_from(word: bool) -> Result<Self, &'static str> {
        if word { Ok(Self) } else { Err("it is true, or not said") }
    }
}

const NUMBER: RandomCode = RandomCode::SIX_DIGITS;
const TEMPLATE: TemplateName = TemplateName::new("link-email");

// As an e-mail code: NIST does not count it as an authenticator (section 3.1.3.1), so neither does an AAL here.
const PROVES: Proves = Proves::by(Channel::Email).possession().replay_resistant().amr(Amr::Email);

const NOTHING: &str = r#"{"type":"object","additionalProperties":false}"#;

const PROMPT: &str = r#"{"type":"object","additionalProperties":false,"required":["number","expires_in","resend_in"],
    "properties":{
    "number":{"type":"string","description":"What is typed where the link is opened in another browser."},
    "expires_in":{"type":"integer","description":"Seconds."},
    "resend_in":{"type":"integer","description":"Seconds."}}}"#;

const LETTER: &str = r#"{"oneOf":[
    {"type":"object","additionalProperties":false,"required":["confirm"],"properties":{"confirm":{"const":true}}},
    {"type":"object","additionalProperties":false,"required":["number"],"properties":{"number":{"type":"string"}}},
    {"type":"object","additionalProperties":false,"required":["deny"],"properties":{"deny":{"const":true}}}]}"#;
