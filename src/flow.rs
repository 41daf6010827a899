//! Flows: the only orchestrator. The order of a step is fixed:
//! reserve (the guard, in its own commit), verify (the factor), **one commit** that carries everything else.
//! A kill anywhere means: sign in again. Nothing is accepted twice, nothing acknowledged is lost.

mod bearer;
mod begin;
mod beside;
mod client;
mod close;
mod contact;
mod enrol;
mod finish;
mod habits;
mod mailbox;
mod named;
mod owner;
mod reach;
mod recover;
mod refresh;
mod refusal;
mod state;
mod step_up;
mod stop;
mod subject;
mod suspicion;
mod transaction;
mod trust;
mod verify;

use std::time::Duration;

use crate::account::PersonalData;
use crate::account::identifier::Identifier;
use crate::auth::Auth;
use crate::error::Broken;
use crate::factor::{Answer, Prompt};
use crate::human::HumanFor;
use crate::id::{CredentialId, FactorName};
use crate::policy::Requirement;
use crate::proof::Due;
use crate::secret::Token;
use crate::session::Session;

pub use crate::effect::Effect;
pub use client::Client;
#[cfg(feature = "axum")]
pub(crate) use client::MOST_ACCOUNTS;
pub use close::Closing;
pub use contact::ListedContact;
pub(crate) use habits::NAME as HABITS;
pub use mailbox::Asking;
pub(crate) use owner::Link;
pub use owner::{Objected, Objection};
pub use recover::Recover;
pub use refusal::{Code, Refusal};
use state::{Applicant, State, Who};
pub(crate) use state::{Kind, Run};
pub(crate) use stop::{Going, Stop, busy, edge};
pub(crate) use subject::Person;
pub use transaction::Transaction;
pub(crate) use trust::{NAME as TRUST, Trusted};

/// What one client does: its requests go through here.
#[derive(Clone, Debug)]
pub struct Visit {
    pub(crate) auth: Auth,
    pub(crate) client: Client,
}

/// Where a flow stands after a step. Exhaustive: there is no fourth way, and a caller should not have to invent one.
#[derive(Debug)]
#[must_use]
pub enum Step {
    /// The flow is over.
    Done(Box<Done>),
    /// More is needed: any of the offers.
    Pending(Box<Next>),
    /// No, and why.
    Refused(Box<Refusal>),
}

/// What became of a call at a mailbox.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Posted {
    /// It is this session's to answer. Who asks: show it to the person before they do.
    Claimed(Box<Asking>),
    /// The letter lies in it.
    Left,
    /// Neither, and why.
    Refused(Box<Refusal>),
}

/// What a refresh token was exchanged for.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Refreshed {
    /// The session with its next token, and the token after that.
    Done(Box<Done>),
    /// Nothing, and why.
    Refused(Box<Refusal>),
}

/// What is seen at an address that was sent to a person.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Looked {
    /// A challenge waits for its answer.
    Open {
        /// Who asks: show it to the person before they answer.
        asking: Box<Asking>,
        /// Whether this is the browser that asks.
        here: bool,
    },
    /// Nothing does, and why.
    Refused(Box<Refusal>),
}

/// Where an answer at such an address leads.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Followed {
    /// Given in the browser that asks: the flow goes on in it. Or refused, wherever it was given.
    Step(Step),
    /// It waits for the browser that asks, and the flow goes on there.
    Left,
}

/// The end of a flow.
#[derive(Debug)]
#[non_exhaustive]
pub struct Done {
    /// The session: a new one, the one at hand renewed, or as it was where nothing was left to prove.
    pub session: Session,
    /// Its token: handed to the client once, never stored.
    pub token: Token,
    /// The token that gets the next one, where the client asked for it ([`Client::refreshing`]). Each is good once.
    pub refresh: Option<Token>,
    /// The token by which this browser is known from now on, where it is new: for a long-lived cookie.
    pub browser: Option<Token>,
    /// The token in the place of which that one comes: this browser need not keep it.
    pub replaced: Option<Token>,
    /// Whether the person said "not my device": the client keeps nothing beyond its own life.
    pub public_device: bool,
    /// The transaction that was approved ([`Visit::approve`]): carry it out now. Given once.
    pub approved: Option<Transaction>,
    /// The sessions of other accounts that the client goes on holding beside this one, the last used first. `None`: those
    /// that it came with.
    pub beside: Option<Vec<(Session, Token)>>,
    /// Whether the client was in another account until now: what it has stored and cached is that one's, and whoever is in
    /// now must not find it (ASVS 5.0 14.3.1). The HTTP routes and extractors clear it.
    pub other_before: bool,
}

impl Done {
    /// Nothing was left to prove.
    pub(crate) const fn as_it_is(session: Session, token: Token, public_device: bool) -> Self {
        Self {
            session,
            token,
            refresh: None,
            browser: None,
            replaced: None,
            public_device,
            approved: None,
            beside: None,
            other_before: false,
        }
    }
}

/// What a flow needs next.
#[derive(Debug)]
#[non_exhaustive]
pub struct Next {
    /// The flow's token: the client brings it with the next step. A new one with each flow, never reused.
    pub flow: Token,
    /// What can be answered now; any one of them.
    pub offers: Vec<Offer>,
    /// The challenge that was just begun.
    pub begun: Option<(FactorName, Prompt)>,
    /// What must happen before the flow can end although enough is proven.
    pub duty: Option<Duty>,
    /// Why what was proven must be replaced first: it has expired, it is temporary, others know it.
    pub due: Option<Due>,
    /// Whether one proof more is asked for than else, because this sign-in is unlike the others of its account
    /// ([`Profile::suspicion`](crate::Profile::suspicion)).
    pub unusual: bool,
    /// In a recovery that has one confirmation and asks for a second: how long it waits without one
    /// ([`Visit::wait`]).
    pub delay: Option<Duration>,
    /// How long the flow lives.
    pub expires_in: Duration,
}

/// Something that must happen between enough proofs and a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Duty {
    /// Enrol a new credential.
    Enrol,
    /// Replace a credential.
    Replace,
    /// Confirm a new address.
    Confirm,
    /// Say that the account, which is being closed, shall be open again ([`Visit::reopen`]).
    Reopen,
}

impl Duty {
    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enrol => "enrol",
            Self::Replace => "replace",
            Self::Confirm => "confirm",
            Self::Reopen => "reopen",
        }
    }
}

/// A factor that can be answered now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Offer {
    /// Which.
    pub factor: FactorName,
    /// True: choose a new secret; false: prove an old one.
    pub enrols: bool,
    /// Where its message would go, masked. Only after the first proof.
    pub hint: Option<String>,
}

impl Visit {
    pub(crate) const fn new(auth: Auth, client: Client) -> Self {
        Self { auth, client }
    }

    /// A sign-in.
    pub const fn sign_in(&self) -> SignIn<'_> {
        SignIn { visit: self, public_device: false }
    }

    /// Registration with a phone or an e-mail address, by a name and what else there is to say of the person (`"Ivan"`
    /// will do). The account is made when the address is confirmed and a secret is chosen, not before (ATTACKS 58: nobody
    /// can lay hands on an account for an address that is not theirs). `terms` is the version of the terms that they
    /// accepted, in 1 to 64 bytes of the application's own; refused else ([`Code::Terms`]).
    ///
    /// # Errors
    /// When something does not work.
    pub async fn sign_up(
        &self,
        contact: &str,
        who: impl Into<PersonalData<'_>>,
        terms: &str,
    ) -> Result<Step, Broken> {
        edge("sign-up", self.try_sign_up(contact, who.into(), terms), Step::Refused).await
    }

    async fn try_sign_up(&self, contact: &str, who: PersonalData<'_>, terms: &str) -> Going<Step> {
        let inner = &self.auth.0;
        inner.slow_down(self, None).await?;
        let contact = Identifier::parse(contact).map_err(Code::Identifier)?;
        if !inner.profile.sign_up_contacts.contains(&contact.kind()) {
            return Err(Code::ContactKind.into());
        }
        let who = who.cleaned().ok_or(Code::Name)?;
        if terms.is_empty() || terms.len() > MOST_TERMS {
            return Err(Code::Terms.into());
        }
        // After what a person can mend, so that nobody computes for a typing error; before anything is looked up.
        inner.pass_human(self, HumanFor::SignUp).await?;
        let applicant = Applicant { contact, who, terms: terms.to_owned(), taken: false };
        inner.start_sign_up(self, applicant).await
    }

    /// Replacing a credential of this factor: prove the old one, then choose the new one. All other sessions end,
    /// this one is renewed.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn change(&self, session: &Token, factor: FactorName) -> Result<Step, Broken> {
        edge("change", self.credential(session, factor, true), Step::Refused).await
    }

    /// Adding a credential of this factor: prove as much as a sign-in takes, and no less than the lower of what the
    /// account can reach and what the new one gives; then enrol. This session is renewed.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn enrol(&self, session: &Token, factor: FactorName) -> Result<Step, Broken> {
        edge("enrol", self.credential(session, factor, false), Step::Refused).await
    }

    /// Taking a credential away: prove as much as adding it would take. All other sessions end, this one is renewed.
    /// The last one that the profile's sign-in needs stays.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn remove(&self, session: &Token, credential: CredentialId) -> Result<Step, Broken> {
        edge("remove", self.try_remove(session, credential), Step::Refused).await
    }

    /// Proving what an operation asks for beyond this session, which is then renewed under a new token. Done at once
    /// where nothing is lacking; refused where the account has nothing that would meet it.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use propusk::error::Broken;
    /// use propusk::policy::Requirement;
    /// use propusk::{Session, Step, Token, Visit};
    ///
    /// /// Whether the records may be shown, and under which token the session goes on.
    /// async fn may_see_records(visit: &Visit, token: Token) -> Result<Option<Token>, Broken> {
    ///     let asked = Requirement::two_factors().within(Duration::from_secs(300));
    ///     Ok(match visit.step_up(&token, asked).await? {
    ///         Step::Done(done) => Some(done.token),
    ///         // Show a page that asks for one of these, and go on with `visit.answer(&next.flow, ..)`.
    ///         Step::Pending(next) => { println!("one of {:?}", next.offers); None }
    ///         Step::Refused(why) => { println!("{why}"); None }
    ///     })
    /// }
    /// ```
    ///
    /// # Errors
    /// When something does not work.
    pub async fn step_up(&self, session: &Token, asked: Requirement) -> Result<Step, Broken> {
        edge("step-up", self.try_step_up(session, asked, None), Step::Refused).await
    }

    /// Having the person of this session approve one transaction: all that is asked for is proven anew, for this and
    /// nothing else. When that flow is done, on whatever path, ask again with the same transaction: the answer is
    /// [`Step::Done`] with [`Done::approved`], once, within five minutes. So the handler that carries it out is the one
    /// that uses the approval up, and a crash before that means asking once more, never paying twice.
    ///
    /// ```
    /// use propusk::error::Broken;
    /// use propusk::flow::{Next, Transaction};
    /// use propusk::policy::Requirement;
    /// use propusk::{Step, Token, Visit};
    ///
    /// /// Called by the button "Pay", and once more when the flow that it began is done.
    /// async fn pay(visit: &Visit, token: &Token, euros: u32) -> Result<Option<Next>, Broken> {
    ///     let what = Transaction::new("fine:pay").with("Amount", format!("{euros}.00 EUR")).with("Payee", "City");
    ///     Ok(match visit.approve(token, Requirement::two_factors(), what).await? {
    ///         Step::Done(done) if done.approved.is_some() => { println!("paid"); None }
    ///         Step::Pending(next) => Some(*next),
    ///         other => { println!("not paid: {other:?}"); None }
    ///     })
    /// }
    /// ```
    ///
    /// # Errors
    /// When something does not work.
    pub async fn approve(
        &self,
        session: &Token,
        asked: Requirement,
        what: Transaction,
    ) -> Result<Step, Broken> {
        edge("approve", self.try_step_up(session, asked, Some(what)), Step::Refused).await
    }

    async fn credential(&self, session: &Token, factor: FactorName, replace: bool) -> Going<Step> {
        let inner = &self.auth.0;
        inner.slow_down(self, None).await?;
        let session = inner.check(session).await?.ok_or(Code::NoSession)?;
        let plugin =
            inner.factor(&factor).filter(|factor| factor.enrolment().is_some()).ok_or(Code::NotOffered)?;
        // A device or a set of codes is enrolled anew, which asks for more than one use of the old one; and what is good in
        // a recovery alone proves nothing, not even itself.
        if replace && !plugin.could_prove(None)?.is_memorised() {
            return Err(Code::NotOffered.into());
        }
        let who = Who::known(session.account(), session.epoch());
        let kind = Kind::Credential { factor, session: session.id(), replace };
        let mut state = State::new(inner, self, kind, who)?;
        if !replace {
            state.held = inner.recent(&session);
        }
        inner.start(self, state).await
    }

    /// Claims the mailbox of a challenge that was begun elsewhere, for this session: tells who asks, and nobody else
    /// can answer from then on. Approves nothing.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn claim(&self, session: &Token, mailbox: &str) -> Result<Posted, Broken> {
        edge("claim", self.auth.0.post(self, session, mailbox, None), Posted::Refused).await
    }

    /// Leaves a letter in a mailbox that this session has claimed. One, and it stands.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn post(&self, session: &Token, mailbox: &str, letter: &str) -> Result<Posted, Broken> {
        edge("post", self.auth.0.post(self, session, mailbox, Some(letter)), Posted::Refused).await
    }

    /// Tells who asks at an address that was sent to a person (in a link), to whoever comes with it. Writes nothing, however
    /// often it is called: programs open links that people never see.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn look(&self, address: &str) -> Result<Looked, Broken> {
        edge("look", self.auth.0.look_in(self, address), Looked::Refused).await
    }

    /// Answers there with a letter of the challenge's factor; once, and it stands. In the browser that asks the flow goes
    /// on at once; elsewhere the letter waits, and the browser that asks goes on when it answers its challenge next.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn follow(&self, address: &str, letter: &str) -> Result<Followed, Broken> {
        let refused = |why| Followed::Step(Step::Refused(why));
        edge("follow", self.auth.0.follow(self, address, letter), refused).await
    }

    /// Begins a challenge of the flow, or begins it again.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn begin(&self, flow: &Token, factor: &FactorName) -> Result<Step, Broken> {
        edge("begin", self.auth.0.begin(self, flow, factor), Step::Refused).await
    }

    /// Answers what the flow offered.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn answer(&self, flow: &Token, answer: Answer) -> Result<Step, Broken> {
        edge("answer", self.auth.0.answer(self, flow, answer), Step::Refused).await
    }

    /// Exchanges a refresh token for the session's next token and another of its own kind. The old ones are over, but for
    /// [`SessionLimits::grace`](crate::policy::SessionLimits::grace) in which it gets the same again; used later it is
    /// taken for a copy, and the session ends ([`Code::RefreshReused`]). Proves nothing: the session's level and the times
    /// of its proofs stay, and it ends when it would have.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn refresh(&self, refresh: &Token) -> Result<Refreshed, Broken> {
        let inner = &self.auth.0;
        edge("refresh", async { inner.refresh(self, refresh).await.map(Refreshed::Done) }, Refreshed::Refused)
            .await
    }

    /// Going on in another of the accounts that this client holds a session of: its session goes on under a new token,
    /// and the old one is over, wherever it has got to. Proves nothing, so that it needs a session that still lives:
    /// refused with [`Code::NoSession`] otherwise. The session in use is not looked at; both tokens are the caller's to
    /// keep.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn switch(&self, to: &Token) -> Result<Step, Broken> {
        edge("switch", self.auth.0.switch(self, to), Step::Refused).await
    }

    /// Signs this session out, its token over or not.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn sign_out(&self, session: &Token) -> Result<(), Broken> {
        self.auth.0.sign_out(self, session).await
    }

    /// Ends another session of the same account.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn end_session(&self, mine: &Session, other: crate::id::SessionId) -> Result<Effect, Broken> {
        self.auth.0.end_session(self, mine, other).await
    }

    /// Ends all other sessions of the same account, and what other browsers were trusted with. Where there is none of
    /// either, no line is written of it.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn end_other_sessions(&self, mine: &Session) -> Result<Effect, Broken> {
        self.auth.0.end_other_sessions(self, mine).await
    }
}

/// A sign-in about to begin.
#[derive(Debug)]
#[must_use]
pub struct SignIn<'a> {
    visit: &'a Visit,
    public_device: bool,
}

impl SignIn<'_> {
    /// "Not my device": a session of hours, and the browser is not remembered.
    pub const fn public_device(mut self, public: bool) -> Self {
        self.public_device = public;
        self
    }

    /// Begins by a name, without an answer yet: the reply offers what any such name would be offered.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn start(self, identifier: &str) -> Result<Step, Broken> {
        edge("sign-in", self.begin(Some(identifier), None), Step::Refused).await
    }

    /// Begins without a name: offers the factors whose answers name their credential themselves.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn unnamed(self) -> Result<Step, Broken> {
        edge("sign-in", self.begin(None, None), Step::Refused).await
    }

    /// Begins by a name with the first answer: one step less.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn with(self, identifier: &str, answer: Answer) -> Result<Step, Broken> {
        edge("sign-in", self.begin(Some(identifier), Some(answer)), Step::Refused).await
    }

    async fn begin(self, identifier: Option<&str>, answer: Option<Answer>) -> Going<Step> {
        let inner = &self.visit.auth.0;
        let seat = inner.slow_down(self.visit, answer.as_ref()).await?;
        let identifier = identifier.map(Identifier::parse).transpose().map_err(Code::Identifier)?;
        inner.pass_human(self.visit, HumanFor::SignIn).await?;
        inner.ready().await?;
        let who = match identifier {
            Some(typed) => inner.who(typed).await?,
            None => Who::unnamed(),
        };
        let mut state = State::new(inner, self.visit, Kind::SignIn, who)?;
        state.public_device = self.public_device;
        match answer {
            Some(answer) => inner.step(Run::new(inner, self.visit, state), answer, seat).await,
            None => inner.start(self.visit, state).await,
        }
    }
}

const MOST_TERMS: usize = 64;
