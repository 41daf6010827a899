use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::SqliteSettings;
use super::failure::Failure;

/// `PRAGMA application_id`: "prpk".
const APPLICATION: i64 = 0x7072_706b;

/// The steps from nothing to the present schema: the step at index n leads to `user_version` n + 1. A step that was
/// released is never edited; the frozen result of each stands in `tests/schema/`.
pub(super) const STEPS: &[&str] = &[V1, V2, V3];

/// Opens the file as the writer does: makes it, refuses what is not ours, brings it to the present version.
pub(super) fn open_writer(
    path: &Path,
    settings: &SqliteSettings,
    steps: &[&str],
) -> Result<Connection, Failure> {
    create_private(path)?;
    let db = connect(path, settings)?;
    // Nothing is written to a file before it is known to be ours.
    let version = {
        // One moment: beside a process that is making the file, three reads by themselves see half of it.
        let moment = db.unchecked_transaction()?;
        version(&moment, steps)?
    };
    enter_wal(&db, settings.busy_timeout)?;
    db.pragma_update(None, "synchronous", settings.synchronous())?;
    db.pragma_update(None, "journal_size_limit", 64 << 20)?;
    if let Some(pages) = settings.max_pages {
        db.pragma_update(None, "max_page_count", pages)?;
    }
    if version < count(steps) {
        migrate(&db, steps)?;
    }
    Ok(db)
}

/// Opens a file that [`open_writer`] has prepared, for reading only.
pub(super) fn open_reader(path: &Path, settings: &SqliteSettings) -> Result<Connection, Failure> {
    let db = connect(path, settings)?;
    db.pragma_update(None, "query_only", true)?;
    Ok(db)
}

/// A reader that waits for nobody.
pub(super) fn open_in_place(path: &Path, settings: &SqliteSettings) -> Result<Connection, Failure> {
    let mut db = open_reader(path, settings)?;
    db.busy_handler(None::<fn(i32) -> bool>)?;
    Ok(db)
}

/// The schema version of the file; zero when it is empty.
fn version(db: &Connection, steps: &[&str]) -> Result<i64, Failure> {
    let application: i64 = db.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application, version, tables) {
        (0, 0, 0) => Ok(0),
        (APPLICATION, found, _) if found > count(steps) => Err(Failure::Newer { found, known: count(steps) }),
        (APPLICATION, found @ 1.., _) => Ok(found),
        (APPLICATION, ..) => Err(Failure::Corrupt("the schema version was overwritten")),
        (0, ..) => Err(Failure::Foreign("it has tables, but not this library's application id")),
        _ => Err(Failure::Foreign("it carries another application id")),
    }
}

fn migrate(db: &Connection, steps: &[&str]) -> Result<(), Failure> {
    db.execute_batch("BEGIN IMMEDIATE")?;
    let migrated = (|| {
        // Read again under the write lock: another process may have been faster.
        let from = usize::try_from(version(db, steps)?).unwrap_or(0);
        for step in steps.iter().skip(from) {
            db.execute_batch(step)?;
        }
        db.pragma_update(None, "application_id", APPLICATION)?;
        db.pragma_update(None, "user_version", count(steps))?;
        db.execute_batch("COMMIT")?;
        Ok(())
    })();
    if migrated.is_err() && !db.is_autocommit() {
        db.execute_batch("ROLLBACK")?;
    }
    migrated
}

fn connect(path: &Path, settings: &SqliteSettings) -> Result<Connection, Failure> {
    // No URI names: a path with "?mode=memory" in it is a path. No mutex: each connection is used by one thread at a time.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags)?;
    let timeout = settings.busy_timeout;
    let mut since = Instant::now();
    // SQLite's own handler sleeps up to 100 ms between looks, and starves beside a node that commits group after
    // group with microseconds between them; one look each millisecond finds the gap.
    db.busy_handler(Some(move |tries: i32| {
        if tries == 0 {
            since = Instant::now();
        }
        std::thread::sleep(Duration::from_millis(1));
        since.elapsed() < timeout
    }))?;
    db.set_prepared_statement_cache_capacity(128);
    // Else a plan may depend on the values bound to it, and SQLite plans a cached statement anew at each use.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // Flow, event and guard rows of unknown identifiers belong to no account: rows are joined by statements that
    // say Lost, not by constraints that fail.
    db.pragma_update(None, "foreign_keys", false)?;
    Ok(db)
}

/// The switch into WAL does not call the busy handler when another process makes the same switch.
fn enter_wal(db: &Connection, timeout: Duration) -> Result<(), Failure> {
    let since = Instant::now();
    loop {
        let mode = db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        match mode.map_err(Failure::from) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => return Err(Failure::Unavailable("its file system cannot hold a write-ahead log")),
            Err(failure) if failure.is_busy() && since.elapsed() < timeout => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// The log and its index take over the mode of the file, so that it is set before SQLite opens it.
fn create_private(path: &Path) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::StorageFull => Err(Failure::Full),
        Err(_) => Err(Failure::Unavailable("the file cannot be made")),
    }
}

fn count(steps: &[&str]) -> i64 {
    i64::try_from(steps.len()).unwrap_or(i64::MAX)
}

/// What belongs to one account lies together (its id leads the key), so that reading a subject touches few pages
/// however many accounts there are.
const V1: &str = "
CREATE TABLE accounts (
    id BLOB NOT NULL PRIMARY KEY, epoch INTEGER NOT NULL, version INTEGER NOT NULL, state INTEGER NOT NULL,
    realm TEXT NOT NULL, route BLOB NOT NULL, created INTEGER NOT NULL, data_key BLOB NOT NULL,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE identifiers (
    account BLOB NOT NULL, lookup BLOB NOT NULL UNIQUE, sealed BLOB NOT NULL, PRIMARY KEY (account, lookup)
) STRICT, WITHOUT ROWID;
CREATE TABLE contacts (
    account BLOB NOT NULL, id BLOB NOT NULL UNIQUE, version INTEGER NOT NULL, confirmed INTEGER NOT NULL,
    sealed BLOB NOT NULL, PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;
-- lookups: 32 bytes each, in the row's own order; handles is what finds them
CREATE TABLE credentials (
    account BLOB NOT NULL, id BLOB NOT NULL UNIQUE, version INTEGER NOT NULL, factor TEXT NOT NULL,
    created INTEGER NOT NULL, lookups BLOB NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE handles (
    lookup BLOB NOT NULL PRIMARY KEY, account BLOB NOT NULL, credential BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE browsers (
    account BLOB NOT NULL, id BLOB NOT NULL UNIQUE, key BLOB NOT NULL UNIQUE, seen INTEGER NOT NULL,
    expires INTEGER NOT NULL, PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX browsers_over ON browsers (expires);
CREATE TABLE flows (
    key BLOB NOT NULL PRIMARY KEY, version INTEGER NOT NULL, expires INTEGER NOT NULL, sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX flows_over ON flows (expires);
CREATE TABLE sessions (
    key BLOB NOT NULL PRIMARY KEY, account BLOB NOT NULL, id BLOB NOT NULL, epoch INTEGER NOT NULL,
    created INTEGER NOT NULL, seen INTEGER NOT NULL, idle_secs INTEGER NOT NULL, expires INTEGER NOT NULL,
    proofs BLOB NOT NULL, UNIQUE (account, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_over ON sessions (min(expires, seen + idle_secs * 1000));
CREATE TABLE once (key BLOB NOT NULL PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX once_over ON once (until);
CREATE TABLE guards (
    key BLOB NOT NULL PRIMARY KEY, refused INTEGER NOT NULL, pending INTEGER NOT NULL,
    lease_until INTEGER NOT NULL, held_until INTEGER NOT NULL, forget_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX guards_over ON guards (forget_at);
-- full_at: microseconds
CREATE TABLE throttles (key BLOB NOT NULL PRIMARY KEY, full_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX throttles_over ON throttles (full_at);
CREATE TABLE events (
    id BLOB NOT NULL PRIMARY KEY, account BLOB, at INTEGER NOT NULL, outcome INTEGER NOT NULL,
    realm TEXT NOT NULL, name TEXT NOT NULL, sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX events_of ON events (account, id, at, outcome) WHERE account IS NOT NULL;
-- ready: due, or the end of a lease. over: may be dropped from then on, NULL while it is to be delivered
CREATE TABLE messages (
    id BLOB NOT NULL PRIMARY KEY, realm TEXT NOT NULL, account BLOB, deliver INTEGER NOT NULL,
    due INTEGER NOT NULL, ready INTEGER NOT NULL, attempts INTEGER NOT NULL, over INTEGER, delivered INTEGER,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX messages_due ON messages (realm, due) WHERE over IS NULL;
CREATE INDEX messages_over ON messages (over) WHERE over IS NOT NULL;
CREATE TABLE canaries (realm TEXT NOT NULL PRIMARY KEY, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;
";

/// A name that was given up stays taken until `free_at`.
const V2: &str = "
ALTER TABLE identifiers ADD COLUMN free_at INTEGER;
CREATE INDEX identifiers_free ON identifiers (free_at) WHERE free_at IS NOT NULL;
";

/// Events are dropped by their age, those that tell how an account came to be what it is apart from the others. A process
/// of the version before says nothing of it: what is not known to pass is kept.
const V3: &str = "
ALTER TABLE events ADD COLUMN lasting INTEGER NOT NULL DEFAULT 1;
UPDATE events SET lasting = 0 WHERE outcome <> 0 OR name IN ('sign-in', 'factor-proven', 'step-up',
    'browser-trusted', 'answered-elsewhere', 'session-refresh', 'sign-out', 'session-ended', 'browser-forgotten',
    'other-sessions-ended', 'notice-undelivered', 'account-switched');
CREATE INDEX events_old ON events (realm, lasting, at);
";
