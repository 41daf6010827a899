//! What is said of the ways to sign in that somebody has: their names, what becomes of them, trusted browsers, backup
//! codes; and what is asked before something is approved.

use crate::asks::Ask;
use crate::drafts::Way;

/// One language.
#[derive(Debug)]
pub struct Ways {
    // Each of them on the page about security.
    /// What has no name of its own: a password, a code by message, an application, a token, a list, a key, a link.
    pub unnamed: [&'static str; 7],
    pub added: &'static str,
    pub used: &'static str,
    pub never_used: &'static str,
    pub works: &'static str,
    pub used_up: &'static str,
    pub rename: &'static str,
    pub remove: &'static str,
    pub set_password: &'static str,
    pub password_set: &'static str,
    // Naming one.
    pub name: &'static str,
    pub name_new: &'static str,
    pub name_label: &'static str,
    pub name_hint: &'static str,
    pub name_bad: &'static str,
    pub name_save: &'static str,
    pub name_gone: &'static str,
    pub renamed: &'static str,
    /// A suggestion for an application.
    pub app: &'static str,
    // Taking one away.
    pub remove_title: &'static str,
    pub remove_what: &'static str,
    pub remove_lead: &'static str,
    pub remove_sessions: &'static str,
    pub remove_browsers: &'static str,
    pub remove_told: &'static str,
    pub removed: &'static str,
    // Backup codes.
    pub codes_none: &'static str,
    pub codes_few: &'static str,
    pub codes_download: &'static str,
    pub codes_print: &'static str,
    pub codes_file: &'static str,
    pub codes_next: &'static str,
    pub later: &'static str,
    // The end of adding one.
    pub done: &'static str,
    pub done_lead: &'static str,
    pub done_codes: &'static str,
    pub go_on: &'static str,
    // A sign-in for which the account has too little.
    pub duty: &'static str,
    pub duty_lead: &'static str,
    // Home.
    pub reminder: &'static str,
    pub reminder_lead: &'static str,
    pub reminder_do: &'static str,
    pub not_now: &'static str,
    // Why a proof is asked for.
    pub why: [&'static str; 4],
    pub approves: &'static str,
    // A token with a button.
    pub next_code: &'static str,
    pub next_code_hint: &'static str,
    // Trust.
    pub trust_hint: &'static str,
    pub trust_used: &'static str,
    pub trusted_until: &'static str,
}

impl Ways {
    /// What one without a name is called.
    pub fn unnamed(&self, ask: Ask) -> &'static str {
        let [password, message, app, token, paper, key, link] = self.unnamed;
        match ask {
            Ask::Password => password,
            Ask::Message => message,
            Ask::App => app,
            Ask::Token => token,
            Ask::Paper => paper,
            Ask::Key => key,
            Ask::Link => link,
        }
    }

    /// Why a signed-in person is asked to prove something once more.
    pub fn why(&self, way: Way) -> &'static str {
        let [enrol, remove, extract, fine] = self.why;
        match way {
            Way::Enrol => enrol,
            Way::Remove => remove,
            Way::Extract => extract,
            Way::Fine => fine,
            _ => "",
        }
    }
}

pub(super) static RU: Ways = Ways {
    unnamed: [
        "Пароль",
        "Код из сообщения",
        "Приложение с кодами",
        "Генератор кодов",
        "Список кодов",
        "Ключ доступа",
        "Ссылка из письма",
    ],
    added: "Добавлено",
    used: "последнее использование",
    never_used: "ещё не использовалось",
    works: "Работает",
    used_up: "Использованы все",
    rename: "Переименовать",
    remove: "Удалить",
    set_password: "Задать пароль",
    password_set: "Пароль задан. Теперь им можно входить.",
    name: "Название",
    name_new: "Как это назвать?",
    name_label: "Название",
    name_hint: "Чтобы отличить от других, например «Телефон»; до 40 знаков",
    name_bad: "Введите название до 40 знаков, без невидимых символов.",
    name_save: "Сохранить",
    name_gone: "Этого способа входа в списке уже нет.",
    renamed: "Название изменено.",
    app: "Телефон",
    remove_title: "Удалить этот способ входа?",
    remove_what: "Что удаляется",
    remove_lead: "Войти с его помощью больше не получится. Чтобы вернуть его, придётся добавлять заново.",
    remove_sessions: "Все остальные сеансы завершатся. Здесь вы останетесь в кабинете.",
    remove_browsers: "Остальные браузеры перестанут быть знакомыми, и второй шаг спросят везде.",
    remove_told: "На ваши контакты придёт сообщение об этом.",
    removed: "Способ входа удалён. Все остальные сеансы завершены.",
    codes_none: "Резервных кодов не осталось",
    codes_few: "Создайте новые, пока есть чем войти: прежние после этого перестанут действовать.",
    codes_download: "Скачать файлом",
    codes_print: "Распечатать",
    codes_file: "Резервные коды. Каждый — на один раз. Храните отдельно от пароля.",
    codes_next: "Название сохранено. Последний шаг — резервные коды на случай потери.",
    later: "Сделаю позже",
    done: "Всё готово",
    done_lead: "Теперь вход можно подтвердить так:",
    done_codes: "Резервных кодов пока нет. Без них потерянный телефон может закрыть вход.",
    go_on: "Продолжить",
    duty: "Добавьте второй шаг",
    duty_lead: "Пароль верен, но одного пароля для входа сюда мало. Выберите, чем ещё вы будете подтверждать вход: добавите его сейчас, и вход завершится.",
    reminder: "Второй шаг — только код в сообщении",
    reminder_lead: "Без телефона или доступа к почте войти не получится, а сообщение можно перехватить. Приложение с кодами или ключ доступа надёжнее.",
    reminder_do: "Добавить способ",
    not_now: "Не сейчас",
    why: [
        "Прежде чем что-то добавить, убедимся, что это вы.",
        "Прежде чем что-то удалить, убедимся, что это вы.",
        "В этот раз вы вошли в один шаг. Для выписки подтвердите, что это вы.",
        "Платёж пройдёт, когда его подтвердите вы. Пока ничего не списано.",
    ],
    approves: "Вы подтверждаете",
    next_code: "Следующий код",
    next_code_hint: "Только если первый не подошёл: нажмите кнопку ещё раз и введите оба кода подряд",
    trust_hint: "Только на своём устройстве. Важные действия всё равно попросят подтверждения.",
    trust_used: "второй шаг не спрашивали: доверенный браузер",
    trusted_until: "Второй шаг здесь не спрашивают до",
};

pub(super) static EN: Ways = Ways {
    unnamed: [
        "Password",
        "Code by message",
        "Authenticator application",
        "Code token",
        "List of codes",
        "Passkey",
        "Link by e-mail",
    ],
    added: "Added",
    used: "last used",
    never_used: "not used yet",
    works: "Works",
    used_up: "All used",
    rename: "Rename",
    remove: "Remove",
    set_password: "Set a password",
    password_set: "The password is set. From now on you can sign in with it.",
    name: "Name",
    name_new: "What shall it be called?",
    name_label: "Name",
    name_hint: "To tell it from others, for example \"My phone\"; up to 40 characters",
    name_bad: "Enter a name of up to 40 characters, without hidden ones.",
    name_save: "Save",
    name_gone: "That way to sign in is not in the list any more.",
    renamed: "The name is changed.",
    app: "My phone",
    remove_title: "Remove this way to sign in?",
    remove_what: "What is removed",
    remove_lead: "You will no longer be able to sign in with it. To have it back, you would have to add it anew.",
    remove_sessions: "All your other sessions end. You stay signed in here.",
    remove_browsers: "Other browsers are no longer known, and a second step is asked for everywhere.",
    remove_told: "A message about it goes to your contacts.",
    removed: "The way to sign in is removed. All other sessions have ended.",
    codes_none: "No backup codes are left",
    codes_few: "Make new ones while you can sign in: the earlier ones stop working then.",
    codes_download: "Download as a file",
    codes_print: "Print",
    codes_file: "Backup codes. Each works once. Keep them away from your password.",
    codes_next: "The name is saved. The last step: backup codes, for the day when it is lost.",
    later: "I will do it later",
    done: "All set",
    done_lead: "You can now sign in with:",
    done_codes: "There are no backup codes yet. Without them a lost phone may shut you out.",
    go_on: "Continue",
    duty: "Add a second step",
    duty_lead: "Your password is right, but it takes more than a password to sign in here. Choose what else you will confirm a sign-in with: you add it now, and you are signed in.",
    reminder: "Your second step is a code by message only",
    reminder_lead: "Without your phone or mailbox you cannot get in, and a message can be intercepted. An authenticator application or a passkey is safer.",
    reminder_do: "Add one",
    not_now: "Not now",
    why: [
        "Before something is added to your account, we make sure that it is you.",
        "Before something is removed from your account, we make sure that it is you.",
        "This time you signed in in one step. Confirm that it is you to order the extract.",
        "The payment is made once you have confirmed it. Nothing is charged yet.",
    ],
    approves: "You approve",
    next_code: "The code after it",
    next_code_hint: "Only if the first was not accepted: press the button once more and enter both codes in a row",
    trust_hint: "Only on a device of your own. Important operations still ask for it.",
    trust_used: "no second step asked: a trusted browser",
    trusted_until: "No second step is asked for here until",
};
