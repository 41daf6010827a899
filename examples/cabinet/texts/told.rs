//! What an account was told, and what it wants to be told of.

use propusk::message::{Channel, Topic};

/// One language.
#[derive(Debug)]
pub struct ToldTexts {
    pub messages: &'static str,
    pub messages_lead: &'static str,
    pub none: &'static str,
    pub to_messages: &'static str,
    pub to_preferences: &'static str,
    pub preferences: &'static str,
    pub preferences_lead: &'static str,
    /// The words over the first column, and over the last.
    pub about: &'static str,
    pub here: &'static str,
    pub always: &'static str,
    pub sign_in: &'static str,
    pub sign_in_lead: &'static str,
    pub credentials: &'static str,
    pub credentials_lead: &'static str,
    pub account: &'static str,
    pub account_lead: &'static str,
    pub other: &'static str,
    pub email: &'static str,
    pub sms: &'static str,
    pub push: &'static str,
    pub why_account: &'static str,
    pub why_one: &'static str,
    pub why_here: &'static str,
    pub why_told: &'static str,
    pub save: &'static str,
    pub saved: &'static str,
    pub one_stays: &'static str,
}

impl ToldTexts {
    /// A group of events, and what belongs to it.
    pub fn topic(&self, topic: Topic) -> (&'static str, &'static str) {
        match topic {
            Topic::SignIn => (self.sign_in, self.sign_in_lead),
            Topic::Credentials => (self.credentials, self.credentials_lead),
            Topic::Account => (self.account, self.account_lead),
            _ => (self.other, ""),
        }
    }

    pub fn channel(&self, channel: Channel) -> &'static str {
        match channel {
            Channel::Email => self.email,
            Channel::Sms => self.sms,
            _ => self.push,
        }
    }
}

pub(super) static RU: ToldTexts = ToldTexts {
    messages: "Уведомления",
    messages_lead: "Что мы сообщали вам о вашей учётной записи, сначала новое. Кодов и ссылок для входа здесь не бывает.",
    none: "Уведомлений пока нет.",
    to_messages: "Уведомления",
    to_preferences: "Настроить уведомления",
    preferences: "Настройка уведомлений",
    preferences_lead: "О чём сообщать и куда. Коды, которые вы запрашиваете сами, приходят всегда.",
    about: "О чём",
    here: "Кабинет",
    always: "всегда",
    sign_in: "Вход",
    sign_in_lead: "Вход из нового браузера, неверные ответы, отклонённый вход, резервные коды",
    credentials: "Способы входа",
    credentials_lead: "Добавлен, изменён, удалён или отключён",
    account: "Учётная запись",
    account_lead: "Восстановление доступа, контакты, блокировка, закрытие, эти настройки",
    other: "Другое",
    email: "Почта",
    sms: "СМС",
    push: "Приложение",
    why_account: "Об учётной записи мы сообщаем на все ваши адреса: иначе тот, кто вошёл вместо вас, сначала отключил бы уведомления.",
    why_one: "Хотя бы один адрес остаётся включённым для каждой строки.",
    why_here: "В кабинете уведомления остаются всегда.",
    why_told: "Если что-то отключить, мы сообщим об этом на все адреса.",
    save: "Сохранить",
    saved: "Настройки уведомлений сохранены.",
    one_stays: "Оставьте в каждой строке хотя бы один адрес: иначе о чужом входе вы не узнаете.",
};

pub(super) static EN: ToldTexts = ToldTexts {
    messages: "Notifications",
    messages_lead: "What we told you about your account, the newest first. Codes and links to sign in by are never here.",
    none: "There are none yet.",
    to_messages: "Notifications",
    to_preferences: "Choose notifications",
    preferences: "Notification settings",
    preferences_lead: "What to tell you of, and where. Codes that you ask for yourself always come.",
    about: "About",
    here: "Cabinet",
    always: "always",
    sign_in: "Signing in",
    sign_in_lead: "A new browser, wrong answers, a sign-in that was denied, backup codes",
    credentials: "Ways to sign in",
    credentials_lead: "Added, changed, removed or switched off",
    account: "The account",
    account_lead: "Recovery, contacts, locking, closing, these settings",
    other: "Other",
    email: "E-mail",
    sms: "SMS",
    push: "App",
    why_account: "Of the account itself we tell all your addresses: else whoever got in instead of you would begin by switching us off.",
    why_one: "In each row one address at least stays on.",
    why_here: "In the cabinet notifications always stay.",
    why_told: "When you switch something off, we tell all your addresses so.",
    save: "Save",
    saved: "Your notification settings are saved.",
    one_stays: "Leave one address on in each row: else you would not hear of a stranger's sign-in.",
};
