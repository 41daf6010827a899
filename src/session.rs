//! Sessions: minted in one place, from proofs; checked in one round trip; ended by epoch, by id, or by time.

use std::fmt::{self, Debug};
use std::time::Duration;

use crate::auth::Inner;
use crate::clock::Timestamp;
use crate::error::Broken;
use crate::event::EventRow;
use crate::flow::{Person, Trusted};
use crate::id::{AccountId, Epoch, EventId, SessionId};
use crate::policy::{Profile, Requirement};
use crate::proof::{self, Aal, Access, Packed, Proof};
use crate::secret::{Purpose, Route, Token, TokenHash};
use crate::store::{FoundSession, SessionRow, Write};

/// A signed-in client.
#[derive(Clone)]
pub struct Session {
    row: SessionRow,
}

impl Session {
    /// Its id, as its owner's list shows it.
    pub const fn id(&self) -> SessionId {
        self.row.id
    }

    /// Who is signed in.
    pub const fn account(&self) -> AccountId {
        self.row.account
    }

    /// What was proven to get it.
    pub fn proofs(&self) -> Vec<Proof> {
        self.row.proofs.unpack(self.row.created).unwrap_or_default()
    }

    /// The assurance level that was reached, computed from the proofs.
    pub fn aal(&self) -> Aal {
        proof::aal(&self.proofs())
    }

    /// How, in the words of RFC 8176.
    pub fn amr(&self) -> Vec<&'static str> {
        proof::amr(&self.proofs())
    }

    /// Whether its proofs are enough for an operation now. The door of an operation is
    /// [`Auth::require`](crate::Auth::require), which looks at the account's level, too.
    #[must_use]
    pub fn has_proven(&self, asked: &Requirement, now: Timestamp) -> bool {
        asked.met_by(&self.proofs(), now)
    }

    /// When it was made.
    pub const fn created(&self) -> Timestamp {
        self.row.created
    }

    /// When it was last used, to within a few minutes.
    pub const fn seen(&self) -> Timestamp {
        self.row.seen
    }

    /// When it ends, used or not.
    pub const fn expires(&self) -> Timestamp {
        self.row.expires
    }

    /// When its token is over and the next one is due, where a refresh token gets that
    /// ([`Client::refreshing`](crate::flow::Client::refreshing)).
    pub fn token_expires(&self) -> Option<Timestamp> {
        Some(self.access()?.until)
    }

    pub(crate) fn access(&self) -> Option<Access> {
        self.row.proofs.access()
    }

    pub(crate) const fn row(&self) -> &SessionRow {
        &self.row
    }

    pub(crate) fn route(&self) -> Route {
        self.row.key.route()
    }

    pub(crate) const fn epoch(&self) -> Epoch {
        self.row.epoch
    }

    /// Whether it was begun on a device that is not its person's.
    pub(crate) fn is_public(&self, profile: &Profile) -> bool {
        Duration::from_secs(self.row.idle_secs.into()) == profile.sessions.public_idle
    }

    pub(crate) const fn of(row: SessionRow) -> Self {
        Self { row }
    }

    pub(crate) fn lives(&self, epoch: Epoch, now: Timestamp) -> bool {
        self.row.epoch == epoch
            && now < self.row.expires
            && now.since(self.row.seen) < Duration::from_secs(self.row.idle_secs.into())
    }
}

impl Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.row.id)
            .field("account", &self.row.account)
            .finish_non_exhaustive()
    }
}

/// A session in its owner's list.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Listed {
    /// The session.
    pub session: Session,
    /// From where it was begun, unless that event has been purged.
    pub from: Option<crate::event::Origin>,
}

/// What a session is made of. There is no other way to make one.
pub(crate) struct Grant<'a> {
    pub(crate) account: AccountId,
    pub(crate) epoch: Epoch,
    pub(crate) route: Route,
    pub(crate) event: EventId,
    pub(crate) proofs: &'a [Proof],
    pub(crate) public_device: bool,
    /// Its token is short-lived and renewed by another.
    pub(crate) refresh: bool,
    pub(crate) now: Timestamp,
    /// A renewed session ends when the old one would have: what was proven then is not proven anew.
    pub(crate) expires: Option<Timestamp>,
    /// The browser's trust, where that takes the place of what the profile asks for beyond it.
    pub(crate) trusted: Option<Trusted>,
}

impl Inner {
    /// Creates a session. It takes proofs, not a flag: who proved too little for the profile gets none, nor who has yet
    /// to replace what they proved it by, whatever the caller thinks (ATTACKS B: the second factor skipped on another
    /// path). There is no other way but `renew`, which carries on the proofs of a session that was created here.
    pub(crate) fn mint(&self, grant: Grant<'_>) -> Result<(Write, Session, Token), Broken> {
        let due = grant.proofs.iter().any(|proof| proof.proves().why_due().is_some());
        let trusted = self.profile.trust.as_ref().filter(|_| grant.trusted.is_some());
        let asked = trusted.map_or(self.profile.sign_in, |rule| rule.needs);
        if due || !asked.met_by(grant.proofs, grant.now) {
            return Err(Broken::Misuse("a session was asked for without the proofs that the profile wants"));
        }
        self.mint_as_proven(grant)
    }

    /// For flows that renew a session which already met the profile: its own proofs are carried on, the newest of
    /// each factor.
    pub(crate) fn renew(&self, old: &Session, grant: Grant<'_>) -> Result<(Write, Session, Token), Broken> {
        if old.account() != grant.account {
            return Err(Broken::Misuse("a session is renewed for its own account"));
        }
        let again = |proof: &Proof| grant.proofs.iter().any(|new| new.factor() == proof.factor());
        let mut proofs: Vec<Proof> = old.proofs().into_iter().filter(|proof| !again(proof)).collect();
        proofs.extend_from_slice(grant.proofs);
        self.mint_as_proven(Grant { proofs: &proofs, ..grant })
    }

    fn mint_as_proven(&self, grant: Grant<'_>) -> Result<(Write, Session, Token), Broken> {
        let limits = &self.profile.sessions;
        let (idle, absolute) = if grant.public_device {
            (limits.public_idle, limits.public_absolute)
        } else {
            (limits.idle, limits.absolute)
        };
        let expires = grant.expires.unwrap_or(grant.now.after(absolute));
        let mut proofs = Packed::new(grant.proofs, grant.now);
        if grant.refresh && !grant.public_device {
            let (family, until) = (Route::random(self.entropy())?, grant.now.after(limits.access));
            proofs = proofs.renewable(Access { family, until: until.min(expires) });
        }
        let token = Token::routed(grant.route, self.entropy())?;
        let row = SessionRow {
            id: SessionId::from_bytes(*grant.event.as_bytes()),
            key: token.hash(self.keys.scope(), Purpose::Session),
            account: grant.account,
            epoch: grant.epoch,
            created: grant.now,
            seen: grant.now,
            idle_secs: u32::try_from(idle.as_secs()).unwrap_or(u32::MAX),
            expires,
            proofs,
        };
        let session = Session { row: row.clone() };
        Ok((Write::AddSession { row, keep: limits.at_most }, session, token))
    }

    pub(crate) async fn check(&self, token: &Token) -> Result<Option<Session>, Broken> {
        let Some(session) = self.peek(token).await? else { return Ok(None) };
        // A store that can be read and not written (full, or gone read-only) signs nobody out: the session only seems idle
        // for longer than it was.
        let _ = self.touch(&session, session.row.key, self.clock.now()).await;
        Ok(Some(session))
    }

    /// The same, and no use of it.
    pub(crate) async fn peek(&self, token: &Token) -> Result<Option<Session>, Broken> {
        let session = self.holder(token).await?;
        let now = self.clock.now();
        Ok(session.filter(|session| session.token_expires().is_none_or(|until| now < until)))
    }

    /// The same, its token over or not: enough to end it.
    pub(crate) async fn holder(&self, token: &Token) -> Result<Option<Session>, Broken> {
        self.ready().await?;
        // A token without a route was made for something else: not even looked up.
        if token.route().is_none() {
            return Ok(None);
        }
        let key = token.hash(self.keys.scope(), Purpose::Session);
        let Some(FoundSession { row, epoch }) = self.store.find_session(key).await? else {
            return Ok(None);
        };
        let session = Session { row };
        Ok(Some(session).filter(|session| session.lives(epoch, self.clock.now())))
    }

    /// Whether this session of the person's lives. Over two homes it is out of sight while a refresh or a step holds
    /// it, and who looks for its token waits for them. By its id then: a refresh has given it another token.
    pub(crate) async fn lives(&self, mine: &Session, person: &Person) -> Result<bool, Broken> {
        if self.live_session(mine.id(), person).await?.is_some() {
            return Ok(true);
        }
        let _ = self.store.find_session(mine.row.key).await?;
        Ok(self.live_session(mine.id(), person).await?.is_some())
    }

    // Not at each request: the time is kept to within a tenth of the idle limit, five minutes at the most.
    async fn touch(&self, session: &Session, key: TokenHash, now: Timestamp) -> Result<(), Broken> {
        let slack = Duration::from_secs(u64::from(session.row.idle_secs) / 10).min(Duration::from_secs(300));
        if now.since(session.row.seen) > slack {
            let _ = self.commit(vec![Write::TouchSession { key, seen: now }]).await?;
        }
        Ok(())
    }

    pub(crate) async fn sessions(&self, of: AccountId) -> Result<Vec<Listed>, Broken> {
        let now = self.clock.now();
        let Some(person) = self.person_by_id(of).await? else { return Ok(Vec::new()) };
        let (Some(known), Some(subject)) = (person.known(self)?, &person.subject) else {
            return Ok(Vec::new());
        };
        let route = subject.account.route;
        let mut live: Vec<Session> =
            self.store.sessions_of(of, route).await?.into_iter().map(|row| Session { row }).collect();
        live.retain(|session| session.lives(person.epoch(), now));
        live.sort_by_key(|session| std::cmp::Reverse(session.seen()));
        let events = self.store.beginnings(live.iter().map(Session::id).collect()).await?;
        Ok(live
            .into_iter()
            .map(|session| {
                let began = |row: &&EventRow| row.id.as_bytes() == session.id().as_bytes();
                let from =
                    events.iter().find(began).and_then(|row| self.open_event(row, Some(&known.key)).ok());
                Listed { from: from.map(|event| event.origin), session }
            })
            .collect())
    }
}
