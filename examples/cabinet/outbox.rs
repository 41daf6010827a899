//! The way out for messages. A real application hands them to an SMS gateway and a mail server; this one keeps them
//! for the page `/outbox` and writes them to a file.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use propusk::account::identifier::{Identifier, IdentifierKind};
use propusk::clock::{Clock, SystemClock, Timestamp};
use propusk::message::{Message, SendError, Sender, Sending, Sent};
use serde::{Deserialize, Serialize};

/// Everything sent lately. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbox(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    letters: Mutex<VecDeque<Letter>>,
    file: Mutex<File>,
}

/// One message, as it was sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Letter {
    /// Delivery is at least once: the same id is the same message.
    pub id: String,
    pub sms: bool,
    pub to: String,
    pub at: Timestamp,
    pub subject: String,
    pub body: String,
}

impl Outbox {
    /// Goes on with a file of earlier messages, or begins one.
    pub fn open(path: &Path) -> io::Result<Self> {
        let before = std::fs::read_to_string(path).unwrap_or_default();
        let mut letters = VecDeque::new();
        for letter in before.lines().filter_map(|line| serde_json::from_str(line).ok()) {
            keep(&mut letters, letter);
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self(Arc::new(Inner { letters: Mutex::new(letters), file: Mutex::new(file) })))
    }

    /// The newest first.
    pub fn letters(&self) -> Vec<Letter> {
        let letters = self.0.letters.lock().unwrap_or_else(PoisonError::into_inner);
        letters.iter().rev().cloned().collect()
    }

    fn deliver(&self, letter: Letter) -> io::Result<()> {
        let mut line = serde_json::to_string(&letter)?;
        line.push('\n');
        self.0.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes())?;
        keep(&mut self.0.letters.lock().unwrap_or_else(PoisonError::into_inner), letter);
        Ok(())
    }
}

impl Sender for Outbox {
    fn takes(&self, _: &Identifier) -> bool {
        true
    }

    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(async move {
            let text = message.text();
            let letter = Letter {
                id: message.id.to_string(),
                sms: message.to.kind() == IdentifierKind::Phone,
                to: message.to.as_str().to_owned(),
                at: SystemClock.now(),
                subject: text.subject,
                body: text.body,
            };
            self.deliver(letter).map_err(|error| SendError(Some(Box::new(error))))?;
            Ok(Sent::Delivered)
        })
    }
}

fn keep(letters: &mut VecDeque<Letter>, letter: Letter) {
    if letters.iter().any(|known| known.id == letter.id) {
        return;
    }
    if letters.len() >= MOST_LETTERS {
        letters.pop_front();
    }
    letters.push_back(letter);
}

const MOST_LETTERS: usize = 200;
