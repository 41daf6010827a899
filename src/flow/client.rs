use std::fmt::{self, Debug};
use std::net::{IpAddr, Ipv6Addr};

use super::Asking;
use crate::device::{self, Device};
use crate::event::Origin;
use crate::message::Locale;
use crate::secret::Token;

/// Who asks, as the application's own front end knows it. Nothing here is taken from a header by default.
#[derive(Clone)]
#[non_exhaustive]
pub struct Client {
    /// The peer's address, or what a configured proxy says of it.
    pub address: Option<IpAddr>,
    /// What the browser says of itself; for its owner's eyes only.
    pub device: Device,
    /// The language for what is said and sent.
    pub locale: Locale,
    /// The tokens from the browser's long-lived cookie, newest first. Each is verified against its account.
    pub browsers: Vec<Token>,
    /// The secret that binds flows to this browser.
    pub binding: Option<Token>,
    /// The token of the session that it holds: it ends when the client is given another.
    pub session: Option<Token>,
    /// The tokens of sessions of other accounts that it holds beside that one, the last used first.
    pub beside: Vec<Token>,
    /// Of how many accounts it may hold a session at a time.
    pub accounts: usize,
    /// Whether the person asks for this browser to be trusted, where this step ends a sign-in and the profile allows it.
    pub trust: bool,
    /// The answer to a puzzle that it was posed ([`Visit::puzzle`](super::Visit::puzzle)).
    pub human: Option<String>,
    /// Whether a session that begins here has a token for minutes, and another that gets the next one.
    pub refresh: bool,
}

impl Client {
    /// A client of which nothing is known: a program, a test.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            address: None,
            device: device::parse(""),
            locale: Locale::default(),
            browsers: Vec::new(),
            binding: None,
            session: None,
            beside: Vec::new(),
            accounts: 1,
            trust: false,
            human: None,
            refresh: false,
        }
    }

    /// With an address.
    #[must_use]
    pub const fn from_address(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// With what its User-Agent says.
    #[must_use]
    pub fn with_user_agent(mut self, user_agent: &str) -> Self {
        self.device = device::parse(user_agent);
        self
    }

    /// With a language.
    #[must_use]
    pub const fn in_locale(mut self, locale: Locale) -> Self {
        self.locale = locale;
        self
    }

    /// With the token of a known browser; the newest first, and no more than five are looked at.
    #[must_use]
    pub fn with_browser(mut self, token: Token) -> Self {
        if self.browsers.len() < MOST_BROWSERS {
            self.browsers.push(token);
        }
        self
    }

    /// With the secret that binds its flows.
    #[must_use]
    pub fn bound_by(mut self, binding: Token) -> Self {
        self.binding = Some(binding);
        self
    }

    /// With the token of the session that it holds.
    #[must_use]
    pub fn holding(mut self, session: Token) -> Self {
        self.session = Some(session);
        self
    }

    /// With room for sessions of so many accounts at a time, five at the most, and the tokens of those that it holds
    /// beside the one in use, the last used first: a sign-in to another account ends none of them before there are too many.
    #[must_use]
    pub fn holding_beside(mut self, accounts: usize, beside: Vec<Token>) -> Self {
        self.accounts = accounts.clamp(1, MOST_ACCOUNTS);
        self.beside = beside;
        self
    }

    /// With the wish that this browser be trusted from now on.
    #[must_use]
    pub const fn trusting(mut self, trust: bool) -> Self {
        self.trust = trust;
        self
    }

    /// With the answer to a puzzle that it was posed.
    #[must_use]
    pub fn human(mut self, answer: impl Into<String>) -> Self {
        self.human = Some(answer.into());
        self
    }

    /// With the wish for a short-lived token and one that renews it: a sign-in or registration that begins so ends in a
    /// [`Done::refresh`](super::Done::refresh), for [`Visit::refresh`](super::Visit::refresh). For applications that keep
    /// their tokens themselves; "not my device" has none.
    #[must_use]
    pub const fn refreshing(mut self, refresh: bool) -> Self {
        self.refresh = refresh;
        self
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin { address: self.address, device: self.device.clone() }
    }

    /// The network that a throttle counts: an IPv4 address, or the /64 of an IPv6 one, since one customer has all of
    /// it (CVE-2026-45364). An IPv4 address in IPv6 clothes is the same network.
    pub(crate) fn network(&self) -> Option<Vec<u8>> {
        match self.address? {
            IpAddr::V4(v4) => Some(v4.octets().to_vec()),
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => Some(v4.octets().to_vec()),
                None => Some(prefix(v6).to_vec()),
            },
        }
    }
}

impl Client {
    /// By what the accounts of one network are counted: who holds an IPv6 /48 has a fresh /64 for each of them, and in an
    /// IPv4 /24 are strangers.
    pub(crate) fn crowd(&self) -> Option<Vec<u8>> {
        let network = self.network()?;
        if network.len() == 4 { Some(network) } else { self.block() }
    }

    /// The block of addresses that an owner's habits know: a provider moves its customers within one (IPv4 /24, IPv6 /48).
    pub(crate) fn block(&self) -> Option<Vec<u8>> {
        let mut network = self.network()?;
        let rest = if network.len() == 4 { 1 } else { 2 };
        network.truncate(network.len() - rest);
        Some(network)
    }
}

impl Asking {
    /// Whether they ask from this client's own network. A hint for a person's eyes: true of a neighbour, too.
    #[must_use]
    pub fn is_near(&self, client: &Client) -> bool {
        let asks = Client { address: self.from.address, ..Client::unknown() };
        client.address.is_some() && asks.network() == client.network()
    }
}

impl Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("device", &self.device).finish_non_exhaustive()
    }
}

fn prefix(v6: Ipv6Addr) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = v6.octets();
    [a, b, c, d, e, f, g, h]
}

/// What signing in costs the store grows with them.
pub(crate) const MOST_ACCOUNTS: usize = 5;
const MOST_BROWSERS: usize = 5;
