//! Against other people's programs: codes of `oathtool` sign in, and `zbarimg` reads the picture that is shown.
//!
//! Needs `oathtool`, `zbarimg` and `rsvg-convert`: `tests/run oathtool` installs them.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/otp.rs"]
mod otp;
#[path = "common/portal.rs"]
mod portal;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use otp::{propose, shown};
use portal::{Outbox, PHONE, WORD, done, pending, register};
use propusk::clock::{Clock, Timestamp};
use propusk::policy::password::PasswordRules;
use propusk::testing::{FakeClock, SeededEntropy};
use propusk::{Auth, Client, Code, MemoryStore, Password, Profile, Site, Step, Totp, Visit};

const CASES: u64 = 1000;
const PEOPLE: u64 = 50;

/// A thousand random keys and moments, from 2001 to about 2100: a code that oathtool makes for a step is right up to one
/// step to either side of now, and once.
#[tokio::test]
async fn a_thousand_codes_of_oathtool() {
    let seed = std::env::var("PROPUSK_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(6238);
    let random = SeededEntropy::new(seed);
    let (mut accepted, mut refused) = (0, 0);
    for person in 0..PEOPLE {
        let house = House::new("Portal", seed * 1000 + person);
        let start = 1_000_000_000 + i64::try_from(random.below(2_900_000_000)).unwrap();
        house.clock.set(Timestamp::from_millis(start * 1000));
        let key = house.device().await.1;
        for _ in 0..CASES / PEOPLE {
            let ahead = 90_000 + random.below(180 * 24 * 3600 * 1000);
            house.clock.advance(Duration::from_millis(ahead));
            let offset = i64::try_from(random.below(5)).unwrap() - 2;
            let code = oathtool(&key, house.seconds() + 30 * offset);
            let said = house.sign_in(&code).await;
            if offset.abs() <= 1 {
                assert_eq!(said, "done", "{key} at {} {offset:+} steps, seed {seed}", house.seconds());
                assert_eq!(house.sign_in(&code).await, "replayed");
                accepted += 1;
            } else if said == "wrong" {
                assert_eq!(house.sign_in(&oathtool(&key, house.seconds())).await, "done");
                refused += 1;
            } else {
                // One in a third of a million: the code of another step as well.
                assert_eq!(said, "done");
            }
        }
    }
    assert!(accepted > 500 && refused > 300);
    println!(
        "counted: codes of oathtool, {accepted} right and {refused} out of the window, seed {seed}, count {CASES}"
    );
}

/// What the picture says is what the page says, and the key in it signs in by way of oathtool. Of a site and a person
/// with all that a label must not be confused by.
#[tokio::test]
async fn the_picture_is_read_by_zbarimg() {
    for site in ["Portal", "Госуслуги: вход & выход?", &"Ж".repeat(200)] {
        let house = House::new(site, 1);
        let (offer, key) = house.device().await;
        let uri = offer["uri"].as_str().unwrap();
        let read = scan(offer["qr"].as_str().unwrap());
        assert_eq!(read, uri);
        let read = url::Url::parse(&read).unwrap();
        let query =
            |name: &str| read.query_pairs().find(|(n, _)| n == name).map(|(_, value)| value.into_owned());
        assert_eq!((read.scheme(), read.host_str()), ("otpauth", Some("totp")));
        assert_eq!(query("secret").unwrap(), key);
        let issuer = query("issuer").unwrap();
        assert!(site.starts_with(&issuer) && issuer.len() >= site.len().min(60));
        house.clock.advance(Duration::from_secs(60));
        let code = oathtool(&query("secret").unwrap(), house.seconds());
        assert_eq!(house.sign_in(&code).await, "done");
    }
}

struct House {
    auth: Auth,
    clock: Arc<FakeClock>,
    outbox: Outbox,
    visit: Visit,
}

impl House {
    fn new(site: &str, seed: u64) -> Self {
        let (clock, outbox) = (Arc::new(FakeClock::default()), Outbox::default());
        // Years pass here, and this is about codes: no password ages meanwhile.
        let mut rules = PasswordRules::public_portal();
        rules.max_age = None;
        let profile = Profile::public_portal().with_password_policy(rules);
        let auth = portal::portal(&MemoryStore::default(), profile)
            .site(Site::new(site, portal::ORIGIN))
            .clock(clock.clone())
            .entropy(SeededEntropy::new(seed))
            .sender(outbox.clone())
            .factor(Password::default())
            .factor(Code::sms())
            .factor(Totp::default())
            .build()
            .unwrap();
        let visit = auth.visit(Client::unknown());
        Self { auth, clock, outbox, visit }
    }

    fn seconds(&self) -> i64 {
        self.clock.now().as_millis() / 1000
    }

    /// Registers somebody with an authenticator whose key is typed into oathtool: what was shown, and the key.
    async fn device(&self) -> (serde_json::Value, String) {
        let mine = register(&self.auth, &self.outbox, &self.visit, PHONE, Password::word(WORD)).await;
        let message = async || self.outbox.code(&self.auth).await;
        let next = propose(&self.visit, &mine.token, WORD, &Totp::NAME, message).await;
        let offer = shown(&next);
        let key = offer["key"].as_str().unwrap().replace(' ', "");
        let code = Totp::code(&oathtool(&key, self.seconds()));
        let _ = done(self.visit.answer(&next.flow, code).await.unwrap());
        (offer, key)
    }

    async fn sign_in(&self, code: &str) -> &'static str {
        let next = pending(self.visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
        match self.visit.answer(&next.flow, Totp::code(code)).await.unwrap() {
            Step::Done(_) => "done",
            Step::Pending(_) => "pending",
            Step::Refused(why) => why.code.as_str(),
        }
    }
}

fn oathtool(key: &str, at: i64) -> String {
    run(Command::new("oathtool").args(["--totp", "--base32", "--now", &format!("@{at}"), key]))
}

/// Draws the picture as a browser would, and reads it as a phone would.
fn scan(svg: &str) -> String {
    let dir = std::env::temp_dir().join(format!("propusk-qr-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let (drawn, painted) = (dir.join("qr.svg"), dir.join("qr.png"));
    std::fs::write(&drawn, svg).unwrap();
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    run(Command::new("rsvg-convert").args(["--output", &path(&painted), "--zoom", "2", &path(&drawn)]));
    let read = run(Command::new("zbarimg").args([
        "--quiet",
        "--raw",
        "-Sdisable",
        "-Sqrcode.enable",
        &path(&painted),
    ]));
    std::fs::remove_dir_all(&dir).unwrap();
    read
}

fn run(command: &mut Command) -> String {
    let ran = command.output().unwrap_or_else(|error| {
        panic!(
            "{:?} does not start ({error}): `tests/run oathtool` installs what is needed",
            command.get_program()
        )
    });
    assert!(ran.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap().trim().to_owned()
}
