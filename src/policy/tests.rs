#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::password::{BrokenRule, Candidate, Classes, CredentialPolicy, PasswordRules, Rule};
use super::*;
use crate::id::{FactorName, RuleName};
use crate::proof::{Channel, Proves};

/// A fresh e-mail code does not make a password of yesterday fresh: a stale proof counts for nothing.
#[test]
fn only_fresh_proofs_count_towards_a_fresh_requirement() {
    let now = Timestamp::from_millis(1_790_000_000_000);
    let proof = |channel, age| {
        let proves = Proves::by(channel).knowledge().possession().replay_resistant();
        Proof::new(FactorName::new("x"), proves, now.before(Duration::from_secs(age)))
    };
    let fresh = Requirement::aal(Aal::One).within(Duration::from_secs(300));
    assert!(fresh.met_by(&[proof(Channel::Mind, 300)], now));
    assert!(!fresh.met_by(&[proof(Channel::Mind, 301)], now));
    assert!(!fresh.met_by(&[proof(Channel::Mind, 86_400), proof(Channel::Email, 1)], now));
    // Nothing else asked for: freshness is of something.
    let any = Requirement::NONE.within(Duration::from_secs(300));
    assert!(!any.met_by(&[], now) && !any.met_by(&[proof(Channel::Mind, 301)], now));
    assert!(any.met_by(&[proof(Channel::Mind, 300)], now));
}

/// A key that verified nobody and a PIN that can be passed on are not a key that verified its user.
#[test]
fn one_proof_has_both_properties() {
    let now = Timestamp::from_millis(1_000_000);
    let device = Proves::by(Channel::Device).possession();
    let (key, pin) = (device.phishing_resistant(), device.user_verified());
    let proof = |proves| Proof::new(FactorName::new("x"), proves, now);
    let (resists, verified) = (Requirement::NONE.phishing_resistant(), Requirement::NONE.user_verified());
    assert!(resists.met_by(&[proof(key)], now) && !resists.met_by(&[proof(pin)], now));
    assert!(verified.met_by(&[proof(pin)], now) && !verified.met_by(&[proof(key)], now));
    let both = resists.user_verified();
    assert!(!both.met_by(&[], now) && !both.met_by(&[proof(key), proof(pin)], now));
    assert!(both.met_by(&[proof(pin), proof(key.user_verified())], now));
}

/// Each requirement that a deviation names is one of the standards', as STANDARDS.md numbers them.
#[test]
fn deviations_name_requirements_that_there_are() {
    let ids: serde_json::Value =
        serde_json::from_str(include_str!("../../tests/vectors/standards_ids.json")).unwrap();
    let mut seen = 0;
    for profile in profiles().into_iter().chain([as_bad_as_can_be()]) {
        for deviation in profile.deviations() {
            let of = match deviation.standard {
                Standard::Nist => &ids["nist"],
                Standard::Asvs => &ids["asvs"],
            };
            assert!(of.as_array().unwrap().iter().any(|id| id == deviation.requirement), "{deviation}");
            seen += 1;
        }
    }
    println!("deviations looked up: {seen}");
    assert!(seen > 20);
}

/// The standards' own profiles depart from their standard in nothing; where the two standards disagree, the other one's
/// requirement is listed.
#[test]
fn each_profile_departs_from_what_it_says_and_nothing_else() {
    let departs = |profile: &Profile| -> Vec<String> {
        let name = |one: Deviation| format!("{} {}", one.standard, one.requirement);
        let mut names: Vec<_> = profile.deviations().into_iter().map(name).collect();
        names.dedup();
        names
    };
    for profile in [Profile::nist_aal1(), Profile::nist_aal2(), Profile::nist_aal3(), Profile::asvs_l3()] {
        assert_eq!(departs(&profile), Vec::<String>::new(), "{}", profile.name);
    }
    assert_eq!(departs(&Profile::asvs_l1()), ["NIST 3.1.1.2"]);
    assert_eq!(departs(&Profile::asvs_l2()), ["NIST 2.2 AAL2", "NIST 3.1.3.1"]);
    let portal = departs(&Profile::public_portal());
    for requirement in [
        "NIST 2.2 AAL2",
        "NIST 3.1.3.1",
        "NIST 2.2.3",
        "NIST 3.1.1.2",
        "ASVS 6.2.5",
        "ASVS 6.2.10",
        "ASVS 6.3.3",
    ] {
        assert!(portal.iter().any(|one| one == requirement), "{requirement}: {portal:?}");
    }
    for profile in profiles() {
        assert!(profile.deviations().iter().all(|one| one.reason.is_some()), "{}", profile.table());
    }
}

/// A profile that was adjusted shows what it departs from: nothing is a list written by hand.
#[test]
fn an_adjusted_profile_shows_its_departures() {
    let shows = |adjust: &dyn Fn(&mut Profile), profile: Profile, wanted: &[&str]| {
        let mut adjusted = profile.clone();
        adjust(&mut adjusted);
        let before = profile.deviations();
        let new: Vec<_> = adjusted.deviations().into_iter().filter(|one| !before.contains(one)).collect();
        let ids: Vec<_> = new.iter().map(|one| format!("{} {}", one.standard, one.requirement)).collect();
        assert_eq!(ids, wanted, "{}", adjusted.table());
    };
    let day = Duration::from_secs(24 * 3600);
    let rules = |adjust: fn(&mut PasswordRules)| {
        move |profile: &mut Profile| {
            let mut rules = PasswordRules::nist_aal1();
            adjust(&mut rules);
            profile.password = std::sync::Arc::new(rules);
        }
    };
    let (two, three, l3) = (Profile::nist_aal2, Profile::nist_aal3, Profile::asvs_l3);
    shows(&|p| p.sessions.absolute = day * 2, two(), &["NIST 2.2.3"]);
    shows(&|p| p.sessions.idle = day / 2, two(), &["NIST 2.2.3"]);
    shows(&|p| p.sessions.public_absolute = day * 2, two(), &["NIST 2.2.3"]);
    shows(&|p| p.sessions.absolute = day, three(), &["NIST 2.3.3"]);
    shows(&|p| p.sessions.idle = p.sessions.absolute, two(), &["NIST 2.2.3", "ASVS 7.3.1"]);
    shows(&|p| p.sessions.absolute = day * 31, Profile::nist_aal1(), &["NIST 2.1.3"]);
    shows(&|p| p.sign_in = Requirement::two_factors(), two(), &["NIST 2.2 AAL2", "NIST 3.1.3.1"]);
    shows(&|p| p.sign_in = Requirement::aal(Aal::Two), three(), &["NIST 2.3 AAL3", "ASVS 6.3.3"]);
    shows(&|p| p.bars = &[Channel::Phone], l3(), &["ASVS 6.3.6"]);
    shows(&|p| p.bars = &[Channel::Email], l3(), &["ASVS 6.6.1"]);
    shows(&rules(|r| r.least = 14), Profile::nist_aal1(), &["NIST 3.1.1.2"]);
    shows(&rules(|r| r.least = 7), two(), &["NIST 3.1.1.2", "ASVS 6.2.1"]);
    shows(&rules(|r| r.most_bytes = 72), two(), &["NIST 3.1.1.2", "ASVS 6.2.9"]);
    shows(&rules(|r| r.common = false), two(), &["NIST 3.1.1.2", "ASVS 6.2.4"]);
    shows(&rules(|r| r.max_age = Some(Duration::from_secs(1))), two(), &["NIST 3.1.1.2", "ASVS 6.2.10"]);
    shows(&rules(|r| r.keyboard = 5), two(), &["NIST 3.1.1.2", "ASVS 6.2.5"]);
    shows(&rules(|r| r.classes = Classes::ALL), two(), &["NIST 3.1.1.2", "ASVS 6.2.5"]);
    shows(&rules(|r| r.context = false), two(), &["ASVS 6.2.11"]);
    let composed = |p: &mut Profile| p.password = std::sync::Arc::new(Composed);
    shows(&composed, two(), &["NIST 3.1.1.2", "ASVS 6.2.5"]);
    // Alone, the same 8 characters are too few.
    shows(
        &|p| p.sign_in = Requirement::aal(Aal::One),
        two(),
        &["NIST 2.2 AAL2", "NIST 3.1.1.2", "ASVS 6.3.3"],
    );
    let mut custom = Profile::nist_aal2().because("2.2.3", "a kiosk");
    custom.sessions.absolute = day * 2;
    assert_eq!(custom.deviations()[0].reason.as_deref(), Some("a kiosk"));
}

/// The table in the manual is what the code says. `PROPUSK_WRITE=1` writes it anew.
#[test]
fn the_manual_shows_the_profiles_as_they_are() {
    let mut text = String::from(
        "Each profile's values, and where it departs from NIST SP 800-63B-4 and OWASP ASVS 5.0. Written by a test from \
         `Profile::table()`.\n",
    );
    for profile in profiles() {
        text.push('\n');
        text.push_str(&profile.table());
    }
    if std::env::var_os("PROPUSK_WRITE").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/manual/profiles.md"), &text).unwrap();
        return;
    }
    let written = include_str!("../manual/profiles.md");
    assert!(
        written == text,
        "run PROPUSK_WRITE=1 cargo test --lib policy::tests, and look at what has changed"
    );
}

/// A policy of an application's own with a rule of composition.
#[derive(Debug)]
struct Composed;

impl CredentialPolicy for Composed {
    fn judge(&self, candidate: &Candidate<'_>) -> Vec<BrokenRule> {
        PasswordRules::nist_aal1().judge(candidate)
    }

    fn hints(&self) -> Vec<Rule> {
        let mut hints = PasswordRules::nist_aal1().hints();
        hints.push(Rule::plain(RuleName::new("no_digit")));
        hints
    }
}

fn profiles() -> [Profile; 7] {
    [
        Profile::public_portal(),
        Profile::nist_aal1(),
        Profile::nist_aal2(),
        Profile::nist_aal3(),
        Profile::asvs_l1(),
        Profile::asvs_l2(),
        Profile::asvs_l3(),
    ]
}

fn as_bad_as_can_be() -> Profile {
    let mut profile = Profile::asvs_l3();
    profile.sign_in = Requirement::NONE;
    profile.bars = &[];
    profile.sessions.idle = Duration::MAX;
    profile.sessions.absolute = Duration::MAX;
    let mut rules = PasswordRules::nist_aal1();
    (rules.least, rules.most_bytes, rules.common, rules.context) = (1, 16, false, false);
    profile.with_password_policy(rules)
}

/// A secret question beside any set of proofs raises nothing, whatever it claims, and no requirement counts it.
#[test]
fn a_question_counts_for_nothing_beside_any_set_of_proofs() {
    let key = Proves::by(Channel::Device).possession().phishing_resistant().replay_resistant();
    let kinds = [
        Proves::by(Channel::Mind).knowledge().memorised(),
        Proves::by(Channel::Phone).possession().replay_resistant().restricted(),
        Proves::by(Channel::Email).possession().replay_resistant(),
        Proves::by(Channel::Paper).possession().replay_resistant(),
        key,
        key.user_verified().exportable(),
        key.user_verified(),
        Proves::by(Channel::Provider).knowledge(),
    ];
    let now = Timestamp::from_millis(1_000_000);
    let proof = |name: usize, proves| Proof::new(FactorName::owned(format!("f{name}")), proves, now);
    let plain = Proves::by(Channel::Question);
    let boasts = plain.knowledge().possession().inherence().memorised();
    let boasts = boasts.phishing_resistant().replay_resistant().user_verified();
    let mut asked =
        vec![Requirement::two_factors(), Requirement::two_factors().within(Duration::from_secs(1))];
    asked.extend([Aal::One, Aal::Two, Aal::Three].map(Requirement::aal));
    let none = Requirement::NONE;
    let resists = none.phishing_resistant();
    asked.extend([resists, none.user_verified(), resists.user_verified()]);
    let mut compared = 0;
    for picked in 0..1_usize << kinds.len() {
        let of = kinds.iter().enumerate().filter(|(at, _)| picked >> at & 1 == 1);
        let proofs: Vec<_> = of.map(|(at, proves)| proof(at, *proves)).collect();
        for question in [plain, boasts] {
            let mut with = proofs.clone();
            with.insert(with.len() / 2, proof(99, question));
            assert_eq!(proof::aal(&with), proof::aal(&proofs));
            assert_eq!(proof::kinds(&with), proof::kinds(&proofs));
            for asked in &asked {
                assert_eq!(asked.met_by(&with, now), asked.met_by(&proofs, now), "{asked:?}");
                assert_eq!(asked.progress(&with, now), asked.progress(&proofs, now), "{asked:?}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 256 * 2 * asked.len());
}
