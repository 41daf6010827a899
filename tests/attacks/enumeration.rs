//! Who has an account shows in nothing. The whole table is generated in tests/enumeration.rs; here is one test for
//! each way in which it once leaked.

use propusk::testing::CountingStore;
use propusk::{Client, MemoryStore};

use crate::portal::{WORD, done, pending};
use crate::world::{EMAIL, PHONE, Pin6, World, each_store, said, told, try_word};

/// ATTACKS 44 (CVE-2016-2513, CVE-2024-39329) and 46 (CVE-2025-54999): a wrong word costs one hash and the same calls
/// of the store for a known name, one that nobody has, one that is switched off, and one without a password.
#[tokio::test]
async fn every_name_costs_one_hash_and_the_same_calls() {
    let world = World::new();
    let store = CountingStore::new(MemoryStore::default());
    let log = store.log();
    let auth = world.builder(store).factor(Pin6).build().unwrap();
    world.person(&auth).await;
    let off = world.register(&auth, EMAIL, WORD).await.session.account();
    auth.disable(off, &Client::unknown()).await.unwrap();
    let without = "+79160000009";
    let end = world.register_with(&auth, without, Pin6::typed("271828")).await;
    assert_eq!(end.session.amr(), ["sms", "mfa"], "no password");
    let mut seen = Vec::new();
    for (name, word) in [(PHONE, "wrong"), ("+79160000000", WORD), (EMAIL, WORD), (without, WORD)] {
        let _ = log.take();
        let hashed = auth.hashes().computed();
        let said = told(&auth, name, word).await;
        seen.push((name, said, auth.hashes().computed() - hashed, log.take()));
    }
    for (name, said, hashed, calls) in &seen {
        assert_eq!((*said, *hashed), ("wrong", 1), "{name}");
        assert_eq!(calls, &seen[0].3, "{name}");
    }
    // A decoy costs what a new password costs now, not what it cost once.
    let mut dearer = World::new();
    dearer.hashing.memory_kib *= 2;
    for auth in [auth.clone(), dearer.node(MemoryStore::default())] {
        assert!(auth.hashes().is_current(&auth.hashes().decoy([7; 32])));
    }
    assert_eq!(told(&auth, PHONE, WORD).await, "done");
    let visit = auth.visit(Client::unknown());
    assert_eq!(said(&visit.sign_in().with(without, Pin6::typed("271828")).await.unwrap()), "done");
}

/// ATTACKS 47 (CVE-2017-5537, CVE-2022-39307): a registration sends exactly one message to what was typed, and shows
/// the same, whether the address is free or taken; only who reads the mailbox learns which.
#[tokio::test]
async fn a_registration_sends_one_message_and_shows_the_same() {
    each_store!(|world, store| {
        let auth = world.node(store);
        world.register(&auth, EMAIL, WORD).await;
        let visit = auth.visit(Client::unknown());
        let mut shown = Vec::new();
        for address in [EMAIL, "free@example.org"] {
            let before = world.outbox.all(&auth).await.len();
            let next = pending(visit.sign_up(address, "Иван", "1").await.unwrap());
            let sent = world.outbox.all(&auth).await.split_off(before);
            assert_eq!(sent.iter().map(|one| one.to.as_str().to_owned()).collect::<Vec<_>>(), [address]);
            assert_eq!(sent[0].param("code").is_some(), address != EMAIL);
            let wrong =
                visit.answer(&next.flow, propusk::Code::typed(crate::world::MAIL, "000000")).await.unwrap();
            shown.push((next.offers, next.begun, next.expires_in, said(&wrong)));
        }
        assert_eq!(shown[0], shown[1]);
        assert_eq!(told(&auth, EMAIL, WORD).await, "done");
    });
}

/// ATTACKS 48 (CVE-2019-25025): the store is asked for hashes and holds hashes: neither a token nor a code nor a
/// password lies in the file, so no index is searched by a secret, and a stolen file signs nobody in.
#[tokio::test]
async fn no_secret_lies_in_the_file() {
    let world = World::new();
    let auth = world.node(world.file_store());
    let binding = auth.random_token().unwrap();
    let first = world.person(&auth).await;
    let visit = auth.visit(Client::unknown().bound_by(binding.clone()));
    let flow = pending(visit.sign_in().start(PHONE).await.unwrap()).flow;
    let _ = pending(visit.begin(&flow, &crate::world::SMS).await.unwrap());
    let mut file = std::fs::read(world.file()).unwrap();
    file.extend(std::fs::read(world.file().with_extension("db-wal")).unwrap());
    let holds = |bytes: &[u8]| file.windows(bytes.len()).any(|window| window == bytes);
    assert!(holds(b"sign-up"), "this is the file");
    for token in [&binding, &first.token, &flow, first.browser.as_ref().unwrap()] {
        let text = token.expose();
        let bytes = data(&text);
        // The route at a session token's head is no secret.
        assert!(!holds(text.as_bytes()) && !holds(&bytes[bytes.len() - 32..]));
    }
    let code = world.outbox.code(&auth).await;
    for text in [WORD, PHONE, "Иван Петров", &format!("\"{code}\"")] {
        assert!(!holds(text.as_bytes()), "{text}");
    }
    // A token that is right but for its last sign is as wrong as any.
    let text = first.token.expose();
    let last = if text.ends_with('A') { 'Q' } else { 'A' };
    let near = format!("{}{last}", &text[..text.len() - 1]);
    if let Some(near) = propusk::Token::parse(&near) {
        assert!(auth.session(&near).await.unwrap().is_none());
    }
    assert!(auth.session(&first.token).await.unwrap().is_some());
    assert_eq!(
        said(&visit.answer(&flow, propusk::Code::typed(crate::world::SMS, &code)).await.unwrap()),
        "done"
    );
    done(try_word(&auth, PHONE, WORD).await);
}

// Base64url, for what a token is in bytes.
fn data(text: &str) -> Vec<u8> {
    let sign = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'-' => 62,
        _ => 63,
    };
    let bits = text.bytes().flat_map(|c| (0..6).rev().map(move |at| sign(c) >> at & 1)).collect::<Vec<_>>();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | bit)).collect()
}
