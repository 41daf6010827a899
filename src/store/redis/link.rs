//! The connection, and what its errors mean.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, Script,
    ServerErrorKind, Value,
};

use super::cluster::Cluster;
use super::secure;
use crate::error::StoreError;

/// One node, or a cluster. Reconnects by itself.
#[derive(Clone)]
pub(super) enum Link {
    One(Arc<One>),
    Cluster(Arc<Cluster>),
}

impl Link {
    pub(super) async fn open(urls: &str, roots: &secure::Roots) -> Result<Self, StoreError> {
        let nodes: Vec<&str> = urls.split(',').map(str::trim).filter(|url| !url.is_empty()).collect();
        secure::judge(&nodes, roots)?;
        match nodes[..] {
            [] => Err(StoreError::Unfit("no Redis address is given")),
            [url] => {
                let client = secure::client(url, roots).map_err(unreachable)?;
                Ok(Self::One(Arc::new(One::open(client).await.map_err(unreachable)?)))
            }
            _ => Ok(Self::Cluster(Arc::new(Cluster::open(nodes, roots).await.map_err(unreachable)?))),
        }
    }

    pub(super) async fn run<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, StoreError> {
        self.query(cmd).await.map_err(failed)
    }

    /// Runs a script on the one key. Where the node does not know it (a promoted replica does not), it is sent along:
    /// loading it everywhere first would ask nodes that are down.
    pub(super) async fn script<T: FromRedisValue>(
        &self,
        (script, text): (&Script, &str),
        key: &str,
        args: &[&[u8]],
    ) -> Result<T, StoreError> {
        let build = |command, body| {
            let mut cmd = redis::cmd(command);
            cmd.arg(body).arg(1).arg(key).arg(args);
            cmd
        };
        match self.query(&build("EVALSHA", script.get_hash())).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.run(&build("EVAL", text)).await
            }
            answer => answer.map_err(failed),
        }
    }

    /// What each node answers to an administrator's question, in words.
    pub(super) async fn ask_all(&self, cmd: &Cmd) -> Result<Vec<String>, StoreError> {
        let mut words = vec![];
        match self {
            Self::One(one) => {
                flatten(&one.query(cmd).await.map_err(failed)?, &mut words);
            }
            Self::Cluster(cluster) => {
                cluster.ask_all(cmd).await.iter().for_each(|value| flatten(value, &mut words));
            }
        }
        Ok(words)
    }

    pub(super) const fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    async fn query<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, RedisError> {
        match self {
            Self::One(one) => one.query(cmd).await,
            Self::Cluster(cluster) => cluster.query(cmd).await,
        }
    }
}

pub(super) struct One {
    client: Client,
    line: Renewed<MultiplexedConnection>,
}

impl One {
    async fn open(client: Client) -> RedisResult<Self> {
        let line = Renewed::new(connect(&client).await?);
        Ok(Self { client, line })
    }

    async fn query<T: FromRedisValue>(&self, cmd: &Cmd) -> RedisResult<T> {
        let began = Instant::now();
        let answer = cmd.query_async(&mut self.line.connection()).await;
        // One that takes no writes any more has another in its place, and is told so over a connection that works.
        let replaced = ErrorKind::Server(ServerErrorKind::ReadOnly);
        let broke = |error: &RedisError| {
            error.is_io_error() || error.is_unrecoverable_error() || error.kind() == replaced
        };
        // Once more where the connection was to blame and there is another: what a firewall has forgotten, or a server
        // that began anew has closed, is found out by the next command only, and would cost somebody a sign-in.
        if answer.as_ref().is_err_and(broke) && self.line.renew(began, connect(&self.client)).await {
            return cmd.query_async(&mut self.line.connection()).await;
        }
        answer
    }
}

/// A connection that is replaced by a new one, to what the addresses mean by then, when it is silent or broken. The
/// drivers keep one that is silent until TCP gives it up, which takes a quarter of an hour where a machine vanished.
pub(super) struct Renewed<C> {
    /// And since when.
    current: Mutex<(C, Instant)>,
    /// When a new one was tried last.
    tried: tokio::sync::Mutex<Instant>,
}

impl<C: Clone> Renewed<C> {
    pub(super) fn new(connection: C) -> Self {
        let now = Instant::now();
        Self { current: Mutex::new((connection, now)), tried: tokio::sync::Mutex::new(now) }
    }

    pub(super) fn connection(&self) -> C {
        self.current().0.clone()
    }

    /// Replaces the connection, unless that was tried since, or just before: one at a time, and at most one a second.
    /// Whether there is another than there was.
    pub(super) async fn renew(&self, since: Instant, open: impl Future<Output = RedisResult<C>>) -> bool {
        let mut tried = self.tried.lock().await;
        if *tried <= since && tried.elapsed() >= PATIENCE {
            // The old one stays where nobody answers: that of a cluster may know nodes that were not named.
            if let Ok(Ok(new)) = tokio::time::timeout(PATIENCE * 3, open).await {
                *self.current() = (new, Instant::now());
            }
            *tried = Instant::now();
        }
        self.current().1 > since
    }

    fn current(&self) -> MutexGuard<'_, (C, Instant)> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection to one node, which may take no longer to be made than it may for an answer.
pub(super) async fn connect(client: &Client) -> RedisResult<MultiplexedConnection> {
    let settings = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE));
    client.get_multiplexed_async_connection_with_config(&settings).await
}

fn flatten(value: &Value, words: &mut Vec<String>) {
    match value {
        Value::Array(parts) | Value::Set(parts) => parts.iter().for_each(|part| flatten(part, words)),
        Value::Map(pairs) => pairs.iter().for_each(|(name, value)| {
            flatten(name, words);
            flatten(value, words);
        }),
        Value::BulkString(bytes) => words.push(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => words.push(text.clone()),
        _ => {}
    }
}

fn unreachable(error: RedisError) -> StoreError {
    if error.detail().is_some_and(|detail| detail.contains("cluster support disabled")) {
        return StoreError::Unfit("several Redis addresses mean a cluster, and this is no cluster");
    }
    if error.to_string().contains("invalid peer certificate") {
        return StoreError::Unfit(
            "the certificate of Redis is not for this host, not of now, or not signed by a root that is trusted",
        );
    }
    match error.kind() {
        ErrorKind::InvalidClientConfig => StoreError::Unfit("the Redis address is not one"),
        ErrorKind::AuthenticationFailed => {
            StoreError::Unfit("Redis does not accept the user or the password")
        }
        _ => failed(error),
    }
}

fn failed(error: RedisError) -> StoreError {
    if error.code() == Some("OOM") {
        return StoreError::Full;
    }
    match error.kind() {
        ErrorKind::Io | ErrorKind::ClusterConnectionNotFound => {
            StoreError::Unavailable("Redis does not answer")
        }
        _ if passes(&error) => StoreError::Unavailable("Redis cannot serve this now"),
        _ => StoreError::driver(error),
    }
}

/// Whether it is worth while to ask again.
pub(super) fn passes(error: &RedisError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Io
            | ErrorKind::ClusterConnectionNotFound
            | ErrorKind::Server(
                ServerErrorKind::Moved
                    | ServerErrorKind::Ask
                    | ServerErrorKind::BusyLoading
                    | ServerErrorKind::TryAgain
                    | ServerErrorKind::ClusterDown
                    | ServerErrorKind::MasterDown
                    | ServerErrorKind::ReadOnly,
            )
    )
}

/// How long one node may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
