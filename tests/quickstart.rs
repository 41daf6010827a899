//! The quickstart, as it stands in `examples/`, run.
#![cfg(feature = "axum")]
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    reason = "a test, and a program that is not started by it"
)]

#[path = "../examples/quickstart.rs"]
mod quickstart;

use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use propusk::{Client, Password, Step};
use std::net::SocketAddr;
use tower::ServiceExt;

#[tokio::test]
async fn a_handler_that_asks_for_a_session_gets_one_and_strangers_get_a_problem() {
    let auth = quickstart::auth().unwrap();
    let app = quickstart::app(auth.clone())
        .unwrap()
        .layer(Extension(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1)))));
    let request = Request::get("/").body(Body::empty()).unwrap();
    let stranger = app.clone().oneshot(request).await.unwrap();
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(stranger.headers()["content-type"], "application/problem+json");

    // The JSON routes are there as well.
    let body = r#"{"contact":"ivan@example.org","name":"Ivan","terms":"2026"}"#;
    let request = Request::post("/auth/sign-up")
        .header("origin", "http://localhost:8080")
        .header("content-type", "application/json")
        .body(Body::from(body))
        .unwrap();
    let begun = app.clone().oneshot(request).await.unwrap();
    let status = begun.status();
    let text = String::from_utf8(to_bytes(begun.into_body(), 10_000).await.unwrap().to_vec()).unwrap();
    assert_eq!(status, StatusCode::OK, "{text}");
    assert!(text.contains("email-code"), "{text}");

    let wrong =
        auth.visit(Client::unknown()).sign_in().with("ivan@example.org", Password::word("x")).await.unwrap();
    let Step::Refused(why) = wrong else { unreachable!("nobody is registered") };
    assert_eq!(why.code.as_str(), "wrong");
}
