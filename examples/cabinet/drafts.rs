//! What a browser is in the middle of: which flow, what was typed, what to say on the next page.
//!
//! A form posts and redirects, so that reloading a page never sends it again; what the next page needs waits here,
//! not in the address. The key is the secret that binds flows to the browser. Nothing here is a right: whoever finds
//! a draft still has to answer its flow. It is held in memory; an application on several nodes puts it into its own
//! store.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use propusk::clock::Timestamp;
use propusk::factor::Prompt;
use propusk::flow::{Offer, Refusal, Transaction};
use propusk::id::{AccountId, FactorName};
use propusk::proof::Due;
use propusk::store::{Passed, Rate};
use propusk::{Session, Token};

use crate::asks::Ask;
use crate::texts::Texts;

/// Which flow of a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    SignUp,
    SignIn,
    /// By a key, before anybody is named: apart, so that a page which only offers it disturbs no other sign-in.
    Key,
    Change,
    /// A signed-in person adds a way to sign in.
    Enrol,
    /// The pages after that: a name for it, backup codes. No flow of the library, a place to remember where one is.
    Wizard,
    /// A signed-in person takes one away.
    Remove,
    /// More than the session has proven, for an extract.
    Extract,
    /// The approval of a payment.
    Fine,
    /// Back in after a loss.
    Recover,
    /// A signed-in person changes where messages go.
    Contact,
    /// The end of the account.
    Close,
}

impl Way {
    /// The page that begins it.
    pub const fn start(self) -> &'static str {
        match self {
            Self::SignUp => "/sign-up",
            Self::SignIn | Self::Key => "/sign-in",
            Self::Change => "/password",
            Self::Enrol | Self::Wizard | Self::Remove => "/security",
            Self::Extract => "/services/record",
            Self::Fine => "/services/fine",
            Self::Recover => "/forgot",
            Self::Contact => "/contacts",
            Self::Close => "/close",
        }
    }

    /// Whether it goes on in the session that it began in.
    pub const fn is_of_a_session(self) -> bool {
        matches!(
            self,
            Self::Change
                | Self::Enrol
                | Self::Remove
                | Self::Extract
                | Self::Fine
                | Self::Contact
                | Self::Close
        )
    }

    /// The page that asks for a proof.
    pub const fn step(self) -> &'static str {
        match self {
            Self::SignUp => "/sign-up/code",
            Self::SignIn | Self::Key => "/sign-in/code",
            Self::Change => "/password",
            Self::Enrol => "/security/prove",
            Self::Wizard => "/security/name",
            Self::Remove => "/security/remove/prove",
            Self::Extract => "/services/record/prove",
            Self::Fine => "/services/fine/prove",
            Self::Recover => "/forgot/code",
            Self::Contact => "/contacts/prove",
            Self::Close => "/close/prove",
        }
    }

    /// The page that asks for a new secret.
    pub const fn choose(self) -> &'static str {
        match self {
            Self::SignUp => "/sign-up/password",
            Self::SignIn | Self::Key => "/sign-in/new",
            Self::Change => "/password",
            Self::Enrol => "/security/new",
            Self::Recover => "/forgot/password",
            Self::Wizard | Self::Remove | Self::Extract | Self::Fine | Self::Contact | Self::Close => {
                self.start()
            }
        }
    }
}

/// A sentence in whichever language the next page is read.
pub type News = fn(&Texts) -> &'static str;

/// One flow as its pages need it.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The flow's token: never in an address or on a page.
    pub flow: Option<Token>,
    /// What is asked for now, what its challenge shows, and where its message went.
    pub factor: Option<FactorName>,
    pub prompt: Option<Prompt>,
    pub sent_to: String,
    /// What could be asked for, and of which there is a challenge already, with what it shows.
    pub offers: Vec<Offer>,
    pub begun: Vec<(FactorName, Prompt)>,
    /// Whether the next thing is to choose a new secret.
    pub choosing: bool,
    /// Why, where it was not the person's wish.
    pub due: Option<Due>,
    /// One proof more than else is asked for.
    pub unusual: bool,
    /// What was typed, to be there again.
    pub identifier: String,
    pub name: String,
    pub birth_date: String,
    pub terms: bool,
    /// The ticket of who waits instead of letting a script solve a puzzle.
    pub human: String,
    pub public_device: bool,
    pub trust: bool,
    pub next: String,
    /// What is said once it is done.
    pub done: Option<News>,
    /// In a recovery: what is lost, and how long it would wait for want of a second proof.
    pub lost: Lost,
    pub delay: Option<Duration>,
    /// From when a recovery that waits can be finished.
    pub ready: Option<Timestamp>,
    /// Of contacts: whether the new one is being confirmed, and in the place of which it comes.
    pub confirms: bool,
    pub instead: String,
    /// What is approved in this flow.
    pub approves: Option<Transaction>,
    /// The last refusal, until it has been read; with the moment from which one may try again.
    pub told: Option<Told>,
}

impl Draft {
    /// Asks for this one of the offers.
    pub fn ask(&mut self, factor: FactorName, prompt: Option<Prompt>) {
        let asked = self.offers.iter().find(|offer| offer.factor == factor);
        self.choosing = asked.is_some_and(|offer| offer.enrols);
        self.sent_to = asked.and_then(|offer| offer.hint.clone()).unwrap_or_else(|| self.identifier.clone());
        if let Some(prompt) = prompt {
            self.begun.retain(|(before, _)| *before != factor);
            self.begun.push((factor.clone(), prompt));
        }
        self.prompt = self.begun.iter().find(|(begun, _)| *begun == factor).map(|(_, prompt)| prompt.clone());
        self.factor = Some(factor);
    }

    /// What was typed is there again, in so far as it can be right.
    fn shortened(mut self) -> Self {
        for text in [&mut self.identifier, &mut self.name, &mut self.birth_date, &mut self.human] {
            if let Some((end, _)) = text.char_indices().nth(TYPED) {
                text.truncate(end);
            }
        }
        self
    }

    /// Which step of which flow this is. Every form carries it: what was typed on a page that was left open is not taken for
    /// what another tab has begun since. 64 bits of a token that has 256: no way leads back to it.
    pub fn mark(&self) -> String {
        let mut flow = DefaultHasher::new();
        self.flow.iter().for_each(|token| token.expose().as_str().hash(&mut flow));
        format!("{:016x}.{}", flow.finish(), self.factor.as_ref().map_or("", FactorName::as_str))
    }

    /// Where it has gone on to, when the page that was sent is one of its earlier steps; its beginning, when the page is
    /// another flow's.
    pub fn elsewhere(&self, way: Way, sent: &str) -> Option<&'static str> {
        let mark = self.mark();
        if sent == mark {
            return None;
        }
        let same = self.flow.is_some() && sent.split('.').next() == mark.split('.').next();
        Some(match same {
            false => way.start(),
            true if self.choosing => self.page_to_choose(way),
            true => way.step(),
        })
    }

    /// Whether nothing is proven yet: where a message goes is said, masked, only after that.
    pub fn is_first(&self) -> bool {
        let asked = self.offers.iter().find(|offer| Some(&offer.factor) == self.factor.as_ref());
        asked.is_some_and(|offer| offer.hint.is_none() && Ask::of(&offer.factor).is_some_and(Ask::sends))
    }

    /// The page for the secret that is to be chosen: an old one that must be replaced has its own.
    pub fn page_to_choose(&self, way: Way) -> &'static str {
        match way {
            Way::SignIn if self.due.is_some() => "/sign-in/password",
            _ => way.choose(),
        }
    }
}

/// What somebody who recovers has lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lost {
    #[default]
    Password,
    Device,
    Both,
}

/// A refusal to be read on the next page.
#[derive(Clone, Debug)]
pub struct Told {
    pub why: Refusal,
    pub until: Option<Timestamp>,
}

/// All drafts.
#[derive(Clone, Debug, Default)]
pub struct Drafts(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    drafts: Recent<(String, Way), Draft>,
    news: Recent<String, News>,
    /// How fast somebody asks: what [`Rate::count`] keeps.
    paces: HashMap<String, i64>,
    /// In which session somebody does not want to be reminded any more: whose, and when it ends, which stays the same
    /// when it is renewed.
    quiet: HashMap<String, (AccountId, Timestamp)>,
}

impl Drafts {
    pub fn put(&self, browser: &str, way: Way, draft: Draft, now: Timestamp) {
        self.lock().drafts.put((browser.to_owned(), way), draft.shortened(), now);
    }

    pub fn get(&self, browser: &str, way: Way, now: Timestamp) -> Draft {
        self.lock().drafts.get(&(browser.to_owned(), way), now).map(|draft| draft.clone()).unwrap_or_default()
    }

    /// The draft, and its refusal for the one time that it is shown.
    pub fn read(&self, browser: &str, way: Way, now: Timestamp) -> (Draft, Option<Told>) {
        let mut kept = self.lock();
        let Some(draft) = kept.drafts.get(&(browser.to_owned(), way), now) else { return Default::default() };
        let told = draft.told.take();
        (draft.clone(), told)
    }

    pub fn forget(&self, browser: &str, way: Way) {
        self.lock().drafts.0.remove(&(browser.to_owned(), way));
    }

    /// Says something on the next page.
    pub fn say(&self, browser: &str, news: News, now: Timestamp) {
        self.lock().news.put(browser.to_owned(), news, now);
    }

    pub fn news(&self, browser: &str) -> Option<News> {
        self.lock().news.0.remove(browser).map(|(_, news)| news)
    }

    /// Whether somebody may ask once more.
    pub fn pace(&self, who: &str, rate: Rate, now: Timestamp) -> bool {
        let mut kept = self.lock();
        if kept.paces.len() >= MOST {
            let full = now.as_millis().saturating_mul(1000);
            kept.paces.retain(|_, full_at| *full_at > full);
        }
        if kept.paces.len() >= MOST && !kept.paces.contains_key(who) {
            return false;
        }
        rate.count(kept.paces.entry(who.to_owned()).or_default(), now) == Passed::Yes
    }

    /// Reminds of nothing more in this session.
    pub fn quiet(&self, browser: &str, session: &Session, now: Timestamp) {
        let mut kept = self.lock();
        if kept.quiet.len() >= MOST {
            kept.quiet.retain(|_, (_, ends)| now < *ends);
        }
        if kept.quiet.len() < MOST {
            kept.quiet.insert(browser.to_owned(), (session.account(), session.expires()));
        }
    }

    pub fn is_quiet(&self, browser: &str, session: &Session) -> bool {
        self.lock().quiet.get(browser) == Some(&(session.account(), session.expires()))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was put last, each for [`LIFE`] and at most [`MOST`].
#[derive(Debug)]
struct Recent<K, V>(HashMap<K, (Timestamp, V)>);

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Clone + Eq + Hash, V> Recent<K, V> {
    /// In the place of the oldest when it is full: who floods it costs others what they left lying, and nobody what they
    /// are about to do.
    fn put(&mut self, key: K, value: V, now: Timestamp) {
        if self.0.len() >= MOST && !self.0.contains_key(&key) {
            self.0.retain(|_, (at, _)| now.since(*at) < LIFE);
            let oldest = self.0.iter().min_by_key(|(_, (at, _))| *at).map(|(key, _)| key.clone());
            if let Some(oldest) = oldest.filter(|_| self.0.len() >= MOST) {
                self.0.remove(&oldest);
            }
        }
        self.0.insert(key, (now, value));
    }

    fn get(&mut self, key: &K, now: Timestamp) -> Option<&mut V> {
        let (at, value) = self.0.get_mut(key)?;
        (now.since(*at) < LIFE).then_some(value)
    }
}

const LIFE: Duration = Duration::from_secs(15 * 60);
const MOST: usize = 10_000;
/// Letters of what was typed: more than any name or address has, and less than a form may bring.
const TYPED: usize = 320;
