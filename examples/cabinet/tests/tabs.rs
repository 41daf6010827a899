//! Several tabs of one browser, and what is left lying in them.

use propusk::message::Locale;

use super::*;
use crate::drafts::{Draft, Way};

const CODE: &str = "/sign-in/code";
const NEW: &str = "/contacts/new";
const PROVE: &str = "/contacts/prove";

async fn named(portal: &Portal, browser: &mut Browser, name: &str) -> Answer {
    let fields = format!("identifier={}&password={}&next=", typed(name), typed(WORD));
    portal.steps(browser, "/sign-in?add=yes", "/sign-in", &fields).await
}

async fn sent(portal: &Portal, browser: &mut Browser, path: &str, body: String) -> Answer {
    let mut answer = portal.send(browser, "POST", path, Some(body)).await;
    browser.takes(&answer);
    let to = answer.location().unwrap();
    answer = portal.get(browser, &to).await;
    answer.headers.insert(header::REFERER, to.parse().unwrap());
    answer
}

/// What is typed on a page is for what that page is of: neither judged for whom another tab has named since, nor lost.
#[tokio::test]
async fn a_code_is_not_taken_for_a_sign_in_that_another_tab_has_begun() {
    let portal = Portal::new();
    for contact in ["anna@example.org", "boris@example.org"] {
        portal.register(contact).await;
    }
    portal.clock.advance(Duration::from_secs(3600));
    let mut browser = Browser::stranger("en");
    browser.takes(&portal.get(&browser, "/sign-in").await);
    let first = named(&portal, &mut browser, "anna@example.org").await;
    assert_eq!(first.at(), CODE);
    let anna = format!("{}&code={}", first.hidden(CODE).unwrap(), portal.code().await);
    let second = named(&portal, &mut browser, "boris@example.org").await;
    let boris = format!("{}&code={}", second.hidden(CODE).unwrap(), portal.code().await);
    let page = sent(&portal, &mut browser, CODE, anna).await;
    assert!(page.at() == "/sign-in" && page.says("out of date"), "{} {}", page.at(), page.text);
    let page = sent(&portal, &mut browser, CODE, boris).await;
    assert_eq!(page.at(), "/home");
    assert!(portal.get(&browser, "/profile").await.says("b***s@example.org"));
}

/// What was begun and left is not carried out by what is proven for something else: here an address is added.
#[tokio::test]
async fn what_was_left_in_one_tab_is_not_done_by_another() {
    let portal = Portal::new();
    let (mut anna, session) = portal.register("anna@example.org").await;
    portal.clock.advance(Duration::from_secs(3600));
    let mut begin = async |address: &str| {
        let fields = format!("contact={}&instead=", typed(address));
        let page = portal.steps(&mut anna, NEW, NEW, &fields).await;
        assert_eq!(page.at(), PROVE);
        page.hidden(PROVE).unwrap()
    };
    let first = begin("first@example.org").await;
    let second = begin("second@example.org").await;
    let word = format!("password={}", typed(WORD));
    let page = sent(&portal, &mut anna, PROVE, format!("{first}&{word}")).await;
    assert!(page.at() == "/contacts" && page.says("out of date"), "{} {}", page.at(), page.text);
    let page = sent(&portal, &mut anna, PROVE, format!("{second}&{word}")).await;
    assert!(page.at() == PROVE && !page.says("out of date"), "{} {}", page.at(), page.text);
    // The step before, sent once more, is led to the one that is asked for now.
    let page = sent(&portal, &mut anna, PROVE, format!("{second}&{word}")).await;
    assert!(page.at() == PROVE && page.says("out of date"), "{} {}", page.at(), page.text);
    assert_eq!(portal.auth.contacts(session.session.account()).await.unwrap().len(), 1);
}

/// Whoever begins ten thousand sign-ins keeps nobody from theirs, and what they typed is not kept for them.
#[tokio::test]
async fn a_flood_of_begun_sign_ins_keeps_nobody_out() {
    let drafts = Drafts::default();
    let now = Timestamp::from_millis(1_795_000_000_000);
    let long = "я".repeat(60_000);
    for nth in 0..10_500 {
        let draft = Draft { identifier: long.clone(), ..Draft::default() };
        drafts.put(&format!("flood {nth}"), Way::SignIn, draft, now);
    }
    assert_eq!(drafts.get("flood 10499", Way::SignIn, now).identifier.chars().count(), 320);
    let later = now.after(Duration::from_secs(1));
    drafts.put("anna", Way::SignIn, Draft { identifier: "anna".to_owned(), ..Draft::default() }, later);
    assert_eq!(drafts.get("anna", Way::SignIn, later).identifier, "anna");
    drafts.put("anna", Way::SignIn, Draft { identifier: "again".to_owned(), ..Draft::default() }, later);
    assert_eq!(drafts.get("anna", Way::SignIn, later).identifier, "again");
    let over = later.after(Duration::from_secs(15 * 60));
    assert_eq!(drafts.get("anna", Way::SignIn, over).identifier, "");
}

/// Two pages that offer a key: each is answered for itself.
#[tokio::test]
async fn each_page_has_a_key_of_its_own() {
    let portal = Portal::new();
    let mut browser = Browser::stranger("en");
    browser.takes(&portal.get(&browser, "/sign-in").await);
    let [one, two] = [portal.get(&browser, "/sign-in").await, portal.get(&browser, "/sign-in").await];
    let key = |page: &Answer| page.hidden("/sign-in/key").unwrap();
    assert_ne!(key(&one), key(&two));
    let page = sent(&portal, &mut browser, "/sign-in/key", format!("{}&key=%7B%7D", key(&one))).await;
    assert!(
        page.at() == "/sign-in" && page.says("alert"),
        "it is told that the page was open for too long: {}",
        page.text
    );
}

/// Another account's page leads to where it says, also where one is signed in.
#[tokio::test]
async fn a_locked_account_is_restored_beside_one_in_use() {
    let portal = Portal::new();
    let (anna, _) = portal.register("anna@example.org").await;
    let page = portal.get(&anna, "/locked").await;
    assert!(page.says("href=\"/forgot?add=yes\""), "{}", page.text);
    assert_eq!(portal.get(&anna, "/forgot?add=yes").await.status, StatusCode::OK);
    let page = portal.get(&Browser::stranger("en"), "/locked").await;
    assert!(page.says("href=\"/forgot\""));
}

/// A neighbour's cookie that is no text hides no choice of language.
#[test]
fn a_cookie_that_is_no_text_hides_no_language() {
    let mut headers = axum::http::HeaderMap::new();
    headers.insert(header::COOKIE, axum::http::HeaderValue::from_bytes(b"other=\xff; lang=ru").unwrap());
    headers.insert(header::ACCEPT_LANGUAGE, "en".parse().unwrap());
    assert_eq!(crate::guest::locale(&headers), Locale::Ru);
}
