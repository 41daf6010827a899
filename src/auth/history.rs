//! The history of an account: by pages, and through a filter of the reader's own.

use super::{Auth, Inner};
use crate::error::Broken;
use crate::event::{Event, EventPage};
use crate::id::{AccountId, EventId};

/// A filtered page of the history.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Found {
    /// What the filter let through, newest first.
    pub events: Vec<Event>,
    /// The cursor to go on from, while there is more to look at. A page that is short, or empty, and has a cursor is
    /// not the last: its search looked at as many events as one call may.
    pub next: Option<EventId>,
}

impl Auth {
    /// An account's history, newest first; the last id is the cursor of the next page.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn history(&self, of: AccountId, page: EventPage) -> Result<Vec<Event>, Broken> {
        self.0.history(of, page).await
    }

    /// The same, of those events alone that `keep` lets through: for what is sealed in an event (its device, its
    /// factor, its reason), by which no store can look it up. Opens no more than 5,000 events in one call, however few
    /// of them fit.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn search_history(
        &self,
        of: AccountId,
        page: EventPage,
        keep: impl Fn(&Event) -> bool + Send,
    ) -> Result<Found, Broken> {
        let auth = &self.0;
        auth.ready().await?;
        let mut found = Found { events: Vec::new(), next: None };
        let Some(person) = auth.person_by_id(of).await? else { return Ok(found) };
        let key = person.known(auth)?.map(|known| &known.key);
        let (mut wanted, limit, mut looked) = (page.clone(), page.limit, 0);
        while limit > 0 && looked < MOST_LOOKS {
            // One more than is asked for tells whether there is more. A first read that found too little was no
            // measure of how rare its events are.
            wanted.limit = (if looked == 0 { limit.saturating_add(1) } else { PIECE }).min(PIECE);
            let rows = auth.store.events(of, wanted.clone()).await?;
            for row in &rows {
                let event = auth.open_event(row, key)?;
                if keep(&event) {
                    if found.events.len() == limit {
                        found.next = found.events.last().map(|event| event.id);
                        return Ok(found);
                    }
                    found.events.push(event);
                }
            }
            looked += rows.len();
            match rows.last() {
                Some(last) if rows.len() == wanted.limit => wanted.before = Some(last.id),
                _ => return Ok(found),
            }
        }
        found.next = wanted.before;
        Ok(found)
    }
}

impl Inner {
    async fn history(&self, of: AccountId, page: EventPage) -> Result<Vec<Event>, Broken> {
        self.ready().await?;
        let Some(person) = self.person_by_id(of).await? else { return Ok(Vec::new()) };
        let (rows, known) = (self.store.events(of, page).await?, person.known(self)?);
        rows.iter().map(|row| self.open_event(row, known.map(|known| &known.key))).collect()
    }
}

/// What stores give at the most at once.
const PIECE: usize = 1000;
const MOST_LOOKS: usize = 5000;
