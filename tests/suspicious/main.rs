//! A sign-in that is unlike the others of its account (MISSION D5): what is noticed, what follows, and "this was not me" by a
//! link in the notice.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "../common/otp.rs"]
mod otp;
#[path = "../common/portal.rs"]
mod portal;

mod answers;
mod not_me;
mod signals;

use std::net::IpAddr;

use portal::{EMAIL, Hands, Outbox, PHONE, WORD, done, pending};
use propusk::auth::import::{Import, Imported};
use propusk::clock::SystemEntropy;
use propusk::event::{Event, EventPage};
use propusk::flow::Done;
use propusk::hash::{Hashed, Lane};
use propusk::id::{AccountId, FactorName};
use propusk::message::Message;
use propusk::place::{Country, Places};
use propusk::policy::Signal;
use propusk::secret::Secret;
use propusk::store::{Store, Throttle};
use propusk::testing::{CallLog, CountingStore};
use propusk::{Auth, Client, Code, MemoryStore, Password, Profile, Step, Token, Totp};

const MAIL: FactorName = FactorName::new("email-code");
const SMS: FactorName = FactorName::new("sms-code");
const HOME: &str = "192.0.2.7";
const AWAY: &str = "198.51.100.7";
const ABROAD: &str = "203.0.113.7";
const DAY: u64 = 24 * 3600;

/// Of the networks for documentation.
#[derive(Debug)]
struct Map;

impl Places for Map {
    fn country(&self, of: IpAddr) -> Option<Country> {
        match of.to_string().split('.').next()? {
            "192" | "198" => Country::new("ru"),
            "203" => Country::new("DE"),
            "100" => Country::new("FR"),
            _ => None,
        }
    }
}

struct House {
    auth: Auth,
    outbox: Outbox,
    hands: Hands,
    log: CallLog,
}

impl House {
    fn new(profile: Profile) -> Self {
        let store = CountingStore::new(MemoryStore::default());
        let (outbox, hands) = (Outbox::default(), Hands::default());
        let auth = node(&store, profile, &outbox, &hands);
        Self { auth, outbox, hands, log: store.log() }
    }

    /// An account with these contacts and a password.
    async fn account(&self, contacts: &[&str]) -> AccountId {
        let hashed = self.auth.hashes().hash(Lane::Known, Secret::new(WORD), &SystemEntropy).await.unwrap();
        let Hashed::Done(hash) = hashed else { panic!("busy") };
        let password = Password::imported(hash.into()).unwrap();
        let mut import = Import::new("Иван").unwrap().credential(password).unwrap();
        for contact in contacts {
            import = import.verified_contact(contact).unwrap();
        }
        match self.auth.import(&import, &Client::unknown()).await.unwrap() {
            Imported::Made(account) => account,
            other => panic!("{other:?}"),
        }
    }

    /// By a password, and by a code by e-mail where that is asked for.
    async fn step(&self, name: &str, client: &Client) -> Step {
        let visit = self.auth.visit(client.clone());
        let step = visit.sign_in().with(name, Password::word(WORD)).await.unwrap();
        let Step::Pending(next) = step else { return step };
        if next.unusual {
            return Step::Pending(next);
        }
        let _ = pending(visit.begin(&next.flow, &MAIL).await.unwrap());
        let code = self.outbox.code(&self.auth).await;
        visit.answer(&next.flow, Code::typed(MAIL, &code)).await.unwrap()
    }

    async fn enter(&self, name: &str, client: &Client) -> Box<Done> {
        done(self.step(name, client).await)
    }

    /// An account that is used from home: its browser.
    async fn at_home(&self, contacts: &[&str]) -> (AccountId, Token) {
        let account = self.account(contacts).await;
        let browser = self.enter(contacts[0], &from(HOME)).await.browser.unwrap();
        self.hands.advance(3600);
        let _ = self.outbox.all(&self.auth).await;
        self.outbox.clear();
        (account, browser)
    }

    async fn newest(&self, of: AccountId) -> Event {
        self.auth.history(of, EventPage::newest(1)).await.unwrap().pop().unwrap()
    }

    /// What the newest line says of a sign-in.
    async fn signals(&self, of: AccountId) -> Vec<&'static str> {
        let event = self.newest(of).await;
        assert_eq!(event.name.as_str(), "sign-in");
        event.signals().into_iter().map(Signal::as_str).collect()
    }

    /// The notices since the last look.
    async fn told(&self) -> Vec<Message> {
        // What ended by its time is written down first.
        let _ = self.auth.tend(100).await.unwrap();
        let all = self.outbox.all(&self.auth).await;
        self.outbox.clear();
        all.into_iter().filter(|letter| letter.param("code").is_none()).collect()
    }

    async fn templates(&self) -> Vec<String> {
        self.told().await.iter().map(|letter| letter.template.to_string()).collect()
    }

    async fn alive(&self, token: &Token) -> bool {
        self.auth.session(token).await.unwrap().is_some()
    }
}

fn node<S: Store + Throttle + Clone>(store: &S, profile: Profile, outbox: &Outbox, hands: &Hands) -> Auth {
    portal::portal(store, profile)
        .clock(hands.clone())
        .sender(outbox.clone())
        .places(Map)
        .factor(Password::default())
        .factor(Code::email())
        .factor(Code::sms())
        .factor(Totp::default())
        .build()
        .unwrap()
}

fn from(address: &str) -> Client {
    Client::unknown().from_address(address.parse().unwrap())
}

/// The link in a notice, without its page.
fn link(letter: &Message) -> Option<String> {
    Some(letter.param("objection")?.split_once("?o=").unwrap().1.to_owned())
}
