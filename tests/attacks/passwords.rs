//! Passwords: what is hashed, where, and at what cost.

use propusk::clock::SystemEntropy;
use propusk::id::Realm;
use propusk::secret::{Keys, Place, Purpose};
use propusk::store::{AccountStore, Commit, Committed, CredentialRow, SubjectKey, Write};
use propusk::testing::CountingStore;
use propusk::{Answer, Client, MemoryStore, Password};

use crate::portal::{WORD, done, pending};
use crate::world::{EMAIL, PHONE, Plug, World, each_store, ring, said, told, try_word};

/// ATTACKS 73 (CVE-2013-1443, CVE-2026-24458): ten megabytes are refused unread, wherever a password can be given.
#[tokio::test]
async fn ten_megabytes_of_password_are_not_hashed() {
    let world = World::new();
    let auth = world.node(MemoryStore::default());
    let mine = world.person(&auth).await;
    let visit = auth.visit(Client::unknown());
    let hashed = auth.hashes().computed();
    let huge = "п".repeat(5 << 20);
    for name in [PHONE, "+79160000000"] {
        assert_eq!(told(&auth, name, &huge).await, "malformed");
    }
    let next = pending(visit.sign_in().start(PHONE).await.unwrap());
    assert_eq!(said(&visit.answer(&next.flow, Password::word(&huge)).await.unwrap()), "malformed");
    let next = pending(visit.change(&mine.token, Password::NAME).await.unwrap());
    assert_eq!(said(&visit.answer(&next.flow, Password::word(&huge)).await.unwrap()), "malformed");
    assert_eq!(auth.hashes().computed(), hashed);
    let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    let hashed = auth.hashes().computed();
    for word in [huge.as_str(), &"п".repeat(600)] {
        let said = said(&visit.answer(&next.flow, Password::word(word)).await.unwrap());
        assert!(["malformed", "unfit"].contains(&said), "{said}");
    }
    assert_eq!(auth.hashes().computed(), hashed);
    assert_eq!(told(&auth, PHONE, WORD).await, "done");
}

/// ATTACKS 74 (CVE-2026-26233): a hundred sign-ins at once wait in a queue that has an end. Who finds it full is told
/// at once when to come again and is not charged; the owner, on a known browser, has a queue of its own.
#[tokio::test]
async fn a_flood_of_sign_ins_is_queued_or_told_to_come_again() {
    let mut world = World::new();
    world.hashing.queue = 16;
    let auth = world.node(MemoryStore::default());
    let browser = world.person(&auth).await.browser.unwrap();
    let plug = Plug::into(&auth);
    let strangers: Vec<_> = (0..100)
        .map(|n| {
            let auth = auth.clone();
            tokio::spawn(async move { try_word(&auth, &format!("+7916000{n:04}"), "wrong").await })
        })
        .collect();
    let told_off = || strangers.iter().filter(|task| task.is_finished()).count();
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(told_off(), 84);
    // One of them by name: the owner, from a browser that nobody knows.
    let why = crate::portal::refused(try_word(&auth, PHONE, WORD).await);
    assert_eq!(why.code.as_str(), "busy");
    assert!(!why.retry_after.unwrap().is_zero());
    let owner = tokio::spawn({
        let visit = auth.visit(Client::unknown().with_browser(browser));
        async move { said(&visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap()) }
    });
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert!(!owner.is_finished() && told_off() == 84);
    plug.pull();
    assert_eq!(owner.await.unwrap(), "done");
    let mut ends = Vec::new();
    for task in strangers {
        ends.push(said(&task.await.unwrap()));
    }
    let count = |word: &str| ends.iter().filter(|said| **said == word).count();
    assert_eq!((count("busy"), count("wrong")), (84, 16));
    // "Busy" was no guess.
    crate::world::get_held(&auth, PHONE).await;
    world.minutes(5);
    assert_eq!(told(&auth, PHONE, WORD).await, "done");
}

/// ATTACKS 74: who is turned away costs the store nothing, and with the cookie of a browser that nobody knows no write
/// at a guard.
#[tokio::test]
async fn who_finds_no_seat_is_told_before_the_store_is_asked() {
    let mut world = World::new();
    let store = MemoryStore::default();
    world.person(&world.node(store.clone())).await;
    world.hashing.queue = 0;
    let counting = CountingStore::new(store);
    let log = counting.log();
    let auth = world.node(counting);
    let stranger = auth.visit(Client::unknown().from_address([203, 0, 113, 9].into()));
    let next = pending(stranger.sign_in().start(PHONE).await.unwrap());
    drop(log.take());
    assert_eq!(said(&stranger.sign_in().with(PHONE, Password::word(WORD)).await.unwrap()), "busy");
    assert_eq!(said(&stranger.answer(&next.flow, Password::word(WORD)).await.unwrap()), "busy");
    assert!(log.calls().is_empty(), "{:?}", log.calls());

    let made_up = Client::unknown().with_browser(propusk::Token::random(&SystemEntropy).unwrap());
    let step = auth.visit(made_up).sign_in().with(PHONE, Password::word(WORD)).await.unwrap();
    assert_eq!(said(&step), "busy");
    let writes = |call: &propusk::testing::Call| ["reserve", "commit"].contains(&call.method);
    assert!(!log.calls().is_empty() && !log.calls().iter().any(writes), "{:?}", log.calls());
}

/// ATTACKS 74, 95: a crowd at one guard waits without seats of the pool, so that it shuts nobody else out.
#[tokio::test]
async fn a_crowd_at_one_guard_leaves_seats_to_others() {
    let mut world = World::new();
    world.hashing.queue = 8;
    let auth = world.node(MemoryStore::default());
    world.person(&auth).await;
    let plug = Plug::into(&auth);
    let ask = |name: &'static str| {
        let auth = auth.clone();
        tokio::spawn(async move { told(&auth, name, WORD).await })
    };
    let settle = || async {
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
    };
    let crowd: Vec<_> = (0..20).map(|_| ask(PHONE)).collect();
    settle().await;
    assert!(crowd.iter().all(|task| !task.is_finished()), "all of them wait");
    let other = ask("+79160000000");
    settle().await;
    assert!(!other.is_finished(), "it waits for its hash");
    plug.pull();
    assert_eq!(other.await.unwrap(), "wrong");
    for task in crowd {
        assert_eq!(task.await.unwrap(), "done");
    }
}

/// ATTACKS 100: no password is hashed on the runtime's thread. The pool's one worker is held; a runtime of one
/// thread goes on ticking with sixteen sign-ins under way, of which none ends before the worker goes on.
#[tokio::test(flavor = "current_thread")]
async fn sixteen_sign_ins_do_not_stop_the_clock() {
    let world = World::new();
    let auth = world.node(MemoryStore::default());
    world.person(&auth).await;
    let plug = Plug::into(&auth);
    let hashed = auth.hashes().computed();
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let auth = auth.clone();
            tokio::spawn(async move { told(&auth, PHONE, WORD).await })
        })
        .collect();
    let ticks = tokio::spawn(async {
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
    });
    ticks.await.unwrap();
    assert!(tasks.iter().all(|task| !task.is_finished()));
    assert_eq!(auth.hashes().computed(), hashed);
    plug.pull();
    for task in tasks {
        assert_eq!(task.await.unwrap(), "done");
    }
    assert_eq!(auth.hashes().computed(), hashed + 16);
}

/// ATTACKS 75 (CVE-2025-22228): no byte of a password is beyond some end: 72, or any other.
#[tokio::test]
async fn what_stands_after_72_bytes_counts() {
    each_store!(|world, store| {
        let auth = world.node(store);
        let phrase: String = (0..120).map(|n| format!("word{n} ")).collect();
        for (n, bytes) in [71, 72, 73, 100, 128, 256, 257, 1023, 1024].into_iter().enumerate() {
            let name = format!("+7916100000{n}");
            let word = &phrase.repeat(2)[..bytes];
            world.register(&auth, &name, word).await;
            let changed = format!("{}#", &word[..bytes - 1]);
            for wrong in [&word[..bytes - 1], &changed, &word[..bytes.min(72) - 1]] {
                assert_eq!(told(&auth, &name, wrong).await, "wrong", "{bytes}");
            }
            let longer = format!("{word}#");
            assert!(["wrong", "malformed"].contains(&told(&auth, &name, &longer).await));
            assert_eq!(told(&auth, &name, word).await, "done", "{bytes}");
        }
    });
}

/// ATTACKS 76 (CVE-2024-3096): a NUL ends nothing, wherever it stands.
#[tokio::test]
async fn a_nul_does_not_end_a_password() {
    each_store!(|world, store| {
        let auth = world.node(store);
        let clear = "длинный пароль 42";
        let signs: Vec<char> = clear.chars().collect();
        for at in [0, 1, 8, signs.len()] {
            let name = format!("+791620000{at:02}");
            let mut word = signs.clone();
            word.insert(at, '\0');
            let word: String = word.into_iter().collect();
            world.register(&auth, &name, &word).await;
            let before: String = signs[..at].iter().collect();
            let other: String = format!("{before}\0и что-то другое");
            for wrong in ["\0", clear, other.as_str(), if at == 0 { "\0\0" } else { before.as_str() }] {
                assert_eq!(told(&auth, &name, wrong).await, "wrong", "{at}: {wrong:?}");
            }
            assert_eq!(told(&auth, &name, &word).await, "done", "{at}");
        }
    });
}

/// ATTACKS 77 (RUSTSEC-2026-0199, RUSTSEC-2026-0179): a stored hash that was made by an enemy costs nothing, stops
/// nothing, and lets nobody in.
#[tokio::test]
async fn a_hostile_stored_hash_costs_nothing() {
    let world = World::new();
    let store = MemoryStore::default();
    let auth = world.node(store.clone());
    let account = world.person(&auth).await.session.account();
    let keys = Keys::new(ring(), Realm::new("main")).unwrap();
    let row = async || -> CredentialRow {
        store.subject(SubjectKey::Account(account)).await.unwrap().unwrap().credentials.remove(0)
    };
    let put = async |sealed: Vec<u8>| {
        let now = row().await;
        let expect = now.version;
        let row = CredentialRow { sealed, version: expect.next(), ..now };
        let won = store.commit(vec![Write::SwapCredential { row, expect }]).await.unwrap();
        assert_eq!(won, Committed::Won);
    };
    let right = row().await;
    let name = Password::NAME;
    let place = Place::new(Purpose::Credential, right.id.as_bytes()).of(account).factor(&name);
    let plain = String::from_utf8(keys.open(&place, &right.sealed).unwrap().to_vec()).unwrap();
    let (salt, tag) = ("c2FsdHNhbHRzYWx0c2FsdA", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE");
    let hostile = [
        format!("$argon2id$v=19$m=4294967295,t=2,p=1${salt}${tag}"),
        format!("$argon2id$v=19$m=8,t=4294967295,p=1${salt}${tag}"),
        format!("$argon2id$v=19$m=8,t=1,p=0${salt}${tag}"),
        format!("$argon2id$v=19$m=0,t=0,p=1${salt}${tag}"),
        format!("$argon2id$v=19$m=99999999999999999999,t=1,p=1${salt}${tag}"),
        format!("$argon2x$v=19$m=8,t=1,p=1${salt}${tag}"),
        format!("$argon2i$v=19$m=4294967295,t=1,p=1${salt}${tag}"),
        format!("pbkdf2_sha256$4294967295${salt}${tag}="),
        format!("$2b$31${salt}${tag}"),
        format!("$argon2id$v=19$m=8,t=1,p=1${salt}$"),
        format!("$argon2id$v=19$m=8,t=1,p=1$пароль${tag}"),
        format!("$argon2id$v=19$m=8,t=1,p=1${salt}${}", "ж".repeat(100_000)),
        "$2b$12$ééééééééééééééééééééééééééééééééééééééééééééééééééééé".to_owned(),
        String::new(),
        "$".repeat(1000),
    ];
    for phc in &hostile {
        put(keys.seal(&SystemEntropy, &place, format!(r#"{{"hash":"{phc}"}}"#).as_bytes()).unwrap()).await;
        let hashed = auth.hashes().computed();
        for word in [WORD, "", "wrong"] {
            match auth.visit(Client::unknown()).sign_in().with(PHONE, Password::word(word)).await {
                Ok(step) => assert!(matches!(step, propusk::Step::Refused(_)), "{phc}"),
                Err(error) => assert!(!format!("{error} {error:?}").contains("argon2id$"), "{error:?}"),
            }
        }
        assert_eq!(auth.hashes().computed(), hashed, "{phc}");
        put(keys.seal(&SystemEntropy, &place, plain.as_bytes()).unwrap()).await;
        // What was reserved for them runs out; the right word then is what it was.
        world.minutes(1);
        assert_eq!(told(&auth, PHONE, WORD).await, "done");
    }
}

/// ATTACKS 79 (CVE-2017-11365, CVE-2018-11407): nothing, nought and blanks are nobody's password, and nothing does
/// not even reach the hash.
#[tokio::test]
async fn an_empty_password_is_nobodys() {
    each_store!(|world, store| {
        let auth = world.node(store);
        world.person(&auth).await;
        let visit = auth.visit(Client::unknown());
        let hashed = auth.hashes().computed();
        for name in [PHONE, "+79160000000"] {
            assert_eq!(told(&auth, name, "").await, "malformed");
            for wire in [
                "null",
                "{}",
                r#"{"password":null}"#,
                r#"{"password":0}"#,
                r#"{"password":[]}"#,
                r#"{"password":false}"#,
                "",
                "0",
            ] {
                let answer = Answer::wire(Password::NAME, wire);
                assert_eq!(said(&visit.sign_in().with(name, answer).await.unwrap()), "malformed", "{wire}");
            }
        }
        assert_eq!(auth.hashes().computed(), hashed);
        for word in ["0", " ", "\0", "null", "*"] {
            assert_eq!(told(&auth, PHONE, word).await, "wrong", "{word:?}");
        }
        let next = pending(visit.sign_up(EMAIL, "Иван", "1").await.unwrap());
        let code = world.outbox.code(&auth).await;
        let typed = propusk::Code::typed(crate::world::MAIL, &code);
        let next = pending(visit.answer(&next.flow, typed).await.unwrap());
        for word in ["", "0", " ", "\0"] {
            let step = visit.answer(&next.flow, Password::word(word)).await.unwrap();
            assert_eq!(said(&step), "unfit", "{word:?}");
        }
        assert_eq!(told(&auth, PHONE, WORD).await, "done");
    });
}

/// ATTACKS 93 and 45 (CVE-2025-22234): a password over the limit costs the same store calls, the same hashes and gets
/// the same answer, whether the name is known, unknown or switched off; and none of it is a guess.
#[tokio::test]
async fn an_over_long_password_tells_nothing_of_the_name() {
    let world = World::new();
    let store = CountingStore::new(MemoryStore::default());
    let log = store.log();
    let auth = world.node(store);
    world.person(&auth).await;
    let off = world.register(&auth, EMAIL, WORD).await.session.account();
    auth.disable(off, &Client::unknown()).await.unwrap();
    let sizes = [1025, 1500, 4096, 4097, 20_000, 1 << 20];
    let mut seen = Vec::new();
    for name in [PHONE, "+79160000000", EMAIL] {
        let mut row = Vec::new();
        for bytes in sizes {
            let _ = log.take();
            let hashed = auth.hashes().computed();
            let said = told(&auth, name, &"x".repeat(bytes)).await;
            row.push((said, auth.hashes().computed() - hashed, log.take()));
        }
        seen.push(row);
    }
    assert!(seen[0].iter().all(|(said, hashed, _)| (*said, *hashed) == ("malformed", 0)), "{:?}", seen[0]);
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
    for _ in 0..5 {
        assert_eq!(told(&auth, PHONE, &"x".repeat(2000)).await, "malformed");
    }
    assert_eq!(told(&auth, PHONE, WORD).await, "done");
    done(try_word(&auth, PHONE, WORD).await);
}
