//! What is accepted once.

use propusk::factor::backup_code::BackupCodes;
use propusk::factor::hotp::{Hotp, Token};
use propusk::factor::passkey::Passkey;
use propusk::factor::totp::Totp;
use propusk::flow::{Followed, Posted};
use propusk::id::FactorName;
use propusk::{Approval, Client, Link};
use serde_json::{Value, json};

use super::FLOWS;
use super::door::Open;
use super::entries::Confirmation;
use super::nodes::{Nodes, Person};
use crate::authenticator::Device;
use crate::otp;
use crate::portal::ORIGIN;

/// One kind of it.
pub trait Thing {
    fn what(&self) -> &'static str;

    fn factor(&self) -> FactorName;

    /// In how many flows one of them is good: many, where the person holds it, one, where it was made for a flow.
    fn flows(&self) -> usize {
        1
    }

    /// Whether it signs in without a name and a password.
    fn alone(&self) -> bool {
        false
    }

    /// Called before each round: the person needs another one.
    async fn ready(&mut self, _person: &mut Person) {}

    /// The answer to a flow that stands where it can be given, begun if there is something to begin.
    async fn secret(&mut self, person: &Person, open: &mut Open) -> String;
}

/// A code by SMS or e-mail.
pub struct SentCode {
    what: &'static str,
    factor: FactorName,
}

impl SentCode {
    pub fn sms() -> Self {
        Self { what: "an SMS code", factor: FactorName::new("sms-code") }
    }

    pub fn email() -> Self {
        Self { what: "an e-mail code", factor: FactorName::new("email-code") }
    }
}

impl Thing for SentCode {
    fn what(&self) -> &'static str {
        self.what
    }

    fn factor(&self) -> FactorName {
        self.factor.clone()
    }

    async fn secret(&mut self, person: &Person, open: &mut Open) -> String {
        *open = person.nodes.door(1).begin(open, &self.factor).await.pending();
        json!({ "code": person.nodes.code().await }).to_string()
    }
}

/// A code of an authenticator.
#[derive(Default)]
pub struct AppCode {
    key: String,
}

impl AppCode {
    fn code(key: &str, nodes: &Nodes) -> String {
        json!({ "code": otp::totp(key, otp::step(nodes.now())) }).to_string()
    }
}

impl Thing for AppCode {
    fn what(&self) -> &'static str {
        "a TOTP code"
    }

    fn factor(&self) -> FactorName {
        Totp::NAME
    }

    fn flows(&self) -> usize {
        FLOWS
    }

    async fn ready(&mut self, person: &mut Person) {
        if self.key.is_empty() {
            let nodes = person.nodes.clone();
            let confirm = |shown: &Value| self.first(shown, &nodes);
            person.enrol(&Totp::NAME, confirm).await;
        }
    }

    async fn secret(&mut self, person: &Person, _: &mut Open) -> String {
        Self::code(&self.key, &person.nodes)
    }
}

impl Confirmation for AppCode {
    fn first(&mut self, shown: &Value, nodes: &Nodes) -> String {
        shown["key"].as_str().unwrap().clone_into(&mut self.key);
        Self::code(&self.key, nodes)
    }
}

/// A code of a token with a button.
#[derive(Default)]
pub struct TokenCode {
    pressed: u64,
}

impl TokenCode {
    const KEY: &[u8] = b"12345678901234567890";
}

impl Thing for TokenCode {
    fn what(&self) -> &'static str {
        "an HOTP code"
    }

    fn factor(&self) -> FactorName {
        Hotp::NAME
    }

    fn flows(&self) -> usize {
        FLOWS
    }

    async fn ready(&mut self, person: &mut Person) {
        if self.pressed == 0 {
            let token = Token::new(Self::KEY, 6, 0).unwrap();
            let auth = &person.nodes.nodes[0];
            Hotp::assign(auth, person.account, &token, &Client::unknown()).await.unwrap();
            // It ended all sessions.
            let _ = person.sign_in(false).await;
        }
    }

    async fn secret(&mut self, _: &Person, _: &mut Open) -> String {
        self.pressed += 1;
        json!({ "code": otp::hotp(Self::KEY, self.pressed - 1) }).to_string()
    }
}

#[derive(Default)]
pub struct BackupCode {
    left: Vec<String>,
}

impl Thing for BackupCode {
    fn what(&self) -> &'static str {
        "a backup code"
    }

    fn factor(&self) -> FactorName {
        BackupCodes::NAME
    }

    fn flows(&self) -> usize {
        FLOWS
    }

    async fn ready(&mut self, person: &mut Person) {
        // The last one stays: a set without any is not offered, and then nothing is used.
        if self.left.len() < 2 {
            let confirm = |shown: &Value| {
                self.left = serde_json::from_value(shown["codes"].clone()).unwrap();
                json!({ "saved": true }).to_string()
            };
            person.enrol(&BackupCodes::NAME, confirm).await;
        }
    }

    async fn secret(&mut self, _: &Person, _: &mut Open) -> String {
        json!({ "code": self.left.pop().unwrap() }).to_string()
    }
}

pub struct PasskeyChallenge {
    device: Device,
    enrolled: bool,
}

impl PasskeyChallenge {
    pub fn new() -> Self {
        Self { device: Device::at(ORIGIN), enrolled: false }
    }
}

impl Thing for PasskeyChallenge {
    fn what(&self) -> &'static str {
        "a passkey challenge"
    }

    fn factor(&self) -> FactorName {
        Passkey::NAME
    }

    fn alone(&self) -> bool {
        true
    }

    async fn ready(&mut self, person: &mut Person) {
        if !self.enrolled {
            let confirm = |shown: &Value| self.device.create(&shown.to_string()).to_string();
            person.enrol(&Passkey::NAME, confirm).await;
            self.enrolled = true;
        }
    }

    async fn secret(&mut self, person: &Person, open: &mut Open) -> String {
        *open = person.nodes.door(1).begin(open, &Passkey::NAME).await.pending();
        self.device.get(&open.prompt.clone().unwrap().to_string()).to_string()
    }
}

/// A link that was followed on another device: the page that waits goes on with it.
pub struct LinkElsewhere;

impl Thing for LinkElsewhere {
    fn what(&self) -> &'static str {
        "a link followed elsewhere"
    }

    fn factor(&self) -> FactorName {
        Link::NAME
    }

    async fn secret(&mut self, person: &Person, open: &mut Open) -> String {
        let nodes = &person.nodes;
        *open = nodes.door(1).begin(open, &Link::NAME).await.pending();
        let shown = open.prompt.clone().unwrap();
        let letters = nodes.outbox.all(&nodes.nodes[0]).await;
        let link = letters.iter().rev().find_map(|letter| letter.param("link")).unwrap();
        let (_, at) = link.split_once("?m=").unwrap();
        let phone = Client::unknown().bound_by(nodes.nodes[0].random_token().unwrap());
        let number = Link::number(shown["number"].as_str().unwrap());
        let followed = nodes.nodes[0].visit(phone).follow(at, &number).await.unwrap();
        assert!(matches!(followed, Followed::Left), "{followed:?}");
        "{}".to_owned()
    }
}

pub struct AnApproval;

impl Thing for AnApproval {
    fn what(&self) -> &'static str {
        "an approval"
    }

    fn factor(&self) -> FactorName {
        Approval::NAME
    }

    async fn ready(&mut self, person: &mut Person) {
        if person.nodes.nodes[0].credentials(person.account).await.unwrap().len() < 2 {
            person.enrol(&Approval::NAME, |_| "{}".to_owned()).await;
        }
        // No session answers for itself.
        if person.beside.is_none() {
            person.beside = Some(person.session.clone());
            let _ = person.sign_in(false).await;
        }
    }

    async fn secret(&mut self, person: &Person, open: &mut Open) -> String {
        let nodes = &person.nodes;
        *open = nodes.door(0).begin(open, &Approval::NAME).await.pending();
        let shown = open.prompt.clone().unwrap();
        let (mailbox, number) = (shown["mailbox"].as_str().unwrap(), shown["number"].as_str().unwrap());
        let (phone, session) = (nodes.nodes[1].visit(Client::unknown()), person.beside.as_ref().unwrap());
        assert!(matches!(phone.claim(session, mailbox).await.unwrap(), Posted::Claimed(_)));
        let posted = phone.post(session, mailbox, &Approval::number(number)).await.unwrap();
        assert!(matches!(posted, Posted::Left), "{posted:?}");
        "{}".to_owned()
    }
}
