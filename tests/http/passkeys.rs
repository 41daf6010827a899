//! Passkeys over JSON, as a browser sends them: enrolled, used alone and beside a password, and every answer that is none.

use propusk::factor::passkey::Passkey;
use propusk::store::Rate;
use propusk::{Auth, Profile, axum::router};
use serde_json::{Value, json};
use std::time::Duration;

use crate::authenticator::{Device, text};
use crate::portal::{ORIGIN, Outbox, WORD, Watch, portal_with};
use crate::web::{Reply, Web, by_password};

const IVAN: &str = "+79161234567";
const PETR: &str = "+79161234568";

struct World {
    auth: Auth,
    outbox: Outbox,
    /// A browser that nobody is signed in with.
    web: Web,
}

impl World {
    fn new() -> Self {
        let mut profile = Profile::public_portal();
        // The clock stands, and the tests ask often.
        profile.network_rate = Rate { uses: 100_000, per: Duration::from_secs(60) };
        let (auth, outbox) =
            portal_with(profile, |builder| builder.clock(Watch::new()).factor(Passkey::default()));
        let web = Web::browser(&router(auth.clone()).unwrap());
        Self { auth, outbox, web }
    }

    /// Registers somebody and adds this key to their account.
    async fn person(&self, contact: &str, key: &mut Device) -> Web {
        let mut web = self.web.clone();
        web.register(&self.auth, &self.outbox, contact).await;
        let begun = self.offered(&mut web).await;
        answer(&mut web, &begun, key.create(&prompt(&begun))).await.expect(200);
        web
    }

    /// What a signed-in person proves before a key is added, up to the options of the browser.
    async fn offered(&self, web: &mut Web) -> Value {
        let asked = json!({ "factor": "password", "answer": { "password": WORD } });
        let flow = web.post("/auth/enrol", json!({ "factor": "passkey" })).await.expect(200).text("flow");
        let step = with_flow(asked, &flow);
        web.post("/auth/flow/answer", step).await.expect(200);
        let sms = json!({ "factor": "sms-code" });
        web.post("/auth/flow/begin", with_flow(sms, &flow)).await.expect(200);
        let code = self.outbox.code(&self.auth).await;
        let step = json!({ "factor": "sms-code", "answer": { "code": code } });
        let next = web.post("/auth/flow/answer", with_flow(step, &flow)).await.expect(200);
        assert_eq!(next.text("duty"), "enrol");
        web.post("/auth/flow/begin", with_flow(json!({ "factor": "passkey" }), &flow))
            .await
            .expect(200)
            .json()
    }

    /// The same where there is a key already: it takes that key.
    async fn offered_beside(&self, web: &mut Web, key: &mut Device) -> Value {
        let passkey = json!({ "factor": "passkey" });
        let flow = web.post("/auth/enrol", passkey.clone()).await.expect(200).text("flow");
        let begun = web.post("/auth/flow/begin", with_flow(passkey.clone(), &flow)).await.expect(200).json();
        let next = answer(web, &begun, key.get(&prompt(&begun))).await.expect(200);
        assert_eq!(next.text("duty"), "enrol");
        web.post("/auth/flow/begin", with_flow(passkey, &flow)).await.expect(200).json()
    }

    /// A sign-in without a name, in one call.
    async fn unnamed(&self, web: &mut Web) -> Value {
        web.post("/auth/sign-in", json!({ "factor": "passkey" })).await.expect(200).json()
    }

    /// A sign-in by password, up to the options of the browser.
    async fn second(&self, web: &mut Web, contact: &str) -> Value {
        let flow = web.post("/auth/sign-in", by_password(contact, WORD)).await.expect(200).text("flow");
        web.post("/auth/flow/begin", with_flow(json!({ "factor": "passkey" }), &flow))
            .await
            .expect(200)
            .json()
    }
}

fn with_flow(mut step: Value, flow: &str) -> Value {
    step["flow"] = flow.into();
    step
}

fn prompt(begun: &Value) -> String {
    begun["begun"]["prompt"].to_string()
}

async fn answer(web: &mut Web, begun: &Value, answer: Value) -> Reply {
    let asked = json!({ "flow": begun["flow"], "factor": "passkey", "answer": answer });
    web.post("/auth/flow/answer", asked).await
}

/// The same, with an answer of any text.
async fn raw(web: &mut Web, begun: &Value, answer: &str) -> Reply {
    let asked = format!(r#"{{"flow":{},"factor":"passkey","answer":{answer}}}"#, begun["flow"]);
    web.raw(axum::http::Method::POST, "/auth/flow/answer", asked).await
}

#[tokio::test]
async fn a_key_is_added_signs_in_alone_and_is_a_second_factor() {
    let (world, mut key) = (World::new(), Device::at(ORIGIN));
    let mut home = world.person(IVAN, &mut key).await;
    let listed = home.get("/auth/factors").await.expect(200).json();
    let listed = listed["factors"].as_array().unwrap();
    assert_eq!((&listed[1]["factor"], &listed[1]["usable"]), (&json!("passkey"), &json!(true)));
    let account = home.get("/auth/session").await.expect(200).text("account");

    // In two calls or in one: no name, and no name in what is asked.
    let mut other = world.web.clone();
    let flow = other.post("/auth/sign-in", json!({})).await.expect(200);
    assert_eq!(flow.json()["offers"], json!([{ "factor": "passkey", "enrols": false }]));
    let asked = with_flow(json!({ "factor": "passkey" }), &flow.text("flow"));
    let begun = other.post("/auth/flow/begin", asked).await.expect(200).json();
    assert_eq!(begun["begun"]["prompt"]["allowCredentials"], json!([]));
    let done = answer(&mut other, &begun, key.get(&prompt(&begun))).await.expect(200);
    assert_eq!(done.json()["session"]["account"], account.as_str());
    assert_eq!(done.json()["session"]["amr"], json!(["hwk", "user", "pop", "mfa"]));
    assert!(done.cookie("__Host-propusk").is_some() && done.json().get("token").is_none());
    other.get("/auth/session").await.expect(200);

    let mut third = world.web.clone();
    let begun = world.second(&mut third, IVAN).await;
    let allowed = begun["begun"]["prompt"]["allowCredentials"].as_array().unwrap();
    assert_eq!((allowed.len(), &allowed[0]["id"]), (1, &json!(text(&key.id))));
    let done = answer(&mut third, &begun, key.get(&prompt(&begun))).await.expect(200).json();
    assert_eq!(done["session"]["amr"], json!(["pwd", "hwk", "user", "pop", "mfa"]));

    // A program is given in JSON what a browser has in cookies.
    let mut program = Web::program(&world.web.router);
    let begun = world.unnamed(&mut program).await;
    program.headers.insert("propusk-binding", begun["binding"].as_str().unwrap().to_owned());
    let done = answer(&mut program, &begun, key.get(&prompt(&begun))).await.expect(200);
    assert!(done.text("token").len() > 40 && done.cookie("__Host-propusk").is_none());
}

#[tokio::test]
async fn an_answer_is_good_once_and_in_its_own_flow_and_browser() {
    for count in [Some(7), None] {
        let (world, mut key) = (World::new(), Device::at(ORIGIN));
        key.count = count;
        world.person(IVAN, &mut key).await;
        let mut web = world.web.clone();
        let begun = world.unnamed(&mut web).await;
        let once = key.get(&prompt(&begun));
        // Whoever has seen it go by has neither the browser's cookie nor its header.
        answer(&mut world.web.clone(), &begun, once.clone()).await.problem(410, "no_flow");
        answer(&mut web, &begun, once.clone()).await.expect(200);
        answer(&mut web, &begun, once.clone()).await.problem(410, "no_flow");
        let other = world.unnamed(&mut web).await;
        answer(&mut web, &other, once.clone()).await.problem(403, "wrong");
        let second = world.second(&mut web, IVAN).await;
        answer(&mut web, &second, once).await.problem(403, "wrong");
        answer(&mut web, &second, key.get(&prompt(&second))).await.expect(200);
    }
}

/// ATTACKS 86: what a page elsewhere has had signed, and what a page elsewhere posts.
#[tokio::test]
async fn another_origin_is_refused_in_the_signed_part_and_in_the_request() {
    let (world, mut key) = (World::new(), Device::at(ORIGIN));
    world.person(IVAN, &mut key).await;
    let mut web = world.web.clone();
    for origin in
        ["https://portal.example.evil", "http://portal.example", "https://portal.example:8443", "null"]
    {
        let begun = world.unnamed(&mut web).await;
        let count = key.count;
        key.origin = origin.into();
        answer(&mut web, &begun, key.get(&prompt(&begun))).await.problem(403, "wrong");
        (key.origin, key.count) = (ORIGIN.into(), count);
        let honest = key.get(&prompt(&begun));
        let mut there = web.clone().with("origin", origin);
        answer(&mut there, &begun, honest.clone()).await.problem(403, "origin");
        let mut framed = web.clone().with("sec-fetch-site", "cross-site");
        answer(&mut framed, &begun, honest.clone()).await.problem(403, "origin");
        answer(&mut web, &begun, honest).await.expect(200);
    }
}

/// ATTACKS 80, 81: a key signs in its own account, whatever name or id stands beside it.
#[tokio::test]
async fn anothers_key_opens_anothers_account_and_no_other() {
    let (world, mut ivan, mut petr) = (World::new(), Device::at(ORIGIN), Device::at(ORIGIN));
    world.person(IVAN, &mut ivan).await;
    let mut home = world.person(PETR, &mut petr).await;
    let petrs = home.get("/auth/session").await.expect(200).text("account");
    let mut web = world.web.clone();
    let (id, user) = (petr.id.clone(), petr.user.clone());
    let (ivans_id, ivans_user) = (ivan.id.clone(), ivan.user.clone());
    for (name, as_id, as_user) in [
        ("as it is", &id, &user),
        ("under Ivan's id", &ivans_id, &user),
        ("under Ivan's handle", &id, &ivans_user),
        ("under both", &ivans_id, &ivans_user),
    ] {
        let begun = world.second(&mut web, IVAN).await;
        (petr.id, petr.user) = (as_id.clone(), as_user.clone());
        answer(&mut web, &begun, petr.get(&prompt(&begun))).await.problem(403, "wrong");
        web.get("/auth/session").await.problem(401, "no_session");
        // Without a name it is Petr's own, or nobody's.
        let begun = world.unnamed(&mut web).await;
        let reply = answer(&mut web, &begun, petr.get(&prompt(&begun))).await;
        match name {
            "as it is" => {
                assert_eq!(reply.expect(200).json()["session"]["account"], petrs.as_str());
                web = world.web.clone();
            }
            _ => drop(reply.problem(403, "wrong")),
        }
        // Ivan is not held out by it.
        let begun = world.second(&mut web, IVAN).await;
        answer(&mut web, &begun, ivan.get(&prompt(&begun))).await.expect(200);
        web = world.web.clone();
    }
}

#[tokio::test]
async fn a_key_that_was_enrolled_is_not_enrolled_again_by_anybody() {
    let (world, mut key) = (World::new(), Device::at(ORIGIN));
    let mut ivan = world.person(IVAN, &mut key).await;
    let mut petr = world.web.clone();
    petr.register(&world.auth, &world.outbox, PETR).await;
    let begun = world.offered_beside(&mut ivan, &mut key).await;
    let reply = answer(&mut ivan, &begun, key.copy().create(&prompt(&begun))).await;
    assert!(reply.status.is_client_error(), "{reply:?}");
    let begun = world.offered(&mut petr).await;
    let reply = answer(&mut petr, &begun, key.copy().create(&prompt(&begun))).await;
    assert!(reply.status.is_client_error(), "{reply:?}");
    let listed = petr.get("/auth/factors").await.expect(200).json();
    assert_eq!(listed["factors"].as_array().unwrap().len(), 1);
    let begun = world.unnamed(&mut ivan).await;
    answer(&mut ivan, &begun, key.get(&prompt(&begun))).await.expect(200);
}

#[tokio::test]
async fn a_copied_key_is_disabled_and_its_owner_told() {
    let (world, mut key) = (World::new(), Device::at(ORIGIN));
    let mut home = world.person(IVAN, &mut key).await;
    let mut web = world.web.clone();
    let mut copy = key.copy();
    for _ in 0..2 {
        let begun = world.unnamed(&mut web).await;
        answer(&mut web, &begun, key.get(&prompt(&begun))).await.expect(200);
    }
    for device in [&mut copy, &mut key] {
        let begun = world.unnamed(&mut web).await;
        answer(&mut web, &begun, device.get(&prompt(&begun))).await.problem(403, "wrong");
    }
    let told = world.outbox.all(&world.auth).await;
    assert_eq!(told.iter().filter(|one| one.template.as_str() == "credential-disabled").count(), 1);
    // Whichever of the two signed in by it does so no longer; nor is it offered as a second factor.
    home.get("/auth/factors").await.problem(401, "no_session");
    let mut flow = home.post("/auth/sign-in", by_password(IVAN, WORD)).await.expect(200).json();
    assert!(!flow["offers"].to_string().contains("passkey"), "{flow}");
    flow = home
        .post("/auth/flow/begin", json!({ "flow": flow["flow"], "factor": "sms-code" }))
        .await
        .expect(200)
        .json();
    let code = json!({ "code": world.outbox.code(&world.auth).await });
    let answer = json!({ "flow": flow["flow"], "factor": "sms-code", "answer": code });
    home.post("/auth/flow/answer", answer).await.expect(200);
    let listed = home.get("/auth/factors").await.expect(200).json();
    assert_eq!(listed["factors"][1]["usable"], false);
}

/// A member of an answer, to be left out, of another type, in another spelling, too long.
struct Member {
    path: &'static str,
    most: usize,
    kind: Kind,
    /// Browsers leave it out, or write `null`.
    may_lack: bool,
}

enum Kind {
    Bytes,
    Word,
    Words,
    Object,
    Number,
}

const fn member(path: &'static str, most: usize, kind: Kind, may_lack: bool) -> Member {
    Member { path, most, kind, may_lack }
}

const PROOF: &[Member] = &[
    member("/id", 1023, Kind::Bytes, false),
    member("/rawId", 1023, Kind::Bytes, false),
    member("/type", 0, Kind::Word, false),
    member("/authenticatorAttachment", 0, Kind::Word, true),
    member("/response", 0, Kind::Object, false),
    member("/response/clientDataJSON", 4096, Kind::Bytes, false),
    member("/response/authenticatorData", 2048, Kind::Bytes, false),
    member("/response/signature", 512, Kind::Bytes, false),
    member("/response/userHandle", 64, Kind::Bytes, true),
];

const ENROLMENT: &[Member] = &[
    member("/id", 1023, Kind::Bytes, false),
    member("/rawId", 1023, Kind::Bytes, false),
    member("/type", 0, Kind::Word, false),
    member("/authenticatorAttachment", 0, Kind::Word, true),
    member("/response", 0, Kind::Object, false),
    member("/response/clientDataJSON", 4096, Kind::Bytes, false),
    member("/response/attestationObject", 8192, Kind::Bytes, false),
    member("/response/authenticatorData", 4096, Kind::Bytes, true),
    member("/response/transports", 0, Kind::Words, true),
    member("/response/publicKeyAlgorithm", 0, Kind::Number, true),
    member("/clientExtensionResults", 0, Kind::Object, true),
    member("/clientExtensionResults/credProps", 0, Kind::Object, true),
];

/// All answers that are of no form, made of an honest one, each with what is wrong with it.
fn malformed(honest: &Value, members: &[Member]) -> Vec<(String, String)> {
    let mut bad = Vec::new();
    for Member { path, most, kind, may_lack } in members {
        let mut set = |what: &str, value: Value| {
            let mut answer = honest.clone();
            *answer.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = value;
            bad.push((format!("{path} {what}"), answer.to_string()));
        };
        for (what, value) in [
            ("a number", json!(7)),
            ("a fraction", json!(1.5)),
            ("true", json!(true)),
            ("a list", json!([1, 2])),
            ("an object", json!({ "a": 1 })),
            ("a text", json!("no word of it!")),
        ] {
            let fits = match kind {
                Kind::Bytes => false,
                // Unknown words are left out, an unknown type is not.
                Kind::Word => what == "a text" && *may_lack,
                Kind::Words => false,
                Kind::Object => what == "an object" && *may_lack,
                Kind::Number => what == "a number",
            };
            // serde takes the values of a struct in their order, too: two numbers are none of them.
            if !fits {
                set(what, value);
            }
        }
        if !may_lack {
            set("null", Value::Null);
        }
        if let Kind::Bytes = kind {
            let long = text(&vec![0; most + 1]);
            for (what, value) in [
                ("one byte too long", long.as_str()),
                ("padded", "AAECAw=="),
                ("of the other alphabet", "+/+/"),
                ("with loose bits", "AAECAx"),
                ("cut in a byte", "AAECA"),
                ("with a blank", "AAEC AwQF"),
                ("with a line's end", "AAEC\nAwQF"),
                ("with a NUL", "AAEC\u{0}"),
                ("no ASCII", "ААЕС"),
            ] {
                set(what, value.into());
            }
        }
        let (parent, name) = path.rsplit_once('/').unwrap();
        if !may_lack {
            let mut answer = honest.clone();
            answer.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
            bad.push((format!("{path} left out"), answer.to_string()));
        }
        // Twice, with the same value.
        let value = honest.pointer(path).unwrap();
        let (whole, once) = (honest.to_string(), format!("\"{name}\":{value}"));
        let at = whole.find(&once).unwrap_or_else(|| panic!("{once}"));
        bad.push((format!("{path} twice"), format!("{}{once},{}", &whole[..at], &whole[at..])));
        // Under another name: what is no member of ours, beside one that is missing. Extensions are an open list.
        if parent != "/clientExtensionResults" {
            let capital = once.replacen(name, &name.to_uppercase(), 1);
            bad.push((format!("{path} in capitals"), whole.replacen(&once, &capital, 1)));
        }
    }
    for (what, extra) in [("at the top", ""), ("below", "/response")] {
        let mut answer = honest.clone();
        answer.pointer_mut(extra).unwrap()["admin"] = json!(true);
        bad.push((format!("a member more {what}"), answer.to_string()));
    }
    for (what, whole) in [
        ("null", "null".to_owned()),
        ("a number", "7".to_owned()),
        ("a text", honest["id"].to_string()),
        ("a text with the answer in it", json!(honest.to_string()).to_string()),
        ("a list of it", json!([honest]).to_string()),
        ("nothing", "{}".to_owned()),
        ("deep", format!("{{\"id\":{}{}}}", "[".repeat(5000), "]".repeat(5000))),
        (
            "deep where nobody reads",
            format!("{{\"clientExtensionResults\":{}{}}}", "[".repeat(5000), "]".repeat(5000)),
        ),
        ("longer than any answer", format!("{{\"id\":\"{}\"}}", "A".repeat(20_000))),
    ] {
        bad.push((what.to_owned(), whole));
    }
    bad
}

#[tokio::test]
async fn an_assertion_of_no_form_is_refused_uncounted_and_the_honest_one_still_passes() {
    let (world, mut key) = (World::new(), Device::at(ORIGIN));
    world.person(IVAN, &mut key).await;
    let mut web = world.web.clone();
    let begun = world.unnamed(&mut web).await;
    let honest = key.get(&prompt(&begun));
    let bad = malformed(&honest, PROOF);
    for (what, answer) in &bad {
        let reply = raw(&mut web, &begun, answer).await;
        assert_eq!(reply.status, 422, "{what}: {}", String::from_utf8_lossy(&reply.body));
        assert!(reply.problem(422, "malformed_answer").body.len() < 400, "{what} comes back");
    }
    println!("malformed assertions refused: {}", bad.len());
    assert!(bad.len() > 140, "{}", bad.len());
    answer(&mut web, &begun, honest).await.expect(200);
}

#[tokio::test]
async fn a_registration_of_no_form_is_refused_uncounted_and_the_honest_one_still_passes() {
    let (world, mut key) = (World::new(), Device::at(ORIGIN));
    let mut web = world.web.clone();
    web.register(&world.auth, &world.outbox, IVAN).await;
    let begun = world.offered(&mut web).await;
    let honest = key.create(&prompt(&begun));
    let bad = malformed(&honest, ENROLMENT);
    for (what, answer) in &bad {
        let reply = raw(&mut web, &begun, answer).await;
        assert_eq!(reply.status, 422, "{what}: {}", String::from_utf8_lossy(&reply.body));
        assert!(reply.problem(422, "malformed_answer").body.len() < 400, "{what} comes back");
    }
    println!("malformed registrations refused: {}", bad.len());
    assert!(bad.len() > 140, "{}", bad.len());
    answer(&mut web, &begun, honest).await.expect(200);
}

/// Of the right form and not right: refused in the same words, whatever member it is.
#[tokio::test]
async fn a_member_of_the_right_form_with_something_else_in_it_is_wrong() {
    let (world, mut key) = (World::new(), Device::at(ORIGIN));
    world.person(IVAN, &mut key).await;
    let mut web = world.web.clone();
    let mut told = Vec::new();
    for member in PROOF.iter().filter(|member| matches!(member.kind, Kind::Bytes)) {
        for bytes in [Vec::new(), vec![0], vec![0xff; member.most]] {
            let begun = world.unnamed(&mut web).await;
            let mut forged = key.get(&prompt(&begun));
            *forged.pointer_mut(member.path).unwrap() = text(&bytes).into();
            let reply = answer(&mut web, &begun, forged).await.problem(403, "wrong");
            told.push(reply.body);
            // The counter has gone up with the forgery, which is as it would be.
            answer(&mut web, &begun, key.get(&prompt(&begun))).await.expect(200);
            web = world.web.clone();
        }
    }
    assert_eq!(told.len(), 18);
    assert!(told.iter().all(|body| *body == told[0]));
    // What browsers leave out or send beside it is taken.
    for (path, value) in [
        ("/authenticatorAttachment", json!(null)),
        ("/authenticatorAttachment", json!("from-the-future")),
        ("/clientExtensionResults", json!({ "appid": true, "prf": { "enabled": false } })),
    ] {
        let begun = world.unnamed(&mut web).await;
        let mut honest = key.get(&prompt(&begun));
        *honest.pointer_mut(path).unwrap() = value;
        answer(&mut web, &begun, honest).await.expect(200);
    }
    let begun = world.second(&mut web, IVAN).await;
    let mut honest = key.get(&prompt(&begun));
    honest["response"]["userHandle"] = Value::Null;
    answer(&mut web, &begun, honest).await.expect(200);
}

/// The body is bounded before anything is parsed, and nothing is allocated for what it claims.
#[tokio::test]
async fn a_body_of_megabytes_is_refused_before_it_is_parsed() {
    let (world, mut key) = (World::new(), Device::at(ORIGIN));
    world.person(IVAN, &mut key).await;
    let mut web = world.web.clone();
    let begun = world.unnamed(&mut web).await;
    let honest = key.get(&prompt(&begun));
    for path in ["/rawId", "/response/clientDataJSON", "/response/signature", "/response/userHandle"] {
        let mut large = honest.clone();
        *large.pointer_mut(path).unwrap() = "A".repeat(4_000_000).into();
        answer(&mut web, &begun, large).await.problem(413, "too_large");
    }
    let mut many = honest.clone();
    many["clientExtensionResults"] = vec![json!({}); 20_000].into();
    answer(&mut web, &begun, many).await.problem(422, "malformed_answer");
    answer(&mut web, &begun, honest).await.expect(200);
}
