//! What follows from a sum: told, asked for more, refused.

use propusk::account::identifier::Identifier;
use propusk::event::Outcome;
use propusk::factor::password::due::Issued;

use super::*;
use crate::portal::{NEW_WORD, refused};

/// Of whom something new is enough to be asked for more.
fn wary(profile: Profile) -> Profile {
    let mut profile = profile;
    profile.suspicion.more = Some(20);
    profile
}

fn offered(next: &propusk::flow::Next) -> Vec<&str> {
    next.offers.iter().map(|offer| offer.factor.as_str()).collect()
}

#[tokio::test]
async fn one_proof_more_by_a_way_that_was_not_used() {
    let house = House::new(Profile::public_portal());
    let (account, _) = house.at_home(&[EMAIL, PHONE]).await;
    let client = from(ABROAD);
    let visit = house.auth.visit(client.clone());
    let next = pending(house.step(EMAIL, &client).await);
    // Password and e-mail code are all that this profile asks for; another browser in another country wants a third.
    assert_eq!((next.unusual, next.duty, offered(&next)), (true, None, vec!["sms-code"]));
    assert!(house.told().await.is_empty());
    let _ = pending(visit.begin(&next.flow, &SMS).await.unwrap());
    let code = house.outbox.code(&house.auth).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let why = refused(visit.answer(&next.flow, Code::typed(SMS, wrong)).await.unwrap());
    assert_eq!(why.code.as_str(), "wrong");
    let end = done(visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap());
    assert!(house.alive(&end.token).await);
    assert_eq!(house.signals(account).await, ["new_browser", "new_network", "new_country"]);
    // Once to each contact.
    assert_eq!(house.templates().await, ["sign-in-unusual", "sign-in-unusual"]);
    let client = client.with_browser(end.browser.unwrap());
    house.enter(EMAIL, &client).await;
    assert!(house.signals(account).await.is_empty(), "now it is known");
}

/// One factor is enough for this profile, and what is asked for more is another.
#[tokio::test]
async fn a_password_alone_is_not_enough_from_nowhere() {
    let house = House::new(wary(Profile::nist_aal1()));
    let account = house.account(&[EMAIL]).await;
    let next = pending(house.step(EMAIL, &from(HOME)).await);
    assert_eq!((next.unusual, offered(&next)), (true, vec!["email-code"]));
    // The answer that is there already is no other.
    let visit = house.auth.visit(from(HOME));
    let again = refused(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    assert_eq!(again.code.as_str(), "not_offered");
    let _ = pending(visit.begin(&next.flow, &MAIL).await.unwrap());
    let code = house.outbox.code(&house.auth).await;
    let _ = done(visit.answer(&next.flow, Code::typed(MAIL, &code)).await.unwrap());
    assert_eq!(house.signals(account).await, ["new_browser"]);
}

/// Never a dead end: where there is no other way, the owner is told.
#[tokio::test]
async fn where_there_is_no_other_way_the_owner_is_told() {
    let house = House::new(wary(Profile::public_portal()));
    let account = house.account(&[EMAIL]).await;
    let end = house.enter(EMAIL, &from(ABROAD)).await;
    assert!(house.alive(&end.token).await);
    assert_eq!(house.signals(account).await, ["new_browser"]);
    assert_eq!(house.templates().await, ["new-browser"]);
}

/// An address that was put there a short while ago clears nobody: whoever was in may have put it there.
#[tokio::test]
async fn an_address_that_settles_is_no_other_way() {
    let house = House::new(Profile::public_portal());
    let (_, browser) = house.at_home(&[EMAIL]).await;
    let client = from(HOME).with_browser(browser);
    let visit = house.auth.visit(client.clone());
    let mine = house.enter(EMAIL, &client).await;
    let mut step = visit.add_contact(&mine.token, PHONE, None).await.unwrap();
    while let Step::Pending(next) = step {
        let factor = next.offers[0].factor.clone();
        if factor == Password::NAME {
            step = visit.answer(&next.flow, Password::word(WORD)).await.unwrap();
            continue;
        }
        let _ = pending(visit.begin(&next.flow, &factor).await.unwrap());
        let code = house.outbox.code(&house.auth).await;
        step = visit.answer(&next.flow, Code::typed(factor, &code)).await.unwrap();
    }
    let _ = done(step);
    house.hands.advance(3600);
    // Told, and let in: the phone would be the only other way.
    let _ = house.enter(EMAIL, &from(ABROAD)).await;
    house.hands.advance(73 * 3600);
    let next = pending(house.step(EMAIL, &from("100.64.0.1")).await);
    assert_eq!((next.unusual, offered(&next)), (true, vec!["sms-code"]), "settled");
}

/// Trust lets a browser sign in by less, and not one that is somewhere else.
#[tokio::test]
async fn trust_gives_way() {
    let mut profile = Profile::public_portal();
    profile.suspicion = profile.suspicion.with(Signal::NewCountry, 60);
    let house = House::new(profile);
    let account = house.account(&[EMAIL]).await;
    let trusting = from(HOME).trusting(true);
    let browser = house.enter(EMAIL, &trusting).await.browser.unwrap();
    let visit = house.auth.visit(from(HOME).with_browser(browser.clone()));
    let end = done(visit.sign_in().with(EMAIL, Password::word(WORD)).await.unwrap());
    let browser = end.browser.unwrap();
    let visit = house.auth.visit(from(ABROAD).with_browser(browser));
    let next = pending(visit.sign_in().with(EMAIL, Password::word(WORD)).await.unwrap());
    assert_eq!((next.unusual, offered(&next)), (true, vec!["email-code"]));
    let _ = pending(visit.begin(&next.flow, &MAIL).await.unwrap());
    let code = house.outbox.code(&house.auth).await;
    let _ = done(visit.answer(&next.flow, Code::typed(MAIL, &code)).await.unwrap());
    assert_eq!(house.signals(account).await, ["new_network", "new_country"]);
}

/// It comes before a duty: a thief would else choose the new password, and then be asked who they are.
#[tokio::test]
async fn more_is_asked_before_a_temporary_password_is_replaced() {
    let house = House::new(wary(Profile::nist_aal1()));
    let account = house.account(&[EMAIL]).await;
    let day = std::time::Duration::from_secs(DAY);
    let issued = Password::issue_temporary(&house.auth, account, day, &Client::unknown()).await.unwrap();
    let Issued::Password(given) = issued else { panic!("busy") };
    let visit = house.auth.visit(from(HOME));
    let step = visit.sign_in().with(EMAIL, Password::word(given.expose_str().unwrap())).await.unwrap();
    let next = pending(step);
    assert_eq!((next.unusual, next.duty, offered(&next)), (true, None, vec!["email-code"]));
    let early = refused(visit.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap());
    assert_eq!(early.code.as_str(), "not_offered");
    let _ = pending(visit.begin(&next.flow, &MAIL).await.unwrap());
    let code = house.outbox.code(&house.auth).await;
    let next = pending(visit.answer(&next.flow, Code::typed(MAIL, &code)).await.unwrap());
    assert_eq!((next.unusual, next.duty), (false, Some(propusk::flow::Duty::Replace)));
    let _ = done(visit.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap());
}

#[tokio::test]
async fn a_refusal_comes_after_all_was_proven_and_says_what_to_do() {
    let mut profile = Profile::public_portal();
    profile.suspicion.refuse = Some(70);
    let house = House::new(profile);
    let (account, browser) = house.at_home(&[EMAIL]).await;
    let visit = house.auth.visit(from(ABROAD));
    // Nothing is said of it after the first factor.
    let next = pending(visit.sign_in().with(EMAIL, Password::word(WORD)).await.unwrap());
    assert!(!next.unusual);
    let why = refused(house.step(EMAIL, &from(ABROAD)).await);
    assert_eq!((why.code.as_str(), why.retry_after), ("unusual", None));
    for (locale, said) in [
        (propusk::message::Locale::En, "restore access"),
        (propusk::message::Locale::Ru, "восстановите доступ"),
    ] {
        assert!(why.text(locale).contains(said), "{}", why.text(locale));
    }
    let line = house.newest(account).await;
    assert_eq!((line.outcome, line.reason.as_deref()), (Outcome::Refused, Some("unusual")));
    assert_eq!(house.signals(account).await, ["new_browser", "new_network", "new_country"]);
    let told = house.told().await;
    assert_eq!(told.iter().map(|one| one.template.as_str()).collect::<Vec<_>>(), ["sign-in-refused"]);
    assert!(told.iter().all(|one| link(one).is_some()));
    assert!(
        house
            .auth
            .sessions(account)
            .await
            .unwrap()
            .iter()
            .all(|one| one.from.as_ref().unwrap().address != from(ABROAD).address)
    );
    // It teaches nothing: the next time it is as new.
    house.hands.advance(120);
    assert_eq!(refused(house.step(EMAIL, &from(ABROAD)).await).code.as_str(), "unusual");
    // A sign-in that was refused is not told to have ended by its time, too: that is the first one, left half done.
    house.hands.advance(16 * 60);
    // And a second refusal of the day is told by the history alone.
    assert_eq!(house.templates().await, ["sign-in-unfinished"]);
    let lines = house.auth.history(account, EventPage::newest(100)).await.unwrap();
    assert_eq!(lines.iter().filter(|line| line.outcome == Outcome::TimedOut).count(), 1);
    // Home, or by a recovery, the owner gets in.
    house.enter(EMAIL, &from(HOME).with_browser(browser)).await;
    let next = pending(visit.recover().start(EMAIL).await.unwrap());
    let code = house.outbox.code(&house.auth).await;
    let next = pending(visit.answer(&next.flow, Code::typed(MAIL, &code)).await.unwrap());
    let _ = done(visit.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap());
    let known = Identifier::parse(EMAIL).unwrap();
    assert!(house.auth.account(account).await.unwrap().unwrap().contacts.contains(&known));
}

/// A thief who was in made their network known; with a recovery all of that is forgotten.
#[tokio::test]
async fn a_recovery_forgets_what_the_account_was_used_to() {
    let house = House::new(Profile::nist_aal1());
    let (account, _) = house.at_home(&[EMAIL]).await;
    house.enter(EMAIL, &from(AWAY)).await;
    let visit = house.auth.visit(from(HOME));
    let next = pending(visit.recover().start(EMAIL).await.unwrap());
    let code = house.outbox.code(&house.auth).await;
    let next = pending(visit.answer(&next.flow, Code::typed(MAIL, &code)).await.unwrap());
    let _ = done(visit.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap());
    let visit = house.auth.visit(from(AWAY));
    let _ = done(visit.sign_in().with(EMAIL, Password::word(NEW_WORD)).await.unwrap());
    assert_eq!(house.signals(account).await, ["new_browser", "new_network"]);
}

/// What ends because it may be known to somebody else: each of these forgets the browsers, and with them the networks.
#[derive(Clone, Copy, Debug)]
enum Ends {
    Change,
    Temporary,
    Contact,
    Removal,
}

async fn ended(house: &House, account: AccountId, client: &Client, how: Ends) {
    let visit = house.auth.visit(client.clone());
    if matches!(how, Ends::Temporary) {
        let day = std::time::Duration::from_secs(DAY);
        let issued = Password::issue_temporary(&house.auth, account, day, &Client::unknown()).await.unwrap();
        let Issued::Password(given) = issued else { panic!("busy") };
        let given = Password::word(given.expose_str().unwrap());
        let next = pending(visit.sign_in().with(EMAIL, given).await.unwrap());
        let _ = done(visit.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap());
        return;
    }
    let mine = house.enter(EMAIL, client).await;
    let mut step = match how {
        Ends::Change => visit.change(&mine.token, Password::NAME).await.unwrap(),
        Ends::Contact => visit.add_contact(&mine.token, PHONE, None).await.unwrap(),
        _ => {
            let next = pending(visit.enrol(&mine.token, Totp::NAME).await.unwrap());
            let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
            let next = pending(visit.begin(&next.flow, &Totp::NAME).await.unwrap());
            let key = otp::shown(&next)["key"].as_str().unwrap().to_owned();
            let code = Totp::code(&otp::totp(&key, otp::step(house.auth.now())));
            let mine = done(visit.answer(&next.flow, code).await.unwrap());
            let all = house.auth.credentials(account).await.unwrap();
            let totp = all.iter().find(|one| one.factor == Totp::NAME).unwrap().id;
            house.hands.advance(60);
            match visit.remove(&mine.token, totp).await.unwrap() {
                Step::Pending(next) => {
                    let code = Totp::code(&otp::totp(&key, otp::step(house.auth.now())));
                    visit.answer(&next.flow, code).await.unwrap()
                }
                step => step,
            }
        }
    };
    while let Step::Pending(next) = step {
        let factor = next.offers[0].factor.clone();
        step = match (&next.duty, factor == Password::NAME) {
            (Some(propusk::flow::Duty::Replace), _) => {
                visit.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap()
            }
            (_, true) => visit.answer(&next.flow, Password::word(WORD)).await.unwrap(),
            _ => {
                let _ = pending(visit.begin(&next.flow, &factor).await.unwrap());
                let code = house.outbox.code(&house.auth).await;
                visit.answer(&next.flow, Code::typed(factor, &code)).await.unwrap()
            }
        };
    }
    let _ = done(step);
}

/// A thief who was in made their network known. Whoever ends that, by whatever ends the trust in browsers, ends it whole:
/// the one place that stays known is the one that it was done from.
#[tokio::test]
async fn what_ends_trust_forgets_every_other_network() {
    for how in [Ends::Change, Ends::Temporary, Ends::Contact, Ends::Removal] {
        let mut profile = Profile::nist_aal1();
        profile.suspicion.more = None;
        let house = House::new(profile);
        let (account, browser) = house.at_home(&[EMAIL]).await;
        let thief = house.enter(EMAIL, &from(ABROAD)).await;
        house.enter(EMAIL, &from(ABROAD).with_browser(thief.browser.clone().unwrap())).await;
        assert!(house.signals(account).await.is_empty(), "it is known");
        let home = from(HOME).with_browser(browser);
        ended(&house, account, &home, how).await;
        let word = if matches!(how, Ends::Change | Ends::Temporary) { NEW_WORD } else { WORD };
        let enter = async |client: Client| {
            let _ = done(house.auth.visit(client).sign_in().with(EMAIL, Password::word(word)).await.unwrap());
            house.signals(account).await
        };
        assert_eq!(enter(from(HOME)).await, ["new_browser"], "{how:?}: done from home");
        assert_eq!(enter(from(ABROAD)).await, ["new_browser", "new_network", "new_country"], "{how:?}");
    }
}

/// A change makes no place known that was not, so that one with a stolen session teaches the account nothing.
#[tokio::test]
async fn a_change_from_nowhere_makes_no_network_known() {
    let mut profile = Profile::nist_aal1();
    profile.suspicion.more = None;
    let house = House::new(profile);
    let (account, browser) = house.at_home(&[EMAIL]).await;
    let mine = house.enter(EMAIL, &from(HOME).with_browser(browser)).await;
    let visit = house.auth.visit(from(AWAY));
    let next = pending(visit.change(&mine.token, Password::NAME).await.unwrap());
    let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    let _ = done(visit.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap());
    for client in [from(AWAY), from(HOME)] {
        let _ = done(house.auth.visit(client).sign_in().with(EMAIL, Password::word(NEW_WORD)).await.unwrap());
        assert_eq!(house.signals(account).await, ["new_browser", "new_network"]);
    }
}
