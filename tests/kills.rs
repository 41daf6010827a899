//! A kill at every arrow of every story: each call of the store fails before it is applied, or after (the reply is
//! lost), or is never answered and its step is dropped; and each wait for a hash is dropped. Whatever happened, after
//! it: nothing was accepted twice, nothing acknowledged is lost, no session is without its event, the attempt is
//! counted, no account is half made, and the person signs in. A broken store is an `Err`: never a session (ASVS
//! 5.0 16.5.3), never a refusal.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/otp.rs"]
mod otp;
#[path = "common/portal.rs"]
mod portal;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use otp::{add_codes, add_totp, shown, step, totp};
use portal::{EMAIL, Hands, NEW_WORD, Outbox, PHONE, Pin, WORD, done, pending, refused, register, somebody};
use propusk::clock::Clock;
use propusk::error::Broken;
use propusk::event::{EventPage, Outcome};
use propusk::factor::password::due::Issued;
use propusk::flow::{Closing, Done, Effect, Next, Objected, Objection, Refreshed, Transaction};
use propusk::id::AccountId;
use propusk::message::Locale;
use propusk::policy::Requirement;
use propusk::proof::{Aal, Due};
use propusk::testing::{CallLog, CountingStore, Fault, FaultyStore, block_on};
use propusk::{Answer, Auth, BackupCodes, Client, Code, MemoryStore, Password, Profile, Step, Token, Totp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Story {
    SignUp,
    SignInByPassword,
    SignInByCode,
    SignInByTwo,
    SignInByTotp,
    SignInByBackupCode,
    /// A sign-in that is unlike the others, and is asked for one proof more.
    Unusual,
    /// A wrong password and a wrong code, and then the right ones.
    Guess,
    /// A sixth wrong password, which begins a hold, and one that is not looked at.
    Barred,
    Change,
    Enrol,
    /// A sign-in by a temporary password, which must be replaced before there is a session.
    Duty,
    /// The temporary password is issued.
    Issue,
    EnrolTotp,
    /// What the session had proven is two hours old.
    StepUp,
    /// A transaction is approved, and the approval used up.
    Approve,
    /// An authenticator is taken away.
    Remove,
    /// A forgotten password, by phone and after the delay.
    Recover,
    /// A session stops a recovery that waits.
    StopRecovery,
    /// Another phone number is put in the place of the first.
    Contact,
    /// A link in the notice takes an added number away.
    Undo,
    /// A refresh token is used, and its successor.
    Refresh,
    /// One is used that was used before.
    RefreshAgain,
    /// A client that holds two sessions goes on in the other.
    Switch,
    SignOut,
    EndOne,
    EndOthers,
    SwitchOff,
    /// The owner locks the account.
    Lock,
    /// The desk unlocks it.
    Unlock,
    /// A link in the notice of a sign-in says "this was not me", and locks it.
    NotMe,
    /// The inbox is read.
    Inbox,
    /// The account is closed: all of a sign-in anew, then one call more.
    Close,
    /// The owner comes back in time.
    Reopen,
    /// The grace is over.
    Erase,
    Deliver,
}

const STORIES: [Story; 36] = [
    Story::SignUp,
    Story::SignInByPassword,
    Story::SignInByCode,
    Story::SignInByTwo,
    Story::SignInByTotp,
    Story::SignInByBackupCode,
    Story::Unusual,
    Story::Guess,
    Story::Barred,
    Story::Change,
    Story::Enrol,
    Story::Duty,
    Story::Issue,
    Story::EnrolTotp,
    Story::StepUp,
    Story::Approve,
    Story::Remove,
    Story::Recover,
    Story::StopRecovery,
    Story::Contact,
    Story::Undo,
    Story::Refresh,
    Story::RefreshAgain,
    Story::Switch,
    Story::SignOut,
    Story::EndOne,
    Story::EndOthers,
    Story::SwitchOff,
    Story::Lock,
    Story::Unlock,
    Story::NotMe,
    Story::Inbox,
    Story::Close,
    Story::Reopen,
    Story::Erase,
    Story::Deliver,
];

/// Where the story is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Never,
    Call(usize, Fault),
    Hash(usize),
}

type Watched = FaultyStore<CountingStore<MemoryStore>>;

struct Stage {
    story: Story,
    memory: MemoryStore,
    faulty: Watched,
    /// What was applied.
    log: CallLog,
    hands: Hands,
    outbox: Outbox,
    /// Works, and delivers.
    clean: Auth,
    /// What the story is told on.
    auth: Auth,
    /// The session of whoever was signed in before, and another one of theirs.
    before: Option<(Box<Done>, Box<Done>)>,
    /// The temporary password, once there is one.
    given: RefCell<&'static str>,
    /// Answers that were sent, with their flows.
    sent: RefCell<Vec<(Token, Which)>>,
    acknowledged: RefCell<Vec<Token>>,
    /// The key of the authenticator, or a backup code.
    secret: RefCell<String>,
}

/// What was answered, so that it can be answered again.
#[derive(Clone, Debug)]
enum Which {
    Word(&'static str),
    Code(&'static str, String),
    Pin,
    Totp(String),
    BackupCode(String),
}

impl Which {
    fn answer(&self) -> Answer {
        match self {
            Self::Word(word) => Password::word(word),
            Self::Code(factor, code) => Code::typed(propusk::id::FactorName::new(factor), code),
            Self::Pin => Pin::typed(Pin::RIGHT),
            Self::Totp(code) => Totp::code(code),
            Self::BackupCode(code) => BackupCodes::code(code),
        }
    }
}

impl Stage {
    async fn set(story: Story, slow: bool) -> Self {
        let memory = MemoryStore::default();
        let counting = CountingStore::new(memory.clone());
        let (log, faulty) = (counting.log(), FaultyStore::new(counting));
        let (hands, outbox) = (Hands::default(), Outbox::default());
        let clean = node(&memory, story, &hands, &outbox);
        let mut hashing = portal::cheap();
        if slow {
            hashing.memory_kib = 8192;
        }
        let auth = factors(portal::portal(&faulty, profile(story)))
            .clock(hands.clone())
            .sender(outbox.clone())
            .hashing(hashing)
            .build()
            .unwrap();
        let (mut before, mut secret) = (None, String::new());
        let visit = clean.visit(asking(story));
        match story {
            Story::SignUp => {}
            Story::Deliver => drop(visit.sign_up(PHONE, "Иван", "1").await.unwrap()),
            _ => {
                let mut first = register(&clean, &outbox, &visit, name(story), Password::word(WORD)).await;
                hands.advance(7200);
                let (message, now) = (async || outbox.code(&clean).await, hands.now());
                if matches!(story, Story::SignInByTotp | Story::Remove) {
                    (secret, first) = add_totp(&visit, &first.token, WORD, now, message).await;
                    hands.advance(7200);
                } else if story == Story::SignInByBackupCode {
                    let (mut codes, end) = add_codes(&visit, &first.token, WORD, message).await;
                    (secret, first) = (codes.remove(0), end);
                    hands.advance(7200);
                } else if story == Story::Undo {
                    first = add_phone(&clean, &outbox, &first.token).await;
                    secret = objection(&clean, &outbox).await;
                    hands.advance(7200);
                }
                before = Some((first, sign_in(&clean, &outbox, story, WORD).await));
                if story == Story::NotMe {
                    secret = objection(&clean, &outbox).await;
                }
                hands.advance(7200);
                if story == Story::RefreshAgain {
                    let here = &before.as_ref().unwrap().0;
                    let _ =
                        given(clean.visit(somebody()).refresh(here.refresh.as_ref().unwrap()).await.unwrap());
                    hands.advance(60);
                }
            }
        }
        if let (Story::Reopen | Story::Erase, Some((here, _))) = (story, &before) {
            assert!(close(&clean, &outbox, &here.token).await.unwrap());
            drop(outbox.all(&clean).await);
            hands.advance(if story == Story::Erase { 30 * 24 * 3600 } else { 3600 });
        }
        if let (Story::Unlock, Some((here, _))) = (story, &before) {
            assert!(visit.lock(&here.session).await.unwrap().is_done());
        }
        if story == Story::StopRecovery {
            let next = pending(visit.recover().start(name(story)).await.unwrap());
            let code = Code::typed(Code::sms_name(), &outbox.code(&clean).await);
            let next = pending(visit.answer(&next.flow, code).await.unwrap());
            assert_eq!(no(&visit.wait(&next.flow).await.unwrap()), "recovery_waits");
        }
        if story == Story::Barred {
            for _ in 0..5 {
                let step = visit.sign_in().with(name(story), Password::word("wrong")).await;
                assert_eq!(no(&step.unwrap()), "wrong");
            }
        }
        let given = match (story, &before) {
            (Story::Duty, Some((here, _))) => issue(&clean, here.session.account()).await.unwrap(),
            _ => "",
        };
        let _ = log.take();
        faulty.mend();
        let (sent, acknowledged) = (RefCell::default(), RefCell::default());
        let (given, secret) = (RefCell::new(given), RefCell::new(secret));
        Self {
            story,
            memory,
            faulty,
            log,
            hands,
            outbox,
            clean,
            auth,
            before,
            given,
            sent,
            acknowledged,
            secret,
        }
    }

    async fn say(&self, flow: &Token, which: Which) -> Result<Step, Broken> {
        self.sent.borrow_mut().push((flow.clone(), which.clone()));
        self.auth.visit(somebody()).answer(flow, which.answer()).await
    }

    fn ack(&self, step: Step) {
        self.acknowledged.borrow_mut().push(done(step).token);
    }

    async fn code(&self, factor: &'static str) -> Which {
        Which::Code(factor, self.outbox.code(&self.clean).await)
    }

    fn totp(&self) -> Which {
        Which::Totp(totp(&self.secret.borrow(), step(self.hands.now())))
    }

    async fn play(&self) -> Result<(), Broken> {
        let visit = self.auth.visit(somebody());
        let name = name(self.story);
        match (self.story, &self.before) {
            (Story::SignUp, _) => {
                let next = pending(visit.sign_up(name, "Иван", "1").await?);
                let next = pending(self.say(&next.flow, self.code("sms-code").await).await?);
                self.ack(self.say(&next.flow, Which::Word(WORD)).await?);
            }
            (Story::SignInByPassword, _) => self.ack(visit.sign_in().with(name, Password::word(WORD)).await?),
            (Story::SignInByCode, _) => {
                let next = pending(visit.sign_in().start(name).await?);
                let next = pending(visit.begin(&next.flow, &Code::sms_name()).await?);
                self.ack(self.say(&next.flow, self.code("sms-code").await).await?);
            }
            (Story::SignInByTwo, _) => {
                let next = pending(visit.sign_in().start(name).await?);
                let next = pending(self.say(&next.flow, Which::Word(WORD)).await?);
                let next = pending(visit.begin(&next.flow, &Code::email_name()).await?);
                self.ack(self.say(&next.flow, self.code("email-code").await).await?);
            }
            (Story::SignInByTotp | Story::SignInByBackupCode, _) => {
                let next = pending(visit.sign_in().start(name).await?);
                let next = pending(self.say(&next.flow, Which::Word(WORD)).await?);
                let second = match self.story {
                    Story::SignInByTotp => self.totp(),
                    _ => Which::BackupCode(self.secret.borrow().clone()),
                };
                self.ack(self.say(&next.flow, second).await?);
            }
            (Story::Unusual, _) => {
                let next = pending(visit.sign_in().start(name).await?);
                let next = pending(self.say(&next.flow, Which::Word(WORD)).await?);
                assert!(next.unusual);
                let next = pending(visit.begin(&next.flow, &Code::sms_name()).await?);
                self.ack(self.say(&next.flow, self.code("sms-code").await).await?);
            }
            (Story::Guess, _) => {
                assert_eq!(no(&visit.sign_in().with(name, Password::word("wrong")).await?), "wrong");
                let next = pending(visit.sign_in().start(name).await?);
                assert_eq!(
                    no(&self.say(&next.flow, Which::Code("sms-code", "123456".into())).await?),
                    "not_begun"
                );
                let next = pending(visit.begin(&next.flow, &Code::sms_name()).await?);
                let code = self.outbox.code(&self.clean).await;
                let wrong = if code == "123456" { "123457" } else { "123456" };
                assert_eq!(no(&self.say(&next.flow, Which::Code("sms-code", wrong.into())).await?), "wrong");
                self.ack(self.say(&next.flow, Which::Code("sms-code", code)).await?);
            }
            (Story::Barred, _) => {
                for _ in 0..2 {
                    assert_eq!(no(&visit.sign_in().with(name, Password::word("wrong")).await?), "held");
                }
            }
            (Story::Change, Some((here, _))) => {
                let next = pending(visit.change(&here.token, Password::NAME).await?);
                let next = pending(self.say(&next.flow, Which::Word(WORD)).await?);
                self.ack(self.say(&next.flow, Which::Word(NEW_WORD)).await?);
            }
            (Story::Enrol, Some((here, _))) => {
                let next = pending(visit.enrol(&here.token, Pin::NAME).await?);
                let next = pending(self.say(&next.flow, Which::Word(WORD)).await?);
                // A phone and a PIN reach what a phone and a password do: it takes both.
                let next = pending(visit.begin(&next.flow, &Code::sms_name()).await?);
                let next = pending(self.say(&next.flow, self.code("sms-code").await).await?);
                self.ack(self.say(&next.flow, Which::Pin).await?);
            }
            (Story::StepUp, Some((here, _))) => {
                let lately = Requirement::aal(Aal::One).within(Duration::from_secs(300));
                let next = pending(visit.step_up(&here.token, lately).await?);
                self.ack(self.say(&next.flow, Which::Word(WORD)).await?);
            }
            (Story::Approve, Some((here, _))) => {
                let next = pending(visit.approve(&here.token, Requirement::aal(Aal::One), fine()).await?);
                let end = done(self.say(&next.flow, Which::Word(WORD)).await?);
                self.acknowledged.borrow_mut().push(end.token.clone());
                let paid = done(visit.approve(&end.token, Requirement::aal(Aal::One), fine()).await?);
                assert_eq!(paid.approved, Some(fine()));
                *self.secret.borrow_mut() = "paid".to_owned();
            }
            (Story::Remove, Some((here, _))) => {
                let held = self.clean.credentials(here.session.account()).await?;
                let id = held.iter().find(|one| one.factor == Totp::NAME).map(|one| one.id).unwrap();
                let next = pending(visit.remove(&here.token, id).await?);
                let next = pending(self.say(&next.flow, Which::Word(WORD)).await?);
                self.ack(self.say(&next.flow, self.totp()).await?);
            }
            (Story::Recover, _) => {
                let next = pending(visit.recover().start(name).await?);
                let next = pending(self.say(&next.flow, self.code("sms-code").await).await?);
                assert_eq!(no(&visit.wait(&next.flow).await?), "recovery_waits");
                self.hands.advance(73 * 3600);
                let next = pending(visit.recover().start(name).await?);
                let next = pending(self.say(&next.flow, self.code("sms-code").await).await?);
                self.ack(self.say(&next.flow, Which::Word(NEW_WORD)).await?);
            }
            (Story::StopRecovery, Some((here, _))) => {
                assert!(visit.stop_recovery(&here.session).await?.is_done());
                *self.secret.borrow_mut() = "stopped".to_owned();
            }
            (Story::Contact, Some((here, _))) => {
                let old = self.clean.contacts(here.session.account()).await?[0].id;
                let next = pending(visit.add_contact(&here.token, OTHER_PHONE, Some(old)).await?);
                let next = pending(self.say(&next.flow, Which::Word(WORD)).await?);
                let next = pending(visit.begin(&next.flow, &Code::sms_name()).await?);
                let next = pending(self.say(&next.flow, self.code("sms-code").await).await?);
                let next = pending(visit.begin(&next.flow, &Code::sms_name()).await?);
                self.ack(self.say(&next.flow, self.code("sms-code").await).await?);
            }
            (Story::Undo, _) => {
                let link = self.secret.borrow().clone();
                let end = visit.object(&link).await?;
                assert!(matches!(end, Objected::To(Objection::UndoContact)), "{end:?}");
                *self.secret.borrow_mut() = "undone".to_owned();
            }
            (Story::Duty, _) => {
                let next = pending(visit.sign_in().start(name).await?);
                let given = *self.given.borrow();
                let next = pending(self.say(&next.flow, Which::Word(given)).await?);
                assert_eq!(next.due, Some(Due::Temporary));
                self.ack(self.say(&next.flow, Which::Word(NEW_WORD)).await?);
            }
            (Story::Issue, Some((here, _))) => {
                *self.given.borrow_mut() = issue(&self.auth, here.session.account()).await?;
            }
            (Story::EnrolTotp, Some((here, _))) => {
                let next = pending(visit.enrol(&here.token, Totp::NAME).await?);
                let next = pending(self.say(&next.flow, Which::Word(WORD)).await?);
                let next = pending(visit.begin(&next.flow, &Code::sms_name()).await?);
                let next = pending(self.say(&next.flow, self.code("sms-code").await).await?);
                let next = pending(visit.begin(&next.flow, &Totp::NAME).await?);
                *self.secret.borrow_mut() = shown(&next)["key"].as_str().unwrap().to_owned();
                self.ack(self.say(&next.flow, self.totp()).await?);
            }
            (Story::Refresh, Some((here, _))) => {
                let one = given(visit.refresh(here.refresh.as_ref().unwrap()).await?);
                let two = given(visit.refresh(one.refresh.as_ref().unwrap()).await?);
                self.acknowledged.borrow_mut().push(two.token);
            }
            (Story::RefreshAgain, Some((here, _))) => {
                match visit.refresh(here.refresh.as_ref().unwrap()).await? {
                    Refreshed::Refused(why) => assert_eq!(why.code.as_str(), "refresh_reused"),
                    other => panic!("{other:?}"),
                }
            }
            (Story::Switch, Some((_, there))) => self.ack(visit.switch(&there.token).await?),
            (Story::SignOut, Some((here, _))) => visit.sign_out(&here.token).await?,
            (Story::EndOne, Some((here, there))) => {
                assert_eq!(visit.end_session(&here.session, there.session.id()).await?, Effect::Done);
            }
            (Story::EndOthers, Some((here, _))) => {
                assert_eq!(visit.end_other_sessions(&here.session).await?, Effect::Done);
            }
            (Story::SwitchOff, Some((here, _))) => {
                self.auth.disable(here.session.account(), &somebody()).await?
            }
            (Story::Lock, Some((here, _))) => assert!(visit.lock(&here.session).await?.is_done()),
            (Story::Unlock, Some((here, _))) => {
                assert!(self.auth.unlock(here.session.account(), &somebody()).await?.is_done());
            }
            (Story::NotMe, _) => {
                let link = self.secret.borrow().clone();
                let end = visit.object(&link).await?;
                assert!(matches!(end, Objected::To(Objection::NotMe)), "{end:?}");
                *self.given.borrow_mut() = "locked";
            }
            (Story::Inbox, Some((here, _))) => {
                let told = self.auth.inbox(here.session.account(), None, 10, Locale::En).await?;
                assert!(!told.is_empty());
                *self.given.borrow_mut() = "read";
            }
            (Story::Close, Some((here, _))) => {
                assert!(close_by(&self.auth, &self.outbox, &self.clean, &here.token).await?);
                *self.secret.borrow_mut() = "closed".to_owned();
            }
            (Story::Reopen, _) => {
                let next = pending(visit.sign_in().with(name, Password::word(WORD)).await?);
                self.ack(visit.reopen(&next.flow).await?);
            }
            (Story::Erase, _) => assert_eq!(self.auth.tend(10).await?.erased, 1),
            (Story::Deliver, _) => assert_eq!(self.auth.tend(10).await?.delivered, 1),
            (_, None) => panic!("{:?} needs somebody", self.story),
        }
        Ok(())
    }

    /// What must hold whatever happened, seen by another process over the same store.
    async fn judge(&self, cut: Cut) {
        let at = format!("{:?} {cut:?}", self.story);
        let auth = node(&self.memory, self.story, &self.hands, &self.outbox);
        let visit = auth.visit(somebody());
        if self.story == Story::Deliver {
            self.hands.advance(121);
            let all = self.outbox.all(&auth).await;
            let ids: BTreeSet<_> = all.iter().map(|message| *message.id.as_bytes()).collect();
            assert!(
                !all.is_empty() && all.len() <= 2 && ids.len() == 1,
                "{at}: lost, or sent under two keys"
            );
            return;
        }
        if let (Story::Erase, Some((here, _))) = (self.story, &self.before) {
            let account = here.session.account();
            self.hands.advance(61);
            let _ = auth.tend(10).await.unwrap();
            assert!(auth.account(account).await.unwrap().is_none(), "{at}: it is there still");
            let lines = auth.history(account, EventPage::newest(99)).await.unwrap();
            assert_eq!(lines.iter().filter(|line| line.name.as_str() == "account-closed").count(), 1, "{at}");
            return;
        }
        // What was acknowledged stands.
        let acknowledged = self.acknowledged.borrow().clone();
        for token in &acknowledged {
            assert!(auth.session(token).await.unwrap().is_some(), "{at}: an acknowledged session is gone");
        }
        let account = self.before.as_ref().map(|(here, _)| here.session.account());
        let accepted_before = match (account, self.story) {
            (
                Some(_),
                Story::SignInByTotp | Story::SignInByBackupCode | Story::Remove | Story::Reopen | Story::Undo,
            ) => 3,
            (Some(_), _) => 2,
            (None, _) => 0,
        };

        // Each answer again, twice: it may end what was cut off, and never more than that.
        let sent = self.sent.borrow().clone();
        for (flow, which) in &sent {
            let mut ends = 0;
            for _ in 0..2 {
                let step = visit.answer(flow, which.answer()).await.unwrap();
                ends += usize::from(matches!(step, Step::Done(_)));
            }
            assert!(ends <= 1, "{at}: {which:?} was accepted twice");
        }
        if let Some(account) = account {
            let accepted = accepts(&auth, account).await;
            // A duty ends in two lines of one commit: the change, and the sign-in.
            let once = if matches!(self.story, Story::Duty | Story::Recover) { 2 } else { 1 };
            assert!([0, once].contains(&(accepted - accepted_before)), "{at}: {accepted} accepts");
            whole(&auth, account, &at).await;
        }

        if self.story == Story::Refresh {
            self.asked_again(&auth, &at).await;
        }
        // A reservation whose step died counts as a wrong answer once its lease is over.
        self.hands.advance(61);
        if matches!(self.story, Story::SignInByPassword | Story::SwitchOff | Story::SignOut) {
            self.counted(&auth, &at).await;
        }
        if self.story == Story::Barred {
            self.barred(&auth, &at).await;
        }
        let account = self.settles(&auth, account, &at).await;
        whole(&auth, account, &at).await;
    }

    /// A reply that was lost is asked for again at once: the token that was good gives what it gave.
    async fn asked_again(&self, auth: &Auth, at: &str) {
        let visit = auth.visit(somebody());
        let old = self.before.as_ref().unwrap().0.refresh.as_ref().unwrap();
        let used = self.log.calls().iter().filter(|call| call.writes.contains(&"SwapFlow")).count();
        if used > 1 {
            return;
        }
        let pair = async || {
            let next = given(visit.refresh(old).await.unwrap());
            assert!(auth.session(&next.token).await.unwrap().is_some(), "{at}");
            [&next.token, next.refresh.as_ref().unwrap()].map(|token| token.expose().as_str().to_owned())
        };
        assert_eq!(pair().await, pair().await, "{at}: two successors");
    }

    /// So many guesses are left as there are reservations that nobody settled.
    async fn counted(&self, auth: &Auth, at: &str) {
        let log = self.log.calls();
        let reserved = log.iter().filter(|call| call.method == "reserve").count();
        let settled = log.iter().filter(|call| call.writes.contains(&"Settle")).count();
        let hashes = auth.hashes().computed();
        let visit = auth.visit(somebody());
        let guess = || visit.sign_in().with(name(self.story), Password::word("not the right words"));
        for _ in 0..20 {
            if refused(guess().await.unwrap()).code.as_str() != "wrong" {
                break;
            }
        }
        let evaluated = auth.hashes().computed() - hashes;
        let off = self.story == Story::SwitchOff;
        assert!(off || evaluated as usize == 6 - (reserved - settled), "{at}: {evaluated} guesses");
        assert_eq!(refused(guess().await.unwrap()).code.as_str(), "held", "{at}");
        assert_eq!(auth.hashes().computed() - hashes, evaluated, "{at}: a guess was evaluated while held");
        self.hands.advance(5 * 60);
    }

    /// Six were reserved, or five and one was never asked for: the next is evaluated in the second case only.
    async fn barred(&self, auth: &Auth, at: &str) {
        let reserved = self.log.calls().iter().any(|call| call.method == "reserve");
        let visit = auth.visit(somebody());
        let step = visit.sign_in().with(name(self.story), Password::word("wrong")).await.unwrap();
        assert_eq!(no(&step), "held", "{at}");
        assert_eq!(auth.hashes().computed(), u64::from(!reserved), "{at}: a guess too many");
    }

    /// The story, told again to its end on a store that works, ends as it should; the person gets in.
    async fn settles(&self, auth: &Auth, account: Option<AccountId>, at: &str) -> AccountId {
        let visit = auth.visit(somebody());
        let by = |word| visit.sign_in().with(name(self.story), Password::word(word));
        match (self.story, &self.before) {
            (Story::SignUp, _) => {
                let end = match by(WORD).await.unwrap() {
                    Step::Done(end) => end,
                    Step::Refused(why) if why.code.as_str() == "wrong" => {
                        register(auth, &self.outbox, &visit, name(self.story), Password::word(WORD)).await
                    }
                    other => panic!("{at}: {other:?}"),
                };
                // One account, whole: it signs in, and a second registration is not offered a code.
                assert_eq!(
                    by(WORD).await.map(done).unwrap().session.account(),
                    end.session.account(),
                    "{at}"
                );
                self.hands.advance(3600);
                let sent = self.outbox.all(auth).await.len();
                drop(visit.sign_up(name(self.story), "Пётр", "1").await.unwrap());
                let all = self.outbox.all(auth).await;
                assert_eq!(all.len(), sent + 1, "{at}");
                assert!(all.iter().rev().take(1).all(|message| message.param("code").is_none()), "{at}");
                return end.session.account();
            }
            (Story::Change | Story::Recover, _) => {
                let (old, new) = (by(WORD).await.unwrap(), by(NEW_WORD).await.unwrap());
                let works = |step: &Step| matches!(step, Step::Done(_));
                assert!(works(&old) != works(&new), "{at}: {old:?} {new:?}");
                assert!(self.acknowledged.borrow().is_empty() || works(&new), "{at}: the change was lost");
            }
            (Story::Duty, Some((here, there))) => {
                let given = *self.given.borrow();
                let (old, new) = (by(given).await.unwrap(), by(NEW_WORD).await.unwrap());
                // Before the change: the temporary one, and no session by it. After it: the new one, and no other.
                let before = matches!(&old, Step::Pending(next) if next.due == Some(Due::Temporary));
                let after = matches!(new, Step::Done(_));
                assert!(before != after && !matches!(old, Step::Done(_)), "{at}: {old:?} {new:?}");
                assert!(self.acknowledged.borrow().is_empty() || after, "{at}: the change was lost");
                for end in [here, there] {
                    assert!(auth.session(&end.token).await.unwrap().is_none(), "{at}");
                }
                if let Step::Pending(next) = old {
                    let _ = done(visit.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap());
                }
                let _ = done(by(NEW_WORD).await.unwrap());
            }
            (Story::Issue, Some((here, there))) => {
                // The old one opens, or the sessions that it opened are gone with it.
                let works = matches!(by(WORD).await.unwrap(), Step::Done(_));
                for end in [here, there] {
                    assert_eq!(auth.session(&end.token).await.unwrap().is_some(), works, "{at}");
                }
                let given = *self.given.borrow();
                assert!(given.is_empty() || !works, "{at}: what was issued was lost");
                // Issued again, it opens, and nothing before it does.
                let again = issue(auth, here.session.account()).await.unwrap();
                for dead in [WORD, given].into_iter().filter(|dead| !dead.is_empty()) {
                    assert_eq!(no(&by(dead).await.unwrap()), "wrong", "{at}");
                }
                let next = pending(by(again).await.unwrap());
                let _ = done(visit.answer(&next.flow, Password::word(NEW_WORD)).await.unwrap());
            }
            (Story::Refresh, Some((here, there))) => {
                // The same pair for the same token within the grace; then it is over, and the other session is not.
                let old = here.refresh.as_ref().unwrap();
                let (mut ends, told) = (BTreeSet::new(), !self.acknowledged.borrow().is_empty());
                for _ in 0..3 {
                    match visit.refresh(old).await.unwrap() {
                        Refreshed::Done(next) => drop(ends.insert(next.token.expose().as_str().to_owned())),
                        // Its successor was used.
                        Refreshed::Refused(why) => {
                            let codes = ["refresh_reused", "no_session"];
                            assert!(codes.contains(&why.code.as_str()) && ends.is_empty(), "{at}: {why:?}");
                        }
                        other => panic!("{at}: {other:?}"),
                    }
                }
                assert!(ends.len() <= 1 && !(told && ends.len() == 1), "{at}: {} successors", ends.len());
                self.hands.advance(60);
                assert!(matches!(visit.refresh(old).await.unwrap(), Refreshed::Refused(_)), "{at}");
                let other = visit.refresh(there.refresh.as_ref().unwrap()).await.unwrap();
                assert!(matches!(other, Refreshed::Done(_)), "{at}");
            }
            (Story::RefreshAgain, Some((here, there))) => {
                for _ in 0..2 {
                    let end = visit.refresh(here.refresh.as_ref().unwrap()).await.unwrap();
                    assert!(matches!(end, Refreshed::Refused(_)), "{at}");
                }
                let live = auth.sessions(here.session.account()).await.unwrap();
                let live: Vec<_> = live.iter().map(|one| one.session.id()).collect();
                assert_eq!(
                    live,
                    [there.session.id()],
                    "{at}: the family lives, or another has ended with it"
                );
                let told = self.outbox.all(auth).await;
                let told = told.iter().filter(|one| one.template.as_str() == "refresh-reused").count();
                assert_eq!(told, 1, "{at}: the owner was told so often");
            }
            (Story::Switch, Some((here, there))) => {
                // Two sessions as before, whatever was cut: one of them under its old token, or under a new one.
                assert!(auth.session(&here.token).await.unwrap().is_some(), "{at}");
                assert_eq!(auth.sessions(here.session.account()).await.unwrap().len(), 2, "{at}");
                let old = auth.session(&there.token).await.unwrap().is_some();
                assert!(!old || self.acknowledged.borrow().is_empty(), "{at}: the old token is good still");
                let again = visit.switch(&there.token).await.unwrap();
                assert_eq!(matches!(again, Step::Done(_)), old, "{at}: {again:?}");
                assert!(auth.session(&there.token).await.unwrap().is_none(), "{at}");
            }
            (Story::SignOut, Some((here, there))) => {
                visit.sign_out(&here.token).await.unwrap();
                assert!(auth.session(&here.token).await.unwrap().is_none(), "{at}");
                assert!(auth.session(&there.token).await.unwrap().is_some(), "{at}");
            }
            (Story::EndOne, Some((here, there))) => {
                let _ = visit.end_session(&here.session, there.session.id()).await.unwrap();
                assert!(auth.session(&there.token).await.unwrap().is_none(), "{at}");
                assert!(auth.session(&here.token).await.unwrap().is_some(), "{at}");
            }
            (Story::EndOthers, Some((here, there))) => {
                assert_ne!(visit.end_other_sessions(&here.session).await.unwrap(), Effect::NoSession, "{at}");
                assert!(auth.session(&there.token).await.unwrap().is_none(), "{at}");
                assert!(auth.session(&here.token).await.unwrap().is_some(), "{at}");
            }
            (Story::SwitchOff, Some((here, there))) => {
                auth.disable(here.session.account(), &somebody()).await.unwrap();
                for end in [here, there] {
                    assert!(auth.session(&end.token).await.unwrap().is_none(), "{at}");
                }
                assert_eq!(refused(by(WORD).await.unwrap()).code.as_str(), "wrong", "{at}");
                auth.enable(here.session.account(), &somebody()).await.unwrap();
            }
            (Story::Lock, Some((here, there))) => {
                let account = here.session.account();
                let locked = auth.account(account).await.unwrap().unwrap().lock.is_some();
                for end in [here, there] {
                    assert_eq!(auth.session(&end.token).await.unwrap().is_none(), locked, "{at}");
                }
                assert_eq!(no(&by(WORD).await.unwrap()) == "wrong", locked, "{at}");
                assert_eq!(auth.unlock(account, &somebody()).await.unwrap().is_done(), locked, "{at}");
            }
            (Story::Unlock, Some((here, there))) => {
                let account = here.session.account();
                let locked = auth.account(account).await.unwrap().unwrap().lock.is_some();
                assert_eq!(no(&by(WORD).await.unwrap()) == "wrong", locked, "{at}");
                assert_eq!(auth.unlock(account, &somebody()).await.unwrap().is_done(), locked, "{at}");
                for end in [here, there] {
                    assert!(auth.session(&end.token).await.unwrap().is_none(), "{at}: it lives again");
                }
            }
            (Story::Unusual, _) => {
                // What was asked for stays asked for, however far the one before came.
                let next = pending(by(WORD).await.unwrap());
                assert!(next.unusual, "{at}: let in by a password alone");
            }
            (Story::NotMe, Some((here, there))) => {
                let account = here.session.account();
                let locked = auth.account(account).await.unwrap().unwrap().lock.is_some();
                let told = *self.given.borrow() == "locked";
                assert!(locked || !told, "{at}: what was acknowledged is lost");
                for end in [here, there] {
                    assert_eq!(auth.session(&end.token).await.unwrap().is_none(), locked, "{at}");
                }
                assert_eq!(no(&by(WORD).await.unwrap()) == "wrong", locked, "{at}");
                let link = self.secret.borrow().clone();
                for _ in 0..2 {
                    let end = visit.object(&link).await.unwrap();
                    assert!(matches!(end, Objected::To(Objection::NotMe)), "{at}: {end:?}");
                }
                let lines = auth.history(account, EventPage::newest(1000)).await.unwrap();
                let lines = lines.iter().filter(|line| line.name.as_str() == "account-locked").count();
                let sent = self.outbox.all(auth).await;
                let sent = sent.iter().filter(|one| one.template.as_str() == "locked").count();
                assert_eq!((lines, sent), (1, 1), "{at}: locked, and told of it");
                assert!(auth.sessions(account).await.unwrap().is_empty(), "{at}");
                assert!(auth.unlock(account, &somebody()).await.unwrap().is_done(), "{at}");
            }
            (Story::Inbox, Some((here, _))) => {
                let read = async || {
                    let told = auth.inbox(here.session.account(), None, 10, Locale::En).await.unwrap();
                    told.into_iter().map(|one| (one.id, one.text.body)).collect::<Vec<_>>()
                };
                let told = read().await;
                assert!(!told.is_empty() && told == read().await, "{at}: reading it has changed it");
                assert!(auth.session(&here.token).await.unwrap().is_some(), "{at}");
            }
            (Story::StopRecovery, Some((here, _))) => {
                let account = here.session.account();
                let waits = async || auth.recoveries(account).await.unwrap().iter().any(|one| !one.stopped);
                let still = waits().await;
                let stopped = *self.secret.borrow() == "stopped";
                assert!(!(still && stopped), "{at}: what was acknowledged is lost");
                assert_eq!(visit.stop_recovery(&here.session).await.unwrap().is_done(), still, "{at}");
                assert!(!waits().await, "{at}");
            }
            (Story::Undo, Some((here, there))) => {
                let account = here.session.account();
                let there_still = auth.contacts(account).await.unwrap().len() == 2;
                let secret = self.secret.borrow().clone();
                assert!(!(there_still && secret == "undone"), "{at}: what was acknowledged is lost");
                for end in [here, there] {
                    assert_eq!(auth.session(&end.token).await.unwrap().is_some(), there_still, "{at}");
                }
                let step = visit.sign_in().with(OTHER_PHONE, Password::word(WORD)).await.unwrap();
                assert_eq!(matches!(step, Step::Done(_)), there_still, "{at}: {step:?}");
                if there_still {
                    let end = visit.object(&secret).await.unwrap();
                    assert!(matches!(end, Objected::To(Objection::UndoContact)), "{at}: {end:?}");
                }
                assert_eq!(auth.contacts(account).await.unwrap().len(), 1, "{at}");
            }
            (Story::Close | Story::Reopen, Some((here, there))) => {
                let account = here.session.account();
                let closing = auth.account(account).await.unwrap().unwrap().erased_at.is_some();
                let (told, opened) =
                    (*self.secret.borrow() == "closed", !self.acknowledged.borrow().is_empty());
                assert!((!told || closing) && !(opened && closing), "{at}: what was acknowledged is lost");
                if closing {
                    for end in [here, there] {
                        assert!(auth.session(&end.token).await.unwrap().is_none(), "{at}");
                    }
                    assert!(auth.sessions(account).await.unwrap().is_empty(), "{at}");
                    let next = pending(by(WORD).await.unwrap());
                    let _ = done(visit.reopen(&next.flow).await.unwrap());
                }
            }
            (Story::SignInByBackupCode, Some((here, _))) => {
                let left = BackupCodes::left(auth, here.session.account()).await.unwrap();
                let spent = !self.acknowledged.borrow().is_empty();
                assert!(left == Some(9) || left == Some(10) && !spent, "{at}: {left:?} codes are left");
            }
            (Story::Approve, _) => {
                // Used up, or not yet: whoever holds the session that it was given to is told "approved" once at the most.
                let paid = *self.secret.borrow() == "paid";
                let (acknowledged, mut told) = (self.acknowledged.borrow().clone(), 0);
                for token in acknowledged {
                    for _ in 0..2 {
                        let step = visit.approve(&token, Requirement::aal(Aal::One), fine()).await.unwrap();
                        told += usize::from(matches!(step, Step::Done(_)));
                    }
                }
                assert!(told <= usize::from(!paid), "{at}: carried out {told} times more");
            }
            (Story::Remove, Some((here, _))) => {
                let held = auth.credentials(here.session.account()).await.unwrap();
                let held = held.iter().any(|one| one.factor == Totp::NAME);
                let told = !self.acknowledged.borrow().is_empty();
                assert!(!(held && told), "{at}: it is still there");
            }
            (Story::Contact, Some((here, _))) => {
                let all = auth.contacts(here.session.account()).await.unwrap();
                let told = !self.acknowledged.borrow().is_empty();
                assert!(all.len() == 1 && (!told || all[0].address.as_str() == OTHER_PHONE), "{at}: {all:?}");
                for name in [PHONE, OTHER_PHONE] {
                    let step = visit.sign_in().with(name, Password::word(WORD)).await.unwrap();
                    let works = matches!(step, Step::Done(_));
                    assert_eq!(works, all[0].address.as_str() == name, "{at}: {name}: {step:?}");
                }
            }
            (Story::EnrolTotp, Some((here, _))) => {
                let held = auth.credentials(here.session.account()).await.unwrap();
                let held = held.iter().filter(|one| one.factor == Totp::NAME).count();
                let told = !self.acknowledged.borrow().is_empty();
                assert!(held == 1 || held == 0 && !told, "{at}: {held} authenticators");
                if held == 1 {
                    let next = pending(by(WORD).await.unwrap());
                    let _ = done(visit.answer(&next.flow, self.totp().answer()).await.unwrap());
                }
            }
            _ => {}
        }
        self.hands.advance(3600);
        let other = [Story::Change, Story::Duty, Story::Issue, Story::Recover, Story::Contact];
        if !other.contains(&self.story) {
            let _ = sign_in(auth, &self.outbox, self.story, WORD).await;
        }
        account.unwrap()
    }
}

const OTHER_PHONE: &str = "+79160000002";
/// The stories of refresh tokens are of a client that asks for them.
fn asking(story: Story) -> Client {
    somebody().refreshing(matches!(story, Story::Refresh | Story::RefreshAgain))
}

fn given(end: Refreshed) -> Box<Done> {
    match end {
        Refreshed::Done(done) => done,
        other => panic!("{other:?}"),
    }
}

/// Whether it was closed; by a code of which `clean` delivers the message.
async fn close_by(auth: &Auth, outbox: &Outbox, clean: &Auth, session: &Token) -> Result<bool, Broken> {
    let visit = auth.visit(somebody());
    let Closing::Prove(step) = visit.close(session).await? else { panic!("closed without a proof") };
    let next = pending(visit.answer(&pending(step).flow, Password::word(WORD)).await?);
    let next = pending(visit.begin(&next.flow, &Code::sms_name()).await?);
    let code = outbox.code(clean).await;
    let end = done(visit.answer(&next.flow, Code::typed(Code::sms_name(), &code)).await?);
    Ok(matches!(visit.close(&end.token).await?, Closing::Closed { .. }))
}

/// Another number is added.
async fn add_phone(auth: &Auth, outbox: &Outbox, session: &Token) -> Box<Done> {
    let visit = auth.visit(somebody());
    let next = pending(visit.add_contact(session, OTHER_PHONE, None).await.unwrap());
    let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    let by_code = async |next: Box<Next>| {
        let next = pending(visit.begin(&next.flow, &Code::sms_name()).await.unwrap());
        let code = Code::typed(Code::sms_name(), &outbox.code(auth).await);
        visit.answer(&next.flow, code).await.unwrap()
    };
    let next = pending(by_code(next).await);
    done(by_code(next).await)
}

/// The secret of the link in the notice that came last.
async fn objection(auth: &Auth, outbox: &Outbox) -> String {
    let sent = outbox.all(auth).await;
    let link = sent.iter().rev().find_map(|message| message.param("objection")).unwrap();
    link.split_once("?o=").unwrap().1.to_owned()
}

async fn close(auth: &Auth, outbox: &Outbox, session: &Token) -> Result<bool, Broken> {
    close_by(auth, outbox, auth, session).await
}

fn fine() -> Transaction {
    Transaction::new("fine:pay").with("Сумма", "500,00 ₽")
}

/// Kept for as long as the process: stories hold their words as text that never goes away.
async fn issue(auth: &Auth, account: AccountId) -> Result<&'static str, Broken> {
    let day = Duration::from_secs(24 * 3600);
    match Password::issue_temporary(auth, account, day, &somebody()).await? {
        Issued::Password(made) => Ok(String::from(made.expose_str().unwrap()).leak()),
        other => panic!("{other:?}"),
    }
}

fn no(step: &Step) -> &'static str {
    match step {
        Step::Refused(why) => why.code.as_str(),
        _ => "not refused",
    }
}

/// A process of its own over the same store.
fn node(memory: &MemoryStore, story: Story, hands: &Hands, outbox: &Outbox) -> Auth {
    factors(portal::portal(memory, profile(story)))
        .clock(hands.clone())
        .sender(outbox.clone())
        .build()
        .unwrap()
}

fn factors(builder: propusk::auth::Builder) -> propusk::auth::Builder {
    portal::every_factor(builder).factor(Totp::default()).factor(BackupCodes::default())
}

fn profile(story: Story) -> Profile {
    let mut profile = match second(story) {
        Some(_) => Profile::public_portal(),
        None => Profile::nist_aal1(),
    };
    if story == Story::Unusual {
        // A new browser is enough.
        profile.suspicion.more = Some(20);
    }
    profile
}

/// The code that comes after the password, in a profile that wants two.
fn second(story: Story) -> Option<propusk::id::FactorName> {
    match story {
        Story::SignInByTwo => Some(Code::email_name()),
        Story::SignInByTotp | Story::SignInByBackupCode | Story::EnrolTotp | Story::Remove => {
            Some(Code::sms_name())
        }
        _ => None,
    }
}

fn name(story: Story) -> &'static str {
    match story {
        Story::SignInByTwo => EMAIL,
        _ => PHONE,
    }
}

async fn sign_in(auth: &Auth, outbox: &Outbox, story: Story, word: &str) -> Box<Done> {
    let visit = auth.visit(asking(story));
    let step = visit.sign_in().with(name(story), Password::word(word)).await.unwrap();
    let second = match (second(story), &step) {
        (Some(second), _) => second,
        // Wrong answers before it, at an account that was switched off: one proof more.
        (None, Step::Pending(next)) if next.unusual => Code::sms_name(),
        (None, _) => return done(step),
    };
    let next = pending(visit.begin(&pending(step).flow, &second).await.unwrap());
    let code = outbox.code(auth).await;
    done(visit.answer(&next.flow, Code::typed(second, &code)).await.unwrap())
}

/// How often something was accepted to its end.
async fn accepts(auth: &Auth, account: AccountId) -> usize {
    let ends = [
        "sign-up",
        "sign-in",
        "credential-changed",
        "credential-added",
        "credential-removed",
        "step-up",
        "transaction-approved",
        "recovery",
        "contact-changed",
    ];
    let events = auth.history(account, EventPage::newest(1000)).await.unwrap();
    let done = events.iter().filter(|event| event.outcome == Outcome::Done);
    done.filter(|event| ends.contains(&event.name.as_str())).count()
}

/// Each session has the event that began it, and that is in the history.
async fn whole(auth: &Auth, account: AccountId, at: &str) {
    let events = auth.history(account, EventPage::newest(1000)).await.unwrap();
    for listed in auth.sessions(account).await.unwrap() {
        let id = listed.session.id();
        assert!(listed.from.is_some(), "{at}: a session without an event");
        assert!(events.iter().any(|event| event.id.as_bytes() == id.as_bytes()), "{at}: not in the history");
    }
}

trait Names {
    fn sms_name() -> propusk::id::FactorName {
        propusk::id::FactorName::new("sms-code")
    }
    fn email_name() -> propusk::id::FactorName {
        propusk::id::FactorName::new("email-code")
    }
}
impl Names for Code {}

/// How a story ended, and at how many points it waited for something that was no store.
struct Told {
    /// `None`: it was dropped.
    end: Option<Result<(), Broken>>,
    waits: usize,
}

struct Bell {
    thread: Thread,
    rung: AtomicBool,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

/// Polls by hand; goes on only when woken, so that each pending poll is an await of its own.
fn tell(stage: &Stage, cut: Cut) -> Told {
    let bell = Arc::new(Bell { thread: thread::current(), rung: AtomicBool::new(false) });
    let waker = Waker::from(bell.clone());
    if let Cut::Call(nth, fault) = cut {
        stage.faulty.plan(nth, fault);
    }
    let mut story = pin!(stage.play());
    let mut waits = 0;
    loop {
        if let Poll::Ready(end) = story.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Told { end: Some(end), waits };
        }
        let hangs = matches!(cut, Cut::Call(nth, Fault::HangsBefore | Fault::HangsAfter) if stage.faulty.calls() > nth);
        if hangs || cut == Cut::Hash(waits) {
            return Told { end: None, waits };
        }
        waits += 1;
        while !bell.rung.swap(false, Ordering::SeqCst) {
            thread::park();
        }
    }
}

struct Counts {
    story: Story,
    calls: usize,
    hashes: usize,
    kills: usize,
    drops: usize,
}

fn run(story: Story) -> Counts {
    // Once to its end: how many arrows there are.
    let stage = block_on(Stage::set(story, false));
    let told = tell(&stage, Cut::Never);
    told.end.unwrap().unwrap();
    let calls = stage.faulty.calls();
    let hashes = usize::try_from(stage.auth.hashes().computed()).unwrap();
    // The wrappers count the same, and whatever else was waited for was a hash: no await is unknown to this test.
    let log = stage.log.calls();
    assert_eq!(log.len(), calls);
    assert!(told.waits <= hashes, "{story:?} waits for something that is neither store nor hash");
    block_on(stage.judge(Cut::Never));

    let mut counts = Counts { story, calls, hashes, kills: 0, drops: 0 };
    for (nth, call) in log.iter().enumerate() {
        for fault in [Fault::FailsBefore, Fault::FailsAfter, Fault::HangsBefore, Fault::HangsAfter] {
            let cut = Cut::Call(nth, fault);
            let stage = block_on(Stage::set(story, false));
            match (tell(&stage, cut).end, fault) {
                // When a session was last used is not worth an answer: a store that can only be read still knows
                // who is signed in.
                (Some(Ok(())), Fault::FailsBefore | Fault::FailsAfter) if call.writes == ["TouchSession"] => {
                    counts.kills += 1;
                }
                (Some(Err(Broken::Store(_))), Fault::FailsBefore | Fault::FailsAfter) => counts.kills += 1,
                (None, Fault::HangsBefore | Fault::HangsAfter) => counts.drops += 1,
                (end, _) => panic!("{story:?} {cut:?}: a broken store was taken for an answer: {end:?}"),
            }
            block_on(stage.judge(cut));
        }
    }
    for nth in 0..hashes {
        let cut = Cut::Hash(nth);
        // A hash that is ready before it is waited for cannot be dropped: once more.
        let dropped = (0..20).any(|_| {
            let stage = block_on(Stage::set(story, true));
            let dropped = tell(&stage, cut).end.is_none();
            block_on(stage.judge(cut));
            dropped
        });
        assert!(dropped, "{story:?} {cut:?} was never reached");
        counts.drops += 1;
    }
    counts
}

#[test]
fn a_kill_or_a_drop_at_any_arrow_means_sign_in_again() {
    let all: Vec<Counts> = thread::scope(|scope| {
        let told: Vec<_> = STORIES.map(|story| scope.spawn(move || run(story))).into_iter().collect();
        told.into_iter().map(|one| one.join().unwrap()).collect()
    });
    println!("{:<18}{:>6}{:>8}{:>7}{:>7}", "story", "calls", "hashes", "kills", "drops");
    for one in &all {
        let story = format!("{:?}", one.story);
        println!("{story:<18}{:>6}{:>8}{:>7}{:>7}", one.calls, one.hashes, one.kills, one.drops);
        assert!(one.calls > 0);
        assert_eq!(one.kills, 2 * one.calls, "{story}: an arrow without its kills");
        assert_eq!(one.drops, 2 * one.calls + one.hashes, "{story}: an await without its drops");
    }
    let sum = |of: fn(&Counts) -> usize| all.iter().map(of).sum::<usize>();
    println!("counted: kills at store calls, seed -, count {}", sum(|one| one.kills));
    println!("counted: drops at awaits, seed -, count {}", sum(|one| one.drops));
}

/// The stories are every step that changes something: a new one without its kills fails.
#[test]
fn every_way_to_change_something_has_a_story() {
    let ways = |source: &'static str| -> BTreeSet<&'static str> {
        source
            .split("pub async fn ")
            .skip(1)
            .filter_map(|rest| rest.split_once('(').map(|(name, _)| name))
            .collect()
    };
    let flows: BTreeSet<_> = [
        include_str!("../src/flow.rs"),
        include_str!("../src/flow/contact.rs"),
        include_str!("../src/flow/owner.rs"),
        include_str!("../src/flow/recover.rs"),
    ]
    .into_iter()
    .flat_map(ways)
    .collect();
    let told = [
        "sign_up",
        "start",
        "with",
        "begin",
        "answer",
        "change",
        "enrol",
        "step_up",
        "approve",
        "remove",
        "refresh",
        "switch",
        "sign_out",
        "end_session",
        "end_other_sessions",
        "wait",
        "add_contact",
        "object",
    ];
    // The device that approves has its faults in `attacks/approvals`, `a_request_survives_a_failure_at_every_call`; whoever
    // follows a link has theirs in `tests/links.rs`.
    let approves = ["claim", "post", "look", "follow"];
    // Opens a flow by the same write as `start`; its steps are `begin` and `answer`.
    // A contact is taken away and preferred by the batch that puts one in its place; what stops and undoes is one batch, as
    // `disable` is.
    let alike = ["unnamed", "remove_contact", "prefer_contact", "stop_recovery", "objection"];
    let reads = ["recoveries", "contacts"];
    assert_eq!(
        flows,
        told.into_iter().chain(approves).chain(alike).chain(reads).collect(),
        "a step without a story"
    );
    assert_eq!(
        ways(include_str!("../src/flow/close.rs")),
        ["close", "reopen"].into(),
        "a step without a story"
    );
    // The application's `lock` and "not me" are the owner's with another reason; `unlock` is one batch, as `enable` is.
    let locks = ways(include_str!("../src/auth/lock.rs"));
    assert_eq!(locks, ["lock", "not_me", "unlock"].into(), "a change without a story");
    assert_eq!(ways(include_str!("../src/message/inbox.rs")), ["inbox"].into(), "a read without a story");
    let admin = ways(include_str!("../src/auth/admin.rs"));
    // A read, or one batch each, as `disable` is.
    let alike = ["account", "find", "set_level", "set_personal_data", "enable", "record"];
    assert_eq!(admin, ["disable"].into_iter().chain(alike).collect(), "a change without a story");
    let passwords = ways(include_str!("../src/factor/password/due.rs"));
    assert_eq!(passwords, ["issue_temporary", "mark_compromised"].into(), "a change without a story");
}
