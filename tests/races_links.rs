//! One link, fifty uses at once: followed in the browser that asked, followed on another device with the number, and asked
//! for by the page that waits. One sign-in, on memory and on two nodes over one SQLite file.
#![cfg(all(feature = "sqlite", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/field.rs"]
mod field;
#[path = "common/links.rs"]
mod links;
#[path = "common/portal.rs"]
mod portal;
#[path = "common/wide.rs"]
#[allow(dead_code, reason = "only its way to wait")]
mod wide;

use std::collections::BTreeMap;

use field::{BOTH, Field, Over, Rules, codes, rounds, tally};
use links::{Screen, address, follow};
use portal::{EMAIL, WORD, register};
use propusk::auth::Builder;
use propusk::flow::{Code as Why, Done, Followed, Refusal};
use propusk::policy::Requirement;
use propusk::proof::Aal;
use propusk::{Client, Code, Link, Password, Profile, Step, Token, Visit};

const TASKS: usize = 50;

/// Who uses the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Uses {
    Here,
    Elsewhere,
    Mixed,
    Polls,
}

fn factors(builder: Builder, _: bool) -> Builder {
    builder.factor(Password::default()).factor(Code::email()).factor(Link::at("/link"))
}

fn field(over: Over) -> Field {
    let mut profile = Profile::nist_aal1();
    profile.sign_in = Requirement::aal(Aal::Zero);
    profile.recipient_rate.uses = 1_000_000;
    // So that a session too many is seen, and not pushed out by another.
    profile.sessions.at_most = 100_000;
    Field::new(over, false, Rules { profile, factors })
}

async fn use_it(visit: Visit, how: Uses, at: String, letter: String, flow: Token) -> Step {
    let left = || Step::Refused(Box::new(Refusal::new(Why::Waiting)));
    let followed = match how {
        Uses::Polls => return visit.answer(&flow, Link::poll()).await.unwrap(),
        Uses::Elsewhere => visit.follow(&at, &letter).await.unwrap(),
        Uses::Here | Uses::Mixed => visit.follow(&at, &Link::confirmation()).await.unwrap(),
    };
    match followed {
        Followed::Step(step) => step,
        Followed::Left => left(),
        other => panic!("{other:?}"),
    }
}

async fn round(field: &mut Field, mine: &Done, uses: Uses) -> bool {
    field.hands.advance(3600);
    let binding = field.calm.random_token().unwrap();
    let asks = field.calm.visit(Client::unknown().bound_by(binding.clone()));
    let screen = Screen::sign_in(&asks, EMAIL).await;
    let at = field.outbox.all(&field.calm).await.iter().rev().find_map(address).unwrap().0;
    let phone = field.calm.random_token().unwrap();
    let letter = Link::number(&screen.number);
    if uses == Uses::Polls {
        let phone = field.calm.visit(Client::unknown().bound_by(phone.clone()));
        assert_eq!(follow(&phone, &at, &letter).await, "left");
    }
    let account = mine.session.account();
    let before = field.calm.sessions(account).await.unwrap().len();
    field.gate("find_flow", TASKS);
    let nodes = field.nodes.clone();
    let (steps, met) = field
        .race(TASKS, 1, |nth, _| {
            let how = match uses {
                Uses::Mixed => [Uses::Here, Uses::Elsewhere, Uses::Polls][nth % 3],
                other => other,
            };
            let by = if how == Uses::Elsewhere { &phone } else { &binding };
            let visit = nodes[nth % nodes.len()].visit(Client::unknown().bound_by(by.clone()));
            use_it(visit, how, at.clone(), letter.clone(), screen.flow.clone())
        })
        .await;
    let mut told = codes(&steps);
    // Where the letter was left elsewhere, the page that waits takes it.
    if !told.contains_key("done") {
        *told.entry(screen.told().await).or_default() += 1;
    }
    assert_eq!(told.get("done"), Some(&1), "{uses:?} {told:?}");
    let fine = ["done", "mailbox", "no_flow", "replayed", "waiting", "not_offered", "busy"];
    assert!(told.keys().all(|code| fine.contains(code)), "{uses:?} {told:?}");
    assert_eq!(field.calm.sessions(account).await.unwrap().len(), before + 1, "{uses:?} {told:?}");
    assert_eq!(follow(&asks, &at, &Link::confirmation()).await, "mailbox");
    met
}

/// ATTACKS 33 (CVE-2026-22751: one link, many sessions).
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_link_signs_in_once() {
    for over in BOTH {
        let mut overlapped: BTreeMap<&str, usize> = BTreeMap::new();
        let mut field = field(over);
        let visit = field.calm.visit(Client::unknown());
        let mine = register(&field.calm, &field.outbox, &visit, EMAIL, Password::word(WORD)).await;
        for _ in 0..rounds() {
            for (uses, name) in [
                (Uses::Here, "one link in the browser that asked"),
                (Uses::Elsewhere, "one link on another device"),
                (Uses::Polls, "one link, confirmed elsewhere, by the page that waits"),
                (Uses::Mixed, "one link here, elsewhere and by the page that waits"),
            ] {
                *overlapped.entry(name).or_default() += usize::from(round(&mut field, &mine, uses).await);
            }
        }
        for (name, overlapped) in overlapped {
            tally(name, over, overlapped, rounds());
        }
    }
}
