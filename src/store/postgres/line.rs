use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row, Statement};

use super::failure::{Failure, LATE};

/// One statement and what is bound to it.
pub(super) struct Call<'a> {
    pub(super) sql: &'static str,
    pub(super) values: Values<'a>,
}

pub(super) type Values<'a> = Vec<Box<dyn ToSql + Send + Sync + 'a>>;

/// Values of different types, boxed.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        vec![$(Box::new($value) as Box<dyn tokio_postgres::types::ToSql + Send + Sync + '_>),*]
    };
}
pub(super) use values;

/// The way to the server.
pub(super) struct Line {
    pub(super) pool: Pool,
    pub(super) patience: Duration,
}

impl Line {
    /// One statement that only reads.
    pub(super) async fn ask(&self, call: Call<'_>) -> Result<Vec<Row>, Failure> {
        Ok(self.exchange(&[call], false).await?.pop().unwrap_or_default())
    }

    /// All statements in one transaction and one round trip: sent one after the other, then answered. Tried again
    /// when the server undoes it for another's sake, for nothing of it was applied then.
    pub(super) async fn transact(&self, calls: &[Call<'_>]) -> Result<Vec<Vec<Row>>, Failure> {
        for _ in 1..TRIES {
            match self.exchange(calls, true).await {
                Err(Failure::Again) => {}
                settled => return settled,
            }
        }
        self.exchange(calls, true).await
    }

    async fn exchange(&self, calls: &[Call<'_>], changes: bool) -> Result<Vec<Vec<Row>>, Failure> {
        let held = Held(Some(self.pool.get().await.map_err(unsent)?));
        let answers = tokio::time::timeout(self.patience, held.exchange(calls, changes));
        let answers = answers.await.unwrap_or(Err(Failure::Unavailable(LATE)));
        // After any other end nobody knows in what state the connection is.
        if matches!(answers, Ok(_) | Err(Failure::Lost(_) | Failure::Again)) {
            held.give_back();
        }
        answers
    }
}

/// A connection that goes back to the pool only when told: dropped in the middle, it is closed.
struct Held(Option<Object>);

impl Held {
    fn give_back(mut self) {
        drop(self.0.take());
    }

    async fn exchange(&self, calls: &[Call<'_>], changes: bool) -> Result<Vec<Vec<Row>>, Failure> {
        let Some(client) = &self.0 else { return Err(Failure::Unavailable(LATE)) };
        let statements = prepared(client, calls).await.map_err(unsent)?;
        let bound: Vec<Vec<&(dyn ToSql + Sync)>> =
            calls.iter().map(|call| call.values.iter().map(|value| &**value as _).collect()).collect();
        let mut sent: Vec<Sent<'_, Vec<Row>>> = Vec::with_capacity(calls.len() + 2);
        if changes {
            sent.push(Box::pin(async { client.batch_execute(BEGIN).await.map(|()| vec![]) }));
        }
        for (statement, values) in statements.iter().zip(&bound) {
            sent.push(Box::pin(client.query(statement, values)));
        }
        if changes {
            sent.push(Box::pin(async { client.batch_execute("COMMIT").await.map(|()| vec![]) }));
        }
        let first = usize::from(changes);
        let answers = in_order(sent).await.into_iter().enumerate();
        // The first error is the cause; those behind it are of statements that the server did not look at any more,
        // its answer to COMMIT among them (which is no error then: it says that it rolled back).
        let answers = answers
            .map(|(nth, answer)| answer.map_err(|error| Failure::of(error, nth.saturating_sub(first))))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(answers.into_iter().skip(first).take(calls.len()).collect())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.0.take().map(Object::take));
    }
}

/// Of a batch nothing was on its way yet.
fn unsent(failure: impl Into<Failure>) -> Failure {
    Failure::Untouched(Box::new(failure.into()))
}

/// The statements of the calls, from the connection's cache. What is missing there is prepared in one round trip.
async fn prepared(client: &Object, calls: &[Call<'_>]) -> Result<Vec<Statement>, Failure> {
    let mut texts: Vec<&'static str> = calls.iter().map(|call| call.sql).collect();
    texts.sort_unstable();
    texts.dedup();
    let sent = texts.iter().map(|sql| Box::pin(client.prepare_cached(sql)) as Sent<'_, Statement>).collect();
    let statements = in_order(sent).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    let of = |call: &Call<'_>| texts.binary_search(&call.sql).ok().and_then(|at| statements.get(at)).cloned();
    calls.iter().map(of).collect::<Option<_>>().ok_or(Failure::Corrupt("a statement that was not prepared"))
}

type Sent<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// The first look at such a future sends its messages, without waiting for anything: so all are sent in this order
/// before the first answer is read, and the server answers in this order.
async fn in_order<T>(mut sent: Vec<Sent<'_, T>>) -> Vec<Result<T, Error>> {
    let mut answers: Vec<Option<Result<T, Error>>> = sent.iter().map(|_| None).collect();
    let mut all_sent = false;
    poll_fn(|cx| {
        let mut waits = false;
        for (future, answer) in sent.iter_mut().zip(&mut answers).filter(|(_, answer)| answer.is_none()) {
            match future.as_mut().poll(cx) {
                Poll::Ready(done) => *answer = Some(done),
                Poll::Pending if all_sent => return Poll::Pending,
                Poll::Pending => waits = true,
            }
        }
        all_sent = true;
        if waits { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    answers.into_iter().flatten().collect()
}

/// A connection only reads by default (see `schema`): were BEGIN itself to fail, the statements behind it, each then
/// by itself, could change nothing.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

/// How often a transaction is sent before it is given up.
const TRIES: usize = 10;
