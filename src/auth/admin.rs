//! What an application does to accounts: read, set a level, switch off and on, write its own events.

use std::collections::BTreeMap;

use super::{Auth, Inner};
use crate::account::identifier::Identifier;
use crate::account::{Account, Level, PersonalData, ProfileData};
use crate::error::Broken;
use crate::event::{self, Event, EventRow, Origin, Outcome, Sealed};
use crate::flow::{Client, Code, Person, Refusal};
use crate::id::{AccountId, EventId, EventName, FactorName, TemplateName};
use crate::message::Params;
use crate::secret::{DataKey, Place, Purpose};
use crate::store::{AccountRow, AccountState, Committed, Subject, SubjectKey, Write};

impl Auth {
    /// An account, if there is one.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>, Broken> {
        self.0.ready().await?;
        let Some(person) = self.0.person_by_id(id).await? else { return Ok(None) };
        let Some(Subject { account: row, .. }) = &person.subject else { return Ok(None) };
        let Some(known) = person.known(&self.0)? else { return Ok(None) };
        let profile = &known.profile;
        Ok(Some(Account {
            id,
            state: row.state,
            level: profile.level,
            name: profile.who.name.clone().into_owned(),
            birth_date: profile.who.birth_date,
            locale: profile.locale,
            created: row.created,
            identifiers: known.names.clone(),
            contacts: known.contacts().cloned().collect(),
            lock: profile.lock,
            erased_at: profile.closing,
            preferences: profile.preferences.clone(),
        }))
    }

    /// Whose name this is, or whose contact: a phone number, an e-mail address, a user name. For operators, to whom
    /// somebody says who they are: whoever may ask this learns who has an account.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn find(&self, name: &Identifier) -> Result<Option<AccountId>, Broken> {
        self.0.ready().await?;
        let found = self.0.store.subject(SubjectKey::Identifier(self.0.lookup(name))).await?;
        Ok(found.map(|subject| subject.account.id))
    }

    /// Sets how sure one is of the owner's identity.
    ///
    /// # Errors
    /// When the store does not work; [`Broken::Misuse`] for an account that is not there.
    pub async fn set_level(&self, id: AccountId, level: Level, by: &Client) -> Result<(), Broken> {
        let set = |profile: &mut ProfileData, _: &mut AccountState| profile.level = level;
        self.set_account(id, Change::by(event::name::LEVEL_SET, by), set).await
    }

    /// Sets the name and the birth date of its owner; a name alone takes the birth date away. A new password must not be
    /// made of them from then on. Refused for a name that is none: nothing was written.
    ///
    /// # Errors
    /// As [`Auth::set_level`].
    pub async fn set_personal_data(
        &self,
        id: AccountId,
        who: impl Into<PersonalData<'_>>,
        by: &Client,
    ) -> Result<Result<(), Refusal>, Broken> {
        let Some(who) = who.into().cleaned() else { return Ok(Err(Refusal::new(Code::Name))) };
        let set = |profile: &mut ProfileData, _: &mut AccountState| profile.who = who.clone();
        self.set_account(id, Change::by(event::name::PERSONAL_DATA_SET, by), set).await?;
        Ok(Ok(()))
    }

    /// Switches an account off: all its sessions end at once, and every door refuses, in the same bytes as for a
    /// name that nobody has.
    ///
    /// # Errors
    /// As [`Auth::set_level`].
    pub async fn disable(&self, id: AccountId, by: &Client) -> Result<(), Broken> {
        let set = |_: &mut ProfileData, state: &mut AccountState| *state = AccountState::Disabled;
        self.set_account(id, Change::by(event::name::DISABLED, by).ending_all(), set).await
    }

    /// Switches it on again. A lock that it had stands ([`Auth::unlock`]).
    ///
    /// # Errors
    /// As [`Auth::set_level`].
    pub async fn enable(&self, id: AccountId, by: &Client) -> Result<(), Broken> {
        let set = |_: &mut ProfileData, state: &mut AccountState| *state = AccountState::Active;
        self.set_account(id, Change::by(event::name::ENABLED, by), set).await
    }

    async fn set_account(
        &self,
        id: AccountId,
        change: Change,
        set: impl Fn(&mut ProfileData, &mut AccountState),
    ) -> Result<(), Broken> {
        self.0.ready().await?;
        let set = |profile: &mut ProfileData, state: &mut AccountState| {
            set(profile, state);
            true
        };
        self.0.change_account(id, change, set).await?.then_some(()).ok_or(NO_ACCOUNT)
    }

    /// Writes an application's own event into an account's history. Its name must have a colon in it
    /// (`passport:viewed`), so that it is never taken for one of the library's.
    ///
    /// ```
    /// use propusk::event::Outcome;
    /// use propusk::id::EventName;
    /// use propusk::{Auth, Client, Session};
    ///
    /// const VIEWED: EventName = EventName::new("passport:viewed");
    ///
    /// async fn viewed(auth: &Auth, mine: &Session, by: &Client) -> Result<(), propusk::error::Broken> {
    ///     let what = [("series".to_owned(), "45 04".to_owned())].into();
    ///     auth.record(mine.account(), VIEWED, Outcome::Done, by, what).await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// When the store does not work; [`Broken::Misuse`] for a name without a colon or an account that is not there.
    pub async fn record(
        &self,
        account: AccountId,
        name: EventName,
        outcome: Outcome,
        by: &Client,
        details: BTreeMap<String, String>,
    ) -> Result<EventId, Broken> {
        if !name.as_str().contains(':') {
            return Err(Broken::Misuse("an application's own event has a colon in its name"));
        }
        self.0.ready().await?;
        let Some(person) = self.0.person_by_id(account).await? else {
            return Err(Broken::Misuse("there is no such account"));
        };
        let sealed = Sealed { details, ..Sealed::new(by.origin()) };
        let (id, write) = self.0.line(&person, name, outcome, &sealed)?;
        let _ = self.0.commit(vec![write]).await?;
        Ok(id)
    }
}

/// What goes with a change of an account's row.
pub(crate) struct Change {
    name: EventName,
    content: Sealed,
    ends_all: bool,
    tells: Option<&'static str>,
    says: Vec<(&'static str, String)>,
    with: Vec<Write>,
}

impl Change {
    /// Its line in the history.
    pub(crate) const fn new(name: EventName, content: Sealed) -> Self {
        Self { name, content, ends_all: false, tells: None, says: Vec::new(), with: Vec::new() }
    }

    fn by(name: EventName, by: &Client) -> Self {
        Self::new(name, Sealed::new(by.origin()))
    }

    /// All sessions end, and no browser is known any more.
    pub(crate) const fn ending_all(mut self) -> Self {
        self.ends_all = true;
        self
    }

    /// The owner is told, at each contact.
    pub(crate) const fn telling(mut self, template: &'static str) -> Self {
        self.tells = Some(template);
        self
    }

    /// With this word in it, too.
    pub(crate) fn saying(mut self, name: &'static str, value: String) -> Self {
        self.says.push((name, value));
        self
    }

    /// In one commit with these; lost with them.
    pub(crate) fn with(mut self, writes: Vec<Write>) -> Self {
        self.with = writes;
        self
    }
}

impl Inner {
    /// Changes an account's row by compare-and-swap, with all that goes with it. False: there is no such account, it is
    /// closed, `set` found nothing to change, or what it was to go with was lost.
    pub(crate) async fn change_account(
        &self,
        id: AccountId,
        change: Change,
        set: impl Fn(&mut ProfileData, &mut AccountState) -> bool,
    ) -> Result<bool, Broken> {
        for _ in 0..MOST_TRIES {
            let Some(person) = self.person_by_id(id).await? else { return Ok(false) };
            let (Some(subject), Some(known)) = (&person.subject, person.known(self)?) else {
                return Ok(false);
            };
            let (mut row, mut profile) = (subject.account.clone(), known.profile.clone());
            let (expect, epoch, route) = (row.version, row.epoch, row.route);
            if !set(&mut profile, &mut row.state) {
                return Ok(false);
            }
            row.state = profile.state(row.state);
            row.version = expect.next();
            row.sealed = self.seal_profile(id, &known.key, &profile)?;
            let (_, line) = self.line(&person, change.name.clone(), Outcome::Done, &change.content)?;
            let mut batch = change.with.clone();
            batch.extend([Write::SwapAccount { row, expect }, line]);
            if change.ends_all {
                batch.push(Write::RaiseEpoch { account: id, route, expect: epoch });
                batch.extend(self.distrust(&person, None)?);
            }
            if let Some(template) = change.tells {
                let says = change.says.iter().map(|(name, value)| ((*name).into(), value.clone().into()));
                let template = TemplateName::new(template);
                let origin = &change.content.origin;
                batch.extend(self.notices_by(
                    &person,
                    origin,
                    (&template, None),
                    says.collect::<Params>(),
                )?);
            }
            match self.commit(batch).await? {
                Committed::Won => return Ok(true),
                Committed::Lost { at } if at < change.with.len() => return Ok(false),
                Committed::Lost { .. } => {}
            }
        }
        Err(Broken::Misuse("the account changes faster than it can be written"))
    }

    /// The account with this profile, at the version that was read, in the state that follows. `None`: it is closed.
    pub(crate) fn swap_profile(
        &self,
        person: &Person,
        profile: &ProfileData,
    ) -> Result<Option<Write>, Broken> {
        let (Some(subject), Some(known)) = (&person.subject, person.known(self)?) else { return Ok(None) };
        let AccountRow { version: expect, state, .. } = subject.account;
        let sealed = self.seal_profile(person.id, &known.key, profile)?;
        let (version, state) = (expect.next(), profile.state(state));
        let row = AccountRow { version, state, sealed, ..subject.account.clone() };
        Ok(Some(Write::SwapAccount { row, expect }))
    }

    pub(crate) fn seal_profile(
        &self,
        id: AccountId,
        key: &DataKey,
        profile: &ProfileData,
    ) -> Result<Vec<u8>, Broken> {
        let plain = serde_json::to_vec(profile).map_err(|_| Broken::Misuse("profile"))?;
        self.keys.seal_under(key, self.entropy(), &Place::new(Purpose::Account, b"profile").of(id), &plain)
    }

    /// A line about this person for the audit log.
    pub(crate) fn line(
        &self,
        person: &Person,
        name: EventName,
        outcome: Outcome,
        content: &Sealed,
    ) -> Result<(EventId, Write), Broken> {
        let known = person.known(self)?;
        self.event(known.map(|_| person.id), known.map(|known| &known.key), name, outcome, content)
    }

    /// A line for the audit log, sealed under the account's data key, or under the ring where there is no account.
    pub(crate) fn event(
        &self,
        account: Option<AccountId>,
        key: Option<&DataKey>,
        name: EventName,
        outcome: Outcome,
        content: &Sealed,
    ) -> Result<(EventId, Write), Broken> {
        let id = EventId::next(self)?;
        let plain = serde_json::to_vec(content).map_err(|_| Broken::Misuse("event"))?;
        let mut place = Place::new(Purpose::Event, id.as_bytes());
        place.account = account;
        let sealed = match key {
            Some(key) => self.keys.seal_under(key, self.entropy(), &place, &plain)?,
            None => self.keys.seal(self.entropy(), &place, &plain)?,
        };
        let realm = self.keys.realm().clone();
        // What was refused has changed nothing, and strangers write it.
        let lasting = outcome == Outcome::Done && event::name::lasts(&name);
        let row = EventRow { id, realm, account, at: self.clock.now(), name, outcome, lasting, sealed };
        Ok((id, Write::Event(row)))
    }

    pub(crate) fn open_event(&self, row: &EventRow, key: Option<&DataKey>) -> Result<Event, Broken> {
        let mut place = Place::new(Purpose::Event, row.id.as_bytes());
        place.account = row.account;
        let plain = match key {
            Some(key) => self.keys.open_under(key, &place, &row.sealed).map(Some)?,
            None => match self.keys.open(&place, &row.sealed) {
                // Of an account that was erased: what it sealed went with its key.
                Err(Broken::Sealed) if row.account.is_some() => None,
                plain => plain.map(Some)?,
            },
        };
        let sealed = match plain {
            Some(plain) => serde_json::from_slice(&plain).map_err(|_| Broken::Sealed)?,
            None => Sealed::new(Client::unknown().origin()),
        };
        let Sealed { origin, during, factor, credential, reason, reached, details } = sealed;
        let (name, outcome) = (row.name.clone(), row.outcome);
        let (id, at) = (row.id, row.at);
        Ok(Event { id, at, name, outcome, origin, during, factor, credential, reason, reached, details })
    }
}

impl Sealed {
    pub(crate) fn new(origin: Origin) -> Self {
        let details = BTreeMap::new();
        let (during, factor, credential, reason, reached) = (None, None, None, None, None);
        Self { origin, during, factor, credential, reason, reached, details }
    }

    pub(crate) fn by(factor: &FactorName, origin: Origin) -> Self {
        Self { factor: Some(factor.clone()), ..Self::new(origin) }
    }
}

pub(crate) const NO_ACCOUNT: Broken = Broken::Misuse("there is no such account, or it is closed");
const MOST_TRIES: usize = 16;
