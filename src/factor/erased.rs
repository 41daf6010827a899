//! The dyn-safe twins of [`Factor`] and [`Enrol`]: one blanket impl each, which parses, opens and seals, so that
//! a factor's author sees types and the core sees bytes.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{
    Begun, Claimant, Context, Credential, Enrol, Enrolled, Factor, Found, Mailbox, Notice, Reason, Source,
    Verdict,
};
use crate::error::{Broken, FactorError};
use crate::hash::HashPool;
use crate::id::{CredentialId, FactorName, Version};
use crate::lockout::Limit;
use crate::message::Locale;
use crate::proof::Proves;
use crate::site::Site;

pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, FactorError>> + Send + 'a>>;
pub(crate) type Bytes = Zeroizing<Vec<u8>>;

/// A credential, opened and not yet parsed.
pub(crate) struct Opened {
    pub(crate) id: CredentialId,
    pub(crate) version: Version,
    /// What its owner calls it.
    pub(crate) called: Option<String>,
    pub(crate) plain: Bytes,
}

impl Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").field("id", &self.id).finish_non_exhaustive()
    }
}

pub(crate) trait ErasedFactor: Debug + Send + Sync {
    fn name(&self) -> FactorName;
    fn title(&self, locale: Locale) -> String;
    fn source(&self) -> Source;
    fn takes_hash(&self) -> bool;
    fn limit(&self) -> Limit;
    fn good_for(&self) -> Option<Duration>;
    fn discoverable(&self) -> bool;
    fn mailbox(&self) -> Option<Mailbox>;
    fn fits(&self, site: &Site) -> Result<(), Broken>;
    /// Whether it takes the word of a session elsewhere: nobody gets in by it alone.
    fn speaks_by_session(&self) -> bool {
        self.mailbox().is_some_and(|mailbox| mailbox.takes != Claimant::Bearer)
    }
    #[cfg(feature = "openapi")]
    fn schemas(&self) -> super::Schemas;
    fn could_prove(&self, plain: Option<&[u8]>) -> Result<Proves, FactorError>;
    fn decoy(&self, hashes: &HashPool, seed: [u8; 32]) -> Result<Option<Bytes>, FactorError>;
    fn tells(&self, left: &[u8]) -> Result<Option<Notice>, FactorError>;
    fn well_formed(&self, answer: &[u8]) -> bool;
    fn enrolment(&self) -> Option<&dyn EnrolPlugin>;
    fn begin<'a>(
        &'a self,
        cx: Context<'a>,
        mine: &'a [Opened],
        before: Option<&'a [u8]>,
    ) -> Boxed<'a, Begun<Bytes>>;
    fn find<'a>(
        &'a self,
        cx: Context<'a>,
        state: Option<&'a [u8]>,
        answer: &'a [u8],
    ) -> Boxed<'a, Result<Found<Bytes>, Reason>>;
    fn answer<'a>(
        &'a self,
        cx: Context<'a>,
        mine: &'a [Opened],
        state: Option<&'a [u8]>,
        answer: &'a [u8],
    ) -> Boxed<'a, Verdict<Bytes, Bytes>>;
}

/// The dyn-safe twin of [`Enrol`]; every `Enrol` is one. Sealed: implement [`Enrol`].
#[expect(private_bounds, reason = "sealed: `Enrol` is what one implements")]
pub trait EnrolPlugin: ErasedEnrol {}
impl<F: Enrol> EnrolPlugin for F {}

pub(crate) trait ErasedEnrol: Debug + Send + Sync {
    fn well_formed(&self, answer: &[u8]) -> bool;
    fn propose<'a>(&'a self, cx: Context<'a>, mine: &'a [Opened]) -> Boxed<'a, Begun<Bytes>>;
    fn confirm<'a>(
        &'a self,
        cx: Context<'a>,
        mine: &'a [Opened],
        proposal: Option<&'a [u8]>,
        answer: &'a [u8],
    ) -> Boxed<'a, Enrolled<Bytes>>;
}

impl<F: Factor> ErasedFactor for F {
    fn name(&self) -> FactorName {
        Factor::name(self)
    }

    fn title(&self, locale: Locale) -> String {
        Factor::title(self, locale)
    }

    fn takes_hash(&self) -> bool {
        Factor::takes_hash(self)
    }

    fn source(&self) -> Source {
        Factor::source(self)
    }

    fn limit(&self) -> Limit {
        Factor::limit(self)
    }

    fn good_for(&self) -> Option<Duration> {
        Factor::good_for(self)
    }

    fn discoverable(&self) -> bool {
        Factor::discoverable(self)
    }

    fn mailbox(&self) -> Option<Mailbox> {
        Factor::mailbox(self)
    }

    fn fits(&self, site: &Site) -> Result<(), Broken> {
        Factor::fits(self, site)
    }

    #[cfg(feature = "openapi")]
    fn schemas(&self) -> super::Schemas {
        Factor::schemas(self)
    }

    fn could_prove(&self, plain: Option<&[u8]>) -> Result<Proves, FactorError> {
        let data = plain.map(read::<F::Data>).transpose()?;
        Ok(Factor::could_prove(self, data.as_ref()))
    }

    fn decoy(&self, hashes: &HashPool, seed: [u8; 32]) -> Result<Option<Bytes>, FactorError> {
        Factor::decoy(self, hashes, seed).as_ref().map(write).transpose()
    }

    fn tells(&self, left: &[u8]) -> Result<Option<Notice>, FactorError> {
        Ok(Factor::tells(self, &read(left)?))
    }

    fn well_formed(&self, answer: &[u8]) -> bool {
        object::<F::Answer>(answer).is_some()
    }

    fn enrolment(&self) -> Option<&dyn EnrolPlugin> {
        Factor::enrolment(self)
    }

    fn begin<'a>(
        &'a self,
        cx: Context<'a>,
        mine: &'a [Opened],
        before: Option<&'a [u8]>,
    ) -> Boxed<'a, Begun<Bytes>> {
        Box::pin(async move {
            let mine = parse(mine)?;
            let before = before.map(read::<F::State>).transpose()?;
            begun(Factor::begin(self, &cx, &mine, before).await?)
        })
    }

    fn find<'a>(
        &'a self,
        cx: Context<'a>,
        state: Option<&'a [u8]>,
        answer: &'a [u8],
    ) -> Boxed<'a, Result<Found<Bytes>, Reason>> {
        Box::pin(async move {
            let Some(answer) = object(answer) else { return Ok(Err(Reason::Malformed)) };
            let Some(state) = state_of::<F::State>(state) else { return Ok(Err(Reason::NotBegun)) };
            match Factor::find(self, &cx, state, &answer).await? {
                Some(found) => Ok(Ok(Found { handle: found.handle, state: write(&found.state)? })),
                None => Ok(Err(Reason::Wrong)),
            }
        })
    }

    fn answer<'a>(
        &'a self,
        cx: Context<'a>,
        mine: &'a [Opened],
        state: Option<&'a [u8]>,
        answer: &'a [u8],
    ) -> Boxed<'a, Verdict<Bytes, Bytes>> {
        Box::pin(async move {
            let Some(answer) = object(answer) else {
                return Ok(Verdict::refuse(Reason::Malformed));
            };
            let Some(state) = state_of::<F::State>(state) else {
                return Ok(Verdict::refuse(Reason::NotBegun));
            };
            let mine = parse(mine)?;
            Ok(match Factor::answer(self, &cx, &mine, state, answer).await? {
                Verdict::Accept { credential, proved, change } => {
                    Verdict::Accept { credential, proved, change: change.as_ref().map(write).transpose()? }
                }
                Verdict::Refuse { reason, change, state } => Verdict::Refuse {
                    reason,
                    change: match change {
                        Some((id, data)) => Some((id, write(&data)?)),
                        None => None,
                    },
                    state: state.as_ref().map(write).transpose()?,
                },
                Verdict::More { state, prompt } => Verdict::More { state: write(&state)?, prompt },
                Verdict::Pending { retry_after } => Verdict::Pending { retry_after },
                Verdict::Busy { retry_after } => Verdict::Busy { retry_after },
            })
        })
    }
}

impl<F: Enrol> ErasedEnrol for F {
    fn well_formed(&self, answer: &[u8]) -> bool {
        object::<F::Confirm>(answer).is_some()
    }

    fn propose<'a>(&'a self, cx: Context<'a>, mine: &'a [Opened]) -> Boxed<'a, Begun<Bytes>> {
        Box::pin(async move { begun(Enrol::propose(self, &cx, &parse(mine)?).await?) })
    }

    fn confirm<'a>(
        &'a self,
        cx: Context<'a>,
        mine: &'a [Opened],
        proposal: Option<&'a [u8]>,
        answer: &'a [u8],
    ) -> Boxed<'a, Enrolled<Bytes>> {
        Box::pin(async move {
            let Some(answer) = object(answer) else {
                return Ok(Enrolled::Refuse(Reason::Malformed));
            };
            let Some(proposal) = state_of::<F::Proposal>(proposal) else {
                return Ok(Enrolled::Refuse(Reason::NotBegun));
            };
            Ok(match Enrol::confirm(self, &cx, &parse(mine)?, proposal, answer).await? {
                Enrolled::Add { data, handles, proved } => {
                    Enrolled::Add { data: write(&data)?, handles, proved }
                }
                Enrolled::Replace { credential, data, proved } => {
                    Enrolled::Replace { credential, data: write(&data)?, proved }
                }
                Enrolled::Unfit(broken) => Enrolled::Unfit(broken),
                Enrolled::Refuse(reason) => Enrolled::Refuse(reason),
                Enrolled::Busy { retry_after } => Enrolled::Busy { retry_after },
            })
        })
    }
}

// An answer is a JSON object. serde would take a list of the same fields too: a second spelling of one answer.
fn object<T: DeserializeOwned>(answer: &[u8]) -> Option<T> {
    let first = answer.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'{') { serde_json::from_slice(answer).ok() } else { None }
}

// A factor with nothing to begin has `()` for its state, which reads from JSON's null; any other state must come
// from a challenge, so an answer without one is refused.
fn state_of<S: DeserializeOwned>(state: Option<&[u8]>) -> Option<S> {
    serde_json::from_slice(state.unwrap_or(b"null")).ok()
}

fn begun<S: Serialize>(begun: Begun<S>) -> Result<Begun<Bytes>, FactorError> {
    Ok(match begun {
        Begun::Nothing => Begun::Nothing,
        Begun::Started { state, prompt, deliver } => {
            Begun::Started { state: write(&state)?, prompt, deliver }
        }
        Begun::Wait { retry_after } => Begun::Wait { retry_after },
        Begun::Busy { retry_after } => Begun::Busy { retry_after },
        Begun::Barred { unsent } => Begun::Barred { unsent },
    })
}

fn parse<D: DeserializeOwned>(mine: &[Opened]) -> Result<Vec<Credential<D>>, FactorError> {
    mine.iter()
        .map(|one| Ok(Credential { id: one.id, version: one.version, data: read(&one.plain)? }))
        .collect()
}

fn read<T: DeserializeOwned>(plain: &[u8]) -> Result<T, FactorError> {
    serde_json::from_slice(plain).map_err(|_| FactorError::Corrupt("credential"))
}

fn write<T: Serialize>(value: &T) -> Result<Bytes, FactorError> {
    serde_json::to_vec(value).map(Zeroizing::new).map_err(|_| FactorError::Corrupt("factor data"))
}
