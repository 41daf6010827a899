//! What an owner is told of, and by which channel.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Topic;
use crate::account::identifier::{Identifier, IdentifierKind};
use crate::account::{Account, ProfileData};
use crate::auth::{Auth, Inner};
use crate::error::Broken;
use crate::event::{self, Outcome, Sealed};
use crate::flow::{Code, Going, Person, Refusal, Stop, Visit, busy};
use crate::session::Session;
use crate::store::{Committed, Write};

/// A way out of the service. The history and the [inbox](Auth::inbox), which an owner reads in it, are none of them:
/// they tell everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Channel {
    /// To an e-mail address.
    Email,
    /// To a phone.
    Sms,
    /// To the application's own clients ([`Push`](super::Push)).
    Push,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 3] = [Self::Email, Self::Sms, Self::Push];

    /// The name in JSON and rows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Push => "push",
        }
    }

    /// By which messages to this address go; none leads to a user name.
    #[must_use]
    pub fn to(address: &Identifier) -> Option<Self> {
        match address.kind() {
            IdentifierKind::Email => Some(Self::Email),
            IdentifierKind::Phone => Some(Self::Sms),
            _ => None,
        }
    }
}

/// What an owner wants to be told of by which channel: everything by every channel, unless they said otherwise.
///
/// Who chooses is asked for one rule: of each topic at least one confirmed address hears. A push does not count, since
/// nobody here knows whether a device is there. Where the address that was left is gone later, the others hear again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Preferences {
    // Names, not values: a row that a newer build wrote must open in an older one.
    off: BTreeSet<String>,
}

impl Preferences {
    /// Whether messages about this go by that channel.
    #[must_use]
    pub fn is_on(&self, topic: Topic, by: Channel) -> bool {
        !topic.is_chosen() || !self.off.contains(&key(topic, by))
    }

    /// The same with that on or off. What no owner chooses ([`Topic::is_chosen`]) stays on.
    #[must_use]
    pub fn with(mut self, topic: Topic, by: Channel, on: bool) -> Self {
        if on {
            self.off.remove(&key(topic, by));
        } else if topic.is_chosen() {
            self.off.insert(key(topic, by));
        }
        self
    }

    pub(crate) fn is_default(&self) -> bool {
        self.off.is_empty()
    }

    /// Whom of these to tell: those that the owner chose, and all where none of them is left.
    pub(super) fn choose<'a>(
        &self,
        topic: Topic,
        contacts: impl Iterator<Item = &'a Identifier> + Clone,
    ) -> Vec<&'a Identifier> {
        let hears = |to: &&Identifier| Channel::to(to).is_some_and(|by| self.is_on(topic, by));
        let chosen: Vec<_> = contacts.clone().filter(hears).collect();
        if chosen.is_empty() { contacts.collect() } else { chosen }
    }
}

fn key(topic: Topic, by: Channel) -> String {
    format!("{}.{}", topic.as_str(), by.as_str())
}

impl Auth {
    /// The channels by which this account can be told: what a page of preferences asks for.
    #[must_use]
    pub fn channels(&self, of: &Account) -> Vec<Channel> {
        let leads = |by: &Channel| match by {
            Channel::Push => self.0.push.is_some(),
            by => of.contacts.iter().any(|to| Channel::to(to) == Some(*by)),
        };
        Channel::ALL.into_iter().filter(leads).collect()
    }
}

impl Visit {
    /// Changes what this account is told of by which channel: `change` is given how it stands
    /// ([`Account::preferences`]), and may be asked again where another change comes in between. Refused: nothing was
    /// written. Where something is switched off every contact hears of it, once a day: who stole a session
    /// would else begin by silencing the owner.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn prefer(
        &self,
        mine: &Session,
        change: impl Fn(&Preferences) -> Preferences,
    ) -> Result<Result<(), Refusal>, Broken> {
        match self.preferring(mine, change).await {
            Ok(()) => Ok(Ok(())),
            Err(Stop::No(why)) => Ok(Err(*why)),
            Err(Stop::Broken(broken)) => Err(broken),
        }
    }

    async fn preferring(&self, mine: &Session, change: impl Fn(&Preferences) -> Preferences) -> Going<()> {
        let auth = &self.auth.0;
        auth.slow_down(self, None).await?;
        for _ in 0..MOST_TRIES {
            let person = auth.person_by_id(mine.account()).await?.ok_or(Code::NoSession)?;
            let known = person.known(auth)?.ok_or(Code::NoSession)?;
            if !auth.lives(mine, &person).await? {
                return Err(Code::NoSession.into());
            }
            let before = &known.profile.preferences;
            let wanted = &change(before);
            if before == wanted {
                return Ok(());
            }
            let hears = |topic| {
                let mut by = known.contacts().filter_map(Channel::to);
                by.any(|by| wanted.is_on(topic, by)) || known.contacts().next().is_none()
            };
            if !Topic::ALL.into_iter().all(hears) {
                return Err(Code::Untold.into());
            }
            let profile = ProfileData { preferences: wanted.clone(), ..known.profile.clone() };
            let swap = auth.swap_profile(&person, &profile)?.ok_or(Code::NoSession)?;
            let (line, off, told) = self.preferred(auth, &person, before, wanted)?;
            // Each message costs, and whoever switches to and fro would have one at each turn. What is silenced for the
            // first time in a day is told.
            let about = (off.as_bytes(), &person, auth.clock.now());
            if auth.commit_telling(vec![swap, line], about, told).await? == Committed::Won {
                return Ok(());
            }
        }
        busy(BUSY)
    }

    fn preferred(
        &self,
        auth: &Inner,
        person: &Person,
        before: &Preferences,
        wanted: &Preferences,
    ) -> Result<(Write, String, Vec<Write>), Broken> {
        let mut content = Sealed::new(self.client.origin());
        let changes = [("off", wanted, before), ("on", before, wanted)];
        for (how, this, that) in changes {
            let changed: Vec<_> = this.off.difference(&that.off).map(String::as_str).collect();
            if !changed.is_empty() {
                content.details.insert(how.to_owned(), changed.join(" "));
            }
        }
        let off = content.details.get("off").and_then(|off| off.split(' ').next()).map(str::to_owned);
        let line = auth.line(person, event::name::PREFERENCES_SET, Outcome::Done, &content)?.1;
        let told = match off {
            Some(_) => auth.notices(person, &self.client, "notices-off", Vec::new())?,
            None => Vec::new(),
        };
        Ok((line, format!("notices-off {}", off.unwrap_or_default()), told))
    }
}

const MOST_TRIES: usize = 16;
const BUSY: Duration = Duration::from_secs(1);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    /// The address that was left is gone: the others hear again, rather than nobody.
    #[test]
    fn where_nobody_is_left_to_hear_all_do() {
        let contacts = ["+79161234567", "ivan@example.org"].map(|text| Identifier::parse(text).unwrap());
        let wants = Preferences::default().with(Topic::SignIn, Channel::Sms, false);
        assert_eq!(wants.choose(Topic::SignIn, contacts.iter()), [&contacts[1]]);
        assert_eq!(wants.choose(Topic::SignIn, contacts[..1].iter()), [&contacts[0]]);
        assert_eq!(wants.choose(Topic::Credentials, contacts.iter()).len(), 2);
    }

    /// A row that a newer build wrote opens in an older one, and one of an older build in a newer.
    #[test]
    fn names_that_are_not_known_here_stay() {
        let text = r#"["sign_in.sms","trips.pigeon"]"#;
        let kept: Preferences = serde_json::from_str(text).unwrap();
        assert!(!kept.is_on(Topic::SignIn, Channel::Sms) && kept.is_on(Topic::SignIn, Channel::Email));
        assert_eq!(serde_json::to_string(&kept).unwrap(), text);
    }
}
