//! Credentials and known browsers.

use crate::id::{AccountId, BrowserId, Version};
use crate::store::{BrowserRow, CredentialRow, SubjectKey, Write};
use crate::testing::lab::{Lab, at};

fn credentials(lab: &Lab, of: AccountId) -> Vec<CredentialRow> {
    lab.subject(SubjectKey::Account(of)).expect("the account is there").credentials
}

fn browsers(lab: &Lab, of: AccountId) -> Vec<BrowserRow> {
    lab.subject(SubjectKey::Account(of)).expect("the account is there").browsers
}

fn known(lab: &Lab, of: AccountId) -> Vec<BrowserId> {
    let mut ids: Vec<_> = browsers(lab, of).into_iter().map(|row| row.id).collect();
    ids.sort_unstable();
    ids
}

pub(in crate::testing) fn handles_find_them_and_are_unique_across_accounts(lab: Lab) {
    let (one, two) = (lab.account(), lab.account());
    let (first, second) = (lab.lookup(), lab.lookup());
    let row = lab.credential(one.id, vec![first, second]);
    lab.won([Write::AddCredential(row.clone())]);
    for account in [one.id, two.id] {
        let free = lab.lookup();
        lab.lost(Write::AddCredential(lab.credential(account, vec![free, second])));
        assert!(lab.subject(SubjectKey::Credential(free)).is_none(), "a lost row leaves no handle");
        lab.lost(Write::AddCredential(lab.credential(account, vec![free, free])));
    }
    for handle in [first, second] {
        let found = lab.subject(SubjectKey::Credential(handle)).expect("the handle finds its account");
        assert_eq!((found.account.id, found.credentials), (one.id, vec![row.clone()]));
    }
    assert!(lab.subject(SubjectKey::Credential(lab.lookup())).is_none());
    assert!(lab.subject(SubjectKey::Identifier(first)).is_none(), "a credential's handle is no identifier");
    assert!(credentials(&lab, two.id).is_empty());
}

pub(in crate::testing) fn add_is_lost_when_the_id_exists(lab: Lab) {
    let (one, two) = (lab.account(), lab.account());
    let row = lab.credential(one.id, vec![]);
    lab.won([Write::AddCredential(row.clone())]);
    for account in [one.id, two.id] {
        lab.lost(Write::AddCredential(CredentialRow { account, sealed: vec![9], ..row.clone() }));
    }
    assert_eq!(credentials(&lab, one.id), [row]);
    assert!(credentials(&lab, two.id).is_empty());
}

pub(in crate::testing) fn swap_needs_the_version_that_was_read(lab: Lab) {
    let account = lab.account();
    let (row, other) = (lab.credential(account.id, vec![]), lab.credential(account.id, vec![]));
    lab.won([Write::AddCredential(row.clone()), Write::AddCredential(other.clone())]);
    let next = CredentialRow { version: Version(2), sealed: vec![9], ..row.clone() };
    for wrong in [Version(0), Version(2), Version(i64::MIN)] {
        lab.lost(Write::SwapCredential { row: next.clone(), expect: wrong });
    }
    let unknown = CredentialRow { id: lab.credential_id(), ..next.clone() };
    lab.lost(Write::SwapCredential { row: unknown, expect: Version(1) });
    lab.won([Write::SwapCredential { row: next.clone(), expect: Version(1) }]);
    lab.lost(Write::SwapCredential { row: next.clone(), expect: Version(1) });
    let mut now = credentials(&lab, account.id);
    now.sort_by_key(|row| row.id);
    assert_eq!(now, [next, other]);
}

/// ATTACKS 21: a right id and a right version under another account's name are wrong.
pub(in crate::testing) fn swap_is_lost_for_another_account(lab: Lab) {
    let (one, two) = (lab.account(), lab.account());
    let row = lab.credential(one.id, vec![]);
    lab.won([Write::AddCredential(row.clone())]);
    let taken = CredentialRow { account: two.id, version: Version(2), ..row.clone() };
    lab.lost(Write::SwapCredential { row: taken, expect: Version(1) });
    assert_eq!(credentials(&lab, one.id), [row]);
    assert!(credentials(&lab, two.id).is_empty());
}

pub(in crate::testing) fn swap_moves_handles_and_takes_none_from_another(lab: Lab) {
    let (one, two) = (lab.account(), lab.account());
    let (old, stays, new, foreign) = (lab.lookup(), lab.lookup(), lab.lookup(), lab.lookup());
    let row = lab.credential(one.id, vec![old, stays]);
    lab.won([Write::AddCredential(row.clone()), Write::AddCredential(lab.credential(two.id, vec![foreign]))]);
    let next = CredentialRow { version: Version(2), lookups: vec![stays, new], ..row.clone() };
    let thief = CredentialRow { lookups: vec![stays, foreign], ..next.clone() };
    lab.lost(Write::SwapCredential { row: thief, expect: Version(1) });
    assert_eq!(credentials(&lab, one.id), [row]);
    lab.won([Write::SwapCredential { row: next.clone(), expect: Version(1) }]);
    assert!(lab.subject(SubjectKey::Credential(old)).is_none(), "the old handle is gone");
    for handle in [stays, new] {
        let found = lab.subject(SubjectKey::Credential(handle)).expect("the handle finds its account");
        assert_eq!((found.account.id, found.credentials), (one.id, vec![next.clone()]));
    }
    let owner = lab.subject(SubjectKey::Credential(foreign)).expect("the other's handle").account.id;
    assert_eq!(owner, two.id);
    lab.won([Write::AddCredential(lab.credential(two.id, vec![old]))]);
}

pub(in crate::testing) fn keep_and_remove_need_the_version_that_was_read(lab: Lab) {
    let account = lab.account();
    let row = lab.credential(account.id, vec![]);
    lab.won([Write::AddCredential(row.clone())]);
    let unknown = lab.credential_id();
    for (id, expect) in [(row.id, Version(0)), (row.id, Version(2)), (unknown, Version(1))] {
        lab.lost(Write::KeepCredential { id, expect });
        lab.lost(Write::RemoveCredential { id, expect });
    }
    lab.won([Write::KeepCredential { id: row.id, expect: Version(1) }]);
    assert_eq!(credentials(&lab, account.id), [row.clone()]);
    lab.won([Write::RemoveCredential { id: row.id, expect: Version(1) }]);
    assert!(credentials(&lab, account.id).is_empty());
    lab.lost(Write::RemoveCredential { id: row.id, expect: Version(1) });
    lab.lost(Write::KeepCredential { id: row.id, expect: Version(1) });
    lab.lost(Write::SwapCredential { row, expect: Version(1) });
}

pub(in crate::testing) fn remove_frees_the_handles(lab: Lab) {
    let (one, two) = (lab.account(), lab.account());
    let handle = lab.lookup();
    let row = lab.credential(one.id, vec![handle]);
    lab.won([Write::AddCredential(row.clone())]);
    lab.won([Write::RemoveCredential { id: row.id, expect: Version(1) }]);
    assert!(lab.subject(SubjectKey::Credential(handle)).is_none());
    lab.won([Write::AddCredential(lab.credential(two.id, vec![handle]))]);
    let found = lab.subject(SubjectKey::Credential(handle)).expect("the handle finds its new account");
    assert_eq!(found.account.id, two.id);
}

pub(in crate::testing) fn browsers_are_unique_and_the_least_recently_seen_go(lab: Lab) {
    let (one, two) = (lab.account(), lab.account());
    let foreign = lab.browser(two.id, -1000);
    lab.won([Write::AddBrowser { row: foreign.clone(), keep: 3 }]);
    let same_id = BrowserRow { account: one.id, key: lab.token(), ..foreign.clone() };
    lab.lost(Write::AddBrowser { row: same_id, keep: 3 });
    let same_key = BrowserRow { account: one.id, id: lab.browser_id(), ..foreign.clone() };
    lab.lost(Write::AddBrowser { row: same_key, keep: 3 });
    let rows: Vec<_> = [30, 10, 20].map(|seen| lab.browser(one.id, seen)).to_vec();
    lab.won(rows.iter().map(|row| Write::AddBrowser { row: row.clone(), keep: 3 }).collect::<Vec<_>>());
    assert_eq!(known(&lab, one.id), [rows[0].id, rows[1].id, rows[2].id]);
    lab.won([Write::TouchBrowser { id: rows[1].id, seen: at(40), expires: at(1_000_000) }]);
    // The newest is the one that was seen the longest ago: it stays all the same.
    let newest = lab.browser(one.id, 0);
    lab.won([Write::AddBrowser { row: newest.clone(), keep: 3 }]);
    assert_eq!(known(&lab, one.id), [rows[0].id, rows[1].id, newest.id]);
    let last = lab.browser(one.id, 50);
    lab.won([Write::AddBrowser { row: last.clone(), keep: 1 }]);
    assert_eq!(browsers(&lab, one.id), [last]);
    assert_eq!(browsers(&lab, two.id), [foreign]);
}

pub(in crate::testing) fn touching_a_browser_never_revives_it(lab: Lab) {
    let account = lab.account();
    let row = lab.browser(account.id, 100);
    lab.won([Write::AddBrowser { row: row.clone(), keep: 3 }]);
    lab.won([Write::TouchBrowser { id: row.id, seen: at(200), expires: at(2_000_000) }]);
    assert_eq!(
        browsers(&lab, account.id),
        [BrowserRow { seen: at(200), expires: at(2_000_000), ..row.clone() }]
    );
    lab.won([Write::TouchBrowser { id: row.id, seen: at(150), expires: at(2_000_000) }]);
    assert_eq!(browsers(&lab, account.id)[0].seen, at(200), "seen never goes back");
    // Its end may come sooner: so one browser is forgotten.
    lab.won([Write::TouchBrowser { id: row.id, seen: at(200), expires: at(210) }]);
    assert_eq!(browsers(&lab, account.id)[0].expires, at(210));
    lab.won([Write::ForgetBrowsers { account: account.id, except: None }]);
    lab.won([Write::TouchBrowser { id: row.id, seen: at(300), expires: at(3_000_000) }]);
    assert!(browsers(&lab, account.id).is_empty());
}

pub(in crate::testing) fn browsers_are_forgotten_but_for_one(lab: Lab) {
    let (one, two) = (lab.account(), lab.account());
    let (stays, goes, foreign) = (lab.browser(one.id, 1), lab.browser(one.id, 2), lab.browser(two.id, 3));
    lab.won([&stays, &goes, &foreign].map(|row| Write::AddBrowser { row: row.clone(), keep: 9 }));
    lab.won([Write::ForgetBrowsers { account: one.id, except: Some(stays.id) }]);
    assert_eq!(browsers(&lab, one.id), [stays.clone()]);
    lab.won([Write::ForgetBrowsers { account: one.id, except: Some(foreign.id) }]);
    assert!(browsers(&lab, one.id).is_empty());
    lab.won([Write::ForgetBrowsers { account: one.id, except: None }]);
    lab.won([Write::ForgetBrowsers { account: lab.account_id(), except: None }]);
    assert_eq!(browsers(&lab, two.id), [foreign]);
    // The place that a forgotten browser's token held is free.
    lab.won([Write::AddBrowser { row: goes.clone(), keep: 9 }]);
    assert_eq!(browsers(&lab, one.id), [goes]);
}
