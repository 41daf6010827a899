//! What races need: factors without the limit of five, and a way to wait for another node.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use propusk::Factor;
use propusk::clock::Sleep;
use propusk::error::FactorError;
use propusk::factor::{Begun, Context, Credential, EnrolPlugin, Source, Verdict};
use propusk::hash::HashPool;
use propusk::id::FactorName;
use propusk::lockout::Limit;
use propusk::proof::Proves;

/// A factor whose guard bears everything: else a limit of five makes a race five wide.
#[derive(Debug)]
pub(crate) struct Wide<F>(pub(crate) F);

impl<F: Factor> Factor for Wide<F> {
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
        self.0.answer(cx, mine, state, answer).await
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
    fn source(&self) -> Source {
        self.0.source()
    }
    fn limit(&self) -> Limit {
        Limit::PORTAL.with_free(1000).with_allowance(1000)
    }
    fn enrolment(&self) -> Option<&dyn EnrolPlugin> {
        self.0.enrolment()
    }
}

#[derive(Debug)]
pub(crate) struct Nap;

impl Sleep for Nap {
    // As long as asked: naps of no length would keep one node's writer at the file without a gap for the other's.
    fn sleep(&self, span: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(span))
    }
}
