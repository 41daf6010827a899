//! The service desk, played by the visitor: for a demonstration only. In a real portal a clerk's own program calls
//! [`Auth::set_level`](propusk::Auth::set_level), with the clerk as the client.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use propusk::axum::{FormFields, TokenForm};
use serde::Deserialize;

use super::services::{account, name_of};
use crate::app::Failure;
use crate::guards;
use crate::guest::Member;
use crate::view::{Frame, Hidden};

#[derive(Debug, Template)]
#[template(path = "desk.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    token: Hidden,
    level: &'static str,
    checked: bool,
}

#[derive(Debug, Deserialize)]
pub struct Checked {}

impl FormFields for Checked {
    const PURPOSE: &'static str = "desk";
}

pub async fn show(member: Member) -> Result<Response, Failure> {
    let guest = &member.guest;
    let account = account(&member).await?;
    let page = Page {
        frame: guest.frame("/desk", guest.t.portal.desk)?.narrow(),
        token: guest.hidden::<Checked>()?,
        level: name_of(guest, account.level),
        checked: account.level >= guards::APPLICATION,
    };
    Ok(guest.page(&page))
}

pub async fn checked(member: Member, TokenForm(Checked {}): TokenForm<Checked>) -> Result<Response, Failure> {
    // Never down: who is more than standard already stays so.
    if account(&member).await?.level < guards::APPLICATION {
        let auth = &member.guest.app.auth;
        auth.set_level(member.session.account(), guards::APPLICATION, member.guest.client()).await?;
        member.guest.say(|t| t.portal.desk_done);
    }
    Ok(Redirect::to("/services/application").into_response())
}
