//! One cell's world: a name, who has it, how often it was tried, and the steps that are taken.

use std::time::Duration;

use propusk::account::LockReason;
use propusk::error::Broken;
use propusk::flow::Closing;
use propusk::id::{AccountId, FactorName};
use propusk::testing::{Call, CallLog, CountingStore, SeededEntropy};
use propusk::{Answer, Auth, Code, Link, MemoryStore, Password, Profile, Step, Token, Visit};

use crate::portal::{self, Hands, Outbox, Pin, WORD, register, somebody};
#[cfg(feature = "axum")]
use crate::wire::Wire;

/// How the steps are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Calls,
    /// The JSON routes.
    #[cfg(feature = "axum")]
    Wire,
}

/// Whose name is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Whose {
    Nobody,
    Somebody,
    SwitchedOff,
    Locked,
    /// Switched off after the first step, and after what was tried before.
    SwitchedOffSince,
    /// Somebody who does not have the factor of the cell.
    Lacking,
    /// Somebody whose password is temporary, past its life, and known to others: told to who types it, and to nobody else.
    Due,
    /// Somebody who has closed the account, and may come back.
    Closing,
    /// It is closed for good, and the name not yet free.
    Closed,
}

/// How often it was tried in vain before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tried {
    Never,
    Held,
    Spent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    SignUp,
    SignIn,
    Recover,
    /// Somebody else, who is signed in, adds the address to an account.
    Contact,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    Wrong,
    /// Of the right shape, and right for [`Whose::Somebody`].
    Right,
    Empty,
    /// Longer than any secret may be, within what an answer may be.
    Long,
    /// Longer than an answer may be.
    Endless,
    OtherShape,
    MoreFields,
    NoJson,
    ForOther,
    ForNone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Open,
    /// Open and begin in one.
    Start,
    With(Typed),
    Begin,
    Answer(Typed),
    Pass(u64),
}

pub(crate) use Act::{Answer as Say, Begin, Open, Pass, Start, With};
pub(crate) use Typed::{
    Empty, Endless, ForNone, ForOther, Long, MoreFields, NoJson, OtherShape, Right, Wrong,
};

const TYPED: [Typed; 10] =
    [Wrong, Right, Empty, Long, Endless, OtherShape, MoreFields, NoJson, ForOther, ForNone];

pub(crate) fn scripts(door: Door) -> Vec<Vec<Act>> {
    let mut scripts = Vec::new();
    for typed in TYPED {
        if door == Door::SignIn {
            scripts.push(vec![With(typed), With(typed)]);
        }
        scripts.push(vec![Open, Say(typed), Say(typed)]);
        scripts.push(vec![Open, Begin, Say(typed), Say(typed)]);
    }
    scripts.push([Open].repeat(12));
    scripts.push(vec![Start, Say(Wrong), Start, Say(Wrong)]);
    scripts.push(vec![Open, Begin, Begin, Pass(61), Begin, Say(Wrong), Pass(61), Begin, Say(Wrong)]);
    scripts.push(vec![Open, Begin, Pass(301), Say(Wrong), Pass(3600), Begin, Say(Wrong)]);
    scripts.push([vec![Open, Begin], [Say(Wrong)].repeat(8)].concat());
    scripts
}

pub(crate) struct World {
    pub(crate) auth: Auth,
    pub(crate) visit: Visit,
    pub(crate) hands: Hands,
    pub(crate) outbox: Outbox,
    pub(crate) door: Door,
    pub(crate) name: &'static str,
    pub(crate) flow: Option<Token>,
    /// Of whoever asks, where the door is inside.
    session: Option<Token>,
    /// The account is switched off after the next step.
    pub(crate) off_next: bool,
    log: CallLog,
    factor: FactorName,
    account: Option<AccountId>,
    #[cfg(feature = "axum")]
    wire: Option<Wire>,
}

/// Everything that can be seen of a step from outside, and what it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) step: String,
    pub(crate) hashes: u64,
    pub(crate) calls: Vec<Call>,
}

impl World {
    pub(crate) async fn new(
        by: By,
        whose: Whose,
        door: Door,
        name: &'static str,
        factor: &FactorName,
    ) -> Self {
        let (hands, outbox) = (Hands::default(), Outbox::default());
        let store = CountingStore::new(MemoryStore::default());
        let mut profile = Profile::nist_aal1();
        if whose == Whose::Closed {
            profile.closing.grace = Duration::from_secs(3600);
        }
        let build = |all: bool| {
            // Of the codes that are drawn none is the one that is guessed.
            let mut builder = portal::portal(&store, profile.clone())
                .clock(hands.clone())
                .sender(outbox.clone())
                .entropy(SeededEntropy::new(u64::from(all)));
            if all || *factor != Password::NAME {
                builder = builder.factor(Password::default());
            }
            builder = builder.factor(Code::sms()).factor(Code::email()).factor(Link::at("/link"));
            if all || *factor == Password::NAME {
                builder = builder.factor(Pin);
            }
            builder.build().unwrap()
        };
        let auth = build(true);
        auth.ready().await.unwrap();
        let visit = auth.visit(somebody());
        let mut account = None;
        if whose != Whose::Nobody {
            let lacking = whose == Whose::Lacking && *factor == Password::NAME;
            let other = build(false);
            let pin = lacking || *factor == Pin::NAME && whose != Whose::Lacking;
            let at = if lacking { &other } else { &auth };
            let secret = || if pin { Pin::typed(Pin::RIGHT) } else { Password::word(WORD) };
            let end = register(at, &outbox, &at.visit(portal::somebody()), name, secret()).await;
            account = Some(end.session.account());
            if matches!(whose, Whose::Closing | Whose::Closed) {
                let visit = at.visit(portal::somebody());
                let Closing::Prove(step) = visit.close(&end.token).await.unwrap() else { panic!("unproven") };
                let next = portal::pending(step);
                let mut step = visit.answer(&next.flow, secret()).await.unwrap();
                // A second factor, where one is asked for.
                if let Step::Pending(next) = step {
                    let next =
                        portal::pending(visit.begin(&next.flow, &next.offers[0].factor).await.unwrap());
                    let code = Code::typed(next.begun.unwrap().0, &outbox.code(at).await);
                    step = visit.answer(&next.flow, code).await.unwrap();
                }
                let end = portal::done(step);
                let Closing::Closed { .. } = visit.close(&end.token).await.unwrap() else {
                    panic!("not closed")
                };
            }
            if whose == Whose::Due {
                let (id, day) = (end.session.account(), Duration::from_secs(24 * 3600));
                let _ = Password::issue_temporary(&auth, id, day, &somebody()).await.unwrap();
                assert!(Password::mark_compromised(&auth, id, &somebody()).await.unwrap().is_done());
            }
            if whose == Whose::SwitchedOff {
                auth.disable(end.session.account(), &somebody()).await.unwrap();
            }
            if whose == Whose::Locked {
                auth.lock(end.session.account(), LockReason::NotMe, &somebody()).await.unwrap();
            }
        }
        if door == Door::Contact {
            let visit = auth.visit(portal::somebody());
            register(&auth, &outbox, &visit, ASKER, Password::word(WORD)).await;
        }
        // Registration counts at its own throttles; those of the cell begin anew.
        hands.advance(24 * 3600);
        if whose == Whose::Closed {
            assert_eq!(auth.tend(100).await.unwrap().erased, 1);
        }
        let _ = outbox.all(&auth).await;
        let factor = factor.clone();
        #[cfg(feature = "axum")]
        let wire = (by == By::Wire).then(|| Wire::new(&auth, whose == Whose::Nobody));
        #[cfg(not(feature = "axum"))]
        assert!(by == By::Calls);
        let log = store.log();
        Self {
            auth,
            visit,
            hands,
            outbox,
            door,
            name,
            flow: None,
            session: None,
            off_next: false,
            log,
            factor,
            account,
            #[cfg(feature = "axum")]
            wire,
        }
    }

    pub(crate) async fn tried(&mut self, how: Tried) {
        let wanted = match how {
            Tried::Never => return,
            Tried::Held => "held",
            Tried::Spent => "spent",
        };
        // A registration's allowance is never spent, for nobody could lift that: it is held again and again.
        let never = matches!(self.door, Door::SignUp) && how == Tried::Spent;
        for round in 0..200 {
            if never && round == 30 {
                return;
            }
            self.hands.advance(3600);
            self.act(Open).await;
            self.act(Begin).await;
            loop {
                let (_, step) = self.act(Say(Wrong)).await;
                if step.contains(wanted) {
                    assert!(!never, "a registration is refused for ever");
                    return;
                }
                if !step.contains("wrong") {
                    break;
                }
            }
        }
        panic!("{} never gets to {wanted}", self.factor.as_str());
    }

    fn answer(&self, typed: Typed) -> (FactorName, String) {
        let key = match self.factor.as_str() {
            "password" => "password",
            "sms-code" | "email-code" => "code",
            "pin" => "pin",
            "email-link" => {
                let factor = match typed {
                    ForOther => self.other(),
                    ForNone => FactorName::new("no-such"),
                    _ => self.factor.clone(),
                };
                return (factor, self.poll(typed));
            }
            other => panic!("no answers for the factor {other}: write them here"),
        };
        let text = |value: &str| format!("{{\"{key}\":\"{value}\"}}");
        let right = match key {
            "password" => WORD,
            "pin" => Pin::RIGHT,
            // A code is only ever known to who was sent it.
            _ => "000000",
        };
        let json = match typed {
            Wrong if key == "code" => text("000000"),
            Wrong => text("not the right one at all"),
            Right => text(right),
            Empty => text(""),
            Long => text(&"x".repeat(2000)),
            Endless => text(&"x".repeat(Answer::MOST_BYTES)),
            OtherShape => format!("{{\"{key}\":17}}"),
            MoreFields => format!("{{\"{key}\":\"{right}\",\"more\":1}}"),
            NoJson => String::from("\u{0}{"),
            ForOther => return (self.other(), text(right)),
            ForNone => return (FactorName::new("no-such"), text(right)),
        };
        (self.factor.clone(), json)
    }

    // A link's client says nothing: it asks whether the letter was answered.
    fn poll(&self, typed: Typed) -> String {
        match typed {
            Wrong | Right | ForOther | ForNone => String::from("{}"),
            Empty => String::from("null"),
            Long => format!("{{}}{}", " ".repeat(2000)),
            Endless => format!("{{}}{}", " ".repeat(Answer::MOST_BYTES)),
            OtherShape => String::from("[]"),
            MoreFields => String::from("{\"more\":1}"),
            NoJson => String::from("\u{0}{"),
        }
    }

    // A factor that this door does not offer to this kind of name.
    fn other(&self) -> FactorName {
        FactorName::new(if self.name.contains('@') { "sms-code" } else { "email-code" })
    }

    pub(crate) async fn act(&mut self, act: Act) -> (Option<Seen>, String) {
        let seen = self.step(act).await;
        if let (true, Some(account)) = (std::mem::take(&mut self.off_next), self.account) {
            self.auth.disable(account, &somebody()).await.unwrap();
        }
        seen
    }

    async fn step(&mut self, act: Act) -> (Option<Seen>, String) {
        if self.door == Door::Contact && matches!(act, Open | Start) {
            self.comes_in().await;
        }
        let hashes = self.auth.hashes().computed();
        let _ = self.log.take();
        let (shown, flow) = match (act, self.flow.clone()) {
            (Pass(secs), _) => {
                self.hands.advance(secs);
                return (None, String::new());
            }
            (Begin | Say(_), None) => return (None, String::new()),
            (act, flow) => self.taken(act, flow).await,
        };
        self.flow = flow.or(self.flow.take());
        let mut calls = self.log.take();
        if shown.starts_with("refused") {
            // Owner notices are rows in a batch that is committed for everybody; they are delivered later.
            calls.iter_mut().for_each(|call| call.writes.retain(|kind| *kind != "Message"));
        }
        let hashes = self.auth.hashes().computed() - hashes;
        (Some(Seen { step: shown.clone(), hashes, calls }), shown)
    }

    /// Whoever asks signs in anew: a session ends within the hours that some scripts last.
    async fn comes_in(&mut self) {
        #[cfg(feature = "axum")]
        if let Some(wire) = &mut self.wire {
            return wire.comes_in(ASKER).await;
        }
        let word = Password::word(WORD);
        let end = portal::done(self.visit.sign_in().with(ASKER, word).await.unwrap());
        self.session = Some(end.token);
    }

    /// Up to the question whether the address is one's own.
    async fn adds(&self) -> Result<Step, Broken> {
        let session = self.session.as_ref().unwrap();
        match self.visit.add_contact(session, self.name, None).await? {
            Step::Pending(next) => self.visit.answer(&next.flow, Password::word(WORD)).await,
            other => Ok(other),
        }
    }

    async fn taken(&mut self, act: Act, flow: Option<Token>) -> (String, Option<Token>) {
        #[cfg(feature = "axum")]
        if let Some(mut wire) = self.wire.take() {
            let answer = match act {
                With(typed) | Say(typed) => Some(self.answer(typed)),
                _ => None,
            };
            let answer = answer.as_ref().map(|(factor, json)| (factor.as_str(), json.as_str()));
            let factor = self.factor.as_str();
            let seen = match (act, &flow) {
                (Open | Start, _) if self.door == Door::SignUp => wire.sign_up(self.name, APPLICANT).await,
                (Open | Start, _) if self.door == Door::Recover => wire.recover(self.name).await,
                (Open | Start, _) if self.door == Door::Contact => wire.adds(self.name).await,
                (Start, _) => wire.sign_in(self.name, Some(factor), None).await,
                (With(_), _) => wire.sign_in(self.name, None, answer).await,
                (Begin, Some(flow)) => wire.begin(flow, factor).await,
                (Say(_), Some(flow)) => wire.answer(flow, answer.unwrap()).await,
                _ => wire.sign_in(self.name, None, None).await,
            };
            self.wire = Some(wire);
            return seen;
        }
        let wire = |typed| {
            let (factor, json) = self.answer(typed);
            Answer::wire(factor, json)
        };
        let visit = &self.visit;
        let step = match (act, &flow) {
            (Open | Start, _) if self.door == Door::SignUp => {
                visit.sign_up(self.name, APPLICANT, "2026-01").await
            }
            (Open | Start, _) if self.door == Door::Recover => visit.recover().start(self.name).await,
            (Open | Start, _) if self.door == Door::Contact => self.adds().await,
            (Start, _) => match visit.sign_in().start(self.name).await {
                Ok(Step::Pending(next)) => visit.begin(&next.flow, &self.factor).await,
                other => other,
            },
            (With(typed), _) => visit.sign_in().with(self.name, wire(typed)).await,
            (Begin, Some(flow)) => visit.begin(flow, &self.factor).await,
            (Say(typed), Some(flow)) => visit.answer(flow, wire(typed)).await,
            _ => visit.sign_in().start(self.name).await,
        };
        let step = step.unwrap();
        let shown = shown(&step);
        let Step::Pending(next) = step else { return (shown, None) };
        (shown, Some(next.flow))
    }
}

const APPLICANT: &str = "Пётр Иванов";
const ASKER: &str = "asker@example.org";

/// A prompt whose number was drawn at random.
pub(crate) fn masked(json: &str) -> String {
    match json.split_once("\"number\":\"") {
        Some((before, rest)) => {
            let (number, rest) = rest.split_once('"').unwrap();
            format!("{before}\"number\":\"{}\"{rest}", "*".repeat(number.len()))
        }
        None => json.to_owned(),
    }
}

/// A step as a client sees it, random tokens masked by their length.
fn shown(step: &Step) -> String {
    match step {
        Step::Done(_) => String::from("done"),
        Step::Refused(why) => {
            format!("refused {:?} retry {:?} rules {:?}", why.code.as_str(), why.retry_after, why.rules)
        }
        Step::Pending(next) => format!(
            "pending flow[{}] offers {:?} begun {:?} duty {:?} due {:?} delay {:?} expires {:?}",
            next.flow.expose().len(),
            next.offers,
            next.begun.as_ref().map(|(factor, prompt)| (factor.as_str(), masked(prompt.as_json()))),
            next.duty,
            next.due,
            next.delay,
            next.expires_in
        ),
    }
}
