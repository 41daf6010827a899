//! Where a profile departs from the standards: computed from its values, so that an adjusted one shows it.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::time::Duration;

use super::{Profile, Retention, Signal, SuspicionRules, Weighed};
use crate::proof::{Aal, Channel};

/// The level of each standard that a profile is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "two standards, two numbers")]
pub struct Measure {
    /// NIST SP 800-63B-4.
    pub aal: Aal,
    /// OWASP ASVS 5.0: 1, 2 or 3; 0 for not at all.
    pub asvs: u8,
}

/// A standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Standard {
    /// SP 800-63B-4, by section.
    Nist,
    /// 5.0, by requirement.
    Asvs,
}

/// One point in which a profile departs from a standard.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deviation {
    /// Which standard.
    pub standard: Standard,
    /// Which requirement, as the standard numbers it.
    pub requirement: &'static str,
    /// What is departed from, and by what.
    pub what: Cow<'static, str>,
    /// Why, if [`Profile::because`] says so.
    pub reason: Option<Cow<'static, str>>,
}

impl Profile {
    /// Every point in which a value of the profile departs from the standards at the levels of [`Profile::measured`].
    /// What the factors add to it is in [`Auth::deviations`](crate::Auth::deviations); what an application or its
    /// operation must do is in neither.
    #[must_use]
    pub fn deviations(&self) -> Vec<Deviation> {
        let mut found = Found { profile: self, list: Vec::new() };
        found.sign_in();
        found.password();
        found.sessions();
        found.retention();
        found.suspicion();
        found.list.sort_by_key(|one| one.standard);
        found.list
    }

    pub(crate) fn deviation(
        &self,
        standard: Standard,
        requirement: &'static str,
        what: impl Into<Cow<'static, str>>,
    ) -> Deviation {
        let reason = self.reasons.get(requirement).cloned();
        Deviation { standard, requirement, what: what.into(), reason }
    }

    /// The policy as a table in Markdown, for an organisation's documents, with its deviations
    /// (ASVS 5.0 6.1.1, 7.1.1, 7.1.2).
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!("## `{}`\n\n| setting | value |\n|---|---|\n", self.name);
        for (setting, value) in self.settings() {
            let _ = writeln!(text, "| {setting} | {value} |");
        }
        let Measure { aal, asvs } = self.measured;
        let _ = write!(
            text,
            "\nHeld against NIST SP 800-63B-4 at AAL{} and ASVS 5.0 at level {asvs}",
            number(aal)
        );
        let deviations = self.deviations();
        if deviations.is_empty() {
            text.push_str(", no value departs.\n");
            return text;
        }
        text.push_str(", it departs from:\n\n| requirement | what | reason |\n|---|---|---|\n");
        for Deviation { standard, requirement, what, reason } in deviations {
            let reason = reason.as_deref().unwrap_or("none is stated");
            let _ = writeln!(text, "| {standard} {requirement} | {what} | {reason} |");
        }
        text
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let sign_in = self.sign_in;
        let fresh = sign_in.fresh.map(|age| format!(", proven within {}", span(age))).unwrap_or_default();
        let kinds = match sign_in.kinds {
            0 | 1 => String::new(),
            kinds => format!(", {kinds} kinds of factor"),
        };
        let list = |names: Vec<&str>| match names.is_empty() {
            true => "none".to_owned(),
            false => names.join(", "),
        };
        let rate = |rate: crate::store::Rate| format!("{} in {}", rate.uses, span(rate.per));
        let rules = self.password.hints().into_iter().map(|rule| {
            let numbers: Vec<_> = rule.params.values().map(u64::to_string).collect();
            match numbers.is_empty() {
                true => rule.rule.to_string(),
                false => format!("{} {}", rule.rule, numbers.join(" ")),
            }
        });
        let limits = self.sessions;
        vec![
            ("to sign in", format!("AAL{}{kinds}{fresh}", number(sign_in.aal))),
            (
                "a browser can be trusted",
                self.trust.map_or("no".to_owned(), |rule| {
                    format!("for {}, to sign in at AAL{}", span(rule.life), number(rule.needs.aal))
                }),
            ),
            ("a sign-in unlike the others", unlike(&self.suspicion)),
            ("no factor by", list(self.bars.iter().copied().map(channel).collect())),
            ("register with", list(self.sign_up_contacts.iter().map(|kind| kind.as_str()).collect())),
            ("rules for a password", rules.collect::<Vec<_>>().join(", ")),
            (
                "a session ends",
                format!("unused for {}, or after {}", span(limits.idle), span(limits.absolute)),
            ),
            (
                "a session on a public device ends",
                format!("unused for {}, or after {}", span(limits.public_idle), span(limits.public_absolute)),
            ),
            (
                "a token that is renewed is over",
                format!(
                    "after {}; the one that renews it is asked again within {}",
                    span(limits.access),
                    span(limits.grace)
                ),
            ),
            ("sessions of an account", format!("{}; the least recently used gives way", limits.at_most)),
            (
                "events are kept",
                format!(
                    "sign-ins {}, changes {}; notices {}",
                    kept(self.retention.sign_ins),
                    kept(self.retention.changes),
                    kept(self.retention.notices)
                ),
            ),
            ("a flow ends after", span(self.flow_life)),
            ("a browser is known for", span(self.browser_life)),
            ("browsers of an account", self.browsers.to_string()),
            ("steps from one network", rate(self.network_rate)),
            ("messages to one address for one purpose", rate(self.recipient_rate)),
            ("messages that one network causes", rate(self.message_rate)),
        ]
    }
}

struct Found<'a> {
    profile: &'a Profile,
    list: Vec<Deviation>,
}

impl Found<'_> {
    fn nist(&mut self, least: Aal, requirement: &'static str, what: impl Into<Cow<'static, str>>) {
        if self.profile.measured.aal >= least {
            self.list.push(self.profile.deviation(Standard::Nist, requirement, what));
        }
    }

    fn asvs(&mut self, least: u8, requirement: &'static str, what: impl Into<Cow<'static, str>>) {
        if self.profile.measured.asvs >= least {
            self.list.push(self.profile.deviation(Standard::Asvs, requirement, what));
        }
    }

    fn sign_in(&mut self) {
        let (asked, bars) = (self.profile.sign_in, self.profile.bars);
        if asked.aal < Aal::One && asked.kinds == 0 {
            self.nist(Aal::One, "2.x AAL1", "nothing need be proven to sign in");
        }
        if asked.aal < Aal::Two {
            self.nist(Aal::Two, "2.2 AAL2", "a sign-in need not reach AAL2");
            if asked.kinds < 2 {
                self.asvs(2, "6.3.3", "one factor is enough to sign in");
            }
        }
        if let Some(rule) = self.profile.trust {
            let what = format!("for {} a trusted browser signs in by less", span(rule.life));
            self.nist(Aal::Two, "2.2 AAL2", what.clone());
            self.asvs(2, "6.3.3", what);
        }
        if asked.aal < Aal::Three {
            self.nist(Aal::Three, "2.3 AAL3", "a sign-in need not reach AAL3");
            self.asvs(3, "6.3.3", "a sign-in need not resist phishing by a key in hardware");
        }
        // Where only an AAL counts, an e-mail code counts for nothing.
        if asked.kinds > 1 && asked.aal < Aal::Two && !bars.contains(&Channel::Email) {
            self.nist(Aal::One, "3.1.3.1", "an e-mail code may be one of two factors");
        }
        if !bars.contains(&Channel::Email) {
            self.asvs(3, "6.3.6", "an e-mail code or link may be a factor");
        }
        if !bars.contains(&Channel::Phone) {
            self.asvs(3, "6.6.1", "a code by the telephone network may be a factor");
        }
    }

    fn password(&mut self) {
        let hints = self.profile.password.hints();
        let has = |name: &str| hints.iter().any(|rule| rule.rule.as_str() == name);
        let number = |name: &str, of: &str| {
            let rule = hints.iter().find(|rule| rule.rule.as_str() == name);
            rule.and_then(|rule| rule.params.get(of).copied())
        };
        let alone = self.profile.sign_in.aal < Aal::Two && self.profile.sign_in.kinds < 2;
        let (least, wanted) = (number("too_short", "least").unwrap_or(0), if alone { 15 } else { 8 });
        if least < wanted {
            let role = if alone { "may be the only factor" } else { "is one of two factors" };
            self.nist(
                Aal::One,
                "3.1.1.2",
                format!("a password that {role} has at least {least} characters, not {wanted}"),
            );
        }
        if least < 8 {
            self.asvs(1, "6.2.1", format!("a password has at least {least} characters, not 8"));
        }
        // 64 characters of four bytes each.
        if let Some(most) = number("too_long", "most_bytes").filter(|most| *most < 256) {
            let what = format!("{most} bytes do not hold 64 characters of every script");
            self.nist(Aal::One, "3.1.1.2", what.clone());
            self.asvs(2, "6.2.9", what);
        }
        let composed: Vec<_> = hints
            .iter()
            .map(|rule| rule.rule.as_str())
            .filter(|rule| rule.starts_with("no_") || ["keyboard", "sequence", "repeated"].contains(rule))
            .collect();
        if !composed.is_empty() {
            let what = format!("rules of composition: {}", composed.join(", "));
            self.nist(Aal::One, "3.1.1.2", what.clone());
            self.asvs(1, "6.2.5", what);
        }
        if let Some(age) = self.profile.password.max_age() {
            let what = format!("a password must be replaced after {}, without a reason", span(age));
            self.nist(Aal::One, "3.1.1.2", what.clone());
            self.asvs(2, "6.2.10", what);
        }
        if !has("common") {
            self.nist(Aal::One, "3.1.1.2", "no list of common passwords is looked at");
            self.asvs(1, "6.2.4", "no list of common passwords is looked at");
        }
        if !has("context") {
            self.asvs(2, "6.2.11", "names of the person and the service are not looked for");
        }
    }

    fn sessions(&mut self) {
        let (limits, aal) = (self.profile.sessions, self.profile.measured.aal);
        let (idle, absolute) =
            (limits.idle.max(limits.public_idle), limits.absolute.max(limits.public_absolute));
        let (section, most_idle, most) = match aal {
            Aal::Zero | Aal::One => ("2.1.3", None, Duration::from_secs(30 * DAY)),
            Aal::Two => ("2.2.3", Some(Duration::from_secs(3600)), Duration::from_secs(DAY)),
            Aal::Three => ("2.3.3", Some(Duration::from_secs(900)), Duration::from_secs(DAY / 2)),
        };
        if absolute > most {
            self.nist(Aal::One, section, format!("a session lasts {}, not {}", span(absolute), span(most)));
        }
        if let Some(most) = most_idle.filter(|most| idle > *most) {
            self.nist(
                Aal::One,
                section,
                format!("a session lies unused for {}, not {}", span(idle), span(most)),
            );
        }
        if limits.idle >= limits.absolute || limits.public_idle >= limits.public_absolute {
            self.asvs(2, "7.3.1", "a session does not end by lying unused");
        }
    }

    fn retention(&mut self) {
        let Retention { sign_ins, changes, .. } = self.profile.retention;
        if sign_ins.is_none() {
            self.asvs(3, "14.2.7", "the history of sign-ins is kept for ever");
        }
        if changes.is_some() {
            let what = format!("what was bound to an account is on record {}", kept(changes));
            self.nist(Aal::One, "4.1", what);
        }
    }
}

impl Found<'_> {
    fn suspicion(&mut self) {
        let rules = &self.profile.suspicion;
        let told = |signals: &[Signal]| rules.weigh(signals) >= Weighed::Tell;
        for (signals, what) in [
            (&[Signal::NewBrowser][..], "from a client that is new to the account"),
            (&[Signal::NewCountry], "from a country that is new to it"),
            (&[Signal::PartialSuccess], "that proves one of several factors"),
            (&[Signal::LongAbsence], "after a long time"),
            (&[Signal::AfterRefusals], "after wrong answers"),
        ] {
            if !told(signals) {
                self.asvs(
                    3,
                    "6.3.5",
                    format!("an owner is not told of a sign-in {what}, if nothing else is unusual"),
                );
            }
        }
    }
}

// What is weighed how, and what follows.
fn unlike(rules: &SuspicionRules) -> String {
    let signals = Signal::ALL.map(|signal| format!("{} {}", signal.as_str(), rules.weight(signal)));
    let from = |what: &str, sum: Option<u16>| sum.map(|sum| format!("{what} from {sum}"));
    let follows =
        [from("told", Some(rules.tell)), from("asked for more", rules.more), from("refused", rules.refuse)];
    format!("{}; {}", signals.join(", "), follows.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

impl fmt::Display for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nist => "NIST",
            Self::Asvs => "ASVS",
        })
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.standard, self.requirement, self.what)
    }
}

/// How documents call a channel.
pub(crate) const fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::Mind => "memory",
        Channel::Phone => "the telephone network",
        Channel::Email => "e-mail",
        Channel::Paper => "paper",
        Channel::Device => "a device",
        Channel::Provider => "another organisation",
        Channel::Question => "secret questions",
    }
}

pub(crate) const fn number(aal: Aal) -> u8 {
    match aal {
        Aal::Zero => 0,
        Aal::One => 1,
        Aal::Two => 2,
        Aal::Three => 3,
    }
}

fn kept(time: Option<Duration>) -> String {
    time.map_or("for ever".to_owned(), |time| format!("for {}", span(time)))
}

/// A span in its largest whole unit.
fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    for (unit, name) in [(DAY, "days"), (3600, "hours"), (60, "minutes")] {
        if seconds >= 2 * unit && seconds.is_multiple_of(unit) {
            return format!("{} {name}", seconds / unit);
        }
    }
    match seconds {
        DAY => "24 hours".to_owned(),
        3600 => "1 hour".to_owned(),
        60 => "60 seconds".to_owned(),
        _ => format!("{seconds} seconds"),
    }
}

const DAY: u64 = 24 * 3600;
