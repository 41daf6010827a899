//! Links by e-mail: what one opens, in which browser, and what each reader of the letter can do with it.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/links.rs"]
mod links;
#[path = "common/portal.rs"]
mod portal;

use std::time::Duration;

use links::{Screen, address, asking, browser, follow, follow_here, in_a_word, look};
use portal::{EMAIL, Hands, NEW_WORD, ORIGIN, Outbox, PHONE, WORD, done, pending, refused, register};
use propusk::account::identifier::Identifier;
use propusk::auth::Builder;
use propusk::event::{EventPage, name};
use propusk::flow::{Done, Posted};
use propusk::id::FactorName;
use propusk::policy::Requirement;
use propusk::proof::Aal;
use propusk::testing::{Call, CallLog, CountingStore, Fault, FaultyStore};
use propusk::{Approval, Auth, Client, Code, Link, MemoryStore, Password, Profile, Token, Visit};

const MAIL: FactorName = FactorName::new("email-code");
const NOBODY: &str = "nobody@example.org";
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

struct Site {
    auth: Auth,
    outbox: Outbox,
    hands: Hands,
    log: CallLog,
}

impl Site {
    fn new(profile: Profile) -> Self {
        Self::with(profile, |builder| builder)
    }

    fn with(mut profile: Profile, change: impl FnOnce(Builder) -> Builder) -> Self {
        profile.recipient_rate.uses = 1000;
        let (outbox, hands) = (Outbox::default(), Hands::default());
        let store = CountingStore::new(MemoryStore::default());
        let builder = portal::portal(&store, profile)
            .clock(hands.clone())
            .sender(outbox.clone())
            .factor(Password::default())
            .factor(Code::email())
            .factor(Link::at("/link"))
            .factor(Code::sms());
        Self { auth: change(builder).build().unwrap(), outbox, hands, log: store.log() }
    }

    /// One factor is enough, whichever.
    fn simple() -> Self {
        Self::new(lax())
    }

    async fn person(&self, contact: &str) -> Box<Done> {
        let visit = self.auth.visit(Client::unknown());
        let end = register(&self.auth, &self.outbox, &visit, contact, Password::word(WORD)).await;
        self.hands.advance(3600);
        end
    }

    /// What the last letter carries.
    async fn link(&self) -> String {
        self.outbox.all(&self.auth).await.iter().rev().find_map(address).unwrap().0
    }

    async fn history(&self, of: &Done) -> Vec<(String, String, String)> {
        let lines = self.auth.history(of.session.account(), EventPage::newest(100)).await.unwrap();
        let line = |event: propusk::event::Event| {
            (
                event.name.to_string(),
                event.outcome.as_str().to_owned(),
                event.reason.or(event.factor.map(|f| f.to_string())).unwrap_or_default(),
            )
        };
        lines.into_iter().map(line).collect()
    }

    async fn sent_to(&self, to: &str) -> Vec<String> {
        let to = Identifier::parse(to).unwrap();
        let all = self.outbox.all(&self.auth).await;
        all.iter().filter(|message| message.to == to).map(|message| message.template.to_string()).collect()
    }
}

fn lax() -> Profile {
    let mut profile = Profile::nist_aal1();
    profile.sign_in = Requirement::aal(Aal::Zero);
    profile
}

fn other(number: &str) -> String {
    number.chars().map(|c| if c == '9' { '0' } else { char::from(c as u8 + 1) }).collect()
}

#[tokio::test]
async fn in_the_browser_that_asked_it_signs_in_at_once() {
    let site = Site::simple();
    let mine = site.person(EMAIL).await;
    let visit = browser(&site.auth);
    let screen = Screen::sign_in(&visit, EMAIL).await;
    let all = site.outbox.all(&site.auth).await;
    let (at, link) = address(all.last().unwrap()).unwrap();
    assert_eq!(link, format!("{ORIGIN}/link?m={at}"));
    // 256 bits, and the texts carry it whole, in both languages.
    assert!(at.len() == 43 && Token::parse(&at).is_some());
    assert!(all.last().unwrap().text().body.contains(&format!("\n{link}\n")));
    assert!(!link.contains(&screen.number) && !all.last().unwrap().text().body.contains(&screen.number));
    assert_eq!(screen.told().await, "waiting");

    let asks = asking(&visit, &at).await;
    assert_eq!((&asks.factor, &asks.during), (&Link::NAME, &name::SIGN_IN));
    assert_eq!(asks.expires.since(asks.at), Duration::from_secs(600));
    assert_eq!(look(&visit, &at).await, "here");
    assert_eq!(screen.told().await, "waiting");
    let end = done(follow_here(&visit, &at).await);
    assert_eq!((end.session.account(), end.session.amr()), (mine.session.account(), vec!["email"]));
    // The page that waited, the link, and the letter that was forwarded since.
    assert_eq!(screen.told().await, "no_flow");
    for visit in [&visit, &browser(&site.auth)] {
        assert_eq!(look(visit, &at).await, "mailbox");
        assert_eq!(follow(visit, &at, &Link::confirmation()).await, "mailbox");
        assert_eq!(follow(visit, &at, &Link::number(&screen.number)).await, "mailbox");
    }
    assert_eq!(site.auth.sessions(mine.session.account()).await.unwrap().len(), 2);
}

/// Whoever began a sign-in in somebody's name is not let in by their click: only by the number, which they do not see.
#[tokio::test]
async fn from_another_device_it_confirms_by_the_number_and_goes_on_over_there() {
    let site = Site::simple();
    let mine = site.person(EMAIL).await;
    let thief =
        site.auth.visit(Client::unknown().bound_by(site.auth.random_token().unwrap()).with_user_agent(AGENT));
    let phone = browser(&site.auth);
    for letter in [Link::confirmation(), Link::number(""), "true".into(), "{}".into(), "[]".into()] {
        let screen = Screen::sign_in(&thief, EMAIL).await;
        let at = site.link().await;
        assert_eq!(look(&phone, &at).await, "elsewhere");
        assert_eq!(asking(&phone, &at).await.from.device.summary(), "Firefox 143, Linux");
        assert_eq!(follow(&phone, &at, &letter).await, "left", "{letter}");
        assert_eq!(screen.told().await, "wrong", "{letter}");
        assert_eq!(screen.told().await, "not_begun", "{letter}");
        site.hands.advance(3600);
    }
    let screen = Screen::sign_in(&thief, EMAIL).await;
    let at = site.link().await;
    let typed = format!("{} {}", &screen.number[..3], &screen.number[3..]);
    assert_eq!(follow(&phone, &at, &Link::number(&typed)).await, "left");
    // It is answered: by nobody else, nor differently.
    for visit in [&phone, &thief, &browser(&site.auth)] {
        assert_eq!(look(visit, &at).await, "mailbox");
        assert_eq!(follow(visit, &at, &Link::denial()).await, "mailbox");
    }
    let end = done(screen.poll().await);
    assert_eq!((end.session.account(), end.session.amr()), (mine.session.account(), vec!["email"]));
    let history = site.history(&mine).await;
    assert_eq!(history[0].0, "sign-in");
    assert_eq!(history[1], ("answered-elsewhere".into(), "done".into(), "email-link".into()));
}

#[tokio::test]
async fn a_denial_ends_the_request_wherever_it_is_given() {
    let site = Site::simple();
    let mine = site.person(EMAIL).await;
    let (asks, phone) = (browser(&site.auth), browser(&site.auth));
    for here in [true, false] {
        let before = site.history(&mine).await.len();
        let screen = Screen::sign_in(&asks, EMAIL).await;
        let at = site.link().await;
        let (visit, told) = if here { (&asks, "denied") } else { (&phone, "left") };
        assert_eq!(follow(visit, &at, &Link::denial()).await, told);
        assert_eq!(screen.told().await, if here { "not_begun" } else { "denied" });
        assert_eq!(follow(&asks, &at, &Link::confirmation()).await, "mailbox");
        assert_eq!(follow(&phone, &at, &Link::number(&screen.number)).await, "mailbox");
        assert_eq!(screen.told().await, "not_begun");
        let history = site.history(&mine).await;
        assert_eq!(history[0], ("sign-in".into(), "refused".into(), "denied".into()));
        assert_eq!(history.len() - before, if here { 1 } else { 2 });
        assert_eq!(site.sent_to(EMAIL).await.last().map(String::as_str), Some("denied"));
        site.hands.advance(3600);
    }
    // A denial is no guess, and the next link is as good as any.
    let screen = Screen::sign_in(&asks, EMAIL).await;
    done(follow_here(&screen.visit, &site.link().await).await);
}

/// NIST SP 800-63B-4 section 3.1.3.2: wrong numbers are counted over all links, and another link brings none back.
#[tokio::test]
async fn a_wrong_number_is_counted_and_ends_its_link() {
    let site = Site::simple();
    site.person(EMAIL).await;
    let (asks, phone) = (browser(&site.auth), browser(&site.auth));
    let mut screen = Screen::sign_in(&asks, EMAIL).await;
    for nth in 0..6 {
        let at = site.link().await;
        assert_eq!(follow(&phone, &at, &Link::number(&other(&screen.number))).await, "left");
        assert_eq!(screen.told().await, if nth < 5 { "wrong" } else { "held" });
        assert_eq!(follow(&phone, &at, &Link::number(&screen.number)).await, "mailbox");
        site.hands.advance(60);
        // A resend now, another flow then.
        screen = match nth % 2 {
            0 => Screen::begin(&asks, &screen.flow).await,
            _ => Screen::sign_in(&asks, EMAIL).await,
        };
    }
    let at = site.link().await;
    assert_eq!(follow(&asks, &at, &Link::confirmation()).await, "held");
    site.hands.advance(300);
    // What was confirmed while it was held is good when it is over: nothing was evaluated.
    assert_eq!(screen.told().await, "done");
}

/// ATTACKS 72: scanners fetch a link as often as they like, run what is on it, and change nothing.
#[tokio::test]
async fn looking_changes_nothing_however_often() {
    let site = Site::simple();
    site.person(EMAIL).await;
    let visit = browser(&site.auth);
    let screen = Screen::sign_in(&visit, EMAIL).await;
    let at = site.link().await;
    let scanner = site.auth.visit(portal::somebody());
    let _ = site.log.take();
    let mut looks = 0;
    for _ in 0..1000 {
        assert_eq!(look(&scanner, &at).await, "elsewhere");
        assert_eq!(look(&visit, &at).await, "here");
        looks += 2;
    }
    let calls = site.log.take();
    assert!(calls.iter().all(|call| call.method == "find_flow" && call.writes.is_empty()), "{calls:?}");
    println!("counted: looks at a link without a write, seed -, count {looks}");
    done(follow_here(&screen.visit, &at).await);
}

/// ATTACKS 54: each new link kills the ones before, at the moment that it is made.
#[tokio::test]
async fn another_link_comes_after_a_pause_and_kills_the_one_before() {
    let site = Site::simple();
    site.person(EMAIL).await;
    let (asks, phone) = (browser(&site.auth), browser(&site.auth));
    let screen = Screen::sign_in(&asks, EMAIL).await;
    let first = site.link().await;
    site.hands.advance(59);
    let why = refused(asks.begin(&screen.flow, &Link::NAME).await.unwrap());
    assert_eq!((why.code.as_str(), why.retry_after), ("too_soon", Some(Duration::from_secs(1))));
    assert_eq!(look(&phone, &first).await, "elsewhere");
    site.hands.advance(1);
    let fresh = Screen::begin(&asks, &screen.flow).await;
    let second = site.link().await;
    assert_ne!((&first, &screen.number), (&second, &fresh.number));
    for (visit, letter) in [(&asks, Link::confirmation()), (&phone, Link::number(&screen.number))] {
        assert_eq!(look(visit, &first).await, "mailbox");
        assert_eq!(follow(visit, &first, &letter).await, "mailbox");
    }
    assert_eq!(fresh.told().await, "waiting");
    done(follow_here(&asks, &second).await);
    // A word that was left at the first answers no other.
    let screen = Screen::sign_in(&asks, EMAIL).await;
    assert_eq!(follow(&phone, &site.link().await, &Link::number(&screen.number)).await, "left");
    site.hands.advance(60);
    let fresh = Screen::begin(&asks, &screen.flow).await;
    assert_eq!(fresh.told().await, "waiting");
}

#[tokio::test]
async fn a_link_ends_after_ten_minutes() {
    let site = Site::simple();
    site.person(EMAIL).await;
    let (asks, phone) = (browser(&site.auth), browser(&site.auth));
    let screen = Screen::sign_in(&asks, EMAIL).await;
    site.hands.advance_by(Duration::from_millis(599_999));
    done(follow_here(&screen.visit, &site.link().await).await);

    let screen = Screen::sign_in(&asks, EMAIL).await;
    let at = site.link().await;
    site.hands.advance(600);
    for visit in [&asks, &phone] {
        assert_eq!(look(visit, &at).await, "mailbox");
        assert_eq!(follow(visit, &at, &Link::confirmation()).await, "mailbox");
        assert_eq!(follow(visit, &at, &Link::number(&screen.number)).await, "mailbox");
    }
    assert_eq!(screen.told().await, "expired");
    // Confirmed in time and asked for too late.
    let screen = Screen::begin(&asks, &screen.flow).await;
    site.hands.advance(200);
    assert_eq!(follow(&phone, &site.link().await, &Link::number(&screen.number)).await, "left");
    site.hands.advance(101);
    assert_eq!(screen.told().await, "no_flow", "a flow lives for a quarter of an hour");
}

/// ATTACKS 21, 37: a link is of one challenge of one flow.
#[tokio::test]
async fn a_link_answers_its_own_flow_only() {
    let site = Site::simple();
    let (ivan, petr) = (site.person(EMAIL).await, site.person("petr@example.org").await);
    let (one, two) = (browser(&site.auth), browser(&site.auth));
    let ivans = Screen::sign_in(&one, EMAIL).await;
    let at = site.link().await;
    let petrs = Screen::sign_in(&two, "petr@example.org").await;
    let petrs_at = site.link().await;
    // Petr follows Ivan's link, with what his own screen shows.
    assert_eq!(follow(&two, &at, &Link::number(&petrs.number)).await, "left");
    assert_eq!(ivans.told().await, "wrong");
    assert_eq!(petrs.told().await, "waiting");
    // Nobody answers another's flow, and a code's flow has no link.
    assert_eq!(in_a_word(&one.answer(&petrs.flow, Link::poll()).await.unwrap()), "no_flow");
    let end = done(follow_here(&two, &petrs_at).await);
    assert_eq!(end.session.account(), petr.session.account());
    site.hands.advance(60);
    let again = Screen::begin(&one, &ivans.flow).await;
    assert_eq!(in_a_word(&one.begin(&again.flow, &MAIL).await.unwrap()), "pending");
    let end = done(follow_here(&one, &site.link().await).await);
    assert_eq!(end.session.account(), ivan.session.account());
}

#[tokio::test]
async fn an_account_that_is_switched_off_is_not_entered_by_a_link() {
    let site = Site::simple();
    let mine = site.person(EMAIL).await;
    let asks = browser(&site.auth);
    let screen = Screen::sign_in(&asks, EMAIL).await;
    let at = site.link().await;
    site.auth.disable(mine.session.account(), &Client::unknown()).await.unwrap();
    assert_eq!(follow(&asks, &at, &Link::confirmation()).await, "wrong");
    assert_eq!(screen.told().await, "not_begun");
    let _ = Screen::sign_in(&asks, EMAIL).await;
    assert_eq!(site.link().await, at, "no other was sent");
    // Switched on again: what was begun before stays dead.
    let screen = Screen::sign_in(&asks, NOBODY).await;
    site.auth.enable(mine.session.account(), &Client::unknown()).await.unwrap();
    assert_eq!(screen.told().await, "waiting");
}

/// ATTACKS 50: what was begun before a password was changed ends with the sessions that the old one opened.
#[tokio::test]
async fn a_link_from_before_a_change_of_password_opens_nothing() {
    let site = Site::simple();
    let mine = site.person(EMAIL).await;
    let asks = browser(&site.auth);
    let screen = Screen::sign_in(&asks, EMAIL).await;
    let at = site.link().await;
    let home = site.auth.visit(Client::unknown());
    let next = pending(home.change(&mine.token, Password::NAME).await.unwrap());
    let next = pending(home.answer(&next.flow, Password::word(WORD)).await.unwrap());
    done(home.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap());
    assert_eq!(follow(&asks, &at, &Link::confirmation()).await, "stale");
    assert_eq!(screen.told().await, "stale");
    let fresh = Screen::sign_in(&asks, EMAIL).await;
    done(follow_here(&fresh.visit, &site.link().await).await);
}

/// On the screen a name that nobody has looks like any other; nothing is ever sent to it.
#[tokio::test]
async fn nobody_gets_no_letter_and_the_same_screen() {
    let site = Site::simple();
    site.person(EMAIL).await;
    let mut told = Vec::new();
    for name in [EMAIL, NOBODY] {
        let visit = browser(&site.auth);
        let next = pending(visit.sign_in().start(name).await.unwrap());
        let _ = site.log.take();
        let begun = pending(visit.begin(&next.flow, &Link::NAME).await.unwrap());
        let mut calls = site.log.take();
        let offers = begun.offers.clone();
        let screen = Screen::of(&visit, &begun);
        let mut steps = vec![screen.told().await];
        site.outbox.deliver(&site.auth).await;
        steps.push(in_a_word(&visit.begin(&screen.flow, &Link::NAME).await.unwrap()));
        site.hands.advance(60);
        let screen = Screen::begin(&visit, &screen.flow).await;
        steps.push(screen.told().await);
        site.outbox.deliver(&site.auth).await;
        site.hands.advance(600);
        steps.extend([screen.told().await, screen.told().await]);
        // Delivery is nobody's step.
        let of_steps = |call: &Call| {
            !["claim", "purge", "drop_events"].contains(&call.method) && call.writes != ["CloseMessage"]
        };
        calls.extend(site.log.take().into_iter().filter(of_steps));
        told.push((offers, calls, steps));
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0].2, ["waiting", "too_soon", "waiting", "expired", "not_begun"]);
    assert_eq!(site.sent_to(NOBODY).await, Vec::<String>::new());
    assert_eq!(site.sent_to(EMAIL).await.iter().filter(|sent| *sent == "link-email").count(), 2);
}

/// A registration is confirmed by a link as by a code; a taken address is told by letter alone.
#[tokio::test]
async fn a_link_confirms_the_address_of_a_registration() {
    let site = Site::simple();
    let begin = async |visit: &Visit, contact: &str| {
        let next = pending(visit.sign_up(contact, "Иван Петров", "2026-01").await.unwrap());
        assert!(next.offers.iter().any(|offer| offer.factor == Link::NAME && !offer.enrols));
        Screen::begin(visit, &next.flow).await
    };
    let (asks, phone) = (browser(&site.auth), browser(&site.auth));
    let screen = begin(&asks, EMAIL).await;
    let at = site.link().await;
    assert_eq!(asking(&asks, &at).await.during, name::SIGN_UP);
    let next = pending(follow_here(&asks, &at).await);
    assert!(next.offers.iter().all(|offer| offer.enrols));
    // The page that waited is in the same flow, which has gone on.
    assert_eq!(screen.told().await, "not_offered");
    let end = done(asks.answer(&next.flow, Password::word(WORD)).await.unwrap());
    assert_eq!(end.session.amr(), ["pwd", "email", "mfa"]);

    let screen = begin(&asks, "petr@example.org").await;
    assert_eq!(follow(&phone, &site.link().await, &Link::number(&screen.number)).await, "left");
    let next = pending(screen.poll().await);
    done(asks.answer(&next.flow, Password::word(WORD)).await.unwrap());

    let before = site.link().await;
    let taken = begin(&asks, EMAIL).await;
    assert_eq!(taken.told().await, "waiting");
    assert_eq!(site.link().await, before, "no link was sent");
    let sent = site.sent_to(EMAIL).await;
    assert_eq!(sent.iter().rev().take(2).collect::<Vec<_>>(), ["already-registered", "already-registered"]);
}

#[tokio::test]
async fn a_link_is_one_of_two_factors() {
    let site = Site::new(Profile::public_portal());
    let mine = site.person(EMAIL).await;
    let (asks, phone) = (browser(&site.auth), browser(&site.auth));
    // The link, then the password; an e-mail code would be the same mailbox once more.
    for here in [true, false] {
        let screen = Screen::sign_in(&asks, EMAIL).await;
        let at = site.link().await;
        let next = pending(match here {
            true => follow_here(&asks, &at).await,
            false => {
                assert_eq!(follow(&phone, &at, &Link::number(&screen.number)).await, "left");
                screen.poll().await
            }
        });
        let offers: Vec<_> = next.offers.iter().map(|offer| offer.factor.as_str()).collect();
        assert_eq!(offers, ["password"]);
        assert_eq!(look(&asks, &at).await, "mailbox", "the flow is still there, the link is used");
        assert_eq!(screen.told().await, "not_offered");
        let end = done(asks.answer(&next.flow, Password::word(WORD)).await.unwrap());
        assert_eq!(end.session.amr(), ["pwd", "email", "mfa"]);
    }
    // The password, then the link.
    let next = pending(asks.sign_in().with(EMAIL, Password::word(WORD)).await.unwrap());
    assert!(next.offers.iter().any(|offer| offer.factor == Link::NAME && offer.hint.is_some()));
    let screen = Screen::begin(&asks, &next.flow).await;
    let end = done(follow_here(&screen.visit, &site.link().await).await);
    assert_eq!(end.session.account(), mine.session.account());
    assert_eq!(end.session.proofs().len(), 2);
}

/// What a code by e-mail may open, a link may: here the addition of a credential.
#[tokio::test]
async fn a_link_proves_before_a_credential_is_added() {
    let site = Site::with(lax(), |builder| builder.factor(Approval::default()));
    let mine = site.person(EMAIL).await;
    let asks = browser(&site.auth);
    let next = pending(asks.enrol(&mine.token, Approval::NAME).await.unwrap());
    let screen = Screen::begin(&asks, &next.flow).await;
    let at = site.link().await;
    assert_eq!(asking(&asks, &at).await.during, name::ENROLLED);
    let next = pending(follow_here(&asks, &at).await);
    // A mailbox counts for no level, and a password does.
    assert!(next.duty.is_none());
    let next = pending(asks.answer(&next.flow, Password::word(WORD)).await.unwrap());
    done(screen.visit.answer(&next.flow, Approval::poll()).await.unwrap());
}

/// A flow that is bound to nothing is in no browser: it always takes the number.
#[tokio::test]
async fn a_flow_without_a_browser_takes_the_number() {
    let site = Site::simple();
    site.person(EMAIL).await;
    let program = site.auth.visit(Client::unknown());
    let screen = Screen::sign_in(&program, EMAIL).await;
    let at = site.link().await;
    assert_eq!(look(&program, &at).await, "elsewhere");
    assert_eq!(follow(&program, &at, &Link::confirmation()).await, "left");
    assert_eq!(screen.told().await, "wrong");
    let screen = Screen::sign_in(&program, EMAIL).await;
    assert_eq!(follow(&program, &site.link().await, &Link::number(&screen.number)).await, "left");
    done(screen.poll().await);
}

/// ATTACKS 37: a mailbox for sessions takes no bearer, and one for bearers no session; nobody's takes nothing.
#[tokio::test]
async fn a_mailbox_is_of_one_kind() {
    let site = Site::with(Profile::public_portal(), |builder| builder.factor(Approval::default().unnamed()));
    let mine = site.person(PHONE).await;
    let asks = browser(&site.auth);
    let next = pending(asks.sign_in().unnamed().await.unwrap());
    let next = pending(asks.begin(&next.flow, &Approval::NAME).await.unwrap());
    let shown: serde_json::Value = serde_json::from_str(next.begun.unwrap().1.as_json()).unwrap();
    let approvals = shown["mailbox"].as_str().unwrap();
    site.person(EMAIL).await;
    let screen = Screen::sign_in(&asks, EMAIL).await;
    let at = site.link().await;

    let blank = ["", " ", "\0", "A", &"A".repeat(43), &"A".repeat(65), &"A".repeat(1 << 16), &at[..42]];
    for wrong in [approvals].into_iter().chain(blank) {
        assert_eq!(look(&asks, wrong).await, "mailbox", "{wrong:?}");
        assert_eq!(follow(&asks, wrong, &Link::confirmation()).await, "mailbox", "{wrong:?}");
    }
    for posted in
        [asks.claim(&mine.token, &at).await.unwrap(), asks.post(&mine.token, &at, "{}").await.unwrap()]
    {
        assert!(matches!(posted, Posted::Refused(why) if why.code.as_str() == "mailbox"));
    }
    // A letter has its length, too.
    assert_eq!(follow(&asks, &at, &Link::number(&"1".repeat(5000))).await, "mailbox");
    assert_eq!(screen.told().await, "waiting");
    assert_eq!(in_a_word(&follow_here(&asks, &at).await), "pending");
}

/// A store that fails, or answers and is not heard, at each call: nobody is let in twice, and pressing again, or waiting,
/// still leads to the one sign-in.
#[tokio::test]
async fn a_link_survives_a_failure_at_every_call() {
    let (outbox, hands) = (Outbox::default(), Hands::default());
    let store = FaultyStore::new(MemoryStore::default());
    let mut profile = lax();
    profile.recipient_rate.uses = 100_000;
    // So that a session too many is seen, and not pushed out by another.
    profile.sessions.at_most = 100_000;
    let auth = Auth::builder(profile, store.clone(), portal::ring())
        .site(propusk::Site::new("Portal", ORIGIN))
        .hashing(portal::cheap())
        .clock(hands.clone())
        .sender(outbox.clone())
        .factor(Password::default())
        .factor(Code::email())
        .factor(Link::at("/link"))
        .build()
        .unwrap();
    let home = auth.visit(Client::unknown());
    let mine = register(&auth, &outbox, &home, EMAIL, Password::word(WORD)).await;
    let (asks, phone) = (browser(&auth), browser(&auth));
    let mut faults = 0;
    for fault in [Fault::FailsBefore, Fault::FailsAfter] {
        for part in ["look", "here", "left", "poll"] {
            for nth in 0.. {
                hands.advance(3600);
                let before = auth.sessions(mine.session.account()).await.unwrap().len();
                let screen = Screen::sign_in(&asks, EMAIL).await;
                let at = outbox.all(&auth).await.iter().rev().find_map(address).unwrap().0;
                let right = Link::number(&screen.number);
                if part == "poll" {
                    assert_eq!(follow(&phone, &at, &right).await, "left");
                }
                store.plan(nth, fault);
                let failed = match part {
                    "look" => asks.look(&at).await.is_err(),
                    "here" => asks.follow(&at, &Link::confirmation()).await.is_err(),
                    "left" => phone.follow(&at, &right).await.is_err(),
                    _ => asks.answer(&screen.flow, Link::poll()).await.is_err(),
                };
                let reached = store.calls() > nth;
                store.mend();
                assert_eq!(failed, reached, "{part} {nth}");
                let again = match part {
                    "look" | "here" => follow(&asks, &at, &Link::confirmation()).await,
                    _ => follow(&phone, &at, &right).await,
                };
                let ends = [again, screen.told().await, screen.told().await];
                let after = auth.sessions(mine.session.account()).await.unwrap().len();
                // Signed in at the last, once; where the reply was lost, the session is there all the same.
                assert_eq!(after, before + 1, "{part} {nth} {fault:?} {ends:?}");
                if !reached {
                    break;
                }
                faults += 1;
            }
        }
    }
    println!("counted: failures of the store around a link, seed -, count {faults}");
    assert!(faults > 20, "{faults}");
}

/// The words of a letter, whole.
#[tokio::test]
async fn the_letter_says_what_it_is() {
    let site = Site::simple();
    site.person(EMAIL).await;
    let _ = Screen::sign_in(&browser(&site.auth), EMAIL).await;
    let letter = site.outbox.all(&site.auth).await.pop().unwrap();
    let (_, link) = address(&letter).unwrap();
    let at = letter.param("at").unwrap();
    let at = format!("{} {} UTC", &at[..10], &at[11..16]);
    let text = letter.text();
    assert_eq!(text.subject, "Portal: your link");
    assert_eq!(
        text.body,
        format!(
            "To go on at Portal, open this link. It is valid for 10 minutes and works once.\n\n{link}\n\n\
             Asked for {at}, an unknown device. If you did not ask for it, say so on the page that it opens, or do nothing. \
             Send it to nobody."
        )
    );
}

#[tokio::test]
async fn it_opens_a_page_of_the_applications_own() {
    let (outbox, store) = (Outbox::default(), MemoryStore::default());
    let auth = portal::portal(&store, Profile::nist_aal1())
        .sender(outbox.clone())
        .factor(Password::default())
        .factor(Code::email())
        .factor(Link::at("/confirm"))
        .build()
        .unwrap();
    let home = auth.visit(Client::unknown());
    let _ = register(&auth, &outbox, &home, EMAIL, Password::word(WORD)).await;
    let _ = Screen::sign_in(&home, EMAIL).await;
    let link = outbox.all(&auth).await.iter().rev().find_map(address).unwrap().1;
    assert!(link.starts_with("https://portal.example/confirm?m="), "{link}");
}

#[test]
fn a_number_is_known_by_its_form() {
    for (typed, is) in [("123456", true), ("123 456", true), ("12345", false), ("12345a", false), ("", false)]
    {
        assert_eq!(Link::is_number(typed), is, "{typed}");
    }
}
