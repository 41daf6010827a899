//! The examples that a newcomer tries, as they stand in `examples/`, run and walked. What their pages do in a browser:
//! `tests/browser/examples`.
#![cfg(all(feature = "axum", feature = "passkey", feature = "sqlite"))]
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test, and programs that are not started by it"
)]

#[path = "../common/authenticator.rs"]
mod authenticator;
#[cfg(feature = "openapi")]
#[path = "../common/described.rs"]
mod described;
#[path = "../common/otp.rs"]
mod otp;
#[path = "../common/site.rs"]
mod portal;
#[path = "../common/web.rs"]
mod web;

#[path = "../../examples/passkey_only.rs"]
mod passkey_only;
#[path = "../../examples/single_page.rs"]
mod single_page;
#[path = "../../examples/user_table.rs"]
mod user_table;

mod joined;
mod keys;
mod pages;
mod served;

use axum::Router;
use portal::Outbox;
use propusk::Auth;
use serde_json::{Value, json};
use web::{Reply, Web};

const EMAIL: &str = "ivan@example.org";
const ORIGIN: &str = "http://localhost:8080";

fn browser(app: &Router) -> Web {
    Web::browser(app).with("origin", ORIGIN)
}

async fn answer(browser: &mut Web, flow: &Value, factor: &str, answer: Value) -> Reply {
    let asked = json!({ "flow": flow["flow"], "factor": factor, "answer": answer });
    browser.post("/auth/flow/answer", asked).await
}

async fn begin(browser: &mut Web, flow: &Value, factor: &str) -> Value {
    let asked = json!({ "flow": flow["flow"], "factor": factor });
    browser.post("/auth/flow/begin", asked).await.expect(200).json()
}

/// Registers up to where the address is confirmed.
async fn confirmed(browser: &mut Web, auth: &Auth, outbox: &Outbox, email: &str) -> Value {
    let asked = json!({ "contact": email, "name": "Иван", "terms": "1" });
    let flow = browser.post("/auth/sign-up", asked).await.expect(200).json();
    let code = json!({ "code": outbox.code(auth).await });
    answer(browser, &flow, "email-code", code).await.expect(200).json()
}
