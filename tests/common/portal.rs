//! A portal over any store, on a clock that stands still; what is sent lies in a list.
#![allow(dead_code, reason = "each test uses a part")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use propusk::account::identifier::Identifier;
use propusk::auth::Builder;
use propusk::clock::{Clock, Timestamp};
use propusk::error::FactorError;
use propusk::factor::{Context, Credential, Enrol, EnrolPlugin, Enrolled, Reason, Verdict};
use propusk::flow::{Done, Next, Refusal};
use propusk::hash::{HashPool, HashSettings};
use propusk::id::FactorName;
use propusk::message::{Message, Sender, Sending, Sent};
use propusk::proof::{Channel, Proves};
use propusk::secret::Key;
use propusk::store::{Store, Throttle};
use propusk::testing::FakeClock;
use propusk::{Answer, Auth, Client, Code, Factor, KeyRing, Password, Profile, Site, Step, Visit};
use serde::{Deserialize, Serialize};

pub(crate) const WORD: &str = "Лошадь батарея скрепка 7";
pub(crate) const NEW_WORD: &str = "Совсем другие слова 9";
pub(crate) const PHONE: &str = "+79161234567";
pub(crate) const ORIGIN: &str = "https://portal.example";
pub(crate) const EMAIL: &str = "ivan@example.org";

/// The clock's hands: one clock for all that is built over a store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hands(Arc<FakeClock>);

impl Hands {
    pub(crate) fn advance(&self, secs: u64) {
        self.advance_by(Duration::from_secs(secs));
    }

    pub(crate) fn advance_by(&self, span: Duration) {
        self.0.advance(span);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox(Arc<Mutex<Vec<Message>>>);

impl Sender for Outbox {
    fn takes(&self, _: &Identifier) -> bool {
        true
    }
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        self.0.lock().unwrap().push(message.clone());
        Box::pin(async { Ok(Sent::Delivered) })
    }
}

impl Outbox {
    /// Everything that was delivered so far.
    pub(crate) async fn all(&self, auth: &Auth) -> Vec<Message> {
        self.deliver(auth).await;
        self.0.lock().unwrap().clone()
    }

    pub(crate) async fn deliver(&self, auth: &Auth) {
        loop {
            let tended = auth.tend(100).await.unwrap();
            // A hundred codes that have died are a round, too, and no sign that nothing waits behind them.
            if tended.delivered + tended.given_up == 0 {
                break;
            }
        }
    }

    /// What was delivered so far is of no interest any more.
    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    /// The code that was sent last.
    pub(crate) async fn code(&self, auth: &Auth) -> String {
        let all = self.all(auth).await;
        all.iter().rev().find_map(|m| m.param("code").map(str::to_owned)).unwrap()
    }
}

/// The same keys at each call: another process, another node.
pub(crate) fn ring() -> KeyRing {
    let key = |from: u8| Key::from_bytes(&std::array::from_fn::<u8, 32, _>(|at| from + at as u8)).unwrap();
    KeyRing::new(key(1), key(101))
}

/// Hashes that cost nothing, one after the other.
pub(crate) fn cheap() -> HashSettings {
    let mut settings = propusk::danger::fast_hashing();
    settings.workers = 1;
    settings
}

pub(crate) fn portal<S: Store + Throttle + Clone>(store: &S, profile: Profile) -> Builder {
    Auth::builder(profile, store.clone(), ring())
        .site(Site::new("Portal", ORIGIN).objections_at("/auth/objection"))
        .throttle(store.clone())
        .hashing(cheap())
}

/// A client with an address, so that the network's throttle is passed, too.
pub(crate) fn somebody() -> Client {
    Client::unknown().from_address([192, 0, 2, 7].into())
}

pub(crate) fn pending(step: Step) -> Box<Next> {
    match step {
        Step::Pending(next) => next,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn done(step: Step) -> Box<Done> {
    match step {
        Step::Done(done) => done,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn refused(step: Step) -> Box<Refusal> {
    match step {
        Step::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

/// Registers by a contact; `secret` is the first credential.
pub(crate) async fn register(
    auth: &Auth,
    outbox: &Outbox,
    visit: &Visit,
    contact: &str,
    secret: Answer,
) -> Box<Done> {
    let next = pending(visit.sign_up(contact, "Иван Петров", "2026-01").await.unwrap());
    let (factor, _) = next.begun.clone().unwrap();
    let code = outbox.code(auth).await;
    let next = pending(visit.answer(&next.flow, Code::typed(factor, &code)).await.unwrap());
    done(visit.answer(&next.flow, secret).await.unwrap())
}

/// Everything that ships, and one factor of the application's own.
pub(crate) fn every_factor(builder: Builder) -> Builder {
    builder.factor(Password::default()).factor(Code::sms()).factor(Code::email()).factor(Pin)
}

/// An application's own factor: known, enrolled by its owner, and offered to names that nobody has.
#[derive(Debug)]
pub(crate) struct Pin;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Digits {
    pin: String,
}

impl Pin {
    pub(crate) const NAME: FactorName = FactorName::new("pin");
    pub(crate) const RIGHT: &str = "271828";
    const PROVES: Proves = Proves::by(Channel::Mind).knowledge().memorised();

    pub(crate) fn typed(pin: &str) -> Answer {
        Answer::wire(Self::NAME, serde_json::to_vec(&Digits { pin: pin.to_owned() }).unwrap())
    }
}

impl Factor for Pin {
    type Data = Digits;
    type State = ();
    type Answer = Digits;

    fn name(&self) -> FactorName {
        Self::NAME
    }

    fn could_prove(&self, _: Option<&Digits>) -> Proves {
        Self::PROVES
    }

    async fn answer(
        &self,
        _: &Context<'_>,
        mine: &[Credential<Digits>],
        (): (),
        answer: Digits,
    ) -> Result<Verdict<Digits>, FactorError> {
        Ok(match mine.iter().find(|one| one.data.pin == answer.pin) {
            Some(one) => Verdict::Accept { credential: one.id, proved: Self::PROVES, change: None },
            None => Verdict::refuse(Reason::Wrong),
        })
    }

    fn decoy(&self, _: &HashPool, seed: [u8; 32]) -> Option<Digits> {
        Some(Digits { pin: format!("{seed:?}") })
    }

    fn enrolment(&self) -> Option<&dyn EnrolPlugin> {
        Some(self)
    }
}

impl Enrol for Pin {
    type Proposal = ();
    type Confirm = Digits;

    async fn confirm(
        &self,
        _: &Context<'_>,
        _: &[Credential<Digits>],
        (): (),
        answer: Digits,
    ) -> Result<Enrolled<Digits>, FactorError> {
        Ok(Enrolled::Add { data: answer, handles: Vec::new(), proved: Self::PROVES })
    }
}
