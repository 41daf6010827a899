//! The outbox.

use std::time::Duration;

use crate::id::{MessageId, Realm};
use crate::message::MessageRow;
use crate::store::Write;
use crate::testing::lab::{Lab, REALM, T0, at};

const LEASE: Duration = Duration::from_millis(100);

fn claim(lab: &Lab, now: i64, limit: usize) -> Vec<MessageId> {
    lab.ask(lab.store().claim(REALM, at(now), LEASE, limit)).iter().map(|row| row.id).collect()
}

pub(in crate::testing) fn hands_out_what_is_due_longest_due_first(lab: Lab) {
    let rows: Vec<_> = [30, 10, 20, 31].map(|due| lab.message(due)).to_vec();
    lab.won(rows.iter().cloned().map(Write::Message).collect::<Vec<_>>());
    assert!(claim(&lab, 9, 10).is_empty());
    assert!(claim(&lab, 30, 0).is_empty());
    let first = lab.ask(lab.store().claim(REALM, at(30), LEASE, 2));
    let handed = |row: &MessageRow| MessageRow { attempts: 1, ..row.clone() };
    assert_eq!(first, [handed(&rows[1]), handed(&rows[2])]);
    assert_eq!(claim(&lab, 30, 10), [rows[0].id]);
    assert!(claim(&lab, 30, 10).is_empty());
    assert_eq!(claim(&lab, 31, 10), [rows[3].id]);
}

pub(in crate::testing) fn leases_to_one_until_the_lease_ends(lab: Lab) {
    let row = lab.message(0);
    lab.won([Write::Message(row.clone())]);
    assert_eq!(claim(&lab, 5, 10), [row.id]);
    for now in [5, 6, 104] {
        assert!(claim(&lab, now, 10).is_empty(), "leased still at {now}");
    }
    let again = lab.ask(lab.store().claim(REALM, at(105), LEASE, 10));
    assert_eq!(again, [MessageRow { attempts: 2, ..row }]);
    assert!(claim(&lab, 204, 10).is_empty());
}

/// What one died over is still the longest due: else each death would put it behind all that came since.
pub(in crate::testing) fn what_was_leased_keeps_its_place(lab: Lab) {
    let (first, second) = (lab.message(0), lab.message(50));
    lab.won([Write::Message(first.clone()), Write::Message(second.clone())]);
    assert_eq!(claim(&lab, 0, 10), [first.id]);
    assert_eq!(claim(&lab, 100, 1), [first.id], "its lease is over");
    assert_eq!(claim(&lab, 100, 10), [second.id]);
    // What is put back is due when it is said to be.
    lab.won([
        Write::RetryMessage { id: first.id, due: at(120), tried: true },
        Write::RetryMessage { id: second.id, due: at(110), tried: true },
    ]);
    assert_eq!(claim(&lab, 120, 1), [second.id]);
    assert_eq!(claim(&lab, 120, 1), [first.id]);
}

/// A decoy's message is written as any other, and goes nowhere.
pub(in crate::testing) fn never_hands_out_what_is_not_to_be_delivered(lab: Lab) {
    let (decoy, real) = (MessageRow { deliver: false, ..lab.message(0) }, lab.message(1));
    lab.won([Write::Message(decoy.clone()), Write::Message(real.clone())]);
    assert_eq!(claim(&lab, 10, 1), [real.id], "it takes no place either");
    lab.won([Write::RetryMessage { id: decoy.id, due: at(20), tried: true }]);
    assert_eq!(claim(&lab, 1000, 10), [real.id]);
}

pub(in crate::testing) fn keeps_realms_apart(lab: Lab) {
    let other = Realm::new("another");
    let (mine, theirs) = (lab.message(0), MessageRow { realm: other.clone(), ..lab.message(0) });
    lab.won([Write::Message(mine.clone()), Write::Message(theirs.clone())]);
    assert_eq!(claim(&lab, 0, 10), [mine.id]);
    let found = lab.ask(lab.store().claim(other, T0, LEASE, 10));
    assert_eq!(found, [MessageRow { attempts: 1, ..theirs }]);
}

pub(in crate::testing) fn a_closed_message_is_never_handed_out(lab: Lab) {
    let rows: Vec<_> = (0..3).map(|_| lab.message(0)).collect();
    lab.won(rows.iter().cloned().map(Write::Message).collect::<Vec<_>>());
    lab.won([Write::CloseMessage { id: rows[0].id, at: T0, delivered: true }]);
    assert_eq!(claim(&lab, 0, 10).len(), 2);
    lab.won([Write::CloseMessage { id: rows[1].id, at: T0, delivered: false }]);
    lab.won([
        Write::RetryMessage { id: rows[0].id, due: at(1), tried: true },
        Write::RetryMessage { id: rows[1].id, due: at(1), tried: true },
    ]);
    lab.won([Write::CloseMessage { id: lab.message_id(), at: T0, delivered: true }]);
    lab.won([Write::CloseMessage { id: rows[0].id, at: T0, delivered: true }]);
    assert_eq!(claim(&lab, 1000, 10), [rows[2].id]);
}

pub(in crate::testing) fn a_retry_waits_until_it_is_due(lab: Lab) {
    let row = lab.message(0);
    lab.won([Write::Message(row.clone())]);
    assert_eq!(claim(&lab, 0, 10), [row.id]);
    lab.won([Write::RetryMessage { id: row.id, due: at(50), tried: true }]);
    assert!(claim(&lab, 49, 10).is_empty());
    assert_eq!(claim(&lab, 50, 10), [row.id], "the lease was over with the retry");
    lab.won([Write::RetryMessage { id: row.id, due: at(500), tried: true }]);
    assert!(claim(&lab, 499, 10).is_empty());
    lab.won([Write::RetryMessage { id: lab.message_id(), due: T0, tried: true }]);
    assert_eq!(claim(&lab, 500, 10), [row.id]);
}

/// What was handed out and put back untried is as it was: else a channel that hangs uses up the attempts of all that wait
/// behind it.
pub(in crate::testing) fn what_was_not_tried_is_no_attempt(lab: Lab) {
    let row = lab.message(0);
    lab.won([Write::Message(row.clone())]);
    let put_back = |tried| lab.won([Write::RetryMessage { id: row.id, due: at(10), tried }]);
    for (tried, attempts) in [(false, 1), (true, 1), (false, 2), (false, 2), (true, 2), (true, 3)] {
        let rows = lab.ask(lab.store().claim(REALM, at(10), LEASE, 10));
        assert_eq!(rows.iter().map(|row| row.attempts).collect::<Vec<_>>(), [attempts]);
        put_back(tried);
    }
    let fresh = lab.message(0);
    lab.won([Write::Message(fresh.clone()), Write::RetryMessage { id: fresh.id, due: at(5), tried: false }]);
    let rows = lab.ask(lab.store().claim(REALM, at(5), LEASE, 10));
    assert_eq!(rows.iter().map(|row| row.attempts).collect::<Vec<_>>(), [1], "never below nought");
}

pub(in crate::testing) fn an_id_is_used_once(lab: Lab) {
    let row = lab.message(0);
    lab.won([Write::Message(row.clone())]);
    lab.lost(Write::Message(row.clone()));
    lab.lost(Write::Message(MessageRow { realm: Realm::new("another"), deliver: false, ..row.clone() }));
    lab.won([Write::CloseMessage { id: row.id, at: T0, delivered: true }]);
    lab.lost(Write::Message(row));
}
