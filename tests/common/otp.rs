//! An authenticator and a pack of backup codes, as their owner uses them.
#![allow(dead_code, reason = "each test uses a part")]

use propusk::clock::Timestamp;
use propusk::flow::{Done, Next};
use propusk::id::FactorName;
use propusk::{BackupCodes, Password, Step, Token, Totp, Visit};
use ring::hmac;

/// The code of a key (Base32, in groups or not) at a step.
pub(crate) fn totp(key: &str, step: i64) -> String {
    let key = data_encoding::BASE32_NOPAD.decode(key.replace(' ', "").as_bytes()).unwrap();
    hotp(&key, u64::try_from(step).unwrap())
}

/// The code of a key at a counter, of six digits: RFC 4226 section 5.3, written beside the library's.
pub(crate) fn hotp(key: &[u8], counter: u64) -> String {
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key), &counter.to_be_bytes());
    let mac = mac.as_ref();
    let at = usize::from(mac[19] & 15);
    let number = u32::from_be_bytes(mac[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// A code that this key has at none of the steps around.
pub(crate) fn no_code(key: &str, now: Timestamp) -> String {
    let right: Vec<_> = (-2..=2).map(|offset| totp(key, step(now) + offset)).collect();
    (0..).map(|n| format!("{n:06}")).find(|code| !right.contains(code)).unwrap()
}

/// The step of thirty seconds.
pub(crate) fn step(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(30_000)
}

/// Goes through the proofs of an enrolment up to its proposal: a password, and a code by SMS where that is not enough
/// (`message` reads it).
pub(crate) async fn propose(
    visit: &Visit,
    session: &Token,
    word: &str,
    factor: &FactorName,
    message: impl AsyncFnOnce() -> String,
) -> Box<Next> {
    let next = proven(visit, session, word, factor, message).await;
    pending(visit.begin(&next.flow, factor).await.unwrap())
}

/// The same, up to where something new may be begun.
pub(crate) async fn proven(
    visit: &Visit,
    session: &Token,
    word: &str,
    factor: &FactorName,
    message: impl AsyncFnOnce() -> String,
) -> Box<Next> {
    let next = pending(visit.enrol(session, factor.clone()).await.unwrap());
    let mut next = pending(visit.answer(&next.flow, Password::word(word)).await.unwrap());
    if next.duty.is_none() {
        let sms = FactorName::new("sms-code");
        next = pending(visit.begin(&next.flow, &sms).await.unwrap());
        let code = message().await;
        let answer = propusk::Code::typed(sms, &code);
        next = pending(visit.answer(&next.flow, answer).await.unwrap());
    }
    next
}

/// What a proposal shows.
pub(crate) fn shown(next: &Next) -> serde_json::Value {
    serde_json::from_str(next.begun.as_ref().unwrap().1.as_json()).unwrap()
}

/// Adds an authenticator: its key, and the session that goes on.
pub(crate) async fn add_totp(
    visit: &Visit,
    session: &Token,
    word: &str,
    now: Timestamp,
    message: impl AsyncFnOnce() -> String,
) -> (String, Box<Done>) {
    let next = propose(visit, session, word, &Totp::NAME, message).await;
    let key = shown(&next)["key"].as_str().unwrap().to_owned();
    let end = visit.answer(&next.flow, Totp::code(&totp(&key, step(now)))).await.unwrap();
    (key, done(end))
}

/// Makes a set of backup codes.
pub(crate) async fn add_codes(
    visit: &Visit,
    session: &Token,
    word: &str,
    message: impl AsyncFnOnce() -> String,
) -> (Vec<String>, Box<Done>) {
    let next = propose(visit, session, word, &BackupCodes::NAME, message).await;
    let codes = shown(&next)["codes"].as_array().unwrap().clone();
    let codes = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    (codes, done(visit.answer(&next.flow, BackupCodes::saved()).await.unwrap()))
}

fn pending(step: Step) -> Box<Next> {
    if let Step::Pending(next) = step { next } else { panic!("{step:?}") }
}

fn done(step: Step) -> Box<Done> {
    if let Step::Done(done) = step { done } else { panic!("{step:?}") }
}
