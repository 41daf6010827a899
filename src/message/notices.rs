//! Notices to the owner of an account, to each of its contacts.

use std::borrow::Cow;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::auth::Inner;
use crate::error::Broken;
use crate::factor::Notice;
use crate::flow::{Person, Run};
use crate::id::{FactorName, TemplateName};
use crate::store::Write;

impl Inner {
    /// What a factor has to tell of a credential's use.
    pub(crate) fn tell(&self, person: &Person, run: &Run<'_>, notice: Notice) -> Result<Vec<Write>, Broken> {
        let mut params = vec![
            ("at".into(), run.now.rfc3339().into()),
            ("device".into(), run.visit.client.device.summary().into()),
        ];
        params.extend(notice.params.into_iter().map(|(name, value)| (name, value.into())));
        self.notices_by(person, &notice.template, &params)
    }

    /// A notice to each contact of the person, if there is one.
    pub(crate) fn notices(
        &self,
        person: &Person,
        template: &'static str,
        params: Vec<(Cow<'static, str>, Zeroizing<String>)>,
    ) -> Result<Vec<Write>, Broken> {
        self.notices_by(person, &TemplateName::new(template), &params)
    }

    fn notices_by(
        &self,
        person: &Person,
        template: &TemplateName,
        params: &[(Cow<'static, str>, Zeroizing<String>)],
    ) -> Result<Vec<Write>, Broken> {
        let Some(known) = person.known(self)? else { return Ok(Vec::new()) };
        let notice = |to| {
            let (template, params) = (template.clone(), params.to_vec());
            let until = self.clock.now().after(NOTICE_LIFE);
            self.message(Some(person.id), to, template, params, known.profile.locale, (true, until))
        };
        known.contacts().map(notice).collect()
    }

    /// Tells the owner what became of a credential, and when.
    pub(crate) fn credential_notices(
        &self,
        person: &Person,
        factor: &FactorName,
        template: &'static str,
    ) -> Result<Vec<Write>, Broken> {
        let at = ("at".into(), self.clock.now().rfc3339().into());
        let locale = person.known(self)?.map(|known| known.profile.locale).unwrap_or_default();
        let title = self.factor(factor).map(|factor| factor.title(locale)).unwrap_or_default();
        self.notices(person, template, vec![("factor".into(), title.into()), at])
    }
}

/// A notice that could not be delivered for so long tells nobody anything new.
const NOTICE_LIFE: Duration = Duration::from_secs(3 * 24 * 3600);
