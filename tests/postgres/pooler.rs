//! A pooler between the store and its server.

use propusk::store::postgres::PostgresStore;
use propusk::store::{Commit, FlowStore};

use crate::breaks::other;
use crate::proxy::{Proxy, Tamper};
use crate::rows::*;
use crate::server::{fresh, settings};

/// Whether it refuses the parameter `options` or drops it, the store works in its own schema, and only reads unless a
/// transaction says otherwise.
#[tokio::test]
async fn a_pooler_in_session_mode_takes_nothing_away() {
    for how in [Tamper::RefuseOptions, Tamper::DropOptions] {
        let (schema, proxy) = (fresh(), Proxy::start().await);
        let witness = other(&schema).await;
        // The second start finds what the first has made.
        for n in [1, 2] {
            proxy.tamper(how);
            let store =
                PostgresStore::connect_with(proxy.url(), settings(&schema).connections(1)).await.unwrap();
            won(store.commit(vec![flow(n), once(n)]).await);
            proxy.tamper(Tamper::SpoilBegin);
            let spoilt = store.commit(vec![flow(10 + n), once(10 + n)]).await;
            assert!(spoilt.is_err(), "{spoilt:?}");
            proxy.tamper(how);
            assert!(store.find_flow(token(10 + n), T0).await.unwrap().is_none(), "half a batch");
            let there = witness.query_one("SELECT count(*) FROM flows", &[]).await.unwrap();
            assert_eq!(there.get::<_, i64>(0), i64::from(n), "in the schema of the store, and nowhere else");
        }
    }
}

#[tokio::test]
async fn a_pooler_in_another_mode_is_refused_where_it_shows() {
    let (schema, proxy) = (fresh(), Proxy::start().await);
    proxy.tamper(Tamper::ForgetSettings);
    let why = PostgresStore::connect_with(proxy.url(), settings(&schema)).await.unwrap_err();
    assert!(why.to_string().contains("session mode"), "{why}");
    let made = other(&schema).await;
    let made = made.query_one("SELECT to_regnamespace($1) IS NULL", &[&schema]).await.unwrap();
    assert!(made.get::<_, bool>(0), "nothing is written before it is known where");
}
