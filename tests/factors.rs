//! What every factor's door does with answers that are none, and what the flow does for a factor's author.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

use std::sync::{Arc, Mutex};

use propusk::account::identifier::Identifier;
use propusk::error::FactorError;
use propusk::factor::{Begun, Context, Credential, Found, Prompt, Reason, Verdict};
use propusk::flow::{Done, Next};
use propusk::id::FactorName;
use propusk::message::{Message, Sender, Sending, Sent};
use propusk::proof::{Channel, Proves};
use propusk::{
    Answer, Auth, Client, Code, Factor, KeyRing, MemoryStore, Password, Profile, Site, Step, Token, Visit,
};
use serde::Deserialize;

const WORD: &str = "Лошадь батарея скрепка 7";
const PHONE: &str = "+79161234567";
const SMS: FactorName = FactorName::new("sms-code");

#[derive(Clone, Debug, Default)]
struct Outbox(Arc<Mutex<Vec<Message>>>);

impl Sender for Outbox {
    fn takes(&self, _: &Identifier) -> bool {
        true
    }
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        self.0.lock().unwrap().push(message.clone());
        Box::pin(async { Ok(Sent::Delivered) })
    }
}

struct Portal {
    auth: Auth,
    outbox: Outbox,
    visit: Visit,
}

impl Portal {
    fn new() -> Self {
        let outbox = Outbox::default();
        let auth = Auth::builder(Profile::nist_aal1(), MemoryStore::default(), KeyRing::random())
            .site(Site::new("Portal", "https://portal.example"))
            .hashing(propusk::danger::fast_hashing())
            .sender(outbox.clone())
            .factor(Password::default())
            .factor(Code::sms())
            .factor(Knock::default())
            .build()
            .unwrap();
        let visit = auth.visit(Client::unknown());
        Self { auth, outbox, visit }
    }

    async fn code(&self) -> String {
        let _ = self.auth.tend(100).await.unwrap();
        self.outbox.0.lock().unwrap().iter().rev().find_map(|m| m.param("code").map(str::to_owned)).unwrap()
    }

    async fn register(&self) -> Box<Done> {
        let next = pending(self.visit.sign_up(PHONE, "Иван Петров", "2026-01").await.unwrap());
        let code = Code::typed(SMS, &self.code().await);
        let next = pending(self.visit.answer(&next.flow, code).await.unwrap());
        done(self.visit.answer(&next.flow, Password::word(WORD)).await.unwrap())
    }

    async fn refused(&self, flow: &Token, answer: Answer) -> &'static str {
        refused(self.visit.answer(flow, answer).await.unwrap())
    }
}

fn pending(step: Step) -> Box<Next> {
    if let Step::Pending(next) = step { next } else { panic!("{step:?}") }
}

fn done(step: Step) -> Box<Done> {
    if let Step::Done(done) = step { done } else { panic!("{step:?}") }
}

fn refused(step: Step) -> &'static str {
    if let Step::Refused(why) = step { why.code.as_str() } else { panic!("{step:?}") }
}

/// An answer padded with blanks to this length: as right as before, only longer.
fn padded(right: &str, length: usize) -> Vec<u8> {
    let mut bytes = right.as_bytes().to_vec();
    bytes.resize(length, b' ');
    bytes
}

/// Answers that hold the right secret in a form that is not the factor's.
fn misshapen(field: &str, secret: &str) -> Vec<Vec<u8>> {
    let right = format!(r#"{{"{field}":"{secret}"}}"#);
    let deep = |open: &str, close: &str| {
        format!(r#"{{"{field}":{}"{secret}"{}}}"#, open.repeat(1000), close.repeat(1000)).into_bytes()
    };
    let mut all: Vec<_> = [
        format!(r#"{{"{field}":"{secret}","more":1}}"#),
        format!(r#"{{"more":{{}},"{field}":"{secret}"}}"#),
        format!(r#"{{"{field}":"{secret}","{field}":"{secret}"}}"#),
        format!(r#"{{"{field}":"x","{field}":"{secret}"}}"#),
        format!(r#"{{"{field}":["{secret}"]}}"#),
        format!(r#"{{"{field}":{{"{field}":"{secret}"}}}}"#),
        format!(r#"{{"{field}":123456}}"#),
        format!(r#"{{"{field}":true}}"#),
        format!(r#"{{"{field}":null}}"#),
        format!(r#"{{"{}":"{secret}"}}"#, field.to_uppercase()),
        format!(r#"["{secret}"]"#),
        format!(r#""{secret}""#),
        format!("{right}x"),
        format!("{right}{right}"),
        format!("{right}\0"),
        format!("\u{feff}{right}"),
        String::from("{}"),
        String::new(),
        String::from("null"),
        right.replace('"', "'"),
    ]
    .map(String::into_bytes)
    .into();
    all.extend([deep("[", "]"), deep(r#"{"a":"#, "}"), padded(&right, Answer::MOST_BYTES + 1)]);
    all
}

#[tokio::test]
async fn a_misshapen_password_is_refused_before_anything_is_counted_or_hashed() {
    let portal = Portal::new();
    portal.register().await;
    let hashed = portal.auth.hashes().computed();
    for bytes in misshapen("password", WORD) {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        let step = portal.visit.sign_in().with(PHONE, Answer::wire(Password::NAME, bytes)).await.unwrap();
        assert_eq!(refused(step), "malformed", "{shown}");
    }
    assert_eq!(portal.auth.hashes().computed(), hashed);
    // All guesses are still there, and the right answer is right up to the last byte that is read.
    for _ in 0..5 {
        let step = portal.visit.sign_in().with(PHONE, Password::word("wrong")).await.unwrap();
        assert_eq!(refused(step), "wrong");
    }
    let longest = padded(&format!(r#"{{"password":"{WORD}"}}"#), Answer::MOST_BYTES);
    done(portal.visit.sign_in().with(PHONE, Answer::wire(Password::NAME, longest)).await.unwrap());
}

#[tokio::test]
async fn a_misshapen_new_password_is_refused_and_the_flow_goes_on() {
    let portal = Portal::new();
    let next = pending(portal.visit.sign_up(PHONE, "Иван Петров", "2026-01").await.unwrap());
    let code = Code::typed(SMS, &portal.code().await);
    let next = pending(portal.visit.answer(&next.flow, code).await.unwrap());
    let hashed = portal.auth.hashes().computed();
    for bytes in misshapen("password", WORD) {
        assert_eq!(portal.refused(&next.flow, Answer::wire(Password::NAME, bytes)).await, "malformed");
    }
    assert_eq!(portal.auth.hashes().computed(), hashed);
    done(portal.visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
}

#[tokio::test]
async fn a_misshapen_code_is_refused_before_anything_is_counted() {
    let portal = Portal::new();
    portal.register().await;
    let next = pending(portal.visit.sign_in().start(PHONE).await.unwrap());
    let next = pending(portal.visit.begin(&next.flow, &SMS).await.unwrap());
    let code = portal.code().await;
    let mut all = misshapen("code", &code);
    // A form of its own, but not that of a code.
    all.extend(
        ["", "12345", "1234567", "12345a", "-", "１２３"]
            .map(|typed| format!(r#"{{"code":"{typed}"}}"#).into_bytes()),
    );
    for bytes in all {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        let why = portal.refused(&next.flow, Answer::wire(SMS, bytes)).await;
        assert_eq!(why, "malformed", "{shown}");
    }
    // Neither the guard nor the code's own tries have heard of it.
    let other = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..4 {
        assert_eq!(portal.refused(&next.flow, Code::typed(SMS, other)).await, "wrong");
    }
    let longest = padded(&format!(r#"{{"code":"{code}"}}"#), Answer::MOST_BYTES);
    done(portal.visit.answer(&next.flow, Answer::wire(SMS, longest)).await.unwrap());
}

#[tokio::test]
async fn an_answer_to_a_factor_that_is_not_offered_says_so_whatever_is_in_it() {
    let portal = Portal::new();
    portal.register().await;
    let next = pending(portal.visit.sign_in().start("ivan@example.org").await.unwrap());
    for name in ["sms-code", "knock", "no-such", "", "password\0"] {
        for bytes in ["{}", "}{", r#"{"code":"123456"}"#] {
            let answer = Answer::wire(FactorName::owned(name), bytes);
            assert_eq!(portal.refused(&next.flow, answer).await, "not_offered");
        }
    }
}

#[cfg(feature = "testing")]
#[test]
fn answers_have_one_form() {
    use propusk::testing::{strict_answers, strict_confirmations};
    use propusk::{Approval, Link};
    strict_answers(&Password::default(), r#"{"password":"x"}"#);
    strict_confirmations(&Password::default(), r#"{"password":"x"}"#);
    strict_answers(&Code::sms(), r#"{"code":"123456"}"#);
    strict_answers(&Code::email(), r#"{"code":"123456"}"#);
    strict_answers(&Approval::default(), "{}");
    strict_answers(&Link::at("/link"), "{}");
    strict_confirmations(&Approval::default(), "{}");
    strict_answers(&Knock::default(), r#"{"whose":"x","again":true}"#);
}

/// The check is not blind: each of these takes more than one form.
#[cfg(feature = "testing")]
#[test]
fn a_factor_that_takes_more_than_one_form_is_found_out() {
    #[derive(Deserialize)]
    struct Lax {
        #[expect(dead_code, reason = "only read from JSON")]
        whose: String,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Untyped {
        #[expect(dead_code, reason = "only read from JSON")]
        whose: serde_json::Value,
    }
    fn found_out<A: serde::de::DeserializeOwned + Send + Sync + 'static>() -> bool {
        let check =
            || propusk::testing::strict_answers(&Takes::<A>(std::marker::PhantomData), r#"{"whose":"x"}"#);
        std::panic::catch_unwind(check).is_err()
    }
    assert!(found_out::<Lax>());
    assert!(found_out::<Untyped>());
    assert!(found_out::<std::collections::HashMap<String, String>>());
}

#[cfg(feature = "testing")]
struct Takes<A>(std::marker::PhantomData<fn() -> A>);

#[cfg(feature = "testing")]
impl<A> std::fmt::Debug for Takes<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Takes")
    }
}

#[cfg(feature = "testing")]
impl<A: serde::de::DeserializeOwned + Send + Sync + 'static> Factor for Takes<A> {
    type Data = ();
    type State = ();
    type Answer = A;

    fn name(&self) -> FactorName {
        FactorName::new("takes")
    }
    fn could_prove(&self, _: Option<&()>) -> Proves {
        Proves::by(Channel::Device)
    }
    async fn answer(
        &self,
        _: &Context<'_>,
        _: &[Credential<()>],
        (): (),
        _: A,
    ) -> Result<Verdict<()>, FactorError> {
        Ok(Verdict::refuse(Reason::Wrong))
    }
}

/// Names its credential, counts its tries in the challenge, and asks once more when told so.
#[derive(Clone, Copy, Debug, Default)]
struct Knock {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Knocked {
    whose: String,
    again: bool,
}

impl Factor for Knock {
    type Data = ();
    type State = u32;
    type Answer = Knocked;

    fn name(&self) -> FactorName {
        FactorName::new("knock")
    }
    fn could_prove(&self, _: Option<&()>) -> Proves {
        Proves::by(Channel::Device).possession()
    }
    fn discoverable(&self) -> bool {
        true
    }
    async fn begin(
        &self,
        _: &Context<'_>,
        _: &[Credential<()>],
        _: Option<u32>,
    ) -> Result<Begun<u32>, FactorError> {
        Ok(Begun::Started { state: 0, prompt: Prompt::new(&0)?, deliver: None })
    }
    async fn find(
        &self,
        _: &Context<'_>,
        state: u32,
        answer: &Knocked,
    ) -> Result<Option<Found<u32>>, FactorError> {
        Ok(Some(Found { handle: answer.whose.clone().into_bytes(), state }))
    }
    async fn answer(
        &self,
        _: &Context<'_>,
        _: &[Credential<()>],
        tried: u32,
        answer: Knocked,
    ) -> Result<Verdict<(), u32>, FactorError> {
        let state = tried + 1;
        Ok(match answer.again {
            true => Verdict::More { state, prompt: Prompt::new(&state)? },
            false if tried >= 3 => Verdict::refuse(Reason::UsedUp),
            false => Verdict::Refuse { reason: Reason::Wrong, change: None, state: Some(state) },
        })
    }
}

fn knock(whose: &str, again: bool) -> Answer {
    let knocked = serde_json::json!({ "whose": whose, "again": again });
    Answer::wire(FactorName::new("knock"), knocked.to_string())
}

/// A refusal that rewrites the challenge leaves the flow as open as it was: not bound to whom it was tried for.
#[tokio::test]
async fn a_flow_without_a_name_counts_its_tries_and_stays_open() {
    let portal = Portal::new();
    let next = pending(portal.visit.sign_in().unnamed().await.unwrap());
    assert_eq!(portal.refused(&next.flow, knock("a", false)).await, "not_begun");
    let next = pending(portal.visit.begin(&next.flow, &FactorName::new("knock")).await.unwrap());
    for whose in ["a", "b", "c"] {
        assert_eq!(portal.refused(&next.flow, knock(whose, false)).await, "wrong");
    }
    assert_eq!(portal.refused(&next.flow, knock("d", false)).await, "used_up");
}

#[tokio::test]
async fn a_factor_that_asks_once_more_is_still_offered() {
    let portal = Portal::new();
    let next = pending(portal.visit.sign_in().unnamed().await.unwrap());
    let next = pending(portal.visit.begin(&next.flow, &FactorName::new("knock")).await.unwrap());
    let next = pending(portal.visit.answer(&next.flow, knock("a", true)).await.unwrap());
    assert_eq!(next.begun.as_ref().unwrap().1.as_json(), "1");
    assert_eq!(next.offers.iter().map(|offer| offer.factor.as_str()).collect::<Vec<_>>(), ["knock"]);
    assert_eq!(portal.refused(&next.flow, knock("a", false)).await, "wrong");
}
