//! The front page.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};

use crate::app::Failure;
use crate::guest::Guest;
use crate::view::Frame;

#[derive(Debug, Template)]
#[template(path = "welcome.html", config = "examples/cabinet/askama.toml")]
struct Welcome {
    frame: Frame,
}

pub async fn show(guest: Guest) -> Result<Response, Failure> {
    if guest.session.is_some() {
        return Ok(Redirect::to("/home").into_response());
    }
    Ok(guest.page(&Welcome { frame: guest.frame("/", guest.t.welcome)? }))
}
