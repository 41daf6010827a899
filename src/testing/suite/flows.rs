//! Flows, once-rows, canaries.

use crate::id::{Realm, Version};
use crate::lockout::{GuardKey, Limit};
use crate::secret::TokenHash;
use crate::store::{FlowRow, Lookup, OnceKey, SubjectKey, Write};
use crate::testing::lab::{Lab, REALM, T0, add_session, at, end};

fn find(lab: &Lab, key: TokenHash) -> Option<FlowRow> {
    lab.ask(lab.store().find_flow(key, T0))
}

/// The same key but for one bit.
pub(super) fn near(key: TokenHash, byte: usize) -> TokenHash {
    let mut bytes = *key.as_bytes();
    bytes[byte] ^= 1;
    TokenHash::from_bytes(bytes)
}

/// ATTACKS 61: a key that is nearly right finds nothing.
pub(in crate::testing) fn is_found_by_its_own_key_only(lab: Lab) {
    let (one, two) = (lab.flow(), lab.flow());
    lab.won([Write::AddFlow(one.clone()), Write::AddFlow(two.clone())]);
    assert_eq!(find(&lab, one.key), Some(one.clone()));
    assert_eq!(find(&lab, two.key), Some(two));
    for byte in 0..32 {
        assert_eq!(find(&lab, near(one.key, byte)), None, "byte {byte}");
        lab.lost(Write::TakeFlow { key: near(one.key, byte), expect: one.version });
    }
    assert_eq!(find(&lab, one.key), Some(one));
}

/// ATTACKS 54: at its end a flow is gone, a millisecond before it is there.
pub(in crate::testing) fn is_gone_at_its_end(lab: Lab) {
    let row = lab.flow();
    lab.won([Write::AddFlow(row.clone())]);
    let end = row.expires.as_millis() - T0.as_millis();
    for (now, there) in [(0, true), (end - 1, true), (end, false), (end + 1, false)] {
        let found = lab.ask(lab.store().find_flow(row.key, at(now)));
        assert_eq!(found.is_some(), there, "{} ms from its end", now - end);
    }
    let longer = FlowRow { version: Version(2), expires: at(end + 10), ..row.clone() };
    lab.won([Write::SwapFlow { row: longer.clone(), expect: Version(1) }]);
    assert_eq!(lab.ask(lab.store().find_flow(row.key, at(end + 9))), Some(longer));
    assert_eq!(lab.ask(lab.store().find_flow(row.key, at(end + 10))), None);
}

pub(in crate::testing) fn add_is_lost_when_the_key_exists(lab: Lab) {
    let row = lab.flow();
    lab.won([Write::AddFlow(row.clone())]);
    lab.lost(Write::AddFlow(FlowRow { sealed: vec![9], ..row.clone() }));
    assert_eq!(find(&lab, row.key), Some(row));
}

pub(in crate::testing) fn swap_needs_the_version_that_was_read(lab: Lab) {
    let row = lab.flow();
    let next = FlowRow { version: Version(2), sealed: vec![9], ..row.clone() };
    lab.lost(Write::SwapFlow { row: next.clone(), expect: Version(1) });
    lab.won([Write::AddFlow(row.clone())]);
    for wrong in [Version(0), Version(2), Version(i64::MAX)] {
        lab.lost(Write::SwapFlow { row: next.clone(), expect: wrong });
    }
    assert_eq!(find(&lab, row.key), Some(row.clone()));
    lab.won([Write::SwapFlow { row: next.clone(), expect: Version(1) }]);
    lab.lost(Write::SwapFlow { row, expect: Version(1) });
    assert_eq!(find(&lab, next.key), Some(next));
}

/// ATTACKS 1, 20, 33, 36: what is taken is gone.
pub(in crate::testing) fn take_needs_the_version_and_happens_once(lab: Lab) {
    let (row, other) = (lab.flow(), lab.flow());
    lab.won([Write::AddFlow(row.clone()), Write::AddFlow(other.clone())]);
    for wrong in [Version(0), Version(2)] {
        lab.lost(Write::TakeFlow { key: row.key, expect: wrong });
    }
    lab.lost(Write::TakeFlow { key: lab.token(), expect: Version(1) });
    assert_eq!(find(&lab, row.key), Some(row.clone()));
    lab.won([Write::TakeFlow { key: row.key, expect: Version(1) }]);
    assert_eq!(find(&lab, row.key), None);
    lab.lost(Write::TakeFlow { key: row.key, expect: Version(1) });
    assert_eq!(find(&lab, other.key), Some(other));
}

pub(in crate::testing) fn a_taken_flow_is_not_swapped_back(lab: Lab) {
    let row = lab.flow();
    lab.won([Write::AddFlow(row.clone())]);
    lab.won([Write::TakeFlow { key: row.key, expect: Version(1) }]);
    lab.lost(Write::SwapFlow { row: row.clone(), expect: Version(1) });
    assert_eq!(find(&lab, row.key), None);
}

pub(in crate::testing) fn once_is_once(lab: Lab) {
    let (key, other) = (lab.once_key(), lab.once_key());
    lab.won([Write::Once { key, until: at(10) }]);
    lab.lost(Write::Once { key, until: at(10) });
    lab.lost(Write::Once { key, until: at(20) });
    lab.won([Write::Once { key: other, until: at(10) }]);
    lab.lost(Write::Once { key: other, until: at(10) });
}

/// ATTACKS 37: one flat key space for all that happens once lets one thing stand in for another.
pub(in crate::testing) fn keys_of_different_kinds_do_not_meet(lab: Lab) {
    let account = lab.account();
    // A session's key is led by its account's route.
    let bytes = *lab.token().routed(account.route).as_bytes();
    let key = TokenHash::from_bytes(bytes);
    let flow = FlowRow { key, ..lab.flow() };
    let session = crate::store::SessionRow { key, ..lab.session(&account, 0) };
    lab.won([
        Write::AddFlow(flow.clone()),
        Write::Once { key: OnceKey(bytes), until: at(10) },
        add_session(&session),
        Write::AddIdentifier(crate::store::IdentifierRow {
            lookup: Lookup(bytes),
            ..lab.identifier(account.id)
        }),
        Write::AddBrowser { row: crate::store::BrowserRow { key, ..lab.browser(account.id, 0) }, keep: 9 },
    ]);
    assert!(lab.subject(SubjectKey::Credential(Lookup(bytes))).is_none());
    lab.won([Write::AddCredential(lab.credential(account.id, vec![Lookup(bytes)]))]);
    let granted = lab.ask(lab.store().reserve(vec![(GuardKey(bytes), Limit::PORTAL)], T0));
    assert!(matches!(granted, crate::lockout::Reserved::Granted { .. }));
    lab.won([Write::TakeFlow { key, expect: flow.version }]);
    assert!(lab.alive(key), "taking a flow ends no session");
    lab.won([end(account.id, session.id)]);
    lab.lost(Write::Once { key: OnceKey(bytes), until: at(10) });
    assert!(lab.subject(SubjectKey::Identifier(Lookup(bytes))).is_some());
    assert!(lab.subject(SubjectKey::Credential(Lookup(bytes))).is_some());
}

pub(in crate::testing) fn a_realm_has_one_canary(lab: Lab) {
    assert_eq!(lab.ask(lab.store().canary(REALM)), None);
    lab.won([Write::AddCanary { realm: REALM, sealed: vec![1, 0, 255] }]);
    lab.lost(Write::AddCanary { realm: REALM, sealed: vec![2] });
    assert_eq!(lab.ask(lab.store().canary(REALM)), Some(vec![1, 0, 255]));
    let other = Realm::new("another");
    assert_eq!(lab.ask(lab.store().canary(other.clone())), None);
    lab.won([Write::AddCanary { realm: other.clone(), sealed: vec![3] }]);
    assert_eq!(lab.ask(lab.store().canary(other)), Some(vec![3]));
}

pub(in crate::testing) fn two_stores_are_two_homes(lab: Lab) {
    let home = lab.store().home();
    assert_eq!(home, lab.store().home());
    assert_ne!(home, lab.another().store().home());
}
