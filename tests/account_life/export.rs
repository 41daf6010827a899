//! What its owner is given: all that is theirs, and no secret.

use serde_json::Value;

use super::*;
use crate::portal::{NEW_WORD, Pin};

/// ATTACKS 64: canaries. What was typed, sent and handed out is not in it, nor what finds or opens a row.
#[tokio::test]
async fn it_has_all_that_is_theirs_and_no_secret() {
    use propusk::store::{AccountStore, SessionStore, SubjectKey};
    let house = House::new(Profile::nist_aal1());
    let mine = house.person().await;
    let (account, visit) = (mine.session.account(), house.visit());
    let next = pending(visit.change(&mine.token, Password::NAME).await.unwrap());
    let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    let mine = done(visit.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap());
    let next = pending(visit.enrol(&mine.token, Pin::NAME).await.unwrap());
    let next = pending(visit.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap());
    let next = pending(visit.begin(&next.flow, &SMS).await.unwrap());
    let code = house.outbox.code(&house.auth).await;
    let next = pending(visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap());
    let mine = done(visit.answer(&next.flow, Pin::typed(Pin::RIGHT)).await.unwrap());
    house.hands.advance(60);
    let again = done(visit.sign_in().with(PHONE, Password::word(NEW_WORD)).await.unwrap());
    let all = house.auth.export(account).await.unwrap().unwrap().whole().await.unwrap();
    let json: Value = serde_json::from_str(&all).unwrap();
    assert_eq!(json["identifiers"][0]["value"], PHONE);
    assert_eq!(json["contacts"][0]["value"], PHONE);
    assert_eq!(json["name"], "Иван Петров");
    let factors: Vec<_> = json["credentials"].as_array().unwrap().iter().map(|one| &one["factor"]).collect();
    assert_eq!(factors, ["password", "pin"]);
    assert_eq!(json["sessions"].as_array().unwrap().len(), 2);
    assert_eq!(json["history"].as_array().unwrap().len(), house.history(account).await.len());
    assert_eq!(json["browsers"].as_array().unwrap().len(), 1);
    assert_eq!(json["account"], account.to_string());

    let subject = house.store.subject(SubjectKey::Account(account)).await.unwrap().unwrap();
    let sessions = house.store.sessions_of(account, subject.account.route).await.unwrap();
    let mut secrets: Vec<String> = vec![
        WORD.into(),
        NEW_WORD.into(),
        // Digits alone may stand in an id.
        format!("\"{code}\""),
        format!("\"{}\"", Pin::RIGHT),
        "argon2".into(),
        mine.token.expose().to_string(),
        again.token.expose().to_string(),
        again.browser.unwrap().expose().to_string(),
        next.flow.expose().to_string(),
    ];
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut bytes: Vec<&[u8]> = vec![&subject.account.data_key, &subject.account.sealed];
    bytes.extend(subject.credentials.iter().map(|row| &*row.sealed));
    bytes.extend(subject.identifiers.iter().flat_map(|row| [&row.lookup.0[..], &row.sealed]));
    bytes.extend(subject.browsers.iter().map(|row| &row.key.as_bytes()[..]));
    bytes.extend(sessions.iter().map(|row| &row.key.as_bytes()[..]));
    for row in bytes {
        secrets.extend([
            hex(row),
            data_encoding::BASE64URL_NOPAD.encode(row),
            data_encoding::BASE64.encode(row),
        ]);
    }
    for secret in secrets {
        assert!(secret.len() > 3 && !all.contains(&secret), "{secret}");
    }
}

#[tokio::test]
async fn of_nobody_there_is_nothing() {
    let house = House::new(Profile::nist_aal1());
    assert!(house.auth.export(AccountId::from_bytes([9; 16])).await.unwrap().is_none());
}

/// However long it has been: all lines, all messages, no page's edge between two of them.
#[tokio::test]
async fn it_has_all_of_a_long_life() {
    let house = House::new(Profile::nist_aal1());
    let account = house.person().await.session.account();
    for _ in 0..520 {
        house.auth.lock(account, propusk::account::LockReason::Desk, &somebody()).await.unwrap();
        assert!(house.auth.unlock(account, &somebody()).await.unwrap().is_done());
    }
    let mut export = house.auth.export(account).await.unwrap().unwrap();
    let (mut all, mut pieces) = (String::new(), 0);
    while let Some(piece) = export.piece().await.unwrap() {
        all.push_str(&piece);
        pieces += 1;
    }
    assert!(pieces > 6, "no more than a page of it at a time: {pieces}");
    let json: Value = serde_json::from_str(&all).unwrap();
    let lines = json["history"].as_array().unwrap();
    assert_eq!(lines.iter().filter(|line| line["name"] == "account-locked").count(), 520);
    assert_eq!(lines.iter().filter(|line| line["name"] == "account-unlocked").count(), 520);
    let told = json["messages"].as_array().unwrap().len();
    assert!(told >= 1040, "{told} messages");
}
