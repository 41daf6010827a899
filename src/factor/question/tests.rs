#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use super::*;
use crate::clock::{SystemEntropy, Timestamp};
use crate::hash::{HashPool, Lane};
use crate::id::{AccountId, CredentialId, FlowId, Realm, Version};
use crate::policy::password::PasswordRules;
use crate::secret::{KeyRing, Keys};
use crate::site::Site;

fn form(typed: &str) -> Option<String> {
    canonical(&Secret::new(typed)).map(|form| form.to_string())
}

#[test]
fn spellings_of_one_answer_are_one() {
    let right = form("Лёлик и Болик").unwrap();
    for typed in
        ["лелик и болик", "  ЛЁЛИК\u{a0}И   БОЛИК\n", "Ле\u{308}лик и Болик", "лёлик\tи\u{3000}болик"]
    {
        assert_eq!(form(typed).as_ref(), Some(&right), "{typed}");
    }
    assert_eq!(form("ﬁnal Ｒｅｘ"), form("FINAL rex"));
    assert_ne!(form("лёлик иболик"), Some(right));
    assert_eq!(form(&"а".repeat(128)).unwrap().chars().count(), 128);
    assert_eq!(form(&"а".repeat(129)), None);
    // The sign that grows most: eighteen signs out of three bytes.
    assert!(form(&"\u{fdfa}".repeat(85)).unwrap().len() > 2000);
    assert_eq!(canonical(&Secret::new([0xff, 0xfe])).map(|_| ()), None);
}

struct Step {
    realm: Realm,
    site: Site,
    keys: Keys,
    hashes: HashPool,
    policy: PasswordRules,
    words: Vec<String>,
    name: FactorName,
}

impl Step {
    fn new(words: &[&str]) -> Self {
        let realm = Realm::new("test");
        Self {
            keys: Keys::new(KeyRing::random(), realm.clone()).unwrap(),
            realm,
            site: Site::new("", ""),
            hashes: HashPool::new(crate::danger::fast_hashing()).unwrap(),
            policy: PasswordRules::public_portal(),
            name: Question::NAME,
            words: words.iter().map(|word| (*word).to_owned()).collect(),
        }
    }

    fn cx(&self) -> Context<'_> {
        Context {
            now: Timestamp::from_millis(0),
            realm: &self.realm,
            site: &self.site,
            flow: FlowId::from_bytes([1; 16]),
            account: AccountId::from_bytes([2; 16]),
            echo: None,
            words: &self.words,
            mailbox: "",
            letter: None,
            transaction: None,
            lane: Lane::Stranger,
            factor: &self.name,
            entropy: &SystemEntropy,
            hashes: &self.hashes,
            keys: &self.keys,
            policy: &self.policy,
        }
    }

    async fn confirm(&self, question: &str, answer: &str, mine: &[Credential<Asked>]) -> Enrolled<Asked> {
        let chosen = Chosen { question: question.to_owned(), answer: Secret::new(answer) };
        Question::default().confirm(&self.cx(), mine, (), chosen).await.unwrap()
    }

    async fn answer(&self, mine: &[Credential<Asked>], answer: &str) -> Verdict<Asked> {
        Question::default().answer(&self.cx(), mine, (), Typed { answer: Secret::new(answer) }).await.unwrap()
    }
}

const ASKS: &str = "Кличка первого кота";

async fn kept(step: &Step) -> Vec<Credential<Asked>> {
    let Enrolled::Add { data, .. } = step.confirm(ASKS, "Барсик Второй", &[]).await else {
        panic!()
    };
    let kept = serde_json::to_string(&data).unwrap();
    assert!(kept.contains(ASKS) && kept.contains("argon2id") && !kept.to_lowercase().contains("барсик"));
    vec![Credential { id: CredentialId::from_bytes([3; 16]), version: Version(0), data }]
}

#[tokio::test]
async fn a_right_answer_proves_nothing_but_itself_and_each_try_costs_one_hash() {
    let step = Step::new(&[]);
    let mine = kept(&step).await;
    for (answer, right) in [
        ("барсик  второй", Some(true)),
        ("Барсик Второй", Some(true)),
        ("Мурзик", Some(false)),
        ("", Some(false)),
        (&*"а".repeat(200), None),
    ] {
        let before = step.hashes.computed();
        let verdict = step.answer(&mine, answer).await;
        let hashed = step.hashes.computed() - before;
        match (right, verdict) {
            (Some(true), Verdict::Accept { proved, change: None, .. }) => {
                assert!(proved.recovery_only() && !proved.is_factor());
                assert_eq!(hashed, 1);
            }
            (Some(false), Verdict::Refuse { reason: Reason::Wrong, .. }) => assert_eq!(hashed, 1),
            (None, Verdict::Refuse { reason: Reason::Malformed, .. }) => assert_eq!(hashed, 0),
            (_, other) => panic!("{answer}: {other:?}"),
        }
    }
    let Begun::Started { prompt, .. } = Question::default().begin(&step.cx(), &mine, None).await.unwrap()
    else {
        panic!()
    };
    assert_eq!(prompt.as_json(), format!(r#"{{"question":"{ASKS}"}}"#));
    assert!(matches!(Question::default().begin(&step.cx(), &[], None).await.unwrap(), Begun::Nothing));
}

#[tokio::test]
async fn what_the_page_tells_is_no_answer() {
    let step = Step::new(&["Иванов", "Санкт-Петербург"]);
    for (question, answer, rule) in [
        (ASKS, "Бар", Some("too_short")),
        (ASKS, "  а  ", Some("too_short")),
        (ASKS, "КОТА", Some("context")),
        ("Фамилия матери", "иванов", Some("context")),
        ("Город", "Петербург", Some("context")),
        ("", "Барсик", None),
        ("Кличка\u{7}", "Барсик", None),
        (&*"я".repeat(101), "Барсик", None),
        (ASKS, &*"я".repeat(200), None),
    ] {
        let before = step.hashes.computed();
        match (step.confirm(question, answer, &[]).await, rule) {
            (Enrolled::Unfit(broken), Some(rule)) => assert_eq!(broken[0].0.rule.as_str(), rule, "{answer}"),
            (Enrolled::Refuse(Reason::Malformed), None) => {}
            (other, _) => panic!("{question}: {answer}: {other:?}"),
        }
        assert_eq!(step.hashes.computed(), before);
    }
    let mine = kept(&step).await;
    let again = step.confirm("Другой вопрос", "Другой ответ", &mine).await;
    assert!(matches!(again, Enrolled::Replace { credential, .. } if credential == mine[0].id));
}
