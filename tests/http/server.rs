//! Over a real connection: large bodies, slow ones, clients that hang up in the middle of a step, a store that fails.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use propusk::account::identifier::Identifier;
use propusk::auth::Builder;
use propusk::axum::router;
use propusk::error::FactorError;
use propusk::event::EventPage;
use propusk::factor::password::{Stored, Typed};
use propusk::factor::{Context, Credential, Enrol, EnrolPlugin, Enrolled, Factor, Verdict};
use propusk::hash::HashPool;
use propusk::id::FactorName;
use propusk::message::{Message, SendError, Sender, Sending, Sent};
use propusk::proof::Proves;
use propusk::{Auth, Client, Code, KeyRing, MemoryStore, Password, Profile, Site};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::portal::{ORIGIN, Outbox, WORD, Watch, portal, register};
use crate::web::{Web, by_password};

const PHONE: &str = "+79161234567";
const SOON: Duration = Duration::from_secs(20);

/// The password factor, whose answers stop at a gate.
#[derive(Clone, Debug)]
struct AtGate {
    inner: Password,
    came: Arc<Notify>,
    gate: watch::Sender<bool>,
}

impl AtGate {
    fn open() -> Self {
        Self { inner: Password::default(), came: Arc::default(), gate: watch::Sender::new(true) }
    }
}

impl Factor for AtGate {
    type Data = Stored;
    type State = ();
    type Answer = Typed;

    fn name(&self) -> FactorName {
        Password::NAME
    }

    fn could_prove(&self, data: Option<&Stored>) -> Proves {
        self.inner.could_prove(data)
    }

    async fn answer(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Stored>],
        (): (),
        answer: Typed,
    ) -> Result<Verdict<Stored>, FactorError> {
        self.came.notify_one();
        self.gate.subscribe().wait_for(|open| *open).await.unwrap();
        self.inner.answer(cx, mine, (), answer).await
    }

    fn decoy(&self, hashes: &HashPool, seed: [u8; 32]) -> Option<Stored> {
        self.inner.decoy(hashes, seed)
    }

    fn enrolment(&self) -> Option<&dyn EnrolPlugin> {
        Some(self)
    }
}

impl Enrol for AtGate {
    type Proposal = ();
    type Confirm = Typed;

    async fn confirm(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Stored>],
        (): (),
        answer: Typed,
    ) -> Result<Enrolled<Stored>, FactorError> {
        self.inner.confirm(cx, mine, (), answer).await
    }
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

fn head(length: usize, more: &str) -> String {
    format!(
        "POST /auth/sign-in HTTP/1.1\r\nhost: evil.example\r\norigin: {ORIGIN}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n{more}\r\n"
    )
}

async fn read(stream: &mut TcpStream, until: &str) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    while !String::from_utf8_lossy(&bytes).contains(until) {
        let len = timeout(SOON, stream.read(&mut chunk)).await.unwrap().unwrap();
        assert_ne!(len, 0, "closed after {:?}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&chunk[..len]);
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn ten_megabytes_are_refused_in_words_that_arrive() {
    let (auth, _) = portal(Profile::nist_aal1());
    let address = serve(router(auth.clone()).unwrap()).await;
    let body = by_password(PHONE, &"x".repeat(10_000_000)).to_string();
    // A client that writes all of it before it reads.
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head(body.len(), "").as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    let reply = read(&mut stream, "too_large").await;
    assert!(reply.starts_with("HTTP/1.1 413 "), "{reply}");
    // One that asks first.
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head(body.len(), "expect: 100-continue\r\n").as_bytes()).await.unwrap();
    let reply = read(&mut stream, "too_large").await;
    assert!(reply.starts_with("HTTP/1.1 413 "), "{reply}");
    // One that does not say how much is to come, and never ends.
    let mut stream = TcpStream::connect(address).await.unwrap();
    let endless = head(0, "transfer-encoding: chunked\r\n").replace("content-length: 0\r\n", "");
    stream.write_all(endless.as_bytes()).await.unwrap();
    let chunk = format!("{:x}\r\n{}\r\n", 1 << 20, " ".repeat(1 << 20));
    while stream.write_all(chunk.as_bytes()).await.is_ok() {}
    assert_eq!(auth.hashes().computed(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let (auth, _) = portal(Profile::nist_aal1());
    let address = serve(router(auth).unwrap()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head(100, "").as_bytes()).await.unwrap();
    stream.write_all(b"{").await.unwrap();
    let reply = read(&mut stream, "timed_out").await;
    assert!(reply.starts_with("HTTP/1.1 408 "), "{reply}");
}

/// A client sends a whole sign-in and hangs up while its answer is judged.
async fn hang_up(password: &str) -> (Auth, Client, Vec<String>) {
    let (outbox, factor) = (Outbox::default(), AtGate::open());
    let auth = Auth::builder(Profile::nist_aal1(), MemoryStore::default(), KeyRing::random())
        .site(Site::new("Portal", ORIGIN))
        .hashing(propusk::danger::fast_hashing())
        .sender(outbox.clone())
        .factor(factor.clone())
        .factor(Code::sms())
        .build()
        .unwrap();
    let client = Client::unknown();
    let account = register(&auth, &outbox, &auth.visit(client.clone()), PHONE).await.session.account();
    // The server lets go of the request's own future when it sees that nobody waits for it.
    let let_go = Arc::new(Notify::new());
    let seen = Arc::clone(&let_go);
    let watched = from_fn(move |request: Request, next: Next| {
        struct OnDrop(Arc<Notify>);
        impl Drop for OnDrop {
            fn drop(&mut self) {
                self.0.notify_one();
            }
        }
        let on_drop = OnDrop(Arc::clone(&seen));
        async move {
            let response = next.run(request).await;
            drop(on_drop);
            response
        }
    });
    let address = serve(router(auth.clone()).unwrap().layer(watched)).await;
    factor.gate.send_replace(false);
    let body = by_password(PHONE, password).to_string();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head(body.len(), "").as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    timeout(SOON, factor.came.notified()).await.unwrap();
    drop(stream);
    timeout(SOON, let_go.notified()).await.unwrap();
    factor.gate.send_replace(true);
    let history = async || auth.history(account, EventPage::newest(10)).await.unwrap();
    let told = timeout(SOON, async {
        loop {
            let events = history().await;
            if events.len() > 1 {
                return events
                    .iter()
                    .map(|event| format!("{} {}", event.name, event.outcome.as_str()))
                    .collect();
            }
            tokio::task::yield_now().await;
        }
    });
    let told = told.await.unwrap();
    (auth, client, told)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_answer_is_counted_although_its_client_hung_up() {
    let (auth, client, told) = hang_up("wrong").await;
    assert_eq!(told, ["sign-in refused", "sign-up done"]);
    let visit = auth.visit(client);
    // Four more make five; the sixth is held.
    for expected in ["wrong", "wrong", "wrong", "wrong", "held"] {
        let step = visit.sign_in().with(PHONE, Password::word("wrong")).await.unwrap();
        assert_eq!(crate::portal::refused(step).code.as_str(), expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_answer_is_a_whole_sign_in_although_its_client_hung_up() {
    let (auth, client, told) = hang_up(WORD).await;
    assert_eq!(told, ["sign-in done", "sign-up done"]);
    let visit = auth.visit(client);
    let done = crate::portal::done(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
    let sessions = auth.sessions(done.session.account()).await.unwrap();
    assert_eq!(sessions.len(), 3, "of the registration, of who hung up, of now");
}

#[cfg(feature = "testing")]
#[tokio::test]
async fn a_store_that_fails_is_never_taken_for_a_no() {
    use propusk::testing::{Fault, FaultyStore};
    let store = FaultyStore::new(MemoryStore::default());
    let outbox = Outbox::default();
    let build = |builder: Builder| builder.site(Site::new("Portal", ORIGIN)).sender(outbox.clone());
    let auth = build(Auth::builder(Profile::nist_aal1(), store.clone(), KeyRing::random()))
        .hashing(propusk::danger::fast_hashing())
        .factor(Password::default())
        .factor(Code::sms())
        .build()
        .unwrap();
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let ear = Arc::clone(&told);
    let http = propusk::axum::AuthHttp::builder(auth.clone())
        .on_broken(move |broken| ear.lock().unwrap().push(broken.to_string()));
    let router = http.build().unwrap().router();
    let mut browser = Web::browser(&router);
    browser.register(&auth, &outbox, PHONE).await;
    let mut faults = 0;
    let requests = [
        ("GET", "/auth/session", json!(null)),
        ("GET", "/auth/sessions", json!(null)),
        ("GET", "/auth/history", json!(null)),
        ("POST", "/auth/sign-in", by_password(PHONE, WORD)),
        ("POST", "/auth/sign-in", by_password(PHONE, "wrong")),
        ("POST", "/auth/sign-in", by_password("+79160000000", "wrong")),
        ("POST", "/auth/sign-in", json!({ "identifier": PHONE })),
        ("POST", "/auth/change", json!({ "factor": "password", "answer": { "password": WORD } })),
        ("POST", "/auth/sign-up", json!({ "contact": "+79160000001", "name": "Иван", "terms": "1" })),
        ("DELETE", "/auth/sessions", json!(null)),
        ("DELETE", "/auth/session", json!(null)),
    ];
    for (method, path, body) in requests {
        let mut jar = browser.jar.clone();
        for nth in 0..100 {
            store.plan(nth, Fault::FailsBefore);
            browser.jar = jar.clone();
            let reply = browser.raw(method.parse().unwrap(), path, body.to_string()).await;
            let reached = store.calls() > nth;
            store.mend();
            if !reached {
                assert!(!reply.status.is_server_error());
                break;
            }
            let reply = reply.problem(503, "unavailable");
            assert!(reply.cookie("__Host-propusk").is_none(), "nobody is signed out by an outage");
            assert!(!String::from_utf8_lossy(&reply.body).contains("plan"), "the cause is the operator's");
            faults += 1;
            browser.clone().get("/auth/session").await.expect(200);
            jar = browser.jar.clone();
        }
    }
    println!("{faults} faults");
    assert!(faults > 30);
    assert_eq!(told.lock().unwrap().len(), faults);
}

/// Panics at its first message, fails at the second, delivers the rest.
#[derive(Clone, Debug, Default)]
struct Moody(Arc<std::sync::Mutex<usize>>);

impl Sender for Moody {
    fn takes(&self, _: &Identifier) -> bool {
        true
    }
    fn send<'a>(&'a self, _: &'a Message) -> Sending<'a> {
        let nth = {
            let mut count = self.0.lock().unwrap();
            *count += 1;
            *count
        };
        Box::pin(async move {
            match nth {
                1 => panic!("a sender's bug"),
                2 => Err(SendError(None)),
                _ => Ok(Sent::Delivered),
            }
        })
    }
}

#[tokio::test(start_paused = true)]
async fn tending_goes_on_whatever_a_sender_does() {
    let (watch, sender) = (Watch::new(), Moody::default());
    let auth = Auth::builder(Profile::nist_aal1(), MemoryStore::default(), KeyRing::random())
        .site(Site::new("Portal", ORIGIN))
        .hashing(propusk::danger::fast_hashing())
        .clock(watch.clone())
        .sender(sender.clone())
        .factor(Password::default())
        .factor(Code::sms())
        .build()
        .unwrap();
    let tending = propusk::axum::tend(auth.clone());
    let _ = auth.visit(Client::unknown()).sign_up(PHONE, "Иван", "1").await.unwrap();
    let mut troubles = 0;
    for _ in 0..1000 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        watch.forward(Duration::from_secs(1));
        troubles += usize::from(tending.trouble().is_some());
    }
    assert_eq!(*sender.0.lock().unwrap(), 3, "panicked, failed, delivered, and not sent again");
    assert!(troubles > 0, "a health check sees it");
    assert_eq!(tending.trouble(), None, "and sees it mended");
}
