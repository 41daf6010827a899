#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Mutex, mpsc};
use std::task::{Context, Poll, Waker};

use super::*;
use crate::clock::SystemEntropy;
use crate::danger;

#[tokio::test]
async fn a_password_verifies_and_another_does_not() {
    let pool = HashPool::new(danger::fast_hashing()).unwrap();
    let phc = done(pool.hash(Lane::Known, secret("correct horse"), &SystemEntropy).await);
    assert!(done(pool.verify(Lane::Known, secret("correct horse"), &phc).await));
    assert!(!done(pool.verify(Lane::Stranger, secret("correct horsf"), &phc).await));
    assert!(!done(pool.verify(Lane::Stranger, secret(""), &phc).await));
    assert_eq!(pool.computed(), 4);

    let again = done(pool.hash(Lane::Known, secret("correct horse"), &SystemEntropy).await);
    assert_ne!(*phc.expose(), *again.expose(), "each hash draws its own salt");
}

#[tokio::test]
async fn the_reference_vectors_verify_on_memory_that_other_hashes_used() {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../tests/vectors/argon2id.json")).unwrap();
    let mut settings = danger::fast_hashing();
    settings.workers = 1;
    let pool = HashPool::new(settings).unwrap();
    let cases = vectors["argon2id"].as_array().unwrap();
    assert_eq!(cases.len(), 8);
    for case in cases {
        let phc = Phc::parse(case["phc"].as_str().unwrap()).unwrap();
        let password = case["password"].as_str().unwrap();
        assert_eq!(*phc.expose(), case["phc"].as_str().unwrap());
        assert!(done(pool.verify(Lane::Known, secret(password), &phc).await), "{case}");
        assert!(!pool.is_current(&phc));
    }
    for bad in vectors["bad"].as_array().unwrap() {
        let _: PhcError = Phc::parse(bad.as_str().unwrap()).unwrap_err();
    }
}

#[tokio::test]
async fn a_decoy_looks_like_a_hash_and_accepts_nothing() {
    let pool = HashPool::new(danger::fast_hashing()).unwrap();
    let decoy = pool.decoy([7; 32]);
    assert_eq!(*decoy.expose(), *pool.decoy([7; 32]).expose());
    assert_ne!(*decoy.expose(), *pool.decoy([8; 32]).expose());
    assert!(pool.is_current(&decoy));
    assert_eq!(pool.computed(), 0);
    let real = done(pool.hash(Lane::Known, secret("a password"), &SystemEntropy).await);
    assert_eq!(decoy.expose().len(), real.expose().len());
    for guess in ["", "a password", "propusk decoy tag"] {
        assert!(!done(pool.verify(Lane::Known, secret(guess), &decoy).await));
    }
    assert_eq!(pool.computed(), 4, "a decoy costs what a hash costs");
}

#[tokio::test]
async fn a_changed_cost_is_not_current() {
    let (before, mut dearer) = (danger::fast_hashing(), danger::fast_hashing());
    dearer.passes = 2;
    let (before, after) = (HashPool::new(before).unwrap(), HashPool::new(dearer).unwrap());
    let phc = done(before.hash(Lane::Known, secret("a password"), &SystemEntropy).await);
    assert!(before.is_current(&phc) && !after.is_current(&phc));
    assert!(done(after.verify(Lane::Known, secret("a password"), &phc).await), "old hashes stay valid");
}

/// ATTACKS 73: whatever let it through before, no long password is hashed.
#[tokio::test]
async fn a_password_over_the_limit_is_not_hashed() {
    let pool = HashPool::new(danger::fast_hashing()).unwrap();
    for bytes in [1025, 10_000_000] {
        let long = Secret::new(vec![b'a'; bytes]);
        let Err(Broken::Misuse(_)) = pool.hash(Lane::Known, long, &SystemEntropy).await else { panic!() };
        let long = Secret::new(vec![b'a'; bytes]);
        let Err(Broken::Misuse(_)) = pool.verify(Lane::Known, long, &pool.decoy([0; 32])).await else {
            panic!()
        };
    }
    assert_eq!(pool.computed(), 0);
    let _ = done(pool.hash(Lane::Known, Secret::new(vec![b'a'; 1024]), &SystemEntropy).await);
}

#[test]
fn a_known_browser_goes_first_and_a_stranger_gets_a_turn() {
    let (pool, gate) = gated(8);
    let mut waiting = vec![ask(&pool, Lane::Stranger, "gate")];
    assert_eq!(gate.started.recv().unwrap(), "gate");
    for name in ["s1", "s2", "s3"] {
        waiting.push(ask(&pool, Lane::Stranger, name));
    }
    for name in ["k1", "k2", "k3", "k4", "k5"] {
        waiting.push(ask(&pool, Lane::Known, name));
    }
    gate.open.send(()).unwrap();
    let order: Vec<String> = waiting.iter().skip(1).map(|_| gate.started.recv().unwrap()).collect();
    assert_eq!(order, ["k1", "k2", "k3", "s1", "k4", "k5", "s2", "s3"]);
}

/// ATTACKS 74.
#[test]
fn a_full_lane_is_busy_at_once_and_the_other_lane_is_not() {
    let (pool, gate) = gated(2);
    let running = ask(&pool, Lane::Stranger, "gate");
    assert_eq!(gate.started.recv().unwrap(), "gate");
    let waiting = [ask(&pool, Lane::Stranger, "a"), ask(&pool, Lane::Stranger, "b")];

    let mut refused = Vec::new();
    for _ in 0..10_000 {
        let Poll::Ready(Ok(Hashed::Busy { retry_after })) = poll(&mut ask(&pool, Lane::Stranger, "c")) else {
            panic!("the third stranger was taken in")
        };
        refused.push(retry_after);
    }
    assert!(refused.iter().all(|time| *time > Duration::ZERO && *time < Duration::from_secs(60)));
    let known = ask(&pool, Lane::Known, "k");
    assert_eq!(pool.0.waiting(), 3, "what was refused takes no room");
    let Poll::Ready(Ok(Hashed::Busy { retry_after })) = poll(&mut ask(&pool, Lane::Stranger, "c")) else {
        panic!()
    };
    assert!(retry_after > refused[0], "a longer queue is a longer wait");

    gate.open.send(()).unwrap();
    for job in waiting.into_iter().chain([running, known]) {
        let _ = done(block_on(job));
    }
    assert_eq!(pool.computed(), 4, "what was refused was not computed");
}

/// ATTACKS 74: ten thousand that arrive at once are not all on their way to the pool before the first is there.
#[test]
fn each_lane_has_as_many_seats_as_it_has_jobs_that_wait_and_run() {
    let (pool, _gate) = gated(2);
    let seats: Vec<_> = (0..3).map(|_| pool.seat(Lane::Stranger).unwrap()).collect();
    for _ in 0..10_000 {
        let wait = pool.seat(Lane::Stranger).err().unwrap();
        assert!(wait > Duration::ZERO && wait < Duration::from_secs(60), "{wait:?}");
    }
    let known = pool.seat(Lane::Known).unwrap();
    assert!(pool.seat(Lane::Stranger).is_err(), "one lane's seats are not the other's");
    drop(seats);
    let again: Vec<_> = (0..3).map(|_| pool.seat(Lane::Stranger).unwrap()).collect();
    assert!(pool.seat(Lane::Stranger).is_err());
    drop((again, known));
}

#[test]
fn a_job_that_nobody_waits_for_is_not_computed_and_takes_no_room() {
    let (pool, gate) = gated(1);
    let running = ask(&pool, Lane::Known, "gate");
    assert_eq!(gate.started.recv().unwrap(), "gate");
    let hung_up = ask(&pool, Lane::Known, "a");
    let Poll::Ready(Ok(Hashed::Busy { .. })) = poll(&mut ask(&pool, Lane::Known, "b")) else { panic!() };
    drop(hung_up);
    let taken = ask(&pool, Lane::Known, "b");
    let stranger = ask(&pool, Lane::Stranger, "c");
    drop(stranger);
    // The running job's client hangs up too: its worker goes on with the next.
    drop(running);
    gate.open.send(()).unwrap();
    let _ = done(block_on(taken));
    assert_eq!(gate.started.recv().unwrap(), "b");
    assert_eq!(pool.computed(), 2);
    let _ = done(block_on(ask(&pool, Lane::Known, "d")));
    assert_eq!(gate.started.recv().unwrap(), "d");
    assert_eq!(pool.computed(), 3);
}

#[test]
fn a_panic_costs_its_job_and_not_the_worker() {
    let (pool, _gate) = gated(1);
    let Err(Broken::Factor(_)) = block_on(ask(&pool, Lane::Known, "panic")) else { panic!() };
    let _ = done(block_on(ask(&pool, Lane::Known, "next")));
}

#[test]
fn threads_start_at_the_first_use_and_end_with_the_last_handle() {
    let mut settings = danger::fast_hashing();
    settings.workers = 3;
    let pool = HashPool::new(settings).unwrap();
    assert_eq!(pool.0.take_threads().len(), 0);
    let _ = done(block_on(ask(&pool, Lane::Known, "a")));
    let threads = pool.0.take_threads();
    assert_eq!(threads.len(), 3);
    let other = pool.clone();
    drop(pool);
    let _ = done(block_on(ask(&other, Lane::Known, "b")));
    drop(other);
    for thread in threads {
        thread.join().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_one_of_ten_thousand_gets_an_answer() {
    let mut settings = danger::fast_hashing();
    (settings.workers, settings.queue) = (2, 64);
    let pool = HashPool::new(settings).unwrap();
    let tasks: Vec<_> = (0..10_000)
        .map(|number| {
            let pool = pool.clone();
            let lane = if number % 10 == 0 { Lane::Known } else { Lane::Stranger };
            tokio::spawn(async move { pool.hash(lane, secret("a password"), &SystemEntropy).await })
        })
        .collect();
    let (mut computed, mut busy) = (0, 0);
    for task in tasks {
        match task.await.unwrap().unwrap() {
            Hashed::Done(_) => computed += 1,
            Hashed::Busy { .. } => busy += 1,
        }
    }
    assert_eq!((computed + busy, pool.computed()), (10_000, computed));
    assert!(computed >= 64);
}

#[test]
fn settings_below_the_table_are_refused() {
    let with = |memory_kib, passes, parallelism| {
        let mut settings = HashSettings::default();
        (settings.memory_kib, settings.passes, settings.parallelism) = (memory_kib, passes, parallelism);
        HashPool::new(settings).is_ok()
    };
    for (memory_kib, passes) in [(47_104, 1), (19_456, 2), (12_288, 3), (12_288, 5), (65_536, 3)] {
        assert!(with(memory_kib, passes, 1), "{memory_kib} {passes}");
    }
    assert!(with(65_536, 3, 4));
    for (memory_kib, passes, parallelism) in [
        (47_103, 1, 1),
        (19_455, 2, 1),
        (12_287, 3, 1),
        (7_168, 5, 1),
        (19_456, 0, 1),
        (19_456, 2, 0),
        (19_456, 17, 1),
        (19_456, 2, 17),
        (262_145, 2, 1),
        (262_144, 5, 1),
        (u32::MAX, u32::MAX, u32::MAX),
    ] {
        assert!(!with(memory_kib, passes, parallelism), "{memory_kib} {passes} {parallelism}");
    }
    assert!(HashPool::new(HashSettings { workers: 0, ..HashSettings::default() }).is_err());
}

/// ATTACKS 77: refused before anything is allocated, non-ASCII included, and never a panic.
#[test]
fn hostile_stored_hashes_are_refused() {
    const TAIL: &str = "$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let with = |parameters: &str| Phc::parse(&format!("$argon2id$v=19${parameters}{TAIL}"));
    for good in ["m=65536,t=2,p=1", "p=1,t=2,m=65536", "t=2,m=65536,p=1", "m=262144,t=4,p=16", "m=8,t=1,p=1"]
    {
        with(good).unwrap();
    }
    assert!(with("p=1,t=2,m=65536").unwrap().expose().contains("$m=65536,t=2,p=1$"));
    for bounds in [
        "m=4294967295,t=2,p=1",
        "m=4294967296,t=2,p=1",
        "m=99999999999999999999999999,t=2,p=1",
        "m=262145,t=1,p=1",
        "m=262144,t=5,p=1",
        "m=8,t=17,p=1",
        "m=8,t=4294967295,p=1",
        "m=65536,t=1,p=17",
        "m=7,t=1,p=1",
        "m=15,t=1,p=2",
        "m=0,t=1,p=1",
        "m=8,t=0,p=1",
        "m=8,t=1,p=0",
    ] {
        assert_eq!(with(bounds).unwrap_err(), PhcError::Bounds, "{bounds}");
    }
    for malformed in [
        "m=065536,t=2,p=1",
        "m=65536,t=02,p=1",
        "m=00,t=2,p=1",
        "m=+65536,t=2,p=1",
        "m=-1,t=2,p=1",
        "m= 65536,t=2,p=1",
        "m=٦٥٥٣٦,t=2,p=1",
        "м=65536,t=2,p=1",
        "m=65536,t=2",
        "m=65536,t=2,p=1,",
        "m=65536,t=2,p=1,p=1",
        "m=65536,t=2,p=1,m=8",
        "m=65536,t=2,p=1,keyid=aaaa",
        "m=65536,t=2,p=1,data=aaaa",
        "m=,t=2,p=1",
        "m,t=2,p=1",
        "",
    ] {
        assert_eq!(with(malformed).unwrap_err(), PhcError::Malformed, "{malformed}");
    }
    for text in [
        String::new(),
        String::from("$"),
        String::from("x$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$"),
        String::from("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ"),
        String::from("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$"),
        String::from("$argon2id$v=19$m=8,t=1,p=1$$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"),
        String::from("$argon2id$m=8,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"),
        format!("$argon2id$v=16$m=8,t=1,p=1{TAIL}"),
        format!("$argon2i$v=19$m=8,t=1,p=1{TAIL}"),
        format!("$argon2d$v=19$m=8,t=1,p=1{TAIL}"),
        format!("$argon2id$v=19$m=8,t=1,p=1{TAIL}="),
        format!("$argon2id$v=19$m=8,t=1,p=1{TAIL}$"),
        format!("$argon2id$v=19$m=8,t=1,p=1{TAIL}\n"),
        format!("$argon2id$v=19$m=8,t=1,p=1{TAIL}\0"),
        String::from("$argon2id$v=19$m=8,t=1,p=1$соль$тег"),
        String::from("$2y$10$🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀"),
        format!("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ${}", "A".repeat(10_000_000)),
        format!("$argon2id$v=19${}m=8,t=1,p=1{TAIL}", "m=8,".repeat(1_000_000)),
    ] {
        assert!(Phc::parse(&text).is_err(), "{}", text.chars().take(80).collect::<String>());
    }
}

#[test]
fn a_hash_travels_as_a_string_and_shows_its_cost_only() {
    let pool = HashPool::new(danger::fast_hashing()).unwrap();
    let phc = pool.decoy([1; 32]);
    let json = serde_json::to_string(&phc).unwrap();
    let read: Phc = serde_json::from_str(&json).unwrap();
    assert_eq!(*read.expose(), *phc.expose());
    assert!(serde_json::from_str::<Phc>(&json.replace("m=8", "m=4294967295")).is_err());
    assert!(serde_json::from_str::<Phc>("7").is_err());
    let shown = format!("{phc:?}");
    assert!(shown.contains("memory_kib: 8") && !shown.contains("salt") && !shown.contains("tag"), "{shown}");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC*", parameters in "[mtp0-9=,$]{0,40}", tail in "[a-zA-Z0-9+/$=]{0,120}") {
        let _ = Phc::parse(&text);
        let _ = Phc::parse(&format!("$argon2id${text}"));
        if let Ok(phc) = Phc::parse(&format!("$argon2id$v=19${parameters}${tail}")) {
            let again = Phc::parse(&phc.expose()).unwrap();
            proptest::prop_assert_eq!(phc.expose(), again.expose());
        }
    }
}

struct Gate {
    started: mpsc::Receiver<String>,
    open: mpsc::Sender<()>,
}

/// One worker, which tells what it starts, stops at `gate` until it is opened, and falls over at `panic`.
fn gated(queue: usize) -> (HashPool, Gate) {
    let (tell, started) = mpsc::channel();
    let (open, opened) = mpsc::channel();
    let opened = Mutex::new(opened);
    let mut settings = danger::fast_hashing();
    (settings.workers, settings.queue) = (1, queue);
    let pool = pool::Pool::with_hook(
        settings,
        Box::new(move |password| {
            let _ = tell.send(String::from_utf8_lossy(password).into_owned());
            match password {
                b"gate" => opened.lock().unwrap().recv().unwrap(),
                b"panic" => panic!("as the test asked"),
                _ => {}
            }
        }),
    );
    (HashPool(Arc::new(pool)), Gate { started, open })
}

type Asked<'a> = Pin<Box<dyn Future<Output = Result<Hashed<Phc>, Broken>> + Send + 'a>>;

/// A job that has been offered to the pool.
fn ask<'a>(pool: &'a HashPool, lane: Lane, password: &str) -> Asked<'a> {
    let mut asked: Asked<'a> = Box::pin(pool.hash(lane, secret(password), &SystemEntropy));
    match poll(&mut asked) {
        Poll::Pending => asked,
        Poll::Ready(outcome) => Box::pin(std::future::ready(outcome)),
    }
}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(pin!(future))
}

fn done<T>(outcome: Result<Hashed<T>, Broken>) -> T {
    match outcome.unwrap() {
        Hashed::Done(value) => value,
        Hashed::Busy { .. } => panic!("busy"),
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes())
}
