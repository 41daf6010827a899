//! Which credentials an account has, and which it can add.

use serde::de::DeserializeOwned;

use super::{Auth, Inner};
use crate::clock::Timestamp;
use crate::error::{Broken, FactorError};
use crate::factor::Credential;
use crate::flow::Person;
use crate::id::{AccountId, CredentialId, FactorName};
use crate::message::Locale;
use crate::proof::Proves;
use crate::secret::{Place, Purpose};
use crate::store::CredentialRow;

/// A credential as its owner's list shows it: nothing of its secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Held {
    /// Its id.
    pub id: CredentialId,
    /// Of which factor.
    pub factor: FactorName,
    /// When it was enrolled.
    pub created: Timestamp,
    /// The most that it could prove now; nothing for a set of codes that is used up.
    pub proves: Proves,
}

impl Auth {
    /// An account's credentials, the oldest first. Contacts, to which codes are sent, are not among them: they are
    /// [`Account::contacts`](crate::Account::contacts).
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn credentials(&self, of: AccountId) -> Result<Vec<Held>, Broken> {
        let Some(person) = self.0.person_by_id(of).await? else { return Ok(Vec::new()) };
        let rows = person.subject.iter().flat_map(|subject| &subject.credentials);
        // A factor that the application no longer has proves nothing, and has no name to be listed by.
        let known = rows.filter_map(|row| Some((row, self.0.factor(&row.factor)?)));
        let mut held = known
            .map(|(row, factor)| {
                let proves = factor.could_prove(Some(&self.0.open(&person, row)?))?;
                Ok(Held { id: row.id, factor: row.factor.clone(), created: row.created, proves })
            })
            .collect::<Result<Vec<_>, Broken>>()?;
        held.sort_by_key(|one| (one.created, one.id));
        Ok(held)
    }

    /// The factors of which a signed-in person can add a credential, in the order of the builder.
    pub fn enrolments(&self) -> impl Iterator<Item = &FactorName> {
        self.0.factors.iter().filter(|(_, factor)| factor.enrolment().is_some()).map(|(name, _)| name)
    }

    /// What people call a factor; its name, where there is no such factor.
    #[must_use]
    pub fn title(&self, factor: &FactorName, locale: Locale) -> String {
        self.0.factor(factor).map_or_else(|| factor.to_string(), |factor| factor.title(locale))
    }
}

impl Inner {
    /// An account's credentials of one factor, opened: for what the factor itself tells an application of them.
    pub(crate) async fn opened<D: DeserializeOwned>(
        &self,
        of: AccountId,
        factor: &FactorName,
    ) -> Result<Vec<Credential<D>>, Broken> {
        let Some(person) = self.person_by_id(of).await? else { return Ok(Vec::new()) };
        let rows = person.subject.iter().flat_map(|subject| &subject.credentials);
        rows.filter(|row| row.factor == *factor)
            .map(|row| {
                let data = serde_json::from_slice(&self.open(&person, row)?)
                    .map_err(|_| FactorError::Corrupt("credential"))?;
                Ok(Credential { id: row.id, version: row.version, data })
            })
            .collect()
    }

    fn open(&self, person: &Person, row: &CredentialRow) -> Result<zeroize::Zeroizing<Vec<u8>>, Broken> {
        let place = Place::new(Purpose::Credential, row.id.as_bytes()).of(person.id).factor(&row.factor);
        self.keys.open(&place, &row.sealed)
    }
}
