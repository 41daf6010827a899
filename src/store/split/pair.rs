//! Which stores belong together. A revocation reaches the hot stores that the batch's own node has, and no others.

use std::sync::atomic::Ordering;

use super::{Hot, Split, Ticket};
use crate::error::StoreError;
use crate::id::Realm;
use crate::store::{Commit, Committed, Ledger, Write};

impl<L: Ledger, H: Hot> Split<L, H> {
    /// The hot stores carry the id of the ledger that they were first used with: flows and sessions of another
    /// database, or of one that was restored from nothing, are refused instead of believed. And the ledger keeps the
    /// name of its hot stores, which outlives them: stores that lost all that they held begin anew under it.
    pub(super) async fn belongs_together(&self) -> Result<(), StoreError> {
        if self.paired.load(Ordering::Acquire) {
            return Ok(());
        }
        let name = self.hot.name().into_bytes();
        let known = self.ledger.canary(HOT).await?;
        if known.as_ref().is_some_and(|known| *known != name) {
            return Err(ELSEWHERE);
        }
        let Ticket(fresh) = Ticket::random()?;
        let id = self.first(PAIR, fresh.to_vec()).await?;
        let id = <[u8; 16]>::try_from(id).map_err(|_| StoreError::Corrupt("ledger id"))?;
        if !self.hot.belongs_to(id).await? {
            return Err(StoreError::Unfit(
                "the hot stores hold flows and sessions of another ledger: give each ledger its own prefix",
            ));
        }
        // Not before they are known to be its own: a name written by mistake would keep the right ones out.
        if known.is_none() && self.first(HOT, name.clone()).await? != name {
            return Err(ELSEWHERE);
        }
        self.paired.store(true, Ordering::Release);
        Ok(())
    }

    /// What stands under the realm: this, unless somebody was faster.
    async fn first(&self, realm: Realm, sealed: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        if let Some(known) = self.ledger.canary(realm.clone()).await? {
            return Ok(known);
        }
        let add = Write::AddCanary { realm: realm.clone(), sealed: sealed.clone() };
        match self.ledger.commit(vec![add]).await? {
            Committed::Won => Ok(sealed),
            Committed::Lost { .. } => {
                self.ledger.canary(realm).await?.ok_or(StoreError::Corrupt("a canary that is lost"))
            }
        }
    }
}

/// Refuses a ledger whose flows and sessions live elsewhere, where it is to be used without them: whatever ends
/// sessions would be recorded, and end none.
pub(crate) async fn alone(store: &(impl Commit + ?Sized)) -> Result<(), StoreError> {
    match store.canary(HOT).await? {
        Some(_) => Err(StoreError::Unfit(
            "the sessions of this ledger live in hot stores: open it with them, or give them up (manual, Two homes)",
        )),
        None => Ok(()),
    }
}

const ELSEWHERE: StoreError = StoreError::Unfit(
    "the sessions of this ledger live in hot stores of another prefix: use that, or give them up (manual, Two homes)",
);

/// Under these realms the ledger keeps its id, and the name of its hot stores.
const PAIR: Realm = Realm::new("propusk:ledger");
pub(super) const HOT: Realm = Realm::new("propusk:hot");
