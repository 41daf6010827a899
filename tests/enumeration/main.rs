//! Who has an account shows in nothing: for a name that nobody has, one that somebody has, one whose account is
//! switched off, locked, being closed or closed, one whose account lacks the factor and one whose password must be replaced, before any proof, the same steps give the same answer, the
//! same number of hashes, the same calls of the store, and the same mail to the address that was typed. So too when
//! the name is held, and when its strangers' allowance is spent.
//!
//! Cells are every way of [`Visit`](propusk::Visit) that needs no session, by every kind of name, by every factor
//! that is offered or registered, by every shape of answer. A new way, factor or offer without cells fails.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[cfg(feature = "openapi")]
#[path = "../common/described.rs"]
mod described;
mod never_first;
#[path = "../common/otp.rs"]
mod otp;
#[path = "../common/portal.rs"]
mod portal;
#[cfg(feature = "axum")]
#[path = "../common/web.rs"]
mod web;
#[cfg(feature = "axum")]
mod wire;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use portal::{EMAIL, PHONE, Pin, pending};
use propusk::account::identifier::Identifier;
use propusk::id::FactorName;
use propusk::{Code, Factor, Link, Password};
use world::{Act, By, Door, Right, Say, Seen, Tried, Whose, With, World, scripts};

/// The factors of a door, from what it offers to a name that nobody has.
async fn offered(door: Door, name: &'static str) -> Vec<FactorName> {
    let world = World::new(By::Calls, Whose::Nobody, door, name, &Pin::NAME).await;
    let step = match door {
        Door::SignUp => world.visit.sign_up(name, "Пётр Иванов", "2026-01").await,
        Door::SignIn => world.visit.sign_in().start(name).await,
        Door::Recover => world.visit.recover().start(name).await,
        Door::Contact => return sends_to(name),
    };
    pending(step.unwrap()).offers.iter().map(|offer| offer.factor.clone()).collect()
}

/// An address is one's own by what is sent there; a letter's link signs in where it is, and binds nothing.
fn sends_to(name: &str) -> Vec<FactorName> {
    vec![if name.contains('@') { Code::email().name() } else { Code::sms().name() }]
}

#[derive(Default)]
struct Table {
    text: String,
    cells: usize,
    steps: usize,
    wrong: Vec<String>,
    codes: BTreeSet<String>,
    factors: BTreeSet<String>,
}

const ALL: [Whose; 9] = [
    Whose::Nobody,
    Whose::Somebody,
    Whose::SwitchedOff,
    Whose::Locked,
    Whose::SwitchedOffSince,
    Whose::Lacking,
    Whose::Due,
    Whose::Closing,
    Whose::Closed,
];

/// Whether an answer of this script is accepted: then there is nothing to compare.
fn accepts(whose: Whose, tried: Tried, factor: &FactorName, script: &[Act]) -> bool {
    let chosen = *factor == Password::NAME || *factor == Pin::NAME;
    let first = script.first() == Some(&With(Right));
    let any = first || script.contains(&Say(Right));
    let has =
        matches!(whose, Whose::Somebody | Whose::Closing) || whose == Whose::Due && *factor == Pin::NAME;
    tried == Tried::Never && chosen && (has && any || whose == Whose::SwitchedOffSince && first)
}

/// A registration asks for no factor of an account; and a contact that one signs in by is also where the codes go.
fn impossible(whose: Whose, door: Door, factor: &FactorName) -> bool {
    let chosen = *factor == Password::NAME || *factor == Pin::NAME;
    whose == Whose::Lacking && (door != Door::SignIn || !chosen)
}

async fn sheet(table: &mut Table, by: By, door: Door, name: &'static str, factor: &FactorName, tried: Tried) {
    let mut expected: BTreeMap<usize, Vec<Seen>> = BTreeMap::new();
    table.factors.insert(factor.as_str().to_owned());
    let _ = write!(
        table.text,
        "{:<22}{:<12}{:<8}",
        format!("{door:?} {}", kind(name)),
        factor.as_str(),
        format!("{tried:?}")
    );
    for whose in ALL {
        if impossible(whose, door, factor) {
            let _ = write!(table.text, "{:>12}", "-");
            continue;
        }
        let (mut equal, mut compared) = (0, 0);
        // An allowance that is spent stays so: one world serves all scripts.
        let mut world = World::new(by, whose, door, name, factor).await;
        if tried == Tried::Spent {
            world.tried(tried).await;
        }
        for (at, script) in scripts(door).into_iter().enumerate() {
            if accepts(whose, tried, factor, &script) {
                continue;
            }
            if tried == Tried::Spent {
                world.hands.advance(7200);
                world.flow = None;
            } else if at > 0 {
                world = World::new(by, whose, door, name, factor).await;
            }
            if tried == Tried::Held {
                world.tried(tried).await;
            }
            let before = to_name(&world).await;
            world.off_next = whose == Whose::SwitchedOffSince;
            let mut seen = Vec::new();
            for act in &script {
                seen.extend(world.act(*act).await.0);
                // At once: a code that is no longer of use is not delivered.
                world.outbox.deliver(&world.auth).await;
            }
            mail(table, &world, whose, &script, &seen, before).await;
            let code = |one: &Seen| one.step.split(" retry").next().unwrap_or_default().to_owned();
            table.codes.extend(seen.iter().filter(|one| one.step.starts_with("refused")).map(code));
            table.steps += seen.len();
            if whose == Whose::Nobody {
                expected.insert(at, seen);
                continue;
            }
            compared += 1;
            if seen == expected[&at] {
                equal += 1;
                continue;
            }
            let line = format!("{door:?} {name} {} {tried:?} {whose:?} {script:?}", factor.as_str());
            let pairs = expected[&at].iter().zip(&seen).filter(|(a, b)| a != b);
            let detail: String =
                pairs.map(|(a, b)| format!("\n  nobody: {a:?}\n  {whose:?}: {b:?}")).collect();
            table.wrong.push(line + &detail);
        }
        table.cells += compared;
        if whose != Whose::Nobody {
            let _ = write!(table.text, "{:>12}", format!("{equal}/{compared}"));
        }
    }
    table.text.push('\n');
}

fn kind(name: &str) -> &str {
    if name.contains('@') { "e-mail" } else { "phone" }
}

async fn to_name(world: &World) -> usize {
    let name = Identifier::parse(world.name).unwrap();
    world.outbox.all(&world.auth).await.iter().filter(|message| message.to == name).count()
}

/// A registration that opens or is begun anew sends one message to the address that was typed, whoever has it. A
/// sign-in sends codes to those who are there, and nothing to anybody else.
async fn mail(table: &mut Table, world: &World, whose: Whose, script: &[Act], seen: &[Seen], before: usize) {
    let sent = to_name(world).await - before;
    let begins = |one: &&Seen| {
        one.step.starts_with("pending") && one.calls.iter().any(|call| call.writes.contains(&"Message"))
    };
    let begun = seen.iter().filter(begins).count();
    // A hold that begins is told to the owner: at most one in a script.
    let fits = match (world.door, whose) {
        (Door::SignUp | Door::Contact, _) => sent == begun,
        // Who is told that there is no such account, and who gets a code.
        (Door::Recover, Whose::SwitchedOffSince) => sent == begun || sent + 1 == begun,
        (Door::Recover, _) => sent == begun || sent == begun + 1,
        (Door::SignIn, Whose::Nobody | Whose::SwitchedOff | Whose::Locked | Whose::Closed) => sent == 0,
        // Only what the first step sent, before it.
        (Door::SignIn, Whose::SwitchedOffSince) => {
            sent == 0 || sent == 1 && seen.first().as_ref().is_some_and(begins)
        }
        (Door::SignIn, Whose::Somebody | Whose::Lacking | Whose::Due | Whose::Closing) => {
            sent == begun || sent == begun + 1
        }
    };
    if !fits {
        table.wrong.push(format!("mail: {:?} {whose:?} {script:?}: {sent} sent, {begun} begun", world.door));
    }
}

#[tokio::test]
async fn who_has_an_account_shows_in_nothing() {
    compare(By::Calls).await;
}

/// Status, headers in their order, cookies and body, byte by byte.
#[cfg(feature = "axum")]
#[tokio::test]
async fn who_has_an_account_shows_in_no_response() {
    compare(By::Wire).await;
}

async fn compare(by: By) {
    let mut table = Table::default();
    let _ = write!(table.text, "{:<42}", format!("{by:?}: scripts equal to nobody's"));
    ALL.iter().skip(1).for_each(|whose| table.text += &format!("{:>12.11}", format!("{whose:?}")));
    table.text.push('\n');
    let long = std::env::var("PROPUSK_SIZE").is_ok_and(|size| size == "long");
    let all = [
        (Door::SignUp, PHONE),
        (Door::SignIn, EMAIL),
        (Door::Recover, EMAIL),
        (Door::Contact, EMAIL),
        (Door::SignUp, EMAIL),
        (Door::SignIn, PHONE),
        (Door::Recover, PHONE),
        (Door::Contact, PHONE),
    ];
    // The routes name no kind of name: half of it shows the same.
    let names = if by == By::Calls || long { &all[..] } else { &all[..4] };
    for (door, name) in names.iter().copied() {
        for factor in offered(door, name).await {
            // Only who has the letter gets a link refused: nobody holds it who has no account.
            let never_wrong = factor == Link::NAME;
            let tried = [Tried::Never, Tried::Held, Tried::Spent];
            for tried in tried.into_iter().take(if never_wrong { 1 } else { 3 }) {
                sheet(&mut table, by, door, name, &factor, tried).await;
            }
        }
    }
    println!("{}", table.text);
    println!("refusals seen: {}", table.codes.iter().cloned().collect::<Vec<_>>().join(", "));
    println!("counted: enumeration cells by {by:?} ({} steps), seed 0, count {}", table.steps, table.cells);
    assert!(table.wrong.is_empty(), "{} cells differ:\n{}", table.wrong.len(), table.wrong.join("\n"));
    assert!(table.cells > 0);
    // Held and spent were reached, and told alike.
    let codes = [
        "held",
        "spent",
        "wrong",
        "malformed",
        "used_up",
        "expired",
        "not_begun",
        "not_offered",
        "too_soon",
        "waiting",
    ];
    for code in codes {
        assert!(table.codes.iter().any(|seen| seen.contains(code)), "no cell shows {code}");
    }
    let registered =
        [Password::default().name(), Code::sms().name(), Code::email().name(), Link::NAME, Pin.name()];
    let registered: BTreeSet<String> = registered.iter().map(|name| name.as_str().to_owned()).collect();
    assert_eq!(table.factors, registered, "a factor that is registered is offered nowhere, or the reverse");
}

/// The list of what there is to compare is read from the source, so that it cannot lag behind.
#[test]
fn every_way_in_and_every_factor_has_cells() {
    let sources = [
        include_str!("../../src/flow.rs"),
        include_str!("../../src/flow/contact.rs"),
        include_str!("../../src/flow/owner.rs"),
        include_str!("../../src/flow/recover.rs"),
    ];
    let ways: BTreeSet<&str> = sources
        .iter()
        .flat_map(|source| source.split("    pub async fn ").skip(1))
        .filter_map(|rest| rest.split_once('(').map(|(name, _)| name))
        .collect();
    // `start` begins a sign-in, or a recovery.
    let with_cells = ["sign_up", "start", "with", "begin", "answer", "add_contact"];
    // Takes a flow in which a confirmed contact was proven.
    let proven = ["wait"];
    // These take a session's token: whoever calls them has proven who they are.
    let signed_in = [
        "change",
        "enrol",
        "remove",
        "step_up",
        "approve",
        "claim",
        "post",
        "switch",
        "sign_out",
        "end_session",
        "end_other_sessions",
        "stop_recovery",
        "recoveries",
        "remove_contact",
        "prefer_contact",
        "contacts",
    ];
    // Takes no name. That a credential which nobody has is told from no other: `tests/attacks/passkeys`.
    let unnamed = ["unnamed"];
    // Take an address that stands in a letter to a confirmed contact: whoever comes with it has the letter.
    let in_a_letter = ["look", "follow", "objection", "object"];
    // Takes a token of 256 random bits that a sign-in gave.
    let by_token = ["refresh"];
    let others = unnamed.into_iter().chain(in_a_letter).chain(by_token);
    let known: BTreeSet<&str> = with_cells.into_iter().chain(proven).chain(signed_in).chain(others).collect();
    assert_eq!(ways, known, "a way into the library without cells");

    let factors: BTreeSet<&str> = include_str!("../../src/factor.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let with_cells = ["code", "link", "password"];
    // No first step by a name: `never_first`.
    let never_first = ["approval", "backup_code", "hotp", "passkey", "question", "totp"];
    assert_eq!(factors, with_cells.into_iter().chain(never_first).collect(), "a factor without cells");
}

/// The routes that take no session are those that the cells go through.
#[cfg(feature = "axum")]
#[test]
fn every_route_has_cells() {
    let routes: BTreeSet<&str> = include_str!("../../src/axum/routes.rs")
        .split(".route(\"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"').map(|(path, _)| path))
        .collect();
    let with_cells = ["/sign-up", "/sign-in", "/recover", "/contacts", "/flow/begin", "/flow/answer"];
    let signed_in = [
        "/change",
        "/enrol",
        "/step-up",
        "/approvals",
        "/session",
        "/sessions",
        "/sessions/{id}",
        "/accounts",
        "/accounts/{id}",
        "/history",
        "/lock",
        "/close",
        "/export",
        "/preferences",
        "/messages",
        "/factors",
        "/factors/{id}",
        "/contacts/{id}",
        "/contacts/{id}/main",
    ];
    // Take a flow in which a confirmed contact, or all of a sign-in, was proven; any other is told "not offered".
    let proven = ["/recover/wait", "/flow/reopen"];
    // None takes a name.
    let the_same_for_all = ["/openapi.json", "/puzzle", "/token"];
    let in_a_letter = ["/return", "/objection"];
    let known = with_cells
        .into_iter()
        .chain(proven)
        .chain(signed_in)
        .chain(the_same_for_all)
        .chain(in_a_letter)
        .collect();
    assert_eq!(routes, known, "a route without cells");
}
