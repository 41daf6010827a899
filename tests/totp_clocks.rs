//! Authenticators and clocks that are put back: through the public API.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/otp.rs"]
mod otp;
#[path = "common/portal.rs"]
mod portal;

use std::sync::Arc;

use otp::{add_totp, totp};
use portal::{Outbox, PHONE, WORD, pending, portal, register};
use propusk::clock::Timestamp;
use propusk::testing::FakeClock;
use propusk::{Answer, Auth, Client, Code, MemoryStore, Password, Profile, Step, Totp};

struct House {
    auth: Auth,
    clock: Arc<FakeClock>,
    key: String,
}

impl House {
    /// Somebody with an authenticator that was added two minutes before.
    async fn at(seconds: i64) -> Self {
        let (clock, outbox) = (Arc::new(FakeClock::default()), Outbox::default());
        let mut profile = Profile::public_portal();
        profile.recipient_rate.uses = 1_000_000;
        let auth = portal(&MemoryStore::default(), profile)
            .clock(clock.clone())
            .sender(outbox.clone())
            .factor(Password::default())
            .factor(Code::sms())
            .factor(Totp::default())
            .build()
            .unwrap();
        let before = Timestamp::from_millis((seconds - 120) * 1000);
        clock.set(before);
        let visit = auth.visit(Client::unknown());
        let mine = register(&auth, &outbox, &visit, PHONE, Password::word(WORD)).await;
        let message = async || outbox.code(&auth).await;
        let (key, _) = add_totp(&visit, &mine.token, WORD, before, message).await;
        clock.set(Timestamp::from_millis(seconds * 1000));
        Self { auth, clock, key }
    }

    fn set(&self, millis: i64) {
        self.clock.set(Timestamp::from_millis(millis));
    }

    /// What a device shows whose clock shows this.
    fn shown(&self, seconds: i64) -> Answer {
        Totp::code(&totp(&self.key, seconds.div_euclid(30)))
    }

    async fn told(&self, answer: Answer) -> &'static str {
        let visit = self.auth.visit(Client::unknown());
        let next = pending(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
        match visit.answer(&next.flow, answer).await.unwrap() {
            Step::Done(_) => "done",
            Step::Refused(why) => why.code.as_str(),
            Step::Pending(_) => "pending",
        }
    }
}

/// ATTACKS 1, 2: a clock that is put back five minutes brings no code back. The owner waits until time has caught up, and
/// is held out no longer.
#[tokio::test]
async fn a_clock_that_is_put_back_brings_no_code_back() {
    let noon = 1_774_785_600;
    let house = House::at(noon).await;
    assert_eq!(house.told(house.shown(noon)).await, "done");
    let back = noon - 300;
    house.set(back * 1000);
    for then in [back - 30, back, back + 30] {
        assert_eq!(house.told(house.shown(then)).await, "wrong", "{then}");
    }
    house.set(noon * 1000);
    assert_eq!(house.told(house.shown(noon)).await, "replayed");
    house.set((noon + 30) * 1000);
    assert_eq!(house.told(house.shown(noon)).await, "replayed");
    assert_eq!(house.told(house.shown(noon + 30)).await, "done");
}

/// The leap second at the end of 2016: a clock shows the last second of the day twice, or the first of the next, and a
/// step is then 31 seconds long. A code is good once all the same, and none is missing.
#[tokio::test]
async fn a_leap_second_makes_no_code_good_twice() {
    let midnight = 1_483_228_800;
    for repeated in [midnight - 1, midnight] {
        let house = House::at(midnight - 2).await;
        assert_eq!(house.told(house.shown(midnight - 2)).await, "done");
        house.set(repeated * 1000 + 999);
        assert_eq!(house.told(house.shown(midnight - 1)).await, "replayed");
        assert_eq!(house.told(house.shown(midnight)).await, "done");
        // The second that is shown again.
        house.set(repeated * 1000);
        assert_eq!(house.told(house.shown(midnight - 1)).await, "replayed");
        assert_eq!(house.told(house.shown(midnight)).await, "replayed");
        house.set((midnight + 30) * 1000);
        assert_eq!(house.told(house.shown(midnight + 30)).await, "done");
    }
}

/// Berlin, 25 October 2026: the hour from two to three is there twice on the wall, and once in the time that counts.
#[tokio::test]
async fn the_hour_that_is_there_twice_has_codes_of_its_own() {
    let (summer, winter) = (1_792_888_200, 1_792_888_200 + 3600);
    let house = House::at(summer).await;
    assert_eq!(house.told(house.shown(summer)).await, "done");
    house.set(winter * 1000);
    assert_eq!(house.told(house.shown(summer)).await, "wrong");
    assert_eq!(house.told(house.shown(winter)).await, "done");
}
