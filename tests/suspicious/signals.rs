//! Each signal, fired and not.

use propusk::event::Outcome;
use propusk::store::Rate;

use super::*;

/// Whose owner is told and not asked.
fn house() -> House {
    House::new(telling(Profile::nist_aal1()))
}

fn telling(mut profile: Profile) -> Profile {
    profile.suspicion.more = None;
    profile
}

#[tokio::test]
async fn a_browser_is_new_once() {
    let house = house();
    let account = house.account(&[EMAIL]).await;
    let browser = house.enter(EMAIL, &from(HOME)).await.browser.unwrap();
    assert_eq!(house.signals(account).await, ["new_browser"]);
    assert_eq!(house.templates().await, ["new-browser"]);
    house.enter(EMAIL, &from(HOME).with_browser(browser)).await;
    assert!(house.signals(account).await.is_empty());
    assert!(house.templates().await.is_empty());
    house.enter(EMAIL, &from(HOME)).await;
    assert_eq!(house.signals(account).await, ["new_browser"]);
}

#[tokio::test]
async fn a_network_is_new_to_an_account_that_knows_another() {
    let house = house();
    let (account, browser) = house.at_home(&[EMAIL]).await;
    for (address, signals) in [
        // A provider moves its customers within a /24.
        ("192.0.2.250", &[][..]),
        (AWAY, &["new_network"]),
        (AWAY, &[]),
        (HOME, &[]),
        // In IPv6 clothes the same.
        ("::ffff:198.51.100.9", &[]),
        ("2001:db8:1:2::3", &["new_network"]),
        ("2001:db8:1:ffff::3", &[]),
        ("2001:db8:2:2::3", &["new_network"]),
    ] {
        house.enter(EMAIL, &from(address).with_browser(browser.clone())).await;
        assert_eq!(house.signals(account).await, signals, "{address}");
    }
    // Of that alone nobody is told: people carry their devices about.
    assert!(house.templates().await.is_empty());
    // Where no address is known nothing is compared.
    house.enter(EMAIL, &Client::unknown().with_browser(browser)).await;
    assert!(house.signals(account).await.is_empty());
}

#[tokio::test]
async fn somebody_elses_device_teaches_nothing() {
    let house = house();
    let (account, browser) = house.at_home(&[EMAIL]).await;
    for _ in 0..2 {
        let visit = house.auth.visit(from(AWAY));
        let _ = done(visit.sign_in().public_device(true).with(EMAIL, Password::word(WORD)).await.unwrap());
        assert_eq!(house.signals(account).await, ["new_browser", "new_network"]);
    }
    house.enter(EMAIL, &from(AWAY).with_browser(browser)).await;
    assert_eq!(house.signals(account).await, ["new_network"]);
}

/// The list is bounded: the longest unused gives way.
#[tokio::test]
async fn an_account_is_used_to_so_many_networks() {
    let mut profile = telling(Profile::nist_aal1());
    profile.suspicion.networks = 2;
    let house = House::new(profile);
    let (account, browser) = house.at_home(&[EMAIL]).await;
    let client = |address| from(address).with_browser(browser.clone());
    house.enter(EMAIL, &client(AWAY)).await;
    house.hands.advance(DAY);
    // Used again that day, so that it is the other that goes.
    house.enter(EMAIL, &client(HOME)).await;
    house.enter(EMAIL, &client("198.51.100.7")).await;
    house.hands.advance(DAY);
    house.enter(EMAIL, &client(HOME)).await;
    house.enter(EMAIL, &client("192.0.99.7")).await;
    assert_eq!(house.signals(account).await, ["new_network"]);
    house.enter(EMAIL, &client(HOME)).await;
    assert!(house.signals(account).await.is_empty());
    house.enter(EMAIL, &client(AWAY)).await;
    assert_eq!(house.signals(account).await, ["new_network"], "it gave way");
}

#[tokio::test]
async fn a_country_is_new_where_the_application_knows_countries() {
    let house = house();
    let (account, browser) = house.at_home(&[EMAIL]).await;
    let client = |address| from(address).with_browser(browser.clone());
    house.enter(EMAIL, &client(ABROAD)).await;
    assert_eq!(house.signals(account).await, ["new_network", "new_country"]);
    assert_eq!(house.newest(account).await.details["country"], "DE");
    let told = house.told().await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].template.as_str(), "sign-in-unusual");
    let why = "a new network, a new country";
    assert_eq!(told[0].param("why"), Some(why));
    house.enter(EMAIL, &client(ABROAD)).await;
    assert!(house.signals(account).await.is_empty());
    // Of which nobody knows the country: never another one.
    house.enter(EMAIL, &client("10.64.0.1")).await;
    assert_eq!(house.signals(account).await, ["new_network"]);
    assert_eq!(house.newest(account).await.details.get("country"), None);

    let outbox = Outbox::default();
    let store = CountingStore::new(MemoryStore::default());
    let log = store.log();
    let bare = portal::portal(&store, Profile::nist_aal1()).sender(outbox.clone());
    let auth = bare.clock(house.hands.clone()).factor(Password::default()).factor(Code::email());
    let bare = House { auth: auth.build().unwrap(), outbox, hands: Hands::default(), log };
    let (account, browser) = bare.at_home(&[EMAIL]).await;
    bare.enter(EMAIL, &from(ABROAD).with_browser(browser)).await;
    assert_eq!(bare.signals(account).await, ["new_network"]);
}

#[tokio::test]
async fn a_right_answer_after_many_wrong_ones() {
    let house = house();
    let (account, browser) = house.at_home(&[EMAIL]).await;
    let client = from(HOME).with_browser(browser);
    let wrong = async |times| {
        for _ in 0..times {
            let visit = house.auth.visit(client.clone());
            let _ = portal::refused(visit.sign_in().with(EMAIL, Password::word("wrong")).await.unwrap());
        }
    };
    wrong(4).await;
    house.enter(EMAIL, &client).await;
    assert!(house.signals(account).await.is_empty());
    wrong(5).await;
    house.enter(EMAIL, &client).await;
    assert_eq!(house.signals(account).await, ["after_refusals"]);
    let told = house.told().await;
    assert_eq!(told.iter().map(|one| one.template.as_str()).collect::<Vec<_>>(), ["sign-in-unusual"]);
    assert_eq!(told[0].param("why"), Some("several wrong answers just before"));
    house.enter(EMAIL, &client).await;
    assert!(house.signals(account).await.is_empty(), "once");
}

/// The count was of the first factor; what is told of is the sign-in, two steps later.
#[tokio::test]
async fn wrong_answers_are_remembered_to_the_end_of_the_sign_in() {
    let house = House::new(Profile::public_portal());
    let (account, browser) = house.at_home(&[EMAIL]).await;
    let client = from(HOME).with_browser(browser);
    for _ in 0..5 {
        let visit = house.auth.visit(client.clone());
        let _ = portal::refused(visit.sign_in().with(EMAIL, Password::word("wrong")).await.unwrap());
    }
    house.enter(EMAIL, &client).await;
    assert_eq!(house.signals(account).await, ["after_refusals"]);
}

/// Whoever is asked for more, or turned away, for what was tried before, begins again: it is not forgotten by that.
#[tokio::test]
async fn a_flow_that_is_dropped_forgets_no_wrong_answer() {
    for refuse in [None, Some(60)] {
        let mut profile = Profile::nist_aal1();
        profile.suspicion.refuse = refuse;
        let house = House::new(profile);
        let _ = house.at_home(&[EMAIL, PHONE]).await;
        let client = from(AWAY);
        for _ in 0..5 {
            let visit = house.auth.visit(client.clone());
            let _ = portal::refused(visit.sign_in().with(EMAIL, Password::word("wrong")).await.unwrap());
        }
        for _ in 0..3 {
            match house.auth.visit(client.clone()).sign_in().with(EMAIL, Password::word(WORD)).await.unwrap()
            {
                Step::Pending(next) => assert!(refuse.is_none() && next.unusual),
                Step::Refused(why) => assert!(refuse.is_some() && why.code.as_str() == "unusual", "{why:?}"),
                Step::Done(_) => panic!("let in at the second try"),
            }
        }
        if refuse.is_some() {
            assert_eq!(
                house.templates().await,
                ["sign-in-refused", "sign-in-refused"],
                "once to each contact"
            );
        }
    }
}

/// Nor does a first factor that is proven and left: it is over with the sign-in that ends well.
#[tokio::test]
async fn half_a_sign_in_forgets_no_wrong_answer() {
    let house = House::new(Profile::public_portal());
    let (account, browser) = house.at_home(&[EMAIL]).await;
    let client = from(HOME).with_browser(browser);
    for _ in 0..5 {
        let visit = house.auth.visit(client.clone());
        let _ = portal::refused(visit.sign_in().with(EMAIL, Password::word("wrong")).await.unwrap());
    }
    let _ =
        pending(house.auth.visit(client.clone()).sign_in().with(EMAIL, Password::word(WORD)).await.unwrap());
    house.enter(EMAIL, &client).await;
    assert_eq!(house.signals(account).await, ["after_refusals"]);
    house.enter(EMAIL, &client).await;
    assert!(house.signals(account).await.is_empty());
}

#[tokio::test]
async fn a_long_absence() {
    let house = house();
    let (account, browser) = house.at_home(&[EMAIL]).await;
    let client = from(HOME).with_browser(browser);
    house.hands.advance(89 * DAY);
    house.enter(EMAIL, &client).await;
    assert!(house.signals(account).await.is_empty());
    house.hands.advance(91 * DAY);
    house.enter(EMAIL, &client).await;
    assert_eq!(house.signals(account).await, ["long_absence"]);
    assert_eq!(house.templates().await, ["sign-in-unusual"]);
    house.enter(EMAIL, &client).await;
    assert!(house.signals(account).await.is_empty());
    // Who only ever uses somebody else's device was not away, and nobody knows a browser of theirs.
    for _ in 0..3 {
        house.hands.advance(80 * DAY);
        let visit = house.auth.visit(from(HOME));
        let _ = done(visit.sign_in().public_device(true).with(EMAIL, Password::word(WORD)).await.unwrap());
        assert_eq!(house.signals(account).await, ["new_browser"]);
    }
}

#[tokio::test]
async fn many_accounts_from_one_network() {
    let mut profile = telling(Profile::nist_aal1());
    profile.suspicion.accounts = Rate { uses: 2, per: std::time::Duration::from_secs(3600) };
    let house = House::new(profile);
    let mut people = Vec::new();
    for nth in 0..5 {
        let name = format!("person{nth}@example.org");
        let (account, browser) = house.at_home(&[&name]).await;
        people.push((name, account, browser));
    }
    house.hands.advance(3600);
    let mut fired = Vec::new();
    for (name, account, _) in &people[..3] {
        house.enter(name, &from(AWAY)).await;
        fired.push(house.signals(*account).await.contains(&"many_accounts"));
        // The same account again is no other one.
        house.enter(name, &from(AWAY)).await;
        assert!(!house.signals(*account).await.contains(&"many_accounts"));
    }
    assert_eq!(fired, [false, false, true]);
    // One's own browser, which wanders through a carrier's addresses.
    let (name, account, browser) = &people[3];
    house.enter(name, &from(AWAY).with_browser(browser.clone())).await;
    assert_eq!(house.signals(*account).await, ["new_network"]);
    // Another network, and the same later.
    let (name, account, _) = &people[4];
    house.enter(name, &from(ABROAD)).await;
    assert!(!house.signals(*account).await.contains(&"many_accounts"));
    let (name, account, _) = &people[3];
    house.hands.advance(3600);
    house.enter(name, &from("198.51.101.7")).await;
    assert!(!house.signals(*account).await.contains(&"many_accounts"));
}

/// One account is no crowd, however often it is tried: whoever enters their own again and again would else have all their
/// neighbours asked for more. And whom a crowd brought is none of those that there is room for.
#[tokio::test]
async fn an_account_counts_once_in_a_crowd() {
    let mut profile = telling(Profile::nist_aal1());
    profile.suspicion.accounts = Rate { uses: 2, per: std::time::Duration::from_secs(3600) };
    (profile.suspicion.more, profile.suspicion.refuse) = (Some(30), Some(60));
    let house = House::new(profile);
    let names = ["person0@example.org", "person1@example.org", "person2@example.org"];
    for (nth, name) in names.iter().enumerate() {
        let _ = house.at_home(&[name, &format!("+7916000000{nth}")]).await;
    }
    let tries = async |nth: usize| {
        for _ in 0..4 {
            let step = house.step(names[nth], &from(AWAY)).await;
            match step {
                Step::Pending(next) => assert!(next.unusual && nth < 2, "{nth}"),
                Step::Refused(why) => assert!(why.code.as_str() == "unusual" && nth == 2, "{nth} {why:?}"),
                Step::Done(_) => panic!("{nth}"),
            }
        }
    };
    for nth in [0, 1, 2, 0, 1] {
        tries(nth).await;
    }
}

/// Somebody knew the first factor and not the second (ASVS 5.0 6.3.5): told when the flow has ended by its time.
#[tokio::test]
async fn a_partial_success_from_a_browser_that_is_new_is_told_once_a_day() {
    let house = House::new(Profile::public_portal());
    let (account, browser) = house.at_home(&[EMAIL]).await;
    let half = async |client: Client| {
        let visit = house.auth.visit(client);
        let next = pending(visit.sign_in().with(EMAIL, Password::word(WORD)).await.unwrap());
        let _ = pending(visit.begin(&next.flow, &MAIL).await.unwrap());
        let _ = portal::refused(visit.answer(&next.flow, Code::typed(MAIL, "000000")).await.unwrap());
    };
    let began = house.auth.now();
    half(from(AWAY)).await;
    assert!(house.templates().await.is_empty());
    house.hands.advance(16 * 60);
    let told = house.told().await;
    assert_eq!(told.iter().map(|one| one.template.as_str()).collect::<Vec<_>>(), ["sign-in-unfinished"]);
    assert_eq!(told[0].param("at"), Some(began.rfc3339().as_str()), "the moment that it happened");
    assert_eq!((told[0].param("factor"), told[0].param("address")), (Some("password"), Some(AWAY)));
    assert!(link(&told[0]).is_some());
    let line = house.newest(account).await;
    assert_eq!((line.outcome, line.name.as_str()), (Outcome::TimedOut, "sign-in"));
    assert_eq!(house.signals(account).await, ["new_browser", "new_network", "partial_success"]);
    // Again the same day: the history tells.
    half(from(AWAY)).await;
    house.hands.advance(16 * 60);
    assert!(house.templates().await.is_empty());
    let lines = house.auth.history(account, EventPage::newest(100)).await.unwrap();
    assert_eq!(lines.iter().filter(|line| line.outcome == Outcome::TimedOut).count(), 2);
    house.hands.advance(DAY);
    assert!(house.templates().await.is_empty());
    half(from(AWAY)).await;
    house.hands.advance(16 * 60);
    assert_eq!(house.templates().await, ["sign-in-unfinished"]);
    // In their own browser people leave a sign-in half done.
    house.hands.advance(2 * DAY);
    half(from(HOME).with_browser(browser)).await;
    house.hands.advance(16 * 60);
    assert!(house.templates().await.is_empty());
    assert_eq!(house.signals(account).await, ["partial_success"]);
}

#[tokio::test]
async fn a_weight_of_nothing_switches_a_signal_off() {
    let mut profile = telling(Profile::nist_aal1());
    for signal in Signal::ALL {
        profile.suspicion = profile.suspicion.with(signal, 0);
    }
    let house = House::new(profile);
    let (account, _) = house.at_home(&[EMAIL]).await;
    house.hands.advance(100 * DAY);
    house.enter(EMAIL, &from(ABROAD)).await;
    assert!(house.signals(account).await.is_empty());
    assert!(house.templates().await.is_empty());
}

/// PERFORMANCE P6. Where nothing is new nothing is written but what was before; where it is, it goes with the sign-in.
#[tokio::test]
async fn a_sign_in_has_as_many_commits_as_before_and_writes_what_is_new_with_it() {
    let house = house();
    let (_, browser) = house.at_home(&[EMAIL]).await;
    let client = |address| from(address).with_browser(browser.clone());
    let calls = async |client: &Client| {
        let _ = house.log.take();
        house.enter(EMAIL, client).await;
        house.log.take()
    };
    let methods = |calls: &[propusk::testing::Call]| calls.iter().map(|call| call.method).collect::<Vec<_>>();
    let writes = |calls: &[propusk::testing::Call]| calls.last().unwrap().writes.clone();
    let quiet = calls(&client(HOME)).await;
    assert_eq!(methods(&quiet), ["pass", "subject", "subject", "reserve", "commit"]);
    let old =
        ["Once", "KeepAccount", "KeepCredential", "Settle", "Settle", "Event", "TouchBrowser", "AddSession"];
    assert_eq!(writes(&quiet), old);
    let away = calls(&client(AWAY)).await;
    assert_eq!(methods(&away), methods(&quiet));
    let new = [
        "Once",
        "KeepAccount",
        "KeepCredential",
        "Settle",
        "Settle",
        "Event",
        "SwapCredential",
        "TouchBrowser",
        "AddSession",
    ];
    assert_eq!(writes(&away), new);
    assert_eq!(writes(&calls(&client(AWAY)).await), old);
    // A throttle for who is new in both, which is not the ledger's.
    assert_eq!(
        methods(&calls(&from(ABROAD)).await),
        ["pass", "subject", "subject", "reserve", "pass", "commit"]
    );
}

/// No oracle: what fails is not weighed.
#[tokio::test]
async fn a_sign_in_that_fails_does_the_same_work_wherever_it_comes_from() {
    let house = house();
    let (_, browser) = house.at_home(&[EMAIL]).await;
    house.hands.advance(100 * DAY);
    let mut seen = Vec::new();
    for client in [from(HOME).with_browser(browser), from(HOME), from(ABROAD)] {
        let _ = house.log.take();
        let step = house.auth.visit(client).sign_in().with(EMAIL, Password::word("wrong")).await.unwrap();
        seen.push((house.log.take(), format!("{step:?}")));
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:#?}");
}

/// Of fifty at once, from a network that is new, one writes that down and all get in.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_from_a_new_network_all_get_in() {
    let house = house();
    let (account, browser) = house.at_home(&[EMAIL]).await;
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let visit = house.auth.visit(from(AWAY).with_browser(browser.clone()));
        all.spawn(async move { visit.sign_in().with(EMAIL, Password::word(WORD)).await.unwrap() });
    }
    for step in all.join_all().await {
        let _ = done(step);
    }
    let lines = house.auth.history(account, EventPage::newest(100)).await.unwrap();
    let new = lines.iter().filter(|line| line.signals().contains(&Signal::NewNetwork)).count();
    assert_eq!(new, 1);
}
