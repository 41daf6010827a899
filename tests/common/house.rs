//! A portal with every factor that needs no device of its own, and short ways to use it.
#![allow(dead_code, reason = "each test uses a part")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use propusk::event::EventPage;
use propusk::flow::{Done, Next};
use propusk::id::{AccountId, FactorName};
use propusk::store::sqlite::SqliteStore;
use propusk::store::{Store, Throttle};
use propusk::{
    Answer, Approval, Auth, BackupCodes, Client, Code, MemoryStore, Password, Profile, Step, Token, Totp,
    Visit,
};
use tokio::sync::Barrier;

use crate::otp::{add_totp, step, totp};
use crate::portal::{self, Hands, Outbox, WORD, pending, register};

pub(crate) const SMS: FactorName = FactorName::new("sms-code");

/// A portal with every factor that needs no device of its own.
pub(crate) struct House {
    pub(crate) auth: Auth,
    pub(crate) hands: Hands,
    pub(crate) outbox: Outbox,
    pub(crate) visit: Visit,
}

impl House {
    pub(crate) fn over<S: Store + Throttle + Clone>(store: &S, mut profile: Profile) -> Self {
        (profile.recipient_rate.uses, profile.message_rate.uses) = (10_000, 10_000);
        profile.network_rate.uses = 1_000_000;
        let (hands, outbox) = (Hands::default(), Outbox::default());
        let auth = portal::portal(store, profile)
            .clock(hands.clone())
            .sender(outbox.clone())
            .factor(Password::default())
            .factor(Totp::default())
            .factor(Code::sms())
            .factor(Code::email())
            .factor(BackupCodes::default())
            .factor(Approval::default())
            .build()
            .unwrap();
        let visit = auth.visit(Client::unknown());
        Self { auth, hands, outbox, visit }
    }

    pub(crate) fn new(profile: Profile) -> Self {
        Self::over(&MemoryStore::default(), profile)
    }

    pub(crate) async fn person(&self, contact: &str) -> Box<Done> {
        register(&self.auth, &self.outbox, &self.visit, contact, Password::word(WORD)).await
    }

    pub(crate) async fn code(&self) -> String {
        self.outbox.code(&self.auth).await
    }

    pub(crate) async fn device(&self, session: &Token) -> (String, Box<Done>) {
        add_totp(&self.visit, session, WORD, self.auth.now(), async || self.code().await).await
    }

    pub(crate) fn now(&self, key: &str) -> Answer {
        Totp::code(&totp(key, step(self.auth.now())))
    }

    pub(crate) async fn answer(&self, flow: &Token, answer: Answer) -> Step {
        self.visit.answer(flow, answer).await.unwrap()
    }

    /// A code to the phone, asked for and answered.
    pub(crate) async fn sms(&self, next: &Next) -> Step {
        let next = pending(self.visit.begin(&next.flow, &SMS).await.unwrap());
        let code = self.code().await;
        self.answer(&next.flow, Code::typed(SMS, &code)).await
    }

    pub(crate) async fn alive(&self, token: &Token) -> bool {
        self.auth.session(token).await.unwrap().is_some()
    }

    /// The names of an account's events, the newest first, and what is told of them.
    pub(crate) async fn events(&self, of: AccountId) -> Vec<(String, BTreeMap<String, String>)> {
        let events = self.auth.history(of, EventPage::newest(50)).await.unwrap();
        events.into_iter().map(|event| (event.name.to_string(), event.details)).collect()
    }

    pub(crate) async fn told(&self, template: &str) -> usize {
        let all = self.outbox.all(&self.auth).await;
        all.iter().filter(|message| message.template.as_str() == template).count()
    }
}

pub(crate) fn said(step: &Step) -> &'static str {
    match step {
        Step::Done(_) => "done",
        Step::Pending(_) => "pending",
        Step::Refused(why) => why.code.as_str(),
    }
}

pub(crate) fn offered(next: &Next) -> Vec<&str> {
    next.offers.iter().map(|offer| offer.factor.as_str()).collect()
}

/// How many at once.
pub(crate) const AT_ONCE: usize = 50;

/// So many calls that begin together; how each ended.
pub(crate) async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    call: impl Fn(usize) -> F,
) -> Vec<T> {
    let barrier = Arc::new(Barrier::new(AT_ONCE));
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|at| {
            let (barrier, call) = (Arc::clone(&barrier), call(at));
            tokio::spawn(async move {
                barrier.wait().await;
                call.await
            })
        })
        .collect();
    let mut ends = Vec::new();
    for task in tasks {
        ends.push(task.await.unwrap());
    }
    ends
}

/// A folder of its own, gone with its test.
pub(crate) struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn sqlite() -> (Folder, SqliteStore) {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("propusk-house-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let folder = Folder(std::env::temp_dir().join(name));
    std::fs::create_dir(&folder.0).unwrap();
    let store = SqliteStore::open(folder.0.join("auth.db")).unwrap();
    (folder, store)
}
