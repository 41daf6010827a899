use std::time::Duration;

use crate::account::identifier::IdentifierError;
use crate::factor::Reason;
use crate::message::Locale;
use crate::policy::password::Rule;

/// A "no": what a person can do about it, and a stable code for a program. Tells an attacker nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("refused: {}", code.as_str())]
#[non_exhaustive]
pub struct Refusal {
    /// Why.
    pub code: Code,
    /// Not before this.
    pub retry_after: Option<Duration>,
    /// The rules that a new secret breaks.
    pub rules: Vec<Rule>,
}

impl Refusal {
    /// A refusal by its code.
    pub const fn new(code: Code) -> Self {
        Self { code, retry_after: None, rules: Vec::new() }
    }

    pub(crate) const fn after(mut self, retry_after: Duration) -> Self {
        self.retry_after = Some(retry_after);
        self
    }

    /// What it means and what to do, for a person.
    #[must_use]
    pub fn text(&self, locale: Locale) -> &'static str {
        let (en, ru) = self.code.texts();
        match locale {
            Locale::En => en,
            Locale::Ru => ru,
        }
    }
}

/// Why a step was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// The factor refused the answer.
    Answer(Reason),
    /// The login name has no form of one.
    Identifier(IdentifierError),
    /// One cannot register with this kind of address here.
    ContactKind,
    /// The name is empty, too long, or has signs in it that deceive.
    Name,
    /// The birth date is no day until today.
    BirthDate,
    /// The terms were not accepted.
    Terms,
    /// The new secret breaks rules.
    Unfit,
    /// Too many wrong answers: held for a while.
    Held,
    /// Too many wrong answers from unknown browsers: refused until the owner comes in another way.
    Spent,
    /// The server has too much to compute.
    Busy,
    /// Too many steps from this network.
    Throttled,
    /// Too many messages to this address, or too soon after the last, or after a denial.
    TooSoon,
    /// Nothing is sent to this address, whoever's it is: another way is needed.
    Barred,
    /// A check comes first: ask for a puzzle, and bring its answer.
    HumanNeeded,
    /// The answer to a puzzle is wrong, too late, another client's, or was used before.
    HumanWrong,
    /// There is no such flow: it is over, too old, or belongs to another browser.
    NoFlow,
    /// The flow does not offer that now.
    NotOffered,
    /// What the flow was begun on has changed: begin again.
    Stale,
    /// The address has an account already. Told only to who has just proven to hold the address.
    Taken,
    /// What was proven must be replaced before anything else is done with it.
    Due,
    /// Not signed in.
    NoSession,
    /// A refresh token was used twice: whoever holds it is signed out, and so is its owner.
    RefreshReused,
    /// The session has not proven what the operation asks for.
    StepUp,
    /// The account has nothing by which that could be proven.
    OutOfReach,
    /// It is the last that the sign-in needs.
    LastFactor,
    /// Of something no confirmed address would hear.
    Untold,
    /// The owner's identity is not confirmed as far as that takes.
    Level,
    /// What is to be approved cannot be shown as it is.
    Transaction,
    /// The service has locked the account. Told only to who has proven to hold one of its addresses.
    Locked,
    /// The recovery waits: every contact was told, and any of them can stop it.
    RecoveryWaits,
    /// A recovery was stopped by the owner: none is begun by this address for a while.
    RecoveryStopped,
    /// The other device has not answered yet.
    Waiting,
    /// All was proven, and yet this sign-in is too unlike the others of its account.
    Unusual,
    /// There is no such link in a notice, or nothing to stop or to undo by it any more.
    Link,
    /// There is no such request, it is somebody else's to answer, it was answered, or the letter is too long.
    Mailbox,
}

impl Code {
    /// The stable code in JSON, events and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answer(reason) => reason.code(),
            Self::Identifier(error) => error.code(),
            Self::ContactKind => "contact_kind",
            Self::Name => "name",
            Self::BirthDate => "birth_date",
            Self::Terms => "terms",
            Self::Unfit => "unfit",
            Self::Held => "held",
            Self::Spent => "spent",
            Self::Busy => "busy",
            Self::Throttled => "throttled",
            Self::TooSoon => "too_soon",
            Self::Barred => "barred",
            Self::HumanNeeded => "human_needed",
            Self::HumanWrong => "human_wrong",
            Self::NoFlow => "no_flow",
            Self::NotOffered => "not_offered",
            Self::Stale => "stale",
            Self::Taken => "taken",
            Self::Due => "due",
            Self::NoSession => "no_session",
            Self::RefreshReused => "refresh_reused",
            Self::StepUp => "step_up",
            Self::OutOfReach => "out_of_reach",
            Self::LastFactor => "last_factor",
            Self::Untold => "untold",
            Self::Level => "level",
            Self::Transaction => "transaction",
            Self::Locked => "locked",
            Self::RecoveryWaits => "recovery_waits",
            Self::RecoveryStopped => "recovery_stopped",
            Self::Waiting => "waiting",
            Self::Unusual => "unusual",
            Self::Link => "link",
            Self::Mailbox => "mailbox",
        }
    }
}
