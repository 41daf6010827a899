//! What a person approves: one transaction, in words that they are shown.

use serde::{Deserialize, Serialize};

use crate::account::identifier::{as_read, deceives};

/// One transaction to approve: its name, and what stands in it (amount, payee). It is bound to the flow that its approval
/// is given in: no challenge, code or answer of that flow is good for another (PSD2 RTS article 5). Messages, the device
/// that approves and the history show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Transaction {
    name: String,
    fields: Vec<(String, String)>,
}

impl Transaction {
    /// A transaction by an application's name for its kind, as its events have one: `fine:pay`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), fields: Vec::new() }
    }

    /// With one more thing that its person is shown, in their language: `("Amount", "500.00 EUR")`. A label holds no
    /// colon, neither holds a semicolon, and no value a label with a colon behind it: nothing in a field may be read as
    /// another field, as far as that shows without knowing which letters of two alphabets look alike.
    pub fn with(mut self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push((label.into(), value.into()));
        self
    }

    /// The application's name for it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What stands in it, in order.
    #[must_use]
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// In one line, for a message: `Amount: 500.00 EUR; Payee: City`.
    #[must_use]
    pub fn summary(&self) -> String {
        let parts: Vec<_> = self.fields.iter().map(|(label, value)| format!("{label}: {value}")).collect();
        parts.join("; ")
    }

    /// Whether it can be shown whole: nothing empty, nothing too long, no sign that hides or reverses others, and no label
    /// that stands in the history for something else.
    pub(crate) fn is_plain(&self) -> bool {
        let plain = |text: &str, most: usize| {
            !text.trim().is_empty() && text.chars().count() <= most && !text.chars().any(deceives)
        };
        self.name.contains(':')
            && plain(&self.name, MOST_LABEL)
            && (1..=MOST_FIELDS).contains(&self.fields.len())
            && self.fields.iter().all(|(label, value)| plain(label, MOST_LABEL) && plain(value, MOST_VALUE))
            // In one line they are told apart by these: a purpose of "Fine 12; Amount: 5.00 EUR" would stand before the
            // amount that is paid.
            && self.fields.iter().all(|(label, value)| {
                let (label, value) = (as_read(label), as_read(value));
                let other = |(label, _): &(String, String)| {
                    let before = |(at, _)| value.get(..at).is_some_and(|text| text.ends_with(char::is_alphanumeric));
                    value.match_indices(&as_read(&format!("{label}:"))).any(|found| !before(found))
                };
                !label.contains([':', ';']) && !value.contains(';') && !self.fields.iter().any(other)
            })
            && self.fields.iter().enumerate().all(|(at, (label, _))| {
                let again = self.fields.iter().take(at).any(|(other, _)| other == label);
                !again && !RESERVED.contains(&label.as_str())
            })
    }
}

/// What the library itself writes into the line of an event.
const RESERVED: [&str; 3] = ["transaction", "signals", "country"];
const MOST_FIELDS: usize = 6;
const MOST_LABEL: usize = 40;
const MOST_VALUE: usize = 120;
