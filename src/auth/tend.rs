//! Work that is due: delivery and purge. The core spawns nothing; whoever owns the [`Auth`] calls.

use std::time::Duration;

use super::{Auth, Inner};
use crate::clock::Timestamp;
use crate::error::Broken;
use crate::event::{self, Outcome, Sealed};
use crate::flow::Client;
use crate::id::AccountId;
use crate::message::{Channel, Content, Message, MessageRow, Sent, Topic};
use crate::observe;
use crate::policy::Retention;
use crate::secret::{Place, Purpose};
use crate::store::Write;

/// What was done, and when to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Tended {
    /// Messages handed over.
    pub delivered: usize,
    /// Messages to be tried again later.
    pub postponed: usize,
    /// Messages given up: rejected, tried too often, or nobody takes them. Of a notice the owner's history says so.
    pub given_up: usize,
    /// Sign-ins that were begun and never finished: each has its line in the history now.
    pub timed_out: usize,
    /// Closed accounts that were erased.
    pub erased: usize,
    /// Jobs that something stands in the way of, be it a row that does not open: closed accounts that are not erased,
    /// sign-ins that are not written down. Each is tried again in an hour, and keeps no other from being done.
    pub stuck: usize,
    /// Rows whose time was over.
    pub purged: usize,
    /// Events that were kept for as long as the profile says ([`Retention`](crate::policy::Retention)).
    pub forgotten: usize,
    /// Call again then.
    pub next_at: Timestamp,
}

impl Auth {
    /// Does due work, at most `budget` messages, accounts and rows of each kind: delivers the outbox, writes down the sign-ins
    /// that have ended by time-out, erases closed accounts, purges, drops old events. Any number of
    /// nodes may call it at once; a message is leased to one of them.
    ///
    /// ```no_run
    /// # async fn run(auth: propusk::Auth) {
    /// use std::time::Duration;
    ///
    /// // For another server than axum, whose `propusk::axum::tend` also outlives a sender that panics.
    /// loop {
    ///     let wait = match auth.tend(100).await {
    ///         Ok(tended) => tended.next_at.since(auth.now()),
    ///         Err(broken) => {
    ///             eprintln!("{broken}");
    ///             Duration::from_secs(5)
    ///         }
    ///     };
    ///     // Not at once without end, and not as long as a clock that was set back would have it.
    ///     tokio::time::sleep(wait.clamp(Duration::from_millis(10), Duration::from_secs(60))).await;
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the store does not work. A channel that does not work is no error: its messages are tried again.
    pub async fn tend(&self, budget: usize) -> Result<Tended, Broken> {
        let auth = &self.0;
        auth.ready().await?;
        let now = auth.clock.now();
        let claimed = auth.store.claim(auth.keys.realm().clone(), now, LEASE, budget).await?;
        let full = claimed.len() >= budget;
        let mut tended = Tended {
            delivered: 0,
            postponed: 0,
            given_up: 0,
            timed_out: 0,
            erased: 0,
            stuck: 0,
            purged: 0,
            forgotten: 0,
            next_at: now.after(PAUSE),
        };
        let mut hung = Vec::new();
        for row in claimed {
            // Another node has it by now: what is written of it here would undo what it writes.
            if auth.clock.now() >= now.after(LEASE) {
                tended.postponed += 1;
                continue;
            }
            // A slow channel: what is left goes back while the lease still holds. Later another node may be at it, and
            // a message would go out twice. It was not tried: else each round of a channel that hangs would cost all that
            // wait behind it an attempt, and they would be given up before their first.
            if auth.clock.now() >= now.after(LEASE / 2) {
                tended.postponed += 1;
                let put_back = Write::RetryMessage { id: row.id, due: row.due, tried: false };
                let _ = auth.commit(vec![put_back]).await?;
                continue;
            }
            let begun = auth.clock.now();
            let content = auth.content(&row);
            // A code that has died is not handed out hours later, nor kept for it. Nor is its address called dead.
            let late = content.as_ref().is_some_and(|content| content.until <= begun);
            let (by, message) = auth.route(&row, content.filter(|_| !late));
            // It has just kept all others waiting in vain. What waits for it gives way to them, untried, and comes after
            // them in the next round: its place in the line is by when it is due.
            if by.is_some() && hung.contains(&by) {
                tended.postponed += 1;
                let due = begun.after(HUNG);
                let _ = auth.commit(vec![Write::RetryMessage { id: row.id, due, tried: false }]).await?;
                continue;
            }
            let how = auth.deliver(by, message).await;
            // One that refuses a message slowly works.
            let in_vain = matches!(how, None | Some(Sent::Later { .. }));
            if in_vain && auth.clock.now().since(begun) >= SLOW {
                hung.push(by);
            }
            match how {
                Some(Sent::Delivered) => {
                    tended.delivered += 1;
                    observe::message("delivered");
                    let (id, at) = (row.id, auth.clock.now());
                    let _ = auth.commit(vec![Write::CloseMessage { id, at, delivered: true }]).await?;
                }
                how @ (Some(Sent::Later { .. }) | None) if row.attempts < MOST_ATTEMPTS => {
                    tended.postponed += 1;
                    observe::message("postponed");
                    let mut pause = FIRST_RETRY * 2_u32.pow(row.attempts.min(12));
                    if let Some(Sent::Later { after }) = how {
                        pause = pause.max(after.min(LONGEST_ASKED));
                    }
                    let due = auth.clock.now().after(pause);
                    let _ = auth.commit(vec![Write::RetryMessage { id: row.id, due, tried: true }]).await?;
                }
                how @ (Some(Sent::Rejected | Sent::Later { .. }) | None) => {
                    tended.given_up += 1;
                    observe::message("given_up");
                    let why = match how {
                        Some(Sent::Rejected) if late => "too_late",
                        Some(Sent::Rejected) => "rejected",
                        _ => "too_many_attempts",
                    };
                    auth.give_up(&row, why).await?;
                }
            }
        }
        (tended.timed_out, tended.stuck) = auth.write_lapsed(now, budget).await?;
        let (erased, stuck) = auth.erase_due(now, budget).await?;
        (tended.erased, tended.stuck) = (erased, tended.stuck + stuck);
        tended.purged = auth.store.purge(now, budget).await?;
        let Retention { sign_ins, changes, notices } = auth.profile.retention;
        let realm = auth.keys.realm();
        let old = [(realm.clone(), false, sign_ins), (realm.clone(), true, changes)];
        for (realm, lasting, kept) in old.into_iter().chain([(auth.inboxes(), false, notices)]) {
            if let Some(kept) = kept {
                tended.forgotten += auth.store.drop_events(realm, lasting, now.before(kept), budget).await?;
            }
        }
        // More of any is there: a second's pause between rounds would let rows come faster than they go.
        if full
            || [tended.timed_out, tended.erased, tended.purged, tended.forgotten]
                .iter()
                .any(|done| *done >= budget)
        {
            tended.next_at = now;
        }
        Ok(tended)
    }
}

impl Inner {
    /// A job that could not be done, though the store works: others wait behind it.
    pub(crate) async fn set_aside(&self, job: &MessageRow, broken: Broken) -> Result<(), Broken> {
        if let Broken::Store(_) = broken {
            return Err(broken);
        }
        observe::message("stuck");
        let due = self.clock.now().after(ASIDE);
        let _ = self.commit(vec![Write::RetryMessage { id: job.id, due, tried: true }]).await?;
        Ok(())
    }

    // By which way it goes, if there is one, and what.
    fn route(&self, row: &MessageRow, content: Option<Content>) -> (Option<By>, Option<Message>) {
        let message = content.map(|content| Message::new(row.id, content, self.templates.clone()));
        let by = message.as_ref().and_then(|message| match (message.channel(), row.account) {
            (Some(Channel::Push), to) => to.filter(|_| self.push.is_some()).map(By::Push),
            _ => self.senders.iter().position(|sender| sender.takes(&message.to)).map(By::Sender),
        });
        (by, message)
    }

    // `None`: try again.
    async fn deliver(&self, by: Option<By>, message: Option<Message>) -> Option<Sent> {
        let (Some(by), Some(message)) = (by, message) else { return Some(Sent::Rejected) };
        match by {
            By::Push(to) => self.push.as_ref()?.push(to, &message).await.ok(),
            By::Sender(at) => self.senders.get(at)?.send(&message).await.ok(),
        }
    }

    fn content(&self, row: &MessageRow) -> Option<Content> {
        let plain = self.keys.open(&Place::new(Purpose::Message, row.id.as_bytes()), &row.sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }

    // The owner reads in the history that an address of theirs did not hear of something. Not for a code: who waits for one
    // sees that it does not come, and strangers would fill the history. Nor for a push, which an account without a device
    // never gets.
    async fn give_up(&self, row: &MessageRow, why: &str) -> Result<(), Broken> {
        let mut batch = vec![Write::CloseMessage { id: row.id, at: self.clock.now(), delivered: false }];
        let notice = |content: &Content| Topic::of(&content.template) != Topic::Asked && !content.push;
        if let (Some(account), Some(content)) = (row.account, self.content(row).filter(notice))
            && let Some(person) = self.person_by_id(account).await?
            && let Ok(Some(_)) = person.known(self)
        {
            let mut line = Sealed::new(Client::unknown().origin());
            line.reason = Some(why.to_owned());
            line.details.insert("template".into(), content.template.to_string());
            line.details.insert("to".into(), content.to.masked());
            batch.push(self.line(&person, event::name::UNDELIVERED, Outcome::Refused, &line)?.1);
        }
        let _ = self.commit(batch).await?;
        Ok(())
    }
}

/// A way out: the nth sender, or a push to somebody's clients.
#[derive(Clone, Copy, Debug)]
enum By {
    Sender(usize),
    Push(AccountId),
}

// All pushes go one way.
impl PartialEq for By {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sender(one), Self::Sender(other)) => one == other,
            (Self::Push(_), Self::Push(_)) => true,
            _ => false,
        }
    }
}

/// A sender that takes this long for nothing hangs, and for so long nothing more is given to it.
const SLOW: Duration = Duration::from_secs(5);
const HUNG: Duration = Duration::from_secs(30);
/// A sender takes half of it at most.
pub(crate) const LEASE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_secs(1);
/// A channel that asks for more would hold its messages until nobody wants them.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);
const FIRST_RETRY: Duration = Duration::from_secs(5);
const MOST_ATTEMPTS: u32 = 12;
/// Until somebody has seen to it.
const ASIDE: Duration = Duration::from_secs(3600);
