//! One refresh token, fifty uses at once, half through each of two nodes over one store, half over HTTP and half without.
//! All have read the family and its session before any of them writes. One successor comes of it: every use gets the same
//! pair. The same fifty times after the grace: nobody gets anything, the session is over, and its owner is told once.
//!
//! `PROPUSK_ROUNDS` says how many rounds.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use propusk::clock::{Clock, Timestamp};
use propusk::event::{EventPage, Outcome};
use propusk::flow::Refreshed;
use propusk::store::{Rate, Store, Throttle};
use propusk::testing::{FakeClock, GatedStore};
use propusk::{Auth, Client, Code, Password, Profile, Token};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::portal::{self, Outbox, PHONE, WORD, done, register};

const USES: usize = 50;

#[derive(Clone, Debug)]
struct Hands(Arc<FakeClock>);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

fn node<S: Store + Throttle + Clone>(store: &S, hands: &Hands, outbox: &Outbox) -> Auth {
    let mut profile = Profile::nist_aal1();
    let any = Rate { uses: u32::MAX, per: Duration::from_secs(1) };
    (profile.recipient_rate, profile.network_rate, profile.message_rate) = (any, any, any);
    portal::portal(store, profile)
        .clock(hands.clone())
        .sender(outbox.clone())
        .factor(Password::default())
        .factor(Code::sms())
        .build()
        .unwrap()
}

/// A way to one node.
enum Door {
    Call(Auth),
    Http(SendRequest<Body>),
}

impl Door {
    async fn over_http(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.unwrap();
        let (send, connection) = handshake(TokioIo::new(socket)).await.unwrap();
        tokio::spawn(connection);
        Self::Http(send)
    }

    /// The pair, or the code of the refusal.
    async fn refresh(self, token: &Token) -> Result<(String, String), String> {
        let text = |token: &Token| token.expose().as_str().to_owned();
        match self {
            Self::Call(auth) => match auth.visit(Client::unknown()).refresh(token).await.unwrap() {
                Refreshed::Done(done) => Ok((text(&done.token), text(done.refresh.as_ref().unwrap()))),
                Refreshed::Refused(why) => Err(why.code.as_str().to_owned()),
                other => panic!("{other:?}"),
            },
            Self::Http(mut send) => {
                let body = json!({ "refresh_token": token.expose().as_str() }).to_string();
                let request = Request::post("/auth/token")
                    .header(header::HOST, "portal.example")
                    .header("propusk-binding", "new")
                    .header(header::CONTENT_TYPE, "application/json")
                    .body(Body::from(body))
                    .unwrap();
                send.ready().await.unwrap();
                let (head, body) = send.send_request(request).await.unwrap().into_parts();
                let json: Value =
                    serde_json::from_slice(&to_bytes(Body::new(body), 1 << 16).await.unwrap()).unwrap();
                assert_eq!(head.headers[header::CACHE_CONTROL], "no-store");
                let field = |name: &str| json[name].as_str().unwrap_or_else(|| panic!("{json}")).to_owned();
                match head.status.as_u16() {
                    200 => Ok((field("access_token"), field("refresh_token"))),
                    401 => Err(field("code")),
                    _ => panic!("{} {json}", head.status),
                }
            }
        }
    }
}

/// All at once; what each got, and whether all had read by this method before any wrote.
async fn at_once<S: Store + Throttle + Clone>(
    stores: &[S; 2],
    read: &'static str,
    (hands, outbox): (&Hands, &Outbox),
    token: &Token,
) -> (Vec<Result<(String, String), String>>, bool) {
    let gated = stores.each_ref().map(|store| GatedStore::new(store.clone(), read, USES / 2));
    let nodes = gated.each_ref().map(|store| node(store, hands, outbox));
    let mut doors = Vec::new();
    for node in &nodes {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = propusk::axum::router(node.clone()).unwrap();
        let service = service.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        for nth in 0..USES / 2 {
            doors.push(if nth % 2 == 0 { Door::Call(node.clone()) } else { Door::over_http(address).await });
        }
    }
    let (barrier, met) = (Arc::new(Barrier::new(USES)), Arc::new(AtomicUsize::new(0)));
    for gate in gated {
        let met = Arc::clone(&met);
        tokio::spawn(async move {
            let patience = Instant::now();
            while gate.held() == 0 && patience.elapsed() < Duration::from_secs(30) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            met.fetch_add(gate.held().min(1), Ordering::SeqCst);
            // Who was too late reads again, alone.
            gate.open();
        });
    }
    let mut uses = JoinSet::new();
    for door in doors {
        let (barrier, token) = (Arc::clone(&barrier), token.clone());
        uses.spawn(async move {
            let _ = barrier.wait().await;
            door.refresh(&token).await
        });
    }
    let ends = uses.join_all().await;
    (ends, met.load(Ordering::SeqCst) == 2)
}

/// The rounds over one store.
pub async fn run<S: Store + Throttle + Clone>(over: &str, stores: [S; 2], else_so_many: usize) {
    let rounds = std::env::var("PROPUSK_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    let rounds: usize = rounds.unwrap_or(else_so_many);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let hands = Hands(Arc::new(FakeClock::at(Timestamp::from_millis(i64::try_from(now).unwrap()))));
    let outbox = Outbox::default();
    let auth = node(&stores[0], &hands, &outbox);
    let visit = auth.visit(Client::unknown().refreshing(true));
    let account = register(&auth, &outbox, &visit, PHONE, Password::word(WORD)).await.session.account();
    let (mut overlapped, mut codes) = (0, BTreeMap::<String, usize>::new());
    for round in 1..=rounds {
        let signed = done(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
        let refresh = signed.refresh.unwrap();
        let sessions = auth.sessions(account).await.unwrap().len();

        let (ends, met) = at_once(&stores, "sessions_of", (&hands, &outbox), &refresh).await;
        overlapped += usize::from(met);
        let mut pairs: Vec<_> = ends.into_iter().map(|end| end.unwrap()).collect();
        assert_eq!(pairs.len(), USES);
        pairs.sort();
        pairs.dedup();
        assert_eq!(pairs.len(), 1, "successors of one token over {over}");
        let (access, next) = pairs.remove(0);
        let access = Token::parse(&access).unwrap();
        assert!(auth.session(&signed.token).await.unwrap().is_none(), "the old token over {over}");
        let session = auth.session(&access).await.unwrap().unwrap();
        assert_eq!(session.id(), signed.session.id());
        assert_eq!(auth.sessions(account).await.unwrap().len(), sessions);

        // Outside the grace.
        hands.0.advance(Duration::from_secs(10));
        let (ends, _) = at_once(&stores, "find_flow", (&hands, &outbox), &refresh).await;
        for end in ends {
            *codes.entry(end.unwrap_err()).or_default() += 1;
        }
        assert!(auth.session(&access).await.unwrap().is_none(), "the family lives over {over}");
        let next = Token::parse(&next).unwrap();
        assert!(matches!(auth.visit(Client::unknown()).refresh(&next).await.unwrap(), Refreshed::Refused(_)));
        let events = auth.history(account, EventPage::newest(1000)).await.unwrap();
        let lines = events.iter().filter(|event| event.name.as_str() == "session-refresh");
        assert_eq!(lines.filter(|event| event.outcome == Outcome::Refused).count(), round, "over {over}");
        let sent = outbox.all(&auth).await;
        let told = sent.iter().filter(|one| one.template.as_str() == "refresh-reused").count();
        assert_eq!(told, round, "over {over}");
    }
    println!("uses outside the grace over {over}: {codes:?}");
    println!(
        "counted: a refresh token, {USES} uses at once by two nodes over {over}, half of them over HTTP, one successor in \
         {rounds} rounds, overlapped, seed -, count {overlapped}"
    );
    assert!(codes.keys().all(|code| code == "refresh_reused" || code == "no_session"), "{codes:?}");
    assert_eq!(codes["refresh_reused"], rounds, "whoever ended it was told so");
    assert!(overlapped * 10 >= rounds * 9, "{overlapped} of {rounds} rounds overlapped, which proves little");
}
