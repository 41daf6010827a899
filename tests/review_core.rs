//! Findings of a review: each test states what should hold.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use propusk::account::Contact;
use propusk::account::identifier::{Identifier, IdentifierKind};
use propusk::clock::{Clock, Timestamp};
use propusk::error::{Broken, FactorError, Missing};
use propusk::event::EventPage;
use propusk::factor::{Answer, Context, Credential, Factor, Reason, Source, Verdict};
use propusk::flow::{Next, Refusal};
use propusk::id::FactorName;
use propusk::lockout::Limit;
use propusk::message::{Message, SendError, Sender, Sending, Sent};
use propusk::policy::Requirement;
use propusk::proof::{Aal, Channel, Proves};
use propusk::secret::Key;
use propusk::store::Store;
use propusk::testing::{FakeClock, GatedStore};
use propusk::{Auth, Client, Code, KeyRing, MemoryStore, Password, Profile, Site, Step, Visit};

#[derive(Clone, Debug, Default)]
struct Outbox(Arc<Mutex<(Vec<Message>, bool)>>);
impl Sender for Outbox {
    fn takes(&self, _: &Identifier) -> bool {
        true
    }
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        let mut inner = self.0.lock().unwrap();
        inner.0.push(message.clone());
        let down = inner.1;
        Box::pin(async move { if down { Err(SendError(None)) } else { Ok(Sent::Delivered) } })
    }
}
impl Outbox {
    async fn code(&self, auth: &Auth) -> String {
        let _ = auth.tend(1000).await.unwrap();
        self.0.lock().unwrap().0.iter().rev().find_map(|m| m.param("code").map(str::to_owned)).unwrap()
    }
}

#[derive(Clone, Debug, Default)]
struct Hands(Arc<FakeClock>);
impl Clock for Hands {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    word: String,
}
#[derive(Debug)]
struct Toy(Limit);
const TOY: FactorName = FactorName::new("toy");
impl Factor for Toy {
    type Data = Contact;
    type State = ();
    type Answer = Said;
    fn name(&self) -> FactorName {
        TOY
    }
    fn source(&self) -> Source {
        Source::Contacts(IdentifierKind::Email)
    }
    fn limit(&self) -> Limit {
        self.0
    }
    fn could_prove(&self, _: Option<&Contact>) -> Proves {
        Proves::by(Channel::Device).possession().replay_resistant()
    }
    async fn answer(
        &self,
        _: &Context<'_>,
        mine: &[Credential<Contact>],
        (): (),
        answer: Said,
    ) -> Result<Verdict<Contact>, FactorError> {
        let (credential, proved) = (mine[0].id, self.could_prove(None));
        Ok(match answer.word.as_str() {
            "right" => Verdict::Accept { credential, proved, change: None },
            "change" => Verdict::Accept { credential, proved, change: Some(mine[0].data.clone()) },
            "outage" => return Err(FactorError::Unavailable(None)),
            _ => Verdict::refuse(Reason::Wrong),
        })
    }
}
fn toy(word: &str) -> Answer {
    Answer::wire(TOY, format!("{{\"word\":\"{word}\"}}"))
}

fn ring() -> KeyRing {
    let key = |seed: u8| Key::from_bytes(&std::array::from_fn::<u8, 32, _>(|i| seed ^ i as u8)).unwrap();
    KeyRing::new(key(1), key(128))
}

fn portal(profile: Profile, store: impl Store, clock: &Hands, limit: Limit) -> (Auth, Outbox) {
    let outbox = Outbox::default();
    let auth = Auth::builder(profile, store, ring())
        .site(Site::new("Portal", "https://portal.example"))
        .hashing(propusk::danger::fast_hashing())
        .clock(clock.clone())
        .sender(outbox.clone())
        .factor(Password::default())
        .factor(Code::sms())
        .factor(Code::email())
        .factor(Toy(limit))
        .build()
        .unwrap();
    (auth, outbox)
}

fn simple(profile: Profile) -> (Auth, Outbox, Hands) {
    let clock = Hands::default();
    let (auth, outbox) = portal(profile, MemoryStore::default(), &clock, Limit::PORTAL);
    (auth, outbox, clock)
}

fn pending(step: Step) -> Box<Next> {
    match step {
        Step::Pending(next) => next,
        other => panic!("{other:?}"),
    }
}
fn done(step: Step) -> Box<propusk::flow::Done> {
    match step {
        Step::Done(done) => done,
        other => panic!("{other:?}"),
    }
}
fn refused(step: Step) -> Box<Refusal> {
    match step {
        Step::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

const WORD: &str = "Лошадь батарея скрепка 7";
const NEW: &str = "Совсем другие слова 9";
const IVAN: &str = "ivan@example.org";
const EMAIL: FactorName = FactorName::new("email-code");

async fn register(auth: &Auth, outbox: &Outbox, visit: &Visit, contact: &str) -> Box<propusk::flow::Done> {
    let next = pending(visit.sign_up(contact, "Иван Петров", "2026-01").await.unwrap());
    let (factor, _) = next.begun.clone().unwrap();
    let code = outbox.code(auth).await;
    let next = pending(visit.answer(&next.flow, Code::typed(factor, &code)).await.unwrap());
    done(visit.answer(&next.flow, Password::word(WORD)).await.unwrap())
}

/// 1. `enrol` replaces a password that `change` would ask for.
#[tokio::test]
async fn f01_a_password_is_not_replaced_without_the_old_one() {
    let (auth, outbox, _) = simple(Profile::nist_aal1());
    let visit = auth.visit(Client::unknown());
    let end = register(&auth, &outbox, &visit, IVAN).await;
    let thief = auth.visit(Client::unknown());
    let next = pending(thief.enrol(&end.token, Password::NAME).await.unwrap());
    let next = pending(thief.begin(&next.flow, &EMAIL).await.unwrap());
    let code = outbox.code(&auth).await;
    let step = thief.answer(&next.flow, Code::typed(EMAIL, &code)).await.unwrap();
    if let Step::Pending(next) = step {
        let step = thief.answer(&next.flow, Password::word(NEW)).await.unwrap();
        assert!(matches!(step, Step::Refused(_)), "the password was replaced: {step:?}");
    }
}

/// 2. Ten registrations an hour in somebody's name take their second factor away, known browser or not.
#[tokio::test]
async fn f02_a_stranger_cannot_use_up_the_owners_messages() {
    let (auth, outbox, clock) = simple(Profile::public_portal());
    let visit = auth.visit(Client::unknown());
    let end = register(&auth, &outbox, &visit, IVAN).await;
    clock.0.advance(Duration::from_secs(86_400));
    let stranger = auth.visit(Client::unknown().from_address("192.0.2.1".parse().unwrap()));
    for _ in 0..10 {
        let _ = stranger.sign_up(IVAN, "Some Body", "2026-01").await.unwrap();
    }
    let home = auth.visit(Client::unknown().with_browser(end.browser.unwrap()));
    let next = pending(home.sign_in().with(IVAN, Password::word(WORD)).await.unwrap());
    let step = home.begin(&next.flow, &EMAIL).await.unwrap();
    assert!(matches!(step, Step::Pending(_)), "{step:?}");
}

/// 3. An outage of a factor counts as wrong guesses.
#[tokio::test]
async fn f03_an_outage_is_no_wrong_answer() {
    let (auth, outbox, clock) = simple(Profile::nist_aal1());
    let visit = auth.visit(Client::unknown());
    register(&auth, &outbox, &visit, IVAN).await;
    for _ in 0..6 {
        assert!(visit.sign_in().with(IVAN, toy("outage")).await.is_err());
    }
    let now = visit.sign_in().with(IVAN, toy("right")).await.unwrap();
    clock.0.advance(Duration::from_secs(61));
    let later = visit.sign_in().with(IVAN, toy("right")).await.unwrap();
    assert!(matches!((&now, &later), (Step::Done(_), Step::Done(_))), "now {now:?}, later {later:?}");
}

/// 4. A stranger with 50 wrong codes keeps an address from ever registering.
#[tokio::test]
async fn f04_a_stranger_cannot_take_an_address_out_of_registration() {
    let (auth, outbox, clock) = simple(Profile::nist_aal1());
    let stranger = auth.visit(Client::unknown());
    for _ in 0..50 {
        clock.0.advance(Duration::from_secs(3600));
        let next = pending(stranger.sign_up(IVAN, "Some Body", "2026-01").await.unwrap());
        let _ = stranger.answer(&next.flow, Code::typed(EMAIL, "000000")).await.unwrap();
    }
    clock.0.advance(Duration::from_secs(30 * 86_400));
    let owner = auth.visit(Client::unknown());
    let next = pending(owner.sign_up(IVAN, "Ivan", "2026-01").await.unwrap());
    let code = outbox.code(&auth).await;
    let step = owner.answer(&next.flow, Code::typed(EMAIL, &code)).await.unwrap();
    assert!(matches!(step, Step::Pending(_)), "a month later, with the right code: {step:?}");
}

/// 5. A double click on "current password" chooses it as the new one and ends all sessions.
#[tokio::test]
async fn f05_the_old_password_sent_twice_is_no_new_password() {
    let (auth, outbox, _) = simple(Profile::nist_aal1());
    let visit = auth.visit(Client::unknown());
    let end = register(&auth, &outbox, &visit, IVAN).await;
    let next = pending(visit.change(&end.token, Password::NAME).await.unwrap());
    let _ = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    let again = visit.answer(&next.flow, Password::word(WORD)).await.unwrap();
    assert!(!matches!(again, Step::Done(_)), "{again:?}");
}

/// 6. "Not my device" is forgotten by a change of password.
#[tokio::test]
async fn f06_a_public_device_stays_public() {
    let (auth, outbox, _) = simple(Profile::nist_aal1());
    let visit = auth.visit(Client::unknown());
    register(&auth, &outbox, &visit, IVAN).await;
    let here = done(visit.sign_in().public_device(true).with(IVAN, Password::word(WORD)).await.unwrap());
    assert!(here.public_device);
    let next = pending(visit.change(&here.token, Password::NAME).await.unwrap());
    let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    let end = done(visit.answer(&next.flow, Password::word(NEW)).await.unwrap());
    assert!(end.public_device);
}

/// 8. A guard that was full a moment ago and is free now is "busy".
#[tokio::test]
async fn f08_a_right_answer_is_not_busy_when_the_guard_is_free() {
    let store = MemoryStore::default();
    let clock = Hands::default();
    let (auth, outbox) = portal(Profile::nist_aal1(), store.clone(), &clock, Limit::PORTAL);
    register(&auth, &outbox, &auth.visit(Client::unknown()), IVAN).await;
    let gated = GatedStore::new(store, "reserve", 3);
    let (auth, _) = portal(Profile::nist_aal1(), gated.clone(), &clock, Limit::PORTAL.with_free(0));
    let visit = auth.visit(Client::unknown());
    let (a, b, ()) = tokio::join!(
        visit.sign_in().with(IVAN, toy("right")),
        visit.sign_in().with(IVAN, toy("right")),
        async {
            tokio::task::yield_now().await;
            gated.open();
        }
    );
    let (a, b) = (a.unwrap(), b.unwrap());
    assert!(matches!((&a, &b), (Step::Done(_), Step::Done(_))), "{a:?} {b:?}");
}

/// 9. A message with a code is tried, and kept, long after its code is dead.
#[tokio::test]
async fn f09_a_dead_code_is_not_sent() {
    let (auth, outbox, clock) = simple(Profile::nist_aal1());
    let visit = auth.visit(Client::unknown());
    outbox.0.lock().unwrap().1 = true;
    let _ = pending(visit.sign_up(IVAN, "Ivan", "2026-01").await.unwrap());
    let _ = auth.tend(10).await.unwrap();
    for _ in 0..10 {
        clock.0.advance(Duration::from_secs(3600));
        outbox.0.lock().unwrap().0.clear();
        let _ = auth.tend(10).await.unwrap();
        assert!(outbox.0.lock().unwrap().0.is_empty(), "handed out an hour after");
    }
}

/// 10. An accept with a change that cannot be written is an accept all the same.
#[tokio::test]
async fn f10_an_accept_whose_change_is_not_written_is_none() {
    let (auth, outbox, _) = simple(Profile::nist_aal1());
    let visit = auth.visit(Client::unknown());
    register(&auth, &outbox, &visit, IVAN).await;
    let step = visit.sign_in().with(IVAN, toy("change")).await;
    assert!(!matches!(step, Ok(Step::Done(_))), "{step:?}");
}

/// 11. Uncounted refusals fill the owner's history.
#[tokio::test]
async fn f11_a_stranger_cannot_fill_the_history_for_nothing() {
    let (auth, outbox, _) = simple(Profile::nist_aal1());
    let visit = auth.visit(Client::unknown());
    let end = register(&auth, &outbox, &visit, IVAN).await;
    let long = "x".repeat(1100);
    for _ in 0..500 {
        let _ = visit.sign_in().with(IVAN, Password::word(&long)).await.unwrap();
    }
    let lines = auth.history(end.session.account(), EventPage::newest(1000)).await.unwrap().len();
    assert!(lines < 100, "{lines} lines");
}

/// 12. Dropping a weakness that was declared is claiming more than was declared.
#[test]
fn f12_a_proof_keeps_the_weaknesses_that_were_declared() {
    let synced =
        Proves::by(Channel::Device).possession().replay_resistant().phishing_resistant().user_verified();
    assert!(!synced.within(synced.exportable()));
}

// ---- second round ----
use propusk::factor::{Begun, Claimant, Enrol, EnrolPlugin, Enrolled, Mailbox, Prompt};
use propusk::testing::CountingStore;

#[derive(Debug)]
struct Push;
const PUSH: FactorName = FactorName::new("push");
impl Factor for Push {
    type Data = Contact;
    type State = String;
    type Answer = Said;
    fn name(&self) -> FactorName {
        PUSH
    }
    fn source(&self) -> Source {
        Source::Contacts(IdentifierKind::Email)
    }
    fn mailbox(&self) -> Option<Mailbox> {
        let takes = Claimant::Account(Requirement::default());
        Some(Mailbox { life: Duration::from_secs(300), takes })
    }
    fn could_prove(&self, _: Option<&Contact>) -> Proves {
        Proves::by(Channel::Device).possession().replay_resistant()
    }
    async fn begin(
        &self,
        cx: &Context<'_>,
        _: &[Credential<Contact>],
        _: Option<String>,
    ) -> Result<Begun<String>, FactorError> {
        Ok(Begun::Started { state: "waits".into(), prompt: Prompt::new(&cx.mailbox)?, deliver: None })
    }
    async fn answer(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Contact>],
        _: String,
        _: Said,
    ) -> Result<Verdict<Contact, String>, FactorError> {
        if cx.letter.is_some_and(|letter| letter.account == cx.account) {
            return Ok(Verdict::Accept {
                credential: mine[0].id,
                proved: self.could_prove(None),
                change: None,
            });
        }
        Ok(Verdict::refuse(Reason::Wrong))
    }
}

static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
#[derive(Debug)]
struct Key2;
const KEY: FactorName = FactorName::new("key");
impl Factor for Key2 {
    type Data = String;
    type State = String;
    type Answer = Said;
    fn name(&self) -> FactorName {
        KEY
    }
    fn could_prove(&self, _: Option<&String>) -> Proves {
        Proves::by(Channel::Device).possession().replay_resistant()
    }
    async fn begin(
        &self,
        _: &Context<'_>,
        _: &[Credential<String>],
        _: Option<String>,
    ) -> Result<Begun<String>, FactorError> {
        Ok(Begun::Started { state: "proof".into(), prompt: Prompt::empty(), deliver: None })
    }
    async fn answer(
        &self,
        _: &Context<'_>,
        _: &[Credential<String>],
        _: String,
        _: Said,
    ) -> Result<Verdict<String, String>, FactorError> {
        Ok(Verdict::refuse(Reason::Wrong))
    }
    fn enrolment(&self) -> Option<&dyn EnrolPlugin> {
        Some(self)
    }
}
impl Enrol for Key2 {
    type Proposal = String;
    type Confirm = Said;
    async fn propose(&self, _: &Context<'_>, _: &[Credential<String>]) -> Result<Begun<String>, FactorError> {
        Ok(Begun::Started { state: "proposal".into(), prompt: Prompt::empty(), deliver: None })
    }
    async fn confirm(
        &self,
        _: &Context<'_>,
        _: &[Credential<String>],
        proposal: String,
        _: Said,
    ) -> Result<Enrolled<String>, FactorError> {
        SEEN.lock().unwrap().push(proposal);
        let proved = self.could_prove(None);
        Ok(Enrolled::Add { data: "key".into(), handles: vec![], proved })
    }
}

fn wide(profile: Profile, store: impl Store) -> (Auth, Outbox) {
    wide_at(profile, store, &Hands::default())
}

fn wide_at(profile: Profile, store: impl Store, clock: &Hands) -> (Auth, Outbox) {
    let outbox = Outbox::default();
    let auth = Auth::builder(profile, store, ring())
        .site(Site::new("Portal", "https://portal.example"))
        .hashing(propusk::danger::fast_hashing())
        .clock(clock.clone())
        .sender(outbox.clone())
        .factor(Password::default())
        .factor(Code::email())
        .factor(Push)
        .factor(Key2)
        .build()
        .unwrap();
    (auth, outbox)
}

/// 15. A letter of a session that was ended opens a new one.
#[tokio::test]
async fn f15_an_ended_session_has_no_letter() {
    let (auth, outbox) = wide(Profile::nist_aal1(), MemoryStore::default());
    let visit = auth.visit(Client::unknown());
    register(&auth, &outbox, &visit, IVAN).await;
    let stolen = done(visit.sign_in().with(IVAN, Password::word(WORD)).await.unwrap());
    let owner = done(visit.sign_in().with(IVAN, Password::word(WORD)).await.unwrap());
    let thief = auth.visit(Client::unknown());
    let next = pending(thief.sign_in().start(IVAN).await.unwrap());
    let next = pending(thief.begin(&next.flow, &PUSH).await.unwrap());
    let mailbox: String = serde_json::from_str(next.begun.as_ref().unwrap().1.as_json()).unwrap();
    let claimed = thief.claim(&stolen.token, &mailbox).await.unwrap();
    assert!(matches!(claimed, propusk::flow::Posted::Claimed(_)));
    let posted = thief.post(&stolen.token, &mailbox, "yes").await.unwrap();
    assert!(matches!(posted, propusk::flow::Posted::Left));
    let _ = visit.end_other_sessions(&owner.session).await.unwrap();
    assert!(auth.session(&stolen.token).await.unwrap().is_none());
    let step = thief.answer(&next.flow, Answer::wire(PUSH, "{\"word\":\"\"}")).await.unwrap();
    assert!(!matches!(step, Step::Done(_)), "{step:?}");
}

/// 16. What was begun to prove is not what an enrolment confirms.
#[tokio::test]
async fn f16_a_challenge_begun_to_prove_confirms_no_enrolment() {
    let (auth, outbox) = wide(Profile::nist_aal1(), MemoryStore::default());
    let visit = auth.visit(Client::unknown());
    let mut end = register(&auth, &outbox, &visit, IVAN).await;
    for round in 0..2 {
        let mut next = pending(visit.enrol(&end.token, KEY).await.unwrap());
        if round == 1 {
            next = pending(visit.begin(&next.flow, &KEY).await.unwrap());
        }
        next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
        if round == 0 {
            next = pending(visit.begin(&next.flow, &KEY).await.unwrap());
        }
        match visit.answer(&next.flow, Answer::wire(KEY, "{\"word\":\"x\"}")).await.unwrap() {
            Step::Done(done) => end = done,
            _ => break,
        }
    }
    let seen = SEEN.lock().unwrap().clone();
    assert!(seen.iter().all(|s| s == "proposal"), "{seen:?}");
}

/// 17. A dead session ends nobody's sessions.
#[tokio::test]
async fn f17_a_dead_session_ends_no_others() {
    let (auth, outbox) = wide(Profile::nist_aal1(), MemoryStore::default());
    let visit = auth.visit(Client::unknown());
    let dead = register(&auth, &outbox, &visit, IVAN).await;
    let live = done(visit.sign_in().with(IVAN, Password::word(WORD)).await.unwrap());
    visit.sign_out(&dead.token).await.unwrap();
    let _ = visit.end_other_sessions(&dead.session).await.unwrap();
    assert!(auth.session(&live.token).await.unwrap().is_some());
}

/// 18. A profile that a registration cannot meet is said at the builder, not by `Err` at its end.
#[test]
fn f18_a_profile_that_no_registration_meets_is_refused_at_the_start() {
    let mut profile = Profile::nist_aal1();
    profile.sign_in = Requirement::aal(Aal::Two);
    let builder = || {
        Auth::builder(profile.clone(), MemoryStore::default(), ring())
            .site(Site::new("Portal", "https://portal.example"))
            .factor(Password::default())
            .factor(Code::email())
    };
    let auth = builder().build();
    let none = Missing::SecondAuthenticator;
    assert!(matches!(&auth, Err(Broken::Profile { missing, .. }) if *missing == none), "{auth:?}");
    // Who signs in by SMS could; who registers by e-mail could not.
    let auth = builder().factor(Code::sms()).build();
    let unmet = |missing: &Missing| matches!(missing, Missing::Registration { .. });
    assert!(matches!(&auth, Err(Broken::Profile { missing, .. }) if unmet(missing)), "{auth:?}");
}

/// 19. A throttled network costs the store nothing.
#[tokio::test]
async fn f19_a_throttled_network_reads_nothing() {
    let store = CountingStore::new(MemoryStore::default());
    let log = store.log();
    let (auth, _) = wide(Profile::nist_aal1(), store);
    let visit = auth.visit(Client::unknown().from_address("192.0.2.1".parse().unwrap()));
    for _ in 0..121 {
        let _ = visit.sign_in().start(IVAN).await.unwrap();
    }
    let _ = log.take();
    let why = refused(visit.sign_in().with(IVAN, Password::word("x")).await.unwrap());
    assert_eq!(why.code.as_str(), "throttled");
    assert!(log.calls().is_empty(), "{:?}", log.calls());
}

/// 20. The same calls and hashes for a known, an unknown and a disabled name.
#[tokio::test]
async fn f20_known_unknown_and_disabled_cost_the_same_calls() {
    let store = CountingStore::new(MemoryStore::default());
    let log = store.log();
    let (auth, outbox) = wide(Profile::nist_aal1(), store);
    let visit = auth.visit(Client::unknown());
    register(&auth, &outbox, &visit, IVAN).await;
    let off = register(&auth, &outbox, &visit, "off@example.org").await;
    auth.disable(off.session.account(), &Client::unknown()).await.unwrap();
    let mut all = vec![];
    for name in [IVAN, "nobody@example.org", "off@example.org"] {
        let _ = log.take();
        let hashes = auth.hashes().computed();
        let mut told = vec![];
        let next = pending(visit.sign_in().start(name).await.unwrap());
        told.push(format!("{:?} {:?}", next.offers, next.duty));
        let next = pending(visit.begin(&next.flow, &EMAIL).await.unwrap());
        told.push(format!(
            "{:?} {:?}",
            next.offers,
            next.begun.as_ref().map(|(_, p)| p.as_json().to_owned())
        ));
        for code in ["000001", "000002"] {
            told.push(format!("{:?}", visit.answer(&next.flow, Code::typed(EMAIL, code)).await.unwrap()));
        }
        told.push(format!("{:?}", visit.begin(&next.flow, &EMAIL).await.unwrap()));
        for _ in 0..8 {
            told.push(format!("{:?}", visit.answer(&next.flow, Password::word("wrong")).await.unwrap()));
        }
        told.push(format!("{:?}", visit.sign_up(name, "X", "1").await.unwrap()).replace("SignUp", ""));
        all.push((told, auth.hashes().computed() - hashes, log.take()));
    }
    for (at, one) in all.iter().enumerate().skip(1) {
        assert_eq!(one.0, all[0].0, "{at}");
        assert_eq!(one.1, all[0].1, "{at}");
        let calls = |log: &Vec<propusk::testing::Call>| log.iter().map(|c| c.method).collect::<Vec<_>>();
        assert_eq!(calls(&one.2), calls(&all[0].2), "{at}");
    }
}
