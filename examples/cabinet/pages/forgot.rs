//! Back in after a loss: a phone or an e-mail address and what is lost here, the proofs on the page for codes, a new
//! password on the page for one. Who has no second confirmation left can wait for it instead, and is told until when.
//! Whether an account has the address is on no page before a code was right.

use askama::Template;
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use propusk::axum::{FormFields, TokenForm};
use propusk::flow::{Code, Refusal};
use propusk::human::HumanFor;
use propusk::id::FactorName;
use propusk::secret::Secret;
use propusk::{Auth, Hotp, Password, Step};
use serde::Deserialize;
use std::time::Duration;

use super::accounts::Adding;
use super::human::{self, Human};
use super::new_password::NewPassword;
use super::sign_up::Choice;
use super::{lead_on, problems};
use crate::app::Failure;
use crate::asks::Ask;
use crate::dates::{Moment, moment};
use crate::drafts::{Draft, Lost, Way};
use crate::guest::Guest;
use crate::view::{Field, Frame, Hidden};

#[derive(Debug, Template)]
#[template(path = "forgot.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    token: Hidden,
    contact: Field,
    losses: Vec<Loss>,
    public_device: bool,
    human: Human,
}

/// One of the things that can be lost.
#[derive(Debug)]
struct Loss {
    value: &'static str,
    label: &'static str,
    hint: &'static str,
    chosen: bool,
}

#[derive(Debug, Template)]
#[template(path = "wait.html", config = "examples/cabinet/askama.toml")]
struct Wait {
    frame: Frame,
    /// The form that begins it; without, it has begun: from when it can be finished, and until when.
    token: Option<Hidden>,
    from: Moment,
    until: Moment,
    contact: String,
    /// Whether there is another way.
    others: bool,
}

#[derive(Debug, Deserialize)]
pub struct Forgot {
    contact: String,
    #[serde(default)]
    lost: String,
    #[serde(default)]
    public_device: Option<String>,
    #[serde(default)]
    human: String,
}

#[derive(Debug, Deserialize)]
pub struct Waits {
    #[serde(default)]
    at: String,
}

#[derive(Debug, Deserialize)]
pub struct Chosen {
    // For password managers only.
    #[serde(default, rename = "username")]
    _username: Option<String>,
    new_password: Secret,
    #[serde(default)]
    at: String,
}

impl FormFields for Forgot {
    const PURPOSE: &'static str = "forgot";
}

impl FormFields for Waits {
    const PURPOSE: &'static str = "forgot-wait";
}

impl FormFields for Chosen {
    const PURPOSE: &'static str = "forgot-password";
}

impl Lost {
    const ALL: [(Self, &str); 3] =
        [(Self::Password, "password"), (Self::Device, "device"), (Self::Both, "both")];

    fn read(text: &str) -> Self {
        Self::ALL.into_iter().find(|(_, value)| *value == text).map_or_else(Self::default, |(lost, _)| lost)
    }

    /// What can no longer be proven, and is taken away at the end.
    fn factors(self, auth: &Auth) -> Vec<FactorName> {
        let on_device = |name: &&FactorName| matches!(Ask::of(name), Some(Ask::App | Ask::Key));
        let mut factors = match self {
            Self::Password => return vec![Password::NAME],
            // A token with a button is handed out, so nobody adds one.
            Self::Device | Self::Both => auth.enrolments().filter(on_device).cloned().collect::<Vec<_>>(),
        };
        factors.push(Hotp::NAME);
        if self == Self::Both {
            factors.push(Password::NAME);
        }
        factors
    }
}

pub async fn show(guest: Guest, Query(adding): Query<Adding>) -> Result<Response, Failure> {
    let (draft, told) = guest.draft_and_refusal(Way::Recover);
    if !adding.lets(&guest) && told.is_none() {
        return Ok(Redirect::to("/home").into_response());
    }
    let life = guest.t.life;
    let mut frame = guest.frame(Way::Recover.start(), life.forgot_title)?.narrow();
    adding.keep(&mut frame);
    frame.problems = problems(&guest, told.as_ref(), field);
    let contact = Field::text("contact", life.forgot_contact, "username").hint(life.forgot_contact_hint);
    let contact = contact.latin().inputmode("email").value(&draft.identifier).within(&frame, true);
    let losses = Lost::ALL.into_iter().zip(life.losses.into_iter().zip(life.losses_hints));
    let losses = losses.map(|((lost, value), (label, hint))| {
        let chosen = lost == draft.lost;
        Loss { value, label, hint, chosen }
    });
    let (token, losses) = (guest.hidden::<Forgot>()?, losses.collect());
    let human = Human::new(&guest, &frame, HumanFor::Recover, draft.human).await?;
    Ok(guest.page(&Page { frame, token, contact, losses, public_device: draft.public_device, human }))
}

pub async fn begin(guest: Guest, TokenForm(form): TokenForm<Forgot>) -> Result<Response, Failure> {
    let (lost, public_device) = (Lost::read(&form.lost), form.public_device.is_some());
    let visit = human::answered(&guest, &form.human);
    let recover = visit.recover().lost(lost.factors(&guest.app.auth)).public_device(public_device);
    let step = recover.start(&form.contact).await?;
    let draft = Draft {
        human: human::ticket(&guest, HumanFor::Recover, &step, form.human).await?,
        identifier: form.contact,
        public_device,
        lost,
        done: Some(if lost == Lost::Device { |t| t.life.restored_device } else { |t| t.life.restored }),
        ..Draft::default()
    };
    lead_on(&guest, Way::Recover, draft, step, Way::Recover.start()).await
}

pub async fn show_wait(guest: Guest) -> Result<Response, Failure> {
    let draft = guest.draft(Way::Recover);
    let (Some(_), Some(delay)) = (&draft.flow, draft.delay) else {
        return Ok(Redirect::to(Way::Recover.start()).into_response());
    };
    let (t, rules, now) = (guest.t, guest.app.auth.profile().recovery, guest.app.auth.now());
    // A shorter one has begun already, here or elsewhere.
    let waits = draft.ready.is_some() || delay < rules.delay;
    let title = if waits { t.life.waits.to_owned() } else { format!("{} {}", t.life.wait, t.span(delay)) };
    let ready = draft.ready.unwrap_or_else(|| now.after(delay));
    // To the next full minute: nobody is told to come back too early.
    let from = ready.after(Duration::from_millis(59_999));
    let page = Wait {
        frame: guest.frame(WAIT, &title)?.narrow(),
        token: if waits { None } else { Some(guest.hidden_at::<Waits>(&draft)?) },
        from: moment(from, guest.locale()),
        until: moment(ready.after(rules.window), guest.locale()),
        contact: draft.identifier,
        others: !draft.offers.is_empty(),
    };
    Ok(guest.page(&page))
}

pub async fn wait(guest: Guest, TokenForm(form): TokenForm<Waits>) -> Result<Response, Failure> {
    let mut draft = guest.draft_at(Way::Recover, &form.at)?;
    let Some(flow) = draft.flow.clone() else {
        return Ok(Redirect::to(Way::Recover.start()).into_response());
    };
    match guest.visit.wait(&flow).await? {
        Step::Refused(why) if why.code == Code::RecoveryWaits => {
            draft.ready = why.retry_after.map(|wait| guest.app.auth.now().after(wait));
            guest.keep(Way::Recover, draft);
            Ok(Redirect::to(WAIT).into_response())
        }
        step => lead_on(&guest, Way::Recover, draft, step, Way::Recover.start()).await,
    }
}

pub async fn show_choice(guest: Guest) -> Result<Response, Failure> {
    let (draft, told) = guest.draft_and_refusal(Way::Recover);
    if draft.flow.is_none() || !draft.choosing {
        return Ok(Redirect::to(Way::Recover.start()).into_response());
    }
    let t = guest.t;
    let mut frame = guest.frame(Way::Recover.choose(), t.choose_password)?.narrow();
    frame.problems = problems(&guest, told.as_ref(), |_| "new_password");
    let choice = Choice {
        token: guest.hidden_at::<Chosen>(&draft)?,
        lead: t.life.chooses,
        username: draft.identifier,
        current: None,
        new: NewPassword::new(&guest, &frame, true)?,
        button: t.life.choose_do,
        frame,
    };
    Ok(guest.page(&choice))
}

pub async fn choose(guest: Guest, TokenForm(form): TokenForm<Chosen>) -> Result<Response, Failure> {
    let draft = guest.draft_at(Way::Recover, &form.at)?;
    let Some(flow) = draft.flow.clone().filter(|_| draft.choosing) else {
        return Ok(Redirect::to(Way::Recover.start()).into_response());
    };
    let word = Password::word(form.new_password.expose_str().unwrap_or_default());
    let step = guest.visit.answer(&flow, word).await?;
    lead_on(&guest, Way::Recover, draft, step, Way::Recover.choose()).await
}

fn field(why: &Refusal) -> &'static str {
    match why.code {
        Code::Identifier(_) | Code::ContactKind | Code::TooSoon => "contact",
        _ => "",
    }
}

/// Where somebody waits who has nothing else.
pub const WAIT: &str = "/forgot/wait";
