//! What becomes of an account and of its sessions while others use them: fifty at once, half through each of two nodes over
//! one store. All have read the account before any of them writes.
//!
//! `PROPUSK_ROUNDS` says how many rounds: a fourth of it, since each begins with an account and its sessions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use propusk::event::EventPage;
use propusk::flow::{Closing, Done, Duty, Next};
use propusk::id::{AccountId, FactorName};
use propusk::store::{Rate, Store, Throttle};
use propusk::testing::GatedStore;
use propusk::{Answer, Auth, Client, Code, Password, Profile, Step, Token, Totp};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::otp;
use crate::portal::{self, Hands, Outbox, WORD, done, pending, register};
use crate::wide::{Nap, Wide};

const TASKS: usize = 50;
const SMS: FactorName = FactorName::new("sms-code");

/// What one of the fifty does, everything before it done.
#[derive(Clone, Debug)]
enum Act {
    Switch(Token),
    /// The last answer of a sign-in.
    Enter(Token, String),
    /// The code of a new authenticator.
    Enrol(Token, String),
    /// The code that was sent to a new address.
    Contact(Token, String),
    Close(Token),
    Reopen(Token),
}

/// How it ended: what it was, in a word, and the session that came of it.
type End = (&'static str, Option<Token>);

impl Act {
    async fn done(self, auth: &Auth) -> End {
        let visit = auth.visit(Client::unknown());
        let by = |factor: &'static str, code: &str| Code::typed(FactorName::new(factor), code);
        let (what, step) = match self {
            Self::Switch(to) => ("switched", visit.switch(&to).await),
            Self::Enter(flow, code) => ("entered", visit.answer(&flow, by("sms-code", &code)).await),
            Self::Enrol(flow, code) => ("enrolled", visit.answer(&flow, Totp::code(&code)).await),
            Self::Contact(flow, code) => ("changed", visit.answer(&flow, by("email-code", &code)).await),
            Self::Reopen(flow) => ("reopened", visit.reopen(&flow).await),
            Self::Close(session) => match visit.close(&session).await.unwrap() {
                Closing::Closed { .. } => return ("closed", None),
                Closing::Prove(_) => return ("not closed", None),
                other => panic!("{other:?}"),
            },
        };
        match step.unwrap() {
            Step::Done(end) => (what, Some(end.token)),
            Step::Pending(_) => ("asked for more", None),
            Step::Refused(_) => ("refused", None),
        }
    }
}

struct Course<S> {
    over: String,
    stores: [S; 2],
    calm: Auth,
    hands: Hands,
    outbox: Outbox,
}

impl<S: Store + Throttle + Clone> Course<S> {
    fn new(over: &str, stores: [S; 2]) -> Self {
        let (hands, outbox) = (Hands::default(), Outbox::default());
        let calm = node(&stores[0], &hands, &outbox);
        Self { over: over.to_owned(), stores, calm, hands, outbox }
    }

    /// All at once; how each ended, and whether all had read before any wrote.
    async fn at_once(&self, acts: Vec<Act>) -> (Vec<End>, bool) {
        assert_eq!(acts.len(), TASKS);
        // Nobody goes on by themselves: else one node is through before the other has read.
        let gated = self.stores.each_ref().map(|store| GatedStore::new(store.clone(), "subject", usize::MAX));
        let nodes = gated.each_ref().map(|store| node(store, &self.hands, &self.outbox));
        for node in &nodes {
            node.ready().await.unwrap();
        }
        let (barrier, over) = (Arc::new(Barrier::new(TASKS)), Arc::new(AtomicUsize::new(0)));
        let mut all = JoinSet::new();
        for (nth, act) in acts.into_iter().enumerate() {
            let (barrier, over, node) = (Arc::clone(&barrier), Arc::clone(&over), nodes[nth % 2].clone());
            all.spawn(async move {
                let _ = barrier.wait().await;
                let end = act.done(&node).await;
                over.fetch_add(1, Ordering::SeqCst);
                end
            });
        }
        let waiting = || gated.iter().map(GatedStore::waiting).sum::<usize>();
        while waiting() + over.load(Ordering::SeqCst) < TASKS {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let met = waiting() == TASKS;
        gated.iter().for_each(GatedStore::open);
        (all.join_all().await, met)
    }

    async fn person(&self, phone: &str) -> AccountId {
        self.outbox.clear();
        let visit = self.calm.visit(Client::unknown());
        let end = register(&self.calm, &self.outbox, &visit, phone, Password::word(WORD)).await;
        end.session.account()
    }

    /// A sign-in up to its last answer.
    async fn half(&self, phone: &str) -> (Token, String) {
        let visit = self.calm.visit(Client::unknown());
        let next = pending(visit.sign_in().with(phone, Password::word(WORD)).await.unwrap());
        let next = pending(visit.begin(&next.flow, &SMS).await.unwrap());
        (next.flow.clone(), self.outbox.code(&self.calm).await)
    }

    async fn answered(&self, flow: &Token, answer: Answer) -> Step {
        self.calm.visit(Client::unknown()).answer(flow, answer).await.unwrap()
    }

    async fn whole(&self, phone: &str) -> Step {
        let (flow, code) = self.half(phone).await;
        self.answered(&flow, Code::typed(SMS, &code)).await
    }

    async fn enter(&self, phone: &str) -> Box<Done> {
        done(self.whole(phone).await)
    }

    /// What is asked for before something new is, proven.
    async fn proven(&self, mut next: Box<Next>) -> Box<Next> {
        while next.duty.is_none() {
            let word = next.offers.iter().any(|offer| offer.factor == Password::NAME);
            let answer = if word {
                Password::word(WORD)
            } else {
                next = pending(self.calm.visit(Client::unknown()).begin(&next.flow, &SMS).await.unwrap());
                Code::typed(SMS, &self.outbox.code(&self.calm).await)
            };
            next = pending(self.answered(&next.flow, answer).await);
        }
        next
    }

    /// A session that may close the account.
    async fn closer(&self, phone: &str) -> Token {
        let (visit, mine) = (self.calm.visit(Client::unknown()), self.enter(phone).await);
        let Closing::Prove(step) = visit.close(&mine.token).await.unwrap() else { panic!("no proof") };
        let next = pending(self.answered(&pending(step).flow, Password::word(WORD)).await);
        let next = pending(visit.begin(&next.flow, &SMS).await.unwrap());
        let code = self.outbox.code(&self.calm).await;
        done(self.answered(&next.flow, Code::typed(SMS, &code)).await).token
    }

    /// Enrolments and changes of contacts up to their last answer, each in a session of its own.
    async fn changes(&self, phone: &str, each: usize) -> Vec<Act> {
        let (visit, mut acts) = (self.calm.visit(Client::unknown()), Vec::new());
        for nth in 0..each {
            let mine = self.enter(phone).await;
            let next = pending(visit.enrol(&mine.token, Totp::NAME).await.unwrap());
            let next = self.proven(next).await;
            let next = pending(visit.begin(&next.flow, &Totp::NAME).await.unwrap());
            let key = otp::shown(&next)["key"].as_str().unwrap().to_owned();
            let code = otp::totp(&key, otp::step(self.calm.now()));
            acts.push(Act::Enrol(next.flow.clone(), code));
            let mine = self.enter(phone).await;
            let address = format!("ivan{nth}.{}@example.org", &phone[1..]);
            let next = pending(visit.add_contact(&mine.token, &address, None).await.unwrap());
            let next = self.proven(next).await;
            let next = pending(visit.begin(&next.flow, &FactorName::new("email-code")).await.unwrap());
            acts.push(Act::Contact(next.flow.clone(), self.outbox.code(&self.calm).await));
        }
        acts
    }

    /// So many lines of this name are in the history.
    async fn lines(&self, of: AccountId, name: &str) -> usize {
        let all = self.calm.history(of, EventPage::newest(1000)).await.unwrap();
        all.iter().filter(|event| event.name.as_str() == name && event.outcome.as_str() == "done").count()
    }

    /// What was done stands in the account once, and what was not does not; whether it is closing.
    async fn consistent(&self, of: AccountId, ends: &[End]) -> bool {
        let count = |what: &str| ends.iter().filter(|(end, _)| *end == what).count();
        let account = self.calm.account(of).await.unwrap().unwrap();
        assert_eq!(account.contacts.len(), 1 + count("changed"), "over {}: {ends:?}", self.over);
        let held = self.calm.credentials(of).await.unwrap();
        let totp = held.iter().filter(|one| one.factor == Totp::NAME).count();
        assert_eq!(totp, count("enrolled"), "over {}: {ends:?}", self.over);
        for (what, name) in [("changed", "contact-changed"), ("enrolled", "credential-added")] {
            assert_eq!(self.lines(of, name).await, count(what), "over {}: {name}", self.over);
        }
        let live = self.calm.sessions(of).await.unwrap();
        assert!(live.iter().all(|one| one.from.is_some()), "a session without its event");
        if account.erased_at.is_some() {
            assert!(live.is_empty(), "over {}: {} sessions of a closed account", self.over, live.len());
            for (_, token) in ends {
                let Some(token) = token else { continue };
                assert!(self.calm.session(token).await.unwrap().is_none(), "over {}", self.over);
            }
        }
        account.erased_at.is_some()
    }

    fn tally(&self, name: &str, overlapped: usize, rounds: usize, ends: &BTreeMap<&'static str, usize>) {
        println!("{name} over {}: {ends:?}", self.over);
        println!(
            "counted: {name}, {TASKS} at once by two nodes over {}, {rounds} rounds, overlapped, seed -, count {overlapped}",
            self.over
        );
        assert!(
            overlapped * 10 >= rounds * 9,
            "{overlapped} of {rounds} rounds overlapped, which proves little"
        );
    }
}

fn node<S: Store + Throttle + Clone>(store: &S, hands: &Hands, outbox: &Outbox) -> Auth {
    let mut profile = Profile::public_portal();
    let any = Rate { uses: u32::MAX, per: Duration::from_secs(1) };
    (profile.recipient_rate, profile.network_rate, profile.message_rate) = (any, any, any);
    profile.sessions.at_most = 200;
    portal::portal(store, profile)
        .clock(hands.clone())
        .sender(outbox.clone())
        .sleep(Nap)
        .factor(Password::default())
        .factor(Wide(Code::sms()))
        .factor(Wide(Code::email()))
        .factor(Totp::default())
        .build()
        .unwrap()
}

fn rounds(else_so_many: usize) -> usize {
    let given = std::env::var("PROPUSK_ROUNDS").ok().and_then(|rounds| rounds.parse::<usize>().ok());
    given.map_or(else_so_many, |rounds| rounds.div_ceil(4))
}

fn tallied(ends: &[End], into: &mut BTreeMap<&'static str, usize>) {
    for (end, _) in ends {
        *into.entry(end).or_default() += 1;
    }
}

/// One session that lies beside another, fifty switches to it: one goes on in it, and nobody takes it from them.
pub async fn switches<S: Store + Throttle + Clone>(over: &str, stores: [S; 2], else_so_many: usize) {
    let (course, rounds) = (Course::new(over, stores), rounds(else_so_many));
    let account = course.person(portal::PHONE).await;
    let mut token = course.enter(portal::PHONE).await.token;
    let sessions = course.calm.sessions(account).await.unwrap().len();
    let (mut overlapped, mut all) = (0, BTreeMap::new());
    for round in 1..=rounds {
        let (ends, met) = course.at_once(vec![Act::Switch(token.clone()); TASKS]).await;
        overlapped += usize::from(met);
        tallied(&ends, &mut all);
        let mut won: Vec<_> = ends.into_iter().filter_map(|(_, token)| token).collect();
        assert_eq!(won.len(), 1, "switches to one session over {over}");
        assert!(course.calm.session(&token).await.unwrap().is_none(), "the old token over {over}");
        token = won.remove(0);
        assert!(course.calm.session(&token).await.unwrap().is_some(), "the new one over {over}");
        assert_eq!(course.calm.sessions(account).await.unwrap().len(), sessions, "over {over}");
        assert_eq!(course.lines(account, "account-switched").await, round, "over {over}");
    }
    course.tally("a switch to one session", overlapped, rounds, &all);
}

/// An account is closed while twenty sign-ins, ten enrolments and ten changes of its contacts have their last answer to
/// give; and it is opened again, while others sign in to it and what was begun before it was closed goes on. Whatever comes
/// first, the account is whole, and of a closed one no session is left.
pub async fn closings<S: Store + Throttle + Clone>(over: &str, stores: [S; 2], else_so_many: usize) {
    let (course, rounds) = (Course::new(over, stores), rounds(else_so_many));
    let (mut overlapped, mut closings, mut all, mut again) = (0, 0, BTreeMap::new(), BTreeMap::new());
    for round in 0..rounds {
        let phone = format!("+7916{:07}", 2 * round);
        let account = course.person(&phone).await;
        let mut acts = course.changes(&phone, 10).await;
        acts.extend(vec![Act::Close(course.closer(&phone).await); 10]);
        while acts.len() < TASKS {
            let (flow, code) = course.half(&phone).await;
            acts.push(Act::Enter(flow, code));
        }
        // The changes do not always come first.
        acts.rotate_left(round * 7 % TASKS);
        let (ends, met) = course.at_once(acts).await;
        overlapped += usize::from(met);
        tallied(&ends, &mut all);
        let closing = course.consistent(account, &ends).await;
        let count = |what: &str| ends.iter().filter(|(end, _)| *end == what).count();
        assert_eq!(count("closed"), usize::from(closing), "over {over}: {ends:?}");
        assert_eq!(course.lines(account, "account-closing").await, usize::from(closing), "over {over}");
        // Either ends every session that the other is about.
        assert_eq!(count("changed") + count("closed"), 1, "over {over}: {ends:?}");
        closings += usize::from(closing);

        let phone = format!("+7916{:07}", 2 * round + 1);
        let account = course.person(&phone).await;
        let mut acts = course.changes(&phone, 5).await;
        let visit = course.calm.visit(Client::unknown());
        let closed = visit.close(&course.closer(&phone).await).await.unwrap();
        assert!(matches!(closed, Closing::Closed { .. }));
        for nth in 0..TASKS - acts.len() {
            acts.push(if nth % 2 == 0 {
                let (flow, code) = course.half(&phone).await;
                Act::Enter(flow, code)
            } else {
                let next = pending(course.whole(&phone).await);
                assert_eq!(next.duty, Some(Duty::Reopen));
                Act::Reopen(next.flow)
            });
        }
        let (ends, met) = course.at_once(acts).await;
        overlapped += usize::from(met);
        tallied(&ends, &mut again);
        assert!(!course.consistent(account, &ends).await, "over {over}: {ends:?}");
        let count = |what: &str| ends.iter().filter(|(end, _)| *end == what).count();
        let (reopened, entered) = (count("reopened"), count("entered"));
        assert_eq!((reopened, count("changed"), count("enrolled")), (1, 0, 0), "over {over}: {ends:?}");
        assert_eq!(course.lines(account, "account-reopened").await, 1, "over {over}");
        let live = course.calm.sessions(account).await.unwrap().len();
        assert_eq!(live, reopened + entered, "over {over}: {ends:?}");
    }
    course.tally("an account closed and opened again", overlapped, 2 * rounds, &all);
    println!("opened again over {over}: {again:?}; closed in {closings} of {rounds} rounds");
}
