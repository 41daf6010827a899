//! What every check works with: a fresh store, rows to put in, and short ways to ask.

use std::sync::atomic::{AtomicU64, Ordering};

use ring::digest::{SHA256, digest};

use crate::clock::Timestamp;
use crate::event::{EventRow, Outcome};
use crate::id::{
    AccountId, BrowserId, CredentialId, Epoch, EventId, EventName, FactorName, MessageId, Realm, SessionId,
    Version,
};
use crate::lockout::GuardKey;
use crate::message::MessageRow;
use crate::proof::Packed;
use crate::secret::{Route, TokenHash};
use crate::store::{
    AccountRow, AccountState, BrowserRow, Committed, ContactRow, CredentialRow, FlowRow, IdentifierRow,
    Lookup, OnceKey, Reply, SessionRow, Store, Subject, SubjectKey, Write,
};
use crate::testing::block_on;
use crate::testing::contract::{Opened, StoreContract};

pub(super) const T0: Timestamp = at(0);
pub(super) const REALM: Realm = Realm::new("contract");

/// So many milliseconds after the moment at which all checks begin.
pub(super) const fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_000_000_000_000 + millis)
}

#[derive(Debug)]
pub(super) struct Lab {
    contract: StoreContract,
    opened: Opened,
    drawn: AtomicU64,
}

impl Lab {
    pub(super) fn new(contract: StoreContract) -> Self {
        let opened = (contract.make)();
        Self { contract, opened, drawn: AtomicU64::new(1) }
    }

    pub(super) fn store(&self) -> &dyn Store {
        &*self.opened.store
    }

    /// A fresh store beside this one.
    pub(super) fn another(&self) -> Self {
        Self::new(self.contract.clone())
    }

    pub(super) const fn rounds(&self) -> usize {
        self.contract.rounds
    }

    /// Whether `purge` drops flows and sessions.
    pub(super) const fn purges_hot(&self) -> bool {
        self.contract.purges_hot
    }

    /// Runs what a thread of its own does.
    pub(super) fn within(&self, mut run: impl FnMut()) {
        (self.contract.within)(&mut run);
    }

    /// The same rows through a new handle, where the store can; else as it is.
    pub(super) fn reopen(self) -> Self {
        let Self { contract, opened: Opened { store, again }, drawn } = self;
        let store = match &again {
            Some(open) => {
                drop(store);
                open()
            }
            None => store,
        };
        Self { contract, opened: Opened { store, again }, drawn }
    }

    /// The answer; an error fails the check.
    pub(super) fn ask<T>(&self, reply: Reply<'_, T>) -> T {
        block_on(reply).unwrap_or_else(|error| panic!("the store failed: {error} ({error:?})"))
    }

    pub(super) fn commit(&self, batch: Vec<Write>) -> Committed {
        self.ask(self.store().commit(batch))
    }

    #[track_caller]
    pub(super) fn won(&self, batch: impl Into<Vec<Write>>) {
        let batch = batch.into();
        let told = format!("{batch:?}");
        assert_eq!(self.commit(batch), Committed::Won, "of {told}");
    }

    #[track_caller]
    pub(super) fn lost(&self, write: Write) {
        let told = format!("{write:?}");
        assert_eq!(self.commit(vec![write]), Committed::Lost { at: 0 }, "of {told}");
    }

    pub(super) fn subject(&self, by: SubjectKey) -> Option<Subject> {
        self.ask(self.store().subject(by))
    }

    #[track_caller]
    pub(super) fn account_now(&self, id: AccountId) -> AccountRow {
        self.subject(SubjectKey::Account(id)).expect("the account is there").account
    }

    pub(super) fn sessions(&self, of: AccountId) -> Vec<SessionRow> {
        let mut rows = self.ask(self.store().sessions_of(of, route_of(of)));
        rows.sort_by_key(|row| row.id);
        rows
    }

    /// Whether a token signs in: its row is there, and of its account's epoch.
    pub(super) fn alive(&self, key: TokenHash) -> bool {
        let found = self.ask(self.store().find_session(key));
        found.is_some_and(|found| found.row.key == key && found.row.epoch == found.epoch)
    }

    fn draw(&self) -> u64 {
        self.drawn.fetch_add(1, Ordering::SeqCst)
    }

    /// Ids grow, as those of UUID version 7 do.
    fn id(&self) -> [u8; 16] {
        let mut bytes = [0x80; 16];
        bytes[..8].copy_from_slice(&self.draw().to_be_bytes());
        bytes
    }

    fn hash(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, &self.draw().to_be_bytes()).as_ref());
        bytes
    }

    pub(super) fn account_id(&self) -> AccountId {
        AccountId::from_bytes(self.id())
    }

    pub(super) fn credential_id(&self) -> CredentialId {
        CredentialId::from_bytes(self.id())
    }

    pub(super) fn browser_id(&self) -> BrowserId {
        BrowserId::from_bytes(self.id())
    }

    pub(super) fn session_id(&self) -> SessionId {
        SessionId::from_bytes(self.id())
    }

    pub(super) fn event_id(&self) -> EventId {
        EventId::from_bytes(self.id())
    }

    pub(super) fn message_id(&self) -> MessageId {
        MessageId::from_bytes(self.id())
    }

    pub(super) fn token(&self) -> TokenHash {
        TokenHash::from_bytes(self.hash())
    }

    pub(super) fn lookup(&self) -> Lookup {
        Lookup(self.hash())
    }

    pub(super) fn once_key(&self) -> OnceKey {
        OnceKey(self.hash())
    }

    pub(super) fn guard_key(&self) -> GuardKey {
        GuardKey(self.hash())
    }

    /// An account, in the store.
    pub(super) fn account(&self) -> AccountRow {
        let row = self.account_row();
        self.won([Write::AddAccount(row.clone())]);
        row
    }

    pub(super) fn account_row(&self) -> AccountRow {
        let id = self.account_id();
        AccountRow {
            id,
            realm: REALM,
            version: Version(1),
            epoch: Epoch(7),
            state: AccountState::Active,
            route: route_of(id),
            created: T0,
            data_key: vec![1, 2, 3],
            sealed: vec![4, 5, 6],
        }
    }

    pub(super) fn identifier(&self, account: AccountId) -> IdentifierRow {
        IdentifierRow { lookup: self.lookup(), account, sealed: self.id().to_vec() }
    }

    pub(super) fn contact(&self, account: AccountId) -> ContactRow {
        let id = self.credential_id();
        ContactRow { id, account, version: Version(1), confirmed: T0, sealed: self.id().to_vec() }
    }

    pub(super) fn credential(&self, account: AccountId, lookups: Vec<Lookup>) -> CredentialRow {
        CredentialRow {
            id: self.credential_id(),
            account,
            factor: FactorName::new("contract"),
            version: Version(1),
            created: T0,
            lookups,
            sealed: self.id().to_vec(),
        }
    }

    pub(super) fn browser(&self, account: AccountId, seen: i64) -> BrowserRow {
        let (id, key) = (self.browser_id(), self.token());
        BrowserRow { id, account, key, seen: at(seen), expires: at(1_000_000) }
    }

    pub(super) fn flow(&self) -> FlowRow {
        FlowRow { key: self.token(), version: Version(1), expires: at(1_000_000), sealed: self.id().to_vec() }
    }

    /// A session of the account as it was made.
    pub(super) fn session(&self, account: &AccountRow, seen: i64) -> SessionRow {
        SessionRow {
            id: self.session_id(),
            key: self.token().routed(account.route),
            account: account.id,
            epoch: account.epoch,
            created: T0,
            seen: at(seen),
            idle_secs: 3600,
            expires: at(1_000_000_000),
            proofs: Packed::from_bytes(&self.id()),
        }
    }

    pub(super) fn event(&self, account: Option<AccountId>, when: i64) -> EventRow {
        EventRow {
            id: self.event_id(),
            realm: REALM,
            account,
            at: at(when),
            name: EventName::new("contract"),
            outcome: Outcome::Done,
            lasting: false,
            sealed: self.id().to_vec(),
        }
    }

    pub(super) fn message(&self, due: i64) -> MessageRow {
        MessageRow {
            id: self.message_id(),
            realm: REALM,
            account: None,
            deliver: true,
            due: at(due),
            attempts: 0,
            sealed: self.id().to_vec(),
        }
    }
}

/// The limit of a thousand rows that no check reaches.
pub(super) const MANY: usize = 1000;

/// The route of an account of [`Lab::account_row`].
pub(super) fn route_of(account: AccountId) -> Route {
    Route::from_bytes(account.as_bytes().first_chunk().copied().unwrap_or_default())
}

pub(super) fn end(account: AccountId, id: SessionId) -> Write {
    Write::EndSession { account, route: route_of(account), id }
}

pub(super) fn end_all(account: AccountId, except: Option<SessionId>) -> Write {
    Write::EndSessions { account, route: route_of(account), except }
}

pub(super) fn raise(account: AccountId, expect: Epoch) -> Write {
    Write::RaiseEpoch { account, route: route_of(account), expect }
}

/// A session write with a limit that is never reached.
pub(super) fn add_session(row: &SessionRow) -> Write {
    Write::AddSession { row: row.clone(), keep: MANY }
}
