//! A new credential: the end of a registration, or the replacement of an old one.

use super::finish::Ending;
use super::state::{Applicant, Kind, Run};
use super::stop::{Going, busy};
use super::subject::Person;
use super::{Code, Duty, Refusal, Step};
use crate::account::ProfileData;
use crate::auth::{Inner, NewAccount};
use crate::error::Broken;
use crate::event::{self, Outcome, Reached, Sealed};
use crate::factor::{Answer, Enrolled, ErasedFactor, Reason};
use crate::id::{Epoch, FactorName, SessionId};
use crate::proof::{Proof, Proves};
use crate::session::{Grant, Session};
use crate::store::{AccountRow, Write};

/// What is to be written at the end of an enrolment by a person who has an account.
struct Change {
    factor: FactorName,
    write: Write,
    /// The session that it was asked for in, which is renewed; none at a sign-in, where it is the last duty.
    session: Option<SessionId>,
    /// The credential is replaced: all other sessions end.
    ends_all: bool,
}

impl Inner {
    pub(crate) async fn enrol(
        &self,
        mut run: Run<'_>,
        person: Person,
        factor: &dyn ErasedFactor,
        answer: Answer,
    ) -> Going<Step> {
        let (name, plugin) = (factor.name(), factor.enrolment().ok_or(Code::NotOffered)?);
        if !plugin.well_formed(&answer.bytes) {
            return Err(Code::Answer(Reason::Malformed).into());
        }
        let words = person.words(self, &run.state)?;
        let mut mine = self.mine(&person, &run.state, factor)?;
        mine.only_real();
        // Adding is no way round replacing: a memorised secret is replaced by who proved it (ASVS 6.2.3). Not even looked
        // at: that a new one is the old one would be told without a count.
        let proven = run.state.proofs.iter().any(|proof| *proof.factor() == name);
        let another =
            matches!(run.state.kind, Kind::Credential { replace: false, .. }) && !mine.opened.is_empty();
        if another && !proven && factor.could_prove(None)?.is_memorised() {
            return Err(Code::NotOffered.into());
        }
        let proposal = run.state.challenges.get(name.as_str()).map(|challenge| challenge.state.clone());
        let mailbox = run.state.mailbox(self, &name, false);
        let cx = self.context(&run, &person, &name, (&words, None), (&mailbox, None));
        let proposal = proposal.as_ref().map(String::as_bytes);
        let enrolled = plugin.confirm(cx, &mine.opened, proposal, &answer.bytes).await?;
        // The answer was long in hashing: time is read again for what is written.
        run.now = self.clock.now();
        let believed = |data: &[u8], proved: Proves| {
            let within = proved.within(factor.could_prove(Some(data))?);
            Ok::<_, Broken>(within.then(|| Proof::new(name.clone(), proved, self.clock.now())))
        };
        let adds = self.duty(&run.state, &person)? == Some(Duty::Enrol);
        match (enrolled, run.state.kind.clone()) {
            (Enrolled::Unfit(broken), _) => {
                let rules = broken.into_iter().map(|rule| rule.0).collect();
                Err(Refusal { rules, ..Refusal::new(Code::Unfit) }.into())
            }
            (Enrolled::Refuse(reason), _) => Err(Code::Answer(reason).into()),
            (Enrolled::Busy { retry_after }, _) => busy(retry_after),
            (Enrolled::Add { data, handles, proved }, Kind::SignUp(applicant)) => {
                // What the factor could prove is not what this one proved: a key without its user's PIN makes no account
                // that nobody can sign in to.
                let enough = |proof: &Proof| proof.proves().covers(self.profile.sign_up_enrols);
                run.state
                    .proofs
                    .push(believed(&data, proved)?.filter(enough).ok_or(Code::Answer(Reason::Wrong))?);
                if !self.profile.sign_in.met_by(&run.state.proofs, run.now) {
                    return Err(Code::Answer(Reason::Wrong).into());
                }
                let credential = (&name, data.as_slice(), handles.as_slice());
                self.finish_sign_up(run, person, applicant, credential).await
            }
            (Enrolled::Add { data, handles, .. }, Kind::Credential { session, replace: false, .. }) => {
                if mine.opened.len() >= MOST_CREDENTIALS {
                    return Err(Code::NotOffered.into());
                }
                let row = self.new_credential(person.id, &name, &data, &handles, run.now)?;
                let write = Write::AddCredential(row);
                let session = Some(session);
                self.finish_change(run, person, Change { factor: name, write, session, ends_all: false })
                    .await
            }
            // Who chooses a new secret in the place of a lost one has proven it, as at a registration.
            (Enrolled::Add { data, handles, proved }, Kind::Recover { done: false, .. }) => {
                run.state.proofs.extend(believed(&data, proved)?);
                let row = self.new_credential(person.id, &name, &data, &handles, run.now)?;
                self.chosen(run, &person, &name, Write::AddCredential(row)).await
            }
            (Enrolled::Replace { credential, data, proved }, Kind::Recover { done: false, .. }) => {
                let write = self.swap(&person, &name, &mine, credential, &data)?.ok_or(Code::Stale)?;
                run.state.proofs.extend(believed(&data, proved)?);
                self.chosen(run, &person, &name, write).await
            }
            // The duty of a sign-in to an account that has too little for the profile: who enrols it has proven it.
            (Enrolled::Add { data, handles, proved }, Kind::SignIn | Kind::Recover { .. }) if adds => {
                // A set of codes proves nothing until one is used: it must not stand in the way of that.
                run.state.proofs.extend(believed(&data, proved)?.filter(|proof| proof.proves().is_factor()));
                let row = self.new_credential(person.id, &name, &data, &handles, run.now)?;
                let write = Write::AddCredential(row);
                let change = Change { factor: name, write, session: None, ends_all: false };
                self.finish_change(run, person, change).await
            }
            (Enrolled::Replace { credential, data, proved }, kind)
                if proven || !factor.could_prove(None)?.is_memorised() =>
            {
                let write = self.swap(&person, &name, &mine, credential, &data)?.ok_or(Code::Stale)?;
                if run.state.due().is_some_and(|(due, _)| *due == name) {
                    // Who has chosen the new one has proven it, as at a registration.
                    run.state.proofs.retain(|proof| *proof.factor() != name);
                    run.state.proofs.extend(believed(&data, proved)?);
                }
                let session = match kind {
                    Kind::Credential { session, .. } => Some(session),
                    Kind::SignIn | Kind::Recover { .. } => None,
                    _ => return Err(Code::NotOffered.into()),
                };
                let change = Change { factor: name.clone(), write, session, ends_all: true };
                self.finish_change(run, person, change).await
            }
            _ => Err(Code::NotOffered.into()),
        }
    }

    /// The account comes into being: with its contact proven and its first credential, in one commit.
    async fn finish_sign_up(
        &self,
        run: Run<'_>,
        person: Person,
        applicant: Applicant,
        (factor, data, handles): (&FactorName, &[u8], &[Vec<u8>]),
    ) -> Going<Step> {
        let profile = ProfileData::new(applicant.who, run.visit.client.locale, applicant.terms);
        let NewAccount { id, key, route, rows } =
            self.new_account(&profile, &[(applicant.contact, true)], run.now)?;
        let credential = self.new_credential(id, factor, data, handles, run.now)?;
        let reached = Some(Reached::by(&run.state.proofs));
        let content = Sealed { reached, ..Sealed::by(factor, run.visit.client.origin()) };
        let (event, line) =
            self.event(Some(id), Some(&key), event::name::SIGN_UP, Outcome::Done, &content)?;
        let grant = self.mint(Grant {
            account: id,
            epoch: Epoch(0),
            route,
            event,
            proofs: &run.state.proofs,
            public_device: run.state.public_device,
            refresh: run.state.refresh,
            now: run.now,
            expires: None,
            trusted: None,
        })?;
        let mut batch = vec![self.once(&run, factor, b"enrol")];
        batch.extend(rows);
        batch.extend([Write::AddCredential(credential), line]);
        let (_, browser) = self.remember(&mut batch, &run, &person, id)?;
        self.learn(&run, &person, id, &mut batch)?;
        let (ends, beside) = self.superseded(&run, id).await?;
        batch.extend(ends);
        self.finish(run, batch, Ending { grant, browser, replaced: None, beside: Some(beside) }).await
    }

    /// A credential is added or replaced, and the session at hand is renewed with a new token; where it was the last duty
    /// of a sign-in, its session begins. Where one is replaced, everything that the old one opened ends. All in one
    /// commit: a kill before it leaves the old credential, and no session where there was none.
    async fn finish_change(&self, mut run: Run<'_>, person: Person, change: Change) -> Going<Step> {
        let Change { factor, write, session, ends_all } = change;
        let (Some(subject), Some((account, epoch))) = (&person.subject, run.state.who.account) else {
            return Err(Code::Stale.into());
        };
        let (name, template, raised) = match ends_all {
            true => (event::name::CHANGED, "credential-changed", epoch.next()),
            false => (event::name::ENROLLED, "credential-added", epoch),
        };
        let reached = session.map(|_| Reached::by(&run.state.shown()));
        let content = Sealed { reached, ..Sealed::by(&factor, run.visit.client.origin()) };
        let (event, line) = self.line(&person, name, Outcome::Done, &content)?;
        // The account's version is raised by each enrolment, so that of two at once only one is written: both may
        // have seen an account that had none.
        let AccountRow { route, version: expect, .. } = subject.account;
        let row = AccountRow { version: expect.next(), ..subject.account.clone() };
        let mut batch =
            vec![self.once(&run, &factor, b"enrol"), Write::SwapAccount { row, expect }, write, line];
        batch.extend(session.map(|id| Write::EndSession { account, route, id }));
        if ends_all {
            // The epoch of the flow's start: of two flows that one temporary password opened only one ends, and none
            // that was opened by what has been replaced since.
            batch.push(Write::RaiseEpoch { account, route, expect: epoch });
            batch.extend(self.distrust(&person, Some(&run))?);
        } else {
            // By what has been replaced since the flow began nothing is added either: it would be the next one's second
            // factor.
            batch.push(Write::KeepEpoch { account, expect: epoch });
            batch.extend(self.untrust_others(&person, None)?);
        }
        batch.extend(self.credential_notices(&person, &run.visit.client, &factor, template)?);
        let Some(session) = session else {
            run.state.who.account = Some((account, raised));
            // What was proposed is no challenge of what has come of it.
            run.state.challenges.remove(factor.as_str());
            let end = self.sign_in_or_go_on(run, &person, content, batch).await?;
            return end.ok_or_else(|| Code::Stale.into());
        };
        let proofs = run.state.proofs.clone();
        let (run, ending) = self.renewal(run, &person, session, (raised, event), &proofs).await?;
        self.finish(run, batch, ending).await
    }

    /// A session of the person's, if it lives.
    pub(crate) async fn live_session(
        &self,
        id: SessionId,
        person: &Person,
    ) -> Result<Option<Session>, Broken> {
        Ok(self.live_sessions(person).await?.into_iter().find(|session| session.id() == id))
    }

    pub(crate) async fn live_sessions(&self, person: &Person) -> Result<Vec<Session>, Broken> {
        let Some(subject) = &person.subject else { return Ok(Vec::new()) };
        let rows = self.store.sessions_of(person.id, subject.account.route).await?;
        let now = self.clock.now();
        let live = rows.into_iter().map(Session::of);
        Ok(live.filter(|session| session.lives(person.epoch(), now)).collect())
    }
}

/// Of one factor, for one account.
const MOST_CREDENTIALS: usize = 20;
