//! Password, then a code from an authenticator application, and sessions, in one SQLite file: what an application adds
//! for that. Registration, enrolment and the rest are JSON routes under `/auth`.
//!
//! ```text
//! cargo run --example second_factor --features sqlite,axum
//! curl -i localhost:8080                         # 401: a problem document that says what to do
//! ```

use std::{error::Error, net::SocketAddr, path::Path};

use axum::{Router, routing::get};
use propusk::axum::{AuthHttp, Signed, tend};
use propusk::message::Sender;
use propusk::secret::{FileKeys, KeySource};
use propusk::store::sqlite::SqliteStore;
use propusk::{Auth, Code, Password, Profile, Site, Totp, danger};

async fn hello(Signed(session): Signed) -> String {
    format!("You are {}, by {}", session.account(), session.amr().join(" "))
}

/// The keys and the accounts lie in this folder.
pub(crate) fn auth(folder: &Path, sender: impl Sender) -> Result<Auth, Box<dyn Error>> {
    let keys = FileKeys::at(folder.join("propusk.keys"));
    keys.create()?;
    let store = SqliteStore::open(folder.join("propusk.db"))?;
    let builder = Auth::builder(Profile::public_portal(), store, keys.load()?);
    let builder = builder.site(Site::new("Second factor", "http://localhost:8080"));
    let builder = builder.factor(Password::default()).factor(Totp::default()).factor(Code::email());
    Ok(builder.sender(sender).build()?)
}

pub(crate) fn app(auth: Auth) -> Result<Router, Box<dyn Error>> {
    let http = AuthHttp::builder(auth).danger(danger::Http::insecure_cookies_on_localhost()).build()?;
    Ok(Router::new().route("/", get(hello)).with_state(http.clone()).merge(http.router()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Codes are printed: put your mail server here.
    let auth = auth(Path::new("."), danger::print_messages())?;
    let _tending = tend(auth.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    Ok(axum::serve(listener, app(auth)?.into_make_service_with_connect_info::<SocketAddr>()).await?)
}
