//! Authenticators and backup codes: each code once, by every door, and nobody else's.

use propusk::flow::Step;
use propusk::testing::GatedStore;
use propusk::{Answer, Auth, BackupCodes, Client, Code, Password, Token, Totp};

use crate::otp::{add_codes, add_totp, no_code, propose, shown, step, totp};
use crate::portal::{WORD, done, pending};
use crate::world::{PHONE, SMS, Shared, World, each_store, race, said};

const OTHER: &str = "+79160000002";

/// A person with both kinds of codes.
struct Owner {
    name: &'static str,
    key: String,
    codes: Vec<String>,
    session: Token,
}

impl Owner {
    async fn new(world: &World, auth: &Auth, name: &'static str) -> Self {
        let mine = world.register(auth, name, WORD).await;
        let visit = auth.visit(Client::unknown());
        let (key, end) =
            add_totp(&visit, &mine.token, WORD, auth.now(), async || world.outbox.code(auth).await).await;
        let (codes, end) = add_codes(&visit, &end.token, WORD, async || world.outbox.code(auth).await).await;
        world.minutes(2);
        Self { name, key, codes, session: end.token }
    }

    fn now(&self, auth: &Auth, offset: i64) -> Answer {
        Totp::code(&totp(&self.key, step(auth.now()) + offset))
    }
}

/// A sign-in whose password is proven.
async fn half_way(auth: &Auth, name: &str) -> Token {
    let visit = auth.visit(Client::unknown());
    pending(visit.sign_in().with(name, Password::word(WORD)).await.unwrap()).flow
}

/// The beginning of something new on an account, whose password is proven.
async fn half_way_to_add(auth: &Auth, session: &Token) -> Token {
    let visit = auth.visit(Client::unknown());
    let next = pending(visit.enrol(session, Totp::NAME).await.unwrap());
    pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap()).flow
}

async fn answer(auth: &Auth, flow: &Token, answer: Answer) -> Step {
    auth.visit(Client::unknown()).answer(flow, answer).await.unwrap()
}

/// A whole sign-in, in a word.
async fn told(auth: &Auth, name: &str, code: Answer) -> &'static str {
    said(&answer(auth, &half_way(auth, name).await, code).await)
}

/// ATTACKS 1 (CVE-2015-7225): a code that was used is used, on each node, by each door, and however it is written.
#[tokio::test]
async fn a_used_code_is_burned() {
    each_store!(|world, store| {
        let world = world.two_factors();
        let nodes = [world.second(store.clone()), world.second(store.again(&world))];
        let owner = Owner::new(&world, &nodes[0], PHONE).await;
        let code = totp(&owner.key, step(nodes[0].now()));
        assert_eq!(told(&nodes[0], PHONE, Totp::code(&code)).await, "done");
        for auth in &nodes {
            for typed in [&code, &format!("{} {}", &code[..3], &code[3..])] {
                assert_eq!(told(auth, PHONE, Totp::code(typed)).await, "replayed");
                let flow = half_way_to_add(auth, &owner.session).await;
                assert_eq!(said(&answer(auth, &flow, Totp::code(typed)).await), "replayed");
            }
        }
        assert_eq!(told(&nodes[1], PHONE, owner.now(&nodes[1], 1)).await, "done");
    });
}

/// ATTACKS 2 (CVE-2021-43177): a code of a clock that is ahead, accepted early, is not accepted again when its own
/// time comes, nor in the step after it; and what it passed over is gone.
#[tokio::test]
async fn a_code_is_not_good_again_in_the_trailing_step() {
    each_store!(|world, store| {
        let world = world.two_factors();
        let auth = world.second(store);
        let owner = Owner::new(&world, &auth, PHONE).await;
        let n = step(auth.now()) + 1;
        let code = |step: i64| Totp::code(&totp(&owner.key, step));
        assert_eq!(told(&auth, PHONE, code(n)).await, "done");
        for _ in 0..3 {
            assert_eq!(told(&auth, PHONE, code(n)).await, "replayed");
            assert_eq!(told(&auth, PHONE, code(n - 1)).await, "wrong");
            world.watch.forward(std::time::Duration::from_secs(30));
        }
        // Two steps later it is out of the window, and a guess like any other.
        assert_eq!(told(&auth, PHONE, code(n)).await, "wrong");
        assert_eq!(told(&auth, PHONE, code(n + 2)).await, "done");
        assert_eq!(told(&auth, PHONE, code(n + 1)).await, "wrong");
        assert_eq!(told(&auth, PHONE, code(n + 3)).await, "done");
    });
}

/// ATTACKS 6, 98 (CVE-2026-20779): one code, fifty answers at once, by the door of a sign-in and by that of adding a
/// factor, all past the reading of the account before the first is written: one is accepted.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_code_answered_fifty_times_at_once_is_accepted_once() {
    each_store!(|world, store| {
        let world = world.two_factors();
        let auth = world.second(store.clone());
        let owner = Owner::new(&world, &auth, PHONE).await;
        for backup in [false, true] {
            world.minutes(1);
            let mut flows = Vec::new();
            for at in 0..50 {
                flows.push(match at % 2 {
                    0 => half_way(&auth, PHONE).await,
                    _ => half_way_to_add(&auth, &owner.session).await,
                });
            }
            let account = auth.session(&owner.session).await.unwrap().unwrap().account();
            let before = auth.sessions(account).await.unwrap().len();
            let gate = GatedStore::new(store.again(&world), "subject", 50);
            let node = world.second(gate.clone());
            let code = totp(&owner.key, step(auth.now()));
            let steps = race(&[gate], 50, |at| {
                let (node, flow) = (node.clone(), flows[at].clone());
                let code = if backup { BackupCodes::code(&owner.codes[0]) } else { Totp::code(&code) };
                async move { said(&answer(&node, &flow, code).await) }
            })
            .await;
            let accepted = steps.iter().filter(|said| ["done", "pending"].contains(said)).count();
            assert_eq!(accepted, 1, "{steps:?}");
            assert_eq!(steps.iter().filter(|said| **said == "replayed").count(), 49, "{steps:?}");
            let signed_in = usize::from(steps.contains(&"done"));
            assert_eq!(auth.sessions(account).await.unwrap().len(), before + signed_in);
        }
        world.minutes(1);
        assert_eq!(told(&auth, PHONE, owner.now(&auth, 0)).await, "done");
        assert_eq!(told(&auth, PHONE, BackupCodes::code(&owner.codes[1])).await, "done");
    });
}

/// ATTACKS 96: fifty submits of one right code, after it was accepted and by a client that does not listen, do not
/// hold the owner out: all guesses are still there.
#[tokio::test]
async fn fifty_submits_of_a_right_code_hold_nobody_out() {
    each_store!(|world, store| {
        let world = world.two_factors();
        let auth = world.second(store);
        let owner = Owner::new(&world, &auth, PHONE).await;
        for answer in [&|| owner.now(&auth, 0) as Answer, &|| BackupCodes::code(&owner.codes[0]) as Answer]
            as [&dyn Fn() -> Answer; 2]
        {
            assert_eq!(told(&auth, PHONE, answer()).await, "done");
            for _ in 0..50 {
                assert_eq!(told(&auth, PHONE, answer()).await, "replayed");
            }
        }
        let wrong = no_code(&owner.key, auth.now());
        for _ in 0..5 {
            assert_eq!(told(&auth, PHONE, Totp::code(&wrong)).await, "wrong");
        }
        assert_eq!(told(&auth, PHONE, owner.now(&auth, 1)).await, "done");
        assert_eq!(told(&auth, PHONE, BackupCodes::code(&owner.codes[1])).await, "done");
    });
}

/// ATTACKS 17 (CVE-2024-8796): a key has 160 bits, and no two are alike.
#[tokio::test]
async fn an_authenticators_key_has_160_bits() {
    let world = World::portal();
    let auth = world.second(propusk::MemoryStore::default());
    let mine = world.person(&auth).await;
    let visit = auth.visit(Client::unknown());
    let next = propose(&visit, &mine.token, WORD, &Totp::NAME, async || world.outbox.code(&auth).await).await;
    let mut keys = std::collections::HashSet::new();
    let mut flow = next;
    for _ in 0..50 {
        flow = pending(visit.begin(&flow.flow, &Totp::NAME).await.unwrap());
        let key = shown(&flow)["key"].as_str().unwrap().replace(' ', "");
        assert_eq!(key.len() * 5, 160);
        assert!(keys.insert(key));
    }
    let key = shown(&flow)["key"].as_str().unwrap().to_owned();
    let _ = done(visit.answer(&flow.flow, Totp::code(&totp(&key, step(auth.now())))).await.unwrap());
    assert_eq!(told(&auth, PHONE, Totp::code(&totp(&key, step(auth.now()) + 1))).await, "done");
}

/// ATTACKS 21 (CVE-2025-64175): what opens one account opens no other: not its backup codes, not its authenticator.
#[tokio::test]
async fn a_code_of_one_person_opens_no_other_account() {
    each_store!(|world, store| {
        let world = world.two_factors();
        let auth = world.second(store);
        let (owner, other) = (Owner::new(&world, &auth, PHONE).await, Owner::new(&world, &auth, OTHER).await);
        for code in &other.codes[..4] {
            assert_eq!(told(&auth, owner.name, BackupCodes::code(code)).await, "wrong");
        }
        assert_eq!(told(&auth, owner.name, other.now(&auth, 0)).await, "wrong");
        // A code of one kind is none of the other.
        assert_eq!(told(&auth, owner.name, Totp::code(&owner.codes[0])).await, "malformed");
        let number = totp(&owner.key, step(auth.now()));
        assert_eq!(told(&auth, owner.name, BackupCodes::code(&number)).await, "malformed");
        for (who, code) in [(&owner, &owner.codes[0]), (&other, &other.codes[0])] {
            assert_eq!(told(&auth, who.name, BackupCodes::code(code)).await, "done");
            assert_eq!(told(&auth, who.name, who.now(&auth, 0)).await, "done");
        }
    });
}

/// ATTACKS 22 (CVE-2022-36071): backup codes are made by who has proven as much as a sign-in takes, and a new set
/// leaves nothing of the old.
#[tokio::test]
async fn backup_codes_take_two_factors_and_leave_no_older_ones() {
    each_store!(|world, store| {
        let world = world.two_factors();
        let auth = world.second(store);
        let owner = Owner::new(&world, &auth, PHONE).await;
        let visit = auth.visit(Client::unknown());
        let next = pending(visit.enrol(&owner.session, BackupCodes::NAME).await.unwrap());
        let make = async |flow: &Token| said(&visit.begin(flow, &BackupCodes::NAME).await.unwrap());
        assert_eq!(make(&next.flow).await, "not_offered");
        let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
        assert_eq!(make(&next.flow).await, "not_offered");
        assert_eq!(said(&visit.answer(&next.flow, BackupCodes::saved()).await.unwrap()), "malformed");
        let next = pending(visit.answer(&next.flow, owner.now(&auth, 0)).await.unwrap());
        let next = pending(visit.begin(&next.flow, &BackupCodes::NAME).await.unwrap());
        let codes: Vec<String> = serde_json::from_value(shown(&next)["codes"].clone()).unwrap();
        let _ = done(visit.answer(&next.flow, BackupCodes::saved()).await.unwrap());
        for old in &owner.codes[..5] {
            assert_eq!(told(&auth, PHONE, BackupCodes::code(old)).await, "wrong");
        }
        assert_eq!(told(&auth, PHONE, BackupCodes::code(&codes[0])).await, "done");
    });
}

/// ATTACKS 4, 99 (CVE-2025-6015): whatever door codes are guessed at, from wherever, one guard counts them; and there
/// is an end to guessing.
#[tokio::test]
async fn every_door_to_an_authenticator_has_the_guard() {
    each_store!(|world, store| {
        let world = world.two_factors();
        let nodes = [world.second(store.clone()), world.second(store.again(&world))];
        let owner = Owner::new(&world, &nodes[0], PHONE).await;
        let mut evaluated = 0;
        for at in 0..100_u8 {
            let auth = &nodes[usize::from(at) % 2];
            let flow = match at % 3 {
                0 => half_way_to_add(auth, &owner.session).await,
                _ => half_way(auth, PHONE).await,
            };
            let guess = Totp::code(&no_code(&owner.key, auth.now()));
            let visit = auth.visit(Client::unknown().from_address([192, 0, 2, at].into()));
            match said(&visit.answer(&flow, guess).await.unwrap()) {
                "wrong" => evaluated += 1,
                "held" if evaluated % 6 == 5 => {
                    evaluated += 1;
                    assert_eq!(told(auth, PHONE, owner.now(auth, 0)).await, "held");
                    world.minutes(15);
                }
                "held" | "spent" => {}
                other => panic!("{other}"),
            }
        }
        assert_eq!(evaluated, 50);
        // The other ways in are open, and the right code is right again for who comes from a known browser.
        let visit = nodes[0].visit(Client::unknown());
        let flow = half_way(&nodes[0], PHONE).await;
        let _ = pending(visit.begin(&flow, &SMS).await.unwrap());
        let code = Code::typed(SMS, &world.outbox.code(&nodes[0]).await);
        let end = done(visit.answer(&flow, code).await.unwrap());
        let home = nodes[0].visit(Client::unknown().with_browser(end.browser.unwrap()));
        let flow = pending(home.sign_in().with(PHONE, Password::word(WORD)).await.unwrap()).flow;
        let _ = done(home.answer(&flow, owner.now(&nodes[0], 0)).await.unwrap());
        assert_eq!(told(&nodes[1], PHONE, owner.now(&nodes[1], 1)).await, "done");
    });
}
