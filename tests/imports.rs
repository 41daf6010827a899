//! Accounts that come in from another system, through the public API.
#![cfg(all(feature = "testing", feature = "sqlite", feature = "legacy-hashes"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/portal.rs"]
mod portal;

use std::sync::Arc;

use portal::{EMAIL, Hands, Outbox, PHONE, done, pending, refused, somebody};
use propusk::account::Level;
use propusk::account::identifier::IdentifierError;
use propusk::auth::import::{Import, ImportError, Imported, ImportedCredential};
use propusk::error::Broken;
use propusk::event::EventPage;
use propusk::hash::{PhcError, StoredHash};
use propusk::id::{AccountId, FactorName};
use propusk::message::Locale;
use propusk::secret::Secret;
use propusk::store::sqlite::SqliteStore;
use propusk::store::{Store, Throttle};
use propusk::{Auth, Client, Code, MemoryStore, Password, Profile, Visit};

/// Of Django's tutorial form, made by Django: see tests/vectors/legacy_hashes.json.
fn django() -> (String, StoredHash) {
    let (word, text, _) = case("django 5.2.19", "pbkdf2_sha256, few rounds");
    (word, StoredHash::parse(&text).unwrap())
}

fn case(program: &str, form: &str) -> (String, String, Option<String>) {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("vectors/legacy_hashes.json")).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    let found = cases.iter().find(|case| case["program"] == program && case["form"] == form).unwrap();
    let text = |field: &str| found[field].as_str().map(str::to_owned);
    (text("password").unwrap(), text("hash").unwrap(), text("pepper"))
}

fn node<S: Store + Throttle + Clone>(store: &S, outbox: &Outbox) -> Auth {
    portal::portal(store, Profile::nist_aal1())
        .clock(Hands::default())
        .sender(outbox.clone())
        .factor(Password::default())
        .factor(Code::sms())
        .factor(Code::email())
        .build()
        .unwrap()
}

fn ivan(hash: StoredHash) -> Import {
    Import::new(" Иван Петров ")
        .unwrap()
        .identifier("Ivan_Petrov")
        .unwrap()
        .verified_contact("8 (916) 123-45-67")
        .unwrap()
        .identifier("Ivan@Example.org")
        .unwrap()
        .level(Level::Standard)
        .locale(Locale::Ru)
        .credential(Password::imported(hash).unwrap())
        .unwrap()
}

async fn made(auth: &Auth, account: &Import) -> AccountId {
    match auth.import(account, &somebody()).await.unwrap() {
        Imported::Made(id) => id,
        other => panic!("{other:?}"),
    }
}

async fn sign_in(visit: &Visit, name: &str, word: &str) -> &'static str {
    match visit.sign_in().with(name, Password::word(word)).await.unwrap() {
        propusk::Step::Done(_) => "done",
        propusk::Step::Pending(_) => "pending",
        propusk::Step::Refused(why) => why.code.as_str(),
    }
}

/// The old password signs in, under each name, and is hashed anew at once: the second time costs one hash.
#[tokio::test]
async fn an_imported_person_signs_in_and_has_a_new_hash() {
    let auth = node(&MemoryStore::default(), &Outbox::default());
    let (word, hash) = django();
    let id = made(&auth, &ivan(hash)).await;
    let account = auth.account(id).await.unwrap().unwrap();
    assert_eq!(
        (account.name.as_str(), account.level, account.locale),
        ("Иван Петров", Level::Standard, Locale::Ru)
    );
    let names: Vec<_> = account.identifiers.iter().map(|name| name.as_str()).collect();
    assert_eq!(names, ["ivan_petrov", PHONE, EMAIL]);
    assert_eq!(account.contacts.iter().map(|name| name.as_str()).collect::<Vec<_>>(), [PHONE]);
    let history = auth.history(id, EventPage::newest(9)).await.unwrap();
    assert_eq!(history.iter().map(|event| event.name.as_str()).collect::<Vec<_>>(), ["account-imported"]);

    let visit = auth.visit(somebody());
    assert_eq!(sign_in(&visit, EMAIL, "wrong").await, "wrong");
    for (name, hashes) in [(EMAIL, 2), (PHONE, 1), ("ivan_petrov", 1)] {
        let before = auth.hashes().computed();
        assert_eq!(sign_in(&visit, name, &word).await, "done");
        assert_eq!(auth.hashes().computed() - before, hashes, "{name}");
    }
    assert_eq!(sign_in(&visit, EMAIL, "wrong").await, "wrong");
}

/// Codes go to the contact that the caller said was verified, and to no other name.
#[tokio::test]
async fn codes_go_to_verified_contacts_only() {
    let outbox = Outbox::default();
    let auth = node(&MemoryStore::default(), &outbox);
    made(&auth, &ivan(django().1)).await;
    assert_eq!(outbox.all(&auth).await.len(), 0, "an import tells nobody");
    let visit = auth.visit(somebody());
    for (name, factor, sent) in [(PHONE, "sms-code", 1), (EMAIL, "email-code", 0)] {
        let before = outbox.all(&auth).await.len();
        let next = pending(visit.sign_in().start(name).await.unwrap());
        let next = pending(visit.begin(&next.flow, &FactorName::new(factor)).await.unwrap());
        let messages = outbox.all(&auth).await.split_off(before);
        assert_eq!(messages.len(), sent, "{name}");
        if sent == 1 {
            let code = outbox.code(&auth).await;
            let _ =
                done(visit.answer(&next.flow, Code::typed(FactorName::new(factor), &code)).await.unwrap());
        }
    }
}

/// Devise's pepper is sealed with the hash, and needed.
#[tokio::test]
async fn a_peppered_hash_signs_in() {
    let auth = node(&MemoryStore::default(), &Outbox::default());
    let (word, text, pepper) = case("ruby-bcrypt 3.1.18, as Devise", "with pepper");
    let hash = || StoredHash::parse(&text).unwrap();
    let with = hash().with_pepper(&Secret::text(pepper.unwrap())).unwrap();
    let account = |name: &str, hash: StoredHash| {
        let account = Import::new("Иван").unwrap().identifier(name).unwrap();
        account.credential(Password::imported(hash).unwrap()).unwrap()
    };
    made(&auth, &account("with_pepper", with)).await;
    made(&auth, &account("without", hash())).await;
    let visit = auth.visit(somebody());
    assert_eq!(sign_in(&visit, "with_pepper", &word).await, "done");
    assert_eq!(sign_in(&visit, "without", &word).await, "wrong");
    assert!(matches!(django().1.with_pepper(&Secret::new("x")), Err(PhcError::Unknown)));
}

/// Twice is once; what is somebody else's is said, and nothing is written.
#[tokio::test]
async fn an_import_is_done_once_and_takes_no_name_from_anybody() {
    let auth = node(&MemoryStore::default(), &Outbox::default());
    let by = somebody();
    let id = made(&auth, &ivan(django().1)).await;
    assert_eq!(auth.import(&ivan(django().1), &by).await.unwrap(), Imported::There(id));
    assert_eq!(auth.history(id, EventPage::newest(9)).await.unwrap().len(), 1);
    let partly = Import::new("Пётр").unwrap().identifier("petr").unwrap().identifier(PHONE).unwrap();
    assert_eq!(auth.import(&partly, &by).await.unwrap(), Imported::Taken { at: 2, by: id });
    let free = Import::new("Пётр").unwrap().identifier("petr").unwrap();
    let other = made(&auth, &free).await;
    assert_ne!(other, id);
    assert_eq!(auth.import(&partly, &by).await.unwrap(), Imported::Taken { at: 1, by: other });
    let nobody = Import::new("Никто").unwrap();
    assert!(matches!(auth.import(&nobody, &by).await, Err(Broken::Misuse(_))));
    // A credential of a factor that this Auth does not have.
    let pin = ImportedCredential::of(&portal::Pin, &serde_json::from_str(r#"{"pin":"1"}"#).unwrap()).unwrap();
    let with_pin = Import::new("Н").unwrap().identifier("with_pin").unwrap().credential(pin).unwrap();
    assert!(matches!(auth.import(&with_pin, &by).await, Err(Broken::Misuse(_))));
    assert_eq!(sign_in(&auth.visit(by), "with_pin", "x").await, "wrong", "nobody");
}

/// What is refused names its field, and repeats nothing of it.
#[test]
fn a_field_that_does_not_fit_is_named() {
    let base = || Import::new("Иван").unwrap().identifier("ivan").unwrap();
    let long = "я".repeat(101);
    for name in ["", "  ", "Иван\u{202e}", "a\nb", long.as_str()] {
        assert_eq!(Import::new(name).unwrap_err(), ImportError::Name);
    }
    for (typed, why) in [
        ("", IdentifierError::Empty),
        ("a@b@c", IdentifierError::NotAnEmail),
        ("+7 000", IdentifierError::NotAPhone),
        ("ivan\u{200b}", IdentifierError::Hostile),
        (&"a".repeat(1000), IdentifierError::TooLong),
    ] {
        let error = base().identifier(typed).unwrap_err();
        assert_eq!(error, ImportError::Identifier { at: 2, why });
        assert!(error.to_string().starts_with("identifier 2: "));
    }
    assert_eq!(base().verified_contact("petr").unwrap_err(), ImportError::Contact { at: 2 });
    let mut many = base();
    for n in 0..19 {
        many = many.identifier(&format!("ivan{n}")).unwrap();
    }
    assert_eq!(many.identifier("one_more").unwrap_err(), ImportError::Identifiers { at: 21 });
    for text in ["", "md5$x$y", "plain text", "$2b$31$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."]
    {
        let error = StoredHash::parse(text).unwrap_err().to_string();
        assert!(text.is_empty() || !error.contains(text), "{error}");
    }
}

/// Fifty imports of one person at once make one account, on a store in memory and on one in a file.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_imports_at_once_make_one_account() {
    let file = std::env::temp_dir().join(format!("propusk-imports-{}.db", std::process::id()));
    one_of_fifty(node(&MemoryStore::default(), &Outbox::default())).await;
    one_of_fifty(node(&SqliteStore::open(&file).unwrap(), &Outbox::default())).await;
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", file.display()));
    }
}

async fn one_of_fifty(auth: Auth) {
    const PARTIES: usize = 50;
    let barrier = Arc::new(tokio::sync::Barrier::new(PARTIES));
    let tasks: Vec<_> = (0..PARTIES)
        .map(|_| {
            let (auth, barrier) = (auth.clone(), barrier.clone());
            tokio::spawn(async move {
                let account = ivan(django().1);
                barrier.wait().await;
                auth.import(&account, &Client::unknown()).await.unwrap()
            })
        })
        .collect();
    let (mut made, mut there) = (Vec::new(), Vec::new());
    for task in tasks {
        match task.await.unwrap() {
            Imported::Made(id) => made.push(id),
            Imported::There(id) => there.push(id),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((made.len(), there.len()), (1, PARTIES - 1));
    assert!(there.iter().all(|id| *id == made[0]));
    let visit = auth.visit(somebody());
    assert_eq!(sign_in(&visit, EMAIL, &django().0).await, "done");
    assert_eq!(
        refused(visit.sign_in().with(EMAIL, Password::word("no")).await.unwrap()).code.as_str(),
        "wrong"
    );
}
