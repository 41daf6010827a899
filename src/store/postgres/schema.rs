use std::time::Duration;

use deadpool_postgres::{ConfigConnectImpl, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use tokio_postgres::NoTls;

use super::PostgresSettings;
use super::failure::{Failure, LATE};
use super::line::Line;
use super::secure;
use super::servers::{self, Servers};

/// The steps from nothing to the present schema: the step at index n leads to version n + 1. A step that was released
/// is never edited; the frozen result of each stands in `tests/schema/postgres/`.
const STEPS: &[&str] = &[include_str!("v1.sql"), include_str!("v2.sql"), include_str!("v3.sql")];

/// Connects, refuses what is not ours or cannot keep the contract, brings the schema to the present version.
pub(super) async fn open(url: &str, settings: &PostgresSettings) -> Result<Line, Failure> {
    let schema = &*settings.schema;
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    if !schema.starts_with(|first: char| first.is_ascii_lowercase())
        || schema.starts_with("pg_")
        || schema.len() > 63
        || !schema.bytes().all(plain)
    {
        return Err(Failure::Unavailable("the schema's name is not of a-z, 0-9 and _"));
    }
    let line = Line { pool: pool(url, settings)?, patience: settings.answer_timeout };
    let client = line.pool.get().await?;
    let steps = &[STEPS, settings.further_steps].concat();
    // Nothing is written to a schema before it is known to be ours.
    if within(settings.answer_timeout, version(&client, settings, steps)).await? < count(steps)
        && let Err(failure) = migrate(&client, settings, steps).await
    {
        // Closed in the middle of its transaction: all of it is undone.
        drop(Object::take(client));
        return Err(failure);
    }
    drop(client);
    Ok(line)
}

fn pool(url: &str, settings: &PostgresSettings) -> Result<Pool, Failure> {
    let mut config = secure::config(url)?;
    if config.get_application_name().is_none() {
        config.application_name("propusk");
    }
    config.tcp_user_timeout(settings.answer_timeout);
    let way = match secure::wanted(&config, settings.roots.is_some())? {
        true => secure::way(&mut config, settings)?,
        false => Box::new(ConfigConnectImpl { tls: NoTls }),
    };
    let mut before = servers::each(&config)?;
    // One machine that vanished, or hangs, leaves time for the next.
    let share = settings.connect_timeout / u32::try_from(before.len()).unwrap_or(u32::MAX);
    before.iter_mut().for_each(|server| _ = server.connect_timeout(share));
    let last = before.pop().ok_or(Failure::Unavailable(servers::NONE))?;
    let servers = Servers { way, before, share, settings: session(settings) };
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    Pool::builder(Manager::from_connect(last, servers, recycling))
        .max_size(settings.connections)
        .runtime(Runtime::Tokio1)
        .create_timeout(Some(settings.connect_timeout))
        .wait_timeout(Some(settings.answer_timeout))
        .build()
        .map_err(|_| Failure::Unavailable("there is no runtime"))
}

/// What each connection is told before it is used. In a transaction that a standby refuses: it could only read there,
/// and find sessions that have ended.
fn session(settings: &PostgresSettings) -> String {
    // The server gives up first, so that it is known what became of the work; and when it is cut off in the middle of
    // a transaction, it does not hold the locks for long.
    let millis = settings.answer_timeout.as_millis();
    format!(
        "BEGIN READ WRITE;
         SELECT set_config('search_path', '{}', false),
             set_config('default_transaction_read_only', 'on', false),
             set_config('statement_timeout', '{}', false),
             set_config('idle_in_transaction_session_timeout', '{millis}', false);
         COMMIT",
        settings.schema,
        millis * 4 / 5,
    )
}

/// The version that the schema is at; zero when it is empty or not there.
async fn version(client: &Object, settings: &PostgresSettings, steps: &[&str]) -> Result<i64, Failure> {
    let table = format!("{}.propusk_schema", settings.schema);
    let told = client
        .query_one(
            "SELECT current_setting('server_version_num')::BIGINT,
             current_setting('fsync') = 'on' AND current_setting('synchronous_commit') <> 'off',
             (SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace($1)),
             to_regclass($2) IS NOT NULL,
             current_setting('search_path') = $1 AND current_setting('default_transaction_read_only') = 'on'",
            &[&settings.schema, &table],
        )
        .await?;
    if told.try_get::<_, i64>(0)? < OLDEST_SERVER {
        return Err(Failure::Unavailable("the server is older than PostgreSQL 12"));
    }
    if !told.try_get::<_, bool>(4)? {
        return Err(Failure::Unavailable(
            "the settings of a connection do not last: a pooler must be in session mode",
        ));
    }
    if settings.durable && !told.try_get::<_, bool>(1)? {
        return Err(Failure::Unavailable(
            "its commits do not wait for the disk: fsync or synchronous_commit is off",
        ));
    }
    match (told.try_get::<_, i64>(2)?, told.try_get::<_, bool>(3)?) {
        (0, _) => return Ok(0),
        (_, false) => return Err(Failure::Foreign("the schema has tables, but not this library's")),
        (_, true) => {}
    }
    let found = client.query_opt(&format!("SELECT version FROM {table}"), &[]).await?;
    match found.map(|row| row.try_get(0)).transpose()? {
        Some(found) if found > count(steps) => Err(Failure::Newer { found, known: count(steps) }),
        Some(found @ 1..) => Ok(found),
        _ => Err(Failure::Corrupt("the schema version was overwritten")),
    }
}

async fn migrate(client: &Object, settings: &PostgresSettings, steps: &[&str]) -> Result<(), Failure> {
    let schema = &settings.schema;
    // However long it takes, and however long another node is at it.
    client
        .batch_execute(&format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = 0;
             SELECT pg_advisory_xact_lock(hashtextextended('propusk schema {schema}', 0))"
        ))
        .await?;
    // Read again under the lock: another node may have been faster.
    let from = version(client, settings, steps).await?;
    if from == 0 {
        client.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {schema}")).await?;
    }
    for step in steps.iter().skip(usize::try_from(from).unwrap_or(0)) {
        client.batch_execute(step).await?;
    }
    client
        .batch_execute(&format!(
            "INSERT INTO propusk_schema (version) VALUES ({version})
             ON CONFLICT (one) DO UPDATE SET version = {version}; COMMIT",
            version = count(steps)
        ))
        .await?;
    Ok(())
}

async fn within<T>(patience: Duration, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::time::timeout(patience, work).await.unwrap_or(Err(Failure::Unavailable(LATE)))
}

fn count(steps: &[&str]) -> i64 {
    i64::try_from(steps.len()).unwrap_or(i64::MAX)
}

/// Writes that are judged before they are seen (`WITH .. AS MATERIALIZED`) came with it.
const OLDEST_SERVER: i64 = 12_00_00;
