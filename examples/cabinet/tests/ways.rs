//! Ways to sign in: added, named, used, removed; trusted browsers; an account that has too little.

use propusk::auth::import::{Import, Imported};
use propusk::factor::hotp;
use propusk::hash::StoredHash;

use super::*;

#[tokio::test]
async fn an_authenticator_is_added_named_and_followed_by_backup_codes() {
    let portal = Portal::new();
    let (mut anna, _) = portal.register("anna@example.org").await;
    let page = portal.steps(&mut anna, "/security", "/security/add", "factor=totp").await;
    assert_eq!(page.at(), "/security/new", "proven a moment ago");
    let key = page.between("translate=\"no\">", "<").to_owned();
    let code = otp::totp(&key, otp::step(portal.auth.now()));
    let named = portal.steps(&mut anna, "/security/new", "/security/new", &format!("app_code={code}")).await;
    assert!(named.at().starts_with("/security/name?credential="), "{}", named.at());
    assert!(named.says("What shall it be called?") && named.says("value=\"My phone\""), "{}", named.text);
    let (at, id) = (named.at().to_owned(), named.between("name=\"credential\" value=\"", "\"").to_owned());
    for bad in ["x".repeat(41).as_str(), "a%E2%80%AEb"] {
        let page =
            portal.steps(&mut anna, &at, "/security/name", &format!("credential={id}&name={bad}")).await;
        assert!(page.says("up to 40 characters, without hidden ones"), "{}", page.text);
    }
    let next =
        portal.steps(&mut anna, &at, "/security/name", &format!("credential={id}&name=Old+phone")).await;
    // What the account can reach has risen: the new application answers for the codes.
    assert!(next.at() == "/security/prove" && next.says("I will do it later"), "{} {}", next.at(), next.text);
    portal.clock.advance(Duration::from_secs(60));
    let code = otp::totp(&key, otp::step(portal.auth.now()));
    let codes =
        portal.steps(&mut anna, "/security/prove", "/security/prove", &format!("app_code={code}")).await;
    assert_eq!(codes.at(), "/security/new");
    let file = portal.get(&anna, "/security/new/codes.txt").await;
    assert!(file.headers[header::CONTENT_DISPOSITION].to_str().unwrap().starts_with("attachment"));
    assert_eq!(file.headers[header::CACHE_CONTROL], "no-store");
    let first = codes.between("<li><code>", "</code>").to_owned();
    assert!(first.len() == 17 && file.says(&first) && file.text.matches('-').count() >= 20, "{}", file.text);
    let done = portal.steps(&mut anna, "/security/new", "/security/new", "").await;
    assert_eq!(done.at(), "/security/done");
    assert!(done.says("Old phone") && done.says("Codes left: 10") && done.says("a***a@example.org"));
    let gone = portal.get(&anna, "/security/new/codes.txt").await;
    assert!(gone.status == StatusCode::SEE_OTHER && !gone.says(&first), "shown once");
    let list = portal.get(&anna, "/security").await;
    assert!(list.says("Old phone") && list.says("Works") && list.says("last used") && !list.says(&first));
    let mut russian = anna.clone();
    russian.language = "ru";
    assert!(portal.get(&russian, "/security").await.says("последнее использование"));
    // Another's is nobody's to name.
    let (boris, _) = portal.register("boris@example.org").await;
    assert_eq!(portal.get(&boris, &at).await.location().as_deref(), Some("/security"));
}

#[tokio::test]
async fn a_way_is_removed_after_a_word_about_it_and_the_last_one_stays() {
    let portal = Portal::new();
    let (mut anna, session) = portal.register("anna@example.org").await;
    let codes = makes_codes(&portal, &mut anna).await;
    let elsewhere = signs_in(&portal, "anna@example.org").await;
    let held = portal.auth.credentials(session.session.account()).await.unwrap();
    let of = |name: &str| held.iter().find(|one| one.factor.as_str() == name).unwrap().id.to_string();
    let (list, word) = (of("backup-code"), of("password"));
    let remove = |id: &str| format!("/security/remove?credential={id}");
    let asked = portal.get(&anna, &remove(&list)).await;
    assert!(asked.says("All your other sessions end") && asked.says("List of codes"), "{}", asked.text);
    assert!(portal.auth.session(&elsewhere.token).await.unwrap().is_some(), "asking changes nothing");
    // What the account can reach with the list is asked for first, and no code of it was proven in this session.
    let (page, field) = ("/security/remove", |id: &str| format!("credential={id}"));
    let proof = portal.steps(&mut anna, &remove(&list), page, &field(&list)).await;
    assert!(proof.at() == PROVE && proof.says("Before something is removed"), "{}", proof.text);
    let gone = portal.steps(&mut anna, PROVE, PROVE, &format!("backup_code={}", codes[0])).await;
    assert!(gone.at() == "/security" && gone.says("The way to sign in is removed"), "{}", gone.text);
    assert!(!gone.says("List of codes") && gone.says("Make backup codes"));
    assert!(portal.auth.session(&elsewhere.token).await.unwrap().is_none(), "all other sessions end");
    assert_eq!(portal.get(&anna, &remove(&list)).await.location().as_deref(), Some("/security"));
    let history = portal.get(&anna, "/history").await;
    assert!(history.says("A way to sign in was removed"), "{}", history.text);

    let kept = portal.steps(&mut anna, &remove(&word), page, &field(&word)).await;
    assert!(kept.at() == "/security" && kept.says("Without it you could no longer sign in"), "{}", kept.text);
    anna.language = "ru";
    let kept = portal.steps(&mut anna, &remove(&word), page, &field(&word)).await;
    assert!(kept.says("Без него вы больше не сможете войти"), "{}", kept.text);
    assert!(portal.get(&anna, "/history").await.says("Удалён способ входа"));
}

#[tokio::test]
async fn a_trusted_browser_skips_the_second_step_and_nothing_else() {
    let portal = Portal::new();
    let (_, _) = portal.register("anna@example.org").await;
    let mut anna = Browser::stranger("en");
    let first = portal.get(&anna, "/sign-in").await;
    anna.takes(&first);
    let word = format!("identifier=anna%40example.org&password={}", typed(WORD));
    let second = portal.steps(&mut anna, "/sign-in", "/sign-in", &word).await;
    assert!(second.at() == CODE && second.says("in this browser for 30 days"), "{}", second.text);
    let code = portal.code().await;
    let home = portal.steps(&mut anna, CODE, CODE, &format!("code={code}&trust=yes")).await;
    assert!(home.at() == "/home", "{}", home.text);
    assert!(portal.get(&anna, "/history").await.says("The browser is trusted from now on"));

    let trusted = "No second step is asked for here until";
    assert_eq!(portal.get(&anna, "/security").await.text.matches(trusted).count(), 1, "of two browsers");

    portal.steps(&mut anna, "/home", "/sign-out", "").await;
    let home = portal.steps(&mut anna, "/sign-in", "/sign-in", &word).await;
    assert_eq!(home.at(), "/home", "one step");
    assert_eq!(portal.get(&anna, "/security").await.text.matches(trusted).count(), 1, "it goes on");
    assert!(portal.get(&anna, "/history").await.says("no second step asked: a trusted browser"));
    // Trust meets a sign-in, never what an operation asks for.
    let asked = portal.steps(&mut anna, "/services/record", "/services/record", "").await;
    assert!(asked.at() == "/services/record/prove" && asked.says("signed in in one step"), "{}", asked.text);
    let code = portal.code().await;
    let page = "/services/record/prove";
    let back = portal.steps(&mut anna, page, page, &format!("code={code}")).await;
    assert!(back.at() == "/services/record" && back.says("Now the extract can be ordered"), "{}", back.text);
    let ordered = portal.steps(&mut anna, "/services/record", "/services/record", "").await;
    assert!(ordered.says("The extract is ordered"), "{}", ordered.text);
    assert!(portal.get(&anna, "/history").await.says("More was proven in this session"));

    let fields = format!("current_password={}&new_password={}", typed(WORD), typed(OTHER));
    portal.steps(&mut anna, "/password", "/password", &fields).await;
    assert!(!portal.get(&anna, "/security").await.says(trusted));
    portal.steps(&mut anna, "/home", "/sign-out", "").await;
    let word = format!("identifier=anna%40example.org&password={}", typed(OTHER));
    let second = portal.steps(&mut anna, "/sign-in", "/sign-in", &word).await;
    assert_eq!(second.at(), CODE, "another password, no trust");
    // Nobody is offered it on somebody else's device.
    portal.clock.advance(Duration::from_secs(120));
    let public = portal.steps(&mut anna, "/sign-in", "/sign-in", &format!("{word}&public_device=yes")).await;
    assert!(public.at() == CODE && !public.says("30 days"), "{}", public.text);
}

#[tokio::test]
async fn an_account_with_a_password_alone_adds_a_second_step_to_get_in() {
    let portal = Portal::new();
    let hash = StoredHash::parse(HASH).unwrap();
    let old = Import::new("Old").unwrap().identifier("old-timer").unwrap();
    let old = old.credential(Password::imported(hash).unwrap()).unwrap();
    let Imported::Made(id) = portal.auth.import(&old, &Client::unknown()).await.unwrap() else { panic!() };
    let mut olga = Browser::stranger("en");
    olga.takes(&portal.get(&olga, "/sign-in").await);
    let word = format!("identifier=old-timer&password={}&next=/profile", typed("Quiet harbour 42"));
    let choice = portal.steps(&mut olga, "/sign-in", "/sign-in", &word).await;
    assert!(choice.at() == "/sign-in/add" && choice.says("Add a second step"), "{}", choice.text);
    assert_eq!(portal.get(&olga, "/home").await.status, StatusCode::SEE_OTHER, "not signed in");
    let page = portal.steps(&mut olga, "/sign-in/add", "/sign-in/add", "factor=totp").await;
    assert_eq!(page.at(), "/sign-in/new");
    let key = page.between("translate=\"no\">", "<").to_owned();
    let wrong = otp::no_code(&key, portal.auth.now());
    let refused = portal.steps(&mut olga, "/sign-in/new", "/sign-in/new", &format!("app_code={wrong}")).await;
    assert!(refused.at() == "/sign-in/new" && refused.says("The code is wrong"), "{}", refused.text);
    let code = otp::totp(&key, otp::step(portal.auth.now()));
    let named = portal.steps(&mut olga, "/sign-in/new", "/sign-in/new", &format!("app_code={code}")).await;
    assert!(named.at().starts_with("/security/name?"), "{} {}", named.at(), named.text);
    let at = named.at().to_owned();
    let credential = named.between("name=\"credential\" value=\"", "\"").to_owned();
    let fields = format!("credential={credential}&name=Phone");
    let codes = portal.steps(&mut olga, &at, "/security/name", &fields).await;
    assert_eq!(codes.at(), "/security/new", "proven a moment ago");
    let done = portal.steps(&mut olga, "/security/new", "/security/new", "").await;
    assert!(done.at() == "/security/done" && done.says("href=\"/profile\""), "{}", done.text);
    assert_eq!(portal.auth.credentials(id).await.unwrap().len(), 3);
    // From now on it is asked for.
    portal.steps(&mut olga, "/home", "/sign-out", "").await;
    let second = portal.steps(&mut olga, "/sign-in", "/sign-in", &word).await;
    assert!(second.at() == CODE && second.says("Code from the application"), "{}", second.text);
}

#[tokio::test]
async fn a_token_that_was_handed_out_signs_in_also_when_it_has_run_ahead() {
    let portal = Portal::new();
    let token = hotp::Token::new(&[7; 20], 6, 0).unwrap();
    let hash = Password::imported(StoredHash::parse(HASH).unwrap()).unwrap();
    let old = Import::new("Old").unwrap().identifier("old-timer").unwrap().credential(hash).unwrap();
    let old = old.credential(Hotp::imported(&token).unwrap()).unwrap();
    assert!(matches!(portal.auth.import(&old, &Client::unknown()).await.unwrap(), Imported::Made(_)));
    let mut olga = Browser::stranger("en");
    olga.takes(&portal.get(&olga, "/sign-in").await);
    let word = format!("identifier=old-timer&password={}", typed("Quiet harbour 42"));
    let second = portal.steps(&mut olga, "/sign-in", "/sign-in", &word).await;
    assert!(second.at() == CODE && second.says("Code from the token"), "{}", second.text);
    let ahead = |nth| propusk::testing::hotp_code(&token, nth);
    let wrong = portal.steps(&mut olga, CODE, CODE, &format!("token_code={}&next_code=", ahead(30))).await;
    assert!(wrong.says("enter two codes in a row"), "{}", wrong.text);
    let both = format!("token_code={}&next_code={}", ahead(30), ahead(31));
    let home = portal.steps(&mut olga, CODE, CODE, &both).await;
    assert_eq!(home.at(), "/home", "{}", home.text);
    let list = portal.get(&olga, "/security").await;
    assert!(list.says("A device with a button") && list.says("last used"), "{}", list.text);
    assert_eq!(
        list.text.matches("href=\"/security/remove?").count(),
        1,
        "the password alone is theirs to remove"
    );
}

#[tokio::test]
async fn a_reminder_is_dismissed_for_this_session_and_few_codes_are_told() {
    let portal = Portal::new();
    let (mut anna, _) = portal.register("anna@example.org").await;
    let reminder = "Your second step is a code by message only";
    assert!(portal.get(&anna, "/home").await.says(reminder));
    let home = portal.steps(&mut anna, "/home", "/home/quiet", "").await;
    assert!(!home.says(reminder) && home.says("Add another second step"), "{}", home.text);
    let codes = makes_codes(&portal, &mut anna).await;
    assert!(
        !portal.get(&anna, "/home").await.says(reminder),
        "the session was renewed, and is the same to its owner"
    );
    portal.steps(&mut anna, "/home", "/sign-out", "").await;
    let word = format!("identifier=anna%40example.org&password={}", typed(WORD));
    for (nth, code) in codes.iter().enumerate() {
        portal.clock.advance(Duration::from_secs(60));
        portal.steps(&mut anna, "/sign-in", "/sign-in", &word).await;
        portal.steps(&mut anna, CODE, "/sign-in/code/other", "factor=backup-code").await;
        let home = portal.steps(&mut anna, CODE, CODE, &format!("backup_code={code}")).await;
        assert!(home.at() == "/home" && (nth > 0 || home.says(reminder)), "{} {}", home.at(), home.text);
        let page = portal.get(&anna, "/security").await;
        let (left, few) = (9 - nth, page.says("Make new ones while you can sign in"));
        assert_eq!(few, left <= 3, "{left}: {}", page.text);
        let said =
            if left == 0 { "No backup codes are left".to_owned() } else { format!("Codes left: {left}") };
        assert!(page.says(&said) && home.says(&said) == (left <= 3), "{left}");
        assert_eq!(page.says("All used"), left == 0);
        portal.steps(&mut anna, "/home", "/sign-out", "").await;
    }
}

/// Ten messages an hour go to an address, whoever asks for them; after them the other ways are as near as before.
#[tokio::test]
async fn where_no_message_goes_any_more_the_next_way_is_asked_for() {
    let portal = Portal::new();
    let (mut anna, _) = portal.register("anna@example.org").await;
    let codes = makes_codes(&portal, &mut anna).await;
    portal.clock.advance(Duration::from_secs(7200));
    let visit = portal.auth.visit(Client::unknown());
    let email = propusk::Factor::name(&Code::email());
    for _ in 0..10 {
        let next = pending(visit.sign_in().with("anna@example.org", Password::word(WORD)).await.unwrap());
        let _ = pending(visit.begin(&next.flow, &email).await.unwrap());
    }
    let mut stranger = Browser::stranger("en");
    stranger.takes(&portal.get(&stranger, "/sign-in").await);
    let word = format!("identifier=anna%40example.org&password={}", typed(WORD));
    let page = portal.steps(&mut stranger, "/sign-in", "/sign-in", &word).await;
    assert!(page.at() == CODE && page.says("name=\"backup_code\""), "{} {}", page.at(), page.text);
    let home = portal.steps(&mut stranger, CODE, CODE, &format!("backup_code={}", codes[0])).await;
    assert_eq!(home.at(), "/home", "{}", home.text);

    // Who has nothing else is told when the next one goes, on the page where it will.
    let (_, _) = portal.register("boris@example.org").await;
    portal.clock.advance(Duration::from_secs(7200));
    for _ in 0..10 {
        let next = pending(visit.sign_in().with("boris@example.org", Password::word(WORD)).await.unwrap());
        let _ = pending(visit.begin(&next.flow, &email).await.unwrap());
    }
    let mut boris = Browser::stranger("en");
    boris.takes(&portal.get(&boris, "/sign-in").await);
    let word = format!("identifier=boris%40example.org&password={}", typed(WORD));
    let page = portal.steps(&mut boris, "/sign-in", "/sign-in", &word).await;
    assert!(page.at() == CODE && page.says("name=\"code\""), "{} {}", page.at(), page.text);
    assert!(
        page.says("role=\"alert\"") && !page.says("b***s@example.org"),
        "nothing was sent: {}",
        page.text
    );
    portal.clock.advance(Duration::from_secs(400));
    let again = portal.steps(&mut boris, CODE, "/sign-in/code/other", &format!("factor={email}")).await;
    assert!(again.at() == CODE && again.says("b***s@example.org"), "{}", again.text);
    let home = portal.steps(&mut boris, CODE, CODE, &format!("code={}", portal.code().await)).await;
    assert_eq!(home.at(), "/home", "{}", home.text);
}

async fn makes_codes(portal: &Portal, who: &mut Browser) -> Vec<String> {
    let page = portal.steps(who, "/security", "/security/add", "factor=backup-code").await;
    assert_eq!(page.at(), "/security/new", "{}", page.text);
    let codes = page.text.split("<li><code>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned());
    let codes: Vec<_> = codes.collect();
    assert_eq!(portal.steps(who, "/security/new", "/security/new", "").await.at(), "/security");
    codes
}

async fn signs_in(portal: &Portal, name: &str) -> Box<Done> {
    let visit = portal.auth.visit(Client::unknown().with_user_agent(FIREFOX));
    let next = pending(visit.sign_in().with(name, Password::word(WORD)).await.unwrap());
    let email = propusk::Factor::name(&Code::email());
    let next = pending(visit.begin(&next.flow, &email).await.unwrap());
    done(visit.answer(&next.flow, Code::typed(email, &portal.code().await)).await.unwrap())
}

const PROVE: &str = "/security/remove/prove";
const CODE: &str = "/sign-in/code";
const OTHER: &str = "Совсем другие слова 9";
/// "Quiet harbour 42", as an old system kept it.
const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$1x7BArVtwwgvC95dbISXAQ$KZ+xCVjHfSIlcDGtlsRAitSirXQEDyG3XrM+cJ1fAGs";
