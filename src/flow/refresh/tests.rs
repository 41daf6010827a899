use super::*;
use crate::flow::{Refreshed, Step};
use crate::store::memory::MemoryStore;
use crate::store::{Commit, FlowStore};
use crate::testing::block_on;
use crate::{Auth, Client, Code as Sent, Password, Profile};
use portal::{Outbox, PHONE, WORD, register};

#[allow(clippy::duplicate_mod, reason = "the tests of secrets have it, too, where they are built")]
#[path = "../../../tests/common/portal.rs"]
mod portal;

/// A hot store that forgets, as a promoted replica does, brings a token back. It is not exchanged twice: whoever brings it
/// is taken for one of two.
#[test]
fn a_store_that_forgets_exchanges_nothing_twice() {
    block_on(async {
        let (store, outbox) = (MemoryStore::default(), Outbox::default());
        let auth: Auth = portal::portal(&store, Profile::nist_aal1())
            .sender(outbox.clone())
            .factor(Password::default())
            .factor(Sent::sms())
            .build()
            .unwrap();
        let app = auth.visit(Client::unknown().refreshing(true));
        let _ = register(&auth, &outbox, &app, PHONE, Password::word(WORD)).await;
        let Step::Done(mut mine) = app.sign_in().with(PHONE, Password::word(WORD)).await.unwrap() else {
            panic!()
        };
        let token = mine.refresh.take().unwrap();
        let key = family_key(&auth.0, &token);
        let row = async || store.find_flow(key, auth.now()).await.unwrap();
        let before = row().await.unwrap();
        assert!(matches!(app.refresh(&token).await.unwrap(), Refreshed::Done(_)));
        let after = row().await.unwrap();
        let take = Write::TakeFlow { key, expect: after.version };
        assert_eq!(store.commit(vec![take, Write::AddFlow(before)]).await.unwrap(), Committed::Won);
        match app.refresh(&token).await.unwrap() {
            Refreshed::Refused(why) => assert_eq!(why.code, Code::RefreshReused),
            other => panic!("{other:?}"),
        }
        assert!(row().await.is_none());
        assert_eq!(auth.sessions(mine.session.account()).await.unwrap().len(), 1);
    });
}
