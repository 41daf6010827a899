//! SMS through a gateway over HTTP, described as data. By ureq on a thread of its own for each message: rustls with
//! ring, no runtime needed.
//!
//! HTTPS is demanded, in the clear goes to this machine only. A code never stands in an address: those are written
//! down on the way (access logs, proxies), so there is no way to send by query.

use std::borrow::Cow;
use std::fmt::{self, Debug};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{HeaderName, HeaderValue, Response, Uri, header};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

use super::{Message, SendError, Sender, Sending, Sent};
use crate::account::identifier::{Identifier, IdentifierKind};
use crate::auth::LEASE;
use crate::error::Broken;
use crate::oneshot;
use crate::secret::Secret;

/// How a gateway is asked, and what its replies mean. Texts in it may have places, which are filled for each message:
///
/// | place | what comes there |
/// |---|---|
/// | `{phone}` | the number as E.164, `+79161234567` |
/// | `{digits}` | the same without the plus |
/// | `{text}` | what the person reads |
/// | `{id}` | the message's id, the same at each attempt: the idempotency key. A gateway that is not told it sends twice when a reply is lost |
/// | `{secret}` | what [`SmsGateway::secret`] gave |
///
/// ```
/// use propusk::message::sms::{Means, SmsGateway};
/// use propusk::secret::Secret;
///
/// let sender = SmsGateway::json("https://sms.example/v2/messages", r#"{"to": "{phone}", "body": "{text}"}"#)
///     .header("authorization", "Bearer {secret}")
///     .header("idempotency-key", "{id}")
///     .secret(Secret::new("from the operator's vault"))
///     // This one answers 200 to everything.
///     .when(200..=200, Some(("/error/code", "bad_number")), Means::Rejected)
///     .when(200..=200, Some(("/status", "queued")), Means::Accepted)
///     .when(200..=200, None, Means::Later)
///     .build()?;
/// # Ok::<(), propusk::error::Broken>(())
/// ```
#[must_use]
pub struct SmsGateway {
    url: String,
    form: Form,
    headers: Vec<(String, String)>,
    secret: Secret,
    rules: Vec<Rule>,
    patience: Duration,
    roots: Option<Vec<u8>>,
}

/// What a reply means for the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Means {
    /// The gateway has it.
    Accepted,
    /// This number will never get it: not tried again.
    Rejected,
    /// Not now: tried again, not before a `Retry-After` in seconds.
    Later,
}

/// Sends messages to phones.
#[derive(Clone)]
pub struct SmsSender(Arc<Gateway>);

enum Form {
    Json(String),
    Fields(Vec<(String, String)>),
}

struct Rule {
    statuses: RangeInclusive<u16>,
    /// A JSON pointer (RFC 6901) into the reply, and what stands there.
    says: Option<(String, String)>,
    means: Means,
}

struct Gateway {
    agent: Agent,
    url: Uri,
    json: Option<Value>,
    fields: Vec<(String, String)>,
    headers: Vec<(HeaderName, String)>,
    secret: Secret,
    rules: Vec<Rule>,
}

/// Why a gateway has not answered, in words that hold nothing of the message: its errors would.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the gateway answers {0}")]
    Status(u16),
    #[error("the gateway does not answer in time")]
    Late,
    #[error("the gateway's reply is too long")]
    TooLong,
    #[error("the gateway's certificate or its TLS does not hold")]
    Tls,
    #[error("the gateway cannot be reached, or broke off")]
    Unreachable,
    #[error("no thread for the gateway")]
    Thread,
}

impl SmsGateway {
    /// Asked by POST with JSON. Places stand inside its strings.
    pub fn json(url: impl Into<String>, template: impl Into<String>) -> Self {
        Self::by(url.into(), Form::Json(template.into()))
    }

    /// Asked by POST with the fields of a form.
    pub fn form(url: impl Into<String>, fields: &[(&str, &str)]) -> Self {
        let owned = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self::by(url.into(), Form::Fields(owned.collect()))
    }

    /// With a header. It may have the places `{id}` and `{secret}`.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The token or password that the place `{secret}` stands for.
    pub fn secret(mut self, secret: Secret) -> Self {
        self.secret = secret;
        self
    }

    /// What a reply means that has one of these statuses and, where that is given, says this at this JSON pointer
    /// (RFC 6901). Rules are tried in their order, then: 2xx is [`Means::Accepted`]; 400, 410 and 422 speak of the
    /// message, [`Means::Rejected`]; everything else may be ours or the gateway's to mend, [`Means::Later`].
    pub fn when(mut self, statuses: RangeInclusive<u16>, says: Option<(&str, &str)>, means: Means) -> Self {
        let says = says.map(|(pointer, value)| (pointer.to_owned(), value.to_owned()));
        self.rules.push(Rule { statuses, says, means });
        self
    }

    /// How long one attempt may take in all; 20 seconds if nothing is said, and 60 at most.
    pub const fn timeout(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Believes the certificates that these roots (PEM) have signed, and no others: for a gateway with a CA of its own.
    pub fn trusting(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = Some(pem.into());
        self
    }

    /// The sender.
    ///
    /// # Errors
    /// [`Broken::Misuse`]: the address is not HTTPS (but for a loopback address) or holds a password; a header or the
    /// JSON is none; the time-out is none, or more than 60 seconds; there is no certificate in the roots.
    pub fn build(self) -> Result<SmsSender, Broken> {
        let misuse = Broken::Misuse;
        let url: Uri = self.url.parse().map_err(|_| misuse("the gateway's address is none"))?;
        let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let here = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if !(url.scheme_str() == Some("https") || (here && url.scheme_str() == Some("http"))) {
            return Err(misuse("a gateway is asked by HTTPS, in the clear only on a loopback address"));
        }
        if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(misuse("a password does not stand in an address: give it as a header"));
        }
        // Later another node may be at the message, and it would go out twice.
        if self.patience.is_zero() || self.patience > LEASE / 2 {
            return Err(misuse("a gateway has a time-out, of 60 seconds at most"));
        }
        let (json, fields) = match self.form {
            Form::Json(text) => {
                let json = serde_json::from_str(&text).map_err(|_| misuse("the gateway's JSON is none"))?;
                (Some(json), Vec::new())
            }
            Form::Fields(fields) => (None, fields),
        };
        let places = [("id", ID_OF_THIS_LENGTH), ("secret", self.secret.expose_str().unwrap_or("\n"))];
        let mut headers = Vec::new();
        for (name, value) in self.headers {
            let name = name.parse::<HeaderName>().map_err(|_| misuse("the name of a header is none"))?;
            if HeaderValue::from_str(&fill(&value, &places)).is_err() {
                return Err(misuse("the value of a header is none"));
            }
            headers.push((name, value));
        }
        let mut tls = TlsConfig::builder();
        if let Some(pem) = self.roots {
            let roots: Vec<_> = parse_pem(&pem)
                .filter_map(|item| match item {
                    Ok(PemItem::Certificate(root)) => Some(root),
                    _ => None,
                })
                .collect();
            if roots.is_empty() {
                return Err(misuse("no certificate in the roots"));
            }
            tls = tls.root_certs(RootCerts::Specific(Arc::new(roots)));
        }
        let agent = Agent::config_builder()
            .tls_config(tls.build())
            .timeout_global(Some(self.patience))
            // Whoever answers for the gateway shall not say where the code goes next.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            // From the environment, which nobody has looked at.
            .proxy(None)
            // A connection for each message: what a gateway says twice is not the reply to the next one.
            .max_idle_connections(0)
            .max_response_header_size(MOST_REPLY)
            .build()
            .new_agent();
        let Self { secret, rules, .. } = self;
        Ok(SmsSender(Arc::new(Gateway { agent, url, json, fields, headers, secret, rules })))
    }

    fn by(url: String, form: Form) -> Self {
        let secret = Secret::new(Vec::new());
        Self { url, form, headers: Vec::new(), secret, rules: Vec::new(), patience: PATIENCE, roots: None }
    }
}

impl Sender for SmsSender {
    fn takes(&self, address: &Identifier) -> bool {
        address.kind() == IdentifierKind::Phone
    }

    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        let (gateway, message) = (self.0.clone(), message.clone());
        Box::pin(async move {
            let (tell, told) = oneshot::slot();
            let work = move || tell.send(gateway.ask(&message));
            let thread = thread::Builder::new().name("propusk-sms".into()).spawn(work);
            let end = match thread {
                Ok(_) => told.await.unwrap_or(Err(Trouble::Thread)),
                Err(_) => Err(Trouble::Thread),
            };
            end.map_err(|trouble| SendError(Some(Box::new(trouble))))
        })
    }
}

impl Gateway {
    fn ask(&self, message: &Message) -> Result<Sent, Trouble> {
        let (phone, id, text) = (message.to.as_str(), message.id.to_string(), message.text().body);
        let places = [
            ("phone", phone),
            ("digits", phone.trim_start_matches('+')),
            ("text", text.as_str()),
            ("id", id.as_str()),
            ("secret", self.secret.expose_str().unwrap_or_default()),
        ];
        let mut request = self.agent.post(&self.url);
        for (name, value) in &self.headers {
            request = request.header(name, fill(value, &places));
        }
        let reply = match &self.json {
            Some(template) => {
                let mut json = template.clone();
                fill_all(&mut json, &places);
                request.header(header::CONTENT_TYPE, "application/json").send(json.to_string())
            }
            None => {
                let filled = self.fields.iter().map(|(name, value)| (name.as_str(), fill(value, &places)));
                request.send_form(filled)
            }
        };
        self.judge(reply.map_err(|error| trouble(&error))?)
    }

    fn judge(&self, mut reply: Response<Body>) -> Result<Sent, Trouble> {
        let status = reply.status().as_u16();
        // Read only where somebody asks: a gateway that accepts and then babbles has accepted.
        let mut said = None;
        let mut means = None;
        for rule in self.rules.iter().filter(|rule| rule.statuses.contains(&status)) {
            let Some((pointer, value)) = &rule.says else {
                means = Some(rule.means);
                break;
            };
            if said.is_none() {
                let body = reply.body_mut().with_config().limit(MOST_REPLY as u64).read_to_vec();
                let body = body.map_err(|error| trouble(&error))?;
                said = Some(serde_json::from_slice::<Value>(&body).unwrap_or(Value::Null));
            }
            let there = said.as_ref().and_then(|said| said.pointer(pointer)).map(|there| match there {
                Value::String(text) => Cow::Borrowed(text.as_str()),
                // A number or a truth value, as JSON writes it.
                other => Cow::Owned(other.to_string()),
            });
            if there.is_some_and(|there| there == value.as_str()) {
                means = Some(rule.means);
                break;
            }
        }
        let means = means.unwrap_or(match status {
            200..=299 => Means::Accepted,
            400 | 410 | 422 => Means::Rejected,
            _ => Means::Later,
        });
        match means {
            Means::Accepted => Ok(Sent::Delivered),
            Means::Rejected => Ok(Sent::Rejected),
            Means::Later => {
                let after = reply.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
                match after.and_then(|seconds| seconds.trim().parse().ok()) {
                    Some(seconds) => Ok(Sent::Later { after: Duration::from_secs(seconds) }),
                    None => Err(Trouble::Status(status)),
                }
            }
        }
    }
}

impl Debug for SmsGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmsGateway").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl Debug for SmsSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmsSender").finish_non_exhaustive()
    }
}

// Once from left to right: a place in what was put in is none.
fn fill(template: &str, places: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let place = places.iter().find_map(|(name, value)| {
            after.strip_prefix(name).and_then(|after| after.strip_prefix('}')).map(|after| (*value, after))
        });
        (_, rest) = match place {
            Some((value, after)) => (filled.push_str(value), after),
            None => (filled.push('{'), after),
        };
    }
    filled.push_str(rest);
    filled
}

// In the parsed JSON: a quotation mark in a text ends no string.
fn fill_all(json: &mut Value, places: &[(&str, &str)]) {
    match json {
        Value::String(text) => *text = fill(text, places),
        Value::Array(items) => items.iter_mut().for_each(|item| fill_all(item, places)),
        Value::Object(fields) => fields.values_mut().for_each(|field| fill_all(field, places)),
        _ => {}
    }
}

fn trouble(error: &ureq::Error) -> Trouble {
    match error {
        ureq::Error::Timeout(_) => Trouble::Late,
        ureq::Error::BodyExceedsLimit(_) | ureq::Error::LargeResponseHeader(..) => Trouble::TooLong,
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => Trouble::Tls,
        ureq::Error::Io(error) => match error.kind() {
            std::io::ErrorKind::TimedOut => Trouble::Late,
            // What a handshake ends in.
            std::io::ErrorKind::InvalidData => Trouble::Tls,
            _ => Trouble::Unreachable,
        },
        _ => Trouble::Unreachable,
    }
}

const PATIENCE: Duration = Duration::from_secs(20);
const MOST_REPLY: usize = 16 * 1024;
const ID_OF_THIS_LENGTH: &str = "00000000-0000-0000-0000-000000000000";
