//! What ends a session, or its account, while a refresh holds it. Over one home it meets the session before the refresh
//! or after it; here it must not miss it in between.

use std::time::Duration;

use propusk::event::EventPage;
use propusk::flow::{Done, Effect, Refreshed};
use propusk::message::Preferences;
use propusk::store::split::Split;
use propusk::store::{AnyStore, Store, Throttle};
use propusk::testing::GatedStore;
use propusk::{Auth, Client, Code, Password, Profile, Token};

use crate::portal::{self, Hands, Outbox, PHONE, WORD, done, register};
use crate::world::World;

struct Site {
    world: World,
    store: AnyStore,
    auth: Auth,
    hands: Hands,
    outbox: Outbox,
}

fn node<S: Store + Throttle + Clone>(store: &S, hands: &Hands, outbox: &Outbox) -> Auth {
    portal::portal(store, Profile::nist_aal1())
        .clock(hands.clone())
        .sender(outbox.clone())
        .factor(Password::default())
        .factor(Code::sms())
        .build()
        .unwrap()
}

impl Site {
    async fn new(world: World) -> Self {
        let (hands, outbox) = (Hands::default(), Outbox::default());
        let split = Split::new(world.ledger.clone(), world.redis.clone()).unwrap();
        let store = AnyStore::of(split, world.redis.clone());
        let auth = node(&store, &hands, &outbox);
        let visit = auth.visit(Client::unknown());
        let _ = register(&auth, &outbox, &visit, PHONE, Password::word(WORD)).await;
        Self { world, store, auth, hands, outbox }
    }

    /// Somebody whose session is renewed by a second token.
    async fn signed_in(&self) -> Box<Done> {
        let visit = self.auth.visit(Client::unknown().refreshing(true));
        done(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap())
    }

    /// What comes of it while a refresh holds the session, whose ledger another process keeps waiting; and the next
    /// token.
    async fn meanwhile<T: Send + 'static>(
        &self,
        mine: Box<Done>,
        doing: impl Future<Output = T> + Send + 'static,
    ) -> (T, Token) {
        let (account, id, refresh) = (mine.session.account(), mine.session.id(), mine.refresh.unwrap());
        let other = rusqlite::Connection::open(self.world.file()).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let visit = self.auth.visit(Client::unknown());
        let refreshing = tokio::spawn(async move { visit.refresh(&refresh).await.unwrap() });
        while self.auth.sessions(account).await.unwrap().iter().any(|one| one.session.id() == id) {
            assert!(!refreshing.is_finished(), "it waits for the ledger");
            tokio::task::yield_now().await;
        }
        let doing = tokio::spawn(doing);
        // Whoever waits for nobody is done by then.
        tokio::time::sleep(Duration::from_millis(300)).await;
        other.execute_batch("ROLLBACK").unwrap();
        let Refreshed::Done(next) = refreshing.await.unwrap() else { panic!("it was first") };
        (doing.await.unwrap(), next.token)
    }

    async fn lives(&self, token: &Token) -> bool {
        self.auth.session(token).await.unwrap().is_some()
    }
}

/// An application refreshes in the background; its person signs out.
pub(crate) async fn a_sign_out_waits_for_a_refresh(world: World) {
    let site = Site::new(world).await;
    let mine = site.signed_in().await;
    // It has found its session, and goes on when a refresh holds it.
    let gated = GatedStore::new(site.store.clone(), "find_session", 2);
    let leaves = node(&gated, &site.hands, &site.outbox).visit(Client::unknown());
    let token = mine.token.clone();
    let leaving = tokio::spawn(async move { leaves.sign_out(&token).await.unwrap() });
    while gated.waiting() == 0 {
        tokio::task::yield_now().await;
    }
    let ((), next) = site
        .meanwhile(mine, async move {
            gated.open();
            leaving.await.unwrap();
        })
        .await;
    assert!(!site.lives(&next).await, "signed out, under whatever token");
}

/// The refresh was first, and its person has yet to hear of the next token.
pub(crate) async fn a_sign_out_during_a_refresh_ends_what_comes_of_it(world: World) {
    let site = Site::new(world).await;
    let mine = site.signed_in().await;
    let (visit, token) = (site.auth.visit(Client::unknown()), mine.token.clone());
    let ((), next) = site.meanwhile(mine, async move { visit.sign_out(&token).await.unwrap() }).await;
    assert!(!site.lives(&next).await, "signed out, under whatever token");

    // A request on its way meanwhile is of before the refresh; one that comes after it brings a token that is replaced.
    let mine = site.signed_in().await;
    let (auth, token) = (site.auth.clone(), mine.token.clone());
    let (met, next) = site.meanwhile(mine, async move { (auth.session(&token).await.unwrap(), token) }).await;
    let (found, old) = met;
    assert!(found.is_some() && site.lives(&next).await && !site.lives(&old).await);
}

/// Told "this session has itself ended", whoever locks the account would leave it open.
pub(crate) async fn a_lock_waits_for_a_refresh(world: World) {
    let site = Site::new(world).await;
    let by = Client::unknown();
    let mine = site.signed_in().await;
    let (visit, session) = (site.auth.visit(by.clone()), mine.session.clone());
    let account = session.account();
    let (locked, next) = site.meanwhile(mine, async move { visit.lock(&session).await.unwrap() }).await;
    assert!(locked.is_done() && !site.lives(&next).await);
    assert!(site.auth.unlock(account, &by).await.unwrap().is_done());

    let mine = site.signed_in().await;
    let history = site.auth.history(account, EventPage::newest(50)).await.unwrap();
    let line = history.iter().find(|event| event.name.as_str() == "sign-in").unwrap().id;
    let (visit, session) = (site.auth.visit(by.clone()), mine.session.clone());
    let (locked, next) =
        site.meanwhile(mine, async move { visit.not_me(&session, line).await.unwrap() }).await;
    assert!(locked.is_done() && !site.lives(&next).await);
    assert!(site.auth.unlock(account, &by).await.unwrap().is_done());

    // And whoever ends the others is not told to sign in again.
    let mine = site.signed_in().await;
    let other = site.signed_in().await;
    let (visit, session) = (site.auth.visit(by), mine.session.clone());
    let (ended, next) =
        site.meanwhile(mine, async move { visit.end_other_sessions(&session).await.unwrap() }).await;
    assert_eq!(ended, Effect::Done);
    assert!(site.lives(&next).await && !site.lives(&other.token).await);

    // Nor is whoever chooses what they hear of.
    let mine = site.signed_in().await;
    let (visit, session) = (site.auth.visit(Client::unknown()), mine.session.clone());
    let (chosen, _) =
        site.meanwhile(mine, async move { visit.prefer(&session, Preferences::clone).await.unwrap() }).await;
    assert!(chosen.is_ok(), "{chosen:?}");
}
