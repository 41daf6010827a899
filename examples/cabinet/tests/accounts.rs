//! Several accounts in one browser, as its pages show them.

use super::*;

/// Anna and Boris, who is in use.
async fn both(portal: &Portal) -> Browser {
    let (anna, _) = portal.register("anna@example.org").await;
    portal.register("boris@example.org").await;
    let mut browser = anna;
    add(portal, &mut browser, "boris@example.org").await;
    browser
}

async fn add(portal: &Portal, browser: &mut Browser, who: &str) -> Answer {
    let fields = format!("identifier={who}&password={}", typed(WORD));
    portal.steps(browser, "/sign-in?add=yes", "/sign-in", &fields).await;
    portal.steps(browser, "/sign-in/code", "/sign-in/code", &format!("code={}", portal.code().await)).await
}

fn session_of(page: &Answer, name: &str, action: &str) -> String {
    let line = page.text.split("<li>").find(|line| line.contains(name) && line.contains(action)).unwrap();
    let form = line.split("<form").find(|form| form.contains(action)).unwrap();
    form.split_once("name=\"session\" value=\"").unwrap().1.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn accounts_are_added_switched_and_signed_out_of() {
    let portal = Portal::new();
    let (anna, _) = portal.register("anna@example.org").await;
    assert!(
        !portal.get(&anna, "/home").await.says("Account in use"),
        "with one account there is nothing to say"
    );
    assert_eq!(portal.get(&anna, "/sign-in").await.location().unwrap(), "/home");
    assert!(portal.get(&anna, "/profile").await.says("href=\"/accounts\""));
    let page = portal.get(&anna, "/sign-in?add=yes").await;
    assert!(page.says("Sign in to another account") && page.says("You stay signed in"), "{}", page.text);

    portal.register("boris@example.org").await;
    let mut browser = anna;
    // What is wrong is told there, and not lost on the way to the home page.
    let fields = format!("identifier=boris@example.org&password={}", typed("not this one"));
    let page = portal.steps(&mut browser, "/sign-in?add=yes", "/sign-in", &fields).await;
    assert!(page.at() == "/sign-in" && page.says("role=\"alert\""), "{}", page.text);
    let page = add(&portal, &mut browser, "boris@example.org").await;
    assert!(
        page.at() == "/home" && page.says("Account in use") && page.says("b***s@example.org"),
        "{}",
        page.text
    );

    let page = portal.get(&browser, "/accounts").await;
    assert!(page.says("a***a@example.org") && page.says("In use"));
    assert!(
        !page.says("anna@example.org\"")
            && !browser.cookies.split("; ").any(|one| page.says(one.split('=').nth(1).unwrap()))
    );
    let to = session_of(&page, "a***a@example.org", "/accounts/switch");
    let page = portal.steps(&mut browser, "/accounts", "/accounts/switch", &format!("session={to}")).await;
    assert!(
        page.at() == "/home" && page.says("You have switched") && page.says("a***a@example.org"),
        "{}",
        page.text
    );
    assert!(portal.get(&browser, "/history").await.says("Switched to this account"));

    // Anna signs out: nobody is in use, and Boris is one press away.
    let page = portal.steps(&mut browser, "/home", "/sign-out", "").await;
    assert!(
        page.at() == "/accounts" && page.says("None of them is in use") && page.says("You have signed out")
    );
    assert!(page.says("b***s@example.org") && !page.says("a***a@example.org"), "{}", page.text);
    assert!(portal.get(&browser, "/sign-in").await.says("other accounts in this browser"));
    let to = session_of(&page, "b***s@example.org", "/accounts/switch");
    let page = portal.steps(&mut browser, "/accounts", "/accounts/switch", &format!("session={to}")).await;
    assert!(page.at() == "/home" && !page.says("Account in use"), "{}", page.text);

    add(&portal, &mut browser, "anna@example.org").await;
    let page = portal.steps(&mut browser, "/accounts", "/accounts/sign-out-all", "").await;
    assert!(page.at() == "/sign-in" && page.says("signed out of all"));
    assert_eq!(portal.get(&browser, "/accounts").await.location().unwrap(), "/sign-in");
}

/// A tab of the account before, still open: its form is refused, and so is what was under way in it.
#[tokio::test]
async fn a_stale_tab_does_nothing_for_the_account_in_use() {
    let portal = Portal::new();
    let mut browser = both(&portal).await;
    let stale = portal.get(&browser, "/lock").await.form_token("/lock").unwrap();
    portal.clock.advance(Duration::from_secs(600));
    let begun = portal
        .steps(&mut browser, "/contacts/new", "/contacts/new", "contact=new%40example.org&instead=")
        .await;
    assert_eq!(begun.at(), "/contacts/prove", "{}", begun.text);
    let proof = begun.hidden("/contacts/prove").unwrap();

    let page = portal.get(&browser, "/accounts").await;
    let to = session_of(&page, "a***a@example.org", "/accounts/switch");
    portal.steps(&mut browser, "/accounts", "/accounts/switch", &format!("session={to}")).await;
    let send = async |path: &str, body: String| portal.send(&browser, "POST", path, Some(body)).await;
    let page = send("/lock", format!("form_token={stale}&event=")).await;
    assert!(page.status == StatusCode::FORBIDDEN && page.says("switch to another account"), "{}", page.text);
    let page = send("/contacts/prove", format!("{proof}&password={}", typed(WORD))).await;
    assert!(
        page.status != StatusCode::OK && page.location().is_none_or(|to| to == "/contacts"),
        "{}",
        page.text
    );
    assert!(
        portal.get(&browser, "/home").await.says("a***a@example.org"),
        "Anna is signed in, and not locked"
    );
    let page = portal.get(&browser, "/contacts/prove").await;
    assert!(
        !page.says("new@example.org") && !page.says("b***s@example.org"),
        "what Boris began is not hers to see"
    );
    for contact in ["anna@example.org", "boris@example.org"] {
        let visit = portal.auth.visit(Client::unknown());
        let step = visit.sign_in().with(contact, Password::word(WORD)).await.unwrap();
        assert!(matches!(step, Step::Pending(_)), "nobody is locked");
    }
}

/// One that was ended elsewhere is asked to sign in again, and not named.
#[tokio::test]
async fn what_is_over_is_not_named() {
    let portal = Portal::new();
    let (mut browser, anna) = portal.register("anna@example.org").await;
    portal.register("boris@example.org").await;
    add(&portal, &mut browser, "boris@example.org").await;
    assert!(portal.auth.visit(Client::unknown()).lock(&anna.session).await.unwrap().is_done());
    let page = portal.get(&browser, "/accounts").await;
    assert!(page.says("sign in again") && page.says("Sign in again") && !page.says("a***a@example.org"));
    browser.language = "ru";
    assert!(portal.get(&browser, "/accounts").await.says("войдите снова"));
}
