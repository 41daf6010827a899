//! What requests and replies are made of.

mod contacts;
mod problem;
mod query;

use serde_json::{Map, Value, json};

pub(super) use self::query::{page, puzzle};
use super::{preferences, reference, with};
use crate::auth::Auth;
use crate::error::Broken;
use crate::factor::Schemas;
use crate::id::FactorName;

pub(super) fn all(mut all: Map<String, Value>) -> Map<String, Value> {
    for part in [requests(), steps(), replies(), problem::problem(), contacts::all(), preferences::all()] {
        if let Value::Object(part) = part {
            all.extend(part);
        }
    }
    all
}

/// Those that depend on the factors.
pub(super) fn of_factors(auth: &Auth) -> Result<Map<String, Value>, Broken> {
    let each = auth.0.factors.iter().map(|(name, factor)| Described {
        name,
        schemas: factor.schemas(),
        enrols: factor.enrolment().is_some(),
        mailbox: factor.mailbox().is_some(),
    });
    let each: Vec<_> = each.collect();
    let answers = each.iter().map(Described::answer).collect::<Result<Vec<_>, _>>()?;
    let begun = each.iter().map(Described::begun).collect::<Result<Vec<_>, _>>()?;
    let letters = each.iter().filter(|one| one.mailbox).map(|one| read(one.schemas.letter));
    let mut letters = letters.collect::<Result<Vec<_>, _>>()?;
    letters.push(json!({ "type": "null" }));
    let names: Vec<_> = each.iter().map(|one| one.name.as_str()).collect();
    let all = json!({
        "FactorName": { "type": "string", "enum": names },
        "FactorAnswer": {
            "description": "A factor, and what it is answered: a proof, or the confirmation of a new credential.",
            "oneOf": answers,
        },
        "FactorAlone": {
            "description": "A factor without an answer.",
            "required": ["factor"], "properties": { "factor": reference("FactorName"), "answer": { "type": "null" } },
        },
        "Begun": {
            "description": "A challenge that was just begun: its factor, and what it shows the person.",
            "oneOf": begun,
        },
        "Letter": { "anyOf": letters },
    });
    match all {
        Value::Object(all) => Ok(all),
        _ => Ok(Map::new()),
    }
}

struct Described<'a> {
    name: &'a FactorName,
    schemas: Schemas,
    enrols: bool,
    mailbox: bool,
}

impl Described<'_> {
    fn answer(&self) -> Result<Value, Broken> {
        let Schemas { answer, confirm, .. } = self.schemas;
        Ok(json!({
            "type": "object", "required": ["factor", "answer"],
            "properties": { "factor": { "const": self.name.as_str() }, "answer": self.either(answer, confirm)? },
        }))
    }

    fn begun(&self) -> Result<Value, Broken> {
        let Schemas { prompt, proposal, .. } = self.schemas;
        Ok(json!({
            "type": "object", "additionalProperties": false, "required": ["factor", "prompt"],
            "properties": { "factor": { "const": self.name.as_str() }, "prompt": self.either(prompt, proposal)? },
        }))
    }

    // Of a proof, or of an enrolment. Where nothing is shown, an empty object is.
    fn either(&self, proof: &str, enrolment: &str) -> Result<Value, Broken> {
        match self.enrols && proof != enrolment {
            true => Ok(json!({ "anyOf": [read(proof)?, read(enrolment)?] })),
            false => read(proof),
        }
    }
}

fn read(schema: &str) -> Result<Value, Broken> {
    serde_json::from_str(schema).map_err(|_| Broken::Misuse("a factor's schema is no JSON"))
}

fn requests() -> Value {
    let text = json!({ "type": "string" });
    let refresh = json!({
        "type": "boolean", "default": false,
        "description": "A program's: whether the session's token shall live for minutes, and another get the next one.",
    });
    let human = json!({
        "type": ["string", "null"],
        "description": "The answer to a puzzle for this, where the profile asks for one: see GET /auth/puzzle.",
    });
    json!({
        "SignUp": {
            "type": "object", "additionalProperties": false, "required": ["contact", "name", "terms"],
            "properties": {
                "contact": { "type": "string", "description": "A phone number or an e-mail address." },
                "name": { "type": "string", "description": "As others may read it." },
                "birth_date": {
                    "type": ["string", "null"],
                    "description": "ISO 8601, or as people write it: 17.03.1985. No new password may be made of it.",
                },
                "terms": { "type": "string", "description": "The version of the terms that were accepted, 1 to 64 bytes." },
                "human": human,
                "refresh": refresh,
            },
        },
        "SignIn": {
            "type": "object", "unevaluatedProperties": false,
            "properties": {
                "identifier": {
                    "type": ["string", "null"],
                    "description": "Left out: the answer names its credential itself.",
                },
                "public_device": {
                    "type": "boolean", "default": false,
                    "description": "Not my device: a session of hours, and the browser is not remembered.",
                },
                "trust": trust(),
                "human": human,
                "refresh": refresh,
            },
            "anyOf": [
                reference("FactorAnswer"),
                reference("FactorAlone"),
                { "properties": { "factor": { "type": "null" }, "answer": { "type": "null" } } },
            ],
        },
        "Recover": {
            "type": "object", "additionalProperties": false, "required": ["contact"],
            "properties": {
                "contact": { "type": "string", "description": "A phone number or an e-mail address." },
                "lost": {
                    "type": "array", "items": text,
                    "description": "Factors that can be proven no more. None: what is typed from memory.",
                },
                "public_device": { "type": "boolean", "default": false },
                "human": human,
                "refresh": refresh,
            },
        },
        "FlowAlone": closed(&json!({ "flow": text })),
        "Object": closed(&json!({ "link": { "type": "string", "description": "`o` of the link." } })),
        "Refresh": closed(&json!({ "refresh_token": text })),
        "Credential": {
            "type": "object", "unevaluatedProperties": false,
            "anyOf": [reference("FactorAnswer"), reference("FactorAlone")],
        },
        "Approve": {
            "type": "object", "additionalProperties": false, "required": ["mailbox"],
            "properties": { "mailbox": text, "letter": reference("Letter") },
        },
        "Return": {
            "type": "object", "additionalProperties": false, "required": ["mailbox", "letter"],
            "properties": {
                "mailbox": { "type": "string", "description": "`m` of the link." },
                "letter": reference("Letter"),
                "trust": trust(),
            },
        },
        "FlowBegin": {
            "type": "object", "additionalProperties": false, "required": ["flow", "factor"],
            "properties": { "flow": text, "factor": reference("FactorName") },
        },
        "FlowAnswer": {
            "$ref": "#/components/schemas/FactorAnswer",
            "type": "object", "unevaluatedProperties": false, "required": ["flow"],
            "properties": { "flow": text, "trust": trust() },
        },
        "StepUp": {
            "type": "object", "additionalProperties": false, "required": ["acr_values"],
            "properties": {
                "acr_values": {
                    "type": "string",
                    "description": "Words, all of which must be met: `aal1`, `aal2`, `aal3`, `mfa` (two kinds of factor), \
                        `phr` (resists phishing), `uv` (its device verified its user; with `phr`, the same one).",
                },
                "max_age": { "type": ["integer", "null"], "minimum": 0, "description": "Seconds: what is older does not count." },
            },
        },
        "Lock": {
            "type": "object", "additionalProperties": false,
            "properties": { "event": {
                "type": ["string", "null"], "format": "uuid", "description": "A line of the account's own history.",
            } },
        },
        "Reopen": closed(&json!({ "flow": text })),
        "AccountHere": closed(&json!({ "session": uuid() })),
        "Rename": closed(&json!({
            "name": { "type": "string", "description": "Up to 40 characters; empty: it has none any more." },
        })),
    })
}

fn steps() -> Value {
    let binding = json!({ "type": "string", "description": "A program's: to send as `Propusk-Binding`." });
    json!({
        "Step": { "oneOf": [reference("Done"), reference("Pending")] },
        "Done": {
            "type": "object", "additionalProperties": false, "required": ["status", "session"],
            "properties": {
                "status": { "const": "done" },
                "session": reference("Session"),
                "token": { "type": "string", "description": "A program's: to send as `Authorization: Bearer`." },
                "refresh_token": {
                    "type": "string",
                    "description": "A program's that asked for it: good once, for POST /auth/token.",
                },
                "expires_in": seconds(),
                "binding": binding,
            },
        },
        "Pending": {
            "type": "object", "additionalProperties": false,
            "required": ["status", "flow", "offers", "expires_in"],
            "properties": {
                "status": { "const": "pending" },
                "flow": { "type": "string", "description": "The flow's token, for the next step." },
                "offers": { "type": "array", "items": reference("Offer") },
                "begun": reference("Begun"),
                "duty": {
                    "enum": ["enrol", "replace", "confirm", "reopen"],
                    "description": "Enough is proven: this must happen before the flow can end.",
                },
                "due": due(),
                "detail": { "type": "string", "description": "Why it is due, for people." },
                "unusual": { "const": true, "description": "One proof more is asked for: this sign-in is unlike the others." },
                "delay": with(seconds(), "description", json!("Of a recovery that lacks a second confirmation: how long it waits without one.")),
                "expires_in": seconds(),
                "binding": binding,
            },
        },
        "Offer": {
            "type": "object", "additionalProperties": false, "required": ["factor", "enrols"],
            "properties": {
                "factor": reference("FactorName"),
                "enrols": { "type": "boolean", "description": "True: choose a new secret; false: prove an old one." },
                "hint": { "type": "string", "description": "Where its message would go, masked." },
            },
        },
    })
}

fn replies() -> Value {
    let moment = json!({ "type": "string", "format": "date-time" });
    let text = json!({ "type": "string" });
    let session = json!({
        "id": uuid(), "account": uuid(),
        "aal": { "type": "integer", "minimum": 0, "maximum": 3, "description": "NIST SP 800-63B-4." },
        "amr": { "type": "array", "items": text, "description": "RFC 8176." },
        "created": moment, "expires": moment,
    });
    let listed = with(session.clone(), "current", json!({ "type": "boolean" }));
    let listed = with(listed, "seen", moment.clone());
    let listed = with(listed, "from", json!({ "anyOf": [reference("Origin"), { "type": "null" }] }));
    let kind = json!({ "factor": reference("FactorName"), "title": text });
    let asking = json!({
        "factor": reference("FactorName"),
        "during": { "type": "string", "description": "For what, by the name of the event that it will end in." },
        "from": reference("Origin"),
        "same_network": { "type": "boolean" }, "at": moment, "expires_in": seconds(),
    });
    let approves = json!({
        "transaction": {
            "type": "array", "description": "What it would approve.",
            "items": closed(&json!({ "label": text, "value": text })),
        },
    });
    json!({
        "Posed": {
            "type": "object", "additionalProperties": false, "required": ["puzzle"],
            "properties": {
                "puzzle": {
                    "type": "object", "required": ["kind"],
                    "description": "Of kind `work` (hashes to compute) or `wait` (a ticket that is good after so many seconds): see \
                        `propusk::human::ProofOfWork`. An application's own check has kinds of its own.",
                },
                "binding": { "type": "string", "description": "For programs: send it back as the header `propusk-binding`." },
            },
        },
        "Tokens": closed(&json!({
            "access_token": text, "token_type": { "const": "Bearer" },
            "expires_in": seconds(), "refresh_token": text,
        })),
        "Closing": { "oneOf": [reference("Done"), reference("Pending"), closed(&json!({
            "status": { "const": "closed" },
            "erased_at": { "type": "string", "format": "date-time", "description": "Until then a sign-in can reopen it." },
        }))] },
        "Export": {
            "type": "object",
            "description": "Name, identifiers, contacts, credentials without their secrets, browsers, sessions, history.",
        },
        "Session": closed(&session),
        "Sessions": closed(&json!({ "sessions": { "type": "array", "items": closed(&listed) } })),
        "Accounts": closed(&json!({
            "accounts": { "type": "array", "items": closed(&json!({
                "session": uuid(), "account": uuid(), "name": text,
                "identifier": { "type": ["string", "null"], "description": "Masked." },
                "in_use": { "type": "boolean" }, "seen": moment, "expires": moment,
            })) },
            "ended": { "type": "integer", "minimum": 0, "description": "How many the browser held that are over." },
            "most": { "type": "integer", "minimum": 1, "description": "How many there may be." },
        })),
        "Origin": closed(&json!({
            "address": { "type": ["string", "null"], "description": "IPv4 or IPv6." },
            "device": reference("Device"),
        })),
        "Device": closed(&json!({
            "browser": text, "version": { "type": ["integer", "null"] }, "system": text,
            "kind": { "enum": ["desktop", "phone", "tablet", "program", "unknown"] },
        })),
        "Asking": open(&asking, &approves),
        "Looked": open(&with(asking, "here", json!({
            "type": "boolean", "description": "Whether this is the browser that asks.",
        })), &approves),
        "Recoveries": closed(&json!({
            "recoveries": { "type": "array", "items": closed(&json!({
                "by": with(text.clone(), "description", json!("The address that confirmed it, masked: none else finishes it.")),
                "asked": moment, "ready": moment, "stopped": { "type": "boolean" },
            })) },
        })),
        "Objection": closed(&json!({ "objection": { "enum": ["stop_recovery", "undo_contact", "not_me"] } })),
        "History": closed(&json!({
            "events": { "type": "array", "items": reference("Event") },
            "next": { "type": ["string", "null"], "format": "uuid", "description": "`cursor` of the next page." },
        })),
        "Event": {
            "type": "object", "additionalProperties": false,
            "required": ["id", "at", "name", "outcome", "from"],
            "properties": {
                "id": uuid(), "at": moment,
                "name": { "type": "string", "description": "An application's own have a colon in them." },
                "outcome": { "enum": OUTCOMES },
                "from": reference("Origin"),
                "during": { "type": "string", "description": "What a proof that was not the last was given for." },
                "factor": { "type": "string" },
                "credential": uuid(),
                "reason": { "type": "string", "description": "A code." },
                "aal": { "type": "integer", "minimum": 0, "maximum": 3, "description": "Of the session that it began." },
                "amr": { "type": "array", "items": { "type": "string" }, "description": "RFC 8176." },
                "details": { "type": "object", "additionalProperties": { "type": "string" } },
            },
        },
        "Enrolled": {
            "type": "object", "additionalProperties": false,
            "required": ["id", "factor", "title", "created", "usable"],
            "properties": {
                "id": uuid(), "factor": reference("FactorName"), "title": text, "created": moment,
                "name": { "type": "string", "description": "What its owner calls it." },
                "usable": { "type": "boolean", "description": "Whether it can prove anything now." },
                "due": due(),
            },
        },
        "Factors": closed(&json!({
            "factors": { "type": "array", "items": reference("Enrolled") },
            "can_add": { "type": "array", "items": closed(&kind) },
        })),
    })
}

/// All of these, and nothing else.
pub(super) fn closed(properties: &Value) -> Value {
    let required: Vec<_> = properties.as_object().into_iter().flat_map(|all| all.keys()).collect();
    json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
}

/// All of these, perhaps those, and nothing else.
fn open(properties: &Value, perhaps: &Value) -> Value {
    let mut schema = closed(properties);
    if let (Some(all), Some(perhaps)) =
        (schema.get_mut("properties").and_then(Value::as_object_mut), perhaps.as_object())
    {
        all.extend(perhaps.clone());
    }
    schema
}

fn trust() -> Value {
    json!({
        "type": "boolean", "default": false,
        "description": "Whether this browser shall be trusted, where this ends the sign-in and the profile allows it.",
    })
}

fn uuid() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

fn due() -> Value {
    json!({ "enum": ["expired", "temporary", "compromised"], "description": "It must be replaced, and why." })
}

fn seconds() -> Value {
    json!({ "type": "integer", "minimum": 0, "description": "Seconds." })
}

const OUTCOMES: [&str; 3] = ["done", "refused", "timed_out"];
