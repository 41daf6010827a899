//! An application's own factor has duties by the same property, beside those of the password; the core names neither.

use propusk::auth::import::{Import, Imported, ImportedCredential};
use propusk::error::FactorError;
use propusk::factor::{Context, Credential, Enrol, EnrolPlugin, Enrolled, Reason, Verdict};
use propusk::proof::{Channel, Proves};
use propusk::{Answer, Factor};
use serde::{Deserialize, Serialize};

use super::*;

/// A card with a number; those with a low one are called in.
#[derive(Debug)]
struct Card;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Number {
    number: u32,
}

impl Card {
    const NAME: FactorName = FactorName::new("card");
    const PROVES: Proves = Proves::by(Channel::Device).possession().replay_resistant();

    fn shown(number: u32) -> Answer {
        Answer::wire(Self::NAME, serde_json::to_vec(&Number { number }).unwrap())
    }
}

impl Factor for Card {
    type Data = Number;
    type State = ();
    type Answer = Number;

    fn name(&self) -> FactorName {
        Self::NAME
    }

    fn could_prove(&self, card: Option<&Number>) -> Proves {
        if card.is_some_and(|card| card.number < 1000) {
            Self::PROVES.due(Due::Expired)
        } else {
            Self::PROVES
        }
    }

    async fn answer(
        &self,
        _: &Context<'_>,
        mine: &[Credential<Number>],
        (): (),
        answer: Number,
    ) -> Result<Verdict<Number>, FactorError> {
        Ok(match mine.iter().find(|card| card.data.number == answer.number) {
            // 13 keeps quiet about what it declared.
            Some(card) if card.data.number == 13 => {
                Verdict::Accept { credential: card.id, proved: Self::PROVES, change: None }
            }
            Some(card) => Verdict::Accept {
                credential: card.id,
                proved: self.could_prove(Some(&card.data)),
                change: None,
            },
            None => Verdict::refuse(Reason::Wrong),
        })
    }

    fn enrolment(&self) -> Option<&dyn EnrolPlugin> {
        Some(self)
    }
}

impl Enrol for Card {
    type Proposal = ();
    type Confirm = Number;

    async fn confirm(
        &self,
        _: &Context<'_>,
        mine: &[Credential<Number>],
        (): (),
        answer: Number,
    ) -> Result<Enrolled<Number>, FactorError> {
        let proved = self.could_prove(Some(&answer));
        Ok(match mine.first() {
            Some(old) => Enrolled::Replace { credential: old.id, data: answer, proved },
            None => Enrolled::Add { data: answer, handles: Vec::new(), proved },
        })
    }
}

async fn with_card(number: u32) -> (House, AccountId) {
    let mut house = House::new(Over::Memory, Profile::public_portal());
    let store = MemoryStore::default();
    let built = portal::portal(&store, Profile::public_portal()).clock(house.hands.clone());
    let built = built.factor(Password::default()).factor(Card).factor(Code::sms());
    house.auth = built.sender(house.outbox.clone()).build().unwrap();
    house.visit = house.auth.visit(Client::unknown());
    let card = ImportedCredential::of(&Card, &Number { number }).unwrap();
    let import = Import::new("Иван").unwrap().verified_contact(PHONE).unwrap().credential(card).unwrap();
    let Imported::Made(account) = house.auth.import(&import, &Client::unknown()).await.unwrap() else {
        panic!("taken");
    };
    (house, account)
}

#[tokio::test]
async fn two_duties_of_one_sign_in_are_done_one_after_the_other() {
    let (house, account) = with_card(7).await;
    let given = house.issue(account).await;
    let next = pending(house.by(&given).await);
    let next = pending(house.visit.answer(&next.flow, Card::shown(7)).await.unwrap());
    let flow = at_duty(*next, Due::Temporary);
    assert_eq!(said(&house.visit.answer(&flow, Card::shown(2000)).await.unwrap()), "not_offered");
    let next = pending(house.choose(&flow, &word(1)).await);
    assert_eq!((next.duty, next.due), (Some(Duty::Replace), Some(Due::Expired)));
    assert_eq!(next.offers.iter().map(|offer| offer.factor.as_str()).collect::<Vec<_>>(), ["card"]);
    assert!(house.auth.sessions(account).await.unwrap().is_empty(), "no session while one is left");
    // One that is called in as well opens nothing.
    let next = pending(house.visit.answer(&next.flow, Card::shown(999)).await.unwrap());
    assert_eq!(next.due, Some(Due::Expired));
    // What was replaced in this flow is not asked for twice in it: begin again with what there is now.
    let next = pending(house.by(&word(1)).await);
    assert_eq!((next.duty, next.due), (None, None), "the password's duty is done");
    let next = pending(house.visit.answer(&next.flow, Card::shown(999)).await.unwrap());
    assert_eq!(next.due, Some(Due::Expired));
    let end = done(house.visit.answer(&next.flow, Card::shown(2000)).await.unwrap());
    assert_eq!(end.session.account(), account);
    let next = pending(house.by(&word(1)).await);
    done(house.visit.answer(&next.flow, Card::shown(2000)).await.unwrap());
}

/// A factor that declares a duty of a credential and does not say so when it accepts is not believed.
#[tokio::test]
async fn a_duty_that_was_declared_is_not_kept_quiet() {
    let (house, account) = with_card(13).await;
    let given = house.issue(account).await;
    let next = pending(house.by(&given).await);
    assert_eq!(said(&house.visit.answer(&next.flow, Card::shown(13)).await.unwrap()), "wrong");
}
