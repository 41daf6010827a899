//! Batches: in order, all or nothing.

use std::collections::BTreeSet;

use crate::clock::Timestamp;
use crate::event::EventPage;
use crate::id::{Realm, Version};
use crate::lockout::{Limit, Settlement};
use crate::store::{AccountRow, Committed, CredentialRow, FlowRow, SubjectKey, Write};
use crate::testing::kinds::{KEEPS, KINDS, kind};
use crate::testing::lab::{Lab, REALM, T0, add_session, at, end, end_all, raise};

pub(in crate::testing) fn an_empty_batch_is_won(lab: Lab) {
    lab.won([]);
}

/// Each precondition is judged on what the writes before it left.
pub(in crate::testing) fn are_judged_in_order(lab: Lab) {
    let account = lab.account_row();
    let raised = AccountRow { epoch: account.epoch.next(), ..account.clone() };
    let handle = lab.lookup();
    let first = lab.credential(account.id, vec![handle]);
    let second = CredentialRow { version: Version(2), ..first.clone() };
    let (old, new) = (lab.session(&account, 0), lab.session(&raised, 0));
    let next = lab.credential(account.id, vec![handle]);
    lab.won([
        Write::AddAccount(account.clone()),
        Write::AddIdentifier(lab.identifier(account.id)),
        Write::AddCredential(first.clone()),
        Write::SwapCredential { row: second.clone(), expect: Version(1) },
        Write::KeepCredential { id: first.id, expect: Version(2) },
        Write::RemoveCredential { id: first.id, expect: Version(2) },
        Write::AddCredential(next.clone()),
        add_session(&old),
        raise(account.id, account.epoch),
        add_session(&new),
    ]);
    let found = lab.subject(SubjectKey::Credential(handle)).expect("the account");
    assert_eq!((found.account, found.credentials), (raised, vec![next]));
    assert!(!lab.alive(old.key) && lab.alive(new.key));

    let flow = lab.flow();
    let again = FlowRow { version: Version(5), ..flow.clone() };
    lab.won([
        Write::AddFlow(flow.clone()),
        Write::TakeFlow { key: flow.key, expect: Version(1) },
        Write::AddFlow(again.clone()),
    ]);
    assert_eq!(lab.ask(lab.store().find_flow(flow.key, T0)), Some(again.clone()));
    let twice = vec![
        Write::TakeFlow { key: flow.key, expect: Version(5) },
        Write::TakeFlow { key: flow.key, expect: Version(5) },
    ];
    assert_eq!(lab.commit(twice), Committed::Lost { at: 1 });
    assert_eq!(lab.ask(lab.store().find_flow(flow.key, T0)), Some(again));

    let key = lab.once_key();
    let twice = vec![Write::Once { key, until: at(9) }, Write::Once { key, until: at(9) }];
    assert_eq!(lab.commit(twice), Committed::Lost { at: 1 });
    lab.won([Write::Once { key, until: at(9) }]);
}

pub(in crate::testing) fn lost_tells_the_place(lab: Lab) {
    let key = lab.once_key();
    lab.won([Write::Once { key, until: at(9) }]);
    for place in 0..5 {
        let mut batch: Vec<_> = (0..5).map(|_| Write::Event(lab.event(None, 0))).collect();
        batch[place] = Write::Once { key, until: at(9) };
        assert_eq!(lab.commit(batch), Committed::Lost { at: place });
    }
}

/// ATTACKS 8 from the other side: a refused batch takes back everything, whatever kind stood where.
pub(in crate::testing) fn lost_leaves_nothing_of_any_kind(lab: Lab) {
    let spent = lab.once_key();
    lab.won([Write::Once { key: spent, until: at(9) }]);
    let loser = || Write::Once { key: spent, until: at(9) };
    let mut kinds = BTreeSet::new();
    for nth in 0.. {
        // Each kind on rows of its own, so that every one of them can be won at the end.
        let world = World::new(&lab);
        let writes = world.writes(&lab);
        let Some(write) = writes.get(nth).cloned() else { break };
        let told = kind(&write);
        kinds.insert(told);
        let before = world.picture(&lab);
        assert_eq!(
            lab.commit(vec![write.clone(), loser()]),
            Committed::Lost { at: 1 },
            "{told}, then a loser"
        );
        assert_eq!(before, world.picture(&lab), "{told} before a write that lost left something");
        assert_eq!(
            lab.commit(vec![loser(), write.clone()]),
            Committed::Lost { at: 0 },
            "a loser, then {told}"
        );
        assert_eq!(before, world.picture(&lab), "{told} after a write that lost was applied");
        lab.won([write]);
        assert_ne!(before, world.picture(&lab), "{told} alone is seen (else this check is blind to it)");
        if nth == 0 {
            let other = World::new(&lab);
            let before = other.picture(&lab);
            let mut all = other.compatible(&lab);
            all.push(loser());
            assert_eq!(lab.commit(all.clone()), Committed::Lost { at: all.len() - 1 });
            assert_eq!(before, other.picture(&lab), "all kinds before a write that lost");
            all.pop();
            lab.won(all);
        }
    }
    assert_eq!(kinds.len(), KINDS - KEEPS, "every kind of write that changes something is tried");
}

/// One account with one of everything.
struct World {
    account: AccountRow,
    identifier: crate::store::IdentifierRow,
    contact: crate::store::ContactRow,
    credential: CredentialRow,
    browser: crate::store::BrowserRow,
    flow: FlowRow,
    session: crate::store::SessionRow,
    guard: crate::lockout::GuardKey,
    realm: Realm,
    messages: Vec<crate::id::MessageId>,
    new: New,
}

/// What its writes add.
struct New {
    account: AccountRow,
    identifier: crate::store::IdentifierRow,
    contact: crate::store::ContactRow,
    credential: CredentialRow,
    browser: crate::store::BrowserRow,
    flow: FlowRow,
    session: crate::store::SessionRow,
    event: crate::event::EventRow,
    message: crate::message::MessageRow,
    once: crate::store::OnceKey,
    realm: Realm,
}

impl World {
    fn new(lab: &Lab) -> Self {
        let account = lab.account();
        let id = account.id;
        let realm = Realm::owned(format!("realm {id}"));
        let message = |due| crate::message::MessageRow { realm: realm.clone(), ..lab.message(due) };
        let (closing, retried) = (message(0), message(0));
        let world = Self {
            identifier: lab.identifier(id),
            contact: lab.contact(id),
            credential: lab.credential(id, vec![lab.lookup()]),
            browser: lab.browser(id, 0),
            flow: lab.flow(),
            session: lab.session(&account, 0),
            guard: lab.guard_key(),
            messages: vec![closing.id, retried.id],
            new: New {
                account: lab.account_row(),
                identifier: lab.identifier(id),
                contact: lab.contact(id),
                credential: lab.credential(id, vec![lab.lookup()]),
                browser: lab.browser(id, 9),
                flow: lab.flow(),
                session: lab.session(&account, 9),
                event: lab.event(Some(id), 0),
                message: message(0),
                once: lab.once_key(),
                realm: Realm::owned(format!("new realm {id}")),
            },
            account,
            realm,
        };
        lab.won([
            Write::AddIdentifier(world.identifier.clone()),
            Write::AddContact(world.contact.clone()),
            Write::AddCredential(world.credential.clone()),
            Write::AddBrowser { row: world.browser.clone(), keep: 9 },
            Write::AddFlow(world.flow.clone()),
            add_session(&world.session),
            Write::Message(closing),
            Write::Message(retried),
        ]);
        let _ = lab.ask(lab.store().reserve(vec![(world.guard, Limit::PORTAL)], T0));
        world
    }

    /// One write of each kind, each of which alone would be won.
    fn writes(&self, lab: &Lab) -> Vec<Write> {
        let mut writes = self.compatible(lab);
        let id = self.account.id;
        writes.extend([
            Write::RemoveIdentifier { lookup: self.identifier.lookup, account: id, free_at: at(9) },
            Write::RemoveContact { id: self.contact.id, expect: Version(1) },
            Write::RemoveCredential { id: self.credential.id, expect: Version(1) },
            Write::ForgetBrowsers { account: id, except: None },
            Write::TakeFlow { key: self.flow.key, expect: Version(1) },
            end(id, self.session.id),
            end_all(id, None),
            raise(id, self.account.epoch),
        ]);
        writes
    }

    /// Those that can stand together in one batch.
    fn compatible(&self, _lab: &Lab) -> Vec<Write> {
        let new = &self.new;
        let account = AccountRow { version: Version(2), sealed: vec![9], ..self.account.clone() };
        let credential = CredentialRow { version: Version(2), sealed: vec![9], ..self.credential.clone() };
        let flow = FlowRow { version: Version(2), sealed: vec![9], ..self.flow.clone() };
        vec![
            Write::AddAccount(new.account.clone()),
            Write::SwapAccount { row: account, expect: Version(1) },
            Write::AddIdentifier(new.identifier.clone()),
            Write::AddContact(new.contact.clone()),
            Write::AddCredential(new.credential.clone()),
            Write::SwapCredential { row: credential, expect: Version(1) },
            // The limit of one pushes the browser out that was there.
            Write::AddBrowser { row: new.browser.clone(), keep: 1 },
            Write::TouchBrowser { id: self.browser.id, seen: at(50), expires: at(60) },
            Write::AddFlow(new.flow.clone()),
            Write::SwapFlow { row: flow, expect: Version(1) },
            Write::Once { key: new.once, until: at(9) },
            Write::Event(new.event.clone()),
            Write::Message(new.message.clone()),
            Write::CloseMessage { id: self.messages[0], at: T0, delivered: true },
            Write::RetryMessage { id: self.messages[1], due: at(1_000_000), tried: true },
            Write::AddSession { row: new.session.clone(), keep: 1 },
            Write::TouchSession { key: self.session.key, seen: at(50) },
            Write::Settle { key: self.guard, how: Settlement::Refused, limit: Limit::PORTAL, at: T0 },
            Write::AddCanary { realm: new.realm.clone(), sealed: vec![1] },
        ]
    }

    /// Everything that can be asked about it. Messages are looked at by leasing them for no time at all.
    fn picture(&self, lab: &Lab) -> Vec<String> {
        let (store, new) = (lab.store(), &self.new);
        let subjects = [
            SubjectKey::Account(self.account.id),
            SubjectKey::Identifier(self.identifier.lookup),
            SubjectKey::Credential(self.credential.lookups[0]),
            SubjectKey::Account(new.account.id),
            SubjectKey::Identifier(new.identifier.lookup),
            SubjectKey::Credential(new.credential.lookups[0]),
        ];
        let mut picture: Vec<_> = subjects
            .into_iter()
            .map(|by| {
                let mut subject = lab.subject(by);
                if let Some(subject) = &mut subject {
                    subject.identifiers.sort_by_key(|row| row.lookup);
                    subject.contacts.sort_by_key(|row| row.id);
                    subject.credentials.sort_by_key(|row| row.id);
                    subject.browsers.sort_by_key(|row| row.id);
                }
                format!("{subject:?}")
            })
            .collect();
        picture.extend(
            [self.flow.key, new.flow.key].map(|key| format!("{:?}", lab.ask(store.find_flow(key, T0)))),
        );
        picture.extend([self.session.key, new.session.key].map(|key| {
            let found = lab.ask(store.find_session(key));
            format!("{:?}", found.filter(|found| found.epoch == found.row.epoch))
        }));
        picture.push(format!("{:?}", lab.sessions(self.account.id)));
        picture.push(format!("{:?}", lab.ask(store.guard(self.guard))));
        picture.push(format!("{:?}", lab.ask(store.events(self.account.id, EventPage::newest(9)))));
        picture.push(format!("{:?}", lab.ask(store.canary(new.realm.clone()))));
        let now = Timestamp::from_millis(T0.as_millis() + 1);
        let mut due = lab.ask(store.claim(self.realm.clone(), now, std::time::Duration::ZERO, 99));
        due.iter_mut().for_each(|row| row.attempts = 0);
        due.sort_by_key(|row| row.id);
        picture.push(format!("{due:?}"));
        // Whether the once-row is there shows only in a batch that is lost anyway.
        let last = Write::AddCanary { realm: REALM, sealed: vec![] };
        let _ = lab.commit(vec![last.clone()]);
        picture.push(format!("{:?}", lab.commit(vec![Write::Once { key: new.once, until: at(9) }, last])));
        picture
    }
}
