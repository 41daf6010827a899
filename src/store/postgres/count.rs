use std::time::Duration;

use tokio_postgres::Row;

use super::failure::Failure;
use super::line::{Call, values};
use super::read::{message, number, whole};
use crate::clock::Timestamp;
use crate::id::Realm;
use crate::lockout::{Guard, GuardKey, Limit, Reserved, Settlement};
use crate::message::MessageRow;
use crate::store::{Passed, Rate, ThrottleKey};

/// All keys or none.
pub(super) fn reserve(keys: &[(GuardKey, Limit)], now: Timestamp) -> Call<'_> {
    let each = |part: fn(&Limit) -> i64| keys.iter().map(|(_, limit)| part(limit)).collect::<Vec<_>>();
    Call {
        // What was refused before, as of the moment before: a word to the owner waits for no lock.
        sql: "SELECT answer, value,
                  (SELECT max(refused + CASE WHEN pending > 0 AND lease_until <= $8 THEN pending ELSE 0 END)
                   FROM guards WHERE key = ANY ($1))
              FROM propusk_reserve($1, $2, $3, $4, $5, $6, $7, $8)",
        values: values![
            keys.iter().map(|(key, _)| &key.0[..]).collect::<Vec<_>>(),
            each(|limit| limit.free.into()),
            each(|limit| millis(limit.hold)),
            each(|limit| millis(limit.longest_hold)),
            each(|limit| limit.allowance.into()),
            each(|limit| millis(limit.lease)),
            each(|limit| millis(limit.idle)),
            now.as_millis(),
        ],
    }
}

/// What `propusk_reserve` says.
pub(super) fn reserved(row: &Row) -> Result<Reserved, Failure> {
    let value: Option<i64> = row.try_get(1)?;
    match (number(row, 0)?, value) {
        (0, hold) => {
            let hold = hold.map(|millis| Duration::from_millis(millis.unsigned_abs()));
            let refused: Option<i64> = row.try_get(2)?;
            Ok(Reserved::Granted { hold, refused: refused.and_then(|n| n.try_into().ok()).unwrap_or(0) })
        }
        (1, _) => Ok(Reserved::Full),
        (2, Some(until)) => Ok(Reserved::Held { until: Timestamp::from_millis(until) }),
        (3, _) => Ok(Reserved::Spent),
        _ => Err(Failure::Corrupt("the answer of a guard")),
    }
}

/// Ends a reservation.
pub(super) fn settle<'a>(key: &'a GuardKey, how: Settlement, limit: &Limit, at: Timestamp) -> Call<'a> {
    let how: i64 = match how {
        Settlement::Refused => 0,
        Settlement::Forgiven => 1,
        Settlement::Reset => 2,
        Settlement::Clear => 3,
    };
    Call {
        sql: "SELECT propusk_settle($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        values: values![
            &key.0[..],
            how,
            i64::from(limit.free),
            millis(limit.hold),
            millis(limit.longest_hold),
            i64::from(limit.allowance),
            millis(limit.lease),
            millis(limit.idle),
            at.as_millis(),
        ],
    }
}

pub(super) const GUARD: &str =
    "SELECT refused, pending, lease_until, held_until, forget_at FROM guards WHERE key = $1";

/// A guard as it stands.
pub(super) fn guard(row: &Row) -> Result<Guard, Failure> {
    Ok(Guard {
        refused: whole(row, 0)?,
        pending: whole(row, 1)?,
        lease_until: number(row, 2)?,
        held_until: number(row, 3)?,
        forget_at: number(row, 4)?,
    })
}

/// All keys or none.
pub(super) fn pass(keys: &[(ThrottleKey, Rate)], now: Timestamp) -> Call<'_> {
    let interval = |rate: &Rate| micros(rate.per).checked_div(rate.uses.into());
    Call {
        sql: "SELECT propusk_pass($1, $2, $3, $4)",
        values: values![
            keys.iter().map(|(key, _)| &key.0[..]).collect::<Vec<_>>(),
            keys.iter().map(|(_, rate)| interval(rate)).collect::<Vec<_>>(),
            keys.iter().map(|(_, rate)| micros(rate.per)).collect::<Vec<_>>(),
            now.as_millis().saturating_mul(1000),
        ],
    }
}

/// What `propusk_pass` says.
pub(super) fn passed(row: &Row) -> Result<Passed, Failure> {
    let wait: Option<i64> = row.try_get(0)?;
    Ok(wait
        .map_or(Passed::Yes, |wait| Passed::No { retry_after: Duration::from_micros(wait.unsigned_abs()) }))
}

/// Leases messages, each to one caller: who is at it already is passed by.
pub(super) fn claim(realm: &Realm, now: Timestamp, lease: Duration, limit: usize) -> Call<'_> {
    Call {
        sql: "WITH due AS MATERIALIZED (
                  SELECT id FROM messages WHERE realm = $1 AND over IS NULL AND due <= $2 AND ready <= $2
                  ORDER BY due, id LIMIT $4 FOR UPDATE SKIP LOCKED
              ) UPDATE messages m SET ready = $3, attempts = attempts + 1 FROM due WHERE m.id = due.id
              RETURNING m.id, realm, account, deliver, m.due, attempts, sealed",
        values: values![
            realm.as_str().as_bytes(),
            now.as_millis(),
            now.after(lease).as_millis(),
            bounded(limit),
        ],
    }
}

/// The messages in the order in which they are due: RETURNING promises none.
pub(super) fn claimed(rows: &[Row]) -> Result<Vec<MessageRow>, Failure> {
    let mut claimed = rows.iter().map(message).collect::<Result<Vec<_>, _>>()?;
    claimed.sort_unstable_by_key(|row| (row.due, row.id));
    Ok(claimed)
}

/// Drops up to `limit` rows of each kind. Rows that somebody is at stay for the next time.
pub(super) fn purge(now: Timestamp, limit: usize) -> Vec<Call<'static>> {
    let (millis, limit) = (now.as_millis(), bounded(limit));
    let mut calls: Vec<_> = OVER.iter().map(|sql| Call { sql, values: values![millis, limit] }).collect();
    calls.push(Call { sql: THROTTLES_OVER, values: values![millis.saturating_mul(1000), limit] });
    calls
}

/// Drops up to `limit` old events. One that another node is at is as good as gone.
pub(super) fn drop_events(realm: &Realm, lasting: bool, before: Timestamp, limit: usize) -> Call<'_> {
    Call {
        sql: include_str!("old_events.sql"),
        values: values![realm.as_str().as_bytes(), lasting, before.as_millis(), bounded(limit)],
    }
}

// The keys as an array, for which the key's index is used whatever the limit: of a LIMIT that is bound a plan knows nothing
// and takes it for a tenth of the table, which it then reads as a whole.
macro_rules! over {
    ($table:literal, $key:literal, $over:literal) => {
        concat!(
            "WITH gone AS (DELETE FROM ",
            $table,
            " WHERE ",
            $key,
            " = ANY (ARRAY(SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE ",
            $over,
            " <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING 1) SELECT count(*) FROM gone"
        )
    };
}

const OVER: [&str; 7] = [
    over!("flows", "key", "expires"),
    over!("sessions", "key", "least(expires, seen + idle_secs * 1000)"),
    over!("once", "key", "until"),
    over!("guards", "key", "forget_at"),
    over!("browsers", "id", "expires"),
    over!("identifiers", "lookup", "free_at"),
    over!("messages", "id", "over"),
];
const THROTTLES_OVER: &str = over!("throttles", "key", "full_at");

fn bounded(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
