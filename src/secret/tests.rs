#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use data_encoding::HEXLOWER;

use super::*;
use crate::clock::{Entropy, SystemEntropy};
use crate::error::Broken;
use crate::id::{AccountId, FactorName, Realm};

mod files;
#[cfg(all(feature = "axum", feature = "testing"))]
mod scope;
mod sealed;
mod tokens;

/// Gives 0, 1, 2, ... so that formats can be pinned.
#[derive(Debug, Default)]
struct Counting(AtomicU8);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Broken> {
        bytes.fill_with(|| self.0.fetch_add(1, Ordering::SeqCst));
        Ok(())
    }
}

#[derive(Debug)]
struct Dry;

impl Entropy for Dry {
    fn fill(&self, _: &mut [u8]) -> Result<(), Broken> {
        Err(Broken::Entropy)
    }
}

fn key(seed: u8) -> Key {
    Key::from_bytes(&std::array::from_fn::<u8, 32, _>(|i| seed.wrapping_add(i as u8))).unwrap()
}

fn keys() -> Keys {
    Keys::new(KeyRing::new(key(1), key(101)), Realm::new("shop")).unwrap()
}

fn json(text: &str) -> Result<Secret, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[test]
fn a_secret_is_read_as_it_was_sent() {
    assert_eq!(json(r#""correct horse""#).unwrap().expose(), b"correct horse");
    assert_eq!(json(r#""a\u0000b\n\"\u043f\ud83d\ude00""#).unwrap().expose_str(), Some("a\0b\n\"п😀"));
    assert!(json(r#""""#).unwrap().is_empty());
    let owned: Secret = serde_json::from_value(serde_json::json!("owned")).unwrap();
    assert_eq!(owned.expose(), b"owned");
}

#[test]
fn a_lone_surrogate_is_refused_and_not_replaced() {
    for text in [r#""\ud800""#, r#""a\ud800b""#, r#""\udc00""#, r#""\ud800\ud800""#] {
        assert!(json(text).is_err(), "{text}");
        assert!(serde_json::from_slice::<Secret>(text.as_bytes()).is_err(), "{text}");
    }
    assert!(serde_json::from_slice::<Secret>(b"\"\xed\xa0\x80\"").is_err());
}

#[test]
fn an_overlong_secret_is_refused_by_its_bytes() {
    assert_eq!(json(&format!("\"{}\"", "п".repeat(SECRET_LIMIT / 2))).unwrap().len(), SECRET_LIMIT);
    for long in ["x".repeat(SECRET_LIMIT + 1), "п".repeat(SECRET_LIMIT / 2 + 1), "x".repeat(10_000_000)] {
        let error = json(&format!("\"{long}\"")).unwrap_err();
        assert!(error.starts_with("the secret is too long"), "{error}");
        assert!(serde_json::from_value::<Secret>(serde_json::Value::String(long)).is_err());
    }
}

#[test]
fn an_error_never_repeats_a_secret_sent_in_the_wrong_type() {
    for text in [
        "483920",
        "-483920",
        "4839.20",
        "true",
        "[483920]",
        r#"{"483920":1}"#,
        "null",
        "48392048392048392048",
    ] {
        let error = json(text).unwrap_err();
        assert!(!error.contains("4839") && !error.contains("true"), "{error}");
    }
}

#[test]
fn same_compares_the_whole() {
    assert!(same(b"", b"") && same(b"abc", b"abc"));
    for other in [b"abd".as_slice(), b"xbc", b"ab", b"abcd", b""] {
        assert!(!same(b"abc", other));
        assert!(!Secret::new(*b"abc").same(&Secret::new(other)));
    }
    assert!(Secret::new(*b"abc").same(&Secret::text(String::from("abc"))));
}

#[test]
fn debug_prints_no_byte_of_any_secret() {
    let ring = KeyRing::new(key(1), key(101)).with_old(key(51));
    let token = Token::routed(Route::from_bytes(*b"route123"), &SystemEntropy).unwrap();
    let all = [
        (format!("{:?}", Secret::text(String::from("hunter2"))), "Secret"),
        (format!("{token:?}"), "Token"),
        (format!("{:?}", token.route().unwrap()), "Route"),
        (format!("{:?}", key(1)), "Key"),
        (format!("{:?}", DataKey::random(&SystemEntropy).unwrap()), "DataKey"),
        (format!("{ring:?}"), "KeyRing"),
        (format!("{:?}", keys()), r#"Keys { realm: Realm("shop"), .. }"#),
        (format!("{:?}", TokenHash::from_bytes([0xab; 32])), "TokenHash(abababab)"),
        (format!("{:?}", Buffered::new(SystemEntropy)), "Buffered"),
    ];
    for (printed, expected) in all {
        assert_eq!(printed, expected);
    }
}

#[test]
fn purposes_are_told_apart_by_byte_and_label() {
    let bytes: std::collections::BTreeSet<_> = Purpose::ALL.iter().map(|purpose| purpose.byte()).collect();
    let labels: std::collections::BTreeSet<_> = Purpose::ALL.iter().map(|purpose| purpose.label()).collect();
    assert_eq!((bytes.len(), labels.len()), (Purpose::ALL.len(), Purpose::ALL.len()));
}

#[test]
fn a_buffer_gives_every_byte_once_and_fails_as_its_source_does() {
    let buffered = Buffered::new(Counting::default());
    let mut given = Vec::new();
    for len in [8, 16, 32, 8, 32, 32, 10, 10, 0, 33, 10] {
        let mut bytes = vec![0; len];
        buffered.fill(&mut bytes).unwrap();
        given.extend(bytes);
    }
    let distinct: std::collections::BTreeSet<_> = given.iter().collect();
    assert_eq!(distinct.len(), given.len());
    assert!(matches!(Buffered::new(Dry).fill(&mut [0; 8]), Err(Broken::Entropy)));
}

#[test]
fn a_buffer_whose_source_fails_later_gives_nothing_old() {
    /// Gives one block, then spoils what it is handed and fails.
    #[derive(Debug)]
    struct OneBlock(AtomicUsize);
    impl Entropy for OneBlock {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), Broken> {
            let first = self.0.fetch_add(1, Ordering::SeqCst) == 0;
            bytes.fill(u8::from(first) * 7);
            if first { Ok(()) } else { Err(Broken::Entropy) }
        }
    }
    let buffered = Buffered::new(OneBlock(AtomicUsize::new(0)));
    assert!(buffered.fill(&mut [0; 32]).is_ok() && buffered.fill(&mut [0; 8]).is_ok());
    // 24 bytes are left when the refill spoils them.
    for len in [32, 8, 24, 1] {
        let mut bytes = vec![9; len];
        assert!(buffered.fill(&mut bytes).is_err(), "{len}");
        assert_eq!(bytes, vec![9; len]);
    }
}
