//! The audit log.

use crate::event::{EventPage, EventRow, Outcome};
use crate::id::{AccountId, EventId, Realm, SessionId};
use crate::store::Write;
use crate::testing::lab::{Lab, REALM, at};
use crate::testing::race::TASKS;

fn page(lab: &Lab, of: AccountId, page: EventPage) -> Vec<EventId> {
    lab.ask(lab.store().events(of, page)).iter().map(|row| row.id).collect()
}

/// So many events of the account, oldest first, ten milliseconds apart.
fn events(lab: &Lab, of: Option<AccountId>, count: i64) -> Vec<EventRow> {
    let rows: Vec<_> = (0..count).map(|nth| lab.event(of, nth * 10)).collect();
    lab.won(rows.iter().cloned().map(Write::Event).collect::<Vec<_>>());
    rows
}

pub(in crate::testing) fn newest_first_of_one_account(lab: Lab) {
    let (one, two) = (lab.account().id, lab.account().id);
    let first = events(&lab, Some(one), 2);
    let _ = events(&lab, Some(two), 2);
    let _ = events(&lab, None, 2);
    let last = events(&lab, Some(one), 1);
    let found = lab.ask(lab.store().events(one, EventPage::newest(100)));
    assert_eq!(found, [last[0].clone(), first[1].clone(), first[0].clone()]);
    // An account that is not there has events all the same: a decoy's.
    let nobody = lab.account_id();
    assert!(page(&lab, nobody, EventPage::newest(100)).is_empty());
    let row = events(&lab, Some(nobody), 1);
    assert_eq!(page(&lab, nobody, EventPage::newest(100)), [row[0].id]);
}

pub(in crate::testing) fn pages_neither_skip_nor_repeat(lab: Lab) {
    let (one, two) = (lab.account().id, lab.account().id);
    let mut rows = vec![];
    for _ in 0..5 {
        rows.extend(events(&lab, Some(one), 5).iter().map(|row| row.id));
        let _ = events(&lab, Some(two), 3);
    }
    rows.reverse();
    let mut seen = vec![];
    loop {
        let before = seen.last().copied();
        let ids = page(&lab, one, EventPage { before, ..EventPage::newest(7) });
        assert!(ids.len() <= 7);
        // What comes meanwhile is newer than the cursor.
        let _ = events(&lab, Some(one), 2);
        if ids.is_empty() {
            break;
        }
        seen.extend(ids);
    }
    assert_eq!(seen, rows);
    assert!(page(&lab, one, EventPage::newest(0)).is_empty());
}

pub(in crate::testing) fn filters_hold_at_the_boundary(lab: Lab) {
    let account = lab.account().id;
    let outcomes = [Outcome::Done, Outcome::Refused, Outcome::TimedOut, Outcome::Refused, Outcome::Done];
    let rows: Vec<_> = (0..)
        .zip(outcomes)
        .map(|(nth, outcome)| EventRow { outcome, ..lab.event(Some(account), nth * 10) })
        .collect();
    lab.won(rows.iter().cloned().map(Write::Event).collect::<Vec<_>>());
    let ids = |chosen: &[usize]| chosen.iter().map(|nth| rows[*nth].id).collect::<Vec<_>>();
    let all = EventPage::newest(100);
    let ask = |wanted: EventPage| page(&lab, account, wanted);
    assert_eq!(ask(EventPage { since: Some(at(20)), ..all.clone() }), ids(&[4, 3, 2]));
    assert_eq!(ask(EventPage { since: Some(at(21)), ..all.clone() }), ids(&[4, 3]));
    assert_eq!(ask(EventPage { until: Some(at(20)), ..all.clone() }), ids(&[1, 0]));
    assert_eq!(ask(EventPage { until: Some(at(21)), ..all.clone() }), ids(&[2, 1, 0]));
    assert_eq!(ask(EventPage { outcome: Some(Outcome::Refused), ..all.clone() }), ids(&[3, 1]));
    assert_eq!(ask(EventPage { outcome: Some(Outcome::TimedOut), ..all.clone() }), ids(&[2]));
    assert_eq!(ask(EventPage { before: Some(rows[3].id), ..all.clone() }), ids(&[2, 1, 0]));
    let narrow = EventPage {
        before: Some(rows[4].id),
        since: Some(at(10)),
        until: Some(at(40)),
        outcome: Some(Outcome::Refused),
        limit: 1,
    };
    assert_eq!(ask(narrow.clone()), ids(&[3]), "the limit counts what the filters let through");
    assert_eq!(ask(EventPage { before: Some(rows[3].id), ..narrow }), ids(&[1]));
}

pub(in crate::testing) fn a_page_has_a_longest_length(lab: Lab) {
    let account = lab.account().id;
    let rows = events(&lab, Some(account), 1005);
    let found = page(&lab, account, EventPage::newest(usize::MAX));
    assert_eq!(found.len(), 1000);
    assert_eq!(found.first(), rows.last().map(|row| &row.id));
}

pub(in crate::testing) fn an_id_is_used_once(lab: Lab) {
    let (one, two) = (lab.account().id, lab.account().id);
    let row = events(&lab, Some(one), 1).remove(0);
    for account in [Some(one), Some(two), None] {
        lab.lost(Write::Event(EventRow { account, sealed: vec![9], ..row.clone() }));
    }
    assert_eq!(lab.ask(lab.store().events(one, EventPage::newest(9))), [row]);
    assert!(page(&lab, two, EventPage::newest(9)).is_empty());
}

pub(in crate::testing) fn beginnings_are_found_by_session(lab: Lab) {
    let account = lab.account().id;
    let rows = events(&lab, Some(account), 3);
    let session = |row: &EventRow| SessionId::from_bytes(*row.id.as_bytes());
    let asked = vec![session(&rows[2]), lab.session_id(), session(&rows[0])];
    let mut found = lab.ask(lab.store().beginnings(asked));
    found.sort_by_key(|row| row.id);
    assert_eq!(found, [rows[0].clone(), rows[2].clone()]);
    assert!(lab.ask(lab.store().beginnings(vec![])).is_empty());
}

fn drop_events(lab: &Lab, before: i64, limit: usize) -> usize {
    lab.ask(lab.store().drop_events(REALM, false, at(before), limit))
}

pub(in crate::testing) fn old_ones_are_dropped_oldest_first_and_so_many(lab: Lab) {
    let (one, two) = (lab.account().id, lab.account().id);
    // Written in another order than they happened: a node's clock may be slow.
    let rows: Vec<_> = [50, 10, 30, 20, 40].map(|when| lab.event(Some(one), when)).into();
    lab.won(rows.iter().cloned().map(Write::Event).collect::<Vec<_>>());
    let nobody = lab.event(None, 15);
    let other = lab.event(Some(two), 60);
    lab.won([&nobody, &other].map(|row| Write::Event(row.clone())));
    let left = |of| {
        let mut left = page(&lab, of, EventPage::newest(9));
        left.reverse();
        left
    };
    assert_eq!(drop_events(&lab, 10, 9), 0, "what happened at that moment stays");
    assert_eq!(drop_events(&lab, 41, 0), 0);
    assert_eq!(drop_events(&lab, 41, 3), 3, "those of 10, 15 and 20");
    assert_eq!(left(one), [rows[0].id, rows[2].id, rows[4].id]);
    let session = |row: &EventRow| SessionId::from_bytes(*row.id.as_bytes());
    let asked = [&rows[1], &nobody, &rows[2]].map(session).to_vec();
    let found = lab.ask(lab.store().beginnings(asked));
    assert_eq!(found, [rows[2].clone()], "what is gone is found by nothing");
    assert_eq!([drop_events(&lab, 41, 3), drop_events(&lab, 41, 3)], [2, 0]);
    assert_eq!((left(one), left(two)), (vec![rows[0].id], vec![other.id]));
    assert_eq!(drop_events(&lab, 1000, usize::MAX), 2);
    assert!(left(one).is_empty() && left(two).is_empty());
}

pub(in crate::testing) fn dropping_takes_one_realm_and_one_kind(lab: Lab) {
    let account = lab.account().id;
    let mut rows = vec![];
    for realm in [REALM, Realm::new("another")] {
        for lasting in [false, true] {
            rows.push(EventRow { realm: realm.clone(), lasting, ..lab.event(Some(account), 10) });
        }
    }
    lab.won(rows.iter().cloned().map(Write::Event).collect::<Vec<_>>());
    for (gone, row) in rows.iter().enumerate() {
        let kept = lab.ask(lab.store().events(account, EventPage::newest(9)));
        let mut expected = rows[gone..].to_vec();
        expected.reverse();
        assert_eq!(kept, expected, "and all of each row is as it was written");
        let drop = || lab.ask(lab.store().drop_events(row.realm.clone(), row.lasting, at(11), 9));
        assert_eq!([drop(), drop()], [1, 0]);
    }
    assert!(page(&lab, account, EventPage::newest(9)).is_empty());
}

/// A cursor may stand on what is dropped meanwhile.
pub(in crate::testing) fn pages_go_on_while_old_ones_are_dropped(lab: Lab) {
    let account = lab.account().id;
    let mut ids: Vec<_> = events(&lab, Some(account), 30).iter().map(|row| row.id).collect();
    ids.reverse();
    let after = |before| page(&lab, account, EventPage { before: Some(before), ..EventPage::newest(6) });
    let first = page(&lab, account, EventPage::newest(6));
    // The oldest five, of the moments 0 to 40.
    assert_eq!(drop_events(&lab, 50, 9), 5);
    let second = after(first[5]);
    assert_eq!([first, second.clone()].concat(), ids[..12]);
    // All up to the cursor, and the cursor's own.
    assert_eq!(drop_events(&lab, 190, 99), 14);
    assert_eq!(after(second[5]), []);
    assert_eq!(page(&lab, account, EventPage::newest(99)), ids[..11]);
    assert_eq!(after(ids[8]), ids[9..11]);
}

/// Two tenders at one history: each line goes once, and no newer one with it.
pub(in crate::testing) fn two_at_once_drop_each_once(lab: Lab) {
    const OLD: usize = 60;
    lab.race(
        "two_at_once_drop_each_once",
        TASKS,
        |_| {
            let account = lab.account().id;
            let rows = (0..OLD).map(|nth| lab.event(Some(account), i64::from(nth >= OLD / 2)));
            lab.won(rows.map(Write::Event).collect::<Vec<_>>());
            account
        },
        |track, _, _| {
            track.all_here();
            track.call(track.lab.store().drop_events(REALM, false, at(1), 3))
        },
        |account, results| {
            assert!(results.iter().all(|gone| *gone <= 3), "no more than asked");
            let gone: usize = results.into_iter().sum();
            let drop = |before| lab.ask(lab.store().drop_events(REALM, false, at(before), OLD));
            assert_eq!(gone + drop(1), OLD / 2, "what one counts, no other does");
            assert_eq!(lab.ask(lab.store().events(*account, EventPage::newest(OLD))).len(), OLD / 2);
            assert_eq!(drop(2), OLD / 2);
        },
    );
}
