//! Copies of keys, and answers that come twice.

use propusk::factor::passkey::Passkey;
use propusk::id::FactorName;
use propusk::message::Locale;
use propusk::testing::GatedStore;
use propusk::{Auth, Client, Code, KeyRing, MemoryStore, Password, Profile, Site};
use serde_json::Value;

use crate::authenticator::{bytes, wire};
use crate::site::{ORIGIN, Outbox, done, pending};
use crate::world::{PHONE, World, device, offers, said};

/// WebAuthn level 3, section 6.1.1: (stored, new) and what becomes of it.
#[tokio::test]
async fn a_counter_that_does_not_go_up_disables_the_key() {
    for (stored, new, told) in [
        (0, 0, "done"),
        (0, 1, "done"),
        (0, u32::MAX, "done"),
        (5, 6, "done"),
        (5, 1_000_000, "done"),
        (5, 5, "wrong"),
        (5, 4, "wrong"),
        (5, 0, "wrong"),
        (u32::MAX, 0, "wrong"),
    ] {
        let (world, mut key) = (World::new(), device());
        let session = world.register(PHONE).await;
        let (flow, options) = world.offer(&session.token).await;
        let made = key.create_with(&options, |draft| draft.count(stored));
        let session = done(world.answer(&flow, &made).await);
        let (flow, options) = world.unnamed().await;
        let step = world.answer(&flow, &key.get_with(&options, |draft| draft.count(new))).await;
        assert_eq!(said(&step), told, "({stored}, {new})");

        let notices = world.outbox.all(&world.auth).await;
        let notice = notices.iter().find(|message| message.template.as_str() == "credential-disabled");
        let next = world.proven(PHONE).await;
        let offered = offers(&next).contains(&"passkey");
        if told == "done" {
            assert!(notice.is_none() && offered, "({stored}, {new})");
            continue;
        }
        // The owner is told, in words; the key is neither offered nor accepted, whatever it counts.
        let text = notice.expect("a notice").text();
        assert!(text.body.contains("copy of your passkey"), "{}", text.body);
        assert_eq!(Locale::En, notice.unwrap().locale);
        assert!(!offered, "({stored}, {new})");
        key.count = Some(stored.saturating_add(10));
        assert_eq!(world.try_unnamed(&mut key).await, "wrong");
        // What the copy may have opened is shut with it. The same device may make a new one, which works.
        assert!(world.auth.session(&session.token).await.unwrap().is_none());
        let next = pending(world.visit.begin(&next.flow, &FactorName::new("sms-code")).await.unwrap());
        let code = world.outbox.code(&world.auth).await;
        let code = Code::typed(FactorName::new("sms-code"), &code);
        let session = done(world.visit.answer(&next.flow, code).await.unwrap());
        let (flow, options) = world.offer(&session.token).await;
        let asked: Value = serde_json::from_str(&options).unwrap();
        assert_eq!(asked["excludeCredentials"], serde_json::json!([]));
        let mut fresh = device();
        done(world.answer(&flow, &fresh.create(&options)).await);
        assert_eq!(world.try_unnamed(&mut fresh).await, "done");
        let next = world.proven(PHONE).await;
        let (_, options) = world.begun(&next.flow).await;
        let asked: Value = serde_json::from_str(&options).unwrap();
        assert_eq!(bytes(&asked["allowCredentials"][0]["id"]), fresh.id);
        assert_eq!(asked["allowCredentials"].as_array().unwrap().len(), 1);
    }
}

/// Two devices with one key: the second to come in with a number that is used up is refused, and then the first, too.
/// Whichever of them was the thief's is signed out.
#[tokio::test]
async fn a_copy_of_a_key_is_found_out() {
    let (world, mut key) = (World::new(), device());
    world.person(PHONE, &mut key).await;
    let mut copy = key.copy();
    for _ in 0..2 {
        assert_eq!(world.try_unnamed(&mut key).await, "done");
    }
    let (flow, options) = world.unnamed().await;
    let thief = done(world.answer(&flow, &key.get(&options)).await);
    assert_eq!(world.try_unnamed(&mut copy).await, "wrong");
    assert_eq!(world.try_unnamed(&mut key).await, "wrong");
    assert!(world.auth.session(&thief.token).await.unwrap().is_none());
}

/// A wrong signature with a low counter is no copy: else anybody who knows a key's id could switch it off.
#[tokio::test]
async fn only_who_holds_the_key_can_have_it_disabled() {
    let (world, mut key) = (World::new(), device());
    world.person(PHONE, &mut key).await;
    assert_eq!(world.try_unnamed(&mut key).await, "done");
    let (flow, options) = world.unnamed().await;
    let mut impostor = device();
    (impostor.id, impostor.user) = (key.id.clone(), key.user.clone());
    let forged = impostor.get_with(&options, |draft| draft.count(0));
    assert_eq!(said(&world.answer(&flow, &forged).await), "wrong");
    assert_eq!(world.try_unnamed(&mut key).await, "done");
}

#[tokio::test]
async fn an_answer_is_accepted_once() {
    // Also of a device that does not count, whose second answer would be as good as the first.
    for count in [Some(7), None] {
        let (world, mut key) = (World::new(), device());
        key.count = count;
        world.person(PHONE, &mut key).await;
        let (flow, options) = world.unnamed().await;
        let answer = key.get(&options);
        done(world.answer(&flow, &answer).await);
        assert_eq!(said(&world.answer(&flow, &answer).await), "no_flow");
        let (other, _) = world.unnamed().await;
        assert_eq!(said(&world.answer(&other, &answer).await), "wrong");
        // Nor does a second challenge in the same flow leave the first alive.
        let (flow, options) = world.unnamed().await;
        let old = key.get(&options);
        let (flow, options) = world.begun(&flow).await;
        assert_eq!(said(&world.answer(&flow, &old).await), "wrong");
        assert_eq!(said(&world.answer(&flow, &key.get(&options)).await), "done");
        // None of this was taken for a copy.
        assert_eq!(world.try_unnamed(&mut key).await, "done");
    }
}

/// Fifty posts of one answer, all past the reading of the flow before the first is written: one session. The others
/// come with a counter that is used up by then, and must not be taken for a copy.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_posts_of_one_answer_one_is_accepted_and_the_key_stays_good() {
    const TASKS: usize = 50;
    let (store, outbox) = (MemoryStore::default(), Outbox::default());
    let keys = || {
        let key = |from: u8| {
            propusk::secret::Key::from_bytes(&std::array::from_fn::<u8, 32, _>(|at| from + at as u8)).unwrap()
        };
        KeyRing::new(key(1), key(101))
    };
    let node = |gate: Option<GatedStore<MemoryStore>>| {
        let builder = match gate {
            Some(gate) => Auth::builder(Profile::public_portal(), gate, keys()),
            None => Auth::builder(Profile::public_portal(), store.clone(), keys()),
        };
        let builder = builder.site(Site::new("Portal", ORIGIN)).hashing(propusk::danger::fast_hashing());
        let builder = builder.sender(outbox.clone()).factor(Password::default()).factor(Code::sms());
        builder.factor(Passkey::default()).build().unwrap()
    };
    let auth = node(None);
    let visit = auth.visit(Client::unknown());
    let world = World { auth: auth.clone(), outbox: outbox.clone(), visit, watch: crate::site::Watch::new() };
    let mut key = device();
    let owner = world.person(PHONE, &mut key).await;
    let sessions = async || world.auth.sessions(owner.session.account()).await.unwrap().len();
    let before = sessions().await;
    let (flow, options) = world.unnamed().await;
    let answer = key.get(&options);
    let gate = GatedStore::new(store.clone(), "find_flow", TASKS);
    let gated = node(Some(gate.clone()));
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let (visit, flow, answer) = (gated.visit(Client::unknown()), flow.clone(), wire(&answer));
            tokio::spawn(async move { said(&visit.answer(&flow, answer).await.unwrap()) })
        })
        .collect();
    // All fifty have read the flow: they went on together.
    while gate.held() == 0 {
        assert!(!tasks.iter().all(tokio::task::JoinHandle::is_finished), "nobody met at the gate");
        tokio::task::yield_now().await;
    }
    gate.open();
    let mut ends = Vec::new();
    for task in tasks {
        ends.push(task.await.unwrap());
    }
    assert_eq!(ends.iter().filter(|end| **end == "done").count(), 1, "{ends:?}");
    assert_eq!(sessions().await, before + 1);
    assert_eq!(world.try_unnamed(&mut key).await, "done");
    let notices = outbox.all(&auth).await;
    assert!(notices.iter().all(|message| message.template.as_str() != "credential-disabled"));
}
