//! Fifty at once, on one node over memory and on two nodes over one SQLite file.

use std::collections::BTreeMap;

use propusk::auth::Builder;

use crate::field::{BOTH, Field, Over, Rules, codes, rounds, tally};
use crate::wide::Wide;

use super::*;

const TASKS: usize = 50;

fn factors(builder: Builder, wide: bool) -> Builder {
    let builder = builder.factor(Code::sms());
    if wide { builder.factor(Wide(Password::default())) } else { builder.factor(Password::default()) }
}

fn field(over: Over, wide: bool) -> Field {
    let mut profile = one_factor();
    profile.recipient_rate.uses = 1_000_000;
    profile.sessions.at_most = 100_000;
    Field::new(over, wide, Rules { profile, factors })
}

async fn person(field: &Field) -> AccountId {
    let visit = field.calm.visit(Client::unknown());
    register(&field.calm, &field.outbox, &visit, PHONE, Password::word(WORD)).await.session.account()
}

async fn issue(field: &Field, account: AccountId) -> String {
    let (life, desk) = (Duration::from_secs(DAY), Client::unknown());
    match Password::issue_temporary(&field.calm, account, life, &desk).await.unwrap() {
        Issued::Password(made) => made.expose_str().unwrap().to_owned(),
        other => panic!("{other:?}"),
    }
}

async fn by(field: &Field, password: &str) -> Step {
    field.calm.visit(Client::unknown()).sign_in().with(PHONE, Password::word(password)).await.unwrap()
}

/// ATTACKS A, ASVS 6.4.1: one temporary password, fifty who know it, each with a flow of their own at the choice of a new
/// one: one of them has the account, and the temporary password opens nothing any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_temporary_password_that_fifty_know_ends_in_one_session() {
    for over in BOTH {
        for wide in [false, true] {
            let mut field = field(over, wide);
            let account = person(&field).await;
            let mut overlapped = 0;
            for round in 0..rounds() {
                let given = issue(&field, account).await;
                let mut flows = Vec::new();
                for _ in 0..TASKS {
                    flows.push(at_duty(*pending(by(&field, &given).await), Due::Temporary));
                }
                assert!(field.calm.sessions(account).await.unwrap().is_empty());
                field.gate("subject", TASKS);
                let mine = |nth: usize| format!("Река {round} номер {nth} впадает");
                let (steps, met) = field
                    .race(TASKS, 1, |nth, visit| {
                        let (flow, word) = (flows[nth].clone(), Password::word(&mine(nth)));
                        async move { visit.answer(&flow, word).await.unwrap() }
                    })
                    .await;
                overlapped += usize::from(met);
                assert_eq!(codes(&steps), BTreeMap::from([("done", 1), ("stale", TASKS - 1)]));
                assert_eq!(field.calm.sessions(account).await.unwrap().len(), 1);
                assert_eq!(said(&by(&field, &given).await), "wrong", "used up");
                let events = field.calm.history(account, EventPage::newest(1000)).await.unwrap();
                let changes =
                    events.iter().filter(|event| event.name.as_str() == "credential-changed").count();
                assert_eq!(changes, round + 1, "one new password");
            }
            let name = if wide { "one temporary password, no limit," } else { "one temporary password" };
            tally(name, over, overlapped, rounds());
        }
    }
}

/// One flow, fifty clicks on "change and sign in", each with another password.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_duty_is_done_once() {
    for over in BOTH {
        let mut field = field(over, true);
        let account = person(&field).await;
        let mut overlapped = 0;
        for round in 0..rounds() {
            let given = issue(&field, account).await;
            let flow = at_duty(*pending(by(&field, &given).await), Due::Temporary);
            field.gate("subject", TASKS);
            let (steps, met) = field
                .race(TASKS, 1, |nth, visit| {
                    let (flow, word) = (flow.clone(), format!("Река {round} номер {nth} впадает"));
                    async move { visit.answer(&flow, Password::word(&word)).await.unwrap() }
                })
                .await;
            overlapped += usize::from(met);
            let codes = codes(&steps);
            assert_eq!(codes["done"], 1, "{codes:?}");
            assert!(
                codes.keys().all(|code| ["done", "stale", "no_flow", "replayed"].contains(code)),
                "{codes:?}"
            );
            assert_eq!(field.calm.sessions(account).await.unwrap().len(), 1);
        }
        tally("one duty", over, overlapped, rounds());
    }
}
