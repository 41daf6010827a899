//! A factor's answer as a client sends it: one field of one meaning, and nothing of it in a log or an error.
#![no_main]

use std::fmt::Debug;

use propusk::factor::backup_code::{BackupCodeScheme, FifteenSigns};
use propusk::factor::code::Code;
use propusk::factor::totp::TotpScheme;
use propusk::otp::OtpScheme;
use propusk::{BackupCodes, Factor, Password, Totp};
use serde::de::DeserializeOwned;
use serde_json::Value;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    check::<<Password as Factor>::Answer>(data, r#"{"password":"sample"}"#);
    check::<<Code as Factor>::Answer>(data, r#"{"code":"sample"}"#);
    check::<<Totp as Factor>::Answer>(data, r#"{"code":"sample"}"#);
    check::<<BackupCodes as Factor>::Answer>(data, r#"{"code":"sample"}"#);
    let Ok(typed) = std::str::from_utf8(data) else { return };
    if let Some(code) = TotpScheme::COMMON.canonical(typed) {
        assert!(code.len() == 6 && code.bytes().all(|digit| digit.is_ascii_digit()));
    }
    let scheme = FifteenSigns::default();
    if let Some((place, code)) = scheme.canonical(typed) {
        assert!(place < 32 && code.len() == 15 && code.is_ascii());
        assert_eq!(scheme.canonical(&code), Some((place, code.clone())), "a canonical code is its own form");
        assert_eq!(scheme.canonical(&scheme.shown(&code)), Some((place, code)), "what is shown can be typed");
    }
});

fn check<A: DeserializeOwned + Debug>(data: &[u8], sample: &str) {
    let generic = serde_json::from_slice::<Value>(data);
    match serde_json::from_slice::<A>(data) {
        Ok(answer) => {
            let sample: A = serde_json::from_str(sample).expect("the sample is an answer");
            assert_eq!(format!("{answer:?}"), format!("{sample:?}"), "what was typed shows in Debug");
            let text = std::str::from_utf8(data).expect("JSON is UTF-8").trim();
            let Value::Object(fields) = generic.expect("an answer is JSON") else {
                assert!(
                    text.starts_with('['),
                    "serde takes the fields in their order, too, and nothing else"
                );
                return;
            };
            // What is between the braces, once more and with one field more.
            let inner = &text[1..text.len() - 1];
            assert!(serde_json::from_str::<A>(&format!("{{{inner},{inner}}}")).is_err(), "a duplicate field");
            assert!(
                serde_json::from_str::<A>(&format!("{{{inner},\"more\":1}}")).is_err(),
                "an unknown field"
            );
            assert_eq!(fields.len(), 1);
        }
        Err(error) => {
            let Ok(Value::Object(fields)) = generic else { return };
            let error = error.to_string();
            for (name, value) in &fields {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                // Short ones stand in serde's own words.
                let telling =
                    value.len() >= 6 && value.bytes().all(|b| b.is_ascii_digit()) && !name.contains(&value);
                assert!(!telling || !error.contains(&value), "{error}");
            }
        }
    }
}
