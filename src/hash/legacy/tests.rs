#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::super::{HashPool, HashSettings, Hashed, Lane, PhcError, StoredHash};
use super::*;
use crate::clock::SystemEntropy;
use crate::danger;
use crate::secret::Secret;

/// Hashes that other programs made: the password verifies and its neighbours do not.
#[tokio::test]
async fn hashes_of_other_programs_verify() {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/vectors/legacy_hashes.json")).unwrap();
    let pool = pool();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for case in vectors["cases"].as_array().unwrap() {
        let text = |field: &str| case[field].as_str().unwrap();
        let (password, program) = (text("password"), text("program"));
        let mut hash = StoredHash::parse(text("hash")).unwrap_or_else(|error| panic!("{error}: {case}"));
        if let Some(pepper) = case["pepper"].as_str() {
            assert!(!verifies(&pool, password, &hash).await || password.len() > 72, "{case}");
            hash = hash.with_pepper(&Secret::new(pepper)).unwrap();
        }
        assert!(verifies(&pool, password, &hash).await, "{case}");
        let kept: StoredHash = serde_json::from_str(&serde_json::to_string(&hash).unwrap()).unwrap();
        assert_eq!(kept.expose(), hash.expose(), "kept and read again: {case}");
        let without_first: String = password.chars().skip(1).collect();
        let wrongs =
            [format!("{password} "), password.to_uppercase(), without_first, format!("{password}\0")];
        // The dear ones once is enough.
        for wrong in wrongs.iter().filter(|_| !text("form").contains("defaults")) {
            // The cut of bcrypt: what differs beyond 72 bytes only, its own system took for the same.
            let cut = |text: &str| text.as_bytes()[..text.len().min(72)].to_vec();
            let plain_bcrypt = text("hash").contains("$2") && !text("hash").starts_with("bcrypt_sha256");
            if !(plain_bcrypt && cut(wrong) == cut(password)) {
                assert!(!verifies(&pool, wrong, &hash).await, "{wrong:?}: {case}");
            }
        }
        *counts.entry(program).or_default() += 1;
    }
    println!("| made by | hashes that verify |\n|---|---|");
    counts.iter().for_each(|(program, count)| println!("| {program} | {count} |"));
    assert_eq!((counts.len(), counts.values().sum::<usize>()), (10, 183), "{counts:?}");
}

/// The strings of the reference implementation: Argon2i and Argon2id, versions 16 and 19.
#[tokio::test]
async fn the_reference_strings_of_argon2_verify() {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/vectors/argon2_reference.json")).unwrap();
    let pool = pool();
    let (mut verified, mut too_dear) = (0, 0);
    for case in vectors["test_c"].as_array().unwrap() {
        match StoredHash::parse(case["phc"].as_str().unwrap()) {
            Ok(hash) => {
                let password = case["password"].as_str().unwrap();
                assert!(verifies(&pool, password, &hash).await, "{case}");
                verified += 1;
            }
            Err(PhcError::Bounds) if case["m_log2"].as_u64().unwrap() > 18 => too_dear += 1,
            Err(error) => panic!("{error}: {case}"),
        }
    }
    println!("Argon2 reference: {verified} verified, {too_dear} above the cap of 256 MiB");
    assert_eq!(verified + too_dear, 26);
    for case in vectors["bad_encodings"].as_array().unwrap() {
        let text = case["joined"].as_str().unwrap();
        if let Ok(hash) = StoredHash::parse(text) {
            assert!(!verifies(&pool, "password", &hash).await, "{text}");
        }
    }
}

/// ATTACKS 77 (RUSTSEC-2026-0199, RUSTSEC-2026-0179): what asks for too much, and what is no hash, is refused when it
/// is read, for next to no time.
#[test]
fn hostile_hashes_of_other_systems_are_refused_unspent() {
    let (salt, tag) = ("c2FsdHNhbHRzYWx0c2FsdA", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE");
    let bcrypt = "DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.";
    let hex = "00".repeat(32);
    let mut texts: Vec<String> = ["04", "14"].map(|rounds| format!("$2b${rounds}${bcrypt}")).into();
    for (at, text) in texts.iter().enumerate() {
        assert!(StoredHash::parse(text).is_ok(), "the caps themselves: {at}");
    }
    texts.clear();
    for rounds in ["00", "03", "15", "31", "32", "99", "4", "-4", "+4", "010", "", "4294967295", "1e"] {
        texts.push(format!("$2b${rounds}${bcrypt}"));
        texts.push(format!("bcrypt_sha256$$2b${rounds}${bcrypt}"));
    }
    for number in
        ["0", "4294967295", "4294967296", "5000001", "18446744073709551616", "-1", "01", "", "1e3", "٣"]
    {
        texts.push(format!("pbkdf2_sha256${number}$salt$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="));
        texts.push(format!("$pbkdf2-sha512${number}${salt}${tag}"));
        texts.push(format!("$pbkdf2-sha256$i={number},l=32${salt}${tag}"));
        texts.push(format!("pbkdf2:sha256:{number}$salt${hex}"));
        texts.push(format!("scrypt:{number}:8:1$salt${hex}"));
        texts.push(format!("scrypt:1024:{number}:1$salt${hex}"));
        texts.push(format!("scrypt:1024:8:{number}$salt${hex}"));
        texts.push(format!("$scrypt$ln={number},r=8,p=1${salt}${tag}"));
        texts.push(format!("$argon2d$v=19$m={number},t={number},p=1${salt}${tag}"));
    }
    texts.extend([
        // Each within its own cap, together not.
        format!("scrypt:262144:16:1$salt${hex}"),
        format!("scrypt:65536:8:16$salt${hex}"),
        format!("scrypt:2:16384:1024$salt${hex}"),
        format!("scrypt:1073741824:16384:1024$salt${hex}"),
        format!("pbkdf2:sha1:2000000$salt${}", "00".repeat(64)),
        // No tag, a short one, a long one: none may be right by having nothing to compare.
        "pbkdf2:sha256:1000$salt$".into(),
        "pbkdf2:sha256:1000$salt$00".into(),
        format!("pbkdf2:sha256:1000$salt${}", "00".repeat(65)),
        format!("$2b$05${}", &bcrypt[..52]),
        format!("$2b$05${bcrypt}."),
        format!("$2b$05${}", "é".repeat(53)),
        format!("$2b$05$DCq7YPn5Rq63x1Lad4cll{}", "é".repeat(16)),
        format!("$2y$10${}", "🦀".repeat(16)),
        format!("$2z$05${bcrypt}"),
        format!("$2${}", bcrypt),
        format!("bcrypt_sha256$$2x$05${bcrypt}"),
        format!("pbkdf2:md5:1000$salt${hex}"),
        "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99".into(),
        "5f4dcc3b5aa765d61d8327deb882cf99".into(),
        "sha1$a$b6ee6a0a9cbd6c2c4d8f4b3f0d0f0f0f0f0f0f0f".into(),
        "!".into(),
        "*".into(),
        String::new(),
        "$".repeat(2000),
        ":".repeat(2000),
        "$2b$05$".into(),
        format!("peppered:{}:$2b$05${bcrypt}", "A".repeat(1900)),
        format!("peppered:QUFB:peppered:QUFB:$2b$05${bcrypt}"),
        format!("peppered:QUFB:pbkdf2:sha256:1000$salt${hex}"),
        "A".repeat(10_000_000),
        format!("pbkdf2_sha256$1000${}$AAAA", "s".repeat(10_000_000)),
        format!("pbkdf2_sha256$1000${}$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "s".repeat(129)),
    ]);
    let begun = Instant::now();
    for text in &texts {
        let error = StoredHash::parse(text).map(drop);
        assert!(error.is_err(), "{}", text.chars().take(120).collect::<String>());
    }
    println!("hostile hashes refused: {} in {:?}", texts.len(), begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(5), "nothing was computed");
}

/// ATTACKS 75 and 76 for imports: a NUL ends nothing, fills nothing up and repeats nothing; `2x` is taken for ASCII
/// only, where it is what `2y` is.
#[test]
fn no_other_password_passes_by_a_nul_or_a_sign() {
    let tag = |hash: &str, password: &str| match StoredHash::parse(hash).unwrap().recipe() {
        Recipe::Legacy(scheme) => scheme.derive(password.as_bytes()),
        Recipe::Argon2 { .. } => panic!("{hash}"),
    };
    let bcrypt = "DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.";
    let hex = "00".repeat(32);
    for hash in [
        format!("$2b$04${bcrypt}"),
        format!("pbkdf2:sha256:10$salt${hex}"),
        format!("scrypt:16:8:1$salt${hex}"),
    ] {
        assert!(!tag(&hash, "word").is_empty());
        for other in ["word\0", "word\0word", "\0", "word\0x"] {
            assert!(tag(&hash, other).is_empty(), "{hash}: {other:?}");
        }
    }
    let (x, y) = (format!("$2x$04${bcrypt}"), format!("$2y$04${bcrypt}"));
    assert_eq!(tag(&x, "word"), tag(&y, "word"));
    assert!(tag(&x, "слово").is_empty() && !tag(&y, "слово").is_empty());
}

/// ATTACKS 44 (CVE-2016-2513): a wrong password costs at a cheaper hash what it costs at a decoy, and at a dearer one
/// not less; beside a dearer one it costs the same everywhere.
#[tokio::test]
async fn a_wrong_password_costs_what_it_costs_at_a_decoy() {
    let pool = HashPool::new(HashSettings { workers: 1, ..HashSettings::below_the_table(256, 2) }).unwrap();
    let cheaper = HashPool::new(HashSettings::below_the_table(64, 3)).unwrap();
    let made = async |pool: &HashPool| -> StoredHash {
        match pool.hash(Lane::Known, Secret::new("right"), &SystemEntropy).await.unwrap() {
            Hashed::Done(phc) => phc.into(),
            Hashed::Busy { .. } => panic!("busy"),
        }
    };
    let (own, old) = (made(&pool).await, made(&cheaper).await);
    let bcrypt = StoredHash::parse("$2b$04$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.").unwrap();
    let beside = StoredHash::parse(&format!("pbkdf2:sha256:1000$salt${}", "00".repeat(32))).unwrap();
    let decoy: StoredHash = pool.decoy([7; 32]).into();
    let spent = async |hash: &StoredHash, beside: Option<&StoredHash>| {
        let before = (pool.computed(), pool.filled_kib());
        match pool.check(Lane::Known, Secret::new("wrong"), hash, beside).await.unwrap() {
            Hashed::Done(false) => (pool.computed() - before.0, pool.filled_kib() - before.1),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(spent(&decoy, None).await, (1, 512));
    assert_eq!(spent(&own, None).await, (1, 512));
    assert_eq!(spent(&old, None).await, (2, 512), "192 KiB of its own and 320 more");
    let (_, filled) = spent(&bcrypt, None).await;
    assert!(filled <= 512, "what bcrypt left over: {filled}");
    assert_eq!(spent(&decoy, Some(&beside)).await, (2, 512));
    assert_eq!(spent(&own, Some(&beside)).await, (2, 512));
    assert_eq!(spent(&beside, Some(&beside)).await, (2, 512));
    // Who knows the password learns nothing by its being cheap.
    let before = pool.computed();
    assert!(verifies(&pool, "right", &old).await);
    assert_eq!(pool.computed() - before, 1);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_parsers_panic(
        text in "\\PC*",
        head in "(\\$?(argon2|argon2i|2a|2x|bcrypt|bcrypt_sha256|bcrypt-sha256|scrypt|pbkdf2|pbkdf2_sha256|pbkdf2-sha512)[$:])?",
        tail in "[a-z0-9+./$=:,]{0,120}",
    ) {
        for text in [text.clone(), format!("{head}{text}"), format!("{head}{tail}")] {
            if let Ok(hash) = StoredHash::parse(&text) {
                let again = StoredHash::parse(&hash.expose()).unwrap();
                proptest::prop_assert_eq!(hash.expose(), again.expose());
            }
        }
    }
}

fn pool() -> HashPool {
    HashPool::new(HashSettings { workers: 2, ..danger::fast_hashing() }).unwrap()
}

async fn verifies(pool: &HashPool, password: &str, hash: &StoredHash) -> bool {
    match pool.check(Lane::Known, Secret::new(password), hash, None).await.unwrap() {
        Hashed::Done(verified) => verified,
        Hashed::Busy { .. } => panic!("busy"),
    }
}
