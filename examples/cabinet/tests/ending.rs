//! The account itself: locked, closed, opened again, taken along.

use propusk::account::LockReason;

use super::*;

async fn arrives(portal: &Portal, contact: &str) -> (Browser, Answer) {
    let mut browser = Browser::stranger("en");
    let fields = format!("identifier={}&password={}&next=", typed(contact), typed(WORD));
    browser.takes(&portal.get(&browser, "/sign-in").await);
    let mut answer = portal.steps(&mut browser, "/sign-in", "/sign-in", &fields).await;
    if answer.at() == "/sign-in/code" {
        let code = format!("code={}", portal.code().await);
        answer = portal.steps(&mut browser, "/sign-in/code", "/sign-in/code", &code).await;
    }
    (browser, answer)
}

#[tokio::test]
async fn a_line_that_was_not_them_locks_the_account() {
    let portal = Portal::new();
    let (anna, session) = portal.register("anna@example.org").await;
    let account = session.session.account();
    let page = portal.get(&anna, "/history").await;
    let link = page.link("This was not me").unwrap();
    assert!(link.starts_with("/lock?event="), "{link}");
    let asked = portal.get(&anna, &link).await;
    assert!(asked.says("Was it not you?") && asked.says("Registration"), "{}", asked.text);
    assert!(portal.auth.account(account).await.unwrap().unwrap().lock.is_none(), "asking locks nothing");
    let (boris, _) = portal.register("boris@example.org").await;
    assert!(portal.get(&boris, &link).await.says("Lock the account?"), "another's line is nobody's");
    let event = asked.between("name=\"event\" value=\"", "\"").to_owned();
    let told = portal.post(&anna, &link, "/lock", &format!("event={event}")).await;
    assert_eq!(told.location().as_deref(), Some("/locked"));
    let lock = portal.auth.account(account).await.unwrap().unwrap().lock.unwrap();
    assert_eq!(lock.reason, LockReason::NotMe);
    // What to do stands where anybody may read it, and is the same for whoever reads it.
    let stranger = portal.get(&Browser::stranger("en"), "/locked").await;
    assert!(stranger.says("If your account is locked") && !stranger.says("anna"));
    portal.clock.advance(Duration::from_secs(3600));
    let (mine, answer) = arrives(&portal, "anna@example.org").await;
    let (_, nobody) = arrives(&portal, "nobody@example.org").await;
    let said = |answer: &Answer| answer.between("role=\"alert\"", "</div>").to_owned();
    assert!(!said(&answer).is_empty() && said(&answer) == said(&nobody), "{}", answer.text);
    assert!(portal.get(&mine, "/sign-in").await.link("Cannot sign in?").is_some());
}

#[tokio::test]
async fn an_account_is_closed_after_both_steps_and_opened_again_by_one_more() {
    let portal = Portal::new();
    let (mut anna, session) = portal.register("anna@example.org").await;
    let account = session.session.account();
    portal.clock.advance(Duration::from_secs(3600));
    assert!(portal.get(&anna, "/security").await.link("Close the account").is_some());
    let page = portal.get(&anna, "/close").await;
    assert!(page.says("within 30 days"), "{}", page.text);
    let file = portal.get(&anna, "/export.json").await;
    assert!(file.headers[header::CONTENT_DISPOSITION].to_str().unwrap().starts_with("attachment"));
    assert!(file.says("anna@example.org") && !file.says("argon2"));
    let step = portal.steps(&mut anna, "/close", "/close", "").await;
    assert!(
        step.at() == "/close/prove" && step.says("Before the account is closed"),
        "{} {}",
        step.at(),
        step.text
    );
    let word = format!("password={}", typed(WORD));
    let step = portal.steps(&mut anna, "/close/prove", "/close/prove", &word).await;
    assert_eq!(step.at(), "/close/prove");
    let code = format!("code={}", portal.code().await);
    let end = portal.steps(&mut anna, "/close/prove", "/close/prove", &code).await;
    assert!(end.at() == "/closed" && end.says("30 days"), "{} {}", end.at(), end.text);
    assert!(portal.auth.sessions(account).await.unwrap().is_empty());
    assert!(portal.get(&anna, "/home").await.location().unwrap().starts_with("/sign-in"));

    portal.clock.advance(Duration::from_secs(3600));
    let (mut back, asked) = arrives(&portal, "anna@example.org").await;
    assert!(asked.at() == "/sign-in/reopen" && asked.says("Open the account again?"), "{}", asked.text);
    assert!(
        portal.get(&back, "/home").await.location().unwrap().starts_with("/sign-in"),
        "not before it is open"
    );
    let home = portal.steps(&mut back, "/sign-in/reopen", "/sign-in/reopen", "").await;
    assert!(home.at() == "/home" && home.says("The account is open again"), "{} {}", home.at(), home.text);
    let history = portal.get(&back, "/history").await;
    assert!(history.says("Account closed") && history.says("Account opened again"), "{}", history.text);
}

/// Her session has another token by the time at which the closing fails: the page about it brings that along.
#[tokio::test]
async fn a_failure_after_the_last_proof_signs_nobody_out() {
    const PROVE: &str = "/close/prove";
    let proves = async |fault: Option<usize>| {
        let portal = Portal::new();
        let (mut anna, session) = portal.register("anna@example.org").await;
        portal.clock.advance(Duration::from_secs(3600));
        portal.steps(&mut anna, "/close", "/close", "").await;
        portal.steps(&mut anna, PROVE, PROVE, &format!("password={}", typed(WORD))).await;
        let code = portal.code().await;
        let hidden = portal.get(&anna, PROVE).await.hidden(PROVE).unwrap();
        portal.store.mend();
        if let Some(nth) = fault {
            portal.store.plan(nth, Fault::FailsBefore);
        }
        let answer = portal.send(&anna, "POST", PROVE, Some(format!("{hidden}&code={code}"))).await;
        let calls = portal.store.calls();
        portal.store.mend();
        let account = portal.auth.account(session.session.account()).await.unwrap().unwrap();
        (portal, anna, answer, calls, account.erased_at.is_some())
    };
    let (.., answer, calls, closed) = proves(None).await;
    assert!(closed && answer.location().as_deref() == Some("/closed"), "{}", answer.text);
    // The last call is the one that closes it.
    let (portal, mut anna, answer, _, closed) = proves(Some(calls - 1)).await;
    assert!(answer.status == StatusCode::SERVICE_UNAVAILABLE && !closed, "{}", answer.text);
    assert!(answer.text.starts_with("<!doctype html>"), "a page: {}", answer.text);
    assert_eq!(portal.get(&anna, "/home").await.status, StatusCode::SEE_OTHER, "the old token is over");
    anna.takes(&answer);
    assert_eq!(portal.get(&anna, "/home").await.status, StatusCode::OK);
}
