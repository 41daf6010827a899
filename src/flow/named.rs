//! Steps whose subject or answer comes from elsewhere: a credential that names itself, a letter from another device.

use std::time::Duration;

use super::state::Run;
use super::stop::{Going, Stop};
use super::subject::Person;
use super::{Code, Posted, Refusal, Visit};
use crate::auth::Inner;
use crate::error::Broken;
use crate::event::{self, Outcome, Sealed};
use crate::factor::{Answer, ErasedFactor, Letter};
use crate::id::{FactorName, Version};
use crate::secret::{Place, Purpose, Token, TokenHash};
use crate::store::{Committed, FlowRow, Lookup, SubjectKey, Write};

impl Inner {
    /// Whom the answer's credential belongs to. A handle that nobody has goes on as a decoy: the same reads, the
    /// same refusal.
    pub(crate) async fn discover(
        &self,
        run: &mut Run<'_>,
        nobody: &Person,
        factor: &dyn ErasedFactor,
        answer: &Answer,
    ) -> Going<Person> {
        let name = &answer.factor;
        let kept = run.state.challenges.get(name.as_str()).map(|challenge| challenge.state.clone());
        let mailbox = run.state.mailbox(self, name, false);
        let cx = self.context(run, nobody, name, (&[], None), (&mailbox, None));
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

    /// The letter that a challenge waits for; `None` for a factor that waits for none. A letter whose session has
    /// ended meanwhile is as good as not written: its owner may have ended it because of this letter.
    pub(crate) async fn letter(&self, run: &Run<'_>, factor: &dyn ErasedFactor) -> Going<Option<Letter>> {
        if !factor.has_mailbox() {
            return Ok(None);
        }
        let waiting = || Stop::from(Refusal::new(Code::Waiting).after(LETTER_PAUSE));
        let key = self.mailbox_key(&run.state.mailbox(self, &factor.name(), false));
        let row = self.store.find_flow(key, run.now).await?.ok_or_else(waiting)?;
        let plain = self.keys.open(&Place::new(Purpose::Mailbox, key.as_bytes()), &row.sealed)?;
        let letter = Letter::read(&plain).ok_or(Broken::Sealed)?;
        let writer = self.person_by_id(letter.account).await?.ok_or_else(waiting)?;
        self.live_session(letter.session, &writer).await?.ok_or_else(waiting)?;
        Ok(Some(letter))
    }

    /// Leaves a letter. The first stands: two devices cannot both answer.
    pub(crate) async fn post(
        &self,
        visit: &Visit,
        session: &Token,
        mailbox: &str,
        text: &str,
    ) -> Going<Posted> {
        self.slow_down(visit).await?;
        let session = self.check(session).await?.ok_or(Code::NoSession)?;
        let person = self.person_by_id(session.account()).await?.ok_or(Code::NoSession)?;
        if mailbox.len() > MOST_ADDRESS || text.len() > MOST_LETTER {
            return Err(Code::Mailbox.into());
        }
        let now = self.clock.now();
        let letter = Letter {
            account: session.account(),
            session: session.id(),
            proofs: session.proofs(),
            at: now,
            text: text.to_owned(),
        };
        let key = self.mailbox_key(mailbox);
        let place = Place::new(Purpose::Mailbox, key.as_bytes());
        let sealed = self.keys.seal(self.entropy(), &place, &letter.write()?)?;
        let row = FlowRow { key, version: Version(0), expires: now.after(self.profile.flow_life), sealed };
        let content = Sealed::new(visit.client.origin());
        let (_, line) = self.line(&person, event::name::LETTER, Outcome::Done, &content)?;
        match self.commit(vec![Write::AddFlow(row), line]).await? {
            Committed::Won => Ok(Posted::Left),
            Committed::Lost { .. } => Err(Code::Mailbox.into()),
        }
    }

    fn mailbox_key(&self, address: &str) -> TokenHash {
        TokenHash::from_bytes(self.keys.lookup(Purpose::Mailbox, &[b"key", address.as_bytes()]))
    }
}

const LETTER_PAUSE: Duration = Duration::from_secs(2);
const MOST_ADDRESS: usize = 64;
const MOST_LETTER: usize = 4096;
