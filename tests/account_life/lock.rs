//! Locked: by the owner, because "this was not me", by the desk.

use propusk::account::LockReason;
use propusk::event::name;
use propusk::id::EventId;
use propusk::store::AccountState;

use super::*;
use crate::portal::refused;

async fn locked(house: &House, account: AccountId) -> Option<LockReason> {
    house.auth.account(account).await.unwrap().unwrap().lock.map(|lock| lock.reason)
}

/// The same words as for a password that is wrong, and for a name that nobody has.
async fn shut(house: &House) -> bool {
    let visit = house.visit();
    let mine = visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap();
    let nobody = visit.sign_in().with("+79160000000", Password::word(WORD)).await.unwrap();
    match mine {
        Step::Refused(why) => {
            assert_eq!(why.code, refused(nobody).code);
            true
        }
        _ => false,
    }
}

/// MISSION D6: it ends everything, says why and what to do, and says it to each contact.
#[tokio::test]
async fn an_owner_locks_the_account_and_everything_ends() {
    let house = House::new(Profile::public_portal());
    let (first, second) = (house.person().await, house.sign_in().await);
    let account = first.session.account();
    let _ = house.templates().await;
    house.outbox.clear();
    assert!(house.visit().lock(&second.session).await.unwrap().is_done());
    for token in [&first.token, &second.token] {
        assert!(house.auth.session(token).await.unwrap().is_none());
    }
    assert!(shut(&house).await);
    let now = house.auth.account(account).await.unwrap().unwrap();
    assert_eq!((now.state, now.lock.unwrap().reason), (AccountState::Locked, LockReason::Owner));
    let line = house.history(account).await.into_iter().find(|line| line.name == name::LOCKED).unwrap();
    assert_eq!(line.reason.as_deref(), Some("owner"));
    let sent = house.outbox.all(&house.auth).await;
    let told: Vec<_> =
        sent.iter().map(|message| (message.to.as_str(), message.template.to_string())).collect();
    assert_eq!(told, [(PHONE, "locked".to_owned())]);
    assert!(sent[0].text().body.contains("portal.example"), "{}", sent[0].text().body);
    assert!(
        !house.visit().lock(&second.session).await.unwrap().is_done(),
        "a session that has ended locks nothing"
    );
}

/// "This was not me", of a line of one's own history and of no other.
#[tokio::test]
async fn not_me_is_said_of_a_line_of_ones_own() {
    let house = House::new(Profile::nist_aal1());
    let mine = house.person().await;
    let other =
        register(&house.auth, &house.outbox, &house.visit(), portal::EMAIL, Password::word(WORD)).await;
    let account = mine.session.account();
    let theirs = house.history(other.session.account()).await[0].id;
    for line in [theirs, EventId::from_bytes([7; 16])] {
        assert!(!house.visit().not_me(&mine.session, line).await.unwrap().is_done());
    }
    assert_eq!(locked(&house, account).await, None);
    assert!(house.auth.session(&mine.token).await.unwrap().is_some());
    let strange = house.sign_in().await;
    let line = house.history(account).await.into_iter().find(|line| line.name == name::SIGN_IN).unwrap();
    assert!(house.visit().not_me(&mine.session, line.id).await.unwrap().is_done());
    assert_eq!(locked(&house, account).await, Some(LockReason::NotMe));
    assert!(house.auth.session(&strange.token).await.unwrap().is_none(), "whoever it was is out");
    assert!(shut(&house).await);
    let said = house.history(account).await.into_iter().find(|line| line.name == name::LOCKED).unwrap();
    assert_eq!(said.details["event"], line.id.to_string());
    assert_eq!((said.details["about"].as_str(), said.reason.as_deref()), ("sign-in", Some("not_me")));
    assert!(house.auth.session(&other.token).await.unwrap().is_some(), "nobody else is");
}

/// Who set it decides who lifts it: an owner's word does not take the place of the desk's, and switching an account off
/// and on again lifts nothing.
#[tokio::test]
async fn a_desks_lock_is_lifted_by_the_desk() {
    let house = House::new(Profile::nist_aal1());
    let mine = house.person().await;
    let (account, desk) = (mine.session.account(), somebody());
    house.auth.lock(account, LockReason::Owner, &desk).await.unwrap();
    house.auth.lock(account, LockReason::Desk, &desk).await.unwrap();
    house.auth.lock(account, LockReason::NotMe, &desk).await.unwrap();
    assert_eq!(locked(&house, account).await, Some(LockReason::Desk));
    assert!(!LockReason::Desk.is_owners() && !LockReason::Application.is_owners());
    house.auth.disable(account, &desk).await.unwrap();
    house.auth.enable(account, &desk).await.unwrap();
    assert_eq!(locked(&house, account).await, Some(LockReason::Desk));
    assert!(shut(&house).await);
    assert!(house.auth.unlock(account, &desk).await.unwrap().is_done());
    assert!(!house.auth.unlock(account, &desk).await.unwrap().is_done(), "there is none any more");
    assert!(!shut(&house).await);
    assert!(house.auth.session(&mine.token).await.unwrap().is_none(), "what ended does not come back");
    house.auth.disable(account, &desk).await.unwrap();
    house.auth.lock(account, LockReason::Application, &desk).await.unwrap();
    assert!(house.auth.unlock(account, &desk).await.unwrap().is_done());
    assert!(shut(&house).await, "switched off it stays");
    let told = house.templates().await;
    assert!(["locked", "locked-by-desk", "unlocked"].iter().all(|one| told.iter().any(|told| told == one)));
}

/// ATTACKS 50 and DESIGN, rule 7: a lock that comes between any two steps, before any call of the store.
#[tokio::test]
async fn a_lock_between_any_two_steps_of_a_sign_in_leaves_no_session() {
    let counted = between_any_two(
        Profile::public_portal(),
        async |house, _| house.steps(&house.other).await,
        async |house, mine| {
            house.auth.lock(mine.session.account(), LockReason::Desk, &somebody()).await.unwrap();
        },
        async |house, mine, end| {
            if let Step::Done(end) = end {
                assert!(house.auth.session(&end.token).await.unwrap().is_none());
            }
            assert!(house.auth.sessions(mine.session.account()).await.unwrap().is_empty());
        },
    )
    .await;
    println!("counted: a lock between any two calls of a sign-in, seed -, count {counted}");
}
