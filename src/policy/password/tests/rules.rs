//! Each rule alone, its words in both languages, and what hostile input costs.

use std::time::{Duration, Instant};

use super::*;

/// A rule off, everything else as it is.
type Off = fn(&mut PasswordRules);

/// Text, context words, the one rule that refuses it, and that rule switched off.
const ALONE: &[(&str, &[&str], &str, Off)] = &[
    ("Vq3 kd7", &[], "too_short", |rules| rules.least = 0),
    ("vq3 kd7tm", &[], "no_upper", |rules| rules.classes.upper = false),
    ("VQ3 KD7TM", &[], "no_lower", |rules| rules.classes.lower = false),
    ("Vqx kdwtm", &[], "no_digit", |rules| rules.classes.digit = false),
    ("Vq3xkd7tm", &[], "no_special", |rules| rules.classes.special = false),
    ("Жар птица летит", &[], "no_digit", |rules| rules.classes.digit = false),
    ("Qwert 7kxm", &[], "keyboard", |rules| rules.keyboard = 0),
    ("7kxm Енгшщ", &[], "keyboard", |rules| rules.keyboard = 0),
    ("qWуКе 7kxm", &[], "keyboard", |rules| rules.keyboard = 0),
    ("Kxm-1qaz-7", &[], "keyboard", |rules| rules.keyboard = 0),
    ("Kxmv$#@!7bp", &[], "keyboard", |rules| rules.keyboard = 0),
    ("Kxm?:%;7bp", &[], "keyboard", |rules| rules.keyboard = 0),
    ("147258369Kb+", &[], "keyboard", |rules| rules.keyboard = 0),
    ("Abcde 7kxm", &[], "sequence", |rules| rules.sequence = 0),
    ("7kxm ЖЁДгв", &[], "sequence", |rules| rules.sequence = 0),
    ("Kx-1357-mv", &[], "sequence", |rules| rules.sequence = 0),
    ("Vqqq 3kd7t", &[], "repeated", |rules| rules.repeated = 0),
    ("Кот 555 мед", &[], "repeated", |rules| rules.repeated = 0),
    ("Vk7-Vk7-Vk7-", &[], "repeated", |rules| rules.repeated = 0),
    ("Spartak-1922", &[], "common", |rules| rules.dressed_up = false),
    ("P@ssw0rd77!", &[], "common", |rules| rules.dressed_up = false),
    ("Ghbdtn-77", &[], "common", |rules| rules.dressed_up = false),
    ("K.,jdm-77", &[], "common", |rules| rules.dressed_up = false),
    ("Дщму!-1988", &[], "common", |rules| rules.dressed_up = false),
    ("Kfgjxrby-77", &["Лапочкин"], "context", |rules| rules.context = false),
    ("Ivan-7kx2m", &["Иван"], "context", |rules| rules.context = false),
    ("Юлия!-2м9к", &["yuliya"], "context", |rules| rules.context = false),
    ("Shchuk1n-4q", &["Щукин"], "context", |rules| rules.context = false),
    ("17.03.1985-Kq", &["1985-03-17"], "context", |rules| rules.context = false),
    ("Kq-916-290-5873", &["79162905873"], "context", |rules| rules.context = false),
];

#[test]
fn each_rule_refuses_alone() {
    let mut seen = BTreeSet::new();
    for (text, words, rule, off) in ALONE {
        let words: Vec<String> = words.iter().copied().map(String::from).collect();
        let portal = PasswordRules::public_portal();
        assert_eq!(codes(&portal, text, &words), [*rule], "{text}");
        let mut without = portal;
        off(&mut without);
        assert!(codes(&without, text, &words).is_empty(), "{text} without {rule}");
        seen.insert(*rule);
    }
    let mut hinted: BTreeSet<_> =
        PasswordRules::public_portal().hints().into_iter().map(|rule| rule.rule.to_string()).collect();
    // Those two have tests of their own: no other rule looks at what is too long or no text.
    hinted.remove("too_long");
    assert_eq!(hinted, seen.into_iter().map(String::from).collect());
}

/// STANDARDS: NIST SP 800-63B-4 section 3.1.1.2 and ASVS 6.2.5 forbid rules of composition, 6.2.10 rotation.
#[test]
fn only_the_portal_asks_for_kinds_of_signs_and_for_a_new_one() {
    for rules in [
        PasswordRules::nist_aal1(),
        PasswordRules::nist_aal2(),
        PasswordRules::nist_aal3(),
        PasswordRules::asvs_l1(),
        PasswordRules::asvs_l2(),
        PasswordRules::asvs_l3(),
    ] {
        for text in ["рыжий кот на крыше", "QWERT AND QWERT AND A HAT", "aaa bbb ccc ddd eee"]
        {
            assert!(codes(&rules, text, &[]).is_empty(), "{text}");
        }
        assert_eq!((rules.max_age(), rules.remembers()), (None, 1));
    }
    let portal = PasswordRules::public_portal();
    assert_eq!((portal.max_age(), portal.remembers()), (Some(Duration::from_secs(90 * 86_400)), 6));
}

/// CRATES and PEERS 10: what zxcvbn takes for strong.
#[test]
fn russian_passwords_are_known_on_every_layout() {
    let portal = PasswordRules::public_portal();
    for (text, rule) in [
        ("йцукенгшщз", "keyboard"),
        ("фывапролдж", "keyboard"),
        ("Пароль123!", "common"),
        ("Привет123!", "common"),
        ("Ghbdtn123!", "common"),
        ("Gfhjkm2024!", "common"),
        ("Yfcnz1987!", "common"),
        ("Parol'123", "common"),
        ("Любовь!2024", "common"),
        ("Lyubov!2024", "common"),
        ("!1Сергей1!", "common"),
        ("Йегрес77!!", "common"),
        ("ПарольПароль7!", "common"),
        ("Ёлка-2024", "common"),
    ] {
        assert!(
            codes(&portal, text, &[]).contains(&rule.to_owned()),
            "{text}: {:?}",
            codes(&portal, text, &[])
        );
    }
    for text in ["Пароль от погреба 7", "Привет-Жираф-77", "Сто сорок 2 мыши", "Напиши 3 письма"]
    {
        assert!(codes(&portal, text, &[]).is_empty(), "{text}: {:?}", codes(&portal, text, &[]));
    }
}

#[test]
fn what_belongs_to_the_person_is_known_in_every_form() {
    let rules = PasswordRules::nist_aal2();
    let forms: [(&str, &[&str]); 7] = [
        (
            "Сергей",
            &["сергей77", "cthutq77", "sergey77", "sergei77", "SERGEJ77", "йегрес77", "$erg3y77", "ыукпун77"],
        ),
        ("Александра", &["aleksandra7", "Alexandra7", "FKTRCFYLHF7", "@lexandra7"]),
        ("Щербаков", &["shcherbakov1", "scherbakov1", "OTH,FRJD1"]),
        ("Хабаровск-Онлайн", &["habarovsk1", "khabarovsk1", "онлайн77777", "onlain-2026"]),
        ("julia", &["юлия-2001", "yulia2001", "iuliia2001", "огдшф2001"]),
        (
            "1985-03-17",
            &["17031985", "17.03.1985", "170385ab", "1985-ab-cd", "17-3-85!!", "3.17.1985", "a1703bcd"],
        ),
        ("+7 916 123-45-67", &["9161234567", "8(916)1234567", "1234567ab", "76543216197"]),
    ];
    for (word, texts) in forms {
        for text in texts {
            assert!(
                codes(&rules, text, &[word.to_owned()]).contains(&"context".to_owned()),
                "{word}: {text}"
            );
        }
        for text in ["белые паруса вдали", "long winter nights", "2718281828", "19.10.2004 гроза"]
        {
            assert!(codes(&rules, text, &[word.to_owned()]).is_empty(), "{word}: {text}");
        }
    }
}

#[test]
fn every_rule_says_in_both_languages_how_to_do_better() {
    let mut rules = PasswordRules::public_portal().hints();
    for name in ["not_text", "same", "breached"] {
        rules.push(Rule::plain(RuleName::new(name)));
    }
    rules.push(Rule::counted(RuleName::new("reused"), "last", 6));
    rules.push(Rule::counted(RuleName::new("weak"), "least", 3));
    assert_eq!(rules.len(), 16);
    let mut told = BTreeSet::new();
    for rule in &rules {
        let (en, ru) = (rule.text(Locale::En).unwrap(), rule.text(Locale::Ru).unwrap());
        assert!(en.is_ascii() || en.contains("йцукен"), "{en}");
        assert!(ru.chars().any(|sign| matches!(sign, 'а'..='я')), "{ru}");
        for text in [&en, &ru] {
            assert!(text.ends_with('.') && text.len() > 20, "{text}");
            if let (Some(number), false) = (rule.params.values().next(), rule.rule.as_str() == "weak") {
                assert!(text.contains(&number.to_string()), "{text}");
            }
            assert!(told.insert(text.clone()), "said twice: {text}");
        }
    }
    assert_eq!(Rule::plain(RuleName::new("mine")).text(Locale::En), None);
    let said = |rule: Rule| rule.text(Locale::Ru).unwrap();
    assert!(said(Rule::counted(RuleName::new("too_short"), "least", 21)).contains("21 символа"));
    assert!(said(Rule::counted(RuleName::new("repeated"), "run", 3)).contains("3 раза"));
}

#[test]
fn hints_follow_what_is_typed() {
    let portal = PasswordRules::public_portal();
    let words = ["ivan".to_owned()];
    let failed = |text: &str| {
        let candidate = secret(text);
        let checked = portal.check(&Candidate { secret: &candidate, words: &words });
        assert_eq!(checked.len(), portal.hints().len());
        checked
            .iter()
            .filter(|rule| !rule.kept)
            .map(|rule| rule.rule.rule.to_string())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(failed("v"), "too_short no_upper no_digit no_special");
    assert_eq!(failed("van"), "too_short no_upper no_digit no_special common");
    assert_eq!(failed("Ivan"), "too_short no_digit no_special common context");
    assert_eq!(failed("Ivan sees 3 ships"), "");
    let json =
        serde_json::to_string(&portal.check(&Candidate { secret: &secret("v"), words: &[] })[0]).unwrap();
    assert_eq!(json, r#"{"rule":"too_short","params":{"least":8},"kept":false}"#);
    let bytes = Secret::new(vec![0xFF; 9]);
    let checked = portal.check(&Candidate { secret: &bytes, words: &[] });
    assert!(checked.iter().any(|rule| rule.rule.rule.as_str() == "not_text" && !rule.kept));
}

/// ATTACKS 73, 78: the most that may be typed, of the kinds that make matching slow, against as many words as there
/// may be. The bound is for an unoptimised build on a busy machine; optimised it is some two milliseconds.
#[test]
fn hostile_passwords_are_judged_in_bounded_time() {
    let fill = |piece: &str| piece.repeat(1024 / piece.len());
    let texts = [
        fill("a"),
        fill("ab"),
        fill("qwerty"),
        fill("12"),
        fill("1"),
        fill("!"),
        fill("ж"),
        fill("йц"),
        fill("\u{1F980}"),
        fill("\u{301}"),
        fill("e\u{301}\u{327}"),
        fill("\u{130}"),
        fill("\u{202E}"),
        fill("\u{FDFA}"),
        fill("\0"),
        fill("щщ"),
        fill("xq"),
        "qwertyuiop[]asdfghjkl;'zxcvbnm,./".repeat(31),
    ];
    let words: Vec<String> = (0..1000)
        .map(|number| match number % 4 {
            0 => "a".repeat(number + 3),
            1 => format!("{}b", "a".repeat(number)),
            2 => "1".repeat(number + 3),
            _ => "\u{FDFA}щ".repeat(number),
        })
        .collect();
    let portal = PasswordRules::public_portal();
    let begun = Instant::now();
    for text in &texts {
        let raw = secret(text);
        let _ = portal.judge(&Candidate { secret: &raw, words: &words });
    }
    let each = begun.elapsed() / u32::try_from(texts.len()).unwrap();
    println!("counted: hostile passwords of 1,024 bytes, {each:?} each, seed -, count {}", texts.len());
    assert!(each < Duration::from_millis(500), "{each:?}");
}
