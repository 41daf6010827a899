//! Authenticators and backup codes through the public API: how they come to be, what they prove, when they are refused.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/otp.rs"]
mod otp;
#[path = "common/portal.rs"]
mod portal;

use otp::{add_codes, add_totp, no_code, propose, proven, shown, step, totp};
use portal::{Hands, Outbox, PHONE, WORD, done, pending, refused, register};
use propusk::clock::Clock;
use propusk::flow::{Done, Next};
use propusk::id::FactorName;
use propusk::proof::Aal;
use propusk::testing::SeededEntropy;
use propusk::{
    Answer, Auth, BackupCodes, Client, Code, MemoryStore, Password, Profile, Step, Token, Totp, Visit,
};

const SMS: FactorName = FactorName::new("sms-code");

struct House {
    auth: Auth,
    hands: Hands,
    outbox: Outbox,
    visit: Visit,
}

impl House {
    fn new(mut profile: Profile) -> Self {
        profile.recipient_rate.uses = 1000;
        let (hands, outbox) = (Hands::default(), Outbox::default());
        let auth = portal::portal(&MemoryStore::default(), profile)
            .clock(hands.clone())
            .sender(outbox.clone())
            .factor(Password::default())
            .factor(Totp::default())
            .factor(Code::sms())
            .factor(BackupCodes::default())
            .build()
            .unwrap();
        let visit = auth.visit(Client::unknown());
        Self { auth, hands, outbox, visit }
    }

    async fn person(&self, phone: &str) -> Box<Done> {
        register(&self.auth, &self.outbox, &self.visit, phone, Password::word(WORD)).await
    }

    async fn propose(&self, session: &Token, factor: &FactorName) -> Box<Next> {
        propose(&self.visit, session, WORD, factor, async || self.outbox.code(&self.auth).await).await
    }

    async fn device(&self, session: &Token) -> (String, Box<Done>) {
        let message = async || self.outbox.code(&self.auth).await;
        add_totp(&self.visit, session, WORD, self.hands.now(), message).await
    }

    async fn codes(&self, session: &Token) -> (Vec<String>, Box<Done>) {
        add_codes(&self.visit, session, WORD, async || self.outbox.code(&self.auth).await).await
    }

    fn step(&self) -> i64 {
        step(self.hands.now())
    }

    async fn half_way(&self, phone: &str) -> Box<Next> {
        pending(self.visit.sign_in().with(phone, Password::word(WORD)).await.unwrap())
    }

    /// What may be the second step.
    async fn ways(&self, phone: &str) -> Vec<String> {
        names(&*self.half_way(phone).await).into_iter().map(str::to_owned).collect()
    }

    async fn second(&self, phone: &str, answer: Answer) -> Step {
        self.visit.answer(&self.half_way(phone).await.flow, answer).await.unwrap()
    }
}

fn said(step: Step) -> &'static str {
    match step {
        Step::Done(_) => "done",
        Step::Pending(_) => "pending",
        Step::Refused(why) => why.code.as_str(),
    }
}

fn names(next: &Next) -> Vec<&str> {
    next.offers.iter().map(|offer| offer.factor.as_str()).collect()
}

/// NIST SP 800-63B-4 section 2.2: a password and an authenticator are AAL2. It is offered to who has one, after the
/// first proof, and to nobody else.
#[tokio::test]
async fn a_password_and_an_authenticator_reach_aal2() {
    let house = House::new(Profile::public_portal());
    let mine = house.person(PHONE).await;
    let _ = house.person("+79160000001").await;
    let (key, end) = house.device(&mine.token).await;
    assert!(
        house.auth.session(&mine.token).await.unwrap().is_none(),
        "the session goes on under another token"
    );
    assert!(house.auth.session(&end.token).await.unwrap().is_some());

    for name in [PHONE, "+79160000001", "+79169999999"] {
        let next = pending(house.visit.sign_in().start(name).await.unwrap());
        assert_eq!(names(&next), ["password", "sms-code"], "nobody learns from a name what its owner has");
        let code = Totp::code(&totp(&key, house.step() + 1));
        assert_eq!(said(house.visit.answer(&next.flow, code).await.unwrap()), "not_offered");
    }
    assert_eq!(house.ways("+79160000001").await, ["sms-code"]);
    let next = house.half_way(PHONE).await;
    assert_eq!(names(&next), ["totp", "sms-code"]);
    let end = house.visit.answer(&next.flow, Totp::code(&totp(&key, house.step() + 1))).await.unwrap();
    let session = done(end).session;
    assert_eq!((session.aal(), session.amr()), (Aal::Two, vec!["pwd", "otp", "mfa"]));
}

/// The QR code and the typed key are the same 160 bits of this site and person (ATTACKS 17), and count for nothing
/// until a current code was seen.
#[tokio::test]
async fn an_authenticator_counts_once_its_code_was_seen() {
    let house = House::new(Profile::public_portal());
    let mine = house.person(PHONE).await;
    let next = house.propose(&mine.token, &Totp::NAME).await;
    let offer = shown(&next);
    let key = offer["key"].as_str().unwrap();
    assert_eq!(data_encoding::BASE32_NOPAD.decode(key.replace(' ', "").as_bytes()).unwrap().len(), 20);
    assert!(key.split(' ').all(|group| group.len() == 4));
    let uri = format!("otpauth://totp/Portal:%2B79161234567?secret={}&issuer=Portal", key.replace(' ', ""));
    assert_eq!(offer["uri"], uri.as_str());
    assert!(offer["qr"].as_str().unwrap().starts_with("<svg"));
    assert_eq!((&offer["digits"], &offer["period"]), (&6.into(), &30.into()));

    let answer = async |code: &str| said(house.visit.answer(&next.flow, Totp::code(code)).await.unwrap());
    assert_eq!(answer(&no_code(key, house.hands.now())).await, "wrong");
    assert_eq!(answer("12345").await, "malformed");
    assert_eq!(house.ways(PHONE).await, ["sms-code"]);
    assert!(
        !house.auth.credentials(mine.session.account()).await.unwrap().iter().any(|c| c.factor == Totp::NAME)
    );
    assert_eq!(answer(&totp(key, house.step() - 1)).await, "done");
    assert_eq!(house.ways(PHONE).await, ["totp", "sms-code"]);
    // Its own code is the first that was used; the one before it is gone with it.
    assert_eq!(said(house.second(PHONE, Totp::code(&totp(key, house.step() - 1))).await), "replayed");
    assert_eq!(said(house.second(PHONE, Totp::code(&totp(key, house.step()))).await), "done");
}

/// A proposal is of no use in another flow: its key is not the next one's.
#[tokio::test]
async fn each_proposal_has_a_key_of_its_own() {
    let house = House::new(Profile::nist_aal1());
    let mine = house.person(PHONE).await;
    let first = house.propose(&mine.token, &Totp::NAME).await;
    let second = house.propose(&mine.token, &Totp::NAME).await;
    let (one, two) = (shown(&first)["key"].clone(), shown(&second)["key"].clone());
    assert_ne!(one, two);
    let code = Totp::code(&totp(one.as_str().unwrap(), house.step()));
    assert_eq!(said(house.visit.answer(&second.flow, code).await.unwrap()), "wrong");
    // Asked for again in the same flow, the new key is in place of the old.
    let again = pending(house.visit.begin(&first.flow, &Totp::NAME).await.unwrap());
    let three = shown(&again)["key"].clone();
    let code = |key: &serde_json::Value| Totp::code(&totp(key.as_str().unwrap(), house.step()));
    assert_eq!(said(house.visit.answer(&again.flow, code(&one)).await.unwrap()), "wrong");
    assert_eq!(said(house.visit.answer(&again.flow, code(&three)).await.unwrap()), "done");
}

/// Several devices: each has its own last step, and each of their codes is good once.
#[tokio::test]
async fn every_device_is_good_on_its_own() {
    let house = House::new(Profile::public_portal());
    let mut session = house.person(PHONE).await;
    let mut keys = Vec::new();
    for _ in 0..5 {
        let (key, end) = house.device(&session.token).await;
        keys.push(key);
        session = end;
    }
    let account = session.session.account();
    let held = house.auth.credentials(account).await.unwrap();
    assert_eq!(held.iter().filter(|one| one.factor == Totp::NAME).count(), 5);
    house.hands.advance(30);
    for key in &keys {
        assert_eq!(said(house.second(PHONE, Totp::code(&totp(key, house.step()))).await), "done");
        assert_eq!(said(house.second(PHONE, Totp::code(&totp(key, house.step()))).await), "replayed");
    }
    // Each is three more codes that a guess may hit: there is an end.
    let next = pending(house.visit.enrol(&session.token, Totp::NAME).await.unwrap());
    let next = pending(house.visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    let code = Totp::code(&totp(&keys[0], house.step() + 1));
    let next = pending(house.visit.answer(&next.flow, code).await.unwrap());
    assert_eq!(said(house.visit.begin(&next.flow, &Totp::NAME).await.unwrap()), "not_offered");
}

/// ATTACKS 3 (CVE-2025-6014, CVE-2025-55000, CVE-2025-55003): all spellings of a code are one code, once.
#[tokio::test]
async fn every_spelling_of_a_code_is_that_code() {
    let house = House::new(Profile::public_portal());
    let mine = house.person(PHONE).await;
    let (key, _) = house.device(&mine.token).await;
    let spellings: [fn(&str) -> String; 6] = [
        |code| code.to_owned(),
        |code| format!(" {code} "),
        |code| format!("{} {}", &code[..3], &code[3..]),
        |code| format!("{}-{}", &code[..3], &code[3..]),
        |code| code.chars().map(|digit| char::from_u32(digit as u32 - 0x30 + 0xff10).unwrap()).collect(),
        |code| format!("{}\u{a0}{}", &code[..2], &code[2..]),
    ];
    for (at, accepted) in spellings.iter().enumerate() {
        house.hands.advance(30);
        let code = totp(&key, house.step());
        assert_eq!(said(house.second(PHONE, Totp::code(&accepted(&code))).await), "done", "{at}");
        for spelling in &spellings {
            assert_eq!(said(house.second(PHONE, Totp::code(&spelling(&code))).await), "replayed");
        }
    }
    for typed in ["", "12345", "1234567", "12345a", "+12345", "١٢٣٤٥٦", &"1".repeat(4000)] {
        assert_eq!(said(house.second(PHONE, Totp::code(typed)).await), "malformed", "{typed:?}");
    }
}

/// ASVS 6.5.1, 6.5.2, 6.6.3: who knows the password guesses codes: five are told wrong, the sixth begins a hold, and
/// a code for another time, used or passed over, is no better than a guess.
#[tokio::test]
async fn guessed_codes_are_counted() {
    let house = House::new(Profile::public_portal());
    let mine = house.person(PHONE).await;
    let (key, _) = house.device(&mine.token).await;
    house.hands.advance(300);
    let good = house.step() + 1;
    assert_eq!(said(house.second(PHONE, Totp::code(&totp(&key, good))).await), "done");
    // Right a moment ago, never used, passed over: told apart from a guess by nothing.
    for offset in [-3, -2, -1] {
        assert_eq!(said(house.second(PHONE, Totp::code(&totp(&key, good + offset))).await), "wrong");
    }
    for _ in 0..2 {
        assert_eq!(said(house.second(PHONE, Totp::code(&no_code(&key, house.hands.now()))).await), "wrong");
    }
    // A replay costs nothing and gives nothing back.
    assert_eq!(said(house.second(PHONE, Totp::code(&totp(&key, good))).await), "replayed");
    assert_eq!(said(house.second(PHONE, Totp::code(&no_code(&key, house.hands.now()))).await), "held");
    house.hands.advance(30);
    assert_eq!(said(house.second(PHONE, Totp::code(&totp(&key, good + 1))).await), "held");
    // The other ways in are not held by it.
    let next = house.half_way(PHONE).await;
    let _ = pending(house.visit.begin(&next.flow, &SMS).await.unwrap());
    let code = Code::typed(SMS, &house.outbox.code(&house.auth).await);
    assert_eq!(said(house.visit.answer(&next.flow, code).await.unwrap()), "done");
    house.hands.advance(300);
    assert_eq!(said(house.second(PHONE, Totp::code(&totp(&key, house.step()))).await), "done");
}

/// Ten codes, each good once, in any spelling; a typing error is no guess; one Argon2id a try, whatever is typed.
#[tokio::test]
async fn each_backup_code_is_good_once() {
    let house = House::new(Profile::public_portal());
    let mine = house.person(PHONE).await;
    let hashed = house.auth.hashes().computed();
    let (codes, end) = house.codes(&mine.token).await;
    // The password, and a hash for each code.
    assert_eq!((codes.len(), house.auth.hashes().computed() - hashed), (10, 11));
    let account = end.session.account();
    let left = async || BackupCodes::left(&house.auth, account).await.unwrap();
    assert_eq!(left().await, Some(10));
    for (used, code) in codes.iter().enumerate() {
        let hashed = house.auth.hashes().computed();
        let typed = code.to_lowercase().replace('-', " ");
        let session = done(house.second(PHONE, BackupCodes::code(&typed)).await).session;
        assert_eq!((session.aal(), session.amr()), (Aal::Two, vec!["pwd", "otp", "mfa"]));
        assert_eq!(house.auth.hashes().computed() - hashed, 2, "the password, and one");
        assert_eq!(left().await, Some(9 - used));
        // The owner hears of each use, and from three on that they run out.
        let sent = house.outbox.all(&house.auth).await;
        let told = sent.iter().rev().find(|one| one.template.as_str().starts_with("backup-code")).unwrap();
        let template = if used < 6 { "backup-code-used" } else { "backup-codes-few" };
        assert_eq!(
            (told.template.as_str(), told.param("left")),
            (template, Some((9 - used).to_string().as_str())),
        );
        assert_eq!(
            sent.iter().filter(|one| one.template.as_str().starts_with("backup-code")).count(),
            used + 1
        );
        if used < 9 {
            let hashed = house.auth.hashes().computed();
            assert_eq!(said(house.second(PHONE, BackupCodes::code(code)).await), "replayed");
            assert_eq!(house.auth.hashes().computed() - hashed, 2);
        }
    }
    // A list that is used up is offered no more, and shown as of no use.
    assert_eq!(house.ways(PHONE).await, ["sms-code"]);
    assert_eq!(said(house.second(PHONE, BackupCodes::code(&codes[9])).await), "not_offered");
    let held = house.auth.credentials(account).await.unwrap();
    assert!(!held.iter().find(|one| one.factor == BackupCodes::NAME).unwrap().proves.is_factor());
}

/// What is well-formed and wrong costs one Argon2id and is counted, of whatever place in the set it claims to be; what
/// is malformed costs none and is not.
#[tokio::test]
async fn a_guess_costs_one_hash_and_a_typing_error_none() {
    let house = House::new(Profile::public_portal());
    let (mine, other) = (house.person(PHONE).await, house.person("+79160000001").await);
    let (codes, _) = house.codes(&mine.token).await;
    // Well-formed codes of nobody here: another person's sets.
    let (theirs, end) = house.codes(&other.token).await;
    let (more, _) = house.codes(&end.token).await;
    let mut wrong: Vec<_> = theirs.into_iter().chain(more).collect();
    for (at, guess) in wrong.drain(..).enumerate() {
        let hashed = house.auth.hashes().computed();
        assert_eq!(said(house.second(PHONE, BackupCodes::code(&guess)).await), "wrong");
        assert_eq!(house.auth.hashes().computed() - hashed, 2);
        // One sign off is no guess, and there are as many as one likes.
        let sign = if codes[at % 10].ends_with('0') { '1' } else { '0' };
        let typing = format!("{}{sign}", &codes[at % 10][..16]);
        let hashed = house.auth.hashes().computed();
        assert_eq!(said(house.second(PHONE, BackupCodes::code(&typing)).await), "malformed");
        assert_eq!(house.auth.hashes().computed() - hashed, 1);
        if at % 5 == 4 {
            let code = BackupCodes::code(&codes[at / 5]);
            assert_eq!(said(house.second(PHONE, code).await), "done");
        }
    }
}

/// A new set is in place of the old, once its owner says that they have it; all other sessions end.
#[tokio::test]
async fn a_new_set_kills_the_old() {
    let house = House::new(Profile::public_portal());
    let mine = house.person(PHONE).await;
    let (old, end) = house.codes(&mine.token).await;
    let elsewhere = done(house.second(PHONE, BackupCodes::code(&old[0])).await);
    // A set that was proposed and not taken changes nothing.
    let next = house.propose(&end.token, &BackupCodes::NAME).await;
    let proposed: Vec<String> = serde_json::from_value(shown(&next)["codes"].clone()).unwrap();
    assert_eq!(said(house.second(PHONE, BackupCodes::code(&proposed[1])).await), "wrong");
    assert_eq!(said(house.second(PHONE, BackupCodes::code(&old[1])).await), "done");
    for not_saved in [r#"{"saved":false}"#, r#"{"saved":1}"#, "{}", r#"{"saved":true,"more":1}"#] {
        let answer = Answer::wire(BackupCodes::NAME, not_saved);
        assert_eq!(said(house.visit.answer(&next.flow, answer).await.unwrap()), "malformed", "{not_saved}");
    }
    let end = done(house.visit.answer(&next.flow, BackupCodes::saved()).await.unwrap());
    assert!(house.auth.session(&elsewhere.token).await.unwrap().is_none());
    assert!(house.auth.session(&end.token).await.unwrap().is_some());
    assert_eq!(said(house.second(PHONE, BackupCodes::code(&old[2])).await), "wrong");
    assert_eq!(said(house.second(PHONE, BackupCodes::code(&proposed[2])).await), "done");
    assert_eq!(BackupCodes::left(&house.auth, end.session.account()).await.unwrap(), Some(9));
}

/// A set of backup codes beside an authenticator is still one kind of thing: something held (NIST section 2.2).
#[tokio::test]
async fn an_authenticator_and_a_backup_code_are_not_two_factors() {
    let mut profile = Profile::public_portal();
    profile.sign_in = propusk::policy::Requirement::aal(Aal::Two);
    let house = House::new(profile);
    let mine = house.person(PHONE).await;
    let (_, end) = house.device(&mine.token).await;
    let (codes, _) = house.codes(&end.token).await;
    let next = pending(house.visit.sign_in().start(PHONE).await.unwrap());
    let _ = pending(house.visit.begin(&next.flow, &SMS).await.unwrap());
    let code = Code::typed(SMS, &house.outbox.code(&house.auth).await);
    let next = pending(house.visit.answer(&next.flow, code).await.unwrap());
    assert_eq!(names(&next), ["password"], "what is held does not add to what is held");
    assert_eq!(
        said(house.visit.answer(&next.flow, BackupCodes::code(&codes[0])).await.unwrap()),
        "not_offered"
    );
    assert_eq!(said(house.visit.answer(&next.flow, Password::word(WORD)).await.unwrap()), "done");
}

/// Sixteen codes where sixteen are asked for; a pool that is full is told so, and nothing is half made.
#[tokio::test]
async fn a_full_pool_makes_no_half_a_set() {
    let (hands, outbox, store) = (Hands::default(), Outbox::default(), MemoryStore::default());
    let build = |queue: usize| {
        let mut hashing = portal::cheap();
        hashing.queue = queue;
        portal::portal(&store, Profile::nist_aal1())
            .clock(hands.clone())
            .sender(outbox.clone())
            .hashing(hashing)
            .entropy(SeededEntropy::new(7 + queue as u64))
            .factor(Password::default())
            .factor(Code::sms())
            .factor(BackupCodes::of(16).unwrap())
            .build()
            .unwrap()
    };
    let (auth, full) = (build(8), build(0));
    let visit = auth.visit(Client::unknown());
    let mine = register(&auth, &outbox, &visit, PHONE, Password::word(WORD)).await;
    let message = async || outbox.code(&auth).await;
    let next = proven(&visit, &mine.token, WORD, &BackupCodes::NAME, message).await;
    let busy = refused(full.visit(Client::unknown()).begin(&next.flow, &BackupCodes::NAME).await.unwrap());
    assert!(busy.retry_after.is_some());
    let next = pending(visit.begin(&next.flow, &BackupCodes::NAME).await.unwrap());
    assert_eq!(shown(&next)["codes"].as_array().unwrap().len(), 16);
    let _ = done(visit.answer(&next.flow, BackupCodes::saved()).await.unwrap());
    assert_eq!(BackupCodes::left(&auth, mine.session.account()).await.unwrap(), Some(16));
}

/// What an account has can be read by its application; nothing of a secret is in it.
#[tokio::test]
async fn credentials_are_listed_without_their_secrets() {
    let house = House::new(Profile::public_portal());
    let mine = house.person(PHONE).await;
    house.hands.advance(60);
    let (key, end) = house.device(&mine.token).await;
    let (codes, _) = house.codes(&end.token).await;
    let held = house.auth.credentials(mine.session.account()).await.unwrap();
    let listed: Vec<_> = held.iter().map(|one| one.factor.as_str()).collect();
    assert_eq!(listed, ["password", "totp", "backup-code"]);
    assert_eq!(held[1].created.since(held[0].created).as_secs(), 60);
    let told = format!("{held:?}");
    assert!(!told.contains(&key) && codes.iter().all(|code| !told.contains(code)));
    let can: Vec<_> = house.auth.enrolments().map(FactorName::as_str).collect();
    assert_eq!(can, ["password", "totp", "backup-code"]);
    let nobody = propusk::id::AccountId::from_bytes([7; 16]);
    assert!(house.auth.credentials(nobody).await.unwrap().is_empty());
    assert_eq!(BackupCodes::left(&house.auth, nobody).await.unwrap(), None);
}
