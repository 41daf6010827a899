//! What cookies look like, and which are believed.

use std::time::Duration;

use axum::Router;
use propusk::axum::{AuthHttp, router};
use propusk::{Auth, KeyRing, MemoryStore, Password, Profile, Site, danger};
use serde_json::json;

use crate::portal::{Outbox, WORD, portal, portal_with};
use crate::web::{Web, by_password};

const PHONE: &str = "+79161234567";
const HOST: [&str; 4] = ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"];
const DAY: u64 = 24 * 3600;

async fn somebody() -> (Auth, Outbox, Router) {
    let (auth, outbox) = portal(Profile::nist_aal1());
    let router = router(auth.clone()).unwrap();
    Web::browser(&router).register(&auth, &outbox, PHONE).await;
    (auth, outbox, router)
}

#[tokio::test]
async fn cookies_are_host_only_and_live_as_long_as_what_they_stand_for() {
    let (_, _, router) = somebody().await;
    let mut browser = Web::browser(&router);
    let reply = browser.sign_in(PHONE, WORD).await.expect(200);
    assert_eq!(reply.cookie("__Host-propusk-flow").unwrap(), HOST);
    let with_age = |days: u64| [&HOST[..], &[&*format!("Max-Age={}", days * DAY)]].concat().join(" ");
    assert_eq!(reply.cookie("__Host-propusk").unwrap().join(" "), with_age(30));
    assert_eq!(reply.cookie("__Host-propusk-browser").unwrap().join(" "), with_age(180));
    // The next flow of the same browser sets no second binding.
    let reply = browser.sign_in(PHONE, WORD).await.expect(200);
    assert!(reply.cookie("__Host-propusk-flow").is_none());
}

#[tokio::test]
async fn somebody_elses_device_keeps_nothing_beyond_its_own_life() {
    let (_, _, router) = somebody().await;
    let mut asked = by_password(PHONE, WORD);
    asked["public_device"] = json!(true);
    let mut browser = Web::browser(&router);
    let reply = browser.post("/auth/sign-in", asked).await.expect(200);
    assert_eq!(reply.cookie("__Host-propusk").unwrap(), HOST, "no Max-Age: gone with the browser");
    assert!(reply.cookie("__Host-propusk-browser").is_none(), "the browser is not remembered");
    browser.get("/auth/session").await.expect(200);
}

/// ASVS 5.0 7.2.4: who signs in anew has one session, not one that is forgotten in the browser and lives on.
#[tokio::test]
async fn a_sign_in_ends_the_session_that_the_browser_came_with() {
    let (auth, outbox, router) = somebody().await;
    let mut browser = Web::browser(&router);
    let before = async |browser: &mut Web| {
        let mut copy = Web::browser(&router);
        copy.jar.clone_from(&browser.jar);
        copy.get("/auth/session").await.expect(200);
        copy
    };
    browser.sign_in(PHONE, WORD).await.expect(200);
    let mut copied = before(&mut browser).await;
    browser.sign_in(PHONE, "wrong wrong wrong").await.problem(403, "wrong");
    copied.get("/auth/session").await.expect(200);
    browser.sign_in(PHONE, WORD).await.expect(200);
    copied.get("/auth/session").await.problem(401, "no_session");
    // Another person's, too.
    let mut copied = before(&mut browser).await;
    browser.register(&auth, &outbox, "petrov@example.org").await;
    copied.get("/auth/session").await.problem(401, "no_session");
    browser.get("/auth/session").await.expect(200);
}

#[tokio::test]
async fn a_browser_stays_known_after_a_sign_out_and_for_five_accounts() {
    let (auth, outbox) = portal(Profile::nist_aal1());
    let router = router(auth.clone()).unwrap();
    let mut browser = Web::browser(&router);
    let mut first = String::new();
    for at in 0..6 {
        browser.register(&auth, &outbox, &format!("person{at}@example.org")).await;
        browser.delete("/auth/session").await.expect(204);
        let tokens = browser.jar["__Host-propusk-browser"].clone();
        assert_eq!(tokens.split('.').count(), (at + 1).min(5));
        if at == 0 {
            first = tokens;
        } else {
            assert_eq!(tokens.contains(&first), at < 5, "the oldest gives way");
        }
    }
    // A known browser is let in where a stranger is held.
    let name = "person5@example.org";
    for _ in 0..6 {
        Web::browser(&router).sign_in(name, "wrong").await;
    }
    Web::browser(&router).sign_in(name, WORD).await.problem(429, "held");
    browser.sign_in(name, WORD).await.expect(200);
}

#[tokio::test]
async fn two_session_cookies_of_one_name_are_none() {
    let (auth, outbox, router) = somebody().await;
    let (mut mine, mut planted) = (Web::browser(&router), Web::browser(&router));
    mine.sign_in(PHONE, WORD).await.expect(200);
    planted.register(&auth, &outbox, "mallory@example.org").await;
    let (good, bad) = (mine.jar["__Host-propusk"].clone(), planted.jar["__Host-propusk"].clone());
    let get = |cookies: Vec<String>| {
        let (router, cookies) = (router.clone(), cookies.clone());
        async move {
            let mut client = Web::browser(&router);
            let mut request = client.request(axum::http::Method::GET, "/auth/session");
            for line in cookies {
                request = request.header("cookie", line);
            }
            client.send(request.body(axum::body::Body::empty()).unwrap()).await
        }
    };
    let name = "__Host-propusk";
    get(vec![format!("{name}={good}")]).await.expect(200);
    get(vec![format!("{name}={good}; {name}={good}")]).await.expect(200);
    for pair in [[&good, &bad], [&bad, &good]] {
        get(vec![format!("{name}={}; {name}={}", pair[0], pair[1])]).await.problem(401, "no_session");
        get(vec![format!("{name}={}", pair[0]), format!("{name}={}", pair[1])])
            .await
            .problem(401, "no_session");
    }
    get(vec![format!("{name}=; {name}={good}")]).await.problem(401, "no_session");
    // Other cookies hide nothing, whatever stands in them.
    get(vec![format!("a=\"b;c; =; ;;; d; propusk={bad}; x{name}={bad}; {name}={good}")]).await.expect(200);
}

#[tokio::test]
async fn tossed_cookies_never_break_anything() {
    let (_, _, router) = somebody().await;
    let strange: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"=".to_vec(),
        b";;;;".to_vec(),
        b"__Host-propusk".to_vec(),
        b"__Host-propusk=".to_vec(),
        b"__Host-propusk= ".to_vec(),
        b"__Host-propusk=\xff\xfe".to_vec(),
        b"\xff=\xff; __Host-propusk-flow=\xff; __Host-propusk-browser=\xff".to_vec(),
        format!("__Host-propusk={}", "A".repeat(100_000)).into_bytes(),
        format!("__Host-propusk-browser={}", ".".repeat(10_000)).into_bytes(),
        format!("__Host-propusk-flow={}", "A".repeat(43)).into_bytes(),
        format!("__Host-propusk={}", "A".repeat(54)).into_bytes(),
        "a=b; ".repeat(500).into_bytes(),
    ];
    for cookie in strange {
        let mut client = Web::browser(&router);
        let request = client.request(axum::http::Method::GET, "/auth/session").header("cookie", &cookie[..]);
        client.send(request.body(axum::body::Body::empty()).unwrap()).await.problem(401, "no_session");
        let request = client.request(axum::http::Method::POST, "/auth/sign-in").header("cookie", &cookie[..]);
        let body = by_password(PHONE, WORD).to_string();
        client.send(request.body(axum::body::Body::from(body)).unwrap()).await.expect(200);
    }
}

#[tokio::test]
async fn a_planted_session_cookie_is_replaced_at_sign_in() {
    let (_, _, router) = somebody().await;
    let mut browser = Web::browser(&router);
    browser.sign_in(PHONE, WORD).await.expect(200);
    let before = browser.jar["__Host-propusk"].clone();
    browser.sign_in(PHONE, WORD).await.expect(200);
    assert_ne!(browser.jar["__Host-propusk"], before);
}

#[tokio::test]
async fn cookies_of_a_site_at_localhost_may_be_insecure_and_no_others() {
    let build = |origin: &str, danger| {
        let (auth, outbox) =
            portal_with(Profile::nist_aal1(), |builder| builder.site(Site::new("Portal", origin)));
        AuthHttp::builder(auth.clone()).danger(danger).build().map(|http| (auth, outbox, http))
    };
    let (safe, weak) = (danger::Http::default(), danger::Http::insecure_cookies_on_localhost());
    for origin in ["http://localhost", "http://localhost:8080"] {
        assert!(build(origin, weak).is_ok() && build(origin, safe).is_ok());
    }
    assert!(
        build("https://portal.example", safe).is_ok() && build("https://portal.example:8443", safe).is_ok()
    );
    for origin in ["https://portal.example", "https://localhost"] {
        assert!(build(origin, weak).is_err(), "{origin}");
    }
    for origin in [
        "http://portal.example",
        "http://localhost.example",
        "http://localhost:",
        "http://localhost:x",
        "http://localhost:80",
        "https://portal.example:443",
        "https://Portal.example",
    ] {
        assert!(build(origin, weak).is_err() && build(origin, safe).is_err(), "{origin}");
    }
    let bare = Auth::builder(Profile::nist_aal1(), MemoryStore::default(), KeyRing::random());
    assert!(AuthHttp::new(bare.factor(Password::default()).build().unwrap()).is_err(), "no site");

    let (auth, outbox, http) = build("http://localhost:8080", weak).unwrap();
    let mut browser = Web::browser(&http.router()).with("origin", "http://localhost:8080");
    let reply = browser.register(&auth, &outbox, PHONE).await;
    assert_eq!(reply.cookie("propusk").unwrap()[..3], HOST[..3]);
    assert!(!reply.cookie("propusk").unwrap().contains(&"Secure".to_owned()));
    browser.get("/auth/session").await.expect(200);
}

#[tokio::test]
async fn a_session_ends_on_the_server_whatever_its_cookie_says() {
    let watch = crate::portal::Watch::new();
    let (auth, outbox) = portal_with(Profile::nist_aal1(), |builder| builder.clock(watch.clone()));
    let router = router(auth.clone()).unwrap();
    let mut browser = Web::browser(&router);
    browser.register(&auth, &outbox, PHONE).await;
    for _ in 0..5 {
        watch.forward(Duration::from_secs(6 * DAY - 1));
        browser.get("/auth/session").await.expect(200);
    }
    watch.forward(Duration::from_secs(5));
    browser.get("/auth/session").await.problem(401, "no_session");
}
