#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Vectors {
    keys: std::collections::BTreeMap<String, String>,
    rfc6238: Vec<Totp8>,
    rfc4226: Vec<Hotp6>,
}

#[derive(Deserialize)]
struct Totp8 {
    time: i64,
    algorithm: String,
    code: String,
}

#[derive(Deserialize)]
struct Hotp6 {
    step: i64,
    code: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../../tests/vectors/rfc6238.json")).unwrap()
}

fn device(key: &[u8], scheme: TotpScheme) -> Device {
    Device { key: BASE32_NOPAD.encode(key).into(), scheme, last: i64::MIN, used: 0 }
}

fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1000 * seconds)
}

#[test]
fn rfc_6238_appendix_b() {
    let vectors = vectors();
    assert_eq!(vectors.rfc6238.len(), 18);
    for Totp8 { time, algorithm, code } in vectors.rfc6238 {
        let chosen = match algorithm.as_str() {
            "SHA1" => Algorithm::Sha1,
            "SHA256" => Algorithm::Sha256,
            _ => Algorithm::Sha512,
        };
        let device = device(
            vectors.keys[&algorithm].as_bytes(),
            TotpScheme { algorithm: chosen, digits: 8, period: 30 },
        );
        let step = time.div_euclid(30);
        assert_eq!(
            device.judge(&code, seconds(time), false).unwrap(),
            Worth::Fresh { step },
            "{algorithm} at {time}"
        );
        assert_eq!(device.scheme.canonical(&code).unwrap().as_str(), code);
        // A step to either side, and no further.
        for (ago, worth) in [
            (-60, Worth::Nothing),
            (-30, Worth::Fresh { step }),
            (30, Worth::Fresh { step }),
            (60, Worth::Nothing),
        ] {
            assert_eq!(
                device.judge(&code, seconds(step * 30 + ago), false).unwrap(),
                worth,
                "{algorithm} at {time} {ago}"
            );
        }
        let last = device.accepted_at(step);
        assert_eq!(last.judge(&code, seconds(time), false).unwrap(), Worth::Used);
    }
}

#[test]
fn rfc_4226_appendix_d() {
    let vectors = vectors();
    assert_eq!(vectors.rfc4226.len(), 10);
    let device = device(vectors.keys["SHA1"].as_bytes(), TotpScheme::COMMON);
    for Hotp6 { step, code } in vectors.rfc4226 {
        assert_eq!(device.judge(&code, seconds(step * 30), false).unwrap(), Worth::Fresh { step });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// ATTACKS 2 (CVE-2021-43177): whatever was typed when, and wherever the clock went, only ever later steps are
    /// accepted; and only the very codes that were accepted are called used.
    #[test]
    fn only_strictly_later_steps_are_accepted(
        key in proptest::array::uniform20(any::<u8>()),
        start in 0_i64..4_000_000_000,
        tries in proptest::collection::vec((-100_i64..200, -3_i64..=3), 1..60),
    ) {
        let (mut device, mut now) = (device(&key, TotpScheme::COMMON), start);
        let mut accepted = Vec::<i64>::new();
        for (passed, offset) in tries {
            now += passed;
            let step = device.scheme.step(seconds(now));
            let around = |step: i64| device.scheme.around(&device.key, seconds(step * 30)).unwrap();
            let code = around(step + offset)[1].1.clone();
            // Which steps this code is right for, collisions among them.
            let fits: Vec<i64> =
                around(step).iter().filter(|(_, right)| **right == *code).map(|(step, _)| *step).collect();
            let last = accepted.iter().copied().max().unwrap_or(i64::MIN);
            let best = fits.iter().copied().filter(|step| *step > last).max();
            let used = fits.iter().any(|step| accepted.contains(step) && last - step < 8);
            let worth = device.judge(&code, seconds(now), false).unwrap();
            match best {
                Some(step) => {
                    prop_assert_eq!(worth, Worth::Fresh { step });
                    prop_assert!(step > last);
                    device = device.accepted_at(step);
                    accepted.push(step);
                    prop_assert_eq!(device.judge(&code, seconds(now), false).unwrap(), Worth::Used);
                }
                None => prop_assert_eq!(worth, if used { Worth::Used } else { Worth::Nothing }),
            }
        }
        prop_assert!(accepted.windows(2).all(|two| two[0] < two[1]));
    }
}

proptest! {
    // To draw a picture takes long without optimisation.
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// No name of a site or a person ends the label early or brings a secret of its own, and each fits a QR code.
    #[test]
    fn names_stay_inside_the_label(issuer in ".{0,80}", account in ".{0,80}") {
        let uri = uri(&issuer, &account, "JBSWY3DPEHPK3PXP", TotpScheme::COMMON);
        let (label, query) = uri.strip_prefix("otpauth://totp/").unwrap().split_once('?').unwrap();
        prop_assert!(label.matches(':').count() <= 1 && !label.contains(['&', '#', '/', ' ']), "{}", uri.as_str());
        prop_assert!(query.starts_with("secret=JBSWY3DPEHPK3PXP"));
        prop_assert!(query.matches('&').count() <= 1 && query.matches('=').count() <= 2);
        prop_assert!(uri.is_ascii() && uri.len() < 700);
        prop_assert!(picture(&uri).unwrap().starts_with("<svg"));
    }
}

#[test]
fn a_label_is_what_applications_read() {
    let uri = uri("Портал: услуги & Co", "ivan@example.org", "JBSWY3DPEHPK3PXP", TotpScheme::COMMON);
    assert_eq!(
        uri.as_str(),
        "otpauth://totp/%D0%9F%D0%BE%D1%80%D1%82%D0%B0%D0%BB%3A%20%D1%83%D1%81%D0%BB%D1%83%D0%B3%D0%B8%20%26%20Co\
         :ivan%40example.org?secret=JBSWY3DPEHPK3PXP\
         &issuer=%D0%9F%D0%BE%D1%80%D1%82%D0%B0%D0%BB%3A%20%D1%83%D1%81%D0%BB%D1%83%D0%B3%D0%B8%20%26%20Co"
    );
    assert_eq!(super::uri("", "ivan", "A", TotpScheme::COMMON).as_str(), "otpauth://totp/ivan?secret=A");
    assert_eq!(
        super::uri("Site", "", "A", TotpScheme::COMMON).as_str(),
        "otpauth://totp/Site?secret=A&issuer=Site"
    );
    assert_eq!(in_groups("ABCDEFGHIJ").as_str(), "ABCD EFGH IJ");
}

/// Before 1970 there is no step that a code could be of, and nothing breaks.
#[test]
fn a_clock_before_the_epoch_breaks_nothing() {
    let device = device(b"12345678901234567890", TotpScheme::COMMON);
    for at in [i64::MIN, -1_000_000, -1, 0, i64::MAX] {
        assert_eq!(
            device.judge("000000", Timestamp::from_millis(at), false).unwrap(),
            Worth::Nothing,
            "{at}"
        );
    }
}

/// What an address says comes back out of it, and what departs from the usual is in it.
#[test]
fn an_address_is_read_as_it_was_written() {
    let key = BASE32_NOPAD.encode(b"12345678901234567890");
    for (algorithm, digits, period) in [
        (Algorithm::Sha1, 6, 30),
        (Algorithm::Sha256, 8, 60),
        (Algorithm::Sha512, 6, 15),
        (Algorithm::Sha1, 8, 300),
    ] {
        let scheme = TotpScheme::new(algorithm, digits, period).unwrap();
        let uri = uri("Портал: услуги & Co", "ivan@example.org", &key, scheme);
        let (read, found) = import::read(&uri).unwrap();
        assert_eq!((read.as_str(), found), (key.as_str(), scheme), "{}", uri.as_str());
    }
    assert!(!uri("Site", "ivan", &key, TotpScheme::COMMON).contains("digits"));
}

#[test]
fn an_address_of_another_system_is_read_within_bounds() {
    let good = "gezd gnbv-gy3t qojq gezd gnbv gy3t qojq";
    let read = |uri: &str| import::read(uri);
    for uri in [
        format!("otpauth://totp/Old:ivan?secret={good}"),
        format!("OTPAUTH://TOTP/ivan?issuer=Old&secret={}&image=x&algorithm=sha1", good.replace(' ', "%20")),
        String::from("otpauth://totp/x?digits=6&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&period=30#x"),
    ] {
        let (key, scheme) = read(&uri).unwrap();
        assert_eq!((key.as_str(), scheme), ("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", TotpScheme::COMMON), "{uri}");
    }
    let padded = BASE32_NOPAD.encode(&[7; 16]);
    for padding in ["", "======", "%3D%3D%3D%3D%3D%3D"] {
        assert_eq!(read(&format!("otpauth://totp/x?secret={padded}{padding}")).unwrap().0.as_str(), padded);
    }
    let with = |more: &str| format!("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ{more}");
    let label = "x".repeat(4096);
    for (uri, why) in [
        (with(&format!("&issuer={label}")), UriError::TooLong),
        (format!("otpauth://totp/{label}?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), UriError::TooLong),
        (String::new(), UriError::Kind),
        ("otpauth://totp/x".into(), UriError::Kind),
        ("otpauth://hotp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&counter=1".into(), UriError::Kind),
        ("https://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into(), UriError::Kind),
        ("otpauth://totp/x?issuer=a".into(), UriError::Key),
        ("otpauth://totp/x?secret=".into(), UriError::Key),
        // 80 bits; 65 bytes; a sign that Base32 has not.
        ("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ".into(), UriError::Key),
        (format!("otpauth://totp/x?secret={}", BASE32_NOPAD.encode(&[1; 65])), UriError::Key),
        (with("1"), UriError::Key),
        (with("&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), UriError::Key),
        (with("&algorithm=MD5"), UriError::Algorithm),
        (with("&algorithm=SHA1&algorithm=SHA256"), UriError::Algorithm),
        (with("&digits=7"), UriError::Digits),
        (with("&digits=6&digits=6"), UriError::Digits),
        (with("&digits=4294967302"), UriError::Digits),
        (with("&period=0"), UriError::Period),
        (with("&period=14"), UriError::Period),
        (with("&period=301"), UriError::Period),
        (with("&period=-30"), UriError::Period),
        (with("&period=030"), UriError::Period),
        (with("&period=99999999999999999999"), UriError::Period),
    ] {
        assert_eq!(read(&uri).err(), Some(why), "{uri}");
    }
    for (digits, period) in [(7, 30), (0, 30), (9, 30), (6, 14), (6, 301), (6, 0), (6, u32::MAX)] {
        assert_eq!(TotpScheme::new(Algorithm::Sha1, digits, period), None, "{digits} {period}");
    }
}

/// Strict: the present step alone.
#[test]
fn a_strict_window_is_one_step() {
    let device = device(b"12345678901234567890", TotpScheme::COMMON);
    for (step, worth) in [(99, Worth::Nothing), (100, Worth::Fresh { step: 100 }), (101, Worth::Nothing)] {
        let code = &device.scheme.around(&device.key, seconds(30 * step)).unwrap()[1].1;
        assert_eq!(device.judge(code, seconds(3000), true).unwrap(), worth, "{step}");
        assert_ne!(device.judge(code, seconds(3000), false).unwrap(), Worth::Nothing, "{step}");
    }
}
