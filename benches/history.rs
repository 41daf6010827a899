//! P5: rows of history and messages under 64 concurrent writers on SQLite, durable, against the one-by-one rate.
#![allow(missing_docs, clippy::expect_used, reason = "a bench")]

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use propusk::clock::{Clock, SystemClock, SystemEntropy};
use propusk::event::{EventRow, Outcome};
use propusk::id::{EventId, EventName, MessageId, Realm};
use propusk::message::MessageRow;
use propusk::secret::Buffered;
use propusk::store::sqlite::SqliteStore;
use propusk::store::{Commit, Write};

#[path = "protocol/protocol.rs"]
mod protocol;
#[path = "protocol/wait.rs"]
mod wait;

const WRITERS: usize = 64;
const EACH: usize = 20;

fn main() {
    let folder = std::env::temp_dir().join(format!("propusk-history-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let store = SqliteStore::open(folder.join("history.sqlite")).expect("a store");
    protocol::serve("history", |round| {
        let start = Instant::now();
        for _ in 0..WRITERS {
            write(&store);
        }
        let alone = start.elapsed() / (2 * WRITERS as u32);
        let together = at_once(&store) / (2 * WRITERS * EACH) as u32;
        round.tell("rows_one_by_one", "us", alone.as_secs_f64() * 1e6);
        round.tell("rows_64_at_once", "us", together.as_secs_f64() * 1e6);
    });
    drop(store);
    let _ = std::fs::remove_dir_all(&folder);
}

fn at_once(store: &SqliteStore) -> Duration {
    let barrier = Barrier::new(WRITERS + 1);
    let mut start = Instant::now();
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    for _ in 0..EACH {
                        write(store);
                    }
                })
            })
            .collect();
        barrier.wait();
        start = Instant::now();
        for writer in writers {
            writer.join().expect("a writer");
        }
    });
    start.elapsed()
}

// What one sign-in leaves behind: a line of history and a message, in one durable commit.
fn write(store: &SqliteStore) {
    let entropy = Buffered::new(SystemEntropy);
    let (now, realm) = (SystemClock.now(), Realm::new("main"));
    let event = EventRow {
        id: EventId::new(&SystemClock, &entropy).expect("an id"),
        realm: realm.clone(),
        account: None,
        at: now,
        name: EventName::new("sign-in"),
        outcome: Outcome::Done,
        lasting: false,
        sealed: vec![7; 200],
    };
    let message = MessageRow {
        id: MessageId::new(&SystemClock, &entropy).expect("an id"),
        realm,
        account: None,
        deliver: true,
        due: now,
        attempts: 0,
        sealed: vec![7; 300],
    };
    let _ = wait::on(store.commit(vec![Write::Event(event), Write::Message(message)])).expect("written");
}
