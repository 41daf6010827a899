//! Approval on another device: who may look, who may answer, and what an answer is worth.

use std::time::Duration;

use propusk::event::EventPage;
use propusk::flow::{Asking, Done, Posted};
use propusk::id::FactorName;
use propusk::store::Store;
use propusk::testing::{Fault, FaultyStore};
use propusk::{Approval, Auth, Client, Code, Password, Step, Token, Visit};
use serde_json::Value;

use crate::otp::proven;
use crate::portal::{WORD, done, pending, refused};
use crate::world::{EMAIL, PHONE, SMS, World, each_store, other, said};

const THIEF: [u8; 4] = [198, 51, 100, 7];
const HOME: [u8; 4] = [192, 0, 2, 7];
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

/// A request on the screen of whoever asks.
struct Screen {
    visit: Visit,
    flow: Token,
    mailbox: String,
    number: String,
}

impl Screen {
    async fn begin(visit: Visit, flow: &Token) -> Self {
        let next = pending(visit.begin(flow, &Approval::NAME).await.unwrap());
        let shown: Value = serde_json::from_str(next.begun.unwrap().1.as_json()).unwrap();
        let text = |name: &str| shown[name].as_str().unwrap().to_owned();
        assert_eq!(text("number").len(), 6);
        Self { visit, flow: next.flow, mailbox: text("mailbox"), number: text("number") }
    }

    async fn poll(&self) -> Step {
        self.visit.answer(&self.flow, Approval::poll()).await.unwrap()
    }

    async fn told(&self) -> &'static str {
        said(&self.poll().await)
    }
}

fn thief(auth: &Auth) -> Visit {
    auth.visit(Client::unknown().from_address(THIEF.into()).with_user_agent(AGENT))
}

fn home(auth: &Auth) -> Visit {
    auth.visit(Client::unknown().from_address(HOME.into()))
}

fn node(world: &World, store: impl Store) -> Auth {
    world.builder(store).factor(Approval::default().unnamed()).build().unwrap()
}

/// Password and SMS code, both proven anew.
async fn prove(world: &World, auth: &Auth, visit: &Visit, mut step: Step) -> Step {
    for factor in [Password::NAME, SMS] {
        let next = pending(step);
        step = if factor == SMS {
            let next = pending(visit.begin(&next.flow, &SMS).await.unwrap());
            let code = world.outbox.code(auth).await;
            visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap()
        } else {
            visit.answer(&next.flow, Password::word(WORD)).await.unwrap()
        };
    }
    step
}

async fn enrol(world: &World, auth: &Auth, session: &Done) -> Box<Done> {
    let visit = home(auth);
    let step = visit.enrol(&session.token, Approval::NAME).await.unwrap();
    let next = pending(prove(world, auth, &visit, step).await);
    done(visit.answer(&next.flow, Approval::poll()).await.unwrap())
}

/// Somebody registered by phone, whose devices approve; signed in by two factors.
async fn owner(world: &World, auth: &Auth) -> Box<Done> {
    let session = world.person(auth).await;
    enrol(world, auth, &session).await
}

/// The same person on another device, by two factors.
async fn second_device(world: &World, auth: &Auth) -> Box<Done> {
    let visit = home(auth);
    let step = visit.sign_in().start(PHONE).await.unwrap();
    done(prove(world, auth, &visit, step).await)
}

/// Who knows the password asks for the rest.
async fn asks(auth: &Auth) -> Screen {
    let visit = thief(auth);
    let next = pending(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
    Screen::begin(visit, &next.flow).await
}

/// In a word: `claimed`, `left` or why not.
fn word(posted: &Posted) -> &'static str {
    match posted {
        Posted::Claimed(_) => "claimed",
        Posted::Left => "left",
        Posted::Refused(why) => why.code.as_str(),
        other => panic!("{other:?}"),
    }
}

async fn claim(auth: &Auth, session: &Done, screen: &Screen) -> &'static str {
    word(&home(auth).claim(&session.token, &screen.mailbox).await.unwrap())
}

async fn seen(auth: &Auth, session: &Done, screen: &Screen) -> Box<Asking> {
    match home(auth).claim(&session.token, &screen.mailbox).await.unwrap() {
        Posted::Claimed(asking) => asking,
        other => panic!("{other:?}"),
    }
}

async fn post(auth: &Auth, session: &Done, screen: &Screen, letter: &str) -> &'static str {
    word(&home(auth).post(&session.token, &screen.mailbox, letter).await.unwrap())
}

async fn answer(auth: &Auth, session: &Done, screen: &Screen, letter: &str) -> &'static str {
    assert_eq!(claim(auth, session, screen).await, "claimed");
    post(auth, session, screen, letter).await
}

/// ATTACKS 88: a thief shows a code of his own to scan. Who scans it sees who asks and from where; that alone lets
/// nobody in, nor does it once the minute is over.
#[tokio::test]
async fn looking_at_a_request_approves_nothing() {
    each_store!(|world, store| {
        let mut world = world;
        world.profile = World::portal().profile.clone();
        let auth = node(&world, store);
        let phone = owner(&world, &auth).await;
        let screen = asks(&auth).await;
        let asking = seen(&auth, &phone, &screen).await;
        assert_eq!(asking.from.address, Some(THIEF.into()));
        assert_eq!(asking.from.device.summary(), "Firefox 143, Linux");
        assert_eq!(asking.factor, Approval::NAME);
        assert_eq!(asking.expires.since(asking.at), Duration::from_secs(60));
        assert!(!asking.is_near(&Client::unknown().from_address(HOME.into())));
        assert!(asking.is_near(&Client::unknown().from_address(THIEF.into())));
        assert_eq!(screen.told().await, "waiting");
        // Another look by the same session is the same look.
        assert_eq!(claim(&auth, &phone, &screen).await, "claimed");
        assert_eq!(screen.told().await, "waiting");
        world.watch.forward(Duration::from_secs(60));
        assert_eq!(post(&auth, &phone, &screen, &Approval::number(&screen.number)).await, "mailbox");
        assert_eq!(screen.told().await, "expired");
        assert_eq!(screen.told().await, "not_begun");
        // A new code is another request, with another number; the right one lets the owner in.
        let fresh = Screen::begin(screen.visit.clone(), &screen.flow).await;
        assert_ne!(fresh.mailbox, screen.mailbox);
        assert_eq!(claim(&auth, &phone, &screen).await, "mailbox");
        assert_eq!(answer(&auth, &phone, &fresh, &Approval::number(&fresh.number)).await, "left");
        let end = done(fresh.poll().await);
        assert_eq!(end.session.account(), phone.session.account());
        assert_eq!(end.session.amr(), ["pwd", "mca", "mfa"]);
        assert!(
            end.session.proofs().iter().any(|proof| proof.proves().is_restricted()),
            "an SMS stays an SMS"
        );
        assert!(!end.session.proofs().iter().any(|proof| proof.proves().resists_phishing()));
        assert_eq!(fresh.told().await, "no_flow");
    });
}

/// ATTACKS 89 (GHSA-cq3f-vc6p-68fh): only the first session that looks may answer, only after it has looked, and no
/// session of another account at all.
#[tokio::test]
async fn the_first_to_look_is_the_only_one_to_answer() {
    each_store!(|world, store| {
        let mut world = world;
        world.profile = World::portal().profile.clone();
        let auth = node(&world, store);
        let phone = owner(&world, &auth).await;
        let stranger = world.register(&auth, EMAIL, WORD).await;
        let tablet = second_device(&world, &auth).await;
        let screen = asks(&auth).await;
        let right = Approval::number(&screen.number);
        // Nobody has looked: nobody answers.
        assert_eq!(post(&auth, &phone, &screen, &right).await, "mailbox");
        assert_eq!(claim(&auth, &stranger, &screen).await, "mailbox");
        assert_eq!(post(&auth, &stranger, &screen, &right).await, "mailbox");
        assert_eq!(claim(&auth, &phone, &screen).await, "claimed");
        for other in [&tablet, &stranger] {
            assert_eq!(claim(&auth, other, &screen).await, "mailbox");
            assert_eq!(post(&auth, other, &screen, &right).await, "mailbox");
            assert_eq!(post(&auth, other, &screen, &Approval::denial()).await, "mailbox");
        }
        assert_eq!(screen.told().await, "waiting");
        assert_eq!(post(&auth, &phone, &screen, &right).await, "left");
        assert_eq!(post(&auth, &phone, &screen, &Approval::denial()).await, "mailbox");
        done(screen.poll().await);
        // An address that is nobody's, or too long, says no more than that.
        for mailbox in ["", "AAAA", &"A".repeat(43), &"A".repeat(5000)] {
            let posted = home(&auth).claim(&phone.token, mailbox).await.unwrap();
            assert_eq!(word(&posted), "mailbox");
        }
    });
}

/// ATTACKS 89: a letter is worth what its session is worth. One that has ended, that is on somebody else's device,
/// that was opened by a password alone or by an approval, approves nothing; and no session approves the adding of a
/// key.
#[tokio::test]
async fn a_session_approves_no_more_than_it_has_proven() {
    each_store!(|world, store| {
        let mut world = world;
        let auth = node(&world, store.clone());
        let word_only = world.person(&auth).await;
        let word_only = {
            // One factor signs in here.
            let visit = home(&auth);
            let message = async || world.outbox.code(&auth).await;
            let next = proven(&visit, &word_only.token, WORD, &Approval::NAME, message).await;
            done(visit.answer(&next.flow, Approval::poll()).await.unwrap());
            done(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap())
        };
        world.profile = World::portal().profile.clone();
        let auth = node(&world, store);
        let screen = asks(&auth).await;
        assert_eq!(claim(&auth, &word_only, &screen).await, "not_offered");

        let visit = home(&auth);
        let step = visit.sign_in().public_device(true).start(PHONE).await.unwrap();
        let library = done(prove(&world, &auth, &visit, step).await);
        assert_eq!(claim(&auth, &library, &screen).await, "not_offered");

        let phone = second_device(&world, &auth).await;
        assert_eq!(answer(&auth, &phone, &screen, &Approval::number(&screen.number)).await, "left");
        let approved = done(screen.poll().await);
        let screen = asks(&auth).await;
        assert_eq!(claim(&auth, &approved, &screen).await, "not_offered");

        // Signed out between the answer and its reading: as good as not answered.
        assert_eq!(answer(&auth, &phone, &screen, &Approval::number(&screen.number)).await, "left");
        home(&auth).sign_out(&phone.token).await.unwrap();
        assert_eq!(screen.told().await, "waiting");
        assert_eq!(claim(&auth, &phone, &screen).await, "no_session");

        // A stolen session and the password add no key by approving each other.
        let phone = second_device(&world, &auth).await;
        let next = pending(visit.enrol(&phone.token, Approval::NAME).await.unwrap());
        let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
        let offered: Vec<&FactorName> = next.offers.iter().map(|offer| &offer.factor).collect();
        assert_eq!(offered, [&SMS]);
        assert_eq!(said(&visit.begin(&next.flow, &Approval::NAME).await.unwrap()), "not_offered");
    });
}

/// Nor by an approval that their own session has just given: what another session said is no proof of who holds this one,
/// however lately.
#[tokio::test]
async fn what_a_session_approved_a_moment_ago_adds_nothing() {
    each_store!(|world, store| {
        let mut world = world;
        world.profile = World::portal().profile.clone();
        let auth = node(&world, store.clone());
        let _ = owner(&world, &auth).await;
        world.profile.recent = Duration::from_secs(300);
        let auth = node(&world, store);
        let phone = second_device(&world, &auth).await;
        let screen = asks(&auth).await;
        assert_eq!(answer(&auth, &phone, &screen, &Approval::number(&screen.number)).await, "left");
        let approved = done(screen.poll().await);
        let visit = home(&auth);
        let next = pending(visit.enrol(&approved.token, Approval::NAME).await.unwrap());
        let offered: Vec<&FactorName> = next.offers.iter().map(|offer| &offer.factor).collect();
        assert_eq!((next.duty, offered), (None, vec![&SMS]));
    });
}

/// ATTACKS 91: there is no approving without the number. A wrong one ends the request and is counted, and no other
/// request brings guesses back; a denial ends it, tells the owner, and begins a time of quiet.
#[tokio::test]
async fn nothing_but_the_number_on_the_other_screen_approves() {
    each_store!(|world, store| {
        let mut world = world;
        world.profile = World::portal().profile.clone();
        let auth = node(&world, store);
        let phone = owner(&world, &auth).await;
        let screen = asks(&auth).await;
        assert_eq!(answer(&auth, &phone, &screen, &Approval::number(&other(&screen.number))).await, "left");
        assert_eq!(screen.told().await, "wrong");
        assert_eq!(post(&auth, &phone, &screen, &Approval::number(&screen.number)).await, "mailbox");
        assert_eq!(screen.told().await, "not_begun");
        for letter in ["true", "{}", r#"{"approve":true}"#, r#"{"number":""}"#, r#"{"deny":false}"#] {
            let screen = asks(&auth).await;
            assert_eq!(answer(&auth, &phone, &screen, letter).await, "left", "{letter}");
            let expected = if letter.contains("deny") { "held" } else { "wrong" };
            assert_eq!(screen.told().await, expected, "{letter}");
        }
        let held = asks(&auth).await;
        assert_eq!(answer(&auth, &phone, &held, &Approval::number(&held.number)).await, "left");
        assert_eq!(held.told().await, "held");
        world.minutes(6);

        let screen = asks(&auth).await;
        assert_eq!(answer(&auth, &phone, &screen, &Approval::denial()).await, "left");
        assert_eq!(screen.told().await, "denied");
        assert_eq!(post(&auth, &phone, &screen, &Approval::number(&screen.number)).await, "mailbox");
        let told = world.outbox.all(&auth).await;
        let told = told.iter().rev().find(|message| message.template.as_str() == "denied").unwrap();
        assert!(told.to.as_str() == PHONE && told.text().body.contains("Firefox 143, Linux"));
        let history = auth.history(phone.session.account(), EventPage::newest(10)).await.unwrap();
        assert!(history.iter().any(|event| event.reason.as_deref() == Some("denied")
            && event.factor == Some(Approval::NAME)
            && event.origin.address == Some(THIEF.into())));

        let visit = thief(&auth);
        let next = pending(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
        let why = refused(visit.begin(&next.flow, &Approval::NAME).await.unwrap());
        assert_eq!((why.code.as_str(), why.retry_after), ("too_soon", Some(Duration::from_secs(300))));
        world.minutes(5);
        let screen = asks(&auth).await;
        assert_eq!(answer(&auth, &phone, &screen, &Approval::number(&screen.number)).await, "left");
        done(screen.poll().await);
    });
}

/// ATTACKS 88 in a sign-in that names nobody: the account is that of the first who looks, and a letter of somebody
/// who never said that devices may approve is nobody's.
#[tokio::test]
async fn a_scan_signs_in_whoever_looked_first() {
    each_store!(|world, store| {
        let auth = node(&world, store);
        let unnamed = async || {
            let visit = thief(&auth);
            let next = pending(visit.sign_in().unnamed().await.unwrap());
            assert_eq!(next.offers.len(), 1);
            Screen::begin(visit, &next.flow).await
        };
        let mine = world.person(&auth).await;
        let screen = unnamed().await;
        assert_eq!(screen.told().await, "waiting");
        assert_eq!(answer(&auth, &mine, &screen, &Approval::number(&screen.number)).await, "left");
        assert_eq!(screen.told().await, "wrong", "not enrolled");

        let visit = home(&auth);
        let message = async || world.outbox.code(&auth).await;
        let next = proven(&visit, &mine.token, WORD, &Approval::NAME, message).await;
        let mine = done(visit.answer(&next.flow, Approval::poll()).await.unwrap());
        let stranger = world.register(&auth, EMAIL, WORD).await;
        let screen = unnamed().await;
        assert_eq!(claim(&auth, &mine, &screen).await, "claimed");
        assert_eq!(claim(&auth, &stranger, &screen).await, "mailbox");
        assert_eq!(post(&auth, &mine, &screen, &Approval::number(&other(&screen.number))).await, "left");
        assert_eq!(screen.told().await, "wrong");
        assert_eq!(screen.told().await, "not_begun");

        let screen = Screen::begin(screen.visit.clone(), &screen.flow).await;
        assert_eq!(answer(&auth, &mine, &screen, &Approval::number(&screen.number)).await, "left");
        let end = done(screen.poll().await);
        assert_eq!(end.session.account(), mine.session.account());
        assert_eq!(end.session.amr(), ["mca"]);
        let late = unnamed().await;
        world.minutes(1);
        assert_eq!(late.told().await, "expired");
    });
}

/// A store that fails, or answers and is not heard, at each call of asking, looking and answering: nobody is let in by
/// it, and the request, or the next one, still leads to its one sign-in.
#[tokio::test]
async fn a_request_survives_a_failure_at_every_call() {
    let mut world = World::new();
    world.profile = World::portal().profile.clone();
    let store = FaultyStore::new(propusk::MemoryStore::default());
    let auth = node(&world, store.clone());
    let phone = owner(&world, &auth).await;
    let mut faults = 0;
    for fault in [Fault::FailsBefore, Fault::FailsAfter] {
        for part in ["begin", "claim", "post", "poll"] {
            for nth in 0.. {
                let visit = thief(&auth);
                let next = pending(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
                let fails = |now: &str| {
                    if now == part {
                        store.plan(nth, fault)
                    }
                };
                let reached = || {
                    let reached = store.calls() > nth;
                    store.mend();
                    reached
                };
                fails("begin");
                let begun = visit.begin(&next.flow, &Approval::NAME).await;
                if part == "begin" && reached() {
                    assert!(begun.is_err(), "{part} {nth}");
                    assert_ne!(said(&visit.answer(&next.flow, Approval::poll()).await.unwrap()), "done");
                    faults += 1;
                } else if part == "begin" {
                    break;
                }
                let screen = Screen::begin(visit, &next.flow).await;
                let right = Approval::number(&screen.number);
                // When it was last used is written down by now: that may fail, and nobody hears of it.
                assert!(auth.session(&phone.token).await.unwrap().is_some());
                fails("claim");
                let claimed = home(&auth).claim(&phone.token, &screen.mailbox).await;
                let hit = part == "claim" && reached();
                assert_eq!(claimed.is_err(), hit, "{part} {nth}");
                assert_eq!(screen.told().await, "waiting");
                assert_eq!(claim(&auth, &phone, &screen).await, "claimed");
                fails("post");
                let posted = home(&auth).post(&phone.token, &screen.mailbox, &right).await;
                let hit = hit || part == "post" && reached();
                assert_eq!(posted.is_err(), hit && part == "post", "{part} {nth}");
                // Left, or left already and not heard.
                assert!(["left", "mailbox"].contains(&post(&auth, &phone, &screen, &right).await));
                fails("poll");
                let end = screen.visit.answer(&screen.flow, Approval::poll()).await;
                let hit = hit || part == "poll" && reached();
                assert_eq!(end.is_err(), hit && part == "poll", "{part} {nth}");
                if part != "begin" && !hit {
                    break;
                }
                if let Ok(end) = end {
                    done(end);
                } else {
                    // Accepted and not heard, or not accepted: once at the most.
                    let ends = [screen.told().await, screen.told().await];
                    assert!(ends.iter().filter(|end| **end == "done").count() <= 1, "{ends:?}");
                }
                faults += usize::from(part != "begin");
                world.minutes(1);
            }
        }
    }
    println!("counted: failures of the store around an approval, seed -, count {faults}");
    assert!(faults > 30, "{faults}");
}
