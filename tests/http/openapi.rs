//! The description of the routes: valid, of all routes and no others, and as its factors are. That requests and replies
//! are as described is seen by every test that sends one: `common/described.rs`.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use propusk::auth::import::{Import, Imported};
use propusk::axum::AuthHttp;
use propusk::error::{Broken, FactorError};
use propusk::factor::{Context, Credential, Reason, Schemas, Verdict};
use propusk::id::FactorName;
use propusk::proof::{Channel, Proves};
use propusk::secret::Key;
use propusk::{
    Approval, Auth, BackupCodes, Client, Code, Factor, KeyRing, Link, MemoryStore, Password, Profile, Site,
    Totp, axum::router, danger,
};
use serde_json::{Value, json};

use crate::account::gone_through;
use crate::described::Description;
use crate::links_of::address;
use crate::portal::{ORIGIN, Outbox, WORD, portal, portal_with};
use crate::web::{Web, by_password};

const PHONE: &str = "+79161234567";
const EMAIL: &str = "ivan@example.org";

fn everything() -> Auth {
    let second = |builder: propusk::auth::Builder| {
        let builder = builder.factor(Totp::default()).factor(BackupCodes::default());
        builder.factor(Approval::default()).factor(Link::at("/link"))
    };
    #[cfg(feature = "passkey")]
    let second = |builder| second(builder).factor(propusk::Passkey::default());
    portal_with(Profile::nist_aal1(), second).0
}

fn description(auth: &Auth) -> Description {
    Description::of(AuthHttp::new(auth.clone()).unwrap().openapi().as_bytes())
}

/// The schema of OpenAPI 3.1 documents: `$id` in the file tells its source; it was taken from the PyPI package
/// openapi-spec-validator 0.9.0 (Apache-2.0).
#[test]
fn the_document_is_openapi_3_1_and_its_schemas_are_json_schemas() {
    let schema: Value = serde_json::from_str(include_str!("../vectors/openapi_3.1.json")).unwrap();
    let at = schema["$id"].as_str().unwrap().to_owned();
    let (mut compiler, mut schemas) = (boon::Compiler::new(), boon::Schemas::new());
    compiler.add_resource(&at, schema).unwrap();
    let openapi = compiler.compile(&at, &mut schemas).unwrap();
    let mut description = description(&everything());
    schemas.validate(&description.document, openapi).unwrap_or_else(|error| panic!("{error:#}"));
    let mut broken = description.document.clone();
    broken["paths"]["/auth/session"]["get"]["responses"] = json!([]);
    assert!(schemas.validate(&broken, openapi).is_err());
    let names: Vec<String> =
        description.document["components"]["schemas"].as_object().unwrap().keys().cloned().collect();
    assert!(names.len() > 20);
    for name in names {
        description.schema(&format!("/components/schemas/{name}"));
    }
}

/// What axum itself says: its paths by `Debug`, the methods of each by the `Allow` header of a refused one.
#[tokio::test]
async fn every_route_is_described_and_no_other() {
    let auth = everything();
    let (document, router) = (description(&auth).document, router(auth).unwrap());
    let debug = format!("{router:?}");
    let route = |text: &&str| {
        text.strip_prefix("/auth/").is_some_and(|rest| !rest.is_empty() && !rest.contains("__private"))
    };
    let paths: BTreeSet<&str> = debug.split('"').filter(route).collect();
    let described: BTreeSet<&str> =
        document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(paths, described);
    assert!(paths.len() > 10);
    for path in paths {
        let mut browser = Web::browser(&router);
        let there = path.replace("{id}", "x");
        let request = browser.request(Method::TRACE, &there).body(axum::body::Body::empty()).unwrap();
        let reply = browser.send(request).await;
        assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let mut allowed: Vec<_> = reply.headers["allow"].to_str().unwrap().split(',').collect();
        allowed.retain(|method| *method != "HEAD");
        let mut methods: Vec<_> =
            document["paths"][path].as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        allowed.sort_unstable();
        methods.sort_unstable();
        assert_eq!(allowed, methods, "{path}");
    }
}

#[test]
fn every_place_in_a_path_is_a_parameter() {
    let document = description(&everything()).document;
    let mut places = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let named: BTreeSet<&str> = path.split(['{', '}']).skip(1).step_by(2).collect();
            let declared = operation["parameters"].as_array().into_iter().flatten();
            let declared =
                declared.filter(|one| one["in"] == "path").map(|one| one["name"].as_str().unwrap());
            assert_eq!(declared.collect::<BTreeSet<_>>(), named, "{method} {path}");
            places += named.len();
        }
    }
    assert!(places > 4);
}

#[tokio::test]
async fn it_is_served_to_anybody() {
    let auth = everything();
    let router = router(auth.clone()).unwrap();
    let reply = Web::browser(&router).get("/auth/openapi.json").await.expect(200);
    assert_eq!(reply.body, AuthHttp::new(auth).unwrap().openapi().as_bytes());
    assert_eq!(reply.json()["servers"], json!([{ "url": crate::portal::ORIGIN }]));
    Web::program(&router).get("/auth/openapi.json").await.expect(200);
}

/// The table in the documentation of `propusk::axum`.
#[test]
fn every_code_of_the_table_is_in_the_document() {
    let mut described = BTreeSet::new();
    fn codes(value: &Value, into: &mut BTreeSet<String>) {
        match value {
            Value::Object(all) => {
                let list = all.get("code").and_then(|code| code["enum"].as_array());
                into.extend(list.into_iter().flatten().map(|code| code.as_str().unwrap().to_owned()));
                all.values().for_each(|value| codes(value, into));
            }
            Value::Array(all) => all.iter().for_each(|value| codes(value, into)),
            _ => {}
        }
    }
    codes(&description(&everything()).document["paths"], &mut described);
    let rows = include_str!("../../src/axum.rs").lines().filter_map(|line| {
        let (status, codes) = line.strip_prefix("//! | ")?.split_once(" | ")?;
        status.starts_with(|sign: char| sign.is_ascii_digit()).then_some(codes)
    });
    let told: BTreeSet<String> =
        rows.flat_map(|row| row.split('`').skip(1).step_by(2)).map(str::to_owned).collect();
    // Of no route, of the application's own forms, and of its doors.
    let elsewhere = ["method", "form_token", "step_up", "level", "transaction"];
    let elsewhere: BTreeSet<String> = elsewhere.map(str::to_owned).into();
    assert_eq!(told.difference(&described).cloned().collect::<BTreeSet<_>>(), elsewhere);
    let names: Vec<_> = described.difference(&told).collect();
    assert_eq!(
        names,
        [
            "identifier_empty",
            "identifier_hostile",
            "identifier_too_long",
            "not_a_phone",
            "not_a_user_name",
            "not_an_email"
        ]
    );
}

/// What the description refuses the routes refuse as malformed, and the other way round.
#[tokio::test]
async fn the_description_refuses_what_the_routes_refuse() {
    let (auth, outbox) = portal(Profile::nist_aal1());
    let router = router(auth.clone()).unwrap();
    let mut browser = Web::browser(&router);
    browser.register(&auth, &outbox, PHONE).await;
    let mut description = description(&auth);
    let word = json!({ "password": WORD });
    let bodies = [
        ("/auth/sign-up", json!({ "contact": PHONE, "name": "x", "terms": "1" }), true),
        ("/auth/sign-up", json!({ "contact": PHONE, "name": "x" }), false),
        ("/auth/sign-up", json!({ "contact": PHONE, "name": "x", "terms": 1 }), false),
        ("/auth/sign-up", json!({ "contact": PHONE, "name": "x", "terms": "1", "admin": true }), false),
        ("/auth/sign-in", json!({}), true),
        ("/auth/sign-in", json!({ "identifier": PHONE }), true),
        ("/auth/sign-in", json!({ "identifier": PHONE, "factor": "sms-code" }), true),
        ("/auth/sign-in", by_password(PHONE, WORD), true),
        ("/auth/sign-in", json!({ "identifier": PHONE, "answer": word }), false),
        ("/auth/sign-in", json!({ "identifier": PHONE, "public_device": "yes" }), false),
        ("/auth/sign-in", json!({ "identifier": PHONE, "colour": "red" }), false),
        ("/auth/change", json!({ "factor": "password" }), true),
        ("/auth/change", json!({ "factor": "password", "answer": word }), true),
        ("/auth/change", json!({ "answer": word }), false),
        ("/auth/enrol", json!({ "factor": "password", "session": "x" }), false),
        ("/auth/flow/begin", json!({ "flow": "x", "factor": "password" }), true),
        ("/auth/flow/begin", json!({ "factor": "password" }), false),
        ("/auth/flow/answer", json!({ "flow": "x", "factor": "password", "answer": word }), true),
        ("/auth/flow/answer", json!({ "flow": "x", "factor": "password" }), false),
        ("/auth/flow/answer", json!({ "flow": "x", "factor": "password", "answer": word, "x": 1 }), false),
        ("/auth/approvals", json!({ "mailbox": "x" }), true),
        ("/auth/approvals", json!({ "letter": {} }), false),
        ("/auth/return", json!({ "mailbox": "x" }), false),
        ("/auth/return", json!({ "mailbox": "x", "letter": null }), true),
        ("/auth/return", json!({ "mailbox": "x", "letter": null, "x": 1 }), false),
    ];
    for (path, body, described) in bodies {
        let at =
            format!("/paths/{}/post/requestBody/content/application~1json/schema", path.replace('/', "~1"));
        assert_eq!(description.judge(&at, &body).is_ok(), described, "{path} {body}");
        let reply = browser.post(path, body.clone()).await;
        assert_eq!(reply.status != StatusCode::BAD_REQUEST, described, "{path} {body}");
    }
    // What a factor says of its answers is part of it.
    let at = "/components/schemas/FactorAnswer";
    let judge = |answer: Value| json!({ "factor": "password", "answer": answer });
    assert!(description.judge(at, &judge(json!({ "password": "x" }))).is_ok());
    for wrong in [json!({}), json!("x"), json!({ "password": 1 }), json!({ "password": "x", "more": 1 })] {
        assert!(description.judge(at, &judge(wrong)).is_err());
    }
    assert!(description.judge(at, &json!({ "factor": "nothing", "answer": {} })).is_err());
}

/// A set of codes takes many hashes: where there is no room for them now, one is told to come again.
#[tokio::test]
async fn a_challenge_for_which_there_is_no_room_is_described() {
    let (store, outbox) = (MemoryStore::default(), Outbox::default());
    let node = |full: bool| {
        let key =
            |from: u8| Key::from_bytes(&std::array::from_fn::<u8, 32, _>(|at| from + at as u8)).unwrap();
        let mut hashing = danger::fast_hashing();
        hashing.queue = if full { 0 } else { hashing.queue };
        let builder = Auth::builder(Profile::nist_aal1(), store.clone(), KeyRing::new(key(1), key(101)));
        let builder = builder.site(Site::new("Portal", ORIGIN)).hashing(hashing).sender(outbox.clone());
        let builder = builder.factor(Password::default()).factor(Code::sms()).factor(BackupCodes::default());
        builder.build().unwrap()
    };
    let auth = node(false);
    let mut browser = Web::browser(&router(auth.clone()).unwrap());
    browser.register(&auth, &outbox, PHONE).await;
    let begun = browser.post("/auth/enrol", json!({ "factor": "backup-code" })).await;
    let step = gone_through(&mut browser, (&auth, &outbox), begun, Some("enrol")).await;
    browser.router = router(node(true)).unwrap();
    let asked = json!({ "flow": step["flow"], "factor": "backup-code" });
    browser.post("/auth/flow/begin", asked).await.problem(503, "busy");
}

/// A new address that somebody else registered before its link was followed.
#[tokio::test]
async fn an_address_that_was_taken_meanwhile_is_described_at_its_link() {
    let (auth, outbox) = portal_with(Profile::nist_aal1(), |builder| builder.factor(Link::at("/link")));
    let router = router(auth.clone()).unwrap();
    let mut browser = Web::browser(&router);
    browser.register(&auth, &outbox, PHONE).await;
    let begun = browser.post("/auth/contacts", json!({ "address": EMAIL })).await;
    let step = gone_through(&mut browser, (&auth, &outbox), begun, Some("confirm")).await;
    let asked = json!({ "flow": step["flow"], "factor": "email-link" });
    browser.post("/auth/flow/begin", asked).await.expect(200);
    let at = outbox.all(&auth).await.iter().rev().find_map(address).unwrap().0;
    Web::browser(&router).register(&auth, &outbox, EMAIL).await;
    let letter = json!({ "mailbox": at, "letter": { "confirm": true } });
    browser.post("/auth/return", letter).await.problem(409, "taken");
}

/// Where what was proven lately counts, a first password is added in one request, and judged in it.
#[tokio::test]
async fn a_first_password_that_does_not_do_is_described_where_it_is_added() {
    let mut profile = Profile::nist_aal1();
    profile.recent = Duration::from_secs(300);
    let (auth, outbox) = portal(profile);
    let account = Import::new("Иван").unwrap().verified_contact(PHONE).unwrap();
    assert!(matches!(auth.import(&account, &Client::unknown()).await.unwrap(), Imported::Made(_)));
    let mut browser = Web::browser(&router(auth.clone()).unwrap());
    let asked = json!({ "identifier": PHONE, "factor": "sms-code" });
    let begun = browser.post("/auth/sign-in", asked).await.expect(200).json();
    let answer = json!({ "code": outbox.code(&auth).await });
    let asked = json!({ "flow": begun["flow"], "factor": "sms-code", "answer": answer });
    assert_eq!(browser.post("/auth/flow/answer", asked).await.expect(200).json()["status"], "done");
    let asked = json!({ "factor": "password", "answer": { "password": "Корот-7" } });
    let why = browser.post("/auth/enrol", asked).await.problem(422, "unfit").json();
    assert!(!why["rules"].as_array().unwrap().is_empty());
}

/// A factor of an application's own.
#[derive(Debug)]
struct Knock(Option<Schemas>);

impl Factor for Knock {
    type Data = ();
    type State = ();
    type Answer = Value;

    fn name(&self) -> FactorName {
        FactorName::new("knock")
    }
    fn could_prove(&self, _: Option<&()>) -> Proves {
        Proves::by(Channel::Mind).knowledge()
    }
    async fn answer(
        &self,
        _: &Context<'_>,
        _: &[Credential<()>],
        (): (),
        _: Value,
    ) -> Result<Verdict<()>, FactorError> {
        Ok(Verdict::refuse(Reason::Wrong))
    }
    fn schemas(&self) -> Schemas {
        self.0.unwrap_or(Schemas::any())
    }
}

#[test]
fn a_factor_of_ones_own_describes_itself_or_takes_any_object() {
    let with = |schemas| {
        let (auth, _) = portal_with(Profile::nist_aal1(), |builder| builder.factor(Knock(schemas)));
        AuthHttp::new(auth)
    };
    let mut silent = Description::of(with(None).unwrap().openapi().as_bytes());
    let knock = |answer: Value| json!({ "factor": "knock", "answer": answer });
    let at = "/components/schemas/FactorAnswer";
    assert!(silent.judge(at, &knock(json!({ "anything": 1 }))).is_ok());
    assert!(silent.judge(at, &knock(json!(1))).is_err());
    let thrice = Schemas::any().answer(r#"{"type":"object","required":["times"]}"#);
    let mut told = Description::of(with(Some(thrice)).unwrap().openapi().as_bytes());
    assert!(told.judge(at, &knock(json!({ "times": 3 }))).is_ok());
    assert!(told.judge(at, &knock(json!({}))).is_err());
    let broken = with(Some(Schemas::any().prompt("{"))).unwrap_err();
    assert!(matches!(broken, Broken::Misuse("a factor's schema is no JSON")));
}

/// Passkeys speak the JSON of another standard: their prompts and answers, as described.
#[cfg(feature = "passkey")]
#[tokio::test]
async fn passkeys_are_enrolled_and_sign_in_as_described() {
    use propusk::Passkey;
    let watch = crate::portal::Watch::new();
    let (auth, outbox) =
        portal_with(Profile::nist_aal1(), |builder| builder.clock(watch.clone()).factor(Passkey::default()));
    let router = router(auth.clone()).unwrap();
    let mut browser = Web::browser(&router);
    browser.register(&auth, &outbox, PHONE).await;
    let asked = json!({ "factor": "passkey" });
    let flow = browser.post("/auth/enrol", asked).await.expect(200).json()["flow"].clone();
    let asked = json!({ "flow": flow, "factor": "password", "answer": { "password": WORD } });
    browser.post("/auth/flow/answer", asked).await.expect(200);
    let asked = json!({ "flow": flow, "factor": "sms-code" });
    browser.post("/auth/flow/begin", asked).await.expect(200);
    let code = outbox.code(&auth).await;
    let asked = json!({ "flow": flow, "factor": "sms-code", "answer": { "code": code } });
    browser.post("/auth/flow/answer", asked).await.expect(200);
    let asked = json!({ "flow": flow, "factor": "passkey" });
    let begun = browser.post("/auth/flow/begin", asked).await.expect(200).json();
    let mut device = crate::authenticator::Device::at(crate::portal::ORIGIN);
    let made = device.create(&begun["begun"]["prompt"].to_string());
    let asked = json!({ "flow": begun["flow"], "factor": "passkey", "answer": made });
    browser.post("/auth/flow/answer", asked).await.expect(200);
    let asked = json!({ "factor": "passkey" });
    let mut other = Web::browser(&router);
    let begun = other.post("/auth/sign-in", asked).await.expect(200).json();
    assert_eq!(begun["begun"]["factor"], "passkey");
    let signed = device.get(&begun["begun"]["prompt"].to_string());
    let asked = json!({ "flow": begun["flow"], "factor": "passkey", "answer": signed });
    let done = other.post("/auth/flow/answer", asked).await.expect(200).json();
    assert_eq!(done["session"]["aal"], 3);
}
