//! A whole life of an account with everything listening: every span and event at TRACE, every metric with its labels,
//! `Debug` of every value that is handed out, every error. What a person, a device or a key ring holds is in none of it,
//! in any spelling.
#![cfg(all(
    feature = "testing",
    feature = "axum",
    feature = "passkey",
    feature = "tracing",
    feature = "metrics"
))]
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test"
)]

#[path = "common/authenticator.rs"]
mod authenticator;
#[cfg(feature = "openapi")]
#[path = "common/described.rs"]
mod described;
#[path = "common/otp.rs"]
mod otp;
#[path = "common/portal.rs"]
mod portal;
#[path = "common/web.rs"]
mod web;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Debug;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use authenticator::Device;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use otp::{add_codes, add_totp, no_code, propose, shown, step, totp};
use portal::{EMAIL, Hands, NEW_WORD, ORIGIN, Outbox, PHONE, WORD, done, pending, refused, register, ring};
use propusk::axum::AuthHttp;
use propusk::clock::Clock;
use propusk::event::EventPage;
use propusk::flow::{Done, Posted};
use propusk::id::FactorName;
use propusk::testing::{Fault, FaultyStore, SeededEntropy};
use propusk::{
    Approval, Auth, BackupCodes, Client, Code, Link, MemoryStore, Passkey, Password, Profile, Token, Totp,
    Visit,
};
use serde_json::json;
use tracing_subscriber::fmt::format::FmtSpan;
use web::{Web, by_password};

const SMS: FactorName = FactorName::new("sms-code");
const NAME: &str = "Иван Петров";
const ADDRESS: &str = "203.0.113.77";
const AGENT: &str = "Canary/97 of one person only";

/// What was logged.
static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());
/// What was shown by `Debug` or told by an error.
static SHOWN: Mutex<String> = Mutex::new(String::new());
/// Metrics by name and labels; how much each counted, or how many times it was written.
static METRICS: Mutex<BTreeMap<String, Arc<AtomicU64>>> = Mutex::new(BTreeMap::new());

struct Line;

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct Ear;

#[derive(Debug)]
struct Written(Arc<AtomicU64>);

impl metrics::HistogramFn for Written {
    fn record(&self, _: f64) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Ear {
    fn cell(key: &Key) -> Arc<AtomicU64> {
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let text = format!("{}{{{}}}", key.name(), labels.join(","));
        Arc::clone(METRICS.lock().unwrap().entry(text).or_default())
    }
}

impl Recorder for Ear {
    fn describe_counter(&self, name: KeyName, _: Option<Unit>, text: SharedString) {
        assert!(name.as_str().ends_with("_total") && !text.is_empty());
    }
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, text: SharedString) {
        assert!(!text.is_empty());
    }
    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        assert!(name.as_str().ends_with("_seconds") && unit == Some(Unit::Seconds));
    }
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Self::cell(key))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Self::cell(key))
    }
    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Arc::new(Written(Self::cell(key))))
    }
}

fn show(value: &impl Debug) {
    let mut all = SHOWN.lock().unwrap();
    all.push_str(&format!("{value:?}\n{value:#?}\n"));
}

fn show_error(error: &dyn Error) {
    let mut all = SHOWN.lock().unwrap();
    let mut next = Some(error);
    while let Some(error) = next {
        all.push_str(&format!("{error}\n{error:?}\n{error:#?}\n"));
        next = error.source();
    }
}

/// What must not be seen, under the name by which a failure calls it.
#[derive(Default)]
struct Canaries(Vec<(String, Vec<u8>)>);

impl Canaries {
    fn text(&mut self, what: &str, secret: &str) {
        self.0.push((what.to_owned(), secret.as_bytes().to_vec()));
    }

    /// A token: its text, and the bytes that it spells.
    fn token(&mut self, what: &str, token: &Token) {
        show(token);
        let text = token.expose();
        self.text(what, &text);
        let bytes = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).unwrap();
        // What leads a session's token is no secret.
        self.0.push((format!("{what}, its bytes"), bytes[bytes.len() - 32..].to_vec()));
    }

    fn done(&mut self, what: &str, done: &Done) {
        self.token(&format!("{what}: session"), &done.token);
        if let Some(browser) = &done.browser {
            self.token(&format!("{what}: browser"), browser);
        }
        show(done);
        show(&done.session);
    }

    /// Where any of them stands in the text, in any spelling.
    fn in_text(&self, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (what, secret) in &self.0 {
            for (how, spelling) in spellings(secret) {
                let stands =
                    text.match_indices(&spelling).any(|(at, _)| !is_part_of_a_number(text, at, &spelling));
                if stands {
                    found.push(format!("{what} ({how})"));
                }
            }
        }
        found
    }
}

fn spellings(secret: &[u8]) -> Vec<(&'static str, String)> {
    let bytes: Vec<String> = secret.iter().map(u8::to_string).collect();
    let mut all = vec![
        ("hex", data_encoding::HEXLOWER.encode(secret)),
        ("HEX", data_encoding::HEXUPPER.encode(secret)),
        ("base32", data_encoding::BASE32_NOPAD.encode(secret)),
        ("base64", data_encoding::BASE64_NOPAD.encode(secret)),
        ("base64url", data_encoding::BASE64URL_NOPAD.encode(secret)),
        ("bytes", bytes.join(", ")),
        ("bytes, a line each", bytes.join(",\n    ")),
    ];
    if let Ok(text) = std::str::from_utf8(secret) {
        all.push(("as it is", text.to_owned()));
        all.push(("escaped", text.escape_default().to_string()));
        all.push(("reversed case", text.to_lowercase()));
    }
    all
}

// Times have digits enough for every code of six to stand among them.
fn is_part_of_a_number(text: &str, at: usize, found: &str) -> bool {
    let digit = |sign: Option<char>| sign.is_some_and(|sign| sign.is_ascii_digit() || sign == '.');
    found.bytes().all(|byte| byte.is_ascii_digit())
        && (digit(text[..at].chars().next_back()) || digit(text[at + found.len()..].chars().next()))
}

struct House {
    auth: Auth,
    store: FaultyStore<MemoryStore>,
    hands: Hands,
    outbox: Outbox,
    canaries: Canaries,
}

impl House {
    fn visit(&self) -> Visit {
        let client = Client::unknown().from_address(ADDRESS.parse().unwrap()).with_user_agent(AGENT);
        show(&client);
        let visit = self.auth.visit(client);
        show(&visit);
        visit
    }

    async fn code(&mut self) -> String {
        let code = self.outbox.code(&self.auth).await;
        for message in self.outbox.all(&self.auth).await {
            show(&message);
            show(&message.text());
            show(&message.to);
        }
        self.canaries.text("a code by message", &code);
        code
    }

    fn later(&self) {
        self.hands.advance(301);
    }

    /// The second step of a sign-in or of an enrolment, by SMS.
    async fn by_sms(&mut self, flow: &Token) -> propusk::Step {
        self.later();
        let visit = self.visit();
        let next = pending(visit.begin(flow, &SMS).await.unwrap());
        show(&next);
        let code = self.code().await;
        let answer = Code::typed(SMS, &code);
        show(&answer);
        visit.answer(&next.flow, answer).await.unwrap()
    }

    async fn begin_sign_in(&mut self, word: &str) -> Token {
        let next = pending(self.visit().sign_in().with(PHONE, Password::word(word)).await.unwrap());
        show(&next);
        self.canaries.token("a flow", &next.flow);
        next.flow
    }
}

async fn registration(house: &mut House) -> Box<Done> {
    let visit = house.visit();
    let next = pending(visit.sign_up(PHONE, NAME, "2026-01").await.unwrap());
    house.canaries.token("a flow of a registration", &next.flow);
    let code = house.code().await;
    let next = pending(visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap());
    house.canaries.text("a refused password", "Корот-7");
    let why = refused(visit.answer(&next.flow, Password::word("Корот-7")).await.unwrap());
    show(&why);
    show_error(&*why);
    let done = done(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    house.canaries.done("a registration", &done);
    // By e-mail, and an address that is taken.
    let other = register(&house.auth, &house.outbox, &visit, EMAIL, Password::word(WORD)).await;
    house.canaries.done("a registration by e-mail", &other);
    house.later();
    show(&visit.sign_up(PHONE, NAME, "2026-01").await.unwrap());
    done
}

/// An authenticator, backup codes, a passkey, an approving device: enrolled, refused, used.
async fn second_factors(house: &mut House, mut session: Box<Done>) -> Box<Done> {
    let visit = house.visit();
    let (auth, outbox) = (house.auth.clone(), house.outbox.clone());
    let message = || async { outbox.code(&auth).await };
    house.later();
    let (key, next) = add_totp(&visit, &session.token, WORD, house.hands.now(), message).await;
    session = next;
    house.canaries.text("a TOTP key in groups", &key);
    let plain = key.replace(' ', "");
    house.canaries.text("a TOTP key", &plain);
    let seed = data_encoding::BASE32_NOPAD.decode(plain.as_bytes()).unwrap();
    house.canaries.0.push(("a TOTP seed".into(), seed));
    house.canaries.done("after TOTP", &session);
    house.later();
    let (codes, next) = add_codes(&visit, &session.token, WORD, message).await;
    session = next;
    for code in &codes {
        house.canaries.text("a backup code", code);
        house.canaries.text("a backup code without dashes", &code.replace('-', ""));
    }
    house.canaries.done("after backup codes", &session);
    house.later();
    let begun = propose(&visit, &session.token, WORD, &Passkey::NAME, message).await;
    let (prompt, mut device) = (shown(&begun), Device::at(ORIGIN));
    let made = device.create(&prompt.to_string());
    session = done(visit.answer(&begun.flow, authenticator::wire(&made)).await.unwrap());
    house.canaries.done("after a passkey", &session);
    house.later();
    let next = pending(visit.enrol(&session.token, Approval::NAME).await.unwrap());
    let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    let next = pending(house.by_sms(&next.flow).await);
    session = done(visit.answer(&next.flow, Approval::poll()).await.unwrap());
    house.canaries.done("after an approval", &session);

    house.later();
    let flow = house.begin_sign_in(WORD).await;
    let now = house.hands.now();
    let (wrong, code) = (no_code(&key, now), totp(&key, step(now)));
    house.canaries.text("a wrong TOTP code", &wrong);
    house.canaries.text("a TOTP code", &code);
    show(&visit.answer(&flow, Totp::code(&wrong)).await.unwrap());
    let one = done(visit.answer(&flow, Totp::code(&code)).await.unwrap());
    house.canaries.done("by TOTP", &one);
    let flow = house.begin_sign_in(WORD).await;
    let one = done(visit.answer(&flow, BackupCodes::code(&codes[2])).await.unwrap());
    house.canaries.done("by a backup code", &one);
    let next = pending(visit.sign_in().unnamed().await.unwrap());
    let next = pending(visit.begin(&next.flow, &Passkey::NAME).await.unwrap());
    let signed = device.get(next.begun.as_ref().unwrap().1.as_json());
    let one = done(visit.answer(&next.flow, authenticator::wire(&signed)).await.unwrap());
    house.canaries.done("by a passkey", &one);
    let flow = house.begin_sign_in(WORD).await;
    let next = pending(visit.begin(&flow, &Approval::NAME).await.unwrap());
    show(&next);
    let prompt = shown(&next);
    let (mailbox, number) = (prompt["mailbox"].as_str().unwrap(), prompt["number"].as_str().unwrap());
    house.canaries.text("a mailbox", mailbox);
    house.canaries.text("a number to approve", number);
    show(&visit.answer(&flow, Approval::poll()).await.unwrap());
    let Posted::Claimed(_) = visit.claim(&session.token, mailbox).await.unwrap() else {
        panic!("not claimed")
    };
    show(&visit.claim(&one.token, mailbox).await.unwrap());
    show(&visit.post(&session.token, mailbox, &Approval::number(number)).await.unwrap());
    let one = done(visit.answer(&flow, Approval::poll()).await.unwrap());
    house.canaries.done("by an approval", &one);
    by_link(house).await;
    session
}

/// A link that is looked at, denied, and followed on another device.
async fn by_link(house: &mut House) {
    let visit = house.visit();
    for deny in [true, false] {
        house.later();
        let next = pending(visit.sign_in().with(EMAIL, Password::word(WORD)).await.unwrap());
        let next = pending(visit.begin(&next.flow, &Link::NAME).await.unwrap());
        show(&next);
        let number = shown(&next)["number"].as_str().unwrap().to_owned();
        house.canaries.text("a number beside a link", &number);
        let sent = house.outbox.all(&house.auth).await;
        sent.iter().for_each(|message| {
            show(message);
            show(&message.text());
        });
        let link = sent.iter().rev().find_map(|message| message.param("link")).unwrap().to_owned();
        let address = link.split_once("?m=").unwrap().1;
        house.canaries.text("the address of a link", address);
        show(&visit.look(address).await.unwrap());
        show(&visit.look("nobodys-address-of-all").await.unwrap());
        house.canaries.text("an address that was made up", "nobodys-address-of-all");
        let letter = if deny { Link::denial() } else { Link::number(&number) };
        show(&visit.follow(address, &letter).await.unwrap());
        show(&visit.look(address).await.unwrap());
        let step = visit.answer(&next.flow, Link::poll()).await.unwrap();
        show(&step);
        if !deny {
            house.canaries.done("by a link", &done(step));
        }
    }
}

/// Wrong words until the hold, names that nobody has, names that are none, factors that there are not.
async fn refusals(house: &mut House) {
    let visit = house.visit();
    for nth in 0..7 {
        let word = format!("Неверное слово номер {nth}");
        house.canaries.text("a wrong password", &word);
        let why = refused(visit.sign_in().with(EMAIL, Password::word(&word)).await.unwrap());
        show(&why);
        show_error(&*why);
    }
    for name in ["nobody.at.all@example.org", "+79165550123", "ivan nobody", "a@b@c.example"] {
        house.canaries.text("a name that was typed", name);
        show(&visit.sign_in().with(name, Password::word("Неверное слово")).await.unwrap());
    }
    let made_up = FactorName::owned("made-up-by-the-client");
    house.canaries.text("a factor that was made up", made_up.as_str());
    let answer = propusk::Answer::wire(made_up.clone(), *b"{\"x\":\"Written-by-nobody\"}");
    house.canaries.text("an answer to nothing", "Written-by-nobody");
    show(&visit.sign_in().with(PHONE, answer).await.unwrap());
    let flow = house.auth.random_token().unwrap();
    house.canaries.token("a flow that there is not", &flow);
    show(&visit.begin(&flow, &made_up).await.unwrap());
    // Nobody is hashed for where there is no room.
    let mut full = portal::cheap();
    full.queue = 0;
    let busy = portal::portal(&house.store, Profile::nist_aal1()).hashing(full).factor(Password::default());
    let busy = busy.build().unwrap().visit(Client::unknown());
    let why = refused(busy.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
    assert_eq!(why.code.as_str(), "busy");
    // A client that hangs up in the middle of a step.
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        let mut step = Box::pin(visit.sign_in().with(PHONE, Password::word(WORD)));
        // The one worker may be faster than this thread: then once more.
        if step.as_mut().poll(&mut cx).is_pending() {
            break;
        }
    }
}

async fn over_http(house: &mut House) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&told);
    let http = AuthHttp::builder(house.auth.clone()).on_broken(move |broken| {
        show_error(broken);
        ear.lock().unwrap().push(());
    });
    let http = http.build().unwrap();
    show(&http);
    let router = http.router();
    let mut browser = Web::browser(&router).with("user-agent", AGENT);
    browser.peer = format!("{ADDRESS}:4321").parse().unwrap();
    house.later();
    let begun = browser.post("/auth/sign-in", by_password(PHONE, WORD)).await.expect(200).json();
    let asked = json!({ "flow": begun["flow"], "factor": "sms-code" });
    let begun = browser.post("/auth/flow/begin", asked).await.expect(200).json();
    house.canaries.text("a flow over HTTP", begun["flow"].as_str().unwrap());
    let code = house.code().await;
    let asked = json!({ "flow": begun["flow"], "factor": "sms-code", "answer": { "code": code } });
    browser.post("/auth/flow/answer", asked).await.expect(200);
    for (name, value) in &browser.jar {
        value.split('.').for_each(|one| house.canaries.text(&format!("the cookie {name}"), one));
    }
    for path in ["/auth/session", "/auth/sessions", "/auth/history", "/auth/factors"] {
        browser.get(path).await.expect(200);
    }
    let word = "Третий-пароль-44";
    house.canaries.text("a password over HTTP", word);
    browser.sign_in(PHONE, word).await.problem(403, "wrong");
    // Each call of a step fails once, before it is done and after.
    for fault in [Fault::FailsBefore, Fault::FailsAfter] {
        for nth in 0..40 {
            house.store.plan(nth, fault);
            browser.sign_in(PHONE, WORD).await;
            let reached = house.store.calls() > nth;
            house.store.mend();
            if !reached {
                break;
            }
        }
    }
    assert!(told.lock().unwrap().len() > 5, "something broke");
    browser.delete("/auth/session").await.expect(204);
    browser.get("/auth/session").await.problem(401, "no_session");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_secret_is_logged_counted_shown_or_told() {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(|| Line)
        .without_time()
        .init();
    metrics::set_global_recorder(Ear).unwrap();
    let (store, hands, outbox) =
        (FaultyStore::new(MemoryStore::default()), Hands::default(), Outbox::default());
    let mut profile = Profile::public_portal();
    let long = std::time::Duration::from_secs(30 * 24 * 3600);
    (profile.sessions.idle, profile.sessions.absolute) = (long, long);
    (profile.recipient_rate.uses, profile.message_rate.uses, profile.network_rate.uses) =
        (1000, 1000, 100_000);
    let auth = portal::portal(&store, profile)
        .clock(hands.clone())
        .entropy(SeededEntropy::new(11))
        .sender(outbox.clone())
        .factor(Password::default())
        .factor(Code::sms())
        .factor(Code::email())
        .factor(Totp::default())
        .factor(BackupCodes::default())
        .factor(Passkey::default())
        .factor(Approval::default())
        .factor(Link::at("/link"))
        .build()
        .unwrap();
    show(&auth);
    show(&ring());
    let mut canaries = Canaries::default();
    for (what, text) in [
        ("the password", WORD),
        ("the next password", NEW_WORD),
        ("a phone", PHONE),
        ("a phone without its sign", &PHONE[1..]),
        ("an e-mail address", EMAIL),
    ] {
        canaries.text(what, text);
    }
    for from in [1_u8, 101] {
        canaries.0.push(("a key of the ring".into(), (from..from + 32).collect()));
    }
    let mut house = House { auth, store, hands, outbox, canaries };

    let session = Box::pin(registration(&mut house)).await;
    let session = Box::pin(second_factors(&mut house, session)).await;
    Box::pin(refusals(&mut house)).await;
    Box::pin(over_http(&mut house)).await;
    house.later();
    let visit = house.visit();
    let next = pending(visit.change(&session.token, Password::NAME).await.unwrap());
    let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    let changed = done(visit.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap());
    house.canaries.done("a change", &changed);
    let live = house.auth.session(&changed.token).await.unwrap().unwrap();
    show(&live);
    show(&house.auth.session(&session.token).await.unwrap());
    show(&house.auth.sessions(live.account()).await.unwrap());
    show(&house.auth.credentials(live.account()).await.unwrap());
    show(&house.auth.account(live.account()).await.unwrap());
    show(&house.auth.history(live.account(), EventPage::newest(100)).await.unwrap());
    for message in house.outbox.all(&house.auth).await {
        if let Some(code) = message.param("code") {
            house.canaries.text("a code by message", code);
        }
    }

    let lines = String::from_utf8(LINES.lock().unwrap().clone()).unwrap();
    let shown = SHOWN.lock().unwrap().clone();
    let metrics: BTreeMap<String, u64> = METRICS
        .lock()
        .unwrap()
        .iter()
        .map(|(key, cell)| (key.clone(), cell.load(Ordering::SeqCst)))
        .collect();
    let labels: String = metrics.keys().map(|key| format!("{key}\n")).collect();
    println!(
        "counted: secrets sought in spans, events, labels, errors and Debug, seed 11, count {}",
        house.canaries.0.len()
    );
    if let Ok(dir) = std::env::var("CANARY_OUT") {
        std::fs::write(format!("{dir}/lines"), &lines).unwrap();
        std::fs::write(format!("{dir}/shown"), &shown).unwrap();
        std::fs::write(format!("{dir}/metrics"), format!("{metrics:#?}")).unwrap();
    }

    // It was looked for where it would be.
    assert!(house.canaries.0.len() > 80 && lines.len() > 20_000 && shown.len() > 20_000);
    assert_eq!(
        house.canaries.in_text(&format!("x {EMAIL} y")),
        ["an e-mail address (as it is)", "an e-mail address (escaped)", "an e-mail address (reversed case)"]
    );
    assert!(house.canaries.in_text(&format!("{:?}", (1..33).collect::<Vec<u8>>())).len() == 1);

    for (where_, text) in [("a line", &lines), ("a label", &labels), ("Debug or an error", &shown)] {
        assert_eq!(house.canaries.in_text(text), [""; 0], "in {where_}");
    }
    // Nor anything else of a person, where it stays for long and goes far.
    let account = live.account().to_string();
    for person in [NAME, ADDRESS, AGENT, "Canary", &account, &live.id().to_string()] {
        assert!(!lines.contains(person) && !labels.contains(person), "{person}");
    }
    told(&lines, &metrics);
}

/// What an operator sees of all this.
fn told(lines: &str, metrics: &BTreeMap<String, u64>) {
    for line in [
        r#"step{call="sign-up" flow="sign-up" factor="sms-code" outcome="pending" ms="#,
        r#"step{call="answer" flow="sign-up" factor="password" outcome="unfit" ms="#,
        r#"step{call="answer" flow="sign-in" factor="totp" outcome="done" ms="#,
        r#"step{call="answer" flow="enrol" factor="passkey" outcome="done" ms="#,
        r#"step{call="sign-in" flow="sign-in" factor="password" outcome="held" ms="#,
        r#"step{call="sign-in" flow="sign-in" factor="password" outcome="broken" ms="#,
        r#"step{call="sign-in" flow="sign-in" factor="password" outcome="dropped" ms="#,
        r#"step{call="begin" flow="none" factor="none" outcome="no_flow" ms="#,
        r#"step{call="post" flow="none" factor="approval" outcome="left" ms="#,
        r#"ERROR step{call="sign-in"}: propusk"#,
        r#"store{call="commit"}"#,
    ] {
        assert!(lines.contains(line), "{line}");
    }
    let count = |key: &str| metrics.get(key).copied().unwrap_or_else(|| panic!("no {key} in {metrics:#?}"));
    let steps = |call, flow, factor, outcome| {
        count(&format!("propusk_steps_total{{call={call},flow={flow},factor={factor},outcome={outcome}}}"))
    };
    assert_eq!(steps("answer", "sign-in", "totp", "done"), 1);
    assert_eq!(steps("answer", "sign-in", "totp", "wrong"), 1);
    assert_eq!(steps("sign-in", "sign-in", "password", "dropped"), 1);
    assert!(steps("sign-in", "sign-in", "password", "broken") > 3);
    // Six wrong words: the sixth begins the hold, the seventh is refused because of it.
    assert_eq!(count("propusk_holds_total{factor=password}"), 1);
    assert_eq!(count("propusk_guards_total{outcome=held}"), 1);
    assert_eq!(count("propusk_sessions_total{outcome=live}"), 5);
    assert_eq!(count("propusk_sessions_total{outcome=none}"), 1);
    assert!(count("propusk_messages_total{outcome=delivered}") > 5);
    assert!(count("propusk_store_errors_total{call=commit}") > 0);
    assert!(count("propusk_hash_seconds{}") > 10 && count("propusk_hash_wait_seconds{}") > 10);
    assert_eq!(count("propusk_hash_refused_total{}"), 1);
    assert_eq!(count("propusk_hash_queue{}"), 0, "nobody waits at the end");
    // Every one of them is in the manual, and the other way round.
    let manual = include_str!("../src/manual/observing.md");
    let described: BTreeSet<&str> =
        manual.split('`').filter(|word| word.starts_with("propusk_") && !word.contains(' ')).collect();
    let seen: BTreeSet<&str> = metrics.keys().map(|key| key.split('{').next().unwrap()).collect();
    assert_eq!(seen, described);
    // Names that a client can make up would be a way to fill a monitoring system.
    assert!(metrics.len() < 200, "{}", metrics.len());
}
