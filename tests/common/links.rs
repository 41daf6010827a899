//! A link in a letter: who asks for it, and who follows it.
#![allow(dead_code, reason = "each test uses a part")]

use propusk::flow::{Asking, Followed, Looked, Next};
use propusk::message::Message;
use propusk::{Auth, Client, Link, Step, Token, Visit};
use serde_json::Value;

/// What a link carries, and the whole of it.
pub(crate) fn address(message: &Message) -> Option<(String, String)> {
    let link = message.param("link")?;
    let (_, address) = link.split_once("?m=").unwrap_or_else(|| panic!("{link}"));
    Some((address.to_owned(), link.to_owned()))
}

/// A request on the screen of whoever asks.
pub(crate) struct Screen {
    pub(crate) visit: Visit,
    pub(crate) flow: Token,
    pub(crate) number: String,
}

impl Screen {
    pub(crate) fn of(visit: &Visit, next: &Next) -> Self {
        let (factor, prompt) = next.begun.as_ref().unwrap_or_else(|| panic!("{next:?}"));
        assert_eq!(*factor, Link::NAME);
        let shown: Value = serde_json::from_str(prompt.as_json()).unwrap();
        let number = shown["number"].as_str().unwrap().to_owned();
        assert_eq!(number.len(), 6);
        assert_eq!(shown.as_object().unwrap().len(), 3, "the address is in the letter alone: {shown}");
        Self { visit: visit.clone(), flow: next.flow.clone(), number }
    }

    /// Begins the challenge of a flow, or begins it again.
    pub(crate) async fn begin(visit: &Visit, flow: &Token) -> Self {
        match visit.begin(flow, &Link::NAME).await.unwrap() {
            Step::Pending(next) => Self::of(visit, &next),
            other => panic!("{other:?}"),
        }
    }

    /// A sign-in of this name.
    pub(crate) async fn sign_in(visit: &Visit, name: &str) -> Self {
        match visit.sign_in().start(name).await.unwrap() {
            Step::Pending(next) => Self::begin(visit, &next.flow).await,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn poll(&self) -> Step {
        self.visit.answer(&self.flow, Link::poll()).await.unwrap()
    }

    pub(crate) async fn told(&self) -> &'static str {
        in_a_word(&self.poll().await)
    }
}

/// A browser, known by the secret that binds its flows.
pub(crate) fn browser(auth: &Auth) -> Visit {
    auth.visit(Client::unknown().bound_by(auth.random_token().unwrap()))
}

pub(crate) fn in_a_word(step: &Step) -> &'static str {
    match step {
        Step::Done(_) => "done",
        Step::Pending(_) => "pending",
        Step::Refused(why) => why.code.as_str(),
    }
}

/// How following ended, in a word; `left`: it goes on elsewhere.
pub(crate) async fn follow(visit: &Visit, address: &str, letter: &str) -> &'static str {
    match visit.follow(address, letter).await.unwrap() {
        Followed::Step(step) => in_a_word(&step),
        Followed::Left => "left",
        other => panic!("{other:?}"),
    }
}

/// The step that following leads to.
pub(crate) async fn follow_here(visit: &Visit, address: &str) -> Step {
    match visit.follow(address, &Link::confirmation()).await.unwrap() {
        Followed::Step(step) => step,
        other => panic!("{other:?}"),
    }
}

/// `here`, `elsewhere`, or why there is nothing to see.
pub(crate) async fn look(visit: &Visit, address: &str) -> &'static str {
    match visit.look(address).await.unwrap() {
        Looked::Open { here: true, .. } => "here",
        Looked::Open { here: false, .. } => "elsewhere",
        Looked::Refused(why) => why.code.as_str(),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn asking(visit: &Visit, address: &str) -> Asking {
    match visit.look(address).await.unwrap() {
        Looked::Open { asking, .. } => *asking,
        other => panic!("{other:?}"),
    }
}
