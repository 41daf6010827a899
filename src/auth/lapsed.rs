//! Sign-ins that were begun, proved something, and were never finished: lines of the history with the result "ended by
//! time-out" (MISSION E4). Whoever knows a password and not the second factor leaves one.
//!
//! Nobody is there when a flow ends by its time, and a hot store drops it without a word. So the batch that writes the
//! first proof also lays a job into the ledger's outbox, due when the flow has ended; the batch that ends the sign-in
//! closes it; what is left is written down by whoever tends. A kill anywhere leaves the job, and the job is right: that
//! sign-in was never finished. No commit more than without it.

use std::time::Duration;

use super::Inner;
use super::tend::LEASE;
use crate::clock::Timestamp;
use crate::error::Broken;
use crate::event::{self, Outcome, Sealed};
use crate::flow::{Person, Run};
use crate::id::{AccountId, FlowId, MessageId, Realm};
use crate::message::MessageRow;
use crate::policy::Signal;
use crate::secret::{Place, Purpose};
use crate::store::{Committed, OnceKey, Write};

impl Inner {
    /// The job of a sign-in that has just proved its first factor.
    pub(crate) fn watch(&self, run: &Run<'_>, person: &Person, content: &Sealed) -> Result<Write, Broken> {
        let (id, account) = (job(run.state.id), person.id);
        let mut content = content.clone();
        let mut signals = self.signals(run, person)?;
        signals.push(Signal::PartialSuccess);
        self.note_these(run, person, &mut content, &signals);
        let plain = serde_json::to_vec(&(account, content)).map_err(|_| Broken::Misuse("event"))?;
        Ok(Write::Message(MessageRow {
            id,
            realm: self.lapsed(),
            account: Some(account),
            deliver: true,
            due: run.state.expires.after(SLACK),
            attempts: 0,
            sealed: self.keys.seal(self.entropy(), &place(&id), &plain)?,
        }))
    }

    /// The write by which it is done with: the sign-in has ended otherwise.
    pub(crate) fn unwatch(run: &Run<'_>) -> Option<Write> {
        let end = Write::CloseMessage { id: job(run.state.id), at: run.now, delivered: true };
        run.state.watched.then_some(end)
    }

    /// Writes down what has ended by its time: how many, and how many more could not be.
    pub(super) async fn write_lapsed(&self, now: Timestamp, budget: usize) -> Result<(usize, usize), Broken> {
        let (mut written, mut stuck) = (0, 0);
        for row in self.store.claim(self.lapsed(), now, LEASE, budget).await? {
            match self.write_one(&row, now).await {
                Ok(won) => written += usize::from(won),
                Err(broken) => {
                    self.set_aside(&row, broken).await?;
                    stuck += 1;
                }
            }
        }
        Ok((written, stuck))
    }

    async fn write_one(&self, row: &MessageRow, now: Timestamp) -> Result<bool, Broken> {
        let close = Write::CloseMessage { id: row.id, at: now, delivered: true };
        let plain = self.keys.open(&place(&row.id), &row.sealed);
        let told = plain.ok().and_then(|plain| serde_json::from_slice::<(AccountId, Sealed)>(&plain).ok());
        let person = match &told {
            Some((account, _)) => self.person_by_id(*account).await?,
            None => None,
        };
        let (Some((_, content)), Some(person)) = (told, person) else {
            let _ = self.commit(vec![close]).await?;
            return Ok(false);
        };
        // Two workers, one of them slower than its lease: one line.
        let once = OnceKey(self.keys.lookup(Purpose::Once, &[b"lapsed", row.id.as_bytes()]));
        let (id, line) = self.line(&person, event::name::SIGN_IN, Outcome::TimedOut, &content)?;
        let batch = vec![Write::Once { key: once, until: now.after(LEASE * 10) }, line, close];
        let began = row.due.before(SLACK + self.profile.flow_life);
        let told = self.tell_of_unfinished(&person, (&content, id), began)?;
        Ok(self.commit_telling(batch, (b"unfinished", &person, now), told).await? == Committed::Won)
    }

    fn lapsed(&self) -> Realm {
        Realm::owned(format!("propusk:lapsed:{}", self.keys.realm()))
    }
}

fn job(flow: FlowId) -> MessageId {
    MessageId::from_bytes(*flow.as_bytes())
}

fn place(id: &MessageId) -> Place<'_> {
    Place::new(Purpose::FlowState, id.as_bytes())
}

/// A step that has read the flow before its end may take this long to write.
const SLACK: Duration = Duration::from_secs(60);
