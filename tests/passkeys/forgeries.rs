//! Answers that lie. All are refused in the same words; the honest answer to the same challenge is still accepted.

use propusk::factor::passkey::{Passkey, UserVerification};
use propusk::{Answer, Profile};
use serde_json::{Value, json};

use crate::authenticator::{
    ATTESTED, BACKED_UP, Device, Draft, ELIGIBLE, EXTENSIONS, PRESENT, VERIFIED, attestation_object, bytes,
    text, wire,
};
use crate::site::{ORIGIN, done};
use crate::world::{PHONE, World, device, offers, said};

type Forge = Box<dyn Fn(&mut Draft)>;

fn client(member: &'static str, value: impl Into<Value>) -> Forge {
    let value = value.into();
    Box::new(move |draft| draft.client[member] = value.clone())
}

fn client_text(change: impl Fn(String) -> String + 'static) -> Forge {
    Box::new(move |draft| draft.client_text = Some(change(draft.client.to_string())))
}

fn flags(change: impl Fn(u8) -> u8 + 'static) -> Forge {
    Box::new(move |draft| draft.flags(&change))
}

/// What is wrong in the same way at a registration and at a sign-in.
fn common(kind: &'static str) -> Vec<(String, Forge)> {
    let mut lies: Vec<(String, Forge)> = Vec::new();
    // ATTACKS 86: other hosts, schemes, ports, and what a lenient reader of URLs takes for the same.
    for origin in [
        "https://evil-portal.example",
        "https://portal.example.evil",
        "https://evil.portal.example",
        "https://example",
        "https://portal.example:1",
        "https://portal.example:443",
        "http://portal.example",
        "https://PORTAL.example",
        "https://portal.example/",
        "https://portal.example/sign-in",
        "https://user@portal.example",
        "https://portal.example.",
        "https://localhost:1",
        "null",
        "",
    ] {
        lies.push((format!("origin {origin}"), client("origin", origin)));
    }
    let other = if kind == "webauthn.get" { "webauthn.create" } else { "webauthn.get" };
    lies.extend([
        ("type".into(), client("type", other)),
        ("type of a payment".into(), client("type", "payment.get")),
        ("challenge".into(), client("challenge", text(&[7; 32]))),
        ("no challenge".into(), client("challenge", "")),
        ("challenge in another spelling".into(), client_text(|text| text.replacen("\",", "=\",", 1))),
        ("in a frame of another site".into(), client("crossOrigin", true)),
        ("in a frame, said otherwise".into(), client("topOrigin", "https://evil.example")),
        ("top origin of one's own".into(), client("topOrigin", ORIGIN)),
        ("crossOrigin of no known kind".into(), client("crossOrigin", "false")),
        ("a member twice".into(), client_text(|text| text.replacen('{', r#"{"type":"webauthn.get","#, 1))),
        (
            "two origins".into(),
            client_text(|text| text.replacen('{', r#"{"origin":"https://evil.example","#, 1)),
        ),
        ("a list".into(), client_text(|text| format!("[{text}]"))),
        ("values without names".into(), {
            Box::new(|draft: &mut Draft| {
                let client = &draft.client;
                draft.client_text =
                    Some(json!([client["type"], client["challenge"], client["origin"]]).to_string());
            })
        }),
        ("no JSON".into(), client_text(|text| text[1..].to_owned())),
        ("JSON and more".into(), client_text(|text| text + "{}")),
        ("a byte order mark".into(), client_text(|text| format!("\u{feff}{text}"))),
        ("another domain".into(), Box::new(|draft: &mut Draft| draft.rp_id("evil.example"))),
        ("the parent domain".into(), Box::new(|draft: &mut Draft| draft.rp_id("example"))),
        ("a domain below".into(), Box::new(|draft: &mut Draft| draft.rp_id("login.portal.example"))),
        ("the origin for a domain".into(), Box::new(|draft: &mut Draft| draft.rp_id(ORIGIN))),
        ("nobody present".into(), flags(|flags| flags & !PRESENT)),
        ("backed up, yet not to be".into(), flags(|flags| flags | BACKED_UP)),
        ("nothing signed".into(), Box::new(|draft: &mut Draft| draft.data.clear())),
        ("half of it".into(), Box::new(|draft: &mut Draft| draft.data.truncate(36))),
    ]);
    lies
}

#[tokio::test]
async fn a_forged_sign_in_is_refused_and_says_nothing() {
    let (world, mut key) = (World::new(), device());
    world.person(PHONE, &mut key).await;
    let mut lies = common("webauthn.get");
    lies.extend([
        ("not verified".into(), flags(|flags| flags & !VERIFIED)),
        ("eligible all at once".into(), flags(|flags| flags | ELIGIBLE)),
        ("with a new key".into(), flags(|flags| flags | ATTESTED)),
        ("extensions that are not there".into(), {
            Box::new(|draft: &mut Draft| draft.data.extend(b"\xa0")) as Forge
        }),
        ("nobody's handle".into(), Box::new(|draft: &mut Draft| draft.user = None)),
        ("an empty handle".into(), Box::new(|draft: &mut Draft| draft.user = Some(Vec::new()))),
        ("another's handle".into(), Box::new(|draft: &mut Draft| draft.user = Some(vec![1; 64]))),
        ("half a handle".into(), {
            Box::new(|draft: &mut Draft| draft.user.as_mut().unwrap().truncate(63)) as Forge
        }),
    ]);
    let mut counted = 0;
    for (name, forge) in lies {
        let (flow, options) = world.unnamed().await;
        // A forgery does not count, so that the key that is refused for it is not taken for a copy.
        let count = key.count;
        let forged = key.get_with(&options, |draft| forge(draft));
        key.count = count;
        assert_eq!(said(&world.answer(&flow, &forged).await), "wrong", "{name}");
        assert_eq!(said(&world.answer(&flow, &key.get(&options)).await), "done", "{name}");
        counted += 1;
    }
    assert!(counted > 40);
}

/// Extensions that nobody asked for may be there, where a flag says so: devices add them.
#[tokio::test]
async fn announced_extensions_are_not_read() {
    let (world, mut key) = (World::new(), device());
    world.person(PHONE, &mut key).await;
    let (flow, options) = world.unnamed().await;
    let answer = key.get_with(&options, |draft| {
        draft.flags(|flags| flags | EXTENSIONS);
        draft.data.extend(b"\xa0");
    });
    assert_eq!(said(&world.answer(&flow, &answer).await), "done");
}

/// What is changed after signing.
#[tokio::test]
async fn a_changed_signature_is_refused() {
    let (world, mut key) = (World::new(), device());
    world.person(PHONE, &mut key).await;
    for (name, member, change) in [
        ("a bit of the signature", "signature", (|bytes| bytes[20] ^= 1) as fn(&mut Vec<u8>)),
        ("no signature", "signature", Vec::clear),
        ("zeroes (CVE-2022-21449)", "signature", |bytes| {
            *bytes = b"\x30\x06\x02\x01\x00\x02\x01\x00".to_vec()
        }),
        ("a signature and more", "signature", |bytes| bytes.push(0)),
        ("the counter", "authenticatorData", |bytes| bytes[36] ^= 64),
        ("the user's verification", "authenticatorData", |bytes| bytes[32] ^= VERIFIED),
        ("what the browser said", "clientDataJSON", |bytes| bytes.push(b' ')),
    ] {
        let (flow, options) = world.unnamed().await;
        let mut forged = key.get(&options);
        let mut part = bytes(&forged["response"][member]);
        change(&mut part);
        forged["response"][member] = text(&part).into();
        assert_eq!(said(&world.answer(&flow, &forged).await), "wrong", "{name}");
        assert_eq!(said(&world.answer(&flow, &key.get(&options)).await), "done", "{name}");
    }
}

/// ATTACKS 80, 81, 85: another's key, where the account has none, one and two; as a second factor and without a name;
/// with the other's id and handle, or with those of whom one wants to be.
#[tokio::test]
async fn anothers_key_opens_nothing() {
    let world = World::new();
    let mut mallory = device();
    world.person("+79169999999", &mut mallory).await;
    for keys in 0..3 {
        let phone = format!("+7916123456{keys}");
        let mut session = world.register(&phone).await;
        let mut theirs = Vec::new();
        for _ in 0..keys {
            let mut key = device();
            session = match theirs.last_mut() {
                None => world.enrol(&session.token, &mut key).await,
                Some(before) => world.enrol_by(&session.token, before, &mut key).await,
            };
            theirs.push(key);
        }
        let next = world.proven(&phone).await;
        assert_eq!(offers(&next).contains(&"passkey"), keys > 0);
        if keys == 0 {
            // Not offered, not begun: and what is sent all the same is not looked at.
            let (_, options) = world.unnamed().await;
            assert_eq!(said(&world.answer(&next.flow, &mallory.get(&options)).await), "not_offered");
            continue;
        }
        let (flow, options) = world.begun(&next.flow).await;
        let (unnamed, unnamed_options) = world.unnamed().await;
        for target in &theirs {
            // The second factor of another, with one's own key; with its id; with the id and the handle.
            for (id, user) in [
                (&mallory.id, &mallory.user),
                (&mallory.id, &target.user),
                (&target.id, &mallory.user),
                (&target.id, &target.user),
            ] {
                let mut liar = mallory.copy();
                (liar.id, liar.user) = (id.clone(), user.clone());
                let step = world.answer(&flow, &liar.get(&options)).await;
                assert_ne!(said(&step), "done");
                if (id, user) != (&mallory.id, &mallory.user) {
                    let step = world.answer(&unnamed, &liar.get(&unnamed_options)).await;
                    assert_ne!(said(&step), "done");
                }
            }
            // A key of the account's under the other's id.
            let mut mixed = target.copy();
            mixed.id = mallory.id.clone();
            assert_ne!(said(&world.answer(&flow, &mixed.get(&options)).await), "done");
        }
        // Held by now, as anybody who tries so often; later the owner's own key is good, and mallory's names mallory.
        world.minutes(60);
        for key in &mut theirs {
            assert_eq!(world.try_unnamed(key).await, "done");
        }
        mallory.count = mallory.count.map(|count| count + 100);
        let (flow, options) = world.unnamed().await;
        let end = done(world.answer(&flow, &mallory.get(&options)).await);
        assert_ne!(end.session.account(), session.session.account());
    }
}

/// Two keys of one account do not lend each other their signatures.
#[tokio::test]
async fn a_key_signs_under_its_own_id_only() {
    let (world, mut first, mut second) = (World::new(), device(), device());
    let session = world.person(PHONE, &mut first).await;
    world.enrol_by(&session.token, &mut first, &mut second).await;
    let mut mixed = first.copy();
    mixed.id = second.id.clone();
    assert_eq!(world.try_unnamed(&mut mixed).await, "wrong");
    assert_eq!(world.try_unnamed(&mut first).await, "done");
}

#[tokio::test]
async fn a_forged_enrolment_is_refused_and_says_nothing() {
    let mut always = Passkey::default();
    always.user_verification = UserVerification::Always;
    let world = World::with(Profile::public_portal(), |builder| builder.factor(always));
    let session = world.register(PHONE).await;
    let (flow, options) = world.offer(&session.token).await;
    let mut lies = common("webauthn.create");
    // After domain (32), flags, counter (4), maker (16), length (2) and id (32) comes the key: a5 01 02 03 26 20 01 21.
    const KEY: usize = 32 + 1 + 4 + 16 + 2 + 32;
    lies.extend([
        ("not verified".into(), flags(|flags| flags & !VERIFIED)),
        ("without a key".into(), flags(|flags| flags & !ATTESTED)),
        ("EdDSA".into(), Box::new(|draft: &mut Draft| draft.data[KEY + 4] = 0x27)),
        (
            "ES256K".into(),
            Box::new(|draft: &mut Draft| {
                draft.data.splice(KEY + 4..KEY + 5, [0x38, 0x2e]);
            }),
        ),
        (
            "RS1".into(),
            Box::new(|draft: &mut Draft| {
                draft.data.splice(KEY + 4..KEY + 5, [0x39, 0xff, 0xfe]);
            }),
        ),
        ("a symmetric key".into(), Box::new(|draft: &mut Draft| draft.data[KEY + 2] = 4)),
        ("another curve".into(), Box::new(|draft: &mut Draft| draft.data[KEY + 6] = 2)),
        (
            "a point off its curve".into(),
            Box::new(|draft: &mut Draft| {
                *draft.data.last_mut().unwrap() ^= 1;
            }),
        ),
        ("half a point".into(), Box::new(|draft: &mut Draft| draft.data.truncate(KEY + 50))),
        ("another id in what is signed".into(), Box::new(|draft: &mut Draft| draft.data[KEY - 1] ^= 1)),
        ("an id longer than the rest".into(), {
            Box::new(|draft: &mut Draft| draft.data[KEY - 34] = 0xff) as Forge
        }),
    ]);
    let mut key = device();
    for (name, forge) in &lies {
        let forged = key.create_with(&options, |draft| forge(draft));
        assert_eq!(said(&world.answer(&flow, &forged).await), "wrong", "{name}");
    }
    // The browser's own reading is believed by nobody.
    let mut forged = key.create(&options);
    forged["response"]["publicKey"] = text(&[1; 91]).into();
    forged["response"]["publicKeyAlgorithm"] = (-8).into();
    forged["response"]["authenticatorData"] = text(&[0; 37]).into();
    done(world.answer(&flow, &forged).await);
    assert_eq!(world.try_unnamed(&mut key).await, "done");
}

/// Costs that are written in the answer: lengths, depths and counts of CBOR; all refused, none spent.
#[tokio::test]
async fn a_hostile_attestation_object_costs_nothing() {
    let world = World::new();
    let session = world.register(PHONE).await;
    let (flow, options) = world.offer(&session.token).await;
    let mut key = device();
    let honest = key.create(&options);
    let object = bytes(&honest["response"]["attestationObject"]);
    let data = object[object.len() - bytes(&honest["response"]["authenticatorData"]).len()..].to_vec();
    let head = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData";
    let with = |prefix: &[u8], rest: &[u8]| [prefix, rest].concat();
    for (name, hostile) in [
        ("nothing", Vec::new()),
        ("bytes without end", with(head, b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff")),
        (
            "a list without end",
            with(b"\xa3\x63fmt\x64none\x67attStmt", b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff"),
        ),
        ("a map without end", b"\xbb\x7f\xff\xff\xff\xff\xff\xff\xff".to_vec()),
        ("lists in lists", with(b"\xa3\x63fmt\x64none\x67attStmt", &[0x81; 7000])),
        ("maps in maps", with(b"\xa3\x63fmt\x64none\x67attStmt", &b"\xa1\x60".repeat(3500))),
        ("tags on tags", [0xc1; 8000].to_vec()),
        ("of no known length", [0x9f; 8000].to_vec()),
        ("and more", with(&attestation_object(&data), b"\x00")),
        ("of an unknown kind", with(b"\xa3\x63fmt\x64nope\x67attStmt\xa0\x68authData\x58", &data)),
        ("half", object[..object.len() / 2].to_vec()),
    ] {
        let mut forged = honest.clone();
        forged["response"]["attestationObject"] = text(&hostile).into();
        let begun = std::time::Instant::now();
        assert_eq!(said(&world.answer(&flow, &forged).await), "wrong", "{name}");
        assert!(begun.elapsed().as_secs() < 2, "{name}");
    }
    done(world.answer(&flow, &honest).await);
}

/// ATTACKS 87: one form of answer. What the standard's JSON does not name, or names otherwise, is no answer, and is
/// not counted.
#[tokio::test]
async fn an_answer_of_another_form_is_malformed() {
    let (world, mut key) = (World::new(), device());
    world.person(PHONE, &mut key).await;
    let (flow, options) = world.unnamed().await;
    let honest = key.get(&options);
    let with = |change: &dyn Fn(&mut Value)| {
        let mut answer = honest.clone();
        change(&mut answer);
        answer.to_string()
    };
    let put = |pointer: &'static str, value: Value| {
        with(&|answer| *answer.pointer_mut(pointer).unwrap() = value.clone())
    };
    let plain = honest.to_string();
    for (name, answer) in [
        ("empty", "{}".to_owned()),
        ("a list", format!("[{plain}]")),
        ("an unknown member", with(&|answer| answer["publicKey"] = text(&[4; 65]).into())),
        ("an unknown member inside", with(&|answer| answer["response"]["publicKey"] = text(&[4; 65]).into())),
        ("of an enrolment", with(&|answer| answer["response"]["attestationObject"] = "oA".into())),
        ("a member twice", plain.replacen('{', r#"{"type":"public-key","#, 1)),
        ("an id twice", plain.replacen('{', &format!(r#"{{"rawId":{},"#, honest["rawId"]), 1)),
        ("another type", put("/type", "password".into())),
        ("padding", put("/rawId", format!("{}=", text(&key.id)).into())),
        ("loose last bits", put("/rawId", format!("{}B", "A".repeat(42)).into())),
        ("the other alphabet", put("/response/signature", "++//".into())),
        ("an id of 1024 bytes", put("/rawId", text(&[1; 1024]).into())),
        ("an id of ten kilobytes", put("/id", text(&[1; 10_000]).into())),
        ("a handle of 65 bytes", put("/response/userHandle", text(&[1; 65]).into())),
        ("a signature of 513 bytes", put("/response/signature", text(&[1; 513]).into())),
        ("client data of 4097 bytes", put("/response/clientDataJSON", text(&[b' '; 4097]).into())),
        ("authenticator data of 2049 bytes", put("/response/authenticatorData", text(&[1; 2049]).into())),
        ("bytes as numbers", put("/rawId", json!([1, 2, 3]))),
        ("nulls", put("/response/signature", Value::Null)),
        ("deep", put("/clientExtensionResults", json!("x")).replace("\"x\"", &"[".repeat(4000))),
        ("more than any answer", put("/authenticatorAttachment", "a".repeat(Answer::MOST_BYTES).into())),
    ] {
        let step = world.visit.answer(&flow, Answer::wire(Passkey::NAME, answer)).await.unwrap();
        assert_eq!(said(&step), "malformed", "{name}");
    }
    // Optional members may be missing, null, or say more than is read.
    let mut answer = honest.clone();
    answer.as_object_mut().unwrap().remove("authenticatorAttachment");
    answer["clientExtensionResults"] = json!({ "appid": true, "prf": { "results": { "first": "AA" } } });
    assert_eq!(said(&world.answer(&flow, &answer).await), "done");
}

#[tokio::test]
async fn an_id_that_differs_from_its_bytes_is_refused() {
    let (world, mut key) = (World::new(), device());
    world.person(PHONE, &mut key).await;
    let (flow, options) = world.unnamed().await;
    let mut answer = key.get(&options);
    answer["id"] = text(&[9; 32]).into();
    assert_eq!(said(&world.answer(&flow, &answer).await), "wrong");
    answer["id"] = answer["rawId"].clone();
    assert_eq!(said(&world.answer(&flow, &answer).await), "done");
}

/// An id that somebody has cannot be enrolled by another: neither taken over nor shared.
#[tokio::test]
async fn an_id_is_enrolled_once() {
    let (world, mut key) = (World::new(), device());
    let owner = world.person(PHONE, &mut key).await;
    let other = world.register("+79161234568").await;
    let mut thief = device();
    thief.id = key.id.clone();
    let (flow, options) = world.offer(&other.token).await;
    assert_eq!(said(&world.answer(&flow, &thief.create(&options)).await), "stale");
    // Nor twice by its owner.
    let (flow, options) = world.offer_by(&owner.token, &mut key).await;
    assert_eq!(said(&world.answer(&flow, &thief.create(&options)).await), "wrong");
    let (flow, options) = world.unnamed().await;
    let end = done(world.answer(&flow, &key.get(&options)).await);
    assert_eq!(end.session.account(), owner.session.account());
}

#[tokio::test]
async fn an_enrolment_is_confirmed_once() {
    let world = World::new();
    let session = world.register(PHONE).await;
    let (flow, options) = world.offer(&session.token).await;
    let mut key = device();
    let made = key.create(&options);
    let session = done(world.answer(&flow, &made).await);
    assert_eq!(said(&world.answer(&flow, &made).await), "no_flow");
    let (flow, _) = world.offer_by(&session.token, &mut key).await;
    assert_eq!(said(&world.answer(&flow, &made).await), "wrong");
}

/// What an answer carries shows in no log: neither in `Debug` nor in why it did not parse.
#[tokio::test]
async fn nothing_of_an_answer_shows() {
    use propusk::Factor;
    type Form = <Passkey as Factor>::Answer;

    let (world, mut key) = (World::new(), Device::at(ORIGIN));
    world.person(PHONE, &mut key).await;
    let (_, options) = world.unnamed().await;
    let answer = key.get(&options);
    let shown = format!("{:?} {:?}", wire(&answer), serde_json::from_value::<Form>(answer.clone()).unwrap());
    let mut broken = answer.clone();
    broken["rawId"] = format!("{}!", text(&key.id)).into();
    let shown = shown + &serde_json::from_value::<Form>(broken).unwrap_err().to_string();
    for part in ["rawId", "/response/signature", "/response/userHandle", "/response/clientDataJSON"] {
        let pointer = if part.starts_with('/') { part.to_owned() } else { format!("/{part}") };
        let value = answer.pointer(&pointer).unwrap().as_str().unwrap();
        assert!(!shown.contains(&value[..16]), "{part}");
    }
}
