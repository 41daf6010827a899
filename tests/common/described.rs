//! What is sent and received over HTTP, held against the description that the routes serve of themselves.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a test"
)]

use std::cell::RefCell;
use std::collections::HashMap;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;
use tower::ServiceExt;

use super::web::Reply;

/// A description whose schemas can be asked.
pub struct Description {
    pub document: Value,
    compiler: Compiler,
    schemas: Schemas,
}

thread_local! {
    static KNOWN: RefCell<HashMap<Vec<u8>, Description>> = RefCell::default();
}

/// Where the document lies for the validator.
const AT: &str = "https://portal.example/auth/openapi.json";

/// Panics when a request that was accepted or its reply is not as described.
pub async fn check(router: &Router, method: &Method, path: &str, sent: &[u8], reply: &Reply) {
    let path = path.split('?').next().unwrap();
    if !path.starts_with("/auth/") {
        return;
    }
    let asked = Request::get("/auth/openapi.json").body(Body::empty()).unwrap();
    let response = router.clone().oneshot(asked).await.unwrap();
    if response.status() != StatusCode::OK {
        return;
    }
    let text = to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec();
    KNOWN.with_borrow_mut(|known| {
        let description = known.entry(text.clone()).or_insert_with(|| Description::of(&text));
        description.holds(method, path, sent, reply);
    });
}

impl Description {
    pub fn of(text: &[u8]) -> Self {
        let document: Value = serde_json::from_slice(text).unwrap();
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        compiler.add_resource(AT, document.clone()).unwrap();
        Self { document, compiler, schemas: Schemas::new() }
    }

    /// The schema at a JSON pointer of the document.
    pub fn schema(&mut self, pointer: &str) -> SchemaIndex {
        let escaped = pointer.replace('{', "%7B").replace('}', "%7D");
        self.compiler
            .compile(&format!("{AT}#{escaped}"), &mut self.schemas)
            .unwrap_or_else(|error| panic!("{pointer}: {error:#}"))
    }

    /// Whether a value is as the schema at this pointer says, and else why not.
    pub fn judge(&mut self, pointer: &str, value: &Value) -> Result<(), String> {
        let schema = self.schema(pointer);
        self.schemas.validate(value, schema).map_err(|error| format!("{value} at {pointer}: {error:#}"))
    }

    /// The described path that this one is.
    pub fn path(&self, path: &str) -> Option<String> {
        let fits = |described: &&String| {
            let (mine, its) = (path.split('/'), described.split('/'));
            mine.clone().count() == its.clone().count()
                && mine.zip(its).all(|(mine, its)| its.starts_with('{') || mine == its)
        };
        self.document["paths"].as_object().unwrap().keys().find(fits).cloned()
    }

    fn holds(&mut self, method: &Method, path: &str, sent: &[u8], reply: &Reply) {
        let told = format!("{method} {path} {} {}", reply.status, String::from_utf8_lossy(&reply.body));
        // A HEAD is a GET whose body stays behind.
        let verb = if method == Method::HEAD { "get".to_owned() } else { method.as_str().to_lowercase() };
        let described = self.path(path).filter(|path| self.document["paths"][path][&verb].is_object());
        let Some(described) = described else {
            // No route of it: said in the same form as every refusal. Who may not ask at all is told that first.
            let code = reply.json()["code"].clone();
            assert!(["not_found", "method", "origin"].contains(&code.as_str().unwrap()), "{told}");
            self.judge("/components/schemas/Problem", &reply.json()).unwrap();
            return;
        };
        let operation = format!("/paths/{}/{verb}", described.replace('/', "~1"));
        let mut at = format!("{operation}/responses/{}", reply.status.as_u16());
        let mut response = self.document.pointer(&at).unwrap_or_else(|| panic!("not described: {told}"));
        if let Some(reference) = response["$ref"].as_str() {
            at = reference.trim_start_matches('#').to_owned();
            response = self.document.pointer(&at).unwrap();
        }
        match response["content"].as_object().cloned() {
            Some(_) if method == Method::HEAD => {}
            None => assert!(reply.body.is_empty(), "{told}"),
            Some(content) => {
                let kind = reply.headers[header::CONTENT_TYPE].to_str().unwrap();
                assert!(content.contains_key(kind), "{told}");
                let schema = format!("{at}/content/{}/schema", kind.replace('/', "~1"));
                self.judge(&schema, &reply.json()).unwrap_or_else(|error| panic!("{told}: {error}"));
            }
        }
        if reply.status.is_success() && self.document.pointer(&format!("{operation}/requestBody")).is_some() {
            let sent = serde_json::from_slice(sent).unwrap();
            let schema = format!("{operation}/requestBody/content/application~1json/schema");
            self.judge(&schema, &sent).unwrap_or_else(|error| panic!("accepted: {error}"));
        }
    }
}
