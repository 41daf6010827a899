//! The person that a step is about: an account, opened; or nobody, dressed as one.

use std::sync::OnceLock;

use crate::account::identifier::Identifier;
use crate::account::{Contact, ProfileData};
use crate::auth::Inner;
use crate::clock::Timestamp;
use crate::error::Broken;
use crate::factor::{ErasedFactor, Opened, Source};
use crate::hash::Lane;
use crate::id::{AccountId, CredentialId, Epoch, Version};
use crate::lockout::{GuardKey, Limit, Settlement};
use crate::observe;
use crate::secret::{DataKey, Place, Purpose};
use crate::store::{AccountState, BrowserRow, Lookup, Subject, SubjectKey, Write};

use super::Client;
use super::state::{Kind, State, Who};

/// The person that a step is about. Sealed parts are opened where they are needed, and not before: a name that
/// nobody has would else be cheaper.
pub(crate) struct Person {
    pub(crate) id: AccountId,
    /// `None` for a name that nobody has, and for an account that may not sign in: both are handled alike.
    pub(crate) subject: Option<Subject>,
    known: OnceLock<Known>,
}

/// What is sealed of an account, opened.
pub(crate) struct Known {
    pub(crate) key: DataKey,
    pub(crate) profile: ProfileData,
    pub(crate) names: Vec<Identifier>,
    contacts: Vec<(Version, CredentialId, Contact)>,
}

/// What a factor is given, and whether it is real.
pub(crate) struct Mine {
    pub(crate) opened: Vec<Opened>,
    pub(crate) addresses: Vec<(CredentialId, Identifier)>,
    pub(crate) real: bool,
}

impl Inner {
    /// Whom a typed name means. The account's state is looked at in each step, not here.
    pub(crate) async fn who(&self, typed: Identifier) -> Result<Who, Broken> {
        let found = self.store.subject(SubjectKey::Identifier(self.lookup(&typed))).await?;
        let account = found.map(|subject| (subject.account.id, subject.account.epoch));
        Ok(Who { typed: Some(typed), account, handle: None })
    }

    pub(crate) fn lookup(&self, name: &Identifier) -> Lookup {
        Lookup(
            self.keys
                .lookup(Purpose::Identifier, &[name.kind().as_str().as_bytes(), name.as_str().as_bytes()]),
        )
    }

    /// The person of a flow, as of now. Lock, disabling and closing are seen at each step of each flow
    /// (CVE-2026-16103: looked at only at the start).
    pub(crate) async fn person(&self, state: &State) -> Result<Person, Broken> {
        observe::flow(&state.kind);
        let by = match (&state.who.account, &state.who.typed) {
            (Some((id, _)), _) => SubjectKey::Account(*id),
            // The same read as for a known name: an unknown one must not be a store call cheaper.
            (None, Some(typed)) => SubjectKey::Identifier(self.lookup(typed)),
            (None, None) => match state.who.handle {
                Some(handle) => SubjectKey::Credential(Lookup(handle)),
                None => return Ok(Person::nobody(self.made_up_account(state))),
            },
        };
        let (known, recovers) = (state.who.account.is_some(), state.recovers());
        let subject = self.store.subject(by).await?.filter(|subject| {
            // An account that came to be after the flow began is not what the flow was begun on.
            known
                && match subject.account.state {
                    AccountState::Active => true,
                    // Who locked it gets in by a recovery alone.
                    AccountState::Locked => recovers,
                    // Its owner can come back: by a sign-in, or by a recovery that becomes one.
                    AccountState::Closing => state.signs_in() || recovers,
                    _ => false,
                }
        });
        match subject {
            Some(subject) => Ok(Person::of(subject)),
            None => {
                let id = state.who.account.map_or_else(|| self.made_up_account(state), |(id, _)| id);
                Ok(Person::nobody(id))
            }
        }
    }

    /// An account in whatever state, for its owner's lists and an application's reads.
    pub(crate) async fn person_by_id(&self, id: AccountId) -> Result<Option<Person>, Broken> {
        match self.store.subject(SubjectKey::Account(id)).await? {
            Some(subject) if subject.account.realm == *self.keys.realm() => Ok(Some(Person::of(subject))),
            _ => Ok(None),
        }
    }

    fn unseal(&self, subject: &Subject) -> Result<Known, Broken> {
        let id = subject.account.id;
        let key = self.keys.open_key(id, &subject.account.data_key)?;
        let open = |place: Place<'_>, sealed: &[u8]| self.keys.open_under(&key, &place.of(id), sealed);
        let profile = open(Place::new(Purpose::Account, b"profile"), &subject.account.sealed)?;
        let profile: ProfileData = serde_json::from_slice(&profile).map_err(|_| Broken::Sealed)?;
        let mut contacts: Vec<(_, _, Contact)> = Vec::new();
        let mut names = Vec::new();
        for row in &subject.identifiers {
            let plain = open(Place::new(Purpose::Identifier, &row.lookup.0), &row.sealed)?;
            names.push(serde_json::from_slice(&plain).map_err(|_| Broken::Sealed)?);
        }
        for row in &subject.contacts {
            let plain = open(Place::new(Purpose::Contact, row.id.as_bytes()), &row.sealed)?;
            let contact = serde_json::from_slice(&plain).map_err(|_| Broken::Sealed)?;
            contacts.push((row.version, row.id, contact));
        }
        // The first of its kind is the main one, on every store: a code goes there.
        contacts.sort_by_key(|(_, id, one)| (!profile.main.contains(&one.address), *id));
        Ok(Known { key, profile, names, contacts })
    }

    /// What a factor is given: the person's own credentials or contacts, or a decoy. The same seed for the same
    /// name and factor, so that asking twice shows no difference.
    pub(crate) fn mine(
        &self,
        person: &Person,
        state: &State,
        factor: &dyn ErasedFactor,
    ) -> Result<Mine, Broken> {
        let name = factor.name();
        let mut mine = Mine { opened: Vec::new(), addresses: Vec::new(), real: true };
        match (factor.source(), &person.subject) {
            (Source::Contacts(kind), Some(_)) if state.confirming().is_some_and(|new| new.kind() == kind) => {
                if let Some(address) = state.confirming().cloned() {
                    let id = CredentialId::from_bytes(*state.id.as_bytes());
                    mine.push_contact(id, Version(0), Contact { address })?;
                }
            }
            (Source::Credentials, Some(subject)) => {
                for row in subject.credentials.iter().filter(|row| row.factor == name) {
                    let (called, plain) = self.open_credential(row)?;
                    mine.opened.push(Opened { id: row.id, version: row.version, called, plain });
                }
            }
            (Source::Contacts(kind), Some(_)) => {
                // A first proof is of the address that was typed: a code sent to another of theirs would tell that the
                // two belong together.
                let typed =
                    state.who.typed.as_ref().filter(|typed| typed.kind() == kind && state.proofs.is_empty());
                let of_kind = |(_, _, Contact { address }): &&(_, _, Contact)| {
                    address.kind() == kind && typed.is_none_or(|typed| typed == address)
                };
                let known = person.known(self)?;
                let contacts = known.map_or(&[][..], |known| &known.contacts);
                // An address that was put there a short while ago, by whoever was in, opens nothing without them, and
                // clears nobody of a suspicion.
                let now = self.clock.now();
                let settled = |address: &Identifier| {
                    !(state.recovers() || state.is_suspected())
                        || known.is_none_or(|known| known.profile.settles(address, now).is_none())
                };
                let mut usable: Vec<_> =
                    contacts.iter().filter(of_kind).filter(|(_, _, one)| settled(&one.address)).collect();
                // One of them is written to: one that has settled, before one that is being taken away (its owner may have
                // nothing of it any more); the one that was typed; the main one.
                let (typed, leaves) = (state.who.typed.as_ref(), state.takes_away());
                usable.sort_by_key(|(_, id, one)| {
                    let settles =
                        known.is_some_and(|known| known.profile.settles(&one.address, now).is_some());
                    (settles, leaves == Some(*id), typed != Some(&one.address))
                });
                for (version, id, contact) in usable {
                    mine.push_contact(*id, *version, contact.clone())?;
                }
            }
            (Source::Credentials, None) => {}
            (Source::Contacts(kind), None) => {
                if let Some(contact) = state.applicant().filter(|contact| contact.kind() == kind) {
                    let id = CredentialId::from_bytes(*state.id.as_bytes());
                    mine.push_contact(id, Version(0), Contact { address: contact.clone() })?;
                }
            }
        }
        if mine.opened.is_empty() {
            mine.real = false;
            let seed = self.keys.lookup(Purpose::Decoy, &[&state.seed(), name.as_str().as_bytes()]);
            let id = CredentialId::from_bytes(first_half(seed));
            match (factor.source(), &state.who.typed) {
                // Only what was typed is echoed, so only that can be the decoy's address.
                (Source::Contacts(kind), Some(typed)) if typed.kind() == kind => {
                    mine.push_contact(id, Version(0), Contact { address: typed.clone() })?;
                }
                _ => {
                    if let Some(plain) = factor.decoy(&self.hashes, seed)? {
                        mine.opened.push(Opened { id, version: Version(0), called: None, plain });
                    }
                }
            }
        }
        Ok(mine)
    }

    /// The guard of a step: (account, factor), or (made-up account, factor) for an unknown name, apart for known
    /// browsers and strangers;
    /// (recipient, purpose) for a registration. Never anything that a request chooses freely.
    pub(crate) fn guard(
        &self,
        person: &Person,
        state: &State,
        factor: &dyn ErasedFactor,
        lane: Lane,
    ) -> (GuardKey, Limit) {
        // Nobody could ever lift the spent guard of an address that is being registered: anybody could bar it from its
        // owner for ever. It holds, again and again. Of one that is added the guard is the account's own, and bars no other.
        let limit = match state.kind {
            Kind::SignUp(_) => factor.limit().with_allowance(u32::MAX),
            _ => factor.limit(),
        };
        (self.guard_key(person, state, factor.name().as_str(), lane), limit)
    }

    pub(crate) fn guard_key(&self, person: &Person, state: &State, factor: &str, lane: Lane) -> GuardKey {
        let class = class(lane);
        let mut seed = state.seed();
        // An account that is switched off keeps its guard: a hold that went with it would tell that it was there.
        // For a name that nobody has the id is made up of it.
        let (kind, whose): (&[u8], &[u8]) = match &state.kind {
            Kind::SignUp(_) => (b"sign-up", &seed),
            // Wrong codes from a new address hold nobody's sign-in, and nobody else who adds it.
            _ if state.confirming().is_some() => {
                seed.extend(person.id.as_bytes());
                (b"contact", &seed)
            }
            _ => return self.account_guard(person.id, factor, lane),
        };
        GuardKey(self.keys.lookup(Purpose::Guard, &[kind, whose, factor.as_bytes(), class]))
    }

    fn account_guard(&self, account: AccountId, factor: &str, lane: Lane) -> GuardKey {
        let parts: [&[u8]; 4] = [b"account", account.as_bytes(), factor.as_bytes(), class(lane)];
        GuardKey(self.keys.lookup(Purpose::Guard, &parts))
    }

    /// The writes by which all wrong answers at an account are forgotten: strangers' as well as its owner's.
    pub(crate) fn forget_refusals(&self, account: AccountId, at: Timestamp) -> Vec<Write> {
        let mut writes = Vec::new();
        for (name, factor) in &self.factors {
            for lane in [Lane::Known, Lane::Stranger] {
                let key = self.account_guard(account, name.as_str(), lane);
                writes.push(Write::Settle { key, how: Settlement::Clear, limit: factor.limit(), at });
            }
        }
        writes
    }

    fn made_up_account(&self, state: &State) -> AccountId {
        AccountId::from_bytes(first_half(self.keys.lookup(Purpose::Decoy, &[&state.seed(), b"account"])))
    }
}

impl Person {
    const fn nobody(id: AccountId) -> Self {
        Self { id, subject: None, known: OnceLock::new() }
    }

    /// Whose account may sign in.
    pub(crate) fn active(subject: Subject) -> Option<Self> {
        (subject.account.state == AccountState::Active).then(|| Self::of(subject))
    }

    fn of(subject: Subject) -> Self {
        Self { id: subject.account.id, subject: Some(subject), known: OnceLock::new() }
    }

    /// What is sealed of the account; `None` where there is none, or it is closed.
    pub(crate) fn known(&self, auth: &Inner) -> Result<Option<&Known>, Broken> {
        let Some(subject) = self.subject.as_ref().filter(|subject| !subject.account.data_key.is_empty())
        else {
            return Ok(None);
        };
        if self.known.get().is_none() {
            let _ = self.known.set(auth.unseal(subject)?);
        }
        Ok(self.known.get())
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.subject.as_ref().map_or(Epoch(0), |subject| subject.account.epoch)
    }

    pub(crate) fn is_contact(&self, id: CredentialId) -> bool {
        self.subject.as_ref().is_some_and(|subject| subject.contacts.iter().any(|row| row.id == id))
    }

    /// The server's record of this browser, if its cookie verifies against one of this account: the only thing
    /// that makes a browser known.
    pub(crate) fn browser(&self, auth: &Inner, client: &Client, now: Timestamp) -> Option<&BrowserRow> {
        let rows = &self.subject.as_ref()?.browsers;
        client.browsers.iter().find_map(|token| {
            let key = token.hash(auth.keys.scope(), Purpose::Browser);
            rows.iter().find(|row| row.key == key && now < row.expires)
        })
    }

    /// What a password must not be built of. The person's own data first: a policy looks at so many words only.
    pub(crate) fn words(&self, auth: &Inner, state: &State) -> Result<Vec<String>, Broken> {
        let known = self.known(auth)?;
        let who = match &state.kind {
            Kind::SignUp(applicant) => Some(&applicant.who),
            _ => known.map(|known| &known.profile.who),
        };
        let names = known.into_iter().flat_map(|known| known.names.iter().chain(known.contacts()));
        Ok(auth.site.words_about(who, state.who.typed.iter().chain(names)))
    }
}

impl Known {
    /// The address of a contact.
    pub(crate) fn contact(&self, id: CredentialId) -> Option<&Identifier> {
        self.contacts.iter().find(|(_, one, _)| *one == id).map(|(_, _, contact)| &contact.address)
    }

    /// The row of an address.
    pub(crate) fn contact_row(&self, address: &Identifier) -> Option<(CredentialId, Version)> {
        let mut rows = self.contacts.iter();
        rows.find(|(_, _, contact)| contact.address == *address).map(|(version, id, _)| (*id, *version))
    }

    /// The addresses, of each kind the main one first.
    pub(crate) fn contacts(&self) -> impl Iterator<Item = &Identifier> + Clone {
        self.contacts.iter().map(|(_, _, contact)| &contact.address)
    }

    pub(crate) fn is_main(&self, address: &Identifier) -> bool {
        self.contacts().find(|one| one.kind() == address.kind()) == Some(address)
    }
}

impl Mine {
    fn push_contact(&mut self, id: CredentialId, version: Version, contact: Contact) -> Result<(), Broken> {
        let plain = serde_json::to_vec(&contact).map_err(|_| Broken::Misuse("contact"))?.into();
        self.opened.push(Opened { id, version, called: None, plain });
        self.addresses.push((id, contact.address));
        Ok(())
    }
}

impl State {
    /// The contact that a registration is about to confirm.
    pub(crate) fn applicant(&self) -> Option<&Identifier> {
        match &self.kind {
            Kind::SignUp(applicant) => Some(&applicant.contact),
            _ => None,
        }
    }

    /// What stands for the person where there is no account: the name as typed, in canonical form.
    fn seed(&self) -> Vec<u8> {
        match self.confirming().or(self.who.typed.as_ref()) {
            Some(typed) => format!("{}:{}", typed.kind().as_str(), typed.as_str()).into_bytes(),
            None => match (self.who.account, self.who.handle) {
                (Some((id, _)), _) => id.as_bytes().to_vec(),
                (None, Some(handle)) => handle.to_vec(),
                (None, None) => self.id.as_bytes().to_vec(),
            },
        }
    }
}

/// Who asks, as guards and throttles tell them apart.
pub(crate) const fn class(lane: Lane) -> &'static [u8] {
    match lane {
        Lane::Known => b"known",
        Lane::Stranger => b"stranger",
    }
}

fn first_half(bytes: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    for (to, from) in half.iter_mut().zip(bytes) {
        *to = from;
    }
    half
}
