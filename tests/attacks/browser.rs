//! What only shows over HTTP: cookies, headers, whole replies.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use propusk::axum::{AuthHttp, Signed, TrustedProxies};
use propusk::store::Rate;
use propusk::testing::GatedStore;
use propusk::{Client, MemoryStore};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::portal::WORD;
use crate::web::{Reply, Web, by_password};
use crate::world::{EMAIL, PHONE, Shared, World, each_store, race};

const SESSION: &str = "__Host-propusk";

/// ATTACKS 15 (CVE-2026-24000, CVE-2026-45364): no header makes a new client of an old one, unless a proxy that the
/// operator named wrote it, and then only what that proxy itself saw.
#[tokio::test]
async fn a_forwarded_header_makes_no_new_client() {
    let mut world = World::new();
    world.profile.network_rate = Rate { uses: 4, per: Duration::from_secs(60) };
    let auth = world.node(MemoryStore::default());
    world.person(&auth).await;
    let router = propusk::axum::router(auth.clone()).unwrap();
    let names = [
        "x-forwarded-for",
        "forwarded",
        "x-real-ip",
        "true-client-ip",
        "cf-connecting-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-original-forwarded-for",
        "via",
    ];
    let hostile = |router: &Router, n: usize| {
        let mut web = Web::browser(router);
        for name in names {
            let value =
                if name == "forwarded" { format!("for=198.51.100.{n}") } else { format!("198.51.100.{n}") };
            web.headers.insert(name, value);
        }
        web
    };
    for n in 0..12 {
        let reply = hostile(&router, n).sign_in(PHONE, "wrong").await;
        match n {
            0..4 => reply.problem(403, "wrong"),
            _ => reply.problem(429, "throttled"),
        };
    }
    let mut elsewhere = Web::browser(&router);
    elsewhere.peer = "203.0.113.9:1".parse().unwrap();
    elsewhere.sign_in(PHONE, WORD).await.expect(200);

    let proxied = AuthHttp::builder(auth)
        .trusted_proxies(TrustedProxies::x_forwarded_for(&["192.0.2.1"]).unwrap())
        .build()
        .unwrap()
        .router();
    for n in 0..8 {
        let mut web =
            Web::browser(&proxied).with("x-forwarded-for", &format!("198.51.100.{n}, 203.0.113.77"));
        let reply = web.sign_in("+79160000000", "wrong").await;
        match n {
            0..4 => reply.problem(403, "wrong"),
            _ => reply.problem(429, "throttled"),
        };
    }
    Web::browser(&proxied).with("x-forwarded-for", "203.0.113.78").sign_in(PHONE, WORD).await.expect(200);
}

/// ATTACKS 47 (CVE-2021-21424, CVE-2026-23511): the same bytes, headers and cookies for a known name, one that nobody
/// has, and one that is switched off, from the first try into the hold.
#[tokio::test]
async fn replies_are_the_same_for_every_name() {
    each_store!(|world, store| {
        let auth = world.node(store);
        world.person(&auth).await;
        let off = world.register(&auth, "+79160000009", WORD).await.session.account();
        auth.disable(off, &Client::unknown()).await.unwrap();
        let router = propusk::axum::router(auth.clone()).unwrap();
        let mut seen = Vec::new();
        for (name, word) in [(PHONE, "wrong"), ("+79160000000", WORD), ("+79160000009", WORD)] {
            let mut web = Web::browser(&router);
            let mut replies = Vec::new();
            let reply = web.post("/auth/sign-in", json!({ "identifier": name })).await;
            let flow = reply.text("flow");
            replies.push(shown(&reply));
            let asked = json!({ "flow": flow, "factor": "sms-code" });
            replies.push(shown(&web.post("/auth/flow/begin", asked.clone()).await));
            replies.push(shown(&web.post("/auth/flow/begin", asked).await));
            let code = json!({ "flow": flow, "factor": "sms-code", "answer": { "code": "000000" } });
            replies.push(shown(&web.post("/auth/flow/answer", code).await));
            let asked = json!({ "flow": flow, "factor": "password", "answer": { "password": word } });
            replies.push(shown(&web.post("/auth/flow/answer", asked).await));
            for _ in 0..6 {
                replies.push(shown(&web.sign_in(name, word).await));
            }
            let asked = json!({ "contact": name, "name": "Иван", "terms": "1" });
            replies.push(shown(&web.post("/auth/sign-up", asked).await));
            seen.push(replies);
        }
        assert!(seen[0][10].contains("held"), "{}", seen[0][10]);
        assert_eq!(seen[0], seen[1]);
        assert_eq!(seen[0], seen[2]);
        world.minutes(5);
        Web::browser(&router).sign_in(PHONE, WORD).await.expect(200);
    });
}

/// ATTACKS 49 (CVE-2022-38054, CVE-2024-28197): a cookie that somebody planted does not become the victim's session,
/// whether it was somebody's session or made up.
#[tokio::test]
async fn a_planted_cookie_is_not_signed_in() {
    let world = World::new();
    let auth = world.node(MemoryStore::default());
    world.person(&auth).await;
    world.register(&auth, EMAIL, WORD).await;
    let router = propusk::axum::router(auth).unwrap();
    let mut thief = Web::browser(&router);
    thief.sign_in(EMAIL, WORD).await.expect(200);
    let thiefs = thief.get("/auth/session").await.text("account");
    for planted in [thief.jar[SESSION].clone(), "A".repeat(54), "B".repeat(53) + "A"] {
        let mut victim = Web::browser(&router);
        victim.jar.insert(SESSION.to_owned(), planted.clone());
        victim.jar.insert("__Host-propusk-flow".to_owned(), thief.jar["__Host-propusk-flow"].clone());
        victim.sign_in(PHONE, WORD).await.expect(200);
        assert_ne!(victim.jar[SESSION], planted);
        let mine = victim.get("/auth/session").await.expect(200).text("account");
        assert_ne!(mine, thiefs);
        let mut replay = Web::browser(&router);
        replay.jar.insert(SESSION.to_owned(), planted.clone());
        // The thief's own session ended with the sign-in in the browser that brought it (ASVS 7.2.4).
        replay.get("/auth/session").await.problem(401, "no_session");
        // Two cookies of one name: one of them was tossed in, neither is believed.
        let both = format!("{SESSION}={planted}; {SESSION}={}", victim.jar[SESSION]);
        let mut tossed = Web::browser(&router).with("cookie", &both);
        tossed.get("/auth/session").await.problem(401, "no_session");
        victim.get("/auth/session").await.expect(200);
    }
}

/// ATTACKS 51 (CVE-2026-30224): the cookies of before, sent again after signing out.
#[tokio::test]
async fn cookies_replayed_after_sign_out_are_nothing() {
    each_store!(|world, store| {
        let auth = world.node(store);
        world.person(&auth).await;
        let router = propusk::axum::router(auth).unwrap();
        let (mut web, mut other) = (Web::browser(&router), Web::browser(&router));
        web.sign_in(PHONE, WORD).await.expect(200);
        other.sign_in(PHONE, WORD).await.expect(200);
        let mut replay = web.clone();
        web.delete("/auth/session").await.expect(204);
        assert!(!web.jar.contains_key(SESSION));
        for path in ["/auth/session", "/auth/sessions", "/auth/history"] {
            replay.get(path).await.problem(401, "no_session");
        }
        replay.post("/auth/change", json!({ "factor": "password" })).await.problem(401, "no_session");
        other.get("/auth/session").await.expect(200);
        web.sign_in(PHONE, WORD).await.expect(200);
    });
}

/// ATTACKS 94: eight right codes at once, all past the reading of the flow. One is signed in; the others' cookies
/// are not, at no moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_losers_cookie_is_never_signed_in() {
    each_store!(|world, store| {
        let auth = world.node(store.clone());
        world.person(&auth).await;
        let plain = propusk::axum::router(auth.clone()).unwrap();
        let mut web = Web::browser(&plain);
        let asked = json!({ "identifier": PHONE, "factor": "sms-code" });
        let flow = web.post("/auth/sign-in", asked).await.expect(200).text("flow");
        let code = world.outbox.code(&auth).await;
        let over = Arc::new(AtomicBool::new(false));
        let mut watched = vec![web.clone()];
        for token in [&flow, &web.jar["__Host-propusk-flow"]] {
            let mut other = web.clone();
            other.jar.insert(SESSION.to_owned(), token.clone());
            watched.push(other);
        }
        let watcher = tokio::spawn({
            let over = over.clone();
            async move {
                let mut looks = 0;
                while !over.load(Ordering::Acquire) || looks == 0 {
                    for web in &mut watched {
                        web.get("/auth/session").await.problem(401, "no_session");
                    }
                    looks += 1;
                }
            }
        });
        let gate = GatedStore::new(store.again(&world), "find_flow", 8);
        let gated = propusk::axum::router(world.node(gate.clone())).unwrap();
        let replies = race(&[gate], 8, |_| {
            let mut web = Web { router: gated.clone(), ..web.clone() };
            let asked = json!({ "flow": flow, "factor": "sms-code", "answer": { "code": code } });
            async move { (web.post("/auth/flow/answer", asked).await, web) }
        })
        .await;
        let mut winners = 0;
        for (reply, mut web) in replies {
            let signed_in = web.jar.contains_key(SESSION);
            assert_eq!((reply.status == 200, reply.cookie(SESSION).is_some()), (signed_in, signed_in));
            winners += u32::from(signed_in);
            web.router = plain.clone();
            web.get("/auth/session").await.expect(if signed_in { 200 } else { 401 });
        }
        over.store(true, Ordering::Release);
        watcher.await.unwrap();
        assert_eq!(winners, 1);
        web.sign_in(PHONE, WORD).await.expect(200);
    });
}

/// ATTACKS 97: a handler of the application that takes its time while its person signs out elsewhere. When it is
/// done nothing writes the session back.
#[tokio::test]
async fn a_slow_handler_does_not_revive_a_session() {
    struct Slow {
        entered: Notify,
        go_on: Notify,
    }
    each_store!(|world, store| {
        let auth = world.node(store);
        world.person(&auth).await;
        let http = AuthHttp::new(auth.clone()).unwrap();
        let slow = Arc::new(Slow { entered: Notify::new(), go_on: Notify::new() });
        let handler = {
            let slow = slow.clone();
            async move |State(_): State<AuthHttp>, Signed(session): Signed| {
                slow.entered.notify_one();
                slow.go_on.notified().await;
                session.account().to_string()
            }
        };
        let router = Router::new().route("/slow", get(handler)).with_state(http.clone()).merge(http.router());
        let mut web = Web::browser(&router);
        web.sign_in(PHONE, WORD).await.expect(200);
        let mut other = Web::browser(&router);
        other.sign_in(PHONE, WORD).await.expect(200);
        world.minutes(10);
        let mut requests = web.clone();
        let request = tokio::spawn(async move { requests.get("/slow").await });
        slow.entered.notified().await;
        let mut replay = web.clone();
        web.delete("/auth/session").await.expect(204);
        slow.go_on.notify_one();
        let reply = request.await.unwrap().expect(200);
        assert!(reply.cookie(SESSION).is_none());
        replay.get("/auth/session").await.problem(401, "no_session");
        replay.get("/slow").await.problem(401, "no_session");
        assert_eq!(other.get("/auth/sessions").await.json()["sessions"].as_array().unwrap().len(), 2);
        web.sign_in(PHONE, WORD).await.expect(200);
    });
}

/// ATTACKS 101 and 50 over HTTP: after a change of password the other browser is signed out, this one is not.
#[tokio::test]
async fn another_browser_is_signed_out_by_a_change() {
    each_store!(|world, store| {
        let auth = world.node(store);
        world.person(&auth).await;
        let router = propusk::axum::router(auth).unwrap();
        let (mut here, mut there) = (Web::browser(&router), Web::browser(&router));
        here.sign_in(PHONE, WORD).await.expect(200);
        there.sign_in(PHONE, WORD).await.expect(200);
        let asked = json!({ "factor": "password", "answer": { "password": WORD } });
        let flow = here.post("/auth/change", asked).await.expect(200).text("flow");
        let new = crate::world::NEW_WORD;
        let asked = json!({ "flow": flow, "factor": "password", "answer": { "password": new } });
        let mut before = here.clone();
        here.post("/auth/flow/answer", asked).await.expect(200);
        there.get("/auth/session").await.problem(401, "no_session");
        before.get("/auth/session").await.problem(401, "no_session");
        here.get("/auth/session").await.expect(200);
        there.post("/auth/sign-in", by_password(PHONE, WORD)).await.problem(403, "wrong");
        there.post("/auth/sign-in", by_password(PHONE, new)).await.expect(200);
    });
}

/// A reply as an attacker sees it; tokens differ each time, so only their length stands.
fn shown(reply: &Reply) -> String {
    let mut lines: Vec<String> = reply
        .headers
        .iter()
        .map(|(name, value)| {
            let value = value.to_str().unwrap();
            match (name.as_str(), value.split_once('=')) {
                ("set-cookie", Some((cookie, rest))) => {
                    let (token, attributes) = rest.split_once(';').unwrap_or((rest, ""));
                    format!("{name}: {cookie}={};{attributes}", token.len())
                }
                _ => format!("{name}: {value}"),
            }
        })
        .collect();
    lines.sort();
    let mut body: Value = reply.json();
    if let Some(flow) = body.get_mut("flow") {
        *flow = json!(flow.as_str().unwrap().len());
    }
    format!("{} {lines:?} {body}", reply.status)
}
