use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::id::{Epoch, SessionId};
use crate::proof::Packed;

fn key(n: u8) -> TokenHash {
    // Few tags and few shards, so that runs of slots are long and lists cross shards.
    let mut bytes = [0; 32];
    bytes[28] = [0, 1, 255][usize::from(n % 3)];
    bytes[16] = n;
    bytes[31] = n % 5;
    TokenHash::from_bytes(bytes)
}

fn account(n: u8) -> AccountId {
    AccountId::from_bytes([n; 16])
}

fn row(n: u8, seen: i64) -> SessionRow {
    SessionRow {
        id: SessionId::from_bytes([n; 16]),
        key: key(n),
        account: account(n % 4),
        epoch: Epoch(0),
        created: Timestamp::from_millis(0),
        seen: Timestamp::from_millis(seen),
        idle_secs: 60,
        expires: Timestamp::from_millis(i64::MAX),
        // Within the row and beside it.
        proofs: Packed::from_bytes(&vec![n; usize::from(n)]),
    }
}

#[derive(Clone, Debug)]
enum Op {
    Add(u8),
    Touch(u8),
    Remove(u8),
    EndAll(u8),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0u8..60).prop_map(Op::Add),
        1 => (0u8..60).prop_map(Op::Touch),
        2 => (0u8..60).prop_map(Op::Remove),
        1 => (0u8..4).prop_map(Op::EndAll),
    ]
}

proptest! {
    /// Slots, slab, lists and the undo of batches agree with a plain map.
    #[test]
    fn behaves_as_a_map(batches in prop::collection::vec((prop::collection::vec(op(), 1..12), any::<bool>()), 1..40)) {
        let sessions = Sessions::default();
        let mut heads = Heads::default();
        let mut model: BTreeMap<u8, SessionRow> = BTreeMap::new();
        for (time, (ops, won)) in batches.into_iter().enumerate() {
            let time = time as i64;
            let mut next = model.clone();
            let mut batch = sessions.batch(&mut heads);
            for op in ops {
                match op {
                    Op::Add(n) => {
                        let added = batch.add(row(n, time), usize::MAX).unwrap();
                        prop_assert_eq!(added, !next.contains_key(&n));
                        next.entry(n).or_insert_with(|| row(n, time));
                    }
                    Op::Touch(n) => {
                        batch.touch(&key(n), Timestamp::from_millis(time));
                        if let Some(row) = next.get_mut(&n) {
                            row.seen = Timestamp::from_millis(time);
                        }
                    }
                    Op::Remove(n) => {
                        batch.remove(&key(n));
                        next.remove(&n);
                    }
                    Op::EndAll(n) => {
                        batch.end(account(n), |_| true);
                        next.retain(|_, row| row.account != account(n));
                    }
                }
            }
            if won {
                drop(batch);
                model = next;
            } else {
                batch.roll_back();
            }
            for n in 0..60 {
                prop_assert_eq!(sessions.find(&key(n)).map(|found| found.row), model.get(&n).cloned());
            }
            for n in 0..4 {
                let listed: BTreeSet<_> = sessions.of(&heads, account(n)).into_iter().map(|row| row.key).collect();
                let expected: BTreeSet<_> =
                    model.values().filter(|row| row.account == account(n)).map(|row| row.key).collect();
                prop_assert_eq!(listed, expected);
            }
        }
    }
}
