//! Against other people's programs: our codes are those of `oathtool`, its codes sign in, and `zbarimg` reads the picture
//! that is shown.
//!
//! A thousand checks of each kind at `PROPUSK_SIZE=long`, three hundred else. Needs `oathtool`, `zbarimg` and `rsvg-convert`: `tests/run oathtool` installs them.
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

use data_encoding::BASE32_NOPAD;
use otp::{propose, shown};
use portal::{Outbox, PHONE, WORD, done, pending, register};
use propusk::clock::{Clock, Entropy, Timestamp};
use propusk::factor::hotp::Token;
use propusk::factor::totp::TotpScheme;
use propusk::flow::{Done, Next};
use propusk::otp::Algorithm;
use propusk::policy::password::PasswordRules;
use propusk::testing::{FakeClock, SeededEntropy, hotp_code, totp_code};
use propusk::{Answer, Auth, Client, Code, Hotp, MemoryStore, Password, Profile, Site, Step, Totp, Visit};

const PEOPLE: u64 = 50;

fn cases() -> u64 {
    if std::env::var("PROPUSK_SIZE").is_ok_and(|size| size == "long") { 1000 } else { 300 }
}

/// Direction one: for random keys, moments and parameters, what an authenticator shows by this library is what oathtool
/// shows.
#[test]
fn our_codes_are_those_of_oathtool() {
    let (seed, random) = random();
    for _ in 0..cases() {
        let (key, scheme) = (random_key(&random), Scheme::random(&random));
        // From 1970 to beyond the year 2200.
        let at = i64::try_from(random.below(1 << 33)).unwrap();
        let uri = format!(
            "otpauth://totp/x?secret={key}&algorithm={}&digits={}&period={}",
            scheme.algorithm.as_str(),
            scheme.digits,
            scheme.period
        );
        let ours = totp_code(&uri, Timestamp::from_millis(at * 1000)).unwrap();
        assert_eq!(ours, scheme.oathtool(&key, at), "{uri} at {at}, seed {seed}");
    }
    for _ in 0..cases() {
        let (key, digits, counter) = (random_key(&random), 6 + random.below(3), random_counter(&random));
        let token = Token::new(&bytes(&key), u8::try_from(digits).unwrap(), 0).unwrap();
        let ours = hotp_code(&token, counter);
        assert_eq!(ours, oathtool_hotp(&key, digits, counter), "{key} at {counter}, seed {seed}");
    }
    println!("counted: our TOTP codes are those of oathtool, seed {seed}, count {}", cases());
    println!("counted: our HOTP codes are those of oathtool, seed {seed}, count {}", cases());
}

/// Direction two: random keys, schemes and moments, from 2001 to about 2100: a code that oathtool makes for a
/// step signs in up to one step to either side of now, and once.
#[tokio::test]
async fn codes_of_oathtool_sign_in_once() {
    let (seed, random) = random();
    let (mut accepted, mut refused) = (0, 0);
    for person in 0..PEOPLE {
        let scheme = Scheme::random(&random);
        let house = House::new("Portal", seed * 1000 + person, scheme);
        let start = 1_000_000_000 + i64::try_from(random.below(2_900_000_000)).unwrap();
        house.clock.set(Timestamp::from_millis(start * 1000));
        let (_, next) = house.propose().await;
        let key = shown(&next)["key"].as_str().unwrap().replace(' ', "");
        house.confirm(&next, &scheme.oathtool(&key, house.seconds())).await;
        for _ in 0..cases() / PEOPLE {
            let ahead = u64::from(scheme.period) * 3000 + random.below(180 * 24 * 3600 * 1000);
            house.clock.advance(Duration::from_millis(ahead));
            let offset = i64::try_from(random.below(5)).unwrap() - 2;
            let code = scheme.oathtool(&key, house.seconds() + i64::from(scheme.period) * offset);
            let said = house.sign_in(Totp::code(&code)).await;
            if offset.abs() <= 1 {
                assert_eq!(said, "done", "{key} {scheme:?} at {} {offset:+}, seed {seed}", house.seconds());
                assert_eq!(house.sign_in(Totp::code(&code)).await, "replayed");
                accepted += 1;
            } else if said == "wrong" {
                let right = scheme.oathtool(&key, house.seconds());
                assert_eq!(house.sign_in(Totp::code(&right)).await, "done");
                refused += 1;
            } else {
                // One in a third of a million: the code of another step as well.
                assert_eq!(said, "done");
            }
        }
    }
    assert!(accepted > cases() / 2 && refused > cases() / 4);
    println!(
        "counted: TOTP codes of oathtool, {accepted} right and {refused} out of the window, seed {seed}, count {}",
        cases()
    );
}

/// The same for tokens with a button, by counters: within the look-ahead by one code, within a hundred by two in a row,
/// and none that was passed over.
#[tokio::test]
async fn counters_of_oathtool_sign_in_once() {
    let (seed, random) = random();
    let (mut one, mut two, mut refused) = (0, 0, 0);
    let house = House::new("Portal", seed, Scheme::COMMON);
    let account = register(&house.auth, &house.outbox, &house.visit, PHONE, Password::word(WORD)).await;
    let account = account.session.account();
    for _ in 0..PEOPLE {
        let (key, digits, mut next) = (random_key(&random), 6 + random.below(3), random_counter(&random));
        let token = Token::new(&bytes(&key), u8::try_from(digits).unwrap(), next).unwrap();
        Hotp::assign(&house.auth, account, &token, &Client::unknown()).await.unwrap();
        let code = |counter| oathtool_hotp(&key, digits, counter);
        for _ in 0..cases() / PEOPLE {
            house.clock.advance(Duration::from_secs(3600));
            let ahead = random.below(9);
            let said = house.sign_in(Hotp::code(&code(next + ahead))).await;
            if ahead <= 5 {
                assert_eq!(said, "done", "{key} at {next}+{ahead}, seed {seed}");
                next += ahead + 1;
                one += 1;
            } else if said == "wrong" {
                refused += 1;
                let further = next + ahead + random.below(90);
                let pair = Hotp::two_codes(&code(further), &code(further + 1));
                assert_eq!(house.sign_in(pair).await, "done", "{key} at {next} and {further}, seed {seed}");
                next = further + 2;
                two += 1;
            } else {
                // One in 150,000: the code of a counter in reach as well, and nobody knows which.
                assert_eq!(said, "done");
                break;
            }
            assert_eq!(house.sign_in(Hotp::code(&code(next - 1))).await, "replayed");
        }
    }
    assert!(one > cases() / 2 && two > cases() / 5 && refused > cases() / 5);
    println!(
        "counted: HOTP codes of oathtool, {one} by one and {two} by two in a row, {refused} too far, seed {seed}, count {}",
        cases()
    );
}

/// The picture says what the page says, and nothing but what is read from it makes oathtool's codes that confirm the
/// device and sign in: of sites and people with all that a label must not be confused by, of 4 KiB, and of every scheme.
#[tokio::test]
async fn the_picture_is_read_by_zbarimg() {
    let (_, random) = random();
    let label = "Ж".repeat(2048);
    for (site, scheme) in [
        ("Portal", Scheme::COMMON),
        ("Госуслуги: вход & выход?", Scheme { algorithm: Algorithm::Sha256, digits: 8, period: 60 }),
        (&label, Scheme { algorithm: Algorithm::Sha512, digits: 8, period: 300 }),
        ("%00&secret=AAAA#", Scheme::random(&random)),
    ] {
        let house = House::new(site, 1, scheme);
        let (mine, next) = house.propose().await;
        let offer = shown(&next);
        let read = scan(offer["qr"].as_str().unwrap());
        assert_eq!(read, offer["uri"].as_str().unwrap());
        let read = url::Url::parse(&read).unwrap();
        let query = |name: &str| {
            let mut all = read.query_pairs().filter(|(member, _)| member == name).map(|(_, value)| value);
            let first = all.next().map(|value| value.into_owned());
            assert_eq!(all.next(), None, "{name} once");
            first
        };
        assert_eq!((read.scheme(), read.host_str()), ("otpauth", Some("totp")));
        let issuer = query("issuer").unwrap();
        assert!(site.starts_with(&issuer) && issuer.len() >= site.len().min(60), "{issuer}");
        // As applications take what is not said.
        let read = Scheme {
            algorithm: match query("algorithm").as_deref() {
                None | Some("SHA1") => Algorithm::Sha1,
                Some("SHA256") => Algorithm::Sha256,
                Some("SHA512") => Algorithm::Sha512,
                Some(other) => panic!("{other}"),
            },
            digits: query("digits").map_or(6, |digits| digits.parse().unwrap()),
            period: query("period").map_or(30, |period| period.parse().unwrap()),
        };
        let key = query("secret").unwrap();
        house.confirm(&next, &read.oathtool(&key, house.seconds())).await;
        assert_eq!(house.auth.credentials(mine.session.account()).await.unwrap().len(), 2);
        house.clock.advance(Duration::from_secs(600));
        let code = read.oathtool(&key, house.seconds());
        assert_eq!(house.sign_in(Totp::code(&code)).await, "done", "{site:.40} {read:?}");
    }
}

/// A scheme as oathtool takes it.
#[derive(Clone, Copy, Debug)]
struct Scheme {
    algorithm: Algorithm,
    digits: u8,
    period: u32,
}

impl Scheme {
    const COMMON: Self = Self { algorithm: Algorithm::Sha1, digits: 6, period: 30 };

    fn random(random: &SeededEntropy) -> Self {
        let all = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512];
        Self {
            algorithm: all[usize::try_from(random.below(3)).unwrap()],
            digits: if random.below(2) == 0 { 6 } else { 8 },
            period: u32::try_from(15 + random.below(286)).unwrap(),
        }
    }

    fn oathtool(self, key: &str, at: i64) -> String {
        let (algorithm, Self { digits, period, .. }) = (self.algorithm.as_str(), self);
        run(Command::new("oathtool").args([
            &format!("--totp={algorithm}"),
            &format!("--digits={digits}"),
            &format!("--time-step-size={period}s"),
            "--base32",
            &format!("--now=@{at}"),
            key,
        ]))
    }
}

fn oathtool_hotp(key: &str, digits: u64, counter: u64) -> String {
    run(Command::new("oathtool").args([
        "--hotp",
        &format!("--digits={digits}"),
        &format!("--counter={counter}"),
        "--base32",
        key,
    ]))
}

fn random() -> (u64, SeededEntropy) {
    let seed = std::env::var("PROPUSK_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(6238);
    (seed, SeededEntropy::new(seed))
}

/// Base32 of 16 to 64 bytes.
fn random_key(random: &SeededEntropy) -> String {
    let mut key = vec![0; usize::try_from(16 + random.below(49)).unwrap()];
    random.fill(&mut key).unwrap();
    BASE32_NOPAD.encode(&key)
}

fn bytes(key: &str) -> Vec<u8> {
    BASE32_NOPAD.decode(key.as_bytes()).unwrap()
}

/// Of every size: below 1, below 2, below 4, ..
fn random_counter(random: &SeededEntropy) -> u64 {
    let bits = random.below(63);
    random.below(1 << bits)
}

struct House {
    auth: Auth,
    clock: Arc<FakeClock>,
    outbox: Outbox,
    visit: Visit,
}

impl House {
    fn new(site: &str, seed: u64, scheme: Scheme) -> Self {
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
            .factor(
                Totp::default()
                    .scheme(TotpScheme::new(scheme.algorithm, scheme.digits, scheme.period).unwrap()),
            )
            .factor(Hotp::default())
            .build()
            .unwrap();
        let visit = auth.visit(Client::unknown());
        Self { auth, clock, outbox, visit }
    }

    fn seconds(&self) -> i64 {
        self.clock.now().as_millis() / 1000
    }

    /// Registers somebody, up to the proposal of an authenticator.
    async fn propose(&self) -> (Box<Done>, Box<Next>) {
        let mine = register(&self.auth, &self.outbox, &self.visit, PHONE, Password::word(WORD)).await;
        let message = async || self.outbox.code(&self.auth).await;
        let next = propose(&self.visit, &mine.token, WORD, &Totp::NAME, message).await;
        (mine, next)
    }

    async fn confirm(&self, next: &Next, code: &str) {
        let _ = done(self.visit.answer(&next.flow, Totp::code(code)).await.unwrap());
    }

    async fn sign_in(&self, code: Answer) -> &'static str {
        let next = pending(self.visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
        match self.visit.answer(&next.flow, code).await.unwrap() {
            Step::Done(_) => "done",
            Step::Pending(_) => "pending",
            Step::Refused(why) => why.code.as_str(),
        }
    }
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
