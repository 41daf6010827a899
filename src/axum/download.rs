//! What is sent as it is read.

use std::io::Error;

use ::axum::body::Body;
use futures_util::stream::try_unfold;

use crate::auth::Export;
use crate::secret::Token;

impl Export {
    /// The body of a response to this session that holds one piece at a time. Where the store fails on the way, or the
    /// session ends, it breaks off: a client sees that the download is not whole.
    pub fn into_body(self, session: Token) -> Body {
        Body::from_stream(try_unfold((self, session), |(mut all, session)| async move {
            let lives = all.auth.session(&session).await.map_err(Error::other)?;
            if lives.is_none() {
                return Err(Error::other("the session has ended"));
            }
            let piece = all.piece().await.map_err(Error::other)?;
            Ok(piece.map(|piece| (piece, (all, session))))
        }))
    }
}
