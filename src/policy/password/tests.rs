#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod generated;
mod rules;
#[cfg(feature = "strength")]
mod strength;
mod walks;

use proptest::prelude::*;

use std::collections::BTreeSet;

use super::*;
use crate::clock::SystemEntropy;
use crate::danger;
use crate::hash::{HashPool, Hashed, Lane, Phc};
use crate::message::Locale;

#[test]
fn length_counts_code_points_after_nfc() {
    let (nist, portal) = (PasswordRules::nist_aal1(), PasswordRules::nist_aal2());
    // One code point each: Latin, Cyrillic, astral; and two that NFC makes one.
    for sign in ["x", "ж", "\u{1F980}", "e\u{301}"] {
        for (signs, portal_takes, nist_takes) in
            [(7, false, false), (8, true, false), (14, true, false), (15, true, true), (64, true, true)]
        {
            // Not a run of one sign: those are common.
            let text = format!("{}{}", sign.repeat(signs - 4), "Zk9q");
            let broken = |rules: &PasswordRules| codes(rules, &text, &[]);
            assert_eq!(broken(&portal).is_empty(), portal_takes, "{signs} {sign}: {:?}", broken(&portal));
            assert_eq!(broken(&nist).is_empty(), nist_takes, "{signs} {sign}: {:?}", broken(&nist));
        }
    }
    assert_eq!(codes(&nist, "short", &[]), ["too_short"]);
    let rule = judge(&nist, "short", &[]).remove(0);
    assert_eq!(serde_json::to_string(&rule).unwrap(), r#"{"rule":"too_short","params":{"least":15}}"#);
}

#[test]
fn bytes_are_bounded_and_never_cut() {
    let nist = PasswordRules::nist_aal1();
    let longest = format!("{}{}", "0123456789abcde ".repeat(63), "0123456789abcdef");
    assert_eq!(longest.len(), 1024);
    assert!(codes(&nist, &longest, &[]).is_empty());
    assert_eq!(normalise(&secret(&longest)).unwrap().expose(), longest.as_bytes());
    assert_eq!(code(normalise(&secret(&format!("{longest}g")))), "too_long");
    // Every one of these is four bytes before and twelve after.
    assert_eq!(code(normalise(&secret(&"\u{1D160}".repeat(200)))), "too_long");
    let narrow = PasswordRules { most_bytes: 64, ..nist };
    assert_eq!(codes(&narrow, &longest, &[]), ["too_long"]);
    let wide = PasswordRules { most_bytes: usize::MAX, ..narrow };
    assert_eq!(judge_raw(&wide, &"x1 ".repeat(1000), &[])[0].0.params["most_bytes"], 1024);
}

/// ATTACKS 73: ten megabytes cost a comparison of lengths, whatever they consist of.
#[test]
fn ten_megabytes_are_refused_unread() {
    let hostile = Secret::new(vec![0xFF; 10_000_000]);
    assert_eq!(code(normalise(&hostile)), "too_long", "the length is looked at before the encoding");
    let marks = secret(&"\u{301}\u{327}".repeat(2_500_000));
    assert_eq!(code(normalise(&marks)), "too_long");
    assert_eq!(
        codes_of(&PasswordRules::nist_aal1().judge(&Candidate { secret: &marks, words: &[] })),
        ["too_long"]
    );
}

/// ATTACKS 79.
#[test]
fn nothing_and_no_text_are_refused() {
    assert_eq!(code(normalise(&secret(""))), "too_short");
    assert_eq!(code(normalise(&Secret::new(vec![b'a', 0xED, 0xA0, 0x80]))), "not_text");
    for kept in ["0", " ", "\0", " a b ", "\u{FEFF}", "ＡＢＣ", "ﬁ", "\u{202E}abc"] {
        assert_eq!(normalise(&secret(kept)).unwrap().expose(), kept.as_bytes(), "nothing but NFC");
    }
}

#[test]
fn asvs_6_2_4_three_thousand_common_passwords_pass_each_minimum_length() {
    for (rules, least) in [(PasswordRules::nist_aal2(), 20_000), (PasswordRules::nist_aal1(), 3000)] {
        let matching: Vec<_> = common::list().filter(|entry| entry.chars().count() >= rules.least).collect();
        assert!(matching.len() >= least, "{} at {}", matching.len(), rules.least);
        for entry in matching {
            assert_eq!(codes(&rules, entry, &[]), ["common"], "{entry}");
        }
    }
    for text in common::sorted_texts() {
        assert!(text.lines().is_sorted() && text.lines().all(|entry| *plain::fold(entry) == *entry));
        assert!(text.ends_with('\n') && !text.contains("\n\n"));
    }
}

#[test]
fn common_passwords_are_found_in_every_spelling_people_use() {
    let portal = PasswordRules::nist_aal2();
    for text in [
        "password1",
        "PASSWORD1",
        "Пароль123",
        "ПАРОЛЬПАРОЛЬ",
        "gfhjkm123",
        "gfhjkmgfhjkm",
        "parolparol",
        "йцукенгш",
        "ЙЦУКЕНГШЩЗ",
        "qwertyuiop",
        "1q2w3e4r5t",
        "1qaz2wsx3edc",
        "111111111111111",
        "correct horse battery staple",
        "correcthorsebatterystaple",
        "ятебялюблю",
    ] {
        assert_eq!(codes(&portal, text, &[]), ["common"], "{text}");
    }
    for text in ["password1 and a hat", "Skt7-pqlw", "мама мыла раму и окно"] {
        assert!(codes(&portal, text, &[]).is_empty(), "NIST compares the whole password: {text}");
    }
    let off = PasswordRules { common: false, ..portal };
    assert!(codes(&off, "password1", &[]).is_empty());
}

#[test]
fn context_words_with_few_signs_are_refused() {
    let portal = PasswordRules::nist_aal2();
    let words = ["Gosportal", "ivan", "ivanov", "i.petrov", "Иван", "79161234567", "ю", ""].map(String::from);
    for text in [
        "ivan2024!ivan",
        "IVAN2024!Ivan",
        "gosportal",
        "GosPortal1!",
        "2026-gosportal",
        "i.petrov77",
        "petrov1985",
        "vortep1985",
        "иванИВАН1985",
        "79161234567",
        "+79161234567",
        "89161234567",
        "ivan9161234567",
        "navinavi11",
        "ivanovSkt7-pq",
    ] {
        assert_eq!(codes(&portal, text, &words), ["context"], "{text}");
    }
    for text in
        ["ivan walks to the river", "гулял Иван вдоль реки", "Skt7-pqlw", "ivy and vanilla", "юююю-Skt7"]
    {
        assert!(codes(&portal, text, &words).is_empty(), "{text}");
    }
    let off = PasswordRules { context: false, ..portal };
    assert!(codes(&off, "gosportal1!", &words).is_empty());
}

#[test]
fn hints_and_refusals_have_the_same_names() {
    let names =
        |rules: &PasswordRules| rules.hints().iter().map(|hint| hint.rule.to_string()).collect::<Vec<_>>();
    assert_eq!(names(&PasswordRules::nist_aal1()), ["too_short", "too_long", "common", "context"]);
    assert_eq!(
        names(&PasswordRules::public_portal()).join(" "),
        "too_short too_long no_upper no_lower no_digit no_special keyboard sequence repeated common context"
    );
    let bare = PasswordRules { common: false, context: false, ..PasswordRules::nist_aal1() };
    assert_eq!(names(&bare), ["too_short", "too_long"]);
    assert_eq!(bare.hints()[0], judge(&bare, "x", &[])[0].0);
}

/// ATTACKS 75 and ASVS 6.2.8: the last byte counts at every length, bcrypt's 72 among them.
#[tokio::test]
async fn every_suffix_counts() {
    let pool = HashPool::new(danger::fast_hashing()).unwrap();
    for length in [8, 71, 72, 73, 128, 1024] {
        let password = "Vq3 ".repeat(256)[..length - 1].to_owned() + "a";
        let phc = set(&pool, &password).await;
        assert!(check(&pool, &password, &phc).await, "{length}");
        for other in [
            password[..length - 1].to_owned() + "b",
            password[..length - 1].to_owned() + "A",
            password[..length - 1].to_owned(),
            password.to_lowercase(),
            password.replacen('V', "v", 1),
        ] {
            assert!(!check(&pool, &other, &phc).await, "{length}");
        }
        if length < 1024 {
            for longer in [" ", "\0", "a", "\n"] {
                assert!(!check(&pool, &format!("{password}{longer}"), &phc).await, "{length}");
            }
        }
    }
}

/// ATTACKS 76.
#[tokio::test]
async fn a_nul_ends_nothing() {
    let pool = HashPool::new(danger::fast_hashing()).unwrap();
    let plain = "correct horse 42";
    for place in 0..=plain.len() {
        let (head, tail) = plain.split_at(place);
        let password = format!("{head}\0{tail}");
        let phc = set(&pool, &password).await;
        assert!(check(&pool, &password, &phc).await);
        for other in
            [plain.to_owned(), head.to_owned(), tail.to_owned(), format!("{head}\0"), format!("{head}\0x")]
        {
            assert!(
                other == password || other.is_empty() || !check(&pool, &other, &phc).await,
                "{place} {other:?}"
            );
        }
    }
}

#[tokio::test]
async fn forms_that_nfc_makes_equal_verify_as_equal() {
    let pool = HashPool::new(danger::fast_hashing()).unwrap();
    for (one, other) in [
        ("café du commerce", "cafe\u{301} du commerce"),
        ("ёжик в тумане!!", "е\u{308}жик в тумане!!"),
        ("й", "и\u{306}"),
        ("\u{212B}ngström", "\u{C5}ngstro\u{308}m"),
        ("한국어 비밀번호", "\u{1112}\u{1161}\u{11AB}국어 비밀번호"),
    ] {
        let phc = set(&pool, one).await;
        assert!(check(&pool, other, &phc).await, "{one}");
    }
    let phc = set(&pool, "ﬁne password").await;
    assert!(!check(&pool, "fine password", &phc).await, "NFC, not NFKC");
}

proptest! {
    #[test]
    fn whatever_is_long_enough_and_not_common_is_accepted(text in "\\PC{15,64}") {
        let normal = normalise(&secret(&text)).unwrap();
        let normal_text = str::from_utf8(normal.expose()).unwrap();
        prop_assume!(normal_text.chars().count() >= 15 && !common::is_listed(&plain::fold(normal_text)));
        prop_assert_eq!(codes(&PasswordRules::nist_aal1(), &text, &[]), Vec::<String>::new());
        let again = normalise(&normal).unwrap();
        prop_assert_eq!(again.expose(), normal.expose(), "normal forms stay");
    }

    #[test]
    fn no_bytes_make_the_policy_panic(bytes in prop::collection::vec(any::<u8>(), 0..1100), words in prop::collection::vec("\\PC{0,8}", 0..4)) {
        let raw = Secret::new(bytes);
        let _ = normalise(&raw);
        let candidate = Candidate { secret: &raw, words: &words };
        let broken = PasswordRules::public_portal().judge(&candidate);
        let checked = PasswordRules::public_portal().check(&candidate);
        for BrokenRule(rule) in &broken {
            prop_assert!(rule.text(Locale::En).is_some() && rule.text(Locale::Ru).is_some());
            let told = Checked { rule: rule.clone(), kept: false };
            prop_assert!(checked.contains(&told));
        }
        prop_assert_eq!(checked.iter().filter(|rule| !rule.kept).count(), broken.len());
    }
}

fn judge(rules: &PasswordRules, text: &str, words: &[String]) -> Vec<BrokenRule> {
    rules.judge(&Candidate { secret: &normalise(&secret(text)).unwrap(), words })
}

fn judge_raw(rules: &PasswordRules, text: &str, words: &[String]) -> Vec<BrokenRule> {
    rules.judge(&Candidate { secret: &secret(text), words })
}

fn codes(rules: &PasswordRules, text: &str, words: &[String]) -> Vec<String> {
    codes_of(&judge(rules, text, words))
}

fn codes_of(broken: &[BrokenRule]) -> Vec<String> {
    broken.iter().map(|broken| broken.0.rule.to_string()).collect()
}

fn code(outcome: Result<Secret, BrokenRule>) -> String {
    outcome.unwrap_err().0.rule.to_string()
}

async fn set(pool: &HashPool, typed: &str) -> Phc {
    match pool.hash(Lane::Known, normalise(&secret(typed)).unwrap(), &SystemEntropy).await.unwrap() {
        Hashed::Done(phc) => phc,
        Hashed::Busy { .. } => panic!("busy"),
    }
}

async fn check(pool: &HashPool, typed: &str, phc: &Phc) -> bool {
    match pool.verify(Lane::Known, normalise(&secret(typed)).unwrap(), phc).await.unwrap() {
        Hashed::Done(right) => right,
        Hashed::Busy { .. } => panic!("busy"),
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes())
}
