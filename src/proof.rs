//! What a factor proves. Policy reads this and nothing else; AAL and amr are computed from it, never set.

mod packed;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::FactorName;

pub(crate) use packed::Access;
pub use packed::Packed;

/// The properties of one way to prove control (NIST SP 800-63B-4 section 3, RFC 8176), as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Proves {
    #[serde(rename = "b")]
    bits: u32,
    #[serde(rename = "a")]
    amr: u32,
    #[serde(rename = "c")]
    channel: Channel,
}

/// By what the proof travelled. The same channel never counts twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Channel {
    /// In the person's head.
    Mind,
    /// The telephone network: SMS and voice.
    Phone,
    /// A mailbox.
    Email,
    /// A list on paper or in a file.
    Paper,
    /// A device or an application that the person holds.
    Device,
    /// Another organisation vouches.
    Provider,
    /// An answer about oneself, which others may know: good in a recovery only, and never alone there. What travels so is
    /// no factor, whatever else it claims.
    Question,
}

impl Channel {
    const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Mind,
            1 => Self::Phone,
            2 => Self::Email,
            3 => Self::Paper,
            4 => Self::Device,
            5 => Self::Provider,
            6 => Self::Question,
            _ => return None,
        })
    }
}

/// Authentication assurance level (NIST SP 800-63B-4 section 2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aal {
    /// Nothing that NIST counts as an authenticator: an e-mail code alone.
    #[default]
    Zero,
    /// One authenticator.
    One,
    /// Two different ones, or one that needs two; one of them resists replay.
    Two,
    /// Phishing-resistant, in a key that cannot be exported.
    Three,
}

/// Why a credential that was just proven must be replaced before there is a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Due {
    /// It has been in use for longer than the policy allows.
    Expired,
    /// The service made it, to be replaced at its first use.
    Temporary,
    /// Others know it, or may.
    Compromised,
}

impl Due {
    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Temporary => "temporary",
            Self::Compromised => "compromised",
        }
    }

    const fn bit(self) -> u32 {
        1 << (9 + self as u32)
    }

    const ALL: u32 = Self::Expired.bit() | Self::Temporary.bit() | Self::Compromised.bit();
}

macro_rules! properties {
    ($($bit:literal $set:ident $get:ident $doc:literal;)*) => {
        impl Proves {$(
            #[doc = concat!("Adds: ", $doc)]
            pub const fn $set(mut self) -> Self {
                self.bits |= 1 << $bit;
                self
            }

            #[doc = $doc]
            #[must_use]
            pub const fn $get(self) -> bool {
                self.bits & (1 << $bit) != 0
            }
        )*}
    };
}

properties! {
    0 knowledge is_knowledge "something known";
    1 possession is_possession "something held";
    2 inherence is_inherence "something the person is";
    3 memorised is_memorised "typed from memory";
    4 restricted is_restricted "restricted by NIST section 3.2.9 (the telephone network)";
    5 phishing_resistant resists_phishing "resists phishing (NIST section 3.2.5)";
    6 replay_resistant resists_replay "resists replay: each answer is accepted once";
    7 exportable is_exportable "its key can leave the device (synced passkeys)";
    8 user_verified verified_user "the device verified its user by PIN or biometrics";
}

macro_rules! amr {
    ($($bit:literal $name:ident $text:literal;)*) => {
        /// How it was proven, in the words of RFC 8176.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Amr {$(
            #[doc = concat!("`", $text, "`")]
            $name,
        )*}

        const AMR: &[(u32, &str)] = &[$(($bit, $text)),*];

        impl Amr {
            const fn bit(self) -> u32 {
                match self {$(Self::$name => 1 << $bit,)*}
            }
        }
    };
}

amr! {
    0 Pwd "pwd";
    1 Otp "otp";
    2 Sms "sms";
    3 Hwk "hwk";
    4 Swk "swk";
    5 Pin "pin";
    6 User "user";
    7 Kba "kba";
    8 Pop "pop";
    9 Sc "sc";
    10 Fpt "fpt";
    11 Face "face";
    12 Mca "mca";
    13 Email "email";
}

impl Proves {
    /// Nothing yet, by this channel.
    pub const fn by(channel: Channel) -> Self {
        Self { bits: 0, amr: 0, channel }
    }

    /// Adds an RFC 8176 value.
    pub const fn amr(mut self, amr: Amr) -> Self {
        self.amr |= amr.bit();
        self
    }

    /// Adds: its credential must be replaced before there is a session. May be said several times.
    pub const fn due(mut self, why: Due) -> Self {
        self.bits |= why.bit();
        self
    }

    /// Whether its credential must be replaced, and the gravest reason.
    #[must_use]
    pub const fn why_due(self) -> Option<Due> {
        match self.bits & Due::ALL {
            0 => None,
            bits if bits & Due::Compromised.bit() != 0 => Some(Due::Compromised),
            bits if bits & Due::Temporary.bit() != 0 => Some(Due::Temporary),
            _ => Some(Due::Expired),
        }
    }

    /// By what it travelled.
    #[must_use]
    pub const fn channel(self) -> Channel {
        self.channel
    }

    /// Whether it shows anything known, held or inherent at all.
    #[must_use]
    pub const fn is_factor(self) -> bool {
        !self.recovery_only() && (self.is_knowledge() || self.is_possession() || self.is_inherence())
    }

    /// Whether it counts in a recovery only, beside something else: no sign-in, step-up or change of credentials offers or
    /// counts it.
    #[must_use]
    pub const fn recovery_only(self) -> bool {
        matches!(self.channel, Channel::Question)
    }

    /// Whether `self` promises at least all that `wanted` asks for; the channel aside.
    #[must_use]
    pub const fn covers(self, wanted: Self) -> bool {
        self.bits & wanted.bits == wanted.bits
    }

    /// Whether a proof of `self` is within what a factor said that it could prove: a factor that claims more at
    /// an accept than it declared is a bug in the factor, and is not believed.
    #[must_use]
    pub const fn within(self, declared: Self) -> bool {
        const GOOD: u32 = !((1 << 4) | (1 << 7) | Due::ALL);
        self.bits & GOOD & !declared.bits == 0
            && declared.bits & !GOOD & !self.bits == 0
            && self.channel as u8 == declared.channel as u8
    }
}

/// That a factor was proven, when, and what it proved. Made by a flow on a committed accept and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    factor: FactorName,
    proves: Proves,
    at: Timestamp,
}

impl Proof {
    pub(crate) const fn new(factor: FactorName, proves: Proves, at: Timestamp) -> Self {
        Self { factor, proves, at }
    }

    /// By which factor.
    pub const fn factor(&self) -> &FactorName {
        &self.factor
    }

    /// What it proved.
    pub const fn proves(&self) -> Proves {
        self.proves
    }

    /// When.
    pub const fn at(&self) -> Timestamp {
        self.at
    }
}

/// How proofs lie in a sealed flow. Not `Deserialize` for `Proof` itself: outside, nobody makes one out of text.
pub(crate) mod wire {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Proof, Proves};
    use crate::clock::Timestamp;
    use crate::id::FactorName;

    pub(crate) fn serialize<S: Serializer>(proofs: &[Proof], to: S) -> Result<S::Ok, S::Error> {
        let twins: Vec<_> = proofs.iter().map(|proof| (&proof.factor, proof.proves, proof.at)).collect();
        twins.serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Proof>, D::Error> {
        let twins = Vec::<(FactorName, Proves, Timestamp)>::deserialize(from)?;
        Ok(twins.into_iter().map(|(factor, proves, at)| Proof { factor, proves, at }).collect())
    }
}

/// The assurance level that these proofs reach together (NIST SP 800-63B-4 section 2). An e-mail code counts for
/// nothing (section 3.1.3.1), neither does what shows nothing known, held or inherent; two proofs by one channel
/// count once.
#[must_use]
pub fn aal(proofs: &[Proof]) -> Aal {
    let counted =
        || proofs.iter().map(Proof::proves).filter(|p| p.channel != Channel::Email && p.is_factor());
    let multi = |p: Proves| p.is_possession() && p.verified_user();
    if counted().any(|p| multi(p) && p.resists_phishing() && !p.is_exportable()) {
        return Aal::Three;
    }
    let two = counted().any(multi)
        || counted().any(|know| {
            know.is_knowledge()
                && counted()
                    .any(|have| have.is_possession() && have.resists_replay() && have.channel != know.channel)
        });
    match (two, counted().next()) {
        (true, _) => Aal::Two,
        (false, Some(_)) => Aal::One,
        (false, None) => Aal::Zero,
    }
}

/// The RFC 8176 values of these proofs, each once, with `mfa` where two kinds came together.
#[must_use]
pub fn amr(proofs: &[Proof]) -> Vec<&'static str> {
    let bits = proofs.iter().fold(0, |bits, proof| bits | proof.proves.amr);
    let mut values: Vec<_> =
        AMR.iter().filter(|(bit, _)| bits & (1 << bit) != 0).map(|(_, text)| *text).collect();
    if kinds(proofs) > 1 {
        values.push("mfa");
    }
    values
}

/// How many kinds of factor (known, held, is) these proofs show: two, where something known and something held came by
/// different channels, or what is held has verified its user.
#[must_use]
pub fn kinds(proofs: &[Proof]) -> usize {
    let all = || proofs.iter().map(Proof::proves).filter(|p| p.is_factor());
    let holds = all().any(Proves::is_possession);
    let verified = all().any(|p| p.is_inherence() || p.verified_user());
    // What is said and what is held over one line are one thing for whoever listens there.
    let apart = all()
        .filter(|p| p.is_knowledge())
        .any(|known| all().filter(|p| p.is_possession()).any(|held| held.channel() != known.channel()));
    match holds && (verified || apart) {
        true => 2,
        false => usize::from(holds || all().any(Proves::is_knowledge)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: Proves = Proves::by(Channel::Mind).knowledge().memorised().amr(Amr::Pwd);
    const SMS: Proves = Proves::by(Channel::Phone).possession().replay_resistant().restricted().amr(Amr::Sms);
    const EMAIL: Proves = Proves::by(Channel::Email).possession().replay_resistant().amr(Amr::Email);
    const APP: Proves = Proves::by(Channel::Device).possession().replay_resistant().amr(Amr::Otp);
    const CODES: Proves = Proves::by(Channel::Paper).possession().replay_resistant().amr(Amr::Otp);
    const KEY: Proves = Proves::by(Channel::Device).possession().replay_resistant().phishing_resistant();

    fn level(of: &[Proves]) -> Aal {
        let at = Timestamp::from_millis(0);
        aal(&of.iter().map(|p| Proof::new(FactorName::new("x"), *p, at)).collect::<Vec<_>>())
    }

    /// NIST SP 800-63B-4 section 2, as STANDARDS.md tabulates it.
    #[test]
    fn nist_2_x_levels_of_sets_of_proofs() {
        assert_eq!(level(&[]), Aal::Zero);
        assert_eq!(level(&[EMAIL]), Aal::Zero);
        assert_eq!(level(&[Proves::by(Channel::Paper).amr(Amr::Otp)]), Aal::Zero);
        // A question is no factor, whatever it claims.
        let question = Proves { channel: Channel::Question, ..KEY.user_verified().knowledge() };
        assert_eq!((level(&[question]), level(&[PASSWORD, question])), (Aal::Zero, Aal::One));
        assert_eq!(level(&[PASSWORD]), Aal::One);
        assert_eq!(level(&[SMS]), Aal::One);
        assert_eq!(level(&[PASSWORD, PASSWORD]), Aal::One);
        assert_eq!(level(&[PASSWORD, EMAIL]), Aal::One);
        assert_eq!(level(&[APP, CODES]), Aal::One);
        assert_eq!(level(&[KEY]), Aal::One);
        assert_eq!(level(&[PASSWORD, SMS]), Aal::Two);
        assert_eq!(level(&[PASSWORD, APP]), Aal::Two);
        assert_eq!(level(&[KEY.user_verified().exportable()]), Aal::Two);
        assert_eq!(level(&[KEY.user_verified()]), Aal::Three);
    }

    /// Two that came by one line are one for whoever listens there, and no `mfa`.
    #[test]
    fn what_is_known_and_what_is_held_come_by_different_channels() {
        let of = |of: &[Proves]| {
            let at = Timestamp::from_millis(0);
            let proofs: Vec<_> = of.iter().map(|p| Proof::new(FactorName::new("x"), *p, at)).collect();
            (kinds(&proofs), amr(&proofs).contains(&"mfa"))
        };
        let said = Proves::by(Channel::Phone).knowledge().memorised();
        assert_eq!(of(&[PASSWORD]), (1, false));
        assert_eq!(of(&[SMS, APP]), (1, false));
        assert_eq!(of(&[PASSWORD, SMS]), (2, true));
        assert_eq!(of(&[said, SMS]), (1, false));
        assert_eq!(of(&[said.possession()]), (1, false));
        assert_eq!(of(&[said, SMS, APP]), (2, true));
        assert_eq!(of(&[KEY.user_verified()]), (2, true));
    }

    #[test]
    fn a_factor_cannot_claim_more_than_it_declared() {
        assert!(PASSWORD.within(PASSWORD));
        assert!(!KEY.user_verified().within(KEY));
        assert!(KEY.exportable().within(KEY));
        assert!(!SMS.within(EMAIL));
        // To say that it must be replaced takes nothing away; to keep quiet about it would.
        assert!(PASSWORD.due(Due::Expired).within(PASSWORD));
        assert!(!PASSWORD.within(PASSWORD.due(Due::Temporary)));
    }

    #[test]
    fn the_gravest_reason_is_told() {
        assert_eq!(PASSWORD.why_due(), None);
        for (said, told) in [
            (&[Due::Expired][..], Due::Expired),
            (&[Due::Temporary, Due::Expired], Due::Temporary),
            (&[Due::Compromised, Due::Expired, Due::Temporary], Due::Compromised),
        ] {
            let proves = said.iter().fold(PASSWORD, |proves, why| proves.due(*why));
            assert_eq!(proves.why_due(), Some(told));
            assert_eq!(level(&[proves]), level(&[PASSWORD]), "a proof all the same");
        }
    }
}
