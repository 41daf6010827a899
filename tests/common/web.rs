//! A browser and a program in front of the routes, without a network.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub, reason = "a test")]

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::portal::{ORIGIN, Outbox, WORD};
use propusk::Auth;

/// One client: what it sends with each request, and the cookies that it was given.
#[derive(Clone)]
pub struct Web {
    pub router: Router,
    pub peer: SocketAddr,
    /// Sent with each request; an empty value is not sent.
    pub headers: BTreeMap<&'static str, String>,
    pub jar: BTreeMap<String, String>,
    /// Whether what is sent and received is held against the description of the routes.
    pub described: bool,
}

#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Web {
    /// A browser on a page of the site.
    pub fn browser(router: &Router) -> Self {
        let headers = [
            ("origin", ORIGIN),
            ("sec-fetch-site", "same-origin"),
            ("accept-language", "en"),
            ("content-type", "application/json"),
        ];
        Self {
            router: router.clone(),
            peer: "192.0.2.1:4000".parse().unwrap(),
            headers: headers.map(|(name, value)| (name, value.to_owned())).into(),
            jar: BTreeMap::new(),
            described: true,
        }
    }

    /// A program that asks for a binding of its own.
    pub fn program(router: &Router) -> Self {
        Self::browser(router).with("origin", "").with("sec-fetch-site", "").with("propusk-binding", "new")
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.to_owned());
        self
    }

    pub fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        let mut request = Request::builder().method(method).uri(path).extension(ConnectInfo(self.peer));
        for (name, value) in self.headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, value.as_bytes());
        }
        let jar: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        match jar.is_empty() {
            true => request,
            false => request.header(header::COOKIE, jar.join("; ")),
        }
    }

    /// Sends as it is, and keeps the cookies that come back.
    pub async fn send(&mut self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for line in parts.headers.get_all(header::SET_COOKIE) {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            match value.is_empty() {
                true => self.jar.remove(name),
                false => self.jar.insert(name.to_owned(), value.to_owned()),
            };
        }
        let body = to_bytes(body, 1 << 20).await.unwrap().to_vec();
        Reply { status: parts.status, headers: parts.headers, body }
    }

    /// Sends, and holds what was sent and received against the description of the routes.
    pub async fn raw(&mut self, method: Method, path: &str, body: impl Into<Vec<u8>>) -> Reply {
        let body = body.into();
        let request = self.request(method.clone(), path).body(Body::from(body.clone())).unwrap();
        let reply = self.send(request).await;
        #[cfg(feature = "openapi")]
        if self.described {
            super::described::check(&self.router, &method, path, &body, &reply).await;
        }
        reply
    }

    pub async fn post(&mut self, path: &str, body: Value) -> Reply {
        self.raw(Method::POST, path, body.to_string()).await
    }

    pub async fn get(&mut self, path: &str) -> Reply {
        self.raw(Method::GET, path, "").await
    }

    pub async fn put(&mut self, path: &str, body: Value) -> Reply {
        self.raw(Method::PUT, path, body.to_string()).await
    }

    pub async fn delete(&mut self, path: &str) -> Reply {
        self.raw(Method::DELETE, path, "").await
    }

    /// Registers somebody, who is signed in then.
    pub async fn register(&mut self, auth: &Auth, outbox: &Outbox, contact: &str) -> Reply {
        let asked = json!({ "contact": contact, "name": "Иван Петров", "terms": "2026-01" });
        let reply = self.post("/auth/sign-up", asked).await.expect(200);
        let (flow, factor) = (reply.text("flow"), reply.json()["begun"]["factor"].clone());
        if self.headers.get("propusk-binding").is_some_and(|value| value == "new") {
            self.headers.insert("propusk-binding", reply.text("binding"));
        }
        let code = outbox.code(auth).await;
        let asked = json!({ "flow": flow, "factor": factor, "answer": { "code": code } });
        let flow = self.post("/auth/flow/answer", asked).await.expect(200).text("flow");
        let asked = json!({ "flow": flow, "factor": "password", "answer": { "password": WORD } });
        self.post("/auth/flow/answer", asked).await.expect(200)
    }

    pub async fn sign_in(&mut self, identifier: &str, password: &str) -> Reply {
        self.post("/auth/sign-in", by_password(identifier, password)).await
    }
}

impl Reply {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// A problem document of this status and code.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Self {
        let reply = self.expect(status);
        assert_eq!(reply.headers[header::CONTENT_TYPE], "application/problem+json");
        let json = reply.json();
        assert_eq!(
            (json["code"].as_str(), json["status"].as_u64()),
            (Some(code), Some(u64::from(status))),
            "{json}"
        );
        assert!(
            !json["detail"].as_str().unwrap().is_empty()
                && json["title"].is_string()
                && json["type"].is_string()
        );
        reply
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    #[track_caller]
    pub fn text(&self, field: &str) -> String {
        self.json()[field].as_str().unwrap_or_else(|| panic!("no {field} in {}", self.json())).to_owned()
    }

    /// The attributes of a Set-Cookie line, without the value.
    pub fn cookie(&self, name: &str) -> Option<Vec<String>> {
        let lines = self.headers.get_all(header::SET_COOKIE).iter().map(|line| line.to_str().unwrap());
        let line = lines.rev().find(|line| line.split('=').next() == Some(name))?;
        Some(line.split("; ").skip(1).map(str::to_owned).collect())
    }
}

pub fn by_password(identifier: &str, password: &str) -> Value {
    json!({ "identifier": identifier, "factor": "password", "answer": { "password": password } })
}
