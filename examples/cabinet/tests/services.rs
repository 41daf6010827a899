//! The services: what each asks for, and what it says where that is missing.

use propusk::account::Level;
use propusk::flow::Transaction;
use propusk::policy::Requirement;

use super::*;

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
async fn a_fine_is_paid_once_by_who_has_approved_this_very_payment() {
    let portal = Portal::new();
    let (mut anna, _) = portal.register("anna@example.org").await;
    let page = portal.get(&anna, "/services/fine").await;
    assert!(page.says("Amount") && page.says("500 ₽") && page.says("Traffic police") && page.says("Pay 500"));
    let asked = portal.steps(&mut anna, "/services/fine", "/services/fine", "").await;
    assert_eq!(asked.at(), PROVE, "the session alone pays nothing, however fresh");
    let shows = |page: &Answer| page.says("You approve") && page.says("500 ₽") && page.says("Traffic police");
    assert!(shows(&asked) && asked.says("Nothing is charged yet"), "{}", asked.text);
    let wrong = portal.steps(&mut anna, PROVE, PROVE, "password=wrong").await;
    assert!(wrong.says("not your password") && shows(&wrong), "{}", wrong.text);
    let second = portal.steps(&mut anna, PROVE, PROVE, &format!("password={}", typed(WORD))).await;
    assert!(second.says("We have sent a code to") && shows(&second), "{}", second.text);
    let code = portal.code().await;
    let letter = portal.outbox.letters().into_iter().next().unwrap();
    let said = "Amount: 500 ₽; Payee: Traffic police; Number of the charge: 18810177261126000042";
    assert!(letter.body.contains(said), "the message says what its code approves: {}", letter.body);
    assert!(!portal.get(&anna, "/history").await.says("Fine paid"));

    // The last step twice at once: one of them ends the flow, and pays.
    let hidden = portal.get(&anna, PROVE).await.hidden(PROVE).unwrap();
    let last = || portal.send(&anna, "POST", PROVE, Some(format!("{hidden}&code={code}")));
    let (one, two) = tokio::join!(last(), last());
    let old = anna.clone();
    anna.takes(&one);
    anna.takes(&two);
    assert_eq!(portal.get(&old, "/home").await.status, StatusCode::SEE_OTHER, "the session has a new token");
    let page = portal.get(&anna, "/services/fine").await;
    assert!(page.says("Paid") && page.says("000001") && !page.says("Pay 500"), "{}", page.text);
    let history = portal.get(&anna, "/history").await;
    assert_eq!(history.text.matches("Fine paid").count(), 1, "{}", history.text);
    assert_eq!(history.text.matches("A transaction was approved").count(), 1);
    assert!(
        history.says("Amount: 500 ₽") && history.says("Payee: Traffic police") && !history.says("fine:pay")
    );
    assert!(history.says("First step of an approval"));
    let mut russian = anna.clone();
    russian.language = "ru";
    assert!(portal.get(&russian, "/history").await.says("Подтверждена операция"));
    let token = portal.get(&anna, "/services").await;
    assert!(token.says("Your approval of the payment"));
}

#[tokio::test]
async fn an_approval_that_was_given_waits_for_the_payment_and_is_good_once() {
    let portal = Portal::new();
    let (_, session) = portal.register("anna@example.org").await;
    // Up to its end, as if the portal had been killed between the approval and the payment.
    let visit = portal.auth.visit(Client::unknown().with_user_agent(FIREFOX));
    let bill = || {
        let bill = Transaction::new("fine:pay").with("Amount", "500 ₽").with("Payee", "Traffic police");
        bill.with("Number of the charge", "18810177261126000042")
    };
    let two = Requirement::two_factors();
    let next = pending(visit.approve(&session.token, two, bill()).await.unwrap());
    let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    let email = propusk::Factor::name(&Code::email());
    let next = pending(visit.begin(&next.flow, &email).await.unwrap());
    let ended = done(visit.answer(&next.flow, Code::typed(email, &portal.code().await)).await.unwrap());
    let mut anna = portal.browser(&ended.token, "");
    let paid = portal.steps(&mut anna, "/services/fine", "/services/fine", "").await;
    assert!(paid.at() == "/services/fine" && paid.says("The fine is paid"), "{} {}", paid.at(), paid.text);
    let again = visit.approve(&ended.token, two, bill()).await.unwrap();
    assert!(matches!(again, Step::Pending(_)), "used up: {again:?}");
    assert_eq!(portal.get(&anna, "/history").await.text.matches("Fine paid").count(), 1);
}

#[tokio::test]
async fn who_has_an_authenticator_approves_by_it_and_not_by_a_mailbox() {
    let portal = Portal::new();
    let (_, session) = portal.register("anna@example.org").await;
    let visit = portal.auth.visit(Client::unknown().with_user_agent(FIREFOX));
    portal.clock.advance(Duration::from_secs(6 * 60));
    let next = pending(visit.enrol(&session.token, Totp::NAME).await.unwrap());
    let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    let email = propusk::Factor::name(&Code::email());
    let next = pending(visit.begin(&next.flow, &email).await.unwrap());
    let typed_in = Code::typed(email, &portal.code().await);
    let next = pending(visit.answer(&next.flow, typed_in).await.unwrap());
    let next = pending(visit.begin(&next.flow, &Totp::NAME).await.unwrap());
    let key = otp::shown(&next)["key"].as_str().unwrap().to_owned();
    let code = otp::totp(&key, otp::step(portal.auth.now()));
    let ended = done(visit.answer(&next.flow, Totp::code(&code)).await.unwrap());
    let mut anna = portal.browser(&ended.token, "");
    portal.steps(&mut anna, "/services/fine", "/services/fine", "").await;
    let second = portal.steps(&mut anna, PROVE, PROVE, &format!("password={}", typed(WORD))).await;
    assert!(second.says("Code from the application") && !second.says("By a code sent to"), "{}", second.text);
    portal.clock.advance(Duration::from_secs(60));
    let code = otp::totp(&key, otp::step(portal.auth.now()));
    let paid = portal.steps(&mut anna, PROVE, PROVE, &format!("app_code={code}")).await;
    assert!(paid.at() == "/services/fine" && paid.says("The fine is paid"), "{} {}", paid.at(), paid.text);
}

#[tokio::test]
async fn an_extract_takes_both_steps_of_a_sign_in() {
    let portal = Portal::new();
    let (anna, _) = portal.register("anna@example.org").await;
    portal.clock.advance(Duration::from_secs(11 * 60));
    let sent = portal.post(&anna, "/services/record", "/services/record", "").await;
    assert_eq!(
        sent.location().as_deref(),
        Some("/services/record"),
        "proven at the sign-in, whenever that was"
    );
    assert!(portal.get(&anna, "/services/record").await.says("The extract is ordered"));
    let nobody = portal.get(&Browser::stranger("en"), "/services/record").await;
    assert_eq!(nobody.headers[header::LOCATION], "/sign-in?next=/services/record");
}

const PROVE: &str = "/services/fine/prove";
