//! A sign-in that proved something and was never finished is in the history, with the result "ended by time-out"
//! (MISSION E4); one that was finished, refused at once or proved nothing is not.
#![cfg(all(feature = "sqlite", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/portal.rs"]
mod portal;

use portal::{EMAIL, Hands, Outbox, WORD, done, pending, register};
use propusk::event::{Event, EventPage, Outcome};
use propusk::id::AccountId;
use propusk::store::sqlite::SqliteStore;
use propusk::store::{Store, Throttle};
use propusk::testing::{CountingStore, Fault, FaultyStore};
use propusk::{Auth, Code, MemoryStore, Password, Profile, Visit};

struct House {
    auth: Auth,
    hands: Hands,
    outbox: Outbox,
    visit: Visit,
    account: AccountId,
}

fn node<S: Store + Throttle + Clone>(store: &S, hands: &Hands, outbox: &Outbox) -> Auth {
    let mut profile = Profile::public_portal();
    (profile.recipient_rate.uses, profile.message_rate.uses) = (1000, 1000);
    portal::portal(store, profile)
        .clock(hands.clone())
        .sender(outbox.clone())
        .factor(Password::default())
        .factor(Code::email())
        .build()
        .unwrap()
}

impl House {
    async fn over<S: Store + Throttle + Clone>(store: &S) -> Self {
        let (hands, outbox) = (Hands::default(), Outbox::default());
        let auth = node(store, &hands, &outbox);
        let visit = auth.visit(portal::somebody());
        let account = register(&auth, &outbox, &visit, EMAIL, Password::word(WORD)).await.session.account();
        Self { auth, hands, outbox, visit, account }
    }

    async fn timed_out(&self) -> Vec<Event> {
        let mut page = EventPage::newest(100);
        page.outcome = Some(Outcome::TimedOut);
        self.auth.history(self.account, page).await.unwrap()
    }

    /// A password, and no more.
    async fn half_way(&self) -> propusk::Token {
        pending(self.visit.sign_in().with(EMAIL, Password::word(WORD)).await.unwrap()).flow
    }

    async fn finish(&self, flow: &propusk::Token) {
        let mail = propusk::id::FactorName::new("email-code");
        let _ = pending(self.visit.begin(flow, &mail).await.unwrap());
        let code = self.outbox.code(&self.auth).await;
        let _ = done(self.visit.answer(flow, Code::typed(mail, &code)).await.unwrap());
    }

    async fn tell(&self) {
        let (half, whole) = (self.half_way().await, self.half_way().await);
        self.finish(&whole).await;
        // Proves nothing.
        let _ = pending(self.visit.sign_in().start(EMAIL).await.unwrap());
        let _ = self.visit.sign_in().with(EMAIL, Password::word("wrong")).await.unwrap();
        self.hands.advance(15 * 60 + 59);
        let _ = self.auth.tend(100).await.unwrap();
        assert!(self.timed_out().await.is_empty(), "a slow step may still end it");
        self.hands.advance(1);
        let mut written = 0;
        for _ in 0..3 {
            written += self.auth.tend(100).await.unwrap().timed_out;
        }
        assert_eq!(written, 1);
        let told = self.timed_out().await;
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].name.as_str(), told[0].during.clone()), ("sign-in", None));
        assert_eq!(told[0].factor, Some(Password::NAME));
        assert_eq!(told[0].origin.address, portal::somebody().address);
        let step = self.visit.begin(&half, &propusk::id::FactorName::new("email-code")).await.unwrap();
        assert_eq!(portal::refused(step).code.as_str(), "no_flow");
    }
}

#[tokio::test]
async fn it_is_told_once_in_memory() {
    House::over(&MemoryStore::default()).await.tell().await;
}

#[tokio::test]
async fn it_is_told_once_in_a_file() {
    let folder = std::env::temp_dir().join(format!("propusk-timed-out-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    House::over(&SqliteStore::open(folder.join("auth.db")).unwrap()).await.tell().await;
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Whatever call of the store fails or is never answered while it is written, it is written once.
#[tokio::test]
async fn a_kill_while_it_is_written_leaves_one_line() {
    for nth in 0..8 {
        for fault in [Fault::FailsBefore, Fault::FailsAfter] {
            let memory = MemoryStore::default();
            let house = House::over(&memory).await;
            let _ = house.half_way().await;
            house.hands.advance(16 * 60);
            let faulty = FaultyStore::new(memory.clone());
            let other = node(&faulty, &house.hands, &house.outbox);
            other.ready().await.unwrap();
            faulty.plan(nth, fault);
            let _ = other.tend(100).await;
            house.hands.advance(300);
            for _ in 0..2 {
                let _ = house.auth.tend(100).await.unwrap();
            }
            assert_eq!(house.timed_out().await.len(), 1, "{nth} {fault:?}");
        }
    }
}

/// It costs rows and no commit (PERFORMANCE P6).
#[tokio::test]
async fn a_sign_in_by_two_factors_has_as_many_commits_as_before() {
    let store = CountingStore::new(MemoryStore::default());
    let log = store.log();
    let house = House::over(&store).await;
    let _ = log.take();
    let flow = house.half_way().await;
    let first = log.take();
    assert_eq!(first.iter().filter(|call| call.method == "commit").count(), 1);
    let writes = &first.iter().find(|call| call.method == "commit").unwrap().writes;
    assert!(writes.contains(&"Message") && writes.contains(&"Event"), "{writes:?}");
    house.finish(&flow).await;
    let last = log.take();
    let last = last.iter().rfind(|call| call.writes.contains(&"AddSession")).unwrap();
    assert!(last.writes.contains(&"CloseMessage"), "{:?}", last.writes);
}
