//! Every door to a secret has its guard.

use propusk::flow::Step;
use propusk::{Auth, Client, Code, Password, Token};

use crate::portal::{WORD, done, pending};
use crate::world::{PHONE, SMS, World, other, said, try_word};

/// A way to a factor.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Door {
    AtOnce,
    InTwoSteps,
    PublicDevice,
    FirstOfTwo,
    SecondOfTwo,
    ProofToChange,
    ProofToEnrol,
}

struct Keys<'a> {
    world: &'a World,
    auth: &'a Auth,
    session: Token,
}

impl Keys<'_> {
    async fn by_word(&self, door: Door, word: &str) -> Step {
        let visit = self.auth.visit(Client::unknown());
        let word = Password::word(word);
        let step = match door {
            Door::AtOnce => return visit.sign_in().with(PHONE, word).await.unwrap(),
            Door::PublicDevice => {
                return visit.sign_in().public_device(true).with(PHONE, word).await.unwrap();
            }
            Door::InTwoSteps => visit.sign_in().start(PHONE).await,
            Door::ProofToChange => visit.change(&self.session, Password::NAME).await,
            Door::ProofToEnrol => visit.enrol(&self.session, Password::NAME).await,
            Door::FirstOfTwo | Door::SecondOfTwo => panic!("no door for a word"),
        };
        visit.answer(&pending(step.unwrap()).flow, word).await.unwrap()
    }

    async fn by_code(&self, door: Door, right: bool) -> Step {
        let visit = self.auth.visit(Client::unknown());
        let step = match door {
            Door::FirstOfTwo => visit.sign_in().start(PHONE).await,
            Door::SecondOfTwo => visit.sign_in().with(PHONE, Password::word(WORD)).await,
            Door::ProofToEnrol => visit.enrol(&self.session, Password::NAME).await,
            _ => panic!("no door for a code"),
        };
        let flow = pending(step.unwrap()).flow;
        let _ = pending(visit.begin(&flow, &SMS).await.unwrap());
        let code = self.world.outbox.code(self.auth).await;
        let code = if right { code } else { other(&code) };
        visit.answer(&flow, Code::typed(SMS, &code)).await.unwrap()
    }
}

/// ATTACKS 99 (and 11): whatever door a password is tried at, all doors to it close together.
#[tokio::test]
async fn every_door_to_a_password_has_the_guard() {
    use Door::{AtOnce, InTwoSteps, ProofToChange, ProofToEnrol, PublicDevice};
    let doors = [AtOnce, InTwoSteps, PublicDevice, ProofToChange, ProofToEnrol];
    for tried in doors {
        let world = World::new();
        let auth = world.node(propusk::MemoryStore::default());
        let session = world.person(&auth).await.token;
        let keys = Keys { world: &world, auth: &auth, session };
        for _ in 0..5 {
            assert_eq!(said(&keys.by_word(tried, "wrong").await), "wrong", "{tried:?}");
        }
        assert_eq!(said(&keys.by_word(tried, "wrong").await), "held", "{tried:?}");
        for door in doors {
            assert_eq!(said(&keys.by_word(door, WORD).await), "held", "{tried:?}, then {door:?}");
        }
        world.minutes(5);
        for door in doors {
            let said = said(&keys.by_word(door, WORD).await);
            assert!(["done", "pending"].contains(&said), "{door:?}: {said}");
        }
    }
}

/// ATTACKS 99 (and 11): the same for a code, each guess at a code of its own.
#[tokio::test]
async fn every_door_to_a_code_has_the_guard() {
    use Door::{FirstOfTwo, ProofToEnrol, SecondOfTwo};
    let doors = [FirstOfTwo, SecondOfTwo, ProofToEnrol];
    for tried in doors {
        let world = World::portal();
        let auth = world.node(propusk::MemoryStore::default());
        let session = world.person(&auth).await.token;
        let keys = Keys { world: &world, auth: &auth, session };
        for _ in 0..5 {
            assert_eq!(said(&keys.by_code(tried, false).await), "wrong", "{tried:?}");
        }
        assert_eq!(said(&keys.by_code(tried, false).await), "held", "{tried:?}");
        for door in doors {
            assert_eq!(said(&keys.by_code(door, true).await), "held", "{tried:?}, then {door:?}");
        }
        world.minutes(5);
        for door in doors {
            let said = said(&keys.by_code(door, true).await);
            assert!(["done", "pending"].contains(&said), "{door:?}: {said}");
        }
    }
}

/// ATTACKS 99: a registration's code is guarded by its address: a new flow brings no new guesses.
#[tokio::test]
async fn a_new_registration_brings_no_new_guesses() {
    let world = World::new();
    let auth = world.node(propusk::MemoryStore::default());
    let visit = auth.visit(Client::unknown());
    let guess = async |right: bool| {
        let next = pending(visit.sign_up(PHONE, "Иван", "1").await.unwrap());
        let code = world.outbox.code(&auth).await;
        let code = if right { code } else { other(&code) };
        said(&visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap())
    };
    for _ in 0..5 {
        assert_eq!(guess(false).await, "wrong");
    }
    assert_eq!(guess(false).await, "held");
    assert_eq!(guess(true).await, "held");
    world.minutes(5);
    assert_eq!(guess(true).await, "pending");
    let end = world.person(&auth).await;
    assert!(auth.session(&end.token).await.unwrap().is_some());
    done(try_word(&auth, PHONE, WORD).await);
}
