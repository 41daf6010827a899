//! A sign-in is weighed once, when all is proven that it asks for and before anything else may happen in it: before there is
//! a session, and before a due password is replaced or a missing factor enrolled, or a thief would do that first.
//!
//! What is said here is said to who has proven all of it. A sign-in that fails is not looked at: its bytes and its work are
//! those of a name that nobody has.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::finish::Loss;
use super::state::{Kind, Run, State};
use super::stop::Going;
use super::subject::Person;
use super::{Code, Refusal, Step};
use crate::auth::Inner;
use crate::clock::Timestamp;
use crate::error::Broken;
use crate::event::{self, Outcome, SIGNALS, Sealed};
use crate::lockout::Settlement;
use crate::policy::{Signal, Weighed};
use crate::secret::Purpose;
use crate::store::{Committed, OnceKey, Passed, Rate, Write};

/// What was found at a sign-in, kept in its flow: as names, so that another build reads it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Suspicion {
    signals: String,
    /// So many proofs it takes because of them.
    proofs: usize,
}

impl State {
    /// Whether a proof more is asked for than the profile asks of all.
    pub(crate) fn is_suspected(&self) -> bool {
        self.suspicion.as_ref().is_some_and(|found| found.proofs > self.proofs.len())
    }
}

impl Inner {
    /// Weighs a sign-in that has not been weighed, if all is proven in it: whether it goes on.
    pub(crate) async fn may_go_on(
        &self,
        next: &mut Run<'_>,
        person: &Person,
        batch: &[Write],
    ) -> Going<bool> {
        if next.state.kind != Kind::SignIn || next.state.suspicion.is_some() {
            return Ok(true);
        }
        let enough = self.profile.sign_in.met_by(&next.state.proofs, next.now);
        if !enough
            && self.duty(&next.state, person)?.is_none()
            && self.trusted(next, person, batch)?.is_none()
        {
            return Ok(true);
        }
        let mut signals = self.signals(next, person)?;
        if self.is_in_a_crowd(next, person, &signals).await? {
            signals.push(Signal::ManyAccounts);
        }
        let weighed = self.profile.suspicion.weigh(&signals);
        let proofs = next.state.proofs.len();
        let mut found = Suspicion { signals: Signal::names(&signals), proofs: 0 };
        if weighed == Weighed::More {
            next.state.suspicion = Some(Suspicion { proofs: proofs + 1, ..found.clone() });
            // Another session's word may be out of reach, and nobody is kept out for want of a second thing.
            let offers = self.offers(&next.state, person)?;
            let has = |name| self.factor(name).is_some_and(|factor| !factor.speaks_by_session());
            if offers.iter().any(|offer| has(&offer.factor)) {
                found.proofs = proofs + 1;
            }
        }
        next.state.suspicion = Some(found);
        Ok(weighed != Weighed::Refuse)
    }

    /// What can be told of a sign-in by what was read for it.
    pub(crate) fn signals(&self, run: &Run<'_>, person: &Person) -> Result<Vec<Signal>, Broken> {
        let rules = &self.profile.suspicion;
        let Some(subject) = &person.subject else { return Ok(Vec::new()) };
        let whence = self.whence(&run.visit.client, person.id);
        let habits = self.habits(person)?.map(|(_, habits)| habits).unwrap_or_default();
        let seen =
            subject.browsers.iter().map(|row| row.seen).chain([subject.account.created, habits.seen()]);
        let seen = seen.max().unwrap_or(run.now);
        let fired = |signal: &Signal| match signal {
            Signal::NewBrowser => person.browser(self, &run.visit.client, run.now).is_none(),
            Signal::NewNetwork => habits.is_new_network(whence),
            Signal::NewCountry => habits.is_new_country(whence),
            Signal::AfterRefusals => run.state.refused >= rules.refusals,
            Signal::LongAbsence => run.now.since(seen) >= rules.absence,
            Signal::ManyAccounts | Signal::PartialSuccess => false,
        };
        Ok(Signal::ALL.into_iter().filter(|signal| rules.weight(*signal) > 0 && fired(signal)).collect())
    }

    // Counted for who comes by a browser and from a network that are both new to the account, and once for each account,
    // however many of its sign-ins are weighed at the same moment, of which one is let in: so one account makes no crowd,
    // and one's own browser that wanders through a carrier's addresses is none of it.
    async fn is_in_a_crowd(&self, run: &Run<'_>, person: &Person, signals: &[Signal]) -> Going<bool> {
        let rules = &self.profile.suspicion;
        let new = [Signal::NewBrowser, Signal::NewNetwork].iter().all(|signal| signals.contains(signal));
        let (true, Some(network)) = (new && rules.weight(Signal::ManyAccounts) > 0, run.visit.client.crowd())
        else {
            return Ok(false);
        };
        let all = self.throttle_key(&[b"accounts", &network]);
        let own = self.throttle_key(&[b"account of", &network, person.id.as_bytes()]);
        let once = Rate { uses: 1, per: rules.accounts.per };
        if self.throttle.pass(vec![(all, rules.accounts), (own, once)], run.now).await? == Passed::Yes {
            return Ok(false);
        }
        // Whoever is counted already is one of those that there is room for.
        Ok(self.throttle.pass(vec![(own, Rate::LOOK)], run.now).await? == Passed::Yes)
    }

    /// The run of refusals before a sign-in is over with it.
    pub(crate) fn clear_refusals(&self, run: &Run<'_>, person: &Person) -> Vec<Write> {
        if run.state.kind != Kind::SignIn || run.state.refused == 0 {
            return Vec::new();
        }
        let lane = self.lane(run, person);
        let proven = run.state.proofs.iter().filter_map(|proof| self.factor(proof.factor()));
        let clear = |factor| {
            let (key, limit) = self.guard(person, &run.state, factor, lane);
            Write::Settle { key, how: Settlement::Clear, limit, at: run.now }
        };
        proven.map(clear).collect()
    }

    /// The end of a sign-in that was weighed and found too suspicious. `None`: lost a race, judge again.
    pub(crate) async fn turn_away(
        &self,
        run: &Run<'_>,
        person: &Person,
        mut content: Sealed,
        mut batch: Vec<Write>,
    ) -> Going<Option<Step>> {
        content.reason = Some(Code::Unusual.as_str().to_owned());
        let signals = self.note(run, person, &mut content);
        let (id, line) = self.line(person, event::name::SIGN_IN, Outcome::Refused, &content)?;
        batch.splice(0..0, run.take());
        batch.extend(Self::unwatch(run));
        batch.push(line);
        let told = self.warn(person, "sign-in-refused", (&content.origin, id), &signals, Vec::new())?;
        let means: Vec<Loss> = batch.iter().map(Loss::of).collect();
        match self.commit_telling(batch, (b"refused", person, run.now), told).await? {
            Committed::Won => Ok(Some(Step::Refused(Box::new(Refusal::new(Code::Unusual))))),
            Committed::Lost { at } => match means.get(at) {
                Some(Loss::No(code)) => Err((*code).into()),
                Some(Loss::Flow | Loss::Again) | None => Ok(None),
            },
        }
    }

    /// Commits with what is told of it, or without, where something of the kind was told a person within a day: whoever
    /// knows a password and nothing else would fill its owner's mailbox.
    pub(crate) async fn commit_telling(
        &self,
        mut batch: Vec<Write>,
        (what, person, now): (&[u8], &Person, Timestamp),
        told: Vec<Write>,
    ) -> Result<Committed, Broken> {
        let quiet = batch.clone();
        if !told.is_empty() {
            let key = OnceKey(self.keys.lookup(Purpose::Once, &[what, person.id.as_bytes()]));
            batch.push(Write::Once { key, until: now.after(TOLD_ONCE_IN) });
            batch.extend(told);
        }
        match self.commit(batch).await? {
            Committed::Lost { at } if at == quiet.len() => self.commit(quiet).await,
            end => Ok(end),
        }
    }

    /// Puts what was found at a sign-in into its line.
    pub(crate) fn note(&self, run: &Run<'_>, person: &Person, content: &mut Sealed) -> Vec<Signal> {
        let found = run.state.suspicion.as_ref();
        let signals = found.map(|found| Signal::read(&found.signals)).unwrap_or_default();
        self.note_these(run, person, content, &signals);
        signals
    }

    pub(crate) fn note_these(&self, run: &Run<'_>, person: &Person, content: &mut Sealed, found: &[Signal]) {
        let country = self.whence(&run.visit.client, person.id).country;
        content.details.extend(country.map(|country| (COUNTRY.to_owned(), country.to_string())));
        if !found.is_empty() {
            content.details.insert(SIGNALS.to_owned(), Signal::names(found));
        }
    }
}

/// Of more than one in this time the history tells.
const TOLD_ONCE_IN: Duration = Duration::from_secs(24 * 3600);
/// In the details of a line.
const COUNTRY: &str = "country";
