//! Flows: what is accepted once, judged again, or of no use elsewhere.

use propusk::error::Broken;
use propusk::id::Realm;
use propusk::secret::{Purpose, TokenScope};
use propusk::store::{Commit, Committed, FlowRow, FlowStore, Write};
use propusk::testing::GatedStore;
use propusk::{Auth, Client, Code, KeyRing, Password, Token};

use crate::portal::{WORD, done, pending};
use crate::world::{NEW_WORD, PHONE, SMS, Shared, World, each_store, race, said, told};

async fn lives(auth: &Auth, token: &Token) -> bool {
    auth.session(token).await.unwrap().is_some()
}

/// ATTACKS 7 (CVE-2026-90997; 33 to 36 are its like): eight answers with one right code, all past the reading of
/// the flow before the first is written: one session.
#[tokio::test]
async fn a_code_answered_eight_times_at_once_is_accepted_once() {
    each_store!(|world, store| {
        let auth = world.node(store.clone());
        let first = world.person(&auth).await;
        let visit = auth.visit(Client::unknown());
        let flow = pending(visit.sign_in().start(PHONE).await.unwrap()).flow;
        let _ = pending(visit.begin(&flow, &SMS).await.unwrap());
        let code = world.outbox.code(&auth).await;
        let gate = GatedStore::new(store.again(&world), "find_flow", 8);
        let node = world.node(gate.clone());
        let steps = race(&[gate], 8, |_| {
            let (visit, flow, code) = (node.visit(Client::unknown()), flow.clone(), code.clone());
            async move { said(&visit.answer(&flow, Code::typed(SMS, &code)).await.unwrap()) }
        })
        .await;
        assert_eq!(steps.iter().filter(|said| **said == "done").count(), 1, "{steps:?}");
        assert_eq!(auth.sessions(first.session.account()).await.unwrap().len(), 2);
        assert_eq!(told(&auth, PHONE, WORD).await, "done");
    });
}

/// ATTACKS 95: sixteen right passwords at once are sixteen sessions, although a guess is counted before it is
/// evaluated and the sixth would begin a hold.
#[tokio::test]
async fn parallel_right_passwords_are_all_let_in() {
    each_store!(|world, store| {
        let auth = world.node(store.clone());
        let first = world.person(&auth).await;
        let gate = GatedStore::new(store, "subject", 16);
        let node = world.node(gate.clone());
        let steps = race(&[gate], 16, |_| {
            let node = node.clone();
            async move { told(&node, PHONE, WORD).await }
        })
        .await;
        assert_eq!(steps, ["done"; 16]);
        assert_eq!(auth.sessions(first.session.account()).await.unwrap().len(), 17);
        crate::world::get_held(&auth, PHONE).await;
    });
}

/// ATTACKS 50: a password that was right when it was read and is changed before the session is written lets nobody
/// in.
#[tokio::test]
async fn a_password_changed_under_a_sign_in_lets_nobody_in() {
    each_store!(|world, store| {
        let auth = world.node(store.clone());
        let mine = world.person(&auth).await;
        // Held back with the account read, twice over: by the name and by the step itself.
        let gate = GatedStore::new(store.again(&world), "reserve", 2);
        let node = world.node(gate.clone());
        let slow = tokio::spawn(async move { told(&node, PHONE, WORD).await });
        while gate.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        let visit = auth.visit(Client::unknown());
        let next = pending(visit.change(&mine.token, Password::NAME).await.unwrap());
        let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
        let renewed = done(visit.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap());
        gate.open();
        let said = slow.await.unwrap();
        assert!(["wrong", "stale"].contains(&said), "{said}");
        assert_eq!(auth.sessions(renewed.session.account()).await.unwrap().len(), 1);
        assert_eq!(told(&auth, PHONE, NEW_WORD).await, "done");
    });
}

/// ATTACKS 18 and 50: an account that is switched off half way through a flow gets no session from it.
#[tokio::test]
async fn an_account_switched_off_half_way_gets_no_session() {
    each_store!(|world, store| {
        let auth = world.node(store);
        let mine = world.person(&auth).await;
        let (visit, account) = (auth.visit(Client::unknown()), mine.session.account());
        let begun = async || {
            let flow = pending(visit.sign_in().start(PHONE).await.unwrap()).flow;
            let _ = pending(visit.begin(&flow, &SMS).await.unwrap());
            (flow, world.outbox.code(&auth).await)
        };
        let (flow, code) = begun().await;
        auth.disable(account, &Client::unknown()).await.unwrap();
        assert!(!lives(&auth, &mine.token).await);
        assert_eq!(said(&visit.answer(&flow, Code::typed(SMS, &code)).await.unwrap()), "wrong");
        assert_eq!(told(&auth, PHONE, WORD).await, "wrong");
        auth.enable(account, &Client::unknown()).await.unwrap();
        assert!(!lives(&auth, &mine.token).await);
        // What was begun before stays dead; what is begun now is not.
        let (flow, code) = begun().await;
        done(visit.answer(&flow, Code::typed(SMS, &code)).await.unwrap());
        assert_eq!(told(&auth, PHONE, WORD).await, "done");
    });
}

/// ATTACKS 23 and 26: half of a sign-in is no session: not over the flow's own token, not by asking again, not by
/// proving the same half twice.
#[tokio::test]
async fn one_of_two_factors_is_no_session() {
    each_store!(|world, store| {
        let mut world = world;
        world.profile = World::portal().profile.clone();
        let auth = world.node(store);
        let account = world.person(&auth).await.session.account();
        let visit = auth.visit(Client::unknown());
        let half = pending(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
        assert!(!lives(&auth, &half.flow).await);
        assert_eq!(said(&visit.answer(&half.flow, Password::word(WORD)).await.unwrap()), "not_offered");
        assert_eq!(said(&visit.change(&half.flow, Password::NAME).await.unwrap()), "no_session");
        let other = pending(visit.sign_in().start(PHONE).await.unwrap()).flow;
        let _ = pending(visit.begin(&other, &SMS).await.unwrap());
        let code = world.outbox.code(&auth).await;
        let _ = pending(visit.answer(&other, Code::typed(SMS, &code)).await.unwrap());
        assert_eq!(auth.sessions(account).await.unwrap().len(), 1);
        done(visit.answer(&other, Password::word(WORD)).await.unwrap());
        assert_eq!(auth.sessions(account).await.unwrap().len(), 2);
    });
}

/// ATTACKS 52 (CVE-2026-39324): what is sealed and does not open is an error: never read in another way, never taken
/// for "no".
#[tokio::test]
async fn a_damaged_or_foreign_seal_is_an_error() {
    each_store!(|world, store| {
        let auth = world.node(store.clone());
        world.person(&auth).await;
        let visit = auth.visit(Client::unknown());
        let flow = async || pending(visit.sign_in().start(PHONE).await.unwrap()).flow;
        let (mine, foreign) = (flow().await, flow().await);
        let scope = TokenScope::new(&Realm::new("main"));
        let row = async |token: &Token| {
            store.find_flow(token.hash(&scope, Purpose::Flow), auth.now()).await.unwrap().unwrap()
        };
        let put = async |sealed: Vec<u8>| {
            let now = row(&mine).await;
            let expect = now.version;
            let row = FlowRow { sealed, version: expect.next(), ..now };
            assert_eq!(store.commit(vec![Write::SwapFlow { row, expect }]).await.unwrap(), Committed::Won);
        };
        let sealed = row(&mine).await.sealed;
        let flip = |at: usize| {
            let mut bytes = sealed.clone();
            bytes[at] ^= 1;
            bytes
        };
        let hostile = [
            flip(0),
            flip(1),
            flip(20),
            flip(40),
            flip(sealed.len() - 1),
            sealed[..sealed.len() - 1].to_vec(),
            row(&foreign).await.sealed,
            br#"{"kind":"SignIn"}"#.to_vec(),
            vec![],
        ];
        for bytes in hostile {
            put(bytes).await;
            let error = visit.answer(&mine, Password::word(WORD)).await.unwrap_err();
            assert!(matches!(error, Broken::Sealed), "{error:?}");
        }
        put(sealed).await;
        done(visit.answer(&mine, Password::word(WORD)).await.unwrap());

        let stranger = propusk::Auth::builder(world.profile.clone(), store.again(&world), KeyRing::random())
            .factor(Password::default())
            .build()
            .unwrap();
        assert!(matches!(stranger.ready().await.unwrap_err(), Broken::WrongKeys));
        let visit = stranger.visit(Client::unknown());
        visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap_err();
        assert_eq!(told(&auth, PHONE, WORD).await, "done");
    });
}

/// ATTACKS 54 (CVE-2023-48220) and 37: a code opens the flow that it was sent for and no other, of the same person
/// or of another.
#[tokio::test]
async fn a_code_of_one_flow_opens_no_other() {
    each_store!(|world, store| {
        let auth = world.node(store);
        world.person(&auth).await;
        let visit = auth.visit(Client::unknown());
        let sign_in = async || {
            let flow = pending(visit.sign_in().start(PHONE).await.unwrap()).flow;
            let _ = pending(visit.begin(&flow, &SMS).await.unwrap());
            (flow, world.outbox.code(&auth).await)
        };
        let (first, first_code) = sign_in().await;
        let (second, second_code) = sign_in().await;
        let up = pending(visit.sign_up("+79160000000", "Иван", "1").await.unwrap()).flow;
        let up_code = world.outbox.code(&auth).await;
        let given = [(&first, &first_code), (&second, &second_code), (&up, &up_code)];
        for (at, (flow, own)) in given.iter().enumerate() {
            for (_, foreign) in given
                .iter()
                .enumerate()
                .filter(|(of, (_, code))| *of != at && code != own)
                .map(|(_, one)| one)
            {
                let step = visit.answer(flow, Code::typed(SMS, foreign)).await.unwrap();
                assert_eq!(said(&step), "wrong");
            }
        }
        assert_eq!(said(&visit.answer(&first, Code::typed(SMS, &first_code)).await.unwrap()), "done");
        assert_eq!(said(&visit.answer(&second, Code::typed(SMS, &second_code)).await.unwrap()), "done");
        assert_eq!(said(&visit.answer(&up, Code::typed(SMS, &up_code)).await.unwrap()), "pending");
    });
}

/// ATTACKS 62 and E: a flow belongs to the browser that began it: whoever else learns its token, or is handed a link
/// to it, gets nothing.
#[tokio::test]
async fn a_flow_is_of_no_use_in_another_browser() {
    each_store!(|world, store| {
        let auth = world.node(store);
        world.person(&auth).await;
        let bound = || Client::unknown().bound_by(auth.random_token().unwrap());
        let mine = auth.visit(bound());
        let flow = pending(mine.sign_in().start(PHONE).await.unwrap()).flow;
        let _ = pending(mine.begin(&flow, &SMS).await.unwrap());
        for other in [auth.visit(bound()), auth.visit(Client::unknown())] {
            assert_eq!(said(&other.answer(&flow, Password::word(WORD)).await.unwrap()), "no_flow");
            assert_eq!(said(&other.begin(&flow, &SMS).await.unwrap()), "no_flow");
        }
        assert_eq!(said(&mine.answer(&flow, Password::word(WORD)).await.unwrap()), "done");
    });
}
