//! Contacts: added, changed, taken away, undone.

use std::time::Duration;

use propusk::auth::import::{Import, Imported};
use propusk::clock::SystemEntropy;
use propusk::flow::Duty;
use propusk::hash::{Hashed, Lane};
use propusk::id::CredentialId;
use propusk::secret::Secret;
use propusk::{Client, MemoryStore, Profile, Totp};

use super::*;
use crate::portal::{EMAIL, PHONE, WORD};

const OTHER: &str = "ivan.petrov@example.net";
const THIRD: &str = "ivan.third@example.net";
const SECOND: &str = "+79160000078";
const HOLD: Duration = Duration::from_secs(72 * 3600);

fn house() -> House {
    House::new(Profile::public_portal())
}

impl House {
    /// The main ones.
    async fn mains(&self, of: AccountId) -> Vec<String> {
        let all = self.auth.contacts(of).await.unwrap();
        all.into_iter().filter(|one| one.main).map(|one| one.address.as_str().to_owned()).collect()
    }

    async fn id(&self, of: AccountId, address: &str) -> CredentialId {
        let all = self.auth.contacts(of).await.unwrap();
        all.iter().find(|one| one.address.as_str() == address).unwrap().id
    }

    /// Makes it the main one, proving what is asked for.
    async fn prefers(&self, session: &Token, address: &str) -> Step {
        let mine = self.auth.session(session).await.unwrap().unwrap().account();
        let step = self.visit.prefer_contact(session, self.id(mine, address).await).await.unwrap();
        self.proving(step).await
    }

    /// Where a code goes when a session asks for one by SMS.
    async fn code_goes_to(&self, session: &Token) -> String {
        self.hands.advance(3600);
        let next = pending(self.visit.enrol(session, Totp::NAME).await.unwrap());
        let next = match offered(&next).contains(&"password") {
            true => pending(self.answer(&next.flow, Password::word(WORD)).await),
            false => next,
        };
        let _ = pending(self.visit.begin(&next.flow, &SMS).await.unwrap());
        self.last("code-sms").await.unwrap().to.as_str().to_owned()
    }
}

#[tokio::test]
async fn a_new_address_is_proven_before_it_counts() {
    let house = house();
    let owner = house.person(PHONE).await;
    let account = owner.session.account();
    let next = pending(house.visit.add_contact(&owner.token, EMAIL, None).await.unwrap());
    assert_eq!(next.duty, None, "first what one has");
    let next = pending(house.answer(&next.flow, Password::word(WORD)).await);
    let next = pending(house.by(&next, &SMS).await);
    assert_eq!((next.duty, offered(&next)), (Some(Duty::Confirm), vec!["email-code"]));
    let begun = pending(house.visit.begin(&next.flow, &MAIL).await.unwrap());
    assert_eq!(house.contacts(account).await, [PHONE]);
    assert_eq!(said(&house.answer(&begun.flow, Code::typed(MAIL, "000000")).await), "wrong");
    let code = house.code().await;
    house.outbox.clear();
    let done = ended(house.answer(&begun.flow, Code::typed(MAIL, &code)).await);
    assert!(!house.alive(&owner.token).await && house.alive(&done.token).await);
    assert_eq!(house.contacts(account).await, [PHONE, EMAIL]);
    assert!(house.signs_in(EMAIL, WORD).await && house.signs_in(PHONE, WORD).await);
    let all = house.outbox.all(&house.auth).await;
    let told: Vec<_> = all.iter().filter(|one| one.template.as_str() == "contact-added").collect();
    assert_eq!(told.iter().map(|one| one.to.as_str()).collect::<Vec<_>>(), [PHONE], "the old ones are told");
}

#[tokio::test]
async fn a_change_is_undone_by_the_old_address() {
    let house = house();
    let owner = house.person(EMAIL).await;
    let account = owner.session.account();
    let changed = ended(house.contact(&owner.token, OTHER, Some(EMAIL)).await);
    assert_eq!(house.contacts(account).await, [OTHER]);
    let link = house.link("contact-changed").await;
    assert!(!house.signs_in(EMAIL, WORD).await && house.signs_in(OTHER, WORD).await);
    // The new address, a short while old, recovers nothing.
    house.outbox.clear();
    let _ = house.visit.recover().start(OTHER).await.unwrap();
    assert_eq!(house.told("recovery-unknown").await, 1);
    house.outbox.clear();
    let taken = house.visit.sign_up(EMAIL, "Пётр", "2026-01").await.unwrap();
    let next = pending(taken);
    let code = house.code().await;
    let next = pending(house.answer(&next.flow, Code::typed(MAIL, &code)).await);
    let end = house.answer(&next.flow, Password::word(NEW)).await;
    assert_eq!(said(&end), "taken", "nobody else gets the old name meanwhile");
    let all = house.outbox.all(&house.auth).await;
    assert!(all.iter().any(|one| one.to.as_str() == EMAIL));
    let stranger = house.auth.visit(Client::unknown());
    assert_eq!(format!("{:?}", stranger.object(&link).await.unwrap()), "To(UndoContact)");
    assert!(!house.alive(&changed.token).await);
    assert_eq!(house.contacts(account).await, [EMAIL]);
    assert!(house.signs_in(EMAIL, WORD).await && !house.signs_in(OTHER, WORD).await);
    let again = stranger.object(&link).await.unwrap();
    assert!(format!("{again:?}").contains("Link"), "once: {again:?}");
}

#[tokio::test]
async fn nothing_is_undone_after_the_hold() {
    let house = house();
    let owner = house.person(EMAIL).await;
    let changed = ended(house.contact(&owner.token, OTHER, Some(EMAIL)).await);
    let link = house.link("contact-changed").await;
    house.hands.advance_by(HOLD);
    let late = house.auth.visit(Client::unknown()).object(&link).await.unwrap();
    assert!(format!("{late:?}").contains("Link"), "{late:?}");
    assert_eq!(house.contacts(changed.session.account()).await, [OTHER]);
    let next = house.recovering(OTHER, &[]).await;
    assert_eq!(next.duty, Some(Duty::Replace), "and the new one recovers");
}

#[tokio::test]
async fn the_last_contact_stays_and_another_goes() {
    let house = house();
    let owner = house.person(PHONE).await;
    let account = owner.session.account();
    let only = house.auth.contacts(account).await.unwrap()[0].id;
    assert_eq!(said(&house.visit.remove_contact(&owner.token, only).await.unwrap()), "last_factor");
    let owner = ended(house.contact(&owner.token, EMAIL, None).await);
    let next = pending(house.visit.remove_contact(&owner.token, only).await.unwrap());
    let next = pending(house.answer(&next.flow, Password::word(WORD)).await);
    let done = ended(house.by(&next, &SMS).await);
    assert_eq!(house.contacts(account).await, [EMAIL]);
    assert!(!house.alive(&owner.token).await && house.alive(&done.token).await);
    assert!(!house.signs_in(PHONE, WORD).await);
}

/// Where codes by SMS were given up, a number can still be taken away: who has it next would read what is told there.
#[tokio::test]
async fn an_address_that_no_code_goes_to_any_more_can_go() {
    let store = MemoryStore::default();
    let house = House::over(&store, Profile::public_portal());
    let owner = house.person(PHONE).await;
    let owner = ended(house.contact(&owner.token, EMAIL, None).await);
    let (key, _) = house.device(&owner.token).await;
    house.hands.advance_by(HOLD);
    let owner = house.signed(PHONE).await;
    house.hands.advance(3600);
    let without = portal::portal(&store, Profile::public_portal())
        .clock(house.hands.clone())
        .sender(house.outbox.clone())
        .factor(Password::default())
        .factor(Totp::default())
        .factor(Code::email())
        .build()
        .unwrap();
    let (account, visit) = (owner.session.account(), without.visit(Client::unknown()));
    let taken_away = visit.remove_contact(&owner.token, house.id(account, PHONE).await).await.unwrap();
    let mut next = pending(taken_away);
    assert_eq!(house.contacts(account).await, [PHONE, EMAIL], "as much is proven as for a sign-in");
    next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    let owner = ended(visit.answer(&next.flow, house.now(&key)).await.unwrap());
    assert_eq!(house.contacts(account).await, [EMAIL]);
    let added = visit.add_contact(&owner.token, SECOND, None).await.unwrap();
    assert_eq!(said(&added), "contact_kind", "nothing could confirm it");
}

/// A login name that was there before it became a contact is one afterwards: else it would be free for anybody at once.
#[tokio::test]
async fn undoing_a_contact_leaves_the_name_that_it_was() {
    let house = house();
    let hash = match house.auth.hashes().hash(Lane::Known, Secret::new(WORD), &SystemEntropy).await.unwrap() {
        Hashed::Done(hash) => hash.into(),
        busy @ Hashed::Busy { .. } => panic!("{busy:?}"),
    };
    let import = Import::new("Иван").unwrap().credential(Password::imported(hash).unwrap()).unwrap();
    let import = import.verified_contact(SECOND).unwrap().identifier(EMAIL).unwrap();
    let Imported::Made(account) = house.auth.import(&import, &Client::unknown()).await.unwrap() else {
        panic!("not made")
    };
    let session = house.signed(SECOND).await;
    let _ = ended(house.contact(&session.token, EMAIL, None).await);
    assert_eq!(house.contacts(account).await, [SECOND, EMAIL]);
    undo(&house, &house.link("contact-added").await).await;
    assert_eq!(house.contacts(account).await, [SECOND]);
    assert!(house.signs_in(EMAIL, WORD).await, "it was a login name before");
    let next = pending(house.visit.recover().start(EMAIL).await.unwrap());
    assert_eq!(house.told("recovery-unknown").await, 1, "and recovers nothing, as before");
    drop(next);

    // Taken away before the first change is undone, it is one all the same.
    house.hands.advance(3600);
    let session = house.signed(SECOND).await;
    let session = ended(house.contact(&session.token, EMAIL, None).await);
    let link = house.link("contact-added").await;
    house.hands.advance(3600);
    let id = house.id(account, EMAIL).await;
    let step = house.visit.remove_contact(&session.token, id).await.unwrap();
    let _ = ended(house.proving(step).await);
    assert!(house.signs_in(EMAIL, WORD).await);
    undo(&house, &link).await;
    assert!(house.signs_in(EMAIL, WORD).await);
}

#[tokio::test]
async fn an_address_of_another_account_is_told_only_to_who_holds_it() {
    let house = house();
    let _ = house.person(EMAIL).await;
    let owner = house.person(PHONE).await;
    let end = house.contact(&owner.token, EMAIL, None).await;
    assert_eq!(said(&end), "taken");
    assert!(house.alive(&owner.token).await);
    assert_eq!(house.contacts(owner.session.account()).await, [PHONE]);
}

/// Of two phones one is the main one: it gets the codes for which nobody typed an address. An address that settles does not
/// become it; all are told, and the other sessions end.
#[tokio::test]
async fn the_main_one_of_its_kind_gets_the_codes() {
    let house = house();
    let owner = house.person(PHONE).await;
    let account = owner.session.account();
    let owner = ended(house.contact(&owner.token, EMAIL, None).await);
    house.hands.advance(60);
    let owner = ended(house.contact(&owner.token, SECOND, None).await);
    assert_eq!(
        house.mains(account).await,
        [PHONE, EMAIL],
        "the oldest of each kind, until one says otherwise"
    );
    let step = house.prefers(&owner.token, SECOND).await;
    assert_eq!(said(&step), "not_offered", "one that settles is not sent the codes of the others");
    house.hands.advance_by(HOLD);
    let elsewhere = house.signed(PHONE).await;
    house.hands.advance(60);
    let owner = house.signed(PHONE).await;
    assert_eq!(said(&house.prefers(&owner.token, PHONE).await), "not_offered", "it is the main one");
    assert_eq!(house.code_goes_to(&owner.token).await, PHONE);
    house.outbox.clear();
    let done = ended(house.prefers(&owner.token, SECOND).await);
    assert_eq!(house.mains(account).await, [EMAIL, SECOND]);
    assert_eq!(house.contacts(account).await, [PHONE, EMAIL, SECOND], "nothing else is changed");
    assert_eq!(house.code_goes_to(&done.token).await, SECOND);
    assert!(!house.alive(&owner.token).await && !house.alive(&elsewhere.token).await);
    assert!(house.signs_in(PHONE, WORD).await, "it still signs in");
    let all = house.outbox.all(&house.auth).await;
    let told = all.iter().filter(|one| one.template.as_str() == "contact-preferred");
    let mut told: Vec<_> = told.map(|one| one.to.as_str()).collect();
    told.sort_unstable();
    assert_eq!(told, [SECOND, PHONE, EMAIL]);
    let events = house.events(account).await;
    let (_, details) = events.iter().find(|(name, _)| name == "contact-preferred").unwrap();
    assert!(details["main"].ends_with("78") && details["kind"] == "phone", "{details:?}");
    // By password alone nobody chooses.
    house.hands.advance(3600);
    let next =
        pending(house.visit.prefer_contact(&done.token, house.id(account, PHONE).await).await.unwrap());
    let next = pending(house.answer(&next.flow, Password::word(WORD)).await);
    assert_eq!(offered(&next), ["sms-code", "email-code"]);
    assert_eq!(house.mains(account).await, [EMAIL, SECOND]);
}

/// In the place of the main one comes the alternate, not what has just been put there; undone, it is the main one again.
#[tokio::test]
async fn a_new_address_does_not_become_the_main_one_by_taking_its_place() {
    let house = house();
    let owner = house.person(PHONE).await;
    let account = owner.session.account();
    let _ = ended(house.contact(&owner.token, SECOND, None).await);
    house.hands.advance_by(HOLD);
    let owner = house.signed(PHONE).await;
    let owner = ended(house.contact(&owner.token, "+79160000079", Some(PHONE)).await);
    assert_eq!(house.mains(account).await, [SECOND]);
    assert_eq!(house.code_goes_to(&owner.token).await, SECOND);
    let link = house.link("contact-changed").await;
    let undone = house.auth.visit(Client::unknown()).object(&link).await.unwrap();
    assert_eq!(format!("{undone:?}"), "To(UndoContact)");
    assert_eq!(house.mains(account).await, [PHONE]);
}

/// ATTACKS 39: of two changes under way, the code to one address never confirms the other.
#[tokio::test]
async fn each_change_carries_the_address_that_it_proves() {
    let house = house();
    let owner = house.person(PHONE).await;
    let mut flows = Vec::new();
    for address in [EMAIL, OTHER] {
        let next = pending(house.visit.add_contact(&owner.token, address, None).await.unwrap());
        let next = pending(house.answer(&next.flow, Password::word(WORD)).await);
        house.hands.advance(60);
        let next = pending(house.by(&next, &SMS).await);
        let next = pending(house.visit.begin(&next.flow, &MAIL).await.unwrap());
        flows.push((next.flow.clone(), house.code().await));
    }
    assert_ne!(flows[0].1, flows[1].1);
    for (at, other) in [(0, 1), (1, 0)] {
        let step = house.answer(&flows[at].0, Code::typed(MAIL, &flows[other].1)).await;
        assert_eq!(said(&step), "wrong");
    }
    let done = ended(house.answer(&flows[1].0, Code::typed(MAIL, &flows[1].1)).await);
    assert_eq!(house.contacts(done.session.account()).await, [PHONE, OTHER]);
    let stale = house.answer(&flows[0].0, Code::typed(MAIL, &flows[0].1)).await;
    assert!(!matches!(stale, Step::Done(_)), "begun in a session that is gone: {stale:?}");
    assert_eq!(house.contacts(done.session.account()).await, [PHONE, OTHER]);
}

#[tokio::test]
async fn there_are_four_contacts_at_the_most() {
    let house = house();
    let mut owner = house.person(PHONE).await;
    for nth in 0..3 {
        owner = ended(house.contact(&owner.token, &format!("ivan{nth}@example.org"), None).await);
        house.hands.advance(60);
    }
    let step = house.visit.add_contact(&owner.token, EMAIL, None).await.unwrap();
    assert_eq!(said(&step), "not_offered");
    let step = house.visit.add_contact(&owner.token, PHONE, None).await.unwrap();
    assert_eq!(said(&step), "not_offered", "it is one already");
    for wrong in ["", "ivan", "ivan@", "+7916", "112-233-445 95"] {
        assert!(matches!(
            house.visit.add_contact(&owner.token, wrong, None).await.unwrap(),
            Step::Refused(_)
        ));
    }
}

/// A minute at an open screen is not an account for ever: the address that it left behind is told, and undoes nothing that
/// the owner does against it.
#[tokio::test]
async fn an_address_that_settles_gets_no_link_to_object_by() {
    let house = house();
    let owner = house.person(PHONE).await;
    let owner = ended(house.contact(&owner.token, OTHER, None).await);
    house.hands.advance(3600);
    house.outbox.deliver(&house.auth).await;
    house.outbox.clear();
    let owner = ended(house.contact(&owner.token, EMAIL, None).await);
    let all = house.outbox.all(&house.auth).await;
    let told = all.iter().filter(|one| one.template.as_str() == "contact-added");
    let links: Vec<_> = told.map(|one| (one.to.as_str(), one.param("objection").is_some())).collect();
    assert_eq!(links, [(PHONE, true), (OTHER, false)]);
    let next = house.recovering(PHONE, &[]).await;
    assert_eq!(said(&house.visit.wait(&next.flow).await.unwrap()), "recovery_waits");
    let all = house.outbox.all(&house.auth).await;
    let told = all.iter().filter(|one| one.template.as_str() == "recovery-waits");
    let links: Vec<_> = told.map(|one| (one.to.as_str(), one.param("objection").is_some())).collect();
    assert_eq!(links, [(PHONE, true), (OTHER, false), (EMAIL, false)]);
    assert!(house.alive(&owner.token).await);
}

/// An address that settles recovers nothing, and is no reason to ask for less: the account reaches what it reached.
#[tokio::test]
async fn a_change_of_the_phone_lowers_no_bar() {
    let house = house();
    let owner = house.person(PHONE).await;
    let owner = ended(house.contact(&owner.token, EMAIL, None).await);
    house.hands.advance_by(HOLD);
    let _ = owner;
    let session = house.signed(PHONE).await;
    let _ = ended(house.contact(&session.token, "+79160000077", Some(PHONE)).await);
    house.hands.advance(3600);
    let next = house.recovering(EMAIL, &[]).await;
    assert_eq!(
        (next.duty, next.delay, offered(&next)),
        (None, Some(HOLD), vec![]),
        "the mailbox alone is not enough"
    );
}

/// Whoever was in makes two changes, of which the owner hears of the first alone: their link undoes both.
#[tokio::test]
async fn a_chain_of_changes_is_undone_by_its_first_link() {
    let house = house();
    let owner = house.person(EMAIL).await;
    let account = owner.session.account();
    let theirs = ended(house.contact(&owner.token, OTHER, Some(EMAIL)).await);
    let link = house.link("contact-changed").await;
    house.hands.advance(60);
    house.outbox.clear();
    let theirs = ended(house.contact(&theirs.token, THIRD, Some(OTHER)).await);
    assert_eq!(house.contacts(account).await, [THIRD]);
    let told = house.last("contact-changed").await.unwrap();
    assert_eq!(told.to.as_str(), OTHER, "not the owner");
    undo(&house, &link).await;
    assert_eq!(house.contacts(account).await, [EMAIL]);
    assert!(!house.alive(&theirs.token).await && !house.signs_in(THIRD, WORD).await);
    assert!(house.signs_in(EMAIL, WORD).await);
    house.hands.advance_by(HOLD);
    house.outbox.clear();
    let _ = house.visit.recover().start(THIRD).await.unwrap();
    assert_eq!(house.told("recovery-unknown").await, 1);
}

/// What was put there and taken away again is not put back: as it would be by two links, the older one first.
#[tokio::test]
async fn an_address_that_came_and_went_does_not_come_back() {
    for older_first in [true, false] {
        let house = house();
        let owner = house.person(EMAIL).await;
        let account = owner.session.account();
        let theirs = ended(house.contact(&owner.token, PHONE, None).await);
        let added = house.link("contact-added").await;
        house.hands.advance(60);
        let id = house.auth.contacts(account).await.unwrap()[1].id;
        let next = pending(house.visit.remove_contact(&theirs.token, id).await.unwrap());
        let next = pending(house.answer(&next.flow, Password::word(WORD)).await);
        let by = next.offers[0].factor.clone();
        let _ = ended(house.by(&next, &by).await);
        let removed = house.link("contact-removed").await;
        assert_eq!(house.contacts(account).await, [EMAIL]);
        let links = if older_first { [&added, &removed] } else { [&removed, &added] };
        for link in links {
            let _ = house.auth.visit(Client::unknown()).object(link).await.unwrap();
        }
        assert_eq!(house.contacts(account).await, [EMAIL], "older first: {older_first}");
        house.outbox.clear();
        let _ = house.visit.recover().start(PHONE).await.unwrap();
        assert_eq!(house.told("recovery-unknown").await, 1);
    }
}

/// One link of two is enough, and never leaves an account that nobody reaches.
#[tokio::test]
async fn undoing_the_first_of_two_leaves_the_contact_that_was_there() {
    let house = house();
    let owner = house.person(EMAIL).await;
    let account = owner.session.account();
    let theirs = ended(house.contact(&owner.token, PHONE, None).await);
    let link = house.link("contact-added").await;
    house.hands.advance(60);
    let mine = house.auth.contacts(account).await.unwrap()[0].id;
    let next = pending(house.visit.remove_contact(&theirs.token, mine).await.unwrap());
    let next = pending(house.answer(&next.flow, Password::word(WORD)).await);
    let _ = ended(house.by(&next, &SMS).await);
    assert_eq!(house.contacts(account).await, [PHONE]);
    undo(&house, &link).await;
    assert_eq!(house.contacts(account).await, [EMAIL]);
}

/// Of two addresses the one that its owner reads gets the code: the one that was typed, or the one that stays.
#[tokio::test]
async fn an_address_that_is_lost_is_not_the_one_that_gets_the_codes() {
    let house = house();
    let owner = house.person(EMAIL).await;
    let account = owner.session.account();
    let _ = ended(house.contact(&owner.token, OTHER, None).await);
    house.hands.advance_by(HOLD);
    house.outbox.clear();
    let next = pending(house.visit.sign_in().with(OTHER, Password::word(WORD)).await.unwrap());
    let owner = ended(house.by(&next, &MAIL).await);
    assert_eq!(house.last("code-email").await.unwrap().to.as_str(), OTHER);
    house.hands.advance(60);
    house.outbox.clear();
    let lost = house.auth.contacts(account).await.unwrap()[0].id;
    let next = pending(house.visit.remove_contact(&owner.token, lost).await.unwrap());
    let next = pending(house.answer(&next.flow, Password::word(WORD)).await);
    let _ = ended(house.by(&next, &MAIL).await);
    let sent = house.outbox.all(&house.auth).await;
    let codes: Vec<_> = sent.iter().filter(|one| one.template.as_str() == "code-email").collect();
    assert_eq!(codes.iter().map(|one| one.to.as_str()).collect::<Vec<_>>(), [OTHER]);
    assert_eq!(house.contacts(account).await, [OTHER]);
}

/// While it settles, the older one is asked: whoever has just put an address there does not take the owner's away by it.
#[tokio::test]
async fn an_address_that_settles_takes_no_other_away() {
    let house = house();
    let owner = house.person(EMAIL).await;
    let account = owner.session.account();
    let theirs = ended(house.contact(&owner.token, OTHER, None).await);
    house.hands.advance(60);
    house.outbox.clear();
    let mine = house.auth.contacts(account).await.unwrap()[0].id;
    let next = pending(house.visit.remove_contact(&theirs.token, mine).await.unwrap());
    let next = pending(house.answer(&next.flow, Password::word(WORD)).await);
    let _ = house.visit.begin(&next.flow, &MAIL).await.unwrap();
    assert_eq!(house.last("code-email").await.unwrap().to.as_str(), EMAIL);
}

/// A new address is bound by as much as the account can reach when it is bound.
#[tokio::test]
async fn a_new_address_is_judged_again_when_it_is_confirmed() {
    let house = House::new(Profile::nist_aal1());
    let owner = house.person(EMAIL).await;
    let account = owner.session.account();
    let theirs = portal::done(house.visit.sign_in().with(EMAIL, Password::word(WORD)).await.unwrap());
    let next = pending(house.visit.add_contact(&theirs.token, PHONE, None).await.unwrap());
    let next = pending(house.answer(&next.flow, Password::word(WORD)).await);
    assert_eq!(next.duty, Some(Duty::Confirm), "a password is all there is");
    let begun = pending(house.visit.begin(&next.flow, &SMS).await.unwrap());
    let code = house.code().await;
    let next = pending(house.visit.enrol(&owner.token, propusk::Totp::NAME).await.unwrap());
    let next = pending(house.answer(&next.flow, Password::word(WORD)).await);
    let next = pending(house.visit.begin(&next.flow, &propusk::Totp::NAME).await.unwrap());
    let shown = next.begun.unwrap().1;
    let shown: serde_json::Value = serde_json::from_str(shown.as_json()).unwrap();
    let _ = ended(house.answer(&next.flow, house.now(shown["key"].as_str().unwrap())).await);
    assert_eq!(said(&house.answer(&begun.flow, Code::typed(SMS, &code)).await), "stale");
    assert_eq!(house.contacts(account).await, [EMAIL]);
}

async fn undo(house: &House, link: &str) {
    let undone = house.auth.visit(Client::unknown()).object(link).await.unwrap();
    assert_eq!(format!("{undone:?}"), "To(UndoContact)");
}

/// What was sent to an address that is gone since stops and undoes nothing; while it can be put back it does.
#[tokio::test]
async fn an_address_that_is_gone_stops_no_recovery() {
    for (waits, end) in [(Duration::ZERO, "To(StopRecovery)"), (HOLD, "Link")] {
        let mut profile = Profile::public_portal();
        profile.recovery.delay = HOLD * 3;
        let house = House::new(profile);
        let owner = house.person(PHONE).await;
        let owner = ended(house.contact(&owner.token, EMAIL, None).await);
        house.hands.advance_by(HOLD);
        let owner_again = house.signed(PHONE).await;
        let account = owner.session.account();
        let next = house.recovering(PHONE, &[]).await;
        assert_eq!(said(&house.visit.wait(&next.flow).await.unwrap()), "recovery_waits");
        let all = house.outbox.all(&house.auth).await;
        let told =
            all.iter().find(|one| one.template.as_str() == "recovery-waits" && one.to.as_str() == EMAIL);
        let link = told.unwrap().param("objection").unwrap().split_once("?o=").unwrap().1.to_owned();
        let mail = house.auth.contacts(account).await.unwrap();
        let mail = mail.iter().find(|one| one.address.as_str() == EMAIL).unwrap().id;
        house.hands.advance(60);
        let mut step = house.visit.remove_contact(&owner_again.token, mail).await.unwrap();
        if let Step::Pending(next) = step {
            step = house.answer(&next.flow, Password::word(WORD)).await;
        }
        if let Step::Pending(next) = step {
            step = house.by(&next, &SMS).await;
        }
        let _ = ended(step);
        house.hands.advance_by(waits);
        let done = house.auth.visit(Client::unknown()).object(&link).await.unwrap();
        assert!(format!("{done:?}").contains(end), "{waits:?}: {done:?}");
    }
}

/// Nor is an address guessed into an account, however patiently: what is refused stays counted from one flow to the next,
/// for this account and this address.
#[tokio::test]
async fn an_address_is_guessed_so_often_and_no_more() {
    let house = house();
    let _ = house.person(PHONE).await;
    let confirming = async |token: &Token, address: &str| {
        let mut next = pending(house.visit.add_contact(token, address, None).await.unwrap());
        if next.duty.is_none() {
            next = pending(house.answer(&next.flow, Password::word(WORD)).await);
            next = pending(house.by(&next, &SMS).await);
        }
        next
    };
    let (mut looked_at, mut last) = (0, "");
    for _ in 0..60 {
        house.hands.advance(1800);
        let session = house.signed(PHONE).await;
        let next = confirming(&session.token, EMAIL).await;
        for _ in 0..5 {
            let Step::Pending(next) = house.visit.begin(&next.flow, &MAIL).await.unwrap() else { break };
            let wrong = if house.code().await == "000000" { "000001" } else { "000000" };
            last = said(&house.answer(&next.flow, Code::typed(MAIL, wrong)).await);
            looked_at += usize::from(last == "wrong" || last == "held");
            if last != "wrong" {
                // The last of a run begins a hold; in it nothing is looked at.
                break;
            }
            house.hands.advance(61);
        }
    }
    assert_eq!((looked_at, last), (50, "spent"));
    // It held nobody's sign-in, so nobody is told that it did.
    assert_eq!((house.told("held").await, house.told("held-known").await), (0, 0));
    // Another address is its owner's still, and so is this one for whom it belongs to.
    house.hands.advance(1800);
    let session = house.signed(PHONE).await;
    let next = confirming(&session.token, OTHER).await;
    let mine = ended(house.by(&next, &MAIL).await);
    assert_eq!(house.contacts(mine.session.account()).await, [PHONE, OTHER]);
    let other = house.person("+79160000088").await;
    let other = ended(house.contact(&other.token, EMAIL, None).await);
    assert_eq!(house.contacts(other.session.account()).await, ["+79160000088", EMAIL]);
}
