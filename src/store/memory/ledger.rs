//! The ledger's tables, and what each write does to them.

use crate::clock::Timestamp;
use crate::event::EventRow;
use crate::id::{AccountId, BrowserId, CredentialId, EventId, MessageId, Realm, Version};
use crate::lockout::{Guard, GuardKey};
use crate::message::MessageRow;
use crate::secret::TokenHash;
use crate::store::memory::rows::{Name, Outgoing, Owned, Until};
use crate::store::memory::sessions::{Batch, Sessions};
use crate::store::memory::table::{Journal, Sorted, Table};
use crate::store::{
    AccountRow, BrowserRow, Committed, ContactRow, CredentialRow, FlowRow, IdentifierRow, Lookup, OnceKey,
    SessionRow, Write,
};

/// Everything but the session rows.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) accounts: Table<AccountId, AccountRow>,
    pub(super) owned: Table<AccountId, Owned>,
    pub(super) identifiers: Table<Lookup, Name>,
    pub(super) contacts: Table<CredentialId, ContactRow>,
    pub(super) credentials: Table<CredentialId, CredentialRow>,
    pub(super) handles: Table<Lookup, CredentialId>,
    pub(super) browsers: Table<BrowserId, BrowserRow>,
    pub(super) browser_keys: Table<TokenHash, BrowserId>,
    pub(super) flows: Table<TokenHash, FlowRow>,
    pub(super) onces: Table<OnceKey, Until>,
    pub(super) events: Table<EventId, EventRow>,
    pub(super) history: Sorted<(AccountId, EventId)>,
    pub(super) ages: Sorted<(Realm, bool, Timestamp, EventId)>,
    pub(super) messages: Table<MessageId, Outgoing>,
    /// Messages to hand out, by when they are due.
    pub(super) queue: Sorted<(Realm, Timestamp, MessageId)>,
    pub(super) guards: Table<GuardKey, Guard>,
    pub(super) canaries: Table<Realm, Vec<u8>>,
}

impl Ledger {
    /// Applies the batch, all of it or nothing.
    pub(super) fn commit(&mut self, sessions: &Sessions, batch: Vec<Write>) -> Committed {
        let mut sessions = sessions.batch();
        for (at, write) in batch.into_iter().enumerate() {
            if !self.apply(&mut sessions, write) {
                sessions.roll_back();
                self.undo();
                return Committed::Lost { at };
            }
        }
        self.keep();
        Committed::Won
    }

    /// Whether the write's precondition held. When it did not, the caller undoes what is half done.
    #[allow(
        clippy::too_many_lines,
        reason = "one arm for each kind of write, read side by side with the contract"
    )]
    fn apply(&mut self, sessions: &mut Batch<'_>, write: Write) -> bool {
        match write {
            Write::AddAccount(row) => {
                self.owned.add(row.id, Owned::default()) && self.accounts.add(row.id, row)
            }
            Write::SwapAccount { mut row, expect } => match self.accounts.get(&row.id) {
                Some(old) if old.version == expect => {
                    (row.epoch, row.route) = (old.epoch, old.route);
                    self.accounts.set(row.id, Some(row));
                    true
                }
                _ => false,
            },
            Write::KeepAccount { id, expect } => {
                self.accounts.get(&id).is_some_and(|row| row.version == expect)
            }
            Write::KeepEpoch { account, expect } => {
                self.accounts.get(&account).is_some_and(|row| row.epoch == expect)
            }
            Write::RaiseEpoch { account, expect, .. } => {
                let holds = self.accounts.get(&account).is_some_and(|row| row.epoch == expect);
                if holds {
                    self.accounts.update(&account, |row| row.epoch = row.epoch.next());
                    self.end(sessions, account, |_| true);
                }
                holds
            }
            Write::AddIdentifier(row) => self.add_identifier(row),
            Write::RemoveIdentifier { lookup, account, free_at } => {
                let names = &mut self.identifiers;
                let holds = names
                    .get(&lookup)
                    .is_some_and(|name| name.row.account == account && name.free_at.is_none());
                if holds {
                    names.update(&lookup, |name| {
                        (name.row.sealed, name.free_at) = (vec![], Some(free_at));
                    });
                    self.own(account, |owned| owned.identifiers.retain(|other| *other != lookup));
                }
                holds
            }
            Write::AddContact(row) => {
                let (account, id) = (row.account, row.id);
                self.own(account, |owned| owned.contacts.push(id)) && self.contacts.add(id, row)
            }
            Write::KeepContact { id, expect } => {
                self.contacts.get(&id).is_some_and(|row| row.version == expect)
            }
            Write::RemoveContact { id, expect } => {
                let row = self.contacts.get(&id).filter(|row| row.version == expect);
                let owner = row.map(|row| row.account);
                if let Some(account) = owner {
                    self.contacts.remove(&id);
                    self.own(account, |owned| owned.contacts.retain(|other| *other != id));
                }
                owner.is_some()
            }
            Write::AddCredential(row) => {
                let (account, id) = (row.account, row.id);
                self.own(account, |owned| owned.credentials.push(id))
                    && row.lookups.iter().all(|handle| self.handles.add(*handle, id))
                    && self.credentials.add(id, row)
            }
            Write::SwapCredential { row, expect } => self.swap_credential(row, expect),
            Write::KeepCredential { id, expect } => self.credential_at(id, expect),
            Write::RemoveCredential { id, expect } => {
                self.credential_at(id, expect) && {
                    self.remove_credential(id);
                    true
                }
            }
            Write::AddBrowser { row, keep } => self.add_browser(row, keep),
            Write::TouchBrowser { id, seen, expires } => {
                self.browsers.update(&id, |row| (row.seen, row.expires) = (row.seen.max(seen), expires));
                true
            }
            Write::ForgetBrowsers { account, except } => {
                for id in self.owned.get(&account).map(|owned| owned.browsers.clone()).unwrap_or_default() {
                    if Some(id) != except {
                        self.forget_browser(id);
                    }
                }
                true
            }
            Write::AddFlow(row) => self.flows.add(row.key, row),
            Write::SwapFlow { row, expect } => {
                let holds = self.flow_at(&row.key, expect);
                if holds {
                    self.flows.set(row.key, Some(row));
                }
                holds
            }
            Write::TakeFlow { key, expect } => {
                let holds = self.flow_at(&key, expect);
                if holds {
                    self.flows.remove(&key);
                }
                holds
            }
            Write::Once { key, until } => self.onces.add(key, Until(until)),
            Write::Event(row) => {
                !self.events.has(&row.id) && {
                    if let Some(account) = row.account {
                        self.history.add((account, row.id));
                    }
                    self.ages.add((row.realm.clone(), row.lasting, row.at, row.id));
                    self.events.add(row.id, row)
                }
            }
            Write::Message(row) => {
                let id = row.id;
                let leased_until = Timestamp::from_millis(i64::MIN);
                !self.messages.has(&id) && {
                    self.set_message(id, Some(Outgoing { row, leased_until, closed: None }));
                    true
                }
            }
            Write::CloseMessage { id, at, delivered: _ } => {
                self.change_message(id, |message| {
                    message.row.sealed = vec![];
                    message.closed = Some(at);
                });
                true
            }
            Write::RetryMessage { id, due, tried } => {
                self.change_message(id, |message| {
                    message.row.attempts = message.row.attempts.saturating_sub(u32::from(!tried));
                    message.row.due = due;
                    message.leased_until = due;
                });
                true
            }
            Write::AddSession { row, keep } => {
                // A session under another route would be one that no end of the account's sessions reaches.
                let alive = self
                    .accounts
                    .get(&row.account)
                    .is_some_and(|account| account.epoch == row.epoch && account.route == row.key.route());
                alive && sessions.add(row, keep)
            }
            Write::TouchSession { key, seen } => {
                sessions.touch(&key, seen);
                true
            }
            Write::EndSession { account, id, .. } => self.end(sessions, account, |row| row.id == id) > 0,
            Write::EndSessions { account, except, .. } => {
                self.end(sessions, account, |row| Some(row.id) != except);
                true
            }
            Write::Settle { key, how, limit, at } => {
                let mut guard = self.guards.get(&key).copied().unwrap_or_default();
                guard.settle(how, &limit, at);
                self.guards.set(key, Some(guard));
                true
            }
            Write::AddCanary { realm, sealed } => self.canaries.add(realm, sealed),
        }
    }

    /// Leases one message of the queue; gives it as it is handed out.
    pub(super) fn lease(&mut self, id: MessageId, until: Timestamp) -> Option<MessageRow> {
        self.change_message(id, |message| {
            message.row.attempts = message.row.attempts.saturating_add(1);
            message.leased_until = until;
        });
        self.messages.get(&id).map(|message| message.row.clone())
    }

    pub(super) fn drop_event(&mut self, age: &(Realm, bool, Timestamp, EventId)) {
        self.ages.remove(age);
        if let Some(account) = self.events.get(&age.3).and_then(|row| row.account) {
            self.history.remove(&(account, age.3));
        }
        self.events.remove(&age.3);
    }

    pub(super) fn forget_browser(&mut self, id: BrowserId) {
        let Some(row) = self.browsers.get(&id) else { return };
        let (account, key) = (row.account, row.key);
        self.browsers.remove(&id);
        self.browser_keys.remove(&key);
        self.own(account, |owned| owned.browsers.retain(|other| *other != id));
    }

    pub(super) fn undo(&mut self) {
        self.each(|table| table.undo());
    }

    pub(super) fn keep(&mut self) {
        self.each(|table| table.keep());
    }

    /// Every table, by name: one that is added and forgotten here does not compile.
    fn each(&mut self, mut with: impl FnMut(&mut dyn Journal)) {
        let Self {
            accounts,
            owned,
            identifiers,
            contacts,
            credentials,
            handles,
            browsers,
            browser_keys,
            flows,
            onces,
            events,
            history,
            ages,
            messages,
            queue,
            guards,
            canaries,
        } = self;
        let all: [&mut dyn Journal; 17] = [
            accounts,
            owned,
            identifiers,
            contacts,
            credentials,
            handles,
            browsers,
            browser_keys,
            flows,
            onces,
            events,
            history,
            ages,
            messages,
            queue,
            guards,
            canaries,
        ];
        for table in all {
            with(table);
        }
    }

    /// Changes what an account owns; false when there is no such account.
    fn own(&mut self, account: AccountId, change: impl FnOnce(&mut Owned)) -> bool {
        let there = self.owned.has(&account);
        self.owned.update(&account, change);
        there
    }

    /// Ends those of the account's sessions that are chosen. Under the route of its own row, whatever the write says.
    fn end(
        &self,
        sessions: &mut Batch<'_>,
        account: AccountId,
        chosen: impl Fn(&SessionRow) -> bool,
    ) -> usize {
        self.accounts.get(&account).map_or(0, |row| sessions.end(account, row.route, chosen))
    }

    fn flow_at(&self, key: &TokenHash, expect: Version) -> bool {
        self.flows.get(key).is_some_and(|row| row.version == expect)
    }

    fn credential_at(&self, id: CredentialId, expect: Version) -> bool {
        self.credentials.get(&id).is_some_and(|row| row.version == expect)
    }

    fn add_identifier(&mut self, row: IdentifierRow) -> bool {
        let (account, lookup) = (row.account, row.lookup);
        let free = match self.identifiers.get(&lookup) {
            Some(name) => name.free_at.is_some() && name.row.account == account,
            None => true,
        };
        let added = free && self.own(account, |owned| owned.identifiers.push(lookup));
        if added {
            self.identifiers.set(lookup, Some(Name { row, free_at: None }));
        }
        added
    }

    fn swap_credential(&mut self, row: CredentialRow, expect: Version) -> bool {
        let Some(old) = self.credentials.get(&row.id) else { return false };
        if old.account != row.account || old.version != expect {
            return false;
        }
        for handle in old.lookups.clone() {
            self.handles.remove(&handle);
        }
        let unique = row.lookups.iter().all(|handle| self.handles.add(*handle, row.id));
        if unique {
            self.credentials.set(row.id, Some(row));
        }
        unique
    }

    fn remove_credential(&mut self, id: CredentialId) {
        let Some(row) = self.credentials.get(&id) else { return };
        let (account, lookups) = (row.account, row.lookups.clone());
        for handle in &lookups {
            self.handles.remove(handle);
        }
        self.credentials.remove(&id);
        self.own(account, |owned| owned.credentials.retain(|other| *other != id));
    }

    fn add_browser(&mut self, row: BrowserRow, keep: usize) -> bool {
        let (id, account) = (row.id, row.account);
        let added = self.browser_keys.add(row.key, id)
            && self.browsers.add(id, row)
            && self.own(account, |owned| owned.browsers.push(id));
        if added {
            let known = self.owned.get(&account).map(|owned| owned.browsers.clone()).unwrap_or_default();
            let surplus = known.len().saturating_sub(keep.max(1));
            let mut others: Vec<_> = known
                .into_iter()
                .filter(|other| *other != id)
                .filter_map(|other| self.browsers.get(&other).map(|row| (row.seen, other)))
                .collect();
            others.sort_unstable();
            for (_, other) in others.into_iter().take(surplus) {
                self.forget_browser(other);
            }
        }
        added
    }

    fn change_message(&mut self, id: MessageId, change: impl FnOnce(&mut Outgoing)) {
        if let Some(mut message) = self.messages.get(&id).filter(|message| message.closed.is_none()).cloned()
        {
            change(&mut message);
            self.set_message(id, Some(message));
        }
    }

    /// Keeps the queue in step with the messages.
    pub(super) fn set_message(&mut self, id: MessageId, message: Option<Outgoing>) {
        if let Some(place) = self.messages.get(&id).and_then(Outgoing::queued) {
            self.queue.remove(&place);
        }
        if let Some(place) = message.as_ref().and_then(Outgoing::queued) {
            self.queue.add(place);
        }
        self.messages.set(id, message);
    }
}
