//! Several accounts in one browser: which there are, the switch, signing out of one or of all.
//!
//! The browser keeps the tokens: one that is in use, the others in a cookie beside. A row on the server that lists them
//! would be stolen by one cookie all the same, and be one more thing to bind, rotate and let expire.

use ::axum::http::HeaderMap;

use super::caller::Caller;
use super::problem::Fault;
use super::{Problem, SetCookies};
use crate::account::identifier::Identifier;
use crate::error::Broken;
use crate::flow::{Code, Done, Refusal, Step};
use crate::id::SessionId;
use crate::secret::Token;
use crate::session::Session;

/// An account that is signed in in this browser.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AccountHere {
    /// Its session.
    pub session: Session,
    /// The name that its owner gave.
    pub name: String,
    /// Its first login name, masked.
    pub identifier: Option<String>,
    /// Whether it is the one in use.
    pub in_use: bool,
}

/// The accounts of a browser.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AccountsHere {
    /// Those that are signed in: the one in use, then the last used first.
    pub accounts: Vec<AccountHere>,
    /// How many sessions the browser held that are over: nothing says whose they were, nor why.
    pub ended: usize,
    /// How many there may be.
    pub most: usize,
}

impl Caller {
    /// What the browser holds, as far as it lives, the session in use first; and how many do not. No use of any: who
    /// looks at the list keeps nobody signed in.
    async fn held(&self) -> Result<(Vec<(Session, Token)>, usize), Broken> {
        let (mut held, mut ended) = (Vec::<(Session, Token)>::new(), 0);
        for token in self.token.iter().chain(&self.client.beside) {
            match self.http.auth().peek(token).await? {
                Some(session) if held.iter().all(|(other, _)| other.id() != session.id()) => {
                    held.push((session, token.clone()));
                }
                Some(_) => {}
                None => ended += 1,
            }
        }
        Ok((held, ended))
    }

    pub(crate) async fn accounts(&self) -> Result<AccountsHere, Broken> {
        let (held, mut ended) = self.held().await?;
        let mut accounts = Vec::new();
        for (session, token) in held {
            match self.http.auth().account(session.account()).await? {
                Some(account) => accounts.push(AccountHere {
                    session,
                    name: account.name,
                    identifier: account.identifiers.first().map(Identifier::masked),
                    in_use: self.uses(&token),
                }),
                None => ended += 1,
            }
        }
        Ok(AccountsHere { accounts, ended, most: self.http.0.accounts })
    }

    /// Named by the id of its session, which is no secret: the browser must hold the token that goes with it. A session
    /// that is over and one that never was are refused alike.
    pub(crate) async fn switch(&self, to: SessionId) -> Result<Step, Broken> {
        let (mut held, _) = self.held().await?;
        let Some(at) = held.iter().position(|(session, _)| session.id() == to) else {
            return Ok(Step::Refused(Box::new(Refusal::new(Code::NoSession))));
        };
        let (session, token) = held.remove(at);
        let mut step = match self.uses(&token) {
            true => {
                let public_device = session.is_public(self.http.auth().profile());
                Step::Done(Box::new(Done::as_it_is(session, token, public_device)))
            }
            false => self.visit().switch(&token).await?,
        };
        if let Step::Done(done) = &mut step {
            done.beside = Some(held);
        }
        Ok(step)
    }

    /// The cookies that sign out of one of them; `None`: it is not here.
    pub(crate) async fn sign_out_of(&self, one: SessionId) -> Result<Option<SetCookies>, Broken> {
        let (mut held, _) = self.held().await?;
        let Some(at) = held.iter().position(|(session, _)| session.id() == one) else { return Ok(None) };
        let (_, token) = held.remove(at);
        self.visit().sign_out(&token).await?;
        if self.uses(&token) {
            return Ok(Some(self.signed_out()));
        }
        held.retain(|(_, token)| !self.uses(token));
        let mut cookies = self.cookies();
        self.set_beside(&mut cookies, &held);
        Ok(Some(cookies))
    }

    pub(crate) async fn sign_out_of_all(&self) -> Result<SetCookies, Broken> {
        for token in self.token.iter().chain(&self.client.beside) {
            self.visit().sign_out(token).await?;
        }
        let mut cookies = self.signed_out();
        if !self.program {
            let names = self.http.names();
            cookies.remove(names, names.beside);
        }
        Ok(cookies)
    }

    /// What a flow that is done leaves beside its session.
    pub(crate) fn keep_beside(&self, cookies: &mut SetCookies, done: &Done) {
        if done.other_before {
            // Another account's pages from here on: what is stored and cached of that one is not theirs to find.
            cookies.clear_site();
        }
        let Some(beside) = &done.beside else { return };
        if !(beside.is_empty() && self.client.beside.is_empty()) {
            self.set_beside(cookies, beside);
        }
    }

    fn set_beside(&self, cookies: &mut SetCookies, beside: &[(Session, Token)]) {
        let auth = self.http.auth();
        // One "not my device" among them, and the browser forgets them all when it is closed.
        let public = beside.iter().any(|(session, _)| session.is_public(auth.profile()));
        let last = beside.iter().map(|(session, _)| session.expires()).max();
        let life = last.filter(|_| !public).map(|last| last.since(auth.now()));
        cookies.beside(self.http.names(), beside.iter().map(|(_, token)| token), life);
    }

    fn uses(&self, token: &Token) -> bool {
        self.token.as_ref().is_some_and(|mine| mine.expose() == token.expose())
    }

    /// Whether it is this page's turn: the account that it names is the one in use. `acts`: it must name one where the
    /// browser holds several, because what it does, it does in a session.
    pub(crate) async fn turn(&self, headers: &HeaderMap, acts: bool) -> Result<(), Problem> {
        let named = headers.get(ACCOUNT);
        let (Some(token), true) = (&self.token, named.is_some() || (acts && !self.client.beside.is_empty()))
        else {
            return Ok(());
        };
        // None that lives: whoever needs one says so.
        let session = self.http.auth().peek(token).await.map_err(|broken| self.broken(&broken))?;
        let Some(session) = session else { return Ok(()) };
        let mine = session.account().to_string();
        match named.is_some_and(|named| named.as_bytes() == mine.as_bytes()) {
            true => Ok(()),
            false => Err(self.fault(Fault::OtherAccount)),
        }
    }
}

/// The account that a script's page is of.
pub(crate) const ACCOUNT: &str = "propusk-account";
