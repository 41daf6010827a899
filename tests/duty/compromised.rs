//! A password that others know: on the word of the application, or by a list of leaked ones at a sign-in.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use propusk::factor::password::breach::{BreachCheck, Checking, NoAnswer, OnFailure};
use propusk::secret::Secret;

use super::*;

async fn mark(house: &House, account: AccountId) -> bool {
    Password::mark_compromised(&house.auth, account, &Client::unknown()).await.unwrap().is_done()
}

/// NIST SP 800-63B-4 section 3.1.1.2 and ASVS 6.2.10: a change when there is a reason. In every profile.
#[tokio::test]
async fn a_marked_password_is_replaced_before_there_is_a_session() {
    for over in BOTH {
        for profile in [Profile::nist_aal1(), one_factor()] {
            let house = House::new(over, profile);
            let mine = house.person().await;
            let account = mine.session.account();
            let _ = house.notices().await;
            assert!(mark(&house, account).await);
            assert!(!house.lives(&mine.token).await, "whoever knew it may have been signed in");
            assert_eq!(house.notices().await, ["credential-compromised"]);
            assert_eq!(house.history(account).await[1], "credential-compromised done");
            assert!(!mark(&house, account).await, "marked already");
            let flow = house.at_duty(WORD, Due::Compromised).await;
            house.hands.advance(14 * 60);
            assert_eq!(house.unfit(&flow, WORD).await, "same");
            done(house.choose(&flow, &word(1)).await);
            assert_eq!((house.told(WORD).await, house.told(&word(1)).await), ("wrong", "done"));
        }
    }
}

/// Of two reasons the graver one is told: it says what else to do.
#[tokio::test]
async fn the_graver_reason_is_told() {
    let house = House::new(Over::Memory, one_factor());
    let account = house.person().await.session.account();
    house.days(100);
    house.at_duty(WORD, Due::Expired).await;
    mark(&house, account).await;
    house.at_duty(WORD, Due::Compromised).await;
    let given = house.issue(account).await;
    house.at_duty(&given, Due::Temporary).await;
    mark(&house, account).await;
    house.at_duty(&given, Due::Compromised).await;
}

/// Whoever sat in a flow that the password had opened is out by the mark.
#[tokio::test]
async fn a_flow_that_it_opened_before_ends_in_no_session() {
    for over in BOTH {
        let house = House::new(over, Profile::public_portal());
        let account = house.person().await.session.account();
        let next = pending(house.by(WORD).await);
        mark(&house, account).await;
        let step = house.code(&next.flow).await;
        assert_eq!(said(&step), "stale");
        let next = pending(house.by(WORD).await);
        at_duty(*pending(house.code(&next.flow).await), Due::Compromised);
    }
}

#[tokio::test]
async fn there_must_be_a_password_to_mark() {
    use propusk::auth::import::{Import, Imported};
    let house = House::new(Over::Memory, one_factor());
    let import = Import::new("Иван").unwrap().verified_contact(PHONE).unwrap();
    let Imported::Made(account) = house.auth.import(&import, &Client::unknown()).await.unwrap() else {
        panic!("taken");
    };
    assert!(!mark(&house, account).await);
    assert_eq!(house.history(account).await, ["account-imported done"], "nothing was written");
}

/// An application's own list, which grows.
#[derive(Clone, Debug, Default)]
struct Leaked {
    list: Arc<Mutex<Vec<String>>>,
    down: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

impl BreachCheck for Leaked {
    fn seen<'a>(&'a self, password: &'a Secret) -> Checking<'a, u64> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.down.load(Ordering::SeqCst) {
                return Err(NoAnswer(None));
            }
            let list = self.list.lock().unwrap();
            Ok(u64::from(list.iter().any(|leaked| leaked.as_bytes() == password.expose())))
        })
    }
}

/// Asked at each right password, if the application wants it; found once, it is marked for good.
#[tokio::test]
async fn a_password_that_leaked_since_is_found_at_a_sign_in() {
    for over in BOTH {
        let leaks = Leaked::default();
        let password = Password::default().breach_check(leaks.clone(), OnFailure::Refuse);
        let house = House::with(over, one_factor(), password.clone().breach_check_at_sign_in());
        let mine = house.person().await;
        assert_eq!(house.told(WORD).await, "done");
        leaks.list.lock().unwrap().push(WORD.to_owned());
        let before = leaks.asked.load(Ordering::SeqCst);
        assert_eq!(house.told("wrong").await, "wrong");
        assert_eq!(leaks.asked.load(Ordering::SeqCst), before, "what is wrong is nobody's business");

        // An outage shuts nobody out, although it keeps new ones from being set.
        leaks.down.store(true, Ordering::SeqCst);
        assert_eq!(house.told(WORD).await, "done");
        leaks.down.store(false, Ordering::SeqCst);

        let flow = house.at_duty(WORD, Due::Compromised).await;
        assert_eq!(house.unfit(&flow, WORD).await, "breached");
        leaks.list.lock().unwrap().clear();
        let asked = leaks.asked.load(Ordering::SeqCst);
        let flow = house.at_duty(WORD, Due::Compromised).await;
        assert_eq!(leaks.asked.load(Ordering::SeqCst), asked, "marked: not asked again");
        assert!(house.lives(&mine.token).await, "no session ends before the change");
        done(house.choose(&flow, &word(1)).await);
        assert!(!house.lives(&mine.token).await);
        assert_eq!(house.told(&word(1)).await, "done");
    }
    // Without the wish for it, sign-ins ask nobody.
    let leaks = Leaked::default();
    let password = Password::default().breach_check(leaks.clone(), OnFailure::Accept);
    let house = House::with(Over::Memory, one_factor(), password);
    house.person().await;
    leaks.list.lock().unwrap().push(WORD.to_owned());
    assert_eq!(house.told(WORD).await, "done");
    assert_eq!(leaks.asked.load(Ordering::SeqCst), 1, "at the registration");
}
