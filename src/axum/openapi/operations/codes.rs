//! What several operations may refuse with.

use crate::account::identifier::IdentifierError;
use crate::factor::Reason;
use crate::flow::Code;

/// What any step may be refused with before it looks at anything.
pub(super) const ANY: &[Code] = &[Code::Throttled];
pub(super) const NAMES: &[Code] = &[
    Code::Identifier(IdentifierError::Empty),
    Code::Identifier(IdentifierError::TooLong),
    Code::Identifier(IdentifierError::Hostile),
    Code::Identifier(IdentifierError::NotAPhone),
    Code::Identifier(IdentifierError::NotAnEmail),
    Code::Identifier(IdentifierError::NotAUserName),
];
pub(super) const APPLICANT: &[Code] = &[Code::ContactKind, Code::Name, Code::BirthDate, Code::Terms];
pub(super) const HUMAN: &[Code] = &[Code::HumanNeeded, Code::HumanWrong];
pub(super) const BEGIN: &[Code] =
    &[Code::NoFlow, Code::NotOffered, Code::TooSoon, Code::Barred, Code::Stale, Code::Busy];
pub(super) const PROVE: &[Code] = &[
    Code::NoFlow,
    Code::NotOffered,
    Code::Stale,
    Code::Held,
    Code::Spent,
    Code::Busy,
    Code::Due,
    Code::Waiting,
    Code::Answer(Reason::Wrong),
    Code::Answer(Reason::Malformed),
    Code::Answer(Reason::Expired),
    Code::Answer(Reason::UsedUp),
    Code::Answer(Reason::Replayed),
    Code::Answer(Reason::NotBegun),
    Code::Answer(Reason::Denied),
];
pub(super) const ENROL: &[Code] = &[Code::Unfit, Code::Taken];
pub(super) const SIGNED: &[Code] = &[Code::NoSession];
pub(super) const RETURN: &[Code] = &[Code::Mailbox];
pub(super) const MAILBOX: &[Code] = &[Code::Mailbox, Code::NotOffered];
