//! The pages, one file each. A handler reads the request, takes one step with the library, and answers with a page
//! (after GET) or a redirect (after POST).

pub mod accounts;
pub mod browsers;
pub mod close;
pub mod contacts;
pub mod desk;
pub mod due;
pub mod enrol;
pub mod fine;
pub mod forgot;
pub mod history;
pub mod home;
pub mod human;
pub mod key;
pub mod language;
pub mod link;
pub mod lock;
pub mod messages;
pub mod new_password;
pub mod objection;
pub mod outbox;
pub mod password;
pub mod preferences;
pub mod profile;
pub mod recovery;
pub mod remove;
pub mod security;
pub mod services;
pub mod sessions;
pub mod sign_in;
pub mod sign_up;
pub mod status;
pub mod step;
pub mod welcome;
pub mod wizard;

use axum::response::{IntoResponse, Redirect, Response};
use propusk::Step;
use propusk::flow::{Code, Done, Duty, Next, Offer, Refusal};
use propusk::id::FactorName;

use crate::app::Failure;
use crate::asks::Ask;
use crate::drafts::{Draft, Told, Way};
use crate::guest::Guest;
use crate::view::Problem;

/// Where a step leads. `back`: the page to come back to with a refusal.
pub async fn lead_on(
    guest: &Guest,
    mut way: Way,
    mut draft: Draft,
    mut step: Step,
    back: &'static str,
) -> Result<Response, Failure> {
    loop {
        match step {
            Step::Done(done) => {
                guest.forget(way);
                if way == Way::Close {
                    return Ok(close::proven(guest, &done)
                        .await
                        .unwrap_or_else(|failure| failed(guest, &done, failure)));
                }
                if let Some(what) = &draft.approves
                    && let Err(failure) = fine::approved(guest, &done.token, what).await
                {
                    return Ok(failed(guest, &done, failure));
                }
                if let Some(news) = draft.done {
                    guest.say(news);
                }
                let target = if draft.next.is_empty() { "/home" } else { &draft.next };
                return Ok((guest.signed_in(&done), Redirect::to(target)).into_response());
            }
            Step::Pending(next) => {
                draft.flow = Some(next.flow.clone());
                (draft.due, draft.unusual) = (next.due, next.unusual);
                (draft.delay, draft.confirms) = (next.delay, next.duty == Some(Duty::Confirm));
                if way == Way::Recover && matches!(next.duty, Some(Duty::Enrol | Duty::Reopen)) {
                    // Access is restored by then: what is left is the sign-in's.
                    guest.forget(way);
                    way = Way::SignIn;
                }
                if next.duty == Some(Duty::Reopen) {
                    guest.keep(way, draft);
                    return Ok(Redirect::to(close::REOPEN).into_response());
                }
                if way == Way::SignIn && next.duty == Some(Duty::Enrol) && next.begun.is_none() {
                    // Which it shall be is not the portal's to say.
                    draft.offers = next.offers;
                    (draft.factor, draft.choosing) = (None, true);
                    guest.keep(way, draft);
                    return Ok(Redirect::to(enrol::CHOICE).into_response());
                }
                // The portal asks for one thing at a time: the first offer, unless another was begun.
                let (factor, prompt) = match next.begun {
                    Some((factor, prompt)) => (factor, Some(prompt)),
                    None => match first(guest, &next).await? {
                        First::Begun(begun) => {
                            step = begun;
                            continue;
                        }
                        First::Asked(factor, told) => {
                            draft.told = told;
                            (factor, None)
                        }
                        First::Nothing if way == Way::Recover && next.delay.is_some() => {
                            (draft.offers, draft.factor, draft.choosing) = (Vec::new(), None, false);
                            guest.keep(way, draft);
                            return Ok(Redirect::to(forgot::WAIT).into_response());
                        }
                        // One that was stopped a while ago does not even wait; asked, the library says so.
                        First::Nothing if way == Way::Recover => {
                            step = guest.visit.wait(&next.flow).await?;
                            continue;
                        }
                        First::Nothing => return Ok(Redirect::to(way.start()).into_response()),
                    },
                };
                draft.offers = next.offers;
                draft.ask(factor, prompt);
                if draft.confirms {
                    // In full, as it was typed: a typing error is found by who waits for its code.
                    draft.sent_to.clone_from(&draft.identifier);
                }
                let page = if draft.choosing { draft.page_to_choose(way) } else { way.step() };
                guest.keep(way, draft);
                return Ok(Redirect::to(page).into_response());
            }
            Step::Refused(why) => {
                // A flow that is over is begun again on its first page.
                let over = matches!(
                    why.code,
                    Code::NoFlow
                        | Code::Stale
                        | Code::NotOffered
                        | Code::Taken
                        | Code::RecoveryStopped
                        | Code::Unusual
                );
                let back = if over { way.start() } else { back };
                if over {
                    draft = Draft {
                        next: draft.next,
                        identifier: draft.identifier,
                        lost: draft.lost,
                        ..Draft::default()
                    };
                }
                draft.told = Some(guest.told(*why));
                guest.keep(way, draft);
                return Ok(Redirect::to(back).into_response());
            }
        }
    }
}

/// What is asked for first.
enum First {
    Begun(Step),
    /// Nothing is begun: with why, where that was the fault of all of them.
    Asked(FactorName, Option<Told>),
    Nothing,
}

// Where no message goes now (too many were asked for, be it by a stranger, or none goes there) the next way is as good:
// a page that stood still would hide it.
async fn first(guest: &Guest, next: &Next) -> Result<First, Failure> {
    let mut told = None;
    for offer in &next.offers {
        if !begins(offer) {
            return Ok(First::Asked(offer.factor.clone(), None));
        }
        match guest.visit.begin(&next.flow, &offer.factor).await? {
            Step::Refused(why) if matches!(why.code, Code::TooSoon | Code::Barred) => {
                told = told.or_else(|| Some(guest.told(*why)));
            }
            step => return Ok(First::Begun(step)),
        }
    }
    let all = next.offers.first().map(|offer| First::Asked(offer.factor.clone(), told));
    Ok(all.unwrap_or(First::Nothing))
}

/// What comes after the end of a flow has failed. The session has another token by then: whoever is not given it is signed
/// out.
pub fn failed(guest: &Guest, done: &Done, failure: Failure) -> Response {
    (guest.signed_in(done), failure).into_response()
}

/// Whether there is nothing to answer before it was begun: a message has to be sent, or a new secret to be drawn.
pub fn begins(offer: &Offer) -> bool {
    match Ask::of(&offer.factor) {
        Some(Ask::Password) => false,
        Some(ask) => offer.enrols || ask.begins(),
        None => true,
    }
}

/// What is wrong, beside the field it belongs to.
pub fn problems(
    guest: &Guest,
    told: Option<&Told>,
    field: impl Fn(&Refusal) -> &'static str,
) -> Vec<Problem> {
    let Some(told) = told else { return Vec::new() };
    let (why, until) = guest.left(told);
    let field = field(&why);
    if why.code == Code::Unfit {
        let rules = why.rules.iter().map(|rule| guest.t.broken_rule(rule));
        return rules.map(|text| Problem { field, text }).collect();
    }
    vec![Problem { field, text: guest.t.refusal(&why, until.as_deref(), field) }]
}
