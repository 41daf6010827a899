//! What a new account, and a new credential, is at rest: made by a registration or an import.

use super::Inner;
use crate::account::identifier::Identifier;
use crate::account::{Contact, ProfileData};
use crate::clock::Timestamp;
use crate::error::Broken;
use crate::id::{AccountId, CredentialId, Epoch, FactorName, Version};
use crate::secret::{DataKey, Place, Purpose, Route};
use crate::store::{AccountRow, AccountState, ContactRow, CredentialRow, IdentifierRow, Write};

use zeroize::Zeroizing;

/// An account that is not written yet.
pub(crate) struct NewAccount {
    pub(crate) id: AccountId,
    pub(crate) key: DataKey,
    pub(crate) route: Route,
    pub(crate) rows: Vec<Write>,
}

impl Inner {
    /// An account under these names; those with `true` are confirmed contacts, too.
    pub(crate) fn new_account(
        &self,
        profile: &ProfileData,
        names: &[(Identifier, bool)],
        now: Timestamp,
    ) -> Result<NewAccount, Broken> {
        let id = AccountId::next(self)?;
        let (key, route) = (DataKey::random(self.entropy())?, Route::random(self.entropy())?);
        let mut rows = vec![Write::AddAccount(AccountRow {
            id,
            realm: self.keys.realm().clone(),
            version: Version(0),
            epoch: Epoch(0),
            state: AccountState::Active,
            route,
            created: now,
            data_key: self.keys.seal_key(self.entropy(), id, &key)?,
            sealed: self.seal_profile(id, &key, profile)?,
        })];
        for (name, confirmed) in names {
            rows.extend(self.name_rows((id, &key), name, (true, *confirmed), now)?);
        }
        Ok(NewAccount { id, key, route, rows })
    }

    /// A login name, a confirmed contact, or both in one.
    pub(crate) fn name_rows(
        &self,
        (id, key): (AccountId, &DataKey),
        name: &Identifier,
        (signs_in, confirmed): (bool, bool),
        now: Timestamp,
    ) -> Result<Vec<Write>, Broken> {
        let under =
            |place: Place<'_>, plain: &[u8]| self.keys.seal_under(key, self.entropy(), &place.of(id), plain);
        let mut rows = Vec::new();
        if signs_in {
            let lookup = self.lookup(name);
            let plain = serde_json::to_vec(name).map_err(|_| Broken::Misuse("identifier"))?;
            let sealed = under(Place::new(Purpose::Identifier, &lookup.0), &plain)?;
            rows.push(Write::AddIdentifier(IdentifierRow { lookup, account: id, sealed }));
        }
        if confirmed {
            let contact = CredentialId::next(self)?;
            let plain = serde_json::to_vec(&Contact { address: name.clone() })
                .map_err(|_| Broken::Misuse("contact"))?;
            rows.push(Write::AddContact(ContactRow {
                id: contact,
                account: id,
                version: Version(0),
                confirmed: now,
                sealed: under(Place::new(Purpose::Contact, contact.as_bytes()), &plain)?,
            }));
        }
        Ok(rows)
    }

    pub(crate) fn new_credential(
        &self,
        account: AccountId,
        factor: &FactorName,
        data: &[u8],
        handles: &[Vec<u8>],
        now: Timestamp,
    ) -> Result<CredentialRow, Broken> {
        let id = CredentialId::next(self)?;
        Ok(CredentialRow {
            id,
            account,
            factor: factor.clone(),
            version: Version(0),
            created: now,
            lookups: handles.iter().map(|handle| self.handle(factor, handle)).collect(),
            sealed: self.seal_credential((account, id, factor), None, data)?,
        })
    }

    /// A credential's data, sealed with the name that its owner gave it.
    pub(crate) fn seal_credential(
        &self,
        (account, id, factor): (AccountId, CredentialId, &FactorName),
        name: Option<&str>,
        data: &[u8],
    ) -> Result<Vec<u8>, Broken> {
        let place = Place::new(Purpose::Credential, id.as_bytes()).of(account).factor(factor);
        let Some(name) = name else { return self.keys.seal(self.entropy(), &place, data) };
        let length = u8::try_from(name.len()).map_err(|_| Broken::Misuse("a name of more than 255 bytes"))?;
        let plain = Zeroizing::new([&[NAMED, length], name.as_bytes(), data].concat());
        self.keys.seal(self.entropy(), &place, &plain)
    }

    /// The name that its owner gave a credential, if one, and its data.
    pub(crate) fn open_credential(
        &self,
        row: &CredentialRow,
    ) -> Result<(Option<String>, Zeroizing<Vec<u8>>), Broken> {
        let place = Place::new(Purpose::Credential, row.id.as_bytes()).of(row.account).factor(&row.factor);
        let mut plain = self.keys.open(&place, &row.sealed)?;
        if plain.first() != Some(&NAMED) {
            return Ok((None, plain));
        }
        let end = plain.get(1).map(|length| 2 + usize::from(*length));
        let name = end.and_then(|end| plain.get(2..end)).ok_or(Broken::Sealed)?;
        let name = String::from_utf8(name.to_vec()).map_err(|_| Broken::Sealed)?;
        plain.drain(..2 + name.len());
        Ok((Some(name), plain))
    }
}

// Data is JSON, which never begins with it.
const NAMED: u8 = 0;
