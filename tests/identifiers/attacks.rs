//! What attackers do with a login name, by row of the attack list.

use std::collections::HashMap;

use propusk::account::identifier::IdentifierError::*;
use propusk::account::identifier::{Identifier, IdentifierKind, MAX_BYTES};

use super::vectors::{emails, precis};
use super::{email, read, user};

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
    // Domains but for ß, which IDNA 2008 keeps apart from ss; the mailer's form of the address spells it out.
    for make in [|c: char| format!("a@a{}a.org", other(c)), |c: char| format!("a@ш{}ш.рф", other(c))] {
        distinct(IdentifierKind::Email, make, &foldings);
    }
}

fn other(c: char) -> char {
    if matches!(c, 'ß' | 'ẞ') { 's' } else { c }
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
