//! Puzzles before a registration or a sign-in: for whom, for what, how often, how long.
#![cfg(all(feature = "sqlite", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/field.rs"]
mod field;
#[path = "common/portal.rs"]
mod portal;
#[allow(dead_code, reason = "of the field only its nap is used here")]
#[path = "common/wide.rs"]
mod wide;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use field::{BOTH, Field, Rules, codes, rounds, tally};
use portal::{Hands, Outbox, PHONE, WORD, done, pending, refused};
use propusk::auth::Builder;
use propusk::error::{Broken, FactorError};
use propusk::factor::Prompt;
use propusk::human::{
    HumanCheck, HumanContext, HumanFor, HumanWay, Judged, Judging, ProofOfWork, Puzzle, solve,
};
use propusk::id::Realm;
use propusk::policy::{Check, HumanPolicy};
use propusk::store::sqlite::SqliteStore;
use propusk::store::{Rate, Store, Throttle};
use propusk::testing::{Fault, FaultyStore};
use propusk::{Auth, Client, Code, MemoryStore, Password, Profile, Visit};

const TASKS: usize = 50;

/// As in life, but that a debug build solves it at once.
fn easy() -> ProofOfWork {
    let mut check = ProofOfWork::default();
    (check.bits, check.count) = (3, 8);
    check
}

fn asked(sign_up: Check, sign_in: Check) -> Profile {
    let mut profile = Profile::nist_aal1();
    profile.human = HumanPolicy { sign_up, sign_in, ..HumanPolicy::NONE };
    profile
}

struct World {
    auth: Auth,
    hands: Hands,
    outbox: Outbox,
}

impl World {
    fn over<S: Store + Throttle + Clone>(
        store: &S,
        hands: &Hands,
        profile: Profile,
        realm: &'static str,
    ) -> Self {
        let outbox = Outbox::default();
        let auth = portal::portal(store, profile)
            .realm(Realm::new(realm))
            .clock(hands.clone())
            .sender(outbox.clone())
            .human(easy())
            .factor(Password::default())
            .factor(Code::sms())
            .build()
            .unwrap();
        Self { auth, hands: hands.clone(), outbox }
    }

    fn new(profile: Profile) -> Self {
        Self::over(&MemoryStore::default(), &Hands::default(), profile, "main")
    }

    fn always() -> Self {
        Self::new(asked(Check::Always, Check::Always))
    }

    /// A browser with what binds it.
    fn browser(&self) -> Client {
        Client::unknown().bound_by(self.auth.random_token().unwrap())
    }

    async fn puzzle(&self, client: &Client, purpose: HumanFor, way: HumanWay) -> String {
        match self.auth.visit(client.clone()).puzzle(purpose, way).await.unwrap() {
            Puzzle::Posed(puzzle) => puzzle.as_json().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    async fn answer(&self, client: &Client, purpose: HumanFor) -> String {
        solve(&self.puzzle(client, purpose, HumanWay::Script).await).unwrap()
    }

    /// How a registration with this answer goes: "pending", or why not.
    async fn sign_up(&self, client: &Client, answer: Option<&str>) -> &'static str {
        word(sign_up(&with(&self.auth, client, answer), PHONE).await)
    }
}

fn with(auth: &Auth, client: &Client, answer: Option<&str>) -> Visit {
    let client = client.clone();
    auth.visit(answer.map_or(client.clone(), |answer| client.human(answer)))
}

async fn sign_up(visit: &Visit, contact: &str) -> propusk::Step {
    visit.sign_up(contact, "Иван Петров", "2026-01").await.unwrap()
}

fn word(step: propusk::Step) -> &'static str {
    codes(&[step]).keys().next().unwrap()
}

fn json(puzzle: &str) -> serde_json::Value {
    serde_json::from_str(puzzle).unwrap()
}

#[tokio::test]
async fn nobody_begins_without_an_answer_and_one_answer_begins_once() {
    let world = World::always();
    let client = world.browser();
    assert_eq!(world.sign_up(&client, None).await, "human_needed");
    assert_eq!(world.outbox.all(&world.auth).await.len(), 0, "a message was sent");
    let answer = world.answer(&client, HumanFor::SignUp).await;
    let next = pending(sign_up(&with(&world.auth, &client, Some(&answer)), PHONE).await);
    // It opens the beginning; the rest of the flow asks for no more.
    let visit = world.auth.visit(client.clone());
    let (factor, _) = next.begun.clone().unwrap();
    let code = Code::typed(factor, &world.outbox.code(&world.auth).await);
    let next = pending(visit.answer(&next.flow, code).await.unwrap());
    done(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    for _ in 0..3 {
        assert_eq!(world.sign_up(&client, Some(&answer)).await, "human_wrong");
    }
    assert_eq!(world.outbox.all(&world.auth).await.len(), 1);
    // The same of a sign-in, with the first answer or without, named or not.
    let again = world.auth.visit(client.clone());
    assert_eq!(word(again.sign_in().with(PHONE, Password::word(WORD)).await.unwrap()), "human_needed");
    assert_eq!(word(again.sign_in().unnamed().await.unwrap()), "human_needed");
    let answer = world.answer(&client, HumanFor::SignIn).await;
    let visit = with(&world.auth, &client, Some(&answer));
    done(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
    assert_eq!(word(visit.sign_in().start(PHONE).await.unwrap()), "human_wrong");
}

/// Who asks learns nothing of a name, and what is refused costs the store nothing.
#[tokio::test]
async fn a_known_name_and_an_unknown_one_are_refused_alike() {
    let world = World::always();
    let client = world.browser();
    let answer = world.answer(&client, HumanFor::SignUp).await;
    let visit = with(&world.auth, &client, Some(&answer));
    let next = pending(sign_up(&visit, PHONE).await);
    let (factor, _) = next.begun.clone().unwrap();
    let code = Code::typed(factor, &world.outbox.code(&world.auth).await);
    let next = pending(visit.answer(&next.flow, code).await.unwrap());
    done(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    for answer in [None, Some("nonsense")] {
        let mut told = Vec::new();
        for name in [PHONE, "+79169999999"] {
            let visit = with(&world.auth, &client, answer);
            told.push(format!("{:?}", refused(visit.sign_in().start(name).await.unwrap())));
            told.push(format!(
                "{:?}",
                refused(visit.sign_in().with(name, Password::word(WORD)).await.unwrap())
            ));
            told.push(format!("{:?}", refused(sign_up(&visit, name).await)));
        }
        assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
    }
}

/// ATTACKS 33 to 37: one answer, fifty at once, on memory and on two nodes over one SQLite file.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_answer_at_fifty_doors_opens_one() {
    fn factors(builder: Builder, _: bool) -> Builder {
        builder.human(easy()).factor(Password::default()).factor(Code::sms())
    }
    for over in BOTH {
        let mut profile = asked(Check::Always, Check::Never);
        profile.recipient_rate.uses = 1_000_000;
        let mut field = Field::new(over, false, Rules { profile, factors });
        let mut overlapped = 0;
        for _ in 0..rounds() {
            let client = Client::unknown().bound_by(field.calm.random_token().unwrap());
            let posed = field.calm.visit(client.clone()).puzzle(HumanFor::SignUp, HumanWay::Script).await;
            let Puzzle::Posed(puzzle) = posed.unwrap() else { panic!() };
            let client = client.human(solve(puzzle.as_json()).unwrap());
            // Fresh nodes look at the canary before they write: all have judged the answer by then.
            field.gate("canary", TASKS);
            let (steps, met) = field
                .race(TASKS, 1, |nth, _| {
                    let visit = field.nodes[nth % field.nodes.len()].visit(client.clone());
                    async move { sign_up(&visit, PHONE).await }
                })
                .await;
            overlapped += usize::from(met);
            assert_eq!(codes(&steps), BTreeMap::from([("human_wrong", TASKS - 1), ("pending", 1)]));
        }
        tally("one puzzle", over, overlapped, rounds());
    }
}

#[tokio::test]
async fn an_answer_is_good_for_its_purpose_its_client_and_its_realm() {
    let (store, hands) = (MemoryStore::default(), Hands::default());
    let profile = asked(Check::Always, Check::Always);
    let world = World::over(&store, &hands, profile.clone(), "main");
    let client = world.browser();
    let of_sign_in = world.answer(&client, HumanFor::SignIn).await;
    assert_eq!(world.sign_up(&client, Some(&of_sign_in)).await, "human_wrong");
    let answer = world.answer(&client, HumanFor::SignUp).await;
    let visit = with(&world.auth, &client, Some(&answer));
    assert_eq!(word(visit.sign_in().start(PHONE).await.unwrap()), "human_wrong");
    assert_eq!(world.sign_up(&world.browser(), Some(&answer)).await, "human_wrong");
    assert_eq!(world.sign_up(&Client::unknown(), Some(&answer)).await, "human_wrong");
    let other = World::over(&MemoryStore::default(), &hands, profile.clone(), "other");
    assert_eq!(other.sign_up(&client, Some(&answer)).await, "human_wrong");
    // None of them has used it up.
    assert_eq!(world.sign_up(&client, Some(&answer)).await, "pending");

    // Without a binding it is its network's: the address, or the /64.
    let from = |address: &str| Client::unknown().from_address(address.parse().unwrap());
    for (mine, same, other) in [
        ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"),
    ] {
        let answer = world.answer(&from(mine), HumanFor::SignUp).await;
        assert_eq!(world.sign_up(&from(other), Some(&answer)).await, "human_wrong", "{other}");
        assert_eq!(world.sign_up(&from(same), Some(&answer)).await, "pending", "{same}");
    }
    // With one it is not: people's addresses change while they fill in a form.
    let moved = client.from_address([192, 0, 2, 1].into());
    let answer = world.answer(&moved, HumanFor::SignUp).await;
    assert_eq!(world.sign_up(&moved.from_address([192, 0, 2, 2].into()), Some(&answer)).await, "pending");
}

#[tokio::test]
async fn an_answer_ends_with_its_puzzle() {
    let world = World::always();
    let client = world.browser();
    let (first, second) =
        (world.answer(&client, HumanFor::SignUp).await, world.answer(&client, HumanFor::SignUp).await);
    world.hands.advance_by(Duration::from_millis(599_999));
    assert_eq!(world.sign_up(&client, Some(&first)).await, "pending");
    world.hands.advance_by(Duration::from_millis(1));
    assert_eq!(world.sign_up(&client, Some(&second)).await, "human_wrong");
    // What was used is dead for as long as it would have lived, and after: rows are swept.
    world.hands.advance(24 * 3600);
    let _ = world.auth.tend(1000).await.unwrap();
    for answer in [&first, &second] {
        assert_eq!(world.sign_up(&client, Some(answer)).await, "human_wrong");
    }
}

/// How hard it is, when it ends and that it must be worked for is the server's word.
#[tokio::test]
async fn a_client_chooses_nothing_of_its_puzzle() {
    let world = World::always();
    let client = world.browser();
    let puzzle = world.puzzle(&client, HumanFor::SignUp, HumanWay::Script).await;
    let shown = json(&puzzle);
    assert_eq!((&shown["kind"], &shown["bits"], &shown["count"]), (&"work".into(), &3.into(), &8.into()));
    assert_eq!(shown["expires_in"], 600);
    let right = solve(&puzzle).unwrap();
    let (token, numbers) = right.split_once('.').unwrap();
    let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();
    let numbers = BASE64URL_NOPAD.decode(numbers.as_bytes()).unwrap();
    let spell = |token: &[u8], numbers: &[u8]| {
        format!("{}.{}", BASE64URL_NOPAD.encode(token), BASE64URL_NOPAD.encode(numbers))
    };
    let mut forged = vec![
        token.to_owned(),
        format!("{token}."),
        format!(".{token}"),
        String::new(),
        ".".into(),
        format!("{right}="),
        format!("{right} "),
        format!("{right}.AAAA"),
        "пропуск".into(),
        "\0".into(),
    ];
    // Each bit of the token: later, easier, fewer, sooner, another.
    for at in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[at / 8] ^= 1 << (at % 8);
        forged.push(spell(&bytes, &numbers));
    }
    // Too few and too many numbers; none; the same one for all; one that is not right.
    for length in [0, 4, 28, 31, 33, 36, 64] {
        let mut numbers = numbers.clone();
        numbers.resize(length, 0);
        forged.push(spell(&bytes, &numbers));
    }
    for nth in 0..8 {
        let mut wrong = numbers.clone();
        let found = (0_u32..).find(|number| {
            wrong[nth * 4..nth * 4 + 4].copy_from_slice(&number.to_be_bytes());
            let mut block = bytes[bytes.len() - 32..].to_vec();
            block.extend((nth as u32).to_be_bytes());
            block.extend(number.to_be_bytes());
            ring::digest::digest(&ring::digest::SHA256, &block).as_ref()[0] >= 32
        });
        wrong[nth * 4..nth * 4 + 4].copy_from_slice(&found.unwrap().to_be_bytes());
        forged.push(spell(&bytes, &wrong));
    }
    // A ticket of another client's, and one whose work was never done.
    forged.push(
        json(&world.puzzle(&client, HumanFor::SignUp, HumanWay::Script).await)["token"]
            .as_str()
            .unwrap()
            .into(),
    );
    for answer in &forged {
        assert_eq!(world.sign_up(&client, Some(answer)).await, "human_wrong", "{answer}");
    }
    assert_eq!(world.sign_up(&client, Some(&right)).await, "pending");
}

/// ATTACKS 73: bounded before anything is computed.
#[tokio::test]
async fn an_answer_of_megabytes_is_not_read() {
    let world = World::always();
    let client = world.browser();
    let right = world.answer(&client, HumanFor::SignUp).await;
    for filling in ["A", ".", "é", "="] {
        for length in [300, 4096, 4097, 1 << 20, 32 << 20] {
            let answer = format!("{right}{}", filling.repeat(length));
            assert_eq!(world.sign_up(&client, Some(&answer)).await, "human_wrong");
        }
    }
    assert_eq!(world.sign_up(&client, Some(&right)).await, "pending");
}

#[tokio::test]
async fn a_restart_forgets_neither_what_was_posed_nor_what_was_used() {
    let folder = std::env::temp_dir().join(format!("propusk-human-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).unwrap();
    let hands = Hands::default();
    let open = || {
        let store = SqliteStore::open(folder.join("auth.db")).unwrap();
        World::over(&store, &hands, asked(Check::Always, Check::Always), "main")
    };
    let world = open();
    let client = world.browser();
    let (used, fresh) =
        (world.answer(&client, HumanFor::SignUp).await, world.answer(&client, HumanFor::SignUp).await);
    assert_eq!(world.sign_up(&client, Some(&used)).await, "pending");
    drop(world);
    let world = open();
    assert_eq!(world.sign_up(&client, Some(&used)).await, "human_wrong");
    assert_eq!(world.sign_up(&client, Some(&fresh)).await, "pending");
    drop(world);
    let _ = std::fs::remove_dir_all(&folder);
}

#[tokio::test]
async fn without_scripts_one_waits_by_the_clock_of_the_server() {
    let world = World::always();
    let client = world.browser();
    let puzzle = json(&world.puzzle(&client, HumanFor::SignUp, HumanWay::Plain).await);
    assert_eq!((&puzzle["kind"], &puzzle["ready_in"]), (&"wait".into(), &10.into()));
    let ticket = puzzle["token"].as_str().unwrap();
    for (pass, left) in [(0, 10_000), (9_999, 1)] {
        world.hands.advance_by(Duration::from_millis(pass));
        let why = refused(sign_up(&with(&world.auth, &client, Some(ticket)), PHONE).await);
        assert_eq!((why.code.as_str(), why.retry_after), ("human_needed", Some(Duration::from_millis(left))));
    }
    world.hands.advance_by(Duration::from_millis(1));
    // Numbers make it no better, another browser has no part in it.
    assert_eq!(world.sign_up(&client, Some(&format!("{ticket}.AAAA"))).await, "human_wrong");
    assert_eq!(world.sign_up(&world.browser(), Some(ticket)).await, "human_wrong");
    assert_eq!(world.sign_up(&client, Some(ticket)).await, "pending");
    assert_eq!(world.sign_up(&client, Some(ticket)).await, "human_wrong");
}

/// Waiting costs a program nothing: so many in a minute for one network, with whatever binding.
#[tokio::test]
async fn one_network_waits_for_ten_tickets_in_a_minute() {
    let world = World::always();
    let ask = async |address: [u8; 4]| {
        let visit = world.auth.visit(world.browser().from_address(address.into()));
        match visit.puzzle(HumanFor::SignUp, HumanWay::Plain).await.unwrap() {
            Puzzle::Posed(_) => "posed",
            Puzzle::Refused(why) => why.code.as_str(),
            _ => panic!(),
        }
    };
    for _ in 0..10 {
        assert_eq!(ask([192, 0, 2, 1]).await, "posed");
    }
    assert_eq!(ask([192, 0, 2, 1]).await, "throttled");
    assert_eq!(ask([192, 0, 2, 2]).await, "posed");
    world.hands.advance(6);
    assert_eq!((ask([192, 0, 2, 1]).await, ask([192, 0, 2, 1]).await), ("posed", "throttled"));
    // Those that work for it are not kept waiting by them.
    let visit = world.auth.visit(world.browser().from_address([192, 0, 2, 1].into()));
    assert!(matches!(visit.puzzle(HumanFor::SignUp, HumanWay::Script).await.unwrap(), Puzzle::Posed(_)));
}

#[tokio::test]
async fn a_network_is_asked_when_it_has_begun_much() {
    let rate = Rate { uses: 3, per: Duration::from_secs(3600) };
    let world = World::new(asked(Check::After(rate), Check::Never));
    let (busy, calm) = (
        Client::unknown().from_address([192, 0, 2, 1].into()),
        Client::unknown().from_address([192, 0, 2, 2].into()),
    );
    for _ in 0..3 {
        assert_eq!(world.sign_up(&busy, None).await, "pending");
    }
    assert_eq!(world.sign_up(&busy, None).await, "human_needed");
    assert_eq!(world.sign_up(&calm, None).await, "pending");
    // Without an address there is no network to count for.
    for _ in 0..5 {
        assert_eq!(world.sign_up(&Client::unknown(), None).await, "pending");
    }
    let answer = world.answer(&busy, HumanFor::SignUp).await;
    assert_eq!(world.sign_up(&busy, Some(&answer)).await, "pending");
    assert_eq!(world.sign_up(&busy, Some(&answer)).await, "human_wrong");
    // Of another purpose nobody is asked, and then an answer is not looked at.
    let visit = with(&world.auth, &busy, Some("nonsense"));
    assert_eq!(word(visit.sign_in().start(PHONE).await.unwrap()), "pending");
    world.hands.advance(1200);
    assert_eq!(world.sign_up(&busy, None).await, "pending");
}

#[test]
fn no_profile_asks_for_it_by_itself() {
    for profile in [
        Profile::public_portal(),
        Profile::nist_aal1(),
        Profile::nist_aal2(),
        Profile::nist_aal3(),
        Profile::asvs_l1(),
        Profile::asvs_l2(),
        Profile::asvs_l3(),
    ] {
        assert_eq!(profile.human, HumanPolicy::NONE, "{}", profile.name);
    }
}

/// Who mistypes a name does not compute again for it.
#[tokio::test]
async fn what_a_person_can_mend_uses_no_answer_up() {
    let world = World::always();
    let client = world.browser();
    let answer = world.answer(&client, HumanFor::SignUp).await;
    let visit = with(&world.auth, &client, Some(&answer));
    for (contact, name, terms, code) in
        [("8-916", "Иван", "1", "not_a_phone"), (PHONE, "", "1", "name"), (PHONE, "Иван", "", "terms")]
    {
        assert_eq!(refused(visit.sign_up(contact, name, terms).await.unwrap()).code.as_str(), code);
    }
    assert_eq!(word(sign_up(&visit, PHONE).await), "pending");
}

/// The default is within a second or two of a phone: 262,144 hashes on average, 32 to check.
#[tokio::test]
async fn the_default_puzzle_is_solved_as_its_docs_say() {
    let auth = portal::portal(&MemoryStore::default(), asked(Check::Always, Check::Always))
        .factor(Password::default())
        .build()
        .unwrap();
    let client = Client::unknown().bound_by(auth.random_token().unwrap());
    let Puzzle::Posed(puzzle) =
        auth.visit(client.clone()).puzzle(HumanFor::SignIn, HumanWay::Script).await.unwrap()
    else {
        panic!()
    };
    let shown = json(puzzle.as_json());
    assert_eq!((&shown["bits"], &shown["count"]), (&13.into(), &32.into()));
    let answer = solve(puzzle.as_json()).unwrap();
    let visit = with(&auth, &client, Some(&answer));
    assert_eq!(word(visit.sign_in().start(PHONE).await.unwrap()), "pending");
}

/// A check of an application's own: a service that is asked, and may be down.
#[derive(Clone, Debug, Default)]
struct Service(Arc<AtomicUsize>);

impl HumanCheck for Service {
    fn pose(&self, _: &HumanContext<'_>, way: HumanWay) -> Result<Option<Prompt>, Broken> {
        let site = serde_json::json!({ "kind": "service", "key": "public" });
        Ok(Some(Prompt::new(&site)?).filter(|_| way == HumanWay::Script))
    }

    fn judge<'a>(&'a self, cx: HumanContext<'a>, answer: &'a str) -> Judging<'a> {
        Box::pin(async move {
            match self.0.load(Ordering::SeqCst) {
                0 => Err(Broken::from(FactorError::Unavailable(None))),
                _ if answer == "person" => Ok(Judged::Right {
                    puzzle: cx.sign(&[answer.as_bytes()]).to_vec(),
                    until: cx.now.after(Duration::from_secs(60)),
                }),
                _ => Ok(Judged::Wrong),
            }
        })
    }
}

#[tokio::test]
async fn an_application_brings_its_own_check_and_an_outage_opens_no_door() {
    let service = Service::default();
    let auth = portal::portal(&MemoryStore::default(), asked(Check::Always, Check::Always))
        .human(service.clone())
        .factor(Password::default())
        .build()
        .unwrap();
    let (one, two) = (
        Client::unknown().from_address([192, 0, 2, 1].into()),
        Client::unknown().from_address([192, 0, 2, 2].into()),
    );
    let plain = auth.visit(one.clone()).puzzle(HumanFor::SignIn, HumanWay::Plain).await.unwrap();
    assert!(matches!(plain, Puzzle::Refused(why) if why.code.as_str() == "not_offered"));
    let start =
        async |client: &Client, answer| with(&auth, client, Some(answer)).sign_in().start(PHONE).await;
    assert!(matches!(start(&one, "person").await, Err(Broken::Factor(FactorError::Unavailable(_)))));
    service.0.store(1, Ordering::SeqCst);
    assert_eq!(word(start(&one, "program").await.unwrap()), "human_wrong");
    assert_eq!(word(start(&one, "person").await.unwrap()), "pending");
    assert_eq!(word(start(&one, "person").await.unwrap()), "human_wrong");
    assert_eq!(word(start(&two, "person").await.unwrap()), "pending");
}

/// Used up first, then acted on: whichever call fails or is cut off, one answer begins once at the most, and another puzzle is
/// all that it costs.
#[tokio::test]
async fn a_fault_at_any_call_never_opens_twice_by_one_answer() {
    let hands = Hands::default();
    let mut faults = 0;
    for nth in 0.. {
        let mut reached = false;
        for fault in [Fault::FailsBefore, Fault::FailsAfter, Fault::HangsBefore, Fault::HangsAfter] {
            let (memory, outbox) = (MemoryStore::default(), Outbox::default());
            let store = FaultyStore::new(memory.clone());
            let auth = portal::portal(&store, asked(Check::Always, Check::Always))
                .throttle(memory)
                .clock(hands.clone())
                .sender(outbox.clone())
                .human(easy())
                .factor(Password::default())
                .factor(Code::sms())
                .build()
                .unwrap();
            let client = Client::unknown().bound_by(auth.random_token().unwrap());
            let solved =
                async || match auth.visit(client.clone()).puzzle(HumanFor::SignUp, HumanWay::Script).await {
                    Ok(Puzzle::Posed(puzzle)) => solve(puzzle.as_json()).unwrap(),
                    other => panic!("{other:?}"),
                };
            let answer = solved().await;
            store.plan(nth, fault);
            let visit = with(&auth, &client, Some(&answer));
            let cut = {
                let mut step = std::pin::pin!(visit.sign_up(PHONE, "Иван", "2026-01"));
                // All but a hanging call is ready at once; a step that hangs is dropped, as by a client that goes away.
                std::future::poll_fn(|cx| std::task::Poll::Ready(step.as_mut().poll(cx))).await
            };
            reached |= store.calls() > nth;
            store.mend();
            faults += usize::from(!matches!(cut, std::task::Poll::Ready(Ok(_))));
            for _ in 0..3 {
                let _ = visit.sign_up(PHONE, "Иван", "2026-01").await.unwrap();
            }
            let sent = outbox.all(&auth).await.len();
            assert!(sent <= 1, "{sent} messages by one answer, {fault:?} at {nth}");
            assert_eq!(word(sign_up(&with(&auth, &client, Some(&solved().await)), PHONE).await), "pending");
            assert_eq!(outbox.all(&auth).await.len(), sent + 1);
        }
        if !reached {
            break;
        }
    }
    assert!(faults >= 12, "{faults}: too few calls were cut");
    println!("counted: cuts in a registration with a puzzle, seed -, count {faults}");
}
