//! Sessions.

use crate::id::{Epoch, SessionId};
use crate::store::{AccountRow, SessionRow, Write};
use crate::testing::lab::{Lab, MANY, REALM, add_session, at, end, end_all, raise};
use crate::testing::suite::flows::near;

fn ids(rows: &[SessionRow]) -> Vec<SessionId> {
    let mut ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    ids.sort_unstable();
    ids
}

fn seen(lab: &Lab, row: &SessionRow) -> i64 {
    let found = lab.ask(lab.store().find_session(row.key)).expect("the session is there");
    found.row.seen.as_millis() - at(0).as_millis()
}

/// ATTACKS 61: the right account with a token that is nearly right finds nothing.
pub(in crate::testing) fn is_found_by_its_own_token_only(lab: Lab) {
    let (one, two) = (lab.account(), lab.account());
    let (first, second, foreign) = (lab.session(&one, 1), lab.session(&one, 2), lab.session(&two, 3));
    lab.won([&first, &second, &foreign].map(add_session));
    for (row, account) in [(&first, &one), (&second, &one), (&foreign, &two)] {
        let found = lab.ask(lab.store().find_session(row.key)).expect("the session is there");
        assert_eq!((&found.row, found.epoch), (row, account.epoch));
    }
    for byte in 0..32 {
        let near = near(first.key, byte);
        assert!(lab.ask(lab.store().find_session(near)).is_none(), "byte {byte}");
    }
    assert!(lab.ask(lab.store().find_session(lab.token())).is_none());
}

pub(in crate::testing) fn add_needs_the_epoch_of_the_account(lab: Lab) {
    let account = lab.account();
    for wrong in [account.epoch.next(), Epoch(account.epoch.0 - 1), Epoch(0)] {
        let row = SessionRow { epoch: wrong, ..lab.session(&account, 0) };
        lab.lost(add_session(&row));
        assert!(lab.ask(lab.store().find_session(row.key)).is_none());
    }
    let row = lab.session(&account, 0);
    lab.won([add_session(&row)]);
    assert!(lab.alive(row.key));
}

pub(in crate::testing) fn add_is_lost_when_the_key_exists(lab: Lab) {
    let (one, two) = (lab.account(), lab.account());
    let row = lab.session(&one, 0);
    lab.won([add_session(&row)]);
    for account in [&one, &two] {
        lab.lost(add_session(&SessionRow { key: row.key, ..lab.session(account, 0) }));
    }
    assert_eq!(lab.sessions(one.id), [row]);
    assert!(lab.sessions(two.id).is_empty());
}

pub(in crate::testing) fn a_list_is_of_one_account(lab: Lab) {
    let (one, two) = (lab.account(), lab.account());
    let (first, second, foreign) = (lab.session(&one, 1), lab.session(&one, 2), lab.session(&two, 3));
    lab.won([&first, &second, &foreign].map(add_session));
    assert_eq!(lab.sessions(one.id), [first, second]);
    assert_eq!(lab.sessions(two.id), [foreign]);
    assert!(lab.sessions(lab.account_id()).is_empty());
}

pub(in crate::testing) fn the_least_recently_used_go_beyond_the_limit(lab: Lab) {
    let (one, two) = (lab.account(), lab.account());
    let foreign = lab.session(&two, -1000);
    lab.won([add_session(&foreign)]);
    let rows: Vec<_> = [30, 10, 20].iter().map(|seen| lab.session(&one, *seen)).collect();
    lab.won(rows.iter().map(|row| Write::AddSession { row: row.clone(), keep: 3 }).collect::<Vec<_>>());
    assert_eq!(ids(&lab.sessions(one.id)), ids(&rows));
    lab.won([Write::TouchSession { key: rows[1].key, seen: at(40) }]);
    // The newest is the one that was used the longest ago: it stays all the same.
    let newest = lab.session(&one, 0);
    lab.won([Write::AddSession { row: newest.clone(), keep: 3 }]);
    assert_eq!(ids(&lab.sessions(one.id)), ids(&[rows[0].clone(), rows[1].clone(), newest]));
    assert!(!lab.alive(rows[2].key));
    let last = lab.session(&one, 50);
    lab.won([Write::AddSession { row: last.clone(), keep: 1 }]);
    assert_eq!(lab.sessions(one.id), [last]);
    assert!(rows.iter().all(|row| !lab.alive(row.key)));
    assert_eq!(lab.sessions(two.id), [foreign]);
}

/// It lies there until a purge, and was used later than they were.
pub(in crate::testing) fn what_is_over_takes_no_place_from_what_lives(lab: Lab) {
    let account = lab.account();
    let over: Vec<_> = (0..3).map(|_| SessionRow { expires: at(50), ..lab.session(&account, 40) }).collect();
    let living: Vec<_> = [10, 20].iter().map(|seen| lab.session(&account, *seen)).collect();
    lab.won(living.iter().chain(&over).map(add_session).collect::<Vec<_>>());
    let new = SessionRow { created: at(50), ..lab.session(&account, 50) };
    lab.won([Write::AddSession { row: new.clone(), keep: 3 }]);
    assert!(living.iter().chain([&new]).all(|row| lab.alive(row.key)));
    let last = SessionRow { created: at(60), ..lab.session(&account, 60) };
    lab.won([Write::AddSession { row: last.clone(), keep: 3 }]);
    assert!(!lab.alive(living[0].key), "of those that live the one that was used the longest ago");
    assert!([&living[1], &new, &last].iter().all(|row| lab.alive(row.key)));
}

pub(in crate::testing) fn touch_moves_seen_forward_only(lab: Lab) {
    let account = lab.account();
    let (row, other) = (lab.session(&account, 0), lab.session(&account, 0));
    lab.won([add_session(&row), add_session(&other)]);
    lab.won([Write::TouchSession { key: row.key, seen: at(500) }]);
    assert_eq!(seen(&lab, &row), 500);
    lab.won([Write::TouchSession { key: row.key, seen: at(400) }]);
    assert_eq!(seen(&lab, &row), 500);
    assert_eq!(lab.sessions(account.id)[0], SessionRow { seen: at(500), ..row });
    assert_eq!(seen(&lab, &other), 0);
}

/// ATTACKS 40: a late request must not write an ended session back.
pub(in crate::testing) fn touch_never_revives(lab: Lab) {
    let account = lab.account();
    let (row, never) = (lab.session(&account, 0), lab.session(&account, 0));
    lab.won([add_session(&row), Write::TouchSession { key: row.key, seen: at(5) }]);
    lab.won([end(account.id, row.id)]);
    for key in [row.key, never.key] {
        lab.won([Write::TouchSession { key, seen: at(10) }]);
        assert!(!lab.alive(key));
        assert!(lab.ask(lab.store().find_session(key)).is_none());
    }
    assert!(lab.sessions(account.id).is_empty());
}

pub(in crate::testing) fn end_is_for_the_owner_only(lab: Lab) {
    let (one, two) = (lab.account(), lab.account());
    let (row, other, foreign) = (lab.session(&one, 0), lab.session(&one, 0), lab.session(&two, 0));
    lab.won([&row, &other, &foreign].map(add_session));
    lab.lost(end(two.id, row.id));
    lab.lost(end(one.id, lab.session_id()));
    lab.lost(end(lab.account_id(), row.id));
    assert!(lab.alive(row.key));
    lab.won([end(one.id, row.id)]);
    assert!(!lab.alive(row.key));
    lab.lost(end(one.id, row.id));
    assert_eq!(lab.sessions(one.id), [other]);
    assert_eq!(lab.sessions(two.id), [foreign]);
}

pub(in crate::testing) fn end_all_but_one(lab: Lab) {
    let (one, two) = (lab.account(), lab.account());
    let rows: Vec<_> = (0..4).map(|_| lab.session(&one, 0)).collect();
    let foreign = lab.session(&two, 0);
    lab.won(rows.iter().chain([&foreign]).map(add_session).collect::<Vec<_>>());
    lab.won([end_all(one.id, Some(rows[2].id))]);
    assert_eq!(lab.sessions(one.id), [rows[2].clone()]);
    assert!(!lab.alive(rows[0].key) && lab.alive(rows[2].key));
    lab.won([end_all(one.id, Some(foreign.id))]);
    assert!(lab.sessions(one.id).is_empty());
    lab.won([end_all(one.id, None)]);
    lab.won([end_all(lab.account_id(), None)]);
    assert_eq!(lab.sessions(two.id), [foreign]);
}

/// One batch ends it and adds it again, of the same id: what a refresh token does. Nothing of the old token is left, and
/// whoever works off the outbox later ends nothing.
pub(in crate::testing) fn one_goes_on_under_another_token(lab: Lab) {
    let account = lab.account();
    let (row, other) = (lab.session(&account, 0), lab.session(&account, 0));
    lab.won([add_session(&row), add_session(&other)]);
    let again = SessionRow { key: lab.session(&account, 0).key, seen: at(20), ..row.clone() };
    let batch = vec![end(account.id, row.id), Write::AddSession { row: again.clone(), keep: 2 }];
    lab.won(batch.clone());
    for later in [at(30), at(60_000)] {
        assert!(!lab.alive(row.key));
        assert!(lab.alive(again.key) && lab.alive(other.key));
        assert_eq!(lab.sessions(account.id), [again.clone(), other.clone()]);
        assert!(lab.ask(lab.store().claim(REALM, later, std::time::Duration::from_secs(1), 10)).is_empty());
    }
    lab.won([end(account.id, row.id)]);
    assert!(!lab.alive(again.key));
    assert_eq!(lab.commit(batch), crate::store::Committed::Lost { at: 0 }, "it has ended");
    assert_eq!(lab.sessions(account.id), [other]);
}

/// ATTACKS 50: one number ends all sessions, and a session from before it cannot come after it.
pub(in crate::testing) fn raising_the_epoch_kills_all(lab: Lab) {
    let (one, two) = (lab.account(), lab.account());
    let old: Vec<_> = (0..3).map(|seen| lab.session(&one, 100 + seen)).collect();
    let foreign = lab.session(&two, 0);
    lab.won(old.iter().chain([&foreign]).map(add_session).collect::<Vec<_>>());
    let raised = AccountRow { epoch: one.epoch.next(), ..one.clone() };
    let (late, new) = (lab.session(&one, 0), lab.session(&raised, 0));
    let raise = raise(one.id, one.epoch);
    let batch = vec![raise.clone(), add_session(&late)];
    assert_eq!(lab.commit(batch), crate::store::Committed::Lost { at: 1 });
    assert!(old.iter().all(|row| lab.alive(row.key)), "a lost batch ends nothing");
    lab.won([raise, add_session(&new)]);
    for row in &old {
        assert!(!lab.alive(row.key));
        lab.won([Write::TouchSession { key: row.key, seen: at(1) }]);
        assert!(!lab.alive(row.key));
    }
    lab.lost(add_session(&late));
    assert!(lab.alive(new.key) && lab.alive(foreign.key));
    let living: Vec<_> = lab.sessions(one.id).into_iter().filter(|row| row.epoch == raised.epoch).collect();
    assert_eq!(living, [new.clone()]);
    // The dead do not count for the limit, though they were used later.
    let second = lab.session(&raised, 0);
    lab.won([Write::AddSession { row: second.clone(), keep: 2 }]);
    assert!(lab.alive(new.key) && lab.alive(second.key));
    lab.won([Write::AddSession { row: lab.session(&two, 0), keep: MANY }]);
}
