//! The contract suites on a SQLite ledger with flows and sessions in Redis, on one node and on a cluster.
#![cfg(all(feature = "sqlite", feature = "redis", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "helpers of tests are tests")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use propusk::store::Store;
use propusk::store::redis::{RedisSettings, RedisStore};
use propusk::store::split::Split;
use propusk::store::sqlite::{SqliteSettings, SqliteStore};
use propusk::testing::broken::{BrokenStore, Flaw};
use propusk::testing::{Check, Opened, StoreContract, ThrottleContract, block_on};
use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

fn url(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!(
            "{variable} is not set: run tests/with redis cluster -- cargo test --features full --test contract_redis"
        )
    })
}

/// A folder, and a beginning of keys, of its own; gone with its last user.
struct Place {
    dir: PathBuf,
    prefix: String,
    url: String,
}

impl Place {
    fn new(variable: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("propusk-redis-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(&name);
        std::fs::create_dir(&dir).unwrap();
        Self { dir, prefix: name, url: url(variable) }
    }

    fn redis(&self) -> RedisStore {
        let _inside = RUNTIME.enter();
        block_on(RedisStore::connect_with(&self.url, RedisSettings::default().prefix(&self.prefix))).unwrap()
    }

    fn open(&self) -> Split<SqliteStore, RedisStore> {
        // The disk is not what is tested here.
        let settings = SqliteSettings::default().danger_synchronous_normal();
        let ledger = SqliteStore::open_with(self.dir.join("auth.db"), settings).unwrap();
        Split::new(ledger, self.redis()).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn contract(variable: &'static str) -> StoreContract {
    of(variable, |place| place.open())
}

fn of<S: Store>(
    variable: &'static str,
    open: impl Fn(&Place) -> S + Clone + Send + Sync + 'static,
) -> StoreContract {
    StoreContract::opened(move || {
        let (place, open) = (Arc::new(Place::new(variable)), open.clone());
        Opened::durable(open(&place), move || open(&place))
    })
    .drops_hot_rows_itself()
    .within(|run| {
        let _inside = RUNTIME.enter();
        run();
    })
}

/// The suites see through two homes, too: each store that is wrong in one way fails the check that is named for it.
fn each_flaw_is_caught(variable: &'static str) {
    for flaw in Flaw::ALL {
        let contract = of(variable, move |place| BrokenStore::new(place.open(), flaw)).rounds(20);
        let check = Check::all().into_iter().find(|check| check.name == flaw.killed_by()).unwrap();
        let why = contract.finding(&check).unwrap_or_else(|| panic!("{flaw:?} passes {}", check.name));
        assert!(!why.contains("proves nothing"), "{flaw:?} is caught by a race that did not overlap");
        println!("{flaw:?} is killed by {}: {why}", check.name);
    }
}

fn throttles(variable: &'static str) -> ThrottleContract {
    ThrottleContract::new(move || Place::new(variable).redis()).within(|run| {
        let _inside = RUNTIME.enter();
        run();
    })
}

mod one {
    use super::{contract, throttles};
    propusk::testing::store_contract!(contract = contract("PROPUSK_REDIS"));
    propusk::testing::throttle_contract!(contract = throttles("PROPUSK_REDIS"));

    #[test]
    fn each_flaw_is_caught() {
        super::each_flaw_is_caught("PROPUSK_REDIS");
    }
}

mod cluster {
    use super::{contract, throttles};
    propusk::testing::store_contract!(contract = contract("PROPUSK_CLUSTER"));
    propusk::testing::throttle_contract!(contract = throttles("PROPUSK_CLUSTER"));

    #[test]
    fn each_flaw_is_caught() {
        super::each_flaw_is_caught("PROPUSK_CLUSTER");
    }
}
