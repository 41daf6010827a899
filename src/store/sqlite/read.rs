use rusqlite::{Connection, OptionalExtension, Row, params};

use super::failure::Failure;
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

/// One statement, so one moment and one query. Its columns: kind of row; id or lookup; a second key; a name; four
/// numbers; two blobs.
macro_rules! subject_sql {
    ($who:literal) => {
        concat!(
            "SELECT 0, id, route, realm, version, epoch, state, created, data_key, sealed
             FROM accounts WHERE id = ",
            $who,
            "
             UNION ALL SELECT 1, lookup, NULL, NULL, NULL, NULL, NULL, NULL, NULL, sealed
             FROM identifiers WHERE free_at IS NULL AND account = ",
            $who,
            "
             UNION ALL SELECT 2, id, NULL, NULL, version, confirmed, NULL, NULL, NULL, sealed
             FROM contacts WHERE account = ",
            $who,
            "
             UNION ALL SELECT 3, id, NULL, factor, version, created, NULL, NULL, lookups, sealed
             FROM credentials WHERE account = ",
            $who,
            "
             UNION ALL SELECT 4, id, key, NULL, seen, expires, NULL, NULL, NULL, NULL
             FROM browsers WHERE account = ",
            $who
        )
    };
}

/// The account and all that belongs to it.
pub(super) fn subject(db: &Connection, by: SubjectKey) -> Result<Option<Subject>, Failure> {
    let (sql, key) = match &by {
        SubjectKey::Account(id) => (subject_sql!("?1"), id.as_bytes().as_slice()),
        SubjectKey::Identifier(Lookup(lookup)) => (
            subject_sql!("(SELECT account FROM identifiers WHERE lookup = ?1 AND free_at IS NULL)"),
            lookup.as_slice(),
        ),
        SubjectKey::Credential(Lookup(lookup)) => {
            (subject_sql!("(SELECT account FROM handles WHERE lookup = ?1)"), lookup.as_slice())
        }
    };
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([key])?;
    let (mut subject, mut owner) = (None, None);
    // The account's row is that of the first arm.
    while let Some(row) = rows.next()? {
        let kind: i64 = row.get(0)?;
        if kind == 0 {
            let account = account(row)?;
            owner = Some(account.id);
            subject = Some(Subject::new(account));
            continue;
        }
        let (Some(subject), Some(owner)) = (subject.as_mut(), owner) else { continue };
        match kind {
            1 => subject.identifiers.push(IdentifierRow {
                lookup: Lookup(row.get(1)?),
                account: owner,
                sealed: row.get(9)?,
            }),
            2 => subject.contacts.push(ContactRow {
                id: CredentialId::from_bytes(row.get(1)?),
                account: owner,
                version: Version(row.get(4)?),
                confirmed: time(row, 5)?,
                sealed: row.get(9)?,
            }),
            3 => subject.credentials.push(CredentialRow {
                id: CredentialId::from_bytes(row.get(1)?),
                account: owner,
                factor: FactorName::owned(row.get::<_, String>(3)?),
                version: Version(row.get(4)?),
                created: time(row, 5)?,
                lookups: unpacked(row.get_ref(8)?.as_blob().map_err(rusqlite::Error::from)?),
                sealed: row.get(9)?,
            }),
            _ => subject.browsers.push(BrowserRow {
                id: BrowserId::from_bytes(row.get(1)?),
                account: owner,
                key: TokenHash::from_bytes(row.get(2)?),
                seen: time(row, 4)?,
                expires: time(row, 5)?,
            }),
        }
    }
    Ok(subject)
}

fn account(row: &Row<'_>) -> Result<AccountRow, Failure> {
    Ok(AccountRow {
        id: AccountId::from_bytes(row.get(1)?),
        realm: Realm::owned(row.get::<_, String>(3)?),
        version: Version(row.get(4)?),
        epoch: Epoch(row.get(5)?),
        state: AccountState::from_number(row.get(6)?).ok_or(Failure::Corrupt("an account's state"))?,
        route: Route::from_bytes(row.get(2)?),
        created: time(row, 7)?,
        data_key: row.get(8)?,
        sealed: row.get(9)?,
    })
}

fn unpacked(lookups: &[u8]) -> Vec<Lookup> {
    lookups.as_chunks().0.iter().copied().map(Lookup).collect()
}

/// The session and its account's epoch: one statement, two look-ups by primary key.
pub(super) fn session(db: &Connection, key: TokenHash) -> Result<Option<FoundSession>, Failure> {
    let found = db.prepare_cached(SESSION)?.query_row([key.as_bytes()], |row| {
        Ok(FoundSession { row: session_row(row)?, epoch: Epoch(row.get(9)?) })
    });
    Ok(found.optional()?)
}

/// The account's sessions.
pub(super) fn sessions(db: &Connection, account: AccountId) -> Result<Vec<SessionRow>, Failure> {
    let sql = "SELECT id, account, epoch, created, seen, idle_secs, expires, proofs, key
               FROM sessions WHERE account = ?1";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([account.as_bytes()], session_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn session_row(row: &Row<'_>) -> rusqlite::Result<SessionRow> {
    Ok(SessionRow {
        id: SessionId::from_bytes(row.get(0)?),
        key: TokenHash::from_bytes(row.get(8)?),
        account: AccountId::from_bytes(row.get(1)?),
        epoch: Epoch(row.get(2)?),
        created: time(row, 3)?,
        seen: time(row, 4)?,
        idle_secs: row.get(5)?,
        expires: time(row, 6)?,
        proofs: Packed::from_bytes(row.get_ref(7)?.as_blob()?),
    })
}

/// The flow, unless it is over.
pub(super) fn flow(db: &Connection, key: TokenHash, now: Timestamp) -> Result<Option<FlowRow>, Failure> {
    let sql = "SELECT version, expires, sealed FROM flows WHERE key = ?1 AND expires > ?2";
    let flow = db.prepare_cached(sql)?.query_row(params![key.as_bytes(), now.as_millis()], |row| {
        Ok(FlowRow { key, version: Version(row.get(0)?), expires: time(row, 1)?, sealed: row.get(2)? })
    });
    Ok(flow.optional()?)
}

/// A page of an account's events, newest first.
pub(super) fn events(db: &Connection, of: AccountId, page: &EventPage) -> Result<Vec<EventRow>, Failure> {
    // Seventeen bytes of 0xff lie above every id, so that a page without a bound is the same range scan.
    let before = page.before.map_or_else(|| vec![0xff; 17], |id| id.as_bytes().to_vec());
    let mut statement = db.prepare_cached(
        "SELECT id, account, at, outcome, realm, name, sealed, lasting FROM events
         WHERE account = ?1 AND id < ?2 AND (?3 IS NULL OR at >= ?3) AND (?4 IS NULL OR at < ?4)
         AND (?5 IS NULL OR outcome = ?5) ORDER BY id DESC LIMIT ?6",
    )?;
    let mut rows = statement.query(params![
        of.as_bytes(),
        before,
        page.since.map(Timestamp::as_millis),
        page.until.map(Timestamp::as_millis),
        page.outcome.map(|outcome| outcome as u8),
        i64::try_from(page.limit.min(MOST_EVENTS)).unwrap_or(0),
    ])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        events.push(event(row)?);
    }
    Ok(events)
}

/// The events that began these sessions.
pub(super) fn beginnings(db: &Connection, of: &[SessionId]) -> Result<Vec<EventRow>, Failure> {
    // One moment for all of them: a read transaction around the look-ups.
    let transaction = db.unchecked_transaction()?;
    let mut statement = transaction.prepare_cached(
        "SELECT id, account, at, outcome, realm, name, sealed, lasting FROM events WHERE id = ?1",
    )?;
    let mut events = Vec::with_capacity(of.len());
    for id in of {
        let mut rows = statement.query([id.as_bytes()])?;
        if let Some(row) = rows.next()? {
            events.push(event(row)?);
        }
    }
    Ok(events)
}

fn event(row: &Row<'_>) -> Result<EventRow, Failure> {
    Ok(EventRow {
        id: EventId::from_bytes(row.get(0)?),
        account: row.get::<_, Option<_>>(1)?.map(AccountId::from_bytes),
        at: time(row, 2)?,
        outcome: Outcome::from_number(row.get(3)?).ok_or(Failure::Corrupt("an event's outcome"))?,
        realm: Realm::owned(row.get::<_, String>(4)?),
        name: EventName::owned(row.get::<_, String>(5)?),
        lasting: row.get(7)?,
        sealed: row.get(6)?,
    })
}

/// The columns: id, realm, account, deliver, due, attempts, sealed.
pub(super) fn message(row: &Row<'_>) -> rusqlite::Result<MessageRow> {
    Ok(MessageRow {
        id: MessageId::from_bytes(row.get(0)?),
        realm: Realm::owned(row.get::<_, String>(1)?),
        account: row.get::<_, Option<_>>(2)?.map(AccountId::from_bytes),
        deliver: row.get(3)?,
        due: time(row, 4)?,
        attempts: row.get(5)?,
        sealed: row.get(6)?,
    })
}

/// The realm's canary.
pub(super) fn canary(db: &Connection, realm: &Realm) -> Result<Option<Vec<u8>>, Failure> {
    let sql = "SELECT sealed FROM canaries WHERE realm = ?1";
    Ok(db.prepare_cached(sql)?.query_row([realm.as_str()], |row| row.get(0)).optional()?)
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_millis)
}

pub(super) const SESSION: &str =
    "SELECT s.id, s.account, s.epoch, s.created, s.seen, s.idle_secs, s.expires, s.proofs,
    s.key, a.epoch FROM sessions s JOIN accounts a ON a.id = s.account WHERE s.key = ?1";

const MOST_EVENTS: usize = 1000;
