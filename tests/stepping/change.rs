//! Adding, naming and taking away what one signs in by.

use propusk::id::CredentialId;
use propusk::proof::Aal;

use super::*;
use crate::portal::{EMAIL as ADDRESS, PHONE, done, refused};

async fn held(house: &House, of: &Done, factor: &FactorName) -> Vec<CredentialId> {
    let all = house.auth.credentials(of.session.account()).await.unwrap();
    all.iter().filter(|one| one.factor == *factor).map(|one| one.id).collect()
}

/// ATTACKS 22: where one factor signs in, a second is added by as much as the account can reach, and no less.
#[tokio::test]
async fn adding_takes_the_lower_of_what_there_is_and_what_comes() {
    let house = House::new(Profile::nist_aal1());
    // Nothing but a password and a mailbox, which counts for no level.
    let post = house.person(ADDRESS).await;
    let next = pending(house.visit.enrol(&post.token, Totp::NAME).await.unwrap());
    let next = pending(house.answer(&next.flow, Password::word(WORD)).await);
    assert!(next.duty.is_some(), "{next:?}");
    // A phone beside it.
    let mine = house.person(PHONE).await;
    for first in ["password", "sms-code"] {
        house.hands.advance(60);
        let next = pending(house.visit.enrol(&mine.token, Totp::NAME).await.unwrap());
        let next = match first {
            "password" => pending(house.answer(&next.flow, Password::word(WORD)).await),
            _ => pending(house.sms(&next).await),
        };
        assert!(next.duty.is_none(), "one of two is not enough");
        let left = if first == "password" { "sms-code" } else { "password" };
        assert_eq!(offered(&next), [left]);
    }
}

#[tokio::test]
async fn what_the_session_proved_a_moment_ago_need_not_be_proven_again() {
    let mut profile = Profile::public_portal();
    profile.recent = std::time::Duration::from_secs(300);
    let house = House::new(profile);
    let mine = house.person(PHONE).await;
    let next = pending(house.visit.enrol(&mine.token, Totp::NAME).await.unwrap());
    assert_eq!(next.duty.map(propusk::flow::Duty::as_str), Some("enrol"));
    house.hands.advance(300);
    let next = pending(house.visit.enrol(&mine.token, Totp::NAME).await.unwrap());
    assert!(next.duty.is_none());
    // To replace a secret, it is proven: whoever walks up to an open session does not choose a new password.
    let fresh = pending(house.visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
    let fresh = done(house.sms(&fresh).await);
    let next = pending(house.visit.change(&fresh.token, Password::NAME).await.unwrap());
    assert!(next.duty.is_none());
}

/// Whoever holds a session that was proven a moment ago learns nothing of the password by offering new ones: neither the
/// one that is in use nor another is looked at.
#[tokio::test]
async fn adding_a_password_where_there_is_one_judges_none() {
    let mut profile = Profile::public_portal();
    profile.recent = std::time::Duration::from_secs(300);
    let house = House::new(profile);
    let mine = house.person(PHONE).await;
    for guess in [WORD, portal::NEW_WORD, "short"] {
        let next = pending(house.visit.enrol(&mine.token, Password::NAME).await.unwrap());
        assert_eq!(said(&house.answer(&next.flow, Password::word(guess)).await), "not_offered", "{guess}");
    }
}

#[tokio::test]
async fn a_credential_has_the_name_that_its_owner_gave() {
    let house = House::new(Profile::public_portal());
    let mine = house.person(PHONE).await;
    let (key, mine) = house.device(&mine.token).await;
    let [id] = held(&house, &mine, &Totp::NAME).await[..] else { panic!() };
    let name = async |name: &str| house.visit.rename(&mine.session, id, name).await.unwrap();
    let long = "я".repeat(41);
    for bad in ["a\u{202e}b", "a\nb", long.as_str()] {
        assert_eq!(name(bad).await.unwrap_err().code.as_str(), "name");
    }
    let called = async || {
        let all = house.auth.credentials(mine.session.account()).await.unwrap();
        all.into_iter().find(|one| one.id == id).unwrap().name
    };
    assert_eq!(called().await, None);
    assert!(name("  Телефон мамы  ").await.is_ok());
    assert_eq!(called().await.as_deref(), Some("Телефон мамы"));
    // A use writes the credential anew, and keeps the name.
    house.hands.advance(60);
    let next = pending(house.visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
    let _ = done(house.answer(&next.flow, house.now(&key)).await);
    assert_eq!(called().await.as_deref(), Some("Телефон мамы"));
    assert!(name("").await.is_ok());
    assert_eq!(called().await, None);

    let other = house.person("+79160000002").await;
    let theirs = house.visit.rename(&other.session, id, "моё").await.unwrap();
    assert_eq!(theirs.unwrap_err().code.as_str(), "not_offered");
    house.visit.sign_out(&mine.token).await.unwrap();
    assert_eq!(name("поздно").await.unwrap_err().code.as_str(), "no_session");
}

/// It takes as much as adding it would; the owner is told, and what it opened ends.
#[tokio::test]
async fn taking_away_takes_two_and_ends_the_others() {
    let house = House::new(Profile::public_portal());
    let first = house.person(PHONE).await;
    let (key, mine) = house.device(&first.token).await;
    house.hands.advance(60);
    let half = pending(house.visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
    let other = done(house.answer(&half.flow, house.now(&key)).await);
    house.hands.advance(60);
    let [id] = held(&house, &mine, &Totp::NAME).await[..] else { panic!() };
    let next = pending(house.visit.remove(&mine.token, id).await.unwrap());
    let next = pending(house.answer(&next.flow, Password::word(WORD)).await);
    // By the very thing that goes: its owner has it in hand.
    let end = done(house.answer(&next.flow, house.now(&key)).await);
    assert!(held(&house, &end, &Totp::NAME).await.is_empty());
    assert!(!house.alive(&mine.token).await && !house.alive(&other.token).await);
    assert!(house.alive(&end.token).await);
    assert_eq!(house.told("credential-removed").await, 1);
    assert_eq!(house.events(end.session.account()).await[0].0, "credential-removed");
    house.hands.advance(60);
    let half = pending(house.visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
    assert_eq!(offered(&half), ["sms-code"]);
    assert_eq!(said(&house.answer(&half.flow, house.now(&key)).await), "not_offered");
    assert_eq!(said(&house.visit.remove(&end.token, id).await.unwrap()), "not_offered");
}

/// The last that the sign-in needs stays; nobody takes away what is another's.
#[tokio::test]
async fn the_last_one_stays_and_another_persons_is_not_there() {
    let house = House::new(Profile::public_portal());
    let mine = house.person(PHONE).await;
    let [word] = held(&house, &mine, &Password::NAME).await[..] else { panic!() };
    assert_eq!(said(&house.visit.remove(&mine.token, word).await.unwrap()), "last_factor");
    // With an application and a phone there is still nothing known: the password stays.
    let (_, mine) = house.device(&mine.token).await;
    assert_eq!(said(&house.visit.remove(&mine.token, word).await.unwrap()), "last_factor");
    let other = house.person("+79160000002").await;
    assert_eq!(said(&house.visit.remove(&other.token, word).await.unwrap()), "not_offered");
}

/// Two that are each other's last, taken away at once: one goes.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_need_each_other_one_goes() {
    for _ in 0..20 {
        let store = MemoryStore::default();
        let house = Arc::new(House::over(&store, Profile::nist_aal1()));
        let mine = house.person(ADDRESS).await;
        // At one factor's door an application alone will do, so the password and one application could both go.
        let (key, mine) = house.device(&mine.token).await;
        let [word] = held(&house, &mine, &Password::NAME).await[..] else { panic!() };
        let [app] = held(&house, &mine, &Totp::NAME).await[..] else { panic!() };
        house.hands.advance(60);
        let mut flows = Vec::new();
        for id in [word, app] {
            let next = pending(house.visit.remove(&mine.token, id).await.unwrap());
            flows.push(pending(house.answer(&next.flow, Password::word(WORD)).await).flow);
        }
        let code = totp(&key, step(house.auth.now()));
        let ends = at_once(|at| {
            let (house, flow, code) = (Arc::clone(&house), flows[at % 2].clone(), code.clone());
            async move { said(&house.answer(&flow, Totp::code(&code)).await) }
        })
        .await;
        assert_eq!(ends.iter().filter(|end| **end == "done").count(), 1, "{ends:?}");
        let left = house.auth.credentials(mine.session.account()).await.unwrap();
        assert_eq!(left.len(), 1, "{left:?}");
    }
}

/// A name that is not offered to nobody else.
#[tokio::test]
async fn a_removal_is_its_browsers_and_its_sessions() {
    let house = House::new(Profile::public_portal());
    let mine = house.person(PHONE).await;
    let (_, mine) = house.device(&mine.token).await;
    let [id] = held(&house, &mine, &Totp::NAME).await[..] else { panic!() };
    let next = pending(house.visit.remove(&mine.token, id).await.unwrap());
    let next = pending(house.answer(&next.flow, Password::word(WORD)).await);
    house.visit.sign_out(&mine.token).await.unwrap();
    house.hands.advance(60);
    let begun = pending(house.visit.begin(&next.flow, &SMS).await.unwrap());
    let code = house.code().await;
    let why = refused(house.answer(&begun.flow, Code::typed(SMS, &code)).await);
    assert_eq!(why.code.as_str(), "no_session");
    assert_eq!(held(&house, &mine, &Totp::NAME).await, [id]);
    assert_eq!(mine.session.aal(), Aal::Two);
}

/// One unused backup code is not as much as a new set asks for.
#[tokio::test]
async fn what_is_no_secret_to_remember_is_not_replaced_by_itself() {
    let house = House::new(Profile::public_portal());
    let mine = house.person(PHONE).await;
    for factor in [BackupCodes::NAME, Totp::NAME, FactorName::new("sms-code"), FactorName::new("approval")] {
        let step = house.visit.change(&mine.token, factor).await.unwrap();
        assert_eq!(said(&step), "not_offered");
    }
    assert_eq!(said(&house.visit.change(&mine.token, Password::NAME).await.unwrap()), "pending");
}
