//! Who lost something gets back in without the bar being lowered, and learns of everything that happens to the account:
//! recovery, changes of contacts, and the links in notices by which an owner objects.
#![cfg(all(feature = "sqlite", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "../common/house.rs"]
mod house;
#[path = "../common/otp.rs"]
mod otp;
#[path = "../common/portal.rs"]
mod portal;

mod contacts;
mod stories;
mod table;

use house::{House, SMS, offered, said};
use portal::{pending, refused};
use propusk::flow::{Done, Next};
use propusk::id::{AccountId, FactorName};
use propusk::message::Message;
use propusk::{Code, Password, Step, Token};

const MAIL: FactorName = FactorName::new("email-code");
const NEW: &str = "Совсем другие слова 9";

impl House {
    /// Recovers up to the first confirmation.
    async fn recovering(&self, contact: &str, lost: &[FactorName]) -> Box<Next> {
        let lost = lost.iter().cloned();
        let next = pending(self.visit.recover().lost(lost).start(contact).await.unwrap());
        let (factor, _) = next.begun.clone().unwrap();
        let code = self.code().await;
        pending(self.answer(&next.flow, Code::typed(factor, &code)).await)
    }

    /// A code by this factor, asked for and answered.
    async fn by(&self, next: &Next, factor: &FactorName) -> Step {
        let next = pending(self.visit.begin(&next.flow, factor).await.unwrap());
        let code = self.code().await;
        self.answer(&next.flow, Code::typed(factor.clone(), &code)).await
    }

    /// Goes on by password and SMS, whichever is asked for.
    async fn proving(&self, mut step: Step) -> Step {
        while let Step::Pending(next) = step {
            self.hands.advance(61);
            step = match offered(&next).contains(&"password") {
                true => self.answer(&next.flow, Password::word(portal::WORD)).await,
                false => self.by(&next, &SMS).await,
            };
        }
        step
    }

    async fn signs_in(&self, name: &str, word: &str) -> bool {
        matches!(self.visit.sign_in().with(name, Password::word(word)).await.unwrap(), Step::Pending(_))
    }

    /// Signs in by a password and a code to this phone.
    async fn signed(&self, phone: &str) -> Box<Done> {
        let word = Password::word(portal::WORD);
        let next = pending(self.visit.sign_in().with(phone, word).await.unwrap());
        ended(self.by(&next, &SMS).await)
    }

    /// Adds a contact, or puts it in the place of another.
    async fn contact(&self, session: &Token, address: &str, instead: Option<&str>) -> Step {
        let mine = self.auth.session(session).await.unwrap().unwrap().account();
        let all = self.auth.contacts(mine).await.unwrap();
        let id = instead.map(|old| all.iter().find(|one| one.address.as_str() == old).unwrap().id);
        let mut next = match self.visit.add_contact(session, address, id).await.unwrap() {
            Step::Pending(next) => next,
            other => return other,
        };
        for proof in [Some(Password::word(portal::WORD)), None] {
            if next.duty.is_none() {
                next = match proof {
                    Some(word) => pending(self.answer(&next.flow, word).await),
                    None => {
                        let factor = next.offers[0].factor.clone();
                        pending(self.by(&next, &factor).await)
                    }
                };
            }
        }
        let factor = next.offers[0].factor.clone();
        self.by(&next, &factor).await
    }

    /// What was sent last by this template, to whom.
    async fn last(&self, template: &str) -> Option<Message> {
        let all = self.outbox.all(&self.auth).await;
        all.into_iter().rev().find(|message| message.template.as_str() == template)
    }

    /// The newest link in what was sent by this template: not each contact gets one.
    async fn link(&self, template: &str) -> String {
        let all = self.outbox.all(&self.auth).await;
        let mut sent = all.iter().rev().filter(|message| message.template.as_str() == template);
        let link = sent.find_map(|message| message.param("objection")).unwrap();
        link.split_once("?o=").unwrap().1.to_owned()
    }

    async fn contacts(&self, of: AccountId) -> Vec<String> {
        let contacts = self.auth.contacts(of).await.unwrap();
        contacts.iter().map(|one| one.address.as_str().to_owned()).collect()
    }
}

fn ended(step: Step) -> Box<Done> {
    portal::done(step)
}
