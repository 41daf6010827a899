//! What the ledger's tables hold, and when a purge may drop it.

use crate::clock::Timestamp;
use crate::event::EventRow;
use crate::id::{BrowserId, CredentialId, MessageId, Realm};
use crate::lockout::Guard;
use crate::message::MessageRow;
use crate::store::memory::table::Row;
use crate::store::{AccountRow, BrowserRow, ContactRow, CredentialRow, FlowRow, IdentifierRow, Lookup};

/// What belongs to an account.
#[derive(Clone, Default)]
pub(super) struct Owned {
    pub(super) identifiers: Vec<Lookup>,
    pub(super) contacts: Vec<CredentialId>,
    pub(super) credentials: Vec<CredentialId>,
    pub(super) browsers: Vec<BrowserId>,
}

#[derive(Clone)]
pub(super) struct Outgoing {
    pub(super) row: MessageRow,
    pub(super) leased_until: Timestamp,
    pub(super) closed: Option<Timestamp>,
}

/// A login name, and from when on it is anybody's, once it was given up.
#[derive(Clone)]
pub(super) struct Name {
    pub(super) row: IdentifierRow,
    pub(super) free_at: Option<Timestamp>,
}

#[derive(Clone, Copy)]
pub(super) struct Until(pub(super) Timestamp);

impl Row for AccountRow {}
impl Row for Owned {}
impl Row for ContactRow {}
impl Row for CredentialRow {}
impl Row for CredentialId {}
impl Row for BrowserId {}
impl Row for EventRow {}
impl Row for Vec<u8> {}

impl Row for Name {
    fn ends(&self) -> Option<Timestamp> {
        self.free_at
    }
}

impl Row for BrowserRow {
    fn ends(&self) -> Option<Timestamp> {
        Some(self.expires)
    }
}

impl Row for FlowRow {
    fn ends(&self) -> Option<Timestamp> {
        Some(self.expires)
    }
}

impl Row for Until {
    fn ends(&self) -> Option<Timestamp> {
        Some(self.0)
    }
}

impl Row for Guard {
    fn ends(&self) -> Option<Timestamp> {
        Some(Timestamp::from_millis(self.forget_at))
    }
}

impl Row for Outgoing {
    /// Nobody closes a message that is not to be delivered.
    fn ends(&self) -> Option<Timestamp> {
        if self.row.deliver { self.closed } else { Some(self.row.due) }
    }
}

impl Outgoing {
    /// Where it stands in the queue, while it is to be handed out.
    pub(super) fn queued(&self) -> Option<(Realm, Timestamp, MessageId)> {
        let open = self.row.deliver && self.closed.is_none();
        open.then(|| (self.row.realm.clone(), self.row.due, self.row.id))
    }
}
