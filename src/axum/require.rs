//! What an operation asks for, at the door of its handler, and how a client learns what is lacking (RFC 9470).

use std::fmt::Write as _;
use std::marker::PhantomData;
use std::time::Duration;

use ::axum::Router;
use ::axum::extract::{FromRef, FromRequestParts, Request, State};
use ::axum::http::request::Parts;
use ::axum::middleware::{self, Next};
use ::axum::response::{IntoResponse, Response};

use super::caller::Caller;
use super::{AuthHttp, Problem};
use crate::flow::{Code, Refusal};
use crate::policy::Requirement;
use crate::proof::Aal;
use crate::session::Session;

/// What an operation asks for, as a type that [`Require`] takes.
pub trait Asks {
    /// It.
    const ASKS: Requirement;
}

/// The session, if it meets what `A` asks for. Else a problem: `origin` (403), `no_session` (401), `step_up` (401, with
/// the challenge of RFC 9470 that says what to prove), or `level` (403). Take `Result<Require<A>, Problem>` to send a
/// person to a page.
#[derive(Debug)]
pub struct Require<A>(pub Session, PhantomData<A>);

impl<A> Require<A> {
    /// The session.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.0
    }
}

impl<S, A: Asks> FromRequestParts<S> for Require<A>
where
    AuthHttp: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::of(&AuthHttp::from_ref(state), parts)?.same_origin(parts)?;
        let session = caller.session().await?;
        Ok(Self(caller.require(session, &A::ASKS).await?, PhantomData))
    }
}

impl AuthHttp {
    /// These routes, behind a session that meets a requirement: [`Require`] for all of them at once. What is added
    /// afterwards stands open, and so does a fallback, which is no route.
    ///
    /// # Panics
    /// Where there are no routes yet, as [`Router::route_layer`] does: they would be added to an open door.
    pub fn require<S: Clone + Send + Sync + 'static>(
        &self,
        asked: Requirement,
        routes: Router<S>,
    ) -> Router<S> {
        routes.route_layer(middleware::from_fn_with_state((self.clone(), asked), gate))
    }
}

async fn gate(
    State((http, asked)): State<(AuthHttp, Requirement)>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let judged = async {
        let caller = Caller::of(&http, &parts)?.same_origin(&parts)?;
        let session = caller.session().await?;
        caller.require(session, &asked).await
    };
    match judged.await {
        Ok(_) => next.run(Request::from_parts(parts, body)).await,
        Err(problem) => problem.into_response(),
    }
}

impl Caller {
    /// The session, if it meets the requirement.
    pub(crate) async fn require(
        &self,
        session: Option<Session>,
        asked: &Requirement,
    ) -> Result<Session, Problem> {
        let refused = |refusal: &Refusal| Problem::refused(refusal, self.client.locale);
        let session = session.ok_or_else(|| refused(&Refusal::new(Code::NoSession)))?;
        let judged = self.http.auth().require(&session, asked).await;
        match judged.map_err(|broken| self.broken(&broken))? {
            Ok(()) => Ok(session),
            Err(refusal) if refusal.code == Code::StepUp => Err(refused(&refusal).lacking(asked)),
            Err(refusal) => Err(refused(&refusal)),
        }
    }
}

/// What a client is told to prove, and asks to prove: the parameters of RFC 9470 section 3, in the words of
/// [this table](super#what-a-client-is-asked-to-prove).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lacking {
    pub(crate) acr_values: String,
    pub(crate) max_age: Option<u64>,
}

impl Lacking {
    pub(crate) fn of(asked: &Requirement) -> Self {
        // All of it: a client that is not told of something proves the rest, and is refused for ever. The level is a refusal
        // of its own, since nothing that a client proves raises it.
        let Requirement { aal, kinds, fresh, phishing_resistant, user_verified, level: _ } = *asked;
        let mut words = Vec::new();
        match aal {
            Aal::Zero => {}
            Aal::One => words.push("aal1"),
            Aal::Two => words.push("aal2"),
            Aal::Three => words.push("aal3"),
        }
        if kinds > 1 {
            words.push("mfa");
        }
        if phishing_resistant {
            words.push("phr");
        }
        if user_verified {
            words.push("uv");
        }
        Self { acr_values: words.join(" "), max_age: fresh.map(|age| age.as_secs()) }
    }

    /// What a client asks to prove. `None`: a word that is none of these. All words together, not any of them.
    pub(crate) fn asked(acr_values: &str, max_age: Option<u64>) -> Option<Requirement> {
        let mut asked = Requirement::NONE;
        for word in acr_values.split_ascii_whitespace() {
            match word {
                "aal1" => asked.aal = asked.aal.max(Aal::One),
                "aal2" => asked.aal = asked.aal.max(Aal::Two),
                "aal3" => asked.aal = asked.aal.max(Aal::Three),
                "mfa" => asked.kinds = 2,
                "phr" => asked.phishing_resistant = true,
                "uv" => asked.user_verified = true,
                _ => return None,
            }
        }
        asked.kinds = asked.kinds.max(1);
        asked.fresh = max_age.map(Duration::from_secs);
        Some(asked)
    }

    /// The value of `WWW-Authenticate`.
    pub(crate) fn challenge(&self) -> String {
        let mut text = String::from(
            "Bearer error=\"insufficient_user_authentication\", \
             error_description=\"More must be proven for this\"",
        );
        if !self.acr_values.is_empty() {
            let _ = write!(text, ", acr_values=\"{}\"", self.acr_values);
        }
        if let Some(age) = self.max_age {
            let _ = write!(text, ", max_age=\"{age}\"");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client that asks for what it was told asks for all that its operation does.
    #[test]
    fn whatever_an_operation_asks_for_is_told_to_its_client() {
        let mut told = std::collections::HashSet::new();
        for aal in [Aal::Zero, Aal::One, Aal::Two, Aal::Three] {
            for bits in 0_u8..16 {
                let asked = Requirement {
                    aal,
                    kinds: 1 + usize::from(bits & 1),
                    fresh: (bits & 2 > 0).then_some(Duration::from_secs(300)),
                    phishing_resistant: bits & 4 > 0,
                    user_verified: bits & 8 > 0,
                    ..Requirement::NONE
                };
                let lacking = Lacking::of(&asked);
                assert_eq!(Lacking::asked(&lacking.acr_values, lacking.max_age), Some(asked));
                told.insert(lacking.challenge());
            }
        }
        assert_eq!(told.len(), 64);
    }
}
