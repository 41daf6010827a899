//! A session check among a million: the hash and the map by themselves, and the memory store that most take today.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{SystemTime, UNIX_EPOCH};

use dashmap::DashMap;
use sha2::Digest;
use time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::{MemoryStore, SessionStore};

#[path = "../../../protocol/protocol.rs"]
mod protocol;

const SESSIONS: usize = 1_000_000;
const EACH: u32 = 20_000;
const BATCHES: usize = 5;

/// The least that a session needs to be checked.
struct Session {
    account: [u8; 16],
    idle_until: i64,
    ends: i64,
    epoch: i64,
}

fn main() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut tokens: Vec<[u8; 32]> = (0..SESSIONS).map(|_| random.bytes()).collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |at| at.as_secs() as i64);

    let before = protocol::resident();
    let map = DashMap::new();
    for token in &tokens {
        let session = Session { account: [7; 16], idle_until: now + 3600, ends: now + 86_400, epoch: 1 };
        map.insert(ring_hash(token), session);
    }
    let map_bytes = (protocol::resident() - before) as f64 / SESSIONS as f64;

    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let before = protocol::resident();
    let store = MemoryStore::default();
    let mut ids: Vec<Id> = runtime.block_on(async {
        let mut ids = Vec::with_capacity(SESSIONS);
        for number in 0..SESSIONS {
            let mut record = Record {
                id: Id(i128::from_le_bytes(random.bytes()[..16].try_into().expect("16 bytes"))),
                data: HashMap::from([("user_id".to_owned(), number.into())]),
                expiry_date: OffsetDateTime::now_utc() + time::Duration::days(1),
            };
            store.create(&mut record).await.expect("memory");
            ids.push(record.id);
        }
        ids
    });
    let store_bytes = (protocol::resident() - before) as f64 / SESSIONS as f64 - 16.0;

    // People come back in another order than they came: what lies side by side in memory is not asked side by side.
    random.shuffle(&mut tokens);
    random.shuffle(&mut ids);
    let mut at = 0;
    protocol::serve("sessions", |round| {
        let mut next = || {
            at = (at + 1) % SESSIONS;
            at
        };
        let check = |hash: [u8; 32]| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |at| at.as_secs() as i64);
            let session = map.get(&hash).expect("it is there");
            (session.idle_until > now && session.ends > now).then_some((session.account, session.epoch))
        };
        let ring = protocol::least(BATCHES, EACH, || {
            assert!(black_box(check(ring_hash(&tokens[next()]))).is_some());
        });
        let sha2 = protocol::least(BATCHES, EACH, || {
            assert!(black_box(check(sha2::Sha256::digest(tokens[next()]).into())).is_some());
        });
        let tower = runtime.block_on(async {
            let mut least = std::time::Duration::MAX;
            for _ in 0..BATCHES {
                let start = std::time::Instant::now();
                for _ in 0..EACH {
                    assert!(black_box(store.load(&ids[next()]).await).is_ok_and(|found| found.is_some()));
                }
                least = least.min(start.elapsed() / EACH);
            }
            least
        });
        round.tell("ring_dashmap", "ns", ring.as_nanos() as f64);
        round.tell("sha2_dashmap", "ns", sha2.as_nanos() as f64);
        round.tell("tower_sessions_memory", "ns", tower.as_nanos() as f64);
        round.tell("dashmap_bytes", "bytes", map_bytes);
        round.tell("tower_sessions_memory_bytes", "bytes", store_bytes);
    });
}

fn ring_hash(token: &[u8]) -> [u8; 32] {
    ring::digest::digest(&ring::digest::SHA256, token).as_ref().try_into().expect("32 bytes")
}

/// xorshift64: fast to fill a million tokens, the same in every run, and a secret of nobody.
struct Random(u64);

impl Random {
    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let random = u64::from_le_bytes(self.bytes()[..8].try_into().expect("8 bytes"));
            items.swap(last, (random % (last as u64 + 1)) as usize);
        }
    }

    fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for chunk in bytes.chunks_exact_mut(8) {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            chunk.copy_from_slice(&self.0.to_le_bytes());
        }
        bytes
    }
}
