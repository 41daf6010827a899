use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::{Connection, StatementStatus};

use super::SqliteSettings;
use super::count::OLD_EVENTS;
use super::failure::Failure;
use super::read;
use super::schema::{STEPS, open_writer};
use crate::secret::TokenHash;

struct File(PathBuf);

impl File {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("propusk-schema-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }

    fn open(&self, steps: &[&str]) -> Result<Connection, Failure> {
        open_writer(&self.0, &SqliteSettings::default(), steps)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            let mut name = self.0.clone().into_os_string();
            name.push(end);
            let _ = std::fs::remove_file(name);
        }
    }
}

fn number(db: &Connection, sql: &str) -> i64 {
    db.query_row(sql, [], |row| row.get(0)).unwrap()
}

const NEXT_STEP: &str = "ALTER TABLE flows ADD COLUMN note TEXT; UPDATE flows SET note = 'old';";

#[test]
fn an_older_file_is_brought_forward_once_and_keeps_its_rows() {
    let file = File::new();
    let db = file.open(STEPS).unwrap();
    db.execute_batch("INSERT INTO flows VALUES (x'01', 1, 2, x'03')").unwrap();
    drop(db);
    let steps = [STEPS, &[NEXT_STEP]].concat();
    for _ in 0..2 {
        let db = file.open(&steps).unwrap();
        assert_eq!(number(&db, "PRAGMA user_version"), i64::try_from(steps.len()).unwrap());
        assert_eq!(number(&db, "SELECT count(*) FROM flows WHERE note = 'old'"), 1);
    }
    let (found, known) = (STEPS.len() + 1, STEPS.len());
    let refused = file.open(STEPS).unwrap_err();
    assert!(
        matches!(refused, Failure::Newer { found: f, known: k } if (f, k) == (found as i64, known as i64)),
        "{refused:?}"
    );
}

#[test]
fn a_step_that_fails_leaves_the_file_as_it_was() {
    let file = File::new();
    drop(file.open(STEPS).unwrap());
    let steps = [STEPS, &[NEXT_STEP, "CREATE TABLE flows (already_there INTEGER)"]].concat();
    assert!(matches!(file.open(&steps), Err(Failure::Driver { .. })));
    let db = file.open(STEPS).unwrap();
    assert_eq!(number(&db, "SELECT count(*) FROM pragma_table_info('flows') WHERE name = 'note'"), 0);
}

#[test]
fn commits_wait_for_the_disk_unless_the_danger_is_named() {
    let synchronous = |settings| {
        let file = File::new();
        number(&open_writer(&file.0, &settings, STEPS).unwrap(), "PRAGMA synchronous")
    };
    assert_eq!(synchronous(SqliteSettings::default()), 2);
    assert_eq!(synchronous(SqliteSettings::default().danger_synchronous_normal()), 1);
}

/// A session check is two look-ups; planning its statement anew would cost several times as much.
#[test]
fn a_cached_statement_is_planned_once() {
    let file = File::new();
    let db = file.open(STEPS).unwrap();
    for n in 0..10 {
        assert_eq!(read::session(&db, TokenHash::from_bytes([n; 32])).unwrap(), None);
    }
    let statement = db.prepare_cached(read::SESSION).unwrap();
    assert!(statement.get_status(StatementStatus::Run) >= 10);
    assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
}

/// It is asked each second, and mostly for nothing.
#[test]
fn old_events_are_found_by_the_index_alone() {
    let file = File::new();
    let db = file.open(STEPS).unwrap();
    let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {OLD_EVENTS}")).unwrap();
    let steps =
        plan.query_map(rusqlite::params!["main", false, 7, 10], |row| row.get::<_, String>(3)).unwrap();
    let steps: Vec<_> = steps.map(Result::unwrap).collect();
    let wanted = "SEARCH events USING COVERING INDEX events_old (realm=? AND lasting=? AND at<?)";
    assert!(steps.iter().any(|step| step == wanted), "{steps:?}");
    assert!(!steps.iter().any(|step| step.contains("SCAN events") || step.contains("B-TREE")), "{steps:?}");
}
