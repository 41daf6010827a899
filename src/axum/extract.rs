//! Extractors for an application's own handlers. A store that does not work is a [`Problem`] of status 500 or 503,
//! never "not signed in". What lends a session first looks who made the browser send the request: else code `origin`.

use ::axum::extract::{FromRef, FromRequestParts};
use ::axum::http::request::Parts;

use super::caller::Caller;
use super::{AccountsHere, AuthHttp, FormFields, Problem, SetCookies, form};
use crate::error::Broken;
use crate::flow::{Client, Code, Done, Refusal, Step, Visit};
use crate::id::SessionId;
use crate::message::Locale;
use crate::policy::Requirement;
use crate::secret::Token;
use crate::session::Session;

/// Everything that a page needs of its request: the client, its session, its cookies. Of an unsafe method it is taken
/// from the site's own pages and from programs only, for flows begin and end here: where others may post (a webhook, the
/// way back from a payment), take [`ClientInfo`].
#[derive(Clone, Debug)]
pub struct Visitor {
    caller: Caller,
    binding: Token,
    session: Option<Session>,
}

/// The session, or a problem with code `no_session` and status 401. Take `Result<Signed, Problem>` to send the
/// person to a sign-in page instead.
#[derive(Clone, Debug)]
pub struct Signed(pub Session);

/// The session, if there is one.
#[derive(Clone, Debug)]
pub struct MaybeSigned(pub Option<Session>);

/// The client, its session not looked up.
#[derive(Clone, Debug)]
pub struct ClientInfo(pub Client);

impl Visitor {
    /// The flows and acts of this client.
    pub fn visit(&self) -> Visit {
        self.caller.visit()
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.caller.client
    }

    /// The same visitor, spoken to in another language than its browser asks for.
    #[must_use]
    pub fn in_locale(mut self, locale: Locale) -> Self {
        self.caller.client.locale = locale;
        self
    }

    /// The session, if there is one that lives.
    pub fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// The session, if it meets what an operation asks for; else the problem that [`Require`](super::Require) gives.
    ///
    /// # Errors
    /// That problem.
    pub async fn require(&self, asked: &Requirement) -> Result<Session, Problem> {
        self.caller.require(self.session.clone(), asked).await
    }

    /// The same visitor, who asks for this browser to be trusted where the step ends a sign-in.
    #[must_use]
    pub fn trusting(mut self, trust: bool) -> Self {
        self.caller.client.trust = trust;
        self
    }

    /// The token of that session.
    pub fn token(&self) -> Option<&Token> {
        self.caller.token.as_ref().filter(|_| self.session.is_some())
    }

    /// The secret that binds this browser's flows and forms. New ones reach the browser with [`Self::cookies`].
    pub fn binding(&self) -> &Token {
        &self.binding
    }

    /// The binding cookie, where it is new. Put it in front of each page with a form.
    pub fn cookies(&self) -> SetCookies {
        self.caller.cookies()
    }

    /// What the browser keeps of a flow that is done: the session, and the browser's own token unless it is
    /// somebody else's device.
    pub fn signed_in(&self, done: &Done) -> SetCookies {
        self.caller.signed_in(done)
    }

    /// What a browser forgets with a session. Sign out with [`Visit::sign_out`] first.
    pub fn signed_out(&self) -> SetCookies {
        self.caller.signed_out()
    }

    /// The accounts that are signed in in this browser ([`HttpBuilder::accounts`](super::HttpBuilder::accounts)). No use of
    /// any of them.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn accounts(&self) -> Result<AccountsHere, Problem> {
        self.caller.accounts().await.map_err(|broken| self.caller.broken(&broken))
    }

    /// Going on in another of them, by the id of its session: the cookies are [`Self::signed_in`] of what is done. Refused
    /// with [`Code::NoSession`] where it is not here any more. Flows and forms of the one in use stay behind in it.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn switch(&self, to: SessionId) -> Result<Step, Problem> {
        self.caller.switch(to).await.map_err(|broken| self.caller.broken(&broken))
    }

    /// Signing out of one of them, in use or not: the cookies, unless it is not here.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn sign_out_of(&self, one: SessionId) -> Result<Option<SetCookies>, Problem> {
        self.caller.sign_out_of(one).await.map_err(|broken| self.caller.broken(&broken))
    }

    /// Signing out of all of them: the cookies.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn sign_out_of_all(&self) -> Result<SetCookies, Problem> {
        self.caller.sign_out_of_all().await.map_err(|broken| self.caller.broken(&broken))
    }

    /// What does not work, as a problem in the visitor's language; reported as
    /// [`HttpBuilder::on_broken`](super::HttpBuilder::on_broken) says.
    pub fn broken(&self, broken: &Broken) -> Problem {
        self.caller.broken(broken)
    }

    /// The value of a form's hidden field `form_token`. Bound to this browser, to the session if there is one, and
    /// to the form's purpose; another one on each page, so that compression tells nothing of it.
    ///
    /// # Errors
    /// When the random generator gives nothing.
    pub fn form_token<F: FormFields>(&self) -> Result<String, Problem> {
        form::token(&self.caller, F::PURPOSE)
    }
}

impl<S> FromRequestParts<S> for Visitor
where
    AuthHttp: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let mut caller = Caller::of(&AuthHttp::from_ref(state), parts)?.same_origin(parts)?;
        let session = caller.session().await?;
        let binding = caller.bind()?.clone();
        Ok(Self { caller, binding, session })
    }
}

impl<S> FromRequestParts<S> for Signed
where
    AuthHttp: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::of(&AuthHttp::from_ref(state), parts)?.same_origin(parts)?;
        let no = || Problem::refused(&Refusal::new(Code::NoSession), caller.client.locale);
        caller.session().await?.map(Self).ok_or_else(no)
    }
}

impl<S> FromRequestParts<S> for MaybeSigned
where
    AuthHttp: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::of(&AuthHttp::from_ref(state), parts)?;
        // Nothing is lent to who brings nothing: a webhook, the way back from a payment.
        if caller.token.is_none() {
            return Ok(Self(None));
        }
        caller.same_origin(parts)?.session().await.map(Self)
    }
}

impl<S> FromRequestParts<S> for ClientInfo
where
    AuthHttp: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(Caller::of(&AuthHttp::from_ref(state), parts)?.client))
    }
}
