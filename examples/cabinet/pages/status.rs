//! The state of the portal: a page for people, and two addresses for machines.
//!
//! `/health/live` says that the program runs: who restarts it asks this. `/health` says that it can be used: who sends
//! it visitors asks this. A store that is down makes the second say 503, and no restart would help it.

use askama::Template;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::dates::{Moment, moment};
use crate::guest::{self, Guest};
use crate::texts::Texts;
use crate::view::{Frame, page};

#[derive(Debug, Template)]
#[template(path = "status.html", config = "examples/cabinet/askama.toml")]
struct Page {
    frame: Frame,
    works: bool,
    at: Moment,
}

/// For people. Made to work when nothing else does: who asks is only looked up when the store answers.
pub async fn show(State(app): State<App>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let t = Texts::of(guest::locale(&parts.headers));
    let look = app.pulse.look(&app.auth).await;
    let at = moment(look.at, t.locale);
    if look.works
        && let Ok(guest) = Guest::from_request_parts(&mut parts, &app).await
        && let Ok(frame) = guest.frame("/status", t.portal.status_good)
    {
        return guest.page(&Page { frame: frame.narrow(), works: true, at });
    }
    let frame = Frame::bare(t, t.portal.status_bad);
    let response = page(StatusCode::SERVICE_UNAVAILABLE, &Page { frame, works: false, at });
    ([(RETRY_AFTER, "60")], response).into_response()
}

/// For who sends visitors.
pub async fn health(State(app): State<App>) -> Response {
    match app.pulse.look(&app.auth).await.works {
        true => json(StatusCode::OK, r#"{"status":"ok"}"#),
        false => {
            ([(RETRY_AFTER, "10")], json(StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"unavailable"}"#))
                .into_response()
        }
    }
}

/// For who restarts it.
pub async fn live() -> Response {
    json(StatusCode::OK, r#"{"status":"ok"}"#)
}

fn json(status: StatusCode, text: &'static str) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], text).into_response()
}
