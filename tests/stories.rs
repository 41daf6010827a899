//! Stories through the public API, over the memory store.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test")]

#[path = "common/site.rs"]
mod portal;

use portal::{WORD, done, pending, portal, refused, register};
use propusk::flow::Code as No;
use propusk::{Client, Code, Password, Profile};

#[tokio::test]
async fn a_person_registers_signs_in_and_sees_it_in_the_history() {
    let (auth, outbox) = portal(Profile::nist_aal1());
    let visit = auth.visit(Client::unknown());
    let first = register(&auth, &outbox, &visit, "8 (916) 123-45-67").await;
    assert!(auth.session(&first.token).await.unwrap().is_some());

    let step = visit.sign_in().with("+7 916 123 45 67", Password::word(WORD)).await.unwrap();
    let second = done(step);
    let session = auth.session(&second.token).await.unwrap().unwrap();
    assert_eq!(session.amr(), ["pwd"]);
    let history = auth.history(session.account(), propusk::event::EventPage::newest(10)).await.unwrap();
    let names: Vec<_> = history.iter().map(|event| event.name.as_str().to_owned()).collect();
    assert_eq!(names, ["sign-in", "sign-up",]);
    assert_eq!(auth.sessions(session.account()).await.unwrap().len(), 2);

    visit.sign_out(&first.token).await.unwrap();
    assert!(auth.session(&first.token).await.unwrap().is_none());
    assert!(auth.session(&second.token).await.unwrap().is_some());
}

#[tokio::test]
async fn the_portal_asks_for_a_second_factor() {
    let (auth, outbox) = portal(Profile::public_portal());
    let visit = auth.visit(Client::unknown());
    register(&auth, &outbox, &visit, "ivan@example.org").await;
    let next = pending(visit.sign_in().with("Ivan@Example.org", Password::word(WORD)).await.unwrap());
    let names: Vec<_> = next.offers.iter().map(|offer| offer.factor.as_str()).collect();
    assert_eq!(names, ["email-code"]);
    let factor = next.offers[0].factor.clone();
    let next = pending(visit.begin(&next.flow, &factor).await.unwrap());
    let code = outbox.code(&auth).await;
    let end = done(visit.answer(&next.flow, Code::typed(factor, &code)).await.unwrap());
    assert_eq!(end.session.amr(), ["pwd", "email", "mfa"]);
}

#[tokio::test]
async fn six_wrong_words_are_held_and_a_known_browser_is_not() {
    let (auth, outbox) = portal(Profile::nist_aal1());
    let visit = auth.visit(Client::unknown());
    let end = register(&auth, &outbox, &visit, "+79161234567").await;
    for _ in 0..5 {
        let why = refused(visit.sign_in().with("+79161234567", Password::word("wrong")).await.unwrap());
        assert_eq!(why.code.as_str(), "wrong");
    }
    let why = refused(visit.sign_in().with("+79161234567", Password::word("wrong")).await.unwrap());
    assert_eq!((why.code.as_str(), why.retry_after.unwrap().as_secs()), ("held", 300));
    let why = refused(visit.sign_in().with("+79161234567", Password::word(WORD)).await.unwrap());
    assert_eq!(why.code.as_str(), "held");
    let home = auth.visit(Client::unknown().with_browser(end.browser.unwrap()));
    done(home.sign_in().with("+79161234567", Password::word(WORD)).await.unwrap());
    // And the strangers' counter is forgotten with it.
    done(visit.sign_in().with("+79161234567", Password::word(WORD)).await.unwrap());
}

#[tokio::test]
async fn a_changed_password_ends_all_other_sessions_and_renews_this_one() {
    let (auth, outbox) = portal(Profile::nist_aal1());
    let visit = auth.visit(Client::unknown());
    let here = register(&auth, &outbox, &visit, "+79161234567").await;
    let there = done(visit.sign_in().with("+79161234567", Password::word(WORD)).await.unwrap());
    let next = pending(visit.change(&here.token, Password::NAME).await.unwrap());
    let why = refused(visit.answer(&next.flow, Password::word("wrong")).await.unwrap());
    assert_eq!(why.code.as_str(), "wrong");
    let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    let end = done(visit.answer(&next.flow, Password::word("Совсем другие слова 9")).await.unwrap());
    for (token, lives) in [(&here.token, false), (&there.token, false), (&end.token, true)] {
        assert_eq!(auth.session(token).await.unwrap().is_some(), lives);
    }
    let old = visit.sign_in().with("+79161234567", Password::word(WORD)).await.unwrap();
    assert_eq!(refused(old).code.as_str(), "wrong");
    done(visit.sign_in().with("+79161234567", Password::word("Совсем другие слова 9")).await.unwrap());
}

#[tokio::test]
async fn a_weak_word_is_refused_and_the_registration_goes_on() {
    let (auth, outbox) = portal(Profile::nist_aal1());
    let visit = auth.visit(Client::unknown());
    let next = pending(visit.sign_up("+79161234567", "Иван Петров", "2026-01").await.unwrap());
    let (factor, _) = next.begun.clone().unwrap();
    let code = outbox.code(&auth).await;
    let next = pending(visit.answer(&next.flow, Code::typed(factor, &code)).await.unwrap());
    let why = refused(visit.answer(&next.flow, Password::word("ivan")).await.unwrap());
    assert_eq!(why.code, No::Unfit);
    assert!(!why.rules.is_empty());
    done(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
}
