//! What a purge drops, and at which moment.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::lockout::{GuardKey, Limit, Reserved, Settlement};
use crate::message::MessageRow;
use crate::store::{BrowserRow, FlowRow, SessionRow, SubjectKey, Write};
use crate::testing::lab::{Lab, REALM, T0, add_session, at};

const LIMIT: usize = 100;

fn purge(lab: &Lab, now: Timestamp) -> usize {
    lab.ask(lab.store().purge(now, LIMIT))
}

pub(in crate::testing) fn drops_flows_at_their_end(lab: Lab) {
    let row = FlowRow { expires: at(50), ..lab.flow() };
    let lives = FlowRow { expires: at(51), ..lab.flow() };
    lab.won([Write::AddFlow(row.clone()), Write::AddFlow(lives.clone())]);
    assert_eq!(purge(&lab, at(49)), 0);
    assert_eq!(lab.ask(lab.store().find_flow(row.key, T0)), Some(row.clone()));
    assert_eq!(purge(&lab, at(50)), usize::from(lab.purges_hot()));
    assert_eq!(lab.ask(lab.store().find_flow(row.key, at(50))), None);
    if lab.purges_hot() {
        assert_eq!(lab.ask(lab.store().find_flow(row.key, T0)), None);
        lab.lost(Write::TakeFlow { key: row.key, expect: row.version });
    }
    assert_eq!(lab.ask(lab.store().find_flow(lives.key, T0)), Some(lives));
    assert_eq!(purge(&lab, at(50)), 0);
}

pub(in crate::testing) fn drops_once_rows_at_their_end(lab: Lab) {
    let key = lab.once_key();
    lab.won([Write::Once { key, until: at(50) }]);
    assert_eq!(purge(&lab, at(49)), 0);
    lab.lost(Write::Once { key, until: at(50) });
    assert_eq!(purge(&lab, at(50)), 1);
    lab.won([Write::Once { key, until: at(60) }]);
}

pub(in crate::testing) fn drops_sessions_at_their_end_or_idle(lab: Lab) {
    let account = lab.account();
    let ends = SessionRow { expires: at(50), ..lab.session(&account, 0) };
    let idle = SessionRow { idle_secs: 10, ..lab.session(&account, 0) };
    let used = SessionRow { idle_secs: 10, ..lab.session(&account, 0) };
    lab.won([&ends, &idle, &used].map(add_session));
    assert_eq!(purge(&lab, at(49)), 0);
    assert!(lab.alive(ends.key));
    if !lab.purges_hot() {
        // Whoever asks for a session judges its time.
        return assert_eq!(purge(&lab, at(10_000)), 0);
    }
    assert_eq!(purge(&lab, at(50)), 1);
    assert!(!lab.alive(ends.key));
    lab.won([Write::TouchSession { key: used.key, seen: at(1) }]);
    assert_eq!(purge(&lab, at(9_999)), 0);
    assert_eq!(purge(&lab, at(10_000)), 1);
    assert!(!lab.alive(idle.key) && lab.alive(used.key));
    let left: Vec<_> = lab.sessions(account.id).iter().map(|row| row.id).collect();
    assert_eq!(left, [used.id]);
    lab.won([add_session(&idle)]);
}

/// ATTACKS 14: a guard that still counts is never dropped, however full the store is.
pub(in crate::testing) fn drops_guards_when_they_may_be_forgotten(lab: Lab) {
    let limit = Limit::PORTAL;
    let (pending, held) = (lab.guard_key(), lab.guard_key());
    let reserve = |key: GuardKey, now| lab.ask(lab.store().reserve(vec![(key, limit)], now));
    let _ = reserve(pending, T0);
    for _ in 0..=limit.free {
        let _ = reserve(held, T0);
        lab.won([Write::Settle { key: held, how: Settlement::Refused, limit, at: T0 }]);
    }
    let forgotten = T0.after(limit.idle);
    for now in [T0, T0.after(limit.hold), forgotten.before(Duration::from_millis(1))] {
        assert_eq!(purge(&lab, now), 0);
        assert!(lab.ask(lab.store().guard(pending)).is_some());
        assert!(lab.ask(lab.store().guard(held)).is_some());
    }
    assert_eq!(reserve(held, T0), Reserved::Held { until: T0.after(limit.hold) });
    // Whatever happens to a guard keeps it for as long again.
    lab.won([Write::Settle { key: pending, how: Settlement::Refused, limit, at: at(1) }]);
    assert_eq!(purge(&lab, forgotten), 1);
    assert!(lab.ask(lab.store().guard(held)).is_none());
    assert!(lab.ask(lab.store().guard(pending)).is_some());
    assert_eq!(purge(&lab, forgotten.after(Duration::from_millis(1))), 1);
    assert!(lab.ask(lab.store().guard(pending)).is_none());
}

pub(in crate::testing) fn drops_browsers_at_their_end(lab: Lab) {
    let account = lab.account();
    let ends = BrowserRow { expires: at(50), ..lab.browser(account.id, 0) };
    let lives = BrowserRow { expires: at(50), ..lab.browser(account.id, 0) };
    lab.won([&ends, &lives].map(|row| Write::AddBrowser { row: row.clone(), keep: 9 }));
    lab.won([Write::TouchBrowser { id: lives.id, seen: at(1), expires: at(51) }]);
    let known = || lab.subject(SubjectKey::Account(account.id)).expect("the account").browsers.len();
    assert_eq!((purge(&lab, at(49)), known()), (0, 2));
    assert_eq!((purge(&lab, at(50)), known()), (1, 1));
    assert_eq!((purge(&lab, at(51)), known()), (1, 0));
    lab.won([Write::AddBrowser { row: ends, keep: 9 }]);
}

pub(in crate::testing) fn drops_messages_that_are_done(lab: Lab) {
    let rows: Vec<_> = (0..3).map(|_| lab.message(0)).collect();
    let decoy = MessageRow { deliver: false, ..lab.message(50) };
    lab.won(rows.iter().chain([&decoy]).cloned().map(Write::Message).collect::<Vec<_>>());
    lab.won([
        Write::CloseMessage { id: rows[0].id, at: at(60), delivered: true },
        Write::CloseMessage { id: rows[1].id, at: at(60), delivered: false },
    ]);
    assert_eq!(purge(&lab, at(49)), 0);
    assert_eq!(purge(&lab, at(50)), 1, "what is not to be delivered, when it was due");
    assert_eq!(purge(&lab, at(59)), 0);
    assert_eq!(purge(&lab, at(60)), 2, "what is closed");
    assert_eq!(purge(&lab, at(1_000_000_000)), 0, "never what is still to be delivered");
    let left = lab.ask(lab.store().claim(REALM, at(60), Duration::from_secs(1), 9));
    assert_eq!(left, [MessageRow { attempts: 1, ..rows[2].clone() }]);
}

pub(in crate::testing) fn frees_names_at_their_time(lab: Lab) {
    let account = lab.account();
    let names: Vec<_> = (0..3).map(|_| lab.identifier(account.id)).collect();
    lab.won(names.iter().cloned().map(Write::AddIdentifier).collect::<Vec<_>>());
    lab.won(
        [(0, 50), (1, 51)]
            .map(|(nth, free)| (names[nth].lookup, at(free)))
            .map(|(lookup, free_at)| Write::RemoveIdentifier { lookup, account: account.id, free_at }),
    );
    assert_eq!([49, 50, 50, 51].map(|now| purge(&lab, at(now))), [0, 1, 0, 1]);
    assert_eq!(purge(&lab, at(1_000_000_000)), 0, "never one that somebody has");
    assert!(lab.subject(SubjectKey::Identifier(names[2].lookup)).is_some());
}

pub(in crate::testing) fn stops_at_its_limit(lab: Lab) {
    let account = lab.account();
    for _ in 0..5 {
        lab.won([
            Write::AddFlow(FlowRow { expires: at(1), ..lab.flow() }),
            Write::Once { key: lab.once_key(), until: at(1) },
            add_session(&SessionRow { expires: at(1), ..lab.session(&account, 0) }),
        ]);
    }
    let purge = || lab.ask(lab.store().purge(at(1), 2));
    if lab.purges_hot() {
        assert_eq!(
            [purge(), purge(), purge(), purge()],
            [6, 6, 3, 0],
            "two of each kind, until there is none"
        );
        assert!(lab.sessions(account.id).is_empty());
    } else {
        assert_eq!(
            [purge(), purge(), purge(), purge()],
            [2, 2, 1, 0],
            "two of each kind, until there is none"
        );
    }
}
