//! Accounts from another system, with their names, contacts and password hashes, from code.

use std::fmt::{self, Debug};

use serde::Serialize;
use zeroize::Zeroizing;

use super::{Auth, Inner, NewAccount};
use crate::account::identifier::{Identifier, IdentifierError};
use crate::account::{Level, PersonalData, ProfileData};
use crate::error::{Broken, FactorError};
use crate::event::{self, Outcome, Sealed};
use crate::factor::{Factor, Source};
use crate::flow::Client;
use crate::id::{AccountId, FactorName};
use crate::message::Locale;
use crate::secret::same;
use crate::store::{Committed, SubjectKey, Write};

/// One account to bring in. Everything in it was checked when it was put in, so that a refusal names the field and
/// not the batch.
#[derive(Debug)]
#[must_use]
pub struct Import {
    who: PersonalData<'static>,
    level: Level,
    locale: Locale,
    /// Each with whether it is a verified contact.
    names: Vec<(Identifier, bool)>,
    credentials: Vec<ImportedCredential>,
}

/// A credential made outside a flow, by the factor whose it is
/// ([`Password::imported`](crate::Password::imported)).
pub struct ImportedCredential {
    factor: FactorName,
    data: Zeroizing<Vec<u8>>,
    most: usize,
    key: Option<Zeroizing<Vec<u8>>>,
}

/// What of an account does not fit. Repeats nothing of what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The person's name.
    #[error("name: empty, over 200 bytes, or with characters that deceive")]
    Name,
    /// A login name or contact.
    #[error("identifier {at}: {why}")]
    Identifier {
        /// Which, from 1.
        at: usize,
        /// Why.
        why: IdentifierError,
    },
    /// A contact to which no message can go.
    #[error("contact {at}: a user name gets no messages")]
    Contact {
        /// Which identifier, from 1.
        at: usize,
    },
    /// More than 20.
    #[error("identifier {at}: an account has at most 20")]
    Identifiers {
        /// Which, from 1.
        at: usize,
    },
    /// More than 20.
    #[error("credential {at}: an account is imported with at most 20")]
    Credentials {
        /// Which, from 1.
        at: usize,
    },
    /// More of one factor than an account may have.
    #[error("credential {at}: an account has at most {most} of its kind")]
    OfOneFactor {
        /// Which, from 1.
        at: usize,
        /// How many it may have.
        most: usize,
    },
    /// The same key a second time.
    #[error("credential {at}: its key was put in before")]
    SameKey {
        /// Which, from 1.
        at: usize,
    },
}

/// How an import ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Imported {
    /// The account was made.
    Made(AccountId),
    /// All its identifiers are one account's already: it was imported before. Nothing was written, whatever else
    /// is different.
    There(AccountId),
    /// One of its identifiers is another account's, or only some are this one's. Nothing was written.
    Taken {
        /// Which, from 1.
        at: usize,
        /// Whose it is.
        by: AccountId,
    },
    /// One of its identifiers was given up a while ago, and is nobody's until that is over
    /// ([`ClosingRules::name_free_after`](crate::policy::ClosingRules::name_free_after)). Nothing was written.
    NotFree {
        /// Which, from 1.
        at: usize,
    },
}

impl Import {
    /// An account of this person; a name alone will do.
    ///
    /// # Errors
    /// [`ImportError::Name`].
    pub fn new<'a>(who: impl Into<PersonalData<'a>>) -> Result<Self, ImportError> {
        let who = who.into().cleaned().ok_or(ImportError::Name)?;
        let (level, locale) = (Level::default(), Locale::default());
        Ok(Self { who, level, locale, names: Vec::new(), credentials: Vec::new() })
    }

    /// A login name: phone, e-mail or user name, as it is typed.
    ///
    /// # Errors
    /// [`ImportError::Identifier`], [`ImportError::Identifiers`].
    pub fn identifier(self, typed: &str) -> Result<Self, ImportError> {
        self.named(typed, false)
    }

    /// A login name to which messages go. The caller says that its owner had confirmed it: codes go there, and a code
    /// opens the account.
    ///
    /// # Errors
    /// As [`Import::identifier`]; [`ImportError::Contact`].
    pub fn verified_contact(self, typed: &str) -> Result<Self, ImportError> {
        self.named(typed, true)
    }

    /// How sure one is of the owner; [`Level::Simplified`] if nothing is said.
    pub const fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// The language of its messages.
    pub const fn locale(mut self, locale: Locale) -> Self {
        self.locale = locale;
        self
    }

    /// A credential.
    ///
    /// # Errors
    /// [`ImportError::Credentials`], [`ImportError::OfOneFactor`], [`ImportError::SameKey`].
    pub fn credential(mut self, credential: ImportedCredential) -> Result<Self, ImportError> {
        let at = self.credentials.len() + 1;
        if at > MOST {
            return Err(ImportError::Credentials { at });
        }
        let same_factor = || self.credentials.iter().filter(|one| one.factor == credential.factor);
        // Each row keeps a counter of its own: a one-time code of a key in two rows would be good once for each.
        let key = credential.key.as_deref();
        if key.is_some_and(|key| {
            same_factor().filter_map(|one| one.key.as_deref()).any(|other| same(other, key))
        }) {
            return Err(ImportError::SameKey { at });
        }
        let most = credential.most;
        if same_factor().count() >= most {
            return Err(ImportError::OfOneFactor { at, most });
        }
        self.credentials.push(credential);
        Ok(self)
    }

    fn named(mut self, typed: &str, verified: bool) -> Result<Self, ImportError> {
        let at = self.names.len() + 1;
        if at > MOST {
            return Err(ImportError::Identifiers { at });
        }
        let identifier = Identifier::parse(typed).map_err(|why| ImportError::Identifier { at, why })?;
        if verified && identifier.destination().is_none() {
            return Err(ImportError::Contact { at });
        }
        match self.names.iter_mut().find(|(known, _)| *known == identifier) {
            Some((_, known)) => *known |= verified,
            None => self.names.push((identifier, verified)),
        }
        Ok(self)
    }
}

impl ImportedCredential {
    /// This data as a credential of this factor. For factors without a way of their own, which may know more bounds.
    ///
    /// # Errors
    /// When it does not serialise; when the factor's credentials are contacts.
    pub fn of<F: Factor>(factor: &F, data: &F::Data) -> Result<Self, FactorError>
    where
        F::Data: Serialize,
    {
        if factor.source() != Source::Credentials {
            return Err(FactorError::Corrupt("a contact is no credential"));
        }
        let data = serde_json::to_vec(data).map_err(|_| FactorError::Corrupt("factor data"))?;
        Ok(Self { factor: factor.name(), data: Zeroizing::new(data), most: MOST, key: None })
    }

    /// An account is not imported with more than so many of its factor.
    #[must_use]
    pub const fn at_most(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// An account is not imported with two of its factor that have this key.
    #[must_use]
    pub fn of_key(mut self, key: &[u8]) -> Self {
        self.key = Some(Zeroizing::new(key.to_vec()));
        self
    }
}

impl Debug for ImportedCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportedCredential").field("factor", &self.factor).finish_non_exhaustive()
    }
}

impl Auth {
    /// Brings in an account of another system: account, login names, verified contacts, credentials and a line of
    /// history in one commit. Doing it twice does it once. Nobody is told, and nobody is signed in.
    ///
    /// # Errors
    /// When the store does not work; [`Broken::Misuse`] for an account without an identifier, and for a credential of
    /// a factor that the builder was not given or that does not read its data.
    pub async fn import(&self, account: &Import, by: &Client) -> Result<Imported, Broken> {
        let auth = &self.0;
        auth.ready().await?;
        if account.names.is_empty() {
            return Err(Broken::Misuse("an imported account needs an identifier"));
        }
        for ImportedCredential { factor, data, .. } in &account.credentials {
            let factor =
                auth.factor(factor).ok_or(Broken::Misuse("a credential of no factor of this Auth"))?;
            let _ = factor.could_prove(Some(data))?;
        }
        let mut held = None;
        for _ in 0..MOST_TRIES {
            match auth.holders(account).await? {
                // The names were read one by one, and the same import may have come in between: then they are all
                // there by now.
                Some(Imported::Taken { .. }) => {
                    if let Some(there) = auth.holders(account).await? {
                        return Ok(there);
                    }
                }
                Some(there) => return Ok(there),
                None => {}
            }
            let (id, batch) = auth.import_writes(account, by)?;
            let names: Vec<_> = batch.iter().map(|write| auth.name_of(account, write)).collect();
            match auth.commit(batch).await? {
                Committed::Won => return Ok(Imported::Made(id)),
                // The same import, or a registration, was faster; or nobody has the name, and it is not free.
                Committed::Lost { at } => held = names.get(at).copied().flatten(),
            }
        }
        match held {
            Some(at) => Ok(Imported::NotFree { at }),
            None => Err(Broken::Misuse("the identifiers come and go faster than they can be written")),
        }
    }
}

impl Inner {
    /// Which of its names this write takes, from 1.
    fn name_of(&self, account: &Import, write: &Write) -> Option<usize> {
        let Write::AddIdentifier(row) = write else { return None };
        let mut names = account.names.iter();
        names.position(|(name, _)| self.lookup(name) == row.lookup).map(|at| at + 1)
    }

    /// Whose the identifiers are; `None` while they are all free.
    async fn holders(&self, account: &Import) -> Result<Option<Imported>, Broken> {
        let mut first: Option<(usize, AccountId)> = None;
        let mut all_of_one = true;
        for (at, (name, _)) in account.names.iter().enumerate() {
            let found = self.store.subject(SubjectKey::Identifier(self.lookup(name))).await?;
            let by = found.map(|subject| subject.account.id);
            all_of_one &= by.is_some() && first.is_none_or(|(_, id)| by == Some(id));
            first = first.or(by.map(|by| (at + 1, by)));
        }
        Ok(first.map(|(at, by)| match all_of_one {
            true => Imported::There(by),
            false => Imported::Taken { at, by },
        }))
    }

    fn import_writes(&self, account: &Import, by: &Client) -> Result<(AccountId, Vec<Write>), Broken> {
        let now = self.clock.now();
        let profile = ProfileData {
            level: account.level,
            ..ProfileData::new(account.who.clone(), account.locale, String::new())
        };
        let NewAccount { id, key, rows: mut batch, .. } = self.new_account(&profile, &account.names, now)?;
        for ImportedCredential { factor, data, .. } in &account.credentials {
            batch.push(Write::AddCredential(self.new_credential(id, factor, data, &[], now)?));
        }
        let content = Sealed::new(by.origin());
        batch.push(self.event(Some(id), Some(&key), event::name::IMPORTED, Outcome::Done, &content)?.1);
        Ok((id, batch))
    }
}

/// Identifiers, and credentials, of one account.
const MOST: usize = 20;
const MOST_TRIES: usize = 8;
