//! A secret question through the public API: enrolled in a session, and offered and counted nowhere but in a recovery.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/portal.rs"]
mod portal;

use std::collections::BTreeSet;
use std::time::Duration;

use portal::{Hands, Outbox, PHONE, Pin, WORD, done, pending, portal, refused, register};
use propusk::factor::question::Question;
use propusk::flow::{Done, Next};
use propusk::id::FactorName;
use propusk::policy::Requirement;
use propusk::proof::Aal;
use propusk::{Auth, Client, Code, MemoryStore, Password, Profile, Token, Totp, Visit};

const SMS: FactorName = FactorName::new("sms-code");
const ASKS: &str = "Кличка первого кота";
const ANSWER: &str = "Барсик";

struct House {
    auth: Auth,
    hands: Hands,
    outbox: Outbox,
    visit: Visit,
    session: Token,
}

impl House {
    async fn new() -> Self {
        let (hands, outbox) = (Hands::default(), Outbox::default());
        let auth = portal(&MemoryStore::default(), Profile::public_portal())
            .clock(hands.clone())
            .sender(outbox.clone())
            .factor(Password::default())
            .factor(Code::sms())
            .factor(Totp::default())
            .factor(Pin)
            .factor(Question::default())
            .build()
            .unwrap();
        let visit = auth.visit(Client::unknown());
        let mine = register(&auth, &outbox, &visit, PHONE, Password::word(WORD)).await;
        let mut house = Self { auth, hands, outbox, visit, session: mine.token };
        house.session = house.enrol(ASKS, ANSWER).await.token;
        house
    }

    /// What is asked for again and again comes up to the messages that one address gets.
    fn wait(&self) {
        self.hands.advance(900);
    }

    async fn by_phone(&self, next: &Next) -> propusk::Step {
        let next = pending(self.visit.begin(&next.flow, &SMS).await.unwrap());
        let code = self.outbox.code(&self.auth).await;
        self.visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap()
    }

    async fn enrol(&self, question: &str, answer: &str) -> Box<Done> {
        self.wait();
        let next = pending(self.visit.enrol(&self.session, Question::NAME).await.unwrap());
        self.no_question(&next).await;
        let next = pending(self.visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
        self.no_question(&next).await;
        let next = pending(self.by_phone(&next).await);
        done(self.visit.answer(&next.flow, Question::chosen(question, answer)).await.unwrap())
    }

    /// Neither offered, nor begun, nor looked at.
    async fn no_question(&self, next: &Next) {
        assert!(next.offers.iter().all(|offer| offer.factor != Question::NAME), "{:?}", next.offers);
        let hashes = self.auth.hashes().computed();
        let begun = self.visit.begin(&next.flow, &Question::NAME).await.unwrap();
        assert_eq!(refused(begun).code.as_str(), "not_offered");
        let answered = self.visit.answer(&next.flow, Question::answer(ANSWER)).await.unwrap();
        assert_eq!(refused(answered).code.as_str(), "not_offered");
        assert_eq!(self.auth.hashes().computed(), hashes);
    }
}

#[tokio::test]
async fn it_is_enrolled_named_and_replaced_in_a_session() {
    let mut house = House::new().await;
    let account = house.auth.session(&house.session).await.unwrap().unwrap().account();
    let held = async |house: &House| {
        let all = house.auth.credentials(account).await.unwrap();
        all.into_iter().filter(|one| one.factor == Question::NAME).collect::<Vec<_>>()
    };
    let first = held(&house).await;
    assert_eq!(first.len(), 1);
    assert!(first[0].proves.recovery_only() && !first[0].proves.is_factor());
    house.session = house.enrol("Любимая книга", "Остров сокровищ").await.token;
    let second = held(&house).await;
    assert_eq!((second.len(), second[0].id), (1, first[0].id), "one for each account");
    // It takes as much to take it away as to sign in, and nothing of itself.
    house.wait();
    let next = pending(house.visit.remove(&house.session, second[0].id).await.unwrap());
    house.no_question(&next).await;
    let next = pending(house.visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    house.no_question(&next).await;
    house.session = done(house.by_phone(&next).await).token;
    assert!(held(&house).await.is_empty());
}

#[tokio::test]
async fn no_sign_in_step_up_or_change_offers_it() {
    let house = House::new().await;
    house.wait();
    let next = pending(house.visit.sign_in().start(PHONE).await.unwrap());
    house.no_question(&next).await;
    let with = house.visit.sign_in().with(PHONE, Question::answer(ANSWER)).await.unwrap();
    assert_eq!(refused(with).code.as_str(), "not_offered");
    let next = pending(house.visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
    house.no_question(&next).await;
    // It does not guard its own replacement: who knows the answer to an old question would choose the next.
    let change = house.visit.change(&house.session, Question::NAME).await.unwrap();
    assert_eq!(refused(change).code.as_str(), "not_offered");
    let fresh = Duration::from_secs(60);
    for asked in [
        Requirement::aal(Aal::Two).within(fresh),
        Requirement::two_factors().within(fresh),
        Requirement::aal(Aal::One).within(fresh),
    ] {
        let next = pending(house.visit.step_up(&house.session, asked).await.unwrap());
        house.no_question(&next).await;
        let next = house.visit.answer(&next.flow, Password::word(WORD)).await.unwrap();
        if let propusk::Step::Pending(next) = next {
            house.no_question(&next).await;
        } else {
            break;
        }
    }
    let another = house.auth.visit(Client::unknown());
    let session = done({
        house.wait();
        let next = pending(another.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
        house.by_phone(&next).await
    });
    for factor in [Password::NAME, Pin::NAME, Totp::NAME] {
        let next = pending(house.visit.enrol(&session.token, factor).await.unwrap());
        house.no_question(&next).await;
    }
}

/// A password and a question are one factor: whoever has no more is asked to enrol a second, and not offered this one.
#[tokio::test]
async fn it_is_no_second_factor() {
    let (hands, outbox) = (Hands::default(), Outbox::default());
    let store = MemoryStore::default();
    let build = |profile: Profile| {
        portal(&store, profile)
            .clock(hands.clone())
            .sender(outbox.clone())
            .factor(Password::default())
            .factor(Code::email())
            .factor(Totp::default())
            .factor(Question::default())
            .build()
            .unwrap()
    };
    let mut lax = Profile::public_portal();
    (lax.sign_in, lax.trust) = (Requirement::aal(Aal::One), None);
    let first = build(lax);
    let visit = first.visit(Client::unknown());
    let mine = register(&first, &outbox, &visit, portal::EMAIL, Password::word(WORD)).await;
    let next = pending(visit.enrol(&mine.token, Question::NAME).await.unwrap());
    let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    let _ = done(visit.answer(&next.flow, Question::chosen(ASKS, ANSWER)).await.unwrap());
    let mut strict = Profile::public_portal();
    strict.sign_in = Requirement::aal(Aal::Two);
    strict.sign_up_contacts = &[];
    let second = build(strict);
    let next = second.visit(Client::unknown()).sign_in().with(portal::EMAIL, Password::word(WORD)).await;
    let next = pending(next.unwrap());
    let offers: BTreeSet<_> = next.offers.iter().map(|offer| (offer.factor.as_str(), offer.enrols)).collect();
    assert_eq!(offers, BTreeSet::from([("totp", true)]));
}

/// MISSION B14: off by default, and the profiles of a standard refuse to build with what it forbids. NIST SP 800-63B-4
/// section 3.1.1.2, ASVS 5.0 6.4.2.
#[test]
fn asvs_6_4_2_profiles_of_a_standard_refuse_it_and_others_list_it() {
    let build = |profile: Profile| {
        portal(&MemoryStore::default(), profile)
            .factor(Password::default())
            .factor(Code::sms())
            .factor(Question::default())
            .sender(propusk::danger::print_messages())
            .build()
    };
    for profile in [Profile::nist_aal1(), Profile::nist_aal2(), Profile::asvs_l1(), Profile::asvs_l2()] {
        let told = build(profile).unwrap_err().to_string();
        assert!(told.contains("question") && told.contains("secret questions"), "{told}");
    }
    let listed = build(Profile::public_portal()).unwrap().deviations().unwrap();
    let mine: Vec<_> = listed.iter().filter(|one| one.what.contains("question")).collect();
    let points: BTreeSet<_> = mine.iter().map(|one| one.requirement).collect();
    assert_eq!(points, BTreeSet::from(["3.1.1.2", "6.4.2"]));
    assert!(mine.iter().all(|one| one.reason.is_some()));
    let without = portal(&MemoryStore::default(), Profile::public_portal());
    let without = without.factor(Password::default()).factor(Code::sms());
    let without = without.sender(propusk::danger::print_messages()).build().unwrap();
    assert!(without.deviations().unwrap().iter().all(|one| !one.what.contains("question")));
}
