//! Sessions, flows and what ends them.

use std::time::Duration;

use propusk::account::identifier::Identifier;
use propusk::testing::GatedStore;
use propusk::{Auth, Client, Code, Password, Token};

use crate::portal::{WORD, done, pending};
use crate::world::{EMAIL, MAIL, NEW_WORD, PHONE, SMS, Shared, World, each_store, said, told, try_word};

async fn lives(auth: &Auth, token: &Token) -> bool {
    auth.session(token).await.unwrap().is_some()
}

/// ATTACKS 40 (CVE-2025-46336) and 97: a request that has read its session when the person signs out elsewhere
/// writes "just used" afterwards. The session stays dead.
#[tokio::test]
async fn a_late_touch_does_not_revive_a_session() {
    each_store!(|world, store| {
        let auth = world.node(store.clone());
        world.person(&auth).await;
        let mine = done(try_word(&auth, PHONE, WORD).await);
        // Long enough that the use is written down.
        world.minutes(10);
        let gate = GatedStore::new(store.again(&world), "find_session", 2);
        let node = world.node(gate.clone());
        let slow = tokio::spawn({
            let token = mine.token.clone();
            async move { node.session(&token).await.unwrap().is_some() }
        });
        while gate.waiting() == 0 {
            assert!(!slow.is_finished());
            tokio::task::yield_now().await;
        }
        auth.visit(Client::unknown()).sign_out(&mine.token).await.unwrap();
        gate.open();
        assert!(slow.await.unwrap(), "it had read the session while that lived");
        assert!(!lives(&auth, &mine.token).await);
        assert!(!lives(&world.node(store.again(&world)), &mine.token).await);
        assert_eq!(auth.sessions(mine.session.account()).await.unwrap().len(), 1);
        assert_eq!(told(&auth, PHONE, WORD).await, "done");
    });
}

/// ATTACKS 49 (CVE-2018-11385): what a client held before it signed in opens nothing afterwards, and each sign-in
/// and each change of password gives a token of its own.
#[tokio::test]
async fn a_token_from_before_opens_nothing_after() {
    each_store!(|world, store| {
        let auth = world.node(store);
        let first = world.person(&auth).await;
        let planted = auth.random_token().unwrap();
        let visit = auth.visit(Client::unknown().bound_by(planted.clone()));
        let flow = pending(visit.sign_in().start(PHONE).await.unwrap()).flow;
        let second = done(visit.answer(&flow, Password::word(WORD)).await.unwrap());
        for before in [&planted, &flow, first.browser.as_ref().unwrap()] {
            assert!(!lives(&auth, before).await);
        }
        assert_ne!(first.token.expose(), second.token.expose());
        assert!(lives(&auth, &first.token).await && lives(&auth, &second.token).await);
        let next = pending(visit.change(&second.token, Password::NAME).await.unwrap());
        let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
        let third = done(visit.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap());
        assert!(!lives(&auth, &second.token).await && lives(&auth, &third.token).await);
    });
}

/// ATTACKS 50 and 101 (CVE-2023-40273, CVE-2021-41268, CVE-2024-21722): a changed password ends other sessions,
/// forgets other browsers, and stops flows that were half way on the old one.
#[tokio::test]
async fn a_changed_password_ends_everything_that_the_old_one_opened() {
    each_store!(|world, store| {
        let mut world = world;
        world.profile = World::portal().profile.clone();
        let auth = world.node(store);
        let mine = world.person(&auth).await;
        let home = auth.visit(Client::unknown().with_browser(mine.browser.unwrap()));
        let elsewhere = auth.visit(Client::unknown());
        let by_both = async |visit: &propusk::Visit, word: &str| {
            let next = pending(visit.sign_in().with(PHONE, Password::word(word)).await.unwrap());
            let _ = pending(visit.begin(&next.flow, &SMS).await.unwrap());
            let code = world.outbox.code(&auth).await;
            done(visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap())
        };
        let other = by_both(&elsewhere, WORD).await;
        let other_browser = other.browser.clone().unwrap();
        // Half way: the old password is proven, the code is on its way.
        let half = pending(elsewhere.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
        let _ = pending(elsewhere.begin(&half.flow, &SMS).await.unwrap());
        let half_code = world.outbox.code(&auth).await;
        // A second change, begun by the other session and proven.
        let rival = pending(elsewhere.change(&other.token, Password::NAME).await.unwrap());
        let rival = pending(elsewhere.answer(&rival.flow, Password::word(WORD)).await.unwrap());

        let next = pending(home.change(&mine.token, Password::NAME).await.unwrap());
        let next = pending(home.answer(&next.flow, Password::word(WORD)).await.unwrap());
        let renewed = done(home.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap());

        assert!(!lives(&auth, &mine.token).await && !lives(&auth, &other.token).await);
        assert!(lives(&auth, &renewed.token).await);
        assert_eq!(auth.sessions(renewed.session.account()).await.unwrap().len(), 1);
        let step = elsewhere.answer(&half.flow, Code::typed(SMS, &half_code)).await.unwrap();
        assert_eq!(said(&step), "stale");
        let step = elsewhere.answer(&rival.flow, Password::word("И снова новые слова 11")).await.unwrap();
        assert!(["stale", "no_session"].contains(&said(&step)), "{step:?}");
        assert_eq!(told(&auth, PHONE, WORD).await, "wrong");

        // The other browser is a stranger again, this one is not.
        for _ in 0..5 {
            let _ = told(&auth, PHONE, "wrong").await;
        }
        let stranger = auth.visit(Client::unknown().with_browser(other_browser));
        assert_eq!(said(&stranger.sign_in().with(PHONE, Password::word(NEW_WORD)).await.unwrap()), "held");
        assert_eq!(said(&home.sign_in().with(PHONE, Password::word(NEW_WORD)).await.unwrap()), "pending");
        by_both(&home, NEW_WORD).await;
    });
}

/// ATTACKS 51 (CVE-2026-30224): signing out ends the session on the server, on each node.
#[tokio::test]
async fn a_token_is_dead_after_sign_out() {
    each_store!(|world, store| {
        let auth = world.node(store.clone());
        let (mine, other) = (world.person(&auth).await, done(try_word(&auth, PHONE, WORD).await));
        let node = world.node(store.again(&world));
        assert!(lives(&node, &mine.token).await);
        auth.visit(Client::unknown()).sign_out(&mine.token).await.unwrap();
        assert!(!lives(&auth, &mine.token).await && !lives(&node, &mine.token).await);
        let step = node.visit(Client::unknown()).change(&mine.token, Password::NAME).await.unwrap();
        assert_eq!(said(&step), "no_session");
        assert!(lives(&auth, &other.token).await);
        assert_eq!(told(&auth, PHONE, WORD).await, "done");
    });
}

/// ATTACKS 53 (CVE-2015-8314): each browser is known by a token of its own, which signs nobody in, says nothing of
/// another account, and is forgotten alone.
#[tokio::test]
async fn a_known_browser_is_one_browser_of_one_account() {
    each_store!(|world, store| {
        let auth = world.node(store);
        let first = world.person(&auth).await.browser.unwrap();
        world.register(&auth, EMAIL, WORD).await;
        let second = done(try_word(&auth, PHONE, WORD).await).browser.unwrap();
        assert_ne!(first.expose(), second.expose());
        let at = |browser: &Token| auth.visit(Client::unknown().with_browser(browser.clone()));
        for browser in [&first, &second] {
            assert!(!lives(&auth, browser).await);
            let step = at(browser).sign_in().start(PHONE).await.unwrap();
            assert_eq!(said(&step), "pending", "a known browser proves nothing");
        }
        // It is told apart from a stranger by this account only.
        crate::world::get_held(&auth, EMAIL).await;
        assert_eq!(said(&at(&first).sign_in().with(EMAIL, Password::word(WORD)).await.unwrap()), "held");
        crate::world::get_held(&auth, PHONE).await;
        for browser in [&first, &second] {
            done(at(browser).sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
        }
        // Half a year unused: a stranger's.
        world.minutes(180 * 24 * 60);
        crate::world::get_held(&auth, PHONE).await;
        assert_eq!(said(&at(&first).sign_in().with(PHONE, Password::word(WORD)).await.unwrap()), "held");
        world.minutes(5);
        // Let in as a stranger is who comes after half a year and many wrong answers: by one proof more.
        assert!(pending(try_word(&auth, PHONE, WORD).await).unusual);
    });
}

/// ATTACKS 54 (CVE-2016-11074, CVE-2022-36106): each kind of secret lives as long as its kind does, to the
/// millisecond, whether or not anything was purged.
#[tokio::test]
async fn every_secret_expires_at_its_own_time() {
    each_store!(|world, store| {
        let auth = world.node(store);
        let visit = auth.visit(Client::unknown());
        world.person(&auth).await;
        let almost = |span: u64| Duration::from_millis(span * 60_000 - 1);
        let tick = Duration::from_millis(1);

        let begin = async || {
            let flow = pending(visit.sign_in().start(PHONE).await.unwrap()).flow;
            let _ = pending(visit.begin(&flow, &SMS).await.unwrap());
            (flow, world.outbox.code(&auth).await)
        };
        // A code: five minutes.
        let (flow, code) = begin().await;
        world.watch.forward(almost(5));
        assert_eq!(said(&visit.answer(&flow, Code::typed(SMS, &code)).await.unwrap()), "done");
        let (flow, code) = begin().await;
        world.minutes(5);
        assert_eq!(said(&visit.answer(&flow, Code::typed(SMS, &code)).await.unwrap()), "expired");
        // A new one ends the older.
        let _ = pending(visit.begin(&flow, &SMS).await.unwrap());
        let newer = world.outbox.code(&auth).await;
        if newer != code {
            assert_eq!(said(&visit.answer(&flow, Code::typed(SMS, &code)).await.unwrap()), "wrong");
        }
        assert_eq!(said(&visit.answer(&flow, Code::typed(SMS, &newer)).await.unwrap()), "done");
        // A flow: a quarter of an hour, however often it is used.
        let flow = pending(visit.sign_in().start(PHONE).await.unwrap()).flow;
        world.watch.forward(almost(15));
        assert_eq!(said(&visit.answer(&flow, Password::word(WORD)).await.unwrap()), "done");
        let flow = pending(visit.sign_in().start(PHONE).await.unwrap()).flow;
        world.watch.forward(almost(15));
        assert_eq!(said(&visit.answer(&flow, Password::word("wrong")).await.unwrap()), "wrong");
        world.watch.forward(tick);
        assert_eq!(said(&visit.answer(&flow, Password::word(WORD)).await.unwrap()), "no_flow");
        // A registration's flow ends with its proven address.
        let next = pending(visit.sign_up(EMAIL, "Иван", "1").await.unwrap());
        let code = world.outbox.code(&auth).await;
        let next = pending(visit.answer(&next.flow, Code::typed(MAIL, &code)).await.unwrap());
        world.minutes(15);
        assert_eq!(said(&visit.answer(&next.flow, Password::word(WORD)).await.unwrap()), "no_flow");
        assert_eq!(told(&auth, EMAIL, WORD).await, "wrong");

        // A session: seven days unused, thirty days at most; on a foreign device a quarter of an hour and three hours.
        let step = visit.sign_in().public_device(true).with(PHONE, Password::word(WORD)).await.unwrap();
        let (public, mine) = (done(step), done(try_word(&auth, PHONE, WORD).await));
        world.watch.forward(almost(15));
        assert!(lives(&auth, &public.token).await);
        for _ in 0..12 {
            world.watch.forward(almost(15));
            if auth.now() < public.session.expires() {
                assert!(lives(&auth, &public.token).await);
            }
        }
        assert!(!lives(&auth, &public.token).await && lives(&auth, &mine.token).await);
        let step = visit.sign_in().public_device(true).with(PHONE, Password::word(WORD)).await.unwrap();
        let idle = done(step);
        world.minutes(15);
        assert!(!lives(&auth, &idle.token).await && lives(&auth, &mine.token).await);
        let idle = done(try_word(&auth, PHONE, WORD).await);
        for _ in 0..4 {
            world.watch.forward(almost(7 * 24 * 60));
            assert!(lives(&auth, &mine.token).await);
        }
        assert!(!lives(&auth, &idle.token).await);
        let left = mine.session.expires().since(auth.now());
        world.watch.forward(left - tick);
        assert!(lives(&auth, &mine.token).await);
        world.watch.forward(tick);
        assert!(!lives(&auth, &mine.token).await);
        assert_eq!(told(&auth, PHONE, WORD).await, "done");
    });
}

/// ATTACKS 55 (CVE-2019-16109): blank tokens, blank codes and blank names match no blank in the store.
#[tokio::test]
async fn blank_secrets_match_nothing() {
    each_store!(|world, store| {
        let auth = world.node(store);
        world.person(&auth).await;
        let visit = auth.visit(Client::unknown());
        let blank = [
            String::new(),
            " ".into(),
            "null".into(),
            "undefined".into(),
            "\0".repeat(43),
            " ".repeat(43),
            " ".repeat(54),
            "=".repeat(54),
        ];
        for text in &blank {
            assert!(Token::parse(text).is_none(), "{text:?}");
        }
        for zero in ["A".repeat(43), "A".repeat(54)] {
            let token = Token::parse(&zero).unwrap();
            assert!(!lives(&auth, &token).await);
            assert_eq!(said(&visit.answer(&token, Password::word(WORD)).await.unwrap()), "no_flow");
            let step = visit.change(&token, Password::NAME).await.unwrap();
            assert_eq!(said(&step), "no_session");
        }
        let flow = pending(visit.sign_in().start(PHONE).await.unwrap()).flow;
        assert_eq!(said(&visit.answer(&flow, Code::typed(SMS, "")).await.unwrap()), "not_begun");
        let _ = pending(visit.begin(&flow, &SMS).await.unwrap());
        let code = world.outbox.code(&auth).await;
        for text in blank.iter().map(String::as_str).chain(["000000 000000", "      ", "\u{3000}"]) {
            assert_eq!(
                said(&visit.answer(&flow, Code::typed(SMS, text)).await.unwrap()),
                "malformed",
                "{text:?}"
            );
        }
        for name in ["", " ", "\u{3000}", "\0"] {
            Identifier::parse(name).unwrap_err();
            assert!(!["done", "pending"].contains(&told(&auth, name, WORD).await));
        }
        // None of it was counted.
        assert_eq!(said(&visit.answer(&flow, Code::typed(SMS, &code)).await.unwrap()), "done");
    });
}
