//! The inbox (MISSION F2): what an account was told, for its owner to read where they are signed in, and nothing that
//! acts.
#![cfg(all(feature = "sqlite", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/portal.rs"]
mod portal;

use std::time::Duration;

use portal::{EMAIL, Hands, NEW_WORD, Outbox, PHONE, WORD, done, pending, register};
use propusk::event::EventPage;
use propusk::flow::{Closing, Done};
use propusk::id::{AccountId, EventId};
use propusk::message::{Channel, Locale, Message, Told, Topic};
use propusk::policy::ClosingRules;
use propusk::store::sqlite::SqliteStore;
use propusk::store::{Store, Throttle};
use propusk::{Auth, Client, Code, MemoryStore, Password, Profile, Step, Visit};

const DAY: u64 = 86_400;
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

struct House {
    auth: Auth,
    hands: Hands,
    outbox: Outbox,
    visit: Visit,
    mine: Box<Done>,
    account: AccountId,
}

fn node<S: Store + Throttle + Clone>(store: &S, hands: &Hands, outbox: &Outbox) -> Auth {
    let mut profile = Profile::nist_aal1();
    (profile.recipient_rate.uses, profile.message_rate.uses, profile.network_rate.uses) = (9999, 9999, 9999);
    profile.closing = ClosingRules { grace: Duration::ZERO, name_free_after: Duration::ZERO };
    portal::portal(store, profile)
        .site(propusk::Site::new("Portal", portal::ORIGIN).objections_at("/objection"))
        .clock(hands.clone())
        .sender(outbox.clone())
        .factor(Password::default())
        .factor(Code::sms())
        .factor(Code::email())
        .build()
        .unwrap()
}

fn somebody() -> Client {
    Client::unknown().with_user_agent(AGENT).from_address([192, 0, 2, 7].into())
}

impl House {
    async fn over<S: Store + Throttle + Clone>(store: &S, contact: &str) -> Self {
        Self::at(store, contact, Hands::default()).await
    }

    async fn at<S: Store + Throttle + Clone>(store: &S, contact: &str, hands: Hands) -> Self {
        let outbox = Outbox::default();
        let auth = node(store, &hands, &outbox);
        let visit = auth.visit(somebody());
        let mine = register(&auth, &outbox, &visit, contact, Password::word(WORD)).await;
        let account = mine.session.account();
        outbox.clear();
        Self { auth, hands, outbox, visit, mine, account }
    }

    /// From a browser that nobody knows: the owner is told.
    async fn sign_in(&self) -> Box<Done> {
        self.hands.advance(60);
        done(self.visit.sign_in().with(EMAIL, Password::word(WORD)).await.unwrap())
    }

    async fn add(&self, address: &str) {
        let step = self.visit.add_contact(&self.mine.token, address, None).await.unwrap();
        let _ = ended(&self.auth, &self.outbox, &self.visit, step).await;
    }

    async fn told(&self, before: Option<EventId>, limit: usize, locale: Locale) -> Vec<Told> {
        self.auth.inbox(self.account, before, limit, locale).await.unwrap()
    }

    async fn subjects(&self) -> Vec<String> {
        self.told(None, 1000, Locale::En).await.into_iter().map(|one| one.text.subject).collect()
    }

    async fn sent(&self) -> Vec<Message> {
        self.outbox.all(&self.auth).await
    }
}

/// Proves whatever is asked for.
async fn ended(auth: &Auth, outbox: &Outbox, visit: &Visit, mut step: Step) -> Box<Done> {
    loop {
        let next = match step {
            Step::Pending(next) => next,
            end => return done(end),
        };
        let factor = next.offers[0].factor.clone();
        let answer = if factor == Password::NAME {
            Password::word(WORD)
        } else {
            if next.begun.is_none() {
                let _ = pending(visit.begin(&next.flow, &factor).await.unwrap());
            }
            Code::typed(factor, &outbox.code(auth).await)
        };
        step = visit.answer(&next.flow, answer).await.unwrap();
    }
}

#[tokio::test]
async fn it_says_what_the_messages_said_in_the_language_that_is_read() {
    let house = House::over(&MemoryStore::default(), EMAIL).await;
    assert!(house.told(None, 10, Locale::En).await.is_empty(), "a registration tells nobody");
    house.sign_in().await;
    let next = pending(house.visit.change(&house.mine.token, Password::NAME).await.unwrap());
    let next = pending(house.visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    done(house.visit.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap());
    let english = house.told(None, 10, Locale::En).await;
    let read: Vec<_> = english.iter().map(|one| (one.topic, one.text.subject.as_str())).collect();
    assert_eq!(
        read,
        [(Topic::Credentials, "Your password was changed"), (Topic::SignIn, "Sign-in from a new browser"),]
    );
    assert!(english[1].text.body.contains("Firefox 143, Linux, 192.0.2.7"), "{}", english[1].text.body);
    // Word for word what went to the address, but for the site that a letter has to name, so that the rest of its subject
    // begins small, and a link that acts.
    let letters = house.sent().await;
    for (one, letter) in english.iter().rev().zip(&letters) {
        let text = letter.text();
        let body = text.body.split("\n\nTo lock").next().unwrap();
        assert!(
            text.subject.eq_ignore_ascii_case(&format!("Portal: {}", one.text.subject)),
            "{}",
            text.subject
        );
        assert_eq!(one.text.body, body);
    }
    let russian = house.told(None, 10, Locale::Ru).await;
    assert_eq!(russian[0].text.subject, "Изменён способ входа");
    assert!(russian[0].text.body.contains("способ входа (пароль)"), "{}", russian[0].text.body);
    assert!(!russian.iter().any(|one| one.text.body.contains("password")));
}

/// Who is locked out is told of nothing in the inbox; and what strangers try then stands in the way of nothing later.
#[tokio::test]
async fn what_is_tried_at_a_locked_account_breaks_nothing() {
    let house = House::over(&MemoryStore::default(), EMAIL).await;
    house.sign_in().await;
    assert!(house.visit.lock(&house.mine.session).await.unwrap().is_done());
    let stranger = house.auth.visit(Client::unknown());
    for _ in 0..7 {
        let _ = stranger.sign_in().with(EMAIL, Password::word("wrong")).await.unwrap();
    }
    assert!(house.auth.unlock(house.account, &somebody()).await.unwrap().is_done());
    let subjects = house.subjects().await;
    assert!(subjects.iter().any(|one| one == "Sign-in from a new browser"), "{subjects:?}");
    let _ = house.auth.export(house.account).await.unwrap().unwrap().whole().await.unwrap();
}

/// A stolen session reads the inbox: it finds no code, and no link by which it would object in the owner's name.
#[tokio::test]
async fn nothing_in_it_acts() {
    let house = House::over(&MemoryStore::default(), EMAIL).await;
    house.add(PHONE).await;
    let letters = house.sent().await;
    let linked = letters.iter().filter(|letter| letter.text().body.contains("/objection?o=")).count();
    assert!(linked > 0, "the address is sent a link");
    let codes = letters.iter().filter_map(|letter| letter.param("code")).count();
    assert!(codes > 0, "and codes were sent");
    for locale in [Locale::En, Locale::Ru] {
        let told = house.told(None, 10, locale).await;
        assert_eq!(told.len(), 1);
        assert!(told[0].text.body.contains("**-67"), "what happened is said: {:?}", told[0].text.body);
        for one in &told {
            let text = format!("{} {}", one.text.subject, one.text.body);
            assert!(!text.contains("://") && !text.contains("?o="), "{text}");
            let codes = letters.iter().filter_map(|letter| letter.param("code"));
            assert!(codes.into_iter().all(|code| !text.contains(code)), "{text}");
        }
    }
    let export = house.auth.export(house.account).await.unwrap().unwrap().whole().await.unwrap();
    assert!(export.contains("\"messages\":[{") && !export.contains("?o="), "{export}");
}

#[tokio::test]
async fn what_is_switched_off_elsewhere_is_there_still() {
    let house = House::over(&MemoryStore::default(), EMAIL).await;
    house.add(PHONE).await;
    let mine = house.sign_in().await;
    let account = house.auth.account(house.account).await.unwrap().unwrap();
    let quiet = account.preferences.with(Topic::SignIn, Channel::Email, false);
    assert!(house.visit.prefer(&mine.session, |_| quiet.clone()).await.unwrap().is_ok());
    house.sent().await;
    house.outbox.clear();
    house.sign_in().await;
    let heard: Vec<_> = house.sent().await.iter().map(|one| one.channel()).collect();
    assert_eq!(heard, [Some(Channel::Sms)]);
    let subjects = house.subjects().await;
    assert_eq!(subjects[0], "Sign-in from a new browser");
    // Once for each thing that happened, however many addresses heard of it.
    assert_eq!(subjects.len(), 4, "{subjects:?}");
    // In full, though the phone got the short text.
    assert!(house.told(None, 1, Locale::En).await[0].text.body.contains("end the other sessions"));
}

#[tokio::test]
async fn it_is_paged_and_no_line_of_the_history() {
    let house = House::over(&MemoryStore::default(), EMAIL).await;
    for _ in 0..5 {
        house.sign_in().await;
    }
    let all: Vec<_> = house.told(None, 100, Locale::En).await.iter().map(|one| one.id).collect();
    assert_eq!(all.len(), 5);
    let mut read = Vec::new();
    loop {
        let page = house.told(read.last().copied(), 2, Locale::En).await;
        // What comes meanwhile is newer than the cursor.
        house.sign_in().await;
        read.extend(page.iter().map(|one| one.id));
        if page.is_empty() {
            break;
        }
    }
    assert_eq!(read, all);
    let history = house.auth.history(house.account, EventPage::newest(100)).await.unwrap();
    assert!(history.iter().all(|event| ["sign-in", "sign-up"].contains(&event.name.as_str())), "{history:?}");
    // No line of it is an event of the account's: "this was not me" is said of what is in the history.
    assert!(!house.visit.not_me(&house.mine.session, all[0]).await.unwrap().is_done());
}

#[tokio::test]
async fn it_is_bounded_in_number_and_in_time() {
    let house = House::over(&MemoryStore::default(), EMAIL).await;
    for _ in 0..205 {
        house.sign_in().await;
    }
    let all = house.told(None, 1000, Locale::En).await;
    assert_eq!(all.len(), 201, "a page, and one more that tells of the next one");
    assert_eq!(
        house.told(all.last().map(|one| one.id), 10, Locale::En).await.len(),
        4,
        "and the rest after them"
    );
    let _ = house.sent().await;
    house.hands.advance(179 * DAY);
    assert_eq!(house.subjects().await.len(), 201);
    house.sign_in().await;
    house.hands.advance(DAY);
    let mut forgotten = 0;
    for _ in 0..9 {
        let tended = house.auth.tend(50).await.unwrap();
        assert!(tended.forgotten <= 50);
        forgotten += tended.forgotten;
    }
    assert_eq!((forgotten, house.subjects().await.len()), (205, 1));
    let history = house.auth.history(house.account, EventPage::newest(1000)).await.unwrap();
    assert_eq!(history.len(), 207, "the history is kept for longer");
}

#[tokio::test]
async fn it_is_its_owners_outlives_a_restart_and_goes_with_the_account() {
    let folder = std::env::temp_dir().join(format!("propusk-inbox-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("auth.db");
    let house = House::over(&SqliteStore::open(&path).unwrap(), EMAIL).await;
    house.sign_in().await;
    let other = House::at(&SqliteStore::open(&path).unwrap(), PHONE, house.hands.clone()).await;
    assert!(other.told(None, 10, Locale::En).await.is_empty());
    let (account, hands, outbox) = (house.account, house.hands.clone(), house.outbox.clone());
    let before = house.told(None, 10, Locale::En).await[0].text.clone();
    drop(house);
    let auth = node(&SqliteStore::open(&path).unwrap(), &hands, &outbox);
    let told = auth.inbox(account, None, 10, Locale::En).await.unwrap();
    assert!(told.len() == 1 && told[0].text == before);
    // At rest nobody reads it, nor whose it is.
    let bytes: Vec<u8> = std::fs::read_dir(&folder)
        .unwrap()
        .flat_map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect();
    for clear in ["new-browser", "Firefox", "192.0.2.7"] {
        assert!(!bytes.windows(clear.len()).any(|part| part == clear.as_bytes()), "{clear}");
    }

    let visit = auth.visit(somebody());
    let mine = done(visit.sign_in().with(EMAIL, Password::word(WORD)).await.unwrap());
    let Closing::Prove(step) = visit.close(&mine.token).await.unwrap() else {
        panic!("closed without a proof")
    };
    let end = ended(&auth, &outbox, &visit, step).await;
    assert!(matches!(visit.close(&end.token).await.unwrap(), Closing::Closed { .. }));
    for _ in 0..3 {
        let _ = auth.tend(100).await.unwrap();
    }
    assert!(auth.export(account).await.unwrap().is_none(), "erased");
    assert!(auth.inbox(account, None, 10, Locale::En).await.unwrap().is_empty());
    std::fs::remove_dir_all(&folder).unwrap();
}
