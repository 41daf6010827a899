//! What `tests/durability` watches from outside: each acknowledged reply is written to standard output, alone.

use std::io::Write as _;

use propusk::lockout::{Limit, Reserved};
use propusk::store::sqlite::{SqliteSettings, SqliteStore};
use propusk::store::{Commit, LockoutStore};

use super::fixtures::*;

/// Not a test of its own: without the script's variable it does nothing.
#[test]
fn acknowledge() {
    let Some(path) = std::env::var_os("PROPUSK_DURABILITY_FILE") else { return };
    let mut settings = SqliteSettings::default();
    if std::env::var_os("PROPUSK_DURABILITY_WEAK").is_some() {
        settings = settings.danger_synchronous_normal();
    }
    let store = SqliteStore::open_with(path, settings).unwrap();
    let mut out = std::io::stdout();
    for n in 0..50 {
        won(wait(store.commit(vec![flow(n), event(n, 1)])));
        out.write_all(format!("acknowledged {n} commit\n").as_bytes()).unwrap();
        out.flush().unwrap();
        let reserved = wait(store.reserve(vec![(guard_key(n), Limit::PORTAL)], T0)).unwrap();
        assert!(matches!(reserved, Reserved::Granted { .. }));
        out.write_all(format!("acknowledged {n} reserve\n").as_bytes()).unwrap();
        out.flush().unwrap();
    }
}
