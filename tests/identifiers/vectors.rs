//! The published vectors: each case is met, or decided otherwise with the reason beside it.

use std::collections::BTreeMap;

use propusk::account::identifier::{Identifier, IdentifierKind};

use super::{email, user};

#[derive(serde::Deserialize)]
pub(super) struct Emails {
    accepted: Vec<Address>,
    refused: Vec<Address>,
    pub(super) homographs: Vec<Homograph>,
    pub(super) unpaired: Vec<String>,
}

#[derive(serde::Deserialize)]
pub(super) struct Address {
    #[serde(rename = "in")]
    typed: String,
    normalized: Option<String>,
    ascii_domain: Option<String>,
}

#[derive(serde::Deserialize)]
pub(super) struct Homograph {
    pub(super) a: String,
    pub(super) b: String,
}

pub(super) fn emails() -> Emails {
    serde_json::from_str(include_str!("../vectors/email.json")).unwrap()
}

/// Where this library decides otherwise than the vectors, and why.
#[rustfmt::skip]
const DISPUTED_EMAILS: &[(&str, Decision, &[&str])] = &[
    ("quoting gives one mailbox many spellings and lets a comma, a space or an at sign in; nobody signs up with it", Refused, &[
        r#""quoted local part"@example.org"#, r#""de-quoted.local.part"@example.org"#,
        r#""unnecessary.escaped.\x.local.part"@example.org"#, r#""escaped.quote.\".local.part"@example.org"#,
        r#""unnecessarily.quoted.local.part"@example.com"#, r#""quoted..local.part"@example.com"#,
        r#""quoted.with.at@"@example.com"#, r#""quoted with space"@example.com"#, r#""quoted.with.dquote\""@example.com"#,
        r#""unnecessarily.quoted.with.unicode.λ"@example.com"#, r#""quoted.with..unicode.λ"@example.com"#,
        r#""quoted.with.extraneous.\escape"@example.com"#]),
    ("a display name is a header's business: exactly one addr-spec is a login name", Refused, &[
        "MyName <me@example.org>", "My Name <me@example.org>",
        r#""My.\"Na\\me\".Is" <"me \" \\ me"@example.org>"#, "\"s\u{323}\u{307}\" <s\u{323}\u{307}@nfc.tld>"]),
    ("scripts beyond Latin and Cyrillic: look-alikes inside them are not in the tables, so nothing could be promised", Refused, &[
        "jeff@臺網中心.tw", "伊昭傑@郵件.商務", "राम@मोहन.ईन्फो", "θσερ@εχαμπλε.ψομ", "我買@example.tld", "甲斐黒川日本@example.tld",
        "उदाहरण.परीक्ष@domain.with.idn.tld", "ιωάννης@εεττ.gr", "test@xn--hxajbheg2az3al.xn--jxalpdlp",
        "\u{f96e}士豪@臺網中心.tw", "\u{f96e}士豪@臺網中心.台灣", "jeff\u{f96e}@臺網中心.tw"]),
    ("a full-width at sign as a mailbox's name reads as a second separator", Refused, &["\u{ff20}@fullwidth.at"]),
    ("two scripts in one word: a look-alike of the Latin name (ATTACKS 59)", Refused, &["ivan@ex\u{430}mple.org", "iv\u{430}n@example.org"]),
    ("İ folds to i or to i with a dot, by language (ATTACKS 59)", Refused, &["\u{130}van@example.org"]),
    ("RFC 5321 section 4.5.3.1.1: 64 octets before the sign; email-validator checks that in its strict mode only", Refused, &[
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.org"]),
    ("reserved zones are well-formed and used in tests and intranets; that mail arrives is proven by the code, not by the name", Accepted, &[
        "me@anything.arpa", "me@valid.invalid", "me@link.local", "me@host.localhost", "me@onion.onion.onion", "me@test.test.test"]),
    ("a space around the address comes from copying it", Accepted, &[" test@iana.org", "test@iana.org ", " ivan@example.org "]),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Decision {
    Accepted,
    Refused,
}
use Decision::{Accepted, Refused};

fn disputed_email(typed: &str, decision: Decision) -> bool {
    DISPUTED_EMAILS.iter().any(|(_, decided, cases)| *decided == decision && cases.contains(&typed))
}

#[test]
fn email_vectors_are_met_or_decided() {
    let vectors = emails();
    let mut disputed = 0;
    for case in &vectors.accepted {
        let typed = case.typed.as_str();
        match Identifier::parse_as(IdentifierKind::Email, typed) {
            Ok(name) => {
                let expected = case.normalized.as_deref().unwrap_or(typed).to_lowercase();
                assert_eq!(name.as_str(), expected);
                if let Some(domain) = &case.ascii_domain {
                    assert!(name.destination().unwrap().ends_with(&format!("@{domain}")), "{typed}");
                }
                assert!(!disputed_email(typed, Refused), "no longer disputed: {typed}");
            }
            Err(why) => {
                assert!(disputed_email(typed, Refused), "{typed:?} refused without a reason: {why}");
                disputed += 1;
            }
        }
    }
    for case in &vectors.refused {
        let accepted = email(&case.typed).is_ok();
        assert_eq!(accepted, disputed_email(&case.typed, Accepted), "{:?}", case.typed);
        disputed += usize::from(accepted);
    }
    println!(
        "{} accepted, {} refused, {disputed} of them decided otherwise",
        vectors.accepted.len(),
        vectors.refused.len()
    );
    assert_eq!(disputed, DISPUTED_EMAILS.iter().map(|(_, _, cases)| cases.len()).sum::<usize>());
}

#[derive(serde::Deserialize)]
pub(super) struct Precis {
    pub(super) unpaired: Vec<String>,
    cases: Vec<PrecisCase>,
}

#[derive(serde::Deserialize)]
pub(super) struct PrecisCase {
    #[serde(rename = "in")]
    typed: String,
    out: Option<String>,
}

pub(super) fn precis() -> Precis {
    serde_json::from_str(include_str!("../vectors/precis.json")).unwrap()
}

/// Why a name that RFC 8265 admits is refused here, read off RFC 8265's own result.
fn why_narrower(out: &str) -> Option<&'static str> {
    let latin = out.chars().any(|c| c.is_ascii_alphabetic());
    let cyrillic = out.chars().any(|c| matches!(c, 'а'..='я' | 'ё'));
    if !(3..=64).contains(&out.chars().count()) {
        Some("3 to 64 code points: shorter is taken at once, longer is not typed")
    } else if out.chars().any(|c| c.is_ascii_punctuation() && !"._-".contains(c)) {
        Some("signs other than ._- separate names in lists, addresses and commands")
    } else if latin && cyrillic {
        Some("two scripts in one name: a look-alike")
    } else if out.chars().any(|c| !(c.is_ascii() || matches!(c, 'а'..='я' | 'ё'))) {
        Some("a-z and the Russian alphabet only: marks and other scripts have look-alikes")
    } else {
        None
    }
}

#[test]
fn precis_vectors_are_met_or_decided() {
    let mut reasons = BTreeMap::<_, usize>::new();
    let cases = precis().cases;
    for case in &cases {
        let typed = case.typed.as_str();
        match (user(typed), &case.out) {
            (Ok(name), Some(out)) if name == *out => {}
            (Err(_), None) => {}
            (Err(why), Some(out)) => {
                let reason =
                    why_narrower(out).unwrap_or_else(|| panic!("{typed:?} refused without a reason: {why}"));
                *reasons.entry(reason).or_default() += 1;
            }
            (Ok(name), Some(out)) => {
                assert_eq!(name, out.replace('ё', "е"), "{typed:?}");
                *reasons.entry("ё is stored as е").or_default() += 1;
            }
            (Ok(name), None) => {
                assert_eq!(user(typed.trim_matches(' ')), Ok(name), "{typed:?}");
                *reasons.entry("a space around the name comes from copying it").or_default() += 1;
            }
        }
    }
    println!("{} cases; decided otherwise: {reasons:#?}", cases.len());
    assert_eq!(
        reasons.values().copied().collect::<Vec<_>>(),
        REASON_COUNTS,
        "a decision moved: {reasons:#?}"
    );
}

/// In the order of the reasons' texts.
const REASON_COUNTS: [usize; 6] = [83, 2, 39, 8, 1, 3];
