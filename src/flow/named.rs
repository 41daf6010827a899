//! Steps whose subject or answer comes from elsewhere: a credential that names itself, a letter from another device.

use super::state::Run;
use super::subject::Person;
use super::{Code, Posted, Refusal, Visit};
use crate::auth::Inner;
use crate::error::Broken;
use crate::event::{self, Outcome, Sealed};
use crate::factor::{Answer, ErasedFactor, Letter, Reason};
use crate::id::{FactorName, Version};
use crate::secret::{Place, Purpose, Token, TokenHash};
use crate::store::{Committed, FlowRow, Lookup, SubjectKey, Write};

impl Inner {
    /// Whom the answer's credential belongs to. A handle that nobody has goes on as a decoy: the same reads, the
    /// same refusal. A reason: the answer names no credential at all.
    pub(crate) async fn discover(
        &self,
        run: &mut Run<'_>,
        nobody: &Person,
        factor: &dyn ErasedFactor,
        answer: &Answer,
    ) -> Result<Result<Person, Reason>, Broken> {
        let name = &answer.factor;
        let kept = run.state.challenges.get(name.as_str()).map(|challenge| challenge.state.clone());
        let mailbox = run.state.mailbox(self, name, false);
        let cx = self.context(run, nobody, name, (&[], None), (&mailbox, None));
        let found = match factor.find(cx, kept.as_ref().map(String::as_bytes), &answer.bytes).await? {
            Ok(found) => found,
            Err(reason) => return Ok(Err(reason)),
        };
        run.state.rewrite(name, &found.state);
        let handle = self.handle(name, &found.handle);
        let subject = self.store.subject(SubjectKey::Credential(handle)).await?;
        run.state.who.handle = Some(handle.0);
        run.state.who.account = subject.map(|subject| (subject.account.id, subject.account.epoch));
        self.person(&run.state).await.map(Ok)
    }

    /// Under which a credential's own handle is looked up.
    pub(crate) fn handle(&self, factor: &FactorName, handle: &[u8]) -> Lookup {
        Lookup(self.keys.lookup(Purpose::Lookup, &[factor.as_str().as_bytes(), handle]))
    }

    /// The letter that a challenge waits for. `None`: it has not come; `Some(None)`: this factor waits for none.
    pub(crate) async fn letter(
        &self,
        run: &Run<'_>,
        factor: &dyn ErasedFactor,
    ) -> Result<Option<Option<Letter>>, Broken> {
        if !factor.has_mailbox() {
            return Ok(Some(None));
        }
        let key = self.mailbox_key(&run.state.mailbox(self, &factor.name(), false));
        let Some(row) = self.store.find_flow(key, run.now).await? else { return Ok(None) };
        let plain = self.keys.open(&Place::new(Purpose::Mailbox, key.as_bytes()), &row.sealed)?;
        let letter: Letter = serde_json::from_slice(&plain).map_err(|_| Broken::Sealed)?;
        let Some(writer) = self.person_by_id(letter.account).await? else { return Ok(None) };
        let live = self.live_session(letter.account, letter.session, &writer).await?;
        Ok(live.map(|_| Some(letter)))
    }

    /// Leaves a letter. The first stands: two devices cannot both answer.
    pub(crate) async fn post(
        &self,
        visit: &Visit,
        session: &Token,
        mailbox: &str,
        text: &str,
    ) -> Result<Posted, Broken> {
        if let Some(super::Step::Refused(slow)) = self.slow_down(visit).await? {
            return Ok(Posted::Refused(slow));
        }
        let Some(session) = self.check(session).await? else { return Ok(Posted::no(Code::NoSession)) };
        let Some(person) = self.person_by_id(session.account()).await? else {
            return Ok(Posted::no(Code::NoSession));
        };
        if mailbox.len() > MOST_ADDRESS || text.len() > MOST_LETTER {
            return Ok(Posted::no(Code::Mailbox));
        }
        let now = self.clock.now();
        let letter = Letter {
            account: session.account(),
            session: session.id(),
            proofs: session.proofs(),
            at: now,
            text: text.to_owned(),
        };
        let plain = serde_json::to_vec(&letter).map_err(|_| Broken::Misuse("letter"))?;
        let key = self.mailbox_key(mailbox);
        let sealed = self.keys.seal(self.entropy(), &Place::new(Purpose::Mailbox, key.as_bytes()), &plain)?;
        let row = FlowRow { key, version: Version(0), expires: now.after(self.profile.flow_life), sealed };
        let content = Sealed::new(visit.client.origin());
        let (_, line) =
            self.event(Some(person.id), person.data_key(), event::name::LETTER, Outcome::Done, &content)?;
        Ok(match self.commit(vec![Write::AddFlow(row), line]).await? {
            Committed::Won => Posted::Left,
            Committed::Lost { .. } => Posted::no(Code::Mailbox),
        })
    }

    fn mailbox_key(&self, address: &str) -> TokenHash {
        TokenHash::from_bytes(self.keys.lookup(Purpose::Mailbox, &[b"key", address.as_bytes()]))
    }
}

impl Posted {
    fn no(code: Code) -> Self {
        Self::Refused(Box::new(Refusal::new(code)))
    }
}

const MOST_ADDRESS: usize = 64;
const MOST_LETTER: usize = 4096;
