//! Jobs in the ledger's outbox: what a batch has revoked is revoked again, whatever became of the process that wrote
//! it, and twice more when a replica that had not heard of it may have been promoted.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Change, Hold, Hot, Split, Ticket};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::id::{AccountId, Epoch, MessageId, Realm, SessionId};
use crate::message::MessageRow;
use crate::secret::Route;
use crate::store::{Ledger, Write};

/// What one batch revokes of one account. Holds ids and numbers, nothing that lets anybody in.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Job {
    account: AccountId,
    route: [u8; 8],
    /// Older sessions end.
    epoch: Option<Epoch>,
    /// These end, by name: done late, "all" would also mean those that were begun since.
    sessions: Vec<SessionId>,
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
            jobs.push(Job {
                account: *account,
                route: *route.as_bytes(),
                epoch: Some(*to),
                sessions: vec![],
            });
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
            None => jobs.push(Job { account: *account, route: *route.as_bytes(), epoch: None, sessions }),
        }
    }
    if jobs.is_empty() {
        return Ok(None);
    }
    let Ticket(id) = Ticket::random()?;
    Ok(Some(Write::Message(MessageRow {
        id: MessageId::from_bytes(id),
        realm: REVOKE,
        account: None,
        deliver: true,
        due: AT_ONCE,
        attempts: 0,
        sealed: serde_json::to_vec(&jobs).map_err(|_| StoreError::Corrupt("a job that revokes"))?,
    })))
}

impl<L: Ledger, H: Hot> Split<L, H> {
    /// Does the jobs that are due. One that cannot be done is kept from others until its lease ends, and done then.
    pub(super) async fn work_off(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut writes = vec![];
        for row in self.ledger.claim(REVOKE, now, LEASE, AT_ONCE_MOST).await? {
            let Ok(jobs) = serde_json::from_slice::<Vec<Job>>(&row.sealed) else {
                writes.push(Write::CloseMessage { id: row.id, at: now, delivered: false });
                continue;
            };
            // At once: the batch that wrote it may have yet to settle. Later whoever held anything has settled, or is dead.
            let spares = row.due == AT_ONCE;
            let changes = jobs.iter().flat_map(|job| job.changes(spares)).collect();
            let done = self.hot.settle(Ticket::random()?, changes).await.is_ok();
            let again = |after, tried| Write::RetryMessage { id: row.id, due: now.after(after), tried };
            writes.push(match (row.due, row.attempts) {
                (AT_ONCE, _) if !done => continue,
                (AT_ONCE, _) => again(AGAIN, true),
                _ if !done => again(LEASE, false),
                (_, attempts) if attempts < TIMES => again(AT_LAST, true),
                _ => Write::CloseMessage { id: row.id, at: now, delivered: true },
            });
        }
        if !writes.is_empty() {
            let _ = self.ledger.commit(writes).await?;
        }
        Ok(())
    }
}

impl Job {
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
const LEASE: Duration = Duration::from_secs(15);
/// A healthy replica lags by much less; one that is promoted after that had heard of the first time.
const AGAIN: Duration = Duration::from_secs(10);
/// The longest that a replica may have heard nothing and still be promoted is 160 seconds in a cluster that is set as it
/// comes, and 310 with Sentinel.
const AT_LAST: Duration = Duration::from_secs(600);
const TIMES: u32 = 3;
