//! `single_page`: every call that its script makes, and what other sites are told.

use propusk::clock::{Clock, SystemClock};
use serde_json::json;

use crate::otp::{step, totp};
use crate::portal::Outbox;
use crate::{EMAIL, ORIGIN, answer, begin, browser, confirmed, single_page};

const WORD: &str = "Correct Horse 7 Batteries!";

#[tokio::test]
async fn the_calls_of_the_script_register_sign_in_and_sign_out() {
    let outbox = Outbox::default();
    let auth = single_page::auth(ORIGIN, outbox.clone()).unwrap();
    let app = single_page::app(auth.clone()).unwrap();
    let mut home = browser(&app);
    home.get("/auth/session").await.problem(401, "no_session");
    let flow = confirmed(&mut home, &auth, &outbox, EMAIL).await;
    let weak = answer(&mut home, &flow, "password", json!({ "password": "short" })).await;
    let weak = weak.problem(422, "unfit").json();
    assert!(weak["rules"].as_array().unwrap().iter().all(|rule| rule["text"].is_string()), "{weak}");
    answer(&mut home, &flow, "password", json!({ "password": WORD })).await.expect(200);

    let mut other = browser(&app);
    let asked = json!({ "identifier": EMAIL, "factor": "password", "answer": { "password": WORD } });
    let flow = other.post("/auth/sign-in", asked.clone()).await.expect(200).json();
    // What the script begins by itself: a message, masked.
    assert_eq!(
        flow["offers"],
        json!([{ "factor": "email-code", "enrols": false, "hint": "i***n@example.org" }])
    );
    begin(&mut other, &flow, "email-code").await;
    let code = json!({ "code": outbox.code(&auth).await });
    answer(&mut other, &flow, "email-code", code).await.expect(200);
    assert_eq!(other.get("/auth/session").await.expect(200).json()["amr"], json!(["pwd", "email", "mfa"]));

    // An authenticator, by the password and a code; then it is what the next sign-in asks for first.
    let flow = other.post("/auth/enrol", json!({ "factor": "totp" })).await.expect(200).json();
    let flow = answer(&mut other, &flow, "password", json!({ "password": WORD })).await.expect(200).json();
    begin(&mut other, &flow, "email-code").await;
    let code = json!({ "code": outbox.code(&auth).await });
    let flow = answer(&mut other, &flow, "email-code", code).await.expect(200).json();
    let begun = begin(&mut other, &flow, "totp").await;
    let prompt = &begun["begun"]["prompt"];
    assert!(prompt["qr"].as_str().unwrap().starts_with("<svg"));
    let key = prompt["key"].as_str().unwrap().to_owned();
    let now = step(SystemClock.now());
    answer(&mut other, &begun, "totp", json!({ "code": totp(&key, now) })).await.expect(200);
    let mut third = browser(&app);
    let flow = third.post("/auth/sign-in", asked).await.expect(200).json();
    assert_eq!(flow["offers"][0]["factor"], "totp");
    answer(&mut third, &flow, "totp", json!({ "code": totp(&key, now + 1) })).await.expect(200);

    // The application's own handler: its own site only, and its line in the history.
    third
        .clone()
        .with("origin", "https://evil.example")
        .post("/order", json!({}))
        .await
        .problem(403, "origin");
    browser(&app).post("/order", json!({})).await.problem(401, "no_session");
    third.post("/order", json!({})).await.expect(204);
    let history = third.get("/auth/history?limit=50").await.expect(200).json();
    let names: Vec<_> =
        history["events"].as_array().unwrap().iter().map(|event| event["name"].clone()).collect();
    assert_eq!(names[..2], [json!("shop:ordered"), json!("sign-in")]);
    assert_eq!(names.last().unwrap(), "sign-up");
    third.delete("/auth/session").await.expect(204);
    third.get("/auth/session").await.problem(401, "no_session");
}
