//! Where it is accepted.

use std::pin::Pin;
use std::sync::Arc;

use propusk::human::{HumanFor, HumanWay, Puzzle, solve};
use propusk::id::FactorName;
use propusk::{Client, Password, Token, Totp};
use serde_json::Value;
use tokio::task::JoinSet;

use super::course::Course;
use super::door::{Door, End, Open};
use super::nodes::{Nodes, Person, word};
use super::things::Thing;
use crate::portal::WORD;

/// How the uses of a round may end.
pub trait Ends: Copy + Send + Sync + 'static {
    /// Whether this is an acceptance.
    fn accepted(self, end: &End) -> bool;

    /// What who came too late may be told.
    fn late(self) -> &'static [&'static str] {
        &["replayed", "no_flow"]
    }
}

/// A place in the library that takes a proof of something old.
pub trait Entry: Ends {
    fn what(self) -> &'static str;

    /// A flow in which this person's thing is to be answered next.
    fn open(self, door: Door, person: Asker) -> impl Future<Output = Open> + Send;

    /// What must hold afterwards, beside that one was accepted; everything that came of it ends.
    async fn check(self, person: &mut Person, open: &[Open], ends: Vec<End>);
}

/// What a flow begins with.
#[derive(Clone)]
pub struct Asker {
    pub name: String,
    pub session: Token,
    /// Nobody is named at the beginning.
    pub alone: bool,
}

#[derive(Clone, Copy)]
pub struct SignIn;

impl Ends for SignIn {
    fn accepted(self, end: &End) -> bool {
        matches!(end, End::Done(_))
    }
}

impl Entry for SignIn {
    fn what(self) -> &'static str {
        "sign-in"
    }

    async fn open(self, door: Door, person: Asker) -> Open {
        door.sign_in((!person.alone).then_some((&person.name, WORD))).await.pending()
    }

    /// What the replies say is what there is: one more session, which both nodes know.
    async fn check(self, person: &mut Person, _: &[Open], ends: Vec<End>) {
        let nodes = &person.nodes;
        let new: Vec<_> = ends
            .into_iter()
            .filter_map(|end| if let End::Done(ended) = end { Some(ended.token) } else { None })
            .collect();
        let live = nodes.nodes[1].sessions(person.account).await.unwrap();
        assert_eq!(live.len(), person.sessions() + new.len());
        for token in new {
            for auth in &nodes.nodes {
                assert!(auth.session(&token).await.unwrap().is_some());
            }
            nodes.visit(1).sign_out(&token).await.unwrap();
        }
    }
}

/// The proof that a new credential takes.
#[derive(Clone, Copy)]
pub struct Enrolment;

impl Enrolment {
    const OF: FactorName = Totp::NAME;
}

impl Ends for Enrolment {
    fn accepted(self, end: &End) -> bool {
        matches!(end, End::Pending(open) if open.duty.as_deref() == Some("enrol"))
    }

    /// The flow goes on after its proofs, and takes no more of them.
    fn late(self) -> &'static [&'static str] {
        &["replayed", "not_offered"]
    }
}

impl Entry for Enrolment {
    fn what(self) -> &'static str {
        "enrolment"
    }

    async fn open(self, door: Door, person: Asker) -> Open {
        let open = door.enrol(&person.session, &Self::OF).await.pending();
        match person.alone {
            true => open,
            false => door.answer(&open, &Password::NAME, &word()).await.pending(),
        }
    }

    /// The one who was accepted may go on, nobody else may, and there is no session more.
    async fn check(self, person: &mut Person, open: &[Open], ends: Vec<End>) {
        let nodes = &person.nodes;
        assert_eq!(nodes.nodes[1].sessions(person.account).await.unwrap().len(), person.sessions());
        let winner = ends.into_iter().find(|end| self.accepted(end)).unwrap().pending();
        let door = nodes.door(0);
        assert!(door.begin(&winner, &Self::OF).await.pending().prompt.is_some());
        let same = |open: &&Open| *open.flow.expose() != *winner.flow.expose();
        for loser in open.iter().filter(same).take(2) {
            assert!(matches!(door.begin(loser, &Self::OF).await, End::Refused(_)));
        }
    }
}

/// Proving more inside a session.
#[derive(Clone, Copy)]
pub struct StepUp;

impl Ends for StepUp {
    fn accepted(self, end: &End) -> bool {
        matches!(end, End::Done(_))
    }

    /// The session has another token then.
    fn late(self) -> &'static [&'static str] {
        &["replayed", "no_flow", "no_session"]
    }
}

impl Entry for StepUp {
    fn what(self) -> &'static str {
        "step-up"
    }

    async fn open(self, door: Door, person: Asker) -> Open {
        let open = door.step_up(&person.session).await.pending();
        match person.alone {
            true => open,
            false => door.answer(&open, &Password::NAME, &word()).await.pending(),
        }
    }

    /// The session goes on under one new token, and is one session.
    async fn check(self, person: &mut Person, _: &[Open], ends: Vec<End>) {
        let nodes = &person.nodes;
        let new = ends.into_iter().find(|end| matches!(end, End::Done(_))).unwrap().done();
        assert!(nodes.nodes[0].session(&person.session).await.unwrap().is_none());
        for auth in &nodes.nodes {
            assert!(auth.session(&new).await.unwrap().is_some());
            assert_eq!(auth.sessions(person.account).await.unwrap().len(), person.sessions());
        }
        person.session = new;
    }
}

/// Rounds of a thing at an entry.
pub async fn prove<T: Thing>(nodes: &Arc<Nodes>, mut thing: T, entry: impl Entry, mut course: Course) {
    let mut person = Person::new(nodes, &thing.factor()).await;
    while course.another() {
        nodes.later();
        thing.ready(&mut person).await;
        let asker =
            Asker { name: person.name.clone(), session: person.session.clone(), alone: thing.alone() };
        let mut opening = JoinSet::new();
        for nth in 0..thing.flows() {
            let (door, asker) = (nodes.door(nth), asker.clone());
            opening.spawn(async move { entry.open(door, asker).await });
        }
        let mut open = opening.join_all().await;
        let secret = thing.secret(&person, &mut open[0]).await;
        let ends = course.race(nodes, entry, answering(nodes, &open, &thing.factor(), &secret)).await;
        entry.check(&mut person, &open, ends).await;
    }
    course.end();
}

/// The confirmation of a new credential. The session that it was asked for in has ended then: there is a new one.
#[derive(Clone, Copy)]
struct Made;

impl Ends for Made {
    fn accepted(self, end: &End) -> bool {
        matches!(end, End::Done(_))
    }

    fn late(self) -> &'static [&'static str] {
        &["no_flow", "no_session", "replayed"]
    }
}

/// A thing that is made by its first answer.
pub trait Confirmation: Thing {
    /// The confirmation of what the client was shown.
    fn first(&mut self, shown: &Value, nodes: &Nodes) -> String;
}

/// One proposal, confirmed many times at once: one credential, one renewed session, and the code that made it is a used
/// one.
pub async fn confirm<T: Confirmation>(nodes: &Arc<Nodes>, mut thing: T, mut course: Course) {
    let factor = thing.factor();
    while course.another() {
        nodes.later();
        let person = Person::new(nodes, &factor).await;
        let door = nodes.door(0);
        let open = person.may_enrol(&door, &factor).await;
        let open = door.begin(&open, &factor).await.pending();
        let first = thing.first(&open.prompt.clone().unwrap(), nodes);
        let ends = course.race(nodes, Made, answering(nodes, &[open], &factor, &first)).await;
        let made = nodes.nodes[1].credentials(person.account).await.unwrap();
        assert_eq!(made.iter().filter(|one| one.factor == factor).count(), 1);
        assert_eq!(nodes.nodes[0].sessions(person.account).await.unwrap().len(), 1);
        assert!(nodes.nodes[0].session(&person.session).await.unwrap().is_none(), "a new token");
        let new = ends.into_iter().find(|end| matches!(end, End::Done(_))).unwrap().done();
        assert!(nodes.nodes[1].session(&new).await.unwrap().is_some());
        let open = door.sign_in(Some((&person.name, WORD))).await.pending();
        assert_eq!(nodes.door(1).answer(&open, &factor, &first).await.code(), "replayed");
    }
    course.end();
}

/// The right of a browser to skip the second step is used by each sign-in with its cookie.
#[derive(Clone, Copy)]
struct Skipped;

impl Ends for Skipped {
    fn accepted(self, end: &End) -> bool {
        matches!(end, End::Done(_))
    }

    /// Whoever has the cookie of before is asked for the second step.
    fn late(self) -> &'static [&'static str] {
        &["pending"]
    }
}

/// One cookie of a trusted browser, many sign-ins at once (ATTACKS 53): one skips its second step, and has the next
/// cookie.
pub async fn trusted(nodes: &Arc<Nodes>, mut course: Course) {
    let mut person = Person::new(nodes, &FactorName::new("sms-code")).await;
    let mut cookie = person.sign_in(true).await.unwrap();
    while course.another() {
        nodes.later();
        let by = |nth: usize| {
            let (door, name, cookie) = (nodes.door(nth), person.name.clone(), cookie.clone());
            async move { door.sign_in_from(Some((&name, WORD)), Some(&cookie)).await }
        };
        let ends = course.race(nodes, Skipped, by).await;
        let ended =
            ends.into_iter().find_map(|end| if let End::Done(one) = end { Some(one) } else { None }).unwrap();
        let live = nodes.nodes[0].sessions(person.account).await.unwrap();
        assert_eq!(live.len(), 3, "of the registration, of the one who asked for trust, of this one");
        nodes.visit(0).sign_out(&ended.token).await.unwrap();
        cookie = ended.browser.unwrap();
    }
    course.end();
}

/// An answer to a puzzle opens one registration, one sign-in, or one recovery.
#[derive(Clone, Copy)]
struct Begins;

impl Ends for Begins {
    fn accepted(self, end: &End) -> bool {
        matches!(end, End::Pending(_))
    }

    fn late(self) -> &'static [&'static str] {
        &["human_wrong"]
    }
}

/// The answer to one puzzle, by many at once from the browser that it was posed to: each registers another number, or all
/// ask for one account.
pub async fn puzzle(nodes: &Arc<Nodes>, purpose: HumanFor, mut course: Course) {
    let known = match purpose {
        HumanFor::SignUp => None,
        _ => Some(Person::new(nodes, &FactorName::new("sms-code")).await.name),
    };
    while course.another() {
        nodes.later();
        let binding = nodes.nodes[0].random_token().unwrap();
        let visit = nodes.nodes[0].visit(Client::unknown().bound_by(binding.clone()));
        let Puzzle::Posed(posed) = visit.puzzle(purpose, HumanWay::Script).await.unwrap() else {
            panic!("no puzzle")
        };
        let answer = solve(posed.as_json()).unwrap();
        let by = |nth: usize| {
            let who = known.clone().unwrap_or_else(|| nodes.number());
            let (door, answer, binding) = (nodes.door(nth), answer.clone(), binding.clone());
            async move { door.puzzled(&who, purpose, &answer, &binding).await }
        };
        let _ = course.race(nodes, Begins, by).await;
    }
    // Else who comes next over this store is handed these codes, after their own.
    nodes.outbox.deliver(&nodes.nodes[0]).await;
    course.end();
}

/// The same answer by each use, of the two uses of each flow one through each node.
pub fn answering(
    nodes: &Arc<Nodes>,
    open: &[Open],
    factor: &FactorName,
    answer: &str,
) -> impl Fn(usize) -> Pin<Box<dyn Future<Output = End> + Send>> {
    let (nodes, open, factor, answer) = (Arc::clone(nodes), open.to_vec(), factor.clone(), answer.to_owned());
    move |nth| {
        let (door, open) = (nodes.door(nth), open[(nth / 2) % open.len()].clone());
        let (factor, answer) = (factor.clone(), answer.clone());
        Box::pin(async move { door.answer(&open, &factor, &answer).await })
    }
}
