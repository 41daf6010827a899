//! A factor that counts what it was really asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use propusk::Factor;
use propusk::error::FactorError;
use propusk::factor::{Begun, Context, Credential, EnrolPlugin, Reason, Source, Verdict};
use propusk::hash::HashPool;
use propusk::id::FactorName;
use propusk::lockout::Limit;
use propusk::proof::Proves;

#[derive(Debug)]
pub(crate) struct Evaluated<F>(pub(crate) F, pub(crate) Arc<AtomicUsize>);

impl<F: Factor> Factor for Evaluated<F> {
    type Data = F::Data;
    type State = F::State;
    type Answer = F::Answer;

    fn name(&self) -> FactorName {
        self.0.name()
    }
    fn could_prove(&self, data: Option<&F::Data>) -> Proves {
        self.0.could_prove(data)
    }
    async fn answer(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<F::Data>],
        state: F::State,
        answer: F::Answer,
    ) -> Result<Verdict<F::Data, F::State>, FactorError> {
        let verdict = self.0.answer(cx, mine, state, answer).await;
        let compared = match &verdict {
            Ok(Verdict::Refuse { reason, .. }) => matches!(reason, Reason::Wrong),
            _ => true,
        };
        self.1.fetch_add(usize::from(compared), Ordering::SeqCst);
        verdict
    }
    async fn begin(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<F::Data>],
        before: Option<F::State>,
    ) -> Result<Begun<F::State>, FactorError> {
        self.0.begin(cx, mine, before).await
    }
    fn decoy(&self, hashes: &HashPool, seed: [u8; 32]) -> Option<F::Data> {
        self.0.decoy(hashes, seed)
    }
    fn takes_hash(&self) -> bool {
        self.0.takes_hash()
    }
    fn source(&self) -> Source {
        self.0.source()
    }
    fn limit(&self) -> Limit {
        self.0.limit()
    }
    fn enrolment(&self) -> Option<&dyn EnrolPlugin> {
        self.0.enrolment()
    }
}
