//! What is seen, and what is told of it.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::stores::{Store as SeenStore, Throttle as SeenThrottle};
use crate::error::Broken;
use crate::flow::{Closing, Followed, Kind, Looked, Objected, Posted, Refreshed, Step};
use crate::human::Puzzle;
use crate::id::FactorName;
use crate::session::Session;
use crate::store::{Store, Throttle};

/// How something ended, in one word of a fixed list.
pub(crate) trait Outcome {
    fn word(&self) -> &'static str;
}

impl Outcome for Step {
    fn word(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Pending(_) => "pending",
            Self::Refused(why) => why.code.as_str(),
        }
    }
}

impl Outcome for Closing {
    fn word(&self) -> &'static str {
        match self {
            Self::Closed { .. } => "closed",
            Self::Prove(step) => step.word(),
        }
    }
}

impl Outcome for Posted {
    fn word(&self) -> &'static str {
        match self {
            Self::Claimed(_) => "claimed",
            Self::Left => "left",
            Self::Refused(why) => why.code.as_str(),
        }
    }
}

impl Outcome for Looked {
    fn word(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Refused(why) => why.code.as_str(),
        }
    }
}

impl Outcome for Objected {
    fn word(&self) -> &'static str {
        match self {
            Self::To(what) => what.as_str(),
            Self::Refused(why) => why.code.as_str(),
        }
    }
}

impl Outcome for Refreshed {
    fn word(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Refused(why) => why.code.as_str(),
        }
    }
}

impl Outcome for Puzzle {
    fn word(&self) -> &'static str {
        match self {
            Self::Posed(_) => "posed",
            Self::Refused(why) => why.code.as_str(),
        }
    }
}

impl Outcome for Followed {
    fn word(&self) -> &'static str {
        match self {
            Self::Step(step) => step.word(),
            Self::Left => "left",
        }
    }
}

impl Outcome for Option<Session> {
    fn word(&self) -> &'static str {
        if self.is_some() { "live" } else { "none" }
    }
}

/// Says what each metric is, to the recorder that is installed by now.
pub(crate) fn describe() {
    #[cfg(feature = "metrics")]
    {
        use metrics::Unit;
        for (name, text) in COUNTERS {
            metrics::describe_counter!(*name, Unit::Count, *text);
        }
        for (name, text) in HISTOGRAMS {
            metrics::describe_histogram!(*name, Unit::Seconds, *text);
        }
        metrics::describe_gauge!("propusk_hash_queue", Unit::Count, "slow hashes that wait for a worker now");
    }
}

/// One step of a flow, or one call at a mailbox. Told when it has ended, or as `dropped` when its future is.
pub(crate) async fn step<T: Outcome>(
    call: &'static str,
    step: impl Future<Output = Result<T, Broken>>,
) -> Result<T, Broken> {
    let mut seen = Seen::new(call);
    let mut step = pin!(step);
    let end = poll_fn(|cx| seen.during(|| step.as_mut().poll(cx))).await;
    seen.outcome = word(&end);
    #[cfg(feature = "tracing")]
    if let Err(broken) = &end {
        // Its own words only, which are this crate's: the cause behind them is a driver's, and may quote a row.
        tracing::error!(target: "propusk", parent: &seen.span, "{broken}");
    }
    end
}

/// The flow that the step at hand is about is of this kind.
pub(crate) fn flow(kind: &Kind) {
    let word = match kind {
        Kind::SignUp(_) => "sign-up",
        Kind::SignIn => "sign-in",
        Kind::Recover { .. } => "recover",
        Kind::StepUp { what: None, .. } => "step-up",
        Kind::StepUp { .. } => "approve",
        Kind::Contact { .. } => "contact",
        Kind::Remove { .. } => "remove",
        Kind::Credential { replace: true, .. } => "change",
        Kind::Credential { replace: false, .. } => "enrol",
    };
    note(|noted| noted.flow = Some(word));
}

/// The step at hand is about this factor, one of those that the builder was given: a name that a client made up is
/// never a label.
pub(crate) fn factor(name: &FactorName) {
    note(|noted| noted.factor = noted.factor.take().or_else(|| Some(name.clone())));
}

/// A guard has let the answer of the step at hand be judged.
pub(super) fn granted() {
    note(|noted| noted.granted = true);
}

/// One check of a session.
pub(crate) async fn session(
    check: impl Future<Output = Result<Option<Session>, Broken>>,
) -> Result<Option<Session>, Broken> {
    let end = check.await;
    count("propusk_sessions_total", [("outcome", word(&end))]);
    end
}

/// The store, each call of which is timed.
pub(crate) fn store(store: Arc<dyn Store>) -> Arc<dyn Store> {
    Arc::new(SeenStore(store))
}

/// The throttle, each call of which is timed.
pub(crate) fn throttle(throttle: Arc<dyn Throttle>) -> Arc<dyn Throttle> {
    Arc::new(SeenThrottle(throttle))
}

/// What became of a message: delivered, postponed, given up.
pub(crate) fn message(outcome: &'static str) {
    count("propusk_messages_total", [("outcome", outcome)]);
    #[cfg(feature = "tracing")]
    if outcome != "delivered" {
        tracing::warn!(target: "propusk", outcome, "a row of the outbox is not done");
    }
}

/// The hash queue had no place.
pub(crate) fn hash_refused() {
    count("propusk_hash_refused_total", []);
    #[cfg(feature = "tracing")]
    tracing::warn!(target: "propusk", "the hash queue is full");
}

/// A hash that waits for its turn. Counted while it lives.
pub(crate) struct Queued(Instant);

impl Queued {
    pub(crate) fn now() -> Self {
        #[cfg(feature = "metrics")]
        metrics::gauge!("propusk_hash_queue").increment(1.0);
        Self(Instant::now())
    }

    /// Its turn has come.
    pub(crate) fn begin<T>(self, hash: impl FnOnce() -> T) -> T {
        time("propusk_hash_wait_seconds", [], self.0.elapsed());
        drop(self);
        let began = Instant::now();
        let end = hash();
        time("propusk_hash_seconds", [], began.elapsed());
        end
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        #[cfg(feature = "metrics")]
        metrics::gauge!("propusk_hash_queue").decrement(1.0);
    }
}

#[cfg_attr(not(feature = "metrics"), expect(unused_variables, reason = "nobody counts"))]
pub(super) fn count<const N: usize>(name: &'static str, labels: [(&'static str, &'static str); N]) {
    #[cfg(feature = "metrics")]
    metrics::counter!(name, &labels).increment(1);
}

#[cfg_attr(not(feature = "metrics"), expect(unused_variables, reason = "nobody times"))]
pub(super) fn time<const N: usize>(
    name: &'static str,
    labels: [(&'static str, &'static str); N],
    took: Duration,
) {
    #[cfg(feature = "metrics")]
    metrics::histogram!(name, &labels).record(took.as_secs_f64());
}

fn word<T: Outcome>(end: &Result<T, Broken>) -> &'static str {
    end.as_ref().map_or("broken", Outcome::word)
}

/// What a step tells of itself on its way.
#[derive(Default)]
struct Noted {
    flow: Option<&'static str>,
    factor: Option<FactorName>,
    granted: bool,
}

thread_local! {
    // Whose step runs on this thread now: each poll brings its own and takes it away again.
    static NOTED: Cell<Noted> = Cell::default();
}

fn note(write: impl FnOnce(&mut Noted)) {
    NOTED.with(|cell| {
        let mut noted = cell.take();
        write(&mut noted);
        cell.set(noted);
    });
}

struct Seen {
    #[cfg_attr(not(feature = "metrics"), expect(dead_code, reason = "the span has it"))]
    call: &'static str,
    outcome: &'static str,
    began: Instant,
    noted: Noted,
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

impl Seen {
    fn new(call: &'static str) -> Self {
        Self {
            call,
            outcome: "dropped",
            began: Instant::now(),
            noted: Noted::default(),
            #[cfg(feature = "tracing")]
            span: {
                use tracing::field::Empty;
                tracing::info_span!(
                    target: "propusk", "step", call, flow = Empty, factor = Empty, outcome = Empty, ms = Empty
                )
            },
        }
    }

    fn during<T>(&mut self, poll: impl FnOnce() -> Poll<T>) -> Poll<T> {
        #[cfg(feature = "tracing")]
        let _entered = self.span.enter();
        let _turn = Turn::of(&mut self.noted);
        poll()
    }
}

/// A poll of a step: what it notes goes to it, also when it panics.
struct Turn<'a> {
    noted: &'a mut Noted,
    outer: Noted,
}

impl<'a> Turn<'a> {
    fn of(noted: &'a mut Noted) -> Self {
        let outer = NOTED.replace(std::mem::take(noted));
        Self { noted, outer }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.noted = NOTED.replace(std::mem::take(&mut self.outer));
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        let (flow, outcome) = (self.noted.flow.unwrap_or("none"), self.outcome);
        let factor = self.noted.factor.as_ref().map_or("none", FactorName::as_str);
        #[cfg(feature = "metrics")]
        {
            use metrics::SharedString;
            let factor: SharedString = factor.to_owned().into();
            let labels = [
                ("call", SharedString::const_str(self.call)),
                ("flow", SharedString::const_str(flow)),
                ("factor", factor.clone()),
                ("outcome", SharedString::const_str(outcome)),
            ];
            let [call, _, by, _] = labels.clone();
            metrics::counter!("propusk_steps_total", &labels).increment(1);
            metrics::histogram!("propusk_step_seconds", &[call, by]).record(took.as_secs_f64());
            // Held, although its guard had let it be judged: this very answer began the hold.
            if self.noted.granted && outcome == "held" {
                metrics::counter!("propusk_holds_total", &[("factor", factor)]).increment(1);
            }
        }
        #[cfg(feature = "tracing")]
        {
            self.span.record("flow", flow).record("factor", factor).record("outcome", outcome);
            self.span.record("ms", took.as_secs_f64() * 1000.0);
            tracing::info!(target: "propusk", parent: &self.span, "ended");
        }
    }
}

#[cfg(feature = "metrics")]
const COUNTERS: &[(&str, &str)] = &[
    ("propusk_steps_total", "steps of flows by call, kind of flow, factor and outcome"),
    ("propusk_holds_total", "holds that began, by factor"),
    ("propusk_guards_total", "what guards said before an answer was judged, by outcome"),
    ("propusk_sessions_total", "checks of a session by outcome"),
    ("propusk_messages_total", "messages by what became of them"),
    ("propusk_hash_refused_total", "hashes refused because the queue was full"),
    ("propusk_store_errors_total", "store calls that failed, by call"),
];

#[cfg(feature = "metrics")]
const HISTOGRAMS: &[(&str, &str)] = &[
    ("propusk_step_seconds", "time of a step by call and factor"),
    ("propusk_store_seconds", "time of a store call by call"),
    ("propusk_hash_wait_seconds", "time that a slow hash waited for a worker"),
    ("propusk_hash_seconds", "time that a slow hash took"),
];
