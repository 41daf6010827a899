//! E-mail through a real mail server:
//!
//! ```text
//! tests/with smtp -- cargo test --features full --test email
//! ```
#![cfg(all(feature = "email", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/portal.rs"]
mod portal;

use std::net::SocketAddr;
use std::time::Duration;

use portal::{Hands, ORIGIN, WORD, done, pending, portal};
use propusk::error::Broken;
use propusk::id::FactorName;
use propusk::message::email::{EmailSender, Smtp};
use propusk::{Auth, Client, Code, MemoryStore, Password, Profile, Site};
use serde_json::Value;

const MAIL: FactorName = FactorName::new("email-code");
const NAME: &str = "Портал: услуги";
const FROM: &str = "no-reply@portal.example";

fn server() -> SocketAddr {
    let address = std::env::var("PROPUSK_SMTP");
    address.expect("tests/with smtp -- cargo test --features full --test email").parse().unwrap()
}

fn letters_to(address: &str) -> Vec<Value> {
    let all = std::fs::read_to_string(std::env::var("PROPUSK_LETTERS").unwrap()).unwrap();
    let all = all.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|letter| letter["to"] == serde_json::json!([address])).collect()
}

fn sender() -> EmailSender {
    EmailSender::smtp(Smtp::local(server().ip()).unwrap().port(server().port()), NAME, FROM).unwrap()
}

struct House {
    auth: Auth,
    hands: Hands,
}

fn house(site: &str, sender: EmailSender) -> House {
    let hands = Hands::default();
    let mut profile = Profile::nist_aal1();
    profile.recipient_rate.uses = 1_000_000;
    let auth = portal(&MemoryStore::default(), profile)
        .site(Site::new(site, ORIGIN))
        .clock(hands.clone())
        .sender(sender)
        .factor(Password::default())
        .factor(Code::email())
        .build()
        .unwrap();
    House { auth, hands }
}

impl House {
    async fn sign_up(&self, address: &str) -> propusk::Token {
        let visit = self.auth.visit(Client::unknown());
        pending(visit.sign_up(address, "Иван", "2026-01").await.unwrap()).flow
    }
}

/// A registration with the code that came by mail, from a site whose name is not ASCII.
#[tokio::test]
async fn a_code_that_came_by_mail_registers() {
    let house = house("Портал: госуслуги & Ко", sender());
    let flow = house.sign_up("ivan@example.org").await;
    assert_eq!(house.auth.tend(10).await.unwrap().delivered, 1);
    let letters = letters_to("ivan@example.org");
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!(letter["from"], "no-reply@portal.example");
    assert!(letter["author"].as_str().unwrap().contains("Портал: услуги"), "{letter}");
    assert!(letter["subject"].as_str().unwrap().starts_with("Портал: госуслуги & Ко"), "{letter}");
    let body = letter["body"].as_str().unwrap();
    let code = body.split(|sign: char| !sign.is_ascii_digit()).find(|digits| digits.len() == 6).unwrap();
    let visit = house.auth.visit(Client::unknown());
    let next = pending(visit.answer(&flow, Code::typed(MAIL, code)).await.unwrap());
    let _ = done(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
}

/// ATTACKS 60: nothing that a name holds becomes a header or a recipient.
#[tokio::test]
async fn a_name_brings_no_header_and_no_recipient() {
    let name = "Portal\r\nBcc: thief@example.org\r\n\r\nClick here\n.\r\nRCPT TO:<thief@example.org>";
    let server = Smtp::local(server().ip()).unwrap().port(server().port());
    let house = house(name, EmailSender::smtp(server, name, FROM).unwrap());
    let _ = house.sign_up("anna@example.org").await;
    assert_eq!(house.auth.tend(10).await.unwrap().delivered, 1);
    let letters = letters_to("anna@example.org");
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    let mut names: Vec<_> = letter["names"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    names.sort_unstable();
    let usual = ["content-transfer-encoding", "content-type", "date", "from", "message-id", "mime-version"];
    let usual = usual.iter().chain(&["subject", "to"]);
    assert!(names.iter().all(|name| usual.clone().any(|one| one == name)), "{names:?}");
    assert!(letters_to("thief@example.org").is_empty());
}

/// A mailbox that is not there is given up at once; one that is to be asked twice gets the same letter later; what a
/// server has against the letter itself is tried again.
#[tokio::test]
async fn what_is_refused_for_good_is_given_up_and_the_rest_tried_again() {
    let house = house("Portal", sender());
    let _ = house.sign_up("nobody@example.org").await;
    let tended = house.auth.tend(10).await.unwrap();
    assert_eq!((tended.delivered, tended.postponed, tended.given_up), (0, 0, 1));

    let _ = house.sign_up("busy@example.org").await;
    let tended = house.auth.tend(10).await.unwrap();
    assert_eq!((tended.delivered, tended.postponed, tended.given_up), (0, 1, 0));
    assert_eq!(house.auth.tend(10).await.unwrap().delivered, 0, "not at once");
    house.hands.advance(60);
    assert_eq!(house.auth.tend(10).await.unwrap().delivered, 1);
    assert_eq!(letters_to("busy@example.org").len(), 1);

    let _ = house.sign_up("spam@example.org").await;
    let tended = house.auth.tend(10).await.unwrap();
    assert_eq!((tended.delivered, tended.postponed, tended.given_up), (0, 1, 0));
}

/// No server, one that never answers, one without TLS where TLS is asked for: nothing is sent, nothing is lost.
#[tokio::test]
async fn without_a_server_a_message_waits() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let local =
        |port| Smtp::local([127, 0, 0, 1].into()).unwrap().port(port).timeout(Duration::from_millis(200));
    for server in [
        local(gone.port()),
        local(silent.local_addr().unwrap().port()),
        Smtp::starttls("localhost").unwrap().port(server().port()),
        Smtp::tls("localhost").unwrap().port(server().port()).timeout(Duration::from_millis(200)),
    ] {
        let house = house("Portal", EmailSender::smtp(server, NAME, FROM).unwrap());
        let _ = house.sign_up("oleg@example.org").await;
        let tended = house.auth.tend(10).await.unwrap();
        assert_eq!((tended.delivered, tended.postponed, tended.given_up), (0, 1, 0));
    }
    assert!(letters_to("oleg@example.org").is_empty());
}

#[tokio::test]
async fn what_cannot_work_is_refused_when_it_is_made() {
    assert!(matches!(Smtp::local([203, 0, 113, 5].into()), Err(Broken::Misuse(_))));
    let local = || Smtp::local([127, 0, 0, 1].into()).unwrap();
    for from in ["", "portal", "a@b@c", "Portal <a@example.org>", "a@example.org\r\nBcc: b@example.org"] {
        assert!(matches!(EmailSender::smtp(local(), NAME, from), Err(Broken::Misuse(_))), "{from:?}");
    }
    let secret = propusk::secret::Secret::text("a very secret word".to_owned());
    let shown = format!("{:?}{:?}", local().login("portal", &secret), sender());
    assert!(!shown.contains("secret"), "{shown}");
}

/// Each letter a file, for development.
#[tokio::test]
async fn letters_in_files() {
    let folder = std::env::temp_dir().join(format!("propusk-letters-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let house = house("Portal", EmailSender::files(&folder, NAME, FROM).unwrap());
    let _ = house.sign_up("vera@example.org").await;
    assert_eq!(house.auth.tend(10).await.unwrap().delivered, 1);
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    assert!(std::fs::read_to_string(file).unwrap().contains("vera@example.org"));
    std::fs::remove_dir_all(&folder).unwrap();
}
