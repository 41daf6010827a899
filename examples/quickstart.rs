//! An application with sign-in, in about thirty lines of its own: registration, sessions and the rest are JSON routes
//! under `/auth`, and a handler that asks for a session gets one.
//!
//! ```text
//! cargo run --example quickstart --features axum
//! curl -i localhost:8080                         # 401: a problem document that says what to do
//! ask() { curl -b jar -c jar -H origin:http://localhost:8080 -H content-type:application/json "localhost:8080$@"; }
//! ask /auth/sign-up -d '{"contact":"ivan@example.org","name":"Ivan","terms":"1"}'    # FLOW, and a code is printed
//! ask /auth/flow/answer -d '{"flow":"FLOW","factor":"email-code","answer":{"code":"CODE"}}'
//! ask /auth/flow/answer -d '{"flow":"FLOW","factor":"password","answer":{"password":"a horse, a battery"}}'
//! ask /                                                                        # You are ..
//! ```

use std::error::Error;
use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use propusk::axum::{AuthHttp, Signed, tend};
use propusk::error::Broken;
use propusk::{Auth, Code, KeyRing, MemoryStore, Password, Profile, Site, danger};

async fn hello(Signed(session): Signed) -> String {
    format!("You are {}", session.account())
}

pub(crate) fn auth() -> Result<Auth, Broken> {
    Auth::builder(Profile::nist_aal1(), MemoryStore::default(), KeyRing::random())
        .site(Site::new("Quickstart", "http://localhost:8080"))
        .factor(Password::default())
        .factor(Code::email())
        // Codes are printed: put your mail server here.
        .sender(danger::print_messages())
        .build()
}

pub(crate) fn app(auth: Auth) -> Result<Router, Broken> {
    let http = AuthHttp::builder(auth).danger(danger::Http::insecure_cookies_on_localhost()).build()?;
    Ok(Router::new().route("/", get(hello)).with_state(http.clone()).merge(http.router()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let auth = auth()?;
    let _tending = tend(auth.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    println!("http://localhost:8080, codes are printed here");
    Ok(axum::serve(listener, app(auth)?.into_make_service_with_connect_info::<SocketAddr>()).await?)
}
