//! The first page of a signed-in person.

use askama::Template;
use axum::response::Response;
use propusk::account::Level;
use propusk::error::Broken;

use crate::app::Failure;
use crate::dates::{Moment, moment};
use crate::guest::Member;
use crate::view::Frame;

#[derive(Debug, Template)]
#[template(path = "home.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    greeting: String,
    identifiers: String,
    level: &'static str,
    created: Moment,
    proofs: String,
    ends: Moment,
}

pub async fn show(member: Member) -> Result<Response, Failure> {
    let Member { guest, session, .. } = member;
    let (t, locale) = (guest.t, guest.locale());
    let account = guest.app.auth.account(session.account()).await?;
    let account = account.ok_or(Broken::Misuse("a session without an account"))?;
    let names: Vec<_> = account.identifiers.iter().map(|name| name.as_str()).collect();
    let proofs = session.proofs();
    let proofs: Vec<_> = proofs.iter().map(|proof| t.factor(proof.factor().as_str())).collect();
    let [simplified, standard, confirmed] = t.levels;
    let content = Page {
        frame: guest.frame("/home", t.home)?,
        greeting: t.greeting(&account.name),
        identifiers: names.join(", "),
        level: match account.level {
            Level::Confirmed => confirmed,
            Level::Standard => standard,
            _ => simplified,
        },
        created: moment(account.created, locale),
        proofs: proofs.join(", "),
        ends: moment(session.expires(), locale),
    };
    Ok(guest.page(&content))
}
