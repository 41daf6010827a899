//! A client of one page and one script that talks to the JSON routes: registration, password and second step, an
//! authenticator, history, signing out. No framework, no form but what the script sends: see `single_page/client.js`.
//!
//! ```text
//! cargo run --example single_page --features axum
//! ```
//!
//! Open http://localhost:8080; codes are printed here. Any other page of a browser is refused at these routes by its
//! `Origin`, so JSON needs no token of its own; a handler of yours that changes something takes [`SameOrigin`] first.

use std::{collections::BTreeMap, error::Error, net::SocketAddr};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse};
use axum::{Router, http::header, routing::get, routing::post};
use propusk::axum::{AuthHttp, ClientInfo, Problem, SameOrigin, Signed, tend};
use propusk::event::Outcome;
use propusk::id::EventName;
use propusk::message::Sender;
use propusk::{Auth, BackupCodes, Code, KeyRing, MemoryStore, Password, Profile, Site, Totp, danger};

const ORDERED: EventName = EventName::new("shop:ordered");

pub(crate) fn auth(origin: &str, sender: impl Sender) -> Result<Auth, Box<dyn Error>> {
    let builder = Auth::builder(Profile::public_portal(), MemoryStore::default(), KeyRing::random());
    let builder = builder.site(Site::new("Single page", origin)).factor(Password::default());
    let builder = builder.factor(Totp::default()).factor(Code::email()).factor(BackupCodes::default());
    Ok(builder.sender(sender).build()?)
}

pub(crate) fn app(auth: Auth) -> Result<Router, Box<dyn Error>> {
    let http = AuthHttp::builder(auth).danger(danger::Http::insecure_cookies_on_localhost()).build()?;
    let file = |kind, text| get(async move || ([(header::CONTENT_TYPE, kind)], text));
    Ok(Router::new()
        .route("/", get(page))
        .route("/client.js", file("text/javascript", include_str!("single_page/client.js")))
        .route("/plain.css", file("text/css", include_str!("plain.css")))
        .route("/order", post(order))
        .with_state(http.clone())
        .merge(http.router()))
}

async fn page() -> impl IntoResponse {
    let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'";
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(include_str!("single_page/page.html")))
}

/// A handler of the application's own. It changes something, so it asks first that no other site's page sent this; what it
/// did stands in the person's history beside the sign-ins.
async fn order(
    _: SameOrigin,
    Signed(session): Signed,
    ClientInfo(client): ClientInfo,
    State(http): State<AuthHttp>,
) -> Result<StatusCode, Problem> {
    let done = http.auth().record(session.account(), ORDERED, Outcome::Done, &client, BTreeMap::new()).await;
    done.map_err(|broken| Problem::broken(&http, &broken, client.locale))?;
    Ok(StatusCode::NO_CONTENT)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let origin = format!("http://localhost:{port}");
    // Codes are printed: put your mail server here.
    let auth = auth(&origin, danger::print_messages())?;
    let _tending = tend(auth.clone());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("{origin}, codes are printed here");
    Ok(axum::serve(listener, app(auth)?.into_make_service_with_connect_info::<SocketAddr>()).await?)
}
