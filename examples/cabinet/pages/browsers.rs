//! The browsers that the account knows, on the page about security: seen, and forgotten one by one.

use axum::response::{IntoResponse, Redirect, Response};
use propusk::axum::{FormFields, TokenForm};
use propusk::flow::Effect;
use propusk::id::BrowserId;
use serde::Deserialize;

use crate::app::Failure;
use crate::dates::{Moment, moment, on_day};
use crate::guest::{Guest, Member};

/// A browser on the page.
#[derive(Debug)]
pub struct Browser {
    pub id: BrowserId,
    pub here: bool,
    pub device: String,
    pub address: Option<String>,
    pub seen: Moment,
    pub until: Moment,
    /// Until when it is not asked for a second step.
    pub trusted: Option<Moment>,
}

#[derive(Debug, Deserialize)]
pub struct Forget {
    browser: String,
}

impl FormFields for Forget {
    const PURPOSE: &'static str = "browser-forget";
}

/// Those of the account, this one first.
pub async fn known(guest: &Guest, session: &propusk::Session) -> Result<Vec<Browser>, Failure> {
    let (t, locale) = (guest.t, guest.locale());
    let browsers = guest.visit.browsers(session).await?.into_iter().map(|one| {
        let device = one.from.as_ref().map(|from| t.device(&from.device));
        Browser {
            id: one.id,
            here: one.here,
            device: device.unwrap_or_else(|| t.portal.browser_unknown.to_owned()),
            address: one.from.and_then(|from| from.address).map(|address| address.to_string()),
            seen: moment(one.seen, locale),
            until: on_day(one.expires, locale),
            trusted: one.trusted_until.map(|until| on_day(until, locale)),
        }
    });
    Ok(browsers.collect())
}

pub async fn forget(member: Member, TokenForm(form): TokenForm<Forget>) -> Result<Response, Failure> {
    let Member { guest, session, .. } = member;
    // Only one of the same account is forgotten, whatever id is posted: the library sees to it.
    let gone = match form.browser.parse() {
        Ok(id) => guest.visit.forget_browser(&session, id).await?,
        Err(_) => Effect::Nothing,
    };
    guest.say(if gone.is_done() { |t| t.portal.forgotten } else { |t| t.portal.no_such_browser });
    Ok(Redirect::to("/security").into_response())
}
