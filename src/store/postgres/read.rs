use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::failure::Failure;
use super::line::{Values, values};
use crate::clock::Timestamp;
use crate::event::{EventPage, EventRow, Outcome};
use crate::id::{
    AccountId, BrowserId, CredentialId, Epoch, EventId, EventName, FactorName, MessageId, Realm, SessionId,
    Version,
};
use crate::message::MessageRow;
use crate::proof::Packed;
use crate::secret::{Route, TokenHash};
use crate::store::{
    AccountRow, AccountState, BrowserRow, ContactRow, CredentialRow, FlowRow, FoundSession, IdentifierRow,
    Lookup, SessionRow, Subject, SubjectKey,
};

/// One statement, so one moment and one round trip. Its columns: kind of row; id or lookup; a second key; a name;
/// four numbers; a blob; lookups; another blob.
macro_rules! subject_sql {
    ($who:literal) => {
        concat!(
            "SELECT 0::BIGINT, id, route, realm, version, epoch, state, created, data_key, NULL::BYTEA[], sealed
             FROM accounts WHERE id = ",
            $who,
            "
             UNION ALL SELECT 1, lookup, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, sealed
             FROM identifiers WHERE free_at IS NULL AND account = ",
            $who,
            "
             UNION ALL SELECT 2, id, NULL, NULL, version, confirmed, NULL, NULL, NULL, NULL, sealed
             FROM contacts WHERE account = ",
            $who,
            "
             UNION ALL SELECT 3, id, NULL, factor, version, created, NULL, NULL, NULL, lookups, sealed
             FROM credentials WHERE account = ",
            $who,
            "
             UNION ALL SELECT 4, id, key, NULL, seen, expires, NULL, NULL, NULL, NULL, NULL
             FROM browsers WHERE account = ",
            $who
        )
    };
}

/// What finds a subject, and the key.
pub(super) fn subject_of(by: &SubjectKey) -> (&'static str, Vec<u8>) {
    match by {
        SubjectKey::Account(id) => (subject_sql!("$1"), id.as_bytes().to_vec()),
        SubjectKey::Identifier(Lookup(lookup)) => (
            subject_sql!("(SELECT account FROM identifiers WHERE lookup = $1 AND free_at IS NULL)"),
            lookup.to_vec(),
        ),
        SubjectKey::Credential(Lookup(lookup)) => {
            (subject_sql!("(SELECT account FROM handles WHERE lookup = $1)"), lookup.to_vec())
        }
    }
}

/// The account and all that belongs to it.
pub(super) fn subject(rows: &[Row]) -> Result<Option<Subject>, Failure> {
    let mut subject = None;
    for row in rows {
        if number(row, 0)? == 0 {
            subject = Some(Subject::new(account(row)?));
        }
    }
    // The account's row may stand anywhere: UNION ALL promises no order.
    let Some(mut subject) = subject else { return Ok(None) };
    let account = subject.account.id;
    for row in rows {
        match number(row, 0)? {
            0 => {}
            1 => subject.identifiers.push(IdentifierRow {
                lookup: Lookup(fixed(row, 1)?),
                account,
                sealed: row.try_get(10)?,
            }),
            2 => subject.contacts.push(ContactRow {
                id: CredentialId::from_bytes(fixed(row, 1)?),
                account,
                version: Version(number(row, 4)?),
                confirmed: time(row, 5)?,
                sealed: row.try_get(10)?,
            }),
            3 => subject.credentials.push(CredentialRow {
                id: CredentialId::from_bytes(fixed(row, 1)?),
                account,
                factor: FactorName::owned(text(row, 3)?),
                version: Version(number(row, 4)?),
                created: time(row, 5)?,
                lookups: lookups(row, 9)?,
                sealed: row.try_get(10)?,
            }),
            _ => subject.browsers.push(BrowserRow {
                id: BrowserId::from_bytes(fixed(row, 1)?),
                account,
                key: TokenHash::from_bytes(fixed(row, 2)?),
                seen: time(row, 4)?,
                expires: time(row, 5)?,
            }),
        }
    }
    Ok(Some(subject))
}

fn account(row: &Row) -> Result<AccountRow, Failure> {
    Ok(AccountRow {
        id: AccountId::from_bytes(fixed(row, 1)?),
        realm: Realm::owned(text(row, 3)?),
        version: Version(number(row, 4)?),
        epoch: Epoch(number(row, 5)?),
        state: AccountState::from_number(number(row, 6)?).ok_or(Failure::Corrupt("an account's state"))?,
        route: Route::from_bytes(fixed(row, 2)?),
        created: time(row, 7)?,
        data_key: row.try_get(8)?,
        sealed: row.try_get(10)?,
    })
}

fn lookups(row: &Row, column: usize) -> Result<Vec<Lookup>, Failure> {
    let all: Vec<&[u8]> = row.try_get(column)?;
    all.into_iter().map(|lookup| lookup.try_into().map(Lookup).map_err(|_| NEVER_WRITTEN)).collect()
}

/// The session and its account's epoch: two look-ups by primary key.
pub(super) const SESSION: &str =
    "SELECT s.id, s.account, s.epoch, s.created, s.seen, s.idle_secs, s.expires, s.proofs, s.key, a.epoch
     FROM sessions s JOIN accounts a ON a.id = s.account WHERE s.key = $1";
pub(super) const SESSIONS: &str = "SELECT id, account, epoch, created, seen, idle_secs, expires, proofs, key FROM sessions WHERE account = $1";

/// What [`SESSION`] finds.
pub(super) fn found(row: &Row) -> Result<FoundSession, Failure> {
    Ok(FoundSession { row: session(row)?, epoch: Epoch(number(row, 9)?) })
}

/// What [`SESSIONS`] finds.
pub(super) fn session(row: &Row) -> Result<SessionRow, Failure> {
    Ok(SessionRow {
        id: SessionId::from_bytes(fixed(row, 0)?),
        key: TokenHash::from_bytes(fixed(row, 8)?),
        account: AccountId::from_bytes(fixed(row, 1)?),
        epoch: Epoch(number(row, 2)?),
        created: time(row, 3)?,
        seen: time(row, 4)?,
        idle_secs: whole(row, 5)?,
        expires: time(row, 6)?,
        proofs: Packed::from_bytes(row.try_get(7)?),
    })
}

pub(super) const FLOW: &str = "SELECT version, expires, sealed FROM flows WHERE key = $1 AND expires > $2";

/// What [`FLOW`] finds.
pub(super) fn flow(row: &Row, key: TokenHash) -> Result<FlowRow, Failure> {
    Ok(FlowRow { key, version: Version(number(row, 0)?), expires: time(row, 1)?, sealed: row.try_get(2)? })
}

pub(super) const EVENTS: &str = "SELECT id, account, at, outcome, realm, name, sealed, lasting FROM events
    WHERE account = $1 AND id < $2 AND ($3::BIGINT IS NULL OR at >= $3) AND ($4::BIGINT IS NULL OR at < $4)
    AND ($5::BIGINT IS NULL OR outcome = $5) ORDER BY id DESC LIMIT $6";
pub(super) const BEGINNINGS: &str =
    "SELECT id, account, at, outcome, realm, name, sealed, lasting FROM events WHERE id = ANY ($1)";

/// What is bound to [`EVENTS`].
pub(super) fn page(of: AccountId, page: &EventPage) -> Values<'static> {
    // Seventeen bytes of 0xff lie above every id, so that a page without a bound is the same range scan.
    values![
        of.as_bytes().to_vec(),
        page.before.map_or_else(|| vec![0xff; 17], |id| id.as_bytes().to_vec()),
        page.since.map(Timestamp::as_millis),
        page.until.map(Timestamp::as_millis),
        page.outcome.map(|outcome| outcome as i64),
        i64::try_from(page.limit.min(MOST_EVENTS)).unwrap_or(0),
    ]
}

/// What [`EVENTS`] and [`BEGINNINGS`] find.
pub(super) fn event(row: &Row) -> Result<EventRow, Failure> {
    Ok(EventRow {
        id: EventId::from_bytes(fixed(row, 0)?),
        account: owner(row, 1)?,
        at: time(row, 2)?,
        outcome: Outcome::from_number(number(row, 3)?).ok_or(Failure::Corrupt("an event's outcome"))?,
        realm: Realm::owned(text(row, 4)?),
        name: EventName::owned(text(row, 5)?),
        lasting: row.try_get(7)?,
        sealed: row.try_get(6)?,
    })
}

/// The columns: id, realm, account, deliver, due, attempts, sealed.
pub(super) fn message(row: &Row) -> Result<MessageRow, Failure> {
    Ok(MessageRow {
        id: MessageId::from_bytes(fixed(row, 0)?),
        realm: Realm::owned(text(row, 1)?),
        account: owner(row, 2)?,
        deliver: row.try_get(3)?,
        due: time(row, 4)?,
        attempts: whole(row, 5)?,
        sealed: row.try_get(6)?,
    })
}

pub(super) const CANARY: &str = "SELECT sealed FROM canaries WHERE realm = $1";

/// A number.
pub(super) fn number(row: &Row, column: usize) -> Result<i64, Failure> {
    value(row, column)
}

/// A number that is never less than zero.
pub(super) fn whole(row: &Row, column: usize) -> Result<u32, Failure> {
    u32::try_from(number(row, column)?).map_err(|_| NEVER_WRITTEN)
}

fn value<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, Failure> {
    row.try_get(column).map_err(|_| NEVER_WRITTEN)
}

fn time(row: &Row, column: usize) -> Result<Timestamp, Failure> {
    number(row, column).map(Timestamp::from_millis)
}

fn fixed<const N: usize>(row: &Row, column: usize) -> Result<[u8; N], Failure> {
    value::<&[u8]>(row, column)?.try_into().map_err(|_| NEVER_WRITTEN)
}

fn owner(row: &Row, column: usize) -> Result<Option<AccountId>, Failure> {
    let id: Option<&[u8]> = value(row, column)?;
    id.map(|id| id.try_into().map(AccountId::from_bytes).map_err(|_| NEVER_WRITTEN)).transpose()
}

fn text(row: &Row, column: usize) -> Result<String, Failure> {
    String::from_utf8(value(row, column)?).map_err(|_| NEVER_WRITTEN)
}

const NEVER_WRITTEN: Failure = Failure::Corrupt("a column holds what was never written to it");

/// A page of events has no more.
const MOST_EVENTS: usize = 1000;
