//! What is sent as it is read.

use ::axum::body::Body;
use futures_util::stream::try_unfold;

use crate::auth::Export;

impl Export {
    /// The body of a response that holds one piece at a time. Where the store fails on the way it breaks off: a client
    /// sees that the download is not whole.
    #[must_use]
    pub fn into_body(self) -> Body {
        Body::from_stream(try_unfold(self, |mut all| async move {
            let piece = all.piece().await.map_err(std::io::Error::other)?;
            Ok::<_, std::io::Error>(piece.map(|piece| (piece, all)))
        }))
    }
}
