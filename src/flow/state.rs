//! A flow's state: sealed in its row, opened for a step, swapped or taken at the version that was read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::contact::ContactChange;
use super::stop::Going;
use super::suspicion::Suspicion;
use super::{Code, Transaction, Visit};
use crate::account::PersonalData;
use crate::account::identifier::Identifier;
use crate::auth::Inner;
use crate::clock::Timestamp;
use crate::error::Broken;
use crate::id::{AccountId, CredentialId, Epoch, FactorName, FlowId, SessionId, Version};
use crate::policy::Requirement;
use crate::proof::{Due, Proof};
use crate::secret::{Place, Purpose, Token, TokenHash};
use crate::store::{FlowRow, Write};

/// What a flow is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    SignUp(Applicant),
    SignIn,
    /// A person who lost what these factors prove; `done` once they are in again, and nothing of it is left to be used.
    Recover {
        lost: Vec<FactorName>,
        done: bool,
    },
    /// A signed-in person adds a credential of this factor, or replaces one.
    Credential {
        factor: FactorName,
        session: SessionId,
        replace: bool,
    },
    /// A signed-in person proves what an operation asks for beyond their session, or approves one transaction.
    StepUp {
        session: SessionId,
        asked: Requirement,
        what: Option<Transaction>,
    },
    /// A signed-in person changes where their messages go; `confirming` once enough is proven and the new address is asked.
    Contact {
        session: SessionId,
        change: ContactChange,
        confirming: bool,
    },
    /// A signed-in person takes a credential away.
    Remove {
        session: SessionId,
        credential: CredentialId,
    },
}

impl Kind {
    /// The session that it goes on in.
    pub(crate) const fn session(&self) -> Option<SessionId> {
        match self {
            Self::SignUp(_) | Self::SignIn | Self::Recover { .. } => None,
            Self::Credential { session, .. }
            | Self::StepUp { session, .. }
            | Self::Contact { session, .. }
            | Self::Remove { session, .. } => Some(*session),
        }
    }
}

/// Who wants to register: no account exists before the contact is proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Applicant {
    pub(crate) contact: Identifier,
    #[serde(flatten)]
    pub(crate) who: PersonalData<'static>,
    pub(crate) terms: String,
    pub(crate) taken: bool,
}

/// Whom a flow is about, as it was when the flow began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Who {
    pub(crate) typed: Option<Identifier>,
    pub(crate) account: Option<(AccountId, Epoch)>,
    /// The handle by which a credential named itself, hashed.
    pub(crate) handle: Option<[u8; 32]>,
}

impl Who {
    pub(crate) const fn known(account: AccountId, epoch: Epoch) -> Self {
        Self { typed: None, account: Some((account, epoch)), handle: None }
    }

    /// Nobody yet: the answer will name its credential.
    pub(crate) const fn unnamed() -> Self {
        Self { typed: None, account: None, handle: None }
    }
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) id: FlowId,
    pub(crate) kind: Kind,
    pub(crate) who: Who,
    pub(crate) began: Timestamp,
    pub(crate) expires: Timestamp,
    pub(crate) public_device: bool,
    /// The client wants a token by which it renews its session's.
    #[serde(default)]
    pub(crate) refresh: bool,
    /// That it was never finished will be told, unless it is.
    #[serde(default)]
    pub(crate) watched: bool,
    /// Wrong answers in a row before a right one, the most that there were.
    #[serde(default)]
    pub(crate) refused: u32,
    /// What was found when it was weighed.
    #[serde(default)]
    pub(crate) suspicion: Option<Suspicion>,
    #[serde(with = "crate::proof::wire")]
    pub(crate) proofs: Vec<Proof>,
    /// What the session had proven already, where that counts.
    #[serde(with = "crate::proof::wire")]
    pub(crate) held: Vec<Proof>,
    pub(crate) challenges: BTreeMap<String, Challenge>,
    binding: Option<[u8; 32]>,
    serial: u32,
}

/// A challenge: the factor's state, and the number that tells it from the one before.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Challenge {
    pub(crate) serial: u32,
    pub(crate) state: String,
}

impl State {
    pub(crate) fn new(auth: &Inner, visit: &Visit, kind: Kind, who: Who) -> Result<Self, Broken> {
        let began = auth.clock.now();
        Ok(Self {
            id: FlowId::next(auth)?,
            kind,
            who,
            began,
            expires: began.after(auth.profile.flow_life),
            public_device: false,
            refresh: visit.client.refresh,
            watched: false,
            refused: 0,
            suspicion: None,
            proofs: Vec::new(),
            held: Vec::new(),
            challenges: BTreeMap::new(),
            binding: binding(auth, visit),
            serial: 0,
        })
    }

    pub(crate) fn challenge(&mut self, factor: &FactorName, state: &[u8]) -> Result<(), Broken> {
        self.serial = self.serial.wrapping_add(1);
        let state = String::from_utf8(state.to_vec()).map_err(|_| Broken::Misuse("challenge state"))?;
        self.challenges.insert(factor.as_str().to_owned(), Challenge { serial: self.serial, state });
        Ok(())
    }

    /// Whether nobody is named yet: the first answer will name its credential.
    pub(crate) const fn is_unnamed(&self) -> bool {
        self.who.typed.is_none() && self.who.account.is_none() && self.who.handle.is_none()
    }

    /// A refused credential names nobody: the next one is looked up anew, so that a flow which was tried with
    /// somebody else's card first is not stuck to them.
    pub(crate) fn forget_found(&mut self) {
        if self.who.handle.is_some() && self.proofs.is_empty() {
            self.who = Who::unnamed();
        }
    }

    /// The address of the mailbox of this factor's challenge, as it is or as the next one will be.
    pub(crate) fn mailbox(&self, auth: &Inner, factor: &FactorName, next: bool) -> String {
        let serial = match self.challenges.get(factor.as_str()) {
            Some(challenge) if !next => challenge.serial,
            _ => self.serial.wrapping_add(1),
        };
        let parts: [&[u8]; 3] = [self.id.as_bytes(), factor.as_str().as_bytes(), &serial.to_be_bytes()];
        data_encoding::BASE64URL_NOPAD.encode(&auth.keys.lookup(Purpose::Mailbox, &parts))
    }

    /// All that counts: what the session brought, and what was proven since, by each factor last.
    pub(crate) fn shown(&self) -> Vec<Proof> {
        let again = |old: &&Proof| !self.proofs.iter().any(|new| new.factor() == old.factor());
        self.held.iter().filter(again).chain(&self.proofs).cloned().collect()
    }

    /// Whether its person may still lack an account's usual proofs.
    pub(crate) const fn recovers(&self) -> bool {
        matches!(self.kind, Kind::Recover { done: false, .. })
    }

    /// Whether it is to end in a new session.
    pub(crate) const fn signs_in(&self) -> bool {
        matches!(self.kind, Kind::SignIn | Kind::Recover { done: true, .. })
    }

    /// What is approved in this flow.
    pub(crate) const fn transaction(&self) -> Option<&Transaction> {
        match &self.kind {
            Kind::StepUp { what, .. } => what.as_ref(),
            _ => None,
        }
    }

    /// The first factor that was proven by what must be replaced, and why.
    pub(crate) fn due(&self) -> Option<(&FactorName, Due)> {
        self.proofs.iter().find_map(|proof| Some((proof.factor(), proof.proves().why_due()?)))
    }

    /// The same challenge with another state: one try fewer.
    pub(crate) fn rewrite(&mut self, factor: &FactorName, state: &[u8]) {
        if let (Some(challenge), Ok(text)) =
            (self.challenges.get_mut(factor.as_str()), std::str::from_utf8(state))
        {
            text.clone_into(&mut challenge.state);
        }
    }
}

/// One step of a flow: its state, and the row that it came from, if it has one yet.
#[derive(Clone)]
pub(crate) struct Run<'a> {
    pub(crate) visit: &'a Visit,
    pub(crate) state: State,
    pub(crate) held: Option<(Token, TokenHash, Version)>,
    pub(crate) now: Timestamp,
}

impl<'a> Run<'a> {
    pub(crate) fn new(auth: &Inner, visit: &'a Visit, state: State) -> Self {
        Self { visit, state, held: None, now: auth.clock.now() }
    }

    /// The write by which this step passes the flow on: the row at the version that was read, or a new row.
    pub(crate) fn keep(&mut self, auth: &Inner) -> Result<(Write, Token), Broken> {
        let plain = serde_json::to_vec(&self.state).map_err(|_| Broken::Misuse("flow state"))?;
        let expires = self.state.expires;
        let seal = |key: &TokenHash| auth.keys.seal(auth.entropy(), &place(key), &plain);
        if let Some((token, key, expect)) = &self.held {
            let row = FlowRow { key: *key, version: expect.next(), expires, sealed: seal(key)? };
            return Ok((Write::SwapFlow { row, expect: *expect }, token.clone()));
        }
        let token = Token::random(auth.entropy())?;
        let key = auth.flow_key(&token);
        let row = FlowRow { key, version: Version(0), expires, sealed: seal(&key)? };
        Ok((Write::AddFlow(row), token))
    }

    /// Whether the flow is bound to a browser, and this is it.
    pub(crate) fn is_here(&self, auth: &Inner) -> bool {
        self.state.binding.is_some() && self.state.binding == binding(auth, self.visit)
    }

    /// The write by which this step ends the flow.
    pub(crate) fn take(&self) -> Option<Write> {
        self.held.as_ref().map(|(_, key, expect)| Write::TakeFlow { key: *key, expect: *expect })
    }
}

impl Inner {
    /// The flow behind a token, if it lives and belongs to this browser. One answer for all that is wrong with it.
    pub(crate) async fn load<'a>(&self, visit: &'a Visit, token: &Token) -> Going<Run<'a>> {
        let run = self.load_anywhere(visit, token).await?.ok_or(Code::NoFlow)?;
        if run.state.binding.is_some() && !run.is_here(self) || self.left(&run).await? {
            return Err(Code::NoFlow.into());
        }
        Ok(run)
    }

    /// The flow behind a token, if it lives, in whatever browser.
    pub(crate) async fn load_anywhere<'a>(&self, visit: &'a Visit, token: &Token) -> Going<Option<Run<'a>>> {
        self.ready().await?;
        let (key, now) = (self.flow_key(token), self.clock.now());
        let Some(row) = self.store.find_flow(key, now).await? else { return Ok(None) };
        let plain = self.keys.open(&place(&key), &row.sealed)?;
        // Sealed here, and of another build: begun anew.
        let Ok(state) = serde_json::from_slice::<State>(&plain) else { return Ok(None) };
        Ok(Some(Run { visit, state, held: Some((token.clone(), key, row.version)), now }))
    }

    // The hash under which a flow is stored.
    fn flow_key(&self, token: &Token) -> TokenHash {
        token.hash(self.keys.scope(), Purpose::Flow)
    }
}

fn binding(auth: &Inner, visit: &Visit) -> Option<[u8; 32]> {
    let token = visit.client.binding.as_ref()?;
    Some(*token.hash(auth.keys.scope(), Purpose::Binding).as_bytes())
}

fn place(key: &TokenHash) -> Place<'_> {
    Place::new(Purpose::FlowState, key.as_bytes())
}
