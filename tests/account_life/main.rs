//! What becomes of an account: locked and unlocked, closed and reopened, erased, and handed to its owner as JSON.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "../common/portal.rs"]
mod portal;

mod closing;
mod export;
mod lock;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use portal::{Hands, Outbox, PHONE, WORD, done, every_factor, pending, register, somebody};
use propusk::event::{Event, EventPage};
use propusk::flow::Done;
use propusk::id::{AccountId, FactorName};
use propusk::store::{Store, Throttle};
use propusk::testing::{Fault, FaultyStore};
use propusk::{Auth, Code, MemoryStore, Password, Profile, Step, Visit};

const SMS: FactorName = FactorName::new("sms-code");

/// A portal over one store, and a second node over the same whose calls can be made to wait.
struct House {
    store: MemoryStore,
    faulty: FaultyStore<MemoryStore>,
    auth: Auth,
    other: Auth,
    outbox: Outbox,
    hands: Hands,
}

impl House {
    fn new(profile: Profile) -> Self {
        let (store, outbox, hands) = (MemoryStore::default(), Outbox::default(), Hands::default());
        let faulty = FaultyStore::new(store.clone());
        let auth = node(&store, &profile, &outbox, &hands);
        let other = node(&faulty, &profile, &outbox, &hands);
        Self { store, faulty, auth, other, outbox, hands }
    }

    fn visit(&self) -> Visit {
        self.auth.visit(somebody())
    }

    async fn person(&self) -> Box<Done> {
        let end = register(&self.auth, &self.outbox, &self.visit(), PHONE, Password::word(WORD)).await;
        self.hands.advance(3600);
        end
    }

    /// By password and code.
    async fn steps(&self, auth: &Auth) -> Step {
        let visit = auth.visit(somebody());
        let step = visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap();
        let Step::Pending(next) = step else { return step };
        if next.offers.is_empty() {
            return Step::Pending(next);
        }
        let step = visit.begin(&next.flow, &SMS).await.unwrap();
        let Step::Pending(next) = step else { return step };
        let code = self.outbox.code(&self.auth).await;
        visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap()
    }

    async fn sign_in(&self) -> Box<Done> {
        self.hands.advance(120);
        done(self.steps(&self.auth).await)
    }

    async fn history(&self, of: AccountId) -> Vec<Event> {
        self.auth.history(of, EventPage::newest(100)).await.unwrap()
    }

    async fn names(&self, of: AccountId) -> Vec<String> {
        self.history(of).await.into_iter().map(|event| event.name.to_string()).collect()
    }

    async fn templates(&self) -> Vec<String> {
        self.outbox.all(&self.auth).await.iter().map(|message| message.template.to_string()).collect()
    }
}

fn node<S: Store + Throttle + Clone>(store: &S, profile: &Profile, outbox: &Outbox, hands: &Hands) -> Auth {
    let builder = portal::portal(store, profile.clone()).sender(outbox.clone()).clock(hands.clone());
    every_factor(builder).build().unwrap()
}

/// Does `between` before each call in turn that `story` makes of its store, each time on a fresh house: how many there
/// were.
async fn between_any_two(
    profile: Profile,
    story: impl AsyncFn(&House, &Done) -> Step,
    between: impl AsyncFn(&House, &Done),
    judge: impl AsyncFn(&House, &Done, Step),
) -> usize {
    for nth in 0.. {
        let house = House::new(profile.clone());
        house.other.ready().await.unwrap();
        let mine = house.person().await;
        house.faulty.plan(nth, Fault::WaitsBefore);
        let mut story = pin!(story(&house, &mine));
        let ended = poll_fn(|cx| match story.as_mut().poll(cx) {
            Poll::Ready(end) => Poll::Ready(Some(end)),
            Poll::Pending if house.faulty.waits() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        if ended.await.is_some() {
            assert!(nth > 5, "{nth}: nothing waited");
            return nth;
        }
        between(&house, &mine).await;
        house.faulty.mend();
        let end = story.await;
        judge(&house, &mine, end).await;
    }
    0
}
