//! Starting a flow, and beginning a challenge in it.

use std::time::Duration;

use super::state::{Applicant, Kind, Run, State, Who};
use super::stop::{Going, Stop, busy};
use super::subject::{Mine, Person, class};
use super::{Code, Duty, Next, Offer, Refusal, Step, Visit};
use crate::account::identifier::Identifier;
use crate::auth::Inner;
use crate::error::Broken;
use crate::factor::{Answer, Begun, Context, ErasedFactor, Letter, Outgoing, Prompt, Source};
use crate::hash::{Lane, Seat};
use crate::id::{FactorName, TemplateName};
use crate::secret::{Purpose, Token};
use crate::store::{Committed, Passed, Rate, ThrottleKey, Write};

impl Inner {
    /// Opens a flow with nothing answered yet.
    pub(crate) async fn start(&self, visit: &Visit, state: State) -> Going<Step> {
        self.ready().await?;
        let run = Run::new(self, visit, state);
        let person = self.person(&run.state).await?;
        self.open(run, &person).await
    }

    /// The same with its person read already.
    pub(crate) async fn open(&self, mut run: Run<'_>, person: &Person) -> Going<Step> {
        let (write, token) = run.keep(self)?;
        match self.commit(vec![write]).await? {
            Committed::Won => self.pending(&run, person, token, None),
            Committed::Lost { .. } => Err(Code::Stale.into()),
        }
    }

    /// A registration sends its one message at once, whether the address is free or not: to a free one a code, to a
    /// taken one a word to its owner. On the screen both look alike.
    pub(crate) async fn start_sign_up(&self, visit: &Visit, mut applicant: Applicant) -> Going<Step> {
        self.ready().await?;
        let typed = applicant.contact.clone();
        applicant.taken = self.who(typed.clone()).await?.account.is_some();
        let whose = Who { typed: Some(typed), account: None, handle: None };
        let run = Run::new(self, visit, State::new(self, visit, Kind::SignUp(applicant), whose)?);
        let person = self.person(&run.state).await?;
        let offer = self.offers(&run.state, &person)?.into_iter().next().ok_or(Code::ContactKind)?;
        self.begin_in(run, person, &offer.factor).await
    }

    pub(crate) async fn begin(&self, visit: &Visit, flow: &Token, factor: &FactorName) -> Going<Step> {
        self.slow_down(visit, None).await?;
        for _ in 0..MOST_BEGINNINGS {
            let run = self.load(visit, flow).await?;
            let person = self.person(&run.state).await?;
            match self.begin_in(run, person, factor).await {
                // The other half of a double click was faster, and the flow lives: the factor says what it says of one more.
                Err(Stop::No(why)) if why.code == Code::Stale => {}
                end => return end,
            }
        }
        Err(Code::Stale.into())
    }

    pub(crate) async fn begin_in(&self, mut run: Run<'_>, person: Person, name: &FactorName) -> Going<Step> {
        let factor = self.factor(name).ok_or(Code::NotOffered)?;
        let duty = self.duty(&run.state, &person)?;
        let offer = self.offer_of(&run.state, &person, duty, factor)?.ok_or(Code::NotOffered)?;
        let mut mine = self.mine(&person, &run.state, factor)?;
        let before = run.state.challenges.get(name.as_str()).map(|challenge| challenge.state.clone());
        // Opened for an enrolment only: else a name that nobody has would be cheaper to begin with.
        let known = if offer.enrols { person.known(self)? } else { None };
        let echo = match known {
            Some(known) => known.names.first().map(|name| name.as_str().to_owned()),
            // Whoever registers has confirmed this address by now: their device shows it in its list of keys.
            None if offer.enrols => run.state.who.typed.as_ref().map(|name| name.as_str().to_owned()),
            None => run.state.who.typed.as_ref().map(Identifier::masked),
        };
        let mailbox = run.state.mailbox(self, name, true);
        let cx = self.context(&run, &person, name, (&[], echo.as_deref()), (&mailbox, None));
        let begun = match (offer.enrols, factor.enrolment()) {
            (false, _) => factor.begin(cx, &mine.opened, before.as_ref().map(String::as_bytes)).await?,
            (true, Some(plugin)) => {
                // It may cost sixteen hashes, and no guess is counted.
                if factor.takes_hash() {
                    let key = self.throttle_key(&[b"proposal", person.id.as_bytes()]);
                    self.pass(vec![(key, PROPOSALS)], Code::TooSoon).await?;
                }
                mine.only_real();
                plugin.propose(cx, &mine.opened).await?
            }
            (true, None) => Begun::Nothing,
        };
        let (kept, prompt, deliver) = match begun {
            Begun::Started { state, prompt, deliver } => (state, prompt, deliver),
            Begun::Wait { retry_after } => return Err(Refusal::new(Code::TooSoon).after(retry_after).into()),
            Begun::Busy { retry_after } => return busy(retry_after),
            Begun::Barred { unsent } => {
                // Within the throttle of messages, or strangers fill the owner's history; for a decoy as well.
                self.message_throttle(&run, &person, &mine, &unsent).await?;
                let event = self.refusal_event(&run, &person, name, Code::Barred.as_str())?;
                let _ = self.commit(vec![event]).await?;
                return Err(Code::Barred.into());
            }
            Begun::Nothing => return Err(Code::NotOffered.into()),
        };
        let mut batch = Vec::new();
        if let Some(outgoing) = deliver {
            self.message_throttle(&run, &person, &mine, &outgoing).await?;
            batch.push(self.outgoing(&run, &person, &mine, outgoing)?);
        }
        run.state.challenge(name, &kept)?;
        let (write, token) = run.keep(self)?;
        batch.insert(0, write);
        match self.commit(batch).await? {
            Committed::Won => {
                // In a commit of its own: a partitioned store keeps the two rows apart. A challenge that lost its
                // mailbox has expired.
                if let Some(rules) = factor.mailbox().filter(|_| !offer.enrols) {
                    let open = self.open_mailbox(&run, &token, &person, name, &mailbox, rules)?;
                    let _ = self.commit(vec![open]).await?;
                }
                self.pending(&run, &person, token, Some((name.clone(), prompt)))
            }
            // Another step of the same flow was faster: its challenge stands, this one was never sent.
            Committed::Lost { .. } => Err(Code::Stale.into()),
        }
    }

    /// What can be answered next.
    pub(crate) fn offers(&self, state: &State, person: &Person) -> Going<Vec<Offer>> {
        let (duty, mut offers) = (self.duty(state, person)?, Vec::new());
        for (_, factor) in &self.factors {
            offers.extend(self.offer_of(state, person, duty, &**factor)?);
        }
        Ok(offers)
    }

    /// Whether this factor can be answered next. Before the first proof it depends on the profile and on the kind of
    /// name only; after it, on what the account has.
    pub(crate) fn offer_of(
        &self,
        state: &State,
        person: &Person,
        duty: Option<Duty>,
        factor: &dyn ErasedFactor,
    ) -> Going<Option<Offer>> {
        let name = factor.name();
        let offer = |enrols, hint| Offer { factor: name.clone(), enrols, hint };
        if let Some(address) = state.confirming() {
            let wanted = factor.source() == Source::Contacts(address.kind());
            return Ok(wanted.then(|| offer(false, Some(address.masked()))));
        }
        if let Some(duty) = duty {
            let wanted = match &state.kind {
                Kind::SignUp(_) => {
                    factor.enrolment().is_some()
                        && factor.could_prove(None)?.covers(self.profile.sign_up_enrols)
                }
                Kind::Credential { factor: wanted, .. } => *wanted == name,
                Kind::Recover { lost, done: false } => {
                    lost.contains(&name) && factor.could_prove(None)?.is_memorised()
                }
                Kind::SignIn | Kind::Recover { .. } if duty == Duty::Enrol => {
                    // What needs another session's word lets nobody in by itself.
                    factor.enrolment().is_some()
                        && !factor.speaks_by_session()
                        && self.adds(state, factor, factor.could_prove(None)?)
                }
                Kind::SignIn | Kind::Recover { .. } => state.due().is_some_and(|(due, _)| *due == name),
                Kind::StepUp { .. } | Kind::Remove { .. } | Kind::Contact { .. } => false,
            };
            return Ok(wanted.then(|| offer(true, None)));
        }
        let contact = match factor.source() {
            Source::Contacts(kind) => Some(kind),
            Source::Credentials => None,
        };
        let wanted = match &state.kind {
            Kind::SignUp(applicant) => contact == Some(applicant.contact.kind()),
            Kind::Credential { factor: replaced, replace: true, .. } => *replaced == name,
            // Whoever recovers begins with what is sent to the address that they typed.
            Kind::Recover { .. } if state.proofs.is_empty() => {
                contact.is_some() && contact == state.who.typed.as_ref().map(Identifier::kind)
            }
            Kind::Recover { lost, done: false } if lost.contains(&name) => false,
            Kind::SignIn if state.is_unnamed() => factor.discoverable(),
            Kind::SignIn if state.proofs.is_empty() => match contact {
                Some(kind) => state.who.typed.as_ref().map(Identifier::kind) == Some(kind),
                None if state.who.handle.is_some() => factor.discoverable(),
                None => factor.decoy(&self.hashes, [0; 32])?.is_some(),
            },
            // Of somebody who has proven something, or is signed in.
            Kind::SignIn
            | Kind::Recover { .. }
            | Kind::Credential { .. }
            | Kind::StepUp { .. }
            | Kind::Contact { .. }
            | Kind::Remove { .. } => {
                let mine = self.mine(person, state, factor)?;
                // Nobody adds a key by the word of another session: who stole one would write that word with it.
                let speaks =
                    !factor.speaks_by_session() || matches!(state.kind, Kind::SignIn | Kind::StepUp { .. });
                let wanted = mine.real && speaks && self.brings_nearer(state, factor, &mine)?;
                return Ok(wanted.then(|| offer(false, mine.hint())));
            }
        };
        Ok(wanted.then(|| offer(false, None)))
    }

    pub(crate) fn pending(
        &self,
        run: &Run<'_>,
        person: &Person,
        flow: Token,
        begun: Option<(FactorName, Prompt)>,
    ) -> Going<Step> {
        let offers = self.offers(&run.state, person)?;
        let expires_in = run.state.expires.since(run.now);
        let duty = self.duty(&run.state, person)?;
        let due = duty.and(run.state.due()).map(|(_, why)| why);
        let (delay, unusual) = (self.delay(&run.state, person)?, run.state.is_suspected());
        Ok(Step::Pending(Box::new(Next { flow, offers, begun, duty, due, unusual, delay, expires_in })))
    }

    pub(crate) fn context<'c>(
        &'c self,
        run: &'c Run<'_>,
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
            transaction: run.state.transaction(),
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

    /// The network's throttle, which any step passes before it reads anything: a stranger who is slowed down does not
    /// reach the owner's guard.
    ///
    /// An answer from a browser that nobody can know needs a seat in the hash pool even before that: else each answer of a
    /// flood costs the store several writes, to be told that it is not looked at.
    pub(crate) async fn slow_down(&self, visit: &Visit, answer: Option<&Answer>) -> Going<Option<Seat>> {
        let answer = answer.filter(|_| visit.client.browsers.is_empty());
        let seat = answer.map_or(Ok(None), |answer| self.seat(answer, Lane::Stranger))?;
        if let Some(network) = visit.client.network() {
            let key = self.throttle_key(&[b"network", &network]);
            self.pass(vec![(key, self.profile.network_rate)], Code::Throttled).await?;
        }
        Ok(seat)
    }

    /// A seat in the hash pool for an answer that will need one.
    pub(crate) fn seat(&self, answer: &Answer, lane: Lane) -> Going<Option<Seat>> {
        match self.factor(&answer.factor) {
            Some(factor) if factor.takes_hash() => self.hashes.seat(lane).map(Some).or_else(busy),
            _ => Ok(None),
        }
    }

    // One count for each purpose and address: who floods somebody with registrations takes no second factor from
    // them, and who floods them with codes, none from a browser that they are known by. And one for all messages that
    // a network causes: they cost money.
    async fn message_throttle(
        &self,
        run: &Run<'_>,
        person: &Person,
        mine: &Mine,
        to: &Outgoing,
    ) -> Going<()> {
        let whom =
            mine.address(to).map_or(to.to.as_bytes().as_slice(), |address| address.as_str().as_bytes());
        let purpose: &[u8] = match &run.state.kind {
            Kind::SignUp(_) => b"sign-up",
            Kind::Recover { .. } if run.state.proofs.is_empty() => b"recover",
            kind if run.state.proofs.is_empty() && kind.session().is_none() => b"unproven",
            // To whomever one likes: somebody's own second factor does not wait for it.
            _ if run.state.confirming().is_some() => b"contact",
            _ => b"proven",
        };
        let class = class(self.lane(run, person));
        let recipient = self.throttle_key(&[b"recipient", purpose, class, whom]);
        let mut keys = vec![(recipient, self.profile.recipient_rate)];
        if let Some(network) = run.visit.client.network() {
            keys.push((self.throttle_key(&[b"messages", &network]), self.profile.message_rate));
        }
        self.pass(keys, Code::TooSoon).await
    }

    async fn pass(&self, keys: Vec<(ThrottleKey, Rate)>, otherwise: Code) -> Going<()> {
        match self.throttle.pass(keys, self.clock.now()).await? {
            Passed::Yes => Ok(()),
            Passed::No { retry_after } => Err(Refusal::new(otherwise).after(retry_after).into()),
        }
    }

    pub(crate) fn throttle_key(&self, parts: &[&[u8]]) -> ThrottleKey {
        ThrottleKey(self.keys.lookup(Purpose::Throttle, parts))
    }

    fn outgoing(&self, run: &Run<'_>, person: &Person, mine: &Mine, out: Outgoing) -> Going<Write> {
        let profile = person.known(self)?.map(|known| &known.profile);
        let locale = profile.map_or(run.visit.client.locale, |profile| profile.locale);
        let address = mine.address(&out).or(if mine.real { None } else { run.state.who.typed.as_ref() });
        // A decoy without an address gets a row as long as any, addressed to what was typed and never handed out.
        let to = address.ok_or(Broken::Misuse("a factor sends to contacts that it was given"))?;
        let deliver = (mine.real, run.now.after(out.life));
        let (mut template, mut params) = (out.template, out.params);
        if matches!(&run.state.kind, Kind::SignUp(applicant) if applicant.taken) {
            template = TemplateName::new("already-registered");
            params.clear();
        }
        // Who asks is told in any case, so that the screen need not tell that nobody has this address.
        let nobody = run.state.recovers() && run.state.proofs.is_empty() && !mine.real;
        if nobody {
            template = TemplateName::new("recovery-unknown");
            params.clear();
        }
        let deliver = (deliver.0 || nobody, deliver.1);
        // A factor's own text that is in no templates says what the factor wants said.
        if self.templates.knows(template.as_str()) {
            params.extend(run.visit.client.at(self));
        }
        Ok(self.message(profile.map(|_| person.id), (to, false), template, params, locale, deliver)?)
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

/// How often a step begins anew that another step of its flow was faster than.
const MOST_BEGINNINGS: usize = 3;
/// New credentials of one account whose beginning may cost hashes.
const PROPOSALS: Rate = Rate { uses: 30, per: Duration::from_secs(3600) };
