//! One step: reserve, verify, commit.

use std::time::Duration;

use zeroize::Zeroizing;

use super::contact::ContactChange;
use super::state::{Kind, Run};
use super::stop::{Going, Stop, busy};
use super::subject::{Mine, Person};
use super::{Code, Refusal, Step, Visit};
use crate::auth::Inner;
use crate::error::Broken;
use crate::event::{self, Outcome, Sealed};
use crate::factor::{Answer, ErasedFactor, Letter, Reason, Verdict};
use crate::hash::{Lane, Seat};
use crate::id::{CredentialId, EventName, FactorName};
use crate::lockout::waiting::Admission;
use crate::lockout::{GuardKey, Limit, Reserved, Settlement};
use crate::proof::{Proof, Proves};
use crate::secret::{Purpose, Token};
use crate::store::{Committed, CredentialRow, OnceKey, Write};

/// What a step is about, as it stands now: read before the guard is charged, and again after each lost race.
struct Look {
    person: Person,
    enrols: bool,
    letter: Option<Letter>,
}

/// An answer whose attempt is counted.
pub(crate) struct Attempt<'a> {
    factor: &'a dyn ErasedFactor,
    answer: &'a Answer,
    pub(crate) lane: Lane,
    key: GuardKey,
    limit: Limit,
    hold: Option<Duration>,
    pub(crate) refused: u32,
}

/// What the factor accepted.
struct Accepted {
    credential: CredentialId,
    proved: Proves,
    change: Option<Zeroizing<Vec<u8>>>,
}

impl Inner {
    pub(crate) async fn answer(&self, visit: &Visit, flow: &Token, answer: Answer) -> Going<Step> {
        let seat = self.slow_down(visit, Some(&answer)).await?;
        let run = self.load(visit, flow).await?;
        self.step(run, answer, seat).await
    }

    /// A step to its end. Everything that can be refused without a look at a secret is refused before the guard is
    /// charged, in the same way for everybody.
    pub(crate) async fn step(&self, mut run: Run<'_>, answer: Answer, seat: Option<Seat>) -> Going<Step> {
        self.ready().await?;
        let factor = self.factor(&answer.factor).ok_or(Code::NotOffered)?;
        if answer.bytes.len() > Answer::MOST_BYTES {
            return Err(Code::Answer(Reason::Malformed).into());
        }
        let look = self.look(&mut run, factor, &answer).await?;
        if look.enrols {
            return self.enrol(run, look.person, factor, answer).await;
        }
        let lane = self.lane(&run, &look.person);
        let mut seat = if seat.is_some() { seat } else { self.seat(&answer, lane)? };
        let (key, limit) = self.guard(&look.person, &run.state, factor, lane);
        let time = (&*self.clock, self.sleep.as_deref());
        let admission = self.waiting.admit(&*self.store, (key, limit), time, &mut seat).await?;
        let (_ticket, hold, refused) = match admission {
            Admission::Granted { ticket, hold, refused } => (ticket, hold, refused),
            Admission::Busy { retry_after } => return busy(retry_after),
            Admission::Refused(reserved) => {
                return self.barred(&run, &look.person, &answer.factor, (key, reserved)).await;
            }
        };
        // Waiting for a place took its time.
        run.now = self.clock.now();
        let at = Attempt { factor, answer: &answer, lane, key, limit, hold, refused };
        match self.judge(&mut run, look, &at).await {
            // Nothing was evaluated to an end: the reservation is given back. A commit that broke leaves it to its
            // lease, since the answer was evaluated, and nobody knows how it ended.
            Err(stop @ (Stop::No(_) | Stop::Broken(Broken::Factor(_)))) => {
                let _ = self.commit(vec![at.settle(Settlement::Forgiven, &run)]).await?;
                Err(stop)
            }
            end => end,
        }
    }

    // A lost race (another step of this flow, a credential that was just changed) reads again and judges again,
    // under the same reservation.
    async fn judge(&self, run: &mut Run<'_>, mut look: Look, at: &Attempt<'_>) -> Going<Step> {
        for _ in 0..MOST_TRIES {
            if let Some(step) = self.attempt(run, &look, at).await? {
                return Ok(step);
            }
            self.reload(run).await?;
            look = self.look(run, at.factor, at.answer).await?;
            // The other use of this answer was accepted, and what the flow offers under this name now is something new.
            if look.enrols {
                return Err(Code::NotOffered.into());
            }
        }
        busy(BUSY)
    }

    async fn look(&self, run: &mut Run<'_>, factor: &dyn ErasedFactor, answer: &Answer) -> Going<Look> {
        let mut person = self.person(&run.state).await?;
        // The flow may have moved on: what it does not offer now is not judged.
        let duty = self.duty(&run.state, &person)?;
        let offer = self.offer_of(&run.state, &person, duty, factor)?.ok_or(Code::NotOffered)?;
        if offer.enrols {
            return Ok(Look { person, enrols: true, letter: None });
        }
        if !factor.well_formed(&answer.bytes) {
            return Err(Code::Answer(Reason::Malformed).into());
        }
        let letter = self.letter(run, &person, factor).await?;
        if run.state.is_unnamed() {
            person = self.discover(run, &person, factor, answer, letter.as_ref()).await?;
        }
        Ok(Look { person, enrols: false, letter })
    }

    // `None`: lost a race.
    async fn attempt(&self, run: &mut Run<'_>, look: &Look, at: &Attempt<'_>) -> Going<Option<Step>> {
        let (person, name) = (&look.person, &at.answer.factor);
        let mine = self.mine(person, &run.state, at.factor)?;
        let challenge = run.state.challenges.get(name.as_str()).cloned();
        let mailbox = run.state.mailbox(self, name, false);
        let cx = self.context(run, person, name, (&[], None), (&mailbox, look.letter.as_ref()));
        let kept = challenge.as_ref().map(|challenge| challenge.state.as_bytes());
        match at.factor.answer(cx, &mine.opened, kept, &at.answer.bytes).await? {
            Verdict::Accept { credential, proved, change } => {
                // Without a challenge: each time anew, since a proof may have grown too old in its own flow.
                let before = run.state.proofs.iter().filter(|proof| proof.factor() == name).count();
                let before = u32::try_from(before).unwrap_or(u32::MAX);
                let serial = challenge.map_or(before, |challenge| challenge.serial);
                let tells = change.as_ref().map(|left| at.factor.tells(left)).transpose()?.flatten();
                let accepted = Accepted { credential, proved, change };
                let Some(mut writes) = self.accept_writes(run, person, &mine, at, accepted, serial)? else {
                    // Nobody's credential, whatever the factor says of it.
                    return self.refuse(run, person, at, Reason::Wrong, vec![]).await;
                };
                // Of a sign-in the run of refusals is over when that has ended well: else whoever is asked for more, or turned
                // away, for what was tried before begins again, and nothing was tried.
                let how = match run.state.kind {
                    Kind::SignIn => Settlement::Forgiven,
                    _ => Settlement::Reset,
                };
                writes.push(at.settle(how, run));
                if let Some(notice) = tells {
                    writes.extend(self.tell(person, run, notice)?);
                }
                if at.lane == Lane::Known {
                    // The owner came in from a browser that the account knows: strangers' refusals are forgotten.
                    let key = self.guard_key(person, &run.state, name.as_str(), Lane::Stranger);
                    writes.push(Write::Settle { key, how: Settlement::Clear, limit: at.limit, at: run.now });
                }
                self.accepted(
                    run,
                    person,
                    at,
                    (Proof::new(name.clone(), proved, run.now), credential),
                    writes,
                )
                .await
            }
            Verdict::Refuse { reason, change, state } => {
                let mut writes = Vec::new();
                if let Some((id, data)) = change {
                    writes.extend(self.swap(person, name, &mine, id, &data)?);
                    if !at.factor.could_prove(Some(&data))?.is_factor() {
                        writes.extend(self.credential_notices(
                            person,
                            &run.visit.client,
                            name,
                            "credential-disabled",
                        )?);
                        // Whoever has a copy of it may be signed in, and be known.
                        if let Some(subject) = &person.subject {
                            let (account, route) = (person.id, subject.account.route);
                            writes.push(Write::RaiseEpoch { account, route, expect: person.epoch() });
                            writes.extend(self.distrust(person, None)?);
                        }
                    }
                }
                if let (Some(state), true) = (state, run.held.is_some()) {
                    run.state.rewrite(name, &state);
                    run.state.forget_found();
                    writes.push(run.keep(self)?.0);
                }
                self.refuse(run, person, at, reason, writes).await
            }
            Verdict::More { state, prompt } => {
                run.state.challenge(name, &state)?;
                run.state.forget_found();
                let (write, token) = run.keep(self)?;
                match self.commit(vec![write, at.settle(Settlement::Forgiven, run)]).await? {
                    Committed::Won => {
                        Ok(Some(self.pending(run, person, token, Some((name.clone(), prompt)))?))
                    }
                    Committed::Lost { .. } => Ok(None),
                }
            }
            Verdict::Pending { retry_after } => Err(Refusal::new(Code::Waiting).after(retry_after).into()),
            Verdict::Busy { retry_after } => busy(retry_after),
        }
    }

    /// The preconditions of an accept, or `None` when the credential is in no row (a decoy's, another account's), or
    /// when the factor claims what it never declared.
    fn accept_writes(
        &self,
        run: &Run<'_>,
        person: &Person,
        mine: &Mine,
        at: &Attempt<'_>,
        Accepted { credential, proved, change }: Accepted,
        serial: u32,
    ) -> Going<Option<Vec<Write>>> {
        let name = &at.answer.factor;
        let Some(used) = mine.opened.iter().find(|one| one.id == credential).filter(|_| mine.real) else {
            return Ok(None);
        };
        let taken = matches!(&run.state.kind, Kind::SignUp(applicant) if applicant.taken);
        // As it was, or as it will be: a key that was given a PIN shows it by what it proves.
        let could = |data: &[u8]| at.factor.could_prove(Some(data)).map(|most| proved.within(most));
        let will = change.as_deref().map(|data| could(data)).transpose()?;
        if taken || !(could(&used.plain)? || will == Some(true)) {
            return Ok(None);
        }
        let mut writes = vec![self.once(run, name, &serial.to_be_bytes())];
        if let Some(subject) = &person.subject {
            writes.push(Write::KeepAccount { id: person.id, expect: subject.account.version });
        }
        match change {
            Some(data) => match self.swap(person, name, mine, credential, &data)? {
                Some(swap) => writes.push(swap),
                None => return Ok(None),
            },
            None if person.is_contact(credential) => {
                writes.push(Write::KeepContact { id: credential, expect: used.version });
            }
            // A contact that is being confirmed has no row yet.
            None if run.state.confirming().is_some() => {}
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
        let sealed = self.seal_credential((person.id, id, name), seen.called.as_deref(), data)?;
        let row = CredentialRow { version: seen.version.next(), sealed, ..row.clone() };
        Ok(Some(Write::SwapCredential { row, expect: seen.version }))
    }

    /// What may happen once in this flow.
    pub(crate) fn once(&self, run: &Run<'_>, factor: &FactorName, what: &[u8]) -> Write {
        let parts = [run.state.id.as_bytes(), factor.as_str().as_bytes(), what];
        let key = OnceKey(self.keys.lookup(Purpose::Once, &parts));
        Write::Once { key, until: run.state.expires.after(ONCE_SLACK) }
    }

    async fn refuse(
        &self,
        run: &Run<'_>,
        person: &Person,
        at: &Attempt<'_>,
        reason: Reason,
        mut batch: Vec<Write>,
    ) -> Going<Option<Step>> {
        let how = if reason.counted() { Settlement::Refused } else { Settlement::Forgiven };
        let hold = at.hold.filter(|_| reason.counted());
        batch.push(at.settle(how, run));
        let event = || self.refusal_event(run, person, &at.answer.factor, reason.code());
        // What costs the sender nothing leaves no line: it would push real ones out of the owner's sight. An answer to a
        // code that has died is judged as often as it is sent, and leaves one an hour.
        let repeats = matches!(reason, Reason::Expired | Reason::UsedUp);
        if !repeats && !matches!(reason, Reason::Malformed | Reason::NotBegun) {
            batch.push(event()?);
        }
        if reason == Reason::Denied {
            batch.extend(self.notices(person, &run.visit.client, "denied", Vec::new())?);
        }
        // Wrong codes from an address that is being added hold nobody's sign-in.
        if let Some(hold) = hold.filter(|_| run.state.confirming().is_none()) {
            let minutes = hold.as_secs().div_ceil(60).to_string();
            let template = if at.lane == Lane::Known { "held-known" } else { "held" };
            let minutes = vec![("minutes".into(), minutes.into())];
            batch.extend(self.notices(person, &run.visit.client, template, minutes)?);
        }
        let why = match hold {
            Some(hold) => Refusal::new(Code::Held).after(hold),
            None => Refusal::new(Code::Answer(reason)),
        };
        if let Committed::Lost { .. } = self.commit(batch).await? {
            return Ok(None);
        }
        if repeats {
            // It is judged: where the line cannot be written, the answer is the same.
            let _ = self.tell_hourly(run, (&at.key, reason.code()), event()?).await;
        }
        Ok(Some(Step::Refused(Box::new(why))))
    }

    // A refusal that costs the sender nothing. The owner sees that somebody keeps trying, once an hour: a line for each try
    // would push what they have to see out of their sight.
    async fn tell_hourly(&self, run: &Run<'_>, (key, why): (&GuardKey, &str), event: Write) -> Going<()> {
        let hour = run.now.as_millis().div_euclid(3_600_000).to_be_bytes();
        let once = OnceKey(self.keys.lookup(Purpose::Once, &[b"noted", &key.0, why.as_bytes(), &hour]));
        let once = Write::Once { key: once, until: run.now.after(2 * ONCE_SLACK) };
        let _ = self.commit(vec![once, event]).await?;
        Ok(())
    }

    // Held or spent: refused without a look.
    async fn barred(
        &self,
        run: &Run<'_>,
        person: &Person,
        by: &FactorName,
        (key, reserved): (GuardKey, Reserved),
    ) -> Going<Step> {
        let why = match reserved {
            Reserved::Held { until } => Refusal::new(Code::Held).after(until.since(run.now)),
            _ => Refusal::new(Code::Spent),
        };
        let event = self.refusal_event(run, person, by, why.code.as_str())?;
        self.tell_hourly(run, (&key, why.code.as_str()), event).await?;
        Err(why.into())
    }

    pub(super) fn refusal_event(
        &self,
        run: &Run<'_>,
        person: &Person,
        by: &FactorName,
        why: &str,
    ) -> Going<Write> {
        let reason = Some(why.to_owned());
        let sealed = Sealed { reason, ..Sealed::by(by, run.visit.client.origin()) };
        Ok(self.line(person, run.event_name(), Outcome::Refused, &sealed)?.1)
    }

    // The flow as it is now; a flow that has no row yet is still what it was.
    async fn reload(&self, run: &mut Run<'_>) -> Going<()> {
        if let Some((token, ..)) = &run.held {
            *run = self.load(run.visit, &token.clone()).await?;
        } else {
            run.state.forget_found();
        }
        Ok(())
    }
}

impl Attempt<'_> {
    pub(crate) fn settle(&self, how: Settlement, run: &Run<'_>) -> Write {
        Write::Settle { key: self.key, how, limit: self.limit, at: run.now }
    }
}

impl Run<'_> {
    pub(crate) fn event_name(&self) -> EventName {
        match &self.state.kind {
            Kind::SignUp(_) => event::name::SIGN_UP,
            Kind::SignIn => event::name::SIGN_IN,
            Kind::Recover { .. } => event::name::RECOVERED,
            Kind::Credential { replace: true, .. } => event::name::CHANGED,
            Kind::Credential { replace: false, .. } => event::name::ENROLLED,
            Kind::StepUp { what: None, .. } => event::name::STEPPED_UP,
            Kind::StepUp { what: Some(_), .. } => event::name::APPROVED,
            Kind::Contact { change: ContactChange::Add { .. }, .. } => event::name::CONTACT_CHANGED,
            Kind::Contact { change: ContactChange::Remove { .. }, .. } => event::name::CONTACT_REMOVED,
            Kind::Contact { change: ContactChange::Prefer { .. }, .. } => event::name::CONTACT_PREFERRED,
            Kind::Remove { .. } => event::name::REMOVED,
        }
    }
}

const MOST_TRIES: usize = 12;
const BUSY: Duration = Duration::from_secs(1);
/// A once-row outlives its flow by this, whatever the clocks of the nodes say.
const ONCE_SLACK: Duration = Duration::from_secs(3600);
