//! What an account could prove, and what follows: which proof brings a flow nearer to its end, what a change of the
//! account's credentials takes, and which of them must stay.

use super::Duty;
use super::state::{Kind, State};
use super::stop::Going;
use super::subject::{Mine, Person};
use crate::auth::Inner;
use crate::factor::ErasedFactor;
use crate::id::{CredentialId, FactorName};
use crate::policy::Lacks;
use crate::proof::{self, Aal, Proof, Proves};
use crate::store::AccountState;

impl Inner {
    /// The most that the account could prove with what it has, all of it together, as of now; without one credential
    /// that goes. What needs another session's word is not counted: nobody gets in by it alone.
    pub(crate) fn reach(
        &self,
        person: &Person,
        state: &State,
        without: Option<CredentialId>,
    ) -> Going<Vec<Proof>> {
        let (mut proofs, now) = (Vec::new(), self.clock.now());
        if person.subject.is_none() {
            return Ok(proofs);
        }
        for (name, factor) in self.factors.iter().filter(|(_, factor)| !factor.speaks_by_session()) {
            let mine = self.mine(person, state, &**factor)?;
            for one in mine.opened.iter().filter(|one| mine.real && Some(one.id) != without) {
                let proves = factor.could_prove(Some(&one.plain))?;
                if proves.is_factor() {
                    proofs.push(Proof::new(name.clone(), proves, now));
                }
            }
        }
        Ok(proofs)
    }

    /// What is still to be done once enough is proven.
    pub(crate) fn duty(&self, state: &State, person: &Person) -> Going<Option<Duty>> {
        if state.is_suspected() {
            return Ok(None);
        }
        let enough = || self.profile.sign_in.met_by(&state.proofs, self.clock.now());
        Ok(match &state.kind {
            Kind::SignUp(_) if !state.proofs.is_empty() => Some(Duty::Enrol),
            Kind::Credential { replace: true, .. } if !state.proofs.is_empty() => Some(Duty::Replace),
            Kind::Credential { factor, replace: false, .. } => {
                let gives = self.factors.iter().find(|(name, _)| name == factor);
                let gives = gives.map(|(_, factor)| factor.could_prove(None)).transpose()?;
                let may = gives.map(|gives| self.may_change(state, person, factor, gives)).transpose()?;
                may.unwrap_or_default().then_some(Duty::Enrol)
            }
            Kind::Recover { lost, done: false } => {
                (self.lacks(state, person)? == Lacks::Nothing && self.chooses(lost)?).then_some(Duty::Replace)
            }
            Kind::Contact { confirming, .. } => confirming.then_some(Duty::Confirm),
            _ if !state.signs_in() => None,
            _ if state.due().is_some() && enough() => Some(Duty::Replace),
            _ if closing(person) && enough() => Some(Duty::Reopen),
            kind => {
                let enrols = self.profile.enrols_missing || *kind != Kind::SignIn;
                let lacks = enrols && !state.proofs.is_empty() && !enough();
                (lacks && self.has_no_more(state, person)?).then_some(Duty::Enrol)
            }
        })
    }

    /// Whether what was proven is enough to add or take away a credential that gives so much: as much as signing in
    /// takes, and no less than the lower of what the account can reach and what it can reach by that credential. Else a
    /// mailbox would add a key to an account that asks for two factors, or a password take its key away (ATTACKS 22).
    pub(crate) fn may_change(
        &self,
        state: &State,
        person: &Person,
        factor: &FactorName,
        gives: Proves,
    ) -> Going<bool> {
        let (shown, now) = (state.shown(), self.clock.now());
        if !self.profile.sign_in.met_by(&shown, now) {
            return Ok(false);
        }
        let reach = self.reach(person, state, None)?;
        let new = Proof::new(factor.clone(), gives, now);
        // A level takes two proofs at the most.
        let beside = |old: &Proof| {
            let with = proof::aal(&[old.clone(), new.clone()]);
            if with > proof::aal(std::slice::from_ref(old)) { with } else { Aal::Zero }
        };
        let gives = reach.iter().map(beside).fold(proof::aal(std::slice::from_ref(&new)), Aal::max);
        Ok(proof::aal(&shown) >= gives.min(proof::aal(&reach)))
    }

    /// Whether the account still signs in when this credential is gone.
    pub(crate) fn can_spare(&self, state: &State, person: &Person, id: CredentialId) -> Going<bool> {
        Ok(self.profile.sign_in.met_by(&self.reach(person, state, Some(id))?, self.clock.now()))
    }

    /// Whether a proof by one of these would bring the flow nearer to its end.
    pub(crate) fn brings_nearer(&self, state: &State, factor: &dyn ErasedFactor, mine: &Mine) -> Going<bool> {
        for one in &mine.opened {
            if self.adds(state, factor, factor.could_prove(Some(&one.plain))?) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether this proof would.
    pub(crate) fn adds(&self, state: &State, factor: &dyn ErasedFactor, proves: Proves) -> bool {
        let (shown, now) = (state.shown(), self.clock.now());
        let mut with = shown.clone();
        with.retain(|proof| *proof.factor() != factor.name());
        with.push(Proof::new(factor.name(), proves, now));
        match &state.kind {
            Kind::StepUp { asked, .. } => return asked.progress(&with, now) > asked.progress(&shown, now),
            Kind::Recover { done: false, .. } => {
                return Lacks::of(Aal::Two, &with, false) > Lacks::of(Aal::Two, &shown, false);
            }
            _ if proves.recovery_only() => return false,
            _ => {}
        }
        // The same channel never counts twice, but a better proof in the place of an old one counts for more: an
        // application's code must not shut out the key on the same device.
        if state.is_suspected() {
            return proves.is_factor() && !shown.iter().any(|old| old.proves().channel() == proves.channel());
        }
        let worth = |proofs: &[Proof]| (proof::kinds(proofs), proof::aal(proofs));
        with.retain(|old| *old.factor() == factor.name() || old.proves().channel() != proves.channel());
        worth(&with) > worth(&shown)
    }

    // Whether somebody at a sign-in has proven all that the account has, and it is not enough for the profile.
    fn has_no_more(&self, state: &State, person: &Person) -> Going<bool> {
        let (reach, now) = (self.reach(person, state, None)?, self.clock.now());
        let asked = self.profile.sign_in;
        Ok(!asked.met_by(&reach, now) && asked.progress(&state.proofs, now) >= asked.progress(&reach, now))
    }
}

/// Whether the account is being closed: who signs in to it says first that it shall be open again.
pub(crate) fn closing(person: &Person) -> bool {
    person.subject.as_ref().is_some_and(|subject| subject.account.state == AccountState::Closing)
}
