//! Rows of the list of known failures that are met at the HTTP door: 55, 63, 69, 70, 71, 73.
//!
//! Each test shows beside the refusal that the right request still works.

use axum::body::Body;
use axum::http::Method;
use proptest::prelude::*;
use propusk::axum::{ReturnTo, router};
use propusk::{Auth, Profile};
use serde_json::json;
use url::Url;

use crate::portal::{ORIGIN, Outbox, WORD, portal};
use crate::web::{Web, by_password};

const PHONE: &str = "+79161234567";
const ALLOWED: [&str; 2] = ["https://app.example", "https://app.example:8443"];

async fn somebody() -> (Auth, Outbox, Web) {
    let (auth, outbox) = portal(Profile::nist_aal1());
    let mut browser = Web::browser(&router(auth.clone()).unwrap());
    browser.register(&auth, &outbox, PHONE).await;
    (auth, outbox, browser)
}

/// Row 55 (CVE-2019-16109): a blank token matched a blank column.
#[tokio::test]
async fn row_55_a_blank_token_opens_nothing() {
    let (_, _, mut mine) = somebody().await;
    let blanks = ["", " ", "\t", "%00", "null", "0", "undefined", "-", "=", ".", "\"\""];
    let zeros = ["A".repeat(43), "A".repeat(54)];
    for blank in blanks.into_iter().chain(zeros.iter().map(String::as_str)) {
        let mut thief = Web::browser(&mine.router);
        for name in ["__Host-propusk", "__Host-propusk-flow", "__Host-propusk-browser"] {
            thief.jar.insert(name.to_owned(), blank.to_owned());
        }
        thief.clone().get("/auth/session").await.problem(401, "no_session");
        thief.clone().delete("/auth/sessions").await.problem(401, "no_session");
        let begin = json!({ "flow": blank, "factor": "password" });
        thief.clone().post("/auth/flow/begin", begin).await.problem(410, "no_flow");
        let answer = json!({ "flow": blank, "factor": "password", "answer": { "password": WORD } });
        thief.clone().post("/auth/flow/answer", answer).await.problem(410, "no_flow");
        let mut program = Web::program(&mine.router).with("authorization", &format!("Bearer {blank}"));
        program.get("/auth/session").await.problem(401, "no_session");
        mine.delete(&format!("/auth/sessions/{}", blank.trim().replace('"', "%22"))).await;
    }
    mine.get("/auth/session").await.expect(200);
}

/// Row 63 (CVE-2015-9284, CVE-2012-6134, CVE-2021-41275): a sign-in begun by a GET, or posted from another site.
#[tokio::test]
async fn row_63_no_other_site_signs_anybody_in_or_out() {
    let (auth, outbox, mut victim) = somebody().await;
    let mut mallory = Web::browser(&victim.router);
    mallory.register(&auth, &outbox, "mallory@example.org").await;
    let mine = victim.get("/auth/session").await.text("account");
    for origin in ["", "null", "https://evil.example", "https://evil.portal.example", "http://portal.example"]
    {
        for site in ["", "cross-site", "same-site"] {
            let forged = victim.clone().with("origin", origin).with("sec-fetch-site", site);
            // Signed in as Mallory, the victim would type secrets into Mallory's account.
            forged.clone().sign_in("mallory@example.org", WORD).await.problem(403, "origin");
            forged.clone().delete("/auth/session").await.problem(403, "origin");
            forged.clone().delete("/auth/sessions").await.problem(403, "origin");
            let change = json!({ "factor": "password", "answer": { "password": WORD } });
            forged.clone().post("/auth/change", change).await.problem(403, "origin");
        }
    }
    // A form can be made to look like JSON, but not with its content type; a GET starts nothing.
    let form = victim.clone().with("content-type", "text/plain");
    form.clone().sign_in("mallory@example.org", WORD).await.problem(415, "media_type");
    let query = "/auth/sign-in?identifier=mallory@example.org&factor=password";
    assert!(victim.get(query).await.problem(405, "method").headers.get("set-cookie").is_none());
    assert_eq!(victim.get("/auth/session").await.text("account"), mine);
    victim.sign_in(PHONE, WORD).await.expect(200);
}

/// Row 69 (CVE-2021-30185, CVE-2017-9303, CVE-2026-27812): a link or a message built from the Host header.
#[tokio::test]
async fn row_69_no_header_changes_a_message_or_a_reply() {
    let hostile: [(&str, &str); 8] = [
        ("host", "evil.example"),
        ("host", "portal.example@evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-server", "evil.example"),
        ("x-original-url", "//evil.example/"),
        ("forwarded", "host=evil.example;proto=http"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-port", "666"),
    ];
    let mut seen = Vec::new();
    for header in std::iter::once(None).chain(hostile.iter().map(Some)) {
        let (auth, outbox) = portal(Profile::nist_aal1());
        let mut browser = Web::browser(&router(auth.clone()).unwrap());
        let asked = json!({ "contact": PHONE, "name": "Иван", "terms": "1" });
        let request = browser.request(Method::POST, "/auth/sign-up");
        let request = match header {
            Some((name, value)) => request.header(*name, *value),
            None => request.header("host", "portal.example"),
        };
        let reply = browser.send(request.body(Body::from(asked.to_string())).unwrap()).await.expect(200);
        let sent = outbox.all(&auth).await.pop().unwrap();
        let code = sent.param("code").unwrap().to_owned();
        let text = sent.text();
        let (mut json, body) = (reply.json(), text.body.replace(&code, "CODE"));
        json["flow"] = json!(null);
        json["expires_in"] = json!(null);
        let mut names: Vec<_> = reply.headers.keys().map(|name| name.as_str().to_owned()).collect();
        names.sort();
        assert!(body.contains("@portal.example"), "{body}");
        seen.push((json, text.subject, body, names));
        let answer = json!({ "flow": reply.text("flow"), "factor": "sms-code", "answer": { "code": code } });
        browser.post("/auth/flow/answer", answer).await.expect(200);
    }
    assert_eq!(seen.len(), 9);
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
}

/// Where a browser goes: by the WHATWG's parser, from a page of the site.
fn lands(target: &str) -> String {
    let page = Url::parse(&format!("{ORIGIN}/auth/return")).unwrap();
    page.join(target).unwrap().origin().ascii_serialization()
}

/// Row 70 (CVE-2018-19790, CVE-2021-32805, CVE-2023-49438, CVE-2025-67713): an open redirect after sign-in.
#[test]
fn row_70_a_sign_in_never_ends_on_another_site() {
    let evil = [
        "",
        "e",
        "//e",
        "///e",
        "////e",
        "/\\e",
        "\\/e",
        "\\\\e",
        "/\\/e",
        "https:e",
        "https:/e",
        "https://e",
        "http://e",
        "HTTPS://e",
        "//e@portal.example",
        "https://portal.example@e",
        "https://portal.example",
        "%2f%2fe",
        "/%2fe",
        "/%2f%2fe",
        "/%5ce",
        "/%5C%5Ce",
        "\t//e",
        "/\t/e",
        "/\n/e",
        "/\r\n/e",
        " //e",
        "//e ",
        "/ /e",
        "/\u{b}/e",
        "/\0/e",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "blob:https://e/x",
        "file:///etc/passwd",
        "ftp://e",
        "mailto:e@e",
        "//\u{2215}e",
        "/\u{2215}e",
        "/\u{2044}/e",
        "/\u{ff0f}e",
        "\u{ff0f}\u{ff0f}e",
        "/\u{3002}e",
        "/\u{200b}/e",
        "/.//e",
        "/..//e",
        "/a//e",
        "/inbox\r\nSet-Cookie: a=b",
        "https://app.example.evil.example",
        "https://app.example@evil.example",
        "https://app.example:80@e",
        "https://app.example:9",
        "https://app.exampleevil",
        "https://app.example\\@e",
        "https://app.example%2fe",
        "https://app.example//e",
        "https://app.example\u{2e}e",
        "http://app.example",
        "//app.example",
        "?//e",
        "#//e",
        "@e",
        ".e",
        "/<script>",
        "/\"x",
    ];
    for target in evil {
        assert_eq!(ReturnTo::parse(target, &ALLOWED), None, "{target:?}");
    }
    let good = [
        "/",
        "/inbox",
        "/inbox?page=2&q=%D1%8F",
        "/a/b/c#part",
        "/@ivan",
        "/a:b",
        "/search?to=https://e",
        "/x?y=//e",
        "https://app.example",
        "https://app.example/",
        "https://app.example/a?b#c",
        "https://app.example:8443/",
    ];
    for target in good {
        let read = ReturnTo::parse(target, &ALLOWED).unwrap_or_else(|| panic!("{target}"));
        assert_eq!(read.as_str(), target);
        assert!([ORIGIN, ALLOWED[0], ALLOWED[1]].contains(&lands(target).as_str()), "{target}");
    }
    assert_eq!(ReturnTo::parse("https://app.example/", &[]), None);
    assert_eq!(ReturnTo::parse(&format!("/{}", "a".repeat(10_000_000)), &ALLOWED), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// Rows 70 and 71 (CVE-2022-31093): whatever is asked for, nothing panics, and what is accepted stays at home.
    #[test]
    fn row_71_no_target_panics_and_none_leads_away(
        target in prop_oneof![
            any::<String>(),
            // Built of the parts that parsers quarrel about.
            prop::collection::vec(prop_oneof![
                Just("/"), Just("\\"), Just("e"), Just(":"), Just("@"), Just("https:"), Just("portal.example"), Just("."),
                Just("%2f"), Just("%5C"), Just("\t"), Just("\n"), Just("?"), Just("#"), Just("["), Just("\u{ff0f}"), Just(" "),
                Just("https://app.example"), Just(";"), Just("javascript:"),
            ], 0..8).prop_map(|parts| parts.concat()),
        ],
    ) {
        if let Some(target) = ReturnTo::parse(&target, &ALLOWED) {
            let origin = lands(target.as_str());
            prop_assert!([ORIGIN, ALLOWED[0], ALLOWED[1]].contains(&origin.as_str()), "{:?} {}", target, origin);
            prop_assert!(target.as_str().is_ascii());
        }
    }
}

/// Row 73 (CVE-2013-1443, CVE-2013-5750, CVE-2013-5958, CVE-2026-24458): megabytes of password, hashed.
#[tokio::test]
async fn row_73_a_long_password_is_refused_before_it_is_hashed() {
    let (auth, _, mut browser) = somebody().await;
    let before = auth.hashes().computed();
    for (len, status, code) in [
        (10_000_000, 413, "too_large"),
        (70_000, 413, "too_large"),
        (60_000, 422, "malformed_answer"),
        (5_000, 422, "malformed_answer"),
    ] {
        for name in [PHONE, "+79169999999"] {
            browser.sign_in(name, &"x".repeat(len)).await.problem(status, code);
        }
    }
    // As a new password, too.
    let right = json!({ "factor": "password", "answer": { "password": WORD } });
    let flow = browser.post("/auth/change", right).await.expect(200).text("flow");
    assert_eq!(auth.hashes().computed(), before + 1, "the old one, and nothing else");
    for len in [10_000_000, 60_000, 5_000] {
        let new = json!({ "flow": flow, "factor": "password", "answer": { "password": "x".repeat(len) } });
        let reply = browser.post("/auth/flow/answer", new).await;
        assert!(reply.status.is_client_error());
    }
    assert_eq!(auth.hashes().computed(), before + 1);
    browser.post("/auth/sign-in", by_password(PHONE, WORD)).await.expect(200);
}
