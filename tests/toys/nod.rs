//! Nod. The person who signs in here nods on a device that is signed in already, by typing there the number that is
//! shown here: nobody nods at a prompt that they have not seen. Proves something held. Only ever a second factor.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Begun, Claimant, Context, Credential, Enrol, EnrolPlugin, Enrolled, Factor, Mailbox, Prompt, Reason,
    Verdict,
};
use crate::error::FactorError;
use crate::id::{AccountId, FactorName};
use crate::policy::Requirement;
use crate::proof::{Amr, Channel, Proves};

/// The nod factor.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Nod {}

/// Whose session may nod: the owner's own, or that of somebody whom the owner trusts.
#[derive(Debug, Serialize, Deserialize)]
pub struct Kept {
    by: AccountId,
}

/// What is kept of a challenge.
#[derive(Debug, Serialize, Deserialize)]
pub struct Asked {
    number: u8,
    // The letter in the mailbox was read and was not right. It stands, so that asking again brings nothing.
    spent: bool,
}

/// What the device that signs in sends while it waits: nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poll {}

/// Whose nod to take; one's own where nobody is named.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whose {
    by: Option<AccountId>,
}

impl Nod {
    /// Its name.
    pub const NAME: FactorName = FactorName::new("nod");
}

impl Factor for Nod {
    type Data = Kept;
    type State = Asked;
    type Answer = Poll;

    fn name(&self) -> FactorName {
        Self::NAME
    }

    fn could_prove(&self, _: Option<&Kept>) -> Proves {
        PROVES
    }

    fn mailbox(&self) -> Option<Mailbox> {
        // Somebody else may be trusted: the letter is looked at for whose it is.
        Some(Mailbox { life: Duration::from_secs(120), takes: Claimant::AnyAccount(Requirement::default()) })
    }

    async fn begin(
        &self,
        cx: &Context<'_>,
        _: &[Credential<Kept>],
        _: Option<Asked>,
    ) -> Result<Begun<Asked>, FactorError> {
        let mut random = [0; 1];
        // 200 and above would favour the low numbers.
        loop {
            cx.entropy().fill(&mut random)?;
            if random[0] < 200 {
                break;
            }
        }
        let number = random[0] % 100;
        #[derive(Serialize)]
        struct Shown<'a> {
            mailbox: &'a str,
            number: u8,
        }
        Ok(Begun::Started {
            state: Asked { number, spent: false },
            prompt: Prompt::new(&Shown { mailbox: cx.mailbox, number })?,
            deliver: None,
        })
    }

    async fn answer(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Kept>],
        asked: Asked,
        _: Poll,
    ) -> Result<Verdict<Kept, Asked>, FactorError> {
        if asked.spent {
            return Ok(Verdict::refuse(Reason::UsedUp));
        }
        let Some(letter) = cx.letter else { return Ok(Verdict::refuse(Reason::NotBegun)) };
        let right = serde_json::from_str::<u8>(&letter.text).is_ok_and(|number| number == asked.number);
        let by = mine.iter().find(|kept| kept.data.by == letter.account);
        Ok(match by.filter(|_| right) {
            Some(kept) => Verdict::Accept { credential: kept.id, proved: PROVES, change: None },
            None => Verdict::Refuse {
                reason: Reason::Wrong,
                change: None,
                state: Some(Asked { spent: true, ..asked }),
            },
        })
    }

    fn enrolment(&self) -> Option<&dyn EnrolPlugin> {
        Some(self)
    }
}

impl Enrol for Nod {
    type Proposal = ();
    type Confirm = Whose;

    async fn confirm(
        &self,
        cx: &Context<'_>,
        _: &[Credential<Kept>],
        (): (),
        whose: Whose,
    ) -> Result<Enrolled<Kept>, FactorError> {
        let by = whose.by.unwrap_or(cx.account);
        Ok(Enrolled::Add { data: Kept { by }, handles: Vec::new(), proved: PROVES })
    }
}

const PROVES: Proves = Proves::by(Channel::Device).possession().replay_resistant().amr(Amr::Mca);

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::account::identifier::Identifier;
    use crate::flow::{Done, Next, Posted, Refusal};
    use crate::message::{Message, Sender, Sending, Sent};
    use crate::{
        Answer, Auth, Client, Code, KeyRing, MemoryStore, Password, Profile, Site, Step, Token, Visit,
    };

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

    fn portal() -> (Auth, Outbox) {
        let outbox = Outbox::default();
        let auth = Auth::builder(Profile::public_portal(), MemoryStore::default(), KeyRing::random())
            .site(Site::new("Portal", "https://portal.example"))
            .hashing(crate::danger::fast_hashing())
            .sender(outbox.clone())
            .factor(Password::default())
            .factor(Code::sms())
            .factor(Nod::default())
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
        let code = outbox.0.lock().unwrap().iter().rev().find_map(|m| m.param("code").map(str::to_owned));
        let answer = Code::typed(next.begun.unwrap().0, &code.unwrap());
        let next = pending(visit.answer(&next.flow, answer).await.unwrap());
        done(visit.answer(&next.flow, Password::word(WORD)).await.unwrap())
    }

    async fn enrol(outbox: &Outbox, visit: &Visit, session: &Done, by: Option<AccountId>) -> Box<Done> {
        let next = pending(visit.enrol(&session.token, Nod::NAME).await.unwrap());
        let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
        // Adding takes as much as signing in.
        let sms = Code::sms().name();
        let next = pending(visit.begin(&next.flow, &sms).await.unwrap());
        let _ = visit.auth.tend(100).await.unwrap();
        let code = outbox.0.lock().unwrap().iter().rev().find_map(|m| m.param("code").map(str::to_owned));
        let next = pending(visit.answer(&next.flow, Code::typed(sms, &code.unwrap())).await.unwrap());
        let whose = by.map_or(serde_json::json!({}), |by| serde_json::json!({ "by": by }));
        done(visit.answer(&next.flow, Answer::wire(Nod::NAME, whose.to_string())).await.unwrap())
    }

    struct Waits {
        flow: Token,
        mailbox: String,
        number: u8,
    }

    async fn begin(visit: &Visit, flow: &Token) -> Waits {
        let next = pending(visit.begin(flow, &Nod::NAME).await.unwrap());
        let shown: serde_json::Value = serde_json::from_str(next.begun.unwrap().1.as_json()).unwrap();
        let mailbox = shown["mailbox"].as_str().unwrap().to_owned();
        Waits { flow: next.flow, mailbox, number: u8::try_from(shown["number"].as_u64().unwrap()).unwrap() }
    }

    async fn sign_in(visit: &Visit, phone: &str) -> Waits {
        let next = pending(visit.sign_in().with(phone, Password::word(WORD)).await.unwrap());
        assert!(next.offers.iter().any(|offer| offer.factor == Nod::NAME));
        begin(visit, &next.flow).await
    }

    async fn poll(visit: &Visit, waits: &Waits) -> Step {
        visit.answer(&waits.flow, Answer::wire(Nod::NAME, "{}")).await.unwrap()
    }

    async fn post(visit: &Visit, from: &Done, waits: &Waits, number: u8) -> Result<(), &'static str> {
        if let Posted::Refused(why) = visit.claim(&from.token, &waits.mailbox).await.unwrap() {
            return Err(why.code.as_str());
        }
        match visit.post(&from.token, &waits.mailbox, &number.to_string()).await.unwrap() {
            Posted::Left => Ok(()),
            Posted::Claimed(asking) => panic!("{asking:?}"),
            Posted::Refused(why) => Err(why.code.as_str()),
        }
    }

    #[tokio::test]
    async fn a_nod_on_the_other_device_signs_this_one_in() {
        let (auth, outbox) = portal();
        let [phone, desk] = [(); 2].map(|()| auth.visit(Client::unknown()));
        let owner = register(&auth, &outbox, &phone, "+79161234567").await;
        let owner = enrol(&outbox, &phone, &owner, None).await;
        let waits = sign_in(&desk, "+79161234567").await;
        // Waiting costs nothing, however often one asks.
        for _ in 0..20 {
            let why = refused(poll(&desk, &waits).await);
            assert_eq!(why.code.as_str(), "waiting");
            assert!(why.retry_after.is_some());
        }
        post(&phone, &owner, &waits, waits.number).await.unwrap();
        let end = done(poll(&desk, &waits).await);
        assert_eq!(end.session.account(), owner.session.account());
        assert_eq!(end.session.amr(), ["pwd", "mca", "mfa"]);
        // The letter is of no use to the next sign-in.
        let waits = sign_in(&desk, "+79161234567").await;
        assert_eq!(refused(poll(&desk, &waits).await).code.as_str(), "waiting");
    }

    #[tokio::test]
    async fn a_wrong_number_is_refused_and_the_first_letter_stands() {
        let (auth, outbox) = portal();
        let [phone, desk] = [(); 2].map(|()| auth.visit(Client::unknown()));
        let owner = register(&auth, &outbox, &phone, "+79161234567").await;
        let owner = enrol(&outbox, &phone, &owner, None).await;
        let waits = sign_in(&desk, "+79161234567").await;
        post(&phone, &owner, &waits, (waits.number + 1) % 100).await.unwrap();
        assert_eq!(post(&phone, &owner, &waits, waits.number).await, Err("mailbox"));
        assert_eq!(refused(poll(&desk, &waits).await).code.as_str(), "wrong");
        // Counted once, however often one asks.
        for _ in 0..10 {
            assert_eq!(refused(poll(&desk, &waits).await).code.as_str(), "used_up");
        }
        let again = begin(&desk, &waits.flow).await;
        assert_ne!(again.mailbox, waits.mailbox);
        post(&phone, &owner, &again, again.number).await.unwrap();
        done(poll(&desk, &again).await);
    }

    #[tokio::test]
    async fn anothers_nod_counts_only_where_the_owner_said_so() {
        let (auth, outbox) = portal();
        let [phone, desk] = [(); 2].map(|()| auth.visit(Client::unknown()));
        let ivan = register(&auth, &outbox, &phone, "+79161234567").await;
        let ivan = enrol(&outbox, &phone, &ivan, None).await;
        let anna = register(&auth, &outbox, &phone, "+79161234568").await;
        let waits = sign_in(&desk, "+79161234567").await;
        post(&phone, &anna, &waits, waits.number).await.unwrap();
        assert_eq!(refused(poll(&desk, &waits).await).code.as_str(), "wrong");

        enrol(&outbox, &phone, &ivan, Some(anna.session.account())).await;
        let again = begin(&desk, &waits.flow).await;
        post(&phone, &anna, &again, again.number).await.unwrap();
        let end = done(poll(&desk, &again).await);
        assert_eq!(end.session.account(), ivan.session.account());
        // A session that has ended nods no more.
        phone.sign_out(&anna.token).await.unwrap();
        let waits = sign_in(&desk, "+79161234567").await;
        assert_eq!(post(&phone, &anna, &waits, waits.number).await, Err("no_session"));
    }
}
