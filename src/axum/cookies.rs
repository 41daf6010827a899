//! Cookies: their names, how they are read, how they are set.

use ::axum::http::{HeaderMap, HeaderValue, header};
use ::axum::response::{IntoResponse, IntoResponseParts, Response, ResponseParts};
use std::convert::Infallible;
use std::fmt::{self, Debug};
use std::time::Duration;
use zeroize::Zeroizing;

use crate::secret::Token;

/// Set-Cookie headers, to be put in front of a response: `(cookies, page)`. Responses with them are not stored.
#[derive(Clone, Default)]
#[must_use]
pub struct SetCookies {
    lines: Vec<HeaderValue>,
    clear_site: bool,
}

/// The cookies of a site.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) session: &'static str,
    pub(crate) flow: &'static str,
    pub(crate) browser: &'static str,
    /// Of sessions of other accounts than the one in use.
    pub(crate) beside: &'static str,
    secure: bool,
}

pub(crate) static SECURE: Names = Names {
    session: "__Host-propusk",
    flow: "__Host-propusk-flow",
    browser: "__Host-propusk-browser",
    beside: "__Host-propusk-beside",
    secure: true,
};

pub(crate) static INSECURE: Names = Names {
    session: "propusk",
    flow: "propusk-flow",
    browser: "propusk-browser",
    beside: "propusk-beside",
    secure: false,
};

impl Names {
    /// Whether any of them is there, of whatever value: then the request speaks with a browser's authority.
    pub(crate) fn any_in(&self, headers: &HeaderMap) -> bool {
        let mine = [self.session, self.flow, self.browser, self.beside].map(str::as_bytes);
        pairs(headers).any(|(name, _)| mine.contains(&name))
    }

    /// The known browsers' tokens, newest first.
    pub(crate) fn browsers(&self, headers: &HeaderMap) -> Vec<Token> {
        several(headers, self.browser, MOST_BROWSERS)
    }

    /// The tokens of the sessions of other accounts, the last used first, when there may be so many accounts.
    pub(crate) fn beside(&self, headers: &HeaderMap, accounts: usize) -> Vec<Token> {
        several(headers, self.beside, accounts.saturating_sub(1))
    }
}

impl SetCookies {
    pub(crate) fn set(&mut self, names: &Names, name: &'static str, value: &str, life: Option<Duration>) {
        // SameSite=Lax, not Strict: a link in a letter opens the site signed in. No Domain: sub-domains see nothing.
        let secure = if names.secure { "; Secure" } else { "" };
        let age = life.map_or_else(String::new, |life| format!("; Max-Age={}", life.as_secs()));
        let line = Zeroizing::new(format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}"));
        if let Ok(mut line) = HeaderValue::from_str(&line) {
            line.set_sensitive(true);
            self.lines.push(line);
        }
    }

    pub(crate) fn browsers(&mut self, names: &Names, tokens: &[Token], life: Duration) {
        self.set(names, names.browser, &joined(tokens.iter().take(MOST_BROWSERS)), Some(life));
    }

    /// `life`: the browser's own without.
    pub(crate) fn beside<'a>(
        &mut self,
        names: &Names,
        tokens: impl Iterator<Item = &'a Token>,
        life: Option<Duration>,
    ) {
        let value = joined(tokens);
        match value.is_empty() {
            true => self.remove(names, names.beside),
            false => self.set(names, names.beside, &value, life),
        }
    }

    pub(crate) fn remove(&mut self, names: &Names, name: &'static str) {
        self.set(names, name, "", Some(Duration::ZERO));
    }

    /// What a page showed leaves the browser's caches with the session (ASVS 5.0 14.3.1). Not "cookies": the known
    /// browser stays known.
    pub(crate) const fn clear_site(&mut self) {
        self.clear_site = true;
    }
}

impl IntoResponseParts for SetCookies {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        let headers = parts.headers_mut();
        if !self.lines.is_empty() {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        for line in self.lines {
            headers.append(header::SET_COOKIE, line);
        }
        if self.clear_site {
            headers.insert("clear-site-data", HeaderValue::from_static("\"cache\", \"storage\""));
        }
        Ok(parts)
    }
}

impl IntoResponse for SetCookies {
    fn into_response(self) -> Response {
        (self, ()).into_response()
    }
}

impl Debug for SetCookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetCookies").field("lines", &self.lines.len()).finish_non_exhaustive()
    }
}

/// The value of the one cookie of this name. Two with different values: neither, since one was tossed in from
/// elsewhere, and believing the first would sign a person in to an attacker's account.
pub(crate) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut found = None;
    for (_, value) in pairs(headers).filter(|(other, _)| *other == name.as_bytes()) {
        if found.is_some_and(|before| before != value) {
            return None;
        }
        found = Some(value);
    }
    std::str::from_utf8(found?).ok()
}

fn several(headers: &HeaderMap, name: &str, most: usize) -> Vec<Token> {
    let value = read(headers, name).unwrap_or_default();
    value.split('.').take(most).filter_map(Token::parse).collect()
}

fn joined<'a>(tokens: impl Iterator<Item = &'a Token>) -> Zeroizing<String> {
    let texts: Vec<_> = tokens.map(Token::expose).collect();
    Zeroizing::new(texts.iter().map(|text| text.as_str()).collect::<Vec<_>>().join("."))
}

// Bytes, not text: one foreign cookie that is no UTF-8 must not hide ours.
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| {
            let pair = pair.trim_ascii();
            let at = pair.iter().position(|byte| *byte == b'=')?;
            let (name, value) = pair.split_at_checked(at)?;
            Some((name.trim_ascii(), value.get(1..)?.trim_ascii()))
        })
}

const MOST_BROWSERS: usize = 5;
