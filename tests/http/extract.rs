//! The extractors, in an application of its own.

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, FromRef, State};
use axum::http::{Method, Request, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use propusk::axum::{
    AuthHttp, ClientInfo, FormFields, MaybeSigned, Problem, ReturnTo, SameOrigin, Signed, TokenForm, Visitor,
};
use propusk::secret::Secret;
use propusk::{Auth, Password, Profile, Step, danger};
use serde::Deserialize;

use crate::portal::{Outbox, WORD, portal};
use crate::web::{Reply, Web};

const PHONE: &str = "+79161234567";

#[derive(Clone)]
struct App {
    http: AuthHttp,
    greeting: &'static str,
}

impl FromRef<App> for AuthHttp {
    fn from_ref(app: &App) -> Self {
        app.http.clone()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignInForm {
    identifier: String,
    password: Secret,
    #[serde(default)]
    to: String,
}

impl FormFields for SignInForm {
    const PURPOSE: &'static str = "sign-in";
}

#[derive(Deserialize)]
struct OtherForm {}

impl FormFields for OtherForm {
    const PURPOSE: &'static str = "other";
}

async fn page(visitor: Visitor) -> Result<Response, Problem> {
    let token = visitor.form_token::<SignInForm>()?;
    Ok((visitor.cookies(), token).into_response())
}

async fn sign_in(
    visitor: Visitor,
    form: Result<TokenForm<SignInForm>, Problem>,
) -> Result<Response, Problem> {
    let TokenForm(form) = match form {
        Ok(form) => form,
        Err(problem) => return Ok((problem.status(), problem.code()).into_response()),
    };
    let password = Password::word(form.password.expose_str().unwrap());
    match visitor.visit().sign_in().with(&form.identifier, password).await.unwrap() {
        Step::Done(done) => {
            let to = ReturnTo::parse(&form.to, &[]);
            Ok((visitor.signed_in(&done), Redirect::to(to.as_ref().map_or("/", ReturnTo::as_str)))
                .into_response())
        }
        Step::Pending(_) => panic!("one factor is enough here"),
        Step::Refused(why) => Err(Problem::refused(&why, visitor.client().locale)),
    }
}

/// A handler that takes nothing else.
async fn form_alone(form: Result<TokenForm<OtherForm>, Problem>) -> String {
    form.map_or_else(|problem| problem.code().to_owned(), |_| "done".to_owned())
}

async fn sign_out(visitor: Visitor, TokenForm(_): TokenForm<OtherForm>) -> impl IntoResponse {
    visitor.visit().sign_out(visitor.token().unwrap()).await.unwrap();
    (visitor.signed_out(), "bye")
}

fn app(http: &AuthHttp) -> Router {
    let home = async |signed: Result<Signed, Problem>, State(app): State<App>| match signed {
        Ok(Signed(session)) => format!("{} {}", app.greeting, session.account()).into_response(),
        Err(no) if no.code() == "no_session" => Redirect::to("/sign-in").into_response(),
        Err(broken) => broken.into_response(),
    };
    Router::new()
        .route("/", get(home))
        .route("/sign-in", get(page).post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/signed", get(async |Signed(session): Signed| session.id().to_string()))
        .route("/maybe", get(async |MaybeSigned(session): MaybeSigned| session.is_some().to_string()))
        .route("/client", get(async |ClientInfo(client): ClientInfo| format!("{:?}", client.address)))
        .route("/other", get(async |visitor: Visitor| visitor.form_token::<OtherForm>()))
        .route("/api", post(async |_: SameOrigin| "done"))
        .route("/form", post(form_alone))
        .route("/crash", get(async || -> String { panic!("a handler of the application") }))
        .layer(axum::middleware::from_fn(propusk::axum::to_end))
        .with_state(App { http: http.clone(), greeting: "hello" })
        .merge(http.router())
}

async fn somebody() -> (Auth, Outbox, Router) {
    let (auth, outbox) = portal(Profile::nist_aal1());
    let router = app(&AuthHttp::new(auth.clone()).unwrap());
    Web::browser(&router).register(&auth, &outbox, PHONE).await;
    (auth, outbox, router)
}

fn browser(router: &Router) -> Web {
    Web::browser(router).with("content-type", "application/x-www-form-urlencoded")
}

async fn submit(browser: &mut Web, token: &str, more: &str) -> Reply {
    let body = format!("identifier=%2B79161234567&form_token={token}&password={}{more}", urlencode(WORD));
    browser.raw(Method::POST, "/sign-in", body).await
}

fn urlencode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn body(reply: &Reply) -> String {
    String::from_utf8(reply.body.clone()).unwrap()
}

#[tokio::test]
async fn a_server_rendered_application_signs_people_in_and_out() {
    let (_, _, router) = somebody().await;
    let mut browser = browser(&router);
    assert_eq!(browser.get("/").await.expect(303).headers[header::LOCATION], "/sign-in");
    assert_eq!(body(&browser.get("/maybe").await), "false");
    browser.get("/signed").await.problem(401, "no_session");
    let reply = browser.get("/sign-in").await.expect(200);
    assert_eq!(reply.headers[header::CACHE_CONTROL], "no-store");
    assert!(reply.cookie("__Host-propusk-flow").is_some());
    let reply = submit(&mut browser, &body(&reply), "&to=%2Finbox%3Fpage%3D2").await.expect(303);
    assert_eq!(reply.headers[header::LOCATION], "/inbox?page=2");
    assert!(body(&browser.get("/").await.expect(200)).starts_with("hello "));
    assert_eq!(body(&browser.get("/maybe").await), "true");
    browser.get("/signed").await.expect(200);
    browser.get("/auth/session").await.expect(200);
    let token = body(&browser.get("/other").await);
    let reply = browser.raw(Method::POST, "/sign-out", format!("form_token={token}")).await.expect(200);
    assert_eq!(reply.headers["clear-site-data"], "\"cache\", \"storage\"");
    browser.get("/signed").await.problem(401, "no_session");
}

#[tokio::test]
async fn a_form_is_taken_from_its_own_page_only() {
    let (_, _, router) = somebody().await;
    let mut mine = browser(&router);
    let token = body(&mine.get("/sign-in").await);
    let again = body(&mine.get("/sign-in").await);
    assert_ne!(token, again, "another mask on each page");
    let refused = async |mut client: Web, token: &str, code: &str| {
        let reply = submit(&mut client, token, "").await;
        assert_eq!(body(&reply), code);
        assert!(reply.status.is_client_error() && reply.cookie("__Host-propusk").is_none());
    };
    let mut other = browser(&router);
    let foreign = body(&other.get("/sign-in").await);
    let purpose = body(&mine.get("/other").await);
    let flipped = |at: usize| {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    for bad in [
        &foreign,
        &purpose,
        "",
        " ",
        "x",
        &"A".repeat(64),
        &flipped(0),
        &flipped(63),
        &format!("{token}A"),
        &token[1..],
    ] {
        refused(mine.clone(), bad, "form_token").await;
    }
    refused(browser(&router), &token, "form_token").await;
    // The field twice, or not at all.
    refused(mine.clone(), &format!("{token}&form_token={token}"), "form_token").await;
    let reply = mine.clone().raw(Method::POST, "/sign-in", "identifier=a&password=b").await;
    assert_eq!(body(&reply), "form_token");
    // The right token from another site's page.
    let other = format!("form_token={purpose}");
    let forged = ["", "null", "https://evil.example", "https://sub.portal.example"];
    let forged = forged.map(|origin| mine.clone().with("origin", origin));
    for mut forged in forged.into_iter().chain([mine.clone().with("sec-fetch-site", "cross-site")]) {
        submit(&mut forged, &token, "").await.problem(403, "origin");
        assert_eq!(body(&forged.raw(Method::POST, "/form", other.clone()).await), "origin");
    }
    assert_eq!(body(&mine.raw(Method::POST, "/form", other).await), "done");
    refused(mine.clone().with("content-type", "text/plain"), &token, "media_type").await;
    refused(mine.clone().with("content-type", "application/json"), &token, "media_type").await;
    // And the right one, on either page; then the page of a guest is too old for who is signed in.
    submit(&mut mine, &token, "").await.expect(303);
    refused(mine.clone(), &again, "form_token").await;
    let token = body(&mine.get("/sign-in").await);
    submit(&mut mine.clone(), &token, "").await.expect(303);
}

#[tokio::test]
async fn a_malformed_form_is_refused_as_one() {
    let (_, _, router) = somebody().await;
    let mut browser = browser(&router);
    let token = body(&browser.get("/sign-in").await);
    for more in ["&admin=1", "&identifier=b", "&%ff=1", "&&&==&"] {
        assert_eq!(body(&submit(&mut browser, &token, more).await.expect(400)), "malformed", "{more}");
    }
    let long = browser
        .raw(Method::POST, "/sign-in", format!("form_token={token}&password={}", "x".repeat(10_000_000)))
        .await;
    assert_eq!(body(&long.expect(413)), "too_large");
    let secret = format!("form_token={token}&identifier=a&password={}", "x".repeat(5000));
    assert_eq!(body(&browser.raw(Method::POST, "/sign-in", secret).await.expect(400)), "malformed");
    submit(&mut browser, &token, "").await.expect(303);
}

#[tokio::test]
async fn an_applications_own_json_is_taken_from_the_site_only() {
    let (_, _, router) = somebody().await;
    Web::browser(&router).raw(Method::POST, "/api", "").await.expect(200);
    Web::browser(&router).with("origin", "null").raw(Method::POST, "/api", "").await.problem(403, "origin");
    Web::program(&router).raw(Method::POST, "/api", "").await.expect(200);
}

#[tokio::test]
async fn a_panic_is_a_problem_and_the_next_request_is_answered() {
    let (_, _, router) = somebody().await;
    let mut browser = browser(&router);
    let reply = browser.get("/crash").await.problem(500, "broken");
    assert!(!body(&reply).contains("application"));
    browser.get("/").await.expect(303);
}

#[tokio::test]
async fn a_server_that_does_not_know_its_peers_says_so() {
    let (auth, _) = portal(Profile::nist_aal1());
    let ask = async |http: AuthHttp| {
        let mut client = Web::browser(&app(&http));
        let request = Request::builder().uri("/client").body(Body::empty()).unwrap();
        client.send(request).await
    };
    let reply = ask(AuthHttp::new(auth.clone()).unwrap()).await.problem(500, "misconfigured");
    assert!(body(&reply).contains("into_make_service_with_connect_info"));
    let weak = AuthHttp::builder(auth).danger(danger::Http::default().without_peer_addresses());
    assert_eq!(body(&ask(weak.build().unwrap()).await.expect(200)), "None");
}

#[tokio::test]
async fn the_peer_is_the_client_and_no_header_is_believed() {
    let (_, _, router) = somebody().await;
    let mut client = browser(&router)
        .with("x-forwarded-for", "203.0.113.1")
        .with("forwarded", "for=203.0.113.1")
        .with("x-real-ip", "203.0.113.1");
    client.peer = "[::ffff:192.0.2.9]:1".parse().unwrap();
    assert_eq!(body(&client.get("/client").await), "Some(192.0.2.9)");
    let request = Request::builder().uri("/client").extension(ConnectInfo(client.peer));
    let request = request.header("x-forwarded-for", "203.0.113.1").body(Body::empty()).unwrap();
    assert_eq!(body(&client.send(request).await), "Some(192.0.2.9)");
}
