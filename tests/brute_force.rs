//! Guessing codes over real connections, with everything that a guesser may choose: fifty connections at once, addresses
//! made up, each spelling of the name and of the code, resends, new flows, two nodes. What is counted is what a factor was
//! really asked. It never passes the limit, whatever fails meanwhile, and the owner gets in from a browser of theirs.
#![cfg(all(feature = "axum", feature = "sqlite", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "brute_force/evaluated.rs"]
mod evaluated;
#[path = "brute_force/guesser.rs"]
mod guesser;
#[path = "common/otp.rs"]
mod otp;
#[path = "common/portal.rs"]
mod portal;
#[path = "brute_force/site.rs"]
mod site;
#[path = "common/wire.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared")]
mod wire;

use std::collections::BTreeMap;

use guesser::Class;
use propusk::MemoryStore;
use propusk::lockout::Limit;
use propusk::store::sqlite::SqliteStore;
use site::{Codes, Home, Proxies, Site};

/// Connections at once.
const CONNECTIONS: usize = 50;
/// Of one run, the one that begins the hold among them.
const RUN: usize = Limit::PORTAL.free as usize + 1;
/// Of strangers, and of browsers that the account knows.
const ALLOWANCE: usize = Limit::PORTAL.allowance as usize;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn codes_by_sms() {
    everywhere(Codes::Sms).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn codes_by_email() {
    everywhere(Codes::Email).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn codes_of_an_authenticator() {
    everywhere(Codes::Totp).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn codes_of_a_token() {
    everywhere(Codes::Hotp).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn backup_codes() {
    everywhere(Codes::Backup).await;
}

/// Behind a proxy that is believed in what it saw, and behind a setting that believes what anybody says.
async fn everywhere(codes: Codes) {
    let file = tempfile(codes);
    let path = file.join("auth.db");
    attack(Site::new(codes, Proxies::Right, || SqliteStore::open(&path).unwrap()).await, "SQLite").await;
    let memory = MemoryStore::default();
    attack(Site::new(codes, Proxies::BelieveAnybody, || memory.clone()).await, "memory").await;
    std::fs::remove_dir_all(file).unwrap();
}

/// ATTACKS 8 to 15.
async fn attack<H: Home>(mut site: Site<H>, over: &str) {
    // Strangers, until their allowance is gone.
    let mut told = BTreeMap::new();
    let first = spend(&mut site, &[Class::Stranger], ALLOWANCE, &mut told).await;
    assert_eq!(first, ALLOWANCE);
    assert_eq!(site.owner(Class::Stranger).await, "spent", "not even with the right one");
    // The owner's own browser is another class, and takes the strangers' count away.
    let right = if site.begins() { "pending" } else { "done" };
    assert_eq!(site.owner_after_a_broken_commit().await, right);
    site.hands.advance(120);

    // Both classes at once: a hundred in a row are looked at, and then no more, whoever asks. The one whose commit broke
    // is among them: nobody knows how it ended.
    let both = [Class::Stranger, Class::Known];
    let second = 1 + spend(&mut site, &both, 2 * ALLOWANCE - 1, &mut told).await;
    assert_eq!(second, 2 * ALLOWANCE);
    for class in both {
        assert_eq!(site.owner(class).await, "spent");
    }
    println!("{:?} over {over}: {told:?}", site.codes);
    println!(
        "counted: guesses at {:?} over {over} by {CONNECTIONS} connections, evaluated, seed -, count {} of {}",
        site.codes,
        first + second,
        told.values().sum::<usize>()
    );
}

/// Guesses until nothing is looked at any more; how many were.
async fn spend<H: Home>(
    site: &mut Site<H>,
    classes: &[Class],
    most: usize,
    told: &mut BTreeMap<String, usize>,
) -> usize {
    let mut all = 0;
    for window in 0.. {
        assert!(window < 20, "it never ends");
        let before = site.evaluated();
        let ends = match window {
            0 => site.at_once(classes, CONNECTIONS).await,
            2 => site.one_by_one(classes).await,
            // More than what is left, and no longer than it takes.
            _ => site.at_once(classes, 16).await,
        };
        for end in ends {
            *told.entry(end).or_default() += 1;
        }
        let new = site.evaluated() - before;
        all += new;
        assert!(new <= RUN * classes.len(), "{new} guesses between two holds");
        assert!(all <= most, "{all} guesses of {most}");
        if new == 0 {
            break;
        }
        if window == 1 {
            site.restart().await;
        }
        // The longest hold; a run whose commits broke ends with its lease.
        site.hands.advance(16 * 60);
    }
    all
}

fn tempfile(codes: Codes) -> std::path::PathBuf {
    let dir = std::env::temp_dir().join(format!("propusk-brute-{}-{codes:?}", std::process::id()));
    std::fs::create_dir(&dir).unwrap();
    dir
}
