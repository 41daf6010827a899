//! Several accounts in one browser: what a sign-in adds, what a switch changes, and that a page of one account does
//! nothing in the name of another.

use std::time::Duration;

use axum::Router;
use axum::extract::FromRef;
use axum::http::Method;
use axum::routing::get;
use propusk::axum::{AuthHttp, FormFields, SameOrigin, Signed, TokenForm, Visitor};
use propusk::event::EventPage;
use propusk::policy::Requirement;
use propusk::proof::Aal;
use propusk::testing::CountingStore;
use propusk::{Auth, Client, KeyRing, MemoryStore, Password, Profile, Site, Step, Token, Totp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::portal::{ORIGIN, Outbox, WORD, Watch, portal_with, refused};
use crate::web::{Reply, Web, by_password};

const NAMES: [&str; 6] = [
    "+79161234567",
    "petrov@example.org",
    "+79161234568",
    "sidorova@example.org",
    "+79161234569",
    "orlov@example.org",
];
const SESSION: &str = "__Host-propusk";
const BESIDE: &str = "__Host-propusk-beside";
const HOUR: Duration = Duration::from_secs(3600);

/// An application's own form, and its own JSON.
#[derive(Debug, Deserialize)]
struct Pay {}

impl FormFields for Pay {
    const PURPOSE: &'static str = "pay";
}

#[derive(Clone, Debug)]
struct App(AuthHttp);

impl FromRef<App> for AuthHttp {
    fn from_ref(app: &App) -> Self {
        app.0.clone()
    }
}

struct Shop {
    auth: Auth,
    outbox: Outbox,
    router: Router,
    watch: Watch,
}

impl Shop {
    fn new(accounts: usize) -> Self {
        let watch = Watch::new();
        let mut profile = Profile::nist_aal1();
        profile.sessions.idle = HOUR;
        let (auth, outbox) =
            portal_with(profile, |builder| builder.clock(watch.clone()).factor(Totp::default()));
        let http = AuthHttp::builder(auth.clone()).accounts(accounts).build().unwrap();
        let pay =
            async |Signed(session): Signed, TokenForm(Pay {}): TokenForm<Pay>| session.account().to_string();
        let router = Router::new()
            .route("/pay", get(async |visitor: Visitor| visitor.form_token::<Pay>()).post(pay))
            .route(
                "/api",
                axum::routing::post(async |_: SameOrigin, Signed(mine): Signed| mine.id().to_string()),
            )
            .with_state(App(http.clone()))
            .merge(http.router());
        Self { auth, outbox, router, watch }
    }

    /// Registered in one browser, one after the other: the last is in use.
    async fn with(&self, count: usize) -> (Web, Vec<Value>) {
        let (mut browser, mut mine) = (Web::browser(&self.router), Vec::new());
        for name in &NAMES[..count] {
            let reply = browser.register(&self.auth, &self.outbox, name).await;
            mine.push(reply.json()["session"].clone());
        }
        (browser, mine)
    }

    fn client(&self) -> Client {
        Client::unknown().from_address([192, 0, 2, 1].into())
    }
}

async fn list(browser: &mut Web) -> Value {
    browser.get("/auth/accounts").await.expect(200).json()
}

/// Their accounts, the one in use first.
async fn accounts(browser: &mut Web) -> Vec<Value> {
    let list = list(browser).await;
    let all = list["accounts"].as_array().unwrap();
    assert!(all.iter().skip(1).all(|one| one["in_use"] == false), "{list}");
    all.iter().map(|one| one["account"].clone()).collect()
}

async fn switch(browser: &mut Web, to: &Value) -> Reply {
    let list = list(browser).await;
    let one = list["accounts"].as_array().unwrap().iter().find(|one| one["account"] == to["account"]);
    browser.post("/auth/accounts", json!({ "session": one.unwrap()["session"] })).await
}

/// The same cookies elsewhere: what a thief copied.
fn copy(browser: &Web) -> Web {
    browser.clone()
}

fn page_of(browser: &mut Web, one: &Value) {
    browser.headers.insert("propusk-account", one["account"].as_str().unwrap().to_owned());
}

#[tokio::test]
async fn a_sign_in_to_another_account_adds_it_and_to_the_same_replaces_its_own() {
    let shop = Shop::new(5);
    let (mut browser, mine) = shop.with(2).await;
    let all = list(&mut browser).await;
    assert_eq!((&all["ended"], &all["most"]), (&json!(0), &json!(5)));
    assert_eq!(
        (&all["accounts"][0]["account"], &all["accounts"][0]["in_use"]),
        (&mine[1]["account"], &json!(true))
    );
    assert_eq!(all["accounts"][0]["identifier"], "p***v@example.org", "masked, as everywhere");
    assert_eq!(all["accounts"][1]["session"], mine[0]["id"], "the one before goes on as it was");
    assert!(!all.to_string().contains(NAMES[0]), "{all}");

    // The second signs in again: one session of theirs ends, and the first stays beside.
    let before = copy(&browser);
    let reply = browser.sign_in(NAMES[1], WORD).await.expect(200);
    assert!(reply.headers.get("clear-site-data").is_none(), "the same person: nothing to clear");
    assert_eq!(accounts(&mut browser).await, [mine[1]["account"].clone(), mine[0]["account"].clone()]);
    copy(&before).get("/auth/session").await.problem(401, "no_session");
    // And the first, who lies beside: their session is not doubled, the second is kept.
    let reply = browser.sign_in(NAMES[0], WORD).await.expect(200);
    assert!(reply.headers["clear-site-data"].to_str().unwrap().contains("storage"), "another person's pages");
    assert_eq!(accounts(&mut browser).await, [mine[0]["account"].clone(), mine[1]["account"].clone()]);
    let first = mine[0]["account"].as_str().unwrap().parse().unwrap();
    assert_eq!(shop.auth.sessions(first).await.unwrap().len(), 1);
    // A wrong password changes nothing.
    let jar = browser.jar.clone();
    browser.sign_in(NAMES[1], "wrong wrong wrong").await.problem(403, "wrong");
    assert_eq!(browser.jar, jar);
}

/// ASVS 5.0 14.3.1, where there is one account at a time: the session before ends, and so does what its pages left.
#[tokio::test]
async fn a_sign_in_over_the_session_of_another_clears_what_they_left() {
    let shop = Shop::new(1);
    let clears = |reply: Reply| {
        let header = reply.expect(200).headers.get("clear-site-data").cloned();
        header.is_some_and(|header| header == "\"cache\", \"storage\"")
    };
    let (mut browser, _) = shop.with(1).await;
    let mut elsewhere = Web::browser(&shop.router);
    assert!(!clears(elsewhere.register(&shop.auth, &shop.outbox, NAMES[1]).await), "nobody was there");
    assert!(!clears(browser.sign_in(NAMES[0], WORD).await), "the same person");
    assert!(clears(browser.sign_in(NAMES[1], WORD).await));
    assert_eq!(accounts(&mut browser).await.len(), 1);
    assert!(clears(browser.register(&shop.auth, &shop.outbox, NAMES[2]).await), "a registration is no other");
    browser.delete("/auth/session").await.expect(204);
    assert!(!clears(browser.sign_in(NAMES[0], WORD).await), "cleared when they signed out");
}

/// ATTACKS 49: what becomes the session in use is not what lay there; ASVS 5.0 7.2.4.
#[tokio::test]
async fn a_switch_gives_a_new_token_and_proves_nothing() {
    let shop = Shop::new(5);
    let (mut browser, mine) = shop.with(2).await;
    shop.watch.forward(HOUR / 2);
    let before = copy(&browser);
    let reply = switch(&mut browser, &mine[0]).await.expect(200);
    assert!(reply.headers["clear-site-data"].to_str().unwrap().contains("cache"));
    assert!(reply.cookie("__Host-propusk-flow").is_none());
    let now = reply.json()["session"].clone();
    assert_ne!(now["id"], mine[0]["id"]);
    for same in ["account", "aal", "amr", "expires"] {
        assert_eq!(now[same], mine[0][same], "{same}");
    }
    assert_eq!(accounts(&mut browser).await, [mine[0]["account"].clone(), mine[1]["account"].clone()]);
    // The token that lay there is over, in use or beside; the other's is as it was.
    let mut stolen = copy(&before);
    assert_eq!(accounts(&mut stolen).await, [mine[1]["account"].clone()]);
    stolen.post("/auth/accounts", json!({ "session": now["id"] })).await.problem(401, "no_session");
    stolen.jar.insert(SESSION.to_owned(), before.jar[BESIDE].clone());
    stolen.get("/auth/session").await.problem(401, "no_session");
    // The owner sees it, from where.
    let whose = mine[0]["account"].as_str().unwrap().parse().unwrap();
    let events = shop.auth.history(whose, EventPage::newest(9)).await.unwrap();
    assert_eq!(events[0].name.as_str(), "account-switched");
    assert_eq!(events[0].origin.address.unwrap().to_string(), "192.0.2.1");
    let listed = shop.auth.sessions(whose).await.unwrap();
    assert!(listed.len() == 1 && listed[0].from.is_some());
    // The one that is in use already stays as it is.
    let jar = browser.jar.clone();
    let reply = switch(&mut browser, &mine[0]).await.expect(200);
    assert!(reply.headers.get("clear-site-data").is_none());
    assert_eq!(browser.jar, jar);
}

/// The main danger of a switch: a tab of the account before, still open. ATTACKS 63: what a form does, it does for whom
/// it was shown to.
#[tokio::test]
async fn a_page_of_the_account_before_does_nothing_for_the_one_in_use() {
    let shop = Shop::new(5);
    let (mut browser, mine) = shop.with(2).await;
    let (first, second) = (&mine[0], &mine[1]);
    let form = async |browser: &mut Web| {
        let reply = browser.get("/pay").await.expect(200);
        format!("form_token={}", String::from_utf8(reply.body).unwrap())
    };
    let pay = async |browser: &mut Web, form: &str| {
        let mut page = browser.clone().with("content-type", "application/x-www-form-urlencoded");
        page.raw(Method::POST, "/pay", form.to_owned()).await
    };
    let of_second = form(&mut browser).await;
    assert_eq!(
        pay(&mut browser, &of_second).await.expect(200).body,
        second["account"].as_str().unwrap().as_bytes()
    );
    switch(&mut browser, first).await.expect(200);
    pay(&mut browser, &of_second).await.problem(403, "form_token");
    // Nor when it is the second's turn again: the page is as old as its session's token.
    switch(&mut browser, second).await.expect(200);
    pay(&mut browser, &of_second).await.problem(403, "form_token");
    let again = form(&mut browser).await;
    pay(&mut browser, &again).await.expect(200);
    switch(&mut browser, first).await.expect(200);

    // A script's page of the second, and one that does not say whose it is: everything that acts in a session, and a
    // handler of the application's own.
    let credential = browser.get("/auth/factors").await.expect(200).json()["factors"][0]["id"].clone();
    let credential = format!("/auth/factors/{}", credential.as_str().unwrap());
    let contact = browser.get("/auth/contacts").await.expect(200).json()["contacts"][0]["id"].clone();
    let contact = format!("/auth/contacts/{}", contact.as_str().unwrap());
    let session =
        format!("/auth/sessions/{}", list(&mut browser).await["accounts"][0]["session"].as_str().unwrap());
    let main = format!("{contact}/main");
    let acts: [(Method, &str, Value); 18] = [
        (Method::POST, "/auth/change", json!({ "factor": "password" })),
        (Method::POST, "/auth/enrol", json!({ "factor": "totp" })),
        (Method::POST, "/auth/step-up", json!({ "acr_values": "aal2" })),
        (Method::POST, "/auth/approvals", json!({ "mailbox": "x" })),
        (Method::POST, "/auth/contacts", json!({ "address": "new@example.org" })),
        (Method::POST, "/auth/lock", json!({})),
        (Method::POST, "/auth/close", json!({})),
        (Method::PUT, "/auth/preferences", json!({ "topics": {} })),
        (Method::PUT, &credential, json!({ "name": "mine" })),
        (Method::DELETE, &credential, json!({})),
        (Method::DELETE, &contact, json!({})),
        (Method::POST, &main, json!({})),
        (Method::DELETE, &session, json!({})),
        (Method::DELETE, "/auth/sessions", json!({})),
        (Method::DELETE, "/auth/session", json!({})),
        (Method::DELETE, "/auth/recover", json!({})),
        (Method::POST, "/auth/no-such-route-yet", json!({})),
        (Method::POST, "/api", json!({})),
    ];
    let jar = browser.jar.clone();
    let whose = first["account"].as_str().unwrap().parse().unwrap();
    let events = async || shop.auth.history(whose, EventPage::newest(50)).await.unwrap().len();
    let before = events().await;
    for named in [None, Some(second), Some(&json!({ "account": "" })), Some(&json!({ "account": "x" }))] {
        let mut stale = browser.clone();
        if let Some(named) = named {
            page_of(&mut stale, named);
        }
        for (method, path, body) in &acts {
            let reply = stale.raw(method.clone(), path, body.to_string()).await;
            match *path {
                "/auth/no-such-route-yet" => drop(reply.expect(409)),
                _ => drop(reply.problem(409, "other_account")),
            }
            assert_eq!(stale.jar, jar, "{path}");
        }
    }
    assert_eq!(events().await, before, "nothing was done");
    // What is only looked at, too, where the page says whose it is.
    let mut stale = browser.clone();
    page_of(&mut stale, second);
    for path in ["/auth/session", "/auth/export", "/auth/history", "/auth/accounts"] {
        stale.get(path).await.problem(409, "other_account");
    }
    stale.post("/auth/sign-in", by_password(NAMES[1], WORD)).await.problem(409, "other_account");
    // A page of the first works as ever.
    let mut page = browser.clone();
    page_of(&mut page, first);
    page.get("/auth/export").await.expect(200);
    page.raw(Method::POST, "/api", "{}").await.expect(200);
    page.put(&credential, json!({ "name": "mine" })).await.expect(204);
    page.delete("/auth/session").await.expect(204);
}

/// The same for each route that is described, as far as it is not known to need no session: a new one is held to it.
#[cfg(feature = "openapi")]
#[tokio::test]
async fn no_route_acts_for_a_page_that_does_not_say_whose_it_is() {
    let shop = Shop::new(5);
    let (browser, _) = shop.with(2).await;
    let http = AuthHttp::builder(shop.auth.clone()).accounts(5).build().unwrap();
    let described: Value = serde_json::from_str(http.openapi()).unwrap();
    // They begin at nobody, go on in a flow, come from a letter, or name the account themselves.
    let free = [
        "/auth/sign-up",
        "/auth/sign-in",
        "/auth/recover",
        "/auth/recover/wait",
        "/auth/return",
        "/auth/objection",
        "/auth/flow/begin",
        "/auth/flow/answer",
        "/auth/flow/reopen",
        "/auth/token",
        "/auth/accounts",
        "/auth/accounts/{id}",
    ];
    let mut asked = 0;
    for (path, methods) in described["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys().filter(|method| *method != "get") {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            if free.contains(&path.as_str()) && !(path == "/auth/recover" && method == Method::DELETE) {
                continue;
            }
            let mut page = browser.clone();
            let path = path.replace("{id}", "00000000-0000-7000-8000-000000000000");
            page.raw(method, &path, "{}").await.problem(409, "other_account");
            asked += 1;
        }
    }
    assert!(asked >= 15, "{asked}");
}

/// With one account there is nothing to name, as before.
#[tokio::test]
async fn a_browser_with_one_account_names_none() {
    let shop = Shop::new(5);
    let (mut browser, _) = shop.with(1).await;
    assert!(!browser.jar.contains_key(BESIDE));
    browser.post("/auth/enrol", json!({ "factor": "totp" })).await.expect(200);
    browser.raw(Method::POST, "/api", "{}").await.expect(200);
    browser.delete("/auth/session").await.expect(204);
}

/// A flow goes on in the session that it began in, or not at all.
#[tokio::test]
async fn a_flow_of_one_account_does_not_end_in_another() {
    let shop = Shop::new(5);
    let (mut browser, mine) = shop.with(2).await;
    page_of(&mut browser, &mine[1]);
    let begun = browser.post("/auth/change", json!({ "factor": "password" })).await.expect(200);
    let answer = |flow: &str| json!({ "flow": flow, "factor": "password", "answer": { "password": WORD } });
    let answer = answer(&begun.text("flow"));
    browser.headers.remove("propusk-account");
    switch(&mut browser, &mine[0]).await.expect(200);
    // The same cookie still binds the flow to the browser; the session in use is another's.
    let jar = browser.jar.clone();
    browser.post("/auth/flow/answer", answer.clone()).await.problem(410, "no_flow");
    let asked = json!({ "flow": begun.text("flow"), "factor": "password" });
    browser.post("/auth/flow/begin", asked).await.problem(410, "no_flow");
    assert_eq!(browser.jar, jar);
    // Nor in the session that takes the place of the one that it began in.
    switch(&mut browser, &mine[1]).await.expect(200);
    browser.post("/auth/flow/answer", answer).await.problem(410, "no_flow");

    // A sign-in that began before a switch signs in whom it is about, and leaves both beside.
    let begun = browser.post("/auth/sign-in", json!({ "identifier": NAMES[0] })).await.expect(200);
    switch(&mut browser, &mine[0]).await.expect(200);
    let asked = json!({ "flow": begun.text("flow"), "factor": "password", "answer": { "password": WORD } });
    browser.post("/auth/flow/answer", asked).await.expect(200);
    assert_eq!(accounts(&mut browser).await, [mine[0]["account"].clone(), mine[1]["account"].clone()]);
}

/// The same without HTTP: by the calls of the library alone, with the binding that the flow has.
#[tokio::test]
async fn no_step_of_a_session_is_taken_by_a_client_that_holds_another() {
    let shop = Shop::new(5);
    let binding = shop.auth.random_token().unwrap();
    let client = || shop.client().bound_by(binding.clone());
    let mine = async |name: &str| {
        crate::portal::register(&shop.auth, &shop.outbox, &shop.auth.visit(client()), name).await
    };
    let (first, second) = (mine(NAMES[0]).await, mine(NAMES[1]).await);
    let visit = |session: &Token| shop.auth.visit(client().holding(session.clone()));
    shop.watch.forward(HOUR / 2);
    let fresh = Requirement::aal(Aal::One).within(Duration::from_secs(60));
    let begin = async || match visit(&first.token).step_up(&first.token, fresh).await.unwrap() {
        Step::Pending(next) => next.flow,
        other => panic!("{other:?}"),
    };
    let flow = begin().await;
    let why = refused(visit(&second.token).answer(&flow, Password::word(WORD)).await.unwrap());
    assert_eq!(why.code.as_str(), "no_flow");
    let why = refused(visit(&second.token).begin(&flow, &Password::NAME).await.unwrap());
    assert_eq!(why.code.as_str(), "no_flow");
    // Who holds none in particular, a program that sends its binding only, goes on.
    let step = shop.auth.visit(client()).answer(&flow, Password::word(WORD)).await.unwrap();
    let stepped = crate::portal::done(step).session;
    assert_eq!(stepped.account(), first.session.account());
    assert!(shop.auth.session(&second.token).await.unwrap().is_some(), "nothing came to the other");
}

/// Revoked, locked, timed out, or never a session at all: the list says that something is over, and not whose, nor why.
#[tokio::test]
async fn what_is_over_falls_out_of_the_list_as_a_number() {
    let shop = Shop::new(5);
    let (browser, mine) = shop.with(2).await;
    let whose = mine[0]["account"].as_str().unwrap().parse().unwrap();
    let junk = { shop.auth.random_token().unwrap().expose().to_string() };
    let mut seen = Vec::new();
    // Each on a copy of the browser, and of the first's session alone.
    let mut never = browser.clone();
    never.jar.insert(BESIDE.to_owned(), junk);
    seen.push(never.get("/auth/accounts").await.expect(200));
    let mut elsewhere = Web::browser(&shop.router);
    elsewhere.sign_in(NAMES[0], WORD).await.expect(200);
    let revoked = format!("/auth/sessions/{}", mine[0]["id"].as_str().unwrap());
    elsewhere.delete(&revoked).await.expect(204);
    seen.push(browser.clone().get("/auth/accounts").await.expect(200));
    let mut again = browser.clone();
    again.sign_in(NAMES[0], WORD).await.expect(200);
    switch(&mut again, &mine[1]).await.expect(200);
    assert_eq!(accounts(&mut again).await.len(), 2);
    elsewhere.post("/auth/lock", json!({})).await.expect(204);
    let mut locked = again.clone();
    seen.push(locked.get("/auth/accounts").await.expect(200));
    assert_eq!(shop.auth.sessions(whose).await.unwrap().len(), 0);
    for reply in &seen {
        let json = reply.json();
        assert_eq!((json["accounts"].as_array().unwrap().len(), &json["ended"]), (1, &json!(1)), "{json}");
        let other = mine[0]["account"].as_str().unwrap();
        assert!(!json.to_string().contains(other) && !json.to_string().contains("+7 916"), "{json}");
        assert!(reply.headers.get("set-cookie").is_none(), "a look changes nothing");
    }
    // To switch there, and to an account that is not in this browser, is refused in the same bytes.
    let to = [mine[0]["id"].clone(), json!("00000000-0000-7000-8000-000000000000"), json!("x")];
    let mut said = Vec::new();
    for to in to {
        let reply = locked.post("/auth/accounts", json!({ "session": to })).await.problem(401, "no_session");
        assert!(reply.headers.get("set-cookie").is_none());
        said.push(reply.body);
    }
    assert!(said.windows(2).all(|two| two[0] == two[1]));
    locked
        .delete(&format!("/auth/accounts/{}", mine[0]["id"].as_str().unwrap()))
        .await
        .problem(404, "not_found");
    // What is changed next drops it.
    let mut page = locked.clone();
    page.register(&shop.auth, &shop.outbox, NAMES[2]).await;
    let json = list(&mut page).await;
    assert_eq!((json["accounts"].as_array().unwrap().len(), &json["ended"]), (2, &json!(0)));
}

/// Idle and absolute ends of what is not in use go on: a look is no use, and no more is a use of another account.
#[tokio::test]
async fn a_session_beside_grows_old_while_it_is_listed() {
    let shop = Shop::new(5);
    let (mut browser, mine) = shop.with(2).await;
    for _ in 0..3 {
        shop.watch.forward(HOUR / 4);
        assert_eq!(accounts(&mut browser).await.len(), 2);
        browser.get("/auth/session").await.expect(200);
    }
    shop.watch.forward(HOUR / 4);
    let json = list(&mut browser).await;
    assert_eq!(
        (json["accounts"].as_array().unwrap().len(), &json["ended"]),
        (1, &json!(1)),
        "an hour unused"
    );
    assert_eq!(json["accounts"][0]["account"], mine[1]["account"], "the one in use was used");
    // The list alone keeps that one no longer, either.
    for _ in 0..4 {
        shop.watch.forward(HOUR / 4);
        let _ = list(&mut browser).await;
    }
    browser.get("/auth/session").await.problem(401, "no_session");
    assert_eq!(list(&mut browser).await["ended"], 2);
    // A switch is a use; it moves the end that no use moves not a second.
    let shop = Shop::new(5);
    let (mut browser, mine) = shop.with(2).await;
    let ends = mine[0]["expires"].clone();
    for at in 0..8 {
        shop.watch.forward(HOUR / 4);
        let reply = switch(&mut browser, &mine[at % 2]).await.expect(200);
        if at % 2 == 0 {
            assert_eq!(reply.json()["session"]["expires"], ends);
        }
    }
}

#[tokio::test]
async fn there_are_five_and_the_sixth_ends_what_was_used_longest_ago() {
    let shop = Shop::new(100);
    let (mut browser, mine) = shop.with(5).await;
    assert_eq!(list(&mut browser).await["most"], 5);
    assert_eq!(accounts(&mut browser).await.len(), 5);
    switch(&mut browser, &mine[0]).await.expect(200);
    browser.register(&shop.auth, &shop.outbox, NAMES[5]).await;
    let left = accounts(&mut browser).await;
    assert_eq!(left.len(), 5);
    assert!(!left.contains(&mine[1]["account"]), "the second was used longest ago");
    let gone = mine[1]["account"].as_str().unwrap().parse().unwrap();
    assert!(shop.auth.sessions(gone).await.unwrap().is_empty(), "ended, not forgotten in a cookie");
    let cookie = &browser.jar[BESIDE];
    assert!(cookie.split('.').count() == 4 && cookie.len() < 256, "{}", cookie.len());
}

/// However much a cookie says, the store is asked for five sessions and no more.
#[tokio::test]
async fn a_long_cookie_costs_no_more_than_a_full_one() {
    let store = CountingStore::new(MemoryStore::default());
    let log = store.log();
    let auth = Auth::builder(Profile::nist_aal1(), store, KeyRing::random())
        .site(Site::new("Portal", ORIGIN))
        .sender(propusk::danger::print_messages())
        .factor(Password::default())
        .factor(propusk::Code::sms())
        .factor(propusk::Code::email())
        .build()
        .unwrap();
    let router = AuthHttp::builder(auth.clone()).accounts(5).build().unwrap().router();
    let mut browser = Web::browser(&router);
    let junk: Vec<String> = (0..100)
        .map(|at| {
            let token = auth.random_token().unwrap().expose().to_string();
            format!("{token}{}", if at % 2 == 0 { "" } else { "AAAAAAAAAAA" })
        })
        .collect();
    let calls = || log.calls().len();
    browser.jar.insert(BESIDE.to_owned(), junk[..4].join("."));
    let _ = list(&mut browser).await;
    let before = calls();
    let _ = list(&mut browser).await;
    let full = calls() - before;
    browser.jar.insert(BESIDE.to_owned(), junk.join("."));
    let before = calls();
    let json = list(&mut browser).await;
    assert_eq!(calls() - before, full);
    assert!(json["ended"].as_u64().unwrap() <= 4, "{json}");
}

#[tokio::test]
async fn who_signs_out_of_one_stays_in_the_others() {
    let shop = Shop::new(5);
    let (mut browser, mine) = shop.with(3).await;
    // Of one that is not in use.
    let stolen = copy(&browser);
    let path = format!("/auth/accounts/{}", mine[1]["id"].as_str().unwrap());
    let reply = browser.delete(&path).await.expect(204);
    assert!(reply.headers.get("clear-site-data").is_none());
    assert_eq!(accounts(&mut browser).await, [mine[2]["account"].clone(), mine[0]["account"].clone()]);
    browser.get("/auth/session").await.expect(200);
    assert_eq!(
        list(&mut copy(&stolen)).await["ended"],
        1,
        "ATTACKS 51: on the server, not in the browser only"
    );
    browser.delete(&path).await.problem(404, "not_found");
    // Of the one in use: nobody is in use then, and the other can be gone on in.
    page_of(&mut browser, &mine[2]);
    let reply = browser.delete("/auth/session").await.expect(204);
    assert!(reply.headers["clear-site-data"].to_str().unwrap().contains("cache"));
    browser.headers.remove("propusk-account");
    browser.get("/auth/session").await.problem(401, "no_session");
    let json = list(&mut browser).await;
    assert_eq!(
        (&json["accounts"][0]["account"], &json["accounts"][0]["in_use"]),
        (&mine[0]["account"], &json!(false))
    );
    assert_eq!(json["ended"], 0);
    switch(&mut browser, &mine[0]).await.expect(200);
    assert!(!browser.jar.contains_key(BESIDE), "none is left beside");
    assert_eq!(browser.get("/auth/session").await.expect(200).json()["account"], mine[0]["account"]);
    // By its id, in use: as a sign-out.
    let id = browser.get("/auth/session").await.expect(200).text("id");
    browser.delete(&format!("/auth/accounts/{id}")).await.expect(204);
    assert!(!browser.jar.contains_key(SESSION));
}

#[tokio::test]
async fn signing_out_of_all_ends_all() {
    let shop = Shop::new(5);
    let (mut browser, mine) = shop.with(3).await;
    let stolen = copy(&browser);
    let reply = browser.delete("/auth/accounts").await.expect(204);
    assert!(reply.headers["clear-site-data"].to_str().unwrap().contains("cache"));
    assert!(!browser.jar.contains_key(SESSION) && !browser.jar.contains_key(BESIDE));
    let json = list(&mut copy(&stolen)).await;
    assert_eq!((json["accounts"].as_array().unwrap().len(), &json["ended"]), (0, &json!(3)));
    for one in &mine {
        let whose = one["account"].as_str().unwrap().parse().unwrap();
        assert!(shop.auth.sessions(whose).await.unwrap().is_empty());
    }
    assert!(browser.jar.contains_key("__Host-propusk-browser"), "the browser stays known");
    browser.delete("/auth/accounts").await.expect(204);
}

#[tokio::test]
async fn the_cookie_beside_is_as_the_others_and_forgotten_with_somebody_elses_device() {
    let shop = Shop::new(5);
    let (mut browser, mine) = shop.with(1).await;
    let host = ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"];
    shop.watch.forward(Duration::from_secs(60));
    let mut web = Web::browser(&shop.router);
    web.jar.clone_from(&browser.jar);
    let reply = web.register(&shop.auth, &shop.outbox, NAMES[1]).await;
    let age = format!("Max-Age={}", 30 * 24 * 3600 - 60);
    assert_eq!(
        reply.cookie(BESIDE).unwrap(),
        [&host[..], &[&*age]].concat(),
        "as long as the session that it is of"
    );
    // "Not my device": the session of that kind is kept, no longer than the browser is open.
    let mut asked = by_password(NAMES[1], WORD);
    asked["public_device"] = json!(true);
    browser.post("/auth/sign-in", asked).await.expect(200);
    let reply = switch(&mut browser, &mine[0]).await.expect(200);
    assert_eq!(reply.cookie(BESIDE).unwrap(), host);
    let second = list(&mut browser).await["accounts"][1].clone();
    let reply = switch(&mut browser, &second).await.expect(200);
    assert_eq!(reply.cookie(SESSION).unwrap(), host, "a switch does not make it one's own device");
}

/// Where the application did not ask for it, a sign-in ends the session before it, and no such cookie is looked at.
#[tokio::test]
async fn one_account_is_the_default() {
    let shop = Shop::new(5);
    let (planted, _) = shop.with(2).await;
    let router = propusk::axum::router(shop.auth.clone()).unwrap();
    let mut browser = Web::browser(&router);
    browser.sign_in(NAMES[0], WORD).await.expect(200);
    browser.jar.insert(BESIDE.to_owned(), planted.jar[SESSION].clone());
    let json = list(&mut browser).await;
    assert_eq!(
        (json["accounts"].as_array().unwrap().len(), &json["most"], &json["ended"]),
        (1, &json!(1), &json!(0))
    );
    browser.delete("/auth/sessions").await.expect(204);
    let before = copy(&browser);
    browser.sign_in(NAMES[1], WORD).await.expect(200);
    copy(&before).get("/auth/session").await.problem(401, "no_session");
}

/// Of two cookies of one name neither is believed; and what somebody slipped in beside is seen under its own name, becomes
/// nobody's session by itself, and is worth nothing to who knows it once it is gone on in.
#[tokio::test]
async fn a_session_that_was_slipped_in_takes_nothing_over() {
    let shop = Shop::new(5);
    let (mut victim, mine) = shop.with(1).await;
    let mut attacker = Web::browser(&shop.router);
    let theirs = attacker.register(&shop.auth, &shop.outbox, NAMES[1]).await.json()["session"].clone();
    victim.jar.insert(BESIDE.to_owned(), attacker.jar[SESSION].clone());
    let json = list(&mut victim).await;
    assert_eq!(json["accounts"][1]["identifier"], "p***v@example.org");
    assert_eq!(victim.get("/auth/session").await.expect(200).json()["account"], mine[0]["account"]);
    switch(&mut victim, &theirs).await.expect(200);
    attacker.get("/auth/session").await.problem(401, "no_session");
    // Twice, with different values.
    let two = format!("{SESSION}={}; {BESIDE}=a; {BESIDE}=b", victim.jar[SESSION]);
    let request = Web::browser(&shop.router).request(Method::GET, "/auth/accounts").header("cookie", two);
    let reply =
        Web::browser(&shop.router).send(request.body(axum::body::Body::empty()).unwrap()).await.expect(200);
    assert_eq!(reply.json()["accounts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn other_sites_and_programs_switch_nothing() {
    let shop = Shop::new(5);
    let (browser, mine) = shop.with(2).await;
    let asked = json!({ "session": mine[0]["id"] });
    let mut other =
        browser.clone().with("origin", "https://evil.example").with("sec-fetch-site", "cross-site");
    other.post("/auth/accounts", asked.clone()).await.problem(403, "origin");
    other.delete("/auth/accounts").await.problem(403, "origin");
    // A program holds one session, whatever cookie it is told of.
    let mut program = Web::program(&shop.router);
    let token = program.sign_in(NAMES[1], WORD).await.expect(200).text("token");
    let mut program = program.with("authorization", &format!("Bearer {token}"));
    assert_eq!(accounts(&mut program).await.len(), 1);
    program.post("/auth/accounts", asked).await.problem(401, "no_session");
    program.sign_in(NAMES[0], WORD).await.expect(200);
    program.get("/auth/session").await.problem(401, "no_session");
}

/// Two tabs press the same button at once: one session goes on, and who came second takes nothing from the first.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_switches_at_once_one_is_done() {
    let shop = Shop::new(5);
    let (browser, mine) = shop.with(2).await;
    let whose = mine[0]["account"].as_str().unwrap().parse().unwrap();
    let mut browser = browser;
    let mut both = 0;
    for _ in 0..20 {
        let now = list(&mut browser).await["accounts"][1].clone();
        let asked = json!({ "session": now["session"] });
        let tabs: Vec<_> = (0..2)
            .map(|_| {
                let (mut tab, asked) = (browser.clone(), asked.clone());
                tokio::spawn(async move { (tab.post("/auth/accounts", asked).await, tab) })
            })
            .collect();
        let mut won = Vec::new();
        for tab in tabs {
            let (reply, tab) = tab.await.unwrap();
            match reply.status.as_u16() {
                200 => won.push(tab),
                _ => {
                    let reply = reply.problem(401, "no_session");
                    assert!(reply.headers.get("set-cookie").is_none());
                }
            }
        }
        assert_eq!(won.len(), 1);
        both += 1;
        browser = won.remove(0);
        browser.get("/auth/session").await.expect(200);
        assert_eq!(accounts(&mut browser).await.len(), 2);
    }
    assert_eq!((both, shop.auth.sessions(whose).await.unwrap().len()), (20, 1));
}
