//! How a flow ends: in a session, or in the wish for more; and how sessions end.

use std::borrow::Cow;

use super::state::{Kind, Run};
use super::subject::Person;
use super::verify::{Accepted, Charge};
use super::{Code, Done, Step, Visit};
use crate::auth::Inner;
use crate::error::Broken;
use crate::event::{self, Outcome, Sealed};
use crate::factor::Reason;
use crate::hash::Lane;
use crate::id::{AccountId, BrowserId, EventName, SessionId, TemplateName};
use crate::secret::{Purpose, Token};
use crate::session::{Grant, Session};
use crate::store::{BrowserRow, Committed, Write};

/// What a finished flow hands out.
pub(crate) struct Ending {
    pub(crate) grant: (Write, Session, Token),
    pub(crate) browser: Option<Token>,
}

impl Inner {
    /// After an accept: a session when enough is proven, else the next offers. `None`: lost a race.
    pub(crate) async fn accepted(
        &self,
        run: &mut Run<'_>,
        person: &Person,
        accepted: Accepted<'_>,
    ) -> Result<Option<Step>, Broken> {
        let Accepted { proof, writes: mut batch, lane, charge } = accepted;
        let factor = proof.factor().clone();
        let mut state = run.state.clone();
        state.proofs.push(proof);
        state.challenges.remove(factor.as_str());
        if state.duty().is_some() {
            state.challenges.clear();
        }
        let mut next = Run { visit: run.visit, state, held: run.held.clone(), now: run.now };
        let enough = self.profile.sign_in.met_by(&next.state.proofs, run.now);
        let content = Sealed { factor: Some(factor), ..Sealed::new(run.visit.client.origin()) };
        let owner = person.subject.as_ref().map(|subject| subject.account.id);
        let line = |name: EventName| self.event(owner, person.data_key(), name, Outcome::Done, &content);

        let (Kind::SignIn, true, Some(subject), Some((account, epoch))) =
            (&next.state.kind, enough, &person.subject, next.state.who.account)
        else {
            let (write, token) = next.keep(self)?;
            batch.insert(0, write);
            batch.push(line(event::name::PROVEN)?.1);
            return match self.commit_step(batch).await? {
                Ok(()) => self.pending(&next, person, token, None).map(Some),
                Err(loss) => self.after(loss, charge).await,
            };
        };
        let (id, line) = line(event::name::SIGN_IN)?;
        batch.push(line);
        let mut browser = None;
        if lane == Lane::Stranger {
            let at = ("at".into(), run.now.rfc3339());
            let device = ("device".into(), run.visit.client.device.summary());
            batch.extend(self.notices(run, person, "new-browser", vec![at, device])?);
        }
        if !next.state.public_device {
            browser = self.remember(&mut batch, &next, person, account)?;
        }
        let grant = self.mint(Grant {
            account,
            epoch,
            route: subject.account.route,
            event: id,
            proofs: &next.state.proofs,
            public_device: next.state.public_device,
            now: run.now,
        })?;
        batch.splice(0..0, next.take());
        batch.push(grant.0.clone());
        match self.commit_step(batch).await? {
            Ok(()) => Ok(Some(Step::done(&next, Ending { grant, browser }))),
            Err(loss) => self.after(loss, charge).await,
        }
    }

    // A lost race decides the step, and its reservation is given back; or the step is judged again.
    async fn after(&self, loss: Loss, charge: &Charge) -> Result<Option<Step>, Broken> {
        let code = match loss {
            Loss::Replay => Code::Answer(Reason::Replayed),
            Loss::Stale => Code::Stale,
            Loss::Again => return Ok(None),
        };
        self.forgive(charge).await?;
        Ok(Some(Step::refused(code)))
    }

    /// The last commit of a flow that has nothing left to verify. `lost`: what it means that somebody was faster.
    pub(crate) async fn finish(
        &self,
        run: Run<'_>,
        mut batch: Vec<Write>,
        ending: Ending,
        lost: Code,
    ) -> Result<Step, Broken> {
        batch.splice(0..0, run.take());
        batch.push(ending.grant.0.clone());
        let flow_gone =
            batch.iter().take_while(|w| matches!(w, Write::TakeFlow { .. } | Write::Once { .. })).count();
        match self.commit(batch).await? {
            Committed::Won => Ok(Step::done(&run, ending)),
            Committed::Lost { at } if at < flow_gone => Ok(Step::refused(Code::NoFlow)),
            Committed::Lost { .. } => Ok(Step::refused(lost)),
        }
    }

    async fn commit_step(&self, batch: Vec<Write>) -> Result<Result<(), Loss>, Broken> {
        let kinds: Vec<Loss> = batch.iter().map(Loss::of).collect();
        Ok(match self.commit(batch).await? {
            Committed::Won => Ok(()),
            Committed::Lost { at } => Err(kinds.get(at).copied().unwrap_or(Loss::Again)),
        })
    }

    /// Makes this browser a known one of the account, or notes that it was seen.
    pub(crate) fn remember(
        &self,
        batch: &mut Vec<Write>,
        run: &Run<'_>,
        person: &Person,
        account: AccountId,
    ) -> Result<Option<Token>, Broken> {
        let expires = run.now.after(self.profile.browser_life);
        if let Some(row) = person.browser(self, &run.visit.client, run.now) {
            batch.push(Write::TouchBrowser { id: row.id, seen: run.now, expires });
            return Ok(None);
        }
        let token = Token::random(self.entropy())?;
        let key = token.hash(self.keys.scope(), Purpose::Browser);
        let id = BrowserId::next(self)?;
        let row = BrowserRow { id, account, key, seen: run.now, expires };
        batch.push(Write::AddBrowser { row, keep: self.profile.browsers });
        Ok(Some(token))
    }

    /// A notice to each contact of the person, if there is one.
    pub(crate) fn notices(
        &self,
        run: &Run<'_>,
        person: &Person,
        template: &'static str,
        params: Vec<(Cow<'static, str>, String)>,
    ) -> Result<Vec<Write>, Broken> {
        let locale = person.profile.as_ref().map_or(run.visit.client.locale, |profile| profile.locale);
        let account = person.subject.as_ref().map(|subject| subject.account.id);
        person
            .contacts()?
            .iter()
            .map(|to| self.message(account, to, TemplateName::new(template), params.clone(), locale, true))
            .collect()
    }

    pub(crate) async fn sign_out(&self, visit: &Visit, token: &Token) -> Result<(), Broken> {
        if let Some(session) = self.check(token).await? {
            let end = Write::EndSession { account: session.account(), id: session.id() };
            self.end(visit, &session, end, event::name::SIGN_OUT).await?;
        }
        Ok(())
    }

    pub(crate) async fn end_session(
        &self,
        visit: &Visit,
        mine: &Session,
        other: SessionId,
    ) -> Result<bool, Broken> {
        let end = Write::EndSession { account: mine.account(), id: other };
        self.end(visit, mine, end, event::name::SESSION_ENDED).await
    }

    pub(crate) async fn end_other_sessions(&self, visit: &Visit, mine: &Session) -> Result<(), Broken> {
        let end = Write::EndSessions { account: mine.account(), except: Some(mine.id()) };
        self.end(visit, mine, end, event::name::OTHERS_ENDED).await?;
        Ok(())
    }

    async fn end(&self, visit: &Visit, mine: &Session, end: Write, name: EventName) -> Result<bool, Broken> {
        let Some(person) = self.person_by_id(mine.account()).await? else { return Ok(false) };
        let sealed = Sealed::new(visit.client.origin());
        let (_, line) = self.event(Some(person.id), person.data_key(), name, Outcome::Done, &sealed)?;
        Ok(self.commit(vec![end, line]).await? == Committed::Won)
    }
}

impl Step {
    fn done(run: &Run<'_>, ending: Ending) -> Self {
        let Ending { grant: (_, session, token), browser } = ending;
        Self::Done(Box::new(Done { session, token, browser, public_device: run.state.public_device }))
    }
}

/// What a lost precondition of a step means.
#[derive(Clone, Copy)]
enum Loss {
    /// This very challenge was accepted before.
    Replay,
    /// The epoch is no longer that of the flow's start: a password was changed, an account switched off.
    Stale,
    /// Something was changed in between: read and judge again.
    Again,
}

impl Loss {
    fn of(write: &Write) -> Self {
        match write {
            Write::Once { .. } => Self::Replay,
            Write::AddSession { .. } => Self::Stale,
            _ => Self::Again,
        }
    }
}
