//! A portal to test against: memory store, fast hashing, messages kept.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub, reason = "a test")]

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use propusk::account::identifier::Identifier;
use propusk::auth::Builder;
use propusk::clock::{Clock, Timestamp};
use propusk::flow::{Done, Next, Refusal};
use propusk::message::{Message, Sender, Sending, Sent};
use propusk::{Auth, Code, KeyRing, MemoryStore, Password, Profile, Site, Step, Visit};

pub const ORIGIN: &str = "https://portal.example";
pub const WORD: &str = "Лошадь батарея скрепка 7";

/// What the portal sent.
#[derive(Clone, Debug, Default)]
pub struct Outbox(Arc<Mutex<Vec<Message>>>);

impl Sender for Outbox {
    fn takes(&self, _: &Identifier) -> bool {
        true
    }
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        self.0.lock().unwrap().push(message.clone());
        Box::pin(async { Ok(Sent::Delivered) })
    }
}

impl Outbox {
    pub async fn code(&self, auth: &Auth) -> String {
        let code = |message: &Message| message.param("code").map(str::to_owned);
        self.all(auth).await.iter().rev().find_map(code).unwrap()
    }

    pub async fn all(&self, auth: &Auth) -> Vec<Message> {
        let _ = auth.tend(1000).await.unwrap();
        self.0.lock().unwrap().clone()
    }
}

/// A clock that stands until it is moved.
#[derive(Clone, Debug)]
pub struct Watch(Arc<AtomicI64>);

impl Watch {
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_790_000_000_000)))
    }

    pub fn forward(&self, span: Duration) {
        self.0.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for Watch {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

pub fn portal(profile: Profile) -> (Auth, Outbox) {
    portal_with(profile, |builder| builder)
}

pub fn portal_with(profile: Profile, change: impl FnOnce(Builder) -> Builder) -> (Auth, Outbox) {
    let outbox = Outbox::default();
    let builder = Auth::builder(profile, MemoryStore::default(), KeyRing::random())
        .site(Site::new("Portal", ORIGIN).objections_at("/auth/objection"))
        .hashing(propusk::danger::fast_hashing())
        .sender(outbox.clone())
        .factor(Password::default())
        .factor(Code::sms())
        .factor(Code::email());
    (change(builder).build().unwrap(), outbox)
}

#[track_caller]
pub fn pending(step: Step) -> Box<Next> {
    match step {
        Step::Pending(next) => next,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub fn done(step: Step) -> Box<Done> {
    match step {
        Step::Done(done) => done,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub fn refused(step: Step) -> Box<Refusal> {
    match step {
        Step::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

/// Registers somebody by this contact, with [`WORD`] for a password.
pub async fn register(auth: &Auth, outbox: &Outbox, visit: &Visit, contact: &str) -> Box<Done> {
    let next = pending(visit.sign_up(contact, "Иван Петров", "2026-01").await.unwrap());
    let (factor, _) = next.begun.clone().unwrap();
    let code = outbox.code(auth).await;
    let next = pending(visit.answer(&next.flow, Code::typed(factor, &code)).await.unwrap());
    assert!(next.offers.iter().all(|offer| offer.enrols));
    done(visit.answer(&next.flow, Password::word(WORD)).await.unwrap())
}
