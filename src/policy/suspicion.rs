use std::time::Duration;

use crate::store::Rate;

/// What makes a sign-in unlike the others of its account, once all that it asks for is proven (MISSION D5, ASVS 5.0 6.3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(usize)]
pub enum Signal {
    /// The account does not know the browser.
    NewBrowser = 0,
    /// It was never signed in to from this network (IPv4 /24, IPv6 /48).
    NewNetwork = 1,
    /// Nor from this country, as [`Places`](crate::place::Places) tells it. Without that it never fires.
    NewCountry = 2,
    /// A right answer after [`SuspicionRules::refusals`] wrong ones in a row.
    AfterRefusals = 3,
    /// Nobody signed in for [`SuspicionRules::absence`].
    LongAbsence = 4,
    /// New browsers sign in from this network to more accounts that do not know it than [`SuspicionRules::accounts`] lets
    /// pass.
    ManyAccounts = 5,
    /// Something was proven, and not all: known when the flow has ended by its time.
    PartialSuccess = 6,
}

impl Signal {
    /// Every signal.
    pub const ALL: [Self; 7] = [
        Self::NewBrowser,
        Self::NewNetwork,
        Self::NewCountry,
        Self::AfterRefusals,
        Self::LongAbsence,
        Self::ManyAccounts,
        Self::PartialSuccess,
    ];

    /// The name in events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewBrowser => "new_browser",
            Self::NewNetwork => "new_network",
            Self::NewCountry => "new_country",
            Self::AfterRefusals => "after_refusals",
            Self::LongAbsence => "long_absence",
            Self::ManyAccounts => "many_accounts",
            Self::PartialSuccess => "partial_success",
        }
    }

    /// The signals of a list of names with spaces between; a name that is not known here is left out.
    pub(crate) fn read(names: &str) -> Vec<Self> {
        let of = |name| Self::ALL.into_iter().find(|signal| signal.as_str() == name);
        names.split(' ').filter_map(of).collect()
    }

    pub(crate) fn names(signals: &[Self]) -> String {
        signals.iter().map(|signal| signal.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// How much each signal weighs, and what follows from the sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SuspicionRules {
    weights: [u16; Signal::ALL.len()],
    /// From this sum on the owner is told.
    pub tell: u16,
    /// From this sum on one more proof is asked for, by a way of the account that was not used yet; where it has none, the
    /// owner is told and no more.
    pub more: Option<u16>,
    /// From this sum on the sign-in is refused, and the owner told.
    pub refuse: Option<u16>,
    /// So many wrong answers in a row before the right one are a signal.
    pub refusals: u32,
    /// So long without a sign-in is.
    pub absence: Duration,
    /// So many accounts, new to one network and by new browsers, are none yet.
    pub accounts: Rate,
    /// How many networks, and countries, an account is known to be signed in from; the longest unused gives way.
    pub networks: usize,
}

/// What follows from a sum, the mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weighed {
    Allow,
    Tell,
    More,
    Refuse,
}

impl SuspicionRules {
    /// What a signal adds to the sum.
    #[must_use]
    pub fn weight(&self, of: Signal) -> u16 {
        self.weights.get(of as usize).copied().unwrap_or_default()
    }

    /// The same with another weight; 0 switches the signal off.
    #[must_use]
    pub fn with(mut self, signal: Signal, weight: u16) -> Self {
        if let Some(old) = self.weights.get_mut(signal as usize) {
            *old = weight;
        }
        self
    }

    pub(crate) fn weigh(&self, to: &[Signal]) -> Weighed {
        let sum = to.iter().fold(0_u16, |sum, signal| sum.saturating_add(self.weight(*signal)));
        let from = |threshold: Option<u16>| threshold.is_some_and(|least| sum >= least);
        match () {
            () if to.is_empty() => Weighed::Allow,
            () if from(self.refuse) => Weighed::Refuse,
            () if from(self.more) => Weighed::More,
            () if sum >= self.tell => Weighed::Tell,
            () => Weighed::Allow,
        }
    }
}

impl Default for SuspicionRules {
    /// Why these numbers: [the manual](crate::manual#when-a-sign-in-is-unlike-the-others).
    fn default() -> Self {
        Self {
            weights: [20, 10, 40, 30, 20, 30, 10],
            tell: 20,
            more: Some(60),
            refuse: None,
            refusals: 5,
            absence: Duration::from_secs(90 * 24 * 3600),
            accounts: Rate { uses: 20, per: Duration::from_secs(3600) },
            networks: 16,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_stand_at_their_signals_and_thresholds_in_their_order() {
        let rules = SuspicionRules { refuse: Some(100), ..SuspicionRules::default() };
        let weights = Signal::ALL.map(|signal| rules.weight(signal));
        assert_eq!(weights, [20, 10, 40, 30, 20, 30, 10]);
        use Signal::*;
        for (signals, weighed) in [
            (&[][..], Weighed::Allow),
            (&[NewNetwork], Weighed::Allow),
            (&[NewBrowser], Weighed::Tell),
            (&[NewNetwork, NewCountry], Weighed::Tell),
            (&[NewBrowser, NewNetwork, LongAbsence], Weighed::Tell),
            (&[NewBrowser, NewCountry], Weighed::More),
            (&[NewBrowser, NewNetwork, AfterRefusals], Weighed::More),
            (&[NewBrowser, NewNetwork, NewCountry, AfterRefusals], Weighed::Refuse),
        ] {
            assert_eq!(rules.weigh(signals), weighed, "{signals:?}");
        }
        // Nothing is told of nothing, whatever the threshold.
        assert_eq!(SuspicionRules { tell: 0, ..rules }.weigh(&[]), Weighed::Allow);
        assert_eq!(rules.with(NewBrowser, u16::MAX).weigh(&Signal::ALL), Weighed::Refuse);
    }

    #[test]
    fn names_read_back_and_unknown_ones_are_left_out() {
        assert_eq!(Signal::read(&Signal::names(&Signal::ALL)), Signal::ALL);
        assert_eq!(Signal::read("new_browser of_tomorrow"), [Signal::NewBrowser]);
        assert!(Signal::read("").is_empty());
    }
}
