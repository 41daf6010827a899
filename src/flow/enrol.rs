//! A new credential: the end of a registration, or the replacement of an old one.

use super::finish::Ending;
use super::state::{Kind, Run};
use super::subject::Person;
use super::{Code, Step};
use crate::account::identifier::Identifier;
use crate::account::{Contact, Level, ProfileData};
use crate::auth::Inner;
use crate::error::Broken;
use crate::event::{self, Outcome, Sealed};
use crate::factor::{Answer, Enrolled, ErasedFactor, Reason};
use crate::id::{AccountId, CredentialId, Epoch, FactorName, SessionId, Version};
use crate::proof::{Proof, Proves};
use crate::secret::{DataKey, Place, Purpose, Route};
use crate::session::{Grant, Session};
use crate::store::{AccountRow, AccountState, ContactRow, CredentialRow, IdentifierRow, OnceKey, Write};

/// What is to be written at the end of an enrolment by a signed-in person.
struct Change {
    factor: FactorName,
    write: Write,
    session: SessionId,
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
    ) -> Result<Step, Broken> {
        let (name, Some(plugin)) = (factor.name(), factor.enrolment()) else {
            return Ok(Step::refused(Code::NotOffered));
        };
        if !plugin.well_formed(&answer.bytes) {
            return Ok(Step::refused(Code::Answer(Reason::Malformed)));
        }
        let words = person.words(self, &run.state);
        let mut mine = self.mine(&person, &run.state, factor)?;
        mine.only_real();
        let proposal = run.state.challenges.get(name.as_str()).map(|challenge| challenge.state.clone());
        let mailbox = run.state.mailbox(self, &name, false);
        let cx = self.context(&run, &person, &name, (&words, None), (&mailbox, None));
        let proposal = proposal.as_ref().map(String::as_bytes);
        let enrolled = plugin.confirm(cx, &mine.opened, proposal, &answer.bytes).await?;
        // The answer was long in hashing: time is read again for what is written.
        run.now = self.clock.now();
        match (enrolled, run.state.kind.clone()) {
            (Enrolled::Unfit(broken), _) => Ok(Step::unfit(broken.into_iter().map(|rule| rule.0).collect())),
            (Enrolled::Refuse(reason), _) => Ok(Step::refused(Code::Answer(reason))),
            (Enrolled::Busy { retry_after }, _) => Ok(Step::wait(Code::Busy, retry_after)),
            (Enrolled::Add { data, handles, proved }, Kind::SignUp(_)) => {
                self.finish_sign_up(run, person, &name, &data, &handles, proved).await
            }
            (Enrolled::Replace { credential, data, proved: _ }, Kind::Change { session, .. }) => {
                let Some(write) = self.swap(&person, &name, &mine, credential, &data)? else {
                    return Ok(Step::refused(Code::Stale));
                };
                self.finish_change(run, person, Change { factor: name, write, session, ends_all: true }).await
            }
            (Enrolled::Add { data, handles, .. }, Kind::Enrol { session, .. }) => {
                let row = self.new_credential(person.id, &name, &data, &handles, &run)?;
                let change =
                    Change { factor: name, write: Write::AddCredential(row), session, ends_all: false };
                self.finish_change(run, person, change).await
            }
            (Enrolled::Replace { credential, data, .. }, Kind::Enrol { session, .. })
                if run.state.proofs.iter().any(|proof| *proof.factor() == name) =>
            {
                let Some(write) = self.swap(&person, &name, &mine, credential, &data)? else {
                    return Ok(Step::refused(Code::Stale));
                };
                self.finish_change(run, person, Change { factor: name, write, session, ends_all: true }).await
            }
            _ => Ok(Step::refused(Code::NotOffered)),
        }
    }

    /// The account comes into being: with its contact proven and its first credential, in one commit.
    async fn finish_sign_up(
        &self,
        mut run: Run<'_>,
        person: Person,
        factor: &FactorName,
        data: &[u8],
        handles: &[Vec<u8>],
        proved: Proves,
    ) -> Result<Step, Broken> {
        let Kind::SignUp(applicant) = run.state.kind.clone() else {
            return Ok(Step::refused(Code::NotOffered));
        };
        let id = AccountId::next(self)?;
        let key = DataKey::random(self.entropy())?;
        let under =
            |place: Place<'_>, plain: &[u8]| self.keys.seal_under(&key, self.entropy(), &place.of(id), plain);
        let json = |value: &Identifier| serde_json::to_vec(value).map_err(|_| Broken::Misuse("identifier"));
        let profile = ProfileData {
            name: applicant.name,
            level: Level::Simplified,
            locale: run.visit.client.locale,
            terms: applicant.terms,
        };
        let account = AccountRow {
            id,
            realm: self.keys.realm().clone(),
            version: Version(0),
            epoch: Epoch(0),
            state: AccountState::Active,
            route: Route::random(self.entropy())?,
            created: run.now,
            data_key: self.keys.seal_key(self.entropy(), id, &key)?,
            sealed: self.seal_profile(id, &key, &profile)?,
        };
        let route = account.route;
        let lookup = self.lookup(&applicant.contact);
        let identifier = IdentifierRow {
            lookup,
            account: id,
            sealed: under(Place::new(Purpose::Identifier, &lookup.0), &json(&applicant.contact)?)?,
        };
        let contact_id = CredentialId::next(self)?;
        let contact = serde_json::to_vec(&Contact { address: applicant.contact })
            .map_err(|_| Broken::Misuse("contact"))?;
        let contact = ContactRow {
            id: contact_id,
            account: id,
            version: Version(0),
            confirmed: run.now,
            sealed: under(Place::new(Purpose::Contact, contact_id.as_bytes()), &contact)?,
        };
        let credential = self.new_credential(id, factor, data, handles, &run)?;
        run.state.proofs.push(Proof::new(factor.clone(), proved, run.now));
        let content = Sealed { factor: Some(factor.clone()), ..Sealed::new(run.visit.client.origin()) };
        let (event, line) =
            self.event(Some(id), Some(&key), event::name::SIGN_UP, Outcome::Done, &content)?;
        let proofs = run.state.proofs.clone();
        let grant = self.mint(Grant {
            account: id,
            epoch: Epoch(0),
            route,
            event,
            proofs: &proofs,
            public_device: run.state.public_device,
            now: run.now,
        })?;
        let mut batch = vec![
            self.once(&run, factor),
            Write::AddAccount(account),
            Write::AddIdentifier(identifier),
            Write::AddContact(contact),
            Write::AddCredential(credential),
            line,
        ];
        let browser = self.remember(&mut batch, &run, &person, id)?;
        self.finish(run, batch, Ending { grant, browser }, Code::Taken).await
    }

    /// A credential is added or replaced, and the session at hand is renewed with a new token. Where one is
    /// replaced, everything that the old one opened ends.
    async fn finish_change(&self, mut run: Run<'_>, person: Person, change: Change) -> Result<Step, Broken> {
        let Change { factor, write, session, ends_all } = change;
        let (Some(subject), Some((id, epoch))) = (&person.subject, run.state.who.account) else {
            return Ok(Step::refused(Code::Stale));
        };
        let Some(old) = self.live_session(id, session, &person).await? else {
            return Ok(Step::refused(Code::NoSession));
        };
        let content = Sealed { factor: Some(factor.clone()), ..Sealed::new(run.visit.client.origin()) };
        let (event, line) =
            self.event(Some(id), person.data_key(), run.event_name(), Outcome::Done, &content)?;
        run.state.public_device = old.idle() == self.profile.sessions.public_idle;
        let mut proofs = old.proofs();
        proofs.append(&mut run.state.proofs);
        let known = person.browser(self, &run.visit.client, run.now);
        let grant = self.renew(
            &old,
            Grant {
                account: id,
                epoch: if ends_all { epoch.next() } else { epoch },
                route: subject.account.route,
                event,
                proofs: &proofs,
                public_device: run.state.public_device,
                now: run.now,
            },
        )?;
        let mut batch = vec![
            self.once(&run, &factor),
            Write::KeepAccount { id, expect: subject.account.version },
            write,
            line,
        ];
        if ends_all {
            batch.push(Write::RaiseEpoch { account: id, expect: epoch });
            batch.push(Write::ForgetBrowsers { account: id, except: known.map(|row| row.id) });
        } else {
            batch.push(Write::EndSession { account: id, id: session });
        }
        let template = if ends_all { "credential-changed" } else { "credential-added" };
        let params = vec![("factor".into(), factor.to_string()), ("at".into(), run.now.rfc3339())];
        batch.extend(self.notices(&run, &person, template, params)?);
        self.finish(run, batch, Ending { grant, browser: None }, Code::Stale).await
    }

    fn new_credential(
        &self,
        account: AccountId,
        factor: &FactorName,
        data: &[u8],
        handles: &[Vec<u8>],
        run: &Run<'_>,
    ) -> Result<CredentialRow, Broken> {
        let id = CredentialId::next(self)?;
        let place = Place::new(Purpose::Credential, id.as_bytes()).of(account).factor(factor);
        Ok(CredentialRow {
            id,
            account,
            factor: factor.clone(),
            version: Version(0),
            created: run.now,
            lookups: handles.iter().map(|handle| self.handle(factor, handle)).collect(),
            sealed: self.keys.seal(self.entropy(), &place, data)?,
        })
    }

    fn once(&self, run: &Run<'_>, factor: &FactorName) -> Write {
        let parts: [&[u8]; 3] = [run.state.id.as_bytes(), factor.as_str().as_bytes(), b"enrol"];
        Write::Once { key: OnceKey(self.keys.lookup(Purpose::Once, &parts)), until: run.state.expires }
    }

    pub(crate) async fn live_session(
        &self,
        account: AccountId,
        id: SessionId,
        person: &Person,
    ) -> Result<Option<Session>, Broken> {
        let rows = self.store.sessions_of(account).await?;
        let now = self.clock.now();
        Ok(rows
            .into_iter()
            .map(Session::of)
            .find(|session| session.id() == id && session.lives(person.epoch(), now)))
    }
}
