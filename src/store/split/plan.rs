//! A batch, split by home.

use crate::id::{SessionId, Version};
use crate::secret::TokenHash;
use crate::store::split::{Change, Hold};
use crate::store::{FlowRow, Write};

/// What each home has to do, and where in the batch it stood.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) ledger: Vec<Write>,
    /// Of each of the ledger's writes.
    pub(crate) places: Vec<usize>,
    pub(crate) holds: Vec<(usize, Hold)>,
    pub(crate) changes: Vec<(usize, Change)>,
    /// The write that is lost because of those before it, if they are won.
    pub(crate) broken: Option<usize>,
}

impl Plan {
    pub(crate) fn of(batch: Vec<Write>) -> Self {
        let (mut plan, mut added) = (Self::default(), vec![]);
        for (at, write) in batch.into_iter().enumerate() {
            let sound = match write {
                Write::AddFlow(row) => plan.flow(at, row.key, None, Some(row)),
                Write::SwapFlow { row, expect } => plan.flow(at, row.key, Some(expect), Some(row)),
                Write::TakeFlow { key, expect } => plan.flow(at, key, Some(expect), None),
                write => {
                    plan.sessions(at, write, &mut added);
                    true
                }
            };
            if !sound {
                plan.broken = Some(at);
                break;
            }
        }
        plan
    }

    // Of several writes on one flow the first precondition is held and the last state is put; those in between are
    // judged here. False: this one is lost.
    fn flow(&mut self, at: usize, key: TokenHash, expect: Option<Version>, row: Option<FlowRow>) -> bool {
        let same = |(_, change): &&mut (usize, Change)| matches!(change, Change::Flow { key: other, .. } if *other == key);
        match self.changes.iter_mut().find(same) {
            Some((_, Change::Flow { row: now, .. })) => {
                let sound = now.as_ref().map(|row| row.version) == expect;
                *now = row;
                sound
            }
            _ => {
                self.holds.push((at, Hold::Flow { key, expect }));
                self.changes.push((at, Change::Flow { key, expect, row }));
                true
            }
        }
    }

    fn sessions(&mut self, at: usize, write: Write, added: &mut Vec<SessionId>) {
        let (record, hold, change) = match write {
            Write::RaiseEpoch { account, route, expect } => (
                Some(Write::RaiseEpoch { account, route, expect }),
                Some(Hold::Sessions { account, route, except: None }),
                Some(Change::Raise { account, route, to: expect.next(), spares: false }),
            ),
            // Granted only while the ledger's epoch stands: the hot stores' copy may lag behind.
            Write::AddSession { row, keep } => {
                added.push(row.id);
                let epoch = Write::KeepEpoch { account: row.account, expect: row.epoch };
                (Some(epoch), None, Some(Change::Add { row, keep }))
            }
            Write::TouchSession { key, seen } => (None, None, Some(Change::Touch { key, seen })),
            Write::EndSession { account, route, id } => {
                let hold = Hold::Session { account, route, id };
                (None, Some(hold).filter(|_| !added.contains(&id)), Some(Change::End { account, route, id }))
            }
            Write::EndSessions { account, route, except } => (
                None,
                Some(Hold::Sessions { account, route, except }),
                Some(Change::EndAll { account, route, except }),
            ),
            record => (Some(record), None, None),
        };
        self.holds.extend(hold.map(|hold| (at, hold)));
        self.changes.extend(change.map(|change| (at, change)));
        if let Some(write) = record {
            self.ledger.push(write);
            self.places.push(at);
        }
    }
}
