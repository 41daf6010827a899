//! Codes by SMS where something presses: numbers that are barred, ten thousand resends, spellings at once, senders that
//! fail.
#![cfg(all(feature = "sqlite", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/field.rs"]
mod field;
#[path = "common/portal.rs"]
mod portal;
#[path = "common/wide.rs"]
mod wide;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use field::{BOTH, Field, Rules, codes, rounds, tally};
use portal::{EMAIL, Hands, Outbox, PHONE, WORD, done, pending, refused, register};
use propusk::account::identifier::Identifier;
use propusk::auth::Builder;
use propusk::error::{Broken, FactorError};
use propusk::event::{EventPage, Outcome};
use propusk::factor::code::{Assessing, ContactRisk, Risk};
use propusk::id::FactorName;
use propusk::message::{Locale, Message, SendError, Sender, Sending, Sent};
use propusk::{Auth, Client, Code, MemoryStore, Password, Profile, Step};

const SMS: FactorName = FactorName::new("sms-code");
const NOBODY: &str = "+79161234568";
const TASKS: usize = 50;

/// What an operator's register says: which numbers it was asked about, which it bars, whether it answers at all.
#[derive(Clone, Debug, Default)]
struct Register(Arc<Facts>);

#[derive(Debug, Default)]
struct Facts {
    asked: Mutex<Vec<String>>,
    bars: Mutex<Vec<String>>,
    down: AtomicBool,
}

impl ContactRisk for Register {
    fn assess<'a>(&'a self, address: &'a Identifier) -> Assessing<'a> {
        let address = address.as_str().to_owned();
        Box::pin(async move {
            if self.0.down.load(Ordering::SeqCst) {
                return Err(FactorError::Unavailable(None));
            }
            let barred = self.0.bars.lock().unwrap().contains(&address);
            self.0.asked.lock().unwrap().push(address);
            Ok(if barred { Risk::Barred } else { Risk::Acceptable })
        })
    }
}

struct World {
    auth: Auth,
    outbox: Outbox,
    hands: Hands,
    register: Register,
}

impl World {
    fn of(profile: Profile) -> Self {
        let (outbox, hands, register) = <(Outbox, Hands, Register)>::default();
        let auth = portal::portal(&MemoryStore::default(), profile)
            .clock(hands.clone())
            .sender(outbox.clone())
            .factor(Password::default())
            .factor(Code::sms().unless(register.clone()))
            .factor(Code::email())
            .build()
            .unwrap();
        Self { auth, outbox, hands, register }
    }

    async fn with_ivan(profile: Profile) -> (Self, propusk::id::AccountId) {
        let world = Self::of(profile);
        let visit = world.auth.visit(Client::unknown());
        let done = register(&world.auth, &world.outbox, &visit, PHONE, Password::word(WORD)).await;
        world.hands.advance(3600);
        world.outbox.clear();
        world.register.0.asked.lock().unwrap().clear();
        (world, done.session.account())
    }

    fn bar(&self, numbers: &[&str]) {
        *self.register.0.bars.lock().unwrap() = numbers.iter().map(|&number| number.into()).collect();
    }

    async fn asks_for_code(&self, name: &str) -> Result<Step, Broken> {
        let visit = self.auth.visit(Client::unknown());
        let next = pending(visit.sign_in().start(name).await?);
        visit.begin(&next.flow, &SMS).await
    }

    async fn sent(&self) -> usize {
        self.outbox.all(&self.auth).await.len()
    }
}

/// ATTACKS 92. A number that was moved to another SIM yesterday gets no code, and a stranger learns nothing by it.
#[tokio::test]
async fn a_barred_number_gets_no_code_whoever_has_it() {
    let (world, ivan) = World::with_ivan(Profile::nist_aal1()).await;
    let fine = (world.asks_for_code(PHONE).await.unwrap(), world.asks_for_code(NOBODY).await.unwrap());
    let _ = (pending(fine.0), pending(fine.1));
    assert_eq!(*world.register.0.asked.lock().unwrap(), [PHONE, NOBODY]);
    assert_eq!(world.sent().await, 1);
    world.hands.advance(3600);

    world.bar(&[PHONE, NOBODY]);
    let mut told = Vec::new();
    for number in [PHONE, NOBODY] {
        let why = refused(world.asks_for_code(number).await.unwrap());
        assert_eq!(why.code.as_str(), "barred");
        for locale in [Locale::En, Locale::Ru] {
            assert!(why.text(locale).contains(if locale == Locale::En {
                "another way"
            } else {
                "другой способ"
            }));
        }
        // Nothing was begun, so nothing can be answered.
        told.push(format!("{why:?}"));
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(world.sent().await, 1, "a code was sent");

    // Its owner reads of it.
    let events = world.auth.history(ivan, EventPage::newest(1)).await.unwrap();
    assert_eq!((events[0].outcome, events[0].reason.as_deref()), (Outcome::Refused, Some("barred")));
    assert_eq!(events[0].factor, Some(SMS));

    // The other way is open.
    let visit = world.auth.visit(Client::unknown());
    done(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());

    // And when it is not barred any more, so is this one.
    world.bar(&[]);
    let next = pending(world.asks_for_code(PHONE).await.unwrap());
    let code = world.outbox.code(&world.auth).await;
    done(visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap());
}

#[tokio::test]
async fn a_barred_number_does_not_register_taken_or_free() {
    let (world, _) = World::with_ivan(Profile::nist_aal1()).await;
    world.bar(&[PHONE, NOBODY]);
    let visit = world.auth.visit(Client::unknown());
    for number in [PHONE, NOBODY] {
        let why = refused(visit.sign_up(number, "Иван", "2026-01").await.unwrap());
        assert_eq!(why.code.as_str(), "barred");
    }
    assert_eq!(world.sent().await, 0);
    assert_eq!(*world.register.0.asked.lock().unwrap(), [PHONE, NOBODY]);
    // An e-mail address is none of this one's business.
    let _ = pending(visit.sign_up(EMAIL, "Иван", "2026-01").await.unwrap());
    assert_eq!(world.register.0.asked.lock().unwrap().len(), 2);
}

/// The SIM was changed between the first code and the second.
#[tokio::test]
async fn a_number_is_looked_at_before_each_code() {
    let (world, _) = World::with_ivan(Profile::nist_aal1()).await;
    let next = pending(world.asks_for_code(PHONE).await.unwrap());
    let visit = world.auth.visit(Client::unknown());
    world.hands.advance(60);
    world.bar(&[PHONE]);
    assert_eq!(refused(visit.begin(&next.flow, &SMS).await.unwrap()).code.as_str(), "barred");
    assert_eq!(world.sent().await, 1);
    // As a second factor, too.
    let (world, _) = World::with_ivan(Profile::public_portal()).await;
    world.bar(&[PHONE]);
    let visit = world.auth.visit(Client::unknown());
    let next = pending(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
    assert_eq!(refused(visit.begin(&next.flow, &SMS).await.unwrap()).code.as_str(), "barred");
    assert_eq!(world.sent().await, 0);
}

/// An outage is told as one; no code goes out on a guess.
#[tokio::test]
async fn a_register_that_is_down_lets_no_code_out() {
    let (world, _) = World::with_ivan(Profile::nist_aal1()).await;
    world.register.0.down.store(true, Ordering::SeqCst);
    for number in [PHONE, NOBODY] {
        let end = world.asks_for_code(number).await;
        assert!(matches!(end, Err(Broken::Factor(FactorError::Unavailable(_)))), "{end:?}");
    }
    assert_eq!(world.sent().await, 0);
}

/// A stranger who asks again and again writes no more into the owner's history than there would be messages.
#[tokio::test]
async fn barred_numbers_count_as_messages() {
    let (world, ivan) = World::with_ivan(Profile::nist_aal1()).await;
    world.bar(&[PHONE, NOBODY]);
    for number in [PHONE, NOBODY] {
        let mut told = BTreeMap::new();
        for _ in 0..30 {
            let why = refused(world.asks_for_code(number).await.unwrap());
            *told.entry(why.code.as_str()).or_insert(0) += 1;
        }
        assert_eq!(told, BTreeMap::from([("barred", 10), ("too_soon", 20)]), "{number}");
    }
    let events = world.auth.history(ivan, EventPage::newest(100)).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.reason.as_deref() == Some("barred")).count(), 10);
}

/// MISSION B2: signing in by phone and code alone, where the profile asks for no more; and not where it does.
#[tokio::test]
async fn phone_and_code_sign_in_without_a_password_where_one_factor_is_enough() {
    let (world, ivan) = World::with_ivan(Profile::nist_aal1()).await;
    let next = pending(world.asks_for_code(PHONE).await.unwrap());
    let visit = world.auth.visit(Client::unknown());
    let code = world.outbox.code(&world.auth).await;
    let end = done(visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap());
    assert_eq!((end.session.account(), end.session.amr()), (ivan, vec!["sms"]));

    // Under two factors the code is one of them, before the password or after it.
    let (world, _) = World::with_ivan(Profile::nist_aal2()).await;
    let visit = world.auth.visit(Client::unknown());
    let next = pending(world.asks_for_code(PHONE).await.unwrap());
    let code = world.outbox.code(&world.auth).await;
    let next = pending(visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap());
    let end = done(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    assert_eq!(end.session.amr(), ["pwd", "sms", "mfa"]);
    world.hands.advance(3600);
    let next = pending(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
    let next = pending(visit.begin(&next.flow, &SMS).await.unwrap());
    let code = world.outbox.code(&world.auth).await;
    done(visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap());
}

/// NIST SP 800-63B-4 section 3.1.3.2 and 3.2.2, ATTACKS 8: ten thousand resends and new flows, one guess with each.
#[tokio::test]
async fn ten_thousand_resends_bring_no_guess_and_no_message_more() {
    // Seconds between two; whether each is a flow of its own; how many.
    for (pause, anew, resends) in [(1, false, 10_000), (61, true, 2_000)] {
        let (world, _) = World::with_ivan(Profile::nist_aal1()).await;
        let visit = world.auth.visit(Client::unknown());
        let (mut evaluated, mut begun, mut flow) = (0, 0_u64, None);
        for nth in 0_u64..resends {
            let token = match flow.take().filter(|_| !anew) {
                Some(token) => token,
                None => pending(visit.sign_in().start(PHONE).await.unwrap()).flow,
            };
            match visit.begin(&token, &SMS).await.unwrap() {
                Step::Pending(_) => begun += 1,
                Step::Refused(why) if why.code.as_str() == "no_flow" => continue,
                _ => {}
            }
            let why = refused(visit.answer(&token, Code::typed(SMS, &format!("{nth:06}"))).await.unwrap());
            // The one that begins a hold was looked at as well; those that meet one were not.
            match why.code.as_str() {
                "wrong" => evaluated += 1,
                "held" | "spent" | "used_up" | "not_begun" | "no_flow" | "expired" => {}
                other => panic!("{other}"),
            }
            flow = Some(token);
            world.hands.advance(pause);
        }
        // Each run of six refusals ends in a hold, so of 50 that are evaluated 42 are told as "wrong".
        assert!((1..=42).contains(&evaluated), "{evaluated} guesses were evaluated");
        let hours = resends * pause / 3600;
        assert!(begun >= 10 && begun <= 10 + 10 * (hours + 1), "{begun} codes in {hours} hours");
        let sent = world.outbox.all(&world.auth).await;
        let of_codes = sent.iter().filter(|message| message.template.as_str() == "code-sms").count();
        assert!(of_codes as u64 <= begun, "{of_codes} of {begun}");
        println!(
            "counted: resends at {pause} s, new flows {anew}, seed -, count {begun} codes, {evaluated} guesses"
        );
    }
}

fn sms_alone(builder: Builder, wide: bool) -> Builder {
    let builder = builder.factor(Password::default());
    if wide { builder.factor(wide::Wide(Code::sms())) } else { builder.factor(Code::sms()) }
}

fn field(over: field::Over, wide: bool) -> Field {
    let mut profile = Profile::nist_aal1();
    profile.recipient_rate.uses = 1_000_000;
    profile.sessions.at_most = 100_000;
    Field::new(over, wide, Rules { profile, factors: sms_alone })
}

/// ATTACKS 3, 34.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_right_code_in_ten_spellings_at_once_signs_in_once() {
    let spell: [fn(&str) -> String; 10] = [
        str::to_owned,
        |code| format!(" {code}"),
        |code| format!("{code} "),
        |code| format!("{} {}", &code[..3], &code[3..]),
        |code| format!("{}-{}", &code[..3], &code[3..]),
        |code| format!("{}\u{a0}{}", &code[..2], &code[2..]),
        |code| code.chars().map(|digit| format!("{digit} ")).collect(),
        |code| code.chars().map(|digit| char::from_u32(digit as u32 - 0x30 + 0xff10).unwrap()).collect(),
        |code| format!("\u{2009}{code}"),
        |code| format!("{}\u{202f}{}", &code[..3], &code[3..]),
    ];
    for over in BOTH {
        let mut field = field(over, true);
        let visit = field.calm.visit(Client::unknown());
        let mine = register(&field.calm, &field.outbox, &visit, PHONE, Password::word(WORD)).await;
        let account = mine.session.account();
        let mut overlapped = 0;
        for _ in 0..rounds() {
            field.hands.advance(90);
            let next = pending(visit.sign_in().start(PHONE).await.unwrap());
            let flow = pending(visit.begin(&next.flow, &SMS).await.unwrap()).flow;
            let code = field.outbox.code(&field.calm).await;
            let before = field.calm.sessions(account).await.unwrap().len();
            field.gate("subject", TASKS);
            let (steps, met) = field
                .race(TASKS, 1, |nth, visit| {
                    let (flow, answer) = (flow.clone(), Code::typed(SMS, &spell[nth % 10](&code)));
                    async move { visit.answer(&flow, answer).await.unwrap() }
                })
                .await;
            overlapped += usize::from(met);
            assert_eq!(codes(&steps).get("done"), Some(&1), "{:?}", codes(&steps));
            assert!(!codes(&steps).contains_key("malformed"), "{:?}", codes(&steps));
            assert_eq!(field.calm.sessions(account).await.unwrap().len(), before + 1);
        }
        tally("one code in ten spellings", over, overlapped, rounds());
    }
}

/// Two people at two screens, or one with two windows: each by the code of its own flow.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_flows_at_once_are_both_signed_in_each_by_its_own_code() {
    for over in BOTH {
        let mut field = field(over, false);
        let visit = field.calm.visit(Client::unknown());
        let _ = register(&field.calm, &field.outbox, &visit, PHONE, Password::word(WORD)).await;
        let mut flows = Vec::new();
        for _ in 0..2 {
            let next = pending(visit.sign_in().start(PHONE).await.unwrap());
            let flow = pending(visit.begin(&next.flow, &SMS).await.unwrap()).flow;
            flows.push((flow, field.outbox.code(&field.calm).await));
        }
        for crossed in [true, false] {
            field.gate("subject", 2);
            let (steps, met) = field
                .race(2, 1, |nth, visit| {
                    let (flow, code) = (&flows[nth].0, &flows[if crossed { 1 - nth } else { nth }].1);
                    let (flow, answer) = (flow.clone(), Code::typed(SMS, code));
                    async move { visit.answer(&flow, answer).await.unwrap() }
                })
                .await;
            assert!(met);
            let end = if crossed { ("wrong", 2) } else { ("done", 2) };
            assert_eq!(codes(&steps), BTreeMap::from([end]));
        }
    }
}

/// ATTACKS 21, 37: a code is good for the account that it was sent for, in the flow and for the purpose that it was sent for.
#[tokio::test]
async fn a_code_of_another_account_purpose_or_era_is_wrong() {
    let (world, ivan) = World::with_ivan(Profile::nist_aal1()).await;
    let visit = world.auth.visit(Client::unknown());
    let olga = "+79160000002";
    let _ = register(&world.auth, &world.outbox, &visit, olga, Password::word("Совсем другие слова 9")).await;
    world.hands.advance(3600);
    let code_of = async |name: &str| {
        let next = pending(world.asks_for_code(name).await.unwrap());
        (next.flow, world.outbox.code(&world.auth).await)
    };
    let (ivans, olgas) = (code_of(PHONE).await, code_of(olga).await);
    let told = async |flow, code: &str| {
        refused(visit.answer(flow, Code::typed(SMS, code)).await.unwrap()).code.as_str()
    };
    assert_eq!(told(&ivans.0, &olgas.1).await, "wrong");
    assert_eq!(told(&olgas.0, &ivans.1).await, "wrong");
    // To add a key is another purpose than to sign in.
    let end = done(visit.answer(&olgas.0, Code::typed(SMS, &olgas.1)).await.unwrap());
    let adding = pending(visit.change(&end.token, FactorName::new("password")).await.unwrap());
    assert_eq!(told(&adding.flow, &olgas.1).await, "not_offered");
    // Of an era that is over: every session has ended, and so has what was under way.
    let (flow, code) = code_of(PHONE).await;
    world.auth.disable(ivan, &Client::unknown()).await.unwrap();
    assert_eq!(told(&flow, &code).await, "wrong");
}

/// A sender that is down, hangs for longer than the outbox waits, or hands over twice.
#[derive(Clone, Debug)]
struct Faulty {
    hands: Hands,
    outbox: Outbox,
    how: Arc<Mutex<&'static str>>,
}

impl Sender for Faulty {
    fn takes(&self, address: &Identifier) -> bool {
        self.outbox.takes(address)
    }

    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(async move {
            match *self.how.lock().unwrap() {
                "down" => return Err(SendError(None)),
                // By the clock that the outbox reads, longer than its lease of two minutes.
                "slow" => self.hands.advance(150),
                _ => {}
            }
            let first = self.outbox.send(message).await;
            if *self.how.lock().unwrap() == "lost" { Err(SendError(None)) } else { first }
        })
    }
}

#[tokio::test]
async fn a_sender_that_fails_costs_no_second_code_and_no_sign_in() {
    for how in ["down", "slow", "lost"] {
        let (outbox, hands) = <(Outbox, Hands)>::default();
        let faulty =
            Faulty { hands: hands.clone(), outbox: outbox.clone(), how: Arc::new(Mutex::new("well")) };
        let auth = portal::portal(&MemoryStore::default(), Profile::nist_aal1())
            .clock(hands.clone())
            .sender(faulty.clone())
            .factor(Password::default())
            .factor(Code::sms())
            .build()
            .unwrap();
        let visit = auth.visit(Client::unknown());
        let _ = register(&auth, &outbox, &visit, PHONE, Password::word(WORD)).await;
        hands.advance(3600);
        outbox.clear();
        *faulty.how.lock().unwrap() = how;
        // Nobody is told more by it than that a code is on its way.
        let next = pending(visit.sign_in().start(PHONE).await.unwrap());
        let next = pending(visit.begin(&next.flow, &SMS).await.unwrap());
        let _ = auth.tend(100).await.unwrap();
        *faulty.how.lock().unwrap() = "well";
        hands.advance(10);
        outbox.deliver(&auth).await;
        let sent = outbox.all(&auth).await;
        let codes: Vec<_> = sent.iter().map(|message| (message.id, message.param("code").unwrap())).collect();
        assert_eq!(codes.len(), if how == "lost" { 2 } else { 1 }, "{how}");
        assert!(codes.iter().all(|one| *one == codes[0]), "{how}: another code or another key");
        done(visit.answer(&next.flow, Code::typed(SMS, codes[0].1)).await.unwrap());
        let again = visit.answer(&next.flow, Code::typed(SMS, codes[0].1)).await.unwrap();
        assert_eq!(refused(again).code.as_str(), "no_flow", "{how}");
    }
}

/// "Later" of a channel is heard: neither before its pause nor given up.
#[tokio::test]
async fn a_channel_that_asks_for_a_pause_gets_it() {
    #[derive(Debug)]
    struct Asks(Arc<AtomicBool>, Outbox);
    impl Sender for Asks {
        fn takes(&self, _: &Identifier) -> bool {
            true
        }
        fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
            if self.0.swap(false, Ordering::SeqCst) {
                return Box::pin(async { Ok(Sent::Later { after: std::time::Duration::from_secs(200) }) });
            }
            self.1.send(message)
        }
    }
    let (outbox, hands) = <(Outbox, Hands)>::default();
    let auth = portal::portal(&MemoryStore::default(), Profile::nist_aal1())
        .clock(hands.clone())
        .sender(Asks(Arc::new(AtomicBool::new(true)), outbox.clone()))
        .factor(Password::default())
        .factor(Code::sms())
        .build()
        .unwrap();
    let visit = auth.visit(Client::unknown());
    let _ = pending(visit.sign_up(PHONE, "Иван", "2026-01").await.unwrap());
    assert_eq!(auth.tend(10).await.unwrap().postponed, 1);
    hands.advance(199);
    assert_eq!(auth.tend(10).await.unwrap().delivered, 0);
    hands.advance(1);
    assert_eq!(auth.tend(10).await.unwrap().delivered, 1);
}
