//! What the routes of contacts are made of.

use serde_json::{Value, json};

use super::{closed, open, uuid};

pub(super) fn all() -> Value {
    let text = json!({ "type": "string" });
    let moment = json!({ "type": "string", "format": "date-time" });
    json!({
        "NewContact": {
            "type": "object", "additionalProperties": false, "required": ["address"],
            "properties": {
                "address": { "type": "string", "description": "A phone number or an e-mail address." },
                "instead": { "type": ["string", "null"], "description": "The contact in the place of which it comes." },
            },
        },
        "Contacts": closed(&json!({
            "contacts": { "type": "array", "items": open(
                &json!({
                    "id": uuid(), "kind": text, "address": text, "confirmed": moment,
                    "main": { "type": "boolean", "description": "Whether it is the main one of its kind." },
                }),
                &json!({ "settles": { "type": "string", "format": "date-time",
                    "description": "Until then it can be undone, recovers nothing, and does not become the main one." } }),
            ) },
        })),
    })
}
