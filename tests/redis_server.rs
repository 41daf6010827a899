//! What concerns a whole server: settings under which Redis cannot keep the contract, and how often a step asks it.
#![cfg(all(feature = "sqlite", feature = "redis", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/otp.rs"]
mod otp;
#[path = "common/portal.rs"]
mod portal;
#[cfg(feature = "redis-tls")]
#[path = "common/rows.rs"]
mod rows;

use std::process::{Command, Stdio};
use std::time::Duration;

use otp::{add_totp, step, totp};
use portal::{Hands, Outbox, PHONE, WORD, done, pending, register, somebody};
use propusk::clock::Clock;
use propusk::error::StoreError;
use propusk::store::AnyStore;
use propusk::store::redis::{RedisSettings, RedisStore};
use propusk::store::split::Split;
use propusk::store::sqlite::SqliteStore;
#[cfg(feature = "redis-tls")]
use propusk::store::{Commit, Committed, FlowStore};
use propusk::testing::CountingStore;
use propusk::{Code, Password, Profile, Totp};
use tokio::sync::Mutex;

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
