//! What the routes of preferences and of the inbox are made of.

use serde_json::{Map, Value, json};

use super::reference;
use super::schemas::closed;
use crate::message::{Channel, Topic};

pub(super) fn all() -> Value {
    json!({
        "Prefer": closed(&json!({ "topics": topics() })),
        "Preferences": closed(&json!({
            "channels": { "type": "array", "items": { "enum": Channel::ALL.map(Channel::as_str) } },
            "topics": topics(),
        })),
        "Messages": closed(&json!({
            "messages": { "type": "array", "items": reference("Message") },
            "next": { "type": ["string", "null"], "format": "uuid", "description": "`cursor` of the next page." },
        })),
        "Message": closed(&json!({
            "id": { "type": "string", "format": "uuid" },
            "at": { "type": "string", "format": "date-time" },
            "topic": { "enum": Topic::ALL.map(Topic::as_str) },
            "subject": { "type": "string" },
            "text": { "type": "string", "description": "No code and no link is in it." },
        })),
    })
}

/// The query of the inbox.
pub(super) fn page() -> Value {
    let pages = super::schemas::page();
    let asked = |one: &&Value| one["name"] == "cursor" || one["name"] == "limit";
    pages.as_array().into_iter().flatten().filter(asked).cloned().collect()
}

/// By topic and channel, whether the owner hears.
fn topics() -> Value {
    let on = |by: Channel| (by.as_str().to_owned(), json!({ "type": "boolean" }));
    let channels = open(Channel::ALL.into_iter().map(on).collect());
    let topic = |topic: Topic| (topic.as_str().to_owned(), channels.clone());
    open(Topic::ALL.into_iter().filter(|topic| topic.is_chosen()).map(topic).collect())
}

fn open(properties: Map<String, Value>) -> Value {
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}
