//! The servers of a URL, and what a connection to one is told before it is used.

use std::pin::Pin;
use std::time::Duration;

use deadpool_postgres::Connect;
use tokio::task::{AbortHandle, JoinHandle};
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, Error};

use super::failure::Failure;

/// A way to the one of several servers that takes writes, whose connections have these settings. Not by the parameter
/// `options` of the startup message, which poolers refuse or drop; nor by a hook of the pool, for which no time runs
/// out.
///
/// The driver's own way stays with the first server that answers, a standby too; and it has a time for TCP, which the
/// kernel of a machine whose server hangs answers still.
pub(super) struct Servers {
    pub(super) way: Box<dyn Connect>,
    /// Those that are tried before the one that the pool asks for.
    pub(super) before: Vec<Config>,
    /// How long each of them has.
    pub(super) share: Duration,
    /// One that only reads refuses them.
    pub(super) settings: String,
}

type Opening<'a> = Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + 'a>>;

impl Servers {
    async fn open(&self, server: &Config) -> Result<(Client, JoinHandle<()>), Error> {
        let (client, carried) = self.way.connect(server).await?;
        let mut cut = Cut { carried: carried.abort_handle(), settled: false };
        client.batch_execute(&self.settings).await?;
        cut.settled = true;
        Ok((client, carried))
    }
}

impl Connect for Servers {
    fn connect(&self, last: &Config) -> Opening<'_> {
        let last = last.clone();
        Box::pin(async move {
            for server in &self.before {
                // Whatever is the matter with it, the next may be the one that takes writes.
                if let Ok(Ok(open)) = tokio::time::timeout(self.share, self.open(server)).await {
                    return Ok(open);
                }
            }
            // The rest of the time is the pool's to see to.
            self.open(&last).await
        })
    }
}

/// Closes a connection that nobody waits for any more. By itself it would wait for its answer, and take up a place in a
/// pooler that has none to give.
struct Cut {
    carried: AbortHandle,
    settled: bool,
}

impl Drop for Cut {
    fn drop(&mut self) {
        if !self.settled {
            self.carried.abort();
        }
    }
}

/// Each server of the URL by itself, in its order.
pub(super) fn each(all: &Config) -> Result<Vec<Config>, Failure> {
    let (hosts, addresses, ports) = (all.get_hosts(), all.get_hostaddrs(), all.get_ports());
    let count = hosts.len().max(addresses.len());
    let fits = |given: usize| given == 0 || given == count;
    match count {
        0 => Err(Failure::Unavailable(NONE)),
        1 => Ok(vec![all.clone()]),
        _ if fits(hosts.len()) && fits(addresses.len()) && (ports.len() == 1 || fits(ports.len())) => {
            Ok((0..count).map(|at| one(all, at)).collect())
        }
        _ => Err(Failure::Unavailable("the URL has not as many hosts as it has addresses or ports")),
    }
}

/// A [`Config`] gives up no host, so all else is copied.
fn one(all: &Config, at: usize) -> Config {
    let mut one = Config::new();
    match all.get_hosts().get(at) {
        Some(Host::Tcp(name)) => _ = one.host(name),
        #[cfg(unix)]
        Some(Host::Unix(path)) => _ = one.host_path(path),
        None => {}
    }
    all.get_hostaddrs().get(at).into_iter().for_each(|address| _ = one.hostaddr(*address));
    let ports = all.get_ports();
    ports.get(at).or(ports.first()).into_iter().for_each(|port| _ = one.port(*port));
    all.get_user().into_iter().for_each(|user| _ = one.user(user));
    all.get_password().into_iter().for_each(|password| _ = one.password(password));
    all.get_dbname().into_iter().for_each(|name| _ = one.dbname(name));
    all.get_options().into_iter().for_each(|options| _ = one.options(options));
    all.get_application_name().into_iter().for_each(|name| _ = one.application_name(name));
    all.get_connect_timeout().into_iter().for_each(|timeout| _ = one.connect_timeout(*timeout));
    all.get_tcp_user_timeout().into_iter().for_each(|timeout| _ = one.tcp_user_timeout(*timeout));
    all.get_keepalives_interval().into_iter().for_each(|interval| _ = one.keepalives_interval(interval));
    all.get_keepalives_retries().into_iter().for_each(|retries| _ = one.keepalives_retries(retries));
    one.keepalives(all.get_keepalives())
        .keepalives_idle(all.get_keepalives_idle())
        .ssl_mode(all.get_ssl_mode())
        .ssl_negotiation(all.get_ssl_negotiation())
        .target_session_attrs(all.get_target_session_attrs())
        .channel_binding(all.get_channel_binding())
        .load_balance_hosts(all.get_load_balance_hosts());
    one
}

pub(super) const NONE: &str = "the URL names no server";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_has_all_that_the_url_says() {
        let url = "postgres://app:secret@a.example:5433,b.example:5434/app?application_name=desk&keepalives_idle=60\
                   &target_session_attrs=read-write&channel_binding=require&sslmode=require&options=-c%20jit%3Doff\
                   &connect_timeout=3&tcp_user_timeout=4&keepalives_interval=5&keepalives_retries=6";
        let servers = each(&url.parse().expect("a URL")).expect("two servers");
        for (server, host) in servers.iter().zip(["a.example:5433", "b.example:5434"]) {
            let alone: Config = url.replace("a.example:5433,b.example:5434", host).parse().expect("a URL");
            assert!(*server == alone, "{server:?}");
        }
        assert_eq!(servers.len(), 2);
        let several = |url: &str| each(&url.parse().expect("a URL")).map(|servers| servers.len()).ok();
        assert_eq!(several("host=a,b hostaddr=10.0.0.1,10.0.0.2 port=5433 user=app"), Some(2));
        assert_eq!(several("hostaddr=10.0.0.1,10.0.0.2,10.0.0.3 user=app"), Some(3));
        assert_eq!(several("host=a,b,c port=1,2 user=app"), None);
        assert_eq!(several("host=a,b hostaddr=10.0.0.1,10.0.0.2,10.0.0.3 user=app"), None);
        assert_eq!(several("user=app"), None);
    }
}
