//! Who has an account shows in nothing: for a name that nobody has, one that somebody has, one whose account is
//! switched off and one whose account lacks the factor, before any proof, the same steps give the same answer, the
//! same number of hashes, the same calls of the store, and the same mail to the address that was typed. So too when
//! the name is held, and when its strangers' allowance is spent.
//!
//! Cells are every way of [`Visit`](propusk::Visit) that needs no session, by every kind of name, by every factor
//! that is offered or registered, by every shape of answer. A new way, factor or offer without cells fails.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/portal.rs"]
mod portal;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use portal::{EMAIL, Hands, Outbox, PHONE, Pin, WORD, pending, register, somebody};
use propusk::account::identifier::Identifier;
use propusk::id::{AccountId, FactorName};
use propusk::testing::{Call, CallLog, CountingStore, SeededEntropy};
use propusk::{Answer, Auth, Code, Factor, MemoryStore, Password, Profile, Step, Token, Visit};

/// Whose name is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Nobody,
    Somebody,
    SwitchedOff,
    /// Switched off after the first step, and after what was tried before.
    SwitchedOffSince,
    /// Somebody who does not have the factor of the cell.
    Lacking,
}

/// How often it was tried in vain before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tried {
    Never,
    Held,
    Spent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    SignUp,
    SignIn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Typed {
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
enum Act {
    Open,
    With(Typed),
    Begin,
    Answer(Typed),
    Pass(u64),
}

use Act::{Answer as Say, Begin, Open, Pass, With};
use Typed::{Empty, Endless, ForNone, ForOther, Long, MoreFields, NoJson, OtherShape, Right, Wrong};

const TYPED: [Typed; 10] =
    [Wrong, Right, Empty, Long, Endless, OtherShape, MoreFields, NoJson, ForOther, ForNone];

fn scripts(door: Door) -> Vec<Vec<Act>> {
    let mut scripts = Vec::new();
    for typed in TYPED {
        if door == Door::SignIn {
            scripts.push(vec![With(typed), With(typed)]);
        }
        scripts.push(vec![Open, Say(typed), Say(typed)]);
        scripts.push(vec![Open, Begin, Say(typed), Say(typed)]);
    }
    scripts.push([Open].repeat(12));
    scripts.push(vec![Open, Begin, Begin, Pass(61), Begin, Say(Wrong), Pass(61), Begin, Say(Wrong)]);
    scripts.push(vec![Open, Begin, Pass(301), Say(Wrong), Pass(3600), Begin, Say(Wrong)]);
    scripts.push([vec![Open, Begin], [Say(Wrong)].repeat(8)].concat());
    scripts
}

struct World {
    auth: Auth,
    visit: Visit,
    hands: Hands,
    outbox: Outbox,
    log: CallLog,
    door: Door,
    name: &'static str,
    factor: FactorName,
    flow: Option<Token>,
    account: Option<AccountId>,
    off_next: bool,
}

/// Everything that can be seen of a step from outside, and what it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    step: String,
    hashes: u64,
    calls: Vec<Call>,
}

impl World {
    async fn new(whose: Whose, door: Door, name: &'static str, factor: &FactorName) -> Self {
        let (hands, outbox) = (Hands::default(), Outbox::default());
        let store = CountingStore::new(MemoryStore::default());
        let build = |all: bool| {
            // Of the codes that are drawn none is the one that is guessed.
            let mut builder = portal::portal(&store, Profile::nist_aal1())
                .clock(hands.clone())
                .sender(outbox.clone())
                .entropy(SeededEntropy::new(u64::from(all)));
            if all || *factor != Password::NAME {
                builder = builder.factor(Password::default());
            }
            builder = builder.factor(Code::sms()).factor(Code::email());
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
            let (at, secret) = if lacking || *factor == Pin::NAME && whose != Whose::Lacking {
                (if lacking { &other } else { &auth }, Pin::typed(Pin::RIGHT))
            } else {
                (&auth, Password::word(WORD))
            };
            let end = register(at, &outbox, &at.visit(portal::somebody()), name, secret).await;
            account = Some(end.session.account());
            if whose == Whose::SwitchedOff {
                auth.disable(end.session.account(), &somebody()).await.unwrap();
            }
            // Registration counts at its own throttles; those of the cell begin anew.
            hands.advance(24 * 3600);
        }
        let _ = outbox.all(&auth).await;
        let factor = factor.clone();
        Self {
            auth,
            visit,
            hands,
            outbox,
            log: store.log(),
            door,
            name,
            factor,
            flow: None,
            account,
            off_next: false,
        }
    }

    async fn tried(&mut self, how: Tried) {
        let wanted = match how {
            Tried::Never => return,
            Tried::Held => "held",
            Tried::Spent => "spent",
        };
        for _ in 0..200 {
            self.hands.advance(3600);
            self.act(Open).await;
            self.act(Begin).await;
            loop {
                let (_, step) = self.act(Say(Wrong)).await;
                if step.contains(wanted) {
                    return;
                }
                if !step.contains("wrong") {
                    break;
                }
            }
        }
        panic!("{} never gets to {wanted}", self.factor.as_str());
    }

    fn answer(&self, typed: Typed) -> Answer {
        let key = match self.factor.as_str() {
            "password" => "password",
            "sms-code" | "email-code" => "code",
            "pin" => "pin",
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
            ForOther => return Answer::wire(self.other(), text(right)),
            ForNone => return Answer::wire(FactorName::new("no-such"), text(right)),
        };
        Answer::wire(self.factor.clone(), json)
    }

    // A factor that this door does not offer to this kind of name.
    fn other(&self) -> FactorName {
        FactorName::new(if self.name.contains('@') { "sms-code" } else { "email-code" })
    }

    async fn act(&mut self, act: Act) -> (Option<Seen>, String) {
        let seen = self.step(act).await;
        if let (true, Some(account)) = (std::mem::take(&mut self.off_next), self.account) {
            self.auth.disable(account, &somebody()).await.unwrap();
        }
        seen
    }

    async fn step(&mut self, act: Act) -> (Option<Seen>, String) {
        let hashes = self.auth.hashes().computed();
        let _ = self.log.take();
        let nothing = (None, String::new());
        let step = match act {
            Pass(secs) => {
                self.hands.advance(secs);
                return nothing;
            }
            Open if self.door == Door::SignUp => {
                self.visit.sign_up(self.name, "Пётр Иванов", "2026-01").await
            }
            Open => self.visit.sign_in().start(self.name).await,
            With(typed) => self.visit.sign_in().with(self.name, self.answer(typed)).await,
            Begin => match &self.flow {
                Some(flow) => self.visit.begin(flow, &self.factor).await,
                None => return nothing,
            },
            Say(typed) => match &self.flow {
                Some(flow) => self.visit.answer(flow, self.answer(typed)).await,
                None => return nothing,
            },
        };
        let step = step.unwrap();
        let shown = shown(&step);
        let mut calls = self.log.take();
        if let Step::Refused(_) = step {
            // Owner notices are rows in a batch that is committed for everybody; they are delivered later.
            calls.iter_mut().for_each(|call| call.writes.retain(|kind| *kind != "Message"));
        }
        if let Step::Pending(next) = step {
            self.flow = Some(next.flow);
        }
        let hashes = self.auth.hashes().computed() - hashes;
        (Some(Seen { step: shown.clone(), hashes, calls }), shown)
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
            "pending flow[{}] offers {:?} begun {:?} duty {:?} expires {:?}",
            next.flow.expose().len(),
            next.offers,
            next.begun.as_ref().map(|(factor, prompt)| (factor.as_str(), prompt.as_json().to_owned())),
            next.duty,
            next.expires_in
        ),
    }
}

/// The factors of a door, from what it offers to a name that nobody has.
async fn offered(door: Door, name: &'static str) -> Vec<FactorName> {
    let world = World::new(Whose::Nobody, door, name, &Pin::NAME).await;
    let step = match door {
        Door::SignUp => world.visit.sign_up(name, "Пётр Иванов", "2026-01").await,
        Door::SignIn => world.visit.sign_in().start(name).await,
    };
    pending(step.unwrap()).offers.iter().map(|offer| offer.factor.clone()).collect()
}

#[derive(Default)]
struct Table {
    text: String,
    cells: usize,
    steps: usize,
    wrong: Vec<String>,
    codes: BTreeSet<String>,
    factors: BTreeSet<String>,
}

const ALL: [Whose; 5] =
    [Whose::Nobody, Whose::Somebody, Whose::SwitchedOff, Whose::SwitchedOffSince, Whose::Lacking];

/// Whether an answer of this script is accepted: then there is nothing to compare.
fn accepts(whose: Whose, tried: Tried, factor: &FactorName, script: &[Act]) -> bool {
    let chosen = *factor == Password::NAME || *factor == Pin::NAME;
    let first = script.first() == Some(&With(Right));
    let any = first || script.contains(&Say(Right));
    tried == Tried::Never
        && chosen
        && (whose == Whose::Somebody && any || whose == Whose::SwitchedOffSince && first)
}

/// A registration asks for no factor of an account; and a contact that one signs in by is also where the codes go.
fn impossible(whose: Whose, door: Door, factor: &FactorName) -> bool {
    let chosen = *factor == Password::NAME || *factor == Pin::NAME;
    whose == Whose::Lacking && (door == Door::SignUp || !chosen)
}

async fn sheet(table: &mut Table, door: Door, name: &'static str, factor: &FactorName, tried: Tried) {
    let mut expected: BTreeMap<usize, Vec<Seen>> = BTreeMap::new();
    table.factors.insert(factor.as_str().to_owned());
    let _ = write!(
        table.text,
        "{:<22}{:<12}{:<8}",
        format!("{door:?} {}", kind(name)),
        factor.as_str(),
        format!("{tried:?}")
    );
    for whose in ALL {
        if impossible(whose, door, factor) {
            let _ = write!(table.text, "{:>12}", "-");
            continue;
        }
        let (mut equal, mut compared) = (0, 0);
        // An allowance that is spent stays so: one world serves all scripts.
        let mut world = World::new(whose, door, name, factor).await;
        if tried == Tried::Spent {
            world.tried(tried).await;
        }
        for (at, script) in scripts(door).into_iter().enumerate() {
            if accepts(whose, tried, factor, &script) {
                continue;
            }
            if tried == Tried::Spent {
                world.hands.advance(7200);
                world.flow = None;
            } else if at > 0 {
                world = World::new(whose, door, name, factor).await;
            }
            if tried == Tried::Held {
                world.tried(tried).await;
            }
            let before = to_name(&world).await;
            world.off_next = whose == Whose::SwitchedOffSince;
            let mut seen = Vec::new();
            for act in &script {
                seen.extend(world.act(*act).await.0);
            }
            mail(table, &world, whose, &script, &seen, before).await;
            let code = |one: &Seen| one.step.split(" retry").next().unwrap_or_default().to_owned();
            table.codes.extend(seen.iter().filter(|one| one.step.starts_with("refused")).map(code));
            table.steps += seen.len();
            if whose == Whose::Nobody {
                expected.insert(at, seen);
                continue;
            }
            compared += 1;
            if seen == expected[&at] {
                equal += 1;
                continue;
            }
            let line = format!("{door:?} {name} {} {tried:?} {whose:?} {script:?}", factor.as_str());
            let pairs = expected[&at].iter().zip(&seen).filter(|(a, b)| a != b);
            let detail: String =
                pairs.map(|(a, b)| format!("\n  nobody: {a:?}\n  {whose:?}: {b:?}")).collect();
            table.wrong.push(line + &detail);
        }
        table.cells += compared;
        if whose != Whose::Nobody {
            let _ = write!(table.text, "{:>12}", format!("{equal}/{compared}"));
        }
    }
    table.text.push('\n');
}

fn kind(name: &str) -> &str {
    if name.contains('@') { "e-mail" } else { "phone" }
}

async fn to_name(world: &World) -> usize {
    let name = Identifier::parse(world.name).unwrap();
    world.outbox.all(&world.auth).await.iter().filter(|message| message.to == name).count()
}

/// A registration that opens or is begun anew sends one message to the address that was typed, whoever has it. A
/// sign-in sends codes to those who are there, and nothing to anybody else.
async fn mail(table: &mut Table, world: &World, whose: Whose, script: &[Act], seen: &[Seen], before: usize) {
    let sent = to_name(world).await - before;
    let begun = seen
        .iter()
        .filter(|one| one.step.starts_with("pending"))
        .filter(|one| one.calls.iter().any(|call| call.writes.contains(&"Message")))
        .count();
    // A hold that begins is told to the owner: at most one in a script.
    let fits = match (world.door, whose) {
        (Door::SignUp, _) => sent == begun,
        (Door::SignIn, Whose::Nobody | Whose::SwitchedOff | Whose::SwitchedOffSince) => sent == 0,
        (Door::SignIn, Whose::Somebody | Whose::Lacking) => sent == begun || sent == begun + 1,
    };
    if !fits {
        table.wrong.push(format!("mail: {:?} {whose:?} {script:?}: {sent} sent, {begun} begun", world.door));
    }
}

#[tokio::test]
async fn who_has_an_account_shows_in_nothing() {
    let mut table = Table::default();
    let _ = write!(table.text, "{:<42}", "scripts equal to those of a name nobody has");
    ALL.iter().skip(1).for_each(|whose| table.text += &format!("{:>12.11}", format!("{whose:?}")));
    table.text.push('\n');
    for (door, name) in
        [(Door::SignUp, PHONE), (Door::SignUp, EMAIL), (Door::SignIn, PHONE), (Door::SignIn, EMAIL)]
    {
        for factor in offered(door, name).await {
            for tried in [Tried::Never, Tried::Held, Tried::Spent] {
                sheet(&mut table, door, name, &factor, tried).await;
            }
        }
    }
    println!("{}", table.text);
    println!("refusals seen: {}", table.codes.iter().cloned().collect::<Vec<_>>().join(", "));
    println!("counted: enumeration cells ({} steps), seed 0, count {}", table.steps, table.cells);
    assert!(table.wrong.is_empty(), "{} cells differ:\n{}", table.wrong.len(), table.wrong.join("\n"));
    assert!(table.cells > 0);
    // Held and spent were reached, and told alike.
    let codes =
        ["held", "spent", "wrong", "malformed", "used_up", "expired", "not_begun", "not_offered", "too_soon"];
    for code in codes {
        assert!(table.codes.iter().any(|seen| seen.contains(code)), "no cell shows {code}");
    }
    let registered = [Password::default().name(), Code::sms().name(), Code::email().name(), Pin.name()];
    let registered: BTreeSet<String> = registered.iter().map(|name| name.as_str().to_owned()).collect();
    assert_eq!(table.factors, registered, "a factor that is registered is offered nowhere, or the reverse");
}

/// The list of what there is to compare is read from the source, so that it cannot lag behind.
#[test]
fn every_way_in_and_every_factor_has_cells() {
    let ways: BTreeSet<&str> = include_str!("../src/flow.rs")
        .split("    pub async fn ")
        .skip(1)
        .filter_map(|rest| rest.split_once('(').map(|(name, _)| name))
        .collect();
    let with_cells = ["sign_up", "start", "with", "begin", "answer"];
    // These take a session's token: whoever calls them has proven who they are.
    let signed_in = ["change", "enrol", "post", "sign_out", "end_session", "end_other_sessions"];
    // Takes no name; nothing that ships can be found by its answer yet.
    let unnamed = ["unnamed"];
    let known: BTreeSet<&str> = with_cells.into_iter().chain(signed_in).chain(unnamed).collect();
    assert_eq!(ways, known, "a way into the library without cells");

    let factors: BTreeSet<&str> = include_str!("../src/factor.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    assert_eq!(factors, BTreeSet::from(["code", "password"]), "a factor without cells");
}
