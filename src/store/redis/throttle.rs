//! Throttles: one number each.

use std::sync::LazyLock;
use std::time::Duration;

use redis::Script;

use super::RedisStore;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::store::{Passed, Rate, ThrottleKey};

/// One key after the other, for they lie in different slots. When one refuses, those before it get their use back:
/// in between somebody may have been refused for it, and a throttle may refuse too much. Counted first and looked at
/// later, never the other way round.
pub(super) async fn pass(
    store: &RedisStore,
    keys: Vec<(ThrottleKey, Rate)>,
    now: Timestamp,
) -> Result<Passed, StoreError> {
    for (at, (key, rate)) in keys.iter().enumerate() {
        let early = match interval(rate) {
            Some(_) => count(store, key, rate, now, "1").await?,
            None => rate.per,
        };
        if !early.is_zero() {
            for (key, rate) in keys.iter().take(at) {
                let _ = count(store, key, rate, now, "-1").await?;
            }
            return Ok(Passed::No { retry_after: early });
        }
    }
    Ok(Passed::Yes)
}

async fn count(
    store: &RedisStore,
    key: &ThrottleKey,
    rate: &Rate,
    now: Timestamp,
    uses: &str,
) -> Result<Duration, StoreError> {
    let micros = [
        now.as_millis().saturating_mul(1000).to_string(),
        interval(rate).unwrap_or_default().to_string(),
        i64::try_from(rate.per.as_micros()).unwrap_or(i64::MAX).to_string(),
        SLACK.as_millis().to_string(),
        uses.to_owned(),
    ];
    let args: Vec<&[u8]> = micros.iter().map(String::as_bytes).collect();
    let early: u64 = store.0.link.script((&SCRIPT, TEXT), &store.key('t', &key.0), &args).await?;
    Ok(Duration::from_micros(early))
}

/// Between two uses, in microseconds; nothing where there are no uses at all. See [`Rate::count`].
fn interval(rate: &Rate) -> Option<i64> {
    i64::try_from(rate.per.as_micros()).unwrap_or(i64::MAX).checked_div(i64::from(rate.uses))
}

const TEXT: &str = include_str!("throttle.lua");
static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(TEXT));
/// A count is kept for this long after it has stopped to matter, whatever the clocks of the nodes say.
const SLACK: Duration = Duration::from_secs(60);
