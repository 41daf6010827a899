//! The account itself over JSON: locked, closed, opened again, taken along.

use std::time::Duration;

use axum::http::Method;
use propusk::account::identifier::Identifier;
use propusk::{Auth, Profile, axum::router};
use serde_json::{Value, json};

use crate::portal::{Outbox, WORD, Watch, portal_with};
use crate::web::{Reply, Web};

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
    browser.raw(Method::POST, "/auth/close", "").await.problem(401, "no_session");
    browser.get("/auth/export").await.problem(401, "no_session");
    browser.register(&auth, &outbox, PHONE).await;
    let export = browser.get("/auth/export").await.expect(200);
    assert_eq!(export.json()["identifiers"][0]["value"], PHONE);
    assert!(export.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
    assert_eq!(export.headers["cache-control"], "no-store");

    let begun = browser.raw(Method::POST, "/auth/close", "").await.expect(200).json();
    let asked = json!({ "flow": begun["flow"], "factor": "password", "answer": { "password": WORD } });
    let begun = browser.post("/auth/flow/answer", asked).await.expect(200).json();
    let asked = json!({ "flow": begun["flow"], "factor": "sms-code" });
    let begun = browser.post("/auth/flow/begin", asked).await.expect(200).json();
    let code = outbox.code(&auth).await;
    let asked = json!({ "flow": begun["flow"], "factor": "sms-code", "answer": { "code": code } });
    let proven = browser.post("/auth/flow/answer", asked).await.expect(200).json();
    assert_eq!(proven["status"], "done", "{proven}");
    browser.get("/auth/session").await.expect(200);
    let closed = browser.raw(Method::POST, "/auth/close", "").await.expect(200).json();
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

/// Goes on with what is offered until it is done, or this duty is left: the password, and codes as they come.
pub(crate) async fn gone_through(
    browser: &mut Web,
    (auth, outbox): (&Auth, &Outbox),
    begun: Reply,
    duty: Option<&str>,
) -> Value {
    let mut step = begun.expect(200).json();
    while step["status"] == "pending" && (duty.is_none() || step["duty"].as_str() != duty) {
        let factor = step["offers"][0]["factor"].clone();
        let answer = if factor == "password" {
            json!({ "password": WORD })
        } else {
            let asked = json!({ "flow": step["flow"], "factor": factor });
            step = browser.post("/auth/flow/begin", asked).await.expect(200).json();
            json!({ "code": outbox.code(auth).await })
        };
        let asked = json!({ "flow": step["flow"], "factor": factor, "answer": answer });
        step = browser.post("/auth/flow/answer", asked).await.expect(200).json();
    }
    step
}

/// No other answer than for what is no id: who asks is not told whether it is somebody's.
#[tokio::test]
async fn a_contact_that_is_not_the_accounts_is_not_found() {
    const POST: axum::http::Method = Method::POST;
    let watch = Watch::new();
    let (auth, outbox) = portal_with(Profile::nist_aal1(), |builder| builder.clock(watch.clone()));
    let router = router(auth.clone()).unwrap();
    let mut anna = Web::browser(&router);
    anna.register(&auth, &outbox, "anna@example.org").await;
    let hers = anna.get("/auth/contacts").await.expect(200).json()["contacts"][0]["id"].clone();
    let mut browser = Web::browser(&router);
    browser.register(&auth, &outbox, PHONE).await;
    for nobodys in [hers.as_str().unwrap(), "00000000-0000-7000-8000-000000000000", "x"] {
        let path = format!("/auth/contacts/{nobodys}");
        browser.delete(&path).await.problem(404, "not_found");
        browser.raw(POST, &format!("{path}/main"), "").await.problem(404, "not_found");
        let asked = json!({ "address": "ivan@example.org", "instead": nobodys });
        browser.post("/auth/contacts", asked).await.problem(404, "not_found");
    }
    // What the account has and cannot do is told as before.
    let mine = browser.get("/auth/contacts").await.expect(200).json()["contacts"][0]["id"].clone();
    let path = format!("/auth/contacts/{}", mine.as_str().unwrap());
    browser.raw(POST, &format!("{path}/main"), "").await.problem(409, "not_offered");
    browser.delete(&path).await.problem(409, "last_factor");
    let asked = json!({ "address": "ivan@example.org", "instead": mine });
    browser.post("/auth/contacts", asked).await.problem(409, "not_offered");
}

/// Whoever has the mailbox now reads an old letter: its page says that the link is of no use, and so does the button.
#[tokio::test]
async fn a_link_to_an_address_that_is_gone_shows_no_page_and_locks_nothing() {
    let watch = Watch::new();
    let (auth, outbox) = portal_with(Profile::nist_aal1(), |builder| builder.clock(watch.clone()));
    let router = router(auth.clone()).unwrap();
    let mut browser = Web::browser(&router);
    browser.register(&auth, &outbox, PHONE).await;
    let added = browser.post("/auth/contacts", json!({ "address": "ivan@example.org" })).await;
    gone_through(&mut browser, (&auth, &outbox), added, None).await;
    let hold = std::time::Duration::from_secs(72 * 3600);
    watch.forward(hold);
    let mut thief = Web::browser(&router);
    let _ = thief.sign_in(PHONE, WORD).await.expect(200);
    let all = outbox.all(&auth).await;
    let link = |to: &str| {
        let letter = all.iter().rev().find(|one| one.to.as_str() == to).unwrap();
        letter.param("objection").unwrap().split_once("?o=").unwrap().1.to_owned()
    };
    let (old, stays) = (link("ivan@example.org"), link(PHONE));
    browser.sign_in(PHONE, WORD).await.expect(200);
    let contacts = browser.get("/auth/contacts").await.expect(200).json();
    let mail =
        contacts["contacts"].as_array().unwrap().iter().find(|one| one["address"] == "ivan@example.org");
    let removed = browser.delete(&format!("/auth/contacts/{}", mail.unwrap()["id"].as_str().unwrap())).await;
    gone_through(&mut browser, (&auth, &outbox), removed, None).await;
    let mut reader = Web::browser(&router);
    let page = |link: &str| format!("/auth/objection?o={link}");
    assert_eq!(reader.get(&page(&old)).await.expect(200).json()["objection"], "not_me", "it can be put back");
    watch.forward(hold);
    reader.get(&page(&old)).await.problem(410, "link");
    reader.post("/auth/objection", json!({ "link": old })).await.problem(410, "link");
    browser.get("/auth/session").await.expect(200);
    assert_eq!(reader.get(&page(&stays)).await.expect(200).json()["objection"], "not_me");
    reader.post("/auth/objection", json!({ "link": stays })).await.expect(200);
    browser.get("/auth/session").await.problem(401, "no_session");
}

/// A recovery that waits, as its owner's client reads of it and stops it.
#[tokio::test]
async fn a_recovery_that_waits_is_listed_and_stopped() {
    let watch = Watch::new();
    let (auth, outbox) = portal_with(Profile::public_portal(), |builder| builder.clock(watch.clone()));
    let router = router(auth.clone()).unwrap();
    let mut owner = Web::browser(&router);
    owner.register(&auth, &outbox, PHONE).await.expect(200);
    assert_eq!(owner.get("/auth/recover").await.expect(200).json(), json!({ "recoveries": [] }));
    watch.forward(Duration::from_secs(61));
    let mut other = Web::browser(&router);
    let begun = other.post("/auth/recover", json!({ "contact": PHONE })).await.expect(200).json();
    let answer = json!({ "code": outbox.code(&auth).await });
    let answer = json!({ "flow": begun["flow"], "factor": "sms-code", "answer": answer });
    let next = other.post("/auth/flow/answer", answer).await.expect(200).json();
    let waits = json!({ "flow": next["flow"] });
    other.post("/auth/recover/wait", waits.clone()).await.problem(409, "recovery_waits");
    let listed = owner.get("/auth/recover").await.expect(200).json();
    let one = &listed["recoveries"][0];
    let masked = Identifier::parse(PHONE).unwrap().masked();
    assert_eq!((&one["by"], &one["stopped"]), (&json!(masked), &json!(false)), "{listed}");
    owner.delete("/auth/recover").await.expect(204);
    assert_eq!(owner.get("/auth/recover").await.json()["recoveries"][0]["stopped"], true);
    owner.delete("/auth/recover").await.problem(404, "not_found");
    other.post("/auth/recover/wait", waits).await.problem(403, "recovery_stopped");
}
