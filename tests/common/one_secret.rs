//! One secret, two nodes: many uses at once of one code, one challenge, one approval or one link, half through each of two nodes
//! over one store. One is accepted, no more and no fewer, whatever the store.
//!
//! All uses of a round meet inside the step, in the factor: each has read what it needs, none has written. The test
//! profile has no limits (a guard of five would make the race five wide), hashes cost nothing and queue for all.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use propusk::clock::{Clock, Sleep, Timestamp};
use propusk::error::FactorError;
use propusk::factor::backup_code::BackupCodes;
use propusk::factor::passkey::Passkey;
use propusk::factor::totp::Totp;
use propusk::factor::{Begun, Context, Credential, EnrolPlugin, Found, Mailbox, Source, Verdict};
use propusk::flow::{Done, Followed, Next, Posted};
use propusk::hash::HashPool;
use propusk::id::FactorName;
use propusk::lockout::Limit;
use propusk::message::Locale;
use propusk::policy::password::PasswordRules;
use propusk::proof::Proves;
use propusk::store::{Rate, Store, Throttle};
use propusk::testing::FakeClock;
use propusk::{
    Answer, Approval, Auth, Client, Code, Factor, Link, Password, Profile, Site, Step, Token, Visit,
};
use serde_json::Value;
use tokio::sync::{Barrier, watch};
use tokio::task::JoinSet;

use crate::authenticator::Device;
use crate::otp;
use crate::portal::{ORIGIN, Outbox, WORD, cheap, done, pending, register, ring};

const SMS: FactorName = FactorName::new("sms-code");
/// Uses of one secret at once.
const USES: usize = 50;
/// Where a secret can be used in many sign-ins at once, each is answered through both nodes.
const FLOWS: usize = USES / 2;
/// Longer than everything that a round waits for, shorter than the patience of who waits for the test.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the uses of a round meet.
#[derive(Debug)]
struct Meeting {
    parties: AtomicUsize,
    here: AtomicUsize,
    met: AtomicBool,
    open: watch::Sender<bool>,
}

impl Meeting {
    fn arm(&self, parties: usize) {
        self.parties.store(parties, Ordering::SeqCst);
        self.here.store(0, Ordering::SeqCst);
        self.met.store(false, Ordering::SeqCst);
        self.open.send_replace(false);
    }

    /// Everybody goes on alone from here; whether all had met before.
    fn disarm(&self) -> bool {
        self.open.send_replace(true);
        self.met.load(Ordering::SeqCst)
    }

    async fn wait(&self) {
        let mut open = self.open.subscribe();
        if *open.borrow_and_update() {
            return;
        }
        if self.here.fetch_add(1, Ordering::SeqCst) + 1 == self.parties.load(Ordering::SeqCst) {
            self.met.store(true, Ordering::SeqCst);
            self.open.send_replace(true);
        }
        // A use that never came must not stop the others for ever: the round does not count then.
        let _ = tokio::time::timeout(PATIENCE, open.wait_for(|open| *open)).await;
    }
}

/// A factor whose answers meet, and whose guard bears everything.
#[derive(Debug)]
struct AtOnce<F>(F, Arc<Meeting>);

impl<F: Factor> Factor for AtOnce<F> {
    type Data = F::Data;
    type State = F::State;
    type Answer = F::Answer;

    fn name(&self) -> FactorName {
        self.0.name()
    }
    fn title(&self, locale: Locale) -> String {
        self.0.title(locale)
    }
    fn could_prove(&self, data: Option<&F::Data>) -> Proves {
        self.0.could_prove(data)
    }
    async fn answer(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<F::Data>],
        state: F::State,
        answer: F::Answer,
    ) -> Result<Verdict<F::Data, F::State>, FactorError> {
        self.1.wait().await;
        self.0.answer(cx, mine, state, answer).await
    }
    async fn begin(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<F::Data>],
        before: Option<F::State>,
    ) -> Result<Begun<F::State>, FactorError> {
        self.0.begin(cx, mine, before).await
    }
    fn discoverable(&self) -> bool {
        self.0.discoverable()
    }
    async fn find(
        &self,
        cx: &Context<'_>,
        state: F::State,
        answer: &F::Answer,
    ) -> Result<Option<Found<F::State>>, FactorError> {
        self.0.find(cx, state, answer).await
    }
    fn decoy(&self, hashes: &HashPool, seed: [u8; 32]) -> Option<F::Data> {
        self.0.decoy(hashes, seed)
    }
    fn source(&self) -> Source {
        self.0.source()
    }
    fn limit(&self) -> Limit {
        Limit::PORTAL.with_free(1_000_000).with_allowance(1_000_000)
    }
    fn mailbox(&self) -> Option<Mailbox> {
        self.0.mailbox()
    }
    fn enrolment(&self) -> Option<&dyn EnrolPlugin> {
        self.0.enrolment()
    }
}

/// One clock for all nodes. It begins at the real time: a store with a clock of its own may drop what is past.
#[derive(Clone, Debug)]
struct Hands(Arc<FakeClock>);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

#[derive(Debug)]
struct Nap;

impl Sleep for Nap {
    fn sleep(&self, span: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(span))
    }
}

/// Two nodes: keys and clock shared, everything else apart.
struct Nodes {
    nodes: [Auth; 2],
    meeting: Arc<Meeting>,
    hands: Hands,
    outbox: Outbox,
}

impl Nodes {
    fn over<S: Store + Throttle + Clone>(stores: [S; 2]) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let hands = Hands(Arc::new(FakeClock::at(Timestamp::from_millis(i64::try_from(now).unwrap()))));
        let (met, open) = (AtomicBool::new(false), watch::Sender::new(true));
        let meeting = Arc::new(Meeting { parties: 0.into(), here: 0.into(), met, open });
        let outbox = Outbox::default();
        let nodes = stores.map(|store| node(store, &meeting, &hands, &outbox));
        Self { nodes, meeting, hands, outbox }
    }

    fn visit(&self, nth: usize) -> Visit {
        self.nodes[nth % 2].visit(Client::unknown())
    }

    fn later(&self) {
        // Longer than any step of a code, and than what a session is written down for.
        self.hands.0.advance(Duration::from_secs(301));
    }

    /// What a signed-in person proves before they enrol.
    async fn prove(&self, session: &Token, factor: &FactorName) -> Box<Next> {
        let visit = self.visit(0);
        let next = pending(visit.enrol(session, factor.clone()).await.unwrap());
        let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
        let next = pending(visit.begin(&next.flow, &SMS).await.unwrap());
        let code = self.outbox.code(&self.nodes[0]).await;
        pending(visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap())
    }

    /// A new credential; `confirm` makes its confirmation of what the client was shown.
    async fn enrol(
        &self,
        session: &Token,
        factor: FactorName,
        confirm: impl FnOnce(&str) -> Answer,
    ) -> Box<Done> {
        let mut next = self.prove(session, &factor).await;
        if factor != Approval::NAME {
            next = pending(self.visit(0).begin(&next.flow, &factor).await.unwrap());
        }
        let shown = next.begun.as_ref().map_or("", |(_, prompt)| prompt.as_json());
        done(self.visit(0).answer(&next.flow, confirm(shown)).await.unwrap())
    }

    /// So many sign-ins that have their first proof.
    async fn with_password(&self, phone: &'static str, flows: usize) -> Vec<Token> {
        let mut all = JoinSet::new();
        for nth in 0..flows {
            let visit = self.visit(nth);
            all.spawn(async move { visit.sign_in().with(phone, Password::word(WORD)).await.unwrap() });
        }
        all.join_all().await.into_iter().map(|step| pending(step).flow).collect()
    }
}

fn node<S: Store + Throttle + Clone>(
    store: S,
    meeting: &Arc<Meeting>,
    hands: &Hands,
    outbox: &Outbox,
) -> Auth {
    // In ten thousand rounds months pass: neither a session nor a password is to grow old meanwhile.
    let mut rules = PasswordRules::public_portal();
    rules.max_age = None;
    let mut profile = Profile::public_portal().with_password_policy(rules);
    let long = Duration::from_secs(10 * 365 * 24 * 3600);
    (profile.sessions.idle, profile.sessions.absolute) = (long, long);
    profile.recipient_rate = Rate { uses: u32::MAX, per: Duration::from_secs(1) };
    let mut hashing = cheap();
    hashing.queue = 4 * USES;
    let here = || Arc::clone(meeting);
    Auth::builder(profile, store.clone(), ring())
        .site(Site::new("Portal", ORIGIN))
        .throttle(store)
        .hashing(hashing)
        .clock(hands.clone())
        .sleep(Nap)
        .sender(outbox.clone())
        .factor(Password::default())
        .factor(AtOnce(Code::sms(), here()))
        .factor(AtOnce(Totp::default(), here()))
        .factor(AtOnce(BackupCodes::of(16).unwrap(), here()))
        .factor(AtOnce(Passkey::default(), here()))
        .factor(AtOnce(Approval::default(), here()))
        .factor(Code::email())
        .factor(AtOnce(Link::default(), here()))
        .build()
        .unwrap()
}

/// What is used: where, and the answer.
struct Secret {
    flows: Vec<Token>,
    factor: FactorName,
    answer: String,
}

/// Somebody whose secret is used up.
struct Person<'a> {
    nodes: &'a Nodes,
    phone: &'static str,
    session: Box<Done>,
}

impl<'a> Person<'a> {
    async fn new(nodes: &'a Nodes, phone: &'static str) -> Self {
        let visit = nodes.visit(0);
        let session = register(&nodes.nodes[0], &nodes.outbox, &visit, phone, Password::word(WORD)).await;
        Self { nodes, phone, session }
    }

    async fn enrol(&mut self, factor: FactorName, confirm: impl FnOnce(&str) -> Answer) {
        self.session = self.nodes.enrol(&self.session.token, factor, confirm).await;
    }

    /// All uses at once, half through each node: how they ended, and whether they met inside the step.
    async fn use_up(&self, secret: &Secret) -> (BTreeMap<&'static str, usize>, bool) {
        self.nodes.meeting.arm(USES);
        let barrier = Arc::new(Barrier::new(USES));
        let mut all = JoinSet::new();
        for nth in 0..USES {
            let (visit, barrier) = (self.nodes.visit(nth), Arc::clone(&barrier));
            let flow = secret.flows[(nth / 2) % secret.flows.len()].clone();
            let answer = Answer::wire(secret.factor.clone(), secret.answer.as_bytes());
            all.spawn(async move {
                let _ = barrier.wait().await;
                visit.answer(&flow, answer).await.unwrap()
            });
        }
        let steps = all.join_all().await;
        let met = self.nodes.meeting.disarm();
        let mut codes = BTreeMap::new();
        for step in &steps {
            let code = match step {
                Step::Done(_) => "done",
                Step::Refused(why) => why.code.as_str(),
                Step::Pending(_) => "pending",
            };
            *codes.entry(code).or_default() += 1;
        }
        // What the replies say is what there is: one more session, which both nodes know.
        let new: Vec<_> =
            steps.iter().filter_map(|s| if let Step::Done(done) = s { Some(done) } else { None }).collect();
        let live = self.nodes.nodes[1].sessions(self.session.session.account()).await.unwrap();
        assert_eq!(live.len(), 1 + new.len(), "sessions after {codes:?}");
        for done in new {
            for auth in &self.nodes.nodes {
                assert!(auth.session(&done.token).await.unwrap().is_some());
            }
            self.nodes.visit(1).sign_out(&done.token).await.unwrap();
        }
        (codes, met)
    }
}

/// Runs the rounds of one secret and tells what came of them.
struct Course {
    what: &'static str,
    over: String,
    rounds: usize,
    overlapped: usize,
    ends: BTreeMap<&'static str, usize>,
    began: Instant,
    raced: Duration,
}

impl Course {
    fn new(what: &'static str, over: &str, rounds: usize) -> Self {
        let (began, raced) = (Instant::now(), Duration::ZERO);
        Self { what, over: over.to_owned(), rounds, overlapped: 0, ends: BTreeMap::new(), began, raced }
    }

    async fn round(&mut self, person: &Person<'_>, secret: Secret) {
        person.nodes.outbox.clear();
        let began = Instant::now();
        let (ends, met) = person.use_up(&secret).await;
        self.raced += began.elapsed();
        self.overlapped += usize::from(met);
        assert_eq!(ends.get("done"), Some(&1), "{} over {}: {ends:?}", self.what, self.over);
        // Nobody is told that the server has too much to do, and no double click is taken for a guess (ATTACKS 96).
        let fine = ["done", "replayed", "no_flow"];
        assert!(ends.keys().all(|end| fine.contains(end)), "{} over {}: {ends:?}", self.what, self.over);
        for (end, count) in ends {
            *self.ends.entry(end).or_default() += count;
        }
    }

    fn end(self) {
        let Self { what, over, rounds, overlapped, ends, began, raced } = self;
        let (all, raced) = (began.elapsed().as_secs_f64(), raced.as_secs_f64());
        println!("{what} over {over}: {all:.1} s, {raced:.1} of them the uses; ends {ends:?}");
        println!(
            "counted: {what}, {USES} uses at once by two nodes over {over}, accepted once in {rounds} rounds, \
             overlapped, seed -, count {overlapped}"
        );
        assert_eq!(ends.get("done"), Some(&rounds));
        assert!(
            overlapped * 10 >= rounds * 9,
            "{what}: {overlapped} of {rounds} rounds overlapped, which proves little"
        );
    }
}

/// So many rounds: of the run's size, unless PROPUSK_ROUNDS says how many.
pub fn rounds(ci: usize) -> usize {
    let given = std::env::var("PROPUSK_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    let long = std::env::var("PROPUSK_SIZE").is_ok_and(|size| size == "long");
    given.unwrap_or(if long { 10_000 } else { ci })
}

/// Every kind of secret, so many rounds of each.
pub async fn run<S: Store + Throttle + Clone>(over: &str, stores: [S; 2], rounds: usize) {
    let nodes = Nodes::over(stores);
    codes(&nodes, over, rounds).await;
    totp(&nodes, over, rounds).await;
    backup_codes(&nodes, over, rounds).await;
    passkeys(&nodes, over, rounds).await;
    approvals(&nodes, over, rounds).await;
    links(&nodes, over, rounds).await;
}

/// ATTACKS 33 to 36.
async fn codes(nodes: &Nodes, over: &str, rounds: usize) {
    let person = Person::new(nodes, "+79160000001").await;
    let mut course = Course::new("an SMS code", over, rounds);
    for _ in 0..rounds {
        nodes.later();
        let flows = nodes.with_password(person.phone, 1).await;
        let _ = pending(nodes.visit(0).begin(&flows[0], &SMS).await.unwrap());
        let answer = serde_json::json!({ "code": nodes.outbox.code(&nodes.nodes[0]).await }).to_string();
        course.round(&person, Secret { flows, factor: SMS, answer }).await;
    }
    course.end();
}

/// ATTACKS 1 to 6, 98.
async fn totp(nodes: &Nodes, over: &str, rounds: usize) {
    let mut person = Person::new(nodes, "+79160000002").await;
    let mut key = String::new();
    let code = |key: &str| otp::totp(key, otp::step(nodes.hands.now()));
    person
        .enrol(Totp::NAME, |shown| {
            let shown: Value = serde_json::from_str(shown).unwrap();
            key = shown["key"].as_str().unwrap().to_owned();
            Totp::code(&code(&key))
        })
        .await;
    let mut course = Course::new("a TOTP code", over, rounds);
    for _ in 0..rounds {
        nodes.later();
        let flows = nodes.with_password(person.phone, FLOWS).await;
        let answer = serde_json::json!({ "code": code(&key) }).to_string();
        course.round(&person, Secret { flows, factor: Totp::NAME, answer }).await;
    }
    course.end();
}

async fn backup_codes(nodes: &Nodes, over: &str, rounds: usize) {
    let mut person = Person::new(nodes, "+79160000003").await;
    let mut left: Vec<String> = Vec::new();
    let mut course = Course::new("a backup code", over, rounds);
    for _ in 0..rounds {
        nodes.later();
        // The last one stays: a set without any is not offered, and then nothing is used.
        if left.len() < 2 {
            let confirm = |shown: &str| {
                let shown: Value = serde_json::from_str(shown).unwrap();
                left = serde_json::from_value(shown["codes"].clone()).unwrap();
                BackupCodes::saved()
            };
            person.enrol(BackupCodes::NAME, confirm).await;
        }
        let flows = nodes.with_password(person.phone, FLOWS).await;
        let answer = serde_json::json!({ "code": left.pop().unwrap() }).to_string();
        course.round(&person, Secret { flows, factor: BackupCodes::NAME, answer }).await;
    }
    course.end();
}

async fn passkeys(nodes: &Nodes, over: &str, rounds: usize) {
    let mut person = Person::new(nodes, "+79160000004").await;
    let mut device = Device::at(ORIGIN);
    person.enrol(Passkey::NAME, |shown| crate::authenticator::wire(&device.create(shown))).await;
    let mut course = Course::new("a passkey challenge", over, rounds);
    for _ in 0..rounds {
        nodes.later();
        let next = pending(nodes.visit(0).sign_in().unnamed().await.unwrap());
        let next = pending(nodes.visit(1).begin(&next.flow, &Passkey::NAME).await.unwrap());
        let (_, prompt) = next.begun.unwrap();
        let answer = device.get(prompt.as_json()).to_string();
        course.round(&person, Secret { flows: vec![next.flow], factor: Passkey::NAME, answer }).await;
    }
    course.end();
}

async fn approvals(nodes: &Nodes, over: &str, rounds: usize) {
    let mut person = Person::new(nodes, "+79160000005").await;
    person.enrol(Approval::NAME, |_| Approval::poll()).await;
    let mut course = Course::new("an approval", over, rounds);
    for _ in 0..rounds {
        nodes.later();
        let flows = nodes.with_password(person.phone, 1).await;
        let next = pending(nodes.visit(0).begin(&flows[0], &Approval::NAME).await.unwrap());
        let shown: Value = serde_json::from_str(next.begun.unwrap().1.as_json()).unwrap();
        let (mailbox, number) = (shown["mailbox"].as_str().unwrap(), shown["number"].as_str().unwrap());
        let (phone, token) = (nodes.visit(1), &person.session.token);
        assert!(matches!(phone.claim(token, mailbox).await.unwrap(), Posted::Claimed(_)));
        let posted = phone.post(token, mailbox, &Approval::number(number)).await.unwrap();
        assert!(matches!(posted, Posted::Left), "{posted:?}");
        course.round(&person, Secret { flows, factor: Approval::NAME, answer: "{}".to_owned() }).await;
    }
    course.end();
}

/// ATTACKS 33.
async fn links(nodes: &Nodes, over: &str, rounds: usize) {
    let person = Person::new(nodes, "ivan@example.org").await;
    let mut course = Course::new("a link", over, rounds);
    for _ in 0..rounds {
        nodes.later();
        let flows = nodes.with_password(person.phone, 1).await;
        let next = pending(nodes.visit(0).begin(&flows[0], &Link::NAME).await.unwrap());
        let shown: Value = serde_json::from_str(next.begun.unwrap().1.as_json()).unwrap();
        let sent = nodes.outbox.all(&nodes.nodes[0]).await;
        let link = sent.iter().rev().find_map(|message| message.param("link")).unwrap();
        let letter = Link::number(shown["number"].as_str().unwrap());
        let followed = nodes.visit(1).follow(link.split_once("?m=").unwrap().1, &letter).await.unwrap();
        assert!(matches!(followed, Followed::Left), "{followed:?}");
        course.round(&person, Secret { flows, factor: Link::NAME, answer: "{}".to_owned() }).await;
    }
    course.end();
}
