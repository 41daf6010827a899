//! The front page.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};

use crate::guest::Guest;
use crate::view::Frame;

#[derive(Debug, Template)]
#[template(path = "welcome.html", config = "examples/cabinet/askama.toml")]
struct Welcome {
    frame: Frame,
}

pub async fn show(guest: Guest) -> Response {
    if guest.session.is_some() {
        return Redirect::to("/home").into_response();
    }
    guest.page(&Welcome { frame: guest.frame("/", guest.t.welcome) })
}
