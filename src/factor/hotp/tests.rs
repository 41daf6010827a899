#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use proptest::prelude::*;

use super::*;

const KEY: &[u8; 20] = b"12345678901234567890";

fn token(next: u64) -> Token {
    Token::new(KEY, 6, next).unwrap()
}

fn code(counter: u64) -> Zeroizing<String> {
    computed(Algorithm::Sha1, 6, KEY, counter)
}

/// RFC 4226, appendix D.
#[test]
fn rfc_4226_appendix_d() {
    let mut token = token(0);
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/vectors/rfc6238.json")).unwrap();
    let vectors = vectors["rfc4226"].as_array().unwrap();
    assert_eq!(vectors.len(), 10);
    for (counter, vector) in (0..).zip(vectors) {
        let code = vector["code"].as_str().unwrap();
        assert_eq!(token.judge(code), Worth::Fresh { counter });
        token = token.accepted_at(counter);
        assert_eq!(token.judge(code), Worth::Used);
    }
}

#[test]
fn a_token_is_found_within_the_look_ahead_and_no_further() {
    let token = token(10);
    for ahead in 0..=LOOK_AHEAD {
        assert_eq!(token.judge(&code(10 + ahead)), Worth::Fresh { counter: 10 + ahead });
    }
    assert_eq!(token.judge(&code(10 + LOOK_AHEAD + 1)), Worth::Nothing);
    // One that was never accepted here is no double click.
    assert_eq!(token.judge(&code(9)), Worth::Nothing);
    // What was passed over is gone.
    let later = token.accepted_at(13);
    for passed in 10..13 {
        assert_eq!(later.judge(&code(passed)), Worth::Nothing);
    }
}

/// Section 7.4.
#[test]
fn two_codes_in_a_row_find_a_token_that_has_run_ahead() {
    let token = token(10);
    for at in [10, 15, 16, 40, 109] {
        assert_eq!(token.judge_two(&code(at), &code(at + 1)), Worth::Fresh { counter: at + 1 }, "{at}");
    }
    for (one, two) in [(9, 10), (8, 9), (40, 42), (41, 40), (40, 40), (110, 111), (500, 501)] {
        assert_eq!(token.judge_two(&code(one), &code(two)), Worth::Nothing, "{one} {two}");
    }
}

#[test]
fn a_seed_has_bounds_and_a_counter_an_end() {
    assert_eq!(Token::new(&[1; 15], 6, 0).err(), Some(TokenError::Key));
    assert_eq!(Token::new(&[1; 65], 6, 0).err(), Some(TokenError::Key));
    for digits in [0, 5, 9, 255] {
        assert_eq!(Token::new(KEY, digits, 0).err(), Some(TokenError::Digits));
    }
    for next in [u64::MAX, u64::MAX - 1, u64::MAX - 3] {
        let token = token(next);
        let _ = token.judge("000000");
        let _ = token.judge_two("000000", "000000");
        assert_eq!(token.judge(&code(u64::MAX)), Worth::Nothing);
        assert_eq!(token.accepted_at(u64::MAX).next, u64::MAX);
    }
    assert_eq!(format!("{:?}", token(3)), "Token { next: 3, .. }");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Whatever is typed when, the counter only goes forward and no code is accepted twice.
    #[test]
    fn only_later_counters_are_accepted(tries in proptest::collection::vec((0_u64..130, any::<bool>()), 1..40)) {
        let mut token = token(5);
        let mut accepted = Vec::new();
        for (at, two) in tries {
            let worth = if two { token.judge_two(&code(at), &code(at + 1)) } else { token.judge(&code(at)) };
            if let Worth::Fresh { counter } = worth {
                prop_assert!(counter >= token.next);
                prop_assert!(accepted.iter().all(|last| *last < counter));
                accepted.push(counter);
                token = token.accepted_at(counter);
                let again = if two { token.judge_two(&code(at), &code(at + 1)) } else { token.judge(&code(at)) };
                prop_assert_eq!(again, Worth::Used);
            }
        }
    }
}
