//! A portal whose people have passkeys.

use propusk::auth::Builder;
use propusk::factor::passkey::Passkey;
use propusk::flow::{Done, Next};
use propusk::{Auth, Client, Password, Profile, Step, Token, Visit};
use serde_json::Value;

use crate::authenticator::{Device, wire};
use crate::site::{ORIGIN, Outbox, WORD, Watch, done, pending, portal_with, register};

pub const PHONE: &str = "+79161234567";

pub struct World {
    pub auth: Auth,
    pub outbox: Outbox,
    pub visit: Visit,
    pub watch: Watch,
}

impl World {
    pub fn new() -> Self {
        Self::with(Profile::public_portal(), |builder| builder.factor(Passkey::default()))
    }

    pub fn with(profile: Profile, change: impl FnOnce(Builder) -> Builder) -> Self {
        let watch = Watch::new();
        let (auth, outbox) = portal_with(profile, |builder| change(builder.clock(watch.clone())));
        let visit = auth.visit(Client::unknown());
        Self { auth, outbox, visit, watch }
    }

    pub fn minutes(&self, minutes: u64) {
        self.watch.forward(std::time::Duration::from_secs(60 * minutes));
    }

    pub async fn register(&self, contact: &str) -> Box<Done> {
        register(&self.auth, &self.outbox, &self.visit, contact).await
    }

    /// Proves what a sign-in takes and gives the flow in which a new key is to be made, with the browser's options.
    pub async fn offer(&self, session: &Token) -> (Token, String) {
        let next = pending(self.visit.enrol(session, Passkey::NAME).await.unwrap());
        let mut next = pending(self.visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
        if next.duty.is_none() {
            let code = next.offers.iter().find(|offer| offer.factor.as_str().ends_with("-code")).unwrap();
            let name = code.factor.clone();
            next = pending(self.visit.begin(&next.flow, &name).await.unwrap());
            let code = self.outbox.code(&self.auth).await;
            let answer = propusk::Code::typed(name, &code);
            next = pending(self.visit.answer(&next.flow, answer).await.unwrap());
        }
        self.begun(&next.flow).await
    }

    /// The same where there is a key already, which it takes: what reaches as far is added by no less.
    pub async fn offer_by(&self, session: &Token, key: &mut Device) -> (Token, String) {
        let next = pending(self.visit.enrol(session, Passkey::NAME).await.unwrap());
        let (flow, options) = self.begun(&next.flow).await;
        let next = pending(self.answer(&flow, &key.get(&options)).await);
        self.begun(&next.flow).await
    }

    pub async fn begun(&self, flow: &Token) -> (Token, String) {
        let next = pending(self.visit.begin(flow, &Passkey::NAME).await.unwrap());
        (next.flow.clone(), prompt(&next))
    }

    pub async fn enrol(&self, session: &Token, device: &mut Device) -> Box<Done> {
        let (flow, options) = self.offer(session).await;
        done(self.answer(&flow, &device.create(&options)).await)
    }

    pub async fn enrol_by(&self, session: &Token, by: &mut Device, device: &mut Device) -> Box<Done> {
        let (flow, options) = self.offer_by(session, by).await;
        done(self.answer(&flow, &device.create(&options)).await)
    }

    /// Somebody with a password and this key.
    pub async fn person(&self, contact: &str, device: &mut Device) -> Box<Done> {
        let session = self.register(contact).await;
        self.enrol(&session.token, device).await
    }

    /// A sign-in that names nobody.
    pub async fn unnamed(&self) -> (Token, String) {
        let next = pending(self.visit.sign_in().unnamed().await.unwrap());
        self.begun(&next.flow).await
    }

    /// A sign-in after its first proof, by password.
    pub async fn proven(&self, name: &str) -> Box<Next> {
        pending(self.visit.sign_in().with(name, Password::word(WORD)).await.unwrap())
    }

    pub async fn answer(&self, flow: &Token, answer: &Value) -> Step {
        self.visit.answer(flow, wire(answer)).await.unwrap()
    }

    /// A whole sign-in without a name, in a word.
    pub async fn try_unnamed(&self, device: &mut Device) -> &'static str {
        let (flow, options) = self.unnamed().await;
        said(&self.answer(&flow, &device.get(&options)).await)
    }
}

pub fn device() -> Device {
    Device::at(ORIGIN)
}

pub fn prompt(next: &Next) -> String {
    next.begun.as_ref().unwrap().1.as_json().to_owned()
}

pub fn offers(next: &Next) -> Vec<&str> {
    next.offers.iter().map(|offer| offer.factor.as_str()).collect()
}

/// How a step ended, in a word.
pub fn said(step: &Step) -> &'static str {
    match step {
        Step::Done(_) => "done",
        Step::Pending(_) => "pending",
        Step::Refused(why) => why.code.as_str(),
    }
}
