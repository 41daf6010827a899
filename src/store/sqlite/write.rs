use rusqlite::{Connection, OptionalExtension, Params, params};

use super::count;
use super::failure::Failure;
use crate::event::EventRow;
use crate::id::{AccountId, CredentialId, SessionId};
use crate::message::MessageRow;
use crate::store::{
    AccountRow, BrowserRow, Committed, CredentialRow, FlowRow, IdentifierRow, Lookup, SessionRow, Write,
};

/// Applies a batch inside the caller's savepoint. What a lost batch did up to there is the caller's to undo.
pub(super) fn apply(db: &Connection, batch: &[Write]) -> Result<Committed, Failure> {
    for (at, write) in batch.iter().enumerate() {
        if !apply_one(db, write)? {
            return Ok(Committed::Lost { at });
        }
    }
    Ok(Committed::Won)
}

/// Whether a row came back from `RETURNING` or a select. Never the driver's count of changed rows: on other
/// databases that is a count of found rows (CVE-2026-90997), and this file is what their adapters are made after.
pub(super) fn any(db: &Connection, sql: &str, params: impl Params) -> Result<bool, Failure> {
    Ok(returned(db, sql, params)? > 0)
}

/// How many rows came back.
pub(super) fn returned(db: &Connection, sql: &str, params: impl Params) -> Result<usize, Failure> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut count = 0;
    while rows.next()?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// For a statement that decides nothing.
pub(super) fn run(db: &Connection, sql: &str, params: impl Params) -> Result<(), Failure> {
    db.prepare_cached(sql)?.execute(params)?;
    Ok(())
}

fn apply_one(db: &Connection, write: &Write) -> Result<bool, Failure> {
    match write {
        Write::AddAccount(row) => add_account(db, row),
        Write::SwapAccount { row, expect } => any(
            db,
            "UPDATE accounts SET version = ?3, state = ?4, realm = ?5, route = ?6, created = ?7, data_key = ?8,
             sealed = ?9 WHERE id = ?1 AND version = ?2 RETURNING 1",
            params![
                row.id.as_bytes(),
                expect.0,
                row.version.0,
                row.state as u8,
                row.realm.as_str(),
                row.route.as_bytes(),
                row.created.as_millis(),
                row.data_key,
                row.sealed,
            ],
        ),
        Write::KeepAccount { id, expect } => any(
            db,
            "SELECT 1 FROM accounts WHERE id = ?1 AND version = ?2",
            params![id.as_bytes(), expect.0],
        ),
        Write::KeepEpoch { account, expect } => any(
            db,
            "SELECT 1 FROM accounts WHERE id = ?1 AND epoch = ?2",
            params![account.as_bytes(), expect.0],
        ),
        Write::RaiseEpoch { account, expect, .. } => {
            let raised = any(
                db,
                "UPDATE accounts SET epoch = ?3 WHERE id = ?1 AND epoch = ?2 RETURNING 1",
                params![account.as_bytes(), expect.0, expect.next().0],
            )?;
            // Dead by their epoch already; gone so that they fill no list and count for no limit.
            run(db, "DELETE FROM sessions WHERE account = ?1", [account.as_bytes()])?;
            Ok(raised)
        }
        Write::AddIdentifier(row) => add_identifier(db, row),
        Write::RemoveIdentifier { lookup, account, free_at } => any(
            db,
            "UPDATE identifiers SET sealed = x'', free_at = ?3
             WHERE lookup = ?1 AND account = ?2 AND free_at IS NULL RETURNING 1",
            params![lookup.0, account.as_bytes(), free_at.as_millis()],
        ),
        Write::AddContact(row) => any(
            db,
            "INSERT INTO contacts (account, id, version, confirmed, sealed)
             SELECT id, ?2, ?3, ?4, ?5 FROM accounts WHERE id = ?1 ON CONFLICT DO NOTHING RETURNING 1",
            params![
                row.account.as_bytes(),
                row.id.as_bytes(),
                row.version.0,
                row.confirmed.as_millis(),
                row.sealed
            ],
        ),
        Write::KeepContact { id, expect } => any(
            db,
            "SELECT 1 FROM contacts WHERE id = ?1 AND version = ?2",
            params![id.as_bytes(), expect.0],
        ),
        Write::RemoveContact { id, expect } => any(
            db,
            "DELETE FROM contacts WHERE id = ?1 AND version = ?2 RETURNING 1",
            params![id.as_bytes(), expect.0],
        ),
        Write::AddCredential(row) => add_credential(db, row),
        Write::SwapCredential { row, expect } => {
            let Some(old) = old_handles(
                db,
                "SELECT lookups FROM credentials WHERE id = ?1 AND version = ?2 AND account = ?3",
                params![row.id.as_bytes(), expect.0, row.account.as_bytes()],
            )?
            else {
                return Ok(false);
            };
            run(
                db,
                "UPDATE credentials SET version = ?2, factor = ?3, created = ?4, lookups = ?5, sealed = ?6
                 WHERE id = ?1",
                params![
                    row.id.as_bytes(),
                    row.version.0,
                    row.factor.as_str(),
                    row.created.as_millis(),
                    packed(&row.lookups),
                    row.sealed,
                ],
            )?;
            if old == packed(&row.lookups) {
                return Ok(true);
            }
            remove_handles(db, &old)?;
            add_handles(db, row)
        }
        Write::KeepCredential { id, expect } => any(
            db,
            "SELECT 1 FROM credentials WHERE id = ?1 AND version = ?2",
            params![id.as_bytes(), expect.0],
        ),
        Write::RemoveCredential { id, expect } => {
            let sql = "DELETE FROM credentials WHERE id = ?1 AND version = ?2 RETURNING lookups";
            let Some(old) = old_handles(db, sql, params![id.as_bytes(), expect.0])? else { return Ok(false) };
            remove_handles(db, &old)?;
            Ok(true)
        }
        Write::AddBrowser { row, keep } => add_browser(db, row, *keep),
        Write::TouchBrowser { id, seen, expires } => {
            run(
                db,
                "UPDATE browsers SET seen = max(seen, ?2), expires = ?3 WHERE id = ?1",
                params![id.as_bytes(), seen.as_millis(), expires.as_millis()],
            )?;
            Ok(true)
        }
        Write::ForgetBrowsers { account, except } => {
            run(
                db,
                "DELETE FROM browsers WHERE account = ?1 AND id IS NOT ?2",
                params![account.as_bytes(), except.as_ref().map(|id| id.as_bytes())],
            )?;
            Ok(true)
        }
        Write::AddFlow(row) => add_flow(db, row),
        Write::SwapFlow { row, expect } => any(
            db,
            "UPDATE flows SET version = ?3, expires = ?4, sealed = ?5 WHERE key = ?1 AND version = ?2 RETURNING 1",
            params![row.key.as_bytes(), expect.0, row.version.0, row.expires.as_millis(), row.sealed],
        ),
        Write::TakeFlow { key, expect } => any(
            db,
            "DELETE FROM flows WHERE key = ?1 AND version = ?2 RETURNING 1",
            params![key.as_bytes(), expect.0],
        ),
        Write::Once { key, until } => any(
            db,
            "INSERT INTO once (key, until) VALUES (?1, ?2) ON CONFLICT DO NOTHING RETURNING 1",
            params![key.0, until.as_millis()],
        ),
        Write::Event(row) => add_event(db, row),
        Write::Message(row) => add_message(db, row),
        Write::CloseMessage { id, at, delivered } => {
            run(
                db,
                "UPDATE messages SET over = ?2, delivered = ?3, sealed = x'' WHERE id = ?1 AND over IS NULL",
                params![id.as_bytes(), at.as_millis(), delivered],
            )?;
            Ok(true)
        }
        Write::RetryMessage { id, due, tried } => {
            run(
                db,
                "UPDATE messages SET due = ?2, ready = ?2, attempts = max(attempts - ?3, 0)
                 WHERE id = ?1 AND over IS NULL",
                params![id.as_bytes(), due.as_millis(), !tried],
            )?;
            Ok(true)
        }
        Write::AddSession { row, keep } => add_session(db, row, *keep),
        Write::TouchSession { key, seen } => {
            run(
                db,
                "UPDATE sessions SET seen = max(seen, ?2) WHERE key = ?1",
                params![key.as_bytes(), seen.as_millis()],
            )?;
            Ok(true)
        }
        Write::EndSession { account, id, .. } => end_session(db, account, id),
        Write::EndSessions { account, except, .. } => {
            run(
                db,
                "DELETE FROM sessions WHERE account = ?1 AND id IS NOT ?2",
                params![account.as_bytes(), except.as_ref().map(|id| id.as_bytes())],
            )?;
            Ok(true)
        }
        Write::Settle { key, how, limit, at } => {
            count::settle(db, *key, *how, limit, *at)?;
            Ok(true)
        }
        Write::AddCanary { realm, sealed } => any(
            db,
            "INSERT INTO canaries (realm, sealed) VALUES (?1, ?2) ON CONFLICT DO NOTHING RETURNING 1",
            params![realm.as_str(), sealed],
        ),
    }
}

fn add_account(db: &Connection, row: &AccountRow) -> Result<bool, Failure> {
    any(
        db,
        "INSERT INTO accounts (id, epoch, version, state, realm, route, created, data_key, sealed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING RETURNING 1",
        params![
            row.id.as_bytes(),
            row.epoch.0,
            row.version.0,
            row.state as u8,
            row.realm.as_str(),
            row.route.as_bytes(),
            row.created.as_millis(),
            row.data_key,
            row.sealed,
        ],
    )
}

fn add_identifier(db: &Connection, row: &IdentifierRow) -> Result<bool, Failure> {
    any(
        db,
        "INSERT INTO identifiers (account, lookup, sealed) SELECT id, ?2, ?3 FROM accounts WHERE id = ?1
         ON CONFLICT DO UPDATE SET sealed = ?3, free_at = NULL WHERE account = ?1 AND free_at IS NOT NULL
         RETURNING 1",
        params![row.account.as_bytes(), row.lookup.0, row.sealed],
    )
}

fn add_credential(db: &Connection, row: &CredentialRow) -> Result<bool, Failure> {
    let added = any(
        db,
        "INSERT INTO credentials (account, id, version, factor, created, lookups, sealed)
         SELECT id, ?2, ?3, ?4, ?5, ?6, ?7 FROM accounts WHERE id = ?1 ON CONFLICT DO NOTHING RETURNING 1",
        params![
            row.account.as_bytes(),
            row.id.as_bytes(),
            row.version.0,
            row.factor.as_str(),
            row.created.as_millis(),
            packed(&row.lookups),
            row.sealed,
        ],
    )?;
    Ok(added && add_handles(db, row)?)
}

fn add_handles(db: &Connection, row: &CredentialRow) -> Result<bool, Failure> {
    for lookup in &row.lookups {
        let added = any(
            db,
            "INSERT INTO handles (lookup, account, credential) VALUES (?1, ?2, ?3)
             ON CONFLICT DO NOTHING RETURNING 1",
            params![lookup.0, row.account.as_bytes(), CredentialId::as_bytes(&row.id)],
        )?;
        if !added {
            return Ok(false);
        }
    }
    Ok(true)
}

fn old_handles(db: &Connection, sql: &str, params: impl Params) -> Result<Option<Vec<u8>>, Failure> {
    Ok(db.prepare_cached(sql)?.query_row(params, |row| row.get(0)).optional()?)
}

fn remove_handles(db: &Connection, packed: &[u8]) -> Result<(), Failure> {
    for lookup in packed.chunks(32) {
        run(db, "DELETE FROM handles WHERE lookup = ?1", [lookup])?;
    }
    Ok(())
}

fn packed(lookups: &[Lookup]) -> Vec<u8> {
    lookups.iter().flat_map(|lookup| lookup.0).collect()
}

fn add_browser(db: &Connection, row: &BrowserRow, keep: usize) -> Result<bool, Failure> {
    let added = any(
        db,
        "INSERT INTO browsers (account, id, key, seen, expires)
         SELECT id, ?2, ?3, ?4, ?5 FROM accounts WHERE id = ?1 ON CONFLICT DO NOTHING RETURNING 1",
        params![
            row.account.as_bytes(),
            row.id.as_bytes(),
            row.key.as_bytes(),
            row.seen.as_millis(),
            row.expires.as_millis()
        ],
    )?;
    // The row just added never goes, however late its clock.
    run(
        db,
        "DELETE FROM browsers WHERE account = ?1 AND id IN (SELECT id FROM browsers
         WHERE account = ?1 AND id <> ?2 ORDER BY seen DESC, id DESC LIMIT -1 OFFSET ?3)",
        params![row.account.as_bytes(), row.id.as_bytes(), others(keep)],
    )?;
    Ok(added)
}

fn add_flow(db: &Connection, row: &FlowRow) -> Result<bool, Failure> {
    any(
        db,
        "INSERT INTO flows (key, version, expires, sealed) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO NOTHING RETURNING 1",
        params![row.key.as_bytes(), row.version.0, row.expires.as_millis(), row.sealed],
    )
}

fn add_event(db: &Connection, row: &EventRow) -> Result<bool, Failure> {
    any(
        db,
        "INSERT INTO events (id, account, at, outcome, realm, name, sealed, lasting)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING RETURNING 1",
        params![
            row.id.as_bytes(),
            row.account.as_ref().map(AccountId::as_bytes),
            row.at.as_millis(),
            row.outcome as u8,
            row.realm.as_str(),
            row.name.as_str(),
            row.sealed,
            row.lasting,
        ],
    )
}

fn add_message(db: &Connection, row: &MessageRow) -> Result<bool, Failure> {
    // Nobody ever closes a decoy's message: it is over, for purge, once it would have been due.
    any(
        db,
        "INSERT INTO messages (id, realm, account, deliver, due, ready, attempts, over, sealed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, iif(?4, NULL, ?5), ?7) ON CONFLICT DO NOTHING RETURNING 1",
        params![
            row.id.as_bytes(),
            row.realm.as_str(),
            row.account.as_ref().map(AccountId::as_bytes),
            row.deliver,
            row.due.as_millis(),
            row.attempts,
            row.sealed,
        ],
    )
}

fn add_session(db: &Connection, row: &SessionRow, keep: usize) -> Result<bool, Failure> {
    let added = any(
        db,
        "INSERT INTO sessions (key, account, id, epoch, created, seen, idle_secs, expires, proofs)
         SELECT ?2, id, ?3, epoch, ?5, ?6, ?7, ?8, ?9 FROM accounts WHERE id = ?1 AND epoch = ?4
         ON CONFLICT DO NOTHING RETURNING 1",
        params![
            row.account.as_bytes(),
            row.key.as_bytes(),
            row.id.as_bytes(),
            row.epoch.0,
            row.created.as_millis(),
            row.seen.as_millis(),
            row.idle_secs,
            row.expires.as_millis(),
            row.proofs.as_bytes(),
        ],
    )?;
    // What is over and not yet purged goes first: it takes no place from what lives. One that goes on under another
    // token was made long ago, and is used now.
    run(
        db,
        "DELETE FROM sessions WHERE account = ?1 AND id IN (SELECT id FROM sessions
         WHERE account = ?1 AND id <> ?2
         ORDER BY min(expires, seen + idle_secs * 1000) > ?4 DESC, seen DESC, id DESC LIMIT -1 OFFSET ?3)",
        params![
            row.account.as_bytes(),
            row.id.as_bytes(),
            others(keep),
            row.created.max(row.seen).as_millis(),
        ],
    )?;
    Ok(added)
}

fn end_session(db: &Connection, account: &AccountId, id: &SessionId) -> Result<bool, Failure> {
    any(
        db,
        "DELETE FROM sessions WHERE account = ?1 AND id = ?2 RETURNING 1",
        params![account.as_bytes(), id.as_bytes()],
    )
}

/// How many rows may stay beside the one just added.
fn others(keep: usize) -> i64 {
    i64::try_from(keep.saturating_sub(1)).unwrap_or(i64::MAX)
}
