//! Cards. A pack of ten codes on paper, one credential; each card is good for one proof. Proves something held.

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Begun, Context, Credential, Enrol, EnrolPlugin, Enrolled, Factor, Prompt, Reason, Verdict};
use crate::error::FactorError;
use crate::id::FactorName;
use crate::proof::{Amr, Channel, Proves};
use crate::secret::{Secret, same};

/// The cards factor.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Cards {}

/// What is kept of a pack.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pack {
    cards: Vec<Card>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Card {
    hash: Vec<u8>,
    played: bool,
}

/// What the client sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Played {
    card: Secret,
}

impl Cards {
    /// Its name.
    pub const NAME: FactorName = FactorName::new("cards");
}

impl Factor for Cards {
    type Data = Pack;
    type State = ();
    type Answer = Played;

    fn name(&self) -> FactorName {
        Self::NAME
    }

    fn could_prove(&self, _: Option<&Pack>) -> Proves {
        PROVES
    }

    async fn answer(
        &self,
        _: &Context<'_>,
        mine: &[Credential<Pack>],
        (): (),
        played: Played,
    ) -> Result<Verdict<Pack>, FactorError> {
        let hash = hash(&played.card);
        for pack in mine {
            let Some(at) = pack.data.cards.iter().position(|card| same(&card.hash, &hash)) else { continue };
            let mut left = pack.data.clone();
            // A card that was played is a double click, or somebody who found it in the bin: no guess either way.
            return Ok(match left.cards.get_mut(at) {
                Some(card) if !card.played => {
                    card.played = true;
                    Verdict::Accept { credential: pack.id, proved: PROVES, change: Some(left) }
                }
                _ => Verdict::refuse(Reason::Replayed),
            });
        }
        Ok(Verdict::refuse(Reason::Wrong))
    }

    fn enrolment(&self) -> Option<&dyn EnrolPlugin> {
        Some(self)
    }
}

impl Enrol for Cards {
    type Proposal = Pack;
    type Confirm = Played;

    // A new pack, shown once.
    async fn propose(&self, cx: &Context<'_>, _: &[Credential<Pack>]) -> Result<Begun<Pack>, FactorError> {
        let mut pack = Pack { cards: Vec::new() };
        let mut shown = Zeroizing::new(Vec::new());
        for _ in 0..CARDS {
            let mut random = Zeroizing::new([0; 15]);
            cx.entropy().fill(&mut *random)?;
            let card = data_encoding::BASE32_NOPAD.encode(&*random);
            pack.cards.push(Card { hash: hash(&Secret::new(card.as_str())), played: false });
            shown.push(card);
        }
        #[derive(Serialize)]
        struct Shown<'a> {
            cards: &'a [String],
        }
        let prompt = Prompt::new(&Shown { cards: &shown })?;
        Ok(Begun::Started { state: pack, prompt, deliver: None })
    }

    // Any of them typed shows that they were written down. The old pack is void.
    async fn confirm(
        &self,
        _: &Context<'_>,
        mine: &[Credential<Pack>],
        pack: Pack,
        played: Played,
    ) -> Result<Enrolled<Pack>, FactorError> {
        let hash = hash(&played.card);
        if !pack.cards.iter().any(|card| same(&card.hash, &hash)) {
            return Ok(Enrolled::Refuse(Reason::Wrong));
        }
        Ok(match mine.first() {
            Some(old) => Enrolled::Replace { credential: old.id, data: pack, proved: PROVES },
            None => Enrolled::Add { data: pack, handles: Vec::new(), proved: PROVES },
        })
    }
}

// 120 random bits need no slow hash.
fn hash(card: &Secret) -> Vec<u8> {
    digest(&SHA256, card.expose()).as_ref().to_vec()
}

const PROVES: Proves = Proves::by(Channel::Paper).possession().replay_resistant().amr(Amr::Otp);
const CARDS: usize = 10;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    use tokio::sync::Barrier;

    use super::*;
    use crate::account::identifier::Identifier;
    use crate::flow::{Done, Next, Refusal};
    use crate::lockout::Limit;
    use crate::message::{Message, Sender, Sending, Sent};
    use crate::{
        Answer, Auth, Client, Code, KeyRing, MemoryStore, Password, Profile, Site, Step, Token, Visit,
    };

    const WORD: &str = "Лошадь батарея скрепка 7";
    const PHONE: &str = "+79161234567";

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

    /// The factor behind a gate: the first answers meet after they were judged and before any is written. A store
    /// whose calls take a microsecond would else see one task after the other.
    #[derive(Clone, Debug)]
    struct AtOnce {
        limit: Limit,
        gate: Arc<Barrier>,
        width: usize,
        came: Arc<AtomicUsize>,
        accepted: Arc<AtomicUsize>,
    }

    impl AtOnce {
        fn new(limit: Limit, width: usize) -> Self {
            let gate = Arc::new(Barrier::new(width));
            Self { limit, gate, width, came: Arc::default(), accepted: Arc::default() }
        }
    }

    impl Factor for AtOnce {
        type Data = Pack;
        type State = ();
        type Answer = Played;

        fn name(&self) -> FactorName {
            Cards::NAME
        }
        fn could_prove(&self, data: Option<&Pack>) -> Proves {
            Cards::default().could_prove(data)
        }
        fn limit(&self) -> Limit {
            self.limit
        }
        fn enrolment(&self) -> Option<&dyn EnrolPlugin> {
            Some(&Cards {})
        }
        async fn answer(
            &self,
            cx: &Context<'_>,
            mine: &[Credential<Pack>],
            (): (),
            played: Played,
        ) -> Result<Verdict<Pack>, FactorError> {
            let verdict = Cards::default().answer(cx, mine, (), played).await?;
            if matches!(verdict, Verdict::Accept { .. }) {
                self.accepted.fetch_add(1, Ordering::SeqCst);
            }
            if self.came.fetch_add(1, Ordering::SeqCst) < self.width {
                self.gate.wait().await;
            }
            Ok(verdict)
        }
    }

    struct Portal {
        auth: Auth,
        outbox: Outbox,
        visit: Visit,
        cards: Vec<String>,
    }

    impl Portal {
        // A registered person with a pack.
        async fn with(factor: impl Factor) -> Self {
            let outbox = Outbox::default();
            let auth = Auth::builder(Profile::public_portal(), MemoryStore::default(), KeyRing::random())
                .site(Site::new("Portal", "https://portal.example"))
                .hashing(crate::danger::fast_hashing())
                .sender(outbox.clone())
                .factor(Password::default())
                .factor(Code::sms())
                .factor(factor)
                .build()
                .unwrap();
            let visit = auth.visit(Client::unknown());
            let mut portal = Self { auth, outbox, visit, cards: Vec::new() };
            let next = pending(portal.visit.sign_up(PHONE, "Иван Петров", "2026-01").await.unwrap());
            let _ = portal.auth.tend(100).await.unwrap();
            let code = portal.outbox.0.lock().unwrap().last().unwrap().param("code").unwrap().to_owned();
            let answer = Code::typed(next.begun.unwrap().0, &code);
            let next = pending(portal.visit.answer(&next.flow, answer).await.unwrap());
            let end = done(portal.visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
            portal.enrol(&end.token, Password::word(WORD)).await;
            portal
        }

        async fn enrol(&mut self, session: &Token, proof: Answer) {
            let next = pending(self.visit.enrol(session, Cards::NAME).await.unwrap());
            let mut next = pending(self.visit.answer(&next.flow, proof).await.unwrap());
            // Adding takes as much as signing in.
            if next.offers.iter().any(|offer| offer.factor == Password::NAME) {
                next = pending(self.visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
            }
            if next.duty.is_none() {
                let sms = Code::sms().name();
                next = pending(self.visit.begin(&next.flow, &sms).await.unwrap());
                let _ = self.auth.tend(100).await.unwrap();
                let sent = self.outbox.0.lock().unwrap();
                let code = sent.iter().rev().find_map(|m| m.param("code").map(str::to_owned)).unwrap();
                drop(sent);
                next = pending(self.visit.answer(&next.flow, Code::typed(sms, &code)).await.unwrap());
            }
            let next = pending(self.visit.begin(&next.flow, &Cards::NAME).await.unwrap());
            let shown: serde_json::Value = serde_json::from_str(next.begun.unwrap().1.as_json()).unwrap();
            self.cards =
                shown["cards"].as_array().unwrap().iter().map(|c| c.as_str().unwrap().to_owned()).collect();
            done(self.play(&next.flow, &self.cards[9]).await);
        }

        async fn sign_in(&self) -> Token {
            pending(self.visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap()).flow
        }

        async fn play(&self, flow: &Token, card: &str) -> Step {
            self.visit.answer(flow, card_is(card)).await.unwrap()
        }

        async fn race(self, flows: Vec<Token>) -> Vec<Step> {
            let portal = Arc::new(self);
            let play = |flow: Token| {
                let portal = Arc::clone(&portal);
                tokio::spawn(async move { portal.play(&flow, &portal.cards[0]).await })
            };
            let tasks: Vec<_> = flows.into_iter().map(play).collect();
            let mut steps = Vec::new();
            for task in tasks {
                steps.push(task.await.unwrap());
            }
            steps
        }
    }

    fn card_is(card: &str) -> Answer {
        Answer::wire(Cards::NAME, serde_json::json!({ "card": card }).to_string())
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

    fn codes(steps: &[Step]) -> Vec<&'static str> {
        let code = |step: &Step| match step {
            Step::Done(_) => "done",
            Step::Pending(_) => "pending",
            Step::Refused(why) => why.code.as_str(),
        };
        let mut codes: Vec<_> = steps.iter().map(code).collect();
        codes.sort_unstable();
        codes
    }

    #[tokio::test]
    async fn each_card_is_good_once() {
        let portal = Portal::with(Cards::default()).await;
        for card in &portal.cards[..2] {
            let flow = portal.sign_in().await;
            assert_eq!(done(portal.play(&flow, card).await).session.amr(), ["pwd", "otp", "mfa"]);
            let flow = portal.sign_in().await;
            assert_eq!(refused(portal.play(&flow, card).await).code.as_str(), "replayed");
        }
        let mut portal = portal;
        let old = portal.cards[2].clone();
        let flow = portal.sign_in().await;
        let end = done(portal.play(&flow, &portal.cards[3]).await);
        // A pack gives way to another only for who holds one of its cards.
        let proof = card_is(&portal.cards[4]);
        portal.enrol(&end.token, proof).await;
        let flow = portal.sign_in().await;
        assert_eq!(refused(portal.play(&flow, &old).await).code.as_str(), "wrong");
        done(portal.play(&flow, &portal.cards[0]).await);
    }

    #[tokio::test]
    async fn a_double_submit_is_not_charged() {
        let portal = Portal::with(Cards::default()).await;
        let flow = portal.sign_in().await;
        done(portal.play(&flow, &portal.cards[0]).await);
        for _ in 0..10 {
            assert_eq!(refused(portal.play(&flow, &portal.cards[0]).await).code.as_str(), "no_flow");
            let other = portal.sign_in().await;
            assert_eq!(refused(portal.play(&other, &portal.cards[0]).await).code.as_str(), "replayed");
        }
        // All six guesses are still there.
        let flow = portal.sign_in().await;
        for _ in 0..5 {
            assert_eq!(refused(portal.play(&flow, "no such card").await).code.as_str(), "wrong");
        }
        done(portal.play(&flow, &portal.cards[1]).await);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn one_card_played_fifty_times_at_once_is_accepted_once() {
        // With the real limit six are judged at once and the others wait; without one, all fifty.
        for (limit, width) in [(Limit::PORTAL, 6), (Limit::PORTAL.with_free(1000).with_allowance(2000), 50)] {
            let gate = AtOnce::new(limit, width);
            let portal = Portal::with(gate.clone()).await;
            let mut flows = Vec::new();
            for _ in 0..50 {
                flows.push(portal.sign_in().await);
            }
            let steps = portal.race(flows).await;
            assert_eq!(codes(&steps), [vec!["done"], vec!["replayed"; 49]].concat());
            assert!(gate.accepted.load(Ordering::SeqCst) >= width, "the gate let them through one by one");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_double_click_at_once_is_accepted_once_and_charged_to_nobody() {
        let gate = AtOnce::new(Limit::PORTAL, 2);
        let portal = Portal::with(gate).await;
        let (auth, cards) = (portal.auth.clone(), portal.cards.clone());
        let flow = portal.sign_in().await;
        let steps = portal.race(vec![flow.clone(), flow]).await;
        assert_eq!(codes(&steps), ["done", "no_flow"]);
        let visit = auth.visit(Client::unknown());
        let flow = pending(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap()).flow;
        let play = |card: &str| visit.answer(&flow, card_is(card));
        for _ in 0..5 {
            assert_eq!(refused(play("no such card").await.unwrap()).code.as_str(), "wrong");
        }
        done(play(&cards[1]).await.unwrap());
    }
}
