//! Mixtures that cannot keep the contract are refused, and told why.

use propusk::MemoryStore;
use propusk::error::StoreError;
use propusk::id::Realm;
use propusk::store::redis::RedisStore;
use propusk::store::split::Split;
use propusk::store::sqlite::SqliteStore;
use propusk::store::{Commit, connect};

use crate::world::{REALM, World};

/// A second ledger under the same keys: its flows and sessions would be the first one's.
pub(crate) async fn another_ledger_is_refused(world: World) {
    assert_eq!(world.store.canary(REALM).await.unwrap(), None, "this pair belongs together");
    assert_eq!(world.another_node().await.canary(REALM).await.unwrap(), None, "on every node");
    let dir = std::env::temp_dir().join(format!("{}-other", world.sessions_key().split(':').next().unwrap()));
    std::fs::create_dir(&dir).unwrap();
    let other = SqliteStore::open(dir.join("auth.db")).unwrap();
    let mixed = Split::new(other.clone(), world.redis.clone()).unwrap();
    let refused = mixed.canary(REALM).await;
    assert_eq!(other.canary(Realm::new("propusk:hot")).await.unwrap(), None, "it is free for others");
    std::fs::remove_dir_all(&dir).unwrap();
    let Err(StoreError::Unfit(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains("another ledger"), "{why}");
    assert_eq!(world.store.canary(REALM).await.unwrap(), None);
}

/// Whoever ends sessions through another opening of the ledger would be told that it is done, and nothing would end.
pub(crate) async fn a_ledger_is_used_with_its_own_hot_stores(world: World) {
    let alone = async || connect(&format!("sqlite:{}", world.file().display()), None).await;
    alone().await.unwrap();
    assert_eq!(world.store.canary(REALM).await.unwrap(), None);
    let told = why(alone().await);
    assert!(told.contains("live in hot stores"), "{told}");
    let told = why(world.node_with(World::settings(), "-other").await.canary(REALM).await);
    assert!(told.contains("another prefix"), "{told}");
    // Hot stores that have lost all that they held begin anew.
    let gone: usize = world.raw(redis::cmd("DEL").arg(world.pair_key())).await;
    assert_eq!(gone, 1);
    assert_eq!(world.another_node().await.canary(REALM).await.unwrap(), None);
    // And one can give them up, as the manual says.
    let ledger = rusqlite::Connection::open(world.file()).unwrap();
    let rows = "DELETE FROM canaries WHERE realm IN ('propusk:hot', 'propusk:ledger')";
    assert_eq!(ledger.execute(rows, []).unwrap(), 2);
    alone().await.unwrap();
    // What was ended since lives there still: nobody comes back to that.
    let told = why(world.another_node().await.canary(REALM).await);
    assert!(told.contains("another ledger"), "{told}");
    alone().await.unwrap();
    let _: usize = world.raw(redis::cmd("DEL").arg(world.pair_key())).await;
    assert_eq!(world.another_node().await.canary(REALM).await.unwrap(), None);
    alone().await.unwrap_err();
}

pub(crate) async fn what_a_ledger_keeps_is_not_kept_here(world: World) {
    let refused = Split::new(MemoryStore::default(), world.redis.clone());
    assert!(matches!(refused, Err(StoreError::Unfit(why)) if why.contains("memory")));
    for batch in [vec![world.event()], vec![world.once()]] {
        assert!(matches!(world.redis.commit(batch).await, Err(StoreError::Unsupported(_))));
    }
}

fn why<T: std::fmt::Debug>(refused: Result<T, StoreError>) -> String {
    let Err(error) = refused else { panic!("{refused:?}") };
    error.to_string()
}

#[tokio::test]
async fn an_address_that_is_none_is_told_so() {
    for address in ["", "memory", "mysql://localhost", "redis://localhost"] {
        assert!(why(connect(address, None).await).contains("not an address"), "{address}");
    }
    assert!(why(connect("memory:", Some("redis://127.0.0.1:1")).await).contains("memory"));
    let path = std::env::temp_dir().join(format!("propusk-connect-{}.db", std::process::id()));
    let sqlite = format!("sqlite:{}", path.display());
    assert!(why(connect(&sqlite, Some("memcached://127.0.0.1")).await).contains("redis://"));
    assert!(why(connect(&sqlite, Some("redis://127.0.0.1:1")).await).contains("Redis does not answer"));
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", path.display()));
    }
    assert!(why(RedisStore::connect("redis://[").await).contains("not one"));
    assert!(why(RedisStore::connect(" , ").await).contains("no Redis address"));
}
