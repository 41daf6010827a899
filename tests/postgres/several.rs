//! Several servers, of which one takes writes: a real standby beside the server of the tests.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use propusk::store::Commit;
use propusk::store::postgres::PostgresStore;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::rows::*;
use crate::server::{fresh, settings, url};

/// The URL with another server before its own, or in its place.
fn with(address: &str, own: bool) -> String {
    let url = url();
    let (before, rest) = url.split_once('@').unwrap();
    let (host, database) = rest.split_once('/').unwrap();
    if own {
        format!("{before}@{address},{host}/{database}")
    } else {
        format!("{before}@{address}/{database}")
    }
}

#[tokio::test]
async fn a_server_that_takes_writes_is_one_for_read_write() {
    let url = format!("{}?target_session_attrs=read-write", url());
    let store = PostgresStore::connect_with(&url, settings(&fresh())).await.unwrap();
    won(store.commit(vec![flow(1)]).await);
}

#[tokio::test]
async fn a_standby_is_refused_and_the_next_server_is_used() {
    let schema = fresh();
    let store = PostgresStore::connect_with(&url(), settings(&schema)).await.unwrap();
    won(store.commit(vec![flow(1)]).await);
    let standby = tokio::task::spawn_blocking(Standby::start).await.unwrap();
    // It has all that the other has, and could be read.
    let alone = PostgresStore::connect_with(&with(&standby.address, false), settings(&schema)).await;
    let why = alone.unwrap_err();
    assert!(why.to_string().contains("is a standby"), "{why}");
    let twice = with(&format!("{0},{0}", standby.address), false);
    let why = PostgresStore::connect_with(&twice, settings(&schema)).await.unwrap_err();
    assert!(why.to_string().contains("is a standby"), "{why}");
    for (n, said) in [(2, ""), (3, "?target_session_attrs=read-write")] {
        let both = format!("{}{said}", with(&standby.address, true));
        let store = PostgresStore::connect_with(&both, settings(&schema)).await.unwrap();
        won(store.commit(vec![flow(n)]).await);
    }
}

/// Its users only read unless a transaction says otherwise: so do we.
#[tokio::test]
async fn a_server_whose_users_only_read_by_default_is_no_standby() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let reads = "?options=-c%20default_transaction_read_only%3Don";
    let both = format!("{}{reads}", with(&closed.to_string(), true));
    let store = PostgresStore::connect_with(&both, settings(&fresh())).await.unwrap();
    won(store.commit(vec![flow(1)]).await);
}

/// The kernel of a machine whose server stands still takes connections for it.
#[tokio::test]
async fn a_server_that_hangs_leaves_time_for_the_next() {
    let hangs = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = hangs.local_addr().unwrap();
    let patient = settings(&fresh()).connect_timeout(Duration::from_secs(8));
    let store = PostgresStore::connect_with(&with(&address.to_string(), true), patient).await.unwrap();
    won(store.commit(vec![flow(1)]).await);
    drop(hangs);
}

#[tokio::test]
async fn a_server_that_vanished_leaves_time_for_the_next() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let gone = socket.listen(1).unwrap();
    let address = gone.local_addr().unwrap();
    // Whoever comes when its queue is full gets no answer at all, as from a machine that is not there.
    let mut queue = vec![];
    while let Ok(waits) = tokio::time::timeout(Duration::from_millis(500), TcpStream::connect(address)).await
    {
        queue.push(waits.unwrap());
        assert!(queue.len() < 64, "the queue is never full");
    }
    let patient = settings(&fresh()).connect_timeout(Duration::from_secs(12));
    let store = PostgresStore::connect_with(&with(&address.to_string(), true), patient).await.unwrap();
    won(store.commit(vec![flow(1)]).await);
}

/// A copy of the server of the tests, which follows it.
struct Standby {
    data: PathBuf,
    address: String,
}

impl Standby {
    fn start() -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let standby = Self { data: std::env::temp_dir().join(fresh()), address: free.to_string() };
        let data = standby.data.to_str().unwrap();
        let ran = run("pg_basebackup", &["-d", &url(), "-D", data, "-R", "-X", "stream", "-c", "fast"]);
        assert!(ran, "pg_basebackup");
        let options =
            format!("-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={data}", free.port());
        let log = format!("{data}/log");
        let ran = run("pg_ctl", &["-D", data, "-w", "-t", "120", "-l", &log, "-o", &options, "start"]);
        assert!(ran, "{}", std::fs::read_to_string(&log).unwrap_or_default());
        standby
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        if let Some(data) = self.data.to_str() {
            run("pg_ctl", &["-D", data, "-w", "-m", "immediate", "stop"]);
        }
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

/// One of PostgreSQL's own programs, the newest and as the user that `tests/servers/postgres` takes: none runs as root.
fn run(program: &str, args: &[&str]) -> bool {
    let all = std::fs::read_dir("/usr/lib/postgresql").expect("Debian's package postgresql");
    let version = all.filter_map(|folder| folder.ok()?.file_name().to_str()?.parse::<u32>().ok()).max();
    let program = format!("/usr/lib/postgresql/{}/bin/{program}", version.expect("a version"));
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    let mut command = Command::new(if root { "runuser" } else { &program });
    if root {
        command.args(["-u", "postgres", "--", &program]);
    }
    // No pipes, which the server would keep open; no folder that its user may not enter.
    command.args(args).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
