//! An application's own texts.

use std::borrow::Cow;

use super::Template;
use super::form::Form;
use crate::error::Broken;
use crate::message::Locale;

/// The texts of messages: the library's, and those that an application puts in their place or adds for factors of its own.
///
/// A text has parameters in braces, numbers with their words (`{minutes|minute|minutes}`; in Russian three forms), and in
/// brackets what is left out where a parameter is missing. Every text may use `site`, `host`, `at` (when it happened),
/// `device`, `address` (of the network, where it is known) and `from` (both); a library text's own parameters are those
/// that [`Templates::library`] shows.
///
/// ```
/// use propusk::message::{Locale, Templates};
///
/// let templates = Templates::default()
///     .with("new-browser", Locale::Ru, "Новый вход", "{at}, {from}: вход на {site}. Не вы? Звоните 8 800 000-00-00.")
///     .zone(180, "MSK", "МСК");
/// # let _ = templates;
/// assert!(Templates::library("held", Locale::En).unwrap().1.contains("{minutes|minute|minutes}"));
/// ```
#[derive(Debug, Default)]
pub struct Templates {
    own: Vec<(String, Locale, String, String)>,
    pub(super) zone: Zone,
}

/// Where the reader's clock stands.
#[derive(Debug)]
pub(super) struct Zone {
    pub(super) minutes: i16,
    pub(super) en: Cow<'static, str>,
    pub(super) ru: Cow<'static, str>,
}

impl Default for Zone {
    fn default() -> Self {
        Self { minutes: 0, en: "UTC".into(), ru: "UTC".into() }
    }
}

impl Templates {
    /// Puts a subject and a body in the place of the library's in one language, or adds them for a template that the library
    /// does not know.
    #[must_use]
    pub fn with(
        mut self,
        name: impl Into<String>,
        locale: Locale,
        subject: impl Into<String>,
        body: impl Into<String>,
    ) -> Self {
        self.own.insert(0, (name.into(), locale, subject.into(), body.into()));
        self
    }

    /// The zone in which messages tell a time, by its distance from UTC in minutes and its name in English and in Russian.
    /// The default is UTC.
    #[must_use]
    pub fn zone(
        mut self,
        minutes: i16,
        en: impl Into<Cow<'static, str>>,
        ru: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.zone = Zone { minutes, en: en.into(), ru: ru.into() };
        self
    }

    /// Subject and body of the library's own, as they are written.
    #[must_use]
    pub fn library(name: &str, locale: Locale) -> Option<(&'static str, &'static str)> {
        let words = Template::of(name)?.words(locale);
        Some((words.subject, words.body))
    }

    /// Whether there is a text of this name.
    pub(crate) fn knows(&self, name: &str) -> bool {
        Template::of(name).is_some() || self.own.iter().any(|(own, ..)| own == name)
    }

    pub(super) fn own(&self, name: &str, locale: Locale) -> Option<(&str, &str)> {
        let (.., subject, body) = self.own.iter().find(|(own, of, ..)| own == name && *of == locale)?;
        Some((subject, body))
    }

    /// A slip in a text would show in a letter, months later: it is refused where the `Auth` is built.
    pub(crate) fn checked(self) -> Result<Self, Broken> {
        for (name, locale, subject, body) in &self.own {
            for text in [subject, body] {
                let form = Form::of(text, *locale)
                    .ok_or(Broken::Misuse("a text of Templates does not read: see its documentation"))?;
                if !form.params().into_iter().all(|(param, _)| may_use(name, param)) {
                    return Err(Broken::Misuse(
                        "a text of Templates uses a parameter that its message lacks",
                    ));
                }
            }
        }
        Ok(self)
    }
}

/// What stands in every message.
pub(super) const ALWAYS: [&str; 6] = ["site", "host", "at", "device", "address", "from"];

fn may_use(name: &str, param: &str) -> bool {
    let Some(template) = Template::of(name) else { return true };
    let words = [template.words(Locale::En), template.words(Locale::Ru)];
    let texts = words.iter().flat_map(|words| [words.subject, words.body]);
    let uses = |text| Form::of(text, Locale::En).or_else(|| Form::of(text, Locale::Ru));
    ALWAYS.contains(&param)
        || texts.filter_map(uses).any(|form| form.params().iter().any(|(used, _)| *used == param))
}
