//! A challenge's mailbox: a session elsewhere comes to look who asks, and then answers in a letter. Or whoever holds the
//! address does, without a session: `bearer`.
//!
//! It lies in a flow row of its own, which is passed on by compare-and-swap: empty, claimed, answered. Which session looks
//! first is the only one that may answer (ATTACKS 89), and answers once.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::state::Run;
use super::stop::{Going, Stop};
use super::subject::Person;
use super::{Code, Posted, Refusal, Transaction, Visit};
use crate::auth::Inner;
use crate::clock::Timestamp;
use crate::error::Broken;
use crate::event::{self, Origin, Outcome, Sealed};
use crate::factor::{Claimant, ErasedFactor, Letter, Mailbox};
use crate::id::{AccountId, EventName, FactorName, SessionId, Version};
use crate::proof::Proof;
use crate::secret::{Place, Purpose, Token, TokenHash};
use crate::store::{Committed, FlowRow, Write};

/// Who asks at a mailbox: what a person must see before answering (ATTACKS 88).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Asking {
    /// By which factor.
    pub factor: FactorName,
    /// For what, by the name of the event that it will end in.
    pub during: EventName,
    /// From where.
    pub from: Origin,
    /// When.
    pub at: Timestamp,
    /// Until when it can be answered.
    pub expires: Timestamp,
    /// What it would approve.
    #[serde(default)]
    pub transaction: Option<Transaction>,
}

/// A mailbox, as it lies in its sealed row. Nobody makes a [`Letter`] out of text elsewhere.
#[derive(Serialize, Deserialize)]
pub(super) struct Mail {
    pub(super) asking: Asking,
    owner: Option<AccountId>,
    /// The session that asks, at a step-up: no session answers for itself.
    #[serde(default)]
    session: Option<SessionId>,
    claim: Option<(AccountId, SessionId)>,
    #[serde(with = "crate::proof::wire")]
    proofs: Vec<Proof>,
    pub(super) letter: Option<(Timestamp, String)>,
    /// Whether a bearer left it in the browser that asks.
    pub(super) here: bool,
    /// The flow that waits for a bearer's letter.
    pub(super) flow: Option<Zeroizing<String>>,
}

impl Inner {
    /// The write by which a challenge that is begun opens its mailbox.
    pub(crate) fn open_mailbox(
        &self,
        run: &Run<'_>,
        flow: &Token,
        person: &Person,
        factor: &FactorName,
        address: &str,
        rules: Mailbox,
    ) -> Result<Write, Broken> {
        let (from, expires) = (run.visit.client.origin(), run.now.after(rules.life));
        let (factor, during, transaction) =
            (factor.clone(), run.event_name(), run.state.transaction().cloned());
        let asking = Asking { factor, during, from, at: run.now, expires, transaction };
        let (named, bearer) = (!run.state.is_unnamed(), rules.takes == Claimant::Bearer);
        let owner = (named && matches!(rules.takes, Claimant::Account(_))).then_some(person.id);
        let (session, flow) = (run.state.kind.session(), bearer.then(|| flow.expose()));
        let (claim, proofs) = (None, Vec::new());
        let mail = Mail { asking, owner, session, claim, proofs, letter: None, here: false, flow };
        Ok(Write::AddFlow(self.mail_row(self.mailbox_key(address), Version(0), &mail)?))
    }

    /// The letter that a challenge waits for; `None` for a factor that waits for none, and once the mailbox is gone.
    /// A letter whose session has ended meanwhile is as good as not written: its owner may have ended it because of
    /// this letter.
    pub(crate) async fn letter(
        &self,
        run: &Run<'_>,
        person: &Person,
        factor: &dyn ErasedFactor,
    ) -> Going<Option<Letter>> {
        let Some(rules) = factor.mailbox() else { return Ok(None) };
        let key = self.mailbox_key(&run.state.mailbox(self, &factor.name(), false));
        let Some(row) = self.store.find_flow(key, run.now).await? else { return Ok(None) };
        let waiting = || Stop::from(Refusal::new(Code::Waiting).after(LETTER_PAUSE));
        let Mail { claim, proofs, letter, here, .. } = self.mail(&row)?;
        let (at, text) = letter.ok_or_else(waiting)?;
        if rules.takes == Claimant::Bearer {
            return Ok(Some(Letter { account: person.id, session: None, proofs, here, at, text }));
        }
        let (account, session) = claim.ok_or_else(waiting)?;
        let writer = self.person_by_id(account).await?.ok_or_else(waiting)?;
        self.live_session(session, &writer).await?.ok_or_else(waiting)?;
        Ok(Some(Letter { account, session: Some(session), proofs, here: false, at, text }))
    }

    /// Claims a mailbox, or leaves a letter in it: only who has claimed it, and so has been told who asks.
    pub(crate) async fn post(
        &self,
        visit: &Visit,
        session: &Token,
        address: &str,
        text: Option<&str>,
    ) -> Going<Posted> {
        self.slow_down(visit, None).await?;
        let session = self.check(session).await?.ok_or(Code::NoSession)?;
        let person = self.person_by_id(session.account()).await?.ok_or(Code::NoSession)?;
        if address.len() > MOST_ADDRESS || text.is_some_and(|text| text.len() > MOST_LETTER) {
            return Err(Code::Mailbox.into());
        }
        let (now, key) = (self.clock.now(), self.mailbox_key(address));
        let row = self.store.find_flow(key, now).await?.ok_or(Code::Mailbox)?;
        let mut mail = self.mail(&row)?;
        let takes = match self.takes(&mail)? {
            Claimant::Account(takes) | Claimant::AnyAccount(takes) => takes,
            Claimant::Bearer => return Err(Code::Mailbox.into()),
        };
        let me = (session.account(), session.id());
        if mail.owner.is_some_and(|owner| owner != me.0)
            || mail.claim.is_some_and(|by| by != me)
            || mail.session == Some(me.1)
        {
            return Err(Code::Mailbox.into());
        }
        let mut batch = Vec::new();
        match text {
            None => {
                let mut proofs = session.proofs();
                proofs.retain(|proof| *proof.factor() != mail.asking.factor);
                // A device that is "not mine" answers for nobody.
                if session.is_public(&self.profile) || !takes.met_by(&proofs, now) {
                    return Err(Code::NotOffered.into());
                }
                (mail.claim, mail.proofs) = (Some(me), proofs);
            }
            Some(_) if mail.claim.is_none() || mail.letter.is_some() => return Err(Code::Mailbox.into()),
            Some(text) => {
                mail.letter = Some((now, text.to_owned()));
                let content = Sealed::new(visit.client.origin());
                batch.push(self.line(&person, event::name::LETTER, Outcome::Done, &content)?.1);
            }
        }
        let next = self.mail_row(key, row.version.next(), &mail)?;
        batch.insert(0, Write::SwapFlow { row: next, expect: row.version });
        match self.commit(batch).await? {
            Committed::Won if text.is_some() => Ok(Posted::Left),
            Committed::Won => Ok(Posted::Claimed(Box::new(mail.asking))),
            Committed::Lost { .. } => Err(Code::Mailbox.into()),
        }
    }

    /// Who may answer, by the factor as it is registered now.
    pub(super) fn takes(&self, mail: &Mail) -> Going<Claimant> {
        let rules = self.factor(&mail.asking.factor).and_then(ErasedFactor::mailbox).ok_or(Code::Mailbox)?;
        Ok(rules.takes)
    }

    pub(super) fn mail(&self, row: &FlowRow) -> Result<Mail, Broken> {
        let plain = self.keys.open(&Place::new(Purpose::Mailbox, row.key.as_bytes()), &row.sealed)?;
        serde_json::from_slice(&plain).map_err(|_| Broken::Sealed)
    }

    pub(super) fn mail_row(&self, key: TokenHash, version: Version, mail: &Mail) -> Result<FlowRow, Broken> {
        let plain = Zeroizing::new(serde_json::to_vec(mail).map_err(|_| Broken::Misuse("letter"))?);
        let place = Place::new(Purpose::Mailbox, key.as_bytes());
        let sealed = self.keys.seal(self.entropy(), &place, &plain)?;
        Ok(FlowRow { key, version, expires: mail.asking.expires, sealed })
    }

    pub(super) fn mailbox_key(&self, address: &str) -> TokenHash {
        TokenHash::from_bytes(self.keys.lookup(Purpose::Mailbox, &[b"key", address.as_bytes()]))
    }
}

const LETTER_PAUSE: Duration = Duration::from_secs(2);
pub(super) const MOST_ADDRESS: usize = 64;
pub(super) const MOST_LETTER: usize = 4096;
