//! P10 and P11: a session check with the account loaded, and a full sign-in, in process over HTTP.
#![allow(missing_docs, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a bench")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use propusk::account::identifier::Identifier;
use propusk::axum::{AuthHttp, Signed, TokioSleep};
use propusk::clock::SystemEntropy;
use propusk::hash::{HashPool, HashSettings, Hashed, Lane};
use propusk::message::{Message, Sender, Sending, Sent};
use propusk::secret::Secret;
use propusk::store::{Rate, Store, sqlite::SqliteStore};
use propusk::{Auth, Client, Code, KeyRing, MemoryStore, Password, Profile, Site, Step, danger};
use tower::ServiceExt;

#[path = "protocol/protocol.rs"]
mod protocol;
#[path = "protocol/wait.rs"]
mod wait;

/// These lose their oldest sessions on the way; the others' are checked.
const SIGN_IN_AGAIN: usize = 16;
const PEOPLE: usize = 50;
const PASSWORD: &str = "a kettle walks past nine lamps";

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let folder = std::env::temp_dir().join(format!("propusk-http-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let sqlite = SqliteStore::open(folder.join("ours.sqlite")).expect("a store");
    let (memory, sqlite) =
        runtime.block_on(async { (App::new(MemoryStore::default()).await, App::new(sqlite).await) });
    let pool = HashPool::new(HashSettings::default()).expect("a pool");
    let word = || Secret::new(PASSWORD.as_bytes());
    let Hashed::Done(hash) = wait::on(pool.hash(Lane::Stranger, word(), &SystemEntropy)).expect("a hash")
    else {
        return;
    };
    protocol::serve("http", |round| {
        round.tell("http_check_memory", "us", runtime.block_on(memory.check()));
        round.tell("http_check_sqlite", "us", runtime.block_on(sqlite.check()));
        round.tell("http_sign_in_memory", "ms", runtime.block_on(memory.full_sign_in()));
        round.tell("http_sign_in_sqlite", "ms", runtime.block_on(sqlite.full_sign_in()));
        let password = protocol::least(10, 1, || {
            assert!(matches!(wait::on(pool.verify(Lane::Stranger, word(), &hash)), Ok(Hashed::Done(true))));
        });
        round.tell("password_check", "ms", password.as_secs_f64() * 1e3);
        let (late, refused) = runtime.block_on(sqlite.worst_tick());
        round.tell("worst_tick", "ms", late);
        round.tell("refused", "of 16", refused);
    });
    drop((memory, sqlite));
    let _ = std::fs::remove_dir_all(&folder);
}

struct App {
    router: Router,
    sessions: Vec<String>,
}

impl App {
    async fn new(store: impl Store) -> Self {
        let outbox = Outbox::default();
        let mut profile = Profile::nist_aal1();
        // One client makes all the load here: its network's throttle is not what is measured.
        profile.network_rate = Rate { uses: u32::MAX, per: Duration::from_secs(1) };
        let auth = Auth::builder(profile, store, KeyRing::random())
            .site(Site::new("Bench", "https://bench.example"))
            .sender(outbox.clone())
            .sleep(TokioSleep)
            .factor(Password::default())
            .factor(Code::email())
            .build()
            .expect("an Auth");
        let mut sessions = Vec::new();
        for person in 0..PEOPLE {
            sessions.push(register(&auth, &outbox, person).await);
        }
        let http = AuthHttp::builder(auth)
            .danger(danger::Http::default().without_peer_addresses())
            .build()
            .expect("an AuthHttp");
        let router = Router::new().route("/me", get(me)).with_state(http.clone()).merge(http.router());
        Self { router, sessions }
    }

    async fn ask(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.expect("an answer")
    }

    /// Least time of one request, microseconds: batches of 200, each request with another session.
    async fn check(&self) -> f64 {
        let mut least = Duration::MAX;
        for _ in 0..10 {
            let start = Instant::now();
            for session in self.sessions.iter().skip(SIGN_IN_AGAIN).cycle().take(200) {
                let request = Request::get("/me").header(header::COOKIE, format!("__Host-propusk={session}"));
                let response = self.ask(request.body(Body::empty()).expect("a request")).await;
                assert_eq!(response.status(), StatusCode::OK);
                assert!(!to_bytes(response.into_body(), 1 << 16).await.expect("a body").is_empty());
            }
            least = least.min(start.elapsed() / 200);
        }
        least.as_nanos() as f64 / 1e3
    }

    async fn sign_in(&self, person: usize) -> StatusCode {
        let body = format!(
            r#"{{"identifier":"person{person}@example.org","factor":"password","answer":{{"password":"{PASSWORD}"}}}}"#
        );
        let request = Request::post("/auth/sign-in")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ORIGIN, "https://bench.example")
            .body(Body::from(body));
        let response = self.ask(request.expect("a request")).await;
        let status = response.status();
        let _ = to_bytes(response.into_body(), 1 << 16).await;
        status
    }

    async fn full_sign_in(&self) -> f64 {
        let mut least = Duration::MAX;
        for person in 0..10 {
            let start = Instant::now();
            assert_eq!(self.sign_in(person).await, StatusCode::OK);
            least = least.min(start.elapsed());
        }
        least.as_secs_f64() * 1e3
    }

    /// How late a timer of one millisecond gets while 16 sign in at once, in milliseconds, and how many are refused.
    async fn worst_tick(&self) -> (f64, f64) {
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
        let asked: Vec<_> = (0..SIGN_IN_AGAIN)
            .map(|person| {
                let app = Self { router: self.router.clone(), sessions: Vec::new() };
                tokio::spawn(async move { app.sign_in(person).await })
            })
            .collect();
        let mut refused = 0.0;
        for one in asked {
            if one.await.expect("it ends") != StatusCode::OK {
                refused += 1.0;
            }
        }
        // A sleep of one millisecond ends after two at the earliest moment of tokio's wheel.
        ((ticker.await.expect("it ticks").as_secs_f64() * 1e3 - 2.0).max(0.0), refused)
    }
}

async fn me(State(http): State<AuthHttp>, Signed(session): Signed) -> Response {
    #[derive(serde::Serialize)]
    struct Me {
        id: String,
        name: String,
    }
    match http.auth().account(session.account()).await {
        Ok(Some(account)) => Json(Me { id: account.id.to_string(), name: account.name }).into_response(),
        Ok(None) => StatusCode::UNAUTHORIZED.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn register(auth: &Auth, outbox: &Outbox, person: usize) -> String {
    let visit = auth.visit(Client::unknown());
    let contact = format!("person{person}@example.org");
    let step = visit.sign_up(&contact, "Person", "2026-01").await.expect("works");
    let Step::Pending(next) = step else { panic!("{step:?}") };
    let _ = auth.tend(100).await.expect("works");
    let code = outbox.0.lock().expect("a lock").pop().expect("a message");
    let code = code.param("code").expect("a code").to_owned();
    let factor = next.offers[0].factor.clone();
    let step = visit.answer(&next.flow, Code::typed(factor, &code)).await.expect("works");
    let Step::Pending(next) = step else { panic!("{step:?}") };
    let step = visit.answer(&next.flow, Password::word(PASSWORD)).await.expect("works");
    let Step::Done(done) = step else { panic!("{step:?}") };
    done.token.expose().to_string()
}

#[derive(Clone, Debug, Default)]
struct Outbox(Arc<Mutex<Vec<Message>>>);

impl Sender for Outbox {
    fn takes(&self, _: &Identifier) -> bool {
        true
    }

    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        self.0.lock().expect("a lock").push(message.clone());
        Box::pin(async { Ok(Sent::Delivered) })
    }
}
