//! An authenticator and backup codes over JSON: listed, added, used.

use propusk::{BackupCodes, Profile, Totp, axum::router};
use serde_json::{Value, json};

use crate::otp::{step, totp};
use crate::portal::{WORD, Watch, portal_with};
use crate::web::Web;

const PHONE: &str = "+79161234567";

#[tokio::test]
async fn second_factors_are_listed_added_and_used() {
    let (auth, outbox) = portal_with(Profile::nist_aal1(), |builder| {
        builder.clock(Watch::new()).factor(Totp::default()).factor(BackupCodes::default())
    });
    let router = router(auth.clone()).unwrap();
    let mut browser = Web::browser(&router);
    browser.get("/auth/factors").await.problem(401, "no_session");
    browser.register(&auth, &outbox, PHONE).await;
    let mut browser = browser.with("accept-language", "ru");
    let listed = browser.get("/auth/factors").await.expect(200).json();
    let has = &listed["factors"][0];
    assert_eq!(
        (&has["factor"], &has["title"], &has["usable"]),
        (&json!("password"), &json!("пароль"), &json!(true))
    );
    assert!(has["id"].is_string() && has["created"].as_str().unwrap().ends_with('Z'));
    assert_eq!(listed["factors"].as_array().unwrap().len(), 1);
    let can: Vec<_> = listed["can_add"].as_array().unwrap().iter().map(|one| one["factor"].clone()).collect();
    assert_eq!(can, ["password", "totp", "backup-code"]);
    assert_eq!(listed["can_add"][1]["title"], "приложение с кодами");

    let message = async || outbox.code(&auth).await;
    let begun = propose(&mut browser, "totp", &message).await;
    let prompt = &begun["begun"]["prompt"];
    let key = prompt["key"].as_str().unwrap().to_owned();
    assert!(prompt["uri"].as_str().unwrap().starts_with("otpauth://totp/Portal:%2B79161234567?secret="));
    let code = totp(&key, step(auth.now()));
    browser
        .post("/auth/flow/answer", answer(&begun, "totp", json!({ "code": "1" })))
        .await
        .problem(422, "malformed_answer");
    browser.post("/auth/flow/answer", answer(&begun, "totp", json!({ "code": code }))).await.expect(200);

    let begun = propose(&mut browser, "backup-code", &message).await;
    let codes = begun["begun"]["prompt"]["codes"].as_array().unwrap().clone();
    assert_eq!(codes.len(), 10);
    browser
        .post("/auth/flow/answer", answer(&begun, "backup-code", json!({ "saved": true })))
        .await
        .expect(200);
    let listed = browser.get("/auth/factors").await.expect(200).json();
    let has: Vec<_> = listed["factors"].as_array().unwrap().iter().map(|one| one["factor"].clone()).collect();
    assert_eq!(has, ["password", "totp", "backup-code"]);
    assert!(!listed.to_string().contains(codes[0].as_str().unwrap()), "nothing of a secret is listed");

    // As proofs that something else may be added: the code of the enrolment is used, the next and a backup code are not.
    let asked = json!({ "factor": "totp", "answer": { "code": code } });
    browser.post("/auth/enrol", asked).await.problem(409, "replayed");
    let next = totp(&key, step(auth.now()) + 1);
    let asked = json!({ "factor": "totp", "answer": { "code": next } });
    let json = browser.post("/auth/enrol", asked).await.expect(200).json();
    assert_eq!(json["duty"], Value::Null, "an account with two takes two");
    let proof = answer(&json, "password", json!({ "password": WORD }));
    assert_eq!(browser.post("/auth/flow/answer", proof).await.expect(200).json()["duty"], "enrol");
    let asked = json!({ "factor": "backup-code", "answer": { "code": codes[4] } });
    browser.post("/auth/enrol", asked.clone()).await.expect(200);
    browser.post("/auth/enrol", asked).await.problem(409, "replayed");
}

/// Up to what is proposed, by the password and a code.
async fn propose(browser: &mut Web, factor: &str, message: impl AsyncFn() -> String) -> Value {
    let begun = browser.post("/auth/enrol", json!({ "factor": factor })).await.expect(200).json();
    let proof = answer(&begun, "password", json!({ "password": WORD }));
    let proven = browser.post("/auth/flow/answer", proof).await.expect(200).json();
    let asked = json!({ "flow": proven["flow"], "factor": "sms-code" });
    browser.post("/auth/flow/begin", asked).await.expect(200);
    let proof = answer(&proven, "sms-code", json!({ "code": message().await }));
    let proven = browser.post("/auth/flow/answer", proof).await.expect(200).json();
    let asked = json!({ "flow": proven["flow"], "factor": factor });
    browser.post("/auth/flow/begin", asked).await.expect(200).json()
}

fn answer(flow: &Value, factor: &str, answer: Value) -> Value {
    json!({ "flow": flow["flow"], "factor": factor, "answer": answer })
}
