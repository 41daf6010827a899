//! A password that must be replaced before there is a session: too old, temporary, known to others. On the memory store
//! and on a SQLite file, in code and over HTTP; and what of a person a new one must not be made of.
#![cfg(all(feature = "sqlite", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[cfg(all(feature = "axum", feature = "openapi"))]
#[path = "../common/described.rs"]
mod described;
#[path = "../common/field.rs"]
mod field;
#[path = "../common/portal.rs"]
mod portal;
#[cfg(feature = "axum")]
#[path = "../common/web.rs"]
mod web;
#[path = "../common/wide.rs"]
mod wide;

mod age;
mod compromised;
mod own_factor;
mod personal;
mod race;
mod temporary;
#[cfg(feature = "axum")]
mod wire;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use portal::{Hands, Outbox, PHONE, WORD, done, pending, refused, register};
use propusk::event::EventPage;
use propusk::factor::password::due::Issued;
use propusk::flow::{Done, Duty, Next};
use propusk::id::{AccountId, FactorName};
use propusk::policy::password::PasswordRules;
use propusk::proof::Due;
use propusk::store::sqlite::SqliteStore;
use propusk::store::{Store, Throttle};
use propusk::{Auth, Client, Code, MemoryStore, Password, Profile, Step, Token, Visit};

const DAY: u64 = 24 * 3600;
const SMS: FactorName = FactorName::new("sms-code");
const BOTH: [Over; 2] = [Over::Memory, Over::Sqlite];

#[derive(Clone, Copy, Debug)]
enum Over {
    Memory,
    Sqlite,
}

/// One factor at the door, the portal's rules for what one chooses: its age and the last six.
fn one_factor() -> Profile {
    Profile::nist_aal1().with_password_policy(PasswordRules::public_portal())
}

fn word(number: usize) -> String {
    format!("Река номер {number} впадает")
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct House {
    auth: Auth,
    hands: Hands,
    outbox: Outbox,
    visit: Visit,
    _folder: Folder,
}

impl House {
    fn new(over: Over, profile: Profile) -> Self {
        Self::with(over, profile, Password::default())
    }

    fn with(over: Over, mut profile: Profile, password: Password) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        profile.recipient_rate.uses = 1000;
        let (hands, outbox) = (Hands::default(), Outbox::default());
        let name = format!("propusk-duty-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = Folder(std::env::temp_dir().join(name));
        std::fs::create_dir(&folder.0).unwrap();
        let auth = match over {
            Over::Memory => build(&MemoryStore::default(), profile, password, &hands, &outbox),
            Over::Sqlite => {
                let store = SqliteStore::open(folder.0.join("auth.db")).unwrap();
                build(&store, profile, password, &hands, &outbox)
            }
        };
        let visit = auth.visit(Client::unknown());
        Self { auth, hands, outbox, visit, _folder: folder }
    }

    async fn person(&self) -> Box<Done> {
        register(&self.auth, &self.outbox, &self.visit, PHONE, Password::word(WORD)).await
    }

    fn days(&self, days: u64) {
        self.hands.advance(days * DAY);
    }

    async fn by(&self, password: &str) -> Step {
        self.visit.sign_in().with(PHONE, Password::word(password)).await.unwrap()
    }

    /// How a sign-in by this password ends: `done`, `pending`, or why not.
    async fn told(&self, password: &str) -> &'static str {
        said(&self.by(password).await)
    }

    /// Proves this password and arrives at the duty.
    async fn at_duty(&self, password: &str, why: Due) -> Token {
        at_duty(*pending(self.by(password).await), why)
    }

    async fn choose(&self, flow: &Token, password: &str) -> Step {
        self.visit.answer(flow, Password::word(password)).await.unwrap()
    }

    /// The rule that refuses it.
    async fn unfit(&self, flow: &Token, password: &str) -> String {
        let why = refused(self.choose(flow, password).await);
        assert_eq!((why.code.as_str(), why.rules.len()), ("unfit", 1), "{password}");
        why.rules[0].rule.to_string()
    }

    /// A code by SMS, in a flow that offers one.
    async fn code(&self, flow: &Token) -> Step {
        let next = pending(self.visit.begin(flow, &SMS).await.unwrap());
        let code = self.outbox.code(&self.auth).await;
        self.visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap()
    }

    async fn sign_in_by_code(&self) -> Step {
        let next = pending(self.visit.sign_in().start(PHONE).await.unwrap());
        self.code(&next.flow).await
    }

    async fn change(&self, session: &Token, old: &str, new: &str) -> Step {
        let next = pending(self.visit.change(session, Password::NAME).await.unwrap());
        let next = pending(self.visit.answer(&next.flow, Password::word(old)).await.unwrap());
        self.choose(&next.flow, new).await
    }

    async fn issue(&self, account: AccountId) -> String {
        let (life, desk) = (Duration::from_secs(DAY), Client::unknown());
        match Password::issue_temporary(&self.auth, account, life, &desk).await.unwrap() {
            Issued::Password(made) => made.expose_str().unwrap().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    async fn lives(&self, token: &Token) -> bool {
        self.auth.session(token).await.unwrap().is_some()
    }

    /// The history, oldest first.
    async fn history(&self, account: AccountId) -> Vec<String> {
        let events = self.auth.history(account, EventPage::newest(100)).await.unwrap();
        events.iter().rev().map(|event| format!("{} {}", event.name, event.outcome.as_str())).collect()
    }

    /// The templates of what was sent since the last look, codes aside.
    async fn notices(&self) -> Vec<String> {
        let all = self.outbox.all(&self.auth).await;
        self.outbox.clear();
        let told = all.iter().filter(|message| message.param("code").is_none());
        told.map(|message| message.template.as_str().to_owned()).collect()
    }
}

fn build<S: Store + Throttle + Clone>(
    store: &S,
    profile: Profile,
    password: Password,
    hands: &Hands,
    outbox: &Outbox,
) -> Auth {
    let built = portal::portal(store, profile).clock(hands.clone()).sender(outbox.clone());
    built.factor(password).factor(Code::sms()).build().unwrap()
}

fn said(step: &Step) -> &'static str {
    match step {
        Step::Done(_) => "done",
        Step::Pending(_) => "pending",
        Step::Refused(why) => why.code.as_str(),
    }
}

/// Enough is proven, there is no session, and just one thing can be done.
fn at_duty(next: Next, why: Due) -> Token {
    assert_eq!((next.duty, next.due), (Some(Duty::Replace), Some(why)));
    let offers: Vec<_> = next.offers.iter().map(|offer| (offer.factor.as_str(), offer.enrols)).collect();
    assert_eq!(offers, [("password", true)]);
    next.flow
}
