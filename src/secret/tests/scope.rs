//! ATTACKS 21, 23 to 25, 37, 61, 62, 64, 89, and DESIGN's rule 3: each kind of secret that a client is ever handed,
//! offered at each door that takes one, of its owner and of somebody else. Only the diagonal lets in.
//!
//! The kinds come from [`Purpose`] by a `match` without a wildcard, the doors from the kinds: neither a new purpose nor a
//! new kind compiles without its row.

use ::axum::body::Body;
use ::axum::http::{Request, header};
use ::axum::routing::get;
use tower::ServiceExt;

use super::*;
use crate::axum::{AuthHttp, FormFields, TokenForm, Visitor};
use crate::flow::{Posted, Refreshed, Step};
use crate::{
    Answer, Approval, Auth, BackupCodes, Client, Code, MemoryStore, Password, Profile, Token, Totp, Visit,
};
use otp::{add_codes, add_totp, step, totp};
use portal::{Hands, ORIGIN, Outbox, done, pending, portal, register};

#[path = "../../../tests/common/otp.rs"]
mod otp;
#[path = "../../../tests/common/portal.rs"]
mod portal;

/// What a client may hold, and the door that it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Session,
    Refresh,
    Flow,
    Binding,
    Browser,
    Mailbox,
    FormToken,
    Password,
    SmsCode,
    EmailCode,
    TotpCode,
    BackupCode,
    Objection,
}

/// What a client is handed, or chooses, for a purpose.
const fn handed(purpose: Purpose) -> &'static [Kind] {
    match purpose {
        Purpose::Session => &[Kind::Session],
        Purpose::Refresh => &[Kind::Refresh],
        Purpose::Flow => &[Kind::Flow],
        Purpose::Binding => &[Kind::Binding],
        Purpose::Browser => &[Kind::Browser],
        Purpose::Mailbox => &[Kind::Mailbox],
        Purpose::FormToken => &[Kind::FormToken],
        Purpose::Code => &[Kind::SmsCode, Kind::EmailCode],
        Purpose::Credential => &[Kind::Password, Kind::TotpCode, Kind::BackupCode],
        Purpose::Objection => &[Kind::Objection],
        // Its answer is work, not a secret: tests/human.rs offers it to other purposes, clients and realms.
        Purpose::Puzzle => &[],
        // Keys and places of rows: nobody outside has one in hand.
        Purpose::Once
        | Purpose::Lookup
        | Purpose::Guard
        | Purpose::Identifier
        | Purpose::Contact
        | Purpose::Account
        | Purpose::Event
        | Purpose::Message
        | Purpose::FlowState
        | Purpose::Decoy
        | Purpose::Canary
        | Purpose::Throttle
        | Purpose::DataKey
        | Purpose::Receipt => &[],
    }
}

const SMS: FactorName = FactorName::new("sms-code");
const MAIL: FactorName = FactorName::new("email-code");

/// A form of the application's own.
#[derive(serde::Deserialize)]
struct Form {}

impl FormFields for Form {
    const PURPOSE: &'static str = "form";
}

struct World {
    auth: Auth,
    outbox: Outbox,
    hands: Hands,
    router: ::axum::Router,
}

/// Somebody with everything, and sign-ins of theirs that are half done: all in one browser.
struct Owner {
    phone: String,
    word: String,
    session: Token,
    refresh: Token,
    binding: Token,
    browser: Token,
    key: String,
    backup: Vec<String>,
    /// After their password: by phone, and by an account of theirs with an e-mail address.
    flow: Token,
    sms: (Token, String),
    mail: (Token, String),
    mailbox: String,
    form: String,
    objection: String,
}

impl World {
    fn new() -> Self {
        let (hands, outbox) = (Hands::default(), Outbox::default());
        let auth = portal(&MemoryStore::default(), Profile::public_portal())
            .clock(hands.clone())
            .sender(outbox.clone())
            .factor(Password::default())
            .factor(Code::sms())
            .factor(Code::email())
            .factor(Totp::default())
            .factor(BackupCodes::default())
            .factor(Approval::default())
            .build()
            .unwrap();
        let show = async |visitor: Visitor| visitor.form_token::<Form>();
        let post = async |_: TokenForm<Form>| "taken";
        let router = ::axum::Router::new()
            .route("/form", get(show).post(post))
            .with_state(AuthHttp::new(auth.clone()).unwrap());
        Self { auth, outbox, hands, router }
    }

    async fn code(&self) -> String {
        self.outbox.code(&self.auth).await
    }

    async fn owner(&self, nth: u8) -> Owner {
        let (phone, word) = (format!("+791600000{nth:02}"), format!("Лошадь батарея скрепка {nth}"));
        let mail = format!("person{nth}@example.org");
        let binding = self.auth.random_token().unwrap();
        let visit = self.auth.visit(Client::unknown().bound_by(binding.clone()).refreshing(true));
        let _ = register(&self.auth, &self.outbox, &visit, &mail, Password::word(&word)).await;
        let mut mine = register(&self.auth, &self.outbox, &visit, &phone, Password::word(&word)).await;
        let browser = mine.browser.take().unwrap();
        let now = self.auth.now();
        let (key, mine) = add_totp(&visit, &mine.token, &word, now, async || self.code().await).await;
        self.hands.advance(90);
        let (backup, mine) = add_codes(&visit, &mine.token, &word, async || self.code().await).await;
        self.hands.advance(90);
        let next = pending(visit.enrol(&mine.token, Approval::NAME).await.unwrap());
        let next = pending(visit.answer(&next.flow, Password::word(&word)).await.unwrap());
        let next = pending(visit.begin(&next.flow, &SMS).await.unwrap());
        let proof = Code::typed(SMS, &self.code().await);
        let next = pending(visit.answer(&next.flow, proof).await.unwrap());
        let mut mine = done(visit.answer(&next.flow, Approval::poll()).await.unwrap());
        let (session, refresh) = (mine.token.clone(), mine.refresh.take().unwrap());

        let half_way = async |name: &str, factor: Option<&FactorName>| {
            let next = pending(visit.sign_in().with(name, Password::word(&word)).await.unwrap());
            let Some(factor) = factor else { return (next.flow, String::new()) };
            let next = pending(visit.begin(&next.flow, factor).await.unwrap());
            (next.flow.clone(), next.begun.as_ref().unwrap().1.as_json().to_owned())
        };
        let (flow, _) = half_way(&phone, None).await;
        let sms = (half_way(&phone, Some(&SMS)).await.0, self.code().await);
        let mail = (half_way(&mail, Some(&MAIL)).await.0, self.code().await);
        let (_, asked) = half_way(&phone, Some(&Approval::NAME)).await;
        let asked: serde_json::Value = serde_json::from_str(&asked).unwrap();
        let mailbox = asked["mailbox"].as_str().unwrap().to_owned();
        let form = self.http(Request::get("/form"), &session, String::new()).await.unwrap();
        let next = pending(visit.recover().start(&phone).await.unwrap());
        let next = pending(visit.answer(&next.flow, Code::typed(SMS, &self.code().await)).await.unwrap());
        assert!(matches!(visit.wait(&next.flow).await.unwrap(), Step::Refused(_)));
        let told = self.outbox.all(&self.auth).await;
        let link =
            told.iter().rev().find_map(|message| message.param("objection").map(str::to_owned)).unwrap();
        let objection = link.split_once("?o=").unwrap().1.to_owned();
        Owner {
            phone,
            word,
            session,
            refresh,
            binding,
            browser,
            key,
            backup,
            flow,
            sms,
            mail,
            mailbox,
            form,
            objection,
        }
    }

    /// What a page answers with, where it does not refuse.
    async fn http(
        &self,
        request: ::axum::http::request::Builder,
        session: &Token,
        body: String,
    ) -> Option<String> {
        let peer = std::net::SocketAddr::from(([192, 0, 2, 1], 4000));
        let request = request
            .extension(::axum::extract::ConnectInfo(peer))
            .header(header::ORIGIN, ORIGIN)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::COOKIE, format!("__Host-propusk={}", session.expose().as_str()))
            .body(Body::from(body))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let good = response.status().is_success();
        let body = ::axum::body::to_bytes(response.into_body(), 1 << 16).await.unwrap();
        good.then(|| String::from_utf8(body.to_vec()).unwrap())
    }

    fn visit(&self, binding: &Token) -> Visit {
        self.auth.visit(Client::unknown().bound_by(binding.clone()))
    }

    async fn ends(&self, flow: &Token, answer: Answer, binding: &Token) -> bool {
        matches!(self.visit(binding).answer(flow, answer).await.unwrap(), Step::Done(_))
    }

    /// The secret of a kind, as its owner has it.
    fn secret(&self, kind: Kind, owner: &Owner) -> String {
        let token = |token: &Token| token.expose().as_str().to_owned();
        match kind {
            Kind::Session => token(&owner.session),
            Kind::Refresh => token(&owner.refresh),
            Kind::Flow => token(&owner.flow),
            Kind::Binding => token(&owner.binding),
            Kind::Browser => token(&owner.browser),
            Kind::Mailbox => owner.mailbox.clone(),
            Kind::FormToken => owner.form.clone(),
            Kind::Password => owner.word.clone(),
            Kind::SmsCode => owner.sms.1.clone(),
            Kind::EmailCode => owner.mail.1.clone(),
            Kind::TotpCode => totp(&owner.key, step(self.auth.now())),
            Kind::BackupCode => owner.backup[0].clone(),
            Kind::Objection => owner.objection.clone(),
        }
    }

    /// Offers a text where a secret of this kind opens something of the owner's, with everything else in place. Whether
    /// it did.
    async fn offer(&self, door: Kind, owner: &Owner, text: &str) -> bool {
        let now = || Totp::code(&totp(&owner.key, step(self.auth.now())));
        let parsed = Token::parse(text);
        match (door, parsed) {
            (Kind::Session | Kind::Refresh | Kind::Flow | Kind::Binding | Kind::Browser, None) => false,
            (Kind::Session, Some(token)) => {
                let mine = self.auth.session(&owner.session).await.unwrap().unwrap().account();
                self.auth.session(&token).await.unwrap().is_some_and(|found| found.account() == mine)
            }
            (Kind::Refresh, Some(token)) => {
                let mine = self.auth.session(&owner.session).await.unwrap().unwrap().account();
                let end = self.auth.visit(Client::unknown()).refresh(&token).await.unwrap();
                matches!(end, Refreshed::Done(done) if done.session.account() == mine)
            }
            (Kind::Flow, Some(token)) => self.ends(&token, now(), &owner.binding).await,
            (Kind::Binding, Some(token)) => self.ends(&owner.flow, now(), &token).await,
            // Whoever is held as a stranger gets in from a browser that the account knows.
            (Kind::Browser, Some(token)) => {
                let known = self.auth.visit(Client::unknown().with_browser(token));
                let stranger = self.visit(&owner.binding);
                for _ in 0..6 {
                    let step = stranger.sign_in().with(&owner.phone, Password::word("wrong")).await.unwrap();
                    assert!(matches!(step, Step::Refused(_)));
                }
                let word = Password::word(&owner.word);
                matches!(known.sign_in().with(&owner.phone, word).await.unwrap(), Step::Pending(_))
            }
            (Kind::Mailbox, _) => {
                let visit = self.auth.visit(Client::unknown());
                matches!(visit.claim(&owner.session, text).await.unwrap(), Posted::Claimed(_))
            }
            (Kind::FormToken, _) => {
                let body = format!("form_token={}", text.replace(' ', "+"));
                self.http(Request::post("/form"), &owner.session, body).await.is_some()
            }
            (Kind::Password, _) => {
                let visit = self.visit(&owner.binding);
                let step = visit.sign_in().with(&owner.phone, Password::word(text)).await.unwrap();
                matches!(step, Step::Pending(_))
            }
            (Kind::SmsCode, _) => self.ends(&owner.sms.0, Code::typed(SMS, text), &owner.binding).await,
            (Kind::EmailCode, _) => self.ends(&owner.mail.0, Code::typed(MAIL, text), &owner.binding).await,
            (Kind::TotpCode, _) => self.ends(&owner.flow, Totp::code(text), &owner.binding).await,
            (Kind::Objection, _) => {
                let mine = self.auth.session(&owner.session).await.unwrap().unwrap().account();
                let _ = self.visit(&owner.binding).object(text).await.unwrap();
                self.auth.recoveries(mine).await.unwrap().iter().any(|one| one.stopped)
            }
            (Kind::BackupCode, _) => self.ends(&owner.flow, BackupCodes::code(text), &owner.binding).await,
        }
    }
}

#[tokio::test]
async fn a_secret_opens_its_own_door_and_no_other() {
    let kinds: Vec<_> = Purpose::ALL.iter().flat_map(|purpose| handed(*purpose)).copied().collect();
    let mut refused = 0;
    for kind in &kinds {
        // A world of its own for each, since a door that opens changes it; and the held one is the last.
        let mut doors: Vec<_> = kinds.iter().filter(|door| **door != Kind::Browser).collect();
        doors.push(&Kind::Browser);
        let world = World::new();
        let (owner, other) = (world.owner(1).await, world.owner(2).await);
        for door in doors {
            let text = world.secret(*kind, &owner);
            if door != kind {
                assert!(!world.offer(*door, &owner, &text).await, "{kind:?} at the door of {door:?}");
                refused += 1;
            }
            assert!(!world.offer(*door, &other, &text).await, "{kind:?} at another's door of {door:?}");
            refused += 1;
        }
        let world = World::new();
        let owner = world.owner(1).await;
        let text = world.secret(*kind, &owner);
        assert!(world.offer(*kind, &owner, &text).await, "{kind:?} at its own door");
    }
    println!("counted: kinds of secrets, each at its own door, seed -, count {}", kinds.len());
    println!("counted: secrets refused at other doors and of other people, seed -, count {refused}");
    assert_eq!(refused, kinds.len() * (2 * kinds.len() - 1));
}
