//! The two ceremonies of WebAuthn as pure functions: what was expected against what came (level 3, sections 7.1, 7.2).
//!
//! A registration is checked by webauthn-rs-core (attestation object, attestation statement, a key that lies on its
//! curve) behind stricter checks of our own; an assertion by ours and ring. The manual says why.

use std::borrow::Cow;
use std::time::Duration;

use ring::digest::{SHA256, digest};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use webauthn_rs_core::WebauthnCore;
use webauthn_rs_core::proto::{
    AuthenticatorAttestationResponseRaw, COSEKey, COSEKeyType, ECDSACurve, RegisterPublicKeyCredential,
    RegistrationExtensionsClientOutputs, RegistrationState,
};
use webauthn_rs_core::proto::{COSEAlgorithm, Credential};

use super::wire::{Assertion, Bytes, Handle, Registration};

/// What an answer is held against. Nothing of it comes from the answer or the request that brought it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Ceremony<'a> {
    rp_id: Cow<'a, str>,
    origins: Vec<Cow<'a, str>>,
    challenge: &'a [u8],
    user_verified: bool,
}

/// What a good assertion says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Seen {
    /// The device verified its user.
    pub user_verified: bool,
    /// The key may be copied to other devices.
    pub backup_eligible: bool,
    /// It has been.
    pub backed_up: bool,
    /// The signature counter.
    pub count: u32,
}

/// What a good registration gives.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Made {
    /// The credential's id.
    pub id: Handle,
    /// Its public key.
    pub key: PublicKey,
    /// What the device said of itself.
    pub seen: Seen,
}

/// A public key of one of the three kinds that are offered, as ring takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PublicKey {
    /// ECDSA on P-256 with SHA-256: the uncompressed point.
    Es256(Bytes<65>),
    /// ECDSA on P-384 with SHA-384: the uncompressed point.
    Es384(Bytes<97>),
    /// RSA, PKCS #1 v1.5 with SHA-256: the modulus, of 2048 bits in new keys. The exponent is 65537.
    Rs256(Bytes<512>),
}

impl<'a> Ceremony<'a> {
    /// A ceremony for this domain and origin, with the challenge that was sent.
    pub fn new(rp_id: impl Into<Cow<'a, str>>, origin: &'a str, challenge: &'a [u8]) -> Self {
        Self {
            rp_id: rp_id.into(),
            origins: vec![as_browsers_write(origin)],
            challenge,
            user_verified: false,
        }
    }

    /// Another origin that is accepted, to the letter: an application's (`android:apk-key-hash:...`).
    pub fn also_at(mut self, origin: &'a str) -> Self {
        self.origins.push(as_browsers_write(origin));
        self
    }

    /// Refuses what was made without user verification.
    pub const fn user_verified(mut self, required: bool) -> Self {
        self.user_verified = required;
        self
    }

    /// Checks an assertion by this key (section 7.2, steps 10 to 21). Whose key it is, whether the counter went up
    /// and whether a backup flag has changed is for the caller, who knows what is stored.
    #[must_use]
    pub fn assertion(&self, key: &PublicKey, answer: &Assertion) -> Option<Seen> {
        if answer.id != answer.raw_id {
            return None;
        }
        let response = &answer.response;
        let (client, data) = (response.client_data.as_bytes(), response.authenticator_data.as_bytes());
        self.client_data(client, "webauthn.get")?;
        let seen = self.authenticator_data(data)?;
        let mut signed = Vec::with_capacity(data.len() + 32);
        signed.extend_from_slice(data);
        signed.extend_from_slice(digest(&SHA256, client).as_ref());
        key.verifies(&signed, response.signature.as_bytes()).then_some(seen)
    }

    /// Checks a registration by a key of one of these algorithms (section 7.1, steps 7 to 25). An attestation statement
    /// is not asked for; one that comes must be right.
    #[must_use]
    pub fn registration(&self, answer: &Registration) -> Option<Made> {
        let client = answer.response.client_data.as_bytes();
        self.client_data(client, "webauthn.create")?;
        let made = self.attested(answer)?;
        let id = Handle::new(made.cred_id)?;
        // The id that the browser names is the one in the signed part.
        if id != answer.raw_id || answer.id != answer.raw_id || id.as_bytes().len() < LEAST_ID {
            return None;
        }
        if self.user_verified && !made.user_verified {
            return None;
        }
        let seen = Seen {
            user_verified: made.user_verified,
            backup_eligible: made.backup_eligible,
            backed_up: made.backup_state,
            count: made.counter,
        };
        Some(Made { id, key: PublicKey::of(&made.cred)?, seen })
    }

    /// One meaning: an object without a member twice, of this type, for this challenge, at this origin to the letter,
    /// in no frame of another site. Members that the standard may add are not read.
    fn client_data(&self, bytes: &[u8], kind: &str) -> Option<()> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct ClientData<'a> {
            #[serde(borrow)]
            r#type: Cow<'a, str>,
            #[serde(borrow)]
            challenge: Cow<'a, str>,
            #[serde(borrow)]
            origin: Cow<'a, str>,
            #[serde(default)]
            cross_origin: bool,
            #[serde(default)]
            top_origin: Option<serde::de::IgnoredAny>,
        }
        // serde would take a list of the values, too.
        if bytes.first() != Some(&b'{') {
            return None;
        }
        let data: ClientData<'_> = serde_json::from_slice(bytes).ok()?;
        let right = data.r#type == kind
            && data.challenge == data_encoding::BASE64URL_NOPAD.encode(self.challenge)
            && self.origins.contains(&data.origin)
            && !data.cross_origin
            && data.top_origin.is_none();
        right.then_some(())
    }

    /// Section 6.1. Hash of the domain, flags, counter; extensions only where a flag says so.
    fn authenticator_data(&self, data: &[u8]) -> Option<Seen> {
        let (domain, rest) = data.split_first_chunk::<32>()?;
        let (&[flags], rest) = rest.split_first_chunk::<1>()?;
        let (count, extensions) = rest.split_first_chunk::<4>()?;
        let is = |bit: u8| flags & bit != 0;
        let right = domain == digest(&SHA256, self.rp_id.as_bytes()).as_ref()
            && is(USER_PRESENT)
            && (is(USER_VERIFIED) || !self.user_verified)
            && (is(BACKUP_ELIGIBLE) || !is(BACKED_UP))
            && !is(ATTESTED)
            && match extensions.first() {
                Some(first) => is(EXTENSIONS) && first >> 5 == CBOR_MAP,
                None => !is(EXTENSIONS),
            };
        right.then_some(Seen {
            user_verified: is(USER_VERIFIED),
            backup_eligible: is(BACKUP_ELIGIBLE),
            backed_up: is(BACKED_UP),
            count: u32::from_be_bytes(*count),
        })
    }

    /// Attestation object, statement and key, by webauthn-rs-core.
    fn attested(&self, answer: &Registration) -> Option<Credential> {
        let origins = self.origins.iter().filter_map(|origin| url::Url::parse(origin).ok()).collect();
        let core =
            WebauthnCore::new_unsafe_experts_only("", &self.rp_id, origins, Duration::ZERO, None, None);
        // Its own challenges come from a generator that cannot be injected, so its state is made here.
        let state: RegistrationState = serde_json::from_value(json!({
            "policy": if self.user_verified { "required" } else { "preferred" },
            "exclude_credentials": [],
            "challenge": data_encoding::BASE64URL_NOPAD.encode(self.challenge),
            "credential_algorithms": ["ES256", "ES384", "RS256"],
            "require_resident_key": false,
            "authenticator_attachment": null,
            "extensions": {},
            "allow_synchronised_authenticators": true,
        }))
        .ok()?;
        let response = &answer.response;
        let registered = RegisterPublicKeyCredential {
            id: answer.id.base64(),
            raw_id: answer.raw_id.as_bytes().to_vec(),
            response: AuthenticatorAttestationResponseRaw {
                attestation_object: response.attestation_object.as_bytes().to_vec(),
                client_data_json: response.client_data.as_bytes().to_vec(),
                transports: None,
            },
            type_: String::from("public-key"),
            extensions: RegistrationExtensionsClientOutputs::default(),
        };
        core.register_credential(&registered, &state, None).ok()
    }
}

impl PublicKey {
    /// The algorithms of new keys, by their COSE numbers, the most wanted first.
    pub(super) const OFFERED: [i32; 3] =
        [COSEAlgorithm::ES256 as i32, COSEAlgorithm::ES384 as i32, COSEAlgorithm::RS256 as i32];

    /// A key that nobody has: the base point of P-256 (FIPS 186-4, D.1.2.3). A signature is checked against it where
    /// there is no key to check it against, and refused however that ends.
    pub(super) fn nobodys() -> Self {
        Self::Es256(Bytes::from(*BASE_POINT))
    }

    // An algorithm goes with one curve (section 5.8.5); ES256 on P-384 is none of ours.
    fn of(key: &COSEKey) -> Option<Self> {
        let point = |x: &[u8], y: &[u8]| [&[4], x, y].concat();
        match (&key.type_, &key.key) {
            (COSEAlgorithm::ES256, COSEKeyType::EC_EC2(key)) if key.curve == ECDSACurve::SECP256R1 => {
                Bytes::new(point(&key.x, &key.y)).map(Self::Es256)
            }
            (COSEAlgorithm::ES384, COSEKeyType::EC_EC2(key)) if key.curve == ECDSACurve::SECP384R1 => {
                Bytes::new(point(&key.x, &key.y)).map(Self::Es384)
            }
            (COSEAlgorithm::RS256, COSEKeyType::RSA(key))
                if key.e == RSA_EXPONENT && key.n.first().is_some_and(|first| first & 0x80 != 0) =>
            {
                Bytes::new(key.n.clone()).map(Self::Rs256)
            }
            _ => None,
        }
    }

    fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        let verified =
            match self {
                Self::Es256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point.as_bytes())
                    .verify(signed, signature),
                Self::Es384(point) => UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, point.as_bytes())
                    .verify(signed, signature),
                Self::Rs256(n) => RsaPublicKeyComponents { n: n.as_bytes(), e: &RSA_EXPONENT }.verify(
                    &RSA_PKCS1_2048_8192_SHA256,
                    signed,
                    signature,
                ),
            };
        verified.is_ok()
    }
}

// Lower case, and the scheme's own port is not written: else a site configured as https://Example.org:443 would refuse
// every key, since browsers never say that.
fn as_browsers_write(origin: &str) -> Cow<'_, str> {
    let Some((scheme, host)) = origin.split_once("://") else { return Cow::Borrowed(origin) };
    let port = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    let host = host.strip_suffix(port).unwrap_or(host);
    Cow::Owned(format!("{scheme}://{host}").to_ascii_lowercase())
}

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;
const CBOR_MAP: u8 = 5;

/// Of a credential's id, in bytes: 100 bits of randomness or a sealed key (section 4, "Credential ID").
const LEAST_ID: usize = 16;
const RSA_EXPONENT: [u8; 3] = [1, 0, 1];
const BASE_POINT: &[u8; 65] = &[
    0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
    0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f,
    0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce,
    0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
];
