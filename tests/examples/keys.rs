//! `passkey_only`: a key at registration, a key at the sign-in, and nothing that could stand in for it.

use serde_json::{Value, json};

use crate::authenticator::{Device, PRESENT, VERIFIED};
use crate::portal::Outbox;
use crate::{EMAIL, ORIGIN, answer, begin, browser, confirmed, passkey_only};

fn options(begun: &Value) -> String {
    begun["begun"]["prompt"].to_string()
}

#[tokio::test]
async fn a_key_registers_and_a_key_signs_in() {
    let outbox = Outbox::default();
    let auth = passkey_only::auth(ORIGIN, outbox.clone()).unwrap();
    let app = passkey_only::app(auth.clone()).unwrap();
    let (mut home, mut key) = (browser(&app), Device::at(ORIGIN));
    let flow = confirmed(&mut home, &auth, &outbox, EMAIL).await;
    assert_eq!(flow["duty"], "enrol");
    let begun = begin(&mut home, &flow, "passkey").await;
    let asked = &begun["begun"]["prompt"];
    // The address is confirmed: the device may show it in its list of keys.
    assert_eq!((&asked["user"]["name"], &asked["rp"]["id"]), (&json!(EMAIL), &json!("localhost")));
    assert_eq!(asked["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(asked["authenticatorSelection"]["userVerification"], "required");

    // A key that does not ask for its PIN, or that could not be found without a name, would leave its owner outside.
    key.flags = PRESENT;
    answer(&mut home, &begun, "passkey", key.create(&options(&begun))).await.problem(403, "wrong");
    key.flags = PRESENT | VERIFIED;
    let mut hidden = key.create(&options(&begun));
    hidden["clientExtensionResults"]["credProps"]["rk"] = json!(false);
    answer(&mut home, &begun, "passkey", hidden).await.problem(403, "wrong");
    let done = answer(&mut home, &begun, "passkey", key.create(&options(&begun))).await.expect(200).json();
    assert_eq!((&done["status"], &done["session"]["aal"]), (&json!("done"), &json!(3)));
    assert_eq!(home.get("/auth/factors").await.expect(200).json()["factors"][0]["factor"], "passkey");
    home.delete("/auth/session").await.expect(204);
    home.get("/auth/session").await.problem(401, "no_session");

    // No name is typed, on a device that was never here.
    let mut other = browser(&app);
    let begun = other.post("/auth/sign-in", json!({ "factor": "passkey" })).await.expect(200).json();
    let end = answer(&mut other, &begun, "passkey", key.get(&options(&begun))).await.expect(200).json();
    assert_eq!(end["session"]["account"], done["session"]["account"]);

    // The old key allows a second one.
    let mut second = Device::at(ORIGIN);
    let flow = other.post("/auth/enrol", json!({ "factor": "passkey" })).await.expect(200).json();
    let begun = begin(&mut other, &flow, "passkey").await;
    let flow = answer(&mut other, &begun, "passkey", key.get(&options(&begun))).await.expect(200).json();
    let begun = begin(&mut other, &flow, "passkey").await;
    answer(&mut other, &begun, "passkey", second.create(&options(&begun))).await.expect(200);
    let begun = home.post("/auth/sign-in", json!({ "factor": "passkey" })).await.expect(200).json();
    answer(&mut home, &begun, "passkey", second.get(&options(&begun))).await.expect(200);

    // Whoever reads the mailbox is asked for the key all the same.
    let mut thief = browser(&app);
    let flow = thief.post("/auth/sign-in", json!({ "identifier": EMAIL })).await.expect(200).json();
    begin(&mut thief, &flow, "email-code").await;
    let code = json!({ "code": outbox.code(&auth).await });
    let flow = answer(&mut thief, &flow, "email-code", code).await.expect(200).json();
    assert_eq!(flow["status"], "pending");
    assert_eq!(flow["offers"].as_array().unwrap().len(), 1);
    let begun = begin(&mut thief, &flow, "passkey").await;
    let mut own = Device::at(ORIGIN);
    answer(&mut thief, &begun, "passkey", own.get(&options(&begun))).await.problem(403, "wrong");
    thief.get("/auth/session").await.problem(401, "no_session");
}
