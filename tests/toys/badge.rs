//! Badge. Held to a reader: its number says whose it is, its secret that it is no copy of the number alone. Nobody
//! types a name. Proves something held.

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::{
    Begun, Context, Credential, Enrol, EnrolPlugin, Enrolled, Factor, Found, Prompt, Reason, Verdict,
};
use crate::error::FactorError;
use crate::id::{CredentialId, FactorName};
use crate::proof::{Amr, Channel, Proves};
use crate::secret::{Secret, same};

/// The badge factor.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Badge {}

/// What is kept of a badge.
#[derive(Debug, Serialize, Deserialize)]
pub struct Kept {
    number: String,
    hash: Vec<u8>,
}

/// What a reader reads.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    number: String,
    secret: Secret,
}

impl Badge {
    /// Its name.
    pub const NAME: FactorName = FactorName::new("badge");
}

impl Factor for Badge {
    type Data = Kept;
    type State = ();
    type Answer = Read;

    fn name(&self) -> FactorName {
        Self::NAME
    }

    fn could_prove(&self, _: Option<&Kept>) -> Proves {
        PROVES
    }

    fn discoverable(&self) -> bool {
        true
    }

    async fn find(&self, _: &Context<'_>, (): (), read: &Read) -> Result<Option<Found<()>>, FactorError> {
        Ok(Some(Found { handle: read.number.clone().into_bytes(), state: () }))
    }

    async fn answer(
        &self,
        _: &Context<'_>,
        mine: &[Credential<Kept>],
        (): (),
        read: Read,
    ) -> Result<Verdict<Kept>, FactorError> {
        // Nobody's badge is compared too, with a hash that no secret has and under an id that is in no row.
        let badge = mine.iter().find(|badge| badge.data.number == read.number);
        let nobody = (CredentialId::from_bytes([0; 16]), [0; 32].as_slice());
        let (credential, kept) = badge.map_or(nobody, |badge| (badge.id, &badge.data.hash));
        Ok(match same(&hash(read.secret.expose()), kept) {
            true => Verdict::Accept { credential, proved: PROVES, change: None },
            false => Verdict::refuse(Reason::Wrong),
        })
    }

    fn enrolment(&self) -> Option<&dyn EnrolPlugin> {
        Some(self)
    }
}

impl Enrol for Badge {
    type Proposal = Kept;
    type Confirm = Read;

    // What to write on a blank badge.
    async fn propose(&self, cx: &Context<'_>, _: &[Credential<Kept>]) -> Result<Begun<Kept>, FactorError> {
        let mut random = [0; 24];
        cx.entropy().fill(&mut random)?;
        let (number, secret) = random.split_at(8);
        let hex = data_encoding::HEXLOWER;
        #[derive(Serialize)]
        struct Blank {
            number: String,
            secret: String,
        }
        let blank = Blank { number: hex.encode(number), secret: hex.encode(secret) };
        let prompt = Prompt::new(&blank)?;
        let hash = hash(blank.secret.as_bytes());
        Ok(Begun::Started { state: Kept { number: blank.number, hash }, prompt, deliver: None })
    }

    // The badge is held to the reader: what was written can be read.
    async fn confirm(
        &self,
        _: &Context<'_>,
        _: &[Credential<Kept>],
        kept: Kept,
        read: Read,
    ) -> Result<Enrolled<Kept>, FactorError> {
        let right = same(&hash(read.secret.expose()), &kept.hash);
        Ok(match right && read.number == kept.number {
            true => {
                Enrolled::Add { handles: vec![kept.number.clone().into_bytes()], data: kept, proved: PROVES }
            }
            false => Enrolled::Refuse(Reason::Wrong),
        })
    }
}

// 128 random bits need no slow hash.
fn hash(secret: &[u8]) -> Vec<u8> {
    digest(&SHA256, secret).as_ref().to_vec()
}

const PROVES: Proves = Proves::by(Channel::Device).possession().amr(Amr::Pop);

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::account::identifier::Identifier;
    use crate::clock::{Clock, Timestamp};
    use crate::flow::{Done, Next, Refusal};
    use crate::message::{Message, Sender, Sending, Sent};
    use crate::{Answer, Auth, Client, Code, KeyRing, MemoryStore, Password, Profile, Site, Step, Visit};

    const WORD: &str = "Лошадь батарея скрепка 7";

    #[derive(Clone, Debug, Default)]
    struct Outbox(Arc<Mutex<Vec<Message>>>);

    impl Sender for Outbox {
        fn takes(&self, _: &Identifier) -> bool {
            true
        }
        fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
            self.0.lock().unwrap().push(message.clone());
            Box::pin(async { Ok(Sent::Delivered) })
        }
    }

    // So that two refusals can be compared to the millisecond.
    #[derive(Clone, Copy, Debug)]
    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(1_000_000_000_000)
        }
    }

    fn portal() -> (Auth, Outbox) {
        let outbox = Outbox::default();
        let auth = Auth::builder(Profile::nist_aal1(), MemoryStore::default(), KeyRing::random())
            .site(Site::new("Portal", "https://portal.example"))
            .hashing(crate::danger::fast_hashing())
            .sender(outbox.clone())
            .clock(Noon)
            .factor(Password::default())
            .factor(Code::sms())
            .factor(Badge::default())
            .build()
            .unwrap();
        (auth, outbox)
    }

    fn pending(step: Step) -> Box<Next> {
        if let Step::Pending(next) = step { next } else { panic!("{step:?}") }
    }

    fn done(step: Step) -> Box<Done> {
        if let Step::Done(done) = step { done } else { panic!("{step:?}") }
    }

    fn refused(step: Step) -> Box<Refusal> {
        if let Step::Refused(why) = step { why } else { panic!("{step:?}") }
    }

    async fn register(auth: &Auth, outbox: &Outbox, visit: &Visit, phone: &str) -> Box<Done> {
        let next = pending(visit.sign_up(phone, "Иван Петров", "2026-01").await.unwrap());
        let _ = auth.tend(100).await.unwrap();
        let code = outbox.0.lock().unwrap().last().unwrap().param("code").unwrap().to_owned();
        let answer = Code::typed(next.begun.unwrap().0, &code);
        let next = pending(visit.answer(&next.flow, answer).await.unwrap());
        done(visit.answer(&next.flow, Password::word(WORD)).await.unwrap())
    }

    fn hold(number: &str, secret: &str) -> Answer {
        let read = serde_json::json!({ "number": number, "secret": secret });
        Answer::wire(Badge::NAME, read.to_string())
    }

    // Gives (number, secret) and the renewed session.
    async fn enrol(visit: &Visit, session: &Done) -> (String, String, Box<Done>) {
        let next = pending(visit.enrol(&session.token, Badge::NAME).await.unwrap());
        let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
        let next = pending(visit.begin(&next.flow, &Badge::NAME).await.unwrap());
        let blank: serde_json::Value = serde_json::from_str(next.begun.unwrap().1.as_json()).unwrap();
        let [number, secret] = ["number", "secret"].map(|name| blank[name].as_str().unwrap().to_owned());
        let why = refused(visit.answer(&next.flow, hold(&number, "torn")).await.unwrap());
        assert_eq!(why.code.as_str(), "wrong");
        let end = done(visit.answer(&next.flow, hold(&number, &secret)).await.unwrap());
        (number, secret, end)
    }

    #[tokio::test]
    async fn a_badge_signs_its_owner_in_and_nobody_types_a_name() {
        let (auth, outbox) = portal();
        let visit = auth.visit(Client::unknown());
        let owner = register(&auth, &outbox, &visit, "+79161234567").await;
        let (number, secret, owner) = enrol(&visit, &owner).await;

        let next = pending(visit.sign_in().unnamed().await.unwrap());
        assert_eq!(next.offers.iter().map(|offer| offer.factor.as_str()).collect::<Vec<_>>(), ["badge"]);
        let end = done(visit.answer(&next.flow, hold(&number, &secret)).await.unwrap());
        assert_eq!(end.session.account(), owner.session.account());
        assert_eq!(end.session.amr(), ["pop"]);
        // It is never a first step to a typed name: nobody learns who has one.
        let next = pending(visit.sign_in().start("+79161234567").await.unwrap());
        assert!(next.offers.iter().all(|offer| offer.factor != Badge::NAME));
    }

    #[tokio::test]
    async fn anothers_number_and_nobodys_number_are_refused_alike() {
        let (auth, outbox) = portal();
        let visit = auth.visit(Client::unknown());
        let ivan = register(&auth, &outbox, &visit, "+79161234567").await;
        let (number, secret, ivan) = enrol(&visit, &ivan).await;
        let anna = register(&auth, &outbox, &visit, "+79161234568").await;
        let (annas, _, _) = enrol(&visit, &anna).await;

        // Seven in a row: refused as often, held as soon and as long, whether the number is anybody's or not.
        let mut told = Vec::new();
        for tried in [annas.as_str(), "0123456789abcdef"] {
            let next = pending(visit.sign_in().unnamed().await.unwrap());
            let mut refusals = Vec::new();
            for _ in 0..7 {
                refusals.push(refused(visit.answer(&next.flow, hold(tried, &secret)).await.unwrap()));
            }
            told.push(refusals);
            // The same flow is not stuck to whom it was tried for.
            let end = done(visit.answer(&next.flow, hold(&number, &secret)).await.unwrap());
            assert_eq!(end.session.account(), ivan.session.account());
        }
        assert_eq!(told[0], told[1]);
        let codes: Vec<_> = told[0].iter().map(|why| why.code.as_str()).collect();
        assert_eq!(codes, ["wrong", "wrong", "wrong", "wrong", "wrong", "held", "held"]);
    }

    #[tokio::test]
    async fn two_badges_of_one_person_do_not_lend_each_other_their_secrets() {
        let (auth, outbox) = portal();
        let visit = auth.visit(Client::unknown());
        let owner = register(&auth, &outbox, &visit, "+79161234567").await;
        let (first, first_secret, owner) = enrol(&visit, &owner).await;
        let (second, second_secret, owner) = enrol(&visit, &owner).await;
        let next = pending(visit.sign_in().unnamed().await.unwrap());
        for (number, secret) in [(&first, &second_secret), (&second, &first_secret)] {
            let why = refused(visit.answer(&next.flow, hold(number, secret)).await.unwrap());
            assert_eq!(why.code.as_str(), "wrong");
        }
        done(visit.answer(&next.flow, hold(&second, &second_secret)).await.unwrap());

        auth.disable(owner.session.account(), &Client::unknown()).await.unwrap();
        let next = pending(visit.sign_in().unnamed().await.unwrap());
        let why = refused(visit.answer(&next.flow, hold(&first, &first_secret)).await.unwrap());
        assert_eq!(why.code.as_str(), "wrong");
    }
}
