//! Passwords that are known from leaks (ASVS 6.2.12, NIST SP 800-63B-4 section 3.1.1.2).
//!
//! Asked when a password is chosen, after the policy has taken it and before anything is hashed. [`Ranges`] asks a
//! service by k-anonymity: it learns five of the forty hexadecimal signs of a SHA-1, which some eight hundred leaked
//! passwords share, and never whether there was a hit. The library has no HTTP client: a [`RangeSource`] is one method
//! over the client that an application has.

use std::error::Error as StdError;
use std::fmt::{self, Debug};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use ring::digest;
use zeroize::Zeroizing;

use crate::clock::Sleep;
use crate::secret::Secret;

/// Knows passwords from leaks: a service, or an application's own file.
pub trait BreachCheck: Debug + Send + Sync + 'static {
    /// How often this password was seen; 0: never. It is as [`normalise`](crate::policy::password::normalise) made it.
    /// Must end in bounded time.
    ///
    /// # Errors
    /// When there is no answer: then [`OnFailure`] decides.
    fn seen<'a>(&'a self, password: &'a Secret) -> Checking<'a, u64>;
}

/// What a check gives in the end.
pub type Checking<'a, T> = Pin<Box<dyn Future<Output = Result<T, NoAnswer>> + Send + 'a>>;

/// The service gave no answer that can be read, or none in time.
#[derive(Debug, thiserror::Error)]
#[error("the breach service gives no answer")]
pub struct NoAnswer(#[source] pub Option<Box<dyn StdError + Send + Sync>>);

/// What becomes of a new password while the service gives no answer. There is no default: either may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// Fail open: taken unchecked. People can go on, and [`Ranges::unanswered`] says how many were.
    Accept,
    /// Fail closed: nobody can set a password; the step fails as an outage, and nothing is written.
    Refuse,
}

/// The one request that [`Ranges`] makes, in whatever client an application has.
pub trait RangeSource: Debug + Send + Sync + 'static {
    /// The body of `GET` [`Prefix::path`] with the header [`PADDING`], at a service that speaks the range protocol:
    /// a line `SUFFIX:COUNT` for each hash that begins with the prefix. Follow no redirects, and read no more than
    /// [`MOST_BODY`] bytes.
    ///
    /// # Errors
    /// Anything but a 200 with its whole body.
    fn lines(&self, prefix: Prefix) -> Checking<'_, String>;
}

/// The header that asks for answers of like length, so that whoever sees their size on the wire learns no prefix.
/// Its made-up lines have the count 0.
pub const PADDING: (&str, &str) = ("Add-Padding", "true");
/// No answer is longer: the service gives up to some 60 kB.
pub const MOST_BODY: usize = 256 * 1024;

/// The first five hexadecimal signs of a hash: all that leaves the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Prefix([u8; PREFIX_SIGNS]);

impl Prefix {
    /// In capital letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The path of the request: `/range/5BAA6`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/range/{}", self.as_str())
    }
}

impl Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prefix")
    }
}

/// A check by ranges of hashes, with a time-out.
pub struct Ranges {
    source: Box<dyn RangeSource>,
    sleep: Arc<dyn Sleep>,
    time_out: Duration,
    unanswered: AtomicU64,
}

impl Ranges {
    /// Asks this source and gives up after `time_out`, which `sleep` measures: two seconds are plenty.
    pub fn new(source: impl RangeSource, sleep: impl Sleep, time_out: Duration) -> Self {
        Self { source: Box::new(source), sleep: Arc::new(sleep), time_out, unanswered: AtomicU64::new(0) }
    }

    /// How often there was no answer since the start: for an operator's alarm.
    pub fn unanswered(&self) -> u64 {
        self.unanswered.load(Ordering::Relaxed)
    }

    async fn ask(&self, password: &Secret) -> Result<u64, NoAnswer> {
        // Not for security: it is the protocol's, and the service's lists are public.
        let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, password.expose());
        let hex = Zeroizing::new(data_encoding::HEXUPPER.encode(hash.as_ref()));
        let (prefix, suffix) = hex.split_at_checked(PREFIX_SIGNS).ok_or(NoAnswer(None))?;
        let prefix = Prefix(prefix.as_bytes().try_into().map_err(|_| NoAnswer(None))?);
        let mut answer = pin!(self.source.lines(prefix));
        let mut time_out = pin!(self.sleep.sleep(self.time_out));
        let body = poll_fn(|cx| match answer.as_mut().poll(cx) {
            Poll::Ready(body) => Poll::Ready(body),
            Poll::Pending => time_out.as_mut().poll(cx).map(|()| Err(NoAnswer(None))),
        })
        .await?;
        if body.len() > MOST_BODY {
            return Err(NoAnswer(None));
        }
        let mut seen = 0;
        let mut lines = 0;
        for line in body.lines().map(str::trim).filter(|line| !line.is_empty()) {
            // A page of a captive portal, an error in HTML: no answer, and never "not seen".
            let (hash, count) = line.split_once(':').ok_or(NoAnswer(None))?;
            let count = count.trim().parse().map_err(|_| NoAnswer(None))?;
            if hash.len() != SUFFIX_SIGNS || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(NoAnswer(None));
            }
            if hash.eq_ignore_ascii_case(suffix) {
                seen = count;
            }
            lines += 1;
        }
        // Every prefix has some: an empty body is a broken proxy.
        if lines == 0 { Err(NoAnswer(None)) } else { Ok(seen) }
    }
}

impl BreachCheck for Ranges {
    fn seen<'a>(&'a self, password: &'a Secret) -> Checking<'a, u64> {
        Box::pin(async move {
            let seen = self.ask(password).await;
            if seen.is_err() {
                self.unanswered.fetch_add(1, Ordering::Relaxed);
            }
            seen
        })
    }
}

/// Shared, so that an application can read the count of what it gave away.
impl<C: BreachCheck> BreachCheck for Arc<C> {
    fn seen<'a>(&'a self, password: &'a Secret) -> Checking<'a, u64> {
        (**self).seen(password)
    }
}

impl Debug for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ranges")
            .field("source", &self.source)
            .field("time_out", &self.time_out)
            .finish_non_exhaustive()
    }
}

const PREFIX_SIGNS: usize = 5;
const SUFFIX_SIGNS: usize = 35;
