//! Who may ask: every route with an unsafe method, against every way in which a request can be forged.

use axum::Router;
use axum::body::Body;
use axum::http::Method;
use axum::routing::any;
use propusk::Profile;
use propusk::axum::{Asks, AuthHttp, MaybeSigned, Require, Signed, Visitor, router};
use propusk::policy::Requirement;

use crate::portal::{ORIGIN, WORD, portal};
use crate::web::{Web, by_password};

const PHONE: &str = "+79161234567";

const ROUTES: [(Method, &str); 11] = [
    (Method::POST, "/auth/sign-up"),
    (Method::POST, "/auth/sign-in"),
    (Method::POST, "/auth/change"),
    (Method::POST, "/auth/enrol"),
    (Method::POST, "/auth/approvals"),
    (Method::POST, "/auth/flow/begin"),
    (Method::POST, "/auth/flow/answer"),
    (Method::DELETE, "/auth/session"),
    (Method::DELETE, "/auth/sessions"),
    (Method::DELETE, "/auth/sessions/00000000-0000-0000-0000-000000000000"),
    (Method::POST, "/auth/of-tomorrow"),
];

/// Origin (several: one header each), Sec-Fetch-Site; an empty text is not sent.
const FORGED: [(&[&str], &str); 17] = [
    (&[], ""),
    (&[], "same-origin"),
    (&[], "cross-site"),
    (&["null"], ""),
    (&["null"], "same-origin"),
    (&["https://evil.example"], ""),
    (&["http://portal.example"], ""),
    (&["https://portal.example:8443"], ""),
    (&["https://portal.example:443"], ""),
    (&["https://sub.portal.example"], ""),
    (&["https://portal.example.evil.example"], ""),
    (&["https://PORTAL.example"], ""),
    (&["https://portal.example/"], ""),
    (&["https://portal.example", "https://evil.example"], ""),
    (&[ORIGIN], "cross-site"),
    (&[ORIGIN], "same-site"),
    (&[ORIGIN], "none"),
];

async fn signed_in() -> (Router, Web) {
    let (auth, outbox) = portal(Profile::nist_aal1());
    let router = router(auth.clone()).unwrap();
    let mut browser = Web::browser(&router);
    browser.register(&auth, &outbox, PHONE).await;
    (router, browser)
}

#[tokio::test]
async fn a_forged_request_is_refused_on_every_route() {
    let (_, mut browser) = signed_in().await;
    let mut cells = 0;
    for (method, path) in ROUTES {
        for (origins, site) in FORGED {
            let forged = browser.clone().with("origin", "").with("sec-fetch-site", site);
            let mut request = forged.request(method.clone(), path);
            for origin in origins {
                request = request.header("origin", *origin);
            }
            let request = request.body(Body::from(by_password(PHONE, WORD).to_string())).unwrap();
            let reply = browser.clone().send(request).await.problem(403, "origin");
            assert!(reply.headers.get("set-cookie").is_none(), "login CSRF: {origins:?} {site}");
            cells += 1;
        }
    }
    assert_eq!(cells, ROUTES.len() * FORGED.len());
    browser.get("/auth/session").await.expect(200);
    browser.sign_in(PHONE, WORD).await.expect(200);
    let reply = browser.with("sec-fetch-site", "").delete("/auth/session").await;
    reply.expect(204);
}

#[derive(Debug)]
struct Anything;

impl Asks for Anything {
    const ASKS: Requirement = Requirement::NONE;
}

/// ATTACKS 63: an application's handler that takes a session has looked where the request came from.
#[tokio::test]
async fn an_applications_own_handler_lends_no_session_to_another_site() {
    let (auth, outbox) = portal(Profile::nist_aal1());
    let http = AuthHttp::new(auth.clone()).unwrap();
    let gated = http.require(Requirement::NONE, Router::new().route("/gated", any(async || "done")));
    let router = Router::new()
        .route("/signed", any(async |_: Signed| "done"))
        .route("/maybe", any(async |_: MaybeSigned| "done"))
        .route("/require", any(async |_: Require<Anything>| "done"))
        .route("/visitor", any(async |_: Visitor| "done"))
        .merge(gated)
        .with_state(http.clone())
        .merge(http.router());
    let mut browser = Web::browser(&router);
    browser.register(&auth, &outbox, PHONE).await;
    let mut program = Web::program(&router);
    let token = program.sign_in(PHONE, WORD).await.expect(200).text("token");
    // Nothing is lent to who brings nothing.
    let nobody = Web::browser(&router).with("origin", "https://pay.example");
    nobody.clone().raw(Method::POST, "/maybe", "").await.expect(200);
    nobody.clone().raw(Method::POST, "/visitor", "").await.problem(403, "origin");
    let program = program.with("authorization", &format!("Bearer {token}"));
    let methods = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    for path in ["/signed", "/maybe", "/require", "/visitor", "/gated"] {
        for method in &methods {
            for (origins, site) in FORGED {
                let forged = browser.clone().with("origin", "").with("sec-fetch-site", site);
                let mut request = forged.request(method.clone(), path);
                for origin in origins {
                    request = request.header("origin", *origin);
                }
                let request = request.body(Body::empty()).unwrap();
                browser.clone().send(request).await.problem(403, "origin");
            }
            browser.clone().raw(method.clone(), path, "").await.expect(200);
            program.clone().raw(method.clone(), path, "").await.expect(200);
        }
        // A GET by its method, and a way to act for whoever opens it.
        let socket = browser.clone().with("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        socket.clone().get(path).await.expect(200);
        socket.with("origin", "https://sub.portal.example").get(path).await.problem(403, "origin");
        // To read is no harm: what another site's script asks for, it does not get to see.
        browser.clone().with("origin", "https://evil.example").get(path).await.expect(200);
    }
}

#[tokio::test]
async fn a_program_needs_a_header_that_no_other_site_can_send_and_no_cookies() {
    let (router, browser) = signed_in().await;
    let program = Web::program(&router);
    program.clone().sign_in(PHONE, WORD).await.expect(200);
    program.clone().with("propusk-binding", "").sign_in(PHONE, WORD).await.problem(403, "origin");
    program.clone().with("sec-fetch-site", "cross-site").sign_in(PHONE, WORD).await.problem(403, "origin");
    program.clone().with("sec-fetch-site", "same-origin").sign_in(PHONE, WORD).await.problem(403, "origin");
    for origin in ["null", "https://evil.example", "capacitor://localhost"] {
        program.clone().with("origin", origin).sign_in(PHONE, WORD).await.problem(403, "origin");
    }
    for name in ["__Host-propusk", "__Host-propusk-flow", "__Host-propusk-browser"] {
        let mut mixed = program.clone();
        mixed.jar.insert(name.to_owned(), "x".to_owned());
        mixed.sign_in(PHONE, WORD).await.problem(403, "origin");
    }
    let mut balanced = program.clone();
    balanced.jar.insert("AWSALB".to_owned(), "x".to_owned());
    balanced.sign_in(PHONE, WORD).await.expect(200);
    // A password of a proxy in front is no authority of ours.
    let basic = program.clone().with("propusk-binding", "").with("authorization", "Basic eDp5");
    basic.clone().sign_in(PHONE, WORD).await.problem(403, "origin");
    drop(browser);
}

#[tokio::test]
async fn a_page_of_the_site_cannot_make_a_browser_show_its_token() {
    let (_, mut browser) = signed_in().await;
    // What a script that was injected into the site could send.
    for value in ["new", "x"] {
        let mut script = browser.clone().with("propusk-binding", value);
        let json = script.sign_in(PHONE, WORD).await.expect(200).json();
        assert!(json.get("token").is_none() && json.get("binding").is_none());
        // A browser has one jar, whoever in it asks.
        browser.jar = script.jar;
    }
    browser.get("/auth/session").await.expect(200);
}

#[tokio::test]
async fn safe_methods_change_nothing() {
    let (_, mut browser) = signed_in().await;
    for path in ["/auth/session", "/auth/sessions", "/auth/history"] {
        for method in [Method::GET, Method::HEAD] {
            let reply = browser.clone().with("origin", "https://evil.example").raw(method, path, "").await;
            assert!(reply.expect(200).headers.get("set-cookie").is_none());
        }
        browser.raw(Method::OPTIONS, path, "").await.problem(405, "method");
    }
    for header in ["x-http-method-override", "x-http-method", "x-method-override"] {
        browser.clone().with(header, "DELETE").get("/auth/session").await.expect(200);
    }
    browser.get("/auth/session?_method=DELETE").await.expect(200);
    browser.get("/auth/session").await.expect(200);
}

#[tokio::test]
async fn forms_cannot_speak_json() {
    let (_, browser) = signed_in().await;
    let types = [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "text/plain; application/json",
        "json",
    ];
    for kind in types {
        browser.clone().with("content-type", kind).sign_in(PHONE, WORD).await.problem(415, "media_type");
    }
    for kind in ["application/json; charset=utf-8", "Application/JSON", "application/json ;charset=x"] {
        browser.clone().with("content-type", kind).sign_in(PHONE, WORD).await.expect(200);
    }
    browser.clone().with("content-encoding", "gzip").sign_in(PHONE, WORD).await.problem(415, "media_type");
    let two = browser.request(Method::POST, "/auth/sign-in").header("content-type", "text/plain");
    let two = two.body(Body::from(by_password(PHONE, WORD).to_string())).unwrap();
    browser.clone().send(two).await.problem(415, "media_type");
}
