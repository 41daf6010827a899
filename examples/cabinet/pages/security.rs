//! How one signs in: each way that there is, with its name, its age and its last use; and buttons to add, rename and
//! remove. What can be added is what the library's builder was given; a factor without words in `texts/` is listed by its
//! own title and cannot be added here.

use askama::Template;
use axum::response::Response;
use propusk::account::identifier::Identifier;
use propusk::auth::Held;
use propusk::id::{CredentialId, FactorName};
use propusk::{BackupCodes, Password};

use super::browsers::{self, Browser, Forget};
use super::enrol::Add;
use super::problems;
use super::recovery::{self, Waits};
use crate::app::Failure;
use crate::asks::Ask;
use crate::dates::{Moment, moment};
use crate::drafts::Way;
use crate::guest::{Guest, Member};
use crate::view::{Frame, Hidden};

#[derive(Debug, Template)]
#[template(path = "security.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    add: Hidden,
    factors: Vec<Card>,
    contacts: String,
    waits: Option<Waits>,
    browsers: Vec<Browser>,
    forget: Hidden,
}

/// A factor on the page.
#[derive(Debug)]
struct Card {
    factor: FactorName,
    title: String,
    lead: &'static str,
    held: Vec<Mine>,
    /// How many codes are left, and whether these are too few.
    left: Option<(String, bool)>,
    /// The button; the password has a page of its own.
    button: Option<&'static str>,
    elsewhere: Option<&'static str>,
}

/// One of them.
#[derive(Debug)]
struct Mine {
    id: CredentialId,
    called: String,
    since: Moment,
    used: Option<Moment>,
    /// Whether it still proves anything; if not, in words.
    good: bool,
    state: &'static str,
    /// Whether it can be given another name.
    has_name: bool,
    /// Whether its owner can remove it.
    own: bool,
}

impl Card {
    fn works(&self) -> bool {
        self.held.iter().any(|one| one.good)
    }
}

pub async fn show(member: Member) -> Result<Response, Failure> {
    let Member { guest, session, .. } = member;
    let (t, locale, auth) = (guest.t, guest.locale(), &guest.app.auth);
    // Whoever comes here has left what they were in the middle of.
    guest.forget(Way::Wizard);
    let told = [Way::Enrol, Way::Remove].map(|way| guest.draft_and_refusal(way).1);
    let held = auth.credentials(session.account()).await?;
    let used = auth.last_uses(session.account()).await?;
    let left = BackupCodes::left(auth, session.account()).await?;
    let account = auth.account(session.account()).await?;
    let contacts = account.iter().flat_map(|account| &account.contacts).map(Identifier::masked);
    // What somebody was handed by the service is listed too, and is not theirs to add or to remove.
    let own: Vec<_> = auth.enrolments().cloned().collect();
    let handed = held.iter().map(|one| one.factor.clone()).filter(|factor| !own.contains(factor));
    let mut all: Vec<_> = own.iter().cloned().chain(handed).collect();
    all.dedup();
    let card = |factor: &FactorName| {
        let words = t.way_in(factor.as_str());
        let (password, codes) = (*factor == Password::NAME, *factor == BackupCodes::NAME);
        let held: Vec<_> = held.iter().filter(|one| one.factor == *factor).collect();
        let one = |one: &&Held| {
            let good = one.proves.is_factor() || one.proves.recovery_only();
            let state = if codes { t.ways.used_up } else { t.key_dead };
            Mine {
                id: one.id,
                called: called(&guest, one),
                since: moment(one.created, locale),
                used: used.get(&one.id).map(|at| moment(*at, locale)),
                good,
                state: if good { t.ways.works } else { state },
                has_name: has_name(factor),
                own: own.contains(factor),
            }
        };
        let add = |words: crate::texts::WayIn| match (password, held.is_empty()) {
            (true, true) => t.ways.set_password,
            (_, true) => words.add,
            (_, false) => words.another,
        };
        Card {
            factor: factor.clone(),
            title: words.map_or_else(|| auth.title(factor, locale), |words| words.title.to_owned()),
            lead: words.map_or("", |words| words.lead),
            left: left.filter(|_| codes).map(|left| (t.codes_left(left), left <= FEW)),
            button: words.filter(|_| own.contains(factor)).map(add),
            elsewhere: (password && !held.is_empty()).then_some("/password"),
            held: held.iter().map(one).collect(),
        }
    };
    let mut frame = guest.frame("/security", t.security)?;
    frame.problems = told.iter().flat_map(|told| problems(&guest, told.as_ref(), |_| "")).collect();
    let (factors, contacts) = (all.iter().map(card).collect(), contacts.collect::<Vec<_>>().join(", "));
    let browsers = browsers::known(&guest, &session).await?;
    let waits = recovery::waits(&guest, &session).await?;
    let (add, forget) = (guest.hidden::<Add>()?, guest.hidden::<Forget>()?);
    Ok(guest.page(&Page { frame, add, factors, contacts, waits, browsers, forget }))
}

/// What one is called: as its owner calls it, or what it is.
pub fn called(guest: &Guest, one: &Held) -> String {
    let unnamed = || match Ask::of(&one.factor) {
        Some(ask) => guest.t.ways.unnamed(ask).to_owned(),
        None => guest.app.auth.title(&one.factor, guest.locale()),
    };
    one.name.clone().unwrap_or_else(unnamed)
}

/// Whether there can be several of them, so that each needs a name.
pub fn has_name(factor: &FactorName) -> bool {
    !matches!(Ask::of(factor), Some(Ask::Password | Ask::Paper | Ask::Token))
}

/// So many codes are too few.
pub const FEW: usize = 3;
