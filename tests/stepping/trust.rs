//! A trusted browser skips the second step of a sign-in, for a time, and nothing else.

use std::time::Duration;

use propusk::account::LockReason;
use propusk::flow::Effect;
use propusk::policy::Requirement;
use propusk::proof::Aal;
use propusk::testing::{Fault, FaultyStore};

use super::*;
use crate::portal::{NEW_WORD, PHONE, done};

/// A browser: what is in its cookies.
#[derive(Clone, Debug, Default)]
struct Browser {
    known: Vec<Token>,
}

impl Browser {
    fn visit(&self, house: &House, trust: bool) -> Visit {
        let client = self.known.iter().cloned().fold(Client::unknown(), Client::with_browser);
        house.auth.visit(client.trusting(trust))
    }

    /// Keeps what a sign-in gave, as the axum layer does.
    fn keep(&mut self, done: &Done) {
        let gone = done.replaced.as_ref().map(|token| token.expose().clone());
        self.known.retain(|token| Some(token.expose().clone()) != gone);
        self.known.splice(0..0, done.browser.clone());
    }

    async fn sign_in(&self, house: &House, trust: bool) -> Step {
        self.visit(house, trust).sign_in().with(PHONE, Password::word(WORD)).await.unwrap()
    }

    /// Both steps.
    async fn whole(&mut self, house: &House, trust: bool) -> Box<Done> {
        house.hands.advance(60);
        let next = pending(self.sign_in(house, trust).await);
        let visit = self.visit(house, trust);
        let next = pending(visit.begin(&next.flow, &SMS).await.unwrap());
        let code = house.code().await;
        let end = done(visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap());
        self.keep(&end);
        end
    }
}

async fn trusting(profile: Profile) -> (House, Browser, Box<Done>) {
    let house = House::new(profile);
    let _ = house.person(PHONE).await;
    let mut browser = Browser::default();
    let end = browser.whole(&house, true).await;
    (house, browser, end)
}

const DAY: u64 = 24 * 3600;

#[tokio::test]
async fn a_trusted_browser_skips_the_second_step_for_a_time() {
    let (house, mut browser, first) = trusting(Profile::public_portal()).await;
    assert_eq!(first.session.aal(), Aal::Two);
    for _ in 0..3 {
        house.hands.advance(DAY);
        let end = done(browser.sign_in(&house, false).await);
        assert_eq!((end.session.aal(), end.session.amr()), (Aal::One, vec!["pwd"]), "it raises nothing");
        assert!(end.browser.is_some() && end.replaced.is_some(), "another token with each use");
        browser.keep(&end);
        assert_eq!(browser.known.len(), 1);
        let (name, details) = house.events(end.session.account()).await.remove(0);
        assert_eq!((name.as_str(), details["trust"].as_str()), ("sign-in", "used"));
        let step = house.visit.step_up(&end.token, Requirement::aal(Aal::Two)).await.unwrap();
        assert_eq!(said(&step), "pending", "nor meets a requirement");
        let step = house.visit.enrol(&end.token, Totp::NAME).await.unwrap();
        assert!(pending(step).duty.is_none(), "nor adds anything");
    }
    // From the sign-in that proved all of it, however often it was used.
    house.hands.advance(27 * DAY);
    assert_eq!(said(&browser.sign_in(&house, false).await), "pending");
    // Elsewhere, and without the password, it is nothing.
    assert_eq!(said(&Browser::default().sign_in(&house, false).await), "pending");
}

/// Nothing is trusted that nobody asked for, nor on a device that is not one's own, nor where the profile knows no trust.
#[tokio::test]
async fn trust_is_asked_for_and_allowed() {
    let (house, _, _) = trusting(Profile::public_portal()).await;
    let mut browser = Browser::default();
    let _ = browser.whole(&house, false).await;
    assert_eq!(said(&browser.sign_in(&house, false).await), "pending");
    let mut public = browser.clone();
    house.hands.advance(60);
    let visit = public.visit(&house, true);
    let next = pending(visit.sign_in().public_device(true).with(PHONE, Password::word(WORD)).await.unwrap());
    let next = pending(visit.begin(&next.flow, &SMS).await.unwrap());
    let code = house.code().await;
    public.keep(&done(visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap()));
    assert_eq!(said(&public.sign_in(&house, false).await), "pending");

    let mut profile = Profile::public_portal();
    profile.trust = None;
    let (house, browser, _) = trusting(profile).await;
    assert_eq!(said(&browser.sign_in(&house, true).await), "pending");
}

/// ATTACKS 53: a cookie that was copied is good once; and then the other one is not.
#[tokio::test]
async fn a_copied_cookie_is_good_once() {
    let (house, mut browser, _) = trusting(Profile::public_portal()).await;
    let copy = browser.clone();
    browser.keep(&done(browser.sign_in(&house, false).await));
    assert_eq!(said(&copy.sign_in(&house, false).await), "pending");
    assert_eq!(said(&browser.sign_in(&house, false).await), "done");
}

/// ATTACKS 50: it ends with the password, with each change of factors, with "end the others", with a lock, with the
/// browser's record.
#[tokio::test]
async fn trust_ends_with_what_it_was_given_on() {
    for how in ["password", "added", "removed", "others", "locked", "switched off", "forgotten"] {
        let (house, browser, mine) = trusting(Profile::public_portal()).await;
        let account = mine.session.account();
        let elsewhere = house.person("+79160000002").await;
        assert_ne!(elsewhere.session.account(), account);
        house.hands.advance(60);
        let half = pending(house.visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
        let other = done(house.sms(&half).await);
        let visit = browser.visit(&house, false);
        house.hands.advance(60);
        let mut word = WORD;
        match how {
            "password" => {
                // Even in the browser itself: whoever knew the old one may have given the trust.
                let next = pending(visit.change(&mine.token, Password::NAME).await.unwrap());
                let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
                done(visit.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap());
                word = NEW_WORD;
            }
            "added" => drop(house.device(&other.token).await),
            "removed" => {
                let (key, end) = house.device(&other.token).await;
                let mut again = browser.clone();
                let _ = again.whole(&house, true).await;
                assert_eq!(said(&again.sign_in(&house, false).await), "done");
                house.hands.advance(60);
                let all = house.auth.credentials(account).await.unwrap();
                let id = all.iter().find(|one| one.factor == Totp::NAME).unwrap().id;
                let next = pending(house.visit.remove(&end.token, id).await.unwrap());
                let next = pending(house.answer(&next.flow, Password::word(WORD)).await);
                done(house.answer(&next.flow, house.now(&key)).await);
            }
            "others" => {
                let mine = house.auth.session(&other.token).await.unwrap().unwrap();
                assert_eq!(house.visit.end_other_sessions(&mine).await.unwrap(), Effect::Done);
            }
            "locked" => {
                let desk = LockReason::Desk;
                house.auth.lock(account, desk, &Client::unknown()).await.unwrap();
                assert!(house.auth.unlock(account, &Client::unknown()).await.unwrap().is_done());
            }
            "switched off" => {
                house.auth.disable(account, &Client::unknown()).await.unwrap();
                house.auth.enable(account, &Client::unknown()).await.unwrap();
            }
            _ => {
                let mine = house.auth.session(&other.token).await.unwrap().unwrap();
                let known = visit.browsers(&mine).await.unwrap();
                let here = known.iter().find(|one| one.here).unwrap();
                assert!(house.visit.forget_browser(&mine, here.id).await.unwrap().is_done());
            }
        }
        let step = visit.sign_in().with(PHONE, Password::word(word)).await.unwrap();
        assert_eq!(said(&step), "pending", "{how}");
    }
}

/// Who ends the others keeps the trust of the browser in hand.
#[tokio::test]
async fn ending_the_others_leaves_ones_own() {
    let (house, browser, mine) = trusting(Profile::public_portal()).await;
    let session = house.auth.session(&mine.token).await.unwrap().unwrap();
    assert_eq!(browser.visit(&house, false).end_other_sessions(&session).await.unwrap(), Effect::Done);
    assert_eq!(said(&browser.sign_in(&house, false).await), "done");
}

/// An account whose password must be replaced is not signed in by trust.
#[tokio::test]
async fn trust_is_no_way_round_a_duty() {
    let mut profile = Profile::public_portal();
    profile.trust.as_mut().unwrap().life = Duration::from_secs(400 * DAY);
    profile.browser_life = Duration::from_secs(400 * DAY);
    let (house, browser, _) = trusting(profile).await;
    house.hands.advance(100 * DAY);
    let next = pending(browser.sign_in(&house, false).await);
    assert_eq!(offered(&next), ["sms-code"]);
}

/// Who has to choose a new password may ask for trust in the same step. Whatever the browser had before ends with the old
/// one; what it is given now is not of the past.
#[tokio::test]
async fn trust_is_given_at_the_end_of_a_change_that_was_due() {
    for trusted_before in [true, false] {
        let mut profile = Profile::public_portal();
        profile.trust.as_mut().unwrap().life = Duration::from_secs(400 * DAY);
        profile.browser_life = Duration::from_secs(400 * DAY);
        let (house, mut browser, _) = trusting(profile).await;
        if !trusted_before {
            browser = Browser::default();
        }
        house.hands.advance(100 * DAY);
        let next = pending(browser.sign_in(&house, true).await);
        let visit = browser.visit(&house, true);
        let next = pending(visit.begin(&next.flow, &SMS).await.unwrap());
        let code = house.code().await;
        let next = pending(visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap());
        assert_eq!(next.duty.map(propusk::flow::Duty::as_str), Some("replace"));
        let end = done(visit.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap());
        browser.keep(&end);
        house.hands.advance(60);
        let visit = browser.visit(&house, false);
        let again = visit.sign_in().with(PHONE, Password::word(NEW_WORD)).await.unwrap();
        assert_eq!(said(&again), "done", "trusted before: {trusted_before}");
    }
}

/// Forgotten between any two calls of a sign-in there that counts on its trust: the thief of a laptop is asked for the second
/// step.
#[tokio::test]
async fn a_browser_that_is_forgotten_meanwhile_skips_nothing() {
    for nth in 0.. {
        let store = FaultyStore::new(MemoryStore::default());
        let house = House::over(&store, Profile::public_portal());
        let _ = house.person(PHONE).await;
        let mut browser = Browser::default();
        let owner = browser.whole(&house, true).await.session;
        let visit = house.visit.clone();
        let known = visit.browsers(&owner).await.unwrap();
        let laptop = known.into_iter().find(|one| one.trusted_until.is_some());
        store.plan(nth, Fault::WaitsBefore);
        let signing = browser.visit(&house, false);
        let signing =
            tokio::spawn(
                async move { said(&signing.sign_in().with(PHONE, Password::word(WORD)).await.unwrap()) },
            );
        while !store.waits() && !signing.is_finished() {
            tokio::task::yield_now().await;
        }
        if signing.is_finished() {
            assert!(nth > 3 && signing.await.unwrap() == "done", "call {nth}");
            break;
        }
        assert!(visit.forget_browser(&owner, laptop.unwrap().id).await.unwrap().is_done(), "call {nth}");
        store.mend();
        assert_eq!(signing.await.unwrap(), "pending", "call {nth}");
        let left = visit.browsers(&owner).await.unwrap();
        assert!(left.iter().all(|one| one.trusted_until.is_none()), "call {nth}: {left:?}");
    }
}

/// Fifty sign-ins at once by one trusted browser: one skips the second step, the others are asked for it.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_uses_at_once_are_one() {
    let (_folder, file) = sqlite();
    for house in [House::new(Profile::public_portal()), House::over(&file, Profile::public_portal())] {
        let house = Arc::new(house);
        let _ = house.person(PHONE).await;
        for round in 0..10 {
            let mut browser = Browser::default();
            let _ = browser.whole(&house, true).await;
            let ends = at_once(|_| {
                let (house, browser) = (Arc::clone(&house), browser.clone());
                async move { said(&browser.sign_in(&house, false).await) }
            })
            .await;
            let count = |what| ends.iter().filter(|end| **end == what).count();
            assert_eq!(count("done"), 1, "round {round}: {ends:?}");
            assert_eq!(count("done") + count("pending") + count("busy"), AT_ONCE, "round {round}: {ends:?}");
        }
    }
}
