//! Messages: written to the outbox in the batch that causes them, delivered by [`crate::auth::Auth::tend`].

use crate::clock::Timestamp;
use crate::id::{AccountId, MessageId, Realm};

/// A message at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// Its id, the idempotency key of its delivery.
    pub id: MessageId,
    /// The realm that it belongs to.
    pub realm: Realm,
    /// Whose it is, where there is an account.
    pub account: Option<AccountId>,
    /// False for a decoy's: it is written as any other, so that nobody can tell, and never handed out.
    pub deliver: bool,
    /// Not before this.
    pub due: Timestamp,
    /// How often it was handed out.
    pub attempts: u32,
    /// Channel, recipient, template and parameters, sealed under the ring.
    pub sealed: Vec<u8>,
}
