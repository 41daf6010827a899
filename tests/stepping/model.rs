//! Flows begun, left, mixed up and answered in any order, against a model that knows only what was truly answered: nobody
//! gets a session, a new token, an approval, a credential or its removal without the proofs that it takes.
//!
//! The model keeps, for each flow, the factors whose right and fresh secret was given in that flow while it was open. It
//! computes assurance by a table of its own.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use propusk::flow::Transaction;
use propusk::policy::Requirement;
use propusk::proof::Aal;

use super::*;
use crate::portal::PHONE;

const LATELY: Duration = Duration::from_secs(300);

/// One thing that somebody does. Flows and secrets are picked by number among those that there are.
#[derive(Clone, Debug)]
enum Act {
    SignIn,
    StepUp(bool),
    Approve,
    Enrol,
    Change,
    Remove,
    Begin {
        flow: usize,
        factor: usize,
    },
    Answer {
        flow: usize,
        factor: usize,
        secret: Secret,
    },
    /// The new set of codes is asked for, and kept.
    Save {
        flow: usize,
    },
    Wait(u64),
    Swap,
}

/// What is answered.
#[derive(Clone, Copy, Debug)]
enum Secret {
    Right,
    Wrong,
    /// The code of another flow's message.
    Others(usize),
    /// What was just used.
    Again,
}

/// What a flow is for, as the model sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum For {
    SignIn,
    StepUp { all: bool },
    Approve,
    Enrol,
    Change,
    Remove,
}

/// A flow as the model sees it.
#[derive(Clone, Debug)]
struct Seen {
    token: Token,
    what: For,
    /// What was truly proven in it.
    truly: BTreeSet<&'static str>,
    /// What its session had proven when it was begun, and when.
    had: HashMap<&'static str, u64>,
    sent: Option<String>,
}

fn factors() -> [(&'static str, FactorName); 3] {
    [("password", Password::NAME), ("sms-code", SMS), ("totp", Totp::NAME)]
}

fn act() -> impl Strategy<Value = Act> {
    let secret = prop_oneof![
        6 => Just(Secret::Right),
        1 => Just(Secret::Wrong),
        1 => (0..8usize).prop_map(Secret::Others),
        1 => Just(Secret::Again),
    ];
    prop_oneof![
        3 => Just(Act::SignIn),
        2 => any::<bool>().prop_map(Act::StepUp),
        1 => Just(Act::Approve),
        2 => Just(Act::Enrol),
        1 => Just(Act::Change),
        2 => Just(Act::Remove),
        5 => (0..8usize, 0..3usize).prop_map(|(flow, factor)| Act::Begin { flow, factor }),
        12 => (0..8usize, 0..3usize, secret)
            .prop_map(|(flow, factor, secret)| Act::Answer { flow, factor, secret }),
        4 => (0..8usize).prop_map(|flow| Act::Save { flow }),
        2 => (30..400u64).prop_map(Act::Wait),
        1 => Just(Act::Swap),
    ]
}

/// The level of a set of these factors (NIST SP 800-63B-4 section 2), written down and not computed.
fn level(of: &BTreeSet<&'static str>) -> Aal {
    match (of.contains("password"), of.contains("sms-code") || of.contains("totp")) {
        (true, true) => Aal::Two,
        (false, false) => Aal::Zero,
        _ => Aal::One,
    }
}

struct World {
    house: House,
    key: String,
    used: Option<String>,
    word: String,
    flows: Vec<Seen>,
    /// The session in hand, and when its factors were truly proven.
    session: Token,
    proven: HashMap<&'static str, u64>,
    now: u64,
    receipt: bool,
    ended: HashMap<For, usize>,
}

impl World {
    async fn new() -> Self {
        let house = House::new(Profile::public_portal());
        let mine = house.person(PHONE).await;
        let (key, mine) = house.device(&mine.token).await;
        house.hands.advance(3600);
        let proven = ["password", "sms-code", "totp"].map(|name| (name, 0)).into();
        let (session, used) = (mine.token.clone(), None);
        let (flows, ended) = (Vec::new(), HashMap::new());
        Self {
            house,
            key,
            used,
            word: WORD.to_owned(),
            flows,
            session,
            proven,
            now: 3600,
            receipt: false,
            ended,
        }
    }

    fn open(&mut self, what: For, step: &Step) {
        if let Step::Pending(next) = step {
            self.flows.push(Seen {
                token: next.flow.clone(),
                what,
                truly: BTreeSet::new(),
                had: if what == For::SignIn { HashMap::new() } else { self.proven.clone() },
                sent: None,
            });
        }
    }

    async fn act(&mut self, act: Act) {
        let visit = &self.house.visit;
        let step = match &act {
            Act::Wait(seconds) => {
                self.house.hands.advance(*seconds);
                self.now += seconds;
                return;
            }
            Act::Swap => {
                self.flows.reverse();
                return;
            }
            Act::SignIn => visit.sign_in().start(PHONE).await.unwrap(),
            Act::StepUp(all) => visit.step_up(&self.session, asked(*all)).await.unwrap(),
            Act::Approve => {
                let what = Transaction::new("fine:pay").with("Сумма", "1,00 ₽");
                visit.approve(&self.session, Requirement::aal(Aal::Two), what).await.unwrap()
            }
            Act::Enrol => visit.enrol(&self.session, BackupCodes::NAME).await.unwrap(),
            Act::Change => visit.change(&self.session, Password::NAME).await.unwrap(),
            Act::Remove => {
                let mine = self.house.auth.session(&self.session).await.unwrap().unwrap();
                let held = self.house.auth.credentials(mine.account()).await.unwrap();
                let Some(codes) = held.iter().find(|one| one.factor == BackupCodes::NAME) else { return };
                visit.remove(&self.session, codes.id).await.unwrap()
            }
            Act::Begin { flow, factor } => return self.begin(*flow, *factor).await,
            Act::Save { flow } => return self.save(*flow).await,
            Act::Answer { flow, factor, secret } => return self.answer(*flow, *factor, *secret).await,
        };
        let what = match act {
            Act::SignIn => For::SignIn,
            Act::StepUp(all) => For::StepUp { all },
            Act::Approve => For::Approve,
            Act::Enrol => For::Enrol,
            Act::Change => For::Change,
            _ => For::Remove,
        };
        self.open(what, &step);
        if let Step::Done(done) = step {
            // Without a flow: nothing lacks, or a transaction was approved before.
            match what {
                For::StepUp { all } => self.must_meet(all, &self.proven),
                For::Approve => assert!(std::mem::take(&mut self.receipt), "approved by nobody"),
                other => panic!("{other:?} by nothing"),
            }
            assert_eq!(done.token.expose(), self.session.expose());
        }
    }

    async fn begin(&mut self, flow: usize, factor: usize) {
        let Some(at) = flow.checked_rem(self.flows.len()) else { return };
        let (_, factor) = &factors()[factor];
        let before = self.house.outbox.all(&self.house.auth).await.len();
        let step = self.house.visit.begin(&self.flows[at].token, factor).await.unwrap();
        let all = self.house.outbox.all(&self.house.auth).await;
        if let (Step::Pending(_), Some(message)) = (&step, all.get(before..).and_then(<[_]>::last)) {
            self.flows[at].sent = message.param("code").map(str::to_owned);
        }
    }

    async fn answer(&mut self, flow: usize, factor: usize, secret: Secret) {
        let Some(at) = flow.checked_rem(self.flows.len()) else { return };
        let (name, factor) = factors()[factor].clone();
        let current = totp(&self.key, step(self.house.auth.now()));
        let others =
            |n: usize| self.flows[n % self.flows.len()].sent.clone().filter(|_| n % self.flows.len() != at);
        let text = match (name, secret) {
            ("password", Secret::Right) => self.word.clone(),
            ("password", _) => format!("Совсем не то слово {}", self.ended.values().sum::<usize>()),
            ("totp", Secret::Right) => current.clone(),
            ("totp", Secret::Again) => self.used.clone().unwrap_or_else(|| "000000".to_owned()),
            ("sms-code", Secret::Right) => self.flows[at].sent.clone().unwrap_or_else(|| "000000".to_owned()),
            (_, Secret::Others(n)) => others(n).unwrap_or_else(|| "000000".to_owned()),
            _ => "000000".to_owned(),
        };
        // The same six digits may come up by chance: then they are right.
        let right = match name {
            "password" => text == self.word,
            "totp" => text == current && self.used.as_ref() != Some(&text),
            _ => self.flows[at].sent.as_ref() == Some(&text),
        };
        let answer = match name {
            "password" => Password::word(&text),
            "totp" => Totp::code(&text),
            _ => Code::typed(factor, &text),
        };
        let enrols = self.flows[at].what == For::Change && !self.flows[at].truly.is_empty();
        let step = self.house.answer(&self.flows[at].token, answer).await;
        let what = self.flows[at].what;
        match &step {
            Step::Refused(_) => return,
            // What a flow that has its proofs is given is a new secret.
            Step::Pending(_) | Step::Done(_) if !enrols => {
                assert!(right, "{name} was taken in {what:?}: {text}");
                self.flows[at].truly.insert(name);
                if name == "totp" {
                    self.used = Some(current);
                }
            }
            _ => {}
        }
        if let Step::Done(done) = step {
            self.over(at, &done, text);
        }
    }

    async fn save(&mut self, flow: usize) {
        let Some(at) = flow.checked_rem(self.flows.len()) else { return };
        let token = &self.flows[at].token;
        let _ = self.house.visit.begin(token, &BackupCodes::NAME).await.unwrap();
        match self.house.answer(token, BackupCodes::saved()).await {
            Step::Done(done) => {
                assert_eq!(self.flows[at].what, For::Enrol, "a new set by another flow");
                self.over(at, &done, String::new());
            }
            Step::Pending(_) => panic!("taken for a proof"),
            Step::Refused(_) => {}
        }
    }

    /// A flow has ended well: whether it might, and what follows.
    fn over(&mut self, at: usize, done: &Done, text: String) {
        let Seen { what, truly, mut had, .. } = self.flows.remove(at);
        *self.ended.entry(what).or_default() += 1;
        match what {
            For::SignIn => {
                assert_eq!(level(&truly), Aal::Two, "{truly:?}");
                assert_eq!(done.session.aal(), Aal::Two);
            }
            For::StepUp { all } => {
                had.extend(truly.iter().map(|name| (*name, self.now)));
                self.must_meet(all, &had);
            }
            For::Approve => assert_eq!(level(&truly), Aal::Two, "{truly:?}"),
            For::Enrol | For::Remove => assert_eq!(level(&truly), Aal::Two, "{truly:?}"),
            For::Change => {
                assert!(truly.contains("password"));
                self.word = text;
            }
        }
        match what {
            // For the session that asked, and used up by the next who asks.
            For::Approve => self.receipt = true,
            _ => had.extend(truly.iter().map(|name| (*name, self.now))),
        }
        self.proven = had;
        self.session = done.token.clone();
    }

    /// What the session had lately, and what was proven now, meets what was asked for.
    fn must_meet(&self, all: bool, proven: &HashMap<&'static str, u64>) {
        let lately = proven.iter().filter(|(_, at)| self.now - **at <= LATELY.as_secs());
        let have: BTreeSet<_> = lately.map(|(name, _)| *name).collect();
        let wanted = if all { Aal::Two } else { Aal::One };
        assert!(level(&have) >= wanted, "{have:?} for {wanted:?}");
    }
}

const fn asked(all: bool) -> Requirement {
    Requirement::aal(if all { Aal::Two } else { Aal::One }).within(LATELY)
}

#[test]
fn no_mixing_of_flows_ends_in_what_was_not_proven() {
    let long = std::env::var("PROPUSK_SIZE").is_ok_and(|size| size == "long");
    let cases = if long { 4000 } else { 200 };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[SEED; 32]);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let ended = std::cell::RefCell::new(HashMap::<String, usize>::new());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut runner = TestRunner::new_with_rng(config, rng);
    let acts = proptest::collection::vec(act(), 20..60);
    let judged = runner.run(&acts, |acts| {
        let world = runtime.block_on(async {
            let mut world = World::new().await;
            for act in acts {
                world.act(act).await;
            }
            world
        });
        for (what, times) in world.ended {
            *ended.borrow_mut().entry(format!("{what:?}")).or_default() += times;
        }
        Ok(())
    });
    judged.unwrap();
    let ended = ended.into_inner();
    println!("counted: mixed flows, seed {SEED}, count {cases}; ended {ended:?}");
    for what in
        ["SignIn", "StepUp { all: true }", "StepUp { all: false }", "Approve", "Change", "Enrol", "Remove"]
    {
        assert!(ended.contains_key(what), "no {what} ever ended: {ended:?}");
    }
}

const SEED: u8 = 26;
