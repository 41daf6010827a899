//! A factor of an application's own, written against the public API: a key fob that answers numbers.
//!
//! The site shows eight digits, the person types them into the fob, and the fob shows eight others: an HMAC under a
//! key that only the fob and the account know. One file like this one and one line `.factor(Fob {})` are all of it;
//! guards, replays, expiry, decoys, sealing and commits are the library's.
//!
//! `cargo run --example custom_factor`

use std::error::Error;
use std::sync::{Arc, Mutex};

use propusk::account::identifier::Identifier;
use propusk::error::FactorError;
use propusk::factor::{
    Begun, Context, Credential, Enrol, EnrolPlugin, Enrolled, Factor, Prompt, Reason, Verdict,
};
use propusk::flow::{Done, Next};
use propusk::id::FactorName;
use propusk::message::{Message, Sender, Sending, Sent};
use propusk::proof::{Amr, Channel, Proves};
use propusk::secret::{Secret, same};
use propusk::{Answer, Auth, Client, Code, KeyRing, MemoryStore, Password, Profile, Site, Step};
use ring::hmac;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The factor. Settings would stand here.
#[derive(Debug)]
struct Fob {}

/// What is kept of one fob. The library seals it; this only sees to it that no copy stays in memory.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Key([u8; 32]);

/// What is kept between the question and its answer, sealed in the flow. No client can ask for the numbers that it
/// has seen answered before.
#[derive(Serialize, Deserialize)]
struct Asked {
    digits: String,
}

/// What the client sends: `{"shown": "12345678"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    shown: Secret,
}

impl Factor for Fob {
    type Data = Key;
    type State = Asked;
    type Answer = Typed;

    fn name(&self) -> FactorName {
        FOB
    }

    // Policies read this, and AAL and amr are computed from it.
    fn could_prove(&self, _: Option<&Key>) -> Proves {
        PROVES
    }

    async fn begin(
        &self,
        cx: &Context<'_>,
        _: &[Credential<Key>],
        _: Option<Asked>,
    ) -> Result<Begun<Asked>, FactorError> {
        let mut random = [0; 8];
        cx.entropy().fill(&mut random)?;
        let digits = eight(&random);
        let prompt = Prompt::new(&Shown { digits: &digits })?;
        Ok(Begun::Started { state: Asked { digits }, prompt, deliver: None })
    }

    async fn answer(
        &self,
        _: &Context<'_>,
        mine: &[Credential<Key>],
        asked: Asked,
        typed: Typed,
    ) -> Result<Verdict<Key, Asked>, FactorError> {
        // `mine` are the account's fobs, freshly opened.
        let right =
            mine.iter().find(|fob| same(fob.data.shows(&asked.digits).as_bytes(), typed.shown.expose()));
        Ok(match right {
            Some(fob) => Verdict::Accept { credential: fob.id, proved: PROVES, change: None },
            None => Verdict::refuse(Reason::Wrong),
        })
    }

    // It can be enrolled by its owner: see below.
    fn enrolment(&self) -> Option<&dyn EnrolPlugin> {
        Some(self)
    }
}

impl Enrol for Fob {
    type Proposal = (Key, Asked);
    type Confirm = Typed;

    // A key to load into a new fob, and a first question, so that one sees whether it was loaded.
    async fn propose(
        &self,
        cx: &Context<'_>,
        _: &[Credential<Key>],
    ) -> Result<Begun<(Key, Asked)>, FactorError> {
        let mut key = Key([0; 32]);
        cx.entropy().fill(&mut key.0)?;
        let asked = Asked { digits: String::from("12345678") };
        let prompt = Prompt::new(&Loaded { key: key.0, digits: &asked.digits })?;
        Ok(Begun::Started { state: (key, asked), prompt, deliver: None })
    }

    async fn confirm(
        &self,
        _: &Context<'_>,
        _: &[Credential<Key>],
        (key, asked): (Key, Asked),
        typed: Typed,
    ) -> Result<Enrolled<Key>, FactorError> {
        Ok(match same(key.shows(&asked.digits).as_bytes(), typed.shown.expose()) {
            true => Enrolled::Add { data: key, handles: Vec::new(), proved: PROVES },
            false => Enrolled::Refuse(Reason::Wrong),
        })
    }
}

impl Key {
    /// What a fob with this key shows for these digits.
    fn shows(&self, digits: &str) -> String {
        eight(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.0), digits.as_bytes()).as_ref())
    }
}

/// Eight digits of these bytes.
fn eight(bytes: &[u8]) -> String {
    let number = bytes.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
    format!("{:08}", number % 100_000_000)
}

#[derive(Serialize)]
struct Shown<'a> {
    digits: &'a str,
}

#[derive(Serialize, Deserialize)]
struct Loaded<'a> {
    key: [u8; 32],
    digits: &'a str,
}

const FOB: FactorName = FactorName::new("fob");
const PROVES: Proves = Proves::by(Channel::Device).possession().replay_resistant().amr(Amr::Hwk);

// From here on: a person who uses it.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let post = Post::default();
    let auth = Auth::builder(Profile::public_portal(), MemoryStore::default(), KeyRing::random())
        .site(Site::new("Portal", "https://portal.example"))
        .sender(post.clone())
        .factor(Password::default())
        .factor(Code::sms())
        .factor(Fob {})
        .build()?;
    let visit = auth.visit(Client::unknown());

    let next = pending(visit.sign_up("+7 916 123-45-67", "Ivan", "terms of 2026").await?)?;
    let _ = auth.tend(10).await?;
    let next = pending(visit.answer(&next.flow, Code::typed(SMS, &post.code()?)).await?)?;
    let session = done(visit.answer(&next.flow, Password::word(WORD)).await?)?;
    println!("registered: {:?}", session.session.amr());

    let next = pending(visit.enrol(&session.token, FOB).await?)?;
    let next = pending(visit.answer(&next.flow, Password::word(WORD)).await?)?;
    let next = pending(visit.begin(&next.flow, &FOB).await?)?;
    let loaded: Loaded<'_> = serde_json::from_str(prompt(&next)?)?;
    let fob = Key(loaded.key);
    done(visit.answer(&next.flow, shown(&fob.shows(loaded.digits))).await?)?;
    println!("a fob is loaded and enrolled");

    let next = pending(visit.sign_in().with("+79161234567", Password::word(WORD)).await?)?;
    println!(
        "password taken; now one of {:?}",
        next.offers.iter().map(|o| o.factor.as_str()).collect::<Vec<_>>()
    );
    let next = pending(visit.begin(&next.flow, &FOB).await?)?;
    let asked: serde_json::Value = serde_json::from_str(prompt(&next)?)?;
    let digits = asked.get("digits").and_then(|digits| digits.as_str()).ok_or("no digits")?;
    println!("the site shows {digits}");
    if let Step::Refused(why) = visit.answer(&next.flow, shown("00000000")).await? {
        println!("a wrong answer: {}", why.code.as_str());
    }
    println!("the fob shows {}", fob.shows(digits));
    let session = done(visit.answer(&next.flow, shown(&fob.shows(digits))).await?)?;
    println!("signed in: {:?}, AAL {:?}", session.session.amr(), session.session.aal());
    if let Step::Refused(why) = visit.answer(&next.flow, shown(&fob.shows(digits))).await? {
        println!("the same answer again: {}", why.code.as_str());
    }
    Ok(())
}

fn shown(digits: &str) -> Answer {
    Answer::wire(FOB, serde_json::json!({ "shown": digits }).to_string())
}

fn pending(step: Step) -> Result<Box<Next>, Box<dyn Error>> {
    match step {
        Step::Pending(next) => Ok(next),
        other => Err(format!("{other:?}").into()),
    }
}

fn done(step: Step) -> Result<Box<Done>, Box<dyn Error>> {
    match step {
        Step::Done(done) => Ok(done),
        other => Err(format!("{other:?}").into()),
    }
}

fn prompt(next: &Next) -> Result<&str, Box<dyn Error>> {
    Ok(next.begun.as_ref().ok_or("nothing was begun")?.1.as_json())
}

/// Keeps what it is given. A real one would hand it to an SMS provider.
#[derive(Clone, Debug, Default)]
struct Post(Arc<Mutex<Vec<Message>>>);

impl Post {
    fn code(&self) -> Result<String, Box<dyn Error>> {
        let sent = self.0.lock().map_err(|_| "poisoned")?;
        Ok(sent.iter().rev().find_map(|message| message.param("code")).ok_or("no code was sent")?.to_owned())
    }
}

impl Sender for Post {
    fn takes(&self, _: &Identifier) -> bool {
        true
    }

    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        if let Ok(mut sent) = self.0.lock() {
            sent.push(message.clone());
        }
        Box::pin(async { Ok(Sent::Delivered) })
    }
}

const SMS: FactorName = FactorName::new("sms-code");
const WORD: &str = "Correct horse battery 9";
