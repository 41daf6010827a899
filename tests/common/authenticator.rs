//! An authenticator in software: makes keys, signs, and lies when told to.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test"
)]

use data_encoding::BASE64URL_NOPAD;
use propusk::Answer;
use propusk::factor::passkey::Passkey;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

pub const PRESENT: u8 = 1;
pub const VERIFIED: u8 = 1 << 2;
pub const ELIGIBLE: u8 = 1 << 3;
pub const BACKED_UP: u8 = 1 << 4;
pub const ATTESTED: u8 = 1 << 6;
pub const EXTENSIONS: u8 = 1 << 7;

/// One device with at most one key.
#[derive(Debug)]
pub struct Device {
    /// What its browser says.
    pub origin: String,
    pub flags: u8,
    /// `None`: it does not count.
    pub count: Option<u32>,
    pub id: Vec<u8>,
    pub user: Vec<u8>,
    pkcs8: Vec<u8>,
}

/// What is about to be signed.
#[derive(Debug)]
pub struct Draft {
    pub client: Value,
    /// Written as it stands, instead of `client`.
    pub client_text: Option<String>,
    pub data: Vec<u8>,
    /// Is sent, unsigned.
    pub user: Option<Vec<u8>>,
}

impl Device {
    /// A device that verifies its user, counts, and lets no key out.
    pub fn at(origin: &str) -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let mut id = vec![0; 32];
        random.fill(&mut id).unwrap();
        Self {
            origin: origin.to_owned(),
            flags: PRESENT | VERIFIED,
            count: Some(0),
            id,
            user: Vec::new(),
            pkcs8: pkcs8.as_ref().to_vec(),
        }
    }

    /// The same key in another device.
    pub fn copy(&self) -> Self {
        let Self { origin, flags, count, id, user, pkcs8 } = self;
        Self {
            origin: origin.clone(),
            flags: *flags,
            count: *count,
            id: id.clone(),
            user: user.clone(),
            pkcs8: pkcs8.clone(),
        }
    }

    pub fn create(&mut self, options: &str) -> Value {
        self.create_with(options, |_| {})
    }

    pub fn create_with(&mut self, options: &str, forge: impl FnOnce(&mut Draft)) -> Value {
        let options: Value = serde_json::from_str(options).unwrap();
        self.user = bytes(&options["user"]["id"]);
        let mut data = self.data(options["rp"]["id"].as_str().unwrap(), ATTESTED);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        data.extend(cose(self.pair().public_key().as_ref()));
        let mut draft = self.draft("webauthn.create", &options, data);
        forge(&mut draft);
        json!({
            "id": text(&self.id),
            "rawId": text(&self.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": { "credProps": { "rk": true } },
            "response": {
                "clientDataJSON": text(draft.client_text().as_bytes()),
                "attestationObject": text(&attestation_object(&draft.data)),
                "authenticatorData": text(&draft.data),
                "transports": ["internal", "hybrid"],
                "publicKeyAlgorithm": -7,
            },
        })
    }

    pub fn get(&mut self, options: &str) -> Value {
        self.get_with(options, |_| {})
    }

    pub fn get_with(&mut self, options: &str, forge: impl FnOnce(&mut Draft)) -> Value {
        let options: Value = serde_json::from_str(options).unwrap();
        let data = self.data(options["rpId"].as_str().unwrap(), 0);
        let mut draft = self.draft("webauthn.get", &options, data);
        forge(&mut draft);
        let client = draft.client_text();
        let mut signed = draft.data.clone();
        signed.extend(digest(&SHA256, client.as_bytes()).as_ref());
        let signature = self.pair().sign(&SystemRandom::new(), &signed).unwrap();
        let mut answer = json!({
            "id": text(&self.id),
            "rawId": text(&self.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": text(client.as_bytes()),
                "authenticatorData": text(&draft.data),
                "signature": text(signature.as_ref()),
            },
        });
        if let Some(user) = draft.user {
            answer["response"]["userHandle"] = text(&user).into();
        }
        answer
    }

    fn data(&mut self, rp_id: &str, flags: u8) -> Vec<u8> {
        self.count = self.count.map(|count| count.saturating_add(1));
        let mut data = digest(&SHA256, rp_id.as_bytes()).as_ref().to_vec();
        data.push(self.flags | flags);
        data.extend(self.count.unwrap_or(0).to_be_bytes());
        data
    }

    fn draft(&self, kind: &str, options: &Value, data: Vec<u8>) -> Draft {
        let client = json!({
            "type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false,
        });
        Draft { client, client_text: None, data, user: Some(self.user.clone()) }
    }

    fn pair(&self) -> EcdsaKeyPair {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &self.pkcs8, &SystemRandom::new()).unwrap()
    }
}

impl Draft {
    fn client_text(&self) -> String {
        self.client_text.clone().unwrap_or_else(|| self.client.to_string())
    }

    /// Puts another domain's hash in.
    pub fn rp_id(&mut self, rp_id: &str) {
        self.data[..32].copy_from_slice(digest(&SHA256, rp_id.as_bytes()).as_ref());
    }

    pub fn flags(&mut self, change: impl FnOnce(u8) -> u8) {
        self.data[32] = change(self.data[32]);
    }

    pub fn count(&mut self, count: u32) {
        self.data[33..37].copy_from_slice(&count.to_be_bytes());
    }
}

/// The answer for the passkey factor.
pub fn wire(answer: &Value) -> Answer {
    Answer::wire(Passkey::NAME, answer.to_string())
}

pub fn text(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

pub fn bytes(value: &Value) -> Vec<u8> {
    BASE64URL_NOPAD.decode(value.as_str().unwrap().as_bytes()).unwrap()
}

/// CBOR by hand: `{"fmt": "none", "attStmt": {}, "authData": data}`.
pub fn attestation_object(data: &[u8]) -> Vec<u8> {
    let mut cbor = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".to_vec();
    cbor.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
    cbor.extend(data);
    cbor
}

/// RFC 9053, section 7.1.1: EC2, ES256, P-256, x, y.
pub fn cose(point: &[u8]) -> Vec<u8> {
    let mut cbor = b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20".to_vec();
    cbor.extend(&point[1..33]);
    cbor.extend(b"\x22\x58\x20");
    cbor.extend(&point[33..]);
    cbor
}
