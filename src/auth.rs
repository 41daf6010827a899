//! [`Auth`]: the library as one value, and its builder.

mod admin;
mod browsers;
mod credentials;
mod export;
mod fit;
mod history;
pub mod import;
mod lapsed;
mod lock;
mod probe;
mod rows;
mod tend;

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::account::Level;
use crate::clock::{Clock, Entropy, Sleep, SystemClock, SystemEntropy};
use crate::error::Broken;
use crate::factor::{ErasedFactor, Factor, Source};
use crate::flow::{Client, Code, HABITS, Refusal, TRUST, Visit};
use crate::hash::{HashPool, HashSettings};
use crate::human::{HumanCheck, ProofOfWork};
use crate::id::{AccountId, FactorName, Realm, Sequence};
use crate::lockout::waiting::Waiting;
use crate::message::{Push, Sender, Templates};
use crate::observe;
use crate::place::Places;
use crate::policy::{Profile, Requirement};
use crate::secret::{Buffered, KeyRing, Keys, Token};
use crate::session::{Listed, Session};
use crate::site::Site;
use crate::store::memory::MemoryStore;
use crate::store::{Committed, Store, Throttle, Write};

pub(crate) use admin::Change;
pub use browsers::KnownBrowser;
pub use credentials::Held;
pub use export::Export;
pub use history::Found;
pub(crate) use rows::NewAccount;
#[cfg(any(feature = "email", feature = "sms-http"))]
pub(crate) use tend::LEASE;
pub use tend::Tended;

/// Accounts, factors, sessions and their flows, over one store. Cheap to clone; plain, so that it can be named in
/// an application's state.
#[derive(Clone)]
pub struct Auth(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) profile: Profile,
    pub(crate) site: Site,
    pub(crate) keys: Keys,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) throttle: Arc<dyn Throttle>,
    pub(crate) factors: Vec<(FactorName, Box<dyn ErasedFactor>)>,
    pub(crate) hashes: HashPool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sleep: Option<Arc<dyn Sleep>>,
    pub(crate) senders: Vec<Box<dyn Sender>>,
    pub(crate) push: Option<Box<dyn Push>>,
    pub(crate) templates: Arc<Templates>,
    pub(crate) human: Box<dyn HumanCheck>,
    pub(crate) places: Option<Box<dyn Places>>,
    pub(crate) waiting: Waiting,
    pub(crate) sequence: Sequence,
    entropy: Arc<dyn Entropy>,
    ready: AtomicBool,
}

impl Auth {
    /// Begins to build. What has no default is an argument: the security profile, the store, the keys.
    pub fn builder(profile: Profile, store: impl Store, keys: KeyRing) -> Builder {
        Builder {
            profile,
            store: Arc::new(store),
            keys,
            realm: Realm::new("main"),
            site: None,
            factors: Vec::new(),
            hashing: HashSettings::default(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(Buffered::new(SystemEntropy)),
            throttle: Arc::new(MemoryStore::default()),
            sleep: None,
            senders: Vec::new(),
            push: None,
            templates: Templates::default(),
            human: Box::new(ProofOfWork::default()),
            places: None,
        }
    }

    /// What one client does: once for each request.
    #[must_use]
    pub fn visit(&self, client: Client) -> Visit {
        Visit::new(self.clone(), client)
    }

    /// The session behind a token, if it lives. One round trip to the store.
    ///
    /// # Errors
    /// When the store does not work: never taken for "not signed in".
    pub async fn session(&self, token: &Token) -> Result<Option<Session>, Broken> {
        observe::session(self.0.check(token)).await
    }

    /// The same without counting as a use of it, for a list of what a client holds: its time to idle runs on. `None` also
    /// for a token that is over while its session can be refreshed.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn peek(&self, token: &Token) -> Result<Option<Session>, Broken> {
        self.0.peek(token).await
    }

    /// Whether an operation is open to this session: it has proven enough lately, and its account has the level. Else the
    /// refusal has [`Code::Level`], which no proof helps, or [`Code::StepUp`], which [`Visit::step_up`] does. The second
    /// `?` is the door.
    ///
    /// ```
    /// use propusk::account::Level;
    /// use propusk::policy::Requirement;
    /// use propusk::{Auth, Session};
    ///
    /// async fn deeds(auth: &Auth, session: &Session) -> Result<String, Box<dyn std::error::Error>> {
    ///     auth.require(session, &Requirement::two_factors().level(Level::Confirmed)).await??;
    ///     Ok(format!("The deeds of {}", session.account()))
    /// }
    /// ```
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn require(
        &self,
        session: &Session,
        asked: &Requirement,
    ) -> Result<Result<(), Refusal>, Broken> {
        // Every account has the lowest level, and most operations ask for no more: no look into the store for them.
        if asked.level > Level::Simplified {
            let account = self.account(session.account()).await?;
            if account.is_none_or(|account| account.level < asked.level) {
                return Ok(Err(Refusal::new(Code::Level)));
            }
        }
        let enough = session.has_proven(asked, self.now());
        Ok(if enough { Ok(()) } else { Err(Refusal::new(Code::StepUp)) })
    }

    /// An account's live sessions, the most recently used first.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn sessions(&self, of: AccountId) -> Result<Vec<Listed>, Broken> {
        self.0.sessions(of).await
    }

    /// Looks whether the store works and was written under these keys. Every flow does so at its first step;
    /// a server wants to know at its start.
    ///
    /// # Errors
    /// [`Broken::WrongKeys`], or when the store does not work.
    pub async fn ready(&self) -> Result<(), Broken> {
        self.0.ready().await
    }

    /// The site, as the builder was told.
    pub fn site(&self) -> &Site {
        &self.0.site
    }

    /// The profile.
    pub fn profile(&self) -> &Profile {
        &self.0.profile
    }

    /// The present moment by the injected clock.
    pub fn now(&self) -> crate::clock::Timestamp {
        self.0.clock.now()
    }

    /// The pool that computes slow hashes, for tests that count them.
    pub fn hashes(&self) -> &HashPool {
        &self.0.hashes
    }

    /// A token of 256 random bits from the injected generator.
    ///
    /// # Errors
    /// When the generator is broken.
    pub fn random_token(&self) -> Result<Token, Broken> {
        Token::random(self.0.entropy())
    }

    /// The keys, for what an adapter of a web framework binds itself (form tokens).
    #[cfg(feature = "axum")]
    pub(crate) fn keys(&self) -> &Keys {
        &self.0.keys
    }
}

impl Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("profile", &self.0.profile.name).finish_non_exhaustive()
    }
}

impl Inner {
    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    pub(crate) fn factor(&self, name: &FactorName) -> Option<&dyn ErasedFactor> {
        let (name, factor) = self.factors.iter().find(|(known, _)| known == name)?;
        observe::factor(name);
        Some(&**factor)
    }

    pub(crate) async fn commit(&self, batch: Vec<Write>) -> Result<Committed, Broken> {
        Ok(self.store.commit(batch).await?)
    }

    /// The canary is looked at once; a store written under other keys is a clear error, not a heap of rows that do
    /// not open.
    pub(crate) async fn ready(&self) -> Result<(), Broken> {
        if self.ready.load(Ordering::Acquire) {
            return Ok(());
        }
        crate::store::split::alone(&*self.store).await?;
        let realm = self.keys.realm().clone();
        let mut found = self.store.canary(realm.clone()).await?;
        if found.is_none() {
            let sealed = self.keys.canary(self.entropy())?;
            // Two nodes that start at once: one lays it down, the other checks what it finds.
            match self.commit(vec![Write::AddCanary { realm: realm.clone(), sealed: sealed.clone() }]).await?
            {
                Committed::Won => found = Some(sealed),
                Committed::Lost { .. } => found = self.store.canary(realm).await?,
            }
        }
        self.keys.check_canary(&found.ok_or(Broken::WrongKeys)?)?;
        self.ready.store(true, Ordering::Release);
        Ok(())
    }
}

/// Builds an [`Auth`].
#[must_use]
pub struct Builder {
    profile: Profile,
    store: Arc<dyn Store>,
    keys: KeyRing,
    realm: Realm,
    site: Option<Site>,
    factors: Vec<(FactorName, Box<dyn ErasedFactor>)>,
    hashing: HashSettings,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    throttle: Arc<dyn Throttle>,
    sleep: Option<Arc<dyn Sleep>>,
    senders: Vec<Box<dyn Sender>>,
    push: Option<Box<dyn Push>>,
    templates: Templates,
    human: Box<dyn HumanCheck>,
    places: Option<Box<dyn Places>>,
}

impl Builder {
    /// Adds a factor. The order is that of offers.
    pub fn factor(mut self, factor: impl Factor) -> Self {
        self.factors.push((factor.name(), Box::new(factor)));
        self
    }

    /// The site: its name and origin. Needed for the HTTP routes and for factors that send messages.
    pub fn site(mut self, site: Site) -> Self {
        self.site = Some(site);
        self
    }

    /// A way out for messages. The first that takes an address gets it; what none takes is given up. Where a factor sends
    /// messages there must be one, on each node: any of them may be the one that delivers ([`Auth::tend`]).
    pub fn sender(mut self, sender: impl Sender) -> Self {
        self.senders.push(Box::new(sender));
        self
    }

    /// The way to the application's own clients, which then get notices too.
    pub fn push(mut self, push: impl Push) -> Self {
        self.push = Some(Box::new(push));
        self
    }

    /// An application's own texts, and the zone of their times.
    pub fn templates(mut self, templates: Templates) -> Self {
        self.templates = templates;
        self
    }

    /// How those are checked who begin something, where [`Profile::human`] asks for it. The default is
    /// [`ProofOfWork`].
    pub fn human(mut self, check: impl HumanCheck) -> Self {
        self.human = Box::new(check);
        self
    }

    /// Where addresses lie: without it no sign-in is found to come from a new country.
    pub fn places(mut self, places: impl Places) -> Self {
        self.places = Some(Box::new(places));
        self
    }

    /// Separates this `Auth` from others on the same store. The default is `main`.
    pub fn realm(mut self, realm: Realm) -> Self {
        self.realm = realm;
        self
    }

    /// The cost of slow hashes and the size of their queue.
    pub fn hashing(mut self, settings: HashSettings) -> Self {
        self.hashing = settings;
        self
    }

    /// Another clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Another generator.
    pub fn entropy(mut self, entropy: impl Entropy) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// Throttles that several nodes share. The default counts in this process.
    pub fn throttle(mut self, throttle: impl Throttle) -> Self {
        self.throttle = Arc::new(throttle);
        self
    }

    /// How to wait for a check that runs on another node. Without it such a step is answered "busy".
    pub fn sleep(mut self, sleep: impl Sleep) -> Self {
        self.sleep = Some(Arc::new(sleep));
        self
    }

    /// The finished value.
    ///
    /// # Errors
    /// [`Broken::Misuse`] that names what does not fit together; [`Broken::Profile`] when the factors cannot meet the
    /// profile, or it bars one; [`Broken::Keys`] when there is no usable key.
    pub fn build(self) -> Result<Auth, Broken> {
        if self.factors.is_empty() {
            return Err(Broken::Misuse("at least one factor is needed: .factor(Password::default())"));
        }
        for (at, (name, factor)) in self.factors.iter().enumerate() {
            if *name == TRUST || *name == HABITS {
                return Err(Broken::Misuse("no factor may be called \"trust\" or \"habits\""));
            }
            if self.factors.iter().take(at).any(|(other, _)| other == name) {
                return Err(Broken::Misuse("two factors have the same name"));
            }
            if matches!(factor.source(), Source::Contacts(_)) && self.site.is_none() {
                return Err(Broken::Misuse(
                    "a factor that sends messages needs .site(Site::new(name, origin))",
                ));
            }
        }
        self.fits()?;
        let mut sources = self.factors.iter().map(|(_, factor)| factor.source());
        if sources.any(|source| matches!(source, Source::Contacts(_))) && self.senders.is_empty() {
            return Err(Broken::Misuse("a factor that sends messages needs .sender(..)"));
        }
        let site = match self.site {
            Some(site) => site.checked()?,
            None => Site::new("", ""),
        };
        self.factors.iter().try_for_each(|(_, factor)| factor.fits(&site))?;
        observe::describe();
        Ok(Auth(Arc::new(Inner {
            keys: Keys::new(self.keys, self.realm)?,
            hashes: HashPool::new(self.hashing)?,
            profile: self.profile,
            store: observe::store(self.store),
            site,
            throttle: observe::throttle(self.throttle),
            factors: self.factors,
            clock: self.clock,
            entropy: self.entropy,
            sleep: self.sleep,
            senders: self.senders,
            push: self.push,
            templates: Arc::new(self.templates.checked()?),
            human: self.human,
            places: self.places,
            waiting: Waiting::default(),
            sequence: Sequence::default(),
            ready: AtomicBool::new(false),
        })))
    }
}

impl Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("profile", &self.profile.name).finish_non_exhaustive()
    }
}
