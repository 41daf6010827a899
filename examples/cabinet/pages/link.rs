//! Where a link in a letter leads. Opening it shows a page and changes nothing, also for the programs that open links
//! before people do. Its button signs in, in the browser that asked; on another device one types the number that the
//! asking screen shows, and it goes on there.

use askama::Template;
use axum::extract::Query;
use axum::http::header::{HeaderValue, REFERRER_POLICY};
use axum::response::{IntoResponse, Redirect, Response};
use propusk::axum::{FormFields, TokenForm};
use propusk::event::name;
use propusk::flow::{Asking, Code, Followed, Looked, Transaction};
use propusk::secret::Secret;
use propusk::{Link, Step};
use serde::Deserialize;

use super::{close, lead_on};
use crate::app::Failure;
use crate::dates::{Moment, moment};
use crate::drafts::Way;
use crate::guest::{Guest, in_query};
use crate::view::{Field, Frame, Hidden, Notice, Problem};

#[derive(Debug, Template)]
#[template(path = "link.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    token: Hidden,
    mailbox: String,
    button: &'static str,
    /// What it would approve.
    approves: Option<Transaction>,
    /// Who asks, where that is not this browser.
    asks: Option<Asks>,
}

#[derive(Debug)]
struct Asks {
    device: String,
    address: Option<String>,
    near: bool,
    at: Moment,
    number: Field,
}

#[derive(Debug, Deserialize)]
pub struct Opened {
    #[serde(default)]
    m: String,
}

#[derive(Debug, Deserialize)]
pub struct Said {
    mailbox: String,
    #[serde(default)]
    number: Option<Secret>,
    say: String,
}

impl FormFields for Said {
    const PURPOSE: &'static str = "link";
}

pub async fn show(guest: Guest, Query(opened): Query<Opened>) -> Result<Response, Failure> {
    match guest.visit.look(&opened.m).await? {
        Looked::Open { asking, here } => page(&guest, &opened.m, &asking, here, false),
        _ => end(&guest, guest.t.link.dead, guest.t.link.dead_lead),
    }
}

pub async fn answer(guest: Guest, TokenForm(said): TokenForm<Said>) -> Result<Response, Failure> {
    let Looked::Open { asking, here } = guest.visit.look(&said.mailbox).await? else {
        return end(&guest, guest.t.link.dead, guest.t.link.dead_lead);
    };
    let denies = said.say == "deny";
    let letter = match said.number.as_ref().and_then(Secret::expose_str) {
        _ if denies => Link::denial(),
        _ if here => Link::confirmation(),
        Some(typed) if Link::is_number(typed) => Link::number(typed),
        // It can be answered once: a slip of the finger is none.
        _ => return page(&guest, &said.mailbox, &asking, here, true),
    };
    let way = way(&asking);
    let draft = guest.draft(way);
    let step = match guest.trusting(draft.trust).follow(&said.mailbox, &letter).await? {
        Followed::Left if denies => return Ok(Redirect::to("/link/denied").into_response()),
        Followed::Step(Step::Refused(_)) if denies && here => {
            return Ok(Redirect::to("/link/denied").into_response());
        }
        Followed::Step(Step::Refused(why)) if !here || why.code == Code::Mailbox => {
            let lead =
                if why.code == Code::Mailbox { guest.t.link.dead_lead } else { why.text(guest.locale()) };
            return end(&guest, guest.t.link.dead, lead);
        }
        Followed::Step(step) => step,
        _ => return Ok(Redirect::to("/link/done").into_response()),
    };
    lead_on(&guest, way, draft, step, way.step()).await
}

pub async fn done(guest: Guest) -> Result<Response, Failure> {
    end(&guest, guest.t.link.done, guest.t.link.done_lead)
}

pub async fn denied(guest: Guest) -> Result<Response, Failure> {
    end(&guest, guest.t.link.denied, guest.t.link.denied_lead)
}

fn page(guest: &Guest, mailbox: &str, asking: &Asking, here: bool, slip: bool) -> Result<Response, Failure> {
    let (t, nth) = (guest.t, which(asking));
    let titles = if here { t.link.here } else { t.link.elsewhere };
    let mut frame = guest.frame("/link", titles.get(nth).copied().unwrap_or_default())?.narrow();
    // Back to this page in the other language.
    frame.address = format!("/link?m={}", in_query(mailbox));
    if slip {
        frame.problems.push(Problem { field: "number", text: t.link.typed_bad.to_owned() });
    }
    let number = Field::code("number", t.link.typed).hint(t.link.typed_hint).within(&frame, true);
    let asks = Asks {
        device: t.device(&asking.from.device),
        address: asking.from.address.map(|address| address.to_string()),
        near: asking.is_near(guest.client()),
        at: moment(asking.at, guest.locale()),
        number,
    };
    let page = Page {
        token: guest.hidden::<Said>()?,
        mailbox: mailbox.to_owned(),
        button: if here { t.link.here_do.get(nth).copied().unwrap_or_default() } else { t.link.confirm },
        approves: asking.transaction.clone(),
        asks: (!here).then_some(asks),
        frame,
    };
    Ok(secret(guest.page(&page)))
}

fn end(guest: &Guest, title: &'static str, lead: &'static str) -> Result<Response, Failure> {
    Ok(secret(guest.page(&Notice { frame: guest.frame("/link", title)?.narrow(), lead })))
}

/// The address of the page is the secret: no other page hears of it, not even one of ours. Not `no-referrer`, which would
/// take the `Origin` from the form.
pub fn secret(mut page: Response) -> Response {
    page.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("strict-origin"));
    page
}

fn which(asking: &Asking) -> usize {
    match &asking.during {
        during if *during == name::SIGN_IN => 0,
        during if *during == name::SIGN_UP => 1,
        _ => 2,
    }
}

fn way(asking: &Asking) -> Way {
    match &asking.during {
        during if *during == name::SIGN_IN => Way::SignIn,
        during if *during == name::SIGN_UP => Way::SignUp,
        during if *during == name::REMOVED => Way::Remove,
        during if *during == name::STEPPED_UP => Way::Extract,
        during if *during == name::APPROVED => match &asking.transaction {
            Some(what) if what.name() == close::APPROVED => Way::Close,
            _ => Way::Fine,
        },
        during if *during == name::RECOVERED => Way::Recover,
        during
            if [name::CONTACT_CHANGED, name::CONTACT_REMOVED, name::CONTACT_PREFERRED].contains(during) =>
        {
            Way::Contact
        }
        _ => Way::Enrol,
    }
}
