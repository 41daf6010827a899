//! The example `second_factor`, as it stands in `examples/`, run: registered, an authenticator enrolled, signed in by
//! both factors, and still signed in after a restart.
#![cfg(all(feature = "axum", feature = "sqlite"))]
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test, and a program that is not started by it"
)]

#[cfg(feature = "openapi")]
#[path = "common/described.rs"]
mod described;
#[path = "common/otp.rs"]
mod otp;
#[path = "common/site.rs"]
mod portal;
#[path = "../examples/second_factor.rs"]
mod second_factor;
#[path = "common/web.rs"]
mod web;

use portal::{Outbox, WORD};
use propusk::Auth;
use propusk::clock::{Clock, SystemClock};
use serde_json::{Value, json};
use web::{Reply, Web};

const EMAIL: &str = "ivan@example.org";
const ORIGIN: &str = "http://localhost:8080";

fn browser(auth: &Auth) -> Web {
    Web::browser(&second_factor::app(auth.clone()).unwrap()).with("origin", ORIGIN)
}

async fn answer(browser: &mut Web, flow: &Value, factor: &str, answer: Value) -> Reply {
    let asked = json!({ "flow": flow["flow"], "factor": factor, "answer": answer });
    browser.post("/auth/flow/answer", asked).await
}

#[tokio::test]
async fn a_password_and_a_code_of_the_application_sign_in() {
    let folder = std::env::temp_dir().join(format!("propusk-second-factor-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let outbox = Outbox::default();
    let auth = second_factor::auth(&folder, outbox.clone()).unwrap();
    browser(&auth).get("/").await.problem(401, "no_session");

    let mut home = browser(&auth);
    home.register(&auth, &outbox, EMAIL).await;
    // Adding takes as much as signing in: the password and the e-mail code, until there is an authenticator.
    let flow = home.post("/auth/enrol", json!({ "factor": "totp" })).await.expect(200).json();
    let flow = answer(&mut home, &flow, "password", json!({ "password": WORD })).await.expect(200).json();
    let begin = json!({ "flow": flow["flow"], "factor": "email-code" });
    let flow = home.post("/auth/flow/begin", begin).await.expect(200).json();
    let typed = json!({ "code": outbox.code(&auth).await });
    let flow = answer(&mut home, &flow, "email-code", typed).await.expect(200).json();
    let begin = json!({ "flow": flow["flow"], "factor": "totp" });
    let flow = home.post("/auth/flow/begin", begin).await.expect(200).json();
    let prompt = &flow["begun"]["prompt"];
    assert!(prompt["qr"].as_str().unwrap().contains("<svg"));
    let key = prompt["key"].as_str().unwrap().to_owned();
    // Good one step to either side: the test has half a minute.
    let step = otp::step(SystemClock.now());
    answer(&mut home, &flow, "totp", json!({ "code": otp::totp(&key, step) })).await.expect(200);

    let mut other = browser(&auth);
    let flow = other.sign_in(EMAIL, WORD).await.expect(200).json();
    other.get("/").await.problem(401, "no_session");
    answer(&mut other, &flow, "totp", json!({ "code": otp::totp(&key, step) }))
        .await
        .problem(409, "replayed");
    answer(&mut other, &flow, "totp", json!({ "code": otp::totp(&key, step + 1) })).await.expect(200);
    let reply = other.get("/").await.expect(200);
    let text = String::from_utf8(reply.body).unwrap();
    assert!(text.starts_with("You are ") && text.ends_with(", by pwd otp mfa"), "{text}");
    drop(auth);

    // The file and its keys are all there is.
    let auth = second_factor::auth(&folder, outbox).unwrap();
    other.router = second_factor::app(auth).unwrap();
    other.get("/").await.expect(200);
    other.delete("/auth/session").await.expect(204);
    other.get("/").await.problem(401, "no_session");
    std::fs::remove_dir_all(&folder).unwrap();
}
