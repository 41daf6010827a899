//! Password hashes of other systems: what they bring in, and what they cannot.

use propusk::auth::import::{Import, Imported};
use propusk::hash::StoredHash;
use propusk::testing::CountingStore;
use propusk::{Auth, Client, MemoryStore, Password};

use crate::portal::WORD;
use crate::world::{PHONE, World, each_store, told};

async fn bring_in(auth: &Auth, name: &str, hash: &str) {
    let account = Import::new("Иван").unwrap().identifier(name).unwrap();
    let hash = Password::imported(StoredHash::parse(hash).unwrap()).unwrap();
    let account = account.credential(hash).unwrap();
    assert!(matches!(auth.import(&account, &Client::unknown()).await.unwrap(), Imported::Made(_)));
}

/// The vector of that program for this word.
fn vector(program: &str, form: &str, word: &str) -> String {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../vectors/legacy_hashes.json")).unwrap();
    let fits = |case: &&serde_json::Value| {
        case["program"] == program && case["form"] == form && case["password"] == word
    };
    vectors["cases"].as_array().unwrap().iter().find(fits).unwrap()["hash"].as_str().unwrap().to_owned()
}

/// ATTACKS 75 (CVE-2025-22228) for imports: bcrypt had cut the password of 81 bytes at 72, so its owner comes in; from
/// then on all 81 count. A form with SHA-256 before bcrypt never had a cut.
#[tokio::test]
async fn what_stands_after_72_bytes_counts_from_the_first_sign_in_on() {
    each_store!(|world, store| {
        let auth = world.node(store);
        let word = format!("{}!", "x".repeat(80));
        let (cut, changed) = (&word[..72], format!("{}?", &word[..80]));
        bring_in(&auth, "ivan", &vector("bcrypt 5.0.0", "2b", &word)).await;
        bring_in(&auth, "petr", &vector("django 5.2.19", "bcrypt_sha256, few rounds", &word)).await;
        for name in ["petr", "ivan", "petr"] {
            if name == "petr" {
                assert_eq!(told(&auth, name, cut).await, "wrong");
                assert_eq!(told(&auth, name, &changed).await, "wrong");
            }
            assert_eq!(told(&auth, name, &word).await, "done");
        }
        for wrong in [cut, &changed, &word[..80]] {
            assert_eq!(told(&auth, "ivan", wrong).await, "wrong");
        }
        assert_eq!(told(&auth, "ivan", &word).await, "done");
    });
}

/// ATTACKS 77 (RUSTSEC-2026-0199) for imports: a hash that asks for hours or for gigabytes, or is no text at all, does
/// not come in, and nothing is spent on it. (In a row that somebody else wrote: `passwords`.)
#[tokio::test]
async fn a_hostile_hash_does_not_come_in() {
    let world = World::new();
    let auth = world.node(MemoryStore::default());
    let hashed = auth.hashes().computed();
    for text in [
        "$2b$31$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.".to_owned(),
        "$2b$12$ééééééééééééééééééééééééééééééééééééééééééééééééééééé".to_owned(),
        "pbkdf2_sha256$4294967295$salt$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=".to_owned(),
        format!("scrypt:1073741824:8:1$salt${}", "00".repeat(64)),
        "$argon2i$v=19$m=4294967295,t=2,p=1$c2FsdHNhbHRzYWx0$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"
            .to_owned(),
        format!("pbkdf2_sha256$1$salt${}", "A".repeat(10_000_000)),
        "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99".to_owned(),
    ] {
        assert!(StoredHash::parse(&text).is_err());
    }
    assert_eq!(auth.hashes().computed(), hashed);
    bring_in(&auth, "ivan", &vector("bcrypt 5.0.0", "2b", "p")).await;
    assert_eq!(told(&auth, "ivan", "p").await, "done");
}

/// ATTACKS 44 (CVE-2016-2513) for hashes of an older cost: a wrong word costs as much Argon2 as at any other name, and
/// the same calls of the store.
#[tokio::test]
async fn an_older_cheaper_hash_costs_what_a_decoy_costs() {
    let mut world = World::new();
    let store = CountingStore::new(MemoryStore::default());
    let log = store.log();
    world.hashing.memory_kib = 64;
    let before = world.node(store.clone());
    world.person(&before).await;
    world.hashing.memory_kib = 512;
    world.hashing.passes = 2;
    let auth = world.node(store);
    let cost = async |name: &str, word: &str| {
        let _ = log.take();
        let filled = auth.hashes().filled_kib();
        let said = told(&auth, name, word).await;
        (said, auth.hashes().filled_kib() - filled, log.take())
    };
    let _ = cost(PHONE, "wrong").await;
    let (known, unknown) = (cost(PHONE, "wrong").await, cost("+79160000000", "wrong").await);
    assert_eq!((known.0, known.1), ("wrong", 1024));
    assert_eq!(known, unknown);
    // The right word hashes it anew, and nothing is left to fill up.
    assert_eq!(cost(PHONE, WORD).await.0, "done");
    assert_eq!(cost(PHONE, "wrong").await, known);
    assert_eq!(cost(PHONE, WORD).await.1, 1024);
}

/// ATTACKS 44 for hashes of another system, which are dearer than the library's own: beside one of them, a wrong word
/// costs one of each, at every name.
#[tokio::test]
async fn a_dearer_hash_of_another_system_does_not_show() {
    let world = World::new();
    let store = CountingStore::new(MemoryStore::default());
    let log = store.log();
    let old = vector("django 5.2.19", "pbkdf2_sha256, few rounds", "p");
    let auth = propusk::Auth::builder(world.profile.clone(), store, crate::world::ring())
        .hashing(world.hashing.clone())
        .clock(world.watch.clone())
        .factor(Password::default().migrating_from(StoredHash::parse(&old).unwrap()))
        .build()
        .unwrap();
    bring_in(&auth, "ivan", &old).await;
    bring_in(&auth, "petr", &old).await;
    assert_eq!(told(&auth, "petr", "p").await, "done", "petr has the library's own hash now");
    let mut seen = Vec::new();
    for name in ["ivan", "ivan", "petr", "nobody"] {
        let _ = log.take();
        let (hashed, filled) = (auth.hashes().computed(), auth.hashes().filled_kib());
        assert_eq!(told(&auth, name, "wrong").await, "wrong");
        seen.push((auth.hashes().computed() - hashed, auth.hashes().filled_kib() - filled, log.take()));
    }
    assert_eq!((seen[0].0, seen[0].1), (2, 8));
    assert!(seen.iter().skip(1).all(|one| *one == seen[1]), "{seen:?}");
    assert_eq!(told(&auth, "ivan", "p").await, "done");
}
