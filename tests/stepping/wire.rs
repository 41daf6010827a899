//! Over HTTP: what an operation asks for at its door (RFC 9470), and how a client meets it.

use std::time::Duration;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::get;
use propusk::account::Level;
use propusk::axum::{Asks, AuthHttp, Require};
use propusk::policy::Requirement;
use propusk::proof::Aal;
use serde_json::{Value, json};

use super::*;
use crate::portal::PHONE;
use crate::web::{Web, by_password};

struct Records;
impl Asks for Records {
    const ASKS: Requirement = Requirement::aal(Aal::Two).within(Duration::from_secs(300));
}

struct Lately;
impl Asks for Lately {
    const ASKS: Requirement = Requirement::NONE.level(Level::Simplified).within(Duration::from_secs(300));
}

struct Deeds;
impl Asks for Deeds {
    const ASKS: Requirement = Requirement::NONE.level(Level::Confirmed);
}

#[derive(Clone)]
struct App(AuthHttp);

impl FromRef<App> for AuthHttp {
    fn from_ref(app: &App) -> Self {
        app.0.clone()
    }
}

async fn records(asked: Require<Records>) -> String {
    asked.session().id().to_string()
}

async fn lately(_: Require<Lately>) -> &'static str {
    "lately"
}

async fn deeds(_: Require<Deeds>) -> &'static str {
    "deeds"
}

fn router(house: &House) -> Router {
    let http = AuthHttp::new(house.auth.clone()).unwrap();
    let hard = Requirement::NONE.phishing_resistant().user_verified();
    let keys = http.require(hard, Router::new().route("/keys", get(async || "keys")));
    let own = Router::new()
        .route("/records", get(records))
        .route("/deeds", get(deeds))
        .route("/lately", get(lately))
        .merge(keys)
        .with_state(App(http.clone()));
    own.merge(http.router())
}

#[tokio::test]
async fn a_door_says_what_to_prove_and_opens_then() {
    let house = House::new(Profile::nist_aal1());
    let _ = house.person(PHONE).await;
    house.hands.advance(600);
    let router = router(&house);
    let mut web = Web::browser(&router);
    web.raw(axum::http::Method::GET, "/records", "").await.problem(401, "no_session");
    web.post("/auth/sign-in", by_password(PHONE, WORD)).await.expect(200);
    let why = web.get("/records").await.problem(401, "step_up");
    assert_eq!(
        why.headers["www-authenticate"].to_str().unwrap(),
        "Bearer error=\"insufficient_user_authentication\", error_description=\"More must be proven for this\", \
         acr_values=\"aal2\", max_age=\"300\"",
    );
    let why = why.json();
    assert_eq!((&why["acr_values"], &why["max_age"]), (&json!("aal2"), &json!(300)));
    // A client does as it was told, in the words that it was told.
    let asked = json!({ "acr_values": why["acr_values"], "max_age": why["max_age"] });
    let next = web.post("/auth/step-up", asked.clone()).await.expect(200).json();
    assert_eq!(next["offers"][0]["factor"], "sms-code");
    let next = web.post("/auth/flow/begin", json!({ "flow": next["flow"], "factor": "sms-code" })).await;
    let code = house.code().await;
    let answer = json!({ "flow": next.json()["flow"], "factor": "sms-code", "answer": { "code": code } });
    let done = web.post("/auth/flow/answer", answer).await.expect(200).json();
    assert_eq!(
        (&done["session"]["aal"], &done["session"]["amr"]),
        (&json!(2), &json!(["pwd", "sms", "mfa"]))
    );
    web.get("/records").await.expect(200);
    assert_eq!(web.post("/auth/step-up", asked).await.expect(200).json()["status"], "done");
    assert_eq!(web.get("/auth/session").await.expect(200).json()["aal"], 2);
    let history = web.get("/auth/history").await.expect(200).json();
    let told: Vec<_> =
        history["events"].as_array().unwrap().iter().filter(|line| line.get("aal").is_some()).collect();
    let told: Vec<_> = told.iter().map(|line| (&line["name"], &line["aal"], &line["amr"])).collect();
    assert_eq!(told[0], (&json!("step-up"), &json!(2), &json!(["pwd", "sms", "mfa"])));
    assert_eq!(told[1], (&json!("sign-in"), &json!(1), &json!(["pwd"])));
    house.hands.advance(301);
    web.get("/records").await.problem(401, "step_up");
}

#[tokio::test]
async fn a_layer_and_a_level_are_doors_too() {
    let house = House::new(Profile::public_portal());
    let router = router(&house);
    let mut web = Web::browser(&router);
    let reply = web.register(&house.auth, &house.outbox, PHONE).await.expect(200);
    assert_eq!(reply.json()["session"]["aal"], 2);
    let why = web.get("/keys").await.problem(401, "step_up").json();
    assert_eq!((&why["acr_values"], &why["max_age"]), (&json!("phr uv"), &Value::Null));
    web.post("/auth/step-up", json!({ "acr_values": "phr uv" })).await.problem(403, "out_of_reach");
    web.post("/auth/step-up", json!({ "acr_values": "gold" })).await.problem(400, "malformed");
    web.get("/deeds").await.problem(403, "level");
    let account = web.get("/auth/session").await.json()["account"].as_str().unwrap().parse().unwrap();
    house.auth.set_level(account, Level::Confirmed, &Client::unknown()).await.unwrap();
    web.get("/deeds").await.expect(200);
}

/// Whoever adds the routes afterwards has no door in front of them, and is told before the first request.
#[test]
#[should_panic(expected = "route_layer")]
fn a_door_before_nothing_is_a_mistake() {
    let http = AuthHttp::new(House::new(Profile::nist_aal1()).auth.clone()).unwrap();
    let _: Router = http.require(Requirement::aal(Aal::Two), Router::new());
}

#[tokio::test]
async fn a_credential_is_named_and_taken_away() {
    let house = House::new(Profile::public_portal());
    let router = router(&house);
    let mut web = Web::browser(&router);
    web.register(&house.auth, &house.outbox, PHONE).await.expect(200);
    let enrol = web.post("/auth/enrol", json!({ "factor": "totp" })).await.expect(200).json();
    let mut flow = enrol["flow"].clone();
    for factor in ["password", "sms-code"] {
        house.hands.advance(60);
        let answer = match factor {
            "password" => json!({ "password": WORD }),
            _ => {
                web.post("/auth/flow/begin", json!({ "flow": flow, "factor": factor })).await.expect(200);
                json!({ "code": house.code().await })
            }
        };
        let asked = json!({ "flow": flow, "factor": factor, "answer": answer });
        flow = web.post("/auth/flow/answer", asked).await.expect(200).json()["flow"].clone();
    }
    let shown =
        web.post("/auth/flow/begin", json!({ "flow": flow, "factor": "totp" })).await.expect(200).json();
    let key = shown["begun"]["prompt"]["key"].as_str().unwrap().to_owned();
    let code = totp(&key, step(house.auth.now()));
    let asked = json!({ "flow": flow, "factor": "totp", "answer": { "code": code } });
    web.post("/auth/flow/answer", asked).await.expect(200);

    let listed = async |web: &mut Web| {
        let all = web.get("/auth/factors").await.expect(200).json()["factors"].as_array().unwrap().clone();
        all.into_iter().find(|one| one["factor"] == "totp")
    };
    let mine = listed(&mut web).await.unwrap();
    assert_eq!(mine.get("name"), None);
    let path = format!("/auth/factors/{}", mine["id"].as_str().unwrap());
    let put = async |web: &mut Web, path: &str, name: &str| {
        web.raw(axum::http::Method::PUT, path, json!({ "name": name }).to_string()).await
    };
    put(&mut web, &path, "Телефон").await.expect(204);
    assert_eq!(listed(&mut web).await.unwrap()["name"], "Телефон");
    put(&mut web, &path, "а\u{202e}б").await.problem(422, "name");
    put(&mut web, "/auth/factors/none", "а").await.problem(404, "not_found");
    let nobodys = "/auth/factors/00000000-0000-7000-8000-000000000000";
    put(&mut web, nobodys, "а").await.problem(404, "not_found");
    web.delete(nobodys).await.problem(404, "not_found");

    house.hands.advance(60);
    let next = web.delete(&path).await.expect(200).json();
    let asked = json!({ "flow": next["flow"], "factor": "password", "answer": { "password": WORD } });
    let next = web.post("/auth/flow/answer", asked).await.expect(200).json();
    let code = totp(&key, step(house.auth.now()));
    let asked = json!({ "flow": next["flow"], "factor": "totp", "answer": { "code": code } });
    assert_eq!(web.post("/auth/flow/answer", asked).await.expect(200).json()["status"], "done");
    assert_eq!(listed(&mut web).await, None);
    web.get("/auth/session").await.expect(200);
    web.delete(&path).await.problem(404, "not_found");
}

/// The wish is the client's, the answer the profile's; the cookie of a trusted browser changes with each use.
#[tokio::test]
async fn a_browser_is_trusted_by_a_word_and_its_cookie_turns_over() {
    let house = House::new(Profile::public_portal());
    let router = router(&house);
    let mut web = Web::browser(&router);
    web.register(&house.auth, &house.outbox, PHONE).await.expect(200);
    web.delete("/auth/session").await.expect(204);
    house.hands.advance(60);
    let next = web.post("/auth/sign-in", by_password(PHONE, WORD)).await.expect(200).json();
    web.post("/auth/flow/begin", json!({ "flow": next["flow"], "factor": "sms-code" })).await.expect(200);
    let code = house.code().await;
    let answer = json!({
        "flow": next["flow"], "factor": "sms-code", "answer": { "code": code }, "trust": true,
    });
    web.post("/auth/flow/answer", answer).await.expect(200);
    for _ in 0..7 {
        let before = web.jar["__Host-propusk-browser"].clone();
        web.delete("/auth/session").await.expect(204);
        let done = web.post("/auth/sign-in", by_password(PHONE, WORD)).await.expect(200).json();
        assert_eq!((&done["status"], &done["session"]["aal"]), (&json!("done"), &json!(1)));
        let after = &web.jar["__Host-propusk-browser"];
        assert!(*after != before && after.len() == before.len(), "one token for another");
    }
}

/// A door that asks for nothing but a recent proof is no open door; and what is offered at it brings somebody through.
#[tokio::test]
async fn a_door_that_asks_for_freshness_alone_closes() {
    let house = House::new(Profile::public_portal());
    let router = router(&house);
    let mut web = Web::browser(&router);
    web.register(&house.auth, &house.outbox, PHONE).await.expect(200);
    web.get("/lately").await.expect(200);
    house.hands.advance(301);
    let why = web.get("/lately").await.problem(401, "step_up").json();
    assert_eq!((&why["acr_values"], &why["max_age"]), (&json!(""), &json!(300)));
    let next =
        web.post("/auth/step-up", json!({ "acr_values": "", "max_age": 300 })).await.expect(200).json();
    let answer = json!({ "flow": next["flow"], "factor": "password", "answer": { "password": WORD } });
    web.post("/auth/flow/answer", answer).await.expect(200);
    web.get("/lately").await.expect(200);
}

/// An e-mail code counts for no level: it is offered neither here nor by the calls, with a time or without.
#[tokio::test]
async fn what_brings_nobody_nearer_is_not_offered() {
    let house = House::new(Profile::public_portal());
    let router = router(&house);
    let mut web = Web::browser(&router);
    web.register(&house.auth, &house.outbox, PHONE).await.expect(200);
    let added = web.post("/auth/contacts", json!({ "address": portal::EMAIL })).await.expect(200).json();
    let mut next = added;
    while next["status"] == "pending" {
        let factor = next["offers"][0]["factor"].as_str().unwrap().to_owned();
        let answer = if factor == "password" {
            json!({ "password": WORD })
        } else {
            house.hands.advance(61);
            let begin = json!({ "flow": next["flow"], "factor": factor });
            next = web.post("/auth/flow/begin", begin).await.expect(200).json();
            json!({ "code": house.code().await })
        };
        let answer = json!({ "flow": next["flow"], "factor": factor, "answer": answer });
        next = web.post("/auth/flow/answer", answer).await.expect(200).json();
    }
    house.hands.advance(30 * 24 * 3600);
    web.delete("/auth/session").await.expect(204);
    let mut next = web.post("/auth/sign-in", by_password(PHONE, WORD)).await.expect(200).json();
    while next["status"] == "pending" {
        let begin = json!({ "flow": next["flow"], "factor": "sms-code" });
        next = web.post("/auth/flow/begin", begin).await.expect(200).json();
        let answer = json!({ "code": house.code().await });
        let answer = json!({ "flow": next["flow"], "factor": "sms-code", "answer": answer });
        next = web.post("/auth/flow/answer", answer).await.expect(200).json();
    }
    house.hands.advance(301);
    for asked in
        [json!({ "acr_values": "aal2", "max_age": 300 }), json!({ "acr_values": "aal1", "max_age": 300 })]
    {
        let next = web.post("/auth/step-up", asked).await.expect(200).json();
        let offers = next["offers"].as_array().unwrap();
        assert!(
            !offers.is_empty() && !offers.iter().any(|offer| offer["factor"] == "email-code"),
            "{offers:?}"
        );
    }
}
