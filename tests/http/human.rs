//! The puzzle before a beginning, over HTTP.

use propusk::human::solve;
use propusk::policy::Check;
use propusk::{Auth, Profile, axum::router};
use serde_json::{Value, json};

use crate::portal::{Outbox, WORD, portal};
use crate::web::{Web, by_password};

const PHONE: &str = "+79161234567";

fn checking() -> (Auth, Outbox) {
    let mut profile = Profile::nist_aal1();
    (profile.human.sign_up, profile.human.sign_in) = (Check::Always, Check::Always);
    portal(profile)
}

fn applicant(human: Option<&str>) -> Value {
    json!({ "contact": PHONE, "name": "Иван", "terms": "1", "human": human })
}

async fn solved(web: &mut Web, purpose: &str) -> String {
    let reply = web.get(&format!("/auth/puzzle?for={purpose}")).await.expect(200);
    assert_eq!(reply.headers["cache-control"], "no-store");
    solve(&reply.json()["puzzle"].to_string()).unwrap()
}

#[tokio::test]
async fn a_browser_solves_a_puzzle_and_begins() {
    let (auth, outbox) = checking();
    let router = router(auth.clone()).unwrap();
    let mut browser = Web::browser(&router);
    let reply = browser.post("/auth/sign-up", applicant(None)).await.problem(403, "human_needed");
    assert!(reply.text("detail").contains("GET /auth/puzzle"));
    let answer = solved(&mut browser, "sign-up").await;
    let mut another = Web::browser(&router);
    another.post("/auth/sign-up", applicant(Some(&answer))).await.problem(403, "human_wrong");
    let flow = browser.post("/auth/sign-up", applicant(Some(&answer))).await.expect(200).text("flow");
    browser.post("/auth/sign-up", applicant(Some(&answer))).await.problem(403, "human_wrong");
    let code = json!({ "flow": flow, "factor": "sms-code", "answer": { "code": outbox.code(&auth).await } });
    let flow = browser.post("/auth/flow/answer", code).await.expect(200).text("flow");
    let word = json!({ "flow": flow, "factor": "password", "answer": { "password": WORD } });
    browser.post("/auth/flow/answer", word).await.expect(200);

    // A program is told what binds its puzzle, and brings it along.
    let mut program = Web::program(&router);
    program.post("/auth/sign-in", by_password(PHONE, WORD)).await.problem(403, "human_needed");
    let reply = program.get("/auth/puzzle?for=sign-in").await.expect(200).json();
    program.headers.insert("propusk-binding", reply["binding"].as_str().unwrap().to_owned());
    let mut asked = by_password(PHONE, WORD);
    asked["human"] = solve(&reply["puzzle"].to_string()).unwrap().into();
    assert_eq!(program.post("/auth/sign-in", asked).await.expect(200).json()["status"], "done");
}

#[tokio::test]
async fn a_puzzle_is_asked_for_by_name_and_nothing_else() {
    let (auth, _) = checking();
    let router = router(auth).unwrap();
    let mut browser = Web::browser(&router);
    let wait = browser.get("/auth/puzzle?for=sign-up&way=wait").await.expect(200).json();
    assert_eq!((&wait["puzzle"]["kind"], &wait["puzzle"]["ready_in"]), (&json!("wait"), &json!(10)));
    let ticket = wait["puzzle"]["token"].as_str().unwrap().to_owned();
    let reply = browser.post("/auth/sign-up", applicant(Some(&ticket))).await.problem(403, "human_needed");
    assert!(matches!(reply.headers["retry-after"].to_str().unwrap().parse(), Ok(1..=10)));
    for path in [
        "",
        "?for=",
        "?for=recovery",
        "?for=sign-up&way=",
        "?for=sign-up&way=work",
        "?for=sign-up&for=sign-in",
        "?for=sign-up&bits=1",
    ] {
        browser.get(&format!("/auth/puzzle{path}")).await.problem(400, "malformed");
    }
    // Neither is a number an answer, nor a list.
    for human in [json!(1), json!(["x"]), json!({})] {
        let mut asked = applicant(None);
        asked["human"] = human;
        browser.post("/auth/sign-up", asked).await.problem(400, "malformed");
    }
    let long = "x".repeat(60_000);
    browser.post("/auth/sign-up", applicant(Some(&long))).await.problem(403, "human_wrong");
}
