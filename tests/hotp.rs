//! Tokens with a button, as their owners and their makers meet them: through the public API.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/portal.rs"]
mod portal;

use std::time::Duration;

use portal::{Hands, Outbox, PHONE, WORD, done, pending, portal, register};
use propusk::auth::import::{Import, ImportError, Imported, ImportedCredential};
use propusk::factor::hotp::Token;
use propusk::factor::totp::UriError;
use propusk::hash::StoredHash;
use propusk::{Answer, Auth, Client, Code, Hotp, MemoryStore, Password, Profile, Step, Totp};
use ring::hmac;

const KEY: &[u8] = b"12345678901234567890";

/// The code of a key at a counter: RFC 4226, section 5.3, written beside the library's.
fn code(key: &[u8], counter: u64, digits: u32) -> String {
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key), &counter.to_be_bytes());
    let mac = mac.as_ref();
    let at = usize::from(mac[19] & 15);
    let number = u32::from_be_bytes(mac[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:0width$}", number % 10_u32.pow(digits), width = digits as usize)
}

struct House {
    auth: Auth,
    hands: Hands,
    outbox: Outbox,
}

impl House {
    fn new() -> Self {
        let (hands, outbox) = (Hands::default(), Outbox::default());
        hands.advance(1_780_000_000);
        let mut profile = Profile::public_portal();
        profile.recipient_rate.uses = 1_000_000;
        let auth = portal(&MemoryStore::default(), profile)
            .clock(hands.clone())
            .sender(outbox.clone())
            .factor(Password::default())
            .factor(Code::sms())
            .factor(Hotp::default())
            .factor(Totp::default())
            .build()
            .unwrap();
        Self { auth, hands, outbox }
    }

    async fn person(&self, token: &Token) -> propusk::id::AccountId {
        let visit = self.auth.visit(Client::unknown());
        let mine = register(&self.auth, &self.outbox, &visit, PHONE, Password::word(WORD)).await;
        let account = mine.session.account();
        Hotp::assign(&self.auth, account, token, &Client::unknown()).await.unwrap();
        account
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

/// ATTACKS 1, 2, 6: each code once, none that was passed over, in whatever spelling.
#[tokio::test]
async fn each_code_of_a_token_is_good_once() {
    let house = House::new();
    house.person(&Token::new(KEY, 6, 0).unwrap()).await;
    let at = |counter| code(KEY, counter, 6);
    assert_eq!(house.told(Hotp::code(&at(0))).await, "done");
    assert_eq!(house.told(Hotp::code(&at(0))).await, "replayed");
    // Pressed for nothing: 1 and 2 are passed over, and gone.
    let spelled =
        at(3).chars().map(|sign| char::from_u32(sign as u32 - 0x30 + 0xff10).unwrap()).collect::<String>();
    assert_eq!(house.told(Hotp::code(&format!(" {spelled}"))).await, "done");
    for gone in 0..3 {
        assert_eq!(house.told(Hotp::code(&at(gone))).await, "wrong");
    }
    assert_eq!(house.told(Hotp::code(&at(3))).await, "replayed");
    // Five ahead of 4, as the documentation says, and no further.
    for far in [10, 104] {
        assert_eq!(house.told(Hotp::code(&at(far))).await, "wrong", "{far}");
    }
    for malformed in ["", "12345", "1234567", "12345a", "１２３４５"] {
        assert_eq!(house.told(Hotp::code(malformed)).await, "malformed", "{malformed:?}");
    }
    assert_eq!(house.told(Hotp::code(&at(9))).await, "done");
}

/// Section 7.4: one answer with two codes finds a token that has run ahead, and is counted as one guess.
#[tokio::test]
async fn two_codes_in_a_row_find_a_token_again() {
    let house = House::new();
    house.person(&Token::new(KEY, 8, 1000).unwrap()).await;
    let at = |counter| code(KEY, counter, 8);
    assert_eq!(house.told(Hotp::code(&at(1050))).await, "wrong");
    assert_eq!(house.told(Hotp::two_codes(&at(1051), &at(1050))).await, "wrong");
    assert_eq!(house.told(Hotp::two_codes(&at(1050), "1234")).await, "malformed");
    assert_eq!(house.told(Hotp::two_codes(&at(1050), &at(1051))).await, "done");
    assert_eq!(house.told(Hotp::two_codes(&at(1050), &at(1051))).await, "replayed");
    assert_eq!(house.told(Hotp::two_codes(&at(1049), &at(1051))).await, "wrong");
    assert_eq!(house.told(Hotp::code(&at(1051))).await, "replayed");
    assert_eq!(house.told(Hotp::code(&at(1052))).await, "done");
    let far = 1153;
    assert_eq!(house.told(Hotp::two_codes(&at(far), &at(far + 1))).await, "wrong");
}

/// An answer that finds nothing moves nothing, wherever it looked, and one that finds the token never moves it back.
#[tokio::test]
async fn resynchronisation_never_loses_the_counter() {
    let house = House::new();
    house.person(&Token::new(KEY, 6, 500).unwrap()).await;
    let at = |counter| code(KEY, counter, 6);
    for (one, two) in [(499, 500), (540, 542), (541, 540), (601, 602), (9000, 9001)] {
        assert_eq!(house.told(Hotp::two_codes(&at(one), &at(two))).await, "wrong", "{one} {two}");
    }
    assert_eq!(house.told(Hotp::code(&at(500))).await, "done", "it stands where it stood");
    assert_eq!(house.told(Hotp::two_codes(&at(599), &at(600))).await, "done");
    for (one, two) in [(500, 501), (598, 599)] {
        assert_eq!(house.told(Hotp::two_codes(&at(one), &at(two))).await, "wrong", "{one} {two}");
        assert_eq!(house.told(Hotp::code(&at(two))).await, "wrong", "{two}");
    }
    assert_eq!(house.told(Hotp::code(&at(601))).await, "done");
}

/// ATTACKS 1: a file of seeds that is read in a second time makes no used code good.
#[tokio::test]
async fn the_same_token_again_keeps_its_counter() {
    let house = House::new();
    let desk = Client::unknown();
    let account = house.person(&Token::new(KEY, 6, 0).unwrap()).await;
    let at = |counter| code(KEY, counter, 6);
    assert_eq!(house.told(Hotp::code(&at(3))).await, "done");
    Hotp::assign(&house.auth, account, &Token::new(KEY, 6, 0).unwrap(), &desk).await.unwrap();
    assert_eq!(house.told(Hotp::code(&at(3))).await, "replayed");
    for gone in 0..3 {
        assert_eq!(house.told(Hotp::code(&at(gone))).await, "wrong", "{gone}");
    }
    Hotp::assign(&house.auth, account, &Token::new(KEY, 8, 2).unwrap(), &desk).await.unwrap();
    house.hands.advance(3600);
    assert_eq!(house.told(Hotp::code(&code(KEY, 2, 8))).await, "wrong");
    assert_eq!(house.told(Hotp::code(&code(KEY, 4, 8))).await, "done");
    // The desk may know that it has gone further.
    Hotp::assign(&house.auth, account, &Token::new(KEY, 8, 70).unwrap(), &desk).await.unwrap();
    assert_eq!(house.told(Hotp::code(&code(KEY, 5, 8))).await, "wrong");
    assert_eq!(house.told(Hotp::code(&code(KEY, 70, 8))).await, "done");
}

/// One token is one credential: however many came in, the one that is handed out is the only one.
#[tokio::test]
async fn a_token_that_is_handed_out_is_the_only_one() {
    let house = House::new();
    let desk = Client::unknown();
    let (first, second) = (b"first key of 20 byte", b"second key of 20 byt");
    // Past `Hotp::imported`, which takes no second one.
    let row = |key| ImportedCredential::of(&Hotp::default(), &Token::new(key, 6, 0).unwrap()).unwrap();
    let import = Import::new("Ivan").unwrap().verified_contact(PHONE).unwrap();
    let import = import.credential(row(first)).unwrap().credential(row(second)).unwrap();
    let Imported::Made(account) = house.auth.import(&import, &desk).await.unwrap() else { panic!() };
    assert_eq!(house.auth.credentials(account).await.unwrap().len(), 2);
    Hotp::assign(&house.auth, account, &Token::new(KEY, 6, 0).unwrap(), &desk).await.unwrap();
    assert_eq!(house.auth.credentials(account).await.unwrap().len(), 1);
}

/// What an account may have once comes in once; of the rest no more than it may have.
#[test]
fn one_key_is_imported_once() {
    let import = || Import::new("Ivan").unwrap().identifier("ivan").unwrap();
    let now = propusk::clock::Timestamp::from_millis(1_780_000_000_000);
    let token = |key| Hotp::imported(&Token::new(key, 6, 0).unwrap()).unwrap();
    for second in [KEY, b"another key of twenty b"] {
        let two = import().credential(token(KEY)).unwrap().credential(token(second));
        assert_eq!(two.unwrap_err(), ImportError::OfOneFactor { at: 2, most: 1 });
    }
    let device = |secret: &str| Totp::imported(&format!("otpauth://totp/x?{secret}"), now).unwrap();
    let first = || import().credential(device("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")).unwrap();
    for same in [
        "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
        "secret=gezd%20gnbv%20gy3t%20qojq%20gezd%20gnbv%20gy3t%20qojq",
        "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&digits=8&period=60&algorithm=SHA256",
    ] {
        assert_eq!(first().credential(device(same)).unwrap_err(), ImportError::SameKey { at: 2 }, "{same}");
    }
    let mut many = first();
    for nth in 2..=5_u8 {
        many = many
            .credential(device(&format!("secret={}", data_encoding::BASE32_NOPAD.encode(&[nth; 20]))))
            .unwrap();
    }
    let sixth = device(&format!("secret={}", data_encoding::BASE32_NOPAD.encode(&[6; 20])));
    assert_eq!(many.credential(sixth).unwrap_err(), ImportError::OfOneFactor { at: 6, most: 5 });
    let hash = || {
        StoredHash::parse("$argon2id$v=19$m=19456,t=2,p=1$MTIzNDU2Nzg5MDEyMzQ1Ng$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI").unwrap()
    };
    let two = import().credential(Password::imported(hash()).unwrap()).unwrap();
    let two = two.credential(Password::imported_since(hash(), now).unwrap());
    assert_eq!(two.unwrap_err(), ImportError::OfOneFactor { at: 2, most: 1 });
}

/// A second token takes the place of the first, ends what it opened, and the owner is told.
#[tokio::test]
async fn a_token_that_is_handed_out_replaces_the_one_before() {
    let house = House::new();
    let account = house.person(&Token::new(KEY, 6, 0).unwrap()).await;
    let visit = house.auth.visit(Client::unknown());
    let next = pending(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
    let mine = done(visit.answer(&next.flow, Hotp::code(&code(KEY, 0, 6))).await.unwrap());
    let open = pending(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
    let other = b"another key of twenty b";
    Hotp::assign(&house.auth, account, &Token::new(other, 6, 7).unwrap(), &Client::unknown()).await.unwrap();
    assert!(house.auth.session(&mine.token).await.unwrap().is_none(), "what the lost one opened has ended");
    let late = visit.answer(&open.flow, Hotp::code(&code(KEY, 1, 6))).await.unwrap();
    assert!(matches!(late, Step::Refused(_)), "{late:?}");
    assert_eq!(house.told(Hotp::code(&code(KEY, 1, 6))).await, "wrong");
    assert_eq!(house.told(Hotp::code(&code(other, 7, 6))).await, "done");
    let letters = house.outbox.all(&house.auth).await;
    let told = letters.iter().filter(|letter| letter.template.as_str() == "credential-added").count();
    assert_eq!(told, 2, "the owner is told of each");
}

/// Guesses are counted as anywhere, whichever form they have.
#[tokio::test]
async fn guesses_at_a_token_end_in_a_hold() {
    let house = House::new();
    house.person(&Token::new(KEY, 6, 0).unwrap()).await;
    let right: Vec<_> = (0..200).map(|counter| code(KEY, counter, 6)).collect();
    let wrong = (0..).map(|n| format!("{n:06}")).find(|guess| !right.contains(guess)).unwrap();
    let mut said = Vec::new();
    for n in 0..7 {
        let guess = if n % 2 == 0 { Hotp::code(&wrong) } else { Hotp::two_codes(&wrong, &wrong) };
        said.push(house.told(guess).await);
    }
    assert_eq!(said.last(), Some(&"held"), "{said:?}");
    assert_eq!(house.told(Hotp::code(&code(KEY, 0, 6))).await, "held");
    house.hands.advance(3600);
    assert_eq!(house.told(Hotp::code(&code(KEY, 0, 6))).await, "done");
}

/// Devices of another system: a token and an authenticator that come in with the account.
#[tokio::test]
async fn devices_of_another_system_come_in_with_the_account() {
    let house = House::new();
    let now = house.auth.now();
    let step = now.as_millis().div_euclid(60_000);
    let uri = "otpauth://totp/Old:ivan?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Old&digits=8&period=60";
    let account = Import::new("Ivan")
        .and_then(|import| import.verified_contact(PHONE))
        .and_then(|import| import.credential(Hotp::imported(&Token::new(KEY, 6, 41).unwrap()).unwrap()))
        .and_then(|import| import.credential(Totp::imported(uri, now).unwrap()))
        .unwrap();
    let Imported::Made(account) = house.auth.import(&account, &Client::unknown()).await.unwrap() else {
        panic!()
    };
    // It came without a password: the service desk gives one.
    let desk = Client::unknown();
    let issued = Password::issue_temporary(&house.auth, account, Duration::from_secs(3600), &desk);
    let propusk::factor::password::due::Issued::Password(word) = issued.await.unwrap() else { panic!() };
    let visit = house.auth.visit(Client::unknown());
    let word = word.expose_str().unwrap();
    let sign_in = async |answer: Answer| {
        let next = pending(visit.sign_in().with(PHONE, Password::word(word)).await.unwrap());
        match visit.answer(&next.flow, answer).await.unwrap() {
            Step::Refused(why) => why.code.as_str(),
            // A temporary password has to be replaced before there is a session.
            Step::Pending(next) => next.due.map_or("pending", |_| "due"),
            Step::Done(_) => "done",
        }
    };
    assert_eq!(sign_in(Hotp::code(&code(KEY, 40, 6))).await, "wrong");
    assert_eq!(sign_in(Hotp::code(&code(KEY, 41, 6))).await, "due");
    // What may have been used before the move is not good after it.
    let totp = |step: i64| Totp::code(&code(KEY, u64::try_from(step).unwrap(), 8));
    assert_eq!(sign_in(totp(step)).await, "wrong");
    // A step of drift was allowed there too.
    assert_eq!(sign_in(totp(step + 1)).await, "wrong");
    house.hands.advance(60);
    assert_eq!(sign_in(totp(step)).await, "wrong");
    assert_eq!(sign_in(totp(step + 1)).await, "wrong");
    assert_eq!(sign_in(totp(step + 2)).await, "due");
    assert_eq!(Totp::imported("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ", now).err(), Some(UriError::Key));
}
