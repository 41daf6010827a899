//! "This was not me", by a link in the notice of a sign-in.

use propusk::account::LockReason;
use propusk::flow::{Objected, Objection};
use propusk::store::AccountState;

use super::*;
use crate::portal::NEW_WORD;

fn said(objected: &Objected) -> &'static str {
    match objected {
        Objected::To(what) => what.as_str(),
        Objected::Refused(why) => why.code.as_str(),
        _ => "?",
    }
}

/// The owner at home, a thief somewhere else, and the link that the owner got.
async fn burgled(house: &House) -> (AccountId, Box<Done>, String) {
    let (account, _) = house.at_home(&[EMAIL]).await;
    let thief = house.enter(EMAIL, &from(AWAY)).await;
    let told = house.told().await;
    assert_eq!(told.len(), 1);
    (account, thief, link(&told[0]).unwrap())
}

async fn state(house: &House, of: AccountId) -> (AccountState, Option<LockReason>) {
    let account = house.auth.account(of).await.unwrap().unwrap();
    (account.state, account.lock.map(|lock| lock.reason))
}

async fn recovered(house: &House) -> Box<Done> {
    house.hands.advance(120);
    let visit = house.auth.visit(from(HOME));
    let next = pending(visit.recover().start(EMAIL).await.unwrap());
    let code = house.outbox.code(&house.auth).await;
    let next = pending(visit.answer(&next.flow, Code::typed(MAIL, &code)).await.unwrap());
    done(visit.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap())
}

#[tokio::test]
async fn it_locks_ends_everything_and_leads_to_recovery() {
    let house = House::new(Profile::nist_aal1());
    let (account, thief, link) = burgled(&house).await;
    let reader = house.auth.visit(from(ABROAD));
    for _ in 0..3 {
        assert_eq!(said(&reader.objection(&link).await.unwrap()), "not_me");
    }
    assert!(house.alive(&thief.token).await, "looking does nothing");
    assert_eq!(said(&reader.object(&link).await.unwrap()), "not_me");
    assert!(!house.alive(&thief.token).await);
    assert_eq!(state(&house, account).await, (AccountState::Locked, Some(LockReason::NotMe)));
    let line = house.newest(account).await;
    assert_eq!((line.name.as_str(), line.reason.as_deref()), ("account-locked", Some("not_me")));
    assert_eq!(line.details["event"], thief.session.id().to_string(), "the line that it is about");
    assert_eq!(line.origin.address, from(ABROAD).address);
    assert_eq!(house.templates().await, ["locked"]);
    // The thief knows the password, and it opens nothing.
    let step = house.step(EMAIL, &from(AWAY).with_browser(thief.browser.clone().unwrap())).await;
    assert_eq!(portal::refused(step).code.as_str(), "wrong");
    let owner = recovered(&house).await;
    assert!(house.alive(&owner.token).await);
    assert_eq!(state(&house, account).await, (AccountState::Active, None));
}

#[tokio::test]
async fn a_second_use_does_no_harm() {
    let house = House::new(Profile::nist_aal1());
    let (account, _, link) = burgled(&house).await;
    let reader = house.auth.visit(from(HOME));
    let locks = async || {
        let lines = house.auth.history(account, EventPage::newest(100)).await.unwrap();
        lines.iter().filter(|line| line.name.as_str() == "account-locked").count()
    };
    for _ in 0..3 {
        assert_eq!(said(&reader.object(&link).await.unwrap()), "not_me", "it is locked");
    }
    assert_eq!((locks().await, house.templates().await), (1, vec!["locked".to_owned()]));
    // Once its owner is in again the link is settled.
    let owner = recovered(&house).await;
    assert_eq!(said(&reader.object(&link).await.unwrap()), "link");
    assert!(house.alive(&owner.token).await);
    assert_eq!((locks().await, state(&house, account).await), (1, (AccountState::Active, None)));
    // What happens after that has a link of its own.
    house.hands.advance(1);
    let visit = house.auth.visit(from(AWAY));
    let thief = done(visit.sign_in().with(EMAIL, Password::word(NEW_WORD)).await.unwrap());
    let letters = house.told().await;
    let link = letters.iter().rev().find_map(super::link).unwrap();
    assert_eq!(said(&reader.object(&link).await.unwrap()), "not_me");
    assert!(!house.alive(&thief.token).await);
    assert!(house.auth.unlock(account, &Client::unknown()).await.unwrap().is_done());
    assert_eq!(said(&reader.object(&link).await.unwrap()), "link", "a lock that was lifted stays so");
}

/// Of many at once one locks, and nobody is told twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_are_one_lock() {
    let house = House::new(Profile::nist_aal1());
    let (account, _, link) = burgled(&house).await;
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (visit, link) = (house.auth.visit(from(HOME)), link.clone());
        all.spawn(async move { said(&visit.object(&link).await.unwrap()) });
    }
    assert!(all.join_all().await.iter().all(|end| *end == "not_me"));
    let lines = house.auth.history(account, EventPage::newest(100)).await.unwrap();
    assert_eq!(lines.iter().filter(|line| line.name.as_str() == "account-locked").count(), 1);
    assert_eq!(house.templates().await, ["locked"]);
}

#[tokio::test]
async fn what_is_forged_expired_or_of_another_account_does_nothing() {
    let house = House::new(Profile::nist_aal1());
    let (account, thief, link) = burgled(&house).await;
    let other = house.account(&["other@example.org"]).await;
    let reader = house.auth.visit(from(HOME));
    let bytes = data_encoding::BASE64URL_NOPAD.decode(link.as_bytes()).unwrap();
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        let forged = data_encoding::BASE64URL_NOPAD.encode(&bytes);
        assert_eq!(said(&reader.object(&forged).await.unwrap()), "link", "byte {at}");
    }
    // The account's id stands after the kind.
    let mut swapped = bytes.clone();
    swapped[1..17].copy_from_slice(other.as_bytes());
    let swapped = data_encoding::BASE64URL_NOPAD.encode(&swapped);
    assert_eq!(said(&reader.object(&swapped).await.unwrap()), "link");
    assert_eq!(state(&house, other).await, (AccountState::Active, None));
    house.hands.advance(30 * DAY);
    assert_eq!(said(&reader.object(&link).await.unwrap()), "link");
    assert_eq!(state(&house, account).await, (AccountState::Active, None));
    drop(thief);
}

/// A lock of the desk's stays the desk's: the link does not turn it into one that a recovery lifts.
#[tokio::test]
async fn it_lifts_and_lowers_no_other_lock() {
    let house = House::new(Profile::nist_aal1());
    let (account, _, link) = burgled(&house).await;
    house.auth.lock(account, LockReason::Desk, &Client::unknown()).await.unwrap();
    let reader = house.auth.visit(from(HOME));
    assert_eq!(said(&reader.object(&link).await.unwrap()), Objection::NotMe.as_str());
    assert_eq!(state(&house, account).await, (AccountState::Locked, Some(LockReason::Desk)));
}

/// An address that was taken away can put itself back for a while, and until then what it was sent acts, or a thief would
/// begin with taking away who was told of them. After that it has no say: whose mailbox it is now is nobody's business here,
/// and they could shut the account once a month for ever.
#[tokio::test]
async fn an_address_that_is_gone_has_no_say() {
    let hold = Profile::nist_aal1().contact_hold.as_secs();
    for (waits, gone, end) in [(3600, true, "not_me"), (hold, true, "link"), (hold, false, "not_me")] {
        let house = House::new(Profile::nist_aal1());
        let account = house.account(&[EMAIL, PHONE]).await;
        let mine = house.enter(PHONE, &from(HOME)).await;
        let told = house.told().await;
        let to = |address| link(told.iter().find(|one| one.to.as_str() == address).unwrap()).unwrap();
        let (old, stays) = (to(EMAIL), to(PHONE));
        assert_ne!(old, stays, "each address has a link of its own");
        let all = house.auth.contacts(account).await.unwrap();
        let mail = all.iter().find(|one| one.address.as_str() == EMAIL).unwrap().id;
        let visit = house.auth.visit(from(HOME));
        if gone {
            let step = visit.remove_contact(&mine.token, mail).await.unwrap();
            let _ = match step {
                Step::Pending(next) => done(visit.answer(&next.flow, Password::word(WORD)).await.unwrap()),
                step => done(step),
            };
        }
        house.hands.advance(waits);
        let reader = house.auth.visit(from(ABROAD));
        assert_eq!(said(&reader.objection(&old).await.unwrap()), end, "{waits} {gone}: asked");
        assert_eq!(said(&reader.object(&old).await.unwrap()), end, "{waits} {gone}: done");
        let locked = if end == "not_me" { AccountState::Locked } else { AccountState::Active };
        assert_eq!(state(&house, account).await.0, locked);
        assert_eq!(said(&reader.object(&stays).await.unwrap()), "not_me", "the other one's works");
    }
}
