//! Change of password: the current one and the new one on one page, two answers to one flow.

use axum::response::{IntoResponse, Redirect, Response};
use propusk::axum::{FormFields, TokenForm};
use propusk::flow::{Code, Refusal};
use propusk::secret::Secret;
use propusk::{Password, Step};
use serde::Deserialize;

use super::new_password::NewPassword;
use super::sign_up::Choice;
use super::{lead_on, problems};
use crate::app::Failure;
use crate::drafts::{Draft, Way};
use crate::guest::Member;
use crate::view::Field;

#[derive(Debug, Deserialize)]
pub struct Change {
    // For password managers only.
    #[serde(default, rename = "username")]
    _username: Option<String>,
    #[serde(default)]
    current_password: Option<Secret>,
    new_password: Secret,
}

impl FormFields for Change {
    const PURPOSE: &'static str = "password";
}

pub async fn show(member: Member) -> Result<Response, Failure> {
    let Member { guest, session, .. } = member;
    let t = guest.t;
    let (draft, told) = guest.draft_and_refusal(Way::Change);
    let account = guest.app.auth.account(session.account()).await?;
    let names = account.map(|account| account.identifiers).unwrap_or_default();
    let mut frame = guest.frame("/password", t.password)?.narrow();
    frame.problems = problems(&guest, told.as_ref(), field);
    // The current password is asked for once: a new one that was unfit is chosen again in the same flow.
    let proven = draft.choosing && told.is_some();
    if !proven {
        guest.forget(Way::Change);
    }
    let current = Field::password("current_password", t.current_password, "current-password");
    let choice = Choice {
        token: guest.hidden::<Change>()?,
        lead: if proven { t.current_proven } else { t.password_lead },
        username: names.first().map(|name| name.as_str().to_owned()).unwrap_or_default(),
        current: (!proven).then(|| current.enter("next").within(&frame, true)),
        new: NewPassword::new(&guest, &frame, proven)?,
        button: t.change_password,
        frame,
    };
    Ok(guest.page(&choice))
}

pub async fn change(member: Member, TokenForm(form): TokenForm<Change>) -> Result<Response, Failure> {
    let Member { guest, token, .. } = member;
    let mut draft = guest.draft(Way::Change);
    draft.next = String::from("/password");
    let mut flow = draft.flow.clone().filter(|_| draft.choosing);
    if let Some(current) = &form.current_password {
        draft = Draft { next: draft.next, ..Draft::default() };
        let current = Password::word(current.expose_str().unwrap_or_default());
        let mut step = guest.visit.change(&token, Password::NAME).await?;
        if let Step::Pending(next) = step {
            step = guest.visit.answer(&next.flow, current).await?;
        }
        match step {
            Step::Pending(next) => {
                draft.choosing = true;
                draft.flow = Some(next.flow.clone());
                flow = Some(next.flow);
            }
            other => return lead_on(&guest, Way::Change, draft, other, "/password").await,
        }
    }
    let Some(flow) = flow else { return Ok(Redirect::to("/password").into_response()) };
    let step =
        guest.visit.answer(&flow, Password::word(form.new_password.expose_str().unwrap_or_default())).await?;
    if matches!(step, Step::Done(_)) {
        guest.say(|t| t.password_changed);
    }
    lead_on(&guest, Way::Change, draft, step, "/password").await
}

fn field(why: &Refusal) -> &'static str {
    match why.code {
        Code::Unfit => "new_password",
        Code::Answer(_) => "current_password",
        _ => "",
    }
}
