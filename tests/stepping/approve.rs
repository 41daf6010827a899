//! One transaction: shown where it is approved, approved for itself alone, used once.

use std::time::Duration;

use propusk::flow::Transaction;
use propusk::policy::Requirement;
use propusk::proof::Aal;

use super::*;
use crate::portal::{PHONE, done};

fn fine(amount: &str) -> Transaction {
    Transaction::new("fine:pay").with("Сумма", amount).with("Получатель", "ГИБДД")
}

async fn ask(house: &House, session: &Token, amount: &str) -> Step {
    house.visit.approve(session, Requirement::aal(Aal::One), fine(amount)).await.unwrap()
}

#[tokio::test]
async fn what_is_approved_is_shown_and_counts_once() {
    let house = House::new(Profile::public_portal());
    let mine = house.person(PHONE).await;
    // Everything was proven a moment ago, and counts for nothing here.
    let next = pending(ask(&house, &mine.token, "500,00 ₽").await);
    let end = done(house.sms(&next).await);
    let sent = house.outbox.all(&house.auth).await.pop().unwrap().text().body;
    assert!(sent.contains("It approves: Сумма: 500,00 ₽; Получатель: ГИБДД. Tell nobody."), "{sent}");
    assert!(end.approved.is_none(), "the flow says that it is over; the application asks what for");
    assert!(!house.alive(&mine.token).await);

    for (amount, said_so) in [("501,00 ₽", "pending"), ("500,00 ₽", "done"), ("500,00 ₽", "pending")] {
        let step = ask(&house, &end.token, amount).await;
        assert_eq!(said(&step), said_so, "{amount}");
        if let Step::Done(paid) = step {
            assert_eq!(paid.approved, Some(fine(amount)));
            assert_eq!(paid.token.expose(), end.token.expose());
        }
    }
    let (name, details) = house.events(mine.session.account()).await.remove(0);
    assert_eq!(name, "transaction-approved");
    assert_eq!(details["transaction"], "fine:pay");
    assert_eq!((details["Сумма"].as_str(), details["Получатель"].as_str()), ("500,00 ₽", "ГИБДД"));
}

/// It is this session's, and lasts for minutes.
#[tokio::test]
async fn an_approval_is_of_no_use_to_others_or_later() {
    let house = House::new(Profile::public_portal());
    let mine = house.person(PHONE).await;
    house.hands.advance(60);
    let half = pending(house.visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
    let other = done(house.sms(&half).await);
    house.hands.advance(60);
    let next = pending(ask(&house, &mine.token, "1,00 ₽").await);
    let end = done(house.sms(&next).await);
    assert_eq!(said(&ask(&house, &other.token, "1,00 ₽").await), "pending");
    assert_eq!(said(&ask(&house, &mine.token, "1,00 ₽").await), "no_session");
    house.hands.advance(301);
    assert_eq!(said(&ask(&house, &end.token, "1,00 ₽").await), "pending");
}

/// What was proven for a payment opens nothing else, and what one payment's code is for pays no other.
#[tokio::test]
async fn an_approval_proves_nothing_else() {
    let house = House::new(Profile::public_portal());
    let mine = house.person(PHONE).await;
    house.hands.advance(600);
    let lately = Requirement::aal(Aal::One).within(Duration::from_secs(300));
    let next = pending(ask(&house, &mine.token, "1,00 ₽").await);
    let other = pending(ask(&house, &mine.token, "9999,00 ₽").await);
    let begun = pending(house.visit.begin(&next.flow, &SMS).await.unwrap());
    let code = house.code().await;
    house.hands.advance(60);
    let _ = pending(house.visit.begin(&other.flow, &SMS).await.unwrap());
    assert_eq!(said(&house.answer(&other.flow, Code::typed(SMS, &code)).await), "wrong");
    let end = done(house.answer(&begun.flow, Code::typed(SMS, &code)).await);
    assert!(!end.session.has_proven(&lately, house.auth.now()));
    assert_eq!(end.session.proofs(), mine.session.proofs());
    assert_eq!(said(&ask(&house, &end.token, "9999,00 ₽").await), "pending");
}

#[tokio::test]
async fn what_cannot_be_shown_whole_is_not_asked_for() {
    let house = House::new(Profile::public_portal());
    let mine = house.person(PHONE).await;
    let long = "я".repeat(121);
    for what in [
        Transaction::new("fine:pay"),
        Transaction::new("pay").with("Сумма", "1"),
        Transaction::new("fine:pay").with("Сумма", ""),
        Transaction::new("fine:pay").with("Сумма", "1\u{202e}9"),
        Transaction::new("fine:pay").with("Сумма", "1\nПолучатель: другой"),
        Transaction::new("fine:pay").with("Сумма", long),
        // In one line one of them would read as two.
        Transaction::new("fine:pay").with("Назначение", "штраф; Сумма: 5,00 ₽").with("Сумма", "5000,00 ₽"),
        Transaction::new("fine:pay").with("Назначение", "штраф\u{37e} Сумма: 5,00 ₽").with("Сумма", "1"),
        Transaction::new("fine:pay").with("Назначение", "штраф, сумма : 5,00 ₽").with("Сумма", "5000,00 ₽"),
        Transaction::new("fine:pay").with("Назначение", "штраф\u{fe54} 5,00 ₽").with("Сумма", "1"),
        Transaction::new("fine:pay")
            .with("Назначение", "штраф, к  оплате: 5,00 ₽")
            .with("К оплате", "5000,00 ₽"),
        Transaction::new("fine:pay").with("Назначение", "штраф, сумма: 5,00 ₽").with("Сумма ", "5000,00 ₽"),
        Transaction::new("fine:pay").with("Сумма: 5,00 ₽; Ещё", "1"),
        Transaction::new("fine:pay").with("Сумма: 5,00 ₽", "1"),
        (0..7).fold(Transaction::new("fine:pay"), |what, at| what.with(format!("Поле {at}"), "1")),
    ] {
        let step = house.visit.approve(&mine.token, Requirement::NONE, what).await.unwrap();
        assert_eq!(said(&step), "transaction");
    }
    // The end of a word is no label.
    let what = Transaction::new("fine:pay").with("ИД", "Вид: 3");
    let step = house.visit.approve(&mine.token, Requirement::NONE, what).await.unwrap();
    assert!(matches!(step, Step::Pending(_)), "{step:?}");
}

/// Fifty handlers that ask at once: one pays.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_handlers_use_an_approval_up_once() {
    let (_folder, file) = sqlite();
    for house in [House::new(Profile::public_portal()), House::over(&file, Profile::public_portal())] {
        let house = Arc::new(house);
        let mine = house.person(PHONE).await;
        house.hands.advance(60);
        let mut token = mine.token.clone();
        for round in 0..20 {
            house.hands.advance(60);
            let amount = format!("{round},00 ₽");
            let next = pending(ask(&house, &token, &amount).await);
            token = done(house.sms(&next).await).token;
            let ends = at_once(|_| {
                let (house, token, amount) = (Arc::clone(&house), token.clone(), amount.clone());
                async move { said(&ask(&house, &token, &amount).await) }
            })
            .await;
            let paid = ends.iter().filter(|end| **end == "done").count();
            assert_eq!((paid, ends.len()), (1, AT_ONCE), "{ends:?}");
        }
    }
}
