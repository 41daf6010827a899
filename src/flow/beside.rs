//! Several accounts in one client, one of them in use: what a sign-in leaves of the others' sessions, the switch, and that
//! no flow crosses over.

use super::client::MOST_ACCOUNTS;
use super::state::Run;
use super::stop::Going;
use super::{Code, Done, Step, Visit};
use crate::auth::Inner;
use crate::error::Broken;
use crate::event::{self, Outcome, Reached, Sealed};
use crate::id::{AccountId, SessionId};
use crate::secret::Token;
use crate::session::{Grant, Session};
use crate::store::{Committed, Write};

/// What a client goes on holding, and what it had before.
pub(crate) struct Beside {
    pub(crate) stay: Vec<(Session, Token)>,
    /// Whether the session in use was another account's.
    pub(crate) other_before: bool,
}

impl Inner {
    /// What becomes of the sessions that the client came with, in the batch that gives it another: one of the same account
    /// ends (ASVS 5.0 7.2.4: nobody would see it any more, and a copy of its token would live on), and so do those for
    /// which there is no room. The others stay beside it.
    pub(crate) async fn superseded(
        &self,
        run: &Run<'_>,
        account: AccountId,
    ) -> Result<(Vec<Write>, Beside), Broken> {
        let client = &run.visit.client;
        let (mut ends, mut stay) = (Vec::new(), Vec::<(Session, Token)>::new());
        let (mut seen, mut other_before) = (Vec::<SessionId>::new(), false);
        let in_use = client.session.iter().map(|token| (token, true));
        let held = in_use.chain(client.beside.iter().map(|token| (token, false)));
        for (token, in_use) in held.take(MOST_ACCOUNTS) {
            let Some(old) = self.holder(token).await?.filter(|old| !seen.contains(&old.id())) else {
                continue;
            };
            seen.push(old.id());
            other_before |= in_use && old.account() != account;
            let again = stay.iter().any(|(other, _)| other.account() == old.account());
            if old.account() == account || again || stay.len() + 1 >= client.accounts {
                ends.push(end_of(&old));
            } else {
                stay.push((old, token.clone()));
            }
        }
        Ok((ends, Beside { stay, other_before }))
    }

    /// Whether the client has gone on in another session than the one that this flow goes on in: a page of one account,
    /// left open, does nothing in the name of another.
    pub(crate) async fn left(&self, run: &Run<'_>) -> Result<bool, Broken> {
        let (Some(mine), Some(token)) = (run.state.kind.session(), &run.visit.client.session) else {
            return Ok(false);
        };
        Ok(self.holder(token).await?.is_some_and(|session| session.id() != mine))
    }

    /// Renewed with what it has proven and when, to the same end. The token that lay idle in the client is over with it: a
    /// copy of it, or one that was slipped in beside (ATTACKS 49), is good for nothing from here on.
    pub(crate) async fn switch(&self, visit: &Visit, to: &Token) -> Going<Step> {
        self.slow_down(visit, None).await?;
        // One that is refreshed belongs to a program, which holds one account and has no use for this.
        let session = self.peek(to).await?.filter(|session| session.access().is_none());
        let session = session.ok_or(Code::NoSession)?;
        let person = self.active(session.account()).await?.ok_or(Code::NoSession)?;
        let public_device = session.is_public(&self.profile);
        let reached = Some(Reached::by(&session.proofs()));
        let content = Sealed { reached, ..Sealed::new(visit.client.origin()) };
        let (event, line) = self.line(&person, event::name::SWITCHED, Outcome::Done, &content)?;
        let grant = Grant {
            account: session.account(),
            // Its own, not the account's as of now: what was raised since has ended it.
            epoch: session.epoch(),
            route: session.route(),
            event,
            proofs: &[],
            public_device,
            refresh: false,
            now: self.clock.now(),
            expires: Some(session.expires()),
            trusted: None,
        };
        let (add, renewed, token) = self.renew(&session, grant)?;
        match self.commit(vec![end_of(&session), line, add]).await? {
            Committed::Won => {
                let done = Done::as_it_is(renewed, token, public_device);
                Ok(Step::Done(Box::new(Done { other_before: true, ..done })))
            }
            Committed::Lost { .. } => Err(Code::NoSession.into()),
        }
    }
}

fn end_of(session: &Session) -> Write {
    Write::EndSession { account: session.account(), route: session.route(), id: session.id() }
}
