//! Which credentials an account has, and which it can add.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{Auth, Inner};
use crate::account::identifier::deceives;
use crate::clock::Timestamp;
use crate::error::{Broken, FactorError};
use crate::event::{EventPage, Outcome, Sealed};
use crate::factor::Credential;
use crate::flow::{Client, Code, Refusal, Visit};
use crate::id::{AccountId, CredentialId, EventName, FactorName};
use crate::message::Locale;
use crate::proof::Proves;
use crate::session::Session;
use crate::store::{AccountRow, Committed, CredentialRow, Write};

/// A credential as its owner's list shows it: nothing of its secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Held {
    /// Its id.
    pub id: CredentialId,
    /// Of which factor.
    pub factor: FactorName,
    /// What its owner calls it.
    pub name: Option<String>,
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
                let (name, data) = self.0.open_credential(row)?;
                let proves = factor.could_prove(Some(&data))?;
                Ok(Held { id: row.id, factor: row.factor.clone(), name, created: row.created, proves })
            })
            .collect::<Result<Vec<_>, Broken>>()?;
        held.sort_by_key(|one| (one.created, one.id));
        Ok(held)
    }

    /// When each of an account's credentials and contacts last proved something, as far as the newest thousand lines of
    /// its history tell.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn last_uses(&self, of: AccountId) -> Result<BTreeMap<CredentialId, Timestamp>, Broken> {
        let page = EventPage { outcome: Some(Outcome::Done), ..EventPage::newest(MOST_EVENTS) };
        let mut uses = BTreeMap::new();
        for event in self.history(of, page).await? {
            if let Some(credential) = event.credential {
                uses.entry(credential).or_insert(event.at);
            }
        }
        Ok(uses)
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

impl Visit {
    /// Gives one of this account's credentials a name for its owner's list: up to 40 characters; an empty one takes it
    /// away. Refused: nothing was written.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn rename(
        &self,
        mine: &Session,
        credential: CredentialId,
        name: &str,
    ) -> Result<Result<(), Refusal>, Broken> {
        let (auth, name) = (&self.auth.0, name.trim());
        if name.chars().count() > MOST_NAME || name.chars().any(deceives) {
            return Ok(Err(Refusal::new(Code::Name)));
        }
        for _ in 0..MOST_TRIES {
            let Some(person) = auth.person_by_id(mine.account()).await? else { break };
            let mut rows = person.subject.iter().flat_map(|subject| &subject.credentials);
            // Only its own: the id comes from outside.
            let Some(row) = rows.find(|row| row.id == credential && auth.factor(&row.factor).is_some())
            else {
                return Ok(Err(Refusal::new(Code::NotOffered)));
            };
            if !auth.lives(mine, &person).await? {
                break;
            }
            let (_, data) = auth.open_credential(row)?;
            let named = Some(name).filter(|name| !name.is_empty());
            let sealed = auth.seal_credential((row.account, row.id, &row.factor), named, &data)?;
            let (expect, version) = (row.version, row.version.next());
            let row = CredentialRow { version, sealed, ..row.clone() };
            if auth.commit(vec![Write::SwapCredential { row, expect }]).await? == Committed::Won {
                return Ok(Ok(()));
            }
        }
        Ok(Err(Refusal::new(Code::NoSession)))
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
                let data = serde_json::from_slice(&self.open_credential(row)?.1)
                    .map_err(|_| FactorError::Corrupt("credential"))?;
                Ok(Credential { id: row.id, version: row.version, data })
            })
            .collect()
    }

    /// Makes or rewrites an account's credential of one factor from outside a flow, as `next` says, and it is the only
    /// one from then on; everything that the old one opened ends, and the owner is told. False: `next` had nothing to write. A flow that was opened by the
    /// old one no longer ends in a session: its epoch is past.
    pub(crate) async fn rewrite<D: Serialize + DeserializeOwned>(
        &self,
        of: AccountId,
        factor: &FactorName,
        (event, template): (EventName, &'static str),
        by: &Client,
        next: impl Fn(Option<D>) -> Option<D>,
    ) -> Result<bool, Broken> {
        self.ready().await?;
        if self.factor(factor).is_none() {
            return Err(Broken::Misuse("a credential of no factor of this Auth"));
        }
        for _ in 0..MOST_TRIES {
            let person = self.person_by_id(of).await?.ok_or(Broken::Misuse("there is no such account"))?;
            let (Some(subject), Some(_)) = (&person.subject, person.known(self)?) else {
                return Err(Broken::Misuse("the account is closed"));
            };
            let now = self.clock.now();
            let mut rows = subject.credentials.iter().filter(|row| row.factor == *factor);
            let old = rows.next();
            let (name, data) = match old.map(|row| self.open_credential(row)).transpose()? {
                Some((name, data)) => (
                    name,
                    Some(serde_json::from_slice(&data).map_err(|_| FactorError::Corrupt("credential"))?),
                ),
                None => (None, None),
            };
            let Some(data) = next(data) else { return Ok(false) };
            let plain = serde_json::to_vec(&data).map_err(|_| FactorError::Corrupt("factor data"))?;
            let plain = Zeroizing::new(plain);
            let write = match old {
                Some(row) => {
                    let sealed = self.seal_credential((of, row.id, factor), name.as_deref(), &plain)?;
                    let (expect, version) = (row.version, row.version.next());
                    Write::SwapCredential { row: CredentialRow { version, sealed, ..row.clone() }, expect }
                }
                None => Write::AddCredential(self.new_credential(of, factor, &plain, &[], now)?),
            };
            let AccountRow { version: expect, epoch, route, .. } = subject.account;
            let row = AccountRow { version: expect.next(), ..subject.account.clone() };
            let content = Sealed::by(factor, by.origin());
            let mut batch = vec![
                Write::SwapAccount { row, expect },
                write,
                Write::RaiseEpoch { account: of, route, expect: epoch },
                self.line(&person, event.clone(), Outcome::Done, &content)?.1,
            ];
            // A second one that stayed would be good in secret: what was to be replaced was perhaps just that.
            batch.extend(rows.map(|row| Write::RemoveCredential { id: row.id, expect: row.version }));
            batch.extend(self.distrust(&person, None)?);
            batch.extend(self.credential_notices(&person, by, factor, template)?);
            if self.commit(batch).await? == Committed::Won {
                return Ok(true);
            }
        }
        Err(Broken::Misuse("the account changes faster than it can be written"))
    }
}

const MOST_TRIES: usize = 16;
const MOST_NAME: usize = 40;
const MOST_EVENTS: usize = 1000;
