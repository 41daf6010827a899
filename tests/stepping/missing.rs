//! An account that has too little for the profile enrols what is missing at its sign-in.

use propusk::auth::import::{Import, Imported};
use propusk::factor::password::due::Issued;
use propusk::flow::Duty;
use propusk::hash::StoredHash;

use super::*;
use crate::portal::done;

/// One that came from another system with a password and no confirmed contact (tests/vectors/legacy_hashes.json).
async fn imported(house: &House) -> String {
    let (word, _) = brought_in(house).await;
    word
}

async fn brought_in(house: &House) -> (String, AccountId) {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../vectors/legacy_hashes.json")).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    let case = cases.iter().find(|case| case["form"] == "pbkdf2_sha256, few rounds").unwrap();
    let hash = StoredHash::parse(case["hash"].as_str().unwrap()).unwrap();
    let account = Import::new("Пётр").unwrap().identifier("petr_77").unwrap();
    let account = account.credential(Password::imported(hash).unwrap()).unwrap();
    let Imported::Made(id) = house.auth.import(&account, &Client::unknown()).await.unwrap() else {
        panic!("made")
    };
    (case["password"].as_str().unwrap().to_owned(), id)
}

#[tokio::test]
async fn who_has_nothing_more_enrols_it_and_is_in() {
    let house = House::new(Profile::public_portal());
    let word = imported(&house).await;
    let next = pending(house.visit.sign_in().with("petr_77", Password::word(&word)).await.unwrap());
    assert_eq!((next.duty, offered(&next)), (Some(Duty::Enrol), vec!["totp", "backup-code"]));
    // What was proven is no session, on no path.
    assert_eq!(said(&house.answer(&next.flow, Password::word(&word)).await), "not_offered");
    let next = pending(house.visit.begin(&next.flow, &Totp::NAME).await.unwrap());
    let key = otp::shown(&next)["key"].as_str().unwrap().to_owned();
    let end = done(house.answer(&next.flow, house.now(&key)).await);
    assert_eq!(end.session.amr(), ["pwd", "otp", "mfa"]);
    house.hands.advance(60);
    let next = pending(house.visit.sign_in().with("petr_77", Password::word(&word)).await.unwrap());
    assert_eq!((next.duty, offered(&next)), (None, vec!["totp"]));
    assert_eq!(said(&house.answer(&next.flow, house.now(&key)).await), "done");
}

/// Codes on paper prove nothing until one is used: who chooses them goes on with one of them.
#[tokio::test]
async fn who_chooses_codes_uses_one_and_is_in() {
    let house = House::new(Profile::public_portal());
    let word = imported(&house).await;
    for first in [true, false] {
        let next = pending(house.visit.sign_in().with("petr_77", Password::word(&word)).await.unwrap());
        if !first {
            assert_eq!((next.duty, offered(&next)), (None, vec!["backup-code"]));
            break;
        }
        let next = pending(house.visit.begin(&next.flow, &BackupCodes::NAME).await.unwrap());
        let codes: Vec<String> = serde_json::from_value(otp::shown(&next)["codes"].clone()).unwrap();
        let next = pending(house.answer(&next.flow, BackupCodes::saved()).await);
        assert_eq!((next.duty, offered(&next)), (None, vec!["backup-code"]));
        let end = done(house.answer(&next.flow, BackupCodes::code(&codes[0])).await);
        assert_eq!(end.session.amr(), ["pwd", "otp", "mfa"]);
    }
}

/// What is due comes after it: an account with a temporary password and nothing else gets in by both.
#[tokio::test]
async fn a_temporary_password_is_replaced_after_something_was_added() {
    let house = House::new(Profile::public_portal());
    let ((_, id), desk) = (brought_in(&house).await, Client::unknown());
    let day = std::time::Duration::from_secs(24 * 3600);
    let Issued::Password(given) = Password::issue_temporary(&house.auth, id, day, &desk).await.unwrap()
    else {
        panic!("issued")
    };
    let given = given.expose_str().unwrap().to_owned();
    let next = pending(house.visit.sign_in().with("petr_77", Password::word(&given)).await.unwrap());
    assert_eq!(next.duty, Some(Duty::Enrol));
    let next = pending(house.visit.begin(&next.flow, &Totp::NAME).await.unwrap());
    let key = otp::shown(&next)["key"].as_str().unwrap().to_owned();
    let next = pending(house.answer(&next.flow, house.now(&key)).await);
    assert_eq!((next.duty, offered(&next)), (Some(Duty::Replace), vec!["password"]));
    let end = done(house.answer(&next.flow, Password::word(WORD)).await);
    assert_eq!(end.session.amr(), ["pwd", "otp", "mfa"]);
}

/// Whoever sits at this duty by a password that was replaced meanwhile adds nothing: it would be the second factor of the
/// owner, who is asked for it with the next password. So with what gives no session yet, as backup codes; and with a
/// temporary password, which is itself due.
#[tokio::test]
async fn who_is_at_it_by_the_old_password_adds_nothing() {
    let day = std::time::Duration::from_secs(24 * 3600);
    for temporary in [false, true] {
        let house = House::new(Profile::public_portal());
        let ((mut word, id), desk) = (brought_in(&house).await, Client::unknown());
        let issue = async || {
            let issued = Password::issue_temporary(&house.auth, id, day, &desk).await.unwrap();
            let Issued::Password(given) = issued else { panic!("issued") };
            given.expose_str().unwrap().to_owned()
        };
        if temporary {
            word = issue().await;
        }
        let factor = if temporary { Totp::NAME } else { BackupCodes::NAME };
        let next = pending(house.visit.sign_in().with("petr_77", Password::word(&word)).await.unwrap());
        assert_eq!(next.duty, Some(Duty::Enrol));
        let next = pending(house.visit.begin(&next.flow, &factor).await.unwrap());
        let answer = match temporary {
            true => house.now(otp::shown(&next)["key"].as_str().unwrap()),
            false => BackupCodes::saved(),
        };
        let given = issue().await;
        assert_eq!(said(&house.answer(&next.flow, answer).await), "stale", "{temporary}");
        let has = house.auth.credentials(id).await.unwrap();
        assert_eq!(has.iter().map(|one| one.factor.as_str()).collect::<Vec<_>>(), ["password"]);
        // The owner is asked to enrol one of their own.
        let next = pending(house.visit.sign_in().with("petr_77", Password::word(&given)).await.unwrap());
        assert_eq!(next.duty, Some(Duty::Enrol));
    }
}

/// Who has enough is not let round it by enrolling another.
#[tokio::test]
async fn who_has_a_second_factor_proves_it() {
    let house = House::new(Profile::public_portal());
    let _ = house.person(portal::PHONE).await;
    house.hands.advance(60);
    let next = pending(house.visit.sign_in().with(portal::PHONE, Password::word(WORD)).await.unwrap());
    assert_eq!((next.duty, offered(&next)), (None, vec!["sms-code"]));
    let step = house.visit.begin(&next.flow, &Totp::NAME).await.unwrap();
    assert_eq!(said(&step), "not_offered");
}

/// Where the profile does not have it so, there is no way in.
#[tokio::test]
async fn where_nothing_is_enrolled_on_the_way_nobody_gets_in_by_half() {
    let mut profile = Profile::public_portal();
    profile.enrols_missing = false;
    let house = House::new(profile);
    let word = imported(&house).await;
    let next = pending(house.visit.sign_in().with("petr_77", Password::word(&word)).await.unwrap());
    assert_eq!((next.duty, offered(&next)), (None, vec![]));
}
