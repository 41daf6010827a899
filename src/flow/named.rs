//! A sign-in without a name: a credential that names itself.

use super::Code;
use super::state::Run;
use super::stop::Going;
use super::subject::Person;
use crate::auth::Inner;
use crate::factor::{Answer, ErasedFactor, Letter};
use crate::id::FactorName;
use crate::secret::Purpose;
use crate::store::{Lookup, SubjectKey};

impl Inner {
    /// Whom the answer's credential belongs to. A handle that nobody has goes on as a decoy: the same reads, the
    /// same refusal.
    pub(crate) async fn discover(
        &self,
        run: &mut Run<'_>,
        nobody: &Person,
        factor: &dyn ErasedFactor,
        answer: &Answer,
        letter: Option<&Letter>,
    ) -> Going<Person> {
        let name = &answer.factor;
        let kept = run.state.challenges.get(name.as_str()).map(|challenge| challenge.state.clone());
        let mailbox = run.state.mailbox(self, name, false);
        let cx = self.context(run, nobody, name, (&[], None), (&mailbox, letter));
        let found = factor.find(cx, kept.as_ref().map(String::as_bytes), &answer.bytes).await?;
        let found = found.map_err(Code::Answer)?;
        run.state.rewrite(name, &found.state);
        let handle = self.handle(name, &found.handle);
        let subject = self.store.subject(SubjectKey::Credential(handle)).await?;
        run.state.who.handle = Some(handle.0);
        run.state.who.account = subject.map(|subject| (subject.account.id, subject.account.epoch));
        Ok(self.person(&run.state).await?)
    }

    /// Under which a credential's own handle is looked up.
    pub(crate) fn handle(&self, factor: &FactorName, handle: &[u8]) -> Lookup {
        Lookup(self.keys.lookup(Purpose::Lookup, &[factor.as_str().as_bytes(), handle]))
    }
}
