//! Where the uses of a round meet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use propusk::Factor;
use propusk::error::{Broken, FactorError};
use propusk::factor::{
    Begun, Context, Credential, Enrol, EnrolPlugin, Enrolled, Found, Mailbox, Prompt, Source, Verdict,
};
use propusk::hash::HashPool;
use propusk::human::{HumanCheck, HumanContext, HumanWay, Judging, ProofOfWork};
use propusk::id::FactorName;
use propusk::lockout::Limit;
use propusk::message::Locale;
use propusk::proof::Proves;
use tokio::sync::watch;

/// Longer than everything that a round waits for, shorter than the patience of who waits for the test.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub struct Meeting {
    parties: AtomicUsize,
    here: AtomicUsize,
    met: AtomicBool,
    open: watch::Sender<bool>,
}

impl Meeting {
    pub fn new() -> Self {
        let (met, open) = (AtomicBool::new(false), watch::Sender::new(true));
        Self { parties: 0.into(), here: 0.into(), met, open }
    }

    pub fn arm(&self, parties: usize) {
        self.parties.store(parties, Ordering::SeqCst);
        self.here.store(0, Ordering::SeqCst);
        self.met.store(false, Ordering::SeqCst);
        self.open.send_replace(false);
    }

    /// Everybody goes on alone from here; whether all had met before.
    pub fn disarm(&self) -> bool {
        self.open.send_replace(true);
        self.met.load(Ordering::SeqCst)
    }

    async fn wait(&self) {
        let mut open = self.open.subscribe();
        if *open.borrow_and_update() {
            return;
        }
        if self.here.fetch_add(1, Ordering::SeqCst) + 1 == self.parties.load(Ordering::SeqCst) {
            self.met.store(true, Ordering::SeqCst);
            self.open.send_replace(true);
        }
        // A use that never came must not stop the others for ever: the round does not count then.
        let _ = tokio::time::timeout(PATIENCE, open.wait_for(|open| *open)).await;
    }
}

/// A factor whose answers and confirmations meet, and whose guard bears everything.
#[derive(Debug)]
pub struct AtOnce<F> {
    inner: F,
    meeting: Arc<Meeting>,
    plugin: for<'a> fn(&'a Self) -> Option<&'a dyn EnrolPlugin>,
}

impl<F: Factor> AtOnce<F> {
    pub fn new(inner: F, meeting: &Arc<Meeting>) -> Self {
        Self { inner, meeting: Arc::clone(meeting), plugin: |_| None }
    }
}

/// A check of puzzles whose judgements meet, and which a debug build solves at once.
#[derive(Debug)]
pub struct Together(pub Arc<Meeting>);

impl Together {
    fn easy() -> ProofOfWork {
        let mut check = ProofOfWork::default();
        (check.bits, check.count) = (3, 8);
        check
    }
}

impl HumanCheck for Together {
    fn pose(&self, cx: &HumanContext<'_>, way: HumanWay) -> Result<Option<Prompt>, Broken> {
        Self::easy().pose(cx, way)
    }

    fn judge<'a>(&'a self, cx: HumanContext<'a>, answer: &'a str) -> Judging<'a> {
        Box::pin(async move {
            self.0.wait().await;
            Self::easy().judge(cx, answer).await
        })
    }
}

impl<F: Enrol> AtOnce<F> {
    pub fn enrolled(inner: F, meeting: &Arc<Meeting>) -> Self {
        Self { inner, meeting: Arc::clone(meeting), plugin: |it| Some(it) }
    }
}

impl<F: Factor> Factor for AtOnce<F> {
    type Data = F::Data;
    type State = F::State;
    type Answer = F::Answer;

    fn name(&self) -> FactorName {
        self.inner.name()
    }
    fn title(&self, locale: Locale) -> String {
        self.inner.title(locale)
    }
    fn could_prove(&self, data: Option<&F::Data>) -> Proves {
        self.inner.could_prove(data)
    }
    async fn answer(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<F::Data>],
        state: F::State,
        answer: F::Answer,
    ) -> Result<Verdict<F::Data, F::State>, FactorError> {
        self.meeting.wait().await;
        self.inner.answer(cx, mine, state, answer).await
    }
    async fn begin(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<F::Data>],
        before: Option<F::State>,
    ) -> Result<Begun<F::State>, FactorError> {
        self.inner.begin(cx, mine, before).await
    }
    fn discoverable(&self) -> bool {
        self.inner.discoverable()
    }
    async fn find(
        &self,
        cx: &Context<'_>,
        state: F::State,
        answer: &F::Answer,
    ) -> Result<Option<Found<F::State>>, FactorError> {
        self.inner.find(cx, state, answer).await
    }
    fn decoy(&self, hashes: &HashPool, seed: [u8; 32]) -> Option<F::Data> {
        self.inner.decoy(hashes, seed)
    }
    fn takes_hash(&self) -> bool {
        self.inner.takes_hash()
    }
    fn source(&self) -> Source {
        self.inner.source()
    }
    fn limit(&self) -> Limit {
        Limit::PORTAL.with_free(1_000_000).with_allowance(1_000_000)
    }
    fn mailbox(&self) -> Option<Mailbox> {
        self.inner.mailbox()
    }
    fn enrolment(&self) -> Option<&dyn EnrolPlugin> {
        (self.plugin)(self)
    }
}

impl<F: Enrol> Enrol for AtOnce<F> {
    type Proposal = F::Proposal;
    type Confirm = F::Confirm;

    async fn propose(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<F::Data>],
    ) -> Result<Begun<F::Proposal>, FactorError> {
        self.inner.propose(cx, mine).await
    }
    async fn confirm(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<F::Data>],
        proposal: F::Proposal,
        answer: F::Confirm,
    ) -> Result<Enrolled<F::Data>, FactorError> {
        self.meeting.wait().await;
        self.inner.confirm(cx, mine, proposal, answer).await
    }
}
