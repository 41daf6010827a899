//! Whoever guesses, over HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;

use propusk::Token;
use propusk::testing::Fault;
use serde_json::{Value, json};
use tokio::sync::Barrier;

use crate::RUN;
use crate::site::{Home, Proxies, Site};
use crate::wire::{Line, Reply};

/// From which browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    Stranger,
    /// One that the account knows: its cookie was stolen.
    Known,
}

/// A flow that a guesser has open.
pub(crate) struct Flow {
    token: String,
    binding: Token,
    address: String,
}

impl<H: Home> Site<H> {
    /// So many connections guess once each, all at once. How each ended.
    pub(crate) async fn at_once(&self, classes: &[Class], connections: usize) -> Vec<String> {
        let barrier = Arc::new(Barrier::new(connections));
        let guess = async |nth: usize| {
            let class = classes[nth / 2 % classes.len()];
            // Every third sends a code once more before it guesses.
            let opened = match self.open(nth, class, None).await {
                Ok((flow, _)) if self.begins() && nth.is_multiple_of(3) => {
                    self.open(nth, class, Some(flow)).await
                }
                opened => opened,
            };
            let _ = barrier.wait().await;
            match opened {
                Ok((mut flow, sent)) => {
                    let code = self.wrong(nth, &sent);
                    self.answer(nth, class, &mut flow, &code).await
                }
                Err(code) => code,
            }
        };
        futures_util::future::join_all((0..connections).map(guess)).await
    }

    /// One after the other, twice as many as a hold lets pass, and the commit of each fails.
    pub(crate) async fn one_by_one(&self, classes: &[Class]) -> Vec<String> {
        let mut ends = Vec::new();
        // The first by each way shows how many calls a guess takes: the last of them is its commit.
        let mut commits = BTreeMap::new();
        for nth in 0..2 * RUN * classes.len() {
            let class = classes[nth / 2 % classes.len()];
            let Ok((mut flow, sent)) = self.open(nth, class, None).await else { continue };
            let code = self.wrong(nth, &sent);
            let faulty = &self.nodes[nth % 2].faulty;
            match commits.get(&(nth % 2, class)) {
                Some(commit) => faulty.plan(*commit, Fault::FailsBefore),
                None => faulty.mend(),
            }
            ends.push(self.answer(nth, class, &mut flow, &code).await);
            commits.entry((nth % 2, class)).or_insert(faulty.calls().saturating_sub(1));
            faulty.mend();
        }
        assert!(ends.iter().any(|end| end == "unavailable"), "{ends:?}");
        ends
    }

    /// A flow that stands where a code is asked for, or a further code in one that does, and the code that was sent.
    pub(crate) async fn open(
        &self,
        nth: usize,
        class: Class,
        before: Option<Flow>,
    ) -> Result<(Flow, String), String> {
        let line = self.line(nth);
        let mut flow = match before {
            Some(flow) => flow,
            None => {
                let address = self.address(nth);
                let more = [("x-forwarded-for", address.clone())];
                let reply =
                    line.post("/auth/sign-in", &self.cookies(class), &more, &self.beginning(nth)).await;
                let token = flow_of(&reply)?;
                let binding = reply.cookie("__Host-propusk-flow").unwrap();
                Flow { token, binding, address }
            }
        };
        if !self.begins() {
            return Ok((flow, String::new()));
        }
        let _one = self.sending.lock().await;
        let body = json!({ "flow": flow.token, "factor": self.factor().as_str() });
        let reply = self.send(line, "/auth/flow/begin", class, &flow, &body).await;
        match flow_of(&reply) {
            Ok(token) => flow.token = token,
            // Too soon: the one that was sent before is guessed.
            Err(code) if code == "too_soon" => {}
            Err(code) => return Err(code),
        }
        Ok((flow, self.outbox.code(&self.nodes[0].auth).await))
    }

    pub(crate) async fn answer(&self, nth: usize, class: Class, flow: &mut Flow, code: &str) -> String {
        let body = json!({
            "flow": flow.token, "factor": self.factor().as_str(), "answer": { "code": code },
        });
        let reply = self.send(self.line(nth), "/auth/flow/answer", class, flow, &body).await;
        let json = &reply.json;
        json["code"].as_str().or(json["status"].as_str()).unwrap().to_owned()
    }

    async fn send(&self, line: &Line, path: &str, class: Class, flow: &Flow, body: &Value) -> Reply {
        let mut cookies = self.cookies(class);
        cookies.push(("__Host-propusk-flow", flow.binding.expose().to_string()));
        line.post(path, &cookies, &[("x-forwarded-for", flow.address.clone())], body).await
    }

    fn cookies(&self, class: Class) -> Vec<(&'static str, String)> {
        match class {
            Class::Stranger => Vec::new(),
            Class::Known => vec![("__Host-propusk-browser", self.browser.expose().to_string())],
        }
    }

    fn line(&self, nth: usize) -> &Line {
        let lines = &self.nodes[nth % 2].lines;
        &lines[nth / 2 % lines.len()]
    }

    /// A made-up address; behind a proxy that tells what it saw, in front of a real one: one of a network of robots.
    fn address(&self, nth: usize) -> String {
        let made_up = format!("198.18.{}.{}", self.evaluated() % 256, nth);
        match self.proxies {
            Proxies::Right => format!("{made_up}, 203.0.113.{}", nth + 1),
            Proxies::BelieveAnybody => made_up,
        }
    }
}

fn flow_of(reply: &Reply) -> Result<String, String> {
    let json = &reply.json;
    json["flow"].as_str().map(str::to_owned).ok_or_else(|| json["code"].as_str().unwrap().to_owned())
}
