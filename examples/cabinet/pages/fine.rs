//! A fine: a payment that its person approves, with its amount and payee before their eyes, on the page and in the
//! message. The session is not enough for it, however fresh: what is proven is proven for this payment alone.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use propusk::Token;
use propusk::axum::{FormFields, TokenForm};
use propusk::flow::{Step, Transaction};
use serde::Deserialize;

use super::services::{Line, done, lines, note};
use super::{lead_on, problems};
use crate::app::Failure;
use crate::drafts::{Draft, Way};
use crate::guards;
use crate::guest::{Guest, Member};
use crate::services::Kind;
use crate::texts::Texts;
use crate::view::{Frame, Hidden};

#[derive(Debug, Template)]
#[template(path = "fine.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    token: Hidden,
    bill: Transaction,
    paid: Option<Line>,
}

#[derive(Debug, Deserialize)]
pub struct Pay {}

impl FormFields for Pay {
    const PURPOSE: &'static str = "fine";
}

pub async fn show(member: Member) -> Result<Response, Failure> {
    let guest = &member.guest;
    let (_, told) = guest.draft_and_refusal(Way::Fine);
    let mut frame = guest.frame(PAGE, guest.t.portal.fine.title)?.narrow();
    frame.problems = problems(guest, told.as_ref(), |_| "");
    let paid = lines(guest, &member.session, Kind::FinePaid).pop();
    let page = Page { frame, token: guest.hidden::<Pay>()?, bill: bill(guest.t), paid };
    Ok(guest.page(&page))
}

pub async fn pay(member: Member, TokenForm(Pay {}): TokenForm<Pay>) -> Result<Response, Failure> {
    let Member { guest, session, token } = member;
    if !lines(&guest, &session, Kind::FinePaid).is_empty() {
        guest.say(|t| t.portal.fine_paid_before);
        return Ok(Redirect::to(PAGE).into_response());
    }
    let what = bill(guest.t);
    match guards::approve(&guest.visit, &token, &what).await? {
        // It was approved a moment ago, and then something came between.
        Step::Done(approved) => {
            carry_out(&guest, &approved).await?;
            Ok(Redirect::to(PAGE).into_response())
        }
        step => {
            let draft = Draft { approves: Some(what), next: PAGE.to_owned(), ..Draft::default() };
            lead_on(&guest, Way::Fine, draft, step, PAGE).await
        }
    }
}

/// The approval has been given in this session: it is used up, and what it is for is done.
pub async fn approved(guest: &Guest, token: &Token, what: &Transaction) -> Result<(), Failure> {
    match guards::approve(&guest.visit, token, what).await? {
        Step::Done(approved) => carry_out(guest, &approved).await,
        // The server is too busy, say. The approval waits for the next press.
        _ => {
            guest.say(|t| t.portal.fine_not_yet);
            Ok(())
        }
    }
}

// First the approval is used up, then the money goes: a crash in between means asking once more, never paying twice.
async fn carry_out(guest: &Guest, approved: &propusk::flow::Done) -> Result<(), Failure> {
    let (Some(what), session) = (&approved.approved, &approved.session) else { return Ok(()) };
    match done(guest, session, Kind::FinePaid, &what.summary(), 1)? {
        Some(entry) => {
            note(guest, session, "cabinet:fine-paid", &entry).await?;
            guest.say(|t| t.portal.fine_paid);
        }
        None => guest.say(|t| t.portal.fine_paid_before),
    }
    Ok(())
}

/// What is due, in the words that its person approves.
fn bill(t: &Texts) -> Transaction {
    let p = &t.portal;
    Transaction::new("fine:pay")
        .with(p.fine_amount, p.fine_sum)
        .with(p.fine_payee, p.fine_payee_name)
        .with(p.fine_number, NUMBER)
}

const PAGE: &str = "/services/fine";
/// The same for everybody: it is a demonstration.
const NUMBER: &str = "18810177261126000042";
