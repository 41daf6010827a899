//! An account that has too little for the profile enrols what is missing at its sign-in.

use propusk::auth::import::Import;
use propusk::flow::Duty;
use propusk::hash::StoredHash;

use super::*;
use crate::portal::done;

/// One that came from another system with a password and no confirmed contact (tests/vectors/legacy_hashes.json).
async fn imported(house: &House) -> String {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../vectors/legacy_hashes.json")).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    let case = cases.iter().find(|case| case["form"] == "pbkdf2_sha256, few rounds").unwrap();
    let hash = StoredHash::parse(case["hash"].as_str().unwrap()).unwrap();
    let account = Import::new("Пётр").unwrap().identifier("petr_77").unwrap();
    let account = account.credential(Password::imported(hash).unwrap()).unwrap();
    let _ = house.auth.import(&account, &Client::unknown()).await.unwrap();
    case["password"].as_str().unwrap().to_owned()
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
