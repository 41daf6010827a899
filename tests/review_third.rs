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
use propusk::account::identifier::Identifier;
use propusk::auth::import::{Import, Imported};
use propusk::clock::{Clock, SystemEntropy, Timestamp};
use propusk::error::Broken;
use propusk::flow::{Done, Posted};
use propusk::hash::{Hashed, Lane};
use propusk::id::FactorName;
use propusk::message::{Message, SendError, Sender, Sending, Sent};
use propusk::policy::Requirement;
use propusk::proof::{Aal, Proof};
use propusk::secret::Secret;
use propusk::{Approval, Auth, Client, Code, MemoryStore, Password, Profile, Step, Visit};

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
        assert!(auth.unlock(account, &Client::unknown()).await.unwrap());
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
