//! Queries.

use serde_json::{Value, json};

use super::{OUTCOMES, uuid};

/// The query of a puzzle.
pub(in super::super) fn puzzle() -> Value {
    json!([
        { "name": "for", "in": "query", "required": true, "schema": { "enum": ["sign-up", "sign-in", "recover"] } },
        { "name": "way", "in": "query", "description": "Without scripts.", "schema": { "const": "wait" } },
    ])
}

/// The query of the history.
pub(in super::super) fn page() -> Value {
    let one = |name: &str, about: &str, schema: Value| json!({ "name": name, "in": "query", "description": about, "schema": schema });
    let moment = json!({ "type": "string", "format": "date-time" });
    json!([
        one("cursor", "`next` of the page before.", uuid()),
        one("since", "At or after this moment.", moment.clone()),
        one("until", "Before this moment.", moment),
        one("outcome", "Only these.", json!({ "enum": OUTCOMES })),
        one(
            "limit",
            "At most so many; 200 at the most.",
            json!({ "type": "integer", "minimum": 0, "default": 50 })
        ),
    ])
}
