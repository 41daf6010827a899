//! What the route of preferences is made of.

use serde_json::{Map, Value, json};

use super::schemas::closed;
use crate::message::{Channel, Topic};

pub(super) fn all() -> Value {
    json!({
        "Prefer": closed(&json!({ "topics": topics() })),
        "Preferences": closed(&json!({
            "channels": { "type": "array", "items": { "enum": Channel::ALL.map(Channel::as_str) } },
            "topics": topics(),
        })),
    })
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
