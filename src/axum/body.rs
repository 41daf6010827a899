//! Bodies: bounded in size and time, in a buffer that is erased.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::time::Duration;

use ::axum::body::{Body, HttpBody};
use ::axum::extract::{FromRequest, Request};
use ::axum::http::{HeaderMap, header};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::caller::Caller;
use super::problem::Fault;
use super::{AuthHttp, Problem};

/// A request with a JSON body, not yet parsed: what is parsed borrows from it.
pub(crate) struct Call {
    pub(crate) caller: Caller,
    bytes: Zeroizing<Vec<u8>>,
}

impl Call {
    /// The body as `T`, which denies unknown fields; serde refuses duplicate ones.
    pub(crate) fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Problem> {
        // serde would take a list of the same fields too: a second spelling of one request.
        if self.bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err(self.caller.fault(Fault::Malformed));
        }
        serde_json::from_slice(&self.bytes)
            .map_err(|error| Problem::malformed(&error, self.caller.client.locale))
    }
}

impl FromRequest<AuthHttp> for Call {
    type Rejection = Problem;

    async fn from_request(request: Request, http: &AuthHttp) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let caller = Caller::of(http, &parts)?;
        let bytes =
            read(&parts.headers, body, "application/json").await.map_err(|fault| caller.fault(fault))?;
        Ok(Self { caller, bytes })
    }
}

/// The whole body, if it is of this type and at most 64 KiB.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    media_type: &str,
) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let is = |line: &str| line.split(';').next().is_some_and(|it| it.trim().eq_ignore_ascii_case(media_type));
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let fits = types.next().and_then(|line| line.to_str().ok()).is_some_and(is) && types.next().is_none();
    // A compressed body would be a way around the limit.
    if !fits || headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Fault::MediaType);
    }
    let mut body = pin!(body);
    let read =
        tokio::time::timeout(PATIENCE, collect(headers, body.as_mut())).await.unwrap_or(Err(Fault::TimedOut));
    // A client that asked first is answered at once. Another still writes, and would see the connection break
    // instead of the answer: what it sends is thrown away, up to a limit.
    if matches!(read, Err(Fault::TooLarge)) && !headers.contains_key(header::EXPECT) {
        let _ = tokio::time::timeout(PATIENCE, drain(body)).await;
    }
    read
}

async fn collect(headers: &HeaderMap, mut body: Pin<&mut Body>) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let told =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if told.is_some_and(|told| told > LIMIT) {
        return Err(Fault::TooLarge);
    }
    // All room at once: a buffer that grew would leave copies of a password behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(told.unwrap_or(LIMIT)));
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let Ok(data) = frame.map_err(|_| Fault::Malformed)?.into_data() else { continue };
        if bytes.len() + data.len() > LIMIT.min(bytes.capacity()) {
            return Err(Fault::TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

async fn drain(mut body: Pin<&mut Body>) {
    let mut left = MOST_DRAINED;
    while let Some(Ok(frame)) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let len = frame.into_data().map_or(0, |data| data.len());
        match left.checked_sub(len) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// The largest body of a JSON request or a form, in bytes.
const LIMIT: usize = 64 * 1024;
const MOST_DRAINED: usize = 16 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);
