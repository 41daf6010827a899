//! Races through the public API: all start at a barrier on a runtime of several threads, all have read before any
//! of them writes, on one node over memory and on two nodes over one SQLite file.
#![cfg(all(feature = "sqlite", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/field.rs"]
mod field;
#[path = "common/portal.rs"]
mod portal;
#[path = "common/wide.rs"]
mod wide;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use field::{BOTH, Field, Over, Rules, codes, node, rounds, tally};
use portal::{Hands, Outbox, PHONE, WORD, done, pending, refused, register};
use propusk::auth::Builder;
use propusk::flow::{Done, Posted};
use propusk::id::FactorName;
use propusk::testing::{CallLog, CountingStore, Fault, FaultyStore};
use propusk::{Approval, Client, Code, MemoryStore, Password, Profile, Step, Token, Visit};
use tokio::task::JoinSet;
use wide::Wide;

const SMS: FactorName = FactorName::new("sms-code");

/// Every factor, without limits when told so.
fn factors(builder: Builder, wide: bool) -> Builder {
    let builder = if wide {
        builder.factor(Wide(Password::default())).factor(Wide(Code::sms()))
    } else {
        builder.factor(Password::default()).factor(Code::sms())
    };
    builder.factor(Approval::default())
}

fn field(over: Over, wide: bool) -> Field {
    with(over, wide, Profile::nist_aal1())
}

fn with(over: Over, wide: bool, profile: Profile) -> Field {
    Field::new(over, wide, Rules { profile, factors })
}

/// ATTACKS 95: a guess is reserved while it is verified; that must not refuse those who know the password.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_right_passwords_at_once_are_all_right() {
    for over in BOTH {
        for wide in [false, true] {
            let mut overlapped = 0;
            for _ in 0..rounds() {
                let mut field = field(over, wide);
                field.gate("subject", 16);
                let visit = field.calm.visit(Client::unknown());
                let end = register(&field.calm, &field.outbox, &visit, PHONE, Password::word(WORD)).await;
                let (steps, met) = field
                    .race(16, 1, |_, visit| async move {
                        visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap()
                    })
                    .await;
                overlapped += usize::from(met);
                assert_eq!(codes(&steps), BTreeMap::from([("done", 16)]), "{over:?}");
                let live = field.calm.sessions(end.session.account()).await.unwrap();
                assert_eq!(live.len(), 17);
                assert!(live.iter().all(|one| one.from.is_some()));
            }
            tally(
                if wide { "right passwords, no limit," } else { "right passwords" },
                over,
                overlapped,
                rounds(),
            );
        }
    }
}

/// ATTACKS 34, 94, 96, 98: one code, fifty answers: one sign-in. The others are refused, are not charged, and never
/// read as signed in.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_code_signs_in_once() {
    for over in BOTH {
        for wide in [false, true] {
            let mut overlapped = 0;
            for _ in 0..rounds() {
                let mut field = field(over, wide);
                field.gate("find_flow", 50);
                let visit = field.calm.visit(Client::unknown());
                let end = register(&field.calm, &field.outbox, &visit, PHONE, Password::word(WORD)).await;
                field.hands.advance(3600);
                let next = pending(visit.sign_in().start(PHONE).await.unwrap());
                let next = pending(visit.begin(&next.flow, &SMS).await.unwrap());
                let code = field.outbox.code(&field.calm).await;

                let over_now = Arc::new(AtomicBool::new(false));
                let watch = tokio::spawn({
                    let (auth, flow, over_now) = (field.calm.clone(), next.flow.clone(), over_now.clone());
                    let account = end.session.account();
                    async move {
                        while !over_now.load(Ordering::SeqCst) {
                            assert!(
                                auth.session(&flow).await.unwrap().is_none(),
                                "a flow reads as signed in"
                            );
                            assert!(
                                auth.sessions(account).await.unwrap().len() <= 2,
                                "a loser has a session"
                            );
                            tokio::task::yield_now().await;
                        }
                    }
                });
                let (steps, met) = field
                    .race(50, 1, |_, visit| {
                        let (flow, code) = (next.flow.clone(), code.clone());
                        async move { visit.answer(&flow, Code::typed(SMS, &code)).await.unwrap() }
                    })
                    .await;
                over_now.store(true, Ordering::SeqCst);
                watch.await.unwrap();
                overlapped += usize::from(met);
                let codes = codes(&steps);
                assert_eq!(codes.get("done"), Some(&1), "{over:?} {codes:?}");
                let others: usize = ["replayed", "no_flow"].iter().filter_map(|code| codes.get(code)).sum();
                assert_eq!(others, 49, "{over:?} {codes:?}");
                assert_eq!(field.calm.sessions(end.session.account()).await.unwrap().len(), 2);
                if !wide {
                    not_charged(&field).await;
                }
            }
            tally(if wide { "one code, no limit," } else { "one code" }, over, overlapped, rounds());
        }
    }
}

/// The guard of codes stands where it stood: all its guesses are left, and the right code is right.
async fn not_charged(field: &Field) {
    let visit = field.calm.visit(Client::unknown());
    for _ in 0..2 {
        field.hands.advance(61);
        let next = pending(visit.sign_in().start(PHONE).await.unwrap());
        let next = pending(visit.begin(&next.flow, &SMS).await.unwrap());
        let code = field.outbox.code(&field.calm).await;
        let wrong = if code == "000000" { "000001" } else { "000000" };
        for _ in 0..2 {
            let why = refused(visit.answer(&next.flow, Code::typed(SMS, wrong)).await.unwrap());
            assert_eq!(why.code.as_str(), "wrong");
        }
    }
    field.hands.advance(61);
    let next = pending(visit.sign_in().start(PHONE).await.unwrap());
    let next = pending(visit.begin(&next.flow, &SMS).await.unwrap());
    let code = field.outbox.code(&field.calm).await;
    let _ = done(visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap());
}

/// ATTACKS 9: parallel guesses lose no increment: so many are evaluated as the limit says, by all nodes together,
/// until the allowance is spent. The owner still gets in from a known browser.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_guesses_are_all_counted() {
    for over in BOTH {
        let mut overlapped = 0;
        let mut all = 0;
        let mut field = field(over, false);
        let visit = field.calm.visit(Client::unknown());
        let end = register(&field.calm, &field.outbox, &visit, PHONE, Password::word(WORD)).await;
        let waves = 12;
        for wave in 0..waves {
            // Nodes of its own for each wave: what was counted outlives them.
            field.gate("subject", 64);
            let (steps, met) = field
                .race(64, 1, |nth, visit| async move {
                    visit.sign_in().with(PHONE, Password::word(&format!("guess {nth}"))).await.unwrap()
                })
                .await;
            overlapped += usize::from(met);
            let codes = codes(&steps);
            let now: u64 = field.nodes.iter().map(|auth| auth.hashes().computed()).sum();
            all += now;
            assert!(now <= 6, "{over:?} wave {wave}: {now} evaluated, {codes:?}");
            assert!(!codes.contains_key("done"));
            field.hands.advance(15 * 60);
        }
        assert_eq!(all, 50, "{over:?}: guesses evaluated until the allowance was spent");
        let why = refused(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
        assert_eq!(why.code.as_str(), "spent");
        let home = field.calm.visit(Client::unknown().with_browser(end.browser.unwrap()));
        let _ = done(home.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
        let _ = done(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
        tally("wrong guesses", over, overlapped, waves);
    }
}

/// Eight flows confirm one address at once: one account; the others are told that it is taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_address_becomes_one_account() {
    for over in BOTH {
        let mut overlapped = 0;
        for _ in 0..rounds() {
            let mut field = field(over, true);
            field.gate("find_flow", 8);
            let visit = field.calm.visit(Client::unknown());
            let mut flows = Vec::new();
            for _ in 0..8 {
                let next = pending(visit.sign_up(PHONE, "Иван", "1").await.unwrap());
                let code = field.outbox.code(&field.calm).await;
                let step = visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap();
                flows.push(pending(step).flow);
            }
            assert_eq!(
                field
                    .calm
                    .visit(Client::unknown())
                    .sign_in()
                    .with(PHONE, Password::word(WORD))
                    .await
                    .map(refused)
                    .unwrap()
                    .code
                    .as_str(),
                "wrong"
            );
            let (steps, met) = field
                .race(8, 1, |nth, visit| {
                    let flow = flows[nth].clone();
                    async move { visit.answer(&flow, Password::word(WORD)).await.unwrap() }
                })
                .await;
            overlapped += usize::from(met);
            assert_eq!(codes(&steps), BTreeMap::from([("done", 1), ("taken", 7)]), "{over:?}");
            let end = done(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
            assert_eq!(field.calm.sessions(end.session.account()).await.unwrap().len(), 2);
        }
        tally("one address", over, overlapped, rounds());
    }
}

/// Password and SMS code, both proven anew.
async fn by_two_factors(field: &Field, visit: &Visit, step: Step) -> Step {
    let next = pending(step);
    let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    let next = pending(visit.begin(&next.flow, &SMS).await.unwrap());
    let code = field.outbox.code(&field.calm).await;
    visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap()
}

/// A request in a flow that has its first proof: where it is answered, and the number.
async fn request(visit: &Visit) -> (Token, String, String) {
    let next = pending(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
    let next = pending(visit.begin(&next.flow, &Approval::NAME).await.unwrap());
    let shown: serde_json::Value = serde_json::from_str(next.begun.unwrap().1.as_json()).unwrap();
    let text = |name: &str| shown[name].as_str().unwrap().to_owned();
    (next.flow, text("mailbox"), text("number"))
}

fn words(posted: &[(usize, Posted)]) -> BTreeMap<&'static str, usize> {
    let mut words = BTreeMap::new();
    for (_, one) in posted {
        let word = match one {
            Posted::Claimed(_) => "claimed",
            Posted::Left => "left",
            Posted::Refused(why) => why.code.as_str(),
            other => panic!("{other:?}"),
        };
        *words.entry(word).or_default() += 1;
    }
    words
}

/// ATTACKS 89: of fifty devices that look at one request at once one may answer it; of its fifty answers at once, for
/// and against, one stands; and of fifty readings of that one signs in.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_request_is_claimed_once_answered_once_and_signs_in_once() {
    for over in BOTH {
        let mut profile = Profile::public_portal();
        profile.sessions.at_most = 200;
        profile.recipient_rate.uses = 1000;
        let mut field = with(over, true, profile);
        let visit = field.calm.visit(Client::unknown());
        let end = register(&field.calm, &field.outbox, &visit, PHONE, Password::word(WORD)).await;
        let step = visit.enrol(&end.token, Approval::NAME).await.unwrap();
        let next = pending(by_two_factors(&field, &visit, step).await);
        let _ = done(visit.answer(&next.flow, Approval::poll()).await.unwrap());
        let mut devices: Vec<Done> = Vec::new();
        for _ in 0..50 {
            let step = visit.sign_in().start(PHONE).await.unwrap();
            devices.push(*done(by_two_factors(&field, &visit, step).await));
        }
        let (mut claims, mut letters, mut readings) = (0, 0, 0);
        for _ in 0..rounds() {
            let (flow, mailbox, number) = request(&visit).await;
            field.gate("find_flow", 50);
            let (posted, met) = field
                .race(50, 1, |nth, visit| {
                    let (token, mailbox) = (devices[nth].token.clone(), mailbox.clone());
                    async move { (nth, visit.claim(&token, &mailbox).await.unwrap()) }
                })
                .await;
            claims += usize::from(met);
            assert_eq!(words(&posted), BTreeMap::from([("claimed", 1), ("mailbox", 49)]), "{over:?}");
            let first = posted.iter().find(|(_, posted)| matches!(posted, Posted::Claimed(_))).unwrap().0;

            field.gate("find_flow", 50);
            let (posted, met) = field
                .race(50, 1, |nth, visit| {
                    let (token, mailbox) = (devices[first].token.clone(), mailbox.clone());
                    let letter = if nth % 2 == 0 { Approval::number(&number) } else { Approval::denial() };
                    async move { (nth, visit.post(&token, &mailbox, &letter).await.unwrap()) }
                })
                .await;
            letters += usize::from(met);
            assert_eq!(words(&posted), BTreeMap::from([("left", 1), ("mailbox", 49)]), "{over:?}");
            let stands = posted.iter().find(|(_, posted)| matches!(posted, Posted::Left)).unwrap().0;

            field.gate("find_flow", 50);
            let (steps, met) = field
                .race(50, 1, |_, visit| {
                    let flow = flow.clone();
                    async move { visit.answer(&flow, Approval::poll()).await.unwrap() }
                })
                .await;
            readings += usize::from(met);
            let (codes, one) = (codes(&steps), if stands % 2 == 0 { "done" } else { "denied" });
            assert_eq!(codes.get(one), Some(&1), "{over:?} {codes:?}");
            assert!(!codes.contains_key("done") || one == "done", "{over:?} {codes:?}");
            assert!(!codes.contains_key("wrong") && !codes.contains_key("busy"), "{over:?} {codes:?}");
            // After a denial nothing is asked for a while.
            field.hands.advance(301);
        }
        tally("claims of a request", over, claims, rounds());
        tally("answers to a request", over, letters, rounds());
        tally("readings of an answer", over, readings, rounds());
    }
}

/// A nap takes the time that it says, on the clock that stands still, and none is over before all have asked.
#[derive(Debug)]
struct Naps {
    hands: Hands,
    taken: Arc<AtomicUsize>,
    log: CallLog,
}

impl propusk::clock::Sleep for Naps {
    fn sleep(&self, span: Duration) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        self.hands.advance_by(span);
        self.taken.fetch_add(1, Ordering::SeqCst);
        let log = self.log.clone();
        Box::pin(async move {
            while log.count("reserve") < CROWD {
                tokio::task::yield_now().await;
            }
        })
    }
}

const CROWD: usize = 25;

/// While another node holds a guard, one of a crowd asks for all. To ask is to write: a crowd that asks by turns
/// leaves the other node no gap in which to settle, and both wait for each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_asks_another_node_with_one_voice() {
    let (hands, outbox, memory) = (Hands::default(), Outbox::default(), MemoryStore::default());
    let rules = Rules { profile: Profile::nist_aal1(), factors };
    let calm = node(&memory, false, &rules, &hands, &outbox);
    let visit = calm.visit(Client::unknown());
    let _ = register(&calm, &outbox, &visit, PHONE, Password::word(WORD)).await;

    // A node that dies with six checks under way.
    let faulty = FaultyStore::new(memory.clone());
    let dying = node(&faulty, false, &rules, &hands, &outbox);
    dying.ready().await.unwrap();
    for _ in 0..6 {
        faulty.plan(3, Fault::FailsBefore);
        let step = dying.visit(Client::unknown()).sign_in().with(PHONE, Password::word("wrong")).await;
        assert!(step.is_err());
    }

    let counting = CountingStore::new(memory.clone());
    let (log, naps) = (counting.log(), Arc::new(AtomicUsize::new(0)));
    let auth = portal::portal(&counting, Profile::nist_aal1())
        .clock(hands.clone())
        .sleep(Naps { hands: hands.clone(), taken: naps.clone(), log: log.clone() })
        .factor(Password::default())
        .build()
        .unwrap();
    let mut crowd = JoinSet::new();
    for _ in 0..CROWD {
        let visit = auth.visit(Client::unknown());
        crowd.spawn(async move { visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap() });
    }
    assert_eq!(codes(&crowd.join_all().await), BTreeMap::from([("busy", CROWD)]));
    let (asked, naps) = (log.count("reserve"), naps.load(Ordering::SeqCst));
    println!("counted: questions of {CROWD} that wait for another node ({naps} naps), seed -, count {asked}");
    // Each for itself would nap a hundred times.
    assert!(naps <= 4 * 101 && asked <= 8 * CROWD + naps, "{asked} questions, {naps} naps");

    // Its lease over, what it had under way counts as refused; after the hold the owner gets in.
    hands.advance(60 + 5 * 60);
    let _ = done(auth.visit(Client::unknown()).sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
}
