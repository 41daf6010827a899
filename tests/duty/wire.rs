//! Over HTTP, as JSON: the duty names its reason and says what to do in the caller's language.

use axum::Router;
use propusk::axum::router;
use serde_json::{Value, json};

use super::*;
use crate::portal::NEW_WORD;
use crate::web::{Web, by_password};

fn answer(flow: &Value, factor: &str, answer: Value) -> Value {
    json!({ "flow": flow["flow"], "factor": factor, "answer": answer })
}

async fn prove_by_code(house: &House, browser: &mut Web, flow: &Value) -> Value {
    let asked = json!({ "flow": flow["flow"], "factor": "sms-code" });
    let begun = browser.post("/auth/flow/begin", asked).await.expect(200).json();
    let code = house.outbox.code(&house.auth).await;
    browser
        .post("/auth/flow/answer", answer(&begun, "sms-code", json!({ "code": code })))
        .await
        .expect(200)
        .json()
}

fn portal_of(house: &House) -> Router {
    router(house.auth.clone()).unwrap()
}

#[tokio::test]
async fn every_reason_is_told_in_both_languages() {
    for over in BOTH {
        for (due, words) in [
            ("expired", ["in use for as long as it may", "Срок его действия истёк"]),
            ("temporary", ["first sign-in only", "только для первого входа"]),
            ("compromised", ["Others may know it", "стать известен другим"]),
        ] {
            let house = House::new(over, Profile::public_portal());
            let account = house.person().await.session.account();
            let mut old = WORD.to_owned();
            match due {
                "expired" => house.days(90),
                "temporary" => old = house.issue(account).await,
                _ => assert!(
                    Password::mark_compromised(&house.auth, account, &Client::unknown())
                        .await
                        .unwrap()
                        .is_done()
                ),
            }
            for (language, text) in [("en", words[0]), ("ru", words[1])] {
                let mut browser = Web::browser(&portal_of(&house)).with("accept-language", language);
                let first = browser.post("/auth/sign-in", by_password(PHONE, &old)).await.expect(200).json();
                assert_eq!(
                    (&first["duty"], &first["due"], &first["detail"]),
                    (&Value::Null, &Value::Null, &Value::Null)
                );
                let next = prove_by_code(&house, &mut browser, &first).await;
                assert_eq!(
                    (&next["status"], &next["duty"], &next["due"]),
                    (&json!("pending"), &json!("replace"), &json!(due))
                );
                assert_eq!(next["offers"], json!([{ "factor": "password", "enrols": true }]));
                assert!(next["detail"].as_str().unwrap().contains(text), "{next}");
                browser.get("/auth/session").await.problem(401, "no_session");

                // Every refusal names its rule and says how to do better.
                let weak = answer(&next, "password", json!({ "password": old }));
                let why = browser.post("/auth/flow/answer", weak).await.problem(422, "unfit").json();
                assert_eq!(why["rules"][0]["rule"], "same");
                assert!(!why["rules"][0]["text"].as_str().unwrap().is_empty());
                if language == "ru" {
                    let good = answer(&next, "password", json!({ "password": NEW_WORD }));
                    let end = browser.post("/auth/flow/answer", good).await.expect(200).json();
                    assert_eq!(
                        (&end["status"], &end["session"]["amr"]),
                        (&json!("done"), &json!(["pwd", "sms", "mfa"]))
                    );
                    browser.get("/auth/session").await.expect(200);
                }
            }
        }
    }
}

/// The old password adds nothing to an account before it is changed: said in words, with a stable code.
#[tokio::test]
async fn an_old_password_adds_nothing() {
    let house = House::new(Over::Memory, one_factor());
    house.person().await;
    house.days(90);
    let mut browser = Web::browser(&portal_of(&house));
    let first = browser.post("/auth/sign-in", json!({ "identifier": PHONE })).await.expect(200).json();
    assert_eq!(prove_by_code(&house, &mut browser, &first).await["status"], "done");
    let asked = json!({ "factor": "password", "answer": { "password": WORD } });
    let why = browser.post("/auth/enrol", asked.clone()).await.problem(409, "due").json();
    assert!(why["detail"].as_str().unwrap().contains("Change it first"));
    browser.post("/auth/change", asked).await.expect(200);
}

/// Who signs in by something else sees in the list what has become of the password.
#[tokio::test]
async fn the_list_of_credentials_says_what_must_be_replaced() {
    let house = House::new(Over::Memory, one_factor());
    let account = house.person().await.session.account();
    for due in [None, Some("temporary"), Some("compromised")] {
        match due {
            Some("temporary") => drop(house.issue(account).await),
            Some(_) => {
                assert!(
                    Password::mark_compromised(&house.auth, account, &Client::unknown())
                        .await
                        .unwrap()
                        .is_done()
                );
            }
            None => {}
        }
        let mut browser = Web::browser(&portal_of(&house));
        let first = browser.post("/auth/sign-in", json!({ "identifier": PHONE })).await.expect(200).json();
        prove_by_code(&house, &mut browser, &first).await;
        let listed = browser.get("/auth/factors").await.expect(200).json();
        assert_eq!(listed["factors"][0]["due"], json!(due));
    }
}

/// Name and birth date come in with the registration; a day that was none is refused in words.
#[tokio::test]
async fn a_registration_takes_a_birth_date() {
    for over in BOTH {
        let house = House::new(over, one_factor());
        let mut browser = Web::browser(&portal_of(&house)).with("accept-language", "ru");
        let sign_up =
            |born: &str| json!({ "contact": PHONE, "name": "Сергей", "terms": "1", "birth_date": born });
        for none in ["1985-02-30", "", "tomorrow", "2999-01-01"] {
            let why = browser.post("/auth/sign-up", sign_up(none)).await.problem(422, "birth_date").json();
            assert!(why["detail"].as_str().unwrap().contains("дату рождения"), "{why}");
        }
        let next = browser.post("/auth/sign-up", sign_up("1985-03-17")).await.expect(200).json();
        let code = house.outbox.code(&house.auth).await;
        let next = answer(&next, "sms-code", json!({ "code": code }));
        let next = browser.post("/auth/flow/answer", next).await.expect(200).json();
        for made_of_it in ["17.03.1985-Kq", "Cthutq-77xm"] {
            let why = answer(&next, "password", json!({ "password": made_of_it }));
            let why = browser.post("/auth/flow/answer", why).await.problem(422, "unfit").json();
            assert_eq!(why["rules"][0]["rule"], "context", "{made_of_it}");
            assert!(why["rules"][0]["text"].as_str().unwrap().contains("дату рождения"));
        }
        let good = answer(&next, "password", json!({ "password": WORD }));
        assert_eq!(browser.post("/auth/flow/answer", good).await.expect(200).json()["status"], "done");
        // Left out, as before.
        let other = json!({ "contact": "+79160000001", "name": "Иван", "terms": "1" });
        browser.post("/auth/sign-up", other).await.expect(200);
    }
}
