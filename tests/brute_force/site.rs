//! Two nodes over one store, each behind a socket and a proxy, with an owner whose codes are guessed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use propusk::axum::{AuthHttp, TrustedProxies};
use propusk::clock::Clock;
use propusk::id::FactorName;
use propusk::store::{Rate, Store, Throttle};
use propusk::testing::{Fault, FaultyStore};
use propusk::{Auth, BackupCodes, Client, Code, Hotp, Password, Profile, Token, Totp};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::CONNECTIONS;
use crate::evaluated::Evaluated;
use crate::guesser::Class;
use crate::otp::{add_codes, add_totp, hotp, no_code, step, totp};
use crate::portal::{
    EMAIL, Hands, NEW_WORD, ORIGIN, Outbox, PHONE, WORD, cheap, done, pending, register, ring,
};
use crate::wire::{Line, listen};

/// What is guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codes {
    Sms,
    Email,
    Totp,
    Hotp,
    Backup,
}

/// Of the token.
const KEY: &[u8] = b"12345678901234567890";

/// Whose word on addresses is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proxies {
    /// The proxy's, on what it saw itself.
    Right,
    /// Anybody's: each request has the address that it claims to have.
    BelieveAnybody,
}

/// Opens the store, once more at each start.
pub(crate) trait Home: Fn() -> Self::Store {
    type Store: Store + Throttle + Clone;
}

impl<S: Store + Throttle + Clone, F: Fn() -> S> Home for F {
    type Store = S;
}

pub(crate) struct Site<H: Home> {
    pub(crate) codes: Codes,
    pub(crate) hands: Hands,
    pub(crate) outbox: Outbox,
    pub(crate) proxies: Proxies,
    home: H,
    count: Arc<AtomicUsize>,
    pub(crate) nodes: Vec<Node<H::Store>>,
    /// One message is sent at a time, so that each guesser knows which code is theirs not to say.
    pub(crate) sending: Mutex<()>,
    /// The owner's.
    pub(crate) browser: Token,
    key: String,
    backup: Vec<String>,
    /// Backup codes of somebody else: as well formed as any.
    others: Vec<String>,
}

pub(crate) struct Node<S> {
    pub(crate) auth: Auth,
    pub(crate) faulty: FaultyStore<S>,
    pub(crate) lines: Vec<Line>,
}

impl<H: Home> Site<H> {
    pub(crate) async fn new(codes: Codes, proxies: Proxies, home: H) -> Self {
        let (hands, outbox, count) = (Hands::default(), Outbox::default(), Arc::new(AtomicUsize::new(0)));
        let auth = build(home(), &hands, &outbox, &count);
        let owner = auth.visit(Client::unknown());
        let name = if codes == Codes::Email { EMAIL } else { PHONE };
        let mut mine = register(&auth, &outbox, &owner, name, Password::word(WORD)).await;
        let mut browser = mine.browser.take().unwrap();
        let message = async || outbox.code(&auth).await;
        let (mut key, mut backup, mut others) = (String::new(), Vec::new(), Vec::new());
        match codes {
            Codes::Sms | Codes::Email => {}
            Codes::Hotp => {
                let token = propusk::factor::hotp::Token::new(KEY, 6, 0).unwrap();
                let account = mine.session.account();
                Hotp::assign(&auth, account, &token, &Client::unknown()).await.unwrap();
                // It forgot all browsers.
                let flow = pending(owner.sign_in().with(name, Password::word(WORD)).await.unwrap()).flow;
                mine = done(owner.answer(&flow, Hotp::code(&hotp(KEY, 0))).await.unwrap());
                browser = mine.browser.take().unwrap();
            }
            Codes::Totp => (key, _) = add_totp(&owner, &mine.token, WORD, hands.now(), message).await,
            Codes::Backup => {
                (backup, _) = add_codes(&owner, &mine.token, WORD, message).await;
                let word = Password::word(NEW_WORD);
                let other = register(&auth, &outbox, &owner, "+79160000001", word).await;
                let message = async || outbox.code(&auth).await;
                (others, _) = add_codes(&owner, &other.token, NEW_WORD, message).await;
            }
        }
        hands.advance(120);
        let (nodes, sending) = (Vec::new(), Mutex::new(()));
        count.store(0, Ordering::SeqCst);
        let mut site =
            Self { codes, hands, outbox, proxies, home, count, nodes, sending, browser, key, backup, others };
        site.restart().await;
        site
    }

    /// All processes end, and two others begin.
    pub(crate) async fn restart(&mut self) {
        self.nodes.clear();
        for _ in 0..2 {
            let faulty = FaultyStore::new((self.home)());
            let auth = build(faulty.clone(), &self.hands, &self.outbox, &self.count);
            let trusted: &[&str] = match self.proxies {
                Proxies::Right => &["127.0.0.1"],
                Proxies::BelieveAnybody => &["0.0.0.0/0", "::/0"],
            };
            let trusted = TrustedProxies::x_forwarded_for(trusted).unwrap();
            let http = AuthHttp::builder(auth.clone()).trusted_proxies(trusted);
            let address = listen(http.build().unwrap().router()).await;
            let mut lines = Vec::new();
            for _ in 0..CONNECTIONS / 2 {
                lines.push(Line::to(address).await);
            }
            self.nodes.push(Node { auth, faulty, lines });
        }
    }

    /// How often a factor has looked at a code.
    pub(crate) fn evaluated(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    pub(crate) fn factor(&self) -> FactorName {
        match self.codes {
            Codes::Sms => FactorName::new("sms-code"),
            Codes::Email => FactorName::new("email-code"),
            Codes::Totp => Totp::NAME,
            Codes::Hotp => Hotp::NAME,
            Codes::Backup => BackupCodes::NAME,
        }
    }

    /// A sign-in up to where the code is asked for, by the nth spelling of the name.
    pub(crate) fn beginning(&self, nth: usize) -> Value {
        let phones =
            [PHONE, "8 (916) 123-45-67", "+7 916 123 45 67", "８９１６１２３４５６７", "8-916-123-45-67"];
        let mails =
            [EMAIL, "Ivan@Example.org", " ivan@example.org ", "ivan@ｅxample.org", "ivan@example。org"];
        let name = if self.codes == Codes::Email { mails } else { phones }[nth % 5];
        match self.begins() {
            true => json!({ "identifier": name }),
            // Who guesses a second factor knows the first.
            false => {
                json!({ "identifier": name, "factor": "password", "answer": { "password": WORD } })
            }
        }
    }

    /// Whether a message is sent first.
    pub(crate) fn begins(&self) -> bool {
        matches!(self.codes, Codes::Sms | Codes::Email)
    }

    /// A code that is not right, in the nth spelling; `sent` is the one that is.
    pub(crate) fn wrong(&self, nth: usize, sent: &str) -> String {
        let code = match self.codes {
            Codes::Sms | Codes::Email => other(sent),
            Codes::Totp => no_code(&self.key, self.hands.now()),
            Codes::Hotp => {
                let near: Vec<_> = (0..8).map(|counter| hotp(KEY, counter)).collect();
                (nth..).map(|n| format!("{n:06}")).find(|code| !near.contains(code)).unwrap()
            }
            Codes::Backup => self.others[nth % self.others.len()].clone(),
        };
        spelled(&code, nth)
    }

    fn right(&self, sent: &str) -> String {
        match self.codes {
            Codes::Sms | Codes::Email => sent.to_owned(),
            Codes::Totp => totp(&self.key, step(self.hands.now())),
            Codes::Hotp => hotp(KEY, 1),
            Codes::Backup => self.backup[3].clone(),
        }
    }

    /// The owner with the right code, from a browser of this class: how it ends.
    pub(crate) async fn owner(&self, class: Class) -> String {
        let (mut flow, sent) = self.open(0, class, None).await.unwrap();
        let code = self.right(&sent);
        self.answer(0, class, &mut flow, &code).await
    }

    /// The owner from their own browser. The commit of the right code fails at first, and nothing was accepted then: the
    /// same code is good after it.
    pub(crate) async fn owner_after_a_broken_commit(&self) -> String {
        let (mut flow, sent) = self.open(0, Class::Known, None).await.unwrap();
        let code = self.right(&sent);
        let faulty = &self.nodes[0].faulty;
        // Each call that an acceptance makes fails once, and the last of them is its commit.
        for nth in 0.. {
            faulty.plan(nth, Fault::FailsBefore);
            let end = self.answer(0, Class::Known, &mut flow, &code).await;
            faulty.mend();
            if end != "unavailable" {
                assert!(nth > 2, "{nth} calls failed");
                return end;
            }
        }
        "never".to_owned()
    }
}

fn build<S: Store + Throttle + Clone>(
    store: S,
    hands: &Hands,
    outbox: &Outbox,
    count: &Arc<AtomicUsize>,
) -> Auth {
    let mut profile = Profile::public_portal();
    // The guard alone is to hold: who sends from many networks, and waits, passes the throttles.
    profile.recipient_rate = Rate { uses: u32::MAX, per: Duration::from_secs(1) };
    let mut hashing = cheap();
    hashing.queue = 4 * CONNECTIONS;
    let counted = || Arc::clone(count);
    Auth::builder(profile, store.clone(), ring())
        .site(propusk::Site::new("Portal", ORIGIN))
        .throttle(store)
        .hashing(hashing)
        .clock(hands.clone())
        .sender(outbox.clone())
        .factor(Password::default())
        .factor(Evaluated(Code::sms(), counted()))
        .factor(Evaluated(Code::email(), counted()))
        .factor(Evaluated(Totp::default(), counted()))
        .factor(Evaluated(Hotp::default(), counted()))
        .factor(Evaluated(BackupCodes::default(), counted()))
        .build()
        .unwrap()
}

/// Another code of the same length.
fn other(code: &str) -> String {
    code.chars().map(|c| if c == '9' { '0' } else { char::from(c as u8 + 1) }).collect()
}

fn spelled(code: &str, nth: usize) -> String {
    let wide = |c: char| char::from_u32(c as u32 + 0xfee0).filter(|_| c.is_ascii_digit()).unwrap_or(c);
    match nth % 4 {
        0 => code.to_owned(),
        1 => code.chars().map(wide).collect(),
        2 => format!("{} {}", &code[..3], &code[3..]),
        _ => format!(" {}-{} ", &code[..2], &code[2..]),
    }
}
