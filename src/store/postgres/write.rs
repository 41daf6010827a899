use super::count;
use super::line::{Call, Values, values};
use crate::event::EventRow;
use crate::id::AccountId;
use crate::message::MessageRow;
use crate::store::{AccountRow, BrowserRow, CredentialRow, SessionRow, Write};

/// Touches are never lost and say nothing of one another, so a run of them may be put in the order of their keys: two
/// batches of them then never wait for each other.
pub(super) fn in_order_of_keys(batch: &mut [Write]) {
    let touches = |write: &Write| matches!(write, Write::TouchSession { .. } | Write::TouchBrowser { .. });
    for run in batch.chunk_by_mut(|a, b| touches(a) && touches(b)) {
        run.sort_by_key(|write| match write {
            Write::TouchSession { key, .. } => key.as_bytes().to_vec(),
            Write::TouchBrowser { id, .. } => id.as_bytes().to_vec(),
            _ => Vec::new(),
        });
    }
}

/// What goes before the batch: the locks on what it will judge. All of an account's rows are written under the lock of
/// the account's row, so that whatever a statement of the batch sees of them stands until the commit; and all locks
/// are taken in one order, so that batches do not wait for one another in a circle.
pub(super) fn locks(batch: &[Write]) -> Vec<Call<'_>> {
    let mut accounts: Vec<&[u8]> = vec![];
    let mut rows: Vec<&[u8]> = vec![];
    let mut guards: Vec<&[u8]> = vec![];
    for write in batch {
        match write {
            Write::SwapAccount { row: AccountRow { id, .. }, .. }
            | Write::KeepAccount { id, .. }
            | Write::KeepEpoch { account: id, .. }
            | Write::RaiseEpoch { account: id, .. }
            | Write::RemoveIdentifier { account: id, .. }
            | Write::SwapCredential { row: CredentialRow { account: id, .. }, .. }
            | Write::AddBrowser { row: BrowserRow { account: id, .. }, .. }
            | Write::ForgetBrowsers { account: id, .. }
            | Write::AddSession { row: SessionRow { account: id, .. }, .. }
            | Write::EndSession { account: id, .. }
            | Write::EndSessions { account: id, .. } => accounts.push(id.as_bytes()),
            Write::KeepContact { id, .. }
            | Write::RemoveContact { id, .. }
            | Write::KeepCredential { id, .. }
            | Write::RemoveCredential { id, .. } => rows.push(id.as_bytes()),
            Write::Settle { key, .. } => guards.push(&key.0),
            _ => {}
        }
    }
    let mut calls = vec![];
    if !rows.is_empty() {
        calls.push(Call { sql: LOCK_ACCOUNTS_OF, values: values![accounts, rows] });
    } else if !accounts.is_empty() {
        calls.push(Call { sql: LOCK_ACCOUNTS, values: values![accounts] });
    }
    if guards.len() > 1 {
        calls.push(Call { sql: LOCK_GUARDS, values: values![guards] });
    }
    calls
}

/// One statement for one write. One that has a precondition raises when it does not hold, judged by the rows that
/// came back from RETURNING or a select, never by the driver's count (CVE-2026-90997).
pub(super) fn call(write: &Write) -> Call<'_> {
    let (sql, values): (_, Values<'_>) = match write {
        Write::AddAccount(row) => (ADD_ACCOUNT, account(row, row.epoch.0)),
        Write::SwapAccount { row, expect } => (SWAP_ACCOUNT, account(row, expect.0)),
        Write::KeepAccount { id, expect } => (KEEP_ACCOUNT, values![&id.as_bytes()[..], expect.0]),
        Write::KeepEpoch { account, expect } => (KEEP_EPOCH, values![&account.as_bytes()[..], expect.0]),
        Write::RaiseEpoch { account, expect, .. } => {
            (RAISE_EPOCH, values![&account.as_bytes()[..], expect.0, expect.next().0])
        }
        Write::AddIdentifier(row) => {
            (ADD_IDENTIFIER, values![&row.account.as_bytes()[..], &row.lookup.0[..], &row.sealed[..]])
        }
        Write::RemoveIdentifier { lookup, account, free_at } => {
            (REMOVE_IDENTIFIER, values![&lookup.0[..], &account.as_bytes()[..], free_at.as_millis()])
        }
        Write::AddContact(row) => (
            ADD_CONTACT,
            values![
                &row.account.as_bytes()[..],
                &row.id.as_bytes()[..],
                row.version.0,
                row.confirmed.as_millis(),
                &row.sealed[..],
            ],
        ),
        Write::KeepContact { id, expect } => (KEEP_CONTACT, values![&id.as_bytes()[..], expect.0]),
        Write::RemoveContact { id, expect } => (REMOVE_CONTACT, values![&id.as_bytes()[..], expect.0]),
        Write::AddCredential(row) => (ADD_CREDENTIAL, credential(row)),
        Write::SwapCredential { row, expect } => {
            let mut values = credential(row);
            values.push(Box::new(expect.0));
            (SWAP_CREDENTIAL, values)
        }
        Write::KeepCredential { id, expect } => (KEEP_CREDENTIAL, values![&id.as_bytes()[..], expect.0]),
        Write::RemoveCredential { id, expect } => (REMOVE_CREDENTIAL, values![&id.as_bytes()[..], expect.0]),
        Write::AddBrowser { row, keep } => (
            ADD_BROWSER,
            values![
                &row.account.as_bytes()[..],
                &row.id.as_bytes()[..],
                &row.key.as_bytes()[..],
                row.seen.as_millis(),
                row.expires.as_millis(),
                others(*keep),
            ],
        ),
        Write::TouchBrowser { id, seen, expires } => {
            (TOUCH_BROWSER, values![&id.as_bytes()[..], seen.as_millis(), expires.as_millis()])
        }
        Write::ForgetBrowsers { account, except } => {
            (FORGET_BROWSERS, values![&account.as_bytes()[..], except.as_ref().map(|id| &id.as_bytes()[..])])
        }
        Write::AddFlow(row) => (
            ADD_FLOW,
            values![&row.key.as_bytes()[..], row.version.0, row.expires.as_millis(), &row.sealed[..]],
        ),
        Write::SwapFlow { row, expect } => (
            SWAP_FLOW,
            values![
                &row.key.as_bytes()[..],
                expect.0,
                row.version.0,
                row.expires.as_millis(),
                &row.sealed[..],
            ],
        ),
        Write::TakeFlow { key, expect } => (TAKE_FLOW, values![&key.as_bytes()[..], expect.0]),
        Write::Once { key, until } => (ONCE, values![&key.0[..], until.as_millis()]),
        Write::Event(row) => (EVENT, event(row)),
        Write::Message(row) => (MESSAGE, message(row)),
        Write::CloseMessage { id, at, delivered } => {
            (CLOSE_MESSAGE, values![&id.as_bytes()[..], at.as_millis(), *delivered])
        }
        Write::RetryMessage { id, due, tried } => {
            (RETRY_MESSAGE, values![&id.as_bytes()[..], due.as_millis(), i64::from(!tried)])
        }
        Write::AddSession { row, keep } => (ADD_SESSION, session(row, *keep)),
        Write::TouchSession { key, seen } => (TOUCH_SESSION, values![&key.as_bytes()[..], seen.as_millis()]),
        Write::EndSession { account, id, .. } => {
            (END_SESSION, values![&account.as_bytes()[..], &id.as_bytes()[..]])
        }
        Write::EndSessions { account, except, .. } => {
            (END_SESSIONS, values![&account.as_bytes()[..], except.as_ref().map(|id| &id.as_bytes()[..])])
        }
        Write::Settle { key, how, limit, at } => return count::settle(key, *how, limit, *at),
        Write::AddCanary { realm, sealed } => (ADD_CANARY, values![realm.as_str().as_bytes(), &sealed[..]]),
    };
    Call { sql, values }
}

fn account(row: &AccountRow, number: i64) -> Values<'_> {
    values![
        &row.id.as_bytes()[..],
        number,
        row.version.0,
        row.state as i64,
        row.realm.as_str().as_bytes(),
        &row.route.as_bytes()[..],
        row.created.as_millis(),
        &row.data_key[..],
        &row.sealed[..],
    ]
}

fn credential(row: &CredentialRow) -> Values<'_> {
    values![
        &row.account.as_bytes()[..],
        &row.id.as_bytes()[..],
        row.version.0,
        row.factor.as_str().as_bytes(),
        row.created.as_millis(),
        row.lookups.iter().map(|lookup| &lookup.0[..]).collect::<Vec<_>>(),
        &row.sealed[..],
    ]
}

fn event(row: &EventRow) -> Values<'_> {
    values![
        &row.id.as_bytes()[..],
        row.account.as_ref().map(|id| &AccountId::as_bytes(id)[..]),
        row.at.as_millis(),
        row.outcome as i64,
        row.realm.as_str().as_bytes(),
        row.name.as_str().as_bytes(),
        &row.sealed[..],
        row.lasting,
    ]
}

fn message(row: &MessageRow) -> Values<'_> {
    values![
        &row.id.as_bytes()[..],
        row.realm.as_str().as_bytes(),
        row.account.as_ref().map(|id| &AccountId::as_bytes(id)[..]),
        row.deliver,
        row.due.as_millis(),
        i64::from(row.attempts),
        &row.sealed[..],
    ]
}

fn session(row: &SessionRow, keep: usize) -> Values<'_> {
    values![
        &row.account.as_bytes()[..],
        &row.key.as_bytes()[..],
        &row.id.as_bytes()[..],
        row.epoch.0,
        row.created.as_millis(),
        row.seen.as_millis(),
        i64::from(row.idle_secs),
        row.expires.as_millis(),
        row.proofs.as_bytes(),
        others(keep),
        row.created.max(row.seen).as_millis(),
    ]
}

/// How many rows may stay beside the one just added.
fn others(keep: usize) -> i64 {
    i64::try_from(keep.saturating_sub(1)).unwrap_or(i64::MAX)
}

const LOCK_ACCOUNTS: &str = "SELECT 1 FROM accounts WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE";
// An array, made once: a condition with OR, or a query in it, is judged for each account that there is.
const LOCK_ACCOUNTS_OF: &str = include_str!("lock_accounts_of.sql");
const LOCK_GUARDS: &str = "SELECT 1 FROM guards WHERE key = ANY ($1) ORDER BY key FOR UPDATE";

const ADD_ACCOUNT: &str = "WITH w AS (
    INSERT INTO accounts (id, epoch, version, state, realm, route, created, data_key, sealed)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING 1
) SELECT propusk_must(EXISTS (SELECT FROM w))";
const SWAP_ACCOUNT: &str = "WITH w AS (
    UPDATE accounts SET version = $3, state = $4, realm = $5, route = $6, created = $7, data_key = $8, sealed = $9
    WHERE id = $1 AND version = $2 RETURNING 1
) SELECT propusk_must(EXISTS (SELECT FROM w))";
const KEEP_ACCOUNT: &str =
    "SELECT propusk_must(EXISTS (SELECT FROM accounts WHERE id = $1 AND version = $2))";
const KEEP_EPOCH: &str = "SELECT propusk_must(EXISTS (SELECT FROM accounts WHERE id = $1 AND epoch = $2))";
// Dead by their epoch already; gone so that they fill no list and count for no limit.
const RAISE_EPOCH: &str = "WITH w AS (
    UPDATE accounts SET epoch = $3 WHERE id = $1 AND epoch = $2 RETURNING 1
), gone AS (
    DELETE FROM sessions WHERE key IN (
        SELECT key FROM sessions WHERE account = $1 AND EXISTS (SELECT FROM w) ORDER BY key FOR UPDATE)
) SELECT propusk_must(EXISTS (SELECT FROM w))";
const ADD_IDENTIFIER: &str = "WITH w AS (
    INSERT INTO identifiers AS i (account, lookup, sealed)
    SELECT id, $2::BYTEA, $3::BYTEA FROM accounts WHERE id = $1
    ON CONFLICT (lookup) DO UPDATE SET sealed = excluded.sealed, free_at = NULL
    WHERE i.account = excluded.account AND i.free_at IS NOT NULL RETURNING 1
) SELECT propusk_must(EXISTS (SELECT FROM w))";
const REMOVE_IDENTIFIER: &str = "WITH w AS (
    UPDATE identifiers SET sealed = '', free_at = $3
    WHERE lookup = $1 AND account = $2 AND free_at IS NULL RETURNING 1
) SELECT propusk_must(EXISTS (SELECT FROM w))";
const ADD_CONTACT: &str = "WITH w AS (
    INSERT INTO contacts (account, id, version, confirmed, sealed)
    SELECT id, $2::BYTEA, $3::BIGINT, $4::BIGINT, $5::BYTEA FROM accounts WHERE id = $1
    ON CONFLICT DO NOTHING RETURNING 1
) SELECT propusk_must(EXISTS (SELECT FROM w))";
const KEEP_CONTACT: &str =
    "SELECT propusk_must(EXISTS (SELECT FROM contacts WHERE id = $1 AND version = $2))";
const REMOVE_CONTACT: &str = "WITH w AS (
    DELETE FROM contacts WHERE id = $1 AND version = $2 RETURNING 1
) SELECT propusk_must(EXISTS (SELECT FROM w))";
const ADD_CREDENTIAL: &str = "WITH w AS (
    INSERT INTO credentials (account, id, version, factor, created, lookups, sealed)
    SELECT id, $2::BYTEA, $3::BIGINT, $4::BYTEA, $5::BIGINT, $6::BYTEA[], $7::BYTEA FROM accounts WHERE id = $1
    ON CONFLICT DO NOTHING RETURNING 1
), added AS (
    INSERT INTO handles (lookup, account, credential) SELECT l, $1, $2 FROM unnest($6::BYTEA[]) l ORDER BY l
    ON CONFLICT DO NOTHING RETURNING 1
) SELECT propusk_must(EXISTS (SELECT FROM w) AND (SELECT count(*) FROM added) = cardinality($6))";
// A handle that stays is not touched; one that is neither new nor its own belongs to another.
const SWAP_CREDENTIAL: &str = "WITH old AS (
    SELECT id, lookups FROM credentials WHERE id = $2 AND version = $8 AND account = $1
), w AS (
    UPDATE credentials c SET version = $3, factor = $4, created = $5, lookups = $6, sealed = $7
    FROM old WHERE c.id = old.id AND c.version = $8 RETURNING 1
), freed AS (
    DELETE FROM handles USING old WHERE lookup = ANY (old.lookups) AND lookup <> ALL ($6)
), added AS (
    INSERT INTO handles (lookup, account, credential) SELECT l, $1, $2 FROM unnest($6::BYTEA[]) l ORDER BY l
    ON CONFLICT DO NOTHING RETURNING 1
), own AS (
    SELECT FROM handles WHERE lookup = ANY ($6) AND credential = $2
) SELECT propusk_must(EXISTS (SELECT FROM w)
    AND (SELECT count(*) FROM added) + (SELECT count(*) FROM own) = cardinality($6))";
const KEEP_CREDENTIAL: &str =
    "SELECT propusk_must(EXISTS (SELECT FROM credentials WHERE id = $1 AND version = $2))";
const REMOVE_CREDENTIAL: &str = "WITH w AS (
    DELETE FROM credentials WHERE id = $1 AND version = $2 RETURNING lookups
), freed AS (
    DELETE FROM handles USING w WHERE lookup = ANY (w.lookups)
) SELECT propusk_must(EXISTS (SELECT FROM w))";
// The row just added never goes, however late its clock: the delete does not see it.
const ADD_BROWSER: &str = "WITH w AS (
    INSERT INTO browsers (account, id, key, seen, expires)
    SELECT id, $2::BYTEA, $3::BYTEA, $4::BIGINT, $5::BIGINT FROM accounts WHERE id = $1
    ON CONFLICT DO NOTHING RETURNING 1
), forgotten AS (
    DELETE FROM browsers WHERE id IN (
        SELECT id FROM browsers WHERE account = $1 ORDER BY seen DESC, id DESC OFFSET $6)
) SELECT propusk_must(EXISTS (SELECT FROM w))";
const TOUCH_BROWSER: &str = "UPDATE browsers SET seen = greatest(seen, $2), expires = $3 WHERE id = $1";
const FORGET_BROWSERS: &str = "DELETE FROM browsers WHERE id IN (
    SELECT id FROM browsers WHERE account = $1 AND id IS DISTINCT FROM $2 ORDER BY id FOR UPDATE)";
const ADD_FLOW: &str = "WITH w AS (
    INSERT INTO flows (key, version, expires, sealed) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING 1
) SELECT propusk_must(EXISTS (SELECT FROM w))";
const SWAP_FLOW: &str = "WITH w AS (
    UPDATE flows SET version = $3, expires = $4, sealed = $5 WHERE key = $1 AND version = $2 RETURNING 1
) SELECT propusk_must(EXISTS (SELECT FROM w))";
const TAKE_FLOW: &str = "WITH w AS (
    DELETE FROM flows WHERE key = $1 AND version = $2 RETURNING 1
) SELECT propusk_must(EXISTS (SELECT FROM w))";
const ONCE: &str = "WITH w AS (
    INSERT INTO once (key, until) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1
) SELECT propusk_must(EXISTS (SELECT FROM w))";
const EVENT: &str = "WITH w AS (
    INSERT INTO events (id, account, at, outcome, realm, name, sealed, lasting)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT DO NOTHING RETURNING 1
) SELECT propusk_must(EXISTS (SELECT FROM w))";
// Nobody ever closes a decoy's message: it is over, for purge, once it would have been due.
const MESSAGE: &str = "WITH w AS (
    INSERT INTO messages (id, realm, account, deliver, due, ready, attempts, over, sealed)
    VALUES ($1, $2, $3, $4, $5::BIGINT, $5, $6, CASE WHEN $4 THEN NULL ELSE $5 END, $7) ON CONFLICT DO NOTHING RETURNING 1
) SELECT propusk_must(EXISTS (SELECT FROM w))";
const CLOSE_MESSAGE: &str =
    "UPDATE messages SET over = $2, delivered = $3, sealed = '' WHERE id = $1 AND over IS NULL";
const RETRY_MESSAGE: &str = "UPDATE messages SET due = $2, ready = $2,
    attempts = greatest(attempts - $3, 0) WHERE id = $1 AND over IS NULL";
// What is over and not yet purged goes first: it takes no place from what lives. One that goes on under another token
// was made long ago, and is used now ($11).
const ADD_SESSION: &str = "WITH w AS (
    INSERT INTO sessions (key, account, id, epoch, created, seen, idle_secs, expires, proofs)
    SELECT $2::BYTEA, id, $3::BYTEA, epoch, $5::BIGINT, $6::BIGINT, $7::BIGINT, $8::BIGINT, $9::BYTEA
    FROM accounts WHERE id = $1 AND epoch = $4 ON CONFLICT DO NOTHING RETURNING 1
), ended AS (
    DELETE FROM sessions WHERE key IN (
        SELECT key FROM sessions WHERE account = $1
        ORDER BY least(expires, seen + idle_secs * 1000) > $11 DESC, seen DESC, id DESC OFFSET $10)
) SELECT propusk_must(EXISTS (SELECT FROM w))";
const TOUCH_SESSION: &str = "UPDATE sessions SET seen = greatest(seen, $2) WHERE key = $1";
const END_SESSION: &str = "WITH w AS (
    DELETE FROM sessions WHERE account = $1 AND id = $2 RETURNING 1
) SELECT propusk_must(EXISTS (SELECT FROM w))";
const END_SESSIONS: &str = "DELETE FROM sessions WHERE key IN (
    SELECT key FROM sessions WHERE account = $1 AND id IS DISTINCT FROM $2 ORDER BY key FOR UPDATE)";
const ADD_CANARY: &str = "WITH w AS (
    INSERT INTO canaries (realm, sealed) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1
) SELECT propusk_must(EXISTS (SELECT FROM w))";
