//! What may be wrong with a file, and what a file remembers.

use std::sync::Barrier;
use std::time::Duration;

use propusk::error::StoreError;
use propusk::lockout::{Limit, Reserved, Settlement};
use propusk::store::sqlite::{SqliteSettings, SqliteStore};
use propusk::store::{
    AccountStore, Commit, Committed, EventStore, FlowStore, LockoutStore, Lookup, SessionStore, SubjectKey,
    Write,
};

use super::fixtures::*;

const FROZEN: [&str; 3] =
    [include_str!("../schema/v1.sql"), include_str!("../schema/v2.sql"), include_str!("../schema/v3.sql")];
/// From before events were told apart by how long they are kept.
const OLD_EVENTS: [(u32, u8, &str); 4] = [
    (11, 0, "sign-in"),
    (12, 1, "credential-added"),
    (13, 0, "credential-added"),
    (14, 0, "passport:viewed"),
];
const NEWEST: i64 = FROZEN.len() as i64;

fn pragma(db: &rusqlite::Connection, name: &str) -> i64 {
    db.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0)).unwrap()
}

fn dump(db: &rusqlite::Connection) -> String {
    let mut statement = db
        .prepare(
            "SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY tbl_name, type DESC, name",
        )
        .unwrap();
    let tables: Vec<String> =
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let (application, version) = (pragma(db, "application_id"), pragma(db, "user_version"));
    format!(
        "PRAGMA application_id = {application};\nPRAGMA user_version = {version};\n{}\n",
        tables.join("\n")
    )
}

#[test]
fn a_new_file_has_the_frozen_schema() {
    let dir = Dir::new();
    let _store = dir.store();
    let found = dump(&dir.raw());
    assert!(
        Some(&*found) == FROZEN.last().copied(),
        "the schema is not tests/schema/v{NEWEST}.sql, but:\n{found}"
    );
}

#[test]
fn a_file_with_a_frozen_schema_is_brought_forward_and_keeps_its_rows() {
    for frozen in FROZEN {
        let dir = Dir::new();
        let db = dir.raw();
        db.execute_batch(frozen).unwrap();
        db.execute("INSERT INTO flows VALUES (?1, 3, 1800000600000, x'0102')", [bytes::<32>(1)]).unwrap();
        let name = "INSERT INTO identifiers (account, lookup, sealed) VALUES (?1, ?2, x'03')";
        db.execute(name, (account_row(1).id.as_bytes(), bytes::<32>(2))).unwrap();
        let line = "INSERT INTO events (id, account, at, outcome, realm, name, sealed)
                     VALUES (?1, NULL, 7, ?2, 'portal', ?3, x'04')";
        for (n, outcome, name) in OLD_EVENTS {
            db.execute(line, (bytes::<16>(n), outcome, name)).unwrap();
        }
        drop(db);
        let store = dir.store();
        if frozen != FROZEN[2] {
            let gone = |lasting| wait(store.drop_events(REALM, lasting, T0, 9)).unwrap();
            assert_eq!([gone(false), gone(true)], [2, 2], "what changed an account lasts");
        }
        for (n, outcome, name) in OLD_EVENTS {
            dir.raw()
                .execute(&format!("{line} ON CONFLICT DO NOTHING"), (bytes::<16>(n), outcome, name))
                .unwrap();
        }
        let passed = wait(store.drop_events(REALM, false, T0, 9)).unwrap();
        assert_eq!(passed, 0, "of the lines of an older process, which are not told apart, all last");
        assert_eq!(wait(store.find_flow(token(1), T0)).unwrap().unwrap().sealed, [1, 2]);
        won(wait(store.commit(vec![account(1), session(1, 1), event(1, 1), once(1)])));
        let found = wait(store.subject(SubjectKey::Identifier(Lookup(bytes(2))))).unwrap().unwrap();
        assert_eq!(
            (found.account.id, found.identifiers.len()),
            (account_row(1).id, 1),
            "a name is its owner's still"
        );
        drop(store);
        // `ALTER TABLE` writes the column behind the others, as in a file that is new.
        assert!(Some(&*dump(&dir.raw())) == FROZEN.last().copied(), "brought forward, it is as a new one");
    }
}

#[test]
fn a_newer_file_is_refused_and_left_alone() {
    let dir = Dir::new();
    drop(dir.store());
    closed(&dir.file());
    let db = dir.raw();
    db.pragma_update(None, "user_version", NEWEST + 1).unwrap();
    drop(db);
    let before = std::fs::read(dir.file()).unwrap();
    let error = SqliteStore::open(dir.file()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found, known } if (found, known) == (NEWEST + 1, NEWEST)));
    closed(&dir.file());
    assert!(std::fs::read(dir.file()).unwrap() == before);
}

#[test]
fn another_programs_file_is_refused_and_left_alone() {
    for theirs in [
        "CREATE TABLE notes (text TEXT)",
        "PRAGMA application_id = 77",
        "PRAGMA user_version = 1; CREATE TABLE accounts (id BLOB)",
        "PRAGMA application_id = 77; PRAGMA user_version = 1; CREATE TABLE notes (text TEXT)",
    ] {
        let dir = Dir::new();
        dir.raw().execute_batch(theirs).unwrap();
        let before = std::fs::read(dir.file()).unwrap();
        let error = SqliteStore::open(dir.file()).unwrap_err();
        assert!(matches!(error, StoreError::Foreign(_)), "{theirs}: {error:?}");
        assert!(error.to_string().contains("another program"), "{error}");
        assert!(std::fs::read(dir.file()).unwrap() == before, "{theirs}");
        assert_eq!(std::fs::read_dir(dir.file().parent().unwrap()).unwrap().count(), 1, "{theirs}");
    }
}

#[test]
fn what_is_no_database_is_corrupt() {
    let dir = Dir::new();
    std::fs::write(dir.file(), "this is a letter, not a database\n".repeat(300)).unwrap();
    let error = SqliteStore::open(dir.file()).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
}

#[test]
fn damaged_pages_are_corrupt_not_a_no() {
    let dir = Dir::new();
    let store = dir.store();
    won(wait(store.commit((0..500).map(flow).collect())));
    drop(store);
    closed(&dir.file());
    let db = dir.raw();
    let mut statement = db.prepare("SELECT pgoffset FROM dbstat WHERE name = 'flows'").unwrap();
    let pages: Vec<u32> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    drop(statement);
    drop(db);
    let mut file = std::fs::read(dir.file()).unwrap();
    for at in pages {
        let at = usize::try_from(at).unwrap();
        file[at..at + 4096].fill(0xa5);
    }
    std::fs::write(dir.file(), file).unwrap();
    let store = dir.store();
    let found = wait(store.find_flow(token(1), T0));
    assert!(matches!(found, Err(StoreError::Corrupt(_))), "{found:?}");
    let committed = wait(store.commit(vec![flow(1000)])).map_err(StoreError::bare);
    assert!(matches!(committed, Err(StoreError::Corrupt(_))), "{committed:?}");
}

#[test]
fn a_value_that_was_never_written_is_corrupt() {
    let dir = Dir::new();
    let store = dir.store();
    won(wait(store.commit(vec![account(1), session(1, 1)])));
    dir.raw().execute("UPDATE sessions SET idle_secs = -1", []).unwrap();
    let found = wait(store.find_session(token(1)));
    assert!(matches!(found, Err(StoreError::Corrupt(_))), "{found:?}");
}

#[test]
fn a_file_that_another_process_holds_is_unavailable_until_it_lets_go() {
    let dir = Dir::new();
    let store = dir.store_with(SqliteSettings::default().busy_timeout(Duration::from_millis(20)));
    let other = dir.raw();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let committed = wait(store.commit(vec![flow(1)]));
    let Err(StoreError::Untouched(error)) = committed else { panic!("{committed:?}") };
    assert!(error.to_string().contains("another process holds the file"), "{error}");
    // Who has no batch has nothing to give back.
    let reserved = wait(store.reserve(vec![(guard_key(1), Limit::PORTAL)], T0));
    assert!(matches!(reserved, Err(StoreError::Unavailable(_))), "{reserved:?}");
    other.execute_batch("ROLLBACK").unwrap();
    won(wait(store.commit(vec![flow(1)])));

    let dir = Dir::new();
    let other = dir.raw();
    other.execute_batch("BEGIN EXCLUSIVE; CREATE TABLE notes (text TEXT)").unwrap();
    let settings = SqliteSettings::default().busy_timeout(Duration::from_millis(20));
    let error = SqliteStore::open_with(dir.file(), settings).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

#[test]
fn a_full_file_says_so_loses_nothing_and_works_again_once_there_is_room() {
    let dir = Dir::new();
    let store = dir.store_with(SqliteSettings::default().max_pages(100));
    let mut written = 0;
    let error = loop {
        match wait(store.commit(vec![Write::AddFlow(flow_row(written, 3000))])) {
            Ok(committed) => assert_eq!(committed, Committed::Won),
            Err(error) => break error,
        }
        written += 1;
    };
    assert!(error.is_untouched(), "{error:?}");
    assert!(matches!(error.bare(), StoreError::Full));
    assert!(written > 10);
    for n in 0..written {
        assert!(wait(store.find_flow(token(n), T0)).unwrap().is_some());
    }
    assert_eq!(wait(store.find_flow(token(written), T0)).unwrap(), None);
    assert_eq!(wait(store.purge(later(600), 10)).unwrap(), 10);
    won(wait(store.commit(vec![Write::AddFlow(flow_row(written, 3000))])));
}

#[test]
fn a_path_that_cannot_be_opened_is_unavailable() {
    let dir = Dir::new();
    for path in [dir.file().join("below-nothing"), dir.file().parent().unwrap().to_owned()] {
        let error = SqliteStore::open(path).unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_file_and_its_log() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Dir::new();
    let store = dir.store();
    won(wait(store.commit(vec![flow(1)])));
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir.file().parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["auth.db", "auth.db-shm", "auth.db-wal"]);
}

/// ATTACKS 8: counters survive a restart, and a failed operation does not take them back.
#[test]
fn what_was_counted_and_ended_stays_so_after_reopening() {
    let dir = Dir::new();
    let store = dir.store();
    won(wait(store.commit(vec![account(1), session(1, 1), session(2, 1), once(1)])));
    for _ in 0..6 {
        let granted = wait(store.reserve(vec![(guard_key(1), Limit::PORTAL)], T0)).unwrap();
        assert!(matches!(granted, Reserved::Granted { .. }));
        let settle =
            Write::Settle { key: guard_key(1), how: Settlement::Refused, limit: Limit::PORTAL, at: T0 };
        won(wait(store.commit(vec![settle])));
    }
    let row = session_row(1, 1);
    let end = Write::EndSession { account: row.account, route: row.key.route(), id: row.id };
    won(wait(store.commit(vec![end])));
    assert_eq!(wait(store.commit(vec![flow(9), once(1)])).unwrap(), Committed::Lost { at: 1 });
    drop(store);
    closed(&dir.file());

    let store = dir.store();
    let until = T0.after(Limit::PORTAL.hold);
    assert_eq!(
        wait(store.reserve(vec![(guard_key(1), Limit::PORTAL)], T0)).unwrap(),
        Reserved::Held { until }
    );
    assert_eq!(wait(store.commit(vec![once(1)])).unwrap(), Committed::Lost { at: 0 });
    assert_eq!(wait(store.find_session(token(1))).unwrap(), None);
    assert_eq!(wait(store.find_session(token(2))).unwrap().unwrap().row, session_row(2, 1));
    assert_eq!(wait(store.find_flow(token(9), T0)).unwrap(), None);
}

#[test]
fn many_may_make_one_file_at_once() {
    for _ in 0..10 {
        let dir = Dir::new();
        let barrier = Barrier::new(8);
        std::thread::scope(|scope| {
            for n in 0..8 {
                let (dir, barrier) = (&dir, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    won(wait(dir.store().commit(vec![flow(n)])));
                });
            }
        });
        let store = dir.store();
        for n in 0..8 {
            assert!(wait(store.find_flow(token(n), T0)).unwrap().is_some());
        }
    }
}

#[test]
fn debug_shows_no_contents() {
    let dir = Dir::new();
    let store = dir.store();
    won(wait(store.commit(vec![flow(1)])));
    assert_eq!(format!("{store:?}"), "SqliteStore { stats: SqliteStats { jobs: 1, commits: 1 }, .. }");
}
