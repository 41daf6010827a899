//! Findings of a third review: each test states what should hold.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/portal.rs"]
mod portal;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portal::{EMAIL, Hands, Outbox, PHONE, WORD, done, pending, register};
use propusk::account::LockReason;
use propusk::account::identifier::{Identifier, IdentifierKind};
use propusk::auth::import::{Import, Imported};
use propusk::clock::{Clock, SystemEntropy, Timestamp};
use propusk::error::Broken;
use propusk::event::EventPage;
use propusk::flow::{Code as Why, Done, Effect, Posted, Transaction};
use propusk::hash::{Hashed, Lane};
use propusk::id::FactorName;
use propusk::message::{Message, SendError, Sender, Sending, Sent};
use propusk::policy::Requirement;
use propusk::proof::{Aal, Proof};
use propusk::secret::Secret;
use propusk::store::{Store, Throttle};
use propusk::testing::{Fault, FaultyStore};
use propusk::{Approval, Auth, BackupCodes, Client, Code, MemoryStore, Password, Profile, Step, Visit};

const SMS: FactorName = FactorName::new("sms-code");
const MAIL: FactorName = FactorName::new("email-code");
const OTHER: &str = "petrov@example.org";

struct House {
    auth: Auth,
    hands: Hands,
    outbox: Outbox,
}

impl House {
    fn new(profile: Profile) -> Self {
        let (hands, outbox) = (Hands::default(), Outbox::default());
        let auth = portal::portal(&MemoryStore::default(), profile)
            .clock(hands.clone())
            .sender(outbox.clone())
            .factor(Password::default())
            .factor(Code::sms())
            .factor(Code::email())
            .factor(Approval::default())
            .build()
            .unwrap();
        Self { auth, hands, outbox }
    }

    async fn person(&self, contact: &str) -> Box<Done> {
        let visit = self.auth.visit(Client::unknown());
        register(&self.auth, &self.outbox, &visit, contact, Password::word(WORD)).await
    }

    /// Somebody from elsewhere, with these contacts and the password.
    async fn imported(&self, contacts: &[&str]) {
        let word = Secret::new(WORD);
        let hash = match self.auth.hashes().hash(Lane::Known, word, &SystemEntropy).await.unwrap() {
            Hashed::Done(hash) => hash.into(),
            busy @ Hashed::Busy { .. } => panic!("{busy:?}"),
        };
        let mut import = Import::new("Иван").unwrap().credential(Password::imported(hash).unwrap()).unwrap();
        for contact in contacts {
            import = import.verified_contact(contact).unwrap();
        }
        let imported = self.auth.import(&import, &Client::unknown()).await.unwrap();
        assert!(matches!(imported, Imported::Made(_)), "{imported:?}");
    }

    /// The password and a code by this factor, whatever the flow is for.
    async fn prove(&self, visit: &Visit, step: Step, by: &FactorName) -> Step {
        let next = pending(step);
        let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
        let next = pending(visit.begin(&next.flow, by).await.unwrap());
        let code = self.outbox.code(&self.auth).await;
        visit.answer(&next.flow, Code::typed(by.clone(), &code)).await.unwrap()
    }
}

/// A channel so slow that the lease of what was claimed with a message is over before its turn: another node sends it
/// then, and this one must not.
#[tokio::test]
async fn f21_nothing_is_sent_after_its_lease() {
    #[derive(Clone, Debug, Default)]
    struct Slow(Hands, Arc<Mutex<Vec<Timestamp>>>);
    impl Sender for Slow {
        fn takes(&self, _: &Identifier) -> bool {
            true
        }
        fn send<'a>(&'a self, _: &'a Message) -> Sending<'a> {
            self.1.lock().unwrap().push(self.0.now());
            self.0.advance(25);
            Box::pin(async { Ok(Sent::Delivered) })
        }
    }
    let slow = Slow::default();
    let auth = portal::portal(&MemoryStore::default(), Profile::nist_aal1())
        .clock(slow.0.clone())
        .sender(slow.clone())
        .factor(Password::default())
        .factor(Code::email())
        .build()
        .unwrap();
    let visit = auth.visit(Client::unknown());
    for nth in 0..8 {
        let _ = visit.sign_up(&format!("somebody{nth}@example.org"), "Ivan", "2026-01").await.unwrap();
    }
    let (mut delivered, mut rounds) = (0, 0);
    while delivered < 8 && rounds < 8 {
        let claimed = auth.now();
        delivered += auth.tend(100).await.unwrap().delivered;
        let late: Vec<_> = slow
            .1
            .lock()
            .unwrap()
            .drain(..)
            .filter(|at| at.since(claimed) >= Duration::from_secs(120))
            .collect();
        assert!(late.is_empty(), "{} sent when their lease was over", late.len());
        rounds += 1;
    }
    // None waited for a lease to end: a code is good for five minutes.
    assert_eq!(delivered, 8);
}

/// A channel that hangs for twenty minutes: what waits behind it is not given up for that, and comes when it works again.
#[tokio::test]
async fn f28_what_waits_behind_a_channel_that_hangs_is_not_given_up() {
    #[derive(Clone, Debug, Default)]
    struct Hangs(Hands, Arc<AtomicBool>);
    impl Sender for Hangs {
        fn takes(&self, _: &Identifier) -> bool {
            true
        }
        fn send<'a>(&'a self, _: &'a Message) -> Sending<'a> {
            let works = self.1.load(Ordering::SeqCst);
            self.0.advance(if works { 0 } else { 20 });
            Box::pin(async move { if works { Ok(Sent::Delivered) } else { Err(SendError(None)) } })
        }
    }
    let hangs = Hangs::default();
    let auth = portal::portal(&MemoryStore::default(), Profile::nist_aal1())
        .clock(hangs.0.clone())
        .sender(hangs.clone())
        .factor(Password::default())
        .factor(Code::email())
        .build()
        .unwrap();
    // Notices live for days.
    let account = Import::new("Ivan").unwrap().verified_contact("ivan@example.org").unwrap();
    let Imported::Made(account) = auth.import(&account, &Client::unknown()).await.unwrap() else {
        panic!("made")
    };
    for _ in 0..50 {
        auth.lock(account, LockReason::Desk, &Client::unknown()).await.unwrap();
        assert!(auth.unlock(account, &Client::unknown()).await.unwrap().is_done());
    }
    let until = auth.now().after(Duration::from_secs(20 * 60));
    let mut given_up = 0;
    while auth.now() < until {
        let tended = auth.tend(100).await.unwrap();
        given_up += tended.given_up;
        if tended.next_at > auth.now() {
            hangs.0.advance(1);
        }
    }
    assert_eq!(given_up, 0);
    hangs.1.store(true, Ordering::SeqCst);
    let mut delivered = 0;
    for _ in 0..24 {
        hangs.0.advance(3600);
        delivered += auth.tend(100).await.unwrap().delivered;
    }
    assert_eq!(delivered, 100);
}

/// More rows end in a second than one round drops: who calls by `next_at` must not fall behind for ever.
#[tokio::test]
async fn f22_a_purge_that_is_not_done_is_gone_on_with_at_once() {
    let house = House::new(Profile::nist_aal1());
    let visit = house.auth.visit(Client::unknown());
    for _ in 0..30 {
        let _ = pending(visit.sign_in().start(EMAIL).await.unwrap());
    }
    house.hands.advance(3600);
    let tended = house.auth.tend(10).await.unwrap();
    assert_eq!((tended.purged, tended.next_at), (10, house.auth.now()));
    while house.auth.tend(10).await.unwrap().purged > 0 {}
    assert!(house.auth.tend(10).await.unwrap().next_at > house.auth.now());
}

/// At AAL3 a session of one's own device lay unused for as long as one of "not my device", and was taken for it.
#[tokio::test]
async fn f23_ones_own_device_is_no_public_one() {
    for of in [Profile::nist_aal3(), Profile::asvs_l3()] {
        let mut profile = Profile::nist_aal1();
        profile.sessions = of.sessions;
        let house = House::new(profile);
        let session = house.person(EMAIL).await;
        let visit = house.auth.visit(Client::unknown());
        let next = pending(visit.change(&session.token, Password::NAME).await.unwrap());
        let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
        let end = done(visit.answer(&next.flow, Password::word(portal::NEW_WORD)).await.unwrap());
        assert!(!end.public_device, "{}", of.name);
    }
    let mut profile = Profile::nist_aal1();
    profile.sessions.public_idle = profile.sessions.idle;
    let built = portal::portal(&MemoryStore::default(), profile).factor(Password::default()).build();
    assert!(matches!(built, Err(Broken::Misuse(_))), "{built:?}");
}

/// Who signs in by a code first has no other way in: ten codes an hour, asked for by a stranger, must not take theirs.
#[tokio::test]
async fn f24_a_stranger_cannot_use_up_the_codes_of_a_known_browser() {
    let house = House::new(Profile::nist_aal1());
    let session = house.person(PHONE).await;
    house.hands.advance(86_400);
    let ask = async |client: Client| {
        let visit = house.auth.visit(client);
        let next = pending(visit.sign_in().start(PHONE).await.unwrap());
        visit.begin(&next.flow, &SMS).await.unwrap()
    };
    for _ in 0..10 {
        let _ = pending(ask(Client::unknown().from_address([198, 51, 100, 7].into())).await);
    }
    let _ = portal::refused(ask(Client::unknown()).await);
    let home = Client::unknown().with_browser(session.browser.unwrap());
    let _ = pending(ask(home).await);
}

/// Who types one of two addresses is sent a code there, not to the other.
#[tokio::test]
async fn f25_a_code_goes_to_the_address_that_was_typed() {
    let house = House::new(Profile::nist_aal1());
    house.imported(&[EMAIL, OTHER]).await;
    for typed in [EMAIL, OTHER] {
        let visit = house.auth.visit(Client::unknown());
        let next = pending(visit.sign_in().start(typed).await.unwrap());
        let next = pending(visit.begin(&next.flow, &MAIL).await.unwrap());
        let sent = house.outbox.all(&house.auth).await;
        assert_eq!(sent.last().unwrap().to.as_str(), typed);
        let code = house.outbox.code(&house.auth).await;
        // An e-mail code alone is no AAL1: the flow goes on.
        let _ = pending(visit.answer(&next.flow, Code::typed(MAIL, &code)).await.unwrap());
    }
}

/// An e-mail code beside the SMS does not make what the approving device holds any better.
#[tokio::test]
async fn f26_an_approval_stays_restricted_beside_an_email_code() {
    let house = House::new(Profile::public_portal());
    house.imported(&[PHONE, EMAIL]).await;
    let visit = house.auth.visit(Client::unknown());
    let step = visit.sign_in().start(PHONE).await.unwrap();
    let phone = done(house.prove(&visit, step, &SMS).await);
    house.hands.advance(120);
    let step = visit.enrol(&phone.token, Approval::NAME).await.unwrap();
    let next = pending(house.prove(&visit, step, &SMS).await);
    let phone = done(visit.answer(&next.flow, Approval::poll()).await.unwrap());
    house.hands.advance(120);
    let lately = Requirement::two_factors().within(std::time::Duration::from_secs(60));
    let step = visit.step_up(&phone.token, lately).await.unwrap();
    let phone = done(house.prove(&visit, step, &MAIL).await);
    assert_eq!(phone.session.aal(), Aal::Two);
    let by = |factor: &FactorName| phone.session.proofs().iter().any(|proof| proof.factor() == factor);
    assert!(by(&SMS) && by(&MAIL));

    let next = pending(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
    let next = pending(visit.begin(&next.flow, &Approval::NAME).await.unwrap());
    let shown: serde_json::Value = serde_json::from_str(next.begun.unwrap().1.as_json()).unwrap();
    let (mailbox, number) = (shown["mailbox"].as_str().unwrap(), shown["number"].as_str().unwrap());
    let posted = visit.claim(&phone.token, mailbox).await.unwrap();
    assert!(matches!(posted, Posted::Claimed(_)), "{posted:?}");
    let posted = visit.post(&phone.token, mailbox, &Approval::number(number)).await.unwrap();
    assert!(matches!(posted, Posted::Left), "{posted:?}");
    let end = done(visit.answer(&next.flow, Approval::poll()).await.unwrap());
    let approval: Vec<Proof> =
        end.session.proofs().into_iter().filter(|proof| *proof.factor() == Approval::NAME).collect();
    assert!(approval[0].proves().is_restricted());
}

/// The notice of a hold says which browsers are held.
#[tokio::test]
async fn f27_who_is_held_at_home_is_not_told_that_home_is_not_held() {
    let house = House::new(Profile::nist_aal1());
    let session = house.person(EMAIL).await;
    let home = house.auth.visit(Client::unknown().with_browser(session.browser.unwrap()));
    for _ in 0..6 {
        let _ = home.sign_in().with(EMAIL, Password::word("wrong wrong wrong")).await.unwrap();
    }
    let sent = house.outbox.all(&house.auth).await;
    let notice = sent.last().unwrap().text().body;
    assert!(notice.contains("on hold"), "{notice}");
    assert!(!notice.contains("is not held"), "{notice}");
}

fn node<S: Store + Throttle + Clone>(store: &S, hands: &Hands, outbox: &Outbox) -> Auth {
    portal::portal(store, Profile::nist_aal1())
        .clock(hands.clone())
        .sender(outbox.clone())
        .factor(Password::default())
        .factor(Code::sms())
        .factor(Code::email())
        .factor(BackupCodes::default())
        .build()
        .unwrap()
}

// ---- fourth review ----

/// Any account can add any address, and have codes sent there: they are counted apart from those that its owner needs.
#[tokio::test]
async fn f29_who_adds_somebody_elses_address_takes_no_second_factor_from_them() {
    let house = House::new(Profile::nist_aal1());
    let owner = house.person(PHONE).await;
    let thief = house.person(EMAIL).await;
    house.hands.advance(86_400);
    let theirs = house.auth.visit(Client::unknown().with_browser(thief.browser.unwrap()));
    let mut step = theirs.add_contact(&thief.token, PHONE, None).await.unwrap();
    while let Step::Pending(next) = &step
        && next.offers.first().is_some_and(|offer| offer.factor == Password::NAME)
    {
        step = theirs.answer(&next.flow, Password::word(WORD)).await.unwrap();
    }
    let flow = pending(step).flow;
    let mut refused = 0;
    for _ in 0..14 {
        house.hands.advance(61);
        refused += usize::from(matches!(theirs.begin(&flow, &SMS).await.unwrap(), Step::Refused(_)));
    }
    assert!(refused > 0, "an address hears no more than ten an hour for that");
    let mine = house.auth.visit(Client::unknown().with_browser(owner.browser.unwrap()));
    let lately = Requirement::two_factors().within(Duration::from_secs(300));
    let next = pending(mine.step_up(&owner.token, lately).await.unwrap());
    let next = pending(mine.answer(&next.flow, Password::word(WORD)).await.unwrap());
    let _ = pending(mine.begin(&next.flow, &SMS).await.unwrap());
}

/// Of two requests for a code at once one is sent, the other is told to wait, and the flow lives.
#[tokio::test]
async fn f30_a_double_click_on_send_loses_no_sign_in() {
    for nth in 0..8 {
        let (store, hands, outbox) = (MemoryStore::default(), Hands::default(), Outbox::default());
        let faulty = FaultyStore::new(store.clone());
        let (auth, other) = (node(&store, &hands, &outbox), node(&faulty, &hands, &outbox));
        other.ready().await.unwrap();
        let visit = auth.visit(Client::unknown());
        register(&auth, &outbox, &visit, PHONE, Password::word(WORD)).await;
        hands.advance(3600);
        let flow = pending(visit.sign_in().start(PHONE).await.unwrap()).flow;
        faulty.plan(nth, Fault::WaitsBefore);
        let slow = tokio::spawn({
            let (visit, flow) = (other.visit(Client::unknown()), flow.clone());
            async move { visit.begin(&flow, &SMS).await.unwrap() }
        });
        while !slow.is_finished() && !faulty.waits() {
            tokio::task::yield_now().await;
        }
        let fast = visit.begin(&flow, &SMS).await.unwrap();
        faulty.mend();
        let slow = slow.await.unwrap();
        let mut ends = [slow, fast].map(|step| match step {
            Step::Pending(_) => "pending",
            Step::Refused(why) => why.code.as_str(),
            Step::Done(_) => "done",
        });
        ends.sort_unstable();
        assert_eq!(ends, ["pending", "too_soon"], "{nth}");
        let code = outbox.code(&auth).await;
        let step = visit.answer(&flow, Code::typed(SMS, &code)).await.unwrap();
        assert!(matches!(step, Step::Done(_)), "{nth}: {step:?}");
    }
}

/// A gateway that hangs keeps nobody from what goes another way.
#[tokio::test]
async fn f31_a_channel_that_hangs_stops_no_other() {
    #[derive(Clone, Debug, Default)]
    struct Hangs(Hands);
    impl Sender for Hangs {
        fn takes(&self, to: &Identifier) -> bool {
            to.kind() == IdentifierKind::Phone
        }
        fn send<'a>(&'a self, _: &'a Message) -> Sending<'a> {
            self.0.advance(20);
            Box::pin(async { Err(SendError(None)) })
        }
    }
    let (hangs, outbox) = (Hangs::default(), Outbox::default());
    let auth = portal::portal(&MemoryStore::default(), Profile::nist_aal1())
        .clock(hangs.0.clone())
        .sender(hangs.clone())
        .sender(outbox.clone())
        .factor(Password::default())
        .factor(Code::sms())
        .factor(Code::email())
        .build()
        .unwrap();
    let visit = auth.visit(Client::unknown());
    for round in 0..3 {
        for nth in 0..50 {
            let phone = format!("+7916{round}{nth:06}");
            let _ = pending(visit.sign_up(&phone, "Ivan", "2026-01").await.unwrap());
        }
        hangs.0.advance(1);
        let mail = format!("somebody{round}@example.org");
        let _ = pending(visit.sign_up(&mail, "Ivan", "2026-01").await.unwrap());
        let asked = auth.now();
        // As many as one round claims are waiting before it.
        for _ in 0..2 {
            let _ = auth.tend(100).await.unwrap();
        }
        let came = outbox.all(&auth).await.iter().any(|message| message.to.as_str() == mail);
        assert!(came && auth.now().since(asked) < Duration::from_secs(120), "{round}");
    }
}

/// A client in a loop fills nobody's history with endings of nothing.
#[tokio::test]
async fn f32_where_no_other_session_is_none_is_told_to_have_ended() {
    let house = House::new(Profile::nist_aal1());
    let mine = house.person(PHONE).await;
    let visit = house.auth.visit(Client::unknown());
    let lines = async || {
        let page = EventPage::newest(100);
        house.auth.history(mine.session.account(), page).await.unwrap().len()
    };
    let before = lines().await;
    for _ in 0..3 {
        assert_eq!(visit.end_other_sessions(&mine.session).await.unwrap(), Effect::Nothing);
    }
    assert_eq!(lines().await, before);
    let other = done(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
    let before = lines().await;
    assert_eq!(visit.end_other_sessions(&mine.session).await.unwrap(), Effect::Done);
    assert_eq!(lines().await, before + 1);
    assert_eq!(visit.end_other_sessions(&other.session).await.unwrap(), Effect::NoSession);
    assert_eq!(visit.end_session(&other.session, mine.session.id()).await.unwrap(), Effect::NoSession);
    assert!(house.auth.session(&mine.token).await.unwrap().is_some());
}

/// A store that can be read and not written signs nobody out.
#[tokio::test]
async fn f33_a_full_store_ends_no_session() {
    let (store, hands, outbox) = (MemoryStore::default(), Hands::default(), Outbox::default());
    let faulty = FaultyStore::new(store);
    let auth = node(&faulty, &hands, &outbox);
    let visit = auth.visit(Client::unknown());
    let mine = register(&auth, &outbox, &visit, PHONE, Password::word(WORD)).await;
    hands.advance(360);
    // The call after the look-up is the one that writes down when it was last used.
    faulty.plan(1, Fault::FailsBefore);
    assert!(auth.session(&mine.token).await.unwrap().is_some());
    assert_eq!(faulty.calls(), 2, "it was tried");
}

/// Who guesses at an account whose guard is spent or held leaves one line an hour, and not one a guess.
#[tokio::test]
async fn f34_refusals_without_a_look_do_not_fill_the_history() {
    let house = House::new(Profile::nist_aal1());
    let mine = house.person(PHONE).await;
    let visit = house.auth.visit(Client::unknown());
    for _ in 0..200 {
        let _ = visit.sign_in().with(PHONE, Password::word("wrong wrong wrong")).await.unwrap();
    }
    let all = house.auth.history(mine.session.account(), EventPage::newest(1000)).await.unwrap();
    assert!(all.len() < 30, "{} lines", all.len());
    let held = |code: &str| all.iter().filter(|event| event.reason.as_deref() == Some(code)).count();
    assert!(held("held") >= 1, "the owner sees that somebody keeps trying");
}

/// Backup codes cost sixteen hashes a set, and nobody's guess is counted for them.
#[tokio::test]
async fn f35_proposals_without_end_do_not_keep_the_hash_pool() {
    let (store, hands, outbox) = (MemoryStore::default(), Hands::default(), Outbox::default());
    let auth = node(&store, &hands, &outbox);
    let visit = auth.visit(Client::unknown());
    let mine = register(&auth, &outbox, &visit, PHONE, Password::word(WORD)).await;
    hands.advance(120);
    let next = pending(visit.enrol(&mine.token, BackupCodes::NAME).await.unwrap());
    let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    let next = pending(visit.begin(&next.flow, &SMS).await.unwrap());
    let code = outbox.code(&auth).await;
    let next = pending(visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap());
    let mut begun = 0;
    for _ in 0..100 {
        begun += match visit.begin(&next.flow, &BackupCodes::NAME).await.unwrap() {
            Step::Refused(why) => {
                assert_eq!(why.code, Why::TooSoon);
                assert!(why.retry_after.is_some());
                0
            }
            _ => 1,
        };
    }
    assert_eq!(begun, 30);
    hands.advance(120);
    let _ = pending(visit.begin(&next.flow, &BackupCodes::NAME).await.unwrap());
}

/// What the message shows, the history shows: no field hides another, nor stands for what the library writes there.
#[tokio::test]
async fn f36_no_field_of_a_transaction_hides_another() {
    let house = House::new(Profile::nist_aal1());
    let mine = house.person(PHONE).await;
    let visit = house.auth.visit(Client::unknown());
    let plain = || Transaction::new("fine:pay").with("Amount", "500.00 EUR").with("Payee", "City");
    let said = async |what: Transaction| match visit
        .approve(&mine.token, Requirement::aal(Aal::One), what)
        .await
        .unwrap()
    {
        Step::Refused(why) => why.code.as_str(),
        _ => "asked",
    };
    assert_eq!(said(plain()).await, "asked");
    for label in ["Payee", "transaction", "signals", "country"] {
        assert_eq!(said(plain().with(label, "Somebody else")).await, "transaction", "{label}");
    }
}

/// A code that is good for an hour departs from what each standard says of codes.
#[tokio::test]
async fn f37_a_code_that_lives_too_long_is_a_deviation() {
    for (minutes, told) in [(10, false), (60, true)] {
        let mut code = Code::sms();
        code.life = Duration::from_secs(minutes * 60);
        let auth = portal::portal(&MemoryStore::default(), Profile::asvs_l2())
            .sender(Outbox::default())
            .factor(Password::default())
            .factor(code)
            .build()
            .unwrap();
        let all = auth.deviations().unwrap();
        let departs =
            |from: &str| all.iter().any(|one| one.requirement == from && one.what.contains("sms-code"));
        assert_eq!((departs("3.1.3.2"), departs("6.5.5")), (told, told), "{minutes}");
    }
}
