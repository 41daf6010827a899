//! The fifteen pairs of the standard, and webauthn-rs as a second opinion.

use propusk::factor::passkey::{Assertion, Bytes, Ceremony, PublicKey, Registration};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::authenticator::{BACKED_UP, ELIGIBLE, PRESENT, VERIFIED, text};
use crate::world::device;

#[derive(Deserialize)]
struct Vectors {
    #[serde(rename = "rpId")]
    rp_id: String,
    origin: String,
    pairs: Vec<Pair>,
}

#[derive(Deserialize)]
struct Pair {
    anchor: String,
    registration: Made,
    authentication: Signed,
}

#[derive(Deserialize)]
struct Made {
    challenge: String,
    credential_id: String,
    #[serde(rename = "clientDataJSON")]
    client: String,
    #[serde(rename = "attestationObject")]
    object: String,
}

#[derive(Deserialize)]
struct Signed {
    challenge: String,
    #[serde(rename = "authenticatorData")]
    data: String,
    #[serde(rename = "clientDataJSON")]
    client: String,
    signature: String,
}

/// What becomes of a pair here, and why.
enum Fate {
    Accepted,
    /// Both ceremonies say that they were in a frame of another site.
    Framed,
    /// Its algorithm is not offered: webauthn-rs takes no such key, and every device that has it has ES256, too.
    NotOffered,
    /// An RSA key of 3488 bits: webauthn-rs takes 2048, which is what there is in devices. The key itself is good.
    LongKey,
    /// webauthn-rs does not take the attestation statement, for this reason. Nobody asks for statements here, so that
    /// browsers leave them out. The key itself is good.
    Statement(#[allow(dead_code, reason = "for the reader")] &'static str),
}

const FATES: [(&str, Fate); 15] = [
    ("none-es256", Fate::Accepted),
    ("packed-self-es256", Fate::Accepted),
    ("none-es256-crossOrigin", Fate::Framed),
    ("none-es256-topOrigin", Fate::Framed),
    ("none-es256-long-credential-id", Fate::Accepted),
    ("packed-es256", Fate::Accepted),
    ("packed-es384", Fate::Accepted),
    ("packed-es512", Fate::NotOffered),
    ("packed-rs256", Fate::LongKey),
    ("packed-eddsa", Fate::NotOffered),
    ("packed-ed448", Fate::NotOffered),
    (
        "tpm-es256",
        Fate::Statement(
            "webauthn-rs 0.6 takes no TPM's: the only hash it knows is SHA-1, and it refuses that",
        ),
    ),
    ("android-key-es256", Fate::Statement("its chain of certificates is empty")),
    ("apple-es256", Fate::Accepted),
    ("fido-u2f-es256", Fate::Accepted),
];

/// W3C Web Authentication level 3, section "Test Vectors".
#[test]
fn webauthn_3_test_vectors() {
    let vectors: Vectors = serde_json::from_str(include_str!("../vectors/webauthn_l3.json")).unwrap();
    assert_eq!(vectors.pairs.len(), FATES.len());
    for (pair, (name, fate)) in vectors.pairs.iter().zip(FATES) {
        assert_eq!(pair.anchor, format!("sctn-test-vectors-{name}"));
        let (made, signed) = (&pair.registration, &pair.authentication);
        let (create, get) = (unhex(&made.challenge), unhex(&signed.challenge));
        let create = Ceremony::new(&*vectors.rp_id, &vectors.origin, &create);
        let get = Ceremony::new(&*vectors.rp_id, &vectors.origin, &get);
        let registered = create.registration(&made.answer());
        let by = |key: &PublicKey| get.assertion(key, &signed.answer(&made.credential_id));
        match fate {
            Fate::Accepted => {
                let registered = registered.unwrap_or_else(|| panic!("{name}: the registration"));
                assert_eq!(registered.id.as_bytes(), unhex(&made.credential_id));
                let seen = by(&registered.key).unwrap_or_else(|| panic!("{name}: the authentication"));
                let data = unhex(&signed.data);
                let flag = |bit| data[32] & bit != 0;
                assert_eq!(seen.user_verified, flag(VERIFIED), "{name}");
                assert_eq!(seen.backup_eligible, flag(ELIGIBLE), "{name}");
                assert_eq!(seen.backed_up, flag(BACKED_UP), "{name}");
                assert_eq!(seen.backup_eligible, registered.seen.backup_eligible, "{name}");
                assert_eq!(seen.count, 0);
                let demanding = get.clone().user_verified(true);
                let again = demanding.assertion(&registered.key, &signed.answer(&made.credential_id));
                assert_eq!(again.is_some(), seen.user_verified, "{name}");
                // Another challenge, origin and domain.
                for other in [
                    Ceremony::new(&*vectors.rp_id, &vectors.origin, &[0; 32]),
                    Ceremony::new(&*vectors.rp_id, "https://www.example.org", &unhex(&signed.challenge)),
                    Ceremony::new("www.example.org", &vectors.origin, &unhex(&signed.challenge)),
                ] {
                    let answer = signed.answer(&made.credential_id);
                    assert!(other.assertion(&registered.key, &answer).is_none(), "{name}");
                }
            }
            Fate::Framed => {
                assert!(registered.is_none(), "{name}");
                assert!(by(&made.point()).is_none(), "{name}");
            }
            Fate::NotOffered => assert!(registered.is_none(), "{name}"),
            Fate::LongKey => {
                assert!(registered.is_none(), "{name}");
                assert!(by(&made.modulus()).is_some(), "{name}: the authentication");
            }
            Fate::Statement(_) => {
                assert!(registered.is_none(), "{name}");
                assert!(by(&made.point()).is_some(), "{name}: the authentication");
            }
        }
    }
}

impl Made {
    fn answer(&self) -> Registration {
        let id = text(&unhex(&self.credential_id));
        from_json(json!({
            "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {},
            "response": {
                "clientDataJSON": text(&unhex(&self.client)),
                "attestationObject": text(&unhex(&self.object)),
                "transports": [],
            },
        }))
    }

    /// What follows the id: the key, in CBOR.
    fn key(&self) -> Vec<u8> {
        let (object, id) = (unhex(&self.object), unhex(&self.credential_id));
        let at = object.windows(id.len()).position(|part| part == id).unwrap() + id.len();
        object[at..].to_vec()
    }

    fn modulus(&self) -> PublicKey {
        let key = self.key();
        assert_eq!(&key[..11], b"\xa4\x01\x03\x03\x39\x01\x00\x20\x59\x01\xb4");
        PublicKey::Rs256(Bytes::new(&key[11..11 + 0x1b4]).unwrap())
    }

    /// Of a P-256 credential.
    fn point(&self) -> PublicKey {
        let key = self.key();
        assert_eq!(&key[..10], b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20");
        PublicKey::Es256(Bytes::new([&[4], &key[10..42], &key[45..77]].concat()).unwrap())
    }
}

impl Signed {
    fn answer(&self, id: &str) -> Assertion {
        let id = text(&unhex(id));
        from_json(json!({
            "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {},
            "response": {
                "clientDataJSON": text(&unhex(&self.client)),
                "authenticatorData": text(&unhex(&self.data)),
                "signature": text(&unhex(&self.signature)),
            },
        }))
    }
}

/// webauthn-rs as a second opinion: of what a device signs with its own key, whatever it says, nothing passes here that
/// does not pass there. (The reverse is wanted: origins to the letter, no frames, no bytes without a flag.)
#[test]
fn nothing_passes_that_webauthn_rs_refuses() {
    use webauthn_rs_core::WebauthnCore;
    use webauthn_rs_core::proto::{AuthenticationState, RegistrationState};

    const ORIGIN: &str = "https://portal.example";
    let origins = vec![url::Url::parse(ORIGIN).unwrap()];
    let core = WebauthnCore::new_unsafe_experts_only(
        "Portal",
        "portal.example",
        origins,
        std::time::Duration::from_secs(60),
        None,
        None,
    );
    let challenge = [7; 32];
    let mut key = device();
    key.flags = PRESENT | VERIFIED;
    let creation =
        json!({ "rp": { "id": "portal.example" }, "user": { "id": "AA" }, "challenge": text(&challenge) });
    let made = key.create(&creation.to_string());
    let ours =
        Ceremony::new("portal.example", ORIGIN, &challenge).registration(&from_json(made.clone())).unwrap();
    let state: RegistrationState = from_json(json!({
        "policy": "preferred", "exclude_credentials": [], "challenge": text(&challenge),
        "credential_algorithms": ["ES256"], "require_resident_key": false, "authenticator_attachment": null,
        "extensions": {}, "allow_synchronised_authenticators": true,
    }));
    let mut theirs = core.register_credential(&from_json(made), &state, None).unwrap();
    theirs.counter = 0;

    let mut dice = Dice(1);
    let (mut both, mut neither, mut only_theirs) = (0, 0, 0);
    for round in 0..300 {
        let verified = dice.roll(2) == 0;
        let policy = if verified { "required" } else { "preferred" };
        let state: AuthenticationState = from_json(json!({
            "credentials": [], "policy": policy, "challenge": text(&challenge), "appid": null,
            "allow_backup_eligible_upgrade": false,
        }));
        theirs.registration_policy = serde_json::from_value(policy.into()).unwrap();
        theirs.user_verified = false;
        let request = json!({ "rpId": "portal.example", "challenge": text(&challenge) });
        let answer = key.get_with(&request.to_string(), |draft| {
            draft.count(1);
            // One lie in each round, or none, or two.
            for _ in 0..dice.roll(3) {
                match dice.roll(9) {
                    0 => draft.flags(|_| dice.roll(256) as u8),
                    1 => draft.flags(|flags| flags ^ (1 << dice.roll(8))),
                    2 => draft.data.extend((0..dice.roll(4)).map(|_| 0xa0)),
                    3 => draft.data.truncate(dice.roll(40)),
                    4 => draft.data[dice.roll(32)] ^= 1,
                    5 => draft.client["origin"] = ORIGINS[dice.roll(ORIGINS.len())].into(),
                    6 => draft.client["challenge"] = text(&[dice.roll(9) as u8; 32]).into(),
                    7 => draft.client["type"] = TYPES[dice.roll(TYPES.len())].into(),
                    _ => draft.client["crossOrigin"] = (dice.roll(2) == 0).into(),
                }
                if draft.data.len() < 37 {
                    break;
                }
            }
        });
        let get = Ceremony::new("portal.example", ORIGIN, &challenge).user_verified(verified);
        // Whether a flag has changed since the enrolment is the factor's to see here, the crate's there.
        let here = get
            .assertion(&ours.key, &from_json(answer.clone()))
            .is_some_and(|seen| seen.backup_eligible == ours.seen.backup_eligible);
        let there = core.authenticate_single_credential(&from_json(answer.clone()), &state, &theirs).is_ok();
        assert!(!here || there, "round {round}: {answer}");
        match (here, there) {
            (true, _) => both += 1,
            (false, true) => only_theirs += 1,
            (false, false) => neither += 1,
        }
    }
    assert!(both > 50 && neither > 50 && only_theirs > 5, "{both} {neither} {only_theirs}");
}

const ORIGINS: [&str; 6] = [
    "https://portal.example",
    "https://portal.example/",
    "https://user@portal.example/path",
    "https://evil.portal.example",
    "https://portal.example:1",
    "http://portal.example",
];
const TYPES: [&str; 3] = ["webauthn.get", "webauthn.create", "payment.get"];

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

fn from_json<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
}
