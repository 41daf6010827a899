//! Factors: pluggable ways to prove control. One file each, and one `pub mod` line here.
//!
//! A factor holds no store, no session, no clock and no request. It sees its own credentials freshly opened, the
//! challenge state that it made, and an answer; it returns a [`Verdict`] that says what was proven and what is to
//! be written. Everything else (guards, replay, expiry, commits, decoys, messages) is the flow's.

pub mod approval;
pub mod backup_code;
pub mod code;
pub mod hotp;
pub mod link;
#[cfg(feature = "passkey")]
pub mod passkey;
pub mod password;
pub mod question;
mod schemas;
pub mod totp;

pub(crate) mod erased;

use std::borrow::Cow;
use std::fmt::{self, Debug};
use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::account::identifier::IdentifierKind;
use crate::clock::{Entropy, Timestamp};
use crate::error::{Broken, FactorError};
use crate::flow::Transaction;
use crate::hash::{HashPool, Lane};
use crate::id::{AccountId, CredentialId, FactorName, FlowId, Realm, SessionId, TemplateName, Version};
use crate::lockout::Limit;
use crate::message::Locale;
use crate::policy::Requirement;
use crate::policy::password::{BrokenRule, CredentialPolicy};
use crate::proof::{Proof, Proves};
use crate::secret::{Keys, Place, Purpose};
use crate::site::Site;

pub use erased::EnrolPlugin;
pub(crate) use erased::{ErasedFactor, Opened};
pub use schemas::Schemas;

/// A way to prove control of an account.
pub trait Factor: Debug + Send + Sync + 'static {
    /// One credential, or the contact where [`Factor::source`] says so. The core seals it.
    type Data: Serialize + DeserializeOwned + Send + Sync;
    /// What is kept between begin and answer, sealed in the flow; `()` when there is nothing to begin.
    type State: Serialize + DeserializeOwned + Send + Sync;
    /// What the client answers: a JSON object. Deny unknown fields. An answer that does not parse is refused before
    /// the factor runs and before anything is counted.
    type Answer: DeserializeOwned + Send + Sync;

    /// Its stable name, in rows and in JSON.
    fn name(&self) -> FactorName;

    /// What people call it, in messages about it.
    fn title(&self, _locale: Locale) -> String {
        self.name().to_string()
    }

    /// The most that it could prove by this credential (or by any, for `None`): the base of offers and of the
    /// rule that the last factor stays. A use may show that it can do more: what is proven then must lie within what the
    /// credential could prove before, or within what it can as the use changes it.
    fn could_prove(&self, data: Option<&Self::Data>) -> Proves;

    /// Judges an answer. Must not tell an unknown credential from a wrong answer, in time or in result.
    ///
    /// # Errors
    /// When something does not work. A wrong answer is a [`Verdict::Refuse`].
    fn answer(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Self::Data>],
        state: Self::State,
        answer: Self::Answer,
    ) -> impl Future<Output = Result<Verdict<Self::Data, Self::State>, FactorError>> + Send;

    /// Makes a challenge. `before` is the state of the challenge that it replaces: a resend.
    ///
    /// # Errors
    /// When something does not work.
    fn begin(
        &self,
        _cx: &Context<'_>,
        _mine: &[Credential<Self::Data>],
        _before: Option<Self::State>,
    ) -> impl Future<Output = Result<Begun<Self::State>, FactorError>> + Send {
        async { Ok(Begun::Nothing) }
    }

    /// Whether its answers name their credential themselves (a passkey's id, a certificate), so that one can sign
    /// in without typing a name. Then [`Factor::find`] is asked.
    fn discoverable(&self) -> bool {
        false
    }

    /// The handle under which the answer's credential was enrolled, and the state that goes on into
    /// [`Factor::answer`]. Believe nothing of the answer yet but its name.
    ///
    /// # Errors
    /// When something does not work.
    fn find(
        &self,
        _cx: &Context<'_>,
        _state: Self::State,
        _answer: &Self::Answer,
    ) -> impl Future<Output = Result<Option<Found<Self::State>>, FactorError>> + Send {
        async { Ok(None) }
    }

    /// A credential for somebody who has none, so that an unknown name costs and looks the same. The same seed
    /// gives the same decoy. `None`: never offered as a first step to a typed identifier.
    fn decoy(&self, _hashes: &HashPool, _seed: [u8; 32]) -> Option<Self::Data> {
        None
    }

    /// Whether judging an answer takes a job of the [`HashPool`]: while that is full, an answer is turned away before
    /// anything is read or counted.
    fn takes_hash(&self) -> bool {
        false
    }

    /// What the owner is told when a credential was accepted and is left as this: a message of the template, with
    /// these parameters and `at`, `device` and `address`.
    fn tells(&self, _left: &Self::Data) -> Option<Notice> {
        None
    }

    /// Where its credentials come from.
    fn source(&self) -> Source {
        Source::Credentials
    }

    /// How many refusals its guard bears.
    fn limit(&self) -> Limit {
        Limit::PORTAL
    }

    /// For how long what it sends, or waits for, can be answered; `None` where no time bounds it. What is over ten minutes is
    /// told of by [`Auth::deviations`](crate::Auth::deviations) (NIST SP 800-63B-4 section 3.1.3.2, ASVS 5.0 6.5.5).
    fn good_for(&self) -> Option<Duration> {
        self.mailbox().map(|mailbox| mailbox.life)
    }

    /// Who may leave a letter for its challenges: they are answered when one has come, and wait until then. `None`:
    /// they need no other device.
    fn mailbox(&self) -> Option<Mailbox> {
        None
    }

    /// Whether its settings go together, with each other and with the site: asked once, by
    /// [`Builder::build`](crate::auth::Builder::build). What is refused there is heard of before the first person needs it.
    /// Where the builder was given no site, the origin is empty.
    ///
    /// # Errors
    /// [`Broken::Misuse`] that names what does not fit.
    fn fits(&self, _site: &Site) -> Result<(), Broken> {
        Ok(())
    }

    /// What its client sends and is shown, for the description of the HTTP routes.
    fn schemas(&self) -> Schemas {
        Schemas::any()
    }

    /// `Some(self)` for a factor that can be enrolled by its owner.
    fn enrolment(&self) -> Option<&dyn EnrolPlugin> {
        None
    }
}

/// Enrolment: how a new credential of a factor comes to be.
pub trait Enrol: Factor {
    /// What is kept between the proposal and its confirmation; `()` when nothing is proposed.
    type Proposal: Serialize + DeserializeOwned + Send + Sync;
    /// What the client confirms with: a JSON object. Deny unknown fields.
    type Confirm: DeserializeOwned + Send + Sync;

    /// Makes what the client needs to enrol: a secret to scan, a challenge to sign.
    ///
    /// # Errors
    /// When something does not work.
    fn propose(
        &self,
        _cx: &Context<'_>,
        _mine: &[Credential<Self::Data>],
    ) -> impl Future<Output = Result<Begun<Self::Proposal>, FactorError>> + Send {
        async { Ok(Begun::Nothing) }
    }

    /// Judges the confirmation and gives the credential to write.
    ///
    /// # Errors
    /// When something does not work.
    fn confirm(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Self::Data>],
        proposal: Self::Proposal,
        answer: Self::Confirm,
    ) -> impl Future<Output = Result<Enrolled<Self::Data>, FactorError>> + Send;
}

/// The mailbox of a challenge: who may answer there, and until when. Exhaustive: a factor writes it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// How long it takes a claim and a letter.
    pub life: Duration,
    /// Who may answer.
    pub takes: Claimant,
}

/// Who may answer in a mailbox. Exhaustive: a factor chooses.
///
/// A session must have proven what is required by other factors than this one: else whoever came in by a letter would
/// write the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimant {
    /// A session of the account that asks; of any account, where nobody is named yet.
    Account(Requirement),
    /// A session of whatever account.
    AnyAccount(Requirement),
    /// Whoever holds the address, without a session: it was sent to the person, and is the secret. [`Letter::here`] says
    /// whether the letter came from the browser that asks; then its challenge is answered with `{}` at once.
    Bearer,
}

/// What the owner of an account is told of a credential's use. Exhaustive: a factor writes it out.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs, reason = "a factor writes it out")]
pub struct Notice {
    /// Which text.
    pub template: TemplateName,
    /// What stands in it. No secret.
    pub params: Vec<(Cow<'static, str>, String)>,
}

/// Where a factor's credentials come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Credential rows of its own.
    Credentials,
    /// The account's contacts of this kind; its `Data` is [`crate::account::Contact`].
    Contacts(IdentifierKind),
}

/// A credential, freshly opened.
#[derive(Clone)]
pub struct Credential<D> {
    /// Its id.
    pub id: CredentialId,
    /// The version that was read.
    pub version: Version,
    /// The factor's data.
    pub data: D,
}

impl<D> Debug for Credential<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("id", &self.id)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// A challenge, or why there is none.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Begun<S> {
    /// There is nothing to begin: answer at once.
    Nothing,
    /// The client answers this.
    Started {
        /// Kept by the server, sealed.
        state: S,
        /// Shown to the client.
        prompt: Prompt,
        /// Sent to the person.
        deliver: Option<Outgoing>,
    },
    /// Too soon after the one before.
    Wait {
        /// When to ask again.
        retry_after: Duration,
    },
    /// Too much is under way here, whoever asks.
    Busy {
        /// When to ask again.
        retry_after: Duration,
    },
    /// Nothing is sent there: not a matter of time, another way is needed. Say so of an address whoever's it is, or it
    /// tells who has an account.
    Barred {
        /// The message that is not sent. It counts as one all the same, and its contents are dropped.
        unsent: Outgoing,
    },
}

/// What the client is shown: one JSON value. At a proof never a secret; at an enrolment it may be the new one (a key
/// to scan, codes to write down), so it is wiped on drop and its `Debug` prints the name only.
#[derive(Clone, PartialEq, Eq)]
pub struct Prompt(Zeroizing<String>);

impl Prompt {
    /// An empty object.
    pub fn empty() -> Self {
        Self(Zeroizing::new(String::from("{}")))
    }

    /// Any serialisable value.
    ///
    /// # Errors
    /// When it does not serialise.
    pub fn new(value: &impl Serialize) -> Result<Self, FactorError> {
        let json = serde_json::to_string(value).map_err(|_| FactorError::Corrupt("prompt"))?;
        Ok(Self(Zeroizing::new(json)))
    }

    /// The JSON text.
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

impl Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prompt")
    }
}

/// A message that a challenge needs delivered. It goes to a credential of the subject and nowhere else: a factor
/// cannot address mail.
#[non_exhaustive]
pub struct Outgoing {
    /// The contact.
    pub to: CredentialId,
    /// Which text.
    pub template: TemplateName,
    /// What stands in it.
    pub params: Vec<(Cow<'static, str>, Zeroizing<String>)>,
    /// After this it is of no use and is not delivered any more.
    pub life: Duration,
}

impl Outgoing {
    /// A message to one of the contacts that `begin` was given, of use for so long.
    pub const fn new(to: CredentialId, template: TemplateName, life: Duration) -> Self {
        Self { to, template, params: Vec::new(), life }
    }

    /// The same with a parameter.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.params.push((Cow::Borrowed(name), Zeroizing::new(value.into())));
        self
    }
}

impl Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("template", &self.template).finish_non_exhaustive()
    }
}

/// A credential named by its answer.
#[derive(Debug)]
pub struct Found<S> {
    /// The handle given at enrolment.
    pub handle: Vec<u8>,
    /// Goes on into [`Factor::answer`].
    pub state: S,
}

/// A factor's judgement of an answer.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Verdict<D, S = ()> {
    /// Right.
    Accept {
        /// Which of `mine` it was; an id that is in no row never passes.
        credential: CredentialId,
        /// What was really proven.
        proved: Proves,
        /// The credential as it shall be: written by compare-and-swap, or nobody is accepted.
        change: Option<D>,
    },
    /// Not right.
    Refuse {
        /// Why, for the log and the person.
        reason: Reason,
        /// A credential to change all the same (a key disabled because it was cloned).
        change: Option<(CredentialId, D)>,
        /// The challenge as it shall be (one try fewer).
        state: Option<S>,
    },
    /// Right so far; the factor asks once more within the same challenge.
    More {
        /// Kept by the server, sealed.
        state: S,
        /// Shown to the client.
        prompt: Prompt,
    },
    /// Another device has not answered yet; nothing is counted.
    Pending {
        /// When to ask again.
        retry_after: Duration,
    },
    /// Could not be judged now; nothing is counted.
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
}

impl<D, S> Verdict<D, S> {
    /// A plain refusal.
    pub const fn refuse(reason: Reason) -> Self {
        Self::Refuse { reason, change: None, state: None }
    }
}

/// Why an answer was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Wrong. The only reason that is counted: nothing else was evaluated.
    Wrong,
    /// Not of the form that the factor takes.
    Malformed,
    /// The challenge's time is over.
    Expired,
    /// The challenge has had its tries.
    UsedUp,
    /// Just this was accepted before.
    Replayed,
    /// There is no challenge: begin one.
    NotBegun,
    /// Denied on the other device.
    Denied,
}

impl Reason {
    /// The stable code in JSON, events and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Malformed => "malformed",
            Self::Expired => "expired",
            Self::UsedUp => "used_up",
            Self::Replayed => "replayed",
            Self::NotBegun => "not_begun",
            Self::Denied => "denied",
        }
    }

    /// Whether the guard keeps it counted. A replay of what was just accepted is a double click, not a guess.
    pub(crate) const fn counted(self) -> bool {
        matches!(self, Self::Wrong)
    }
}

/// How an enrolment ended.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Enrolled<D> {
    /// A new credential.
    Add {
        /// What to keep.
        data: D,
        /// Handles under which [`Factor::find`] will look for it.
        handles: Vec<Vec<u8>>,
        /// What the confirmation itself proved.
        proved: Proves,
    },
    /// In place of one of `mine`.
    Replace {
        /// Which.
        credential: CredentialId,
        /// What to keep.
        data: D,
        /// What the confirmation itself proved.
        proved: Proves,
    },
    /// The policy refuses it, by these rules.
    Unfit(Vec<BrokenRule>),
    /// The confirmation is not right.
    Refuse(Reason),
    /// Could not be judged now.
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
}

/// What a factor may know and use of the step that it runs in.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Context<'a> {
    /// The present moment, read once for the step.
    pub now: Timestamp,
    /// The realm.
    pub realm: &'a Realm,
    /// The site, as the builder was told: never as a request says.
    pub site: &'a Site,
    /// The flow.
    pub flow: FlowId,
    /// Whose credentials `mine` are; made up for a decoy.
    pub account: AccountId,
    /// What the person typed to name themselves, masked: the only thing that a prompt may echo. At an enrolment
    /// one of their names in full, for the label of what they enrol.
    pub echo: Option<&'a str>,
    /// Words that a password must not be built of.
    pub words: &'a [String],
    /// The address of this challenge's mailbox: who comes with it (from a QR code, a push, a link) and may answer
    /// there, by [`Factor::mailbox`], learns who asks and may leave one letter. 256 bits that cannot be guessed, in 43
    /// signs of base64url.
    pub mailbox: &'a str,
    /// The letter that was left there.
    pub letter: Option<&'a Letter>,
    /// What is approved in this flow: a message, or another device, says it.
    pub transaction: Option<&'a Transaction>,
    /// Which queue of the hash pool this step waits in.
    pub lane: Lane,
    pub(crate) factor: &'a FactorName,
    pub(crate) entropy: &'a dyn Entropy,
    pub(crate) hashes: &'a HashPool,
    pub(crate) keys: &'a Keys,
    pub(crate) policy: &'a dyn CredentialPolicy,
}

impl Context<'_> {
    /// Where to draw randomness.
    pub fn entropy(&self) -> &dyn Entropy {
        self.entropy
    }

    /// Where to compute slow hashes.
    pub fn hashes(&self) -> &HashPool {
        self.hashes
    }

    /// What a secret chosen by a person must satisfy.
    pub fn policy(&self) -> &dyn CredentialPolicy {
        self.policy
    }

    /// A keyed hash of a short code, bound to this flow and factor: of no use anywhere else, nor to whoever reads
    /// the store.
    pub fn code_hash(&self, code: &[u8]) -> [u8; 32] {
        let place = Place::new(Purpose::Code, self.flow.as_bytes()).factor(self.factor);
        self.keys.code_hash(&place, code)
    }
}

impl Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("flow", &self.flow)
            .field("factor", &self.factor)
            .finish_non_exhaustive()
    }
}

/// What was left in a challenge's mailbox.
#[derive(Clone)]
#[non_exhaustive]
pub struct Letter {
    /// Whose session it was; by a bearer, whose challenge it is.
    pub account: AccountId,
    /// Which session; none of a bearer.
    pub session: Option<SessionId>,
    /// What that session had proven when it claimed the mailbox.
    pub proofs: Vec<Proof>,
    /// Whether a bearer left it in the very browser that asks: by the secret that binds the flow to it.
    pub here: bool,
    /// When the letter was left.
    pub at: Timestamp,
    /// What it says: JSON, unparsed, as that device sent it.
    pub text: String,
}

impl Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter").field("account", &self.account).finish_non_exhaustive()
    }
}

/// An answer on its way to its factor: a name and bytes that are erased when dropped.
pub struct Answer {
    pub(crate) factor: FactorName,
    pub(crate) bytes: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// No answer is longer.
    pub const MOST_BYTES: usize = 16 * 1024;

    /// An answer as a client sent it: JSON, unparsed.
    pub fn wire(factor: FactorName, bytes: impl Into<Vec<u8>>) -> Self {
        Self { factor, bytes: Zeroizing::new(bytes.into()) }
    }

    /// For whom it is.
    pub const fn factor(&self) -> &FactorName {
        &self.factor
    }
}

impl Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("factor", &self.factor).finish_non_exhaustive()
    }
}
