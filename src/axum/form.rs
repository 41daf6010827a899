//! Forms of an application's own pages, with a token against cross-site requests beside the check of the origin.

use ::axum::Form;
use ::axum::body::{Body, Bytes};
use ::axum::extract::{FromRef, FromRequest, Request};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::caller::Caller;
use super::problem::Fault;
use super::{AuthHttp, Problem, body};
use crate::secret::{Purpose, Token, base64url, same};

/// What one form carries, without its token.
pub trait FormFields: DeserializeOwned {
    /// What the form is for, `sign-in`: a token made for one form opens no other.
    const PURPOSE: &'static str;
}

/// A posted form: it came from the site itself, from a page that was made for this browser, this session and this
/// purpose. The field `form_token` is taken out before `F` is read.
///
/// Otherwise a [`Problem`] with code `origin`, `form_token`, `malformed`, `media_type`, `too_large` or `timed_out`; take
/// `Result<TokenForm<F>, Problem>` to show it on a page.
#[derive(Clone, Copy, Debug)]
pub struct TokenForm<F>(pub F);

impl<S, F> FromRequest<S> for TokenForm<F>
where
    AuthHttp: FromRef<S>,
    S: Send + Sync,
    F: FormFields,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let http = AuthHttp::from_ref(state);
        let (parts, incoming) = request.into_parts();
        let caller = Caller::of(&http, &parts)?.same_origin(&parts)?;
        let no = |fault| caller.fault(fault);
        let bytes = body::read(&parts.headers, incoming, FORM).await.map_err(no)?;
        let (token, rest) = split(&bytes).ok_or_else(|| no(Fault::FormToken))?;
        if !holds(&caller, F::PURPOSE, token) {
            return Err(no(Fault::FormToken));
        }
        let request = Request::from_parts(parts, Body::from(Bytes::from_owner(rest)));
        match Form::<F>::from_request(request, &()).await {
            Ok(Form(fields)) => Ok(Self(fields)),
            Err(_) => Err(no(Fault::Malformed)),
        }
    }
}

/// `nonce | HMAC(bound to, purpose, nonce)`.
pub(crate) fn token(caller: &Caller, purpose: &str) -> Result<String, Problem> {
    let bound = bound(caller).ok_or_else(|| caller.fault(Fault::Broken))?;
    let random = caller.http.auth().random_token().map_err(|broken| caller.broken(&broken))?;
    // The nonce is public: only what makes two pages differ.
    let hash = random.hash(caller.http.auth().keys().scope(), Purpose::FormToken);
    let (nonce, _) = hash.as_bytes().split_at(NONCE);
    let mut bytes = nonce.to_vec();
    bytes.extend_from_slice(&mac(caller, &bound, purpose, nonce));
    Ok(base64url(&bytes).as_str().to_owned())
}

fn holds(caller: &Caller, purpose: &str, token: &[u8]) -> bool {
    if token.len() != TEXT {
        return false;
    }
    let Ok(bytes) = data_encoding::BASE64URL_NOPAD.decode(token) else { return false };
    let (Some((nonce, sent)), Some(bound)) = (bytes.split_at_checked(NONCE), bound(caller)) else {
        return false;
    };
    same(sent, &mac(caller, &bound, purpose, nonce))
}

fn mac(caller: &Caller, bound: &Bound, purpose: &str, nonce: &[u8]) -> [u8; 32] {
    caller
        .http
        .auth()
        .keys()
        .lookup(Purpose::FormToken, &[bound.kind, &bound.hash, purpose.as_bytes(), nonce])
}

struct Bound {
    kind: &'static [u8],
    hash: [u8; 32],
}

// The session's token where there is one, dead or alive, else the binding: a page made before a sign-in is not
// posted after it.
fn bound(caller: &Caller) -> Option<Bound> {
    let scope = caller.http.auth().keys().scope();
    let hash = |token: &Token| *token.hash(scope, Purpose::FormToken).as_bytes();
    match (&caller.token, &caller.client.binding) {
        (Some(session), _) => Some(Bound { kind: b"session", hash: hash(session) }),
        (None, Some(binding)) => Some(Bound { kind: b"binding", hash: hash(binding) }),
        (None, None) => None,
    }
}

// Takes the pair out of the raw body: `F` may deny unknown fields, and a token that stands there twice is no token.
fn split(body: &[u8]) -> Option<(&[u8], Zeroizing<Vec<u8>>)> {
    let mut token = None;
    let mut rest = Zeroizing::new(Vec::with_capacity(body.len()));
    for pair in body.split(|byte| *byte == b'&') {
        match pair.strip_prefix(FIELD) {
            Some(value) if token.is_none() => token = Some(value),
            Some(_) => return None,
            None => {
                if !rest.is_empty() {
                    rest.push(b'&');
                }
                rest.extend_from_slice(pair);
            }
        }
    }
    Some((token?, rest))
}

const FIELD: &[u8] = b"form_token=";
const FORM: &str = "application/x-www-form-urlencoded";
const NONCE: usize = 16;
/// Of 48 bytes in base64.
const TEXT: usize = 64;
