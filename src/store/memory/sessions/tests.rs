use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::id::{Epoch, SessionId};
use crate::proof::Packed;

fn key(n: u8) -> TokenHash {
    // Few tags, so that they are mistaken for one another.
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(route(n % 4).as_bytes());
    bytes[16] = n;
    bytes[31] = n % 5;
    TokenHash::from_bytes(bytes)
}

// Two accounts of one route, their neighbour at the end of that shard's table, and one in another shard.
fn route(account: u8) -> Route {
    Route::from_bytes([[0; 8], [0; 8], [0, 255, 255, 255, 255, 255, 255, 255], [1; 8]][usize::from(account)])
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
        4 => (0u8..240).prop_map(Op::Add),
        1 => (0u8..240).prop_map(Op::Touch),
        2 => (0u8..240).prop_map(Op::Remove),
        1 => (0u8..4).prop_map(Op::EndAll),
    ]
}

proptest! {
    /// Shelves and the undo of batches agree with a plain map.
    #[test]
    fn behaves_as_a_map(batches in prop::collection::vec((prop::collection::vec(op(), 1..60), any::<bool>()), 1..40)) {
        let sessions = Sessions::default();
        let mut model: BTreeMap<u8, SessionRow> = BTreeMap::new();
        for (time, (ops, won)) in batches.into_iter().enumerate() {
            let time = time as i64;
            let mut next = model.clone();
            let mut batch = sessions.batch();
            for op in ops {
                match op {
                    Op::Add(n) => {
                        let added = batch.add(row(n, time), usize::MAX);
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
                        batch.end(account(n), route(n), |_| true);
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
            for n in 0..240 {
                prop_assert_eq!(sessions.find(&key(n)).map(|found| found.row), model.get(&n).cloned());
            }
            for n in 0..4 {
                let listed: BTreeSet<_> = sessions.of(account(n), route(n)).into_iter().map(|row| row.key).collect();
                let expected: BTreeSet<_> =
                    model.values().filter(|row| row.account == account(n)).map(|row| row.key).collect();
                prop_assert_eq!(listed, expected);
            }
        }
    }

    /// A table that grows and empties, with rows at home and far from it.
    #[test]
    fn keeps_every_row(ops in prop::collection::vec((0u32..400, 0u32..4), 1..1200)) {
        let mut table = Shelves::default();
        let mut model = BTreeSet::new();
        let key = |n: u32| {
            // A third of the rows under one route, the others spread.
            let spread = if n.is_multiple_of(3) { 0x7fff } else { n.wrapping_mul(0x9e37_79b9) >> 8 };
            let mut bytes = [0; 32];
            bytes[1..5].copy_from_slice(&spread.to_be_bytes());
            bytes[20..24].copy_from_slice(&n.to_be_bytes());
            bytes[31] = (n % 7) as u8;
            TokenHash::from_bytes(bytes)
        };
        for (n, what) in ops {
            if what == 0 {
                prop_assert_eq!(table.remove(&key(n)).is_some(), model.remove(&n));
            } else if model.insert(n) {
                table.insert(SessionRow { key: key(n), ..row(0, 0) });
            }
        }
        for n in 0..400 {
            prop_assert_eq!(table.get(&key(n)).is_some(), model.contains(&n), "{}", n);
            let of = table.of(key(n).route()).filter(|row| row.key == key(n)).count();
            prop_assert_eq!(of, usize::from(model.contains(&n)));
        }
        prop_assert_eq!(table.rows().count(), model.len());
    }
}
