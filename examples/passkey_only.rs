//! Passkeys and nothing else: one registers with an e-mail address and a key, and signs in by touching that key, without
//! a name or a word typed. The page and its script are `passkey_only/page.html` and `passkey_only/keys.js`.
//!
//! ```text
//! cargo run --example passkey_only --features axum,passkey
//! ```
//!
//! Open http://localhost:8080 in a browser and register; the code that confirms the address is printed here. Add a second
//! key then: a person whose only device is lost has lost the account.

use std::{error::Error, net::SocketAddr};

use axum::response::{Html, IntoResponse};
use axum::{Router, http::header, routing::get};
use propusk::account::identifier::IdentifierKind;
use propusk::axum::{AuthHttp, tend};
use propusk::factor::passkey::UserVerification;
use propusk::message::Sender;
use propusk::proof::{Channel, Proves};
use propusk::{Auth, Code, KeyRing, MemoryStore, Passkey, Profile, Site, danger};

pub(crate) fn auth(origin: &str, sender: impl Sender) -> Result<Auth, Box<dyn Error>> {
    // A key that verifies its user is two factors in one: AAL2.
    let mut profile = Profile::nist_aal2();
    profile.sign_up_contacts = &[IdentifierKind::Email];
    profile.sign_up_enrols = Proves::by(Channel::Device).possession().phishing_resistant().user_verified();
    let mut passkey = Passkey::default();
    // There is no password beside it: the device asks for its PIN or a finger each time, and finds the key by itself.
    passkey.user_verification = UserVerification::Always;
    passkey.discoverable = true;
    let builder = Auth::builder(profile, MemoryStore::default(), KeyRing::random());
    let builder = builder.site(Site::new("Passkeys", origin)).factor(passkey).factor(Code::email());
    Ok(builder.sender(sender).build()?)
}

pub(crate) fn app(auth: Auth) -> Result<Router, Box<dyn Error>> {
    let http = AuthHttp::builder(auth).danger(danger::Http::insecure_cookies_on_localhost()).build()?;
    let file = |kind, text| get(async move || ([(header::CONTENT_TYPE, kind)], text));
    Ok(Router::new()
        .route("/", get(page))
        .route("/keys.js", file("text/javascript", include_str!("passkey_only/keys.js")))
        .route("/plain.css", file("text/css", include_str!("plain.css")))
        .merge(http.router()))
}

async fn page() -> impl IntoResponse {
    let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'";
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(include_str!("passkey_only/page.html")))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Keys are bound to the host of this origin, so it is `localhost`: an address has no keys.
    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let origin = format!("http://localhost:{port}");
    // Codes are printed: put your mail server here.
    let auth = auth(&origin, danger::print_messages())?;
    let _tending = tend(auth.clone());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("{origin}, codes are printed here");
    Ok(axum::serve(listener, app(auth)?.into_make_service_with_connect_info::<SocketAddr>()).await?)
}
