//! The application: what every handler can reach, its routes, and what is true of all its responses.

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRef, Request};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderValue, REFERRER_POLICY,
    RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use propusk::Auth;
use propusk::axum::{AuthHttp, Problem, to_end};
use propusk::error::Broken;

use crate::drafts::Drafts;
use crate::guest;
use crate::outbox::Outbox;
use crate::pages::{
    accounts, browsers, close, contacts, desk, due, enrol, fine, forgot, history, home, key, language, link,
    lock, messages, new_password, objection, outbox, password, preferences, profile, recovery, remove,
    security, services, sessions, sign_in, sign_up, status, step, welcome, wizard,
};
use crate::services::Services;
use crate::status::Pulse;
use crate::texts::Texts;
use crate::view::{Frame, Notice, page};

/// What every handler can reach. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    pub auth: Auth,
    pub http: AuthHttp,
    pub outbox: Outbox,
    pub drafts: Drafts,
    pub services: Services,
    pub pulse: Pulse,
}

// Where the library's extractors find it.
impl FromRef<App> for AuthHttp {
    fn from_ref(app: &App) -> Self {
        app.http.clone()
    }
}

/// The routes.
pub fn router(app: App) -> Router {
    let pages = Router::new()
        .route("/", get(welcome::show))
        .route("/sign-up", get(sign_up::show).post(sign_up::begin))
        .route("/sign-up/password", get(sign_up::show_choice).post(sign_up::choose))
        .route("/sign-in", get(sign_in::show).post(sign_in::begin))
        .route("/sign-in/password", get(due::show).post(due::replace))
        .route("/sign-in/add", get(enrol::show_choice).post(enrol::choose))
        .route("/sign-in/new", get(enrol::show_at_sign_in).post(enrol::confirm_at_sign_in))
        .route("/sign-in/new/codes.txt", get(enrol::codes_at_sign_in))
        .route("/sign-in/key", post(key::sign_in))
        .route("/sign-in/key/options", post(key::options))
        .route("/link", get(link::show).post(link::answer))
        .route("/link/done", get(link::done))
        .route("/link/denied", get(link::denied))
        .route("/forgot", get(forgot::show).post(forgot::begin))
        .route("/forgot/wait", get(forgot::show_wait).post(forgot::wait))
        .route("/forgot/password", get(forgot::show_choice).post(forgot::choose))
        .route("/objection", get(objection::show).post(objection::object))
        .route("/objection/stopped", get(objection::stopped))
        .route("/objection/undone", get(objection::undone))
        .route("/objection/locked", get(objection::locked))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/accounts", get(accounts::show))
        .route("/accounts/switch", post(accounts::switch))
        .route("/accounts/sign-out", post(accounts::sign_out))
        .route("/accounts/sign-out-all", post(accounts::sign_out_all))
        .route("/home", get(home::show))
        .route("/home/quiet", post(home::quiet))
        .route("/profile", get(profile::show))
        .route("/services", get(services::show))
        .route("/services/application", get(services::show_application).post(services::file))
        .route("/services/fine", get(fine::show).post(fine::pay))
        .route("/services/record", get(services::show_record).post(services::order))
        .route("/desk", get(desk::show).post(desk::checked))
        .route("/sessions", get(sessions::show))
        .route("/sessions/end", post(sessions::end))
        .route("/sessions/end-others", post(sessions::end_others))
        .route("/history", get(history::show))
        .route("/lock", get(lock::show).post(lock::lock))
        .route("/locked", get(lock::locked))
        .route("/close", get(close::show).post(close::close))
        .route("/closed", get(close::closed))
        .route("/export.json", get(close::export))
        .route("/sign-in/reopen", get(close::show_reopen).post(close::reopen))
        .route("/history.csv", get(history::csv::export))
        .route("/password", get(password::show).post(password::change))
        .route("/password/check", post(new_password::check))
        .route("/password/suggestion", get(new_password::suggest))
        .route("/security", get(security::show))
        .route("/security/add", post(enrol::add))
        .route("/security/new", get(enrol::show).post(enrol::confirm))
        .route("/security/new/codes.txt", get(enrol::codes))
        .route("/security/name", get(wizard::show_name).post(wizard::name))
        .route("/security/done", get(wizard::show_done))
        .route("/security/remove", get(remove::show).post(remove::remove))
        .route("/security/browsers/forget", post(browsers::forget))
        .route("/contacts", get(contacts::show))
        .route("/contacts/new", get(contacts::show_new).post(contacts::add))
        .route("/contacts/main", get(contacts::show_preference).post(contacts::prefer))
        .route("/contacts/remove", get(contacts::show_removal).post(contacts::remove))
        .route("/messages", get(messages::show))
        .route("/preferences", get(preferences::show).post(preferences::set))
        .route("/recovery/stop", post(recovery::stop))
        .route("/status", get(status::show))
        .route("/outbox", get(outbox::show))
        .route("/language", post(language::switch))
        // Every proof that is asked for, whatever for.
        .merge(step::routes())
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(DefaultBodyLimit::max(MOST_BODY))
        .layer(middleware::from_fn(errors_as_pages))
        // For machines, which read a status and no page.
        .route("/health", get(status::health))
        .route("/health/live", get(status::live))
        .with_state(app)
        // A step runs to its end when the browser hangs up: else a code could be used up and no session handed out.
        .layer(middleware::from_fn(to_end));
    let serve =
        |router: Router, (path, kind, text): Asset| router.route(path, get(move || asset(kind, text)));
    ASSETS.into_iter().fold(pages, serve).layer(middleware::from_fn(harden))
}

/// A handler does not go on: something does not work, which the person is told on a page without details, or they are led
/// elsewhere.
#[derive(Debug)]
pub struct Failure(Box<Response>);

impl From<Broken> for Failure {
    fn from(broken: Broken) -> Self {
        eprintln!("cabinet: {broken}");
        Self(Box::new(StatusCode::SERVICE_UNAVAILABLE.into_response()))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        eprintln!("cabinet: {error}");
        Self(Box::new(StatusCode::SERVICE_UNAVAILABLE.into_response()))
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem.into_response()))
    }
}

impl From<Redirect> for Failure {
    fn from(elsewhere: Redirect) -> Self {
        Self(Box::new(elsewhere.into_response()))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// Refusals of the framework and of the library's own extractors become pages in the reader's language.
async fn errors_as_pages(request: Request, next: Next) -> Response {
    let locale = guest::locale(request.headers());
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || is_html(response.headers()) {
        return response;
    }
    let t = Texts::of(locale);
    let (title, lead) = match status {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => (t.not_found, t.not_found_lead),
        _ if status.is_server_error() => (t.broken, t.broken_lead),
        _ => (t.form_refused, t.form_refused_lead),
    };
    let mut told = page(status, &Notice { frame: Frame::bare(t, title), lead });
    // What a refusal says beside its text: the token of a session that was renewed among it, without which whoever was
    // refused would be signed out as well.
    let clear = HeaderName::from_static("clear-site-data");
    for name in [SET_COOKIE, RETRY_AFTER, ALLOW, WWW_AUTHENTICATE, clear] {
        let lines = response.headers().get_all(&name);
        told.headers_mut().extend(lines.iter().map(|line| (name.clone(), line.clone())));
    }
    told
}

/// Headers on everything. The policy allows sheets, pictures and scripts and workers from here, nothing inline, and forms
/// that post here; `same-origin` keeps the Origin header on forms, which the form token's check reads.
async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // A page may say less of its address, and none says more.
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    // Nothing personal stays in a cache: not in the browser of a shared computer, not in a proxy.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "public, max-age=3600")], Body::from(text)).into_response()
}

fn is_html(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

type Asset = (&'static str, &'static str, &'static str);
/// What stands beside the pages: its path, its type, itself.
pub const ASSETS: [Asset; 8] = [
    ("/style.css", "text/css; charset=utf-8", include_str!("style.css")),
    ("/typing.js", "text/javascript; charset=utf-8", include_str!("typing.js")),
    ("/passkeys.js", "text/javascript; charset=utf-8", include_str!("passkeys.js")),
    ("/human.js", "text/javascript; charset=utf-8", include_str!("human.js")),
    ("/solver.js", "text/javascript; charset=utf-8", include_str!("solver.js")),
    ("/waiting.js", "text/javascript; charset=utf-8", include_str!("waiting.js")),
    ("/print.js", "text/javascript; charset=utf-8", include_str!("print.js")),
    ("/icon.svg", "image/svg+xml", include_str!("icon.svg")),
];
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; \
                      worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const MOST_BODY: usize = 64 * 1024;
