//! PostgreSQL: the ledger, the flows, the sessions and the throttles in one schema of one database.
//!
//! A commit is one round trip once a connection has prepared its statements: BEGIN, the locks, one statement for each
//! write, and COMMIT are sent without waiting in between. A statement whose precondition does not hold raises an
//! error, which makes the server refuse what comes behind it and turns the COMMIT into a roll-back; the place of the
//! statement is the place in the batch. A reservation, a claim, a throttle and each read are one round trip as well.
//! What the server undoes for another transaction's sake (a deadlock) is sent again, for a batch is a value.
//!
//! When the connection breaks between the COMMIT and its answer nobody knows whether it was applied: that is an `Err`,
//! never tried again. A connection that was in use when its future was dropped, when time ran out or after any error
//! is closed, not used again.
//!
//! Isolation is READ COMMITTED. Each batch first locks the rows of the accounts that it judges, in the order of their
//! ids, so that what its statements see of them stands until the commit; flows, once-rows and names are decided by
//! conditional updates and unique inserts. Connections only read unless a transaction says otherwise.
//!
//! The user needs the right to create a schema once; later SELECT, INSERT, UPDATE and DELETE on its tables are enough. At
//! the level `debug` the driver logs what is bound to statements: here hashes and sealed bytes, never a secret.
//!
//! Futures want a tokio runtime with I/O and time around them. PostgreSQL 12 or later.
//!
//! Where a URL names several servers, `postgres://app:secret@a.example,b.example/app`, the first that takes writes is
//! used; one that does not answer, or hangs, has its share of the time to connect. Where one name has several
//! addresses, write `target_session_attrs=read-write`. A standby is refused in any case, for what it tells may have
//! been revoked.
//!
//! A pooler in between must be in session mode (PgBouncer: `pool_mode = session`, with `server_reset_query` as it
//! comes, `DISCARD ALL`). A connection is told once which schema it is about, how long it may take, and that it only
//! reads unless a transaction says otherwise; and its statements stay prepared. In another mode the next transaction
//! runs without all that, and a stranger's with it. That is refused at the start where it shows, which it need not.
//! Nothing has to stand in `ignore_startup_parameters`, unless the URL has `options`. Connections are kept: the pooler
//! needs as many to the server (`default_pool_size`) as all processes together may have open.
//!
//! To another machine it speaks TLS (feature `postgres-tls`) whose server shows a certificate for the URL's host:
//! `sslmode=require` and `verify-full` mean that, and so does a URL that says nothing. In the clear it leaves this machine
//! with `sslmode=disable` only. Over a UNIX socket and the loopback interface it goes in the clear unless the URL asks for
//! TLS. The password is bound to the TLS channel where the server can (SCRAM-SHA-256-PLUS, RFC 5802).

mod count;
mod failure;
mod line;
mod read;
mod schema;
mod secure;
mod servers;
mod write;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Row;

use self::failure::Failure;
use self::line::{Call, Line, values};
use super::{
    AccountStore, Commit, Committed, EventStore, FlowRow, FlowStore, FoundSession, LockoutStore, OutboxStore,
    Passed, Rate, Reply, SessionRow, SessionStore, StoreId, Subject, SubjectKey, Throttle, ThrottleKey,
    Write,
};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::event::{EventPage, EventRow};
use crate::id::{AccountId, Realm, SessionId};
use crate::lockout::{Guard, GuardKey, Limit, Reserved};
use crate::message::MessageRow;
use crate::secret::{Route, TokenHash};

/// A handle of a store in a PostgreSQL database. Clones share one store and its connections.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use propusk::store::postgres::{PostgresSettings, PostgresStore};
///
/// let settings = PostgresSettings::default().schema("auth").connections(32);
/// # #[cfg(feature = "postgres-tls")]
/// // The feature `postgres-tls`, and a server whose certificate the company has signed.
/// let settings = settings.trusting(std::fs::read("/etc/ssl/company-ca.pem")?);
/// let url = std::env::var("DATABASE_URL")?; // postgres://app:secret@db.example/app
/// let store = PostgresStore::connect_with(&url, settings).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresStore(Arc<Inner>);

struct Inner {
    id: StoreId,
    line: Line,
}

impl PostgresStore {
    /// Connects to `postgres://user:password@host:port/database` (or `host=/run/postgresql user=..`) with
    /// [`PostgresSettings::default`]; makes the schema when there is none.
    ///
    /// # Errors
    /// [`StoreError::Newer`] when a later version of this library wrote the schema, [`StoreError::Foreign`] when
    /// another program did, [`StoreError::Corrupt`] when parts of it are missing, [`StoreError::Unavailable`] when the
    /// server cannot be reached, refuses the user or the password, is a standby, or does not make commits durable, or a
    /// pooler in front of it is not in session mode.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::connect_with(url, PostgresSettings::default()).await
    }

    /// The same with other settings.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn connect_with(url: &str, settings: PostgresSettings) -> Result<Self, StoreError> {
        let line = schema::open(url, &settings).await?;
        Ok(Self(Arc::new(Inner { id: StoreId::unique(), line })))
    }

    async fn ask<T>(
        &self,
        call: Call<'_>,
        read: impl Fn(&Row) -> Result<T, Failure>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = self.0.line.ask(call).await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn ask_one<T>(
        &self,
        call: Call<'_>,
        read: impl Fn(&Row) -> Result<T, Failure>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.ask(call, read).await?.pop())
    }

    /// One statement that changes rows, in a transaction of its own.
    async fn change(&self, call: Call<'_>) -> Result<Vec<Row>, Failure> {
        Ok(self.0.line.transact(&[call]).await?.pop().unwrap_or_default())
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pool = self.0.line.pool.status();
        f.debug_struct("PostgresStore")
            .field("connections", &pool.size)
            .field("idle", &pool.available)
            .finish_non_exhaustive()
    }
}

/// How a database is used.
#[derive(Clone, Debug)]
pub struct PostgresSettings {
    schema: String,
    connections: usize,
    connect_timeout: Duration,
    answer_timeout: Duration,
    durable: bool,
    further_steps: &'static [&'static str],
    roots: Option<Vec<u8>>,
}

impl Default for PostgresSettings {
    /// The schema `propusk`; 16 connections at the most, made when they are needed; five seconds to connect, ten for an
    /// answer; every commit on disk before its reply.
    fn default() -> Self {
        Self {
            schema: String::from("propusk"),
            connections: 16,
            connect_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(10),
            durable: true,
            further_steps: &[],
            roots: None,
        }
    }
}

impl PostgresSettings {
    /// The schema that holds the tables, and nothing else: letters a-z, digits, `_`.
    #[must_use]
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = name.into();
        self
    }

    /// How many connections are open at the most; one at least. All processes together must stay below the server's
    /// `max_connections`, and below what a pooler in front of it has.
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// How long a new connection may take before it is [`StoreError::Unavailable`]. Of several servers each has its
    /// share of it to answer.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long an answer, or a free connection, may take before it is [`StoreError::Unavailable`] (of a commit maybe
    /// [`StoreError::Untouched`]). With hot stores well below a minute: what they hold for the ledger runs out then.
    #[must_use]
    pub fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.answer_timeout = timeout;
        self
    }

    /// Speaks TLS, and believes the certificates that these roots (PEM) have signed, and no others: for a server with a CA
    /// of its own. The default are the roots of the web, as Mozilla keeps them.
    #[cfg(feature = "postgres-tls")]
    #[must_use]
    pub fn trusting(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = Some(pem.into());
        self
    }

    /// **Danger**: takes a server with `fsync` or `synchronous_commit` off. A crash can take back what was
    /// acknowledged: a session that was ended lives again, a code that was used can be used again, refusals are
    /// forgotten.
    #[must_use]
    pub fn danger_not_durable(mut self) -> Self {
        self.durable = false;
        self
    }

    /// Steps beyond the newest schema, for tests of the way from one to the next.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn further_steps(mut self, steps: &'static [&'static str]) -> Self {
        self.further_steps = steps;
        self
    }
}

impl Commit for PostgresStore {
    fn commit(&self, mut batch: Vec<Write>) -> Reply<'_, Committed> {
        Box::pin(async move {
            if batch.is_empty() {
                return Ok(Committed::Won);
            }
            write::in_order_of_keys(&mut batch);
            let mut calls = write::locks(&batch);
            let locks = calls.len();
            calls.extend(batch.iter().map(write::call));
            match self.0.line.transact(&calls).await {
                Ok(_) => Ok(Committed::Won),
                Err(Failure::Lost(place)) => Ok(Committed::Lost { at: place.saturating_sub(locks) }),
                Err(failure) => Err(failure.of_commit()),
            }
        })
    }

    fn home(&self) -> StoreId {
        self.0.id
    }

    fn canary(&self, realm: Realm) -> Reply<'_, Option<Vec<u8>>> {
        Box::pin(async move {
            let call = Call { sql: read::CANARY, values: values![realm.as_str().as_bytes()] };
            self.ask_one(call, |row| Ok(row.try_get(0)?)).await
        })
    }

    fn purge(&self, now: Timestamp, limit: usize) -> Reply<'_, usize> {
        Box::pin(async move {
            let answers = self.0.line.transact(&count::purge(now, limit)).await?;
            let gone = answers.iter().flatten().map(|row| read::number(row, 0)).sum::<Result<i64, _>>()?;
            Ok(usize::try_from(gone).unwrap_or(0))
        })
    }
}

impl AccountStore for PostgresStore {
    fn subject(&self, by: SubjectKey) -> Reply<'_, Option<Subject>> {
        Box::pin(async move {
            let (sql, key) = read::subject_of(&by);
            let rows = self.0.line.ask(Call { sql, values: values![key] }).await?;
            Ok(read::subject(&rows)?)
        })
    }
}

impl LockoutStore for PostgresStore {
    fn reserve(&self, keys: Vec<(GuardKey, Limit)>, now: Timestamp) -> Reply<'_, Reserved> {
        Box::pin(async move {
            let rows = self.change(count::reserve(&keys, now)).await?;
            Ok(count::reserved(rows.first().ok_or(NO_ANSWER)?)?)
        })
    }

    fn guard(&self, key: GuardKey) -> Reply<'_, Option<Guard>> {
        Box::pin(async move {
            self.ask_one(Call { sql: count::GUARD, values: values![&key.0[..]] }, count::guard).await
        })
    }
}

impl EventStore for PostgresStore {
    fn events(&self, of: AccountId, page: EventPage) -> Reply<'_, Vec<EventRow>> {
        Box::pin(async move {
            self.ask(Call { sql: read::EVENTS, values: read::page(of, &page) }, read::event).await
        })
    }

    fn beginnings(&self, of: Vec<SessionId>) -> Reply<'_, Vec<EventRow>> {
        Box::pin(async move {
            let ids: Vec<&[u8]> = of.iter().map(|id| &id.as_bytes()[..]).collect();
            self.ask(Call { sql: read::BEGINNINGS, values: values![ids] }, read::event).await
        })
    }

    fn drop_events(&self, realm: Realm, lasting: bool, before: Timestamp, limit: usize) -> Reply<'_, usize> {
        Box::pin(async move {
            let rows = self.change(count::drop_events(&realm, lasting, before, limit)).await?;
            let gone = read::number(rows.first().ok_or(NO_ANSWER)?, 0)?;
            Ok(usize::try_from(gone).unwrap_or(0))
        })
    }
}

impl OutboxStore for PostgresStore {
    fn claim(
        &self,
        realm: Realm,
        now: Timestamp,
        lease: Duration,
        limit: usize,
    ) -> Reply<'_, Vec<MessageRow>> {
        Box::pin(async move {
            let rows = self.change(count::claim(&realm, now, lease, limit)).await?;
            Ok(count::claimed(&rows)?)
        })
    }
}

impl FlowStore for PostgresStore {
    fn find_flow(&self, key: TokenHash, now: Timestamp) -> Reply<'_, Option<FlowRow>> {
        Box::pin(async move {
            let call = Call { sql: read::FLOW, values: values![&key.as_bytes()[..], now.as_millis()] };
            self.ask_one(call, |row| read::flow(row, key)).await
        })
    }
}

impl SessionStore for PostgresStore {
    fn find_session(&self, key: TokenHash) -> Reply<'_, Option<FoundSession>> {
        Box::pin(async move {
            self.ask_one(Call { sql: read::SESSION, values: values![&key.as_bytes()[..]] }, read::found).await
        })
    }

    fn sessions_of(&self, account: AccountId, _: Route) -> Reply<'_, Vec<SessionRow>> {
        Box::pin(async move {
            self.ask(Call { sql: read::SESSIONS, values: values![&account.as_bytes()[..]] }, read::session)
                .await
        })
    }
}

impl Throttle for PostgresStore {
    fn pass(&self, keys: Vec<(ThrottleKey, Rate)>, now: Timestamp) -> Reply<'_, Passed> {
        Box::pin(async move {
            let rows = self.change(count::pass(&keys, now)).await?;
            Ok(count::passed(rows.first().ok_or(NO_ANSWER)?)?)
        })
    }
}

const NO_ANSWER: Failure = Failure::Corrupt("a function of the schema gave no row");
