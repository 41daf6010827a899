//! What an owner hears, and by which channel; and what they read of a notice that nobody got.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/portal.rs"]
mod portal;

use std::sync::{Arc, Mutex};

use portal::{EMAIL, Hands, Outbox, PHONE, WORD, done};
use propusk::account::identifier::Identifier;
use propusk::auth::import::{Import, Imported};
use propusk::clock::SystemEntropy;
use propusk::event::{EventPage, Outcome};
use propusk::hash::{Hashed, Lane};
use propusk::id::{AccountId, FactorName};
use propusk::message::{Channel, Message, Preferences, Push, SendError, Sender, Sending, Sent, Topic};
use propusk::secret::Secret;
use propusk::{Account, Auth, Client, Code, MemoryStore, Password, Profile, Session};

/// The application's own clients: a list for each account, or nobody.
#[derive(Clone, Debug, Default)]
struct Devices(Arc<Mutex<Vec<(AccountId, String)>>>, bool);

impl Push for Devices {
    fn push<'a>(&'a self, to: AccountId, message: &'a Message) -> Sending<'a> {
        assert_eq!(message.channel(), Some(Channel::Push));
        self.0.lock().unwrap().push((to, message.template.to_string()));
        let sent = if self.1 { Sent::Rejected } else { Sent::Delivered };
        Box::pin(async move { Ok(sent) })
    }
}

struct House {
    auth: Auth,
    outbox: Outbox,
    pushed: Devices,
    account: AccountId,
}

impl House {
    /// Somebody with a phone and an e-mail address.
    async fn new(push: bool) -> Self {
        let (outbox, pushed) = (Outbox::default(), Devices::default());
        let builder = portal::portal(&MemoryStore::default(), Profile::nist_aal1())
            .clock(Hands::default())
            .sender(outbox.clone())
            .factor(Password::default())
            .factor(Code::sms())
            .factor(Code::email());
        let auth = if push { builder.push(pushed.clone()) } else { builder }.build().unwrap();
        let account = imported(&auth, &[PHONE, EMAIL]).await;
        Self { auth, outbox, pushed, account }
    }

    async fn sign_in(&self) -> Session {
        let visit =
            self.auth.visit(Client::unknown().with_user_agent(AGENT).from_address([192, 0, 2, 7].into()));
        done(visit.sign_in().with(EMAIL, Password::word(WORD)).await.unwrap()).session
    }

    /// What came since the last look: the channel of each, and its template.
    async fn heard(&self) -> Vec<String> {
        let all = self.outbox.all(&self.auth).await;
        self.outbox.clear();
        let letters =
            all.iter().map(|letter| (letter.channel().unwrap().as_str(), letter.template.to_string()));
        let pushed = std::mem::take(&mut *self.pushed.0.lock().unwrap());
        assert!(pushed.iter().all(|(to, _)| *to == self.account));
        let pushed = pushed.into_iter().map(|(_, template)| ("push", template));
        let mut heard: Vec<_> = letters.chain(pushed).map(|(by, what)| format!("{by} {what}")).collect();
        heard.sort_unstable();
        heard
    }

    async fn account(&self) -> Account {
        self.auth.account(self.account).await.unwrap().unwrap()
    }

    async fn prefer(&self, mine: &Session, wanted: &Preferences) -> &'static str {
        let visit = self.auth.visit(Client::unknown());
        visit
            .prefer(mine, |_| wanted.clone())
            .await
            .unwrap()
            .map_or_else(|why| why.code.as_str(), |()| "done")
    }

    /// The newest line of the history: its name, and what stands beside it.
    async fn newest(&self) -> (String, Vec<(String, String)>) {
        let event = self.auth.history(self.account, EventPage::newest(1)).await.unwrap().pop().unwrap();
        (event.name.to_string(), event.details.into_iter().collect())
    }
}

async fn imported(auth: &Auth, contacts: &[&str]) -> AccountId {
    let hash = match auth.hashes().hash(Lane::Known, Secret::new(WORD), &SystemEntropy).await.unwrap() {
        Hashed::Done(hash) => hash.into(),
        busy @ Hashed::Busy { .. } => panic!("{busy:?}"),
    };
    let mut import = Import::new("Иван").unwrap().credential(Password::imported(hash).unwrap()).unwrap();
    for contact in contacts {
        import = import.verified_contact(contact).unwrap();
    }
    match auth.import(&import, &Client::unknown()).await.unwrap() {
        Imported::Made(account) => account,
        other => panic!("{other:?}"),
    }
}

const MAIL: FactorName = FactorName::new("email-code");
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

#[tokio::test]
async fn an_owner_hears_by_the_channels_that_they_chose() {
    let house = House::new(false).await;
    let mine = house.sign_in().await;
    assert_eq!(house.heard().await, ["email new-browser", "sms new-browser"]);
    let account = house.account().await;
    assert_eq!(house.auth.channels(&account), [Channel::Email, Channel::Sms]);
    let quiet = account.preferences.with(Topic::SignIn, Channel::Sms, false);
    assert_eq!(house.prefer(&mine, &quiet).await, "done");
    // Every address hears of that, the silenced one too.
    assert_eq!(house.heard().await, ["email notices-off", "sms notices-off"]);
    assert_eq!(house.newest().await, ("preferences-set".into(), vec![("off".into(), "sign_in.sms".into())]));
    assert_eq!(house.account().await.preferences, quiet);
    let mine = house.sign_in().await;
    assert_eq!(house.heard().await, ["email new-browser"]);
    // The same again writes nothing; back again tells nobody, and is in the history.
    assert_eq!(house.prefer(&mine, &quiet).await, "done");
    assert_eq!(house.newest().await.0, "sign-in");
    assert_eq!(house.prefer(&mine, &Preferences::default()).await, "done");
    assert_eq!(house.newest().await, ("preferences-set".into(), vec![("on".into(), "sign_in.sms".into())]));
    assert!(house.heard().await.is_empty());
    house.sign_in().await;
    assert_eq!(house.heard().await, ["email new-browser", "sms new-browser"]);
}

#[tokio::test]
async fn one_address_hears_of_everything_whatever_is_chosen() {
    let house = House::new(true).await;
    let mine = house.sign_in().await;
    house.heard().await;
    // A push counts for nothing: nobody knows whether a device is there.
    for topic in [Topic::SignIn, Topic::Credentials, Topic::Other] {
        let silent =
            Preferences::default().with(topic, Channel::Sms, false).with(topic, Channel::Email, false);
        assert_eq!(house.prefer(&mine, &silent).await, "untold", "{topic:?}");
    }
    assert_eq!(house.account().await.preferences, Preferences::default());
    // What an account is lost by is nobody's to choose.
    for topic in [Topic::Asked, Topic::Account] {
        let all = Channel::ALL.into_iter();
        let silent = all.fold(Preferences::default(), |wanted, by| wanted.with(topic, by, false));
        assert_eq!(silent, Preferences::default(), "{topic:?}");
    }
    // A session that is over sets nothing.
    let _ = house.auth.visit(Client::unknown()).end_session(&mine, mine.id()).await.unwrap();
    let quiet = Preferences::default().with(Topic::SignIn, Channel::Sms, false);
    assert_eq!(house.prefer(&mine, &quiet).await, "no_session");
    assert_eq!(house.account().await.preferences, Preferences::default());
    assert!(house.heard().await.is_empty());
}

#[tokio::test]
async fn a_push_gets_notices_and_no_codes() {
    let house = House::new(true).await;
    let mine = house.sign_in().await;
    assert_eq!(house.heard().await, ["email new-browser", "push new-browser", "sms new-browser"]);
    let visit = house.auth.visit(Client::unknown());
    let step = visit.sign_in().start(EMAIL).await.unwrap();
    let _ = visit.begin(&portal::pending(step).flow, &MAIL).await.unwrap();
    assert_eq!(house.heard().await, ["email code-email"]);
    let quiet = Preferences::default().with(Topic::SignIn, Channel::Push, false);
    assert_eq!(house.prefer(&mine, &quiet).await, "done");
    assert_eq!(house.heard().await, ["email notices-off", "push notices-off", "sms notices-off"]);
    house.sign_in().await;
    assert_eq!(house.heard().await, ["email new-browser", "sms new-browser"]);
}

/// A mail server that knows nobody, and a gateway that is never there.
#[derive(Debug)]
struct Dead;

impl Sender for Dead {
    fn takes(&self, _: &Identifier) -> bool {
        true
    }

    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        let sent = match message.channel() {
            Some(Channel::Email) => Ok(Sent::Rejected),
            _ => Err(SendError(None)),
        };
        Box::pin(async move { sent })
    }
}

#[tokio::test]
async fn the_history_tells_of_a_notice_that_nobody_got() {
    let (hands, pushed) = (Hands::default(), Devices(Arc::default(), true));
    let auth = portal::portal(&MemoryStore::default(), Profile::nist_aal1())
        .clock(hands.clone())
        .sender(Dead)
        .push(pushed.clone())
        .factor(Password::default())
        .factor(Code::email())
        .build()
        .unwrap();
    let account = imported(&auth, &[PHONE, EMAIL]).await;
    let visit = auth.visit(Client::unknown());
    let _ = done(visit.sign_in().with(EMAIL, Password::word(WORD)).await.unwrap());
    // A code that does not come is no line.
    let step = visit.sign_in().start(EMAIL).await.unwrap();
    let _ = visit.begin(&portal::pending(step).flow, &MAIL).await.unwrap();
    let mut given_up = 0;
    for _ in 0..40 {
        given_up += auth.tend(100).await.unwrap().given_up;
        hands.advance(2 * 3600);
    }
    // The letter, the code, the push, and the SMS after its last attempt.
    assert_eq!((given_up, pushed.0.lock().unwrap().len()), (4, 1));
    let history = auth.history(account, EventPage::newest(20)).await.unwrap();
    let lost = history.iter().filter(|event| event.name.as_str() == "notice-undelivered");
    let mut lost: Vec<_> = lost
        .map(|event| {
            assert_eq!(event.outcome, Outcome::Refused);
            assert_eq!(event.details["template"], "new-browser");
            (event.reason.clone().unwrap(), event.details["to"].clone())
        })
        .collect();
    lost.sort_unstable();
    let masked = |text: &str| Identifier::parse(text).unwrap().masked();
    assert_eq!(lost, [("rejected".into(), masked(EMAIL)), ("too_many_attempts".into(), masked(PHONE))]);
}

/// A worker that stood still for days says nothing of the addresses that it did not reach.
#[tokio::test]
async fn what_came_too_late_to_be_sent_was_not_rejected() {
    let hands = Hands::default();
    let auth = portal::portal(&MemoryStore::default(), Profile::nist_aal1())
        .clock(hands.clone())
        .sender(Dead)
        .factor(Password::default())
        .factor(Code::email())
        .build()
        .unwrap();
    let account = imported(&auth, &[PHONE, EMAIL]).await;
    let visit = auth.visit(Client::unknown());
    let _ = done(visit.sign_in().with(EMAIL, Password::word(WORD)).await.unwrap());
    hands.advance(8 * 24 * 3600);
    assert_eq!(auth.tend(100).await.unwrap().given_up, 2);
    let history = auth.history(account, EventPage::newest(20)).await.unwrap();
    let why: Vec<_> = history.iter().filter_map(|event| event.reason.as_deref()).collect();
    assert_eq!(why, ["too_late", "too_late"]);
}

/// Each message costs. Who switches to and fro has one told of each thing a day, and who silences something else is told.
#[tokio::test]
async fn switching_to_and_fro_is_told_once() {
    let house = House::new(false).await;
    let mine = house.sign_in().await;
    house.heard().await;
    let quiet = Preferences::default().with(Topic::SignIn, Channel::Sms, false);
    for _ in 0..10 {
        assert_eq!(house.prefer(&mine, &quiet).await, "done");
        assert_eq!(house.prefer(&mine, &Preferences::default()).await, "done");
    }
    assert_eq!(house.heard().await, ["email notices-off", "sms notices-off"]);
    let more = Preferences::default().with(Topic::Credentials, Channel::Sms, false);
    assert_eq!(house.prefer(&mine, &more).await, "done");
    assert_eq!(house.heard().await, ["email notices-off", "sms notices-off"]);
}
