//! Accounts and their names.

use propusk::account::identifier::Identifier;
use propusk::testing::CountingStore;
use propusk::{Client, Code, Password};

use crate::portal::{WORD, done, pending};
use crate::world::{EMAIL, MAIL, NEW_WORD, PHONE, Shared, World, each_store, said, told, try_word};

/// ATTACKS 58 (pre-hijacking, Sudhodanan and Paverd 2022): whoever registers with somebody else's address first has
/// laid hands on nothing when the owner comes: no account, no password, no session, no flow that could become one.
#[tokio::test]
async fn an_address_registered_by_another_first_is_its_owners() {
    each_store!(|world, store| {
        let auth = world.node(store.clone());
        let (thief, owner) = (auth.visit(Client::unknown()), auth.visit(Client::unknown()));
        // Two flows of the thief: one waits for the code, one has guessed nothing yet.
        let waiting = pending(thief.sign_up(EMAIL, "Вор", "1").await.unwrap()).flow;
        let thief_code = world.outbox.code(&auth).await;
        assert_eq!(said(&thief.answer(&waiting, Password::word(NEW_WORD)).await.unwrap()), "not_offered");
        assert_eq!(told(&auth, EMAIL, NEW_WORD).await, "wrong");

        // The owner comes. Of all that was sent to the owner, nothing helps the thief's flow but the thief's own code.
        let next = pending(owner.sign_up(EMAIL, "Иван", "1").await.unwrap());
        let code = world.outbox.code(&auth).await;
        if code != thief_code {
            assert_eq!(said(&thief.answer(&waiting, Code::typed(MAIL, &code)).await.unwrap()), "wrong");
        }
        // The worst case: the owner was talked into telling the thief's code. An address proven in another flow is
        // still nobody's account.
        let proven = pending(thief.answer(&waiting, Code::typed(MAIL, &thief_code)).await.unwrap()).flow;
        let next = pending(owner.answer(&next.flow, Code::typed(MAIL, &code)).await.unwrap());
        let mine = done(owner.answer(&next.flow, Password::word(WORD)).await.unwrap());

        let late = world.node(store.again(&world)).visit(Client::unknown());
        assert_eq!(said(&late.answer(&proven, Password::word(NEW_WORD)).await.unwrap()), "taken");
        assert_eq!(told(&auth, EMAIL, NEW_WORD).await, "wrong");
        assert_eq!(auth.sessions(mine.session.account()).await.unwrap().len(), 1);
        let account = auth.account(mine.session.account()).await.unwrap().unwrap();
        assert_eq!(account.name, "Иван");
        // A registration begun now tells the screen nothing and leads nowhere, whatever is typed.
        let again = pending(thief.sign_up(EMAIL, "Вор", "1").await.unwrap()).flow;
        for code in [&code, &thief_code] {
            assert_eq!(said(&thief.answer(&again, Code::typed(MAIL, code)).await.unwrap()), "wrong");
        }
        assert_eq!(told(&auth, EMAIL, WORD).await, "done");
    });
}

/// ATTACKS 59 (CVE-2019-19844): mail goes to the stored address, never to what was typed; what only collides after
/// some folding of letters is nobody, or is refused.
#[tokio::test]
async fn a_code_goes_to_the_stored_address_only() {
    each_store!(|world, store| {
        let mut world = world;
        // An e-mail code is not enough alone here: the flow is looked at until the code is taken.
        world.profile = World::portal().profile.clone();
        let auth = world.node(store);
        let stored = "mike@example.org";
        world.register(&auth, stored, WORD).await;
        let visit = auth.visit(Client::unknown());
        let spellings = ["Mike@Example.ORG", " mike@example.org", "mike@ｅxample.org", "mike@example。org"];
        let others = [
            "m\u{131}ke@example.org",
            "mi\u{212a}e@example.org",
            "m\u{130}ke@example.org",
            "\u{ff4d}ike@example.org",
            "mike@exampIe.org",
            "mike@\u{435}\u{445}ample.org",
            "m\u{456}ke@example.org",
            "mike@example.org.",
            "mike+x@example.org",
            "m.ike@example.org",
        ];
        for typed in spellings.into_iter().chain(others) {
            let before = world.outbox.all(&auth).await.len();
            let step = visit.sign_in().start(typed).await.unwrap();
            if let propusk::Step::Pending(next) = step {
                let _ = visit.begin(&next.flow, &MAIL).await.unwrap();
            }
            let sent: Vec<_> = world.outbox.all(&auth).await.split_off(before);
            assert!(sent.iter().all(|message| message.to.as_str() == stored), "{typed}: {sent:?}");
            assert_eq!(sent.len(), usize::from(spellings.contains(&typed)), "{typed}");
        }
        // Registering with a look-alike reaches the look-alike, and not the account.
        for typed in others {
            let before = world.outbox.all(&auth).await.len();
            let _ = visit.sign_up(typed, "Вор", "1").await.unwrap();
            for message in &world.outbox.all(&auth).await[before..] {
                assert_eq!(Identifier::parse(typed).as_ref().ok(), Some(&message.to));
                assert_ne!(message.to.as_str(), stored);
            }
        }
        let next = pending(visit.sign_in().start("MIKE@example.org").await.unwrap());
        let _ = pending(visit.begin(&next.flow, &MAIL).await.unwrap());
        let code = world.outbox.code(&auth).await;
        assert_eq!(said(&visit.answer(&next.flow, Code::typed(MAIL, &code)).await.unwrap()), "pending");
    });
}

/// ATTACKS 60 (CVE-2022-35924): a list in place of an address would mail one person's code to two.
#[tokio::test]
async fn a_list_of_addresses_gets_no_mail() {
    each_store!(|world, store| {
        let auth = world.node(store);
        world.register(&auth, EMAIL, WORD).await;
        let visit = auth.visit(Client::unknown());
        let before = world.outbox.all(&auth).await.len();
        let evil = "thief@evil.example";
        let lists = [
            format!("{EMAIL},{evil}"),
            format!("{EMAIL}, {evil}"),
            format!("{EMAIL};{evil}"),
            format!("{EMAIL} {evil}"),
            format!("{EMAIL}\n{evil}"),
            format!("{EMAIL}\r\nBcc: {evil}"),
            format!("{EMAIL}\0{evil}"),
            format!("{EMAIL}%2c{evil}"),
            format!("<{EMAIL}>,<{evil}>"),
            format!("{evil} <{EMAIL}>"),
            format!("\"{evil}\"@example.org"),
            format!("{EMAIL}(,{evil})"),
            format!("{EMAIL}，{evil}"),
            format!("@evil.example:{EMAIL}"),
        ];
        for list in &lists {
            assert!(Identifier::parse(list).is_err(), "{list:?}");
            assert!(
                matches!(visit.sign_up(list, "Вор", "1").await.unwrap(), propusk::Step::Refused(_)),
                "{list:?}"
            );
            assert!(
                matches!(visit.sign_in().start(list).await.unwrap(), propusk::Step::Refused(_)),
                "{list:?}"
            );
        }
        assert_eq!(world.outbox.all(&auth).await.len(), before);
        assert_eq!(told(&auth, EMAIL, WORD).await, "done");
    });
}

/// ATTACKS 78 (CVE-2023-46695): a name of a megabyte is refused before it is normalised and before anything is
/// looked up; so is one that grows when it is normalised.
#[tokio::test]
async fn a_huge_name_is_refused_unread() {
    let world = World::new();
    let store = CountingStore::new(propusk::MemoryStore::default());
    let log = store.log();
    let auth = world.node(store);
    world.person(&auth).await;
    auth.ready().await.unwrap();
    let visit = auth.visit(Client::unknown());
    let _ = log.take();
    let signs = ["a", "\u{fdfa}", "a\u{301}\u{323}", "\u{1d160}", "ﷺ@example.org,", "9"];
    for sign in signs {
        for bytes in [400, 1 << 20] {
            let name = sign.repeat(bytes / sign.len() + 1);
            let why = crate::portal::refused(visit.sign_in().start(&name).await.unwrap());
            assert_eq!(why.code.as_str(), Identifier::parse(&"a".repeat(400)).unwrap_err().code());
            assert_eq!(told(&auth, &name, WORD).await, why.code.as_str());
            assert_eq!(said(&visit.sign_up(&name, "Иван", "1").await.unwrap()), why.code.as_str());
            assert_eq!(said(&visit.sign_up(EMAIL, &name, "1").await.unwrap()), "name");
            assert_eq!(said(&visit.sign_up(EMAIL, "Иван", &name).await.unwrap()), "terms");
        }
    }
    assert!(log.calls().is_empty());
    assert_eq!(auth.hashes().computed(), 1);
    done(try_word(&auth, PHONE, WORD).await);
}
