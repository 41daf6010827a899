//! The same steps by the JSON routes: all that a client gets back, bytes that are random masked by their length.

use axum::http::header;
use propusk::axum::router;
use propusk::{Auth, Token};
use serde_json::{Value, json};

use crate::portal::WORD;
use crate::web::{Reply, Web};
use crate::world::masked;

pub(crate) struct Wire(Web);

impl Wire {
    /// `described`: held against the description of the routes; what is the same as that need not be.
    pub(crate) fn new(auth: &Auth, described: bool) -> Self {
        let mut web = Web::browser(&router(auth.clone()).unwrap());
        web.described = described;
        Self(web)
    }

    pub(crate) async fn sign_up(&mut self, contact: &str, name: &str) -> (String, Option<Token>) {
        let asked = json!({ "contact": contact, "name": name, "terms": "2026-01" });
        seen(self.0.post("/auth/sign-up", asked).await)
    }

    pub(crate) async fn comes_in(&mut self, who: &str) {
        self.0.jar.clear();
        self.0.sign_in(who, WORD).await.expect(200);
    }

    pub(crate) async fn adds(&mut self, address: &str) -> (String, Option<Token>) {
        let reply = self.0.post("/auth/contacts", json!({ "address": address })).await;
        if reply.status != 200 {
            return seen(reply);
        }
        let asked =
            json!({ "flow": reply.text("flow"), "factor": "password", "answer": { "password": WORD } });
        seen(self.0.post("/auth/flow/answer", asked).await)
    }

    pub(crate) async fn recover(&mut self, contact: &str) -> (String, Option<Token>) {
        seen(self.0.post("/auth/recover", json!({ "contact": contact })).await)
    }

    pub(crate) async fn sign_in(
        &mut self,
        identifier: &str,
        factor: Option<&str>,
        answer: Option<(&str, &str)>,
    ) -> (String, Option<Token>) {
        let factor = answer.map(|(factor, _)| factor).or(factor);
        let factor = factor.map_or(String::new(), |factor| format!(",\"factor\":{}", json!(factor)));
        // As it was typed: an answer need not be JSON.
        let answer = answer.map_or(String::new(), |(_, answer)| format!(",\"answer\":{answer}"));
        self.post("/auth/sign-in", format!("{{\"identifier\":{}{factor}{answer}}}", json!(identifier))).await
    }

    pub(crate) async fn begin(&mut self, flow: &Token, factor: &str) -> (String, Option<Token>) {
        let asked = json!({ "flow": *flow.expose(), "factor": factor });
        seen(self.0.post("/auth/flow/begin", asked).await)
    }

    pub(crate) async fn answer(
        &mut self,
        flow: &Token,
        (factor, answer): (&str, &str),
    ) -> (String, Option<Token>) {
        let (flow, factor) = (json!(*flow.expose()), json!(factor));
        let asked = format!("{{\"flow\":{flow},\"factor\":{factor},\"answer\":{answer}}}");
        self.post("/auth/flow/answer", asked).await
    }

    async fn post(&mut self, path: &str, body: String) -> (String, Option<Token>) {
        seen(self.0.raw(axum::http::Method::POST, path, body).await)
    }
}

fn seen(reply: Reply) -> (String, Option<Token>) {
    let json: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let flow = json["flow"].as_str();
    let mut body = masked(std::str::from_utf8(&reply.body).unwrap());
    if let Some(flow) = flow {
        body = body.replace(flow, &"*".repeat(flow.len()));
    }
    // Every header in the order in which it was sent, cookies with their attributes.
    let headers: Vec<String> = reply
        .headers
        .iter()
        .map(|(name, value)| {
            let mut value = value.to_str().unwrap().to_owned();
            if name == header::SET_COOKIE {
                let (cookie, rest) = value.split_once('=').unwrap();
                let (secret, attributes) = rest.split_once(';').unwrap();
                value = format!("{cookie}={};{attributes}", "*".repeat(secret.len()));
            }
            format!("{name}: {value}")
        })
        .collect();
    let head = match (json["status"].as_str(), json["code"].as_str()) {
        (Some(status), _) => status.to_owned(),
        (_, code) => format!("refused {:?} retry {}", code.unwrap_or("-"), json["retry_after"]),
    };
    (format!("{head} {} {headers:?} {body}", reply.status), flow.map(|flow| Token::parse(flow).unwrap()))
}
