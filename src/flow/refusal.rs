use std::time::Duration;

use crate::account::identifier::IdentifierError;
use crate::factor::Reason;
use crate::message::Locale;
use crate::policy::password::Rule;

/// A "no": what a person can do about it, and a stable code for a program. Tells an attacker nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("refused: {}", code.as_str())]
#[non_exhaustive]
pub struct Refusal {
    /// Why.
    pub code: Code,
    /// Not before this.
    pub retry_after: Option<Duration>,
    /// The rules that a new secret breaks.
    pub rules: Vec<Rule>,
}

impl Refusal {
    /// A refusal by its code.
    pub const fn new(code: Code) -> Self {
        Self { code, retry_after: None, rules: Vec::new() }
    }

    pub(crate) const fn after(mut self, retry_after: Duration) -> Self {
        self.retry_after = Some(retry_after);
        self
    }

    /// What it means and what to do, for a person.
    #[must_use]
    pub fn text(&self, locale: Locale) -> &'static str {
        let (en, ru) = self.code.texts();
        match locale {
            Locale::En => en,
            Locale::Ru => ru,
        }
    }
}

/// Why a step was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// The factor refused the answer.
    Answer(Reason),
    /// The login name has no form of one.
    Identifier(IdentifierError),
    /// One cannot register with this kind of address here.
    ContactKind,
    /// The name is empty, too long, or has signs in it that deceive.
    Name,
    /// The terms were not accepted.
    Terms,
    /// The new secret breaks rules.
    Unfit,
    /// Too many wrong answers: held for a while.
    Held,
    /// Too many wrong answers from unknown browsers: refused until the owner comes in another way.
    Spent,
    /// The server has too much to compute.
    Busy,
    /// Too many steps from this network.
    Throttled,
    /// Too many messages to this address, or too soon after the last.
    TooSoon,
    /// There is no such flow: it is over, too old, or belongs to another browser.
    NoFlow,
    /// The flow does not offer that now.
    NotOffered,
    /// What the flow was begun on has changed: begin again.
    Stale,
    /// The address has an account already. Told only to who has just proven to hold the address.
    Taken,
    /// Not signed in.
    NoSession,
    /// The other device has not answered yet.
    Waiting,
    /// Somebody has answered this already, or the letter is too long.
    Mailbox,
}

impl Code {
    /// The stable code in JSON, events and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answer(reason) => reason.code(),
            Self::Identifier(error) => error.code(),
            Self::ContactKind => "contact_kind",
            Self::Name => "name",
            Self::Terms => "terms",
            Self::Unfit => "unfit",
            Self::Held => "held",
            Self::Spent => "spent",
            Self::Busy => "busy",
            Self::Throttled => "throttled",
            Self::TooSoon => "too_soon",
            Self::NoFlow => "no_flow",
            Self::NotOffered => "not_offered",
            Self::Stale => "stale",
            Self::Taken => "taken",
            Self::NoSession => "no_session",
            Self::Waiting => "waiting",
            Self::Mailbox => "mailbox",
        }
    }

    const fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::Answer(Reason::Wrong) => (
                "The name or the answer is wrong. Check both and try again.",
                "Неверное имя или ответ. Проверьте и попробуйте ещё раз.",
            ),
            Self::Answer(Reason::Malformed) => (
                "The answer does not have the form that is asked for.",
                "Ответ не той формы, о которой просили.",
            ),
            Self::Answer(Reason::Expired) => {
                ("The code is too old. Ask for a new one.", "Код устарел. Запросите новый.")
            }
            Self::Answer(Reason::UsedUp) => (
                "This code has been tried too often. Ask for a new one.",
                "Слишком много попыток с этим кодом. Запросите новый.",
            ),
            Self::Answer(Reason::Replayed) => {
                ("This was used already. Continue where you are signed in.", "Это уже использовано.")
            }
            Self::Answer(Reason::NotBegun) => ("Ask for a code first.", "Сначала запросите код."),
            Self::Identifier(_) => (
                "That is no phone number, e-mail address or user name. Check for missing or extra signs.",
                "Это не телефон, не адрес почты и не имя. Проверьте, нет ли лишних или пропущенных знаков.",
            ),
            Self::ContactKind => {
                ("Register with a phone number or an e-mail address.", "Укажите телефон или адрес почты.")
            }
            Self::Name => ("Enter your name as others may read it.", "Введите имя, как его увидят другие."),
            Self::Terms => ("Accept the terms to register.", "Чтобы зарегистрироваться, примите условия."),
            Self::Unfit => (
                "Choose another one: see what is missing.",
                "Выберите другой: ниже сказано, чего не хватает.",
            ),
            Self::Held => (
                "Too many wrong answers in a row. Wait and try again, or sign in from a browser that you used before.",
                "Слишком много неверных ответов подряд. Подождите или войдите из браузера, которым уже пользовались.",
            ),
            Self::Spent => (
                "Too many wrong answers. Sign in from a browser that you used before, or recover access.",
                "Слишком много неверных ответов. Войдите из браузера, которым уже пользовались, или восстановите доступ.",
            ),
            Self::Busy => {
                ("The server is busy. Try again in a moment.", "Сервер занят. Повторите чуть позже.")
            }
            Self::Throttled => (
                "Too many attempts from your network. Wait a little.",
                "Слишком много попыток из вашей сети. Подождите.",
            ),
            Self::TooSoon => (
                "A message was sent already. Wait before asking for another.",
                "Сообщение уже отправлено. Подождите.",
            ),
            Self::NoFlow => (
                "This attempt is over or was begun in another browser. Begin again.",
                "Эта попытка окончена или начата в другом браузере. Начните заново.",
            ),
            Self::NotOffered => (
                "That is not possible here. Choose another way.",
                "Здесь так нельзя. Выберите другой способ.",
            ),
            Self::Stale => (
                "Something changed in between. Begin again.",
                "За это время что-то изменилось. Начните заново.",
            ),
            Self::Taken => {
                ("You already have an account. Sign in.", "У вас уже есть учётная запись. Войдите.")
            }
            Self::NoSession => ("Sign in first.", "Сначала войдите."),
            Self::Waiting => ("Confirm on the other device.", "Подтвердите на другом устройстве."),
            Self::Mailbox => ("This request was answered already.", "На этот запрос уже ответили."),
        }
    }
}
