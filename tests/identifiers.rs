//! Login names: what becomes one account, what stays two, what is refused.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "identifiers/attacks.rs"]
mod attacks;
#[path = "identifiers/vectors.rs"]
mod vectors;

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
