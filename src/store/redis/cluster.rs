//! A connection to a cluster that outlives a fail-over, and its own driver.
//!
//! The driver follows redirections. The waiting is done here, because with its own settings (redis 1.8)
//! - it waits 1.3 s before it asks again, and longer each time, so that checks fail on when the cluster serves again;
//! - it asks for slots anew when a connection breaks, not when an answer is missing. The connection to a machine that
//!   vanished breaks after a quarter of an hour;
//! - it can stand still for good. Where many requests are under way, they use up tokio's budget for the driver's one
//!   task, and a request stops with the read lock of the slots in its hands (since tokio's change 8371 a lock is taken
//!   before the budget is looked at). A refresh of the slots waits for that lock, and until the refresh is done the
//!   driver polls no request.
//!
//! So tries are short, and a connection that is silent or broken is replaced by a new one, which asks the nodes that
//! were named for their slots.

use std::time::{Duration, Instant};

use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo};
use redis::{Client, Cmd, ErrorKind, FromRedisValue, RedisResult, Value};

use super::link::{PATIENCE, Renewed, connect, passes};
use super::secure::{self, Roots};

pub(super) struct Cluster {
    client: ClusterClient,
    line: Renewed<ClusterConnection>,
    named: Vec<Client>,
}

impl Cluster {
    pub(super) async fn open(nodes: Vec<&str>, roots: &Roots) -> RedisResult<Self> {
        let named = nodes.iter().map(|url| secure::client(url, roots)).collect::<Result<_, _>>()?;
        let client = secure::cluster(nodes, roots)
            .connection_timeout(CONNECT)
            .response_timeout(PATIENCE)
            .overall_response_timeout(Some(PATIENCE))
            .retries(REDIRECTIONS)
            .min_retry_wait(REDIRECTION / 2)
            .max_retry_wait(REDIRECTION)
            .build()?;
        let line = Renewed::new(client.get_async_connection().await?);
        Ok(Self { client, line, named })
    }

    pub(super) async fn query<T: FromRedisValue>(&self, cmd: &Cmd) -> RedisResult<T> {
        let end = Instant::now() + FAIL_OVER;
        loop {
            let began = Instant::now();
            match cmd.query_async(&mut self.line.connection()).await {
                Err(error) if passes(&error) && Instant::now() < end => {
                    if error.kind() == ErrorKind::Io {
                        self.line.renew(began, self.client.get_async_connection()).await;
                    }
                    if !error.is_timeout() {
                        tokio::time::sleep(PAUSE).await;
                    }
                }
                answer => return answer,
            }
        }
    }

    /// The answers of the nodes that the driver has met, and of those that were named; of one that is down, nothing.
    pub(super) async fn ask_all(&self, cmd: &Cmd) -> Vec<Value> {
        let everywhere = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllNodes, None));
        let met = self.line.connection().route_command(cmd.clone(), everywhere).await;
        let mut answers: Vec<Value> = met.into_iter().collect();
        for client in &self.named {
            let Ok(mut node) = connect(client).await else { continue };
            answers.extend(cmd.query_async::<Value>(&mut node).await);
        }
        answers
    }
}

/// To a new owner of the slot, and on to where the slot is being moved.
const REDIRECTIONS: u32 = 2;
/// The driver's own wait between them, in milliseconds.
const REDIRECTION: u64 = 50;
const PAUSE: Duration = Duration::from_millis(100);
/// While slots are asked for, all wait for the node that takes longest to connect to: less than a try.
const CONNECT: Duration = Duration::from_millis(500);
/// No try begins later.
const FAIL_OVER: Duration = Duration::from_secs(8);
