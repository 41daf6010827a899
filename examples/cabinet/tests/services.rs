//! The services: what each asks for, and what it says where that is missing.

use propusk::account::Level;

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
