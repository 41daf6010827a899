//! Links in letters: who opens them, from where, how often, and what each of them gets.

use propusk::flow::Followed;
use propusk::policy::Requirement;
use propusk::proof::Aal;
use propusk::store::Store;
use propusk::{Auth, Client, Link, Password, Step, Token};

use crate::links_of::{Screen, address, browser, follow, follow_here, look};
use crate::portal::{WORD, done, pending};
use crate::world::{EMAIL, NEW_WORD, Shared, World, each_store, other, said};

/// A site that a link alone signs in to.
fn lax(world: World) -> World {
    let mut world = world;
    world.profile.sign_in = Requirement::aal(Aal::Zero);
    world
}

fn node(world: &World, store: impl Store) -> Auth {
    world.builder(store).factor(Link::at("/link")).build().unwrap()
}

async fn sent(world: &World, auth: &Auth) -> String {
    world.outbox.all(auth).await.iter().rev().find_map(address).unwrap().0
}

/// ATTACKS 72, and the click that a stranger waits for: whoever began a sign-in in somebody's name is not let in because
/// its owner, a scanner or a preview opens the link, or posts what stands on its page; only the number lets them in, and
/// that stands on their own screen.
#[tokio::test]
async fn a_click_elsewhere_lets_no_stranger_in() {
    each_store!(|world, store| {
        let world = lax(world);
        let auth = node(&world, store);
        world.register(&auth, EMAIL, WORD).await;
        let (thief, owner) = (browser(&auth), browser(&auth));
        for letter in [Link::confirmation(), Link::number("")] {
            let screen = Screen::sign_in(&thief, EMAIL).await;
            let at = sent(&world, &auth).await;
            for visit in [&owner, &browser(&auth), &auth.visit(Client::unknown())] {
                assert_eq!(look(visit, &at).await, "elsewhere");
            }
            assert_eq!(screen.told().await, "waiting");
            assert_eq!(follow(&owner, &at, &letter).await, "left");
            assert_eq!(screen.told().await, "wrong");
            assert_eq!(screen.told().await, "not_begun");
            world.minutes(60);
        }
        let screen = Screen::sign_in(&thief, EMAIL).await;
        let at = sent(&world, &auth).await;
        assert_eq!(follow(&owner, &at, &Link::number(&other(&screen.number))).await, "left");
        assert_eq!(screen.told().await, "wrong");
        world.minutes(60);
        // The owner's own, at once where they asked, and by the number from their phone.
        let screen = Screen::sign_in(&owner, EMAIL).await;
        done(follow_here(&screen.visit, &sent(&world, &auth).await).await);
        let screen = Screen::sign_in(&owner, EMAIL).await;
        let number = Link::number(&screen.number);
        assert_eq!(follow(&browser(&auth), &sent(&world, &auth).await, &number).await, "left");
        done(screen.poll().await);
    });
}

/// ATTACKS 33, 36: a link that was followed is used, for everybody and on every node; also when the reply was lost.
#[tokio::test]
async fn a_link_is_used_once() {
    async fn used_once<S: Shared>(world: World, store: S) {
        let world = lax(world);
        let nodes = [node(&world, store.again(&world)), node(&world, store)];
        let mine = world.register(&nodes[0], EMAIL, WORD).await;
        let binding = nodes[0].random_token().unwrap();
        let at_node =
            |nth: usize, binding: &Token| nodes[nth % 2].visit(Client::unknown().bound_by(binding.clone()));
        let asks = at_node(0, &binding);
        let screen = Screen::sign_in(&asks, EMAIL).await;
        let at = sent(&world, &nodes[0]).await;
        // All at once: in the browser that asked, on another device, and the page that waits.
        let phone = nodes[0].random_token().unwrap();
        let (letter, mut all) = (Link::number(&screen.number), tokio::task::JoinSet::new());
        for nth in 0..30 {
            let visit = at_node(nth, if nth % 3 == 1 { &phone } else { &binding });
            let (at, letter, flow) = (at.clone(), letter.clone(), screen.flow.clone());
            all.spawn(async move {
                match nth % 3 {
                    0 => visit.follow(&at, &Link::confirmation()).await.unwrap(),
                    1 => visit.follow(&at, &letter).await.unwrap(),
                    _ => Followed::Step(visit.answer(&flow, Link::poll()).await.unwrap()),
                }
            });
        }
        let (mut ends, mut left) = (0, 0);
        while let Some(end) = all.join_next().await {
            match end.unwrap() {
                Followed::Step(Step::Done(_)) => ends += 1,
                Followed::Left => left += 1,
                _ => {}
            }
        }
        ends += usize::from(screen.told().await == "done");
        assert_eq!(ends, 1);
        assert!(left <= 1);
        for nth in 0..4 {
            let visit = at_node(nth, if nth < 2 { &phone } else { &binding });
            assert_eq!(look(&visit, &at).await, "mailbox");
            assert_eq!(follow(&visit, &at, &Link::confirmation()).await, "mailbox");
        }
        let sessions = nodes[0].sessions(mine.session.account()).await.unwrap().len();
        assert_eq!(sessions, 2, "one from the registration, one from the link");
    }
    used_once(World::new(), propusk::MemoryStore::default()).await;
    let world = World::new();
    let store = world.file_store();
    used_once(world, store).await;
}

/// ATTACKS 37, 54 (CVE-2016-11074, CVE-2023-1976, CVE-2026-52809): a link ends at its own time, each new one kills the
/// ones before at once, and none answers another flow.
#[tokio::test]
async fn a_link_is_of_one_challenge_and_ends_with_it() {
    each_store!(|world, store| {
        let world = lax(world);
        let auth = node(&world, store);
        world.register(&auth, EMAIL, WORD).await;
        let (asks, phone) = (browser(&auth), browser(&auth));
        let first = Screen::sign_in(&asks, EMAIL).await;
        let old = sent(&world, &auth).await;
        world.minutes(1);
        let second = Screen::begin(&asks, &first.flow).await;
        let new = sent(&world, &auth).await;
        for visit in [&asks, &phone] {
            assert_eq!(look(visit, &old).await, "mailbox");
            for letter in [
                Link::confirmation(),
                Link::number(&first.number),
                Link::number(&second.number),
                Link::denial(),
            ] {
                assert_eq!(follow(visit, &old, &letter).await, "mailbox");
            }
        }
        assert_eq!(second.told().await, "waiting", "a dead link denies nothing either");
        // Another flow of the same person, in the same browser.
        let other = Screen::sign_in(&asks, EMAIL).await;
        assert_eq!(follow(&phone, &new, &Link::number(&other.number)).await, "left");
        assert_eq!(other.told().await, "waiting");
        assert_eq!(second.told().await, "wrong");
        world.minutes(10);
        let last = sent(&world, &auth).await;
        assert_eq!(follow(&asks, &last, &Link::confirmation()).await, "mailbox");
        assert_eq!(other.told().await, "expired");
        let again = Screen::begin(&asks, &other.flow).await;
        done(follow_here(&again.visit, &sent(&world, &auth).await).await);
    });
}

/// ATTACKS 18, 50: a link that was sent before a password was changed, or before its account was switched off, opens
/// nothing.
#[tokio::test]
async fn a_link_dies_with_what_it_was_begun_on() {
    each_store!(|world, store| {
        let world = lax(world);
        let auth = node(&world, store);
        let mine = world.register(&auth, EMAIL, WORD).await;
        let asks = browser(&auth);
        let _ = Screen::sign_in(&asks, EMAIL).await;
        let at = sent(&world, &auth).await;
        let home = auth.visit(Client::unknown());
        let next = pending(home.change(&mine.token, Password::NAME).await.unwrap());
        let next = pending(home.answer(&next.flow, Password::word(WORD)).await.unwrap());
        let mine = done(home.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap());
        assert_eq!(follow(&asks, &at, &Link::confirmation()).await, "stale");

        let _ = Screen::sign_in(&asks, EMAIL).await;
        let at = sent(&world, &auth).await;
        auth.disable(mine.session.account(), &Client::unknown()).await.unwrap();
        assert_eq!(follow(&asks, &at, &Link::confirmation()).await, "wrong");
        let _ = Screen::sign_in(&asks, EMAIL).await;
        assert_eq!(sent(&world, &auth).await, at, "and no other is sent");
        auth.enable(mine.session.account(), &Client::unknown()).await.unwrap();
        assert_eq!(follow(&asks, &at, &Link::confirmation()).await, "not_begun");
        let _ = Screen::sign_in(&asks, EMAIL).await;
        done(follow_here(&asks, &sent(&world, &auth).await).await);
    });
}

/// ATTACKS 59, 60 (CVE-2019-19844, CVE-2022-35924): a link goes to the stored address, to one, and never to what was
/// typed.
#[tokio::test]
async fn a_link_goes_to_the_stored_address_only() {
    each_store!(|world, store| {
        let world = lax(world);
        let auth = node(&world, store);
        let stored = "mike@example.org";
        world.register(&auth, stored, WORD).await;
        let visit = browser(&auth);
        let spellings = ["Mike@Example.ORG", " mike@example.org", "mike@ｅxample.org"];
        let others = [
            "m\u{131}ke@example.org",
            "mi\u{212a}e@example.org",
            "mike@\u{435}\u{445}ample.org",
            "mike@example.org,thief@evil.example",
            "mike@example.org\r\nBcc: thief@evil.example",
            "thief@evil.example <mike@example.org>",
            "mike+x@example.org",
        ];
        for typed in spellings.into_iter().chain(others) {
            let before = world.outbox.all(&auth).await.len();
            if let Step::Pending(next) = visit.sign_in().start(typed).await.unwrap() {
                assert_eq!(said(&visit.begin(&next.flow, &Link::NAME).await.unwrap()), "pending");
            }
            let sent = world.outbox.all(&auth).await.split_off(before);
            assert!(sent.iter().all(|message| message.to.as_str() == stored), "{typed}: {sent:?}");
            assert_eq!(sent.len(), usize::from(spellings.contains(&typed)), "{typed}");
        }
    });
}

#[cfg(feature = "axum")]
mod over_http {
    use axum::body::Body;
    use axum::http::Method;
    use propusk::axum::router;
    use serde_json::{Value, json};

    use super::*;
    use crate::portal::{ORIGIN, Outbox, portal_with};
    use crate::web::Web;

    fn site() -> (Auth, Outbox) {
        let mut profile = propusk::Profile::nist_aal1();
        profile.sign_in = Requirement::aal(Aal::Zero);
        portal_with(profile, |builder| builder.factor(Link::at("/link")))
    }

    async fn begin(browser: &mut Web) -> Value {
        let asked = json!({ "identifier": EMAIL, "factor": "email-link" });
        browser.post("/auth/sign-in", asked).await.expect(200).json()
    }

    async fn address_of_last(auth: &Auth, outbox: &Outbox) -> String {
        outbox.all(auth).await.iter().rev().find_map(address).unwrap().0
    }

    /// ATTACKS 72 (next-auth 1840, GHSA-hc7v-rggr-4hvx): GET and HEAD, by a scanner and in the browser that asked, change
    /// nothing and set no cookie, a hundred times over.
    #[tokio::test]
    async fn row_72_fetching_a_link_changes_nothing_and_signs_nobody_in() {
        let (auth, outbox) = site();
        let mut home = Web::browser(&router(auth.clone()).unwrap());
        home.register(&auth, &outbox, EMAIL).await;
        let mut asks = Web::browser(&home.router);
        let begun = begin(&mut asks).await;
        let at = address_of_last(&auth, &outbox).await;
        let path = format!("/auth/return?m={at}");
        let mut scanner = Web::browser(&home.router)
            .with("sec-fetch-site", "none")
            .with("sec-purpose", "prefetch;prerender")
            .with("origin", "");
        let jar = asks.jar.clone();
        for _ in 0..50 {
            for (web, here) in [(&mut scanner, false), (&mut asks, true)] {
                let reply = web.get(&path).await.expect(200);
                assert_eq!(reply.json()["here"], here);
                assert_eq!(reply.headers["referrer-policy"], "no-referrer");
                assert_eq!(reply.headers["cache-control"], "no-store");
                let head = web.request(Method::HEAD, &path).body(Body::empty()).unwrap();
                assert!(web.send(head).await.expect(200).body.is_empty());
            }
        }
        assert!(scanner.jar.is_empty() && asks.jar == jar, "a cookie was set");
        asks.get("/auth/session").await.problem(401, "no_session");
        let poll = json!({ "flow": begun["flow"], "factor": "email-link", "answer": {} });
        asks.post("/auth/flow/answer", poll).await.problem(409, "waiting");
        // A scanner that runs the page's forms has no number.
        scanner = scanner.with("origin", ORIGIN).with("sec-fetch-site", "same-origin");
        let confirm = json!({ "mailbox": at, "letter": { "confirm": true } });
        asks.post("/auth/return", confirm.clone()).await.expect(200);
        asks.get("/auth/session").await.expect(200);
        scanner.post("/auth/return", confirm).await.problem(409, "mailbox");
        assert!(scanner.jar.is_empty());
    }

    /// ATTACKS 63 (CVE-2015-9284): another site posts no link, not even its own one into its visitor's browser.
    #[tokio::test]
    async fn row_63_no_other_site_follows_a_link() {
        let (auth, outbox) = site();
        let mut home = Web::browser(&router(auth.clone()).unwrap());
        home.register(&auth, &outbox, EMAIL).await;
        let mut asks = Web::browser(&home.router);
        let begun = begin(&mut asks).await;
        let at = address_of_last(&auth, &outbox).await;
        for letter in [json!({ "confirm": true }), json!({ "number": begun["begun"]["prompt"]["number"] })] {
            let body = json!({ "mailbox": at, "letter": letter });
            for origin in ["", "null", "https://evil.example", "http://portal.example"] {
                for site in ["cross-site", "same-site", ""] {
                    let forged = || asks.clone().with("origin", origin).with("sec-fetch-site", site);
                    forged().post("/auth/return", body.clone()).await.problem(403, "origin");
                    let simple = forged().with("content-type", "text/plain");
                    let request = simple.request(Method::POST, "/auth/return");
                    let request = request.body(Body::from(body.to_string())).unwrap();
                    asks.clone().send(request).await.expect(403);
                }
            }
        }
        let confirm = json!({ "mailbox": at, "letter": { "confirm": true } });
        asks.post("/auth/return", confirm).await.expect(200);
    }

    /// ATTACKS 69 (CVE-2017-9303, CVE-2026-27812): a link stands on the origin that the builder was told, whatever a
    /// request says of its host.
    #[tokio::test]
    async fn row_69_no_header_moves_a_link() {
        let hostile = [
            ("host", "evil.example"),
            ("host", "portal.example@evil.example"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-server", "evil.example"),
            ("x-original-url", "//evil.example/"),
            ("forwarded", "host=evil.example;proto=http"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-port", "666"),
        ];
        let (auth, outbox) = site();
        let mut home = Web::browser(&router(auth.clone()).unwrap());
        home.register(&auth, &outbox, EMAIL).await;
        let mut seen = Vec::new();
        for (name, value) in [("host", "portal.example")].into_iter().chain(hostile) {
            let mut asks = Web::browser(&home.router);
            let asked = json!({ "identifier": EMAIL, "factor": "email-link" });
            let request = asks.request(Method::POST, "/auth/sign-in").header(name, value);
            asks.send(request.body(Body::from(asked.to_string())).unwrap()).await.expect(200);
            let letter = outbox.all(&auth).await.pop().unwrap();
            let (at, link) = address(&letter).unwrap();
            assert!(link.starts_with("https://portal.example/"), "{link}");
            seen.push(letter.text().body.replace(&at, "ADDRESS"));
        }
        assert_eq!(seen.len(), 9);
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
    }
}
