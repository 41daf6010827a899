//! A refusal.

use serde_json::{Value, json};

use super::super::reference;
use super::seconds;

pub(super) fn problem() -> Value {
    json!({
        "Problem": {
            "description": "RFC 9457.",
            "type": "object", "additionalProperties": false,
            "required": ["type", "title", "status", "detail", "code"],
            "properties": {
                "type": { "type": "string" },
                "title": { "type": "string" },
                "status": { "type": "integer" },
                "detail": { "type": "string", "description": "What it means and what to do, for people." },
                "code": { "type": "string", "description": "Stable, for programs." },
                "retry_after": seconds(),
                "rules": { "type": "array", "items": reference("Rule") },
                "acr_values": { "type": "string", "description": "What to prove, for `/auth/step-up` (RFC 9470)." },
                "max_age": seconds(),
            },
        },
        "Rule": {
            "description": "A rule that a new secret breaks.",
            "type": "object", "additionalProperties": false, "required": ["rule", "params"],
            "properties": {
                "rule": { "type": "string" },
                "params": { "type": "object", "additionalProperties": { "type": "integer" } },
                "text": { "type": "string", "description": "For people." },
            },
        },
    })
}
