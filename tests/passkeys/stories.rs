//! What people do with their keys.

use std::time::Duration;

use propusk::error::Broken;
use propusk::factor::passkey::{Passkey, UserVerification};
use propusk::id::FactorName;
use propusk::policy::Requirement;
use propusk::proof::{Aal, Channel, Due, Proves};
use propusk::{Auth, KeyRing, MemoryStore, Profile, Site};
use serde_json::{Value, json};

use crate::authenticator::{BACKED_UP, Device, ELIGIBLE, PRESENT, VERIFIED, bytes, text, wire};
use crate::site::{ORIGIN, WORD, done, pending};
use crate::world::{PHONE, World, device, offers, said};

#[tokio::test]
async fn a_key_signs_its_owner_in_and_nobody_types_a_name() {
    let (world, mut key) = (World::new(), device());
    let owner = world.person(PHONE, &mut key).await;
    let next = pending(world.visit.sign_in().unnamed().await.unwrap());
    assert_eq!(offers(&next), ["passkey"]);
    let (flow, options) = world.begun(&next.flow).await;
    let end = done(world.answer(&flow, &key.get(&options)).await);
    assert_eq!(end.session.account(), owner.session.account());
    assert_eq!(end.session.amr(), ["hwk", "user", "pop", "mfa"]);
    assert_eq!(end.session.aal(), Aal::Three);
}

/// A key proves nothing by the password, so a password that others know keeps nobody out who has a key, and is not asked
/// for there; who signs in by it is asked, with the key as second factor.
#[tokio::test]
async fn a_sign_in_by_key_asks_for_no_new_password() {
    let (world, mut key) = (World::new(), device());
    let account = world.person(PHONE, &mut key).await.session.account();
    let (password, app) = (propusk::Password::NAME, propusk::Client::unknown());
    assert!(propusk::Password::mark_compromised(&world.auth, account, &app).await.unwrap().is_done());
    let (flow, options) = world.unnamed().await;
    let end = done(world.answer(&flow, &key.get(&options)).await);
    assert!(world.auth.session(&end.token).await.unwrap().is_some());
    let (flow, options) = world.begun(&world.proven(PHONE).await.flow).await;
    let next = pending(world.answer(&flow, &key.get(&options)).await);
    assert_eq!(next.due, Some(Due::Compromised));
    assert_eq!((next.offers.len(), &next.offers[0].factor), (1, &password));
    let chosen = propusk::Password::word("Совсем другие слова 9");
    let end = done(world.visit.answer(&next.flow, chosen).await.unwrap());
    assert_eq!(end.session.amr(), ["pwd", "hwk", "user", "pop", "mfa"]);
    assert_eq!(world.try_unnamed(&mut key).await, "done");
}

/// Synced and device-bound keys are told apart (NIST SP 800-63B-4 section 2.3.2: a key that can be copied is no AAL3).
#[tokio::test]
async fn a_synced_key_is_one_in_software_and_of_aal2() {
    let (world, mut key) = (World::new(), device());
    key.flags |= ELIGIBLE;
    key.count = None;
    world.person(PHONE, &mut key).await;
    for flags in [ELIGIBLE, ELIGIBLE | BACKED_UP, ELIGIBLE] {
        key.flags = PRESENT | VERIFIED | flags;
        let (flow, options) = world.unnamed().await;
        let end = done(world.answer(&flow, &key.get(&options)).await);
        assert_eq!(end.session.amr(), ["swk", "user", "pop", "mfa"]);
        assert_eq!(end.session.aal(), Aal::Two);
    }
}

#[tokio::test]
async fn after_a_password_a_key_is_the_second_factor() {
    let (world, mut key) = (World::new(), device());
    let owner = world.person(PHONE, &mut key).await;
    // A key on a desk, without user verification, still is something held.
    key.flags = PRESENT;
    let next = world.proven(PHONE).await;
    assert!(offers(&next).contains(&"passkey"));
    let (flow, options) = world.begun(&next.flow).await;
    let asked: Value = serde_json::from_str(&options).unwrap();
    assert_eq!(bytes(&asked["allowCredentials"][0]["id"]), key.id);
    assert_eq!(asked["allowCredentials"][0]["transports"], json!(["internal", "hybrid"]));
    assert_eq!(asked["userVerification"], "preferred");
    // Security keys of the old kind give no user handle.
    let answer = key.get_with(&options, |draft| draft.user = None);
    let end = done(world.answer(&flow, &answer).await);
    assert_eq!(end.session.account(), owner.session.account());
    assert_eq!(end.session.amr(), ["pwd", "hwk", "user", "pop", "mfa"]);
    assert_eq!(end.session.aal(), Aal::Two);
    // Alone it is not enough.
    assert_eq!(world.try_unnamed(&mut key).await, "wrong");
}

/// A security key without a PIN is something held and no more: nobody is left with it alone, or sent for a level that it
/// cannot give. Once it has verified its user, it counts as one that does.
#[tokio::test]
async fn a_key_that_verifies_nobody_is_not_counted_on() {
    let (world, mut key) = (World::new(), device());
    key.flags = PRESENT;
    let mine = world.person(PHONE, &mut key).await;
    let held = world.auth.credentials(mine.session.account()).await.unwrap();
    let of = |factor: FactorName| held.iter().find(|one| one.factor == factor).unwrap().id;
    let word = of(propusk::Password::NAME);
    assert_eq!(said(&world.visit.remove(&mine.token, word).await.unwrap()), "last_factor");
    // It goes by what there is: a password and a code.
    let next = pending(world.visit.remove(&mine.token, of(Passkey::NAME)).await.unwrap());
    let next = pending(world.visit.answer(&next.flow, propusk::Password::word(WORD)).await.unwrap());
    assert_eq!(offers(&next), ["sms-code", "passkey"]);
    key.flags = PRESENT | VERIFIED;
    let (flow, options) = world.begun(&world.proven(PHONE).await.flow).await;
    let asked: Value = serde_json::from_str(&options).unwrap();
    assert_eq!(asked["userVerification"], "preferred");
    let mine = done(world.answer(&flow, &key.get(&options)).await);
    assert_eq!(mine.session.aal(), Aal::Three);
    assert_eq!(said(&world.visit.remove(&mine.token, word).await.unwrap()), "pending");
}

/// A code of an application on the same device does not shut out the key, which gives more.
#[tokio::test]
async fn after_an_applications_code_a_key_is_still_asked_for() {
    let world = World::with(Profile::public_portal(), |builder| {
        builder.factor(Passkey::default()).factor(propusk::Totp::default())
    });
    let mut key = device();
    let mine = world.person(PHONE, &mut key).await;
    let next = pending(world.visit.enrol(&mine.token, propusk::Totp::NAME).await.unwrap());
    let (flow, options) = world.begun(&next.flow).await;
    let next = pending(world.answer(&flow, &key.get(&options)).await);
    let next = pending(world.visit.begin(&next.flow, &propusk::Totp::NAME).await.unwrap());
    let shown: Value = serde_json::from_str(next.begun.as_ref().unwrap().1.as_json()).unwrap();
    let uri = shown["uri"].as_str().unwrap().to_owned();
    let code = || propusk::Totp::code(&propusk::testing::totp_code(&uri, world.auth.now()).unwrap());
    let mine = done(world.visit.answer(&next.flow, code()).await.unwrap());
    world.minutes(1);
    let next = pending(world.visit.enrol(&mine.token, Passkey::NAME).await.unwrap());
    let next = pending(world.visit.answer(&next.flow, propusk::Password::word(WORD)).await.unwrap());
    let next = pending(world.visit.answer(&next.flow, code()).await.unwrap());
    assert_eq!((next.duty, offers(&next)), (None, vec!["passkey"]));
    let (flow, options) = world.begun(&next.flow).await;
    let next = pending(world.answer(&flow, &key.get(&options)).await);
    assert!(next.duty.is_some());
}

#[tokio::test]
async fn the_options_are_what_a_browser_parses_and_name_no_account() {
    let (world, mut first, mut second) = (World::new(), device(), device());
    let session = world.register(PHONE).await;
    let (flow, options) = world.offer(&session.token).await;
    let made: Value = serde_json::from_str(&options).unwrap();
    assert_eq!(made["rp"], json!({ "id": "portal.example", "name": "Portal" }));
    assert_eq!(
        made["pubKeyCredParams"],
        json!([
            { "type": "public-key", "alg": -7 },
            { "type": "public-key", "alg": -35 },
            { "type": "public-key", "alg": -257 },
        ])
    );
    assert_eq!(made["attestation"], "none");
    assert_eq!(made["excludeCredentials"], json!([]));
    assert_eq!(made["authenticatorSelection"]["residentKey"], "preferred");
    assert_eq!(bytes(&made["challenge"]).len(), 32);
    let owner = bytes(&made["user"]["id"]);
    assert_eq!(owner.len(), 64);
    let account = session.session.account();
    assert!(!owner.windows(8).any(|part| account.as_bytes().windows(8).any(|id| id == part)));
    // The name in the device's list of keys.
    assert_eq!(made["user"]["name"], PHONE);

    let session = done(world.answer(&flow, &first.create(&options)).await);
    let (flow, options) = world.offer_by(&session.token, &mut first).await;
    let again: Value = serde_json::from_str(&options).unwrap();
    assert_eq!(bytes(&again["user"]["id"]), owner, "one handle for all keys of an account");
    assert_ne!(again["challenge"], made["challenge"]);
    assert_eq!(bytes(&again["excludeCredentials"][0]["id"]), first.id);
    done(world.answer(&flow, &second.create(&options)).await);

    let (_, options) = world.unnamed().await;
    let asked: Value = serde_json::from_str(&options).unwrap();
    assert_eq!(asked["allowCredentials"], json!([]));
    assert_eq!(asked["rpId"], "portal.example");
    assert_eq!(asked["userVerification"], "required");
    for key in [&mut first, &mut second] {
        assert_eq!(world.try_unnamed(key).await, "done");
    }
}

/// A typed name never shows whether its account has keys: neither in what is offered nor in what a challenge says.
#[tokio::test]
async fn a_name_does_not_tell_who_has_keys() {
    let world = World::new();
    world.person(PHONE, &mut device()).await;
    world.register("+79161234568").await;
    let mut seen = Vec::new();
    for name in [PHONE, "+79161234568", "+79161234569"] {
        let next = pending(world.visit.sign_in().start(name).await.unwrap());
        let begun = world.visit.begin(&next.flow, &Passkey::NAME).await.unwrap();
        let answered = world.visit.answer(&next.flow, wire(&json!({}))).await.unwrap();
        seen.push(format!("{:?} {} {}", offers(&next), said(&begun), said(&answered)));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[1], seen[2]);
    assert!(!seen[0].contains("passkey"), "{}", seen[0]);
}

#[tokio::test]
async fn a_key_proves_its_owner_before_another_is_added() {
    let world = World::with(Profile::nist_aal1(), |builder| builder.factor(Passkey::default()));
    let (mut first, mut second) = (device(), device());
    let session = world.person(PHONE, &mut first).await;
    let next = pending(world.visit.enrol(&session.token, Passkey::NAME).await.unwrap());
    let (flow, options) = world.begun(&next.flow).await;
    let next = pending(world.answer(&flow, &first.get(&options)).await);
    // What was asked for as a proof is no proposal: the new key has a challenge of its own.
    let early = world.answer(&next.flow, &second.create(&creation_of(&options))).await;
    assert_eq!(said(&early), "not_begun");
    let (flow, options) = world.begun(&next.flow).await;
    done(world.answer(&flow, &second.create(&options)).await);
    assert_eq!(world.try_unnamed(&mut second).await, "done");
}

// Options for a new key with the challenge of a proof.
fn creation_of(request: &str) -> String {
    let request: Value = serde_json::from_str(request).unwrap();
    let made = json!({
        "rp": { "id": request["rpId"] }, "user": { "id": "" }, "challenge": request["challenge"],
    });
    made.to_string()
}

#[tokio::test]
async fn user_verification_can_be_required_at_each_use() {
    let mut factor = Passkey::default();
    factor.user_verification = UserVerification::Always;
    let (world, mut key) =
        (World::with(Profile::public_portal(), |builder| builder.factor(factor)), device());
    let session = world.register(PHONE).await;
    let (flow, options) = world.offer(&session.token).await;
    key.flags = PRESENT;
    assert_eq!(said(&world.answer(&flow, &key.create(&options)).await), "wrong");
    key.flags = PRESENT | VERIFIED;
    done(world.answer(&flow, &key.create(&options)).await);
    let (flow, options) = world.begun(&world.proven(PHONE).await.flow).await;
    key.flags = PRESENT;
    assert_eq!(said(&world.answer(&flow, &key.get(&options)).await), "wrong");
    key.flags = PRESENT | VERIFIED;
    assert_eq!(said(&world.answer(&flow, &key.get(&options)).await), "done");
}

#[tokio::test]
async fn without_required_verification_a_key_alone_is_one_factor() {
    let mut factor = Passkey::default();
    factor.user_verification = UserVerification::Preferred;
    let world = World::with(Profile::nist_aal1(), |builder| builder.factor(factor));
    let mut key = device();
    world.person(PHONE, &mut key).await;
    key.flags = PRESENT;
    let (flow, options) = world.unnamed().await;
    let end = done(world.answer(&flow, &key.get(&options)).await);
    assert_eq!((end.session.aal(), end.session.amr()), (Aal::One, vec!["hwk", "user", "pop"]));
}

#[tokio::test]
async fn a_domain_may_be_shared_and_a_port_is_part_of_the_origin() {
    for (origin, domain) in [
        ("http://localhost:8080", "localhost"),
        ("https://Login.Portal.example:443", "portal.example"),
        ("https://portal.example:8443", "portal.example"),
    ] {
        let world = World::with(Profile::public_portal(), |builder| {
            builder.site(Site::new("Portal", origin)).factor(Passkey::default().domain(domain))
        });
        // As browsers write it.
        let mut key = Device::at(&origin.to_lowercase().replace(":443", ""));
        world.person(PHONE, &mut key).await;
        assert_eq!(world.try_unnamed(&mut key).await, "done", "{origin}");
        key.origin = format!("https://{domain}:1");
        assert_eq!(world.try_unnamed(&mut key).await, "wrong", "{origin}");
    }
}

/// What cannot work does not build: no person has to find that no key works here.
#[test]
fn a_domain_that_is_none_of_the_sites_is_a_misuse() {
    for (origin, domain) in [
        ("https://portal.example", "example"),
        ("https://portal.example", "other.example"),
        ("https://notportal.example", "portal.example"),
        ("http://127.0.0.1:8080", "127.0.0.1"),
    ] {
        let builder = Auth::builder(Profile::nist_aal1(), MemoryStore::default(), KeyRing::random());
        let builder = builder.site(Site::new("Portal", origin)).factor(Passkey::default().domain(domain));
        let built = builder.build();
        assert!(matches!(built, Err(Broken::Misuse(_))), "{origin} {domain}: {built:?}");
    }
    let builder = Auth::builder(Profile::nist_aal1(), MemoryStore::default(), KeyRing::random());
    let built = builder.factor(Passkey::default()).build();
    assert!(matches!(built, Err(Broken::Misuse(_))), "nowhere: {built:?}");
}

#[tokio::test]
async fn an_application_signs_in_under_its_own_origin_to_the_letter() {
    const APP: &str = "android:apk-key-hash:pNiP5iKyQ8JwgGOaKA1zGPUPJIS-0H1xKCQcfIoGLck";
    let world =
        World::with(Profile::public_portal(), |builder| builder.factor(Passkey::default().also_at(APP)));
    let mut key = Device::at(APP);
    world.person(PHONE, &mut key).await;
    assert_eq!(world.try_unnamed(&mut key).await, "done");
    for other in [&APP[..APP.len() - 1], "android:apk-key-hash:", "ios:bundle-id:org.example"] {
        key.origin = other.to_owned();
        assert_eq!(world.try_unnamed(&mut key).await, "wrong", "{other}");
    }
}

/// A key is of use for as long as its flow, and not after.
#[tokio::test]
async fn a_challenge_dies_with_its_flow() {
    let (world, mut key) = (World::new(), device());
    world.person(PHONE, &mut key).await;
    let (flow, options) = world.unnamed().await;
    let answer = key.get(&options);
    world.watch.forward(Duration::from_secs(15 * 60));
    assert_eq!(said(&world.answer(&flow, &answer).await), "no_flow");
}

/// The authenticator of webauthn-rs, which nobody of this project wrote. Its browser half writes origins with a slash at
/// the end, as no browser does and as nobody may: so the browser is played here.
#[tokio::test]
async fn the_software_authenticator_of_webauthn_rs_is_understood() {
    use webauthn_authenticator_rs::AuthenticatorBackendHashedClientData as _;
    use webauthn_authenticator_rs::softpasskey::SoftPasskey;

    let world = World::new();
    let mut device = SoftPasskey::new(true);
    let session = world.register(PHONE).await;
    let (flow, options) = world.offer(&session.token).await;
    let options: Value = serde_json::from_str(&options).unwrap();
    let (client, hash) = said_by_browser("webauthn.create", &options);
    let made = device.perform_register(hash, serde_json::from_value(options).unwrap(), 1000).unwrap();
    let made = as_browsers_write(serde_json::to_value(&made).unwrap(), &client);
    done(world.answer(&flow, &made).await);

    let (flow, options) = world.begun(&world.proven(PHONE).await.flow).await;
    let options: Value = serde_json::from_str(&options).unwrap();
    let (client, hash) = said_by_browser("webauthn.get", &options);
    let signed = device.perform_auth(hash, serde_json::from_value(options).unwrap(), 1000).unwrap();
    let signed = as_browsers_write(serde_json::to_value(&signed).unwrap(), &client);
    let end = done(world.answer(&flow, &signed).await);
    assert_eq!(end.session.account(), session.session.account());
}

fn said_by_browser(kind: &str, options: &Value) -> (String, Vec<u8>) {
    let client =
        json!({ "type": kind, "challenge": options["challenge"], "origin": ORIGIN, "crossOrigin": false });
    let client = client.to_string();
    let hash = ring::digest::digest(&ring::digest::SHA256, client.as_bytes());
    (text(client.as_bytes()), hash.as_ref().to_vec())
}

// webauthn-rs writes `extensions` where the standard has `clientExtensionResults`, and null where there is nothing.
fn as_browsers_write(mut answer: Value, client: &str) -> Value {
    answer["response"]["clientDataJSON"] = client.into();
    let members = answer.as_object_mut().unwrap();
    let extensions = members.remove("extensions").unwrap_or_default();
    members.insert("clientExtensionResults".to_owned(), extensions);
    members["response"].as_object_mut().unwrap().retain(|_, value| !value.is_null());
    answer
}

/// What a key really proved decides, not what keys can: else there would be an account that nobody can sign in to.
#[tokio::test]
async fn a_registration_by_key_alone_takes_a_key_that_is_enough() {
    for wanted in [
        // By the profile's own wish, and by what a sign-in takes.
        Proves::by(Channel::Device).possession().user_verified(),
        Proves::by(Channel::Device).possession(),
    ] {
        let mut profile = Profile::nist_aal2();
        profile.sign_up_enrols = wanted;
        if wanted.verified_user() {
            profile.sign_in = Requirement::aal(Aal::One);
        }
        let world = World::with(profile, |builder| builder.factor(Passkey::default()));
        let next = pending(world.visit.sign_up(PHONE, "Иван", "1").await.unwrap());
        let code = world.outbox.code(&world.auth).await;
        let answer = propusk::Code::typed(FactorName::new("sms-code"), &code);
        let next = pending(world.visit.answer(&next.flow, answer).await.unwrap());
        let (flow, options) = world.begun(&next.flow).await;
        let asked: Value = serde_json::from_str(&options).unwrap();
        assert_eq!(asked["user"]["name"], PHONE, "in full: it has just been confirmed");
        let mut key = device();
        key.flags = PRESENT;
        assert_eq!(said(&world.answer(&flow, &key.create(&options)).await), "wrong");
        let begun = pending(world.visit.sign_in().start(PHONE).await.unwrap());
        let begun = world.visit.begin(&begun.flow, &FactorName::new("sms-code")).await.unwrap();
        assert_eq!(said(&begun), "pending", "no account was made, and nobody is told");
        key.flags = PRESENT | VERIFIED;
        let end = done(world.answer(&flow, &key.create(&options)).await);
        assert!(end.session.aal() >= Aal::Two);
        assert_eq!(world.try_unnamed(&mut key).await, "done");
    }
}

#[tokio::test]
async fn where_no_name_is_typed_keys_must_be_found_without_one() {
    let mut factor = Passkey::default();
    factor.discoverable = true;
    let world = World::with(Profile::public_portal(), |builder| builder.factor(factor));
    let session = world.register(PHONE).await;
    let (flow, options) = world.offer(&session.token).await;
    let asked: Value = serde_json::from_str(&options).unwrap();
    let selection = &asked["authenticatorSelection"];
    assert_eq!(
        (&selection["residentKey"], &selection["requireResidentKey"]),
        (&json!("required"), &json!(true))
    );
    let mut key = device();
    let mut made = key.create(&options);
    made["clientExtensionResults"]["credProps"]["rk"] = json!(false);
    assert_eq!(said(&world.answer(&flow, &made).await), "wrong");
    // A browser that says nothing of it is believed: the options have asked for it.
    made["clientExtensionResults"] = json!({});
    assert_eq!(said(&world.answer(&flow, &made).await), "done");
    assert_eq!(world.try_unnamed(&mut key).await, "done");
}
