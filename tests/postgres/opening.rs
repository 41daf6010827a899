//! What may be wrong with a server, and what a database remembers.

use std::net::TcpListener;
use std::time::Duration;

use propusk::error::StoreError;
use propusk::lockout::{Limit, Reserved, Settlement};
use propusk::store::postgres::PostgresStore;
use propusk::store::{
    AccountStore, Commit, Committed, EventStore, FlowStore, LockoutStore, Lookup, SessionStore, SubjectKey,
    Write,
};
use propusk::testing::block_on;
use tokio_postgres::{Client, NoTls};

use crate::rows::*;
use crate::server::{fresh, open, settings, url, within};

const FROZEN: [&str; 3] = [
    include_str!("../schema/postgres/v1.sql"),
    include_str!("../schema/postgres/v2.sql"),
    include_str!("../schema/postgres/v3.sql"),
];
/// From before events were told apart by how long they are kept.
const OLD_EVENTS: [(u32, u8, &str); 4] = [
    (11, 0, "sign-in"),
    (12, 1, "credential-added"),
    (13, 0, "credential-added"),
    (14, 0, "passport:viewed"),
];
const NEWEST: i64 = FROZEN.len() as i64;

/// Another program's look at the database.
pub(crate) fn raw(schema: &str) -> Client {
    within(|| {
        block_on(async {
            let mut config: tokio_postgres::Config = url().parse().unwrap();
            config.options(format!("-c search_path={schema}"));
            let (client, connection) = config.connect(NoTls).await.unwrap();
            tokio::spawn(connection);
            client
        })
    })
}

pub(crate) fn run(client: &Client, sql: &str) {
    within(|| block_on(client.batch_execute(sql))).unwrap();
}

pub(crate) fn number(client: &Client, sql: &str) -> i64 {
    within(|| block_on(client.query_one(sql, &[]))).unwrap().get(0)
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    within(|| block_on(future))
}

fn refused(url: &str, schema: &str) -> StoreError {
    let settings = settings(schema).connect_timeout(Duration::from_secs(10));
    let error = wait(PostgresStore::connect_with(url, settings)).unwrap_err();
    // Whatever it says, and whatever is behind it: no password.
    let told = format!("{error} {error:?}");
    assert!(!told.contains("secret") && !told.contains("wrong-one"), "{told}");
    error
}

/// What PostgreSQL itself tells of all that a schema holds.
fn picture(client: &Client, schema: &str) -> Vec<String> {
    let rows = wait(client.query(
        "SELECT 'column ' || c.table_name || ' ' || c.column_name || ' ' || c.ordinal_position || ' ' || c.data_type
             || ' ' || c.udt_name || ' ' || c.is_nullable || ' ' || coalesce(c.column_default, '')
         FROM information_schema.columns c WHERE c.table_schema = $1
         UNION ALL SELECT 'relation ' || relname || ' ' || relkind::TEXT || relpersistence::TEXT
         FROM pg_class WHERE relnamespace = to_regnamespace($1)
         UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = $1
         UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid)
         FROM pg_constraint WHERE connamespace = to_regnamespace($1)
         UNION ALL SELECT 'function ' || pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = to_regnamespace($1)
         ORDER BY 1",
        &[&schema],
    ));
    let lines = rows.unwrap().into_iter().map(|row| row.get::<_, String>(0));
    lines.map(|line| line.replace(schema, "SCHEMA")).collect()
}

fn laid_down(frozen: &str) -> (String, Client) {
    let schema = fresh();
    let client = raw(&schema);
    run(&client, &format!("CREATE SCHEMA {schema}; {frozen}"));
    (schema, client)
}

fn assert_newest(schema: &str) {
    let (frozen, client) = laid_down(FROZEN[FROZEN.len() - 1]);
    let (made, frozen) = (picture(&raw(schema), schema), picture(&client, &frozen));
    assert!(made.len() > 100, "there is something to compare");
    for (made, frozen) in made.iter().zip(&frozen) {
        assert_eq!(made, frozen, "the schema is not tests/schema/postgres/v{NEWEST}.sql");
    }
    assert_eq!(made.len(), frozen.len());
}

#[test]
fn a_new_schema_is_the_frozen_one() {
    let made = fresh();
    drop(open(&made));
    assert_newest(&made);
}

#[test]
fn a_frozen_schema_is_brought_forward_and_keeps_its_rows() {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for frozen in FROZEN {
        let (schema, client) = laid_down(frozen);
        let (key, name, owner) =
            (hex(&bytes::<32>(1)), hex(&bytes::<32>(2)), hex(account_row(1).id.as_bytes()));
        run(&client, &format!("INSERT INTO flows VALUES ('\\x{key}', 3, 1800000600000, '\\x0102')"));
        run(
            &client,
            &format!(
                "INSERT INTO identifiers (lookup, account, sealed) VALUES ('\\x{name}', '\\x{owner}', '\\x03')"
            ),
        );
        let lines = OLD_EVENTS.map(|(n, outcome, name)| {
            let (id, realm, name) = (hex(&bytes::<16>(n)), hex(b"portal"), hex(name.as_bytes()));
            let values = format!("'\\x{id}', NULL, 7, {outcome}, '\\x{realm}', '\\x{name}', ''");
            format!(
                "INSERT INTO events (id, account, at, outcome, realm, name, sealed) VALUES ({values}) \
                 ON CONFLICT DO NOTHING;"
            )
        });
        run(&client, &lines.concat());
        let store = open(&schema);
        if frozen != FROZEN[2] {
            let gone = |lasting| wait(store.drop_events(REALM, lasting, T0, 9)).unwrap();
            assert_eq!([gone(false), gone(true)], [2, 2], "what changed an account lasts");
        }
        run(&client, &lines.concat());
        let passed = wait(store.drop_events(REALM, false, T0, 9)).unwrap();
        assert_eq!(passed, 0, "of the lines of an older node, which are not told apart, all last");
        assert_eq!(wait(store.find_flow(token(1), T0)).unwrap().unwrap().sealed, [1, 2]);
        won(wait(store.commit(vec![account(1), session(1, 1), event(1, 1), once(1)])));
        let found = wait(store.subject(SubjectKey::Identifier(Lookup(bytes(2))))).unwrap().unwrap();
        assert_eq!(
            (found.account.id, found.identifiers.len()),
            (account_row(1).id, 1),
            "a name is its owner's still"
        );
        assert_newest(&schema);
    }
}

const NEXT_STEP: &str = "ALTER TABLE flows ADD COLUMN note TEXT; UPDATE flows SET note = 'old';";

#[test]
fn an_older_schema_is_brought_forward_once_and_keeps_its_rows() {
    let schema = fresh();
    let store = open(&schema);
    won(wait(store.commit(vec![flow(1)])));
    drop(store);
    for _ in 0..2 {
        let settings = settings(&schema).further_steps(&[NEXT_STEP]);
        let store = wait(PostgresStore::connect_with(&url(), settings)).unwrap();
        assert!(wait(store.find_flow(token(1), T0)).unwrap().is_some());
        let client = raw(&schema);
        assert_eq!(number(&client, "SELECT version FROM propusk_schema"), NEWEST + 1);
        assert_eq!(number(&client, "SELECT count(*) FROM flows WHERE note = 'old'"), 1);
    }
    let error = refused(&url(), &schema);
    assert!(
        matches!(error, StoreError::Newer { found, known } if (found, known) == (NEWEST + 1, NEWEST)),
        "{error:?}"
    );
}

#[test]
fn a_step_that_fails_leaves_the_schema_as_it_was() {
    let schema = fresh();
    drop(open(&schema));
    let steps = &[NEXT_STEP, "CREATE TABLE flows (already_there INTEGER)"];
    let error =
        wait(PostgresStore::connect_with(&url(), settings(&schema).further_steps(steps))).unwrap_err();
    assert!(matches!(error, StoreError::Driver(_)), "{error:?}");
    let client = raw(&schema);
    assert_eq!(number(&client, "SELECT version FROM propusk_schema"), NEWEST);
    let notes =
        "SELECT count(*) FROM information_schema.columns WHERE column_name = 'note' AND table_schema = ";
    assert_eq!(number(&client, &format!("{notes}'{schema}'")), 0);
    won(wait(open(&schema).commit(vec![flow(1)])));
}

#[test]
fn another_programs_schema_is_refused_and_left_alone() {
    let schema = fresh();
    let client = raw(&schema);
    run(&client, &format!("CREATE SCHEMA {schema}; CREATE TABLE accounts (id INTEGER)"));
    let before = picture(&client, &schema);
    let error = refused(&url(), &schema);
    assert!(matches!(error, StoreError::Foreign(_)), "{error:?}");
    assert_eq!(picture(&client, &schema), before);
}

#[test]
fn a_version_that_was_overwritten_is_corrupt() {
    let schema = fresh();
    drop(open(&schema));
    let client = raw(&schema);
    for spoilt in ["UPDATE propusk_schema SET version = 0", "DELETE FROM propusk_schema"] {
        run(&client, spoilt);
        let error = refused(&url(), &schema);
        assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
    }
}

#[test]
fn a_value_that_was_never_written_is_corrupt() {
    let schema = fresh();
    let store = open(&schema);
    won(wait(store.commit(vec![account(1), session(1, 1)])));
    run(&raw(&schema), "UPDATE sessions SET idle_secs = -1");
    let found = wait(store.find_session(token(1)));
    assert!(matches!(found, Err(StoreError::Corrupt(_))), "{found:?}");
}

/// Each is told apart by its words, and none shows the password.
#[test]
fn what_is_wrong_with_the_server_is_named() {
    let schema = fresh();
    let url = url();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (_, database) = url.rsplit_once('/').unwrap();
    for (url, wanted) in [
        (format!("postgres://app:secret@{closed}/{database}"), "cannot be reached"),
        (url.replace(":secret@", ":wrong-one@"), "refuses the user or the password"),
        (url.replace("app:secret@", "nobody:wrong-one@"), "refuses the user or the password"),
        (url.replace(":secret@", "@"), "asks for a password"),
        (format!("{url}_that_is_not_there"), "no database of that name"),
        (String::from("postgres://app:secret@"), "names no server"),
        (String::from("mysql://app:secret@localhost/app"), "not one of PostgreSQL"),
        (format!("{url}?options=-c%20synchronous_commit%3Doff"), "do not wait for the disk"),
    ] {
        let error = refused(&url, &schema);
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        assert!(error.to_string().contains(wanted), "{error}");
    }
    for name in ["", "Portal", "a b", "a;DROP", "pg_own", "1a", "ä"] {
        let error = refused(&url, name);
        assert!(error.to_string().contains("the schema's name"), "{error}");
    }
    assert_eq!(
        number(&raw("public"), &format!("SELECT count(*) FROM pg_namespace WHERE nspname = '{schema}'")),
        0
    );
}

#[test]
fn a_server_that_says_nothing_is_unavailable_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://app:secret@{}/app", listener.local_addr().unwrap());
    let settings = settings("mute").connect_timeout(Duration::from_millis(200));
    let error = wait(PostgresStore::connect_with(&url, settings)).unwrap_err();
    assert!(error.to_string().contains("cannot be reached"), "{error}");
}

#[test]
fn a_user_who_may_only_use_the_tables_is_enough_once_they_are_there() {
    let schema = fresh();
    drop(open(&schema));
    let client = raw(&schema);
    run(
        &client,
        &format!(
            "CREATE ROLE {schema} LOGIN PASSWORD 'secret'; GRANT USAGE ON SCHEMA {schema} TO {schema};
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {schema}"
        ),
    );
    let url = url().replace("app:secret@", &format!("{schema}:secret@"));
    let store = wait(PostgresStore::connect_with(&url, settings(&schema))).unwrap();
    won(wait(store.commit(vec![account(1), session(1, 1), once(1)])));
    run(&client, &format!("REVOKE INSERT ON once FROM {schema}"));
    let error = wait(store.commit(vec![flow(1), once(2)])).unwrap_err();
    assert!(error.to_string().contains("may not read and write"), "{error}");
    assert_eq!(wait(store.find_flow(token(1), T0)).unwrap(), None);
}

/// ATTACKS 8: counters survive a new process, and a failed operation does not take them back.
#[test]
fn what_was_counted_and_ended_stays_so_for_the_next_process() {
    let schema = fresh();
    let store = open(&schema);
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

    let store = open(&schema);
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
fn many_may_make_one_schema_at_once() {
    for _ in 0..5 {
        let schema = fresh();
        let barrier = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for n in 0..8 {
                let (schema, barrier) = (&schema, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    won(wait(open(schema).commit(vec![flow(n)])));
                });
            }
        });
        let store = open(&schema);
        for n in 0..8 {
            assert!(wait(store.find_flow(token(n), T0)).unwrap().is_some());
        }
    }
}

#[test]
fn debug_shows_no_contents() {
    let store = open(&fresh());
    won(wait(store.commit(vec![flow(1)])));
    assert_eq!(format!("{store:?}"), "PostgresStore { connections: 1, idle: 1, .. }");
}

/// It is asked each second, and mostly for nothing.
#[test]
fn old_events_are_found_by_the_index() {
    let schema = fresh();
    let store = open(&schema);
    let client = raw(&schema);
    run(
        &client,
        "INSERT INTO events (id, account, at, outcome, realm, name, sealed, lasting)
         SELECT decode(md5(n::TEXT), 'hex'), NULL, n, 0, 'portal', 'sign-in', decode(repeat('00', 200), 'hex'), FALSE
         FROM generate_series(1, 20000) n; ANALYZE events",
    );
    let sql = include_str!("../../src/store/postgres/old_events.sql");
    run(&client, &format!("PREPARE old (BYTEA, BOOLEAN, BIGINT, BIGINT) AS {sql}"));
    let explain = wait(client.query("EXPLAIN EXECUTE old ('portal', FALSE, 1000, 100)", &[])).unwrap();
    let plan = explain.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>().join("\n");
    assert!(plan.contains("using events_old"), "{plan}");
    assert!(!plan.contains("Seq Scan") && !plan.contains("Sort"), "{plan}");
    let realm = propusk::id::Realm::new("portal");
    assert_eq!(
        wait(store.drop_events(realm, false, propusk::clock::Timestamp::from_millis(1000), 100)).unwrap(),
        100
    );
    assert_eq!(number(&client, "SELECT min(at) FROM events"), 101);
}
