//! Rules in words: what is wanted, and how to do better.

use super::Rule;
use crate::message::Locale;

impl Rule {
    /// What the rule wants and how to keep it, as one sentence or two for a person. `None` for a rule of an
    /// application's own: it has its own words.
    #[must_use]
    pub fn text(&self, locale: Locale) -> Option<String> {
        let number = self.params.values().next().copied().unwrap_or_default();
        match locale {
            Locale::En => english(self.rule.as_str(), number),
            Locale::Ru => russian(self.rule.as_str(), number),
        }
    }
}

fn english(rule: &str, number: u64) -> Option<String> {
    Some(match rule {
        "too_short" => format!("Use at least {number} characters. A few words with spaces are easy to remember."),
        "too_long" => format!("Use no more than {number} bytes: as many Latin letters, half as many Russian ones."),
        "not_text" => "Type text: these bytes are none.".into(),
        "no_upper" => "Add a capital letter, best not at the beginning.".into(),
        "no_lower" => "Add a small letter: not all of them capitals.".into(),
        "no_digit" => "Add a digit, best inside and not at the end.".into(),
        "no_special" => "Add a sign such as a space, a dash or a comma.".into(),
        "keyboard" => format!(
            "Avoid {number} keys that lie side by side (qwerty, йцукен, 12345), on any layout and in any direction. \
             Break the run, or choose words instead."
        ),
        "sequence" => format!(
            "Avoid {number} signs in the order of the alphabet or of counting (abcde, 6789). Break the order, or \
             choose words instead."
        ),
        "repeated" => {
            format!("Do not use one sign {number} times in a row, nor a short piece again and again. Vary it.")
        }
        "common" => {
            "Many people use this or nearly this, so it is tried first. Take several words that do not belong together."
                .into()
        }
        "context" => {
            "Leave out your name, birth date, phone, address and the name of this site: who knows you tries them. If \
             one stays, add at least eight other characters."
                .into()
        }
        "same" => "This is your present password. Choose another one.".into(),
        "reused" if number < 2 => "You have had this password before. Choose a new one.".into(),
        "reused" => format!("You have had this password: it is one of the last {number}. Choose a new one."),
        "breached" => {
            "This password is known from a leak elsewhere. Choose another one, and change it where else you use it."
                .into()
        }
        "weak" => "This is easy to guess. Add a word or two that do not belong together.".into(),
        _ => return None,
    })
}

fn russian(rule: &str, number: u64) -> Option<String> {
    Some(match rule {
        "too_short" => format!(
            "Нужно не меньше {number} {}. Несколько слов через пробел легко запомнить.",
            genitive(number, "символа", "символов")
        ),
        "too_long" => format!(
            "Нужно не больше {number} {}: столько же латинских букв или вдвое меньше русских.",
            genitive(number, "байта", "байт")
        ),
        "not_text" => "Введите текст: это не он.".into(),
        "no_upper" => "Добавьте заглавную букву, лучше не в начале.".into(),
        "no_lower" => "Добавьте строчную букву: не все заглавные.".into(),
        "no_digit" => "Добавьте цифру, лучше в середине, а не в конце.".into(),
        "no_special" => "Добавьте знак: пробел, дефис, запятую.".into(),
        "keyboard" => format!(
            "Избегайте {number} {} подряд (qwerty, йцукен, 12345) в любой раскладке и в любую сторону. Прервите ряд \
             или возьмите слова.",
            genitive(number, "соседней клавиши", "соседних клавиш")
        ),
        "sequence" => format!(
            "Избегайте {number} {} в порядке алфавита или счёта (абвгд, 6789). Прервите порядок или возьмите слова.",
            genitive(number, "знака", "знаков")
        ),
        "repeated" => format!(
            "Не повторяйте один знак {number} {} подряд, как и короткий кусок снова и снова. Сделайте разнообразнее.",
            if matches!(number % 10, 2..=4) && !matches!(number % 100, 12..=14) { "раза" } else { "раз" }
        ),
        "common" => {
            "Такой или почти такой пароль у многих, его пробуют первым. Возьмите несколько слов, не связанных между \
             собой."
                .into()
        }
        "context" => {
            "Уберите имя, дату рождения, телефон, адрес и название сайта: их пробует тот, кто вас знает. Если что-то \
             осталось, добавьте ещё не меньше восьми других знаков."
                .into()
        }
        "same" => "Это ваш нынешний пароль. Придумайте другой.".into(),
        "reused" if number < 2 => "Этот пароль у вас уже был. Придумайте новый.".into(),
        "reused" => format!(
            "Этот пароль у вас уже был: он среди {number} последних. Придумайте новый."
        ),
        "breached" => {
            "Этот пароль известен из утечки с другого сайта. Придумайте другой и смените его везде, где он у вас стоит."
                .into()
        }
        "weak" => "Это легко подобрать. Добавьте слово-другое, не связанное с остальными.".into(),
        _ => return None,
    })
}

fn genitive<'a>(number: u64, one: &'a str, many: &'a str) -> &'a str {
    if number % 10 == 1 && number % 100 != 11 { one } else { many }
}
