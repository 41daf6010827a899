//! The portal as its visitors meet it, over HTTP, on a clock that is put forward and a store that can fail.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod accounts;
mod ending;
mod history;
mod human;
mod life;
mod messages;
#[path = "../../tests/common/otp.rs"]
mod otp;
mod preferred;
mod services;
mod tabs;
mod unusual;
mod ways;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode, header};
use propusk::axum::AuthHttp;
use propusk::clock::Timestamp;
use propusk::event::Outcome;
use propusk::flow::{Done, Next};
use propusk::id::{AccountId, EventName};
use propusk::testing::{FakeClock, Fault, FaultyStore};
use propusk::{
    Auth, BackupCodes, Client, Code, Hotp, KeyRing, MemoryStore, Password, Profile, Site, Step, Token, Totp,
    danger,
};
use tower::ServiceExt;

use crate::app::{self, App};
use crate::drafts::Drafts;
use crate::outbox::Outbox;
use crate::services::Services;
use crate::status::Pulse;

const WORD: &str = "Тихая гавань 42";
const ORIGIN: &str = "http://localhost:8080";
const FIREFOX: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0";

struct Portal {
    router: Router,
    auth: Auth,
    clock: Arc<FakeClock>,
    store: FaultyStore<MemoryStore>,
    outbox: Outbox,
    folder: PathBuf,
}

/// A signed-in browser, or one of which nothing is known.
#[derive(Clone)]
struct Browser {
    cookies: String,
    language: &'static str,
}

struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    text: String,
}

impl Drop for Portal {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Portal {
    fn new() -> Self {
        Self::with(crate::guards::profile())
    }

    fn with(profile: Profile) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("propusk-cabinet-{}-{nth}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (clock, store) = (Arc::new(FakeClock::default()), FaultyStore::new(MemoryStore::default()));
        let outbox = Outbox::open(&folder.join("outbox")).unwrap();
        let auth = Auth::builder(profile, store.clone(), KeyRing::random())
            .site(Site::new("Cabinet", ORIGIN).objections_at("/objection"))
            .hashing(danger::fast_hashing())
            .clock(clock.clone())
            .factor(Password::default())
            .factor(Totp::default())
            .factor(Hotp::default())
            .factor(Code::sms())
            .factor(Code::email())
            .factor(BackupCodes::default())
            .sender(outbox.clone())
            .build()
            .unwrap();
        let insecure = danger::Http::insecure_cookies_on_localhost();
        let app = App {
            auth: auth.clone(),
            http: AuthHttp::builder(auth.clone()).danger(insecure).accounts(5).build().unwrap(),
            outbox: outbox.clone(),
            drafts: Drafts::default(),
            services: Services::open(&folder.join("services")).unwrap(),
            pulse: Pulse::default(),
        };
        Self { router: app::router(app), auth, clock, store, outbox, folder }
    }

    async fn code(&self) -> String {
        while self.auth.tend(100).await.unwrap().delivered > 0 {}
        let code = |body: &str| {
            let mut numbers = body.split(|c: char| !c.is_ascii_digit());
            numbers.find(|digits| digits.len() == 6).map(str::to_owned)
        };
        // A notice may have come after it.
        self.outbox.letters().iter().find_map(|letter| code(&letter.body)).unwrap()
    }

    async fn register(&self, contact: &str) -> (Browser, Box<Done>) {
        let visit = self.auth.visit(Client::unknown().with_user_agent(FIREFOX));
        let next = pending(visit.sign_up(contact, "Anna", "2026-11").await.unwrap());
        let (factor, code) = (next.begun.unwrap().0, self.code().await);
        let next = pending(visit.answer(&next.flow, Code::typed(factor, &code)).await.unwrap());
        let done = done(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
        let browser = done.browser.as_ref().map(|token| token.expose().to_string()).unwrap_or_default();
        (self.browser(&done.token, &browser), done)
    }

    fn browser(&self, token: &Token, known: &str) -> Browser {
        let (token, flow) = (token.expose(), self.auth.random_token().unwrap().expose());
        let (token, flow) = (token.as_str(), flow.as_str());
        let cookies = format!("propusk={token}; propusk-browser={known}; propusk-flow={flow}");
        Browser { cookies, language: "en" }
    }

    async fn send(&self, browser: &Browser, method: &str, path: &str, body: Option<String>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(header::USER_AGENT, FIREFOX);
        request = request
            .header(header::ACCEPT_LANGUAGE, browser.language)
            .header(header::COOKIE, &browser.cookies);
        if body.is_some() {
            let kind = "application/x-www-form-urlencoded";
            request = request.header(header::CONTENT_TYPE, kind).header(header::ORIGIN, ORIGIN);
        }
        let mut request = request.body(Body::from(body.unwrap_or_default())).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 7], 4000))));
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    async fn get(&self, browser: &Browser, path: &str) -> Answer {
        self.send(browser, "GET", path, None).await
    }

    /// The same with the cookies that come back, and on to the page that it leads to.
    async fn steps(&self, browser: &mut Browser, page: &str, path: &str, fields: &str) -> Answer {
        let mut answer = self.post(browser, page, path, fields).await;
        browser.takes(&answer);
        if let Some(to) = answer.location() {
            answer = self.get(browser, &to).await;
            answer.headers.insert(header::REFERER, to.parse().unwrap());
        }
        answer
    }

    /// Sends the form of `page` that posts to `path`.
    async fn post(&self, browser: &Browser, page: &str, path: &str, fields: &str) -> Answer {
        let shown = self.get(browser, page).await;
        let hidden = shown.hidden(path).unwrap_or_else(|| panic!("{page} has no form for {path}"));
        self.send(browser, "POST", path, Some(format!("{hidden}&{fields}"))).await
    }

    async fn record(&self, account: AccountId, agent: &str, what: &str, outcome: Outcome) {
        let by = Client::unknown().with_user_agent(agent).from_address([198, 51, 100, 9].into());
        let details = BTreeMap::from([("what".to_owned(), what.to_owned())]);
        self.auth.record(account, EventName::new("portal:seen"), outcome, &by, details).await.unwrap();
    }
}

impl Browser {
    fn stranger(language: &'static str) -> Self {
        Self { cookies: String::new(), language }
    }

    fn takes(&mut self, answer: &Answer) {
        for line in answer.headers.get_all(header::SET_COOKIE) {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            let others = self.cookies.split("; ").filter(|old| !old.starts_with(&format!("{name}=")));
            let mut cookies: Vec<_> = others.filter(|old| !old.is_empty()).map(str::to_owned).collect();
            if !value.is_empty() {
                cookies.push(format!("{name}={value}"));
            }
            self.cookies = cookies.join("; ");
        }
    }
}

impl Answer {
    /// What ties a form to its browser, and to its step where it has one.
    fn hidden(&self, path: &str) -> Option<String> {
        let form = self.text.split("<form").find(|form| form.contains(&format!("action=\"{path}\"")))?;
        let of = |name: &str| form.split_once(&format!("name=\"{name}\" value=\""))?.1.split('"').next();
        let at = of("at").map(|at| format!("&at={at}"));
        Some(format!("form_token={}{}", of("form_token")?, at.unwrap_or_default()))
    }

    fn form_token(&self, path: &str) -> Option<String> {
        let hidden = self.hidden(path)?;
        Some(hidden.strip_prefix("form_token=")?.split('&').next()?.to_owned())
    }

    fn location(&self) -> Option<String> {
        self.headers.get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned())
    }

    /// The page that one was led to.
    fn at(&self) -> &str {
        self.headers.get(header::REFERER).map_or("", |at| at.to_str().unwrap())
    }

    /// What stands between these two on the page.
    fn between(&self, from: &str, to: &str) -> &str {
        self.text.split_once(from).and_then(|(_, rest)| rest.split_once(to)).map_or("", |(found, _)| found)
    }

    /// Its lines of the history.
    fn lines(&self) -> usize {
        self.text.matches("<div class=\"what\">").count()
    }

    fn link(&self, label: &str) -> Option<String> {
        let (before, _) = self.text.split_once(&format!(">{label}</a>"))?;
        let (_, link) = before.rsplit_once("href=\"")?;
        Some(link.split('"').next()?.replace("&#38;", "&").replace("&amp;", "&"))
    }

    fn says(&self, text: &str) -> bool {
        self.text.contains(text)
    }
}

/// As a form sends it.
fn typed(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn pending(step: Step) -> Box<Next> {
    match step {
        Step::Pending(next) => next,
        other => panic!("{other:?}"),
    }
}

fn done(step: Step) -> Box<Done> {
    match step {
        Step::Done(done) => done,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_status_tells_of_a_store_that_is_down_and_of_nothing_else() {
    let portal = Portal::new();
    let (anna, _) = portal.register("anna@example.org").await;
    let stranger = Browser::stranger("ru");
    let page = portal.get(&stranger, "/status").await;
    assert!(page.status == StatusCode::OK && page.says("Портал работает"));
    for fault in [Fault::FailsBefore, Fault::HangsBefore] {
        portal.clock.advance(Duration::from_secs(2));
        portal.store.plan(0, fault);
        let health = portal.get(&stranger, "/health").await;
        assert_eq!(
            (health.status, health.text.as_str()),
            (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"unavailable"}"#)
        );
        // Within a second nobody looks again, however many ask; and a signed-in person gets the page, too.
        let calls = portal.store.calls();
        for (browser, says) in [(&stranger, "не полностью"), (&anna, "works in part")] {
            let page = portal.get(browser, "/status").await;
            assert!(page.status == StatusCode::SERVICE_UNAVAILABLE && page.says(says), "{}", page.text);
            assert!(!page.says(env!("CARGO_PKG_VERSION")) && !page.says("Memory") && !page.says("propusk-"));
        }
        assert_eq!(portal.store.calls(), calls);
        assert_eq!(portal.get(&stranger, "/health/live").await.status, StatusCode::OK);
    }
    portal.clock.advance(Duration::from_secs(2));
    assert_eq!(portal.get(&stranger, "/health").await.text, r#"{"status":"ok"}"#);
    assert!(portal.get(&anna, "/status").await.says("The portal works"));
}

#[tokio::test]
async fn a_known_browser_is_listed_and_forgotten() {
    let portal = Portal::new();
    let (anna, _) = portal.register("anna@example.org").await;
    let (boris, _) = portal.register("boris@example.org").await;
    let button = "name=\"browser\" value=\"";
    let page = portal.get(&anna, "/security").await;
    assert!(page.says("Known browsers") && page.says("Firefox 140, Windows") && page.says("This browser"));
    let id = page.text.split_once(button).unwrap().1.split('"').next().unwrap().to_owned();
    let field = format!("browser={id}");
    portal.post(&boris, "/security", "/security/browsers/forget", &field).await;
    assert!(
        portal.get(&boris, "/security").await.says("not in the list any more"),
        "only its owner forgets it"
    );
    portal.post(&anna, "/security", "/security/browsers/forget", &field).await;
    let page = portal.get(&anna, "/security").await;
    assert!(page.says("The browser is forgotten") && !page.says(button), "{}", page.text);
    assert!(portal.get(&anna, "/history").await.says("A known browser was forgotten"));
    assert!(portal.get(&boris, "/security").await.says(button));
}

#[tokio::test]
async fn the_profile_masks_until_asked_and_home_says_what_is_missing() {
    let portal = Portal::new();
    let (mut anna, _) = portal.register("anna@example.org").await;
    let page = portal.get(&anna, "/profile").await;
    assert!(page.says("a***a@example.org") && page.says("Simplified") && page.says("2001"), "{}", page.text);
    let (_, hidden) = page.text.split_once("<summary>").unwrap();
    assert!(!page.text.split_once("<summary>").unwrap().0.contains("anna@example.org"));
    assert!(
        hidden.split_once("</summary>").unwrap().1.starts_with("<span translate=\"no\">anna@example.org")
    );
    let home = portal.get(&anna, "/home").await;
    assert!(
        home.says("Your second step is a code by message only")
            && home.says("Make backup codes")
            && home.says("Firefox 140")
    );
    assert!(!home.says("Refused sign-ins"));
    let stranger = portal.auth.visit(Client::unknown());
    let wrong = stranger.sign_in().with("anna@example.org", Password::word("wrong")).await.unwrap();
    assert!(matches!(wrong, Step::Refused(_)));
    anna.language = "ru";
    assert!(portal.get(&anna, "/home").await.says("Неудачные попытки входа с прошлого раза: 1"));
}

#[tokio::test]
async fn a_page_is_in_the_language_that_weighs_most() {
    let portal = Portal::new();
    for (asks, speaks) in [
        ("ru", "ru"),
        ("ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("en;q=0.5, RU;Q=0.9", "ru"),
        ("de, fr;q=0.9, ru;q=0.1", "ru"),
        ("ru;q=0, en;q=0.1", "en"),
        ("ru;q=0", "en"),
        ("run, rup;q=0.9", "en"),
        ("de", "en"),
        ("", "en"),
        ("ru;q=2, en", "en"),
    ] {
        let page = portal.get(&Browser::stranger(asks), "/").await;
        assert!(page.says(&format!("<html lang=\"{speaks}\">")), "{asks}");
        let chosen = Browser { cookies: "lang=ru".to_owned(), language: asks };
        assert!(portal.get(&chosen, "/").await.says("<html lang=\"ru\">"), "the switch is believed first");
        let odd = Browser { cookies: "lang=xx".to_owned(), language: asks };
        assert!(portal.get(&odd, "/").await.says(&format!("<html lang=\"{speaks}\">")));
    }
}
