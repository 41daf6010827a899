//! What people do here: the portal's own table, apart from the library's. A file of lines, read at the start; a real
//! portal has a database. Accounts are known in it by their id alone.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use propusk::clock::Timestamp;
use propusk::id::AccountId;
use serde::{Deserialize, Serialize};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Application,
    FinePaid,
    Extract,
}

/// One thing that was done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    pub account: String,
    pub kind: Kind,
    /// What people quote.
    pub number: String,
    pub at: Timestamp,
    pub text: String,
}

/// All of it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Services(Arc<Mutex<Table>>);

#[derive(Debug)]
struct Table {
    entries: Vec<Entry>,
    file: File,
}

impl Services {
    /// Goes on with a file, or begins one.
    pub fn open(path: &Path) -> io::Result<Self> {
        let before = std::fs::read_to_string(path).unwrap_or_default();
        let entries = before.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self(Arc::new(Mutex::new(Table { entries, file }))))
    }

    /// What an account has done, the newest first.
    pub fn of(&self, account: AccountId) -> Vec<Entry> {
        let (table, account) = (self.0.lock().unwrap_or_else(PoisonError::into_inner), account.to_string());
        table.entries.iter().rev().filter(|entry| entry.account == account).cloned().collect()
    }

    /// Adds one, at most so many of its kind for one account. `None`: there are as many already. Looked at and added
    /// under one lock: a form that is sent twice at once pays once.
    pub fn add(
        &self,
        account: AccountId,
        kind: Kind,
        text: &str,
        most: usize,
        at: Timestamp,
    ) -> io::Result<Option<Entry>> {
        let (mut table, account) =
            (self.0.lock().unwrap_or_else(PoisonError::into_inner), account.to_string());
        let there = table.entries.iter().filter(|entry| entry.account == account && entry.kind == kind);
        if there.count() >= most {
            return Ok(None);
        }
        let number = format!("{:06}", table.entries.len() + 1);
        let entry = Entry { account, kind, number, at, text: text.to_owned() };
        let mut line = serde_json::to_string(&entry)?;
        line.push('\n');
        table.file.write_all(line.as_bytes())?;
        table.entries.push(entry.clone());
        Ok(Some(entry))
    }
}
