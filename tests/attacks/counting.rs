//! Guards and throttles: counters that are never lost, never split, never walked around.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use propusk::flow::Step;
use propusk::lockout::{GuardKey, Limit};
use propusk::store::{LockoutStore, Rate};
use propusk::testing::{Fault, FaultyStore, GatedStore};
use propusk::{Client, Code, Password};

use crate::portal::{WORD, pending, refused};
use crate::world::{
    EMAIL, PHONE, SMS, Shared, World, each_store, get_held, other, race, said, told, try_word,
};

/// ATTACKS 8 (CVE-2026-35597): a failure counter in the transaction that fails is no counter. Here the commit of
/// each refusal fails, and the guesses count all the same.
#[tokio::test]
async fn a_guess_whose_commit_fails_stays_counted() {
    each_store!(|world, store| {
        world.person(&world.node(store.clone())).await;
        let faulty = FaultyStore::new(store);
        let auth = world.node(faulty.clone());
        auth.ready().await.unwrap();
        faulty.mend();
        assert_eq!(told(&auth, PHONE, "wrong").await, "wrong");
        let last = faulty.calls() - 1;
        for _ in 0..5 {
            faulty.plan(last, Fault::FailsBefore);
            let visit = auth.visit(Client::unknown());
            visit.sign_in().with(PHONE, Password::word("wrong")).await.unwrap_err();
        }
        faulty.mend();
        // All six places are taken: not even the right word is looked at until the five are known to be dead.
        let hashed = auth.hashes().computed();
        assert_eq!(told(&auth, PHONE, WORD).await, "busy");
        world.minutes(1);
        assert_eq!(told(&auth, PHONE, WORD).await, "held");
        assert_eq!(auth.hashes().computed(), hashed);
        world.minutes(5);
        assert_eq!(told(&auth, PHONE, WORD).await, "done");
    });
}

/// ATTACKS 9 (CVE-2019-5421): 200 guesses at once, on two nodes, all past the reading of the account before the
/// first is counted: six are evaluated, as if they came one after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_guesses_lose_no_count() {
    each_store!(|world, store| {
        world.person(&world.node(store.clone())).await;
        let gates = [store.clone(), store.again(&world)].map(|store| GatedStore::new(store, "subject", 100));
        let nodes = gates.clone().map(|gate| world.node(gate));
        let steps = race(&gates, 200, |at| {
            let auth = nodes[at % 2].clone();
            async move { told(&auth, PHONE, "wrong").await }
        })
        .await;
        assert_eq!(nodes.iter().map(|node| node.hashes().computed()).sum::<u64>(), 6);
        assert!(steps.iter().all(|said| ["wrong", "held", "busy"].contains(said)), "{steps:?}");
        assert_eq!(steps.iter().filter(|said| **said == "wrong").count(), 5);
        let auth = world.node(store.again(&world));
        assert_eq!(told(&auth, PHONE, WORD).await, "held");
        world.minutes(5);
        assert_eq!(told(&auth, PHONE, WORD).await, "done");
    });
}

/// ATTACKS 10 (CVE-2020-11052): when a hold is over the guard is armed again, five times in a row.
#[tokio::test]
async fn a_hold_that_is_over_begins_again() {
    each_store!(|world, store| {
        let auth = world.node(store);
        world.person(&auth).await;
        for minutes in [5, 10, 15, 15, 15] {
            for _ in 0..5 {
                assert_eq!(told(&auth, PHONE, "wrong").await, "wrong");
            }
            let why = refused(try_word(&auth, PHONE, "wrong").await);
            assert_eq!((why.code.as_str(), why.retry_after.unwrap().as_secs()), ("held", 60 * minutes));
            world.watch.forward(Duration::from_secs(60 * minutes - 1));
            assert_eq!(told(&auth, PHONE, WORD).await, "held");
            world.watch.forward(Duration::from_secs(1));
        }
        assert_eq!(told(&auth, PHONE, WORD).await, "done");
        // And a success makes the next hold the first again.
        get_held(&auth, PHONE).await;
        world.minutes(5);
        assert_eq!(told(&auth, PHONE, WORD).await, "done");
    });
}

/// ATTACKS 12 (CVE-2026-27801): guesses inside a session, and tries at one code, are in the store: each step is made
/// on a node that was started for it.
#[tokio::test]
async fn guesses_inside_a_session_are_saved() {
    each_store!(|world, store| {
        let mine = world.person(&world.node(store.clone())).await;
        let change = async |word: &str| -> Step {
            let auth = world.node(store.again(&world));
            let visit = auth.visit(Client::unknown());
            let next = pending(visit.change(&mine.token, Password::NAME).await.unwrap());
            let auth = world.node(store.again(&world));
            auth.visit(Client::unknown()).answer(&next.flow, Password::word(word)).await.unwrap()
        };
        for _ in 0..5 {
            assert_eq!(said(&change("wrong").await), "wrong");
        }
        assert_eq!(said(&change("wrong").await), "held");
        assert_eq!(said(&change(WORD).await), "held");
        world.minutes(5);
        assert_eq!(said(&change(WORD).await), "pending");

        let auth = world.node(store.clone());
        let next = pending(auth.visit(Client::unknown()).sign_in().start(PHONE).await.unwrap());
        let _ = pending(auth.visit(Client::unknown()).begin(&next.flow, &SMS).await.unwrap());
        let code = world.outbox.code(&auth).await;
        let answer = async |code: &str| -> Step {
            let auth = world.node(store.again(&world));
            auth.visit(Client::unknown()).answer(&next.flow, Code::typed(SMS, code)).await.unwrap()
        };
        for _ in 0..5 {
            assert_eq!(said(&answer(&other(&code)).await), "wrong");
        }
        assert_eq!(said(&answer(&code).await), "used_up");
        world.minutes(1);
        let _ = pending(auth.visit(Client::unknown()).begin(&next.flow, &SMS).await.unwrap());
        assert_eq!(said(&answer(&world.outbox.code(&auth).await).await), "done");
    });
}

/// ATTACKS 13 (CVE-2020-25827): two nodes over one file count together, for names that nobody has as well.
#[tokio::test]
async fn two_nodes_share_a_guard() {
    each_store!(|world, store| {
        let nodes = [world.node(store.clone()), world.node(store.again(&world))];
        world.person(&nodes[0]).await;
        for name in [PHONE, "+79160000000"] {
            for at in 0..5 {
                assert_eq!(told(&nodes[at % 2], name, "wrong").await, "wrong");
            }
            assert_eq!(told(&nodes[1], name, "wrong").await, "held");
            for node in &nodes {
                assert_eq!(told(node, name, WORD).await, "held");
            }
        }
        world.minutes(5);
        assert_eq!(told(&nodes[1], PHONE, WORD).await, "done");
        assert_eq!(told(&nodes[0], PHONE, "wrong").await, "wrong");
    });
}

/// ATTACKS 14 (CVE-2024-21652): a flood of other names does not push a victim's count out.
#[tokio::test]
async fn a_flood_of_names_evicts_no_guard() {
    each_store!(|world, store| {
        let auth = world.node(store.clone());
        world.person(&auth).await;
        for _ in 0..5 {
            assert_eq!(told(&auth, PHONE, "wrong").await, "wrong");
        }
        for n in 0..100 {
            assert_eq!(told(&auth, &format!("+7916000{n:04}"), "wrong").await, "wrong");
        }
        for block in 0..100_u32 {
            let key = |n: u32| {
                let mut bytes = [0xaa; 32];
                bytes[..4].copy_from_slice(&(1000 * block + n).to_be_bytes());
                (GuardKey(bytes), Limit::PORTAL)
            };
            let _ = store.reserve((0..1000).map(key).collect(), auth.now()).await.unwrap();
        }
        let _ = auth.tend(1_000_000).await.unwrap();
        assert_eq!(told(&auth, PHONE, "wrong").await, "held");
        world.minutes(5);
        assert_eq!(told(&auth, PHONE, WORD).await, "done");
    });
}

/// ATTACKS 15 (CVE-2026-45364): a customer has 2^64 addresses of IPv6 and one network; an IPv4 address has two
/// spellings and is one.
#[tokio::test]
async fn a_new_address_in_the_same_64_is_no_new_client() {
    let mut world = World::new();
    world.profile.network_rate = Rate { uses: 8, per: Duration::from_secs(60) };
    let auth = world.node(propusk::MemoryStore::default());
    world.person(&auth).await;
    let from = async |address: IpAddr, word: &str| {
        let visit = auth.visit(Client::unknown().from_address(address));
        said(&visit.sign_in().with(PHONE, Password::word(word)).await.unwrap())
    };
    let v6 = |network: u16, host: u64| {
        IpAddr::from(Ipv6Addr::from_bits(
            (0x2001_0db8_0000_u128 << 80) | (u128::from(network) << 64) | u128::from(host),
        ))
    };
    // Any bits of the lower half, the highest and the lowest among them.
    let hosts = [1, 2, 1 << 63, u64::MAX, 0xffff_0000, 1 << 32, 0, 0x0123_4567_89ab_cdef];
    for host in hosts {
        let said = from(v6(1, host), "wrong").await;
        assert!(["wrong", "held"].contains(&said), "{said}");
    }
    for host in 1000..1032_u64 {
        assert_eq!(from(v6(1, host.wrapping_mul(0x9e37_79b9_7f4a_7c15)), WORD).await, "throttled");
    }
    // The next /64 is somebody else; the owner's guard was not charged for what was throttled.
    world.minutes(5);
    for _ in 0..8 {
        assert_eq!(from(v6(2, 7), WORD).await, "done");
    }
    assert_eq!(from(v6(2, 8), WORD).await, "throttled");

    let v4: IpAddr = [192, 0, 2, 1].into();
    let mapped = IpAddr::from(Ipv6Addr::from_bits(0xffff_c000_0201));
    for at in 0..8 {
        assert_eq!(from([v4, mapped][at % 2], WORD).await, "done");
    }
    assert_eq!((from(v4, WORD).await, from(mapped, WORD).await), ("throttled", "throttled"));
    assert_eq!(from([192, 0, 2, 2].into(), WORD).await, "done");
}

/// ATTACKS 15 (CVE-2025-64526): what a guard counts for is the canonical name, whoever has it or nobody.
#[tokio::test]
async fn spellings_of_a_name_share_one_count() {
    let world = World::new();
    let auth = world.node(propusk::MemoryStore::default());
    world.register(&auth, EMAIL, WORD).await;
    world.person(&auth).await;
    let lists = [
        (
            EMAIL,
            [
                "ivan@example.org",
                "Ivan@Example.org",
                "IVAN@EXAMPLE.ORG",
                " ivan@example.org ",
                "ivan@ｅxample.org",
                "ivan@example。org",
            ],
        ),
        (
            "nobody@example.org",
            [
                "nobody@example.org",
                "Nobody@example.org",
                "NOBODY@EXAMPLE.ORG",
                " nobody@example.org",
                "nobody@ｅxample.org",
                "nobody@example。org",
            ],
        ),
        (
            PHONE,
            [
                "+79161234567",
                "8 (916) 123-45-67",
                "+7 916 123 45 67",
                "８９１６１２３４５６７",
                "7 916 1234567",
                "8-916-123-45-67",
            ],
        ),
    ];
    for (name, spellings) in lists {
        for spelling in &spellings[..5] {
            assert_eq!(told(&auth, spelling, "wrong").await, "wrong", "{spelling}");
        }
        assert_eq!(told(&auth, spellings[5], "wrong").await, "held", "{}", spellings[5]);
        assert_eq!(told(&auth, name, WORD).await, "held");
    }
    world.minutes(5);
    assert_eq!(told(&auth, "IVAN@example.org", WORD).await, "done");
    assert_eq!(told(&auth, "8 916 123-45-67", WORD).await, "done");
}
