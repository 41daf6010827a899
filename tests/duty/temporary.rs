//! A password from the service, for the first sign-in and for nothing else (MISSION B16, ASVS 6.4.1).

use propusk::error::Broken;

use super::*;

#[tokio::test]
async fn a_temporary_password_opens_the_choice_of_ones_own() {
    for over in BOTH {
        let house = House::new(over, one_factor());
        let mine = house.person().await;
        let account = mine.session.account();
        let _ = house.notices().await;
        let given = house.issue(account).await;
        assert!(given.chars().count() >= 16 && !house.lives(&mine.token).await, "all sessions end");
        assert_eq!(house.told(WORD).await, "wrong", "the old one is gone");
        assert_eq!(house.notices().await, ["credential-temporary"]);
        assert_eq!(house.history(account).await[1..], ["credential-issued done", "sign-in refused"]);

        // Leaving does not use it up: not everybody's code arrives.
        house.at_duty(&given, Due::Temporary).await;
        let flow = house.at_duty(&given, Due::Temporary).await;
        assert_eq!(house.unfit(&flow, &given).await, "same", "it never becomes the long-term one");
        assert_eq!(house.unfit(&flow, WORD).await, "reused", "nor does the one before");
        let end = done(house.choose(&flow, &word(1)).await);
        assert!(house.lives(&end.token).await);
        for _ in 0..2 {
            assert_eq!(house.told(&given).await, "wrong", "used up");
        }
        assert_eq!(house.told(&word(1)).await, "done", "and asks for nothing more");
    }
}

/// ASVS 6.4.1: short-lived. Told to who has typed it right, and to nobody else; it is no guess.
#[tokio::test]
async fn after_its_life_it_opens_nothing() {
    for over in BOTH {
        let house = House::new(over, one_factor());
        let account = house.person().await.session.account();
        let given = house.issue(account).await;
        house.hands.advance(DAY - 1);
        house.at_duty(&given, Due::Temporary).await;
        house.hands.advance(1);
        for _ in 0..8 {
            assert_eq!(house.told(&given).await, "expired");
        }
        assert_eq!(house.told("not this one").await, "wrong");
        assert_eq!(house.told(WORD).await, "wrong");
        let another = house.issue(account).await;
        assert_ne!(given, another);
        assert_eq!(house.told(&given).await, "wrong", "the last one counts");
        let flow = house.at_duty(&another, Due::Temporary).await;
        done(house.choose(&flow, &word(1)).await);
    }
}

/// Two that were opened by one: whoever chooses first has it, and the other can end nothing.
#[tokio::test]
async fn of_two_flows_that_it_opened_one_ends() {
    for over in BOTH {
        let house = House::new(over, one_factor());
        let account = house.person().await.session.account();
        let given = house.issue(account).await;
        let first = house.at_duty(&given, Due::Temporary).await;
        let second = house.at_duty(&given, Due::Temporary).await;
        let end = done(house.choose(&second, &word(1)).await);
        assert_eq!(said(&house.choose(&first, &word(2)).await), "stale");
        assert_eq!(house.told(&word(2)).await, "wrong");
        assert_eq!(house.told(&word(1)).await, "done");
        assert!(house.lives(&end.token).await);
    }
}

/// Somebody who knew the old password sits before the choice of a new one when the desk issues a temporary: it is not
/// theirs to replace.
#[tokio::test]
async fn who_was_at_the_duty_by_the_old_one_is_out() {
    for over in BOTH {
        let house = House::new(over, one_factor());
        let account = house.person().await.session.account();
        house.days(90);
        let intruder = house.at_duty(WORD, Due::Expired).await;
        let given = house.issue(account).await;
        assert_eq!(said(&house.choose(&intruder, &word(7)).await), "stale");
        assert_eq!(house.told(&word(7)).await, "wrong");
        let flow = house.at_duty(&given, Due::Temporary).await;
        done(house.choose(&flow, &word(1)).await);
    }
}

/// The last six are those that the owner chose; a temporary one takes no place among them.
#[tokio::test]
async fn it_is_none_of_the_last_six() {
    let house = House::new(Over::Memory, one_factor());
    let mut token = house.person().await.token;
    let account = house.auth.session(&token).await.unwrap().unwrap().account();
    let mut now = WORD.to_owned();
    for number in 0..5 {
        token = done(house.change(&token, &now, &word(number)).await).token;
        now = word(number);
    }
    // Six are in use: WORD and 0 to 4. Twice a temporary one, and all six are known still.
    house.issue(account).await;
    let given = house.issue(account).await;
    let flow = house.at_duty(&given, Due::Temporary).await;
    for before in [WORD.to_owned(), word(0), word(4)] {
        assert_eq!(house.unfit(&flow, &before).await, "reused", "{before}");
    }
    done(house.choose(&flow, &word(5)).await);
    let given = house.issue(account).await;
    let flow = house.at_duty(&given, Due::Temporary).await;
    assert_eq!(house.unfit(&flow, &word(0)).await, "reused");
    done(house.choose(&flow, WORD).await);
}

/// An account without a password gets one; with two factors asked for, the temporary one is but the first of them.
#[tokio::test]
async fn an_organisation_signs_in_for_the_first_time() {
    use propusk::auth::import::{Import, Imported};
    for over in BOTH {
        let house = House::new(over, Profile::public_portal());
        let import = Import::new("Ромашка").unwrap().verified_contact(PHONE).unwrap();
        let Imported::Made(account) = house.auth.import(&import, &Client::unknown()).await.unwrap() else {
            panic!("taken");
        };
        let given = house.issue(account).await;
        let next = pending(house.by(&given).await);
        assert_eq!((next.duty, next.due), (None, None));
        let flow = at_duty(*pending(house.code(&next.flow).await), Due::Temporary);
        assert_eq!(house.unfit(&flow, "Ромашка-7Kq2m").await, "context");
        let end = done(house.choose(&flow, &word(1)).await);
        assert_eq!(end.session.amr(), ["pwd", "sms", "mfa"]);
    }
}

/// Signed in by other means, nobody adds to the account by a password that the desk has seen.
#[tokio::test]
async fn it_adds_nothing_to_an_account() {
    let house = House::new(Over::Memory, one_factor());
    let account = house.person().await.session.account();
    let given = house.issue(account).await;
    let end = done(house.sign_in_by_code().await);
    let next = pending(house.visit.enrol(&end.token, Password::NAME).await.unwrap());
    assert_eq!(said(&house.choose(&next.flow, &given).await), "due");
    done(house.change(&end.token, &given, &word(1)).await);
    assert_eq!(house.told(&word(1)).await, "done");
}

#[tokio::test]
async fn what_cannot_be_issued_is_an_error_that_says_why() {
    let house = House::new(Over::Memory, one_factor());
    let account = house.person().await.session.account();
    let issue = async |auth: &Auth, account, life| {
        Password::issue_temporary(auth, account, Duration::from_secs(life), &Client::unknown()).await
    };
    for life in [0, 7 * DAY + 1] {
        assert!(matches!(issue(&house.auth, account, life).await, Err(Broken::Misuse(_))));
    }
    let nobody = AccountId::from_bytes([7; 16]);
    assert!(matches!(issue(&house.auth, nobody, DAY).await, Err(Broken::Misuse(_))));
    let without = portal::portal(&MemoryStore::default(), Profile::nist_aal1());
    let without = without.factor(portal::Pin).build().unwrap();
    assert!(matches!(issue(&without, account, DAY).await, Err(Broken::Misuse(_))));
    assert_eq!(house.told(WORD).await, "done", "nothing was written");
    // It is said nowhere but in the answer.
    let given = issue(&house.auth, account, DAY).await.unwrap();
    assert_eq!(format!("{given:?}"), "Password(Secret)");
}
