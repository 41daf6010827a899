//! What the portal says, in both languages. A text that one language lacks does not compile.
//!
//! The library has its own texts for refusals (`Refusal::text`) and messages (`Message::text`). What depends on the
//! page, on numbers or on grammar is the application's, and stands here.

mod en;
pub mod ending;
pub mod front;
pub mod life;
pub mod link;
mod portal;
mod ru;
pub mod several;
#[cfg(test)]
mod tests;
pub mod told;
pub mod ways;

use std::time::Duration;

use propusk::device::Device;
use propusk::event::Event;
use propusk::factor::Reason;
use propusk::flow::{Code, Refusal};
use propusk::message::Locale;
use propusk::policy::password::Rule;
use propusk::proof::Due;

use self::ending::Ending;
use self::front::Front;
use self::life::Life;
use self::link::LinkTexts;
use self::several::Several;
use self::told::ToldTexts;
use self::ways::Ways;
use crate::asks::Ask;

pub use portal::{Portal, Service};

/// One language.
#[derive(Debug)]
pub struct Texts {
    pub locale: Locale,
    // The frame.
    pub brand: &'static str,
    pub skip: &'static str,
    pub demo: &'static str,
    pub demo_link: &'static str,
    pub menu: &'static str,
    pub language_to: &'static str,
    pub footer: &'static str,
    pub error_title: &'static str,
    pub problems: &'static str,
    // Navigation and the titles of pages.
    pub home: &'static str,
    pub sessions: &'static str,
    pub history: &'static str,
    pub password: &'static str,
    pub security: &'static str,
    pub outbox: &'static str,
    pub sign_in: &'static str,
    pub sign_up: &'static str,
    pub sign_out: &'static str,
    // The front page.
    pub welcome: &'static str,
    pub welcome_lead: &'static str,
    pub tiles: [(&'static str, &'static str); 3],
    // Signing in.
    pub identifier: &'static str,
    pub identifier_hint: &'static str,
    pub password_label: &'static str,
    pub public_device: &'static str,
    pub public_device_hint: &'static str,
    pub sign_in_wrong: &'static str,
    pub sign_in_first: &'static str,
    pub no_account_yet: &'static str,
    pub have_account: &'static str,
    // Proofs, one at a time.
    pub asked: [Asked; 7],
    pub code_sent_to: &'static str,
    pub code_none: &'static str,
    pub resend: &'static str,
    pub resent: &'static str,
    pub other_way: &'static str,
    pub start_over: &'static str,
    pub page_too_old: &'static str,
    pub confirm: &'static str,
    // Registration.
    pub sign_up_lead: &'static str,
    pub contact: &'static str,
    pub contact_hint: &'static str,
    pub name: &'static str,
    pub name_hint: &'static str,
    pub birth_date: &'static str,
    pub birth_date_hint: &'static str,
    pub terms: &'static str,
    pub get_code: &'static str,
    pub choose_password: &'static str,
    pub new_password: &'static str,
    pub rules_title: &'static str,
    pub finish: &'static str,
    pub welcome_new: &'static str,
    // Home.
    pub hello: &'static str,
    pub login_names: &'static str,
    pub level: &'static str,
    pub levels: [&'static str; 3],
    pub this_session: &'static str,
    pub session_ends: &'static str,
    pub proven_by: &'static str,
    // Sessions.
    pub sessions_lead: &'static str,
    pub here: &'static str,
    pub began: &'static str,
    pub seen: &'static str,
    pub address: &'static str,
    pub end: &'static str,
    pub end_others: &'static str,
    pub only_session: &'static str,
    pub session_ended: &'static str,
    pub others_ended: &'static str,
    pub no_such_session: &'static str,
    pub unknown_device: &'static str,
    pub in_app: &'static str,
    // History.
    pub history_lead: &'static str,
    pub nothing_yet: &'static str,
    pub older: &'static str,
    pub newest: &'static str,
    pub not_you: &'static str,
    // Change of password.
    pub password_lead: &'static str,
    pub current_password: &'static str,
    pub current_wrong: &'static str,
    pub current_proven: &'static str,
    pub change_password: &'static str,
    pub password_changed: &'static str,
    // A password that must be changed at a sign-in.
    pub due_expired: &'static str,
    pub due_temporary: &'static str,
    pub due_compromised: &'static str,
    pub change_and_sign_in: &'static str,
    // Ways to sign in.
    pub security_lead: &'static str,
    pub ways_in: &'static [(&'static str, WayIn)],
    pub way_on: &'static str,
    pub way_off: &'static str,
    pub way_added: &'static str,
    pub messages_title: &'static str,
    pub messages_lead: &'static str,
    pub device_scan: &'static str,
    pub device_qr: &'static str,
    pub device_here: &'static str,
    pub device_key: &'static str,
    pub device_confirm: &'static str,
    pub key_lead: &'static str,
    pub key_lead_more: &'static str,
    pub key_make: &'static str,
    pub key_use: &'static str,
    pub key_sign_in: &'static str,
    pub key_stopped: &'static str,
    pub key_failed: &'static str,
    pub key_known: &'static str,
    pub key_no_script: &'static str,
    pub key_dead: &'static str,
    pub codes_lead: &'static str,
    pub codes_keep: &'static str,
    pub codes_ends: &'static str,
    pub codes_saved: &'static str,
    pub codes_made: &'static str,
    pub cancel: &'static str,
    // The outbox.
    pub outbox_lead: &'static str,
    pub outbox_empty: &'static str,
    pub refresh: &'static str,
    pub sms: &'static str,
    pub email: &'static str,
    // Other ends.
    pub signed_out: &'static str,
    pub not_found: &'static str,
    pub not_found_lead: &'static str,
    pub form_refused: &'static str,
    pub form_refused_lead: &'static str,
    pub broken: &'static str,
    pub broken_lead: &'static str,
    pub to_front: &'static str,
    pub portal: Portal,
    // The frame, and help with typing: `texts/front.rs`.
    pub front: &'static Front,
    // Of the account itself: `texts/ending.rs`.
    pub ending: &'static Ending,
    // Around a link in a letter: `texts/link.rs`.
    pub link: &'static LinkTexts,
    // A loss, contacts, and what an owner objects to: `texts/life.rs`.
    pub life: &'static Life,
    // Several accounts in one browser: `texts/several.rs`.
    pub several: &'static Several,
    // What the account was told, and wants to be told of: `texts/told.rs`.
    pub told: &'static ToldTexts,
    // What one signs in with: `texts/ways.rs`.
    pub ways: &'static Ways,
}

/// How the page for one proof asks for it.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub title: &'static str,
    pub lead: &'static str,
    pub label: &'static str,
    pub hint: &'static str,
    /// Not right, and why that may be.
    pub wrong: &'static str,
    pub malformed: &'static str,
    pub replayed: &'static str,
    /// As a way beside the one that is asked for; where a message would go is added.
    pub way: &'static str,
}

/// A factor on the page of ways to sign in.
#[derive(Clone, Copy, Debug)]
pub struct WayIn {
    pub title: &'static str,
    pub lead: &'static str,
    /// The button when there is none yet, and when there is one.
    pub add: &'static str,
    pub another: &'static str,
    /// The title of the page on which it is added.
    pub new: &'static str,
}

impl Texts {
    /// The texts of a language.
    pub fn of(locale: Locale) -> &'static Self {
        match locale {
            Locale::Ru => &ru::TEXTS,
            _ => &en::TEXTS,
        }
    }

    /// For the `lang` attribute.
    pub fn lang(&self) -> &'static str {
        self.locale.tag()
    }

    /// What a refusal means and what to do, with how long to wait, if one must. The library's own text says it for
    /// any page; where the page knows better what was asked for (the `field`), it says so.
    pub fn refusal(&self, why: &Refusal, until: Option<&str>, field: &str) -> String {
        let asked = ASKS.into_iter().find(|ask| ask.field() == field).map(|ask| self.asked(ask));
        let text = match (why.code, asked) {
            (Code::Waiting, Some(_)) if field == Ask::Link.field() => self.link.waiting,
            (Code::Answer(Reason::Wrong), Some(asked)) => asked.wrong,
            (Code::Answer(Reason::Malformed), Some(asked)) => asked.malformed,
            (Code::Answer(Reason::Replayed), Some(asked)) => asked.replayed,
            (Code::Answer(Reason::Wrong), None) if field == "current_password" => self.current_wrong,
            (Code::Answer(Reason::Wrong), None) => self.sign_in_wrong,
            (Code::Identifier(_), None) if field == "contact" => self.life.no_contact,
            (Code::HumanNeeded | Code::HumanWrong, _) => self.front.not_checked,
            _ => why.text(self.locale),
        };
        match (why.retry_after, until) {
            (Some(wait), Some(until)) => format!("{text} {}", self.wait(wait, until)),
            _ => text.to_owned(),
        }
    }

    /// How a proof is asked for.
    pub fn asked(&self, ask: Ask) -> Asked {
        let [password, message, app, token, paper, key, link] = self.asked;
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

    /// Why a new password is asked for at a sign-in.
    pub fn due(&self, why: Option<Due>) -> &'static str {
        match why {
            Some(Due::Temporary) => self.due_temporary,
            Some(Due::Compromised) => self.due_compromised,
            Some(_) => self.due_expired,
            None => "",
        }
    }

    /// What the page of ways to sign in says of a factor.
    pub fn way_in(&self, factor: &str) -> Option<WayIn> {
        self.ways_in.iter().find(|(name, _)| *name == factor).map(|(_, words)| *words)
    }

    /// How many backup codes are left.
    pub fn codes_left(&self, left: usize) -> String {
        match self.locale {
            _ if left == 0 => self.ways.codes_none.to_owned(),
            Locale::Ru => format!("Осталось кодов: {left}"),
            _ => format!("Codes left: {left}"),
        }
    }

    /// So many days, after "within".
    pub fn days(&self, span: Duration) -> String {
        let days = span.as_secs().div_ceil(24 * 3600);
        match self.locale {
            Locale::Ru => ru::counted(days, "дня", "дней", "дней"),
            _ => en::count(days, "day"),
        }
    }

    /// The wish that a browser be trusted for so many days.
    pub fn trust(&self, days: u64) -> String {
        match self.locale {
            Locale::Ru => {
                let days = ru::counted(days, "день", "дня", "дней");
                format!("Не спрашивать второй шаг в этом браузере {days}")
            }
            _ => format!("Do not ask for a second step in this browser for {}", en::count(days, "day")),
        }
    }

    /// In how many browsers one is signed in.
    pub fn devices(&self, number: usize) -> String {
        match self.locale {
            Locale::Ru => {
                format!(
                    "Кабинет открыт в {}",
                    ru::counted(number as u64, "браузере", "браузерах", "браузерах")
                )
            }
            _ => format!("Signed in with {}", en::count(number as u64, "browser")),
        }
    }

    /// How many sign-ins were refused lately; `more`: at least so many.
    pub fn refusals(&self, number: usize, more: bool) -> String {
        match self.locale {
            Locale::Ru => {
                let at_least = if more { "не меньше " } else { "" };
                format!("Неудачные попытки входа с прошлого раза: {at_least}{number}")
            }
            _ => {
                let at_least = if more { "at least " } else { "" };
                format!("Refused sign-ins since your last one: {at_least}{number}")
            }
        }
    }

    /// A rule for passwords, in words.
    pub fn rule(&self, rule: &Rule) -> String {
        let number = |name: &str| rule.params.get(name).copied().unwrap_or_default();
        self.rule_in_words(rule.rule.as_str(), number)
    }

    /// The rule that a new password is none of the last ones, the present one among them.
    pub fn earlier_passwords(&self, remembered: usize) -> String {
        let last = u64::try_from(remembered).unwrap_or(u64::MAX);
        self.rule_in_words(if last > 1 { "reused" } else { "same" }, |_| last)
    }

    /// A rule that was broken: what to do about it.
    pub fn broken_rule(&self, rule: &Rule) -> String {
        rule.text(self.locale).unwrap_or_else(|| self.rule(rule))
    }

    /// What an event tells, for the history.
    pub fn event(&self, event: &Event) -> String {
        portal::event(event, self.locale).map_or_else(|| event.name.to_string(), str::to_owned)
    }

    /// By which factor, for the history.
    pub fn factor<'a>(&self, name: &'a str) -> &'a str {
        match (name, self.locale) {
            ("password", Locale::Ru) => "пароль",
            ("totp", Locale::Ru) => "код из приложения",
            ("hotp", Locale::Ru) => "код из генератора",
            ("backup-code", Locale::Ru) => "резервный код",
            ("passkey", Locale::Ru) => "ключ доступа",
            ("approval", Locale::Ru) => "подтверждение на другом устройстве",
            ("totp", _) => "code from the application",
            ("hotp", _) => "code from the token",
            ("backup-code", _) => "backup code",
            ("approval", _) => "approval on another device",
            ("email-link", Locale::Ru) => "ссылка из письма",
            ("email-link", _) => "link by e-mail",
            ("sms-code", Locale::Ru) => "код из СМС",
            ("email-code", Locale::Ru) => "код из письма",
            ("sms-code", _) => "code by SMS",
            ("email-code", _) => "code by e-mail",
            (other, _) => other,
        }
    }

    /// Why something was refused, for the history.
    pub fn reason<'a>(&self, code: &'a str) -> &'a str {
        match self.locale {
            Locale::Ru => ru::reason(code),
            _ => en::reason(code),
        }
        .unwrap_or(code)
    }

    /// A device, for the list of sessions and the history.
    pub fn device(&self, device: &Device) -> String {
        match (device.browser.as_str(), device.system.as_str()) {
            ("unknown", "unknown") => self.unknown_device.to_owned(),
            ("app", "unknown") => self.in_app.to_owned(),
            ("app", system) => format!("{}, {system}", self.in_app),
            _ => device.summary(),
        }
    }

    /// A span in words, rounded up: nobody is told to come back too early.
    pub fn span(&self, span: Duration) -> String {
        let seconds = span.as_millis().div_ceil(1000).max(1) as u64;
        let (number, unit) = match seconds {
            0..=90 => (seconds, Unit::Second),
            91..=5400 => (seconds.div_ceil(60), Unit::Minute),
            _ => (seconds.div_ceil(3600), Unit::Hour),
        };
        match self.locale {
            Locale::Ru => ru::span(number, unit),
            _ => en::span(number, unit),
        }
    }

    /// What a title says to somebody who comes by name.
    pub fn greeting(&self, name: &str) -> String {
        format!("{}, {name}", self.hello)
    }

    fn wait(&self, span: Duration, until: &str) -> String {
        match self.locale {
            Locale::Ru => format!("Повторить можно через {}: {until}.", self.span(span)),
            _ => format!("You can try again in {}: {until}.", self.span(span)),
        }
    }

    fn rule_in_words(&self, name: &str, number: impl Fn(&str) -> u64) -> String {
        match self.locale {
            Locale::Ru => ru::rule(name, number),
            _ => en::rule(name, number),
        }
        .unwrap_or_else(|| name.to_owned())
    }
}

const ASKS: [Ask; 7] = [Ask::Password, Ask::Message, Ask::App, Ask::Token, Ask::Paper, Ask::Key, Ask::Link];

/// What a span is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Second,
    Minute,
    Hour,
}
