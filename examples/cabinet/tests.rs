//! The portal as its visitors meet it, over HTTP, on a clock that is put forward and a store that can fail.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

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
use propusk::account::Level;
use propusk::axum::AuthHttp;
use propusk::clock::Timestamp;
use propusk::event::Outcome;
use propusk::flow::{Done, Next};
use propusk::id::{AccountId, EventName};
use propusk::testing::{FakeClock, Fault, FaultyStore};
use propusk::{
    Auth, BackupCodes, Client, Code, KeyRing, MemoryStore, Password, Profile, Site, Step, Token, Totp, danger,
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
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("propusk-cabinet-{}-{nth}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (clock, store) = (Arc::new(FakeClock::default()), FaultyStore::new(MemoryStore::default()));
        let outbox = Outbox::open(&folder.join("outbox")).unwrap();
        let auth = Auth::builder(Profile::public_portal(), store.clone(), KeyRing::random())
            .site(Site::new("Cabinet", ORIGIN))
            .hashing(danger::fast_hashing())
            .clock(clock.clone())
            .factor(Password::default())
            .factor(Totp::default())
            .factor(Code::email())
            .factor(BackupCodes::default())
            .sender(outbox.clone())
            .build()
            .unwrap();
        let insecure = danger::Http::insecure_cookies_on_localhost();
        let app = App {
            auth: auth.clone(),
            http: AuthHttp::builder(auth.clone()).danger(insecure).build().unwrap(),
            outbox: outbox.clone(),
            drafts: Drafts::default(),
            services: Services::open(&folder.join("services")).unwrap(),
            pulse: Pulse::default(),
        };
        Self { router: app::router(app), auth, clock, store, outbox, folder }
    }

    async fn code(&self) -> String {
        while self.auth.tend(100).await.unwrap().delivered > 0 {}
        let letter = self.outbox.letters().into_iter().next().unwrap();
        letter.body.split(|c: char| !c.is_ascii_digit()).find(|digits| digits.len() == 6).unwrap().to_owned()
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

    /// Sends the form of `page` that posts to `path`.
    async fn post(&self, browser: &Browser, page: &str, path: &str, fields: &str) -> Answer {
        let shown = self.get(browser, page).await;
        let token = shown.form_token(path).unwrap_or_else(|| panic!("{page} has no form for {path}"));
        self.send(browser, "POST", path, Some(format!("form_token={token}&{fields}"))).await
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
}

impl Answer {
    fn form_token(&self, path: &str) -> Option<String> {
        let form = self.text.split("<form").find(|form| form.contains(&format!("action=\"{path}\"")))?;
        let (_, rest) = form.split_once("name=\"form_token\" value=\"")?;
        Some(rest.split('"').next()?.to_owned())
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

/// 2026-11-25, 23:50 in Moscow.
const LATE: i64 = 1_795_639_800_000;
const PHONE: &str = "Mozilla/5.0 (Android 14; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0";

#[tokio::test]
async fn the_history_is_filtered_by_day_device_and_result() {
    let portal = Portal::new();
    portal.clock.set(Timestamp::from_millis(LATE));
    let (anna, session) = portal.register("anna@example.org").await;
    let account = session.session.account();
    portal.record(account, FIREFOX, "before midnight", Outcome::Done).await;
    portal.clock.advance(Duration::from_secs(15 * 60));
    portal.record(account, PHONE, "after midnight", Outcome::Refused).await;
    for (query, lines, says) in [
        ("", 3, "after midnight"),
        ("?from=2026-11-26", 1, "after midnight"),
        ("?to=2026-11-25", 2, "before midnight"),
        ("?from=2026-11-25&to=2026-11-25&result=done", 2, "before midnight"),
        ("?result=refused", 1, "after midnight"),
        ("?result=done", 2, "before midnight"),
        ("?device=Firefox%2C%20Android", 1, "after midnight"),
        ("?device=Firefox%2C%20Windows&to=2026-11-25", 2, "before midnight"),
        ("?device=Firefox%2C%20Windows&result=refused", 0, "Nothing was found"),
        ("?device=%3Cscript%3E", 0, "Nothing was found"),
        ("?from=2026-11-27", 0, "Nothing was found"),
        ("?from=yesterday", 0, "Enter a date"),
        ("?from=2026-11-27&to=2026-11-26", 0, "swap them"),
        // What only links write, and is not understood, asks for nothing.
        ("?before=x&result=x", 3, "after midnight"),
    ] {
        let page = portal.get(&anna, &format!("/history{query}")).await;
        assert_eq!((page.status, page.lines()), (StatusCode::OK, lines), "{query}");
        assert!(page.says(says) && !page.says("<script>"), "{query}: {}", page.text);
    }
    let page = portal.get(&anna, "/history?from=2026-11-25&result=done").await;
    // The switch of language stays where it stands, with its filter.
    assert!(page.says("name=\"next\" value=\"/history?from=2026-11-25&#38;result=done\""), "{}", page.text);
}

#[tokio::test]
async fn pages_of_a_filtered_history_neither_skip_nor_repeat() {
    let portal = Portal::new();
    let (anna, session) = portal.register("anna@example.org").await;
    for nth in 0..50 {
        let (agent, outcome) =
            if nth % 2 == 0 { (FIREFOX, Outcome::Done) } else { (PHONE, Outcome::Refused) };
        portal.record(session.session.account(), agent, &format!("<{nth}>"), outcome).await;
    }
    let (mut path, mut pages, mut seen) =
        (String::from("/history?device=Firefox%2C%20Android"), 0, Vec::new());
    loop {
        let page = portal.get(&anna, &path).await;
        pages += 1;
        seen.extend((0..50).rev().filter(|nth| page.says(&format!("&#60;{nth}&#62;"))));
        // Whoever looks at an older page while something happens loses nothing.
        portal.record(session.session.account(), PHONE, "new", Outcome::Done).await;
        match page.link("Older") {
            Some(older) => path = older,
            None => break,
        }
    }
    assert_eq!(seen, (0..50).rev().filter(|nth| nth % 2 == 1).collect::<Vec<_>>());
    assert_eq!(pages, 3, "ten on a page");
}

#[tokio::test]
async fn the_table_has_all_that_was_asked_for_and_no_formula() {
    let portal = Portal::new();
    let (mut anna, session) = portal.register("anna@example.org").await;
    let account = session.session.account();
    for nth in 0..1200 {
        portal.record(account, FIREFOX, &format!("number {nth}"), Outcome::Done).await;
    }
    portal.record(account, PHONE, "=HYPERLINK(\"http://evil.example\")\r\n@x", Outcome::Refused).await;
    let table = portal.get(&anna, "/history.csv?before=x").await;
    assert_eq!(table.headers[header::CONTENT_TYPE], "text/csv; charset=utf-8; header=present");
    let name = table.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert!(name.starts_with("attachment; filename=\"history-2001-09-09.csv\""), "{name}");
    assert_eq!(table.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(table.headers[header::CACHE_CONTROL], "no-store");
    let lines: Vec<_> = table.text.split("\r\n").collect();
    assert!(lines[0].starts_with("\u{feff}\"Time\",\"Event\",\"Result\""), "{}", lines[0]);
    assert_eq!(lines.len(), 1 + 1202 + 1, "the head, all events, the end of the last line");
    assert!(lines[1].contains("\"'=HYPERLINK(\"\"http://evil.example\"\")  @x\""), "{}", lines[1]);
    assert!(
        (0..1200).all(|nth| lines[1201 - nth].ends_with(&format!("\"number {nth}\""))),
        "in order, each once"
    );
    let table = portal.get(&anna, "/history.csv?result=refused").await;
    assert_eq!(table.text.matches("\r\n").count(), 2, "{}", table.text);
    anna.language = "ru";
    let table = portal.get(&anna, "/history.csv?result=refused").await;
    assert!(table.says("\"Время\";\"Событие\"") && table.says("\"Отказано\""), "{}", table.text);
    let nobody = portal.get(&Browser::stranger("en"), "/history.csv?result=done").await;
    assert_eq!(nobody.headers[header::LOCATION], "/sign-in?next=/history.csv%3Fresult%3Ddone");
}

#[tokio::test]
async fn an_application_waits_for_the_level() {
    let portal = Portal::new();
    let (anna, session) = portal.register("anna@example.org").await;
    let page = portal.get(&anna, "/services/application").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.says("href=\"/desk\"") && page.says("Simplified") && !page.says("name=\"application\""));
    // A form that was shown to somebody who might, sent by somebody who may not.
    portal.post(&anna, "/desk", "/desk", "").await;
    let page = portal.get(&anna, "/services/application").await;
    let token = page.form_token("/services/application").unwrap();
    let (boris, _) = portal.register("boris@example.org").await;
    let body = |token: &str| Some(format!("form_token={token}&application=please"));
    let forged = portal.send(&boris, "POST", "/services/application", body(&token)).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN, "a form of another session");
    for (text, said) in [("ab", "3 to 300"), ("a%0Ab c", "3 to 300"), ("x".repeat(301).as_str(), "3 to 300")]
    {
        let page = portal
            .post(&anna, "/services/application", "/services/application", &format!("application={text}"))
            .await;
        assert!(page.says(said), "{text}: {}", page.text);
    }
    let sent = portal.send(&anna, "POST", "/services/application", body(&token)).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    let page = portal.get(&anna, "/services/application").await;
    assert!(page.says("was received") && page.says("000001") && page.says("please"));
    let history = portal.get(&anna, "/history").await;
    assert!(
        history.says("Application filed")
            && history.says("000001")
            && history.says("Level of the account set")
    );
    assert!(!portal.get(&boris, "/history").await.says("Application filed"));
    // A level that was taken away counts at once, whatever page is still open.
    let by = Client::unknown();
    portal.auth.set_level(session.session.account(), Level::Simplified, &by).await.unwrap();
    let refused = portal.send(&anna, "POST", "/services/application", body(&token)).await;
    assert!(refused.status == StatusCode::FORBIDDEN && refused.says("000001") && !refused.says("000002"));
}

#[tokio::test]
async fn a_fine_is_paid_once_and_after_a_proof_of_a_moment_ago() {
    let portal = Portal::new();
    let (anna, _) = portal.register("anna@example.org").await;
    let page = portal.get(&anna, "/services/fine").await;
    assert!(page.status == StatusCode::OK && page.says("Pay 500"));
    let token = page.form_token("/services/fine").unwrap();
    portal.clock.advance(Duration::from_secs(11 * 60));
    let pay = || portal.send(&anna, "POST", "/services/fine", Some(format!("form_token={token}")));
    let late = pay().await;
    assert_eq!(late.status, StatusCode::FORBIDDEN, "the page was opened when it was fresh");
    assert!(late.says("Sign in again and you will come back here") && late.says("Nothing was charged"));
    let out = portal.post(&anna, "/services/fine", "/services/fine/again", "").await;
    assert_eq!(out.headers[header::LOCATION], "/sign-in?next=/services/fine");
    assert_eq!(portal.get(&anna, "/home").await.status, StatusCode::SEE_OTHER, "the old session has ended");

    let (boris, _) = portal.register("boris@example.org").await;
    let token = portal.get(&boris, "/services/fine").await.form_token("/services/fine").unwrap();
    let pay = || portal.send(&boris, "POST", "/services/fine", Some(format!("form_token={token}")));
    let (one, two) = tokio::join!(pay(), pay());
    assert_eq!((one.status, two.status), (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER));
    let history = portal.get(&boris, "/history").await;
    assert_eq!(history.text.matches("Fine paid").count(), 1, "sent twice, paid once");
    assert!(portal.get(&boris, "/services/fine").await.says("Paid"));
    assert!(!portal.get(&boris, "/services/fine").await.says("Pay 500"));
}

#[tokio::test]
async fn an_extract_takes_no_more_than_a_session() {
    let portal = Portal::new();
    let (anna, _) = portal.register("anna@example.org").await;
    portal.clock.advance(Duration::from_secs(11 * 60));
    let sent = portal.post(&anna, "/services/record", "/services/record", "").await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    assert!(portal.get(&anna, "/services/record").await.says("The extract is ordered"));
    let nobody = portal.get(&Browser::stranger("en"), "/services/record").await;
    assert_eq!(nobody.headers[header::LOCATION], "/sign-in?next=/services/record");
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
        home.says("Add another second step") && home.says("Make backup codes") && home.says("Firefox 140")
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

#[tokio::test]
async fn proofs_given_to_add_something_are_told_as_such() {
    let portal = Portal::new();
    let (_, session) = portal.register("anna@example.org").await;
    let visit = portal.auth.visit(Client::unknown().with_user_agent(FIREFOX));
    let next = pending(visit.enrol(&session.token, BackupCodes::NAME).await.unwrap());
    let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    let code = propusk::Factor::name(&Code::email());
    let next = pending(visit.begin(&next.flow, &code).await.unwrap());
    let typed = Code::typed(code, &portal.code().await);
    let next = pending(visit.answer(&next.flow, typed).await.unwrap());
    let next = pending(visit.begin(&next.flow, &BackupCodes::NAME).await.unwrap());
    let ended = done(visit.answer(&next.flow, BackupCodes::saved()).await.unwrap());
    let mut anna = portal.browser(&ended.token, "");
    let page = portal.get(&anna, "/history").await;
    assert!(
        page.says("A way to sign in was added") && !page.says("First step of a sign-in"),
        "{}",
        page.text
    );
    assert_eq!(page.text.matches("Proof before a way to sign in was added").count(), 2);
    anna.language = "ru";
    let page = portal.get(&anna, "/history").await;
    assert_eq!(page.text.matches("Подтверждение перед добавлением способа входа").count(), 2);
}
