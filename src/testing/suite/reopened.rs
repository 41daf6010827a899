//! What a store that keeps its rows still has through a new handle.

use std::time::Duration;

use crate::event::EventPage;
use crate::id::Version;
use crate::lockout::{Limit, Settlement};
use crate::message::MessageRow;
use crate::store::{IdentifierRow, SubjectKey, Write};
use crate::testing::lab::{Lab, REALM, T0, add_session, at};

pub(in crate::testing) fn everything_is_still_there(lab: Lab) {
    let account = lab.account();
    let (identifier, contact) = (lab.identifier(account.id), lab.contact(account.id));
    let given_up = lab.identifier(account.id);
    let credential = lab.credential(account.id, vec![lab.lookup()]);
    let (browser, flow, session) = (lab.browser(account.id, 0), lab.flow(), lab.session(&account, 0));
    let (event, message) = (lab.event(Some(account.id), 0), lab.message(0));
    let (once, guard) = (lab.once_key(), lab.guard_key());
    lab.won([
        Write::AddIdentifier(identifier.clone()),
        Write::AddIdentifier(given_up.clone()),
        Write::RemoveIdentifier { lookup: given_up.lookup, account: account.id, free_at: at(9) },
        Write::AddContact(contact.clone()),
        Write::AddCredential(credential.clone()),
        Write::AddBrowser { row: browser.clone(), keep: 9 },
        Write::AddFlow(flow.clone()),
        add_session(&session),
        Write::Event(event.clone()),
        Write::Message(message.clone()),
        Write::Once { key: once, until: at(9) },
        Write::Settle { key: guard, how: Settlement::Clear, limit: Limit::PORTAL, at: T0 },
        Write::AddCanary { realm: REALM, sealed: vec![1] },
    ]);
    let before = lab.ask(lab.store().guard(guard));
    let handed = lab.ask(lab.store().claim(REALM, T0, Duration::from_secs(1), 9));
    assert_eq!(handed, [MessageRow { attempts: 1, ..message.clone() }]);
    let lab = lab.reopen();
    let found = lab.subject(SubjectKey::Identifier(identifier.lookup)).expect("the account is still there");
    assert_eq!(found.account, account);
    assert_eq!(found.identifiers, [identifier]);
    assert_eq!(found.contacts, [contact]);
    assert_eq!(found.credentials, std::slice::from_ref(&credential));
    assert_eq!(found.browsers, [browser]);
    assert_eq!(lab.ask(lab.store().find_flow(flow.key, T0)), Some(flow));
    assert!(lab.alive(session.key));
    assert_eq!(lab.sessions(account.id), [session]);
    assert_eq!(lab.ask(lab.store().events(account.id, EventPage::newest(9))), [event]);
    assert_eq!(lab.ask(lab.store().guard(guard)), before);
    assert_eq!(lab.ask(lab.store().canary(REALM)), Some(vec![1]));
    assert!(lab.ask(lab.store().claim(REALM, T0, Duration::from_secs(1), 9)).is_empty(), "leased still");
    lab.lost(Write::Once { key: once, until: at(9) });
    let stranger = lab.account();
    lab.lost(Write::AddIdentifier(IdentifierRow { account: stranger.id, ..given_up.clone() }));
    lab.won([Write::AddIdentifier(given_up)]);
    lab.lost(Write::KeepCredential { id: credential.id, expect: Version(2) });
    lab.won([Write::KeepCredential { id: credential.id, expect: Version(1) }]);
}
