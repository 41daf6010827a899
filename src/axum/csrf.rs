//! Who may ask: the table in the module's documentation.

use ::axum::extract::{FromRef, FromRequestParts};
use ::axum::http::request::Parts;
use ::axum::http::{HeaderMap, Method, header};

use super::caller::{self, Caller};
use super::problem::Fault;
use super::{AuthHttp, Problem};

/// For an application's own JSON handlers: the request came from the site itself, or from a program; and where its browser
/// holds several accounts, from a page of the one in use ([several accounts](super#several-accounts)).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SameOrigin;

impl<S> FromRequestParts<S> for SameOrigin
where
    AuthHttp: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let http = AuthHttp::from_ref(state);
        Caller::of(&http, parts)?
            .same_origin(parts)?
            .turn(&parts.headers, !is_safe(&parts.method))
            .await
            .map(|()| Self)
    }
}

/// Refuses an unsafe method that another site could have made a browser send (ATTACKS 63), and the beginning of a
/// WebSocket: a GET by its method, that goes on both ways, and is held to no same-origin policy (RFC 6455 section 10.2).
pub(crate) fn check(http: &AuthHttp, method: &Method, headers: &HeaderMap) -> Result<(), Fault> {
    if is_safe(method) && !headers.contains_key(header::SEC_WEBSOCKET_KEY) {
        return Ok(());
    }
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let mut sites = headers.get_all("sec-fetch-site").iter();
    let fine = match (origins.next(), origins.next()) {
        (Some(origin), None) => {
            origin.as_bytes() == http.origin().as_bytes() && sites.all(|site| site == "same-origin")
        }
        // A browser sends an origin with every unsafe method, and none of these headers across sites.
        (None, _) => is_program(http, headers) && sites.next().is_none(),
        (Some(_), Some(_)) => false,
    };
    if fine { Ok(()) } else { Err(Fault::Origin) }
}

pub(crate) const fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// No browser: it holds its secrets in headers, and no cookie lends it authority.
pub(crate) fn is_program(http: &AuthHttp, headers: &HeaderMap) -> bool {
    let own_header = caller::bearer(headers).is_some() || headers.contains_key(caller::BINDING);
    own_header && !headers.contains_key(header::ORIGIN) && !http.names().any_in(headers)
}
