//! What a browser sends of a passkey: parsed within bounds, nothing of it in a log, and nothing accepted that nobody signed
//! or that was not asked for. The first byte says which part the rest is.
#![no_main]

use std::fmt::Debug;

use propusk::Factor;
use propusk::factor::passkey::{Assertion, Bytes, Ceremony, Passkey, PublicKey, Registration};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const ORIGIN: &str = "https://portal.example";
const CHALLENGE: [u8; 32] = [7; 32];
/// Both the id of the key and, in the seeds, the id that is enrolled.
const ID: [u8; 32] = [9; 32];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((part, data)) = data.split_first() else { return };
    let ceremony = Ceremony::new("portal.example", ORIGIN, &CHALLENGE);
    match part % 5 {
        0 => form::<<Passkey as Factor>::Answer>(data),
        1 => form::<Registration>(data),
        // No signature is needed for a new key: what is accepted must be what was asked for.
        2 => {
            let Some(made) = ceremony.registration(&enrolment(&client("webauthn.create"), data)) else {
                return;
            };
            assert_eq!(made.id.as_bytes(), ID);
            assert!(matches!(made.key, PublicKey::Es256(_) | PublicKey::Es384(_) | PublicKey::Rs256(_)));
            assert!(made.seen.backup_eligible || !made.seen.backed_up);
            assert!(data.windows(ID.len()).any(|part| part == ID), "an id from nowhere");
            let demanding = ceremony.clone().user_verified(true);
            let again = demanding.registration(&enrolment(&client("webauthn.create"), data));
            assert_eq!(again.is_some(), made.seen.user_verified);
        }
        3 => assert!(ceremony.assertion(&key(), &proof(data, client("webauthn.get").as_bytes())).is_none()),
        _ => {
            assert!(ceremony.assertion(&key(), &proof(&[1; 37], data)).is_none());
            // The same text decides of a registration: it must be one object for this challenge and origin.
            let Ok(text) = std::str::from_utf8(data) else { return };
            if ceremony.registration(&enrolment(text, &attestation_object())).is_some() {
                let said: Value = serde_json::from_str(text).expect("what is accepted is JSON");
                assert_eq!(said["type"], "webauthn.create");
                assert_eq!(said["origin"], ORIGIN);
                assert_eq!(said["challenge"], text_of(&CHALLENGE));
                assert!(said["crossOrigin"] != true && said.get("topOrigin").is_none());
            }
        }
    }
});

fn form<A: DeserializeOwned + Debug>(data: &[u8]) {
    if let Ok(answer) = serde_json::from_slice::<A>(data) {
        let shown = format!("{answer:?}");
        let Ok(Value::Object(members)) = serde_json::from_slice(data) else { return };
        for member in ["rawId", "id"] {
            let value = members[member].as_str().expect("text");
            assert!(value.len() <= 1364 && (value.len() < 16 || !shown.contains(value)));
        }
        assert_eq!(members["type"], "public-key");
        assert!(members.len() <= 6, "a member that the standard does not name");
    }
}

fn client(kind: &str) -> String {
    json!({ "type": kind, "challenge": text_of(&CHALLENGE), "origin": ORIGIN, "crossOrigin": false })
        .to_string()
}

fn enrolment(client: &str, object: &[u8]) -> Registration {
    read(json!({
        "id": text_of(&ID), "rawId": text_of(&ID), "type": "public-key", "clientExtensionResults": {},
        "response": { "clientDataJSON": text_of(&client.as_bytes()[..client.len().min(4096)]),
            "attestationObject": text_of(&object[..object.len().min(8192)]), "transports": [] },
    }))
}

fn proof(data: &[u8], client: &[u8]) -> Assertion {
    let bound = |bytes: &[u8], most: usize| text_of(&bytes[..bytes.len().min(most)]);
    read(json!({
        "id": text_of(&ID), "rawId": text_of(&ID), "type": "public-key", "clientExtensionResults": {},
        "response": { "clientDataJSON": bound(client, 4096), "authenticatorData": bound(data, 2048),
            "signature": text_of(&[0x30, 6, 2, 1, 1, 2, 1, 1]) },
    }))
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("of the right form")
}

fn text_of(bytes: &[u8]) -> String {
    data_encoding::BASE64URL_NOPAD.encode(bytes)
}

/// The base point of P-256.
fn key() -> PublicKey {
    PublicKey::Es256(Bytes::new(point()).expect("65 bytes"))
}

fn point() -> Vec<u8> {
    let hex = b"046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    data_encoding::HEXLOWER.decode(hex).expect("hex")
}

/// `{"fmt": "none", "attStmt": {}, "authData": ...}` with that point for a key.
fn attestation_object() -> Vec<u8> {
    let domain = data_encoding::HEXLOWER.decode(DOMAIN).expect("hex");
    let point = point();
    let mut data = [domain.as_slice(), &[0x45, 0, 0, 0, 0], &[0; 16], &[0, 32], &ID].concat();
    data.extend(b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20");
    data.extend(&point[1..33]);
    data.extend(b"\x22\x58\x20");
    data.extend(&point[33..]);
    let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
    object.push(u8::try_from(data.len()).expect("short"));
    object.extend(data);
    object
}

/// SHA-256 of `portal.example`.
const DOMAIN: &[u8] = b"416ef6dbb1e9b929dc9748197f4c3c8ffb3c7869c02b5303ab413cd1ac92fa26";
