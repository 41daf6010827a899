//! The accounts of a browser.

use super::codes::{ANY, SIGNED};
use crate::axum::openapi::{Answers, Operation};
use crate::axum::problem::Fault;

pub(in crate::axum::openapi) const ACCOUNTS: &[Operation] = &[
    Operation {
        method: "get",
        path: "/accounts",
        id: "accounts",
        summary: "The accounts that are signed in in this browser, the one in use first. No use of any of them.",
        body: None,
        answers: Answers::Json("Accounts"),
        codes: &[],
        faults: &[],
    },
    Operation {
        method: "post",
        path: "/accounts",
        id: "switchAccount",
        summary: "Goes on in another of them; its session gets a new token.",
        body: Some("AccountHere"),
        answers: Answers::Step,
        codes: &[ANY, SIGNED],
        faults: &[],
    },
    Operation {
        method: "delete",
        path: "/accounts",
        id: "signOutOfAll",
        summary: "Signs out of all of them.",
        body: None,
        answers: Answers::Nothing,
        codes: &[],
        faults: &[],
    },
    Operation {
        method: "delete",
        path: "/accounts/{id}",
        id: "signOutOf",
        summary: "Signs out of one of them, by the id of its session.",
        body: None,
        answers: Answers::Nothing,
        codes: &[],
        faults: &[Fault::NotFound],
    },
];
