//! Accounts, identifiers, contacts.

use crate::id::{Epoch, Version};
use crate::store::{AccountRow, AccountState, IdentifierRow, SubjectKey, Write};
use crate::testing::lab::{Lab, T0, at, raise};

pub(in crate::testing) fn is_found_by_its_id_only(lab: Lab) {
    let (one, two) = (lab.account(), lab.account());
    assert_eq!(lab.account_now(one.id), one);
    assert_eq!(lab.account_now(two.id), two);
    assert!(lab.subject(SubjectKey::Account(lab.account_id())).is_none());
}

pub(in crate::testing) fn add_is_lost_when_the_id_exists(lab: Lab) {
    let row = lab.account();
    lab.lost(Write::AddAccount(AccountRow { sealed: vec![9], ..row.clone() }));
    assert_eq!(lab.account_now(row.id), row);
}

pub(in crate::testing) fn swap_needs_the_version_that_was_read(lab: Lab) {
    let (row, other) = (lab.account(), lab.account());
    let locked =
        AccountRow { version: Version(2), state: AccountState::Locked, sealed: vec![9], ..row.clone() };
    for wrong in [Version(0), Version(2), Version(-1), Version(i64::MAX)] {
        lab.lost(Write::SwapAccount { row: locked.clone(), expect: wrong });
    }
    let nobody = AccountRow { id: lab.account_id(), ..locked.clone() };
    lab.lost(Write::SwapAccount { row: nobody, expect: Version(1) });
    assert_eq!(lab.account_now(row.id), row);
    lab.won([Write::SwapAccount { row: locked.clone(), expect: Version(1) }]);
    assert_eq!(lab.account_now(row.id), locked);
    lab.lost(Write::SwapAccount { row: AccountRow { version: Version(2), ..row }, expect: Version(1) });
    assert_eq!(lab.account_now(locked.id), locked);
    assert_eq!(lab.account_now(other.id), other);
}

/// A session that is kept elsewhere is made only while the account's epoch stands.
pub(in crate::testing) fn keep_epoch_needs_the_epoch_that_was_read(lab: Lab) {
    let row = lab.account();
    let keep = |account, expect| Write::KeepEpoch { account, expect };
    lab.won([keep(row.id, row.epoch)]);
    lab.lost(keep(row.id, row.epoch.next()));
    lab.lost(keep(row.id, Epoch(row.epoch.0 - 1)));
    lab.lost(keep(lab.account_id(), row.epoch));
    lab.won([raise(row.id, row.epoch), keep(row.id, row.epoch.next())]);
    lab.lost(keep(row.id, row.epoch));
}

/// A profile written over a password change must not bring dead sessions back.
pub(in crate::testing) fn swap_never_changes_the_epoch(lab: Lab) {
    let row = lab.account();
    lab.won([raise(row.id, row.epoch)]);
    let stale = AccountRow { version: Version(2), ..row.clone() };
    lab.won([Write::SwapAccount { row: stale, expect: Version(1) }]);
    let now = lab.account_now(row.id);
    assert_eq!((now.version, now.epoch), (Version(2), row.epoch.next()));
}

pub(in crate::testing) fn keep_needs_the_version_that_was_read(lab: Lab) {
    let row = lab.account();
    lab.won([Write::KeepAccount { id: row.id, expect: Version(1) }]);
    lab.lost(Write::KeepAccount { id: row.id, expect: Version(0) });
    lab.lost(Write::KeepAccount { id: row.id, expect: Version(2) });
    lab.lost(Write::KeepAccount { id: lab.account_id(), expect: Version(1) });
    assert_eq!(lab.account_now(row.id), row);
}

pub(in crate::testing) fn raise_epoch_needs_the_epoch_that_was_read(lab: Lab) {
    let (row, other) = (lab.account(), lab.account());
    for wrong in [row.epoch.next(), Epoch(0), Epoch(row.epoch.0 - 1)] {
        lab.lost(raise(row.id, wrong));
    }
    lab.lost(raise(lab.account_id(), row.epoch));
    lab.won([raise(row.id, row.epoch)]);
    assert_eq!(lab.account_now(row.id), AccountRow { epoch: row.epoch.next(), ..row.clone() });
    lab.lost(raise(row.id, row.epoch));
    assert_eq!(lab.account_now(other.id), other);
}

pub(in crate::testing) fn identifiers_are_unique_and_find_their_account(lab: Lab) {
    let (one, two) = (lab.account(), lab.account());
    let phone = lab.identifier(one.id);
    let mail = lab.identifier(one.id);
    lab.won([Write::AddIdentifier(phone.clone()), Write::AddIdentifier(mail.clone())]);
    for thief in [one.id, two.id] {
        let again = IdentifierRow { account: thief, sealed: vec![9], ..phone.clone() };
        lab.lost(Write::AddIdentifier(again));
    }
    for row in [&phone, &mail] {
        let found =
            lab.subject(SubjectKey::Identifier(row.lookup)).expect("the identifier finds its account");
        assert_eq!(found.account, one);
        assert!(found.identifiers.contains(row), "as it was added");
        assert_eq!(found.identifiers.len(), 2);
    }
    assert!(lab.subject(SubjectKey::Identifier(lab.lookup())).is_none());
    assert!(
        lab.subject(SubjectKey::Credential(phone.lookup)).is_none(),
        "an identifier is no credential's handle"
    );
    assert!(lab.subject(SubjectKey::Account(two.id)).expect("the other account").identifiers.is_empty());
}

pub(in crate::testing) fn contacts_are_unique_and_kept_by_version(lab: Lab) {
    let (one, two) = (lab.account(), lab.account());
    let row = lab.contact(one.id);
    lab.won([Write::AddContact(row.clone())]);
    lab.lost(Write::AddContact(crate::store::ContactRow { account: two.id, ..row.clone() }));
    lab.won([Write::KeepContact { id: row.id, expect: Version(1) }]);
    lab.lost(Write::KeepContact { id: row.id, expect: Version(0) });
    lab.lost(Write::KeepContact { id: row.id, expect: Version(2) });
    lab.lost(Write::KeepContact { id: lab.credential_id(), expect: Version(1) });
    assert_eq!(lab.subject(SubjectKey::Account(one.id)).expect("the account").contacts, [row]);
    assert!(lab.subject(SubjectKey::Account(two.id)).expect("the account").contacts.is_empty());
}

pub(in crate::testing) fn a_contact_is_removed_at_the_version_that_was_read(lab: Lab) {
    let (one, two) = (lab.account(), lab.account());
    let (gone, stays, others) = (lab.contact(one.id), lab.contact(one.id), lab.contact(two.id));
    lab.won([&gone, &stays, &others].map(|row| Write::AddContact(row.clone())));
    let remove = |id, expect| Write::RemoveContact { id, expect };
    for wrong in [Version(0), Version(2), Version(i64::MAX)] {
        lab.lost(remove(gone.id, wrong));
    }
    lab.lost(remove(lab.credential_id(), Version(1)));
    lab.won([remove(gone.id, Version(1))]);
    lab.lost(remove(gone.id, Version(1)));
    lab.lost(Write::KeepContact { id: gone.id, expect: Version(1) });
    let contacts = |of| lab.subject(SubjectKey::Account(of)).expect("the account").contacts;
    assert_eq!((contacts(one.id), contacts(two.id)), (vec![stays], vec![others]));
    lab.won([Write::AddContact(gone.clone())]);
    assert_eq!(contacts(one.id).len(), 2, "what is gone may come again");
}

/// ATTACKS 21, 58: who gave a name up is found by it no more, and for a time nobody else is either: whoever is given
/// somebody's old number does not find a way into an account behind it.
pub(in crate::testing) fn a_name_that_was_given_up_stays_taken_until_a_purge_at_its_time(lab: Lab) {
    let (one, two) = (lab.account(), lab.account());
    let (name, other) = (lab.identifier(one.id), lab.identifier(one.id));
    lab.won([Write::AddIdentifier(name.clone()), Write::AddIdentifier(other.clone())]);
    let give_up = |account, free_at| Write::RemoveIdentifier { lookup: name.lookup, account, free_at };
    let take = |account, sealed| Write::AddIdentifier(IdentifierRow { account, sealed, ..name.clone() });
    let found = || lab.subject(SubjectKey::Identifier(name.lookup)).map(|found| found.account.id);
    let names = |of| lab.subject(SubjectKey::Account(of)).expect("the account").identifiers;
    lab.lost(give_up(two.id, at(50)));
    lab.lost(Write::RemoveIdentifier { lookup: lab.lookup(), account: one.id, free_at: at(50) });
    assert_eq!(found(), Some(one.id));
    lab.won([give_up(one.id, at(50))]);
    assert_eq!((found(), names(one.id)), (None, vec![other.clone()]));
    lab.lost(give_up(one.id, at(9)));
    lab.lost(take(two.id, vec![9]));
    assert_eq!(lab.ask(lab.store().purge(at(49), 100)), 0);
    lab.lost(take(two.id, vec![9]));
    assert_eq!((found(), names(one.id)), (None, vec![other.clone()]), "a try changed nothing");

    // Its owner may, and then it is as it was: no purge drops it, no second time is taken.
    lab.won([take(one.id, vec![7])]);
    assert_eq!((found(), names(one.id).len()), (Some(one.id), 2));
    assert!(names(one.id).contains(&IdentifierRow { sealed: vec![7], ..name.clone() }));
    lab.lost(take(one.id, vec![8]));
    assert_eq!((lab.ask(lab.store().purge(at(50), 100)), found()), (0, Some(one.id)));

    // One whose time is over before it begins is free at the next purge, and not before.
    lab.won([give_up(one.id, at(0))]);
    lab.lost(take(two.id, vec![9]));
    assert_eq!(lab.ask(lab.store().purge(at(0), 100)), 1);
    lab.won([take(two.id, vec![9])]);
    assert_eq!((found(), names(one.id)), (Some(two.id), vec![other]));
    lab.lost(take(one.id, vec![7]));
    lab.lost(give_up(one.id, at(0)));
}

/// ATTACKS 21, 61: nothing of one account is ever given with another.
pub(in crate::testing) fn a_subject_is_all_of_one_account_and_nothing_else(lab: Lab) {
    let rows: Vec<_> = (0..3)
        .map(|_| {
            let account = lab.account();
            let (identifier, contact) = (lab.identifier(account.id), lab.contact(account.id));
            let credential = lab.credential(account.id, vec![lab.lookup(), lab.lookup()]);
            let browser = lab.browser(account.id, 0);
            lab.won([
                Write::AddIdentifier(identifier.clone()),
                Write::AddContact(contact.clone()),
                Write::AddCredential(credential.clone()),
                Write::AddBrowser { row: browser.clone(), keep: 10 },
            ]);
            (account, identifier, contact, credential, browser)
        })
        .collect();
    for (account, identifier, contact, credential, browser) in rows {
        let mut ways = vec![SubjectKey::Account(account.id), SubjectKey::Identifier(identifier.lookup)];
        ways.extend(credential.lookups.iter().map(|handle| SubjectKey::Credential(*handle)));
        for by in ways {
            let found = lab.subject(by).unwrap_or_else(|| panic!("found by {by:?}"));
            assert_eq!(found.account, account, "by {by:?}");
            assert_eq!(found.identifiers, [identifier.clone()], "by {by:?}");
            assert_eq!(found.contacts, [contact.clone()], "by {by:?}");
            assert_eq!(found.credentials, [credential.clone()], "by {by:?}");
            assert_eq!(found.browsers, [browser.clone()], "by {by:?}");
        }
    }
}

pub(in crate::testing) fn nothing_belongs_to_an_account_that_is_not_there(lab: Lab) {
    let nobody = lab.account_row();
    let handle = lab.lookup();
    for write in [
        Write::AddIdentifier(lab.identifier(nobody.id)),
        Write::AddContact(lab.contact(nobody.id)),
        Write::AddCredential(lab.credential(nobody.id, vec![handle])),
        Write::AddBrowser { row: lab.browser(nobody.id, 0), keep: 10 },
        crate::testing::lab::add_session(&lab.session(&nobody, 0)),
    ] {
        lab.lost(write);
    }
    lab.won([Write::AddAccount(nobody.clone())]);
    let found = lab.subject(SubjectKey::Account(nobody.id)).expect("the account");
    assert!(found.identifiers.is_empty() && found.contacts.is_empty());
    assert!(found.credentials.is_empty() && found.browsers.is_empty());
    assert!(lab.subject(SubjectKey::Credential(handle)).is_none());
}

pub(in crate::testing) fn bytes_and_numbers_come_back_as_they_were(lab: Lab) {
    let every_byte: Vec<u8> = (0..=255).collect();
    for (sealed, number) in [
        (vec![], i64::MIN),
        (vec![0], -1),
        (every_byte.clone(), 0),
        (every_byte.repeat(400), i64::MAX - 1),
        (b"'; DROP TABLE account; --".to_vec(), i64::MAX),
    ] {
        let row = AccountRow {
            version: Version(number),
            epoch: Epoch(number),
            created: crate::clock::Timestamp::from_millis(number),
            data_key: sealed.clone(),
            sealed,
            ..lab.account_row()
        };
        lab.won([Write::AddAccount(row.clone()), Write::KeepAccount { id: row.id, expect: Version(number) }]);
        assert_eq!(lab.account_now(row.id), row);
    }
    for state in (0..=4).map(|number| AccountState::from_number(number).expect("a state")) {
        let row = AccountRow { state, created: at(-1), ..lab.account_row() };
        lab.won([Write::AddAccount(row.clone())]);
        assert_eq!(lab.account_now(row.id), row);
    }
    let row = lab.account_row();
    let text = "realm '\u{0}% ё \u{1F511}";
    let row = AccountRow { realm: crate::id::Realm::owned(text), created: T0, ..row };
    lab.won([Write::AddAccount(row.clone())]);
    assert_eq!(lab.account_now(row.id), row);
}
