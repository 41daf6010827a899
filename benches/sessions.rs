//! P3: a session check among a million sessions in the memory store, and what a session weighs there.
#![allow(missing_docs, clippy::expect_used, reason = "a bench")]

use std::hint::black_box;
use std::time::Duration;

use propusk::clock::{Clock, SystemClock, SystemEntropy};
use propusk::id::{AccountId, Epoch, Realm, SessionId, Version};
use propusk::proof::Packed;
use propusk::secret::{Buffered, Purpose, Route, TokenScope};
use propusk::store::{AccountRow, AccountState, Commit, SessionRow, Write};
use propusk::{Auth, KeyRing, MemoryStore, Password, Profile, Token};

#[path = "protocol/protocol.rs"]
mod protocol;
#[path = "protocol/wait.rs"]
mod wait;

const SESSIONS: usize = 1_000_000;
const EACH: u32 = 20_000;
const BATCHES: usize = 5;
// As `Auth` packs the proof of a password.
const PROOFS: &[u8] = b"\x08password\x09\x00\x01\x00\x00\x00";

fn main() {
    let (entropy, now, realm) = (Buffered::new(SystemEntropy), SystemClock.now(), Realm::new("main"));
    let scope = TokenScope::new(&realm);
    let store = MemoryStore::default();
    let mut tokens = Vec::with_capacity(SESSIONS);
    // Accounts and tokens are not sessions: they are made before the scales are looked at.
    let accounts: Vec<(AccountId, Route)> = (0..SESSIONS)
        .map(|_| {
            let id = AccountId::new(&SystemClock, &entropy).expect("an id");
            let route = Route::random(&entropy).expect("a route");
            let row = AccountRow {
                id,
                realm: realm.clone(),
                version: Version(0),
                epoch: Epoch(0),
                state: AccountState::Active,
                route,
                created: now,
                data_key: Vec::new(),
                sealed: Vec::new(),
            };
            let _ = wait::on(store.commit(vec![Write::AddAccount(row)])).expect("memory");
            tokens.push(Token::routed(route, &entropy).expect("a token"));
            (id, route)
        })
        .collect();
    let before = protocol::resident();
    for ((account, _), token) in accounts.iter().zip(&tokens) {
        let row = SessionRow {
            id: SessionId::new(&SystemClock, &entropy).expect("an id"),
            key: token.hash(&scope, Purpose::Session),
            account: *account,
            epoch: Epoch(0),
            created: now,
            seen: now,
            idle_secs: 86_400,
            expires: now.after(Duration::from_secs(30 * 86_400)),
            proofs: Packed::from_bytes(PROOFS),
        };
        let _ = wait::on(store.commit(vec![Write::AddSession { row, keep: 20 }])).expect("memory");
    }
    let bytes = protocol::resident().saturating_sub(before) as f64 / SESSIONS as f64;
    drop(accounts);

    let auth = Auth::builder(Profile::nist_aal1(), store, KeyRing::random())
        .factor(Password::default())
        .build()
        .expect("an Auth");
    shuffle(&mut tokens);
    let mut at = 0;
    protocol::serve("sessions", |round| {
        let check = protocol::least(BATCHES, EACH, || {
            at = (at + 1) % SESSIONS;
            let token = tokens.get(at).expect("in range");
            assert!(black_box(wait::on(auth.session(token)).expect("memory")).is_some());
        });
        round.tell("session_check", "ns", check.as_nanos() as f64);
        round.tell("session_bytes", "bytes", bytes);
    });
}

// People come back in another order than they came.
fn shuffle(tokens: &mut [Token]) {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for last in (1..tokens.len()).rev() {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        tokens.swap(last, (random % (last as u64 + 1)) as usize);
    }
}
