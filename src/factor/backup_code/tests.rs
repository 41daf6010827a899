#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::HashSet;

use super::*;
use crate::clock::SystemEntropy;

fn draw(place: u8) -> String {
    FifteenSigns::default().draw(place, &SystemEntropy).unwrap().to_string()
}

fn read(typed: &str) -> Option<(u8, String)> {
    FifteenSigns::default().canonical(typed).map(|(place, code)| (place, code.to_string()))
}

#[test]
fn a_code_names_its_place() {
    for place in 0..16 {
        let code = draw(place);
        assert_eq!(code.len(), 15);
        assert_eq!(read(&code), Some((place, code.clone())));
        let shown = FifteenSigns::default().shown(&code);
        assert_eq!((shown.len(), &shown[5..6], &shown[11..12]), (17, "-", "-"));
        assert_eq!(read(&shown), Some((place, code)));
    }
}

/// Every spelling of a code is that code.
#[test]
fn forgiving_entry() {
    for _ in 0..200 {
        let code = draw(7);
        let right = Some((7, code.clone()));
        let spaced: String = code.chars().flat_map(|sign| [sign, ' ']).collect();
        let wide: String = code.chars().map(|sign| char::from_u32(sign as u32 + 0xfee0).unwrap()).collect();
        let taken_for = |table: [&str; 2]| -> String {
            let swap = |sign: char| {
                let at = table[0].chars().position(|known| known == sign);
                at.and_then(|at| table[1].chars().nth(at)).unwrap_or(sign)
            };
            code.chars().map(swap).collect()
        };
        for typed in [
            code.to_lowercase(),
            spaced,
            wide.clone(),
            wide.to_lowercase(),
            format!(" {}–{} ", &code[..4], &code[4..]),
            taken_for(["01V", "OIU"]),
            taken_for(["01V", "olu"]),
            taken_for(["0ABEKMHPCTYX", "ОАВЕКМНРСТУХ"]),
            taken_for(["0ABEKMHPCTYX", "оавекмнрстух"]),
        ] {
            assert_eq!(read(&typed), right, "{typed} for {code}");
        }
    }
}

/// One wrong sign, or two that changed places, is a typing error and no guess.
#[test]
fn typing_errors_are_found() {
    for _ in 0..20 {
        let code = draw(3);
        let signs: Vec<char> = code.chars().collect();
        for at in 0..signs.len() {
            for other in SIGNS.iter().map(|sign| char::from(*sign)).filter(|sign| *sign != signs[at]) {
                let mut typed = signs.clone();
                typed[at] = other;
                assert_eq!(read(&String::from_iter(typed)), None);
            }
            for with in 0..at {
                let mut typed = signs.clone();
                typed.swap(at, with);
                assert_eq!(read(&String::from_iter(&typed)).is_some(), typed == signs);
            }
        }
        for typed in [&code[1..], &code[..14], "", "-"] {
            assert_eq!(read(typed), None);
        }
        assert_eq!(read(&format!("{code}0")), None);
    }
    for typed in [&"0".repeat(1 << 20), "00000 00000 0000\n0", "00000-00000-0000\u{301}", "*************** "]
    {
        assert_eq!(read(typed), None);
    }
}

/// At least 64 random bits: thirteen signs, each as likely as any other (chi-square, 31 degrees of freedom, p far
/// below one in a million).
#[test]
fn thirteen_signs_are_random() {
    let rounds = 20_000;
    let mut counts = [[0_f64; 32]; 13];
    let mut seen = HashSet::new();
    for _ in 0..rounds {
        let code = draw(0);
        for (place, sign) in code.bytes().skip(1).take(13).enumerate() {
            counts[place][SIGNS.iter().position(|known| *known == sign).unwrap()] += 1.0;
        }
        assert!(seen.insert(code));
    }
    for signs in counts {
        let expected = f64::from(rounds) / 32.0;
        let chi: f64 = signs.iter().map(|n| (n - expected).powi(2) / expected).sum();
        assert!(chi < 100.0, "{chi}");
    }
}

#[test]
fn a_set_has_eight_to_sixteen_codes() {
    for count in [0, 7, 17, 255] {
        assert!(BackupCodes::of(count).is_err());
    }
    for count in [8, 10, 16] {
        assert_eq!(BackupCodes::of(count).unwrap().count, count);
    }
    assert_eq!(BackupCodes::default().count, 10);
}
