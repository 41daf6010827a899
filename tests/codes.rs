//! Codes by SMS: when they end, what they are good for, and to whom they go.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use propusk::account::identifier::Identifier;
use propusk::clock::{Clock, Entropy, Timestamp};
use propusk::error::Broken;
use propusk::event::EventPage;
use propusk::flow::{Done, Next, Refusal};
use propusk::id::FactorName;
use propusk::message::{Message, Sender, Sending, Sent};
use propusk::{Auth, Client, Code, KeyRing, MemoryStore, Password, Profile, Site, Step, Token, Visit};

const WORD: &str = "Лошадь батарея скрепка 7";
const IVAN: &str = "+79161234567";
const NOBODY: &str = "+79161234568";
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

#[derive(Debug)]
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Numbers that repeat at each run (splitmix64), so that no two codes are the same by chance.
#[derive(Debug)]
struct Luck(AtomicU64);

impl Entropy for Luck {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Broken> {
        for chunk in bytes.chunks_mut(8) {
            let mut x = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(x ^ (x >> 31)).to_be_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

struct Portal {
    auth: Auth,
    outbox: Outbox,
    hands: Arc<Hands>,
    visit: Visit,
}

impl Portal {
    fn new() -> Self {
        let outbox = Outbox::default();
        let hands = Arc::new(Hands(AtomicI64::new(1_000_000_000_000)));
        let auth = Auth::builder(Profile::nist_aal1(), MemoryStore::default(), KeyRing::random())
            .site(Site::new("Portal", "https://portal.example"))
            .hashing(propusk::danger::fast_hashing())
            .sender(outbox.clone())
            .clock(Arc::clone(&hands))
            .entropy(Luck(AtomicU64::new(1)))
            .factor(Password::default())
            .factor(Code::sms())
            .factor(Code::email())
            .build()
            .unwrap();
        let visit = auth.visit(Client::unknown());
        Self { auth, outbox, hands, visit }
    }

    /// With Ivan registered, and an empty outbox.
    async fn with_ivan() -> Self {
        let portal = Self::new();
        let next = portal.sign_up(IVAN).await;
        let code = portal.sent_code().await;
        let next = pending(portal.answer(&next.flow, &code).await);
        done(portal.visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
        portal.wait(3_600_000);
        portal
    }

    fn wait(&self, millis: i64) {
        self.hands.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// What was handed over since this was last asked: address, template, text.
    async fn sent(&self) -> Vec<(String, String, String)> {
        let _ = self.auth.tend(1000).await.unwrap();
        let told = |m: Message| (m.to.as_str().to_owned(), m.template.to_string(), m.text().body);
        std::mem::take(&mut *self.outbox.0.lock().unwrap()).into_iter().map(told).collect()
    }

    async fn sent_code(&self) -> String {
        let _ = self.auth.tend(1000).await.unwrap();
        let sent = std::mem::take(&mut *self.outbox.0.lock().unwrap());
        sent.iter().find_map(|message| message.param("code").map(str::to_owned)).unwrap()
    }

    async fn sign_up(&self, phone: &str) -> Box<Next> {
        pending(self.visit.sign_up(phone, "Иван Петров", "2026-01").await.unwrap())
    }

    async fn sign_in(&self, phone: &str) -> Box<Next> {
        let next = pending(self.visit.sign_in().start(phone).await.unwrap());
        pending(self.begin(&next.flow).await)
    }

    async fn begin(&self, flow: &Token) -> Step {
        self.visit.begin(flow, &SMS).await.unwrap()
    }

    async fn answer(&self, flow: &Token, code: &str) -> Step {
        self.visit.answer(flow, Code::typed(SMS, code)).await.unwrap()
    }

    /// How many lines of their history say so.
    async fn lines(&self, whose: &Done, why: &str) -> usize {
        let all = self.auth.history(whose.session.account(), EventPage::newest(100)).await.unwrap();
        all.iter().filter(|one| one.reason.as_deref() == Some(why)).count()
    }

    async fn refused(&self, flow: &Token, code: &str) -> &'static str {
        refused(self.answer(flow, code).await).code.as_str()
    }
}

fn pending(step: Step) -> Box<Next> {
    if let Step::Pending(next) = step { next } else { panic!("{step:?}") }
}

fn done(step: Step) -> Box<Done> {
    if let Step::Done(done) = step { done } else { panic!("{step:?}") }
}

fn refused(step: Step) -> Box<Refusal> {
    if let Step::Refused(why) = step { why } else { panic!("{step:?}") }
}

/// Another code than this one.
fn other(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

/// All that a client sees of a step, its token aside.
fn seen(next: &Next) -> String {
    let prompt =
        next.begun.as_ref().map(|(factor, prompt)| (factor.to_string(), prompt.as_json().to_owned()));
    format!("{:?} {prompt:?} {:?} {:?}", next.offers, next.duty, next.expires_in)
}

#[tokio::test]
async fn a_code_ends_after_five_minutes() {
    let portal = Portal::with_ivan().await;
    let next = portal.sign_in(IVAN).await;
    let code = portal.sent_code().await;
    portal.wait(299_999);
    assert_eq!(done(portal.answer(&next.flow, &code).await).session.amr(), ["sms"]);

    portal.wait(3_600_000);
    let next = portal.sign_in(IVAN).await;
    let code = portal.sent_code().await;
    portal.wait(300_000);
    for _ in 0..10 {
        assert_eq!(portal.refused(&next.flow, &code).await, "expired");
    }
    // That was no guess: nothing is held. Nor does whoever repeats it push other lines out of the owner's sight.
    let next = pending(portal.begin(&next.flow).await);
    let ivan = done(portal.answer(&next.flow, &portal.sent_code().await).await);
    assert_eq!(portal.lines(&ivan, "expired").await, 1);
    portal.wait(3_600_000);
    let next = portal.sign_in(IVAN).await;
    portal.wait(300_000);
    assert_eq!(portal.refused(&next.flow, &code).await, "expired");
    assert_eq!(portal.lines(&ivan, "expired").await, 2, "an hour later it is told again");
}

#[tokio::test]
async fn a_code_bears_five_tries() {
    let portal = Portal::with_ivan().await;
    let next = portal.sign_in(IVAN).await;
    let code = portal.sent_code().await;
    for _ in 0..5 {
        assert_eq!(portal.refused(&next.flow, other(&code)).await, "wrong");
    }
    for _ in 0..10 {
        assert_eq!(portal.refused(&next.flow, &code).await, "used_up");
    }
    portal.wait(60_000);
    let next = pending(portal.begin(&next.flow).await);
    let ivan = done(portal.answer(&next.flow, &portal.sent_code().await).await);
    assert_eq!((portal.lines(&ivan, "wrong").await, portal.lines(&ivan, "used_up").await), (5, 1));
}

#[tokio::test]
async fn another_code_comes_after_a_pause_and_ends_the_one_before() {
    let portal = Portal::with_ivan().await;
    let next = portal.sign_in(IVAN).await;
    let first = portal.sent_code().await;
    for (millis, left) in [(0, 60_000), (59_999, 1)] {
        portal.wait(millis);
        let why = refused(portal.begin(&next.flow).await);
        assert_eq!((why.code.as_str(), why.retry_after), ("too_soon", Some(Duration::from_millis(left))));
    }
    assert_eq!(portal.sent().await, []);
    portal.wait(1);
    let next = pending(portal.begin(&next.flow).await);
    let second = portal.sent_code().await;
    assert_ne!(first, second);
    assert_eq!(portal.refused(&next.flow, &first).await, "wrong");
    done(portal.answer(&next.flow, &second).await);
}

/// NIST SP 800-63B-4 section 3.1.3.2, ATTACKS 8: neither another code nor another flow brings new guesses.
#[tokio::test]
async fn a_new_code_does_not_reset_the_guard() {
    let portal = Portal::with_ivan().await;
    let next = portal.sign_in(IVAN).await;
    let code = portal.sent_code().await;
    for _ in 0..3 {
        assert_eq!(portal.refused(&next.flow, other(&code)).await, "wrong");
    }
    portal.wait(60_000);
    let next = pending(portal.begin(&next.flow).await);
    let code = portal.sent_code().await;
    for _ in 0..2 {
        assert_eq!(portal.refused(&next.flow, other(&code)).await, "wrong");
    }
    let next = portal.sign_in(IVAN).await;
    let code = portal.sent_code().await;
    let why = refused(portal.answer(&next.flow, other(&code)).await);
    assert_eq!((why.code.as_str(), why.retry_after), ("held", Some(Duration::from_secs(300))));
    assert_eq!(portal.refused(&next.flow, &code).await, "held");
    portal.wait(300_000);
    let next = pending(portal.begin(&next.flow).await);
    done(portal.answer(&next.flow, &portal.sent_code().await).await);
}

#[tokio::test]
async fn a_code_is_good_in_its_own_flow_only() {
    let portal = Portal::with_ivan().await;
    let first = portal.sign_in(IVAN).await;
    let firsts = portal.sent_code().await;
    let second = portal.sign_in(IVAN).await;
    let seconds = portal.sent_code().await;
    assert_eq!(portal.refused(&second.flow, &firsts).await, "wrong");
    assert_eq!(portal.refused(&first.flow, &seconds).await, "wrong");
    done(portal.answer(&first.flow, &firsts).await);
    done(portal.answer(&second.flow, &seconds).await);
    assert_eq!(portal.refused(&first.flow, &firsts).await, "no_flow");
}

#[tokio::test]
async fn a_code_to_sign_in_does_not_register_nor_the_reverse() {
    let portal = Portal::with_ivan().await;
    let sign_in = portal.sign_in(IVAN).await;
    let code = portal.sent_code().await;
    let sign_up = portal.sign_up(IVAN).await;
    assert_eq!(portal.refused(&sign_up.flow, &code).await, "wrong");
    done(portal.answer(&sign_in.flow, &code).await);

    let sign_up = portal.sign_up(NOBODY).await;
    let code = portal.sent().await.into_iter().find(|(to, ..)| to == NOBODY).unwrap().2;
    let code = code.rsplit_once('#').unwrap().1;
    let sign_in = portal.sign_in(NOBODY).await;
    assert_eq!(portal.refused(&sign_in.flow, code).await, "wrong");
    assert!(pending(portal.answer(&sign_up.flow, code).await).offers.iter().all(|offer| offer.enrols));
}

/// ATTACKS, not leaking who has an account: on the screen a taken number looks like a free one.
#[tokio::test]
async fn a_taken_number_is_told_to_its_owner_and_to_nobody_else() {
    let portal = Portal::with_ivan().await;
    let free = portal.sign_up(NOBODY).await;
    let sent = portal.sent().await;
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].0.as_str(), sent[0].1.as_str()), (NOBODY, "code-sms"));

    let taken = portal.sign_up(IVAN).await;
    let sent = portal.sent().await;
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].0.as_str(), sent[0].1.as_str()), (IVAN, "already-registered"));
    assert!(!sent[0].2.contains(|sign: char| sign.is_ascii_digit()), "a code: {}", sent[0].2);
    assert_eq!(seen(&taken), seen(&free));

    // Answers, resends and holds look alike as well.
    let mut told = Vec::new();
    for flow in [&free.flow, &taken.flow] {
        let mut steps = vec![refused(portal.begin(flow).await)];
        for guess in ["no code", "000000", "111111", "222222", "333333", "444444", "555555", "666666"] {
            steps.push(refused(portal.answer(flow, guess).await));
        }
        told.push(steps);
    }
    assert_eq!(told[0], told[1]);
}

#[tokio::test]
async fn one_address_gets_no_more_than_ten_messages_an_hour() {
    let portal = Portal::with_ivan().await;
    let mut told = Vec::new();
    for phone in [IVAN, NOBODY] {
        let mut steps = Vec::new();
        for _ in 0..12 {
            let next = pending(portal.visit.sign_in().start(phone).await.unwrap());
            steps.push(match portal.begin(&next.flow).await {
                Step::Pending(next) => seen(&next),
                step => format!("{:?}", refused(step)),
            });
        }
        told.push(steps);
    }
    assert_eq!(told[0], told[1], "a number that nobody has is throttled as any other");
    assert!(told[0][9].contains("digits") && told[0][10].contains("TooSoon"), "{:?}", told[0]);
    let sent = portal.sent().await;
    assert_eq!(sent.len(), 10);
    assert!(sent.iter().all(|(to, ..)| to == IVAN));
    // Who spends one door's messages has not spent those of another.
    portal.sign_up(IVAN).await;
    assert_eq!(portal.sent().await.len(), 1);
    let next = pending(portal.visit.sign_in().start(IVAN).await.unwrap());
    let why = refused(portal.begin(&next.flow).await);
    assert_eq!((why.code.as_str(), why.retry_after), ("too_soon", Some(Duration::from_secs(360))));
    portal.wait(360_000);
    let next = portal.sign_in(IVAN).await;
    done(portal.answer(&next.flow, &portal.sent_code().await).await);
}

/// ATTACKS 3: a guess in another spelling is the same guess, and the right code is right in each.
#[tokio::test]
async fn all_spellings_of_a_code_are_one() {
    let portal = Portal::with_ivan().await;
    let wide = |code: &str| -> String {
        code.chars().map(|digit| char::from_u32(digit as u32 - '0' as u32 + 0xff10).unwrap()).collect()
    };
    for spell in [
        |code: &str| format!(" {code} "),
        |code: &str| format!("{}-{}", &code[..3], &code[3..]),
        |code: &str| format!("{} {}", &code[..3], &code[3..]),
        |code: &str| code.chars().map(|digit| format!("{digit}\u{a0}")).collect::<String>(),
    ] {
        let next = portal.sign_in(IVAN).await;
        done(portal.answer(&next.flow, &spell(&portal.sent_code().await)).await);
    }
    let next = portal.sign_in(IVAN).await;
    let code = portal.sent_code().await;
    let wrong = other(&code);
    let spellings =
        [wrong.to_owned(), wide(wrong), format!("{}-{}", &wrong[..3], &wrong[3..]), format!(" {wrong}")];
    for spelling in &spellings {
        assert_eq!(portal.refused(&next.flow, spelling).await, "wrong");
    }
    // Four spellings were four guesses of the five: none of them was free.
    assert_eq!(portal.refused(&next.flow, wrong).await, "wrong");
    assert_eq!(portal.refused(&next.flow, &wide(&code)).await, "used_up");
    portal.wait(60_000);
    let next = pending(portal.begin(&next.flow).await);
    done(portal.answer(&next.flow, &wide(&portal.sent_code().await)).await);
}

#[tokio::test]
async fn nothing_is_ever_sent_to_a_number_that_nobody_has() {
    let portal = Portal::with_ivan().await;
    let known = portal.sign_in(IVAN).await;
    assert_eq!(portal.sent().await.len(), 1);
    let unknown = portal.sign_in(NOBODY).await;
    assert_eq!(seen(&unknown), seen(&known));
    let guess = "123456";
    assert_eq!(portal.refused(&unknown.flow, guess).await, "wrong");
    portal.wait(60_000);
    let next = pending(portal.begin(&unknown.flow).await);
    for _ in 0..4 {
        assert_eq!(portal.refused(&next.flow, guess).await, "wrong");
    }
    assert_eq!(portal.refused(&next.flow, guess).await, "held");
    for hour in 0..100 {
        portal.wait(3_600_000 * hour);
        assert_eq!(portal.sent().await, []);
    }
}

/// A person who was switched off is a person whom nobody knows: no message either.
#[tokio::test]
async fn a_disabled_account_is_sent_no_code() {
    let portal = Portal::with_ivan().await;
    let next = portal.sign_in(IVAN).await;
    let code = portal.sent_code().await;
    let end = done(portal.answer(&next.flow, &code).await);
    portal.auth.disable(end.session.account(), &Client::unknown()).await.unwrap();
    let _ = portal.sent().await;
    let disabled = portal.sign_in(IVAN).await;
    let unknown = portal.sign_in(NOBODY).await;
    assert_eq!(seen(&disabled), seen(&unknown));
    assert_eq!(portal.sent().await, []);
}
