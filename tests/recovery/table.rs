//! For every pair of what an account has and what of it is lost: what recovery asks and what follows. The table is made by
//! recovering, held against NIST SP 800-63B-4 section 4.2.2 in its own words, and printed into the manual
//! (`PROPUSK_WRITE=1` writes it).

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use propusk::flow::Duty;
use propusk::{BackupCodes, Profile, Totp};

use super::*;
use crate::otp::{add_codes, totp};
use crate::portal::{EMAIL, PHONE, WORD};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Password,
    Phone,
    Email,
    App,
    Codes,
}

use Thing::{App, Codes, Email, Password as Word, Phone};

impl Thing {
    fn factor(self) -> FactorName {
        match self {
            Word => Password::NAME,
            Phone => SMS,
            Email => MAIL,
            App => Totp::NAME,
            Codes => BackupCodes::NAME,
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Word => "password",
            Phone => "phone",
            Email => "e-mail",
            App => "authenticator",
            Codes => "backup codes",
        }
    }
}

/// What section 4.2.2 asks of an account, with what is left of it and a first code sent to `by`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Nist {
    /// 4.2.2.1: one recovery code is enough.
    One,
    /// 4.2.2.2: one of these as well: a code by another method, or a single-factor authenticator.
    And(BTreeSet<Thing>),
    /// The same, and nothing of it is left: repeated identity proofing, or here a delay that every contact is told of.
    Wait,
}

fn nist_4_2_2(has: &BTreeSet<Thing>, lost: &BTreeSet<Thing>, by: Thing) -> Nist {
    // Section 2: a password and something held that resists replay; an e-mail address is none (3.1.3.1).
    let aal2 = has.contains(&Word) && has.iter().any(|thing| [Phone, App, Codes].contains(thing));
    if !aal2 {
        return Nist::One;
    }
    let also: BTreeSet<_> = has.difference(lost).copied().filter(|thing| *thing != by).collect();
    if also.is_empty() { Nist::Wait } else { Nist::And(also) }
}

/// An account with these things, and what proves them.
struct Owner {
    house: House,
    key: String,
    codes: Vec<String>,
    session: Box<Done>,
}

impl Owner {
    async fn with(has: &BTreeSet<Thing>) -> Self {
        let house = House::new(Profile::public_portal());
        let contact = if has.contains(&Phone) { PHONE } else { EMAIL };
        let mut session = house.person(contact).await;
        if has.contains(&Phone) && has.contains(&Email) {
            session = ended(house.contact(&session.token, EMAIL, None).await);
        }
        let (mut key, mut codes) = (String::new(), Vec::new());
        if has.contains(&App) {
            (key, session) = match has.contains(&Phone) {
                true => house.device(&session.token).await,
                false => by_mail(&house, &session).await,
            };
        }
        house.hands.advance(3600);
        if has.contains(&Codes) {
            (codes, session) = match has.contains(&Phone) {
                true => add_codes(&house.visit, &session.token, WORD, async || house.code().await).await,
                false => codes_by_mail(&house, &session, &key).await,
            };
        }
        house.hands.advance_by(Duration::from_secs(80 * 3600));
        Self { house, key, codes, session }
    }

    async fn prove(&self, next: &Next, thing: Thing) -> Step {
        let house = &self.house;
        match thing {
            Word => house.answer(&next.flow, Password::word(WORD)).await,
            Phone | Email => house.by(next, &thing.factor()).await,
            App => {
                let code = totp(&self.key, crate::otp::step(house.auth.now()));
                house.answer(&next.flow, Totp::code(&code)).await
            }
            Codes => house.answer(&next.flow, BackupCodes::code(&self.codes[0])).await,
        }
    }
}

// A first authenticator of who has a password and a mailbox: both are asked for.
async fn by_mail(house: &House, session: &Done) -> (String, Box<Done>) {
    let next = enrolling(house, session, &Totp::NAME, None).await;
    let next = pending(house.visit.begin(&next.flow, &Totp::NAME).await.unwrap());
    let key = crate::otp::shown(&next)["key"].as_str().unwrap().to_owned();
    let code = totp(&key, crate::otp::step(house.auth.now()));
    let done = ended(house.answer(&next.flow, Totp::code(&code)).await);
    (key, done)
}

async fn codes_by_mail(house: &House, session: &Done, key: &str) -> (Vec<String>, Box<Done>) {
    let next = enrolling(house, session, &BackupCodes::NAME, Some(key).filter(|key| !key.is_empty())).await;
    let next = pending(house.visit.begin(&next.flow, &BackupCodes::NAME).await.unwrap());
    let codes: Vec<String> = serde_json::from_value(crate::otp::shown(&next)["codes"].clone()).unwrap();
    let done = ended(house.answer(&next.flow, BackupCodes::saved()).await);
    (codes, done)
}

async fn enrolling(house: &House, session: &Done, factor: &FactorName, key: Option<&str>) -> Box<Next> {
    let next = pending(house.visit.enrol(&session.token, factor.clone()).await.unwrap());
    let next = pending(house.answer(&next.flow, Password::word(WORD)).await);
    if next.duty.is_some() {
        return next;
    }
    match key {
        Some(key) => {
            let code = totp(key, crate::otp::step(house.auth.now()));
            pending(house.answer(&next.flow, Totp::code(&code)).await)
        }
        None => pending(house.by(&next, &MAIL).await),
    }
}

#[tokio::test]
async fn what_recovery_asks_and_what_follows() {
    let mut text = String::from(
        "| the account has | lost | first, a code to | then one of | without one of them | ends in |\n|---|---|---|---|---|---|\n",
    );
    let mut rows = 0;
    for contacts in [&[Email][..], &[Phone], &[Phone, Email]] {
        for more in [&[][..], &[App], &[Codes], &[App, Codes]] {
            let has: BTreeSet<Thing> = [Word].iter().chain(contacts).chain(more).copied().collect();
            for lost in [&[Word][..], &[App], &[Codes], &[Word, App], &[Word, Codes], &[Word, App, Codes]] {
                let lost: BTreeSet<Thing> = lost.iter().copied().collect();
                if !lost.is_subset(&has) {
                    continue;
                }
                for by in contacts {
                    row(&mut text, &has, &lost, *by).await;
                    rows += 1;
                }
            }
        }
    }
    println!("counted: pairs of what is lost and what is left, seed -, count {rows}");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/manual/recovery.md");
    if std::env::var_os("PROPUSK_WRITE").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert_eq!(include_str!("../../src/manual/recovery.md"), text, "PROPUSK_WRITE=1 writes it");
}

async fn row(text: &mut String, has: &BTreeSet<Thing>, lost: &BTreeSet<Thing>, by: Thing) {
    let at = format!("{has:?} without {lost:?} by {by:?}");
    let expected = nist_4_2_2(has, lost, by);
    let owner = Owner::with(has).await;
    let contact = if by == Phone { PHONE } else { EMAIL };
    let factors: Vec<_> = lost.iter().map(|thing| thing.factor()).collect();
    let next = owner.house.recovering(contact, &factors).await;
    let enough = next.duty.is_some();
    let offers: BTreeSet<Thing> = match enough {
        true => BTreeSet::new(),
        false => has.iter().copied().filter(|one| offered(&next).contains(&one.factor().as_str())).collect(),
    };
    // Where no secret is chosen anew, one confirmation that is enough ends in the rest of a sign-in.
    let open = enough || next.delay.is_none();
    let seen = match (open, offers.is_empty()) {
        (true, _) => Nist::One,
        (false, true) => Nist::Wait,
        (false, false) => Nist::And(offers.clone()),
    };
    assert_eq!(seen, expected, "{at}: {next:?}");
    assert_eq!(next.delay.is_some(), seen != Nist::One, "{at}");
    let mut ends = BTreeSet::new();
    // By each of what is offered, or at once, or after the delay: in a world of its own each.
    let ways: Vec<Option<Thing>> = match &seen {
        Nist::And(also) => also.iter().copied().map(Some).chain([None]).collect(),
        _ => vec![None],
    };
    for way in ways {
        ends.insert(finish(has, lost, (by, contact), way, &seen, &at).await);
    }
    let list =
        |things: &BTreeSet<Thing>| things.iter().map(|thing| thing.text()).collect::<Vec<_>>().join(", ");
    let (then, without) = match &seen {
        Nist::One => (String::from("nothing"), ""),
        Nist::And(also) => (list(also), "72 hours"),
        Nist::Wait => (String::from("none is left"), "72 hours"),
    };
    let ends = ends.into_iter().collect::<Vec<_>>().join("; ");
    let _ =
        writeln!(text, "| {} | {} | {} | {then} | {without} | {ends} |", list(has), list(lost), by.text());
}

/// To its end by this way; what it ended in. What was lost proves nothing any more, and no session is left.
async fn finish(
    has: &BTreeSet<Thing>,
    lost: &BTreeSet<Thing>,
    (by, contact): (Thing, &str),
    way: Option<Thing>,
    seen: &Nist,
    at: &str,
) -> String {
    let owner = Owner::with(has).await;
    let house = &owner.house;
    let factors: Vec<_> = lost.iter().map(|thing| thing.factor()).collect();
    let mut next = house.recovering(contact, &factors).await;
    let mut step = None;
    match (way, seen) {
        (Some(thing), _) => step = Some(owner.prove(&next, thing).await),
        (None, Nist::One) => {}
        (None, _) => {
            assert_eq!(said(&house.visit.wait(&next.flow).await.unwrap()), "recovery_waits", "{at}");
            house.hands.advance(72 * 3600);
            next = house.recovering(contact, &factors).await;
        }
    }
    let mut said_of = Vec::new();
    for _ in 0..4 {
        next = match step.take() {
            Some(Step::Done(done)) => return owner.judged(done, lost, said_of, at).await,
            Some(Step::Pending(next)) => next,
            Some(other) => panic!("{at} {way:?}: {other:?}"),
            None => next,
        };
        step = Some(match next.duty {
            Some(Duty::Replace) => {
                said_of.push("a new password");
                house.answer(&next.flow, Password::word(NEW)).await
            }
            Some(Duty::Enrol) => panic!("{at}: {next:?}"),
            _ => {
                said_of.push("the rest of a sign-in");
                let left = [Word, App, Codes, Phone, Email].into_iter();
                let mut left = left.filter(|one| has.contains(one) && !lost.contains(one) && *one != by);
                let one = left.find(|one| offered(&next).contains(&one.factor().as_str()));
                owner.prove(&next, one.unwrap_or_else(|| panic!("{at}: {next:?}"))).await
            }
        });
    }
    panic!("{at} {way:?}: it never ends");
}

impl Owner {
    async fn judged(&self, done: Box<Done>, lost: &BTreeSet<Thing>, said_of: Vec<&str>, at: &str) -> String {
        let house = &self.house;
        assert!(!house.alive(&self.session.token).await, "{at}: all sessions end");
        let account = done.session.account();
        assert_eq!(house.auth.sessions(account).await.unwrap().len(), 1, "{at}");
        let held = house.auth.credentials(account).await.unwrap();
        for thing in lost {
            let there = held.iter().any(|one| one.factor == thing.factor());
            assert_eq!(there, *thing == Word, "{at}: {thing:?}");
        }
        if lost.contains(&Word) {
            let contact = house.contacts(account).await.remove(0);
            assert!(!house.signs_in(&contact, WORD).await, "{at}: the old password");
        }
        let aal =
            format!("a session at {:?}", done.session.aal()).replace("One", "AAL1").replace("Two", "AAL2");
        [said_of, vec![aal.as_str()]].concat().join(", ")
    }
}
