//! What the portal knows of a person. Names and contacts lie sealed in the account's own rows (lookups are by keyed
//! hash), so they can be shown in full; they are masked until asked for, since pages are read over shoulders.

use askama::Template;
use axum::response::Response;
use propusk::account::Level;
use propusk::account::identifier::Identifier;

use super::services::account;
use crate::app::Failure;
use crate::dates::{Moment, moment};
use crate::guest::Member;
use crate::texts::Texts;
use crate::view::Frame;

#[derive(Debug, Template)]
#[template(path = "profile.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    name: String,
    logins: Vec<Address>,
    contacts: Vec<Address>,
    level: &'static str,
    highest: bool,
    created: Moment,
    messages_in: &'static str,
}

/// A phone, an e-mail address, a user name.
#[derive(Debug)]
struct Address {
    masked: String,
    full: String,
    login_too: bool,
}

pub async fn show(member: Member) -> Result<Response, Failure> {
    let guest = &member.guest;
    let t = guest.t;
    let account = account(&member).await?;
    let [simplified, standard, confirmed] = t.levels;
    let address = |one: &Identifier| Address {
        masked: one.masked(),
        full: one.as_str().to_owned(),
        login_too: account.identifiers.contains(one),
    };
    let page = Page {
        frame: guest.frame("/profile", t.portal.profile)?,
        logins: account.identifiers.iter().map(address).collect(),
        contacts: account.contacts.iter().map(address).collect(),
        level: match account.level {
            Level::Confirmed => confirmed,
            Level::Standard => standard,
            _ => simplified,
        },
        highest: account.level == Level::Confirmed,
        created: moment(account.created, guest.locale()),
        messages_in: Texts::of(account.locale).portal.language_name,
        name: account.name.clone(),
    };
    Ok(guest.page(&page))
}
