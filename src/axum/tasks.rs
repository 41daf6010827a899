//! What runs beside a request: steps that outlive their client, the tending of what is due, a sleep.

use std::fmt::{self, Debug};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use ::axum::extract::Request;
use ::axum::middleware::Next;
use ::axum::response::{IntoResponse, Response};
use tokio::task::JoinHandle;

use super::Problem;
use super::caller;
use super::problem::Fault;
use crate::auth::Auth;
use crate::clock::Sleep;

/// A middleware: what a request began runs to its end when its client hangs up, and a panic in it is a problem
/// document. The library's routes have it; put it around handlers of your own that take steps:
/// `.layer(axum::middleware::from_fn(propusk::axum::to_end))`.
///
/// A safe method (RFC 9110, section 9.2.1) begins nothing: it ends with its client.
pub async fn to_end(request: Request, next: Next) -> Response {
    let locale = caller::locale(request.headers());
    let safe = request.method().is_safe();
    let mut handler = Box::pin(next.run(request));
    let ended = if safe {
        // A task of its own would cost a wake of another thread, as much as the rest of a session check.
        poll_fn(|context| {
            let polled = catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(context)));
            polled.map_or(Poll::Ready(None), |polled| polled.map(Some))
        })
        .await
    } else {
        // Another task is in no span: its steps would be nobody's in the application's logs.
        #[cfg(feature = "tracing")]
        let handler = tracing::Instrument::in_current_span(handler);
        tokio::spawn(handler).await.ok()
    };
    ended.unwrap_or_else(|| Problem::fault(Fault::Broken, locale).into_response())
}

/// Does what is due, again and again: delivers messages, purges. What does not work is tried again.
///
/// Must be called within a tokio runtime.
pub fn tend(auth: Auth) -> Tending {
    let trouble = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&trouble);
    let task = tokio::spawn(async move {
        loop {
            let round = auth.clone();
            // In a task of its own: a sender that panics ends this round, not the tending.
            let ended = tokio::spawn(async move { round.tend(BUDGET).await }).await;
            let (wait, error) = match ended {
                Ok(Ok(tended)) => (tended.next_at.since(auth.now()), None),
                Ok(Err(broken)) => (AFTER_TROUBLE, Some(broken.to_string())),
                Err(_) => (AFTER_TROUBLE, Some(String::from("a sender or a store panicked"))),
            };
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = error;
            // Never at once: a clock that jumps must not make this loop spin.
            tokio::time::sleep(wait.clamp(SHORTEST, LONGEST)).await;
        }
    });
    Tending { task, trouble }
}

/// The running [`tend`]. It ends when this is dropped.
#[must_use = "tending ends when this is dropped"]
pub struct Tending {
    task: JoinHandle<()>,
    trouble: Arc<Mutex<Option<String>>>,
}

impl Tending {
    /// What did not work in the last round, for a health check. Nothing: all is well.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Tending {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Debug for Tending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tending").field("trouble", &self.trouble()).finish_non_exhaustive()
    }
}

/// tokio's sleep, for [`Builder::sleep`](crate::auth::Builder::sleep).
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioSleep;

impl Sleep for TokioSleep {
    fn sleep(&self, span: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(span))
    }
}

const BUDGET: usize = 100;
const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(60);
const AFTER_TROUBLE: Duration = Duration::from_secs(5);
