//! What travels between a factor and its client, as JSON Schemas: for the description of the HTTP routes.

/// JSON Schemas (draft 2020-12), as JSON text, of what a factor's client sends and is shown. What is not said is any
/// object. A feature that serves no description reads none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Schemas {
    /// What proves a credential: `Factor::Answer`.
    pub answer: &'static str,
    /// What a challenge shows.
    pub prompt: &'static str,
    /// What confirms a new credential: `Enrol::Confirm`.
    pub confirm: &'static str,
    /// What a proposal of a new credential shows.
    pub proposal: &'static str,
    /// What another device writes into the mailbox of a challenge.
    pub letter: &'static str,
}

impl Schemas {
    /// Any object, for each.
    pub const fn any() -> Self {
        Self { answer: ANY, prompt: ANY, confirm: ANY, proposal: ANY, letter: ANY }
    }

    /// The answer.
    #[must_use]
    pub const fn answer(self, answer: &'static str) -> Self {
        Self { answer, ..self }
    }

    /// The prompt.
    #[must_use]
    pub const fn prompt(self, prompt: &'static str) -> Self {
        Self { prompt, ..self }
    }

    /// The confirmation of an enrolment.
    #[must_use]
    pub const fn confirm(self, confirm: &'static str) -> Self {
        Self { confirm, ..self }
    }

    /// The proposal of an enrolment.
    #[must_use]
    pub const fn proposal(self, proposal: &'static str) -> Self {
        Self { proposal, ..self }
    }

    /// The letter.
    #[must_use]
    pub const fn letter(self, letter: &'static str) -> Self {
        Self { letter, ..self }
    }
}

const ANY: &str = r#"{"type":"object"}"#;
