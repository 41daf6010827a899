//! The description of the routes (OpenAPI 3.1), of one `Auth`: its factors say themselves what they are sent and show.
//!
//! By hand, beside the routes, and not by a macro on each handler: what a request may hold depends on the factors of
//! the builder, which no derive sees. `tests/http/openapi.rs` holds it against the routes, both ways, and every test over
//! HTTP holds what is sent and received against it.

mod operations;
mod preferences;
mod schemas;

use std::sync::OnceLock;

use ::axum::extract::State;
use ::axum::http::{HeaderValue, StatusCode, header};
use ::axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use self::operations::{ACCOUNTS, CONTACTS, OPERATIONS};
use super::cookies::Names;
use super::problem::{Fault, rank};
use super::{AuthHttp, caller};
use crate::auth::Auth;
use crate::error::Broken;
use crate::flow::Code;

/// The description of one `Auth`'s routes, written when it is first asked for: most never are.
pub(crate) struct Document {
    factors: Map<String, Value>,
    text: OnceLock<String>,
}

impl Document {
    /// What the factors say of themselves is read at once: what is no JSON does not build.
    pub(crate) fn of(auth: &Auth) -> Result<Self, Broken> {
        Ok(Self { factors: schemas::of_factors(auth)?, text: OnceLock::new() })
    }

    /// As JSON.
    pub(crate) fn text(&self, auth: &Auth, names: &Names) -> &str {
        self.text.get_or_init(|| document(auth, names, self.factors.clone()).to_string())
    }
}

fn document(auth: &Auth, names: &Names, factors: Map<String, Value>) -> Value {
    let site = auth.site();
    let mut paths = Map::new();
    for operation in OPERATIONS.iter().chain(ACCOUNTS).chain(CONTACTS) {
        let item = paths.entry(format!("/auth{}", operation.path)).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(operation.method.to_owned(), operation.json());
        }
    }
    json!({
        "openapi": "3.1.1",
        "info": { "title": site.name, "version": env!("CARGO_PKG_VERSION"), "description": ABOUT },
        "servers": [{ "url": site.origin }],
        "paths": paths,
        "components": {
            "schemas": schemas::all(factors),
            "responses": { "Step": step() },
            "securitySchemes": {
                "session": {
                    "type": "apiKey", "in": "cookie", "name": names.session,
                    "description": "A browser's session.",
                },
                "beside": {
                    "type": "apiKey", "in": "cookie", "name": names.beside,
                    "description": "Sessions of other accounts in the same browser.",
                },
                "bearer": { "type": "http", "scheme": "bearer", "description": "A program's session." },
                "binding": {
                    "type": "apiKey", "in": "cookie", "name": names.flow,
                    "description": "Binds flows to their browser. Set by the reply that begins one.",
                },
                "bindingHeader": {
                    "type": "apiKey", "in": "header", "name": caller::BINDING,
                    "description": "Binds flows to their program. `new` with the first step, then the `binding` \
                                    of its reply.",
                },
            },
        },
    })
}

pub(super) async fn serve(State(http): State<AuthHttp>) -> Response {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], http.openapi().to_owned()).into_response()
}

struct Operation {
    method: &'static str,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    /// The component that its body is.
    body: Option<&'static str>,
    answers: Answers,
    /// What else it may refuse, beside what any request may be.
    codes: &'static [&'static [Code]],
    faults: &'static [Fault],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answers {
    Step,
    StepOrNothing,
    Json(&'static str),
    Nothing,
    JsonOrNothing(&'static str),
    Document,
}

impl Operation {
    fn json(&self) -> Value {
        let mut responses = self.problems();
        let content = |schema: &str| json!({ "application/json": { "schema": reference(schema) } });
        let nothing = json!({ "description": "Done." });
        match self.answers {
            Answers::Step | Answers::StepOrNothing => {
                responses.insert("200".into(), json!({ "$ref": "#/components/responses/Step" }));
                if self.answers == Answers::StepOrNothing {
                    responses.insert("204".into(), nothing);
                }
            }
            Answers::Document => {
                let content = json!({ "application/json": { "schema": { "type": "object" } } });
                responses
                    .insert("200".into(), json!({ "description": "This document.", "content": content }));
            }
            Answers::Nothing => {
                responses.insert("204".into(), nothing);
            }
            Answers::Json(schema) | Answers::JsonOrNothing(schema) => {
                responses
                    .insert("200".into(), json!({ "description": "As asked.", "content": content(schema) }));
                if matches!(self.answers, Answers::JsonOrNothing(_)) {
                    responses.insert("204".into(), nothing);
                }
            }
        }
        let mut operation = json!({
            "operationId": self.id,
            "summary": self.summary,
            "responses": responses,
            "security": self.security(),
        });
        if let Some(body) = self.body {
            let body = json!({ "required": true, "content": content(body) });
            operation = with(operation, "requestBody", body);
        }
        let parameters = match self.path {
            "/history" => schemas::page(),
            "/messages" => preferences::page(),
            "/puzzle" => schemas::puzzle(),
            "/return" if self.method == "get" => json!([{
                "name": "m", "in": "query", "required": true, "schema": { "type": "string" },
                "description": "The link's own; nobody can guess it.",
            }]),
            "/objection" if self.method == "get" => json!([{
                "name": "o", "in": "query", "required": true, "schema": { "type": "string" },
                "description": "The link's own; nobody can guess it.",
            }]),
            path if path.contains("{id}") => json!([{
                "name": "id", "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" },
            }]),
            _ => return operation,
        };
        with(operation, "parameters", parameters)
    }

    fn security(&self) -> Value {
        let signed = self.codes.iter().any(|codes| codes.contains(&Code::NoSession));
        match (self.answers, signed) {
            (Answers::Document, _) => json!([]),
            _ if self.path.starts_with("/accounts") => {
                json!([{ "session": [] }, { "beside": [] }, { "bearer": [] }, {}])
            }
            _ if self.path == "/return" => json!([{ "binding": [] }, { "bindingHeader": [] }, {}]),
            (Answers::Step | Answers::StepOrNothing, false) => {
                json!([{ "binding": [] }, { "bindingHeader": [] }, {}])
            }
            (Answers::Step, true) if self.body != Some("FlowAnswer") => {
                json!([{ "session": [], "binding": [] }, { "bearer": [], "bindingHeader": [] }])
            }
            (Answers::Step | Answers::StepOrNothing, true) => {
                json!([{ "binding": [] }, { "bindingHeader": [] }])
            }
            // The token in the body is all that it takes; the header tells that no browser sends it.
            _ if self.path == "/token" => json!([{ "bindingHeader": [] }, { "bearer": [] }]),
            // Whoever has the address is told; a binding makes it known whether they asked.
            _ if self.path == "/objection" => json!([]),
            _ => json!([{ "session": [] }, { "bearer": [] }]),
        }
    }

    // One response for each status, with the codes that it may have.
    fn problems(&self) -> Map<String, Value> {
        let mut faults = self.faults.to_vec();
        if self.answers != Answers::Document {
            faults.extend([Fault::Broken, Fault::Unavailable, Fault::Misconfigured, Fault::OtherAccount]);
        }
        if self.method != "get" {
            faults.push(Fault::Origin);
        }
        if self.body.is_some() {
            faults.extend([Fault::Malformed, Fault::MediaType, Fault::TooLarge, Fault::TimedOut]);
        }
        let faults = faults.into_iter().map(|fault| (fault.parts().0, fault.parts().1));
        let codes = self.codes.iter().copied().flatten().map(|code| rank(*code));
        let mut all: Vec<(StatusCode, &str)> = faults.chain(codes).collect();
        all.sort_unstable();
        all.dedup();
        let mut responses = Map::new();
        for statuses in all.chunk_by(|one, other| one.0 == other.0) {
            let Some((status, _)) = statuses.first() else { continue };
            let codes: Vec<_> = statuses.iter().map(|(_, code)| code).collect();
            let schema = json!({
                "$ref": "#/components/schemas/Problem",
                "properties": { "status": { "const": status.as_u16() }, "code": { "enum": codes } },
            });
            let title = status.canonical_reason().unwrap_or("Refused");
            let mut response = json!({
                "description": title,
                "content": { "application/problem+json": { "schema": schema } },
            });
            if *status == StatusCode::TOO_MANY_REQUESTS || *status == StatusCode::SERVICE_UNAVAILABLE {
                let after = json!({ "description": "Seconds.", "schema": { "type": "integer" } });
                response = with(response, "headers", json!({ "Retry-After": after }));
            }
            responses.insert(status.as_str().to_owned(), response);
        }
        responses
    }
}

fn step() -> Value {
    json!({
        "description": "Where the flow stands. `done`: it is over. `pending`: answer any of `offers`.",
        "headers": { "Set-Cookie": {
            "description": "A browser's binding, session and known browser, where they are new.",
            "schema": { "type": "string" },
        } },
        "content": { "application/json": { "schema": reference("Step") } },
    })
}

/// The object with one more member.
fn with(mut object: Value, name: &str, member: Value) -> Value {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), member);
    }
    object
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

const ABOUT: &str = "Sign-in, in flows: a first step begins one and says what can be answered, the steps after it \
    bring its token until a reply is `done`.\n\n\
    A browser holds cookies, which replies set, and each of its requests with another method than GET must bear the \
    site's own `Origin`. A program sends no cookies and no `Origin`: it begins with `Propusk-Binding: new`, sends what \
    it gets as `binding` from then on, and its session's `token` as `Authorization: Bearer`.\n\n\
    Where a browser may hold several accounts, a page names its own in the header `Propusk-Account` (the `account` of \
    its session): a request that comes when another is in use is refused with `other_account`.\n\n\
    A refusal is a problem document (RFC 9457): its `code` is stable, its `detail` is for people, in the language of \
    `Accept-Language` (English, Russian). An unknown path is `not_found`, another method `method`. Nothing is to be \
    cached.";
