//! Locks (MISSION D6): everything of an account ends at once, and every door refuses as for a name that nobody has,
//! until the lock is lifted. Who may lift it follows from who set it: the owner's own ("lock it", "this was not me") is
//! lifted by recovery or at the desk; the desk's and the application's by [`Auth::unlock`] alone, or whoever took an
//! owner's mailbox would lift what was meant to stop them.

use super::{Auth, Change, Inner};
use crate::account::{Lock, LockReason, ProfileData};
use crate::error::Broken;
use crate::event::{self, Sealed};
use crate::flow::{Client, Effect, Person, Visit};
use crate::id::{AccountId, EventId, SessionId};
use crate::session::Session;
use crate::store::AccountState;

impl Auth {
    /// Locks an account: all its sessions end, no browser is known or trusted any more, and its owner is told at each
    /// contact what to do. One that is locked already keeps the stronger reason.
    ///
    /// # Errors
    /// When the store does not work; [`Broken::Misuse`] for an account that is not there, or closed.
    pub async fn lock(&self, id: AccountId, reason: LockReason, by: &Client) -> Result<(), Broken> {
        self.0.ready().await?;
        let locked = self.0.lock(id, (reason, true), Sealed::new(by.origin())).await?;
        locked.then_some(()).ok_or(super::admin::NO_ACCOUNT)
    }

    /// Lifts a lock, whoever set it. What ended with it does not come back. One that is switched off besides stays so.
    /// Wrong answers are forgotten, also where there was no lock: strangers who used up an account's guesses shut out an
    /// owner who has no browser that is known.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn unlock(&self, id: AccountId, by: &Client) -> Result<Effect, Broken> {
        self.0.ready().await?;
        let change = Change::new(event::name::UNLOCKED, Sealed::new(by.origin())).telling("unlocked");
        let now = self.0.clock.now();
        let _ = self.0.commit(self.0.forget_refusals(id, now)).await?;
        let lift = |profile: &mut ProfileData, _: &mut AccountState| {
            profile.secured = Some(now);
            profile.lock.take().is_some()
        };
        Ok(Effect::of(self.0.change_account(id, change, lift).await?))
    }
}

impl Visit {
    /// Locks the account of this session, which ends with all others.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn lock(&self, mine: &Session) -> Result<Effect, Broken> {
        let auth = &self.auth.0;
        if !auth.is_live(mine).await? {
            return Ok(Effect::NoSession);
        }
        auth.lock_mine(mine, LockReason::Owner, Sealed::new(self.client.origin())).await
    }

    /// "This was not me", said of a line of the account's own history: locks it as [`Visit::lock`] does.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn not_me(&self, mine: &Session, line: EventId) -> Result<Effect, Broken> {
        let auth = &self.auth.0;
        if !auth.is_live(mine).await? {
            return Ok(Effect::NoSession);
        }
        // A session carries the id of the event that began it, so this finds any event by its id.
        let found = auth.store.beginnings(vec![SessionId::from_bytes(*line.as_bytes())]).await?;
        // Only its own: the id comes from outside.
        let Some(found) = found.into_iter().find(|row| row.account == Some(mine.account())) else {
            return Ok(Effect::Nothing);
        };
        let mut content = Sealed::new(self.client.origin());
        content.details.insert("event".into(), line.to_string());
        content.details.insert("about".into(), found.name.to_string());
        auth.lock_mine(mine, LockReason::NotMe, content).await
    }
}

impl Inner {
    /// "This was not me", said by a link in the notice of this event. Where it is locked already it is done; what was before
    /// its owner was last let in again is settled. `None`: the account was changed in between.
    pub(crate) async fn deny(
        &self,
        visit: &Visit,
        person: &Person,
        line: EventId,
    ) -> Result<Option<bool>, Broken> {
        let Some(known) = person.known(self)? else { return Ok(Some(false)) };
        if known.profile.lock.is_some() {
            return Ok(Some(true));
        }
        if known.profile.secured.is_some_and(|at| line.at() <= at) {
            return Ok(Some(false));
        }
        let mut content = Sealed::new(visit.client.origin());
        content.details.insert("event".into(), line.to_string());
        content.details.insert("about".into(), event::name::SIGN_IN.to_string());
        let locked = self.lock(person.id, (LockReason::NotMe, false), content).await?;
        Ok(locked.then_some(true))
    }

    /// Locks an account, by a session or by a link that was sent to it; what led to it stands in `content`. False: there
    /// is none, it is closed, or it is locked and that is not to be said `again`.
    pub(crate) async fn lock(
        &self,
        id: AccountId,
        (reason, again): (LockReason, bool),
        mut content: Sealed,
    ) -> Result<bool, Broken> {
        content.reason = Some(reason.as_str().to_owned());
        let template = if reason.is_owners() { "locked" } else { "locked-by-desk" };
        let change = Change::new(event::name::LOCKED, content).ending_all().telling(template);
        let at = self.clock.now();
        let set = |profile: &mut ProfileData, _: &mut AccountState| {
            if profile.lock.is_some() && !again {
                return false;
            }
            let stands = profile.lock.filter(|old| reason.is_owners() && !old.reason.is_owners());
            profile.lock = Some(stands.unwrap_or(Lock { reason, at }));
            // Nothing is destroyed while it is not clear whose account it is.
            profile.closing = None;
            // Else whoever waits lifts it in the end. It may be asked for anew, and every contact hears of that.
            profile.recoveries.retain(|waits| waits.stopped);
            true
        };
        self.change_account(id, change, set).await
    }

    async fn lock_mine(&self, mine: &Session, why: LockReason, content: Sealed) -> Result<Effect, Broken> {
        // An account that was closed in between has no session any more.
        let locked = self.lock(mine.account(), (why, true), content).await?;
        Ok(if locked { Effect::Done } else { Effect::NoSession })
    }

    async fn is_live(&self, mine: &Session) -> Result<bool, Broken> {
        let Some(person) = self.person_by_id(mine.account()).await? else { return Ok(false) };
        self.lives(mine, &person).await
    }
}
