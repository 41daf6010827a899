//! Numbers and grammar; and what holds for all texts: both languages say the same things, every gap is filled, nothing
//! is left in the other language, and no template has words of its own. Files are read from the tree, so what is added
//! is looked at as well.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;

#[test]
fn russian_numbers_have_three_forms() {
    let ru = Texts::of(Locale::Ru);
    let said = |seconds| ru.span(Duration::from_secs(seconds));
    assert_eq!(said(1), "1 секунду");
    assert_eq!(said(3), "3 секунды");
    assert_eq!(said(11), "11 секунд");
    assert_eq!(said(300), "5 минут");
    assert_eq!(said(61 * 20 + 1), "21 минуту");
    assert_eq!(said(22 * 60), "22 минуты");
    assert_eq!(said(12 * 60), "12 минут");
    assert_eq!(said(3 * 3600), "3 часа");
}

#[test]
fn nobody_is_told_to_come_back_too_early() {
    let en = Texts::of(Locale::En);
    assert_eq!(en.span(Duration::from_millis(59_001)), "60 seconds");
    assert_eq!(en.span(Duration::from_secs(241)), "5 minutes");
    assert_eq!(en.span(Duration::ZERO), "1 second");
}

#[test]
fn rules_are_told_with_their_numbers() {
    let rules = propusk::Profile::public_portal().password.hints();
    let said: Vec<_> = rules.iter().map(|rule| Texts::of(Locale::Ru).rule(rule)).collect();
    assert!(said.iter().any(|text| text.contains("8 символов")), "{said:?}");
    let said: Vec<_> = rules.iter().map(|rule| Texts::of(Locale::En).rule(rule)).collect();
    assert!(said.iter().any(|text| text.contains("8 characters")), "{said:?}");
}

/// Words of the other alphabet that are right as they are: names, and the switch of the language.
const FOREIGN: &str = "Русский English propusk UTC Caps Lock JavaScript FreeOTP Aegis QR CSV IP SMS name example org \
                       qwerty йцукен абвгд";

#[test]
fn nothing_is_left_in_the_other_language() {
    let mut wrong = Vec::new();
    for text in texts() {
        let foreign = |letter: char| match text.language {
            Locale::Ru => letter.is_ascii_alphabetic(),
            _ => is_cyrillic(letter),
        };
        let said = cut(&text.said, "{", "}").replace("\\n", " ");
        let words = said.split(|sign: char| !sign.is_alphabetic()).filter(|word| word.contains(foreign));
        for word in words.filter(|word| !FOREIGN.split(' ').any(|right| right == *word)) {
            wrong.push(format!("{}: `{word}` in `{}`", text.at, text.said));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn both_languages_have_the_same_keys_and_the_same_gaps() {
    let mut sides: [BTreeMap<String, BTreeSet<String>>; 2] = [BTreeMap::new(), BTreeMap::new()];
    for text in texts() {
        // What stands in `texts.rs` itself is one function for both; grammar has helpers of its own, without a pattern.
        if !text.at.starts_with("texts.rs") && !text.key.ends_with(' ') {
            let side = usize::from(text.language != Locale::Ru);
            // The compiler sees to the gaps of a format string.
            let gaps = if text.formatted { BTreeSet::new() } else { gaps(&text.said) };
            sides[side].entry(text.key).or_default().extend(gaps);
        }
    }
    let [ru, en] = sides;
    assert!(ru.len() > 150, "the texts are not found: {}", ru.len());
    for (key, gaps) in &ru {
        assert_eq!(en.get(key), Some(gaps), "English has no `{key}`, or with other gaps");
    }
    for key in en.keys() {
        assert!(ru.contains_key(key), "Russian has no `{key}`");
    }
    let ways = |locale| Texts::of(locale).ways_in.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    assert_eq!(ways(Locale::Ru), ways(Locale::En));
}

/// A gap in a text that is no format string is filled by a script, which has to know it.
#[test]
fn every_gap_is_filled() {
    let scripts: String = files("js").iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    for text in texts().iter().filter(|text| !text.formatted) {
        for gap in gaps(&text.said) {
            assert!(
                scripts.contains(&format!("\"{gap}\"")),
                "{}: nobody fills {gap} in `{}`",
                text.at,
                text.said
            );
        }
    }
}

#[test]
fn templates_have_no_words_of_their_own() {
    let mut wrong = Vec::new();
    let templates = files("html");
    assert!(templates.len() > 15, "the templates are not found");
    for path in templates {
        let source = fs::read_to_string(&path).unwrap();
        let page = cut(&cut(&cut(&source, "{#", "#}"), "{%", "%}"), "{{", "}}");
        for attribute in ["alt", "aria-label", "aria-description", "label", "placeholder", "summary", "title"]
        {
            for rest in page.split(&format!(" {attribute}=\"")).skip(1) {
                let value = rest.split('"').next().unwrap_or_default();
                if value.contains(char::is_alphabetic) {
                    wrong.push(format!("{}: {attribute}=\"{value}\"", path.display()));
                }
            }
        }
        for line in cut(&page.replace("<!doctype html>", ""), "<", ">").lines() {
            if line.contains(char::is_alphabetic) {
                wrong.push(format!("{}: {}", path.display(), line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A scanner that finds nothing passes everything.
#[test]
fn the_lint_sees_what_it_is_for() {
    let source = r#"
        static RU: T = T { one: "раз \"два\"", list: &[("name", Way { lead: "три" })] }; // "no"
        fn said<'a>(name: &'a str) { match name { ("x" | "y", true) => format!("{n} pages", number("n")), 'z' => "" } }
        fn both(l: Locale) { match l { Locale::Ru => "по-русски", _ => "in English" } }
        fn pair(n: &str) { match n { "a" => ("раз", "one"), _ => ("два", "two") } }
    "#;
    let found = texts_of("texts/new.rs", source);
    let found: Vec<_> = found
        .iter()
        .map(|text| (text.language == Locale::Ru, text.key.as_str(), text.said.as_str(), text.formatted))
        .collect();
    assert_eq!(
        found,
        [
            (true, "one", "раз \\\"два\\\"", false),
            (true, "lead", "три", false),
            (false, "said x y true", "{n} pages", true),
            (false, "said ", "", false),
            (true, "both ", "по-русски", false),
            (false, "both ", "in English", false),
            (true, "pair a", "раз", false),
            (false, "pair a", "one", false),
            (true, "pair ", "два", false),
            (false, "pair ", "two", false),
        ]
    );
    assert_eq!(gaps("{typed} of {}"), BTreeSet::from(["{typed}".to_owned(), "{}".to_owned()]));
    assert_eq!(cut("<p>a</p>b", "<", ">"), "ab");
}

/// A text of one language, from the source.
#[derive(Debug)]
struct Text {
    at: String,
    language: Locale,
    /// The field, or the function and the pattern, that it belongs to.
    key: String,
    said: String,
    /// Whether it is a format string: the compiler sees to its gaps.
    formatted: bool,
}

fn texts() -> Vec<Text> {
    let sources = files("rs").into_iter().filter(|path| !path.ends_with("tests.rs"));
    let named = sources.map(|path| (path.strip_prefix(home()).unwrap().display().to_string(), path));
    let ours = named.filter(|(name, _)| name.starts_with("texts"));
    ours.flat_map(|(name, path)| texts_of(&name, &fs::read_to_string(path).unwrap())).collect()
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    Word(String),
    Sign(char),
}

/// The texts of one file. Patterns and names that a program compares are none.
fn texts_of(file: &str, source: &str) -> Vec<Text> {
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let pieces = pieces(source);
    let sign =
        |at: usize, wanted: char| matches!(pieces.get(at), Some((_, Piece::Sign(sign))) if *sign == wanted);
    let word = |at: usize| match pieces.get(at) {
        Some((_, Piece::Word(word))) => word.as_str(),
        _ => "",
    };
    let named = |at: usize| at > 0 && matches!(word(at - 1), "static" | "const");
    let arrow = |at: usize| sign(at, '=') && sign(at + 1, '>');
    // `ru.rs`, `portal/ru.rs`, `ru/portal.rs`. In a file for both, a table or an arm names the language.
    let of = |language: &str| file.split(['/', '.']).any(|part| part == language);
    let table = if of("ru") { Locale::Ru } else { Locale::En };
    let both = !of("ru") && !of("en");
    let (mut language, mut function, mut key) = (table, String::new(), String::new());
    let (mut found, mut pattern_ends) = (Vec::new(), 0);
    for (at, (line, piece)) in pieces.iter().enumerate() {
        match piece {
            Piece::Word(name) if at > 0 && word(at - 1) == "fn" => {
                function = format!("{name} ");
                (language, key) = (table, function.clone());
            }
            Piece::Word(name) if named(at) && name == "RU" => language = Locale::Ru,
            Piece::Word(name) if named(at) && name == "EN" => language = Locale::En,
            Piece::Word(name) if sign(at + 1, ':') && !sign(at + 2, ':') && function.is_empty() => {
                key.clone_from(name);
            }
            Piece::Sign('=') if arrow(at) => {
                if both {
                    let names_russian = (at.saturating_sub(3)..at).any(|before| word(before) == "Ru");
                    language = if names_russian { Locale::Ru } else { Locale::En };
                }
                if at > pattern_ends {
                    key.clone_from(&function);
                }
            }
            Piece::Text(said) => {
                if at < pattern_ends {
                    continue;
                }
                // `"x" =>`, `("x", true) =>`, `"x" | "y" =>`: up to the arrow all is simple, no comma is outside.
                let simple =
                    |piece: &Piece| !matches!(piece, Piece::Sign('=' | '{' | '}' | '(' | '[' | ';' | '!'));
                let end = (at + 1..pieces.len()).find(|end| !simple(&pieces[*end].1)).unwrap_or(at);
                let closed = (at..end).find(|end| sign(*end, ')')).unwrap_or(at);
                if arrow(end) && !(closed..end).any(|comma| sign(comma, ',')) {
                    let names = pieces[at..end].iter().filter_map(|(_, piece)| match piece {
                        Piece::Text(text) | Piece::Word(text) => Some(text.as_str()),
                        Piece::Sign(_) => None,
                    });
                    key = format!("{function}{}", names.collect::<Vec<_>>().join(" "));
                    pattern_ends = end;
                    continue;
                }
                let compared = at > 1 && sign(at - 1, '=') && sign(at - 2, '=');
                let asked_for = at > 1 && sign(at - 1, '(') && word(at - 2) == "number";
                let names_a_row = sign(at + 1, ',') && !word(at + 2).is_empty() && sign(at + 3, '{');
                if !(compared || asked_for || names_a_row) {
                    let formatted = at > 1 && sign(at - 1, '(') && sign(at - 2, '!');
                    // A pair: Russian, English.
                    let text = |at: usize| matches!(pieces.get(at), Some((_, Piece::Text(_))));
                    let pair = |at: usize| sign(at, '(') && text(at + 1) && sign(at + 2, ',') && text(at + 3);
                    let language = match () {
                        () if both && pair(at.wrapping_sub(1)) => Locale::Ru,
                        () if both && pair(at.wrapping_sub(3)) => Locale::En,
                        () => language,
                    };
                    let (at, key, said) = (format!("{file}:{line}"), key.clone(), said.clone());
                    found.push(Text { at, language, key, said, formatted });
                }
            }
            _ => {}
        }
    }
    found
}

/// Texts, words and signs with their lines; comments and characters left out.
fn pieces(source: &str) -> Vec<(usize, Piece)> {
    let signs: Vec<char> = source.chars().collect();
    let (mut pieces, mut at, mut line) = (Vec::new(), 0, 1);
    while let Some(&sign) = signs.get(at) {
        let start = at;
        at += 1;
        match sign {
            '\n' => line += 1,
            '/' if signs.get(at) == Some(&'/') => {
                while signs.get(at).is_some_and(|sign| *sign != '\n') {
                    at += 1;
                }
            }
            '\'' if signs.get(at + 1) == Some(&'\'') => at += 2,
            '"' => {
                while signs.get(at).is_some_and(|sign| *sign != '"') {
                    at += if signs[at] == '\\' { 2 } else { 1 };
                }
                let text: String = signs[start + 1..at].iter().collect();
                let lines = text.matches('\n').count();
                pieces.push((line, Piece::Text(text)));
                line += lines;
                at += 1;
            }
            _ if sign.is_alphanumeric() || sign == '_' => {
                while signs.get(at).is_some_and(|sign| sign.is_alphanumeric() || *sign == '_') {
                    at += 1;
                }
                pieces.push((line, Piece::Word(signs[start..at].iter().collect())));
            }
            _ if sign.is_whitespace() => {}
            _ => pieces.push((line, Piece::Sign(sign))),
        }
    }
    pieces
}

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/cabinet")
}

/// The portal's files of a kind, in all its folders.
fn files(ending: &str) -> Vec<PathBuf> {
    let (mut folders, mut found) = (vec![home()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|is| is == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn gaps(text: &str) -> BTreeSet<String> {
    let rests = text.split('{').skip(1);
    rests.filter_map(|rest| rest.split_once('}')).map(|(name, _)| format!("{{{name}}}")).collect()
}

/// Without all that stands between these two, and them.
fn cut(text: &str, from: &str, to: &str) -> String {
    let mut pieces = text.split(from);
    let mut left = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        left.push_str(piece.split_once(to).map_or("", |(_, rest)| rest));
    }
    left
}

fn is_cyrillic(letter: char) -> bool {
    matches!(letter, '\u{400}'..='\u{4ff}')
}
