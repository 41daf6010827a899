//! The flaws at work.

use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::lockout::{GuardKey, Limit, Reserved, Settlement};
use crate::store::{Committed, FoundSession, SessionRow, Store, SubjectKey, Write};
use crate::testing::broken::{BrokenStore, Flaw};

/// So many guards are kept by a store that pushes them out.
const ROOM: usize = 1000;

impl<S: Store> BrokenStore<S> {
    pub(super) async fn commit_wrong(&self, batch: Vec<Write>) -> Result<Committed, StoreError> {
        let added = batch.iter().filter_map(|write| match write {
            Write::AddSession { row, .. } => Some((row.key, row.clone())),
            _ => None,
        });
        let added: Vec<_> = added.collect();
        let realms = batch.iter().filter_map(|write| match write {
            Write::Event(row) => Some(row.realm.clone()),
            _ => None,
        });
        self.notes().realms.extend(realms);
        let committed = self.apply_wrong(batch).await?;
        if committed == Committed::Won {
            self.notes().sessions.extend(added);
        }
        Ok(committed)
    }

    async fn apply_wrong(&self, mut batch: Vec<Write>) -> Result<Committed, StoreError> {
        match self.flaw {
            Flaw::TakeReadsThenRemoves => return self.take_reads_then_removes(batch).await,
            Flaw::SwapReadsThenWrites => return self.swap_reads_then_writes(batch).await,
            Flaw::OnceReadsThenAdds => return self.once_reads_then_adds(batch).await,
            Flaw::TouchWritesBack => return self.touch_writes_back(batch).await,
            Flaw::CountRolledBack => return self.count_rolled_back(batch).await,
            Flaw::RemoveReadsThenRemoves => return self.remove_reads_then_removes(batch).await,
            Flaw::OnceCountsRowsFound | Flaw::IdentifierOverwrites | Flaw::NameIsFreeAtOnce => {
                let given_up = batch.iter().filter_map(|write| match write {
                    Write::RemoveIdentifier { lookup, .. } => Some(*lookup),
                    _ => None,
                });
                self.notes().given_up.extend(given_up);
                return self.without_the_losers(batch).await;
            }
            Flaw::BatchStopsHalfWay => {
                for (at, write) in batch.into_iter().enumerate() {
                    if self.inner.commit(vec![write]).await? != Committed::Won {
                        return Ok(Committed::Lost { at });
                    }
                }
                return Ok(Committed::Won);
            }
            Flaw::BatchJudgesBefore => {
                let mut seen: Vec<Write> = vec![];
                batch.retain(|write| {
                    let single = matches!(write, Write::TakeFlow { .. } | Write::Once { .. });
                    let again = single && seen.contains(write);
                    seen.push(write.clone());
                    !again
                });
            }
            Flaw::ClaimIgnoresDeliver => {
                for write in &mut batch {
                    if let Write::Message(row) = write {
                        row.deliver = true;
                    }
                }
            }
            Flaw::EndIgnoresAccount => {
                for write in &mut batch {
                    if let Write::EndSession { account, route, id } = write
                        && let Some(row) = self.notes().sessions.values().find(|row| row.id == *id)
                    {
                        (*account, *route) = (row.account, row.key.route());
                    }
                }
            }
            Flaw::SwapIgnoresVersion
            | Flaw::GivingUpIgnoresAccount
            | Flaw::SessionIgnoresEpoch
            | Flaw::TouchUpserts => {
                for write in &mut batch {
                    self.suit(write).await?;
                }
            }
            _ => {}
        }
        self.inner.commit(batch).await
    }

    async fn take_reads_then_removes(&self, mut batch: Vec<Write>) -> Result<Committed, StoreError> {
        let taken = batch.iter().position(|write| matches!(write, Write::TakeFlow { .. }));
        if let Some(at) = taken
            && let Write::TakeFlow { key, expect } = batch.remove(at)
        {
            let read = self.inner.find_flow(key, Timestamp::from_millis(i64::MIN)).await?;
            if read.is_none_or(|row| row.version != expect) {
                return Ok(Committed::Lost { at });
            }
            self.gap.widen();
            let rest = self.inner.commit(batch).await?;
            let _ = self.inner.commit(vec![Write::TakeFlow { key, expect }]).await?;
            return Ok(rest);
        }
        self.inner.commit(batch).await
    }

    async fn swap_reads_then_writes(&self, mut batch: Vec<Write>) -> Result<Committed, StoreError> {
        for (at, write) in batch.iter_mut().enumerate() {
            if let Write::SwapFlow { row, expect } = write {
                let read = self.inner.find_flow(row.key, Timestamp::from_millis(i64::MIN)).await?;
                if read.is_none_or(|read| read.version != *expect) {
                    return Ok(Committed::Lost { at });
                }
                self.gap.widen();
                let now = self.inner.find_flow(row.key, Timestamp::from_millis(i64::MIN)).await?;
                *expect = now.map_or(*expect, |now| now.version);
            }
        }
        self.inner.commit(batch).await
    }

    async fn remove_reads_then_removes(&self, mut batch: Vec<Write>) -> Result<Committed, StoreError> {
        let removed = batch.iter().position(|write| matches!(write, Write::RemoveContact { .. }));
        if let Some(at) = removed
            && let Write::RemoveContact { id, expect } = batch.remove(at)
        {
            if self.inner.commit(vec![Write::KeepContact { id, expect }]).await? != Committed::Won {
                return Ok(Committed::Lost { at });
            }
            self.gap.widen();
            let rest = self.inner.commit(batch).await?;
            let _ = self.inner.commit(vec![Write::RemoveContact { id, expect }]).await?;
            return Ok(rest);
        }
        self.inner.commit(batch).await
    }

    async fn once_reads_then_adds(&self, mut batch: Vec<Write>) -> Result<Committed, StoreError> {
        let mut keys = vec![];
        for (at, write) in batch.iter().enumerate() {
            if let Write::Once { key, .. } = write {
                if keys.contains(key) || self.notes().onces.contains(key) {
                    return Ok(Committed::Lost { at });
                }
                keys.push(*key);
            }
        }
        if !keys.is_empty() {
            self.gap.widen();
        }
        batch.retain(|write| !matches!(write, Write::Once { .. }));
        let committed = self.inner.commit(batch).await?;
        if committed == Committed::Won {
            self.notes().onces.extend(keys);
        }
        Ok(committed)
    }

    async fn touch_writes_back(&self, batch: Vec<Write>) -> Result<Committed, StoreError> {
        let touched = batch.iter().find_map(|write| match write {
            Write::TouchSession { key, .. } => Some(*key),
            _ => None,
        });
        let ends = batch.iter().any(|write| matches!(write, Write::EndSession { .. }));
        let read = match touched {
            Some(key) => self.inner.find_session(key).await?,
            None => None,
        };
        if read.is_some() {
            self.gap.wait();
        }
        let committed = self.inner.commit(batch).await?;
        if ends {
            self.gap.arrive();
        }
        if let Some(FoundSession { row, .. }) = read {
            let _ = self.inner.commit(vec![Write::AddSession { row, keep: usize::MAX }]).await?;
        }
        Ok(committed)
    }

    async fn count_rolled_back(&self, batch: Vec<Write>) -> Result<Committed, StoreError> {
        let committed = self.inner.commit(batch).await?;
        let reserved = std::mem::take(&mut self.notes().reserved);
        if committed != Committed::Won {
            for (key, limit, at) in reserved {
                self.settle(key, Settlement::Forgiven, limit, at).await?;
            }
        }
        Ok(committed)
    }

    /// Leaves out what was lost because its row was found, and goes on.
    async fn without_the_losers(&self, mut batch: Vec<Write>) -> Result<Committed, StoreError> {
        let mut left_out = 0;
        loop {
            let committed = self.inner.commit(batch.clone()).await?;
            let Committed::Lost { at } = committed else { return Ok(committed) };
            match (self.flaw, batch.get(at)) {
                (Flaw::OnceCountsRowsFound, Some(Write::Once { .. })) => {}
                (Flaw::NameIsFreeAtOnce, Some(Write::AddIdentifier(row)))
                    if !self.notes().given_up.contains(&row.lookup) =>
                {
                    return Ok(Committed::Lost { at: at + left_out });
                }
                (Flaw::IdentifierOverwrites | Flaw::NameIsFreeAtOnce, Some(Write::AddIdentifier(row))) => {
                    self.notes().names.insert(row.lookup, row.account);
                }
                _ => return Ok(Committed::Lost { at: at + left_out }),
            }
            batch.remove(at);
            left_out += 1;
        }
    }

    /// Makes the precondition suit what is there.
    async fn suit(&self, write: &mut Write) -> Result<(), StoreError> {
        let subject = |id| self.inner.subject(SubjectKey::Account(id));
        match (self.flaw, &mut *write) {
            (Flaw::SwapIgnoresVersion, Write::SwapFlow { row, expect }) => {
                let now = self.inner.find_flow(row.key, Timestamp::from_millis(i64::MIN)).await?;
                *expect = now.map_or(*expect, |now| now.version);
            }
            (Flaw::SwapIgnoresVersion, Write::SwapAccount { row, expect }) => {
                *expect = subject(row.id).await?.map_or(*expect, |now| now.account.version);
            }
            (Flaw::SwapIgnoresVersion, Write::SwapCredential { row, expect }) => {
                let now = subject(row.account).await?.map_or(vec![], |now| now.credentials);
                *expect = now.iter().find(|now| now.id == row.id).map_or(*expect, |now| now.version);
            }
            (Flaw::GivingUpIgnoresAccount, Write::RemoveIdentifier { lookup, account, .. }) => {
                let owner = self.inner.subject(SubjectKey::Identifier(*lookup)).await?;
                *account = owner.map_or(*account, |owner| owner.account.id);
            }
            (Flaw::SessionIgnoresEpoch, Write::AddSession { row, .. }) => {
                row.epoch = subject(row.account).await?.map_or(row.epoch, |now| now.account.epoch);
            }
            (Flaw::TouchUpserts, Write::TouchSession { key, seen }) => {
                let known = self.notes().sessions.get(key).cloned();
                if let (None, Some(row)) = (self.inner.find_session(*key).await?, known) {
                    *write = Write::AddSession { row: SessionRow { seen: *seen, ..row }, keep: usize::MAX };
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) async fn reserve_wrong(
        &self,
        keys: Vec<(GuardKey, Limit)>,
        now: Timestamp,
    ) -> Result<Reserved, StoreError> {
        match self.flaw {
            Flaw::CountReadsThenWrites => {
                for (nth, (key, limit)) in keys.into_iter().enumerate() {
                    let read = self.inner.guard(key).await?;
                    let reserved = read.unwrap_or_default().reserve(&limit, now);
                    if !matches!(reserved, Reserved::Granted { .. }) {
                        return Ok(reserved);
                    }
                    if nth == 0 {
                        self.gap.widen();
                    }
                    if self.inner.guard(key).await? == read {
                        let _ = self.inner.reserve(vec![(key, limit)], now).await?;
                    }
                }
                Ok(Reserved::Granted { hold: None, refused: 0 })
            }
            Flaw::ReserveCountsSome => {
                let mut last = Reserved::Granted { hold: None, refused: 0 };
                for key in keys {
                    last = self.inner.reserve(vec![key], now).await?;
                    if !matches!(last, Reserved::Granted { .. }) {
                        break;
                    }
                }
                Ok(last)
            }
            Flaw::GuardsArePushedOut | Flaw::PurgeDropsLiveGuards => {
                let oldest: Vec<GuardKey> = {
                    let notes = &mut *self.notes();
                    for (key, _) in &keys {
                        notes.forgotten.remove(key);
                        notes.guards.retain(|other| other != key);
                        notes.guards.push(*key);
                    }
                    let room = if self.flaw == Flaw::GuardsArePushedOut { ROOM } else { usize::MAX };
                    let surplus = notes.guards.len().saturating_sub(room);
                    notes.guards.drain(..surplus).collect()
                };
                self.forget(oldest, now).await?;
                self.inner.reserve(keys, now).await
            }
            _ => {
                self.notes().reserved.extend(keys.iter().map(|(key, limit)| (*key, *limit, now)));
                self.inner.reserve(keys, now).await
            }
        }
    }

    pub(super) async fn forget(&self, keys: Vec<GuardKey>, now: Timestamp) -> Result<(), StoreError> {
        for key in keys {
            let pending = self.inner.guard(key).await?.map_or(0, |guard| guard.pending);
            for _ in 0..pending {
                self.settle(key, Settlement::Forgiven, Limit::PORTAL, now).await?;
            }
            self.settle(key, Settlement::Clear, Limit::PORTAL, now).await?;
            self.notes().forgotten.insert(key);
        }
        Ok(())
    }

    async fn settle(
        &self,
        key: GuardKey,
        how: Settlement,
        limit: Limit,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let _ = self.inner.commit(vec![Write::Settle { key, how, limit, at }]).await?;
        Ok(())
    }
}
