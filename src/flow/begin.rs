//! Starting a flow, and beginning a challenge in it.

use std::time::Duration;

use zeroize::Zeroizing;

use super::state::{Applicant, Kind, Run, State, Who};
use super::subject::{Mine, Person};
use super::{Code, Next, Offer, Step, Visit, left};
use crate::account::identifier::Identifier;
use crate::auth::Inner;
use crate::error::Broken;
use crate::factor::{Begun, Context, ErasedFactor, Letter, Outgoing, Prompt, Source};
use crate::hash::Lane;
use crate::id::{AccountId, FactorName, MessageId, TemplateName};
use crate::message::{Content, Locale, MessageRow};
use crate::proof::{self, Proof};
use crate::secret::{Place, Purpose, Token};
use crate::store::{Committed, Passed, ThrottleKey, Write};

impl Inner {
    /// Opens a flow with nothing answered yet.
    pub(crate) async fn start(&self, visit: &Visit, state: State) -> Result<Step, Broken> {
        self.ready().await?;
        if let Some(step) = self.slow_down(visit).await? {
            return Ok(step);
        }
        let mut run = Run::new(self, visit, state);
        let person = self.person(&run.state).await?;
        let (write, token) = run.keep(self)?;
        match self.commit(vec![write]).await? {
            Committed::Won => self.pending(&run, &person, token, None),
            Committed::Lost { .. } => Ok(Step::refused(Code::Stale)),
        }
    }

    /// A registration sends its one message at once, whether the address is free or not: to a free one a code, to a
    /// taken one a word to its owner. On the screen both look alike.
    pub(crate) async fn start_sign_up(&self, visit: &Visit, mut who: Applicant) -> Result<Step, Broken> {
        self.ready().await?;
        if let Some(step) = self.slow_down(visit).await? {
            return Ok(step);
        }
        let typed = who.contact.clone();
        who.taken = self.who(typed.clone()).await?.account.is_some();
        let whose = Who { typed: Some(typed), account: None, handle: None };
        let state = State::new(self, visit, Kind::SignUp(who), whose)?;
        let run = Run::new(self, visit, state);
        let person = self.person(&run.state).await?;
        let Some(offer) = self.offers(&run.state, &person)?.into_iter().next() else {
            return Ok(Step::refused(Code::ContactKind));
        };
        self.begin_in(run, person, &offer.factor).await
    }

    pub(crate) async fn begin(
        &self,
        visit: &Visit,
        flow: &Token,
        factor: &FactorName,
    ) -> Result<Step, Broken> {
        if let Some(step) = self.slow_down(visit).await? {
            return Ok(step);
        }
        let run = match self.load(visit, flow).await? {
            Ok(run) => run,
            Err(code) => return Ok(Step::refused(code)),
        };
        let person = self.person(&run.state).await?;
        self.begin_in(run, person, factor).await
    }

    async fn begin_in(&self, mut run: Run<'_>, person: Person, name: &FactorName) -> Result<Step, Broken> {
        let offered = self.offers(&run.state, &person)?.into_iter().find(|offer| offer.factor == *name);
        let (Some(offer), Some(factor)) = (offered, self.factor(name)) else {
            return Ok(Step::refused(Code::NotOffered));
        };
        let mut mine = self.mine(&person, &run.state, factor)?;
        let before = run.state.challenges.get(name.as_str()).map(|challenge| challenge.state.clone());
        let words = Vec::new();
        let echo = run.state.who.typed.as_ref().map(Identifier::masked);
        let mailbox = run.state.mailbox(self, name, true);
        let cx = self.context(&run, &person, name, (&words, echo.as_deref()), (&mailbox, None));
        let begun = match (offer.enrols, factor.enrolment()) {
            (false, _) => factor.begin(cx, &mine.opened, before.as_ref().map(String::as_bytes)).await?,
            (true, Some(plugin)) => {
                mine.only_real();
                plugin.propose(cx, &mine.opened).await?
            }
            (true, None) => Begun::Nothing,
        };
        let (kept, prompt, deliver) = match begun {
            Begun::Started { state, prompt, deliver } => (state, prompt, deliver),
            Begun::Wait { retry_after } => return Ok(Step::wait(Code::TooSoon, retry_after)),
            Begun::Nothing => return Ok(Step::refused(Code::NotOffered)),
        };
        let mut batch = Vec::new();
        if let Some(outgoing) = deliver {
            if let Some(retry_after) = self.recipient_throttle(&run, &mine, &outgoing).await? {
                return Ok(Step::wait(Code::TooSoon, retry_after));
            }
            batch.push(self.outgoing(&run, &person, &mine, outgoing)?);
        }
        run.state.challenge(name, &kept)?;
        let (write, token) = run.keep(self)?;
        batch.insert(0, write);
        match self.commit(batch).await? {
            Committed::Won => self.pending(&run, &person, token, Some((name.clone(), prompt))),
            // Another step of the same flow was faster: its challenge stands, this one was never sent.
            Committed::Lost { .. } => Ok(Step::refused(Code::Stale)),
        }
    }

    /// What can be answered next. Before the first proof it depends on the profile and on the kind of name only;
    /// after it, on what the account has.
    pub(crate) fn offers(&self, state: &State, person: &Person) -> Result<Vec<Offer>, Broken> {
        let mut offers = Vec::new();
        for (name, factor) in &self.factors {
            let offer = |enrols, hint| Offer { factor: name.clone(), enrols, hint };
            let contact = match factor.source() {
                Source::Contacts(kind) => Some(kind),
                Source::Credentials => None,
            };
            match &state.kind {
                Kind::SignUp(applicant) if state.proofs.is_empty() => {
                    if contact == Some(applicant.contact.kind()) {
                        offers.push(offer(false, None));
                    }
                }
                Kind::SignUp(_) => {
                    let wanted = self.profile.sign_up_enrols;
                    if factor.enrolment().is_some() && factor.could_prove(None)?.covers(wanted) {
                        offers.push(offer(true, None));
                    }
                }
                Kind::Change { factor: changed, .. } => {
                    if changed == name {
                        offers.push(offer(!state.proofs.is_empty(), None));
                    }
                }
                Kind::Enrol { .. } if state.proofs.is_empty() => {
                    let mine = self.mine(person, state, &**factor)?;
                    if mine.real {
                        offers.push(offer(false, mine.hint()));
                    }
                }
                Kind::Enrol { factor: added, .. } => {
                    if added == name {
                        offers.push(offer(true, None));
                    }
                }
                // Also after an answer that was right so far: it named somebody, and proved nothing yet.
                Kind::SignIn if state.who.typed.is_none() && state.proofs.is_empty() => {
                    if factor.discoverable() {
                        offers.push(offer(false, None));
                    }
                }
                Kind::SignIn if state.proofs.is_empty() => {
                    let typed = state.who.typed.as_ref().map(Identifier::kind);
                    let first = match contact {
                        Some(kind) => typed == Some(kind),
                        None => factor.decoy(&self.hashes, [0; 32])?.is_some(),
                    };
                    if first {
                        offers.push(offer(false, None));
                    }
                }
                Kind::SignIn => {
                    let mine = self.mine(person, state, &**factor)?;
                    if mine.real && self.adds(state, &**factor, &mine)? {
                        offers.push(offer(false, mine.hint()));
                    }
                }
            }
        }
        Ok(offers)
    }

    // Whether a proof by this factor would bring the sign-in nearer: the same channel never counts twice.
    fn adds(&self, state: &State, factor: &dyn ErasedFactor, mine: &Mine) -> Result<bool, Broken> {
        let worth = |proofs: &[Proof]| (proof::kinds(proofs), proof::aal(proofs));
        for one in &mine.opened {
            let proves = factor.could_prove(Some(&one.plain))?;
            if state.proofs.iter().any(|proof| proof.proves().channel() == proves.channel()) {
                continue;
            }
            let mut with = state.proofs.clone();
            with.push(Proof::new(factor.name(), proves, state.began));
            if worth(&with) > worth(&state.proofs) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(crate) fn pending(
        &self,
        run: &Run<'_>,
        person: &Person,
        flow: Token,
        begun: Option<(FactorName, Prompt)>,
    ) -> Result<Step, Broken> {
        let offers = self.offers(&run.state, person)?;
        let expires_in = left(run.state.expires, run.now);
        let duty = run.state.duty();
        Ok(Step::Pending(Box::new(Next { flow, offers, begun, duty, expires_in })))
    }

    pub(crate) fn context<'c>(
        &'c self,
        run: &Run<'_>,
        person: &Person,
        factor: &'c FactorName,
        (words, echo): (&'c [String], Option<&'c str>),
        (mailbox, letter): (&'c str, Option<&'c Letter>),
    ) -> Context<'c> {
        Context {
            now: run.now,
            realm: self.keys.realm(),
            site: &self.site,
            flow: run.state.id,
            account: person.id,
            echo,
            words,
            mailbox,
            letter,
            lane: self.lane(run, person),
            factor,
            entropy: self.entropy(),
            hashes: &self.hashes,
            keys: &self.keys,
            policy: &*self.profile.password,
        }
    }

    pub(crate) fn lane(&self, run: &Run<'_>, person: &Person) -> Lane {
        match person.browser(self, &run.visit.client, run.now) {
            Some(_) => Lane::Known,
            None => Lane::Stranger,
        }
    }

    /// The network's throttle, the first thing that any step passes: a stranger who is slowed down does not reach
    /// the owner's guard.
    pub(crate) async fn slow_down(&self, visit: &Visit) -> Result<Option<Step>, Broken> {
        let Some(network) = visit.client.network() else { return Ok(None) };
        let key = ThrottleKey(self.keys.lookup(Purpose::Throttle, &[b"network", &network]));
        match self.throttle.pass(vec![(key, self.profile.network_rate)], self.clock.now()).await? {
            Passed::Yes => Ok(None),
            Passed::No { retry_after } => Ok(Some(Step::wait(Code::Throttled, retry_after))),
        }
    }

    async fn recipient_throttle(
        &self,
        run: &Run<'_>,
        mine: &Mine,
        to: &Outgoing,
    ) -> Result<Option<Duration>, Broken> {
        let address = mine.address(to);
        let whom = address.map_or(to.to.as_bytes().as_slice(), |address| address.as_str().as_bytes());
        let purpose: &[u8] = match &run.state.kind {
            Kind::SignUp(_) => b"sign-up",
            _ if run.state.proofs.is_empty() => b"unproven",
            _ => b"proven",
        };
        let key = ThrottleKey(self.keys.lookup(Purpose::Throttle, &[b"recipient", purpose, whom]));
        match self.throttle.pass(vec![(key, self.profile.recipient_rate)], self.clock.now()).await? {
            Passed::Yes => Ok(None),
            Passed::No { retry_after } => Ok(Some(retry_after)),
        }
    }

    fn outgoing(&self, run: &Run<'_>, person: &Person, mine: &Mine, out: Outgoing) -> Result<Write, Broken> {
        let locale = person.profile.as_ref().map_or(run.visit.client.locale, |profile| profile.locale);
        let mut params: Vec<_> =
            out.params.iter().map(|(name, value)| (name.clone(), value.as_str().to_owned())).collect();
        let mut template = out.template.clone();
        if matches!(&run.state.kind, Kind::SignUp(applicant) if applicant.taken) {
            template = TemplateName::new("already-registered");
            params.clear();
        }
        // A decoy without an address gets a row as long as any, addressed to what was typed and never handed out.
        let typed = run.state.who.typed.as_ref();
        let to = mine.address(&out).or(typed).ok_or(Broken::Misuse("a message to nobody"))?;
        self.message(person.subject.is_some().then_some(person.id), to, template, params, locale, mine.real)
    }

    /// A message for the outbox.
    pub(crate) fn message(
        &self,
        account: Option<AccountId>,
        to: &Identifier,
        template: TemplateName,
        mut params: Vec<(std::borrow::Cow<'static, str>, String)>,
        locale: Locale,
        deliver: bool,
    ) -> Result<Write, Broken> {
        let id = MessageId::next(self)?;
        params.push(("site".into(), self.site.name.clone()));
        params.push(("host".into(), self.site.host().to_owned()));
        let content = Content { to: to.clone(), template, locale, params };
        let plain = Zeroizing::new(serde_json::to_vec(&content).map_err(|_| Broken::Misuse("message"))?);
        let sealed = self.keys.seal(self.entropy(), &Place::new(Purpose::Message, id.as_bytes()), &plain)?;
        let (realm, due) = (self.keys.realm().clone(), self.clock.now());
        Ok(Write::Message(MessageRow { id, realm, account, deliver, due, attempts: 0, sealed }))
    }
}

impl Mine {
    /// Drops a decoy: an enrolment is told of real credentials only.
    pub(crate) fn only_real(&mut self) {
        if !self.real {
            self.opened.clear();
        }
    }

    fn hint(&self) -> Option<String> {
        self.addresses.first().map(|(_, address)| address.masked())
    }

    fn address(&self, out: &Outgoing) -> Option<&Identifier> {
        self.addresses.iter().find(|(id, _)| *id == out.to).map(|(_, address)| address)
    }
}
