//! SMS through a gateway over HTTP: real servers on loopback ports, some of which mean harm.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

mod gateway;
#[path = "../common/portal.rs"]
mod portal;

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use gateway::{Does, Gateway, nobody, status};
use portal::{Hands, ORIGIN, cheap, done, pending, ring};
use propusk::account::identifier::Identifier;
use propusk::auth::Tended;
use propusk::error::Broken;
use propusk::id::FactorName;
use propusk::message::sms::{Means, SmsGateway, SmsSender};
use propusk::message::{Locale, Message, Sender, Sending};
use propusk::secret::Secret;
use propusk::{Auth, Client, Code, MemoryStore, Password, Profile, Site};

const IVAN: &str = "+79161234567";
const TOKEN: &str = "the-token-of-the-operator";
const JSON: &str = r#"{"to": ["{phone}"], "text": "{text}", "ref": "{id}", "ttl": 300}"#;
/// Time enough for a reply on a busy machine.
const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(200);

/// A sender that tells what its channel said.
#[derive(Clone, Debug)]
struct Heard(SmsSender, Arc<Mutex<Vec<String>>>);

impl Sender for Heard {
    fn takes(&self, address: &Identifier) -> bool {
        self.0.takes(address)
    }

    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(async move {
            let end = self.0.send(message).await;
            let mut words = format!("{end:?}");
            if let Err(error) = &end {
                let mut cause: Option<&dyn std::error::Error> = Some(error);
                while let Some(error) = cause {
                    words.push_str(&format!("; {error}"));
                    cause = error.source();
                }
            }
            self.1.lock().unwrap().push(words);
            end
        })
    }
}

struct World {
    auth: Auth,
    hands: Hands,
    heard: Arc<Mutex<Vec<String>>>,
}

impl World {
    fn by(gateway: SmsGateway) -> Self {
        let (hands, heard) = (Hands::default(), Arc::default());
        let auth = Auth::builder(Profile::nist_aal1(), MemoryStore::default(), ring())
            .site(Site::new("Портал \"Ы\" {secret}\\", ORIGIN))
            .clock(hands.clone())
            .hashing(cheap())
            .sender(Heard(gateway.build().unwrap(), Arc::clone(&heard)))
            .factor(Password::default())
            .factor(Code::sms())
            .build()
            .unwrap();
        Self { auth, hands, heard }
    }

    /// A message to Ivan lies in the outbox.
    async fn with_message(gateway: SmsGateway) -> Self {
        let world = Self::by(gateway);
        world.write().await;
        world
    }

    async fn write(&self) {
        let visit = self.auth.visit(Client::unknown().in_locale(Locale::Ru));
        let _ = pending(visit.sign_up(IVAN, "Иван", "2026-01").await.unwrap());
    }

    /// (delivered, postponed, given up).
    async fn tend(&self) -> (usize, usize, usize) {
        let Tended { delivered, postponed, given_up, .. } = self.auth.tend(100).await.unwrap();
        (delivered, postponed, given_up)
    }

    fn heard(&self) -> String {
        self.heard.lock().unwrap().join("\n")
    }
}

const DELIVERED: (usize, usize, usize) = (1, 0, 0);
const POSTPONED: (usize, usize, usize) = (0, 1, 0);
const GIVEN_UP: (usize, usize, usize) = (0, 0, 1);
const NOTHING: (usize, usize, usize) = (0, 0, 0);

fn to(gateway: &Gateway) -> SmsGateway {
    SmsGateway::json(gateway.url("http"), JSON)
        .header("authorization", "Bearer {secret}")
        .header("idempotency-key", "{id}")
        .secret(Secret::new(TOKEN))
        .timeout(LONG)
}

/// One message to a gateway that does this: how it ends, and what was heard.
async fn once(does: Does) -> ((usize, usize, usize), String) {
    let world = World::with_message(to(&Gateway::that([does])).timeout(SHORT * 50)).await;
    (world.tend().await, world.heard())
}

#[tokio::test]
async fn a_code_by_json_signs_up_its_reader() {
    let gateway = Gateway::that([status(202, "", "{}")]);
    let world = World::by(to(&gateway));
    let visit = world.auth.visit(Client::unknown().in_locale(Locale::Ru));
    let next = pending(visit.sign_up(IVAN, "Иван", "2026-01").await.unwrap());
    assert_eq!(world.tend().await, DELIVERED);
    let asked = gateway.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].line, "POST /send HTTP/1.1\r\n");
    assert_eq!(asked[0].header("authorization"), format!("Bearer {TOKEN}"));
    assert_eq!(asked[0].header("content-type"), "application/json");
    let json: serde_json::Value = serde_json::from_str(&asked[0].body).unwrap();
    assert_eq!((&json["to"], &json["ttl"]), (&serde_json::json!([IVAN]), &serde_json::json!(300)));
    assert_eq!(json["ref"].as_str().unwrap(), asked[0].header("idempotency-key"));
    assert_eq!(asked[0].header("idempotency-key").len(), 36);
    // Signs that end a string, and the name of a place, are signs like any other.
    let text = json["text"].as_str().unwrap();
    assert!(text.contains("Портал \"Ы\" {secret}\\"), "{text}");
    let (_, code) = text.rsplit_once(" #").unwrap();
    assert_eq!(text.lines().last().unwrap(), format!("@portal.example #{code}"));
    let next =
        pending(visit.answer(&next.flow, Code::typed(FactorName::new("sms-code"), code)).await.unwrap());
    done(visit.answer(&next.flow, Password::word(portal::WORD)).await.unwrap());
}

#[tokio::test]
async fn a_form_is_encoded_whatever_stands_in_it() {
    let gateway = Gateway::that([status(200, "", "")]);
    let form = [("phone", "{digits}"), ("msg", "{text}"), ("key", "{secret}"), ("odd&=", "{nothing}{")];
    let form = SmsGateway::form(gateway.url("http"), &form).secret(Secret::new("a&b=c"));
    assert_eq!(World::with_message(form).await.tend().await, DELIVERED);
    let asked = gateway.asked().remove(0);
    assert_eq!(asked.header("content-type"), "application/x-www-form-urlencoded");
    let fields: Vec<(String, String)> =
        url::form_urlencoded::parse(asked.body.as_bytes()).into_owned().collect();
    assert_eq!(fields.len(), 4);
    assert_eq!(fields[0], ("phone".into(), "79161234567".into()));
    assert!(fields[1].1.contains("Портал \"Ы\" {secret}\\") && fields[1].1.contains("\n@portal.example #"));
    assert_eq!((fields[2].1.as_str(), &fields[3]), ("a&b=c", &("odd&=".into(), "{nothing}{".into())));
}

#[tokio::test]
async fn what_speaks_of_the_message_ends_it_and_nothing_else_does() {
    for final_one in [400, 410, 422] {
        let gateway = Gateway::that([status(final_one, "retry-after: 1\r\n", "{}")]);
        let world = World::with_message(to(&gateway)).await;
        assert_eq!(world.tend().await, GIVEN_UP, "{final_one}");
        world.hands.advance(60);
        assert_eq!(world.tend().await, NOTHING, "{final_one}");
        assert_eq!(gateway.asked().len(), 1);
    }
    // A token that has run out or an address with a typing error is the operator's to mend, not the person's loss.
    for later in [401, 403, 404, 408, 409, 425, 429, 500, 502, 503, 599] {
        let gateway = Gateway::that([status(later, "", "{}"), status(200, "", "")]);
        let world = World::with_message(to(&gateway)).await;
        assert_eq!(world.tend().await, POSTPONED, "{later}");
        assert!(world.heard().ends_with(&format!("the gateway answers {later}")), "{}", world.heard());
        world.hands.advance(10);
        assert_eq!(world.tend().await, DELIVERED, "{later}");
        let asked = gateway.asked();
        assert_eq!(asked.len(), 2);
        assert_eq!(asked[0].body, asked[1].body);
    }
}

#[tokio::test]
async fn a_gateway_is_not_asked_before_its_retry_after() {
    for code in [429, 503] {
        let gateway = Gateway::that([status(code, "Retry-After: 120\r\n", ""), status(200, "", "")]);
        let world = World::with_message(to(&gateway)).await;
        assert_eq!(world.tend().await, POSTPONED);
        world.hands.advance(119);
        assert_eq!((world.tend().await, gateway.asked().len()), (NOTHING, 1));
        world.hands.advance(1);
        assert_eq!((world.tend().await, gateway.asked().len()), (DELIVERED, 2));
    }
    // What is no number of seconds is not heard: the outbox's own pause holds, of some seconds.
    for odd in ["-1", "soon", "1e9", "99999999999999999999", "Wed, 21 Oct 2099 07:28:00 GMT", "0"] {
        let gateway =
            Gateway::that([status(429, &format!("Retry-After: {odd}\r\n"), ""), status(200, "", "")]);
        let world = World::with_message(to(&gateway)).await;
        assert_eq!(world.tend().await, POSTPONED, "{odd}");
        assert_eq!(world.tend().await, NOTHING, "{odd}: no pause at all");
        world.hands.advance(10);
        assert_eq!(world.tend().await, DELIVERED, "{odd}");
    }
    // A year is no pause: the message is looked at within the hour, and then its code is dead.
    let gateway = Gateway::that([status(429, "Retry-After: 31536000\r\n", "")]);
    let world = World::with_message(to(&gateway)).await;
    assert_eq!(world.tend().await, POSTPONED);
    world.hands.advance(3600);
    assert_eq!((world.tend().await, gateway.asked().len()), (GIVEN_UP, 1));
}

/// A reply that is lost on the way: the gateway has the message, and can tell that this is the same one.
#[tokio::test]
async fn each_attempt_brings_the_same_key_and_each_message_its_own() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"status\":".to_vec();
    let gateway = Gateway::that([
        Does::Says(Vec::new()),
        Does::Says(b"HTTP/1.1 20".to_vec()),
        Does::Says(cut),
        status(200, "", r#"{"status":"ok"}"#),
    ]);
    let world =
        World::with_message(to(&gateway).when(200..=200, Some(("/status", "ok")), Means::Accepted)).await;
    for pause in [10, 20, 40] {
        assert_eq!(world.tend().await, POSTPONED, "{}", world.heard());
        world.hands.advance(pause);
    }
    assert_eq!(world.tend().await, DELIVERED, "{}", world.heard());
    world.hands.advance(3600);
    world.write().await;
    assert_eq!(world.tend().await, DELIVERED);
    let asked = gateway.asked();
    let keys: Vec<_> = asked.iter().map(|asked| asked.header("idempotency-key")).collect();
    assert_eq!(keys.len(), 5);
    assert!(keys[..4].iter().all(|key| *key == keys[0]), "{keys:?}");
    assert_ne!(keys[4], keys[0]);
}

#[tokio::test]
async fn a_gateway_that_does_not_answer_in_time_is_left() {
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for does in [Does::Nothing, Does::Babbles(Vec::new(), b'H'), Does::Babbles(chunked, b'0')] {
        let asks = to(&Gateway::that([does.clone()])).timeout(SHORT);
        let world = World::with_message(asks.when(200..=200, Some(("/ok", "1")), Means::Accepted)).await;
        assert_eq!(world.tend().await, POSTPONED, "{does:?}");
    }
    let world = World::with_message(to(&Gateway::that([Does::Nothing])).timeout(SHORT)).await;
    assert_eq!(world.tend().await, POSTPONED);
    assert!(world.heard().ends_with("the gateway does not answer in time"), "{}", world.heard());
}

#[tokio::test]
async fn a_gateway_that_is_down_holds_up_nothing() {
    let down = SmsGateway::json(format!("http://{}/", nobody()), JSON);
    let world = World::with_message(down).await;
    assert_eq!(world.tend().await, POSTPONED);
    assert!(world.heard().contains("cannot be reached"), "{}", world.heard());
}

#[tokio::test]
async fn a_reply_without_end_is_not_read_to_its_end() {
    let bodies = [
        b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\n\r\n".to_vec(),
    ];
    for head in &bodies {
        // Nobody asked what it says: it has accepted.
        assert_eq!(once(Does::Babbles(head.clone(), b' ')).await.0, DELIVERED);
        let asks = to(&Gateway::that([Does::Babbles(head.clone(), b' ')]));
        let world = World::with_message(asks.when(200..=200, Some(("/ok", "1")), Means::Accepted)).await;
        assert_eq!(world.tend().await, POSTPONED);
        assert!(world.heard().ends_with("the gateway's reply is too long"), "{}", world.heard());
    }
    let (end, heard) = once(Does::Babbles(b"HTTP/1.1 200 OK\r\nx: ".to_vec(), b'x')).await;
    assert_eq!(end, POSTPONED, "{heard}");
    assert!(!heard.contains("xxx"), "{heard}");
}

/// Were it followed, the code and the token would go wherever somebody on the way says.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    for code in [301, 302, 303, 307, 308] {
        let elsewhere = Gateway::that([status(200, "", "")]);
        let location = format!("location: {}\r\n", elsewhere.url("http"));
        let gateway = Gateway::that([status(code, &location, "")]);
        let world = World::with_message(to(&gateway)).await;
        assert_eq!(world.tend().await, POSTPONED, "{code}");
        assert!(elsewhere.asked().is_empty() && *elsewhere.connections.lock().unwrap() == 0);
        assert!(!world.heard().contains(&elsewhere.address.to_string()), "{}", world.heard());
    }
}

/// The second reply must not be read as the answer to the next message.
#[tokio::test]
async fn a_gateway_that_answers_twice_is_heard_once() {
    let twice =
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 400 No\r\ncontent-length: 0\r\n\r\n".to_vec();
    let gateway = Gateway::that([Does::Says(twice), status(200, "", "")]);
    let world = World::with_message(to(&gateway)).await;
    assert_eq!(world.tend().await, DELIVERED);
    world.hands.advance(3600);
    world.write().await;
    assert_eq!(world.tend().await, DELIVERED);
    assert_eq!((gateway.asked().len(), *gateway.connections.lock().unwrap()), (2, 2));
}

#[tokio::test]
async fn rules_read_what_the_reply_says() {
    let by_rules = |gateway: &Gateway| {
        to(gateway)
            .when(200..=200, Some(("/messages/0/code", "103")), Means::Rejected)
            .when(200..=200, Some(("/messages/0/state", "queued")), Means::Accepted)
            .when(200..=200, None, Means::Later)
            .when(409..=409, None, Means::Accepted)
    };
    for (reply, end) in [
        (status(200, "", r#"{"messages":[{"code":103}]}"#), GIVEN_UP),
        (status(200, "", r#"{"messages":[{"code":"103"}]}"#), GIVEN_UP),
        (status(200, "", r#"{"messages":[{"code":1030,"state":"queued"}]}"#), DELIVERED),
        (status(200, "", r#"{"messages":[{"state":"Queued"}]}"#), POSTPONED),
        (status(200, "", r#"{"messages":{"state":"queued"}}"#), POSTPONED),
        (status(200, "", ""), POSTPONED),
        (status(200, "", "<html>queued</html>"), POSTPONED),
        (status(201, "", ""), DELIVERED),
        // "I have it already."
        (status(409, "", ""), DELIVERED),
    ] {
        let world = World::with_message(by_rules(&Gateway::that([reply.clone()]))).await;
        assert_eq!(world.tend().await, end, "{reply:?}");
    }
}

#[tokio::test]
async fn tls_is_spoken_with_the_gateway_and_with_nobody_else() {
    const ROOT: &str = include_str!("../tls/root.pem");
    let right = Gateway::tls(include_str!("../tls/loopback.pem"), [status(200, "", "")]);
    let ask = |gateway: &Gateway| {
        let asks = SmsGateway::json(gateway.url("https"), JSON).header("authorization", "Bearer {secret}");
        asks.secret(Secret::new(TOKEN)).timeout(LONG)
    };
    assert_eq!(World::with_message(ask(&right).trusting(ROOT)).await.tend().await, DELIVERED);
    assert_eq!(right.asked()[0].header("authorization"), format!("Bearer {TOKEN}"));

    // Signed by nobody whom the world believes; of another name.
    let other = Gateway::tls(include_str!("../tls/other.pem"), [status(200, "", "")]);
    for (asks, gateway) in [(ask(&right), &right), (ask(&other).trusting(ROOT), &other)] {
        let before = gateway.asked().len();
        let world = World::with_message(asks).await;
        assert_eq!(world.tend().await, POSTPONED);
        assert!(world.heard().contains("certificate"), "{}", world.heard());
        assert_eq!(gateway.asked().len(), before);
    }
    // In the clear where TLS is asked for.
    let clear = Gateway::that([status(200, "", "")]);
    let world = World::with_message(ask(&clear).trusting(ROOT)).await;
    assert_eq!((world.tend().await, clear.asked().len()), (POSTPONED, 0));
}

#[test]
fn what_cannot_work_or_is_not_safe_is_not_built() {
    let misuse = |gateway: SmsGateway| match gateway.build() {
        Err(Broken::Misuse(why)) => why,
        other => panic!("{other:?}"),
    };
    for url in [
        "http://sms.example/",
        "http://192.0.2.1/",
        "http://localhost/",
        "http://127.0.0.1.example/",
        "http://[2001:db8::1]/",
        "ftp://127.0.0.1/",
        "//127.0.0.1/",
        "/send",
    ] {
        assert!(misuse(SmsGateway::json(url, "{}")).contains("HTTPS"), "{url}");
    }
    assert!(misuse(SmsGateway::json("https://a b", "{}")).contains("address"));
    assert!(misuse(SmsGateway::json("https://user:word@sms.example/", "{}")).contains("password"));
    for url in ["https://sms.example/", "http://127.0.0.1:1/", "http://127.9.9.9/", "http://[::1]:8/"] {
        assert!(SmsGateway::json(url, "{}").build().is_ok(), "{url}");
    }
    let fine = || SmsGateway::json("https://sms.example/", "{}");
    assert!(misuse(SmsGateway::json("https://sms.example/", "{")).contains("JSON"));
    assert!(misuse(fine().header("a b", "c")).contains("name of a header"));
    assert!(misuse(fine().header("a", "b\r\nc: d")).contains("value of a header"));
    assert!(
        misuse(fine().header("a", "{secret}").secret(Secret::new("b\r\nc: d"))).contains("value of a header")
    );
    assert!(
        misuse(fine().header("a", "{secret}").secret(Secret::new(vec![0xff]))).contains("value of a header")
    );
    assert!(misuse(fine().timeout(Duration::ZERO)).contains("time-out"));
    assert!(misuse(fine().timeout(Duration::from_millis(60_001))).contains("time-out"));
    assert!(fine().timeout(Duration::from_secs(60)).build().is_ok());
    assert!(misuse(fine().trusting("no certificate")).contains("roots"));
}

/// All that any crate logs in this process, at every level.
struct Log(Mutex<String>);

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        self.0.lock().unwrap().push_str(&format!("{}\n", record.args()));
    }
    fn flush(&self) {}
}

#[tokio::test]
async fn neither_token_nor_code_nor_number_is_in_logs_or_errors() {
    static LOG: OnceLock<Log> = OnceLock::new();
    let log = LOG.get_or_init(|| Log(Mutex::default()));
    log::set_logger(log).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let secret = "a-token-for-this-test-only";
    let gateway = Gateway::that([status(503, "", "{}"), Does::Says(Vec::new()), status(200, "", "{}")]);
    let asks = to(&gateway).secret(Secret::new(secret));
    let mut words = format!("{asks:?}");
    let world = World::with_message(asks).await;
    for _ in 0..3 {
        let _ = world.tend().await;
        world.hands.advance(40);
    }
    words.push_str(&world.heard());
    words.push_str(&format!("{:?}", world.auth));
    words.push_str(&log.0.lock().unwrap());
    let asked = gateway.asked();
    assert_eq!(asked.len(), 3);
    assert!(words.contains("POST"), "the log was not heard: {words}");
    let code = asked[0].body.rsplit_once(" #").unwrap().1.get(..6).unwrap();
    for hidden in [secret, code, IVAN, "79161234567"] {
        assert!(!words.contains(hidden), "{hidden} in {words}");
    }
}
