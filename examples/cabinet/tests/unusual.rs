//! A sign-in that is unlike the others: told with a way out, asked for more, refused.

use propusk::auth::import::{Import, Imported};
use propusk::clock::SystemEntropy;
use propusk::hash::{Hashed, Lane};
use propusk::secret::Secret;

use super::life::{code_to, letters, link, stranger};
use super::*;

const PHONE: &str = "+79160000023";
const MAIL: &str = "anna@example.org";
const STEP: &str = "/sign-in/code";

fn portal(change: impl Fn(&mut Profile)) -> Portal {
    let mut profile = crate::guards::profile();
    change(&mut profile);
    Portal::with(profile)
}

/// An account with a phone and a mailbox.
async fn anna(portal: &Portal) {
    let hashed = portal.auth.hashes().hash(Lane::Known, Secret::new(WORD), &SystemEntropy).await.unwrap();
    let Hashed::Done(hash) = hashed else { panic!("busy") };
    let import = Import::new("Anna").unwrap().credential(Password::imported(hash.into()).unwrap()).unwrap();
    let import = import.verified_contact(MAIL).unwrap().verified_contact(PHONE).unwrap();
    let made = portal.auth.import(&import, &Client::unknown()).await.unwrap();
    assert!(matches!(made, Imported::Made(_)));
}

/// By the password and the code that comes to the phone.
async fn signs_in(portal: &Portal, browser: &mut Browser) -> Answer {
    let fields = format!("identifier={}&password={}", typed(MAIL), typed(WORD));
    let page = portal.steps(browser, "/sign-in", "/sign-in", &fields).await;
    assert!(page.at() == STEP && !page.says("unlike the ones before"), "{}", page.text);
    portal.steps(browser, STEP, STEP, &code_to(portal, PHONE).await).await
}

#[tokio::test]
async fn one_more_confirmation_is_asked_for_and_said_why() {
    let portal = portal(|profile| profile.suspicion.more = Some(20));
    anna(&portal).await;
    let mut browser = stranger(&portal).await;
    let page = signs_in(&portal, &mut browser).await;
    assert!(
        page.at() == STEP && page.says("unlike the ones before") && page.says("a***a@example.org"),
        "{}",
        page.text
    );
    browser.language = "ru";
    assert!(portal.get(&browser, STEP).await.says("Этот вход не похож на прежние"));
    browser.language = "en";
    let home = portal.steps(&mut browser, STEP, STEP, &code_to(&portal, MAIL).await).await;
    assert_eq!(home.at(), "/home", "{}", home.text);
    let history = portal.get(&browser, "/history").await;
    assert!(history.says("unusual: a new browser") && history.says("/lock?event="), "{}", history.text);
    let table = portal.get(&browser, "/history.csv").await;
    assert!(table.says("unusual: a new browser"), "{}", table.text);
}

#[tokio::test]
async fn a_refusal_says_where_to_go() {
    let portal = portal(|profile| profile.suspicion.refuse = Some(20));
    anna(&portal).await;
    let mut browser = stranger(&portal).await;
    let page = signs_in(&portal, &mut browser).await;
    assert!(
        page.at() == "/sign-in" && page.says("too unlike the others") && page.says("href=\"/forgot\""),
        "{}",
        page.text
    );
    let told = letters(&portal, MAIL).await;
    assert!(told[0].contains("was not let in. Why: a new browser."), "{}", told[0]);
}

#[tokio::test]
async fn not_me_locks_and_leads_to_restoring_access() {
    let portal = portal(|_| {});
    anna(&portal).await;
    let mut thief = stranger(&portal).await;
    assert_eq!(signs_in(&portal, &mut thief).await.at(), "/home");
    let link = link(&portal, PHONE).await;
    let mut reader = stranger(&portal).await;
    let page = portal.get(&reader, &link).await;
    assert!(page.says("Lock the account?") && !page.says("anna") && !page.says("0023"), "{}", page.text);
    assert_eq!(portal.get(&thief, "/home").await.status, StatusCode::OK, "looking locks nothing");
    let token = link.split_once("?o=").unwrap().1;
    let end = portal.steps(&mut reader, &link, "/objection", &format!("link={token}")).await;
    assert!(end.at() == "/objection/locked" && end.says("The account is locked"), "{}", end.text);
    assert_eq!(end.link("Restore access").as_deref(), Some("/forgot"));
    reader.language = "ru";
    let page = portal.get(&reader, "/objection/locked").await;
    assert!(page.says("Учётная запись заблокирована") && page.says("Восстановить доступ"), "{}", page.text);
    let out = portal.get(&thief, "/home").await;
    assert_eq!(out.location().as_deref(), Some("/sign-in?next=/home"));
    let fields = format!("identifier={}&password={}", typed(MAIL), typed(WORD));
    let page = portal.steps(&mut thief, "/sign-in", "/sign-in", &fields).await;
    assert!(page.at() == "/sign-in" && page.says("is wrong"), "{}", page.text);
}
