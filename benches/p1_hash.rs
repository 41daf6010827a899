//! P1: a password check through the hash pool, against argon2's own `PasswordHasher` call in fresh threads.
//!
//! Each round runs every variant in turns. See benches/README.md; `benches/run P1` adds libsodium.
//!
//! glibc gives 19 MiB back to the system only until the first such block was freed; after that its heap keeps them
//! and the call is as fast as the pool. The bar is on fresh pages, which is what other allocators, the first
//! hash and a trimmed heap pay: the program starts itself again with glibc's threshold held still. With the argument
//! `kept` it does not, and measures the other case.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::process::Command;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use propusk::clock::SystemEntropy;
use propusk::hash::{HashPool, HashSettings, Hashed, Lane, Phc};
use propusk::secret::Secret;
use tokio::runtime::Runtime;

#[path = "protocol/protocol.rs"]
mod protocol;

fn main() {
    let kept = std::env::args().any(|argument| argument == "kept");
    if !kept && std::env::var_os(THRESHOLD).is_none() {
        let fresh = Command::new(std::env::current_exe().unwrap()).env(THRESHOLD, "131072").status();
        assert!(fresh.unwrap().success());
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut variants = [(47_104, 1), (19_456, 2)].map(|(m, t)| Variant::new(&runtime, m, t));
    let pages = if kept { "kept" } else { "fresh" };
    protocol::serve("p1_hash", |round| {
        for variant in &mut variants {
            (variant.pool_min, variant.call_min) = (Duration::MAX, Duration::MAX);
        }
        for _ in 0..10 {
            for variant in &mut variants {
                variant.round(&runtime);
            }
        }
        for Variant { name, pool_min, call_min, .. } in &variants {
            round.tell(&format!("pool_{name}_{pages}"), "ms", pool_min.as_secs_f64() * 1e3);
            round.tell(&format!("call_{name}_{pages}"), "ms", call_min.as_secs_f64() * 1e3);
        }
    });
}

struct Variant {
    name: String,
    pool: HashPool,
    stored: Phc,
    params: Params,
    pool_min: Duration,
    call_min: Duration,
}

impl Variant {
    fn new(runtime: &Runtime, memory_kib: u32, passes: u32) -> Self {
        let mut settings = HashSettings::default();
        (settings.memory_kib, settings.passes, settings.workers) = (memory_kib, passes, 1);
        let pool = HashPool::new(settings).unwrap();
        let Hashed::Done(stored) =
            runtime.block_on(pool.hash(Lane::Known, Secret::new(PASSWORD), &SystemEntropy)).unwrap()
        else {
            panic!("an idle pool is not busy")
        };
        Self {
            name: format!("{}m_t{passes}", memory_kib / 1024),
            pool,
            stored,
            params: Params::new(memory_kib, passes, 1, None).unwrap(),
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
