use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::failure::Failure;
use super::read;
use super::write::{returned, run};
use crate::clock::Timestamp;
use crate::id::Realm;
use crate::lockout::{Guard, GuardKey, Limit, Reserved, Settlement};
use crate::message::MessageRow;
use crate::store::{Passed, Rate, ThrottleKey};

/// A guard as it stands.
pub(super) fn guard(db: &Connection, key: GuardKey) -> Result<Option<Guard>, Failure> {
    let sql = "SELECT refused, pending, lease_until, held_until, forget_at FROM guards WHERE key = ?1";
    let guard = db.prepare_cached(sql)?.query_row([key.0], |row| {
        Ok(Guard {
            refused: row.get(0)?,
            pending: row.get(1)?,
            lease_until: row.get(2)?,
            held_until: row.get(3)?,
            forget_at: row.get(4)?,
        })
    });
    Ok(guard.optional()?)
}

/// All keys or none.
pub(super) fn reserve(
    db: &Connection,
    keys: &[(GuardKey, Limit)],
    now: Timestamp,
) -> Result<Reserved, Failure> {
    let mut raised: Vec<(GuardKey, Guard)> = Vec::with_capacity(keys.len());
    let (mut longest, mut most) = (None, 0);
    for (key, limit) in keys {
        let earlier = raised.iter().rev().find(|(other, _)| other == key).map(|(_, guard)| *guard);
        let stored = if earlier.is_none() { guard(db, *key)? } else { None };
        let mut row = earlier.or(stored).unwrap_or_default();
        match row.reserve(limit, now) {
            Reserved::Granted { hold, refused } => {
                (longest, most) = (longest.max(hold), most.max(refused));
            }
            refused => {
                // Leases that ran out are refusals from now on; the keys that granted stay as they were.
                if stored.is_some() {
                    put_guard(db, *key, &row)?;
                }
                return Ok(refused);
            }
        }
        raised.push((*key, row));
    }
    for (key, row) in &raised {
        put_guard(db, *key, row)?;
    }
    Ok(Reserved::Granted { hold: longest, refused: most })
}

/// Ends a reservation.
pub(super) fn settle(
    db: &Connection,
    key: GuardKey,
    how: Settlement,
    limit: &Limit,
    at: Timestamp,
) -> Result<(), Failure> {
    let mut row = guard(db, key)?.unwrap_or_default();
    row.settle(how, limit, at);
    put_guard(db, key, &row)
}

fn put_guard(db: &Connection, key: GuardKey, row: &Guard) -> Result<(), Failure> {
    run(
        db,
        "INSERT INTO guards (key, refused, pending, lease_until, held_until, forget_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET refused = ?2, pending = ?3, lease_until = ?4,
         held_until = ?5, forget_at = ?6",
        params![key.0, row.refused, row.pending, row.lease_until, row.held_until, row.forget_at],
    )
}

/// All keys or none.
pub(super) fn pass(db: &Connection, keys: &[(ThrottleKey, Rate)], now: Timestamp) -> Result<Passed, Failure> {
    let mut counted: Vec<(ThrottleKey, i64)> = Vec::with_capacity(keys.len());
    for (key, rate) in keys {
        let earlier = counted.iter().rev().find(|(other, _)| other == key).map(|(_, full_at)| *full_at);
        let mut full_at = match earlier {
            Some(full_at) => full_at,
            None => db
                .prepare_cached("SELECT full_at FROM throttles WHERE key = ?1")?
                .query_row([key.0], |row| row.get(0))
                .optional()?
                .unwrap_or(0),
        };
        match rate.count(&mut full_at, now) {
            Passed::Yes => counted.push((*key, full_at)),
            refused => return Ok(refused),
        }
    }
    for (key, full_at) in counted {
        run(
            db,
            "INSERT INTO throttles (key, full_at) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET full_at = ?2",
            params![key.0, full_at],
        )?;
    }
    Ok(Passed::Yes)
}

/// Leases messages, each to one caller.
pub(super) fn claim(
    db: &Connection,
    realm: &Realm,
    now: Timestamp,
    lease: Duration,
    limit: usize,
) -> Result<Vec<MessageRow>, Failure> {
    let sql = "UPDATE messages SET ready = ?3, attempts = attempts + 1
               WHERE id IN (SELECT id FROM messages WHERE realm = ?1 AND over IS NULL AND due <= ?2
                            AND ready <= ?2 ORDER BY due, id LIMIT ?4)
               RETURNING id, realm, account, deliver, due, attempts, sealed";
    let mut statement = db.prepare_cached(sql)?;
    let until = now.after(lease).as_millis();
    let rows = statement
        .query_map(params![realm.as_str(), now.as_millis(), until, bounded(limit)], read::message)?;
    let mut claimed = rows.collect::<Result<Vec<_>, _>>()?;
    // RETURNING promises no order.
    claimed.sort_unstable_by_key(|row| (row.due, row.id));
    Ok(claimed)
}

/// Drops up to `limit` rows of each kind.
pub(super) fn purge(db: &Connection, now: Timestamp, limit: usize) -> Result<usize, Failure> {
    let (millis, limit) = (now.as_millis(), bounded(limit));
    let mut gone = 0;
    for sql in OVER {
        gone += returned(db, sql, [millis, limit])?;
    }
    let micros = millis.saturating_mul(1000);
    gone += returned(
        db,
        "DELETE FROM throttles WHERE key IN (SELECT key FROM throttles WHERE full_at <= ?1 LIMIT ?2) RETURNING 1",
        [micros, limit],
    )?;
    Ok(gone)
}

/// Drops up to `limit` old events.
pub(super) fn drop_events(
    db: &Connection,
    realm: &Realm,
    lasting: bool,
    before: Timestamp,
    limit: usize,
) -> Result<usize, Failure> {
    returned(db, OLD_EVENTS, params![realm.as_str(), lasting, before.as_millis(), bounded(limit)])
}

pub(super) const OLD_EVENTS: &str = "DELETE FROM events WHERE id IN (SELECT id FROM events
     WHERE realm = ?1 AND lasting = ?2 AND at < ?3 ORDER BY at, id LIMIT ?4) RETURNING 1";

const OVER: [&str; 7] = [
    "DELETE FROM flows WHERE key IN (SELECT key FROM flows WHERE expires <= ?1 LIMIT ?2) RETURNING 1",
    "DELETE FROM sessions WHERE key IN (SELECT key FROM sessions
     WHERE min(expires, seen + idle_secs * 1000) <= ?1 LIMIT ?2) RETURNING 1",
    "DELETE FROM once WHERE key IN (SELECT key FROM once WHERE until <= ?1 LIMIT ?2) RETURNING 1",
    "DELETE FROM guards WHERE key IN (SELECT key FROM guards WHERE forget_at <= ?1 LIMIT ?2) RETURNING 1",
    "DELETE FROM browsers WHERE id IN (SELECT id FROM browsers WHERE expires <= ?1 LIMIT ?2) RETURNING 1",
    "DELETE FROM identifiers WHERE lookup IN (SELECT lookup FROM identifiers WHERE free_at <= ?1 LIMIT ?2)
     RETURNING 1",
    "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE over <= ?1 LIMIT ?2) RETURNING 1",
];

fn bounded(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
