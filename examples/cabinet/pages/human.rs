//! The check before what sends a message to whoever is named: a script solves a puzzle while the form is filled in; without
//! one a person waits some seconds, and is told why.

use askama::Template;
use propusk::flow::Code;
use propusk::human::{HumanFor, HumanWay, Puzzle};
use propusk::{Step, Visit};

use crate::app::Failure;
use crate::guest::Guest;
use crate::texts::front::Front;
use crate::view::Frame;

/// The part of a form that is about the check. It stands before the button.
#[derive(Debug, Template)]
#[template(path = "human.html", config = "examples/cabinet/askama.toml")]
pub struct Human {
    front: &'static Front,
    script: String,
    solver: String,
    /// For the script, and what goes without one.
    puzzle: String,
    ticket: String,
}

impl askama::filters::HtmlSafe for Human {}

impl Human {
    /// `ticket`: of who has no scripts and was sent back to wait; empty at first.
    pub async fn new(guest: &Guest, frame: &Frame, what: HumanFor, ticket: String) -> Result<Self, Failure> {
        let (front, puzzle) = (guest.t.front, puzzle(guest, what, HumanWay::Script).await?);
        Ok(Self {
            front,
            script: frame.asset("/human.js"),
            solver: frame.asset("/solver.js"),
            puzzle,
            ticket,
        })
    }
}

/// The flows of this browser, with the answer that came with the form.
pub fn answered(guest: &Guest, human: &str) -> Visit {
    guest.app.auth.visit(guest.client().clone().human(human))
}

/// What the form carries when it comes back after this step.
pub async fn ticket(guest: &Guest, what: HumanFor, step: &Step, sent: String) -> Result<String, Failure> {
    match step {
        // Who has come too early keeps the place in the queue.
        Step::Refused(why)
            if matches!(why.code, Code::HumanNeeded | Code::HumanWrong) && why.retry_after.is_none() =>
        {
            let ticket = puzzle(guest, what, HumanWay::Plain).await?;
            let ticket = serde_json::from_str::<serde_json::Value>(&ticket).unwrap_or_default();
            Ok(ticket.get("token").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned())
        }
        _ => Ok(sent),
    }
}

/// Empty where there is none now: too many were asked for.
async fn puzzle(guest: &Guest, what: HumanFor, way: HumanWay) -> Result<String, Failure> {
    Ok(match guest.visit.puzzle(what, way).await? {
        Puzzle::Posed(puzzle) => puzzle.as_json().to_owned(),
        _ => String::new(),
    })
}
