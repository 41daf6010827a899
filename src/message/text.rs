//! The library's own texts, as data: what an application puts in their place has the same form, and tests read them all.
//!
//! To add one, write a [`Template`] in both languages into the list of its topic below (`text/*.rs`), and name it where the
//! message is written: the lint and the snapshots (`text/tests.rs`, `PROPUSK_WRITE=1`) see it at once.
//!
//! In a text stand `{name}`, a parameter; `{minutes|minute|minutes}`, a number with its word in as many forms as the
//! language has (English 2, Russian 3: минуту, минуты, минут); and `[...]`, a part that is left out where one of its
//! parameters is missing. A value is put in as it is, and never read as a text. Every message has `site`, `host`, `at`
//! (when what it tells of happened) and `from` (the device, and the network address where it is known).

mod account;
mod codes;
mod credentials;
mod form;
mod sign_in;
mod templates;
#[cfg(test)]
mod tests;

use super::{Locale, Message, Text};
use crate::id::TemplateName;

use form::{Form, Values};
pub use templates::Templates;

/// Every text of the library, by topic.
pub(crate) const LIBRARY: &[&[Template]] =
    &[codes::TEMPLATES, sign_in::TEMPLATES, credentials::TEMPLATES, account::TEMPLATES];

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Topic {
    /// What somebody asked for at this very address: a code, a link, the word that they have an account.
    Asked,
    /// A notice of a sign-in, or of an attempt.
    SignIn,
    /// A notice of a change of the ways to sign in.
    Credentials,
    /// A notice of a recovery, of a change of contacts, of what became of the account or of its notices. Every confirmed
    /// address hears (NIST SP 800-63B-4 section 4.2.3).
    Account,
    /// Something that the library has no text for: a factor's own.
    Other,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 5] = [Self::Asked, Self::SignIn, Self::Credentials, Self::Account, Self::Other];

    /// The name in JSON and rows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::SignIn => "sign_in",
            Self::Credentials => "credentials",
            Self::Account => "account",
            Self::Other => "other",
        }
    }

    /// Whether an owner chooses by which channel they hear of it. Of what an account is lost by, every address hears: who
    /// stole a session would else begin with silence.
    #[must_use]
    pub const fn is_chosen(self) -> bool {
        matches!(self, Self::SignIn | Self::Credentials | Self::Other)
    }

    pub(crate) fn of(template: &TemplateName) -> Self {
        Template::of(template.as_str()).map_or(Self::Other, |template| template.topic)
    }
}

/// A message in words, in each language.
pub(crate) struct Template {
    pub(crate) name: &'static str,
    pub(crate) topic: Topic,
    en: Words,
    ru: Words,
}

#[derive(Clone, Copy)]
struct Words {
    subject: &'static str,
    body: &'static str,
    /// The body of an SMS, where the other would take too many.
    sms: Option<&'static str>,
}

impl Template {
    const fn new(name: &'static str, topic: Topic) -> Self {
        let none = Words { subject: "", body: "", sms: None };
        Self { name, topic, en: none, ru: none }
    }

    const fn en(mut self, subject: &'static str, body: &'static str) -> Self {
        self.en = Words { subject, body, sms: None };
        self
    }

    const fn ru(mut self, subject: &'static str, body: &'static str) -> Self {
        self.ru = Words { subject, body, sms: None };
        self
    }

    const fn sms(mut self, en: &'static str, ru: &'static str) -> Self {
        (self.en.sms, self.ru.sms) = (Some(en), Some(ru));
        self
    }

    const fn words(&self, locale: Locale) -> Words {
        match locale {
            Locale::En => self.en,
            Locale::Ru => self.ru,
        }
    }

    pub(crate) fn of(name: &str) -> Option<&'static Self> {
        LIBRARY.iter().copied().flatten().find(|template| template.name == name)
    }
}

/// A message in words, few of them where there are any for an SMS: the application's, else the library's own, else what
/// there is to say, without a text around it.
pub(super) fn render(message: &Message, short: bool) -> Text {
    let Message { template, locale, templates, .. } = message;
    let values = Values { message, zone: &templates.zone };
    let written = |text: &str| Form::of(text, *locale).map(|form| form.filled(&values)).unwrap_or_default();
    if let Some((subject, body)) = templates.own(template.as_str(), *locale) {
        return Text { subject: written(subject), body: written(body) };
    }
    if let Some(words) = Template::of(template.as_str()).map(|template| template.words(*locale)) {
        let body = words.sms.filter(|_| short).unwrap_or(words.body);
        return Text { subject: written(words.subject), body: written(body) };
    }
    let own = message.params.iter().filter(|(name, _)| !matches!(name.as_ref(), "site" | "host"));
    let lines: Vec<_> = own.map(|(name, value)| format!("{name}: {}", value.as_str())).collect();
    let subject = format!("{}: {template}", message.param("site").unwrap_or_default());
    Text { subject, body: lines.join("\n") }
}
