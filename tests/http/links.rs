//! A link in a letter, over JSON: in the browser that asked, on another device, and by a program.

use axum::http::Method;
use propusk::axum::router;
use propusk::{Auth, Link, Profile};
use serde_json::{Value, json};

use crate::links_of::address;
use crate::portal::{Outbox, WORD, Watch, portal_with};
use crate::web::{Web, by_password};

const EMAIL: &str = "ivan@example.org";
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

struct Site {
    auth: Auth,
    outbox: Outbox,
    asks: Web,
    flow: Value,
    number: Value,
    at: String,
}

/// Somebody who asked for a link, in a browser that nobody knows.
async fn asked(asks: impl FnOnce(Web) -> Web) -> Site {
    let (auth, outbox) = portal_with(Profile::public_portal(), |builder| {
        builder.factor(Link::at("/link")).clock(Watch::new())
    });
    let router = router(auth.clone()).unwrap();
    Web::browser(&router).register(&auth, &outbox, EMAIL).await;
    let mut asks = asks(Web::browser(&router));
    asks.peer = "198.51.100.7:1".parse().unwrap();
    let body = json!({ "identifier": EMAIL, "factor": "email-link" });
    let begun = asks.post("/auth/sign-in", body).await.expect(200).json();
    if let Some(binding) = begun["binding"].as_str() {
        asks.headers.insert("propusk-binding", binding.to_owned());
    }
    let prompt = &begun["begun"]["prompt"];
    assert_eq!((&prompt["expires_in"], &prompt["resend_in"]), (&json!(600), &json!(60)));
    let at = outbox.all(&auth).await.iter().rev().find_map(address).unwrap().0;
    assert!(!begun.to_string().contains(&at), "the address is in the letter alone");
    let (flow, number) = (begun["flow"].clone(), prompt["number"].clone());
    Site { auth, outbox, asks, flow, number, at }
}

impl Site {
    fn path(&self) -> String {
        format!("/auth/return?m={}&utm_source=newsletter", self.at)
    }

    fn letter(&self, letter: Value) -> Value {
        json!({ "mailbox": self.at, "letter": letter })
    }

    fn poll(&self) -> Value {
        json!({ "flow": self.flow, "factor": "email-link", "answer": {} })
    }

    /// The other factor of the portal.
    async fn password(&mut self, flow: &Value) -> Value {
        let body = json!({ "flow": flow, "factor": "password", "answer": { "password": WORD } });
        self.asks.post("/auth/flow/answer", body).await.expect(200).json()
    }
}

#[tokio::test]
async fn in_the_browser_that_asked_the_flow_goes_on() {
    let mut site = asked(|browser| browser.with("user-agent", AGENT)).await;
    let told = site.asks.get(&site.path()).await.expect(200).json();
    assert_eq!(
        (&told["here"], &told["factor"], &told["during"]),
        (&json!(true), &json!("email-link"), &json!("sign-in"))
    );
    assert_eq!((&told["from"]["address"], &told["expires_in"]), (&json!("198.51.100.7"), &json!(600)));
    assert_eq!(
        (&told["from"]["device"]["browser"], &told["same_network"]),
        (&json!("Firefox"), &json!(true))
    );
    let confirm = site.letter(json!({ "confirm": true }));
    let next = site.asks.post("/auth/return", confirm.clone()).await.expect(200).json();
    assert_eq!(next["offers"], json!([{ "factor": "password", "enrols": false }]));
    // The page that waited, and the link once more.
    let poll = site.poll();
    site.asks.post("/auth/flow/answer", poll).await.problem(409, "not_offered");
    site.asks.post("/auth/return", confirm).await.problem(409, "mailbox");
    site.asks.get(&site.path()).await.problem(409, "mailbox");
    let end = site.password(&next["flow"].clone()).await;
    assert_eq!(end["session"]["amr"], json!(["pwd", "email", "mfa"]));
    site.asks.get("/auth/session").await.expect(200);
}

/// Where the link is the last step, it is there that a browser asks to be trusted.
#[tokio::test]
async fn a_browser_may_be_trusted_where_the_link_ends_the_sign_in() {
    for trust in [false, true] {
        let (auth, outbox) = portal_with(Profile::public_portal(), |builder| {
            builder.factor(Link::at("/link")).clock(Watch::new())
        });
        let router = router(auth.clone()).unwrap();
        Web::browser(&router).register(&auth, &outbox, EMAIL).await;
        let mut web = Web::browser(&router);
        let word = by_password(EMAIL, WORD);
        let next = web.post("/auth/sign-in", word.clone()).await.expect(200).json();
        let begin = json!({ "flow": next["flow"], "factor": "email-link" });
        web.post("/auth/flow/begin", begin).await.expect(200);
        let at = outbox.all(&auth).await.iter().rev().find_map(address).unwrap().0;
        let letter = json!({ "mailbox": at, "letter": { "confirm": true }, "trust": trust });
        let end = web.post("/auth/return", letter).await.expect(200).json();
        assert_eq!(end["status"], "done");
        web.delete("/auth/session").await.expect(204);
        let again = web.post("/auth/sign-in", word).await.expect(200).json();
        assert_eq!(again["status"], if trust { "done" } else { "pending" });
    }
}

#[tokio::test]
async fn from_another_device_without_a_cookie_it_goes_on_over_there() {
    let mut site = asked(|browser| browser).await;
    let mut phone = Web::browser(&site.asks.router);
    let told = phone.get(&site.path()).await.expect(200).json();
    assert_eq!((&told["here"], &told["same_network"]), (&json!(false), &json!(false)));
    assert!(!told.to_string().contains(site.number.as_str().unwrap()), "it is typed, not shown");
    let poll = site.poll();
    site.asks.post("/auth/flow/answer", poll.clone()).await.problem(409, "waiting");
    let number = site.letter(json!({ "number": site.number }));
    phone.post("/auth/return", number.clone()).await.expect(204);
    phone.post("/auth/return", number).await.problem(409, "mailbox");
    phone.get(&site.path()).await.problem(409, "mailbox");
    assert!(phone.jar.is_empty(), "a device that confirms is given nothing");
    let next = site.asks.post("/auth/flow/answer", poll).await.expect(200).json();
    let end = site.password(&next["flow"].clone()).await;
    assert_eq!(end["status"], "done");
    let history = site.asks.get("/auth/history?limit=3").await.expect(200).json();
    assert_eq!(history["events"][2]["name"], "answered-elsewhere");
}

#[tokio::test]
async fn a_program_asks_and_the_browser_of_its_person_confirms() {
    let mut site =
        asked(|browser| browser.with("origin", "").with("sec-fetch-site", "").with("propusk-binding", "new"))
            .await;
    let mut browser = Web::browser(&site.asks.router);
    assert_eq!(browser.get(&site.path()).await.expect(200).json()["here"], false);
    assert_eq!(site.asks.get(&site.path()).await.expect(200).json()["here"], true);
    let number = site.letter(json!({ "number": site.number }));
    browser.post("/auth/return", number).await.expect(204);
    let poll = site.poll();
    let next = site.asks.post("/auth/flow/answer", poll).await.expect(200).json();
    let end = site.password(&next["flow"].clone()).await;
    assert!(end["token"].is_string());
}

#[tokio::test]
async fn a_denial_ends_it() {
    let mut site = asked(|browser| browser).await;
    let mut phone = Web::browser(&site.asks.router);
    let deny = site.letter(json!({ "deny": true }));
    phone.post("/auth/return", deny).await.expect(204);
    let poll = site.poll();
    site.asks.post("/auth/flow/answer", poll.clone()).await.problem(403, "denied");
    site.asks.post("/auth/flow/answer", poll).await.problem(409, "not_begun");
    let last = site.outbox.all(&site.auth).await.pop().unwrap();
    assert_eq!(last.template.as_str(), "denied");
    let again = json!({ "flow": site.flow, "factor": "email-link" });
    site.asks.post("/auth/flow/begin", again).await.problem(429, "too_soon");
}

#[tokio::test]
async fn what_is_no_link_or_no_letter_is_refused() {
    let mut site = asked(|browser| browser).await;
    for query in ["", "?m", "?x=1", "?m=1&m=2"] {
        let told = site.asks.get(&format!("/auth/return{query}")).await;
        if query == "?m" {
            told.problem(409, "mailbox");
        } else {
            told.problem(400, "malformed");
        }
    }
    for strange in ["", "x", "%00", &"A".repeat(43), &"A".repeat(65), &"%D1%8F".repeat(40)] {
        site.asks.get(&format!("/auth/return?m={strange}")).await.problem(409, "mailbox");
    }
    for body in [json!({}), json!({ "letter": {} }), json!({ "mailbox": 1, "letter": {} }), json!([])] {
        site.asks.post("/auth/return", body).await.problem(400, "malformed");
    }
    let long = site.letter(json!({ "number": "1".repeat(5000) }));
    site.asks.post("/auth/return", long).await.problem(409, "mailbox");
    site.asks.raw(Method::PUT, "/auth/return", "").await.problem(405, "method");
    // A letter that says nothing is a letter all the same: from here it is refused at once, and ends the challenge.
    let nothing = site.letter(json!({ "number": 123456 }));
    site.asks.post("/auth/return", nothing).await.problem(403, "wrong");
    let poll = site.poll();
    site.asks.post("/auth/flow/answer", poll).await.problem(409, "not_begun");
}
