//! How one signs in: what there is, and adding more. What can be added is what the library's builder was given; a
//! factor without words in `texts/` is listed by its own title and cannot be added here.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use propusk::account::identifier::Identifier;
use propusk::axum::{FormFields, TokenForm};
use propusk::factor::Prompt;
use propusk::flow::{Code, Refusal};
use propusk::id::FactorName;
use propusk::secret::Secret;
use propusk::{BackupCodes, Passkey, Password, Step, Totp};
use serde::Deserialize;

use super::browsers::{self, Browser, Forget};
use super::{lead_on, problems};
use crate::app::Failure;
use crate::asks::Ask;
use crate::dates::{Moment, moment};
use crate::drafts::{Draft, Way};
use crate::guest::Member;
use crate::view::{Field, Frame, Hidden};

#[derive(Debug, Template)]
#[template(path = "security.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    add: Hidden,
    factors: Vec<Card>,
    contacts: String,
    browsers: Vec<Browser>,
    forget: Hidden,
}

/// A factor on the page.
#[derive(Debug)]
struct Card {
    factor: FactorName,
    title: String,
    lead: &'static str,
    held: Vec<Since>,
    /// How many codes are left.
    left: Option<String>,
    /// The button; the password has a page of its own.
    button: Option<&'static str>,
    elsewhere: Option<&'static str>,
}

/// Since when there is one, and whether it still proves anything.
#[derive(Debug)]
struct Since {
    at: Moment,
    good: bool,
}

impl Card {
    fn works(&self) -> bool {
        self.held.iter().any(|one| one.good)
    }
}

#[derive(Debug, Template)]
#[template(path = "new_device.html", config = "examples/cabinet/askama.toml")]
struct NewDevice {
    frame: Frame,
    token: Hidden,
    input: Field,
    shown: Device,
}

#[derive(Debug, Template)]
#[template(path = "new_key.html", config = "examples/cabinet/askama.toml")]
struct NewKey {
    frame: Frame,
    token: Hidden,
    /// What the script hands to the browser.
    options: String,
}

#[derive(Debug, Template)]
#[template(path = "new_codes.html", config = "examples/cabinet/askama.toml")]
struct NewCodes {
    frame: Frame,
    token: Hidden,
    shown: Codes,
    /// For paper: the newest list is the one that works.
    printed: Moment,
}

/// The proposal of an authenticator.
#[derive(Debug, Deserialize)]
struct Device {
    uri: String,
    qr: String,
    key: String,
}

/// The proposal of a set of codes.
#[derive(Debug, Deserialize)]
struct Codes {
    codes: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub struct Add {
    factor: String,
}

#[derive(Debug, Deserialize)]
pub struct Confirm {
    #[serde(default, alias = "app_code")]
    code: Option<Secret>,
    #[serde(default)]
    key: Option<Secret>,
}

impl FormFields for Add {
    const PURPOSE: &'static str = "security-add";
}

impl FormFields for Confirm {
    const PURPOSE: &'static str = "security-new";
}

pub async fn show(member: Member) -> Result<Response, Failure> {
    let Member { guest, session, .. } = member;
    let (t, locale, auth) = (guest.t, guest.locale(), &guest.app.auth);
    let (_, told) = guest.draft_and_refusal(Way::Enrol);
    let held = auth.credentials(session.account()).await?;
    let left = BackupCodes::left(auth, session.account()).await?;
    let account = auth.account(session.account()).await?;
    let contacts = account.iter().flat_map(|account| &account.contacts).map(Identifier::masked);
    let card = |factor: &FactorName| {
        let words = t.way_in(factor.as_str());
        let held: Vec<_> = held.iter().filter(|one| one.factor == *factor).collect();
        let password = *factor == Password::NAME;
        Card {
            factor: factor.clone(),
            title: words.map_or_else(|| auth.title(factor, locale), |words| words.title.to_owned()),
            lead: words.map_or("", |words| words.lead),
            left: left.filter(|_| *factor == BackupCodes::NAME).map(|left| t.codes_left(left)),
            button: words.map(|words| if held.is_empty() { words.add } else { words.another }),
            elsewhere: password.then_some("/password"),
            held: held
                .into_iter()
                .map(|one| Since { at: moment(one.created, locale), good: one.proves.is_factor() })
                .collect(),
        }
    };
    let mut frame = guest.frame("/security", t.security)?;
    frame.problems = problems(&guest, told.as_ref(), |_| "");
    let (factors, contacts) =
        (auth.enrolments().map(card).collect(), contacts.collect::<Vec<_>>().join(", "));
    let browsers = browsers::known(&guest, &session).await?;
    let (add, forget) = (guest.hidden::<Add>()?, guest.hidden::<Forget>()?);
    Ok(guest.page(&Page { frame, add, factors, contacts, browsers, forget }))
}

/// Begins to add one: first as much is proven as a sign-in takes.
pub async fn add(member: Member, TokenForm(form): TokenForm<Add>) -> Result<Response, Failure> {
    let Member { guest, token, .. } = member;
    let factor = FactorName::owned(&form.factor);
    let step = guest.visit.enrol(&token, factor).await?;
    let draft = Draft { next: Way::Enrol.start().to_owned(), ..Draft::default() };
    lead_on(&guest, Way::Enrol, draft, step, Way::Enrol.start()).await
}

/// What was proposed: a key to scan, codes to keep.
pub async fn show_new(member: Member) -> Result<Response, Failure> {
    let Member { guest, .. } = member;
    let t = guest.t;
    let (draft, told) = guest.draft_and_refusal(Way::Enrol);
    let (Some(factor), Some(prompt)) =
        (draft.factor.filter(|_| draft.choosing), draft.prompt.as_ref().map(Prompt::as_json))
    else {
        return Ok(Redirect::to(Way::Enrol.start()).into_response());
    };
    let title = t.way_in(factor.as_str()).map(|words| words.new).unwrap_or_default();
    let mut frame = guest.frame(Way::Enrol.choose(), title)?.narrow();
    frame.problems = problems(&guest, told.as_ref(), new_field);
    let token = guest.hidden::<Confirm>()?;
    if factor == Totp::NAME {
        let (shown, input) = (read(prompt)?, Ask::App.input(&frame, false));
        return Ok(guest.page(&NewDevice { frame, token, input, shown }));
    }
    if factor == Passkey::NAME {
        return Ok(guest.page(&NewKey { frame, token, options: prompt.to_owned() }));
    }
    if factor == BackupCodes::NAME {
        let printed = moment(guest.app.auth.now(), guest.locale());
        return Ok(guest.page(&NewCodes { frame, token, shown: read(prompt)?, printed }));
    }
    Ok(Redirect::to(Way::Enrol.start()).into_response())
}

pub async fn confirm(member: Member, TokenForm(form): TokenForm<Confirm>) -> Result<Response, Failure> {
    let Member { guest, .. } = member;
    let draft = guest.draft(Way::Enrol);
    let (Some(flow), Some(factor)) = (draft.flow.clone(), draft.factor.clone()) else {
        return Ok(Redirect::to(Way::Enrol.start()).into_response());
    };
    let answer = match (&form.key, &form.code) {
        (Some(key), _) => Ask::Key.answer(&factor, key),
        (None, Some(code)) => Totp::code(code.expose_str().unwrap_or_default()),
        (None, None) if factor == BackupCodes::NAME => BackupCodes::saved(),
        (None, None) => return Ok(Redirect::to(Way::Enrol.choose()).into_response()),
    };
    let step = guest.visit.answer(&flow, answer).await?;
    if matches!(step, Step::Done(_)) {
        guest.say(if factor == BackupCodes::NAME { |t| t.codes_made } else { |t| t.way_added });
    }
    lead_on(&guest, Way::Enrol, draft, step, Way::Enrol.choose()).await
}

fn read<T: for<'de> Deserialize<'de>>(prompt: &str) -> Result<T, Failure> {
    serde_json::from_str(prompt)
        .map_err(|_| propusk::error::Broken::Misuse("a proposal of another form").into())
}

fn new_field(why: &Refusal) -> &'static str {
    if matches!(why.code, Code::Answer(_)) { Ask::App.field() } else { "" }
}
