//! From where an account is signed in to: what a sign-in is held against.
//!
//! It lies sealed in a row beside the account's credentials, as trust does, so that it is read with the account and written
//! with the sign-in: no trip to the store and no commit more, and no write at all where nothing is new that day. A network
//! is eight bytes of a keyed hash that has the account in it: opened, the row says from where nobody signed in, and of two
//! accounts not whether they share a network. What it says is forgotten where the browsers are that the account knows
//! ([`distrust`](Inner::distrust)), or whoever was thrown out would come back to a network that they made known.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::Client;
use super::state::Run;
use super::subject::Person;
use crate::auth::Inner;
use crate::clock::Timestamp;
use crate::error::Broken;
use crate::id::{AccountId, FactorName};
use crate::place::Country;
use crate::secret::Purpose;
use crate::store::{CredentialRow, Write};

/// What stands sealed in the row; moments as days since the epoch.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Habits {
    /// The last sign-in, known browser or not.
    seen: i64,
    /// The newest first.
    networks: Vec<(u64, i64)>,
    countries: Vec<(Country, i64)>,
    /// What it was used to was forgotten, since somebody else may have taught it.
    #[serde(default)]
    cleared: bool,
}

/// From where a client comes, as habits know it.
#[derive(Clone, Copy)]
pub(crate) struct Whence {
    pub(crate) network: Option<u64>,
    pub(crate) country: Option<Country>,
}

/// The name of the rows: no factor may have it.
pub(crate) const NAME: FactorName = FactorName::new("habits");

impl Inner {
    pub(crate) fn whence(&self, client: &Client, of: AccountId) -> Whence {
        let hash = |block: Vec<u8>| {
            let hash = self.keys.lookup(Purpose::Lookup, &[b"habits", of.as_bytes(), &block]);
            let [a, b, c, d, e, f, g, h, ..] = hash;
            u64::from_be_bytes([a, b, c, d, e, f, g, h])
        };
        let country = |address: IpAddr| self.places.as_ref()?.country(address.to_canonical());
        Whence { network: client.block().map(hash), country: client.address.and_then(country) }
    }

    /// What an account is used to, with its row; `None` before it was signed in to from anywhere.
    pub(crate) fn habits<'p>(
        &self,
        person: &'p Person,
    ) -> Result<Option<(&'p CredentialRow, Habits)>, Broken> {
        let mut rows = person.subject.iter().flat_map(|subject| &subject.credentials);
        let Some(row) = rows.find(|row| row.factor == NAME) else { return Ok(None) };
        let plain = self.open_credential(row)?.1;
        Ok(Some((row, serde_json::from_slice(&plain).map_err(|_| Broken::Sealed)?)))
    }

    /// Puts the write into the batch by which the account remembers from where it is signed in to now, if that is news:
    /// on top of the doubt, where that is cast in the same batch.
    pub(crate) fn learn(
        &self,
        run: &Run<'_>,
        person: &Person,
        account: AccountId,
        batch: &mut Vec<Write>,
    ) -> Result<(), Broken> {
        let whence = self.whence(&run.visit.client, account);
        if whence.network.is_none() {
            return Ok(());
        }
        let old = self.habits(person)?;
        let before = old.as_ref().map(|(_, habits)| habits.clone()).unwrap_or_default();
        let mut habits = before.clone();
        let row = old.as_ref().map(|(row, _)| row.id);
        let doubts =
            |write: &Write| matches!(write, Write::SwapCredential { row: new, .. } if Some(new.id) == row);
        if let Some(at) = batch.iter().position(doubts) {
            batch.remove(at);
            habits.doubt(Some(whence));
        }
        habits.meet(whence, run.now, run.state.public_device, self.profile.suspicion.networks);
        if habits == before {
            return Ok(());
        }
        batch.push(match old {
            Some((row, _)) => self.keep_habits(account, row, &habits)?,
            None => {
                let plain = encoded(&habits)?;
                // One handle for all: of two sign-ins at once one makes the row, and the other finds it.
                let handles = [account.as_bytes().to_vec()];
                Write::AddCredential(self.new_credential(account, &NAME, &plain, &handles, run.now)?)
            }
        });
        Ok(())
    }

    /// The write by which it knows no place any more, but that of who does it if it is known, and takes each for new:
    /// whoever was thrown out may be the first to come again.
    pub(crate) fn doubt_habits(
        &self,
        person: &Person,
        but: Option<&Run<'_>>,
    ) -> Result<Option<Write>, Broken> {
        let Some((row, mut habits)) = self.habits(person)? else { return Ok(None) };
        habits.doubt(but.map(|run| self.whence(&run.visit.client, person.id)));
        self.keep_habits(person.id, row, &habits).map(Some)
    }

    fn keep_habits(&self, of: AccountId, row: &CredentialRow, habits: &Habits) -> Result<Write, Broken> {
        let (expect, version) = (row.version, row.version.next());
        let sealed = self.seal_credential((of, row.id, &NAME), None, &encoded(habits)?)?;
        Ok(Write::SwapCredential { row: CredentialRow { version, sealed, ..row.clone() }, expect })
    }
}

impl Habits {
    pub(crate) fn is_new_network(&self, whence: Whence) -> bool {
        let known = |network| self.networks.iter().any(|(one, _)| *one == network);
        (self.cleared || !self.networks.is_empty()) && whence.network.is_some_and(|network| !known(network))
    }

    pub(crate) fn is_new_country(&self, whence: Whence) -> bool {
        let known = |country| self.countries.iter().any(|(one, _)| *one == country);
        (self.cleared || !self.countries.is_empty()) && whence.country.is_some_and(|country| !known(country))
    }

    /// The end of the day of the last sign-in.
    pub(crate) fn seen(&self) -> Timestamp {
        Timestamp::from_millis(self.seen.saturating_add(1).saturating_mul(DAY))
    }

    fn doubt(&mut self, but: Option<Whence>) {
        self.networks.retain(|(one, _)| but.and_then(|here| here.network) == Some(*one));
        self.countries.retain(|(one, _)| but.and_then(|here| here.country) == Some(*one));
        self.cleared = true;
    }

    fn meet(&mut self, whence: Whence, now: Timestamp, public: bool, keep: usize) {
        self.seen = now.as_millis().div_euclid(DAY);
        // Somebody else's device stands in somebody else's network.
        if !public {
            newest_first(&mut self.networks, whence.network, self.seen, keep);
            newest_first(&mut self.countries, whence.country, self.seen, keep);
        }
    }
}

fn encoded(habits: &Habits) -> Result<Vec<u8>, Broken> {
    serde_json::to_vec(habits).map_err(|_| Broken::Misuse("habits"))
}

fn newest_first<T: Copy + PartialEq>(list: &mut Vec<(T, i64)>, new: Option<T>, seen: i64, keep: usize) {
    // Two places of one day do not take turns in being the first: that would be a write at each sign-in.
    let Some(new) = new.filter(|new| !list.contains(&(*new, seen))) else { return };
    list.retain(|(one, _)| *one != new);
    list.insert(0, (new, seen));
    list.truncate(keep);
}

const DAY: i64 = 24 * 3600 * 1000;
