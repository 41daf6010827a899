//! Pager. A word is sent to the phone that is on record; three tries, and half a minute between two words. Proves
//! something held.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Begun, Context, Credential, Factor, Outgoing, Prompt, Reason, Source, Verdict};
use crate::account::Contact;
use crate::account::identifier::IdentifierKind;
use crate::clock::Timestamp;
use crate::error::FactorError;
use crate::id::{CredentialId, FactorName, TemplateName};
use crate::proof::{Amr, Channel, Proves};
use crate::secret::{Secret, same};

/// The pager factor.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Pager {}

/// What is kept of a page.
#[derive(Debug, Serialize, Deserialize)]
pub struct Paged {
    to: CredentialId,
    hash: [u8; 32],
    at: Timestamp,
    left: u8,
}

/// What the client sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Typed {
    word: Secret,
}

impl Pager {
    /// Its name.
    pub const NAME: FactorName = FactorName::new("pager");
}

impl Factor for Pager {
    type Data = Contact;
    type State = Paged;
    type Answer = Typed;

    fn name(&self) -> FactorName {
        Self::NAME
    }

    fn source(&self) -> Source {
        Source::Contacts(IdentifierKind::Phone)
    }

    fn could_prove(&self, _: Option<&Contact>) -> Proves {
        PROVES
    }

    async fn begin(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Contact>],
        before: Option<Paged>,
    ) -> Result<Begun<Paged>, FactorError> {
        let retry_after = before.map_or(Duration::ZERO, |before| before.at.after(PAUSE).since(cx.now));
        if !retry_after.is_zero() {
            return Ok(Begun::Wait { retry_after });
        }
        let Some(phone) = mine.first() else { return Ok(Begun::Nothing) };
        let mut random = [0; 5];
        cx.entropy().fill(&mut random)?;
        let word = data_encoding::BASE32_NOPAD.encode(&random);
        #[derive(Serialize)]
        struct Shown {
            tries: u8,
            again_in: u64,
        }
        Ok(Begun::Started {
            state: Paged { to: phone.id, hash: cx.code_hash(word.as_bytes()), at: cx.now, left: TRIES },
            prompt: Prompt::new(&Shown { tries: TRIES, again_in: PAUSE.as_secs() })?,
            deliver: Some(
                Outgoing::new(phone.id, TemplateName::new("page"), Duration::from_secs(300))
                    .with("word", word),
            ),
        })
    }

    async fn answer(
        &self,
        cx: &Context<'_>,
        _: &[Credential<Contact>],
        mut paged: Paged,
        typed: Typed,
    ) -> Result<Verdict<Contact, Paged>, FactorError> {
        if cx.now >= paged.at.after(LIFE) {
            return Ok(Verdict::refuse(Reason::Expired));
        }
        let Some(left) = paged.left.checked_sub(1) else { return Ok(Verdict::refuse(Reason::UsedUp)) };
        if same(&cx.code_hash(typed.word.expose()), &paged.hash) {
            return Ok(Verdict::Accept { credential: paged.to, proved: PROVES, change: None });
        }
        paged.left = left;
        Ok(Verdict::Refuse { reason: Reason::Wrong, change: None, state: Some(paged) })
    }
}

const PROVES: Proves = Proves::by(Channel::Phone).possession().replay_resistant().restricted().amr(Amr::Sms);
const TRIES: u8 = 3;
const PAUSE: Duration = Duration::from_secs(30);
const LIFE: Duration = Duration::from_secs(120);

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::account::identifier::Identifier;
    use crate::clock::Clock;
    use crate::flow::{Done, Next, Refusal};
    use crate::message::{Message, Sender, Sending, Sent};
    use crate::{Answer, Auth, Client, KeyRing, MemoryStore, Password, Profile, Site, Step, Token, Visit};

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

    #[derive(Clone, Debug)]
    struct Hands(Arc<AtomicI64>);

    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0.load(Ordering::SeqCst))
        }
    }

    struct Portal {
        auth: Auth,
        outbox: Outbox,
        hands: Hands,
        visit: Visit,
    }

    impl Portal {
        fn new() -> Self {
            let outbox = Outbox::default();
            let hands = Hands(Arc::new(AtomicI64::new(1_000_000_000_000)));
            let auth = Auth::builder(Profile::nist_aal1(), MemoryStore::default(), KeyRing::random())
                .site(Site::new("Portal", "https://portal.example"))
                .hashing(crate::danger::fast_hashing())
                .sender(outbox.clone())
                .clock(hands.clone())
                .factor(Password::default())
                .factor(Pager::default())
                .build()
                .unwrap();
            let visit = auth.visit(Client::unknown());
            Self { auth, outbox, hands, visit }
        }

        fn wait(&self, millis: i64) {
            self.hands.0.fetch_add(millis, Ordering::SeqCst);
        }

        async fn paged(&self) -> String {
            let _ = self.auth.tend(100).await.unwrap();
            let sent = self.outbox.0.lock().unwrap();
            let message = sent.iter().rev().find(|message| message.param("word").is_some()).unwrap();
            let word = message.param("word").unwrap().to_owned();
            assert_eq!(message.text().body, format!("word: {word}"));
            word
        }

        async fn answer(&self, flow: &Token, word: &str) -> Step {
            let typed = serde_json::json!({ "word": word }).to_string();
            self.visit.answer(flow, Answer::wire(Pager::NAME, typed)).await.unwrap()
        }

        async fn register(&self) -> Box<Done> {
            let next = pending(self.visit.sign_up(PHONE, "Иван Петров", "2026-01").await.unwrap());
            assert_eq!(next.begun.unwrap().1.as_json(), r#"{"tries":3,"again_in":30}"#);
            let next = pending(self.answer(&next.flow, &self.paged().await).await);
            done(self.visit.answer(&next.flow, Password::word(WORD)).await.unwrap())
        }

        async fn sign_in(&self) -> Token {
            let next = pending(self.visit.sign_in().start(PHONE).await.unwrap());
            pending(self.visit.begin(&next.flow, &Pager::NAME).await.unwrap()).flow
        }
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

    #[tokio::test]
    async fn a_word_signs_in_once() {
        let portal = Portal::new();
        portal.register().await;
        let flow = portal.sign_in().await;
        let word = portal.paged().await;
        assert_eq!(done(portal.answer(&flow, &word).await).session.amr(), ["sms"]);
        assert_eq!(refused(portal.answer(&flow, &word).await).code.as_str(), "no_flow");
        let other = portal.sign_in().await;
        assert_eq!(refused(portal.answer(&other, &word).await).code.as_str(), "wrong");
        done(portal.answer(&other, &portal.paged().await).await);
    }

    #[tokio::test]
    async fn three_tries_then_another_word_which_brings_no_new_guesses() {
        let portal = Portal::new();
        portal.register().await;
        let flow = portal.sign_in().await;
        let word = portal.paged().await;
        for _ in 0..3 {
            assert_eq!(refused(portal.answer(&flow, "AAAAAAAA").await).code.as_str(), "wrong");
        }
        assert_eq!(refused(portal.answer(&flow, &word).await).code.as_str(), "used_up");
        portal.wait(30_000);
        let next = pending(portal.visit.begin(&flow, &Pager::NAME).await.unwrap());
        let second = portal.paged().await;
        for _ in 0..2 {
            assert_eq!(refused(portal.answer(&next.flow, &word).await).code.as_str(), "wrong");
        }
        assert_eq!(refused(portal.answer(&next.flow, &word).await).code.as_str(), "held");
        portal.wait(5 * 60_000);
        assert_eq!(refused(portal.answer(&next.flow, &second).await).code.as_str(), "expired");
        let _ = pending(portal.visit.begin(&next.flow, &Pager::NAME).await.unwrap());
        done(portal.answer(&next.flow, &portal.paged().await).await);
    }

    #[tokio::test]
    async fn another_word_only_after_a_pause() {
        let portal = Portal::new();
        portal.register().await;
        let flow = portal.sign_in().await;
        let first = portal.paged().await;
        portal.wait(29_999);
        let why = refused(portal.visit.begin(&flow, &Pager::NAME).await.unwrap());
        assert_eq!((why.code.as_str(), why.retry_after), ("too_soon", Some(Duration::from_millis(1))));
        portal.wait(1);
        let _ = pending(portal.visit.begin(&flow, &Pager::NAME).await.unwrap());
        assert_eq!(refused(portal.answer(&flow, &first).await).code.as_str(), "wrong");
        done(portal.answer(&flow, &portal.paged().await).await);
    }
}
