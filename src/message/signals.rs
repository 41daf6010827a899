//! What was unlike the others about a sign-in, for its owner.

use std::time::Duration;

use super::{Locale, Params, Said};
use crate::auth::Inner;
use crate::clock::Timestamp;
use crate::error::Broken;
use crate::event::{Origin, SIGNALS, Sealed};
use crate::flow::{Link, Objection, Person};
use crate::id::{EventId, TemplateName};
use crate::policy::{Signal, Weighed};
use crate::store::Write;

impl Signal {
    /// A phrase for a list, without a full stop.
    #[must_use]
    pub const fn text(self, locale: Locale) -> &'static str {
        let (en, ru) = match self {
            Self::NewBrowser => ("a new browser", "новый браузер"),
            Self::NewNetwork => ("a new network", "новая сеть"),
            Self::NewCountry => ("a new country", "новая страна"),
            Self::AfterRefusals => {
                ("several wrong answers just before", "несколько неверных ответов перед этим")
            }
            Self::LongAbsence => ("the first sign-in for a long time", "первый вход за долгое время"),
            Self::ManyAccounts => (
                "many accounts are entered from the same network",
                "из той же сети входят во многие учётные записи",
            ),
            Self::PartialSuccess => {
                ("not all that was asked for was proven", "подтверждено не всё, что нужно")
            }
        };
        match locale {
            Locale::En => en,
            Locale::Ru => ru,
        }
    }
}

impl Inner {
    /// The notices of a sign-in that succeeded, where its signals are worth one.
    pub(crate) fn tell_of_sign_in(
        &self,
        person: &Person,
        about: (&Origin, EventId),
        signals: &[Signal],
    ) -> Result<Vec<Write>, Broken> {
        if self.profile.suspicion.weigh(signals) < Weighed::Tell {
            return Ok(Vec::new());
        }
        let plain = |signal: &Signal| matches!(signal, Signal::NewBrowser | Signal::NewNetwork);
        let template = if signals.iter().all(plain) { "new-browser" } else { "sign-in-unusual" };
        self.warn(person, template, about, signals, Vec::new())
    }

    /// The notices of a sign-in that proved something and ended by its time, where that is worth one.
    pub(crate) fn tell_of_unfinished(
        &self,
        person: &Person,
        (content, id): (&Sealed, EventId),
        began: Timestamp,
    ) -> Result<Vec<Write>, Broken> {
        let signals = content.details.get(SIGNALS).map(|names| Signal::read(names)).unwrap_or_default();
        if self.profile.suspicion.weigh(&signals) < Weighed::Tell {
            return Ok(Vec::new());
        }
        let profile = person.known(self)?.map(|known| &known.profile);
        // Its owner was let in again since, and knows.
        if profile.and_then(|profile| profile.secured).is_some_and(|at| began <= at) {
            return Ok(Vec::new());
        }
        let locale = profile.map(|profile| profile.locale).unwrap_or_default();
        let factor = content.factor.as_ref().and_then(|name| self.factor(name));
        let factor = factor.map(|factor| factor.title(locale)).unwrap_or_default();
        let said = vec![("at".into(), began.rfc3339().into()), ("factor".into(), factor.into())];
        self.warn(person, "sign-in-unfinished", (&content.origin, id), &signals, said)
    }

    /// A link by which its reader says "this was not me" of an event. Without a site there is no page to lead to.
    pub(crate) fn lock_link(&self, person: &Person, about: EventId) -> Option<Link> {
        let until = self.clock.now().after(LINK_LIFE);
        let link = Link { what: Objection::NotMe, account: person.id, about, until };
        (!self.site.origin.is_empty()).then_some(link)
    }

    pub(crate) fn warn(
        &self,
        person: &Person,
        template: &'static str,
        (origin, id): (&Origin, EventId),
        signals: &[Signal],
        mut params: Params,
    ) -> Result<Vec<Write>, Broken> {
        let locale = person.known(self)?.map(|known| known.profile.locale).unwrap_or_default();
        let why: Vec<_> = signals.iter().map(|signal| signal.text(locale)).collect();
        params.push(("why".into(), why.join(", ").into()));
        let said = Said { params, link: self.lock_link(person, id) };
        self.notices_by(person, origin, (&TemplateName::new(template), None), said)
    }
}

/// Whoever comes back from a journey still finds it working.
const LINK_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);
