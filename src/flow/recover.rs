//! Coming back after a loss. The bar is the account's own: what is lost counts for how much is asked, and what was proven
//! for what the session can do. Ends everything that the lost thing may have opened, and tells every contact.

use super::owner::{Link, Objection};
use super::state::{Kind, Run, State};
use super::stop::Going;
use super::subject::Person;
use super::{Code, Effect, Refusal, Step, Visit, edge};
use crate::account::identifier::Identifier;
use crate::account::{PendingRecovery, ProfileData};
use crate::auth::{Auth, Inner};
use crate::clock::Timestamp;
use crate::error::{Broken, StoreError};
use crate::event::{self, Outcome, Sealed};
use crate::factor::Source;
use crate::human::HumanFor;
use crate::id::{AccountId, EventId, FactorName};
use crate::message::Said;
use crate::policy::Lacks;
use crate::proof::{self, Aal};
use crate::secret::Token;
use crate::session::Session;
use crate::store::{Committed, Write};

use std::time::Duration;

/// A recovery about to begin.
#[derive(Debug)]
#[must_use]
pub struct Recover<'a> {
    visit: &'a Visit,
    lost: Vec<FactorName>,
    public_device: bool,
}

impl Visit {
    /// Coming back after a loss: a confirmation by an address that the account knows, and as much more as the account's
    /// own level asks for (NIST SP 800-63B-4 section 4.2.2). Then a new secret is chosen and a session begins, of what was
    /// proven in this flow and no more; all others end, with everything that was lost, and every contact is told.
    pub const fn recover(&self) -> Recover<'_> {
        Recover { visit: self, lost: Vec::new(), public_device: false }
    }

    /// Lets a recovery wait that has one confirmation and no second ([`Next::delay`](super::Next::delay)): every contact
    /// is told, and any of them, or any session, stops it. Answers with a refusal that says when one confirmation will do,
    /// which is of the same address: each waits for itself.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn wait(&self, flow: &Token) -> Result<Step, Broken> {
        edge("wait", self.auth.0.let_wait(self, flow), Step::Refused).await
    }

    /// Stops all recoveries that wait.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn stop_recovery(&self, session: &Session) -> Result<Effect, Broken> {
        let inner = &self.auth.0;
        inner.ready().await?;
        for _ in 0..MOST_TRIES {
            let Some(person) = inner.person_by_id(session.account()).await? else {
                return Ok(Effect::NoSession);
            };
            if !inner.lives(session, &person).await? {
                return Ok(Effect::NoSession);
            }
            if let Some(stopped) = inner.stop_waiting(self, &person, None).await? {
                return Ok(Effect::of(stopped));
            }
        }
        Err(StoreError::Unavailable("the account changes faster than its recovery is stopped").into())
    }
}

impl Auth {
    /// The account's recoveries that wait, or were stopped a short while ago, at most one of each address: for a word on
    /// the owner's pages. The oldest first.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn recoveries(&self, of: AccountId) -> Result<Vec<PendingRecovery>, Broken> {
        self.0.ready().await?;
        let Some(person) = self.0.person_by_id(of).await? else { return Ok(Vec::new()) };
        self.0.recoveries(&person)
    }
}

impl Recover<'_> {
    /// What cannot be proven any more. Nothing said: what is typed from memory.
    pub fn lost(mut self, factors: impl IntoIterator<Item = FactorName>) -> Self {
        self.lost.extend(factors);
        self
    }

    /// "Not my device": a session of hours, and the browser is not remembered.
    pub const fn public_device(mut self, public: bool) -> Self {
        self.public_device = public;
        self
    }

    /// Begins by a phone number or an e-mail address and sends one message to it, whether an account knows it or not.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn start(self, contact: &str) -> Result<Step, Broken> {
        edge("recover", self.begin(contact), Step::Refused).await
    }

    async fn begin(mut self, contact: &str) -> Going<Step> {
        let inner = &self.visit.auth.0;
        inner.slow_down(self.visit, None).await?;
        let contact = Identifier::parse(contact).map_err(Code::Identifier)?;
        let mut factors = inner.factors.iter();
        let sent = factors.find(|(_, factor)| factor.source() == Source::Contacts(contact.kind()));
        let (sent, _) = sent.ok_or(Code::ContactKind)?;
        if self.lost.is_empty() {
            for (name, factor) in &inner.factors {
                let proves = factor.could_prove(None)?;
                if factor.enrolment().is_some() && proves.is_memorised() && proves.is_factor() {
                    self.lost.push(name.clone());
                }
            }
        }
        self.lost.sort_unstable();
        self.lost.dedup();
        if self.lost.iter().any(|name| inner.factor(name).is_none()) {
            return Err(Code::NotOffered.into());
        }
        inner.pass_human(self.visit, HumanFor::Recover).await?;
        inner.ready().await?;
        let who = inner.who(contact).await?;
        let kind = Kind::Recover { lost: self.lost, done: false };
        let mut state = State::new(inner, self.visit, kind, who)?;
        state.public_device = self.public_device;
        let run = Run::new(inner, self.visit, state);
        let person = inner.person(&run.state).await?;
        inner.begin_in(run, person, sent).await
    }
}

impl Inner {
    /// What a recovery lacks, by what the account has, lost or not, and by whether it has waited.
    pub(crate) fn lacks(&self, state: &State, person: &Person) -> Going<Lacks> {
        // Nothing is opened for who has proven nothing: it would tell known names from unknown ones.
        if Lacks::of(Aal::Zero, &state.proofs, false) == Lacks::Confirmation {
            return Ok(Lacks::Confirmation);
        }
        // All that a sign-in could reach: an address that settles proves nothing here, and asks for no less.
        let mut at_sign_in = state.clone();
        at_sign_in.kind = Kind::SignIn;
        let reach = proof::aal(&self.reach(person, &at_sign_in, None)?);
        let waits = self.waiting_of(state, person)?;
        let waited = waits.is_some_and(|waits| !waits.stopped && waits.ready <= self.clock.now());
        Ok(Lacks::of(reach, &state.proofs, waited))
    }

    /// A lock of the desk's is told to who has shown that the account is theirs, and lifted at the desk alone.
    pub(crate) fn may_recover(&self, state: &State, person: &Person) -> Going<()> {
        let lock = person.known(self)?.and_then(|known| known.profile.lock);
        match lock.filter(|lock| state.recovers() && !lock.reason.is_owners()) {
            Some(_) => Err(Code::Locked.into()),
            None => Ok(()),
        }
    }

    /// Whether it ends in the choice of a new secret.
    pub(crate) fn chooses(&self, lost: &[FactorName]) -> Going<bool> {
        for (name, factor) in &self.factors {
            if lost.contains(name) && factor.enrolment().is_some() && factor.could_prove(None)?.is_memorised()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// How long it would wait, where that is what would help.
    pub(crate) fn delay(&self, state: &State, person: &Person) -> Going<Option<Duration>> {
        if !state.recovers() || self.lacks(state, person)? != Lacks::Another {
            return Ok(None);
        }
        let now = self.clock.now();
        Ok(match self.waiting_of(state, person)? {
            Some(waits) if waits.stopped => None,
            Some(waits) => Some(waits.ready.since(now)),
            None => Some(self.profile.recovery.delay),
        })
    }

    // Those that wait, or were stopped a short while ago.
    fn recoveries(&self, person: &Person) -> Result<Vec<PendingRecovery>, Broken> {
        let all = person.known(self)?.map(|known| known.profile.recoveries.clone()).unwrap_or_default();
        let now = self.clock.now();
        Ok(all.into_iter().filter(|one| now < one.until).collect())
    }

    // That of the address by which this flow recovers.
    fn waiting_of(&self, state: &State, person: &Person) -> Result<Option<PendingRecovery>, Broken> {
        let all = self.recoveries(person)?;
        Ok(all.into_iter().find(|one| state.who.typed.as_ref() == Some(&one.by)))
    }

    async fn let_wait(&self, visit: &Visit, flow: &Token) -> Going<Step> {
        self.slow_down(visit, None).await?;
        let run = self.load(visit, flow).await?;
        for _ in 0..MOST_TRIES {
            let person = self.person(&run.state).await?;
            self.may_recover(&run.state, &person)?;
            if !run.state.recovers() || self.lacks(&run.state, &person)? != Lacks::Another {
                return Err(Code::NotOffered.into());
            }
            let ready = match self.waiting_of(&run.state, &person)? {
                Some(waits) if waits.stopped => return Err(Code::RecoveryStopped.into()),
                Some(waits) => waits.ready,
                None => match self.begin_waiting(&run, &person).await? {
                    Some(ready) => ready,
                    None => continue,
                },
            };
            return Err(Refusal::new(Code::RecoveryWaits).after(ready.since(run.now)).into());
        }
        Err(Code::Stale.into())
    }

    // When it is ready; `None`: the account was changed in between.
    async fn begin_waiting(&self, run: &Run<'_>, person: &Person) -> Going<Option<Timestamp>> {
        let rules = self.profile.recovery;
        let by = run.state.who.typed.clone().ok_or(Code::Stale)?;
        let ready = run.now.after(rules.delay);
        let mut content = Sealed::new(run.visit.client.origin());
        content.details.extend([("ready".into(), ready.rfc3339()), ("contact".into(), by.masked())]);
        let (id, line) = self.line(person, event::name::RECOVERY_WAITS, Outcome::Done, &content)?;
        let until = ready.after(rules.window);
        let mut all = self.recoveries(person)?;
        all.push(PendingRecovery { id, by: by.clone(), asked: run.now, ready, until, stopped: false });
        let swap = self.with_recoveries(person, all, false)?.ok_or(Code::Stale)?;
        let mut batch = vec![swap, line];
        let link = Link { what: Objection::StopRecovery, account: person.id, about: id, until };
        let params = vec![("ready".into(), ready.rfc3339().into()), ("contact".into(), by.masked().into())];
        let said = Said { params, link: Some(link) };
        batch.extend(self.notices(person, &run.visit.client, "recovery-waits", said)?);
        Ok((self.commit(batch).await? == Committed::Won).then_some(ready))
    }

    /// Stops all that wait, if any does, or this one; `None`: the account was changed in between.
    pub(crate) async fn stop_waiting(
        &self,
        visit: &Visit,
        person: &Person,
        which: Option<EventId>,
    ) -> Result<Option<bool>, Broken> {
        let meant = |waits: &PendingRecovery| !waits.stopped && which.is_none_or(|id| id == waits.id);
        let mut all = self.recoveries(person)?;
        if !all.iter().any(meant) {
            return Ok(Some(false));
        }
        // Else whoever asked asks again, until the owner is tired of stopping it.
        let until = self.clock.now().after(self.profile.recovery.delay);
        // A stranger who waits by two addresses is stopped at both.
        for waits in all.iter_mut().filter(|waits| !waits.stopped) {
            (waits.stopped, waits.until) = (true, until);
        }
        let Some(swap) = self.with_recoveries(person, all, false)? else { return Ok(Some(false)) };
        let sealed = Sealed::new(visit.client.origin());
        let (_, line) = self.line(person, event::name::RECOVERY_STOPPED, Outcome::Done, &sealed)?;
        let mut batch = vec![swap, line];
        batch.extend(self.notices(person, &visit.client, "recovery-stopped", Vec::new())?);
        Ok((self.commit(batch).await? == Committed::Won).then_some(true))
    }

    fn with_recoveries(
        &self,
        person: &Person,
        recoveries: Vec<PendingRecovery>,
        unlocks: bool,
    ) -> Result<Option<Write>, Broken> {
        let Some(known) = person.known(self)? else { return Ok(None) };
        let mut profile = ProfileData { recoveries, ..known.profile.clone() };
        if unlocks {
            profile.lock = None;
            // Its own line comes after that, and so does what is said no to by the link about it.
            profile.secured = Some(self.clock.now().before(Duration::from_millis(1)));
        }
        self.swap_profile(person, &profile)
    }

    /// A new secret was chosen in the place of a lost one.
    pub(crate) async fn chosen(
        &self,
        mut run: Run<'_>,
        person: &Person,
        factor: &FactorName,
        write: Write,
    ) -> Going<Step> {
        let content = Sealed::by(factor, run.visit.client.origin());
        let mut batch = vec![self.once(&run, factor, b"enrol"), write];
        self.recovered(&mut run, person, &content, &mut batch)?;
        let end = self.sign_in_or_go_on(run, person, content, batch).await?;
        end.ok_or_else(|| Code::Stale.into())
    }

    /// Enough is proven, and a new secret chosen where one was lost. From here on the flow is a sign-in: what the profile
    /// asks for beyond that is enrolled or proven before there is a session. All in one commit: a kill before it leaves
    /// the account as it was.
    pub(crate) fn recovered(
        &self,
        run: &mut Run<'_>,
        person: &Person,
        content: &Sealed,
        batch: &mut Vec<Write>,
    ) -> Going<()> {
        let (Kind::Recover { lost, .. }, Some(subject), Some((account, epoch))) =
            (run.state.kind.clone(), &person.subject, run.state.who.account)
        else {
            return Err(Code::Stale.into());
        };
        self.may_recover(&run.state, person)?;
        let lock = person.known(self)?.and_then(|known| known.profile.lock);
        let swap = self.with_recoveries(person, Vec::new(), true)?.ok_or(Code::Stale)?;
        batch.push(swap);
        if lock.is_some() {
            batch.push(self.line(person, event::name::UNLOCKED, Outcome::Done, content)?.1);
        }
        for row in subject.credentials.iter().filter(|row| lost.contains(&row.factor)) {
            let chosen =
                |write: &Write| matches!(write, Write::SwapCredential { row: new, .. } if new.id == row.id);
            if !batch.iter().any(chosen) {
                batch.push(Write::RemoveCredential { id: row.id, expect: row.version });
            }
        }
        batch.push(Write::RaiseEpoch { account, route: subject.account.route, expect: epoch });
        batch.extend(self.distrust(person, Some(&*run))?);
        // The owner is in again: what strangers have tried is forgotten, and so is what the owner has.
        batch.extend(self.forget_refusals(account, run.now));
        let (id, line) = self.line(person, event::name::RECOVERED, Outcome::Done, content)?;
        batch.push(line);
        // The links of the notices before it are settled: if it was a stranger who recovered, this one locks.
        let said = Said { params: Vec::new(), link: self.lock_link(person, id) };
        batch.extend(self.notices(person, &run.visit.client, "recovered", said)?);
        run.state.kind = Kind::Recover { lost, done: true };
        run.state.who.account = Some((account, epoch.next()));
        Ok(())
    }
}

const MOST_TRIES: usize = 8;
