//! Whether a profile can be met by the factors that the builder was given.

use std::time::Duration;

use super::{Auth, Builder};
use crate::clock::Timestamp;
use crate::error::{Broken, Missing};
use crate::factor::{ErasedFactor, Source};
use crate::id::FactorName;
use crate::policy::{Deviation, Profile, Standard};
use crate::proof::{self, Aal, Proof, Proves};

type Factors = [(FactorName, Box<dyn ErasedFactor>)];

impl Builder {
    /// Refuses a profile that its factors cannot reach, and factors that it bars.
    pub(super) fn fits(&self) -> Result<(), Broken> {
        let profile = &self.profile;
        let unmet = |missing| Broken::Profile { profile: profile.name, missing };
        let now = self.clock.now();
        let all = could_prove(&self.factors)?;
        for (name, proves) in &all {
            if profile.bars.contains(&proves.channel()) {
                let channel = crate::policy::channel(proves.channel());
                return Err(unmet(Missing::Barred { factor: name.clone(), channel }));
            }
        }
        // Proofs only add up: what all of them together do not reach, no set of them does.
        let proofs = proofs(all.iter().map(|(name, proves)| (name, *proves)), now);
        if profile.sessions.idle.as_secs() == profile.sessions.public_idle.as_secs() {
            return Err(Broken::Misuse("sessions on a public device need another idle limit than others"));
        }
        // A session's beginning stands in an event alone, and the owner looks for a change while it can be undone.
        let limits = profile.sessions;
        let least = limits.absolute.max(limits.public_absolute).max(profile.contact_hold);
        let kept = [profile.retention.sign_ins, profile.retention.changes];
        if kept.into_iter().flatten().any(|time| time < least) {
            return Err(Broken::Misuse("events are kept as long as sessions and changes that can be undone"));
        }
        let asked = profile.sign_in;
        if proof::aal(&proofs) < asked.aal {
            return Err(unmet(match asked.aal {
                Aal::Three => Missing::HardwareKey,
                Aal::Two => Missing::SecondAuthenticator,
                Aal::Zero | Aal::One => Missing::Authenticator,
            }));
        }
        if proof::kinds(&proofs) < asked.kinds {
            return Err(unmet(Missing::Kinds { wanted: asked.kinds, reached: proof::kinds(&proofs) }));
        }
        self.registration_ends_in_a_session(&all, now)
    }

    // Whoever confirms a contact and enrols what the profile wants is signed in: a profile that asks for more than
    // that would make accounts that nobody can enter.
    fn registration_ends_in_a_session(
        &self,
        all: &[(FactorName, Proves)],
        now: Timestamp,
    ) -> Result<(), Broken> {
        let profile = &self.profile;
        for ((name, factor), (_, contact)) in self.factors.iter().zip(all) {
            let Source::Contacts(kind) = factor.source() else { continue };
            if !profile.sign_up_contacts.contains(&kind) {
                continue;
            }
            for ((other, enrols), (_, enrolled)) in self.factors.iter().zip(all) {
                let wanted = enrolled.covers(profile.sign_up_enrols) && enrols.enrolment().is_some();
                let both = [(name, *contact), (other, *enrolled)];
                if wanted && !profile.sign_in.met_by(&proofs(both.into_iter(), now), now) {
                    let (contact, enrolled) = (name.clone(), other.clone());
                    let missing = Missing::Registration { contact, enrolled };
                    return Err(Broken::Profile { profile: profile.name, missing });
                }
            }
        }
        Ok(())
    }
}

impl Auth {
    /// Where this profile with these factors departs from the standards: [`Profile::deviations`], and what the factors
    /// add to it.
    ///
    /// # Errors
    /// When a factor cannot say what it proves.
    pub fn deviations(&self) -> Result<Vec<Deviation>, Broken> {
        let (profile, factors) = (&self.0.profile, &self.0.factors);
        let all = could_prove(factors)?;
        let mut list = profile.deviations();
        if profile.measured.aal >= Aal::Two && !all.iter().any(|(_, proves)| proves.resists_phishing()) {
            let what = "no factor that resists phishing is offered";
            list.push(profile.deviation(Standard::Nist, "2.2 AAL2", what));
        }
        let free = all.iter().filter(|(_, proves)| !proves.is_restricted());
        let free = proofs(free.map(|(name, proves)| (name, *proves)), self.now());
        if all.iter().any(|(_, proves)| proves.is_restricted()) && !reaches(profile, &free) {
            let what = "there is no way in without the telephone network";
            list.push(profile.deviation(Standard::Nist, "3.1.3.3", what));
            if profile.measured.asvs >= 2 {
                list.push(profile.deviation(Standard::Asvs, "6.6.1", what));
            }
        }
        for (name, _) in all.iter().filter(|(_, proves)| proves.recovery_only()) {
            let what = format!("{name} may help in a recovery");
            list.push(profile.deviation(Standard::Nist, "3.1.1.2", what.clone()));
            list.push(profile.deviation(Standard::Asvs, "6.4.2", what));
        }
        for (name, factor) in factors {
            let evaluated = factor.limit().allowance.saturating_mul(2);
            if evaluated > 100 {
                let what = format!("{evaluated} consecutive refusals of {name} are evaluated, not 100");
                list.push(profile.deviation(Standard::Nist, "3.2.2", what));
            }
        }
        let long = factors.iter().filter_map(|(name, factor)| Some((name, factor.good_for()?)));
        for (name, life) in long.filter(|(_, life)| *life > OUT_OF_BAND) {
            let what = format!("{name} can be answered for {} minutes, not 10", life.as_secs().div_ceil(60));
            list.push(profile.deviation(Standard::Nist, "3.1.3.2", what.clone()));
            if profile.measured.asvs >= 2 {
                list.push(profile.deviation(Standard::Asvs, "6.5.5", what));
            }
        }
        list.sort_by_key(|one| one.standard);
        Ok(list)
    }
}

/// What is sent is good for no longer than this.
const OUT_OF_BAND: Duration = Duration::from_secs(600);

fn could_prove(factors: &Factors) -> Result<Vec<(FactorName, Proves)>, Broken> {
    factors.iter().map(|(name, factor)| Ok((name.clone(), factor.could_prove(None)?))).collect()
}

fn proofs<'a>(of: impl Iterator<Item = (&'a FactorName, Proves)>, now: Timestamp) -> Vec<Proof> {
    of.map(|(name, proves)| Proof::new(name.clone(), proves, now)).collect()
}

fn reaches(profile: &Profile, proofs: &[Proof]) -> bool {
    proof::aal(proofs) >= profile.sign_in.aal && proof::kinds(proofs) >= profile.sign_in.kinds
}
