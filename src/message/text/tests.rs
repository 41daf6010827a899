//! Every text of the library, in both languages: as people get it (snapshots under `tests/messages`), and by rule.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::templates::ALWAYS;
use super::*;
use crate::account::identifier::Identifier;
use crate::id::MessageId;
use crate::policy::Signal;

const LOCALES: [Locale; 2] = [Locale::En, Locale::Ru];
const PHONE: &str = "+79161234567";
const EMAIL: &str = "ivan@example.org";

/// What a text may be filled with. A parameter that is not here is unknown: a slip, or a new one, which belongs here.
const SAMPLES: &[(&str, &str)] = &[
    ("site", "Портал"),
    ("host", "portal.example"),
    ("at", "2026-11-26T14:05:09Z"),
    ("device", "Chrome 156, Windows"),
    ("address", "203.0.113.7"),
    ("code", "123456"),
    ("minutes", "5"),
    ("link", "https://portal.example/auth/link#k7Yw"),
    ("approves", "500,00 ₽, ГИБДД"),
    ("factor", "authenticator"),
    ("left", "2"),
    ("ready", "2026-11-29T14:05:09Z"),
    ("until", "2026-12-26T14:05:09Z"),
    ("objection", "https://portal.example/objection?o=AaBb"),
    ("why", "why"),
    ("old", "i•••@example.org"),
    ("new", "p•••@example.net"),
    ("main", "p•••@example.net"),
    ("contact", "i•••@example.org"),
];
/// These open something, so they stand in what was asked for, and in no notice. An `objection` only takes away.
const SECRET: [&str; 2] = ["code", "link"];
/// What the service itself did has no place that a person could know again.
const BY_THE_SERVICE: [&str; 5] =
    ["credential-temporary", "credential-compromised", "locked-by-desk", "unlocked", "closed"];

/// As a sender without texts of its own gets it.
fn render(message: &Message) -> Text {
    message.text()
}

fn message(template: &str, locale: Locale, to: &str, params: &[(&str, &str)]) -> Message {
    let title = |value: &str| {
        if locale == Locale::Ru { "приложение с кодами".into() } else { value.to_owned() }
    };
    let param = |(name, value): &(&str, &str)| {
        let why = || [Signal::NewBrowser, Signal::NewCountry].map(|signal| signal.text(locale)).join(", ");
        let value = match *name {
            "factor" => title(value),
            "why" => why(),
            _ => (*value).to_owned(),
        };
        (name.to_string().into(), value.into())
    };
    Message {
        id: MessageId::from_bytes([0; 16]),
        to: Identifier::parse(to).unwrap(),
        template: TemplateName::owned(template),
        locale,
        params: params.iter().map(param).collect(),
        push: false,
        templates: Arc::default(),
    }
}

fn with(changed: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let other = |name| changed.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
    SAMPLES.iter().map(|(name, value)| (*name, other(*name).unwrap_or(value))).collect()
}

fn all() -> impl Iterator<Item = (&'static Template, Locale)> {
    LIBRARY.iter().copied().flatten().flat_map(|template| LOCALES.map(|locale| (template, locale)))
}

impl Words {
    fn each(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let sms = self.sms.map(|text| ("sms", text));
        [("subject", self.subject), ("body", self.body)].into_iter().chain(sms)
    }
}

/// How many SMS a text takes (3GPP TS 23.040): 160 signs of GSM 03.38 or 70 of UCS-2, and 153 or 67 of each where there are
/// several.
fn parts(text: &str) -> usize {
    let plain = |sign: char| sign.is_ascii() && !"`[\\]^{|}~".contains(sign);
    let (one, each) = if text.chars().all(plain) { (160, 153) } else { (70, 67) };
    let length = text.encode_utf16().count();
    if length <= one { 1 } else { length.div_ceil(each) }
}

/// WICG origin-bound one-time codes: the last line is `@host #code` and nothing else.
#[test]
fn a_code_by_sms_is_bound_to_its_site_and_fits_into_one() {
    for locale in LOCALES {
        // A language that comes later belongs into the list.
        let (Locale::En | Locale::Ru) = locale;
        for (site, host, most) in [
            ("Портал", "portal.example", 1),
            ("Госуслуги", "lk.gosuslugi.ru", 1),
            ("Portal", "portal.example", 1),
            ("Портал государственных и муниципальных услуг", "lk.gosuslugi.example", 2),
        ] {
            let params = with(&[("site", site), ("host", host), ("approves", "")]);
            let text = render(&message("code-sms", locale, PHONE, &params)).body;
            let (before, last) = text.rsplit_once('\n').unwrap();
            assert_eq!(last, format!("@{host} #123456"));
            assert!(before.contains("123456") && before.contains(site), "{text}");
            assert!(parts(&text) <= most, "{} SMS: {text}", parts(&text));
        }
        let text = render(&message("already-registered", locale, PHONE, SAMPLES)).body;
        assert!(parts(&text) <= 2, "{text}");
    }
}

/// A notice says what happened, when, from where, and what to do; and opens nothing.
#[test]
fn each_notice_says_when_and_from_where_and_what_to_do_and_holds_no_secret() {
    for (template, locale) in all() {
        let faults = faults(template, locale);
        assert!(faults.is_empty(), "{}, {locale:?}: {faults:?}", template.name);
    }
}

/// The lint itself.
#[test]
fn what_a_notice_lacks_is_seen() {
    let notice = |body| Template::new("x", Topic::SignIn).en("{site}", body).ru("{site}", body);
    let whole = "{at}, {from}: it happened. If it was not you, turn to support.";
    for (body, lacks) in [
        (whole, &[][..]),
        ("{from}: it happened. If it was not you, turn to support.", &["when"]),
        ("[{at}, ]{from}: it happened. If it was not you, turn to support.", &["when"]),
        ("{at}: it happened. If it was not you, turn to support.", &["from where"]),
        ("{at}, {from}: it happened.", &["what to do"]),
        ("{at}, {from}: {code}. If it was not you, turn to support.", &["a secret in a notice"]),
        ("{at}, {from}: {link}. If it was not you, turn to support.", &["a secret in a notice"]),
        ("{at}, {from}: {wrod}. If it was not you, turn to support.", &["an unknown parameter"]),
        ("{at, {from}: it happened. If it was not you, turn to support.", &["does not read"]),
    ] {
        assert_eq!(faults(&notice(body), Locale::En), lacks, "{body}");
    }
    let subject = Template::new("x", Topic::Asked).en("{code}", whole);
    assert_eq!(faults(&subject, Locale::En), ["a secret that a locked screen shows"]);
}

fn faults(template: &Template, locale: Locale) -> Vec<&'static str> {
    let (Template { name, topic, .. }, words) = (template, template.words(locale));
    let mut faults = Vec::new();
    for (which, text) in words.each() {
        let Some(form) = Form::of(text, locale) else {
            faults.push("does not read");
            continue;
        };
        let params = form.params();
        let has = |param: &str| params.iter().any(|(used, _)| *used == param);
        let known = |(param, _): &(&str, bool)| {
            SAMPLES.iter().any(|(sample, _)| sample == param) || ALWAYS.contains(param)
        };
        let secret = SECRET.iter().any(|secret| has(secret));
        let told = |param| params.iter().any(|(used, left_out)| *used == param && !left_out);
        let service = if locale == Locale::Ru { "сервис" } else { "the service" };
        let by_service = BY_THE_SERVICE.contains(name) && text.contains(service);
        let what_to_do = match locale {
            Locale::En => ["If it was not", "if it was not", "If you did not", "Sign in and"],
            Locale::Ru => ["Если это не вы", "если это не вы", "Если входили не вы", "Если вы"],
        };
        let asks =
            text.contains("Войдите и задайте новый") || what_to_do.iter().any(|said| text.contains(said));
        // A subject, and an SMS of its own, say it in short.
        let whole = which == "body" && *name != "code-sms";
        let rules = [
            (params.iter().all(known), "an unknown parameter"),
            (!secret || *topic == Topic::Asked, "a secret in a notice"),
            (!secret || which != "subject", "a secret that a locked screen shows"),
            (!whole || told("at"), "when"),
            (!whole || told("from") || by_service, "from where"),
            (!whole || asks, "what to do"),
        ];
        faults.extend(rules.into_iter().filter(|(kept, _)| !kept).map(|(_, fault)| fault));
    }
    faults
}

/// Both languages of a text stand on the same parameters, and nothing in it looks like a slip.
#[test]
fn each_text_is_whole_in_both_languages() {
    let mut names = BTreeSet::new();
    for template in LIBRARY.iter().copied().flatten() {
        assert!(names.insert(template.name), "{} twice", template.name);
        let [en, ru] = LOCALES.map(|locale| {
            let own = |text| Form::of(text, locale).unwrap().params();
            let words = template.words(locale);
            let params = own(words.body).into_iter().chain(words.sms.map(own).unwrap_or_default());
            params.collect::<BTreeSet<_>>()
        });
        assert_eq!(en, ru, "{}", template.name);
    }
    for (template, locale) in all() {
        let name = template.name;
        // As much as there can be, and as little.
        for params in [with(&[]), with(&[("address", ""), ("approves", ""), ("device", "unknown")])] {
            for to in [EMAIL, PHONE] {
                let text = render(&message(name, locale, to, &params));
                for said in [&text.subject, &text.body] {
                    assert!(!said.trim().is_empty() && said.trim() == said, "{name}: {said:?}");
                    let slips = ["  ", " .", " ,", "..", ",,", "()", "{", "}", "[", "]", "|", " \n", ": ."];
                    assert!(!slips.iter().any(|slip| said.contains(slip)), "{name}: {said:?}");
                    let mut own: Vec<_> = params.iter().map(|(_, value)| *value).collect();
                    own.retain(|value| !value.is_empty());
                    own.sort_by_key(|value| std::cmp::Reverse(value.len()));
                    // What is left when the values and the names of standards are taken away is in the language.
                    let rest = own.iter().fold(said.clone(), |said, value| said.replace(*value, " "));
                    let rest = rest.replace("UTC", " ").replace("#", " ");
                    let foreign = |sign: char| match locale {
                        Locale::En => sign.is_alphabetic() && !sign.is_ascii(),
                        Locale::Ru => sign.is_ascii_alphabetic(),
                    };
                    assert!(!rest.chars().any(foreign), "{name}, {locale:?}: {rest:?}");
                }
                let most = if template.topic == Topic::Asked { 2 } else { MOST_PARTS };
                let long = to == PHONE && !name.ends_with("-email") && parts(&text.body) > most;
                assert!(!long, "{name}: {} SMS", parts(&text.body));
            }
        }
    }
}

#[test]
fn a_number_stands_with_its_word() {
    let held = |minutes: &'static str, locale| {
        render(&message("held", locale, EMAIL, &with(&[("minutes", minutes)]))).body
    };
    for (minutes, en, ru) in [
        ("1", "for 1 minute and", "на 1 минуту и"),
        ("2", "for 2 minutes and", "на 2 минуты и"),
        ("5", "for 5 minutes and", "на 5 минут и"),
        ("11", "for 11 minutes and", "на 11 минут и"),
        ("12", "for 12 minutes and", "на 12 минут и"),
        ("21", "for 21 minutes and", "на 21 минуту и"),
        ("22", "for 22 minutes and", "на 22 минуты и"),
        ("111", "for 111 minutes and", "на 111 минут и"),
        ("0", "for 0 minutes and", "на 0 минут и"),
    ] {
        assert!(held(minutes, Locale::En).contains(en), "{}", held(minutes, Locale::En));
        assert!(held(minutes, Locale::Ru).contains(ru), "{}", held(minutes, Locale::Ru));
    }
}

/// What a message tells came from outside, and is told as it is.
#[test]
fn a_value_is_never_read_as_a_text() {
    let params = with(&[("approves", "{code} [{link}] {minutes|a|b}")]);
    let body = render(&message("code-email", Locale::En, EMAIL, &params)).body;
    assert!(body.contains("It approves: {code} [{link}] {minutes|a|b}. "), "{body}");
}

#[test]
fn a_time_is_told_in_the_zone_that_the_application_names() {
    let mut new = message("new-browser", Locale::Ru, EMAIL, &with(&[("at", "2026-12-31T22:30:00Z")]));
    assert!(new.text().body.starts_with("31.12.2026 22:30 UTC: "), "{}", new.text().body);
    new.templates = Arc::new(Templates::default().zone(180, "MSK", "МСК"));
    assert!(new.text().body.starts_with("01.01.2027 01:30 МСК: "), "{}", new.text().body);
    new.locale = Locale::En;
    assert!(new.text().body.starts_with("2027-01-01 01:30 MSK: "), "{}", new.text().body);
}

#[test]
fn an_application_puts_its_own_in_their_place_and_a_slip_is_refused_at_the_start() {
    let own = Templates::default().with(
        "new-browser",
        Locale::En,
        "{site}!",
        "{at}[, {address}]: hello, {device}.",
    );
    let mut new = message("new-browser", Locale::En, EMAIL, &with(&[("address", "")]));
    new.templates = Arc::new(own.checked().unwrap());
    assert_eq!(
        (new.text().subject, new.text().body),
        ("Портал!".to_owned(), "2026-11-26 14:05 UTC: hello, Chrome 156, Windows.".to_owned(),)
    );
    // The other language is still the library's.
    new.locale = Locale::Ru;
    assert!(new.text().body.contains("вход, Chrome 156, Windows."));
    for slip in [
        "{at",
        "at}",
        "[{at}",
        "{at}]",
        "{}",
        "{At}",
        "{minutes|minute}",
        "{minutes|a|b|c}",
        "{code}",
        "{word}",
    ] {
        let templates = Templates::default().with("held", Locale::En, "", slip);
        assert!(matches!(templates.checked(), Err(crate::error::Broken::Misuse(_))), "{slip}");
    }
    // A factor's own message has the parameters that its factor says.
    assert!(Templates::default().with("pager", Locale::En, "", "{word}").checked().is_ok());
}

/// As people get them. After a change: look at the difference that `PROPUSK_WRITE=1` makes, then commit it.
#[test]
fn every_text_stands_in_a_snapshot() {
    let at = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/messages");
    let mut kept: BTreeSet<_> = std::fs::read_dir(&at)
        .map(|found| found.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
        .unwrap_or_default();
    let (write, mut wrong) = (std::env::var_os("PROPUSK_WRITE").is_some(), Vec::new());
    for (template, locale) in all() {
        let (name, file) = (template.name, format!("{}.{}.txt", template.name, locale.tag()));
        let letter = render(&message(name, locale, EMAIL, SAMPLES));
        let mut text = format!("{}\n\n{}\n", letter.subject, letter.body);
        let params = with(&[("address", ""), ("approves", ""), ("device", "unknown")]);
        let least = render(&message(name, locale, EMAIL, &params)).body;
        if least != letter.body {
            text.push_str(&format!("\n--- where little is known\n{least}\n"));
        }
        let sms = render(&message(name, locale, PHONE, SAMPLES)).body;
        if sms != letter.body {
            text.push_str(&format!("\n--- by SMS\n{sms}\n"));
        }
        kept.remove(&file);
        if write {
            std::fs::create_dir_all(&at).unwrap();
            std::fs::write(at.join(&file), text).unwrap();
        } else if std::fs::read_to_string(at.join(&file)).ok().as_ref() != Some(&text) {
            wrong.push(file);
        }
    }
    assert!(wrong.is_empty(), "not as in tests/messages: {wrong:?}");
    assert!(kept.is_empty(), "of no template: {kept:?}");
}

/// So many SMS are handed on as one by every network.
const MOST_PARTS: usize = 5;
