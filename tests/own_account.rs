//! What an owner reads and ends: the history through a filter, known browsers; and what an operator asks of the stores.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/portal.rs"]
mod portal;

use std::collections::BTreeMap;

use portal::{EMAIL, Hands, Outbox, PHONE, WORD, done, every_factor, pending, refused, register, somebody};
use propusk::error::Broken;
use propusk::event::{EventPage, Outcome, name};
use propusk::flow::Done;
use propusk::id::EventName;
use propusk::testing::{CountingStore, Fault, FaultyStore};
use propusk::{Auth, Client, Code, MemoryStore, Password, Profile, Visit};

fn auth(store: &MemoryStore) -> (Auth, Outbox, Hands) {
    let (outbox, clock) = (Outbox::default(), Hands::default());
    let builder = portal::portal(store, Profile::public_portal()).sender(outbox.clone()).clock(clock.clone());
    (every_factor(builder).build().unwrap(), outbox, clock)
}

/// Signs in by password and a code.
async fn sign_in(auth: &Auth, outbox: &Outbox, visit: &Visit) -> Box<Done> {
    let next = pending(visit.sign_in().with(EMAIL, Password::word(WORD)).await.unwrap());
    let code = propusk::Factor::name(&Code::email());
    let next = pending(visit.begin(&next.flow, &code).await.unwrap());
    done(visit.answer(&next.flow, Code::typed(code, &outbox.code(auth).await)).await.unwrap())
}

#[tokio::test]
async fn a_search_finds_what_is_rare_and_says_where_to_go_on() {
    let (auth, outbox, _) = auth(&MemoryStore::default());
    let account = register(&auth, &outbox, &auth.visit(somebody()), EMAIL, Password::word(WORD)).await;
    let account = account.session.account();
    let write = async |nth: usize| {
        let details = BTreeMap::from([("nth".to_owned(), nth.to_string())]);
        let name = EventName::new("test:event");
        auth.record(account, name, Outcome::Done, &Client::unknown(), details).await.unwrap();
    };
    for nth in 0..6000 {
        write(nth).await;
    }
    let nth =
        |event: &propusk::event::Event| event.details.get("nth").and_then(|nth| nth.parse::<usize>().ok());
    let all = async |limit: usize, keep: &(dyn Fn(usize) -> bool + Sync)| {
        let (mut seen, mut calls, mut page) = (Vec::new(), 0, EventPage::newest(limit));
        loop {
            let found = auth
                .search_history(account, page.clone(), |event| nth(event).is_some_and(keep))
                .await
                .unwrap();
            calls += 1;
            assert!(found.events.len() <= limit);
            seen.extend(found.events.iter().filter_map(nth));
            match found.next {
                Some(next) => page.before = Some(next),
                None => return (seen, calls),
            }
        }
    };
    assert_eq!(all(10, &|nth| nth == 5).await, (vec![5], 2), "5,000 were looked at, then the rest");
    assert_eq!(all(10, &|nth| nth % 1000 == 0).await.0, [5000, 4000, 3000, 2000, 1000, 0]);
    assert_eq!(all(2, &|nth| nth % 1000 == 0).await.0, [5000, 4000, 3000, 2000, 1000, 0]);
    let (every, calls) = all(700, &|_| true).await;
    assert_eq!((every, calls), ((0..6000).rev().collect(), 9), "no page is empty at the end");
    assert_eq!(all(10, &|nth| nth >= 5990).await.0.len(), 10);
    assert!(auth.search_history(account, EventPage::newest(0), |_| true).await.unwrap().events.is_empty());
}

/// A page of ten reads one more than ten, as long as there is no filter that it could miss.
#[tokio::test]
async fn an_unfiltered_page_is_read_in_one_piece() {
    let store = CountingStore::new(MemoryStore::default());
    let log = store.log();
    let (outbox, clock) = (Outbox::default(), Hands::default());
    let builder = Auth::builder(Profile::public_portal(), store, portal::ring());
    let builder = builder.site(propusk::Site::new("Portal", portal::ORIGIN)).hashing(portal::cheap());
    let auth = every_factor(builder.sender(outbox.clone()).clock(clock)).build().unwrap();
    let account = register(&auth, &outbox, &auth.visit(somebody()), EMAIL, Password::word(WORD)).await;
    let _ = log.take();
    let found =
        auth.search_history(account.session.account(), EventPage::newest(10), |_| true).await.unwrap();
    assert_eq!((found.events.len(), found.next, log.count("events")), (1, None, 1));
}

#[tokio::test]
async fn a_proof_says_what_it_was_given_for() {
    let (auth, outbox, _) = auth(&MemoryStore::default());
    let visit = auth.visit(somebody());
    let first = register(&auth, &outbox, &visit, EMAIL, Password::word(WORD)).await;
    let next = pending(visit.change(&first.token, Password::NAME).await.unwrap());
    pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    let next = pending(visit.enrol(&first.token, portal::Pin::NAME).await.unwrap());
    pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    pending(visit.sign_in().with(EMAIL, Password::word(WORD)).await.unwrap());
    let events = auth.history(first.session.account(), EventPage::newest(3)).await.unwrap();
    let said: Vec<_> =
        events.iter().map(|event| (event.name.clone(), event.during.clone().unwrap())).collect();
    let during = [name::SIGN_IN, name::ENROLLED, name::CHANGED].map(|during| (name::PROVEN, during));
    assert_eq!(said, during);
}

#[tokio::test]
async fn a_browser_is_known_until_it_is_forgotten() {
    let (auth, outbox, hands) = auth(&MemoryStore::default());
    let laptop =
        somebody().with_user_agent("Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0");
    let first = register(&auth, &outbox, &auth.visit(laptop.clone()), EMAIL, Password::word(WORD)).await;
    let laptop = auth.visit(laptop.with_browser(first.browser.clone().unwrap()));
    hands.advance(60);
    outbox.clear();
    let phone =
        somebody().with_user_agent("Mozilla/5.0 (Android 14; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0");
    let second = sign_in(&auth, &outbox, &auth.visit(phone.clone())).await;
    let known = laptop.browsers(&first.session).await.unwrap();
    let told: Vec<_> =
        known.iter().map(|one| (one.here, one.from.as_ref().unwrap().device.to_string())).collect();
    assert_eq!(told, [(true, "Firefox 140, Windows".to_owned()), (false, "Firefox 140, Android".to_owned())]);

    let other = register(&auth, &outbox, &auth.visit(somebody()), PHONE, Password::word(WORD)).await;
    assert!(
        !laptop.forget_browser(&other.session, known[1].id).await.unwrap().is_done(),
        "another account's"
    );
    assert!(laptop.forget_browser(&first.session, known[1].id).await.unwrap().is_done());
    assert!(!laptop.forget_browser(&first.session, known[1].id).await.unwrap().is_done(), "once");
    let left = laptop.browsers(&first.session).await.unwrap();
    assert_eq!(left.iter().map(|one| one.id).collect::<Vec<_>>(), [known[0].id]);
    assert_eq!(
        auth.history(first.session.account(), EventPage::newest(1)).await.unwrap()[0].name,
        name::BROWSER_FORGOTTEN
    );
    assert!(auth.session(&second.token).await.unwrap().is_some(), "its session is ended apart");

    // From now on it is a stranger: strangers who guess hold it off, too, and the laptop signs in.
    for _ in 0..6 {
        refused(auth.visit(somebody()).sign_in().with(EMAIL, Password::word("guess")).await.unwrap());
    }
    let phone = auth.visit(phone.with_browser(second.browser.clone().unwrap()));
    refused(phone.sign_in().with(EMAIL, Password::word(WORD)).await.unwrap());
    pending(laptop.sign_in().with(EMAIL, Password::word(WORD)).await.unwrap());
    let _ = laptop.end_session(&first.session, second.session.id()).await.unwrap();
    assert!(
        !phone.forget_browser(&second.session, known[0].id).await.unwrap().is_done(),
        "an ended session forgets nothing"
    );
}

/// Two sign-ins of one moment from different devices: which of them was which browser's cannot be told, and is not.
#[tokio::test]
async fn where_a_browser_was_is_told_only_when_it_is_certain() {
    let outbox = Outbox::default();
    let builder = portal::portal(&MemoryStore::default(), Profile::nist_aal1()).clock(Hands::default());
    let builder = builder.factor(Password::default()).factor(Code::email()).sender(outbox.clone());
    let auth = builder.build().unwrap();
    let visit =
        auth.visit(somebody().with_user_agent("Mozilla/5.0 (X11; Linux) Gecko/20100101 Firefox/140.0"));
    let first = register(&auth, &outbox, &visit, EMAIL, Password::word(WORD)).await;
    done(auth.visit(somebody()).sign_in().with(EMAIL, Password::word(WORD)).await.unwrap());
    let known = visit.browsers(&first.session).await.unwrap();
    assert_eq!(known.len(), 2);
    assert!(known.iter().all(|one| one.from.is_none()));
}

#[tokio::test]
async fn a_probe_asks_each_time() {
    let store = FaultyStore::new(MemoryStore::default());
    let auth = every_factor(Auth::builder(Profile::public_portal(), store.clone(), portal::ring()));
    let auth = auth
        .site(propusk::Site::new("Portal", portal::ORIGIN))
        .sender(propusk::danger::print_messages())
        .hashing(portal::cheap())
        .build()
        .unwrap();
    auth.ready().await.unwrap();
    auth.probe().await.unwrap();
    for nth in 0..2 {
        store.plan(nth, Fault::FailsBefore);
        assert!(matches!(auth.probe().await, Err(Broken::Store(_))), "call {nth}");
        auth.probe().await.unwrap();
    }
}
