//! Around a store: how long each call takes, and whether it works.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::on::{count, granted, time};
use crate::clock::Timestamp;
use crate::event::{EventPage, EventRow};
use crate::id::{AccountId, Realm, SessionId};
use crate::lockout::{Guard, GuardKey, Limit, Reserved};
use crate::message::MessageRow;
use crate::secret::{Route, TokenHash};
use crate::store::{
    self, AccountStore, Commit, Committed, EventStore, FlowRow, FlowStore, FoundSession, LockoutStore,
    OutboxStore, Passed, Rate, Reply, SessionRow, SessionStore, StoreId, Subject, SubjectKey, ThrottleKey,
    Write,
};

#[derive(Debug)]
pub(super) struct Store(pub(super) Arc<dyn store::Store>);

#[derive(Debug)]
pub(super) struct Throttle(pub(super) Arc<dyn store::Throttle>);

fn timed<'a, T: Send + 'a>(call: &'static str, reply: Reply<'a, T>) -> Reply<'a, T> {
    Box::pin(async move {
        let began = Instant::now();
        #[cfg(feature = "tracing")]
        let reply =
            tracing::Instrument::instrument(reply, tracing::debug_span!(target: "propusk", "store", call));
        let end = reply.await;
        time("propusk_store_seconds", [("call", call)], began.elapsed());
        if end.is_err() {
            count("propusk_store_errors_total", [("call", call)]);
        }
        end
    })
}

macro_rules! timed {
    ($trait:ident { $($method:ident($($arg:ident: $type:ty),*) -> $answer:ty;)* } $($home:ident)?) => {
        impl $trait for Store {
            $(fn $method(&self, $($arg: $type),*) -> Reply<'_, $answer> {
                timed(stringify!($method), self.0.$method($($arg),*))
            })*
            $(fn $home(&self) -> StoreId {
                self.0.$home()
            })?
        }
    };
}

timed! { Commit {
    commit(batch: Vec<Write>) -> Committed;
    canary(realm: Realm) -> Option<Vec<u8>>;
    purge(now: Timestamp, limit: usize) -> usize;
} home }
timed! { AccountStore { subject(by: SubjectKey) -> Option<Subject>; } }
timed! { EventStore {
    events(of: AccountId, page: EventPage) -> Vec<EventRow>;
    beginnings(of: Vec<SessionId>) -> Vec<EventRow>;
    drop_events(realm: Realm, lasting: bool, before: Timestamp, limit: usize) -> usize;
} }
timed! { OutboxStore {
    claim(realm: Realm, now: Timestamp, lease: Duration, limit: usize) -> Vec<MessageRow>;
} }
timed! { FlowStore { find_flow(key: TokenHash, now: Timestamp) -> Option<FlowRow>; } }
timed! { SessionStore {
    find_session(key: TokenHash) -> Option<FoundSession>;
    sessions_of(account: AccountId, route: Route) -> Vec<SessionRow>;
} }

impl LockoutStore for Store {
    fn reserve(&self, keys: Vec<(GuardKey, Limit)>, now: Timestamp) -> Reply<'_, Reserved> {
        let reply = timed("reserve", self.0.reserve(keys, now));
        Box::pin(async move {
            let reserved = reply.await?;
            let outcome = match reserved {
                Reserved::Granted { .. } => "granted",
                Reserved::Held { .. } => "held",
                Reserved::Full => "full",
                _ => "spent",
            };
            if outcome == "granted" {
                granted();
            }
            count("propusk_guards_total", [("outcome", outcome)]);
            Ok(reserved)
        })
    }

    fn guard(&self, key: GuardKey) -> Reply<'_, Option<Guard>> {
        timed("guard", self.0.guard(key))
    }
}

impl store::Throttle for Throttle {
    fn pass(&self, keys: Vec<(ThrottleKey, Rate)>, now: Timestamp) -> Reply<'_, Passed> {
        timed("pass", self.0.pass(keys, now))
    }
}
