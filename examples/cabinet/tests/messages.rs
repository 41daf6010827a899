//! What a person is told, and where.

use super::*;

async fn signs_in_elsewhere(portal: &Portal, contact: &str) {
    portal.clock.advance(Duration::from_secs(120));
    let mut browser = Browser::stranger("en");
    let fields = format!("identifier={}&password={}&next=", typed(contact), typed(WORD));
    browser.takes(&portal.get(&browser, "/sign-in").await);
    let _ = portal.steps(&mut browser, "/sign-in", "/sign-in", &fields).await;
    let code = format!("code={}", portal.code().await);
    let home = portal.steps(&mut browser, "/sign-in/code", "/sign-in/code", &code).await;
    assert_eq!(home.at(), "/home");
}

#[tokio::test]
async fn the_inbox_is_read_in_both_languages_and_in_pages() {
    let portal = Portal::new();
    let (mut anna, _) = portal.register("anna@example.org").await;
    let home = portal.get(&anna, "/home").await;
    assert_eq!(home.link("Notifications").as_deref(), Some("/messages"));
    assert!(portal.get(&anna, "/messages").await.says("There are none yet"));
    for _ in 0..11 {
        signs_in_elsewhere(&portal, "anna@example.org").await;
    }
    let page = portal.get(&anna, "/messages").await;
    assert_eq!(page.text.matches("Sign-in from a new browser").count(), 10);
    assert!(page.says("Signing in") && page.says("Firefox 140, Windows"), "{}", page.text);
    let older = page.link("Older").unwrap();
    let rest = portal.get(&anna, &older).await;
    assert_eq!(rest.text.matches("Sign-in from a new browser").count(), 1);
    assert!(rest.link("Older").is_none() && rest.link("Back to the newest").is_some(), "{}", rest.text);
    anna.language = "ru";
    let page = portal.get(&anna, &older).await;
    assert!(page.says("Вход из нового браузера") && page.says("Если это не вы"), "{}", page.text);
    assert!(portal.get(&anna, "/messages?before=x").await.says("Вход из нового браузера"));
    let stranger = portal.get(&Browser::stranger("en"), "/messages").await;
    assert_eq!(stranger.location().as_deref(), Some("/sign-in?next=/messages"));
}

#[tokio::test]
async fn what_is_told_is_chosen_by_group_and_address() {
    let portal = Portal::new();
    let (mut anna, session) = portal.register("anna@example.org").await;
    let account = session.session.account();
    let security = portal.get(&anna, "/security").await;
    assert_eq!(security.link("Choose notifications").as_deref(), Some("/preferences"));
    // The only address stays on, whatever is posted.
    let page = portal.get(&anna, "/preferences").await;
    assert!(!page.says("type=\"checkbox\"") && page.says("In each row one address at least stays on"));
    let told = portal.steps(&mut anna, "/preferences", "/preferences", "").await;
    assert!(told.says("are saved"), "{}", told.text);
    let kept = portal.auth.account(account).await.unwrap().unwrap().preferences;
    assert_eq!(kept, propusk::message::Preferences::default());

    let fields = format!("contact={}&instead=", typed("+79160000001"));
    let page = portal.steps(&mut anna, "/contacts/new", "/contacts/new", &fields).await;
    assert_eq!(page.at(), "/contacts/prove");
    let code = format!("code={}", portal.code().await);
    let page = portal.steps(&mut anna, "/contacts/prove", "/contacts/prove", &code).await;
    assert_eq!(page.at(), "/contacts");
    let page = portal.get(&anna, "/preferences").await;
    assert_eq!(page.text.matches("type=\"checkbox\"").count(), 4, "two groups at two addresses");
    assert!(page.says("begin by switching us off"), "why the account's own group has no boxes");
    let none =
        portal.post(&anna, "/preferences", "/preferences", "credentials-email=on&credentials-sms=on").await;
    assert!(none.status == StatusCode::OK && none.says("Leave one address on in each row"), "{}", none.text);
    // What was ticked is there again, and nothing was written.
    assert_eq!(none.text.matches(" checked").count(), 2);
    let kept = portal.auth.account(account).await.unwrap().unwrap().preferences;
    assert_eq!(kept, propusk::message::Preferences::default());
    let some = "sign_in-email=on&credentials-sms=on&account-email=&other-email=on&nonsense=1";
    let told = portal.steps(&mut anna, "/preferences", "/preferences", some).await;
    assert!(told.says("are saved") && told.text.matches(" checked").count() == 2, "{}", told.text);
    let sent =
        || portal.outbox.letters().into_iter().map(|letter| (letter.to, letter.body)).collect::<Vec<_>>();
    while portal.auth.tend(100).await.unwrap().delivered > 0 {}
    let off: Vec<_> = sent().into_iter().filter(|(_, body)| body.contains("are switched off")).collect();
    assert_eq!(off.len(), 2, "both addresses hear that something was switched off: {off:?}");
    signs_in_elsewhere(&portal, "anna@example.org").await;
    while portal.auth.tend(100).await.unwrap().delivered > 0 {}
    let told: Vec<_> = sent().into_iter().filter(|(_, body)| body.contains("sign-in from")).collect();
    assert!(told.len() == 1 && told[0].0 == "anna@example.org", "{told:?}");
}
