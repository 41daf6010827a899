//! Redis, one node or a cluster: flows, sessions and throttles that all nodes share. The ledger stays in a database:
//! [`Split`](crate::store::split::Split) joins the two.
//!
//! A flow is one hash. The sessions of an account are one hash, with the account's epoch beside them, found by the
//! route that leads a session's token: a check is one `HMGET`. Every change is a script on one key, so that a cluster
//! needs nothing but keys; none reads the server's clock. Rows have a time to live, counted by this machine's clock
//! from their own end and longer than it: the server drops what is over, and never judges whether it is.
//!
//! A command that a lost connection leaves in doubt may be sent again. Each carries its commit's ticket, and the second
//! time is known by it; a throttle counts it twice, which can only add a refusal.
//!
//! Needs a tokio runtime around it. A reply that does not come in time is an error, never a "no".

mod check;
mod cluster;
mod flows;
mod link;
mod secure;
mod sessions;
mod throttle;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clock::{Clock, SystemClock, Timestamp};
use crate::error::StoreError;
use crate::id::{AccountId, Realm};
use crate::secret::{Route, TokenHash};
use crate::store::split::{Change, Held, Hold, Hot, Plan, Ticket};
use crate::store::{
    Commit, Committed, FlowRow, FlowStore, FoundSession, Passed, Rate, Reply, SessionRow, SessionStore,
    StoreId, Throttle, ThrottleKey, Write,
};

use link::Link;

/// A handle of hot stores in Redis. Clones share one connection.
///
/// ```no_run
/// # #[cfg(feature = "sqlite")]
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use propusk::store::AnyStore;
/// use propusk::store::redis::{RedisSettings, RedisStore};
/// use propusk::store::split::Split;
/// use propusk::store::sqlite::SqliteStore;
///
/// let nodes = "rediss://auth:secret@a.example,rediss://auth:secret@b.example,rediss://auth:secret@c.example";
/// let hot = RedisStore::connect_with(nodes, RedisSettings::default().prefix("portal")).await?;
/// let ledger = SqliteStore::open("auth.db")?;
/// // Flows, sessions and throttles there, the rest here.
/// let store = AnyStore::of(Split::new(ledger, hot.clone())?, hot);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore(Arc<Inner>);

struct Inner {
    id: StoreId,
    link: Link,
    prefix: String,
}

/// What stands before every key, and whom to believe over TLS.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    prefix: String,
    roots: secure::Roots,
}

impl Default for RedisSettings {
    /// Keys begin with `propusk`.
    fn default() -> Self {
        Self { prefix: "propusk".to_owned(), roots: None }
    }
}

impl RedisSettings {
    /// Another beginning of keys: for two ledgers on one server.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Over TLS, believes the certificates that these roots (PEM) have signed, and no others: for a server with a CA of
    /// its own. The default are the roots of the web, as Mozilla keeps them. No certificate of a client is shown: the
    /// server says `tls-auth-clients no`, and asks for a password.
    #[cfg(feature = "redis-tls")]
    #[must_use]
    pub fn trusting(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = Some(pem.into());
        self
    }
}

impl RedisStore {
    /// Connects to `redis://[user:password@]host[:port][/db]`, or to a cluster by its nodes, separated by commas, and
    /// looks at the server's settings. A connection that falls silent for a second, or breaks, is replaced by a new one
    /// to these addresses, whatever machines they lead to by then: name all nodes of a cluster.
    ///
    /// `rediss://` is TLS (feature `redis-tls`), with a server that shows a certificate for that host; `redis://` is in the
    /// clear, the password too: for this machine, or a network that nobody else reads. Over TLS the driver uses the
    /// cryptography that the process has chosen for rustls; where nothing is chosen yet, *ring* is: choose another at the
    /// beginning of `main`. The nodes of a cluster tell addresses of one another, and the certificates must be for these:
    /// `cluster-announce-hostname` with `cluster-preferred-endpoint-type hostname`, or IP addresses in the certificates.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be reached; [`StoreError::Unfit`] for settings under which it would
    /// evict sessions, give revoked ones back after a crash, or serve them on the wrong side of a split network.
    pub async fn connect(urls: &str) -> Result<Self, StoreError> {
        Self::connect_with(urls, RedisSettings::default()).await
    }

    /// The same with other settings.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn connect_with(urls: &str, settings: RedisSettings) -> Result<Self, StoreError> {
        if settings.prefix.contains(['{', '}']) {
            return Err(StoreError::Unfit("braces in the prefix would put all keys into one slot"));
        }
        let link = Link::open(urls, &settings.roots).await?;
        check::server(&link).await?;
        let store = Self(Arc::new(Inner { id: StoreId::unique(), link, prefix: settings.prefix }));
        // By the way of all commands: a cluster tells addresses of its nodes that may not be reached, or not be theirs.
        let probe = store.key('p', b"probe");
        let _: i64 = store.0.link.run(redis::cmd("EXISTS").arg(&probe)).await?;
        Ok(store)
    }

    fn key(&self, kind: char, tag: &[u8]) -> String {
        format!("{}:{kind}:{{{}}}", self.0.prefix, data_encoding::BASE64URL_NOPAD.encode(tag))
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.0.prefix).finish_non_exhaustive()
    }
}

impl Commit for RedisStore {
    /// Flows and sessions; for what a ledger keeps, [`StoreError::Unsupported`]. That a session's account is at the
    /// session's epoch is known here as far as it was heard of: whoever grants sessions keeps the epoch in the ledger.
    fn commit(&self, batch: Vec<Write>) -> Reply<'_, Committed> {
        Box::pin(async move {
            let mine = |write: &Write| {
                matches!(
                    write,
                    Write::AddFlow(_)
                        | Write::SwapFlow { .. }
                        | Write::TakeFlow { .. }
                        | Write::AddSession { .. }
                        | Write::TouchSession { .. }
                        | Write::EndSession { .. }
                        | Write::EndSessions { .. }
                        | Write::RaiseEpoch { .. }
                )
            };
            if !batch.iter().all(mine) {
                return Err(StoreError::Unsupported("anything but flows and sessions"));
            }
            let Plan { holds, changes, broken, .. } = Plan::of(batch);
            let (held_at, holds): (Vec<usize>, Vec<Hold>) = holds.into_iter().unzip();
            let (changed_at, changes): (Vec<usize>, Vec<Change>) = changes.into_iter().unzip();
            let place =
                |places: &[usize], at: usize| Committed::Lost { at: places.get(at).copied().unwrap_or(at) };
            let ticket = Ticket::random()?;
            if let Held::Lost { at } = self.hold(ticket, holds.clone()).await? {
                return Ok(place(&held_at, at));
            }
            if let Some(at) = broken {
                self.release(ticket, holds).await?;
                return Ok(Committed::Lost { at });
            }
            Ok(match self.settle(ticket, changes).await? {
                Committed::Won => Committed::Won,
                Committed::Lost { at } => place(&changed_at, at),
            })
        })
    }

    fn home(&self) -> StoreId {
        self.0.id
    }

    fn canary(&self, _: Realm) -> Reply<'_, Option<Vec<u8>>> {
        Box::pin(async { Err(StoreError::Unsupported("canaries")) })
    }

    /// Nothing: the server drops rows itself some time after their end.
    fn purge(&self, _: Timestamp, _: usize) -> Reply<'_, usize> {
        Box::pin(async { Ok(0) })
    }
}

impl FlowStore for RedisStore {
    fn find_flow(&self, key: TokenHash, now: Timestamp) -> Reply<'_, Option<FlowRow>> {
        Box::pin(flows::find(self, key, now))
    }
}

impl SessionStore for RedisStore {
    fn find_session(&self, key: TokenHash) -> Reply<'_, Option<FoundSession>> {
        Box::pin(sessions::find(self, key))
    }

    fn sessions_of(&self, account: AccountId, route: Route) -> Reply<'_, Vec<SessionRow>> {
        Box::pin(sessions::of(self, account, route))
    }
}

impl Throttle for RedisStore {
    fn pass(&self, keys: Vec<(ThrottleKey, Rate)>, now: Timestamp) -> Reply<'_, Passed> {
        Box::pin(throttle::pass(self, keys, now))
    }
}

impl Hot for RedisStore {
    fn hold(&self, ticket: Ticket, holds: Vec<Hold>) -> Reply<'_, Held> {
        Box::pin(async move {
            let mut caught = Vec::with_capacity(holds.len());
            for (at, hold) in holds.iter().enumerate() {
                // A cluster has no transaction over slots: one after the other, and back again when one is lost.
                let held = match hold {
                    Hold::Flow { key, expect } => {
                        flows::hold(self, ticket, *key, *expect).await.map(|held| held.then(Vec::new))
                    }
                    _ => sessions::hold(self, ticket, hold).await,
                };
                match held {
                    Ok(Some(sessions)) => caught.push(sessions),
                    Ok(None) => {
                        self.release(ticket, holds.into_iter().take(at).collect()).await?;
                        return Ok(Held::Lost { at });
                    }
                    Err(broken) => {
                        // This one too may have been held before its reply was lost.
                        let _ = self.release(ticket, holds.into_iter().take(at + 1).collect()).await;
                        return Err(broken);
                    }
                }
            }
            Ok(Held::All(caught))
        })
    }

    fn settle(&self, ticket: Ticket, changes: Vec<Change>) -> Reply<'_, Committed> {
        Box::pin(async move {
            // Sessions first: what is revoked ends before anything is granted, and a flow that was consumed runs out
            // by itself.
            let mut lost = sessions::settle(self, ticket, &changes).await?;
            for (at, change) in changes.iter().enumerate() {
                let Change::Flow { key, expect, row } = change else { continue };
                if !flows::settle(self, ticket, *key, *expect, row.as_ref()).await? {
                    lost = lost.or(Some(at));
                }
            }
            Ok(lost.map_or(Committed::Won, |at| Committed::Lost { at }))
        })
    }

    fn release(&self, ticket: Ticket, holds: Vec<Hold>) -> Reply<'_, ()> {
        Box::pin(async move {
            let mut ended = Ok(());
            for hold in &holds {
                // One shard in trouble keeps nothing held on the others.
                ended = ended.and(match hold {
                    Hold::Flow { key, .. } => flows::release(self, ticket, *key).await,
                    _ => sessions::release(self, ticket, hold).await,
                });
            }
            ended
        })
    }

    fn belongs_to(&self, ledger: [u8; 16]) -> Reply<'_, bool> {
        Box::pin(async move {
            let key = format!("{}:ledger", self.0.prefix);
            let first: bool = self.0.link.run(redis::cmd("SETNX").arg(&key).arg(&ledger)).await?;
            if first {
                return Ok(true);
            }
            let known: Vec<u8> = self.0.link.run(redis::cmd("GET").arg(&key)).await?;
            Ok(known == ledger)
        })
    }

    fn name(&self) -> String {
        self.0.prefix.clone()
    }
}

/// Waits for what another ticket holds, not for ever: a holder that died lets nothing go.
struct Patience {
    end: Instant,
    pause: Duration,
    longest: Duration,
}

impl Patience {
    /// Asks again after this pause first, and after longer ones then.
    fn new(pause: Duration) -> Self {
        Self { end: Instant::now() + PATIENCE, pause, longest: pause * 25 }
    }

    async fn pause(&mut self, whose: &'static str) -> Result<(), StoreError> {
        // By the clock: where answers are slow they are most of the time that goes by.
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(StoreError::Unavailable(whose));
        }
        tokio::time::sleep(self.pause.min(left)).await;
        self.pause = (self.pause * 2).min(self.longest);
        Ok(())
    }
}

/// How long a row that ends then is kept: longer than it lives, whatever the clocks of the nodes say, and not for
/// ever where clocks are far apart.
fn life(ends: Timestamp) -> u64 {
    let left = ends.since(SystemClock.now()).min(LONGEST) + SLACK;
    u64::try_from(left.as_millis()).unwrap_or(u64::MAX)
}

const PATIENCE: Duration = Duration::from_secs(3);
/// Whoever wants to hold something is one of a few.
const STEP: Duration = Duration::from_millis(2);
/// Whoever looks for a session may be any number of requests of a busy client.
const LOOK: Duration = Duration::from_millis(10);
/// Longer than a ledger takes to record, with all the patience of its driver; what its holder has not settled by then
/// is gone.
const HOLD: Duration = Duration::from_secs(60);
const SLACK: Duration = Duration::from_secs(600);
const LONGEST: Duration = Duration::from_secs(400 * 86_400);
