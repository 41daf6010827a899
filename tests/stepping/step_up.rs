//! More than a session has proven, for an operation.

use std::time::Duration;

use propusk::account::Level;
use propusk::policy::Requirement;
use propusk::proof::Aal;

use super::*;
use crate::portal::{EMAIL as ADDRESS, PHONE, done, refused};

const LATELY: Requirement = Requirement::aal(Aal::One).within(Duration::from_secs(300));

/// ASVS 5.0 7.2.4, 7.5.3: what was proven a while ago is proven again, and the session goes on under another token, with
/// the end that it had.
#[tokio::test]
async fn what_is_stale_is_proven_again_and_the_token_changes() {
    let house = House::new(Profile::public_portal());
    let mine = house.person(PHONE).await;
    let (key, mine) = house.device(&mine.token).await;
    let same = done(house.visit.step_up(&mine.token, LATELY).await.unwrap());
    assert_eq!(
        (same.session.id(), same.token.expose()),
        (mine.session.id(), mine.token.expose()),
        "nothing lacks"
    );

    house.hands.advance(600);
    assert!(!mine.session.has_proven(&LATELY, house.auth.now()));
    let next = pending(house.visit.step_up(&mine.token, LATELY).await.unwrap());
    assert_eq!(offered(&next), ["password", "totp", "sms-code"]);
    let end = done(house.answer(&next.flow, house.now(&key)).await);
    assert!(end.session.has_proven(&LATELY, house.auth.now()));
    assert_eq!(end.session.aal(), Aal::Two, "what the session had is not lost");
    assert_eq!(end.session.expires(), mine.session.expires());
    assert_eq!(end.session.account(), mine.session.account());
    assert!(!house.alive(&mine.token).await);
    assert!(house.alive(&end.token).await);
    assert_eq!(house.events(mine.session.account()).await[0].0, "step-up");
    // Over is over.
    assert_eq!(said(&house.answer(&next.flow, Password::word(WORD)).await), "no_flow");
}

/// A first proof that has grown too old by the second is given once more, in the same flow.
#[tokio::test]
async fn what_grew_too_old_on_the_way_is_proven_again() {
    let house = House::new(Profile::public_portal());
    let mine = house.person(PHONE).await;
    house.hands.advance(600);
    let asked = Requirement::two_factors().within(Duration::from_secs(300));
    let next = pending(house.visit.step_up(&mine.token, asked).await.unwrap());
    let next = pending(house.answer(&next.flow, Password::word(WORD)).await);
    assert_eq!(offered(&next), ["sms-code"]);
    house.hands.advance(310);
    let next = pending(house.sms(&next).await);
    assert_eq!(offered(&next), ["password"]);
    assert_eq!(said(&house.answer(&next.flow, Password::word("another one")).await), "wrong");
    let end = done(house.answer(&next.flow, Password::word(WORD)).await);
    assert!(end.session.has_proven(&asked, house.auth.now()));
}

/// A level that takes two is reached by the one that is lacking; an e-mail code counts for no level and is not offered.
#[tokio::test]
async fn what_is_lacking_is_asked_for_and_no_more() {
    let house = House::new(Profile::nist_aal1());
    let mine = house.person(PHONE).await;
    house.hands.advance(60);
    let signed = done(house.visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
    assert_eq!(signed.session.aal(), Aal::One);
    let next = pending(house.visit.step_up(&signed.token, Requirement::aal(Aal::Two)).await.unwrap());
    assert_eq!(offered(&next), ["sms-code"]);
    assert_eq!(said(&house.answer(&next.flow, Password::word(WORD)).await), "not_offered");
    let end = done(house.sms(&next).await);
    assert_eq!((end.session.aal(), end.session.amr()), (Aal::Two, vec!["pwd", "sms", "mfa"]));
    assert!(house.alive(&mine.token).await, "another session is none of it");

    let post = house.person(ADDRESS).await;
    for asked in [Requirement::aal(Aal::Two), Requirement::aal(Aal::Three)] {
        assert_eq!(said(&house.visit.step_up(&post.token, asked).await.unwrap()), "out_of_reach");
    }
    let resists = Requirement::NONE.phishing_resistant();
    assert_eq!(said(&house.visit.step_up(&end.token, resists).await.unwrap()), "out_of_reach");
}

/// How sure one is of the owner is nothing that a factor proves.
#[tokio::test]
async fn a_level_is_looked_at_and_not_proven() {
    let house = House::new(Profile::public_portal());
    let mine = house.person(PHONE).await;
    let asked = Requirement::NONE.level(Level::Standard);
    assert_eq!(said(&house.visit.step_up(&mine.token, asked).await.unwrap()), "level");
    house.auth.set_level(mine.session.account(), Level::Confirmed, &Client::unknown()).await.unwrap();
    assert_eq!(said(&house.visit.step_up(&mine.token, asked).await.unwrap()), "done");
}

/// The door of an operation, where there is no HTTP.
#[tokio::test]
async fn without_http_a_door_looks_at_the_level() {
    let house = House::new(Profile::public_portal());
    let mine = house.person(PHONE).await;
    let door = async |asked: Requirement| {
        let refusal = house.auth.require(&mine.session, &asked).await.unwrap();
        refusal.map_or_else(|refusal| refusal.code.as_str(), |()| "open")
    };
    assert_eq!(door(Requirement::two_factors()).await, "open");
    assert_eq!(door(Requirement::aal(Aal::Three)).await, "step_up");
    assert_eq!(door(Requirement::NONE.level(Level::Standard)).await, "level");
    assert_eq!(door(Requirement::aal(Aal::Three).level(Level::Standard)).await, "level", "no proof helps");
    house.auth.set_level(mine.session.account(), Level::Standard, &Client::unknown()).await.unwrap();
    assert_eq!(door(Requirement::NONE.level(Level::Standard)).await, "open");
    assert_eq!(door(Requirement::NONE.level(Level::Confirmed)).await, "level");
    house.hands.advance(600);
    assert_eq!(door(LATELY).await, "step_up");
}

/// ATTACKS 18, 62: what ends meanwhile ends the step-up, and nobody else goes on with it.
#[tokio::test]
async fn a_step_up_ends_with_its_session_and_its_account() {
    for how in ["signed out", "switched off", "changed"] {
        let house = House::new(Profile::public_portal());
        let mine = house.person(PHONE).await;
        house.hands.advance(600);
        let next = pending(house.visit.step_up(&mine.token, LATELY).await.unwrap());
        let account = mine.session.account();
        match how {
            "signed out" => house.visit.sign_out(&mine.token).await.unwrap(),
            "switched off" => house.auth.disable(account, &Client::unknown()).await.unwrap(),
            _ => {
                let change = pending(house.visit.change(&mine.token, Password::NAME).await.unwrap());
                let change = pending(house.answer(&change.flow, Password::word(WORD)).await);
                done(house.answer(&change.flow, Password::word(portal::NEW_WORD)).await);
            }
        }
        let word = if how == "changed" { portal::NEW_WORD } else { WORD };
        let end = refused(house.answer(&next.flow, Password::word(word)).await);
        assert!(
            ["no_session", "wrong", "not_offered", "stale"].contains(&end.code.as_str()),
            "{how}: {end:?}"
        );
        assert!(!house.alive(&mine.token).await);
    }
}

/// A flow is of no use in another browser.
#[tokio::test]
async fn a_step_up_belongs_to_its_browser() {
    let house = House::new(Profile::public_portal());
    let mine = house.person(PHONE).await;
    house.hands.advance(600);
    let here = house.auth.visit(Client::unknown().bound_by(house.auth.random_token().unwrap()));
    let there = house.auth.visit(Client::unknown().bound_by(house.auth.random_token().unwrap()));
    let next = pending(here.step_up(&mine.token, LATELY).await.unwrap());
    assert_eq!(said(&there.answer(&next.flow, Password::word(WORD)).await.unwrap()), "no_flow");
    assert_eq!(said(&here.answer(&next.flow, Password::word(WORD)).await.unwrap()), "done");
}

/// The guard is the one of every other door: guesses inside a session are guesses.
#[tokio::test]
async fn guesses_at_a_step_up_are_counted_with_all_others() {
    let house = House::new(Profile::public_portal());
    let mine = house.person(PHONE).await;
    house.hands.advance(600);
    let mut ends = Vec::new();
    for at in 0..8 {
        let step = match at % 2 {
            0 => {
                let next = pending(house.visit.step_up(&mine.token, LATELY).await.unwrap());
                house.answer(&next.flow, Password::word("Совсем не то слово 5")).await
            }
            _ => house.visit.sign_in().with(PHONE, Password::word("Совсем не то слово 5")).await.unwrap(),
        };
        ends.push(said(&step));
    }
    assert_eq!(ends, ["wrong", "wrong", "wrong", "wrong", "wrong", "held", "held", "held"]);
}

/// A session that was stolen does not answer for itself on "another device".
#[tokio::test]
async fn a_session_is_no_other_device_of_its_own() {
    let house = House::new(Profile::public_portal());
    let mine = house.person(PHONE).await;
    let (_, mine) = house.device(&mine.token).await;
    let next = propose_approval(&house, &mine.token).await;
    let mine = done(house.answer(&next.flow, Answer::wire(Approval::NAME, *b"{}")).await);
    house.hands.advance(600);
    let next = pending(house.visit.step_up(&mine.token, LATELY).await.unwrap());
    assert!(offered(&next).contains(&"approval"));
    let next = pending(house.visit.begin(&next.flow, &Approval::NAME).await.unwrap());
    let shown = otp::shown(&next);
    let mailbox = shown["mailbox"].as_str().unwrap();
    let claimed = house.visit.claim(&mine.token, mailbox).await.unwrap();
    assert!(
        matches!(&claimed, propusk::flow::Posted::Refused(why) if why.code.as_str() == "mailbox"),
        "{claimed:?}"
    );
    assert_eq!(said(&house.answer(&next.flow, Approval::poll()).await), "waiting");
}

async fn propose_approval(house: &House, session: &Token) -> Box<Next> {
    let next = pending(house.visit.enrol(session, Approval::NAME).await.unwrap());
    let next = pending(house.answer(&next.flow, Password::word(WORD)).await);
    pending(house.sms(&next).await)
}
