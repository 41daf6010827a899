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
            device.judge(&code, seconds(time)).unwrap(),
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
                device.judge(&code, seconds(step * 30 + ago)).unwrap(),
                worth,
                "{algorithm} at {time} {ago}"
            );
        }
        let last = device.accepted_at(step);
        assert_eq!(last.judge(&code, seconds(time)).unwrap(), Worth::Used);
    }
}

#[test]
fn rfc_4226_appendix_d() {
    let vectors = vectors();
    assert_eq!(vectors.rfc4226.len(), 10);
    let device = device(vectors.keys["SHA1"].as_bytes(), TotpScheme::COMMON);
    for Hotp6 { step, code } in vectors.rfc4226 {
        assert_eq!(device.judge(&code, seconds(step * 30)).unwrap(), Worth::Fresh { step });
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
            let worth = device.judge(&code, seconds(now)).unwrap();
            match best {
                Some(step) => {
                    prop_assert_eq!(worth, Worth::Fresh { step });
                    prop_assert!(step > last);
                    device = device.accepted_at(step);
                    accepted.push(step);
                    prop_assert_eq!(device.judge(&code, seconds(now)).unwrap(), Worth::Used);
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
        let uri = uri(&issuer, &account, "JBSWY3DPEHPK3PXP");
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
    let uri = uri("Портал: услуги & Co", "ivan@example.org", "JBSWY3DPEHPK3PXP");
    assert_eq!(
        uri.as_str(),
        "otpauth://totp/%D0%9F%D0%BE%D1%80%D1%82%D0%B0%D0%BB%3A%20%D1%83%D1%81%D0%BB%D1%83%D0%B3%D0%B8%20%26%20Co\
         :ivan%40example.org?secret=JBSWY3DPEHPK3PXP\
         &issuer=%D0%9F%D0%BE%D1%80%D1%82%D0%B0%D0%BB%3A%20%D1%83%D1%81%D0%BB%D1%83%D0%B3%D0%B8%20%26%20Co"
    );
    assert_eq!(super::uri("", "ivan", "A").as_str(), "otpauth://totp/ivan?secret=A");
    assert_eq!(super::uri("Site", "", "A").as_str(), "otpauth://totp/Site?secret=A&issuer=Site");
    assert_eq!(in_groups("ABCDEFGHIJ").as_str(), "ABCD EFGH IJ");
}

/// Before 1970 there is no step that a code could be of, and nothing breaks.
#[test]
fn a_clock_before_the_epoch_breaks_nothing() {
    let device = device(b"12345678901234567890", TotpScheme::COMMON);
    for at in [i64::MIN, -1_000_000, -1, 0, i64::MAX] {
        assert_eq!(device.judge("000000", Timestamp::from_millis(at)).unwrap(), Worth::Nothing, "{at}");
    }
}
