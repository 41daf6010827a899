//! E-mail through a real mail server:
//!
//! ```text
//! tests/with smtp -- cargo test --features full --test email
//! ```
#![cfg(all(feature = "email", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/portal.rs"]
mod portal;

use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portal::{Hands, ORIGIN, WORD, done, pending, portal};
use propusk::account::identifier::Identifier;
use propusk::auth::Tended;
use propusk::error::Broken;
use propusk::id::FactorName;
use propusk::message::email::{EmailSender, Smtp};
use propusk::message::{Message, Sender, Sending, Sent};
use propusk::secret::Secret;
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

fn sink() -> Smtp {
    Smtp::local(server().ip()).unwrap().port(server().port())
}

fn sender() -> EmailSender {
    EmailSender::smtp(sink(), NAME, FROM).unwrap()
}

/// What was said of each attempt: the end, or the error with its causes.
#[derive(Clone, Debug, Default)]
struct Said(Arc<Mutex<Vec<String>>>);

impl Said {
    fn last(&self) -> String {
        self.0.lock().unwrap().last().cloned().unwrap()
    }
}

#[derive(Debug)]
struct Noting(EmailSender, Said);

impl Sender for Noting {
    fn takes(&self, address: &Identifier) -> bool {
        self.0.takes(address)
    }

    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(async {
            let sent = self.0.send(message).await;
            self.1.0.lock().unwrap().push(match &sent {
                Ok(Sent::Delivered) => String::from("delivered"),
                Ok(_) => String::from("rejected"),
                Err(error) => {
                    let mut said = error.to_string();
                    let mut cause = error.source();
                    while let Some(error) = cause {
                        said = format!("{said}: {error}");
                        cause = error.source();
                    }
                    said
                }
            });
            sent
        })
    }
}

struct House {
    auth: Auth,
    hands: Hands,
    said: Said,
}

fn house(site: &str, sender: EmailSender) -> House {
    let (hands, said) = (Hands::default(), Said::default());
    let mut profile = Profile::nist_aal1();
    profile.recipient_rate.uses = 1_000_000;
    let auth = portal(&MemoryStore::default(), profile)
        .site(Site::new(site, ORIGIN))
        .clock(hands.clone())
        .sender(Noting(sender, said.clone()))
        .factor(Password::default())
        .factor(Code::email())
        .build()
        .unwrap();
    House { auth, hands, said }
}

impl House {
    async fn sign_up(&self, address: &str) -> propusk::Token {
        let visit = self.auth.visit(Client::unknown());
        pending(visit.sign_up(address, "Иван", "2026-01").await.unwrap()).flow
    }

    /// Delivered, postponed, given up.
    async fn tend(&self) -> (usize, usize, usize) {
        let Tended { delivered, postponed, given_up, .. } = self.auth.tend(10).await.unwrap();
        (delivered, postponed, given_up)
    }

    /// What becomes of the first attempt at a letter to this address, and what is said of it.
    async fn attempt(&self, address: &str) -> ((usize, usize, usize), String) {
        let _ = self.sign_up(address).await;
        (self.tend().await, self.said.last())
    }
}

const DELIVERED: (usize, usize, usize) = (1, 0, 0);
const POSTPONED: (usize, usize, usize) = (0, 1, 0);
const GIVEN_UP: (usize, usize, usize) = (0, 0, 1);

/// A registration with the code that came by mail, from a site whose name is not ASCII.
#[tokio::test]
async fn a_code_that_came_by_mail_registers() {
    let house = house("Портал: госуслуги & Ко", sender());
    let flow = house.sign_up("ivan@example.org").await;
    assert_eq!(house.tend().await, DELIVERED);
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

/// A relay that knows nothing of SMTPUTF8 takes a letter to a domain in any script, and none guesses which domain is meant.
#[tokio::test]
async fn a_domain_goes_out_in_ascii() {
    let house = house("Портал", sender());
    for (typed, sent) in
        [("ivan@пример.рф", "ivan@xn--e1afmkfd.xn--p1ai"), ("hans@faß.de", "hans@xn--fa-hia.de")]
    {
        let _ = house.sign_up(typed).await;
        assert_eq!(house.tend().await, DELIVERED);
        let letters = letters_to(sent);
        let [letter] = letters.as_slice() else { panic!("{letters:?}") };
        assert!(!letter["options"].to_string().contains("SMTPUTF8"), "{letter}");
    }
}

/// ATTACKS 60: nothing that a name holds becomes a header or a recipient.
#[tokio::test]
async fn a_name_brings_no_header_and_no_recipient() {
    let name = "Portal\r\nBcc: thief@example.org\r\n\r\nClick here\n.\r\nRCPT TO:<thief@example.org>";
    let house = house(name, EmailSender::smtp(sink(), name, FROM).unwrap());
    let _ = house.sign_up("anna@example.org").await;
    assert_eq!(house.tend().await, DELIVERED);
    let letters = letters_to("anna@example.org");
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    let mut names: Vec<_> = letter["names"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    names.sort_unstable();
    let usual = ["content-transfer-encoding", "content-type", "date", "from", "message-id", "mime-version"];
    let usual = usual.iter().chain(&["subject", "to"]);
    assert!(names.iter().all(|name| usual.clone().any(|one| one == name)), "{names:?}");
    assert!(letters_to("thief@example.org").is_empty());
}

/// A mailbox that is not there is given up at once, and nobody is asked twice.
#[tokio::test]
async fn a_mailbox_that_is_not_there_is_given_up_at_once() {
    let house = house("Portal", sender());
    for code in ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"] {
        let (tended, said) = house.attempt(&format!("code{code}@example.org")).await;
        assert_eq!((tended, said.as_str()), (GIVEN_UP, "rejected"), "{code}");
        house.hands.advance(60);
        assert_eq!(house.tend().await, (0, 0, 0), "{code}");
    }
}

/// Greylisting: the same letter again, later.
#[tokio::test]
async fn who_is_to_be_asked_twice_gets_the_same_letter_later() {
    let house = house("Portal", sender());
    let (tended, said) = house.attempt("busy@example.org").await;
    assert_eq!(tended, POSTPONED);
    assert!(said.contains("451") && said.contains("4.7.1 try again later"), "{said}");
    assert_eq!(house.tend().await, (0, 0, 0), "not at once");
    house.hands.advance(60);
    assert_eq!((house.tend().await, house.said.last().as_str()), (DELIVERED, "delivered"));
    assert_eq!(letters_to("busy@example.org").len(), 1);
}

/// A server that refuses for good this sender, this letter, or without a reason, says nothing of the mailbox: it is
/// asked again with what it said in the hands of whoever looks, and in the end the message is reported as given up.
#[tokio::test]
async fn what_says_nothing_of_the_mailbox_is_tried_again_and_reported() {
    let mail = |from| EmailSender::smtp(sink(), NAME, from).unwrap();
    for (from, to, reply) in [
        (FROM, "code5.7.1@example.org", "5.7.1 not for this recipient"),
        (FROM, "code5.2.2@example.org", "5.2.2 not for this recipient"),
        (FROM, "code5.1.11@example.org", "5.1.11 not for this recipient"),
        (FROM, "code4.1.1@example.org", "4.1.1 not for this recipient"),
        (FROM, "bare@example.org", "550): not for this recipient"),
        (FROM, "spam@example.org", "5.7.1 looks like spam"),
        (FROM, "dot5.7.1@example.org", "5.7.1 not this letter"),
        (
            "barred@portal.example",
            "ivan-barred@example.org",
            "553): 5.7.1 you are not the owner of this sender",
        ),
    ] {
        let house = house("Portal", mail(from));
        let (tended, said) = house.attempt(to).await;
        assert_eq!(tended, POSTPONED, "{to}: {said}");
        assert!(said.contains(reply), "{to}: {said}");
        let mut again = 0;
        let end = loop {
            house.hands.advance(45);
            let tended = house.tend().await;
            again += tended.1;
            if tended.2 > 0 || again > 50 {
                break tended;
            }
        };
        assert_eq!(end, GIVEN_UP, "{to}");
        assert!(again > 2, "{to}: {again}");
        assert!(letters_to(to).is_empty());
    }
}

/// A letter that was cut off while its acknowledgement was awaited: nobody says that it is delivered, it is sent again
/// with the same id, and no other letter is given the answer that was meant for it.
#[tokio::test]
async fn an_acknowledgement_that_comes_late_is_no_other_letters() {
    // The letter itself takes milliseconds; on a machine that is busy, more.
    let server = sink().timeout(Duration::from_secs(4));
    let house = house("Portal", EmailSender::smtp(server, NAME, FROM).unwrap());
    let (tended, said) = house.attempt("slow@example.org").await;
    assert_eq!(tended, POSTPONED, "{said}");
    assert!(said.contains("whether it has the letter is not known"), "{said}");

    // By another connection: from here on, what was awaited lies ready to be read.
    let other = self::house("Portal", sender());
    assert_eq!(other.attempt("release@example.org").await.0, DELIVERED);
    let (tended, said) = house.attempt("dot5.7.1@example.org").await;
    assert_eq!(tended, POSTPONED, "{said}");
    assert!(said.contains("5.7.1 not this letter"), "{said}");
    assert_eq!(house.attempt("after@example.org").await.0, DELIVERED);
    assert_eq!(letters_to("after@example.org").len(), 1);

    house.hands.advance(60);
    let (delivered, postponed, given_up) = house.tend().await;
    assert_eq!((delivered, postponed, given_up), (1, 1, 0), "the slow one, and the refused one again");
    let ids: Vec<_> = letters_to("slow@example.org").iter().map(|letter| letter["id"].clone()).collect();
    assert!(ids.len() == 2 && ids[0] == ids[1], "{ids:?}");
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
        assert_eq!(house.attempt("oleg@example.org").await.0, POSTPONED);
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
    let secret = Secret::text("a very secret word".to_owned());
    let shown = format!("{:?}{:?}", local().login("portal", &secret).unwrap(), sender());
    assert!(!shown.contains("secret"), "{shown}");
    let no_text = Secret::new(vec![0xff, 0xfe]);
    assert!(
        matches!(local().login("portal", &no_text), Err(Broken::Misuse(_))),
        "no empty password is tried"
    );
    // Half a lease: after it another node would send the letter that this one is still at.
    let patient = format!("{:?}", local().timeout(Duration::from_secs(3600)));
    assert!(patient.contains("patience: 60s"), "{patient}");
}

/// Each letter a file, for development.
#[tokio::test]
async fn letters_in_files() {
    let folder = std::env::temp_dir().join(format!("propusk-letters-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let house = house("Portal", EmailSender::files(&folder, NAME, FROM).unwrap());
    let _ = house.sign_up("vera@example.org").await;
    assert_eq!(house.tend().await, DELIVERED);
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    assert!(std::fs::read_to_string(file).unwrap().contains("vera@example.org"));
    std::fs::remove_dir_all(&folder).unwrap();
}
