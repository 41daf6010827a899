//! Every route, in the order in which a person meets them.

use std::time::Duration;

use propusk::{Profile, axum::router};
use serde_json::json;

use crate::portal::{WORD, Watch, portal, portal_with};
use crate::web::Web;

const PHONE: &str = "+79161234567";

#[tokio::test]
async fn a_person_registers_signs_in_and_out() {
    let (auth, outbox) = portal(Profile::nist_aal1());
    let router = router(auth.clone()).unwrap();
    let mut browser = Web::browser(&router);
    browser.get("/auth/session").await.problem(401, "no_session");
    let asked = json!({ "contact": PHONE, "name": "Иван", "terms": "1" });
    let reply = browser.post("/auth/sign-up", asked).await.expect(200);
    let json = reply.json();
    assert_eq!(json["status"], "pending");
    assert_eq!(json["offers"], json!([{ "factor": "sms-code", "enrols": false }]));
    assert_eq!(json["begun"]["prompt"]["digits"], 6);
    assert!(matches!(json["expires_in"].as_u64(), Some(890..=900)));
    let code = outbox.code(&auth).await;
    let asked = json!({ "flow": json["flow"], "factor": "sms-code", "answer": { "code": code } });
    let json = browser.post("/auth/flow/answer", asked).await.expect(200).json();
    assert_eq!(json["offers"], json!([{ "factor": "password", "enrols": true }]));
    let flow = json["flow"].clone();
    let weak = json!({ "flow": flow, "factor": "password", "answer": { "password": "ivan" } });
    let reply = browser.post("/auth/flow/answer", weak).await.problem(422, "unfit");
    let rules = &reply.json()["rules"];
    assert_eq!((&rules[0]["rule"], &rules[0]["params"]), (&json!("too_short"), &json!({ "least": 15 })));
    assert!(rules[0]["text"].as_str().is_some_and(|text| text.contains("at least 15 characters")), "{rules}");
    let good = json!({ "flow": flow, "factor": "password", "answer": { "password": WORD } });
    let json = browser.post("/auth/flow/answer", good).await.expect(200).json();
    assert_eq!((&json["status"], &json["session"]["aal"]), (&json!("done"), &json!(2)));
    assert!(
        json.get("token").is_none() && json.get("binding").is_none(),
        "secrets of a browser stay in cookies"
    );

    let session = browser.get("/auth/session").await.expect(200).json();
    assert_eq!(session["id"], json["session"]["id"]);
    let reply = browser.delete("/auth/session").await.expect(204);
    assert_eq!(reply.headers["clear-site-data"], "\"cache\", \"storage\"");
    browser.get("/auth/session").await.problem(401, "no_session");
    browser.delete("/auth/session").await.expect(204);

    let json = browser.sign_in("8 916 123-45-67", WORD).await.expect(200).json();
    assert_eq!(json["session"]["amr"], json!(["pwd"]));
    assert_eq!(json["session"]["account"], session["account"]);
}

#[tokio::test]
async fn a_second_factor_is_begun_and_answered() {
    let (auth, outbox) = portal(Profile::public_portal());
    let router = router(auth.clone()).unwrap();
    Web::browser(&router).register(&auth, &outbox, "ivan@example.org").await;
    let mut browser = Web::browser(&router);
    let json = browser.sign_in("ivan@example.org", WORD).await.expect(200).json();
    assert_eq!(
        json["offers"],
        json!([{ "factor": "email-code", "enrols": false, "hint": "i***n@example.org" }])
    );
    let asked = json!({ "flow": json["flow"], "factor": "email-code" });
    let json = browser.post("/auth/flow/begin", asked.clone()).await.expect(200).json();
    assert_eq!(json["begun"]["factor"], "email-code");
    let reply = browser.post("/auth/flow/begin", asked).await.problem(429, "too_soon");
    assert_eq!(reply.headers["retry-after"], "60");
    assert_eq!(reply.json()["retry_after"], 60);
    let code = outbox.code(&auth).await;
    let asked = json!({ "flow": json["flow"], "factor": "email-code", "answer": { "code": code } });
    let json = browser.post("/auth/flow/answer", asked).await.expect(200).json();
    assert_eq!(json["session"]["amr"], json!(["pwd", "email", "mfa"]));
}

#[tokio::test]
async fn a_factor_named_with_the_start_is_begun_at_once() {
    let (auth, outbox) = portal(Profile::nist_aal1());
    let router = router(auth.clone()).unwrap();
    Web::browser(&router).register(&auth, &outbox, "ivan@example.org").await;
    let asked = json!({ "identifier": "ivan@example.org", "factor": "email-code" });
    let json = Web::browser(&router).post("/auth/sign-in", asked).await.expect(200).json();
    assert_eq!(json["begun"]["factor"], "email-code");
}

#[tokio::test]
async fn a_password_is_changed_in_two_steps_or_three() {
    let (auth, outbox) = portal(Profile::nist_aal1());
    let router = router(auth.clone()).unwrap();
    let mut browser = Web::browser(&router);
    browser.post("/auth/change", json!({ "factor": "password" })).await.problem(401, "no_session");
    browser.register(&auth, &outbox, PHONE).await;
    browser.post("/auth/change", json!({ "factor": "sms-code" })).await.problem(409, "not_offered");
    browser.post("/auth/change", json!({ "factor": "shoe size" })).await.problem(409, "not_offered");
    let wrong = json!({ "factor": "password", "answer": { "password": "wrong" } });
    browser.post("/auth/change", wrong).await.problem(403, "wrong");
    let mut old = WORD.to_owned();
    for (at, new) in ["Совсем другие слова 9", "И снова новые слова 11"].into_iter().enumerate()
    {
        let right = json!({ "factor": "password", "answer": { "password": old } });
        let mut flow = match at {
            0 => browser.post("/auth/change", right).await.expect(200).text("flow"),
            _ => {
                let flow = browser.post("/auth/change", json!({ "factor": "password" })).await.text("flow");
                let asked = json!({ "flow": flow, "factor": "password", "answer": { "password": old } });
                browser.post("/auth/flow/answer", asked).await.expect(200).text("flow")
            }
        };
        let before = browser.jar["__Host-propusk"].clone();
        let asked = json!({ "flow": flow, "factor": "password", "answer": { "password": new } });
        flow.clear();
        browser.post("/auth/flow/answer", asked).await.expect(200);
        assert_ne!(browser.jar["__Host-propusk"], before, "the session is renewed");
        browser.get("/auth/session").await.expect(200);
        old = new.to_owned();
    }
    let names = names(&browser.get("/auth/history?outcome=done").await.expect(200).json());
    assert_eq!(names.iter().filter(|name| *name == "credential-changed").count(), 2);
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let (auth, outbox) = portal(Profile::nist_aal1());
    let router = router(auth.clone()).unwrap();
    let mut home = Web::browser(&router)
        .with("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
    home.register(&auth, &outbox, PHONE).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        let mut other = Web::browser(&router);
        other.peer = "198.51.100.9:1".parse().unwrap();
        other.sign_in(PHONE, WORD).await.expect(200);
        others.push(other);
    }
    let json = home.get("/auth/sessions").await.expect(200).json();
    let sessions = json["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 4);
    let mine: Vec<_> = sessions.iter().filter(|one| one["current"] == true).collect();
    assert_eq!(mine.len(), 1);
    assert_eq!(mine[0]["from"]["device"]["browser"], "Firefox");
    assert_eq!(mine[0]["from"]["address"], "192.0.2.1");

    let id = others[0].get("/auth/session").await.text("id");
    home.delete(&format!("/auth/sessions/{id}")).await.expect(204);
    others[0].get("/auth/session").await.problem(401, "no_session");
    home.delete(&format!("/auth/sessions/{id}")).await.problem(404, "not_found");
    for strange in ["1", "%ff", "%00", "..", "00000000-0000-0000-0000-000000000000"] {
        home.delete(&format!("/auth/sessions/{strange}")).await.problem(404, "not_found");
    }
    others[1].get("/auth/session").await.expect(200);
    home.delete("/auth/sessions").await.expect(204);
    others[1].get("/auth/session").await.problem(401, "no_session");
    let own = home.get("/auth/session").await.text("id");
    let reply = home.delete(&format!("/auth/sessions/{own}")).await.expect(204);
    assert!(reply.cookie("__Host-propusk").unwrap().contains(&"Max-Age=0".to_owned()));
    home.get("/auth/sessions").await.problem(401, "no_session");
    home.delete("/auth/sessions").await.problem(401, "no_session");
}

#[tokio::test]
async fn nobody_ends_the_session_of_another_account() {
    let (auth, outbox) = portal(Profile::nist_aal1());
    let router = router(auth.clone()).unwrap();
    let (mut one, mut other) = (Web::browser(&router), Web::browser(&router));
    one.register(&auth, &outbox, PHONE).await;
    other.register(&auth, &outbox, "ivan@example.org").await;
    let id = other.get("/auth/session").await.text("id");
    one.delete(&format!("/auth/sessions/{id}")).await.problem(404, "not_found");
    other.get("/auth/session").await.expect(200);
}

#[tokio::test]
async fn the_history_is_read_in_pages_and_by_filters() {
    let watch = Watch::new();
    let (auth, outbox) = portal_with(Profile::nist_aal1(), |builder| builder.clock(watch.clone()));
    let router = router(auth.clone()).unwrap();
    let mut browser = Web::browser(&router);
    browser.get("/auth/history").await.problem(401, "no_session");
    browser.register(&auth, &outbox, PHONE).await;
    watch.forward(Duration::from_secs(3600));
    for _ in 0..3 {
        browser.sign_in(PHONE, "wrong").await.problem(403, "wrong");
    }
    browser.sign_in(PHONE, WORD).await.expect(200);
    let all = browser.get("/auth/history").await.expect(200).json();
    assert_eq!(names(&all), ["sign-in", "sign-in", "sign-in", "sign-in", "sign-up"]);
    assert_eq!(all["next"], json!(null));
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = browser.get(&format!("/auth/history?limit=2{cursor}")).await.expect(200).json();
        pages.extend(page["events"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(&json!(pages), &all["events"], "pages together are the whole");
    let refused = browser.get("/auth/history?outcome=refused").await.expect(200).json();
    assert_eq!(refused["events"].as_array().unwrap().len(), 3);
    assert_eq!(refused["events"][0]["reason"], "wrong");
    let at = all["events"][0]["at"].as_str().unwrap();
    let late = browser.get(&format!("/auth/history?since={at}")).await.expect(200).json();
    assert_eq!(late["events"].as_array().unwrap().len(), 4);
    let early = browser.get(&format!("/auth/history?until={at}")).await.expect(200).json();
    assert_eq!(names(&early), ["sign-up"]);
    for bad in [
        "limit=x",
        "limit=-1",
        "cursor=1",
        "since=yesterday",
        "outcome=maybe",
        "colour=red",
        "limit=1&limit=2",
        "%ff=%ff",
    ] {
        browser.get(&format!("/auth/history?{bad}")).await.problem(400, "malformed");
    }
    browser.get("/auth/history?limit=0").await.expect(200);
    browser.get("/auth/history?limit=18446744073709551615").await.expect(200);
}

#[tokio::test]
async fn a_program_holds_its_secrets_itself() {
    let (auth, outbox) = portal(Profile::nist_aal1());
    let router = router(auth.clone()).unwrap();
    let mut program = Web::program(&router);
    let reply = program.register(&auth, &outbox, PHONE).await;
    assert!(reply.headers.get("set-cookie").is_none() && program.jar.is_empty());
    let mut program = program.with("authorization", &format!("Bearer {}", reply.text("token")));
    program.get("/auth/session").await.expect(200);
    let right = json!({ "factor": "password", "answer": { "password": WORD } });
    let flow = program.post("/auth/change", right).await.expect(200).text("flow");
    let asked =
        json!({ "flow": flow, "factor": "password", "answer": { "password": "Совсем другие слова 9" } });
    let token = program.post("/auth/flow/answer", asked).await.expect(200).text("token");
    program.get("/auth/session").await.problem(401, "no_session");
    let mut program = program.with("authorization", &format!("bearer {token}"));
    program.get("/auth/session").await.expect(200);
    let reply = program.delete("/auth/session").await.expect(204);
    assert!(reply.headers.get("set-cookie").is_none());
    program.get("/auth/session").await.problem(401, "no_session");
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let (auth, _) = portal(Profile::nist_aal1());
    let router = router(auth).unwrap();
    let mut browser = Web::browser(&router);
    for path in ["/auth/recoveries", "/auth/password", "/auth/flow", "/auth/sign-in/", "/auth/a/b/c"] {
        browser.post(path, json!({})).await.problem(404, "not_found");
    }
    for path in ["/auth/sign-in", "/auth/sign-up", "/auth/change", "/auth/flow/begin", "/auth/flow/answer"] {
        browser.get(path).await.problem(405, "method");
    }
    browser.post("/auth/session", json!({})).await.problem(405, "method");
}

#[tokio::test]
async fn problems_speak_the_language_of_their_caller_and_nothing_is_stored() {
    let (auth, _) = portal(Profile::nist_aal1());
    let router = router(auth).unwrap();
    let reply =
        Web::browser(&router).with("accept-language", "ru-RU,ru;q=0.9,en;q=0.8").get("/auth/session").await;
    assert_eq!(reply.text("detail"), "Сначала войдите.");
    assert_eq!(reply.headers["www-authenticate"], "Bearer");
    let reply = Web::browser(&router).get("/auth/session").await;
    assert_eq!(reply.text("detail"), "Sign in first.");
    assert_eq!(reply.headers["cache-control"], "no-store");
    let reply = Web::browser(&router).post("/auth/nothing", json!({})).await;
    assert_eq!(reply.headers["cache-control"], "no-store");
}

fn names(page: &serde_json::Value) -> Vec<String> {
    page["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn an_owner_chooses_what_they_hear() {
    let (auth, outbox) = portal(Profile::nist_aal1());
    let router = router(auth.clone()).unwrap();
    let mut browser = Web::browser(&router);
    browser.get("/auth/preferences").await.problem(401, "no_session");
    browser.register(&auth, &outbox, PHONE).await;
    let json = browser.get("/auth/preferences").await.expect(200).json();
    let on = json!({ "sms": true });
    let all = json!({ "credentials": on, "other": on, "sign_in": on });
    assert_eq!(json, json!({ "channels": ["sms"], "topics": all }));
    let off = |topic: &str, channel: &str| json!({ "topics": { topic: { channel: false } } });
    // The only address there is.
    browser.put("/auth/preferences", off("sign_in", "sms")).await.problem(409, "untold");
    browser.put("/auth/preferences", off("sign_in", "email")).await.expect(204);
    for (topic, channel) in [("account", "sms"), ("nothing", "sms"), ("sign_in", "pigeon")] {
        browser.put("/auth/preferences", off(topic, channel)).await.problem(400, "malformed");
    }
    let lines = browser.get("/auth/history").await.expect(200).json();
    assert_eq!(lines["events"][0]["name"], "preferences-set");
    assert_eq!(lines["events"][0]["details"], json!({ "off": "sign_in.email" }));
}

#[tokio::test]
async fn an_owner_reads_what_they_were_told_in_pages_and_in_their_language() {
    let (auth, outbox) = portal(Profile::nist_aal1());
    let router = router(auth.clone()).unwrap();
    let mut browser = Web::browser(&router);
    browser.get("/auth/messages").await.problem(401, "no_session");
    browser.register(&auth, &outbox, PHONE).await;
    assert_eq!(
        browser.get("/auth/messages").await.expect(200).json(),
        json!({ "messages": [], "next": null })
    );
    for _ in 0..3 {
        Web::browser(&router).sign_in(PHONE, WORD).await.expect(200);
    }
    let page = browser.get("/auth/messages?limit=2").await.expect(200).json();
    let (first, next) = (page["messages"].as_array().unwrap(), page["next"].as_str().unwrap());
    assert_eq!(first.len(), 2);
    assert_eq!(first[0]["topic"], "sign_in");
    assert_eq!(first[0]["subject"], "Sign-in from a new browser");
    assert!(first[0]["text"].as_str().unwrap().contains("sign-in from"), "{page}");
    let rest = browser.get(&format!("/auth/messages?limit=2&cursor={next}")).await.expect(200).json();
    assert_eq!((rest["messages"].as_array().unwrap().len(), &rest["next"]), (1, &json!(null)));
    assert_ne!(rest["messages"][0]["id"], first[1]["id"]);
    for wrong in ["cursor=7", "limit=many", "since=2026-01-01T00:00:00Z"] {
        browser.get(&format!("/auth/messages?{wrong}")).await.problem(400, "malformed");
    }
    // Of nobody else.
    let mut other = Web::browser(&router);
    other.register(&auth, &outbox, "+79161234568").await;
    assert_eq!(other.get("/auth/messages").await.expect(200).json()["messages"], json!([]));
}
