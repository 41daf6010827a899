//! One step: reserve, verify, commit.

use super::state::{Kind, Run};
use super::subject::{Mine, Person};
use super::{Code, Step, Visit};
use crate::auth::Inner;
use crate::error::Broken;
use crate::event::{self, Outcome, Sealed};
use crate::factor::{Answer, ErasedFactor, Letter, Reason, Verdict};
use crate::hash::Lane;
use crate::id::{CredentialId, FactorName};
use crate::lockout::waiting::Admission;
use crate::lockout::{GuardKey, Limit, Reserved, Settlement};
use crate::proof::{Proof, Proves};
use crate::secret::{Place, Purpose, Token};
use crate::store::{Committed, CredentialRow, OnceKey, Write};
use zeroize::Zeroizing;

use std::time::Duration;

/// What a verified answer leads to.
pub(crate) struct Accepted<'a> {
    pub(crate) proof: Proof,
    /// Preconditions and changes that must hold for the accept: once-row, keeps, swap, guards.
    pub(crate) writes: Vec<Write>,
    pub(crate) lane: Lane,
    pub(crate) charge: &'a Charge,
}

/// A reservation that was granted.
pub(crate) struct Charge {
    pub(crate) key: GuardKey,
    pub(crate) limit: Limit,
    pub(crate) hold: Option<Duration>,
}

impl Inner {
    pub(crate) async fn answer(&self, visit: &Visit, flow: &Token, answer: Answer) -> Result<Step, Broken> {
        match self.load(visit, flow).await? {
            Ok(run) => self.step(run, answer).await,
            Err(code) => Ok(Step::refused(code)),
        }
    }

    /// A step to its end. Everything that can be refused without a look at a secret is refused before the guard is
    /// charged, in the same way for everybody.
    pub(crate) async fn step(&self, mut run: Run<'_>, answer: Answer) -> Result<Step, Broken> {
        self.ready().await?;
        let Some(factor) = self.factor(&answer.factor) else { return Ok(Step::refused(Code::NotOffered)) };
        if answer.bytes.len() > Answer::MOST_BYTES {
            return Ok(Step::refused(Code::Answer(Reason::Malformed)));
        }
        if let Some(step) = self.slow_down(run.visit).await? {
            return Ok(step);
        }
        let mut person = self.person(&run.state).await?;
        let offers = self.offers(&run.state, &person)?;
        let Some(offer) = offers.iter().find(|offer| offer.factor == answer.factor) else {
            return Ok(Step::refused(Code::NotOffered));
        };
        if offer.enrols {
            return self.enrol(run, person, factor, answer).await;
        }
        if !factor.well_formed(&answer.bytes) {
            return Ok(Step::refused(Code::Answer(Reason::Malformed)));
        }
        if run.state.is_unnamed() {
            match self.discover(&mut run, &person, factor, &answer).await? {
                Ok(found) => person = found,
                Err(reason) => return Ok(Step::refused(Code::Answer(reason))),
            }
        }
        let letter = match self.letter(&run, factor).await? {
            Some(letter) => letter,
            None => return Ok(Step::wait(Code::Waiting, LETTER_PAUSE)),
        };
        let lane = self.lane(&run, &person);
        let (key, limit) = self.guard(&person, &run.state, factor, lane);
        let admission =
            self.waiting.admit(&*self.store, (key, limit), &*self.clock, self.sleep.as_deref()).await?;
        let (_ticket, hold) = match admission {
            Admission::Granted { ticket, hold } => (ticket, hold),
            Admission::Busy { retry_after } => return Ok(Step::wait(Code::Busy, retry_after)),
            Admission::Refused(reserved) => return self.barred(&run, &person, factor, reserved).await,
        };
        let charge = Charge { key, limit, hold };
        // A lost race (another step of this flow, a credential that was just changed) reads again and judges again,
        // under the same reservation.
        for _ in 0..MOST_TRIES {
            if let Some(step) =
                self.attempt(&mut run, &person, factor, &answer, &letter, &charge, lane).await?
            {
                return Ok(step);
            }
            run = match self.reload(run).await? {
                Some(run) => run,
                None => {
                    self.forgive(&charge).await?;
                    return Ok(Step::refused(Code::NoFlow));
                }
            };
            person = self.person(&run.state).await?;
            if run.state.is_unnamed() {
                match self.discover(&mut run, &person, factor, &answer).await? {
                    Ok(found) => person = found,
                    Err(_) => break,
                }
            }
            // The flow may have moved on in between: what it no longer offers is not judged.
            if !self.offers(&run.state, &person)?.iter().any(|o| o.factor == answer.factor && !o.enrols) {
                self.forgive(&charge).await?;
                return Ok(Step::refused(Code::NotOffered));
            }
        }
        self.forgive(&charge).await?;
        Ok(Step::wait(Code::Busy, Duration::from_secs(1)))
    }

    // `None`: lost a race.
    #[expect(clippy::too_many_arguments, reason = "one call, all of it needed")]
    async fn attempt(
        &self,
        run: &mut Run<'_>,
        person: &Person,
        factor: &dyn ErasedFactor,
        answer: &Answer,
        letter: &Option<Letter>,
        charge: &Charge,
        lane: Lane,
    ) -> Result<Option<Step>, Broken> {
        let name = &answer.factor;
        let mine = self.mine(person, &run.state, factor)?;
        let challenge = run.state.challenges.get(name.as_str()).cloned();
        let mailbox = run.state.mailbox(self, name, false);
        let cx = self.context(run, person, name, (&[], None), (&mailbox, letter.as_ref()));
        let kept = challenge.as_ref().map(|challenge| challenge.state.as_bytes());
        let verdict = match factor.answer(cx, &mine.opened, kept, &answer.bytes).await {
            Ok(verdict) => verdict,
            Err(error) => {
                self.forgive(charge).await?;
                return Err(error.into());
            }
        };
        match verdict {
            Verdict::Accept { credential, proved, change } => {
                let serial = challenge.map_or(0, |challenge| challenge.serial);
                let writes = self.accept_writes(
                    run,
                    person,
                    &mine,
                    (factor, name),
                    (credential, proved),
                    change,
                    serial,
                )?;
                let Some(mut writes) = writes else {
                    // Nobody's credential, whatever the factor says of it.
                    return self.refuse(run, person, name, charge, Reason::Wrong, vec![]).await;
                };
                writes.push(settle(charge, Settlement::Reset, run));
                if lane == Lane::Known {
                    // The owner came in from a browser that the account knows: strangers' refusals are forgotten.
                    let key = self.guard_key(person, &run.state, name.as_str(), Lane::Stranger);
                    writes.push(Write::Settle {
                        key,
                        how: Settlement::Clear,
                        limit: charge.limit,
                        at: run.now,
                    });
                }
                let proof = Proof::new(name.clone(), proved, run.now);
                self.accepted(run, person, Accepted { proof, writes, lane, charge }).await
            }
            Verdict::Refuse { reason, change, state } => {
                let mut writes = Vec::new();
                if let Some((id, data)) = change {
                    writes.extend(self.swap(person, name, &mine, id, &data)?);
                }
                if let (Some(state), true) = (state, run.held.is_some()) {
                    run.state.rewrite(name, &state);
                    run.state.forget_found();
                    writes.push(run.keep(self)?.0);
                }
                self.refuse(run, person, name, charge, reason, writes).await
            }
            Verdict::More { state, prompt } => {
                run.state.challenge(name, &state)?;
                let (write, token) = run.keep(self)?;
                let batch = vec![write, settle(charge, Settlement::Forgiven, run)];
                match self.commit(batch).await? {
                    Committed::Won => {
                        Ok(Some(self.pending(run, person, token, Some((name.clone(), prompt)))?))
                    }
                    Committed::Lost { .. } => Ok(None),
                }
            }
            Verdict::Pending { retry_after } => {
                self.forgive(charge).await?;
                Ok(Some(Step::wait(Code::Waiting, retry_after)))
            }
            Verdict::Busy { retry_after } => {
                self.forgive(charge).await?;
                Ok(Some(Step::wait(Code::Busy, retry_after)))
            }
        }
    }

    /// The preconditions of an accept, or `None` when the credential is in no row: a decoy's, another account's.
    #[expect(clippy::too_many_arguments, reason = "one call, all of it needed")]
    fn accept_writes(
        &self,
        run: &Run<'_>,
        person: &Person,
        mine: &Mine,
        factor: (&dyn ErasedFactor, &FactorName),
        (credential, proved): (CredentialId, Proves),
        change: Option<Zeroizing<Vec<u8>>>,
        serial: u32,
    ) -> Result<Option<Vec<Write>>, Broken> {
        let Some(used) = mine.opened.iter().find(|one| one.id == credential).filter(|_| mine.real) else {
            return Ok(None);
        };
        let taken = matches!(&run.state.kind, Kind::SignUp(applicant) if applicant.taken);
        if taken || !proved.within(factor.0.could_prove(Some(&used.plain))?) {
            return Ok(None);
        }
        let serial = serial.to_be_bytes();
        let parts: [&[u8]; 3] = [run.state.id.as_bytes(), factor.1.as_str().as_bytes(), &serial];
        let once = OnceKey(self.keys.lookup(Purpose::Once, &parts));
        let mut writes = vec![Write::Once { key: once, until: run.state.expires.after(ONCE_SLACK) }];
        if let Some(subject) = &person.subject {
            writes.push(Write::KeepAccount { id: person.id, expect: subject.account.version });
        }
        match change {
            Some(data) => match self.swap(person, factor.1, mine, credential, &data)? {
                Some(swap) => writes.push(swap),
                None => return Ok(None),
            },
            None if person.is_contact(credential) => {
                writes.push(Write::KeepContact { id: credential, expect: used.version });
            }
            None if person.subject.is_some() => {
                writes.push(Write::KeepCredential { id: credential, expect: used.version });
            }
            // A registration: the contact that is being proven has no row yet.
            None => {}
        }
        Ok(Some(writes))
    }

    /// A credential's change, by compare-and-swap at the version that the factor saw.
    pub(crate) fn swap(
        &self,
        person: &Person,
        name: &FactorName,
        mine: &Mine,
        id: CredentialId,
        data: &[u8],
    ) -> Result<Option<Write>, Broken> {
        let row = person.subject.as_ref().and_then(|s| s.credentials.iter().find(|row| row.id == id));
        let seen = mine.opened.iter().find(|one| one.id == id).filter(|_| mine.real);
        let (Some(row), Some(seen)) = (row, seen) else { return Ok(None) };
        let place = Place::new(Purpose::Credential, id.as_bytes()).of(person.id).factor(name);
        let sealed = self.keys.seal(self.entropy(), &place, data)?;
        let row = CredentialRow { version: seen.version.next(), sealed, ..row.clone() };
        Ok(Some(Write::SwapCredential { row, expect: seen.version }))
    }

    async fn refuse(
        &self,
        run: &Run<'_>,
        person: &Person,
        factor: &FactorName,
        charge: &Charge,
        reason: Reason,
        mut batch: Vec<Write>,
    ) -> Result<Option<Step>, Broken> {
        let how = if reason.counted() { Settlement::Refused } else { Settlement::Forgiven };
        let hold = charge.hold.filter(|_| reason.counted());
        batch.push(settle(charge, how, run));
        batch.push(self.refusal_event(run, person, factor, reason.code())?);
        if let Some(hold) = hold {
            let minutes = hold.as_secs().div_ceil(60).to_string();
            batch.extend(self.notices(run, person, "held", vec![("minutes".into(), minutes)])?);
        }
        match (self.commit(batch).await?, hold) {
            (Committed::Won, Some(hold)) => Ok(Some(Step::wait(Code::Held, hold))),
            (Committed::Won, None) => Ok(Some(Step::refused(Code::Answer(reason)))),
            (Committed::Lost { .. }, _) => Ok(None),
        }
    }

    // Held or spent: refused without a look. Written down all the same; the owner sees who keeps trying.
    async fn barred(
        &self,
        run: &Run<'_>,
        person: &Person,
        factor: &dyn ErasedFactor,
        reserved: Reserved,
    ) -> Result<Step, Broken> {
        let code = if reserved == Reserved::Spent { Code::Spent } else { Code::Held };
        let event = self.refusal_event(run, person, &factor.name(), code.as_str())?;
        let _ = self.commit(vec![event]).await?;
        Ok(match reserved {
            Reserved::Held { until } => Step::wait(code, until.since(run.now)),
            _ => Step::refused(code),
        })
    }

    fn refusal_event(
        &self,
        run: &Run<'_>,
        person: &Person,
        by: &FactorName,
        why: &str,
    ) -> Result<Write, Broken> {
        let sealed = Sealed {
            factor: Some(by.clone()),
            reason: Some(why.to_owned()),
            ..Sealed::new(run.visit.client.origin())
        };
        let account = person.subject.is_some().then_some(person.id);
        Ok(self.event(account, person.data_key(), run.event_name(), Outcome::Refused, &sealed)?.1)
    }

    pub(crate) async fn forgive(&self, charge: &Charge) -> Result<(), Broken> {
        let (key, limit, at) = (charge.key, charge.limit, self.clock.now());
        let _ = self.commit(vec![Write::Settle { key, how: Settlement::Forgiven, limit, at }]).await?;
        Ok(())
    }

    // The flow as it is now; a flow that has no row yet is still what it was.
    async fn reload<'a>(&self, run: Run<'a>) -> Result<Option<Run<'a>>, Broken> {
        match &run.held {
            None => Ok(Some(run)),
            Some((token, ..)) => {
                let token = token.clone();
                Ok(self.load(run.visit, &token).await?.ok())
            }
        }
    }
}

impl Run<'_> {
    pub(crate) fn event_name(&self) -> crate::id::EventName {
        match &self.state.kind {
            Kind::SignUp(_) => event::name::SIGN_UP,
            Kind::SignIn => event::name::SIGN_IN,
            Kind::Change { .. } => event::name::CHANGED,
            Kind::Enrol { .. } => event::name::ENROLLED,
        }
    }
}

fn settle(charge: &Charge, how: Settlement, run: &Run<'_>) -> Write {
    Write::Settle { key: charge.key, how, limit: charge.limit, at: run.now }
}

const LETTER_PAUSE: Duration = Duration::from_secs(2);
const MOST_TRIES: usize = 12;
/// A once-row outlives its flow by this, whatever the clocks of the nodes say.
const ONCE_SLACK: Duration = Duration::from_secs(3600);
