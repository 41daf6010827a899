//! Settings of a server under which Redis cannot keep the contract: refused when connecting, and told what to change.
//! One test, because it changes the server that it runs on.
#![cfg(feature = "redis")]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test")]

use propusk::error::StoreError;
use propusk::store::redis::RedisStore;

fn url(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!(
            "{variable} is not set: tests/with redis cluster -- cargo test --features full --test redis_settings"
        )
    })
}

async fn config(url: &str, pairs: &[(&str, &str)]) {
    let mut admin = redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
    for (name, value) in pairs {
        let () = redis::cmd("CONFIG").arg("SET").arg(name).arg(value).query_async(&mut admin).await.unwrap();
    }
}

async fn refused(urls: &str) -> &'static str {
    match RedisStore::connect(urls).await {
        Err(StoreError::Unfit(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_redis_must_not_be() {
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
        let why = refused(&one).await;
        assert!(why.contains(word), "{bad:?}: {why}");
        config(&one, &sound).await;
    }
    config(&one, &[("save", "3600 1"), ("appendonly", "yes")]).await;
    RedisStore::connect(&one).await.unwrap();
    config(&one, &sound).await;

    RedisStore::connect(&cluster).await.unwrap();
    let (first, _) = cluster.split_once(',').unwrap();
    assert!(refused(first).await.contains("node of a cluster"));
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
        let why = refused(&cluster).await;
        assert!(why.contains(word), "one node of six is enough: {why}");
        config(last, &[good]).await;
    }
    RedisStore::connect(&cluster).await.unwrap();

    // Several addresses of a server that is no cluster.
    let alone = format!("{one},{one}");
    let error = RedisStore::connect(&alone).await.unwrap_err();
    assert!(error.to_string().contains("no cluster"), "{error} {error:?}");
    // A replica takes no writes.
    let (host, port) = first.trim_start_matches("redis://").split_once(':').unwrap();
    let _ = host;
    let mut admin =
        redis::Client::open(one.as_str()).unwrap().get_multiplexed_async_connection().await.unwrap();
    let () = redis::cmd("REPLICAOF").arg("127.0.0.1").arg(port).query_async(&mut admin).await.unwrap();
    let why = refused(&one).await;
    let () = redis::cmd("REPLICAOF").arg("NO").arg("ONE").query_async(&mut admin).await.unwrap();
    assert!(why.contains("replica"), "{why}");
}
