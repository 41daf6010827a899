//! The language switch. It posts, like everything that changes something, and comes back to the page it stood on.

use axum::response::{IntoResponse, Redirect, Response};
use propusk::axum::{FormFields, TokenForm};
use serde::Deserialize;

use crate::guest;

#[derive(Debug, Deserialize)]
pub struct Switch {
    to: String,
    #[serde(default)]
    next: String,
}

impl FormFields for Switch {
    const PURPOSE: &'static str = "language";
}

pub async fn switch(TokenForm(form): TokenForm<Switch>) -> Response {
    let target = guest::local_target(&form.next).unwrap_or_else(|| String::from("/"));
    (guest::remember_language(&form.to), Redirect::to(&target)).into_response()
}
