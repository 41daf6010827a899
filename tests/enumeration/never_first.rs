//! Factors that are no first step by a name show nowhere before the first proof, whoever has them.

use propusk::clock::Clock;
use propusk::factor::approval::Approval;
use propusk::factor::question::Question;
use propusk::testing::CountingStore;
use propusk::{Answer, BackupCodes, Client, Code, MemoryStore, Password, Profile, Step, Totp};

use crate::otp::{add_codes, add_totp, step, totp};
use crate::portal::{Hands, Outbox, PHONE, WORD, cheap, register, ring};

const NOBODY: &str = "+79167654321";

/// The very answers that would be right, and wrong ones, for an account that has all of them and for a name that
/// nobody has: the same step, the same calls, no hash.
#[tokio::test]
async fn what_is_no_first_step_shows_nowhere() {
    let (hands, outbox, memory) = (Hands::default(), Outbox::default(), MemoryStore::default());
    let store = CountingStore::new(memory.clone());
    let log = store.log();
    let auth = propusk::Auth::builder(Profile::public_portal(), store, ring())
        .hashing(cheap())
        .site(propusk::Site::new("Portal", crate::portal::ORIGIN))
        .clock(hands.clone())
        .sender(outbox.clone())
        .factor(Password::default())
        .factor(Totp::default())
        .factor(Code::sms())
        .factor(BackupCodes::default())
        .factor(Approval::default())
        .factor(Question::default())
        .build()
        .unwrap();
    let visit = auth.visit(Client::unknown());
    let done = register(&auth, &outbox, &visit, PHONE, Password::word(WORD)).await;
    let (key, done) =
        add_totp(&visit, &done.token, WORD, hands.now(), async || outbox.code(&auth).await).await;
    hands.advance(120);
    let (codes, _) = add_codes(&visit, &done.token, WORD, async || outbox.code(&auth).await).await;
    hands.advance(120);

    let stranger = auth.visit(Client::unknown());
    let code = |code: &str| serde_json::json!({ "code": code }).to_string();
    let answers = [
        (Totp::NAME, code(&totp(&key, step(hands.now())))),
        (Totp::NAME, code("000000")),
        (Totp::NAME, code("no code")),
        (BackupCodes::NAME, code(&codes[0])),
        (BackupCodes::NAME, code("00000-00000-00000")),
        (Approval::NAME, "{}".to_owned()),
        (Question::NAME, r#"{"answer":"Барсик"}"#.to_owned()),
    ];
    let mut cells = 0;
    let mut told = Vec::new();
    for name in [NOBODY, PHONE] {
        let mut seen = Vec::new();
        for (factor, answer) in &answers {
            let hashed = auth.hashes().computed();
            let _ = log.take();
            let with =
                stranger.sign_in().with(name, Answer::wire(factor.clone(), answer.as_bytes())).await.unwrap();
            seen.push((said(&with), log.take(), auth.hashes().computed() - hashed));
            let Step::Pending(next) = stranger.sign_in().start(name).await.unwrap() else {
                panic!("no flow")
            };
            let offers: Vec<String> = next.offers.iter().map(|offer| offer.factor.to_string()).collect();
            seen.push((offers.join(" "), log.take(), 0));
            let begun = stranger.begin(&next.flow, factor).await.unwrap();
            seen.push((said(&begun), log.take(), 0));
            let answered =
                stranger.answer(&next.flow, Answer::wire(factor.clone(), answer.as_bytes())).await.unwrap();
            seen.push((said(&answered), log.take(), auth.hashes().computed() - hashed));
            cells += 4;
        }
        told.push(seen);
    }
    assert_eq!(told[0], told[1]);
    assert!(told[0].iter().all(|(said, _, hashes)| *hashes == 0 && !said.contains("done")), "{:?}", told[0]);
    println!("counted: cells of factors that are no first step, seed 0, count {cells}");
}

fn said(step: &Step) -> String {
    match step {
        Step::Done(_) => "done".into(),
        Step::Pending(next) => format!("pending {:?}", next.offers),
        Step::Refused(why) => format!("refused {why:?}"),
    }
}
