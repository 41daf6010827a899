//! The store traits and their contract. An adapter implements what it can keep; the suites in
//! [`crate::testing`] tell whether it keeps it.
//!
//! A transaction is a value: a batch of [`Write`]s, applied in order, each precondition judged on what the writes
//! before it left, all of it or nothing. Preconditions are decided by the store's own atomic means (a unique
//! insert, `RETURNING`), never by a driver's count of rows found (CVE-2026-90997).

mod connect;
pub mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(any(feature = "postgres-tls", feature = "redis-tls"))]
mod roots;
pub mod split;
#[cfg(feature = "sqlite")]
pub mod sqlite;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::event::{EventPage, EventRow};
use crate::id::{
    AccountId, BrowserId, CredentialId, Epoch, FactorName, MessageId, Realm, SessionId, Version,
};
use crate::lockout::{Guard, GuardKey, Limit, Reserved, Settlement};
use crate::message::MessageRow;
use crate::proof::Packed;
use crate::secret::{Route, TokenHash};

pub use connect::{AnyStore, connect};

/// What a store method gives: a boxed future, so that every store trait is dyn-safe.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Writes, and what every home of rows needs.
pub trait Commit: Debug + Send + Sync + 'static {
    /// Applies the batch in order, all of it or nothing, durably before the reply (a reply never leaves before
    /// its commit is on disk). A precondition that does not hold is [`Committed::Lost`], not an error.
    ///
    /// # Errors
    /// When the store does not work: then nothing of the batch was applied, or the reply was lost on the way. An adapter
    /// that knows it was the first says so ([`StoreError::Untouched`]), and only then.
    fn commit(&self, batch: Vec<Write>) -> Reply<'_, Committed>;

    /// Which store this is: handles of one store give the same, so that a batch can be split by home.
    fn home(&self) -> StoreId;

    /// The sealed canary of a realm, if one was laid down ([`Write::AddCanary`]).
    ///
    /// # Errors
    /// When the store does not work.
    fn canary(&self, realm: Realm) -> Reply<'_, Option<Vec<u8>>>;

    /// Drops up to `limit` rows of each kind whose time is over at `now` (at the moment itself it is over): flows,
    /// sessions (by their end or by lying idle), once-rows, known browsers, idle guards, names that were given up,
    /// closed messages, and messages that were due and are not to be delivered. Gives how many went. Whoever holds touches back writes
    /// them before this.
    ///
    /// # Errors
    /// When the store does not work.
    fn purge(&self, now: Timestamp, limit: usize) -> Reply<'_, usize>;
}

/// Reads accounts.
pub trait AccountStore: Commit {
    /// Everything that a step needs to know of one account, as of one moment. One query where the store has them.
    ///
    /// # Errors
    /// When the store does not work.
    fn subject(&self, by: SubjectKey) -> Reply<'_, Option<Subject>>;
}

/// Guards: counters that protect a secret. Durable, shared by all nodes, never evicted while they count.
pub trait LockoutStore: Commit {
    /// Counts an attempt on every key, or on none; the answer is that of the first key that does not grant (a key
    /// that comes twice counts twice). Its
    /// own commit, durable before the reply: a later failure cannot take the count back (CVE-2026-35597).
    ///
    /// # Errors
    /// When the store does not work; the caller then refuses to verify.
    fn reserve(&self, keys: Vec<(GuardKey, Limit)>, now: Timestamp) -> Reply<'_, Reserved>;

    /// A guard as it stands, for support and tests.
    ///
    /// # Errors
    /// When the store does not work.
    fn guard(&self, key: GuardKey) -> Reply<'_, Option<Guard>>;
}

/// Reads the audit log.
pub trait EventStore: Commit {
    /// One account's events, newest first: by id, for ids grow with time.
    ///
    /// # Errors
    /// When the store does not work.
    fn events(&self, of: AccountId, page: EventPage) -> Reply<'_, Vec<EventRow>>;

    /// The events that began these sessions (a session carries the id of its event); missing ones are left out.
    ///
    /// # Errors
    /// When the store does not work.
    fn beginnings(&self, of: Vec<SessionId>) -> Reply<'_, Vec<EventRow>>;

    /// Drops up to `limit` of the realm's events from before this moment, the oldest first: of those that
    /// [last](EventRow::lasting), or of the others. Gives how many went. Called often and mostly for nothing, so by an
    /// index: it may not look at what stays.
    ///
    /// # Errors
    /// When the store does not work.
    fn drop_events(&self, realm: Realm, lasting: bool, before: Timestamp, limit: usize) -> Reply<'_, usize>;
}

/// Hands out messages to deliver.
pub trait OutboxStore: Commit {
    /// Leases up to `limit` messages of the realm that are due and not leased, each to one caller only, until
    /// `now + lease`; the longest due first, this handing out counted in their `attempts`. Messages that are not
    /// to be delivered (a decoy's) are never handed out.
    ///
    /// # Errors
    /// When the store does not work.
    fn claim(
        &self,
        realm: Realm,
        now: Timestamp,
        lease: Duration,
        limit: usize,
    ) -> Reply<'_, Vec<MessageRow>>;
}

/// What must share one database: accounts, identifiers, contacts, credentials, browsers, guards, events, outbox.
pub trait Ledger: AccountStore + LockoutStore + EventStore + OutboxStore {}
impl<S: AccountStore + LockoutStore + EventStore + OutboxStore + ?Sized> Ledger for S {}

/// Reads flows. May live elsewhere than the ledger.
pub trait FlowStore: Commit {
    /// The flow under this token's hash, unless it has expired: at `expires` itself it is gone.
    ///
    /// # Errors
    /// When the store does not work.
    fn find_flow(&self, key: TokenHash, now: Timestamp) -> Reply<'_, Option<FlowRow>>;
}

/// Reads sessions. May live elsewhere than the ledger.
pub trait SessionStore: Commit {
    /// The session under this token's hash with its account's epoch, in one round trip. Expired rows may still be
    /// given: the caller judges time.
    ///
    /// # Errors
    /// When the store does not work.
    fn find_session(&self, key: TokenHash) -> Reply<'_, Option<FoundSession>>;

    /// All session rows of one account, in any order. The route is the account's: where a partitioned store has them.
    ///
    /// # Errors
    /// When the store does not work.
    fn sessions_of(&self, account: AccountId, route: Route) -> Reply<'_, Vec<SessionRow>>;
}

/// Throttles: counters that slow a network or a recipient down. They may only add refusals, so they may be lost.
pub trait Throttle: Debug + Send + Sync + 'static {
    /// Counts one use of `key` under `rate`, or says when to come back. All keys or none.
    ///
    /// # Errors
    /// When the store does not work.
    fn pass(&self, keys: Vec<(ThrottleKey, Rate)>, now: Timestamp) -> Reply<'_, Passed>;
}

/// A store that keeps everything.
pub trait Store: Ledger + FlowStore + SessionStore {}
impl<S: Ledger + FlowStore + SessionStore> Store for S {}

/// Which store a part lives in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StoreId(u64);

impl StoreId {
    /// A new identity: one for each store opened, shared by its handles.
    #[must_use]
    pub fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// How a commit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Committed {
    /// All of it was applied.
    Won,
    /// Nothing was applied: the precondition of the write at this place in the batch did not hold.
    Lost {
        /// Index into the batch.
        at: usize,
    },
}

/// A handle by which an account or a credential is found: a keyed hash, scoped to its realm and purpose, so that
/// a stolen store names nobody and a handle of one kind never finds a row of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lookup(pub [u8; 32]);

/// What an accept leaves behind so that it can happen once: a keyed hash of (purpose, flow, challenge).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OnceKey(pub [u8; 32]);

/// What a throttle counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ThrottleKey(pub [u8; 32]);

/// So many uses in so long a time, spread evenly after a first burst of that many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Uses.
    pub uses: u32,
    /// In this time.
    pub per: Duration,
}

impl Rate {
    /// Counts nothing: passes where a key has its whole allowance, whatever rate it was counted under.
    pub const LOOK: Self = Self { uses: 1, per: Duration::ZERO };

    /// Counts one use, or says why not. All that is kept of a key is the moment when its whole allowance is there
    /// again, in microseconds since the epoch (the generic cell rate algorithm); a key not kept has it at 0.
    pub fn count(&self, full_at: &mut i64, now: Timestamp) -> Passed {
        let per = i64::try_from(self.per.as_micros()).unwrap_or(i64::MAX);
        let Some(interval) = per.checked_div(i64::from(self.uses)) else {
            return Passed::No { retry_after: self.per };
        };
        let now = now.as_millis().saturating_mul(1000);
        let next = now.max(*full_at).saturating_add(interval);
        let early = next.saturating_sub(now).saturating_sub(per);
        if early > 0 {
            return Passed::No { retry_after: Duration::from_micros(early.unsigned_abs()) };
        }
        *full_at = next;
        Passed::Yes
    }
}

/// What a throttle says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Passed {
    /// Counted; go on.
    Yes,
    /// Too many: come back after this.
    No {
        /// How long until a use is free again.
        retry_after: Duration,
    },
}

/// How a subject is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubjectKey {
    /// By the account's id.
    Account(AccountId),
    /// By an identifier.
    Identifier(Lookup),
    /// By a credential's handle (a passkey's id, a certificate).
    Credential(Lookup),
}

/// One account with all that belongs to it, as of one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Subject {
    /// The account.
    pub account: AccountRow,
    /// Its login names.
    pub identifiers: Vec<IdentifierRow>,
    /// Where messages go.
    pub contacts: Vec<ContactRow>,
    /// Its credentials, of all factors.
    pub credentials: Vec<CredentialRow>,
    /// The browsers that it knows.
    pub browsers: Vec<BrowserRow>,
}

impl Subject {
    /// A subject as an adapter read it.
    pub const fn new(account: AccountRow) -> Self {
        Self { account, identifiers: vec![], contacts: vec![], credentials: vec![], browsers: vec![] }
    }
}

/// What an account may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum AccountState {
    /// Signs in.
    #[default]
    Active = 0,
    /// Locked by its owner, the desk or "this was not me", until lifted.
    Locked = 1,
    /// Switched off by the application or an operator.
    Disabled = 2,
    /// Closed by its owner; its data key is gone.
    Closed = 3,
    /// Closed by its owner, who can come back still.
    Closing = 4,
}

impl AccountState {
    /// The state that a store's number means.
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Active),
            1 => Some(Self::Locked),
            2 => Some(Self::Disabled),
            3 => Some(Self::Closed),
            4 => Some(Self::Closing),
            _ => None,
        }
    }
}

/// An account at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// Its id.
    pub id: AccountId,
    /// The realm that it belongs to.
    pub realm: Realm,
    /// Raised by every change of this row but an epoch's.
    pub version: Version,
    /// Sessions of an older epoch are dead.
    pub epoch: Epoch,
    /// What it may do.
    pub state: AccountState,
    /// The tag in its session tokens.
    pub route: Route,
    /// When it was made.
    pub created: Timestamp,
    /// Its data key, sealed under the ring; empty once the account is closed.
    pub data_key: Vec<u8>,
    /// Its profile, sealed under the data key.
    pub sealed: Vec<u8>,
}

/// A login name at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentifierRow {
    /// Keyed hash of kind and canonical form; unique.
    pub lookup: Lookup,
    /// Whose it is.
    pub account: AccountId,
    /// The canonical form, sealed under the account's data key.
    pub sealed: Vec<u8>,
}

/// A confirmed phone or e-mail at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactRow {
    /// Its id.
    pub id: CredentialId,
    /// Whose it is.
    pub account: AccountId,
    /// Raised by every change.
    pub version: Version,
    /// When it was confirmed.
    pub confirmed: Timestamp,
    /// The address, sealed under the account's data key.
    pub sealed: Vec<u8>,
}

/// A credential at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRow {
    /// Its id.
    pub id: CredentialId,
    /// Whose it is.
    pub account: AccountId,
    /// The factor that it is an instance of.
    pub factor: FactorName,
    /// Raised by every change.
    pub version: Version,
    /// When it was enrolled.
    pub created: Timestamp,
    /// Handles that find it; each unique in the store.
    pub lookups: Vec<Lookup>,
    /// The factor's data, sealed under the ring.
    pub sealed: Vec<u8>,
}

/// A browser that an account knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserRow {
    /// Its id.
    pub id: BrowserId,
    /// Who knows it.
    pub account: AccountId,
    /// Hash of the token in its cookie; unique.
    pub key: TokenHash,
    /// When it was last signed in from.
    pub seen: Timestamp,
    /// No longer known after this.
    pub expires: Timestamp,
}

/// A flow at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowRow {
    /// Hash of its token.
    pub key: TokenHash,
    /// Raised by every step.
    pub version: Version,
    /// Gone at this moment.
    pub expires: Timestamp,
    /// Its state, sealed.
    pub sealed: Vec<u8>,
}

/// A session at rest. Where it was begun from stands in the event of the same id, not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Its id: that of the event that began it.
    pub id: SessionId,
    /// Hash of its token; the account's route leads it.
    pub key: TokenHash,
    /// Whose it is.
    pub account: AccountId,
    /// The account's epoch when it was made.
    pub epoch: Epoch,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last used, to within the touch interval.
    pub seen: Timestamp,
    /// How long it may lie unused, in seconds.
    pub idle_secs: u32,
    /// It ends then, used or not.
    pub expires: Timestamp,
    /// What was proven, packed by the core.
    pub proofs: Packed,
}

/// A session and the number that decides whether it lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundSession {
    /// The row.
    pub row: SessionRow,
    /// The account's epoch now.
    pub epoch: Epoch,
}

/// One change. An adapter that keeps only some kinds of row answers [`StoreError::Unsupported`] to the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Write {
    /// Lost when the id exists.
    AddAccount(AccountRow),
    /// Lost unless the account is at this version. Never changes the epoch.
    SwapAccount {
        /// As it shall be, its version raised.
        row: AccountRow,
        /// As it was read.
        expect: Version,
    },
    /// Lost unless the account is at this version. Changes nothing.
    KeepAccount {
        /// Which.
        id: AccountId,
        /// As it was read.
        expect: Version,
    },
    /// Lost unless the account is at this epoch. Changes nothing.
    KeepEpoch {
        /// Whose.
        account: AccountId,
        /// As it was read.
        expect: Epoch,
    },
    /// Ends all sessions of the account. Lost unless its epoch is this one.
    RaiseEpoch {
        /// Whose.
        account: AccountId,
        /// Its tag: where a partitioned store keeps its sessions.
        route: Route,
        /// As it was read.
        expect: Epoch,
    },
    /// Lost when the name is taken, or there is no such account. Who gave a name up may take it back for as long as
    /// it stays taken.
    AddIdentifier(IdentifierRow),
    /// Gives a name up. Lost unless that account has it. From then on it finds nobody and its sealed form is erased,
    /// but it is still taken for all others, until a purge at `free_at` or later drops it: also one whose time is
    /// over already.
    RemoveIdentifier {
        /// Which.
        lookup: Lookup,
        /// Whose it is.
        account: AccountId,
        /// Anybody's from then on.
        free_at: Timestamp,
    },
    /// Lost when the id exists, or there is no such account.
    AddContact(ContactRow),
    /// Lost unless the contact is at this version. Changes nothing.
    KeepContact {
        /// Which.
        id: CredentialId,
        /// As it was read.
        expect: Version,
    },
    /// Lost unless the contact is at this version.
    RemoveContact {
        /// Which.
        id: CredentialId,
        /// As it was read.
        expect: Version,
    },
    /// Lost when the id or a handle exists, or there is no such account.
    AddCredential(CredentialRow),
    /// Lost unless the credential of that account is at this version, or when a new handle belongs to another.
    SwapCredential {
        /// As it shall be, its version raised.
        row: CredentialRow,
        /// As it was read.
        expect: Version,
    },
    /// Lost unless the credential is at this version. Changes nothing.
    KeepCredential {
        /// Which.
        id: CredentialId,
        /// As it was read.
        expect: Version,
    },
    /// Lost unless the credential is at this version.
    RemoveCredential {
        /// Which.
        id: CredentialId,
        /// As it was read.
        expect: Version,
    },
    /// Adds a known browser; of the account's others the least recently seen are forgotten, so that at most `keep`
    /// stay. Lost when the id or the key exists, or there is no such account.
    AddBrowser {
        /// The browser.
        row: BrowserRow,
        /// How many an account knows at the most.
        keep: usize,
    },
    /// Notes that a browser was seen; does nothing when it is gone (update-only, never an upsert). `seen` never
    /// goes back; the end may, which is how one browser is forgotten.
    TouchBrowser {
        /// Which.
        id: BrowserId,
        /// When.
        seen: Timestamp,
        /// No longer known after this.
        expires: Timestamp,
    },
    /// Forgets all browsers of the account but this one. Never lost.
    ForgetBrowsers {
        /// Whose.
        account: AccountId,
        /// The one that stays.
        except: Option<BrowserId>,
    },
    /// Lost when the key exists.
    AddFlow(FlowRow),
    /// Lost unless the flow is at this version.
    SwapFlow {
        /// As it shall be, its version raised.
        row: FlowRow,
        /// As it was read.
        expect: Version,
    },
    /// Removes a flow. Lost unless it is there at this version.
    TakeFlow {
        /// Which.
        key: TokenHash,
        /// As it was read.
        expect: Version,
    },
    /// Lost when the key exists.
    Once {
        /// What may happen once.
        key: OnceKey,
        /// The row may be dropped then.
        until: Timestamp,
    },
    /// A line of the audit log. Lost when the id exists.
    Event(EventRow),
    /// A message for the outbox. Lost when the id exists.
    Message(MessageRow),
    /// The message was delivered or is given up: its text is erased. Does nothing when it is gone.
    CloseMessage {
        /// Which.
        id: MessageId,
        /// When.
        at: Timestamp,
        /// False: given up.
        delivered: bool,
    },
    /// The message is to be tried again then, and its lease is over. Does nothing when it is gone or closed.
    RetryMessage {
        /// Which.
        id: MessageId,
        /// When it is due again.
        due: Timestamp,
        /// False: nothing was tried since it was handed out, and that is no attempt (an attempt less, nought at the least).
        tried: bool,
    },
    /// Lost unless the account is there at the epoch of the row, or when the key exists. Of the account's other
    /// sessions the least recently used are removed, so that at most `keep` stay; dead ones do not count.
    AddSession {
        /// The session.
        row: SessionRow,
        /// How many an account may have.
        keep: usize,
    },
    /// Notes that a session was used; does nothing when it is gone (update-only, never an upsert: CVE-2025-46336).
    /// `seen` never goes back: touches come late.
    TouchSession {
        /// Which.
        key: TokenHash,
        /// When.
        seen: Timestamp,
    },
    /// Ends one session of the account. Lost when it has none of that id.
    EndSession {
        /// Whose.
        account: AccountId,
        /// Its tag: where a partitioned store keeps its sessions.
        route: Route,
        /// Which.
        id: SessionId,
    },
    /// Ends all sessions of the account but this one. Never lost.
    EndSessions {
        /// Whose.
        account: AccountId,
        /// Its tag: where a partitioned store keeps its sessions.
        route: Route,
        /// The one that stays.
        except: Option<SessionId>,
    },
    /// Ends a guard's reservation. Never lost; a guard that is not there counts as new.
    Settle {
        /// Which.
        key: GuardKey,
        /// How.
        how: Settlement,
        /// Under which limit.
        limit: Limit,
        /// When.
        at: Timestamp,
    },
    /// Lays down a realm's canary. Lost when there is one.
    AddCanary {
        /// Whose.
        realm: Realm,
        /// A known text, sealed.
        sealed: Vec<u8>,
    },
}
