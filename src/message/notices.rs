//! Notices to the owner of an account, to each of its contacts.

use std::time::Duration;

use super::inbox::FACTOR;
use super::{Channel, Params, Topic};
use crate::account::identifier::Identifier;
use crate::auth::Inner;
use crate::clock::Timestamp;
use crate::error::Broken;
use crate::event::Origin;
use crate::factor::Notice;
use crate::flow::{Client, Link, Person, Run};
use crate::id::{FactorName, TemplateName};
use crate::store::Write;

impl Client {
    /// When and from where: what every notice says.
    pub(crate) fn at(&self, auth: &Inner) -> Params {
        self.origin().at(auth.clock.now())
    }
}

impl Origin {
    pub(crate) fn at(&self, when: Timestamp) -> Params {
        let address = self.address.map(|address| address.to_canonical().to_string());
        let told = [("at", Some(when.rfc3339())), ("device", Some(self.device.summary()))];
        let told = told.into_iter().chain([("address", address)]);
        told.filter_map(|(name, value)| Some((name.into(), value?.into()))).collect()
    }
}

/// What a notice says, and the link by which its reader objects.
pub(crate) struct Said {
    pub(crate) params: Params,
    pub(crate) link: Option<Link>,
}

impl From<Params> for Said {
    fn from(params: Params) -> Self {
        Self { params, link: None }
    }
}

impl Inner {
    /// What a factor has to tell of a credential's use.
    pub(crate) fn tell(&self, person: &Person, run: &Run<'_>, notice: Notice) -> Result<Vec<Write>, Broken> {
        let params: Params = notice.params.into_iter().map(|(name, value)| (name, value.into())).collect();
        self.notices_by(person, &run.visit.client.origin(), (&notice.template, None), params)
    }

    /// A notice to each contact of the person that wants to hear of it, and into their inbox: of what this client did
    /// just now.
    pub(crate) fn notices(
        &self,
        person: &Person,
        by: &Client,
        template: &'static str,
        said: impl Into<Said>,
    ) -> Result<Vec<Write>, Broken> {
        self.notices_by(person, &by.origin(), (&TemplateName::new(template), None), said)
    }

    pub(crate) fn notices_by(
        &self,
        person: &Person,
        by: &Origin,
        (template, about): (&TemplateName, Option<&FactorName>),
        said: impl Into<Said>,
    ) -> Result<Vec<Write>, Broken> {
        let Said { params: own, link } = said.into();
        let kept = self.keep_notice(person, by, (template, about), &own)?;
        let Some(known) = person.known(self)? else { return Ok(vec![kept]) };
        // Of something that happened a while ago its own moment is told.
        let mut params = by.at(self.clock.now());
        params.retain(|(name, _)| !own.iter().any(|(other, _)| other == name));
        params.extend(own);
        let (topic, wishes) = (Topic::of(template), &known.profile.preferences);
        let chosen = wishes.choose(topic, known.contacts()).into_iter().map(|to| (to, false));
        let push = self.push.is_some() && wishes.is_on(topic, Channel::Push);
        let pushed = known.contacts().chain(&known.names).next().filter(|_| push).map(|to| (to, true));
        let now = self.clock.now();
        let notice = |to: (&Identifier, bool)| {
            let (template, mut params) = (template.clone(), params.clone());
            // Whoever has just put an address there would else undo by it what the owner does against them.
            let link = link.filter(|_| known.profile.settles(to.0, now).is_none());
            let link = link.and_then(|link| self.objection_link(&link, to.0));
            params.extend(link.map(|link| (OBJECTION.into(), link.into())));
            let until = now.after(NOTICE_LIFE);
            self.message(Some(person.id), to, template, params, known.profile.locale, (true, until))
        };
        std::iter::once(Ok(kept)).chain(chosen.chain(pushed).map(notice)).collect()
    }

    /// Tells the owner what became of a credential.
    pub(crate) fn credential_notices(
        &self,
        person: &Person,
        by: &Client,
        factor: &FactorName,
        template: &'static str,
    ) -> Result<Vec<Write>, Broken> {
        let locale = person.known(self)?.map(|known| known.profile.locale).unwrap_or_default();
        let title = self.factor(factor).map(|factor| factor.title(locale)).unwrap_or_default();
        let about = (&TemplateName::new(template), Some(factor));
        self.notices_by(person, &by.origin(), about, vec![(FACTOR.into(), title.into())])
    }
}

/// The parameter that holds a link by which its reader objects.
const OBJECTION: &str = "objection";
/// A notice that could not be delivered for so long tells nobody anything new.
const NOTICE_LIFE: Duration = Duration::from_secs(3 * 24 * 3600);
