//! Jobs in the ledger's outbox: what a batch has revoked is revoked again, whatever became of the process that wrote
//! it, and twice more when a replica that had not heard of it may have been promoted.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Change, Hold, Hot, Split, Ticket};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::id::{AccountId, Epoch, MessageId, Realm, SessionId};
use crate::message::MessageRow;
use crate::secret::Route;
use crate::store::{Committed, Ledger, Reply, Write};

/// What one batch revokes of one account. Holds ids and numbers, nothing that lets anybody in.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Job {
    account: AccountId,
    route: [u8; 8],
    /// Older sessions end.
    epoch: Option<Epoch>,
    /// These end, by name: done late, "all" would also mean those that were begun since.
    sessions: Vec<SessionId>,
    /// How often it was done. How often it was handed out is another number: it counts tries that failed, and processes
    /// that died over it, and both come with the fail-over that the last time is for. A job of an earlier build does
    /// not say: it begins anew.
    #[serde(default)]
    done: u32,
}

/// The job of a batch, where it revokes anything.
pub(super) fn jobs(
    changes: &[Change],
    holds: &[Hold],
    caught: Vec<Vec<SessionId>>,
) -> Result<Option<Write>, StoreError> {
    let mut jobs: Vec<Job> = vec![];
    for change in changes {
        if let Change::Raise { account, route, to, .. } = change {
            jobs.push(Job::new(*account, *route, Some(*to), vec![]));
        }
    }
    for (hold, sessions) in holds.iter().zip(caught) {
        let (Hold::Session { account, route, .. } | Hold::Sessions { account, route, .. }) = hold else {
            continue;
        };
        // One that is added again under another token has not ended; a forgotten one was to end soon.
        let renewed = |id: &SessionId| {
            changes.iter().any(|change| matches!(change, Change::Add { row, .. } if row.id == *id))
        };
        let sessions: Vec<_> = sessions.into_iter().filter(|id| !renewed(id)).collect();
        match jobs.iter_mut().find(|job| job.account == *account) {
            // An epoch ends them all.
            Some(Job { epoch: Some(_), .. }) => {}
            Some(job) => job.sessions.extend(sessions),
            None if sessions.is_empty() => {}
            None => jobs.push(Job::new(*account, *route, None, sessions)),
        }
    }
    if jobs.is_empty() {
        return Ok(None);
    }
    let Ticket(id) = Ticket::random()?;
    message(MessageId::from_bytes(id), AT_ONCE, &jobs).map(Some)
}

fn message(id: MessageId, due: Timestamp, jobs: &[Job]) -> Result<Write, StoreError> {
    Ok(Write::Message(MessageRow {
        id,
        realm: REVOKE,
        account: None,
        deliver: true,
        due,
        attempts: 0,
        sealed: serde_json::to_vec(jobs).map_err(|_| StoreError::Corrupt("a job that revokes"))?,
    }))
}

/// A job under way.
struct Work<'a> {
    id: MessageId,
    jobs: Vec<Job>,
    done: u32,
    settling: Reply<'a, Committed>,
    settled: Option<bool>,
}

impl<L: Ledger, H: Hot> Split<L, H> {
    /// Does the jobs that are due, all at once: whoever asks for messages waits for it. One whose shard is down fails
    /// after seconds, and one after the other a hundred of them would hold the outbox up for minutes; and to stop at
    /// the first that fails would leave those of the other shards undone for as long as it stands before them.
    pub(super) async fn work_off(&self, now: Timestamp) -> Result<(), StoreError> {
        // Behind all that has become due by then: else the jobs of a shard that is down were first again and again. As
        // if untried: a node of the build before takes the number of tries for that of repetitions.
        let later = |id| Write::RetryMessage { id, due: now.after(LEASE), tried: false };
        let (mut writes, mut works) = (vec![], vec![]);
        for row in self.ledger.claim(REVOKE, now, LEASE, AT_ONCE_MOST).await? {
            let Ok(jobs) = serde_json::from_slice::<Vec<Job>>(&row.sealed) else {
                // Of a newer build: closed by a node that cannot read it, a revocation would be lost.
                writes.push(later(row.id));
                continue;
            };
            let done = jobs.iter().map(|job| job.done).min().unwrap_or_default();
            // The first time the batch that wrote it may have yet to settle. Later whoever held anything has settled,
            // or is dead.
            let spares = done == 0;
            let changes = jobs.iter().flat_map(|job| job.changes(spares)).collect();
            let settling = self.hot.settle(Ticket::random()?, changes);
            works.push(Work { id: row.id, jobs, done, settling, settled: None });
        }
        poll_fn(|cx| {
            for work in works.iter_mut().filter(|work| work.settled.is_none()) {
                if let Poll::Ready(end) = work.settling.as_mut().poll(cx) {
                    work.settled = Some(end.is_ok());
                }
            }
            if works.iter().all(|work| work.settled.is_some()) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        for Work { id, mut jobs, done, settled, .. } in works {
            if settled != Some(true) {
                writes.push(later(id));
                continue;
            }
            let pause = match done {
                0 => Some(AGAIN),
                1 => Some(AT_LAST),
                _ => None,
            };
            if let Some(pause) = pause {
                jobs.iter_mut().for_each(|job| job.done = done + 1);
                writes.push(message(follower(id), now.after(pause), &jobs)?);
            }
            writes.push(Write::CloseMessage { id, at: now, delivered: true });
        }
        if !writes.is_empty() {
            // Lost: this node was slower than its lease, and another has written what follows one of them. The others
            // are done again when theirs ends.
            let _ = self.ledger.commit(writes).await?;
        }
        Ok(())
    }
}

/// What follows a job has an id that the job's own tells: two nodes that do one job, the first slower than its lease,
/// write it once.
fn follower(id: MessageId) -> MessageId {
    MessageId::from_bytes(u128::from_be_bytes(*id.as_bytes()).wrapping_add(1).to_be_bytes())
}

impl Job {
    fn new(account: AccountId, route: Route, epoch: Option<Epoch>, sessions: Vec<SessionId>) -> Self {
        Self { account, route: *route.as_bytes(), epoch, sessions, done: 0 }
    }

    fn changes(&self, spares: bool) -> Vec<Change> {
        let (account, route) = (self.account, Route::from_bytes(self.route));
        let drops = self.sessions.iter().map(|id| Change::Drop { account, route, id: *id, spares });
        drops.chain(self.epoch.map(|to| Change::Raise { account, route, to, spares })).collect()
    }
}

const REVOKE: Realm = Realm::new("propusk:revoke");
/// Before any present moment: the batch does not say when it is.
const AT_ONCE: Timestamp = Timestamp::from_millis(0);
const AT_ONCE_MOST: usize = 100;
/// Longer than hot stores take to give up. A job that failed is tried again after as long.
const LEASE: Duration = Duration::from_secs(15);
/// A healthy replica lags by much less; one that is promoted after that had heard of the first time.
const AGAIN: Duration = Duration::from_secs(10);
/// The longest that a replica may have heard nothing and still be promoted is 160 seconds in a cluster that is set as it
/// comes, and 310 with Sentinel.
const AT_LAST: Duration = Duration::from_secs(600);
