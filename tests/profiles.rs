//! Profiles against factors: what cannot be met does not build, and says what is missing.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/portal.rs"]
mod portal;

use portal::{EMAIL, Hands, Outbox, PHONE, WORD, done, pending, refused, register, somebody};
use propusk::account::identifier::IdentifierKind;
use propusk::auth::Builder;
use propusk::auth::import::{Import, Imported, ImportedCredential};
use propusk::error::{Broken, FactorError};
use propusk::factor::password::breach::{BreachCheck, Checking, OnFailure};
use propusk::factor::question::Question;
use propusk::factor::{Context, Credential, Reason, Verdict};
use propusk::hash::HashPool;
use propusk::id::FactorName;
use propusk::message::Locale;
use propusk::policy::{Requirement, Standard};
use propusk::proof::{Aal, Channel, Proves};
use propusk::secret::Secret;
use propusk::{
    Answer, Approval, BackupCodes, Client, Code, Factor, Hotp, Link, MemoryStore, Password, Profile, Site,
    Totp,
};
use serde::{Deserialize, Serialize};

fn builder(profile: Profile) -> Builder {
    portal::portal(&MemoryStore::default(), profile)
}

/// What the builder says of a profile that its factors cannot meet.
fn why(builder: Builder) -> String {
    match builder.build() {
        Err(error @ Broken::Profile { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

/// ASVS 6.3.6 and 6.6.1: at level 3 neither e-mail nor SMS is a factor; with either it does not build, whatever else
/// there is. AAL3 the same.
#[test]
fn asvs_6_3_6_and_6_6_1_level_3_does_not_build_with_sms_or_email() {
    for profile in [Profile::asvs_l3(), Profile::nist_aal3()] {
        for (code, channel) in [(Code::sms(), "the telephone network"), (Code::email(), "e-mail")] {
            let said = why(builder(profile.clone()).factor(Password::default()).factor(Key).factor(code));
            assert!(said.contains(profile.name) && said.contains(channel), "{said}");
        }
        assert!(builder(profile).factor(Password::default()).factor(Key).build().is_ok());
    }
}

#[test]
fn what_the_factors_cannot_reach_is_named() {
    let password = |profile: Profile| builder(profile).factor(Password::default());
    for profile in [Profile::asvs_l3(), Profile::nist_aal3()] {
        assert!(why(password(profile)).contains("a security key"));
    }
    assert!(why(password(Profile::nist_aal2())).contains("something held"));
    assert!(why(password(Profile::nist_aal2()).factor(Code::email())).contains("e-mail does not count"));
    assert!(
        why(password(Profile::public_portal()))
            .contains("asks for 2 kinds of factor, and these factors have 1")
    );
    assert!(why(password(Profile::asvs_l2())).contains("2 kinds"));
    assert!(why(builder(Profile::nist_aal1()).factor(Code::email())).contains("an e-mail code is none"));
    let mut dear = Profile::nist_aal1();
    dear.sign_in = Requirement::aal(Aal::Three);
    assert!(why(password(dear).factor(Code::sms())).contains("a security key"));
    // Who registers by e-mail would have proven too little: said, with what can be done.
    let mut both = Profile::nist_aal2();
    both.sign_up_contacts = &[IdentifierKind::Phone, IdentifierKind::Email];
    let said = why(password(both).factor(Code::sms()).factor(Code::email()));
    assert!(said.contains("email-code and password") && said.contains("import"), "{said}");

    for profile in [Profile::nist_aal1(), Profile::asvs_l1()] {
        assert!(password(profile).build().is_ok());
    }
    for profile in [Profile::public_portal(), Profile::nist_aal2(), Profile::asvs_l2()] {
        let built = password(profile).factor(Code::sms()).factor(Code::email());
        let built = built.sender(propusk::danger::print_messages()).build();
        assert!(built.is_ok(), "{built:?}");
    }
}

/// NIST SP 800-63B-4 section 2.2: one registers at AAL2 and signs in at AAL2; a password with an e-mail code is not
/// enough for a session.
#[tokio::test]
async fn nist_2_2_one_registers_and_signs_in_at_aal2() {
    let outbox = Outbox::default();
    let auth = builder(Profile::nist_aal2())
        .clock(Hands::default())
        .sender(outbox.clone())
        .factor(Password::default())
        .factor(Code::sms())
        .factor(Code::email())
        .build()
        .unwrap();
    let visit = auth.visit(somebody());
    let first = register(&auth, &outbox, &visit, PHONE, Password::word(WORD)).await;
    assert_eq!(first.session.aal(), Aal::Two);
    let next = pending(visit.sign_in().with(PHONE, Password::word(WORD)).await.unwrap());
    let next = pending(visit.begin(&next.flow, &FactorName::new("sms-code")).await.unwrap());
    let code = outbox.code(&auth).await;
    let end = done(visit.answer(&next.flow, Code::typed(FactorName::new("sms-code"), &code)).await.unwrap());
    assert_eq!(end.session.aal(), Aal::Two);
    assert_eq!(refused(visit.sign_up(EMAIL, "Иван", "1").await.unwrap()).code.as_str(), "contact_kind");
}

/// With registration closed, accounts come in from code, and a sign-in is what the profile says.
#[tokio::test]
async fn at_aal3_accounts_are_imported_and_sign_in_by_their_key() {
    let auth = builder(Profile::nist_aal3()).factor(Password::default()).factor(Key).build().unwrap();
    let visit = auth.visit(somebody());
    assert_eq!(refused(visit.sign_up(PHONE, "Иван", "1").await.unwrap()).code.as_str(), "contact_kind");
    let key = ImportedCredential::of(&Key, &Pair { public: "mine".into() }).unwrap();
    let account =
        Import::new("Иван Петров").unwrap().identifier("ivan_petrov").unwrap().credential(key).unwrap();
    let Imported::Made(id) = auth.import(&account, &Client::unknown()).await.unwrap() else { panic!() };
    let signed = |text: &str| Answer::wire(Key.name(), format!(r#"{{"signed":"{text}"}}"#));
    let end = done(visit.sign_in().with("ivan_petrov", signed("mine")).await.unwrap());
    assert_eq!((end.session.account(), end.session.aal()), (id, Aal::Three));
    assert_eq!(
        refused(visit.sign_in().with("ivan_petrov", signed("other")).await.unwrap()).code.as_str(),
        "wrong"
    );
}

/// Who builds without a way out for codes hears of it then, not from the first person who waits for one.
#[test]
fn a_factor_that_sends_needs_a_sender() {
    for code in [Code::sms(), Code::email()] {
        let alone = portal::portal(&MemoryStore::default(), Profile::nist_aal1())
            .factor(Password::default())
            .factor(code)
            .build();
        assert!(matches!(alone, Err(Broken::Misuse(why)) if why.contains(".sender(..)")), "{alone:?}");
    }
}

/// A path without its `/` would make another host of the site's, which is sent every secret of a link; one with a query
/// would swallow it.
#[test]
fn what_is_no_page_of_the_site_does_not_build() {
    let builds = |page: &'static str, objections: &str| {
        let site = Site::new("Portal", portal::ORIGIN).objections_at(objections);
        let builder = builder(Profile::nist_aal1()).site(site).sender(propusk::danger::print_messages());
        builder.factor(Password::default()).factor(Link::at(page)).build()
    };
    for path in ["/link", "/", "/a/b.html", "/%D1%81", "/~me/@x;y=1"] {
        assert!(builds(path, path).is_ok(), "{path}");
    }
    for path in
        ["", "link", ".evil.example", "@evil.example", ":1", "//evil.example", "/a//b", "/\\evil.example"]
            .into_iter()
            .chain(["/a?b", "/a#b", "/a b", "/a\n", "/a\u{0}", "/\u{441}", "https://evil.example/"])
    {
        let (link, objection) = (builds(path, "/link"), builds("/link", path));
        assert!(matches!(link, Err(Broken::Misuse(why)) if why.contains("link")), "{path} {link:?}");
        let said = matches!(objection, Err(Broken::Misuse(why)) if why.contains("objection"));
        assert!(said, "{path} {objection:?}");
    }
}

/// A wish that would be silently nothing.
#[test]
fn a_breach_check_at_sign_in_needs_a_breach_check() {
    let builds = |password: Password| builder(Profile::nist_aal1()).factor(password).build();
    let alone = builds(Password::default().breach_check_at_sign_in());
    assert!(matches!(alone, Err(Broken::Misuse(why)) if why.contains("breach_check(..)")), "{alone:?}");
    let with = Password::default().breach_check_at_sign_in().breach_check(Never, OnFailure::Accept);
    assert!(builds(with).is_ok());
}

/// Letters name a factor by its title: of what it is called in code nobody knows what it is.
#[test]
fn no_factor_of_the_librarys_is_told_of_by_its_name_in_code() {
    fn titled(factor: &impl Factor) -> String {
        let (name, title) = (factor.name(), factor.title(Locale::En));
        // Of one word are some that people say.
        assert!(title != name.as_str() || !name.as_str().contains('-'), "{title}");
        let russian = factor.title(Locale::Ru);
        assert!(!russian.is_ascii(), "{russian}");
        title
    }
    let mut titles = vec![titled(&Password::default()), titled(&Totp::default()), titled(&Hotp::default())];
    titles.extend([titled(&Code::sms()), titled(&Code::email()), titled(&Link::at("/link"))]);
    titles.extend([titled(&BackupCodes::default()), titled(&Approval::default())]);
    titles.push(titled(&Question::default()));
    #[cfg(feature = "passkey")]
    titles.push(titled(&propusk::Passkey::default()));
    let all = titles.len();
    titles.sort();
    titles.dedup();
    assert_eq!(titles.len(), all, "each has a title of its own: {titles:?}");
}

/// A factor of an application's own is asked, too, with the site that it will see.
#[test]
fn a_factor_of_ones_own_says_what_does_not_fit() {
    let elsewhere = Site::new("Portal", "https://elsewhere.example");
    let built = builder(Profile::nist_aal1()).site(elsewhere).factor(Key).build();
    assert!(matches!(built, Err(Broken::Misuse("a key of another site"))), "{built:?}");
    assert!(builder(Profile::nist_aal1()).factor(Key).build().is_ok());
}

/// What the factors add to a profile's departures.
#[test]
fn deviations_tell_what_the_factors_lack() {
    let departs = |builder: Builder| -> Vec<String> {
        let sends = builder.sender(propusk::danger::print_messages());
        let list = sends.build().unwrap().deviations().unwrap();
        list.iter().map(|one| format!("{} {}: {}", one.standard, one.requirement, one.what)).collect()
    };
    let weak = departs(builder(Profile::nist_aal2()).factor(Password::default()).factor(Code::sms()));
    for wanted in ["NIST 2.2 AAL2: no factor that resists phishing", "NIST 3.1.3.3: ", "ASVS 6.6.1: "] {
        assert!(weak.iter().any(|one| one.starts_with(wanted)), "{weak:?}");
    }
    let strong =
        departs(builder(Profile::nist_aal2()).factor(Password::default()).factor(Code::sms()).factor(Key));
    assert_eq!(strong, Vec::<String>::new());
    let portal = builder(Profile::public_portal()).factor(Password::default()).factor(Code::email());
    let list = portal.sender(propusk::danger::print_messages()).build().unwrap().deviations().unwrap();
    assert!(list.iter().any(|one| one.standard == Standard::Nist && one.requirement == "3.1.3.1"));
}

/// A check that knows of no leak.
#[derive(Debug)]
struct Never;

impl BreachCheck for Never {
    fn seen<'a>(&'a self, _: &'a Secret) -> Checking<'a, u64> {
        Box::pin(async { Ok(0) })
    }
}

/// A key that would do for AAL3, if what it checks were a signature.
#[derive(Debug)]
struct Key;

#[derive(Debug, Serialize, Deserialize)]
struct Pair {
    public: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    signed: String,
}

const KEY: Proves =
    Proves::by(Channel::Device).possession().replay_resistant().phishing_resistant().user_verified();

impl Factor for Key {
    type Data = Pair;
    type State = ();
    type Answer = Signed;

    fn name(&self) -> FactorName {
        FactorName::new("key")
    }

    fn could_prove(&self, _: Option<&Pair>) -> Proves {
        KEY
    }

    async fn answer(
        &self,
        _: &Context<'_>,
        mine: &[Credential<Pair>],
        (): (),
        answer: Signed,
    ) -> Result<Verdict<Pair>, FactorError> {
        Ok(match mine.iter().find(|one| one.data.public == answer.signed) {
            Some(one) => Verdict::Accept { credential: one.id, proved: KEY, change: None },
            None => Verdict::refuse(Reason::Wrong),
        })
    }

    fn decoy(&self, _: &HashPool, seed: [u8; 32]) -> Option<Pair> {
        Some(Pair { public: format!("{seed:?}") })
    }

    fn fits(&self, site: &Site) -> Result<(), Broken> {
        match site.origin == portal::ORIGIN {
            true => Ok(()),
            false => Err(Broken::Misuse("a key of another site")),
        }
    }
}
