//! Where messages go: adding, changing, preferring and taking away a phone or an e-mail address. An address is a factor,
//! so this is a binding: fresh proofs, a confirmation of the new one, a word to the old ones, and a time in which those
//! undo it.

use super::finish::Ending;
use super::owner::{Link, Objection};
use super::state::{Kind, Run, State, Who};
use super::stop::Going;
use super::subject::Person;
use super::{Code, Step, Visit, edge};
use crate::account::identifier::{Identifier, IdentifierKind};
use crate::account::{ContactChanged, ProfileData};
use crate::auth::{Auth, Inner};
use crate::clock::Timestamp;
use crate::error::Broken;
use crate::event::{self, Outcome, Reached, Sealed};
use crate::factor::{ErasedFactor, Source};
use crate::id::{AccountId, CredentialId, EventId, FactorName};
use crate::message::Said;
use crate::secret::Token;
use crate::store::{Committed, Write};

use serde::{Deserialize, Serialize};

/// What becomes of an account's contacts. The address lies beside the flow that proves it: of two changes at once neither
/// confirms the other's (ATTACKS 39).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ContactChange {
    Add { address: Identifier, instead: Option<CredentialId> },
    Remove { contact: CredentialId },
    Prefer { contact: CredentialId },
}

impl Visit {
    /// Adding a phone or an e-mail address, or putting it in the place of another ([`Auth::contacts`](crate::Auth::contacts)).
    /// Prove as much as adding its factor takes, then that the new address is one's own. It is a contact and a login name
    /// from then on; all other contacts are told, and undo it for as long as
    /// [`Profile::contact_hold`](crate::Profile::contact_hold) says. All other sessions end, this one is renewed.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn add_contact(
        &self,
        session: &Token,
        address: &str,
        instead: Option<CredentialId>,
    ) -> Result<Step, Broken> {
        let change = |address| ContactChange::Add { address, instead };
        let begin = async {
            let address = Identifier::parse(address).map_err(Code::Identifier)?;
            self.change_contact(session, change(address)).await
        };
        edge("contact", begin, Step::Refused).await
    }

    /// Taking a contact away. The last one stays, and so does one without which nobody could sign in.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn remove_contact(&self, session: &Token, contact: CredentialId) -> Result<Step, Broken> {
        let begin = self.change_contact(session, ContactChange::Remove { contact });
        edge("contact", begin, Step::Refused).await
    }

    /// Makes a contact the main one of its kind ([`ListedContact::main`]): of two phones it gets the codes that go to an
    /// account and not to an address that was typed. One that settles does not become it. Asks for the same proofs as
    /// every change of contacts, ends the same sessions, and all contacts are told.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn prefer_contact(&self, session: &Token, contact: CredentialId) -> Result<Step, Broken> {
        let begin = self.change_contact(session, ContactChange::Prefer { contact });
        edge("contact", begin, Step::Refused).await
    }

    async fn change_contact(&self, token: &Token, change: ContactChange) -> Going<Step> {
        let inner = &self.auth.0;
        inner.slow_down(self, None).await?;
        let session = inner.check(token).await?.ok_or(Code::NoSession)?;
        let who = Who::known(session.account(), session.epoch());
        let kind = Kind::Contact { session: session.id(), change, confirming: false };
        let mut state = State::new(inner, self, kind, who)?;
        state.held = inner.recent(&session);
        let person = inner.person(&state).await?;
        let kind = inner.may_become(&state, &person)?;
        if state.adds_contact() {
            inner.sends_to(kind).ok_or(Code::ContactKind)?;
        }
        state.confirms(inner.may_change_contact(&state, &person)?);
        let run = Run::new(inner, self, state);
        if run.state.changes_contact() {
            let content = Sealed::new(self.client.origin());
            let end = inner.contact_changed(run, &person, content, Vec::new()).await?;
            return end.ok_or_else(|| Code::Stale.into());
        }
        inner.open(run, &person).await
    }
}

impl Auth {
    /// An account's contacts, the oldest first.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn contacts(&self, of: AccountId) -> Result<Vec<ListedContact>, Broken> {
        self.0.ready().await?;
        let Some(person) = self.0.person_by_id(of).await? else { return Ok(Vec::new()) };
        let (Some(subject), Some(known)) = (&person.subject, person.known(&self.0)?) else {
            return Ok(Vec::new());
        };
        let now = self.0.clock.now();
        let listed = |address: &Identifier| {
            let (id, _) = known.contact_row(address)?;
            let row = subject.contacts.iter().find(|row| row.id == id)?;
            let settles = known.profile.settles(address, now);
            let main = known.is_main(address);
            Some(ListedContact { id, address: address.clone(), confirmed: row.confirmed, settles, main })
        };
        let mut contacts: Vec<_> = known.contacts().filter_map(listed).collect();
        contacts.sort_by_key(|one| one.id);
        Ok(contacts)
    }
}

/// A contact as its owner reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedContact {
    /// By which it is changed or taken away.
    pub id: CredentialId,
    /// The address.
    pub address: Identifier,
    /// When it was confirmed.
    pub confirmed: Timestamp,
    /// Until then the contacts before it can undo it, and it recovers nothing.
    pub settles: Option<Timestamp>,
    /// Whether it is the main one of its kind: the oldest, unless another was preferred. The rest are alternates.
    pub main: bool,
}

impl State {
    /// Enough is proven: what is left is that the new address is one's own.
    pub(crate) fn confirms(&mut self, enough: bool) {
        if let Kind::Contact { confirming, .. } = &mut self.kind {
            *confirming = enough;
        }
    }

    /// The contact that goes, where one does.
    pub(crate) const fn takes_away(&self) -> Option<CredentialId> {
        match &self.kind {
            Kind::Contact { change: ContactChange::Add { instead, .. }, .. } => *instead,
            Kind::Contact { change: ContactChange::Remove { contact }, .. } => Some(*contact),
            _ => None,
        }
    }

    /// Whether there is a new address to confirm.
    const fn adds_contact(&self) -> bool {
        matches!(&self.kind, Kind::Contact { change: ContactChange::Add { .. }, .. })
    }

    /// Enough is proven for a change that has no new address to confirm.
    pub(crate) const fn changes_contact(&self) -> bool {
        matches!(
            &self.kind,
            Kind::Contact {
                change: ContactChange::Remove { .. } | ContactChange::Prefer { .. },
                confirming: true,
                ..
            }
        )
    }

    /// The address that is being confirmed.
    pub(crate) const fn confirming(&self) -> Option<&Identifier> {
        match &self.kind {
            Kind::Contact { change: ContactChange::Add { address, .. }, confirming: true, .. } => {
                Some(address)
            }
            _ => None,
        }
    }
}

impl Inner {
    /// A factor that sends to this kind of address.
    pub(crate) fn sends_to(&self, kind: IdentifierKind) -> Option<&dyn ErasedFactor> {
        let mut factors = self.factors.iter().map(|(_, factor)| &**factor);
        factors.find(|factor| factor.source() == Source::Contacts(kind))
    }

    // Whether the change can be made to the account as it is; the kind of address that it is about.
    fn may_become(&self, state: &State, person: &Person) -> Going<IdentifierKind> {
        let (Kind::Contact { change, .. }, Some(known)) = (&state.kind, person.known(self)?) else {
            return Err(Code::NoSession.into());
        };
        let address_of = |id: CredentialId| known.contact(id).ok_or(Code::NotOffered);
        match change {
            ContactChange::Add { address, instead } => {
                let old = instead.map(address_of).transpose()?;
                let full = instead.is_none() && known.contacts().count() >= MOST_CONTACTS;
                if full
                    || known.contacts().any(|one| one == address)
                    || old.is_some_and(|old| old.kind() != address.kind())
                {
                    return Err(Code::NotOffered.into());
                }
                if known.profile.changes.iter().filter(|one| self.clock.now() < one.until).count()
                    >= MOST_CHANGES
                {
                    return Err(Code::TooSoon.into());
                }
                Ok(address.kind())
            }
            ContactChange::Remove { contact } => {
                let kind = address_of(*contact)?.kind();
                if known.contacts().count() < 2 || !self.can_spare(state, person, *contact)? {
                    return Err(Code::LastFactor.into());
                }
                Ok(kind)
            }
            ContactChange::Prefer { contact } => {
                let address = address_of(*contact)?;
                if known.is_main(address) || known.profile.settles(address, self.clock.now()).is_some() {
                    return Err(Code::NotOffered.into());
                }
                Ok(address.kind())
            }
        }
    }

    /// Whether enough is proven for it: as much as adding or taking away the factor that sends there.
    pub(crate) fn may_change_contact(&self, state: &State, person: &Person) -> Going<bool> {
        let kind = self.may_become(state, person)?;
        match self.sends_to(kind) {
            Some(factor) => self.may_change(state, person, &factor.name(), factor.could_prove(None)?),
            None if state.adds_contact() => Err(Code::ContactKind.into()),
            // An address that proves nothing here is told of everything all the same: it must be possible to take it away.
            None => Ok(self.profile.sign_in.met_by(&state.shown(), self.clock.now())),
        }
    }

    /// The account's contacts change, in one commit with everything that follows from it.
    pub(crate) async fn contact_changed(
        &self,
        run: Run<'_>,
        person: &Person,
        mut content: Sealed,
        mut batch: Vec<Write>,
    ) -> Going<Option<Step>> {
        let kind = self.may_become(&run.state, person)?;
        let mut before = run.state.clone();
        before.confirms(false);
        if !self.may_change_contact(&before, person)? {
            // The account can prove more than it could when this was begun.
            return Err(Code::Stale.into());
        }
        let (Kind::Contact { session, change, .. }, Some(subject), Some(known), Some((account, epoch))) =
            (run.state.kind.clone(), &person.subject, person.known(self)?, run.state.who.account)
        else {
            return Err(Code::Stale.into());
        };
        let until = run.now.after(self.profile.contact_hold);
        let (old, new) = match &change {
            ContactChange::Add { address, instead } => (*instead, Some(address.clone())),
            ContactChange::Remove { contact } => (Some(*contact), None),
            ContactChange::Prefer { contact } => (None, known.contact(*contact).cloned()),
        };
        let prefers = matches!(change, ContactChange::Prefer { .. });
        let gone = old.and_then(|id| known.contact(id)).cloned();
        let labelled = [("old", gone.as_ref()), (if prefers { "main" } else { "new" }, new.as_ref())];
        for (name, address) in labelled {
            content.details.extend(address.map(|address| (name.to_owned(), address.masked())));
        }
        content.details.insert("kind".into(), kind.as_str().into());
        content.reached = Some(Reached::by(&run.state.shown()));
        let (event, line) = self.line(person, run.event_name(), Outcome::Done, &content)?;
        let mut profile = known.profile.clone();
        profile.changes.retain(|one| run.now < one.until);
        let names = named(&profile.changes);
        waits_no_more(&mut profile, gone.as_slice());
        // Where the main one goes, another is it, not the new one, which settles; undone, it is the main one again.
        let main = if prefers { new.as_ref() } else { gone.as_ref().filter(|gone| known.is_main(gone)) };
        profile.main.retain(|one| Some(one) != new.as_ref() && main.is_none_or(|to| to.kind() != one.kind()));
        profile.main.extend(main.cloned());
        if !prefers {
            let named = new.as_ref().is_some_and(|new| known.names.contains(new));
            profile.changes.push(ContactChanged {
                id: event,
                old: gone.clone(),
                new: new.clone(),
                until,
                named,
            });
        }
        batch.push(self.once(&run, &CONTACT, b"contact"));
        batch.push(self.swap_profile(person, &profile)?.ok_or(Code::Stale)?);
        if !prefers {
            let moves = (gone.as_slice(), new.as_slice(), names.as_slice());
            batch.extend(self.move_contact(person, moves, (run.now, until))?);
        }
        batch.extend(self.distrust(person, Some(&run))?);
        batch.push(line);
        let (template, mut params) = match (&gone, &new) {
            _ if prefers => ("contact-preferred", Vec::new()),
            (None, _) => ("contact-added", Vec::new()),
            (Some(_), Some(_)) => ("contact-changed", Vec::new()),
            (Some(_), None) => ("contact-removed", Vec::new()),
        };
        for (name, address) in labelled {
            params.extend(address.map(|address| (name.into(), address.masked().into())));
        }
        let link = Link { what: Objection::UndoContact, account, about: event, until };
        let said = Said { params, link: (!prefers).then_some(link) };
        batch.extend(self.notices(person, &run.visit.client, template, said)?);
        let proofs = run.state.proofs.clone();
        let (run, ending): (_, Ending) =
            self.renewal(run, person, session, (epoch.next(), event), &proofs).await?;
        batch.extend([
            ending.ends(session),
            Write::RaiseEpoch { account, route: subject.account.route, expect: epoch },
        ]);
        self.end_in(run, batch, ending).await
    }

    // Contact and login name go together, but for a name that was there before its contact.
    fn move_contact(
        &self,
        person: &Person,
        (gone, new, named): (&[Identifier], &[Identifier], &[Identifier]),
        (now, free_at): (Timestamp, Timestamp),
    ) -> Going<Vec<Write>> {
        let (Some(subject), Some(known)) = (&person.subject, person.known(self)?) else {
            return Err(Code::Stale.into());
        };
        let mut writes = Vec::new();
        for gone in gone {
            let (id, expect) = known.contact_row(gone).ok_or(Code::Stale)?;
            writes.push(Write::RemoveContact { id, expect });
            let lookup = self.lookup(gone);
            if !named.contains(gone) && subject.identifiers.iter().any(|row| row.lookup == lookup) {
                writes.push(Write::RemoveIdentifier { lookup, account: person.id, free_at });
            }
        }
        for new in new {
            let name = !known.names.contains(new);
            writes.extend(self.name_rows((person.id, &known.key), new, (name, true), now)?);
        }
        Ok(writes)
    }

    /// Makes a change of contacts undone, and those after it: the contacts are those of before. All sessions end. False:
    /// there is no such change, or its time is over. `None`: the account was changed in between.
    pub(crate) async fn undo_contact(
        &self,
        visit: &Visit,
        person: &Person,
        id: EventId,
    ) -> Going<Option<bool>> {
        let (Some(subject), Some(known)) = (&person.subject, person.known(self)?) else {
            return Ok(Some(false));
        };
        let now = self.clock.now();
        let changes = &known.profile.changes;
        let Some(at) = changes.iter().position(|one| one.id == id && now < one.until) else {
            return Ok(Some(false));
        };
        let mut profile = known.profile.clone();
        // With all that came after it: else whoever made it would make two, and keep the second. A notice of that goes to
        // the contacts of its time.
        let undone = profile.changes.split_off(at);
        let names = named(&undone);
        let now_there: Vec<_> = known.contacts().cloned().collect();
        let mut then = now_there.clone();
        for ContactChanged { old, new, .. } in undone.into_iter().rev() {
            then.retain(|address| Some(address) != new.as_ref());
            then.extend(old.filter(|old| !then.contains(old)));
        }
        let but = |these: &[Identifier], those: &[Identifier]| -> Vec<_> {
            these.iter().filter(|address| !those.contains(address)).cloned().collect()
        };
        let (gone, back) = (but(&now_there, &then), but(&then, &now_there));
        waits_no_more(&mut profile, &gone);
        let mut content = Sealed::new(visit.client.origin());
        for (name, addresses) in [("old", &gone), ("new", &back)] {
            let masked: Vec<_> = addresses.iter().map(Identifier::masked).collect();
            if !masked.is_empty() {
                content.details.insert(name.to_owned(), masked.join(", "));
            }
        }
        let (_, line) = self.line(person, event::name::CONTACT_UNDONE, Outcome::Done, &content)?;
        let mut batch = vec![self.swap_profile(person, &profile)?.ok_or(Code::Stale)?];
        batch.extend(self.move_contact(person, (&gone, &back, &names), (now, now))?);
        batch.extend(self.distrust(person, None)?);
        let (account, route, expect) = (person.id, subject.account.route, subject.account.epoch);
        batch.extend([Write::RaiseEpoch { account, route, expect }, line]);
        batch.extend(self.notices(person, &visit.client, "contact-undone", Vec::new())?);
        Ok((self.commit(batch).await? == Committed::Won).then_some(true))
    }
}

/// The addresses that were login names before these changes made them contacts.
fn named(changes: &[ContactChanged]) -> Vec<Identifier> {
    changes.iter().filter(|one| one.named).filter_map(|one| one.new.clone()).collect()
}

// By the link in its own notice an address comes back; what it has waited for does not.
fn waits_no_more(profile: &mut ProfileData, gone: &[Identifier]) {
    profile.recoveries.retain(|one| one.stopped || !gone.contains(&one.by));
}

/// In the key of its once-row, where a factor's name stands else.
const CONTACT: FactorName = FactorName::new("contact");
/// A phone and an e-mail address, and another of each.
const MOST_CONTACTS: usize = 4;
/// That can be undone at the same time: each is kept until then.
const MOST_CHANGES: usize = 8;
