//! Rows that are told apart by a number.
#![allow(dead_code, reason = "each test uses a part")]

use std::time::Duration;

use propusk::clock::Timestamp;
use propusk::id::{AccountId, Epoch, EventId, EventName, Realm, SessionId, Version};
use propusk::lockout::GuardKey;
use propusk::proof::Packed;
use propusk::secret::{Route, TokenHash};
use propusk::store::{AccountRow, AccountState, Committed, FlowRow, OnceKey, SessionRow, Write};

pub(crate) const T0: Timestamp = Timestamp::from_millis(1_800_000_000_000);
pub(crate) const REALM: Realm = Realm::new("portal");

pub(crate) fn later(secs: u64) -> Timestamp {
    T0.after(Duration::from_secs(secs))
}

pub(crate) fn bytes<const N: usize>(n: u32) -> [u8; N] {
    let mut bytes = [0; N];
    bytes[N - 4..].copy_from_slice(&n.to_be_bytes());
    bytes
}

pub(crate) fn guard_key(n: u32) -> GuardKey {
    GuardKey(bytes(n))
}

pub(crate) fn token(n: u32) -> TokenHash {
    TokenHash::from_bytes(bytes(n))
}

pub(crate) fn once(n: u32) -> Write {
    Write::Once { key: OnceKey(bytes(n)), until: later(600) }
}

pub(crate) fn flow(n: u32) -> Write {
    Write::AddFlow(flow_row(n, 16))
}

pub(crate) fn flow_row(n: u32, size: usize) -> FlowRow {
    FlowRow { key: token(n), version: Version(1), expires: later(600), sealed: vec![7; size] }
}

pub(crate) fn account_row(n: u32) -> AccountRow {
    AccountRow {
        id: AccountId::from_bytes(bytes(n)),
        realm: REALM,
        version: Version(1),
        epoch: Epoch(1),
        state: AccountState::Active,
        route: Route::from_bytes(bytes(n)),
        created: T0,
        data_key: vec![1; 60],
        sealed: vec![2; 200],
    }
}

pub(crate) fn account(n: u32) -> Write {
    Write::AddAccount(account_row(n))
}

pub(crate) fn session_row(n: u32, account: u32) -> SessionRow {
    SessionRow {
        id: SessionId::from_bytes(bytes(n)),
        key: token(n),
        account: AccountId::from_bytes(bytes(account)),
        epoch: Epoch(1),
        created: T0,
        seen: T0,
        idle_secs: 900,
        expires: later(3600),
        proofs: Packed::from_bytes(&[1, 2, 3]),
    }
}

pub(crate) fn session(n: u32, account: u32) -> Write {
    Write::AddSession { row: session_row(n, account), keep: 20 }
}

pub(crate) fn event(n: u32, account: u32) -> Write {
    Write::Event(propusk::event::EventRow {
        id: EventId::from_bytes(bytes(n)),
        realm: REALM,
        account: Some(AccountId::from_bytes(bytes(account))),
        at: T0,
        name: EventName::new("sign-in"),
        outcome: propusk::event::Outcome::Done,
        lasting: false,
        sealed: vec![3; 150],
    })
}

pub(crate) fn won(committed: Result<Committed, propusk::error::StoreError>) {
    assert_eq!(committed.unwrap(), Committed::Won);
}
