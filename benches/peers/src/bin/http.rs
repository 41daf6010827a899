//! axum-login over tower-sessions, wired as its documentation shows, with password-auth at its defaults
//! (Argon2id, 19 MiB, two passes): a session check with the account loaded, and a full sign-in, over HTTP in process.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use axum_login::{AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend, UserId};
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use tower::ServiceExt;
use tower_sessions::{Expiry, MemoryStore, SessionManagerLayer, SessionStore};
use tower_sessions_sqlx_store::SqliteStore;

#[path = "../../../protocol/protocol.rs"]
mod protocol;

const USERS: i64 = 1_000;
const PASSWORD: &str = "correct horse battery";

#[derive(Clone, sqlx::FromRow)]
struct User {
    id: i64,
    name: String,
    password: String,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("id", &self.id).finish_non_exhaustive()
    }
}

impl AuthUser for User {
    type Id = i64;

    fn id(&self) -> i64 {
        self.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.password.as_bytes()
    }
}

#[derive(Clone)]
enum Users {
    Memory(Arc<HashMap<i64, User>>, Arc<HashMap<String, i64>>),
    Sqlite(SqlitePool),
}

#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
}

impl AuthnBackend for Users {
    type User = User;
    type Credentials = Credentials;
    type Error = sqlx::Error;

    async fn authenticate(&self, typed: Credentials) -> Result<Option<User>, sqlx::Error> {
        let user = match self {
            Self::Memory(users, names) => names.get(&typed.name).and_then(|id| users.get(id)).cloned(),
            Self::Sqlite(pool) => {
                sqlx::query_as("select id, name, password from users where name = ?")
                    .bind(typed.name)
                    .fetch_optional(pool)
                    .await?
            }
        };
        let checked = tokio::task::spawn_blocking(move || {
            user.filter(|user: &User| password_auth::verify_password(typed.password, &user.password).is_ok())
        });
        Ok(checked.await.expect("the check does not panic"))
    }

    async fn get_user(&self, id: &UserId<Self>) -> Result<Option<User>, sqlx::Error> {
        match self {
            Self::Memory(users, _) => Ok(users.get(id).cloned()),
            Self::Sqlite(pool) => {
                sqlx::query_as("select id, name, password from users where id = ?")
                    .bind(id)
                    .fetch_optional(pool)
                    .await
            }
        }
    }
}

#[derive(Serialize)]
struct Me {
    id: i64,
    name: String,
}

async fn me(auth: AuthSession<Users>) -> Response {
    match auth.user {
        Some(user) => Json(Me { id: user.id, name: user.name }).into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn sign_in(mut auth: AuthSession<Users>, Json(typed): Json<Credentials>) -> Response {
    match auth.authenticate(typed).await {
        Ok(Some(user)) => match auth.login(&user).await {
            Ok(()) => Json(Me { id: user.id, name: user.name }).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
        Ok(None) => StatusCode::UNAUTHORIZED.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn app(users: Users, store: impl SessionStore + Clone) -> Router {
    let sessions = SessionManagerLayer::new(store).with_expiry(Expiry::OnInactivity(time::Duration::days(1)));
    let layer = AuthManagerLayerBuilder::new(users, sessions).build();
    Router::new().route("/me", get(me)).route("/sign-in", post(sign_in)).layer(layer)
}

async fn ask_sign_in(app: &Router, user: i64) -> String {
    let body = format!(r#"{{"name":"user{user}","password":"{PASSWORD}"}}"#);
    let request = Request::post("/sign-in").header(header::CONTENT_TYPE, "application/json");
    let request = request.body(Body::from(body)).expect("a request");
    let response = app.clone().oneshot(request).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    let cookie = response.headers()[header::SET_COOKIE].to_str().expect("text").to_owned();
    let _ = response.into_body().collect().await;
    cookie.split(';').next().expect("a cookie").to_owned()
}

async fn ask_me(app: &Router, cookie: &str) {
    let request = Request::get("/me").header(header::COOKIE, cookie).body(Body::empty()).expect("a request");
    let response = app.clone().oneshot(request).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    assert!(!response.into_body().collect().await.expect("a body").to_bytes().is_empty());
}

async fn cookies(app: &Router) -> Vec<String> {
    let mut cookies = Vec::new();
    for user in 0..50 {
        cookies.push(ask_sign_in(app, user).await);
    }
    cookies
}

/// Least time of one request, microseconds: batches of 200, each request with another session.
async fn check(app: &Router, cookies: &[String]) -> f64 {
    let mut least = Duration::MAX;
    for _ in 0..10 {
        let start = Instant::now();
        for cookie in cookies.iter().cycle().take(200) {
            ask_me(app, cookie).await;
        }
        least = least.min(start.elapsed() / 200);
    }
    least.as_nanos() as f64 / 1e3
}

async fn full_sign_in(app: &Router) -> f64 {
    let mut least = Duration::MAX;
    for user in 0..10 {
        let start = Instant::now();
        ask_sign_in(app, user).await;
        least = least.min(start.elapsed());
    }
    least.as_secs_f64() * 1e3
}

/// How late a timer of one millisecond gets while 16 sign in at once: milliseconds.
async fn worst_tick(app: &Router) -> f64 {
    let ticker = tokio::spawn(async {
        let mut worst = Duration::ZERO;
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(300) {
            let asked = Instant::now();
            tokio::time::sleep(Duration::from_millis(1)).await;
            worst = worst.max(asked.elapsed());
        }
        worst
    });
    let asked: Vec<_> = (0..16)
        .map(|user| {
            let app = app.clone();
            tokio::spawn(async move { ask_sign_in(&app, user).await })
        })
        .collect();
    for one in asked {
        one.await.expect("it signs in");
    }
    // A sleep of one millisecond ends after two at the earliest moment of tokio's wheel.
    (ticker.await.expect("it ticks").as_secs_f64() * 1e3 - 2.0).max(0.0)
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let hash = password_auth::generate_hash(PASSWORD);
    let users: Vec<User> =
        (0..USERS).map(|id| User { id, name: format!("user{id}"), password: hash.clone() }).collect();

    let (memory, mixed, sqlite) = runtime.block_on(async {
        let ids = users.iter().map(|user| (user.id, user.clone())).collect();
        let names = users.iter().map(|user| (user.name.clone(), user.id)).collect();
        let memory = app(Users::Memory(Arc::new(ids), Arc::new(names)), MemoryStore::default());

        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("peers.sqlite"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal);
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await.expect("a file");
        sqlx::query(
            "create table users (id integer primary key, name text not null unique, password text not null)",
        )
        .execute(&pool)
        .await
        .expect("a table");
        let mut adding = pool.begin().await.expect("a transaction");
        for user in &users {
            sqlx::query("insert into users (id, name, password) values (?, ?, ?)")
                .bind(user.id)
                .bind(&user.name)
                .bind(&user.password)
                .execute(&mut *adding)
                .await
                .expect("a row");
        }
        adding.commit().await.expect("committed");
        let store = SqliteStore::new(pool.clone());
        store.migrate().await.expect("a table");
        let mixed = app(Users::Sqlite(pool.clone()), MemoryStore::default());
        (memory, mixed, app(Users::Sqlite(pool), store))
    });
    let in_memory = runtime.block_on(cookies(&memory));
    let in_mixed = runtime.block_on(cookies(&mixed));
    let in_sqlite = runtime.block_on(cookies(&sqlite));

    protocol::serve("http", |round| {
        round.tell("http_check_memory", "us", runtime.block_on(check(&memory, &in_memory)));
        round.tell("http_check_mixed", "us", runtime.block_on(check(&mixed, &in_mixed)));
        round.tell("http_check_sqlite", "us", runtime.block_on(check(&sqlite, &in_sqlite)));
        round.tell("http_sign_in_memory", "ms", runtime.block_on(full_sign_in(&memory)));
        round.tell("http_sign_in_sqlite", "ms", runtime.block_on(full_sign_in(&sqlite)));
        let password = protocol::least(10, 1, || {
            assert!(std::thread::scope(|s| {
                s.spawn(|| password_auth::verify_password(PASSWORD, &hash).is_ok()).join().is_ok_and(|ok| ok)
            }));
        });
        round.tell("password_check", "ms", password.as_secs_f64() * 1e3);
        round.tell("worst_tick", "ms", runtime.block_on(worst_tick(&sqlite)));
    });
}
