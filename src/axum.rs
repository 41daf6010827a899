//! JSON routes, extractors, cookies and form tokens for axum.
//!
//! [`router`] gives the routes; [`AuthHttp`] in an application's state gives its own handlers the extractors
//! [`Visitor`], [`Signed`], [`MaybeSigned`], [`Require`], [`ClientInfo`] and [`TokenForm`]. Serve with
//! `into_make_service_with_connect_info::<SocketAddr>()`: the network throttle needs the peer's address.
//!
//! Nothing leaves until somebody tends: the routes only write messages down. Keep what [`tend`] gives for as long as
//! the server runs, or call [`Auth::tend`](crate::Auth::tend) yourself.
//!
//! # An application's own handlers
//!
//! ```
//! use std::time::Duration;
//!
//! use axum::Router;
//! use axum::response::{Html, IntoResponse, Redirect, Response};
//! use axum::routing::{get, post};
//! use propusk::axum::{Asks, AuthHttp, FormFields, Problem, Require, Signed, TokenForm, Visitor};
//! use propusk::policy::Requirement;
//! use serde::Deserialize;
//!
//! /// Whoever is signed in; others get a problem with status 401.
//! async fn home(Signed(session): Signed) -> String {
//!     format!("You are {}", session.account())
//! }
//!
//! /// Two factors, one of them proven in the last five minutes; who lacks that is told what to prove (RFC 9470).
//! struct Records;
//! impl Asks for Records {
//!     const ASKS: Requirement = Requirement::two_factors().within(Duration::from_secs(300));
//! }
//! async fn records(door: Require<Records>) -> String {
//!     format!("The records of {}", door.session().account())
//! }
//!
//! /// A page with a form, and what takes the form.
//! #[derive(Deserialize)]
//! struct Leave {}
//! impl FormFields for Leave {
//!     const PURPOSE: &'static str = "leave";
//! }
//! async fn page(visitor: Visitor) -> Result<Response, Problem> {
//!     let token = visitor.form_token::<Leave>()?;
//!     let form = format!(r#"<form method="post"><button name="form_token" value="{token}">Leave</button></form>"#);
//!     Ok((visitor.cookies(), Html(form)).into_response())
//! }
//! async fn leave(visitor: Visitor, TokenForm(Leave {}): TokenForm<Leave>) -> Result<Response, Problem> {
//!     if let Some(token) = visitor.token() {
//!         visitor.visit().sign_out(token).await.map_err(|broken| visitor.broken(&broken))?;
//!     }
//!     Ok((visitor.signed_out(), Redirect::to("/")).into_response())
//! }
//!
//! fn app(http: AuthHttp) -> Router {
//!     let own = Router::new().route("/", get(home)).route("/records", get(records)).route("/leave", get(page).post(leave));
//!     own.with_state(http.clone()).merge(http.router())
//! }
//! # let site = propusk::Site::new("Portal", "https://portal.example");
//! # let store = propusk::MemoryStore::default();
//! # let auth = propusk::Auth::builder(propusk::Profile::nist_aal1(), store, propusk::KeyRing::random());
//! # let auth = auth.site(site).factor(propusk::Password::default()).build()?;
//! # let _ = app(AuthHttp::new(auth)?);
//! # Ok::<(), propusk::error::Broken>(())
//! ```
//!
//! # Routes
//!
//! All under `/auth`. A flow is named by its token in the body, and bound to its browser.
//!
//! | method | path | asks for | what for |
//! |---|---|---|---|
//! | POST | `/sign-up` | | begins a registration: one message to the contact |
//! | POST | `/sign-in` | | begins a sign-in, by a name or without; takes the first answer with it |
//! | POST | `/recover` | | begins a recovery: one message to the contact |
//! | POST | `/recover/wait` | a flow | lets a recovery wait that has no second confirmation |
//! | GET | `/recover` | a session | the recoveries that wait |
//! | DELETE | `/recover` | a session | stops all of them |
//! | GET | `/puzzle` | | a puzzle to solve before one of the three |
//! | POST | `/flow/begin` | a flow | begins the challenge of a factor, or begins it again |
//! | POST | `/flow/answer` | a flow | answers one of the offers |
//! | POST | `/flow/reopen` | a flow | ends a sign-in to an account that is being closed: opens it again |
//! | GET | `/return` | the address of a link | for the page that it opens ([`Link::at`](crate::Link::at)): who asks there; changes nothing |
//! | POST | `/return` | the address of a link | answers there |
//! | GET | `/objection` | a link in a notice | what it does; changes nothing |
//! | POST | `/objection` | a link in a notice | does it |
//! | POST | `/token` | a refresh token | a program's next token |
//! | GET | `/session` | a session | it |
//! | DELETE | `/session` | | signs out |
//! | GET | `/sessions` | a session | the account's sessions |
//! | DELETE | `/sessions` | a session | ends all others |
//! | DELETE | `/sessions/{id}` | a session | ends one |
//! | GET | `/accounts` | | the accounts that are signed in in this browser |
//! | POST | `/accounts` | | goes on in another of them |
//! | DELETE | `/accounts` | | signs out of all of them |
//! | DELETE | `/accounts/{id}` | | signs out of one of them, by the id of its session |
//! | GET | `/factors` | a session | the account's credentials, and the factors that it can add |
//! | PUT | `/factors/{id}` | a session | names a credential |
//! | DELETE | `/factors/{id}` | a session | begins to take a credential away |
//! | POST | `/enrol` | a session | begins to add a credential |
//! | POST | `/change` | a session | begins to replace a credential |
//! | GET | `/contacts` | a session | where the account's messages go |
//! | POST | `/contacts` | a session | begins to add a contact, or to put it in the place of another |
//! | DELETE | `/contacts/{id}` | a session | begins to take a contact away |
//! | POST | `/contacts/{id}/main` | a session | begins to make a contact the main one of its kind |
//! | POST | `/step-up` | a session | begins to prove what a problem `step_up` asked for |
//! | POST | `/approvals` | a session | tells who asks on another device, and answers it |
//! | GET | `/history` | a session | the account's history, in pages |
//! | GET | `/messages` | a session | what the owner was told, in pages |
//! | GET | `/preferences` | a session | what the owner is told of by which channel |
//! | PUT | `/preferences` | a session | switches channels on and off |
//! | GET | `/export` | a session | all that is kept of the owner |
//! | POST | `/lock` | a session | locks the account, as its owner or because "this was not me" |
//! | POST | `/close` | a session | begins to close the account; asked again when that is proven, closes it |
//! | GET | `/openapi.json` | | the description of these routes, with bodies and replies (feature `openapi`) |
//!
//! # Who may ask
//!
//! A request with an unsafe method must show that no other site made a browser send it, in one of two ways:
//!
//! | | Origin | Sec-Fetch-Site | our cookies | header |
//! |---|---|---|---|---|
//! | browser | the site's, to the letter | `same-origin` or missing | any | |
//! | program | missing | missing | none | `Authorization: Bearer` or `Propusk-Binding` |
//!
//! So must the beginning of a WebSocket. Anything else is refused with `origin`, before its body is read. A page with a form must not send
//! `Referrer-Policy: no-referrer`: browsers then post with `Origin: null`.
//!
//! The library's routes look for themselves, and so do [`Signed`], [`MaybeSigned`], [`Visitor`], [`Require`] and
//! [`AuthHttp::require`] in an application's own handlers: none of them lends a session to another site. Take
//! [`TokenForm`] for forms, and [`SameOrigin`] in handlers of scripts, which looks at the account of their page
//! ([several accounts](#several-accounts)), too. [`ClientInfo`] says who asks and looks at nothing. Change nothing in a GET.
//!
//! # What a client holds
//!
//! A browser holds cookies, a program holds the same secrets as headers. No cookie carries data.
//!
//! | cookie | header | what | for how long |
//! |---|---|---|---|
//! | `__Host-propusk` | `Authorization: Bearer` | the session's token | the session's absolute limit; "not my device": the browser's life |
//! | `__Host-propusk-beside` | | up to four tokens of sessions of other accounts, joined by `.`, the last used first | the longest of theirs; the browser's life when one of them is "not my device" |
//! | `__Host-propusk-flow` | `Propusk-Binding` | binds flows and form tokens to their browser | the browser's life |
//! | | in the body of `POST /auth/token` | a refresh token, for a program that begins with `refresh`: good once | the session's absolute limit |
//! | `__Host-propusk-browser` | | up to five tokens of known browsers, joined by `.`, newest first | [`browser_life`](crate::policy::Profile::browser_life) |
//!
//! All are Secure, HttpOnly, SameSite=Lax, Path=/. Two cookies of one name with different values: neither is
//! believed, since one of them was tossed in and nobody can tell which. `Authorization` wins over the session
//! cookie. A program that starts a flow with `Propusk-Binding: new` finds the secret in the reply as `binding`, and
//! the session's token as `token`; a browser never sees either in JSON. One that begins with `"refresh": true` also finds
//! `refresh_token` and `expires_in`, the seconds after which `token` is over. `POST /auth/token {"refresh_token"}`
//! gives the next of both in the words of RFC 6749: `access_token`, which is the session's token, `token_type`
//! (`Bearer`), `expires_in` and `refresh_token`. A reply that was lost is asked for again at once; a refresh token that
//! is used later than that is taken for a copy, and the session ends (`refresh_reused`). Every other reply with a
//! `token` has the refresh token that belongs to it.
//!
//! What one account's pages cached and stored is cleared (`Clear-Site-Data`) at a sign-out, at a switch, and at a sign-in
//! where another account was signed in until then: whose session it was that ran out before is not known any more.
//!
//! # Several accounts
//!
//! With [`HttpBuilder::accounts`] a sign-in to another account adds it, and the one before stays signed in beside it, as
//! Google and Yandex do. `GET /auth/accounts` tells which there are, `POST /auth/accounts {"session"}` goes on in another
//! (its session gets a new token), `DELETE /auth/accounts/{id}` signs out of one, `DELETE /auth/accounts` of all;
//! `DELETE /auth/session` of the one in use. What a browser held and holds no more is a number, `ended`, and no name: who
//! finds the browser later is not told who was here, nor whether a session was revoked, its account locked, or its time
//! over.
//!
//! A page of one account that is still open after a switch must do nothing in the name of the other. A form of the
//! application's own is refused, since its token is bound to its session ([`TokenForm`]). A script names the account that
//! its page is of, as the `account` of its session, in the header `Propusk-Account`: where it is another's turn now, the
//! request is refused with `other_account`. A browser that holds several must send it with whatever changes something in
//! a session; with other requests it may, and [`SameOrigin`] asks the same of an application's own handlers. Flows go on
//! in the session that they began in, and nowhere else.
//!
//! # Refusals
//!
//! Problem documents (RFC 9457) with a stable `code`, the text in the caller's language as `detail`, and where there
//! are any `retry_after` in seconds and the broken `rules`.
//!
//! | status | code |
//! |---|---|
//! | 400 | `malformed` (no JSON of the expected form) |
//! | 401 | `no_session`, `refresh_reused`, `step_up` |
//! | 403 | `origin`, `form_token`, `wrong`, `expired`, `used_up`, `denied`, `spent`, `out_of_reach`, `level`, `locked`, `recovery_stopped`, `unusual`, `human_needed`, `human_wrong` |
//! | 404, 405, 408 | `not_found`, `method`, `timed_out` |
//! | 409 | `replayed`, `not_begun`, `not_offered`, `stale`, `barred`, `due`, `taken`, `last_factor`, `untold`, `recovery_waits`, `waiting`, `mailbox`, `other_account` |
//! | 410 | `no_flow`, `link` |
//! | 413, 415 | `too_large`, `media_type` |
//! | 422 | `malformed_answer` and the codes of identifiers, `contact_kind`, `name`, `birth_date`, `terms`, `transaction`, `unfit` |
//! | 429 | `held`, `throttled`, `too_soon` |
//! | 500 | `broken`, `misconfigured` |
//! | 503 | `busy`, `unavailable` |
//!
//! `human_needed` means: `GET /auth/puzzle?for=sign-up` (or `sign-in`, `recover`), solve what it poses, and send the answer as `human`.
//! Without scripts, `&way=wait` gives a ticket that is its own answer after some seconds.
//!
//! The status follows from the code alone, and the code never tells whether a name is known.
//!
//! # What a client is asked to prove
//!
//! A problem `step_up` has `acr_values` and `max_age`, also as the challenge in `WWW-Authenticate` (RFC 9470): what to prove,
//! as `POST /auth/step-up` takes it. They say all that a [`Requirement`](crate::policy::Requirement) asks of proofs.
//!
//! | word of `acr_values` | means |
//! |---|---|
//! | `aal1`, `aal2`, `aal3` | at least this assurance level |
//! | `mfa` | two kinds of factor, an e-mail code among them if need be |
//! | `phr` | one that resists phishing |
//! | `uv` | one whose device verified its user; with `phr`, the same one |
//!
//! **All** words are asked for together, in any order. RFC 9470 has them as alternatives, the one that is liked best first: a
//! client that takes the first word for enough proves too little and is asked again. Without words, `max_age` asks for any
//! one proof that is no older.

mod accounts;
mod body;
mod caller;
mod cookies;
mod csrf;
mod download;
mod extract;
mod form;
mod json;
#[cfg(feature = "openapi")]
mod openapi;
mod problem;
mod proxies;
mod require;
mod return_to;
mod routes;
mod tasks;

use std::fmt::{self, Debug};
use std::sync::Arc;

use ::axum::Router;

use crate::auth::Auth;
use crate::danger;
use crate::error::Broken;

pub use accounts::{AccountHere, AccountsHere};
pub use cookies::SetCookies;
pub use csrf::SameOrigin;
pub use extract::{ClientInfo, MaybeSigned, Signed, Visitor};
pub use form::{FormFields, TokenForm};
pub use problem::Problem;
pub use proxies::TrustedProxies;
pub use require::{Asks, Require};
pub use return_to::ReturnTo;
pub use tasks::{Tending, TokioSleep, tend, to_end};

/// The JSON routes under `/auth`, with default settings: [`AuthHttp::new`] and [`AuthHttp::router`].
///
/// # Errors
/// As [`HttpBuilder::build`].
pub fn router(auth: Auth) -> Result<Router, Broken> {
    Ok(AuthHttp::new(auth)?.router())
}

/// An [`Auth`] with its HTTP settings. Cheap to clone; part of an application's state.
#[derive(Clone)]
pub struct AuthHttp(Arc<Http>);

pub(crate) struct Http {
    auth: Auth,
    proxies: TrustedProxies,
    names: &'static cookies::Names,
    accounts: usize,
    needs_address: bool,
    on_broken: Box<dyn Fn(&Broken) + Send + Sync>,
    #[cfg(feature = "openapi")]
    openapi: openapi::Document,
}

impl AuthHttp {
    /// With default settings: no trusted proxy, secure cookies.
    ///
    /// # Errors
    /// As [`HttpBuilder::build`].
    pub fn new(auth: Auth) -> Result<Self, Broken> {
        Self::builder(auth).build()
    }

    /// Begins to build.
    pub fn builder(auth: Auth) -> HttpBuilder {
        HttpBuilder {
            auth,
            proxies: TrustedProxies::none(),
            danger: danger::Http::default(),
            accounts: 1,
            on_broken: Box::new(print_to_stderr),
        }
    }

    /// What it serves.
    pub fn auth(&self) -> &Auth {
        &self.0.auth
    }

    /// The JSON routes under `/auth`, to be served or merged into an application's own.
    pub fn router(&self) -> Router {
        routes::router(self)
    }

    /// The description of these routes, as `/auth/openapi.json` serves it: OpenAPI 3.1, with the schemas of the factors
    /// that the builder was given.
    #[cfg(feature = "openapi")]
    pub fn openapi(&self) -> &str {
        self.0.openapi.text(&self.0.auth, self.0.names)
    }

    pub(crate) fn names(&self) -> &'static cookies::Names {
        self.0.names
    }

    pub(crate) fn origin(&self) -> &str {
        &self.0.auth.site().origin
    }
}

impl Debug for AuthHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthHttp").field("auth", &self.0.auth).finish_non_exhaustive()
    }
}

/// Builds an [`AuthHttp`].
#[must_use]
pub struct HttpBuilder {
    auth: Auth,
    proxies: TrustedProxies,
    danger: danger::Http,
    accounts: usize,
    on_broken: Box<dyn Fn(&Broken) + Send + Sync>,
}

impl HttpBuilder {
    /// The proxies in front, whose word on the client's address is taken. The default is none.
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// How many accounts may be signed in at a time in one browser, one of them in use; five at the most. The default is
    /// one: a sign-in ends the session before it. With more, the application shows which there are and lets a person
    /// switch ([several accounts](self#several-accounts)): one that does not leaves people signed in whom nobody sees.
    pub fn accounts(mut self, most: usize) -> Self {
        self.accounts = most.clamp(1, crate::flow::MOST_ACCOUNTS);
        self
    }

    /// Weaker settings, see [`danger::Http`].
    pub fn danger(mut self, danger: danger::Http) -> Self {
        self.danger = danger;
        self
    }

    /// Called with what breaks: the client is told nothing of it. The default prints it to stderr.
    pub fn on_broken(mut self, report: impl Fn(&Broken) + Send + Sync + 'static) -> Self {
        self.on_broken = Box::new(report);
        self
    }

    /// The finished value.
    ///
    /// # Errors
    /// [`Broken::Misuse`] when the site's origin is missing, not as browsers write it, or plain http elsewhere than on
    /// `http://localhost[:port]`, and when a factor describes itself by what is no JSON (feature `openapi`).
    pub fn build(self) -> Result<AuthHttp, Broken> {
        let origin = &self.auth.site().origin;
        let local = origin
            .strip_prefix("http://localhost")
            .is_some_and(|rest| rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port));
        let default_port = match origin.starts_with("https:") {
            true => ":443",
            false => ":80",
        };
        if origin.is_empty() {
            return Err(Broken::Misuse("the HTTP routes need .site(Site::new(name, origin))"));
        }
        // Browsers send an origin in lower case and without a default port; another spelling would refuse everybody.
        if origin.chars().any(|c| c.is_ascii_uppercase()) || origin.ends_with(default_port) {
            return Err(Broken::Misuse("write the site's origin in lower case, without the default port"));
        }
        if !origin.starts_with("https://") && !local {
            return Err(Broken::Misuse("the site's origin is https, or http://localhost for development"));
        }
        let names = match (self.danger.insecure_cookies, local) {
            (false, _) => &cookies::SECURE,
            (true, true) => &cookies::INSECURE,
            (true, false) => {
                return Err(Broken::Misuse("insecure cookies are for a site at http://localhost only"));
            }
        };
        Ok(AuthHttp(Arc::new(Http {
            #[cfg(feature = "openapi")]
            openapi: openapi::Document::of(&self.auth)?,
            auth: self.auth,
            proxies: self.proxies,
            names,
            accounts: self.accounts,
            needs_address: !self.danger.no_peer_addresses,
            on_broken: self.on_broken,
        })))
    }
}

impl Debug for HttpBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpBuilder").field("auth", &self.auth).finish_non_exhaustive()
    }
}

fn is_port(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

// Where nobody says `on_broken`, a fault is not swallowed: the client is told nothing of it, so its operator has to be.
fn print_to_stderr(broken: &Broken) {
    let mut line = format!("propusk: {broken}");
    let mut cause = std::error::Error::source(broken);
    while let Some(error) = cause {
        line.push_str(&format!(": {error}"));
        cause = error.source();
    }
    eprintln!("{line}");
}
