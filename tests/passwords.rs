//! New passwords: none of the last ones, none from a leak, and what a change costs.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/portal.rs"]
mod portal;

use std::future::pending as never;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portal::{Hands, Outbox, PHONE, WORD, done, pending, refused, register};
use propusk::clock::Sleep;
use propusk::error::{Broken, FactorError};
use propusk::factor::password::breach::{
    BreachCheck, Checking, NoAnswer, OnFailure, PADDING, Prefix, RangeSource, Ranges,
};
use propusk::policy::password::{CredentialPolicy, PasswordRules, Rule};
use propusk::{Auth, Client, MemoryStore, Password, Profile, Step, Token, Visit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One factor at the door, the portal's rules for what one chooses.
fn profile() -> Profile {
    Profile::nist_aal1().with_password_policy(PasswordRules::public_portal())
}

fn site(store: &MemoryStore, password: Password, outbox: &Outbox) -> Auth {
    site_at_cost(store, password, outbox, 1)
}

fn site_at_cost(store: &MemoryStore, password: Password, outbox: &Outbox, passes: u32) -> Auth {
    let mut hashing = portal::cheap();
    hashing.passes = passes;
    let built = portal::portal(store, profile()).hashing(hashing).clock(Hands::default());
    let built = built.factor(password).factor(propusk::Code::sms());
    built.sender(outbox.clone()).build().unwrap()
}

/// Proves the old one; gives the step of the new one.
async fn change(visit: &Visit, session: &Token, old: &str, new: &str) -> Step {
    let next = pending(visit.change(session, Password::NAME).await.unwrap());
    let next = pending(visit.answer(&next.flow, Password::word(old)).await.unwrap());
    visit.answer(&next.flow, Password::word(new)).await.unwrap()
}

fn rule(step: Step) -> Rule {
    let why = refused(step);
    assert_eq!((why.code.as_str(), why.rules.len()), ("unfit", 1));
    why.rules[0].clone()
}

fn word(number: usize) -> String {
    format!("Река номер {number} впадает")
}

/// MISSION B1. The present one and five before it: six hashes to compare, one to make, one for the proof.
#[tokio::test]
async fn none_of_the_last_six_is_taken_again() {
    let (store, outbox) = (MemoryStore::default(), Outbox::default());
    let auth = site(&store, Password::default(), &outbox);
    let visit = auth.visit(Client::unknown());
    let mut token = register(&auth, &outbox, &visit, PHONE, Password::word(&word(0))).await.token;
    let cost = |before: u64| auth.hashes().computed() - before;
    for number in 1..8 {
        for before in 0..number {
            let hashed = auth.hashes().computed();
            let step = change(&visit, &token, &word(number - 1), &word(before)).await;
            let age = number - before;
            if age > 6 {
                // The seventh before: forgotten.
                assert!(matches!(step, Step::Done(_)), "{number} {before}");
                assert_eq!(cost(hashed), 8);
                return;
            }
            let rule = rule(step);
            let name = if age == 1 { "same" } else { "reused" };
            assert_eq!(rule.rule.as_str(), name, "{number} {before}");
            assert!(age == 1 || rule.params["last"] == 6);
            assert_eq!(cost(hashed), 1 + age as u64, "the proof, and one for each until it is found");
        }
        let hashed = auth.hashes().computed();
        token = done(change(&visit, &token, &word(number - 1), &word(number)).await).token;
        assert_eq!(cost(hashed), 2 + number.min(6) as u64);
    }
    panic!("nothing was ever forgotten");
}

/// What breaks a rule or proves nothing costs no hash beyond the proof.
#[tokio::test]
async fn an_unfit_password_is_not_hashed() {
    let (store, outbox) = (MemoryStore::default(), Outbox::default());
    let auth = site(&store, Password::default(), &outbox);
    let visit = auth.visit(Client::unknown());
    let token = register(&auth, &outbox, &visit, PHONE, Password::word(WORD)).await.token;
    let next = pending(visit.change(&token, Password::NAME).await.unwrap());
    let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    let hashed = auth.hashes().computed();
    for (text, name) in [
        ("Vq3 kd7", "too_short"),
        ("no capital 7", "no_upper"),
        ("Qwerty-7mk", "keyboard"),
        ("Петров-7Kq2m", "context"),
        ("Gjvbljh-77", "common"),
    ] {
        let rule = rule(visit.answer(&next.flow, Password::word(text)).await.unwrap());
        assert_eq!(rule.rule.as_str(), name, "{text}");
    }
    assert_eq!(auth.hashes().computed(), hashed);
    done(visit.answer(&next.flow, Password::word(&word(1))).await.unwrap());
}

/// A node with another cost hashes anew at a sign-in: what was before is not forgotten with it.
#[tokio::test]
async fn a_new_cost_keeps_the_last_ones() {
    let (store, outbox) = (MemoryStore::default(), Outbox::default());
    let auth = site(&store, Password::default(), &outbox);
    let visit = auth.visit(Client::unknown());
    let token = register(&auth, &outbox, &visit, PHONE, Password::word(&word(0))).await.token;
    done(change(&visit, &token, &word(0), &word(1)).await);
    let dearer = site_at_cost(&store, Password::default(), &outbox, 2);
    let visit = dearer.visit(Client::unknown());
    let hashed = dearer.hashes().computed();
    let token = done(visit.sign_in().with(PHONE, Password::word(&word(1))).await.unwrap()).token;
    assert_eq!(dearer.hashes().computed(), hashed + 2, "checked, and hashed anew");
    assert_eq!(rule(change(&visit, &token, &word(1), &word(0)).await).rule.as_str(), "reused");
    assert_eq!(rule(change(&visit, &token, &word(1), &word(1)).await).rule.as_str(), "same");
}

/// A range service on a socket, as the one in use answers: it keeps what it was asked.
#[derive(Debug, Clone)]
struct Service {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Service {
    async fn answering(body: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service = Self { port: listener.local_addr().unwrap().port(), asked: Arc::default() };
        let asked = service.asked.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(stream.read_u8().await.unwrap());
                }
                asked.lock().unwrap().push(String::from_utf8(request).unwrap());
                let head =
                    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                stream.write_all(head.as_bytes()).await.unwrap();
                stream.write_all(body.as_bytes()).await.unwrap();
            }
        });
        service
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl RangeSource for Service {
    fn lines(&self, prefix: Prefix) -> Checking<'_, String> {
        Box::pin(async move {
            let no = |error: std::io::Error| NoAnswer(Some(Box::new(error)));
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.map_err(no)?;
            let (name, value) = PADDING;
            let request =
                format!("GET {} HTTP/1.1\r\nHost: localhost\r\n{name}: {value}\r\n\r\n", prefix.path());
            stream.write_all(request.as_bytes()).await.map_err(no)?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.map_err(no)?;
            let (head, body) = answer.split_once("\r\n\r\n").ok_or(NoAnswer(None))?;
            if head.starts_with("HTTP/1.1 200 ") { Ok(body.to_owned()) } else { Err(NoAnswer(None)) }
        })
    }
}

/// Nobody ever answers.
#[derive(Debug)]
struct Silence;

impl RangeSource for Silence {
    fn lines(&self, _: Prefix) -> Checking<'_, String> {
        Box::pin(never())
    }
}

/// Time runs only where a test lets it.
#[derive(Debug)]
struct Stopwatch {
    runs: bool,
}

impl Sleep for Stopwatch {
    fn sleep(&self, span: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        assert_eq!(span, Duration::from_secs(2));
        if self.runs { Box::pin(async {}) } else { Box::pin(never()) }
    }
}

fn ranges(source: impl RangeSource, runs: bool) -> Arc<Ranges> {
    Arc::new(Ranges::new(source, Stopwatch { runs }, Duration::from_secs(2)))
}

/// Its range by SHA-1 as the service gives it: another's line, its own, and a padded one.
const SEEN: &str = "Лодка плывет 7 дней";
const HIT: &str = "0018A45C4D1DEF81644B54AB7F969B88D65:1\r\nE444EAE683EB1CCAC52A92E6E46B9824F92:23\r\nFFFFA45C4D1DEF81644B54AB7F969B88D65:0\r\n";

#[tokio::test]
async fn a_leaked_password_is_refused_and_its_hash_stays_here() {
    let service = Service::answering(HIT).await;
    let (store, outbox) = (MemoryStore::default(), Outbox::default());
    let check = ranges(service.clone(), false);
    let auth = site(&store, Password::default().breach_check(check.clone(), OnFailure::Refuse), &outbox);
    let visit = auth.visit(Client::unknown());
    let token = register(&auth, &outbox, &visit, PHONE, Password::word(WORD)).await.token;
    assert_eq!(service.asked().len(), 1, "at registration, too");
    let hashed = auth.hashes().computed();
    let step = change(&visit, &token, WORD, SEEN).await;
    assert_eq!(rule(step).rule.as_str(), "breached");
    assert_eq!(auth.hashes().computed(), hashed + 1, "only the proof was hashed");
    let asked = service.asked().pop().unwrap();
    assert!(
        asked.starts_with("GET /range/B5716 HTTP/1.1\r\n") && asked.contains("Add-Padding: true\r\n"),
        "{asked}"
    );
    assert!(!asked.to_uppercase().contains("E444EAE6"), "{asked}");
    assert_eq!(check.unanswered(), 0);
    // What breaks a rule of ours is nobody else's business.
    let before = service.asked().len();
    assert_eq!(rule(change(&visit, &token, WORD, "Qwerty-7mk").await).rule.as_str(), "keyboard");
    assert_eq!(service.asked().len(), before);
    done(change(&visit, &token, WORD, &word(1)).await);
}

#[tokio::test]
async fn a_service_that_gives_no_answer_fails_as_was_said() {
    let sources: [fn() -> Arc<Ranges>; 2] = [
        || ranges(Silence, true),
        // Nobody listens there.
        || ranges(Service { port: 1, asked: Arc::default() }, false),
    ];
    for make in sources {
        let (store, outbox) = (MemoryStore::default(), Outbox::default());
        let open = make();
        let auth = site(&store, Password::default().breach_check(open.clone(), OnFailure::Accept), &outbox);
        let visit = auth.visit(Client::unknown());
        let token = register(&auth, &outbox, &visit, PHONE, Password::word(WORD)).await.token;
        assert_eq!(open.unanswered(), 1, "an operator sees that it went unchecked");
        let closed = make();
        let auth = site(&store, Password::default().breach_check(closed.clone(), OnFailure::Refuse), &outbox);
        let visit = auth.visit(Client::unknown());
        let next = pending(visit.change(&token, Password::NAME).await.unwrap());
        let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
        let hashed = auth.hashes().computed();
        let broken = visit.answer(&next.flow, Password::word(&word(1))).await.unwrap_err();
        assert!(matches!(broken, Broken::Factor(FactorError::Unavailable(Some(_)))), "{broken:?}");
        assert_eq!((auth.hashes().computed(), closed.unanswered()), (hashed, 1));
        // Nothing was written: the old one still opens.
        done(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
    }
}

/// The lines as the service gives them, and what is none.
#[tokio::test]
async fn answers_are_read_strictly() {
    let seen = |body: &'static str| async move {
        let check = ranges(Service::answering(body).await, false);
        check.seen(&propusk::secret::Secret::new(SEEN)).await.ok()
    };
    assert_eq!(seen(HIT).await, Some(23));
    assert_eq!(
        seen("e444eae683eb1ccac52a92e6e46b9824f92:23\n").await,
        Some(23),
        "case and line ends as they come"
    );
    assert_eq!(seen("E444EAE683EB1CCAC52A92E6E46B9824F92:0\r\n").await, Some(0), "padding is no hit");
    assert_eq!(seen("0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n").await, Some(0));
    for body in [
        "",
        "\r\n",
        "<html>please sign in to the Wi-Fi</html>",
        "E444EAE683EB1CCAC52A92E6E46B9824F92",
        "E444EAE683EB1CCAC52A92E6E46B9824F92:many",
        "E444EAE683EB1CCAC52A92E6E46B9824F92:-1",
        "E444EAE6:1",
        "{\"error\":\"429\"}",
    ] {
        assert_eq!(seen(body).await, None, "{body}");
    }
}

/// A policy of an application's own remembers what it says.
#[tokio::test]
async fn a_policy_says_how_many_are_remembered() {
    assert_eq!(PasswordRules::nist_aal1().remembers(), 1);
    let (store, outbox) = (MemoryStore::default(), Outbox::default());
    let built = portal::portal(&store, Profile::nist_aal1()).clock(Hands::default());
    let auth = built.factor(Password::default()).factor(propusk::Code::sms()).sender(outbox.clone());
    let auth = auth.build().unwrap();
    let visit = auth.visit(Client::unknown());
    let token = register(&auth, &outbox, &visit, PHONE, Password::word(&word(0))).await.token;
    let token = done(change(&visit, &token, &word(0), &word(1)).await).token;
    done(change(&visit, &token, &word(1), &word(0)).await);
}
