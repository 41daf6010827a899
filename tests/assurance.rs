//! What a session is worth: every set of proofs that the built-in factors really give, against NIST SP 800-63B-4 section
//! 2 as it is written down outside the code.
#![cfg(all(feature = "passkey", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/authenticator.rs"]
mod authenticator;
#[path = "common/otp.rs"]
mod otp;
#[path = "common/portal.rs"]
mod portal;

use std::collections::BTreeSet;

use authenticator::{BACKED_UP, Device, ELIGIBLE, VERIFIED, wire};
use otp::{add_codes, add_totp, hotp, propose, shown, step, totp};
use portal::{EMAIL, Hands, ORIGIN, Outbox, PHONE, WORD, done, pending, portal, register};
use propusk::clock::Clock;
use propusk::flow::Posted;
use propusk::id::FactorName;
use propusk::proof::{Aal, Proof, aal, amr};
use propusk::{
    Answer, Approval, Auth, BackupCodes, Client, Code, Hotp, MemoryStore, Passkey, Password, Profile, Token,
    Totp,
};

/// The authenticators of NIST SP 800-63B-4 section 3.1. What a factor here is, was read there and not in its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nist {
    /// 3.1.1.
    Password,
    /// 3.1.2.
    LookUp,
    /// 3.1.3: by the telephone network, or to an application.
    OutOfBand,
    /// 3.1.3.1: no authenticator.
    ByEmail,
    /// 3.1.4.
    SingleFactorOtp,
    /// 3.1.6.
    SingleFactorCryptographic { syncable: bool },
    /// 3.1.7.
    MultiFactorCryptographic { syncable: bool },
}

/// Section 2 in the words of the standard: what a set of authenticators reaches.
fn nist_2(used: &[Nist]) -> Aal {
    use Nist::{ByEmail, LookUp, MultiFactorCryptographic, OutOfBand, Password};
    use Nist::{SingleFactorCryptographic, SingleFactorOtp};
    let any = |what: fn(Nist) -> bool| used.iter().any(|one| what(*one));
    // 2.3.1: a multi-factor cryptographic authenticator that resists phishing and is not syncable (3.1.7), alone. A
    // password with a single-factor one would do, too: that is held to be less here, see `stricter_than_nist`.
    if any(|one| matches!(one, MultiFactorCryptographic { syncable: false })) {
        return Aal::Three;
    }
    // 2.2.1: a multi-factor authenticator, or a password and one physical authenticator. All of these resist replay.
    let physical =
        |one: Nist| matches!(one, LookUp | OutOfBand | SingleFactorOtp | SingleFactorCryptographic { .. });
    if any(|one| matches!(one, MultiFactorCryptographic { .. }))
        || (any(|one| one == Password) && any(physical))
    {
        return Aal::Two;
    }
    // 2.1.1: any authenticator.
    if any(|one| one != ByEmail) { Aal::One } else { Aal::Zero }
}

/// Where the library asks for more than section 2.3.1: a password beside a key that does not verify its user.
fn stricter_than_nist(used: &[Nist]) -> bool {
    used.contains(&Nist::Password)
        && used.contains(&Nist::SingleFactorCryptographic { syncable: false })
        && !used.contains(&Nist::MultiFactorCryptographic { syncable: false })
}

/// RFC 8176 section 2. `email` is in no registry, and is what it looks like.
fn rfc_8176(used: &[Nist], by: &[Variant]) -> BTreeSet<&'static str> {
    let mut values: BTreeSet<_> = by.iter().flat_map(|one| one.amr.iter().copied()).collect();
    let known = used.contains(&Nist::Password);
    let held = used.iter().any(|one| *one != Nist::Password);
    let alone = used.iter().any(|one| matches!(one, Nist::MultiFactorCryptographic { .. }));
    if alone || (known && held) {
        values.insert("mfa");
    }
    values
}

/// A built-in factor, in one of the ways in which it proves.
#[derive(Clone, Debug)]
struct Variant {
    what: &'static str,
    is: Nist,
    amr: &'static [&'static str],
    proof: Proof,
}

struct Owner {
    auth: Auth,
    outbox: Outbox,
    hands: Hands,
    session: Token,
}

impl Owner {
    async fn new() -> Self {
        let (hands, outbox) = (Hands::default(), Outbox::default());
        let mut profile = Profile::public_portal();
        profile.recipient_rate.uses = 1000;
        let auth = portal(&MemoryStore::default(), profile)
            .clock(hands.clone())
            .sender(outbox.clone())
            .factor(Password::default())
            .factor(Code::sms())
            .factor(Code::email())
            .factor(Totp::default())
            .factor(Hotp::default())
            .factor(BackupCodes::default())
            .factor(Approval::default())
            .factor(Passkey::default())
            .build()
            .unwrap();
        let visit = auth.visit(Client::unknown());
        let session = register(&auth, &outbox, &visit, PHONE, Password::word(WORD)).await.token;
        Self { auth, outbox, hands, session }
    }

    fn visit(&self) -> propusk::Visit {
        self.hands.advance(120);
        self.auth.visit(Client::unknown())
    }

    async fn code(&self) -> String {
        self.outbox.code(&self.auth).await
    }

    /// Signs in by password and this factor; what the session says was proven by it.
    async fn prove(
        &self,
        name: &str,
        factor: &FactorName,
        answer: impl AsyncFnOnce(&str) -> Answer,
    ) -> Proof {
        let visit = self.visit();
        let flow = pending(visit.sign_in().with(name, Password::word(WORD)).await.unwrap()).flow;
        let begins = ![Totp::NAME, Hotp::NAME, BackupCodes::NAME].contains(factor);
        let (flow, prompt) = match begins {
            true => {
                let next = pending(visit.begin(&flow, factor).await.unwrap());
                (next.flow.clone(), next.begun.as_ref().unwrap().1.as_json().to_owned())
            }
            false => (flow, String::new()),
        };
        let end = done(visit.answer(&flow, answer(&prompt).await).await.unwrap());
        let session = self.auth.session(&end.token).await.unwrap().unwrap();
        assert_eq!((session.aal(), session.amr()), (aal(&session.proofs()), amr(&session.proofs())));
        session.proofs().into_iter().find(|proof| proof.factor() == factor).unwrap()
    }

    async fn password(&self) -> Proof {
        let session = self.auth.session(&self.session).await.unwrap().unwrap();
        session.proofs().into_iter().find(|proof| *proof.factor() == Password::NAME).unwrap()
    }

    async fn totp(&mut self) -> Proof {
        let visit = self.visit();
        let (key, end) =
            add_totp(&visit, &self.session, WORD, self.auth.now(), async || self.code().await).await;
        self.session = end.token;
        let code = async |_: &str| Totp::code(&totp(&key, step(self.hands.now())));
        self.prove(PHONE, &Totp::NAME, code).await
    }

    async fn hotp(&mut self) -> Proof {
        const KEY: &[u8] = b"12345678901234567890";
        let account = self.auth.session(&self.session).await.unwrap().unwrap().account();
        let token = propusk::factor::hotp::Token::new(KEY, 6, 0).unwrap();
        Hotp::assign(&self.auth, account, &token, &Client::unknown()).await.unwrap();
        self.prove(PHONE, &Hotp::NAME, async |_: &str| Hotp::code(&hotp(KEY, 0))).await
    }

    async fn backup_code(&mut self) -> Proof {
        let visit = self.visit();
        let (codes, end) = add_codes(&visit, &self.session, WORD, async || self.code().await).await;
        self.session = end.token;
        self.prove(PHONE, &BackupCodes::NAME, async |_: &str| BackupCodes::code(&codes[0])).await
    }

    async fn approval(&mut self) -> Proof {
        let visit = self.visit();
        let next = pending(visit.enrol(&self.session, Approval::NAME).await.unwrap());
        let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
        let sms = FactorName::new("sms-code");
        let next = pending(visit.begin(&next.flow, &sms).await.unwrap());
        let code = Code::typed(sms, &self.code().await);
        let next = pending(visit.answer(&next.flow, code).await.unwrap());
        self.session = done(visit.answer(&next.flow, Approval::poll()).await.unwrap()).token;
        let approve = async |prompt: &str| {
            let prompt: serde_json::Value = serde_json::from_str(prompt).unwrap();
            let (mailbox, number) = (prompt["mailbox"].as_str().unwrap(), prompt["number"].as_str().unwrap());
            let phone = self.auth.visit(Client::unknown());
            let _ = phone.claim(&self.session, mailbox).await.unwrap();
            let posted = phone.post(&self.session, mailbox, &Approval::number(number)).await.unwrap();
            assert!(matches!(posted, Posted::Left));
            Approval::poll()
        };
        self.prove(PHONE, &Approval::NAME, approve).await
    }

    /// A new key, used without its user's verification and with it.
    async fn passkey(&mut self, more: u8) -> [Proof; 2] {
        let visit = self.visit();
        let next = propose(&visit, &self.session, WORD, &Passkey::NAME, async || self.code().await).await;
        let mut device = Device::at(ORIGIN);
        device.flags |= more;
        let made = device.create(&shown(&next).to_string());
        self.session = done(visit.answer(&next.flow, wire(&made)).await.unwrap()).token;
        device.flags &= !VERIFIED;
        let single = self.prove(PHONE, &Passkey::NAME, async |prompt: &str| wire(&device.get(prompt))).await;
        device.flags |= VERIFIED;
        let multi = self.prove(PHONE, &Passkey::NAME, async |prompt: &str| wire(&device.get(prompt))).await;
        [single, multi]
    }
}

/// What each built-in factor really proves, each taken from a session that was signed in to by it.
async fn variants() -> Vec<Variant> {
    let mut owner = Owner::new().await;
    let sms = FactorName::new("sms-code");
    let by_sms = async |_: &str| Code::typed(sms.clone(), &owner.code().await);
    let by_sms = owner.prove(PHONE, &sms, by_sms).await;
    let mail = FactorName::new("email-code");
    let visit = owner.visit();
    let _ = register(&owner.auth, &owner.outbox, &visit, EMAIL, Password::word(WORD)).await;
    let by_mail = async |_: &str| Code::typed(mail.clone(), &owner.code().await);
    let by_mail = owner.prove(EMAIL, &mail, by_mail).await;
    let one = |what, is, amr, proof| Variant { what, is, amr, proof };
    let (single, multi) = (
        |syncable| Nist::SingleFactorCryptographic { syncable },
        |syncable| Nist::MultiFactorCryptographic { syncable },
    );
    let (password, app) = (owner.password().await, owner.totp().await);
    let (backup, approval) = (owner.backup_code().await, owner.approval().await);
    // The one that reaches AAL3 is the last: whoever has it adds others by no less.
    let [synced, synced_verified] = owner.passkey(ELIGIBLE | BACKED_UP).await;
    let [bound, bound_verified] = owner.passkey(0).await;
    vec![
        one("password", Nist::Password, &["pwd"], password),
        one("sms", Nist::OutOfBand, &["sms"], by_sms),
        one("e-mail", Nist::ByEmail, &["email"], by_mail),
        one("totp", Nist::SingleFactorOtp, &["otp"], app),
        one("backup code", Nist::LookUp, &["otp"], backup),
        one("approval", Nist::OutOfBand, &["mca"], approval),
        one("synced key", single(true), &["pop", "user", "swk"], synced),
        one("verified synced key", multi(true), &["pop", "user", "swk"], synced_verified),
        one("key", single(false), &["pop", "user", "hwk"], bound),
        one("verified key", multi(false), &["pop", "user", "hwk"], bound_verified),
        // The last: who is handed a token is signed out.
        one("hotp", Nist::SingleFactorOtp, &["otp"], owner.hotp().await),
    ]
}

#[tokio::test]
async fn nist_2_every_set_of_proofs_reaches_what_the_standard_says() {
    let all = variants().await;
    let (mut sets, mut stricter) = (0, 0);
    for picked in 0..1_usize << all.len() {
        let by: Vec<_> = all
            .iter()
            .enumerate()
            .filter(|(at, _)| picked >> at & 1 == 1)
            .map(|(_, one)| one.clone())
            .collect();
        let is: Vec<_> = by.iter().map(|one| one.is).collect();
        let what: Vec<_> = by.iter().map(|one| one.what).collect();
        let proofs: Vec<_> = by.iter().map(|one| one.proof.clone()).collect();
        assert_eq!(aal(&proofs), nist_2(&is), "{what:?}");
        stricter += usize::from(stricter_than_nist(&is));
        let values = amr(&proofs);
        assert_eq!(values.iter().copied().collect::<BTreeSet<_>>(), rfc_8176(&is, &by), "{what:?}");
        assert_eq!(values.iter().collect::<BTreeSet<_>>().len(), values.len(), "each once: {what:?}");
        // In any order, and however often each: a second copy raises nothing.
        let twice: Vec<_> = proofs.iter().rev().chain(&proofs).cloned().collect();
        assert_eq!((aal(&twice), amr(&twice)), (aal(&proofs), values), "{what:?} twice");
        sets += 1;
    }
    println!(
        "counted: sets of proofs of {} kinds held against NIST section 2, seed -, count {sets}",
        all.len()
    );
    println!("counted: of them held to be less than NIST section 2.3.1 allows, seed -, count {stricter}");
    // Both sides, so that neither is a constant: each level is reached, and by no more than it takes.
    assert_eq!(sets, 2048);
    for (level, alone) in [
        (Aal::Zero, &["e-mail"][..]),
        (Aal::One, &["password", "sms", "totp", "hotp", "backup code", "approval", "key", "synced key"]),
        (Aal::Two, &["verified synced key"]),
        (Aal::Three, &["verified key"]),
    ] {
        for what in alone {
            let one = all.iter().find(|one| one.what == *what).unwrap();
            assert_eq!(aal(std::slice::from_ref(&one.proof)), level, "{what}");
        }
    }
}
