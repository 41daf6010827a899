//! One code of an authenticator, one backup code, fifty answers at once: one sign-in, on memory and on two nodes over one
//! SQLite file.
#![cfg(all(feature = "sqlite", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/field.rs"]
mod field;
#[path = "common/otp.rs"]
mod otp;
#[path = "common/portal.rs"]
mod portal;
#[path = "common/wide.rs"]
mod wide;

use std::collections::BTreeMap;

use field::{BOTH, Field, Over, Rules, codes, rounds, tally};
use otp::{add_codes, add_totp, no_code, step, totp};
use portal::{PHONE, WORD, done, pending, refused, register};
use propusk::auth::Builder;
use propusk::clock::Clock;
use propusk::factor::hotp;
use propusk::flow::Done;
use propusk::{Answer, BackupCodes, Client, Code, Hotp, Password, Profile, Token, Totp};
use wide::Wide;

const TASKS: usize = 50;

fn factors(builder: Builder, wide: bool) -> Builder {
    let builder = builder.factor(Password::default()).factor(Code::sms());
    if wide {
        builder
            .factor(Wide(Totp::default()))
            .factor(Wide(BackupCodes::default()))
            .factor(Wide(Hotp::default()))
    } else {
        builder.factor(Totp::default()).factor(BackupCodes::default()).factor(Hotp::default())
    }
}

fn field(over: Over, wide: bool) -> Field {
    let mut profile = Profile::public_portal();
    profile.recipient_rate.uses = 1_000_000;
    // So that a session too many is seen, and not pushed out by another.
    profile.sessions.at_most = 100_000;
    Field::new(over, wide, Rules { profile, factors })
}

async fn half_way(field: &Field) -> Token {
    let visit = field.calm.visit(Client::unknown());
    pending(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap()).flow
}

async fn told(field: &Field, answer: Answer) -> &'static str {
    let step = field.calm.visit(Client::unknown()).answer(&half_way(field).await, answer).await.unwrap();
    *codes(&[step]).keys().next().unwrap()
}

async fn person(field: &Field) -> Box<Done> {
    let visit = field.calm.visit(Client::unknown());
    register(&field.calm, &field.outbox, &visit, PHONE, Password::word(WORD)).await
}

/// A round: fifty answers that are this one, half of them through each node. Exactly one signs in, no other is charged
/// or has a session.
async fn round(field: &mut Field, mine: &Done, answer: impl Fn() -> Answer) -> bool {
    let mut flows = Vec::new();
    for _ in 0..TASKS {
        flows.push(half_way(field).await);
    }
    let account = mine.session.account();
    let before = field.calm.sessions(account).await.unwrap().len();
    field.gate("subject", TASKS);
    let (steps, met) = field
        .race(TASKS, 1, |nth, visit| {
            let (flow, answer) = (flows[nth].clone(), answer());
            async move { visit.answer(&flow, answer).await.unwrap() }
        })
        .await;
    assert_eq!(codes(&steps), BTreeMap::from([("done", 1), ("replayed", TASKS - 1)]));
    assert_eq!(field.calm.sessions(account).await.unwrap().len(), before + 1);
    met
}

/// ATTACKS 6, 96, 98.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_code_of_an_authenticator_signs_in_once() {
    for over in BOTH {
        for wide in [false, true] {
            let mut field = field(over, wide);
            let mine = person(&field).await;
            let visit = field.calm.visit(Client::unknown());
            let message = async || field.outbox.code(&field.calm).await;
            let (key, mine) = add_totp(&visit, &mine.token, WORD, field.hands.now(), message).await;
            let mut overlapped = 0;
            for _ in 0..rounds() {
                field.hands.advance(90);
                let code = totp(&key, step(field.hands.now()));
                overlapped += usize::from(round(&mut field, &mine, || Totp::code(&code)).await);
                // All guesses are left, and the next code is right.
                let wrong = no_code(&key, field.hands.now());
                for _ in 0..if wide { 0 } else { 5 } {
                    assert_eq!(told(&field, Totp::code(&wrong)).await, "wrong");
                }
                let next = totp(&key, step(field.hands.now()) + 1);
                assert_eq!(told(&field, Totp::code(&next)).await, "done");
            }
            let name = if wide { "one TOTP code, no limit," } else { "one TOTP code" };
            tally(name, over, overlapped, rounds());
        }
    }
}

/// The same for a token with a button, by one code and by two in a row.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_code_of_a_token_signs_in_once() {
    let key = b"12345678901234567890";
    // The same computation with steps of one second is a counter.
    let code = |counter: i64| totp(&data_encoding::BASE32_NOPAD.encode(key), counter);
    for over in BOTH {
        for wide in [false, true] {
            let mut field = field(over, wide);
            let mine = person(&field).await;
            let token = hotp::Token::new(key, 6, 0).unwrap();
            Hotp::assign(&field.calm, mine.session.account(), &token, &Client::unknown()).await.unwrap();
            let (mut overlapped, mut counter) = (0, 0);
            for nth in 0..rounds() {
                field.hands.advance(90);
                let met = if nth % 2 == 0 {
                    let code = code(counter);
                    counter += 1;
                    round(&mut field, &mine, || Hotp::code(&code)).await
                } else {
                    counter += 20;
                    let two = [code(counter), code(counter + 1)];
                    counter += 2;
                    round(&mut field, &mine, || Hotp::two_codes(&two[0], &two[1])).await
                };
                overlapped += usize::from(met);
                assert_eq!(told(&field, Hotp::code(&code(counter))).await, "done");
                counter += 1;
            }
            let name = if wide { "one HOTP code, no limit," } else { "one HOTP code" };
            tally(name, over, overlapped, rounds());
        }
    }
}

/// The same for a backup code; another one of the set is still good.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_backup_code_signs_in_once() {
    for over in BOTH {
        for wide in [false, true] {
            let mut field = field(over, wide);
            let mut mine = person(&field).await;
            let (mut overlapped, mut codes) = (0, Vec::new());
            for _ in 0..rounds() {
                if codes.len() < 2 {
                    field.hands.advance(90);
                    let visit = field.calm.visit(Client::unknown());
                    let message = async || field.outbox.code(&field.calm).await;
                    (codes, mine) = add_codes(&visit, &mine.token, WORD, message).await;
                }
                let code = codes.pop().unwrap();
                overlapped += usize::from(round(&mut field, &mine, || BackupCodes::code(&code)).await);
                assert_eq!(told(&field, BackupCodes::code(&codes.pop().unwrap())).await, "done");
            }
            let name = if wide { "one backup code, no limit," } else { "one backup code" };
            tally(name, over, overlapped, rounds());
        }
    }
}

/// Two different codes of one set at once are both good: the set is one row, and who lost it is judged again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_backup_codes_at_once_are_both_good() {
    for over in BOTH {
        let mut field = field(over, false);
        let mine = person(&field).await;
        let visit = field.calm.visit(Client::unknown());
        let message = async || field.outbox.code(&field.calm).await;
        let (codes, mine) = add_codes(&visit, &mine.token, WORD, message).await;
        let flows = [half_way(&field).await, half_way(&field).await];
        field.gate("subject", 2);
        let (steps, met) = field
            .race(2, 1, |nth, visit| {
                let (flow, answer) = (flows[nth].clone(), BackupCodes::code(&codes[nth]));
                async move { visit.answer(&flow, answer).await.unwrap() }
            })
            .await;
        assert!(met);
        for step in steps {
            let _ = done(step);
        }
        let account = mine.session.account();
        assert_eq!(BackupCodes::left(&field.calm, account).await.unwrap(), Some(8));
        for code in &codes[..2] {
            let flow = half_way(&field).await;
            let why = refused(visit.answer(&flow, BackupCodes::code(code)).await.unwrap());
            assert_eq!(why.code.as_str(), "replayed");
        }
    }
}
