//! Closing an account (MISSION A6). It takes all that a sign-in takes, proven anew, and no less than the account can
//! reach; then everything ends. For the profile's grace its owner can sign in and say that it shall be open again. After
//! it the account's data key is destroyed, and with it whatever is sealed under it, in every copy and backup of the
//! store; its rows go, its names are anybody's after a time, and of its events no more is left than what, when and how
//! it ended.
//!
//! What is due is a message of a realm of its own in the ledger's outbox, which no sender is handed: leased to one node,
//! tried again after a kill, and never lost.

use std::time::Duration;

use super::state::{Kind, Run, State, Who};
use super::stop::{Going, edge};
use super::subject::Person;
use super::{Client, Code, Duty, Step, Transaction, Visit};
use crate::account::ProfileData;
use crate::auth::{Change, Inner};
use crate::clock::Timestamp;
use crate::error::Broken;
use crate::event::{self, Outcome, Sealed};
use crate::id::{MessageId, Realm};
use crate::message::{Locale, MessageRow};
use crate::policy::Requirement;
use crate::proof;
use crate::secret::Token;
use crate::session::Session;
use crate::store::{AccountRow, AccountState, Committed, Write};

/// How far closing is.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Closing {
    /// The account is closed. Until this moment its owner can sign in and reopen it; then it is erased.
    Closed {
        /// When.
        erased_at: Timestamp,
    },
    /// This is to be proven first, or it was refused. When that flow is done, ask again with the session that it gave.
    Prove(Step),
}

impl Visit {
    /// Closes the account of this session: first a flow in which all of it is proven anew, for this and nothing else;
    /// asked again within five minutes, it is closed and all its sessions end.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn close(&self, session: &Token) -> Result<Closing, Broken> {
        edge("close", self.try_close(session), |why| Closing::Prove(Step::Refused(why))).await
    }

    /// Opens an account again that is being closed: the last step of a sign-in to it ([`Duty::Reopen`]).
    ///
    /// # Errors
    /// When something does not work.
    pub async fn reopen(&self, flow: &Token) -> Result<Step, Broken> {
        edge("reopen", self.auth.0.reopen(self, flow), Step::Refused).await
    }

    async fn try_close(&self, token: &Token) -> Going<Closing> {
        let inner = &self.auth.0;
        inner.slow_down(self, None).await?;
        let session = inner.check(token).await?.ok_or(Code::NoSession)?;
        let who = Who::known(session.account(), session.epoch());
        let kind = Kind::StepUp { session: session.id(), asked: Requirement::NONE, what: None };
        let mut state = State::new(inner, self, kind, who)?;
        let person = inner.person(&state).await?;
        let known = person.known(inner)?.ok_or(Code::NoSession)?;
        let what = Transaction::closing(known.profile.locale);
        if let Some(receipt) = inner.receipt(session.id(), &what).await?
            && let Some(erased_at) = inner.close_account(&session, receipt, &self.client).await?
        {
            return Ok(Closing::Closed { erased_at });
        }
        let (sign_in, reach) = (inner.profile.sign_in, inner.reach(&person, &state, None)?);
        let (aal, kinds) = (sign_in.aal.max(proof::aal(&reach)), sign_in.kinds.max(1));
        let asked = Requirement { aal, kinds, ..sign_in };
        if !asked.met_by(&reach, state.began) {
            return Err(Code::OutOfReach.into());
        }
        state.kind = Kind::StepUp { session: session.id(), asked, what: Some(what) };
        Ok(Closing::Prove(inner.open(Run::new(inner, self, state), &person).await?))
    }
}

impl Inner {
    // `None`: another call used the approval, the session has ended, or the account was locked by others meanwhile.
    async fn close_account(
        &self,
        session: &Session,
        mut receipt: Vec<Write>,
        by: &Client,
    ) -> Result<Option<Timestamp>, Broken> {
        let erased_at = self.clock.now().after(self.profile.closing.grace);
        let account = session.account();
        // Whoever changed a contact or a password a moment ago has ended it: it closes nothing any more.
        receipt.extend([
            Write::KeepEpoch { account, expect: session.epoch() },
            Write::EndSession { account, route: session.route(), id: session.id() },
        ]);
        receipt.push(Write::Message(MessageRow {
            id: MessageId::next(self)?,
            realm: self.closings(),
            account: Some(account),
            deliver: true,
            due: erased_at,
            attempts: 0,
            sealed: Vec::new(),
        }));
        let change = Change::new(event::name::CLOSING, Sealed::new(by.origin()))
            .ending_all()
            .telling("closing")
            .saying("until", erased_at.rfc3339())
            .with(receipt);
        let set = |profile: &mut ProfileData, state: &mut AccountState| {
            profile.closing = Some(erased_at);
            *state == AccountState::Active
        };
        Ok(self.change_account(account, change, set).await?.then_some(erased_at))
    }

    async fn reopen(&self, visit: &Visit, flow: &Token) -> Going<Step> {
        self.slow_down(visit, None).await?;
        let run = self.load(visit, flow).await?;
        let person = self.person(&run.state).await?;
        if self.duty(&run.state, &person)? != Some(Duty::Reopen) {
            return Err(Code::NotOffered.into());
        }
        let (Some(subject), Some(known), Some((_, epoch))) =
            (&person.subject, person.known(self)?, run.state.who.account)
        else {
            return Err(Code::Stale.into());
        };
        let profile = ProfileData { closing: None, ..known.profile.clone() };
        let swap = self.swap_profile(&person, &profile)?.ok_or(Code::Stale)?;
        let content = Sealed::new(visit.client.origin());
        let (_, line) = self.line(&person, event::name::REOPENED, Outcome::Done, &content)?;
        let mut batch = vec![swap, line];
        batch.extend(self.notices(&person, &visit.client, "reopened", Vec::new())?);
        let end = self.sign_in(run, &person, None, (subject, epoch), content, batch).await?;
        end.ok_or_else(|| Code::Stale.into())
    }

    /// Erases what is due, up to so many accounts: how many, and how many more could not be.
    pub(crate) async fn erase_due(&self, now: Timestamp, budget: usize) -> Result<(usize, usize), Broken> {
        let (mut erased, mut stuck) = (0, 0);
        for job in self.store.claim(self.closings(), now, LEASE, budget).await? {
            match self.erase(&job, now).await {
                Ok(done) => erased += usize::from(done),
                Err(broken) => {
                    self.set_aside(&job, broken).await?;
                    stuck += 1;
                }
            }
        }
        Ok((erased, stuck))
    }

    async fn erase(&self, job: &MessageRow, now: Timestamp) -> Result<bool, Broken> {
        let done = Write::CloseMessage { id: job.id, at: now, delivered: true };
        for _ in 0..MOST_TRIES {
            let person = match job.account {
                Some(id) => self.person_by_id(id).await?,
                None => None,
            };
            let closing = match &person {
                Some(person) => person.known(self)?.and_then(|known| known.profile.closing),
                None => None,
            };
            // Reopened, locked, or erased before the last kill: there is nothing to do. Closed anew since: that has a job
            // of its own.
            let Some(person) = person.filter(|_| closing.is_some_and(|at| at <= now)) else {
                let _ = self.commit(vec![done]).await?;
                return Ok(false);
            };
            if person.subject.as_ref().is_none_or(|subject| subject.account.state != AccountState::Closing) {
                // Switched off meanwhile: whoever did it may want to look at it still.
                let _ = self
                    .commit(vec![Write::RetryMessage { id: job.id, due: now.after(LATER), tried: true }])
                    .await?;
                return Ok(false);
            }
            let mut batch = self.erasure(&person, now)?;
            batch.push(done.clone());
            if self.commit(batch).await? == Committed::Won {
                return Ok(true);
            }
        }
        Ok(false)
    }

    // One commit: whoever reads the account sees all of it or nothing, and a kill leaves it to the next lease.
    fn erasure(&self, person: &Person, now: Timestamp) -> Result<Vec<Write>, Broken> {
        let Some(subject) = &person.subject else { return Ok(Vec::new()) };
        let (id, expect) = (person.id, subject.account.version);
        let row = AccountRow {
            version: expect.next(),
            state: AccountState::Closed,
            data_key: Vec::new(),
            sealed: Vec::new(),
            ..subject.account.clone()
        };
        let mut batch = vec![
            Write::SwapAccount { row, expect },
            Write::RaiseEpoch { account: id, route: subject.account.route, expect: subject.account.epoch },
            Write::ForgetBrowsers { account: id, except: None },
        ];
        let free_at = now.after(self.profile.closing.name_free_after);
        let names = subject.identifiers.iter().map(|row| row.lookup);
        batch.extend(names.map(|lookup| Write::RemoveIdentifier { lookup, account: id, free_at }));
        let contacts = subject.contacts.iter().map(|row| (row.id, row.version));
        batch.extend(contacts.map(|(id, expect)| Write::RemoveContact { id, expect }));
        let credentials = subject.credentials.iter().map(|row| (row.id, row.version));
        batch.extend(credentials.map(|(id, expect)| Write::RemoveCredential { id, expect }));
        batch.extend(self.notices(person, &Client::unknown(), "closed", Vec::new())?);
        // Under the ring: the account's own key goes with this batch.
        let content = Sealed::new(Client::unknown().origin());
        batch.push(self.event(Some(id), None, event::name::CLOSED, Outcome::Done, &content)?.1);
        Ok(batch)
    }

    fn closings(&self) -> Realm {
        Realm::owned(format!("propusk:close:{}", self.keys.realm().as_str()))
    }
}

impl Transaction {
    // No application's transaction has such a name: those have a colon in it.
    fn closing(locale: Locale) -> Self {
        let (label, value) = match locale {
            Locale::En => ("Action", "closing the account"),
            Locale::Ru => ("Действие", "закрытие учётной записи"),
        };
        Self::new("close-account").with(label, value)
    }
}

const MOST_TRIES: usize = 16;
const LEASE: Duration = Duration::from_secs(60);
const LATER: Duration = Duration::from_secs(24 * 3600);
