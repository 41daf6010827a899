//! The JSON of WebAuthn level 3 (sections 5.1.8 to 5.1.10), as browsers read and write it: bounded, and nothing in it
//! that the standard does not name.

use std::fmt::{self, Debug};

use data_encoding::BASE64URL_NOPAD;
use serde::de::{Deserializer, Error, IgnoredAny, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::factor::Schemas;

/// Bytes as base64url without padding, at most `MOST` of them. One spelling: no padding, no loose last bits.
#[derive(Clone, PartialEq, Eq)]
pub struct Bytes<const MOST: usize>(Vec<u8>);

impl<const MOST: usize> Bytes<MOST> {
    /// These bytes, unless they are too many.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Option<Self> {
        let bytes = bytes.into();
        (bytes.len() <= MOST).then_some(Self(bytes))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn base64(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }
}

impl<const MOST: usize> From<[u8; MOST]> for Bytes<MOST> {
    fn from(bytes: [u8; MOST]) -> Self {
        Self(bytes.to_vec())
    }
}

impl<const MOST: usize> Debug for Bytes<MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bytes")
    }
}

impl<const MOST: usize> Serialize for Bytes<MOST> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.base64())
    }
}

impl<'de, const MOST: usize> Deserialize<'de> for Bytes<MOST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text<const MOST: usize>;
        impl<const MOST: usize> Visitor<'_> for Text<MOST> {
            type Value = Bytes<MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("base64url")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Bytes<MOST>, E> {
                // Before anything is allocated.
                if text.len() > BASE64URL_NOPAD.encode_len(MOST) {
                    return Err(E::custom("too long"));
                }
                let bytes = BASE64URL_NOPAD.decode(text.as_bytes());
                bytes.map(Bytes).map_err(|_| E::custom("not base64url without padding"))
            }
        }
        from.deserialize_str(Text)
    }
}

/// A credential's id (section 6.5.1: at most 1023 bytes).
pub type Handle = Bytes<1023>;

/// The answer to a request: `AuthenticationResponseJSON`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Assertion {
    pub(super) id: Handle,
    pub(super) raw_id: Handle,
    pub(super) response: Signed,
    #[serde(rename = "type")]
    _kind: Kind,
    #[serde(default, rename = "authenticatorAttachment")]
    _attachment: Option<Word>,
    // What no extension was asked for is not read.
    #[serde(default, rename = "clientExtensionResults")]
    _extensions: IgnoredAny,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Signed {
    #[serde(rename = "clientDataJSON")]
    pub(super) client_data: Bytes<MOST_CLIENT_DATA>,
    pub(super) authenticator_data: Bytes<2048>,
    pub(super) signature: Bytes<512>,
    #[serde(default)]
    pub(super) user_handle: Option<Bytes<64>>,
}

/// The answer to an enrolment: `RegistrationResponseJSON`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Registration {
    pub(super) id: Handle,
    pub(super) raw_id: Handle,
    pub(super) response: Attested,
    #[serde(rename = "type")]
    _kind: Kind,
    #[serde(default, rename = "authenticatorAttachment")]
    _attachment: Option<Word>,
    #[serde(default, rename = "clientExtensionResults")]
    pub(super) extensions: Extensions,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Attested {
    #[serde(rename = "clientDataJSON")]
    pub(super) client_data: Bytes<MOST_CLIENT_DATA>,
    pub(super) attestation_object: Bytes<8192>,
    #[serde(default)]
    pub(super) transports: Vec<Word>,
    // The browser's own reading of the attestation object: convenient, and believed by nobody.
    #[serde(default, rename = "authenticatorData")]
    _data: Option<Bytes<4096>>,
    #[serde(default, rename = "publicKey")]
    _key: Option<Bytes<1024>>,
    #[serde(default, rename = "publicKeyAlgorithm")]
    _algorithm: Option<i64>,
}

/// What the browser says of extensions: an open list, of which one is read.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Extensions {
    cred_props: Option<Properties>,
}

#[derive(Debug, Deserialize)]
struct Properties {
    #[serde(default)]
    rk: Option<bool>,
}

impl Extensions {
    /// Whether the key can be found without a name. Unsigned: a hint.
    pub(super) fn discoverable(&self) -> Option<bool> {
        self.cred_props.as_ref().and_then(|properties| properties.rk)
    }
}

#[derive(Debug, Deserialize)]
enum Kind {
    #[serde(rename = "public-key")]
    PublicKey,
}

/// A word of a list that may grow (transports, attachments): lower-case letters and dashes, or it is dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Word(String);

impl Word {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut word = String::deserialize(from)?;
        if word.len() > MOST_WORD || !word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') {
            word.clear();
        }
        Ok(Self(word))
    }
}

/// `PublicKeyCredentialCreationOptionsJSON`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Creation<'a> {
    pub(super) rp: Party<'a>,
    pub(super) user: User<'a>,
    pub(super) challenge: &'a Bytes<32>,
    pub(super) pub_key_cred_params: [Parameter; 3],
    pub(super) timeout: u32,
    pub(super) exclude_credentials: Vec<Descriptor<'a>>,
    pub(super) authenticator_selection: Selection,
    pub(super) attestation: &'static str,
    pub(super) extensions: Asked,
}

#[derive(Debug, Serialize)]
pub(super) struct Party<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User<'a> {
    pub(super) id: &'a Bytes<64>,
    pub(super) name: &'a str,
    pub(super) display_name: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct Parameter {
    pub(super) r#type: &'static str,
    pub(super) alg: i32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Selection {
    pub(super) resident_key: &'static str,
    pub(super) require_resident_key: bool,
    pub(super) user_verification: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    pub(super) cred_props: bool,
}

/// `PublicKeyCredentialRequestOptionsJSON`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    pub(super) challenge: &'a Bytes<32>,
    pub(super) timeout: u32,
    pub(super) rp_id: &'a str,
    pub(super) allow_credentials: Vec<Descriptor<'a>>,
    pub(super) user_verification: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Descriptor<'a> {
    pub(super) r#type: &'static str,
    pub(super) id: &'a Handle,
    pub(super) transports: &'a [Word],
}

const MOST_CLIENT_DATA: usize = 4096;
const MOST_WORD: usize = 32;

pub(super) const SCHEMAS: Schemas =
    Schemas::any().answer(ASSERTION).prompt(REQUEST).confirm(REGISTRATION).proposal(CREATION);

const ASSERTION: &str = r#"{"description":"AuthenticationResponseJSON (WebAuthn level 3, section 5.1.8)",
    "type":"object","additionalProperties":false,"required":["id","rawId","response","type"],"properties":{
    "id":{"type":"string"},"rawId":{"type":"string"},"type":{"const":"public-key"},
    "authenticatorAttachment":{"type":["string","null"]},"clientExtensionResults":{"type":"object"},
    "response":{"type":"object","additionalProperties":false,
        "required":["clientDataJSON","authenticatorData","signature"],"properties":{
        "clientDataJSON":{"type":"string"},"authenticatorData":{"type":"string"},"signature":{"type":"string"},
        "userHandle":{"type":["string","null"]}}}}}"#;

const REGISTRATION: &str = r#"{"description":"RegistrationResponseJSON (WebAuthn level 3, section 5.1.8)",
    "type":"object","additionalProperties":false,"required":["id","rawId","response","type"],"properties":{
    "id":{"type":"string"},"rawId":{"type":"string"},"type":{"const":"public-key"},
    "authenticatorAttachment":{"type":["string","null"]},"clientExtensionResults":{"type":"object"},
    "response":{"type":"object","additionalProperties":false,
        "required":["clientDataJSON","attestationObject"],"properties":{
        "clientDataJSON":{"type":"string"},"attestationObject":{"type":"string"},
        "transports":{"type":"array","items":{"type":"string"}},"authenticatorData":{"type":["string","null"]},
        "publicKey":{"type":["string","null"]},"publicKeyAlgorithm":{"type":["integer","null"]}}}}}"#;

const REQUEST: &str = r#"{"description":"PublicKeyCredentialRequestOptionsJSON (WebAuthn level 3, section 5.1.10)",
    "type":"object","required":["challenge","rpId","allowCredentials"],"properties":{
    "challenge":{"type":"string"},"rpId":{"type":"string"},"timeout":{"type":"integer"},
    "allowCredentials":{"type":"array","items":{"type":"object"}},"userVerification":{"type":"string"}}}"#;

const CREATION: &str = r#"{"description":"PublicKeyCredentialCreationOptionsJSON (WebAuthn level 3, section 5.1.9)",
    "type":"object","required":["rp","user","challenge","pubKeyCredParams"],"properties":{
    "rp":{"type":"object"},"user":{"type":"object"},"challenge":{"type":"string"},
    "pubKeyCredParams":{"type":"array","items":{"type":"object"}},"timeout":{"type":"integer"},
    "excludeCredentials":{"type":"array","items":{"type":"object"}},"authenticatorSelection":{"type":"object"},
    "attestation":{"type":"string"},"extensions":{"type":"object"}}}"#;
