//! What operations ask for beyond a session: the account's level, more proof, an approval. Asked when a form comes, not
//! only when its page is shown: it may lie open for hours.

use std::time::Duration;

use propusk::account::Level;
use propusk::error::Broken;
use propusk::flow::{Code, Step, Transaction, Visit};
use propusk::policy::Requirement;
use propusk::proof::Aal;
use propusk::{Profile, Token};

/// The portal's profile.
pub fn profile() -> Profile {
    let mut profile = Profile::public_portal();
    // Who has just signed in and adds an application, then backup codes, is not asked for the same at each of them.
    profile.recent = Duration::from_secs(5 * 60);
    profile
}

/// The level that an application takes.
pub const APPLICATION: Level = Level::Standard;

/// What an extract takes: two steps, whenever that was. A session has them, unless its browser was trusted at the sign-in.
pub const EXTRACT: Requirement = Requirement::two_factors();

/// Has a payment approved, by AAL2 where the account can reach it. An account that has nothing but a password and a
/// mailbox cannot (NIST counts no e-mail); it may pay by these two, as it signs in by them. Nobody gets around an
/// authenticator that way: it is either in the account, and asked for, or was removed by who proved it.
pub async fn approve(visit: &Visit, token: &Token, what: &Transaction) -> Result<Step, Broken> {
    match visit.approve(token, Requirement::aal(Aal::Two), what.clone()).await? {
        Step::Refused(why) if why.code == Code::OutOfReach => {
            visit.approve(token, Requirement::two_factors(), what.clone()).await
        }
        step => Ok(step),
    }
}
