//! Trust: the right of one known browser to sign in by less than the profile asks for, for a time, where the profile
//! allows it (MISSION C2). It meets the gate of a sign-in and nothing else: no requirement, no change of credentials, and
//! the session's level is that of what was proven.
//!
//! It lies sealed in a row beside the account's credentials, which names the browser's record. Each use gives the browser
//! a new token and the row to it, by compare-and-swap: a cookie that was copied is good once, and then the other's is
//! dead. It ends with its time, with the browser's record, with every change of the account's epoch (a changed password, a
//! removed factor, a lock) and with every new credential.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::state::{Kind, Run};
use super::subject::Person;
use crate::auth::Inner;
use crate::clock::Timestamp;
use crate::error::Broken;
use crate::id::{BrowserId, Epoch, FactorName};
use crate::secret::{Purpose, Token};
use crate::store::{BrowserRow, CredentialRow, Write};

/// What stands sealed in a row of trust.
#[derive(Serialize, Deserialize)]
struct Trust {
    browser: BrowserId,
    until: Timestamp,
    epoch: Epoch,
}

/// A trusted browser at a sign-in: read from the server's own record, and made nowhere else.
pub(crate) struct Trusted {
    row: CredentialRow,
    trust: Trust,
}

/// The name of the rows: no factor may have it.
pub(crate) const NAME: FactorName = FactorName::new("trust");

impl Inner {
    /// The trust that this browser enjoys at this sign-in, if the profile asks no more of a trusted one than was proven.
    /// None that ends with this batch.
    pub(crate) fn trusted(
        &self,
        run: &Run<'_>,
        person: &Person,
        batch: &[Write],
    ) -> Result<Option<Trusted>, Broken> {
        let Some(rule) = &self.profile.trust else { return Ok(None) };
        let state = &run.state;
        if state.kind != Kind::SignIn || state.public_device || !rule.needs.met_by(&state.proofs, run.now) {
            return Ok(None);
        }
        let Some(browser) = person.browser(self, &run.visit.client, run.now) else { return Ok(None) };
        let lives = |one: &Trusted| {
            let Trusted { row, trust } = one;
            trust.browser == browser.id
                && run.now < trust.until
                && trust.epoch == person.epoch()
                && !removes(batch, row)
        };
        Ok(self.trusts(person)?.into_iter().find(lives))
    }

    /// The writes by which a trusted browser signs in: another token for it, and its trust with it.
    pub(crate) fn rotate(
        &self,
        run: &Run<'_>,
        person: &Person,
        trusted: &Trusted,
    ) -> Result<(Vec<Write>, Token, Option<Token>), Broken> {
        let client = &run.visit.client;
        let key = person.browser(self, client, run.now).map(|row| row.key);
        let old = |token: &&Token| Some(token.hash(self.keys.scope(), Purpose::Browser)) == key;
        let replaced = client.browsers.iter().find(old).cloned();
        let (row, token) = self.new_browser(person.id, run.now)?;
        let trust = Trust { browser: row.id, ..trusted.trust };
        let expect = trusted.row.version;
        let sealed = self.seal_credential((person.id, trusted.row.id, &NAME), None, &encoded(&trust)?)?;
        let next = CredentialRow { version: expect.next(), sealed, ..trusted.row.clone() };
        let (old, seen) = (trusted.trust.browser, run.now);
        let writes = vec![
            Write::SwapCredential { row: next, expect },
            Write::TouchBrowser { id: old, seen, expires: seen },
            Write::AddBrowser { row, keep: self.profile.browsers },
        ];
        Ok((writes, token, replaced))
    }

    /// Adds to a batch the writes by which a browser is trusted from now on, at the epoch in which its session begins; what
    /// is of no use any more goes, unless it goes by this batch as it is.
    pub(crate) fn trust(
        &self,
        run: &Run<'_>,
        person: &Person,
        (browser, life, epoch): (BrowserId, Duration, Epoch),
        batch: &mut Vec<Write>,
    ) -> Result<(), Broken> {
        let until = run.now.after(life);
        let known = person.subject.iter().flat_map(|subject| &subject.browsers);
        let stays = |one: &Trust| {
            let here = one.browser == browser;
            !here
                && one.epoch == epoch
                && run.now < one.until
                && known.clone().any(|row| row.id == one.browser)
        };
        let gone = self.trusts(person)?.into_iter().filter(|one| !stays(&one.trust));
        let gone: Vec<_> = gone.filter(|one| !removes(batch, &one.row)).map(removal).collect();
        batch.extend(gone);
        let plain = encoded(&Trust { browser, until, epoch })?;
        batch.push(Write::AddCredential(self.new_credential(person.id, &NAME, &plain, &[], run.now)?));
        Ok(())
    }

    /// The writes by which an account knows no browser and no place any more, but those of who does it, and trusts none.
    pub(crate) fn distrust(&self, person: &Person, but: Option<&Run<'_>>) -> Result<Vec<Write>, Broken> {
        let here = but.and_then(|run| person.browser(self, &run.visit.client, run.now)).map(|row| row.id);
        let mut writes = self.untrust_others(person, None)?;
        writes.push(Write::ForgetBrowsers { account: person.id, except: here });
        writes.extend(self.doubt_habits(person, but)?);
        Ok(writes)
    }

    /// The writes by which all browsers lose their trust but this one.
    pub(crate) fn untrust_others(
        &self,
        person: &Person,
        but: Option<BrowserId>,
    ) -> Result<Vec<Write>, Broken> {
        let gone = self.trusts(person)?.into_iter().filter(|one| Some(one.trust.browser) != but);
        Ok(gone.map(removal).collect())
    }

    /// The writes by which one browser loses its trust.
    pub(crate) fn untrust(&self, person: &Person, browser: BrowserId) -> Result<Vec<Write>, Broken> {
        let gone = self.trusts(person)?.into_iter().filter(|one| one.trust.browser == browser);
        Ok(gone.map(removal).collect())
    }

    /// Which browsers are trusted now, and until when.
    pub(crate) fn trusted_browsers(&self, person: &Person) -> Result<BTreeMap<BrowserId, Timestamp>, Broken> {
        let (epoch, now) = (person.epoch(), self.clock.now());
        let lives = |one: &Trusted| one.trust.epoch == epoch && now < one.trust.until;
        let trusts = if self.profile.trust.is_some() { self.trusts(person)? } else { Vec::new() };
        Ok(trusts.into_iter().filter(lives).map(|one| (one.trust.browser, one.trust.until)).collect())
    }

    pub(crate) fn new_browser(
        &self,
        account: crate::id::AccountId,
        now: Timestamp,
    ) -> Result<(BrowserRow, Token), Broken> {
        let token = Token::random(self.entropy())?;
        let key = token.hash(self.keys.scope(), Purpose::Browser);
        let expires = now.after(self.profile.browser_life);
        Ok((BrowserRow { id: BrowserId::next(self)?, account, key, seen: now, expires }, token))
    }

    fn trusts(&self, person: &Person) -> Result<Vec<Trusted>, Broken> {
        let rows = person.subject.iter().flat_map(|subject| &subject.credentials);
        rows.filter(|row| row.factor == NAME)
            .map(|row| {
                let plain = self.open_credential(row)?.1;
                let trust = serde_json::from_slice(&plain).map_err(|_| Broken::Sealed)?;
                Ok(Trusted { row: row.clone(), trust })
            })
            .collect()
    }
}

fn removal(Trusted { row, .. }: Trusted) -> Write {
    Write::RemoveCredential { id: row.id, expect: row.version }
}

/// A changed password takes all trust with it, and the sign-in that was asked for it may end in the same commit.
fn removes(batch: &[Write], row: &CredentialRow) -> bool {
    batch.iter().any(|write| matches!(write, Write::RemoveCredential { id, .. } if *id == row.id))
}

fn encoded(trust: &Trust) -> Result<Vec<u8>, Broken> {
    serde_json::to_vec(trust).map_err(|_| Broken::Misuse("trust"))
}
