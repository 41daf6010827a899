//! What is asked of contacts.

use super::codes::*;
use super::{Answers, Operation};
use crate::axum::problem::Fault;
use crate::flow::Code;

pub(in crate::axum::openapi) const CONTACTS: &[Operation] = &[
    Operation {
        method: "get",
        path: "/contacts",
        id: "contacts",
        summary: "Where the account's messages go.",
        body: None,
        answers: Answers::Json("Contacts"),
        codes: &[SIGNED],
        faults: &[],
    },
    Operation {
        method: "post",
        path: "/contacts",
        id: "addContact",
        summary: "Begins to add a contact, or to put it in the place of another. Ends all other sessions.",
        body: Some("NewContact"),
        answers: Answers::Step,
        codes: &[ANY, SIGNED, NAMES, &[Code::ContactKind, Code::NotOffered, Code::TooSoon, Code::Stale]],
        faults: &[Fault::NotFound],
    },
    Operation {
        method: "delete",
        path: "/contacts/{id}",
        id: "removeContact",
        summary: "Begins to take a contact away. Ends all other sessions; this one gets a new token.",
        body: None,
        answers: Answers::Step,
        codes: &[ANY, SIGNED, &[Code::LastFactor, Code::Stale]],
        faults: &[Fault::NotFound],
    },
    Operation {
        method: "post",
        path: "/contacts/{id}/main",
        id: "preferContact",
        summary: "Begins to make a contact the main one of its kind. Ends all other sessions; this one gets a new token.",
        body: None,
        answers: Answers::Step,
        codes: &[ANY, SIGNED, &[Code::NotOffered, Code::Stale]],
        faults: &[Fault::NotFound],
    },
];
