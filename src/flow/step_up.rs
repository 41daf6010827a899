//! More than a session has proven: for an operation, for one transaction, for taking a credential away.

use std::time::Duration;

use super::finish::Ending;
use super::state::{Kind, Run, State, Who};
use super::stop::Going;
use super::subject::Person;
use super::{Code, Done, Step, Transaction, Visit};
use crate::auth::Inner;
use crate::error::Broken;
use crate::event::{Outcome, Reached, Sealed};
use crate::id::{CredentialId, Epoch, EventId, FactorName, SessionId, Version};
use crate::policy::Requirement;
use crate::proof::Proof;
use crate::secret::{Place, Purpose, Token, TokenHash};
use crate::session::{Grant, Session};
use crate::store::{AccountRow, Committed, FlowRow, OnceKey, Write};

impl Visit {
    pub(super) async fn try_step_up(
        &self,
        token: &Token,
        asked: Requirement,
        what: Option<Transaction>,
    ) -> Going<Step> {
        let inner = &self.auth.0;
        inner.slow_down(self, None).await?;
        let session = inner.check(token).await?.ok_or(Code::NoSession)?;
        if what.as_ref().is_some_and(|what| !what.is_plain()) {
            return Err(Code::Transaction.into());
        }
        let now = inner.clock.now();
        let public = session.is_public(&inner.profile);
        if let Some(what) = &what
            && let Some(receipt) = inner.receipt(session.id(), what).await?
            && inner.commit(receipt).await? == Committed::Won
        {
            let done = Done::as_it_is(session, token.clone(), public);
            return Ok(Step::Done(Box::new(Done { approved: Some(what.clone()), ..done })));
        }
        // Nobody approves by nothing.
        let kinds = if what.is_some() { asked.kinds.max(1) } else { asked.kinds };
        let asked = Requirement { kinds, ..asked };
        let who = Who::known(session.account(), session.epoch());
        let kind = Kind::StepUp { session: session.id(), asked, what };
        let mut state = State::new(inner, self, kind, who)?;
        if state.transaction().is_none() {
            state.held = session.proofs();
        }
        let person = inner.person(&state).await?;
        let level = person.known(inner)?.map(|known| known.profile.level);
        if level.is_none_or(|level| level < asked.level) {
            return Err(Code::Level.into());
        }
        if state.transaction().is_none() && asked.met_by(&state.held, now) {
            return Ok(Step::Done(Box::new(Done::as_it_is(session, token.clone(), public))));
        }
        let mut reach = inner.reach(&person, &state, None)?;
        reach.extend(state.held.iter().cloned());
        if !asked.met_by(&reach, now) {
            return Err(Code::OutOfReach.into());
        }
        inner.open(Run::new(inner, self, state), &person).await
    }

    pub(super) async fn try_remove(&self, token: &Token, credential: CredentialId) -> Going<Step> {
        let inner = &self.auth.0;
        inner.slow_down(self, None).await?;
        let session = inner.check(token).await?.ok_or(Code::NoSession)?;
        let who = Who::known(session.account(), session.epoch());
        let kind = Kind::Remove { session: session.id(), credential };
        let mut state = State::new(inner, self, kind, who)?;
        state.held = inner.recent(&session);
        let person = inner.person(&state).await?;
        let rows = person.subject.iter().flat_map(|subject| &subject.credentials);
        let row = rows.clone().find(|row| row.id == credential).ok_or(Code::NotOffered)?;
        inner.factor(&row.factor).ok_or(Code::NotOffered)?;
        if !inner.can_spare(&state, &person, credential)? {
            return Err(Code::LastFactor.into());
        }
        let run = Run::new(inner, self, state);
        if inner.may_remove(&run.state, &person, credential)? {
            let content = Sealed::by(&row.factor, self.client.origin());
            let end = inner.removed(run, &person, content, Vec::new()).await?;
            return end.ok_or_else(|| Code::Stale.into());
        }
        inner.open(run, &person).await
    }
}

impl Inner {
    /// What a session has proven lately enough that it need not be proven again. Another session's word is none of it:
    /// whoever holds a session's token would add a key by what they approved themselves.
    pub(crate) fn recent(&self, session: &Session) -> Vec<Proof> {
        let (now, recent) = (self.clock.now(), self.profile.recent);
        let own = |name: &FactorName| self.factor(name).is_some_and(|factor| !factor.speaks_by_session());
        let mut proofs = session.proofs();
        proofs.retain(|proof| now.since(proof.at()) < recent && own(proof.factor()));
        proofs
    }

    /// All that was asked for is proven: the session is renewed with it, under a new token (ASVS 5.0 7.2.4). A
    /// transaction is approved once; what was proven for it opens nothing else.
    pub(crate) async fn stepped_up(
        &self,
        run: Run<'_>,
        person: &Person,
        mut content: Sealed,
        mut batch: Vec<Write>,
    ) -> Going<Option<Step>> {
        let proofs = match run.state.transaction() {
            Some(what) => {
                content.details.extend(what.fields().iter().cloned());
                content.details.insert("transaction".into(), what.name().into());
                Vec::new()
            }
            None => run.state.proofs.clone(),
        };
        if run.state.transaction().is_none() {
            content.reached = Some(Reached::by(&run.state.shown()));
        }
        let (event, line) = self.line(person, run.event_name(), Outcome::Done, &content)?;
        batch.push(line);
        let session = run.state.kind.session().ok_or(Code::NoSession)?;
        let (run, ending) = self.renewal(run, person, session, (person.epoch(), event), &proofs).await?;
        batch.push(ending.ends(session));
        if let Some(what) = run.state.transaction() {
            let key = self.receipt_key(ending.grant.1.id(), what)?;
            let sealed =
                self.keys.seal(self.entropy(), &Place::new(Purpose::Receipt, key.as_bytes()), b"")?;
            let expires = run.now.after(RECEIPT_LIFE);
            batch.push(Write::AddFlow(FlowRow { key, version: Version(0), expires, sealed }));
        }
        self.end_in(run, batch, ending).await
    }

    /// The writes that use an approval up, if this session has one of just this transaction. The once-row lies in the
    /// ledger: a hot store that forgets that a receipt was taken pays no fine twice.
    pub(crate) async fn receipt(&self, session: SessionId, what: &Transaction) -> Going<Option<Vec<Write>>> {
        let (key, now) = (self.receipt_key(session, what)?, self.clock.now());
        let Some(row) = self.store.find_flow(key, now).await? else { return Ok(None) };
        self.keys.open(&Place::new(Purpose::Receipt, key.as_bytes()), &row.sealed)?;
        let once = OnceKey(self.keys.lookup(Purpose::Once, &[b"receipt", key.as_bytes()]));
        Ok(Some(vec![
            Write::TakeFlow { key, expect: row.version },
            Write::Once { key: once, until: row.expires.after(RECEIPT_LIFE) },
        ]))
    }

    fn receipt_key(&self, session: SessionId, what: &Transaction) -> Going<TokenHash> {
        let what = serde_json::to_vec(what).map_err(|_| Broken::Misuse("transaction"))?;
        Ok(TokenHash::from_bytes(self.keys.lookup(Purpose::Receipt, &[session.as_bytes(), &what])))
    }

    /// Whether what was proven is enough to take this credential away.
    pub(crate) fn may_remove(&self, state: &State, person: &Person, id: CredentialId) -> Going<bool> {
        let mut rows = person.subject.iter().flat_map(|subject| &subject.credentials);
        let Some(row) = rows.find(|row| row.id == id) else { return Ok(false) };
        let factor = self.factor(&row.factor).ok_or(Code::NotOffered)?;
        let gives = factor.could_prove(Some(&self.open_credential(row)?.1))?;
        self.may_change(state, person, &row.factor, gives)
    }

    /// A credential goes, and with it everything that it may have opened: all other sessions, and trust.
    pub(crate) async fn removed(
        &self,
        run: Run<'_>,
        person: &Person,
        mut content: Sealed,
        mut batch: Vec<Write>,
    ) -> Going<Option<Step>> {
        let (Kind::Remove { session, credential }, Some(subject), Some((account, epoch))) =
            (&run.state.kind, &person.subject, run.state.who.account)
        else {
            return Err(Code::Stale.into());
        };
        let (session, credential) = (*session, *credential);
        // Looked at again: another may have gone meanwhile. The account's version sees to it that none goes now.
        if !self.can_spare(&run.state, person, credential)? {
            return Err(Code::LastFactor.into());
        }
        let row = subject.credentials.iter().find(|row| row.id == credential).ok_or(Code::Stale)?;
        content.factor = Some(row.factor.clone());
        content.reached = Some(Reached::by(&run.state.shown()));
        // It may itself have been proven, and be due to be written.
        batch.retain(|write| !matches!(write, Write::SwapCredential { row, .. } if row.id == credential));
        let AccountRow { route, version: expect, .. } = subject.account;
        let (event, line) = self.line(person, run.event_name(), Outcome::Done, &content)?;
        batch.extend([
            self.once(&run, &row.factor, b"remove"),
            Write::SwapAccount {
                row: AccountRow { version: expect.next(), ..subject.account.clone() },
                expect,
            },
            Write::RemoveCredential { id: credential, expect: row.version },
            line,
        ]);
        batch.extend(self.credential_notices(
            person,
            &run.visit.client,
            &row.factor,
            "credential-removed",
        )?);
        batch.extend(self.distrust(person, Some(&run))?);
        let proofs = run.state.proofs.clone();
        let (run, ending) = self.renewal(run, person, session, (epoch.next(), event), &proofs).await?;
        batch.extend([ending.ends(session), Write::RaiseEpoch { account, route, expect: epoch }]);
        self.end_in(run, batch, ending).await
    }

    /// The session that a flow goes on in, made anew at this epoch with what was proven since.
    pub(crate) async fn renewal<'a>(
        &self,
        mut run: Run<'a>,
        person: &Person,
        session: SessionId,
        (epoch, event): (Epoch, EventId),
        proofs: &[Proof],
    ) -> Going<(Run<'a>, Ending)> {
        let old = self.live_session(session, person).await?.ok_or(Code::NoSession)?;
        run.state.public_device = old.is_public(&self.profile);
        let grant = Grant {
            account: old.account(),
            epoch,
            route: old.route(),
            event,
            proofs,
            public_device: run.state.public_device,
            refresh: old.access().is_some(),
            now: run.now,
            expires: Some(old.expires()),
            trusted: None,
        };
        Ok((run, Ending { grant: self.renew(&old, grant)?, browser: None, replaced: None, beside: None }))
    }
}

/// How long an approval waits to be used.
const RECEIPT_LIFE: Duration = Duration::from_secs(300);
