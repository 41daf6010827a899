//! P2: ten thousand sign-ins arrive at once, from as many networks, over loopback; the generator is a process of its own.
//!
//! Meanwhile a session is checked once a millisecond, whether or not the check before was answered (a client that waits
//! would not see the queue), and one known browser signs in again and again.
#![allow(missing_docs, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a bench")]

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, http::StatusCode};
use propusk::account::identifier::Identifier;
use propusk::auth::import::Import;
use propusk::axum::{AuthHttp, Signed, TokioSleep, TrustedProxies};
use propusk::clock::SystemEntropy;
use propusk::hash::{HashPool, HashSettings, Hashed, Lane};
use propusk::message::{Message, Sender, Sending, Sent};
use propusk::secret::Secret;
use propusk::store::sqlite::SqliteStore;
use propusk::{Auth, Client, Code, KeyRing, Password, Profile, Site};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[path = "protocol/http.rs"]
mod http;
#[path = "protocol/protocol.rs"]
mod protocol;
#[path = "protocol/wait.rs"]
mod wait;

const BARE: &str = "/bare";
const PEOPLE: usize = 10_000;
const PASSWORD: &str = "a kettle walks past nine lamps";
const MIB: f64 = 1024.0 * 1024.0;

fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "generate").skip(1);
    if let (Some(at), Some(bare)) = (arguments.next(), arguments.next()) {
        return generate(at.parse().expect("an address"), bare.parse().expect("an address"));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let folder = std::env::temp_dir().join(format!("propusk-flood-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let app = runtime.block_on(app(&folder));
    protocol::serve("flood", |round| {
        // Other ports for each flood: those of ten thousand closed connections rest for a minute.
        let [(at, serving), (bare, serving_bare)] = [(); 2].map(|()| {
            let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
            let at = listener.local_addr().expect("an address");
            let service = app.clone().into_make_service_with_connect_info::<SocketAddr>();
            (at, runtime.spawn(async move { axum::serve(listener, service).await }))
        });
        let mut generator = Command::new(std::env::current_exe().expect("a path"))
            .args(["generate", &at.to_string(), &bare.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut said = BufReader::new(generator.stdout.take().expect("a pipe")).lines();
        let mut values = || {
            let line = said.next().expect("a line").expect("text");
            line.split(' ').map(|value| value.parse::<f64>().expect("a number")).collect::<Vec<_>>()
        };
        let idle = values();
        // The pool's memory is there since the first sign-ins, and stays: what is added is all that the flood costs.
        let before = protocol::resident() as f64 / MIB;
        let mut go = generator.stdin.take().expect("a pipe");
        std::fs::write("/proc/self/clear_refs", "5").expect("the peak begins here");
        writeln!(go, "go").expect("it reads");
        let flood = values();
        let peak = peak();
        let anchor = values();
        assert!(generator.wait().expect("it ends").success());
        serving.abort();
        serving_bare.abort();
        round.tell("flood_memory", "MiB", peak - before);
        round.tell("idle_check_p99", "ms", idle[0]);
        round.tell("flood_check_p99", "ms", flood[0]);
        round.tell("flood_check_late", "ms", (flood[0] - idle[0]).max(0.0));
        round.tell("bare_check_late", "ms", (anchor[0] - idle[0]).max(0.0));
        round.tell("bare_seconds", "s", anchor[1]);
        round.tell("idle_known_sign_in", "ms", idle[1]);
        round.tell("flood_known_sign_in", "ms", flood[1]);
        round.tell("flood_signed_in", "of 10,000", flood[2]);
        round.tell("flood_busy_with_time", "of 10,000", flood[3]);
        round.tell("flood_neither", "of 10,000", flood[4]);
        round.tell("flood_seconds", "s", flood[5]);
    });
    drop(app);
    drop(runtime);
    let _ = std::fs::remove_dir_all(&folder);
}

async fn app(folder: &std::path::Path) -> Router {
    let store = SqliteStore::open(folder.join("flood.sqlite")).expect("a store");
    let auth = Auth::builder(Profile::nist_aal1(), store, KeyRing::random())
        .site(Site::new("Bench", "https://bench.example"))
        .sender(Nowhere)
        .sleep(TokioSleep)
        .factor(Password::default())
        .factor(Code::email())
        .build()
        .expect("an Auth");
    let pool = HashPool::new(HashSettings::default()).expect("a pool");
    let word = Secret::new(PASSWORD.as_bytes());
    let Hashed::Done(hash) = wait::on(pool.hash(Lane::Stranger, word, &SystemEntropy)).expect("a hash")
    else {
        panic!("an idle pool is not busy")
    };
    for person in 0..PEOPLE + 2 {
        let account = Import::new("Person").and_then(|import| import.verified_contact(&name(person)));
        let credential = Password::imported(hash.clone().into()).expect("a credential");
        let account = account.and_then(|import| import.credential(credential)).expect("an account");
        let _ = auth.import(&account, &Client::unknown()).await.expect("imported");
    }
    let proxies = TrustedProxies::x_forwarded_for(&["127.0.0.1"]).expect("a network");
    let http = AuthHttp::builder(auth).trusted_proxies(proxies).build().expect("an AuthHttp");
    Router::new()
        .route("/me", get(me))
        .route(BARE, post(turn_away))
        .with_state(http.clone())
        .merge(http.router())
}

async fn me(State(http): State<AuthHttp>, Signed(session): Signed) -> Response {
    match http.auth().account(session.account()).await {
        Ok(Some(account)) => Json(account.name).into_response(),
        Ok(None) => StatusCode::UNAUTHORIZED.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// What a route does that turns everybody away: the least that a flood costs this server and this machine.
async fn turn_away(_: Bytes) -> (StatusCode, &'static str) {
    (StatusCode::SERVICE_UNAVAILABLE, r#"{"code":"busy","retry_after":1}"#)
}

/// The most memory that was resident since the mark was taken back, in MiB.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
}

fn name(person: usize) -> String {
    format!("person{person}@example.org")
}

/// The generator: tells p99 of a check and a known browser's sign-in while nothing else goes on, waits for a line,
/// and tells the same under the flood, and how the flood was answered. Then what a check takes while as many are turned
/// away by a handler that does nothing else.
fn generate(at: SocketAddr, bare: SocketAddr) {
    // Two people: who signs in again and again drops their oldest sessions.
    let cookie = |person: usize, name: &str| {
        let answer = http::Client::connect(at).ask(&sign_in(person, person, "", ""));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.cookies().find(|pair| pair.starts_with(name)).expect("a cookie").to_owned()
    };
    let (session, browser) =
        (cookie(PEOPLE + 1, "__Host-propusk="), cookie(PEOPLE, "__Host-propusk-browser="));

    let over = AtomicBool::new(false);
    let (checked, known) = thread::scope(|scope| {
        let checks = scope.spawn(|| checks(at, &session, &over));
        let known = (1..=20).map(|time| known_sign_in(at, &browser, time)).collect::<Vec<_>>();
        thread::sleep(Duration::from_millis(500));
        over.store(true, Ordering::Relaxed);
        (checks.join().expect("checked"), known)
    });
    println!("{} {}", percentile(checked, 0.99), percentile(known, 0.5));
    std::io::stdin().read_line(&mut String::new()).expect("a line");

    over.store(false, Ordering::Relaxed);
    let start = Instant::now();
    let (checked, known, [signed_in, busy, neither]) = thread::scope(|scope| {
        let checks = scope.spawn(|| checks(at, &session, &over));
        let known = scope.spawn(|| {
            let mut took = Vec::new();
            while !over.load(Ordering::Relaxed) {
                took.push(known_sign_in(at, &browser, 100 + took.len()));
            }
            took
        });
        let answered = flood(at, "/auth/sign-in");
        over.store(true, Ordering::Relaxed);
        (checks.join().expect("checked"), known.join().expect("signed in"), answered)
    });
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{} {} {signed_in} {busy} {neither} {seconds}",
        percentile(checked, 0.99),
        percentile(known, 1.0)
    );

    over.store(false, Ordering::Relaxed);
    let start = Instant::now();
    let checked = thread::scope(|scope| {
        let checks = scope.spawn(|| checks(bare, &session, &over));
        let _ = flood(bare, BARE);
        over.store(true, Ordering::Relaxed);
        checks.join().expect("checked")
    });
    println!("{} {}", percentile(checked, 0.99), start.elapsed().as_secs_f64());
}

/// One each millisecond over eight connections, each timed from when it was due.
fn checks(at: SocketAddr, session: &str, over: &AtomicBool) -> Vec<f64> {
    const LANES: usize = 8;
    let request = http::get("/me", &format!("Cookie: {session}\r\nX-Forwarded-For: 10.255.0.1\r\n"));
    let (tell, took) = mpsc::channel();
    thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES)
            .map(|_| {
                let (send, due) = mpsc::channel::<Instant>();
                let (tell, request) = (tell.clone(), &request);
                scope.spawn(move || {
                    let mut client = http::Client::connect(at);
                    for due in due {
                        assert_eq!(client.ask(request).status, 200);
                        tell.send(due.elapsed().as_secs_f64() * 1e3).expect("somebody hears");
                    }
                });
                send
            })
            .collect();
        let start = Instant::now();
        for number in 1.. {
            if over.load(Ordering::Relaxed) {
                break;
            }
            let due = start + Duration::from_millis(number);
            thread::sleep(due.saturating_duration_since(Instant::now()));
            lanes[number as usize % LANES].send(due).expect("somebody hears");
        }
    });
    drop(tell);
    took.into_iter().collect()
}

fn known_sign_in(at: SocketAddr, browser: &str, time: usize) -> f64 {
    let start = Instant::now();
    let mut client = http::Client::connect(at);
    let answer = client.ask(&sign_in(PEOPLE, 20_000 + time, &format!("Cookie: {browser}\r\n"), ""));
    assert_eq!(answer.status, 200, "{}", answer.body);
    start.elapsed().as_secs_f64() * 1e3
}

/// How many signed in, were told a time to come again, and neither.
fn flood(at: SocketAddr, path: &str) -> [usize; 3] {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let asked: Vec<_> = (0..PEOPLE)
            .map(|person| {
                let request = sign_in(person, person, "", "Connection: close\r\n");
                let request = request.replacen("/auth/sign-in", path, 1);
                tokio::spawn(async move {
                    let mut stream = TcpStream::connect(at).await?;
                    stream.write_all(request.as_bytes()).await?;
                    let mut answer = String::new();
                    stream.read_to_string(&mut answer).await?;
                    std::io::Result::Ok(answer)
                })
            })
            .collect();
        let mut counts = [0; 3];
        for one in asked {
            let answer = one.await.expect("it ends").unwrap_or_default();
            let retry = answer.contains("\"code\":\"busy\"") && answer.contains("\"retry_after\":");
            counts[match http::status(&answer) {
                200 => 0,
                503 if retry => 1,
                _ => 2,
            }] += 1;
        }
        counts
    })
}

/// From a network of its own.
fn sign_in(person: usize, network: usize, cookie: &str, more: &str) -> String {
    let body = format!(
        r#"{{"identifier":"{}","factor":"password","answer":{{"password":"{PASSWORD}"}}}}"#,
        name(person)
    );
    let address = format!("X-Forwarded-For: 10.{}.{}.1\r\n", network / 250, network % 250);
    let headers = format!("Origin: https://bench.example\r\n{address}{cookie}{more}");
    http::post("/auth/sign-in", "application/json", &headers, &body)
}

fn percentile(mut values: Vec<f64>, part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() as f64 * part).ceil() as usize).clamp(1, values.len()) - 1]
}

#[derive(Clone, Debug)]
struct Nowhere;

impl Sender for Nowhere {
    fn takes(&self, _: &Identifier) -> bool {
        true
    }

    fn send<'a>(&'a self, _: &'a Message) -> Sending<'a> {
        Box::pin(async { Ok(Sent::Delivered) })
    }
}
