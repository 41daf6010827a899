//! Bad input: a problem document with a stable code, no 5xx, nothing lost.

use std::time::Duration;

use axum::Router;
use axum::http::Method;
use propusk::{Auth, Profile, axum::router};
use serde_json::{Value, json};

use crate::portal::{Outbox, WORD, portal, portal_with};
use crate::web::{Reply, Web, by_password};

const PHONE: &str = "+79161234567";

async fn somebody() -> (Auth, Outbox, Router) {
    let (auth, outbox) = portal(Profile::nist_aal1());
    let router = router(auth.clone()).unwrap();
    Web::browser(&router).register(&auth, &outbox, PHONE).await;
    (auth, outbox, router)
}

/// The same document, headers and cookies, apart from what is random.
fn same(one: &Reply, other: &Reply) {
    assert_eq!((one.status, &one.body), (other.status, &other.body));
    let headers = |reply: &Reply| {
        let line = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
            let text = value.to_str().unwrap();
            match name.as_str() {
                "set-cookie" => {
                    let (pair, rest) = text.split_once("; ").unwrap();
                    let (cookie, value) = pair.split_once('=').unwrap();
                    ("set-cookie".to_owned(), format!("{cookie} {} {rest}", value.len()))
                }
                _ => (name.to_string(), text.to_owned()),
            }
        };
        reply.headers.iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(headers(one), headers(other));
}

#[tokio::test]
async fn a_known_and_an_unknown_name_are_answered_alike() {
    let (_, _, router) = somebody().await;
    for body in [
        |name: &str| by_password(name, "wrong"),
        |name: &str| by_password(name, ""),
        |name: &str| by_password(name, &"x".repeat(5000)),
        |name: &str| json!({ "identifier": name, "factor": "password", "answer": 7 }),
        |name: &str| json!({ "identifier": name, "factor": "nothing", "answer": {} }),
    ] {
        let known = Web::browser(&router).post("/auth/sign-in", body(PHONE)).await;
        let unknown = Web::browser(&router).post("/auth/sign-in", body("+79169999999")).await;
        assert!(known.status.is_client_error());
        same(&known, &unknown);
    }
    let start = |name: &str| json!({ "identifier": name });
    let known = Web::browser(&router).post("/auth/sign-in", start(PHONE)).await.expect(200);
    let unknown = Web::browser(&router).post("/auth/sign-in", start("+79169999999")).await.expect(200);
    assert_eq!(known.json()["offers"], unknown.json()["offers"]);
    assert_eq!(known.body.len(), unknown.body.len());
}

#[tokio::test]
async fn what_is_no_json_of_the_expected_form_is_malformed() {
    let (_, _, router) = somebody().await;
    let mut browser = Web::browser(&router);
    let depth = |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000));
    let full = by_password(PHONE, WORD).to_string();
    let bodies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"{".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"\"\"".to_vec(),
        b"{}{}".to_vec(),
        b"{\"answer\":1}".to_vec(),
        b"\xff\xfe".to_vec(),
        b"{\"identifier\":\"\xff\"}".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        depth("[", "]").into_bytes(),
        depth("{\"a\":", "}").into_bytes(),
        br#"{"identifier":7}"#.to_vec(),
        br#"{"identifier":["a"]}"#.to_vec(),
        br#"{"identifier":"\ud800"}"#.to_vec(),
        br#"{"identifier":"a","identifier":"b"}"#.to_vec(),
        br#"{"identifier":"a","Identifier":"b"}"#.to_vec(),
        br#"{"identifier":"a","admin":true}"#.to_vec(),
        br#"{"identifier":"a","public_device":"yes"}"#.to_vec(),
        br#"{"identifier":"a","factor":1}"#.to_vec(),
        br#"{"identifier":"a","answer":{}}"#.to_vec(),
        br#"{"identifier":"a","__proto__":{}}"#.to_vec(),
        format!("{full} x").into_bytes(),
        (0..5000).map(|at| format!("{{\"k{at}\":")).collect::<String>().into_bytes(),
    ];
    for path in ["sign-up", "sign-in", "change", "enrol", "approvals", "flow/begin", "flow/answer"] {
        for body in &bodies {
            if path == "sign-in" && body == b"{}" {
                continue;
            }
            let reply = browser.raw(Method::POST, &format!("/auth/{path}"), body.clone()).await;
            let reply = reply.problem(400, "malformed");
            assert!(reply.body.len() < 400, "nothing of what was sent comes back");
        }
    }
    browser.sign_in(PHONE, WORD).await.expect(200);
}

#[tokio::test]
async fn answers_are_parsed_by_their_factor_alone_and_strictly() {
    let (auth, _, router) = somebody().await;
    let mut browser = Web::browser(&router);
    let before = auth.hashes().computed();
    for answer in [
        r#"7"#,
        r#""word""#,
        r#"[]"#,
        r#"{}"#,
        r#"{"password":7}"#,
        r#"{"password":null}"#,
        r#"{"password":["a"]}"#,
        r#"{"password":"\ud800"}"#,
        r#"{"password":"\udc00\ud800"}"#,
        r#"{"password":"a","password":"b"}"#,
        r#"{"password":"a","code":"1"}"#,
        r#"{"code":"123456"}"#,
        &format!(r#"{{"password":"{}"}}"#, "x".repeat(20_000)),
        &format!(r#"{{"password":{}1{}}}"#, "[".repeat(5000), "]".repeat(5000)),
    ] {
        let body = format!(r#"{{"identifier":"{PHONE}","factor":"password","answer":{answer}}}"#);
        let reply = browser.raw(Method::POST, "/auth/sign-in", body).await;
        reply.problem(422, "malformed_answer");
    }
    assert_eq!(auth.hashes().computed(), before, "nothing was hashed");
    // None of them was counted as a guess.
    for _ in 0..5 {
        browser.sign_in(PHONE, "wrong").await.problem(403, "wrong");
    }
    browser.sign_in(PHONE, WORD).await.expect(200);
}

#[tokio::test]
async fn names_that_deceive_are_refused_with_their_reason() {
    let (_, _, router) = somebody().await;
    let mut browser = Web::browser(&router);
    let long = "9".repeat(60_000);
    let cases: [(&str, &[&str]); 4] = [
        ("", &["identifier_empty", "empty"]),
        (&long, &["too_long", "identifier_too_long"]),
        ("ivan\u{0}@example.org", &[]),
        ("ivan\u{202e}@example.org", &[]),
    ];
    for (name, codes) in cases {
        for (path, body) in [
            ("/auth/sign-in", by_password(name, WORD)),
            ("/auth/sign-up", json!({ "contact": name, "name": "Иван", "terms": "1" })),
        ] {
            let reply = browser.post(path, body).await.expect(422);
            let code = reply.text("code");
            assert!(codes.is_empty() || codes.contains(&code.as_str()), "{code}");
        }
    }
    for (field, value, code) in [
        ("name", json!(""), "name"),
        ("name", json!("\u{202e}Иван"), "name"),
        ("name", json!("Иван\u{0}"), "name"),
        ("name", json!("я".repeat(20_000)), "name"),
        ("terms", json!(""), "terms"),
        ("terms", json!("1".repeat(1000)), "terms"),
        ("contact", json!("ivan_petrov"), "contact_kind"),
    ] {
        let mut asked = json!({ "contact": "ivan@example.org", "name": "Иван", "terms": "1" });
        asked[field] = value;
        browser.post("/auth/sign-up", asked).await.problem(422, code);
    }
}

#[tokio::test]
async fn a_large_body_is_refused_before_it_is_read() {
    let (auth, _, router) = somebody().await;
    let mut browser = Web::browser(&router);
    let before = auth.hashes().computed();
    for body in [
        by_password(PHONE, &"x".repeat(10_000_000)).to_string(),
        by_password(&"9".repeat(1_000_000), WORD).to_string(),
        " ".repeat(64 * 1024 + 1),
    ] {
        browser.raw(Method::POST, "/auth/sign-in", body.clone()).await.problem(413, "too_large");
        let told = browser.clone().with("content-length", &body.len().to_string());
        told.clone().raw(Method::POST, "/auth/sign-in", body.clone()).await.problem(413, "too_large");
        let lied = browser.clone().with("content-length", "10");
        lied.clone().raw(Method::POST, "/auth/sign-in", body).await.problem(413, "too_large");
    }
    assert_eq!(auth.hashes().computed(), before);
    let room = format!("{}{}", by_password(PHONE, WORD), " ".repeat(60_000));
    browser.raw(Method::POST, "/auth/sign-in", room).await.expect(200);
}

#[tokio::test]
async fn flow_tokens_that_are_foreign_old_or_taken_are_gone() {
    let watch = crate::portal::Watch::new();
    let (auth, outbox) = portal_with(Profile::nist_aal1(), |builder| builder.clock(watch.clone()));
    let router = router(auth.clone()).unwrap();
    let mut browser = Web::browser(&router);
    browser.register(&auth, &outbox, PHONE).await;
    let answer = |flow: &str| json!({ "flow": flow, "factor": "password", "answer": { "password": WORD } });
    let mut start = async || -> String {
        browser.post("/auth/sign-in", json!({ "identifier": PHONE })).await.expect(200).text("flow")
    };
    let (flow, old) = (start().await, start().await);
    let gone = async |client: &mut Web, flow: &str| {
        client.post("/auth/flow/answer", answer(flow)).await.problem(410, "no_flow");
        client
            .post("/auth/flow/begin", json!({ "flow": flow, "factor": "sms-code" }))
            .await
            .problem(410, "no_flow");
    };
    // Another browser, with a binding of its own or with none; a program.
    let mut other = Web::browser(&router);
    gone(&mut other, &flow).await;
    other.post("/auth/sign-in", json!({ "identifier": PHONE })).await.expect(200);
    gone(&mut other, &flow).await;
    gone(&mut Web::program(&router), &flow).await;
    // Its own browser under tokens that are none.
    for strange in
        ["", " ", "null", "0", &flow[1..], &format!("{flow} "), &flow.to_lowercase(), &"A".repeat(43)]
    {
        gone(&mut browser, strange).await;
    }
    let session = browser.jar["__Host-propusk"].clone();
    gone(&mut browser, &session).await;
    let binding = browser.jar["__Host-propusk-flow"].clone();
    gone(&mut browser, &binding).await;
    // The right one, once.
    browser.post("/auth/flow/answer", answer(&flow)).await.expect(200);
    gone(&mut browser, &flow).await;
    watch.forward(Duration::from_secs(15 * 60));
    gone(&mut browser, &old).await;
}

#[tokio::test]
async fn a_session_is_opened_by_its_own_token_only() {
    let (_, _, router) = somebody().await;
    let mut browser = Web::browser(&router);
    let flow = browser.post("/auth/sign-in", json!({ "identifier": PHONE })).await.expect(200).text("flow");
    browser.sign_in(PHONE, WORD).await.expect(200);
    let jar = browser.jar.clone();
    for token in [&flow, &jar["__Host-propusk-flow"], &jar["__Host-propusk-browser"]] {
        let mut thief = Web::browser(&router);
        thief.jar.insert("__Host-propusk".to_owned(), token.clone());
        thief.get("/auth/session").await.problem(401, "no_session");
        Web::program(&router)
            .with("authorization", &format!("Bearer {token}"))
            .get("/auth/session")
            .await
            .problem(401, "no_session");
    }
    for blank in ["Bearer", "Bearer ", "Bearer  ", "bearer null", "Bearer \u{e9}", "Token x"] {
        let mut program = Web::program(&router).with("authorization", blank);
        program.get("/auth/session").await.problem(401, "no_session");
        program.post("/auth/change", json!({ "factor": "password" })).await.problem(401, "no_session");
    }
    // A bearer that is none is not made good by a cookie.
    browser.clone().with("authorization", "Bearer x").get("/auth/session").await.problem(401, "no_session");
    browser.get("/auth/session").await.expect(200);
}

#[tokio::test]
async fn random_bodies_never_break_anything() {
    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let (_, _, router) = somebody().await;
    let mut runner = TestRunner::deterministic();
    let words = prop_oneof![
        Just("identifier".to_owned()),
        Just("factor".to_owned()),
        Just("answer".to_owned()),
        Just("flow".to_owned()),
        Just("password".to_owned()),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        words.clone().prop_map(Value::from),
    ];
    let json = leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(words.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    let mut browser = Web::browser(&router);
    for round in 0..400_u32 {
        browser.peer.set_ip(std::net::Ipv4Addr::from(0x0a00_0000 + round / 50).into());
        let body = json.new_tree(&mut runner).unwrap().current();
        let path = ["sign-up", "sign-in", "change", "enrol", "approvals", "flow/begin", "flow/answer"]
            [round as usize % 7];
        let reply = browser.post(&format!("/auth/{path}"), body.clone()).await;
        assert!(!reply.status.is_server_error(), "{path} {body}");
    }
}
