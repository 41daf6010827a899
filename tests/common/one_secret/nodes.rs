//! Two nodes over one store, and the people who have accounts there.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use propusk::clock::{Clock, Sleep, Timestamp};
use propusk::factor::backup_code::BackupCodes;
use propusk::factor::hotp::Hotp;
use propusk::factor::passkey::Passkey;
use propusk::factor::totp::Totp;
use propusk::id::{AccountId, FactorName};
use propusk::policy::HumanPolicy;
use propusk::policy::password::PasswordRules;
use propusk::store::{Rate, Store, Throttle};
use propusk::testing::FakeClock;
use propusk::{Approval, Auth, Client, Code, Link, Password, Profile, Site, Token, Visit};
use serde_json::json;

use super::USES;
use super::door::{Door, Open};
use super::meeting::{AtOnce, Meeting, Together};
use crate::portal::{ORIGIN, Outbox, WORD, cheap, done, pending, register, ring};
use crate::wire::{self, Line};

/// One clock for all nodes. It begins at the real time: a store with a clock of its own may drop what is past.
#[derive(Clone, Debug)]
struct Hands(Arc<FakeClock>);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

#[derive(Debug)]
struct Nap;

impl Sleep for Nap {
    fn sleep(&self, span: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(span))
    }
}

/// Keys and clock are shared, everything else is apart.
pub struct Nodes {
    pub nodes: [Auth; 2],
    pub meeting: Arc<Meeting>,
    pub outbox: Outbox,
    hands: Hands,
    /// One for each use, half of them to each node.
    lines: Vec<Arc<Line>>,
    people: AtomicUsize,
}

impl Nodes {
    pub async fn over<S: Store + Throttle + Clone>(stores: [S; 2]) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let hands = Hands(Arc::new(FakeClock::at(Timestamp::from_millis(i64::try_from(now).unwrap()))));
        Self::asking(stores, HumanPolicy::NONE, hands).await
    }

    /// Others over the same store and by the same clock, which pose a puzzle before they begin something.
    pub async fn that_ask<S: Store + Throttle + Clone>(&self, stores: [S; 2], human: HumanPolicy) -> Self {
        Self::asking(stores, human, self.hands.clone()).await
    }

    async fn asking<S: Store + Throttle + Clone>(stores: [S; 2], human: HumanPolicy, hands: Hands) -> Self {
        let (meeting, outbox) = (Arc::new(Meeting::new()), Outbox::default());
        let nodes = stores.map(|store| node(store, human, &meeting, &hands, &outbox));
        let mut lines = Vec::new();
        let addresses = [wire::serve(&nodes[0]).await, wire::serve(&nodes[1]).await];
        for nth in 0..USES {
            lines.push(Arc::new(Line::to(addresses[nth % 2]).await));
        }
        Self { nodes, meeting, outbox, hands, lines, people: AtomicUsize::new(0) }
    }

    /// The way of the nth use: of the two uses of each flow one goes through each node, and one over HTTP; of two flows
    /// that follow each other the other way round.
    pub fn door(&self, nth: usize) -> Door {
        let http = nth.div_ceil(2) % 2 == 1;
        Door::new(&self.nodes[nth % 2], http.then(|| Arc::clone(&self.lines[nth])))
    }

    pub fn visit(&self, nth: usize) -> Visit {
        self.nodes[nth % 2].visit(Client::unknown())
    }

    pub fn now(&self) -> Timestamp {
        self.hands.now()
    }

    pub fn later(&self) {
        // Longer than any step of a code, and than what a session is written down for.
        self.hands.0.advance(Duration::from_secs(301));
    }

    /// Of several over one store, each with people of its own.
    pub fn counts_from(&self, first: usize) {
        self.people.store(first, Ordering::SeqCst);
    }

    /// A number that nobody has.
    pub fn number(&self) -> String {
        format!("+7916{:07}", self.people.fetch_add(1, Ordering::SeqCst))
    }

    /// The code that was sent last.
    pub async fn code(&self) -> String {
        self.outbox.code(&self.nodes[0]).await
    }
}

fn node<S: Store + Throttle + Clone>(
    store: S,
    human: HumanPolicy,
    meeting: &Arc<Meeting>,
    hands: &Hands,
    outbox: &Outbox,
) -> Auth {
    // In ten thousand rounds months pass: neither a session nor a password is to grow old meanwhile.
    let mut rules = PasswordRules::public_portal();
    rules.max_age = None;
    let mut profile = Profile::public_portal().with_password_policy(rules);
    let long = Duration::from_secs(10 * 365 * 24 * 3600);
    (profile.sessions.idle, profile.sessions.absolute) = (long, long);
    (profile.retention.sign_ins, profile.retention.changes) = (None, None);
    if let Some(trust) = &mut profile.trust {
        trust.life = long;
    }
    profile.human = human;
    // All come from one address, and are not slowed down for it.
    let any = Rate { uses: u32::MAX, per: Duration::from_secs(1) };
    (profile.recipient_rate, profile.network_rate, profile.message_rate) = (any, any, any);
    profile.suspicion.accounts = any;
    let mut hashing = cheap();
    hashing.queue = 4 * USES;
    Auth::builder(profile, store.clone(), ring())
        .site(Site::new("Portal", ORIGIN))
        .throttle(store)
        .hashing(hashing)
        .clock(hands.clone())
        .sleep(Nap)
        .human(Together(Arc::clone(meeting)))
        .sender(outbox.clone())
        .factor(AtOnce::enrolled(Password::default(), meeting))
        .factor(AtOnce::new(Code::sms(), meeting))
        .factor(AtOnce::new(Code::email(), meeting))
        .factor(AtOnce::new(Link::at("/link"), meeting))
        .factor(AtOnce::enrolled(Totp::default(), meeting))
        .factor(AtOnce::new(Hotp::default(), meeting))
        .factor(AtOnce::enrolled(BackupCodes::of(16).unwrap(), meeting))
        .factor(AtOnce::enrolled(Passkey::default(), meeting))
        .factor(AtOnce::enrolled(Approval::default(), meeting))
        .build()
        .unwrap()
}

/// Somebody whose secrets are used up.
pub struct Person {
    pub nodes: Arc<Nodes>,
    pub name: String,
    pub session: Token,
    /// Another session of theirs, by which they answer for this one.
    pub beside: Option<Token>,
    pub account: AccountId,
    /// By which a message reaches them.
    by: FactorName,
}

impl Person {
    /// With an e-mail address, where the factor needs one, and a phone else.
    pub async fn new(nodes: &Arc<Nodes>, factor: &FactorName) -> Self {
        let number = nodes.number();
        let mail = FactorName::new("email-code");
        let (name, by) = match *factor == mail || *factor == Link::NAME {
            true => (format!("person{}@example.org", &number[5..]), mail),
            false => (number, FactorName::new("sms-code")),
        };
        let visit = nodes.visit(0);
        let done = register(&nodes.nodes[0], &nodes.outbox, &visit, &name, Password::word(WORD)).await;
        let account = done.session.account();
        Self { nodes: Arc::clone(nodes), name, session: done.token, beside: None, account, by }
    }

    /// How many sessions they have.
    pub fn sessions(&self) -> usize {
        1 + usize::from(self.beside.is_some())
    }

    /// A session beside the first, and what the browser is known by, where it is to be trusted.
    pub async fn sign_in(&mut self, trust: bool) -> Option<Token> {
        let visit = self.nodes.nodes[0].visit(Client::unknown().trusting(trust));
        let next = pending(visit.sign_in().with(&self.name, Password::word(WORD)).await.unwrap());
        let next = pending(visit.begin(&next.flow, &self.by).await.unwrap());
        let code = Code::typed(self.by.clone(), &self.nodes.code().await);
        let done = done(visit.answer(&next.flow, code).await.unwrap());
        self.session = done.token;
        self.nodes.later();
        done.browser
    }

    /// A flow in which a new credential is begun: everything that it takes is proven.
    pub async fn may_enrol(&self, door: &Door, factor: &FactorName) -> Open {
        let open = door.enrol(&self.session, factor).await.pending();
        let open = door.answer(&open, &Password::NAME, &word()).await.pending();
        let open = door.begin(&open, &self.by).await.pending();
        let code = json!({ "code": self.nodes.code().await }).to_string();
        let open = door.answer(&open, &self.by, &code).await.pending();
        assert_eq!(open.duty.as_deref(), Some("enrol"));
        open
    }

    /// A new credential; `confirm` makes its confirmation of what the client was shown.
    pub async fn enrol(&mut self, factor: &FactorName, confirm: impl FnOnce(&serde_json::Value) -> String) {
        let door = self.nodes.door(0);
        let mut open = self.may_enrol(&door, factor).await;
        if *factor != Approval::NAME {
            open = door.begin(&open, factor).await.pending();
        }
        let confirmed = confirm(&open.prompt.clone().unwrap_or_default());
        self.session = door.answer(&open, factor, &confirmed).await.done();
        // What was proven for it is no longer new.
        self.nodes.later();
    }
}

/// The password, as it is answered.
pub fn word() -> String {
    json!({ "password": WORD }).to_string()
}
