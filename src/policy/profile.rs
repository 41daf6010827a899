use std::sync::Arc;
use std::time::Duration;

use super::Requirement;
use super::password::{CredentialPolicy, PasswordRules};
use crate::account::identifier::IdentifierKind;
use crate::proof::{Aal, Channel, Proves};
use crate::store::Rate;

/// A security policy as a value: a named set of numbers that hold together. There is no default; the builder
/// asks for one. Fields may be adjusted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Profile {
    /// Its name, in documents and logs.
    pub name: &'static str,
    /// What a password must satisfy.
    pub password: Arc<dyn CredentialPolicy>,
    /// What must be proven before a session is minted.
    pub sign_in: Requirement,
    /// Kinds of contact that one can register with.
    pub sign_up_contacts: &'static [IdentifierKind],
    /// What must be enrolled before an account is made.
    pub sign_up_enrols: Proves,
    /// Lifetimes and number of sessions.
    pub sessions: SessionLimits,
    /// A flow is gone after this.
    pub flow_life: Duration,
    /// A browser that was not signed in from for so long is no longer known.
    pub browser_life: Duration,
    /// How many browsers an account knows.
    pub browsers: usize,
    /// Steps from one network (IPv4 address, IPv6 /64).
    pub network_rate: Rate,
    /// Messages to one address for one purpose.
    pub recipient_rate: Rate,
    /// Messages that one network causes.
    pub message_rate: Rate,
}

/// Lifetimes and number of sessions (ASVS 5.0 7.1.1, 7.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionLimits {
    /// Ends when unused for so long.
    pub idle: Duration,
    /// Ends after this, used or not.
    pub absolute: Duration,
    /// The same on "not my device".
    pub public_idle: Duration,
    /// The same on "not my device".
    pub public_absolute: Duration,
    /// How many an account may have; the least recently used one gives way.
    pub at_most: usize,
}

impl Profile {
    /// The sign-in of a public-services portal: two factors by default, an e-mail code may be one of them.
    #[must_use]
    pub fn public_portal() -> Self {
        Self {
            name: "public_portal",
            password: Arc::new(PasswordRules::public_portal()),
            sign_in: Requirement::two_factors(),
            sessions: SessionLimits {
                idle: Duration::from_secs(24 * HOUR),
                absolute: Duration::from_secs(30 * 24 * HOUR),
                public_idle: Duration::from_secs(HOUR / 4),
                public_absolute: Duration::from_secs(3 * HOUR),
                at_most: 20,
            },
            ..Self::nist_aal1()
        }
    }

    /// NIST SP 800-63B-4 at AAL1: one authenticator; the password may be the only one, so it has 15 characters.
    #[must_use]
    pub fn nist_aal1() -> Self {
        Self {
            name: "nist_aal1",
            password: Arc::new(PasswordRules::nist_aal1()),
            sign_in: Requirement::aal(Aal::One),
            sign_up_contacts: &[IdentifierKind::Phone, IdentifierKind::Email],
            sign_up_enrols: Proves::by(Channel::Mind).knowledge().memorised(),
            sessions: SessionLimits {
                // Section 2.1.3: an overall limit, of at most 30 days; inactivity is left to the service.
                idle: Duration::from_secs(7 * 24 * HOUR),
                absolute: Duration::from_secs(30 * 24 * HOUR),
                public_idle: Duration::from_secs(HOUR / 4),
                public_absolute: Duration::from_secs(3 * HOUR),
                at_most: 20,
            },
            flow_life: Duration::from_secs(HOUR / 4),
            browser_life: Duration::from_secs(180 * 24 * HOUR),
            browsers: 10,
            network_rate: Rate { uses: 120, per: Duration::from_secs(60) },
            recipient_rate: Rate { uses: 10, per: Duration::from_secs(HOUR) },
            message_rate: Rate { uses: 60, per: Duration::from_secs(HOUR) },
        }
    }

    /// The same with another policy for passwords.
    #[must_use]
    pub fn with_password_policy(mut self, policy: impl CredentialPolicy + 'static) -> Self {
        self.password = Arc::new(policy);
        self
    }
}

const HOUR: u64 = 3600;
