//! How a flow ends: in a session, or in the wish for more; and how sessions end.

use super::beside::Beside;
use super::reach::closing;
use super::state::{Kind, Run};
use super::stop::Going;
use super::subject::Person;
use super::trust::Trusted;
use super::verify::Attempt;
use super::{Code, Done, Effect, Step, Visit};
use crate::auth::Inner;
use crate::error::{Broken, StoreError};
use crate::event::{self, Outcome, Reached, Sealed};
use crate::factor::Reason;
use crate::id::{AccountId, BrowserId, CredentialId, Epoch, EventName, SessionId};
use crate::policy::Lacks;
use crate::proof::Proof;
use crate::secret::Token;
use crate::session::{Grant, Session};
use crate::store::{Committed, Subject, Write};

/// What a finished flow hands out.
pub(crate) struct Ending {
    pub(crate) grant: (Write, Session, Token),
    pub(crate) browser: Option<Token>,
    pub(crate) replaced: Option<Token>,
    /// Sessions that the client goes on holding.
    pub(crate) beside: Option<Beside>,
}

/// What a lost precondition means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Somebody was faster, and there is nothing to judge again.
    No(Code),
    /// Another step has passed the flow on.
    Flow,
    /// Something was changed in between: read and judge again.
    Again,
}

impl Inner {
    /// After an accept: a session when enough is proven, else the next offers. `None`: lost a race.
    pub(crate) async fn accepted(
        &self,
        run: &Run<'_>,
        person: &Person,
        at: &Attempt<'_>,
        (proof, credential): (Proof, CredentialId),
        batch: Vec<Write>,
    ) -> Going<Option<Step>> {
        let factor = proof.factor().clone();
        let mut next = run.clone();
        next.state.challenges.remove(factor.as_str());
        if proof.proves().why_due().is_some()
            && !matches!(
                next.state.kind,
                Kind::SignIn | Kind::Recover { .. } | Kind::Credential { replace: true, .. }
            )
        {
            // It opens no sign-in as it is, so it adds, takes away and approves nothing either.
            return Err(Code::Due.into());
        }
        let credential = Some(credential);
        let content = Sealed { credential, ..Sealed::by(&factor, run.visit.client.origin()) };
        if next.state.confirming().is_some() {
            // It was the new address that was proven: nothing that counts for this session.
            return self.contact_changed(next, person, content, batch).await;
        }
        next.state.proofs.push(proof);
        next.state.refused = next.state.refused.max(at.refused);
        self.may_recover(&next.state, person)?;
        if matches!(next.state.kind, Kind::Contact { .. }) {
            next.state.confirms(self.may_change_contact(&next.state, person)?);
        }
        if self.duty(&next.state, person)?.is_some() {
            // What was begun to prove an old secret is no proposal of a new one.
            next.state.challenges.clear();
        }
        self.sign_in_or_go_on(next, person, content, batch).await
    }

    /// What the flow is for, when enough is proven and no duty is left.
    pub(crate) async fn sign_in_or_go_on(
        &self,
        next: Run<'_>,
        person: &Person,
        content: Sealed,
        batch: Vec<Write>,
    ) -> Going<Option<Step>> {
        let (mut next, mut batch) = (next, batch);
        if !self.may_go_on(&mut next, person, &batch).await? {
            return self.turn_away(&next, person, content, batch).await;
        }
        if next.state.is_suspected() {
            return self.go_on(next, person, content, batch).await;
        }
        if let Kind::Recover { lost, done: false } = &next.state.kind
            && self.lacks(&next.state, person)? == Lacks::Nothing
            && !self.chooses(lost)?
        {
            self.recovered(&mut next, person, &content, &mut batch)?;
        }
        match (&next.state.kind, &person.subject, next.state.who.account) {
            (_, Some(subject), Some((_, epoch))) if next.state.signs_in() && next.state.due().is_none() => {
                let enough = self.profile.sign_in.met_by(&next.state.proofs, next.now);
                if enough && closing(person) {
                    return self.go_on(next, person, content, batch).await;
                }
                match if enough { None } else { self.trusted(&next, person, &batch)? } {
                    None if !enough => self.go_on(next, person, content, batch).await,
                    trusted => self.sign_in(next, person, trusted, (subject, epoch), content, batch).await,
                }
            }
            (Kind::StepUp { asked, .. }, ..) if asked.met_by(&next.state.shown(), next.now) => {
                self.stepped_up(next, person, content, batch).await
            }
            _ if next.state.changes_contact() => self.contact_changed(next, person, content, batch).await,
            (Kind::Remove { credential, .. }, ..) if self.may_remove(&next.state, person, *credential)? => {
                self.removed(next, person, content, batch).await
            }
            _ => self.go_on(next, person, content, batch).await,
        }
    }

    async fn go_on(
        &self,
        mut next: Run<'_>,
        person: &Person,
        mut content: Sealed,
        mut batch: Vec<Write>,
    ) -> Going<Option<Step>> {
        if next.state.kind == Kind::SignIn && !next.state.watched {
            next.state.watched = true;
            batch.push(self.watch(&next, person, &content)?);
        }
        content.during = Some(next.event_name());
        let (write, token) = next.keep(self)?;
        batch.insert(0, write);
        batch.push(self.line(person, event::name::PROVEN, Outcome::Done, &content)?.1);
        let adds = |write: &Write| {
            matches!(
                write,
                Write::AddCredential(_) | Write::RemoveCredential { .. } | Write::SwapAccount { .. }
            )
        };
        let adds = batch.iter().any(adds);
        match self.lost(batch).await? {
            // What was just added is there to be proven, and what was taken away is not.
            None if adds => self.pending(&next, &self.person(&next.state).await?, token, None).map(Some),
            None => self.pending(&next, person, token, None).map(Some),
            Some(Loss::No(code)) => Err(code.into()),
            Some(Loss::Flow | Loss::Again) => Ok(None),
        }
    }

    pub(super) async fn sign_in(
        &self,
        next: Run<'_>,
        person: &Person,
        trusted: Option<Trusted>,
        (subject, epoch): (&Subject, Epoch),
        mut content: Sealed,
        mut batch: Vec<Write>,
    ) -> Going<Option<Step>> {
        content.reached = Some(Reached::by(&next.state.proofs));
        if trusted.is_some() {
            content.details.insert("trust".into(), "used".into());
        }
        let signals = self.note(&next, person, &mut content);
        let (id, line) = self.line(person, event::name::SIGN_IN, Outcome::Done, &content)?;
        batch.push(line);
        batch.extend(self.tell_of_sign_in(person, (&content.origin, id), &signals)?);
        batch.extend(self.clear_refusals(&next, person));
        self.learn(&next, person, person.id, &mut batch)?;
        let mut replaced = None;
        let browser = match (&trusted, next.state.public_device) {
            (_, true) => None,
            (Some(trusted), false) => {
                let (writes, token, old) = self.rotate(&next, person, trusted)?;
                batch.extend(writes);
                replaced = old;
                Some(token)
            }
            (None, false) => {
                let (known, token) = self.remember(&mut batch, &next, person, person.id)?;
                if let (Some(rule), true) = (&self.profile.trust, next.visit.client.trust) {
                    self.trust(&next, person, (known, rule.life, epoch), &mut batch)?;
                    batch.push(self.line(person, event::name::TRUSTED, Outcome::Done, &content)?.1);
                }
                token
            }
        };
        let (ends, beside) = self.superseded(&next, person.id).await?;
        for end in ends {
            // A raised epoch has ended it already.
            let ended = |write: &Write| match (write, &end) {
                (Write::RaiseEpoch { account, .. }, Write::EndSession { account: whose, .. }) => {
                    account == whose
                }
                _ => false,
            };
            if !batch.iter().any(ended) {
                batch.push(end);
            }
        }
        let grant = self.mint(Grant {
            account: person.id,
            epoch,
            route: subject.account.route,
            event: id,
            proofs: &next.state.proofs,
            public_device: next.state.public_device,
            refresh: next.state.refresh,
            now: next.now,
            expires: None,
            trusted,
        })?;
        self.end_in(next, batch, Ending { grant, browser, replaced, beside: Some(beside) }).await
    }

    /// The last commit of a flow after an accept. `None`: lost a race, judge again.
    pub(crate) async fn end_in(
        &self,
        run: Run<'_>,
        mut batch: Vec<Write>,
        ending: Ending,
    ) -> Going<Option<Step>> {
        let refresh = self.granted(&run, &mut batch, &ending)?;
        match self.lost(batch).await? {
            None => Ok(Some(Step::done(&run, ending, refresh))),
            // `NoSession`: the one before was signed out meanwhile.
            Some(Loss::Flow | Loss::Again | Loss::No(Code::NoSession)) => Ok(None),
            Some(Loss::No(code)) => Err(code.into()),
        }
    }

    /// The last commit of a flow that has nothing left to verify.
    pub(crate) async fn finish(&self, run: Run<'_>, mut batch: Vec<Write>, ending: Ending) -> Going<Step> {
        let refresh = self.granted(&run, &mut batch, &ending)?;
        match self.lost(batch).await? {
            None => Ok(Step::done(&run, ending, refresh)),
            Some(Loss::No(code)) => Err(code.into()),
            Some(Loss::Flow) => Err(Code::NoFlow.into()),
            Some(Loss::Again) => Err(Code::Stale.into()),
        }
    }

    // The flow goes, the session comes; and the token by which it is renewed, where it is.
    fn granted(
        &self,
        run: &Run<'_>,
        batch: &mut Vec<Write>,
        ending: &Ending,
    ) -> Result<Option<Token>, Broken> {
        let (add, session, _) = &ending.grant;
        batch.splice(0..0, run.take());
        batch.extend(Self::unwatch(run));
        batch.push(add.clone());
        let Some((row, token)) = self.family(session)? else { return Ok(None) };
        batch.push(row);
        Ok(Some(token))
    }

    pub(super) async fn lost(&self, batch: Vec<Write>) -> Result<Option<Loss>, Broken> {
        let means: Vec<Loss> = batch.iter().map(Loss::of).collect();
        Ok(match self.commit(batch).await? {
            Committed::Won => None,
            Committed::Lost { at } => Some(means.get(at).copied().unwrap_or(Loss::Again)),
        })
    }

    /// Makes this browser a known one of the account, or notes that it was seen: which it is, and its token if new.
    pub(crate) fn remember(
        &self,
        batch: &mut Vec<Write>,
        run: &Run<'_>,
        person: &Person,
        account: AccountId,
    ) -> Result<(BrowserId, Option<Token>), Broken> {
        if let Some(row) = person.browser(self, &run.visit.client, run.now) {
            let expires = run.now.after(self.profile.browser_life);
            batch.push(Write::TouchBrowser { id: row.id, seen: run.now, expires });
            return Ok((row.id, None));
        }
        let (row, token) = self.new_browser(account, run.now)?;
        let id = row.id;
        batch.push(Write::AddBrowser { row, keep: self.profile.browsers });
        Ok((id, Some(token)))
    }

    pub(crate) async fn sign_out(&self, visit: &Visit, token: &Token) -> Result<(), Broken> {
        if let Some(session) = self.holder(token).await? {
            let (account, route) = (session.account(), session.route());
            let end = Write::EndSession { account, route, id: session.id() };
            let _ = self.end(visit, &session, end, event::name::SIGN_OUT).await?;
        }
        Ok(())
    }

    pub(crate) async fn end_session(
        &self,
        visit: &Visit,
        mine: &Session,
        other: SessionId,
    ) -> Result<Effect, Broken> {
        let end = Write::EndSession { account: mine.account(), route: mine.route(), id: other };
        self.end(visit, mine, end, event::name::SESSION_ENDED).await
    }

    pub(crate) async fn end_other_sessions(&self, visit: &Visit, mine: &Session) -> Result<Effect, Broken> {
        let end =
            Write::EndSessions { account: mine.account(), route: mine.route(), except: Some(mine.id()) };
        self.end(visit, mine, end, event::name::OTHERS_ENDED).await
    }

    async fn end(
        &self,
        visit: &Visit,
        mine: &Session,
        end: Write,
        name: EventName,
    ) -> Result<Effect, Broken> {
        let itself = matches!(&end, Write::EndSession { id, .. } if *id == mine.id());
        for _ in 0..MOST_TRIES {
            let Some(person) = self.person_by_id(mine.account()).await? else { return Ok(Effect::NoSession) };
            // What is to end itself is not looked for. While a refresh holds it, it is out of sight, and would live on
            // under the next token; the commit waits for that, and is told what there is.
            if !itself && !self.lives(mine, &person).await? {
                return Ok(Effect::NoSession);
            }
            let (mut batch, mut some) = (vec![end.clone()], true);
            if matches!(end, Write::EndSessions { .. }) {
                // Who ends the others wants them to prove all of it when they come again.
                let here = person.browser(self, &visit.client, self.clock.now()).map(|row| row.id);
                batch.extend(self.untrust_others(&person, here)?);
                let live = self.live_sessions(&person).await?;
                some = live.iter().any(|session| session.id() != mine.id()) || batch.len() > 1;
            }
            // Of nothing there is no line: a client in a loop would fill the history with them. Asked for it is all the
            // same: a store may keep a session out of sight for a moment.
            if some {
                let sealed = Sealed::new(visit.client.origin());
                batch.push(self.line(&person, name.clone(), Outcome::Done, &sealed)?.1);
            }
            match self.commit(batch).await? {
                Committed::Won if some => return Ok(Effect::Done),
                Committed::Lost { at: 0 } if itself => return Ok(Effect::NoSession),
                Committed::Won | Committed::Lost { at: 0 } => return Ok(Effect::Nothing),
                // Another browser has just used its trust.
                Committed::Lost { .. } => {}
            }
        }
        Err(StoreError::Unavailable("other browsers use their trust faster than it is taken away").into())
    }
}

impl Step {
    fn done(run: &Run<'_>, ending: Ending, refresh: Option<Token>) -> Self {
        let Ending { grant: (_, session, token), browser, replaced, beside } = ending;
        let public_device = run.state.public_device;
        Self::Done(Box::new(Done {
            session,
            token,
            refresh,
            browser,
            replaced,
            public_device,
            approved: None,
            other_before: beside.as_ref().is_some_and(|beside| beside.other_before),
            beside: beside.map(|beside| beside.stay),
        }))
    }
}

impl Ending {
    /// The write by which the session ends that this one takes the place of.
    pub(crate) fn ends(&self, old: SessionId) -> Write {
        let (_, session, _) = &self.grant;
        Write::EndSession { account: session.account(), route: session.route(), id: old }
    }
}

impl Loss {
    pub(super) const fn of(write: &Write) -> Self {
        match write {
            // This very challenge was accepted before.
            Write::Once { .. } => Self::No(Code::Answer(Reason::Replayed)),
            // The epoch is not that of the flow's start: a password was changed, an account switched off.
            Write::AddSession { .. } | Write::RaiseEpoch { .. } => Self::No(Code::Stale),
            Write::AddIdentifier(_) => Self::No(Code::Taken),
            Write::EndSession { .. } => Self::No(Code::NoSession),
            Write::TakeFlow { .. } | Write::SwapFlow { .. } => Self::Flow,
            _ => Self::Again,
        }
    }
}

const MOST_TRIES: usize = 8;
