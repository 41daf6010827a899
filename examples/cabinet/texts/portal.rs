//! The texts of the pages behind a sign-in: profile, services, history, browsers; and of the status page.

mod en;
mod ru;

use propusk::event::{Event, Outcome};
use propusk::message::Locale;

/// One language.
#[derive(Debug)]
pub struct Portal {
    // Navigation and the titles of pages.
    pub profile: &'static str,
    pub services: &'static str,
    pub status: &'static str,
    // Home.
    pub to_do: &'static str,
    pub all_done: &'static str,
    pub no_second: &'static str,
    pub no_second_why: &'static str,
    pub no_codes: &'static str,
    pub no_codes_why: &'static str,
    pub few_codes_why: &'static str,
    pub to_security: &'static str,
    pub last_sign_ins: &'static str,
    pub now: &'static str,
    pub whole_history: &'static str,
    pub to_sessions: &'static str,
    pub refusals_why: &'static str,
    pub to_refusals: &'static str,
    pub all_services: &'static str,
    // Profile.
    pub profile_lead: &'static str,
    pub name: &'static str,
    pub contacts: &'static str,
    pub in_full: &'static str,
    pub login_too: &'static str,
    pub levels: [&'static str; 3],
    pub level_next: &'static str,
    pub level_highest: &'static str,
    pub registered: &'static str,
    pub languages: &'static str,
    pub pages_in: &'static str,
    pub messages_in: &'static str,
    pub language_name: &'static str,
    pub fixed: &'static str,
    // Services.
    pub services_lead: &'static str,
    pub application: Service,
    pub fine: Service,
    pub record: Service,
    pub application_text: &'static str,
    pub application_hint: &'static str,
    pub application_bad: &'static str,
    pub application_many: &'static str,
    pub application_filed: &'static str,
    pub level_missing: &'static str,
    pub level_missing_do: &'static str,
    pub level_yours: &'static str,
    pub to_desk: &'static str,
    pub fine_what: &'static str,
    pub fine_amount: &'static str,
    pub fine_sum: &'static str,
    pub fine_payee: &'static str,
    pub fine_payee_name: &'static str,
    pub fine_number: &'static str,
    pub fine_asks: &'static str,
    pub fine_not_yet: &'static str,
    pub fine_paid: &'static str,
    pub fine_paid_since: &'static str,
    pub fine_paid_before: &'static str,
    pub record_proven: &'static str,
    pub record_ordered: &'static str,
    pub yours: &'static str,
    // The desk.
    pub desk: &'static str,
    pub desk_lead: &'static str,
    pub desk_do: &'static str,
    pub desk_button: &'static str,
    pub desk_done: &'static str,
    pub desk_before: &'static str,
    // History.
    pub filter: &'static str,
    pub from: &'static str,
    pub to: &'static str,
    pub device: &'static str,
    pub result: &'static str,
    pub any_device: &'static str,
    pub any_result: &'static str,
    pub results: [&'static str; 3],
    pub show: &'static str,
    pub clear: &'static str,
    pub csv: &'static str,
    pub csv_hint: &'static str,
    pub not_a_date: &'static str,
    pub dates_crossed: &'static str,
    pub nothing_fits: &'static str,
    pub look_on: &'static str,
    pub looked: &'static str,
    pub columns: [&'static str; 9],
    // Known browsers.
    pub sessions_lead: &'static str,
    pub browsers: &'static str,
    pub browsers_lead: &'static str,
    pub browser_seen: &'static str,
    pub browser_until: &'static str,
    pub browser_unknown: &'static str,
    pub browsers_none: &'static str,
    pub forget: &'static str,
    pub forgotten: &'static str,
    pub no_such_browser: &'static str,
    // Status.
    pub status_good: &'static str,
    pub status_good_lead: &'static str,
    pub status_bad: &'static str,
    pub status_bad_lead: &'static str,
    pub status_pages: &'static str,
    pub status_store: &'static str,
    pub works: &'static str,
    pub fails: &'static str,
    pub looked_at: &'static str,
    pub look_again: &'static str,
    // On paper only.
    pub printed: &'static str,
}

/// One of the services.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    pub title: &'static str,
    pub lead: &'static str,
    pub needs: &'static str,
    pub button: &'static str,
}

impl Portal {
    pub(super) const RU: Self = ru::TEXTS;
    pub(super) const EN: Self = en::TEXTS;

    /// How something ended.
    pub fn outcome(&self, outcome: Outcome) -> &'static str {
        let [done, refused, timed_out] = self.results;
        match outcome {
            Outcome::Done => done,
            Outcome::Refused => refused,
            _ => timed_out,
        }
    }
}

/// What an event tells. One that the portal has no words for is told by its name.
pub(super) fn event(event: &Event, locale: Locale) -> Option<&'static str> {
    let refused = event.outcome != Outcome::Done;
    let password = event.factor.as_ref().is_some_and(|factor| factor.as_str() == "password");
    let during = event.during.as_ref().map(|name| name.as_str());
    let (ru, en) = match (event.name.as_str(), refused) {
        ("sign-up", false) => ("Регистрация", "Registration"),
        ("sign-up", true) => ("Регистрация: код не принят", "Registration: code refused"),
        ("account-imported", _) => {
            ("Учётная запись перенесена из другой системы", "Account brought in from another system")
        }
        ("sign-in", false) => ("Вход", "Sign-in"),
        ("sign-in", true) => ("Вход не удался", "Sign-in refused"),
        ("factor-proven", _) => match during {
            Some("sign-in") => ("Первый шаг входа", "First step of a sign-in"),
            Some("credential-added") => {
                ("Подтверждение перед добавлением способа входа", "Proof before a way to sign in was added")
            }
            Some("credential-changed") if password => {
                ("Подтверждение нынешним паролем перед сменой", "Present password given before its change")
            }
            Some("credential-changed") => {
                ("Подтверждение перед заменой способа входа", "Proof before a way to sign in was replaced")
            }
            Some("credential-removed") => {
                ("Подтверждение перед удалением способа входа", "Proof before a way to sign in was removed")
            }
            Some("transaction-approved") => {
                ("Первый шаг подтверждения операции", "First step of an approval")
            }
            Some("sign-up") => ("Подтверждён контакт", "Contact confirmed"),
            Some("recovery") => {
                ("Подтверждение при восстановлении доступа", "Proof while access was restored")
            }
            Some("contact-changed" | "contact-removed" | "contact-preferred") => {
                ("Подтверждение перед изменением контактов", "Proof before contacts were changed")
            }
            _ => ("Подтверждение личности", "Proof of identity"),
        },
        ("credential-changed", false) if password => ("Пароль изменён", "Password changed"),
        ("credential-changed", true) if password => {
            ("Пароль изменить не удалось", "Change of password refused")
        }
        ("credential-changed", false) => ("Заменён способ входа", "A way to sign in was replaced"),
        ("credential-changed", true) => {
            ("Заменить способ входа не удалось", "Replacing a way to sign in: refused")
        }
        ("credential-issued", _) => ("Выдан временный пароль", "A temporary password was issued"),
        ("credential-compromised", _) => {
            ("Пароль помечен как известный другим", "The password was marked as known to others")
        }
        ("personal-data-set", _) => ("Заданы имя и дата рождения", "Name and birth date set"),
        ("credential-added", false) => ("Добавлен способ входа", "A way to sign in was added"),
        ("credential-added", true) => {
            ("Добавить способ входа не удалось", "Adding a way to sign in: refused")
        }
        ("credential-removed", false) => ("Удалён способ входа", "A way to sign in was removed"),
        ("credential-removed", true) => {
            ("Удалить способ входа не удалось", "Removing a way to sign in: refused")
        }
        ("recovery", false) => ("Доступ восстановлен", "Access restored"),
        ("recovery", true) => ("Восстановить доступ не удалось", "Restoring access: refused"),
        ("recovery-waits", _) => ("Восстановление доступа ждёт срока", "A recovery began to wait"),
        ("recovery-stopped", _) => ("Восстановление доступа остановлено", "A recovery was stopped"),
        ("contact-changed", false) => ("Добавлен или заменён контакт", "A contact was added or replaced"),
        ("contact-changed", true) => ("Изменить контакты не удалось", "Changing contacts: refused"),
        ("contact-removed", false) => ("Удалён контакт", "A contact was removed"),
        ("contact-removed", true) => ("Удалить контакт не удалось", "Removing a contact: refused"),
        ("contact-preferred", false) => ("Сменился основной контакт", "The main contact is another one"),
        ("contact-preferred", true) => {
            ("Сменить основной контакт не удалось", "Choosing the main contact: refused")
        }
        ("contact-undone", _) => ("Изменение контактов отменено", "A change of contacts was undone"),
        ("step-up", false) => ("Дополнительное подтверждение", "More was proven in this session"),
        ("step-up", true) => ("Дополнительное подтверждение не принято", "Proving more: refused"),
        ("transaction-approved", false) => ("Подтверждена операция", "A transaction was approved"),
        ("transaction-approved", true) => {
            ("Подтверждение операции не принято", "Approval of a transaction: refused")
        }
        ("browser-trusted", _) => ("Браузер стал доверенным", "The browser is trusted from now on"),
        ("answered-elsewhere", _) => {
            ("Ответ на вход с другого устройства", "Answered a sign-in on another device")
        }
        ("sign-out", _) => ("Выход", "Sign-out"),
        ("account-switched", _) => {
            ("Переключение на эту учётную запись", "Switched to this account in a browser")
        }
        ("session-refresh", _) => ("Ключ входа использован дважды", "The key of a sign-in was used twice"),
        ("session-ended", _) => ("Завершён другой сеанс", "Another session was ended"),
        ("other-sessions-ended", _) => ("Завершены все остальные сеансы", "All other sessions were ended"),
        ("browser-forgotten", _) => ("Удалён знакомый браузер", "A known browser was forgotten"),
        ("preferences-set", _) => ("Изменены уведомления", "Notices were changed"),
        ("notice-undelivered", _) => ("Уведомление не доставлено", "A notice was not delivered"),
        ("level-set", _) => ("Установлен уровень учётной записи", "Level of the account set"),
        ("account-locked", _) => ("Учётная запись заблокирована", "Account locked"),
        ("account-unlocked", _) => ("Блокировка снята", "Lock lifted"),
        ("account-closing", _) => ("Учётная запись закрыта", "Account closed"),
        ("account-reopened", _) => ("Учётная запись снова открыта", "Account opened again"),
        ("account-closed", _) => ("Учётная запись удалена", "Account erased"),
        ("account-disabled", _) => ("Учётная запись отключена", "Account switched off"),
        ("account-enabled", _) => ("Учётная запись включена", "Account switched on"),
        ("cabinet:application-filed", _) => ("Подано заявление", "Application filed"),
        ("cabinet:fine-paid", _) => ("Оплачен штраф", "Fine paid"),
        ("cabinet:extract-ordered", _) => ("Заказана выписка", "Extract ordered"),
        _ => return None,
    };
    Some(if locale == Locale::Ru { ru } else { en })
}
