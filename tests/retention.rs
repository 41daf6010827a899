//! Old lines of the history go when their time is over (MISSION E4, ASVS 5.0 14.2.7); what tells how an account came to
//! be what it is stays.
#![cfg(all(feature = "sqlite", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/portal.rs"]
mod portal;

use std::time::Duration;

use portal::{EMAIL, Hands, Outbox, WORD, done, refused, register, somebody};
use propusk::error::Broken;
use propusk::event::{EventPage, Outcome, name};
use propusk::id::{AccountId, EventId, EventName, Realm};
use propusk::policy::Retention;
use propusk::store::sqlite::SqliteStore;
use propusk::store::{Store, Throttle};
use propusk::{Auth, Code, MemoryStore, Password, Profile, Visit};

const DAY: u64 = 86_400;

fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("propusk-retention-{name}-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    folder
}

struct House {
    auth: Auth,
    hands: Hands,
    visit: Visit,
    account: AccountId,
}

fn profile(sign_ins: Option<u64>, changes: Option<u64>) -> Profile {
    let mut profile = Profile::nist_aal1();
    (profile.recipient_rate.uses, profile.message_rate.uses) = (1000, 1000);
    let days = |days| Duration::from_secs(days * DAY);
    profile.retention = Retention { sign_ins: sign_ins.map(days), changes: changes.map(days), notices: None };
    profile
}

fn node<S: Store + Throttle + Clone>(
    store: &S,
    hands: &Hands,
    outbox: &Outbox,
    realm: &'static str,
    of: Profile,
) -> Auth {
    portal::portal(store, of)
        .realm(Realm::new(realm))
        .clock(hands.clone())
        .sender(outbox.clone())
        .factor(Password::default())
        .factor(Code::email())
        .build()
        .unwrap()
}

impl House {
    async fn over<S: Store + Throttle + Clone>(store: &S, realm: &'static str, of: Profile) -> Self {
        let (hands, outbox) = (Hands::default(), Outbox::default());
        let auth = node(store, &hands, &outbox, realm, of);
        let visit = auth.visit(somebody());
        let account = register(&auth, &outbox, &visit, EMAIL, Password::word(WORD)).await.session.account();
        Self { auth, hands, visit, account }
    }

    /// A sign-in, and the minute that it takes.
    async fn sign_in(&self) -> EventId {
        let session = done(self.visit.sign_in().with(EMAIL, Password::word(WORD)).await.unwrap()).session;
        self.hands.advance(60);
        // What it told of is told at once: a notice that nobody got would leave a line of its own.
        let _ = self.auth.tend(1000).await.unwrap();
        EventId::from_bytes(*session.id().as_bytes())
    }

    async fn names(&self) -> Vec<(EventName, Outcome)> {
        let all = self.auth.history(self.account, EventPage::newest(1000)).await.unwrap();
        all.into_iter().map(|event| (event.name, event.outcome)).collect()
    }

    /// Tends until there is nothing left to forget; what each round forgot.
    async fn tend(&self, budget: usize) -> Vec<usize> {
        let mut rounds = Vec::new();
        loop {
            let tended = self.auth.tend(budget).await.unwrap();
            if tended.forgotten == 0 {
                return rounds;
            }
            assert!(tended.forgotten <= 2 * budget, "bounded for each kind");
            if tended.forgotten >= budget {
                assert_eq!(tended.next_at, self.auth.now(), "more is there: at once");
            }
            rounds.push(tended.forgotten);
        }
    }

    async fn forgets_in_time(&self) {
        assert_eq!(self.names().await, [(name::SIGN_UP, Outcome::Done)]);
        for _ in 0..5 {
            self.sign_in().await;
            let _ = refused(self.visit.sign_in().with(EMAIL, Password::word("wrong")).await.unwrap());
            // Nobody's name: a line that no history shows, kept no longer.
            let _ =
                refused(self.visit.sign_in().with("nobody@example.org", Password::word(WORD)).await.unwrap());
        }
        let told = EventName::new("passport:viewed");
        self.auth
            .record(self.account, told.clone(), Outcome::Done, &somebody(), Default::default())
            .await
            .unwrap();
        self.hands.advance(30 * DAY);
        let newer = self.sign_in().await;
        // The last of the old ones is a day's end away.
        self.hands.advance(10 * DAY - 600);
        assert!(self.tend(100).await.is_empty());
        self.hands.advance(600);
        assert_eq!(
            self.tend(4).await,
            [4, 4, 4, 4],
            "five of each, and the code that a registration began with"
        );
        let left = [(name::SIGN_IN, Outcome::Done), (told, Outcome::Done), (name::SIGN_UP, Outcome::Done)];
        assert_eq!(self.names().await, left);
        let page = self.auth.history(self.account, EventPage::newest(1)).await.unwrap();
        assert_eq!(page[0].id, newer);
        self.hands.advance(366 * DAY);
        assert_eq!(self.tend(4).await, [1]);
        assert_eq!(self.names().await, left[1..], "what was bound to it stays on record");
    }
}

#[tokio::test]
async fn sign_ins_are_kept_for_their_time_and_changes_for_ever() {
    let of = || profile(Some(40), None);
    House::over(&MemoryStore::default(), "main", of()).await.forgets_in_time().await;
    let folder = folder("one");
    House::over(&SqliteStore::open(folder.join("auth.db")).unwrap(), "main", of())
        .await
        .forgets_in_time()
        .await;
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn changes_go_too_where_the_profile_says_so() {
    let house = House::over(&MemoryStore::default(), "main", profile(None, Some(100))).await;
    house.sign_in().await;
    house.hands.advance(99 * DAY);
    assert!(house.tend(10).await.is_empty());
    house.hands.advance(2 * DAY);
    assert_eq!(house.tend(10).await, [1]);
    assert_eq!(house.names().await, [(name::SIGN_IN, Outcome::Done)], "kept for ever");
}

#[tokio::test]
async fn a_realm_forgets_its_own() {
    let store = MemoryStore::default();
    let (short, long) = (profile(Some(40), None), profile(None, None));
    let (one, two) = (House::over(&store, "one", short).await, House::over(&store, "two", long).await);
    one.sign_in().await;
    two.sign_in().await;
    one.hands.advance(400 * DAY);
    two.hands.advance(400 * DAY);
    // The sign-in, and the code that a registration began with: a line of nobody.
    assert_eq!((one.tend(10).await, two.tend(10).await), (vec![2], vec![]));
    assert_eq!((one.names().await.len(), two.names().await.len()), (1, 2));
}

/// A reader who turns pages meanwhile sees each line that is left once.
#[tokio::test]
async fn pages_go_on_while_the_oldest_lines_go() {
    let house = House::over(&MemoryStore::default(), "main", profile(Some(40), None)).await;
    let mut ids = Vec::new();
    for _ in 0..9 {
        house.hands.advance(DAY);
        ids.insert(0, house.sign_in().await);
    }
    let page = |before| {
        let mut page = EventPage::newest(3);
        page.before = before;
        let read = house.auth.history(house.account, page);
        async { read.await.unwrap().into_iter().map(|event| event.id).collect::<Vec<_>>() }
    };
    let first = page(None).await;
    assert_eq!(first, ids[..3]);
    house.hands.advance(37 * DAY);
    assert_eq!(house.tend(10).await, [7], "and the code of the registration");
    let rest = page(first.last().copied()).await;
    assert_eq!(rest.len(), 1, "the registration");
    // From a line that is gone.
    assert_eq!(page(Some(ids[5])).await, rest);
    assert_eq!(page(Some(rest[0])).await, []);
}

/// Two nodes, one file: no line is counted twice, and none is left.
#[test]
fn two_at_once_do_no_harm() {
    let folder = folder("two");
    let path = folder.join("auth.db");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(&path).unwrap();
        let house = House::over(&store, "main", profile(Some(40), None)).await;
        for _ in 0..60 {
            house.sign_in().await;
        }
        house.hands.advance(41 * DAY);
        let last = done(house.visit.sign_in().with(EMAIL, Password::word(WORD)).await.unwrap()).session;
        let (other, outbox) = (SqliteStore::open(&path).unwrap(), Outbox::default());
        let other = node(&other, &house.hands, &outbox, "main", profile(Some(40), None));
        let work = |auth: Auth| {
            tokio::spawn(async move {
                let mut gone = 0;
                for _ in 0..40 {
                    gone += auth.tend(2).await.unwrap().forgotten;
                }
                gone
            })
        };
        let (one, two) = (work(house.auth.clone()), work(other));
        assert_eq!(one.await.unwrap() + two.await.unwrap(), 61);
        let left = house.auth.history(house.account, EventPage::newest(100)).await.unwrap();
        assert_eq!(left[0].id.as_bytes(), last.id().as_bytes());
        assert_eq!(house.names().await, [(name::SIGN_IN, Outcome::Done), (name::SIGN_UP, Outcome::Done)]);
    });
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Where a session was begun stands in its event alone, and an owner looks there for what can still be undone.
#[test]
fn a_profile_that_forgets_too_early_is_refused() {
    for kept in [(Some(29), None), (None, Some(29))] {
        let built = portal::portal(&MemoryStore::default(), profile(kept.0, kept.1))
            .factor(Password::default())
            .factor(Code::email())
            .build();
        assert!(matches!(built, Err(Broken::Misuse(why)) if why.contains("events")), "{kept:?}");
    }
    let mut of = profile(Some(29), None);
    of.sessions.absolute = Duration::from_secs(DAY);
    let built = portal::portal(&MemoryStore::default(), of).factor(Password::default()).factor(Code::email());
    assert!(built.sender(propusk::danger::print_messages()).build().is_ok());
}
