//! Login names: what becomes one account, what stays two, what is refused.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use propusk::account::identifier::IdentifierError::{self, *};
use propusk::account::identifier::{Identifier, IdentifierKind, MAX_BYTES, Region};

fn read(kind: IdentifierKind, typed: &str) -> Result<String, IdentifierError> {
    Identifier::parse_as(kind, typed).map(|name| name.as_str().to_owned())
}

fn email(typed: &str) -> Result<String, IdentifierError> {
    read(IdentifierKind::Email, typed)
}

fn phone(typed: &str) -> Result<String, IdentifierError> {
    read(IdentifierKind::Phone, typed)
}

fn user(typed: &str) -> Result<String, IdentifierError> {
    read(IdentifierKind::UserName, typed)
}

#[test]
fn what_people_type_is_guessed_right() {
    for (typed, kind, canonical) in [
        ("8 (916) 123-45-67", IdentifierKind::Phone, "+79161234567"),
        ("+7 916 123 45 67", IdentifierKind::Phone, "+79161234567"),
        ("Ivan@Example.ORG", IdentifierKind::Email, "ivan@example.org"),
        ("ИВАН@ПРИМЕР.РФ", IdentifierKind::Email, "иван@пример.рф"),
        ("123@iana.org", IdentifierKind::Email, "123@iana.org"),
        ("Ivan.Petrov-2", IdentifierKind::UserName, "ivan.petrov-2"),
        ("Иван_1985", IdentifierKind::UserName, "иван_1985"),
    ] {
        let name = Identifier::parse(typed).unwrap();
        assert_eq!((name.kind(), name.as_str()), (kind, canonical), "{typed}");
    }
    for (typed, why) in [
        ("", Empty),
        (" \u{a0} ", Empty),
        ("123456", NotAPhone),
        ("112-233-445 95", NotAPhone),
        ("7707083893", NotAPhone),
        ("ivan@", NotAnEmail),
        ("ivan\u{ff20}example.org", NotAnEmail),
        ("+", NotAUserName),
        ("...", NotAUserName),
        ("\u{1f44d}\u{1f44d}\u{1f44d}", NotAUserName),
    ] {
        assert_eq!(Identifier::parse(typed), Err(why), "{typed:?}");
    }
}

// ---- E-mail vectors -------------------------------------------------------------------------------------------------

#[derive(serde::Deserialize)]
struct Emails {
    accepted: Vec<Address>,
    refused: Vec<Address>,
    homographs: Vec<Homograph>,
    unpaired: Vec<String>,
}

#[derive(serde::Deserialize)]
struct Address {
    #[serde(rename = "in")]
    typed: String,
    normalized: Option<String>,
    ascii_domain: Option<String>,
}

#[derive(serde::Deserialize)]
struct Homograph {
    a: String,
    b: String,
}

fn emails() -> Emails {
    serde_json::from_str(include_str!("vectors/email.json")).unwrap()
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

// ---- PRECIS vectors -------------------------------------------------------------------------------------------------

#[derive(serde::Deserialize)]
struct Precis {
    unpaired: Vec<String>,
    cases: Vec<PrecisCase>,
}

#[derive(serde::Deserialize)]
struct PrecisCase {
    #[serde(rename = "in")]
    typed: String,
    out: Option<String>,
}

fn precis() -> Precis {
    serde_json::from_str(include_str!("vectors/precis.json")).unwrap()
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

// ---- Phones ---------------------------------------------------------------------------------------------------------

/// ATTACKS row 3 (one value in many spellings walks around counters): one phone has one form.
#[test]
fn spellings_of_one_phone_do_not_make_a_second_account() {
    for typed in [
        "+79161234567",
        "89161234567",
        "79161234567",
        "9161234567",
        "8 916 123 45 67",
        "8(916)123-45-67",
        "+7 (916) 123-45-67",
        "+7.916.123.45.67",
        " +7\u{a0}916\u{a0}123\u{2011}45\u{2013}67 ",
        "007 916 123 45 67",
        "\u{ff0b}\u{ff17}\u{ff19}\u{ff11}\u{ff16}\u{ff11}\u{ff12}\u{ff13}\u{ff14}\u{ff15}\u{ff16}\u{ff17}",
        "８（９１６）１２３－４５－６７",
    ] {
        assert_eq!(phone(typed).as_deref(), Ok("+79161234567"), "{typed}");
        assert_eq!(Identifier::parse(typed).unwrap().as_str(), "+79161234567", "{typed}");
    }
}

#[test]
fn what_is_no_single_phone_is_refused() {
    for (typed, why) in [
        ("++79161234567", NotAPhone),
        ("+7+9161234567", NotAPhone),
        ("7+9161234567", NotAPhone),
        ("+7916123456", NotAPhone),
        ("+791612345678", NotAPhone),
        ("+789161234567", NotAPhone),
        ("+89161234567", NotAPhone),
        ("+79161234567 доб. 12", NotAPhone),
        ("+79161234567x12", NotAPhone),
        ("+79161234567;ext=12", NotAPhone),
        ("+79161234567,12", NotAPhone),
        ("+79161234567#", NotAPhone),
        ("+79161234567/68", NotAPhone),
        ("tel:+79161234567", NotAPhone),
        ("+7916123456O", NotAPhone),
        ("+7916123456З", NotAPhone),
        ("+٧٩١٦١٢٣٤٥٦٧", NotAPhone),
        ("+7916123456⁷", NotAPhone),
        ("+79161234567\n", Hostile),
        ("+7916\n1234567", Hostile),
        ("\u{202e}+79161234567", Hostile),
        ("+7\u{200e}9161234567", Hostile),
        ("+79161234567\0", Hostile),
        ("+7\t9161234567", Hostile),
        ("+71161234567", NotAPhone),
        ("+75161234567", NotAPhone),
        ("88001234567", NotAPhone),
        ("+78091234567", NotAPhone),
        ("+870773111632", NotAPhone),
        ("+88213123456", NotAPhone),
        ("+979123456789", NotAPhone),
        ("+999123456789", NotAPhone),
        ("+4901701234567", NotAPhone),
        ("+380 0 67 123 45 67", NotAPhone),
        ("+12025550", NotAPhone),
        ("+11235551234", NotAPhone),
        ("+1234567890123456", NotAPhone),
        ("+", NotAPhone),
        ("()", NotAPhone),
        ("0079", NotAPhone),
    ] {
        assert_eq!(phone(typed), Err(why), "{typed:?}");
    }
}

/// One calling code, two countries: a Kazakh number is not routed or limited as a Russian one.
#[test]
fn kazakhstan_is_not_russia() {
    for (typed, region) in [
        ("+7 916 123 45 67", Region::Russia),
        ("8 495 123 45 67", Region::Russia),
        ("+7 701 123 45 67", Region::Kazakhstan),
        ("8 777 123 45 67", Region::Kazakhstan),
        ("+7 601 123 45 67", Region::Kazakhstan),
        ("+7 940 123 45 67", Region::Other(7)),
        ("+7 840 123 45 67", Region::Other(7)),
        ("+375 29 123 45 67", Region::Other(375)),
        ("+1 202 555 01 23", Region::Other(1)),
        ("+49 170 1234567", Region::Other(49)),
        ("+39 06 12345678", Region::Other(39)),
    ] {
        assert_eq!(Identifier::parse(typed).unwrap().region(), Some(region), "{typed}");
    }
    assert_eq!(Identifier::parse("ivan@example.org").unwrap().region(), None);
}

// ---- What others see ------------------------------------------------------------------------------------------------

#[test]
fn a_mask_shows_enough_for_the_owner_only() {
    for (typed, masked) in [
        ("89161234567", "+7 916 ***-**-67"),
        ("+375291234567", "+375 ***-**-67"),
        ("ivan@example.org", "i***n@example.org"),
        ("ivan.petrov@example.org", "i***v@example.org"),
        ("ivo@example.org", "i***@example.org"),
        ("io@example.org", "***@example.org"),
        ("i@example.org", "***@example.org"),
        ("иван@пример.рф", "и***н@пример.рф"),
        ("ivanov", "i***v"),
        ("ivo", "i***"),
    ] {
        let name = Identifier::parse(typed).unwrap();
        assert_eq!(name.masked(), masked);
        let debug = format!("{name:?}");
        assert!(debug.contains(masked) && !debug.contains(name.as_str()), "{debug}");
    }
}

#[test]
fn a_password_is_checked_against_the_parts_of_a_name() {
    let words = |typed: &str| Identifier::parse(typed).unwrap().words();
    assert_eq!(words("8 916 123 45 67"), ["79161234567", "9161234567", "89161234567", "1234567"]);
    assert_eq!(words("Ivan.Petrov+x@example.org"), ["ivan.petrov+x", "ivan", "petrov"]);
    assert_eq!(words("Иван_Петров"), ["иван_петров", "иван", "петров"]);
    assert_eq!(words("ivan"), ["ivan"]);
}

/// A document made by hand is no way around canonicalisation.
#[test]
fn only_canonical_names_are_deserialised() {
    for typed in ["89161234567", "Ivan@Example.org", "Иван"] {
        let name = Identifier::parse(typed).unwrap();
        let json = serde_json::to_string(&name).unwrap();
        assert_eq!(serde_json::from_str::<Identifier>(&json).unwrap(), name);
    }
    for json in [
        r#"{"kind":"email","canonical":"Ivan@example.org"}"#,
        r#"{"kind":"email","canonical":"ivan@example.org,evil@example.net"}"#,
        r#"{"kind":"email","canonical":"+79161234567"}"#,
        r#"{"kind":"phone","canonical":"89161234567"}"#,
        r#"{"kind":"user_name","canonical":"ivan","x":1}"#,
        r#"{"kind":"snils","canonical":"ivan"}"#,
    ] {
        assert!(serde_json::from_str::<Identifier>(json).is_err(), "{json}");
    }
}

// ---- Attacks --------------------------------------------------------------------------------------------------------

/// ATTACKS row 59 (CVE-2019-19844, mike@ and mıke@): a letter that some folding turns into another does not reach
/// another's mailbox.
#[test]
fn case_folding_tricks_do_not_reach_anothers_mailbox() {
    for typed in [
        "m\u{131}ke@example.org",
        "M\u{130}KE@example.org",
        "mi\u{212a}e@example.org",
        "mi\u{17f}e@example.org",
        "o\u{fb00}ice@example.org",
        "stra\u{df}e@example.org",
        "STRA\u{1e9e}E@example.org",
        "\u{ff4d}ike@example.org",
        "\u{1d426}ike@example.org",
        "\u{24dc}ike@example.org",
        "m\u{456}ke@example.org",
        "\u{251}dmin@example.org",
        "mike@g\u{131}thub.com",
        "mike@gi\u{442}hub.com",
        "mike@\u{430}\u{440}\u{440}\u{4cf}\u{435}.com",
        "mike@xn--80ak6aa92e.com",
        "mike@g\u{210}thub.com",
        "\u{441}\u{43e}\u{440}@example.org",
    ] {
        assert!(email(typed).is_err(), "{typed}");
    }
    // Two names by IDNA 2008: they stay two, and the form handed to the mailer says which.
    let eszett = Identifier::parse("mike@fa\u{df}.de").unwrap();
    assert_ne!(eszett, Identifier::parse("mike@fass.de").unwrap());
    assert_eq!(eszett.destination().unwrap(), "mike@xn--fa-hia.de");
    assert_eq!(email("MIKE@FA\u{1e9e}.DE").as_deref(), Ok("mike@fa\u{df}.de"));
    // And the address that is meant still works.
    assert_eq!(email("MIKE@GitHub.com").as_deref(), Ok("mike@github.com"));
}

/// The same, for every character there is: what is accepted as two names is two under any folding a database, a mail
/// server or another program may apply, and a canonical name folds to itself.
#[test]
fn no_folding_merges_two_accepted_names() {
    use unicode_normalization::UnicodeNormalization;
    let foldings: [fn(&str) -> String; 4] = [
        |s| s.to_lowercase(),
        |s| s.to_uppercase().to_lowercase(),
        |s| s.nfkc().collect::<String>().to_lowercase().nfkc().collect(),
        |s| s.nfkc().collect::<String>().to_uppercase().nfkc().collect::<String>().to_lowercase(),
    ];
    for make in [|c: char| format!("a{c}a@example.org"), |c: char| format!("ш{c}ш@example.org")] {
        distinct(IdentifierKind::Email, make, &foldings);
    }
    for make in [|c: char| format!("a{c}a"), |c: char| format!("ш{c}ш")] {
        distinct(IdentifierKind::UserName, make, &foldings);
    }
}

fn distinct(kind: IdentifierKind, make: fn(char) -> String, foldings: &[fn(&str) -> String]) {
    let mut accepted = 0;
    let mut seen: Vec<HashMap<String, String>> = vec![HashMap::new(); foldings.len()];
    // The whole first plane, and every 31st character of the others, which no table admits.
    for c in ('\0'..='\u{ffff}').chain(('\u{10000}'..=char::MAX).step_by(31)) {
        let Ok(name) = read(kind, &make(c)) else { continue };
        accepted += 1;
        for (folding, seen) in foldings.iter().zip(&mut seen) {
            let folded = folding(&name);
            assert_eq!(folded, name, "{c:?} is not its own fold");
            let first = seen.entry(folded).or_insert_with(|| name.clone());
            assert_eq!(*first, name, "{c:?} merges two names");
        }
    }
    assert!(accepted > 40, "nothing was accepted, so nothing was tried");
}

/// ATTACKS row 60 (CVE-2022-35924): a list in place of an address would mail one person's link to two.
#[test]
fn a_list_of_addresses_is_no_address() {
    for typed in [
        "ivan@example.org,evil@example.net",
        "ivan@example.org, evil@example.net",
        "ivan@example.org;evil@example.net",
        "ivan@example.org evil@example.net",
        "ivan@example.org\u{ff0c}evil@example.net",
        "ivan@example.org\u{37e}evil@example.net",
        "ivan,evil@example.net",
        "ivan@example.org,",
        "ivan@evil@example.org",
        "ivan@example.org@",
        "<ivan@example.org>",
        "Ivan <ivan@example.org>",
        "ivan@example.org(evil@example.net)",
        "(ivan)ivan@example.org",
        "\"ivan@example.org,\"@example.net",
        "ivan\\@example.org@example.net",
        "ivan:evil@example.net;",
        "@example.org:ivan@example.net",
        "ivan@example.org\r\nBcc: evil@example.net",
        "ivan@example.org\nTo: evil@example.net",
        "ivan@example.org%0d%0aBcc:evil@example.net",
        "ivan@[127.0.0.1]",
        "ivan@[IPv6:::1]",
        "ivan@127.0.0.1",
        "mailto:ivan@example.org",
        "-oQ/tmp@example.org",
    ] {
        assert!(email(typed).is_err(), "{typed:?}");
        assert!(Identifier::parse(typed).is_err(), "{typed:?}");
    }
    assert!(email("ivan@example.org").is_ok());
}

/// Peers section H: two spellings of one name are one account, over NFC, NFD, width, case, IDNA and ё.
#[test]
fn spellings_of_one_name_do_not_make_a_second_account() {
    for (kind, spellings) in [
        (
            IdentifierKind::Email,
            &[
                "ivan@пример.рф",
                "ivan@xn--e1afmkfd.xn--p1ai",
                "IVAN@XN--E1AFMKFD.XN--P1AI",
                "ivan@ПРИМЕР.РФ",
                "ivan@пример。рф",
            ][..],
        ),
        (
            IdentifierKind::Email,
            &[
                "éric@example.org",
                "e\u{301}ric@example.org",
                "É\u{72}ic@example.org",
                "E\u{301}RIC@EXAMPLE.ORG",
            ],
        ),
        (IdentifierKind::Email, &["йод@example.org", "и\u{306}од@example.org", "ЙОД@ｅｘａｍｐｌｅ.org"]),
        (IdentifierKind::UserName, &["admin", "ADMIN", "ＡＤＭＩＮ", "Admin", " admin "]),
        (IdentifierKind::UserName, &["ёжик", "ежик", "Ёжик", "е\u{308}жик", "ЕЖИК"]),
        (IdentifierKind::UserName, &["kevin", "\u{212a}evin", "Kevin"]),
        (IdentifierKind::UserName, &["иван1", "ИВАН１"]),
    ] {
        let first = Identifier::parse_as(kind, spellings[0]).unwrap();
        for typed in spellings {
            assert_eq!(Identifier::parse_as(kind, typed).as_ref(), Ok(&first), "{typed}");
        }
    }
}

/// Peers section H: what looks like a taken name is refused, or is visibly another name.
#[test]
fn homographs_do_not_make_a_second_account() {
    for pair in emails().homographs {
        // The vectors' words, made long enough for a name; the tail has no twins in the other script.
        for tail in ["", "dw", "жд"] {
            let (a, b) = (format!("{}{tail}", pair.a), format!("{}{tail}", pair.b));
            if let (Ok(a), Ok(b)) = (user(&a), user(&b)) {
                // One script's own near-twins (rn and m, l and 1) depend on the typeface; they stay two names.
                assert!(a == b || (a.is_ascii() && b.is_ascii()), "{a} and {b}");
            }
        }
    }
    for typed in [
        "\u{430}dmin",
        "adm\u{ed}n",
        "\u{251}dmin",
        "\u{1d00}dmin",
        "\u{455}upport",
        "сосо",
        "хор",
        "р\u{430}ур\u{430}l",
        "ivan\u{430}",
    ] {
        assert!(user(typed).is_err(), "{typed}");
    }
    for typed in ["admin", "support", "иван", "хорошо", "петр"] {
        assert!(user(typed).is_ok(), "{typed}");
    }
}

/// Peers section H: invisible and directional characters, controls and broken encodings never enter a name, whatever
/// its kind; CR and LF would end a mail header or a log line.
#[test]
fn characters_that_deceive_are_refused_in_every_name() {
    for c in [
        '\0',
        '\t',
        '\n',
        '\r',
        '\u{1b}',
        '\u{7f}',
        '\u{85}',
        '\u{ad}',
        '\u{34f}',
        '\u{61c}',
        '\u{115f}',
        '\u{180e}',
        '\u{200b}',
        '\u{200c}',
        '\u{200d}',
        '\u{200e}',
        '\u{200f}',
        '\u{2028}',
        '\u{2029}',
        '\u{202a}',
        '\u{202e}',
        '\u{2060}',
        '\u{2066}',
        '\u{2069}',
        '\u{3164}',
        '\u{e000}',
        '\u{fdd0}',
        '\u{fe0f}',
        '\u{feff}',
        '\u{ffa0}',
        '\u{fffd}',
        '\u{ffff}',
        '\u{1fffe}',
        '\u{e0041}',
        '\u{e0101}',
        '\u{f0000}',
        '\u{10ffff}',
    ] {
        for name in ["ivan@example.org", "+79161234567", "ivan", "иван"] {
            for typed in [
                format!("{c}{name}"),
                format!("{name}{c}"),
                name.replacen(['v', '1', 'в'], &c.to_string(), 1),
            ] {
                assert_eq!(Identifier::parse(&typed), Err(Hostile), "{typed:?}");
            }
        }
    }
    // Lone surrogates stop at the reader of JSON: no text holds them.
    let unpaired = [emails().unpaired, precis().unpaired].concat();
    assert_eq!(unpaired.len(), 3);
    for escaped in unpaired {
        assert!(serde_json::from_str::<String>(&escaped).is_err(), "{escaped}");
    }
}

/// A user name is nobody's number: not a phone, an INN or a SNILS in disguise.
#[test]
fn a_user_name_never_passes_for_a_number() {
    for typed in [
        "9161234567",
        "89161234567",
        "8-916-123-45-67",
        "112-233-445.95",
        "7707083893",
        "１２３４５６",
        "123_456",
        "+79161234567",
    ] {
        assert!(user(typed).is_err(), "{typed}");
    }
    for typed in [
        "ab",
        "-ivan",
        "ivan-",
        ".ivan",
        "ivan..petrov",
        "iv an",
        "iv@n",
        "iv/an",
        "../etc",
        "ivan<b>",
        &"a".repeat(65),
    ] {
        assert_eq!(user(typed), Err(NotAUserName), "{typed}");
    }
    assert!(user(&"a".repeat(64)).is_ok() && user("a1b").is_ok());
}

/// Length is looked at before anything else: a megabyte costs nothing.
#[test]
fn oversized_names_are_refused_unread() {
    let zalgo = format!("a{}", "\u{301}".repeat(500_000));
    for typed in [
        " ".repeat(MAX_BYTES + 1),
        "1".repeat(1 << 20),
        format!("{}@example.org", "a".repeat(1 << 20)),
        zalgo,
    ] {
        assert_eq!(Identifier::parse(&typed), Err(TooLong));
        for kind in [IdentifierKind::Phone, IdentifierKind::Email, IdentifierKind::UserName] {
            assert_eq!(Identifier::parse_as(kind, &typed), Err(TooLong));
        }
    }
    assert_ne!(Identifier::parse(&"1".repeat(MAX_BYTES)), Err(TooLong));
}

// ---- Properties -----------------------------------------------------------------------------------------------------

fn whole(name: &Identifier) -> Result<(), TestCaseError> {
    let again = Identifier::parse_as(name.kind(), name.as_str());
    prop_assert_eq!(again.as_ref(), Ok(name), "canonical form does not parse to itself");
    prop_assert_eq!(&Identifier::parse(name.as_str()).unwrap(), name, "guessed as another kind");
    prop_assert!(name.as_str().len() <= MAX_BYTES && !name.as_str().chars().any(char::is_control));
    prop_assert!(name.words().iter().all(|word| !word.is_empty()));
    if let Some(destination) = name.destination() {
        // The mail goes where the canonical form says: its own wire form is the same identifier.
        prop_assert_eq!(&Identifier::parse_as(name.kind(), &destination).unwrap(), name);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(typed in any::<String>()) {
        for name in [Identifier::parse(&typed), Identifier::parse_as(IdentifierKind::Phone, &typed), Identifier::parse_as(IdentifierKind::Email, &typed), Identifier::parse_as(IdentifierKind::UserName, &typed)].into_iter().flatten() {
            whole(&name)?;
        }
    }

    #[test]
    fn text_near_to_a_name_is_read_or_refused(
        typed in "[a-zA-Zа-яА-ЯёЁіÀ-žßıK\u{301}\u{306}\u{308}0-9.+_-]{1,12}(@([a-zA-Zа-яА-ЯÀ-ž0-9-]{1,9}|xn--[a-z0-9-]{1,12}|ＥＸ)[.。](com|РФ|xn--p1ai|de))?"
    ) {
        if let Ok(name) = Identifier::parse(&typed) {
            whole(&name)?;
        }
    }

    #[test]
    fn two_spellings_of_one_phone_are_equal(
        area in prop::sample::select(vec!["901", "916", "999", "495", "701", "777"]),
        rest in "[0-9]{7}",
        prefix in prop::sample::select(vec!["8", "+7", "7", "007", "８", "＋７"]),
        gaps in prop::collection::vec(prop::sample::select(vec!["", " ", "-", "(", ")", "\u{a0}", "\u{2011}", "－"]), 11),
        wide in any::<bool>(),
    ) {
        let mut typed = prefix.to_owned();
        for (digit, gap) in area.chars().chain(rest.chars()).zip(gaps) {
            typed.push_str(gap);
            typed.push(if wide { char::from_u32(u32::from(digit) + 0xfee0).unwrap() } else { digit });
        }
        let name = Identifier::parse(&typed).unwrap();
        prop_assert_eq!(name.as_str(), format!("+7{area}{rest}"));
        whole(&name)?;
    }

    #[test]
    fn case_never_makes_a_second_account(local in "[a-z][a-z0-9.+_-]{0,8}[a-z0-9]", domain in "[a-z]{2,8}\\.(org|ru)", flips in any::<u64>()) {
        let lower = format!("{local}@{domain}");
        let typed: String = lower.chars().enumerate().map(|(i, c)| if flips >> (i % 64) & 1 == 1 { c.to_ascii_uppercase() } else { c }).collect();
        prop_assert_eq!(email(&typed), email(&lower));
    }
}
