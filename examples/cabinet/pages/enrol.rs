//! A new way to sign in: what is proposed (a key to scan, a key to make, codes to keep, a password to choose), and its
//! confirmation. Of a signed-in person; and of somebody at a sign-in whose account has too little for the profile.

use askama::Template;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use propusk::axum::{FormFields, TokenForm};
use propusk::factor::Prompt;
use propusk::flow::{Code, Refusal};
use propusk::id::FactorName;
use propusk::secret::Secret;
use propusk::{BackupCodes, Passkey, Password, Step, Totp};
use serde::Deserialize;

use super::new_password::NewPassword;
use super::sign_up::Choice;
use super::{begins, failed, lead_on, problems, wizard};
use crate::app::Failure;
use crate::asks::Ask;
use crate::dates::{self, Moment, moment};
use crate::drafts::{Draft, Way};
use crate::guest::{Guest, Member};
use crate::texts::WayIn;
use crate::view::{Field, Frame, Hidden};

#[derive(Debug, Template)]
#[template(path = "new_device.html", config = "examples/cabinet/askama.toml")]
struct NewDevice {
    frame: Frame,
    token: Hidden,
    input: Field,
    shown: Device,
    cancel: &'static str,
}

#[derive(Debug, Template)]
#[template(path = "new_key.html", config = "examples/cabinet/askama.toml")]
struct NewKey {
    frame: Frame,
    token: Hidden,
    /// What the script hands to the browser.
    options: String,
    cancel: &'static str,
}

#[derive(Debug, Template)]
#[template(path = "new_codes.html", config = "examples/cabinet/askama.toml")]
struct NewCodes {
    frame: Frame,
    token: Hidden,
    shown: Codes,
    /// For paper: the newest list is the one that works.
    printed: Moment,
    /// Whether it can be left to another day.
    later: Option<&'static str>,
    cancel: &'static str,
}

/// What an account that has too little can add.
#[derive(Debug, Template)]
#[template(path = "duty.html", config = "examples/cabinet/askama.toml")]
struct Duty {
    frame: Frame,
    add: Hidden,
    choices: Vec<(FactorName, WayIn)>,
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
    /// At a sign-in.
    #[serde(default)]
    at: String,
}

#[derive(Debug, Deserialize)]
pub struct Confirm {
    // For password managers only.
    #[serde(default, rename = "username")]
    _username: Option<String>,
    #[serde(default, alias = "app_code")]
    code: Option<Secret>,
    #[serde(default)]
    key: Option<Secret>,
    #[serde(default)]
    new_password: Option<Secret>,
    #[serde(default)]
    at: String,
}

impl FormFields for Add {
    const PURPOSE: &'static str = "security-add";
}

impl FormFields for Confirm {
    const PURPOSE: &'static str = "security-new";
}

/// Begins to add one: first as much is proven as a sign-in takes.
pub async fn add(member: Member, TokenForm(form): TokenForm<Add>) -> Result<Response, Failure> {
    let Member { guest, token, .. } = member;
    guest.forget(Way::Wizard);
    let step = guest.visit.enrol(&token, FactorName::owned(&form.factor)).await?;
    lead_on(&guest, Way::Enrol, Draft::default(), step, Way::Enrol.start()).await
}

/// At a sign-in: what there is to choose from.
pub async fn show_choice(guest: Guest) -> Result<Response, Failure> {
    let (draft, told) = guest.draft_and_refusal(Way::SignIn);
    if draft.flow.is_none() || !draft.choosing || draft.due.is_some() {
        return Ok(Redirect::to(Way::SignIn.start()).into_response());
    }
    let mut frame = guest.frame(CHOICE, guest.t.ways.duty)?.narrow();
    frame.problems = problems(&guest, told.as_ref(), |_| "");
    let (words, add) =
        (|factor: &FactorName| guest.t.way_in(factor.as_str()), guest.hidden_at::<Add>(&draft)?);
    let choices = draft.offers.into_iter().filter_map(|offer| Some((words(&offer.factor)?, offer.factor)));
    let choices = choices.map(|(words, factor)| (factor, words)).collect();
    Ok(guest.page(&Duty { frame, add, choices }))
}

pub async fn choose(guest: Guest, TokenForm(form): TokenForm<Add>) -> Result<Response, Failure> {
    let mut draft = guest.draft_at(Way::SignIn, &form.at)?;
    let offer = draft.offers.iter().find(|offer| offer.factor.as_str() == form.factor).cloned();
    let (Some(flow), Some(offer)) = (draft.flow.clone().filter(|_| draft.choosing), offer) else {
        return Ok(Redirect::to(Way::SignIn.start()).into_response());
    };
    if begins(&offer) {
        let step = guest.visit.begin(&flow, &offer.factor).await?;
        return lead_on(&guest, Way::SignIn, draft, step, CHOICE).await;
    }
    draft.ask(offer.factor, None);
    guest.keep(Way::SignIn, draft);
    Ok(Redirect::to(Way::SignIn.choose()).into_response())
}

pub async fn show(member: Member) -> Result<Response, Failure> {
    proposal(&member.guest, Way::Enrol)
}

pub async fn show_at_sign_in(guest: Guest) -> Result<Response, Failure> {
    proposal(&guest, Way::SignIn)
}

pub async fn confirm(member: Member, TokenForm(form): TokenForm<Confirm>) -> Result<Response, Failure> {
    confirmed(&member.guest, Way::Enrol, &form).await
}

pub async fn confirm_at_sign_in(
    guest: Guest,
    TokenForm(form): TokenForm<Confirm>,
) -> Result<Response, Failure> {
    confirmed(&guest, Way::SignIn, &form).await
}

pub async fn codes(member: Member) -> Result<Response, Failure> {
    file(&member.guest, Way::Enrol)
}

pub async fn codes_at_sign_in(guest: Guest) -> Result<Response, Failure> {
    file(&guest, Way::SignIn)
}

/// What was proposed.
fn proposal(guest: &Guest, way: Way) -> Result<Response, Failure> {
    let t = guest.t;
    let (draft, told) = guest.draft_and_refusal(way);
    let (due, token) = (draft.due.is_some(), guest.hidden_at::<Confirm>(&draft)?);
    let Some(factor) = draft.factor.filter(|_| draft.choosing && !due) else {
        return Ok(Redirect::to(way.start()).into_response());
    };
    let title = t.way_in(factor.as_str()).map(|words| words.new).unwrap_or_default();
    let mut frame = guest.frame(way.choose(), title)?.narrow();
    frame.problems = problems(guest, told.as_ref(), |why| new_field(why, &factor));
    let cancel = if way == Way::SignIn { CHOICE } else { way.start() };
    if factor == Password::NAME {
        let new = NewPassword::new(guest, &frame, true)?;
        let (lead, username, button) = ("", draft.identifier, t.ways.set_password);
        return Ok(guest.page(&Choice { frame, token, lead, username, current: None, new, button }));
    }
    let Some(prompt) = draft.prompt.as_ref().map(Prompt::as_json) else {
        return Ok(Redirect::to(way.start()).into_response());
    };
    if factor == Totp::NAME {
        let (shown, input) = (read(prompt)?, Ask::App.input(&frame, false));
        return Ok(guest.page(&NewDevice { frame, token, input, shown, cancel }));
    }
    if factor == Passkey::NAME {
        return Ok(guest.page(&NewKey { frame, token, options: prompt.to_owned(), cancel }));
    }
    if factor == BackupCodes::NAME {
        let printed = moment(guest.app.auth.now(), guest.locale());
        let later = if way == Way::Enrol { wizard::later(guest) } else { None };
        return Ok(guest.page(&NewCodes { frame, token, shown: read(prompt)?, printed, later, cancel }));
    }
    Ok(Redirect::to(way.start()).into_response())
}

async fn confirmed(guest: &Guest, way: Way, form: &Confirm) -> Result<Response, Failure> {
    let mut draft = guest.draft_at(way, &form.at)?;
    let (Some(flow), Some(factor)) = (draft.flow.clone(), draft.factor.clone().filter(|_| draft.choosing))
    else {
        return Ok(Redirect::to(way.start()).into_response());
    };
    let answer = match (&form.key, &form.code, &form.new_password) {
        (Some(key), ..) => Ask::Key.answer(&factor, key),
        (None, Some(code), _) => Totp::code(code.expose_str().unwrap_or_default()),
        (None, None, Some(word)) => Password::word(word.expose_str().unwrap_or_default()),
        (None, None, None) if factor == BackupCodes::NAME => BackupCodes::saved(),
        (None, None, None) => return Ok(Redirect::to(way.choose()).into_response()),
    };
    let step = guest.visit.answer(&flow, answer).await?;
    if let Step::Done(done) = &step {
        draft.next = match wizard::after(guest, &done.session, &factor, &draft.next).await {
            Ok(next) => next,
            Err(failure) => return Ok(failed(guest, done, failure)),
        };
    }
    lead_on(guest, way, draft, step, way.choose()).await
}

/// The codes as a file, as long as they are on the page: for those who cannot print.
fn file(guest: &Guest, way: Way) -> Result<Response, Failure> {
    let draft = guest.draft(way);
    let made = draft.factor == Some(BackupCodes::NAME) && draft.choosing;
    let Some(prompt) = draft.prompt.as_ref().filter(|_| made) else {
        return Ok(Redirect::to(way.start()).into_response());
    };
    let (t, now, codes) = (guest.t, guest.app.auth.now(), read::<Codes>(prompt.as_json())?.codes);
    let (site, at) = (guest.app.auth.site().name.clone(), moment(now, guest.locale()).text);
    let lines: Vec<_> = codes.iter().enumerate().map(|(at, code)| format!("{:>2}. {code}", at + 1)).collect();
    let text = format!("{site}. {at}\r\n{}\r\n\r\n{}\r\n", t.ways.codes_file, lines.join("\r\n"));
    let name = format!("attachment; filename=\"backup-codes-{}.txt\"", dates::file(now));
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CONTENT_DISPOSITION, name.as_str())];
    Ok((headers, text).into_response())
}

fn read<T: for<'de> Deserialize<'de>>(prompt: &str) -> Result<T, Failure> {
    serde_json::from_str(prompt)
        .map_err(|_| propusk::error::Broken::Misuse("a proposal of another form").into())
}

fn new_field(why: &Refusal, factor: &FactorName) -> &'static str {
    match why.code {
        Code::Unfit => "new_password",
        Code::Answer(_) if *factor == Totp::NAME => Ask::App.field(),
        _ => "",
    }
}

/// Where somebody chooses what to add at a sign-in.
pub const CHOICE: &str = "/sign-in/add";
