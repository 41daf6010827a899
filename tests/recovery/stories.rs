//! What is lost, what is left, and how one gets in again.

use std::time::Duration;

use propusk::account::LockReason;
use propusk::flow::{Closing, Duty};
use propusk::proof::Aal;
use propusk::{BackupCodes, Client, Profile, Totp};

use super::*;
use crate::otp::add_codes;
use crate::portal::{EMAIL, PHONE, WORD};

const HOURS_72: Duration = Duration::from_secs(72 * 3600);

fn house() -> House {
    House::new(Profile::public_portal())
}

#[tokio::test]
async fn an_address_is_enough_where_the_account_reaches_no_more() {
    let house = house();
    let old = house.person(EMAIL).await;
    house.outbox.clear();
    let next = house.recovering(EMAIL, &[]).await;
    assert_eq!((next.duty, offered(&next)), (Some(Duty::Replace), vec!["password"]));
    assert!(house.alive(&old.token).await, "nothing has ended yet");
    let done = ended(house.answer(&next.flow, Password::word(NEW)).await);
    assert_eq!(done.session.aal(), Aal::One);
    assert!(!house.alive(&old.token).await && house.alive(&done.token).await);
    assert!(!house.signs_in(EMAIL, WORD).await && house.signs_in(EMAIL, NEW).await);
    assert_eq!(house.told("recovered").await, 1);
    let names: Vec<_> =
        house.events(done.session.account()).await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names[..4], ["factor-proven", "sign-in", "sign-in", "recovery"].map(str::to_owned)[..]);
}

/// NIST SP 800-63B-4 section 4.2.2.2, ATTACKS 92: who holds the phone number alone waits.
#[tokio::test]
async fn one_confirmation_waits_where_two_are_asked_for() {
    let house = house();
    let old = house.person(PHONE).await;
    let account = old.session.account();
    let next = house.recovering(PHONE, &[]).await;
    assert_eq!((next.duty, next.delay, offered(&next)), (None, Some(HOURS_72), vec![]));
    house.outbox.clear();
    let why = refused(house.visit.wait(&next.flow).await.unwrap());
    assert_eq!((why.code.as_str(), why.retry_after), ("recovery_waits", Some(HOURS_72)));
    assert_eq!(house.told("recovery-waits").await, 1);
    house.hands.advance(3600);
    let next = house.recovering(PHONE, &[]).await;
    assert_eq!(next.delay, Some(HOURS_72 - Duration::from_secs(3600)), "asking again begins nothing anew");
    let why = refused(house.visit.wait(&next.flow).await.unwrap());
    assert_eq!(why.retry_after, next.delay);
    assert_eq!(house.told("recovery-waits").await, 1);
    assert_eq!(said(&house.answer(&next.flow, Password::word(NEW)).await), "not_offered");
    house.hands.advance_by(HOURS_72 - Duration::from_secs(3601));
    assert_eq!(house.recovering(PHONE, &[]).await.duty, None, "a second too early");
    house.hands.advance(61);
    let next = house.recovering(PHONE, &[]).await;
    assert_eq!(next.duty, Some(Duty::Replace));
    let done = ended(house.answer(&next.flow, Password::word(NEW)).await);
    assert!(!house.alive(&old.token).await);
    assert!(house.signs_in(PHONE, NEW).await);
    assert_eq!(house.auth.recoveries(account).await.unwrap(), [], "it is used up");
    drop(done);
    assert_eq!(house.recovering(PHONE, &[]).await.delay, Some(HOURS_72));
}

/// ATTACKS 92: what the mailbox has waited for, with every contact warned of it, a number that was given to a new SIM
/// does not reap.
#[tokio::test]
async fn each_address_waits_for_itself() {
    let house = house();
    let owner = house.person(PHONE).await;
    let owner = ended(house.contact(&owner.token, EMAIL, None).await);
    let account = owner.session.account();
    house.hands.advance_by(HOURS_72);
    let next = house.recovering(EMAIL, &[]).await;
    assert_eq!(said(&house.visit.wait(&next.flow).await.unwrap()), "recovery_waits");
    house.hands.advance_by(HOURS_72);
    house.outbox.clear();
    let next = house.recovering(PHONE, &[]).await;
    assert_eq!((next.duty, next.delay), (None, Some(HOURS_72)));
    assert_eq!(said(&house.answer(&next.flow, Password::word(NEW)).await), "not_offered");
    // It begins its own time, which every contact is told of, and takes nothing from the other.
    assert_eq!(said(&house.visit.wait(&next.flow).await.unwrap()), "recovery_waits");
    assert_eq!(house.told("recovery-waits").await, 2);
    let by: Vec<_> = house.auth.recoveries(account).await.unwrap().into_iter().map(|one| one.by).collect();
    assert_eq!(by.iter().map(|by| by.as_str()).collect::<Vec<_>>(), [EMAIL, PHONE]);
    // A link in a notice stops all: a stranger may hold two addresses.
    let link = house.link("recovery-waits").await;
    let done = house.auth.visit(Client::unknown()).object(&link).await.unwrap();
    assert_eq!(format!("{done:?}"), "To(StopRecovery)");
    let stopped: Vec<_> =
        house.auth.recoveries(account).await.unwrap().into_iter().map(|one| one.stopped).collect();
    assert_eq!(stopped, [true, true]);
}

/// Each begins its own, and ends it where nobody objects.
#[tokio::test]
async fn one_that_has_waited_is_finished_beside_another() {
    let house = house();
    let owner = house.person(PHONE).await;
    let owner = ended(house.contact(&owner.token, EMAIL, None).await);
    house.hands.advance_by(HOURS_72);
    for contact in [EMAIL, PHONE] {
        let next = house.recovering(contact, &[]).await;
        assert_eq!(said(&house.visit.wait(&next.flow).await.unwrap()), "recovery_waits");
        house.hands.advance(3600);
    }
    house.hands.advance_by(HOURS_72 - Duration::from_secs(7200));
    assert_eq!(house.recovering(PHONE, &[]).await.duty, None);
    let next = house.recovering(EMAIL, &[]).await;
    assert_eq!(next.duty, Some(Duty::Replace));
    let _ = ended(house.answer(&next.flow, Password::word(NEW)).await);
    assert_eq!(house.auth.recoveries(owner.session.account()).await.unwrap(), []);
    assert!(house.signs_in(EMAIL, NEW).await);
}

/// Who waits by an address that its owner takes away waits for nothing, and by the link in that address's own notice
/// brings back the address alone.
#[tokio::test]
async fn a_wait_goes_with_its_address() {
    let house = house();
    let owner = house.person(PHONE).await;
    let _ = ended(house.contact(&owner.token, EMAIL, None).await);
    house.hands.advance_by(HOURS_72);
    let next = house.recovering(EMAIL, &[]).await;
    assert_eq!(said(&house.visit.wait(&next.flow).await.unwrap()), "recovery_waits");
    let owner = house.signed(PHONE).await;
    let account = owner.session.account();
    let all = house.auth.contacts(account).await.unwrap();
    let id = all.iter().find(|one| one.address.as_str() == EMAIL).unwrap().id;
    let step = house.visit.remove_contact(&owner.token, id).await.unwrap();
    let _ = ended(house.proving(step).await);
    assert_eq!(house.auth.recoveries(account).await.unwrap(), []);
    let link = house.last("contact-removed").await.unwrap();
    let link = link.param("objection").unwrap().split_once("?o=").unwrap().1.to_owned();
    let undone = house.auth.visit(Client::unknown()).object(&link).await.unwrap();
    assert_eq!(format!("{undone:?}"), "To(UndoContact)");
    house.hands.advance_by(HOURS_72);
    let next = house.recovering(EMAIL, &[]).await;
    assert_eq!((next.duty, next.delay), (None, Some(HOURS_72)));
}

/// A session is in all of the account: what it stops is all that waits.
#[tokio::test]
async fn a_session_stops_whatever_waits() {
    let house = house();
    let owner = house.person(PHONE).await;
    let _ = ended(house.contact(&owner.token, EMAIL, None).await);
    house.hands.advance_by(HOURS_72);
    let owner = house.signed(PHONE).await;
    for contact in [EMAIL, PHONE] {
        house.hands.advance(61);
        let next = house.recovering(contact, &[]).await;
        assert_eq!(said(&house.visit.wait(&next.flow).await.unwrap()), "recovery_waits");
    }
    assert!(house.visit.stop_recovery(&owner.session).await.unwrap().is_done());
    for contact in [EMAIL, PHONE] {
        house.hands.advance(61);
        let next = house.recovering(contact, &[]).await;
        assert_eq!(said(&house.visit.wait(&next.flow).await.unwrap()), "recovery_stopped");
    }
}

#[tokio::test]
async fn a_delay_that_is_over_opens_nothing() {
    let house = house();
    let _ = house.person(PHONE).await;
    let next = house.recovering(PHONE, &[]).await;
    let _ = house.visit.wait(&next.flow).await.unwrap();
    house.hands.advance_by(HOURS_72 + Duration::from_secs(7 * 24 * 3600));
    let next = house.recovering(PHONE, &[]).await;
    assert_eq!((next.duty, next.delay), (None, Some(HOURS_72)));
}

#[tokio::test]
async fn a_session_stops_it_and_no_other_begins_at_once() {
    let house = house();
    let owner = house.person(PHONE).await;
    let next = house.recovering(PHONE, &[]).await;
    let _ = house.visit.wait(&next.flow).await.unwrap();
    assert!(house.visit.stop_recovery(&owner.session).await.unwrap().is_done());
    assert!(!house.visit.stop_recovery(&owner.session).await.unwrap().is_done(), "once");
    assert_eq!(house.told("recovery-stopped").await, 1);
    house.hands.advance_by(HOURS_72 - Duration::from_secs(60));
    let next = house.recovering(PHONE, &[]).await;
    assert_eq!((next.duty, next.delay), (None, None));
    assert_eq!(said(&house.visit.wait(&next.flow).await.unwrap()), "recovery_stopped");
    assert_eq!(house.told("recovery-waits").await, 1);
    house.hands.advance(3600);
    let next = house.recovering(PHONE, &[]).await;
    assert_eq!(next.delay, Some(HOURS_72), "the bar is over");
}

#[tokio::test]
async fn a_link_in_the_notice_stops_it_from_anywhere() {
    let house = house();
    let owner = house.person(PHONE).await;
    let next = house.recovering(PHONE, &[]).await;
    let _ = house.visit.wait(&next.flow).await.unwrap();
    let link = house.link("recovery-waits").await;
    let stranger = house.auth.visit(Client::unknown());
    for _ in 0..3 {
        let looked = stranger.objection(&link).await.unwrap();
        assert_eq!(format!("{looked:?}"), "To(StopRecovery)");
    }
    let stopped = async || house.auth.recoveries(owner.session.account()).await.unwrap()[0].stopped;
    assert!(!stopped().await, "looking stops nothing");
    let done = stranger.object(&link).await.unwrap();
    assert_eq!(format!("{done:?}"), "To(StopRecovery)");
    assert!(stopped().await);
    for wrong in [link.as_str(), "", "AAAA", &link[1..], &format!("{link}A"), &link.replace('A', "B")] {
        let again = stranger.object(wrong).await.unwrap();
        assert!(format!("{again:?}").contains("Link"), "{wrong}: {again:?}");
    }
}

#[tokio::test]
async fn a_second_factor_that_is_left_is_asked_for() {
    let house = house();
    let owner = house.person(PHONE).await;
    let (key, owner) = house.device(&owner.token).await;
    house.hands.advance(60);
    let next = house.recovering(PHONE, &[]).await;
    assert_eq!((offered(&next), next.delay), (vec!["totp"], Some(HOURS_72)));
    let next = pending(house.answer(&next.flow, house.now(&key)).await);
    assert_eq!(next.duty, Some(Duty::Replace));
    let done = ended(house.answer(&next.flow, Password::word(NEW)).await);
    assert_eq!(done.session.aal(), Aal::Two);
    assert!(!house.alive(&owner.token).await);
    house.hands.advance(60);
    let next = pending(house.visit.sign_in().with(PHONE, Password::word(NEW)).await.unwrap());
    assert!(offered(&next).contains(&"totp"), "what was not lost stays");
}

#[tokio::test]
async fn a_backup_code_is_a_confirmation_by_another_method() {
    let house = house();
    let owner = house.person(PHONE).await;
    let (codes, _) = add_codes(&house.visit, &owner.token, WORD, async || house.code().await).await;
    let next = house.recovering(PHONE, &[]).await;
    let next = pending(house.answer(&next.flow, BackupCodes::code(&codes[0])).await);
    assert_eq!(next.duty, Some(Duty::Replace));
    let _ = ended(house.answer(&next.flow, Password::word(NEW)).await);
}

/// G3: the password is known, the device is gone.
#[tokio::test]
async fn a_lost_device_is_revoked_at_once_and_proves_nothing_more() {
    let house = house();
    let owner = house.person(PHONE).await;
    let (key, owner) = house.device(&owner.token).await;
    house.hands.advance(60);
    let next = house.recovering(PHONE, &[Totp::NAME]).await;
    assert_eq!(offered(&next), ["password"]);
    assert_eq!(said(&house.answer(&next.flow, house.now(&key)).await), "not_offered");
    let done = ended(house.answer(&next.flow, Password::word(WORD)).await);
    assert!(!house.alive(&owner.token).await, "whoever has the device is out");
    assert_eq!(done.session.aal(), Aal::Two);
    let held = house.auth.credentials(done.session.account()).await.unwrap();
    assert!(held.iter().all(|one| one.factor != Totp::NAME));
    assert!(house.signs_in(PHONE, WORD).await, "the password was not lost");
}

#[tokio::test]
async fn two_addresses_confirm_for_each_other() {
    let house = house();
    let owner = house.person(PHONE).await;
    let owner = ended(house.contact(&owner.token, EMAIL, None).await);
    house.hands.advance_by(HOURS_72);
    for (first, second, word) in [(EMAIL, SMS, NEW), (PHONE, MAIL, "Третьи слова подряд 8")]
    {
        let next = house.recovering(first, &[]).await;
        assert_eq!(offered(&next), [second.as_str()], "not the same twice");
        house.outbox.clear();
        let next = pending(house.by(&next, &second).await);
        assert_eq!(next.duty, Some(Duty::Replace));
        let done = ended(house.answer(&next.flow, Password::word(word)).await);
        let all = house.outbox.all(&house.auth).await;
        let told = all.iter().filter(|message| message.template.as_str() == "recovered");
        assert_eq!(
            told.map(|message| message.to.as_str()).collect::<Vec<_>>().len(),
            2,
            "every contact is told"
        );
        assert_eq!(done.session.account(), owner.session.account());
    }
}

/// One message goes to what was typed, and the screen says the same.
#[tokio::test]
async fn an_address_that_nobody_has_looks_the_same() {
    let house = house();
    let _ = house.person(EMAIL).await;
    house.outbox.clear();
    let mut shapes = Vec::new();
    for contact in [EMAIL, "nobody@example.org"] {
        let next = pending(house.visit.recover().start(contact).await.unwrap());
        let begun = next.begun.clone().unwrap();
        shapes.push((offered(&next).join(","), begun.0, begun.1.as_json().len(), next.expires_in));
        assert_eq!(said(&house.answer(&next.flow, Code::typed(MAIL, "000000")).await), "wrong");
    }
    assert_eq!(shapes[0], shapes[1]);
    let all = house.outbox.all(&house.auth).await;
    let sent: Vec<_> = all.iter().map(|one| (one.to.as_str(), one.template.as_str())).collect();
    assert_eq!(sent, [(EMAIL, "code-email"), ("nobody@example.org", "recovery-unknown")]);
    assert_eq!(all[1].param("code"), None);
}

#[tokio::test]
async fn a_disabled_account_recovers_nothing() {
    let house = house();
    let owner = house.person(EMAIL).await;
    let account = owner.session.account();
    let next = house.recovering(EMAIL, &[]).await;
    house.auth.disable(account, &Client::unknown()).await.unwrap();
    assert_eq!(said(&house.answer(&next.flow, Password::word(NEW)).await), "stale");
    house.outbox.clear();
    let next = pending(house.visit.recover().start(EMAIL).await.unwrap());
    assert_eq!(said(&house.answer(&next.flow, Code::typed(MAIL, "000000")).await), "wrong");
    assert_eq!(house.told("recovery-unknown").await, 1);
    house.auth.enable(account, &Client::unknown()).await.unwrap();
    assert!(!house.signs_in(EMAIL, NEW).await);
}

/// ATTACKS 25: a flow of another kind, or of another person, brings nobody to a new password.
#[tokio::test]
async fn only_what_was_proven_in_this_flow_counts() {
    let house = house();
    let _ = house.person(EMAIL).await;
    let next = pending(house.visit.recover().start(EMAIL).await.unwrap());
    let code = house.code().await;
    let other = pending(house.visit.recover().start("other@example.org").await.unwrap());
    assert_eq!(said(&house.answer(&other.flow, Code::typed(MAIL, &code)).await), "wrong");
    assert_eq!(said(&house.answer(&next.flow, Password::word(NEW)).await), "not_offered");
    assert_eq!(said(&house.answer(&next.flow, Password::word(WORD)).await), "not_offered");
    let sign_in = pending(house.visit.sign_in().start(EMAIL).await.unwrap());
    assert_eq!(said(&house.visit.wait(&sign_in.flow).await.unwrap()), "not_offered");
}

/// ATTACKS 54: the first recovery that ends is the end of all others, however far they were; each code has its time.
#[tokio::test]
async fn the_first_recovery_that_ends_is_the_last() {
    let house = house();
    let _ = house.person(EMAIL).await;
    let first = house.recovering(EMAIL, &[]).await;
    house.hands.advance(61);
    let second = house.recovering(EMAIL, &[]).await;
    house.hands.advance(61);
    let third = pending(house.visit.recover().start(EMAIL).await.unwrap());
    let code = house.code().await;
    let _ = ended(house.answer(&second.flow, Password::word(NEW)).await);
    let late = house.answer(&first.flow, Password::word("И третьи слова 77")).await;
    assert_eq!(said(&late), "stale");
    let next = pending(house.answer(&third.flow, Code::typed(MAIL, &code)).await);
    let late = house.answer(&next.flow, Password::word("И третьи слова 77")).await;
    assert_eq!(said(&late), "stale");
    assert!(!house.signs_in(EMAIL, WORD).await && house.signs_in(EMAIL, NEW).await);

    house.hands.advance(61);
    let slow = pending(house.visit.recover().start(EMAIL).await.unwrap());
    let code = house.code().await;
    house.hands.advance(301);
    assert_eq!(said(&house.answer(&slow.flow, Code::typed(MAIL, &code)).await), "expired");
}

/// ATTACKS 11, D6: the owner gets in although strangers have spent the guard, and it is whole again.
#[tokio::test]
async fn a_spent_guard_is_whole_after_a_recovery() {
    let house = house();
    let _ = house.person(EMAIL).await;
    let stranger = house.auth.visit(Client::unknown());
    for _ in 0..60 {
        let _ = stranger.sign_in().with(EMAIL, Password::word("wrong")).await.unwrap();
        house.hands.advance(3600);
    }
    let step = stranger.sign_in().with(EMAIL, Password::word(WORD)).await.unwrap();
    assert_eq!(said(&step), "spent");
    let next = house.recovering(EMAIL, &[]).await;
    let _ = ended(house.answer(&next.flow, Password::word(NEW)).await);
    assert!(house.signs_in(EMAIL, NEW).await);
}

/// D6: who locked it gets in again by recovering, and by nothing else; what the desk locked the desk opens.
#[tokio::test]
async fn an_owners_lock_is_lifted_by_a_recovery_and_the_desks_is_not() {
    let house = house();
    let owner = house.person(EMAIL).await;
    let account = owner.session.account();
    assert!(house.visit.lock(&owner.session).await.unwrap().is_done());
    assert!(!house.alive(&owner.token).await && !house.signs_in(EMAIL, WORD).await);
    let next = house.recovering(EMAIL, &[]).await;
    let done = ended(house.answer(&next.flow, Password::word(NEW)).await);
    assert!(house.alive(&done.token).await && house.signs_in(EMAIL, NEW).await);
    assert_eq!(house.auth.account(account).await.unwrap().unwrap().lock, None);
    house.auth.lock(account, LockReason::Desk, &Client::unknown()).await.unwrap();
    house.hands.advance(3600);
    let next = pending(house.visit.recover().start(EMAIL).await.unwrap());
    assert_eq!(said(&house.answer(&next.flow, Code::typed(MAIL, "000000")).await), "wrong");
    let code = house.code().await;
    assert_eq!(said(&house.answer(&next.flow, Code::typed(MAIL, &code)).await), "locked");
    assert!(house.auth.account(account).await.unwrap().unwrap().lock.is_some());
}

/// A6: who forgot the password comes back to a closed account in time, and says that it shall be open.
#[tokio::test]
async fn an_account_that_is_being_closed_is_recovered_and_then_opened_again() {
    let house = house();
    let owner = house.person(EMAIL).await;
    let Closing::Prove(step) = house.visit.close(&owner.token).await.unwrap() else {
        panic!("closed at once")
    };
    let next = pending(house.answer(&pending(step).flow, Password::word(WORD)).await);
    let proven = ended(house.by(&next, &MAIL).await);
    assert!(matches!(house.visit.close(&proven.token).await.unwrap(), Closing::Closed { .. }));
    house.hands.advance(3600);
    let next = house.recovering(EMAIL, &[]).await;
    let next = pending(house.answer(&next.flow, Password::word(NEW)).await);
    assert_eq!(next.duty, Some(Duty::Reopen));
    let done = ended(house.visit.reopen(&next.flow).await.unwrap());
    assert!(house.alive(&done.token).await && house.signs_in(EMAIL, NEW).await);
}

/// D6, ATTACKS 18: the lock is looked at in each step, not only in the first.
#[tokio::test]
async fn a_lock_of_the_desk_between_two_steps_stands() {
    for waits in [false, true] {
        let house = house();
        let contact = if waits { PHONE } else { EMAIL };
        let owner = house.person(contact).await;
        let account = owner.session.account();
        let next = house.recovering(contact, &[]).await;
        house.auth.lock(account, LockReason::Desk, &Client::unknown()).await.unwrap();
        let step = match waits {
            true => house.visit.wait(&next.flow).await.unwrap(),
            false => house.answer(&next.flow, Password::word(NEW)).await,
        };
        assert_eq!(said(&step), "locked");
        assert!(house.auth.account(account).await.unwrap().unwrap().lock.is_some());
        assert_eq!(house.auth.recoveries(account).await.unwrap(), []);
    }
}

/// Whoever holds the mailbox may be one of those who know it.
#[tokio::test]
async fn a_password_that_others_know_is_no_second_confirmation() {
    let house = house();
    let owner = house.person(PHONE).await;
    let (_, owner) = house.device(&owner.token).await;
    house.hands.advance(3600);
    assert!(
        Password::mark_compromised(&house.auth, owner.session.account(), &Client::unknown())
            .await
            .unwrap()
            .is_done()
    );
    let next = house.recovering(PHONE, &[Totp::NAME]).await;
    assert_eq!((offered(&next), next.delay), (vec![], Some(HOURS_72)));
    assert_eq!(said(&house.answer(&next.flow, Password::word(WORD)).await), "not_offered");
}

/// Whoever waits does not lift by it the lock that is to stop them.
#[tokio::test]
async fn a_lock_ends_a_recovery_that_waits() {
    let house = house();
    let owner = house.person(PHONE).await;
    let account = owner.session.account();
    let next = house.recovering(PHONE, &[]).await;
    let _ = house.visit.wait(&next.flow).await.unwrap();
    assert!(house.visit.lock(&owner.session).await.unwrap().is_done());
    assert_eq!(house.auth.recoveries(account).await.unwrap(), []);
    house.hands.advance_by(HOURS_72);
    let next = house.recovering(PHONE, &[]).await;
    assert_eq!((next.duty, next.delay), (None, Some(HOURS_72)));
    // It is no bar for the owner, who may have lost a factor.
    assert_eq!(said(&house.visit.wait(&next.flow).await.unwrap()), "recovery_waits");
}

/// Strangers who use up an account's guesses shut its owner out of every browser that is not known, and out of recovery:
/// the desk lets them in again.
#[tokio::test]
async fn the_desk_forgets_what_strangers_tried() {
    let house = house();
    let owner = house.person(EMAIL).await;
    let guess = async || -> &'static str {
        let Step::Pending(next) = house.visit.recover().start(EMAIL).await.unwrap() else { return "held" };
        let mut told = "";
        for _ in 0..5 {
            told = said(&house.answer(&next.flow, Code::typed(MAIL, "000000")).await);
        }
        told
    };
    for _ in 0..100 {
        if guess().await == "spent" {
            break;
        }
        house.hands.advance(3600);
    }
    assert_eq!(guess().await, "spent");
    let lost = pending(house.visit.recover().start(EMAIL).await.unwrap());
    let code = house.code().await;
    assert_eq!(said(&house.answer(&lost.flow, Code::typed(MAIL, &code)).await), "spent", "the right one too");
    assert!(
        !house.auth.unlock(owner.session.account(), &Client::unknown()).await.unwrap().is_done(),
        "no lock"
    );
    house.hands.advance(60);
    let next = house.recovering(EMAIL, &[]).await;
    assert_eq!(next.duty, Some(Duty::Replace));
}
