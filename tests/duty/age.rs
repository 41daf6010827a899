//! Ninety days.

use propusk::auth::import::{Import, Imported};
use propusk::hash::{HashPool, Hashed, Lane, StoredHash};
use propusk::secret::Secret;

use super::*;

/// MISSION B1. To the second; the rules of the profile hold, with the last six; the session begins with the change, and
/// all that the old password opened ends.
#[tokio::test]
async fn an_old_password_is_replaced_before_there_is_a_session() {
    for over in BOTH {
        let house = House::new(over, one_factor());
        let account = house.person().await.session.account();
        house.hands.advance(90 * DAY - 1);
        assert_eq!(house.told(WORD).await, "done");
        house.hands.advance(1);
        let elsewhere = done(house.sign_in_by_code().await);
        let _ = house.notices().await;
        let flow = house.at_duty(WORD, Due::Expired).await;
        let sessions = house.auth.sessions(account).await.unwrap().len();

        assert_eq!(house.unfit(&flow, "Vq3 kd7").await, "too_short");
        assert_eq!(house.unfit(&flow, "Qwerty-7mk").await, "keyboard");
        assert_eq!(house.unfit(&flow, "Петров-7Kq2m").await, "context");
        assert_eq!(house.unfit(&flow, WORD).await, "same", "the proof again is no new password");
        assert_eq!(house.auth.sessions(account).await.unwrap().len(), sessions, "nothing was opened by it");

        let end = done(house.choose(&flow, &word(1)).await);
        assert_eq!((end.session.account(), end.session.amr()), (account, vec!["pwd"]));
        assert!(house.lives(&end.token).await && !house.lives(&elsewhere.token).await, "the others ended");
        assert_eq!(house.auth.sessions(account).await.unwrap().len(), 1);
        let history = house.history(account).await;
        assert_eq!(
            history[history.len() - 3..],
            ["factor-proven done", "credential-changed done", "sign-in done"]
        );
        assert_eq!(house.notices().await, ["credential-changed", "new-browser"]);
        assert_eq!((house.told(WORD).await, house.told(&word(1)).await), ("wrong", "done"));
        assert_eq!(said(&house.choose(&flow, &word(2)).await), "no_flow", "the flow is over");

        // Ninety days from then on, and again.
        house.hands.advance(90 * DAY - 1);
        assert_eq!(house.told(&word(1)).await, "done");
        house.hands.advance(1);
        let flow = house.at_duty(&word(1), Due::Expired).await;
        assert_eq!(house.unfit(&flow, WORD).await, "reused");
        done(house.choose(&flow, &word(2)).await);
    }
}

/// None of the last six, the present one among them, by this way either.
#[tokio::test]
async fn none_of_the_last_six_is_taken_at_the_duty() {
    let house = House::new(Over::Memory, one_factor());
    house.person().await;
    let mut now = WORD.to_owned();
    for number in 0..6 {
        house.days(90);
        let flow = house.at_duty(&now, Due::Expired).await;
        for before in 0..number {
            let rule = if before + 1 == number { "same" } else { "reused" };
            assert_eq!(house.unfit(&flow, &word(before)).await, rule, "{number} {before}");
        }
        assert_eq!(house.unfit(&flow, WORD).await, if number == 0 { "same" } else { "reused" });
        now = word(number);
        done(house.choose(&flow, &now).await);
    }
    house.days(90);
    let flow = house.at_duty(&now, Due::Expired).await;
    done(house.choose(&flow, WORD).await);
}

/// Where two factors are asked for, it is told when both are proven: who knows the password alone learns nothing.
#[tokio::test]
async fn it_is_told_when_everything_else_is_proven() {
    for over in BOTH {
        let house = House::new(over, Profile::public_portal());
        house.person().await;
        house.days(100);
        let next = pending(house.by(WORD).await);
        assert_eq!((next.duty, next.due), (None, None));
        assert!(next.offers.iter().all(|offer| !offer.enrols));
        assert_eq!(
            said(&house.choose(&next.flow, &word(1)).await),
            "not_offered",
            "nothing is changed before"
        );
        let flow = at_duty(*pending(house.code(&next.flow).await), Due::Expired);
        let end = done(house.choose(&flow, &word(1)).await);
        assert_eq!(end.session.amr(), ["pwd", "sms", "mfa"]);
        assert_eq!(end.session.aal(), propusk::proof::Aal::Two);
        let next = pending(house.by(&word(1)).await);
        done(house.code(&next.flow).await);
    }
}

/// Whoever leaves has no session and the old password; coming again leads to the same place. A guess is a guess.
#[tokio::test]
async fn leaving_changes_nothing() {
    for over in BOTH {
        let house = House::new(over, one_factor());
        let account = house.person().await.session.account();
        house.days(90);
        for _ in 0..3 {
            assert_eq!(house.told("wrong").await, "wrong");
            let flow = house.at_duty(WORD, Due::Expired).await;
            assert_eq!(said(&house.visit.begin(&flow, &Password::NAME).await.unwrap()), "not_offered");
            assert_eq!(said(&house.visit.begin(&flow, &SMS).await.unwrap()), "not_offered");
            assert!(house.auth.sessions(account).await.unwrap().is_empty());
        }
        // The flow has its end like any other.
        let flow = house.at_duty(WORD, Due::Expired).await;
        house.hands.advance(15 * 60);
        assert_eq!(said(&house.choose(&flow, &word(1)).await), "no_flow");
        let flow = house.at_duty(WORD, Due::Expired).await;
        done(house.choose(&flow, &word(1)).await);
    }
}

/// An account that is switched off while its owner chooses stays shut.
#[tokio::test]
async fn an_account_that_is_switched_off_meanwhile_stays_shut() {
    for over in BOTH {
        let house = House::new(over, one_factor());
        let account = house.person().await.session.account();
        house.days(90);
        let flow = house.at_duty(WORD, Due::Expired).await;
        house.auth.disable(account, &Client::unknown()).await.unwrap();
        assert_eq!(said(&house.choose(&flow, &word(1)).await), "not_offered");
        assert_eq!(house.told(WORD).await, "wrong");
        house.auth.enable(account, &Client::unknown()).await.unwrap();
        assert_eq!(said(&house.choose(&flow, &word(1)).await), "stale", "the flow's epoch is past");
        house.at_duty(WORD, Due::Expired).await;
    }
}

/// Who signs in by something else proves nothing by the old password and is not asked for a new one. It stays old, and
/// adds nothing to the account before it is changed; changing it is always possible.
#[tokio::test]
async fn other_ways_in_do_not_ask() {
    for over in BOTH {
        let house = House::new(over, one_factor());
        house.person().await;
        house.days(100);
        let end = done(house.sign_in_by_code().await);
        assert!(house.lives(&end.token).await);
        let next = pending(house.visit.enrol(&end.token, Password::NAME).await.unwrap());
        let why = refused(house.choose(&next.flow, WORD).await);
        assert_eq!(why.code.as_str(), "due");
        house.at_duty(WORD, Due::Expired).await;
        let end = done(house.change(&end.token, WORD, &word(1)).await);
        assert!(house.lives(&end.token).await);
        assert_eq!(house.told(&word(1)).await, "done");
    }
}

/// The standards want no periodic change (NIST SP 800-63B-4 section 3.1.1.2, ASVS 6.2.10): ten years later it opens.
#[tokio::test]
async fn asvs_6_2_10_elsewhere_a_password_does_not_age() {
    let house = House::new(Over::Memory, Profile::nist_aal1());
    house.person().await;
    house.days(3650);
    assert_eq!(house.told(WORD).await, "done");
}

async fn hash(pool: &HashPool, password: &str) -> StoredHash {
    match pool.hash(Lane::Known, Secret::new(password), &propusk::clock::SystemEntropy).await.unwrap() {
        Hashed::Done(hash) => hash.into(),
        Hashed::Busy { .. } => panic!("busy"),
    }
}

/// Of a password from elsewhere nobody knows when it was chosen, unless the application says so.
#[tokio::test]
async fn an_imported_password_ages_from_its_first_sign_in_or_as_it_is_said() {
    for over in BOTH {
        let house = House::new(over, one_factor());
        let stored = hash(house.auth.hashes(), WORD).await;
        let import = Import::new("Иван Петров").unwrap().verified_contact(PHONE).unwrap();
        let import = import.credential(Password::imported(stored.clone()).unwrap()).unwrap();
        assert!(matches!(house.auth.import(&import, &Client::unknown()).await.unwrap(), Imported::Made(_)));
        house.days(1000);
        assert_eq!(house.told(WORD).await, "done");
        house.days(89);
        assert_eq!(house.told(WORD).await, "done");
        house.days(1);
        house.at_duty(WORD, Due::Expired).await;

        let other = House::new(over, one_factor());
        let chosen = other.auth.now().before(Duration::from_secs(89 * DAY));
        let import = Import::new("Иван Петров").unwrap().verified_contact(PHONE).unwrap();
        let import = import.credential(Password::imported_since(stored, chosen).unwrap()).unwrap();
        assert!(matches!(other.auth.import(&import, &Client::unknown()).await.unwrap(), Imported::Made(_)));
        assert_eq!(other.told(WORD).await, "done");
        other.days(1);
        other.at_duty(WORD, Due::Expired).await;
    }
}
