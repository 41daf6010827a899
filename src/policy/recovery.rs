use std::time::Duration;

use crate::proof::{Aal, Channel, Due, Proof, Proves};

/// How a person gets back in who lost what they signed in by (NIST SP 800-63B-4 section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoveryRules {
    /// How long one confirmation waits where two are asked for and the person has no second. Every contact is told at once,
    /// and any of them, or any session, stops it.
    pub delay: Duration,
    /// How long it can be finished after that. After a stop, the same address begins none for as long as the delay.
    pub window: Duration,
}

impl Default for RecoveryRules {
    /// 72 hours, then a week.
    fn default() -> Self {
        Self { delay: Duration::from_secs(72 * 3600), window: Duration::from_secs(7 * 24 * 3600) }
    }
}

/// What a recovery lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lacks {
    /// Something that was sent to a confirmed contact, or saved for this (sections 4.2.1.1 and 4.2.1.2).
    Confirmation,
    /// The same by another channel, or one authenticator that is left.
    Another,
    Nothing,
}

impl Lacks {
    /// Of an account that reaches this level by all that it ever had, with this proven, and after the delay or not. What was
    /// lost counts for what is asked: a thief of one thing does not choose a lower bar by saying that the other is gone
    /// (section 4.2.2.2; ATTACKS 24, 92).
    pub(crate) fn of(reach: Aal, proven: &[Proof], waited: bool) -> Self {
        let proven = || proven.iter().map(Proof::proves);
        let confirms = |channel| matches!(channel, Channel::Email | Channel::Phone | Channel::Paper);
        let mut confirmed = proven().filter(|proof| confirms(proof.channel()) && proof.is_factor());
        let Some(first) = confirmed.next() else { return Self::Confirmation };
        // A secret question, where the profile bars none, counts beside a confirmation and never in the place of one. What
        // others know counts for nothing: whoever holds the mailbox may be one of them.
        let counts = |proof: Proves| {
            (proof.is_factor() || proof.recovery_only()) && proof.why_due() != Some(Due::Compromised)
        };
        let second = || proven().any(|proof| counts(proof) && proof.channel() != first.channel());
        if reach < Aal::Two || waited || second() { Self::Nothing } else { Self::Another }
    }
}
