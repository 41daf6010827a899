//! What the frame and the help with typing say: the menu, hints beside fields, a new password while it is typed.
//!
//! A script writes some of it. What stands in braces there is filled by the script: `{typed}`.

/// One language.
#[derive(Debug)]
pub struct Front {
    pub menu: &'static str,
    pub close: &'static str,
    // Beside any field.
    pub show: &'static str,
    pub hide: &'static str,
    pub caps_lock: &'static str,
    /// Cyrillic where Latin is wanted, and the other way about; with what the same keys would have written.
    pub wants_latin: &'static str,
    pub wants_russian: &'static str,
    /// A password is not repeated on the screen.
    pub russian_secret: &'static str,
    // A new password.
    pub kept: &'static str,
    pub missing: &'static str,
    pub not_yet: &'static str,
    pub fits: &'static str,
    pub looked_at_later: &'static str,
    pub strength: &'static str,
    /// From 0 to 4.
    pub strengths: [&'static str; 5],
    pub suggest: &'static str,
    pub suggested: &'static str,
    pub suggestion: &'static str,
    pub suggestion_lead: &'static str,
    pub suggestion_other: &'static str,
    pub suggestion_back: &'static str,
    // Before a registration or a recovery.
    pub not_checked: &'static str,
    pub working: &'static str,
    pub without_scripts: &'static str,
}

pub(super) static RU: Front = Front {
    menu: "Меню",
    close: "Закрыть",
    show: "Показать",
    hide: "Скрыть",
    caps_lock: "Включён Caps Lock: буквы будут заглавными.",
    wants_latin: "Похоже, включена русская раскладка. На английской это было бы: {typed}",
    wants_russian: "Похоже, включена английская раскладка. На русской это было бы: {typed}",
    russian_secret: "Здесь есть русские буквы. Если ваш пароль из латинских, переключите раскладку.",
    kept: "выполнено",
    missing: "ещё нет",
    not_yet: "Ещё не выполнено:",
    fits: "Пароль подходит.",
    looked_at_later: "проверим при сохранении",
    strength: "Надёжность:",
    strengths: ["очень низкая", "низкая", "средняя", "хорошая", "высокая"],
    suggest: "Предложить пароль",
    suggested: "Пароль предложен и показан. Запишите его или сохраните в браузере.",
    suggestion: "Предложенный пароль",
    suggestion_lead: "Скопируйте его или запишите, вернитесь и вставьте. Больше он нигде не появится.",
    suggestion_other: "Предложить другой",
    suggestion_back: "Вернуться и вставить",
    not_checked: "Короткая проверка этого браузера ещё не закончена. Подождите несколько секунд и отправьте ещё раз.",
    working: "Ваше устройство заканчивает короткую проверку. Форма отправится сама через пару секунд.",
    without_scripts: "В этом браузере отключены сценарии (JavaScript), поэтому вместо короткого вычисления мы ждём десять секунд: \
                      программе, которая отправляет такие формы тысячами, это невыгодно. Подождите и нажмите кнопку ещё раз.",
};

pub(super) static EN: Front = Front {
    menu: "Menu",
    close: "Close",
    show: "Show",
    hide: "Hide",
    caps_lock: "Caps Lock is on: letters will be capitals.",
    wants_latin: "Your keyboard seems to be in the Russian layout. In the English one this would be: {typed}",
    wants_russian: "Your keyboard seems to be in the English layout. In the Russian one this would be: {typed}",
    russian_secret: "There are Russian letters in it. If your password has Latin ones, switch the keyboard.",
    kept: "done",
    missing: "not yet",
    not_yet: "Not yet:",
    fits: "This password will do.",
    looked_at_later: "looked at when you save it",
    strength: "Strength:",
    strengths: ["very low", "low", "fair", "good", "high"],
    suggest: "Suggest a password",
    suggested: "A password is filled in and shown. Write it down, or let the browser keep it.",
    suggestion: "A password for you",
    suggestion_lead: "Copy it or write it down, go back and paste it. It will not be shown anywhere again.",
    suggestion_other: "Suggest another",
    suggestion_back: "Back, to paste it",
    not_checked: "A short check of this browser is not done yet. Wait a few seconds and send it again.",
    working: "Your device is finishing a short check. The form is sent by itself in a second or two.",
    without_scripts: "Scripts (JavaScript) are off in this browser, so instead of a short computation we wait ten seconds: that does \
                      not pay for a program which sends such forms by the thousand. Wait, and press the button again.",
};
