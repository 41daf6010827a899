//! A sign-in in one browser, approved in another.

use propusk::axum::router;
use propusk::{Approval, Auth, Profile};
use serde_json::{Value, json};

use crate::portal::{Outbox, WORD, Watch, portal_with};
use crate::web::{Web, by_password};

const PHONE: &str = "+79161234567";
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

/// Answers all that the flow asks for a proof: the password, then an SMS code.
async fn prove(browser: &mut Web, auth: &Auth, outbox: &Outbox, flow: Value) -> Value {
    let asked = json!({ "flow": flow, "factor": "password", "answer": { "password": WORD } });
    let flow = browser.post("/auth/flow/answer", asked).await.expect(200).json()["flow"].clone();
    let asked = json!({ "flow": flow, "factor": "sms-code" });
    let flow = browser.post("/auth/flow/begin", asked).await.expect(200).json()["flow"].clone();
    let code = outbox.code(auth).await;
    let asked = json!({ "flow": flow, "factor": "sms-code", "answer": { "code": code } });
    browser.post("/auth/flow/answer", asked).await.expect(200).json()
}

/// A phone that is signed in and may approve, and the asking screen, which has given the right password.
async fn two_devices(watch: &Watch) -> (Web, Web, Value) {
    let (auth, outbox) = portal_with(Profile::public_portal(), |builder| {
        builder.factor(Approval::default()).clock(watch.clone())
    });
    let router = router(auth.clone()).unwrap();
    let mut phone = Web::browser(&router);
    phone.register(&auth, &outbox, PHONE).await;
    let flow = phone.post("/auth/enrol", json!({ "factor": "approval" })).await.expect(200).json();
    let flow = prove(&mut phone, &auth, &outbox, flow["flow"].clone()).await;
    assert_eq!(flow["offers"], json!([{ "factor": "approval", "enrols": true }]));
    let asked = json!({ "flow": flow["flow"], "factor": "approval", "answer": {} });
    phone.post("/auth/flow/answer", asked).await.expect(200);

    let mut screen = Web::browser(&router).with("user-agent", AGENT);
    screen.peer = "198.51.100.7:1".parse().unwrap();
    let next = screen.post("/auth/sign-in", by_password(PHONE, WORD)).await.expect(200).json();
    let offers: Vec<_> = next["offers"].as_array().unwrap().iter().map(|one| &one["factor"]).collect();
    assert_eq!(offers, ["sms-code", "approval"]);
    let asked = json!({ "flow": next["flow"], "factor": "approval" });
    let begun = screen.post("/auth/flow/begin", asked).await.expect(200).json();
    (phone, screen, begun)
}

#[tokio::test]
async fn a_number_typed_on_the_phone_signs_the_screen_in() {
    let watch = Watch::new();
    let (mut phone, mut screen, begun) = two_devices(&watch).await;
    let prompt = &begun["begun"]["prompt"];
    assert_eq!(prompt["expires_in"], 60);
    let poll = json!({ "flow": begun["flow"], "factor": "approval", "answer": {} });
    let reply = screen.post("/auth/flow/answer", poll.clone()).await.problem(409, "waiting");
    assert_eq!(reply.headers["retry-after"], "2");

    let look = json!({ "mailbox": prompt["mailbox"] });
    let mut nobody = Web::browser(&phone.router);
    nobody.post("/auth/approvals", look.clone()).await.problem(401, "no_session");
    let told = phone.post("/auth/approvals", look.clone()).await.expect(200).json();
    assert_eq!(told["from"]["address"], "198.51.100.7");
    assert_eq!(
        (&told["from"]["device"]["browser"], &told["factor"]),
        (&json!("Firefox"), &json!("approval"))
    );
    assert_eq!((&told["same_network"], &told["expires_in"]), (&json!(false), &json!(60)));
    assert!(!told.to_string().contains(prompt["number"].as_str().unwrap()), "it is typed, not shown");

    let letter = |letter: Value| json!({ "mailbox": prompt["mailbox"], "letter": letter });
    let right = letter(json!({ "number": prompt["number"] }));
    nobody.post("/auth/approvals", right.clone()).await.problem(401, "no_session");
    phone.post("/auth/approvals", right.clone()).await.expect(204);
    phone.post("/auth/approvals", right).await.problem(409, "mailbox");
    let json = screen.post("/auth/flow/answer", poll.clone()).await.expect(200).json();
    assert_eq!(json["session"]["amr"], json!(["pwd", "mca", "mfa"]));
    screen.get("/auth/session").await.expect(200);
    screen.post("/auth/flow/answer", poll).await.problem(410, "no_flow");
    let history = phone.get("/auth/history?limit=2").await.expect(200).json();
    assert_eq!(history["events"][0]["name"], "sign-in");
    assert_eq!(history["events"][1]["name"], "answered-elsewhere");
}

#[tokio::test]
async fn a_denial_on_the_phone_ends_the_request() {
    let watch = Watch::new();
    let (mut phone, mut screen, begun) = two_devices(&watch).await;
    let mailbox = &begun["begun"]["prompt"]["mailbox"];
    let deny = json!({ "mailbox": mailbox, "letter": { "deny": true } });
    phone.post("/auth/approvals", deny.clone()).await.problem(409, "mailbox");
    phone.post("/auth/approvals", json!({ "mailbox": mailbox })).await.expect(200);
    phone.post("/auth/approvals", deny).await.expect(204);
    let poll = json!({ "flow": begun["flow"], "factor": "approval", "answer": {} });
    screen.post("/auth/flow/answer", poll.clone()).await.problem(403, "denied");
    screen.post("/auth/flow/answer", poll).await.problem(409, "not_begun");
    let again = json!({ "flow": begun["flow"], "factor": "approval" });
    let reply = screen.post("/auth/flow/begin", again).await.problem(429, "too_soon");
    assert_eq!(reply.json()["retry_after"], 300);
    screen.get("/auth/session").await.problem(401, "no_session");
}

#[tokio::test]
async fn what_is_no_request_or_no_letter_is_refused() {
    let watch = Watch::new();
    let (mut phone, _, begun) = two_devices(&watch).await;
    let mailbox = &begun["begun"]["prompt"]["mailbox"];
    for body in
        [json!({}), json!({ "letter": {} }), json!({ "mailbox": 1 }), json!({ "mailbox": mailbox, "x": 1 })]
    {
        phone.post("/auth/approvals", body).await.problem(400, "malformed");
    }
    for strange in ["", "x", "\u{0}", &"A".repeat(65)] {
        phone.post("/auth/approvals", json!({ "mailbox": strange })).await.problem(409, "mailbox");
    }
    phone.get("/auth/approvals").await.problem(405, "method");
    phone.post("/auth/approvals", json!({ "mailbox": mailbox })).await.expect(200);
    let long = json!({ "mailbox": mailbox, "letter": { "number": "1".repeat(5000) } });
    phone.post("/auth/approvals", long).await.problem(409, "mailbox");
}
