//! The same calls in the same process and over HTTP with cookies.

use std::sync::Arc;
use std::time::Duration;

use propusk::clock::SystemEntropy;
use propusk::flow::Next;
use propusk::human::HumanFor;
use propusk::id::FactorName;
use propusk::policy::Requirement;
use propusk::{Answer, Auth, Client, Step, Token, Visit};
use serde_json::{Value, json};

use crate::portal::WORD;
use crate::wire::{Line, Reply};

const FLOW: &str = "__Host-propusk-flow";
const SESSION: &str = "__Host-propusk";
const BROWSER: &str = "__Host-propusk-browser";

/// A way to one node.
#[derive(Clone)]
pub struct Door {
    auth: Auth,
    /// `None`: in the same process.
    line: Option<Arc<Line>>,
}

/// A flow, with what its client holds beside its token.
#[derive(Clone, Debug)]
pub struct Open {
    pub flow: Token,
    binding: Token,
    session: Option<Token>,
    /// What the client was shown.
    pub prompt: Option<Value>,
    pub duty: Option<String>,
}

/// What a flow gave at its end.
#[derive(Debug)]
pub struct Ended {
    pub token: Token,
    /// What the browser is known by from now on, where that is new.
    pub browser: Option<Token>,
}

/// How a call ended.
#[derive(Debug)]
pub enum End {
    Done(Ended),
    Pending(Box<Open>),
    Refused(String),
}

impl End {
    pub fn code(&self) -> String {
        match self {
            Self::Done(_) => "done".to_owned(),
            Self::Pending(_) => "pending".to_owned(),
            Self::Refused(code) => code.clone(),
        }
    }

    #[track_caller]
    pub fn pending(self) -> Open {
        if let Self::Pending(open) = self { *open } else { panic!("{self:?}") }
    }

    #[track_caller]
    pub fn done(self) -> Token {
        if let Self::Done(ended) = self { ended.token } else { panic!("{self:?}") }
    }
}

impl Door {
    pub fn new(auth: &Auth, line: Option<Arc<Line>>) -> Self {
        Self { auth: auth.clone(), line }
    }

    /// A sign-in by a browser that nobody knows; with a name and a password, or by nothing yet.
    pub async fn sign_in(&self, by: Option<(&str, &str)>) -> End {
        self.sign_in_from(by, None).await
    }

    /// The same by one with this cookie.
    pub async fn sign_in_from(&self, by: Option<(&str, &str)>, browser: Option<&Token>) -> End {
        let Some(line) = &self.line else {
            let binding = Token::random(&SystemEntropy).unwrap();
            let mut client = Client::unknown().bound_by(binding.clone());
            client.browsers.extend(browser.cloned());
            let visit = self.auth.visit(client);
            let step = match by {
                Some((name, word)) => visit.sign_in().with(name, propusk::Password::word(word)).await,
                None => visit.sign_in().unnamed().await,
            };
            return stepped(step.unwrap(), &binding, None);
        };
        let body = by.map_or_else(
            || json!({}),
            |(name, word)| json!({ "identifier": name, "factor": "password", "answer": { "password": word } }),
        );
        let cookies: Vec<_> = browser.iter().map(|token| (BROWSER, token.expose().to_string())).collect();
        replied(&line.post("/auth/sign-in", &cookies, &[], &body).await, None)
    }

    /// A registration, a recovery, or a sign-in by name and password, with the answer to a puzzle of the browser that has
    /// this binding.
    pub async fn puzzled(&self, who: &str, purpose: HumanFor, answer: &str, binding: &Token) -> End {
        let Some(line) = &self.line else {
            let visit = self.auth.visit(Client::unknown().bound_by(binding.clone()).human(answer));
            let step = match purpose {
                HumanFor::SignUp => visit.sign_up(who, "Иван Петров", "2026-01").await,
                HumanFor::Recover => visit.recover().start(who).await,
                _ => visit.sign_in().with(who, propusk::Password::word(WORD)).await,
            };
            return stepped(step.unwrap(), binding, None);
        };
        let (path, body) = match purpose {
            HumanFor::SignUp => (
                "/auth/sign-up",
                json!({ "contact": who, "name": "Иван Петров", "terms": "2026-01", "human": answer }),
            ),
            HumanFor::Recover => ("/auth/recover", json!({ "contact": who, "human": answer })),
            _ => {
                let word = json!({ "password": WORD });
                (
                    "/auth/sign-in",
                    json!({ "identifier": who, "factor": "password", "answer": word, "human": answer }),
                )
            }
        };
        let cookies = [(FLOW, binding.expose().to_string())];
        replied(&line.post(path, &cookies, &[], &body).await, Some((Some(binding), None)))
    }

    /// The beginning of a new credential, inside a session.
    pub async fn enrol(&self, session: &Token, factor: &FactorName) -> End {
        let Some(line) = &self.line else {
            let binding = Token::random(&SystemEntropy).unwrap();
            let visit = self.visit(&binding, Some(session));
            let step = visit.enrol(session, factor.clone()).await.unwrap();
            return stepped(step, &binding, Some(session));
        };
        let cookies = [(SESSION, session.expose().to_string())];
        let body = json!({ "factor": factor.as_str() });
        replied(&line.post("/auth/enrol", &cookies, &[], &body).await, Some((None, Some(session))))
    }

    /// More than the session has proven lately: two kinds, within five minutes.
    pub async fn step_up(&self, session: &Token) -> End {
        let Some(line) = &self.line else {
            let binding = Token::random(&SystemEntropy).unwrap();
            let asked = Requirement::two_factors().within(Duration::from_secs(300));
            let step = self.visit(&binding, Some(session)).step_up(session, asked).await.unwrap();
            return stepped(step, &binding, Some(session));
        };
        let cookies = [(SESSION, session.expose().to_string())];
        let body = json!({ "acr_values": "mfa", "max_age": 300 });
        replied(&line.post("/auth/step-up", &cookies, &[], &body).await, Some((None, Some(session))))
    }

    pub async fn begin(&self, open: &Open, factor: &FactorName) -> End {
        let Some(line) = &self.line else {
            let step =
                self.visit(&open.binding, open.session.as_ref()).begin(&open.flow, factor).await.unwrap();
            return stepped(step, &open.binding, open.session.as_ref());
        };
        let body = json!({ "flow": open.flow.expose().as_str(), "factor": factor.as_str() });
        replied(&line.post("/auth/flow/begin", &open.cookies(), &[], &body).await, Some(open.held()))
    }

    /// `answer` is JSON.
    pub async fn answer(&self, open: &Open, factor: &FactorName, answer: &str) -> End {
        let Some(line) = &self.line else {
            let wire = Answer::wire(factor.clone(), answer.as_bytes());
            let step =
                self.visit(&open.binding, open.session.as_ref()).answer(&open.flow, wire).await.unwrap();
            return stepped(step, &open.binding, open.session.as_ref());
        };
        let answer: Value = serde_json::from_str(answer).unwrap();
        let body = json!({
            "flow": open.flow.expose().as_str(), "factor": factor.as_str(), "answer": answer,
        });
        replied(&line.post("/auth/flow/answer", &open.cookies(), &[], &body).await, Some(open.held()))
    }

    fn visit(&self, binding: &Token, session: Option<&Token>) -> Visit {
        let mut client = Client::unknown().bound_by(binding.clone());
        client.session = session.cloned();
        self.auth.visit(client)
    }
}

impl Open {
    fn cookies(&self) -> Vec<(&'static str, String)> {
        let session = self.session.iter().map(|token| (SESSION, token.expose().to_string()));
        session.chain([(FLOW, self.binding.expose().to_string())]).collect()
    }

    fn held(&self) -> (Option<&Token>, Option<&Token>) {
        (Some(&self.binding), self.session.as_ref())
    }
}

fn stepped(step: Step, binding: &Token, session: Option<&Token>) -> End {
    match step {
        Step::Done(done) => End::Done(Ended { token: done.token, browser: done.browser }),
        Step::Refused(why) => End::Refused(why.code.as_str().to_owned()),
        Step::Pending(next) => {
            let Next { flow, begun, duty, .. } = *next;
            let prompt = begun.map(|(_, prompt)| serde_json::from_str(prompt.as_json()).unwrap());
            let duty = duty.map(|duty| duty.as_str().to_owned());
            let (binding, session) = (binding.clone(), session.cloned());
            End::Pending(Box::new(Open { flow, binding, session, prompt, duty }))
        }
    }
}

fn replied(reply: &Reply, held: Option<(Option<&Token>, Option<&Token>)>) -> End {
    let json = &reply.json;
    match json["status"].as_str() {
        Some("done") => {
            End::Done(Ended { token: reply.cookie(SESSION).unwrap(), browser: reply.cookie(BROWSER) })
        }
        Some("pending") => {
            let (binding, session) = held.unwrap_or_default();
            let binding = reply.cookie(FLOW).or_else(|| binding.cloned()).unwrap();
            let prompt = json["begun"].get("prompt").cloned();
            let duty = json["duty"].as_str().map(str::to_owned);
            let flow = Token::parse(json["flow"].as_str().unwrap()).unwrap();
            End::Pending(Box::new(Open { flow, binding, session: session.cloned(), prompt, duty }))
        }
        _ => {
            assert!(reply.status.is_client_error(), "{} {json}", reply.status);
            // A double click must not sign out whom the first one signed in: nothing is said of the session's cookie.
            assert!(!reply.sets(SESSION), "{json}");
            End::Refused(json["code"].as_str().unwrap().to_owned())
        }
    }
}
