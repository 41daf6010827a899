//! Flows: one hash each.

use std::sync::LazyLock;
use std::time::Duration;

use redis::Script;

use super::{HOLD, Patience, RedisStore, STEP, life};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::id::Version;
use crate::secret::TokenHash;
use crate::store::FlowRow;
use crate::store::split::Ticket;

pub(super) async fn find(
    store: &RedisStore,
    key: TokenHash,
    now: Timestamp,
) -> Result<Option<FlowRow>, StoreError> {
    let name = store.key('f', key.as_bytes());
    let fields = ["v", "e", "s"];
    let found: (Option<i64>, Option<i64>, Option<Vec<u8>>) =
        store.0.link.run(redis::cmd("HMGET").arg(&name).arg(&fields)).await?;
    let (Some(version), Some(ends), Some(sealed)) = found else { return Ok(None) };
    let row = FlowRow { key, version: Version(version), expires: Timestamp::from_millis(ends), sealed };
    Ok(Some(row).filter(|row| now < row.expires))
}

/// False: the flow is not as expected.
pub(super) async fn hold(
    store: &RedisStore,
    ticket: Ticket,
    key: TokenHash,
    expect: Option<Version>,
) -> Result<bool, StoreError> {
    let (expect, lease) = (version(expect), HOLD.as_millis().to_string());
    change(store, key, &[b"hold", &ticket.0, expect.as_bytes(), lease.as_bytes()]).await
}

pub(super) async fn release(store: &RedisStore, ticket: Ticket, key: TokenHash) -> Result<(), StoreError> {
    let name = store.key('f', key.as_bytes());
    let _: u8 = store.0.link.script((&SCRIPT, TEXT), &name, &[b"free", &ticket.0]).await?;
    Ok(())
}

/// False: the flow is not as expected.
pub(super) async fn settle(
    store: &RedisStore,
    ticket: Ticket,
    key: TokenHash,
    expect: Option<Version>,
    row: Option<&FlowRow>,
) -> Result<bool, StoreError> {
    let expect = version(expect);
    match row {
        Some(row) => {
            let [life, next, ends] = [
                life(row.expires).to_string(),
                row.version.0.to_string(),
                row.expires.as_millis().to_string(),
            ];
            let args: [&[u8]; 7] = [
                b"settle",
                &ticket.0,
                expect.as_bytes(),
                life.as_bytes(),
                next.as_bytes(),
                ends.as_bytes(),
                &row.sealed,
            ];
            change(store, key, &args).await
        }
        None => {
            let life = TOMBSTONE.as_millis().to_string();
            change(store, key, &[b"settle", &ticket.0, expect.as_bytes(), life.as_bytes()]).await
        }
    }
}

/// Waits while another ticket holds the flow: it may let go, and told "lost" at once a step would judge again and
/// again what cannot be decided yet.
async fn change(store: &RedisStore, key: TokenHash, args: &[&[u8]]) -> Result<bool, StoreError> {
    let name = store.key('f', key.as_bytes());
    let mut patience = Patience::new(STEP);
    loop {
        match store.0.link.script::<u8>((&SCRIPT, TEXT), &name, args).await? {
            0 => return Ok(false),
            1 => return Ok(true),
            _ => patience.pause("another step holds the flow").await?,
        }
    }
}

/// Nothing stands for a flow that is not there.
fn version(expect: Option<Version>) -> String {
    expect.map_or_else(String::new, |Version(number)| number.to_string())
}

const TEXT: &str = include_str!("flow.lua");
static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(TEXT));

/// A taken flow leaves its ticket for as long as a driver may send a command again.
const TOMBSTONE: Duration = Duration::from_secs(60);
