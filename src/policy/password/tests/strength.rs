//! The estimate.

use std::time::{Duration, Instant};

use super::super::strength::{Strong, estimate};
use super::*;

fn score(text: &str, words: &[String]) -> u8 {
    estimate(&Candidate { secret: &secret(text), words }).score
}

/// PEERS 10: zxcvbn itself gives each of the Russian ones 3.
#[test]
fn russian_is_known() {
    for text in
        ["йцукенгшщз", "Пароль123", "привет123", "фывапролдж", "ghbdtn", "gfhjkm", "password1", "Любовь2024"]
    {
        assert!(score(text, &[]) <= 1, "{text}: {}", score(text, &[]));
    }
    let own = zxcvbn::zxcvbn("Пароль123", &[]);
    assert!(u8::from(own.score()) >= 3, "if zxcvbn has learnt Russian, our words may go");
    for text in ["Лошадь батарея скрепка 7", "Skt7-pqlw-9Zr", "вечер-тумблер-осока-жаба"]
    {
        assert_eq!(score(text, &[]), 4, "{text}");
    }
}

#[test]
fn what_belongs_to_the_person_counts_for_little() {
    let words = ["khvoshchinsky".to_owned()];
    assert!(score("khvoshchinsky7", &words) < score("khvoshchinsky7", &[]));
    assert!(score("Хвощинский77", &["хвощинский".to_owned()]) <= 1);
}

#[test]
fn a_policy_may_ask_for_a_score() {
    let policy = Strong::new(PasswordRules::nist_aal2(), 3);
    let broken = |text: &str| codes_of(&policy.judge(&Candidate { secret: &secret(text), words: &[] }));
    assert_eq!(broken("деревня 19"), ["weak"]);
    assert!(codes(&PasswordRules::nist_aal2(), "деревня 19", &[]).is_empty(), "only the estimate refuses it");
    assert!(broken("вечер-тумблер-осока-жаба").is_empty());
    assert_eq!(policy.hints().last().unwrap().params["least"], 3);
}

/// The price of zxcvbn grows with the square of the length: a hundred characters are looked at, whatever comes.
#[test]
fn hostile_passwords_are_estimated_in_bounded_time() {
    let words: Vec<String> = (0..1000).map(|number| "ж".repeat(number)).collect();
    for piece in
        ["a", "ab", "1", "qwerty", "ж", "пароль", "19.85", "\u{1F980}", "\u{301}", "\0", "@4", "\u{130}"]
    {
        let begun = Instant::now();
        let _ = score(&piece.repeat(1024 / piece.len()), &words);
        assert!(begun.elapsed() < Duration::from_secs(20), "{piece}: {:?}", begun.elapsed());
        println!("{piece:?} {:?}", begun.elapsed());
    }
}
