//! Refresh tokens, through the public API: what they give, how long, and what ends them (ASVS 5.0 10.4.5, RFC 9700 section
//! 4.14). Raced for: `races_refresh.rs`; killed: `kills.rs`; over HTTP: `http/refresh.rs`.
#![cfg(all(feature = "sqlite", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/portal.rs"]
mod portal;

use std::time::Duration;

use portal::{Hands, NEW_WORD, Outbox, PHONE, WORD, done, pending, register};
use propusk::clock::Clock;
use propusk::event::{EventPage, Outcome};
use propusk::flow::{Done, Effect, Refreshed};
use propusk::policy::Requirement;
use propusk::proof::Aal;
use propusk::store::sqlite::SqliteStore;
use propusk::store::{Store, Throttle};
use propusk::{Auth, Client, Code, MemoryStore, Password, Profile, Token, Visit};

struct Phone {
    auth: Auth,
    hands: Hands,
    outbox: Outbox,
    /// Of an application that keeps its tokens.
    app: Visit,
    first: Box<Done>,
}

impl Phone {
    async fn over<S: Store + Throttle + Clone>(store: &S, profile: Profile) -> Self {
        let (hands, outbox) = (Hands::default(), Outbox::default());
        let auth = portal::portal(store, profile)
            .clock(hands.clone())
            .sender(outbox.clone())
            .factor(Password::default())
            .factor(Code::sms())
            .build()
            .unwrap();
        let app = auth.visit(Client::unknown().refreshing(true));
        let first = register(&auth, &outbox, &app, PHONE, Password::word(WORD)).await;
        Self { auth, hands, outbox, app, first }
    }

    async fn new() -> Self {
        Self::over(&MemoryStore::default(), Profile::nist_aal1()).await
    }

    async fn sign_in(&self, visit: &Visit) -> Box<Done> {
        done(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap())
    }

    async fn refresh(&self, token: &Token) -> Refreshed {
        self.app.refresh(token).await.unwrap()
    }

    async fn lives(&self, token: &Token) -> bool {
        self.auth.session(token).await.unwrap().is_some()
    }
}

fn given(end: Refreshed) -> Box<Done> {
    match end {
        Refreshed::Done(done) => done,
        other => panic!("{other:?}"),
    }
}

fn code(end: Refreshed) -> &'static str {
    match end {
        Refreshed::Refused(why) => why.code.as_str(),
        _ => "done",
    }
}

fn refresh(done: &Done) -> &Token {
    done.refresh.as_ref().unwrap()
}

fn texts(done: &Done) -> [String; 2] {
    [&done.token, refresh(done)].map(|token| token.expose().as_str().to_owned())
}

#[tokio::test]
async fn a_token_for_minutes_and_another_that_gets_the_next() {
    let phone = Phone::new().await;
    let mut last = phone.sign_in(&phone.app).await;
    let began = last.session.clone();
    assert_eq!(began.token_expires(), Some(phone.hands.now().after(Duration::from_secs(600))));
    for _ in 0..20 {
        phone.hands.advance(599);
        assert!(phone.lives(&last.token).await);
        phone.hands.advance(1);
        assert!(!phone.lives(&last.token).await, "its minutes are over");
        let next = given(phone.refresh(refresh(&last)).await);
        assert!(phone.lives(&next.token).await && !phone.lives(&last.token).await);
        let (new, old) = (texts(&next), texts(&last));
        assert!(new.iter().all(|text| !old.contains(text)));
        last = next;
    }
    // One session all the time, from where it began, which proves what it did then and ends when it would have.
    let now = &last.session;
    assert_eq!((now.id(), now.created(), now.expires()), (began.id(), began.created(), began.expires()));
    assert_eq!((now.proofs(), now.aal()), (began.proofs(), Aal::One));
    assert!(now.has_proven(&Requirement::aal(Aal::One), phone.hands.now()));
    let fresh = Requirement::aal(Aal::One).within(Duration::from_secs(3600));
    assert!(!now.has_proven(&fresh, phone.hands.now()), "a refresh proves nothing");
    let all = phone.auth.sessions(now.account()).await.unwrap();
    assert_eq!(all.len(), 2);
    assert!(all.iter().any(|one| one.session.id() == began.id() && one.from.is_some()));
    let events = phone.auth.history(now.account(), EventPage::newest(50)).await.unwrap();
    assert_eq!(events.len(), 2, "a registration and a sign-in: a refresh is no news");
}

#[tokio::test]
async fn a_lost_reply_is_asked_for_again_at_once_and_no_later() {
    for (waits, same) in [(0, true), (9, true), (10, false), (86_400, false)] {
        let phone = Phone::new().await;
        let mine = phone.sign_in(&phone.app).await;
        let first = given(phone.refresh(refresh(&mine)).await);
        phone.hands.advance(waits);
        let again = phone.refresh(refresh(&mine)).await;
        if same {
            let again = given(again);
            assert_eq!(texts(&again), texts(&first));
            assert!(phone.lives(&again.token).await);
            // Who used it up in time goes on.
            let _ = given(phone.refresh(refresh(&again)).await);
            continue;
        }
        assert_eq!(code(again), "refresh_reused", "{waits}");
        assert!(!phone.lives(&first.token).await);
        assert_eq!(code(phone.refresh(refresh(&first)).await), "no_session");
        assert_eq!(code(phone.refresh(refresh(&mine)).await), "no_session");
        let account = mine.session.account();
        let left = phone.auth.sessions(account).await.unwrap();
        assert_eq!(left.len(), 1, "the other session lives");
        let events = phone.auth.history(account, EventPage::newest(1)).await.unwrap();
        assert_eq!((events[0].name.as_str(), events[0].outcome), ("session-refresh", Outcome::Refused));
        assert_eq!(events[0].reason.as_deref(), Some("refresh_reused"));
        let all = phone.outbox.all(&phone.auth).await;
        assert_eq!(all.iter().filter(|one| one.template.as_str() == "refresh-reused").count(), 1);
    }
}

/// A successor that was used shows that its reply has arrived: from then on the one before is a copy, grace or not.
#[tokio::test]
async fn an_older_token_ends_it_within_the_grace_too() {
    let phone = Phone::new().await;
    let zero = phone.sign_in(&phone.app).await;
    let one = given(phone.refresh(refresh(&zero)).await);
    let two = given(phone.refresh(refresh(&one)).await);
    assert_eq!(code(phone.refresh(refresh(&zero)).await), "refresh_reused");
    assert!(!phone.lives(&two.token).await);
    assert_eq!(code(phone.refresh(refresh(&two)).await), "no_session");
}

#[tokio::test]
async fn it_ends_with_its_session() {
    for how in
        ["sign-out", "late sign-out", "end", "others", "disable", "password", "idle", "absolute", "number"]
    {
        let mut profile = Profile::nist_aal1();
        profile.sessions.at_most = 2;
        let phone = Phone::over(&MemoryStore::default(), profile).await;
        let mine = phone.sign_in(&phone.app).await;
        let (other, account) = (&phone.first, mine.session.account());
        let day = 24 * 3600;
        match how {
            "sign-out" => phone.app.sign_out(&mine.token).await.unwrap(),
            "late sign-out" => {
                phone.hands.advance(3600);
                phone.app.sign_out(&mine.token).await.unwrap();
            }
            "end" => assert_eq!(
                phone.app.end_session(&other.session, mine.session.id()).await.unwrap(),
                Effect::Done
            ),
            "others" => assert_eq!(phone.app.end_other_sessions(&other.session).await.unwrap(), Effect::Done),
            "disable" => phone.auth.disable(account, &Client::unknown()).await.unwrap(),
            "password" => {
                let next = pending(phone.app.change(&other.token, Password::NAME).await.unwrap());
                let next = pending(phone.app.answer(&next.flow, Password::word(WORD)).await.unwrap());
                let _ = done(phone.app.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap());
            }
            "idle" => phone.hands.advance(7 * day),
            "absolute" => {
                let mut last = given(phone.refresh(refresh(&mine)).await);
                for _ in 0..29 {
                    phone.hands.advance(day);
                    last = given(phone.refresh(refresh(&last)).await);
                }
                phone.hands.advance(day - 60);
                last = given(phone.refresh(refresh(&last)).await);
                assert_eq!(last.session.token_expires(), Some(last.session.expires()));
                phone.hands.advance(60);
                assert!(!phone.lives(&last.token).await);
                assert_eq!(code(phone.refresh(refresh(&last)).await), "no_session", "{how}");
                continue;
            }
            _ => {
                phone.hands.advance(1);
                let _ = (phone.sign_in(&phone.app).await, phone.sign_in(&phone.app).await);
            }
        }
        assert_eq!(code(phone.refresh(refresh(&mine)).await), "no_session", "{how}");
        assert!(!phone.lives(&mine.token).await, "{how}");
        if how == "disable" {
            phone.auth.enable(account, &Client::unknown()).await.unwrap();
            assert_eq!(code(phone.refresh(refresh(&mine)).await), "no_session", "{how}: switched on again");
        }
    }
}

/// ATTACKS 50: whoever changes a password or proves more gets a new session token, and a copy of the old one is dead. So
/// it is with the refresh token.
#[tokio::test]
async fn a_session_that_is_renewed_has_another() {
    let phone = Phone::new().await;
    let before = phone.sign_in(&phone.app).await;
    let next = pending(phone.app.change(&before.token, Password::NAME).await.unwrap());
    let next = pending(phone.app.answer(&next.flow, Password::word(WORD)).await.unwrap());
    let changed = done(phone.app.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap());
    phone.hands.advance(3600);
    assert_eq!(code(phone.refresh(refresh(&before)).await), "no_session");
    let mine = given(phone.refresh(refresh(&changed)).await);

    let fresh = Requirement::aal(Aal::One).within(Duration::from_secs(60));
    let next = pending(phone.app.step_up(&mine.token, fresh).await.unwrap());
    let more = done(phone.app.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap());
    assert_eq!(more.session.expires(), before.session.expires());
    assert_eq!(code(phone.refresh(refresh(&mine)).await), "no_session");
    assert!(phone.lives(&more.token).await);
    let _ = given(phone.refresh(refresh(&more)).await);
}

#[tokio::test]
async fn who_does_not_ask_has_none_nor_a_device_of_others() {
    let phone = Phone::new().await;
    let browser = phone.auth.visit(Client::unknown());
    let plain = phone.sign_in(&browser).await;
    let public = phone.app.sign_in().public_device(true).with(PHONE, Password::word(WORD)).await;
    let public = done(public.unwrap());
    phone.hands.advance(700);
    for end in [plain, public] {
        assert!(end.refresh.is_none() && end.session.token_expires().is_none());
        assert!(phone.lives(&end.token).await);
        assert_eq!(code(phone.refresh(&end.token).await), "no_session", "a session's token is none");
    }
    assert_eq!(code(phone.refresh(&phone.auth.random_token().unwrap()).await), "no_session");
}

/// What lies in the store gives nobody a token: neither of a pair that can still be asked for again.
#[tokio::test]
async fn no_token_lies_in_the_file() {
    let folder = std::env::temp_dir().join(format!("propusk-refresh-file-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let store = SqliteStore::open(folder.join("auth.db")).unwrap();
    let phone = Phone::over(&store, Profile::nist_aal1()).await;
    let mine = phone.sign_in(&phone.app).await;
    let next = given(phone.refresh(refresh(&mine)).await);
    let mut bytes = Vec::new();
    for file in std::fs::read_dir(&folder).unwrap() {
        bytes.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    assert!(bytes.len() > 10_000);
    for text in texts(&mine).into_iter().chain(texts(&next)) {
        let raw = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).unwrap();
        // A session's route and a family's tag stand in the clear: what follows them is the secret.
        let secret = &raw[8..];
        for needle in [text.as_bytes(), secret, &secret[..16]] {
            assert!(!bytes.windows(needle.len()).any(|window| window == needle));
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
