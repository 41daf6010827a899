//! The browsers that an account knows, for its owner: to see them, and to have one forgotten.

use std::time::Duration;

use super::Inner;
use crate::clock::Timestamp;
use crate::error::{Broken, StoreError};
use crate::event::{self, EventPage, Origin, Outcome, Sealed};
use crate::flow::{Effect, Person, Visit};
use crate::id::BrowserId;
use crate::session::Session;
use crate::store::{BrowserRow, Committed, Write};

/// A browser that an account knows. From there it signs in though strangers are held off; it opens nothing by itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KnownBrowser {
    /// Its id.
    pub id: BrowserId,
    /// When its owner last signed in from it.
    pub seen: Timestamp,
    /// No longer known after this.
    pub expires: Timestamp,
    /// Whether it is the one that asks.
    pub here: bool,
    /// Until when it is trusted to sign in by less, if it is ([`Profile::trust`](crate::Profile::trust)).
    pub trusted_until: Option<Timestamp>,
    /// From where that was, unless the event is gone, or two sign-ins of one moment cannot be told apart.
    pub from: Option<Origin>,
}

impl Visit {
    /// The browsers that this session's account knows, the one that asks first, then the last seen.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn browsers(&self, mine: &Session) -> Result<Vec<KnownBrowser>, Broken> {
        let auth = &self.auth.0;
        let Some(person) = auth.person_by_id(mine.account()).await? else { return Ok(Vec::new()) };
        let now = auth.clock.now();
        let here = person.browser(auth, &self.client, now).map(|row| row.id);
        let trusted = auth.trusted_browsers(&person)?;
        let mut known = Vec::new();
        for row in person.subject.iter().flat_map(|subject| &subject.browsers) {
            if now < row.expires {
                let from = auth.seen_from(&person, row).await?;
                let (id, seen, expires) = (row.id, row.seen, row.expires);
                let (here, trusted_until) = (Some(id) == here, trusted.get(&id).copied());
                known.push(KnownBrowser { id, seen, expires, here, trusted_until, from });
            }
        }
        known.sort_by_key(|one| (!one.here, std::cmp::Reverse(one.seen)));
        Ok(known)
    }

    /// Has the account forget one of its browsers: who signs in there is a stranger again. Its session, if it has
    /// one, is ended apart.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn forget_browser(&self, mine: &Session, id: BrowserId) -> Result<Effect, Broken> {
        let auth = &self.auth.0;
        for _ in 0..MOST_TRIES {
            let Some(person) = auth.person_by_id(mine.account()).await? else { return Ok(Effect::NoSession) };
            if !auth.lives(mine, &person).await? {
                return Ok(Effect::NoSession);
            }
            let now = auth.clock.now();
            let mut rows = person.subject.iter().flat_map(|subject| &subject.browsers);
            // Only its own: the id comes from outside.
            let Some(row) = rows.find(|row| row.id == id && now < row.expires) else {
                return Ok(Effect::Nothing);
            };
            let sealed = Sealed::new(self.client.origin());
            let (_, line) = auth.line(&person, event::name::BROWSER_FORGOTTEN, Outcome::Done, &sealed)?;
            // It is over now, and its trust with it: a sign-in by less that is just being finished there is judged again.
            // One that was proven in full may outlive this, as one begun a moment later would.
            let mut batch = vec![Write::TouchBrowser { id, seen: row.seen, expires: now }, line];
            batch.extend(auth.untrust(&person, id)?);
            if auth.commit(batch).await? == Committed::Won {
                return Ok(Effect::Done);
            }
            // It has just used its trust, and is another row now.
        }
        Err(StoreError::Unavailable("a browser uses its trust faster than it is forgotten").into())
    }
}

impl Inner {
    // A browser's row says when it was last signed in from; the sign-in of that moment says from where. Its event is
    // written within moments of the row, after what hashing there is.
    async fn seen_from(&self, person: &Person, row: &BrowserRow) -> Result<Option<Origin>, Broken> {
        let key = person.known(self)?.map(|known| &known.key);
        let page = EventPage {
            since: Some(row.seen),
            until: Some(row.seen.after(MOMENT)),
            outcome: Some(Outcome::Done),
            ..EventPage::newest(MOST_IN_A_MOMENT)
        };
        let rows = self.store.events(person.id, page).await?;
        let signs_in = |name| name == &event::name::SIGN_IN || name == &event::name::SIGN_UP;
        let mut origins = Vec::new();
        for row in rows.iter().filter(|row| signs_in(&row.name)) {
            let origin = self.open_event(row, key)?.origin;
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
        Ok(origins.pop().filter(|_| origins.is_empty()))
    }
}

const MOST_TRIES: usize = 12;
const MOMENT: Duration = Duration::from_secs(2);
const MOST_IN_A_MOMENT: usize = 50;
