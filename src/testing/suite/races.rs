//! Everything that may happen once, tried by many at the same time.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::id::Version;
use crate::lockout::{Limit, Reserved, Settlement};
use crate::store::{AccountRow, Committed, CredentialRow, FlowRow, IdentifierRow, SubjectKey, Write};
use crate::testing::lab::{Lab, REALM, T0, add_session, at, end, raise};
use crate::testing::race::{TASKS, Track};

fn commit(track: &Track<'_>, batch: Vec<Write>) -> Committed {
    track.call(track.lab.store().commit(batch))
}

/// None is as wrong as two: a store that refuses everybody is safe and useless.
#[track_caller]
fn one_winner(results: Vec<Committed>) {
    let winners = results.iter().filter(|result| **result == Committed::Won).count();
    assert_eq!((winners, results.len()), (1, TASKS), "exactly one wins");
}

/// ATTACKS 6, 33 to 36: one flow, taken once.
pub(in crate::testing) fn take_flow(lab: Lab) {
    lab.race(
        "take_flow",
        TASKS,
        |_| {
            let row = lab.flow();
            lab.won([Write::AddFlow(row.clone())]);
            row
        },
        |track, row, _| {
            let read =
                track.lab.ask(track.lab.store().find_flow(row.key, T0)).expect("nobody has taken it yet");
            track.all_here();
            commit(track, vec![Write::TakeFlow { key: read.key, expect: read.version }])
        },
        |row, results| {
            one_winner(results);
            assert_eq!(lab.ask(lab.store().find_flow(row.key, T0)), None);
        },
    );
}

/// ATTACKS 94: one step forward, whoever makes it.
pub(in crate::testing) fn swap_flow(lab: Lab) {
    lab.race(
        "swap_flow",
        TASKS,
        |_| {
            let row = lab.flow();
            lab.won([Write::AddFlow(row.clone())]);
            row
        },
        |track, row, nth| {
            let read = track.lab.ask(track.lab.store().find_flow(row.key, T0)).expect("the flow is there");
            track.all_here();
            let next = FlowRow { version: read.version.next(), sealed: vec![nth as u8], ..read.clone() };
            (commit(track, vec![Write::SwapFlow { row: next, expect: read.version }]), nth)
        },
        |row, results| {
            let now = lab.ask(lab.store().find_flow(row.key, T0)).expect("the flow is there");
            let winner =
                results.iter().find(|(result, _)| *result == Committed::Won).map(|(_, nth)| *nth as u8);
            assert_eq!(
                (now.version, Some(now.sealed[0])),
                (Version(2), winner),
                "what the winner wrote stands"
            );
            one_winner(results.into_iter().map(|(result, _)| result).collect());
        },
    );
}

/// ATTACKS 7, 98: the once-row is what makes an accept single.
pub(in crate::testing) fn once(lab: Lab) {
    lab.race(
        "once",
        TASKS,
        |_| lab.once_key(),
        |track, key, _| {
            track.all_here();
            commit(
                track,
                vec![Write::Event(track.lab.event(None, 0)), Write::Once { key: *key, until: at(9) }],
            )
        },
        |_, results| one_winner(results),
    );
}

pub(in crate::testing) fn swap_account(lab: Lab) {
    lab.race(
        "swap_account",
        TASKS,
        |_| lab.account(),
        |track, row, nth| {
            let read = track.lab.account_now(row.id);
            track.all_here();
            let next = AccountRow { version: read.version.next(), sealed: vec![nth as u8], ..read.clone() };
            commit(track, vec![Write::SwapAccount { row: next, expect: read.version }])
        },
        |row, results| {
            one_winner(results);
            assert_eq!(lab.account_now(row.id).version, Version(2));
        },
    );
}

pub(in crate::testing) fn raise_epoch(lab: Lab) {
    lab.race(
        "raise_epoch",
        TASKS,
        |_| lab.account(),
        |track, row, _| {
            let read = track.lab.account_now(row.id);
            track.all_here();
            commit(track, vec![raise(row.id, read.epoch)])
        },
        |row, results| {
            one_winner(results);
            assert_eq!(lab.account_now(row.id).epoch, row.epoch.next());
        },
    );
}

/// Two people register one phone at the same time: one has it.
pub(in crate::testing) fn add_identifier(lab: Lab) {
    lab.race(
        "add_identifier",
        TASKS,
        |_| {
            let account = lab.account();
            lab.identifier(account.id)
        },
        |track, row, _| {
            let account = track.lab.account_row();
            assert!(
                track.lab.subject(SubjectKey::Identifier(row.lookup)).is_none(),
                "free when it was looked up"
            );
            track.all_here();
            let row = IdentifierRow { account: account.id, ..row.clone() };
            (commit(track, vec![Write::AddAccount(account), Write::AddIdentifier(row.clone())]), row.account)
        },
        |row, results| {
            let found = lab.subject(SubjectKey::Identifier(row.lookup)).expect("the winner").account.id;
            for (result, account) in &results {
                assert_eq!(*result == Committed::Won, *account == found, "the winner has it");
                let there = lab.subject(SubjectKey::Account(*account)).is_some();
                assert_eq!(there, *account == found, "the losers' accounts are not there");
            }
            one_winner(results.into_iter().map(|(result, _)| result).collect());
        },
    );
}

/// A number is given up, its time is over, and at the same time its owner wants it back and strangers want it.
pub(in crate::testing) fn take_a_name_that_was_given_up(lab: Lab) {
    lab.race(
        "take_a_name_that_was_given_up",
        TASKS,
        |_| {
            let owner = lab.account();
            let row = lab.identifier(owner.id);
            lab.won([
                Write::AddIdentifier(row.clone()),
                Write::RemoveIdentifier { lookup: row.lookup, account: owner.id, free_at: T0 },
            ]);
            row
        },
        |track, row, nth| {
            let account = if nth == 0 { row.account } else { track.lab.account().id };
            track.all_here();
            // Half of the strangers come before any purge of their own.
            if nth % 2 == 1 {
                track.lab.ask(track.lab.store().purge(T0, 1));
            }
            let row = IdentifierRow { account, ..row.clone() };
            (commit(track, vec![Write::AddIdentifier(row)]), account)
        },
        |row, results| {
            let found = lab.subject(SubjectKey::Identifier(row.lookup)).map(|found| found.account.id);
            for (result, account) in &results {
                let names = lab.subject(SubjectKey::Account(*account)).expect("the account").identifiers;
                let has = (*result == Committed::Won, names.len());
                assert_eq!(has, if Some(*account) == found { (true, 1) } else { (false, 0) });
            }
            one_winner(results.into_iter().map(|(result, _)| result).collect());
        },
    );
}

/// What follows from a contact's removal (its last notice, its undoing) follows once.
pub(in crate::testing) fn remove_contact(lab: Lab) {
    lab.race(
        "remove_contact",
        TASKS,
        |_| {
            let row = lab.contact(lab.account().id);
            lab.won([Write::AddContact(row.clone())]);
            row
        },
        |track, row, _| {
            let subject = track.lab.subject(SubjectKey::Account(row.account)).expect("the account");
            let read = subject.contacts[0].clone();
            track.all_here();
            commit(track, vec![Write::RemoveContact { id: read.id, expect: read.version }])
        },
        |row, results| {
            one_winner(results);
            let now = lab.subject(SubjectKey::Account(row.account)).expect("the account");
            assert!(now.contacts.is_empty());
        },
    );
}

/// ATTACKS 1, 6: the step of a code is burned by a swap.
pub(in crate::testing) fn swap_credential(lab: Lab) {
    lab.race(
        "swap_credential",
        TASKS,
        |_| {
            let account = lab.account();
            let row = lab.credential(account.id, vec![lab.lookup()]);
            lab.won([Write::AddCredential(row.clone())]);
            row
        },
        |track, row, nth| {
            let subject = track.lab.subject(SubjectKey::Credential(row.lookups[0])).expect("the account");
            let read = subject.credentials[0].clone();
            track.all_here();
            let next =
                CredentialRow { version: read.version.next(), sealed: vec![nth as u8], ..read.clone() };
            commit(track, vec![Write::SwapCredential { row: next, expect: read.version }])
        },
        |row, results| {
            one_winner(results);
            let now = lab.subject(SubjectKey::Account(row.account)).expect("the account").credentials;
            assert_eq!(now[0].version, Version(2));
        },
    );
}

pub(in crate::testing) fn add_credential_handle(lab: Lab) {
    lab.race(
        "add_credential_handle",
        TASKS,
        |_| (lab.lookup(), (0..TASKS).map(|_| lab.account().id).collect::<Vec<_>>()),
        |track, (handle, accounts), nth| {
            let row = track.lab.credential(accounts[nth], vec![track.lab.lookup(), *handle]);
            track.all_here();
            (commit(track, vec![Write::AddCredential(row)]), accounts[nth])
        },
        |(handle, _), results| {
            let owner = lab.subject(SubjectKey::Credential(*handle)).expect("the winner").account.id;
            assert!(
                results.iter().all(|(result, account)| (*result == Committed::Won) == (*account == owner))
            );
            one_winner(results.into_iter().map(|(result, _)| result).collect());
        },
    );
}

/// ATTACKS 9: 200 wrong guesses at once; exactly the allowance is evaluated, and no count is lost.
pub(in crate::testing) fn reserve_counts_every_guess(lab: Lab) {
    const GUESSES: usize = 4;
    const ALLOWED: u32 = 10;
    // A run as long as the allowance: no hold comes before it is spent.
    let limit = Limit::PORTAL.with_free(ALLOWED).with_allowance(ALLOWED);
    lab.race(
        "reserve_counts_every_guess",
        TASKS,
        |_| lab.guard_key(),
        |track, key, _| {
            let store = track.lab.store();
            let mut evaluated = 0;
            track.all_here();
            for _ in 0..GUESSES {
                match track.call(store.reserve(vec![(*key, limit)], T0)) {
                    Reserved::Granted { .. } => {
                        evaluated += 1;
                        let wrong = Write::Settle { key: *key, how: Settlement::Refused, limit, at: T0 };
                        assert_eq!(track.lab.commit(vec![wrong]), Committed::Won);
                    }
                    Reserved::Full | Reserved::Spent => {}
                    other => panic!("no hold comes before the allowance is spent: {other:?}"),
                }
            }
            evaluated
        },
        |key, results| {
            let mut evaluated: u32 = results.iter().sum();
            let guard = lab.ask(lab.store().guard(*key)).expect("the guard is there");
            assert_eq!((guard.refused, guard.pending), (evaluated, 0), "no count is lost");
            assert!(evaluated <= ALLOWED, "{evaluated} guesses were evaluated, {ALLOWED} are allowed");
            // Those who were told to wait, and came again.
            while matches!(lab.ask(lab.store().reserve(vec![(*key, limit)], T0)), Reserved::Granted { .. }) {
                evaluated += 1;
                lab.won([Write::Settle { key: *key, how: Settlement::Refused, limit, at: T0 }]);
            }
            assert_eq!(evaluated, ALLOWED);
        },
    );
}

pub(in crate::testing) fn claim_hands_out_once(lab: Lab) {
    const MESSAGES: usize = 60;
    lab.race(
        "claim_hands_out_once",
        TASKS,
        |round| {
            let now = round as i64;
            let rows: Vec<_> = (0..MESSAGES).map(|_| lab.message(now)).collect();
            lab.won(rows.iter().cloned().map(Write::Message).collect::<Vec<_>>());
            (now, rows.iter().map(|row| row.id).collect::<BTreeSet<_>>())
        },
        |track, (now, _), _| {
            let store = track.lab.store();
            track.all_here();
            let handed = track.call(store.claim(REALM, at(*now), Duration::from_secs(3600), 3));
            handed.into_iter().map(|row| row.id).collect::<Vec<_>>()
        },
        |(_, ids), results| {
            let handed: Vec<_> = results.into_iter().flatten().collect();
            let different: BTreeSet<_> = handed.iter().copied().collect();
            assert_eq!(handed.len(), different.len(), "no message is handed out twice");
            assert_eq!(different, *ids, "each is handed out");
            lab.won(
                ids.iter()
                    .map(|id| Write::CloseMessage { id: *id, at: T0, delivered: true })
                    .collect::<Vec<_>>(),
            );
        },
    );
}

/// ATTACKS 50: a sign-in that began before the password change gives no session after it.
pub(in crate::testing) fn session_against_epoch(lab: Lab) {
    lab.race(
        "session_against_epoch",
        TASKS,
        |_| lab.account(),
        |track, row, nth| {
            let read = track.lab.account_now(row.id);
            let session = track.lab.session(&read, 0);
            track.all_here();
            let batch =
                if nth % 5 == 0 { vec![raise(row.id, read.epoch)] } else { vec![add_session(&session)] };
            (commit(track, batch), nth % 5 == 0, session.key)
        },
        |row, results| {
            let raised =
                results.iter().filter(|(result, raise, _)| *raise && *result == Committed::Won).count();
            assert_eq!(raised, 1, "exactly one raises the epoch");
            assert_eq!(lab.account_now(row.id).epoch, row.epoch.next());
            assert!(results.iter().all(|(_, _, key)| !lab.alive(*key)), "no session outlives the epoch");
            assert!(lab.sessions(row.id).iter().all(|session| session.epoch != row.epoch.next()));
        },
    );
}

/// ATTACKS 40, 97: touches that are under way while the owner signs out.
pub(in crate::testing) fn logout_against_touch(lab: Lab) {
    lab.race(
        "logout_against_touch",
        TASKS,
        |_| {
            let account = lab.account();
            let row = lab.session(&account, 0);
            lab.won([add_session(&row)]);
            row
        },
        |track, row, nth| {
            let found = track.lab.ask(track.lab.store().find_session(row.key));
            assert!(found.is_some(), "it was there when the request came");
            track.all_here();
            let write = if nth % 5 == 0 {
                end(row.account, row.id)
            } else {
                Write::TouchSession { key: row.key, seen: at(nth as i64) }
            };
            (commit(track, vec![write]), nth % 5 == 0)
        },
        |row, results| {
            let ended = results.iter().filter(|(result, end)| *end && *result == Committed::Won).count();
            assert_eq!(ended, 1, "exactly one ends it");
            assert!(!lab.alive(row.key), "it stays dead");
            assert!(lab.sessions(row.account).is_empty());
        },
    );
}

pub(in crate::testing) fn add_canary(lab: Lab) {
    lab.race(
        "add_canary",
        TASKS,
        |round| crate::id::Realm::owned(format!("realm {round}")),
        |track, realm, nth| {
            let none = track.lab.ask(track.lab.store().canary(realm.clone()));
            assert_eq!(none, None);
            track.all_here();
            (
                commit(track, vec![Write::AddCanary { realm: realm.clone(), sealed: vec![nth as u8] }]),
                nth as u8,
            )
        },
        |realm, results| {
            let winner =
                results.iter().find(|(result, _)| *result == Committed::Won).map(|(_, nth)| vec![*nth]);
            assert_eq!(lab.ask(lab.store().canary(realm.clone())), winner);
            one_winner(results.into_iter().map(|(result, _)| result).collect());
        },
    );
}
