//! Round trips, counted on the wire by a proxy between the store and its server.

use std::time::Duration;

use propusk::error::FactorError;
use propusk::event::EventPage;
use propusk::factor::{Context, Credential, Enrol, EnrolPlugin, Enrolled, Reason, Verdict};
use propusk::hash::HashPool;
use propusk::id::FactorName;
use propusk::lockout::{Limit, Settlement};
use propusk::proof::{Channel, Proves};
use propusk::store::postgres::PostgresStore;
use propusk::store::{
    AccountStore, Commit, Committed, EventStore, FlowStore, LockoutStore, OutboxStore, Rate, SessionStore,
    SubjectKey, Throttle, ThrottleKey, Write,
};
use propusk::testing::CountingStore;
use propusk::{Answer, Factor, Password, Profile};
use serde::{Deserialize, Serialize};

use crate::portal::{EMAIL, Hands, Outbox, WORD, done, every_factor, pending, portal, register, somebody};
use crate::proxy::Proxy;
use crate::rows::*;
use crate::server::{fresh, settings};

async fn one_connection() -> (Proxy, PostgresStore) {
    let proxy = Proxy::start().await;
    let store = PostgresStore::connect_with(proxy.url(), settings(&fresh()).connections(1)).await.unwrap();
    (proxy, store)
}

#[tokio::test]
async fn each_call_is_one_round_trip_once_its_statements_are_prepared() {
    let (proxy, store) = one_connection().await;
    let key = |n| vec![(guard_key(n), Limit::PORTAL)];
    let keep = |n| Write::KeepAccount { id: account_row(n).id, expect: account_row(n).version };
    let settle =
        |n| Write::Settle { key: guard_key(n), how: Settlement::Reset, limit: Limit::PORTAL, at: T0 };
    for round in 0..3_u32 {
        let n = 10 * round;
        let mut counts: Vec<(&str, usize)> = vec![];
        let mut count = |what| counts.push((what, proxy.round_trips()));
        count("before");
        won(store.commit(vec![account(n), flow(n), once(n)]).await);
        count("commit of 3 writes");
        let sign_in =
            vec![Write::TakeFlow { key: token(n), expect: flow_row(n, 1).version }, keep(n), session(n, n)];
        let rest = vec![once(n + 1), settle(n), settle(n + 1), event(n, n), flow(n + 1)];
        won(store.commit([sign_in, rest].concat()).await);
        count("commit of 8 writes");
        assert_eq!(store.commit(vec![flow(n + 2), once(n)]).await.unwrap(), Committed::Lost { at: 1 });
        count("a lost commit");
        store.subject(SubjectKey::Account(account_row(n).id)).await.unwrap().unwrap();
        count("subject");
        let _ = store.reserve([key(n), key(n + 1)].concat(), T0).await.unwrap();
        count("reserve");
        store.find_flow(token(n + 1), T0).await.unwrap().unwrap();
        count("find_flow");
        store.find_session(token(n)).await.unwrap().unwrap();
        count("find_session");
        store.sessions_of(account_row(n).id, account_row(n).route).await.unwrap();
        count("sessions_of");
        store.events(account_row(n).id, EventPage::newest(10)).await.unwrap();
        count("events");
        store.claim(REALM, T0, Duration::ZERO, 10).await.unwrap();
        count("claim");
        let rate = Rate { uses: 10, per: Duration::from_secs(1) };
        let _ = store.pass(vec![(ThrottleKey(bytes(n)), rate)], T0).await.unwrap();
        count("pass");
        store.purge(T0, 10).await.unwrap();
        count("purge");
        store.drop_events(REALM, false, T0, 10).await.unwrap();
        count("drop_events");
        if round == 0 {
            continue;
        }
        println!("{counts:?}");
        for (what, trips) in counts.into_iter().skip(1) {
            assert_eq!(trips, 1, "{what}");
        }
    }
}

/// P6: a password and a second factor, everything on one database.
#[tokio::test]
async fn a_sign_in_by_two_factors_is_ten_round_trips_and_five_commits_at_the_most() {
    let (proxy, store) = one_connection().await;
    let counting = CountingStore::new(store);
    let (log, hands, outbox) = (counting.log(), Hands::default(), Outbox::default());
    let build = |profile| {
        let builder = every_factor(portal(&counting, profile)).factor(Card);
        builder.clock(hands.clone()).sender(outbox.clone()).build().unwrap()
    };
    // Where a password is enough to enrol with.
    let easy = build(Profile::nist_aal1());
    let visit = easy.visit(somebody());
    let here = register(&easy, &outbox, &visit, EMAIL, Password::word(WORD)).await;
    let next = pending(visit.enrol(&here.token, Card::NAME).await.unwrap());
    let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    done(visit.answer(&next.flow, Card::typed(Card::RIGHT)).await.unwrap());
    let auth = build(Profile::public_portal());
    let visit = auth.visit(somebody());
    let mut here = None;
    // Twice to prepare the statements, the third time counts.
    for round in 0..3 {
        hands.advance(600);
        let (_, _) = (log.take(), proxy.round_trips());
        let next = pending(visit.sign_in().with(EMAIL, Password::word(WORD)).await.unwrap());
        let half = log.calls().len();
        here = Some(done(visit.answer(&next.flow, Card::typed(Card::RIGHT)).await.unwrap()));
        let (calls, trips) = (log.take(), proxy.round_trips());
        if round < 2 {
            continue;
        }
        for (nth, call) in calls.iter().enumerate() {
            println!("{} {call:?}", if nth < half { "password" } else { "card    " });
        }
        let commits = calls.iter().filter(|call| ["commit", "reserve"].contains(&call.method)).count();
        println!("counted: round trips of a two-factor sign-in on PostgreSQL, seed -, count {trips}");
        println!("counted: ledger commits of a two-factor sign-in, seed -, count {commits}");
        assert_eq!(trips, calls.len(), "each call is one round trip");
        assert!(trips <= 10, "{trips} round trips");
        assert!(commits <= 5, "{commits} commits");
    }
    // P4: a session check is one.
    let _ = proxy.round_trips();
    assert!(auth.session(&here.unwrap().token).await.unwrap().is_some());
    let trips = proxy.round_trips();
    println!("counted: round trips of a session check on PostgreSQL, seed -, count {trips}");
    assert_eq!(trips, 1);
}

/// A second factor of the shape of a one-time code: in the hand, and with nothing to begin.
#[derive(Debug)]
struct Card;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Number {
    number: String,
}

impl Card {
    const NAME: FactorName = FactorName::new("card");
    const RIGHT: &str = "271828";
    const PROVES: Proves = Proves::by(Channel::Device).possession();

    fn typed(number: &str) -> Answer {
        Answer::wire(Self::NAME, serde_json::to_vec(&Number { number: number.to_owned() }).unwrap())
    }
}

impl Factor for Card {
    type Data = Number;
    type State = ();
    type Answer = Number;

    fn name(&self) -> FactorName {
        Self::NAME
    }

    fn could_prove(&self, _: Option<&Number>) -> Proves {
        Self::PROVES
    }

    async fn answer(
        &self,
        _: &Context<'_>,
        mine: &[Credential<Number>],
        (): (),
        answer: Number,
    ) -> Result<Verdict<Number>, FactorError> {
        // As a one-time code does it: the step is burned by a swap.
        Ok(match mine.iter().find(|one| one.data.number == answer.number) {
            Some(one) => Verdict::Accept { credential: one.id, proved: Self::PROVES, change: Some(answer) },
            None => Verdict::refuse(Reason::Wrong),
        })
    }

    fn decoy(&self, _: &HashPool, seed: [u8; 32]) -> Option<Number> {
        Some(Number { number: format!("{seed:?}") })
    }

    fn enrolment(&self) -> Option<&dyn EnrolPlugin> {
        Some(self)
    }
}

impl Enrol for Card {
    type Proposal = ();
    type Confirm = Number;

    async fn confirm(
        &self,
        _: &Context<'_>,
        _: &[Credential<Number>],
        (): (),
        answer: Number,
    ) -> Result<Enrolled<Number>, FactorError> {
        Ok(Enrolled::Add { data: answer, handles: Vec::new(), proved: Self::PROVES })
    }
}
