//! Passkeys: keys of another, keys that were copied, and what a client says of itself.

use propusk::factor::passkey::{Passkey, UserVerification};
use propusk::flow::Done;
use propusk::store::Store;
use propusk::{Auth, Client, Token};
use serde_json::{Value, json};

use crate::authenticator::{Device, PRESENT, VERIFIED, wire};
use crate::otp::proven;
use crate::portal::{ORIGIN, WORD, done, pending};
use crate::world::{World, each_store, said};

const OTHER: &str = "+79161234568";

fn node(world: &World, store: impl Store, factor: Passkey) -> Auth {
    world.builder(store).factor(factor).build().unwrap()
}

async fn begun(auth: &Auth, flow: &Token) -> (Token, String) {
    let next = pending(auth.visit(Client::unknown()).begin(flow, &Passkey::NAME).await.unwrap());
    (next.flow, next.begun.unwrap().1.as_json().to_owned())
}

async fn offered(world: &World, auth: &Auth, session: &Token) -> (Token, String) {
    let visit = auth.visit(Client::unknown());
    let message = async || world.outbox.code(auth).await;
    let next = proven(&visit, session, WORD, &Passkey::NAME, message).await;
    begun(auth, &next.flow).await
}

async fn enrol(world: &World, auth: &Auth, session: &Done, key: &mut Device) -> Box<Done> {
    let (flow, options) = offered(world, auth, &session.token).await;
    done(auth.visit(Client::unknown()).answer(&flow, wire(&key.create(&options))).await.unwrap())
}

/// A second key, which takes the first: what reaches as far as it is added by no less.
async fn another(auth: &Auth, session: &Done, before: &mut Device, key: &mut Device) -> Box<Done> {
    let visit = auth.visit(Client::unknown());
    let next = pending(visit.enrol(&session.token, Passkey::NAME).await.unwrap());
    let (flow, options) = begun(auth, &next.flow).await;
    let next = pending(visit.answer(&flow, wire(&before.get(&options))).await.unwrap());
    let (flow, options) = begun(auth, &next.flow).await;
    done(visit.answer(&flow, wire(&key.create(&options))).await.unwrap())
}

async fn unnamed(auth: &Auth) -> (Token, String) {
    let next = pending(auth.visit(Client::unknown()).sign_in().unnamed().await.unwrap());
    begun(auth, &next.flow).await
}

async fn told(auth: &Auth, flow: &Token, answer: &Value) -> &'static str {
    said(&auth.visit(Client::unknown()).answer(flow, wire(answer)).await.unwrap())
}

/// Whom a key signs in, if anybody.
async fn signed_in(auth: &Auth, key: &mut Device) -> Option<Box<Done>> {
    let (flow, options) = unnamed(auth).await;
    match auth.visit(Client::unknown()).answer(&flow, wire(&key.get(&options))).await.unwrap() {
        propusk::Step::Done(done) => Some(done),
        _ => None,
    }
}

/// ATTACKS 80 (CVE-2026-46419): an owner of a key asserts it for an account that has none, one and two. The account's
/// first factor is proven, so that only the ownership of the key stands between.
#[tokio::test]
async fn a_key_is_no_second_factor_of_another_account() {
    for keys in 0..3 {
        each_store!(|world, store| {
            let auth = node(&world, store, Passkey::default());
            let mut mallory = Device::at(ORIGIN);
            let own = world.register(&auth, OTHER, WORD).await;
            enrol(&world, &auth, &own, &mut mallory).await;
            let mut session = world.person(&auth).await;
            let mut theirs = Vec::new();
            for _ in 0..keys {
                let mut key = Device::at(ORIGIN);
                session = match theirs.last_mut() {
                    None => enrol(&world, &auth, &session, &mut key).await,
                    Some(before) => another(&auth, &session, before, &mut key).await,
                };
                theirs.push(key);
            }
            // To add a credential a key is as good a proof as any.
            let visit = auth.visit(Client::unknown());
            let next = pending(visit.enrol(&session.token, Passkey::NAME).await.unwrap());
            if keys == 0 {
                let (_, options) = unnamed(&auth).await;
                assert_eq!(told(&auth, &next.flow, &mallory.get(&options)).await, "not_offered");
            } else {
                let (flow, options) = begun(&auth, &next.flow).await;
                assert_eq!(told(&auth, &flow, &mallory.get(&options)).await, "wrong");
                let mut under = mallory.copy();
                (under.id, under.user) = (theirs[0].id.clone(), theirs[0].user.clone());
                assert_eq!(told(&auth, &flow, &under.get(&options)).await, "wrong");
                assert_eq!(told(&auth, &flow, &theirs[keys - 1].get(&options)).await, "pending");
            }
        });
    }
}

/// ATTACKS 81, 85 (w3c/webauthn 753, CVE-2025-26788): the user handle of one, the key of another, without a name typed;
/// and an answer to a challenge that named somebody, given where nobody is named.
#[tokio::test]
async fn a_key_with_anothers_handle_signs_nobody_in() {
    each_store!(|world, store| {
        let auth = node(&world, store, Passkey::default());
        let (mut ivan, mut anna) = (Device::at(ORIGIN), Device::at(ORIGIN));
        let first = world.person(&auth).await;
        let first = enrol(&world, &auth, &first, &mut ivan).await;
        let second = world.register(&auth, OTHER, WORD).await;
        let second = enrol(&world, &auth, &second, &mut anna).await;
        let (flow, options) = unnamed(&auth).await;
        for user in [Some(anna.user.clone()), Some(Vec::new()), None] {
            let lie = ivan.get_with(&options, |draft| draft.user = user);
            assert_eq!(told(&auth, &flow, &lie).await, "wrong");
        }
        let visit = auth.visit(Client::unknown());
        let named = pending(visit.enrol(&second.token, Passkey::NAME).await.unwrap());
        let (named, for_anna) = begun(&auth, &named.flow).await;
        assert_eq!(told(&auth, &flow, &anna.get(&for_anna)).await, "wrong");
        assert_eq!(told(&auth, &named, &ivan.get(&for_anna)).await, "wrong");
        let end = signed_in(&auth, &mut ivan).await.unwrap();
        assert_eq!(end.session.account(), first.session.account());
    });
}

/// ATTACKS 82: user verification is a flag in what is signed; what the client asked for or says proves nothing.
#[tokio::test]
async fn a_key_without_its_users_verification_is_no_sign_in() {
    each_store!(|world, store| {
        let auth = node(&world, store, Passkey::default());
        let mut key = Device::at(ORIGIN);
        let session = world.person(&auth).await;
        enrol(&world, &auth, &session, &mut key).await;
        key.flags = PRESENT;
        // The browser was asked for it; a script in it asks for less.
        let (flow, options) = unnamed(&auth).await;
        let options = options.replace("required", "discouraged");
        assert_eq!(told(&auth, &flow, &key.get(&options)).await, "wrong");
        key.flags = PRESENT | VERIFIED;
        assert!(signed_in(&auth, &mut key).await.is_some());
    });
}

/// ATTACKS 83 (CVE-2026-8830): each field of the policy of enrolments, changed in the browser.
#[tokio::test]
async fn an_enrolment_against_the_policy_is_refused_by_the_server() {
    each_store!(|world, store| {
        let mut policy = Passkey::default();
        policy.user_verification = UserVerification::Always;
        let auth = node(&world, store, policy);
        let session = world.person(&auth).await;
        let (flow, options) = offered(&world, &auth, &session.token).await;
        let mut key = Device::at(ORIGIN);
        let lies = [
            // An algorithm that was not offered: EdDSA in the place of ES256.
            key.create_with(&options, |draft| draft.data[32 + 1 + 4 + 16 + 2 + 32 + 4] = 0x27),
            key.create_with(&options, |draft| draft.flags(|flags| flags & !VERIFIED)),
            key.create_with(&options, |draft| draft.flags(|flags| flags & !PRESENT)),
            key.create_with(&options, |draft| draft.rp_id("example")),
            key.create_with(&options, |draft| draft.client["origin"] = "https://evil.example".into()),
            key.create_with(&options, |draft| draft.client["crossOrigin"] = true.into()),
            key.create_with(&options, |draft| draft.client["type"] = "webauthn.get".into()),
            key.create_with(&options, |draft| draft.client["challenge"] = "AA".into()),
        ];
        for (at, lie) in lies.iter().enumerate() {
            assert_eq!(told(&auth, &flow, lie).await, "wrong", "{at}");
        }
        assert_eq!(told(&auth, &flow, &key.create(&options)).await, "done");
        assert!(signed_in(&auth, &mut key).await.is_some());
    });
}

/// ATTACKS 41 (CVE-2022-42731) and 42 (CVE-2026-37982): what added a key adds no other one, in its flow or in another;
/// and a flow that was opened in a session adds nothing once that session is over.
#[tokio::test]
async fn an_enrolment_is_good_once_and_in_its_session() {
    each_store!(|world, store| {
        let auth = node(&world, store, Passkey::default());
        let session = world.person(&auth).await;
        let account = session.session.account();
        let keys = async || {
            let all = auth.credentials(account).await.unwrap();
            all.iter().filter(|one| one.factor == Passkey::NAME).count()
        };
        let mut key = Device::at(ORIGIN);
        let (flow, options) = offered(&world, &auth, &session.token).await;
        let made = key.create(&options);
        let end = done(auth.visit(Client::unknown()).answer(&flow, wire(&made)).await.unwrap());
        let mut thief = Device::at(ORIGIN);
        for answer in [&made, &thief.create(&options)] {
            assert_eq!(told(&auth, &flow, answer).await, "no_flow");
        }
        assert_eq!(keys().await, 1);

        let visit = auth.visit(Client::unknown());
        let next = pending(visit.enrol(&end.token, Passkey::NAME).await.unwrap());
        let (flow, again) = begun(&auth, &next.flow).await;
        let next = pending(visit.answer(&flow, wire(&key.get(&again))).await.unwrap());
        let (flow, again) = begun(&auth, &next.flow).await;
        for answer in [&made, &thief.create(&options)] {
            assert_eq!(told(&auth, &flow, answer).await, "wrong");
        }
        visit.sign_out(&end.token).await.unwrap();
        assert_eq!(told(&auth, &flow, &thief.create(&again)).await, "no_session");
        assert_eq!(keys().await, 1);
        assert!(signed_in(&auth, &mut key).await.is_some());
    });
}

/// ATTACKS 84: the whole table of signature counters; what is refused for one is disabled, by compare-and-swap, and its
/// owner is told.
#[tokio::test]
async fn a_counter_that_goes_back_disables_the_key() {
    for (stored, new, good) in
        [(0, 0, true), (5, 6, true), (0, 1, true), (5, 5, false), (5, 4, false), (5, 0, false)]
    {
        each_store!(|world, store| {
            let auth = node(&world, store, Passkey::default());
            let session = world.person(&auth).await;
            let mut key = Device::at(ORIGIN);
            let (flow, options) = offered(&world, &auth, &session.token).await;
            let made = key.create_with(&options, |draft| draft.count(stored));
            assert_eq!(told(&auth, &flow, &made).await, "done");
            let (flow, options) = unnamed(&auth).await;
            let answer = key.get_with(&options, |draft| draft.count(new));
            let ends = told(&auth, &flow, &answer).await;
            assert_eq!(ends, if good { "done" } else { "wrong" }, "({stored}, {new})");
            // A later answer, by the right device and with a number that was never seen.
            key.count = Some(100);
            assert_eq!(signed_in(&auth, &mut key).await.is_some(), good, "({stored}, {new})");
            let sent = world.outbox.all(&auth).await;
            let told = sent.iter().any(|message| message.template.as_str() == "credential-disabled");
            assert_eq!(told, !good, "({stored}, {new})");
        });
    }
}

/// ATTACKS 86: origins are compared to the letter, the domain by its hash.
#[tokio::test]
async fn an_origin_that_only_looks_like_the_sites_is_refused() {
    each_store!(|world, store| {
        let auth = node(&world, store, Passkey::default());
        let session = world.person(&auth).await;
        let mut key = Device::at(ORIGIN);
        enrol(&world, &auth, &session, &mut key).await;
        for origin in [
            "https://evil-portal.example",
            "https://portal.example.evil",
            "https://evil.portal.example",
            "https://example",
            "https://portal.example:1",
            "http://portal.example",
            "https://portal.example/",
            "https://localhost:1",
            "android:apk-key-hash:pNiP5iKyQ8JwgGOaKA1zGPUPJIS-0H1xKCQcfIoGLck",
            "ios:bundle-id:example.portal",
        ] {
            let (flow, options) = unnamed(&auth).await;
            let lie = key.get_with(&options, |draft| draft.client["origin"] = origin.into());
            assert_eq!(told(&auth, &flow, &lie).await, "wrong", "{origin}");
            assert_eq!(told(&auth, &flow, &key.get(&options)).await, "done", "{origin}");
        }
        let (flow, options) = unnamed(&auth).await;
        let lie = key.get_with(&options, |draft| draft.rp_id("example"));
        assert_eq!(told(&auth, &flow, &lie).await, "wrong");
    });
}

/// ATTACKS 87: public values of a key (its id, its public key, the handle, the challenge) in whatever form are no
/// answer: there is one form, and it is signed.
#[tokio::test]
async fn public_values_are_no_answer() {
    each_store!(|world, store| {
        let auth = node(&world, store, Passkey::default());
        let session = world.person(&auth).await;
        let mut key = Device::at(ORIGIN);
        enrol(&world, &auth, &session, &mut key).await;
        let (flow, options) = unnamed(&auth).await;
        let honest = key.get(&options);
        let mut unsigned = honest.clone();
        unsigned["response"]["signature"] = "".into();
        let mut no_response = honest.clone();
        no_response["response"] = json!({});
        let mut more = honest.clone();
        more["publicKey"] = honest["id"].clone();
        for (answer, ends) in [
            (json!({ "id": honest["id"] }), "malformed"),
            (json!({ "credentialId": honest["id"], "publicKey": "BA", "userHandle": "AA" }), "malformed"),
            (json!(honest["id"]), "malformed"),
            (no_response, "malformed"),
            (more, "malformed"),
            (unsigned, "wrong"),
        ] {
            assert_eq!(told(&auth, &flow, &answer).await, ends);
        }
        assert_eq!(told(&auth, &flow, &honest).await, "done");
    });
}
