//! Nodes over one store, in memory or in a file, on a clock that stands still.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use propusk::auth::Builder;
use propusk::clock::SystemEntropy;
use propusk::error::{Broken, FactorError};
use propusk::factor::{self, Credential, Enrol, EnrolPlugin, Enrolled, Reason, Verdict};
use propusk::flow::Done;
use propusk::hash::{HashPool, HashSettings, Hashed, Lane, Phc};
use propusk::id::FactorName;
use propusk::proof::{Channel, Proves};
use propusk::secret::{Key, Secret};
use propusk::store::sqlite::SqliteStore;
use propusk::store::{Store, Throttle};
use propusk::testing::GatedStore;
use propusk::{
    Answer, Auth, BackupCodes, Client, Code, Factor, KeyRing, MemoryStore, Password, Profile, Site, Step,
    Totp,
};
use serde::{Deserialize, Serialize};

use crate::portal::{ORIGIN, Outbox, WORD, Watch, done, pending};

pub(crate) const PHONE: &str = "+79161234567";
pub(crate) const EMAIL: &str = "ivan@example.org";
pub(crate) const NEW_WORD: &str = "Совсем другие слова 9";
pub(crate) const SMS: FactorName = FactorName::new("sms-code");
pub(crate) const MAIL: FactorName = FactorName::new("email-code");

/// Runs a block on a fresh world, once with a store in memory and once with one in a file.
macro_rules! each_store {
    (|$world:ident, $store:ident| $body:block) => {{
        {
            let $world = $crate::world::World::new();
            let $store = ::propusk::MemoryStore::default();
            $body
        }
        {
            let $world = $crate::world::World::new();
            let $store = $world.file_store();
            $body
        }
    }};
}
pub(crate) use each_store;

/// What all nodes of one test share.
pub(crate) struct World {
    pub(crate) profile: Profile,
    pub(crate) hashing: HashSettings,
    pub(crate) outbox: Outbox,
    pub(crate) watch: Watch,
    dir: PathBuf,
}

impl World {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("propusk-attacks-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir(&dir).unwrap();
        let mut profile = Profile::nist_aal1();
        profile.recipient_rate.uses = 1000;
        let mut hashing = propusk::danger::fast_hashing();
        hashing.workers = 1;
        hashing.queue = 256;
        Self { profile, hashing, outbox: Outbox::default(), watch: Watch::new(), dir }
    }

    /// The same with two factors for a session.
    pub(crate) fn portal() -> Self {
        Self::new().two_factors()
    }

    pub(crate) fn two_factors(mut self) -> Self {
        self.profile = Profile::public_portal();
        self.profile.recipient_rate.uses = 1000;
        self
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.dir.join("auth.db")
    }

    pub(crate) fn file_store(&self) -> SqliteStore {
        SqliteStore::open(self.file()).unwrap()
    }

    pub(crate) fn builder(&self, store: impl Store) -> Builder {
        Auth::builder(self.profile.clone(), store, ring())
            .site(Site::new("Portal", ORIGIN))
            .hashing(self.hashing.clone())
            .clock(self.watch.clone())
            .sender(self.outbox.clone())
            .factor(Password::default())
            .factor(Code::sms())
            .factor(Code::email())
    }

    pub(crate) fn node(&self, store: impl Store) -> Auth {
        self.builder(store).build().unwrap()
    }

    /// A node with second factors beside codes by message.
    pub(crate) fn second(&self, store: impl Store) -> Auth {
        self.builder(store).factor(Totp::default()).factor(BackupCodes::default()).build().unwrap()
    }

    pub(crate) fn minutes(&self, minutes: u64) {
        self.watch.forward(Duration::from_secs(60 * minutes));
    }

    /// Registers somebody with this contact and password.
    pub(crate) async fn register(&self, auth: &Auth, contact: &str, word: &str) -> Box<Done> {
        self.register_with(auth, contact, Password::word(word)).await
    }

    pub(crate) async fn register_with(&self, auth: &Auth, contact: &str, secret: Answer) -> Box<Done> {
        let visit = auth.visit(Client::unknown());
        let next = pending(visit.sign_up(contact, "Иван Петров", "2026-01").await.unwrap());
        let (factor, _) = next.begun.clone().unwrap();
        let code = self.outbox.code(auth).await;
        let next = pending(visit.answer(&next.flow, Code::typed(factor, &code)).await.unwrap());
        done(visit.answer(&next.flow, secret).await.unwrap())
    }

    /// Registers [`PHONE`] with [`WORD`].
    pub(crate) async fn person(&self, auth: &Auth) -> Box<Done> {
        self.register(auth, PHONE, WORD).await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// A store that another node can open, too.
pub(crate) trait Shared: Store + Throttle + Clone {
    fn again(&self, world: &World) -> Self;
}

impl Shared for MemoryStore {
    fn again(&self, _: &World) -> Self {
        self.clone()
    }
}

impl Shared for SqliteStore {
    /// Another process's handle: connections and caches of its own.
    fn again(&self, world: &World) -> Self {
        world.file_store()
    }
}

/// The same keys on each node.
pub(crate) fn ring() -> KeyRing {
    let key = |from: u8| Key::from_bytes(&std::array::from_fn::<u8, 32, _>(|at| from + at as u8)).unwrap();
    KeyRing::new(key(1), key(101))
}

/// A sign-in by password, from a browser that nobody knows.
pub(crate) async fn try_word(auth: &Auth, name: &str, word: &str) -> Step {
    auth.visit(Client::unknown()).sign_in().with(name, Password::word(word)).await.unwrap()
}

/// How a step ended, in a word.
pub(crate) fn said(step: &Step) -> &'static str {
    match step {
        Step::Done(_) => "done",
        Step::Pending(_) => "pending",
        Step::Refused(why) => why.code.as_str(),
    }
}

/// [`try_word`] in a word.
pub(crate) async fn told(auth: &Auth, name: &str, word: &str) -> &'static str {
    said(&try_word(auth, name, word).await)
}

/// Spends all free guesses: six wrong words, the last of which begins the hold.
pub(crate) async fn get_held(auth: &Auth, name: &str) {
    for _ in 0..5 {
        assert_eq!(told(auth, name, "wrong").await, "wrong");
    }
    assert_eq!(told(auth, name, "wrong").await, "held");
}

/// Another code of the same length.
pub(crate) fn other(code: &str) -> String {
    code.chars().map(|c| if c == '9' { '0' } else { char::from(c as u8 + 1) }).collect()
}

/// Starts that many at once. They are all behind the gate before the first goes on.
pub(crate) async fn race<S: Store, T: Send + 'static, F>(
    gates: &[GatedStore<S>],
    parties: usize,
    run: impl Fn(usize) -> F,
) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..parties).map(|at| tokio::spawn(run(at))).collect();
    while gates.iter().any(|gate| gate.held() == 0) {
        assert!(!tasks.iter().all(|task| task.is_finished()), "nobody met at the gate");
        tokio::task::yield_now().await;
    }
    gates.iter().for_each(GatedStore::open);
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

/// Stands in the one worker of a hash pool until it is pulled: nothing is hashed meanwhile.
pub(crate) struct Plug {
    hold: Arc<Hold>,
    _job: Pin<Box<dyn Future<Output = Result<Hashed<Phc>, Broken>>>>,
}

#[derive(Default)]
struct Hold {
    pulled: Mutex<bool>,
    changed: Condvar,
}

impl Wake for Hold {
    // Runs on the worker's thread.
    fn wake(self: Arc<Self>) {
        let pulled = self.pulled.lock().unwrap();
        drop(self.changed.wait_while(pulled, |pulled| !*pulled).unwrap());
    }
}

impl Plug {
    pub(crate) fn into(auth: &Auth) -> Self {
        for _ in 0..1000 {
            let (pool, hold) = (auth.hashes().clone(), Arc::new(Hold::default()));
            let before = pool.computed();
            let mut job: Pin<Box<dyn Future<Output = _>>> = Box::pin(async move {
                pool.hash(Lane::Stranger, Secret::text("a plug".to_owned()), &SystemEntropy).await
            });
            let waker = Waker::from(hold.clone());
            match job.as_mut().poll(&mut Context::from_waker(&waker)) {
                // The worker was faster than this thread: once more.
                Poll::Ready(_) => {}
                Poll::Pending => {
                    while auth.hashes().computed() == before {
                        std::thread::yield_now();
                    }
                    return Self { hold, _job: job };
                }
            }
        }
        panic!("a password is hashed on the thread of the caller");
    }

    pub(crate) fn pull(&self) {
        *self.hold.pulled.lock().unwrap() = true;
        self.hold.changed.notify_all();
    }
}

impl Drop for Plug {
    fn drop(&mut self) {
        self.pull();
    }
}

/// An application's own factor, so that there can be an account without a password.
#[derive(Debug)]
pub(crate) struct Pin6;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Digits {
    pin: String,
}

impl Pin6 {
    pub(crate) fn typed(pin: &str) -> Answer {
        Answer::wire(FactorName::new("pin"), serde_json::to_vec(&Digits { pin: pin.to_owned() }).unwrap())
    }
}

impl Factor for Pin6 {
    type Data = Digits;
    type State = ();
    type Answer = Digits;

    fn name(&self) -> FactorName {
        FactorName::new("pin")
    }

    fn could_prove(&self, _: Option<&Digits>) -> Proves {
        Proves::by(Channel::Mind).knowledge().memorised()
    }

    async fn answer(
        &self,
        _: &factor::Context<'_>,
        mine: &[Credential<Digits>],
        (): (),
        answer: Digits,
    ) -> Result<Verdict<Digits>, FactorError> {
        Ok(match mine.iter().find(|one| one.data.pin == answer.pin) {
            Some(one) => Verdict::Accept { credential: one.id, proved: self.could_prove(None), change: None },
            None => Verdict::refuse(Reason::Wrong),
        })
    }

    fn decoy(&self, _: &HashPool, seed: [u8; 32]) -> Option<Digits> {
        Some(Digits { pin: format!("{seed:?}") })
    }

    fn enrolment(&self) -> Option<&dyn EnrolPlugin> {
        Some(self)
    }
}

impl Enrol for Pin6 {
    type Proposal = ();
    type Confirm = Digits;

    async fn confirm(
        &self,
        _: &factor::Context<'_>,
        _: &[Credential<Digits>],
        (): (),
        answer: Digits,
    ) -> Result<Enrolled<Digits>, FactorError> {
        Ok(Enrolled::Add { data: answer, handles: Vec::new(), proved: self.could_prove(None) })
    }
}
