//! Refresh tokens in JSON.

use std::time::Duration;

use axum::http::header;
use propusk::Profile;
use propusk::axum::router;
use serde_json::json;

use crate::portal::{WORD, portal};
use crate::web::{Reply, Web, by_password};

const PHONE: &str = "+79161234567";

fn asking() -> serde_json::Value {
    let mut body = by_password(PHONE, WORD);
    body["refresh"] = json!(true);
    body
}

#[tokio::test]
async fn a_program_gets_the_next_token_in_the_words_of_rfc_6749() {
    // The clock is the machine's, which may be slow.
    let mut profile = Profile::nist_aal1();
    profile.sessions.grace = Duration::from_secs(3600);
    let (auth, outbox) = portal(profile);
    let router = router(auth.clone()).unwrap();
    let mut program = Web::program(&router);
    program.register(&auth, &outbox, PHONE).await;
    let soon = |reply: &Reply| (540..=600).contains(&reply.json()["expires_in"].as_u64().unwrap());
    let reply = program.post("/auth/sign-in", asking()).await.expect(200);
    assert!(soon(&reply));
    let (token, refresh) = (reply.text("token"), reply.text("refresh_token"));

    let reply = program.post("/auth/token", json!({ "refresh_token": refresh })).await.expect(200);
    assert_eq!(reply.headers[header::CACHE_CONTROL], "no-store");
    assert!(reply.headers.get(header::SET_COOKIE).is_none());
    assert!(soon(&reply) && reply.text("token_type") == "Bearer");
    let again = program.post("/auth/token", json!({ "refresh_token": refresh })).await.expect(200);
    for field in ["access_token", "refresh_token"] {
        assert_eq!(again.text(field), reply.text(field), "the reply was lost");
    }

    let bearer = |token: &str| Web::program(&router).with("authorization", &format!("Bearer {token}"));
    bearer(&token).get("/auth/session").await.problem(401, "no_session");
    bearer(&reply.text("access_token")).get("/auth/session").await.expect(200);

    let next = reply.text("refresh_token");
    program.post("/auth/token", json!({ "refresh_token": next })).await.expect(200);
    program.post("/auth/token", json!({ "refresh_token": refresh })).await.problem(401, "refresh_reused");
    program.post("/auth/token", json!({ "refresh_token": next })).await.problem(401, "no_session");
    bearer(&reply.text("access_token")).get("/auth/session").await.problem(401, "no_session");
}

/// A refresh token in a page's script is what cookies are there to avoid.
#[tokio::test]
async fn a_browser_gets_none_and_uses_none() {
    let (auth, outbox) = portal(Profile::nist_aal1());
    let router = router(auth.clone()).unwrap();
    let (mut browser, mut program) = (Web::browser(&router), Web::program(&router));
    program.register(&auth, &outbox, PHONE).await;
    browser.post("/auth/sign-in", asking()).await.problem(400, "malformed");
    let plain = program.sign_in(PHONE, WORD).await.expect(200).json();
    assert!(plain.get("refresh_token").is_none() && plain.get("expires_in").is_none());
    let refresh = program.post("/auth/sign-in", asking()).await.expect(200).text("refresh_token");
    browser.post("/auth/token", json!({ "refresh_token": refresh })).await.problem(401, "no_session");
    program.post("/auth/token", json!({ "refresh_token": refresh })).await.expect(200);
}

#[tokio::test]
async fn what_is_no_refresh_token_gets_nothing() {
    let (auth, outbox) = portal(Profile::nist_aal1());
    let router = router(auth.clone()).unwrap();
    let mut program = Web::program(&router);
    let session = program.register(&auth, &outbox, PHONE).await.text("token");
    let made_up = auth.random_token().unwrap().expose().as_str().to_owned();
    for text in ["", "x", &session, &made_up, &"A".repeat(54), &"A".repeat(10_000)] {
        program.post("/auth/token", json!({ "refresh_token": text })).await.problem(401, "no_session");
    }
    program.post("/auth/token", json!({ "refresh_token": 1 })).await.problem(400, "malformed");
    program.post("/auth/token", json!({})).await.problem(400, "malformed");
}

/// Whoever forgot the password of an application that refreshes is in again as before.
#[tokio::test]
async fn a_recovery_gives_a_program_the_tokens_that_it_asks_for() {
    let (auth, outbox) = portal(Profile::nist_aal1());
    let router = router(auth.clone()).unwrap();
    let mut program = Web::program(&router);
    program.register(&auth, &outbox, "ivan@example.org").await;
    let asked = json!({ "contact": "ivan@example.org", "refresh": true });
    let mut begun = program.post("/auth/recover", asked.clone()).await.expect(200).json();
    if let Some(binding) = begun["binding"].as_str() {
        program.headers.insert("propusk-binding", binding.to_owned());
    }
    let code = outbox.code(&auth).await;
    for (factor, answer) in [
        ("email-code", json!({ "code": code })),
        ("password", json!({ "password": "Совсем другие слова 9" })),
    ] {
        let body = json!({ "flow": begun["flow"], "factor": factor, "answer": answer });
        begun = program.post("/auth/flow/answer", body).await.expect(200).json();
    }
    assert!(begun["refresh_token"].is_string() && begun["expires_in"].is_u64(), "{begun}");
    let mut browser = Web::browser(&router);
    browser.post("/auth/recover", asked).await.problem(400, "malformed");
}
