use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::deviations::Measure;
use super::password::{CredentialPolicy, PasswordRules};
use super::{HumanPolicy, RecoveryRules, Requirement, Signal, SuspicionRules};
use crate::account::identifier::IdentifierKind;
use crate::proof::{Aal, Channel, Proves};
use crate::store::Rate;

/// A security policy as a value: a named set of numbers that hold together. There is no default; the builder
/// asks for one. Fields may be adjusted: [`Profile::deviations`] then lists what departs from the standards.
///
/// | profile | sign-in | password | session ends | no factor by |
/// |---|---|---|---|---|
/// | [`public_portal`](Self::public_portal) | two kinds of factor, an e-mail code may be one | the portal's custom | unused 24 h, after 30 days | |
/// | [`nist_aal1`](Self::nist_aal1) | AAL1 | 15 characters | unused 7 days, after 30 days | secret question |
/// | [`nist_aal2`](Self::nist_aal2) | AAL2 | 8 characters | unused 1 h, after 24 h | secret question |
/// | [`nist_aal3`](Self::nist_aal3) | AAL3 | 8 characters | unused 15 min, after 12 h | telephone network, e-mail, secret question |
/// | [`asvs_l1`](Self::asvs_l1) | AAL1 | 8 characters | unused 7 days, after 30 days | secret question |
/// | [`asvs_l2`](Self::asvs_l2) | two kinds of factor, an e-mail code may be one | 15 characters | unused 1 h, after 24 h | secret question |
/// | [`asvs_l3`](Self::asvs_l3) | AAL3 | 15 characters | unused 15 min, after 12 h | telephone network, e-mail, secret question |
///
/// ```
/// use std::time::Duration;
///
/// use propusk::Profile;
///
/// let mut profile = Profile::nist_aal2();
/// profile.sessions.idle = Duration::from_secs(8 * 3600);
/// let departs: Vec<_> = profile.deviations().iter().map(|one| one.requirement).collect();
/// assert!(!departs.is_empty(), "an hour is what NIST SP 800-63B-4 section 2.2.3 recommends");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Profile {
    /// Its name, in documents and logs.
    pub name: &'static str,
    /// What a password must satisfy.
    pub password: Arc<dyn CredentialPolicy>,
    /// What must be proven before a session is minted.
    pub sign_in: Requirement,
    /// Whether an account that has too little for that enrols what is missing at its sign-in. Else it never gets in.
    pub enrols_missing: bool,
    /// Whether a person may have a browser trusted to sign in by less. `None`: never.
    pub trust: Option<TrustRule>,
    /// What a session proved within this time need not be proven again to add or take away a credential.
    pub recent: Duration,
    /// How a person gets back in who lost something.
    pub recovery: RecoveryRules,
    /// What becomes of a sign-in that is unlike the others of its account.
    pub suspicion: SuspicionRules,
    /// For so long a change of contacts is undone by the contacts before it, and a new one recovers nothing.
    pub contact_hold: Duration,
    /// What becomes of an account that its owner closes.
    pub closing: ClosingRules,
    /// By what no factor may travel: the builder refuses one.
    pub bars: &'static [Channel],
    /// Kinds of contact that one can register with. None: registration is closed, and accounts are made by
    /// [`Auth::import`](crate::Auth::import).
    pub sign_up_contacts: &'static [IdentifierKind],
    /// What must be enrolled before an account is made.
    pub sign_up_enrols: Proves,
    /// Lifetimes and number of sessions.
    pub sessions: SessionLimits,
    /// For how long events are kept.
    pub retention: Retention,
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
    /// When who begins something is checked. By no profile of this crate: it costs people time and batteries, and how
    /// much flood there is, only the service knows.
    pub human: HumanPolicy,
    /// What [`Profile::deviations`] holds it against.
    pub measured: Measure,
    pub(super) reasons: BTreeMap<Cow<'static, str>, Cow<'static, str>>,
}

/// What a trusted browser signs in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "two numbers, which an application writes out")]
pub struct TrustRule {
    /// What is still to be proven there.
    pub needs: Requirement,
    /// For how long, from the sign-in that proved all of it.
    pub life: Duration,
}

/// What becomes of an account that its owner closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "two numbers, which an application writes out")]
pub struct ClosingRules {
    /// For so long its owner can come back; zero: it is erased at once.
    pub grace: Duration,
    /// From then on its names stay taken for so long: who is given an old number finds no way into what stood behind it.
    pub name_free_after: Duration,
}

/// For how long events are kept (ASVS 5.0 14.2.7). `None`: for ever. Never shorter than a session or a change of
/// contacts that can be undone: the builder refuses that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "three numbers, which an application writes out")]
pub struct Retention {
    /// What left the account as it was: sign-ins, sign-outs, step-ups, and all that was refused or timed out.
    pub sign_ins: Option<Duration>,
    /// What tells how the account came to be what it is: changes of factors, contacts and state, recoveries, approvals;
    /// an application's own events.
    pub changes: Option<Duration>,
    /// Notices in the [inbox](crate::Auth::inbox). Any time.
    pub notices: Option<Duration>,
}

/// Lifetimes and number of sessions (ASVS 5.0 7.1.1, 7.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionLimits {
    /// Ends when unused for so long.
    pub idle: Duration,
    /// Ends after this, used or not.
    pub absolute: Duration,
    /// The same on "not my device": another value, since a session is known by it for one of those.
    pub public_idle: Duration,
    /// The same on "not my device".
    pub public_absolute: Duration,
    /// A token that a refresh token renews is over after this (RFC 9700 section 2.2.2: short).
    pub access: Duration,
    /// For so long a refresh token gets again what it was exchanged for: the reply may have been lost. Used later, it says
    /// that there are two who hold it.
    pub grace: Duration,
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
            bars: &[],
            trust: Some(TrustRule {
                needs: Requirement::aal(Aal::One),
                life: Duration::from_secs(30 * 24 * HOUR),
            }),
            sessions: SessionLimits {
                idle: Duration::from_secs(24 * HOUR),
                absolute: Duration::from_secs(30 * 24 * HOUR),
                ..Self::nist_aal1().sessions
            },
            measured: Measure { aal: Aal::Two, asvs: 2 },
            ..Self::nist_aal1()
        }
        .because("2.2 AAL2", "most people of the portal have an e-mail address and no authenticator yet")
        .because("3.1.3.1", "the same")
        .because("6.3.3", "who asks for it is not asked for a second factor in their own browser for a month")
        .because("2.2.3", "people keep the portal open for weeks; an operation can ask for a fresh factor")
        .because("3.1.1.2", CUSTOM)
        .because("6.2.5", CUSTOM)
        .because("6.4.2", CUSTOM)
        .because("6.2.10", CUSTOM)
    }

    /// NIST SP 800-63B-4 at AAL1: one authenticator; the password may be the only one, so it has 15 characters.
    #[must_use]
    pub fn nist_aal1() -> Self {
        Self {
            name: "nist_aal1",
            password: Arc::new(PasswordRules::nist_aal1()),
            sign_in: Requirement::aal(Aal::One),
            enrols_missing: true,
            trust: None,
            recent: Duration::ZERO,
            closing: ClosingRules {
                grace: Duration::from_secs(30 * 24 * HOUR),
                // Networks give a number to somebody else after about as long.
                name_free_after: Duration::from_secs(90 * 24 * HOUR),
            },
            recovery: RecoveryRules::default(),
            suspicion: SuspicionRules::default(),
            contact_hold: Duration::from_secs(72 * HOUR),
            bars: &[Channel::Question],
            sign_up_contacts: &[IdentifierKind::Phone, IdentifierKind::Email],
            sign_up_enrols: Proves::by(Channel::Mind).knowledge().memorised(),
            sessions: SessionLimits {
                // Section 2.1.3: an overall limit, of at most 30 days; inactivity is left to the service.
                idle: Duration::from_secs(7 * 24 * HOUR),
                absolute: Duration::from_secs(30 * 24 * HOUR),
                public_idle: Duration::from_secs(HOUR / 4),
                public_absolute: Duration::from_secs(3 * HOUR),
                access: Duration::from_secs(HOUR / 6),
                grace: Duration::from_secs(10),
                at_most: 20,
            },
            retention: Retention {
                // A year, and the day that a leap year adds.
                sign_ins: Some(Duration::from_secs(366 * 24 * HOUR)),
                // Section 4.1: a record of all authenticators that are, or have been, bound to the account.
                changes: None,
                // As long as a browser is known: who comes back after that reads the history.
                notices: Some(Duration::from_secs(180 * 24 * HOUR)),
            },
            flow_life: Duration::from_secs(HOUR / 4),
            browser_life: Duration::from_secs(180 * 24 * HOUR),
            browsers: 10,
            network_rate: Rate { uses: 120, per: Duration::from_secs(60) },
            recipient_rate: Rate { uses: 10, per: Duration::from_secs(HOUR) },
            message_rate: Rate { uses: 60, per: Duration::from_secs(HOUR) },
            human: HumanPolicy::NONE,
            measured: Measure { aal: Aal::One, asvs: 1 },
            reasons: BTreeMap::new(),
        }
    }

    /// NIST SP 800-63B-4 at AAL2: two different authenticators, or one that needs two. An e-mail code is none, so one
    /// registers by phone: a code and a password reach AAL2 together.
    #[must_use]
    pub fn nist_aal2() -> Self {
        Self {
            name: "nist_aal2",
            password: Arc::new(PasswordRules::nist_aal2()),
            sign_in: Requirement::aal(Aal::Two),
            sign_up_contacts: &[IdentifierKind::Phone],
            sessions: SessionLimits {
                // Section 2.2.3.
                idle: Duration::from_secs(HOUR),
                absolute: Duration::from_secs(24 * HOUR),
                ..Self::nist_aal1().sessions
            },
            measured: Measure { aal: Aal::Two, asvs: 2 },
            ..Self::nist_aal1()
        }
    }

    /// NIST SP 800-63B-4 at AAL3: a key that resists phishing, cannot be exported and verifies its user. Registration
    /// is closed: what could confirm a contact may be no factor here.
    #[must_use]
    pub fn nist_aal3() -> Self {
        Self {
            name: "nist_aal3",
            password: Arc::new(PasswordRules::nist_aal3()),
            sign_in: Requirement::aal(Aal::Three),
            bars: TYPED_OVER_NETWORKS,
            // ASVS 5.0 6.3.5.
            suspicion: SuspicionRules::default().with(Signal::PartialSuccess, 20),
            sign_up_contacts: &[],
            sessions: SessionLimits {
                // Section 2.3.3.
                idle: Duration::from_secs(HOUR / 4),
                absolute: Duration::from_secs(12 * HOUR),
                public_idle: Duration::from_secs(HOUR / 6),
                access: Duration::from_secs(HOUR / 12),
                ..Self::nist_aal1().sessions
            },
            measured: Measure { aal: Aal::Three, asvs: 3 },
            ..Self::nist_aal2()
        }
    }

    /// OWASP ASVS 5.0 at level 1.
    #[must_use]
    pub fn asvs_l1() -> Self {
        Self { name: "asvs_l1", password: Arc::new(PasswordRules::asvs_l1()), ..Self::nist_aal1() }
            .because("3.1.1.2", "6.2.1 asks for 8 characters and only recommends 15")
    }

    /// OWASP ASVS 5.0 at level 2: two kinds of factor (6.3.3); an e-mail code may be one until level 3 (6.3.6).
    #[must_use]
    pub fn asvs_l2() -> Self {
        const EMAIL: &str = "6.3.6 bars e-mail from level 3 on";
        Self {
            name: "asvs_l2",
            password: Arc::new(PasswordRules::asvs_l2()),
            sign_in: Requirement::two_factors(),
            sign_up_contacts: Self::nist_aal1().sign_up_contacts,
            ..Self::nist_aal2()
        }
        .because("2.2 AAL2", EMAIL)
        .because("3.1.3.1", EMAIL)
    }

    /// OWASP ASVS 5.0 at level 3: a key that resists phishing (6.3.3), no e-mail (6.3.6), no telephone (6.6.1).
    /// Registration is closed: what could confirm a contact may be no factor here.
    #[must_use]
    pub fn asvs_l3() -> Self {
        Self { name: "asvs_l3", password: Arc::new(PasswordRules::asvs_l3()), ..Self::nist_aal3() }
    }

    /// The same with another policy for passwords.
    #[must_use]
    pub fn with_password_policy(mut self, policy: impl CredentialPolicy + 'static) -> Self {
        self.password = Arc::new(policy);
        self
    }

    /// Says why this profile departs from a requirement, for [`Profile::deviations`]: `"6.2.10"`, `"3.1.1.2"`.
    #[must_use]
    pub fn because(
        mut self,
        requirement: impl Into<Cow<'static, str>>,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.reasons.insert(requirement.into(), reason.into());
        self
    }
}

const HOUR: u64 = 3600;
const CUSTOM: &str = "the custom of the portal that this profile is modelled on";
const TYPED_OVER_NETWORKS: &[Channel] = &[Channel::Phone, Channel::Email, Channel::Question];
