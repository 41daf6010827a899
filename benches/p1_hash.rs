//! P1: a password check through the hash pool, against argon2's own `PasswordHasher` call in fresh threads.
//!
//! Plain and interleaved: each round runs every variant once, and the smallest of each is compared, which a busy
//! machine disturbs least. `cargo bench --bench p1_hash`; `benches/p1.sh` adds libsodium.
//! With `-- --terse` it prints `name milliseconds` for a script.
//!
//! glibc gives 19 MiB back to the system only until the first such block was freed; after that its heap keeps them
//! and the call is as fast as the pool. The bar is on fresh pages, which is what other allocators, the first
//! hash and a trimmed heap pay: a child process runs with glibc's threshold held still. The other case is printed too.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::process::Command;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use propusk::clock::SystemEntropy;
use propusk::hash::{HashPool, HashSettings, Hashed, Lane, Phc};
use propusk::secret::Secret;
use tokio::runtime::Runtime;

fn main() {
    let terse = std::env::args().any(|argument| argument == "--terse");
    let fresh = std::env::var_os(THRESHOLD).is_some();
    if !fresh {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(std::env::args().skip(1))
            .env(THRESHOLD, "131072")
            .status();
        assert!(child.unwrap().success());
    }
    let pages = if fresh { "fresh" } else { "kept" };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut variants =
        [(47_104, 1, 0.60), (19_456, 2, 0.65)].map(|(m, t, bar)| Variant::new(&runtime, m, t, bar));
    for _ in 0..if terse { 10 } else { 60 } {
        for variant in &mut variants {
            variant.round(&runtime);
        }
    }
    for Variant { name, pool_min, call_min, bar, .. } in &variants {
        let (pool, call) = (pool_min.as_secs_f64() * 1e3, call_min.as_secs_f64() * 1e3);
        if terse {
            println!("pool-{pages}-{name} {pool:.3}\ncall-{pages}-{name} {call:.3}");
            continue;
        }
        let ratio = pool / call;
        let verdict = match fresh {
            true if ratio <= *bar => format!("within the bar {bar}"),
            true => format!("ABOVE the bar {bar}"),
            false => String::from("no bar"),
        };
        println!("{name}, {pages} pages: pool {pool:.2} ms, call {call:.2} ms, ratio {ratio:.3}, {verdict}");
    }
}

struct Variant {
    name: String,
    pool: HashPool,
    stored: Phc,
    params: Params,
    bar: f64,
    pool_min: Duration,
    call_min: Duration,
}

impl Variant {
    fn new(runtime: &Runtime, memory_kib: u32, passes: u32, bar: f64) -> Self {
        let mut settings = HashSettings::default();
        (settings.memory_kib, settings.passes, settings.workers) = (memory_kib, passes, 1);
        let pool = HashPool::new(settings).unwrap();
        let Hashed::Done(stored) =
            runtime.block_on(pool.hash(Lane::Known, Secret::new(PASSWORD), &SystemEntropy)).unwrap()
        else {
            panic!("an idle pool is not busy")
        };
        Self {
            name: format!("{}MiB-t{passes}", memory_kib / 1024),
            pool,
            stored,
            params: Params::new(memory_kib, passes, 1, None).unwrap(),
            bar,
            pool_min: Duration::MAX,
            call_min: Duration::MAX,
        }
    }

    fn round(&mut self, runtime: &Runtime) {
        let begun = Instant::now();
        let right =
            runtime.block_on(self.pool.verify(Lane::Known, Secret::new(PASSWORD), &self.stored)).unwrap();
        self.pool_min = self.pool_min.min(begun.elapsed());
        assert_eq!(right, Hashed::Done(true));

        let params = self.params.clone();
        let begun = Instant::now();
        let thread = std::thread::spawn(move || {
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            argon2.hash_password_with_salt(PASSWORD, b"0123456789abcdef").unwrap().to_string()
        });
        let hash = thread.join().unwrap();
        self.call_min = self.call_min.min(begun.elapsed());
        assert!(hash.starts_with("$argon2id$v=19$"));
    }
}

const PASSWORD: &[u8] = b"correct horse battery staple";
const THRESHOLD: &str = "MALLOC_MMAP_THRESHOLD_";
