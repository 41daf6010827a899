//! Passwords that must be replaced before there is a session: too old, temporary, known to others.
//!
//! Each is still a proof, and says what is to be done ([`Due`]); the flow asks for a new one when all else is proven, in
//! the same commit as the session that follows. Whoever leaves before that has no session and the old password. Who
//! signs in by something else (a passkey, a code) proves nothing by the password, and is not asked to change it.
//!
//! A temporary one is used up by the change that it opens, not by being typed: who did not get the second factor's
//! message may type it again, until its life is over.

use std::time::Duration;

use super::{PROVES, Password, Stored};
use crate::auth::Auth;
use crate::clock::Timestamp;
use crate::error::{Broken, FactorError};
use crate::event;
use crate::factor::{Context, Credential, Reason, Verdict};
use crate::flow::{Client, Effect};
use crate::hash::{Hashed, Lane, StoredHash};
use crate::id::AccountId;
use crate::policy::password::{CredentialPolicy, Recipe};
use crate::proof::{Due, Proves};
use crate::secret::Secret;

/// How the making of a temporary password ended.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Issued {
    /// This is it, in no store and not to be had again. For its owner's eyes only.
    Password(Secret),
    /// Too much to hash at the moment; nothing was written.
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
}

impl Password {
    /// Gives an account a temporary password in place of the one it has, if any: for a first sign-in, or from the service
    /// desk. It is good for so long (seven days at the most), and for nothing but choosing another one (ASVS 6.4.1). All
    /// sessions end, known browsers are forgotten, the owner is told, and it is in the history.
    ///
    /// The library makes it, so that whoever asks for it never chooses it; hand it to its owner in a way that nobody else
    /// reads. Asking again makes another one in its place.
    ///
    /// # Errors
    /// When something does not work; [`Broken::Misuse`] for an account that is not there or closed, a life of nothing or
    /// over seven days, or without this factor in the builder.
    pub async fn issue_temporary(
        auth: &Auth,
        account: AccountId,
        life: Duration,
        by: &Client,
    ) -> Result<Issued, Broken> {
        if life.is_zero() || life > LONGEST_LIFE {
            return Err(Broken::Misuse("a temporary password lives for up to seven days"));
        }
        let inner = &auth.0;
        let policy = &*inner.profile.password;
        // Of letters, digits and signs that are not taken for one another: on any keyboard, from any paper.
        let made = Recipe::signs().make(policy, &inner.site.words, inner.entropy())?;
        let hash = match inner.hashes.hash(Lane::Known, Secret::new(made.expose()), inner.entropy()).await? {
            Hashed::Done(hash) => StoredHash::from(hash),
            Hashed::Busy { retry_after } => return Ok(Issued::Busy { retry_after }),
        };
        let now = inner.clock.now();
        let remembered = policy.remembers().clamp(1, super::MOST_REMEMBERED);
        let next = |old: Option<Stored>| {
            let theirs = old.into_iter().flat_map(|old| {
                let skip = usize::from(old.temporary.is_some());
                std::iter::once(old.hash).chain(old.previous).skip(skip)
            });
            Some(Stored {
                previous: theirs.take(remembered).collect(),
                chosen: Some(now),
                temporary: Some(now.after(life)),
                ..Stored::of(hash.clone())
            })
        };
        let told = (event::name::ISSUED, "credential-temporary");
        let _ = inner.rewrite(account, &Self::NAME, told, by, next).await?;
        Ok(Issued::Password(made))
    }

    /// Marks an account's password as known to others, on the word of the application (a leak that it read of, a report
    /// by its owner). All sessions end, known browsers are forgotten, the owner is told; the next sign-in by it asks for
    /// a new one. Nothing is done where there is none, or it is marked already.
    ///
    /// Where the password alone signs in, whoever else knows it may be the first to change it. If that is to be feared,
    /// [issue a temporary one](Self::issue_temporary) instead.
    ///
    /// # Errors
    /// When something does not work; [`Broken::Misuse`] as [`Password::issue_temporary`].
    pub async fn mark_compromised(auth: &Auth, account: AccountId, by: &Client) -> Result<Effect, Broken> {
        let mark = |old: Option<Stored>| {
            old.filter(|old| !old.compromised).map(|old| Stored { compromised: true, ..old })
        };
        let told = (event::name::COMPROMISED, "credential-compromised");
        Ok(Effect::of(auth.0.rewrite(account, &Self::NAME, told, by, mark).await?))
    }

    /// What a right password proves, and what is to be written of it: a new hash, the day from which its age counts,
    /// that it has leaked.
    pub(super) async fn right(
        &self,
        cx: &Context<'_>,
        credential: &Credential<Stored>,
        password: Secret,
    ) -> Result<Verdict<Stored>, FactorError> {
        let old = &credential.data;
        // Told only to who has typed it right.
        if old.temporary.is_some_and(|until| until <= cx.now) {
            return Ok(Verdict::refuse(Reason::Expired));
        }
        let mut kept = old.clone();
        let mut changed = false;
        if self.rechecks && old.temporary.is_none() && !old.compromised {
            // Fails open: an outage elsewhere shuts nobody out.
            kept.compromised = self.is_breached(&password).await.unwrap_or(false);
            changed |= kept.compromised;
        }
        if old.chosen.is_none() && cx.policy().max_age().is_some() {
            kept.chosen = Some(cx.now);
            changed = true;
        }
        // The cost has changed since: hash again while the password is at hand. If the pool is full, next time.
        if cx.hashes().needs_rehash(&old.hash)
            && let Hashed::Done(hash) = cx.hashes().hash(cx.lane, password, cx.entropy()).await?
        {
            kept.hash = hash.into();
            changed = true;
        }
        let mut proved = kept.proves();
        if kept.is_old(cx.policy(), cx.now) {
            proved = proved.due(Due::Expired);
        }
        Ok(Verdict::Accept { credential: credential.id, proved, change: changed.then_some(kept) })
    }
}

impl Stored {
    /// Nothing is known of it but its hash.
    pub(super) const fn of(hash: StoredHash) -> Self {
        Self { hash, previous: Vec::new(), chosen: None, temporary: None, compromised: false }
    }

    /// What it proves, its age aside.
    pub(super) const fn proves(&self) -> Proves {
        match (self.temporary.is_some(), self.compromised) {
            (false, false) => PROVES,
            (true, false) => PROVES.due(Due::Temporary),
            (false, true) => PROVES.due(Due::Compromised),
            (true, true) => PROVES.due(Due::Temporary).due(Due::Compromised),
        }
    }

    fn is_old(&self, policy: &dyn CredentialPolicy, now: Timestamp) -> bool {
        policy.max_age().zip(self.chosen).is_some_and(|(age, chosen)| now.since(chosen) >= age)
    }
}

/// Long enough for a letter across a city; what is not used by then is asked for anew.
const LONGEST_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);
