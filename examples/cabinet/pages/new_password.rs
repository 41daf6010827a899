//! Help with a new password: its field with the rules beside it, what a script asks while somebody types, and a
//! suggestion. Any page that asks for a new password shows [`NewPassword`] and has all of it.
//!
//! Nothing is decided here. The rules are the profile's, judged by the library with the same words as at the end; what
//! costs a hash (earlier passwords) is left for the end. What is typed comes as the form itself would send it, is
//! looked at, and is gone: it is in no log, no store and no answer.

use askama::Template;
use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use propusk::Password;
use propusk::account::identifier::Identifier;
use propusk::account::{BirthDate, PersonalData};
use propusk::axum::{FormFields, Problem, TokenForm};
use propusk::clock::SystemEntropy;
use propusk::policy::password::{Candidate, CredentialPolicy, Recipe, normalise, strength};
use propusk::secret::Secret;
use propusk::store::Rate;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::sync::Semaphore;

use crate::app::Failure;
use crate::drafts::Way;
use crate::guest::Guest;
use crate::texts::Texts;
use crate::view::{Field, Frame, Hidden};

/// The field for a new password, with its rules and its help.
#[derive(Debug, Template)]
#[template(path = "new_password.html", config = "examples/cabinet/askama.toml")]
pub struct NewPassword {
    t: &'static Texts,
    token: Hidden,
    field: Field,
    rules: Vec<Line>,
}

// A template of its own, escaped where it was rendered.
impl askama::filters::HtmlSafe for NewPassword {}

/// A rule, in words.
#[derive(Debug)]
struct Line {
    name: String,
    text: String,
}

impl NewPassword {
    /// `first`: the cursor goes there.
    pub fn new(guest: &Guest, frame: &Frame, first: bool) -> Result<Self, Problem> {
        let t = guest.t;
        let policy = &guest.app.auth.profile().password;
        let line = |name: &str, text: String| Line { name: name.to_owned(), text };
        let mut rules: Vec<_> =
            policy.hints().iter().map(|rule| line(rule.rule.as_str(), t.rule(rule))).collect();
        // Who registers has none yet.
        if guest.session.is_some() || choosing(guest).is_some_and(|way| way != Way::SignUp) {
            let text = format!("{} ({})", t.earlier_passwords(policy.remembers()), t.front.looked_at_later);
            rules.push(line("reused", text));
        }
        let field = Field::password("new_password", t.new_password, "new-password").described_by("rules");
        Ok(Self { t, token: guest.hidden::<Typed>()?, field: field.within(frame, first), rules })
    }
}

/// What has been typed so far.
#[derive(Debug, Deserialize)]
pub struct Typed {
    new_password: Secret,
}

impl FormFields for Typed {
    const PURPOSE: &'static str = "new-password";
}

/// What a script shows of it.
#[derive(Debug, Serialize)]
struct Judged {
    rules: Vec<Kept>,
    /// From 0 to 4; nothing for what is no text.
    score: Option<u8>,
    /// The same in one sentence, for those who do not see the marks.
    said: String,
}

#[derive(Debug, Serialize)]
struct Kept {
    rule: String,
    kept: bool,
}

/// Which rules are kept so far.
pub async fn check(guest: Guest, TokenForm(typed): TokenForm<Typed>) -> Result<Response, Failure> {
    let words = match admitted(&guest).await? {
        Ok(words) => words,
        Err(refused) => return Ok(refused.into_response()),
    };
    let policy = guest.app.auth.profile().password.clone();
    // Off the threads that serve: an estimate takes milliseconds, and not more than a few run at a time.
    let Ok(_room) = ROOM.try_acquire() else { return Ok(StatusCode::TOO_MANY_REQUESTS.into_response()) };
    let t = guest.t;
    let judged = tokio::task::spawn_blocking(move || judge(t, &*policy, &typed.new_password, &words)).await;
    Ok(judged.map_or_else(
        |_| StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        |judged| Json(judged).into_response(),
    ))
}

fn judge(t: &Texts, policy: &dyn CredentialPolicy, typed: &Secret, words: &[String]) -> Judged {
    let secret = match normalise(typed) {
        Ok(secret) => secret,
        Err(broken) => {
            let rules = vec![Kept { rule: broken.0.rule.as_str().to_owned(), kept: false }];
            return Judged { rules, score: None, said: t.broken_rule(&broken.0) };
        }
    };
    let candidate = Candidate { secret: &secret, words };
    let checked = policy.check(&candidate);
    let broken = checked.iter().filter(|one| !one.kept).map(|one| t.rule(&one.rule));
    let broken = broken.collect::<Vec<_>>().join("; ");
    let verdict =
        if broken.is_empty() { t.front.fits.to_owned() } else { format!("{} {broken}.", t.front.not_yet) };
    let score = strength::estimate(&candidate).score;
    let level = t.front.strengths.get(usize::from(score)).copied().unwrap_or_default();
    Judged {
        rules: checked
            .iter()
            .map(|one| Kept { rule: one.rule.rule.as_str().to_owned(), kept: one.kept })
            .collect(),
        score: Some(score),
        said: format!("{verdict} {} {level}.", t.front.strength),
    }
}

#[derive(Debug, Template)]
#[template(path = "suggestion.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    password: String,
    back: &'static str,
}

#[derive(Debug, Serialize)]
struct Suggested {
    password: String,
}

/// A password that the library makes and the profile takes. Asked for by a script, the answer is JSON; without one it
/// is a page. Nothing is kept of it: looking at it changes nothing.
pub async fn suggest(guest: Guest, headers: HeaderMap) -> Result<Response, Failure> {
    let words = match admitted(&guest).await? {
        Ok(words) => words,
        Err(StatusCode::FORBIDDEN) => return Ok(Redirect::to("/").into_response()),
        Err(refused) => return Ok(refused.into_response()),
    };
    let policy = &*guest.app.auth.profile().password;
    let secret = Recipe::words(guest.locale()).make(policy, &words, &SystemEntropy)?;
    let password = secret.expose_str().unwrap_or_default().to_owned();
    if headers.get(header::ACCEPT).is_some_and(|kind| kind == "application/json") {
        return Ok(Json(Suggested { password }).into_response());
    }
    let frame = guest.frame("/password/suggestion", guest.t.front.suggestion)?.narrow();
    let back = match choosing(&guest) {
        Some(way) => guest.draft(way).page_to_choose(way),
        None if guest.draft(Way::Enrol).factor == Some(Password::NAME) => Way::Enrol.choose(),
        None => Way::Change.start(),
    };
    Ok(guest.page(&Page { frame, password, back }))
}

/// What a password must not be built of here, for those who are about to choose one; a status for others. Signing up
/// costs a code, so nobody has this for nothing.
async fn admitted(guest: &Guest) -> Result<Result<Vec<String>, StatusCode>, Failure> {
    let site = guest.app.auth.site();
    let (who, words) = if let Some(session) = &guest.session {
        let account = guest.app.auth.account(session.account()).await?;
        let Some(account) = account else { return Ok(Err(StatusCode::FORBIDDEN)) };
        let names = account.identifiers.iter().chain(&account.contacts);
        let mut who = PersonalData::from(&account.name);
        who.birth_date = account.birth_date;
        (session.account().to_string(), site.words_about(Some(&who), names))
    } else if let Some(way) = choosing(guest) {
        let draft = guest.draft(way);
        let mut who = PersonalData::from(&draft.name);
        who.birth_date = BirthDate::parse(&draft.birth_date, guest.app.auth.now()).ok();
        let typed = Identifier::parse(&draft.identifier).ok();
        (guest.browser(), site.words_about(Some(&who), typed.iter()))
    } else {
        return Ok(Err(StatusCode::FORBIDDEN));
    };
    let auth = &guest.app.auth;
    Ok(if guest.app.drafts.pace(&who, PACE, auth.now()) {
        Ok(words)
    } else {
        Err(StatusCode::TOO_MANY_REQUESTS)
    })
}

/// In which flow this browser is about to choose a password without being signed in.
fn choosing(guest: &Guest) -> Option<Way> {
    [Way::SignUp, Way::SignIn, Way::Recover].into_iter().find(|way| guest.draft(*way).choosing)
}

/// More than anybody types: a script asks after a pause.
const PACE: Rate = Rate { uses: 120, per: Duration::from_secs(60) };
static ROOM: Semaphore = Semaphore::const_new(4);
