//! What operations ask for beyond a session, with what the library tells of it today: the account's level, and when
//! what was proven. Asked when a page is shown and again when its form comes: a form may lie open for hours.
//!
//! A session cannot be raised in place yet: who proved something too long ago signs in again.

use std::time::Duration;

use propusk::Session;
use propusk::account::Level;
use propusk::clock::Timestamp;

/// A proof of something held (a device, a phone, a mailbox) is fresh for so long.
pub const FRESH: Duration = Duration::from_secs(10 * 60);

/// The level that an application takes.
pub const APPLICATION: Level = Level::Standard;

/// When something held was last proven in this session. A password alone does not count: it may be filled in by the
/// browser of whoever sits there now.
pub fn proven_at(session: &Session) -> Option<Timestamp> {
    let proofs = session.proofs();
    let held = proofs.iter().filter(|proof| proof.proves().is_possession());
    held.map(|proof| proof.at()).max()
}

/// Whether that is fresh.
pub fn is_fresh(session: &Session, now: Timestamp) -> bool {
    proven_at(session).is_some_and(|at| now.since(at) < FRESH)
}
