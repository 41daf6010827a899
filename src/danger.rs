//! Switches that weaken something, each with the word in its path, so that a reviewer can search for it.

use crate::account::identifier::Identifier;
use crate::hash::HashSettings;
use crate::message::{Message, Sender, Sending, Sent};

/// Argon2id at its smallest (8 KiB, one pass): **danger**, for tests only. A stolen table of such hashes is
/// guessed at millions of passwords a second.
#[must_use]
pub fn fast_hashing() -> HashSettings {
    HashSettings::below_the_table(8, 1)
}

/// A sender that prints each message instead of sending it: **danger**, for development only. Whoever reads a server's
/// output or its log signs in as anybody.
#[must_use]
pub fn print_messages() -> impl Sender {
    Print
}

#[derive(Debug)]
struct Print;

impl Sender for Print {
    fn takes(&self, _: &Identifier) -> bool {
        true
    }

    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        // What it is for, and why it is under `danger`.
        println!("to {}: {}", message.to.as_str(), message.text().body);
        Box::pin(async { Ok(Sent::Delivered) })
    }
}

/// Weaker HTTP settings, for [`HttpBuilder::danger`](crate::axum::HttpBuilder::danger).
#[cfg(feature = "axum")]
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct Http {
    pub(crate) insecure_cookies: bool,
    pub(crate) no_peer_addresses: bool,
}

#[cfg(feature = "axum")]
impl Http {
    /// Cookies without `Secure` and without the `__Host-` prefix: **danger**, a sub-domain or anybody on the network
    /// can plant and read them. For development; refused unless the site is at `http://localhost[:port]`.
    pub fn insecure_cookies_on_localhost() -> Self {
        Self { insecure_cookies: true, ..Self::default() }
    }

    /// Serves requests of which no peer address is known (a Unix socket, a test): **danger**, the network throttle
    /// counts none of them.
    pub fn without_peer_addresses(mut self) -> Self {
        self.no_peer_addresses = true;
        self
    }
}
