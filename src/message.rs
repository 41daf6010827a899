//! Messages: written to the outbox in the batch that causes them, delivered by
//! [`Auth::tend`](crate::auth::Auth::tend) through a [`Sender`].

#[cfg(feature = "email")]
pub mod email;
mod inbox;
mod notices;
mod preferences;
mod refusals;
mod signals;
#[cfg(feature = "sms-http")]
pub mod sms;
mod text;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt::{self, Debug};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::account::identifier::{Identifier, IdentifierKind};
use crate::auth::Inner;
use crate::clock::Timestamp;
use crate::error::Broken;
use crate::id::{AccountId, MessageId, Realm, TemplateName};
use crate::secret::{Place, Purpose};
use crate::site::Site;
use crate::store::Write;

pub use inbox::Told;
pub(crate) use notices::Said;
pub use preferences::{Channel, Preferences};
pub use text::{Templates, Topic};

/// Delivers messages. One for each way out; the first that takes a message gets it.
pub trait Sender: Debug + Send + Sync + 'static {
    /// Whether messages to this kind of address go through here.
    fn takes(&self, address: &Identifier) -> bool;

    /// Delivers one message. May be called again with the same id after a crash: where the channel allows it,
    /// give [`Message::id`] as the idempotency key.
    ///
    /// # Errors
    /// When the channel does not work: the message is tried again later.
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a>;
}

/// Delivers messages to an application's own clients of an account. Which devices those are, the application knows.
pub trait Push: Debug + Send + Sync + 'static {
    /// Delivers one message to whoever of this account can be reached, as [`Sender::send`] does. `Rejected` where the
    /// account has no device.
    ///
    /// # Errors
    /// As [`Sender::send`].
    fn push<'a>(&'a self, to: AccountId, message: &'a Message) -> Sending<'a>;
}

/// What [`Sender::send`] gives.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Sent, SendError>> + Send + 'a>>;

/// The channel does not work now.
#[derive(Debug, thiserror::Error)]
#[error("the message could not be handed over")]
pub struct SendError(#[source] pub Option<Box<dyn StdError + Send + Sync>>);

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Sent {
    /// Delivered, or handed over for good.
    Delivered,
    /// It never will be: the address does not exist. Not tried again.
    Rejected,
    /// Not now: the channel asks for a pause. Tried again after it, or after the outbox's own where that is longer.
    Later {
        /// How long; no more than an hour is waited.
        after: Duration,
    },
}

/// The language of a text for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Locale {
    /// English.
    #[default]
    En,
    /// Russian.
    Ru,
}

impl Locale {
    /// The language of an `Accept-Language` header that weighs most and that there is, the first of equals; else English.
    /// Reads no more than 256 characters.
    #[must_use]
    pub fn from_accept_language(header: &str) -> Self {
        let mut best = (0.0_f32, Self::En);
        let header: String = header.chars().take(256).collect();
        for entry in header.split(',').take(16) {
            let mut parts = entry.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default();
            // RFC 9110: the names of parameters have no case, and what is refused has the weight 0.
            let weight = parts
                .find_map(|part| part.split_once('=').filter(|(name, _)| name.eq_ignore_ascii_case("q")))
                .map_or(Some(1.0), |(_, value)| {
                    value.parse::<f32>().ok().filter(|q| (0.0..=1.0).contains(q))
                });
            let Some(weight) = weight else { continue };
            // The whole first subtag: `run` is Rundi, `rup` Macedo-Romanian.
            let locale = match tag.split('-').next().unwrap_or_default() {
                lang if lang.eq_ignore_ascii_case("ru") => Self::Ru,
                lang if lang.eq_ignore_ascii_case("en") => Self::En,
                _ => continue,
            };
            if weight > best.0 {
                best = (weight, locale);
            }
        }
        best.1
    }

    /// The BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ru => "ru",
        }
    }
}

/// A message to deliver.
#[derive(Clone)]
#[non_exhaustive]
pub struct Message {
    /// The idempotency key.
    pub id: MessageId,
    /// To whom, in canonical form; of a push, an address or a name of the account. What is dialled or put into an envelope
    /// is its [`destination`](Identifier::destination).
    pub to: Identifier,
    /// Which text.
    pub template: TemplateName,
    /// In which language.
    pub locale: Locale,
    params: Params,
    push: bool,
    templates: Arc<Templates>,
}

/// What stands in a message, by name.
pub(crate) type Params = Vec<(Cow<'static, str>, Zeroizing<String>)>;

impl Message {
    /// A parameter of the template. Some are secret (codes): hand them on, do not log them.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// It in words, by the application's [`Templates`] or else the library's own, for senders that have none.
    #[must_use]
    pub fn text(&self) -> Text {
        text::render(self, self.to.kind() == IdentifierKind::Phone)
    }

    /// What it is about.
    #[must_use]
    pub fn topic(&self) -> Topic {
        Topic::of(&self.template)
    }

    /// By which channel it goes; `None` for one to a user name, to which none leads.
    #[must_use]
    pub fn channel(&self) -> Option<Channel> {
        if self.push { Some(Channel::Push) } else { Channel::to(&self.to) }
    }

    pub(crate) fn new(id: MessageId, content: Content, templates: Arc<Templates>) -> Self {
        let Content { to, template, locale, params, push, until: _ } = content;
        Self { id, to, template, locale, params, push, templates }
    }
}

impl Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("template", &self.template)
            .finish_non_exhaustive()
    }
}

/// A message in words.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Text {
    /// For channels that have one.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

impl Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Text").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// What a message row seals.
#[derive(Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) to: Identifier,
    pub(crate) template: TemplateName,
    pub(crate) locale: Locale,
    pub(crate) params: Params,
    /// It goes to the application's own clients. Rows of an earlier build have none.
    #[serde(default)]
    pub(crate) push: bool,
    /// After this it is given up.
    pub(crate) until: Timestamp,
}

impl Inner {
    /// A message for the outbox.
    pub(crate) fn message(
        &self,
        account: Option<AccountId>,
        (to, push): (&Identifier, bool),
        template: TemplateName,
        mut params: Params,
        locale: Locale,
        (deliver, until): (bool, Timestamp),
    ) -> Result<Write, Broken> {
        let id = MessageId::next(self)?;
        params.extend(self.everywhere());
        let content = Content { to: to.clone(), template, locale, params, push, until };
        let plain = Zeroizing::new(serde_json::to_vec(&content).map_err(|_| Broken::Misuse("message"))?);
        let sealed = self.keys.seal(self.entropy(), &Place::new(Purpose::Message, id.as_bytes()), &plain)?;
        let (realm, due) = (self.keys.realm().clone(), self.clock.now());
        Ok(Write::Message(MessageRow { id, realm, account, deliver, due, attempts: 0, sealed }))
    }

    /// What stands in every message.
    fn everywhere(&self) -> Params {
        let Site { name, .. } = &self.site;
        vec![("site".into(), name.clone().into()), ("host".into(), self.site.host().to_owned().into())]
    }
}

/// A message at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// Its id, the idempotency key of its delivery.
    pub id: MessageId,
    /// The realm that it belongs to.
    pub realm: Realm,
    /// Whose it is, where there is an account.
    pub account: Option<AccountId>,
    /// False for a decoy's: it is written as any other, so that nobody can tell, and never handed out.
    pub deliver: bool,
    /// Not before this.
    pub due: Timestamp,
    /// How often it was handed out.
    pub attempts: u32,
    /// Recipient, template and parameters, sealed under the ring.
    pub sealed: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_a_whole_subtag_and_nothing_weighs_more_than_one() {
        for (header, locale) in [
            ("ru", Locale::Ru),
            ("ru-RU,ru;q=0.9,en;q=0.8", Locale::Ru),
            ("en;q=0.5, RU ; Q=0.9", Locale::Ru),
            ("de, fr;q=0.9, ru;q=0.1", Locale::Ru),
            ("en;q=0.5,ru;q=0.5", Locale::En),
            ("run, rup;q=0.9, enm", Locale::En),
            ("ru;q=0, en;q=0.1", Locale::En),
            ("ru;q=0", Locale::En),
            ("ru;q=2", Locale::En),
            ("ru;q=nan", Locale::En),
            ("ru;q=-1", Locale::En),
            ("ru;q=", Locale::En),
            ("*", Locale::En),
            ("", Locale::En),
        ] {
            assert_eq!(Locale::from_accept_language(header), locale, "{header}");
        }
    }
}
