//! Who asks, as the headers and the connection say.

use std::net::SocketAddr;

use ::axum::extract::{ConnectInfo, FromRequestParts};
use ::axum::http::request::Parts;
use ::axum::http::{HeaderMap, header};

use super::problem::Fault;
use super::{AuthHttp, Problem, SetCookies, cookies, csrf};
use crate::error::Broken;
use crate::flow::{Client, Done, Visit};
use crate::message::Locale;
use crate::secret::Token;
use crate::session::Session;

/// One request's client, its session's token not yet looked up.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) http: AuthHttp,
    pub(crate) client: Client,
    pub(crate) token: Option<Token>,
    /// A program gets its secrets in JSON, a browser in cookies that no script can read.
    pub(crate) program: bool,
    /// The binding was made by this request: the client does not have it yet.
    pub(crate) fresh: Option<Token>,
}

impl Caller {
    pub(crate) fn of(http: &AuthHttp, parts: &Parts) -> Result<Self, Problem> {
        let headers = &parts.headers;
        let mut client = Client::unknown().in_locale(locale(headers));
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        client.address = peer.map(|peer| http.0.proxies.client(peer, headers));
        if client.address.is_none() && http.0.needs_address {
            return Err(Problem::fault(Fault::Misconfigured, client.locale));
        }
        if let Some(agent) = headers.get(header::USER_AGENT) {
            let agent = agent.as_bytes().get(..crate::device::MAX_BYTES).unwrap_or(agent.as_bytes());
            client = client.with_user_agent(&String::from_utf8_lossy(agent));
        }
        let program = csrf::is_program(http, headers);
        client.browsers = http.names().browsers(headers);
        client.binding = match program {
            true => headers.get(BINDING).and_then(|value| value.to_str().ok()).and_then(Token::parse),
            false => cookies::read(headers, http.names().flow).and_then(Token::parse),
        };
        let token = match bearer(headers) {
            Some(value) => Token::parse(value),
            None => cookies::read(headers, http.names().session).and_then(Token::parse),
        };
        client.session.clone_from(&token);
        if !program && http.0.accounts > 1 {
            let beside = http.names().beside(headers, http.0.accounts);
            client = client.holding_beside(http.0.accounts, beside);
        }
        Ok(Self { http: http.clone(), client, token, program, fresh: None })
    }

    /// The same, for an application's own handlers and forms: refused with `origin` where another site may have made a
    /// browser send it. A handler that takes a session cannot forget to look (ATTACKS 63).
    pub(crate) fn same_origin(self, parts: &Parts) -> Result<Self, Problem> {
        csrf::check(&self.http, &parts.method, &parts.headers).map_err(|fault| self.fault(fault))?;
        Ok(self)
    }

    /// Sees to it that flows and forms of this client are bound to something.
    pub(crate) fn bind(&mut self) -> Result<&Token, Problem> {
        let token = match self.client.binding.take() {
            Some(token) => token,
            None => {
                let token = self.http.auth().random_token().map_err(|broken| self.broken(&broken))?;
                self.fresh = Some(token.clone());
                token
            }
        };
        Ok(self.client.binding.insert(token))
    }

    pub(crate) fn visit(&self) -> Visit {
        self.http.auth().visit(self.client.clone())
    }

    /// The same, asking for this browser to be trusted where the step ends a sign-in.
    pub(crate) fn trusting(&self, trust: bool) -> Visit {
        self.http.auth().visit(self.client.clone().trusting(trust))
    }

    /// The session, if there is one that lives.
    pub(crate) async fn session(&self) -> Result<Option<Session>, Problem> {
        let Some(token) = &self.token else { return Ok(None) };
        self.http.auth().session(token).await.map_err(|broken| self.broken(&broken))
    }

    pub(crate) fn broken(&self, broken: &Broken) -> Problem {
        Problem::broken(&self.http, broken, self.client.locale)
    }

    pub(crate) fn fault(&self, fault: Fault) -> Problem {
        Problem::fault(fault, self.client.locale)
    }

    /// The binding cookie, where it is new.
    pub(crate) fn cookies(&self) -> SetCookies {
        let mut cookies = SetCookies::default();
        if let (Some(token), false) = (&self.fresh, self.program) {
            let names = self.http.names();
            cookies.set(names, names.flow, &token.expose(), None);
        }
        cookies
    }

    pub(crate) fn signed_in(&self, done: &Done) -> SetCookies {
        let mut cookies = self.cookies();
        if self.program {
            return cookies;
        }
        let (names, profile) = (self.http.names(), self.http.auth().profile());
        let life = (!done.public_device).then(|| done.session.expires().since(done.session.created()));
        cookies.set(names, names.session, &done.token.expose(), life);
        self.keep_beside(&mut cookies, done);
        if !done.public_device {
            let gone = done.replaced.as_ref().map(Token::expose);
            let stays = |token: &&Token| gone.as_ref().is_none_or(|gone| *token.expose() != **gone);
            let kept = self.client.browsers.iter().filter(stays);
            let known = done.browser.iter().chain(kept).cloned().collect::<Vec<_>>();
            if !known.is_empty() {
                cookies.browsers(names, &known, profile.browser_life);
            }
        }
        cookies
    }

    pub(crate) fn signed_out(&self) -> SetCookies {
        let mut cookies = self.cookies();
        if !self.program {
            let names = self.http.names();
            cookies.remove(names, names.session);
            cookies.clear_site();
        }
        cookies
    }
}

impl FromRequestParts<AuthHttp> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, http: &AuthHttp) -> Result<Self, Problem> {
        Self::of(http, parts)
    }
}

pub(crate) fn locale(headers: &HeaderMap) -> Locale {
    let header = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    header.map_or_else(Locale::default, Locale::from_accept_language)
}

/// What stands behind `Authorization: Bearer`. Two such headers: nothing that is a token.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter().filter_map(|line| line.to_str().ok());
    let (line, more) = (lines.next()?, lines.next().is_some());
    let (scheme, value) = line.split_once(' ')?;
    match scheme.eq_ignore_ascii_case("bearer") {
        true if more => Some(""),
        true => Some(value.trim()),
        false => None,
    }
}

pub(crate) const BINDING: &str = "propusk-binding";
