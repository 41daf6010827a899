//! The account itself over JSON: locked, closed, opened again, taken along.

use propusk::{Profile, axum::router};
use serde_json::json;

use crate::portal::{WORD, Watch, portal_with};
use crate::web::Web;

const PHONE: &str = "+79161234567";

#[tokio::test]
async fn an_owner_locks_the_account_also_by_a_line_of_its_history() {
    let watch = Watch::new();
    let (auth, outbox) = portal_with(Profile::nist_aal1(), |builder| builder.clock(watch.clone()));
    let router = router(auth.clone()).unwrap();
    let mut browser = Web::browser(&router);
    browser.post("/auth/lock", json!({})).await.problem(401, "no_session");
    browser.register(&auth, &outbox, PHONE).await;
    for nobodys in ["x", "00000000-0000-7000-8000-000000000000"] {
        browser.post("/auth/lock", json!({ "event": nobodys })).await.problem(404, "not_found");
    }
    let line = browser.get("/auth/history").await.expect(200).json()["events"][0]["id"].clone();
    let reply = browser.post("/auth/lock", json!({ "event": line })).await.expect(204);
    assert!(reply.headers["clear-site-data"].to_str().unwrap().contains("cache"));
    assert!(!browser.jar.contains_key("__Host-propusk"), "its session is over");
    let mine = browser.sign_in(PHONE, WORD).await.problem(403, "wrong").json();
    assert_eq!(mine, browser.sign_in("+79160000000", WORD).await.problem(403, "wrong").json());
}

#[tokio::test]
async fn an_account_is_closed_and_opened_again() {
    let watch = Watch::new();
    let (auth, outbox) = portal_with(Profile::nist_aal1(), |builder| builder.clock(watch.clone()));
    let router = router(auth.clone()).unwrap();
    let mut browser = Web::browser(&router);
    browser.raw(axum::http::Method::POST, "/auth/close", "").await.problem(401, "no_session");
    browser.get("/auth/export").await.problem(401, "no_session");
    browser.register(&auth, &outbox, PHONE).await;
    let export = browser.get("/auth/export").await.expect(200);
    assert_eq!(export.json()["identifiers"][0]["value"], PHONE);
    assert!(export.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
    assert_eq!(export.headers["cache-control"], "no-store");

    let begun = browser.raw(axum::http::Method::POST, "/auth/close", "").await.expect(200).json();
    let asked = json!({ "flow": begun["flow"], "factor": "password", "answer": { "password": WORD } });
    let begun = browser.post("/auth/flow/answer", asked).await.expect(200).json();
    let asked = json!({ "flow": begun["flow"], "factor": "sms-code" });
    let begun = browser.post("/auth/flow/begin", asked).await.expect(200).json();
    let code = outbox.code(&auth).await;
    let asked = json!({ "flow": begun["flow"], "factor": "sms-code", "answer": { "code": code } });
    let proven = browser.post("/auth/flow/answer", asked).await.expect(200).json();
    assert_eq!(proven["status"], "done", "{proven}");
    browser.get("/auth/session").await.expect(200);
    let closed = browser.raw(axum::http::Method::POST, "/auth/close", "").await.expect(200).json();
    assert_eq!(closed["status"], "closed");
    assert!(closed["erased_at"].as_str().unwrap().ends_with('Z'));
    browser.get("/auth/session").await.problem(401, "no_session");

    let begun = browser.sign_in(PHONE, WORD).await.expect(200).json();
    assert_eq!((&begun["status"], &begun["duty"]), (&json!("pending"), &json!("reopen")));
    assert!(!browser.jar.contains_key("__Host-propusk"), "no session before it is open");
    let mut thief = Web::browser(&router);
    thief.post("/auth/flow/reopen", json!({ "flow": begun["flow"] })).await.problem(410, "no_flow");
    let opened = browser.post("/auth/flow/reopen", json!({ "flow": begun["flow"] })).await.expect(200).json();
    assert_eq!(opened["status"], "done");
    browser.get("/auth/session").await.expect(200);
}
