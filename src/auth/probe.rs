//! Whether the stores answer: for health checks.

use super::Auth;
use crate::error::Broken;
use crate::secret::{Purpose, Route, Token};

impl Auth {
    /// Asks every home one cheap question: whether it answers now. [`ready`](Self::ready) looks once and remembers.
    /// How long one waits is the caller's to say, as far as the adapter's own patience goes.
    ///
    /// # Errors
    /// As [`ready`](Self::ready).
    pub async fn probe(&self) -> Result<(), Broken> {
        let auth = &self.0;
        let laid = auth.store.canary(auth.keys.realm().clone()).await?;
        if let Some(sealed) = laid {
            auth.keys.check_canary(&sealed)?;
        }
        // A session that nobody has: the store of sessions may be another than the ledger.
        let token = Token::routed(Route::random(auth.entropy())?, auth.entropy())?;
        let _ = auth.store.find_session(token.hash(auth.keys.scope(), Purpose::Session)).await?;
        Ok(())
    }
}
