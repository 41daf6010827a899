//! Refresh tokens, for applications that hold no cookies: a session whose token lives for minutes, and a second token
//! that gets the next one. Each use of that one gives another in its place (RFC 9700 section 4.14.2, ASVS 5.0 10.4.5).
//!
//! The session is one row from its beginning to its end, under one id: what ends it by its id, its account's epoch, the
//! number of sessions or time ends what can be refreshed. Its row names its family; the family has one row among the
//! flows, which a token finds by the tag at its head and which each use passes on by compare-and-swap: the hash of the
//! token that is good, and of the one before it.
//!
//! What the one before was exchanged for lies there, too, sealed under a key that is derived from that token, so that the
//! store and the operator's keys together give nobody a token. Who brings it again within some seconds, because the reply
//! was lost or fifty of its requests went out at once, gets the same; any other token of the family says that there are
//! two who hold it, and it is ended for both.

use std::time::Duration;

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::stop::Going;
use super::subject::Person;
use super::{Code, Done, Visit};
use crate::auth::Inner;
use crate::clock::Timestamp;
use crate::error::Broken;
use crate::event::{self, Outcome, Sealed};
use crate::id::{AccountId, Epoch, SessionId, Version};
use crate::proof::Access;
use crate::secret::{DataKey, Place, Purpose, Route, Token, TokenHash, same};
use crate::session::Session;
use crate::store::{Committed, FlowRow, OnceKey, SessionRow, SubjectKey, Write};

/// What stands sealed in a family's row.
#[derive(Serialize, Deserialize)]
struct Family {
    account: AccountId,
    session: SessionId,
    /// The hash of the token that is good.
    good: [u8; 32],
    before: Option<Before>,
}

/// The token before it.
#[derive(Serialize, Deserialize)]
struct Before {
    hash: [u8; 32],
    /// It gets the same again until then.
    until: Timestamp,
    /// What it was exchanged for, sealed under it.
    pair: String,
}

impl Inner {
    /// The row and the first token of a session's family, where it has one.
    pub(crate) fn family(&self, session: &Session) -> Result<Option<(Write, Token)>, Broken> {
        let Some(Access { family, .. }) = session.access() else { return Ok(None) };
        let token = Token::routed(family, self.entropy())?;
        let (account, good) = (session.account(), self.refresh_hash(&token));
        let family = Family { account, session: session.id(), good, before: None };
        let row = self.family_row(family_key(self, &token), Version(0), session.expires(), &family)?;
        Ok(Some((Write::AddFlow(row), token)))
    }

    pub(crate) async fn refresh(&self, visit: &Visit, token: &Token) -> Going<Box<Done>> {
        self.slow_down(visit, None).await?;
        self.ready().await?;
        let (key, hash) = (family_key(self, token), self.refresh_hash(token));
        for _ in 0..MOST_TRIES {
            let now = self.clock.now();
            let row = self.store.find_flow(key, now).await?.ok_or(Code::NoSession)?;
            let plain = self.keys.open(&place(&key), &row.sealed)?;
            let family: Family = serde_json::from_slice(&plain).map_err(|_| Broken::Sealed)?;
            let person = self.active(family.account).await?.ok_or(Code::NoSession)?;
            let Some(session) = self.of_family(&person, family.session).await? else {
                self.gone(&person, &family, &row).await?;
                continue;
            };
            if !session.lives(person.epoch(), now)
                || session.access().map(|access| access.family) != token.route()
            {
                return Err(Code::NoSession.into());
            }
            let end = match &family.before {
                _ if same(&family.good, &hash) => self.exchange(token, &row, &family, &session, now).await?,
                Some(before) if same(&before.hash, &hash) && now < before.until => {
                    let pair = open_pair(self, token, &key, &before.pair)?;
                    return Ok(refreshed(session, pair));
                }
                _ => Exchanged::Reused,
            };
            match end {
                Exchanged::Done(done) => return Ok(done),
                Exchanged::Lost => {}
                Exchanged::Reused => {
                    if self.end_family(visit, &person, &row, &session).await? {
                        return Err(Code::RefreshReused.into());
                    }
                }
            }
        }
        super::stop::busy(BUSY)
    }

    async fn exchange(
        &self,
        token: &Token,
        row: &FlowRow,
        family: &Family,
        session: &Session,
        now: Timestamp,
    ) -> Going<Exchanged> {
        let tag = token.route().ok_or(Code::NoSession)?;
        let pair = [Token::routed(session.route(), self.entropy())?, Token::routed(tag, self.entropy())?];
        let [access, next] = &pair;
        let until = now.after(self.profile.sessions.grace);
        let sealed = seal_pair(self, token, &row.key, &pair)?;
        let before = Some(Before { hash: family.good, until, pair: sealed });
        let follows = Family { good: self.refresh_hash(next), before, ..*family };
        let next_row = self.family_row(row.key, row.version.next(), session.expires(), &follows)?;
        let renewed = self.refreshed(session, tag, access, now);
        let (account, route, id) = (session.account(), session.route(), session.id());
        // In the ledger: a hot store that forgets this exchange brings the token back, and not a second use of it.
        let once = OnceKey(self.keys.lookup(Purpose::Once, &[b"refresh", &family.good]));
        let batch = vec![
            Write::SwapFlow { row: next_row, expect: row.version },
            Write::Once { key: once, until: now.after(FORGETS) },
            Write::EndSession { account, route, id },
            Write::AddSession { row: renewed.clone(), keep: self.profile.sessions.at_most },
        ];
        Ok(match self.commit(batch).await? {
            Committed::Won => Exchanged::Done(refreshed(Session::of(renewed), pair)),
            Committed::Lost { at: 1 } => Exchanged::Reused,
            Committed::Lost { .. } => Exchanged::Lost,
        })
    }

    /// Two hold it, and nobody can tell which is the owner: it ends for both, and the owner is told. False: lost a race.
    async fn end_family(
        &self,
        visit: &Visit,
        person: &Person,
        row: &FlowRow,
        session: &Session,
    ) -> Going<bool> {
        let reason = Some(Code::RefreshReused.as_str().to_owned());
        let content = Sealed { reason, ..Sealed::new(visit.client.origin()) };
        let (account, route, id) = (session.account(), session.route(), session.id());
        let mut batch = vec![
            Write::TakeFlow { key: row.key, expect: row.version },
            Write::EndSession { account, route, id },
            self.line(person, event::name::REFRESHED, Outcome::Refused, &content)?.1,
        ];
        batch.extend(self.notices(person, &visit.client, "refresh-reused", Vec::new())?);
        Ok(self.commit(batch).await? == Committed::Won)
    }

    /// The same session under another token. Nothing is proven by it: the proofs keep their times, the end its place.
    fn refreshed(&self, session: &Session, family: Route, access: &Token, now: Timestamp) -> SessionRow {
        let mut row = session.row().clone();
        row.key = access.hash(self.keys.scope(), Purpose::Session);
        row.seen = now;
        let until = now.after(self.profile.sessions.access).min(row.expires);
        row.proofs = row.proofs.renewable(Access { family, until });
        row
    }

    pub(crate) async fn active(&self, account: AccountId) -> Result<Option<Person>, Broken> {
        let subject = self.store.subject(SubjectKey::Account(account)).await?;
        Ok(subject.and_then(Person::active))
    }

    async fn of_family(&self, person: &Person, id: SessionId) -> Result<Option<Session>, Broken> {
        let Some(subject) = &person.subject else { return Ok(None) };
        let rows = self.store.sessions_of(person.id, subject.account.route).await?;
        Ok(rows.into_iter().map(Session::of).find(|session| session.id() == id))
    }

    /// Over two homes nobody sees a session while another use, or a step that may yet be lost, holds it. A batch that
    /// wants both and cannot be recorded waits for them, is told which of them is not there, and changes nothing.
    async fn gone(&self, person: &Person, family: &Family, row: &FlowRow) -> Going<()> {
        let Some(subject) = &person.subject else { return Err(Code::NoSession.into()) };
        let (account, route) = (person.id, subject.account.route);
        let same = FlowRow { version: row.version.next(), ..row.clone() };
        let batch = vec![
            Write::SwapFlow { row: same, expect: row.version },
            Write::EndSession { account, route, id: family.session },
            Write::KeepEpoch { account, expect: NEVER },
        ];
        match self.commit(batch).await? {
            Committed::Lost { at: 1 } => Err(Code::NoSession.into()),
            _ => Ok(()),
        }
    }

    fn family_row(
        &self,
        key: TokenHash,
        version: Version,
        expires: Timestamp,
        family: &Family,
    ) -> Result<FlowRow, Broken> {
        let plain = serde_json::to_vec(family).map_err(|_| Broken::Misuse("family"))?;
        let sealed = self.keys.seal(self.entropy(), &place(&key), &plain)?;
        Ok(FlowRow { key, version, expires, sealed })
    }

    fn refresh_hash(&self, token: &Token) -> [u8; 32] {
        *token.hash(self.keys.scope(), Purpose::Refresh).as_bytes()
    }
}

enum Exchanged {
    Done(Box<Done>),
    /// Somebody was faster: look again.
    Lost,
    Reused,
}

fn refreshed(session: Session, [token, refresh]: [Token; 2]) -> Box<Done> {
    Box::new(Done { refresh: Some(refresh), ..Done::as_it_is(session, token, false) })
}

fn family_key(auth: &Inner, token: &Token) -> TokenHash {
    let tag = token.route();
    let tag = tag.as_ref().map_or(&[][..], |tag| tag.as_bytes());
    TokenHash::from_bytes(auth.keys.lookup(Purpose::Refresh, &[tag]))
}

fn place(key: &TokenHash) -> Place<'_> {
    Place::new(Purpose::Refresh, key.as_bytes())
}

fn seal_pair(auth: &Inner, by: &Token, key: &TokenHash, pair: &[Token; 2]) -> Result<String, Broken> {
    let texts = pair.each_ref().map(Token::expose);
    let plain = Zeroizing::new(texts.each_ref().map(|text| text.as_str()).join(" "));
    let sealed = auth.keys.seal_under(&DataKey::of(by)?, auth.entropy(), &place(key), plain.as_bytes())?;
    Ok(BASE64.encode(&sealed))
}

fn open_pair(auth: &Inner, by: &Token, key: &TokenHash, sealed: &str) -> Result<[Token; 2], Broken> {
    let sealed = BASE64.decode(sealed.as_bytes()).map_err(|_| Broken::Sealed)?;
    let plain = auth.keys.open_under(&DataKey::of(by)?, &place(key), &sealed)?;
    let both = std::str::from_utf8(&plain).ok().and_then(|text| text.split_once(' '));
    let both = both.and_then(|(access, next)| Some([Token::parse(access)?, Token::parse(next)?]));
    both.ok_or(Broken::Sealed)
}

const MOST_TRIES: usize = 12;
/// No account's.
const NEVER: Epoch = Epoch(i64::MIN);
const BUSY: Duration = Duration::from_secs(1);
/// By then every replica of a hot store has heard of an exchange.
const FORGETS: Duration = Duration::from_secs(3600);

#[cfg(all(test, feature = "testing"))]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
mod tests;
