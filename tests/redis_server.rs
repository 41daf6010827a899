//! What concerns a whole server: settings under which Redis cannot keep the contract, connections that fail, and how often
//! a step asks it.
#![cfg(all(feature = "sqlite", feature = "redis", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/otp.rs"]
mod otp;
#[path = "common/portal.rs"]
mod portal;
#[path = "common/rows.rs"]
mod rows;

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use otp::{add_totp, step, totp};
use portal::{Hands, Outbox, PHONE, WORD, done, pending, register, somebody};
use propusk::clock::{Clock, SystemClock};
use propusk::error::StoreError;
use propusk::store::AnyStore;
use propusk::store::redis::{RedisSettings, RedisStore};
use propusk::store::split::{Held, Hold, Hot, Split, Ticket};
use propusk::store::sqlite::SqliteStore;
use propusk::store::{Commit, Committed, FlowStore, SessionRow, SessionStore, Write};
use propusk::testing::CountingStore;
use propusk::{Code, Password, Profile, Totp};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, watch};

/// One test has the server at a time: they change it, and listen to it.
static ALONE: Mutex<()> = Mutex::const_new(());

fn url(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!(
            "{variable} is not set: tests/with redis cluster cluster_tls -- cargo test --features full --test \
             redis_server"
        )
    })
}

async fn config(url: &str, pairs: &[(&str, &str)]) {
    let mut admin = redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
    for (name, value) in pairs {
        let () = redis::cmd("CONFIG").arg("SET").arg(name).arg(value).query_async(&mut admin).await.unwrap();
    }
}

async fn refused(urls: &str, told: &str) {
    match RedisStore::connect(urls).await {
        Err(StoreError::Unfit(why)) => assert!(why.contains(told), "{told}: {why}"),
        other => panic!("{told}: {other:?}"),
    }
}

#[tokio::test]
async fn what_redis_must_not_be() {
    let _alone = ALONE.lock().await;
    let (one, cluster) = (url("PROPUSK_REDIS"), url("PROPUSK_CLUSTER"));
    let sound =
        [("save", ""), ("appendonly", "no"), ("appendfsync", "everysec"), ("maxmemory-policy", "noeviction")];
    RedisStore::connect(&one).await.unwrap();
    for (bad, word) in [
        ([("maxmemory-policy", "allkeys-lru")].as_slice(), "noeviction"),
        (&[("maxmemory-policy", "volatile-ttl")], "noeviction"),
        (&[("save", "3600 1")], "snapshots"),
        (&[("appendonly", "yes"), ("appendfsync", "no")], "appendfsync"),
    ] {
        config(&one, bad).await;
        refused(&one, word).await;
        config(&one, &sound).await;
    }
    config(&one, &[("save", "3600 1"), ("appendonly", "yes")]).await;
    RedisStore::connect(&one).await.unwrap();
    config(&one, &sound).await;

    RedisStore::connect(&cluster).await.unwrap();
    let (first, _) = cluster.split_once(',').unwrap();
    refused(first, "node of a cluster").await;
    let last = cluster.rsplit(',').next().unwrap();
    for (bad, good, word) in [
        (
            ("cluster-allow-reads-when-down", "yes"),
            ("cluster-allow-reads-when-down", "no"),
            "lost its cluster",
        ),
        (("maxmemory-policy", "allkeys-random"), ("maxmemory-policy", "noeviction"), "noeviction"),
    ] {
        config(last, &[bad]).await;
        // One node of six is enough.
        refused(&cluster, word).await;
        config(last, &[good]).await;
    }
    RedisStore::connect(&cluster).await.unwrap();

    // Several addresses of a server that is no cluster.
    refused(&format!("{one},{one}"), "no cluster").await;
    // A replica takes no writes.
    let (host, port) = first.trim_start_matches("redis://").split_once(':').unwrap();
    let _ = host;
    let mut admin =
        redis::Client::open(one.as_str()).unwrap().get_multiplexed_async_connection().await.unwrap();
    let () = redis::cmd("REPLICAOF").arg("127.0.0.1").arg(port).query_async(&mut admin).await.unwrap();
    refused(&one, "replica").await;
    let () = redis::cmd("REPLICAOF").arg("NO").arg("ONE").query_async(&mut admin).await.unwrap();
}

/// One node and a cluster, whose redirections lead to other nodes over TLS, too.
#[cfg(feature = "redis-tls")]
#[tokio::test]
async fn over_tls_it_is_spoken_to_who_shows_who_it_is() {
    const ROOT: &[u8] = include_bytes!("tls/root.pem");
    let _alone = ALONE.lock().await;
    let prefix = || RedisSettings::default().prefix(format!("propusk-tls-{}", std::process::id()));
    let (one, cluster) = (url("PROPUSK_REDIS_TLS"), url("PROPUSK_CLUSTER_TLS"));
    let root_of_cluster = std::fs::read(url("PROPUSK_CLUSTER_ROOT")).unwrap();
    for (urls, root) in [(&one, ROOT), (&cluster, &root_of_cluster)] {
        let redis = RedisStore::connect_with(urls, prefix().trusting(root)).await.unwrap();
        for n in 1..=32 {
            assert_eq!(redis.commit(vec![rows::flow(n)]).await.unwrap(), Committed::Won);
            assert!(redis.find_flow(rows::token(n), rows::T0).await.unwrap().is_some());
        }
        // Neither one whom the roots of the web do not know, nor one who is somebody else, nor one who need not say.
        let untrusted = RedisStore::connect_with(urls, prefix()).await.unwrap_err();
        assert!(untrusted.to_string().contains("certificate"), "{untrusted:?}");
        let elsewhere = urls.replace("127.0.0.1", "localhost");
        let other = RedisStore::connect_with(&elsewhere, prefix().trusting(root)).await.unwrap_err();
        // Where the name has another address, too, that one's error may be told.
        assert!(matches!(other, StoreError::Unfit(_) | StoreError::Unavailable(_)), "{other:?}");
    }
    refused(&format!("{one}/#insecure"), "#insecure").await;
    refused(&format!("{cluster},{}", url("PROPUSK_REDIS")), "at all of its nodes").await;
    let clear = RedisStore::connect_with(&url("PROPUSK_REDIS"), prefix().trusting(ROOT)).await.unwrap_err();
    assert!(clear.to_string().contains("in the clear"), "{clear:?}");
    let rubbish = RedisStore::connect_with(&one, prefix().trusting("no certificate")).await.unwrap_err();
    assert!(rubbish.to_string().contains("not certificates"), "{rubbish:?}");
    let plain = url("PROPUSK_REDIS").replace("redis:", "rediss:");
    let deaf = RedisStore::connect_with(&plain, prefix().trusting(ROOT)).await.unwrap_err();
    assert!(matches!(deaf, StoreError::Unavailable(_)), "{deaf:?}");
}

/// A machine that vanished answers no more, and closes nothing either; a server that began anew has closed. Nobody is
/// refused for it, however many ask at that moment, and one of them asks for a new connection.
#[tokio::test]
async fn a_connection_that_fails_is_replaced() {
    let _alone = ALONE.lock().await;
    let way = Way::open().await;
    let settings = RedisSettings::default().prefix(format!("propusk-way-{}", std::process::id()));
    let redis = RedisStore::connect_with(&way.url, settings).await.unwrap();
    assert_eq!(redis.commit(vec![rows::flow(1)]).await.unwrap(), Committed::Won);
    assert_eq!(way.connections(), 1);
    for how in [Failing::Silent, Failing::Closed, Failing::Silent] {
        way.fail(how).await;
        let asked: Vec<_> = (0..20)
            .map(|_| {
                let redis = redis.clone();
                tokio::spawn(async move { redis.find_flow(rows::token(1), rows::T0).await })
            })
            .collect();
        for answer in asked {
            let found = answer.await.unwrap();
            assert!(matches!(found, Ok(Some(_))), "{how:?}: {found:?}");
        }
        assert_eq!(way.connections(), 1, "{how:?}");
    }
}

/// A client whose session is held by a process that died may have any number of requests under way.
#[tokio::test]
async fn whoever_waits_for_a_session_asks_seldom() {
    let _alone = ALONE.lock().await;
    let prefix = format!("propusk-waits-{}", std::process::id());
    let dir = std::env::temp_dir().join(&prefix);
    std::fs::create_dir(&dir).unwrap();
    let settings = RedisSettings::default().prefix(&prefix);
    let redis = RedisStore::connect_with(&url("PROPUSK_REDIS"), settings).await.unwrap();
    let now = SystemClock.now();
    let row = SessionRow { expires: now.after(Duration::from_secs(600)), ..rows::session_row(1, 1) };
    let (account, route, id) = (row.account, row.key.route(), row.id);
    assert_eq!(
        redis.commit(vec![Write::AddSession { row: row.clone(), keep: 9 }]).await.unwrap(),
        Committed::Won
    );
    let held =
        redis.hold(Ticket::random().unwrap(), vec![Hold::Session { account, route, id }]).await.unwrap();
    assert_eq!(held, Held::All(vec![vec![id]]));
    let ear = Ear::at("PROPUSK_REDIS", &dir).await;
    let _ = ear.heard(&prefix).await;
    let began = Instant::now();
    let told = redis.find_session(row.key).await.unwrap_err();
    let (waited, asked) = (began.elapsed(), ear.heard(&prefix).await);
    drop(ear);
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(told.to_string().contains("holds the session"), "{told}");
    assert!((Duration::from_secs(3)..Duration::from_secs(5)).contains(&waited), "{waited:?}");
    assert!((2..=20).contains(&asked), "{asked} questions");
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failing {
    Silent,
    Closed,
}

/// A way to the server on which what is connected can fail. What is connected later does not.
struct Way {
    url: String,
    failing: watch::Sender<Failing>,
    connections: Arc<AtomicUsize>,
}

impl Way {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let (failing, connections) = (watch::Sender::new(Failing::Silent), Arc::new(AtomicUsize::new(0)));
        let (told, counted) = (failing.clone(), connections.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(carry(client, told.subscribe()));
            }
        });
        Self { url, failing, connections }
    }

    /// How many were made since this was last asked.
    fn connections(&self) -> usize {
        self.connections.swap(0, Ordering::SeqCst)
    }

    async fn fail(&self, how: Failing) {
        // Before that no connection is replaced again.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        self.failing.send_replace(how);
        // Until all are told.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn carry(mut client: TcpStream, mut told: watch::Receiver<Failing>) {
    let host = url("PROPUSK_REDIS").trim_start_matches("redis://").to_owned();
    let mut server = TcpStream::connect(host).await.unwrap();
    let failed = tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => return,
        failed = told.changed() => failed,
    };
    failed.unwrap();
    if *told.borrow() == Failing::Silent {
        std::future::pending::<()>().await;
    }
}

/// P6: a sign-in by password and authenticator takes at most four commits of the ledger when flows and sessions are in
/// Redis, and so many round trips there.
#[tokio::test]
async fn a_sign_in_takes_four_commits() {
    let _alone = ALONE.lock().await;
    let prefix = format!("propusk-counts-{}", std::process::id());
    let dir = std::env::temp_dir().join(&prefix);
    std::fs::create_dir(&dir).unwrap();
    let ledger = CountingStore::new(SqliteStore::open(dir.join("auth.db")).unwrap());
    let log = ledger.log();
    let redis = RedisStore::connect_with(&url("PROPUSK_REDIS"), RedisSettings::default().prefix(&prefix))
        .await
        .unwrap();
    let store = AnyStore::of(Split::new(ledger, redis.clone()).unwrap(), redis);
    let (hands, outbox) = (Hands::default(), Outbox::default());
    let auth = portal::portal(&store, Profile::public_portal())
        .clock(hands.clone())
        .sender(outbox.clone())
        .factor(Password::default())
        .factor(Totp::default())
        .factor(Code::sms())
        .build()
        .unwrap();
    let visit = auth.visit(somebody());
    let end = register(&auth, &outbox, &visit, PHONE, Password::word(WORD)).await;
    hands.advance(3600);
    let (key, _) = add_totp(&visit, &end.token, WORD, hands.now(), async || outbox.code(&auth).await).await;
    hands.advance(3600);

    let mut commits = 0;
    let mut tell = |what: &str, asked: usize| {
        let calls = log.take();
        let writes = calls.iter().filter(|call| ["commit", "reserve"].contains(&call.method)).count();
        commits += writes;
        let reads = calls.len() - writes;
        println!(
            "counted: {what}: commits of the ledger, reads of it, round trips to Redis, seed -, count {writes}, {reads}, {asked}"
        );
    };
    let ear = Ear::at("PROPUSK_REDIS", &dir).await;
    let _ = log.take();
    let next = pending(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
    tell("a password, the first step", ear.heard(&prefix).await);
    let code = totp(&key, step(hands.now()));
    let end = done(visit.answer(&next.flow, Totp::code(&code)).await.unwrap());
    tell("an authenticator's code, the last step", ear.heard(&prefix).await);
    assert!(auth.session(&end.token).await.unwrap().is_some());
    let checks = ear.heard(&prefix).await;
    tell("a session check", checks);
    assert_eq!(checks, 1, "a session check is one round trip");
    visit.sign_out(&end.token).await.unwrap();
    tell("a sign-out", ear.heard(&prefix).await);
    drop(ear);
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(commits <= 4 + 1, "{commits} commits for a sign-in and a sign-out");
}

/// Hears what a server is asked by clients (not what its scripts do).
struct Ear {
    process: std::process::Child,
    heard: std::path::PathBuf,
    before: std::cell::Cell<usize>,
}

impl Ear {
    async fn at(variable: &str, dir: &std::path::Path) -> Self {
        let heard = dir.join("heard");
        let url = url(variable);
        let process = Command::new("redis-cli")
            .args(["-u", &url, "monitor"])
            .stdout(std::fs::File::create(&heard).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let ear = Self { process, heard, before: std::cell::Cell::new(0) };
        ear.until(|text| text.starts_with("OK")).await;
        ear
    }

    /// How many commands that name this prefix came since it was last asked.
    async fn heard(&self, prefix: &str) -> usize {
        // Whatever was asked before this mark has been written down when the mark has.
        let mark = format!("mark {prefix} {}", self.before.get());
        let mut one = redis::Client::open(url("PROPUSK_REDIS"))
            .unwrap()
            .get_multiplexed_async_connection()
            .await
            .unwrap();
        let _: String = redis::cmd("ECHO").arg(&mark).query_async(&mut one).await.unwrap();
        let text = self.until(|text| text.contains(&mark)).await;
        let ours = text
            .lines()
            .filter(|line| line.contains(prefix) && !line.contains(" lua]") && !line.contains("mark "));
        let all = ours.count();
        all - self.before.replace(all)
    }

    async fn until(&self, come: impl Fn(&str) -> bool) -> String {
        for _ in 0..500 {
            let text = std::fs::read_to_string(&self.heard).unwrap();
            if come(&text) {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nothing was heard");
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
