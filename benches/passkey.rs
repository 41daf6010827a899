//! P9: a passkey's assertion, from the browser's JSON to what it says, against ring's verification of its signature alone.
#![allow(missing_docs, clippy::expect_used, clippy::indexing_slicing, reason = "a bench")]

use std::hint::black_box;

use propusk::factor::passkey::{Assertion, Bytes, Ceremony, PublicKey};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};

#[path = "protocol/protocol.rs"]
mod protocol;

const ORIGIN: &str = "https://portal.example";
const EACH: u32 = 500;
const BATCHES: usize = 8;

fn main() {
    let challenge = [7; 32];
    let text = |bytes: &[u8]| data_encoding::BASE64URL_NOPAD.encode(bytes);
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("a key");
    let pair =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).expect("a key");
    let point = pair.public_key().as_ref().to_vec();

    let client = serde_json::json!({
        "type": "webauthn.get", "challenge": text(&challenge), "origin": ORIGIN, "crossOrigin": false,
    });
    let client = client.to_string();
    let hash = |bytes: &[u8]| ring::digest::digest(&ring::digest::SHA256, bytes);
    let mut data = hash(b"portal.example").as_ref().to_vec();
    data.extend([5, 0, 0, 0, 9]);
    let signed = [data.as_slice(), hash(client.as_bytes()).as_ref()].concat();
    let signature = pair.sign(&random, &signed).expect("a signature");
    let id = text(&[9; 32]);
    let answer = serde_json::json!({
        "id": id, "rawId": id, "type": "public-key", "authenticatorAttachment": "platform",
        "clientExtensionResults": {},
        "response": {
            "clientDataJSON": text(client.as_bytes()), "authenticatorData": text(&data),
            "signature": text(signature.as_ref()), "userHandle": text(&[3; 64]),
        },
    });
    let answer = answer.to_string();
    let key = PublicKey::Es256(Bytes::new(point.clone()).expect("65 bytes"));

    protocol::serve("passkey", |round| {
        let ours = protocol::least(BATCHES, EACH, || {
            let answer: Assertion = serde_json::from_slice(black_box(answer.as_bytes())).expect("an answer");
            let ceremony = Ceremony::new("portal.example", ORIGIN, &challenge).user_verified(true);
            assert_eq!(ceremony.assertion(&key, &answer).map(|seen| seen.count), Some(9));
        });
        let ring = protocol::least(BATCHES, EACH, || {
            let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, black_box(&point));
            key.verify(&signed, signature.as_ref()).expect("right");
        });
        round.tell("passkey_assertion", "us", ours.as_secs_f64() * 1e6);
        round.tell("ring_p256", "us", ring.as_secs_f64() * 1e6);
    });
}
