//! Settings of a server under which the contract cannot be kept.

use redis::Cmd;

use super::link::Link;
use crate::error::StoreError;

/// Looks at every node that it can. What a managed server does not let one see is taken to be right.
pub(super) async fn server(link: &Link) -> Result<(), StoreError> {
    let info = facts(link, redis::cmd("INFO").arg("everything")).await?;
    let is = |name: &str, value: &str| info.iter().any(|(known, found)| known == name && found == value);
    if !link.is_cluster() {
        if is("cluster_enabled", "1") {
            return Err(StoreError::Unfit(
                "this Redis is a node of a cluster: name several, separated by commas",
            ));
        }
        if is("role", "slave") {
            return Err(StoreError::Unfit("this Redis is a replica: it takes no writes"));
        }
    }
    if info.iter().any(|(name, value)| name == "maxmemory_policy" && value != "noeviction") {
        return Err(StoreError::Unfit(
            "Redis evicts keys when it is full, so that a flood of flows signs people out: set maxmemory-policy noeviction",
        ));
    }
    let settings = settings(link).await;
    let set =
        |name: &str, bad: fn(&str) -> bool| settings.iter().any(|(known, value)| known == name && bad(value));
    if set("save", |value| !value.is_empty()) && set("appendonly", |value| value != "yes") {
        return Err(StoreError::Unfit(
            "Redis keeps snapshots only, so that a crash gives revoked sessions back: set appendonly yes, or save \"\"",
        ));
    }
    if set("appendonly", |value| value == "yes") && set("appendfsync", |value| value == "no") {
        return Err(StoreError::Unfit(
            "Redis leaves its log to the system, so that a crash gives revoked sessions back: set appendfsync everysec",
        ));
    }
    if set("cluster-allow-reads-when-down", |value| value == "yes") {
        return Err(StoreError::Unfit(
            "a node that lost its cluster would go on to serve revoked sessions: set cluster-allow-reads-when-down no",
        ));
    }
    Ok(())
}

async fn settings(link: &Link) -> Vec<(String, String)> {
    let mut all = vec![];
    for name in ["save", "appendonly", "appendfsync", "cluster-allow-reads-when-down"] {
        let words = link.ask_all(redis::cmd("CONFIG").arg("GET").arg(name)).await.unwrap_or_default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            if word == name {
                all.extend(words.next().map(|value| (word, value)));
            }
        }
    }
    all
}

async fn facts(link: &Link, cmd: &Cmd) -> Result<Vec<(String, String)>, StoreError> {
    let texts = link.ask_all(cmd).await?;
    let lines = texts.iter().flat_map(|text| text.lines());
    let pairs = lines.filter_map(|line| line.split_once(':'));
    Ok(pairs.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect())
}
