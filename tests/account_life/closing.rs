//! Closed by the owner: what it takes, the grace, and what is left.

use std::time::Duration;

use propusk::account::LockReason;
use propusk::event::name;
use propusk::flow::{Closing, Duty};
use propusk::policy::ClosingRules;
use propusk::secret::Token;
use propusk::store::{AccountState, SubjectKey};

use super::*;
use crate::portal::{NEW_WORD, refused};

const DAY: u64 = 24 * 3600;

fn profile(grace: u64) -> Profile {
    let mut profile = Profile::public_portal();
    profile.closing =
        ClosingRules { grace: Duration::from_secs(grace), name_free_after: Duration::from_secs(90 * DAY) };
    profile
}

/// Proves all of it; the session that it gave. What became of asking again is the caller's to see.
async fn prove(house: &House, auth: &Auth, mine: &Token) -> Result<Box<Done>, Step> {
    let visit = auth.visit(somebody());
    let Closing::Prove(step) = visit.close(mine).await.unwrap() else { panic!("closed without a proof") };
    let Step::Pending(next) = step else { return Err(step) };
    let step = visit.answer(&next.flow, Password::word(WORD)).await.unwrap();
    let Step::Pending(next) = step else { return Err(step) };
    let step = visit.begin(&next.flow, &SMS).await.unwrap();
    let Step::Pending(next) = step else { return Err(step) };
    let sent = house.outbox.all(&house.auth).await;
    let code = sent.iter().rev().find(|message| message.param("code").is_some()).unwrap();
    assert!(
        code.text().body.contains("closing the account"),
        "a code says what it is for: {}",
        code.text().body
    );
    match visit.answer(&next.flow, Code::typed(SMS, code.param("code").unwrap())).await.unwrap() {
        Step::Done(end) => Ok(end),
        step => Err(step),
    }
}

async fn closed(house: &House, mine: &Done) -> Box<Done> {
    house.hands.advance(120);
    let end = prove(house, &house.auth, &mine.token).await.unwrap();
    let Closing::Closed { .. } = house.visit().close(&end.token).await.unwrap() else { panic!("not closed") };
    end
}

async fn state(house: &House, account: AccountId) -> AccountState {
    house.store_state(account).await
}

impl House {
    async fn store_state(&self, account: AccountId) -> AccountState {
        use propusk::store::AccountStore;
        self.store.subject(SubjectKey::Account(account)).await.unwrap().unwrap().account.state
    }
}

/// MISSION A6: password and code, and none of it from before.
#[tokio::test]
async fn closing_takes_all_of_a_sign_in_anew() {
    let house = House::new(profile(30 * DAY));
    let mine = house.person().await;
    let (account, visit) = (mine.session.account(), house.visit());
    let fresh = house.sign_in().await;
    let Closing::Prove(step) = visit.close(&fresh.token).await.unwrap() else { panic!("nothing was proven") };
    let next = pending(step);
    let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    assert!(!next.offers.is_empty(), "a password is half of it");
    let Closing::Prove(Step::Pending(_)) = visit.close(&fresh.token).await.unwrap() else {
        panic!("half is not all")
    };
    assert_eq!(state(&house, account).await, AccountState::Active);
    let end = prove(&house, &house.auth, &fresh.token).await.unwrap();
    assert_eq!(
        state(&house, account).await,
        AccountState::Active,
        "what was proven closes nothing by itself"
    );
    let Closing::Prove(_) = visit.close(&mine.token).await.unwrap() else {
        panic!("it was proven in another session")
    };
    house.outbox.clear();
    let Closing::Closed { erased_at } = visit.close(&end.token).await.unwrap() else { panic!("not closed") };
    assert_eq!(erased_at, house.auth.now().after(Duration::from_secs(30 * DAY)));
    assert_eq!(state(&house, account).await, AccountState::Closing);
    assert!(house.auth.sessions(account).await.unwrap().is_empty());
    let sent = house.outbox.all(&house.auth).await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].template.to_string(), "closing");
    assert!(sent[0].text().body.contains(&erased_at.rfc3339()[..10]), "{}", sent[0].text().body);
    let Closing::Prove(again) = visit.close(&end.token).await.unwrap() else { panic!("closed twice") };
    assert_eq!(refused(again).code.as_str(), "no_session");
}

/// An approval is good for five minutes, and once.
#[tokio::test]
async fn what_was_proven_for_it_ends() {
    let house = House::new(profile(DAY));
    let mine = house.person().await;
    let end = prove(&house, &house.auth, &mine.token).await.unwrap();
    house.hands.advance(301);
    let Closing::Prove(Step::Pending(_)) = house.visit().close(&end.token).await.unwrap() else {
        panic!("an old approval")
    };
    assert_eq!(state(&house, mine.session.account()).await, AccountState::Active);
}

/// The owner comes back: by all of a sign-in and one clear step more; nothing of the account was lost.
#[tokio::test]
async fn in_the_grace_a_sign_in_and_one_more_step_open_it_again() {
    let house = House::new(profile(30 * DAY));
    let mine = house.person().await;
    let account = mine.session.account();
    let _ = closed(&house, &mine).await;
    house.hands.advance(29 * DAY);
    let Step::Pending(next) = house.steps(&house.auth).await else { panic!("no session before it is open") };
    assert_eq!((next.duty, next.offers.len()), (Some(Duty::Reopen), 0));
    assert_eq!(state(&house, account).await, AccountState::Closing, "a sign-in alone opens nothing");
    let end = done(house.visit().reopen(&next.flow).await.unwrap());
    assert_eq!(end.session.account(), account);
    assert_eq!(state(&house, account).await, AccountState::Active);
    assert_eq!(refused(house.visit().reopen(&next.flow).await.unwrap()).code.as_str(), "no_flow");
    assert!(house.templates().await.iter().any(|one| one == "reopened"));
    house.hands.advance(2 * DAY);
    assert_eq!(house.auth.tend(10).await.unwrap().erased, 0, "the day comes, and nothing is due");
    assert!(house.auth.account(account).await.unwrap().is_some());
    let _ = house.sign_in().await;
    let names = house.names(account).await;
    assert!(["account-closing", "account-reopened"].iter().all(|one| names.iter().any(|name| name == one)));
}

/// Half a sign-in, or a flow of another kind, opens nothing.
#[tokio::test]
async fn nobody_else_opens_it() {
    let house = House::new(profile(30 * DAY));
    let mine = house.person().await;
    let visit = house.visit();
    let begun = pending(visit.change(&mine.token, Password::NAME).await.unwrap());
    let old = pending(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
    let _ = closed(&house, &mine).await;
    house.hands.advance(60);
    let half = pending(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
    for flow in [&half.flow, &begun.flow] {
        assert_eq!(refused(visit.reopen(flow).await.unwrap()).code.as_str(), "not_offered");
    }
    assert_eq!(
        refused(visit.answer(&begun.flow, Password::word(WORD)).await.unwrap()).code.as_str(),
        "wrong"
    );
    // One that was begun before the closing goes on, and comes to nothing.
    let next = pending(visit.begin(&old.flow, &SMS).await.unwrap());
    let code = house.outbox.code(&house.auth).await;
    let next = pending(visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap());
    assert_eq!(refused(visit.reopen(&next.flow).await.unwrap()).code.as_str(), "stale");
    assert_eq!(state(&house, mine.session.account()).await, AccountState::Closing);
    let wrong = visit.sign_in().with(PHONE, Password::word(NEW_WORD)).await.unwrap();
    assert_eq!(refused(wrong).code.as_str(), "wrong");
}

/// The data key goes, and with it whatever it sealed; its name is nobody's for a time, and then anybody's; the events
/// still say what, when and how.
#[tokio::test]
async fn after_the_grace_nothing_personal_is_left() {
    use propusk::store::AccountStore;
    for grace in [0, 30 * DAY] {
        let house = House::new(profile(grace));
        let mine = house.person().await;
        let account = mine.session.account();
        let before = house.history(account).await;
        let _ = closed(&house, &mine).await;
        if grace > 0 {
            house.hands.advance(grace - 1);
            assert_eq!(house.auth.tend(100).await.unwrap().erased, 0);
            house.hands.advance(1);
        }
        house.outbox.clear();
        assert_eq!(house.auth.tend(100).await.unwrap().erased, 1, "grace {grace}");
        let left = house.store.subject(SubjectKey::Account(account)).await.unwrap().unwrap();
        assert_eq!(left.account.state, AccountState::Closed);
        assert!(left.account.data_key.is_empty() && left.account.sealed.is_empty());
        assert!(left.identifiers.is_empty() && left.contacts.is_empty());
        assert!(left.credentials.is_empty() && left.browsers.is_empty());
        assert!(house.auth.account(account).await.unwrap().is_none());
        assert!(house.auth.export(account).await.unwrap().is_none());
        assert_eq!(house.templates().await.last().map(String::as_str), Some("closed"));

        let after = house.history(account).await;
        assert_eq!(after[0].name, name::CLOSED);
        let old = after.iter().filter(|event| before.iter().any(|old| old.id == event.id));
        let told = |event: &Event| (event.id, event.at, event.name.clone(), event.outcome);
        assert_eq!(old.clone().map(told).collect::<Vec<_>>(), before.iter().map(told).collect::<Vec<_>>());
        for event in old {
            let nothing =
                event.origin.address.is_none() && event.factor.is_none() && event.details.is_empty();
            assert!(nothing && event.reached.is_none(), "{event:?}");
        }
        assert!(before.iter().any(|event| event.factor.is_some()), "there was something to lose");

        // Its owner and a stranger are told the same as for a name that nobody has.
        house.hands.advance(120);
        let visit = house.visit();
        let said = |step: Step| refused(step).code;
        let gone = said(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
        assert_eq!(gone, said(visit.sign_in().with("+79160000000", Password::word(WORD)).await.unwrap()));
        house.hands.advance(90 * DAY);
        let _ = house.auth.tend(100).await.unwrap();
        let again = register(&house.auth, &house.outbox, &visit, PHONE, Password::word(NEW_WORD)).await;
        assert_ne!(again.session.account(), account);
        assert_eq!(house.auth.tend(100).await.unwrap().erased, 0);
    }
}

/// A name that was just given up is taken still.
#[tokio::test]
async fn its_name_is_nobodys_for_a_time() {
    let house = House::new(profile(0));
    let mine = house.person().await;
    let _ = closed(&house, &mine).await;
    assert_eq!(house.auth.tend(100).await.unwrap().erased, 1);
    house.hands.advance(89 * DAY);
    let _ = house.auth.tend(100).await.unwrap();
    let visit = house.visit();
    let next = pending(visit.sign_up(PHONE, "Пётр", "1").await.unwrap());
    let code = house.outbox.code(&house.auth).await;
    let next = pending(visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap());
    let end = visit.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap();
    assert_eq!(refused(end).code.as_str(), "taken");
}

/// Who says "this was not me" of the closing keeps the account; who is switched off in the grace is not erased before
/// somebody has looked.
#[tokio::test]
async fn a_lock_stops_the_erasure_and_switching_off_puts_it_off() {
    let house = House::new(profile(DAY));
    let mine = house.person().await;
    let account = mine.session.account();
    let _ = closed(&house, &mine).await;
    house.auth.lock(account, LockReason::NotMe, &somebody()).await.unwrap();
    house.hands.advance(2 * DAY);
    assert_eq!(house.auth.tend(100).await.unwrap().erased, 0);
    assert!(house.auth.unlock(account, &somebody()).await.unwrap().is_done());
    assert_eq!(state(&house, account).await, AccountState::Active);
    let mine = house.sign_in().await;
    let _ = closed(&house, &mine).await;
    house.auth.disable(account, &somebody()).await.unwrap();
    house.hands.advance(2 * DAY);
    assert_eq!(house.auth.tend(100).await.unwrap().erased, 0);
    house.auth.enable(account, &somebody()).await.unwrap();
    assert_eq!(state(&house, account).await, AccountState::Closing);
    house.hands.advance(2 * DAY);
    assert_eq!(house.auth.tend(100).await.unwrap().erased, 1);
}

/// Closing, between any two calls of a sign-in: a session that was granted has ended, and none comes after.
#[tokio::test]
async fn a_closing_between_any_two_steps_of_a_sign_in_leaves_no_session() {
    let counted = between_any_two(
        profile(DAY),
        async |house, _| house.steps(&house.other).await,
        async |house, mine| drop(closed(house, mine).await),
        async |house, mine, end| {
            let account = mine.session.account();
            if let Step::Done(end) = &end {
                assert!(house.auth.session(&end.token).await.unwrap().is_none());
            }
            assert!(house.auth.sessions(account).await.unwrap().is_empty());
            assert_eq!(state(house, account).await, AccountState::Closing);
        },
    )
    .await;
    println!("counted: a closing between any two calls of a sign-in, seed -, count {counted}");
}

/// The erasure, between any two calls of who comes back: all of the account, or nothing of it.
#[tokio::test]
async fn an_erasure_between_any_two_steps_of_a_return_is_all_or_nothing() {
    let counted = between_any_two(
        profile(600),
        async |house, mine| {
            let _ = closed(house, mine).await;
            house.hands.advance(120);
            match house.steps(&house.other).await {
                Step::Pending(next) => house.other.visit(somebody()).reopen(&next.flow).await.unwrap(),
                step => step,
            }
        },
        async |house, _| {
            house.hands.advance(480);
            let _ = house.auth.tend(100).await.unwrap();
        },
        async |house, mine, end| {
            let account = mine.session.account();
            let erased = state(house, account).await == AccountState::Closed;
            match end {
                Step::Done(end) => {
                    assert!(!erased && house.auth.session(&end.token).await.unwrap().is_some());
                }
                _ => assert!(house.auth.sessions(account).await.unwrap().is_empty()),
            }
            house.auth.account(account).await.unwrap();
        },
    )
    .await;
    println!("counted: an erasure between any two calls of a return, seed -, count {counted}");
}

/// Another session changes the password while the account is closed, and the other way round: one of them is whole.
#[tokio::test]
async fn a_change_of_password_and_a_closing_do_not_mix() {
    between_any_two(
        profile(DAY),
        async |house, mine| {
            let visit = house.other.visit(somebody());
            let next = match visit.change(&mine.token, Password::NAME).await.unwrap() {
                Step::Pending(next) => next,
                step => return step,
            };
            match visit.answer(&next.flow, Password::word(WORD)).await.unwrap() {
                Step::Pending(next) => visit.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap(),
                step => step,
            }
        },
        async |house, mine| {
            // Its own session may be gone: then there is nothing to close.
            if house.auth.session(&mine.token).await.unwrap().is_some() {
                let _ = closed(house, mine).await;
            }
        },
        async |house, mine, end| {
            let account = mine.session.account();
            let closing = state(house, account).await == AccountState::Closing;
            assert_eq!(matches!(end, Step::Done(_)), !closing, "{end:?}");
            assert_eq!(house.auth.sessions(account).await.unwrap().is_empty(), closing);
        },
    )
    .await;
}

/// All of it was proven, and between any two calls of the closing the password is changed in another session, which ends
/// this one: whoever was thrown out closes nothing.
#[tokio::test]
async fn a_session_that_has_ended_closes_nothing() {
    let counted = between_any_two(
        profile(DAY),
        async |house, mine| {
            house.hands.advance(120);
            let end = prove(house, &house.auth, &mine.token).await.unwrap();
            match house.other.visit(somebody()).close(&end.token).await.unwrap() {
                Closing::Prove(step) => step,
                _ => Step::Done(end),
            }
        },
        async |house, _| {
            let (visit, other) = (house.visit(), house.sign_in().await);
            let next = pending(visit.change(&other.token, Password::NAME).await.unwrap());
            let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
            drop(done(visit.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap()));
        },
        async |house, mine, end| {
            assert!(!matches!(end, Step::Done(_)), "closed by a session that is over");
            assert_eq!(state(house, mine.session.account()).await, AccountState::Active);
            assert_eq!(house.auth.sessions(mine.session.account()).await.unwrap().len(), 1);
        },
    )
    .await;
    println!("counted: a change between any two calls of a closing, seed -, count {counted}");
}

/// A kill at each call of the erasure: it is done by the next who tends, once.
#[tokio::test]
async fn an_erasure_that_was_cut_off_is_done_by_the_next() {
    for fault in [Fault::FailsBefore, Fault::FailsAfter] {
        for nth in 0.. {
            let house = House::new(profile(DAY));
            house.other.ready().await.unwrap();
            let mine = house.person().await;
            let account = mine.session.account();
            let _ = closed(&house, &mine).await;
            let _ = house.outbox.all(&house.auth).await;
            house.hands.advance(DAY);
            house.faulty.plan(nth, fault);
            let cut = house.other.tend(100).await;
            if cut.is_ok() {
                assert!(nth > 2 && house.faulty.calls() <= nth);
                break;
            }
            house.faulty.mend();
            let whole = |state| matches!(state, AccountState::Closing | AccountState::Closed);
            assert!(whole(state(&house, account).await));
            house.hands.advance(61);
            let _ = house.auth.tend(100).await.unwrap();
            assert_eq!(state(&house, account).await, AccountState::Closed, "{fault:?} {nth}");
            let lines = house.names(account).await;
            assert_eq!(lines.iter().filter(|name| *name == "account-closed").count(), 1, "{fault:?} {nth}");
        }
    }
}

/// What stands in the way of one erasure stands in the way of no other.
#[tokio::test]
async fn a_row_that_does_not_open_keeps_no_other_account() {
    use propusk::store::{AccountRow, AccountStore, Commit, Committed, Write};
    let house = House::new(profile(0));
    let mine = house.person().await;
    let broken = mine.session.account();
    let _ = closed(&house, &mine).await;
    let subject = house.store.subject(SubjectKey::Account(broken)).await.unwrap().unwrap();
    let old = subject.account;
    let row =
        AccountRow { version: old.version.next(), data_key: vec![7; old.data_key.len()], ..old.clone() };
    let swap = Write::SwapAccount { row, expect: old.version };
    assert_eq!(house.store.commit(vec![swap]).await.unwrap(), Committed::Won);
    // Another's number, and the same steps.
    let other = register(&house.auth, &house.outbox, &house.visit(), OTHER, Password::word(WORD)).await;
    house.hands.advance(3600);
    let _ = closed(&house, &other).await;
    // What was due before it has been found to be stuck by then, whoever tended for a code.
    assert_eq!(house.auth.tend(100).await.unwrap().erased, 1);
    assert!(house.auth.account(other.session.account()).await.unwrap().is_none());
    let mut tended = Vec::new();
    for wait in [3600, 3600, 60] {
        house.hands.advance(wait);
        let round = house.auth.tend(100).await.unwrap();
        tended.push((round.erased, round.stuck));
    }
    assert_eq!(tended, [(0, 1), (0, 1), (0, 0)], "it is tried again each hour");
}

/// A name that was given up is nobody's for a while: an import is told so, and does not break.
#[tokio::test]
async fn an_import_does_not_take_a_name_before_it_is_free() {
    use propusk::auth::import::{Import, Imported};
    let house = House::new(profile(0));
    let mine = house.person().await;
    let _ = closed(&house, &mine).await;
    assert_eq!(house.auth.tend(100).await.unwrap().erased, 1);
    let import =
        Import::new("Ivan").unwrap().verified_contact(OTHER).unwrap().verified_contact(PHONE).unwrap();
    let end = house.auth.import(&import, &somebody()).await.unwrap();
    assert_eq!(end, Imported::NotFree { at: 2 });
    house.hands.advance(91 * DAY);
    while house.auth.tend(100).await.unwrap().purged > 0 {}
    assert!(matches!(house.auth.import(&import, &somebody()).await.unwrap(), Imported::Made(_)));
}

const OTHER: &str = "+79169999999";
